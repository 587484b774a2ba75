//! Jacobians that are known by their products with vectors.

use crate::curvature::{Error, Operator};
use crate::flow::Problem;
use num_complex::Complex64;

/// `hJ(θ)` of the field of a problem, at a real point (`S = f64`) or any.
pub(in crate::flow) struct Jacobian<'a, S> {
    problem: &'a Problem,
    theta: Vec<S>,
    h: f64,
}

impl<'a> Jacobian<'a, f64> {
    /// At the real part of `theta`.
    pub(in crate::flow) fn real(problem: &'a Problem, theta: &[Complex64], h: f64) -> Self {
        Jacobian { problem, theta: theta.iter().map(|z| z.re).collect(), h }
    }
}

impl<S> Jacobian<'_, S> {
    /// Whether `Jᵀ = J`.
    pub(in crate::flow) fn is_symmetric(&self) -> bool {
        self.problem.is_gradient()
    }
}

impl<'a> Jacobian<'a, Complex64> {
    pub(in crate::flow) fn new(problem: &'a Problem, theta: &[Complex64], h: f64) -> Self {
        Jacobian { problem, theta: theta.to_vec(), h }
    }
}

impl Operator<f64> for Jacobian<'_, f64> {
    fn dimension(&self) -> usize {
        self.problem.dimension()
    }

    fn apply(&self, block: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, Error> {
        let block: Vec<&[f64]> = block.iter().map(Vec::as_slice).collect();
        let mut products = self.problem.real_jacobian_vectors(&self.theta, &block)?;
        products.iter_mut().flatten().for_each(|x| *x *= self.h);
        Ok(products)
    }
}

impl Operator<Complex64> for Jacobian<'_, Complex64> {
    fn dimension(&self) -> usize {
        self.problem.dimension()
    }

    fn apply(&self, block: &[Vec<Complex64>]) -> Result<Vec<Vec<Complex64>>, Error> {
        let mut products = self.problem.jacobian_vectors(&self.theta, block)?;
        products.iter_mut().flatten().for_each(|x| *x *= self.h);
        Ok(products)
    }
}
