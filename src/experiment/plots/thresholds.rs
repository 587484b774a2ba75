//! The eigenvalues at which steps stop being stable.

use super::super::config::{Chosen, Config};
use bea_flow::flow::stability::{End, formula, stable_until};
use bea_plot::{Dash, Series, Style};
use bea_series::exact::RationalFunction;
use bea_series::series::GeneralLinearMethod;
use std::collections::BTreeMap;

/// A threshold that is more than this factor above the eigenvalues is left out.
pub const NEAR: f64 = 4.0;

/// The eigenvalues at which steps of a size that is known stop being stable on a parabola, `2/h` for gradient
/// descent and `2(1+m)/h` for the heavy ball, and for gradient descent those above which it oscillates,
/// `1/h`. Those far above `largest` are left out.
pub fn thresholds(config: &Config, steps: &[f64], largest: f64) -> Vec<Series> {
    let Some(Ok(method)) = config.optimizer.as_ref().map(Chosen::method) else { return Vec::new() };
    let end = stable_until(&method);
    let mut factors: Vec<(String, f64)> =
        end.into_iter().map(|end| (threshold(config, &end), end.value)).collect();
    if method == GeneralLinearMethod::euler() {
        factors.push(("1/h".into(), 1.0));
    }
    let Some(schedule) = config.rule.schedule() else { return Vec::new() };
    let dashes = [Dash::Dashed, Dash::Dotted];
    let lines = factors.into_iter().zip(dashes).map(|((label, factor), dash)| {
        let points: Vec<_> =
            steps.iter().map(|step| (*step, factor / schedule.at(*step as usize))).collect();
        Series::new(label, corners(&points), Style::soft(dash))
    });
    lines.filter(|line| line.points.iter().any(|point| point.1 <= NEAR * largest)).collect()
}

/// An end in `hλ` of an interval of stability as a bound of `λ`: a formula in the optimizer's parameters,
/// if there is one, or a number.
fn threshold(config: &Config, end: &End) -> String {
    let known = config.optimizer.as_ref().and_then(|Chosen { optimizer, values, .. }| {
        let symbolic = optimizer.method(&BTreeMap::new()).ok()?;
        let values: Option<Vec<_>> =
            optimizer.parameters.iter().map(|name| values.get(name).cloned()).collect();
        let h = RationalFunction::variable(optimizer.parameters.len());
        let bound = formula(&symbolic, &values?, end)?.divide(&h)?;
        let names = [optimizer.parameters.clone(), vec!["h".into()]].concat();
        Some(bound.display(&names).replace('*', ""))
    });
    let integer =
        || end.exact.as_ref().filter(|exact| exact.is_integer()).map(|n| format!("{n}/h"));
    known.or_else(integer).unwrap_or_else(|| format!("{:.3}/h", end.value))
}

/// The points of a piecewise constant line where it starts, ends or jumps.
fn corners(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let needed = |i: usize| {
        let same = |j: usize| points.get(j).is_some_and(|point| point.1 == points[i].1);
        i == 0 || !same(i - 1) || !same(i + 1)
    };
    (0..points.len()).filter(|&i| needed(i)).map(|i| points[i]).collect()
}
