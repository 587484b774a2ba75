//! What a run leaves behind to be looked at: figures and pages.

mod needs;

use bea::experiment::run::End;
use bea::experiment::{
    Config, Existing, Experiment, Measured, Outcome, Scale, Seeds, Table, conduct, report,
    run_figure, sweep, sweep_figure,
};
use bea::plot::Panel;
use bea::source::Source;
use std::path::Path;
use std::process::Output;
use std::sync::OnceLock;

const IRIS: &str = r#"
network = "mlp:6,tanh"
data = "iris"
dtype = "f64"
seed = 3
[train]
method = "gd"
lr = 0.2
steps = 12
[measure]
metrics = ["loss", "accuracy", "lambda:2", "hg", "drift_estimate"]
"#;

/// What takes flows, few and roughly.
const FLOWS: &str = r#"
network = "mlp:3,tanh"
data = "iris"
dtype = "f64"
name = "iris"
[train]
method = "gd"
lr = 0.2
steps = 3
[measure]
metrics = ["loss", "lambda:2", "sc:1", "drift", "drift_estimate", "prediction", "error:ngf", "error:igr"]
[flows]
rtol = 1e-3
atol = 1e-5
[follow]
from = [0, 2]
steps = 2
flows = ["ngf", "igr"]
sharpness = true
"#;

fn configs(text: &str) -> Vec<Config> {
    let source = Source::new("iris.toml", text);
    Experiment::parse(source, Scale::Small, &[]).unwrap().runs().unwrap()
}

fn followed() -> &'static Outcome {
    static RUN: OnceLock<Outcome> = OnceLock::new();
    RUN.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let config = configs(FLOWS).remove(0);
        conduct(config, folder.path(), Existing::Replace, 0, &|| false).unwrap()
    })
}

fn swept(grid: &str) -> Vec<Outcome> {
    let folder = tempfile::tempdir().unwrap();
    let runs = configs(&(IRIS.to_string() + grid));
    sweep(runs, folder.path(), Existing::Refuse, 2, &|| false).unwrap()
}

fn panel<'a>(panels: &'a [Panel], name: &str) -> &'a Panel {
    let found = panels.iter().find(|panel| panel.y.label.starts_with(name));
    found.unwrap_or_else(|| panic!("no panel {name}"))
}

fn labels(panel: &Panel) -> Vec<&str> {
    panel.series.iter().map(|series| series.label.as_str()).collect()
}

#[test]
fn what_compares_shares_a_panel() {
    let outcome = followed();
    let figure = run_figure(&Measured::from(outcome));
    let panels = &figure.panels;
    assert!(figure.title.starts_with("iris: the loss falls from "), "{}", figure.title);
    assert!(figure.title.ends_with(" in 3 steps"), "{}", figure.title);
    assert_eq!(labels(panel(panels, "loss")), [""]);
    assert_eq!(labels(panel(panels, "stability")), ["sc₀", "sc₀"]);
    assert_eq!(labels(panel(panels, "drift")), ["drift", "h²/2 ‖Hg‖"]);
    assert_eq!(labels(panel(panels, "∇E")), ["actual", "NGF", "IGR", "PF"]);
    assert_eq!(labels(panel(panels, "error of a step")), ["NGF", "IGR"]);
    // A flow has the same colour everywhere.
    let color = |name: &str, flow: &str| {
        let panel = panel(panels, name);
        let series = panel.series.iter().find(|series| series.label == flow);
        series.unwrap_or_else(|| panic!("no {flow} in {panel:?}")).style.color
    };
    for name in ["∇E", "error of a step", "distance to gradient descent"] {
        assert_eq!(color(name, "IGR"), color("∇E", "IGR"));
        assert_ne!(color(name, "NGF"), color("∇E", "IGR"));
    }
    // Curves are the columns of the table.
    let loss: Vec<f64> = panel(panels, "loss").series[0].points.iter().map(|p| p.1).collect();
    assert_eq!(loss, outcome.metrics.column("loss").unwrap());
    // Each start has panels of its own; the three from iterate 0 are against the step as well.
    let starts: Vec<&str> = panels.iter().map(|panel| panel.x.label.as_str()).collect();
    assert_eq!(starts.iter().filter(|x| **x == "step").count(), panels.len() - 3);
    assert_eq!(starts.iter().filter(|x| **x == "steps after iterate 2").count(), 3);
    let distance = panel(panels, "distance to gradient descent");
    assert_eq!(labels(distance), ["NGF", "IGR"]);
    // At the start there is none.
    let steps: Vec<f64> = distance.series[0].points.iter().map(|point| point.0).collect();
    assert_eq!(steps, [1.0, 2.0]);
}

#[test]
fn thresholds_are_where_the_learning_rate_puts_them() {
    let lines = |changes: &[(&str, &str)]| -> Vec<(String, Vec<(f64, f64)>)> {
        let text = changes.iter().fold(IRIS.to_string(), |text, (a, b)| text.replace(a, b));
        let config = configs(&text).remove(0);
        let mut metrics = Table::new(vec!["step".into(), "lambda_0".into(), "lambda_1".into()]);
        metrics.rows = (0..13).map(|step| vec![f64::from(step), 9.0, 1.0]).collect();
        let end = Some(&End::Finished);
        let run = Measured { label: "", config: &config, metrics: &metrics, follow: None, end };
        let figure = run_figure(&run);
        let series = panel(&figure.panels, "largest eigenvalues").series.iter().skip(2);
        series.map(|line| (line.label.clone(), line.points.clone())).collect()
    };
    let plain = lines(&[]);
    assert_eq!(plain[0], ("2/h".into(), vec![(0.0, 10.0), (12.0, 10.0)]));
    assert_eq!(plain[1], ("1/h".into(), vec![(0.0, 5.0), (12.0, 5.0)]));
    let changes = lines(&[("lr = 0.2", "lr = 0.2\nlr_changes = [[5, 0.1]]")]);
    assert_eq!(changes[0].1, [(0.0, 10.0), (4.0, 10.0), (5.0, 20.0), (12.0, 20.0)]);
    let heavy = lines(&[("\"gd\"", "\"heavy_ball\"\nmomentum = 0.5")]);
    assert_eq!(heavy, [("2(1+m)/h".into(), vec![(0.0, 15.0), (12.0, 15.0)])]);
    // So far above that the eigenvalues would be a line at the bottom.
    assert_eq!(lines(&[("lr = 0.2", "lr = 0.01")]), []);
    assert_eq!(lines(&[("\"gd\"", "\"dal\""), ("lr = 0.2\n", "")]), []);
}

#[test]
fn a_run_that_diverges_does_not_stretch_the_panels() {
    let config = configs(IRIS).remove(0);
    let table = |growth: f64| {
        let columns = ["step", "loss", "lambda_0"].map(String::from).into();
        let row = |step: i32| vec![f64::from(step), growth.powi(step), 3.0 - growth.powi(step)];
        Table { columns, rows: (0..30).map(row).collect() }
    };
    let tables = [table(0.9), table(0.8), table(1e10)];
    let diverged = End::Diverged { step: 30, quantity: "the loss" };
    let ends = [&End::Finished, &End::Finished, &diverged];
    let run = |i: usize, label| Measured {
        label,
        config: &config,
        metrics: &tables[i],
        follow: None,
        end: Some(ends[i]),
    };
    let runs = [run(0, "slow"), run(1, "fast"), run(2, "wild")];
    let figure = sweep_figure(&runs, Seeds::Median);
    let (loss, lambda) = (panel(&figure.panels, "loss"), panel(&figure.panels, "sharpness"));
    assert_eq!(labels(loss), ["slow", "fast", "wild", "diverged"]);
    assert_eq!(lambda.y.label, "sharpness λ₀");
    assert_eq!((loss.note.as_str(), loss.exits), ("1 of 3 runs diverged", true));
    assert!(figure.title.ends_with("; 1 of 3 runs diverged"), "{}", figure.title);
    // A decade more than the others reach; on a linear axis as much again as they and 2/h = 10 take. What is not cut has the
    // usual room.
    let (low, high) = loss.y.range.unwrap();
    let least = 29.0 * 0.8f64.log10();
    let room = 0.04 * (1.0 - least);
    assert!(
        (low.log10() - (least - room)).abs() < 1e-9 && (high - 10.0).abs() < 1e-9,
        "{low} {high}"
    );
    let (low, high) = lambda.y.range.unwrap();
    assert!((low + 6.0).abs() < 0.01 && (high - 10.64).abs() < 0.01, "{low} {high}");
    assert!(
        sweep_figure(&runs[..2], Seeds::Median).panels.iter().all(|panel| panel.y.range.is_none())
    );
}

#[test]
fn twelve_long_runs_stay_legible_and_small() {
    let config = configs(IRIS).remove(0);
    let names: Vec<String> = (0..12).map(|i| format!("seed={i}")).collect();
    let table = |run: usize| {
        let columns = ["step", "loss", "lambda_0", "error_ngf"].map(String::from).into();
        let row = |step: usize| {
            let t = step as f64;
            let spike = if step == 1000 + 37 * run { 1000.0 } else { 0.0 };
            vec![t, 1.0 / (1.0 + 0.01 * t) + spike, 8.0 + (t * 1.7).sin(), 1e-3 + 1e-4 * t.cos()]
        };
        Table { columns, rows: (0..5000).map(row).collect() }
    };
    let tables: Vec<Table> = (0..12).map(table).collect();
    let run = |i: usize| Measured {
        label: &names[i],
        config: &config,
        metrics: &tables[i],
        follow: None,
        end: Some(&End::Finished),
    };
    let runs: Vec<Measured> = (0..12).map(run).collect();
    let figure = sweep_figure(&runs, Seeds::All);
    let loss = panel(&figure.panels, "loss");
    // The median first, then every seed, and what the legend says of the median.
    assert_eq!(loss.series.len(), 14);
    for (run, series) in loss.series[1..13].iter().enumerate() {
        let spike = series.points.iter().find(|point| point.1 > 999.0);
        assert_eq!(spike.unwrap().0, (1000 + 37 * run) as f64, "spikes stay visible");
        assert!(series.points.len() <= 700, "{}", series.points.len());
        assert_eq!(series.points.first().unwrap().0, 0.0);
        assert_eq!(series.points.last().unwrap().0, 4999.0);
    }
    // Without them, a line and a band.
    let figure = sweep_figure(&runs, Seeds::Median);
    let loss = panel(&figure.panels, "loss");
    assert_eq!((labels(loss), loss.bands.len()), (vec![""], 2));
    assert_eq!(loss.bands[1].label, "quartiles of 12 seeds, around their median");
    assert!(loss.bands[0].points.len() <= 700);
    // Other settings look different, at most seven a panel, on the same axis.
    let rates: Vec<String> = (1..13).map(|i| format!("lr=0.{i}")).collect();
    let runs: Vec<Measured> =
        runs.iter().zip(&rates).map(|(run, label)| Measured { label, ..*run }).collect();
    let figure = sweep_figure(&runs, Seeds::Median);
    let losses = || figure.panels.iter().filter(|panel| panel.y.label.starts_with("loss"));
    assert_eq!(losses().map(|panel| panel.series.len()).collect::<Vec<_>>(), [6, 6]);
    assert!(losses().all(|panel| panel.y.range == losses().next().unwrap().y.range));
    assert_eq!(losses().map(|panel| panel.y.shared).collect::<Vec<_>>(), [false, true]);
    let styles: Vec<_> = losses().flat_map(|panel| &panel.series).map(|line| line.style).collect();
    for (i, style) in styles.iter().enumerate() {
        assert!(!styles[..i].contains(style), "runs look different");
    }
    let page = report("Seeds", &runs, None);
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
}

#[test]
fn pages_are_self_contained_and_hold_what_was_measured() {
    let outcome = followed();
    let run = Measured::from(outcome);
    let page = report("Iris", &[run], Some("Claim: PF is nearer.\n\nIt is, 3 of 3 seeds."));
    let outside = page.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "");
    for reference in ["http", "src=", "href=", "url(", "@import", "import(", "<link", "<iframe"] {
        assert!(!outside.contains(reference), "{reference}");
    }
    // The data of every figure, and what makes the figures answer.
    let figures = page.matches("<figure").count();
    assert_eq!(page.matches("<script type=\"application/json\">").count(), figures);
    assert_eq!(page.matches("<script").count(), figures + 1);
    assert_eq!(page.matches("<p class=\"verdict\">").count(), 2);
    assert_eq!(page.matches("<svg role=\"img\"").count(), run_figure(&run).panels.len());
    assert_eq!(page.matches("<title>").count(), 1 + page.matches("<svg").count());
    for column in &outcome.metrics.columns[1..] {
        let row = format!("<th scope=\"row\">{column}</th>");
        let row =
            page.lines().find(|line| line.contains(&row)).unwrap_or_else(|| panic!("{column}"));
        // The third cell names the step of the last value.
        let values = outcome.metrics.column(column).unwrap();
        let last = values.iter().rposition(|x| !x.is_nan()).unwrap();
        let step = outcome.metrics.rows[last][0];
        let cells: Vec<&str> = row.split("<td>").collect();
        assert_eq!(cells[3], format!("{step}</td>"), "{column}");
    }
    assert!(page.contains("<td class=\"words\">finished</td>"));
    assert!(page.contains("method = \"gd\""));
    assert_eq!(page, report("Iris", &[run], Some("Claim: PF is nearer.\n\nIt is, 3 of 3 seeds.")));
}

#[test]
fn the_summary_counts_and_compares() {
    let outcomes = swept("[grid]\ntrain.lr = [0.1, 1e200]\n");
    let runs: Vec<Measured> = outcomes.iter().map(Measured::from).collect();
    let page = report("Rates", &runs, None);
    assert!(page.contains("<td class=\"words diverged\">diverged: "), "{page}");
    assert!(page.contains("<th scope=\"col\">drift_estimate, mean</th>"));
    let losses = outcomes[0].metrics.column("loss").unwrap();
    let increases = losses.windows(2).filter(|pair| pair[1] > pair[0]).count();
    let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let row = page.lines().find(|line| line.contains("<th scope=\"row\">lr=0.1</th>")).unwrap();
    let cells: Vec<&str> = row.split("<td").map(|cell| cell.split_once('>').unwrap().1).collect();
    assert_eq!(cells[1], "12</td>");
    let shown: f64 = cells[3].trim_end_matches("</td>").parse().unwrap();
    assert!((shown - least).abs() < 1e-4 * least, "{shown} {least}");
    assert_eq!(cells[4], format!("{increases}</td>"));
    assert_eq!(page.matches("<details><summary>lr=").count(), 2);
}

#[test]
fn pages_of_several_runs_show_the_flows_that_they_followed() {
    let outcome = followed();
    let run = Measured { label: "seed=0", ..Measured::from(outcome) };
    let other = Measured { label: "seed=1", ..run };
    let page = report("Seeds", &[run, other], None);
    let title = "<title>distance to gradient descent against";
    assert_eq!(page.matches(title).count(), 2, "a panel for each start");
    let figure = sweep_figure(&[run, other], Seeds::Median);
    let distance = panel(&figure.panels, "distance to gradient descent");
    assert_eq!((labels(distance), distance.bands.len()), (vec!["NGF", "IGR"], 3));
    assert_eq!(page.matches("<svg role=\"img\"").count(), figure.panels.len());
}

#[test]
fn gradient_descent_named_among_the_flows_does_not_take_their_names() {
    let text = FLOWS.replace("[\"ngf\", \"igr\"]", "[\"gd\", \"ngf\", \"igr\"]");
    let folder = tempfile::tempdir().unwrap();
    let config = configs(&text).remove(0);
    let outcome = conduct(config, folder.path(), Existing::Replace, 0, &|| false).unwrap();
    let distances = |outcome: &Outcome| -> Vec<(String, Vec<(f64, f64)>)> {
        let figure = run_figure(&Measured::from(outcome));
        let series = &panel(&figure.panels, "distance to gradient descent").series;
        series.iter().map(|curve| (curve.label.clone(), curve.points.clone())).collect()
    };
    // The distance at the start is not a number.
    assert_eq!(format!("{:?}", distances(&outcome)), format!("{:?}", distances(followed())));
}

#[test]
fn texts_of_users_are_texts() {
    let config = configs(&IRIS.replace("seed = 3", "seed = 3\nname = \"<b>&amp;\"")).remove(0);
    let metrics = Table::new(vec!["step".into(), "loss".into()]);
    let label = "<script>alert(1)</script>";
    let run = Measured { label, config: &config, metrics: &metrics, follow: None, end: None };
    for runs in [&[run][..], &[run, run]] {
        let page = report("</title><script>", runs, Some("<img src=x>"));
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("<b>"));
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert!(page.contains("name = \"&lt;b&gt;&amp;amp;\""));
        assert!(page.contains("stopped before its end"));
    }
    assert!(report("Nothing", &[], None).ends_with("</html>\n"));
    // In the data of figures, too.
    let mut table = metrics.clone();
    table.rows = vec![vec![0.0, 1.0], vec![1.0, f64::NAN], vec![2.0, 0.5]];
    let run = Measured { label: "</script><script>alert(1)</script><!--", metrics: &table, ..run };
    let page = report("Rates", &[run, run], None);
    assert!(!page.contains("alert(1)</script>") && !page.contains("<!--"));
    assert_eq!(page.matches("<script").count(), page.matches("</script").count());
    assert!(page.contains("[1,null,0.5]") && !page.contains("NaN"));
}

/// What `tests/report/check_report.py` says to a page; `None` where there is no Chromium, or no Python.
fn opened(page: &str) -> Option<Output> {
    let chromium = needs::program(&["chromium", "chromium-browser", "google-chrome"])?;
    let mut python = needs::python()?;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    std::fs::write(&file, page).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report/check_report.py");
    Some(python.arg(script).arg(file).arg(chromium).output().unwrap())
}

#[test]
fn pages_open_from_disk_in_a_browser() {
    let outcome = followed();
    let outcomes = swept("[grid]\ntrain.lr = [0.1, 0.2, 1e200]\n");
    let runs: Vec<Measured> = outcomes.iter().map(Measured::from).collect();
    let verdict = Some("The claim holds.");
    for page in [report("Iris", &[outcome.into()], verdict), report("Rates", &runs, None)] {
        let Some(output) = opened(&page) else { return };
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && said.is_empty(), "{said}");
    }
    // The check sees what it is there for, once the page's own policy does not prevent it.
    let page = report("Rates", &runs, None).replace("Content-Security-Policy", "generator");
    let damaged = |old: &str, new: &str, complaint: &str| {
        assert!(page.contains(old), "{old}");
        let output = opened(&page.replacen(old, new, 1)).unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!output.status.success() && said.contains(complaint), "{complaint}: {said}");
    };
    damaged(
        "<main>",
        "<main><img src=\"http://127.0.0.1:8/x.png\">",
        "asks for http://127.0.0.1:8",
    );
    damaged("<main>", "<main><script>console.log(1)</script>", "writes to the console");
    damaged(".plot{position:relative", ".plot{display:none", "cannot be seen");
    damaged("pre{overflow-x:auto", "p{width:2000px}pre{overflow-x:auto", "pixels too wide");
}
