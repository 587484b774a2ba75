//! Verdicts on the paper's network figures, from measurements made up to hold or not to hold.

use bea::experiment::figures::{NETWORK_FIGURES, NetworkFigure, Verdict};
use bea::experiment::run::End;
use bea::experiment::{Config, Outcome, Scale, Table};

fn figure(id: &str) -> &'static NetworkFigure {
    NETWORK_FIGURES.iter().find(|figure| figure.id == id).unwrap()
}

/// The verdict where every run of the figure measured `rows(run)`.
fn verdict(id: &str, columns: &str, rows: impl Fn(&Config) -> Vec<Vec<f64>>) -> Verdict {
    judged(id, columns, rows, None)
}

/// The verdict where the flows that were followed came to rows of `from step t flow distance loss`, too.
fn judged(
    id: &str,
    columns: &str,
    rows: impl Fn(&Config) -> Vec<Vec<f64>>,
    follow: Option<&[[f64; 6]]>,
) -> Verdict {
    let figure = figure(id);
    let outcome = |config: Config| {
        let columns = columns.split(' ').map(String::from).collect();
        let metrics = Table { columns, rows: rows(&config) };
        let follow = follow.map(|rows| Table {
            columns: ["from", "step", "t", "flow", "distance", "loss"].map(String::from).into(),
            rows: rows.iter().map(|row| row.to_vec()).collect(),
        });
        let (folder, steps) = (Default::default(), config.steps);
        Outcome { config, metrics, follow, end: Some(End::Finished), folder, steps }
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

/// A run whose loss falls from 4 to this, through so many increases.
fn losses(last: f64, increases: usize) -> Vec<Vec<f64>> {
    let ups = (0..increases).flat_map(|_| [4.0, 5.0]);
    ups.chain([4.0, last]).map(|loss| vec![loss, last]).collect()
}

#[test]
fn figure_7_judges_the_first_five_steps_of_every_run() {
    let at = |step: f64, pf: f64| {
        [(1.0, 3.0), (2.0, 2.0), (3.0, pf)].map(|(flow, d)| [0.0, step, step, flow, d, 1.0])
    };
    let of = |pf: [f64; 4]| {
        let rows: Vec<[f64; 6]> =
            [1.0, 2.0, 5.0, 10.0].into_iter().zip(pf).flat_map(|(n, pf)| at(n, pf)).collect();
        judged("fig7", "loss", |_| vec![vec![1.0]], Some(&rows))
    };
    assert_eq!(of([1.0, 1.0, 1.0, 1.0]), Verdict::Holds);
    assert_eq!(of([1.0, 1.0, 1.0, 9.0]), Verdict::Holds, "ten steps are not few");
    assert_eq!(of([1.0, 1.0, 2.5, 1.0]), Verdict::InPart);
    assert_eq!(of([9.0, 9.0, 9.0, 1.0]), Verdict::DoesNotHold);
}

#[test]
fn figures_14_and_35_compare_the_reversed_flow_with_its_start() {
    for id in ["fig14", "fig35"] {
        let of = |reversed: f64, ngf: f64| {
            let row = |step: f64, flow: f64, loss: f64| [0.0, step, step, flow, 0.0, loss];
            let rows = [
                row(0.0, 1.0, 1.0),
                row(1.0, 1.0, ngf),
                row(0.0, 2.0, 1.0),
                row(1.0, 2.0, reversed),
            ];
            judged(id, "loss", |_| vec![vec![1.0]], Some(&rows))
        };
        assert_eq!(of(5.0, 0.5), Verdict::Holds);
        assert_eq!(of(1.1, 0.5), Verdict::InPart);
        assert_eq!(of(0.9, 1.5), Verdict::DoesNotHold);
    }
}

#[test]
fn figures_13_and_37_compare_with_the_positive_flow_above_the_edge() {
    let columns = "loss lambda_0 relative_progress gradient_norm flow_loss_positive";
    let of = |sign: f64| {
        verdict("fig13", columns, |config| {
            let above = |i: u32| {
                let (h, i) = (rate(config), f64::from(i));
                vec![1.0, 2.5 / h, sign * i / h, 1.0, 1.0 + i]
            };
            // What lies below decides nothing.
            let below = vec![1.0, 1.0 / rate(config), -1e3 * sign, 1.0, 99.0];
            (0..5).map(above).chain([below]).collect()
        })
    };
    assert_eq!((of(1.0), of(-1.0)), (Verdict::Holds, Verdict::DoesNotHold));
    let of = |sign: f64| {
        verdict("fig37", "lambda_0 flow_lambda_positive", |config| {
            let two = 2.0 / rate(config);
            let values = [1.1, 1.3, 1.2, 1.6, 1.3, 1.4].map(|factor| factor * two);
            let flow = values.windows(2).map(|pair| sign * (pair[1] - pair[0]));
            let changes: Vec<f64> = flow.chain([0.0]).collect();
            values.into_iter().zip(changes).map(|(at, change)| vec![at, at + change]).collect()
        })
    };
    assert_eq!((of(1.0), of(-1.0)), (Verdict::Holds, Verdict::DoesNotHold));
}

#[test]
fn figures_of_rates_compare_groups_of_seeds() {
    // The final loss, which stands for the accuracy and the rate, too, and the increases of a run.
    let of = |id: &str, run: &dyn Fn(&str) -> (f64, usize)| {
        verdict(id, "loss test_accuracy", |config| {
            let (last, increases) = run(&config.label);
            losses(last, increases)
        })
    };
    let dal = |loss: f64, fixed: f64| {
        move |label: &str| if label.contains("DAL") { (loss, 1) } else { (fixed, 2) }
    };
    for id in ["fig41", "fig42", "fig44"] {
        assert_eq!(of(id, &dal(1.0, 2.0)), Verdict::Holds, "{id}");
        assert_eq!(of(id, &dal(2.0, 1.0)), Verdict::DoesNotHold, "{id}");
    }
    assert_eq!(of("fig23", &dal(1.0, 2.0)), Verdict::Holds);
    assert_eq!(of("fig23", &dal(2.0, 1.0)), Verdict::DoesNotHold);
    // A lower loss is a lower accuracy here.
    assert_eq!(of("fig20", &dal(1.0, 2.0)), Verdict::InPart);
    let p = |label: &str| -> f64 {
        let word = label.split(", ").find_map(|word| word.strip_prefix("p="));
        word.map_or(f64::NAN, |p| p.parse().unwrap())
    };
    for id in ["fig21", "fig40"] {
        let falls = |label: &str| (2.0 - p(label), (4.0 * (2.0 - p(label))) as usize);
        let rises = |label: &str| (p(label), (4.0 * p(label)) as usize);
        assert_eq!(of(id, &falls), Verdict::Holds, "{id}");
        assert_eq!(of(id, &rises), Verdict::DoesNotHold, "{id}");
    }
    for id in ["fig26", "fig27", "fig28", "fig29"] {
        let exact = |factor: f64| {
            move |label: &str| (if label.contains("exact") { 1.0 } else { factor }, 0)
        };
        assert_eq!(of(id, &exact(1.05)), Verdict::Holds, "{id}");
        assert_eq!(of(id, &exact(3.0)), Verdict::DoesNotHold, "{id}");
    }
    let gain = |small: f64| {
        move |label: &str| match (label.contains("DAL"), label.contains("batch=50")) {
            (false, _) => (1.0, 0),
            (true, true) => (small, 0),
            (true, false) => (0.5, 0),
        }
    };
    assert_eq!(of("fig48", &gain(0.9)), Verdict::Holds);
    assert_eq!(of("fig48", &gain(0.1)), Verdict::DoesNotHold);
    for id in ["fig45", "fig46"] {
        assert_eq!(of(id, &|_| (1.0, 0)), Verdict::Holds, "{id}");
        assert_eq!(of(id, &|_| (3.0, 0)), Verdict::DoesNotHold, "{id}");
    }
}

#[test]
fn figures_22_and_47_want_both_correlations() {
    for id in ["fig22", "fig47"] {
        let of = |accuracy: f64, sharpness: f64| {
            verdict(id, "loss drift_estimate lambda_0 test_accuracy", |config| {
                let size = config.label.bytes().map(f64::from).sum::<f64>();
                vec![vec![1.0, size.exp().min(1e300), sharpness * size, accuracy * size]]
            })
        };
        assert_eq!(of(1.0, -1.0), Verdict::Holds, "{id}");
        assert_eq!(of(1.0, 1.0), Verdict::InPart, "{id}");
        assert_eq!(of(-1.0, 1.0), Verdict::DoesNotHold, "{id}");
    }
}

#[test]
fn figure_31_wants_better_flows_and_a_gap() {
    let of = |third: f64, ngf: f64| {
        let columns = "error_ngf error_igr error_order_2 update_norm";
        verdict("fig31", columns, |_| vec![vec![ngf, 0.2, third, 1.0]; 3])
    };
    assert_eq!(of(0.1, 0.5), Verdict::Holds);
    assert_eq!(of(0.01, 0.5), Verdict::InPart);
    assert_eq!(of(0.01, 0.005), Verdict::DoesNotHold);
}

#[test]
fn figure_34_compares_both_sides_of_the_change() {
    let of = |after: [f64; 3], sharpness: f64| {
        verdict("fig34", "learning_rate loss lambda_0", |config| {
            let h = rate(config);
            let before = [1.0, 2.0, 1.0, 2.0, 1.0].map(|loss| vec![h, loss, 2.0 / h]);
            let after = after.map(|loss| vec![0.2 * h, loss, 2.0 / h]);
            let end = vec![0.2 * h, 0.0, sharpness * 2.0 / h];
            before.into_iter().chain(after).chain([end]).collect()
        })
    };
    assert_eq!(of([0.9, 0.8, 0.7], 2.0), Verdict::Holds);
    assert_eq!(of([0.9, 0.8, 0.7], 0.5), Verdict::InPart);
    assert_eq!(of([0.9, 1.8, 2.7], 0.5), Verdict::DoesNotHold);
}

#[test]
fn figure_39_wants_reasonable_sizes() {
    let of = |hg: f64| verdict("fig39", "gradient_norm hg", |_| vec![vec![1.0, hg]; 3]);
    assert_eq!(of(2.0), Verdict::Holds);
    assert_eq!(of(1e4), Verdict::DoesNotHold);
    assert_eq!(of(0.01), Verdict::DoesNotHold);
}
