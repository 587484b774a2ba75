//! A data set on a device, cut into shards that are evaluated one by one: each is the network's graph with its examples.

use super::algebra::Algebra;
use super::architecture::{Architecture, Criterion, Layer};
use super::array::Context;
use super::data::{Dataset, Targets};
use super::device::Device;
use super::graph::{Graph, INPUTS, Model, Plan, Structure, Structures, TARGETS};
use super::memory;
use super::mismatch::Mismatch;
use super::series::Ring;
use super::tape::Tape;
use std::ops::Range;
use std::sync::Arc;

/// How many numbers of activations a shard on the host aims at: its working set should fit into a core's cache.
const SHARD: usize = 1 << 18;

/// The same on an accelerator, whose many cores want more work at a time and whose memory is finite: 130 MB of 32-bit
/// numbers a coefficient.
const DEVICE_SHARD: usize = 1 << 25;

/// Some examples.
#[derive(Debug)]
pub(super) struct Shard {
    /// Their mean loss.
    pub plan: Plan,
    pub count: usize,
}

/// What cuts the data sets of one network.
#[derive(Clone, Debug)]
pub(super) struct Cutter {
    pub architecture: Arc<Architecture>,
    device: Device,
    /// By the numbers of examples and of the targets of each row of outputs.
    structures: Arc<Structures<[usize; 2]>>,
}

impl Cutter {
    pub fn new(architecture: Architecture, device: &Device) -> Cutter {
        let (architecture, structures) = (Arc::new(architecture), Arc::default());
        Cutter { architecture, device: device.clone(), structures }
    }

    /// The data on the device, cut into shards, and how many numbers the operations on one example produce.
    pub fn first(&self, data: &Dataset) -> Result<(Vec<Shard>, usize), Mismatch> {
        let architecture = &self.architecture;
        // At least what the layers give for one example, before that is evaluated.
        let least = architecture.activations.saturating_add(held(architecture, data));
        memory::check(architecture, least)?;
        let activations = self.activations(data)?;
        Ok((self.cut(data, activations)?, activations))
    }

    /// How many numbers the operations on one example produce: a pass with parameters zero counts them.
    fn activations(&self, data: &Dataset) -> Result<usize, Mismatch> {
        let (architecture, context) = (&self.architecture, self.context());
        let one = self.shard(data, 0..1)?;
        let count = || {
            let real = Algebra::real();
            let ring = Ring::new(&real, &context);
            let tape = Tape::new(&ring, vec![false]);
            let zeros = |shape: &[usize]| tape.constant(ring.constant(context.zeros(shape)));
            let parameters = architecture.parameters.iter().map(|p| zeros(&p.shape));
            let parameters: Vec<_> = parameters.collect();
            match architecture.criterion {
                // Its derivatives by the inputs are the larger part.
                Criterion::Formula(_) => drop(one.plan.loss(&tape, &parameters, Model::Exact)),
                _ => drop(one.plan.outputs(&tape, &parameters)),
            }
            tape.recorded().max(1)
        };
        Ok(self.device.guard(count)?)
    }

    /// The data on the device, cut into shards.
    pub fn cut(&self, data: &Dataset, activations: usize) -> Result<Vec<Shard>, Mismatch> {
        let (architecture, context) = (&self.architecture, self.context());
        let examples = data.len();
        let whole = architecture.couples_examples() || !architecture.criterion.is_mean();
        let shard = if whole {
            examples
        } else {
            balanced(examples, (shard_size(&context) / activations).max(32))
        };
        if context.is_host() {
            let held = held(architecture, data);
            memory::check(architecture, shard.saturating_mul(activations).saturating_add(held))?;
            if !architecture.criterion.is_mean() {
                memory::check_pairs(examples, architecture.dtype)?;
            }
        }
        let ranges = (0..examples).step_by(shard).map(|start| start..(start + shard).min(examples));
        ranges.map(|range| self.shard(data, range)).collect()
    }

    fn context(&self) -> Context {
        self.device.context(self.architecture.dtype)
    }

    fn shard(&self, data: &Dataset, range: Range<usize>) -> Result<Shard, Mismatch> {
        let (architecture, count) = (&self.architecture, range.len());
        let inputs = data.rows_f64(range.clone());
        check_tokens(architecture, data, &inputs, range.start)?;
        let (width, tokens) = (architecture.width(), architecture.tokens());
        let targets = targets(&architecture.criterion, &data.targets, range, [tokens, width]);
        let size = [count, targets.len() / (count * tokens)];
        let make = || {
            let graph = Graph::of_layers(architecture, size);
            Structure::new(graph, &[INPUTS, TARGETS], &self.device)
        };
        let structure = self.structures.of(size, make)?;
        let values = |name: &str| if name == INPUTS { inputs.clone() } else { targets.clone() };
        Ok(Shard { plan: Plan::new(structure, &values)?, count })
    }
}

/// Refuses what names no row of an embedding, among the inputs of the examples from `start` on.
fn check_tokens(
    architecture: &Architecture,
    data: &Dataset,
    inputs: &[f64],
    start: usize,
) -> Result<(), Mismatch> {
    for (tokens, vocabulary) in tokens(&architecture.layers) {
        let is_token =
            |value: f64| value.fract() == 0.0 && value >= 0.0 && value < vocabulary as f64;
        let length = architecture.input.iter().product();
        for (at, example) in inputs.chunks_exact(length).enumerate() {
            if let Some(&value) = example[tokens.clone()].iter().find(|value| !is_token(**value)) {
                let (data, example) = (data.name.clone(), start + at);
                return Err(Mismatch::Token { data, example, value, last: vocabulary - 1 });
            }
        }
    }
    Ok(())
}

/// The numbers of all inputs and targets, which stay where they are evaluated.
fn held(architecture: &Architecture, data: &Dataset) -> usize {
    let sizes = [&architecture.input, &architecture.outputs];
    let width: usize = sizes.iter().map(|shape| shape.iter().product::<usize>()).sum();
    data.len().saturating_mul(width)
}

/// How many numbers of activations a shard aims at.
pub(super) fn shard_size(context: &Context) -> usize {
    if context.is_host() { SHARD } else { DEVICE_SHARD }
}

/// Shards of at most about `size` examples, equally large, an even number of them where there is more than
/// one. It does not follow the number of cores, so that sums are the same on every machine.
fn balanced(examples: usize, size: usize) -> usize {
    if examples <= size {
        return examples;
    }
    let shards = examples.div_ceil(size).next_multiple_of(2);
    examples.div_ceil(shards)
}

/// Which numbers of an example embeddings take for rows, and of how many rows.
fn tokens(layers: &[Layer]) -> Vec<(Range<usize>, usize)> {
    let of = |layer: &Layer| match layer {
        Layer::Embedding { vocabulary, part, .. } => vec![(part.clone(), *vocabulary)],
        layer => layer.inner().into_iter().flat_map(tokens).collect(),
    };
    layers.iter().flat_map(of).collect()
}

/// The targets of some examples as the criterion takes them, `[n, width]`, of every token a row.
fn targets(
    criterion: &Criterion,
    targets: &Targets,
    range: Range<usize>,
    [tokens, width]: [usize; 2],
) -> Vec<f64> {
    let smoothing = match criterion {
        Criterion::CrossEntropy { smoothing } => *smoothing,
        _ => 0.0,
    };
    let [wrong, right] = criterion.coding();
    let width = match (criterion, targets) {
        (Criterion::Contrastive { .. }, Targets::Classes { classes, .. }) => *classes,
        _ => width,
    };
    let coded = |labels: &mut dyn Iterator<Item = usize>| {
        let mut coded = Vec::new();
        for label in labels {
            let row = coded.len();
            coded.resize(row + width, wrong + smoothing / width as f64);
            coded[row + label] += right - wrong - smoothing;
        }
        coded
    };
    match targets {
        Targets::Classes { labels, classes: 1 | 2 } if width == 1 && criterion.takes_sign() => {
            labels[range].iter().map(|&label| if label == 1 { right } else { wrong }).collect()
        }
        Targets::Classes { labels, .. } => {
            coded(&mut labels[range].iter().map(|label| *label as usize))
        }
        // A class for every token.
        Targets::Values { values, width: each } if *each != tokens * width => {
            coded(&mut values[range.start * each..range.end * each].iter().map(|x| *x as usize))
        }
        Targets::Values { values, width: each } => {
            let values = &values[range.start * each..range.end * each];
            match criterion {
                Criterion::CrossEntropy { .. } => probabilities(values, width, smoothing),
                _ => values.to_vec(),
            }
        }
    }
}

/// Smoothed as classes are. Every row is made to sum to one exactly, as the loss has it, which 32-bit numbers do not.
fn probabilities(values: &[f64], width: usize, smoothing: f64) -> Vec<f64> {
    let rows = values.chunks_exact(width).map(|row| (row, row.iter().sum::<f64>()));
    let smoothed = |(row, sum): (&[f64], f64)| -> Vec<f64> {
        row.iter().map(|p| smoothing / width as f64 + (1.0 - smoothing) * p / sum).collect()
    };
    rows.flat_map(smoothed).collect()
}
