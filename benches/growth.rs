//! How the cost grows from order to order: `cargo bench --bench growth` prints a Markdown table and
//! draws it to `docs/growth.svg`. Each time is the best of several runs, on all cores.
//!
//! The baseline of a derivation is what cannot be avoided: listing the trees and writing a file of
//! the same size.

use bea::field::Field;
use bea::optimizer;
use bea::plot::{Axis, Figure, Panel, Series, Style};
use bea::render::{Document, Format};
use bea::series::derive;
use bea::tree::TreeTable;
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

fn draw(rows: &[Row]) -> std::io::Result<()> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/growth.svg");
    type Column = (&'static str, fn(&Row) -> f64);
    let columns: [Column; 4] = [
        ("whole: list, derive, reduce and write JSON", |row| row.whole),
        ("list + write: list the trees, and write a file of that size", |row| row.baseline),
        ("derive: the weights of all trees", |row| row.derive),
        ("list: all trees", |row| row.list),
    ];
    let series = columns.iter().enumerate().map(|(i, (label, value))| {
        let points = rows.iter().map(|row| (row.order as f64, value(row) * 1e3));
        Series::new(*label, points.collect(), Style::of_series(i).solid())
    });
    let panel = Panel {
        x: Axis { whole: true, ..Axis::linear("order") },
        y: Axis::log("milliseconds"),
        series: series.collect(),
        ..Panel::default()
    };
    let last = rows.last().expect("orders");
    let title = format!(
        "The modified field of gradient descent up to order {} in h takes {:.2} s, {:.1} times what its trees and its file take",
        last.order,
        last.whole,
        last.whole / last.baseline
    );
    let figure = Figure { title, panels: vec![panel], columns: 1 };
    std::fs::write(path, figure.svg())
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
    draw(&rows)?;
    Ok(())
}
