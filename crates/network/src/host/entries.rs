//! Entries of arrays taken to other places: axes exchanged, parts of an axis, rows of a table.

use std::ops::Range;

use super::cores;
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
    cores::each(&mut out, range.len(), range.len(), |first, out| {
        let rows = out.chunks_exact_mut(range.len()).zip(x[first * width..].chunks_exact(width));
        rows.for_each(|(out, x)| out.copy_from_slice(&x[range.clone()]));
    });
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
    let all: usize = widths.iter().sum();
    cores::each(&mut out, all, all, |first, out| {
        for (row, out) in (first..).zip(out.chunks_exact_mut(all)) {
            let mut start = 0;
            for (part, &width) in parts.iter().zip(widths) {
                out[start..start + width].copy_from_slice(&part[row * width..(row + 1) * width]);
                start += width;
            }
        }
    });
    out
}

/// The rows of `width` numbers of a table that `indices` name; those beyond it are zero.
pub(crate) fn rows<T: Real>(table: &[T], indices: &[usize], width: usize) -> Vec<T> {
    let mut out = T::vector(indices.len() * width);
    cores::each(&mut out, width, width, |first, out| rows_of(table, &indices[first..], width, out));
    out
}

fn rows_of<T: Real>(table: &[T], indices: &[usize], width: usize, out: &mut [T]) {
    if width == 1 {
        let entry = |&index: &usize| table.get(index).copied().unwrap_or_else(T::zero);
        out.iter_mut().zip(indices).for_each(|(out, index)| *out = entry(index));
        return;
    }
    for (out, &index) in out.chunks_exact_mut(width).zip(indices) {
        match table.get(index * width..) {
            Some(rest) if !rest.is_empty() => out.copy_from_slice(&rest[..width]),
            _ => out.fill(T::zero()),
        }
    }
}

/// The adjoint of [`rows`]: every row is added to the row of the table that it came from.
pub(crate) fn scatter_rows<T: Real>(x: &[T], indices: &[usize], width: usize, table: &mut [T]) {
    let length = table.len() / width;
    for (row, &index) in x.chunks_exact(width).zip(indices).filter(|(_, index)| **index < length) {
        let sums = table[index * width..][..width].iter_mut();
        sums.zip(row).for_each(|(sum, &x)| *sum += x);
    }
}

/// The entries of each plane of `pixels` at as many positions as each of the `places` has.
pub(crate) fn take<T: Real>(x: &[T], at: &[usize], pixels: usize, places: usize) -> Vec<T> {
    let mut out = T::vector(at.len());
    cores::each(&mut out, places, places, |first, out| {
        let planes = out.chunks_exact_mut(places).zip(at[first * places..].chunks_exact(places));
        for ((out, at), plane) in planes.zip(x[first * pixels..].chunks_exact(pixels)) {
            out.iter_mut().zip(at).for_each(|(out, &at)| *out = plane[at]);
        }
    });
    out
}

/// The adjoint of [`take`].
pub(crate) fn put<T: Real>(y: &[T], at: &[usize], pixels: usize, places: usize) -> Vec<T> {
    let mut out = T::vector(at.len() / places * pixels);
    cores::each(&mut out, pixels, pixels, |first, out| {
        out.fill(T::zero());
        let start = first * places;
        let planes = y[start..].chunks_exact(places).zip(at[start..].chunks_exact(places));
        for ((y, at), plane) in planes.zip(out.chunks_exact_mut(pixels)) {
            y.iter().zip(at).for_each(|(&y, &at)| plane[at] += y);
        }
    });
    out
}
