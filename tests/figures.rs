//! Pictures of runs, whatever was measured: no number breaks them, what diverges is counted, and the same thing looks
//! the same.

mod made_up;

use bea::experiment::run::End;
use bea::experiment::{
    Config, Experiment, Measured, Scale, Seeds, Table, run_figure, sweep_figure,
};
use bea::plot::{Figure, Panel};
use bea::reproduction::{NETWORK_FIGURES, NetworkFigure};
use bea::source::Source;
use made_up::outcomes;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// A description whose metrics cover all kinds of panels.
const DESCRIPTION: &str = r#"
network = "mlp:3,tanh"
data = "iris"
test = "iris"
[train]
method = "gd"
lr = 0.1
steps = 50
[measure]
metrics = ["loss", "test_loss", "accuracy", "learning_rate", "lambda:2", "sc:1", "along:1", "prediction", "error:ngf", "error:pf", "loss_error:pf", "relative_progress"]
[follow]
from = [0, 3]
steps = 4
flows = ["ngf", "pf"]
sharpness = true
"#;

fn config() -> Config {
    let source = Source::new("wild.toml", DESCRIPTION);
    Experiment::parse(source, Scale::Small, &[]).unwrap().run().unwrap()
}

/// Numbers as they come out of training that goes wrong.
fn wild() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -10.0..10.0f64,
        2 => proptest::num::f64::ANY,
        1 => Just(f64::INFINITY),
        1 => Just(f64::NEG_INFINITY),
        1 => Just(f64::NAN),
        1 => Just(5e-324),
        1 => Just(0.0),
        1 => Just(1e308),
    ]
}

fn table(names: &[String], values: &[f64], rows: usize) -> Table {
    let mut next = values.iter().copied().cycle();
    let row = |step: usize| {
        let own = std::iter::once(step as f64);
        own.chain((1..names.len()).map(|_| next.next().unwrap_or(0.0))).collect()
    };
    Table { columns: names.to_vec(), rows: (0..rows).map(row).collect() }
}

/// Every number in the picture is one, and every panel shows something.
fn check(figure: &Figure) -> Result<(), TestCaseError> {
    let svg = figure.svg();
    for wrong in ["NaN", "inf"] {
        prop_assert!(
            !svg.contains(&format!("\"{wrong}")) && !svg.contains(&format!(" {wrong}")),
            "{wrong}"
        );
    }
    for panel in &figure.panels {
        prop_assert!(
            !panel.y.label.contains('_') || panel.y.label.contains("∇"),
            "{}",
            panel.y.label
        );
        let labels: BTreeSet<&str> =
            panel.series.iter().map(|series| series.label.as_str()).collect();
        prop_assert!(labels.iter().filter(|label| !label.is_empty()).count() <= 7 + 2);
        let shown =
            |panel: &Panel| panel.series.iter().flat_map(|s| &s.points).any(|p| p.1.is_finite());
        prop_assert!(shown(panel) || !panel.note.is_empty(), "{panel:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_measurement_breaks_a_figure(
        values in proptest::collection::vec(wild(), 1..200),
        rows in 0..40usize,
        labels in proptest::collection::vec(
            prop_oneof![
                Just("seed=0"), Just("seed=1"), Just("DAL, seed=0, p=0.5"), Just("fixed, seed=0, lr=0.1"),
                Just("fixed, seed=1, lr=0.2"), Just(""), Just("a, b, =, c=")
            ],
            1..12,
        ),
        diverged in proptest::collection::vec(any::<bool>(), 12),
    ) {
        let config = config();
        let names: Vec<String> = std::iter::once("step".into())
            .chain(config.metrics.iter().flat_map(|metric| metric.columns(2)))
            .collect();
        let follow = ["from", "step", "t", "flow", "distance", "loss", "lambda_0"].map(String::from);
        let end = End::Diverged { step: rows, quantity: "the loss" };
        let tables: Vec<(Table, Table)> = (0..labels.len())
            .map(|i| {
                let own: Vec<f64> = values.iter().cycle().skip(i).take(values.len()).copied().collect();
                let mut followed = table(&follow, &own, rows);
                for (j, row) in followed.rows.iter_mut().enumerate() {
                    (row[0], row[1], row[3]) = (0.0, (j % 5) as f64, (j / 5 % 3) as f64);
                }
                (table(&names, &own, rows.saturating_sub(i)), followed)
            })
            .collect();
        let runs: Vec<Measured> = labels
            .iter()
            .zip(&tables)
            .zip(&diverged)
            .map(|((label, (metrics, follow)), diverged)| Measured {
                label,
                config: &config,
                metrics,
                follow: Some(follow),
                end: diverged.then_some(&end),
            })
            .collect();
        for seeds in [Seeds::Median, Seeds::All] {
            check(&sweep_figure(&runs, seeds))?;
        }
        check(&run_figure(&runs[0]))?;
    }
}

fn figure(id: &str) -> &'static NetworkFigure {
    NETWORK_FIGURES.iter().find(|figure| figure.id == id).unwrap()
}

#[test]
fn every_figure_of_networks_is_drawn_with_no_more_than_seven_lines_a_panel() {
    for figure in &NETWORK_FIGURES {
        let ordinary = outcomes(figure, |run, i, column| {
            1.0 + 0.1 * run as f64 + 0.01 * (i * column) as f64 + 0.3 * (i as f64).sin()
        });
        let picture = figure.picture(&ordinary);
        assert!(!picture.panels.is_empty(), "{}", figure.id);
        assert!(
            picture.title.starts_with("Figure ") || picture.title.starts_with("Table "),
            "{}",
            picture.title
        );
        assert!(!picture.title.contains("_0"), "{}", picture.title);
        check(&picture).unwrap();
        for panel in &picture.panels {
            let lines = panel
                .series
                .iter()
                .filter(|series| !series.label.is_empty() && !series.points.is_empty());
            // Two thresholds beside them.
            assert!(lines.count() <= 9, "{}: {:?}", figure.id, panel.y.label);
            for label in [&panel.x.label, &panel.y.label] {
                let raw = ["lambda_", "error_", "test_", "_norm", "_rate", "sc_", "hg"];
                assert!(
                    !label.is_empty() && raw.iter().all(|raw| !label.contains(raw)),
                    "{}: {label}",
                    figure.id
                );
            }
        }
        // The same runs have the same picture.
        assert_eq!(picture.svg(), figure.picture(&ordinary).svg(), "{}", figure.id);
        for wild in [f64::NAN, f64::INFINITY, 5e-324, 0.0, 1e308] {
            check(&figure.picture(&outcomes(
                figure,
                |run, i, _| {
                    if (run + i) % 3 == 0 { wild } else { 1.0 }
                },
            )))
            .unwrap();
            let nothing = figure.picture(&outcomes(figure, |_, _, _| wild));
            // Where nothing is finite, the loss increases never: that can be drawn.
            if !wild.is_finite() && figure.id != "fig21" {
                assert!(nothing.panels.is_empty(), "{} {wild}: {:?}", figure.id, nothing.panels[0]);
            }
        }
    }
}

/// The errors of NGF, IGR and PF are in one panel, seeds are thin lines, and what decides has a panel of its own.
#[test]
fn figure_ten_compares_the_flows_in_one_panel() {
    let figure = figure("fig10");
    let of = |factor: f64| {
        let value = |run, i, column| factor * (1 + run + column) as f64 / (1 + i) as f64;
        figure.picture(&outcomes(figure, value))
    };
    // Nothing is at the edge of stability.
    let picture = of(1.0);
    assert_eq!((picture.panels.len(), picture.columns), (3, 3));
    let picture = of(100.0);
    assert_eq!((picture.panels.len(), picture.columns), (4, 2));
    assert!(picture.panels[3].series.iter().all(|flow| flow.points.len() == 3));
    assert_eq!(picture.panels[0].y.label, "sharpness λ₀");
    let (named, seeds): (Vec<_>, Vec<_>) =
        picture.panels[1].series.iter().partition(|series| !series.label.is_empty());
    let labels: Vec<&str> = named.iter().map(|series| series.label.as_str()).collect();
    let entries = vec!["NGF", "IGR", "PF", "thick: median of 3 seeds, thin: each of them"];
    assert_eq!((labels, seeds.len()), (entries, 3 * 3));
    assert!(picture.panels[1].bands.is_empty());
    // Every 20th step was measured, and is marked.
    let marked =
        |series: &&bea::plot::Series| series.style.marker.is_some() || series.points.len() > 30;
    assert!(named[..3].iter().all(marked));
}

/// 24 runs are five lines: four rates of one colour, and DAL-0.5.
#[test]
fn figure_twenty_has_a_colour_for_each_rule() {
    let figure = figure("fig20");
    let picture = figure.picture(&outcomes(figure, |run, i, _| 1.0 / (1 + run + i) as f64));
    let labels: Vec<&str> =
        picture.panels[0].series.iter().map(|series| series.label.as_str()).collect();
    let rates = ["fixed, h = 0.02", "fixed, h = 0.05", "fixed, h = 0.1", "fixed, h = 0.2"];
    assert_eq!(labels, [&rates[..], &["DAL, p = 0.5"]].concat());
    let blue = |i: usize| {
        let color = picture.panels[0].series[i].style.color;
        color.2 > color.0
    };
    assert!((0..4).all(blue) && !blue(4));
}

/// The numbers that decide are drawn: bounds as dashed lines, counts as lines, correlations and shares as notes.
#[test]
fn what_decides_is_drawn() {
    let wave = |run: usize, i: usize, column: usize| {
        2.0 + 0.1 * run as f64 + 0.01 * (i * column) as f64 + 0.9 * (i as f64).sin()
    };
    let picture = |id: &str| figure(id).picture(&outcomes(figure(id), wave));
    // From h λ₀/2 = 0.8 to 1.25.
    let nine = picture("fig9");
    let places: Vec<f64> = nine.panels[2]
        .series
        .iter()
        .filter(|series| series.label.contains("counts as staying"))
        .flat_map(|series| series.points.iter().map(|point| point.0))
        .collect();
    assert_eq!(places, [0.8, 0.8, 1.25, 1.25]);
    // The loss goes up and down as the sine does: three times up to the 20th row.
    for (id, panel) in [("fig18", 1), ("fig23", 1), ("fig40", 4)] {
        let picture = picture(id);
        assert_eq!(picture.panels[panel].y.label, "increases of the loss so far", "{id}");
        let outcomes = outcomes(figure(id), wave);
        let ends = |points: &[(f64, f64)]| points.last().map(|point| point.1);
        let losses = outcomes[0].metrics.column("loss").unwrap();
        let up = losses.windows(2).filter(|pair| pair[1] > pair[0]).count() as f64;
        let drawn: Vec<_> =
            picture.panels[panel].series.iter().filter_map(|series| ends(&series.points)).collect();
        assert!(drawn.contains(&up), "{id}: {drawn:?} {up}");
    }
    // A bound for each power, that many times the final loss of the exact runs.
    for (id, most) in [("fig26", 1.1), ("fig27", 2.0), ("fig28", 1.1), ("fig29", 1.1)] {
        let falling = |run: usize, i: usize, _: usize| (5.0 + run as f64) / (1 + i) as f64;
        let runs = outcomes(figure(id), falling);
        let picture = figure(id).picture(&runs);
        let bounds = picture.panels.iter().flat_map(|panel| &panel.series);
        let bounds: Vec<f64> = bounds
            .filter(|series| series.label.contains("the final loss of exact ∇²E ĝ"))
            .map(|series| series.points[0].1)
            .collect();
        let panels = picture.panels.iter().filter(|panel| panel.y.label == "loss E").count();
        assert_eq!(bounds.len(), panels, "{id}");
        let ends: Vec<f64> = runs
            .iter()
            .filter(|run| run.config.label.contains("exact"))
            .map(|run| run.metrics.column("loss").unwrap()[39])
            .collect();
        let near = |bound: &f64| ends.iter().any(|end| (bound / (most * end) - 1.0).abs() < 1e-12);
        assert!(bounds.iter().all(near), "{id}: {bounds:?} {ends:?}");
    }
    for (id, panel, word) in [
        ("fig11", 0, "with the sign of NGF's below 2/h"),
        ("fig13", 3, "correlation"),
        ("fig22", 0, "correlation"),
        ("fig47", 1, "correlation"),
    ] {
        let steep = |run: usize, i: usize, column: usize| 30.0 * wave(run, i, column);
        let picture = figure(id).picture(&outcomes(figure(id), steep));
        let note = &picture.panels[panel].note;
        assert!(note.contains(word), "{id}: {note:?}");
    }
}
