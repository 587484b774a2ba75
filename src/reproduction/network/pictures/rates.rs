//! Pictures of learning rates: DAL beside fixed ones.

use super::super::differences::{LITTLE, NOTHING, bound};
use super::super::groups::dal;
use super::super::numbers::{column, range, tenths};
use super::super::rates::REASONABLE;
use super::runs::Sheet;
use super::{
    ADAPTIVE, FIXED_AND_HALF, FIXED_AND_ONE, FULL, HALF, Keep, ONE, SMALL, across, against, loss,
    ratio,
};
use crate::experiment::plots::{Quantity, points, solid};
use crate::experiment::{Measured, Outcome};
use bea_plot::{Dash, Figure, Marker, Panel, Series, Style};

fn accuracy() -> Quantity<'static> {
    Quantity { grows: false, ..Quantity::of("test accuracy", |run| points(run, "test_accuracy")) }
}

/// How often the loss has increased from one measurement to the next.
fn increases() -> Quantity<'static> {
    let points = |run: &Measured| {
        let (mut count, mut before) = (0.0, f64::NAN);
        let finite = points(run, "loss").into_iter().filter(|point| point.1.is_finite());
        let counted = finite.map(|(step, loss)| {
            count += f64::from(u8::from(loss > before));
            before = loss;
            (step, count)
        });
        counted.collect()
    };
    Quantity { grows: false, ..Quantity::of("increases of the loss so far", points) }
}

fn learning_rate() -> Quantity<'static> {
    Quantity { grows: false, ..Quantity::of("learning rate h", |run| points(run, "learning_rate")) }
}

/// The loss, and how often it has increased.
pub fn fig18(outcomes: &[Outcome]) -> Figure {
    Sheet::of(outcomes).figure(&[loss(), increases()])
}

pub fn fig19(outcomes: &[Outcome]) -> Figure {
    let update =
        Quantity::of("norm of the update ‖θ' − θ‖", |run| points(run, "update_norm"));
    let mut figure = Sheet::of(outcomes).figure(&[learning_rate(), update]);
    for (panel, name) in figure.panels.iter_mut().zip(["learning_rate", "update_norm"]) {
        for outcome in outcomes.iter().filter(|outcome| dal(&outcome.config).is_some()) {
            let [steps, values] = ["step", name].map(|name| tenths(&column(outcome, name)));
            let points = steps.zip(values).map(|(x, y)| x.into_iter().zip(y).collect());
            let style = Style { marker: Some(Marker::Dot), ..solid(0) };
            let label = "DAL, median of each tenth of the run, one line per seed";
            panel.series.insert(0, Series::new(label, points.unwrap_or_default(), style));
        }
    }
    figure
}

/// DAL-0.5 beside the fixed rates.
pub fn fig20(outcomes: &[Outcome]) -> Figure {
    Sheet::only(outcomes, FIXED_AND_HALF).figure(&[loss(), accuracy()])
}

/// DAL with the exact product and with a difference, a panel for each power.
fn by_difference(outcomes: &[Outcome], full: bool, most: f64) -> Figure {
    let mut figure = Sheet::only(outcomes, if full { FULL } else { SMALL }).by("p", &[loss()]);
    for panel in &mut figure.panels {
        if let Some(power) = panel.title.strip_prefix("p = ").and_then(|p| p.parse().ok()) {
            draw_bound(panel, outcomes, full, power, most);
        }
    }
    figure
}

/// The final loss up to which a difference of gradients loses little, across a panel.
fn draw_bound(panel: &mut Panel, outcomes: &[Outcome], full: bool, power: f64, most: f64) {
    let steps = panel.series.iter().flat_map(|series| &series.points).map(|point| point.0);
    let (first, last) = range(steps);
    if let Some(bound) = bound(outcomes, full, power, most) {
        let label =
            format!("{most} times the exact loss at the end, up to which the other may end");
        let line = vec![(first, bound), (last, bound)];
        panel.series.push(Series::new(label, line, Style::soft(Dash::Dashed)));
    }
}

pub fn fig26(outcomes: &[Outcome]) -> Figure {
    by_difference(outcomes, true, NOTHING.0)
}

pub fn fig27(outcomes: &[Outcome]) -> Figure {
    by_difference(outcomes, false, LITTLE.0)
}

/// The same for one power, with the learning rates that it leads to.
pub fn fig28(outcomes: &[Outcome]) -> Figure {
    of_one_power(outcomes, ONE, 1.0)
}

pub fn fig29(outcomes: &[Outcome]) -> Figure {
    of_one_power(outcomes, HALF, 0.5)
}

fn of_one_power(outcomes: &[Outcome], keep: Keep, power: f64) -> Figure {
    let mut figure = Sheet::only(outcomes, keep).figure(&[loss(), learning_rate()]);
    if let Some(panel) = figure.panels.first_mut() {
        draw_bound(panel, outcomes, true, power, NOTHING.0);
    }
    figure
}

/// The learning rate that DAL would take.
pub fn fig39(outcomes: &[Outcome]) -> Figure {
    let mut figure = Sheet::of(outcomes).figure(&[ratio("2/‖∇²E ĝ‖", "gradient_norm", "hg", 2.0)]);
    if let Some(panel) = figure.panels.first_mut() {
        let [least, most] = REASONABLE;
        across(panel, format!("{most}, below which the median must be"), most, Dash::Dashed);
        across(panel, format!("{least}, above which all must be"), least, Dash::Dotted);
    }
    figure
}

/// Test accuracy, loss and learning rate, a column for each batch size.
pub fn fig40(outcomes: &[Outcome]) -> Figure {
    Sheet::of(outcomes).by("batch", &[accuracy(), loss(), increases(), learning_rate()])
}

pub fn fig41(outcomes: &[Outcome]) -> Figure {
    Sheet::only(outcomes, FIXED_AND_ONE).by("batch", &[loss()])
}

pub fn fig42(outcomes: &[Outcome]) -> Figure {
    Sheet::only(outcomes, FIXED_AND_HALF).by("batch", &[loss()])
}

/// Learning rate, loss and test accuracy of DAL alone, and the mean learning rates.
pub fn fig43(outcomes: &[Outcome]) -> Figure {
    let mut figure = Sheet::only(outcomes, ADAPTIVE).figure(&[learning_rate(), loss(), accuracy()]);
    if figure.panels.len() == 3 {
        figure.panels.push(against::mean_rates(outcomes));
        figure.columns = 2;
    }
    figure
}

/// The loss alone.
pub fn fig44(outcomes: &[Outcome]) -> Figure {
    Sheet::of(outcomes).figure(&[loss()])
}

/// The loss, a panel for each cap of the learning rates.
pub fn fig45(outcomes: &[Outcome]) -> Figure {
    Sheet::of(outcomes).by("cap", &[loss()])
}

/// The loss, a panel for each batch size.
pub fn fig48(outcomes: &[Outcome]) -> Figure {
    Sheet::of(outcomes).by("batch", &[loss()])
}
