//! What `bea loss --derivatives 3` prints, against SymPy's derivatives of the same formula.

mod needs;

use std::io::Write;
use std::process::{Command, Stdio};

/// Every function of the language.
const EVERYTHING: &str = "exp(x*y) + log(2 + x^2) + sin(x)*cos(y) + tan(x*y/4) + sinh(x)*cosh(y) + tanh(x - y) \
    + sqrt(1 + x^2) + abs(x + 7) + relu(x - y) + relu(y - x) + elu(y - x) + elu(x + y) + sigmoid(x) \
    + softplus(y) + erf(x*y) + gelu(x - 2*y) + normal_cdf(x*y^2) + max(x, y)*min(x^2, y) \
    + where(x < y, x^3, y^2*x) + (1 + x^2)^(-2/3) + pi*x/(2 + y^2)";

/// Logistic regression: the order of the derivatives, the table, the ridge, the class with the label 1.
const LOGISTIC: [(&str, usize, &[&str]); 2] = [
    ("logistic_iris", 3, &["data/iris.csv", "1/100", "0"]),
    ("logistic_breast_cancer", 2, &["data/breast_cancer.csv", "1/1000", "1", "scaled"]),
];

/// How many derivatives SymPy agrees with, up to an order; `None` where there is no SymPy.
fn agreeing(loss: &str, order: usize, reference: &[&str]) -> Option<usize> {
    let mut python = needs::python()?;
    let bea = Command::new(env!("CARGO_BIN_EXE_bea"))
        .args(["loss", loss, "--derivatives", &order.to_string(), "--format", "json"])
        .output()
        .unwrap();
    assert!(bea.status.success(), "{loss}: {}", String::from_utf8_lossy(&bea.stderr));
    let mut python = python
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sympy/derivatives.py"))
        .args(reference)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().expect("piped").write_all(&bea.stdout).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "{loss}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap().trim().parse().unwrap())
}

#[test]
fn sympy_finds_the_same_derivatives() {
    for (name, _) in bea::loss::library() {
        let loss = bea::loss::find(&name, &Default::default()).unwrap();
        let logistic = LOGISTIC.iter().find(|(known, ..)| *known == name);
        let (_, order, reference) = logistic.copied().unwrap_or(("", 3, &[]));
        // 1, d, d(d+1)/2, … derivatives of the orders 0, 1, 2, …
        let d = loss.variables.len();
        let expected = (1..=order).fold(1, |n, k| n * (d + k) / k);
        let Some(found) = agreeing(&name, order, reference) else { return };
        assert_eq!(found, expected, "{name}");
    }
    assert_eq!(agreeing(EVERYTHING, 3, &[]), Some(10));
}
