//! The loss of examples on a tape, over any algebra: the graph of the layers, and what is taken of its outputs.

use super::architecture::{Architecture, Criterion};
use super::array::Array;
use super::graph::Plan;
use super::tape::{Tape, Variable, row_shape};
use std::sync::Arc;

/// Examples on a device.
pub(crate) struct Batch {
    /// `[n, ...]`, also of whole numbers.
    pub inputs: Array,
    /// Probabilities of the classes, or values: `[n, width]`, of every token a row.
    pub targets: Array,
    pub count: usize,
    /// The outputs, of the parameters and the inputs.
    pub layers: Arc<Plan>,
    /// The mean of the loss over them, of the outputs, where it is not among those of [`loss`].
    pub criterion: Option<Plan>,
}

/// How the sweep back takes the network between the parameters and its outputs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Model {
    /// As it is.
    Exact,
    /// As its linearisation, so that second derivatives are those of the loss alone: the Gauss-Newton matrix.
    Linearised,
}

/// The criterion on `batch`, summed over its examples and divided by `total`, the size of the whole data set.
/// `parameters` in the architecture's order.
pub(crate) fn loss(
    tape: &Tape<'_>,
    architecture: &Architecture,
    parameters: Vec<Variable>,
    batch: &Batch,
    total: usize,
    model: Model,
) -> Variable {
    let outputs = outputs(tape, architecture, parameters, batch);
    let outputs = match model {
        Model::Exact => outputs,
        Model::Linearised => tape.linearised(&outputs),
    };
    let shape = [1, 1];
    if let Some(criterion) = &batch.criterion {
        let mean = criterion.evaluate(tape, vec![outputs]);
        return tape.scale(&tape.reshape(&mean, &shape), batch.count as f64 / total as f64);
    }
    let total = total * architecture.tokens();
    let targets = tape.constant(tape.ring.constant(batch.targets.clone()));
    match architecture.criterion {
        Criterion::CrossEntropy { .. } => {
            // The targets sum to one, so that -Σ_c t_c log p_c = log Σ e^x - Σ_c t_c x_c.
            let (log, shifted, _) = tape.log_sum_exp(&outputs, &row_shape(&outputs));
            let chosen = tape.sum_to(&tape.multiply(&shifted, &targets), &shape);
            let sum = tape.add(&tape.sum_to(&log, &shape), &tape.scale(&chosen, -1.0));
            tape.scale(&sum, 1.0 / total as f64)
        }
        _ => {
            let width = outputs.shape()[1];
            let error = tape.add(&outputs, &tape.scale(&targets, -1.0));
            let sum = tape.sum_to(&tape.multiply(&error, &error), &shape);
            tape.scale(&sum, 1.0 / (total * width) as f64)
        }
    }
}

/// The penalty `λ/2 θᵀθ`.
pub(crate) fn penalty(tape: &Tape<'_>, l2: f64, parameters: &[Variable]) -> Variable {
    let squares = parameters.iter().map(|parameter| {
        let flat = tape.reshape(parameter, &[1, parameter.shape().iter().product()]);
        tape.sum_to(&tape.multiply(&flat, &flat), &[1, 1])
    });
    let sum = squares.reduce(|sum, square| tape.add(&sum, &square));
    tape.scale(&sum.expect("a network has parameters"), l2 / 2.0)
}

/// The network's outputs, `[n, width]`, of every token a row.
pub(crate) fn outputs(
    tape: &Tape<'_>,
    architecture: &Architecture,
    mut parameters: Vec<Variable>,
    batch: &Batch,
) -> Variable {
    parameters.push(tape.constant(tape.ring.constant(batch.inputs.clone())));
    let outputs = batch.layers.evaluate(tape, parameters);
    tape.reshape(&outputs, &[batch.count * architecture.tokens(), architecture.width()])
}
