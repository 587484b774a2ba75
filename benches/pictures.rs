//! Pictures of a million samples: laid out, and written in every format.

use bea::plot::{Axis, Figure, Look, Panel, Series, Style};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

const SAMPLES: usize = 1_000_000;

/// Noise along a line, and the same points in a random order, joined and as marks.
fn figures() -> [(&'static str, Figure); 3] {
    let mut state = 1u64;
    let mut number = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let line: Vec<(f64, f64)> = (0..SAMPLES).map(|i| (i as f64, number())).collect();
    let scattered: Vec<(f64, f64)> = (0..SAMPLES).map(|_| (number(), number())).collect();
    let figure = |points: Vec<(f64, f64)>, style| {
        let series = vec![Series::new("samples", points, style)];
        let (x, y) = (Axis::linear("step"), Axis::linear("loss"));
        Figure { panels: vec![Panel { x, y, series, ..Panel::default() }], ..Figure::default() }
    };
    let style = Style::of_series(1);
    [
        ("a line", figure(line, style.line())),
        ("a path", figure(scattered.clone(), style.line())),
        ("marks", figure(scattered, style.markers())),
    ]
}

fn pictures(criterion: &mut Criterion) {
    for (name, figure) in figures() {
        let picture = figure.draw(&Look::default()).expect("there is room");
        let bytes = [picture.svg().len(), picture.png(192.0).len(), picture.pdf().len()];
        println!("{name}: SVG, PNG and PDF of {bytes:?} bytes");
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10);
        group.bench_function("laid out", |b| b.iter(|| figure.draw(black_box(&Look::default()))));
        group.bench_function("svg", |b| b.iter(|| picture.svg()));
        group.bench_function("png", |b| b.iter(|| picture.png(192.0)));
        group.bench_function("pdf", |b| b.iter(|| picture.pdf()));
        group.finish();
    }
}

criterion_group!(benches, pictures);
criterion_main!(benches);
