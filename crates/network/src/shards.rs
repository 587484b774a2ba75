//! A data set on a device, cut into shards that are evaluated one by one.

use super::algebra::Algebra;
use super::architecture::{Architecture, BatchNormMode, Criterion, Layer};
use super::array::Context;
use super::data::{Dataset, Targets};
use super::device::Device;
use super::forward::{self, Batch};
use super::graph::{Graph, Plan};
use super::memory;
use super::mismatch::Mismatch;
use super::series::Ring;
use super::tape::Tape;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

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

/// The graphs of the layers for different numbers of examples, each made once.
#[derive(Default)]
pub(super) struct Plans(Mutex<BTreeMap<usize, Arc<Plan>>>);

/// How many graphs are kept: of shards of two sizes, of mini-batches, and of the rest of the data.
const KEPT: usize = 8;

impl Plans {
    fn of(
        &self,
        architecture: &Architecture,
        count: usize,
        device: &Device,
    ) -> Result<Arc<Plan>, Mismatch> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = known.get(&count) {
            return Ok(plan.clone());
        }
        let plan = Arc::new(Plan::unchecked(Graph::of_outputs(architecture, count), device)?);
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(count, plan.clone());
        Ok(plan)
    }
}

/// The data on the device, cut into shards, and how many numbers the operations on one example produce.
pub(super) fn shards(
    architecture: &Architecture,
    data: &Dataset,
    device: &Device,
    plans: &Plans,
) -> Result<(Vec<Batch>, usize), Mismatch> {
    // At least what the layers give for one example, before that is evaluated.
    let least = architecture.activations.saturating_add(held(architecture, data));
    memory::check(architecture, least)?;
    let one = batch(architecture, data, 0..1, device, plans)?;
    let activations = activations(architecture, &one, &device.context(architecture.dtype));
    Ok((cut(architecture, data, device, plans, activations)?, activations))
}

/// The data on the device, cut into shards.
pub(super) fn cut(
    architecture: &Architecture,
    data: &Dataset,
    device: &Device,
    plans: &Plans,
    activations: usize,
) -> Result<Vec<Batch>, Mismatch> {
    let context = &device.context(architecture.dtype);
    let examples = data.len();
    let whole = couples_examples(&architecture.layers) || !architecture.criterion.is_mean();
    let shard = if whole {
        examples
    } else {
        balanced(examples, (shard_size(context) / activations).max(32))
    };
    if context.is_host() {
        let held = held(architecture, data);
        memory::check(architecture, shard.saturating_mul(activations).saturating_add(held))?;
    }
    let ranges = (0..examples).step_by(shard).map(|start| start..(start + shard).min(examples));
    ranges.map(|range| batch(architecture, data, range, device, plans)).collect()
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
        layer => layer.inner().into_iter().any(couples_examples),
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

/// Which numbers of an example embeddings take for rows, and of how many rows.
fn tokens(layers: &[Layer]) -> Vec<(Range<usize>, usize)> {
    let of = |layer: &Layer| match layer {
        Layer::Embedding { vocabulary, part, .. } => vec![(part.clone(), *vocabulary)],
        layer => layer.inner().into_iter().flat_map(tokens).collect(),
    };
    layers.iter().flat_map(of).collect()
}

fn batch(
    architecture: &Architecture,
    data: &Dataset,
    range: Range<usize>,
    device: &Device,
    plans: &Plans,
) -> Result<Batch, Mismatch> {
    let context = device.context(architecture.dtype);
    let count = range.len();
    let values = data.rows_f64(range.clone());
    let length = values.len() / count;
    for (tokens, vocabulary) in tokens(&architecture.layers) {
        let is_token =
            |value: f64| value.fract() == 0.0 && value >= 0.0 && value < vocabulary as f64;
        for (at, example) in values.chunks_exact(length).enumerate() {
            if let Some(&value) = example[tokens.clone()].iter().find(|value| !is_token(**value)) {
                let (data, example) = (data.name.clone(), range.start + at);
                return Err(Mismatch::Token { data, example, value, last: vocabulary - 1 });
            }
        }
    }
    let inputs = context.array(values, &[&[count], architecture.input.as_slice()].concat());
    let layers = plans.of(architecture, count, device)?;
    let (width, tokens) = (architecture.width(), architecture.tokens());
    let targets = targets(&architecture.criterion, &data.targets, range, [tokens, width]);
    let rows = count * tokens;
    let criterion = match &architecture.criterion {
        Criterion::CrossEntropy { .. } | Criterion::MeanSquaredError => None,
        criterion => {
            let graph = Graph::of_criterion(criterion, rows, [width, targets.len() / rows]);
            let graph = graph.with_targets(&targets);
            Some(Plan::new(graph.with_dtype(architecture.dtype), device)?)
        }
    };
    let targets = {
        let each = targets.len() / rows;
        context.array(targets, &[rows, each])
    };
    Ok(Batch { inputs, targets, count, layers, criterion })
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
