//! Neural networks with exact derivatives of every order, at real and complex parameters.
#![allow(dead_code)]

pub mod algebra;
pub mod architecture;
mod array;
pub mod data;
pub mod device;
mod evaluation;
mod forward;
pub mod function;
mod lanes;
mod series;
mod tape;

pub use evaluation::{Mismatch, NetworkLoss, Scalar};
