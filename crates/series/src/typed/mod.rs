//! Nonlinear optimizers: their steps as programs, and their modified fields by typed trees.
//!
//! Every variable of step ν is a power series in `h` whose coefficients are polynomials in ν, as for a linear step
//! ([`series`](crate::series)). They are sums of products of powers of elementwise functions of the gradient and of the
//! derivatives `∇^(k+1)E` applied to such products: trees whose nodes are operations and whose edges say which argument
//! they feed. The flow of the modified field passes through `θ_ν` at time `νh`, so the field is the coefficient of ν.

mod atoms;
mod calculus;
mod domain;
mod error;
mod field;
mod functions;
mod interval;
mod matrices;
mod matrix;
mod operations;
mod potential;
mod power;
mod program;
mod reading;
mod solve;
mod sum;
mod taylor;
mod vanishing;
mod witness;

pub(crate) use atoms::{Atom, Atoms, Opaque, Product};
pub(crate) use domain::Domain;
pub use error::TypedError;
pub use field::{Elementary, Factor, Factors, Terms, TypedCoordinate, TypedField, TypedTerm};
pub(crate) use interval::Interval;
pub use matrix::{Axis, Matrix, MatrixFunction};
pub use potential::TypedPotential;
pub use program::{Exponent, Function, Initial, Node, NodeId, Program, Shape, TypedState};
pub(crate) use reading::Reading;
pub(crate) use sum::Sum;
pub(crate) use vanishing::Vanishing;

/// With which factor each buffer forgets, a step: `c` of its recurrence `x(ν+1) = c x(ν) + r(ν)` where `h = 0` and bias
/// corrections are 1.
///
/// # Errors
/// A buffer whose old value is multiplied by something that is no number.
///
/// ```
/// use bea_series::optimizer::{self, Step};
/// let Step::Nonlinear(adam) = optimizer::find("adam")?.step(&[].into())? else { panic!("a root") };
/// let factors = bea_series::typed::forgetting(&adam)?;
/// let shown: Vec<String> = factors.iter().map(|c| c.display(&adam.parameters)).collect();
/// assert_eq!(shown, ["beta1", "beta2"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn forgetting(program: &Program) -> Result<Vec<crate::exact::RationalFunction>, TypedError> {
    let mut solver = solve::Solver::new(program, None);
    let buffers = (1..program.states.len()).filter(|i| !program.states[*i].slow);
    buffers.map(|i| solver.factor(i)).collect()
}

/// Whether a step has constant parts: every buffer settles where `h = 0`, and nothing is singular or has a kink there.
///
/// # Errors
/// What has no constant part, and where.
pub fn check(program: &Program) -> Result<(), TypedError> {
    let mut solver = solve::Solver::new(program, None);
    solver.stand_still()?;
    for k in 0..2 {
        for state in 0..program.states.len() {
            solver.state(state, k)?;
        }
    }
    Ok(())
}
