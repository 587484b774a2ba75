//! How flows end, and whose they are.

use assert_cmd::Command;
use tempfile::TempDir;

/// What `bea flow` prints for a loss and a start, with further arguments.
fn flow(loss: &str, start: &str, rest: &[&str]) -> String {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    let arguments = ["flow", "--loss", loss, "--start", start, "--out", out.to_str().unwrap()];
    let output = Command::cargo_bin("bea").unwrap().args(arguments).args(rest).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// `θ̇ = -∇E` with a closed form that is infinite at a known time, by powers and by a logarithm.
#[test]
fn a_blow_up_is_called_one() {
    for (loss, start, time) in [
        ("x^3/3", "-1", "t = 1.000000"),
        ("-exp(x)", "1", "t = 0.367879"),
        ("-x^4/4", "1", "t = 0.500000"),
        ("-(x^2+y^2)^2", "1,1", "t = 0.062500"),
        ("x^3/3 + y^2", "-1,1", "t = 1.000000"),
    ] {
        let text = flow(loss, start, &["--lr", "0.5", "--steps", "4", "--flows", "ngf"]);
        let note = text.lines().find(|line| line.starts_with("ngf ended")).unwrap();
        assert!(note.contains("blows up") && note.contains(time), "{loss}: {note}");
    }
}

/// What stops at a finite point does not blow up: `log x` from 1 comes to 0 at `t = 1/2`.
#[test]
fn an_end_at_a_finite_point_is_no_blow_up() {
    for (loss, start) in [("log(x)", "1"), ("sqrt(x)", "1"), ("abs(x)", "0.3"), ("2*x^(3/2)", "1")]
    {
        let text = flow(loss, start, &["--lr", "0.5", "--steps", "4", "--flows", "ngf"]);
        let note = text.lines().find(|line| line.starts_with("ngf ended")).unwrap();
        assert!(!note.contains("blows up"), "{loss}: {note}");
    }
}

/// `pf` on `x^4/4` grows faster than any exponential; where doubles end it says so instead of standing still.
#[test]
fn a_principal_flow_that_runs_away_ends_with_a_note() {
    let text = flow("x^4/4", "1", &["--lr", "0.5", "--steps", "30", "--flows", "pf"]);
    assert!(text.contains("pf ended: ") && text.contains("no longer finite"), "{text}");
    let sizes: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert!(!sizes.contains(&"9.45e76"), "{text}");
}

#[test]
fn flows_of_gradient_descent_are_named_as_such() {
    let momentum = ["--optimizer", "heavy_ball", "--set", "m=9/10", "--lr", "0.01", "--steps", "3"];
    let both = flow("x^2+y^2", "1,2", &[&momentum[..], &["--flows", "ngf,igr,order:0"]].concat());
    let line = "ngf and igr are gradient descent's, whatever the optimizer; \
                order:0 and order:1 are heavy_ball's own";
    assert!(both.contains(line), "{both}");
    let one = flow("x^2+y^2", "1,2", &[&momentum[..], &["--flows", "igr"]].concat());
    assert!(one.contains("igr is gradient descent's") && one.contains("order:1 is heavy_ball's"));
    let own = flow("x^2+y^2", "1,2", &[&momentum[..], &["--flows", "order:1"]].concat());
    assert!(!own.contains("whatever the optimizer"));
    let descent = flow("x^2+y^2", "1,2", &["--lr", "0.01", "--flows", "ngf,igr"]);
    assert!(!descent.contains("whatever the optimizer"));
}

/// The transient of buffers that start at rest is said, and settled buffers are on the exact flow.
#[test]
fn the_principal_flow_of_momentum_is_exact_once_its_buffers_are_settled() {
    let momentum = [
        "--optimizer",
        "heavy_ball",
        "--set",
        "m=1/2",
        "--lr",
        "0.02",
        "--steps",
        "5",
        "--flows",
        "pf",
    ];
    let distance = |text: &str| -> f64 {
        let row = text.lines().find(|line| line.trim_start().starts_with("5 ")).unwrap();
        row.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let at_rest = flow("x^2+y^2", "1,2", &momentum);
    assert!(at_rest.contains("transient that no flow follows") && distance(&at_rest) > 1e-2);
    let settled = flow("x^2+y^2", "1,2", &[&momentum[..], &["--buffers", "settled"]].concat());
    assert!(!settled.contains("transient"), "{settled}");
    assert!(distance(&settled) < 1e-5, "{settled}");
}
