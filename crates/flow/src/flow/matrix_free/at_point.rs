//! The principal flow of an objective at one real point.

use super::krylov::NOT_CONVERGED;
use crate::curvature::{Error, Hessian, Krylov, KrylovSpace, MatrixFunction, Operator};
use crate::flow::Stop;
use crate::flow::branch::principal_root::PrincipalRoot;
use crate::flow::dense::decomposition::Decomposition;
use crate::flow::velocity::is_finite;
use crate::objective::{Objective, ObjectiveError};
use nalgebra::DVector;
use num_complex::Complex64;

/// The principal flow of gradient descent on an objective, `θ̇ = φ(hH) g` with `φ(z) = log(1-z)/z` (paper,
/// Definition 3.1), at single points. Trajectories are simulated by [`simulate`](crate::flow::simulate).
pub struct PrincipalFlow<'a> {
    objective: &'a dyn Objective,
    /// How the function of the Hessian is approximated.
    pub krylov: Krylov,
}

/// The principal flow of gradient descent on an objective.
///
/// ```
/// // E = x² + 3y²
/// let objective = bea_flow::objective(2)
///     .gradient(|x, g| {
///         g.copy_from_slice(&[2.0 * x[0], 6.0 * x[1]]);
///         x[0] * x[0] + 3.0 * x[1] * x[1]
///     })
///     .hessian_vector(|_, v, out| out.copy_from_slice(&[2.0 * v[0], 6.0 * v[1]]));
/// let h = 0.3;
/// let v = bea_flow::flow::principal_flow(&objective).velocity(&[1.0, 0.5], h)?.value;
/// // log(1-hλ)/h x: real for hλ = 0.6, with the argument +iπ for hλ = 1.8.
/// assert!((v[0].re - 0.4f64.ln() / h).abs() < 1e-12 && v[0].im.abs() < 1e-12);
/// assert!((v[1].im - std::f64::consts::PI / h * 0.5).abs() < 1e-12);
/// # Ok::<(), bea_flow::flow::Stop>(())
/// ```
pub fn principal_flow(objective: &dyn Objective) -> PrincipalFlow<'_> {
    // Not more digits than the products have.
    let tolerance = f64::max(Krylov::default().tolerance, 10.0 * objective.precision());
    PrincipalFlow { objective, krylov: Krylov { tolerance, ..Krylov::default() } }
}

impl PrincipalFlow<'_> {
    /// `φ(hH) g` at the real point `x`, from Hessian-vector products there. It is real where no eigenvalue
    /// that the gradient has a part along is above `1/h`; beyond, the logarithm of `1-hλ < 0` has the
    /// argument `+iπ`. No complex point is evaluated for it. The value comes with an estimate of its
    /// error and the number of products.
    ///
    /// # Errors
    /// An objective that fails or has no Hessian-vector products; an eigenvalue at the branch point
    /// `hλ = 1`; a Krylov space that does not suffice.
    pub fn velocity(&self, x: &[f64], h: f64) -> Result<MatrixFunction, Stop> {
        let (found, expected) = (x.len(), self.objective.dimension());
        if found != expected {
            let name = "the point";
            return Err(ObjectiveError::Length { name, found, expected }.into());
        }
        let mut force = vec![0.0; x.len()];
        self.objective.gradient(x, &mut force)?;
        force.iter_mut().for_each(|g| *g = -*g);
        let jacobian = Jacobian { hessian: Hessian::new(self.objective, x), h };
        let mut space = KrylovSpace::new(&jacobian, &force)?;
        let (c, estimate, converged) =
            self.krylov.grow(&mut space, &jacobian, 0, |space| self.of_projected(space))?;
        let value = space.combine(&c);
        if !is_finite(&value) {
            Err(Stop::BranchPoint)
        } else if converged {
            Ok(MatrixFunction { value, estimate, products: space.len(), converged })
        } else {
            Err(NOT_CONVERGED)
        }
    }

    /// `‖f‖ log(1+T)/T e_1` of the projected matrix `T` of `-hH`, and what rounding leaves uncertain of it.
    fn of_projected(&self, space: &KrylovSpace<f64>) -> Result<(DVector<Complex64>, f64), Stop> {
        if space.is_empty() {
            return Ok((DVector::zeros(0), 0.0));
        }
        let t = space.projected();
        let t = (&t + t.transpose()) * 0.5;
        let decomposition = Decomposition::of(t.map(Complex64::from), true)?;
        let mut start = vec![Complex64::ZERO; space.len()];
        start[0] = space.norm().into();
        let descent = PrincipalRoot::Descent;
        let z = decomposition.eigenvalues().iter();
        let at = z.map(|&z| descent.above(z)).collect::<Result<Vec<_>, _>>()?;
        let value = descent.log_over(&decomposition, &at, &start)?;
        let rounding = descent.rounding(&at, self.objective.precision());
        Ok((value.into(), rounding * space.norm()))
    }
}

/// `-hH(x)`.
struct Jacobian<'a> {
    hessian: Hessian<'a>,
    h: f64,
}

impl Operator for Jacobian<'_> {
    fn dimension(&self) -> usize {
        self.hessian.dimension()
    }

    fn apply(&self, block: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, Error> {
        let mut products = self.hessian.apply(block)?;
        products.iter_mut().flatten().for_each(|x| *x *= -self.h);
        Ok(products)
    }
}
