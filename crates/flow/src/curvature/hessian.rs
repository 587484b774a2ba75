//! The Hessian of an objective.

use super::{Density, Eigenpair, Error, Lanczos, Operator, Quadrature};
use crate::objective::{Objective, ObjectiveError, Scalar};
use std::borrow::Cow;

/// The Hessian `∇²E(x)` of an objective as an operator: real symmetric at a real point (`S = f64`), complex
/// symmetric at a complex one (`S = Complex64`).
///
/// ```
/// use bea_flow::curvature::{Hessian, Lanczos};
/// use bea_series::exact::Rational;
/// use bea_flow::flow::LossObjective;
/// use bea_flow::loss::Graph;
/// // x²/2 + 2 y²
/// let mut graph = Graph::new();
/// let (x, y) = (graph.variable(0), graph.variable(1));
/// let (x2, y2) = (graph.powi(x, 2), graph.powi(y, 2));
/// let (a, b) = (graph.scale(&Rational::new(1, 2).unwrap(), x2), graph.scale(&2.into(), y2));
/// let e = graph.add(a, b);
/// let loss = LossObjective::new(graph, e, 2);
/// let hessian: Hessian = Hessian::new(&loss, vec![0.3, -0.1]);
/// let sharpest = Lanczos::default().run(&hessian, &[])?;
/// assert!((sharpest.largest[0].value - 4.0).abs() < 1e-12);
/// # Ok::<(), bea_flow::curvature::Error>(())
/// ```
pub struct Hessian<'a, S: Scalar = f64> {
    objective: &'a dyn Objective<S>,
    x: Cow<'a, [S]>,
}

impl<'a, S: Scalar> Hessian<'a, S> {
    /// Of `objective` at `x`.
    pub fn new(objective: &'a dyn Objective<S>, x: impl Into<Cow<'a, [S]>>) -> Hessian<'a, S> {
        Hessian { objective, x: x.into() }
    }
}

impl<S: Scalar> Operator<S> for Hessian<'_, S> {
    fn dimension(&self) -> usize {
        self.objective.dimension()
    }

    fn apply(&self, block: &[Vec<S>]) -> Result<Vec<Vec<S>>, Error> {
        let expected = self.objective.dimension();
        if self.x.len() != expected {
            return Err(Error::Length { found: self.x.len(), expected });
        }
        let block: Vec<&[S]> = block.iter().map(Vec::as_slice).collect();
        Ok(self.objective.hessian_vectors(&self.x, &block)?)
    }
}

impl Hessian<'_> {
    /// The `k` largest eigenvalues with their eigenvectors, in descending order; all where there are fewer. For
    /// other ends, tolerances and starts see [`Lanczos`].
    ///
    /// # Errors
    /// An objective that fails or has no Hessian-vector products; eigenvalues that are not found.
    pub fn top(&self, k: usize) -> Result<Vec<Eigenpair>, Error> {
        let largest = k.min(self.dimension());
        let found = Lanczos { largest, ..Lanczos::default() }.run(self, &[])?;
        if found.converged {
            return Ok(found.largest);
        }
        let products = found.products;
        Err(Error::Operator(format!("{products} products did not suffice for {k} eigenvalues")))
    }

    /// The density of all eigenvalues, as [`Density::default`] estimates it.
    ///
    /// # Errors
    /// An objective that fails or has no Hessian-vector products.
    pub fn density(&self) -> Result<Quadrature, Error> {
        Density::default().run(self)
    }
}

/// The Hessian of an objective at a real point, to ask for its spectrum.
///
/// ```
/// // E = x⁴/4 + y²
/// let objective = bea_flow::objective(2)
///     .gradient(|x, g| {
///         g.copy_from_slice(&[x[0].powi(3), 2.0 * x[1]]);
///         x[0].powi(4) / 4.0 + x[1] * x[1]
///     })
///     .hessian_vector(|x, v, out| {
///         out.copy_from_slice(&[3.0 * x[0] * x[0] * v[0], 2.0 * v[1]]);
///     });
/// let top = bea_flow::curvature::spectrum(&objective, &[2.0, 0.0])?.top(5)?;
/// assert_eq!(top.len(), 2);
/// assert!((top[0].value - 12.0).abs() < 1e-12 && (top[1].value - 2.0).abs() < 1e-12);
/// # Ok::<(), bea_flow::curvature::Error>(())
/// ```
///
/// # Errors
/// A point of the wrong length; an objective without Hessian-vector products.
pub fn spectrum<'a>(objective: &'a dyn Objective, x: &'a [f64]) -> Result<Hessian<'a>, Error> {
    let (found, expected) = (x.len(), objective.dimension());
    if found != expected {
        return Err(ObjectiveError::Length { name: "the point", found, expected }.into());
    }
    if objective.max_directions() == 0 {
        return Err(ObjectiveError::Missing(crate::objective::Capability::HessianVectors).into());
    }
    Ok(Hessian::new(objective, x))
}
