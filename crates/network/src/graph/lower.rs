//! Layers as a graph: what each does, written in operations of graphs.

use super::operation::{Axes, Operation};
use super::tangent::NoTangent;
use super::{Constant, Graph, Node, operation, shape};
use crate::architecture;
use crate::architecture::{
    Architecture, BatchNormMode, Layer, Layout, Parameter, RunningStatistics,
};
use crate::architecture::{formula_inputs, weight};
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

/// The constants of layers that are data, along whose first axes examples lie.
pub(crate) const INPUTS: &str = "inputs";
pub(crate) const TARGETS: &str = "targets";

impl Graph {
    /// The mean loss of an architecture over so many examples without its penalty, with so many targets for each row of outputs.
    /// Inputs and targets are zeros.
    pub(crate) fn of_layers(architecture: &Architecture, [count, targets]: [usize; 2]) -> Graph {
        let mut lowering = Lowering::new(&architecture.parameters);
        let loss = lowering.network(architecture, count, targets);
        lowering.finish(&architecture.layout, loss.expect("checked with the architecture"))
    }

    /// Whether the loss of an architecture has all derivatives that it takes.
    ///
    /// # Errors
    /// The operation that has none, or too many operations.
    pub(crate) fn check_tangents(architecture: &Architecture) -> Result<bool, NoTangent> {
        let mut lowering = Lowering::new(&architecture.parameters);
        let loss = lowering.network(architecture, 1, architecture.width())?;
        Ok(lowering.nodes[loss].varies)
    }

    /// The penalty of an architecture, if it has one.
    pub(crate) fn of_penalty(architecture: &Architecture) -> Option<Graph> {
        let mut lowering = Lowering::new(&architecture.parameters);
        for Parameter { name, shape, .. } in &architecture.parameters {
            lowering.node(Operation::Parameter { name: name.clone() }, &[], shape.clone());
        }
        let penalty = lowering.penalty(architecture.l2)?;
        Some(lowering.finish(&architecture.layout, penalty))
    }

    /// The loss of an architecture with its penalty on examples, from the parameters `theta`.
    pub(crate) fn of_network(
        architecture: &Architecture,
        count: usize,
        [inputs, targets]: [Vec<f64>; 2],
        theta: &[f64],
    ) -> Graph {
        let each = targets.len() / (count * architecture.tokens());
        let of = |count: usize| {
            let mut lowering = Lowering::new(&architecture.parameters);
            let loss = lowering.network(architecture, count, each);
            let loss = loss.expect("checked with the architecture");
            let loss = match lowering.penalty(architecture.l2) {
                None => loss,
                Some(penalty) => lowering.push(Operation::Add, &[loss, penalty]),
            };
            lowering.finish(&architecture.layout, loss)
        };
        let mut graph = of(count).with_parameters(theta);
        for (name, values) in [(INPUTS, inputs), (TARGETS, targets)] {
            if let Some(constant) = graph.constants.get_mut(name) {
                constant.values = Arc::new(values);
            }
        }
        // Of one example nothing tells how another number of them differs.
        if count == 1 {
            return graph;
        }
        graph.following(count, (count - 1, &of(count - 1)), &[INPUTS, TARGETS])
    }
}

pub(super) struct Lowering<'a> {
    pub(super) nodes: Vec<Node>,
    pub(super) constants: BTreeMap<String, Constant>,
    /// Those of the architecture.
    pub(super) parameters: &'a [Parameter],
    /// The nodes of those that have one.
    pub(super) made: HashMap<&'a str, usize>,
    /// What layers have kept under their names; the input has none.
    pub(super) kept: HashMap<Option<String>, usize>,
    /// The derivatives of nodes by inputs, `None` where they vanish.
    pub(super) tangents: HashMap<(usize, usize), Option<usize>>,
    /// What the loss is taken of.
    pub(super) ends: Vec<usize>,
    /// How many inputs a formula knows.
    pub(super) features: Option<usize>,
}

impl<'a> Lowering<'a> {
    /// Nothing yet, of an architecture with these parameters.
    pub(super) fn new(parameters: &'a [Parameter]) -> Self {
        Lowering {
            nodes: Vec::new(),
            constants: BTreeMap::new(),
            parameters,
            made: HashMap::new(),
            kept: HashMap::new(),
            tangents: HashMap::new(),
            ends: Vec::new(),
            features: None,
        }
    }

    /// The graph that ends in a node.
    fn finish(mut self, layout: &Layout, loss: usize) -> Graph {
        let mut needed = vec![false; self.nodes.len()];
        self.ends.iter().chain([&loss]).for_each(|&end| needed[end] = true);
        for (index, node) in self.nodes.iter_mut().enumerate().rev() {
            // What is measured beside the loss, as accuracy, is of all data.
            let is_data = matches!(&node.operation, Operation::Constant { name, .. } if [INPUTS, TARGETS].contains(&name.as_str()));
            node.needed = needed[index] || is_data;
            if node.needed {
                node.args.iter().for_each(|&arg| needed[arg] = true);
            }
        }
        Graph {
            file: PathBuf::from(&layout.name),
            producer: concat!("bea ", env!("CARGO_PKG_VERSION")).into(),
            layout: Arc::new(layout.clone()),
            initial: Arc::default(),
            constants: self.constants,
            nodes: Arc::new(self.nodes),
            loss,
            ends: self.ends,
            examples: None,
        }
    }

    /// The mean loss of so many examples, of outputs `[n, width]`, of every token a row.
    fn network(
        &mut self,
        architecture: &Architecture,
        count: usize,
        targets: usize,
    ) -> Result<usize, NoTangent> {
        let shape = [&[count], architecture.input.as_slice()].concat();
        let input = self.constant(INPUTS, &shape, Vec::new());
        self.kept.insert(None, input);
        let outputs = self.layers(&architecture.layers, input);
        let rows = count * architecture.tokens();
        let outputs = self.reshape(outputs, &[rows, architecture.width()]);
        let targets = self.constant(TARGETS, &[rows, targets], Vec::new());
        self.features = formula_inputs(&architecture.input, &architecture.outputs);
        self.criterion(&architecture.criterion, outputs, targets)
    }

    pub(super) fn node(
        &mut self,
        operation: Operation,
        args: &[usize],
        shape: Vec<usize>,
    ) -> usize {
        let varies = matches!(operation, Operation::Parameter { .. })
            || args.iter().any(|arg| self.nodes[*arg].varies);
        let (args, needed) = (args.to_vec(), false);
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

    /// A constant, under this name or, where another one has it, with a number behind it.
    pub(super) fn constant(&mut self, name: &str, shape: &[usize], values: Vec<f64>) -> usize {
        let (shape, values) = (shape.to_vec(), Arc::new(values));
        let other = |known: Option<&Constant>| {
            known.is_some_and(|known| known.shape != shape || known.values != values)
        };
        let mut names = (2..).map(|number| format!("{name}.{number}"));
        let mut name = name.to_string();
        while other(self.constants.get(&name)) {
            name = names.next().expect("endless");
        }
        self.constants.insert(name.clone(), Constant { shape: shape.clone(), values });
        self.node(Operation::Constant { name }, &[], shape)
    }

    /// The parameter `own` of the layer with the prefix `layer`, of which all who use it take one node.
    pub(super) fn parameter(&mut self, layer: &str, own: &str) -> usize {
        let all = self.parameters;
        let named = |parameter: &&Parameter| {
            let rest = parameter.name.strip_prefix(layer);
            match own {
                "" => rest == Some(""),
                own => rest.and_then(|rest| rest.strip_prefix('.')) == Some(own),
            }
        };
        let parameter = all.iter().find(named).expect("the parameters are those of the layers");
        if let Some(node) = self.made.get(parameter.name.as_str()) {
            return *node;
        }
        let name = parameter.name.clone();
        let node = self.node(Operation::Parameter { name }, &[], parameter.shape.clone());
        self.made.insert(&parameter.name, node);
        node
    }

    pub(super) fn reshape(&mut self, x: usize, shape: &[usize]) -> usize {
        if self.shape(x) == shape {
            return x;
        }
        self.push(Operation::Reshape { shape: shape.to_vec() }, &[x])
    }

    pub(super) fn mean(&mut self, x: usize, axes: &[usize], keep: bool) -> usize {
        self.push(Operation::Mean(Axes { axes: axes.to_vec(), keep }), &[x])
    }

    pub(super) fn layers(&mut self, layers: &[Layer], x: usize) -> usize {
        layers.iter().fold(x, |x, layer| self.layer(layer, x))
    }

    fn layer(&mut self, layer: &Layer, x: usize) -> usize {
        let shape = self.shape(x).to_vec();
        match layer {
            Layer::Linear { name, bias, .. } => {
                let bias = bias.then_some("bias");
                self.linear(x, name, "weight", bias)
            }
            Layer::Convolution { name, window, groups, transposed, bias, .. } => {
                let weight = self.parameter(name, "weight");
                let y = self.convolution(x, weight, window, *groups, transposed.as_deref());
                if !bias {
                    return y;
                }
                let bias = self.parameter(name, "bias");
                let bias = self.reshape(bias, &along_channels(&shape, self.shape(bias)[0])[1..]);
                self.push(Operation::Add, &[y, bias])
            }
            Layer::BatchNorm { name, epsilon, mode, .. } => {
                let statistics = along_channels(&shape, shape[1]);
                let y = match mode {
                    BatchNormMode::Batch => {
                        let axes: Vec<usize> = (0..shape.len()).filter(|axis| *axis != 1).collect();
                        self.normalised(x, &axes, *epsilon)
                    }
                    BatchNormMode::Running(running) => {
                        self.standardised(x, name, &statistics, running.as_ref(), *epsilon)
                    }
                };
                self.scaled_and_shifted(y, name, &statistics)
            }
            Layer::LayerNorm { name, shape: affine, epsilon, affine: learned } => {
                let axes: Vec<usize> = (shape.len() - affine.len()..shape.len()).collect();
                let y = self.normalised(x, &axes, *epsilon);
                if *learned { self.scaled_and_shifted(y, name, affine) } else { y }
            }
            Layer::RmsNorm { name, shape: affine, epsilon } => {
                let axes: Vec<usize> = (shape.len() - affine.len()..shape.len()).collect();
                let y = self.divided_by_root(x, x, &axes, *epsilon);
                let weight = self.parameter(name, "weight");
                self.push(Operation::Multiply, &[y, weight])
            }
            Layer::GroupNorm { name, channels, groups, epsilon, affine } => {
                let size = shape[1..].iter().product::<usize>() / groups;
                let grouped = self.reshape(x, &[shape[0], *groups, size]);
                let y = self.normalised(grouped, &[2], *epsilon);
                let y = self.reshape(y, &shape);
                let along = along_channels(&shape, *channels);
                if *affine { self.scaled_and_shifted(y, name, &along) } else { y }
            }
            Layer::Activation(activation) => self.activation(*activation, x),
            Layer::Scale { factor } => self.push(Operation::Scale { factor: *factor }, &[x]),
            Layer::MaxPool(window) => {
                let (steps, window) = (steps(window), window.kernel.clone());
                self.push(Operation::MaxPool { window, steps }, &[x])
            }
            Layer::AvgPool(window) => {
                let (steps, window) = (steps(window), window.kernel.clone());
                self.push(Operation::AvgPool { window, steps, count_padding: true }, &[x])
            }
            Layer::GlobalAvgPool => self.mean(x, &(2..shape.len()).collect::<Vec<_>>(), false),
            Layer::GlobalMaxPool => {
                let axes = (2..shape.len()).collect();
                self.push(Operation::Max(Axes { axes, keep: false }), &[x])
            }
            Layer::Upsample { factor } => self.upsampled(x, *factor),
            Layer::Reshape { shape: wanted } => {
                self.reshape(x, &[&shape[..1], wanted.as_slice()].concat())
            }
            Layer::Permute { axes } => {
                let axes = [0].into_iter().chain(axes.iter().map(|axis| axis + 1)).collect();
                self.push(Operation::Permute { axes }, &[x])
            }
            Layer::Slice { axis, start, stop } => self.slice(x, axis + 1, *start, *stop),
            Layer::Keep { name } => {
                self.kept.insert(Some(name.clone()), x);
                x
            }
            Layer::Recall { name } => self.kept[name],
            Layer::Join { how, names } => self.joined(*how, names),
            Layer::Shared { layer, .. } => self.layer(layer, x),
            Layer::Repeat { body, times } => (0..*times).fold(x, |x, _| self.layers(body, x)),
            Layer::Flatten => self.reshape(x, &[shape[0], shape[1..].iter().product()]),
            Layer::Residual { body, shortcut } => {
                let y = self.layers(body, x);
                let beside = self.layers(shortcut, x);
                self.push(Operation::Add, &[y, beside])
            }
            Layer::Embedding { name, .. } => {
                let table = self.parameter(name, "weight");
                self.push(Operation::Take { axis: 0 }, &[table, x])
            }
            Layer::Position { name, bare, .. } => {
                let table = self.parameter(name, weight(*bare));
                self.push(Operation::Add, &[x, table])
            }
            Layer::Sinusoids => self.sinusoids(x),
            Layer::Attention { name, heads, causal, rotary, .. } => {
                self.attention(x, name, *heads, *causal, *rotary)
            }
            Layer::Recurrent { name, cell, hidden, .. } => self.recurrent(x, name, *cell, *hidden),
            Layer::ClassToken { name, bare, width } => {
                let token = self.parameter(name, weight(*bare));
                let token = self.reshape(token, &[1, 1, *width]);
                let token =
                    self.push(Operation::Expand { shape: vec![shape[0], 1, *width] }, &[token]);
                self.push(Operation::Concatenate { axis: 1 }, &[token, x])
            }
            Layer::FirstToken => self.place(x, 1, 0),
            Layer::LastToken => self.place(x, 1, shape[1] - 1),
            Layer::Tokens => {
                let rows = self.reshape(x, &[shape[0], shape[1], shape[2] * shape[3]]);
                self.push(Operation::Permute { axes: vec![0, 2, 1] }, &[rows])
            }
            Layer::Transpose => self.push(Operation::Permute { axes: vec![0, 2, 1] }, &[x]),
            Layer::MeanTokens => self.mean(x, &[1], false),
        }
    }

    /// `x Wᵀ + b` on the last axis, with parameters of a layer.
    pub(super) fn linear(
        &mut self,
        x: usize,
        layer: &str,
        weight: &str,
        bias: Option<&str>,
    ) -> usize {
        let weight = self.parameter(layer, weight);
        let shape = self.shape(x).to_vec();
        let (last, leading) = shape.split_last().expect("an axis");
        let rows = self.reshape(x, &[leading.iter().product(), *last]);
        let mut y = self.push(Operation::Matmul { transpose: [false, true] }, &[rows, weight]);
        if let Some(bias) = bias {
            let bias = self.parameter(layer, bias);
            y = self.push(Operation::Add, &[y, bias]);
        }
        let outputs = self.shape(y)[1];
        self.reshape(y, &[leading, &[outputs]].concat())
    }

    fn scaled_and_shifted(&mut self, y: usize, layer: &str, shape: &[usize]) -> usize {
        let weight = self.parameter(layer, "weight");
        let weight = self.reshape(weight, shape);
        let y = self.push(Operation::Multiply, &[y, weight]);
        let bias = self.parameter(layer, "bias");
        let bias = self.reshape(bias, shape);
        self.push(Operation::Add, &[y, bias])
    }

    fn normalised(&mut self, x: usize, axes: &[usize], epsilon: f64) -> usize {
        let mean = self.mean(x, axes, true);
        let centred = self.push(Operation::Subtract, &[x, mean]);
        self.divided_by_root(centred, centred, axes, epsilon)
    }

    /// `y/√(mean of x² + ε)`.
    fn divided_by_root(&mut self, y: usize, x: usize, axes: &[usize], epsilon: f64) -> usize {
        let square = self.push(Operation::Square, &[x]);
        let mean = self.mean(square, axes, true);
        let mean = self.push(Operation::Offset { term: epsilon }, &[mean]);
        let inverse = self.push(Operation::Rsqrt, &[mean]);
        self.push(Operation::Multiply, &[y, inverse])
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
}

/// A shape that broadcasts a number for each channel to `shape`.
fn along_channels(shape: &[usize], channels: usize) -> Vec<usize> {
    let mut along = vec![1; shape.len()];
    along[1] = channels;
    along
}

/// How a window of an architecture moves.
pub(super) fn steps(window: &architecture::Window) -> operation::Window {
    let padding = window.padding.iter().map(|padding| [*padding as i64; 2]).collect();
    let (stride, dilation) = (window.stride.clone(), window.dilation.clone());
    operation::Window { stride, padding, dilation }
}
