//! Series over trees (B-series), their weights as polynomials in the step number, and the algebra
//! of backward error analysis.

mod engine;
mod general_linear;
mod matrix;
mod recurrence;
mod ring;
mod scaled;
mod slow_manifold;
mod sweep;
mod weights;

pub use engine::{ModifiedField, derive};
pub use general_linear::{
    Combination, GeneralLinearMethod, MethodError, Stage, State, VectorField,
};
