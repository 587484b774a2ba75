//! Functions of a matrix, applied to a vector, from its products alone.
//!
//! The space spanned by `g, Ag, …, A^(m-1) g` has an orthonormal basis `V` (Arnoldi's method, which is
//! Lanczos' for a real symmetric `A`, with full re-orthogonalisation), and `φ(A) g ≈ ‖g‖ V φ(T) e_1`
//! with the projected matrix `T = V* A V`: tridiagonal for a real `A`, upper Hessenberg for a complex
//! symmetric one. The bilinear form `uᵀu`, with which a three-term recurrence would survive there, can
//! vanish, so the basis is orthonormal in the Hermitian sense for both.
//!
//! Source: Saad, *Analysis of some Krylov subspace approximations to the matrix exponential operator*,
//! SIAM J. Numer. Anal. 29 (1992); Hochbruck and Lubich, *On Krylov subspace approximations to the
//! matrix exponential operator*, SIAM J. Numer. Anal. 34 (1997); Higham, *Functions of Matrices*,
//! chapter 13.

use super::operator::{check, products};
use super::orthogonal::{combine, norm, orthogonalise, scale};
use super::spectrum::symmetric_eigen;
use super::{Error, Operator, Scalar};
use nalgebra::{DMatrix, DVector};
use num_complex::Complex64;

/// Below this part of the largest product a remainder is rounding: the space is invariant.
const INVARIANT: f64 = 100.0 * f64::EPSILON;

/// The Krylov space of an operator and a vector `g`.
#[derive(Clone, Debug)]
pub struct KrylovSpace<S: Scalar> {
    /// Orthonormal; one more than has been multiplied, unless the space is invariant.
    basis: Vec<Vec<S>>,
    /// The columns of `T`: the first has 2 entries, the second 3, … .
    columns: Vec<Vec<S>>,
    dimension: usize,
    norm: f64,
    /// The largest norm of a product so far.
    largest: f64,
}

impl<S: Scalar> KrylovSpace<S> {
    /// The space of dimension 0 from which `g` starts.
    ///
    /// # Errors
    /// If `g` does not fit the operator, or is not finite.
    pub fn new(operator: &(impl Operator<S> + ?Sized), g: &[S]) -> Result<KrylovSpace<S>, Error> {
        let dimension = operator.dimension();
        check(g, dimension, "the vector that a Krylov space starts from")?;
        // Scaled, so that no square overflows or underflows.
        let size = g.iter().map(|x| x.modulus()).fold(0.0, f64::max);
        let mut first = g.to_vec();
        let mut basis = Vec::new();
        let mut total = 0.0;
        if size > 0.0 {
            first.iter_mut().for_each(|x| *x = x.unscale(size));
            let length = norm(&first);
            scale(&mut first, 1.0 / length);
            total = length * size;
            basis.push(first);
        }
        Ok(KrylovSpace { basis, columns: Vec::new(), dimension, norm: total, largest: 0.0 })
    }

    /// The dimension `m` of the space, which is also the number of products so far.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether nothing has been multiplied yet.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// `‖g‖`.
    pub fn norm(&self) -> f64 {
        self.norm
    }

    /// Whether the space is invariant: nothing more can be added, and functions are exact.
    pub fn is_invariant(&self) -> bool {
        self.basis.len() == self.columns.len()
    }

    /// The norm `β` of the part of the last product outside of the space: `A V = V T + β v e_mᵀ`. A
    /// Ritz pair of `T y = θ y`, `‖y‖ = 1`, has the residual `‖(A - θ) V y‖ = β |y_m|`.
    pub fn coupling(&self) -> f64 {
        match self.columns.last() {
            Some(column) if !self.is_invariant() => column[self.len()].modulus(),
            _ => 0.0,
        }
    }

    /// One product more; nothing if the space [is invariant](Self::is_invariant).
    ///
    /// # Errors
    /// Those of the operator, and products that are not finite.
    pub fn extend(&mut self, operator: &(impl Operator<S> + ?Sized)) -> Result<(), Error> {
        Self::extend_all(std::slice::from_mut(self), operator).map(|_| ())
    }

    /// One product more for each space that is not invariant, all in one block. Returns how many.
    ///
    /// # Errors
    /// As [`extend`](Self::extend).
    pub fn extend_all(
        spaces: &mut [KrylovSpace<S>],
        operator: &(impl Operator<S> + ?Sized),
    ) -> Result<usize, Error> {
        let mut open: Vec<&mut Self> = spaces.iter_mut().filter(|s| !s.is_invariant()).collect();
        let block: Vec<Vec<S>> = open.iter().map(|s| s.basis[s.len()].clone()).collect();
        if block.is_empty() {
            return Ok(0);
        }
        for (space, product) in open.iter_mut().zip(products(operator, &block)?) {
            space.absorb(product);
        }
        Ok(block.len())
    }

    /// Takes the product with the last vector.
    fn absorb(&mut self, mut w: Vec<S>) {
        self.largest = self.largest.max(norm(&w));
        let mut column = orthogonalise(&self.basis, &mut w);
        let rest = norm(&w);
        column.push(S::from_real(rest));
        self.columns.push(column);
        if rest > INVARIANT * self.largest && self.len() < self.dimension {
            scale(&mut w, 1.0 / rest);
            self.basis.push(w);
        }
    }

    /// `T = V* A V`, `m × m`.
    pub fn projected(&self) -> DMatrix<S> {
        let m = self.len();
        DMatrix::from_fn(m, m, |i, j| self.columns[j].get(i).copied().unwrap_or_else(S::zero))
    }

    /// `Σ_k c_k v_k`, with as many coefficients as the space has dimensions.
    pub fn combine(&self, c: &DVector<Complex64>) -> Vec<Complex64> {
        let m = self.len().min(c.len());
        let part = |of: &dyn Fn(&Complex64) -> f64| -> Vec<S> {
            let c: Vec<S> = c.iter().take(m).map(|c| S::from_real(of(c))).collect();
            combine(&self.basis[..m], &c, self.dimension)
        };
        let (re, im) = (part(&|c| c.re), part(&|c| c.im));
        let pairs = re.into_iter().zip(im);
        pairs.map(|(a, b)| a.to_complex() + Complex64::I * b.to_complex()).collect()
    }
}

/// How `φ(A) g` is approximated.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Krylov {
    /// How large the estimated error may be, relative to the norm of the value.
    pub tolerance: f64,
    /// The largest dimension of the Krylov space, which is the largest number of products. As many
    /// vectors are kept.
    pub steps: usize,
}

impl Default for Krylov {
    /// A relative tolerance of 1e-10 and at most 300 products.
    fn default() -> Krylov {
        Krylov { tolerance: 1e-10, steps: 300 }
    }
}

/// `φ(A) g`.
#[derive(Clone, PartialEq, Debug)]
pub struct MatrixFunction {
    /// `V c`, the approximation.
    pub value: Vec<Complex64>,
    /// The estimated norm of its error: the largest of the last two changes. 0 where the space is
    /// invariant.
    pub estimate: f64,
    /// How many products were taken.
    pub products: usize,
    /// Whether the estimate is below the tolerance.
    pub converged: bool,
}

impl Krylov {
    /// `φ(A) g` for a real symmetric `A` and a scalar function `φ`, real or complex.
    ///
    /// # Errors
    /// Those of the operator; a vector that does not fit it.
    ///
    /// ```
    /// use bea_flow::curvature::Krylov;
    /// use nalgebra::{DMatrix, DVector};
    /// use num_complex::Complex64;
    /// let a = DMatrix::from_diagonal(&DVector::from_vec(vec![4.0, 9.0]));
    /// let root = Krylov::default().function(&a, &[1.0, 1.0], |x| Complex64::from(x).sqrt())?;
    /// assert!((root.value[1] - 3.0).norm() < 1e-14);
    /// # Ok::<(), bea_flow::curvature::Error>(())
    /// ```
    pub fn function(
        &self,
        operator: &(impl Operator + ?Sized),
        g: &[f64],
        phi: impl Fn(f64) -> Complex64,
    ) -> Result<MatrixFunction, Error> {
        let mut space = KrylovSpace::new(operator, g)?;
        let of_projected = |space: &KrylovSpace<f64>| {
            let t = space.projected();
            let (values, y) = symmetric_eigen((&t + t.transpose()) * 0.5)?;
            let value = |i: usize| phi(values[i]) * (space.norm() * y[(0, i)]);
            let along = DVector::from_fn(values.len(), |i, _| value(i));
            Ok::<_, Error>((y.map(Complex64::from) * along, 0.0))
        };
        let (c, estimate, converged) = self.grow(&mut space, operator, 0, of_projected)?;
        Ok(MatrixFunction { value: space.combine(&c), estimate, products: space.len(), converged })
    }

    /// Extends a Krylov space until the coefficients `c` of a vector `V c` settle, and returns them,
    /// the estimated norm of their error and whether it is below the tolerance. It takes at least `least`
    /// products, and three more to see that nothing changes: functions of the projected matrix may cost
    /// more than the products.
    ///
    /// `of_projected` computes them from the space, for `φ(A) g` as `‖g‖ φ(T) e_1`, and says how much of them
    /// rounding leaves uncertain, as it does beside a singularity: changes below that are none. The estimate is the
    /// larger one of the last two changes: a single one may vanish by symmetry. It is the error of the
    /// approximation one step earlier, as long as the convergence is faster than a factor 2 in two steps.
    ///
    /// # Errors
    /// Those of the operator and of `of_projected`.
    pub fn grow<S: Scalar, E: From<Error>>(
        &self,
        space: &mut KrylovSpace<S>,
        operator: &(impl Operator<S> + ?Sized),
        least: usize,
        mut of_projected: impl FnMut(&KrylovSpace<S>) -> Result<(DVector<Complex64>, f64), E>,
    ) -> Result<(DVector<Complex64>, f64, bool), E> {
        let mut last: Option<DVector<Complex64>> = None;
        let mut changes = [f64::INFINITY; 2];
        while space.len() < least.min(self.steps) && !space.is_invariant() {
            space.extend(operator)?;
        }
        loop {
            // A function of a large projected matrix is expensive: it is not computed after every product.
            for _ in 0..1 + space.len() / 20 {
                if space.len() < self.steps {
                    space.extend(operator)?;
                }
            }
            let (c, noise) = of_projected(space)?;
            if let Some(last) = last {
                let change = &c - last.resize_vertically(c.len(), Complex64::ZERO);
                changes = [changes[1], size(&change)];
            }
            let estimate = if space.is_invariant() { 0.0 } else { changes[0].max(changes[1]) };
            let converged = estimate <= self.tolerance * size(&c) + noise;
            if converged || space.is_invariant() || space.len() >= self.steps {
                return Ok((c, estimate, converged));
            }
            last = Some(c);
        }
    }
}

/// The norm of a vector whose squares may overflow or underflow.
fn size(c: &DVector<Complex64>) -> f64 {
    let largest = c.iter().map(|c| c.norm()).fold(0.0, f64::max);
    if largest == 0.0 || largest.is_infinite() {
        return largest;
    }
    c.map(|c| c / largest).norm() * largest
}
