//! Figures about the edge of stability: 9, 11 to 13, 15, 33, 34 and 36 to 38.

use super::numbers::{
    all, below, changes, column, correlation, each_network, finite, increases, mean, median,
    more_often, number, percent, range, rank_correlation, rate, spread,
};
use crate::experiment::Outcome;
use crate::reproduction::judgement::Finding;

/// Whether `λ₀` reaches `2/h`, and its median from there on.
pub(super) fn fig9(outcomes: &[Outcome]) -> Finding {
    let (mut parts, mut texts, mut medians) = (Vec::new(), Vec::new(), Vec::new());
    for outcome in outcomes {
        let h = rate(outcome);
        let ratio: Vec<f64> = column(outcome, "lambda_0").iter().map(|l| 0.5 * h * l).collect();
        match ratio.iter().position(|r| *r > 1.0) {
            Some(first) => {
                let after = median(ratio[first..].iter().copied());
                parts.push(all([below(0.8, after), below(after, 1.25)]));
                let step = column(outcome, "step")[first];
                texts.push(format!("passes 2/h at step {step} and has a median of {after:.2}·2/h from there on (h = {h})"));
                medians.push(format!("{after:.2}·2/h"));
            }
            // The run ends too early to be judged.
            None => {
                parts.push(None);
                let (_, most) = range(ratio);
                texts.push(format!("comes to {}·2/h at most (h = {h})", number(most)));
                medians.push("not reached".into());
            }
        }
    }
    let seen = format!("λ₀ {}", texts.join(", "));
    let decides = format!(
        "median λ₀ from there on {}; from 0.8 to 1.25 times 2/h counts as staying",
        medians.join(", ")
    );
    Finding::new(&parts, seen, decides)
}

/// Iterates with `hλ₀` above 2, or those below: what a flow does to a quantity in the time of a step, beside what
/// gradient descent does.
fn beside_flow(
    outcomes: &[Outcome],
    name: &str,
    flow: &str,
    above: bool,
    change: impl Fn(&Outcome) -> Vec<f64>,
) -> Vec<(f64, f64)> {
    let mut pairs = Vec::new();
    for outcome in outcomes {
        let (h, sharpness) = (rate(outcome), column(outcome, "lambda_0"));
        let (here, there) = (column(outcome, name), column(outcome, flow));
        let rows = sharpness.into_iter().zip(here).zip(there).zip(change(outcome));
        let side = rows.filter(
            |(((sharpness, _), _), _)| {
                if above { h * sharpness > 2.0 } else { h * sharpness < 2.0 }
            },
        );
        pairs.extend(side.map(|(((_, here), there), change)| (there - here, change)));
    }
    finite(&pairs)
}

/// From how many of the iterates gradient descent changes the loss and `λ₀` in the direction of NGF, where
/// `hλ₀ < 2`, and of the positive flow, where `hλ₀ > 2`.
pub(super) fn fig11(outcomes: &[Outcome]) -> Finding {
    each_network(outcomes, |outcomes| {
        let (mut parts, mut texts, mut shares) = (Vec::new(), Vec::new(), Vec::new());
        let (mut correlations, mut counted) = (Vec::new(), 0);
        for (above, flow, side) in [
            (
                false,
                "ngf",
                "a step from the {n} iterates with hλ₀ < 2 goes in the direction of NGF",
            ),
            (true, "positive", "one from the {n} with hλ₀ > 2 in that of the positive flow"),
        ] {
            let (mut of_side, mut n) = (Vec::new(), 0);
            for (name, column, symbol) in
                [("loss", "flow_loss", "the loss"), ("lambda_0", "flow_lambda", "λ₀")]
            {
                let flow = format!("{column}_{flow}");
                let pairs = beside_flow(outcomes, name, &flow, above, |o| changes(o, name));
                let alike =
                    pairs.iter().map(|(flow, change)| f64::from(u8::from(flow * change > 0.0)));
                let share = mean(alike);
                n = pairs.len();
                parts.push(below(0.5, share));
                shares.push(percent(share));
                of_side.push(format!("for {symbol} in {}", percent(share)));
                correlations.push(number(correlation(&pairs)));
            }
            counted += n;
            let side = side.replace("{n}", &n.to_string());
            texts.push(format!("{side} {}", of_side.join(" and ")));
        }
        let steps: usize = outcomes.iter().map(|o| column(o, "loss").len().saturating_sub(1)).sum();
        let rest = match steps.saturating_sub(counted) {
            0 => String::new(),
            rest => format!(
                "; the other {rest} of the {steps} steps do not count, since the flow ends before the time of a step"
            ),
        };
        let seen = format!("{}{rest}", texts.join("; "));
        let decides =
            format!("{} go the same way; more than half of each counts", shares.join(", "));
        let more =
            format!("correlations of the changes, in this order: {}", correlations.join(", "));
        let title = match &shares[..] {
            [a, b, c, d] => format!(
                "steps change loss and λ₀ as NGF does below 2/h ({a}, {b}), as the positive flow above ({c}, {d} of steps)"
            ),
            _ => String::new(),
        };
        (parts, [seen, decides, more, title])
    })
}

/// `E(θ') - E(θ)` of each step.
fn increase(outcome: &Outcome) -> Vec<f64> {
    let (progress, size) = (column(outcome, "relative_progress"), column(outcome, "gradient_norm"));
    progress.iter().zip(size).map(|(p, g)| p * rate(outcome) * g * g).collect()
}

/// Increases of the loss where `hλ₀ > 2`, beside those along the positive flow.
pub(super) fn beside_positive(outcomes: &[Outcome]) -> Vec<(f64, f64)> {
    beside_flow(outcomes, "loss", "flow_loss_positive", true, increase)
}

/// Whether they go together, in size and in rank.
pub(super) fn fig13(outcomes: &[Outcome]) -> Finding {
    each_network(outcomes, |outcomes| {
        let pairs = beside_positive(outcomes);
        let (together, by_rank) = (correlation(&pairs), rank_correlation(&pairs));
        let [size, rank] = [together, by_rank].map(number);
        let seen = format!(
            "over the {} iterates with hλ₀ > 2, the change of the loss in a step and that along the positive flow have \
             correlation {size}, and their ranks {rank}",
            pairs.len(),
        );
        let decides = format!(
            "correlation {size}, that of the ranks, which no outlier decides, {rank}; more than 0.5 of each counts as proportional"
        );
        let (_, most) = range(pairs.iter().map(|(flow, _)| *flow));
        let rest: Vec<_> = pairs.iter().copied().filter(|(flow, _)| *flow < most).collect();
        let more = format!(
            "without the iterate whose change along the positive flow is largest, {}, the correlation is {}",
            number(most),
            number(correlation(&rest))
        );
        let parts = vec![below(0.5, together), below(0.5, by_rank)];
        let title = match parts[..] {
            [Some(false), Some(true)] => format!(
                "above 2/h the loss changes in a step as along the positive flow by rank ({rank}), not by size ({size})"
            ),
            _ => String::new(),
        };
        (parts, [seen, decides, more, title])
    })
}

/// Changes of `λ₀` where `hλ₀ > 2`, beside those along the positive flow.
pub(super) fn fig37(outcomes: &[Outcome]) -> Finding {
    each_network(outcomes, |outcomes| {
        let change = |outcome: &Outcome| changes(outcome, "lambda_0");
        let pairs = beside_flow(outcomes, "lambda_0", "flow_lambda_positive", true, change);
        let together = correlation(&pairs);
        let rises: Vec<_> = pairs.iter().filter(|(_, change)| *change > 0.0).collect();
        let share = mean(rises.iter().map(|(flow, _)| f64::from(u8::from(*flow > 0.0))));
        let seen = format!(
            "of the {} steps from hλ₀ > 2 in which λ₀ increases, it increases along the positive flow in {}; the changes have \
             correlation {} over {} iterates",
            rises.len(),
            percent(share),
            number(together),
            pairs.len()
        );
        let decides = format!(
            "{}, more than half counts; correlation {}, more than 0.5 counts",
            percent(share),
            number(together)
        );
        (
            vec![below(0.5, share), below(0.5, together)],
            [seen, decides, String::new(), String::new()],
        )
    })
}

/// `Re sc₀` where the loss increases, and where it does not.
pub(super) fn fig12(outcomes: &[Outcome]) -> Finding {
    let steps = outcomes
        .iter()
        .flat_map(|outcome| changes(outcome, "loss").into_iter().zip(column(outcome, "sc_0_re")));
    up_and_down("Re sc₀", steps)
}

/// The same, divided by the gradient's norm.
pub(super) fn fig36(outcomes: &[Outcome]) -> Finding {
    let steps = outcomes.iter().flat_map(|outcome| {
        let (sc, size) = (column(outcome, "sc_0_re"), column(outcome, "gradient_norm"));
        let parts = sc.into_iter().zip(size).map(|(sc, size)| sc / size);
        increase(outcome).into_iter().zip(parts).collect::<Vec<_>>()
    });
    up_and_down("Re sc₀/‖∇E‖", steps)
}

/// A coefficient before steps that increase the loss, and before those that do not.
fn up_and_down(name: &str, steps: impl Iterator<Item = (f64, f64)>) -> Finding {
    let steps = finite(&steps.collect::<Vec<_>>());
    let (up, down): (Vec<_>, Vec<_>) = steps.into_iter().partition(|(increase, _)| *increase > 0.0);
    let positive =
        |steps: &[(f64, f64)]| mean(steps.iter().map(|(_, sc)| f64::from(u8::from(*sc > 0.0))));
    let typical = |steps: &[(f64, f64)]| mean(steps.iter().map(|(_, sc)| *sc));
    let (a, b, x, y) = (positive(&up), positive(&down), typical(&up), typical(&down));
    let seen = format!(
        "before the {} steps in which the loss increases, {name} has a mean of {} and is positive in {}; before the {} in \
         which it decreases, {} and {}",
        up.len(),
        number(x),
        percent(a),
        down.len(),
        number(y),
        percent(b)
    );
    let decides = format!(
        "mean {} before increases, {} before decreases; positive in {}, {}; the mean must be larger before increases, and \
         the share by more than twice the standard error",
        number(x),
        number(y),
        percent(a),
        percent(b)
    );
    Finding::new(&[below(y, x), more_often((a, up.len()), (b, down.len()))], seen, decides)
}

/// Whether `|g·u₀|` grows where `hλ₀ > 2`, more often than elsewhere.
pub(super) fn fig15(outcomes: &[Outcome]) -> Finding {
    let (mut above, mut below_edge) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        let h = rate(outcome);
        let rows = column(outcome, "lambda_0").into_iter().zip(changes(outcome, "along_0"));
        for (sharpness, change) in rows.filter(|(l, change)| !l.is_nan() && !change.is_nan()) {
            let grows = f64::from(u8::from(change > 0.0));
            if h * sharpness > 2.0 { &mut above } else { &mut below_edge }.push(grows);
        }
    }
    let (a, b) = (mean(above.iter().copied()), mean(below_edge.iter().copied()));
    let seen = format!(
        "|∇E·u₀| grows in {} of the {} steps from hλ₀ > 2 and in {} of the {} others",
        percent(a),
        above.len(),
        percent(b),
        below_edge.len()
    );
    let decides = format!(
        "{} above 2/h, more than half counts; {} below, less than half counts; both, and the difference, must be so by more \
         than twice the standard error",
        percent(a),
        percent(b)
    );
    let apart = more_often((a, above.len()), (b, below_edge.len()));
    let kind = if apart == Some(true) { "beyond" } else { "within" };
    let title = format!(
        "|∇E·u₀| grows in {} of the steps above 2/h and in {} of those below, a difference {kind} chance",
        percent(a),
        percent(b)
    );
    let half = (0.5, usize::MAX);
    let parts =
        [more_often((a, above.len()), half), more_often(half, (b, below_edge.len())), apart];
    Finding::new(&parts, seen, decides).titled(apart.map(|_| title))
}

/// The weight of the negative eigenvalues.
pub(super) fn fig33(outcomes: &[Outcome]) -> Finding {
    let mut shares = Vec::new();
    for outcome in outcomes {
        let names = outcome.metrics.columns.iter();
        let which: Vec<bool> = names.map(|name| name.starts_with("eigenvalue_")).collect();
        for row in &outcome.metrics.rows {
            let values =
                row.iter().zip(&which).filter(|(_, which)| **which).map(|(value, _)| *value);
            let negative: f64 = values.clone().filter(|x| *x < 0.0).map(|x| -x).sum();
            shares.push(100.0 * negative / values.map(f64::abs).sum::<f64>());
        }
    }
    let typical = median(shares.iter().copied());
    let seen = format!(
        "in the median of the iterates (smallest to largest), the negative eigenvalues are {} % of Σ|λᵢ|",
        spread(&shares)
    );
    let decides = format!("{} %; less than 10 % counts as little", number(typical));
    Finding::new(&[below(typical, 10.0)], seen, decides)
}

/// Increases of the loss and `λ₀` before and after the learning rate falls.
pub(super) fn fig34(outcomes: &[Outcome]) -> Finding {
    let (mut parts, mut texts, mut decide) = (Vec::new(), Vec::new(), Vec::new());
    for outcome in outcomes {
        let (rates, loss) = (column(outcome, "learning_rate"), column(outcome, "loss"));
        let sharpness = column(outcome, "lambda_0");
        let change = rates.iter().position(|h| *h < rates[0]);
        let edge = change
            .and_then(|change| sharpness.get(..change)?.iter().position(|l| *l * rates[0] > 1.9));
        let (Some(change), Some(edge)) = (change, edge) else {
            parts.extend([None, None]);
            texts.push("the learning rate does not fall at the edge of stability".to_string());
            continue;
        };
        let share = |x: &[f64]| increases(x) / x.len().saturating_sub(1) as f64;
        let (before, after) = (share(&loss[edge..change]), share(&loss[change..]));
        let at = sharpness[change];
        let end = sharpness.get(change + 1..).and_then(|rest| rest.last().copied());
        let end = end.unwrap_or(f64::NAN);
        parts.extend([below(after, 0.5 * before), below(at, end)]);
        texts.push(format!(
            "from one measurement to the next, the loss increases in {} of cases at the edge of stability and in {} after the \
             learning rate falls; λ₀ is {} there and {} at the end",
            percent(before),
            percent(after),
            number(at),
            number(end)
        ));
        decide.push(format!(
            "increases in {} after, {} before, less than half as many counts as stable; λ₀ {} at the end, {} before",
            percent(after),
            percent(before),
            number(end),
            number(at)
        ));
    }
    Finding::new(&parts, texts.join("; "), decide.join("; "))
}
