//! Residual networks, version 1.

use super::{BATCH_NORM, Images, convolution, linear, plan, window};
use crate::architecture::Activation;
use crate::architecture::plan::{LayerKind, Plan};

pub(super) struct ResNet<'a> {
    /// Blocks in each stage.
    pub depths: &'a [usize],
    /// Channels of the first stage.
    pub width: usize,
    pub bottleneck: bool,
    pub images: Images,
}

impl ResNet<'_> {
    pub(super) fn plans(&self, activation: Activation, outputs: usize) -> Vec<Plan> {
        let &ResNet { depths, width, bottleneck, images } = self;
        let stem = match images {
            Images::Cifar => window(3, 1, 1),
            Images::ImageNet => window(7, 2, 3),
        };
        let mut plans = vec![
            plan("conv1", convolution(width, stem, false)),
            plan("bn1", BATCH_NORM),
            plan("relu", LayerKind::Activation(activation)),
        ];
        if images == Images::ImageNet {
            plans.push(plan("maxpool", LayerKind::MaxPool(window(3, 2, 1))));
        }
        let mut channels = width;
        for (stage, depth) in depths.iter().enumerate() {
            for at in 0..*depth {
                let block = Block {
                    name: format!("layer{}.{at}", stage + 1),
                    inner: width << stage,
                    outer: (width << stage) * if bottleneck { 4 } else { 1 },
                    stride: if stage > 0 && at == 0 { 2 } else { 1 },
                    activation,
                };
                let shortcut = block.shortcut(channels);
                let body = if bottleneck { block.bottleneck() } else { block.basic() };
                channels = block.outer;
                plans.push(plan(&block.name, LayerKind::Residual { body, shortcut }));
                plans.push(block.plan("relu", LayerKind::Activation(activation)));
            }
        }
        plans.push(plan("avgpool", LayerKind::GlobalAvgPool));
        plans.push(plan("fc", linear(outputs)));
        plans
    }
}

struct Block {
    name: String,
    /// Channels within, and after.
    inner: usize,
    outer: usize,
    stride: usize,
    activation: Activation,
}

impl Block {
    fn plan(&self, name: &str, kind: LayerKind) -> Plan {
        plan(format!("{}.{name}", self.name), kind)
    }

    /// The `index`-th convolution and its norm.
    fn convolution(&self, index: usize, outputs: usize, kernel: usize, stride: usize) -> [Plan; 2] {
        let window = window(kernel, stride, kernel / 2);
        [
            self.plan(&format!("conv{index}"), convolution(outputs, window, false)),
            self.plan(&format!("bn{index}"), BATCH_NORM),
        ]
    }

    fn activation(&self, index: usize) -> [Plan; 1] {
        [self.plan(&format!("relu{index}"), LayerKind::Activation(self.activation))]
    }

    fn basic(&self) -> Vec<Plan> {
        let mut plans = Vec::from(self.convolution(1, self.inner, 3, self.stride));
        plans.extend(self.activation(1));
        plans.extend(self.convolution(2, self.outer, 3, 1));
        plans
    }

    fn bottleneck(&self) -> Vec<Plan> {
        let mut plans = Vec::from(self.convolution(1, self.inner, 1, 1));
        plans.extend(self.activation(1));
        plans.extend(self.convolution(2, self.inner, 3, self.stride));
        plans.extend(self.activation(2));
        plans.extend(self.convolution(3, self.outer, 1, 1));
        plans
    }

    /// A projection where the shape changes, else nothing.
    fn shortcut(&self, channels: usize) -> Vec<Plan> {
        if self.stride == 1 && channels == self.outer {
            return Vec::new();
        }
        let projection = convolution(self.outer, window(1, self.stride, 0), false);
        vec![self.plan("downsample.0", projection), self.plan("downsample.1", BATCH_NORM)]
    }
}
