//! Products and functions of matrices of parameters, one after the other in a vector.

use super::decomposition::{Decomposition, Zero};
use super::dense::Dense;
use crate::flow::jets::vectors::{broadcast_to, zero};
use crate::loss::Number;
use bea_series::exact::Rational;
use bea_series::typed::{Matrix, MatrixFunction, Shape};
use std::cmp::Ordering;

/// Why a function of a matrix has no value, or no derivative.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MatrixFault {
    /// Some singular values are 0 and will not stay so: there a polar factor has no derivatives.
    #[error(
        "a {rows} × {columns} matrix has the rank {rank} and is about to have another one, where its polar factor has no \
         derivatives"
    )]
    Singular {
        /// Its rows.
        rows: usize,
        /// Its columns.
        columns: usize,
        /// How many singular values are not 0.
        rank: usize,
    },
    /// The parameters may be any matrices.
    #[error("it is not known which matrices the parameters are")]
    Unknown,
    /// A matrix that an inverse root is taken of.
    #[error(
        "a matrix with {0} rows is not symmetric and positive definite, and has no inverse root"
    )]
    Indefinite(usize),
}

/// The matrices of a shape in a vector, each as its own.
pub(super) fn split<T: Number>(x: &[T], shape: Shape, matrices: &[Matrix]) -> Vec<Dense<T>> {
    let sizes: Vec<Matrix> = matrices.iter().map(|matrix| matrix.in_shape(shape)).collect();
    let length = sizes.iter().map(|size| size.entries()).sum();
    let all = if x.len() == length { x.to_vec() } else { broadcast_to(x, length) };
    let mut rest = all.into_iter();
    let one = |size: Matrix| {
        Dense::new(size.rows, size.columns, rest.by_ref().take(size.entries()).collect())
    };
    sizes.into_iter().map(one).collect()
}

pub(super) fn join<T>(matrices: Vec<Dense<T>>) -> Vec<T> {
    matrices.into_iter().flat_map(|matrix| matrix.entries).collect()
}

/// `A B` for each matrix.
pub(in crate::flow) fn product<T: Number>(
    a: &[T],
    b: &[T],
    shapes: (Shape, Shape),
    matrices: &[Matrix],
) -> Vec<T> {
    let (a, b) = (split(a, shapes.0, matrices), split(b, shapes.1, matrices));
    join(a.iter().zip(&b).map(|(a, b)| a.times(b)).collect())
}

/// `Aᵀ` for each matrix.
pub(in crate::flow) fn transpose<T: Number>(a: &[T], shape: Shape, matrices: &[Matrix]) -> Vec<T> {
    join(split(a, shape, matrices).iter().map(Dense::transposed).collect())
}

/// The identity matrices of a square shape, times a number.
pub(in crate::flow) fn identity<T: Number>(c: &T, shape: Shape, matrices: &[Matrix]) -> Vec<T> {
    let one = |matrix: &Matrix| {
        let n = matrix.in_shape(shape).rows;
        Dense::from_fn(n, n, |i, j| if i == j { c.clone() } else { zero() })
    };
    join(matrices.iter().map(one).collect())
}

/// The function of each matrix. A polar factor of a singular matrix leaves out its singular values that are 0, as the
/// iteration of Newton and Schulz does: it is the partial isometry `U Vᵀ`.
///
/// # Errors
/// Inverse roots of what is not positive definite.
pub(in crate::flow) fn of_entries<T: Number>(
    function: MatrixFunction,
    x: &[T],
    shape: Shape,
    matrices: &[Matrix],
) -> Result<Vec<T>, MatrixFault> {
    let one = |matrix: &Dense<T>| match function {
        MatrixFunction::Polar => Ok(Decomposition::new(matrix, Zero::Small).polar()),
        MatrixFunction::InverseRoot(k) => Ok(Spectrum::new(matrix)?.inverse_root(k)),
    };
    Ok(join(split(x, shape, matrices).iter().map(one).collect::<Result<_, _>>()?))
}

/// `M = V diag(λ) Vᵀ` with positive `λ`.
pub(super) struct Spectrum<T> {
    pub v: Dense<T>,
    pub values: Vec<T>,
}

impl<T: Number> Spectrum<T> {
    /// That of a symmetric positive definite matrix.
    pub fn new(matrix: &Dense<T>) -> Result<Self, MatrixFault> {
        let n = matrix.rows;
        let fault = MatrixFault::Indefinite(n);
        let Decomposition { u, s, v } = Decomposition::new(matrix, Zero::Rounded);
        if s.len() < n {
            return Err(fault);
        }
        // A symmetric matrix whose singular vectors on both sides are the same has positive eigenvalues.
        let half = T::from_rational(&Rational::new(1, 2).expect("not 0"));
        for j in 0..n {
            let same =
                (0..n).fold(zero(), |sum: T, i| sum + u.at(i, j).clone() * v.at(i, j).clone());
            if same.compare_real(&half) != Some(Ordering::Greater) {
                return Err(fault);
            }
        }
        Ok(Spectrum { v, values: s })
    }

    /// `λ^(-1/k)` of every eigenvalue.
    pub fn roots(&self, k: u32) -> Vec<T> {
        let one = T::from_rational(&1.into());
        let root = |x: &T| match k {
            1 => one.quotient(x),
            2 => one.quotient(&x.sqrt()),
            4 => one.quotient(&x.sqrt().sqrt()),
            k => x.power(&Rational::new(-1, i64::from(k)).expect("not 0")),
        };
        self.values.iter().map(root).collect()
    }

    pub fn inverse_root(&self, k: u32) -> Dense<T> {
        let roots = self.roots(k);
        let scaled = Dense::from_fn(self.v.rows, self.v.columns, |i, j| {
            self.v.at(i, j).clone() * roots[j].clone()
        });
        scaled.times(&self.v.transposed())
    }
}
