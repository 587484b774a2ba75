//! What tests need besides Rust and a C compiler, which `tests/run` brings. A test that goes without it says so on the
//! standard error, past the harness, and in `target/not-tested.txt`, which `tests/run` prints at its end. In continuous
//! integration (`CI` is set) nothing may be missing.
// Each test file uses some of these.
#![allow(dead_code)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Python with the packages of `tests/requirements.txt` and no others.
pub fn python() -> Option<Command> {
    let program = target().join("python/bin/python");
    if !program.is_file() {
        return not_tested(
            "there is no Python with NumPy, SciPy, SymPy and Typst: `tests/run` makes one",
        );
    }
    let mut command = Command::new(program);
    command.env_remove("PYTHONPATH").env_remove("PYTHONHOME").env("PYTHONDONTWRITEBYTECODE", "1");
    Some(command)
}

/// The folder of the real Fashion-MNIST, where Debian's package puts it.
pub fn fashion_mnist() -> Option<&'static str> {
    let folder = "/usr/share/datasets/fashion-mnist";
    if Path::new(folder).is_dir() {
        return Some(folder);
    }
    not_tested("there is no Fashion-MNIST: `apt-get install dataset-fashion-mnist` brings it")
}

/// The first of some programs that is installed.
pub fn program(names: &[&'static str]) -> Option<&'static str> {
    let says = |name: &str, option: &str| {
        let output = Command::new(name).arg(option).stdin(Stdio::null()).output();
        output.is_ok_and(|output| output.status.success())
    };
    // Poppler's programs know `-v` alone.
    let runs = |name: &&&str| says(name, "--version") || says(name, "-v");
    match names.iter().find(runs) {
        Some(name) => Some(name),
        None => not_tested(&format!("there is no {}", names.join(" or "))),
    }
}

/// Says that the test of this thread was not, or not wholly, run.
fn not_tested<T>(reason: &str) -> Option<T> {
    let thread = std::thread::current();
    let test = format!("{}::{}", env!("CARGO_CRATE_NAME"), thread.name().unwrap_or("?"));
    assert!(std::env::var_os("CI").is_none(), "{test}: {reason}");
    let line = format!("{test}: {reason}\n");
    let file = target().join("not-tested.txt");
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file).unwrap();
    file.write_all(line.as_bytes()).unwrap();
    // The harness captures what `eprintln!` prints.
    std::io::stderr().write_all(format!("not tested: {line}").as_bytes()).unwrap();
    None
}

/// Cargo's target directory.
fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().into()
}
