//! What a simulation of an optimizer and its flows leaves behind: tables and pictures of the trajectories.

mod frame;
mod oscillations;
mod pictures;
mod tables;

pub use frame::Framing;
pub use oscillations::{
    covariance, has_oscillations, oscillations_csv, oscillations_text, sharpness,
};
pub use pictures::{Landscape, by_steps, distances, is_blank, losses};
pub use tables::{csv, csv_of_runs, json};
