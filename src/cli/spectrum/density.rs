//! The files of a spectral density.

use crate::cli::picture::PictureOptions;
use crate::csv;
use bea_flow::curvature::{Error, Quadrature};
use bea_plot::{Axis, Figure, Panel, Series, Style};
use miette::miette;

/// What the folder holds.
pub(super) const FILES: [&str; 5] =
    ["density.csv", "quadrature.csv", "density.svg", "density.png", "density.pdf"];

/// Points of the curve.
const POINTS: usize = 2000;
/// The standard deviation of the normal distribution that every node is spread to, as a part of the
/// spectrum's extent.
pub(super) const WIDTH: f64 = 0.004;

/// The density as a curve, the quadrature's nodes and weights, and the picture in every format.
/// `dimension`: the number of eigenvalues; `matrix`: the name of the matrix.
pub(super) fn files(
    density: &Quadrature,
    dimension: usize,
    matrix: &str,
    look: &PictureOptions,
) -> miette::Result<Vec<(String, Vec<u8>)>> {
    let (first, last) = (density.nodes[0], density.nodes[density.nodes.len() - 1]);
    let extent = match last - first {
        // A single eigenvalue: any width shows it.
        0.0 => first.abs().max(1.0),
        extent => extent,
    };
    let width = WIDTH * extent;
    let curve = density.grid(width, POINTS).map_err(|error: Error| miette!("{error}"))?;
    let figure = figure(&curve, width, dimension, matrix);
    let nodes = density.nodes.iter().copied().zip(density.weights.iter().copied());
    let mut files = vec![
        (FILES[0].to_string(), table(["eigenvalue", "density"], curve)),
        (FILES[1].to_string(), table(["node", "weight"], nodes)),
    ];
    files.extend(look.pictures("density", &figure)?);
    Ok(files)
}

fn table(names: [&str; 2], rows: impl IntoIterator<Item = (f64, f64)>) -> Vec<u8> {
    csv::text(names, rows.into_iter().map(|(x, y)| [x, y].map(csv::number))).into_bytes()
}

/// On a logarithmic axis that reaches a little below the peak of one eigenvalue: isolated eigenvalues
/// are what the picture is about.
fn figure(curve: &[(f64, f64)], width: f64, dimension: usize, matrix: &str) -> Figure {
    let single = 1.0 / (dimension as f64 * width * std::f64::consts::TAU.sqrt());
    let highest = curve.iter().fold(single, |most, point| most.max(point.1));
    let panel = Panel {
        x: Axis::linear(format!("eigenvalue of the {matrix}")),
        y: Axis::log("density").from_to(0.05 * single, 2.0 * highest),
        series: vec![Series::new("", curve.to_vec(), Style::of_series(0).line())],
        ..Panel::default()
    };
    Figure { title: String::new(), panels: vec![panel], columns: 1 }
}
