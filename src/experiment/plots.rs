//! Figures of runs: what was measured against the step.

use super::config::{Chosen, Config, Metric};
use super::measured::{Column, Measured};
use super::run::Table;
use bea_flow::flow::FlowName;
use bea_flow::flow::stability::{End, formula, stable_until};
use bea_plot::{Axis, AxisScale, Color, Dash, Figure, Panel, Series, Style};
use bea_series::exact::RationalFunction;
use bea_series::series::GeneralLinearMethod;
use std::collections::BTreeMap;

/// A panel shows no more curves than this, those of the first columns.
const MOST_CURVES: usize = 16;
/// What is positive and spans more than this factor is shown on a logarithmic axis.
const WIDE: f64 = 20.0;
/// A curve of many points is reduced to the extremes of this many stretches, about one per pixel of a panel.
const STRETCHES: usize = 330;
/// A panel ends this factor above all runs that did not diverge.
const RUNAWAY: f64 = 100.0;
/// A threshold that is more than this factor above the eigenvalues is left out.
const NEAR: f64 = 4.0;
/// Distances below this are those of rounding.
const ROUNDING: f64 = 1e-18;

/// All that was measured in a run: a panel for the columns that compare with one another, and one for each
/// start of flows that were followed.
pub fn run_figure(run: &Measured) -> Figure {
    let name = &run.config.name;
    let title = match run.label {
        label if label.is_empty() || label == name => name.clone(),
        label => format!("{name}: {label}"),
    };
    figure(title, run_panels(run))
}

/// Runs beside one another: a panel for each metric (its first column), a curve for each run; then the flows that
/// were followed.
pub fn sweep_figure(runs: &[Measured]) -> Figure {
    let title = runs.first().map(|run| run.config.name.clone());
    figure(title.unwrap_or_default(), all_panels(runs))
}

/// The panels of [`sweep_figure`].
pub(super) fn all_panels(runs: &[Measured]) -> Vec<Panel> {
    let mut panels = sweep_panels(runs);
    for run in runs {
        let Some(follow) = run.follow else { continue };
        for panel in follow_panels(run.config, follow, &flows(run.config)) {
            panels.push(Panel { title: run.label.into(), ..panel });
        }
    }
    panels
}

fn figure(title: String, panels: Vec<Panel>) -> Figure {
    let columns = match panels.len() {
        0 | 1 => 1,
        2 | 4 => 2,
        _ => 3,
    };
    Figure { title, panels, columns }
}

/// The panels of [`run_figure`].
pub(super) fn run_panels(run: &Measured) -> Vec<Panel> {
    let (steps, flows) = (run.steps(), flows(run.config));
    let columns = run.columns();
    let mut families: Vec<(&str, Vec<&Column>)> = Vec::new();
    for column in &columns {
        let name = family(column.metric);
        match families.iter_mut().find(|(known, _)| *known == name) {
            Some((_, columns)) => columns.push(column),
            None => families.push((name, vec![column])),
        }
    }
    let mut panels = Vec::new();
    for (name, columns) in families {
        let shown = &columns[..columns.len().min(MOST_CURVES)];
        let mut series: Vec<Series> = shown
            .iter()
            .map(|column| {
                let (label, style) = look(column, &flows);
                // A single curve needs no label: the title of the axis names it.
                let alone = columns.len() == 1 && plain_name(column.metric);
                curve(if alone { String::new() } else { label }, style, &steps, column)
            })
            .collect();
        if is_sharpness(columns[0].metric) {
            series.extend(thresholds(run.config, &steps, greatest(&series)));
        }
        let mut panel = panel(name, "step", series);
        if shown.len() < columns.len() {
            panel.title = format!("the first {} of {}", shown.len(), columns.len());
        }
        panels.push(panel);
    }
    if let Some(follow) = run.follow {
        panels.extend(follow_panels(run.config, follow, &flows));
    }
    panels
}

/// A panel for each metric.
fn sweep_panels(runs: &[Measured]) -> Vec<Panel> {
    let mut metrics: Vec<Metric> = Vec::new();
    for metric in runs.iter().flat_map(|run| &run.config.metrics) {
        if !metrics.contains(metric) {
            metrics.push(*metric);
        }
    }
    let of_runs: Vec<(Vec<f64>, Vec<Column>)> =
        runs.iter().map(|run| (run.steps(), run.columns())).collect();
    let mut panels = Vec::new();
    for metric in metrics {
        let (mut series, mut bounds, mut steady) = (Vec::new(), Vec::new(), Vec::new());
        let mut name = None;
        for (i, (run, (steps, columns))) in runs.iter().zip(&of_runs).enumerate() {
            let first = columns.iter().find(|column| column.metric == metric);
            let Some(column) = first else { continue };
            name.get_or_insert(column.name);
            if !run.diverged() {
                steady.extend(column.values.iter().filter(|x| x.is_finite()));
            }
            let style = of_run(i);
            if is_sharpness(metric) {
                let own = thresholds(run.config, steps, f64::INFINITY).into_iter().next();
                bounds.extend(own.map(|bound| (bound, style)));
            }
            series.push(curve(run.label.into(), style, steps, column));
        }
        let Some(name) = name else { continue };
        let shared = bounds.windows(2).all(|pair| pair[0].0.points == pair[1].0.points);
        let top = NEAR * greatest(&series);
        for (mut bound, style) in bounds.into_iter().take(if shared { 1 } else { usize::MAX }) {
            if !shared {
                // Each in the colour of its run.
                bound.label = String::new();
                bound.style = Style { color: style.color, width: 0.8, ..bound.style };
            }
            if bound.points.iter().any(|point| point.1 <= top) {
                steady.extend(bound.points.iter().map(|point| point.1));
                series.push(bound);
            }
        }
        let label = match family(metric) {
            family if plain_name(metric) => family.to_string(),
            family => format!("{family}: {name}"),
        };
        let mut panel = panel(&label, "step", series);
        panel.y.range = bounded(&panel, &steady);
        panels.push(panel);
    }
    panels
}

/// Distance, loss and sharpness of flows along the steps after each start.
fn follow_panels(config: &Config, table: &Table, flows: &[FlowName]) -> Vec<Panel> {
    let (Some(follow), Some(from)) = (&config.follow, table.column("from")) else {
        return Vec::new();
    };
    let (Some(step), Some(number)) = (table.column("step"), table.column("flow")) else {
        return Vec::new();
    };
    let mut starts = from.clone();
    starts.sort_by(f64::total_cmp);
    starts.dedup();
    let mut panels = Vec::new();
    let quantities = [
        ("distance", "distance to gradient descent"),
        ("loss", "loss"),
        ("lambda_0", "largest eigenvalue λ₀"),
    ];
    for start in starts {
        for (column, name) in quantities {
            let Some(values) = table.column(column) else { continue };
            let distances = column == "distance";
            let mut series = Vec::new();
            for which in usize::from(distances)..=follow.flows.len() {
                let (label, style) = match which.checked_sub(1).map(|i| follow.flows[i]) {
                    None => ("gd".to_string(), solid(0)),
                    Some(flow) => (flow.to_string(), solid(color(flow, flows))),
                };
                let rows = (0..values.len())
                    .filter(|&row| from[row] == start && number[row] == which as f64);
                let rounding = |x: f64| if distances && x <= ROUNDING { f64::NAN } else { x };
                let points: Vec<_> = rows.map(|row| (step[row], rounding(values[row]))).collect();
                if points.len() > 1 {
                    series.push(Series::new(label, thin(&points), style));
                }
            }
            if column == "lambda_0" {
                let schedule = config.rule.schedule();
                let h = schedule.map_or(f64::NAN, |schedule| schedule.at(start as usize));
                let ends = [0.0, follow.steps as f64];
                let points: Vec<_> = ends.iter().map(|t| (*t, 2.0 / h)).collect();
                if points[0].1 <= NEAR * greatest(&series) {
                    series.push(Series::new("2/h", points, Style::soft(Dash::Dashed)));
                }
            }
            if !series.is_empty() {
                let x = format!("steps after iterate {start}");
                panels.push(panel(name, &x, series));
            }
        }
    }
    panels
}

fn panel(name: &str, x: &str, series: Vec<Series>) -> Panel {
    let values = series.iter().flat_map(|curve| &curve.points).map(|point| point.1);
    let (low, high) = extent(values);
    let scale = if low > 0.0 && high > WIDE * low { AxisScale::Log } else { AxisScale::Linear };
    let y = Axis { label: name.into(), scale, ..Axis::default() };
    Panel { x: Axis::linear(x), y, series, ..Panel::default() }
}

/// A range for a panel that is not stretched by runs that diverge. `None` where everything fits.
fn bounded(panel: &Panel, steady: &[f64]) -> Option<(f64, f64)> {
    let values = panel.series.iter().flat_map(|curve| &curve.points).map(|point| point.1);
    let ((low, high), (least, greatest)) = (extent(values), extent(steady.iter().copied()));
    if least > greatest {
        return None;
    }
    let (bottom, top) = match panel.y.scale {
        AxisScale::Log => (least / RUNAWAY, RUNAWAY * greatest),
        AxisScale::Linear => {
            let room = (greatest - least).max(0.5 * greatest.abs()).max(1e-12);
            (least - room, greatest + room)
        }
    };
    (low < bottom || high > top).then_some((low.max(bottom), high.min(top)))
}

/// The least and the greatest finite number; `(∞, -∞)` if there is none.
fn extent(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values
        .filter(|x| x.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)))
}

fn greatest(series: &[Series]) -> f64 {
    extent(series.iter().flat_map(|curve| &curve.points).map(|point| point.1)).1
}

fn curve(label: String, style: Style, steps: &[f64], column: &Column) -> Series {
    let points: Vec<_> = steps.iter().copied().zip(column.values.iter().copied()).collect();
    Series::new(label, thin(&points), style)
}

/// The eigenvalues at which steps of a size that is known stop being stable on a parabola, `2/h` for gradient
/// descent and `2(1+m)/h` for the heavy ball, and for gradient descent those above which it oscillates,
/// `1/h`. Those far above `largest` are left out.
fn thresholds(config: &Config, steps: &[f64], largest: f64) -> Vec<Series> {
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

/// A curve with fewer points that looks the same: the least and the greatest of each of [`STRETCHES`] stretches
/// of equally many points, and both ends. A stretch without a finite point remains a gap.
fn thin(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    if points.len() <= 2 * STRETCHES {
        return points.to_vec();
    }
    let length = points.len().div_ceil(STRETCHES);
    let mut kept = vec![0, points.len() - 1];
    for (number, stretch) in points.chunks(length).enumerate() {
        let finite = || (0..stretch.len()).filter(|&i| stretch[i].1.is_finite());
        let order = |i: &usize, j: &usize| stretch[*i].1.total_cmp(&stretch[*j].1);
        let least = finite().min_by(order).unwrap_or(0);
        let greatest = finite().max_by(order).unwrap_or(0);
        kept.extend([number * length + least, number * length + greatest]);
    }
    kept.sort_unstable();
    kept.dedup();
    kept.into_iter().map(|i| points[i]).collect()
}

/// The quantity that a metric shares a panel with: the title of the vertical axis.
fn family(metric: Metric) -> &'static str {
    match metric {
        Metric::Loss | Metric::TestLoss | Metric::FlowLoss(_) => "loss",
        Metric::Accuracy | Metric::TestAccuracy => "accuracy",
        Metric::GradientNorm => "gradient norm ‖g‖",
        Metric::LearningRate => "learning rate h",
        Metric::UpdateNorm => "length of a step",
        Metric::RelativeProgress => "relative progress",
        Metric::Lambda(_) => "largest eigenvalues λᵢ",
        Metric::FlowLambda(_) => "λ₀ after a step of a flow",
        Metric::Eigenvalues => "eigenvalues",
        Metric::Coefficients(_) => "stability coefficients (dashed: imaginary)",
        Metric::Along(_) => "|g·uᵢ|",
        Metric::HessianGradient => "‖Hg‖",
        Metric::Drift | Metric::DriftEstimate => "drift",
        Metric::ThirdOrder => "h²/12 ‖∇³E[g, g]‖",
        Metric::Prediction => "∇E(θ')·u₀",
        Metric::Error(_) => "distance to a flow after a step",
        Metric::LossError(_) => "loss minus that of a flow after a step",
    }
}

/// Whether the family's name says which metric it is.
fn plain_name(metric: Metric) -> bool {
    matches!(
        metric,
        Metric::Loss
            | Metric::Accuracy
            | Metric::GradientNorm
            | Metric::LearningRate
            | Metric::UpdateNorm
            | Metric::RelativeProgress
            | Metric::HessianGradient
            | Metric::Drift
            | Metric::ThirdOrder
    )
}

fn is_sharpness(metric: Metric) -> bool {
    matches!(metric, Metric::Lambda(_) | Metric::FlowLambda(_))
}

/// Label and style of a column among those of its family. The same direction, or the same flow, looks the
/// same in all panels.
fn look(column: &Column, flows: &[FlowName]) -> (String, Style) {
    let of_flow = |flow: FlowName| (flow.to_string(), solid(color(flow, flows)));
    let of_direction = |i: usize| (format!("i = {i}"), solid(i));
    match column.metric {
        Metric::Loss | Metric::Accuracy => ("training".into(), solid(0)),
        Metric::TestLoss | Metric::TestAccuracy => {
            ("test".into(), Style { line: Some(Dash::Dashed), ..solid(0) })
        }
        Metric::FlowLoss(flow)
        | Metric::FlowLambda(flow)
        | Metric::Error(flow)
        | Metric::LossError(flow) => of_flow(flow),
        Metric::Lambda(_) | Metric::Along(_) | Metric::Eigenvalues => of_direction(column.index),
        Metric::Coefficients(_) => {
            let (label, style) = of_direction(column.index / 2);
            let line =
                Some(if column.index.is_multiple_of(2) { Dash::Solid } else { Dash::Dashed });
            (label, Style { line, ..style })
        }
        Metric::Prediction => match PREDICTING.get(column.index.wrapping_sub(1)) {
            Some(flow) => of_flow(*flow),
            None => ("actual".into(), solid(0)),
        },
        Metric::DriftEstimate => ("h²/2 ‖Hg‖".into(), solid(1)),
        metric => (metric.to_string(), solid(0)),
    }
}

/// The flows of [`Metric::Prediction`], in the order of its columns.
const PREDICTING: [FlowName; 3] =
    [FlowName::NegativeGradient, FlowName::ImplicitRegularization, FlowName::Principal];

/// All flows that a run is compared with.
fn flows(config: &Config) -> Vec<FlowName> {
    let of_metric = |metric: &Metric| match metric {
        Metric::Prediction => PREDICTING.to_vec(),
        Metric::Error(flow)
        | Metric::LossError(flow)
        | Metric::FlowLoss(flow)
        | Metric::FlowLambda(flow) => vec![*flow],
        _ => Vec::new(),
    };
    let followed = config.follow.iter().flat_map(|follow| follow.flows.clone());
    let mut flows: Vec<FlowName> = Vec::new();
    for flow in config.metrics.iter().flat_map(of_metric).chain(followed) {
        if !flows.contains(&flow) {
            flows.push(flow);
        }
    }
    flows
}

/// Black is gradient descent.
fn color(flow: FlowName, flows: &[FlowName]) -> usize {
    1 + flows.iter().position(|known| *known == flow).unwrap_or(0)
}

fn solid(i: usize) -> Style {
    Style { color: Color::of_series(i), line: Some(Dash::Solid), width: 1.5, marker: None }
}

/// Curves differ in colour, and in dashes once the colours are used up: dashes are hard to see on noisy curves.
fn of_run(i: usize) -> Style {
    const DASHES: [Dash; 4] = [Dash::Solid, Dash::Dashed, Dash::Dotted, Dash::DashDotted];
    Style { line: Some(DASHES[i / 8 % DASHES.len()]), width: 1.2, ..solid(i) }
}
