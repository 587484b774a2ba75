//! Real arrays of any rank on a device: what an algebra's coefficients are stored in.
//!
//! An [`Array`] is row-major and contiguous. On the host it is a plain buffer, for which the operations that every
//! network needs have [loops](super::host) of their own, since small networks would spend their time on the overhead
//! of tensors. Everything else, and everything on other devices, goes through Burn, whose tensors have their rank in
//! their type.

mod context;
mod entries;
mod windows;

pub(crate) use context::Context;
pub(crate) use windows::Window;

use std::sync::Arc;

use burn::tensor::{DType, Device, Tensor, TensorData};
use smallvec::SmallVec;

use super::buffer::Buffer;
use super::host::{self, Axes, Matrices, Pairwise};
use super::lanes::Real;
use super::small::Destination;

/// Sizes of the axes, in place: a small network would spend its time asking for the memory of shapes.
pub(crate) type Shape = SmallVec<[usize; 4]>;

/// A row-major array.
#[derive(Clone, Debug)]
pub(crate) struct Array {
    data: Data,
    shape: Shape,
}

#[derive(Clone, Debug)]
pub(crate) enum Data {
    F32(Arc<Buffer<f32>>),
    F64(Arc<Buffer<f64>>),
    /// Behind a pointer, since Burn's tensors are ten times as large as the others.
    Device(Box<Tensor<1>>),
}

/// A machine number that arrays on the host hold.
pub(crate) trait Number: Real {
    fn slice(data: &Data) -> Option<&[Self]>;
    /// Its own copy, where others hold the data too.
    fn slice_mut(data: &mut Data) -> &mut [Self];
    fn data(values: Vec<Self>) -> Data;
    /// The values of a tensor of these numbers.
    fn of_data(data: TensorData) -> Vec<Self>;
}

macro_rules! number {
    ($t:ty, $variant:ident) => {
        impl Number for $t {
            fn slice(data: &Data) -> Option<&[Self]> {
                if let Data::$variant(values) = data { Some(values) } else { None }
            }
            fn slice_mut(data: &mut Data) -> &mut [Self] {
                let Data::$variant(values) = data else {
                    unreachable!("one kind of numbers to a context")
                };
                Arc::<Buffer<$t>>::make_mut(values).slice_mut()
            }
            fn data(values: Vec<Self>) -> Data {
                Data::$variant(Arc::new(Buffer::new(values)))
            }
            fn of_data(data: TensorData) -> Vec<Self> {
                data.try_into_vec().expect("a tensor of its context's numbers")
            }
        }
    };
}

number!(f32, F32);
number!(f64, F64);

/// `$host` with the names as slices of one type where the arrays are on the host, as the data of a new array; else
/// `$device`.
macro_rules! on_host {
    ($($name:ident = $array:expr),+ => $host:expr, $device:expr) => {
        match ($(&$array.data,)+) {
            ($(Data::F32($name),)+) => Number::data($host),
            ($(Data::F64($name),)+) => Number::data($host),
            _ => Data::Device(Box::new($device)),
        }
    };
}

/// What a bilinear operation adds its result to, or takes it from.
#[derive(Default)]
pub(crate) struct Sum {
    pub so_far: Option<Array>,
    pub negative: bool,
}

impl Sum {
    pub fn with(self, term: Array) -> Array {
        match (self.so_far, self.negative) {
            (None, false) => term,
            (None, true) => term.scale(-1.0),
            (Some(sum), false) => sum.add(&term),
            (Some(sum), true) => sum.sub(&term),
        }
    }
}

/// The shape of a broadcast of two shapes of one rank.
pub(crate) fn broadcast_shape(a: &[usize], b: &[usize]) -> Shape {
    debug_assert_eq!(a.len(), b.len(), "{a:?} {b:?}");
    a.iter().zip(b).map(|(&x, &y)| if x == 1 { y } else { x }).collect()
}

/// Zeros beside a tensor.
fn zeros<const D: usize, const E: usize>(beside: &Tensor<D>, shape: [usize; E]) -> Tensor<E> {
    Tensor::zeros(shape, (&beside.device(), beside.dtype()))
}

fn on_host_matmul<T: Number>(
    sizes: Matrices,
    x: &[T],
    y: &[T],
    sum: Sum,
    shape: impl Fn() -> Shape,
) -> Array {
    let kept = sum.so_far.is_some();
    let mut out = sum.so_far.unwrap_or_else(|| {
        let length = sizes.batch * sizes.rows * sizes.columns;
        Array::of_numbers(T::vector(length), &shape())
    });
    let destination = Destination { kept, negative: sum.negative };
    host::matmul(sizes, x, y, T::slice_mut(&mut out.data), destination);
    out
}

impl Array {
    /// An array on the host.
    pub fn of_numbers<T: Number>(values: Vec<T>, shape: &[usize]) -> Self {
        debug_assert_eq!(values.len(), shape.iter().product::<usize>());
        Self { data: T::data(values), shape: Shape::from_slice(shape) }
    }

    /// The entries of an array on the host.
    pub fn numbers<T: Number>(&self) -> &[T] {
        T::slice(&self.data).expect("numbers of the context, on the host")
    }

    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub fn length(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it holds 64-bit numbers.
    pub fn is_double(&self) -> bool {
        match &self.data {
            Data::F32(_) => false,
            Data::F64(_) => true,
            Data::Device(tensor) => tensor.dtype() == DType::F64,
        }
    }

    /// The entries as `f64`, from any device.
    pub fn to_f64(&self) -> Vec<f64> {
        let wide = |values: &[f32]| values.iter().map(|&x| x.into()).collect();
        match &self.data {
            Data::F32(values) => wide(values),
            Data::F64(values) => values.to_vec(),
            Data::Device(_) if self.is_double() => f64::of_data(self.flat().into_data()),
            Data::Device(_) => wide(&f32::of_data(self.flat().into_data())),
        }
    }

    /// Adds the entries to `sum`.
    pub fn add_to(&self, sum: &mut [f64]) {
        match &self.data {
            Data::F32(values) => {
                sum.iter_mut().zip(values.iter()).for_each(|(s, &v)| *s += f64::from(v));
            }
            Data::F64(values) => sum.iter_mut().zip(values.iter()).for_each(|(s, &v)| *s += v),
            Data::Device(_) => sum.iter_mut().zip(self.to_f64()).for_each(|(s, v)| *s += v),
        }
    }

    pub fn reshape(&self, shape: &[usize]) -> Self {
        debug_assert_eq!(self.length(), shape.iter().product::<usize>());
        Self { data: self.data.clone(), shape: Shape::from_slice(shape) }
    }

    /// The entries as one of Burn's tensors; from the host, a copy.
    fn flat(&self) -> Tensor<1> {
        let length = self.length();
        let data = match &self.data {
            Data::F32(values) => TensorData::new(values.to_vec(), [length]),
            Data::F64(values) => TensorData::new(values.to_vec(), [length]),
            Data::Device(tensor) => return (**tensor).clone(),
        };
        let dtype = data.dtype();
        Tensor::from_data(data, (&Device::flex(), dtype))
    }

    fn tensor<const D: usize>(&self, shape: [usize; D]) -> Tensor<D> {
        self.flat().reshape(shape)
    }

    fn image(&self) -> Tensor<4> {
        self.tensor([self.shape[0], self.shape[1], self.shape[2], self.shape[3]])
    }

    /// A tensor made from this array's, where this array is.
    fn of<const D: usize>(&self, tensor: Tensor<D>, shape: &[usize]) -> Self {
        let tensor = tensor.reshape([shape.iter().product::<usize>()]);
        let data = match &self.data {
            Data::F32(_) => Number::data(f32::of_data(tensor.into_data())),
            Data::F64(_) => Number::data(f64::of_data(tensor.into_data())),
            Data::Device(_) => Data::Device(Box::new(tensor)),
        };
        Self { data, shape: Shape::from_slice(shape) }
    }

    fn pairwise(&self, other: &Self, operation: Pairwise) -> Self {
        let shape = broadcast_shape(&self.shape, &other.shape);
        let axes = Axes::of(&shape, |axis| self.shape[axis] != 1, |axis| other.shape[axis] != 1);
        let data = on_host!(a = self, b = other => host::pairwise(operation, a, b, &axes), {
            let axes: [_; 4] = axes.four();
            let a = self.tensor(axes.map(|(size, left, _)| if left { size } else { 1 }));
            let b = other.tensor(axes.map(|(size, _, right)| if right { size } else { 1 }));
            let result = match operation {
                Pairwise::Add => a + b,
                Pairwise::Subtract => a - b,
                Pairwise::Multiply => a * b,
            };
            result.reshape([shape.iter().product::<usize>()])
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

    /// Repeated along the axes where it has one entry and `shape` has more.
    pub fn spread(&self, shape: &[usize]) -> Self {
        if self.shape() == shape {
            return self.clone();
        }
        let axes = Axes::of(shape, |axis| self.shape[axis] != 1, |_| true);
        let data = on_host!(a = self => host::spread(a, &axes), {
            let axes: [_; 4] = axes.four();
            let narrow = self.tensor(axes.map(|(size, mine, _)| if mine { size } else { 1 }));
            narrow.expand(axes.map(|(size, _, _)| size)).reshape([shape.iter().product::<usize>()])
        });
        Self { data, shape: Shape::from_slice(shape) }
    }

    pub fn scale(&self, factor: f64) -> Self {
        let data = on_host!(a = self => host::scale(a, factor), self.flat() * factor);
        Self { data, shape: self.shape.clone() }
    }

    /// By operations of tensors.
    pub fn map(&self, f: impl Fn(Tensor<1>) -> Tensor<1>) -> Self {
        self.of(f(self.flat()), &self.shape)
    }

    /// The argument of `x + i·self`.
    pub fn atan2(&self, x: &Self) -> Self {
        self.map(|y| y.atan2(x.flat()))
    }

    /// Other entries, in an array of this shape on this device.
    pub fn like(&self, values: Vec<f64>) -> Self {
        self.map(|x| {
            let length = values.len();
            let data = TensorData::new(values.clone(), [length]);
            Tensor::from_data(data, (&x.device(), x.dtype()))
        })
    }

    /// `yes` where this is positive, else `no`.
    pub fn positive(&self, yes: &Self, no: &Self) -> Self {
        self.map(|x| no.flat().mask_where(x.greater_elem(0.0), yes.flat()))
    }

    /// Sums over the axes where `shape` has one entry: the adjoint of a broadcast from `shape`.
    pub fn sum_to(&self, shape: &[usize]) -> Self {
        if self.shape() == shape {
            return self.clone();
        }
        let axes = Axes::of(&self.shape, |axis| shape[axis] != 1, |_| true);
        let data = on_host!(a = self => host::sum(a, &axes), {
            let axes: [_; 4] = axes.four();
            let mut sum = self.tensor(axes.map(|(size, _, _)| size));
            for (axis, (size, kept, _)) in axes.into_iter().enumerate() {
                if size > 1 && !kept {
                    sum = sum.sum_dim(axis);
                }
            }
            sum.reshape([shape.iter().product::<usize>()])
        });
        Self { data, shape: Shape::from_slice(shape) }
    }

    /// The sum of all entries, on the host.
    pub fn total(&self) -> f64 {
        self.to_f64().iter().sum()
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
        let shape = || batch.iter().copied().chain([sizes.rows, sizes.columns]).collect();
        match (&self.data, &other.data) {
            (Data::F32(x), Data::F32(y)) => on_host_matmul(sizes, x, y, sum, shape),
            (Data::F64(x), Data::F64(y)) => on_host_matmul(sizes, x, y, sum, shape),
            _ => {
                let turn = |array: &Self, sides: &[usize], transposed: bool| -> Tensor<3> {
                    let tensor = array.tensor([sizes.batch, sides[0], sides[1]]);
                    if transposed { tensor.swap_dims(1, 2) } else { tensor }
                };
                let product = turn(self, a, transposed.0).matmul(turn(other, b, transposed.1));
                sum.with(self.of(product, &shape()))
            }
        }
    }

    /// The largest entry along the last axis, kept as an axis of one.
    pub fn max_last(&self) -> Self {
        let mut shape = self.shape.clone();
        let last = shape.pop().expect("an array with an axis");
        let rows: usize = shape.iter().product();
        shape.push(1);
        let data = on_host!(a = self => host::largest(a, last), {
            self.tensor([rows, last]).max_dim(1).reshape([rows])
        });
        Self { data, shape }
    }
}
