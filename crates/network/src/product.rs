//! Products of matrices on the host: large ones by the crates of `gemm` for the numbers that networks have.
#![allow(unsafe_code)]

use super::lanes::Real;
use super::small::{self, Destination, Factor};

/// `gemm` for numbers of one kind: the sizes of `dst`, `m` x `n`, and the inner one; pointers with the steps from column
/// to column and from row to row, the first with whether it is added to; the factors of the sum and of the product; which
/// of the three are conjugated.
pub(super) type Gemm<T> = unsafe fn(
    usize,
    usize,
    usize,
    *mut T,
    isize,
    isize,
    bool,
    *const T,
    isize,
    isize,
    *const T,
    isize,
    isize,
    T,
    T,
    bool,
    bool,
    bool,
    gemm_common::Parallelism,
);

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
    destination: Destination,
) {
    let factor = |entries, [rows, columns]: [usize; 2], transposed: bool| Factor {
        entries,
        steps: if transposed { [1, rows] } else { [columns, 1] },
    };
    let x = factor(x, [rows, inner], x_transposed);
    let y = factor(y, [inner, columns], y_transposed);
    multiply([rows, inner, columns], x, y, sum, destination);
}

/// The same for factors that may be parts of larger matrices.
///
/// # Panics
///
/// Where a factor has too few entries, or `sum` is not as long as its matrix.
pub(super) fn multiply<T: Real>(
    sizes: [usize; 3],
    x: Factor<'_, T>,
    y: Factor<'_, T>,
    sum: &mut [T],
    destination: Destination,
) {
    if small::is_small(sizes) {
        small::multiply_add(sizes, x, y, sum, destination);
    } else {
        large(sizes, x, y, sum, destination);
    }
}

/// The same by `gemm`.
pub(super) fn large<T: Real>(
    [rows, inner, columns]: [usize; 3],
    x: Factor<'_, T>,
    y: Factor<'_, T>,
    sum: &mut [T],
    Destination { kept, negative }: Destination,
) {
    let holds = |factor: &Factor<'_, T>, [rows, columns]: [usize; 2]| {
        let last = |axis: usize, length: usize| length.saturating_sub(1) * factor.steps[axis];
        rows * columns == 0 || last(0, rows) + last(1, columns) < factor.entries.len()
    };
    assert!(
        holds(&x, [rows, inner]) && holds(&y, [inner, columns]) && sum.len() == rows * columns,
        "a product of {rows} x {inner} by {inner} x {columns}"
    );
    let [x_row, x_column] = x.steps.map(|step| step as isize);
    let [y_row, y_column] = y.steps.map(|step| step as isize);
    let sign = if negative { -T::one() } else { T::one() };
    // SAFETY: By the assertion the last entry of each matrix, which has its largest offset, lies in its slice; `sum`,
    // borrowed mutably, overlaps neither of the others.
    unsafe {
        // The transpose of the product, as `gemm` wants the columns of its result contiguous.
        T::gemm()(
            columns,
            rows,
            inner,
            sum.as_mut_ptr(),
            columns as isize,
            1,
            kept,
            y.entries.as_ptr(),
            y_row,
            y_column,
            x.entries.as_ptr(),
            x_row,
            x_column,
            T::one(),
            sign,
            false,
            false,
            false,
            gemm_common::Parallelism::None,
        );
    }
}
