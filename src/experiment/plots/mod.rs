//! Figures of runs: what was measured against the step.

mod follow;
mod groups;
mod panels;
mod spread;
mod thresholds;
mod words;

pub(crate) use follow::quantity as followed;
pub(crate) use groups::{Facet, Groups};
pub(crate) use panels::{Kind, Quantity, share};
pub use spread::Seeds;
pub(crate) use words::{flow as flow_name, setting as setting_in_words};

use super::config::{Config, Metric};
use super::measured::{Column, Measured};
use super::run::End;
use bea_flow::flow::FlowName;
use bea_network::training::Rule;
use bea_plot::{Axis, Color, Dash, Figure, Panel, Style};
use groups::Group;

/// A panel has no more lines than this, those of the first columns.
const MOST_LINES: usize = 7;
/// Panels side by side where rows have no meaning.
const ABREAST: usize = 3;

/// All that was measured in a run: a panel for the columns that compare with one another, and one for each
/// start of flows that were followed. Without panels if there is nothing that can be drawn.
pub fn run_figure(run: &Measured) -> Figure {
    let panels = run_panels(run);
    let name = &run.config.name;
    let name = match run.label {
        label if label.is_empty() || label == name => name.clone(),
        label => format!("{name}, {label}"),
    };
    let columns = abreast(panels.len());
    Figure { title: format!("{name}{}", course(run)), panels, columns }
}

/// Runs beside one another: a panel for each quantity; then the flows that were followed. Runs that differ in their seed
/// alone are one line, their median, with a band; all rates of a rule have one colour. More lines than seven have
/// several panels, which share their axes. Without panels if there is nothing that can be drawn.
pub fn sweep_figure(runs: &[Measured], seeds: Seeds) -> Figure {
    let groups = Groups::of(runs);
    let (panels, columns) = laid_out(runs, &groups, seeds);
    let name = runs.first().map(|run| run.config.name.as_str()).unwrap_or_default();
    Figure { title: format!("{name}{}", comparison(&groups)), panels, columns }
}

/// The panels of [`sweep_figure`], each of which may stand alone.
pub(super) fn all_panels(runs: &[Measured]) -> Vec<Panel> {
    let (mut panels, _) = laid_out(runs, &Groups::of(runs), Seeds::default());
    panels.iter_mut().for_each(|panel| panel.y.shared = false);
    panels
}

fn abreast(panels: usize) -> usize {
    match panels {
        0 | 1 => 1,
        2 | 4 => 2,
        _ => ABREAST,
    }
}

/// The panels of [`run_figure`].
pub(super) fn run_panels(run: &Measured) -> Vec<Panel> {
    let alone = [*run];
    let groups = Groups::of(&alone);
    let facets = groups.facets(1);
    let columns = run.columns();
    let mut families: Vec<(&str, Vec<&Column>)> = Vec::new();
    for column in columns.iter().filter(|column| !is_angle(column)) {
        let name = words::axis_of_several(beside(run.config, column.metric));
        match families.iter_mut().find(|(known, _)| *known == name) {
            Some((_, columns)) => columns.push(column),
            None => families.push((name, vec![column])),
        }
    }
    // Eigenvalues come before what they are compared with.
    for (_, columns) in &mut families {
        columns.sort_by_key(|column| is_bound(column));
    }
    let mut panels = Vec::new();
    for (_, columns) in &families {
        let quantity = quantity(run.config, columns);
        let Some(mut panel) = quantity.panel(&groups, &facets.parts[0], Seeds::default()) else {
            continue;
        };
        let measured = columns.iter().filter(|column| !is_bound(column)).count();
        if measured > MOST_LINES {
            panel.note = format!("the first {MOST_LINES} of {measured}");
        }
        panels.push(Panel { title: String::new(), ..panel });
    }
    let followed = follow::quantities(&alone);
    panels.extend(followed.iter().filter_map(|quantity| {
        let panel = quantity.panel(&groups, &facets.parts[0], Seeds::default())?;
        Some(Panel { title: String::new(), ..panel })
    }));
    panels
}

/// The panels of several runs, and how many stand in a row.
fn laid_out(runs: &[Measured], groups: &Groups, seeds: Seeds) -> (Vec<Panel>, usize) {
    let all: Vec<Vec<Column>> = runs.iter().map(Measured::columns).collect();
    let mut families: Vec<(&str, Vec<&Column>, &Config)> = Vec::new();
    for (run, columns) in runs.iter().zip(&all) {
        for column in columns.iter().filter(|column| compares(column)) {
            let name = words::axis(column.metric);
            match families.iter_mut().find(|(known, ..)| *known == name) {
                Some((_, known, _)) if known.iter().any(|other| other.name == column.name) => {}
                Some((_, known, _)) => known.push(column),
                None => families.push((name, vec![column], run.config)),
            }
        }
    }
    let mut quantities: Vec<Quantity> =
        families.iter().map(|(_, columns, config)| quantity(config, columns)).collect();
    quantities.extend(follow::quantities(runs));
    let kinds = quantities.iter().map(|quantity| quantity.kinds.len()).max().unwrap_or(1);
    let facets = groups.facets(if kinds > 1 && groups.all.len() > 1 { 1 } else { MOST_LINES });
    let abreast =
        if facets.parts.len() > 1 { facets.parts.len() } else { abreast(quantities.len()) };
    let mut panels = Vec::new();
    for quantity in &quantities {
        let row = facets.parts.iter().map(|facet| quantity.panel(groups, facet, seeds));
        // A row without gaps, so that columns stay columns.
        let mut row: Vec<Option<Panel>> = row.collect();
        if row.iter().all(Option::is_none) {
            continue;
        }
        let empty = |facet: &Facet| Panel {
            title: facet.title.clone(),
            x: Axis::linear(quantity.x.as_str()),
            y: Axis::linear(quantity.y.as_str()),
            note: "nothing finite".into(),
            ..Panel::default()
        };
        let mut row: Vec<Panel> = row
            .iter_mut()
            .zip(&facets.parts)
            .map(|(panel, facet)| panel.take().unwrap_or_else(|| empty(facet)))
            .collect();
        share(&mut row);
        if facets.left_out > 0 {
            let shown = groups.all.len() - facets.left_out;
            row[0].note = format!("{shown} of {} settings", groups.all.len());
        }
        panels.extend(row);
    }
    (panels, abreast)
}

/// The metric whose panel a metric shares.
fn beside(config: &Config, metric: Metric) -> Metric {
    match (metric, &config.rule) {
        (Metric::Threshold, Rule::Nonlinear(_)) => Metric::Preconditioned(1),
        (Metric::Threshold, _) => Metric::Lambda(1),
        (metric, _) => metric,
    }
}

/// Whether it is a bound of the eigenvalues whose panel it shares.
fn is_bound(column: &Column) -> bool {
    column.metric == Metric::Threshold
}

/// Whether it is an angle beside an eigenvalue.
fn is_angle(column: &Column) -> bool {
    is_bound(column) && column.index == 1
}

/// Whether runs are compared by this column.
fn compares(column: &Column) -> bool {
    match column.metric {
        Metric::Lambda(_)
        | Metric::Preconditioned(_)
        | Metric::Along(_)
        | Metric::Coefficients(_)
        | Metric::Threshold
        | Metric::Eigenvalues => column.index == 0,
        _ => true,
    }
}

/// What a panel shows of columns, the first of them and the bound.
fn quantity(config: &Config, columns: &[&Column]) -> Quantity<'static> {
    let metric = columns[0].metric;
    let (bounds, measured): (Vec<&Column>, Vec<&Column>) =
        columns.iter().partition(|column| is_bound(column));
    let one = measured.iter().all(|column| {
        column.index == 0 && matches!(column.metric, Metric::Lambda(_) | Metric::FlowLambda(_))
    });
    let y = if one || columns.len() == 1 {
        words::axis(metric)
    } else {
        words::axis_of_several(metric)
    };
    let flows = flows(config);
    let kinds = measured.iter().take(MOST_LINES).chain(&bounds).map(|column| {
        let (label, style) = look(column, &flows);
        let name = column.name.to_string();
        let points = move |run: &Measured| points(run, &name);
        // A single curve needs no label: the title of the axis names it.
        let label = if columns.len() == 1 { String::new() } else { label };
        Kind { label, style, points: Box::new(points) }
    });
    Quantity {
        x: "step".into(),
        y: y.into(),
        kinds: kinds.collect(),
        grows: words::grows(metric),
        thresholds_from: (words::is_sharpness(metric) && bounds.is_empty()).then_some(0),
        own_fate: false,
        share: matches!(metric, Metric::Accuracy | Metric::TestAccuracy),
    }
}

/// A column of a run against the step; empty if there is none.
pub(crate) fn points(run: &Measured, name: &str) -> Vec<(f64, f64)> {
    let values = run.metrics.column(name).unwrap_or_default();
    run.steps().into_iter().zip(values).collect()
}

/// Label and style of a column among those of its family. The same direction, or the same flow, looks the
/// same in all panels.
fn look(column: &Column, flows: &[FlowName]) -> (String, Style) {
    let of_flow = |flow: FlowName| (words::flow(flow), solid(color(flow, flows)));
    let of_direction = |symbol: &str, i: usize| (words::indexed(symbol, i), solid(i));
    match column.metric {
        Metric::Loss | Metric::Accuracy => ("training".into(), solid(0)),
        Metric::TestLoss | Metric::TestAccuracy => {
            ("test".into(), Style { line: Some(Dash::Dashed), ..solid(0) })
        }
        Metric::FlowLoss(flow)
        | Metric::FlowLambda(flow)
        | Metric::Error(flow)
        | Metric::LossError(flow) => of_flow(flow),
        Metric::Lambda(_) | Metric::Eigenvalues => of_direction("λ", column.index),
        Metric::Preconditioned(k) if column.index == k => {
            ("stable below".into(), Style::soft(Dash::Dashed))
        }
        Metric::Preconditioned(_) => of_direction("λ", column.index),
        Metric::Threshold => ("threshold".into(), Style::soft(Dash::Dashed)),
        Metric::Along(_) => of_direction("u", column.index),
        Metric::Coefficients(_) => {
            let (label, style) = of_direction("sc", column.index / 2);
            let line =
                Some(if column.index.is_multiple_of(2) { Dash::Solid } else { Dash::Dashed });
            (label, Style { line, ..style })
        }
        Metric::Prediction => match PREDICTING.get(column.index.wrapping_sub(1)) {
            Some(flow) => of_flow(*flow),
            None => ("actual".into(), solid(0)),
        },
        Metric::SelfStabilization => {
            let labels = ["−∇S·g", "‖∇S‖²", "σ²"];
            (labels.get(column.index).copied().unwrap_or_default().into(), solid(column.index))
        }
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

pub(crate) fn solid(i: usize) -> Style {
    Style { color: Color::of_series(i), line: Some(Dash::Solid), width: 1.5, marker: None }
}

/// What became of the loss of a run, for its title.
fn course(run: &Measured) -> String {
    let losses = run.metrics.column("loss").unwrap_or_default();
    let finite: Vec<f64> = losses.into_iter().filter(|loss| loss.is_finite()).collect();
    let steps = run.steps().last().copied().unwrap_or(0.0);
    let end = match run.end {
        Some(end @ End::Diverged { .. }) => format!(", {end}"),
        _ => String::new(),
    };
    match (finite.first(), finite.last()) {
        (Some(first), Some(last)) if finite.len() > 1 => {
            let way = if last < first { "falls" } else { "goes" };
            format!(
                ": the loss {way} from {} to {} in {steps} steps{end}",
                short(*first),
                short(*last)
            )
        }
        _ => end,
    }
}

/// Which group ends with the lowest loss, for the title of a sweep, or what varies.
fn comparison(groups: &Groups) -> String {
    let runs = || groups.all.iter().flat_map(|group| &group.runs);
    let diverged = runs().filter(|run| run.runs_away()).count();
    let diverged = match diverged {
        0 => String::new(),
        n => format!("; {n} of {} runs diverged", runs().count()),
    };
    let end = |run: &Measured| {
        let losses = run.metrics.column("loss").unwrap_or_default();
        let last = losses.into_iter().rev().find(|loss| loss.is_finite());
        if run.runs_away() { f64::INFINITY } else { last.unwrap_or(f64::NAN) }
    };
    let median = |group: &Group| {
        let mut ends: Vec<f64> = group.runs.iter().map(end).filter(|end| !end.is_nan()).collect();
        ends.sort_by(f64::total_cmp);
        ends.get(ends.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
    };
    let best =
        groups.all.iter().map(|group| (median(group), group)).filter(|(loss, _)| loss.is_finite());
    match best.min_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((loss, group)) if groups.all.len() > 1 => {
            format!(
                ": the loss ends lowest with {}, at {}{diverged}",
                groups.label(group, None),
                short(loss)
            )
        }
        _ => {
            let varied = groups.varied().join("; ");
            let varied = if varied.is_empty() { varied } else { format!(": {varied}") };
            format!("{varied}{diverged}")
        }
    }
}

/// Three digits.
fn short(x: f64) -> String {
    match x.abs() {
        0.0 => "0".into(),
        size if (1e-3..1e5).contains(&size) => {
            let decimals = (2 - size.log10().floor() as i32).max(0) as usize;
            format!("{x:.decimals$}")
        }
        _ => format!("{x:.1e}"),
    }
}
