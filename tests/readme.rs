//! What the README shows is what the commands print. After an intended change,
//! `BEA_UPDATE_README=1 cargo test --release --test readme` writes the new output into it.

use std::path::Path;
use std::process::Command;

/// Runs one `bea …` line as a shell would, in a folder that holds the README's files.
fn run(line: &str, folder: &Path) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_bea")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-c", &format!("{line} 2>&1")])
        .current_dir(folder)
        .env("PATH", path)
        .env("COLUMNS", "80")
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_string()
}

/// The README with the output below every `$ bea …` line renewed.
fn renewed(readme: &str, folder: &Path) -> String {
    let mut out = Vec::new();
    let mut file: Option<(String, Vec<&str>)> = None;
    let mut lines = readme.lines().peekable();
    while let Some(line) = lines.next() {
        out.push(line.to_string());
        if let Some(name) = line.strip_prefix("<!-- file: ").and_then(|l| l.strip_suffix(" -->")) {
            file = Some((name.to_string(), Vec::new()));
        } else if let Some(command) =
            line.strip_prefix("<!-- output of: ").and_then(|l| l.strip_suffix(" -->"))
        {
            out.extend(lines.next().map(str::to_string));
            while lines.next_if(|l| *l != "```").is_some() {}
            out.push(run(command, folder));
        } else if line == "```text" && file.is_some() {
            let (name, mut text) = file.take().unwrap();
            while let Some(line) = lines.next_if(|l| *l != "```") {
                text.push(line);
                out.push(line.to_string());
            }
            std::fs::write(folder.join(name), text.join("\n") + "\n").unwrap();
        } else if line == "```console" {
            let mut block = Vec::new();
            while let Some(line) = lines.next_if(|l| *l != "```") {
                block.push(line);
            }
            let commands: Vec<_> = block.iter().filter(|l| l.starts_with("$ ")).collect();
            assert!(!commands.is_empty(), "a console block without a command");
            for (i, command) in commands.into_iter().enumerate() {
                if i > 0 {
                    out.push(String::new());
                }
                out.push(command.to_string());
                out.push(run(&command[2..], folder));
            }
        }
    }
    out.join("\n") + "\n"
}

#[test]
fn readme_shows_what_the_commands_print() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let renewed = renewed(&readme, folder.path());
    if std::env::var_os("BEA_UPDATE_README").is_some() {
        std::fs::write(&path, &renewed).unwrap();
    }
    assert!(
        renewed.lines().filter(|l| l.starts_with("$ bea")).count() >= 10,
        "the tour is gone"
    );
    for (number, (shown, printed)) in readme.lines().zip(renewed.lines()).enumerate() {
        assert_eq!(shown, printed, "README.md, line {}", number + 1);
    }
    assert_eq!(readme, renewed);
}
