//! Pictures: curves, contours and trajectories as SVG, PNG and PDF.
//!
//! A [`Figure`] says what is shown, a [`Look`] for which use; the same figure always gives the same bytes, also on a machine
//! without fonts or libraries. One layout serves all formats: it makes a list of shapes and texts with
//! their positions, a [`Picture`], which is then written as SVG, as pixels by `tiny-skia`, or as PDF by `pdf-writer` with a
//! subset of the font by `subsetter`. Contours come from the crate `contour`.
//!
//! The crate `plotters` is not used here since its coordinates are whole pixels, in SVG as well, which
//! makes smooth trajectories ragged, and since its areas have no holes, which contours need.
//!
//! ```
//! use bea_plot::{Axis, Figure, Panel, Series, Style};
//!
//! let points = (0..50).map(|i| (f64::from(i), 0.9f64.powi(i))).collect();
//! let panel = Panel {
//!     x: Axis::linear("steps"),
//!     y: Axis::log("loss"),
//!     series: vec![Series::new("gradient descent", points, Style::of_series(0))],
//!     ..Panel::default()
//! };
//! let figure = Figure { title: "Decay".into(), panels: vec![panel], columns: 1 };
//! assert!(figure.svg().starts_with("<svg"));
//! ```

mod axis;
mod band;
mod clip;
mod color;
mod contours;
mod display_list;
mod ends;
mod figure;
mod font;
mod interactive;
mod layout;
mod legend;
mod marker;
mod number;
mod panel;
mod pdf;
mod picture;
mod png;
mod shade;
mod svg;
mod theme;
mod thin;

pub use axis::{Axis, AxisScale};
pub use band::Band;
pub use color::Color;
pub use contours::Contours;
pub use figure::{Dash, Figure, Marker, Panel, Series, Style};
pub use interactive::Interactive;
pub use picture::{Look, Picture, TextBox, TooSmall};
pub use theme::Theme;
