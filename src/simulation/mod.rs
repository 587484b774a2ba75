//! What a simulation of an optimizer and its flows leaves behind: tables and pictures of the trajectories.

mod frame;
mod pictures;
mod tables;

pub use frame::Framing;
pub use pictures::{Landscape, distances, is_blank, losses};
pub use tables::{csv, csv_of_runs, json};
