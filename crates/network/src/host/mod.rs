//! Loops over row-major buffers on the host.

pub(crate) mod convolution;
pub(crate) mod entries;
pub(crate) mod window;

use smallvec::{SmallVec, smallvec};

use crate::algebra::Product;
use crate::lanes::{Coefficients, Real};
use crate::small::Destination;

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
fn broadcast<T: Real>(x: &[T], y: &[T], axes: &Axes, f: impl Fn(T, T) -> T) -> Vec<T> {
    let mut out = T::vector(axes.length());
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
    out
}

vectorised! {
    /// `x + y`, `x - y` or `xy`, with broadcasting.
    pub(crate) fn pairwise(operation: Pairwise, x: &'w [T], y: &'w [T], axes: &'w Axes) -> Vec<T> {
        match operation {
            Pairwise::Add => broadcast(x, y, axes, |x, y| x + y),
            Pairwise::Subtract => broadcast(x, y, axes, |x, y| x - y),
            Pairwise::Multiply => broadcast(x, y, axes, |x, y| x * y),
        }
    }
}

/// `x`, repeated along the axes that it lacks.
pub(crate) fn spread<T: Real>(x: &[T], axes: &Axes) -> Vec<T> {
    let mut out = T::vector(axes.length());
    if let [(_, false, _), (size, true, _)] = axes.0[..] {
        // The same row again and again: copies of all the rows that are there, twice as many each time.
        out[..size].copy_from_slice(x);
        let mut filled = size;
        while filled < out.len() {
            let count = filled.min(out.len() - filled);
            out.copy_within(..count, filled);
            filled += count;
        }
        return out;
    }
    let (size, own, _) = *axes.0.last().expect("an axis");
    let mut runs = out.chunks_exact_mut(size);
    axes.runs(|i, _| {
        let out = runs.next().expect("a run for each");
        if own { out.copy_from_slice(&x[i..i + size]) } else { out.fill(x[i]) }
    });
    out
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

/// The largest of every `width` entries.
pub(crate) fn largest<T: Real>(x: &[T], width: usize) -> Vec<T> {
    x.chunks(width).map(|row| row.iter().copied().fold(T::neg_infinity(), T::max)).collect()
}

pub(crate) fn scale<T: Real>(x: &[T], factor: f64) -> Vec<T> {
    let factor = T::of(factor);
    let mut out = T::vector(x.len());
    out.iter_mut().zip(x).for_each(|(out, &x)| *out = x * factor);
    out
}

vectorised! {
    /// Sums over the axes that the left operand, the result, lacks.
    pub(crate) fn sum(x: &'w [T], axes: &'w Axes) -> Vec<T> {
        let kept = axes.0.iter().map(|&(size, kept, _)| if kept { size } else { 1 }).product();
        let mut out = T::vector(kept);
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
        out
    }
}

/// The sum of a run, in lanes: no dependence of one addition on the last, and less rounding.
#[inline(always)]
fn total<T: Real>(x: &[T]) -> T {
    const LANES: usize = 16;
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

vectorised! {
    /// `Σ ± x_i y_j` over the products `(i, j)` that make each coefficient of an algebra; `None` for zero. A stretch at
    /// a time, so that the sums stay in cache.
    pub(crate) fn multiply(
        table: &'w [Product],
        x: &'w [Option<&'w [T]>],
        y: &'w [Option<&'w [T]>],
        length: usize
    ) -> Coefficients<T> {
        const STRETCH: usize = 256;
        let mut out: Coefficients<T> = smallvec![None; x.len()];
        // Each product with whether it is the first of its coefficient.
        let mut terms: SmallVec<[_; 1]> = SmallVec::new();
        for p in table {
            if let (Some(x), Some(y)) = (x[p.left], y[p.right]) {
                terms.push((p, x, y, out[p.out].is_none()));
                out[p.out].get_or_insert_with(|| T::vector(length));
            }
        }
        for start in (0..length).step_by(STRETCH) {
            let range = start..(start + STRETCH).min(length);
            for &(p, x, y, first) in &terms {
                let sum = &mut out[p.out].as_mut().expect("made above")[range.clone()];
                let (x, y) = (&x[range.clone()], &y[range.clone()]);
                let each = sum.iter_mut().zip(x.iter().zip(y));
                match (first, p.negative) {
                    (true, false) => each.for_each(|(s, (&x, &y))| *s = x * y),
                    (true, true) => each.for_each(|(s, (&x, &y))| *s = -(x * y)),
                    (false, false) => each.for_each(|(s, (&x, &y))| *s += x * y),
                    (false, true) => each.for_each(|(s, (&x, &y))| *s = *s - x * y),
                }
            }
        }
        out
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

/// Adds `±x y` to `sum`, or sets it where it is not to be kept.
pub(crate) fn matmul<T: Real>(
    sizes: Matrices,
    x: &[T],
    y: &[T],
    sum: &mut [T],
    destination: Destination,
) {
    let Matrices { batch, rows, inner, columns, transposed } = sizes;
    let (left, right) = (rows * inner, inner * columns);
    for at in 0..batch {
        crate::product::multiply_add(
            [rows, inner, columns],
            (&x[at * left..(at + 1) * left], transposed.0),
            (&y[at * right..(at + 1) * right], transposed.1),
            &mut sum[at * rows * columns..(at + 1) * rows * columns],
            destination,
        );
    }
}
