//! The evaluation of a graph on a tape: once what its parameters do not change, then step by step at each point.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::operation::Operation;
use super::steps::{Kind, Step};
use super::structure::{Picked, Structure};
use super::value::At;
use super::{Graph, GraphError};
use crate::array::Array;
use crate::device::Device;
use crate::tape::{Tape, Variable};

/// A graph with its data, ready to be evaluated.
#[derive(Debug)]
pub(crate) struct Plan {
    structure: Arc<Structure>,
    /// The values of nodes that depend on no parameter and that others need.
    fixed: Vec<Option<Array>>,
    /// What nodes pick by indices that are data.
    positions: BTreeMap<usize, Picked>,
}

/// How the sweep back takes the graph between the parameters and its outputs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Model {
    /// As it is.
    Exact,
    /// As its linearisation, so that second derivatives are those of the loss alone: the Gauss-Newton matrix. Of a graph that
    /// does not tell its outputs, the loss is taken for them.
    Linearised,
}

impl Plan {
    /// Evaluates what the data change and parameters do not; `data` gives the values of a constant that is data.
    pub fn new(
        structure: Arc<Structure>,
        data: &dyn Fn(&str) -> Vec<f64>,
    ) -> Result<Plan, GraphError> {
        let own = structure.evaluate(data, true)?;
        let mut fixed = vec![None; structure.graph.nodes.len()];
        for (index, value) in own.values.into_iter().chain(structure.fixed.values.clone()) {
            fixed[index] = Some(value);
        }
        Ok(Plan { structure, fixed, positions: own.positions })
    }

    /// Of a graph with its own data.
    pub fn alone(graph: Graph, device: &Device) -> Result<Plan, GraphError> {
        Plan::new(Arc::new(Structure::new(graph, &[], device)?), &|_| Vec::new())
    }

    /// The entries of a constant that is data.
    pub fn data(&self, name: &str) -> Vec<f64> {
        let is_named = |operation: &Operation| matches!(operation, Operation::Constant { name: of } if of == name);
        let nodes = self.structure.graph.nodes.iter().zip(&self.fixed);
        let mut named = nodes.filter(|(node, _)| is_named(&node.operation));
        let value = named.find_map(|(_, value)| value.as_ref());
        value.map_or_else(Vec::new, Array::to_f64)
    }

    /// The loss, of one entry, with a variable for each parameter.
    pub fn loss(&self, tape: &Tape<'_>, parameters: &[Variable], model: Model) -> Variable {
        self.value(tape, parameters, model, self.structure.graph.loss)
    }

    /// The outputs that the loss is taken of, `[n, width]`, of every token a row, where the graph tells them.
    pub fn outputs(&self, tape: &Tape<'_>, parameters: &[Variable]) -> Option<Variable> {
        let outputs = self.structure.graph.ends.first()?;
        Some(self.value(tape, parameters, Model::Exact, *outputs))
    }

    /// The value of one node.
    fn value(
        &self,
        tape: &Tape<'_>,
        parameters: &[Variable],
        model: Model,
        wanted: usize,
    ) -> Variable {
        let graph = &self.structure.graph;
        let linearised = match model {
            Model::Exact => &[][..],
            Model::Linearised if graph.ends.is_empty() => std::slice::from_ref(&graph.loss),
            Model::Linearised => &graph.ends,
        };
        let mut values: Vec<Option<Variable>> = vec![None; wanted + 1];
        for step in self.structure.steps.iter().take_while(|step| step.node <= wanted) {
            let mut value = match step.kind {
                Kind::Parameter(at) => parameters[at].clone(),
                _ => self.step(tape, step, &mut values),
            };
            debug_assert_eq!(value.shape(), graph.nodes[step.node].shape, "node {}", step.node);
            if linearised.contains(&step.node) {
                value = tape.linearised(&value);
            }
            values[step.node] = Some(value);
        }
        values[wanted].take().expect("evaluated")
    }

    fn step(&self, tape: &Tape<'_>, step: &Step, values: &mut [Option<Variable>]) -> Variable {
        let arg = |&arg: &usize| match &self.fixed[arg] {
            Some(fixed) => tape.constant(tape.ring.constant(fixed.clone())),
            None => values[arg].clone().expect("evaluated before"),
        };
        let mut args: Vec<Variable> = step.args.iter().map(arg).collect();
        step.spent.iter().for_each(|&arg| values[arg] = None);
        // A complex base is in two coefficients.
        if !step.reaches && !tape.ring.algebra.is_complex() {
            args.iter_mut().for_each(|arg| *arg = tape.stopped(arg));
        }
        let (graph, index) = (&self.structure.graph, step.node);
        let (node, shared) = (&graph.nodes[index], &self.structure.positions[index]);
        let slot = self.positions.get(&index).unwrap_or(shared);
        let at = At { graph, tape, index, shape: &node.shape, slot };
        match step.kind {
            Kind::Linear { transposed } => tape.linear(&args[0], &args[1], transposed, &args[2]),
            Kind::CrossEntropy { axis } => at.cross_entropy(&args[0], &args[1], axis),
            _ => at.value(&node.operation, &args),
        }
    }
}
