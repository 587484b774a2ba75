//! Entries and rows by index, and the addition to them.

use super::operation::Operation;
use super::value::{At, entries, length};
use super::view::{View, strides};
use crate::array::Positions;
use crate::tape::Variable;

/// A whole number from 0 to `rows - 1`.
pub(super) fn index_of(at: f64, rows: usize) -> Option<usize> {
    (at >= 0.0 && at.fract() == 0.0 && at < rows as f64).then_some(at as usize)
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
}

impl At<'_, '_, '_> {
    /// Where along an axis entries are gathered, taken or added.
    pub(super) fn indexed(
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
        // What no index names is not a number, and neither is a gradient through it.
        let view = view(&entries(&args[1]));
        if view.positions().contains(&Positions::NONE) {
            return tape.scale(&picked, f64::NAN);
        }
        picked
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
