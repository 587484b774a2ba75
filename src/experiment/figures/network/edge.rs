//! Figures about the edge of stability: 9, 11, 12, 15, 33, 34, 35 and 49.

use super::numbers::{column, increases, mean, median, range, rate};
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

/// `Re sc_0` where the loss increases, and where it does not.
pub(super) fn fig12(outcomes: &[Outcome]) -> (Verdict, String) {
    let (mut up, mut down) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        let (loss, sc) = (column(outcome, "loss"), column(outcome, "sc_0_re"));
        for i in 1..loss.len() {
            if loss[i] > loss[i - 1] { &mut up } else { &mut down }.push(sc[i - 1]);
        }
    }
    let positive = |values: &[f64]| {
        100.0 * values.iter().filter(|x| **x > 0.0).count() as f64 / values.len().max(1) as f64
    };
    let (a, b) = (positive(&up), positive(&down));
    let (x, y) = (mean(up.iter().copied()), mean(down.iter().copied()));
    let numbers = format!(
        "before the {} increases of the loss sc_0 has a mean of {x:.3} and is positive in {a:.0} %, before \
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
