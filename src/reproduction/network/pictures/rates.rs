//! Pictures of learning rates: DAL beside fixed ones.

use super::super::differences::{LITTLE, NOTHING, bound};
use super::super::groups::dal;
use super::super::numbers::{column, percent, range, tenths};
use super::super::rates::{REASONABLE, capped};
use super::against::{of_power, powers};
use super::runs::Sheet;
use super::{
    ADAPTIVE, FIXED_AND_HALF, FIXED_AND_ONE, FULL, HALF, Keep, ONE, SMALL, across, against, loss,
    ratio,
};
use crate::experiment::plots::{Quantity, points, solid};
use crate::experiment::{Measured, Outcome};
use bea_plot::{Axis, Color, Dash, Figure, Panel, Series, Style};

fn accuracy() -> Quantity<'static> {
    let accuracy = Quantity::of("test accuracy", |run| points(run, "test_accuracy"));
    Quantity { grows: false, share: true, ..accuracy }
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
        // What is judged stands out from what it is computed of.
        for series in panel.series.iter_mut().filter(|series| series.label.starts_with("DAL")) {
            series.style = Style { color: series.style.color.pale(), width: 0.8, ..series.style };
        }
        let judged = outcomes.iter().filter(|outcome| dal(&outcome.config).is_some());
        for (i, outcome) in judged.enumerate() {
            let [steps, values] = ["step", name].map(|name| tenths(&column(outcome, name)));
            let points = steps.zip(values).map(|(x, y)| x.into_iter().zip(y).collect());
            let seed = outcome.config.seed;
            let marker = Style::of_series(usize::try_from(seed).unwrap_or_default()).marker;
            let style = Style { marker, ..solid(0) };
            let label = "DAL, median of each tenth of the run, one line per seed";
            panel.series.insert(i, Series::new(label, points.unwrap_or_default(), style));
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
        name_products(panel);
    }
    figure
}

/// The final loss up to which a difference of gradients loses little, across a panel.
fn draw_bound(panel: &mut Panel, outcomes: &[Outcome], full: bool, power: f64, most: f64) {
    let steps = panel.series.iter().flat_map(|series| &series.points).map(|point| point.0);
    let (first, last) = range(steps);
    if let Some(bound) = bound(outcomes, full, power, most) {
        let label = format!("limit for differences: {most} times the final loss of exact ∇²E ĝ");
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
    figure.panels.iter_mut().for_each(name_products);
    figure
}

/// Says of what the product is exact and the difference is.
fn name_products(panel: &mut Panel) {
    for label in panel.series.iter_mut().map(|series| &mut series.label) {
        for (variant, words) in
            [("exact", "exact ∇²E ĝ"), ("difference", "∇²E ĝ by the difference of gradients")]
        {
            if let Some(rest) = label.strip_prefix(variant) {
                *label = format!("{words}{rest}");
                break;
            }
        }
    }
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
    color_powers(&mut figure, outcomes);
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

/// A colour for each power where there is nothing but DAL, whose shades are hard to tell apart in thin lines.
fn color_powers(figure: &mut Figure, outcomes: &[Outcome]) {
    let powers = powers(outcomes);
    let shades = (0..powers.len()).map(|i| Color::of_shade(1, i, powers.len()));
    let colors: Vec<(Color, Color)> = shades.zip((0..powers.len()).map(of_power)).collect();
    let own = |color: &mut Color| {
        if let Some((_, of_power)) = colors.iter().find(|(shade, _)| shade == color) {
            *color = *of_power;
        }
    };
    for panel in &mut figure.panels {
        panel.series.iter_mut().for_each(|series| own(&mut series.style.color));
        panel.bands.iter_mut().for_each(|band| own(&mut band.color));
    }
}

/// The loss, a panel for each cap of the learning rates, and how often all rates are at it.
pub fn fig45(outcomes: &[Outcome]) -> Figure {
    let mut figure = Sheet::of(outcomes).by("cap", &[loss()]);
    for panel in &mut figure.panels {
        // What diverges would flatten the others.
        panel.y = Axis { range: None, shared: false, ..panel.y.clone() };
        let of = |outcome: &&Outcome| {
            dal(&outcome.config).is_some_and(|dal| panel.title == format!("cap {}", dal.cap))
        };
        let shares: Vec<String> = outcomes.iter().filter(of).map(|o| percent(capped(o))).collect();
        if !shares.is_empty() {
            let note = format!("all rates at the cap in {} of the steps", shares.join(", "));
            let rest = std::mem::take(&mut panel.note);
            panel.note = if rest.is_empty() { note } else { format!("{note}; {rest}") };
        }
    }
    figure
}

/// The loss, a line for each cap, with how often all rates are at it.
pub fn fig46(outcomes: &[Outcome]) -> Figure {
    let mut figure = Sheet::of(outcomes).figure(&[loss()]);
    for outcome in outcomes {
        let Some(cap) = dal(&outcome.config).map(|dal| format!("cap {}", dal.cap)) else {
            continue;
        };
        let series = figure.panels.iter_mut().flat_map(|panel| &mut panel.series);
        for series in series.filter(|series| series.label == cap) {
            let share = percent(capped(outcome));
            series.label = format!("{cap}, at which all rates are in {share} of the steps");
        }
    }
    figure
}

/// The loss, a panel for each batch size.
pub fn fig48(outcomes: &[Outcome]) -> Figure {
    Sheet::of(outcomes).by("batch", &[loss()])
}
