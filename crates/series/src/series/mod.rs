//! Series over trees (B-series), their weights as polynomials in the step number, and the algebra
//! of backward error analysis.

mod bseries;
mod composition;
mod conditions;
mod engine;
mod flow;
mod general_linear;
mod matrix;
mod recurrence;
mod ring;
mod runge_kutta;
mod scaled;
mod slow_manifold;
mod start;
mod substitution;
mod sweep;
mod univariate;
mod weights;

pub use bseries::{BSeries, SeriesError};
pub use conditions::{EnergyDefect, PairDefect};
pub use engine::{ModifiedField, derive};
pub use general_linear::{
    Combination, GeneralLinearMethod, MethodError, Stage, State, VectorField,
};
pub use matrix::{
    Matrix, characteristic_polynomial, inverse as matrix_inverse, product as matrix_product,
};
pub use recurrence::Recurrence;
pub use runge_kutta::{Tableau, TableauError, elementary_weights};
pub use start::{Start, StartError};
