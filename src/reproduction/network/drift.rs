//! Figures about the drift of a step and its estimates: 16, 17, 22, 25 and 47.

use super::by_batch::size;
use super::groups::summarise;
use super::numbers::{
    Part, below, by_chance, column, correlation, each_network, fails, finite, last, logarithms,
    mean, median, number, range, rate,
};
use crate::experiment::Outcome;
use crate::reproduction::judgement::{Finding, Judgement};

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

/// Correlation of pairs along each run.
fn along_each(
    outcomes: &[Outcome],
    pairs: impl Fn(&Outcome) -> Vec<(f64, f64)>,
) -> (Vec<f64>, String) {
    let each: Vec<f64> = outcomes.iter().map(|outcome| correlation(&pairs(outcome))).collect();
    let texts: Vec<String> = outcomes
        .iter()
        .zip(&each)
        .map(|(outcome, r)| {
            let n = finite(&pairs(outcome)).len();
            format!("{} (h = {}, {n} iterates)", number(*r), rate(outcome))
        })
        .collect();
    (each, texts.join(", "))
}

/// Correlation of `‖∇²E g‖` with the exact drift along each run.
pub(super) fn fig16(outcomes: &[Outcome]) -> Finding {
    let (each, texts) = along_each(outcomes, |outcome| beside_drift(outcome, "hg"));
    let (_, logs) = along_each(outcomes, |outcome| logarithms(&beside_drift(outcome, "hg")));
    let parts: Vec<Part> = each.iter().map(|r| below(STRONG, *r)).collect();
    let (least, _) = range(each);
    let seen = format!("the correlation of ‖∇²E ∇E‖ and the drift along each run is {texts}");
    let decides = format!(
        "smallest correlation {}; more than {STRONG} with every h counts as following",
        number(least)
    );
    let title = format!(
        "‖∇²E ∇E‖ follows the drift of a step along training: their correlation is {} at least",
        number(least)
    );
    let holds = parts.iter().all(|part| *part == Some(true));
    Finding::new(&parts, seen, decides)
        .with(format!("correlation of the logarithms: {logs}"))
        .titled((holds && !parts.is_empty()).then_some(title))
}

/// Correlation of `‖∇²E g‖` with the exact drift, at each learning rate and over all, and of its factors.
pub(super) fn fig17(outcomes: &[Outcome]) -> Finding {
    let finding = each_network(outcomes, |outcomes| {
        let pooled = |pairs: &dyn Fn(&Outcome) -> Vec<(f64, f64)>| {
            correlation(&outcomes.iter().flat_map(pairs).collect::<Vec<_>>())
        };
        let pooled_column = |name: &str| pooled(&|outcome| beside_drift(outcome, name));
        let (mut each, texts) = along_each(outcomes, |outcome| beside_drift(outcome, "hg"));
        let (_, estimates) =
            along_each(outcomes, |outcome| beside_drift(outcome, "drift_estimate"));
        let logs = number(pooled(&|outcome| logarithms(&beside_drift(outcome, "hg"))));
        let hg = pooled_column("hg");
        each.push(hg);
        let parts: Vec<Part> = each.iter().map(|r| below(STRONG, *r)).collect();
        let [estimate, size, along] = [
            pooled_column("drift_estimate"),
            pooled_column("gradient_norm"),
            pooled(&product_beside_drift),
        ]
        .map(number);
        let seen = format!(
            "over all learning rates the correlation with the drift is {} for ‖∇²E ∇E‖, {estimate} for h²/2 ‖∇²E ∇E‖, {size} \
             for ‖∇E‖ and {along} for ‖∇²E ĝ‖",
            number(hg)
        );
        let (least, _) = range(each);
        let decides = format!(
            "smallest correlation with ‖∇²E ∇E‖ {}, of the values, not of the logarithms on the axes; more than {STRONG} with \
             every h and over all counts as strong",
            number(least)
        );
        let more = format!(
            "correlation with ‖∇²E ∇E‖ along each run: {texts}; with h²/2 ‖∇²E ∇E‖: {estimates}; of the \
             logarithms of the drift and of ‖∇²E ∇E‖ over all learning rates: {logs}"
        );
        (parts, [seen, decides, more, String::new()])
    });
    let name = |outcome: &Outcome| outcome.config.network_name().to_string();
    let one = outcomes.windows(2).all(|pair| name(&pair[0]) == name(&pair[1]));
    if finding.verdict != Judgement::Holds || !one {
        return finding;
    }
    let pooled = |column| {
        let pairs = outcomes.iter().flat_map(|outcome| beside_drift(outcome, column));
        number(correlation(&pairs.collect::<Vec<_>>()))
    };
    let [product, size] = ["hg", "gradient_norm"].map(pooled);
    finding.titled(format!(
        "the drift of a step is strongly correlated with ‖∇²E ∇E‖ ({product}), and with ‖∇E‖ ({size})"
    ))
}

/// The mean drift of a run, as the paper estimates it.
pub(super) fn mean_drift(outcome: &Outcome) -> f64 {
    mean(column(outcome, "drift_estimate"))
}

/// The correlation over runs of the logarithm of the mean drift with what a quantity is at the end, and of how many runs.
pub(super) fn with_drift<'a>(
    outcomes: impl IntoIterator<Item = &'a Outcome>,
    name: &str,
) -> (f64, usize) {
    let pairs = outcomes.into_iter().map(|o| (mean_drift(o).ln(), last(o, name)));
    let pairs = pairs.collect::<Vec<_>>();
    (correlation(&pairs), finite(&pairs).len())
}

/// Correlations over runs of the mean drift.
pub(super) fn fig22(outcomes: &[Outcome]) -> Finding {
    let [(accuracy, n), (sharpness, _)] =
        ["test_accuracy", "lambda_0"].map(|name| with_drift(outcomes, name));
    let bound = by_chance(n);
    let parts = [below(bound, accuracy), below(sharpness, -bound)];
    let opposite = [below(accuracy, -bound), below(bound, sharpness)];
    let seen = format!(
        "over {n} runs, the logarithm of the mean drift has correlation {} with the test accuracy and {} with λ₀ at the end",
        number(accuracy),
        number(sharpness)
    );
    let decides = format!(
        "correlation of the logarithm of the drift with the test accuracy {}, which must be above {}, with λ₀ {}, which must be below −{}; one \
         beyond that is by chance in one case of twenty only",
        number(accuracy),
        number(bound),
        number(sharpness),
        number(bound)
    );
    let more = format!(
        "the claim is read as the paper's conclusions and its Figure 21 have it, that drift helps; its text on Figure 22 says \
         the opposite of both, the lower the drift the higher the accuracy and the smaller λ₀: that claim {}",
        Judgement::of(&opposite)
    );
    let failed = outcomes.iter().filter(|outcome| fails(outcome)).count();
    let trained = || outcomes.iter().filter(|outcome| !fails(outcome));
    let [(accurate, m), (sharp, _)] =
        ["test_accuracy", "lambda_0"].map(|name| with_drift(trained(), name));
    let more = format!(
        "{more}; without the {failed} runs that fail, the correlations over {m} runs are {} and {}, where ±{} is the bound",
        number(accurate),
        number(sharp),
        number(by_chance(m))
    );
    let rest = match failed {
        0 => String::new(),
        _ if !accurate.is_finite() => String::new(),
        _ => format!("; without {failed} failing runs {}, {}", number(accurate), number(sharp)),
    };
    let title = format!(
        "{}: log drift correlates {} with accuracy, {} with λ₀ (±{} needed){rest}",
        size(summarise(outcomes).first()),
        number(accuracy),
        number(sharpness),
        number(bound)
    );
    Finding::new(&parts, seen, decides).with(more).titled_unless_it_holds(title)
}

/// A term of less than this part of the gradient counts as small.
pub(super) const SMALL_TERM: f64 = 0.05;
/// Below the first `hλ₀` is away from the edge of stability, above the second at it.
pub(super) const OUTSIDE_AND_INSIDE: [f64; 2] = [1.0, 1.8];

/// The term relative to the gradient, for `hλ₀` below 1 and above 1.8.
pub(super) fn fig25(outcomes: &[Outcome]) -> Finding {
    let (mut outside, mut inside) = (Vec::new(), Vec::new());
    let [away, at] = OUTSIDE_AND_INSIDE;
    for outcome in outcomes {
        let h = rate(outcome);
        let (third, size) = (column(outcome, "third"), column(outcome, "gradient_norm"));
        let ratios = third.into_iter().zip(size).map(|(third, size)| third / size);
        for (sharpness, ratio) in column(outcome, "lambda_0").into_iter().zip(ratios) {
            match h * sharpness {
                z if z < away => outside.push(ratio),
                z if z > at => inside.push(ratio),
                _ => {}
            }
        }
    }
    let (a, b) = (median(outside.iter().copied()), median(inside.iter().copied()));
    let seen = format!(
        "the term has {} of the gradient's size in the median of the {} iterates with hλ₀ < {away}, and {} in that of the {} with \
         hλ₀ > {at}",
        number(a),
        outside.len(),
        number(b),
        inside.len()
    );
    let decides = format!(
        "{} where hλ₀ < {away}, below {SMALL_TERM} counts as small; {} where hλ₀ > {at}, which must be larger",
        number(a),
        number(b)
    );
    let title = format!(
        "the median term of order h² that PF leaves out is {} of the gradient where hλ₀ < {away}, {} where hλ₀ > {at}",
        number(a),
        number(b)
    );
    let measured = a.is_finite() && b.is_finite();
    Finding::new(&[below(a, SMALL_TERM), below(a, b)], seen, decides)
        .titled(measured.then_some(title))
}
