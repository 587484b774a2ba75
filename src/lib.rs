#![doc = include_str!("../docs/library.md")]

pub use bea_flow::{codegen, curvature, flow, loss};
pub use bea_network as network;
pub use bea_network::training;
#[cfg(feature = "experiment")]
pub use bea_plot as plot;
pub use bea_series::{claim, exact, field, optimizer, render, series, source, tree};

#[cfg(feature = "command")]
pub mod cli;
#[cfg(feature = "experiment")]
pub mod experiment;
#[cfg(feature = "command")]
#[doc(hidden)]
pub mod reproduction;
#[cfg(feature = "experiment")]
pub mod simulation;
