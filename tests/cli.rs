//! `bea` as a process: what it prints, where it writes, and how it fails.

use assert_cmd::Command;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

fn bea(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("bea").unwrap();
    command.args(arguments);
    // What would change the layout or the colours of a message.
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

/// The error text of a command that exits with 2 and prints nothing else.
fn stderr(arguments: &[&str]) -> String {
    let output = bea(arguments).assert().code(2).get_output().clone();
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

fn folder_with(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

/// A command run in a folder; its output and exit code.
fn run_in(folder: &Path, arguments: &[&str]) -> (String, String, i32) {
    let output = bea(arguments).current_dir(folder).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code().unwrap())
}

#[test]
fn the_first_command_of_a_newcomer() {
    insta::assert_snapshot!(stdout(&["derive", "--order", "6"]));
}

#[test]
fn gradient_descent_to_order_4_is_the_default() {
    assert_eq!(stdout(&["derive"]), stdout(&["derive", "gradient_descent", "--order", "4"]));
}

#[test]
fn fields_of_the_library() {
    insta::assert_snapshot!("heavy_ball", stdout(&["derive", "heavy_ball", "--order", "3"]));
    insta::assert_snapshot!(
        "heavy_ball_gradient",
        stdout(&["derive", "heavy_ball", "--set", "m=0.9", "--as", "gradient", "--order", "3"])
    );
    insta::assert_snapshot!("sam", stdout(&["derive", "sam", "--order", "2"]));
    insta::assert_snapshot!("game", stdout(&["derive", "alternating_gda", "--order", "2"]));
    insta::assert_snapshot!("rk4", stdout(&["derive", "rk4", "--order", "4"]));
    insta::assert_snapshot!("implicit_midpoint", stdout(&["derive", "implicit_midpoint"]));
    insta::assert_snapshot!(
        "json",
        stdout(&["derive", "heavy_ball", "--set", "m=1/2", "--order", "2", "--format", "json"])
    );
    insta::assert_snapshot!("loss", stdout(&["derive", "--modified-loss", "--order", "3"]));
}

#[test]
fn one_tree_alone() {
    insta::assert_snapshot!("tree", stdout(&["derive", "heavy_ball", "--tree", "[[],[[]]]"]));
    insta::assert_snapshot!("tree_zero", stdout(&["derive", "--tree", "[[], [], []]"]));
    insta::assert_snapshot!(
        "tree_json",
        stdout(&["derive", "sam", "--tree", "[[]]", "--format", "json"])
    );
    let game = r#"{"field": "fx", "children": [{"field": "fy", "children": []}]}"#;
    insta::assert_snapshot!("tree_game", stdout(&["derive", "alternating_gda", "--tree", game]));
    // Far beyond what could be listed: b of the chain with 40 nodes is -1/40.
    let chain = "[".repeat(40) + &"]".repeat(40);
    let text = stdout(&["derive", "--tree", &chain]);
    assert!(text.contains("\n  b            -1/40\n"), "{text}");
}

#[test]
fn one_tree_is_as_in_the_listing() {
    let listing: serde_json::Value =
        serde_json::from_str(&stdout(&["derive", "nesterov", "--order", "4", "--format", "json"]))
            .unwrap();
    for term in listing["terms"].as_array().unwrap() {
        let tree = term["tree"].to_string();
        let alone = stdout(&["derive", "nesterov", "--tree", &tree, "--format", "json"]);
        let alone: serde_json::Value = serde_json::from_str(&alone).unwrap();
        assert_eq!(alone["terms"], serde_json::json!([term]));
    }
}

#[test]
fn optimizers_are_listed_and_printed() {
    let list = stdout(&["optimizers"]);
    assert!(list.starts_with("gradient_descent "), "{list}");
    assert!(list.lines().any(|line| line.starts_with("heavy_ball(m) ")), "{list}");
    let json: serde_json::Value =
        serde_json::from_str(&stdout(&["optimizers", "--format", "json"])).unwrap();
    assert_eq!(json.as_array().unwrap().len(), list.lines().count());
    for entry in json.as_array().unwrap() {
        let name = entry["name"].as_str().unwrap();
        let text = stdout(&["optimizers", name]);
        assert_eq!(entry["text"], text.as_str());
        // What is printed is an optimizer with the same field.
        let folder = folder_with(&[("printed.bea", text.as_bytes())]);
        let arguments = ["derive", "printed.bea", "--order", "1"];
        let (printed, _, code) = run_in(folder.path(), &arguments);
        assert_eq!((code, printed), (0, stdout(&["derive", name, "--order", "1"])));
    }
}

const MINE: &str = "\
optimizer first { theta' = theta + h*f(theta) }
optimizer second(a) { theta' = theta + a*h*f(theta) }
";

#[test]
fn a_file_may_hold_several_optimizers() {
    let one = b"optimizer only { theta' = theta + h*f(theta) }";
    let folder = folder_with(&[("mine.bea", MINE.as_bytes()), ("one", one)]);
    let (text, _, code) = run_in(folder.path(), &["derive", "mine.bea:second", "--order", "0"]);
    assert_eq!(code, 0);
    assert!(text.starts_with("second(a): modified field to order 0\n\nθ̇ = a f\n"), "{text}");
    let (text, _, code) = run_in(folder.path(), &["derive", "one", "--order", "0"]);
    assert_eq!((code, text.lines().next()), (0, Some("only: modified field to order 0")));
    let (_, error, code) = run_in(folder.path(), &["derive", "./mine.bea"]);
    assert_eq!(code, 2);
    insta::assert_snapshot!("file_several", error);
    insta::assert_snapshot!("file_without", run_in(folder.path(), &["derive", "mine.bea:third"]).1);
}

#[test]
fn a_field_without_terms_is_zero() {
    let text = b"optimizer rest { theta' = theta + 0*f(theta) }";
    let folder = folder_with(&[("rest.bea", text)]);
    for (format, start) in [
        ("text", "θ̇ = 0\n  + O(h²)"),
        ("latex", "\\dot{\\theta} ={}&0"),
        ("typst", "dot(theta) = & 0"),
        ("markdown", "\\dot{\\theta} ={}&0"),
    ] {
        let arguments = ["derive", "rest.bea", "--order", "1", "--format", format];
        let (out, _, code) = run_in(folder.path(), &arguments);
        assert_eq!(code, 0);
        assert!(out.contains(start), "{out}");
    }
}

#[test]
fn files_that_are_no_text_of_ours() {
    let claims = b"claim \"c\": field(gradient_descent, 0) == f";
    let folder = folder_with(&[
        ("latin.bea", b"# gr\xf6\xdfer"),
        ("claims.bea", claims),
        ("syntax.bea", b"optimizer a {\n  theta' = theta + h*f(theta\n}\n"),
    ]);
    let huge = fs::File::create(folder.path().join("huge.bea")).unwrap();
    huge.set_len(100_000_000).unwrap();
    for name in ["latin", "claims", "syntax", "huge", "missing"] {
        let file = format!("{name}.bea");
        let (_, error, code) = run_in(folder.path(), &["derive", &file]);
        assert_eq!(code, 2);
        insta::assert_snapshot!(format!("file_{name}"), error);
    }
}

#[test]
fn ten_thousand_brackets_are_refused_in_good_order() {
    let deep = "(".repeat(10_000) + "theta" + &")".repeat(10_000);
    let text = format!("optimizer a {{ theta' = theta + h*f({deep}) }}");
    let folder = folder_with(&[("deep.bea", text.as_bytes())]);
    let (_, error, code) = run_in(folder.path(), &["derive", "deep.bea"]);
    assert_eq!(code, 2, "{error}");
    let tree = "[".repeat(10_000) + &"]".repeat(10_000);
    assert!(stderr(&["derive", "--tree", &tree]).contains("10000 nodes"));
    let game = r#"{"field": "fx", "children": ["#.repeat(100) + &"]}".repeat(100);
    assert!(stderr(&["derive", "alternating_gda", "--tree", &game]).contains("recursion"));
}

#[test]
fn bad_input_is_explained() {
    let cases: [(&str, &[&str]); 19] = [
        ("unknown_optimizer", &["derive", "heavy_bal"]),
        ("far_from_any_optimizer", &["derive", "xyzzy"]),
        ("unknown_format", &["derive", "--format", "xml"]),
        ("unknown_ending", &["derive", "--out", "field.xyz"]),
        ("no_slow_manifold", &["derive", "heavy_ball", "--set", "m=1"]),
        ("division_by_zero", &["derive", "rk2", "--set", "a=0"]),
        ("not_rational", &["derive", "heavy_ball", "--set", "m=sqrt(2)"]),
        ("no_value", &["derive", "heavy_ball", "--set", "m"]),
        ("zero_denominator", &["derive", "heavy_ball", "--set", "m=1/0"]),
        ("no_such_parameter", &["derive", "heavy_ball", "--set", "beta=1/2"]),
        ("set_twice", &["derive", "heavy_ball", "--set", "m=1/2", "--set", "m=1/3"]),
        ("order_too_large", &["derive", "--order", "19"]),
        ("order_beyond_any_table", &["derive", "--order", "1000000", "--force"]),
        ("tree_syntax", &["derive", "--tree", "[[]"]),
        ("tree_without_fields", &["derive", "alternating_gda", "--tree", "[]"]),
        (
            "tree_of_another_field",
            &["derive", "alternating_gda", "--tree", r#"{"field": "fz", "children": []}"#],
        ),
        ("gradient_of_a_game", &["derive", "alternating_gda", "--as", "gradient"]),
        ("loss_of_a_game", &["derive", "alternating_gda", "--modified-loss"]),
        ("tree_and_order", &["derive", "--tree", "[]", "--order", "3"]),
    ];
    for (name, arguments) in cases {
        insta::assert_snapshot!(name, stderr(arguments));
    }
    insta::assert_snapshot!(
        "loss_as_svg",
        stderr(&["derive", "--modified-loss", "--format", "svg"])
    );
    for (arguments, message) in [
        (&["slow_nesterov"][..], "needs a field of the parameters alone"),
        (&["normalized_sam", "--format", "sympy"], "this format cannot show a modified loss"),
    ] {
        let shown = stderr(&[&["derive", "--modified-loss"], arguments].concat());
        assert!(shown.contains(message), "{shown}");
    }
    insta::assert_snapshot!(
        "dots_of_a_gradient",
        stderr(&["derive", "--as", "gradient", "--notation", "dots"])
    );
}

#[test]
fn files_appear_complete_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    };
    for (ending, start) in [
        ("txt", "gradient_descent: "),
        ("tex", "% gradient_descent"),
        ("typ", "// gradient_descent"),
        ("md", "# gradient"),
        ("json", "{\"optimizer\": "),
        ("py", "\"\"\"gradient_descent"),
        ("m", "(* gradient_descent"),
        ("svg", "<svg "),
        ("html", "<!DOCTYPE html>"),
    ] {
        let name = format!("field.{ending}");
        let (out, error, code) = run_in(folder.path(), &["derive", "--out", &name]);
        assert_eq!((out.as_str(), error.as_str(), code), ("", "", 0));
        let text = fs::read_to_string(folder.path().join(&name)).unwrap();
        assert!(text.starts_with(start), "{text}");
    }
    assert_eq!(names(folder.path()).len(), 9, "nothing temporary is left");
    // The format that is asked for counts, and a file is replaced.
    let arguments = ["derive", "--out", "field.txt", "--format", "json", "--order", "0"];
    assert_eq!(run_in(folder.path(), &arguments).2, 0);
    let text = fs::read_to_string(folder.path().join("field.txt")).unwrap();
    assert!(text.starts_with("{\"optimizer\""), "{text}");
    // A failure leaves what was there.
    let arguments = ["derive", "heavy_ball", "--set", "m=1", "--out", "field.txt"];
    assert_eq!(run_in(folder.path(), &arguments).2, 2);
    assert_eq!(fs::read_to_string(folder.path().join("field.txt")).unwrap(), text);
    let (_, error, code) = run_in(folder.path(), &["derive", "--out", "no/field.txt"]);
    assert_eq!(code, 2);
    insta::assert_snapshot!("no_folder", error);
}

#[cfg(unix)]
#[test]
fn new_files_have_ordinary_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder_with(&[("plain", b"")]);
    assert_eq!(run_in(folder.path(), &["derive", "--out", "field.json"]).2, 0);
    let mode = |name| fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
    assert_eq!(mode("field.json"), mode("plain"));
}

#[cfg(unix)]
#[test]
fn devices_are_written_to_and_not_replaced() {
    assert_eq!(stdout(&["derive", "--out", "/dev/null", "--format", "json"]), "");
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_is_no_error() {
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("bea"))
        .args(["derive", "--order", "12", "--format", "json"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn threads_change_nothing() {
    let arguments = ["derive", "--order", "11", "--format", "json"];
    let one = stdout(&[&arguments[..], &["--threads", "1"]].concat());
    assert!(one == stdout(&[&arguments[..], &["--threads", "3"]].concat()), "the texts differ");
    for number in ["0", "-3", "x", "100000"] {
        let error = stderr(&["derive", "--threads", number]);
        assert!(error.contains("write a whole number from 1 to 1024"), "{error}");
    }
}

#[test]
fn an_order_is_a_whole_number() {
    for order in ["-1", "x", "1.5", "99999999999999999999"] {
        let error = stderr(&["derive", "--order", order]);
        assert!(error.contains("write a whole number from 0 on"), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn an_error_that_nobody_reads_is_still_bad_input() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = std::process::Command::new(assert_cmd::cargo::cargo_bin("bea"))
        .args(["derive", "heavy_ball", "--set", "m=1"])
        .stderr(writer)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(2));
}

#[cfg(target_os = "linux")]
#[test]
fn a_report_that_cannot_be_written_is_no_success() {
    for arguments in [&["check"][..], &["check", "--format", "json"], &["derive"]] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = std::process::Command::new(assert_cmd::cargo::cargo_bin("bea"))
            .args(arguments)
            .stdout(full)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(error.contains("cannot write to the standard output"), "{error}");
    }
}

#[test]
fn pages_and_completions() {
    assert!(stdout(&["man"]).contains(".TH bea 1"));
    let derive = stdout(&["man", "derive"]);
    assert!(derive.contains("modified\\-loss"), "{derive}");
    assert!(stderr(&["man", "nothing"]).contains("no command `nothing`"));
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(stdout(&["completions", shell]).contains("modified-loss"), "{shell}");
    }
}

#[test]
fn help_names_every_option() {
    insta::assert_snapshot!("help", stdout(&["derive", "--help"]));
}

/// At most seven parameters stay symbolic; the others take values, and an optimizer with more spoils no other in its
/// file.
#[test]
fn an_optimizer_may_have_many_parameters() {
    let weights: Vec<String> = (1..=9).map(|i| format!("c{i}")).collect();
    let many = |name: &str| {
        let stages: String =
            (1..=9).map(|i| format!("  let k{i} = f(theta + h*c{i}*k{})\n", i - 1)).collect();
        let stages = stages.replace("h*c1*k0", "h*c1*f(theta)");
        format!(
            "optimizer {name}({}) {{\n{stages}  theta' = theta + h*k9\n}}\n",
            weights.join(", ")
        )
    };
    let plain = "optimizer plain {\n  theta' = theta + h*f(theta)\n}\n";
    let folder = folder_with(&[
        ("many.bea", (many("many") + plain).as_bytes()),
        (
            "claims.bea",
            (many("many")
                + "claim \"one\":\n  field(many(c1=0, c2=0, c3=0), 1) == -g + h*(c9 - 1/2)*H*g\n")
                .as_bytes(),
        ),
    ]);
    let run = |arguments: &[&str]| run_in(folder.path(), arguments);
    let (out, error, code) = run(&["derive", "many.bea:plain", "--order", "1"]);
    assert!(code == 0 && out.starts_with("plain: "), "{error}");
    let (_, error, code) = run(&["derive", "many.bea:many", "--order", "1"]);
    assert_eq!(code, 2);
    assert!(
        error.contains("9 parameters of `many` have no value; at most 7 may stay symbolic"),
        "{error}"
    );
    assert!(error.contains("give values to 2 of them: --set c8=1/2, say"), "{error}");
    let (_, error, code) = run(&["derive", "many.bea:many", "--order", "1", "--set", "c8=1/2"]);
    assert!(code == 2 && error.contains("8 parameters of `many`"), "{error}");
    let (out, error, code) =
        run(&["derive", "many.bea:many", "--order", "1", "--set", "c8=1/2", "--set", "c3=0"]);
    assert!(code == 0 && out.contains("c9"), "{error}");
    // With values for all it is the method of the stages: θ' = θ + h f(θ + h c9 f(…)), so b([[]]) = c9 - 1/2.
    let set: Vec<String> = weights.iter().map(|name| format!("{name}=1/3")).collect();
    let set: Vec<&str> = set.iter().flat_map(|value| ["--set", value]).collect();
    let (out, error, code) =
        run(&[&["derive", "many.bea:many", "--tree", "[[]]"][..], &set].concat());
    assert!(code == 0 && out.contains("-1/6"), "{out}{error}");
    let line =
        ["flow", "--loss", "x^2", "--start", "1", "--lr", "0.1", "--optimizer", "many.bea:many"];
    assert_eq!(run(&[&line[..], &set].concat()).2, 0);
    assert_eq!(
        run(&[
            &["stability", "--loss", "x^2", "--at", "0", "--optimizer", "many.bea:many"][..],
            &set
        ]
        .concat())
        .2,
        0
    );
    let (out, error, code) = run(&["check", "claims.bea"]);
    assert_eq!(code, 0, "{out}{error}");
    let claims = fs::read_to_string(folder.path().join("claims.bea")).unwrap();
    fs::write(folder.path().join("claims.bea"), claims.replace("c1=0, c2=0, c3=0", "c1=0"))
        .unwrap();
    let (out, error, code) = run(&["check", "claims.bea"]);
    assert!(code == 2 && error.contains("at most 7 may stay symbolic"), "{out}{error}");
}

#[test]
fn eigenvalues_are_counted_from_zero() {
    let network = ["--network", "mlp:2,tanh", "--data", "iris"];
    for which in [&["--top", "2", "--bottom", "1"][..], &["--full"]] {
        let json = stdout(&[&["spectrum", "--format", "json"][..], &network, which].concat());
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let pairs = json["eigenpairs"].as_array().unwrap();
        let p = json["parameters"].as_u64().unwrap();
        let index = |pair: &serde_json::Value| pair["index"].as_u64().unwrap();
        assert_eq!((index(&pairs[0]), index(&pairs[1])), (0, 1));
        assert_eq!(index(pairs.last().unwrap()), p - 1);
        let text = stdout(&[&["spectrum"][..], &network, which].concat());
        assert!(
            text.lines().any(|line| line.starts_with("   0  ") || line.starts_with("  0  ")),
            "{text}"
        );
    }
}

#[test]
fn an_optimizer_may_be_given_by_its_definition() {
    let text = "optimizer half {\n  theta' = theta + h/2*f(theta)\n}";
    let folder = folder_with(&[("half.bea", text.as_bytes())]);
    let json = ["--order", "3", "--format", "json"];
    let (from_file, ..) = run_in(folder.path(), &[&["derive", "half.bea"], &json[..]].concat());
    assert_eq!(stdout(&[&["derive", text], &json[..]].concat()), from_file);
    let error = stderr(&["derive", "optimizer half {\n  theta' = theta + x\n}"]);
    assert!(
        error.contains("definition:2:20") && error.contains("not defined in this optimizer"),
        "{error}"
    );
    let error = stderr(&["derive", &format!("{text}\noptimizer other {{ theta' = theta }}")]);
    assert!(error.contains("the definition holds 2 optimizers"), "{error}");
}
