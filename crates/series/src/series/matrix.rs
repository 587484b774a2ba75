//! Small dense matrices of rational functions, for the recurrence of a method.

use crate::exact::RationalFunction;

/// A matrix as the list of its rows, which have the same length.
pub type Matrix = Vec<Vec<RationalFunction>>;

/// The `n × n` identity.
pub fn identity(n: usize) -> Matrix {
    let entry = |same| if same { RationalFunction::one() } else { RationalFunction::zero() };
    (0..n).map(|i| (0..n).map(|j| entry(i == j)).collect()).collect()
}

/// Entry by entry `f(a, b)`.
pub fn zip_with(
    a: &Matrix,
    b: &Matrix,
    f: impl Fn(&RationalFunction, &RationalFunction) -> RationalFunction,
) -> Matrix {
    a.iter().zip(b).map(|(x, y)| x.iter().zip(y).map(|(u, v)| f(u, v)).collect()).collect()
}

/// The product `a b` of an `m × n` and an `n × p` matrix.
///
/// ```
/// use bea_series::exact::RationalFunction as Q;
/// use bea_series::series::{matrix_inverse, matrix_product};
/// let entry = Q::integer;
/// let a = vec![vec![entry(2), entry(1)], vec![entry(1), entry(1)]];
/// let unit = vec![vec![Q::one(), Q::zero()], vec![Q::zero(), Q::one()]];
/// assert_eq!(matrix_product(&a, &matrix_inverse(&a).unwrap()), unit);
/// ```
pub fn product(a: &Matrix, b: &Matrix) -> Matrix {
    let columns = b.first().map_or(0, Vec::len);
    let entry = |row: &Vec<RationalFunction>, j: usize| {
        row.iter()
            .zip(b)
            .filter(|(x, _)| !x.is_zero())
            .fold(RationalFunction::zero(), |sum, (x, y)| &sum + &(x * &y[j]))
    };
    a.iter().map(|row| (0..columns).map(|j| entry(row, j)).collect()).collect()
}

/// The transpose.
pub fn transpose(a: &Matrix) -> Matrix {
    let columns = a.first().map_or(0, Vec::len);
    (0..columns).map(|j| a.iter().map(|row| row[j].clone()).collect()).collect()
}

/// Reduces `a` to reduced row echelon form in place; the columns of the pivots.
fn row_reduce(a: &mut Matrix) -> Vec<usize> {
    let columns = a.first().map_or(0, Vec::len);
    let mut pivots = Vec::new();
    for column in 0..columns {
        let top = pivots.len();
        let Some(found) = (top..a.len()).find(|&i| !a[i][column].is_zero()) else { continue };
        a.swap(top, found);
        let scale = a[top][column].inverse().expect("a pivot is not zero");
        for entry in &mut a[top] {
            *entry = &*entry * &scale;
        }
        let pivot = a[top].clone();
        for (i, row) in a.iter_mut().enumerate() {
            if i == top || row[column].is_zero() {
                continue;
            }
            let factor = row[column].clone();
            for (entry, p) in row.iter_mut().zip(&pivot) {
                *entry = &*entry - &(&factor * p);
            }
        }
        pivots.push(column);
    }
    pivots
}

/// The inverse of an `n × n` matrix by Gauss-Jordan elimination; `None` if it is singular.
pub fn inverse(a: &Matrix) -> Option<Matrix> {
    let n = a.len();
    let mut extended: Matrix =
        a.iter().zip(identity(n)).map(|(row, unit)| [row.clone(), unit].concat()).collect();
    let pivots = row_reduce(&mut extended);
    pivots.into_iter().eq(0..n).then(|| extended.into_iter().map(|r| r[n..].to_vec()).collect())
}

/// A basis of the null space `{x : a x = 0}`.
pub fn null_space(a: &Matrix) -> Matrix {
    let columns = a.first().map_or(0, Vec::len);
    let mut reduced = a.clone();
    let pivots = row_reduce(&mut reduced);
    (0..columns)
        .filter(|j| !pivots.contains(j))
        .map(|free| {
            let mut x = vec![RationalFunction::zero(); columns];
            x[free] = RationalFunction::one();
            for (row, &pivot) in reduced.iter().zip(&pivots) {
                x[pivot] = -&row[free];
            }
            x
        })
        .collect()
}

/// The `n + 1` coefficients of `det(λ I - a)` of an `n × n` matrix, lowest power of `λ` first; the last
/// is 1.
///
/// Source: Faddeev and LeVerrier's method; Gantmacher, *The Theory of Matrices*, section IV.5.
pub fn characteristic_polynomial(a: &Matrix) -> Vec<RationalFunction> {
    let n = a.len();
    let mut coefficients = vec![RationalFunction::one()];
    let mut m = vec![vec![RationalFunction::zero(); n]; n];
    for k in 1..=n {
        // M_k = A M_{k-1} + c_{n-k+1} I,  c_{n-k} = -tr(A M_k)/k.
        let last = coefficients.last().expect("starts with one").clone();
        m = product(a, &m);
        for (i, row) in m.iter_mut().enumerate() {
            row[i] = &row[i] + &last;
        }
        let next = product(a, &m);
        let trace = (0..n).fold(RationalFunction::zero(), |sum, i| &sum + &next[i][i]);
        let k = RationalFunction::integer(k as i64).inverse().expect("k > 0");
        coefficients.push(-&(&trace * &k));
    }
    coefficients.reverse();
    coefficients
}
