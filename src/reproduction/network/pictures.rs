//! The pictures of the figures about networks, in the arrangement of the paper: panels, axes, and what shares a panel.

mod against;
mod edge;
mod flows;
mod rates;
mod runs;

use super::numbers::range;
use crate::experiment::Measured;
use crate::experiment::plots::{Kind, Quantity, flow_name, points, solid};
use bea_flow::flow::FlowName;
use bea_plot::{Axis, AxisScale, Dash, Figure, Marker, Panel, Series, Style};
use runs::Chosen;

pub(super) use against::{fig8, fig17, fig21, fig22, fig33};
pub(super) use edge::{fig9, fig12, fig13, fig15, fig25, fig34, fig36};
pub(super) use flows::{fig7, fig10, fig11, fig16, fig31, fig32, fig35, fig37, fig49};
pub(super) use rates::{
    fig18, fig19, fig20, fig26, fig27, fig28, fig29, fig39, fig40, fig41, fig42, fig43, fig44,
    fig45, fig46, fig48,
};

/// `θ' - φ_h(θ)` of these flows, each with its colour.
const FLOWS: [FlowName; 3] =
    [FlowName::NegativeGradient, FlowName::ImplicitRegularization, FlowName::Principal];

/// Which runs a picture shows.
pub(super) type Keep = fn(&Chosen) -> bool;

pub(super) const EVERY: Keep = |_| true;

/// DAL.
pub(super) const ADAPTIVE: Keep = |run| run.power().is_some();

/// DAL of power 1/2.
pub(super) const HALF: Keep = |run| run.power() == Some(0.5);

/// DAL of power 1.
pub(super) const ONE: Keep = |run| run.power() == Some(1.0);

/// Fixed rates, and DAL of power 1/2.
pub(super) const FIXED_AND_HALF: Keep = |run| run.power().is_none_or(|p| p == 0.5);

/// Fixed rates, and DAL of power 1.
pub(super) const FIXED_AND_ONE: Keep = |run| run.power().is_none_or(|p| p == 1.0);

/// All examples at once.
pub(super) const FULL: Keep = |run| run.is_full();

/// Small batches.
pub(super) const SMALL: Keep = |run| !run.is_full();

/// The colours of flows that are in no figure with all of [`FLOWS`].
const POSITIVE: usize = 4;

const THIRD_ORDER: usize = 5;

/// What the flows are compared with.
const OWN: &str = "gradient descent";

fn loss() -> Quantity<'static> {
    Quantity::of("loss E", |run| points(run, "loss"))
}

fn sharpness() -> Quantity<'static> {
    let quantity = Quantity::of("sharpness λ₀", |run| points(run, "lambda_0"));
    Quantity { thresholds_from: Some(0), ..quantity }
}

/// A line for each flow, after the optimizer's own if there is a column of it.
fn of_flows(
    y: &str,
    own: Option<&'static str>,
    column: &'static str,
    flows: &[(FlowName, usize)],
) -> Quantity<'static> {
    let own_kind = own.map(|column| Kind {
        label: OWN.into(),
        style: solid(0),
        points: Box::new(move |run: &Measured| points(run, column)),
    });
    // Where a flow comes from each iterate is no path.
    let style = |hue: usize| match own {
        Some(_) => Style { marker: Some(Marker::Dot), ..solid(hue).markers() },
        None => solid(hue),
    };
    let flow = |(flow, hue): &(FlowName, usize)| {
        let name = format!("{column}_{flow}").replace(':', "_");
        Kind {
            label: match own {
                Some(_) => format!("{}, a step from each iterate", flow_name(*flow)),
                None => flow_name(*flow),
            },
            style: style(*hue),
            points: Box::new(move |run: &Measured| points(run, &name)),
        }
    };
    let kinds = own_kind.into_iter().chain(flows.iter().map(flow)).collect();
    Quantity { kinds, ..Quantity::of(y, |_| Vec::new()) }
}

/// One column divided by another.
fn ratio(y: &str, over: &'static str, under: &'static str, factor: f64) -> Quantity<'static> {
    Quantity::of(y, move |run| {
        let below = run.metrics.column(under).unwrap_or_default();
        let pairs = points(run, over).into_iter().zip(below);
        pairs.map(|((x, y), below)| (x, factor * y / below)).collect()
    })
}

/// The first panel with this vertical axis.
fn panel_of<'f>(figure: &'f mut Figure, y: &str) -> Option<&'f mut Panel> {
    figure.panels.iter_mut().find(|panel| panel.y.label == y)
}

/// A horizontal line across a panel.
fn across(panel: &mut Panel, label: impl Into<String>, y: f64, dash: Dash) {
    let (first, last) =
        range(panel.series.iter().flat_map(|series| &series.points).map(|point| point.0));
    panel.series.push(Series::new(label, vec![(first, y), (last, y)], Style::soft(dash)));
}

/// A logarithmic axis for what is positive.
fn logarithmic(label: &str) -> Axis {
    Axis { scale: AxisScale::Log, ..Axis::linear(label) }
}
