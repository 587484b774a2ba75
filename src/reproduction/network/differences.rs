//! DAL with a difference of gradients for the exact `∇²E ĝ`: Figures 26 to 29.

use super::groups::{Group, by_rounding, list, of_seeds, summarise};
use super::numbers::{at_most, number, spread};
use crate::experiment::Outcome;
use crate::reproduction::judgement::Finding;

/// Whether runs with the exact product neither diverge nor mostly end with a higher loss than at the start, so that there is
/// something to compare with.
fn is_comparable(exact: &Group) -> bool {
    exact.loss().is_finite() && !exact.mostly_fails()
}

/// The final loss with the difference of gradients divided by that with the exact product; NaN where there is nothing to compare
/// with.
fn by_difference(groups: &[Group], full: bool, power: f64) -> f64 {
    let [exact, difference] = [false, true].map(|way| of_way(groups, way, full, power));
    match exact {
        Some(exact) if is_comparable(exact) => {
            difference.map_or(f64::NAN, Group::loss) / exact.loss()
        }
        _ => f64::NAN,
    }
}

/// The group with this power and the exact product or a difference.
fn of_way(groups: &[Group], by_difference: bool, full: bool, power: f64) -> Option<&Group> {
    groups.iter().find(|group| {
        group.by_difference == by_difference && group.full == full && group.power == Some(power)
    })
}

/// Whether the loss is at most this factor higher with the difference, and no more seeds fail to train.
fn little_loss(outcomes: &[Outcome], full: bool, powers: &[f64], most: f64, why: &str) -> Finding {
    let groups = summarise(outcomes);
    let (mut parts, mut seen, mut decides, mut titles) = (vec![], vec![], vec![], vec![]);
    let (mut ends, mut fails) = (Vec::new(), Vec::new());
    for power in powers {
        let factor = by_difference(&groups, full, *power);
        let [exact, difference] = [false, true].map(|way| of_way(&groups, way, full, *power));
        let loss = |group: Option<&Group>| group.map_or(number(f64::NAN), |g| spread(&g.losses));
        let more_fail =
            exact.zip(difference).filter(|(exact, diff)| diff.failed() > exact.failed());
        if factor.is_nan() {
            parts.push(None);
            let failing = exact.filter(|exact| exact.failed() > 0);
            let failing =
                failing.map(|exact| format!(", since exact DAL fails with {}", exact.failing()));
            seen.push(format!(
                "with p = {power}, the loss ends at {} with the difference of gradients and at {} with the exact product",
                loss(difference),
                loss(exact)
            ));
            decides.push(format!(
                "not compared{}, which counts as not met (p = {power})",
                failing.unwrap_or_default()
            ));
            let [exact, difference] = [exact, difference].map(|group| {
                group.map_or_else(String::new, |group| format!(" with {}", group.failing()))
            });
            titles.push(if exact == difference {
                format!("p = {power}: exact DAL and DAL by differences fail{exact}")
            } else {
                format!("p = {power}: no comparison, exact DAL fails{exact}")
            });
            continue;
        }
        let times = number(factor);
        let low = at_most(factor, most);
        parts.push(low.map(|low| low && more_fail.is_none()));
        seen.push(format!(
            "with p = {power}, the loss ends at {} with the difference of gradients, {times} times that with the exact product, {}",
            loss(difference),
            loss(exact)
        ));
        decides.push(format!("{times} times (p = {power})"));
        ends.push((times, *power));
        if let Some((exact, difference)) = more_fail.filter(|_| low == Some(true)) {
            let fail = format!(
                "{} fail with the difference, {} with the exact product",
                difference.failing(),
                exact.failing()
            );
            decides.push(format!("but {fail}"));
            fails.push(format!(", but {} fail", difference.failing()));
        }
    }
    let more = list(&groups) + &by_rounding(of_way(&groups, false, true, 0.5));
    if !ends.is_empty() {
        let ends = match &ends[..] {
            [(times, power)] => format!("p = {power}: DAL by differences ends at {times}"),
            ends => {
                let each = ends.iter().map(|(times, power)| format!("{times} (p = {power})"));
                format!("DAL by differences ends at {}", each.collect::<Vec<_>>().join(" and "))
            }
        };
        titles.push(format!("{ends} times exact DAL's loss (limit {most}){}", fails.concat()));
    }
    let title = titles.join("; ");
    let decides = decides.join(", ");
    Finding::new(&parts, seen.join("; ") + &of_seeds(&groups), format!("{decides}; {why}"))
        .with(more)
        .titled((!title.is_empty()).then_some(title))
}

/// Of Figures 26, 28 and 29.
pub(super) const NOTHING: (f64, &str) = (
    1.1,
    "up to 1.1 times with no more seeds that fail, one condition for each p, counts as losing nothing",
);
/// Of Figure 27.
pub(super) const LITTLE: (f64, &str) = (
    2.0,
    "up to twice as much with no more seeds that fail, one condition for each p, counts as little",
);

/// So many times the final loss with the exact product; `None` where there is nothing to compare with.
pub(super) fn bound(outcomes: &[Outcome], full: bool, power: f64, most: f64) -> Option<f64> {
    let groups = summarise(outcomes);
    let exact = of_way(&groups, false, full, power).filter(|exact| is_comparable(exact));
    exact.map(|exact| most * exact.loss())
}

pub(super) fn fig26(outcomes: &[Outcome]) -> Finding {
    little_loss(outcomes, true, &[0.5, 1.0], NOTHING.0, NOTHING.1)
}

pub(super) fn fig27(outcomes: &[Outcome]) -> Finding {
    little_loss(outcomes, false, &[0.5, 1.0], LITTLE.0, LITTLE.1)
}

pub(super) fn fig28(outcomes: &[Outcome]) -> Finding {
    little_loss(outcomes, true, &[1.0], NOTHING.0, NOTHING.1)
}

pub(super) fn fig29(outcomes: &[Outcome]) -> Finding {
    little_loss(outcomes, true, &[0.5], NOTHING.0, NOTHING.1)
}
