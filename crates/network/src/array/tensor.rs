//! Arrays on an accelerator: Burn's tensors, whose memory the host cannot read.

use std::ops::Range;

use burn::tensor::ops::{AvgPoolOptions, ConvOptions, ConvTransposeOptions, MaxPoolOptions};
use burn::tensor::{DType, Device, IndexingUpdateOp, Int, Tensor, TensorData, module};

use super::Sum;
use super::storage::{Data, Indices, Storage};
use crate::architecture::Dtype;
use crate::host::convolution::Convolution;
use crate::host::window::{Grid, Window};
use crate::host::{Axes, Matrices, Pairwise};

/// Behind a pointer, since Burn's tensors are ten times as large as the buffers of the host.
pub(crate) type Real = Box<Tensor<1>>;

/// Whole numbers.
pub(crate) type Positions = Box<Tensor<1, Int>>;

/// The numbers of a network as Burn names them.
pub(crate) fn element(dtype: Dtype) -> DType {
    match dtype {
        Dtype::F32 => DType::F32,
        Dtype::F64 => DType::F64,
    }
}

/// Numbers of the host on a device.
pub(crate) fn upload(values: Vec<f64>, device: &Device, dtype: DType) -> Real {
    let length = values.len();
    let data = match dtype {
        DType::F64 => TensorData::new(values, [length]),
        _ => TensorData::new(values.into_iter().map(|v| v as f32).collect(), [length]),
    };
    Box::new(Tensor::from_data(data, (device, dtype)))
}

/// The entries of a tensor on the host.
pub(crate) fn download(tensor: &Tensor<1>) -> Vec<f64> {
    let data = tensor.clone().into_data();
    if tensor.dtype() == DType::F64 {
        return data.try_into_vec().expect("a tensor of 64-bit numbers");
    }
    let values: Vec<f32> = data.try_into_vec().expect("a tensor of 32-bit numbers");
    values.into_iter().map(f64::from).collect()
}

/// Whether a device calculates with 64-bit numbers: a driver may have them, and the compiler of kernels for it may not. Drivers
/// for Vulkan add and multiply them, but the functions of GLSL, the exponential among them, have 32 bits at most.
pub(super) fn has_double(device: &Device) -> bool {
    if !device.supports_dtype(DType::F64) {
        return false;
    }
    let values = [1.1, 2.7, 1.0 / 3.0, 0.6];
    let x = *upload(values.to_vec(), device, DType::F64);
    type Tried = (Tensor<1>, fn(f64) -> f64);
    let functions: [Tried; 7] = [
        (x.clone() * x.clone() + x.clone(), |x| x * x + x),
        (x.clone().recip(), f64::recip),
        (x.clone().sqrt(), f64::sqrt),
        (x.clone().exp(), f64::exp),
        (x.clone().log(), f64::ln),
        (x.clone().sin(), f64::sin),
        (x.clone().cos(), f64::cos),
    ];
    let [product, sum] =
        [x.clone().reshape([2, 2]).matmul(x.clone().reshape([2, 2])).reshape([4]), x.clone().sum()];
    let [a, b, c, d] = values;
    let is_near = |found: f64, expected: f64| (found - expected).abs() <= 1e-14 * expected.abs();
    let all_near = |found: &Tensor<1>, expected: &[f64]| {
        let found = download(found);
        found.len() == expected.len() && found.iter().zip(expected).all(|(x, y)| is_near(*x, *y))
    };
    functions.iter().all(|(found, function)| all_near(found, &values.map(function)))
        && all_near(&product, &[a * a + b * c, a * b + b * d, c * a + d * c, c * b + d * d])
        && all_near(&sum, &[values.iter().sum()])
}

/// Indices of the host on a device.
pub(super) fn upload_indices(values: &[usize], device: &Device) -> Positions {
    let values: Vec<i32> = values.iter().map(|&v| v as i32).collect();
    let length = values.len();
    Box::new(Tensor::from_data(TensorData::new(values, [length]), (device, DType::I32)))
}

/// Zeros beside a tensor.
fn zeros<const D: usize>(beside: &Tensor<1>, shape: [usize; D]) -> Tensor<D> {
    Tensor::zeros(shape, (&beside.device(), beside.dtype()))
}

/// The entries of a tensor of any rank.
fn flat<const D: usize>(tensor: Tensor<D>) -> Real {
    let length: usize = tensor.dims().iter().product();
    Box::new(tensor.reshape([length]))
}

impl Sum<Real> {
    fn with<const D: usize>(self, term: Tensor<D>) -> Real {
        let term = *flat(term);
        Box::new(match (self.so_far, self.negative) {
            (None, false) => term,
            (None, true) => -term,
            (Some(sum), false) => *sum + term,
            (Some(sum), true) => *sum - term,
        })
    }
}

impl Indices {
    fn on_device(&self) -> Tensor<1, Int> {
        match self {
            Self::Device(indices) => (**indices).clone(),
            Self::Host(_) => unreachable!("one place to a context"),
        }
    }
}

impl From<Real> for Data {
    fn from(tensor: Real) -> Self {
        Self::Device(tensor)
    }
}

fn tensor<const D: usize>(entries: &Real, shape: [usize; D]) -> Tensor<D> {
    entries.as_ref().clone().reshape(shape)
}

/// Images, a plane each.
fn planes(entries: &Real, [height, width]: [usize; 2]) -> Tensor<4> {
    let count = entries.dims()[0] / (height * width);
    tensor(entries, [count, 1, height, width])
}

impl Convolution {
    fn options(&self) -> ConvOptions<2> {
        let Window { stride, padding, .. } = self.grid.window;
        ConvOptions::new(stride, padding, [1, 1], 1)
    }

    fn input(&self, entries: &Real) -> Tensor<4> {
        let [height, width] = self.grid.input;
        tensor(entries, [self.images, self.channels, height, width])
    }

    fn weight(&self) -> [usize; 4] {
        let [height, width] = self.grid.window.kernel;
        [self.filters, self.channels, height, width]
    }

    fn output(&self, entries: &Real) -> Tensor<4> {
        let [height, width] = self.grid.output;
        tensor(entries, [self.images, self.filters, height, width])
    }
}

impl Storage for Real {
    fn of(data: &Data) -> &Self {
        if let Data::Device(tensor) = data {
            tensor
        } else {
            unreachable!("one place to a context")
        }
    }
    fn own(data: Data) -> Self {
        if let Data::Device(tensor) = data {
            tensor
        } else {
            unreachable!("one place to a context")
        }
    }
    fn to_f64(&self) -> Vec<f64> {
        download(self)
    }
    fn add_to(&self, sum: &mut [f64], kept: bool) {
        let old = |sum: f64| if kept { sum } else { 0.0 };
        sum.iter_mut().zip(self.to_f64()).for_each(|(sum, x)| *sum = old(*sum) + x);
    }

    fn pairwise(&self, other: &Self, operation: Pairwise, axes: &Axes) -> Self {
        let axes = axes.four();
        let a = tensor(self, axes.map(|(size, left, _)| if left { size } else { 1 }));
        let b = tensor(other, axes.map(|(size, _, right)| if right { size } else { 1 }));
        flat(match operation {
            Pairwise::Add => a + b,
            Pairwise::Subtract => a - b,
            Pairwise::Multiply => a * b,
        })
    }
    fn plus(self, other: Self) -> Self {
        Box::new(*self + *other)
    }
    fn scale(&self, factor: f64) -> Self {
        Box::new(self.as_ref().clone() * factor)
    }
    fn spread(&self, axes: &Axes) -> Self {
        let axes = axes.four();
        let narrow = tensor(self, axes.map(|(size, mine, _)| if mine { size } else { 1 }));
        flat(narrow.expand(axes.map(|(size, _, _)| size)))
    }
    fn sum(&self, axes: &Axes) -> Self {
        let axes = axes.four();
        let mut sum = tensor(self, axes.map(|(size, _, _)| size));
        for (axis, (size, kept, _)) in axes.into_iter().enumerate() {
            if size > 1 && !kept {
                sum = sum.sum_dim(axis);
            }
        }
        flat(sum)
    }
    fn largest(&self, width: usize) -> Self {
        flat(tensor(self, [self.dims()[0] / width, width]).max_dim(1))
    }
    fn matmul(&self, other: &Self, sizes: &Matrices, sum: Sum<Self>) -> Self {
        let turn = |entries: &Self, [rows, columns]: [usize; 2], transposed: bool| {
            if transposed {
                tensor(entries, [sizes.batch, columns, rows]).swap_dims(1, 2)
            } else {
                tensor(entries, [sizes.batch, rows, columns])
            }
        };
        let left = turn(self, [sizes.rows, sizes.inner], sizes.transposed.0);
        let right = turn(other, [sizes.inner, sizes.columns], sizes.transposed.1);
        sum.with(left.matmul(right))
    }

    fn swap_middle(&self, sizes: [usize; 4]) -> Self {
        flat(tensor(self, sizes).swap_dims(1, 2))
    }
    fn narrow(&self, width: usize, range: Range<usize>) -> Self {
        let rows = tensor(self, [self.dims()[0] / width, width]);
        flat(rows.narrow(1, range.start, range.len()))
    }
    fn widen(&self, width: usize, range: Range<usize>) -> Self {
        let rows = self.dims()[0] / range.len();
        let values = tensor(self, [rows, range.len()]);
        flat(zeros(self, [rows, width]).slice_assign([0..rows, range], values))
    }
    fn join(&self, rest: &[&Self], widths: &[usize]) -> Self {
        let parts = std::iter::once(self).chain(rest.iter().copied()).zip(widths);
        let parts = parts.map(|(part, &width)| tensor(part, [part.dims()[0] / width, width]));
        flat(Tensor::cat(parts.collect(), 1))
    }
    fn rows(&self, indices: &Indices, width: usize, hollow: bool) -> Self {
        let mut table = tensor(self, [self.dims()[0] / width, width]);
        if hollow {
            table = Tensor::cat(vec![table, zeros(self, [1, width])], 0);
        }
        flat(table.select(0, indices.on_device()))
    }
    fn scatter_rows(
        &self,
        indices: &Indices,
        width: usize,
        length: usize,
        hollow: bool,
        sum: Option<Self>,
    ) -> Self {
        let values = tensor(self, [self.dims()[0] / width, width]);
        let table = zeros(self, [length + usize::from(hollow), width]);
        let sums = table.select_assign(0, indices.on_device(), values, IndexingUpdateOp::Add);
        Sum { so_far: sum, negative: false }.with(sums.narrow(0, 0, length))
    }

    fn conv2d(&self, weight: &Self, convolution: &Convolution, sum: Sum<Self>) -> Self {
        let weight = tensor(weight, convolution.weight());
        let input = convolution.input(self);
        sum.with(module::conv2d(input, weight, None, convolution.options()))
    }
    fn conv2d_input(&self, weight: &Self, convolution: &Convolution, sum: Sum<Self>) -> Self {
        let Grid { window: Window { kernel, stride, padding }, input, .. } = convolution.grid;
        // What the strides leave over at the lower and right edge.
        let rest =
            [0, 1].map(|axis| (input[axis] + 2 * padding[axis] - kernel[axis]) % stride[axis]);
        let options = ConvTransposeOptions::new(stride, padding, rest, [1, 1], 1);
        let weight = tensor(weight, convolution.weight());
        sum.with(module::conv_transpose2d(convolution.output(self), weight, None, options))
    }
    fn conv2d_weight(&self, output: &Self, convolution: &Convolution, sum: Sum<Self>) -> Self {
        sum.with(module::conv2d_weight_backward(
            convolution.input(self),
            zeros(self, convolution.weight()),
            convolution.output(output),
            convolution.options(),
        ))
    }
    fn avg_pool2d(&self, grid: &Grid) -> Self {
        let Window { kernel, stride, padding } = grid.window;
        let options = AvgPoolOptions::new(kernel).with_stride(stride).with_padding(padding);
        flat(module::avg_pool2d(planes(self, grid.input), options))
    }
    fn avg_pool2d_input(&self, grid: &Grid) -> Self {
        let Window { kernel, stride, padding } = grid.window;
        let output = planes(self, grid.output);
        let input = zeros(self, [output.dims()[0], 1, grid.input[0], grid.input[1]]);
        flat(module::avg_pool2d_backward(input, output, kernel, stride, padding, true, false))
    }
    fn max_positions(&self, grid: &Grid) -> Indices {
        let Window { kernel, stride, padding } = grid.window;
        let options = MaxPoolOptions::new(kernel).with_stride(stride).with_padding(padding);
        let (_, positions) = module::max_pool2d_with_indices(planes(self, grid.input), options);
        let length: usize = positions.dims().iter().product();
        Indices::Device(Box::new(positions.reshape([length])))
    }
    fn take(&self, at: &Indices, grid: &Grid) -> Self {
        let count = self.dims()[0] / grid.pixels();
        let at = at.on_device().reshape([count, grid.places()]);
        flat(tensor(self, [count, grid.pixels()]).gather(1, at))
    }
    fn put(&self, at: &Indices, grid: &Grid) -> Self {
        let count = self.dims()[0] / grid.places();
        let at = at.on_device().reshape([count, grid.places()]);
        let values = tensor(self, [count, grid.places()]);
        flat(zeros(self, [count, grid.pixels()]).scatter(1, at, values, IndexingUpdateOp::Add))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Array, Context, Place, Sum};
    use super::*;

    /// An operation on arrays of these shapes.
    struct Case {
        name: &'static str,
        shapes: &'static [&'static [usize]],
        work: fn(&[Array], Sum) -> Array,
        /// The result's shape, where the operation adds to a sum.
        sum: Option<&'static [usize]>,
    }

    /// With what a stride leaves over at the edge, in height.
    const WINDOW: Window = Window { kernel: [3, 2], stride: [2, 1], padding: [1, 1] };

    const CASES: [Case; 16] = [
        Case {
            name: "broadcast sum",
            shapes: &[&[2, 1, 3], &[1, 4, 3]],
            work: |a, _| a[0].add(&a[1]),
            sum: None,
        },
        Case {
            name: "broadcast product",
            shapes: &[&[2, 4, 1], &[1, 4, 3]],
            work: |a, _| a[0].mul(&a[1]),
            sum: None,
        },
        Case { name: "scale", shapes: &[&[5]], work: |a, _| a[0].scale(-0.7), sum: None },
        Case {
            name: "spread",
            shapes: &[&[2, 1, 3]],
            work: |a, _| a[0].spread(&[2, 4, 3]),
            sum: None,
        },
        Case {
            name: "sum over axes",
            shapes: &[&[2, 4, 3, 2]],
            work: |a, _| a[0].sum_to(&[1, 4, 1, 2]),
            sum: None,
        },
        Case { name: "largest", shapes: &[&[3, 5]], work: |a, _| a[0].max_last(), sum: None },
        Case {
            name: "product of matrices",
            shapes: &[&[2, 3, 4], &[2, 5, 3]],
            work: |a, sum| a[0].matmul(&a[1], (true, true), sum),
            sum: Some(&[2, 4, 5]),
        },
        Case {
            name: "exchange of axes",
            shapes: &[&[2, 3, 4, 5]],
            work: |a, _| a[0].swap_middle(),
            sum: None,
        },
        Case { name: "narrow", shapes: &[&[3, 7]], work: |a, _| a[0].narrow(2, 4), sum: None },
        Case { name: "widen", shapes: &[&[3, 4]], work: |a, _| a[0].widen(2, 7), sum: None },
        Case {
            name: "convolution",
            shapes: &[&[2, 3, 6, 5], &[4, 3, 3, 2]],
            work: |a, sum| a[0].conv2d(&a[1], WINDOW, sum),
            sum: Some(&[2, 4, 3, 6]),
        },
        Case {
            name: "adjoint of a convolution to its input",
            shapes: &[&[2, 4, 3, 6], &[4, 3, 3, 2]],
            work: |a, sum| a[0].conv2d_input(&a[1], WINDOW, [6, 5], sum),
            sum: Some(&[2, 3, 6, 5]),
        },
        Case {
            name: "adjoint of a convolution to its weight",
            shapes: &[&[2, 3, 6, 5], &[2, 4, 3, 6]],
            work: |a, sum| a[0].conv2d_weight(&a[1], WINDOW, sum),
            sum: Some(&[4, 3, 3, 2]),
        },
        Case {
            name: "means over windows",
            shapes: &[&[2, 3, 6, 5]],
            work: |a, _| a[0].avg_pool2d(&WINDOW.over([6, 5])),
            sum: None,
        },
        Case {
            name: "adjoint of means over windows",
            shapes: &[&[2, 3, 3, 6]],
            work: |a, _| a[0].avg_pool2d_input(&WINDOW.over([6, 5])),
            sum: None,
        },
        Case {
            name: "largest of windows, and its adjoint",
            shapes: &[&[2, 3, 6, 5]],
            work: |a, _| {
                let grid = WINDOW.over([6, 5]);
                let at = a[0].max_positions(&grid);
                let largest = a[0].take(&at, &grid);
                largest.put(&at, &grid).add(&a[0])
            },
            sum: None,
        },
    ];

    fn array(context: &Context, shape: &[usize], seed: usize) -> Array {
        let entry = |i: usize| (((i + 7 * seed) * 7919 % 101) as f64 * 0.37).sin();
        context.array((0..shape.iter().product()).map(entry).collect(), shape)
    }

    fn agree(name: &str, [host, device]: [Array; 2]) {
        assert_eq!(host.shape(), device.shape(), "{name}");
        for (a, b) in host.to_f64().iter().zip(device.to_f64()) {
            assert!((a - b).abs() < 1e-13, "{name}: {a} {b}");
        }
    }

    /// The host and Burn's tensors, on its backend for the host.
    fn both(mut work: impl FnMut(&Context) -> Array) -> [Array; 2] {
        [Place::Host, Place::Device(Device::flex())]
            .map(|place| work(&Context { place, dtype: Dtype::F64 }))
    }

    #[test]
    fn tensors_do_what_the_host_does() {
        for Case { name, shapes, work, sum } in CASES {
            for case in 0..4 {
                let (kept, negative) = (case & 1 == 1, case & 2 == 2);
                let results = both(|context| {
                    let arguments: Vec<Array> = shapes
                        .iter()
                        .enumerate()
                        .map(|(seed, shape)| array(context, shape, seed))
                        .collect();
                    let so_far = sum.filter(|_| kept).map(|shape| array(context, shape, 9));
                    work(&arguments, Sum { so_far, negative })
                });
                agree(name, results);
            }
        }
    }

    #[test]
    fn tensors_gather_rows_as_the_host_does() {
        let rows = |context: &Context| {
            let of = [6, 7, 0, 1, 6, 7, 2, 3];
            let at = crate::array::Positions::new(context, &of, &[5, 2], &[4, 2]);
            let rows = array(context, &[5, 2], 0).pick(&at);
            (rows.clone(), rows.scatter(&at, None))
        };
        agree("rows", both(|context| rows(context).0));
        agree("their adjoint", both(|context| rows(context).1));
    }
}
