//! What `bea loss --derivatives 3` prints, against SymPy's derivatives of the same formula.

use std::io::Write;
use std::process::{Command, Stdio};

/// Every function of the language.
const EVERYTHING: &str = "exp(x*y) + log(2 + x^2) + sin(x)*cos(y) + tan(x*y/4) + sinh(x)*cosh(y) + tanh(x - y) \
    + sqrt(1 + x^2) + abs(x + 7) + relu(x - y) + relu(y - x) + elu(y - x) + elu(x + y) + sigmoid(x) \
    + softplus(y) + erf(x*y) + gelu(x - 2*y) + normal_cdf(x*y^2) + max(x, y)*min(x^2, y) \
    + where(x < y, x^3, y^2*x) + (1 + x^2)^(-2/3) + pi*x/(2 + y^2)";

/// Logistic regression on three examples; those of the library have hundreds.
const LOGISTIC: &str = "let X = [[51/10, 7/2, 7/5], [7, 16/5, 47/10], [63/10, 33/10, 6]]; \
    let t = [0, 1, 1]; \
    sum(k in 0..2: where(t[k] < 1/2, softplus(-dot(X[k], [u, v, w]) - b), softplus(dot(X[k], [u, v, w]) + b)))/3 \
    + (u^2 + v^2 + w^2)/200";

/// How many derivatives SymPy agrees with.
fn agreeing(loss: &str) -> usize {
    let bea = Command::new(env!("CARGO_BIN_EXE_bea"))
        .args(["loss", loss, "--derivatives", "3", "--format", "json"])
        .output()
        .unwrap();
    assert!(bea.status.success(), "{loss}: {}", String::from_utf8_lossy(&bea.stderr));
    let mut python = Command::new("python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sympy/derivatives.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().expect("piped").write_all(&bea.stdout).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "{loss}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

#[test]
fn sympy_finds_the_same_derivatives() {
    let python = Command::new("python3").args(["-c", "import sympy"]).output();
    if !python.is_ok_and(|o| o.status.success()) {
        assert!(std::env::var_os("CI").is_none(), "there is no python3 with sympy");
        eprintln!("skipped: there is no python3 with sympy");
        return;
    }
    for (name, _) in bea::loss::library() {
        let loss = bea::loss::find(&name, &Default::default()).unwrap();
        // SymPy takes minutes for a sum over hundreds of examples.
        if name.starts_with("logistic") {
            continue;
        }
        // 1, d, d(d+1)/2 and d(d+1)(d+2)/6 derivatives of the orders 0 to 3.
        let d = loss.variables.len();
        assert_eq!(agreeing(&name), (d + 1) * (d + 2) * (d + 3) / 6, "{name}");
    }
    assert_eq!(agreeing(EVERYTHING), 10);
    assert_eq!(agreeing(LOGISTIC), 35);
}
