//! Flows that are followed from some iterates, and the figures about those followed for many steps: 14, 35 and 49.

use super::numbers::{below, number, range, rate, tenths};
use crate::experiment::Outcome;
use crate::reproduction::judgement::Finding;

/// Learning rates, and the iterates that flows were followed from.
pub(super) fn starts(outcomes: &[Outcome]) -> Vec<(f64, usize)> {
    let mut starts: Vec<(f64, usize)> = Vec::new();
    for outcome in outcomes {
        for from in outcome.config.follow.iter().flat_map(|follow| &follow.from) {
            if !starts.contains(&(rate(outcome), *from)) {
                starts.push((rate(outcome), *from));
            }
        }
    }
    starts
}

/// A column of the flow of this number; 0 is gradient descent.
fn along(outcomes: &[Outcome], flow: f64, column: usize) -> Vec<f64> {
    let tables = outcomes.iter().filter_map(|outcome| outcome.follow.as_ref());
    let rows = tables.flat_map(|table| &table.rows).filter(|row| row[3] == flow);
    rows.filter_map(|row| row.get(column).copied()).collect()
}

/// More than so many times the loss at the start counts as unstable.
pub(super) const UNSTABLE: f64 = 1.5;

/// The loss at the end of followed flows, against that at their start.
pub(super) fn fig35(outcomes: &[Outcome]) -> Finding {
    let (ngf, flipped) = (along(outcomes, 1.0, 5), along(outcomes, 2.0, 5));
    // A table with the start alone holds no steps.
    let steps = |losses: &[f64]| losses.len().saturating_sub(1);
    let last = |losses: &[f64]| losses.get(1..).and_then(|rest| rest.last().copied());
    let start = ngf.first().copied().unwrap_or(f64::NAN);
    let end = last(&ngf).unwrap_or(f64::NAN);
    let (_, most) = range(flipped.get(1..).unwrap_or_default().iter().copied());
    let seen = format!(
        "from a loss of {}, NGF comes to {} in {} steps; with its component along u₀ reversed, the loss comes to {} within {}",
        number(start),
        number(end),
        steps(&ngf),
        number(most),
        steps(&flipped)
    );
    let decides = format!(
        "loss {} with the reversed component; more than {UNSTABLE} times the start, {}, counts as unstable; {} along NGF, which must \
         come below the start, {}",
        number(most),
        number(UNSTABLE * start),
        number(end),
        number(start)
    );
    Finding::new(&[below(UNSTABLE * start, most), below(end, start)], seen, decides)
}

/// Distance and `λ₀` along the flow.
pub(super) fn fig49(outcomes: &[Outcome]) -> Finding {
    let distance = along(outcomes, 1.0, 4);
    let (descent, flow) = (along(outcomes, 0.0, 6), along(outcomes, 1.0, 6));
    let half = distance.len() / 2;
    let at = |values: &[f64], i: usize| values.get(i).copied().unwrap_or(f64::NAN);
    let end = distance.len().saturating_sub(1);
    let (middle, last) =
        if half < end { (at(&distance, half), at(&distance, end)) } else { (f64::NAN, f64::NAN) };
    let growing = tenths(&flow).map(|t| t.windows(2).filter(|pair| pair[0] < pair[1]).count());
    let [from, to, descent] = [at(&flow, 0), at(&flow, end), at(&descent, end)].map(number);
    let seen = format!(
        "gradient descent is {} away from NGF after {half} steps and {} after {end}; along NGF, λ₀ grows from {from} to {to}, \
         while it ends at {descent} along gradient descent",
        number(middle),
        number(last)
    );
    let growing_text = growing.map_or_else(|| number(f64::NAN), |n| n.to_string());
    let decides = format!(
        "distance {} in the end, {} in the middle; λ₀ of NGF grows from a tenth of the run to the next in \
         {growing_text} of 9 cases; it must in all, and the distance grow",
        number(last),
        number(middle)
    );
    Finding::new(&[below(middle, last), growing.map(|n| n == 9)], seen, decides)
}
