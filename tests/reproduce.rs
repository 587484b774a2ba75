//! The figures of the paper: their files, and that their verdicts can turn out otherwise.

use assert_cmd::Command;
use bea::flow::alpha;
use bea::reproduction::simulated::{fig3, fig5};
use bea::reproduction::{self, FIGURES, Judgement};
use predicates::prelude::*;

#[test]
fn every_figure_leaves_files_that_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    for figure in &FIGURES {
        let outcome = figure.run();
        for (name, bytes) in figure.files().iter().zip(figure.contents(&outcome)) {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let read = |extension: &str| {
            std::fs::read(folder.path().join(format!("{}.{extension}", figure.id))).unwrap()
        };
        let svg = String::from_utf8(read("svg")).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{}", figure.id);
        assert!(read("png").starts_with(b"\x89PNG"));
        let csv = String::from_utf8(read("csv")).unwrap();
        let columns = csv.lines().next().unwrap().split(',').count();
        assert!(columns >= 3 && csv.lines().count() > 10, "{}", figure.id);
        for line in csv.lines() {
            assert_eq!(line.split(',').count(), columns, "{}: {line}", figure.id);
        }
        let (caption, verdict) = (figure.caption(&outcome), outcome.finding.verdict);
        println!("{caption}");
        // How many conditions of one in part are met stands behind it.
        assert!(caption.to_string().contains(&format!("\nverdict: {verdict}")), "{caption}");
        // What is exact must be found to be so.
        if ["fig2", "fig3", "fig4", "fig24", "table1"].contains(&figure.id) {
            assert_eq!(verdict, Judgement::Holds, "{caption}");
        }
    }
}

#[test]
fn another_flow_in_the_place_of_the_principal_one_is_found_out() {
    let mut runs = fig5::runs();
    // At h = 0.5 the flow has no velocity.
    let finding = fig5::judge(&runs);
    assert_eq!(finding.verdict, Judgement::InPart, "{finding:?}");
    let defined: Vec<_> = runs.iter().filter(|run| run.simulation.lr != 0.5).cloned().collect();
    assert_eq!(fig5::judge(&defined).verdict, Judgement::Holds);
    for run in &mut runs {
        let ngf = run.simulation.find("ngf").unwrap().theta.clone();
        let pf = run.simulation.flows.iter_mut().find(|flow| flow.name == "pf").unwrap();
        pf.theta = ngf;
    }
    let finding = fig5::judge(&runs);
    assert_eq!(finding.verdict, Judgement::DoesNotHold, "{finding:?}");
}

#[test]
fn another_coefficient_is_found_out() {
    let points = [0.5, 1.5, 2.5];
    assert_eq!(fig3::judge(&points, alpha::pf).verdict, Judgement::Holds);
    assert_eq!(fig3::judge(&points, alpha::igr).verdict, Judgement::DoesNotHold);
}

#[test]
fn unknown_names_are_refused_with_similar_ones() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::cargo_bin("bea").unwrap();
    command.current_dir(folder.path()).args(["reproduce", "fig77"]);
    command.assert().code(2).stderr(predicate::str::contains("did you mean"));
    assert!(!folder.path().join("results").exists());
    assert!(reproduction::find("tabel1").is_err_and(|error| error.to_string().contains("tabel1")));
}

#[test]
fn files_that_exist_are_kept_without_force() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::cargo_bin("bea").unwrap();
        command.current_dir(folder.path()).arg("reproduce").args(arguments).assert()
    };
    run(&["--list"]).success().stdout(predicate::str::contains("fig30"));
    run(&["fig3", "fig1", "fig3"]).success().stdout(predicate::function(|text: &str| {
        let figures = text.lines().filter(|line| line.starts_with("fig")).count();
        let told = ["shows: ", "claim: ", "seen: ", "number: ", "verdict: ", "where: "];
        let captions = told.iter().all(|part| text.matches(&format!("  {part}")).count() == 2);
        figures == 2 && captions && text.starts_with("fig3: ")
    }));
    for file in ["fig3.svg", "fig3.csv", "fig3.txt", "fig1.svg", "fig1.csv", "fig1.txt"] {
        assert!(folder.path().join("results").join(file).is_file(), "{file}");
    }
    run(&["fig3"]).code(2).stderr(predicate::str::contains("exists"));
    run(&["fig3", "--force"]).success();
}

/// Before anything is computed, so that no figure is left without its row.
#[test]
fn a_report_that_cannot_be_written_is_found_first() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::cargo_bin("bea").unwrap();
    let arguments = ["reproduce", "fig1", "--out", "rp", "--report", "missing/r.md"];
    let outcome = command.current_dir(folder.path()).args(arguments).assert();
    outcome.code(2).stderr(predicate::str::contains("cannot write missing/r.md"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// A link is relative to where it stands, wherever report and pictures are.
#[test]
fn links_of_a_report_lead_from_its_folder_to_the_pictures() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["sub", "a/b"] {
        std::fs::create_dir_all(folder.path().join(name)).unwrap();
    }
    for (report, out, link) in [
        ("sub/r.md", "figures", "../figures/fig3.svg"),
        ("r.md", "figures", "figures/fig3.svg"),
        ("sub/r.md", "sub/figures", "figures/fig3.svg"),
        ("a/b/../r.md", "figures", "../figures/fig3.svg"),
        ("sub/r.md", "sub", "fig3.svg"),
        ("r.md", "sub/../figures", "figures/fig3.svg"),
    ] {
        let mut command = Command::cargo_bin("bea").unwrap();
        let arguments = ["reproduce", "fig3", "--force", "--out", out, "--report", report];
        command.current_dir(folder.path()).args(arguments).assert().success();
        let report = folder.path().join(report);
        let table = std::fs::read_to_string(&report).unwrap();
        assert!(table.contains(&format!("| [3]({link}), ")), "{table}");
        assert!(report.parent().unwrap().join(link).is_file(), "{link}");
    }
    // From elsewhere by absolute paths, too.
    let at = |name: &str| folder.path().join(name).display().to_string();
    let mut command = Command::cargo_bin("bea").unwrap();
    let (out, report) = (at("figures"), at("a/r.md"));
    let arguments = ["reproduce", "fig3", "--force", "--out", &out, "--report", &report];
    command.current_dir(at("sub")).args(arguments).assert().success();
    let table = std::fs::read_to_string(&report).unwrap();
    assert!(
        table.contains("| [3](../figures/fig3.svg), [caption](../figures/fig3.txt) |"),
        "{table}"
    );
}
