//! In which order a nonlinear step computes its operations, and where it keeps what they make.

use super::nonlinear::{NonlinearStep, Operation};
use crate::loss::Number;
use bea_series::typed::{Node, NodeId, Shape};

/// Operations on vectors that are computed together, some entries at a time, after the numbers before them. Then one
/// operation needs all entries of its operand: a field or a sum of entries.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Group {
    pub numbers: Vec<NodeId>,
    pub vectors: Vec<NodeId>,
    pub whole: Option<NodeId>,
    /// The vector that only the sum of its entries is needed of, which is the operation behind the group.
    pub summed: Option<NodeId>,
    /// How many vectors there are at a time.
    pub slots: usize,
}

/// Where a step keeps what an operation makes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Place {
    /// The operation's group.
    group: usize,
    /// Among the vectors of the group that there are at a time.
    slot: Option<usize>,
    /// Whether it is needed as a whole, or in another group.
    kept: bool,
    /// The state that it takes the place of, entry by entry, since nothing needs the old one any more.
    in_place: Option<usize>,
}

/// The operations of a step in groups.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Plan {
    pub groups: Vec<Group>,
    places: Vec<Place>,
}

impl Plan {
    /// What a step needs.
    pub fn new<T: Number + Send + Sync>(step: &NonlinearStep<T>) -> Plan {
        let mut plan = Plan::grouped(step);
        plan.keep(step);
        plan.replace_states(step);
        plan.assign_slots(step);
        plan
    }

    /// The plan that keeps what every operation makes, and all states as they are.
    pub fn keeping_all<T: Number + Send + Sync>(step: &NonlinearStep<T>) -> Plan {
        let mut plan = Plan::grouped(step);
        plan.places.iter_mut().for_each(|place| place.kept = true);
        plan.assign_slots(step);
        plan
    }

    /// Whether a vector is kept as a whole.
    pub fn is_kept(&self, id: NodeId) -> bool {
        self.places[id].kept
    }

    /// The state that a vector takes the place of.
    pub fn in_place(&self, id: NodeId) -> Option<usize> {
        self.places[id].in_place
    }

    /// Where an operation's entries are while its group is computed; `None` for one of another group, or no vector.
    pub fn slot(&self, id: NodeId, group: usize) -> Option<usize> {
        self.places[id].slot.filter(|_| self.places[id].group == group)
    }

    fn grouped<T: Number + Send + Sync>(step: &NonlinearStep<T>) -> Plan {
        let mut plan = Plan::default();
        let mut last = Group::default();
        for (id, node) in step.nodes.iter().enumerate() {
            let group = plan.groups.len();
            plan.places.push(Place { group, slot: None, kept: false, in_place: None });
            match node {
                Operation::Other(Node::State(_) | Node::New(_), _) => {}
                operation if needs_all(step.shapes[id], operation) => {
                    last.whole = Some(id);
                    plan.groups.push(std::mem::take(&mut last));
                }
                _ if step.shapes[id] == Shape::Number => last.numbers.push(id),
                _ => last.vectors.push(id),
            }
        }
        plan.groups.push(last);
        plan
    }

    /// Decides which vectors are kept, and of which only the sum of their entries is needed.
    fn keep<T: Number + Send + Sync>(&mut self, step: &NonlinearStep<T>) {
        let mut summed = Vec::new();
        for (id, node) in step.nodes.iter().enumerate() {
            let Operation::Other(node, _) = node else { continue };
            let group = self.places[id].group;
            let is_whole = self.groups[group].whole == Some(id);
            for operand in node.operands() {
                let operand = step.resolved(operand);
                let is_here = self.places[operand].group == group;
                if let Node::Entries(_) = node
                    && is_here
                    && self.groups[group].vectors.contains(&operand)
                {
                    summed.push((group, operand));
                } else {
                    self.places[operand].kept |= is_whole || !is_here;
                }
            }
        }
        for state in &step.states {
            self.places[step.resolved(state.update)].kept = true;
        }
        for (group, operand) in summed {
            if !self.places[operand].kept {
                self.groups[group].summed = Some(operand);
            }
        }
    }

    /// Finds the new values that take the place of the old ones while they are computed: of the last group, after which
    /// nothing fails.
    fn replace_states<T: Number + Send + Sync>(&mut self, step: &NonlinearStep<T>) {
        let new: Vec<NodeId> =
            step.states.iter().map(|state| step.resolved(state.update)).collect();
        let last = self.groups.last().expect("a group without a whole");
        for (i, id) in new.iter().enumerate() {
            let is_alone = new.iter().filter(|other| *other == id).count() == 1;
            let is_copied = new.iter().any(|id| step.is_state(*id, i));
            if is_alone && !is_copied && last.vectors.contains(id) && step.states[i].is_vector() {
                self.places[*id].in_place = Some(i);
            }
        }
    }

    /// Gives the vectors of each group their slots, which are used again.
    fn assign_slots<T: Number + Send + Sync>(&mut self, step: &NonlinearStep<T>) {
        for group in &mut self.groups {
            let mut last_use = vec![0; step.nodes.len()];
            for (at, id) in group.vectors.iter().enumerate() {
                last_use[*id] = at;
                if let Operation::Other(node, _) = &step.nodes[*id] {
                    node.operands().iter().for_each(|x| last_use[step.resolved(*x)] = at);
                }
            }
            // Written when all others of the group have been computed.
            for id in group.vectors.iter().filter(|id| self.places[**id].in_place.is_some()) {
                last_use[*id] = usize::MAX;
            }
            let (mut free, mut open) = (Vec::new(), Vec::new());
            for (at, id) in group.vectors.iter().enumerate() {
                let slot = free.pop().unwrap_or_else(|| {
                    group.slots += 1;
                    group.slots - 1
                });
                self.places[*id].slot = Some(slot);
                open.push((last_use[*id], slot));
                open.retain(|(last, slot)| {
                    let is_open = *last > at;
                    if !is_open {
                        free.push(*slot);
                    }
                    is_open
                });
            }
        }
    }
}

/// Whether an operation needs all entries of its operands at once, or makes matrices of another shape than the
/// parameters.
fn needs_all<T>(shape: Shape, operation: &Operation<T>) -> bool {
    let is_whole = matches!(
        operation,
        Operation::Other(
            Node::Field { .. }
                | Node::FieldDerivative { .. }
                | Node::Entries(_)
                | Node::MatrixProduct(..)
                | Node::Transpose(_)
                | Node::MatrixFunction(..),
            _
        )
    );
    is_whole || matches!(shape, Shape::Square(_) | Shape::Transposed)
}
