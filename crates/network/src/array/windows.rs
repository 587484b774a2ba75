//! Convolutions and pools of `[n, channels, height, width]`, by Burn on every device.

use burn::tensor::ops::{AvgPoolOptions, ConvOptions, ConvTransposeOptions, MaxPoolOptions};
use burn::tensor::{IndexingUpdateOp, Int, Tensor, module};

use super::{Array, Shape, zeros};

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
    input: Shape,
    output: Shape,
}

impl Array {
    pub fn conv2d(&self, weight: &Self, window: Window) -> Self {
        let options = ConvOptions::new(window.stride, window.padding, [1, 1], 1);
        let y = module::conv2d(self.image(), weight.image(), None, options);
        let shape = y.dims();
        self.of(y, &shape)
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
        self.of(x, &shape)
    }

    /// The adjoint of a convolution of `self` with respect to its weight.
    pub fn conv2d_weight(&self, output: &Self, window: Window, weight: &[usize]) -> Self {
        let options = ConvOptions::new(window.stride, window.padding, [1, 1], 1);
        let image = self.image();
        let like = zeros(&image, [weight[0], weight[1], weight[2], weight[3]]);
        self.of(module::conv2d_weight_backward(image, like, output.image(), options), weight)
    }

    /// Means over windows, padding counted.
    pub fn avg_pool2d(&self, window: Window) -> Self {
        let options = AvgPoolOptions::new(window.kernel)
            .with_stride(window.stride)
            .with_padding(window.padding);
        let y = module::avg_pool2d(self.image(), options);
        let shape = y.dims();
        self.of(y, &shape)
    }

    /// The adjoint of [`avg_pool2d`](Self::avg_pool2d) on images of shape `input`.
    pub fn avg_pool2d_input(&self, window: Window, input: &[usize]) -> Self {
        let image = self.image();
        let x = module::avg_pool2d_backward(
            zeros(&image, [input[0], input[1], input[2], input[3]]),
            image,
            window.kernel,
            window.stride,
            window.padding,
            true,
            false,
        );
        self.of(x, input)
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
            output: [n, c, h, w].into(),
        }
    }

    /// The entries at the positions.
    pub fn take(&self, at: &MaxPositions) -> Self {
        let [n, c, h, w] = [at.input[0], at.input[1], at.input[2], at.input[3]];
        self.of(self.tensor([n * c, h * w]).gather(1, at.positions.clone()), &at.output)
    }

    /// The adjoint of [`take`](Self::take).
    pub fn put(&self, at: &MaxPositions) -> Self {
        let [n, c, h, w] = [at.input[0], at.input[1], at.input[2], at.input[3]];
        let values = self.tensor([n * c, at.output[2] * at.output[3]]);
        let zeros = zeros(&values, [n * c, h * w]);
        self.of(zeros.scatter(1, at.positions.clone(), values, IndexingUpdateOp::Add), &at.input)
    }
}
