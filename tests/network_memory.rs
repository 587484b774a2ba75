//! Memory is bounded by the shard, not by the data: a full-batch product on 60,000 images.
#![cfg(target_os = "linux")]

mod needs;

use std::process::{Command, Stdio};
use std::time::Duration;

/// The peak of a process's memory so far, in KiB; `None` once it has ended.
fn peak(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[test]
fn a_product_on_the_full_batch_takes_less_than_a_gibibyte() {
    let Some(fashion_mnist) = needs::fashion_mnist() else { return };
    // [[]] is f'f = ∇²E ∇E.
    let mut child = Command::new(env!("CARGO_BIN_EXE_bea"))
        .args(["evaluate", "--network", "mlp:100,100,100,100", "--quantities", "[[]]"])
        .args(["--data", &format!("fashion_mnist:{fashion_mnist}")])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        most = most.max(peak(child.id()).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(child.wait().unwrap().success());
    println!("peak: {} MiB", most >> 10);
    // The images themselves are 47,040,000 numbers of 32 bits.
    assert!(most > 180 << 10, "{most} KiB cannot hold the data");
    assert!(most < 1 << 20, "{most} KiB");
}

/// Whatever the limit, an evaluation either succeeds or says that memory is short.
#[test]
fn a_command_that_runs_out_of_memory_says_so() {
    let mut refused = 0;
    for kibibytes in [100_000, 150_000, 250_000, 400_000, 700_000] {
        let line = format!(
            "ulimit -v {kibibytes}; exec {} spectrum --network mlp:2000,2000,2000 --data digits --top 2",
            env!("CARGO_BIN_EXE_bea")
        );
        let output = Command::new("sh").args(["-c", &line]).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!error.contains("panicked") && !error.contains("backtrace"), "{error}");
        match output.status.code() {
            Some(0) => {}
            Some(2) => {
                refused += 1;
                assert!(error.contains("memory"), "{error}");
            }
            other => panic!("{other:?} within {kibibytes} KiB: {error}"),
        }
    }
    assert!(refused > 0, "no limit was low enough");
}
