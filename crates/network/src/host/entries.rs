//! Entries of arrays taken to other places: axes exchanged, parts of an axis, rows of a table.

use std::ops::Range;

use crate::lanes::Real;

/// Axes 1 and 2 of four exchanged.
pub(crate) fn swap_middle<T: Real>(x: &[T], [_, rows, columns, width]: [usize; 4]) -> Vec<T> {
    let mut out = T::vector(x.len());
    let blocks = out.chunks_exact_mut(rows * columns * width);
    for (out, x) in blocks.zip(x.chunks_exact(rows * columns * width)) {
        for (at, entry) in x.chunks_exact(width).enumerate() {
            let (row, column) = (at / columns, at % columns);
            out[(column * rows + row) * width..][..width].copy_from_slice(entry);
        }
    }
    out
}

/// The entries of each row of `width` that `range` names.
pub(crate) fn narrow<T: Real>(x: &[T], width: usize, range: Range<usize>) -> Vec<T> {
    let mut out = T::vector(x.len() / width * range.len());
    let rows = out.chunks_exact_mut(range.len()).zip(x.chunks_exact(width));
    rows.for_each(|(out, x)| out.copy_from_slice(&x[range.clone()]));
    out
}

/// The adjoint of [`narrow`]: rows of `width`, zero outside `range`.
pub(crate) fn widen<T: Real>(x: &[T], width: usize, range: Range<usize>) -> Vec<T> {
    let mut out = T::vector(x.len() / range.len() * width);
    out.fill(T::zero());
    let rows = out.chunks_exact_mut(width).zip(x.chunks_exact(range.len()));
    rows.for_each(|(out, x)| out[range.clone()].copy_from_slice(x));
    out
}

/// The rows of all parts, each of its width, beside one another.
pub(crate) fn join<T: Real>(parts: &[&[T]], widths: &[usize]) -> Vec<T> {
    let mut out = T::vector(parts.iter().map(|part| part.len()).sum());
    for (row, out) in out.chunks_exact_mut(widths.iter().sum()).enumerate() {
        let mut start = 0;
        for (part, &width) in parts.iter().zip(widths) {
            out[start..start + width].copy_from_slice(&part[row * width..(row + 1) * width]);
            start += width;
        }
    }
    out
}

/// The rows of `width` numbers of a table that `indices` name; those beyond it are zero.
pub(crate) fn rows<T: Real>(table: &[T], indices: &[usize], width: usize) -> Vec<T> {
    let mut out = T::vector(indices.len() * width);
    if width == 1 {
        let entry = |&index: &usize| table.get(index).copied().unwrap_or_else(T::zero);
        out.iter_mut().zip(indices).for_each(|(out, index)| *out = entry(index));
        return out;
    }
    for (out, &index) in out.chunks_exact_mut(width).zip(indices) {
        match table.get(index * width..) {
            Some(rest) if !rest.is_empty() => out.copy_from_slice(&rest[..width]),
            _ => out.fill(T::zero()),
        }
    }
    out
}

/// The adjoint of [`rows`]: every row is added to the row of a table of `length` rows that it came from.
pub(crate) fn scatter_rows<T: Real>(
    x: &[T],
    indices: &[usize],
    width: usize,
    length: usize,
) -> Vec<T> {
    let mut table = T::vector(length * width);
    table.fill(T::zero());
    for (row, &index) in x.chunks_exact(width).zip(indices).filter(|(_, index)| **index < length) {
        let sums = table[index * width..][..width].iter_mut();
        sums.zip(row).for_each(|(sum, &x)| *sum += x);
    }
    table
}

/// The entries of each plane of `pixels` at as many positions as each of the `places` has.
pub(crate) fn take<T: Real>(x: &[T], at: &[usize], pixels: usize, places: usize) -> Vec<T> {
    let mut out = T::vector(at.len());
    let planes = out.chunks_exact_mut(places).zip(at.chunks_exact(places));
    for ((out, at), plane) in planes.zip(x.chunks_exact(pixels)) {
        out.iter_mut().zip(at).for_each(|(out, &at)| *out = plane[at]);
    }
    out
}

/// The adjoint of [`take`].
pub(crate) fn put<T: Real>(y: &[T], at: &[usize], pixels: usize, places: usize) -> Vec<T> {
    let mut out = T::vector(at.len() / places * pixels);
    out.fill(T::zero());
    let planes = y.chunks_exact(places).zip(at.chunks_exact(places));
    for ((y, at), plane) in planes.zip(out.chunks_exact_mut(pixels)) {
        y.iter().zip(at).for_each(|(&y, &at)| plane[at] += y);
    }
    out
}
