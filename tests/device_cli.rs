//! `--device` on the command line.

fn evaluate(device: &str, rest: &[&str]) -> (String, String, Option<i32>) {
    let output = assert_cmd::Command::cargo_bin("bea")
        .unwrap()
        .args(["evaluate", "--network", "mlp:3", "--data", "iris", "--device", device])
        .args(rest)
        .env("NO_COLOR", "1")
        .env("COLUMNS", "200")
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    // Errors are wrapped to the terminal's width.
    let error = text(output.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
    (text(output.stdout), error, output.status.code())
}

#[test]
fn a_device_that_is_not_there_is_refused_with_those_that_are() {
    for device in ["tpu:0", "cpu:1", "wgpu:99", "cuda:99", "", "wgpu:one"] {
        let (out, error, code) = evaluate(device, &[]);
        assert_eq!((out.as_str(), code), ("", Some(2)), "{device}: {error}");
        assert!(error.contains(&format!("no device `{device}`: there ")), "{error}");
        assert!(error.contains("cpu"), "{error}");
    }
    if !cfg!(feature = "cuda") {
        let (_, error, _) = evaluate("cuda:0", &[]);
        assert!(error.contains("cargo build --release --features cuda"), "{error}");
    }
}

#[cfg(feature = "wgpu")]
#[test]
fn the_command_evaluates_on_a_device() {
    let (cpu, _, _) = evaluate("cpu", &["--format", "json"]);
    let (wgpu, error, code) = evaluate("wgpu:0", &["--format", "json"]);
    assert_eq!(code, Some(0), "{error}");
    let loss = |text: &str| -> f64 {
        serde_json::from_str::<serde_json::Value>(text).unwrap()["loss"].as_f64().unwrap()
    };
    assert!((loss(&cpu) - loss(&wgpu)).abs() < 1e-6 * loss(&cpu), "{cpu}{wgpu}");
}
