//! Help: what fits a terminal of 80 columns, and that help, documents and completions name what there is.

use bea::experiment::Metric;
use bea::experiment::config::{keys, methods};
use bea::flow::FlowName;
use std::process::Command;

fn bea(columns: usize, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bea"));
    let output = command.args(arguments).env("COLUMNS", columns.to_string()).output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The subcommands that help lists, and none for `bea` itself.
fn commands() -> Vec<Option<String>> {
    let help = bea(200, &["--help"]);
    let listed = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = listed.lines().filter_map(|line| line.split_whitespace().next());
    let names: Vec<_> =
        names.filter(|name| *name != "help").map(|name| Some(name.into())).collect();
    assert!(names.len() >= 15, "{names:?}");
    std::iter::once(None).chain(names).collect()
}

fn help(columns: usize, command: &Option<String>, option: &str) -> String {
    let arguments: Vec<&str> = command.as_deref().into_iter().chain([option]).collect();
    bea(columns, &arguments)
}

/// What stands below the options: the first line that begins a paragraph after them.
fn below_options(help: &str) -> &str {
    let options = help.find("Options:\n").unwrap();
    let end = help[options..].find("Print version\n").map_or(help.len(), |at| options + at + 14);
    &help[end..]
}

#[test]
fn help_fits_eighty_columns() {
    for command in commands() {
        for option in ["-h", "--help"] {
            for line in help(80, &command, option).lines() {
                let length = line.chars().count();
                assert!(length <= 80, "bea {command:?} {option}, {length} characters: {line}");
            }
        }
    }
}

/// Tables, descriptions in TOML and commands are the same at every width from 80 on.
#[test]
fn examples_survive_a_terminal_of_eighty_columns() {
    let mut compared = 0;
    for command in commands() {
        for option in ["-h", "--help"] {
            let [wide, narrow] = [300, 80].map(|columns| help(columns, &command, option));
            assert_eq!(below_options(&wide), below_options(&narrow), "bea {command:?}");
            compared += below_options(&wide).lines().count();
        }
    }
    assert!(compared > 200, "{compared}");
}

/// Commands that help shows are read as commands: every option in them is one.
#[test]
fn examples_are_commands() {
    let mut found = 0;
    for command in commands() {
        let text = help(80, &command, "--help").replace("\\\n   ", "");
        for line in text.lines().filter_map(|line| line.strip_prefix("  bea ")) {
            let name = line.split_whitespace().next().unwrap().to_string();
            let known = help(300, &Some(name.clone()), "--help");
            for option in line.split_whitespace().filter(|word| word.starts_with("--")) {
                assert!(known.contains(option), "bea {line}: {option}");
                found += 1;
            }
        }
    }
    assert!(found > 60, "{found}");
}

#[test]
fn the_first_page_says_where_to_start() {
    let help = bea(80, &["--help"]);
    assert!(help.contains("Where to start:\n  bea derive --order 2\n"), "{help}");
}

/// The description that help shows is one.
#[test]
fn the_description_in_help_runs() {
    let help = bea(80, &["run", "--help"]);
    let text = help.split("are needed:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let text: Vec<&str> = text.lines().map(str::trim).collect();
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("a.toml"), text.join("\n")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_bea"));
    command.current_dir(place.path()).args(["run", "a.toml", "--set", "train.steps=3"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The library knows what there is; help, documents and completions name all of it.
#[test]
fn everything_is_named_everywhere() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = |name: &str| std::fs::read_to_string(root.join("docs").join(name)).unwrap();
    let (run, experiments) = (bea(80, &["run", "--help"]), document("experiments.md"));
    for section in &keys::SECTIONS {
        for key in section.keys {
            let indent = if section.name.is_empty() { "  " } else { "    " };
            let line = format!("\n{indent}{} = {} ", key.name, key.value);
            assert!(run.contains(&line), "{line}");
            assert!(experiments.contains(&line), "docs/experiments.md: {line}");
        }
    }
    for layer in &keys::LAYERS {
        let line = format!("\n  {} ", layer.header());
        assert!(run.contains(&line) && experiments.contains(&line), "{line}");
    }
    let methods = methods().into_iter().map(|method| method.name.to_string());
    for name in methods.chain(Metric::names()) {
        let line = format!("\n  {name} ");
        assert!(run.contains(&line), "{name}");
        assert!(experiments.contains(&line), "docs/experiments.md: {name}");
    }
    let flow = bea(80, &["flow", "--help"]);
    for name in FlowName::names() {
        let line = format!("\n  {name} ");
        assert!(run.contains(&line) && flow.contains(&line), "{name}");
    }
}

/// Those of elvish and PowerShell complete options only.
#[test]
fn shells_complete_names() {
    for shell in ["bash", "zsh", "fish"] {
        let text = bea(80, &["completions", shell]).replace('\\', "");
        let optimizers = bea::optimizer::names().iter().map(|name| name.to_string());
        let losses = bea::loss::library().into_iter().map(|(name, _)| name);
        let flows = FlowName::names();
        let flows = flows.iter().map(|name| name.replace(":n", ":3").replace(":k", ":1"));
        for name in optimizers.chain(losses).chain(flows).chain(keys::settings()) {
            assert!(text.contains(&name), "{shell}: {name}");
        }
    }
    let bash = Command::new("bash").arg("-n").stdin(std::process::Stdio::piped()).spawn();
    let mut bash = bash.unwrap();
    let text = bea(80, &["completions", "bash"]);
    std::io::Write::write_all(&mut bash.stdin.take().unwrap(), text.as_bytes()).unwrap();
    assert!(bash.wait().unwrap().success(), "bash does not read its completions");
}
