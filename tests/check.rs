//! `bea check` as a process: what it reports, in both formats, and its exit codes.

use assert_cmd::Command;
use std::path::Path;

/// Runs `bea check` in a folder with one file; standard output, standard error, exit code.
fn check(text: impl AsRef<[u8]>, arguments: &[&str]) -> (String, String, i32) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("claims.bea"), text).unwrap();
    run(folder.path(), &[&["claims.bea"], arguments].concat())
}

fn run(folder: &Path, arguments: &[&str]) -> (String, String, i32) {
    let mut command = Command::cargo_bin("bea").unwrap();
    let output = command.arg("check").args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code().unwrap())
}

#[test]
fn without_files_everything_that_ships_is_checked() {
    let (out, err, code) = run(Path::new("."), &[]);
    assert_eq!((err.as_str(), code), ("", 0));
    for file in ["paper", "errata", "implicit_regularization", "momentum", "games", "runge_kutta"] {
        assert!(out.contains(&format!("derivations/{file}.bea\n")), "{file}");
    }
    assert!(!out.contains('✗'));
    let last = out.lines().last().unwrap();
    let count = out.matches('✓').count();
    assert_eq!(last, format!("{count} claims: {count} as claimed"));
}

const MIXED: &str = r#"
claim "true": field(gradient_descent, 1) == f - h/2*f'f
claim "false": field(gradient_descent, 2) == -g - h/3*H*g - h^2/12*D3E[g,g]
claim "false for some n": principal(gradient_descent, n) == 1/(n+1) for n in 0..3
claim "printed": field(gradient_descent, 1) == f expect false
claim "wrongly doubted": field(gradient_descent, 0) == f expect false
"#;

#[test]
fn false_claims_are_shown_term_by_term() {
    let (out, err, code) = check(MIXED, &[]);
    assert_eq!((err.as_str(), code), ("", 1));
    insta::assert_snapshot!(out, @r"
    claims.bea
      ✓ true
      ✗ false (claims.bea:3)
          h*H*g      claimed -1/3, derived -1/2
          h^2*H^2*g  claimed 0, derived -1/3
      ✗ false for some n (claims.bea:4)
          n = 1  claimed 1/2, derived -1/2
          n = 3  claimed 1/4, derived -1/4
      ✓ printed (false, as expected)
      ✗ wrongly doubted (claims.bea:6): expected false, but it is true
    5 claims: 2 as claimed, 3 not
    ");
}

#[test]
fn the_json_report_has_every_verdict() {
    let (out, err, code) = check(MIXED, &["--format", "json"]);
    assert_eq!((err.as_str(), code), ("", 1));
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    let verdicts: Vec<&str> = report["claims"]
        .as_array()
        .unwrap()
        .iter()
        .map(|claim| claim["verdict"].as_str().unwrap())
        .collect();
    assert_eq!(
        verdicts,
        ["true", "false", "false", "false as expected", "true although expected false"]
    );
    assert_eq!(
        report["claims"][1],
        serde_json::json!({
            "name": "false", "file": "claims.bea", "line": 3, "verdict": "false", "cases": 1,
            "differences": [
                {"equality": 1, "term": "h*H*g", "claimed": "-1/3", "derived": "-1/2"},
                {"equality": 1, "term": "h^2*H^2*g", "claimed": "0", "derived": "-1/3"},
            ],
        })
    );
    assert_eq!(
        report["claims"][2]["differences"][0],
        serde_json::json!({
            "case": {"n": 1}, "equality": 1, "term": "", "claimed": "1/2", "derived": "-1/2"
        })
    );
    assert_eq!((&report["as_claimed"], &report["not_as_claimed"]), (&2.into(), &3.into()));
}

#[test]
fn a_claim_without_sense_does_not_keep_the_others_from_being_checked() {
    let text = "claim \"senseless\": feild(gradient_descent, 1) == f\nclaim \"true\": f == f\n";
    let (out, err, code) = check(text, &[]);
    assert_eq!(code, 2);
    insta::assert_snapshot!(out, @r"
    claims.bea
      ✗ senseless
      ✓ true
    2 claims: 1 as claimed, 1 in error
    ");
    insta::assert_snapshot!(err, @r#"
     × `feild` is not defined
      ╭─[claims.bea:1:20]
    1 │ claim "senseless": feild(gradient_descent, 1) == f
      ·                    ──┬──
      ·                      ╰── here
    2 │ claim "true": f == f
      ╰────
     help: did you mean `field`?
    "#);
}

#[test]
fn syntax_errors_show_their_place() {
    let (out, err, code) = check("claim \"c\":\n  field(gradient_descent, 1) = f\n", &[]);
    assert_eq!((out.as_str(), code), ("", 2));
    insta::assert_snapshot!(err, @r#"
     × syntax error: expected `(`, an operator, an expression, `==` or `[`
      ╭─[claims.bea:2:30]
    1 │ claim "c":
    2 │   field(gradient_descent, 1) = f
      ·                              ┬
      ·                              ╰── `=` does not fit here
      ╰────
    "#);
}

#[test]
fn files_that_cannot_be_read() {
    let (_, err, code) = check("", &["missing.bea"]);
    assert_eq!(code, 2);
    assert!(err.contains("the file holds no claim"), "{err}");
    let (_, err, code) = check([0xff, 0xfe], &[]);
    assert_eq!(code, 2);
    assert!(err.contains("is not UTF-8"), "{err}");
    let (_, err, code) = run(Path::new("."), &["missing.bea"]);
    assert_eq!(code, 2);
    assert!(err.contains("there is no file missing.bea"), "{err}");
}

#[test]
fn claims_may_be_given_as_a_text() {
    let (from_file, ..) = check(MIXED, &["--format", "json"]);
    let (out, err, code) = run(Path::new("."), &[MIXED, "--format", "json"]);
    assert_eq!((err.as_str(), code), ("", 1));
    assert_eq!(out, from_file.replace("claims.bea", "claims"));
}
