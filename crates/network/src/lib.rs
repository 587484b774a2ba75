//! Neural networks with exact derivatives of every order, at real and complex parameters.

pub mod algebra;
pub mod architecture;
mod array;
mod buffer;
pub mod data;
pub mod device;
mod evaluation;
mod function;
pub mod graph;
mod host;
pub mod initialise;
mod lanes;
mod memory;
mod mismatch;
mod objective;
mod point;
mod product;
mod series;
mod shards;
mod small;
mod suited;
mod tape;
#[cfg(feature = "accelerator")]
mod tensors;
pub mod training;
pub mod weights;

pub use bea_flow::curvature::Hessian;
pub use evaluation::{NetworkLoss, Start};
pub use mismatch::Mismatch;
pub use objective::GaussNewton;
pub use point::Scalar;
pub use suited::{check_layout, suited, usual_criterion};
