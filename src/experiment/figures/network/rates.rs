//! Figures about learning rates: DAL beside fixed ones, 18, 20, 23, 26, 39 and 44.

use super::numbers::{column, groups, increases, last, mean, median, range, spread};
use crate::experiment::Outcome;
use crate::experiment::figures::Verdict;

/// One group of seeds.
struct Group {
    label: String,
    dal: bool,
    /// The mean number of steps at which the loss increases; infinite where runs diverge.
    increases: f64,
    /// The final loss, the median of the seeds.
    loss: f64,
    accuracies: Vec<f64>,
}

fn summarise(outcomes: &[Outcome]) -> Vec<Group> {
    let group = |(label, members): (String, Vec<&Outcome>)| {
        let ups = |o: &&Outcome| match last(o, "loss").is_finite() {
            true => increases(&column(o, "loss")) as f64,
            false => f64::INFINITY,
        };
        let all: Vec<f64> = members.iter().map(ups).collect();
        let finite = all.iter().all(|x| x.is_finite());
        let losses: Vec<f64> = members.iter().map(|o| last(o, "loss")).collect();
        Group {
            dal: label.contains("DAL") || label.contains("p="),
            increases: if finite { mean(all) } else { f64::INFINITY },
            loss: if finite { median(losses) } else { f64::INFINITY },
            accuracies: members.iter().map(|o| last(o, "test_accuracy")).collect(),
            label,
        }
    };
    groups(outcomes).into_iter().map(group).collect()
}

fn list(groups: &[Group]) -> String {
    let text = |g: &Group| {
        let accuracy = match g.accuracies.iter().all(|a| a.is_finite()) {
            true => format!(", test accuracy {}", spread(&g.accuracies)),
            false => String::new(),
        };
        format!("{}: loss {:.3}, {:.0} increases{accuracy}", g.label, g.loss, g.increases)
    };
    groups.iter().map(text).collect::<Vec<_>>().join("; ")
}

/// Fewer increases of the loss than with every fixed rate that ends with a lower loss.
pub(super) fn fig18(outcomes: &[Outcome]) -> (Verdict, String) {
    let groups = summarise(outcomes);
    let (dal, fixed): (Vec<&Group>, Vec<&Group>) = groups.iter().partition(|g| g.dal);
    let stable = |g: &&Group| fixed.iter().all(|f| f.loss >= g.loss || f.increases >= g.increases);
    let parts: Vec<bool> = dal.iter().map(stable).collect();
    (
        Verdict::of(&parts),
        format!("after the same steps, median or mean of seeds: {}", list(&groups)),
    )
}

/// The final loss, and the test accuracy where it is measured, of DAL-0.5 against the best fixed rate.
pub(super) fn fig20(outcomes: &[Outcome]) -> (Verdict, String) {
    let groups = summarise(outcomes);
    let (dal, fixed): (Vec<&Group>, Vec<&Group>) = groups.iter().partition(|g| g.dal);
    let half = dal.iter().find(|g| g.label.contains("p=0.5"));
    let (best, _) = range(fixed.iter().map(|g| g.loss));
    let mut parts = vec![half.is_some_and(|g| g.loss <= best)];
    let accuracy = |g: &Group| median(g.accuracies.iter().copied());
    let (_, highest) = range(fixed.iter().map(|g| accuracy(g)));
    if highest.is_finite() {
        parts.push(half.is_some_and(|g| accuracy(g) >= highest));
    }
    (
        Verdict::of(&parts),
        format!("after the same steps, median or mean of seeds: {}", list(&groups)),
    )
}

/// Both a lower loss and fewer increases than the fixed rates with the lowest loss.
pub(super) fn fig23(outcomes: &[Outcome]) -> (Verdict, String) {
    let groups = summarise(outcomes);
    let (dal, fixed): (Vec<&Group>, Vec<&Group>) = groups.iter().partition(|g| g.dal);
    let (best, _) = range(fixed.iter().map(|g| g.loss));
    let calm = fixed.iter().find(|g| g.loss == best).map_or(f64::NAN, |g| g.increases);
    let faster = dal.iter().any(|g| g.loss <= best);
    let calmer = dal.iter().any(|g| g.increases <= calm);
    (
        Verdict::of(&[faster, calmer]),
        format!("after the same steps, median or mean of seeds: {}", list(&groups)),
    )
}

/// Final losses with the exact product and with the difference.
pub(super) fn fig26(outcomes: &[Outcome]) -> (Verdict, String) {
    let groups = summarise(outcomes);
    let loss = |kind: &str, p: &str| {
        let found = groups.iter().find(|g| g.label.contains(kind) && g.label.ends_with(p));
        found.map_or(f64::NAN, |g| g.loss)
    };
    let parts = ["p=0.5", "p=1.0"].map(|p| loss("difference", p) <= 1.1 * loss("exact", p));
    let numbers = format!("{}; a tenth more loss would count as a loss", list(&groups));
    (Verdict::of(&parts), numbers)
}

/// The range of `2‖g‖/‖∇²E g‖`.
pub(super) fn fig39(outcomes: &[Outcome]) -> (Verdict, String) {
    let rates = |outcome: &Outcome| -> Vec<f64> {
        let (size, product) = (column(outcome, "gradient_norm"), column(outcome, "hg"));
        size.into_iter().zip(product).map(|(g, hg)| 2.0 * g / hg).collect()
    };
    let (mut parts, mut texts) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        let rates = rates(outcome);
        let (low, high) = range(rates.iter().copied());
        let typical = median(rates);
        parts.push(low > 1e-3 && typical < 10.0);
        texts.push(format!(
            "{typical:.3} ({low:.3} to {high:.2}) at h = {}",
            super::numbers::rate(outcome)
        ));
    }
    (Verdict::of(&parts), format!("median and range: {}", texts.join("; ")))
}
