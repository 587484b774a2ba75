//! Figures about the drift of a step and its estimates: 17, 22 and 25.

use super::numbers::{column, correlation, last, mean, median, rate};
use crate::experiment::Outcome;
use crate::experiment::figures::Verdict;

/// Correlation of `‖∇²E g‖` with the exact drift of a step, and of what it is made of.
pub(super) fn fig17(outcomes: &[Outcome]) -> (Verdict, String) {
    let pairs = |of: fn(&Outcome) -> Vec<f64>, outcome: &Outcome| -> Vec<(f64, f64)> {
        of(outcome).into_iter().zip(column(outcome, "drift")).collect()
    };
    let hg = |outcome: &Outcome| column(outcome, "hg");
    let estimate = |outcome: &Outcome| column(outcome, "drift_estimate");
    let size = |outcome: &Outcome| column(outcome, "gradient_norm");
    let each: Vec<f64> = outcomes.iter().map(|o| correlation(&pairs(hg, o))).collect();
    let texts: Vec<String> =
        outcomes.iter().zip(&each).map(|(o, c)| format!("{c:.3} (h = {})", rate(o))).collect();
    let all = |of: fn(&Outcome) -> Vec<f64>| {
        correlation(&outcomes.iter().flat_map(|o| pairs(of, o)).collect::<Vec<_>>())
    };
    let together = all(estimate);
    let numbers = format!(
        "correlation with ‖∇²E ∇E‖ {}; of h²/2 ‖∇²E ∇E‖ over all learning rates {together:.3}, of ‖∇E‖ {:.3}",
        texts.join(", "),
        all(size)
    );
    let parts: Vec<bool> = each.iter().chain([&together]).map(|c| *c > 0.8).collect();
    (Verdict::of(&parts), numbers)
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
