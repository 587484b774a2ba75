//! Entries and rows by index, and the addition to them.

use super::operation::Operation;
use super::value::{At, entries, length};
use super::view::{View, strides};
use super::{Graph, GraphError};
use crate::array::Positions;
use crate::tape::Variable;

/// A whole number from 0 to `rows - 1`.
pub(super) fn index_of(at: f64, rows: usize) -> Option<usize> {
    (at >= 0.0 && at.fract() == 0.0 && at < rows as f64).then_some(at as usize)
}

/// Up to this number all whole numbers are 32-bit ones.
const EXACT: usize = 1 << f32::MANTISSA_DIGITS;

impl Graph {
    /// That 32-bit numbers hold all indices that are computed from parameters; those of constants are 64-bit ones.
    ///
    /// # Errors
    /// An operation along an axis that is too long.
    pub(super) fn check_indices(&self) -> Result<(), GraphError> {
        let nodes = self.nodes.iter().enumerate();
        for (index, node) in nodes.filter(|(_, node)| node.needed && node.varies) {
            let axis = match &node.operation {
                Operation::Argmax(axis) | Operation::Argmin(axis) => Some(axis.axis),
                Operation::Argsort { axis, .. } => Some(*axis),
                operation => operation.indexes().filter(|_| self.nodes[node.args[1]].varies),
            };
            let rows = axis.map_or(0, |axis| self.nodes[node.args[0]].shape[axis]);
            if rows > EXACT + 1 {
                let cause = format!(
                    "its axis has {rows} entries, and 32-bit numbers hold indices up to {EXACT}"
                );
                return Err(self.fault(
                    index,
                    cause,
                    "evaluate the graph in 64-bit numbers".into(),
                ));
            }
        }
        Ok(())
    }

    /// What is wrong with a node, and what would be right.
    pub(super) fn fault(&self, index: usize, cause: String, help: String) -> GraphError {
        let node = &self.nodes[index];
        GraphError::Node {
            file: self.file.as_path().into(),
            node: index,
            operation: node.operation.name().into(),
            at: node.at.as_deref().map(Into::into),
            cause: cause.into(),
            help: Some(help.into()),
        }
    }
}

impl Operation {
    /// The axis of the first argument in which the second argument is an index.
    pub(super) fn indexes(&self) -> Option<usize> {
        match self {
            Operation::Gather { axis }
            | Operation::Take { axis }
            | Operation::ScatterAdd { axis } => Some(*axis),
            _ => None,
        }
    }

    /// Where in an array of the shape `source` such an operation finds its value, of this shape, by these indices.
    pub(super) fn picked(
        &self,
        source: &[usize],
        indices: &[f64],
        index_shape: &[usize],
        shape: &[usize],
    ) -> View {
        let axis = self.indexes().expect("an operation with indices");
        match self {
            Operation::Take { .. } => taken(source, axis, indices, shape),
            _ => gathered(source, axis, indices, index_shape),
        }
    }
}

impl At<'_, '_, '_> {
    /// Where along an axis entries are gathered, taken or added.
    pub(super) fn indexed(&self, operation: &Operation, args: &[Variable]) -> Variable {
        let tape = self.tape;
        let view = || {
            let indices = entries(&args[1]);
            operation.picked(args[0].shape(), &indices, args[1].shape(), self.shape)
        };
        let (positions, is_outside) = if self.argument_varies(1) {
            let view = view();
            (view.finish(tape.ring.context), view.positions().contains(&Positions::NONE))
        } else {
            (self.positions(|| vec![view()])[0].clone(), false)
        };
        if let Operation::ScatterAdd { .. } = operation {
            return tape.add(&args[0], &tape.scatter(&args[2], &positions));
        }
        let picked = tape.pick(&args[0], &positions);
        // What no index names is not a number, and neither is a gradient through it.
        if is_outside { tape.scale(&picked, f64::NAN) } else { picked }
    }
}

/// `out[i…] = x[… indices[i…] …]`.
fn gathered(source: &[usize], axis: usize, indices: &[f64], shape: &[usize]) -> View {
    let steps = strides(source);
    let places = strides(shape);
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
