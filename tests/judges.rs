//! Verdicts on the paper's network figures, from measurements made up to hold or not to hold.

use bea::experiment::run::End;
use bea::experiment::{Config, Outcome, Scale, Table};
use bea::reproduction::{Judgement, NETWORK_FIGURES, NetworkFigure};

fn figure(id: &str) -> &'static NetworkFigure {
    NETWORK_FIGURES.iter().find(|figure| figure.id == id).unwrap()
}

/// What the runs of a figure come to where every one measured `rows(run)`.
fn outcomes(
    figure: &NetworkFigure,
    columns: &str,
    rows: impl Fn(&Config) -> Vec<Vec<f64>>,
    follow: Option<&[Vec<f64>]>,
) -> Vec<Outcome> {
    let outcome = |config: Config| {
        let columns = columns.split(' ').map(String::from).collect();
        let metrics = Table { columns, rows: rows(&config) };
        let follow = follow.map(|rows| Table {
            columns: ["from", "step", "t", "flow", "distance", "loss", "lambda_0"]
                .map(String::from)
                .into(),
            rows: rows.to_vec(),
        });
        let (folder, steps) = (Default::default(), config.steps);
        let counts = Default::default();
        Outcome { config, metrics, follow, end: Some(End::Finished), folder, steps, counts }
    };
    figure.runs(Scale::Small, &[]).unwrap().into_iter().map(outcome).collect()
}

/// The verdict on these.
fn verdict(id: &str, columns: &str, rows: impl Fn(&Config) -> Vec<Vec<f64>>) -> Judgement {
    let figure = figure(id);
    figure.finding(&outcomes(figure, columns, rows, None)).verdict
}

/// The verdict where the flows that were followed came to rows of `from step t flow distance loss lambda_0`.
fn followed(id: &str, rows: &[Vec<f64>]) -> Judgement {
    let figure = figure(id);
    figure.finding(&outcomes(figure, "loss", |_| vec![vec![1.0]], Some(rows))).verdict
}

/// A row of a flow, 0 for gradient descent.
fn row(step: f64, flow: f64, distance: f64, loss: f64, sharpness: f64) -> Vec<f64> {
    vec![0.0, step, step, flow, distance, loss, sharpness]
}

#[test]
fn no_figure_holds_where_nothing_was_measured() {
    let all: Vec<&NetworkFigure> = NETWORK_FIGURES.iter().collect();
    for figure in all {
        let measured = |columns: &str, rows: &dyn Fn(&Config) -> Vec<Vec<f64>>, follow| {
            let finding = figure.finding(&outcomes(figure, columns, rows, follow));
            assert_eq!(finding.verdict, Judgement::NotMeasured, "{}: {finding:?}", figure.id);
        };
        // No runs, no rows, rows without numbers, and flows that were not followed beyond their start.
        assert_eq!(figure.finding(&[]).verdict, Judgement::NotMeasured, "{}", figure.id);
        let config = figure.runs(Scale::Small, &[]).unwrap().remove(0);
        let names: Vec<String> =
            config.metrics.iter().flat_map(|metric| metric.columns(2)).collect();
        let names = format!("step {}", names.join(" "));
        let width = names.split(' ').count();
        measured("step", &|_| Vec::new(), None);
        measured(&names, &|_| Vec::new(), Some(&[]));
        measured(&names, &|_| vec![vec![f64::NAN; width]; 30], None);
        measured(
            &names,
            &|_| vec![vec![f64::NAN; width]; 30],
            Some(&[row(0.0, 0.0, 0.0, 1.0, 1.0)]),
        );
    }
}

#[test]
fn parts_that_were_not_measured_hold_nothing() {
    assert_eq!(Judgement::of::<bool>(&[]), Judgement::NotMeasured);
    assert_eq!(Judgement::of(&[None, None]), Judgement::NotMeasured);
    assert_eq!(Judgement::of(&[Some(true), None]), Judgement::InPart);
    assert_eq!(Judgement::of(&[Some(false), None]), Judgement::DoesNotHold);
    assert_eq!(Judgement::of(&[true, true]), Judgement::Holds);
    assert_eq!(Judgement::NotMeasured.to_string(), "not measured");
}

#[test]
fn captions_say_seeds_and_what_stands_in_for_the_paper() {
    let caption = |id: &str| {
        let figure = figure(id);
        figure.caption(&outcomes(figure, "loss", |_| vec![vec![1.0]], None))
    };
    let nine = caption("fig9");
    assert_eq!(
        nine.setting,
        "a slim VGG (convolutions with 8, 16 and 32 channels) on 125 images of Fashion-MNIST, in the paper VGG-16 on \
         CIFAR-10; 3 runs of 400 steps, one seed; h = 0.03, 0.06, 0.1; full batches; \
         measured every 4 steps"
    );
    assert!(nine.number.contains("from 0.8 to 1.25"), "{nine}");
    let text = caption("fig23").setting;
    assert!(
        text.contains("Imagenet, which is not available") && text.contains("3 seeds"),
        "{text}"
    );
    let text = caption("fig10").setting;
    assert!(!text.contains("paper") && text.contains("3 seeds"), "{text}");
    // One run of one step, beside which a flow is followed for 300.
    let text = caption("fig49").setting;
    assert!(text.ends_with("; one run of 300 steps, one seed; h = 0.05; full batches"), "{text}");
    // Of 24 runs of the experiment, those with full batches are shown and judged.
    let text = caption("fig26").setting;
    assert!(
        text.ends_with(
            "; 12 runs of 150 steps, 3 seeds; full batches (125); measured every 2 steps"
        ),
        "{text}"
    );
    // With momentum, in fixed rates and in DAL.
    let text = caption("fig48").setting;
    assert!(text.contains("; h = 0.01, 0.02, 0.05; momentum 0.9; batches of 50, "), "{text}");
}

#[test]
fn the_paper_s_own_settings_are_those_of_its_list() {
    let rates = |id: &str| -> Vec<f64> {
        figure(id).runs(Scale::Paper, &[]).unwrap().iter().map(rate).collect()
    };
    for figure in &NETWORK_FIGURES {
        assert!(!figure.runs(Scale::Paper, &[]).unwrap().is_empty(), "{}", figure.id);
    }
    assert_eq!(rates("fig8"), [0.01, 0.03, 0.05]);
    assert_eq!(rates("fig11"), [0.05, 0.01]);
    assert_eq!(rates("fig13")[0], 0.03);
    assert_eq!(rates("fig17").len(), 20, "ten rates and two networks");
    assert_eq!((rates("fig14"), rates("fig15")), (vec![0.05], vec![0.01]));
    let figure = figure("fig26");
    let batches = figure.runs(Scale::Paper, &[]).unwrap().into_iter().filter_map(|run| run.batch);
    assert!(batches.clone().any(|b| b == 512) && batches.max() == Some(50_000));
}

#[test]
fn scatter_plots_are_not_drawn_against_the_step() {
    let panels = |id: &str, columns: &str| {
        let figure = figure(id);
        let width = columns.split(' ').count();
        let rows = |_: &Config| vec![vec![1.0; width], vec![2.0; width]];
        figure.picture(&outcomes(figure, columns, rows, None)).panels
    };
    let eight = panels("fig8", "prediction_actual prediction_ngf prediction_igr prediction_pf");
    // Iterates that are judged, and the pale others.
    assert_eq!((eight.len(), eight[0].series.len()), (2, 7));
    assert_eq!(eight[0].series[2].points, []);
    assert_eq!(eight[0].series[5].points, [(1.0, 1.0), (2.0, 2.0)]);
    let seventeen = panels("fig17", "hg drift_estimate gradient_norm drift");
    assert_eq!((seventeen.len(), seventeen[0].series.len()), (4, 4));
    for id in ["fig22", "fig47"] {
        let panels = panels(id, "drift_estimate lambda_0 test_accuracy");
        assert_eq!(panels[1].series[0].points, [(1.5, 2.0); 6], "{id}");
        // A power each.
        for of_power in &panels[1].series[1..5] {
            assert_eq!(of_power.points, [(1.5, 2.0)], "{id}");
        }
    }
    // Four powers, three seeds; and of one seed the curves of all powers.
    let all = "step loss learning_rate test_accuracy";
    assert_eq!(panels("fig21", all)[0].series[0].points.len(), 12);
    let rates = panels("fig43", all);
    assert_eq!(rates.len(), 4);
    assert!(rates[..3].iter().all(|panel| panel.series.len() == 4));
    assert_eq!(rates[3].series[0].points.len(), 12);
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
    assert_eq!(judged(0.6, 1.1), Judgement::Holds);
    assert_eq!(judged(0.6, 0.55), Judgement::DoesNotHold);
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
    assert_eq!(judged(1.05), Judgement::Holds);
    assert_eq!(judged(1.6), Judgement::DoesNotHold);
    assert_eq!(judged(0.5), Judgement::DoesNotHold);
    // Below 2/h there is nothing to judge yet.
    let young = verdict("fig9", "step lambda_0", |config| vec![vec![0.0, 1.0 / rate(config)]; 4]);
    assert_eq!(young, Judgement::NotMeasured);
}

#[test]
fn figure_10_compares_errors_at_the_edge_alone() {
    let columns = "lambda_0 error_ngf error_igr error_pf";
    for id in ["fig10", "fig10_mlp"] {
        let judged = |pf: f64| {
            verdict(id, columns, |config| {
                let edge = vec![1.8 / rate(config), 3.0, 2.0, pf];
                // More rows elsewhere say the opposite.
                let elsewhere = vec![0.1 / rate(config), 1.0, 1.0, 2.5 - pf];
                [vec![elsewhere; 3], vec![edge; 2]].concat()
            })
        };
        assert_eq!(judged(1.0), Judgement::Holds);
        assert_eq!(judged(2.5), Judgement::DoesNotHold);
        assert_eq!(judged(f64::NAN), Judgement::DoesNotHold, "a flow that ended is far away");
    }
}

#[test]
fn figure_11_compares_gradient_descent_with_the_flow_of_its_side() {
    let columns =
        "loss lambda_0 flow_loss_ngf flow_lambda_ngf flow_loss_positive flow_lambda_positive";
    let judged = |below: f64, above: f64| {
        verdict("fig11", columns, |config| {
            // Gradient descent lowers the loss and raises λ_0 below 2/h, and the other way round above.
            let two = 2.0 / rate(config);
            let row = |i: usize| {
                let (up, x) = (i < 10, i as f64);
                let (loss, ratio) = match up {
                    true => (20.0 - x, 0.5 + 0.01 * x),
                    false => (x, 2.0 - 0.01 * x),
                };
                let lambda = ratio * two;
                let with = |sign: f64| {
                    [loss - sign, lambda + 0.01 * sign, loss + sign, lambda - 0.01 * sign]
                };
                let flows = with(if up { below } else { above });
                [vec![loss, lambda], flows.to_vec()].concat()
            };
            (0..20).map(row).collect()
        })
    };
    assert_eq!(judged(1.0, 1.0), Judgement::Holds);
    assert_eq!(judged(1.0, -1.0), Judgement::InPart);
    assert_eq!(judged(-1.0, -1.0), Judgement::DoesNotHold);
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
    assert_eq!(judged(1.0, -1.0), Judgement::Holds);
    assert_eq!(judged(-1.0, 1.0), Judgement::DoesNotHold);
}

#[test]
fn figure_36_takes_parts_of_the_gradient() {
    let judged = |before_increase: f64, before_decrease: f64| {
        verdict("fig36", "relative_progress sc_0_re gradient_norm", |_| {
            // The smaller gradient has the larger share.
            let step = |i: usize| match i % 2 {
                0 => vec![1.0, before_increase, 0.1],
                _ => vec![-1.0, before_decrease, 10.0],
            };
            (0..9).map(step).collect()
        })
    };
    assert_eq!(judged(1.0, -2.0), Judgement::Holds);
    assert_eq!(judged(1.0, 2.0), Judgement::InPart);
    assert_eq!(judged(-1.0, 2.0), Judgement::DoesNotHold);
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
    assert_eq!(judged(1.5, 0.5), Judgement::Holds);
    assert_eq!(judged(0.5, 1.5), Judgement::DoesNotHold);
    // Of a hundred steps on either side 55 and 45 grow, which is chance.
    let toss = verdict("fig15", "lambda_0 along_0", |config| {
        let (mut size, mut rows) = (1.0, Vec::new());
        for i in 0..200 {
            let (ratio, grows) = if i < 100 { (1.2, i < 55) } else { (0.8, i < 145) };
            rows.push(vec![2.0 * ratio / rate(config), size]);
            size *= if grows { 1.1 } else { 0.9 };
        }
        rows
    });
    assert_eq!(toss, Judgement::DoesNotHold);
}

#[test]
fn figures_16_and_17_want_correlation() {
    // Between learning rates the drift differs by `between`.
    let judged = |id: &str, slope: f64, between: f64| {
        verdict(id, "hg drift_estimate gradient_norm drift", |config| {
            let row = |i: f64| vec![i, i, 1.0, 10.0 + slope * i + between * rate(config)];
            (0..9).map(|i| row(f64::from(i))).collect()
        })
    };
    for id in ["fig16", "fig17"] {
        assert_eq!(judged(id, 1.0, 0.0), Judgement::Holds, "{id}");
        assert_eq!(judged(id, -1.0, 0.0), Judgement::DoesNotHold, "{id}");
    }
    assert_eq!(judged("fig16", 1.0, 1e3), Judgement::Holds);
    assert_eq!(
        judged("fig17", 1.0, 1e3),
        Judgement::InPart,
        "over all rates there is no correlation"
    );
}

#[test]
fn figure_18_wants_no_larger_loss_and_no_more_increases_than_the_best_fixed_rate() {
    // The final loss and the increases with each seed.
    let judged = |dal: [(f64, usize); 3], fixed: [(f64, usize); 3]| {
        verdict("fig18", "loss test_accuracy", |config| {
            let runs = if config.label.contains("DAL") { dal } else { fixed };
            let (last, increases) = runs[config.seed as usize];
            losses(last, increases)
        })
    };
    let fixed = [(1.0, 5); 3];
    assert_eq!(judged([(0.5, 2); 3], fixed), Judgement::Holds);
    assert_eq!(judged([(0.5, 9); 3], fixed), Judgement::InPart, "more increases");
    assert_eq!(judged([(2.0, 2); 3], fixed), Judgement::InPart, "a larger loss");
    assert_eq!(judged([(2.0, 9); 3], fixed), Judgement::DoesNotHold);
    assert_eq!(judged([(0.5, 2), (0.5, 2), (1.5, 2)], fixed), Judgement::InPart, "seeds overlap");
}

/// No claim holds by medians of seeds that overlap: chance may decide.
#[test]
fn claims_do_not_hold_where_seeds_overlap() {
    let of = |id: &str, last: fn(bool, usize) -> f64| {
        verdict(id, "loss test_accuracy learning_rate", |config| {
            let last = last(config.label.contains("DAL"), config.seed as usize);
            losses(last, 1).into_iter().map(|row| [row, vec![last]].concat()).collect()
        })
    };
    // The seeds of one are 1, 2 and 3, those of the other around them.
    let overlap =
        |dal: bool, seed: usize| if dal { 1.0 + 0.9 * seed as f64 } else { 1.5 + seed as f64 };
    let apart = |dal: bool, seed: usize| if dal { 0.1 } else { 1.5 + seed as f64 };
    for id in ["fig41", "fig42", "fig44"] {
        assert_eq!(of(id, apart), Judgement::Holds, "{id}");
        assert_eq!(of(id, overlap), Judgement::InPart, "{id}");
    }
    let rates = |spread: f64| {
        verdict("fig43", "loss learning_rate", |config| {
            let word = config.label.split(", ").find_map(|word| word.strip_prefix("p="));
            let p: f64 = word.map_or(f64::NAN, |p| p.parse().unwrap());
            vec![vec![1.0, 2.0 - p + spread * config.seed as f64]; 2]
        })
    };
    assert_eq!((rates(0.1), rates(0.2)), (Judgement::Holds, Judgement::DoesNotHold));
}

#[test]
fn figure_19_wants_a_valley_and_steady_updates() {
    let judged = |rate: fn(f64) -> f64, update: fn(f64) -> f64| {
        verdict("fig19", "learning_rate update_norm", |_| {
            (0..40).map(|i| f64::from(i) / 40.0).map(|t| vec![rate(t), update(t)]).collect()
        })
    };
    let valley: fn(f64) -> f64 = |t| 1.0 + 2.0 * (t - 0.3).powi(2);
    assert_eq!(judged(valley, |t| 1.0 - t), Judgement::Holds);
    assert_eq!(judged(valley, |t| (t - 0.5).abs()), Judgement::InPart);
    assert_eq!(judged(|t| 1.0 - t, |_| 1.0), Judgement::DoesNotHold);
    let shallow: fn(f64) -> f64 = |t| 1.0 + 0.1 * (t - 0.3).powi(2);
    assert_eq!(
        judged(shallow, |t| 1.0 - t),
        Judgement::InPart,
        "a rise of less than a tenth is none"
    );
}

#[test]
fn figure_25_compares_both_sides_of_the_edge() {
    let judged = |inside: f64| {
        verdict("fig25", "lambda_0 third gradient_norm", |config| {
            vec![vec![0.5 / rate(config), 0.01, 1.0], vec![1.9 / rate(config), inside, 1.0]]
        })
    };
    assert_eq!(judged(0.1), Judgement::Holds);
    assert_eq!(judged(0.001), Judgement::InPart);
}

#[test]
fn figure_33_weighs_negative_eigenvalues() {
    let judged = |negative: f64| {
        verdict("fig33", "step loss eigenvalue_0 eigenvalue_1", |_| {
            vec![vec![0.0, 1.0, 1.0, negative]]
        })
    };
    assert_eq!(judged(-0.05), Judgement::Holds);
    assert_eq!(judged(-0.5), Judgement::DoesNotHold);
}

/// A run whose loss falls from 4 to this, through so many increases.
fn losses(last: f64, increases: usize) -> Vec<Vec<f64>> {
    let ups = (0..increases).flat_map(|_| [4.0, 5.0]);
    ups.chain([4.0, last]).map(|loss| vec![loss, last]).collect()
}

#[test]
fn figure_7_judges_every_run_in_its_first_five_steps() {
    let at = |step: f64, pf: f64| {
        [(0.0, 0.0), (1.0, 3.0), (2.0, 2.0), (3.0, pf)]
            .map(|(flow, d)| row(step, flow, d, 1.0, 1.0))
    };
    let rows = |pf: [f64; 4]| -> Vec<Vec<f64>> {
        [1.0, 2.0, 5.0, 10.0].into_iter().zip(pf).flat_map(|(n, pf)| at(n, pf)).collect()
    };
    let of = |pf: [f64; 4]| followed("fig7", &rows(pf));
    assert_eq!(of([1.0, 1.0, 1.0, 1.0]), Judgement::Holds);
    assert_eq!(of([1.0, 1.0, 1.0, 9.0]), Judgement::Holds, "ten steps are not few");
    assert_eq!(of([1.0, 1.0, 2.5, 1.0]), Judgement::InPart);
    assert_eq!(of([9.0, 9.0, 9.0, 1.0]), Judgement::DoesNotHold);
    assert_eq!(of([f64::NAN; 4]), Judgement::DoesNotHold);
    // One of the runs alone fails, and is named.
    let figure = figure("fig7");
    let mut outcomes = outcomes(figure, "loss", |_| vec![vec![1.0]], Some(&rows([1.0; 4])));
    outcomes[4].follow.as_mut().unwrap().rows.retain(|row| row[3] != 3.0);
    let finding = figure.finding(&outcomes);
    assert_eq!(finding.verdict, Judgement::InPart);
    assert!(finding.number.contains("24 of 27"), "{finding:?}");
    assert!(finding.more.contains("not seed = 1, h = 0.2"), "{finding:?}");
}

#[test]
fn figure_32_counts_a_flow_that_ended_as_far_away() {
    let rows = |from: f64, igr: f64, pf: Option<f64>| {
        [1.0, 2.0].into_iter().flat_map(move |step| {
            let flows = [Some((0.0, 0.0)), Some((1.0, igr)), pf.map(|pf| (2.0, pf))];
            flows
                .into_iter()
                .flatten()
                .map(move |(flow, d)| vec![from, step, step, flow, d, 1.0, 1.0])
        })
    };
    let of = |pf: Option<f64>, later: Option<f64>| {
        followed("fig32", &rows(0.0, 2.0, pf).chain(rows(20.0, 2.0, later)).collect::<Vec<_>>())
    };
    assert_eq!(of(Some(1.0), Some(1.0)), Judgement::Holds);
    assert_eq!(of(Some(1.0), Some(3.0)), Judgement::InPart);
    assert_eq!(of(None, Some(1.0)), Judgement::InPart);
    assert_eq!(of(None, Some(2.0)), Judgement::DoesNotHold, "a tie is not nearer");
}

#[test]
fn figures_14_and_35_compare_the_reversed_flow_with_its_start() {
    for id in ["fig14", "fig35"] {
        let of = |reversed: f64, ngf: f64| {
            let row = |step: f64, flow: f64, loss: f64| row(step, flow, 0.0, loss, 1.0);
            let rows = [
                row(0.0, 1.0, 1.0),
                row(1.0, 1.0, ngf),
                row(0.0, 2.0, 1.0),
                row(1.0, 2.0, reversed),
            ];
            followed(id, &rows)
        };
        assert_eq!(of(5.0, 0.5), Judgement::Holds);
        assert_eq!(of(1.1, 0.5), Judgement::InPart);
        assert_eq!(of(0.9, 1.5), Judgement::DoesNotHold);
    }
}

#[test]
fn figure_49_wants_distance_and_growth_throughout() {
    let of = |distance: fn(f64) -> f64, sharpness: fn(f64) -> f64| {
        let steps = (0..40).map(f64::from);
        let rows: Vec<Vec<f64>> = steps
            .flat_map(|t| [row(t, 0.0, 0.0, 1.0, 1.0), row(t, 1.0, distance(t), 1.0, sharpness(t))])
            .collect();
        followed("fig49", &rows)
    };
    assert_eq!(of(|t| t, |t| t), Judgement::Holds);
    assert_eq!(of(|t| t, |t| t.min(20.0)), Judgement::InPart, "it does not keep growing");
    assert_eq!(of(|_| 0.0, |t| t), Judgement::InPart, "it does not leave");
    assert_eq!(of(|_| 0.0, |_| 1.0), Judgement::DoesNotHold);
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
    assert_eq!((of(1.0), of(-1.0)), (Judgement::Holds, Judgement::DoesNotHold));
    let of = |sign: f64| {
        verdict("fig37", "lambda_0 flow_lambda_positive", |config| {
            let two = 2.0 / rate(config);
            let values = [1.1, 1.3, 1.2, 1.6, 1.3, 1.4].map(|factor| factor * two);
            let flow = values.windows(2).map(|pair| sign * (pair[1] - pair[0]));
            let changes: Vec<f64> = flow.chain([0.0]).collect();
            values.into_iter().zip(changes).map(|(at, change)| vec![at, at + change]).collect()
        })
    };
    assert_eq!((of(1.0), of(-1.0)), (Judgement::Holds, Judgement::DoesNotHold));
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
        assert_eq!(of(id, &dal(1.0, 2.0)), Judgement::Holds, "{id}");
        assert_eq!(of(id, &dal(2.0, 1.0)), Judgement::DoesNotHold, "{id}");
    }
    assert_eq!(of("fig23", &dal(1.0, 2.0)), Judgement::Holds);
    assert_eq!(of("fig23", &dal(2.0, 1.0)), Judgement::DoesNotHold);
    // A lower loss is a lower accuracy here.
    assert_eq!(of("fig20", &dal(1.0, 2.0)), Judgement::InPart);
    // A higher one, too, but not if a seed ends above its start.
    let accurate = |failing: &str| {
        verdict("fig20", "loss test_accuracy", |config| {
            let adaptive = config.label.contains("DAL");
            let fails = adaptive && config.label.contains(failing);
            let loss = if fails {
                5.0
            } else if adaptive {
                1.0
            } else {
                2.0
            };
            vec![vec![4.0, 0.0], vec![loss, f64::from(u8::from(adaptive))]]
        })
    };
    assert_eq!(accurate("none"), Judgement::Holds);
    assert_eq!(accurate("seed=1"), Judgement::InPart);
    let p = |label: &str| -> f64 {
        let word = label.split(", ").find_map(|word| word.strip_prefix("p="));
        word.map_or(f64::NAN, |p| p.parse().unwrap())
    };
    let mean_rate = |slope: f64| {
        verdict("fig43", "loss learning_rate", |config| {
            vec![vec![1.0, 1.0 - slope * p(&config.label)]; 2]
        })
    };
    assert_eq!(mean_rate(1.0), Judgement::Holds);
    assert_eq!(mean_rate(-1.0), Judgement::DoesNotHold);
    assert_eq!(mean_rate(0.0), Judgement::DoesNotHold, "ties are no trend");
    // Rates after the loss has passed ten times that at the start do not count.
    let diverging = verdict("fig43", "loss learning_rate", |config| {
        vec![vec![1.0, 2.0 - p(&config.label)], vec![11.0, 9.0 * p(&config.label)], vec![1.0, 9.0]]
    });
    assert_eq!(diverging, Judgement::Holds);
    for id in ["fig21", "fig40"] {
        assert_eq!(of(id, &|_| (1.0, 1)), Judgement::DoesNotHold, "ties are no trend");
        let falls = |label: &str| (2.0 - p(label), (4.0 * (2.0 - p(label))) as usize);
        let rises = |label: &str| (p(label), (4.0 * p(label)) as usize);
        assert_eq!(of(id, &falls), Judgement::Holds, "{id}");
        assert_eq!(of(id, &rises), Judgement::DoesNotHold, "{id}");
    }
    for id in ["fig26", "fig27", "fig28", "fig29"] {
        let exact = |factor: f64| {
            move |label: &str| (if label.contains("exact") { 1.0 } else { factor }, 0)
        };
        assert_eq!(of(id, &exact(1.05)), Judgement::Holds, "{id}");
        let half_more = if id == "fig27" { Judgement::Holds } else { Judgement::DoesNotHold };
        assert_eq!(
            of(id, &exact(1.5)),
            half_more,
            "{id}: small batches may cost up to twice the loss"
        );
        assert_eq!(of(id, &exact(3.0)), Judgement::DoesNotHold, "{id}");
        let figure = figure(id);
        let mut outcomes = outcomes(figure, "loss", |_| losses(1.0, 0), None);
        for outcome in outcomes.iter_mut().filter(|o| o.config.label.contains("exact")) {
            outcome.end = Some(End::Diverged { step: 1, quantity: "the loss" });
        }
        let finding = figure.finding(&outcomes);
        assert_eq!(finding.verdict, Judgement::NotMeasured, "{id}: {finding:?}");
        assert!(finding.number.contains("not compared"), "{id}: {finding:?}");
    }
    // One seed fails with the difference alone.
    let some = verdict("fig29", "loss test_accuracy", |config| {
        let fails = config.label.contains("difference") && config.seed == 2;
        losses(if fails { 6.0 } else { 1.0 }, 0)
    });
    assert_eq!(some, Judgement::DoesNotHold);
    // Where exact runs end above their start there is nothing to compare with.
    let failing = |label: &str| match (label.contains("exact"), label.contains("p=0.5")) {
        (true, true) => (6.0, 0),
        _ => (1.0, 0),
    };
    assert_eq!(of("fig26", &failing), Judgement::InPart);
    assert_eq!(of("fig29", &failing), Judgement::NotMeasured);
    let gain = |small: f64| {
        move |label: &str| match (label.contains("DAL"), label.contains("batch=50")) {
            (false, _) => (1.0, 0),
            (true, true) => (small, 0),
            (true, false) => (0.5, 0),
        }
    };
    assert_eq!(of("fig48", &gain(0.9)), Judgement::Holds);
    assert_eq!(of("fig48", &gain(0.1)), Judgement::DoesNotHold);
    for id in ["fig45", "fig46"] {
        assert_eq!(of(id, &|_| (1.0, 0)), Judgement::Holds, "{id}");
        assert_eq!(of(id, &|_| (3.0, 0)), Judgement::DoesNotHold, "{id}");
    }
}

#[test]
fn figures_22_and_47_want_both_correlations() {
    for id in ["fig22", "fig47"] {
        let of = |accuracy: f64, sharpness: f64| {
            verdict(id, "loss drift_estimate lambda_0 test_accuracy", |config| {
                let size = config.label.bytes().map(f64::from).sum::<f64>();
                vec![vec![1.0, (size / 100.0).exp(), sharpness * size, accuracy * size]]
            })
        };
        assert_eq!(of(1.0, -1.0), Judgement::Holds, "{id}");
        assert_eq!(of(1.0, 1.0), Judgement::InPart, "{id}");
        assert_eq!(of(-1.0, 1.0), Judgement::DoesNotHold, "{id}");
    }
    // Of ten runs, a correlation of a half is chance.
    let figure = figure("fig22");
    let runs = figure.runs(Scale::Small, &[]).unwrap();
    let noise = verdict("fig22", "drift_estimate lambda_0 test_accuracy", |config| {
        let i = runs.iter().position(|run| run.label == config.label).unwrap();
        let accuracy = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0, 3.0][i];
        vec![vec![(i as f64).exp(), -accuracy, accuracy]]
    });
    assert_eq!(noise, Judgement::DoesNotHold);
}

#[test]
fn figure_31_wants_better_flows_and_a_gap() {
    let of = |third: f64, ngf: f64| {
        let columns = "error_ngf error_igr error_order_2 update_norm";
        verdict("fig31", columns, |_| vec![vec![ngf, 0.2, third, 1.0]; 3])
    };
    assert_eq!(of(0.1, 0.5), Judgement::Holds);
    assert_eq!(of(0.01, 0.5), Judgement::InPart);
    assert_eq!(of(0.01, 0.005), Judgement::DoesNotHold);
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
    assert_eq!(of([0.9, 0.8, 0.7], 2.0), Judgement::Holds);
    assert_eq!(of([0.9, 0.8, 0.7], 0.5), Judgement::InPart);
    assert_eq!(of([0.9, 1.8, 2.7], 0.5), Judgement::DoesNotHold);
}

#[test]
fn figure_39_wants_reasonable_sizes() {
    let of = |hg: f64| verdict("fig39", "gradient_norm hg", |_| vec![vec![1.0, hg]; 3]);
    assert_eq!(of(2.0), Judgement::Holds);
    assert_eq!(of(1e4), Judgement::DoesNotHold);
    assert_eq!(of(0.01), Judgement::DoesNotHold);
}

/// The title of what a figure found.
fn title(id: &str, columns: &str, rows: impl Fn(&Config) -> Vec<Vec<f64>>) -> String {
    let figure = figure(id);
    let caption = figure.caption(&outcomes(figure, columns, rows, None));
    let title = caption.title();
    title.split_once(". ").unwrap().1.to_string()
}

/// A title says what is seen, in every case.
#[test]
fn titles_are_true_of_what_is_seen() {
    // The final loss, which stands for the accuracy, too, and the increases.
    let of = |id: &str, run: &dyn Fn(&Config) -> (f64, usize)| {
        title(id, "loss test_accuracy", |config| {
            let (last, increases) = run(config);
            losses(last, increases)
        })
    };
    let dal = |config: &Config| config.label.contains("DAL");
    for (own, fixed, seen) in [
        (
            (1.0, 1),
            (2.0, 2),
            "lower than the best fixed rate in the median (1.000 against 2.000), and after fewer increases (1 against 2)",
        ),
        (
            (1.0, 3),
            (2.0, 2),
            "lower than the best fixed rate in the median (1.000 against 2.000), but after more increases (3 against 2)",
        ),
        (
            (2.0, 2),
            (2.0, 2),
            "as low as the best fixed rate in the median (2.000 against 2.000), and after as many increases (2 against 2)",
        ),
        (
            (3.0, 2),
            (2.0, 2),
            "higher than the best fixed rate in the median (3.000 against 2.000), and after as many increases (2 against 2)",
        ),
    ] {
        let title = of("fig18", &|config| if dal(config) { own } else { fixed });
        assert_eq!(title, format!("DAL ends {seen}"));
    }
    // With momentum: lower with every seed, with one seed alone, and not at all.
    let both = "DAL with p = 0.5 ends lower than the best fixed rate (1.000 against 2.000) after fewer increases (1 against 2)";
    for (lowest, increases, seen) in [
        ([1.0; 3], 1, both),
        (
            [1.0; 3],
            3,
            "DAL with momentum ends below the best fixed rate with every seed, and after fewer increases as well with no power of it",
        ),
        (
            [1.0, 1.0, 3.0],
            1,
            "DAL with momentum ends below the best fixed rate in the median alone, and after fewer increases as well in the median alone",
        ),
        (
            [3.0; 3],
            1,
            "DAL with momentum ends below the best fixed rate with no power of it, and after fewer increases as well with no power of it",
        ),
    ] {
        let run = |config: &Config| match dal(config) {
            true => (lowest[config.seed as usize], increases),
            false => (2.0, 2),
        };
        assert_eq!(of("fig23", &run), seen);
    }
    let power = |config: &Config| -> f64 {
        let word = config.label.split(", ").find_map(|word| word.strip_prefix("p="));
        word.map_or(1.0, |p| p.parse().unwrap())
    };
    let falls = |config: &Config| (2.0 - power(config), (4.0 * (2.0 - power(config))) as usize);
    let accurate = |config: &Config| (falls(config).0, 1usize);
    let rising = |config: &Config| (1.0, falls(config).1);
    let neither = |_: &Config| (1.0, 1usize);
    let small = |config: &Config| match config.batch {
        Some(25) => falls(config),
        _ => rising(config),
    };
    assert_eq!(of("fig21", &falls), figure("fig21").claim);
    for (run, seen) in [
        (
            &accurate as &dyn Fn(&Config) -> (f64, usize),
            "Test accuracy falls steadily with p, the number of increases of the loss does not",
        ),
        (
            &rising,
            "The number of increases of the loss falls steadily with p, test accuracy does not",
        ),
        (
            &neither,
            "Neither test accuracy nor the number of increases of the loss falls steadily with p",
        ),
    ] {
        assert_eq!(of("fig21", run), seen);
    }
    for (run, accuracy, increases) in [
        (&accurate as &dyn Fn(&Config) -> (f64, usize), "every batch size", "0 of 2 batch sizes"),
        (&rising, "0 of 2 batch sizes", "every batch size"),
        (&neither, "0 of 2 batch sizes", "0 of 2 batch sizes"),
        (&small, "batches of 25 only", "every batch size"),
    ] {
        let seen = format!(
            "With every seed, lowering p raises the test accuracy with {accuracy}, and the number of increases with {increases}"
        );
        assert_eq!(of("fig40", run), seen);
    }
    let nine = |after: f64| {
        title("fig9", "step lambda_0", |config| {
            let two = 2.0 / rate(config);
            [0.5, 1.1, after, after]
                .iter()
                .enumerate()
                .map(|(i, x)| vec![i as f64, x * two])
                .collect()
        })
    };
    assert_eq!(nine(1.1), "The sharpness λ₀ grows to 2/h and stays there");
    let high = "λ₀ passes 2/h and then has medians of 1.60 to 1.60 times 2/h; up to 1.25 counts as staying";
    assert_eq!(nine(1.6), high);
    assert!(nine(0.5).ends_with("0.8 to 1.25 counts as staying"), "{}", nine(0.5));
    let thirteen = |size: f64| {
        title(
            "fig13",
            "loss lambda_0 relative_progress gradient_norm flow_loss_positive",
            |config| {
                let above = |i: u32| {
                    let (h, i) = (rate(config), f64::from(i));
                    let last = if i == 4.0 { size } else { i };
                    vec![1.0, 2.5 / h, last / h, 1.0, 1.0 + if i == 4.0 { 100.0 } else { i }]
                };
                (0..5).map(above).collect()
            },
        )
    };
    let go = "Above 2/h changes of loss and positive flow correlate";
    assert!(thirteen(2.5).starts_with(&format!("{go} in rank")), "{}", thirteen(2.5));
    assert!(thirteen(-9.0).starts_with(&format!("{go} neither in rank")), "{}", thirteen(-9.0));
}
