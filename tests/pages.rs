//! Pages as their readers use them: figures that answer, and equations whose brackets match.

mod needs;

use bea::experiment::{
    Config, Existing, Experiment, Measured, Outcome, Scale, Seeds, conduct, report, report_of,
    sweep, sweep_figure,
};
use bea::plot::{Axis, Figure, Interactive, Panel, Series, Style};
use bea::source::Source;
use std::path::Path;
use std::process::{Command, Output};

/// Eigenvalues beside `2/h`, losses of a large range, values that are missing at the last step.
const RUN: &str = r#"
network = "mlp:4,tanh"
data = "iris"
dtype = "f64"
seed = 2
[train]
method = "gd"
lr = 0.2
steps = 40
[measure]
metrics = ["loss", "accuracy", "lambda:2", "drift", "drift_estimate", "error:ngf", "error:igr"]
[flows]
rtol = 1e-3
atol = 1e-5
"#;

fn conducted(folder: &Path) -> Outcome {
    let source = Source::new("iris.toml", RUN);
    let runs: Vec<Config> = Experiment::parse(source, Scale::Small, &[]).unwrap().runs().unwrap();
    conduct(runs.into_iter().next().unwrap(), folder, Existing::Replace, 0, &|| false).unwrap()
}

/// What a script of `tests/report` says; `None` where there is no Chromium, or no Python.
fn said(script: &str, files: &[&Path]) -> Option<Output> {
    let chromium = needs::program(&["chromium", "chromium-browser", "google-chrome"])?;
    let mut python = needs::python()?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report").join(script);
    Some(python.arg(script).args(files).arg(chromium).output().unwrap())
}

fn assert_silent(output: &Output) {
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn figures_answer_by_pointer_and_by_keyboard() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = conducted(folder.path());
    let metrics = folder.path().join("metrics.csv");
    let file = folder.path().join("report.html");
    let Some(output) = said("interact.py", &[&file, &metrics]) else { return };
    assert_silent(&output);

    // The check sees what it is there for.
    let page = report("Iris", &[Measured::from(&outcome)], None);
    for (old, new, complaint) in [
        ("y: y[k],", "y: y[k] && 1.001 * y[k],", "were measured"),
        ("!hidden.has(label) && points", "points", "is still read out"),
        ("this.y.zoom(...up)", "void up", "a drag up does not zoom"),
        // What listens to its focus can be reached without a `tabindex`, too.
        ("tabindex: 0, role: \"slider\"", "tabindex: -1, role: \"slider\"", "Tab does not reach"),
        ("default-src 'none'", "default-src *", "a request is refused by None"),
        ("light-dark(#", "light-dark(#fefefe,#", "dark: a page of"),
        ("color-scheme:light}}", "color-scheme:dark}}", "paper of"),
    ] {
        assert!(page.contains(old), "{old}");
        let damaged = folder.path().join("damaged.html");
        std::fs::write(&damaged, page.replace(old, new)).unwrap();
        let output = said("interact.py", &[&damaged, &metrics]).unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(!output.status.success() && said.contains(complaint), "{complaint}: {said}");
    }
}

#[test]
fn pages_of_several_runs_answer() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        format!("{RUN}[grid]\nseed = [0, 1, 2]\ntrain.lr = [0.1, 0.2]\n").replace("seed = 2\n", "");
    let runs = Experiment::parse(Source::new("iris.toml", text), Scale::Small, &[]).unwrap().runs();
    let outcomes = sweep(runs.unwrap(), folder.path(), Existing::Replace, 2, &|| false).unwrap();
    let measured: Vec<Measured> = outcomes.iter().map(Measured::from).collect();
    let figure = sweep_figure(&measured, Seeds::Median);
    let file = folder.path().join("report.html");
    std::fs::write(&file, report_of("Rates", &figure, &measured, "It holds.")).unwrap();
    let Some(output) = said("interact.py", &[&file, Path::new("-")]) else { return };
    assert_silent(&output);
    if let Some(output) = said("check_report.py", &[&file]) {
        assert_silent(&output);
    }
}

#[test]
fn flows_leave_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_bea"))
        .args(["flow", "--loss", "rosenbrock", "--lr", "0.0006", "--steps", "6", "--plot"])
        .args(["--title", "</title><b>&", "--out"])
        .arg(folder.path().join("run"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let file = folder.path().join("run/trajectories.html");
    let page = std::fs::read_to_string(&file).unwrap();
    assert!(page.contains("\"plane\":true") && !page.contains("NaN") && !page.contains("<b>"));
    if let Some(output) = said("check_report.py", &[&file]) {
        assert_silent(&output);
    }
}

#[test]
fn long_curves_make_small_pages() {
    let wave = |i: u32| (f64::from(i), (f64::from(i) * 1e-3).sin() * (-f64::from(i) * 1e-6).exp());
    let points: Vec<(f64, f64)> = (0..1_000_000).map(wave).collect();
    let panel = Panel {
        x: Axis::linear("step"),
        y: Axis::linear("loss"),
        series: vec![Series::new("a", points, Style::of_series(0).line())],
        ..Panel::default()
    };
    let figure = Figure { title: String::new(), panels: vec![panel], columns: 2 };
    let page = Interactive::new(&[("loss against step".into(), figure)]);
    assert!(page.body.len() < 200_000, "{} bytes", page.body.len());
}

/// The page of a derivation.
fn derived(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_bea"))
        .args(["derive", "--format", "html"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Every bracket of a formula that has no partner in the same row, and every tag that is not closed; how many brackets there
/// are.
fn unmatched(page: &str) -> (Vec<String>, usize) {
    let mut faults = Vec::new();
    // The elements that are open, and the brackets that are open in each.
    let mut open: Vec<(&str, Vec<char>)> = Vec::new();
    let mut brackets = 0;
    for (at, _) in page.match_indices('<') {
        let Some(end) = page[at..].find('>') else { continue };
        let tag = &page[at + 1..at + end];
        let text = page[at + end + 1..].split('<').next().unwrap_or_default();
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
        if !(name == "math" || open.first().is_some_and(|(name, _)| *name == "math")) {
            continue;
        }
        if tag.starts_with('/') {
            match open.pop() {
                Some((last, left)) if last == name && left.is_empty() => {}
                other => faults.push(format!("</{name}> closes {other:?}")),
            }
            continue;
        }
        if name == "mo" {
            let row = open.last_mut().map(|(_, row)| row);
            let row = row.unwrap_or_else(|| panic!("{text} outside of a formula"));
            let mark = text.chars().next().unwrap_or(' ');
            match mark {
                '(' | '[' => row.push(mark),
                ')' | ']' => {
                    let partner = if mark == ')' { '(' } else { '[' };
                    if row.pop() != Some(partner) {
                        faults.push(format!(
                            "{mark} without {partner} in {}",
                            &page[at - 40.min(at)..at]
                        ));
                    }
                }
                '‖' if row.last() == Some(&mark) => drop(row.pop()),
                '‖' => row.push(mark),
                _ => {}
            }
            brackets += usize::from("()[]‖".contains(mark));
        }
        if !tag.ends_with('/') {
            open.push((name, Vec::new()));
        }
    }
    (faults, brackets)
}

#[test]
fn brackets_have_their_partners_in_the_same_row() {
    let mut seen = 0;
    for name in bea::optimizer::names() {
        for more in [&[][..], &["--as", "gradient"], &["--modified-loss"]] {
            let arguments = [&[name, "--order", "3"], more].concat();
            let output = Command::new(env!("CARGO_BIN_EXE_bea"))
                .args(["derive", "--format", "html"])
                .args(&arguments)
                .output()
                .unwrap();
            // Games have no gradient, and some optimizers no modified loss.
            if !output.status.success() {
                continue;
            }
            let page = String::from_utf8(output.stdout).unwrap();
            let (faults, brackets) = unmatched(&page);
            assert!(faults.is_empty(), "{arguments:?}: {faults:?}");
            seen += brackets;
        }
    }
    assert!(seen > 5_000, "{seen} brackets");
    // The check sees what it is there for.
    let page = "<math><mo>(</mo></math> <math><mrow><mi>f</mi><mo>)</mo></mrow></math>";
    assert_eq!(unmatched(page).0.len(), 2);
}

#[test]
fn brackets_of_a_pair_are_equally_high_in_a_browser() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("field.html");
    for arguments in [
        &["gradient_descent", "--order", "6"][..],
        &["heavy_ball", "--order", "4"],
        &["heavy_ball", "--order", "3", "--modified-loss"],
        &["simultaneous_gda", "--order", "3"],
        &["nesterov", "--order", "3", "--as", "gradient"],
        &["gradient_descent", "--order", "3", "--notation", "index"],
    ] {
        let page = derived(arguments);
        std::fs::write(&file, &page).unwrap();
        let Some(output) = said("fences.py", &[&file]) else { return };
        assert_silent(&output);
    }
    // Brackets in formulas of their own, as they were once.
    let page = derived(&["gradient_descent", "--order", "3"]);
    let apart = "<math><mo>(</mo></math><math><mrow><mfrac><mn>1</mn><mn>2</mn></mfrac><mo>)</mo></mrow></math>";
    std::fs::write(&file, page.replace("</main>", &format!("{apart}</main>"))).unwrap();
    let output = said("fences.py", &[&file]).unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success() && said.contains("without a partner"), "{said}");
    let unequal = "<math><mrow><mo stretchy=\"false\">(</mo><mfrac><mn>1</mn><mn>2</mn></mfrac><mo>)</mo></mrow></math>";
    std::fs::write(&file, page.replace("</main>", &format!("{unequal}</main>"))).unwrap();
    let output = self::said("fences.py", &[&file]).unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success() && said.contains("not equally high"), "{said}");
}
