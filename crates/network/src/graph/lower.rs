//! Layers as a graph: what the forward pass does with them, written in operations of graphs.

use super::operation::{Axes, Operation, Window};
use super::{Constant, Graph, Node, shape};
use crate::architecture::{Architecture, BatchNormMode, Layer, Parameter, RunningStatistics};
use crate::forward::{Batch, Inputs, later};
use crate::function::Function;
use std::collections::BTreeMap;
use std::path::PathBuf;

impl Graph {
    /// The loss of an architecture on examples, from the parameters `theta`.
    pub(crate) fn of_layers(
        architecture: &Architecture,
        batches: &[Batch],
        theta: &[f64],
    ) -> Graph {
        let mut lowering = Lowering {
            nodes: Vec::new(),
            constants: BTreeMap::new(),
            parameters: architecture.parameters.iter(),
        };
        let count: usize = batches.iter().map(|batch| batch.count).sum();
        let mut values = Vec::new();
        let mut shape = vec![count];
        let mut inputs = Vec::new();
        for batch in batches {
            values.extend(batch.targets.to_f64());
            match &batch.inputs {
                Inputs::Values(array) => {
                    shape = [&[count], &array.shape()[1..]].concat();
                    inputs.extend(array.to_f64());
                }
                Inputs::Tokens(tokens) => {
                    shape = vec![count, tokens.length() / batch.count];
                    inputs.extend(tokens.to_vec().into_iter().map(|token| token as f64));
                }
            }
        }
        let x = lowering.constant("inputs", &shape, inputs);
        let outputs = lowering.layers(&architecture.layers, x);
        let width = architecture.width();
        let rows = values.len() / width;
        let outputs = lowering.reshape(outputs, &[rows, width]);
        let targets = lowering.constant("targets", &[rows, width], values);
        let loss = lowering.criterion(&architecture.criterion, outputs, targets);
        let loss = lowering.penalised(loss, architecture.l2);
        Graph {
            file: PathBuf::from(&architecture.name),
            producer: concat!("bea ", env!("CARGO_PKG_VERSION")).into(),
            layout: architecture.layout.clone(),
            initial: theta.to_vec(),
            constants: lowering.constants,
            nodes: lowering.nodes,
            loss,
            examples: None,
        }
    }
}

pub(super) struct Lowering<'a> {
    pub(super) nodes: Vec<Node>,
    pub(super) constants: BTreeMap<String, Constant>,
    pub(super) parameters: std::slice::Iter<'a, Parameter>,
}

impl Lowering<'_> {
    pub(super) fn node(
        &mut self,
        operation: Operation,
        args: &[usize],
        shape: Vec<usize>,
    ) -> usize {
        let varies = matches!(operation, Operation::Parameter { .. })
            || args.iter().any(|arg| self.nodes[*arg].varies);
        // The loss depends on all that layers do.
        let (args, needed) = (args.to_vec(), true);
        self.nodes.push(Node { operation, args, at: None, shape, varies, needed });
        self.nodes.len() - 1
    }

    pub(super) fn push(&mut self, operation: Operation, args: &[usize]) -> usize {
        let shapes: Vec<&[usize]> = args.iter().map(|arg| self.shape(*arg)).collect();
        let shape = shape::infer(&operation, &shapes).expect("layers fit one another");
        self.node(operation, args, shape)
    }

    pub(super) fn shape(&self, node: usize) -> &[usize] {
        &self.nodes[node].shape
    }

    pub(super) fn constant(&mut self, name: &str, shape: &[usize], values: Vec<f64>) -> usize {
        let (name, shape) = (name.to_string(), shape.to_vec());
        self.constants.insert(name.clone(), Constant { shape: shape.clone(), values });
        self.node(Operation::Constant { name }, &[], shape)
    }

    fn parameter(&mut self) -> usize {
        let parameter = self.parameters.next().expect("one node a parameter");
        let name = parameter.name.clone();
        self.node(Operation::Parameter { name }, &[], parameter.shape.clone())
    }

    fn reshape(&mut self, x: usize, shape: &[usize]) -> usize {
        if self.shape(x) == shape {
            return x;
        }
        self.push(Operation::Reshape { shape: shape.to_vec() }, &[x])
    }

    fn mean(&mut self, x: usize, axes: &[usize], keep: bool) -> usize {
        self.push(Operation::Mean(Axes { axes: axes.to_vec(), keep }), &[x])
    }

    fn layers(&mut self, layers: &[Layer], x: usize) -> usize {
        layers.iter().fold(x, |x, layer| self.layer(layer, x))
    }

    fn layer(&mut self, layer: &Layer, x: usize) -> usize {
        let shape = self.shape(x).to_vec();
        match layer {
            Layer::Linear { bias, .. } => self.linear(x, *bias),
            Layer::Conv2d { stride, padding, bias, .. } => {
                let weight = self.parameter();
                let groups = 1;
                let window = window(stride, padding);
                let y = self.push(Operation::Convolution { window, groups }, &[x, weight]);
                if !bias {
                    return y;
                }
                let bias = self.parameter();
                let channels = self.shape(bias)[0];
                let bias = self.reshape(bias, &[channels, 1, 1]);
                self.push(Operation::Add, &[y, bias])
            }
            Layer::BatchNorm { name, epsilon, mode, .. } => {
                let mut statistics = vec![1; shape.len()];
                statistics[1] = shape[1];
                let y = match mode {
                    BatchNormMode::Batch => {
                        let axes: Vec<usize> = (0..shape.len()).filter(|axis| *axis != 1).collect();
                        self.normalised(x, &axes, *epsilon)
                    }
                    BatchNormMode::Running(running) => {
                        self.standardised(x, name, &statistics, running.as_ref(), *epsilon)
                    }
                };
                self.scaled_and_shifted(y, &statistics)
            }
            Layer::LayerNorm { shape: affine, epsilon, .. } => {
                let axes: Vec<usize> = (shape.len() - affine.len()..shape.len()).collect();
                let y = self.normalised(x, &axes, *epsilon);
                self.scaled_and_shifted(y, affine)
            }
            Layer::Activation(function) => {
                let operation = match function {
                    Function::Elu => Operation::Elu { alpha: 1.0 },
                    Function::Tanh => Operation::Tanh,
                    Function::Softplus => Operation::Softplus,
                    Function::Sigmoid => Operation::Sigmoid,
                    Function::Gelu => Operation::Gelu,
                    Function::Relu => Operation::Relu,
                };
                self.push(operation, &[x])
            }
            Layer::MaxPool2d { kernel, stride, padding } => {
                let (window, steps) = (kernel.to_vec(), window(stride, padding));
                self.push(Operation::MaxPool { window, steps }, &[x])
            }
            Layer::AvgPool2d { kernel, stride, padding } => {
                let (window, steps) = (kernel.to_vec(), window(stride, padding));
                self.push(Operation::AvgPool { window, steps, count_padding: true }, &[x])
            }
            Layer::GlobalAvgPool => self.mean(x, &[2, 3], false),
            Layer::Flatten => self.reshape(x, &[shape[0], shape[1..].iter().product()]),
            Layer::Residual { body, shortcut } => {
                let y = self.layers(body, x);
                let beside = self.layers(shortcut, x);
                self.push(Operation::Add, &[y, beside])
            }
            Layer::Embedding { .. } => {
                let table = self.parameter();
                self.push(Operation::Take { axis: 0 }, &[table, x])
            }
            Layer::Position { .. } => {
                let table = self.parameter();
                self.push(Operation::Add, &[x, table])
            }
            Layer::Attention { name, width, heads, causal } => {
                let mask = causal.then_some(name.as_str());
                self.attention(x, *width, *heads, mask)
            }
            Layer::ClassToken { width, .. } => {
                let token = self.parameter();
                let token = self.reshape(token, &[1, 1, *width]);
                let token =
                    self.push(Operation::Expand { shape: vec![shape[0], 1, *width] }, &[token]);
                self.push(Operation::Concatenate { axis: 1 }, &[token, x])
            }
            Layer::FirstToken => {
                let (n, width) = (shape[0], shape[2]);
                let (starts, stops) = (vec![0; 3], vec![n as i64, 1, width as i64]);
                let first = self.push(Operation::Slice { starts, stops, steps: vec![1; 3] }, &[x]);
                self.reshape(first, &[n, width])
            }
            Layer::Tokens => {
                let rows = self.reshape(x, &[shape[0], shape[1], shape[2] * shape[3]]);
                self.push(Operation::Permute { axes: vec![0, 2, 1] }, &[rows])
            }
            Layer::Transpose => self.push(Operation::Permute { axes: vec![0, 2, 1] }, &[x]),
            Layer::MeanTokens => self.mean(x, &[1], false),
        }
    }

    fn linear(&mut self, x: usize, bias: bool) -> usize {
        let weight = self.parameter();
        let shape = self.shape(x).to_vec();
        let (last, leading) = shape.split_last().expect("an axis");
        let rows = self.reshape(x, &[leading.iter().product(), *last]);
        let mut y = self.push(Operation::Matmul { transpose: [false, true] }, &[rows, weight]);
        if bias {
            let bias = self.parameter();
            y = self.push(Operation::Add, &[y, bias]);
        }
        let outputs = self.shape(y)[1];
        self.reshape(y, &[leading, &[outputs]].concat())
    }

    fn scaled_and_shifted(&mut self, y: usize, shape: &[usize]) -> usize {
        let weight = self.parameter();
        let weight = self.reshape(weight, shape);
        let y = self.push(Operation::Multiply, &[y, weight]);
        let bias = self.parameter();
        let bias = self.reshape(bias, shape);
        self.push(Operation::Add, &[y, bias])
    }

    fn normalised(&mut self, x: usize, axes: &[usize], epsilon: f64) -> usize {
        let mean = self.mean(x, axes, true);
        let centred = self.push(Operation::Subtract, &[x, mean]);
        let square = self.push(Operation::Square, &[centred]);
        let variance = self.mean(square, axes, true);
        let variance = self.push(Operation::Offset { term: epsilon }, &[variance]);
        let inverse = self.push(Operation::Rsqrt, &[variance]);
        self.push(Operation::Multiply, &[centred, inverse])
    }

    /// With fixed means and variances, 0 and 1 where there are none.
    fn standardised(
        &mut self,
        x: usize,
        name: &str,
        shape: &[usize],
        statistics: Option<&RunningStatistics>,
        epsilon: f64,
    ) -> usize {
        let inverse = |variance: f64| (variance + epsilon).sqrt().recip();
        let Some(RunningStatistics { mean, variance }) = statistics else {
            return self.push(Operation::Scale { factor: inverse(1.0) }, &[x]);
        };
        let mean = self.constant(&format!("{name}.running_mean"), shape, mean.clone());
        let centred = self.push(Operation::Subtract, &[x, mean]);
        let inverses = variance.iter().map(|variance| inverse(*variance)).collect();
        let inverses = self.constant(&format!("{name}.inverse_deviation"), shape, inverses);
        self.push(Operation::Multiply, &[centred, inverses])
    }

    /// A causal one has a mask, a constant that is named after the layer.
    fn attention(&mut self, x: usize, width: usize, heads: usize, causal: Option<&str>) -> usize {
        let [n, length] = [self.shape(x)[0], self.shape(x)[1]];
        let size = width / heads;
        let projected = self.linear(x, true);
        let [query, key, value] = [0, 1, 2].map(|part| {
            let start = (part * width) as i64;
            let part = self.push(
                Operation::Slice {
                    starts: vec![0, 0, start],
                    stops: vec![n as i64, length as i64, start + width as i64],
                    steps: vec![1; 3],
                },
                &[projected],
            );
            let part = self.reshape(part, &[n, length, heads, size]);
            self.push(Operation::Permute { axes: vec![0, 2, 1, 3] }, &[part])
        });
        let scores = self.push(Operation::Matmul { transpose: [false, true] }, &[query, key]);
        let factor = 1.0 / (size as f64).sqrt();
        let scores = self.push(Operation::Scale { factor }, &[scores]);
        let scores = match causal {
            None => scores,
            Some(layer) => {
                // Ones for what is later, as tensors of a folder are finite.
                let later = later(length).into_iter().map(|x| if x == 0.0 { 0.0 } else { 1.0 });
                let mask = format!("{layer}.later");
                let mask = self.constant(&mask, &[length, length], later.collect());
                let never = self.push(Operation::Scalar { value: f64::NEG_INFINITY }, &[]);
                self.push(Operation::Where, &[mask, never, scores])
            }
        };
        let weights = self.push(Operation::Softmax { axis: 3 }, &[scores]);
        let mixed = self.push(Operation::Matmul { transpose: [false, false] }, &[weights, value]);
        let mixed = self.push(Operation::Permute { axes: vec![0, 2, 1, 3] }, &[mixed]);
        let joined = self.reshape(mixed, &[n, length, width]);
        self.linear(joined, true)
    }
}

fn window(stride: &[usize; 2], padding: &[usize; 2]) -> Window {
    let padding = padding.map(|padding| [padding as i64; 2]).to_vec();
    Window { stride: stride.to_vec(), padding, dilation: vec![1, 1] }
}
