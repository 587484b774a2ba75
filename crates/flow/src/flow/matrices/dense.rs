//! Dense matrices over any numbers.

use crate::flow::jets::vectors::zero;
use crate::loss::Number;

/// A matrix, row by row.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Dense<T> {
    pub rows: usize,
    pub columns: usize,
    pub entries: Vec<T>,
}

impl<T: Number> Dense<T> {
    pub fn new(rows: usize, columns: usize, entries: Vec<T>) -> Self {
        assert_eq!(entries.len(), rows * columns, "all entries");
        Dense { rows, columns, entries }
    }

    pub fn from_fn(rows: usize, columns: usize, mut f: impl FnMut(usize, usize) -> T) -> Self {
        let mut entries = Vec::with_capacity(rows * columns);
        for i in 0..rows {
            entries.extend((0..columns).map(|j| f(i, j)));
        }
        Dense { rows, columns, entries }
    }

    pub fn zero(rows: usize, columns: usize) -> Self {
        Dense { rows, columns, entries: vec![zero(); rows * columns] }
    }

    pub fn at(&self, i: usize, j: usize) -> &T {
        &self.entries[i * self.columns + j]
    }

    pub fn transposed(&self) -> Self {
        Dense::from_fn(self.columns, self.rows, |i, j| self.at(j, i).clone())
    }

    /// `self other`
    pub fn times(&self, other: &Self) -> Self {
        let mut out = Dense::zero(self.rows, other.columns);
        for i in 0..self.rows {
            let row: &mut [T] = &mut out.entries[i * other.columns..(i + 1) * other.columns];
            for k in 0..self.columns {
                let x = self.at(i, k);
                let factors = &other.entries[k * other.columns..(k + 1) * other.columns];
                for (sum, y) in row.iter_mut().zip(factors) {
                    *sum = sum.clone() + x.clone() * y.clone();
                }
            }
        }
        out
    }

    /// `self += c other`
    pub fn add(&mut self, c: &T, other: &Self) {
        for (sum, x) in self.entries.iter_mut().zip(&other.entries) {
            *sum = sum.clone() + c.clone() * x.clone();
        }
    }
}
