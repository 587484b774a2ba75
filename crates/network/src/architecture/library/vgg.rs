//! VGG: stages of 3x3 convolutions, each halving the image.

use super::{BATCH_NORM, Images, convolution, linear, numbered, plan, window};
use crate::architecture::Activation;
use crate::architecture::plan::{LayerKind, Plan, Window};

/// Stages double their channels up to this factor.
const GROWTH: usize = 8;

/// The side of the image that torchvision's classifier takes, and the width of its hidden layers.
const SIDE: usize = 7;
const HIDDEN: usize = 4096;

pub(super) struct Vgg<'a> {
    /// Convolutions in each stage.
    pub depths: &'a [usize],
    /// Channels of the first stage.
    pub width: usize,
    pub batch_norm: bool,
    pub images: Images,
}

impl Vgg<'_> {
    fn channels(&self, stage: usize) -> usize {
        self.width * (1 << stage).min(GROWTH)
    }

    pub(super) fn plans(
        &self,
        activation: Activation,
        outputs: usize,
        input: &[usize],
    ) -> Vec<Plan> {
        let mut kinds = Vec::new();
        for (stage, depth) in self.depths.iter().enumerate() {
            for _ in 0..*depth {
                kinds.push(convolution(self.channels(stage), window(3, 1, 1), true));
                if self.batch_norm {
                    kinds.push(BATCH_NORM);
                }
                kinds.push(LayerKind::Activation(activation));
            }
            kinds.push(LayerKind::MaxPool(window(2, 2, 0)));
        }
        let mut plans = numbered("features.", kinds);
        match self.images {
            Images::Cifar => {
                plans.push(plan("avgpool", LayerKind::GlobalAvgPool));
                plans.push(plan("classifier", linear(outputs)));
            }
            Images::ImageNet => {
                plans.extend(self.adaptive(input).map(|pool| plan("avgpool", pool)));
                plans.push(plan("flatten", LayerKind::Flatten));
                let inputs = Some(self.channels(self.depths.len() - 1) * SIDE * SIDE);
                // Positions 2 and 5 are dropouts in torchvision.
                plans.extend([
                    plan("classifier.0", LayerKind::Linear { inputs, outputs: HIDDEN, bias: true }),
                    plan("classifier.1", LayerKind::Activation(activation)),
                    plan("classifier.3", linear(HIDDEN)),
                    plan("classifier.4", LayerKind::Activation(activation)),
                    plan("classifier.6", linear(outputs)),
                ]);
            }
        }
        plans
    }

    /// The mean over equal windows that leaves a 7x7 image, if the stages leave a multiple of that.
    fn adaptive(&self, input: &[usize]) -> Option<LayerKind> {
        let &[_, height, width] = input else { return None };
        let kernel = [height, width].map(|side| side >> self.depths.len()).map(|side| side / SIDE);
        let wanted = kernel != [1, 1] && kernel.iter().all(|side| *side > 0);
        let (kernel, stride) = (kernel.to_vec(), kernel.to_vec());
        let window = Window { kernel, stride, padding: vec![0; 2], dilation: vec![1; 2] };
        wanted.then_some(LayerKind::AvgPool(window))
    }
}
