//! Positions in an array as an array of their own, on which NumPy's operations on axes act: what is sliced, permuted, padded
//! or put under windows is made once, and then picked from the values of every coefficient.

use super::operation::Along;
use super::shape::Range;
use crate::array::{Context, Positions};

/// An array of positions in an array of the shape `source`, [`Positions::NONE`] for a zero.
#[derive(Clone, Debug)]
pub(super) struct View {
    positions: Vec<usize>,
    source: Vec<usize>,
    shape: Vec<usize>,
}

/// The step from an entry to the next along each axis, row-major.
pub(super) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

impl View {
    /// All entries, where they are.
    pub fn of(shape: &[usize]) -> View {
        let positions = (0..shape.iter().product()).collect();
        View { positions, source: shape.to_vec(), shape: shape.to_vec() }
    }

    /// Entries of an array of the shape `source` at these positions.
    pub fn at(positions: Vec<usize>, source: &[usize], shape: &[usize]) -> View {
        View { positions, source: source.to_vec(), shape: shape.to_vec() }
    }

    pub fn reshape(mut self, shape: &[usize]) -> View {
        debug_assert_eq!(shape.iter().product::<usize>(), self.positions.len());
        self.shape = shape.to_vec();
        self
    }

    /// Axes of these sizes, along which the place moves by these steps, from the first entry on.
    fn strided(self, shape: &[usize], steps: &[usize]) -> View {
        let mut places = vec![0];
        for (&size, &step) in shape.iter().zip(steps) {
            places = places
                .iter()
                .flat_map(|&place| (0..size).map(move |at| place + at * step))
                .collect();
        }
        let positions = places.into_iter().map(|place| self.positions[place]).collect();
        View { positions, source: self.source, shape: shape.to_vec() }
    }

    pub fn permute(self, axes: &[usize]) -> View {
        let steps = strides(&self.shape);
        let shape: Vec<usize> = axes.iter().map(|&axis| self.shape[axis]).collect();
        let steps: Vec<usize> = axes.iter().map(|&axis| steps[axis]).collect();
        self.strided(&shape, &steps)
    }

    /// Along one axis, the places that `of` gives for `count` new ones.
    pub fn along(self, axis: usize, count: usize, of: impl Fn(usize) -> Option<usize>) -> View {
        let size = self.shape[axis];
        let inner: usize = self.shape[axis + 1..].iter().product();
        let mut positions = Vec::with_capacity(self.positions.len() / size.max(1) * count);
        for block in self.positions.chunks_exact(size * inner) {
            for place in 0..count {
                match of(place).filter(|place| *place < size) {
                    Some(place) => {
                        positions.extend_from_slice(&block[place * inner..(place + 1) * inner]);
                    }
                    None => positions.resize(positions.len() + inner, Positions::NONE),
                }
            }
        }
        let mut shape = self.shape;
        shape[axis] = count;
        View { positions, source: self.source, shape }
    }

    /// Part of an array of the shape `source`: only its positions are made.
    pub fn part(source: &[usize], ranges: &[Range]) -> View {
        let mut positions = vec![0];
        for (range, step) in ranges.iter().zip(strides(source)) {
            let places = (0..range.count).map(|at| range.start + at as i64 * range.step);
            let places: Vec<usize> = places.map(|place| place as usize * step).collect();
            positions = positions
                .iter()
                .flat_map(|before| places.iter().map(move |place| before + place))
                .collect();
        }
        let shape: Vec<usize> = ranges.iter().map(|range| range.count).collect();
        View::at(positions, source, &shape)
    }

    pub fn flip(self, axes: &[usize]) -> View {
        axes.iter().fold(self, |view, &axis| {
            let size = view.shape[axis];
            view.along(axis, size, |at| Some(size - 1 - at))
        })
    }

    /// Entries added before and after along one axis, or taken away where negative.
    pub fn pad(self, axis: usize, [low, high]: [i64; 2]) -> View {
        if [low, high] == [0, 0] {
            return self;
        }
        let count = self.shape[axis] as i64 + low + high;
        self.along(axis, count.max(0) as usize, |at| usize::try_from(at as i64 - low).ok())
    }

    /// Zeros between the entries along one axis, such that these are `stride` apart.
    pub fn dilate(self, axis: usize, stride: usize) -> View {
        if stride == 1 {
            return self;
        }
        let count = (self.shape[axis] - 1) * stride + 1;
        self.along(axis, count, |at| at.is_multiple_of(stride).then_some(at / stride))
    }

    /// Entries moved by `shift` places along an axis, with zeros where none were.
    pub fn shift(self, axis: usize, shift: i64) -> View {
        let size = self.shape[axis];
        self.along(axis, size, |at| usize::try_from(at as i64 - shift).ok())
    }

    /// What lies under a window at each of its places over the spatial axes, which are those after the first two:
    /// `[n, channels, kernel …, places …]`.
    pub fn windows(self, kernel: &[usize], along: &[Along]) -> View {
        let count = kernel.len();
        let padded = (0..count).fold(self, |view, axis| view.pad(axis + 2, along[axis].padding));
        let steps = strides(&padded.shape);
        let places = |axis: usize| {
            let reach = (kernel[axis] - 1) * along[axis].dilation + 1;
            (padded.shape[axis + 2] - reach) / along[axis].stride + 1
        };
        let mut shape = padded.shape[..2].to_vec();
        shape.extend(kernel);
        shape.extend((0..count).map(places));
        let mut by = steps[..2].to_vec();
        by.extend((0..count).map(|axis| steps[axis + 2].saturating_mul(along[axis].dilation)));
        by.extend((0..count).map(|axis| steps[axis + 2].saturating_mul(along[axis].stride)));
        padded.strided(&shape, &by)
    }

    pub fn positions(&self) -> &[usize] {
        &self.positions
    }

    /// As the operations on arrays take them.
    pub fn finish(&self, context: &Context) -> Positions {
        Positions::new(context, &self.positions, &self.source, &self.shape)
    }
}
