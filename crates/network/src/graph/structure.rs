//! What the evaluations of a graph have in common, whatever its data: the steps in which it is evaluated, and the values
//! that neither its parameters nor its data change.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::gather::index_of;
use super::operation::Operation;
use super::steps::Step;
use super::value::At;
use super::{Graph, GraphError, Node};
use crate::algebra::Algebra;
use crate::architecture::Dtype;
use crate::array::{Array, Context, Place, Positions};
use crate::device::Device;
use crate::series::Ring;
use crate::tape::{Tape, Variable};

/// The positions that a node picks, made by the first evaluation.
pub(super) type Picked = OnceLock<Vec<Positions>>;

/// A graph as it is evaluated, without the values of its data: constants that differ from one set of examples to another.
#[derive(Debug)]
pub(crate) struct Structure {
    pub(super) graph: Graph,
    pub(super) device: Device,
    pub(super) context: Context,
    pub(super) steps: Vec<Step>,
    pub(super) positions: Vec<Picked>,
    /// What becomes of each node that depends on no parameter.
    uses: Vec<Uses>,
    pub(super) fixed: Fixed,
}

/// Which nodes take the value of one that depends on no parameter.
#[derive(Clone, Copy, Debug, Default)]
struct Uses {
    /// It depends on data.
    of_data: bool,
    /// It is data.
    is_data: bool,
    /// One that depends on no parameter either.
    fixed: bool,
    /// The same, and on data, which it does not.
    later: bool,
    /// One that does.
    varying: bool,
    /// The same, as an index.
    index: bool,
}

/// Values of nodes that depend on no parameter.
#[derive(Clone, Debug, Default)]
pub(super) struct Fixed {
    /// In binary64 on the host, where others of them need it.
    host: BTreeMap<usize, Array>,
    /// As they are stored where the graph is evaluated.
    pub values: BTreeMap<usize, Array>,
    /// What nodes with an index among them pick.
    pub positions: BTreeMap<usize, Picked>,
}

impl Structure {
    /// Evaluates, in binary64 on the host, what neither parameters nor the constants `data` change.
    pub fn new(graph: Graph, data: &[&str], device: &Device) -> Result<Structure, GraphError> {
        device.check(graph.layout.dtype)?;
        if graph.layout.dtype == Dtype::F32 {
            graph.check_indices()?;
        }
        let mut structure = Structure {
            context: device.context(graph.layout.dtype),
            device: device.clone(),
            steps: graph.steps(),
            positions: graph.nodes.iter().map(|_| OnceLock::new()).collect(),
            uses: graph.uses(data),
            fixed: Fixed::default(),
            graph,
        };
        let constants = |name: &str| structure.graph.constants[name].values();
        structure.fixed = structure.evaluate(&constants, false)?;
        for (index, picked) in std::mem::take(&mut structure.fixed.positions) {
            structure.positions[index] = picked;
        }
        Ok(structure)
    }

    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The nodes that depend on no parameter: those that depend on data, or the others.
    pub(super) fn evaluate(
        &self,
        constants: &dyn Fn(&str) -> Vec<f64>,
        of_data: bool,
    ) -> Result<Fixed, GraphError> {
        self.device.guard(|| self.evaluate_unguarded(constants, of_data))?
    }

    fn evaluate_unguarded(
        &self,
        constants: &dyn Fn(&str) -> Vec<f64>,
        of_data: bool,
    ) -> Result<Fixed, GraphError> {
        let (graph, context) = (&self.graph, &self.context);
        let host = Context { place: Place::Host, dtype: Dtype::F64 };
        let algebra = Algebra::real();
        let ring = Ring::new(&algebra, &host);
        let tape = Tape::new(&ring, vec![false]);
        let variable = |array: &Array| tape.constant(ring.constant(array.clone()));
        let stored = |array: &Array| match context.is_host() && context.dtype == host.dtype {
            true => array.clone(),
            false => context.array(array.to_f64(), array.shape()),
        };
        let mut fixed = Fixed::default();
        for (index, node) in graph.nodes.iter().enumerate().filter(|(_, node)| node.needed) {
            let slot = Picked::new();
            if let Some(&at) = node.args.get(1)
                && let Some(axis) = node.operation.indexes()
                && !graph.nodes[at].varies
                && self.uses[at].of_data == of_data
            {
                let rows = graph.nodes[node.args[0]].shape[axis];
                let entries = fixed.host[&at].to_f64();
                if let Some(wrong) = entries.iter().find(|at| index_of(**at, rows).is_none()) {
                    let cause =
                        format!("there is an index {wrong}, but the axis has {rows} entries");
                    let help = format!("indices are whole numbers from 0 to {}", rows - 1);
                    return Err(graph.fault(index, cause, help));
                }
                if node.varies {
                    let source = &graph.nodes[node.args[0]].shape;
                    let index_shape = &graph.nodes[at].shape;
                    let view = node.operation.picked(source, &entries, index_shape, &node.shape);
                    slot.get_or_init(|| vec![view.finish(context)]);
                    fixed.positions.insert(index, slot);
                    continue;
                }
            }
            let uses = self.uses[index];
            if node.varies || uses.of_data != of_data {
                continue;
            }
            let value = match &node.operation {
                Operation::Constant { name } => {
                    let values = constants(name);
                    if !uses.fixed && !uses.index {
                        fixed.values.insert(index, context.array(values, &node.shape));
                        continue;
                    }
                    host.array(values, &node.shape)
                }
                operation => {
                    let known = |arg: &usize| fixed.host.get(arg).or(self.fixed.host.get(arg));
                    let args: Vec<Variable> = node
                        .args
                        .iter()
                        .map(|arg| variable(known(arg).expect("evaluated before")))
                        .collect();
                    let at = At { graph, tape: &tape, index, shape: &node.shape, slot: &slot };
                    at.value(operation, &args).value.base().clone()
                }
            };
            if uses.varying || (uses.is_data && !uses.index) {
                fixed.values.insert(index, stored(&value));
            } else if uses.index {
                // Nothing but its shape is read, and 32-bit numbers would not hold every index.
                fixed.values.insert(index, value.clone());
            }
            fixed.host.insert(index, value);
        }
        fixed.host.retain(|index, _| !of_data && self.uses[*index].later);
        Ok(fixed)
    }
}

impl Graph {
    fn uses(&self, data: &[&str]) -> Vec<Uses> {
        let mut uses = vec![Uses::default(); self.nodes.len()];
        for (node, at) in self.nodes.iter().zip(0..).filter(|(node, _)| node.needed) {
            let Node { operation, args, varies, .. } = node;
            let is_data =
                matches!(operation, Operation::Constant { name } if data.contains(&name.as_str()));
            let of_data = is_data || args.iter().any(|arg| uses[*arg].of_data);
            uses[at] = Uses { is_data, of_data, ..Uses::default() };
            for (place, &arg) in args.iter().enumerate() {
                let index = operation.indexes().is_some() && place == 1;
                uses[arg].index |= *varies && index;
                uses[arg].varying |= *varies && !index;
                uses[arg].fixed |= !varies;
                uses[arg].later |= !varies && of_data && !uses[arg].of_data;
            }
        }
        uses
    }
}

/// Structures of one graph by its size, the number of its examples for one: the few that were made last.
#[derive(Debug)]
pub(crate) struct Structures<K>(Mutex<Vec<(K, Arc<Structure>)>>);

/// How many: those of full shards and of the last one, of a mini-batch, and of a set for tests.
const KEPT: usize = 6;

impl<K> Default for Structures<K> {
    fn default() -> Self {
        Structures(Mutex::default())
    }
}

impl<K: PartialEq> Structures<K> {
    /// That of a size.
    pub fn of<E>(
        &self,
        size: K,
        make: impl FnOnce() -> Result<Structure, E>,
    ) -> Result<Arc<Structure>, E> {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known().iter().find(|(of, _)| *of == size).map(|(_, found)| found.clone());
        if let Some(found) = found {
            return Ok(found);
        }
        let made = Arc::new(make()?);
        let mut known = known();
        if known.len() == KEPT {
            known.remove(0);
        }
        known.push((size, made.clone()));
        Ok(made)
    }
}
