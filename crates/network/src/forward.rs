//! The forward pass of an architecture on a tape: each layer once, over any algebra.

use super::architecture::{Architecture, BatchNormMode, Criterion, Layer, RunningStatistics};
use super::array::{Array, Indices};
use super::function::Elementary;
use super::graph::Plan;
use super::host::window::Window;
use super::tape::{Tape, Variable, row_shape};

/// Examples on a device.
pub(crate) struct Batch {
    pub inputs: Inputs,
    /// Probabilities of the classes, or values: `[n, width]`, of every token a row.
    pub targets: Array,
    pub count: usize,
    /// The mean of the loss over them, of the outputs, where it is not among those of [`loss`].
    pub criterion: Option<Plan>,
}

/// What a network reads.
pub(crate) enum Inputs {
    Values(Array),
    /// Numbers of rows of an embedding, example by example.
    Tokens(Indices),
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
        let mean = criterion.loss(tape, vec![outputs]);
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
    parameters: Vec<Variable>,
    batch: &Batch,
) -> Variable {
    let mut pass = Pass { tape, parameters: parameters.into_iter(), batch };
    let x = match &batch.inputs {
        Inputs::Values(values) => Some(tape.constant(tape.ring.constant(values.clone()))),
        Inputs::Tokens(_) => None,
    };
    let outputs = pass.layers(&architecture.layers, x).expect("a network has outputs");
    let width = architecture.width();
    tape.reshape(&outputs, &[batch.count * architecture.tokens(), width])
}

/// Of a square matrix by rows: -∞ where a column is behind the diagonal, zeros elsewhere.
pub(crate) fn later(length: usize) -> Vec<f64> {
    let row =
        |row| (0..length).map(move |column| if column > row { f64::NEG_INFINITY } else { 0.0 });
    (0..length).flat_map(row).collect()
}

/// `[n, a, b]` to `[n, b, a]`.
fn transposed(tape: &Tape<'_>, x: &Variable) -> Variable {
    let [n, a, b] = [x.shape()[0], x.shape()[1], x.shape()[2]];
    let swapped = tape.swap_middle(&tape.reshape(x, &[n, a, b, 1]));
    tape.reshape(&swapped, &[n, b, a])
}

struct Pass<'t, 'a, I> {
    tape: &'t Tape<'a>,
    parameters: I,
    batch: &'t Batch,
}

impl<I: Iterator<Item = Variable>> Pass<'_, '_, I> {
    /// `None` stands for tokens that no layer has turned into numbers yet.
    fn layers(&mut self, layers: &[Layer], mut x: Option<Variable>) -> Option<Variable> {
        for layer in layers {
            x = Some(match (layer, x) {
                (Layer::Embedding { width, .. }, None) => self.embedding(*width),
                (layer, Some(x)) => self.layer(layer, x),
                (layer, None) => unreachable!("{layer:?} on tokens: shapes were checked"),
            });
        }
        x
    }

    fn parameter(&mut self) -> Variable {
        self.parameters.next().expect("one variable a parameter")
    }

    fn embedding(&mut self, width: usize) -> Variable {
        let table = self.parameter();
        let Inputs::Tokens(tokens) = &self.batch.inputs else {
            unreachable!("an embedding reads tokens")
        };
        let rows = self.tape.rows(&table, tokens.clone());
        let length = rows.shape()[0] / self.batch.count;
        self.tape.reshape(&rows, &[self.batch.count, length, width])
    }

    fn layer(&mut self, layer: &Layer, x: Variable) -> Variable {
        let tape = self.tape;
        match layer {
            Layer::Linear { bias, .. } => {
                let weight = self.parameter();
                let bias = bias.then(|| self.parameter());
                tape.linear(&x, &weight, bias.as_ref())
            }
            Layer::Conv2d { kernel, stride, padding, bias, .. } => {
                let weight = self.parameter();
                let y = tape.conv2d(
                    &x,
                    &weight,
                    Window { kernel: *kernel, stride: *stride, padding: *padding },
                );
                if !bias {
                    return y;
                }
                let bias = self.parameter();
                tape.add(&y, &tape.reshape(&bias, &[1, bias.shape()[0], 1, 1]))
            }
            Layer::BatchNorm { epsilon, mode, .. } => {
                let mut shape = vec![1; x.shape().len()];
                shape[1] = x.shape()[1];
                let y = match mode {
                    BatchNormMode::Batch => self.normalised(&x, &shape, *epsilon),
                    BatchNormMode::Running(statistics) => {
                        self.standardised(&x, &shape, statistics.as_ref(), *epsilon)
                    }
                };
                self.scaled_and_shifted(y, &shape)
            }
            Layer::LayerNorm { shape, epsilon, .. } => {
                let leading = x.shape().len() - shape.len();
                let mut statistics = x.shape().to_vec();
                statistics[leading..].fill(1);
                let y = self.normalised(&x, &statistics, *epsilon);
                let mut affine = vec![1; leading];
                affine.extend(shape);
                self.scaled_and_shifted(y, &affine)
            }
            Layer::Activation(function) => tape.apply(Elementary::Activation(*function), &x),
            Layer::MaxPool2d { kernel, stride, padding } => {
                tape.max_pool2d(&x, Window { kernel: *kernel, stride: *stride, padding: *padding })
            }
            Layer::AvgPool2d { kernel, stride, padding } => {
                tape.avg_pool2d(&x, Window { kernel: *kernel, stride: *stride, padding: *padding })
            }
            Layer::GlobalAvgPool => {
                let [n, c, h, w] = [x.shape()[0], x.shape()[1], x.shape()[2], x.shape()[3]];
                let sum = tape.sum_to(&x, &[n, c, 1, 1]);
                tape.reshape(&tape.scale(&sum, 1.0 / (h * w) as f64), &[n, c])
            }
            Layer::Flatten => {
                let width = x.shape()[1..].iter().product();
                tape.reshape(&x, &[x.shape()[0], width])
            }
            Layer::Residual { body, shortcut } => {
                let y = self.layers(body, Some(x.clone())).expect("a value");
                let beside = self.layers(shortcut, Some(x)).expect("a value");
                tape.add(&y, &beside)
            }
            Layer::Position { length, width, .. } => {
                let table = self.parameter();
                tape.add(&x, &tape.reshape(&table, &[1, *length, *width]))
            }
            Layer::Attention { width, heads, causal, .. } => {
                self.attention(&x, *width, *heads, *causal)
            }
            Layer::ClassToken { width, .. } => {
                let [n, length] = [x.shape()[0], x.shape()[1]];
                let token = tape.reshape(&self.parameter(), &[1, *width]);
                let token = tape.spread(&token, &[n, *width]);
                let joined = tape.join(&[token, tape.reshape(&x, &[n, length * width])]);
                tape.reshape(&joined, &[n, length + 1, *width])
            }
            Layer::FirstToken => {
                let [n, length, width] = [x.shape()[0], x.shape()[1], x.shape()[2]];
                tape.narrow(&tape.reshape(&x, &[n, length * width]), 0, width)
            }
            Layer::Tokens => {
                let [n, c, h, w] = [x.shape()[0], x.shape()[1], x.shape()[2], x.shape()[3]];
                transposed(tape, &tape.reshape(&x, &[n, c, h * w]))
            }
            Layer::Transpose => transposed(tape, &x),
            Layer::MeanTokens => {
                let [n, length, width] = [x.shape()[0], x.shape()[1], x.shape()[2]];
                let sum = tape.sum_to(&x, &[n, 1, width]);
                tape.reshape(&tape.scale(&sum, 1.0 / length as f64), &[n, width])
            }
            Layer::Embedding { .. } => unreachable!("an embedding reads tokens"),
        }
    }

    fn scaled_and_shifted(&mut self, y: Variable, shape: &[usize]) -> Variable {
        let tape = self.tape;
        let weight = tape.reshape(&self.parameter(), shape);
        let bias = tape.reshape(&self.parameter(), shape);
        tape.add(&tape.multiply(&y, &weight), &bias)
    }

    /// `(x - μ)/√(v + ε)`, mean and (biased) variance over the axes where `shape` has one entry.
    fn normalised(&self, x: &Variable, shape: &[usize], epsilon: f64) -> Variable {
        let tape = self.tape;
        let share =
            shape.iter().product::<usize>() as f64 / x.shape().iter().product::<usize>() as f64;
        let mean = tape.scale(&tape.sum_to(x, shape), share);
        let centred = tape.add(x, &tape.scale(&mean, -1.0));
        let variance = tape.scale(&tape.sum_to(&tape.multiply(&centred, &centred), shape), share);
        let inverse = tape.apply(Elementary::InverseSqrt, &tape.offset(&variance, epsilon));
        tape.multiply(&centred, &inverse)
    }

    /// `(x - μ)/√(v + ε)` with fixed means and variances, 0 and 1 where there are none.
    fn standardised(
        &self,
        x: &Variable,
        shape: &[usize],
        statistics: Option<&RunningStatistics>,
        epsilon: f64,
    ) -> Variable {
        let tape = self.tape;
        let context = tape.ring.context;
        let constant = |values| tape.constant(tape.ring.constant(context.array(values, shape)));
        let inverse = |variance: f64| (variance + epsilon).sqrt().recip();
        let Some(RunningStatistics { mean, variance }) = statistics else {
            return tape.scale(x, inverse(1.0));
        };
        let centred = tape.add(x, &constant(mean.iter().map(|mean| -mean).collect()));
        let inverses = variance.iter().map(|variance| inverse(*variance)).collect();
        tape.multiply(&centred, &constant(inverses))
    }

    /// Multi-head self-attention as `torch.nn.MultiheadAttention` computes it.
    fn attention(&mut self, x: &Variable, width: usize, heads: usize, causal: bool) -> Variable {
        let tape = self.tape;
        let [n, length] = [x.shape()[0], x.shape()[1]];
        let size = width / heads;
        let (weight, bias) = (self.parameter(), self.parameter());
        let projected = tape.linear(x, &weight, Some(&bias));
        let part = |index: usize| {
            let part = tape.narrow(&projected, index * width, width);
            tape.swap_middle(&tape.reshape(&part, &[n, length, heads, size]))
        };
        let (query, key, value) = (part(0), part(1), part(2));
        let scores =
            tape.scale(&tape.matmul(&query, &key, (false, true)), 1.0 / (size as f64).sqrt());
        let scores = if causal {
            let mask = tape.ring.context.array(later(length), &[1, 1, length, length]);
            tape.add(&scores, &tape.constant(tape.ring.constant(mask)))
        } else {
            scores
        };
        let weights = tape.softmax(&scores, &row_shape(&scores));
        let mixed = tape.matmul(&weights, &value, (false, false));
        let joined = tape.reshape(&tape.swap_middle(&mixed), &[n, length, width]);
        let (weight, bias) = (self.parameter(), self.parameter());
        tape.linear(&joined, &weight, Some(&bias))
    }
}
