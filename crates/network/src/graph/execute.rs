//! The evaluation of a graph on a tape: each operation by those of the tape, over any algebra.

use std::sync::{Arc, OnceLock};

use super::operation::{Operation, Window};
use super::view::View;
use super::{Graph, GraphError, Node, constant, shape};
use crate::algebra::Algebra;
use crate::architecture::Dtype;
use crate::array::{Array, Context, Place, Positions};
use crate::device::Device;
use crate::function::{Elementary, Function};
use crate::host::window::Window as Window2d;
use crate::memory;
use crate::series::Ring;
use crate::tape::{Tape, Variable};

/// A graph with what does not depend on its parameters evaluated.
#[derive(Debug)]
pub(crate) struct Plan {
    graph: Arc<Graph>,
    context: Context,
    /// The values of nodes that do not depend on a parameter and that others need.
    fixed: Vec<Option<Array>>,
    /// The entries of those that are indices.
    indices: Vec<Option<Vec<f64>>>,
    /// The positions that each node picks, made by the first evaluation.
    positions: Vec<OnceLock<Vec<Positions>>>,
    /// After which node each is not needed any more.
    last_use: Vec<usize>,
}

impl Plan {
    /// Evaluates what is fixed, in binary64 on the host.
    pub fn new(graph: Graph, device: &Device) -> Result<Plan, GraphError> {
        device.check(graph.layout.dtype)?;
        let entries = graph.memory();
        if !memory::available(entries.saturating_mul(8)) {
            return Err(GraphError::Memory { graph: graph.layout.name.clone(), entries });
        }
        let context = device.context(graph.layout.dtype);
        let host = Context { place: Place::Host, dtype: Dtype::F64 };
        let mut last_use = vec![0; graph.nodes.len()];
        for (index, node) in graph.nodes.iter().enumerate().filter(|(_, node)| node.needed) {
            node.args.iter().for_each(|&arg| last_use[arg] = index);
        }
        let mut plan = Plan {
            positions: graph.nodes.iter().map(|_| OnceLock::new()).collect(),
            fixed: vec![None; graph.nodes.len()],
            indices: vec![None; graph.nodes.len()],
            graph: Arc::new(graph),
            context: host.clone(),
            last_use,
        };
        let (fixed, indices) = plan.evaluate_fixed(&host)?;
        let upload = |array: Array| match plan.context.dtype == context.dtype && context.is_host() {
            true => array,
            false => context.array(array.to_f64(), array.shape()),
        };
        plan.fixed = device.guard(|| fixed.into_iter().map(|array| array.map(upload)).collect())?;
        plan.indices = indices;
        plan.context = context;
        plan.positions = plan.graph.nodes.iter().map(|_| OnceLock::new()).collect();
        Ok(plan)
    }

    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The values of the nodes that depend on no parameter but are arguments of one that does; and those of indices.
    #[expect(clippy::type_complexity, reason = "two lists beside one another")]
    fn evaluate_fixed(
        &self,
        host: &Context,
    ) -> Result<(Vec<Option<Array>>, Vec<Option<Vec<f64>>>), GraphError> {
        let graph = &self.graph;
        let algebra = Algebra::real();
        let ring = Ring::new(&algebra, host);
        let tape = Tape::new(&ring, vec![false]);
        let mut values: Vec<Option<Variable>> = vec![None; graph.nodes.len()];
        let mut indices = vec![None; graph.nodes.len()];
        let mut wanted = vec![false; graph.nodes.len()];
        for (index, node) in graph.nodes.iter().enumerate().filter(|(_, node)| node.needed) {
            if let (Some(axis), Some(&at)) = (node.operation.indexes(), node.args.get(1))
                && !graph.nodes[at].varies
            {
                let rows = graph.nodes[node.args[0]].shape[axis];
                let entries = entries(values[at].as_ref().expect("evaluated before"));
                if let Some(wrong) = entries.iter().find(|at| index_of(**at, rows).is_none()) {
                    return Err(GraphError::Node {
                        file: graph.file.clone(),
                        node: index,
                        operation: node.operation.name(),
                        at: node.at.clone(),
                        cause: format!(
                            "there is an index {wrong}, but the axis has {rows} entries"
                        ),
                        help: Some(format!("indices are whole numbers from 0 to {}", rows - 1)),
                    });
                }
                indices[index] = Some(entries);
            }
            if node.varies {
                node.args.iter().for_each(|&arg| wanted[arg] |= !graph.nodes[arg].varies);
                continue;
            }
            let value = match &node.operation {
                Operation::Constant { name } => {
                    let constant = &graph.constants[name];
                    let values = match constant.values.is_empty() {
                        true => vec![0.0; constant.shape.iter().product()],
                        false => constant.values.clone(),
                    };
                    tape.constant(ring.constant(host.array(values, &constant.shape)))
                }
                _ => {
                    let args: Vec<Variable> = node
                        .args
                        .iter()
                        .map(|&arg| values[arg].clone().expect("evaluated before"))
                        .collect();
                    self.value(&tape, index, node, &args, indices[index].as_deref())
                }
            };
            values[index] = Some(value);
        }
        let kept = values.into_iter().zip(wanted);
        let base = |value: Variable| value.value.base().clone();
        let fixed = kept.map(|(value, wanted)| value.filter(|_| wanted).map(base)).collect();
        for (node, indices) in graph.nodes.iter().zip(&mut indices) {
            if !node.varies {
                *indices = None;
            }
        }
        Ok((fixed, indices))
    }

    /// The loss, of one entry, with a variable for each parameter.
    pub fn loss(&self, tape: &Tape<'_>, parameters: Vec<Variable>) -> Variable {
        let graph = &self.graph;
        let places = graph.layout.parameters.iter().map(|parameter| parameter.name.as_str());
        let place: std::collections::HashMap<&str, usize> = places.zip(0..).collect();
        let mut values: Vec<Option<Variable>> = vec![None; graph.nodes.len()];
        for (index, node) in graph.nodes.iter().enumerate().take(graph.loss + 1) {
            if !node.needed || !node.varies {
                continue;
            }
            let value = if let Operation::Parameter { name } = &node.operation {
                parameters[place[name.as_str()]].clone()
            } else {
                let arg = |&arg: &usize| match &self.fixed[arg] {
                    Some(fixed) => tape.constant(tape.ring.constant(fixed.clone())),
                    None => values[arg].clone().expect("evaluated before"),
                };
                let args: Vec<Variable> = node.args.iter().map(arg).collect();
                for &arg in &node.args {
                    if self.last_use[arg] == index {
                        values[arg] = None;
                    }
                }
                self.value(tape, index, node, &args, self.indices[index].as_deref())
            };
            debug_assert_eq!(value.shape(), node.shape, "{:?}", node.operation);
            values[index] = Some(value);
        }
        values[graph.loss].take().expect("the loss is evaluated")
    }

    /// The value of a node; `indices` where they are fixed.
    fn value(
        &self,
        tape: &Tape<'_>,
        index: usize,
        node: &Node,
        args: &[Variable],
        indices: Option<&[f64]>,
    ) -> Variable {
        let at = At { plan: self, tape, index, shape: &node.shape };
        at.value(&node.operation, args, indices)
    }
}

/// The real base of a value on the host.
fn entries(x: &Variable) -> Vec<f64> {
    x.value.base().to_f64()
}

/// A whole number from 0 to `rows - 1`.
fn index_of(at: f64, rows: usize) -> Option<usize> {
    (at >= 0.0 && at.fract() == 0.0 && at < rows as f64).then_some(at as usize)
}

impl Operation {
    /// The axis of the first argument in which the second argument is an index.
    fn indexes(&self) -> Option<usize> {
        match self {
            Operation::Gather { axis }
            | Operation::Take { axis }
            | Operation::ScatterAdd { axis } => Some(*axis),
            _ => None,
        }
    }

    /// Functions of one argument, entry by entry, that are not put together from others.
    fn elementary(&self) -> Option<Elementary> {
        use Elementary as E;
        Some(match self {
            Operation::Abs => E::Abs,
            Operation::Exp => E::Exp,
            Operation::Expm1 => E::Expm1,
            Operation::Log => E::Log,
            Operation::Log1p => E::Log1p,
            Operation::Sqrt => E::Sqrt,
            Operation::Rsqrt => E::InverseSqrt,
            Operation::Reciprocal => E::Reciprocal,
            Operation::Sin => E::Sin,
            Operation::Cos => E::Cos,
            Operation::Tan => E::Tan,
            Operation::Atan => E::Atan,
            Operation::Erf => E::Erf,
            Operation::Erfc => E::Erfc,
            Operation::NormalCdf => E::NormalDistribution,
            Operation::Tanh => E::Activation(Function::Tanh),
            Operation::Sigmoid => E::Activation(Function::Sigmoid),
            Operation::Softplus => E::Activation(Function::Softplus),
            Operation::Gelu => E::Activation(Function::Gelu),
            Operation::Relu => E::Activation(Function::Relu),
            Operation::Elu { alpha } => E::Elu(*alpha),
            Operation::LeakyRelu { slope } => E::LeakyRelu(*slope),
            Operation::IntegerPower { exponent } => E::IntegerPower(*exponent),
            Operation::RealPower { exponent } => power(*exponent),
            _ => return None,
        })
    }
}

/// `x^p`, of negative `x` too where `p` is a whole number.
fn power(exponent: f64) -> Elementary {
    match exponent as i32 {
        n if f64::from(n) == exponent => Elementary::IntegerPower(n),
        _ => Elementary::Power(exponent),
    }
}

/// One node being evaluated.
struct At<'p, 't, 'a> {
    plan: &'p Plan,
    tape: &'t Tape<'a>,
    index: usize,
    shape: &'p [usize],
}

impl At<'_, '_, '_> {
    fn value(&self, operation: &Operation, args: &[Variable], indices: Option<&[f64]>) -> Variable {
        use Operation as O;
        let tape = self.tape;
        if let Some(function) = operation.elementary() {
            return tape.apply(function, &args[0]);
        }
        match operation {
            O::Parameter { .. } | O::Constant { .. } => unreachable!("has a value"),
            O::Scalar { value } => self.constant(vec![*value]),
            O::Iota { shape, axis } => {
                let inner: usize = shape[axis + 1..].iter().product();
                let count = shape.iter().product();
                self.constant((0..count).map(|at| (at / inner % shape[*axis]) as f64).collect())
            }
            O::Add => self.pairwise(args, |x, y| tape.add(x, y)),
            O::Subtract => self.pairwise(args, |x, y| tape.add(x, &tape.scale(y, -1.0))),
            O::Multiply => self.pairwise(args, |x, y| tape.multiply(x, y)),
            O::Divide => {
                self.pairwise(args, |x, y| tape.multiply(x, &tape.apply(Elementary::Reciprocal, y)))
            }
            O::Maximum => self.extremum(args, |x, y| x > y),
            O::Minimum => self.extremum(args, |x, y| x < y),
            O::Power => self.power(args),
            O::Scale { factor } => tape.scale(&args[0], *factor),
            O::Offset { term } => tape.offset(&args[0], *term),
            O::Neg => tape.scale(&args[0], -1.0),
            O::Square => tape.multiply(&args[0], &args[0]),
            O::LogSigmoid => {
                let softplus = Elementary::Activation(Function::Softplus);
                tape.scale(&tape.apply(softplus, &tape.scale(&args[0], -1.0)), -1.0)
            }
            O::GeluTanh => self.gelu_tanh(&args[0]),
            O::Silu => tape.multiply(
                &args[0],
                &tape.apply(Elementary::Activation(Function::Sigmoid), &args[0]),
            ),
            O::Mish => {
                let softplus = tape.apply(Elementary::Activation(Function::Softplus), &args[0]);
                tape.multiply(
                    &args[0],
                    &tape.apply(Elementary::Activation(Function::Tanh), &softplus),
                )
            }
            O::Hardsigmoid => self.hardsigmoid(&args[0]),
            O::Hardswish => tape.multiply(&args[0], &self.hardsigmoid(&args[0])),
            O::Clamp { min, max } => self.clamp(&args[0], *min, *max),
            O::Round | O::Floor | O::Ceil | O::Trunc | O::Sign | O::Not => {
                self.constant(constant::rounded(operation, &entries(&args[0])))
            }
            O::Equal
            | O::NotEqual
            | O::Less
            | O::LessEqual
            | O::Greater
            | O::GreaterEqual
            | O::And
            | O::Or => {
                let [x, y] = [&args[0], &args[1]].map(|x| entries(&self.expanded(x, self.shape)));
                self.constant(constant::compared(operation, &x, &y))
            }
            O::Where => {
                let mask = entries(&self.expanded(&args[0], self.shape));
                let mask: Vec<bool> = mask.into_iter().map(|x| x != 0.0).collect();
                self.choose(&args[1], &args[2], &mask)
            }
            O::StopGradient => tape.stopped(&args[0]),
            O::Matmul { transpose } => self.matmul(&args[0], &args[1], *transpose),
            O::Convolution { window, groups } => {
                self.convolution(&args[0], &args[1], window, *groups)
            }
            O::ConvolutionTranspose { window, groups, output_padding } => {
                self.convolution_transpose(&args[0], &args[1], window, *groups, output_padding)
            }
            O::MaxPool { window, steps } => self.max_pool(&args[0], window, steps),
            O::AvgPool { window, steps, count_padding } => {
                self.avg_pool(&args[0], window, steps, *count_padding)
            }
            O::Reshape { shape } => tape.reshape(&args[0], shape),
            O::Expand { shape } => self.expanded(&args[0], shape),
            O::Permute { axes } => self.pick(&args[0], |view| view.permute(axes)),
            O::Flip { axes } => self.pick(&args[0], |view| view.flip(axes)),
            O::Slice { starts, stops, steps } => {
                let ranges = shape::ranges(args[0].shape(), starts, stops, steps);
                let ranges = ranges.expect("checked as the graph was read");
                self.pick(&args[0], |view| view.slice(&ranges))
            }
            O::Pad { padding, value } => self.pad(&args[0], padding, *value),
            O::Concatenate { axis } => self.concatenate(args, *axis),
            O::Gather { .. } | O::Take { .. } | O::ScatterAdd { .. } => {
                self.indexed(operation, args, indices)
            }
            O::Sum(axes) => self.reduced(&self.sum(&args[0], &axes.axes)),
            O::Mean(axes) => {
                let sum = self.sum(&args[0], &axes.axes);
                let share = length(sum.shape()) as f64 / length(args[0].shape()) as f64;
                self.reduced(&tape.scale(&sum, share))
            }
            O::Max(axes) => self.reduced(&self.largest(&args[0], &axes.axes)),
            O::Min(axes) => {
                let largest = self.largest(&tape.scale(&args[0], -1.0), &axes.axes);
                self.reduced(&tape.scale(&largest, -1.0))
            }
            O::Product(axes) => self.product(&args[0], &axes.axes),
            O::CumulativeSum { axis, reverse } => self.cumulative_sum(&args[0], *axis, *reverse),
            O::Softmax { axis } => tape.softmax(&args[0], &kept(&args[0], &[*axis])),
            O::LogSoftmax { axis } => {
                let (log, shifted, _) = tape.log_sum_exp(&args[0], &kept(&args[0], &[*axis]));
                tape.add(&shifted, &tape.scale(&log, -1.0))
            }
            O::LogSumExp(axes) => {
                let (log, _, largest) = tape.log_sum_exp(&args[0], &kept(&args[0], &axes.axes));
                self.reduced(&tape.add(&log, &largest))
            }
            O::Argmax(axis) => {
                self.constant(constant::argmax(&entries(&args[0]), args[0].shape(), axis.axis))
            }
            O::Argmin(axis) => {
                let x: Vec<f64> = entries(&args[0]).into_iter().map(|x| -x).collect();
                self.constant(constant::argmax(&x, args[0].shape(), axis.axis))
            }
            O::Argsort { axis, descending } => self.constant(constant::argsort(
                &entries(&args[0]),
                args[0].shape(),
                *axis,
                *descending,
            )),
            elementary => unreachable!("{elementary:?} is elementary"),
        }
    }

    /// A constant of the node's shape.
    fn constant(&self, values: Vec<f64>) -> Variable {
        self.constant_of(values, self.shape)
    }

    fn constant_of(&self, values: Vec<f64>, shape: &[usize]) -> Variable {
        let ring = self.tape.ring;
        self.tape.constant(ring.constant(ring.context.array(values, shape)))
    }

    /// The positions that this node picks, made once.
    fn positions(&self, make: impl FnOnce() -> Vec<View>) -> &[Positions] {
        self.plan.positions[self.index]
            .get_or_init(|| make().iter().map(|view| view.finish(self.tape.ring.context)).collect())
    }

    fn pick(&self, x: &Variable, view: impl FnOnce(View) -> View) -> Variable {
        let positions = self.positions(|| vec![view(View::of(x.shape()))]);
        self.tape.pick(x, &positions[0])
    }

    /// With axes of one entry before its own.
    fn raised(&self, x: &Variable, rank: usize) -> Variable {
        let mut shape = vec![1; rank - x.shape().len()];
        shape.extend(x.shape());
        self.tape.reshape(x, &shape)
    }

    fn expanded(&self, x: &Variable, shape: &[usize]) -> Variable {
        if x.shape() == shape {
            return x.clone();
        }
        self.tape.spread(&self.raised(x, shape.len()), shape)
    }

    fn pairwise(
        &self,
        args: &[Variable],
        f: impl Fn(&Variable, &Variable) -> Variable,
    ) -> Variable {
        let rank = self.shape.len();
        f(&self.raised(&args[0], rank), &self.raised(&args[1], rank))
    }

    /// The entries that are `kept`, zeros for the others. No product with 0, which would be `NaN` for what is infinite.
    fn keep(&self, x: &Variable, kept: impl Iterator<Item = bool>) -> Variable {
        let place = |(at, kept)| if kept { at } else { Positions::NONE };
        let positions: Vec<usize> = kept.enumerate().map(place).collect();
        let context = self.tape.ring.context;
        self.tape.pick(x, &Positions::new(context, &positions, x.shape(), x.shape()))
    }

    /// `x` where the mask is set, else `y`.
    fn choose(&self, x: &Variable, y: &Variable, mask: &[bool]) -> Variable {
        let [x, y] = [x, y].map(|x| self.expanded(x, self.shape));
        let (x, y) =
            (self.keep(&x, mask.iter().copied()), self.keep(&y, mask.iter().map(|chosen| !chosen)));
        self.tape.add(&x, &y)
    }

    /// The argument whose real base is `before` the other's; of equal ones the mean.
    fn extremum(&self, args: &[Variable], before: impl Fn(f64, f64) -> bool) -> Variable {
        let tape = self.tape;
        let [x, y] = [&args[0], &args[1]].map(|x| self.expanded(x, self.shape));
        let pairs: Vec<(f64, f64)> = entries(&x).into_iter().zip(entries(&y)).collect();
        let first: Vec<bool> = pairs.iter().map(|&(x, y)| before(x, y)).collect();
        let second: Vec<bool> = pairs.iter().map(|&(x, y)| before(y, x)).collect();
        if first.iter().zip(&second).all(|(first, second)| first != second) {
            return self.choose(&x, &y, &first);
        }
        let neither = || first.iter().zip(&second).map(|(first, second)| !first && !second);
        let mean = tape.scale(&tape.add(&self.keep(&x, neither()), &self.keep(&y, neither())), 0.5);
        let one = self.keep(&x, first.iter().copied());
        let other = self.keep(&y, second.iter().copied());
        tape.add(&tape.add(&one, &other), &mean)
    }

    fn clamp(&self, x: &Variable, min: Option<f64>, max: Option<f64>) -> Variable {
        let (low, high) = (min.unwrap_or(f64::NEG_INFINITY), max.unwrap_or(f64::INFINITY));
        let bound = |x: f64| match x {
            x if x < low => Some(low),
            x if x > high => Some(high),
            _ => None,
        };
        let bounds: Vec<Option<f64>> = entries(x).into_iter().map(bound).collect();
        if bounds.iter().all(Option::is_none) {
            return x.clone();
        }
        let inside = self.keep(x, bounds.iter().map(Option::is_none));
        let outside = bounds.iter().map(|bound| bound.unwrap_or(0.0)).collect();
        self.tape.add(&inside, &self.constant_of(outside, x.shape()))
    }

    fn hardsigmoid(&self, x: &Variable) -> Variable {
        let inside = self.clamp(&self.tape.offset(x, 3.0), Some(0.0), Some(6.0));
        self.tape.scale(&inside, 1.0 / 6.0)
    }

    /// `x (1 + tanh u)/2` with `u = √(2/π) (x + 0.044715 x³)`, as `x σ(2u)`, which keeps digits where it is small.
    fn gelu_tanh(&self, x: &Variable) -> Variable {
        let tape = self.tape;
        let square = tape.multiply(x, x);
        let inner = tape.multiply(x, &tape.offset(&tape.scale(&square, 0.044715), 1.0));
        // 2 √(2/π)
        let doubled = tape.scale(&inner, 1.5957691216057308);
        tape.multiply(x, &tape.apply(Elementary::Activation(Function::Sigmoid), &doubled))
    }

    /// `x^y = e^{y log x}`; fixed whole exponents, of which there may be several, by products.
    fn power(&self, args: &[Variable]) -> Variable {
        let tape = self.tape;
        let [x, y] = [&args[0], &args[1]].map(|x| self.expanded(x, self.shape));
        let general = |x: &Variable, y: &Variable| {
            let log = tape.apply(Elementary::Log, x);
            tape.apply(Elementary::Exp, &tape.multiply(y, &log))
        };
        let node = &self.plan.graph.nodes[self.index];
        if self.plan.graph.nodes[node.args[1]].varies {
            return general(&x, &y);
        }
        let exponents = entries(&y);
        let mut distinct = exponents.clone();
        distinct.sort_by(f64::total_cmp);
        distinct.dedup_by_key(|exponent| exponent.to_bits());
        if let [exponent] = distinct[..] {
            return tape.apply(power(exponent), &x);
        }
        // One power at a time, of the entries that have it.
        let mut sum: Option<Variable> = None;
        let context = tape.ring.context;
        for exponent in distinct {
            let at = |(at, y): (usize, &f64)| (y.to_bits() == exponent.to_bits()).then_some(at);
            let places: Vec<usize> = exponents.iter().enumerate().filter_map(at).collect();
            let positions = Positions::new(context, &places, self.shape, &[places.len()]);
            let part = tape.apply(power(exponent), &tape.pick(&x, &positions));
            let part = tape.scatter(&part, &positions);
            sum = Some(sum.map_or_else(|| part.clone(), |sum| tape.add(&sum, &part)));
        }
        sum.expect("an exponent at least")
    }

    fn matmul(&self, x: &Variable, y: &Variable, [left, right]: [bool; 2]) -> Variable {
        let tape = self.tape;
        let batch = &self.shape[..self.shape.len() - 2];
        let last = |x: &Variable| x.shape()[x.shape().len() - 2..].to_vec();
        let leading = |x: &Variable| x.shape()[..x.shape().len() - 2].to_vec();
        if length(&leading(y)) == 1 && !left {
            let (inner, y_shape) = (last(x)[1], last(y));
            let rows = tape.reshape(x, &[length(x.shape()) / inner, inner]);
            let product = tape.matmul(&rows, &tape.reshape(y, &y_shape), (false, right));
            return tape.reshape(&product, self.shape);
        }
        let whole = |x: &Variable| {
            let [shape, flat] = [batch.to_vec(), vec![length(batch)]].map(|mut shape| {
                shape.extend(last(x));
                shape
            });
            tape.reshape(&self.expanded(x, &shape), &flat)
        };
        tape.reshape(&tape.matmul(&whole(x), &whole(y), (left, right)), self.shape)
    }

    fn convolution(&self, x: &Variable, w: &Variable, window: &Window, groups: usize) -> Variable {
        let tape = self.tape;
        let kernel = &w.shape()[2..];
        let along = window.along(kernel.len()).expect("checked as the graph was read");
        if let ([_, channels, height, width], 1) = (x.shape(), groups)
            && along.iter().all(|along| along.dilation == 1)
        {
            // Padding is symmetric and not negative there.
            let plain = along.iter().all(|a| a.padding[0] == a.padding[1] && a.padding[0] >= 0);
            let padded = match plain {
                true => x.clone(),
                false => self.pick(x, |view| {
                    (0..2).fold(view, |view, axis| view.pad(axis + 2, along[axis].padding))
                }),
            };
            debug_assert!(*channels > 0 && *height > 0 && *width > 0);
            let padding =
                [0, 1].map(|axis| if plain { along[axis].padding[0] as usize } else { 0 });
            let window = Window2d {
                kernel: [kernel[0], kernel[1]],
                stride: [along[0].stride, along[1].stride],
                padding,
            };
            return tape.conv2d(&padded, w, window);
        }
        let [images, channels] = [x.shape()[0], x.shape()[1]];
        let positions = self.positions(|| {
            let view = View::of(x.shape()).windows(kernel, &along);
            columns(view, images, channels, groups, kernel, self.shape)
        });
        self.grouped(x, w, groups, positions)
    }

    /// The product of the weight with the columns under the window, each group with its own.
    fn grouped(
        &self,
        x: &Variable,
        w: &Variable,
        groups: usize,
        positions: &[Positions],
    ) -> Variable {
        let tape = self.tape;
        let columns = tape.pick(x, &positions[0]);
        let inner = columns.shape()[1];
        let filters = length(w.shape()) / inner / groups;
        let weight = tape.reshape(w, &[groups, filters, inner]);
        tape.pick(&tape.matmul(&weight, &columns, (false, false)), &positions[1])
    }

    /// A convolution with the reversed weight of the input with zeros between its entries.
    fn convolution_transpose(
        &self,
        x: &Variable,
        w: &Variable,
        window: &Window,
        groups: usize,
        output_padding: &[usize],
    ) -> Variable {
        let kernel = &w.shape()[2..];
        let count = kernel.len();
        let along = window.along(count).expect("checked as the graph was read");
        let [images, channels] = [x.shape()[0], x.shape()[1]];
        let (inputs, outputs) = (channels / groups, w.shape()[1]);
        let positions = self.positions(|| {
            let mut view = View::of(x.shape());
            for axis in 0..count {
                let reach = ((kernel[axis] - 1) * along[axis].dilation) as i64;
                let rest = output_padding.get(axis).copied().unwrap_or(0) as i64;
                let [low, high] = along[axis].padding;
                view = view
                    .dilate(axis + 2, along[axis].stride)
                    .pad(axis + 2, [reach - low, reach - high + rest]);
            }
            let mut steps = along.clone();
            for along in &mut steps {
                (along.stride, along.padding) = (1, [0, 0]);
            }
            let view = view.windows(kernel, &steps);
            let mut positions = columns(view, images, channels, groups, kernel, self.shape);
            // [inputs, outputs/groups, …] to [outputs, inputs/groups, …], reversed.
            let mut shape = vec![groups, inputs, outputs];
            shape.extend(kernel);
            let mut axes = vec![0, 2, 1];
            axes.extend(3..3 + count);
            let weight = View::of(w.shape()).reshape(&shape).permute(&axes);
            let reversed: Vec<usize> = (3..3 + count).collect();
            positions.push(weight.flip(&reversed));
            positions
        });
        let weight = self.tape.pick(w, &positions[2]);
        self.grouped(x, &weight, groups, positions)
    }

    fn max_pool(&self, x: &Variable, window: &[usize], steps: &Window) -> Variable {
        let along = steps.along(window.len()).expect("checked as the graph was read");
        let under = under(x.shape(), window, &along);
        let values = entries(x);
        let largest = |under: &[usize]| {
            let mut best = Positions::NONE;
            for &at in under.iter().filter(|at| **at != Positions::NONE) {
                let before = best == Positions::NONE;
                if before
                    || values[at] > values[best]
                    || (values[at].is_nan() && !values[best].is_nan())
                {
                    best = at;
                }
            }
            best
        };
        let positions: Vec<usize> =
            under.positions().chunks_exact(length(window)).map(largest).collect();
        let outside: Vec<f64> = positions
            .iter()
            .map(|at| if *at == Positions::NONE { f64::NEG_INFINITY } else { 0.0 })
            .collect();
        let context = self.tape.ring.context;
        let y = self.tape.pick(x, &Positions::new(context, &positions, x.shape(), self.shape));
        if !positions.contains(&Positions::NONE) {
            return y;
        }
        self.tape.add(&y, &self.constant(outside))
    }

    fn avg_pool(
        &self,
        x: &Variable,
        window: &[usize],
        steps: &Window,
        count_padding: bool,
    ) -> Variable {
        let tape = self.tape;
        let along = steps.along(window.len()).expect("checked as the graph was read");
        let size = length(window);
        let positions = self.positions(|| vec![under(x.shape(), window, &along)]);
        let columns = tape.pick(x, &positions[0]);
        let sums = tape.sum_to(&columns, &[columns.shape()[0], 1]);
        if count_padding {
            return tape.reshape(&tape.scale(&sums, 1.0 / size as f64), self.shape);
        }
        let counted = self.constant_of(vec![1.0; length(x.shape())], x.shape());
        let counted = tape.sum_to(&tape.pick(&counted, &positions[0]), &[columns.shape()[0], 1]);
        let share = tape.apply(Elementary::Reciprocal, &counted);
        tape.reshape(&tape.multiply(&sums, &share), self.shape)
    }

    fn pad(&self, x: &Variable, padding: &[[i64; 2]], value: f64) -> Variable {
        let view = |view: View| {
            padding.iter().enumerate().fold(view, |view, (axis, by)| view.pad(axis, *by))
        };
        let padded = self.pick(x, view);
        if value == 0.0 {
            return padded;
        }
        let inside = view(View::of(x.shape()));
        let outside = inside.positions().iter();
        let outside = outside.map(|at| if *at == Positions::NONE { value } else { 0.0 });
        self.tape.add(&padded, &self.constant(outside.collect()))
    }

    fn concatenate(&self, args: &[Variable], axis: usize) -> Variable {
        let tape = self.tape;
        let inner: usize = self.shape[axis + 1..].iter().product();
        let outer: usize = self.shape[..axis].iter().product();
        let parts: Vec<Variable> =
            args.iter().map(|arg| tape.reshape(arg, &[outer, arg.shape()[axis] * inner])).collect();
        tape.reshape(&tape.join(&parts), self.shape)
    }

    /// Where along an axis entries are gathered, taken or added.
    fn indexed(
        &self,
        operation: &Operation,
        args: &[Variable],
        indices: Option<&[f64]>,
    ) -> Variable {
        let tape = self.tape;
        let axis = operation.indexes().expect("an operation with indices");
        let source = args[0].shape();
        let index_shape = args[1].shape();
        let view = |indices: &[f64]| match operation {
            Operation::Take { .. } => taken(source, axis, indices, self.shape),
            _ => gathered(source, axis, indices, index_shape),
        };
        let context = tape.ring.context;
        let positions = match indices {
            Some(indices) => self.positions(|| vec![view(indices)])[0].clone(),
            None => view(&entries(&args[1])).finish(context),
        };
        if let Operation::ScatterAdd { .. } = operation {
            return tape.add(&args[0], &tape.scatter(&args[2], &positions));
        }
        let picked = tape.pick(&args[0], &positions);
        if indices.is_some() {
            return picked;
        }
        // What no index names is not a number.
        let view = view(&entries(&args[1]));
        if !view.positions().contains(&Positions::NONE) {
            return picked;
        }
        let rest = view.positions().iter();
        let rest = rest.map(|at| if *at == Positions::NONE { f64::NAN } else { 0.0 });
        tape.add(&picked, &self.constant(rest.collect()))
    }

    /// The sum over axes, which stay as axes of one entry.
    fn sum(&self, x: &Variable, axes: &[usize]) -> Variable {
        self.tape.sum_to(x, &kept(x, axes))
    }

    /// Without the axes of one entry that a reduction leaves.
    fn reduced(&self, x: &Variable) -> Variable {
        self.tape.reshape(x, self.shape)
    }

    /// The largest entry over axes; of equal ones the mean.
    fn largest(&self, x: &Variable, axes: &[usize]) -> Variable {
        let tape = self.tape;
        let kept = kept(x, axes);
        let (is_largest, counts) = constant::largest(&entries(x), x.shape(), &kept);
        let sum = tape.sum_to(&self.keep(x, is_largest.into_iter()), &kept);
        if counts.iter().all(|count| *count == 1) {
            return sum;
        }
        let shares = counts.into_iter().map(|count| 1.0 / count as f64).collect();
        tape.multiply(&sum, &self.constant_of(shares, &kept))
    }

    /// The product over axes by halves: a division would fail at zeros.
    fn product(&self, x: &Variable, axes: &[usize]) -> Variable {
        let tape = self.tape;
        let stay = (0..x.shape().len()).filter(|axis| !axes.contains(axis));
        let order: Vec<usize> = stay.chain(axes.iter().copied()).collect();
        let mut rest: Option<Variable> = None;
        let rows = length(self.shape);
        let last = self.pick(x, |view| view.permute(&order));
        let mut last = tape.reshape(&last, &[rows, length(x.shape()) / rows]);
        while last.shape()[1] > 1 {
            let width = last.shape()[1];
            let half = width / 2;
            if width % 2 == 1 {
                let odd = tape.narrow(&last, width - 1, 1);
                rest = Some(rest.map_or_else(|| odd.clone(), |rest| tape.multiply(&rest, &odd)));
            }
            last = tape.multiply(&tape.narrow(&last, 0, half), &tape.narrow(&last, half, half));
        }
        let product = rest.map_or_else(|| last.clone(), |rest| tape.multiply(&last, &rest));
        tape.reshape(&product, self.shape)
    }

    /// Sums of 1, 2, 4, … neighbours, one after another.
    fn cumulative_sum(&self, x: &Variable, axis: usize, reverse: bool) -> Variable {
        let size = x.shape()[axis];
        let shifts = || {
            std::iter::successors(Some(1), |shift| Some(2 * shift))
                .take_while(|shift| *shift < size)
        };
        let positions = self.positions(|| {
            let sign = if reverse { -1 } else { 1 };
            let shifted = |shift| View::of(x.shape()).shift(axis, sign * shift as i64);
            shifts().map(shifted).collect()
        });
        positions
            .iter()
            .fold(x.clone(), |sum, shifted| self.tape.add(&sum, &self.tape.pick(&sum, shifted)))
    }
}

fn length(shape: &[usize]) -> usize {
    shape.iter().product()
}

fn kept(x: &Variable, axes: &[usize]) -> Vec<usize> {
    shape::kept(x.shape(), axes).expect("checked as the graph was read")
}

/// What lies under a pool's window at each of its places: `[n · channels · places, kernel]`.
fn under(shape: &[usize], window: &[usize], along: &[super::operation::Along]) -> View {
    let view = View::of(shape).windows(window, along);
    let planes = shape[0] * shape[1];
    let size = length(window);
    let places = view.positions().len() / planes / size;
    let columns = view.reshape(&[planes, size, places]).permute(&[0, 2, 1]);
    columns.reshape(&[planes * places, size])
}

/// The columns `[groups, inputs/groups · kernel, n · places]` of the windows `[n, inputs, kernel …, places …]`, and where
/// the product of the weight with them has each entry of the output `[n, outputs, places …]`.
fn columns(
    windows: View,
    images: usize,
    channels: usize,
    groups: usize,
    kernel: &[usize],
    output: &[usize],
) -> Vec<View> {
    let inner = channels / groups * length(kernel);
    let places = length(&output[2..]);
    let columns = windows
        .reshape(&[images, groups, inner, places])
        .permute(&[1, 2, 0, 3])
        .reshape(&[groups, inner, images * places]);
    let filters = output[1] / groups;
    let product = View::of(&[groups, filters, images * places])
        .reshape(&[groups, filters, images, places])
        .permute(&[2, 0, 1, 3])
        .reshape(output);
    vec![columns, product]
}

/// `out[i…] = x[… indices[i…] …]`.
fn gathered(source: &[usize], axis: usize, indices: &[f64], shape: &[usize]) -> View {
    let steps = super::view::strides(source);
    let places = super::view::strides(shape);
    let position = |(flat, index): (usize, &f64)| {
        let Some(index) = index_of(*index, source[axis]) else { return Positions::NONE };
        let along = |at: usize| match at == axis {
            true => index * steps[axis],
            false => flat / places[at] % shape[at] * steps[at],
        };
        (0..shape.len()).map(along).sum()
    };
    View::at(indices.iter().enumerate().map(position).collect(), source, shape)
}

/// Whole rows by their index.
fn taken(source: &[usize], axis: usize, indices: &[f64], shape: &[usize]) -> View {
    let inner: usize = source[axis + 1..].iter().product();
    let outer: usize = source[..axis].iter().product();
    let mut positions = Vec::with_capacity(length(shape));
    for block in 0..outer {
        for index in indices {
            match index_of(*index, source[axis]) {
                Some(index) => {
                    let start = (block * source[axis] + index) * inner;
                    positions.extend(start..start + inner);
                }
                None => positions.resize(positions.len() + inner, Positions::NONE),
            }
        }
    }
    View::at(positions, source, shape)
}
