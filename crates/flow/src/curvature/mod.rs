//! Curvature from products with a symmetric matrix alone: eigenpairs, spectra, matrix functions.
//!
//! The matrix is an [`Operator`]; nothing here ever sees its entries, and everything is
//! deterministic, random vectors coming from a seed.
//!
//! | | |
//! |---|---|
//! | [`Hessian`] | that of an objective, as an operator; [`spectrum`] for short |
//! | [`Lanczos`] | the largest and smallest eigenvalues, with eigenvectors and residuals |
//! | [`Preconditioned`] | a matrix in the metric of a positive diagonal |
//! | [`eigenvalues`] | all of them, of a small matrix |
//! | [`Density`] | the spectral density by stochastic Lanczos quadrature |
//! | [`Krylov`] | `φ(A) g` for any function `φ`, with an estimate of its error |
//!
//! ```
//! use bea_flow::curvature::Lanczos;
//! use nalgebra::{DMatrix, DVector};
//! let a = DMatrix::from_diagonal(&DVector::from_fn(100, |i, _| (i + 1) as f64));
//! let found = Lanczos { largest: 2, smallest: 1, ..Lanczos::default() }.run(&a, &[])?;
//! assert!((found.largest[1].value - 99.0).abs() < 1e-9);
//! assert!((found.smallest[0].value - 1.0).abs() < 1e-9);
//! # Ok::<(), bea_flow::curvature::Error>(())
//! ```

mod complement;
mod density;
mod factorisation;
mod hessian;
mod krylov;
mod lanczos;
mod operator;
mod orthogonal;
mod preconditioned;
mod search;
mod spectrum;

pub use crate::objective::Scalar;
pub use crate::random::Probe;
pub use density::{Density, Quadrature};
pub use hessian::{Hessian, spectrum};
pub use krylov::{Krylov, KrylovSpace, MatrixFunction};
pub use lanczos::{Eigenpair, Extremes, Lanczos, Verification};
pub use operator::{Error, Operator};
pub use preconditioned::Preconditioned;
pub use spectrum::{assemble, eigenvalues};
