//! Windows that slide over images, and the pools of them.

use super::cores;
use crate::lanes::Real;

/// A sliding window: kernel, stride and padding along height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub padding: [usize; 2],
}

/// A window at all its places over images of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    pub window: Window,
    /// Height and width of an image.
    pub input: [usize; 2],
    /// How many places there are along height and width.
    pub output: [usize; 2],
}

impl Window {
    /// Over images of height and width `input`, which are no smaller than the kernel less the padding.
    pub fn over(self, input: [usize; 2]) -> Grid {
        let places = |axis: usize| {
            (input[axis] + 2 * self.padding[axis] - self.kernel[axis]) / self.stride[axis] + 1
        };
        Grid { window: self, input, output: [places(0), places(1)] }
    }
}

impl Grid {
    /// Pixels of an image.
    pub fn pixels(&self) -> usize {
        self.input[0] * self.input[1]
    }

    /// Places of the window over an image.
    pub fn places(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// The place of a pixel of the window at a place along an axis; `None` in the padding.
    pub fn at(&self, axis: usize, place: usize, offset: usize) -> Option<usize> {
        let at = (place * self.window.stride[axis] + offset).checked_sub(self.window.padding[axis]);
        at.filter(|&at| at < self.input[axis])
    }

    /// Visits every place of the window over one image with each pixel of the image under it, row by row.
    #[inline(always)]
    fn pairs(&self, mut visit: impl FnMut(usize, usize)) {
        for row in 0..self.output[0] {
            for column in 0..self.output[1] {
                for i in 0..self.window.kernel[0] {
                    let Some(y) = self.at(0, row, i) else { continue };
                    for j in 0..self.window.kernel[1] {
                        let Some(x) = self.at(1, column, j) else { continue };
                        visit(row * self.output[1] + column, y * self.input[1] + x);
                    }
                }
            }
        }
    }
}

/// Means over windows, padding counted as zeros.
pub(crate) fn average<T: Real>(x: &[T], grid: &Grid) -> Vec<T> {
    let mut out = T::vector(x.len() / grid.pixels() * grid.places());
    out.fill(T::zero());
    let planes = x.chunks_exact(grid.pixels()).zip(out.chunks_exact_mut(grid.places()));
    for (input, output) in planes {
        grid.pairs(|place, pixel| output[place] += input[pixel]);
    }
    let share = share(grid);
    out.iter_mut().for_each(|mean| *mean = *mean * share);
    out
}

/// The adjoint of [`average`].
pub(crate) fn average_adjoint<T: Real>(y: &[T], grid: &Grid) -> Vec<T> {
    let mut out = T::vector(y.len() / grid.places() * grid.pixels());
    out.fill(T::zero());
    let share = share(grid);
    let planes = y.chunks_exact(grid.places()).zip(out.chunks_exact_mut(grid.pixels()));
    for (output, input) in planes {
        grid.pairs(|place, pixel| input[pixel] += output[place] * share);
    }
    out
}

fn share<T: Real>(grid: &Grid) -> T {
    T::one() / T::of((grid.window.kernel[0] * grid.window.kernel[1]) as f64)
}

/// Where in its plane each window has its largest entry, the first of several; the last `NaN` where there is one, as in
/// PyTorch.
pub(crate) fn largest_positions<T: Real>(x: &[T], grid: &Grid) -> Vec<usize> {
    const NONE: usize = usize::MAX;
    let (pixels, places) = (grid.pixels(), grid.places());
    let mut positions = vec![NONE; x.len() / pixels * places];
    let cost = places * grid.window.kernel.iter().product::<usize>();
    cores::each(&mut positions, places, cost, |first, positions| {
        let planes = x[first * pixels..].chunks_exact(pixels);
        for (plane, positions) in planes.zip(positions.chunks_exact_mut(places)) {
            grid.pairs(|place, pixel| {
                let best = &mut positions[place];
                if *best == NONE || plane[pixel] > plane[*best] || plane[pixel].is_nan() {
                    *best = pixel;
                }
            });
        }
    });
    positions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        Window { kernel: [2, 3], stride: [2, 1], padding: [1, 1] }.over([3, 4])
    }

    #[test]
    fn means_count_the_padding_and_have_an_adjoint() {
        let grid = grid();
        assert_eq!(grid.output, [2, 4]);
        let x: Vec<f64> = (0..24).map(|i| f64::from(i * i % 17)).collect();
        let means = average(&x, &grid);
        // The first window has two pixels of the first row; the last, four of the last two rows.
        assert_eq!(means[0], (x[0] + x[1]) / 6.0);
        assert_eq!(means[15], (x[18] + x[19] + x[22] + x[23]) / 6.0);
        let y: Vec<f64> = (0..16).map(|i| f64::from(i * 5 % 7)).collect();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let (left, right) = (dot(&y, &means), dot(&average_adjoint(&y, &grid), &x));
        assert!((left - right).abs() < 1e-12 * left, "{left} {right}");
    }

    #[test]
    fn the_first_largest_pixel_counts_and_a_nan_more() {
        let window = Window { kernel: [2, 2], stride: [2, 2], padding: [0, 0] };
        let x = [1.0, 3.0, -2.0, -1.0, 3.0, 2.0, -1.0, f64::NAN];
        assert_eq!(largest_positions(&x, &window.over([2, 4])), [1, 7]);
        let padded = Window { kernel: [2, 2], stride: [2, 2], padding: [1, 1] };
        let below = [f64::NEG_INFINITY, -3.0, -4.0, -5.0];
        assert_eq!(largest_positions(&below, &padded.over([2, 2])), [0, 1, 2, 3]);
    }
}
