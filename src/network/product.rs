//! Products of matrices on the host, by the crate `gemm`.
#![allow(unsafe_code)]

use super::lanes::Real;

/// Adds `±x y` to the `rows` x `columns` matrix `sum`, or sets it where it is not to be `kept`. All are row-major;
/// `x` and `y` come with whether they are stored transposed.
///
/// # Panics
///
/// Where a slice is not as long as its matrix.
pub(super) fn multiply_add<T: Real>(
    [rows, inner, columns]: [usize; 3],
    (x, x_transposed): (&[T], bool),
    (y, y_transposed): (&[T], bool),
    sum: &mut [T],
    kept: bool,
    negative: bool,
) {
    assert_eq!(
        (x.len(), y.len(), sum.len()),
        (rows * inner, inner * columns, rows * columns),
        "a product of {rows} x {inner} by {inner} x {columns}"
    );
    // Steps from column to column, and from row to row.
    let strides = |rows: usize, columns: usize, transposed: bool| {
        if transposed { (rows as isize, 1) } else { (1, columns as isize) }
    };
    let (x_column, x_row) = strides(rows, inner, x_transposed);
    let (y_column, y_row) = strides(inner, columns, y_transposed);
    let sign = if negative { -T::one() } else { T::one() };
    // SAFETY: `Real` is implemented for `f32` and `f64` alone, which `gemm` knows. The largest offset into a
    // `rows` x `columns` matrix with these strides is `rows * columns - 1`, and the slices are as long as their
    // matrices by the assertion; `sum`, borrowed mutably, overlaps neither of the others.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            sum.as_mut_ptr(),
            1,
            columns as isize,
            kept,
            x.as_ptr(),
            x_column,
            x_row,
            y.as_ptr(),
            y_column,
            y_row,
            T::one(),
            sign,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
