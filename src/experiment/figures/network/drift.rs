//! Figures about the drift of a step and its estimates: 16, 17, 22, 25 and 47.

use super::numbers::{column, correlation, last, mean, median, rate};
use crate::experiment::Outcome;
use crate::experiment::figures::Verdict;

/// A column beside the exact drift of the steps.
fn beside_drift(outcome: &Outcome, name: &str) -> Vec<(f64, f64)> {
    column(outcome, name).into_iter().zip(column(outcome, "drift")).collect()
}

/// Correlation of `‖∇²E g‖` with the exact drift along each run.
pub(super) fn fig16(outcomes: &[Outcome]) -> (Verdict, String) {
    let each: Vec<f64> = outcomes.iter().map(|o| correlation(&beside_drift(o, "hg"))).collect();
    let texts: Vec<String> =
        outcomes.iter().zip(&each).map(|(o, c)| format!("{c:.3} (h = {})", rate(o))).collect();
    let parts: Vec<bool> = each.iter().map(|c| *c > 0.8).collect();
    (Verdict::of(&parts), format!("correlation along each run: {}", texts.join(", ")))
}

/// Correlation of `‖∇²E g‖` with the exact drift over all learning rates, and of what it is made of.
pub(super) fn fig17(outcomes: &[Outcome]) -> (Verdict, String) {
    let all = |name: &str| {
        correlation(&outcomes.iter().flat_map(|o| beside_drift(o, name)).collect::<Vec<_>>())
    };
    let product = |outcome: &Outcome| {
        let (size, hg) = (column(outcome, "gradient_norm"), column(outcome, "hg"));
        let along: Vec<f64> = hg.into_iter().zip(size).map(|(hg, g)| hg / g).collect();
        along.into_iter().zip(column(outcome, "drift")).collect::<Vec<_>>()
    };
    let along = correlation(&outcomes.iter().flat_map(product).collect::<Vec<_>>());
    let (hg, estimate, size) = (all("hg"), all("drift_estimate"), all("gradient_norm"));
    let numbers = format!(
        "over all learning rates the drift has correlation {estimate:.3} with h²/2 ‖∇²E ∇E‖, {hg:.3} with \
         ‖∇²E ∇E‖, {size:.3} with ‖∇E‖ and {along:.3} with ‖∇²E ĝ‖"
    );
    // Between learning rates drifts differ by h², too.
    (Verdict::of(&[estimate > 0.8]), numbers)
}

/// Correlations over runs of the mean drift.
pub(super) fn fig22(outcomes: &[Outcome]) -> (Verdict, String) {
    let drift = |outcome: &Outcome| mean(column(outcome, "drift_estimate"));
    let of = |name: &str| {
        let pairs: Vec<_> = outcomes.iter().map(|o| (drift(o).ln(), last(o, name))).collect();
        correlation(&pairs)
    };
    let (accuracy, sharpness) = (of("test_accuracy"), of("lambda_0"));
    let numbers = format!(
        "over {} runs the logarithm of the mean drift has correlation {accuracy:.2} with the test accuracy \
         and {sharpness:.2} with λ_0 at the end",
        outcomes.len()
    );
    (Verdict::of(&[accuracy > 0.3, sharpness < -0.3]), numbers)
}

/// The term relative to the gradient, for `hλ_0` below 1 and above 1.8.
pub(super) fn fig25(outcomes: &[Outcome]) -> (Verdict, String) {
    let (mut outside, mut inside) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        let h = rate(outcome);
        let (third, size) = (column(outcome, "third"), column(outcome, "gradient_norm"));
        for (i, sharpness) in column(outcome, "lambda_0").iter().enumerate() {
            let ratio = third[i] / size[i];
            match h * sharpness {
                z if z < 1.0 => outside.push(ratio),
                z if z > 1.8 => inside.push(ratio),
                _ => {}
            }
        }
    }
    let (a, b) = (median(outside.iter().copied()), median(inside.iter().copied()));
    let numbers = format!(
        "median of h²/12 ‖∇³E[g,g]‖/‖g‖: {a:.1e} at {} iterates with hλ_0 < 1, {b:.1e} at {} with hλ_0 > 1.8",
        outside.len(),
        inside.len()
    );
    (Verdict::of(&[a < 0.05, b > a]), numbers)
}
