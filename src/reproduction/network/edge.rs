//! Figures about the edge of stability: 9, 11 to 13, 15, 33, 34 and 36 to 38.

use super::numbers::{
    all, below, changes, column, correlation, each_network, finite, increases, mean, median,
    number, percent, range, rate, spread,
};
use crate::experiment::Outcome;
use crate::reproduction::judgement::Judgement;

/// Whether `λ_0` reaches `2/h`, and its median from there on.
pub(super) fn fig9(outcomes: &[Outcome]) -> (Judgement, String) {
    let (mut parts, mut texts) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        let h = rate(outcome);
        let ratio: Vec<f64> = column(outcome, "lambda_0").iter().map(|l| 0.5 * h * l).collect();
        match ratio.iter().position(|r| *r > 1.0) {
            Some(first) => {
                let after = median(ratio[first..].iter().copied());
                parts.push(all([below(0.8, after), below(after, 1.25)]));
                let step = column(outcome, "step")[first];
                texts.push(format!("median λ_0 = {after:.2}·2/h from step {step} on (h = {h})"));
            }
            // The run ends too early to be judged.
            None => {
                parts.push(None);
                let (_, most) = range(ratio);
                texts.push(format!("λ_0 comes to {}·2/h at most (h = {h})", number(most)));
            }
        }
    }
    let numbers = format!("{}; a median from 0.8 to 1.25 counts as staying", texts.join(", "));
    (Judgement::of(&parts), numbers)
}

/// Iterates with `hλ_0` above 2, or those below: what a flow does to a quantity in the time of a step, beside what
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

/// From how many of the iterates gradient descent changes the loss and `λ_0` in the direction of NGF, where
/// `hλ_0 < 2`, and of the positive flow, where `hλ_0 > 2`.
pub(super) fn fig11(outcomes: &[Outcome]) -> (Judgement, String) {
    each_network(outcomes, |outcomes| {
        let (mut parts, mut texts) = (Vec::new(), Vec::new());
        for (above, flow, side) in [
            (false, "ngf", "hλ_0 < 2, as along NGF"),
            (true, "positive", "hλ_0 > 2, as along the positive flow"),
        ] {
            let mut of_side = Vec::new();
            for (name, column, symbol) in
                [("loss", "flow_loss", "the loss"), ("lambda_0", "flow_lambda", "λ_0")]
            {
                let flow = format!("{column}_{flow}");
                let pairs = beside_flow(outcomes, name, &flow, above, |o| changes(o, name));
                let alike =
                    pairs.iter().map(|(flow, change)| f64::from(u8::from(flow * change > 0.0)));
                let share = mean(alike);
                parts.push(below(0.5, share));
                of_side.push(format!(
                    "{symbol} from {} of {} (correlation {})",
                    percent(share),
                    pairs.len(),
                    number(correlation(&pairs))
                ));
            }
            texts.push(format!("{side}, {}", of_side.join(" and ")));
        }
        let numbers = format!(
            "iterates from which gradient descent goes the same way: {}; more than half counts",
            texts.join(", ")
        );
        (parts, numbers)
    })
}

/// `E(θ') - E(θ)` of each step.
fn increase(outcome: &Outcome) -> Vec<f64> {
    let (progress, size) = (column(outcome, "relative_progress"), column(outcome, "gradient_norm"));
    progress.iter().zip(size).map(|(p, g)| p * rate(outcome) * g * g).collect()
}

/// Increases of the loss where `hλ_0 > 2`, beside those along the positive flow.
pub(super) fn fig13(outcomes: &[Outcome]) -> (Judgement, String) {
    each_network(outcomes, |outcomes| {
        let pairs = beside_flow(outcomes, "loss", "flow_loss_positive", true, increase);
        let together = correlation(&pairs);
        let numbers = format!(
            "correlation {} over {} iterates with hλ_0 > 2; more than 0.5 counts as proportional",
            number(together),
            pairs.len()
        );
        (vec![below(0.5, together)], numbers)
    })
}

/// Changes of `λ_0` where `hλ_0 > 2`, beside those along the positive flow.
pub(super) fn fig37(outcomes: &[Outcome]) -> (Judgement, String) {
    each_network(outcomes, |outcomes| {
        let change = |outcome: &Outcome| changes(outcome, "lambda_0");
        let pairs = beside_flow(outcomes, "lambda_0", "flow_lambda_positive", true, change);
        let together = correlation(&pairs);
        let rises: Vec<_> = pairs.iter().filter(|(_, change)| *change > 0.0).collect();
        let share = mean(rises.iter().map(|(flow, _)| f64::from(u8::from(*flow > 0.0))));
        let numbers = format!(
            "of the {} increases from hλ_0 > 2, {} are increases along the positive flow; correlation {} \
             over {} iterates; more than half, and more than 0.5, count",
            rises.len(),
            percent(share),
            number(together),
            pairs.len()
        );
        (vec![below(0.5, share), below(0.5, together)], numbers)
    })
}

/// `Re sc_0` where the loss increases, and where it does not.
pub(super) fn fig12(outcomes: &[Outcome]) -> (Judgement, String) {
    let steps = outcomes
        .iter()
        .flat_map(|outcome| changes(outcome, "loss").into_iter().zip(column(outcome, "sc_0_re")));
    up_and_down("sc_0", steps)
}

/// The same, divided by the gradient's norm.
pub(super) fn fig36(outcomes: &[Outcome]) -> (Judgement, String) {
    let steps = outcomes.iter().flat_map(|outcome| {
        let (sc, size) = (column(outcome, "sc_0_re"), column(outcome, "gradient_norm"));
        let parts = sc.into_iter().zip(size).map(|(sc, size)| sc / size);
        increase(outcome).into_iter().zip(parts).collect::<Vec<_>>()
    });
    up_and_down("sc_0/‖∇E‖", steps)
}

/// A coefficient before steps that increase the loss, and before those that do not.
fn up_and_down(name: &str, steps: impl Iterator<Item = (f64, f64)>) -> (Judgement, String) {
    let steps = finite(&steps.collect::<Vec<_>>());
    let (up, down): (Vec<_>, Vec<_>) = steps.into_iter().partition(|(increase, _)| *increase > 0.0);
    let positive =
        |steps: &[(f64, f64)]| mean(steps.iter().map(|(_, sc)| f64::from(u8::from(*sc > 0.0))));
    let typical = |steps: &[(f64, f64)]| mean(steps.iter().map(|(_, sc)| *sc));
    let (a, b, x, y) = (positive(&up), positive(&down), typical(&up), typical(&down));
    let numbers = format!(
        "before the {} increases of the loss {name} has a mean of {} and is positive in {}, before the {} \
         decreases {} and {}; both must be larger before increases",
        up.len(),
        number(x),
        percent(a),
        down.len(),
        number(y),
        percent(b)
    );
    (Judgement::of(&[below(y, x), below(b, a)]), numbers)
}

/// Whether `|g·u_0|` grows exactly where `hλ_0 > 2`.
pub(super) fn fig15(outcomes: &[Outcome]) -> (Judgement, String) {
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
    let numbers = format!(
        "|∇E·u_0| grows from {} of the {} iterates with hλ_0 > 2 and {} of the {} others; more than \
         half and less than half count",
        percent(a),
        above.len(),
        percent(b),
        below_edge.len()
    );
    (Judgement::of(&[below(0.5, a), below(b, 0.5)]), numbers)
}

/// The weight of the negative eigenvalues.
pub(super) fn fig33(outcomes: &[Outcome]) -> (Judgement, String) {
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
    let numbers = format!(
        "negative eigenvalues have {} % of Σ|λ_i| in the median of the iterates (smallest to largest); less \
         than 10 % counts as little",
        spread(&shares)
    );
    (Judgement::of(&[below(typical, 10.0)]), numbers)
}

/// Increases of the loss and `λ_0` before and after the learning rate falls.
pub(super) fn fig34(outcomes: &[Outcome]) -> (Judgement, String) {
    let (mut parts, mut texts) = (Vec::new(), Vec::new());
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
            "the loss increases between {} of the measurements at the edge, {} after \
             the change, less than half as many counts as stable; λ_0 is {} at the change and {} at the end",
            percent(before),
            percent(after),
            number(at),
            number(end)
        ));
    }
    (Judgement::of(&parts), texts.join("; "))
}
