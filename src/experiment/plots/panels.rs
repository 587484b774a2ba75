//! Panels of lines: what is compared, on axes that hold what does not diverge.

use super::super::measured::Measured;
use super::groups::{Facet, Group, Groups};
use super::spread::{Curve, Drawn, Line, Seeds, THIN, apart, band};
use super::thresholds::{NEAR, thresholds};
use bea_plot::{Axis, AxisScale, Color, Dash, Panel, Series, Style};

/// What is positive and spans more than this factor is shown on a logarithmic axis.
const WIDE: f64 = 20.0;
/// The room beyond the outermost points, as a part of the axis.
const ROOM: f64 = 0.04;
/// A logarithmic axis ends this factor beyond all runs that did not diverge.
const RUNAWAY: f64 = 10.0;

/// What a panel shows of runs.
pub struct Quantity<'q> {
    /// The title of the horizontal axis.
    pub x: String,
    /// The title of the vertical axis.
    pub y: String,
    /// Several, of which each run has a line, or one, by which runs are compared.
    pub kinds: Vec<Kind<'q>>,
    /// Whether what diverges has no bound above.
    pub grows: bool,
    /// Of eigenvalues, which the learning rate bounds: the step at which the horizontal axis starts.
    pub thresholds_from: Option<usize>,
    /// Whether a curve has a fate of its own, and that of the run beside it does not matter: of flows that are followed.
    pub own_fate: bool,
    /// Whether it is a share, from 0 to 1, whose axis is linear.
    pub share: bool,
}

/// The points of a run.
pub type Points<'q> = Box<dyn Fn(&Measured) -> Vec<(f64, f64)> + 'q>;

/// A line of a run.
pub struct Kind<'q> {
    /// What it is called beside the others.
    pub label: String,
    pub style: Style,
    /// Its points.
    pub points: Points<'q>,
}

impl<'q> Quantity<'q> {
    /// One line a run, against the step.
    pub fn of(
        y: impl Into<String>,
        points: impl Fn(&Measured) -> Vec<(f64, f64)> + 'q,
    ) -> Quantity<'q> {
        let style = Style::of_series(0).line();
        let kind = Kind { label: String::new(), style, points: Box::new(points) };
        Quantity {
            x: "step".into(),
            y: y.into(),
            kinds: vec![kind],
            grows: true,
            thresholds_from: None,
            own_fate: false,
            share: false,
        }
    }

    /// The panel of the groups of a facet; `None` if they have nothing that can be drawn.
    pub fn panel(&self, groups: &Groups, facet: &Facet, seeds: Seeds) -> Option<Panel> {
        let mut panel = Panel { title: facet.title.clone(), ..Panel::default() };
        let (mut below, mut steady, mut bounds) = (Vec::new(), Vec::new(), Vec::new());
        let (mut diverged, mut most, mut notes) = (0, 0, Vec::new());
        // Where the curves that diverge end, what the legend calls them, and whether others are single seeds, too.
        let (mut ends, mut away_label, mut single) = (Vec::new(), None, false);
        let mut has_band = false;
        for (at, group) in facet.groups.iter().enumerate() {
            most = most.max(group.runs.len());
            let runs_away = |run: &Measured| !self.own_fate && run.runs_away();
            let away = group.runs.iter().filter(|run| runs_away(run)).count();
            diverged += away;
            for kind in &self.kinds {
                let (label, mut style) = self.look(kind, groups, facet, at);
                let curve = |run: &Measured| {
                    let (points, escapes) = ((kind.points)(run), self.grows && run.diverged());
                    let curve = Curve { points, escapes, diverged: runs_away(run) };
                    Curve { diverged: curve.diverged || curve.ended(), ..curve }
                };
                let curves: Vec<Curve> = group.runs.iter().map(curve).collect();
                for curve in curves.iter().filter(|curve| !curve.diverged) {
                    steady
                        .extend(curve.points.iter().map(|point| point.1).filter(|y| y.is_finite()));
                }
                let ended = curves.iter().filter(|curve| curve.ended()).count();
                if ended > 0 {
                    notes.push(format!("{label} ended in {ended} of {}", group.runs.len()));
                }
                // Beside other runs, one that diverges is dotted, as one of several seeds is.
                if let ([Curve { diverged: true, .. }], true) = (&curves[..], groups.all.len() > 1)
                    && self.kinds.len() == 1
                    && ended == 0
                {
                    style.line = Some(Dash::Dotted);
                    away_label = Some("diverged".into());
                    ends.extend(curves[0].points.last().map(|point| point.1));
                }
                let sampled = group.runs.iter().any(|run| run.config.every > 1);
                let line = Line { label, style, curves, sampled };
                let several = line.curves.len() > 1;
                let is_drawn = |curve: &Curve| curve.points.iter().any(|point| point.1.is_finite());
                let away = line.curves.iter().filter(|curve| curve.diverged && several);
                for curve in away.filter(|curve| is_drawn(curve)) {
                    let what = if curve.ended() { "ended early" } else { "diverged" };
                    away_label = Some(format!("{what}, one line per seed"));
                    ends.extend(curve.points.last().map(|point| point.1));
                }
                single |= !line.has_median(seeds) && line.curves.iter().any(|c| !c.diverged);
                let drawn: Drawn = line.drawn(seeds);
                let seen = |series: &Series| series.points.iter().any(|point| point.1.is_finite());
                if !drawn.lines.iter().chain(&drawn.below).any(seen) {
                    continue;
                }
                panel.series.extend(drawn.lines);
                below.extend(drawn.below);
                has_band |= drawn.band.is_some();
                panel.bands.extend(drawn.band);
            }
            if let (Some(start), Some(run)) = (self.thresholds_from, group.runs.first()) {
                let style = self.look(&self.kinds[0], groups, facet, at).1;
                bounds.push((self.thresholds(run, start), style));
            }
        }
        if panel.series.is_empty() {
            return None;
        }
        let top = NEAR * greatest(&panel.series);
        let lines = self.bounds(bounds).into_iter();
        let lines =
            lines.filter(|line| line.points.iter().any(|point| point.1 <= top)).collect::<Vec<_>>();
        steady.extend(lines.iter().flat_map(|line| &line.points).map(|point| point.1));
        if let Some(label) =
            lines.iter().find(|line| !line.label.is_empty() && line.style.color != Color::SOFT)
        {
            // The legend says once what the dashed lines of all colours are.
            panel.series.push(Series::new(
                format!("{} of each", label.label),
                Vec::new(),
                Style::soft(Dash::Dashed),
            ));
        }
        panel.series.extend(lines.into_iter().map(|line| {
            let own = line.style.color != Color::SOFT;
            Series { label: if own { String::new() } else { line.label.clone() }, ..line }
        }));
        panel.series.extend(below);
        let entry = |label: String, style: Style| Series::new(label, Vec::new(), style);
        let thick = Style { line: Some(Dash::Solid), width: 1.8, ..apart(Color::SOFT) };
        if most > 1 && seeds == Seeds::All {
            panel
                .series
                .push(entry(format!("thick: median of {most} seeds, thin: each of them"), thick));
        }
        panel.bands.extend(has_band.then(|| band(most)));
        if let Some(label) = away_label {
            panel.series.push(entry(label, apart(Color::SOFT)));
        }
        if single {
            let label =
                "thin: one line per seed, without a median, where others diverged or ended early";
            panel.series.push(entry(label.into(), Style { width: THIN, ..thick }));
        }
        (panel.exits, panel.spaced) = (true, true);
        if diverged > 0 {
            let all: usize = facet.groups.iter().map(|group| group.runs.len()).sum();
            notes.push(format!("{diverged} of {all} runs diverged"));
        }
        panel.note = notes.join(", ");
        self.axes(&mut panel, &steady, &ends);
        Some(panel)
    }

    /// The thresholds of a run along the horizontal axis.
    fn thresholds(&self, run: &Measured, start: usize) -> Vec<Series> {
        let mut steps: Vec<f64> = self
            .kinds
            .iter()
            .flat_map(|kind| (kind.points)(run))
            .map(|point| point.0 + start as f64)
            .collect();
        steps.sort_by(f64::total_cmp);
        steps.dedup();
        let mut lines = thresholds(run.config, &steps, f64::INFINITY);
        lines
            .iter_mut()
            .flat_map(|line| &mut line.points)
            .for_each(|point| point.0 -= start as f64);
        lines
    }

    /// Label and look of a line among those of its panel.
    fn look(&self, kind: &Kind, groups: &Groups, facet: &Facet, at: usize) -> (String, Style) {
        let (group, apart): (&Group, _) = (facet.groups[at], facet.apart.as_deref());
        match (self.kinds.len(), facet.groups.len()) {
            (1, 1) if groups.all.len() == 1 => (kind.label.clone(), kind.style),
            (1, _) => (groups.label(group, apart), groups.style(group, apart)),
            (_, 1) => (kind.label.clone(), kind.style),
            _ => {
                const DASHES: [Dash; 4] =
                    [Dash::Solid, Dash::Dashed, Dash::DashDotted, Dash::Dotted];
                let label = format!("{}, {}", kind.label, groups.label(group, apart));
                (label, Style { line: Some(DASHES[at % DASHES.len()]), ..kind.style })
            }
        }
    }

    /// The thresholds of all groups where they are the same, and otherwise the first one of each in its colour: without a mark,
    /// since nothing was measured there.
    fn bounds(&self, bounds: Vec<(Vec<Series>, Style)>) -> Vec<Series> {
        let first = |bounds: &(Vec<Series>, _)| {
            bounds.0.first().map(|line| line.points.first().map(|point| point.1))
        };
        if bounds.windows(2).all(|pair| first(&pair[0]) == first(&pair[1])) {
            return bounds.into_iter().next().map(|(lines, _)| lines).unwrap_or_default();
        }
        let own = bounds
            .into_iter()
            .filter_map(|(lines, style)| Some((lines.into_iter().next()?, style)));
        own.map(|(line, Style { color, .. })| Series {
            style: Style { color, width: 0.9, ..line.style },
            ..line
        })
        .collect()
    }

    /// Scales, and a range that is not stretched by runs that diverge, but holds where they end if that is not far.
    fn axes(&self, panel: &mut Panel, steady: &[f64], ends: &[f64]) {
        let values = || {
            let bands = panel
                .bands
                .iter()
                .flat_map(|band| &band.points)
                .flat_map(|point| [point.1, point.2]);
            panel.series.iter().flat_map(|series| &series.points).map(|point| point.1).chain(bands)
        };
        let (low, high) = extent(values());
        let is_wide = low > 0.0 && high > WIDE * low && !self.share;
        let scale = if is_wide { AxisScale::Log } else { AxisScale::Linear };
        let range = bounded((low, high), extent(steady.iter().copied()), ends, scale);
        panel.y = Axis { scale, range, ..Axis::linear(self.y.as_str()) };
        panel.x = Axis { whole: true, ..Axis::linear(self.x.as_str()) };
    }
}

/// The range of a panel that holds `all`, but not what is far beyond the steady runs. `None` where everything fits.
fn bounded(
    (low, high): (f64, f64),
    (least, most): (f64, f64),
    ends: &[f64],
    scale: AxisScale,
) -> Option<(f64, f64)> {
    if least > most {
        return None;
    }
    let (bottom, top) = match scale {
        AxisScale::Log => {
            let near = ends.iter().map(|end| 1.2 * end).filter(|end| *end < RUNAWAY.powi(2) * most);
            (least / RUNAWAY, near.fold(RUNAWAY * most, f64::max))
        }
        _ => {
            let room = (most - least).max(0.5 * most.abs()).max(1e-12);
            (least - room, most + room)
        }
    };
    // What is not cut has the usual room.
    let logarithmic = scale == AxisScale::Log;
    let reach = |x: f64| if logarithmic { x.log10() } else { x };
    let rest = |x: f64| if logarithmic { 10f64.powf(x) } else { x };
    let (from, to) = (reach(low.max(bottom)), reach(high.min(top)));
    let room = ROOM * (to - from);
    let from = if low < bottom { from } else { from - room };
    let to = if high > top { to } else { to + room };
    (low < bottom || high > top).then(|| (rest(from), rest(to)))
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

/// Gives the panels of a row the same vertical axis, whose numbers stand on its left.
pub fn share(row: &mut [Panel]) {
    if row.len() < 2 {
        return;
    }
    let reach = |panel: &Panel| {
        let bands =
            panel.bands.iter().flat_map(|band| &band.points).flat_map(|point| [point.1, point.2]);
        extent(
            panel.series.iter().flat_map(|series| &series.points).map(|point| point.1).chain(bands),
        )
    };
    let log = row.iter().any(|panel| panel.y.scale == AxisScale::Log)
        && row.iter().all(|panel| reach(panel).0 > 0.0);
    let ends = |panel: &Panel| {
        let (least, most) = reach(panel);
        let (low, high) = panel.y.range.unwrap_or((least, most));
        (if log { low.max(least) } else { low }, high)
    };
    let both = |(low, high): (f64, f64), (a, b): (f64, f64)| (low.min(a), high.max(b));
    let (low, high) = row.iter().map(ends).fold((f64::INFINITY, f64::NEG_INFINITY), both);
    if low > high {
        return;
    }
    let range = if log {
        let room = 10f64.powf(0.04 * (high.log10() - low.log10()));
        (low / room, high * room)
    } else {
        let room = 0.04 * (high - low);
        (low - room, high + room)
    };
    for (i, panel) in row.iter_mut().enumerate() {
        panel.y.scale = if log { AxisScale::Log } else { AxisScale::Linear };
        panel.y.range = Some(range);
        panel.y.shared = i > 0;
    }
}
