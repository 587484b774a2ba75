//! A data set on a device, cut into shards that are evaluated one by one.

use super::algebra::Algebra;
use super::architecture::{Architecture, BatchNormMode, Criterion, Layer};
use super::array::Context;
use super::data::{Dataset, Targets};
use super::device::Device;
use super::forward::{self, Batch, Inputs};
use super::graph::{Graph, Plan};
use super::memory;
use super::mismatch::Mismatch;
use super::series::Ring;
use super::tape::Tape;

/// How many numbers of activations a shard on the host aims at: its working set should fit into a core's cache.
const SHARD: usize = 1 << 18;

/// The same on an accelerator, whose many cores want more work at a time and whose memory is finite: 130 MB of 32-bit
/// numbers a coefficient.
const DEVICE_SHARD: usize = 1 << 25;

/// How many numbers the operations on one example produce: a pass with parameters zero counts them.
fn activations(architecture: &Architecture, example: &Batch, context: &Context) -> usize {
    let real = Algebra::real();
    let ring = Ring::new(&real, context);
    let tape = Tape::new(&ring, vec![false]);
    let zeros = architecture
        .parameters
        .iter()
        .map(|p| tape.constant(ring.constant(context.zeros(&p.shape))));
    forward::outputs(&tape, architecture, zeros.collect(), example);
    tape.recorded().max(1)
}

/// The data on the device, cut into shards, and how many numbers the operations on one example produce.
pub(super) fn shards(
    architecture: &Architecture,
    data: &Dataset,
    device: &Device,
) -> Result<(Vec<Batch>, usize), Mismatch> {
    // At least what the layers give for one example, before that is evaluated.
    let least = architecture.activations.saturating_add(held(architecture, data));
    memory::check(architecture, least)?;
    let one = batch(architecture, data, 0..1, device)?;
    let activations = activations(architecture, &one, &device.context(architecture.dtype));
    Ok((cut(architecture, data, device, activations)?, activations))
}

/// The data on the device, cut into shards.
pub(super) fn cut(
    architecture: &Architecture,
    data: &Dataset,
    device: &Device,
    activations: usize,
) -> Result<Vec<Batch>, Mismatch> {
    let context = &device.context(architecture.dtype);
    let examples = data.len();
    let shard = if couples_examples(&architecture.layers) {
        examples
    } else {
        balanced(examples, (shard_size(context) / activations).max(32))
    };
    if context.is_host() {
        let held = held(architecture, data);
        memory::check(architecture, shard.saturating_mul(activations).saturating_add(held))?;
    }
    let ranges = (0..examples).step_by(shard).map(|start| start..(start + shard).min(examples));
    ranges.map(|range| batch(architecture, data, range, device)).collect()
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

/// Whether the layers mix examples, so that the data cannot be cut into shards.
fn couples_examples(layers: &[Layer]) -> bool {
    layers.iter().any(|layer| match layer {
        Layer::BatchNorm { mode, .. } => *mode == BatchNormMode::Batch,
        Layer::Residual { body, shortcut } => couples_examples(body) || couples_examples(shortcut),
        _ => false,
    })
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

fn batch(
    architecture: &Architecture,
    data: &Dataset,
    range: std::ops::Range<usize>,
    device: &Device,
) -> Result<Batch, Mismatch> {
    let context = device.context(architecture.dtype);
    let count = range.len();
    let values = data.rows_f64(range.clone());
    let inputs = match architecture.layers.first() {
        Some(Layer::Embedding { vocabulary, .. }) => {
            let length = values.len() / count;
            let tokens: Result<Vec<usize>, Mismatch> = values
                .iter()
                .enumerate()
                .map(|(at, &value)| {
                    if value.fract() == 0.0 && value >= 0.0 && value < *vocabulary as f64 {
                        Ok(value as usize)
                    } else {
                        let (data, example, last) =
                            (data.name.clone(), range.start + at / length, vocabulary - 1);
                        Err(Mismatch::Token { data, example, value, last })
                    }
                })
                .collect();
            Inputs::Tokens(context.indices(tokens?))
        }
        _ => {
            let mut shape = vec![count];
            shape.extend(&architecture.input);
            Inputs::Values(context.array(values, &shape))
        }
    };
    let (width, tokens) = (architecture.width(), architecture.tokens());
    let targets = targets(&architecture.criterion, &data.targets, range, [tokens, width]);
    let rows = count * tokens;
    let criterion = match &architecture.criterion {
        Criterion::CrossEntropy { .. } | Criterion::MeanSquaredError => None,
        criterion => {
            let graph = Graph::of_criterion(criterion, rows, width).with_targets(&targets);
            Some(Plan::new(graph.with_dtype(architecture.dtype), device)?)
        }
    };
    Ok(Batch { inputs, targets: context.array(targets, &[rows, width]), count, criterion })
}

/// The targets of some examples as the criterion takes them, `[n, width]`, of every token a row.
fn targets(
    criterion: &Criterion,
    targets: &Targets,
    range: std::ops::Range<usize>,
    [tokens, width]: [usize; 2],
) -> Vec<f64> {
    let smoothing = match criterion {
        Criterion::CrossEntropy { smoothing } => *smoothing,
        _ => 0.0,
    };
    let [wrong, right] = criterion.coding();
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
