//! How pictures look: texts are whole, apart and legible, every curve is seen, and all formats show the same.

mod needs;

use bea::picture::{PictureError, PictureStyle, data, files, pictures, write};
use bea::plot::{
    Axis, Band, Color, Contours, Dash, Figure, Look, Panel, Picture, Series, Style, TextBox, Theme,
};
use proptest::prelude::*;
use std::path::Path;
use std::process::Command;

/// Samples of `a e^{-bt} cos(ct)`.
fn decay(a: f64, b: f64, c: f64) -> Vec<(f64, f64)> {
    (0..40).map(|i| f64::from(i) / 4.0).map(|t| (t, a * (-b * t).exp() * (c * t).cos())).collect()
}

fn lines(i: usize) -> Panel {
    let curve = |j: usize| {
        let points = decay(1.0 + i as f64, 0.1 * (j as f64 + 1.0), j as f64 / 2.0);
        Series::new(format!("curve {j}"), points, Style::of_series(j))
    };
    Panel {
        title: format!("panel {i}"),
        x: Axis::linear("step"),
        y: Axis::linear("distance"),
        series: (0..3).map(curve).collect(),
        ..Panel::default()
    }
}

fn landscape(low: f64, high: f64) -> Panel {
    let height = |x: f64, y: f64| low + (high - low) * (x * x + (y - x * x).powi(2)) / 10.0;
    Panel {
        title: "a landscape".into(),
        x: Axis::linear("x"),
        y: Axis::linear("y"),
        contours: Some(Contours::sample((-2.0, 2.0), (-1.0, 3.0), "loss", height)),
        series: vec![Series::new("path", vec![(-1.0, 2.0), (0.5, 0.0)], Style::of_series(0))],
        ..Panel::default()
    }
}

fn axes(x: Axis, y: Axis, points: Vec<(f64, f64)>) -> Panel {
    let series = vec![Series::new("a curve", points, Style::of_series(1))];
    Panel { x, y, series, ..Panel::default() }
}

const LONG: &str = "the distance of the principal flow, of implicit gradient regularization and of the negative gradient flow \
                    to gradient descent on the banana function, averaged over eight seeds and divided by the length of a step";

/// Pictures of every kind, with texts that are long and ranges that are hard to label.
fn kinds() -> Vec<(&'static str, Figure)> {
    let figure =
        |title: &str, panels: Vec<Panel>, columns| Figure { title: title.into(), panels, columns };
    let range = |low: f64, high: f64| {
        let along = |a: f64, b: f64, part: f64| a + part * (b - a);
        let points = (0..9).map(|i| f64::from(i) / 8.0).map(|t| (t, along(low, high, t * t)));
        points.collect::<Vec<_>>()
    };
    let linear = |low, high| {
        let turned = range(low, high).into_iter().map(|(x, y)| (y, x)).collect();
        let panels = vec![
            axes(Axis::linear("time t"), Axis::linear("θ"), range(low, high)),
            axes(Axis::linear("θ"), Axis::linear(""), turned),
        ];
        figure("a range", panels, 2)
    };
    let log = |low: f64, high: f64| {
        let panels = vec![
            axes(Axis::linear("time t"), Axis::log("|θ|"), range(low, high)),
            axes(
                Axis::log("|θ|").from_to(low, high),
                Axis::log(""),
                vec![(low, high), (high, low)],
            ),
        ];
        figure("decades", panels, 2)
    };
    let mut long = lines(0);
    (long.title, long.x.label, long.y.label) = (LONG.into(), LONG.into(), LONG.into());
    for (i, series) in long.series.iter_mut().enumerate() {
        series.label = format!("{i}: {LONG}");
    }
    let word = |length| "Donaudampfschifffahrt".repeat(length);
    let mut words = lines(0);
    (words.title, words.x.label, words.y.label) = (word(9), word(9), word(9));
    words.series[0].label = word(9);
    let many = |i: usize| {
        let line = [Dash::Solid, Dash::Dashed, Dash::Dotted][i % 3];
        let style = Style { line: Some(line), ..Style::of_series(i).line() };
        Series::new(format!("h = {i}/100, seed {i}"), decay(1.0, 0.01 * i as f64, 0.3), style)
    };
    vec![
        ("one panel", figure("Damped oscillations", vec![lines(0)], 1)),
        ("two panels", figure("Damped oscillations", vec![lines(0), lines(1)], 2)),
        ("twelve panels", figure("Twelve", (0..12).map(lines).collect(), 4)),
        ("a landscape", figure("The banana", vec![landscape(0.0, 7.0), lines(0)], 2)),
        (
            "a landscape far from 0",
            figure("Far", vec![landscape(1000.0, 1000.1), landscape(1e7, 1e7 + 1e-3)], 2),
        ),
        ("a landscape of huge heights", figure("High", vec![landscape(-1e200, 1e210)], 1)),
        ("a flat landscape", figure("Flat", vec![landscape(3.0, 3.0)], 1)),
        ("long texts", figure(LONG, vec![long.clone(), long], 2)),
        ("long words", figure(&word(20), vec![words.clone(), words], 2)),
        (
            "many curves",
            figure("Many", vec![Panel { series: (0..24).map(many).collect(), ..lines(0) }], 1),
        ),
        ("a range near 1", linear(1.0, 1.0 + 1e-9)),
        ("a range far from 0", linear(-123_456.75, -123_456.5)),
        ("a huge range", linear(-3e200, 1e201)),
        ("a small range", linear(0.0, 3e-310)),
        ("five digits", linear(9999.0, 99999.0)),
        ("a decade", log(0.8, 12.0)),
        ("two decades", log(2e-8, 3e-6)),
        ("all decades", log(1e-300, 1e300)),
        ("less than a decade", log(1.1e-5, 1.9e-5)),
        ("nothing", figure("", vec![], 1)),
        ("no curve", figure("Nothing", vec![Panel::default()], 1)),
        (
            "one point",
            figure("One", vec![axes(Axis::linear("x"), Axis::log("y"), vec![(3.0, 2.0)])], 1),
        ),
        (
            "a constant",
            figure(
                "Constant",
                vec![axes(Axis::linear("x"), Axis::linear("y"), vec![(0.0, 5.0), (1.0, 5.0)])],
                1,
            ),
        ),
        (
            "all diverged",
            figure(
                "Diverged",
                vec![axes(
                    Axis::linear("x"),
                    Axis::linear("y"),
                    vec![(0.0, f64::NAN), (1.0, f64::INFINITY)],
                )],
                1,
            ),
        ),
    ]
}

/// The least overlap of texts that counts, in CSS pixels: what antialiasing takes.
const TOUCH: f64 = 0.5;

/// What is wrong with the texts of a picture.
fn complaints(size: (f64, f64), texts: &[TextBox]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (i, a) in texts.iter().enumerate() {
        if a.left < 0.0 || a.top < 0.0 || a.right > size.0 || a.bottom > size.1 {
            complaints.push(format!("clipped: {a:?} in {size:?}"));
        }
        for b in &texts[..i] {
            let across = a.right.min(b.right) - a.left.max(b.left);
            let down = a.bottom.min(b.bottom) - a.top.max(b.top);
            if across > TOUCH && down > TOUCH {
                complaints.push(format!("{across:.1} by {down:.1} of {a:?} and {b:?}"));
            }
        }
    }
    complaints
}

/// The texts of an SVG file of ours, and the size of the picture.
fn texts_of_svg(svg: &str) -> ((f64, f64), Vec<TextBox>) {
    let face = ttf_parser::Face::parse(dejavu::sans::regular(), 0).unwrap();
    let attribute = |tag: &str, name: &str| -> Option<String> {
        let rest = tag.split_once(&format!(" {name}=\""))?.1;
        Some(rest.split('"').next()?.to_string())
    };
    let number = |tag: &str, name: &str| attribute(tag, name).and_then(|x| x.parse::<f64>().ok());
    let root = svg.split_once("<svg").unwrap().1.split('>').next().unwrap();
    let view: Vec<f64> =
        attribute(root, "viewBox").unwrap().split(' ').map(|x| x.parse().unwrap()).collect();
    let texts = svg.split("<text").skip(1).map(|rest| {
        let (tag, rest) = rest.split_once('>').unwrap();
        let text = rest.split("</text>").next().unwrap();
        let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        let (x, y) = (number(tag, "x").unwrap(), number(tag, "y").unwrap());
        let scale = number(tag, "font-size").unwrap() / f64::from(face.units_per_em());
        let glyphs: Vec<_> =
            text.chars().map(|c| face.glyph_index(c).unwrap_or_default()).collect();
        let advance = |glyph| f64::from(face.glyph_hor_advance(glyph).unwrap_or(0));
        let width = scale * glyphs.iter().map(|glyph| advance(*glyph)).sum::<f64>();
        let boxes = || glyphs.iter().filter_map(|glyph| face.glyph_bounding_box(*glyph));
        let top = scale * f64::from(boxes().map(|b| b.y_max).max().unwrap_or(0));
        let bottom = scale * f64::from(boxes().map(|b| b.y_min).min().unwrap_or(0));
        let before = match attribute(tag, "text-anchor").as_deref() {
            Some("middle") => width / 2.0,
            Some("end") => width,
            _ => 0.0,
        };
        let [left, top, right, bottom] = match tag.contains("rotate(-90") {
            false => [x - before, y - top, x - before + width, y - bottom],
            true => [x - top, y + before - width, x - bottom, y + before],
        };
        TextBox { text, left, top, right, bottom, color: Color::INK }
    });
    ((view[2], view[3]), texts.collect())
}

/// The boxes of a picture are those of its SVG file.
#[test]
fn boxes_are_those_of_the_file() {
    for (kind, figure) in kinds() {
        let picture = figure.draw(&Look::default()).unwrap();
        let (size, texts) = texts_of_svg(&picture.svg());
        assert_eq!(size, picture.size(), "{kind}");
        assert_eq!(texts.len(), picture.texts().len(), "{kind}");
        for (a, b) in texts.iter().zip(picture.texts()) {
            let sides = |t: &TextBox| [t.left, t.top, t.right, t.bottom];
            for (a, b) in sides(a).into_iter().zip(sides(&b)) {
                assert!((a - b).abs() < 0.05 + 1e-3 * a.abs(), "{kind}: {a} {b}");
            }
        }
    }
}

/// Panels share the labels of an axis where they stand beside one another, and have their own where a page is too narrow for that.
#[test]
fn panels_below_one_another_have_labels_of_their_own() {
    let panel = |shared| Panel {
        x: Axis::linear("step"),
        y: Axis { shared, ..Axis::linear("loss") },
        series: vec![Series::new("run", vec![(0.0, 1.0), (9.0, 2.0)], Style::of_series(0))],
        ..Panel::default()
    };
    let figure =
        Figure { panels: [false, true, true].map(panel).into(), columns: 3, ..Figure::default() };
    for (theme, times, height) in [(Theme::Screen, 1, ">1.50<"), (Theme::Paper, 3, ">1.5<")] {
        let svg = figure.draw(&Look { theme, size: None }).unwrap().svg();
        for label in [">loss<", height] {
            assert_eq!(svg.matches(label).count(), times, "{theme:?} {label}: {svg}");
        }
    }
}

/// The pictures in the documents, and those that tests compare with.
#[test]
fn texts_in_documents_are_whole_and_apart() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut checked = 0;
    for folder in ["docs", "docs/figures", "tests/golden"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|ending| ending != "svg") {
                continue;
            }
            let svg = std::fs::read_to_string(&path).unwrap();
            // Another program draws some.
            if !svg.contains("font-family=\"'DejaVu Sans',Verdana,sans-serif\"") {
                continue;
            }
            let (size, texts) = texts_of_svg(&svg);
            let complaints = complaints(size, &texts);
            assert!(complaints.is_empty(), "{}:\n{}", path.display(), complaints.join("\n"));
            checked += 1;
        }
    }
    assert!(checked > 50, "{checked}");
}

fn looks() -> Vec<Look> {
    let sizes = [None, Some((648.0, 400.0)), Some((1800.0, 1500.0))];
    let looks = |theme| sizes.into_iter().map(move |size| Look { theme, size });
    Theme::ALL.into_iter().flat_map(looks).collect()
}

/// Every kind in every theme, drawn where it fits.
fn drawn() -> Vec<(String, Picture)> {
    let mut drawn = Vec::new();
    for (kind, figure) in kinds() {
        for look in looks() {
            match figure.draw(&look) {
                Ok(picture) => drawn.push((format!("{kind}, {look:?}"), picture)),
                Err(error) => {
                    // What is named is enough.
                    let enough = Look { size: Some(error.least), ..look };
                    assert!(look.size.is_some(), "{kind}, {look:?}: a theme has room for all");
                    let picture = figure.draw(&enough).unwrap_or_else(|e| panic!("{kind}: {e}"));
                    drawn.push((format!("{kind}, {enough:?}"), picture));
                }
            }
        }
    }
    drawn
}

#[test]
fn texts_are_whole_and_apart() {
    for (name, picture) in drawn() {
        let complaints = complaints(picture.size(), &picture.texts());
        assert!(complaints.is_empty(), "{name}:\n{}", complaints.join("\n"));
        if let Some((width, height)) = name.contains("Some").then(|| picture.size()) {
            assert!(width > 100.0 && height > 50.0);
        }
    }
}

#[test]
fn overlaps_are_seen() {
    let text = |left, top| TextBox {
        text: "a".into(),
        left,
        top,
        right: left + 10.0,
        bottom: top + 10.0,
        color: Color::INK,
    };
    let seen = |texts: &[TextBox]| complaints((50.0, 50.0), texts).len();
    assert_eq!(seen(&[text(0.0, 0.0), text(10.0, 0.0), text(0.0, 10.0)]), 0);
    assert_eq!(seen(&[text(0.0, 0.0), text(9.0, 9.0)]), 1);
    assert_eq!(seen(&[text(45.0, 0.0), text(-1.0, 30.0)]), 2);
}

#[test]
fn texts_are_legible() {
    for (name, picture) in drawn() {
        let theme =
            Theme::ALL.into_iter().find(|theme| name.contains(&format!("{theme:?}"))).unwrap();
        assert!(!picture.texts().is_empty(), "{name}: an empty picture");
        for text in picture.texts() {
            let contrast = text.color.contrast(theme.background());
            assert!(contrast >= 4.5, "{name}: {text:?} has a contrast of {contrast:.2}");
        }
    }
}

#[test]
fn a_size_is_kept() {
    let mut wider = Vec::new();
    for (kind, figure) in kinds() {
        for theme in Theme::ALL {
            let size = (1900.0, 1700.0);
            if let Ok(picture) = figure.draw(&Look { theme, size: Some(size) }) {
                let (width, height) = picture.size();
                assert!(
                    (width - size.0).abs() < 2.0 && (height - size.1).abs() < 2.0,
                    "{kind} {theme:?}"
                );
            }
        }
        let paper = figure.draw(&Look { theme: Theme::Paper, size: None }).unwrap();
        if paper.size().0 != 312.0 {
            wider.push(kind);
        }
        let error =
            figure.draw(&Look { size: Some((30.0, 30.0)), ..Look::default() }).err().unwrap();
        assert!(error.to_string().contains("30 by 30 pixels are too small"), "{error}");
    }
    // Texts of many lines beside an axis take more than the 3.25 inches of a column.
    assert_eq!(wider, ["long texts", "long words"]);
}

#[test]
fn a_paper_has_texts_of_eight_points() {
    let svg = kinds()[1].1.draw(&Look { theme: Theme::Paper, size: None }).unwrap().svg();
    let sizes = svg.split("font-size=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    for size in sizes {
        assert_eq!(size, "10.67", "8 points are 10.67 pixels");
    }
}

/// The pixels of a PNG file.
fn image(png: &[u8]) -> tiny_skia::Pixmap {
    tiny_skia::Pixmap::decode_png(png).expect("a PNG file")
}

/// How many pixels are mostly of this green, which no theme has.
fn green(png: &[u8]) -> usize {
    let is_green = |p: &&tiny_skia::PremultipliedColorU8| {
        i32::from(p.green()) > i32::from(p.red()).max(p.blue().into()) + 60
    };
    image(png).pixels().iter().filter(is_green).count()
}

const GREEN: Color = Color(10, 240, 20);

/// The figure with one curve in green, and without legend.
fn with_green(figure: &Figure, panel: usize, series: usize) -> Figure {
    let mut figure = figure.clone();
    for series in figure.panels.iter_mut().flat_map(|panel| &mut panel.series) {
        series.label = String::new();
    }
    figure.panels[panel].series[series].style.color = GREEN;
    figure
}

#[test]
fn every_curve_is_seen() {
    for (kind, figure) in kinds() {
        for (p, panel) in figure.panels.iter().enumerate() {
            for (s, series) in panel.series.iter().enumerate() {
                let has_place = series.points.iter().any(|p| !p.0.is_nan() && !p.1.is_nan());
                let figure = with_green(&figure, p, s);
                let picture = figure.draw(&Look::default()).unwrap();
                assert_eq!(
                    green(&picture.png(96.0)) > 0,
                    has_place,
                    "{kind}: curve {s} of panel {p}"
                );
            }
        }
    }
}

/// A curve outside of a fixed frame has a mark at the frame.
#[test]
fn what_lies_outside_has_a_mark() {
    for points in [
        vec![(5.0, 0.5), (6.0, 0.5)],
        vec![(0.5, 1e300), (0.6, 1e300)],
        vec![(-5.0, f64::INFINITY)],
        vec![(0.1, -8.0)],
    ] {
        let axis = || Axis::linear("").from_to(0.0, 1.0);
        let mut panel = axes(axis(), axis(), points.clone());
        panel.series[0].style.color = GREEN;
        panel.series[0].label = String::new();
        let figure = Figure { panels: vec![panel], ..Figure::default() };
        assert!(green(&figure.png()) > 20, "{points:?}");
    }
}

#[test]
fn what_is_not_shown_is_said() {
    let kinds = kinds();
    let texts = |name: &str| {
        let (_, figure) = kinds.iter().find(|(kind, _)| *kind == name).unwrap();
        let texts = figure.draw(&Look::default()).unwrap().texts();
        texts.into_iter().map(|text| text.text).collect::<Vec<_>>()
    };
    assert!(texts("nothing").contains(&"nothing to show".into()));
    assert!(texts("no curve").contains(&"nothing to show".into()));
    let diverged = texts("all diverged");
    assert!(diverged.contains(&"no value that this axis can show".into()), "{diverged:?}");
    assert!(diverged.contains(&"a curve (no finite value)".into()), "{diverged:?}");
    let contours = Contours::sample((0.0, 1.0), (0.0, 1.0), "loss", |_, _| f64::NAN);
    assert!(!contours.is_finite());
    let panel = Panel { contours: Some(contours), ..Panel::default() };
    let figure = Figure { panels: vec![panel], ..Figure::default() };
    let texts = figure.draw(&Look::default()).unwrap().texts();
    assert!(texts.iter().any(|text| text.text == "no finite value in this box"), "{texts:?}");
}

/// Numbers that simulations come up with.
fn wild() -> impl Strategy<Value = f64> {
    let of = |(digits, exponent): (f64, i32)| {
        digits * 10f64.powi(exponent / 2) * 10f64.powi(exponent - exponent / 2)
    };
    prop_oneof![
        4 => -3.0..3.0f64,
        2 => (-9.9..9.9f64, -323..309i32).prop_map(of),
        1 => prop::num::f64::ANY,
        1 => prop::num::f64::SUBNORMAL,
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(0.0),
        1 => Just(1e6),
    ]
}

fn wild_axis() -> impl Strategy<Value = Axis> {
    let range = (any::<bool>(), wild(), wild());
    ("[ -~α-ω⁰₀]{0,60}", any::<bool>(), range).prop_map(|(label, log, (fixed, low, high))| {
        let axis = if log { Axis::log(label) } else { Axis::linear(label) };
        if fixed { axis.from_to(low, high) } else { axis }
    })
}

fn wild_panel() -> impl Strategy<Value = Panel> {
    let curve = (prop::collection::vec((wild(), wild()), 0..9), "[ -~α-ω]{0,50}");
    let contours = prop::option::of((wild(), wild(), wild()));
    ("[ -~α-ω]{0,50}", wild_axis(), wild_axis(), prop::collection::vec(curve, 0..5), contours)
        .prop_map(|(title, x, y, curves, contours)| {
            let curve = |(i, (points, label)): (usize, (Vec<(f64, f64)>, String))| {
                Series::new(label, points, Style::of_series(i))
            };
            let contours = contours.map(|(a, b, c)| {
                let height = |x: f64, y: f64| a + b * x * x + c * (x * y).sin();
                Contours::sample((-1.0, 2.0), (-1.0, 1.0), "height", height)
            });
            let series = curves.into_iter().enumerate().map(curve).collect();
            Panel { title, x, y, contours, series, ..Panel::default() }
        })
}

fn wild_figure() -> impl Strategy<Value = Figure> {
    ("[ -~α-ω]{0,120}", prop::collection::vec(wild_panel(), 0..5), 0..4usize)
        .prop_map(|(title, panels, columns)| Figure { title, panels, columns })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the numbers and the texts are.
    #[test]
    fn texts_of_wild_pictures_are_whole_and_apart(figure in wild_figure(), theme in 0..Theme::ALL.len()) {
        let look = Look { theme: Theme::ALL[theme], size: None };
        let picture = figure.draw(&look).unwrap();
        let complaints = complaints(picture.size(), &picture.texts());
        prop_assert!(complaints.is_empty(), "{}", complaints.join("\n"));
        let svg = picture.svg();
        // Labels may say anything.
        let mut tags = svg.split('<').map(|rest| rest.split('>').next().unwrap_or_default());
        prop_assert!(tags.all(|tag| !tag.contains("NaN") && !tag.contains("inf")), "{svg}");
        prop_assert!(picture.pdf().starts_with(b"%PDF-"));
    }

    #[test]
    fn curves_of_wild_pictures_are_seen(mut figure in wild_figure(), panel: prop::sample::Index, series: prop::sample::Index) {
        prop_assume!(!figure.panels.is_empty());
        let p = panel.index(figure.panels.len());
        prop_assume!(!figure.panels[p].series.is_empty());
        let s = series.index(figure.panels[p].series.len());
        // On top of all others.
        figure.panels[p].series.swap(0, s);
        figure.panels[p].series.truncate(1);
        let panel = &figure.panels[p];
        let has_place = |axis: &Axis, x: f64| match axis.scale {
            bea::plot::AxisScale::Log => x > 0.0,
            _ => !x.is_nan(),
        };
        let seen = panel.series[0].points.iter().any(|(x, y)| has_place(&panel.x, *x) && has_place(&panel.y, *y));
        let figure = with_green(&figure, p, 0);
        prop_assert_eq!(green(&figure.png()) > 0, seen);
    }
}

/// A million samples of noise, of which two stand out.
fn million() -> Figure {
    let mut state = 1u64;
    let mut noise = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let mut points: Vec<(f64, f64)> = (0..1_000_000).map(|i| (f64::from(i), noise())).collect();
    (points[123_456].1, points[654_321].1) = (3.0, -2.0);
    let y = Axis::linear("loss").from_to(-2.5, 3.5);
    let series = vec![Series::new("noise", points, Style::of_series(1).line())];
    let panel = Panel { x: Axis::linear("step"), y, series, ..Panel::default() };
    Figure { panels: vec![panel], ..Figure::default() }
}

#[test]
fn a_million_samples_keep_their_extremes() {
    let figure = million();
    let picture = figure.draw(&Look::default()).unwrap();
    let svg = picture.svg();
    assert!(svg.len() < 1_000_000, "{} bytes", svg.len());
    assert!(picture.pdf().len() < 1_000_000 && picture.png(192.0).len() < 1_000_000);
    // The highest and the lowest point of the curve are at the heights of 3 and -2.
    let curve = svg.split("<path d=\"M").find(|path| path.contains("#0072b2")).unwrap();
    let heights = curve.split('"').next().unwrap().split('L').map(|p| p.split(' ').nth(1).unwrap());
    let heights: Vec<f64> = heights.map(|y| y.parse().unwrap()).collect();
    let (low, high) = heights.iter().fold((f64::MAX, f64::MIN), |(l, h), y| (l.min(*y), h.max(*y)));
    assert!(((high - low) - 350.0 * 5.0 / 6.0).abs() < 0.02, "{low} {high}");
    // As marks as well.
    let mut marks = figure.clone();
    marks.panels[0].series[0].style = Style::of_series(1).markers();
    let svg = marks.svg();
    assert!(svg.len() < 1_000_000, "{} bytes", svg.len());
}

/// The mean difference of two images of equal size, in parts of 255, and the part of pixels that are not white in each.
fn compared(a: &tiny_skia::Pixmap, b: &tiny_skia::Pixmap) -> (f64, f64, f64) {
    assert_eq!((a.width(), a.height()), (b.width(), b.height()));
    let parts = |image: &tiny_skia::Pixmap| -> Vec<[u8; 3]> {
        image.pixels().iter().map(|p| [p.red(), p.green(), p.blue()]).collect()
    };
    let (a, b) = (parts(a), parts(b));
    let difference = |(a, b): (&[u8; 3], &[u8; 3])| -> f64 {
        (0..3).map(|i| f64::from(a[i].abs_diff(b[i]))).sum::<f64>() / 3.0
    };
    let drawn = |parts: &[[u8; 3]]| {
        let first = parts[0];
        parts.iter().filter(|p| **p != first).count() as f64 / parts.len() as f64
    };
    (a.iter().zip(&b).map(difference).sum::<f64>() / a.len() as f64, drawn(&a), drawn(&b))
}

/// Another program's picture of a file agrees with ours: on average to within 4 of 255, since letters are smoothed
/// differently, and about as much is drawn.
fn assert_agrees(name: &str, ours: &[u8], other: &[u8]) {
    let (ours, other) = (image(ours), image(other));
    let (difference, a, b) = compared(&ours, &other);
    assert!(difference < 4.0, "{name}: {difference:.2}");
    assert!(a > 0.01 && (a - b).abs() < 0.25 * a, "{name}: {a:.3} {b:.3}");
}

/// Pictures of a few kinds in every theme, with texts as texts and as outlines.
fn sample() -> Vec<(String, Picture)> {
    let kinds = ["one panel", "a landscape", "many curves", "all diverged"];
    let sample = drawn().into_iter().filter(|(name, _)| {
        kinds.iter().any(|kind| name.starts_with(&format!("{kind}, "))) && name.contains("None")
    });
    let sample: Vec<_> = sample.collect();
    assert_eq!(sample.len(), kinds.len() * Theme::ALL.len());
    sample
}

#[test]
fn librsvg_draws_the_same() {
    let Some(program) = needs::program(&["rsvg-convert"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    for (name, picture) in sample() {
        for svg in [picture.svg(), picture.outlined_svg()] {
            let (from, to) = (folder.path().join("a.svg"), folder.path().join("a.png"));
            std::fs::write(&from, svg).unwrap();
            run(Command::new(program).arg(&from).arg("-o").arg(&to));
            assert_agrees(&name, &picture.png(96.0), &std::fs::read(&to).unwrap());
        }
    }
}

#[test]
fn chromium_draws_the_same() {
    let Some(program) = needs::program(&["chromium", "chromium-browser", "google-chrome"]) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for (name, picture) in sample().into_iter().step_by(3) {
        let (from, to) = (folder.path().join("a.svg"), folder.path().join("a.png"));
        std::fs::write(&from, picture.svg()).unwrap();
        let (width, height) = picture.size();
        run(Command::new(program)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .arg(format!("--window-size={},{}", width.ceil(), height.ceil()))
            .arg(format!("--screenshot={}", to.display()))
            .arg(&from));
        assert_agrees(&name, &picture.png(96.0), &std::fs::read(&to).unwrap());
    }
}

/// A page of a PDF is what the PNG shows; its texts can be selected, and its font is in it.
#[test]
fn poppler_draws_the_same() {
    let Some(pdftoppm) = needs::program(&["pdftoppm"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    for (name, picture) in sample() {
        let (from, to) = (folder.path().join("a.pdf"), folder.path().join("a"));
        std::fs::write(&from, picture.pdf()).unwrap();
        run(Command::new(pdftoppm).args(["-r", "96", "-png", "-singlefile"]).arg(&from).arg(&to));
        let drawn = std::fs::read(to.with_extension("png")).unwrap();
        assert_agrees(&name, &picture.png(96.0), &drawn);
        let fonts = run(Command::new("pdffonts").arg(&from));
        let font = fonts.lines().find(|line| line.contains("DejaVuSans")).expect(&fonts);
        let columns: Vec<&str> = font.split_whitespace().collect();
        // Embedded, a subset, and with a map to Unicode.
        assert!(columns.windows(3).any(|yes| yes == ["yes", "yes", "yes"]), "{font}");
        let text = run(Command::new("pdftotext").args(["-raw"]).arg(&from).arg("-"));
        let squeezed = |text: &str| text.split_whitespace().collect::<String>();
        for shown in picture.texts() {
            assert!(
                squeezed(&text).contains(&squeezed(&shown.text)),
                "{name}: {shown:?} in {text}"
            );
        }
    }
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The SVG has what viewers know: no variables, no style sheets, nothing from elsewhere.
#[test]
fn svg_is_plain() {
    for (name, picture) in drawn() {
        for svg in [picture.svg(), picture.outlined_svg()] {
            for odd in ["var(", "<style", "href", "class=", "url(", "NaN"] {
                assert!(!svg.contains(odd), "{name}: {odd}");
            }
            assert_eq!(svg.matches('<').count(), svg.matches('>').count(), "{name}");
        }
        assert!(!picture.outlined_svg().contains("<text"), "{name}");
    }
}

#[test]
fn all_files_of_a_picture_are_written_at_once() {
    let figure = &kinds()[0].1;
    let folder = tempfile::tempdir().unwrap();
    let style = PictureStyle::default();
    let paths = write(folder.path(), "a", figure, &style).unwrap();
    let names = ["a.svg", "a.png", "a.pdf", "a.csv"].map(|name| folder.path().join(name));
    assert_eq!(paths, names);
    for ((name, bytes), path) in files("a", figure, &style).unwrap().iter().zip(&paths) {
        assert!(path.ends_with(name) && std::fs::read(path).unwrap() == *bytes, "{name}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4);
    // A PNG says its density: 192 dots an inch are 7559 a meter.
    let png = std::fs::read(&paths[1]).unwrap();
    assert_eq!(png[33..50], *b"\0\0\0\x09pHYs\0\0\x1d\x87\0\0\x1d\x87\x01");
    let missing = write(Path::new("/nonexistent/folder"), "a", figure, &style);
    assert!(matches!(missing, Err(PictureError::Io(..))));
    let dense = PictureStyle { dpi: 2400.0, ..style };
    let error = pictures("a", figure, &dense).unwrap_err().to_string();
    assert!(error.contains("2400 dpi are too many"), "{error}");
}

/// The data beside a picture are its points, with all of their digits.
#[test]
fn data_are_the_points() {
    let panel = axes(
        Axis::linear("time, t"),
        Axis::log("|θ|"),
        vec![(0.1, 1.0 / 3.0), (1.0, f64::INFINITY)],
    );
    let figure = Figure { panels: vec![lines(0), panel], ..Figure::default() };
    let text = data(&figure);
    assert!(
        text.starts_with("panel,x_axis,y_axis,series,x,y\n1,step,distance,curve 0,0,1\n"),
        "{text}"
    );
    assert!(text.ends_with(
        "2,\"time, t\",|θ|,a curve,0.1,0.3333333333333333\n2,\"time, t\",|θ|,a curve,1,inf\n"
    ));
    assert_eq!(text.lines().count(), 1 + 3 * 40 + 2);
}

/// A band is around its line, and its ends are in the data.
#[test]
fn data_have_the_ends_of_bands() {
    let around =
        Band { around: "a curve".into(), ..Band::new(vec![(0.0, 1.0, 2.0)], Color::of_series(0)) };
    let range = Band { label: "shaded".into(), ..Band::range((3.0, 4.0), Color::SOFT) };
    let panel = Panel {
        bands: vec![around, range],
        ..axes(Axis::linear("x"), Axis::linear("y"), vec![(0.0, 1.5)])
    };
    let text = data(&Figure { panels: vec![panel], ..Figure::default() });
    let rows = "1,x,y,a curve,0,1.5,,\n1,x,y,a curve,0,,1,2\n1,x,y,shaded,3,,-inf,inf\n1,x,y,shaded,4,,-inf,inf\n";
    assert_eq!(text, format!("panel,x_axis,y_axis,series,x,y,low,high\n{rows}"));
}

/// The titles of a row are on one line, also where one of its panels has a note.
#[test]
fn titles_of_a_row_are_level() {
    let titled = |title: &str, note: &str| Panel {
        title: title.into(),
        note: note.into(),
        ..axes(Axis::linear("x"), Axis::linear("y"), vec![(0.0, 1.0), (1.0, 2.0)])
    };
    let panels = vec![titled("nun", ""), titled("unn", "1 of 3 runs diverged")];
    let figure = Figure { panels, ..Figure::default() };
    let texts = figure.draw(&Look::default()).unwrap().texts();
    let top = |text: &str| texts.iter().find(|found| found.text == text).unwrap().top;
    assert_eq!(top("nun"), top("unn"));
    assert!(top("1 of 3 runs diverged") > top("unn"));
}
