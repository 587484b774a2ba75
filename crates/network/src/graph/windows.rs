//! Convolutions and pools: what lies under a window at all its places, picked as columns.

use super::operation::{Along, Window};
use super::value::{At, entries, length};
use super::view::View;
use crate::array::Positions;
use crate::host::window::Window as Window2d;
use crate::tape::Variable;

impl At<'_, '_, '_> {
    pub(super) fn convolution(
        &self,
        x: &Variable,
        w: &Variable,
        window: &Window,
        groups: usize,
    ) -> Variable {
        let tape = self.tape;
        let kernel = &w.shape()[2..];
        let along = window.along(kernel.len()).expect("checked as the graph was read");
        if let ([_, _, _, _], 1) = (x.shape(), groups)
            && along.iter().all(|along| along.dilation == 1)
        {
            // The padding there is symmetric and not negative.
            let plain = along.iter().all(|a| a.padding[0] == a.padding[1] && a.padding[0] >= 0);
            let padded = match plain {
                true => x.clone(),
                false => self.pick(x, |view| {
                    (0..2).fold(view, |view, axis| view.pad(axis + 2, along[axis].padding))
                }),
            };
            let padding =
                [0, 1].map(|axis| if plain { along[axis].padding[0] as usize } else { 0 });
            let window = Window2d {
                kernel: [kernel[0], kernel[1]],
                stride: [along[0].stride, along[1].stride],
                padding,
            };
            return tape.conv2d(&padded, w, window);
        }
        let [images, channels] = [x.shape()[0], x.shape()[1]];
        let positions = self.positions(|| {
            let view = View::of(x.shape()).windows(kernel, &along);
            columns(view, images, channels, groups, kernel, self.shape)
        });
        self.grouped(x, w, groups, positions)
    }

    /// The product of the weight with the columns under the window, each group with its own.
    fn grouped(
        &self,
        x: &Variable,
        w: &Variable,
        groups: usize,
        positions: &[Positions],
    ) -> Variable {
        let tape = self.tape;
        let columns = tape.pick(x, &positions[0]);
        let inner = columns.shape()[1];
        let filters = length(w.shape()) / inner / groups;
        let weight = tape.reshape(w, &[groups, filters, inner]);
        tape.pick(&tape.matmul(&weight, &columns, (false, false)), &positions[1])
    }

    /// A convolution with the reversed weight of the input with zeros between its entries.
    pub(super) fn convolution_transpose(
        &self,
        x: &Variable,
        w: &Variable,
        window: &Window,
        groups: usize,
        output_padding: &[usize],
    ) -> Variable {
        let kernel = &w.shape()[2..];
        let count = kernel.len();
        let along = window.along(count).expect("checked as the graph was read");
        let [images, channels] = [x.shape()[0], x.shape()[1]];
        let (inputs, outputs) = (channels / groups, w.shape()[1]);
        let positions = self.positions(|| {
            let mut view = View::of(x.shape());
            for axis in 0..count {
                let reach = ((kernel[axis] - 1) * along[axis].dilation) as i64;
                let rest = output_padding.get(axis).copied().unwrap_or(0) as i64;
                let [low, high] = along[axis].padding;
                view = view
                    .dilate(axis + 2, along[axis].stride)
                    .pad(axis + 2, [reach - low, reach - high + rest]);
            }
            let mut steps = along.clone();
            for along in &mut steps {
                (along.stride, along.padding) = (1, [0, 0]);
            }
            let view = view.windows(kernel, &steps);
            let mut positions = columns(view, images, channels, groups, kernel, self.shape);
            // [inputs, outputs/groups, …] to [outputs, inputs/groups, …], reversed.
            let mut shape = vec![groups, inputs, outputs];
            shape.extend(kernel);
            let mut axes = vec![0, 2, 1];
            axes.extend(3..3 + count);
            let weight = View::of(w.shape()).reshape(&shape).permute(&axes);
            let reversed: Vec<usize> = (3..3 + count).collect();
            positions.push(weight.flip(&reversed));
            positions
        });
        let weight = self.tape.pick(w, &positions[2]);
        self.grouped(x, &weight, groups, positions)
    }

    pub(super) fn max_pool(&self, x: &Variable, window: &[usize], steps: &Window) -> Variable {
        let along = steps.along(window.len()).expect("checked as the graph was read");
        if let Some(window) = plane_window(window, &along) {
            return self.tape.max_pool2d(x, window);
        }
        let under = under(x.shape(), window, &along);
        let values = entries(x);
        let largest = |under: &[usize]| {
            let mut best = Positions::NONE;
            for &at in under.iter().filter(|at| **at != Positions::NONE) {
                let before = best == Positions::NONE;
                if before
                    || values[at] > values[best]
                    || (values[at].is_nan() && !values[best].is_nan())
                {
                    best = at;
                }
            }
            best
        };
        let positions: Vec<usize> =
            under.positions().chunks_exact(length(window)).map(largest).collect();
        let outside: Vec<f64> = positions
            .iter()
            .map(|at| if *at == Positions::NONE { f64::NEG_INFINITY } else { 0.0 })
            .collect();
        let context = self.tape.ring.context;
        let y = self.tape.pick(x, &Positions::new(context, &positions, x.shape(), self.shape));
        if !positions.contains(&Positions::NONE) {
            return y;
        }
        self.tape.add(&y, &self.constant(outside))
    }

    pub(super) fn avg_pool(
        &self,
        x: &Variable,
        window: &[usize],
        steps: &Window,
        count_padding: bool,
    ) -> Variable {
        let tape = self.tape;
        let along = steps.along(window.len()).expect("checked as the graph was read");
        if let (true, Some(window)) = (count_padding, plane_window(window, &along)) {
            return tape.avg_pool2d(x, window);
        }
        let size = length(window);
        let positions = self.positions(|| vec![under(x.shape(), window, &along)]);
        let columns = tape.pick(x, &positions[0]);
        let sums = |columns: &Variable| {
            tape.reshape(&tape.sum_to(columns, &[columns.shape()[0], 1]), self.shape)
        };
        let counts = if count_padding {
            self.constant_of(vec![size as f64], &[])
        } else {
            let ones = self.constant_of(vec![1.0; length(x.shape())], x.shape());
            sums(&tape.pick(&ones, &positions[0]))
        };
        self.divide(&[sums(&columns), counts])
    }
}

/// The window over images of which no place lies in the padding alone, if it is one.
fn plane_window(kernel: &[usize], along: &[Along]) -> Option<Window2d> {
    let plain = |(along, &size): (&Along, &usize)| {
        let [low, high] = along.padding;
        (along.dilation == 1 && low == high).then_some(())?;
        usize::try_from(low).ok().filter(|padding| *padding < size)
    };
    let padding: Option<Vec<usize>> = along.iter().zip(kernel).map(plain).collect();
    let [kernel, stride] =
        [kernel.to_vec(), along.iter().map(|along| along.stride).collect::<Vec<_>>()];
    Some(Window2d {
        kernel: kernel.try_into().ok()?,
        stride: stride.try_into().ok()?,
        padding: padding?.try_into().ok()?,
    })
}

/// What lies under a pool's window at each of its places: `[n · channels · places, kernel]`.
fn under(shape: &[usize], window: &[usize], along: &[Along]) -> View {
    let view = View::of(shape).windows(window, along);
    let planes = shape[0] * shape[1];
    let size = length(window);
    let places = view.positions().len() / planes / size;
    let columns = view.reshape(&[planes, size, places]).permute(&[0, 2, 1]);
    columns.reshape(&[planes * places, size])
}

/// The columns `[groups, inputs/groups · kernel, n · places]` of the windows `[n, inputs, kernel …, places …]`, and where
/// the product of the weight with them has each entry of the output `[n, outputs, places …]`.
fn columns(
    windows: View,
    images: usize,
    channels: usize,
    groups: usize,
    kernel: &[usize],
    output: &[usize],
) -> Vec<View> {
    let inner = channels / groups * length(kernel);
    let places = length(&output[2..]);
    let columns = windows
        .reshape(&[images, groups, inner, places])
        .permute(&[1, 2, 0, 3])
        .reshape(&[groups, inner, images * places]);
    let filters = output[1] / groups;
    let product = View::of(&[groups, filters, images * places])
        .reshape(&[groups, filters, images, places])
        .permute(&[2, 0, 1, 3])
        .reshape(output);
    vec![columns, product]
}
