//! Where the entries of arrays live, and what can be done with them there: the one list of operations that the host
//! and the accelerators implement.

use std::ops::Range;
use std::sync::Arc;

use super::Sum;
#[cfg(feature = "accelerator")]
use super::tensor::{Positions, Real};
use crate::buffer::Buffer;
use crate::host::convolution::Convolution;
use crate::host::window::Grid;
use crate::host::{Axes, Matrices, Pairwise};

/// The entries of an array.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    F32(Arc<Buffer<f32>>),
    F64(Arc<Buffer<f64>>),
    #[cfg(feature = "accelerator")]
    Device(Real),
}

/// Rows of a table, or for each window of each plane a position in the plane.
#[derive(Clone, Debug)]
pub(crate) enum Indices {
    Host(Arc<[usize]>),
    #[cfg(feature = "accelerator")]
    Device(Positions),
}

/// The body with the entries under the name, wherever they are.
macro_rules! wherever {
    ($data:expr, $name:ident => $body:expr) => {
        match $data {
            Data::F32($name) => $body,
            Data::F64($name) => $body,
            #[cfg(feature = "accelerator")]
            Data::Device($name) => $body,
        }
    };
}

pub(super) use wherever;

/// Entries of one place and kind, and the operations on them; shapes are the caller's business.
pub(crate) trait Storage: Clone + Into<Data> {
    /// # Panics
    /// Where the entries are of another place or kind: there is one to a context.
    fn of(data: &Data) -> &Self;
    /// As [`of`](Self::of).
    fn own(data: Data) -> Self;
    fn to_f64(&self) -> Vec<f64>;
    /// Adds the entries to `sum`, or to zero where it is not kept.
    fn add_to(&self, sum: &mut [f64], kept: bool);

    fn pairwise(&self, other: &Self, operation: Pairwise, axes: &Axes) -> Self;
    /// The sum of entries that are as many, in the memory of one of them if nothing else needs it.
    fn plus(self, other: Self) -> Self;
    fn scale(&self, factor: f64) -> Self;
    /// Repeated along the axes that the left operand, this, lacks.
    fn spread(&self, axes: &Axes) -> Self;
    /// Sums over the axes that the left operand, the result, lacks.
    fn sum(&self, axes: &Axes) -> Self;
    /// The largest of every `width` entries.
    fn largest(&self, width: usize) -> Self;
    fn matmul(&self, other: &Self, sizes: &Matrices, sum: Sum<Self>) -> Self;

    /// Axes 1 and 2 of four exchanged.
    fn swap_middle(&self, sizes: [usize; 4]) -> Self;
    /// A range of each `width` entries.
    fn narrow(&self, width: usize, range: Range<usize>) -> Self;
    /// The adjoint of [`narrow`](Self::narrow).
    fn widen(&self, width: usize, range: Range<usize>) -> Self;
    /// The rows of this and of the `rest`, of these `widths`, beside one another.
    fn join(&self, rest: &[&Self], widths: &[usize]) -> Self;
    /// Rows of a table of `width` columns; if it is `hollow`, the one after the last is zero.
    fn rows(&self, indices: &Indices, width: usize, hollow: bool) -> Self;
    /// The adjoint of [`rows`](Self::rows) of a table with `length` of them, added to a sum if there is one.
    fn scatter_rows(
        &self,
        indices: &Indices,
        width: usize,
        length: usize,
        hollow: bool,
        sum: Option<Self>,
    ) -> Self;

    fn conv2d(&self, weight: &Self, convolution: &Convolution, sum: Sum<Self>) -> Self;
    /// The adjoint of [`conv2d`](Self::conv2d) with respect to its input, of this output.
    fn conv2d_input(&self, weight: &Self, convolution: &Convolution, sum: Sum<Self>) -> Self;
    /// The adjoint of [`conv2d`](Self::conv2d) of this input with respect to the weight.
    fn conv2d_weight(&self, output: &Self, convolution: &Convolution, sum: Sum<Self>) -> Self;
    /// Means over windows, padding counted.
    fn avg_pool2d(&self, grid: &Grid) -> Self;
    /// The adjoint of [`avg_pool2d`](Self::avg_pool2d).
    fn avg_pool2d_input(&self, grid: &Grid) -> Self;
    /// Where each window has its largest entry.
    fn max_positions(&self, grid: &Grid) -> Indices;
    /// The entries of each plane at the positions.
    fn take(&self, at: &Indices, grid: &Grid) -> Self;
    /// The adjoint of [`take`](Self::take).
    fn put(&self, at: &Indices, grid: &Grid) -> Self;
}
