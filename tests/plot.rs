//! Figures: the same bytes from the same description, well-formed whatever the numbers are.

mod cases;
mod golden;

use bea::plot::{Axis, Band, Color, Contours, Dash, Figure, Marker, Panel, Series, Style};
use golden::assert_golden;
use proptest::prelude::*;

fn banana(x: f64, y: f64) -> f64 {
    (1.0 - x).powi(2) + 100.0 * (y - x * x).powi(2)
}

/// A contour panel beside a panel with a logarithmic axis.
fn figure(points: &[(f64, f64)]) -> Figure {
    let series = |i: usize| Series::new(format!("curve {i}"), points.to_vec(), Style::of_series(i));
    let contours = Panel {
        title: "contours".into(),
        x: Axis::linear("x"),
        y: Axis::linear("y"),
        contours: Some(Contours::sample((-2.0, 2.0), (-1.0, 3.0), "loss", banana)),
        series: (0..9).map(series).collect(),
        ..Panel::default()
    };
    let lines = Panel {
        title: "lines".into(),
        x: Axis::linear("step"),
        y: Axis::log("distance"),
        series: vec![series(0), Series::new("zero", vec![(0.0, 0.0)], Style::soft(Dash::Dotted))],
        ..Panel::default()
    };
    Figure { title: "a < b & c".into(), panels: vec![contours, lines], columns: 2 }
}

/// Medians with their spread in two panels that share an axis, a curve that leaves them, labels at the ends.
fn spread() -> Figure {
    let color = |i| Color::of_shade(i, 0, 1);
    let curve = |i: usize, growth: f64| -> Vec<(f64, f64)> {
        (0..40).map(|t| (f64::from(t), growth.powi(t) * (1.0 + 0.3 * i as f64))).collect()
    };
    let panel = |shared: bool| {
        let curves = [curve(0, 0.9), curve(1, 0.94), curve(2, 1.3)];
        let style = |i| Style { color: color(i), marker: Some(Marker::Dot), ..Style::of_series(0) };
        let series = curves.iter().enumerate();
        let series =
            series.map(|(i, points)| Series::new(format!("rule {i}"), points.clone(), style(i)));
        let mut bands = vec![Band::range((10.0, 14.0), Color::SOFT)];
        bands[0].label = "set off".into();
        bands.extend(curves[..2].iter().enumerate().map(|(i, points)| {
            Band::new(points.iter().map(|(x, y)| (*x, 0.7 * y, 1.5 * y)).collect(), color(i))
        }));
        let y = Axis { shared, ..Axis::log("loss").from_to(0.01, 10.0) };
        let note = if shared { String::new() } else { "1 of 3 diverged".into() };
        let (exits, end_labels) = (true, shared);
        Panel {
            x: Axis::linear("step"),
            y,
            bands,
            series: series.collect(),
            note,
            exits,
            end_labels,
            ..Panel::default()
        }
    };
    Figure { title: "Medians".into(), panels: vec![panel(false), panel(true)], columns: 2 }
}

#[test]
fn spreads_are_as_reviewed() {
    let svg = spread().svg();
    assert_golden("tests/golden/spread.svg", &svg);
    let texts = texts(&svg);
    // An axis that is shared has its title once, and labels at ends are not in the legend again.
    assert_eq!(texts.iter().filter(|text| **text == "loss").count(), 1);
    assert_eq!(texts.iter().filter(|text| **text == "rule 0").count(), 2);
    assert_eq!(texts.iter().filter(|text| **text == "set off").count(), 1);
    assert!(texts.contains(&"1 of 3 diverged"));
    // The growing curve leaves through the top of both.
    let color = format!("stroke=\"{}\"", Color::of_shade(2, 0, 1).hex());
    let is_stem = |line: &&str| {
        let ends = line.strip_prefix("<path d=\"M").and_then(|rest| rest.split('"').next());
        let x = |end: &str| end.split(' ').next().map(str::to_string);
        line.contains(&color)
            && ends
                .and_then(|ends| ends.split_once('L'))
                .is_some_and(|(from, to)| !to.contains('L') && x(from) == x(to))
    };
    assert_eq!(svg.lines().filter(is_stem).count(), 2);
}

#[test]
fn shades_can_be_seen_and_told_apart() {
    // Contrast with white (WCAG 2.2).
    let luminance = |color: Color| {
        let part = |x: u8| match f64::from(x) / 255.0 {
            x if x <= 0.04045 => x / 12.92,
            x => ((x + 0.055) / 1.055).powf(2.4),
        };
        0.2126 * part(color.0) + 0.7152 * part(color.1) + 0.0722 * part(color.2)
    };
    for hue in 0..6 {
        for n in 1..8 {
            let all: Vec<f64> = (0..n).map(|i| luminance(Color::of_shade(hue, i, n))).collect();
            for light in &all {
                assert!(1.05 / (light + 0.05) >= 3.0, "hue {hue} of {n}: {light}");
            }
            // In grey, too, by the order.
            assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "hue {hue} of {n}: {all:?}");
        }
    }
}

/// The texts of an SVG file.
fn texts(svg: &str) -> Vec<&str> {
    let tags = svg.split("<text ").skip(1);
    tags.map(|tag| tag.split_once('>').unwrap().1.split_once("</text>").unwrap().0).collect()
}

#[test]
fn the_same_figure_has_the_same_bytes() {
    let figure = figure(&[(-0.5, 1.0), (0.3, 0.8), (0.9, 0.7)]);
    assert_eq!(figure.svg(), figure.clone().svg());
    assert_eq!(figure.png(), figure.clone().png());
}

/// Samples of `a e^{-bt} cos(ct)`.
fn decay(a: f64, b: f64, c: f64) -> Vec<(f64, f64)> {
    (0..40).map(|i| f64::from(i) / 4.0).map(|t| (t, a * (-b * t).exp() * (c * t).cos())).collect()
}

fn one_panel(title: &str, panel: Panel) -> Figure {
    Figure { title: title.into(), panels: vec![panel], columns: 1 }
}

#[test]
fn curves_are_as_reviewed() {
    let curve = |i: usize| {
        let points = decay(1.0, 0.1 * (i as f64 + 1.0), i as f64 / 2.0);
        Series::new(format!("curve {i}"), points, Style::of_series(i).line())
    };
    let y = Axis::linear("θ").from_to(-0.8, 1.1);
    let mut series: Vec<Series> = (0..8).map(curve).collect();
    series.push(Series::new("", vec![(0.0, 0.0), (10.0, 0.0)], Style::soft(Dash::Dashed)));
    let panel = Panel { x: Axis::linear("t"), y, series, ..Panel::default() };
    assert_golden("tests/golden/curves.svg", &one_panel("Damped oscillations", panel).svg());
}

#[test]
fn logarithmic_axes_are_as_reviewed() {
    let points = |f: fn(f64) -> f64| (0..30).map(|i| 1.3f64.powi(i)).map(|x| (x, f(x))).collect();
    let series = vec![
        Series::new("1/x", points(|x| 1.0 / x), Style::of_series(0)),
        Series::new("1/x²", points(|x| x.powi(-2)), Style::of_series(1).line()),
        // What has no place on the axis interrupts a curve.
        Series::new("1/x - 1/50", points(|x| 1.0 / x - 0.02), Style::of_series(2).markers()),
    ];
    let panel = Panel { x: Axis::log("x"), y: Axis::log("y"), series, ..Panel::default() };
    assert_golden("tests/golden/logarithmic.svg", &one_panel("Powers", panel).svg());
}

#[test]
fn markers_are_as_reviewed() {
    let kinds = [
        Marker::Circle,
        Marker::Square,
        Marker::Triangle,
        Marker::Diamond,
        Marker::Cross,
        Marker::Plus,
        Marker::Star,
    ];
    let series = kinds.into_iter().enumerate().map(|(i, marker)| {
        let style = Style { marker: Some(marker), ..Style::of_series(i).markers() };
        let points = (0..4).map(|j| (f64::from(j), i as f64)).collect();
        Series::new(format!("{marker:?}"), points, style)
    });
    let panel = Panel { series: series.collect(), ..Panel::default() };
    assert_golden("tests/golden/markers.svg", &one_panel("Markers", panel).svg());
}

#[test]
fn contours_are_as_reviewed() {
    let steps = vec![(-1.2, 1.0), (-0.9, 0.9), (-0.4, 0.1), (0.3, -0.1), (0.8, 0.6), (1.0, 1.0)];
    let panel = Panel {
        x: Axis::linear("x"),
        y: Axis::linear("y"),
        contours: Some(Contours::sample((-2.0, 2.0), (-1.0, 3.0), "loss", banana)),
        series: vec![Series::new("a path", steps, Style::of_series(0))],
        ..Panel::default()
    };
    assert_golden("tests/golden/contours.svg", &one_panel("The banana function", panel).svg());
}

#[test]
fn a_grid_of_panels_is_as_reviewed() {
    let panels = (0..5).map(|i| Panel {
        title: format!("panel {i}"),
        x: Axis::linear("t"),
        y: if i % 2 == 0 { Axis::linear("θ") } else { Axis::log("|θ|") },
        series: vec![
            Series::new("a", decay(1.0, 0.2, f64::from(i)), Style::of_series(0)),
            Series::new(format!("b{i}"), decay(0.5, 0.4, 0.0), Style::of_series(1)),
        ],
        ..Panel::default()
    });
    let figure = Figure { title: "a < b & c".into(), panels: panels.collect(), columns: 3 };
    assert_golden("tests/golden/grid.svg", &figure.svg());
}

#[test]
fn a_figure_names_everything_once() {
    let svg = figure(&[(0.5, 1.0), (1.0, 0.1)]).svg();
    let texts = texts(&svg);
    let count = |name: &str| texts.iter().filter(|text| **text == name).count();
    for name in
        ["a &lt; b &amp; c", "contours", "lines", "x", "y", "step", "distance", "loss", "zero"]
    {
        assert_eq!(count(name), 1, "{name}");
    }
    assert_eq!(count("curve 0"), 1, "curves of two panels share an entry of the legend");
    assert_eq!(count("curve 8"), 1);
}

#[test]
fn the_picture_shows_the_colours_of_its_curves() {
    let style = Style { color: Color(200, 10, 20), ..Style::of_series(0) };
    let panel =
        |series| Figure { panels: vec![Panel { series, ..Panel::default() }], ..Figure::default() };
    let with = panel(vec![Series::new("", vec![(0.0, 0.0), (1.0, 1.0)], style)]);
    let without = panel(Vec::new());
    let red = |figure: &Figure| pixels(&figure.png()).filter(|p| p[..3] == [200, 10, 20]).count();
    assert!(red(&with) > 500, "a line of 1.8 points across the panel: {}", red(&with));
    assert_eq!(red(&without), 0);
    assert!(with.svg().contains("#c80a14") && !without.svg().contains("#c80a14"));
}

/// The pixels of a PNG file.
fn pixels(png: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let image = tiny_skia::Pixmap::decode_png(png).expect("a PNG file");
    image.data().chunks(4).map(<[u8]>::to_vec).collect::<Vec<_>>().into_iter()
}

/// Contours lie where the function has the value of their level: the border between the bands of a
/// distance to the centre is a circle.
#[test]
fn contours_have_holes_and_the_right_radius() {
    let ring = |x: f64, y: f64| 0.2 + (x.hypot(y) - 1.0).abs();
    let panel = Panel {
        contours: Some(Contours::sample((-2.0, 2.0), (-2.0, 2.0), "", ring)),
        ..Panel::default()
    };
    let figure = Figure { panels: vec![panel], ..Figure::default() };
    let image = tiny_skia::Pixmap::decode_png(&figure.png()).unwrap();
    let svg = figure.svg();
    // The first filled path is the box of the contours.
    let frame = svg.split("<path d=\"M").nth(1).unwrap().split('Z').next().unwrap();
    let corners: Vec<Vec<f64>> =
        frame.split('L').map(|p| p.split(' ').map(|n| n.parse().unwrap()).collect()).collect();
    let color = |x: f64, y: f64| {
        let place = |value: f64, low: f64, high: f64| low + (value + 2.0) / 4.0 * (high - low);
        let px = place(x, corners[0][0], corners[1][0]);
        let py = place(-y, corners[0][1], corners[2][1]);
        let pixel = image.pixel((2.0 * px) as u32, (2.0 * py) as u32).unwrap();
        pixel.red()
    };
    let (on_ring, centre, corner) = (color(0.0, 1.0), color(0.0, 0.0), color(1.9, 1.9));
    assert!(on_ring > centre && centre > corner, "{on_ring} {centre} {corner}: darker is higher");
    for angle in 0..12 {
        let angle = f64::from(angle) * 0.5;
        assert_eq!(color(angle.cos(), angle.sin()), on_ring, "the ring is as low all around");
    }
}

#[test]
fn markers_and_dashes_tell_eight_curves_apart() {
    let styles: Vec<Style> = (0..8).map(Style::of_series).collect();
    for (i, a) in styles.iter().enumerate() {
        for b in &styles[..i] {
            assert!(a.color != b.color, "colours differ");
            assert!((a.line, a.marker) != (b.line, b.marker), "so do they in black and white");
        }
    }
    assert_eq!(styles[0].line().marker, None);
    assert_eq!(styles[0].markers().line, None);
    assert_eq!(styles[0].marker, Some(Marker::Circle));
}

/// Numbers that simulations come up with.
fn wild() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -3.0..3.0f64,
        1 => prop::num::f64::ANY,
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(0.0),
    ]
}

proptest! {
    #![proptest_config(cases::cases(40))]

    #[test]
    fn no_number_breaks_a_figure(points in prop::collection::vec((wild(), wild()), 0..8)) {
        let mut figure = figure(&points);
        figure.panels.remove(0);
        let series = Series::new("", points, Style::of_series(1));
        let free = Panel { series: vec![series], ..Panel::default() };
        figure.panels.push(free);
        let svg = figure.svg();
        prop_assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        prop_assert!(!figure.png().is_empty());
        let paths: Vec<&str> = svg.split(" d=\"").skip(1).map(|d| d.split('"').next().unwrap()).collect();
        prop_assert!(paths.len() > 10);
        for number in paths.concat().split(|c: char| !c.is_ascii_digit() && !".-".contains(c)) {
            if let Ok(number) = number.parse::<f64>() {
                prop_assert!((0.0..2000.0).contains(&number), "{number} is outside of the picture");
            }
        }
    }

    #[test]
    fn levels_and_heights_of_any_function(a in wild(), b in wild(), c in wild()) {
        let svg = landscape(a, b, c);
        prop_assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }

    /// Numbers of any size, the smallest too.
    #[test]
    fn levels_and_heights_of_any_size(a in any_size(), b in any_size(), c in any_size()) {
        let svg = landscape(a, b, c);
        prop_assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn axes_of_any_size(low in any_size(), high in any_size(), logarithmic in any::<bool>()) {
        let axis = if logarithmic { Axis::log("") } else { Axis::linear("") };
        let points = vec![(low, high), (high, low), (0.5 * low, high)];
        let series = vec![Series::new("", points, Style::of_series(1))];
        let panel = Panel { x: axis.clone(), y: axis, series, ..Panel::default() };
        let svg = Figure { panels: vec![panel], ..Figure::default() }.svg();
        prop_assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }
}

fn landscape(a: f64, b: f64, c: f64) -> String {
    let f = |x: f64, y: f64| a + b * x * x + c * (x * y).sin();
    let contours = Contours::sample((-1.0, 1.0), (-1.0, 1.0), "f", f);
    let panel = Panel { contours: Some(contours), ..Panel::default() };
    Figure { panels: vec![panel], ..Figure::default() }.svg()
}

/// Subnormal and huge numbers as often as others.
fn any_size() -> impl Strategy<Value = f64> {
    let of = |digits: f64, exponent: i32| {
        digits * 10f64.powi(exponent / 2) * 10f64.powi(exponent - exponent / 2)
    };
    prop_oneof![
        3 => (-9.9..9.9f64, -323..309i32).prop_map(move |(digits, exponent)| of(digits, exponent)),
        1 => prop::num::f64::SUBNORMAL,
        1 => Just(0.0),
    ]
}

/// The labels of heights that span a few of the smallest numbers.
#[test]
fn the_smallest_heights_have_labels() {
    let svg = landscape(0.0, 0.0, -1.9064787045652004e-308);
    assert!(svg.contains("10⁻³⁰⁸") && !svg.contains("inf") && !svg.contains("NaN"));
    let svg = landscape(0.0, 0.0, 3e-320);
    assert!(svg.contains("·10⁻³²⁰") && !svg.contains("inf") && !svg.contains("NaN"));
    // Three numbers.
    assert!(landscape(0.0, 1e-323, 0.0).contains("10⁻³²"));
}
