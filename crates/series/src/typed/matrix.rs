//! The parameters as matrices, for steps that multiply matrices or take functions of them.

use super::program::{Node, NodeId, Program, Shape};

/// An axis of a matrix of parameters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Axis {
    /// Down its rows.
    Rows,
    /// Along its columns.
    Columns,
}

/// A function of a matrix.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum MatrixFunction {
    /// The orthogonal polar factor `U Vᵀ` of `G = U S Vᵀ` with all of `S` positive: the gradient of the sum of the singular
    /// values, and the matrix with orthonormal columns or rows that is nearest to `G`. Source: Higham (2008), *Functions of
    /// matrices*, chapter 8.
    Polar,
    /// `M^(-1/k)` of a symmetric positive definite matrix, for `k ≥ 1`.
    InverseRoot(u32),
}

/// The shape of a matrix of parameters, whose entries lie row by row.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Matrix {
    /// How many rows it has.
    pub rows: usize,
    /// How many columns it has.
    pub columns: usize,
}

impl Matrix {
    /// The matrix that an array with these axes is taken for, the last one varying fastest: the first axis are the rows, all
    /// others together the columns, as for a convolution's kernel `[outputs, inputs, height, width]`. An array with one axis
    /// is a single column.
    pub fn of_axes(axes: &[usize]) -> Matrix {
        let (rows, rest) = axes.split_first().map_or((1, &[][..]), |(rows, rest)| (*rows, rest));
        Matrix { rows, columns: rest.iter().product() }
    }

    /// Its number of rows and columns in a shape that is made of it.
    ///
    /// # Panics
    /// For a number.
    pub fn in_shape(self, shape: Shape) -> Matrix {
        let of = |axis| match axis {
            Axis::Rows => self.rows,
            Axis::Columns => self.columns,
        };
        let (rows, columns) = shape.axes().expect("a matrix");
        Matrix { rows: of(rows), columns: of(columns) }
    }

    /// How many entries it has.
    pub fn entries(self) -> usize {
        self.rows * self.columns
    }
}

impl Shape {
    /// The axes of the parameters that its rows and its columns have the lengths of; `None` for a number.
    pub fn axes(self) -> Option<(Axis, Axis)> {
        match self {
            Shape::Number => None,
            Shape::Vector => Some((Axis::Rows, Axis::Columns)),
            Shape::Square(axis) => Some((axis, axis)),
            Shape::Transposed => Some((Axis::Columns, Axis::Rows)),
        }
    }

    /// The shape with these axes.
    pub fn of_axes(rows: Axis, columns: Axis) -> Shape {
        match (rows, columns) {
            (Axis::Rows, Axis::Columns) => Shape::Vector,
            (Axis::Columns, Axis::Rows) => Shape::Transposed,
            (axis, _) => Shape::Square(axis),
        }
    }

    /// How many entries it has where the parameters have `dimension`, or are these matrices.
    pub fn length(self, dimension: usize, matrices: &[Matrix]) -> usize {
        match self {
            Shape::Number => 1,
            Shape::Vector => dimension,
            shape => matrices.iter().map(|matrix| matrix.in_shape(shape).entries()).sum(),
        }
    }
}

impl Program {
    /// The first operation of this step that needs to know which matrices the parameters are.
    pub fn needs_matrices(&self) -> Option<NodeId> {
        let is_matrix = |id: &NodeId| {
            matches!(
                self.nodes[*id],
                Node::MatrixProduct(..)
                    | Node::Transpose(_)
                    | Node::Identity
                    | Node::MatrixFunction(..)
            )
        };
        (0..self.nodes.len()).find(is_matrix)
    }
}
