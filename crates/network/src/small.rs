//! Products of small matrices on the host, where the preparations of a library made for large ones take longer than
//! the arithmetic: tiles of a few rows and columns, whose sums stay in registers.

use super::buffer::Buffer;
use super::host::vectorised;
use super::lanes::Real;

/// Columns of the widest tile: three vector registers of 64-bit numbers.
const WIDTH: usize = 12;

/// Columns that are worth going through the left factor for, again and again.
const COLUMNS: usize = 3 * WIDTH;

/// Numbers of the right factor that stay in the nearest cache.
const PACKED: usize = 1 << 11;

/// Whether a product is small.
pub(super) fn is_small([_, inner, columns]: [usize; 3]) -> bool {
    columns <= COLUMNS && inner * WIDTH <= PACKED
}

/// A matrix, row-major or transposed.
#[derive(Clone, Copy)]
pub(super) struct Factor<'m, T> {
    pub entries: &'m [T],
    /// Steps from row to row, and from column to column.
    pub steps: [usize; 2],
}

/// What becomes of a product: added to a sum, if that is to be kept, or taken from it.
#[derive(Clone, Copy)]
pub(super) struct Destination {
    pub kept: bool,
    pub negative: bool,
}

vectorised! {
    /// As [`multiply_add`](super::product::multiply_add).
    pub(crate) fn multiply_add(
        sizes: [usize; 3],
        left: Factor<'w, T>,
        right: Factor<'w, T>,
        sum: &'w mut [T],
        destination: Destination
    ) -> () {
        let columns = sizes[2];
        let mut column = 0;
        while column < columns {
            macro_rules! tiles_of {
                ($width:expr, $height:expr) => {
                    tiles::<T, { $width }, $height>(sizes, left, right, column, sum, destination)
                };
            }
            // As wide as the matrix, where that is not too narrow for a register: all columns are then handled alike.
            column += match columns - column {
                0..=4 => tiles_of!(4, 8),
                5 => tiles_of!(5, 4),
                6 => tiles_of!(6, 4),
                7 => tiles_of!(7, 4),
                8 => tiles_of!(8, 4),
                9 => tiles_of!(9, 4),
                10 => tiles_of!(10, 4),
                11 => tiles_of!(11, 4),
                _ => tiles_of!(WIDTH, 4),
            };
        }
    }
}

/// At most `W` columns of a product, `H` rows at a time; how many columns.
#[inline(always)]
fn tiles<T: Real, const W: usize, const H: usize>(
    [rows, inner, columns]: [usize; 3],
    left: Factor<'_, T>,
    right: Factor<'_, T>,
    column: usize,
    sum: &mut [T],
    Destination { kept, negative }: Destination,
) -> usize {
    let width = W.min(columns - column);
    let sign = if negative { -T::one() } else { T::one() };
    let (x, y) = (left.entries, right.entries);
    // The columns side by side, row after row, with the sign. Beyond the last column, that column again.
    let mut packed = Buffer::new(T::vector(inner * W));
    let (packed, _) = packed.slice_mut().as_chunks_mut::<W>();
    for (k, packed) in packed.iter_mut().enumerate() {
        let start = k * right.steps[0] + column * right.steps[1];
        *packed = match y[start..].first_chunk::<W>() {
            Some(all) if right.steps[1] == 1 => *all,
            _ => {
                let mut row = [T::zero(); W];
                for (j, entry) in row.iter_mut().enumerate() {
                    *entry = y[start + j.min(width - 1) * right.steps[1]];
                }
                row
            }
        };
        for entry in packed {
            *entry = *entry * sign;
        }
    }
    for row in (0..rows).step_by(H) {
        let sums = match left.steps {
            // Columns side by side: `H` of each, as an array.
            [1, length] if row + H <= rows.min(length) => {
                let columns = x.chunks(length);
                tile(packed, columns.map(|column| *column[row..].first_chunk().expect("H rows")))
            }
            // Rows side by side. Beyond the last row, that row again.
            [length, 1] => {
                let row = |i: usize| &x[(row + i).min(rows - 1) * length..][..inner];
                let rows: [&[T]; H] = std::array::from_fn(row);
                tile(packed, (0..inner).map(|k| rows.map(|row| row[k])))
            }
            // The last rows of columns side by side.
            [down, across] => {
                let entry = |i: usize, k: usize| x[(row + i).min(rows - 1) * down + k * across];
                tile(packed, (0..inner).map(|k| std::array::from_fn(|i| entry(i, k))))
            }
        };
        // Rows by numbers that the compiler knows, so that the sums of a tile need not be in memory.
        #[expect(clippy::needless_range_loop, reason = "an iterator would want them there")]
        for i in 0..H {
            if row + i < rows {
                let (new, at) = (sums[i], (row + i) * columns + column);
                let out = &mut sum[at..];
                match (width == W, out.first_chunk_mut::<W>()) {
                    // As arrays, whose copies need no call.
                    (true, Some(out)) if kept => *out = std::array::from_fn(|j| out[j] + new[j]),
                    (true, Some(out)) => *out = new,
                    _ => {
                        for (out, new) in out[..width].iter_mut().zip(new) {
                            *out = if kept { *out + new } else { new };
                        }
                    }
                }
            }
        }
    }
    width
}

/// The sums of one tile, from parts of the left factor's columns.
#[inline(always)]
fn tile<T: Real, const W: usize, const H: usize>(
    packed: &[[T; W]],
    columns: impl Iterator<Item = [T; H]>,
) -> [[T; W]; H] {
    let mut sums = [[T::zero(); W]; H];
    for (y, x) in packed.iter().zip(columns) {
        // As arrays: that is what the compiler keeps in registers.
        sums = std::array::from_fn(|i| std::array::from_fn(|j| x[i].mul_add(y[j], sums[i][j])));
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::super::product::large;
    use super::*;

    /// Whole numbers, whose sums are exact.
    fn matrix<T: Real>(rows: usize, columns: usize, seed: usize) -> Vec<T> {
        let entry = |i: usize| ((i + seed) * 7919 % 31) as f64 - 15.0;
        (0..rows * columns).map(|i| T::of(entry(i))).collect()
    }

    fn agrees<T: Real + std::fmt::Debug>(sizes: [usize; 3]) {
        let [rows, inner, columns] = sizes;
        let (x, y) = (matrix::<T>(rows, inner, 1), matrix::<T>(inner, columns, 2));
        for case in 0..16 {
            let flag = |bit: usize| case >> bit & 1 == 1;
            let factor = |entries, transposed, [rows, columns]: [usize; 2]| Factor {
                entries,
                steps: if transposed { [1, rows] } else { [columns, 1] },
            };
            let left = factor(&x, flag(0), [rows, inner]);
            let right = factor(&y, flag(1), [inner, columns]);
            let destination = Destination { kept: flag(2), negative: flag(3) };
            let mut sum = matrix::<T>(rows, columns, 3);
            let mut expected = sum.clone();
            multiply_add(sizes, left, right, &mut sum, destination);
            large(sizes, left, right, &mut expected, destination);
            assert_eq!(sum, expected, "{sizes:?}, case {case:04b}");
        }
    }

    #[test]
    fn small_products_are_what_the_library_computes() {
        for rows in [1, 3, 4, 5, 6, 8, 11, 17] {
            for inner in [1, 2, 10, 33] {
                for columns in (1..=13).chain([20, 25, 36]) {
                    agrees::<f64>([rows, inner, columns]);
                    agrees::<f32>([rows, inner, columns]);
                }
            }
        }
    }
}
