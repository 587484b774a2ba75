//! The principal flow from products with the Jacobian alone, `θ̇ = ‖f‖ V log P(T)/T e_1`.

use crate::curvature::{Krylov, KrylovSpace, MatrixFunction, Operator, Scalar};
use crate::flow::branch::sheets::{Principal, Sheets, principal_of};
use crate::flow::dense::spectrum::Spectrum;
use crate::flow::matrix_free::products::Jacobian;
use crate::flow::velocity::is_real;
use crate::flow::{Problem, Stop, Velocity};
use nalgebra::{DMatrix, DVector};
use num_complex::Complex64;

pub(in crate::flow) const NOT_CONVERGED: Stop = Stop::NoConvergence("the Krylov approximation");

/// The most products at a complex point, unless all that there are fit: the decomposition of a complex matrix of
/// more rows costs more than they do.
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
            let jacobian = Jacobian::new(problem, theta, h);
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
        mut function: impl FnMut(&Spectrum, &[Complex64]) -> Result<(Vec<Complex64>, f64), Stop>,
    ) -> Result<Growth, Stop> {
        let (c, estimate, converged) = match self {
            Projection::Real(jacobian, space) => krylov
                .grow(space, jacobian, least, |space| of_projected(space, true, &mut function))?,
            Projection::Complex(jacobian, space) => {
                let all = jacobian.dimension() <= krylov.steps;
                let steps = if all { krylov.steps } else { krylov.steps.min(COMPLEX) };
                Krylov { steps, ..*krylov }.grow(space, jacobian, least, |space| {
                    of_projected(space, false, &mut function)
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

    /// `‖f‖ e_1`.
    pub(in crate::flow) fn start(&self) -> Vec<Complex64> {
        let norm = match self {
            Projection::Real(_, space) => space.norm(),
            Projection::Complex(_, space) => space.norm(),
        };
        first(norm, self.len())
    }

    pub(in crate::flow) fn spectrum(&self) -> Result<Spectrum, Stop> {
        match self {
            Projection::Real(_, space) => spectrum(space.projected(), true),
            Projection::Complex(_, space) => spectrum(space.projected(), false),
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

fn first(norm: f64, m: usize) -> Vec<Complex64> {
    (0..m).map(|i| if i == 0 { norm.into() } else { Complex64::ZERO }).collect()
}

fn spectrum<S: Scalar>(t: DMatrix<S>, real_symmetric: bool) -> Result<Spectrum, Stop> {
    let t = t.map(|x| x.to_complex());
    let t = if real_symmetric { (&t + t.transpose()) * Complex64::from(0.5) } else { t };
    Spectrum::of(t, real_symmetric)
}

fn of_projected<S: Scalar>(
    space: &KrylovSpace<S>,
    real_symmetric: bool,
    function: &mut impl FnMut(&Spectrum, &[Complex64]) -> Result<(Vec<Complex64>, f64), Stop>,
) -> Result<(DVector<Complex64>, f64), Stop> {
    if space.is_empty() {
        return Ok((DVector::zeros(0), 0.0));
    }
    let spectrum = spectrum(space.projected(), real_symmetric)?;
    let (c, uncertain) = function(&spectrum, &first(space.norm(), space.len()))?;
    Ok((c.into(), uncertain * space.norm()))
}

/// `pf` and `pf-even` of any optimizer with one vector field, matrix-free.
pub(in crate::flow) struct KrylovFlow<'a> {
    problem: &'a Problem,
    /// `z = hJ`, or `J` alone where the step size is a parameter of the method.
    argument: f64,
    sheets: Sheets,
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
        argument: f64,
        sheets: Sheets,
        krylov: Krylov,
    ) -> Self {
        KrylovFlow { problem, argument, sheets, krylov, least: 0, known: None }
    }

    /// The value of the field, and the space in which it was found.
    fn field(&mut self, theta: &[Complex64]) -> Result<(MatrixFunction, Projection<'a>), Stop> {
        let mut f = vec![Complex64::ZERO; self.problem.dimension()];
        self.problem.total(theta, &mut f);
        let mut space = Projection::new(self.problem, theta, self.argument, &f)?;
        let (sheets, precision) = (&self.sheets, self.problem.precision());
        let Growth { c, estimate, converged } =
            space.grow(&self.krylov, self.least, |spectrum, f| {
                let at = sheets.of(spectrum.eigenvalues())?;
                Ok((principal_of(sheets, spectrum, &at, f)?, sheets.uncertain(&at, precision)))
            })?;
        self.least = if converged { space.len().saturating_sub(4) } else { 0 };
        let value = space.combine(&c);
        Ok((MatrixFunction { value, estimate, products: space.len(), converged }, space))
    }
}

impl Velocity for KrylovFlow<'_> {
    fn dimension(&self) -> usize {
        self.problem.dimension()
    }

    fn velocity(&mut self, theta: &[Complex64], out: &mut [Complex64]) -> Result<(), Stop> {
        if let Some((_, value)) = self.known.as_ref().filter(|(at, _)| at == theta) {
            out.copy_from_slice(value);
            return Ok(());
        }
        let (found, _) = self.field(theta)?;
        if !found.converged {
            return Err(match self.sheets.principal {
                Principal::Descent => NOT_CONVERGED,
                Principal::Root(_) => Stop::Unresolved(found.products),
            });
        }
        out.copy_from_slice(&found.value);
        Ok(())
    }

    fn accept(&mut self, theta: &[Complex64]) -> Result<(), Stop> {
        if !self.sheets.are_followed() {
            return Ok(());
        }
        let (found, space) = self.field(theta)?;
        follow(&mut self.sheets, &space)?;
        // The integrator asks for the velocity at the point it has just accepted.
        self.known = found.converged.then(|| (theta.to_vec(), found.value));
        Ok(())
    }

    fn branch_distance(&self) -> f64 {
        self.sheets.branch_distance()
    }
}

/// Continues the branches from the Ritz values of a space.
pub(in crate::flow) fn follow(sheets: &mut Sheets, space: &Projection<'_>) -> Result<(), Stop> {
    if space.len() == 0 {
        return Ok(());
    }
    let spectrum = space.spectrum()?;
    let at = sheets.of(spectrum.eigenvalues())?;
    let residuals = match spectrum.basis() {
        Ok(basis) => space.residuals(&basis.vectors),
        // Vectors that fall together are not known well enough to be followed.
        Err(_) => vec![f64::INFINITY; at.len()],
    };
    sheets.accept(&at, &residuals)
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
    let sheets = Sheets::new(Principal::Descent, Default::default(), false, true);
    let mut flow = KrylovFlow::new(problem, h, sheets, *krylov);
    let (found, _) = flow.field(theta)?;
    match crate::flow::velocity::is_finite(&found.value) {
        true => Ok(found),
        false => Err(Stop::BranchPoint),
    }
}
