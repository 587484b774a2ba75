//! Objectives: a loss `E(x)` of `d` variables, its gradient, and what else it can do.
//!
//! [`Objective`] is what everything in bea that looks at a loss asks for: spectra, flows, training. Formulas
//! ([`LossObjective`](crate::flow::LossObjective)) and networks are objectives that have all derivatives, at real and
//! complex points. One's own is made of closures by [`objective`], or by implementing the trait: a
//! value and a gradient are enough, and what needs more than an objective has says so
//! ([`ObjectiveError::Missing`]).
//!
//! | what | needs, beside gradients |
//! |---|---|
//! | steps of an optimizer, `ngf`, `positive`, `interpolated:n` | nothing |
//! | spectra, densities, stability coefficients, `igr`, `flip:k`, DAL, one velocity of `pf` | Hessian-vector products |
//! | `order:n`, `pf+np:n` | contractions along up to `n` directions |
//! | `order:1` of nonlinear steps | Hessian-vector products |
//! | `order:n` of nonlinear steps, `interpolated:n` of those with buffers | jets |
//! | `cubic` | contractions along two directions |
//! | `pf`, `pf+np:n`, `cubic` followed beyond `hλ = 1` | complex points |
//!
//! ```
//! use bea_flow::curvature::spectrum;
//!
//! // E = 3x² + y²/2
//! let bowl = bea_flow::objective(2)
//!     .gradient(|x, g| {
//!         g.copy_from_slice(&[6.0 * x[0], x[1]]);
//!         3.0 * x[0] * x[0] + 0.5 * x[1] * x[1]
//!     })
//!     .hessian_vector(|_, v, out| out.copy_from_slice(&[6.0 * v[0], v[1]]));
//! let sharpest = spectrum(&bowl, &[0.1, 0.2])?.top(1)?;
//! assert!((sharpest[0].value - 6.0).abs() < 1e-12);
//! assert!(bowl.counts().hessian_vectors >= 2);
//! # Ok::<(), bea_flow::curvature::Error>(())
//! ```

mod closures;
mod counts;
mod error;
mod jet;
mod scalar;
mod weight_decay;

pub use closures::{Answer, Closures, WithoutGradient, complex, objective};
pub use counts::{Call, Counter, Counts};
pub use error::{Capability, Cause, ObjectiveError, Site};
pub use jet::Jet;
pub use scalar::Scalar;
pub use weight_decay::WeightDecay;

use bea_series::typed::Matrix;
use nalgebra::DMatrix;
use num_complex::Complex64;

/// Objectives of more variables than this do not have their Hessian assembled, unless they say so: an
/// eigendecomposition would cost more than all products that a Krylov space needs.
pub const ASSEMBLED: usize = 100;

/// A loss `E(x)` of `d` variables, at real points (`S = f64`), or its holomorphic continuation at
/// complex ones (`S = Complex64`), whose derivatives conjugate nothing.
///
/// Only [`dimension`](Self::dimension) and [`value_and_gradient`](Self::value_and_gradient) are required. An
/// objective names what else it has by [`max_directions`](Self::max_directions) and
/// [`complex`](Self::complex). Where it is undefined it may return numbers that are not finite, or an error.
/// Vectors have `d` entries; callers see to that.
pub trait Objective<S: Scalar = f64>: Send + Sync {
    /// `d`.
    fn dimension(&self) -> usize;

    /// `E(x)`, and `∇E(x)` into `gradient`.
    ///
    /// # Errors
    /// Whatever keeps the objective from being evaluated; so for all methods.
    fn value_and_gradient(&self, x: &[S], gradient: &mut [S]) -> Result<S, ObjectiveError>;

    /// `E(x)`, with a gradient that is thrown away unless an objective knows better.
    ///
    /// # Errors
    /// As [`value_and_gradient`](Self::value_and_gradient).
    fn value(&self, x: &[S]) -> Result<S, ObjectiveError> {
        self.value_and_gradient(x, &mut vec![S::zero(); self.dimension()])
    }

    /// `∇E(x)` into `out`, with a value that is thrown away unless an objective knows better.
    ///
    /// # Errors
    /// As [`value_and_gradient`](Self::value_and_gradient).
    fn gradient(&self, x: &[S], out: &mut [S]) -> Result<(), ObjectiveError> {
        self.value_and_gradient(x, out).map(|_| ())
    }

    /// The largest number `m` of directions that [`contraction`](Self::contraction) takes: the
    /// objective has `m + 1` derivatives. 0: it has gradients alone; 1: Hessian-vector products too.
    fn max_directions(&self) -> usize {
        0
    }

    /// `∇²E(x) v` for all vectors of a block, which may share work.
    ///
    /// # Errors
    /// [`ObjectiveError::Missing`] unless an objective provides it, or
    /// [`contraction`](Self::contraction) along one direction.
    fn hessian_vectors(&self, x: &[S], block: &[&[S]]) -> Result<Vec<Vec<S>>, ObjectiveError> {
        let product = |v: &&[S]| {
            let mut out = vec![S::zero(); x.len()];
            self.contraction(x, &[v], &mut out).map(|()| out)
        };
        block.iter().map(product).collect()
    }

    /// `∇²E(x)`, `d × d`, into `out`; column by column from products, unless an objective knows better.
    ///
    /// # Errors
    /// As [`hessian_vectors`](Self::hessian_vectors).
    fn hessian(&self, x: &[S], out: &mut DMatrix<S>) -> Result<(), ObjectiveError> {
        let identity = DMatrix::<S>::identity(x.len(), x.len());
        let units: Vec<&[S]> = identity.as_slice().chunks_exact(x.len().max(1)).collect();
        for (i, column) in self.hessian_vectors(x, &units)?.iter().enumerate() {
            out.column_mut(i).copy_from_slice(column);
        }
        Ok(())
    }

    /// `∇^{m+1}E(x)[v_1, …, v_m]` into `out`, for `m` from 1 to [`max_directions`](Self::max_directions).
    ///
    /// # Errors
    /// [`ObjectiveError::Missing`] unless an objective provides it.
    fn contraction(
        &self,
        _x: &[S],
        directions: &[&[S]],
        _out: &mut [S],
    ) -> Result<(), ObjectiveError> {
        Err(ObjectiveError::Missing(Capability::of_directions(directions.len())))
    }

    /// Whether the objective has [`gradient_jet`](Self::gradient_jet) and [`hessian_jet`](Self::hessian_jet) of every degree.
    fn has_jets(&self) -> bool {
        false
    }

    /// The coefficients of `h^(k-j) s^j` in `∇E(x(h, s))` for the pairs `(k, j)` of `wanted`, `k` at most the degree `K`
    /// of `x`. They contain derivatives up to `∇^{K+1}E`: those of degree 0 are the gradient, those of degree 1 are
    /// Hessian-vector products.
    ///
    /// # Errors
    /// [`ObjectiveError::Missing`] of degree 2 and above, unless an objective provides it.
    fn gradient_jet(
        &self,
        x: &Jet<S>,
        wanted: &[(usize, usize)],
    ) -> Result<Vec<Vec<S>>, ObjectiveError> {
        let zero = || vec![S::zero(); self.dimension()];
        let coefficient = |&(k, j): &(usize, usize)| match (k, x.coefficient(k, j)) {
            (0, _) => {
                let mut out = zero();
                self.gradient(x.point(), &mut out).map(|()| out)
            }
            (1, None) => Ok(zero()),
            (1, Some(v)) => Ok(self.hessian_vectors(x.point(), &[v])?.remove(0)),
            _ => Err(ObjectiveError::Missing(Capability::of_directions(k))),
        };
        wanted.iter().map(coefficient).collect()
    }

    /// The part of the highest degree of `∇²E(x(h, s)) v(h, s)`, of two jets of the same degree: of degree 0 it is a
    /// Hessian-vector product.
    ///
    /// # Errors
    /// [`ObjectiveError::Missing`] of degree 1 and above, unless an objective provides it.
    fn hessian_jet(&self, x: &Jet<S>, v: &Jet<S>) -> Result<Vec<Vec<S>>, ObjectiveError> {
        match x.degree() {
            0 => self.hessian_vectors(x.point(), &[v.point()]),
            degree => Err(ObjectiveError::Missing(Capability::of_directions(degree + 1))),
        }
    }

    /// The same objective at complex points, if it is defined there.
    fn complex(&self) -> Option<&dyn Objective<Complex64>> {
        None
    }

    /// The matrices that the variables are, one after the other, each row by row: of what steps with matrices, such as Muon's,
    /// take them. Empty where they are none.
    fn matrices(&self) -> Vec<Matrix> {
        Vec::new()
    }

    /// Whether the Hessian is too large to be assembled: flows then take products alone, and never call
    /// [`hessian`](Self::hessian).
    fn is_matrix_free(&self) -> bool {
        self.dimension() > ASSEMBLED
    }

    /// The machine epsilon of the numbers that derivatives are computed with. Iterations do not ask for
    /// more digits than that gives.
    fn precision(&self) -> f64 {
        f64::EPSILON
    }
}
