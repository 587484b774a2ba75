//! Figures about the edge of stability: 9, 11 to 15, 33 to 38 and 49.

use super::numbers::{column, correlation, increases, mean, median, range, rate};
use crate::experiment::Outcome;
use crate::experiment::figures::Verdict;

/// Whether `λ_0` comes to `2/h`, and its median from there on.
pub(super) fn fig9(outcomes: &[Outcome]) -> (Verdict, String) {
    let (mut parts, mut texts) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        let h = rate(outcome);
        let ratio: Vec<f64> = column(outcome, "lambda_0").iter().map(|l| 0.5 * h * l).collect();
        match ratio.iter().position(|r| *r > 1.0) {
            Some(first) => {
                let after = median(ratio[first..].iter().copied());
                parts.push((0.8..1.25).contains(&after));
                let step = column(outcome, "step")[first];
                texts.push(format!("median λ_0 = {after:.2}·2/h from step {step} on (h = {h})"));
            }
            None => {
                let (_, most) = range(ratio);
                texts.push(format!("λ_0 still grows, to {most:.2}·2/h (h = {h})"));
            }
        }
    }
    (Verdict::of(&parts), texts.join("; "))
}

/// In how many of the iterates each flow does what is said.
pub(super) fn fig11(outcomes: &[Outcome]) -> (Verdict, String) {
    let share = |name: &str, against: &str, sign: f64| {
        let of = |outcome: &Outcome| {
            let (there, here) = (column(outcome, name), column(outcome, against));
            let pairs = there.into_iter().zip(here).filter(|(a, _)| a.is_finite());
            pairs.map(|(a, b)| f64::from(u8::from(sign * (a - b) > 0.0))).collect::<Vec<_>>()
        };
        mean(outcomes.iter().flat_map(of))
    };
    let shares = [
        share("flow_loss_ngf", "loss", -1.0),
        share("flow_loss_positive", "loss", 1.0),
        share("flow_lambda_ngf", "lambda_0", 1.0),
        share("flow_lambda_positive", "lambda_0", -1.0),
    ];
    let [a, b, c, d] = shares.map(|share| 100.0 * share);
    let numbers = format!(
        "of the iterates, NGF lowers the loss from {a:.0} % and raises λ_0 from {c:.0} %, the positive \
         flow raises the loss from {b:.0} % and lowers λ_0 from {d:.0} %"
    );
    (Verdict::of(&shares.map(|share| share > 0.9)), numbers)
}

/// Iterates with `hλ_0 > 2`: what gradient descent does to a quantity in a step, beside what the positive flow does.
fn beside_positive(
    outcomes: &[Outcome],
    name: &str,
    flow: &str,
    change: impl Fn(&Outcome) -> Vec<f64>,
) -> Vec<(f64, f64)> {
    let mut pairs = Vec::new();
    for outcome in outcomes {
        let (h, sharpness) = (rate(outcome), column(outcome, "lambda_0"));
        let (here, there) = (column(outcome, name), column(outcome, flow));
        for (i, change) in change(outcome).into_iter().enumerate() {
            if h * sharpness[i] > 2.0 {
                pairs.push((there[i] - here[i], change));
            }
        }
    }
    pairs
}

/// `E(θ') - E(θ)` of each step.
fn increase(outcome: &Outcome) -> Vec<f64> {
    let (progress, size) = (column(outcome, "relative_progress"), column(outcome, "gradient_norm"));
    progress.iter().zip(size).map(|(p, g)| p * rate(outcome) * g * g).collect()
}

/// Increases of the loss where `hλ_0 > 2`, beside those along the positive flow.
pub(super) fn fig13(outcomes: &[Outcome]) -> (Verdict, String) {
    let pairs = beside_positive(outcomes, "loss", "flow_loss_positive", increase);
    let together = correlation(&pairs);
    let numbers = format!(
        "correlation {together:.2} over {} iterates with hλ_0 > 2; more than 0.5 counts as proportional",
        pairs.len()
    );
    (Verdict::of(&[together > 0.5]), numbers)
}

/// Changes of `λ_0` where `hλ_0 > 2`, beside those along the positive flow.
pub(super) fn fig37(outcomes: &[Outcome]) -> (Verdict, String) {
    let change = |outcome: &Outcome| {
        column(outcome, "lambda_0").windows(2).map(|pair| pair[1] - pair[0]).collect()
    };
    let pairs = beside_positive(outcomes, "lambda_0", "flow_lambda_positive", change);
    let together = correlation(&pairs);
    let rises: Vec<_> = pairs.iter().filter(|(_, change)| *change > 0.0).collect();
    let share = mean(rises.iter().map(|(flow, _)| f64::from(u8::from(*flow > 0.0))));
    let numbers = format!(
        "of the {} increases from hλ_0 > 2, {:.0} % are increases along the positive flow; correlation \
         {together:.2} over {} iterates",
        rises.len(),
        100.0 * share,
        pairs.len()
    );
    (Verdict::of(&[share > 0.5, together > 0.5]), numbers)
}

/// `Re sc_0` where the loss increases, and where it does not.
pub(super) fn fig12(outcomes: &[Outcome]) -> (Verdict, String) {
    let steps = outcomes.iter().flat_map(|outcome| {
        let (loss, sc) = (column(outcome, "loss"), column(outcome, "sc_0_re"));
        let pairs = loss.windows(2).zip(sc).map(|(pair, sc)| (pair[1] - pair[0], sc));
        pairs.collect::<Vec<_>>()
    });
    up_and_down("sc_0", steps)
}

/// The same, in parts of the gradient's norm.
pub(super) fn fig36(outcomes: &[Outcome]) -> (Verdict, String) {
    let steps = outcomes.iter().flat_map(|outcome| {
        let (sc, size) = (column(outcome, "sc_0_re"), column(outcome, "gradient_norm"));
        let parts = sc.into_iter().zip(size).map(|(sc, size)| sc / size);
        increase(outcome).into_iter().zip(parts).collect::<Vec<_>>()
    });
    up_and_down("sc_0/‖∇E‖", steps)
}

/// A coefficient before steps that increase the loss, and before those that do not.
fn up_and_down(name: &str, steps: impl Iterator<Item = (f64, f64)>) -> (Verdict, String) {
    let (up, down): (Vec<_>, Vec<_>) = steps.partition(|(increase, _)| *increase > 0.0);
    let positive = |steps: &[(f64, f64)]| {
        100.0 * mean(steps.iter().map(|(_, sc)| f64::from(u8::from(*sc > 0.0))))
    };
    let typical = |steps: &[(f64, f64)]| mean(steps.iter().map(|(_, sc)| *sc));
    let (a, b, x, y) = (positive(&up), positive(&down), typical(&up), typical(&down));
    let numbers = format!(
        "before the {} increases of the loss {name} has a mean of {x:.3} and is positive in {a:.0} %, before \
         the {} decreases {y:.3} and {b:.0} %",
        up.len(),
        down.len()
    );
    (Verdict::of(&[x > y, a > b]), numbers)
}

/// Whether `|g·u_0|` grows exactly where `hλ_0 > 2`.
pub(super) fn fig15(outcomes: &[Outcome]) -> (Verdict, String) {
    let (mut above, mut below) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        let h = rate(outcome);
        let (sharpness, along) = (column(outcome, "lambda_0"), column(outcome, "along_0"));
        for i in 1..along.len() {
            let grows = f64::from(u8::from(along[i] > along[i - 1]));
            if h * sharpness[i - 1] > 2.0 { &mut above } else { &mut below }.push(grows);
        }
    }
    let (a, b) = (mean(above.iter().copied()), mean(below.iter().copied()));
    let numbers = format!(
        "|∇E·u_0| grows from {:.0} % of the {} iterates with hλ_0 > 2 and {:.0} % of the {} others",
        100.0 * a,
        above.len(),
        100.0 * b,
        below.len()
    );
    (Verdict::of(&[a > 0.5, b < 0.5]), numbers)
}

/// The weight of the negative eigenvalues.
pub(super) fn fig33(outcomes: &[Outcome]) -> (Verdict, String) {
    let mut shares = Vec::new();
    for row in outcomes.iter().flat_map(|outcome| &outcome.metrics.rows) {
        let values = &row[2..];
        let negative: f64 = values.iter().filter(|x| **x < 0.0).map(|x| -x).sum();
        let all: f64 = values.iter().map(|x| x.abs()).sum();
        shares.push(negative / all);
    }
    let (_, most) = range(shares.iter().copied());
    let typical = median(shares);
    let numbers = format!(
        "negative eigenvalues have {:.1} % of Σ|λ_i| in the median of the iterates, {:.1} % at most; a tenth \
         would be little",
        100.0 * typical,
        100.0 * most
    );
    (Verdict::of(&[typical < 0.1]), numbers)
}

/// Increases of the loss and `λ_0` before and after the learning rate falls.
pub(super) fn fig34(outcomes: &[Outcome]) -> (Verdict, String) {
    let (mut parts, mut texts) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        let (rates, loss) = (column(outcome, "learning_rate"), column(outcome, "loss"));
        let sharpness = column(outcome, "lambda_0");
        let Some(change) = rates.iter().position(|h| *h < rates[0]) else { continue };
        let (_, reached) = range(sharpness[..change].iter().copied());
        let begun = sharpness[..change].iter().position(|l| *l * rates[0] > 1.9).unwrap_or(0);
        let share = |x: &[f64]| 100.0 * increases(x) as f64 / (x.len() - 1).max(1) as f64;
        let (before, after) = (share(&loss[begun..change]), share(&loss[change..]));
        let end = sharpness.last().copied().unwrap_or(f64::NAN);
        parts.extend([after < 0.5 * before, end > sharpness[change]]);
        texts.push(format!(
            "the loss increases between {before:.0} % of the measurements at the edge, {after:.0} % after \
             the change; λ_0 is {:.1} at the change ({reached:.1} at most before) and {end:.1} at the end",
            sharpness[change]
        ));
    }
    (Verdict::of(&parts), texts.join("; "))
}

/// The loss at the end of followed flows, against that at their start.
pub(super) fn fig35(outcomes: &[Outcome]) -> (Verdict, String) {
    let rows: Vec<&Vec<f64>> = outcomes
        .iter()
        .filter_map(|outcome| outcome.follow.as_ref())
        .flat_map(|t| &t.rows)
        .collect();
    let of = |flow: f64| -> Vec<f64> {
        rows.iter().filter(|row| row[3] == flow).map(|row| row[5]).collect()
    };
    let (ngf, flipped) = (of(1.0), of(2.0));
    let (_, most) = range(flipped.iter().copied());
    let (start, end) = (ngf.first().copied(), ngf.last().copied());
    let (start, end) = (start.unwrap_or(f64::NAN), end.unwrap_or(f64::NAN));
    let numbers = format!(
        "from a loss of {start:.3}, NGF comes to {end:.3} and the flow with u_0 reversed to {most:.3e} \
         within {} steps",
        ngf.len().max(flipped.len()).saturating_sub(1)
    );
    (Verdict::of(&[most > 1.5 * start, end <= start]), numbers)
}

/// Distance and `λ_0` along the flow.
pub(super) fn fig49(outcomes: &[Outcome]) -> (Verdict, String) {
    let rows: Vec<&Vec<f64>> = outcomes
        .iter()
        .filter_map(|outcome| outcome.follow.as_ref())
        .flat_map(|t| &t.rows)
        .collect();
    let of = |flow: f64, column: usize| -> Vec<f64> {
        rows.iter().filter(|row| row[3] == flow).map(|row| row[column]).collect()
    };
    let distance = of(1.0, 4);
    let (descent, flow) = (of(0.0, 6), of(1.0, 6));
    let (half, end) = (distance.len() / 2, distance.last().copied().unwrap_or(f64::NAN));
    let of_flow = flow.last().copied().unwrap_or(f64::NAN);
    let of_descent = descent.get(flow.len().saturating_sub(1)).copied().unwrap_or(f64::NAN);
    let middle = distance.get(half).copied().unwrap_or(f64::NAN);
    let numbers = format!(
        "distance {middle:.3} after {half} steps, {end:.3} after {}; λ_0 is then {of_flow:.1} on the flow \
         and {of_descent:.1} for gradient descent",
        distance.len().saturating_sub(1)
    );
    (Verdict::of(&[end > middle, of_flow > of_descent]), numbers)
}
