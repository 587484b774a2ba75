//! Hessians and Jacobians that are known by their products with vectors.

use crate::curvature::{Error, Operator, Scalar};
use crate::flow::{Objective, Problem};
use num_complex::Complex64;

/// The Hessian `∇²E(θ)` of a loss as an operator: real symmetric at a real point (`S = f64`), complex
/// symmetric at a complex one (`S = Complex64`).
///
/// ```
/// use bea_flow::curvature::Lanczos;
/// use bea_series::exact::Rational;
/// use bea_flow::flow::{Hessian, LossObjective};
/// use bea_flow::loss::Graph;
/// // x²/2 + 2 y²
/// let mut graph = Graph::new();
/// let (x, y) = (graph.variable(0), graph.variable(1));
/// let (x2, y2) = (graph.powi(x, 2), graph.powi(y, 2));
/// let (a, b) = (graph.scale(&Rational::new(1, 2).unwrap(), x2), graph.scale(&2.into(), y2));
/// let e = graph.add(a, b);
/// let loss = LossObjective::new(graph, e, 2);
/// let hessian = Hessian::new(&loss, vec![0.3, -0.1]);
/// let sharpest = Lanczos::default().run(&hessian, &[])?;
/// assert!((sharpest.largest[0].value - 4.0).abs() < 1e-12);
/// # Ok::<(), bea_flow::curvature::Error>(())
/// ```
pub struct Hessian<'a, S> {
    objective: &'a dyn Objective,
    theta: Vec<S>,
}

impl<'a, S: Scalar> Hessian<'a, S> {
    /// Of `objective` at `theta`.
    pub fn new(objective: &'a dyn Objective, theta: Vec<S>) -> Hessian<'a, S> {
        Hessian { objective, theta }
    }
}

impl<S: Scalar> Operator<S> for Hessian<'_, S> {
    fn dimension(&self) -> usize {
        self.objective.dimension()
    }

    fn apply(&self, block: &[Vec<S>]) -> Result<Vec<Vec<S>>, Error> {
        let expected = self.objective.dimension();
        if self.theta.len() != expected {
            return Err(Error::Length { found: self.theta.len(), expected });
        }
        let products = self.objective.hessian_vectors(&complex(&self.theta), &block_of(block));
        Ok(products.into_iter().map(back).collect())
    }
}

/// `hJ(θ)` of the field of a problem. Real numbers are for real points alone.
pub(in crate::flow) struct Jacobian<'a, S> {
    problem: &'a Problem,
    theta: Vec<Complex64>,
    h: f64,
    scalar: std::marker::PhantomData<S>,
}

impl<'a, S: Scalar> Jacobian<'a, S> {
    pub(in crate::flow) fn new(
        problem: &'a Problem,
        theta: &[Complex64],
        h: f64,
    ) -> Jacobian<'a, S> {
        Jacobian { problem, theta: theta.to_vec(), h, scalar: std::marker::PhantomData }
    }

    /// Whether `Jᵀ = J`.
    pub(in crate::flow) fn is_symmetric(&self) -> bool {
        self.problem.is_gradient()
    }
}

impl<S: Scalar> Operator<S> for Jacobian<'_, S> {
    fn dimension(&self) -> usize {
        self.problem.dimension()
    }

    fn apply(&self, block: &[Vec<S>]) -> Result<Vec<Vec<S>>, Error> {
        let mut products = self.problem.jacobian_vectors(&self.theta, &block_of(block));
        products.iter_mut().flatten().for_each(|x| *x *= self.h);
        Ok(products.into_iter().map(back).collect())
    }
}

fn complex<S: Scalar>(v: &[S]) -> Vec<Complex64> {
    v.iter().map(|x| x.to_complex()).collect()
}

fn block_of<S: Scalar>(block: &[Vec<S>]) -> Vec<Vec<Complex64>> {
    block.iter().map(|v| complex(v)).collect()
}

/// The real part alone, if `S` is real.
fn back<S: Scalar>(v: Vec<Complex64>) -> Vec<S> {
    v.into_iter().map(S::of_complex).collect()
}
