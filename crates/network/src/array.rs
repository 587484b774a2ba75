//! Real arrays of any rank: what an algebra's coefficients are stored in.
//!
//! An [`Array`] is row-major and contiguous. It knows its shape; its entries are those of an executor, which does the
//! arithmetic: [loops](super::host) over buffers of the host, or, in a build for accelerators, Burn's tensors.

mod context;
mod numbers;
mod storage;
#[cfg(feature = "accelerator")]
pub(crate) mod tensor;

pub(crate) use context::{Context, Place};
pub(crate) use numbers::Number;
pub(crate) use storage::{Data, Indices};

use std::sync::Arc;

use smallvec::SmallVec;

use super::buffer::Buffer;
use super::host::convolution::Convolution;
use super::host::window::{Grid, Window};
use super::host::{Axes, Matrices, Pairwise};
use storage::{Storage, wherever};

/// Sizes of the axes, in place: a small network would spend its time asking for the memory of shapes.
pub(crate) type Shape = SmallVec<[usize; 4]>;

/// A row-major array.
#[derive(Clone, Debug)]
pub(crate) struct Array {
    data: Data,
    shape: Shape,
}

/// What a bilinear operation adds its result to, or takes it from.
pub(crate) struct Sum<S = Array> {
    pub so_far: Option<S>,
    pub negative: bool,
}

/// Where each entry of an array comes from: an entry of another, of the shape `source`, or nowhere, where it is zero.
#[derive(Clone, Debug)]
pub(crate) struct Positions {
    /// Rows of `width` entries that follow one another in both.
    rows: Indices,
    width: usize,
    /// Whether there are zeros, which are in the row after the last.
    hollow: bool,
    /// Where each row goes, if every row goes to one place.
    back: Option<Indices>,
    pub source: Shape,
    pub shape: Shape,
}

impl Positions {
    /// Stands for a position where there is none.
    pub const NONE: usize = usize::MAX;

    /// Takes each entry of an array of the shape `shape` from its position in one of the shape `source`.
    pub fn new(context: &Context, positions: &[usize], source: &[usize], shape: &[usize]) -> Self {
        debug_assert_eq!(positions.len(), shape.iter().product::<usize>());
        let length: usize = source.iter().product();
        let width = common_width(positions, length);
        let rows = positions.iter().step_by(width);
        let rows = rows.map(|&at| if at == Self::NONE { length / width } else { at / width });
        let rows: Vec<usize> = rows.collect();
        Self {
            back: inverse(&rows, length / width).map(|back| context.indices(back)),
            rows: context.indices(rows),
            width,
            hollow: positions.contains(&Self::NONE),
            source: Shape::from_slice(source),
            shape: Shape::from_slice(shape),
        }
    }
}

/// The inverse of a permutation of so many numbers, if it is one.
fn inverse(of: &[usize], count: usize) -> Option<Vec<usize>> {
    if of.len() != count {
        return None;
    }
    let mut inverse = vec![count; count];
    for (place, &at) in of.iter().enumerate() {
        let slot = inverse.get_mut(at).filter(|slot| **slot == count)?;
        *slot = place;
    }
    Some(inverse)
}

/// The largest width of rows such that every row of the positions is one of the `length` entries that they are in.
fn common_width(positions: &[usize], length: usize) -> usize {
    fn gcd(a: usize, b: usize) -> usize {
        if b == 0 { a } else { gcd(b, a % b) }
    }
    let mut width = gcd(positions.len(), length);
    for (at, &position) in positions.iter().enumerate() {
        let follows = at > 0
            && match (positions[at - 1], position) {
                (Positions::NONE, position) => position == Positions::NONE,
                (before, position) => position == before + 1,
            };
        if !follows {
            width = gcd(width, at);
            if position != Positions::NONE {
                width = gcd(width, position);
            }
        }
        if width <= 1 {
            return 1;
        }
    }
    width
}

impl Sum {
    pub fn with(self, term: Array) -> Array {
        match (self.so_far, self.negative) {
            (None, false) => term,
            (None, true) => term.scale(-1.0),
            (Some(sum), false) => sum.plus(term),
            (Some(sum), true) => sum.sub(&term),
        }
    }

    /// The sum as an executor has it.
    fn stored<S: Storage>(self) -> Sum<S> {
        Sum { so_far: self.so_far.map(|sum| S::own(sum.data)), negative: self.negative }
    }
}

/// The shape of a broadcast of two shapes of one rank.
pub(crate) fn broadcast_shape(a: &[usize], b: &[usize]) -> Shape {
    debug_assert_eq!(a.len(), b.len(), "{a:?} {b:?}");
    a.iter().zip(b).map(|(&x, &y)| if x == 1 { y } else { x }).collect()
}

impl Array {
    pub fn new(data: Data, shape: &[usize]) -> Self {
        Self { data, shape: Shape::from_slice(shape) }
    }

    /// An array on the host.
    pub fn of_numbers<T: Number>(values: Vec<T>, shape: &[usize]) -> Self {
        debug_assert_eq!(values.len(), shape.iter().product::<usize>());
        Self::new(Arc::new(Buffer::new(values)).into(), shape)
    }

    /// The entries of an array on the host.
    pub fn numbers<T: Number>(&self) -> &[T] {
        <Arc<Buffer<T>> as Storage>::of(&self.data)
    }

    #[cfg(feature = "accelerator")]
    pub fn data(&self) -> &Data {
        &self.data
    }

    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub fn length(&self) -> usize {
        self.shape.iter().product()
    }

    /// The entries as `f64`, from any device.
    pub fn to_f64(&self) -> Vec<f64> {
        wherever!(&self.data, x => x.to_f64())
    }

    /// Adds the entries to `sum`, or to zero where it is not kept.
    pub fn add_to(&self, sum: &mut [f64], kept: bool) {
        wherever!(&self.data, x => x.add_to(sum, kept));
    }

    /// The sum of all entries, on the host.
    pub fn total(&self) -> f64 {
        self.to_f64().iter().sum()
    }

    pub fn reshape(&self, shape: &[usize]) -> Self {
        debug_assert_eq!(self.length(), shape.iter().product::<usize>());
        Self::new(self.data.clone(), shape)
    }

    fn pairwise(&self, other: &Self, operation: Pairwise) -> Self {
        let shape = broadcast_shape(&self.shape, &other.shape);
        let axes = Axes::of(&shape, |axis| self.shape[axis] != 1, |axis| other.shape[axis] != 1);
        #[cfg(feature = "accelerator")]
        if axes.are_many() && matches!(self.data, Data::Device(_)) {
            return self.spread(&shape).pairwise(&other.spread(&shape), operation);
        }
        let data = wherever!(&self.data, x => {
            x.pairwise(Storage::of(&other.data), operation, &axes).into()
        });
        Self { data, shape }
    }

    /// Sum, with broadcasting between shapes of one rank.
    pub fn add(&self, other: &Self) -> Self {
        self.pairwise(other, Pairwise::Add)
    }

    /// Product entry by entry, with broadcasting.
    pub fn mul(&self, other: &Self) -> Self {
        self.pairwise(other, Pairwise::Multiply)
    }

    pub fn sub(&self, other: &Self) -> Self {
        self.pairwise(other, Pairwise::Subtract)
    }

    /// The sum of arrays of one shape, in the memory of one of them if nothing else needs it.
    pub fn plus(self, other: Self) -> Self {
        debug_assert_eq!(self.shape, other.shape);
        Self {
            data: wherever!(self.data, x => x.plus(Storage::own(other.data)).into()),
            shape: self.shape,
        }
    }

    pub fn scale(&self, factor: f64) -> Self {
        let data = wherever!(&self.data, x => x.scale(factor).into());
        Self { data, shape: self.shape.clone() }
    }

    /// Repeated along the axes where it has one entry and `shape` has more.
    pub fn spread(&self, shape: &[usize]) -> Self {
        if self.shape() == shape {
            return self.clone();
        }
        let axes = Axes::of(shape, |axis| self.shape[axis] != 1, |_| true);
        #[cfg(feature = "accelerator")]
        if axes.are_many() && matches!(self.data, Data::Device(_)) {
            return self.one_axis_at_a_time(shape, Self::spread);
        }
        Self::new(wherever!(&self.data, x => x.spread(&axes).into()), shape)
    }

    /// Sums over the axes where `shape` has one entry: the adjoint of a broadcast from `shape`.
    pub fn sum_to(&self, shape: &[usize]) -> Self {
        if self.shape() == shape {
            return self.clone();
        }
        let axes = Axes::of(&self.shape, |axis| shape[axis] != 1, |_| true);
        #[cfg(feature = "accelerator")]
        if axes.are_many() && matches!(self.data, Data::Device(_)) {
            return self.one_axis_at_a_time(shape, Self::sum_to);
        }
        Self::new(wherever!(&self.data, x => x.sum(&axes).into()), shape)
    }

    /// A change of shape by one axis after another, of which tensors take more groups than four.
    #[cfg(feature = "accelerator")]
    fn one_axis_at_a_time(&self, shape: &[usize], change: fn(&Self, &[usize]) -> Self) -> Self {
        (0..shape.len()).fold(self.clone(), |array, axis| {
            let mut next = array.shape.clone();
            next[axis] = shape[axis];
            change(&array, &next)
        })
    }

    /// The shape with another last axis, and the length of the last axis.
    fn with_last(&self, length: usize) -> (Shape, usize) {
        let mut shape = self.shape.clone();
        let last = std::mem::replace(shape.last_mut().expect("an array with an axis"), length);
        (shape, last)
    }

    /// The largest entry along the last axis, kept as an axis of one.
    pub fn max_last(&self) -> Self {
        let (shape, last) = self.with_last(1);
        Self { data: wherever!(&self.data, x => x.largest(last).into()), shape }
    }

    /// `a b`, with either transposed, added to `sum`: two axes, or more with the leading ones a batch.
    pub fn matmul(&self, other: &Self, transposed: (bool, bool), sum: Sum) -> Self {
        let (batch, a) = self.shape.split_at(self.shape.len() - 2);
        let b = &other.shape[batch.len()..];
        let sizes = Matrices {
            batch: batch.iter().product(),
            rows: a[usize::from(transposed.0)],
            inner: a[usize::from(!transposed.0)],
            columns: b[usize::from(!transposed.1)],
            transposed,
        };
        let data = wherever!(&self.data, x => {
            x.matmul(Storage::of(&other.data), &sizes, sum.stored()).into()
        });
        let shape = batch.iter().copied().chain([sizes.rows, sizes.columns]).collect();
        Self { data, shape }
    }

    fn four(&self) -> [usize; 4] {
        self.shape[..].try_into().expect("an array of four axes")
    }

    /// Axes 1 and 2 of four exchanged.
    pub fn swap_middle(&self) -> Self {
        let [a, b, c, d] = self.four();
        Self::new(wherever!(&self.data, x => x.swap_middle([a, b, c, d]).into()), &[a, c, b, d])
    }

    /// Entries `start … start + count` of the last axis.
    pub fn narrow(&self, start: usize, count: usize) -> Self {
        let (shape, last) = self.with_last(count);
        let range = start..start + count;
        Self { data: wherever!(&self.data, x => x.narrow(last, range).into()), shape }
    }

    /// The adjoint of [`narrow`](Self::narrow): this in an array of zeros with `last` entries on the last axis.
    pub fn widen(&self, start: usize, last: usize) -> Self {
        let (shape, count) = self.with_last(last);
        let range = start..start + count;
        Self { data: wherever!(&self.data, x => x.widen(last, range).into()), shape }
    }

    /// Matrices beside one another.
    pub fn join(parts: &[Self]) -> Self {
        let widths: Vec<usize> = parts.iter().map(|part| part.shape[1]).collect();
        let shape = [parts[0].shape[0], widths.iter().sum()];
        let data = wherever!(&parts[0].data, x => {
            let rest: Vec<_> = parts[1..].iter().map(|part| Storage::of(&part.data)).collect();
            x.join(&rest, &widths).into()
        });
        Self::new(data, &shape)
    }

    /// The entries at the positions, or zeros.
    pub fn pick(&self, positions: &Positions) -> Self {
        let Positions { rows, width, hollow, shape, .. } = positions;
        Self::new(wherever!(&self.data, x => x.rows(rows, *width, *hollow).into()), shape)
    }

    /// The adjoint of [`pick`](Self::pick): every entry is added to the place that it came from, in a sum or in zeros.
    pub fn scatter(&self, positions: &Positions, so_far: Option<Self>) -> Self {
        let Positions { rows, width, hollow, back, source, .. } = positions;
        if let (Some(back), None) = (back, &so_far) {
            return Self::new(
                wherever!(&self.data, x => x.rows(back, *width, false).into()),
                source,
            );
        }
        let length = source.iter().product::<usize>() / width;
        let data = wherever!(&self.data, x => {
            let sum = so_far.map(|sum| Storage::own(sum.data));
            x.scatter_rows(rows, *width, length, *hollow, sum).into()
        });
        Self::new(data, source)
    }

    /// Convolution of `[n, in, h, w]` with `[out, in, kh, kw]`.
    pub fn conv2d(&self, weight: &Self, window: Window, sum: Sum) -> Self {
        let ([images, channels, h, w], filters) = (self.four(), weight.shape[0]);
        let convolution = Convolution { images, channels, filters, grid: window.over([h, w]) };
        let data = wherever!(&self.data, x => {
            x.conv2d(Storage::of(&weight.data), &convolution, sum.stored()).into()
        });
        let [rows, columns] = convolution.grid.output;
        Self::new(data, &[images, filters, rows, columns])
    }

    /// The adjoint of a convolution with respect to its input, of height and width `size`.
    pub fn conv2d_input(&self, weight: &Self, window: Window, size: [usize; 2], sum: Sum) -> Self {
        let ([images, filters, ..], channels) = (self.four(), weight.shape[1]);
        let convolution = Convolution { images, channels, filters, grid: window.over(size) };
        let data = wherever!(&self.data, x => {
            x.conv2d_input(Storage::of(&weight.data), &convolution, sum.stored()).into()
        });
        Self::new(data, &[images, channels, size[0], size[1]])
    }

    /// The adjoint of a convolution of `self` with respect to its weight.
    pub fn conv2d_weight(&self, output: &Self, window: Window, sum: Sum) -> Self {
        let ([images, channels, h, w], filters) = (self.four(), output.shape[1]);
        let convolution = Convolution { images, channels, filters, grid: window.over([h, w]) };
        let data = wherever!(&self.data, x => {
            x.conv2d_weight(Storage::of(&output.data), &convolution, sum.stored()).into()
        });
        let [rows, columns] = window.kernel;
        Self::new(data, &[filters, channels, rows, columns])
    }

    /// The window at all its places over images of this size.
    pub fn grid(&self, window: Window) -> Grid {
        window.over([self.shape[2], self.shape[3]])
    }

    /// As many images of another size.
    fn images(&self, data: Data, size: [usize; 2]) -> Self {
        Self::new(data, &[self.shape[0], self.shape[1], size[0], size[1]])
    }

    /// Means over windows, padding counted.
    pub fn avg_pool2d(&self, grid: &Grid) -> Self {
        self.images(wherever!(&self.data, x => x.avg_pool2d(grid).into()), grid.output)
    }

    /// The adjoint of [`avg_pool2d`](Self::avg_pool2d).
    pub fn avg_pool2d_input(&self, grid: &Grid) -> Self {
        self.images(wherever!(&self.data, x => x.avg_pool2d_input(grid).into()), grid.input)
    }

    /// Where each window has its largest entry.
    pub fn max_positions(&self, grid: &Grid) -> Indices {
        wherever!(&self.data, x => x.max_positions(grid))
    }

    /// The entries at the positions.
    pub fn take(&self, at: &Indices, grid: &Grid) -> Self {
        self.images(wherever!(&self.data, x => x.take(at, grid).into()), grid.output)
    }

    /// The adjoint of [`take`](Self::take).
    pub fn put(&self, at: &Indices, grid: &Grid) -> Self {
        self.images(wherever!(&self.data, x => x.put(at, grid).into()), grid.input)
    }
}
