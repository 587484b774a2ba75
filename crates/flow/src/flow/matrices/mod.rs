//! Matrices of parameters: their products, polar factors and inverse roots, and the series of these.

mod decomposition;
mod dense;
mod function;
mod series;

pub use function::MatrixFault;
pub(in crate::flow) use function::{identity, of_entries, product, transpose};
pub(in crate::flow) use series::{Decompositions, Matrices, product_part};
