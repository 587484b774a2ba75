//! Symmetric matrices that are known by their products.

use crate::objective::{ObjectiveError, Scalar};
use nalgebra::DMatrix;

/// A real symmetric matrix (`S = f64`), or a complex **symmetric** one, `Aᵀ = A` without
/// conjugation (`S = Complex64`), known by its products with vectors.
pub trait Operator<S: Scalar = f64> {
    /// How many rows and columns there are.
    fn dimension(&self) -> usize;

    /// The products with all vectors of a block, which may share work.
    ///
    /// # Errors
    /// Whatever keeps a product from being computed.
    fn apply(&self, block: &[Vec<S>]) -> Result<Vec<Vec<S>>, Error>;
}

/// Why there is no answer.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum Error {
    /// A vector does not fit the operator.
    #[error("a vector has {found} entries, but the operator has {expected} columns")]
    Length {
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// Inf or NaN in a vector, or in its product.
    #[error("{0} is not finite")]
    NotFinite(&'static str),
    /// More eigenpairs are wanted than there are.
    #[error("{wanted} eigenvalues are wanted of a matrix that has {dimension}")]
    TooMany {
        /// How many are wanted.
        wanted: usize,
        /// How many there are.
        dimension: usize,
    },
    /// An option that makes no sense.
    #[error("{name} must be positive")]
    NotPositive {
        /// Which one.
        name: &'static str,
    },
    /// An option that is beyond its limit.
    #[error("{name} is {value}, and {most} is the most")]
    TooLarge {
        /// Which one.
        name: &'static str,
        /// What it is.
        value: usize,
        /// What it may be.
        most: usize,
    },
    /// The eigenvalues of the small projected matrix were not found.
    #[error("the eigenvalues of a projected matrix of {0} rows were not found")]
    Projected(usize),
    /// The objective whose derivatives the operator consists of was not evaluated.
    #[error(transparent)]
    Objective(#[from] ObjectiveError),
    /// What the operator itself reports.
    #[error("{0}")]
    Operator(String),
}

impl<S: Scalar> Operator<S> for DMatrix<S> {
    fn dimension(&self) -> usize {
        self.nrows()
    }

    fn apply(&self, block: &[Vec<S>]) -> Result<Vec<Vec<S>>, Error> {
        let n = self.nrows();
        let product = |v: &Vec<S>| {
            let mut out = vec![S::zero(); n];
            for (column, &x) in self.as_slice().chunks_exact(n.max(1)).zip(v) {
                out.iter_mut().zip(column).for_each(|(out, &a)| *out += a * x);
            }
            out
        };
        Ok(block.iter().map(product).collect())
    }
}

/// The products with a block, checked.
pub(super) fn products<S: Scalar>(
    operator: &(impl Operator<S> + ?Sized),
    block: &[Vec<S>],
) -> Result<Vec<Vec<S>>, Error> {
    let out = operator.apply(block)?;
    if out.len() != block.len() {
        let (found, expected) = (out.len(), block.len());
        return Err(Error::Operator(format!("{found} products were returned of {expected}")));
    }
    for v in &out {
        check(v, operator.dimension(), "a product with the operator")?;
    }
    Ok(out)
}

/// Whether a vector has the right length and finite entries.
pub(super) fn check<S: Scalar>(v: &[S], expected: usize, name: &'static str) -> Result<(), Error> {
    if v.len() != expected {
        return Err(Error::Length { found: v.len(), expected });
    }
    if v.iter().all(S::is_finite) { Ok(()) } else { Err(Error::NotFinite(name)) }
}
