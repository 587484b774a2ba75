//! The parts of operations on matrices.

use super::run::{Run, Stop};
use super::step::Op;
use super::vectors::{Part, nothing};
use crate::flow::MatrixFault;
use crate::flow::matrices::{Decompositions, Matrices, identity, product_part, transpose};
use crate::loss::Number;

impl<T: Number + Send + Sync> Run<'_, T> {
    /// The part of degree `k` of an operation on matrices, all of whose entries are here.
    pub(super) fn of_matrices(&mut self, op: usize, k: usize) -> Result<Part<T>, Stop> {
        let field = self.field;
        let (operation, node) = &field.ops[op];
        let matrices = &field.matrices;
        if matrices.is_empty() {
            return Err(Stop::Matrix(*node, MatrixFault::Unknown));
        }
        match *operation {
            Op::MatrixProduct(a, b) => {
                self.value(a, k - field.valuations[b])?;
                self.value(b, k - field.valuations[a])?;
                Ok(product_part(&self.matrices(a), &self.matrices(b), k, matrices))
            }
            Op::Transpose(x) => {
                self.value(x, k)?;
                let shape = self.matrices(x).shape;
                let turned = |x: &Vec<T>| transpose(x, shape, matrices);
                Ok(self.parts(x)[k].iter().map(|x| x.as_ref().map(turned)).collect())
            }
            Op::Identity => {
                let mut out = nothing(k);
                if k == 0 {
                    let one = T::from_rational(&1.into());
                    out[0] = Some(identity(&one, field.shapes[*node], matrices));
                }
                Ok(out)
            }
            Op::MatrixFunction(function, x) => {
                self.value(x, k)?;
                if !self.decompositions.contains_key(&op) {
                    let (base, shape) = (&self.parts(x)[0][0], self.matrices(x).shape);
                    let new = Decompositions::new(function, base, shape, matrices);
                    let new = new.map_err(|fault| Stop::Matrix(*node, fault))?;
                    self.decompositions.insert(op, new);
                }
                let (operand, own) = (self.matrices(x), self.parts(op));
                let part = self.decompositions[&op].part(function, &operand, own, k, matrices);
                part.map_err(|fault| Stop::Matrix(*node, fault))
            }
            _ => unreachable!("others are no operations on matrices"),
        }
    }

    /// What is known of an operation's matrices.
    fn matrices(&self, op: usize) -> Matrices<'_, T> {
        let node = self.field.ops[op].1;
        Matrices { parts: self.parts(op), shape: self.field.shapes[node] }
    }
}
