//! Objectives that are evaluated outside of Python, where Ctrl-C would wait for the end of all evaluations.

use crate::wait::check_signals;
use bea::objective::{Jet, Objective, ObjectiveError};
use bea::typed::Matrix;
use numpy::Complex64;

/// An objective, with Ctrl-C before every evaluation at a real point.
pub(crate) struct Interruptible<O>(pub(crate) O);

impl<O: Objective> Objective for Interruptible<O> {
    fn dimension(&self) -> usize {
        self.0.dimension()
    }

    fn value_and_gradient(&self, x: &[f64], gradient: &mut [f64]) -> Result<f64, ObjectiveError> {
        check_signals()?;
        self.0.value_and_gradient(x, gradient)
    }

    fn value(&self, x: &[f64]) -> Result<f64, ObjectiveError> {
        check_signals()?;
        self.0.value(x)
    }

    fn max_directions(&self) -> usize {
        self.0.max_directions()
    }

    fn hessian_vectors(
        &self,
        x: &[f64],
        block: &[&[f64]],
    ) -> Result<Vec<Vec<f64>>, ObjectiveError> {
        check_signals()?;
        self.0.hessian_vectors(x, block)
    }

    fn contraction(
        &self,
        x: &[f64],
        directions: &[&[f64]],
        out: &mut [f64],
    ) -> Result<(), ObjectiveError> {
        check_signals()?;
        self.0.contraction(x, directions, out)
    }

    fn has_jets(&self) -> bool {
        self.0.has_jets()
    }

    fn gradient_jet(
        &self,
        x: &Jet<f64>,
        wanted: &[(usize, usize)],
    ) -> Result<Vec<Vec<f64>>, ObjectiveError> {
        check_signals()?;
        self.0.gradient_jet(x, wanted)
    }

    fn hessian_jet(&self, x: &Jet<f64>, v: &Jet<f64>) -> Result<Vec<Vec<f64>>, ObjectiveError> {
        check_signals()?;
        self.0.hessian_jet(x, v)
    }

    fn complex(&self) -> Option<&dyn Objective<Complex64>> {
        self.0.complex()
    }

    fn is_matrix_free(&self) -> bool {
        self.0.is_matrix_free()
    }

    fn matrices(&self) -> Vec<Matrix> {
        self.0.matrices()
    }

    fn precision(&self) -> f64 {
        self.0.precision()
    }
}
