//! Entries of arrays taken to other places: axes in another order, parts of an axis, rows of a table.

use burn::tensor::{IndexingUpdateOp, Int, Tensor};

use super::{Array, zeros};

impl Array {
    /// Axes in another order: axis `i` of the result is axis `order[i]` of this.
    pub fn permute(&self, order: &[usize]) -> Self {
        let shape: Vec<usize> = order.iter().map(|&axis| self.shape[axis]).collect();
        match order.len() {
            2 => self.of(self.tensor([self.shape[0], self.shape[1]]).transpose(), &shape),
            4 => {
                let order =
                    [order[0] as isize, order[1] as isize, order[2] as isize, order[3] as isize];
                self.of(self.image().permute(order), &shape)
            }
            rank => unreachable!("no network permutes {rank} axes"),
        }
    }

    /// Entries `start … start + count` of the last axis.
    pub fn narrow(&self, start: usize, count: usize) -> Self {
        let mut shape = self.shape.clone();
        let last = shape.pop().expect("an array with an axis");
        let rows: usize = shape.iter().product();
        shape.push(count);
        self.of(self.tensor([rows, last]).narrow(1, start, count), &shape)
    }

    /// The adjoint of [`narrow`](Self::narrow): this in an array of zeros with `last` entries on the last axis.
    pub fn widen(&self, start: usize, last: usize) -> Self {
        let mut shape = self.shape.clone();
        let count = shape.pop().expect("an array with an axis");
        let rows: usize = shape.iter().product();
        shape.push(last);
        let values = self.tensor([rows, count]);
        let zeros = zeros(&values, [rows, last]);
        self.of(zeros.slice_assign([0..rows, start..start + count], values), &shape)
    }

    pub fn rows(&self, indices: &Tensor<1, Int>) -> Self {
        let [rows, width] = [self.shape[0], self.shape[1]];
        let taken = self.tensor([rows, width]).select(0, indices.clone());
        let shape = taken.dims();
        self.of(taken, &shape)
    }

    /// The adjoint of [`rows`](Self::rows): every row of this is added to the row of a table that it came from.
    pub fn scatter_rows(&self, indices: &Tensor<1, Int>, rows: usize) -> Self {
        let width = self.shape[1];
        let values = self.tensor([self.shape[0], width]);
        let table = zeros(&values, [rows, width]);
        let sum = table.select_assign(0, indices.clone(), values, IndexingUpdateOp::Add);
        self.of(sum, &[rows, width])
    }
}
