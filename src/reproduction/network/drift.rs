//! Figures about the drift of a step and its estimates: 16, 17, 22, 25 and 47.

use super::numbers::{
    Part, below, by_chance, column, correlation, each_network, finite, last, mean, median, number,
    rate,
};
use crate::experiment::Outcome;
use crate::reproduction::judgement::Judgement;

/// Correlations of at least this are strong.
const STRONG: f64 = 0.8;

/// A column beside the exact drift of the steps.
pub(super) fn beside_drift(outcome: &Outcome, name: &str) -> Vec<(f64, f64)> {
    column(outcome, name).into_iter().zip(column(outcome, "drift")).collect()
}

/// `‖∇²E ĝ‖` beside it.
pub(super) fn product_beside_drift(outcome: &Outcome) -> Vec<(f64, f64)> {
    let sizes = column(outcome, "gradient_norm");
    beside_drift(outcome, "hg").into_iter().zip(sizes).map(|((hg, d), g)| (hg / g, d)).collect()
}

/// Correlation of a column with the drift along each run.
fn along_each(outcomes: &[Outcome], name: &str) -> (Vec<f64>, String) {
    let each: Vec<f64> =
        outcomes.iter().map(|outcome| correlation(&beside_drift(outcome, name))).collect();
    let texts: Vec<String> = outcomes
        .iter()
        .zip(&each)
        .map(|(outcome, r)| {
            let n = finite(&beside_drift(outcome, name)).len();
            format!("{} (h = {}, n = {n})", number(*r), rate(outcome))
        })
        .collect();
    (each, texts.join(", "))
}

/// Correlation of `‖∇²E g‖` with the exact drift along each run.
pub(super) fn fig16(outcomes: &[Outcome]) -> (Judgement, String) {
    let (each, texts) = along_each(outcomes, "hg");
    let parts: Vec<Part> = each.iter().map(|r| below(STRONG, *r)).collect();
    let numbers =
        format!("correlation along each run: {texts}; more than {STRONG} counts as following");
    (Judgement::of(&parts), numbers)
}

/// Correlation of `‖∇²E g‖` with the exact drift, at each learning rate and over all, and of its factors.
pub(super) fn fig17(outcomes: &[Outcome]) -> (Judgement, String) {
    each_network(outcomes, |outcomes| {
        let pooled = |pairs: &dyn Fn(&Outcome) -> Vec<(f64, f64)>| {
            correlation(&outcomes.iter().flat_map(pairs).collect::<Vec<_>>())
        };
        let pooled_column = |name: &str| pooled(&|outcome| beside_drift(outcome, name));
        let (mut each, texts) = along_each(outcomes, "hg");
        let (_, estimates) = along_each(outcomes, "drift_estimate");
        let hg = pooled_column("hg");
        each.push(hg);
        let parts: Vec<Part> = each.iter().map(|r| below(STRONG, *r)).collect();
        let [estimate, size, along] = [
            pooled_column("drift_estimate"),
            pooled_column("gradient_norm"),
            pooled(&product_beside_drift),
        ]
        .map(number);
        let numbers = format!(
            "correlation of the drift with ‖∇²E ∇E‖: {texts}, {} over all learning rates; more than {STRONG} \
             counts as strong; with h²/2 ‖∇²E ∇E‖: {estimates}, {estimate} over all; over all {size} with ‖∇E‖ and \
             {along} with ‖∇²E ĝ‖",
            number(hg)
        );
        (parts, numbers)
    })
}

/// The mean drift of a run, as the paper estimates it.
pub(super) fn mean_drift(outcome: &Outcome) -> f64 {
    mean(column(outcome, "drift_estimate"))
}

/// Correlations over runs of the mean drift.
pub(super) fn fig22(outcomes: &[Outcome]) -> (Judgement, String) {
    let of = |name: &str| {
        let pairs =
            outcomes.iter().map(|o| (mean_drift(o).ln(), last(o, name))).collect::<Vec<_>>();
        (correlation(&pairs), finite(&pairs).len())
    };
    let ((accuracy, n), (sharpness, _)) = (of("test_accuracy"), of("lambda_0"));
    let bound = by_chance(n);
    let parts = [below(bound, accuracy), below(sharpness, -bound)];
    let opposite = [below(accuracy, -bound), below(bound, sharpness)];
    let numbers = format!(
        "over {n} runs the logarithm of the mean drift has correlation {} with the test accuracy and {} with λ_0 at \
         the end, beyond ±{} is no chance (5 %); read as the conclusions and Figure 21 have it, that drift helps; \
         the text on Figure 22 says the opposite of both, the lower the drift the higher the \
         accuracy and the smaller λ_0: {}",
        number(accuracy),
        number(sharpness),
        number(bound),
        Judgement::of(&opposite)
    );
    (Judgement::of(&parts), numbers)
}

/// The term relative to the gradient, for `hλ_0` below 1 and above 1.8.
pub(super) fn fig25(outcomes: &[Outcome]) -> (Judgement, String) {
    let (mut outside, mut inside) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        let h = rate(outcome);
        let (third, size) = (column(outcome, "third"), column(outcome, "gradient_norm"));
        let ratios = third.into_iter().zip(size).map(|(third, size)| third / size);
        for (sharpness, ratio) in column(outcome, "lambda_0").into_iter().zip(ratios) {
            match h * sharpness {
                z if z < 1.0 => outside.push(ratio),
                z if z > 1.8 => inside.push(ratio),
                _ => {}
            }
        }
    }
    let (a, b) = (median(outside.iter().copied()), median(inside.iter().copied()));
    let numbers = format!(
        "median of h²/12 ‖∇³E[g,g]‖/‖g‖: {} at {} iterates with hλ_0 < 1, {} at {} with hλ_0 > 1.8; below \
         0.05 counts as small",
        number(a),
        outside.len(),
        number(b),
        inside.len()
    );
    (Judgement::of(&[below(a, 0.05), below(a, b)]), numbers)
}
