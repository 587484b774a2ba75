//! The nodes that depend on parameters, in the order in which they are evaluated: several at once where the tape has one
//! operation for them.

use super::operation::{Axes, Operation};
use super::{Graph, Node};
use std::collections::HashMap;

/// The evaluation of one node.
#[derive(Debug)]
pub(super) struct Step {
    pub node: usize,
    pub kind: Kind,
    /// The nodes whose values it takes, and those of them that no later step does.
    pub args: Vec<usize>,
    pub spent: Vec<usize>,
    /// Whether more than the real base reaches the loss.
    pub reaches: bool,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The parameter of this number is taken.
    Parameter(usize),
    /// The node's operation.
    Operation,
    /// `x W + b`, of three arguments, or `x Wᵀ + b` where it is `transposed`.
    Linear { transposed: bool },
    /// `Σ t log softmax(x)`, of two arguments, `x` and `t`, with the axis of the softmax, over those of the node.
    CrossEntropy { axis: usize },
}

/// Nodes that are evaluated with a later one, and how that is evaluated then.
struct Fused {
    absorbed: Vec<usize>,
    kind: Kind,
    args: Vec<usize>,
}

impl Graph {
    /// The steps up to the loss.
    pub(super) fn steps(&self) -> Vec<Step> {
        let places = self.layout.parameters.iter().map(|parameter| parameter.name.as_str());
        let place: HashMap<&str, usize> = places.zip(0..).collect();
        let reaches = self.reaching();
        let mut uses = vec![0; self.nodes.len()];
        for node in self.nodes.iter().filter(|node| node.needed) {
            node.args.iter().for_each(|&arg| uses[arg] += 1);
        }
        self.ends.iter().for_each(|&end| uses[end] += 1);
        let live = |index: &usize| self.nodes[*index].needed && self.nodes[*index].varies;
        let (mut steps, mut absorbed) = (Vec::<Step>::new(), vec![false; self.nodes.len()]);
        for node in (0..=self.loss).filter(live) {
            let Node { operation, args, .. } = &self.nodes[node];
            let reaches = reaches[node];
            let fused = || self.linear(node, &uses).or_else(|| self.cross_entropy(node, &uses));
            let (kind, args) = match (operation, fused().filter(|_| reaches)) {
                (Operation::Parameter { name }, _) => {
                    (Kind::Parameter(place[name.as_str()]), Vec::new())
                }
                (_, Some(fused)) => {
                    fused.absorbed.into_iter().for_each(|node| absorbed[node] = true);
                    (fused.kind, fused.args)
                }
                _ => (Kind::Operation, args.clone()),
            };
            steps.push(Step { node, kind, args, spent: Vec::new(), reaches });
        }
        steps.retain(|step| !absorbed[step.node]);
        let mut later = vec![false; self.nodes.len()];
        for step in steps.iter_mut().rev() {
            for &arg in &step.args {
                if !std::mem::replace(&mut later[arg], true) {
                    step.spent.push(arg);
                }
            }
        }
        steps
    }

    /// The sum of a product with a matrix, which nothing else takes, and of a row.
    fn linear(&self, node: usize, uses: &[usize]) -> Option<Fused> {
        let Node { operation: Operation::Add, args, shape, .. } = &self.nodes[node] else {
            return None;
        };
        [[args[0], args[1]], [args[1], args[0]]].into_iter().find_map(|[product, row]| {
            let Node { operation: Operation::Matmul { transpose }, args, varies, .. } =
                &self.nodes[product]
            else {
                return None;
            };
            let [left, transposed] = *transpose;
            let (width, row_shape) = (*shape.last()?, &self.nodes[row].shape);
            let fits = !left
                && *varies
                && uses[product] == 1
                && self.nodes[product].shape == *shape
                && self.nodes[args[1]].shape.len() == 2
                && row_shape.last() == Some(&width)
                && row_shape.iter().product::<usize>() == width;
            let (absorbed, args) = (vec![product], vec![args[0], args[1], row]);
            fits.then_some(Fused { absorbed, kind: Kind::Linear { transposed }, args })
        })
    }

    /// A sum, along the axis of a softmax too, of the products of its logarithms, which nothing else takes, with other numbers.
    fn cross_entropy(&self, node: usize, uses: &[usize]) -> Option<Fused> {
        let alone = |node: usize| self.nodes[node].varies && uses[node] == 1;
        let Node { operation: Operation::Sum(Axes { axes, .. }), args, .. } = &self.nodes[node]
        else {
            return None;
        };
        let product = args[0];
        let Node { operation: Operation::Multiply, args, shape, .. } = &self.nodes[product] else {
            return None;
        };
        [[args[0], args[1]], [args[1], args[0]]].into_iter().find_map(|[logarithms, other]| {
            let Node { operation: Operation::LogSoftmax { axis }, args, .. } =
                &self.nodes[logarithms]
            else {
                return None;
            };
            let fits = alone(product)
                && alone(logarithms)
                && axes.contains(axis)
                && [logarithms, other].iter().all(|factor| self.nodes[*factor].shape == *shape);
            let (absorbed, args) = (vec![product, logarithms], vec![args[0], other]);
            fits.then_some(Fused { absorbed, kind: Kind::CrossEntropy { axis: *axis }, args })
        })
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
