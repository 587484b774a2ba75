//! What judges ask of measurements.

use crate::experiment::Outcome;

/// A column, empty if there is none.
pub(super) fn column(outcome: &Outcome, name: &str) -> Vec<f64> {
    outcome.metrics.column(name).unwrap_or_default()
}

/// The learning rate of a run with a fixed one.
pub(super) fn rate(outcome: &Outcome) -> f64 {
    outcome.config.rule.schedule().map_or(f64::NAN, |schedule| schedule.first)
}

/// The numbers that are finite, sorted.
fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.into_iter().filter(|x| x.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The median of the finite ones, NaN if there is none.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let values = sorted(values);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => 0.5 * (values[n / 2 - 1] + values[n / 2]),
    }
}

/// The mean of the finite ones.
pub(super) fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let values = sorted(values);
    values.iter().sum::<f64>() / values.len() as f64
}

/// Smallest and largest of the finite ones.
pub(super) fn range(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let values = sorted(values);
    (values.first().copied().unwrap_or(f64::NAN), values.last().copied().unwrap_or(f64::NAN))
}

/// `0.12 (0.10 to 0.15)`: the median of several seeds and their spread.
pub(super) fn spread(values: &[f64]) -> String {
    let (low, high) = range(values.iter().copied());
    format!("{:.3} ({low:.3} to {high:.3})", median(values.iter().copied()))
}

/// Pearson's coefficient of the pairs that are both finite.
pub(super) fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let pairs: Vec<_> = pairs.iter().filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
    let n = pairs.len() as f64;
    let (mx, my) =
        (pairs.iter().map(|p| p.0).sum::<f64>() / n, pairs.iter().map(|p| p.1).sum::<f64>() / n);
    let product = |f: fn(f64, f64) -> f64| pairs.iter().map(|p| f(p.0 - mx, p.1 - my)).sum::<f64>();
    product(|x, y| x * y) / (product(|x, _| x * x) * product(|_, y| y * y)).sqrt()
}

/// How often a quantity is larger than at the measurement before.
pub(super) fn increases(values: &[f64]) -> usize {
    values.windows(2).filter(|pair| pair[1] > pair[0]).count()
}

/// The last finite number; infinite for a run that diverged.
pub(super) fn last(outcome: &Outcome, name: &str) -> f64 {
    if matches!(outcome.end, Some(crate::experiment::run::End::Diverged { .. })) {
        return f64::INFINITY;
    }
    column(outcome, name).into_iter().rev().find(|x| x.is_finite()).unwrap_or(f64::NAN)
}

/// Runs by what their label says but for the seed, in the order of their first.
pub(super) fn groups(outcomes: &[Outcome]) -> Vec<(String, Vec<&Outcome>)> {
    let mut groups: Vec<(String, Vec<&Outcome>)> = Vec::new();
    for outcome in outcomes {
        let parts = outcome.config.label.split(", ").filter(|part| !part.starts_with("seed="));
        let label = parts.collect::<Vec<_>>().join(" ");
        match groups.iter_mut().find(|(known, _)| *known == label) {
            Some((_, members)) => members.push(outcome),
            None => groups.push((label, vec![outcome])),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_of_small_samples() {
        assert_eq!(median([3.0, f64::NAN, 1.0, 2.0, 10.0]), 2.5);
        assert_eq!(mean([1.0, 2.0, f64::INFINITY]), 1.5);
        assert_eq!(range([2.0, 1.0]), (1.0, 2.0));
        assert_eq!(increases(&[1.0, 2.0, 2.0, 1.0, 3.0]), 2);
        let line = [(0.0, 1.0), (1.0, 3.0), (2.0, 5.0), (f64::NAN, 0.0)];
        assert!((correlation(&line) - 1.0).abs() < 1e-12);
        let cross = [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)];
        assert_eq!(correlation(&cross), 0.0);
    }
}
