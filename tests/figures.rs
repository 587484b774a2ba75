//! Pictures of runs, whatever was measured: no number breaks them, what diverges is counted, and the same thing looks
//! the same.

use bea::experiment::run::End;
use bea::experiment::{
    Config, Experiment, Measured, Outcome, Scale, Seeds, Table, run_figure, sweep_figure,
};
use bea::plot::{Figure, Panel};
use bea::reproduction::NETWORK_FIGURES;
use bea::source::Source;
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

/// The outcomes of a figure where every run measured `rows(run)` in all columns that the figure asks for.
fn outcomes(id: &str, value: impl Fn(usize, usize, usize) -> f64) -> Vec<Outcome> {
    let figure = NETWORK_FIGURES.iter().find(|figure| figure.id == id).unwrap();
    let configs = figure.runs(Scale::Small, &[]).unwrap().into_iter().enumerate();
    let outcome = |(run, config): (usize, Config)| {
        let names = config.metrics.iter().flat_map(|metric| metric.columns(4));
        let columns: Vec<String> = std::iter::once("step".to_string()).chain(names).collect();
        let row = |i: usize| {
            let step = std::iter::once((i * config.every) as f64);
            step.chain((1..columns.len()).map(|column| value(run, i, column))).collect()
        };
        let metrics = Table { rows: (0..40).map(row).collect(), columns };
        let follow = config.follow.as_ref().map(|follow| {
            let columns = ["from", "step", "t", "flow", "distance", "loss", "lambda_0"];
            let mut rows = Vec::new();
            for from in &follow.from {
                for step in 0..=follow.steps {
                    for flow in 0..=follow.flows.len() {
                        let own = |column| value(run, step, column + flow);
                        let place = [*from as f64, step as f64, step as f64, flow as f64];
                        rows.push(place.into_iter().chain([own(0), own(1), own(2)]).collect());
                    }
                }
            }
            Table { columns: columns.map(String::from).into(), rows }
        });
        let (folder, steps, counts) = (Default::default(), config.steps, Default::default());
        Outcome { config, metrics, follow, end: Some(End::Finished), folder, steps, counts }
    };
    configs.map(outcome).collect()
}

#[test]
fn every_figure_of_networks_is_drawn_with_no_more_than_seven_lines_a_panel() {
    for figure in &NETWORK_FIGURES {
        let ordinary = outcomes(figure.id, |run, i, column| {
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
            check(&figure.picture(&outcomes(figure.id, |run, i, _| {
                if (run + i) % 3 == 0 { wild } else { 1.0 }
            })))
            .unwrap();
            let nothing = figure.picture(&outcomes(figure.id, |_, _, _| wild));
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
    let figure = NETWORK_FIGURES.iter().find(|figure| figure.id == "fig10").unwrap();
    let of = |factor: f64| {
        let value = |run, i, column| factor * (1 + run + column) as f64 / (1 + i) as f64;
        figure.picture(&outcomes("fig10", value))
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
    assert_eq!((labels, seeds.len()), (vec!["NGF", "IGR", "PF"], 3 * 3));
    assert_eq!(picture.panels[1].bands.len(), 1);
    assert_eq!(picture.panels[1].bands[0].label, "thick: median of 3 seeds");
    // Every 20th step was measured, and is marked.
    let marked =
        |series: &&bea::plot::Series| series.style.marker.is_some() || series.points.len() > 30;
    assert!(named.iter().all(marked));
}

/// 24 runs are five lines: four rates of one colour, and DAL-0.5.
#[test]
fn figure_twenty_has_a_colour_for_each_rule() {
    let figure = NETWORK_FIGURES.iter().find(|figure| figure.id == "fig20").unwrap();
    let picture = figure.picture(&outcomes("fig20", |run, i, _| 1.0 / (1 + run + i) as f64));
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
