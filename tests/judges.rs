//! Verdicts on the paper's network figures, from measurements made up to hold or not to hold.

use bea::experiment::figures::{NETWORK_FIGURES, NetworkFigure, Verdict};
use bea::experiment::run::End;
use bea::experiment::{Config, Outcome, Scale, Table};

fn figure(id: &str) -> &'static NetworkFigure {
    NETWORK_FIGURES.iter().find(|figure| figure.id == id).unwrap()
}

/// The verdict where every run of the figure measured `rows(run)`.
fn verdict(id: &str, columns: &str, rows: impl Fn(&Config) -> Vec<Vec<f64>>) -> Verdict {
    let figure = figure(id);
    let outcome = |config: Config| {
        let columns = columns.split(' ').map(String::from).collect();
        let metrics = Table { columns, rows: rows(&config) };
        let (folder, steps) = (Default::default(), config.steps);
        Outcome { config, metrics, follow: None, end: Some(End::Finished), folder, steps }
    };
    let outcomes: Vec<Outcome> =
        figure.runs(Scale::Small, &[]).unwrap().into_iter().map(outcome).collect();
    figure.verdict(&outcomes).0
}

fn rate(config: &Config) -> f64 {
    config.rule.schedule().unwrap().first
}

#[test]
fn figure_8_compares_predictions_above_the_branch_point() {
    let columns = "lambda_0 prediction_actual prediction_ngf prediction_igr prediction_pf";
    let judged = |igr: f64, pf: f64| {
        verdict("fig8", columns, |config| {
            let above = vec![1.5 / rate(config), 1.0, 0.5, igr, pf];
            // What lies below decides nothing.
            vec![above.clone(), above, vec![0.5 / rate(config), 1.0, 1.0, 1.0, 9.0]]
        })
    };
    assert_eq!(judged(0.6, 1.1), Verdict::Holds);
    assert_eq!(judged(0.6, 0.55), Verdict::DoesNotHold);
}

#[test]
fn figure_9_wants_the_sharpness_at_two_over_h() {
    let judged = |after: f64| {
        verdict("fig9", "step lambda_0", |config| {
            let two = 2.0 / rate(config);
            vec![
                vec![0.0, 0.5 * two],
                vec![1.0, 1.1 * two],
                vec![2.0, after * two],
                vec![3.0, after * two],
            ]
        })
    };
    assert_eq!(judged(1.05), Verdict::Holds);
    assert_eq!(judged(1.6), Verdict::DoesNotHold);
    assert_eq!(judged(0.5), Verdict::DoesNotHold);
}

#[test]
fn figure_10_compares_errors_at_the_edge_alone() {
    let columns = "lambda_0 error_ngf error_igr error_pf";
    let judged = |pf: f64| {
        verdict("fig10", columns, |config| {
            let edge = vec![1.8 / rate(config), 3.0, 2.0, pf];
            // More rows elsewhere say the opposite.
            let elsewhere = vec![0.1 / rate(config), 1.0, 1.0, 2.5 - pf];
            [vec![elsewhere; 3], vec![edge; 2]].concat()
        })
    };
    assert_eq!(judged(1.0), Verdict::Holds);
    assert_eq!(judged(2.5), Verdict::DoesNotHold);
}

#[test]
fn figure_12_looks_before_increases_of_the_loss() {
    let judged = |before_increase: f64, before_decrease: f64| {
        verdict("fig12", "loss sc_0_re", |_| {
            let step = |i: usize| match i % 2 {
                0 => vec![1.0, before_increase],
                _ => vec![2.0, before_decrease],
            };
            (0..9).map(step).collect()
        })
    };
    assert_eq!(judged(1.0, -1.0), Verdict::Holds);
    assert_eq!(judged(-1.0, 1.0), Verdict::DoesNotHold);
}

#[test]
fn figure_15_looks_after_each_side_of_two() {
    let judged = |above: f64, below: f64| {
        verdict("fig15", "lambda_0 along_0", |config| {
            // The size changes by these factors from iterates above and below 2/h.
            let mut size = 1.0;
            let mut rows = Vec::new();
            for i in 0..10 {
                let (ratio, factor) = if i < 5 { (1.2, above) } else { (0.8, below) };
                rows.push(vec![2.0 * ratio / rate(config), size]);
                size *= factor;
            }
            rows
        })
    };
    assert_eq!(judged(1.5, 0.5), Verdict::Holds);
    assert_eq!(judged(0.5, 1.5), Verdict::DoesNotHold);
}

#[test]
fn figure_17_wants_correlation() {
    let judged = |slope: f64| {
        verdict("fig17", "hg drift_estimate gradient_norm drift", |config| {
            let row = |i: f64| {
                let drift = 10.0 + slope * i;
                vec![i, rate(config).powi(2) * i, 1.0, rate(config).powi(2) * drift]
            };
            (0..9).map(|i| row(f64::from(i))).collect()
        })
    };
    assert_eq!(judged(1.0), Verdict::Holds);
    assert_eq!(judged(-1.0), Verdict::DoesNotHold);
}

#[test]
fn figure_18_forgives_increases_of_rates_that_train_less() {
    let judged = |dal: [f64; 4], fixed: [f64; 4]| {
        verdict("fig18", "loss", |config| {
            let losses = if config.label.contains("DAL") { dal } else { fixed };
            losses.iter().map(|loss| vec![*loss]).collect()
        })
    };
    let (calm, rough, slow) = ([4.0, 3.0, 2.0, 1.0], [4.0, 5.0, 3.0, 0.5], [4.0, 3.9, 3.8, 3.7]);
    assert_eq!(judged(calm, rough), Verdict::Holds);
    assert_eq!(judged([4.0, 5.0, 6.0, 1.0], slow), Verdict::Holds, "slower rates do not count");
    assert_eq!(judged([4.0, 5.0, 6.0, 1.0], rough), Verdict::DoesNotHold);
}

#[test]
fn figure_25_compares_both_sides_of_the_edge() {
    let judged = |inside: f64| {
        verdict("fig25", "lambda_0 third gradient_norm", |config| {
            vec![vec![0.5 / rate(config), 0.01, 1.0], vec![1.9 / rate(config), inside, 1.0]]
        })
    };
    assert_eq!(judged(0.1), Verdict::Holds);
    assert_eq!(judged(0.001), Verdict::InPart);
}

#[test]
fn figure_33_weighs_negative_eigenvalues() {
    let judged = |negative: f64| {
        verdict("fig33", "step loss eigenvalue_0 eigenvalue_1", |_| {
            vec![vec![0.0, 1.0, 1.0, negative]]
        })
    };
    assert_eq!(judged(-0.05), Verdict::Holds);
    assert_eq!(judged(-0.5), Verdict::DoesNotHold);
}
