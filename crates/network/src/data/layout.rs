//! The order of the axes of images.

use super::arrays::Numbers;

/// Where the channels of images are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Layout {
    /// First, as networks take them: `[channels, height, width]`.
    Nchw,
    /// Last, as TensorFlow, Matplotlib and most image files have them: `[height, width, channels]`.
    Nhwc,
}

impl Layout {
    /// The shape `[channels, height, width]` of images of this layout and `shape`; one channel where there are two
    /// axes.
    pub(super) fn axes(self, shape: &[usize]) -> Option<[usize; 3]> {
        match (self, shape) {
            (_, &[height, width]) => Some([1, height, width]),
            (Layout::Nchw, &[channels, height, width])
            | (Layout::Nhwc, &[height, width, channels]) => Some([channels, height, width]),
            _ => None,
        }
    }

    /// The numbers of images of this layout with the channels first; `[channels, height, width]` are the sizes.
    pub(super) fn channels_first(self, sizes: [usize; 3], numbers: Numbers) -> Numbers {
        match (self, numbers) {
            (Layout::Nchw, numbers) => numbers,
            (Layout::Nhwc, Numbers::Bytes(v)) => Numbers::Bytes(moved(sizes, &v)),
            (Layout::Nhwc, Numbers::Integers(v)) => Numbers::Integers(moved(sizes, &v)),
            (Layout::Nhwc, Numbers::F32(v)) => Numbers::F32(moved(sizes, &v)),
            (Layout::Nhwc, Numbers::F64(v)) => Numbers::F64(moved(sizes, &v)),
        }
    }
}

fn moved<T: Copy>([channels, height, width]: [usize; 3], images: &[T]) -> Vec<T> {
    let mut out = Vec::with_capacity(images.len());
    for image in images.chunks_exact((channels * height * width).max(1)) {
        for channel in 0..channels {
            out.extend(image[channel..].iter().step_by(channels));
        }
    }
    out
}
