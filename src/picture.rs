//! The files of a picture: SVG, PNG, PDF, and its data as CSV. Every command that draws writes them here.

use crate::csv;
use bea_plot::{Figure, Look, Picture, TooSmall};
use bea_series::text::file;
use std::io;
use std::path::{Path, PathBuf};

/// How pictures are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PictureStyle {
    /// Theme and size.
    pub look: Look,
    /// Pixels of a PNG for each inch of 96 CSS pixels.
    pub dpi: f64,
    /// Whether the texts of an SVG are outlines, which look the same in every viewer but cannot be selected.
    pub outlined: bool,
}

impl Default for PictureStyle {
    fn default() -> PictureStyle {
        PictureStyle { look: Look::default(), dpi: 192.0, outlined: false }
    }
}

/// Why a picture is not written.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// Its size leaves no room for the panels.
    #[error(transparent)]
    TooSmall(#[from] TooSmall),
    /// A PNG would have more than [`MOST_PIXELS`].
    #[error("{0:.0} by {1:.0} pixels at {2} dpi are too many, {MOST_PIXELS:e} is the most")]
    TooLarge(f64, f64, f64),
    /// A file cannot be written.
    #[error("cannot write {path}: {cause}", path = .0.display(), cause = .1)]
    Io(PathBuf, io::Error),
}

/// The most pixels of a PNG.
pub const MOST_PIXELS: f64 = 1e8;
/// The endings of the files of [`pictures`].
pub const FORMATS: [&str; 3] = ["svg", "png", "pdf"];

/// The figure in a style.
///
/// # Errors
/// The size that the style asks for is too small for the panels, or the PNG too large.
pub fn drawn(figure: &Figure, style: &PictureStyle) -> Result<Picture, PictureError> {
    let picture = figure.draw(&style.look)?;
    let (width, height) = picture.size();
    if width * height * (style.dpi / 96.0).powi(2) > MOST_PIXELS {
        return Err(PictureError::TooLarge(width, height, style.dpi));
    }
    Ok(picture)
}

/// The SVG of a picture in this style.
pub fn svg(picture: &Picture, style: &PictureStyle) -> String {
    if style.outlined { picture.outlined_svg() } else { picture.svg() }
}

/// `NAME.svg`, `NAME.png` and `NAME.pdf` with their bytes.
///
/// # Errors
/// As [`drawn`].
pub fn pictures(
    name: &str,
    figure: &Figure,
    style: &PictureStyle,
) -> Result<Vec<(String, Vec<u8>)>, PictureError> {
    let picture = drawn(figure, style)?;
    let contents = [svg(&picture, style).into_bytes(), picture.png(style.dpi), picture.pdf()];
    Ok(FORMATS.iter().map(|ending| format!("{name}.{ending}")).zip(contents).collect())
}

/// What a figure draws: a row a point of a curve or of a band, with the number of its panel, from 1 on, the titles of the
/// panel's axes, and the label of the curve, or of that which the band is around. Points of curves have an `y`, those of bands
/// a `low` and a `high`, two columns that are there only where there are bands. Numbers have all of their digits.
pub fn data(figure: &Figure) -> String {
    let bands = figure.panels.iter().flat_map(|panel| &panel.bands);
    let columns = if bands.into_iter().any(|band| !band.points.is_empty()) { 8 } else { 6 };
    let rows = figure.panels.iter().enumerate().flat_map(|(number, panel)| {
        let row = move |label: &str, x: f64, values: [Option<f64>; 3]| {
            let place = [(number + 1).to_string(), panel.x.label.clone(), panel.y.label.clone()];
            let values = values.map(|value| value.map_or_else(String::new, csv::number));
            let texts = place.into_iter().chain([label.to_string(), csv::number(x)]).chain(values);
            texts.take(columns).collect::<Vec<String>>()
        };
        let curves = panel.series.iter().flat_map(move |series| {
            series.points.iter().map(move |(x, y)| row(&series.label, *x, [Some(*y), None, None]))
        });
        let bands = panel.bands.iter().flat_map(move |band| {
            let label = if band.around.is_empty() { &band.label } else { &band.around };
            let point = move |&(x, low, high): &(f64, f64, f64)| {
                row(label, x, [None, Some(low), Some(high)])
            };
            band.points.iter().map(point)
        });
        curves.chain(bands)
    });
    let names = ["panel", "x_axis", "y_axis", "series", "x", "y", "low", "high"];
    csv::text(&names[..columns], rows)
}

/// `NAME.csv`, the [`data`] beside the [`pictures`], with the bytes of all.
///
/// # Errors
/// As [`pictures`].
pub fn files(
    name: &str,
    figure: &Figure,
    style: &PictureStyle,
) -> Result<Vec<(String, Vec<u8>)>, PictureError> {
    let mut files = pictures(name, figure, style)?;
    files.push((format!("{name}.csv"), data(figure).into_bytes()));
    Ok(files)
}

/// Writes all [`files`] of a picture into a folder that exists. Each appears, or replaces another, only when it is complete.
/// Returns their paths.
///
/// # Errors
/// As [`pictures`]; a file cannot be written.
pub fn write(
    folder: &Path,
    name: &str,
    figure: &Figure,
    style: &PictureStyle,
) -> Result<Vec<PathBuf>, PictureError> {
    let write = |(name, bytes): (String, Vec<u8>)| {
        let path = folder.join(name);
        match file::replace(&path, |out| out.write_all(&bytes)) {
            Ok(()) => Ok(path),
            Err(error) => Err(PictureError::Io(path, error)),
        }
    };
    files(name, figure, style)?.into_iter().map(write).collect()
}
