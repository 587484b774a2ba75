//! What judges compute from measurements.

use super::groups::in_words;
use crate::experiment::Outcome;
use crate::experiment::run::End;
pub(super) use crate::reproduction::caption::number;
use crate::reproduction::judgement::Finding;
use std::cmp::Ordering;

/// Whether a part of a claim holds; nothing where it was not measured.
pub(super) type Part = Option<bool>;

/// `a < b`.
pub(super) fn below(a: f64, b: f64) -> Part {
    a.partial_cmp(&b).map(Ordering::is_lt)
}

/// `a ≤ b`, and false where `a` is infinite, that is, diverged.
pub(super) fn at_most(a: f64, b: f64) -> Part {
    a.partial_cmp(&b).map(|order| order.is_le() && a < f64::INFINITY)
}

/// Whether all hold; nothing where there are none.
pub(super) fn all(parts: impl IntoIterator<Item = Part>) -> Part {
    let (mut together, mut gaps) = (None, false);
    for part in parts {
        match part {
            Some(holds) => together = Some(together.unwrap_or(true) && holds),
            None => gaps = true,
        }
    }
    together.filter(|holds| !*holds || !gaps)
}

/// `yes`, `no`, or that it was not measured.
pub(super) fn yes(part: Part) -> &'static str {
    part.map_or("not measured", |holds| if holds { "yes" } else { "no" })
}

/// `7 of 9`: how many parts hold.
pub(super) fn tally(parts: &[Part]) -> String {
    let held = parts.iter().filter(|part| **part == Some(true)).count();
    let gaps = parts.iter().filter(|part| part.is_none()).count();
    let gaps = if gaps == 0 { String::new() } else { format!(" ({gaps} not measured)") };
    format!("{held} of {}{gaps}", parts.len())
}

/// A column, empty if there is none.
pub(super) fn column(outcome: &Outcome, name: &str) -> Vec<f64> {
    outcome.metrics.column(name).unwrap_or_default()
}

/// The change of a quantity in each step; empty if not every iterate was measured.
pub(super) fn changes(outcome: &Outcome, name: &str) -> Vec<f64> {
    match outcome.config.every {
        1 => column(outcome, name).windows(2).map(|pair| pair[1] - pair[0]).collect(),
        _ => Vec::new(),
    }
}

/// The learning rate of a run with a fixed one.
pub(super) fn rate(outcome: &Outcome) -> f64 {
    outcome.config.rule.schedule().map_or(f64::NAN, |schedule| schedule.first)
}

/// All but NaN, sorted.
fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.into_iter().filter(|x| !x.is_nan()).collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The median, NaN if there is none.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let values = sorted(values);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => 0.5 * (values[n / 2 - 1] + values[n / 2]),
    }
}

/// The mean of the finite ones, NaN if there is none.
pub(super) fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.into_iter().filter(|x| x.is_finite()).collect();
    values.iter().sum::<f64>() / values.len() as f64
}

/// Smallest and largest.
pub(super) fn range(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let values = sorted(values);
    (values.first().copied().unwrap_or(f64::NAN), values.last().copied().unwrap_or(f64::NAN))
}

/// Medians of the ten tenths of a curve; `None` where a tenth has fewer than two points.
pub(super) fn tenths(values: &[f64]) -> Option<[f64; 10]> {
    let values: Vec<f64> = values.iter().copied().filter(|x| !x.is_nan()).collect();
    let n = values.len();
    let tenth = |i: usize| median(values[i * n / 10..(i + 1) * n / 10].iter().copied());
    (n >= 20).then(|| std::array::from_fn(tenth))
}

/// `62 %` of a share.
pub(super) fn percent(share: f64) -> String {
    if share.is_nan() { number(share) } else { format!("{:.0} %", 100.0 * share) }
}

/// `0.120 (0.100 to 0.150)`: the median of several seeds or runs, smallest and largest.
pub(super) fn spread(values: &[f64]) -> String {
    spread_as(values, number)
}

/// The same for counts.
pub(super) fn spread_of_counts(values: &[f64]) -> String {
    spread_as(values, number_of_times)
}

/// A count without decimals.
pub(super) fn number_of_times(x: f64) -> String {
    if x.is_finite() { x.to_string() } else { number(x) }
}

fn spread_as(values: &[f64], text: impl Fn(f64) -> String) -> String {
    let (low, high) = range(values.iter().copied());
    let typical = text(median(values.iter().copied()));
    match values.len() {
        0 | 1 => typical,
        _ => format!("{typical} ({} to {})", text(low), text(high)),
    }
}

/// Pearson's coefficient of the pairs that are both finite; NaN for less than three.
pub(super) fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let pairs = finite(pairs);
    let n = pairs.len() as f64;
    if pairs.len() < 3 {
        return f64::NAN;
    }
    let (mx, my) =
        (pairs.iter().map(|p| p.0).sum::<f64>() / n, pairs.iter().map(|p| p.1).sum::<f64>() / n);
    let product = |f: fn(f64, f64) -> f64| pairs.iter().map(|p| f(p.0 - mx, p.1 - my)).sum::<f64>();
    product(|x, y| x * y) / (product(|x, _| x * x) * product(|_, y| y * y)).sqrt()
}

/// Spearman's coefficient: that of the ranks of both, which no outlier decides; equal numbers have ranks in their order.
pub(super) fn rank_correlation(pairs: &[(f64, f64)]) -> f64 {
    let pairs = finite(pairs);
    let ranks = |of: fn(&(f64, f64)) -> f64| -> Vec<f64> {
        let mut order: Vec<usize> = (0..pairs.len()).collect();
        order.sort_by(|a, b| of(&pairs[*a]).total_cmp(&of(&pairs[*b])));
        let mut ranks = vec![0.0; pairs.len()];
        order.into_iter().enumerate().for_each(|(rank, i)| ranks[i] = rank as f64);
        ranks
    };
    correlation(&ranks(|p| p.0).into_iter().zip(ranks(|p| p.1)).collect::<Vec<_>>())
}

/// The pairs that are both finite.
pub(super) fn finite(pairs: &[(f64, f64)]) -> Vec<(f64, f64)> {
    pairs.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite()).collect()
}

/// What a correlation of `n` pairs exceeds by chance once in twenty times, by Fisher's transformation:
/// `tanh(1.96/√(n - 3))`, 0.63 for ten.
pub(super) fn by_chance(n: usize) -> f64 {
    if n < 4 { f64::NAN } else { (1.96 / (n as f64 - 3.0).sqrt()).tanh() }
}

/// How often a quantity is larger than at the measurement before; NaN where there is none before.
pub(super) fn increases(values: &[f64]) -> f64 {
    let pairs = values.windows(2).filter(|pair| !pair[0].is_nan() && !pair[1].is_nan());
    let (all, up) =
        pairs.fold((0, 0), |(all, up), pair| (all + 1, up + usize::from(pair[1] > pair[0])));
    if all == 0 { f64::NAN } else { up as f64 }
}

/// Whether something was no longer finite.
pub(super) fn diverged(outcome: &Outcome) -> bool {
    matches!(outcome.end, Some(End::Diverged { .. }))
}

/// The last finite number; infinite for a run that diverged.
pub(super) fn last(outcome: &Outcome, name: &str) -> f64 {
    if diverged(outcome) {
        return f64::INFINITY;
    }
    column(outcome, name).into_iter().rev().find(|x| x.is_finite()).unwrap_or(f64::NAN)
}

/// Whether a run fails: it ends with a higher loss than it began with, or one that is not finite.
pub(super) fn fails(outcome: &Outcome) -> bool {
    let first = column(outcome, "loss").into_iter().find(|loss| loss.is_finite());
    diverged(outcome) || first.is_some_and(|first| last(outcome, "loss") > first)
}

/// Whether a share `p` of `n` is larger than a share `q` of `m` by more than twice the standard error of the difference,
/// `√(p(1 - p)/n + q(1 - q)/m)`.
pub(super) fn more_often((p, n): (f64, usize), (q, m): (f64, usize)) -> Part {
    let error = (p * (1.0 - p) / n as f64 + q * (1.0 - q) / m as f64).sqrt();
    below(2.0 * error, p - q)
}

/// The logarithms of both.
pub(super) fn logarithms(pairs: &[(f64, f64)]) -> Vec<(f64, f64)> {
    pairs.iter().map(|(x, y)| (x.ln(), y.ln())).collect()
}

/// Judges the runs of each network separately: some figures of the paper show two networks. The texts are what is seen, the
/// number, other numbers and the title unless the claim holds; each may be empty.
pub(super) fn each_network(
    outcomes: &[Outcome],
    judge: impl Fn(&[Outcome]) -> (Vec<Part>, [String; 4]),
) -> Finding {
    let name = |outcome: &Outcome| outcome.config.network_name().to_string();
    let networks: Vec<&[Outcome]> = outcomes.chunk_by(|a, b| name(a) == name(b)).collect();
    let (mut parts, mut texts) = (Vec::new(), [const { Vec::new() }; 4]);
    for runs in &networks {
        let (of_network, text) = judge(runs);
        parts.extend(of_network);
        for (all, text) in texts.iter_mut().zip(text).filter(|(_, text)| !text.is_empty()) {
            let alone = networks.len() == 1;
            all.push(if alone { text } else { format!("{}: {text}", name(&runs[0])) });
        }
    }
    // A title is that of one network.
    let title = texts[3].first().filter(|_| networks.len() == 1).cloned();
    let [seen, number, more, _] = texts.map(|texts| texts.join("; "));
    Finding::new(&parts, seen, number).with(more).titled_unless_it_holds(title)
}

/// What distinguishes a run from the others, `seed = 0, h = 0.1`.
pub(super) fn label(outcome: &Outcome) -> String {
    outcome.config.label.split(", ").map(in_words).collect::<Vec<_>>().join(", ")
}

/// How far flows are from gradient descent some steps after an iterate: infinitely far where they have
/// ended. `None` where gradient descent was not followed for that long.
pub(super) fn distances<const N: usize>(
    outcome: &Outcome,
    from: f64,
    step: f64,
    flows: [f64; N],
) -> Option<[f64; N]> {
    let rows = &outcome.follow.as_ref()?.rows;
    let at: Vec<&Vec<f64>> = rows.iter().filter(|row| row[0] == from && row[1] == step).collect();
    let of = |flow: f64| {
        let distance = at.iter().find(|row| row[3] == flow).map(|row| row[4]);
        distance.filter(|d| !d.is_nan()).unwrap_or(f64::INFINITY)
    };
    at.iter().any(|row| row[3] == 0.0).then(|| flows.map(of))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_of_small_samples() {
        assert_eq!(median([3.0, f64::NAN, 1.0, 2.0, 10.0]), 2.5);
        assert_eq!(median([1.0, f64::INFINITY, f64::INFINITY]), f64::INFINITY);
        assert_eq!(mean([1.0, 2.0, f64::INFINITY]), 1.5);
        assert_eq!(range([2.0, 1.0]), (1.0, 2.0));
        assert_eq!(increases(&[1.0, 2.0, 2.0, 1.0, 3.0]), 2.0);
        assert!(increases(&[1.0]).is_nan() && increases(&[f64::NAN; 3]).is_nan());
        let line = [(0.0, 1.0), (1.0, 3.0), (2.0, 5.0), (f64::NAN, 0.0)];
        assert!((correlation(&line) - 1.0).abs() < 1e-12);
        assert!(correlation(&line[..2]).is_nan());
        let cross = [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)];
        assert_eq!(correlation(&cross), 0.0);
        let outlier = [(0.0, 1.0), (1.0, 2.0), (2.0, 3.0), (3.0, 1e9)];
        assert!((rank_correlation(&outlier) - 1.0).abs() < 1e-12);
        // 0.632 and 0.444 in tables of the exact distribution.
        assert!((by_chance(10) - 0.63).abs() < 5e-3 && (by_chance(20) - 0.444).abs() < 5e-3);
        let curve: Vec<f64> = (0..40).map(f64::from).collect();
        assert_eq!(tenths(&curve).map(|t| (t[0], t[9])), Some((1.5, 37.5)));
        assert_eq!(tenths(&curve[..19]), None);
    }

    #[test]
    fn what_is_not_measured_holds_nothing() {
        assert_eq!((below(1.0, 2.0), below(2.0, 2.0)), (Some(true), Some(false)));
        assert_eq!((below(f64::NAN, 2.0), at_most(1.0, f64::NAN)), (None, None));
        assert_eq!(
            (at_most(2.0, 2.0), at_most(f64::INFINITY, f64::INFINITY)),
            (Some(true), Some(false))
        );
        assert_eq!((all([]), all([Some(true), None])), (None, None));
        assert_eq!((all([Some(false), None]), all([Some(true)])), (Some(false), Some(true)));
        assert_eq!((percent(0.625), percent(f64::NAN)), ("62 %".into(), "not measured".into()));
        assert_eq!(tally(&[Some(true), None, Some(false)]), "1 of 3 (1 not measured)");
        assert_eq!(more_often((0.52, 178), (0.42, 72)), Some(false));
        assert_eq!(more_often((0.52, 1780), (0.42, 720)), Some(true));
        assert_eq!(more_often((0.4, 10), (f64::NAN, 0)), None);
        assert_eq!(spread(&[1.0, f64::INFINITY, 2.0]), "2.000 (1.000 to infinite)");
        assert_eq!((spread(&[1e-5]), spread(&[])), ("1.0e-5".into(), "not measured".into()));
    }
}
