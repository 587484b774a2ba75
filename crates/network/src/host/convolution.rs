//! Convolutions and their two adjoints on the host, as products of matrices.
//!
//! The pixels under a window at some of its places, a column a place, make a *panel*: the output there is the weight
//! times the panel, and the adjoints are products with its transpose and with that of the weight. Places and channels
//! are taken in blocks whose panel stays in a core's cache, so that no panel of a whole image need exist.

use std::ops::Range;

use super::window::{Grid, Window};
use super::{PRODUCTS, cores, vectorised};
use crate::buffer::Buffer;
use crate::lanes::Real;
use crate::product;
use crate::small::{Destination, Factor};

/// Places of the window that a panel has at least, where there are as many.
const PLACES: usize = 256;

/// Bytes of a panel that stay in a core's cache beside the other two matrices.
const PANEL: usize = 1 << 19;

/// Columns of a panel are a multiple of this, a vector register of numbers: `gemm` need not copy it then.
const ROUND: usize = 16;

/// Parts of the channels of a weight whose adjoint is worth the preparation of the output's.
const PARTS: usize = 4;

/// A convolution of `[images, channels, height, width]` with `[filters, channels, …]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Convolution {
    pub images: usize,
    pub channels: usize,
    pub filters: usize,
    pub grid: Grid,
}

/// The places of a window that one panel has: all of these images in these rows.
struct Places {
    images: Range<usize>,
    rows: Range<usize>,
    /// Columns of the panel; those without a place are zero.
    columns: usize,
}

impl Convolution {
    /// Pixels of a window in one channel.
    fn kernel(&self) -> usize {
        self.grid.window.kernel.iter().product()
    }

    /// Pixels of a window in all channels.
    pub fn inner(&self) -> usize {
        self.channels * self.kernel()
    }

    /// Images that share a panel.
    fn together(&self) -> usize {
        balanced(self.images, PLACES / self.grid.places())
    }

    /// What an image costs, as numbers that are gone through.
    fn cost(&self) -> usize {
        self.filters * self.inner() * self.grid.places() / PRODUCTS
    }

    /// Without the rows and columns of the window that lie in the padding at all of its places, and which are left; `None`
    /// where all are.
    fn cropped(&self) -> Option<(Self, [Range<usize>; 2])> {
        let Window { kernel, stride, padding } = self.grid.window;
        let used = [0, 1].map(|axis| {
            let is_used = |&offset: &usize| {
                (0..self.grid.output[axis]).any(|at| self.grid.at(axis, at, offset).is_some())
            };
            let first = (0..kernel[axis]).find(is_used).unwrap_or(0);
            first..(first..kernel[axis]).rfind(is_used).map_or(kernel[axis], |last| last + 1)
        });
        let [rows, columns] = [used[0].len(), used[1].len()];
        let padding = [0, 1].map(|axis| padding[axis] - used[axis].start);
        let window = Window { kernel: [rows, columns], stride, padding };
        let cropped = Self { grid: Grid { window, ..self.grid }, ..*self };
        (window.kernel != kernel).then_some((cropped, used))
    }

    /// Visits the rows that are left of the weight's planes from `first` on, a plane at a time: where each is in it.
    fn rows_left(
        &self,
        [rows, columns]: &[Range<usize>; 2],
        first: usize,
    ) -> impl Iterator<Item = Range<usize>> {
        let [height, width] = self.grid.window.kernel;
        let (rows, columns) = (rows.clone(), columns.clone());
        (first..self.filters * self.channels).flat_map(move |plane| {
            let start = move |row: usize| (plane * height + row) * width;
            let columns = columns.clone();
            rows.clone().map(move |row| start(row) + columns.start..start(row) + columns.end)
        })
    }

    /// What is left of the weight.
    fn crop<T: Real>(&self, weight: &[T], used: &[Range<usize>; 2]) -> Buffer<T> {
        let [rows, columns] = [used[0].len(), used[1].len()];
        let mut out = matrix(self.filters * self.channels, rows * columns);
        cores::each(out.slice_mut(), rows * columns, self.kernel(), |first, out| {
            let places = self.rows_left(used, first);
            out.chunks_exact_mut(columns).zip(places).for_each(|(out, place)| {
                out.copy_from_slice(&weight[place]);
            });
        });
        out
    }

    /// All places of the window, cut into panels.
    fn places(&self) -> impl Iterator<Item = Places> {
        let [height, width] = self.grid.output;
        let images = self.together();
        let rows = balanced(height, PLACES / width);
        let cut = |all: usize, step: usize| {
            (0..all).step_by(step).map(move |start| start..(start + step).min(all))
        };
        cut(self.images, images).flat_map(move |images| {
            cut(height, rows).map(move |rows| {
                let columns = (images.len() * rows.len() * width).next_multiple_of(ROUND);
                Places { images: images.clone(), rows, columns }
            })
        })
    }

    /// The channels, cut so that a panel of them fits into a cache.
    fn blocks<T>(
        &self,
        places: &Places,
        channels: Range<usize>,
    ) -> impl Iterator<Item = Range<usize>> {
        let most = PANEL / (size_of::<T>() * places.columns * self.kernel());
        let step = balanced(channels.len(), most);
        let end = channels.end;
        channels.step_by(step).map(move |start| start..(start + step).min(end))
    }

    /// The columns of the weight, `[filters, channels · kernel]`, that belong to some channels.
    fn columns<'w, T>(&self, weight: &'w [T], channels: &Range<usize>) -> &'w [T] {
        &weight[channels.start * self.kernel()..]
    }

    /// Visits every row of the panel of these channels, a piece of a row of places at a time: where the piece starts in
    /// the panel, which of its places lie on a pixel, and which pixel of the images the first of those is.
    #[inline(always)]
    fn pieces(
        &self,
        places: &Places,
        channels: &Range<usize>,
        mut visit: impl FnMut(usize, Range<usize>, usize),
    ) {
        let Grid { window, input: [_, width], output: [_, across], .. } = self.grid;
        let mut row = 0;
        for channel in channels.clone() {
            for i in 0..window.kernel[0] {
                for j in 0..window.kernel[1] {
                    // The places whose pixel `j` is in the image.
                    let first = window.padding[1].saturating_sub(j).div_ceil(window.stride[1]);
                    let end = (width + window.padding[1]).saturating_sub(j);
                    let end = end.div_ceil(window.stride[1]).min(across);
                    let inside = first.min(end)..end;
                    let left = inside.start * window.stride[1] + j;
                    let mut start = row * places.columns;
                    for image in places.images.clone() {
                        let plane = (image * self.channels + channel) * self.grid.pixels();
                        for place in places.rows.clone() {
                            match self.grid.at(0, place, i) {
                                Some(y) if !inside.is_empty() => visit(
                                    start,
                                    inside.clone(),
                                    plane + y * width + left - window.padding[1],
                                ),
                                _ => visit(start, 0..0, 0),
                            }
                            start += across;
                        }
                    }
                    row += 1;
                }
            }
        }
    }

    /// Visits the output at these places, a filter of an image at a time: where it starts in a matrix with a row a
    /// filter and the panel's columns, and where in the output.
    #[inline(always)]
    fn outputs(&self, places: &Places, mut visit: impl FnMut(usize, Range<usize>)) {
        let across = self.grid.output[1];
        let length = places.rows.len() * across;
        for filter in 0..self.filters {
            for (at, image) in places.images.clone().enumerate() {
                let plane = (image * self.filters + filter) * self.grid.places();
                let start = plane + places.rows.start * across;
                visit(filter * places.columns + at * length, start..start + length);
            }
        }
    }

    /// The output's adjoint at these places, a row a filter.
    fn gather<T: Real>(&self, places: &Places, output: &[T], matrix: &mut [T]) {
        let used = places.images.len() * places.rows.len() * self.grid.output[1];
        for row in matrix.chunks_exact_mut(places.columns) {
            row[used..].fill(T::zero());
        }
        self.outputs(places, |at, range| {
            matrix[at..at + range.len()].copy_from_slice(&output[range]);
        });
    }
}

vectorised! {
    fn fill_panel(
        convolution: &'w Convolution,
        places: &'w Places,
        channels: &'w Range<usize>,
        x: &'w [T],
        panel: &'w mut [T]
    ) -> () {
        let across = convolution.grid.output[1];
        let stride = convolution.grid.window.stride[1];
        let used = places.images.len() * places.rows.len() * across;
        if used < places.columns {
            for row in panel.chunks_exact_mut(places.columns) {
                row[used..].fill(T::zero());
            }
        }
        convolution.pieces(places, channels, |start, inside, pixel| {
            let piece = &mut panel[start..start + across];
            piece[..inside.start].fill(T::zero());
            piece[inside.end..].fill(T::zero());
            let piece = &mut piece[inside];
            if stride == 1 {
                piece.copy_from_slice(&x[pixel..pixel + piece.len()]);
            } else {
                piece.iter_mut().zip(x[pixel..].iter().step_by(stride)).for_each(|(to, &x)| *to = x);
            }
        });
    }
}

vectorised! {
    /// The adjoint of [`fill_panel`].
    fn add_panel(
        convolution: &'w Convolution,
        places: &'w Places,
        channels: &'w Range<usize>,
        panel: &'w [T],
        x: &'w mut [T]
    ) -> () {
        let stride = convolution.grid.window.stride[1];
        convolution.pieces(places, channels, |start, inside, pixel| {
            let piece = &panel[start..][inside];
            if stride == 1 {
                let sums = x[pixel..pixel + piece.len()].iter_mut();
                sums.zip(piece).for_each(|(sum, &x)| *sum += x);
            } else {
                let sums = x[pixel..].iter_mut().step_by(stride);
                sums.zip(piece).for_each(|(sum, &x)| *sum += x);
            }
        });
    }
}

vectorised! {
    fn add_outputs(
        convolution: &'w Convolution,
        places: &'w Places,
        matrix: &'w [T],
        kept: bool,
        output: &'w mut [T]
    ) -> () {
        convolution.outputs(places, |at, range| {
            let matrix = &matrix[at..at + range.len()];
            let sums = output[range].iter_mut().zip(matrix);
            if kept {
                sums.for_each(|(sum, &y)| *sum += y);
            } else {
                sums.for_each(|(sum, &y)| *sum = y);
            }
        });
    }
}

/// The size of equal parts of at most `most`.
fn balanced(all: usize, most: usize) -> usize {
    all.div_ceil(all.div_ceil(most.clamp(1, all)))
}

/// A row-major matrix whose rows are `step` apart.
fn rows<T>(entries: &[T], step: usize) -> Factor<'_, T> {
    Factor { entries, steps: [step, 1] }
}

/// The transpose of one.
fn columns<T>(entries: &[T], step: usize) -> Factor<'_, T> {
    Factor { entries, steps: [1, step] }
}

/// A matrix with any entries.
fn matrix<T: Real>(rows: usize, columns: usize) -> Buffer<T> {
    Buffer::new(T::vector(rows * columns))
}

/// Adds `±` the convolution of `x` with `weight` to `sum`, or sets it where that is not to be kept.
pub(crate) fn convolve<T: Real>(
    convolution: &Convolution,
    x: &[T],
    weight: &[T],
    sum: &mut [T],
    destination: Destination,
) {
    if let Some((cropped, used)) = convolution.cropped() {
        return convolve(&cropped, x, &convolution.crop(weight, &used), sum, destination);
    }
    let together = convolution.together();
    let input = convolution.channels * convolution.grid.pixels();
    let output = convolution.filters * convolution.grid.places();
    cores::each(sum, together * output, together * convolution.cost(), |first, sum| {
        let part = Convolution { images: sum.len() / output, ..*convolution };
        convolve_piece(&part, &x[first * together * input..], weight, sum, destination);
    });
}

fn convolve_piece<T: Real>(
    convolution: &Convolution,
    x: &[T],
    weight: &[T],
    sum: &mut [T],
    destination: Destination,
) {
    let (filters, kernel) = (convolution.filters, convolution.kernel());
    for places in convolution.places() {
        let mut output = matrix::<T>(filters, places.columns);
        for channels in convolution.blocks::<T>(&places, 0..convolution.channels) {
            let inner = channels.len() * kernel;
            let mut panel = matrix(inner, places.columns);
            fill_panel(convolution, &places, &channels, x, panel.slice_mut());
            product::multiply(
                [filters, inner, places.columns],
                rows(convolution.columns(weight, &channels), convolution.inner()),
                rows(&panel, places.columns),
                output.slice_mut(),
                Destination { kept: channels.start > 0, negative: destination.negative },
            );
        }
        add_outputs(convolution, &places, &output, destination.kept, sum);
    }
}

/// The same for the adjoint with respect to the input.
pub(crate) fn convolve_input<T: Real>(
    convolution: &Convolution,
    output: &[T],
    weight: &[T],
    sum: &mut [T],
    destination: Destination,
) {
    if let Some((cropped, used)) = convolution.cropped() {
        let weight = convolution.crop(weight, &used);
        return convolve_input(&cropped, output, &weight, sum, destination);
    }
    let together = convolution.together();
    let input = convolution.channels * convolution.grid.pixels();
    let places = convolution.filters * convolution.grid.places();
    cores::each(sum, together * input, together * convolution.cost(), |first, sum| {
        let part = Convolution { images: sum.len() / input, ..*convolution };
        convolve_input_piece(&part, &output[first * together * places..], weight, sum, destination);
    });
}

fn convolve_input_piece<T: Real>(
    convolution: &Convolution,
    output: &[T],
    weight: &[T],
    sum: &mut [T],
    destination: Destination,
) {
    if !destination.kept {
        sum.fill(T::zero());
    }
    let (filters, kernel) = (convolution.filters, convolution.kernel());
    for places in convolution.places() {
        let mut adjoint = matrix(filters, places.columns);
        convolution.gather(&places, output, adjoint.slice_mut());
        for channels in convolution.blocks::<T>(&places, 0..convolution.channels) {
            let inner = channels.len() * kernel;
            let mut panel = matrix(inner, places.columns);
            product::multiply(
                [inner, filters, places.columns],
                columns(convolution.columns(weight, &channels), convolution.inner()),
                rows(&adjoint, places.columns),
                panel.slice_mut(),
                Destination { kept: false, negative: destination.negative },
            );
            add_panel(convolution, &places, &channels, &panel, sum);
        }
    }
}

/// The same for the adjoint with respect to the weight.
pub(crate) fn convolve_weight<T: Real>(
    convolution: &Convolution,
    x: &[T],
    output: &[T],
    sum: &mut [T],
    destination: Destination,
) {
    if let Some((cropped, used)) = convolution.cropped() {
        let mut part = matrix(convolution.filters, cropped.inner());
        let set = Destination { kept: false, ..destination };
        convolve_weight(&cropped, x, output, part.slice_mut(), set);
        if !destination.kept {
            sum.fill(T::zero());
        }
        for (place, part) in convolution.rows_left(&used, 0).zip(part.chunks_exact(used[1].len())) {
            sum[place].iter_mut().zip(part).for_each(|(sum, &new)| *sum += new);
        }
        return;
    }
    let (filters, kernel) = (convolution.filters, convolution.kernel());
    // A row a pixel of the window and a column a filter, as `gemm` has less to copy then.
    let mut transposed = matrix::<T>(convolution.inner(), filters);
    let together = convolution.channels.div_ceil(PARTS);
    let cost = convolution.images * convolution.cost() / PARTS;
    cores::each(transposed.slice_mut(), together * kernel * filters, cost, |first, transposed| {
        transposed.fill(T::zero());
        let first = first * together;
        let all = first..first + transposed.len() / (kernel * filters);
        for places in convolution.places() {
            let mut adjoint = matrix(filters, places.columns);
            convolution.gather(&places, output, adjoint.slice_mut());
            for channels in convolution.blocks::<T>(&places, all.clone()) {
                let inner = channels.len() * kernel;
                let mut panel = matrix(inner, places.columns);
                fill_panel(convolution, &places, &channels, x, panel.slice_mut());
                let start = (channels.start - first) * kernel * filters;
                product::multiply(
                    [inner, places.columns, filters],
                    rows(&panel, places.columns),
                    columns(&adjoint, places.columns),
                    &mut transposed[start..start + inner * filters],
                    Destination { kept: true, negative: destination.negative },
                );
            }
        }
    });
    let inner = convolution.inner();
    cores::each(sum, inner, inner, |first, sum| {
        for (filter, row) in (first..).zip(sum.chunks_exact_mut(inner)) {
            for (sum, &new) in row.iter_mut().zip(transposed[filter..].iter().step_by(filters)) {
                *sum = if destination.kept { *sum + new } else { new };
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::super::window::Window;
    use super::*;

    /// Whole numbers, whose sums are exact.
    fn numbers<T: Real>(length: usize, seed: usize) -> Vec<T> {
        (0..length).map(|i| T::of(((i + seed) * 7919 % 13) as f64 - 6.0)).collect()
    }

    /// Visits the places of output, input and weight that belong together, by the definition.
    fn products(c: &Convolution, mut visit: impl FnMut(usize, usize, usize)) {
        let Grid { window: Window { kernel, stride, padding }, input, output } = c.grid;
        for (image, filter) in (0..c.images).flat_map(|n| (0..c.filters).map(move |f| (n, f))) {
            for (row, column) in (0..output[0]).flat_map(|r| (0..output[1]).map(move |c| (r, c))) {
                for channel in 0..c.channels {
                    for (i, j) in (0..kernel[0]).flat_map(|i| (0..kernel[1]).map(move |j| (i, j))) {
                        let (y, x) = (row * stride[0] + i, column * stride[1] + j);
                        let inside = |at: usize, axis: usize| {
                            (padding[axis]..padding[axis] + input[axis]).contains(&at)
                        };
                        if inside(y, 0) && inside(x, 1) {
                            visit(
                                ((image * c.filters + filter) * output[0] + row) * output[1]
                                    + column,
                                ((image * c.channels + channel) * input[0] + y - padding[0])
                                    * input[1]
                                    + x
                                    - padding[1],
                                ((filter * c.channels + channel) * kernel[0] + i) * kernel[1] + j,
                            );
                        }
                    }
                }
            }
        }
    }

    fn agrees<T: Real + std::fmt::Debug>(c: &Convolution) {
        let [pixels, places] = [c.grid.pixels(), c.grid.places()];
        let x = numbers::<T>(c.images * c.channels * pixels, 1);
        let w = numbers::<T>(c.filters * c.inner(), 2);
        let y = numbers::<T>(c.images * c.filters * places, 3);
        for case in 0..4 {
            let destination = Destination { kept: case & 1 == 1, negative: case & 2 == 2 };
            let sign = T::of(if destination.negative { -1.0 } else { 1.0 });
            let start = |old: &[T]| {
                if destination.kept { old.to_vec() } else { vec![T::zero(); old.len()] }
            };
            let mut expected = [start(&y), start(&x), start(&w)];
            products(c, |out, pixel, weight| {
                expected[0][out] += sign * x[pixel] * w[weight];
                expected[1][pixel] += sign * y[out] * w[weight];
                expected[2][weight] += sign * x[pixel] * y[out];
            });
            let mut found = [y.clone(), x.clone(), w.clone()];
            convolve(c, &x, &w, &mut found[0], destination);
            convolve_input(c, &y, &w, &mut found[1], destination);
            convolve_weight(c, &x, &y, &mut found[2], destination);
            assert!(found == expected, "case {case}: {c:?}");
        }
    }

    #[test]
    fn convolutions_are_their_definition() {
        let windows = [
            ([3, 3], [1, 1], [1, 1]),
            ([1, 1], [1, 1], [0, 0]),
            ([3, 2], [2, 1], [1, 0]),
            ([2, 5], [1, 3], [0, 4]),
            ([5, 5], [3, 2], [2, 2]),
        ];
        // Many images to a panel, many panels to an image, and several blocks of channels.
        let sizes = [
            ([7, 2, 3], [5, 6]),
            ([2, 1, 40], [9, 11]),
            ([1, 3, 2], [23, 31]),
            ([1, 2, 1], [5, 300]),
            ([9, 200, 5], [6, 7]),
        ];
        for (kernel, stride, padding) in windows {
            for ([images, channels, filters], input) in sizes {
                let grid = Window { kernel, stride, padding }.over(input);
                let convolution = Convolution { images, channels, filters, grid };
                agrees::<f64>(&convolution);
                agrees::<f32>(&convolution);
            }
        }
    }

    #[test]
    fn panels_cover_every_place_once_and_stay_small() {
        let window = Window { kernel: [3, 3], stride: [1, 1], padding: [1, 1] };
        for (images, channels, input) in [(64, 64, [32, 32]), (10, 512, [7, 7]), (3, 2, [2, 600])] {
            let grid = window.over(input);
            let convolution = Convolution { images, channels, filters: 4, grid };
            let mut count = 0;
            for places in convolution.places() {
                count += places.images.len() * places.rows.len() * input[1];
                let mut next = 0;
                for block in convolution.blocks::<f32>(&places, 0..convolution.channels) {
                    assert_eq!(block.start, next);
                    next = block.end;
                    assert!(4 * block.len() * 9 * places.columns <= PANEL);
                }
                assert_eq!(next, channels);
            }
            assert_eq!(count, images * grid.places());
        }
    }
}
