//! Real arrays of any rank on a device: what an algebra's coefficients are stored in.
//!
//! A thin layer over Burn, whose tensors have their rank in their type. An [`Array`] is row-major and contiguous; the
//! operations are the handful that networks and their adjoints need.

use burn::tensor::ops::{AvgPoolOptions, ConvOptions, ConvTransposeOptions, MaxPoolOptions};
use burn::tensor::{DType, Device, IndexingUpdateOp, Int, Tensor, TensorData, module};

/// Where arrays live and the numbers they hold.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub device: Device,
    pub dtype: DType,
    /// Whether the device's memory is the host's, so that our own kernels may read it.
    pub host: bool,
}

/// A row-major array.
#[derive(Clone, Debug)]
pub(crate) struct Array {
    data: Tensor<1>,
    shape: Vec<usize>,
}

/// Geometry of a sliding window: kernel, stride and padding along height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub padding: [usize; 2],
}

/// Positions of the largest entry of each window, and the shape they point into.
#[derive(Clone)]
pub(crate) struct MaxPositions {
    positions: Tensor<2, Int>,
    input: Vec<usize>,
    output: Vec<usize>,
}

impl Context {
    pub fn array(&self, values: Vec<f64>, shape: &[usize]) -> Array {
        debug_assert_eq!(values.len(), shape.iter().product::<usize>());
        let length = values.len();
        let data = match self.dtype {
            DType::F64 => TensorData::new(values, [length]),
            _ => TensorData::new(values.into_iter().map(|v| v as f32).collect(), [length]),
        };
        self.of_data(data, shape)
    }

    pub fn array_f32(&self, values: Vec<f32>, shape: &[usize]) -> Array {
        let length = values.len();
        self.of_data(TensorData::new(values, [length]), shape)
    }

    pub fn array_f64(&self, values: Vec<f64>, shape: &[usize]) -> Array {
        let length = values.len();
        self.of_data(TensorData::new(values, [length]), shape)
    }

    fn of_data(&self, data: TensorData, shape: &[usize]) -> Array {
        Array { data: Tensor::from_data(data, (&self.device, self.dtype)), shape: shape.to_vec() }
    }

    pub fn zeros(&self, shape: &[usize]) -> Array {
        let length: usize = shape.iter().product();
        Array { data: Tensor::zeros([length], (&self.device, self.dtype)), shape: shape.to_vec() }
    }

    pub fn ones(&self, shape: &[usize]) -> Array {
        let length: usize = shape.iter().product();
        Array { data: Tensor::ones([length], (&self.device, self.dtype)), shape: shape.to_vec() }
    }

    /// The rows of a table of parameters that `indices` name.
    pub fn indices(&self, values: &[usize]) -> Tensor<1, Int> {
        let values: Vec<i32> = values.iter().map(|&v| v as i32).collect();
        let length = values.len();
        Tensor::from_data(TensorData::new(values, [length]), (&self.device, DType::I32))
    }
}

fn of<const D: usize>(tensor: Tensor<D>, shape: &[usize]) -> Array {
    let length: usize = shape.iter().product();
    Array { data: tensor.reshape([length]), shape: shape.to_vec() }
}

/// Shapes as four axes after merging neighbours that are treated alike, so that rank-four tensors do for all
/// broadcasts: `groups[i]` says which of the operands have axis `i`.
fn merged(shape: &[usize], alike: impl Fn(usize) -> (bool, bool)) -> Vec<(usize, (bool, bool))> {
    let mut groups: Vec<(usize, (bool, bool))> = Vec::new();
    for (axis, &size) in shape.iter().enumerate().filter(|&(_, &size)| size != 1) {
        match groups.last_mut() {
            Some((merged, kind)) if *kind == alike(axis) => *merged *= size,
            _ => groups.push((size, alike(axis))),
        }
    }
    while groups.len() < 4 {
        groups.insert(0, (1, (true, true)));
    }
    groups
}

/// The shape of a broadcast of two shapes of one rank.
pub(crate) fn broadcast_shape(a: &[usize], b: &[usize]) -> Vec<usize> {
    debug_assert_eq!(a.len(), b.len(), "{a:?} {b:?}");
    a.iter().zip(b).map(|(&x, &y)| if x == 1 { y } else { x }).collect()
}

impl Array {
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub fn length(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it holds 64-bit numbers.
    pub fn is_double(&self) -> bool {
        self.data.dtype() == DType::F64
    }

    /// The flat tensor's data on the host.
    pub fn data(&self) -> TensorData {
        self.data.clone().into_data()
    }

    /// The entries as `f64`, from any device.
    pub fn to_f64(&self) -> Vec<f64> {
        let data = self.data();
        match data.dtype() {
            DType::F64 => data.as_slice::<f64>().map(<[f64]>::to_vec),
            _ => data.as_slice::<f32>().map(|v| v.iter().map(|&x| x.into()).collect()),
        }
        .expect("an array holds f32 or f64")
    }

    /// Adds the entries to `sum`.
    pub fn add_to(&self, sum: &mut [f64]) {
        let data = self.data();
        match data.dtype() {
            DType::F64 => {
                let values = data.as_slice::<f64>().expect("an array of f64");
                sum.iter_mut().zip(values).for_each(|(s, &v)| *s += v);
            }
            _ => {
                let values = data.as_slice::<f32>().expect("an array of f32");
                sum.iter_mut().zip(values).for_each(|(s, &v)| *s += f64::from(v));
            }
        }
    }

    pub fn reshape(&self, shape: &[usize]) -> Self {
        debug_assert_eq!(self.length(), shape.iter().product::<usize>());
        Self { data: self.data.clone(), shape: shape.to_vec() }
    }

    fn tensor<const D: usize>(&self, shape: [usize; D]) -> Tensor<D> {
        self.data.clone().reshape(shape)
    }

    fn image(&self) -> Tensor<4> {
        self.tensor([self.shape[0], self.shape[1], self.shape[2], self.shape[3]])
    }

    fn zip(
        &self,
        other: &Self,
        f: impl Fn(Tensor<4>, Tensor<4>) -> Tensor<4>,
        flat: impl Fn(Tensor<1>, Tensor<1>) -> Tensor<1>,
    ) -> Self {
        if self.shape == other.shape {
            return Self {
                data: flat(self.data.clone(), other.data.clone()),
                shape: self.shape.clone(),
            };
        }
        let shape = broadcast_shape(&self.shape, &other.shape);
        let groups = merged(&shape, |axis| (self.shape[axis] != 1, other.shape[axis] != 1));
        assert!(groups.len() == 4, "a broadcast over more than four groups of axes");
        let side = |mine: fn(&(bool, bool)) -> bool| -> [usize; 4] {
            std::array::from_fn(|i| if mine(&groups[i].1) { groups[i].0 } else { 1 })
        };
        let (a, b) = (self.tensor(side(|k| k.0)), other.tensor(side(|k| k.1)));
        of(f(a, b), &shape)
    }

    /// Sum, with broadcasting between shapes of one rank.
    pub fn add(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a + b, |a, b| a + b)
    }

    /// Product entry by entry, with broadcasting.
    pub fn mul(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a * b, |a, b| a * b)
    }

    pub fn sub(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a - b, |a, b| a - b)
    }

    pub fn scale(&self, factor: f64) -> Self {
        Self { data: self.data.clone() * factor, shape: self.shape.clone() }
    }

    pub fn offset(&self, term: f64) -> Self {
        Self { data: self.data.clone() + term, shape: self.shape.clone() }
    }

    /// The argument of `x + i·self`.
    pub fn atan2(&self, x: &Self) -> Self {
        Self { data: self.data.clone().atan2(x.data.clone()), shape: self.shape.clone() }
    }

    /// Other entries, in an array of this shape on this device.
    pub fn like(&self, values: Vec<f64>) -> Self {
        let length = values.len();
        let context = (&self.data.device(), self.data.dtype());
        Self {
            data: Tensor::from_data(TensorData::new(values, [length]), context),
            shape: self.shape.clone(),
        }
    }

    pub fn map(&self, f: impl Fn(Tensor<1>) -> Tensor<1>) -> Self {
        Self { data: f(self.data.clone()), shape: self.shape.clone() }
    }

    /// `yes` where this is positive, else `no`.
    pub fn positive(&self, yes: &Self, no: &Self) -> Self {
        let mask = self.data.clone().greater_elem(0.0);
        Self { data: no.data.clone().mask_where(mask, yes.data.clone()), shape: self.shape.clone() }
    }

    /// Sums over the axes where `shape` has one entry: the adjoint of a broadcast from `shape`.
    pub fn sum_to(&self, shape: &[usize], context: &Context) -> Self {
        if self.shape == shape {
            return self.clone();
        }
        let groups = merged(&self.shape, |axis| (shape[axis] != 1, true));
        assert!(groups.len() == 4, "a sum over more than four groups of axes");
        let sizes: [usize; 4] = std::array::from_fn(|i| groups[i].0);
        let mut rest = self.clone();
        // From the last axis to the first, each as a product with ones: faster than a general reduction.
        let mut sizes = sizes.to_vec();
        for axis in (0..4).rev() {
            if groups[axis].1.0 || sizes[axis] == 1 {
                continue;
            }
            let (before, after): (usize, usize) =
                (sizes[..axis].iter().product(), sizes[axis + 1..].iter().product());
            let summed = if after == 1 {
                let ones = context.ones(&[sizes[axis], 1]).tensor([sizes[axis], 1]);
                rest.tensor([before, sizes[axis]]).matmul(ones).reshape([before])
            } else if before == 1 {
                let ones = context.ones(&[1, sizes[axis]]).tensor([1, sizes[axis]]);
                ones.matmul(rest.tensor([sizes[axis], after])).reshape([after])
            } else {
                rest.tensor([before, sizes[axis], after]).sum_dim(1).reshape([before * after])
            };
            sizes[axis] = 1;
            rest = Self { data: summed, shape: vec![sizes.iter().product()] };
        }
        rest.reshape(shape)
    }

    /// The sum of all entries, on the host.
    pub fn total(&self) -> f64 {
        self.to_f64().iter().sum()
    }

    /// `a b`, with either transposed: two axes, or three with the first a batch.
    pub fn matmul(&self, other: &Self, transpose: (bool, bool)) -> Self {
        let turn = |array: &Self, transposed: bool| -> Tensor<3> {
            let rank = array.shape.len();
            let batch = array.shape[..rank - 2].iter().product();
            let tensor = array.tensor([batch, array.shape[rank - 2], array.shape[rank - 1]]);
            if transposed { tensor.swap_dims(1, 2) } else { tensor }
        };
        let rank = self.shape.len();
        if rank == 2 {
            let flat = |array: &Self, transposed: bool| -> Tensor<2> {
                let tensor = array.tensor([array.shape[0], array.shape[1]]);
                if transposed { tensor.transpose() } else { tensor }
            };
            let product = flat(self, transpose.0).matmul(flat(other, transpose.1));
            let shape = product.dims();
            return of(product, &shape);
        }
        let product = turn(self, transpose.0).matmul(turn(other, transpose.1));
        let [_, rows, columns] = product.dims();
        let mut shape = self.shape[..rank - 2].to_vec();
        shape.extend([rows, columns]);
        of(product, &shape)
    }

    /// Axes in another order: axis `i` of the result is axis `order[i]` of this.
    pub fn permute(&self, order: &[usize]) -> Self {
        let shape: Vec<usize> = order.iter().map(|&axis| self.shape[axis]).collect();
        match order.len() {
            2 => of(self.tensor([self.shape[0], self.shape[1]]).transpose(), &shape),
            4 => {
                let order =
                    [order[0] as isize, order[1] as isize, order[2] as isize, order[3] as isize];
                of(self.image().permute(order), &shape)
            }
            rank => unreachable!("no network permutes {rank} axes"),
        }
    }

    /// Entries `start … start + count` of the last axis.
    pub fn narrow(&self, start: usize, count: usize) -> Self {
        let mut shape = self.shape.clone();
        let last = shape.pop().expect("an array with an axis");
        let rows: usize = shape.iter().product();
        shape.push(count);
        of(self.tensor([rows, last]).narrow(1, start, count), &shape)
    }

    /// The adjoint of [`narrow`](Self::narrow): this in an array of zeros with `last` entries on the last axis.
    pub fn widen(&self, start: usize, last: usize, context: &Context) -> Self {
        let mut shape = self.shape.clone();
        let count = shape.pop().expect("an array with an axis");
        let rows: usize = shape.iter().product();
        shape.push(last);
        let zeros = context.zeros(&[rows, last]).tensor([rows, last]);
        of(zeros.slice_assign([0..rows, start..start + count], self.tensor([rows, count])), &shape)
    }

    /// The largest entry along the last axis, kept as an axis of one.
    pub fn max_last(&self) -> Self {
        let mut shape = self.shape.clone();
        let last = shape.pop().expect("an array with an axis");
        let rows: usize = shape.iter().product();
        shape.push(1);
        of(self.tensor([rows, last]).max_dim(1), &shape)
    }

    pub fn rows(&self, indices: &Tensor<1, Int>) -> Self {
        let [rows, width] = [self.shape[0], self.shape[1]];
        let taken = self.tensor([rows, width]).select(0, indices.clone());
        let shape = taken.dims();
        of(taken, &shape)
    }

    /// The adjoint of [`rows`](Self::rows): every row of this is added to the row of a table that it came from.
    pub fn scatter_rows(&self, indices: &Tensor<1, Int>, rows: usize, context: &Context) -> Self {
        let width = self.shape[1];
        let table = context.zeros(&[rows, width]).tensor([rows, width]);
        let sum = table.select_assign(
            0,
            indices.clone(),
            self.tensor([self.shape[0], width]),
            IndexingUpdateOp::Add,
        );
        of(sum, &[rows, width])
    }

    pub fn conv2d(&self, weight: &Self, window: Window) -> Self {
        let options = ConvOptions::new(window.stride, window.padding, [1, 1], 1);
        let y = module::conv2d(self.image(), weight.image(), None, options);
        let shape = y.dims();
        of(y, &shape)
    }

    /// The adjoint of a convolution with respect to its input, of height and width `size`.
    pub fn conv2d_input(&self, weight: &Self, window: Window, size: [usize; 2]) -> Self {
        let out = [
            size[0] + 2 * window.padding[0] - window.kernel[0],
            size[1] + 2 * window.padding[1] - window.kernel[1],
        ];
        // What the strides leave over at the lower and right edge.
        let rest = [out[0] % window.stride[0], out[1] % window.stride[1]];
        let options = ConvTransposeOptions::new(window.stride, window.padding, rest, [1, 1], 1);
        let x = module::conv_transpose2d(self.image(), weight.image(), None, options);
        let shape = x.dims();
        of(x, &shape)
    }

    /// The adjoint of a convolution of `self` with respect to its weight.
    pub fn conv2d_weight(
        &self,
        output: &Self,
        window: Window,
        weight: &[usize],
        context: &Context,
    ) -> Self {
        let options = ConvOptions::new(window.stride, window.padding, [1, 1], 1);
        let like = context.zeros(weight).image();
        of(module::conv2d_weight_backward(self.image(), like, output.image(), options), weight)
    }

    /// Means over windows, padding counted.
    pub fn avg_pool2d(&self, window: Window) -> Self {
        let options = AvgPoolOptions::new(window.kernel)
            .with_stride(window.stride)
            .with_padding(window.padding);
        let y = module::avg_pool2d(self.image(), options);
        let shape = y.dims();
        of(y, &shape)
    }

    /// The adjoint of [`avg_pool2d`](Self::avg_pool2d) on images of shape `input`.
    pub fn avg_pool2d_input(&self, window: Window, input: &[usize], context: &Context) -> Self {
        let like = context.zeros(input).image();
        let x = module::avg_pool2d_backward(
            like,
            self.image(),
            window.kernel,
            window.stride,
            window.padding,
            true,
            false,
        );
        of(x, input)
    }

    /// Where each window has its largest entry.
    pub fn max_positions(&self, window: Window) -> MaxPositions {
        let options = MaxPoolOptions::new(window.kernel)
            .with_stride(window.stride)
            .with_padding(window.padding);
        let (_, positions) = module::max_pool2d_with_indices(self.image(), options);
        let [n, c, h, w] = positions.dims();
        MaxPositions {
            positions: positions.reshape([n * c, h * w]),
            input: self.shape.clone(),
            output: vec![n, c, h, w],
        }
    }

    /// The entries at the positions.
    pub fn take(&self, at: &MaxPositions) -> Self {
        let [n, c, h, w] = [at.input[0], at.input[1], at.input[2], at.input[3]];
        of(self.tensor([n * c, h * w]).gather(1, at.positions.clone()), &at.output)
    }

    /// The adjoint of [`take`](Self::take).
    pub fn put(&self, at: &MaxPositions, context: &Context) -> Self {
        let [n, c, h, w] = [at.input[0], at.input[1], at.input[2], at.input[3]];
        let zeros = context.zeros(&[n * c, h * w]).tensor([n * c, h * w]);
        let values = self.tensor([n * c, at.output[2] * at.output[3]]);
        of(zeros.scatter(1, at.positions.clone(), values, IndexingUpdateOp::Add), &at.input)
    }
}
