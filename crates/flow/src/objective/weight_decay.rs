//! Weight decay: the loss of a field that is a multiple of the parameters.

use super::{Jet, Objective, ObjectiveError, Scalar};
use nalgebra::DMatrix;
use num_complex::Complex64;

/// `E(θ) = λ/2 θᵀθ`, whose field is `f(θ) = -λ θ`.
///
/// ```
/// use bea_flow::objective::{Objective, WeightDecay};
/// let decay = WeightDecay { dimension: 2, lambda: 0.5 };
/// let mut gradient = [0.0; 2];
/// assert_eq!(decay.value_and_gradient(&[2.0, -4.0], &mut gradient)?, 5.0);
/// assert_eq!(gradient, [1.0, -2.0]);
/// # Ok::<(), bea_flow::objective::ObjectiveError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct WeightDecay {
    /// How many parameters there are.
    pub dimension: usize,
    /// `λ`.
    pub lambda: f64,
}

impl<S: Scalar> Objective<S> for WeightDecay {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn value_and_gradient(&self, x: &[S], gradient: &mut [S]) -> Result<S, ObjectiveError> {
        self.gradient(x, gradient)?;
        self.value(x)
    }

    fn value(&self, x: &[S]) -> Result<S, ObjectiveError> {
        let square = x.iter().fold(S::zero(), |sum, &x| sum + x * x);
        Ok(square * S::of_complex((self.lambda / 2.0).into()))
    }

    fn gradient(&self, x: &[S], out: &mut [S]) -> Result<(), ObjectiveError> {
        let lambda = S::of_complex((self.lambda).into());
        out.iter_mut().zip(x).for_each(|(out, &x)| *out = x * lambda);
        Ok(())
    }

    /// All: they are 0 from the third derivative on.
    fn max_directions(&self) -> usize {
        usize::MAX
    }

    fn hessian(&self, _x: &[S], out: &mut DMatrix<S>) -> Result<(), ObjectiveError> {
        out.fill(S::zero());
        out.fill_diagonal(S::of_complex((self.lambda).into()));
        Ok(())
    }

    fn contraction(
        &self,
        _x: &[S],
        directions: &[&[S]],
        out: &mut [S],
    ) -> Result<(), ObjectiveError> {
        match directions {
            [v] => self.gradient(v, out),
            _ => {
                out.fill(S::zero());
                Ok(())
            }
        }
    }

    fn has_jets(&self) -> bool {
        true
    }

    fn gradient_jet(
        &self,
        x: &Jet<S>,
        wanted: &[(usize, usize)],
    ) -> Result<Vec<Vec<S>>, ObjectiveError> {
        let mut out = vec![vec![S::zero(); self.dimension]; wanted.len()];
        for (out, &(k, j)) in out.iter_mut().zip(wanted) {
            if let Some(part) = x.coefficient(k, j) {
                self.gradient(part, out)?;
            }
        }
        Ok(out)
    }

    fn hessian_jet(&self, _x: &Jet<S>, v: &Jet<S>) -> Result<Vec<Vec<S>>, ObjectiveError> {
        self.gradient_jet(v, &v.last())
    }

    fn complex(&self) -> Option<&dyn Objective<Complex64>> {
        Some(self)
    }

    /// The other losses of a problem decide.
    fn is_matrix_free(&self) -> bool {
        false
    }
}
