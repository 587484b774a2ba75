//! The entries of all vectors, some at a time.
//!
//! Most operations make each entry of their series from the same entry of their operands, so a few entries go through
//! them all while they are in the cache, and different ones on different cores. An operation that needs all entries of its
//! operand, the vector field or a sum, stops every block; then it is evaluated once, and the blocks begin again with its
//! part of one more degree. What is computed does not depend on the number of threads.

use super::run::{Run, Stop};
use super::step::{JetError, JetSource, Op, StepField};
use super::vectors::{Coefficient, Part, add, nothing, zero};
use crate::flow::MatrixFault;
use crate::loss::Number;
use crate::objective::Jet;
use bea_series::typed::NodeId;
use rayon::prelude::*;
use std::borrow::Cow;
use std::ops::Range;

/// Entries of a block, except for the last one.
const BLOCK: usize = 1024;

/// A step's operations at a point, block by block.
pub(super) struct Blocks<'a, T> {
    field: &'a StepField<T>,
    start: &'a [Vec<T>],
    /// The entries of each block, more than one if a vector has them: one alone is a number.
    ranges: Vec<Range<usize>>,
    /// The parts of the operations that need all entries, from the least degree that they can have.
    known: Vec<Vec<Part<T>>>,
    /// The points and directions of the vector field.
    jets: Vec<Option<Jet<T>>>,
}

/// What has kept a block from going on.
enum Halt<T> {
    /// The next part of an operation that needs all entries, and what this block has for it: degree by degree of each
    /// operand.
    Whole(usize, Vec<Vec<Part<T>>>),
    Kink(NodeId),
    Matrix(NodeId, MatrixFault),
}

impl<'a, T: Number + Send + Sync> Blocks<'a, T> {
    pub fn new(field: &'a StepField<T>, start: &'a [Vec<T>]) -> Self {
        let dimension = start[0].len();
        // Matrices are multiplied as a whole.
        let count = if field.matrices.is_empty() { (dimension / BLOCK).max(1) } else { 1 };
        let end = |i| if i + 1 == count { dimension } else { (i + 1) * BLOCK };
        Blocks {
            field,
            start,
            ranges: (0..count).map(|i| i * BLOCK..end(i)).collect(),
            known: vec![Vec::new(); field.ops.len()],
            jets: (0..field.ops.len()).map(|_| None).collect(),
        }
    }

    fn dimension(&self) -> usize {
        self.start[0].len()
    }

    /// What `wanted` makes of the series of each block.
    pub fn solve<S: JetSource<T>, R: Send>(
        &mut self,
        source: &mut S,
        wanted: impl Fn(&mut Run<'_, T>) -> Result<R, Stop> + Sync,
    ) -> Result<Vec<R>, JetError<S::Error>> {
        if self.ranges.len() == 1 {
            // A single block goes on where it has stopped.
            let mut run = self.run(&self.ranges[0]);
            loop {
                let halt = match wanted(&mut run) {
                    Ok(result) => return Ok(vec![result]),
                    Err(stop) => self.halt(&mut run, stop),
                };
                let op = self.go_on(source, vec![halt])?;
                let part = self.known[op].last().expect("just made").clone();
                run.give(op, part);
            }
        }
        loop {
            let block = |range: &Range<usize>| {
                let mut run = self.run(range);
                wanted(&mut run).map_err(|stop| self.halt(&mut run, stop))
            };
            let results: Vec<Result<R, Halt<T>>> = self.ranges.par_iter().map(block).collect();
            let mut halts = Vec::new();
            let mut done = Vec::with_capacity(results.len());
            for result in results {
                match result {
                    Ok(result) => done.push(result),
                    Err(halt) => halts.push(halt),
                }
            }
            if halts.is_empty() {
                return Ok(done);
            }
            self.go_on(source, halts)?;
        }
    }

    /// A block with what is known.
    fn run(&self, range: &Range<usize>) -> Run<'a, T> {
        // All of it, of matrices that may have another shape than the parameters.
        let is_whole = self.ranges.len() == 1;
        let slice = |x: &Vec<T>| match x.len() {
            1 => x.clone(),
            _ if is_whole => x.clone(),
            _ => x[range.clone()].to_vec(),
        };
        let mut run = Run::new(self.field, self.dimension(), range.len());
        for (i, value) in self.field.coordinates().into_iter().zip(self.start) {
            run.states[i].push(vec![Some(slice(value))]);
        }
        for (op, parts) in self.known.iter().enumerate() {
            for part in parts {
                run.give(op, part.iter().map(|x| x.as_ref().map(slice)).collect());
            }
        }
        run
    }

    fn halt(&self, run: &mut Run<'_, T>, stop: Stop) -> Halt<T> {
        match stop {
            Stop::Kink(node) => Halt::Kink(node),
            Stop::Matrix(node, fault) => Halt::Matrix(node, fault),
            Stop::Whole(op) => {
                let k = run.degree(op);
                let operands = self.operands(op).into_iter().map(|(x, behind)| {
                    let first = match self.field.ops[op].0 {
                        Op::Entries(_) => k,
                        _ => self.jets[x].as_ref().map_or(0, |jet| jet.degree() + 1),
                    };
                    (first..=k - behind)
                        .map(|degree| match self.field.ops[op].0 {
                            Op::Entries(_) => run.sums(x, degree),
                            _ => run.vectors(x, degree),
                        })
                        .collect()
                });
                Halt::Whole(op, operands.collect())
            }
        }
    }

    /// What an operation that needs all entries is evaluated at, and by how many degrees less than its own that is needed.
    fn operands(&self, op: usize) -> Vec<(usize, usize)> {
        match &self.field.ops[op].0 {
            Op::Field(x) | Op::Entries(x) => vec![(*x, 0)],
            // At the old parameters.
            Op::FieldDerivative(x) => {
                let theta = (self.field.theta(), self.field.valuations[*x]);
                if *x == theta.0 { vec![theta] } else { vec![theta, (*x, 0)] }
            }
            _ => unreachable!("only these need all entries"),
        }
    }

    /// Evaluates the next part of the operation that all blocks stopped at, which is returned.
    fn go_on<S: JetSource<T>>(
        &mut self,
        source: &mut S,
        halts: Vec<Halt<T>>,
    ) -> Result<usize, JetError<S::Error>> {
        let mut blocks = Vec::with_capacity(halts.len());
        let mut at = 0;
        for halt in halts {
            match halt {
                Halt::Kink(node) => return Err(JetError::Kink(node)),
                Halt::Matrix(node, fault) => return Err(JetError::Matrix(node, fault)),
                Halt::Whole(op, operands) => {
                    at = op;
                    blocks.push(operands);
                }
            }
        }
        let field = self.field;
        let operands = self.operands(at);
        if let Op::Entries(_) = &field.ops[at].0 {
            let mut sum = nothing(blocks[0][0][0].len() - 1);
            for (sum, i) in sum.iter_mut().zip(0..) {
                for x in blocks.iter().filter_map(|operands| operands[0][0][i].as_ref()) {
                    add(sum, &T::from_rational(&1.into()), x);
                }
            }
            self.known[at].push(sum);
            return Ok(at);
        }
        for (which, &(x, _)) in operands.iter().enumerate() {
            for degree in 0..blocks[0][which].len() {
                let mut parts = blocks.iter_mut().map(|operands| &mut operands[which][degree]);
                let mut whole = std::mem::take(parts.next().expect("a block"));
                for coefficient in whole.iter_mut().flatten() {
                    coefficient.reserve_exact(self.start[0].len() - coefficient.len());
                }
                for part in parts {
                    for (whole, part) in whole.iter_mut().zip(part) {
                        whole.iter_mut().zip(part).for_each(|(whole, part)| whole.append(part));
                    }
                }
                self.extend(x, whole);
            }
        }
        // Other operations may have needed more of the same operands.
        let k = self.known[at].len() + field.valuations[at];
        let is_still = |x: &Jet<T>| (1..=x.degree()).all(|k| x.coefficient(k, 0).is_none());
        // Whether the part is 0 at s = 0, where the parameters often are the same for every step size.
        let (value, is_zero) = match &field.ops[at].0 {
            Op::Field(x) => {
                let x = self.jet(*x, k);
                (source.field(&x), k > 0 && is_still(&x))
            }
            Op::FieldDerivative(v) => {
                let mut x = self.jet(field.theta(), k - field.valuations[*v]).into_owned();
                // What stands beside nothing of the direction.
                while x.degree() < k {
                    x.push(nothing(x.degree() + 1));
                }
                let v = self.jet(*v, k);
                let is_zero = k > 0 && is_still(&x) && v.coefficient(k, 0).is_none();
                (source.along(&x, &v), is_zero)
            }
            _ => unreachable!("sums are done"),
        };
        let mut part: Part<T> = value.map_err(JetError::Field)?.into_iter().map(Some).collect();
        if is_zero {
            part[0] = None;
        }
        self.known[at].push(part);
        Ok(at)
    }

    /// A point or a direction up to a degree.
    fn jet(&self, x: usize, degree: usize) -> Cow<'_, Jet<T>> {
        let jet = self.jets[x].as_ref().expect("there by now");
        if jet.degree() > degree { Cow::Owned(jet.truncated(degree)) } else { Cow::Borrowed(jet) }
    }

    /// A number, or the vector whose part in each block is `part`.
    pub fn join<'p>(&self, length: usize, part: impl Fn(usize) -> &'p Vec<T>) -> Vec<T>
    where
        T: 'p,
    {
        if length == 1 {
            return part(0).first().map_or_else(|| vec![zero()], |x| vec![x.clone()]);
        }
        let mut whole = Vec::with_capacity(length);
        for (b, range) in self.ranges.iter().enumerate() {
            let end = if self.ranges.len() == 1 { length } else { range.end };
            match &part(b)[..] {
                [] => whole.resize(end, zero()),
                [x] => whole.resize(end, x.clone()),
                x => whole.extend_from_slice(x),
            }
        }
        whole
    }

    /// Adds the next part of a point or a direction.
    fn extend(&mut self, x: usize, part: Part<T>) {
        let dimension = self.dimension();
        match &mut self.jets[x] {
            Some(jet) => jet.push(part),
            jet => {
                let base: Coefficient<T> = part.into_iter().next().flatten();
                *jet = Some(Jet::new(base.unwrap_or_else(|| vec![zero(); dimension])));
            }
        }
    }
}
