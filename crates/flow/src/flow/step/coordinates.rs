//! The coordinates of the modified field of a step in one vector: the parameters, then the slow variables.

use bea_series::typed::{Program, TypedState};

/// The states that are coordinates, by their indices.
pub(in crate::flow) fn coordinates(program: &Program) -> impl Iterator<Item = usize> + '_ {
    let is_coordinate = |(i, state): &(usize, &TypedState)| *i == 0 || state.slow;
    program.states.iter().enumerate().filter(is_coordinate).map(|(i, _)| i)
}

/// The coordinates of a point, one vector each, of so many parameters.
pub(in crate::flow) fn split<T: Clone>(
    program: &Program,
    point: &[T],
    dimension: usize,
) -> Vec<Vec<T>> {
    let mut rest = point;
    let mut take = |i: usize| {
        let length = program.states[i].shape.length(dimension, &program.matrices);
        let (first, others) = rest.split_at(length);
        rest = others;
        first.to_vec()
    };
    coordinates(program).map(&mut take).collect()
}
