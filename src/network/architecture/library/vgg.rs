//! VGG: stages of 3x3 convolutions, each halving the image.

use super::{BATCH_NORM, Images, convolution, linear, numbered, plan, window};
use crate::network::architecture::plan::{Kind, Plan, Window};
use crate::network::function::Function;

/// Channels of the stages.
const CHANNELS: [usize; 5] = [64, 128, 256, 512, 512];

/// The side of the image that torchvision's classifier takes, and the width of its hidden layers.
const SIDE: usize = 7;
const HIDDEN: usize = 4096;

pub(super) fn plans(
    depths: [usize; 5],
    batch_norm: bool,
    images: Images,
    activation: Function,
    outputs: usize,
    input: &[usize],
) -> Vec<Plan> {
    let mut kinds = Vec::new();
    for (depth, channels) in depths.into_iter().zip(CHANNELS) {
        for _ in 0..depth {
            kinds.push(convolution(channels, window(3, 1, 1), true));
            if batch_norm {
                kinds.push(BATCH_NORM);
            }
            kinds.push(Kind::Activation(activation));
        }
        kinds.push(Kind::MaxPool2d(window(2, 2, 0)));
    }
    let mut plans = numbered("features.", kinds);
    match images {
        Images::Cifar => {
            plans.push(plan("avgpool", Kind::GlobalAvgPool));
            plans.push(plan("classifier", linear(outputs)));
        }
        Images::ImageNet => {
            plans.extend(adaptive(input).map(|pool| plan("avgpool", pool)));
            plans.push(plan("flatten", Kind::Flatten));
            let inputs = Some(CHANNELS[4] * SIDE * SIDE);
            // Torchvision's 2 and 5 are dropouts.
            plans.extend([
                plan("classifier.0", Kind::Linear { inputs, outputs: HIDDEN, bias: true }),
                plan("classifier.1", Kind::Activation(activation)),
                plan("classifier.3", linear(HIDDEN)),
                plan("classifier.4", Kind::Activation(activation)),
                plan("classifier.6", linear(outputs)),
            ]);
        }
    }
    plans
}

/// The mean over equal windows that leaves a 7x7 image, if the stages leave a multiple of that.
fn adaptive(input: &[usize]) -> Option<Kind> {
    let &[_, height, width] = input else { return None };
    let kernel = [height, width].map(|side| side >> CHANNELS.len()).map(|side| side / SIDE);
    let wanted = kernel != [1, 1] && kernel.iter().all(|side| *side > 0);
    wanted.then_some(Kind::AvgPool2d(Window { kernel, stride: kernel, padding: [0, 0] }))
}
