//! A symmetric matrix in the metric of a positive diagonal.

use super::{Error, Operator};

/// `P^(-1/2) A P^(-1/2)` with a positive diagonal matrix `P`. Its eigenvalues are those of `P⁻¹A`, of which `P^(-1/2) y` is an
/// eigenvector for each of its own, `y`. With the preconditioner of an adaptive optimizer they decide on
/// stability as those of `A` do for gradient descent.
///
/// ```
/// use bea_flow::curvature::{Lanczos, Preconditioned};
/// use nalgebra::{DMatrix, DVector};
/// let a = DMatrix::from_diagonal(&DVector::from_vec(vec![4.0, 9.0]));
/// let matrix = Preconditioned::new(&a, &[8.0, 1.0])?;
/// let found = Lanczos { largest: 2, ..Lanczos::default() }.run(&matrix, &[])?;
/// assert!((found.largest[0].value - 9.0).abs() < 1e-14);
/// assert!((found.largest[1].value - 0.5).abs() < 1e-14);
/// # Ok::<(), bea_flow::curvature::Error>(())
/// ```
pub struct Preconditioned<'a> {
    operator: &'a dyn Operator,
    /// The diagonal of `P^(-1/2)`.
    factor: Vec<f64>,
}

impl<'a> Preconditioned<'a> {
    /// Of the operator `A` and the diagonal of `P`.
    ///
    /// # Errors
    /// A diagonal of the wrong length, or with an entry that is not positive and finite.
    pub fn new(operator: &'a dyn Operator, diagonal: &[f64]) -> Result<Self, Error> {
        let (found, expected) = (diagonal.len(), operator.dimension());
        if found != expected {
            return Err(Error::Length { found, expected });
        }
        if diagonal.iter().any(|p| !(*p > 0.0 && p.is_finite())) {
            return Err(Error::NotPositive { name: "every entry of a preconditioner" });
        }
        let factor = diagonal.iter().map(|p| 1.0 / p.sqrt()).collect();
        Ok(Preconditioned { operator, factor })
    }

    /// `P^(-1/2) v`, in place: an eigenvector of `P⁻¹A` from one of this operator, or the gradient in its coordinates.
    ///
    /// # Panics
    /// If `v` is longer than the diagonal.
    pub fn scale(&self, v: &mut [f64]) {
        assert!(v.len() <= self.factor.len(), "a vector that fits the diagonal");
        v.iter_mut().zip(&self.factor).for_each(|(v, f)| *v *= f);
    }

    /// `P^(1/2) v`, in place.
    ///
    /// # Panics
    /// As [`scale`](Self::scale).
    pub fn unscale(&self, v: &mut [f64]) {
        assert!(v.len() <= self.factor.len(), "a vector that fits the diagonal");
        v.iter_mut().zip(&self.factor).for_each(|(v, f)| *v /= f);
    }
}

impl Operator for Preconditioned<'_> {
    fn dimension(&self) -> usize {
        self.operator.dimension()
    }

    fn apply(&self, block: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, Error> {
        let mut scaled = block.to_vec();
        scaled.iter_mut().for_each(|v| self.scale(v));
        let mut products = self.operator.apply(&scaled)?;
        products.iter_mut().for_each(|v| self.scale(v));
        Ok(products)
    }
}
