#![doc = include_str!("../docs/library.md")]
//!
//! # The order of imports
//!
//! What stands later in this list imports what stands earlier, never the other way round: the crates `bea-series`,
//! `bea-flow`, `bea-network` and `bea-plot`; in this crate [`picture`], [`simulation`], [`experiment`], `reproduction` (the figures of
//! the paper and their judges, which are no public API), [`cli`]. Within [`experiment`] the order is `config`, `run`,
//! `folder`, `outcome`, `measured`, `plots`, `report`, `conduct`; within `reproduction` it is `judgement`, the figures, the
//! list of them.

pub use bea_flow::curvature::spectrum;
pub use bea_flow::flow::principal_flow;
pub use bea_flow::objective::{self, Objective, objective};
pub use bea_flow::{codegen, curvature, flow, loss};
pub use bea_network as network;
pub use bea_network::training::{self, Dal};
#[cfg(feature = "experiment")]
pub use bea_plot as plot;
pub use bea_series::{
    claim, derivation, exact, expression, field, formula, optimizer, render, series, source, tree,
    typed,
};

#[cfg(feature = "command")]
pub mod cli;
#[cfg(feature = "experiment")]
mod counts;
#[cfg(feature = "experiment")]
mod csv;
#[cfg(feature = "experiment")]
pub mod experiment;
#[cfg(feature = "experiment")]
pub mod picture;
#[cfg(feature = "command")]
#[doc(hidden)]
pub mod reproduction;
#[cfg(feature = "experiment")]
pub mod simulation;
