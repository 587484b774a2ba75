//! Ctrl-C: what has been computed is kept.
#![cfg(unix)]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn bea(folder: &Path, arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bea"));
    command.current_dir(folder).args(arguments).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Whether the process has a handler for SIGINT; Linux says so.
fn listens(id: u32) -> Option<bool> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
    Some(u64::from_str_radix(caught.trim(), 16).ok()? & 0b10 != 0)
}

fn press_ctrl_c(child: &Child) {
    // The shell's own `kill`, since not every system has a program of that name.
    let line = format!("kill -INT {}", child.id());
    assert!(Command::new("sh").args(["-c", &line]).status().unwrap().success());
}

/// Waits until Ctrl-C is listened for, then as long again as `work`.
fn wait_for(child: &mut Child, work: Duration) {
    let begun = Instant::now();
    while listens(child.id()) == Some(false) && begun.elapsed() < Duration::from_secs(60) {
        assert!(child.try_wait().unwrap().is_none(), "it has ended");
        std::thread::sleep(Duration::from_millis(5));
    }
    let known = listens(child.id()).is_some();
    std::thread::sleep(if known { work } else { work + Duration::from_secs(2) });
}

/// Flows in steps so small that they would take days.
const LONG: [&str; 14] = [
    "flow",
    "--loss",
    "rosenbrock",
    "--lr",
    "0.001",
    "--steps",
    "3",
    "--euler",
    "1e-13",
    "--flows",
    "ngf,order:1",
    "--plot",
    "--out",
    "run",
];

#[test]
fn a_flow_leaves_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = bea(folder.path(), &LONG);
    wait_for(&mut child, Duration::from_millis(500));
    press_ctrl_c(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("ngf ended: t = 0.0000") && stdout.contains("interrupted"), "{stdout}");
    assert!(String::from_utf8(output.stderr).unwrap().contains("writing what is there"));
    let run = folder.path().join("run");
    let json = std::fs::read_to_string(run.join("trajectories.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    // Gradient descent itself had time enough.
    assert_eq!(json["flows"]["gd"]["t"].as_array().unwrap().len(), 4);
    assert!(json["flows"]["gd"]["note"].is_null());
    for flow in ["ngf", "order:1"] {
        assert_eq!(json["flows"][flow]["t"].as_array().unwrap().len(), 1, "the start alone");
        let note = json["flows"][flow]["note"].as_str().unwrap();
        assert!(note.ends_with(": interrupted"), "{note}");
    }
    for file in ["trajectories.csv", "trajectories.svg", "trajectories.png"] {
        assert!(run.join(file).is_file(), "{file}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing half-written");
}

#[test]
fn a_flow_of_a_network_leaves_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "flow",
        "--network",
        "mlp:3",
        "--data",
        "iris",
        "--lr",
        "0.1",
        "--steps",
        "3",
        "--euler",
        "1e-10",
        "--flows",
        "ngf,pf",
        "--out",
        "run",
    ];
    let mut child = bea(folder.path(), &arguments);
    wait_for(&mut child, Duration::from_secs(1));
    press_ctrl_c(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let run = folder.path().join("run");
    let json = std::fs::read_to_string(run.join("trajectories.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["flows"]["gd"]["loss"].as_array().unwrap().len(), 4);
    for flow in ["ngf", "pf"] {
        let note = json["flows"][flow]["note"].as_str().unwrap();
        assert!(note.ends_with(": interrupted"), "{note}");
    }
    assert!(run.join("last.safetensors").is_file());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing half-written");
}

/// A run is saved, says so, and goes on as if it had never been interrupted.
#[test]
fn a_run_is_saved_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let description = "network = \"mlp:20,20,elu\"\ndata = \"iris\"\n[train]\nmethod = \"gd\"\nlr = 0.1\n\
        steps = 1000000\n[measure]\nmetrics = [\"loss\", \"lambda\"]\n";
    std::fs::write(folder.path().join("iris.toml"), description).unwrap();
    let mut child = bea(folder.path(), &["run", "iris.toml", "--out", "a"]);
    wait_for(&mut child, Duration::from_millis(300));
    press_ctrl_c(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert!(String::from_utf8(output.stderr).unwrap().contains("--resume goes on from here"));
    let stdout = String::from_utf8(output.stdout).unwrap();
    let steps: usize = stdout
        .strip_prefix("iris interrupted after ")
        .and_then(|rest| rest.split(' ').next()?.parse().ok())
        .unwrap_or_else(|| panic!("{stdout}"));
    assert!((1..1000000).contains(&steps), "{stdout}");
    let metrics = |run: &str| std::fs::read_to_string(folder.path().join(run).join("metrics.csv"));
    assert_eq!(metrics("a").unwrap().lines().count(), steps + 1, "a row a step");
    // The rest, and the same without interruption, but shorter: a few steps more.
    let total = format!("train.steps={}", steps + 5);
    for (arguments, code) in [
        (vec!["run", "iris.toml", "--out", "a", "--resume", "--set", &total], 2),
        (vec!["run", "iris.toml", "--out", "b", "--set", &total], 0),
    ] {
        let output = bea(folder.path(), &arguments).wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "another number of steps is another run");
    }
    let mut child = bea(folder.path(), &["run", "iris.toml", "--out", "a", "--resume"]);
    wait_for(&mut child, Duration::from_millis(300));
    press_ctrl_c(&child);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    let (resumed, whole) = (metrics("a").unwrap(), metrics("b").unwrap());
    assert!(resumed.lines().count() > steps + 1, "it went on");
    let common =
        |text: &str| -> Vec<String> { text.lines().take(steps + 6).map(str::to_string).collect() };
    let (resumed, whole) = (common(&resumed), common(&whole));
    let both = resumed.len().min(whole.len());
    assert_eq!(resumed[..both], whole[..both], "bit for bit");
}

/// Deriving terms and compiling them is not what the first Ctrl-C ends.
#[test]
fn a_second_one_ends_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let loss = "exp(a*b) + sin(b*c) + tanh(a*c*d) + log(2+cos(a*d))";
    let mut child = bea(
        folder.path(),
        &["flow", "--loss", loss, "--start", "1,1,1,1", "--lr", "0.01", "--flows", "order:12"],
    );
    wait_for(&mut child, Duration::ZERO);
    press_ctrl_c(&child);
    std::thread::sleep(Duration::from_millis(100));
    assert!(child.try_wait().unwrap().is_none(), "the derivation goes on");
    press_ctrl_c(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert!(output.stdout.is_empty());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing half-written");
}

#[test]
fn a_figure_is_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let child = bea(folder.path(), &["reproduce", "fig3", "fig6"]);
    while !folder.path().join("results/fig3.csv").exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    press_ctrl_c(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.starts_with("fig3: ") && !stdout.contains("fig6: "), "{stdout}");
    let left = std::fs::read_dir(folder.path().join("results")).unwrap();
    let left: Vec<_> = left.map(|file| file.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name.to_string_lossy().starts_with("fig3.")), "{left:?}");
    let mut left: Vec<String> =
        left.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    left.sort();
    assert_eq!(
        left,
        ["csv", "html", "pdf", "png", "svg", "txt"].map(|kind| format!("fig3.{kind}"))
    );
}

/// The rows of figures that were not reached stay.
#[test]
fn a_table_of_claims_is_whole_after_an_interruption() {
    let folder = tempfile::tempdir().unwrap();
    let row = |id: &str| format!("| [{id}]({id}.svg) | `bea reproduce {id}` | once | holds | 7 |");
    let old = ["fig3", "fig6", "fig5"].map(row).join("\n");
    std::fs::write(folder.path().join("r.md"), format!("| figure |\n|---|\n{old}\n")).unwrap();
    let child = bea(folder.path(), &["reproduce", "fig3", "fig6", "fig5", "--report", "r.md"]);
    while !folder.path().join("results/fig3.csv").exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    press_ctrl_c(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert!(String::from_utf8(output.stderr).unwrap().contains("--resume goes on"));
    let table = std::fs::read_to_string(folder.path().join("r.md")).unwrap();
    assert!(table.contains(&row("fig6")) && table.contains(&row("fig5")), "{table}");
    assert!(table.contains("`bea reproduce fig3`") && !table.contains(&row("fig3")), "{table}");
}
