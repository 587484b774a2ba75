//! Arrays on the host: buffers of machine numbers, and loops over them.

use std::ops::Range;
use std::sync::Arc;

use super::Sum;
use super::storage::{Data, Indices, Storage};
use crate::buffer::Buffer;
use crate::host::convolution::{self, Convolution};
use crate::host::window::{self, Grid};
use crate::host::{self, Axes, Matrices, Pairwise, cores, entries};
use crate::lanes::Real;
use crate::small::Destination;

/// A machine number that arrays on the host hold.
pub(crate) trait Number: Real {
    /// The entries of an array of these numbers.
    fn stored(data: &Data) -> Option<&Arc<Buffer<Self>>>;
    fn owned(data: Data) -> Option<Arc<Buffer<Self>>>;
    fn data(values: Arc<Buffer<Self>>) -> Data;
}

macro_rules! number {
    ($t:ty, $variant:ident) => {
        impl Number for $t {
            fn stored(data: &Data) -> Option<&Arc<Buffer<Self>>> {
                if let Data::$variant(values) = data { Some(values) } else { None }
            }
            fn owned(data: Data) -> Option<Arc<Buffer<Self>>> {
                if let Data::$variant(values) = data { Some(values) } else { None }
            }
            fn data(values: Arc<Buffer<Self>>) -> Data {
                Data::$variant(values)
            }
        }
    };
}

number!(f32, F32);
number!(f64, F64);

impl<T: Number> From<Arc<Buffer<T>>> for Data {
    fn from(values: Arc<Buffer<T>>) -> Self {
        T::data(values)
    }
}

fn buffer<T: Number>(values: Vec<T>) -> Arc<Buffer<T>> {
    Arc::new(Buffer::new(values))
}

/// The sum with what `add` adds to it, or sets it to; of `length` numbers.
fn accumulated<T: Number>(
    sum: Sum<Arc<Buffer<T>>>,
    length: usize,
    add: impl FnOnce(&mut [T], Destination),
) -> Arc<Buffer<T>> {
    let destination = Destination { kept: sum.so_far.is_some(), negative: sum.negative };
    let mut out = sum.so_far.unwrap_or_else(|| buffer(T::vector(length)));
    add(Arc::make_mut(&mut out).slice_mut(), destination);
    out
}

impl Indices {
    fn on_host(&self) -> &[usize] {
        match self {
            Self::Host(indices) => indices,
            #[cfg(feature = "accelerator")]
            Self::Device(_) => unreachable!("one place to a context"),
        }
    }
}

impl<T: Number> Storage for Arc<Buffer<T>> {
    fn of(data: &Data) -> &Self {
        T::stored(data).expect("one kind of numbers to a context")
    }
    fn own(data: Data) -> Self {
        T::owned(data).expect("one kind of numbers to a context")
    }
    fn to_f64(&self) -> Vec<f64> {
        self.iter().map(|&x| x.wide()).collect()
    }
    fn add_to(&self, sum: &mut [f64], kept: bool) {
        cores::each(&mut sum[..self.len()], 1, 1, |first, sum| {
            let pairs = sum.iter_mut().zip(&self[first..]);
            if kept {
                pairs.for_each(|(sum, &x)| *sum += x.wide());
            } else {
                // Memory of zeros that nobody has read costs half.
                pairs.for_each(|(sum, &x)| *sum = 0.0 + x.wide());
            }
        });
    }

    fn pairwise(&self, other: &Self, operation: Pairwise, axes: &Axes) -> Self {
        buffer(host::pairwise(operation, self, other, axes))
    }
    fn plus(mut self, mut other: Self) -> Self {
        if let Some(sum) = Arc::get_mut(&mut self) {
            host::add_to(sum.slice_mut(), &other);
            self
        } else if let Some(sum) = Arc::get_mut(&mut other) {
            host::add_to(sum.slice_mut(), &self);
            other
        } else {
            self.pairwise(&other, Pairwise::Add, &Axes::of(&[self.len()], |_| true, |_| true))
        }
    }
    fn scale(&self, factor: f64) -> Self {
        buffer(host::scale(self, factor))
    }
    fn spread(&self, axes: &Axes) -> Self {
        buffer(host::spread(self, axes))
    }
    fn sum(&self, axes: &Axes) -> Self {
        buffer(host::sum(self, axes))
    }
    fn largest(&self, width: usize) -> Self {
        buffer(host::largest(self, width))
    }
    fn matmul(&self, other: &Self, sizes: &Matrices, sum: Sum<Self>) -> Self {
        accumulated(sum, sizes.batch * sizes.rows * sizes.columns, |sum, destination| {
            host::matmul(*sizes, self, other, sum, destination);
        })
    }

    fn swap_middle(&self, sizes: [usize; 4]) -> Self {
        buffer(entries::swap_middle(self, sizes))
    }
    fn narrow(&self, width: usize, range: Range<usize>) -> Self {
        buffer(entries::narrow(self, width, range))
    }
    fn widen(&self, width: usize, range: Range<usize>) -> Self {
        buffer(entries::widen(self, width, range))
    }
    fn join(&self, rest: &[&Self], widths: &[usize]) -> Self {
        let parts: Vec<&[T]> =
            std::iter::once(self).chain(rest.iter().copied()).map(|part| &part[..]).collect();
        buffer(entries::join(&parts, widths))
    }
    fn rows(&self, indices: &Indices, width: usize, _: bool) -> Self {
        buffer(entries::rows(self, indices.on_host(), width))
    }
    fn scatter_rows(
        &self,
        indices: &Indices,
        width: usize,
        length: usize,
        _: bool,
        sum: Option<Self>,
    ) -> Self {
        let sum = Sum { so_far: sum, negative: false };
        accumulated(sum, length * width, |sum, destination| {
            if !destination.kept {
                sum.fill(T::zero());
            }
            entries::scatter_rows(self, indices.on_host(), width, sum);
        })
    }

    fn conv2d(&self, weight: &Self, convolution: &Convolution, sum: Sum<Self>) -> Self {
        let length = convolution.images * convolution.filters * convolution.grid.places();
        accumulated(sum, length, |sum, destination| {
            convolution::convolve(convolution, self, weight, sum, destination);
        })
    }
    fn conv2d_input(&self, weight: &Self, convolution: &Convolution, sum: Sum<Self>) -> Self {
        let length = convolution.images * convolution.channels * convolution.grid.pixels();
        accumulated(sum, length, |sum, destination| {
            convolution::convolve_input(convolution, self, weight, sum, destination);
        })
    }
    fn conv2d_weight(&self, output: &Self, convolution: &Convolution, sum: Sum<Self>) -> Self {
        let length = convolution.filters * convolution.inner();
        accumulated(sum, length, |sum, destination| {
            convolution::convolve_weight(convolution, self, output, sum, destination);
        })
    }
    fn avg_pool2d(&self, grid: &Grid) -> Self {
        buffer(window::average(self, grid))
    }
    fn avg_pool2d_input(&self, grid: &Grid) -> Self {
        buffer(window::average_adjoint(self, grid))
    }
    fn max_positions(&self, grid: &Grid) -> Indices {
        Indices::Host(window::largest_positions(self, grid).into())
    }
    fn take(&self, at: &Indices, grid: &Grid) -> Self {
        buffer(entries::take(self, at.on_host(), grid.pixels(), grid.places()))
    }
    fn put(&self, at: &Indices, grid: &Grid) -> Self {
        buffer(entries::put(self, at.on_host(), grid.pixels(), grid.places()))
    }
}
