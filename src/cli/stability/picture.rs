//! A stability analysis as a picture: multipliers in the plane as the step grows, their size, the region of stability.

use super::Report;
use super::curves::{Curve, multipliers_table};
use crate::cli::terminal::short;
use crate::csv;
use bea_flow::flow::Problem;
use bea_flow::flow::stability::{Path, Region, StabilityType};
use bea_plot::{Axis, Color, Contours, Dash, Figure, Marker, Panel, Series, Style};
use bea_series::series::GeneralLinearMethod;
use miette::miette;
use num_complex::Complex64;
use std::f64::consts::TAU;

/// A panel of the picture.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum PanelName {
    /// The multipliers μ of one step in the complex plane, as h grows
    Multipliers,
    /// The largest |μ| against h
    Radius,
    /// The region of stability in the complex plane of hλ
    Region,
}

/// Dots along each path, at equal differences of the step size.
const DOTS: usize = 10;
/// The picture goes on beyond the critical learning rate by this factor.
const BEYOND: f64 = 1.25;
/// Multipliers beyond this are not followed.
const FAR: f64 = 2.0;
/// Boundaries of regions that reach further are taken to be unbounded, and shown as far as [`UNBOUNDED`].
const BOUNDED: f64 = 60.0;
const UNBOUNDED: f64 = 4.0;
/// How far below 0 the gain of a step is shown.
const OUTER: f64 = 0.1;
/// Eigenvalues outside the region are shown as far as it reaches, times this.
const OUTSIDE: f64 = 3.0;

/// Regions lower than this part of their reach have a vertical axis of their own, with this room.
const FLAT: f64 = 0.1;
const FLAT_ROOM: f64 = 1.5;

/// A picture and the numbers in it.
pub(super) struct Picture {
    pub figure: Figure,
    /// Names and contents of tables.
    pub tables: Vec<(String, Vec<u8>)>,
    /// What is not drawn, and why.
    pub notes: Vec<String>,
}

impl Report<'_> {
    /// All panels, or one, for this ratio of width to height of each; the usual one for `None`.
    ///
    /// # Errors
    /// There is nothing to draw, or not the panel that was asked for.
    pub(super) fn picture(
        &self,
        problem: &Problem,
        method: &GeneralLinearMethod,
        panel: Option<PanelName>,
        aspect: Option<f64>,
    ) -> miette::Result<Picture> {
        let end = self.last_step().ok_or_else(|| {
            miette!(
                help = "choose another point with --at",
                "there is nothing to draw: all eigenvalues of the Jacobian are 0 at the critical point, so that no \
                 step size moves a multiplier away from 1"
            )
        })?;
        let curves = self.curves(problem, method, end)?;
        let region = Region::new(method, self.marked());
        let drawn = |name: PanelName| panel.is_none_or(|one| one == name);
        let columns = if panel.is_some() { 1 } else { 2 + usize::from(region.is_some()) };
        let aspect = aspect.unwrap_or_else(|| Figure::aspect(columns));
        let mut panels = Vec::new();
        if drawn(PanelName::Multipliers) {
            panels.push(self.plane(&curves, end, aspect));
        }
        if drawn(PanelName::Radius) {
            panels.push(self.radii(&curves, end));
        }
        let mut tables = vec![("multipliers.csv".to_string(), multipliers_table(&curves))];
        let mut notes = Vec::new();
        if curves.len() < self.different() {
            notes.push(format!(
                "the picture shows {} of {} different eigenvalues",
                curves.len(),
                self.different()
            ));
        }
        match region {
            Some(region) if drawn(PanelName::Region) => {
                let boundary = region.boundary();
                tables.push(("region.csv".into(), region_table(&boundary)));
                panels.push(self.region(&region, &boundary, &curves, aspect));
            }
            Some(_) => {}
            None if panel == Some(PanelName::Region) => {
                return Err(miette!(
                    help = "--panel multipliers and --panel radius are for all optimizers",
                    "{}",
                    self.no_region(method)
                ));
            }
            None if panel.is_none() => notes.push(self.no_region(method)),
            None => {}
        }
        Ok(Picture { figure: Figure { title: self.title(), panels, columns }, tables, notes })
    }

    fn no_region(&self, method: &GeneralLinearMethod) -> String {
        let name = &self.optimizer.name;
        match method.step_parameter {
            Some(_) => format!(
                "{name} depends on h and λ apart: its region of stability is that of one step size, which --lr gives"
            ),
            None => format!(
                "{name} treats its vector fields differently: there is no region of stability in the plane of one \
                 number hλ"
            ),
        }
    }

    /// One sentence.
    fn title(&self) -> String {
        let set: Vec<String> = self.values.iter().map(|(n, v)| format!("{n} = {v}")).collect();
        let with = if set.is_empty() { String::new() } else { format!(" ({})", set.join(", ")) };
        let what = match self.stability.critical_learning_rate() {
            Some(f64::INFINITY) => " converges for every step size".into(),
            Some(0.0) => match self.stability.intervals.as_deref() {
                Some([first, ..]) if first.verdict == StabilityType::Neutral => {
                    " neither converges nor diverges for small step sizes".into()
                }
                _ => " does not converge for small step sizes".into(),
            },
            Some(h) => format!(" converges locally for h < {}", sign(&short(h))),
            None => String::new(),
        };
        format!("{}{with}{what} on {}", self.optimizer.name, self.loss)
    }

    /// The step size whose multipliers and `hλ` are marked: the one that was given, or the critical one.
    fn marked(&self) -> Option<f64> {
        let critical = self.stability.critical_learning_rate();
        self.request.lr.or(critical.filter(|h| *h > 0.0 && h.is_finite()))
    }

    /// The largest step size in the picture; `None` if nothing depends on it.
    fn last_step(&self) -> Option<f64> {
        let intervals = self.stability.intervals.as_deref().unwrap_or_default();
        // The end of the first interval, or, where the optimizer is unstable up to there, the next one.
        let ends = intervals.iter().map(|interval| interval.to.value);
        let critical = ends.take(2).filter(|h| h.is_finite()).reduce(f64::max);
        let largest = self.eigenvalues().iter().map(|z| z.norm()).fold(0.0, f64::max);
        let natural = Some(4.0 / largest).filter(|h| largest > 0.0 && h.is_normal());
        let shown = [critical, self.request.lr].into_iter().flatten().reduce(f64::max);
        let end = shown.map(|h| BEYOND * h).or(natural)?;
        (natural.is_some() && end.is_normal()).then_some(end)
    }

    /// The multipliers in the complex plane, with the unit circle.
    fn plane(&self, curves: &[Curve], end: f64, aspect: f64) -> Panel {
        let mut series = Vec::new();
        let given = self.request.lr;
        let points = |h: f64, curve: &Curve| -> Vec<(f64, f64)> {
            curve.multipliers.at(h).iter().map(|mu| (mu.re, mu.im)).collect()
        };
        if let Some(h) = given {
            let all = curves.iter().flat_map(|curve| points(h, curve)).collect();
            series.push(Series::new(step_label(h), all, MARKED));
        }
        for (curve, h) in curves.iter().filter_map(|c| Some((c, c.critical?))) {
            let on_circle = |at: &(f64, f64)| (at.0.hypot(at.1) - 1.0).abs() < 1e-3;
            if h <= end {
                let crossing = points(h, curve).into_iter().filter(on_circle).collect();
                series.push(Series::new(critical_label(self.critical(curves)), crossing, CRITICAL));
            }
        }
        let start = curves.iter().flat_map(|curve| curve.paths.iter().filter_map(|p| p.first()));
        let start = start.filter(|at| at.0 == 0.0).map(|(_, mu)| (mu.re, mu.im)).collect();
        let ring = Style { color: Color::INK, line: None, width: 1.2, marker: Some(Marker::Ring) };
        series.push(Series::new("h = 0", start, ring));
        for curve in curves {
            let dots = (1..=DOTS).flat_map(|k| points(end * k as f64 / DOTS as f64, curve));
            series.push(Series::new(curve.label.as_str(), dots.collect(), curve.style.markers()));
            for path in &curve.paths {
                let points = path.iter().map(|(_, mu)| (mu.re, mu.im)).collect();
                series.push(Series::new(curve.label.as_str(), points, curve.style.line()));
            }
        }
        let circle = (0..=180).map(|k| Complex64::cis(TAU * f64::from(k) / 180.0));
        let circle = circle.map(|z| (z.re, z.im)).collect();
        series.push(Series::new("|μ| = 1", circle, Style::soft(Dash::Dashed)));
        let all = curves.iter().flat_map(|curve| curve.paths.iter().flatten());
        let seen = all.map(|(_, mu)| *mu).filter(|mu| mu.norm() <= FAR);
        let circle = [1.0, -1.0].into_iter().flat_map(|x| [x.into(), Complex64::new(0.0, x)]);
        let (x, y) = equal_box(seen.chain(circle), aspect);
        Panel {
            title: format!("multipliers of one step, h from 0 to {}", sign(&short(rounded(end)))),
            x: Axis::linear("Re μ").from_to(x.0, x.1),
            y: Axis::linear("Im μ").from_to(y.0, y.1),
            series,
            ..Panel::default()
        }
    }

    /// The largest modulus against the step size.
    fn radii(&self, curves: &[Curve], end: f64) -> Panel {
        const SAMPLES: usize = 400;
        let mut series = Vec::new();
        let mut most = 1.2f64;
        for curve in curves {
            let h = |k: usize| end * k as f64 / SAMPLES as f64;
            let points: Vec<(f64, f64)> =
                (1..=SAMPLES).map(|k| (h(k), curve.multipliers.radius(h(k)))).collect();
            most = points.iter().map(|p| p.1).filter(|r| r.is_finite()).fold(most, f64::max);
            series.push(Series::new(curve.label.as_str(), points, curve.style.line()));
        }
        let top = (1.05 * most).min(FAR);
        let upright = |h: f64| vec![(h, 0.0), (h, top)];
        if let Some(h) = self.request.lr {
            let style = Style { line: Some(Dash::Dotted), marker: None, ..MARKED };
            series.push(Series::new(step_label(h), upright(h), style));
        }
        let critical = self.critical(curves);
        if let Some(h) = critical.filter(|h| *h <= end) {
            let style = Style { line: Some(Dash::Dashed), marker: None, ..CRITICAL };
            series.push(Series::new(critical_label(critical), upright(h), style));
        }
        let one = Style::soft(Dash::Dashed);
        series.push(Series::new("|μ| = 1", vec![(0.0, 1.0), (end, 1.0)], one));
        Panel {
            title: "size of the largest multiplier".into(),
            x: Axis::linear("step size h").from_to(0.0, end),
            y: Axis::linear("max |μ|").from_to(0.0, top),
            series,
            ..Panel::default()
        }
    }

    /// The region of stability, with the eigenvalues times the step size.
    fn region(&self, region: &Region, boundary: &[Path], curves: &[Curve], aspect: f64) -> Panel {
        let h = self.marked();
        let reach = |points: &mut dyn Iterator<Item = Complex64>| {
            points.map(|z| z.norm()).fold(0.0f64, f64::max)
        };
        let on_boundary = || boundary.iter().flatten().map(|(_, z)| *z);
        let far = reach(&mut on_boundary());
        let is_bounded = far > 0.0 && far <= BOUNDED;
        let extent = if is_bounded { far } else { UNBOUNDED };
        let scaled = |curve: &Curve| -> Vec<Complex64> {
            h.map_or_else(Vec::new, |h| curve.lambdas.iter().map(|z| z * h).collect())
        };
        let all: Vec<Complex64> = curves.iter().flat_map(scaled).collect();
        let seen = |z: &Complex64| z.norm() <= OUTSIDE * extent;
        let frame =
            on_boundary().filter(|z| z.norm() <= extent).chain(all.iter().copied().filter(seen));
        let corners = [Complex64::ZERO, (0.5 * extent).into(), Complex64::new(0.0, 0.25 * extent)];
        let frame: Vec<Complex64> = frame.collect();
        let (x, mut y) = equal_box(frame.iter().copied().chain(corners), aspect);
        // A flat region fills the panel, too.
        let height = frame.iter().map(|z| z.im.abs()).fold(0.0f64, f64::max);
        if is_bounded && (f64::MIN_POSITIVE..FLAT * extent).contains(&height) {
            y = (-FLAT_ROOM * height, FLAT_ROOM * height);
        }
        let mut series = Vec::new();
        for curve in curves {
            let points = scaled(curve).iter().map(|z| (z.re, z.im)).collect();
            let label = if curve.lambdas.len() == 1 { curve.label.as_str() } else { "hλ" };
            series.push(Series::new(label, points, curve.style.markers()));
        }
        let edge = Style { color: Color::INK, line: Some(Dash::Solid), width: 1.6, marker: None };
        for piece in boundary {
            let points = piece.iter().map(|(_, z)| (z.re, z.im)).collect();
            series.push(Series::new("boundary of stability", points, edge));
        }
        let at = match (region.step(), h) {
            (Some(h), _) => format!("region of stability at h = {}", sign(&short(h))),
            (None, Some(h)) => format!("region of stability, hλ at h = {}", sign(&short(h))),
            (None, None) => "region of stability".into(),
        };
        let outside = all.iter().filter(|z| !seen(z)).count();
        let title = match outside {
            0 => at,
            n => format!("{at} ({n} of {} hλ beyond the frame)", all.len()),
        };
        let mut most = 0.0f64;
        let contours =
            Contours::sample(x, y, "1 − max |μ|, the contraction of a step", |x, y| {
                let gain = 1.0 - region.radius(Complex64::new(x, y));
                most = most.max(gain);
                // Outside, all values are alike, and so near to 0 that the level 0 is at the boundary.
                gain.max(-OUTER)
            });
        let step = level_step(most);
        let levels = (0..).map(|k| f64::from(k) * step).take_while(|level| *level < most);
        Panel {
            title,
            x: Axis::linear("Re hλ"),
            y: Axis::linear("Im hλ"),
            contours: Some(contours.with_levels(levels.map(|x| (x, short(x))).collect())),
            series,
            ..Panel::default()
        }
    }

    /// The critical learning rate, or the first one of the directions that are drawn.
    fn critical(&self, curves: &[Curve]) -> Option<f64> {
        let all = curves.iter().filter_map(|curve| curve.critical);
        let known = self.stability.critical_learning_rate().filter(|h| *h > 0.0 && h.is_finite());
        known.or(all.reduce(f64::min))
    }
}

/// The step size that was given, and the critical one.
const MARKED: Style =
    Style { color: Color(204, 121, 167), line: None, width: 1.8, marker: Some(Marker::Star) };
const CRITICAL: Style =
    Style { color: Color::INK, line: None, width: 1.4, marker: Some(Marker::Cross) };

fn step_label(h: f64) -> String {
    format!("h = {}", sign(&short(h)))
}

fn critical_label(h: Option<f64>) -> String {
    match h {
        Some(h) => format!("|μ| = 1, critical h = {}", sign(&short(h))),
        None => "|μ| = 1".into(),
    }
}

/// With minus signs.
pub(super) fn sign(number: &str) -> String {
    number.replace('-', "−")
}

/// Two digits, for the end of a range that means nothing.
fn rounded(x: f64) -> f64 {
    format!("{x:.1e}").parse().unwrap_or(x)
}

/// The distance of at most six levels from 0 to `most`: 1, 2 or 5 times a power of ten.
fn level_step(most: f64) -> f64 {
    let least = most / 6.0;
    let unit = 10f64.powf(least.log10().floor());
    let step = [1.0, 2.0, 5.0].into_iter().map(|digit| digit * unit).find(|step| *step >= least);
    step.unwrap_or(10.0 * unit)
}

/// The range of each axis around points, with a margin, such that a unit is as long on both.
fn equal_box(points: impl Iterator<Item = Complex64>, aspect: f64) -> ((f64, f64), (f64, f64)) {
    let (mut x, mut y) = ((f64::INFINITY, f64::NEG_INFINITY), (f64::INFINITY, f64::NEG_INFINITY));
    for z in points {
        x = (x.0.min(z.re), x.1.max(z.re));
        y = (y.0.min(z.im), y.1.max(z.im));
    }
    let room = 0.06 * (x.1 - x.0).max(y.1 - y.0);
    let (width, height) = (x.1 - x.0 + 2.0 * room, y.1 - y.0 + 2.0 * room);
    let (width, height) = (width.max(height * aspect), height.max(width / aspect));
    let around = |(low, high): (f64, f64), length: f64| {
        (0.5 * (low + high) - 0.5 * length, 0.5 * (low + high) + 0.5 * length)
    };
    (around(x, width), around(y, height))
}

/// A row for each point of each piece of the boundary, with the angle of the multiplier there.
fn region_table(boundary: &[Path]) -> Vec<u8> {
    let rows = boundary.iter().enumerate().flat_map(|(k, piece)| {
        piece.iter().map(move |(phi, z)| {
            [k.to_string(), csv::number(*phi), csv::number(z.re), csv::number(z.im)]
        })
    });
    csv::text(["piece", "angle", "z_re", "z_im"], rows).into_bytes()
}
