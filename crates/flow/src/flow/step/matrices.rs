//! The operations of a nonlinear step on whole matrices.

use crate::flow::matrices::{MatrixFault, identity, of_entries, product, transpose};
use crate::loss::Number;
use bea_series::typed::{Matrix, Node, NodeId, Shape};

/// Whether an operation is one of matrices.
pub(super) fn is_operation(node: &Node) -> bool {
    matches!(
        node,
        Node::MatrixProduct(..) | Node::Transpose(_) | Node::Identity | Node::MatrixFunction(..)
    )
}

/// What such an operation, `id`, makes of its operands.
///
/// # Errors
/// Inverse roots of what is not positive definite.
pub(super) fn compute<'v, T: Number + 'v>(
    node: &Node,
    id: NodeId,
    get: impl Fn(NodeId) -> &'v [T],
    shapes: &[Shape],
    matrices: &[Matrix],
) -> Result<Vec<T>, MatrixFault> {
    Ok(match node {
        Node::MatrixProduct(a, b) => product(get(*a), get(*b), (shapes[*a], shapes[*b]), matrices),
        Node::Transpose(x) => transpose(get(*x), shapes[*x], matrices),
        Node::Identity => identity(&T::from_rational(&1.into()), shapes[id], matrices),
        Node::MatrixFunction(function, x) => of_entries(*function, get(*x), shapes[*x], matrices)?,
        _ => unreachable!("others are no operations of matrices"),
    })
}
