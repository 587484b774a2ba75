//! Objectives that are evaluated outside of Python, where Ctrl-C would wait for the end of all evaluations.

use crate::wait::check_signals;
use bea::cli::embedded::Control;
use bea::objective::{Jet, Objective, ObjectiveError};
use bea::typed::Matrix;
use numpy::Complex64;
use std::sync::Arc;

/// Whether to go on.
type Check = Box<dyn Fn() -> Result<(), ObjectiveError> + Send + Sync>;

/// An objective that asks before every evaluation at a real point whether to go on.
pub(crate) struct Interruptible {
    inner: Arc<dyn Objective>,
    check: Check,
}

impl Interruptible {
    /// Until there is a signal, Ctrl-C above all, in Python's main thread.
    pub fn by_signals(inner: Arc<dyn Objective>) -> Interruptible {
        Interruptible { inner, check: Box::new(check_signals) }
    }

    /// Until the work that `control` belongs to is stopped.
    pub fn by(inner: Arc<dyn Objective>, control: Arc<Control>) -> Interruptible {
        let check = move || match control.is_stopped() {
            true => Err(ObjectiveError::other("interrupted")),
            false => Ok(()),
        };
        Interruptible { inner, check: Box::new(check) }
    }
}

impl Objective for Interruptible {
    fn dimension(&self) -> usize {
        self.inner.dimension()
    }

    fn value_and_gradient(&self, x: &[f64], gradient: &mut [f64]) -> Result<f64, ObjectiveError> {
        (self.check)()?;
        self.inner.value_and_gradient(x, gradient)
    }

    fn value(&self, x: &[f64]) -> Result<f64, ObjectiveError> {
        (self.check)()?;
        self.inner.value(x)
    }

    fn max_directions(&self) -> usize {
        self.inner.max_directions()
    }

    fn hessian_vectors(
        &self,
        x: &[f64],
        block: &[&[f64]],
    ) -> Result<Vec<Vec<f64>>, ObjectiveError> {
        (self.check)()?;
        self.inner.hessian_vectors(x, block)
    }

    fn contraction(
        &self,
        x: &[f64],
        directions: &[&[f64]],
        out: &mut [f64],
    ) -> Result<(), ObjectiveError> {
        (self.check)()?;
        self.inner.contraction(x, directions, out)
    }

    fn has_jets(&self) -> bool {
        self.inner.has_jets()
    }

    fn gradient_jet(
        &self,
        x: &Jet<f64>,
        wanted: &[(usize, usize)],
    ) -> Result<Vec<Vec<f64>>, ObjectiveError> {
        (self.check)()?;
        self.inner.gradient_jet(x, wanted)
    }

    fn hessian_jet(&self, x: &Jet<f64>, v: &Jet<f64>) -> Result<Vec<Vec<f64>>, ObjectiveError> {
        (self.check)()?;
        self.inner.hessian_jet(x, v)
    }

    fn complex(&self) -> Option<&dyn Objective<Complex64>> {
        self.inner.complex()
    }

    fn is_matrix_free(&self) -> bool {
        self.inner.is_matrix_free()
    }

    fn matrices(&self) -> Vec<Matrix> {
        self.inner.matrices()
    }

    fn precision(&self) -> f64 {
        self.inner.precision()
    }
}
