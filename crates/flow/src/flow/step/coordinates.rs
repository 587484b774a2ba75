//! The coordinates of the modified field of a step in one vector: the parameters, then the slow variables.

use bea_series::typed::{Program, Shape, TypedState};

/// The states that are coordinates, by their indices.
pub(in crate::flow) fn coordinates(program: &Program) -> impl Iterator<Item = usize> + '_ {
    let is_coordinate = |(i, state): &(usize, &TypedState)| *i == 0 || state.slow;
    program.states.iter().enumerate().filter(is_coordinate).map(|(i, _)| i)
}

/// The coordinates of a point, one vector each.
pub(in crate::flow) fn split<T: Clone>(program: &Program, point: &[T]) -> Vec<Vec<T>> {
    let is_number = |i: usize| program.states[i].shape == Shape::Number;
    let numbers = coordinates(program).filter(|i| is_number(*i)).count();
    let vectors = coordinates(program).count() - numbers;
    let dimension = (point.len() - numbers) / vectors;
    let mut rest = point;
    let mut take = |i: usize| {
        let (first, others) = rest.split_at(if is_number(i) { 1 } else { dimension });
        rest = others;
        first.to_vec()
    };
    coordinates(program).map(&mut take).collect()
}
