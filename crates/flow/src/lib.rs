//! Losses as formulas, curvature, and the flows that optimizers follow: the numerical half of
//! [bea](https://docs.rs/bea).
//!
//! - [`mod@objective`]: what is asked of a loss, and one's own losses from closures
//! - [`loss`]: formulas, their exact derivatives, and their evaluation at real and complex points
//! - [`curvature`]: eigenpairs, spectral densities and matrix functions from products with a symmetric matrix
//! - [`flow`]: flows of an optimizer on a loss, their integration, and [`flow::stability`]
//! - [`random`]: the generators of all random numbers
//! - [`codegen`]: losses and velocities of flows as Rust, C, Python and Julia

pub mod codegen;
pub mod curvature;
pub mod flow;
pub mod loss;
pub mod objective;
pub mod random;

pub use objective::objective;
