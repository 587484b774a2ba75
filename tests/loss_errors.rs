//! Faulty losses: `bea loss` says what is wrong, where, and what would be right, and ends with 2.

use assert_cmd::Command;
use std::time::{Duration, Instant};

/// What `bea loss` prints about faulty arguments.
fn fault(arguments: &[&str]) -> String {
    let mut command = Command::cargo_bin("bea").unwrap();
    let command = command.arg("loss").args(arguments).env("NO_COLOR", "1").env("COLUMNS", "100");
    let output = command.timeout(Duration::from_secs(60)).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
    assert!(output.stdout.is_empty(), "{arguments:?} printed a result");
    error
}

#[test]
fn faults_show_line_column_and_text() {
    let error = fault(&["x^2 +\n  sinn(x)"]);
    for part in ["there is no function `sinn`", "command line:2:3", "sinn(x)", "did you mean `sin`"]
    {
        assert!(error.contains(part), "no {part} in:\n{error}");
    }
    // The underline stands below the name.
    let lines: Vec<&str> = error.lines().collect();
    let row = lines.iter().position(|line| line.contains("sinn(x)")).unwrap();
    let column = |line: &str, c: char| line.chars().position(|found| found == c).unwrap();
    let after_bar = |line: &str| line.chars().take_while(|c| *c != '─').count();
    assert_eq!(after_bar(lines[row + 1]), column(lines[row], 's'), "{error}");
}

#[test]
fn messages_name_what_would_be_right() {
    for (arguments, parts) in [
        (&["rosenbrok"][..], &["there is no loss `rosenbrok`", "`rosenbrock`"][..]),
        (&["loss f { variables x; xx^2 }"], &["there is no variable `xx`", "`x`"]),
        (&["sin(x, 1)"], &["`sin` takes one argument, not 2"]),
        (&["dot([1, 2], [x, y, z])"], &["there is no product of an array of 2 and an array of 3"]),
        (&["[1, 2][2]*x"], &["there is no entry 2", "from 0 to 1"]),
        (&["1..2*x"], &["syntax error"]),
        (&["2x"], &["syntax error"]),
        (&["(x"], &["syntax error"]),
        (&[""], &["syntax error"]),
        (&["x/0"], &["division by zero"]),
        (&["x/[1, 0]"], &["division by zero"]),
        (&["loss f(a) { variables x; a*x }"], &["the parameter `a` has no value", "--set a="]),
        (&["rosenbrock", "--set", "c=1"], &["no parameter `c`"]),
        (&["rosenbrock", "--set", "a=1", "--set", "a=2"], &["`a` is set twice"]),
        (&["rosenbrock", "--set", "a=sinn(1)"], &["--set a", "there is no function `sinn`"]),
        (&["rosenbrock", "--at", "1"], &["a point has 2 coordinates (x, y), not 1"]),
        (&["rosenbrock", "--at", "x=1,z=2"], &["there is no variable `z`"]),
        (&["rosenbrock", "--at", "1,1,"], &["a coordinate is empty", "without one at the end"]),
        (&["sn(x)"], &["did you mean `sin`"]),
        (&["lg(x)"], &["did you mean `log`"]),
        (
            &["quadratic", "--set", "A=[[2,0],[0,1]]", "--set", "b=[1,2,3]"],
            &["no product of an array of 3 and an array of 2"],
        ),
        (&["x", "--derivatives", "1000000"], &["from 0 to 30"]),
        (&["no_such_file.bea"], &["no_such_file.bea"]),
    ] {
        let error = fault(arguments);
        for part in parts {
            assert!(error.contains(part), "{arguments:?}: no {part} in:\n{error}");
        }
    }
}

#[test]
fn hostile_formulas_are_refused_quickly() {
    let deep = format!("{}x{}", "(".repeat(30_000), ")".repeat(100_000));
    let tower = format!("x{}", "^2".repeat(30_000));
    let indices = format!("x{}", "[0]".repeat(30_000));
    let chain: String = (1..200).map(|i| format!("let a{i} = exp(x); ")).collect();
    let chain = format!("{chain}a1");
    for (text, message) in [
        (chain.as_str(), "at most 100 lines `let`"),
        (&deep, "brackets are nested too deeply"),
        (&tower, "too many exponents one after another"),
        (&indices, "too many indices one after another"),
        ("sum(i in 0..10^18: x^i)", "terms in all"),
        ("sum(i in 0..3000, j in 0..3000: x)", "terms in all"),
        ("sum(i in 1..2000000: 1/i)*x", "an exact number in this sum grows too long"),
    ] {
        let start = Instant::now();
        let error = fault(&[text]);
        assert!(error.contains(message), "no {message} in {}", &error[..error.len().min(500)]);
        assert!(start.elapsed() < Duration::from_secs(10), "{message} took {:?}", start.elapsed());
    }
}

/// A continued fraction is read once a level, not twice.
#[test]
fn nested_quotients_take_linear_time() {
    let fraction = format!("{}x{}", "x/(1 + ".repeat(90), ")".repeat(90));
    let mut command = Command::cargo_bin("bea").unwrap();
    command.args(["loss", &fraction, "--derivatives", "0"]).timeout(Duration::from_secs(10));
    command.assert().success();
}

/// Ten thousand terms one after another, which took ten seconds when each was added to the last.
#[test]
fn long_sums_take_linear_time() {
    let term = |i: usize| format!(" - {}/7*x[{}]^2*y[{}]", i + 1, i % 3000, (7 * i) % 2999);
    let terms: String = (0..30_000).map(term).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.bea");
    std::fs::write(&path, format!("loss long {{ variables x[3000], y[3000]; 1{terms} }}")).unwrap();
    let mut command = Command::cargo_bin("bea").unwrap();
    command.arg("loss").arg(&path).args(["--derivatives", "0"]).timeout(Duration::from_secs(20));
    command.assert().success();
}

/// The deepest expression that the limits admit is printed and derived on an ordinary stack.
#[test]
fn the_deepest_expression_fits_on_the_stack() {
    let nested = |inner: &str| format!("{}{inner}{}", "exp(".repeat(97), ")".repeat(97));
    let lets: String =
        (1..100).map(|i| format!("let a{i} = {}; ", nested(&format!("a{}", i - 1)))).collect();
    let formula = format!("let a0 = x; {lets}a99");
    let mut command = Command::cargo_bin("bea").unwrap();
    command.args(["loss", &formula, "--derivatives", "1"]).timeout(Duration::from_secs(60));
    command.assert().success();
}
