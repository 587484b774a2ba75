//! The evaluation of a graph on a tape: once what its parameters do not change, then node by node at each point.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::gather::index_of;
use super::operation::Operation;
use super::value::{At, entries};
use super::{Graph, GraphError, Node};
use crate::algebra::Algebra;
use crate::architecture::Dtype;
use crate::array::{Array, Context, Place, Positions};
use crate::device::Device;
use crate::memory;
use crate::series::Ring;
use crate::tape::{Tape, Variable};

/// A graph with what does not depend on its parameters evaluated.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(super) graph: Arc<Graph>,
    context: Context,
    /// The values of nodes that do not depend on a parameter and that others need.
    fixed: Vec<Option<Array>>,
    /// The entries of those that are indices.
    indices: Vec<Option<Vec<f64>>>,
    /// The positions that each node picks, made by the first evaluation.
    pub(super) positions: Vec<OnceLock<Vec<Positions>>>,
    /// What is done for each node.
    steps: Vec<Step>,
    /// After which node each is not needed any more.
    last_use: Vec<usize>,
    /// Whether more than the real base of each reaches the loss.
    reaches: Vec<bool>,
}

/// What is done for a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Nothing: it is fixed, not needed, or a part of a later one.
    Nothing,
    /// The parameter of this number is taken.
    Parameter(usize),
    /// Its operation.
    Operation,
    /// `x Wᵀ + b` at once, with the numbers of `x`, `W` and `b`, in the place of a sum.
    Linear([usize; 3]),
}

impl Step {
    /// The nodes that are needed for `node`.
    fn args<'a>(&'a self, node: &'a Node) -> &'a [usize] {
        match self {
            Step::Nothing | Step::Parameter(_) => &[],
            Step::Operation => &node.args,
            Step::Linear(args) => args,
        }
    }
}

impl Plan {
    /// Evaluates what is fixed, in binary64 on the host.
    pub fn new(graph: Graph, device: &Device) -> Result<Plan, GraphError> {
        let entries = graph.memory();
        if !memory::available(entries.saturating_mul(8)) {
            return Err(GraphError::Memory { graph: graph.layout.name.clone(), entries });
        }
        Plan::unchecked(graph, device)
    }

    /// The same of a graph whose memory has been counted.
    pub fn unchecked(graph: Graph, device: &Device) -> Result<Plan, GraphError> {
        device.check(graph.layout.dtype)?;
        if graph.layout.dtype == Dtype::F32 {
            graph.check_indices()?;
        }
        let context = device.context(graph.layout.dtype);
        let host = Context { place: Place::Host, dtype: Dtype::F64 };
        let steps = graph.steps();
        let mut last_use = vec![0; graph.nodes.len()];
        for (index, (node, step)) in graph.nodes.iter().zip(&steps).enumerate() {
            step.args(node).iter().for_each(|&arg| last_use[arg] = index);
        }
        let reaches = graph.reaching();
        let mut plan = Plan {
            positions: graph.nodes.iter().map(|_| OnceLock::new()).collect(),
            fixed: vec![None; graph.nodes.len()],
            indices: vec![None; graph.nodes.len()],
            graph: Arc::new(graph),
            context: host.clone(),
            steps,
            last_use,
            reaches,
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
                    let cause =
                        format!("there is an index {wrong}, but the axis has {rows} entries");
                    let help = format!("indices are whole numbers from 0 to {}", rows - 1);
                    return Err(graph.fault(index, cause, help));
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

    /// What the graph ends in, the loss of one entry, with a variable for each parameter.
    pub fn evaluate(&self, tape: &Tape<'_>, parameters: Vec<Variable>) -> Variable {
        let graph = &self.graph;
        let mut values: Vec<Option<Variable>> = vec![None; graph.nodes.len()];
        for (index, (node, step)) in graph.nodes.iter().zip(&self.steps).enumerate() {
            let value = if let Step::Parameter(place) = *step {
                parameters[place].clone()
            } else {
                if *step == Step::Nothing {
                    continue;
                }
                let arg = |&arg: &usize| match &self.fixed[arg] {
                    Some(fixed) => tape.constant(tape.ring.constant(fixed.clone())),
                    None => values[arg].clone().expect("evaluated before"),
                };
                let mut args: Vec<Variable> = step.args(node).iter().map(arg).collect();
                for &arg in step.args(node) {
                    if self.last_use[arg] == index {
                        values[arg] = None;
                    }
                }
                // A complex base is in two coefficients.
                if !self.reaches[index] && !tape.ring.algebra.is_complex() {
                    args.iter_mut().for_each(|arg| *arg = tape.stopped(arg));
                }
                match step {
                    Step::Linear(_) => tape.linear(&args[0], &args[1], Some(&args[2])),
                    _ => self.value(tape, index, node, &args, self.indices[index].as_deref()),
                }
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
        At { plan: self, tape, index, shape: &node.shape, indices }.value(&node.operation, args)
    }
}

impl Graph {
    /// What is done for each node.
    fn steps(&self) -> Vec<Step> {
        let parameters = &self.layout.parameters;
        let places: HashMap<&str, usize> =
            parameters.iter().map(|parameter| parameter.name.as_str()).zip(0..).collect();
        let mut steps: Vec<Step> = self
            .nodes
            .iter()
            .enumerate()
            .map(|(index, node)| match &node.operation {
                _ if !node.needed || !node.varies || index > self.loss => Step::Nothing,
                Operation::Parameter { name } => Step::Parameter(places[name.as_str()]),
                _ => Step::Operation,
            })
            .collect();
        let mut uses = vec![0; self.nodes.len()];
        for (node, _) in self.nodes.iter().zip(&steps).filter(|(_, step)| **step != Step::Nothing) {
            node.args.iter().for_each(|&arg| uses[arg] += 1);
        }
        for index in 0..self.nodes.len() {
            let node = &self.nodes[index];
            let (Operation::Add, Step::Operation) = (&node.operation, steps[index]) else {
                continue;
            };
            for (product, bias) in [(node.args[0], node.args[1]), (node.args[1], node.args[0])] {
                let Node { operation, args, shape, .. } = &self.nodes[product];
                let is_product = *operation == Operation::Matmul { transpose: [false, true] }
                    && args.iter().all(|arg| self.nodes[*arg].shape.len() == 2);
                if is_product
                    && steps[product] == Step::Operation
                    && uses[product] == 1
                    && self.nodes[bias].shape == shape[1..]
                {
                    steps[index] = Step::Linear([args[0], args[1], bias]);
                    steps[product] = Step::Nothing;
                    break;
                }
            }
        }
        steps
    }

    /// Whether more than the real base of each node reaches the loss: masks and indices, and what they are made of, have
    /// no derivatives.
    fn reaching(&self) -> Vec<bool> {
        let mut reaching = vec![false; self.nodes.len()];
        reaching[self.loss] = true;
        for index in (0..=self.loss).rev().filter(|&index| self.nodes[index].needed) {
            let node = &self.nodes[index];
            for (place, &arg) in node.args.iter().enumerate() {
                reaching[arg] |= reaching[index] && !node.operation.takes_base(place);
            }
        }
        reaching
    }
}

impl Operation {
    /// Whether the value depends on the real base of this argument alone.
    fn takes_base(&self, place: usize) -> bool {
        use Operation as O;
        match self {
            O::Round | O::Floor | O::Ceil | O::Trunc | O::Sign | O::Not | O::StopGradient => true,
            O::Argmax(_) | O::Argmin(_) | O::Argsort { .. } => true,
            O::Where => place == 0,
            operation => operation.compares() || (operation.indexes().is_some() && place == 1),
        }
    }
}
