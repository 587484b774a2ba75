//! Sizes are compared with the memory before anything of that size is made.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The peak of a process's memory so far, in KiB; `None` once it has ended.
fn peak(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// The message of a command with so many GiB of addresses, which may use a small part of them before it is refused.
fn refused(folder: &Path, gibibytes: usize, arguments: &str) -> String {
    let (limit, program) = (gibibytes << 20, env!("CARGO_BIN_EXE_bea"));
    let line = format!("ulimit -v {limit}; exec {program} {arguments}");
    let mut child = Command::new("sh")
        .args(["-c", &line])
        .current_dir(folder)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        most = most.max(peak(child.id()).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(1));
    }
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{arguments}: {error}");
    assert!(most < 200 << 10, "{arguments}: {most} KiB");
    error.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn descriptions_of_large_networks_are_refused_before_they_are_made() {
    let place = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(place.path().join(name), text).unwrap();
    let head = "loss = \"cross_entropy\"\ninput = [4]\n";
    let tokens = "loss = \"cross_entropy\"\ninput = [4, 1]\narchitecture = \"transformer\"\nout = 3\nwidth = 1\nheads = 1\n";
    let image = "loss = \"mse\"\ninput = [1, 2, 2]\n";
    for (text, said) in [
        // Parameters, of layers and of an embedding.
        (
            format!("{head}architecture = \"mlp\"\nhidden = [40000, 40000]\nout = 3\n"),
            "GiB of memory",
        ),
        (
            format!(
                "{head}layer = [{{ type = \"embedding\", vocabulary = 16777216, width = 100 }}, {{ type = \"mean_tokens\" }}, {{ type = \"linear\", out = 3 }}]\n"
            ),
            "GiB of memory",
        ),
        // Layers with names of their own.
        (format!("{tokens}blocks = 16777216\n"), "`blocks` must be at most 1024"),
        // What a layer gives for one example.
        (
            format!(
                "{image}layer = [{{ type = \"conv2d\", out = 64, kernel = 1, padding = 2000 }}, {{ type = \"global_avg_pool\" }}, {{ type = \"linear\", out = 1 }}]\n"
            ),
            "GiB of memory",
        ),
        // A target of each of very many outputs.
        (format!("{head}layer = [{{ type = \"linear\", out = 16777216 }}]\n"), "GiB of memory"),
        // Batch norms of very many channels, which have statistics of their own.
        (
            format!(
                "{head}layer = [{{ type = \"linear\", out = 16777216 }}, {{ type = \"batch_norm\", mode = \"running\" }}, {{ type = \"linear\", out = 3 }}]\n"
            ),
            "GiB of memory",
        ),
    ] {
        write("net.toml", &text);
        let data = if text.contains("1, 2, 2") { "gaussian:3x4" } else { "iris" };
        let message =
            refused(place.path(), 3, &format!("evaluate --network net.toml --data {data}"));
        assert!(message.contains(said), "{message}");
        write(
            "run.toml",
            &format!(
                "network = \"net.toml\"\ndata = \"{data}\"\n[train]\nmethod = \"gd\"\nlr = 0.1\nsteps = 1\n"
            ),
        );
        let message = refused(place.path(), 3, "run run.toml --out r");
        assert!(message.contains(said), "{message}");
        assert!(!place.path().join("r").exists());
    }
    let message = refused(place.path(), 1, "data gaussian:16384x16384");
    assert!(message.contains("more than there is"), "{message}");
}
