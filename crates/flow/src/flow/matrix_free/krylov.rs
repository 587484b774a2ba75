//! The principal flow from products with the Jacobian alone, `θ̇ = ‖f‖ V log P(T)/T e_1`.

use crate::curvature::{Krylov, KrylovSpace, MatrixFunction, Operator, Scalar};
use crate::flow::branch::continuation::{Branches, Continuation, Coverage, Eigenvector};
use crate::flow::branch::principal_root::PrincipalRoot;
use crate::flow::dense::decomposition::Decomposition;
use crate::flow::matrix_free::products::Jacobian;
use crate::flow::velocity::{Velocity, is_finite, is_real};
use crate::flow::{Branch, Problem, Stop};
use nalgebra::{DMatrix, DVector};
use num_complex::Complex64;

pub(in crate::flow) const NOT_CONVERGED: Stop = Stop::NoConvergence("the Krylov approximation");

/// The most products at a complex point, unless the full dimension is affordable: to decompose a larger complex
/// matrix costs more than the products.
const COMPLEX: usize = 150;

/// `hJ(θ)` on the Krylov space of a vector.
pub(in crate::flow) enum Projection<'a> {
    /// Of a real vector and a real symmetric matrix.
    Real(Jacobian<'a, f64>, KrylovSpace<f64>),
    /// Of any others.
    Complex(Jacobian<'a, Complex64>, KrylovSpace<Complex64>),
}

impl<'a> Projection<'a> {
    /// The space of dimension 0.
    pub(in crate::flow) fn new(
        problem: &'a Problem,
        theta: &[Complex64],
        h: f64,
        f: &[Complex64],
    ) -> Result<Projection<'a>, Stop> {
        if problem.is_gradient() && is_real(theta) && is_real(f) {
            let jacobian = Jacobian::real(problem, theta, h);
            let f: Vec<f64> = f.iter().map(|x| x.re).collect();
            let space = KrylovSpace::new(&jacobian, &f)?;
            return Ok(Projection::Real(jacobian, space));
        }
        let jacobian = Jacobian::new(problem, theta, h);
        let space = KrylovSpace::new(&jacobian, f)?;
        Ok(Projection::Complex(jacobian, space))
    }

    /// Extends the space until the coefficients of a function of the projected matrix settle: see
    /// [`Krylov::grow`].
    pub(in crate::flow) fn grow(
        &mut self,
        krylov: &Krylov,
        least: usize,
        mut function: impl FnMut(&Ritz<'_>) -> Result<(Vec<Complex64>, f64), Stop>,
    ) -> Result<Growth, Stop> {
        let (c, estimate, converged) = match self {
            Projection::Real(jacobian, space) => krylov.grow(space, jacobian, least, |space| {
                of_projected(space, jacobian, true, &mut function)
            })?,
            Projection::Complex(jacobian, space) => {
                let all = jacobian.dimension() <= krylov.steps;
                let steps = if all { krylov.steps } else { krylov.steps.min(COMPLEX) };
                Krylov { steps, ..*krylov }.grow(space, jacobian, least, |space| {
                    of_projected(space, jacobian, false, &mut function)
                })?
            }
        };
        Ok(Growth { c, estimate, converged })
    }

    /// One product more.
    pub(in crate::flow) fn extend(&mut self) -> Result<(), Stop> {
        match self {
            Projection::Real(jacobian, space) => space.extend(jacobian)?,
            Projection::Complex(jacobian, space) => space.extend(jacobian)?,
        }
        Ok(())
    }

    pub(in crate::flow) fn is_invariant(&self) -> bool {
        match self {
            Projection::Real(_, space) => space.is_invariant(),
            Projection::Complex(_, space) => space.is_invariant(),
        }
    }

    pub(in crate::flow) fn len(&self) -> usize {
        match self {
            Projection::Real(_, space) => space.len(),
            Projection::Complex(_, space) => space.len(),
        }
    }

    /// The Ritz values; the space must not be empty.
    pub(in crate::flow) fn ritz(&self) -> Result<Ritz<'_>, Stop> {
        match self {
            Projection::Real(jacobian, space) => Ritz::new(space, jacobian, true),
            Projection::Complex(jacobian, space) => Ritz::new(space, jacobian, false),
        }
    }

    /// The residuals `β |y_m|` of the Ritz vectors `V y`, the columns of a matrix.
    pub(in crate::flow) fn residuals(&self, y: &DMatrix<Complex64>) -> Vec<f64> {
        let coupling = match self {
            Projection::Real(_, space) => space.coupling(),
            Projection::Complex(_, space) => space.coupling(),
        };
        y.column_iter().map(|y| coupling * y[y.len() - 1].norm() / y.norm()).collect()
    }

    /// `V c`.
    pub(in crate::flow) fn combine(&self, c: &DVector<Complex64>) -> Vec<Complex64> {
        match self {
            Projection::Real(_, space) => space.combine(c),
            Projection::Complex(_, space) => space.combine(c),
        }
    }
}

/// What [`Projection::grow`] returns.
pub(in crate::flow) struct Growth {
    pub(in crate::flow) c: DVector<Complex64>,
    pub(in crate::flow) estimate: f64,
    pub(in crate::flow) converged: bool,
}

/// The projected matrix `T` of a Krylov space.
pub(in crate::flow) struct Ritz<'a> {
    /// That of `T`: Ritz values and vectors.
    pub(in crate::flow) decomposition: Decomposition,
    /// `‖f‖ e_1`.
    pub(in crate::flow) start: Vec<Complex64>,
    space: &'a dyn Combine,
    is_symmetric: bool,
}

/// A Krylov space over any numbers.
trait Combine {
    /// `V c`.
    fn combine(&self, c: &DVector<Complex64>) -> Vec<Complex64>;
}

impl<S: Scalar> Combine for KrylovSpace<S> {
    fn combine(&self, c: &DVector<Complex64>) -> Vec<Complex64> {
        KrylovSpace::combine(self, c)
    }
}

impl<'a> Ritz<'a> {
    fn new<S: Scalar>(
        space: &'a KrylovSpace<S>,
        jacobian: &Jacobian<'_, S>,
        is_real: bool,
    ) -> Result<Self, Stop> {
        let t = space.projected().map(|x| x.to_complex());
        // But for rounding T is symmetric.
        let t = if is_real { (&t + t.transpose()) * Complex64::from(0.5) } else { t };
        let mut start = vec![Complex64::ZERO; space.len()];
        start[0] = space.norm().into();
        let decomposition = Decomposition::of(t, is_real)?;
        Ok(Ritz { decomposition, start, space, is_symmetric: jacobian.is_symmetric() })
    }

    /// The branches of the Ritz values.
    pub(in crate::flow) fn branches(&self, continuation: &Continuation) -> Result<Branches, Stop> {
        continuation.of(self.decomposition.eigenvalues(), &|which| self.vectors(which))
    }

    /// Ritz vectors; those from the left are only known where the matrix is symmetric.
    fn vectors(&self, which: &[usize]) -> Option<Vec<Eigenvector>> {
        let basis = if self.is_symmetric { self.decomposition.basis().ok()? } else { return None };
        let vector = |&i: &usize| {
            let right =
                DVector::from_vec(self.space.combine(&basis.vectors.column(i).into_owned()));
            let square = right.dot(&right);
            (square != Complex64::ZERO)
                .then(|| Eigenvector { left: right.transpose() / square, right })
        };
        which.iter().map(vector).collect()
    }
}

fn of_projected<S: Scalar>(
    space: &KrylovSpace<S>,
    jacobian: &Jacobian<'_, S>,
    is_real: bool,
    function: &mut impl FnMut(&Ritz<'_>) -> Result<(Vec<Complex64>, f64), Stop>,
) -> Result<(DVector<Complex64>, f64), Stop> {
    if space.is_empty() {
        return Ok((DVector::zeros(0), 0.0));
    }
    let (c, rounding) = function(&Ritz::new(space, jacobian, is_real)?)?;
    Ok((c.into(), rounding * space.norm()))
}

/// `pf` and `pf-even` of any optimizer with one vector field, matrix-free.
pub(in crate::flow) struct KrylovFlow<'a> {
    problem: &'a Problem,
    /// `z = hJ`, or `J` alone where the step size is a parameter of the method.
    argument: f64,
    continuation: Continuation,
    krylov: Krylov,
    /// With how many products the next evaluation begins to look for convergence, four fewer than the
    /// last one took: points follow one another closely.
    least: usize,
    /// The point where the velocity was computed last, at its acceptance.
    known: Option<(Vec<Complex64>, Vec<Complex64>)>,
}

impl<'a> KrylovFlow<'a> {
    pub(in crate::flow) fn new(
        problem: &'a Problem,
        h: f64,
        continuation: Continuation,
        krylov: Krylov,
    ) -> Self {
        let argument = continuation.root.argument(h);
        KrylovFlow { problem, argument, continuation, krylov, least: 0, known: None }
    }

    /// The value of the field, and the space in which it was found.
    fn field(&mut self, theta: &[Complex64]) -> Result<(MatrixFunction, Projection<'a>), Stop> {
        let mut f = vec![Complex64::ZERO; self.problem.dimension()];
        self.problem.total(theta, &mut f)?;
        let mut space = Projection::new(self.problem, theta, self.argument, &f)?;
        let (continuation, root) = (&self.continuation, &self.continuation.root);
        let mut uncertain = false;
        let Growth { c, estimate, converged } = space.grow(&self.krylov, self.least, |ritz| {
            let branches = ritz.branches(continuation)?;
            uncertain = branches.uncertain;
            let value = root.log_over(&ritz.decomposition, &branches.at, &ritz.start)?;
            Ok((value, root.rounding(&branches.at, self.problem.precision())))
        })?;
        continuation.check(uncertain)?;
        self.least = if converged { space.len().saturating_sub(4) } else { 0 };
        let value = space.combine(&c);
        Ok((MatrixFunction { value, estimate, products: space.len(), converged }, space))
    }
}

impl Velocity for KrylovFlow<'_> {
    fn velocity(&mut self, theta: &[Complex64], out: &mut [Complex64]) -> Result<(), Stop> {
        if let Some((_, value)) = self.known.as_ref().filter(|(at, _)| at == theta) {
            out.copy_from_slice(value);
            return Ok(());
        }
        let (found, _) = self.field(theta)?;
        if !found.converged {
            return Err(match self.continuation.root {
                PrincipalRoot::Descent => NOT_CONVERGED,
                PrincipalRoot::Algebraic(_) => Stop::Unresolved(found.products),
            });
        }
        out.copy_from_slice(&found.value);
        Ok(())
    }

    fn accept(&mut self, theta: &[Complex64]) -> Result<(), Stop> {
        if !self.continuation.follows() {
            return Ok(());
        }
        let (found, space) = self.field(theta)?;
        follow(&mut self.continuation, &space)?;
        // The integrator asks for the velocity at the point it has just accepted.
        self.known = found.converged.then(|| (theta.to_vec(), found.value));
        Ok(())
    }

    fn branch_distance(&self) -> f64 {
        self.continuation.branch_distance()
    }
}

/// Continues the branches from the Ritz values of a space.
pub(in crate::flow) fn follow(
    continuation: &mut Continuation,
    space: &Projection<'_>,
) -> Result<(), Stop> {
    if space.len() == 0 {
        return Ok(());
    }
    let ritz = space.ritz()?;
    let branches = ritz.branches(continuation)?;
    let residuals = match ritz.decomposition.basis() {
        Ok(basis) => space.residuals(&basis.vectors),
        // Vectors that fall together are not known well enough to be followed.
        Err(_) => vec![f64::INFINITY; branches.at.len()],
    };
    continuation.accept_ritz(&branches, &residuals, &|which| ritz.vectors(which))
}

/// The principal flow `log(1+hJ)/(hJ) f` of gradient descent at one point, from products with the
/// Jacobian alone, with the estimate of its error and the number of products. At a real point the
/// logarithm of `1-hλ < 0` is `+iπ`.
///
/// # Errors
/// A field that is not finite; an eigenvalue at the branch point.
pub fn principal_field(
    problem: &Problem,
    theta: &[Complex64],
    h: f64,
    krylov: &Krylov,
) -> Result<MatrixFunction, Stop> {
    let descent = PrincipalRoot::Descent;
    let continuation = Continuation::new(descent, Branch::default(), false, true, Coverage::Ritz);
    let mut flow = KrylovFlow::new(problem, h, continuation, *krylov);
    let (found, _) = flow.field(theta)?;
    if is_finite(&found.value) { Ok(found) } else { Err(Stop::BranchPoint) }
}
