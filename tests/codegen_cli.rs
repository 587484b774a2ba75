//! `bea codegen` as a process: what it writes, where, and how it fails.

mod needs;

use assert_cmd::Command;
use std::fs;
use std::path::Path;

fn bea(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("bea").unwrap();
    command.arg("codegen").args(arguments);
    for variable in ["COLUMNS", "FORCE_COLOR", "CLICOLOR_FORCE", "NO_COLOR"] {
        command.env_remove(variable);
    }
    command
}

fn stdout(arguments: &[&str]) -> String {
    let output = bea(arguments).assert().success().get_output().clone();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The error of a command that exits with 2, its lines joined.
fn stderr(arguments: &[&str]) -> String {
    let output = bea(arguments).assert().code(2).get_output().clone();
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    let text = String::from_utf8(output.stderr).unwrap();
    text.lines().map(|l| l.trim().trim_start_matches("│ ")).collect::<Vec<_>>().join(" ")
}

const BANANA: &str = "(1-x)^2 + 100*(y-x^2)^2";

/// `BEA_UPDATE_DOCS=1 cargo test --release --test codegen_cli` renews the example.
#[test]
fn the_example_is_what_the_command_writes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/momentum/field.rs");
    let written = stdout(&[
        "--loss",
        BANANA,
        "--optimizer",
        "heavy_ball",
        "--set",
        "m=9/10",
        "--flow",
        "order:3",
        "--lang",
        "rust",
    ]);
    if std::env::var_os("BEA_UPDATE_DOCS").is_some() {
        fs::write(&path, &written).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), written);
}

/// The command in a file's header writes that file.
#[test]
fn the_header_names_the_command() {
    let code = stdout(&["--loss", BANANA, "--flow", "pf+np:2", "--lang", "python"]);
    let line = code.lines().find_map(|line| line.trim().strip_prefix("bea codegen ")).unwrap();
    assert_eq!(line, format!("--loss '{BANANA}' --flow pf+np:2 --lang python"));
    assert!(code.contains("The flow `pf+np:2` of gradient_descent on (1-x)^2"), "{code}");
    assert!(code.contains("log(1+hJ)/(hJ) f") && code.contains("h²/12 f''(f,f)"), "{code}");
    assert!(code.contains(&format!("Made by bea {}:", env!("CARGO_PKG_VERSION"))), "{code}");
}

#[test]
fn the_language_follows_the_ending_and_files_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    for (ending, start) in [("rs", "// "), ("c", "// "), ("py", "r\"\"\""), ("jl", "# ")] {
        let path = folder.path().join(format!("flow.{ending}"));
        let path = path.to_str().unwrap();
        stdout(&["--loss", BANANA, "--out", path]);
        let written = fs::read_to_string(path).unwrap();
        assert!(written.starts_with(&format!("{start}The flow `order:2`")), "{written}");
        let error = stderr(&["--loss", BANANA, "--flow", "ngf", "--out", path]);
        assert!(error.contains("exists already") && error.contains("--force"), "{error}");
        assert_eq!(fs::read_to_string(path).unwrap(), written);
        stdout(&["--loss", BANANA, "--flow", "ngf", "--out", path, "--force"]);
        assert_ne!(fs::read_to_string(path).unwrap(), written);
    }
    let error = stderr(&["--loss", BANANA, "--out", "flow.xyz"]);
    assert!(error.contains("stands for no language"), "{error}");
}

#[test]
fn several_losses_are_the_fields_of_an_optimizer() {
    let code = stdout(&[
        "--loss",
        "x^2*y^2",
        "--loss",
        "(y-1)^2+z^2",
        "--optimizer",
        "minibatch2",
        "--flow",
        "order:1",
        "--lang",
        "c",
    ]);
    assert!(code.contains("double loss_f1(") && code.contains("double loss_f2("), "{code}");
    assert!(code.contains("enum { N = 3 };"), "{code}");
}

/// The field of a Python file at a point; `None` where there is no NumPy.
fn field(arguments: &[&str], point: &str, h: &str) -> Option<Vec<f64>> {
    let mut python = needs::python()?;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("emitted.py");
    stdout(&[arguments, &["--out", file.to_str().unwrap()]].concat());
    let code = format!("import emitted; print(*emitted.field([{point}], {h}))");
    let output = python.args(["-c", &code]).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.split_whitespace().map(|x| x.parse().unwrap()).collect())
}

/// `x² y` for x and a, `a y² - x² y` for y, at (x, y, a) = (2, 3, 5).
#[test]
fn games_have_players_with_losses_of_their_own() {
    let game = ["--optimizer", "simultaneous_gda", "--players", "x,a;y", "--flow", "order:1"];
    let losses = ["--loss", "x^2*y + a", "--loss", "a*y^2 - x^2*y"];
    let found = field(&[&game[..], &losses].concat(), "2, 3, 5", "0.1");
    let Some(found) = found else { return };
    // f = (-2xy, x² - 2ay, -1); f' f by hand, in the order x, y, a.
    let f = [-12.0, 4.0 - 30.0, -1.0];
    let along = [-6.0 * f[0] - 4.0 * f[1], 4.0 * f[0] - 10.0 * f[1] - 6.0 * f[2], 0.0];
    for i in 0..3 {
        assert!((found[i] - (f[i] - 0.05 * along[i])).abs() < 1e-12, "{found:?}");
    }
}

/// The commas of an index are not those between names.
#[test]
fn players_may_have_entries_of_matrices() {
    let game = ["--optimizer", "simultaneous_gda", "--flow", "order:0"];
    let losses = ["--loss", "W[0,0]*W[0,1] + W[0,0]^2"];
    for players in ["W[0,0];W[0,1]", " W[0, 0] ; W[0, 1] "] {
        let arguments = [&game[..], &losses, &["--players", players]].concat();
        let Some(found) = field(&arguments, "2, 3", "0.1") else { return };
        assert_eq!(found, [-7.0, 2.0], "{players}");
    }
}

/// Macros of the preprocessor cannot be names of variables.
#[test]
fn names_of_macros_are_changed_in_c() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("macros.c");
    let names = ["unix", "linux", "NAN", "INFINITY", "HUGE_VAL", "M_PI", "FP_ZERO", "true"];
    let loss = names.map(|name| format!("{name}^2")).join(" + ");
    stdout(&["--loss", &loss, "--flow", "order:1", "--out", file.to_str().unwrap()]);
    let mut cc = std::process::Command::new("cc");
    let cc = cc.args(["-std=gnu17", "-Wall", "-Werror", "-c", "-o", "macros.o"]).arg(&file);
    let output = cc.current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn one_loss_of_two_players_is_zero_sum() {
    let game = ["--optimizer", "alternating_gda", "--flow", "order:2", "--loss"];
    let one = field(&[&game[..], &["x*y + x^2"]].concat(), "1.5, -0.5", "0.2");
    let Some(one) = one else { return };
    let two = [&game[..], &["x*y + x^2", "--loss", "-x*y-x^2"]].concat();
    assert_eq!(Some(one), field(&two, "1.5, -0.5", "0.2"));
    let code = stdout(&[&game[..], &["x*y", "--lang", "c"]].concat());
    assert!(code.contains("double loss(") && !code.contains("loss_"), "{code}");
}

#[test]
fn ngf_and_igr_are_flows_of_gradient_descent() {
    let flow = |arguments: &[&str]| {
        let code = stdout(&[&["--loss", BANANA, "--lang", "c"], arguments].concat());
        code[code.find("field(").unwrap()..].to_string()
    };
    assert_eq!(flow(&["--flow", "igr"]), flow(&["--flow", "order:1"]));
    assert_eq!(flow(&["--flow", "ngf", "--optimizer", "heavy_ball"]), flow(&["--flow", "order:0"]));
}

/// `-4/5 + 592/625 h + 1486192/78125 h²`, which are exact, on `x²/2 + x⁴/4` at 1.
#[test]
fn a_nonlinear_step_has_its_typed_terms() {
    let adam = ["--optimizer", "adam_inside", "--set", "beta1=1/2", "--set", "beta2=3/4"];
    let rest = ["--set", "eps=9/4", "--loss", "x^2/2 + x^4/4", "--flow", "order:2"];
    for h in [0.0, 0.25, 1.0] {
        let found = field(&[&adam[..], &rest].concat(), "1", &h.to_string());
        let Some(found) = found else { return };
        let expected = -0.8 + h * (592.0 / 625.0 + h * (1_486_192.0 / 78_125.0));
        assert!(
            (found[0] - expected).abs() <= 1e-14 * expected.abs(),
            "{h}: {found:?}, {expected}"
        );
    }
    let code = stdout(&[&adam[..], &rest[2..], &["--lang", "c"]].concat());
    assert!(
        code.contains("void field(const double theta[N], double h, double eps, double out[N])")
    );
    assert!(code.contains("θ̇ = -u") && code.contains("u = g/sqrt(D)"), "{code}");
}

/// The sum of squares of AdaGrad follows the parameters: `v' = v + h g²`, so `v̇ = g²` to order 0.
#[test]
fn slow_variables_follow_the_parameters() {
    let adagrad = ["--optimizer", "adagrad", "--set", "eps=1", "--flow", "order:0"];
    let loss = ["--loss", "x^2 + y^2/2"];
    let found = field(&[&adagrad[..], &loss].concat(), "1, 3, 4, 9", "0.1");
    let Some(found) = found else { return };
    assert_eq!(found, [-2.0 / 3.0, -3.0 / 4.0, 4.0, 9.0]);
    let code = stdout(&[&adagrad[..], &loss, &["--lang", "c"]].concat());
    assert!(code.contains("a point is x, y, then the slow"), "{code}");
    assert!(code.contains("variables v[x], v[y], on which the loss does not depend"), "{code}");
    assert!(code.contains("enum { N = 4 };"), "{code}");
}

#[test]
fn bad_input_is_explained() {
    for (arguments, expected) in [
        (&["--loss", BANANA][..], "no language is given"),
        (&["--loss", BANANA, "--lang", "pyton"], "a similar value exists: 'python'"),
        (&["--loss", BANANA, "--lang", "c", "--flow", "pf"], "`pf` cannot be written in C"),
        (&["--loss", BANANA, "--lang", "c", "--flow", "oder:2"], "there is no flow `oder:2`"),
        (&["--loss", BANANA, "--lang", "c", "--flow", "cubic"], "`cubic` is not written as code"),
        (&["--loss", BANANA, "--lang", "c", "--flow", "ngf,igr"], "a file has one flow"),
        (&["--loss", "rosenbrok", "--lang", "c"], "rosenbrock"),
        (&["--loss", "expp(x)", "--lang", "c"], "exp"),
        (&["--loss", BANANA, "--lang", "c", "--optimizer", "nestrov"], "did you mean `nesterov`"),
        (
            &["--loss", BANANA, "--lang", "c", "--optimizer", "minibatch2"],
            "2 vector fields (f1, f2)",
        ),
        (
            &["--loss", "x*y*z", "--lang", "c", "--optimizer", "simultaneous_gda"],
            "3 variables (x, y, z) have to be shared out among 2 players",
        ),
        (
            &["--loss", "x*y", "--lang", "rust", "--optimizer", "alternating_gda", "--flow", "pf"],
            "does not treat its vector fields alike",
        ),
        (
            &[
                "--loss",
                "x*y*z",
                "--lang",
                "c",
                "--optimizer",
                "simultaneous_gda",
                "--players",
                "x,z;y,z",
            ],
            "--players names `z` twice",
        ),
        (
            &[
                "--loss",
                "x*y*z",
                "--lang",
                "c",
                "--optimizer",
                "simultaneous_gda",
                "--players",
                "x;y",
            ],
            "--players: `z` belongs to no player",
        ),
        (
            &["--loss", "x", "--lang", "rust", "--optimizer", "adam", "--flow", "pf"],
            "`pf` of `adam` cannot be written down: its step is not linear in its gradients",
        ),
        (
            &["--loss", "x", "--loss", "y", "--lang", "rust", "--optimizer", "adam"],
            "the optimizer has 1 vector field (f), and there are 2 losses",
        ),
        (&["--loss", "5", "--lang", "c"], "the loss `5` has no variable"),
        (&["--lang", "c"], "--loss"),
    ] {
        let error = stderr(arguments);
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
}
