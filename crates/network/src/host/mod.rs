//! Loops over row-major buffers on the host.

pub(crate) mod convolution;
pub(crate) mod cores;
pub(crate) mod entries;
pub(crate) mod window;

use cores::Parts;
use smallvec::{SmallVec, smallvec};

use crate::algebra::Product;
use crate::buffer::Buffer;
use crate::lanes::{Coefficients, Real};
use crate::small::{Destination, Factor};

/// A function whose loops `pulp` compiles for each set of vector instructions. (A closure would do, but may fail to be
/// inlined, and then it is not compiled for them.)
macro_rules! vectorised {
    ($(#[$doc:meta])* $visibility:vis fn $name:ident($($argument:ident: $type:ty),+) -> $output:ty $body:block) => {
        $(#[$doc])*
        $visibility fn $name<'w, T: Real>($($argument: $type),+) -> $output {
            struct Work<'w, T> {
                $($argument: $type),+
            }
            impl<'w, T: Real> pulp::WithSimd for Work<'w, T> {
                type Output = $output;
                #[inline(always)]
                fn with_simd<S: pulp::Simd>(self, _: S) -> $output {
                    let Self { $($argument),+ } = self;
                    $body
                }
            }
            pulp::Arch::new().dispatch(Work { $($argument),+ })
        }
    };
}

pub(crate) use vectorised;

/// What is done with two arrays entry by entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pairwise {
    Add,
    Subtract,
    Multiply,
}

/// The axes of a broadcast or of a sum, with neighbours that are treated alike merged: the size of each, and which
/// of two operands have it.
#[derive(Clone, Debug)]
pub(crate) struct Axes(SmallVec<[(usize, bool, bool); 4]>);

impl Axes {
    pub fn of(
        shape: &[usize],
        left: impl Fn(usize) -> bool,
        right: impl Fn(usize) -> bool,
    ) -> Self {
        let mut merged: SmallVec<[(usize, bool, bool); 4]> = SmallVec::new();
        for (axis, &size) in shape.iter().enumerate().filter(|&(_, &size)| size != 1) {
            let sides = (left(axis), right(axis));
            match merged.last_mut() {
                Some((all, a, b)) if (*a, *b) == sides => *all *= size,
                _ => merged.push((size, sides.0, sides.1)),
            }
        }
        if merged.is_empty() {
            merged.push((1, true, true));
        }
        Self(merged)
    }

    /// Whether there are more than [`four`](Self::four).
    #[cfg(feature = "accelerator")]
    pub fn are_many(&self) -> bool {
        self.0.len() > 4
    }

    /// As four axes, the rank of the tensors that broadcast on other devices.
    #[cfg(feature = "accelerator")]
    pub fn four(&self) -> [(usize, bool, bool); 4] {
        assert!(self.0.len() <= 4, "a broadcast over more than four groups of axes: {self:?}");
        let missing = 4 - self.0.len();
        std::array::from_fn(|i| if i < missing { (1, true, true) } else { self.0[i - missing] })
    }

    fn length(&self) -> usize {
        self.0.iter().map(|axis| axis.0).product()
    }

    /// Entries of an array, of the left and of the right operand to each step along the first axis.
    fn steps(&self) -> [usize; 3] {
        self.0[1..].iter().fold([1; 3], |[all, left, right], &(size, a, b)| {
            [all * size, if a { left * size } else { left }, if b { right * size } else { right }]
        })
    }

    /// The same with fewer steps along the first axis, from `first` on; and where they start in the operands.
    fn piece(&self, first: usize, count: usize) -> (Self, [usize; 2]) {
        let ([_, left, right], (_, a, b)) = (self.steps(), self.0[0]);
        let mut piece = self.clone();
        piece.0[0].0 = count;
        (piece, [first * left * usize::from(a), first * right * usize::from(b)])
    }

    /// Visits every run along the last axis, with the places in both operands where it starts, and says how long
    /// runs are and which operands have entries of their own along them.
    #[inline(always)]
    fn runs(&self, mut visit: impl FnMut(usize, usize)) -> (usize, bool, bool) {
        let (&last, outer) = self.0.split_last().expect("an axis");
        let length = |has: bool| if has { last.0 } else { 1 };
        let (mut left, mut right) = (length(last.1), length(last.2));
        // Steps along each of the outer axes, from the last to the first.
        let steps: SmallVec<[[usize; 3]; 3]> = outer
            .iter()
            .rev()
            .map(|&(size, a, b)| {
                let step = [size, left * usize::from(a), right * usize::from(b)];
                left *= if a { size } else { 1 };
                right *= if b { size } else { 1 };
                step
            })
            .collect();
        let mut at: SmallVec<[usize; 3]> = smallvec![0; steps.len()];
        let (mut x, mut y) = (0, 0);
        loop {
            visit(x, y);
            let mut axis = 0;
            loop {
                let Some(&[size, a, b]) = steps.get(axis) else { return last };
                at[axis] += 1;
                (x, y) = (x + a, y + b);
                if at[axis] < size {
                    break;
                }
                at[axis] = 0;
                (x, y) = (x - size * a, y - size * b);
                axis += 1;
            }
        }
    }
}

/// `f(x, y)` with broadcasting.
#[inline(always)]
fn broadcast<T: Real>(x: &[T], y: &[T], axes: &Axes, out: &mut [T], f: impl Fn(T, T) -> T) {
    let (size, a, b) = *axes.0.last().expect("an axis");
    let mut runs = out.chunks_exact_mut(size);
    axes.runs(|i, j| {
        let out = runs.next().expect("a run for each").iter_mut();
        match (a, b) {
            (true, true) => {
                let pairs = x[i..i + size].iter().zip(&y[j..j + size]);
                out.zip(pairs).for_each(|(out, (&x, &y))| *out = f(x, y));
            }
            (true, false) => out.zip(&x[i..i + size]).for_each(|(out, &x)| *out = f(x, y[j])),
            (false, _) => out.zip(&y[j..j + size]).for_each(|(out, &y)| *out = f(x[i], y)),
        }
    });
}

vectorised! {
    fn pairwise_piece(
        operation: Pairwise,
        x: &'w [T],
        y: &'w [T],
        axes: &'w Axes,
        out: &'w mut [T]
    ) -> () {
        match operation {
            Pairwise::Add => broadcast(x, y, axes, out, |x, y| x + y),
            Pairwise::Subtract => broadcast(x, y, axes, out, |x, y| x - y),
            Pairwise::Multiply => broadcast(x, y, axes, out, |x, y| x * y),
        }
    }
}

/// `x + y`, `x - y` or `xy`, with broadcasting.
pub(crate) fn pairwise<T: Real>(operation: Pairwise, x: &[T], y: &[T], axes: &Axes) -> Vec<T> {
    let mut out = T::vector(axes.length());
    let [width, ..] = axes.steps();
    cores::each(&mut out, width, width, |first, out| {
        let (axes, [left, right]) = axes.piece(first, out.len() / width);
        pairwise_piece(operation, &x[left..], &y[right..], &axes, out);
    });
    out
}

vectorised! {
    fn add_piece(sum: &'w mut [T], x: &'w [T]) -> () {
        sum.iter_mut().zip(x).for_each(|(sum, &x)| *sum += x);
    }
}

/// Adds `x` to `sum`.
pub(crate) fn add_to<T: Real>(sum: &mut [T], x: &[T]) {
    cores::each(sum, 1, 1, |first, sum| add_piece(sum, &x[first..]));
}

/// `x`, repeated along the axes that it lacks.
pub(crate) fn spread<T: Real>(x: &[T], axes: &Axes) -> Vec<T> {
    let mut out = T::vector(axes.length());
    let [width, ..] = axes.steps();
    cores::each(&mut out, width, width, |first, out| {
        let (axes, [left, _]) = axes.piece(first, out.len() / width);
        spread_piece(&x[left..], &axes, out);
    });
    out
}

fn spread_piece<T: Real>(x: &[T], axes: &Axes, out: &mut [T]) {
    if let [(_, false, _), (size, true, _)] = axes.0[..] {
        // The same row again and again: copies of all the rows that are there, twice as many each time.
        out[..size].copy_from_slice(&x[..size]);
        let mut filled = size;
        while filled < out.len() {
            let count = filled.min(out.len() - filled);
            out.copy_within(..count, filled);
            filled += count;
        }
        return;
    }
    let (size, own, _) = *axes.0.last().expect("an axis");
    let mut runs = out.chunks_exact_mut(size);
    axes.runs(|i, _| {
        let out = runs.next().expect("a run for each");
        if own { out.copy_from_slice(&x[i..i + size]) } else { out.fill(x[i]) }
    });
}

/// For each entry of an array of the shape `shape`, its place in one that has one entry on some of the axes.
pub(crate) fn places(shape: &[usize], reduced: &[usize]) -> impl Iterator<Item = usize> {
    let mut steps: SmallVec<[[usize; 2]; 4]> = SmallVec::new();
    let mut step = 1;
    for (&size, &one) in shape.iter().zip(reduced).rev() {
        steps.push([size, if one == 1 { 0 } else { step }]);
        step *= one;
    }
    let mut at: SmallVec<[usize; 4]> = smallvec![0; shape.len()];
    let mut place = 0;
    (0..shape.iter().product()).map(move |_| {
        let found = place;
        for (at, [size, step]) in at.iter_mut().zip(&steps) {
            *at += 1;
            place += step;
            if *at < *size {
                break;
            }
            place -= size * step;
            *at = 0;
        }
        found
    })
}

/// Lanes of a reduction: no dependence of one step on the last, and less rounding.
const LANES: usize = 16;

/// The larger one, and `NaN` if there is one.
#[inline(always)]
fn larger<T: Real>(x: T, y: T) -> T {
    if x > y || x.is_nan() { x } else { y }
}

vectorised! {
    fn largest_piece(x: &'w [T], width: usize, out: &'w mut [T]) -> () {
        for (out, row) in out.iter_mut().zip(x.chunks_exact(width)) {
            let (chunks, rest) = row.as_chunks::<LANES>();
            let mut lanes = [T::neg_infinity(); LANES];
            for chunk in chunks {
                lanes = std::array::from_fn(|lane| larger(chunk[lane], lanes[lane]));
            }
            *out = lanes.iter().chain(rest).fold(T::neg_infinity(), |best, &x| larger(x, best));
        }
    }
}

/// The largest of every `width` entries, `NaN` where there is one.
pub(crate) fn largest<T: Real>(x: &[T], width: usize) -> Vec<T> {
    let mut out = T::vector(x.len() / width);
    cores::each(&mut out, 1, width, |first, out| largest_piece(&x[first * width..], width, out));
    out
}

vectorised! {
    fn scale_piece(x: &'w [T], factor: T, out: &'w mut [T]) -> () {
        out.iter_mut().zip(x).for_each(|(out, &x)| *out = x * factor);
    }
}

pub(crate) fn scale<T: Real>(x: &[T], factor: f64) -> Vec<T> {
    let factor = T::of(factor);
    let mut out = T::vector(x.len());
    cores::each(&mut out, 1, 1, |first, out| scale_piece(&x[first..], factor, out));
    out
}

/// Sums over the axes that the left operand, the result, lacks.
pub(crate) fn sum<T: Real>(x: &[T], axes: &Axes) -> Vec<T> {
    let [all, width, step] = axes.steps();
    let (count, kept, _) = axes.0[0];
    if kept {
        let mut out = T::vector(count * width);
        cores::each(&mut out, width, all, |first, out| {
            let (axes, [_, right]) = axes.piece(first, out.len() / width);
            sum_piece(&x[right..], &axes, out);
        });
        return out;
    }
    let ranges = cores::ranges(count, width, all);
    let mut sums = T::vector(ranges.len() * width);
    cores::each(&mut sums, width, all * count.div_ceil(ranges.len()), |first, sums| {
        for (sums, range) in sums.chunks_exact_mut(width).zip(&ranges[first..]) {
            let (axes, _) = axes.piece(range.start, range.len());
            sum_piece(&x[range.start * step..range.end * step], &axes, sums);
        }
    });
    if ranges.len() == 1 {
        return sums;
    }
    let sums = Buffer::new(sums);
    let mut out = T::vector(width);
    out.copy_from_slice(&sums[..width]);
    sums[width..].chunks_exact(width).for_each(|sums| add_piece(&mut out, sums));
    out
}

vectorised! {
    /// Of as many entries of `x` as the axes have.
    fn sum_piece(x: &'w [T], axes: &'w Axes, out: &'w mut [T]) -> () {
        let x = &x[..axes.length()];
        out.fill(T::zero());
        let (size, own, _) = *axes.0.last().expect("an axis");
        if let [(_, false, _), (size, true, _)] = axes.0[..] {
            // The rows of a matrix, of which small networks have many short ones.
            for row in x.chunks_exact(size) {
                out.iter_mut().zip(row).for_each(|(sum, &x)| *sum += x);
            }
        } else if own {
            axes.runs(|i, j| {
                for (sum, &x) in out[i..i + size].iter_mut().zip(&x[j..j + size]) {
                    *sum += x;
                }
            });
        } else {
            axes.runs(|i, j| out[i] += total(&x[j..j + size]));
        }
    }
}

/// The sum of a run, in lanes.
#[inline(always)]
fn total<T: Real>(x: &[T]) -> T {
    let (chunks, rest) = x.as_chunks::<LANES>();
    let mut lanes = [T::zero(); LANES];
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += x;
        }
    }
    let mut sum = T::zero();
    for &x in lanes[..LANES * usize::from(!chunks.is_empty())].iter().chain(rest) {
        sum += x;
    }
    sum
}

/// `± x_i y_j`, a term of the coefficient `out`; whether it is the first of that.
struct Term<'x, T> {
    x: &'x [T],
    y: &'x [T],
    out: usize,
    negative: bool,
    first: bool,
}

/// `Σ ± x_i y_j` over the products `(i, j)` that make each coefficient of an algebra; `None` for zero.
pub(crate) fn multiply<T: Real>(
    table: &[Product],
    x: &[Option<&[T]>],
    y: &[Option<&[T]>],
    length: usize,
) -> Coefficients<T> {
    let mut out: Coefficients<T> = smallvec![None; x.len()];
    let mut terms: SmallVec<[Term<'_, T>; 3]> = SmallVec::new();
    for p in table {
        if let (Some(x), Some(y)) = (x[p.left], y[p.right]) {
            let first = out[p.out].is_none();
            terms.push(Term { x, y, out: p.out, negative: p.negative, first });
            out[p.out].get_or_insert_with(|| T::vector(length));
        }
    }
    let parts = out.iter_mut().map(|out| out.as_deref_mut().unwrap_or(&mut [])).collect();
    cores::rows(parts, 1, terms.len(), &|start, mut parts: Parts<'_, T>| {
        let parts = parts.iter_mut().map(|part| &mut **part).collect();
        multiply_piece(&terms, start, parts);
    });
    out
}

vectorised! {
    /// A stretch at a time, so that the sums stay in cache.
    fn multiply_piece(terms: &'w [Term<'w, T>], start: usize, out: Parts<'w, T>) -> () {
        const STRETCH: usize = 256;
        let mut out = out;
        let length = out.iter().map(|out| out.len()).max().unwrap_or(0);
        for at in (0..length).step_by(STRETCH) {
            let (range, end) = (at..(at + STRETCH).min(length), (start + at + STRETCH).min(start + length));
            for term in terms {
                let sum = &mut out[term.out][range.clone()];
                let (x, y) = (&term.x[start + at..end], &term.y[start + at..end]);
                let each = sum.iter_mut().zip(x.iter().zip(y));
                match (term.first, term.negative) {
                    (true, false) => each.for_each(|(s, (&x, &y))| *s = x * y),
                    (true, true) => each.for_each(|(s, (&x, &y))| *s = -(x * y)),
                    (false, false) => each.for_each(|(s, (&x, &y))| *s += x * y),
                    (false, true) => each.for_each(|(s, (&x, &y))| *s = *s - x * y),
                }
            }
        }
    }
}

/// The sizes of a product of batches of matrices, and which of the two are stored transposed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrices {
    pub batch: usize,
    pub rows: usize,
    pub inner: usize,
    pub columns: usize,
    pub transposed: (bool, bool),
}

/// Multiplications that cost as much as going through a number of an array.
pub(crate) const PRODUCTS: usize = 64;

/// Rows of a product that are worth the preparation of the other factor.
const BLOCK: usize = 32;

/// Adds `±x y` to `sum`, or sets it where it is not to be kept.
pub(crate) fn matmul<T: Real>(
    sizes: Matrices,
    x: &[T],
    y: &[T],
    sum: &mut [T],
    destination: Destination,
) {
    let Matrices { batch, rows, inner, columns, transposed } = sizes;
    let cost = |rows: usize| rows * inner * columns / PRODUCTS;
    if batch == 1 {
        return cores::each(sum, BLOCK * columns, cost(BLOCK), |first, sum| {
            let count = sum.len() / columns;
            let matrix = |entries, [rows, columns]: [usize; 2], transposed: bool| Factor {
                entries,
                steps: if transposed { [1, rows] } else { [columns, 1] },
            };
            let x = matrix(x, [rows, inner], transposed.0);
            let x = Factor { entries: &x.entries[first * BLOCK * x.steps[0]..], ..x };
            let y = matrix(y, [inner, columns], transposed.1);
            crate::product::multiply([count, inner, columns], x, y, sum, destination);
        });
    }
    let (left, right) = (rows * inner, inner * columns);
    cores::each(sum, rows * columns, cost(rows), |first, sum| {
        for (at, sum) in (first..).zip(sum.chunks_exact_mut(rows * columns)) {
            crate::product::multiply_add(
                [rows, inner, columns],
                (&x[at * left..(at + 1) * left], transposed.0),
                (&y[at * right..(at + 1) * right], transposed.1),
                sum,
                destination,
            );
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole numbers, whose sums are exact.
    fn numbers(length: usize, seed: usize) -> Vec<f64> {
        (0..length).map(|i| ((i + seed) * 7919 % 31) as f64 - 15.0).collect()
    }

    #[test]
    fn products_in_pieces_are_those_of_the_whole() {
        for [rows, inner, columns] in [[4100, 100, 20], [520, 300, 200], [3000, 1, 3000]] {
            let (x, y) = (numbers(rows * inner, 1), numbers(inner * columns, 2));
            for case in 0..8 {
                let transposed = (case & 1 == 1, case & 2 == 2);
                let destination = Destination { kept: case & 4 == 4, negative: true };
                let sizes = Matrices { batch: 1, rows, inner, columns, transposed };
                let mut sum = numbers(rows * columns, 3);
                let mut expected = sum.clone();
                matmul(sizes, &x, &y, &mut sum, destination);
                let factors = ((&x[..], transposed.0), (&y[..], transposed.1));
                let sizes = [rows, inner, columns];
                let (x, y) = factors;
                crate::product::multiply_add(sizes, x, y, &mut expected, destination);
                assert!(sum == expected, "{sizes:?}, case {case:03b}");
            }
        }
    }

    #[test]
    fn broadcasts_and_sums_in_pieces_are_those_of_the_whole() {
        for shape in [vec![90_000], vec![300, 400], vec![40, 50, 60], vec![3, 70, 11, 50]] {
            let x = numbers(shape.iter().product(), 1);
            for mask in 0..1usize << shape.len() {
                let kept = |axis: usize| mask >> axis & 1 == 1;
                let small: Vec<usize> =
                    (0..shape.len()).map(|axis| if kept(axis) { shape[axis] } else { 1 }).collect();
                let y = numbers(small.iter().product(), 2);
                let places: Vec<usize> = places(&shape, &small).collect();
                let axes = Axes::of(&shape, kept, |_| true);
                let mut sums = vec![0.0; y.len()];
                places.iter().zip(&x).for_each(|(&at, x)| sums[at] += x);
                assert!(sum(&x, &axes) == sums, "{shape:?} {small:?}");
                let spread: Vec<f64> = places.iter().map(|&at| y[at]).collect();
                assert!(super::spread(&y, &axes) == spread, "{shape:?} {small:?}");
                let products: Vec<f64> = spread.iter().zip(&x).map(|(y, x)| y * x).collect();
                assert!(pairwise(Pairwise::Multiply, &y, &x, &axes) == products);
            }
        }
    }
}
