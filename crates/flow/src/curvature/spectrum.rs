//! All eigenvalues of a small operator.

use super::operator::products;
use super::{Error, Operator, Scalar};
use nalgebra::{DMatrix, SymmetricEigen};

/// How many unit vectors are multiplied at a time.
const BLOCK: usize = 64;
/// How many sweeps the eigenvalue solver may take.
const MAX_SWEEPS: usize = 10_000;

/// The matrix, column by column, from products with blocks of unit vectors. `n²` numbers are kept.
///
/// # Errors
/// Those of the operator, and entries that are not finite.
pub fn assemble<S: Scalar>(operator: &(impl Operator<S> + ?Sized)) -> Result<DMatrix<S>, Error> {
    let n = operator.dimension();
    let mut matrix = DMatrix::zeros(n, n);
    let columns: Vec<usize> = (0..n).collect();
    for block in columns.chunks(BLOCK) {
        let unit = |&i: &usize| {
            let mut v = vec![S::zero(); n];
            v[i] = S::one();
            v
        };
        let units: Vec<Vec<S>> = block.iter().map(unit).collect();
        for (&i, product) in block.iter().zip(products(operator, &units)?) {
            matrix.column_mut(i).copy_from_slice(&product);
        }
    }
    Ok(matrix)
}

/// All eigenvalues in descending order, and the orthonormal eigenvectors as columns, of a real
/// symmetric operator that is small enough to be [assembled](assemble).
///
/// # Errors
/// As [`assemble`]; an eigenvalue solver that does not converge.
pub fn eigenvalues(operator: &(impl Operator + ?Sized)) -> Result<(Vec<f64>, DMatrix<f64>), Error> {
    let matrix = assemble(operator)?;
    symmetric_eigen((&matrix + matrix.transpose()) * 0.5)
}

/// Eigenvalues in descending order and eigenvectors of a symmetric matrix.
pub(super) fn symmetric_eigen(matrix: DMatrix<f64>) -> Result<(Vec<f64>, DMatrix<f64>), Error> {
    let n = matrix.nrows();
    if n == 0 {
        return Ok((Vec::new(), matrix));
    }
    let eigen = SymmetricEigen::try_new(matrix, f64::EPSILON, MAX_SWEEPS);
    let eigen = eigen.ok_or(Error::Projected(n))?;
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &k| eigen.eigenvalues[k].total_cmp(&eigen.eigenvalues[i]));
    let values = order.iter().map(|&i| eigen.eigenvalues[i]).collect();
    Ok((values, eigen.eigenvectors.select_columns(&order)))
}
