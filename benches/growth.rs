//! How the cost grows from order to order: `cargo bench --bench growth` prints a Markdown table and
//! draws it to `docs/growth.svg`. Each time is the best of several runs, on all cores.
//!
//! The baseline of a derivation is what cannot be avoided: listing the trees and writing a file of
//! the same size.

use bea::field::Field;
use bea::optimizer;
use bea::render::{Document, Format};
use bea::series::derive;
use bea::tree::TreeTable;
use plotters::prelude::*;
use std::io::{BufWriter, Write};
use std::sync::Arc;
use std::time::Instant;

const ORDERS: std::ops::RangeInclusive<usize> = 4..=16;

fn best<T>(runs: usize, mut work: impl FnMut() -> T) -> f64 {
    (0..runs)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(work());
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
}

struct Row {
    order: usize,
    trees: usize,
    list: f64,
    derive: f64,
    whole: f64,
    baseline: f64,
}

fn measure(order: usize) -> Result<Row, Box<dyn std::error::Error>> {
    let runs = if order > 13 { 5 } else { 20 };
    let method = optimizer::find("gradient_descent")?.method(&Default::default())?;
    let trees = Arc::new(TreeTable::all(1, order + 1));
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("field.json");
    let list = best(runs, || TreeTable::all(1, order + 1));
    let derived = best(runs, || derive(&method, trees.clone()));
    let write = || -> Result<(), Box<dyn std::error::Error>> {
        let field = Field::derive("gradient_descent", &method, order)?;
        let mut out = BufWriter::new(std::fs::File::create(&path)?);
        Format::Json.write(&Document::new(&field), &mut out)?;
        out.flush()?;
        Ok(())
    };
    write()?;
    let whole = best(runs, write);
    let bytes = std::fs::read(&path)?;
    let baseline = best(runs, || -> std::io::Result<()> {
        std::hint::black_box(TreeTable::all(1, order + 1));
        let mut out = std::fs::File::create(&path)?;
        for chunk in bytes.chunks(1 << 16) {
            out.write_all(chunk)?;
        }
        Ok(())
    });
    Ok(Row { order, trees: trees.len(), list, derive: derived, whole, baseline })
}

fn draw(rows: &[Row]) -> Result<(), Box<dyn std::error::Error>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/growth.svg");
    let root = SVGBackend::new(path, (760, 460)).into_drawing_area();
    root.fill(&WHITE)?;
    let top = rows.iter().map(|r| r.whole).fold(0.0, f64::max) * 2e3;
    let low = rows.iter().map(|r| r.list).fold(f64::INFINITY, f64::min) * 5e2;
    let mut chart = ChartBuilder::on(&root)
        .margin(12)
        .caption("Gradient descent, order by order", ("sans-serif", 18))
        .x_label_area_size(38)
        .y_label_area_size(64)
        .build_cartesian_2d(*ORDERS.start() as f64..*ORDERS.end() as f64, (low..top).log_scale())?;
    chart.configure_mesh().x_desc("order").y_desc("milliseconds").draw()?;
    type Series = (&'static str, RGBColor, fn(&Row) -> f64);
    let series: [Series; 4] = [
        ("list the trees", RGBColor(120, 120, 120), |r| r.list),
        ("list and write the file", RGBColor(200, 120, 0), |r| r.baseline),
        ("derive all coefficients", RGBColor(0, 90, 170), |r| r.derive),
        ("bea derive to JSON, in process", RGBColor(170, 0, 60), |r| r.whole),
    ];
    for (label, color, value) in series {
        let points = rows.iter().map(|r| (r.order as f64, value(r) * 1e3));
        chart
            .draw_series(LineSeries::new(points, color.stroke_width(2)))?
            .label(label)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .draw()?;
    root.present()?;
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `cargo test` runs bench targets too: measure only when asked to.
    if !std::env::args().any(|a| a == "--bench") {
        return Ok(());
    }
    println!(
        "| order | trees | list [ms] | derive [ms] | list + write [ms] | whole [ms] | ratio |"
    );
    println!("|---|---|---|---|---|---|---|");
    let mut rows = Vec::new();
    for order in ORDERS {
        let r = measure(order)?;
        println!(
            "| {} | {} | {:.3} | {:.3} | {:.3} | {:.3} | {:.2} |",
            r.order,
            r.trees,
            r.list * 1e3,
            r.derive * 1e3,
            r.baseline * 1e3,
            r.whole * 1e3,
            r.whole / r.baseline
        );
        rows.push(r);
    }
    draw(&rows)
}
