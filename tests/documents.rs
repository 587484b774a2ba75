//! What the README and the guides show is what the commands print. After an intended change,
//! `BEA_UPDATE_DOCS=1 cargo test --release --test documents` writes the new output into them.

use std::path::Path;
use std::process::Command;

/// Runs one `bea …` line as a shell would, in a folder that holds the document's files.
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

/// The document with the output below every `$ bea …` line renewed.
fn renewed(document: &str, folder: &Path) -> String {
    let mut out = Vec::new();
    let mut file: Option<(String, Vec<&str>)> = None;
    let mut lines = document.lines().peekable();
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
fn documents_show_what_the_commands_print() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let documents = std::fs::read_dir(root.join("docs")).unwrap().map(|f| f.unwrap().path());
    let mut commands = 0;
    for path in documents.filter(|p| p.extension().is_some_and(|e| e == "md")) {
        commands += check(&path);
    }
    assert!(check(&root.join("README.md")) >= 10, "the tour is gone");
    assert!(commands >= 5, "the guides are gone");
}

/// The number of commands in a document, all of whose output is as shown.
fn check(path: &Path) -> usize {
    let shown = std::fs::read_to_string(path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let renewed = renewed(&shown, folder.path());
    if std::env::var_os("BEA_UPDATE_DOCS").is_some() {
        std::fs::write(path, &renewed).unwrap();
    }
    for (number, (shown, printed)) in shown.lines().zip(renewed.lines()).enumerate() {
        assert_eq!(shown, printed, "{}, line {}", path.display(), number + 1);
    }
    assert_eq!(shown, renewed);
    renewed.lines().filter(|l| l.starts_with("$ bea")).count()
}
