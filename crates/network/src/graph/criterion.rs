//! Losses of outputs as graphs, at the end of a network.

use super::lower::Lowering;
use super::operation::{Axes, Operation};
use super::tangent::NoTangent;
use crate::architecture::Criterion;

impl Lowering<'_> {
    /// The mean over all entries of a matrix.
    fn mean_of_all(&mut self, x: usize) -> usize {
        self.push(Operation::Mean(Axes { axes: vec![0, 1], keep: false }), &[x])
    }

    /// The sum over all axes.
    fn sum_of_all(&mut self, x: usize) -> usize {
        let axes = (0..self.shape(x).len()).collect();
        self.push(Operation::Sum(Axes { axes, keep: false }), &[x])
    }

    pub(super) fn scaled(&mut self, x: usize, factor: f64) -> usize {
        self.push(Operation::Scale { factor }, &[x])
    }

    /// The mean loss of examples, of outputs and targets `[count, width]`.
    ///
    /// # Errors
    /// A derivative of an operation that has none.
    pub(super) fn criterion(
        &mut self,
        criterion: &Criterion,
        outputs: usize,
        targets: usize,
    ) -> Result<usize, NoTangent> {
        self.ends.push(outputs);
        if let Criterion::Formula(formula) = criterion {
            let loss = self.formula(formula, outputs, targets)?;
            return Ok(self.mean_of_all(loss));
        }
        Ok(self.mean_loss(criterion, outputs, targets))
    }

    fn mean_loss(&mut self, criterion: &Criterion, outputs: usize, targets: usize) -> usize {
        let [count, width] = [0, 1].map(|axis| self.shape(outputs)[axis]);
        match criterion {
            Criterion::CrossEntropy { .. } => {
                let logarithms = self.push(Operation::LogSoftmax { axis: 1 }, &[outputs]);
                let chosen = self.push(Operation::Multiply, &[targets, logarithms]);
                let sum = self.sum_of_all(chosen);
                self.scaled(sum, -1.0 / count as f64)
            }
            Criterion::MeanSquaredError => {
                let error = self.push(Operation::Subtract, &[outputs, targets]);
                let square = self.push(Operation::Square, &[error]);
                self.mean_of_all(square)
            }
            Criterion::HalfSquaredError => {
                let error = self.push(Operation::Subtract, &[outputs, targets]);
                let square = self.push(Operation::Square, &[error]);
                let sum = self.sum_of_all(square);
                self.scaled(sum, 0.5 / count as f64)
            }
            // q (e - q/2) with q = max(-δ, min(e, δ)), which is e²/2 inside and δ|e| - δ²/2 outside.
            Criterion::Huber { delta } => {
                let error = self.push(Operation::Subtract, &[outputs, targets]);
                let clamp = Operation::Clamp { min: Some(-delta), max: Some(*delta) };
                let inside = self.push(clamp, &[error]);
                let half = self.scaled(inside, 0.5);
                let rest = self.push(Operation::Subtract, &[error, half]);
                let loss = self.push(Operation::Multiply, &[inside, rest]);
                self.mean_of_all(loss)
            }
            Criterion::Hinge { margin, power } if width == 1 => {
                let signs = self.signs(targets);
                let signed = self.push(Operation::Multiply, &[signs, outputs]);
                let missing = self.scaled(signed, -1.0);
                let loss = self.hinge(missing, *margin, *power);
                self.mean_of_all(loss)
            }
            Criterion::Hinge { margin, power } => {
                // 1 for the right class, and 1 for all others.
                let [right, others] = [0.5, -0.5].map(|factor| {
                    let half = self.scaled(targets, factor);
                    self.push(Operation::Offset { term: 0.5 }, &[half])
                });
                let chosen = self.push(Operation::Multiply, &[right, outputs]);
                let chosen =
                    self.push(Operation::Sum(Axes { axes: vec![1], keep: true }), &[chosen]);
                let missing = self.push(Operation::Subtract, &[outputs, chosen]);
                let loss = self.hinge(missing, *margin, *power);
                let loss = self.push(Operation::Multiply, &[others, loss]);
                self.mean_of_all(loss)
            }
            Criterion::Logistic => {
                let signs = self.signs(targets);
                let signed = self.push(Operation::Multiply, &[signs, outputs]);
                let signed = self.scaled(signed, -1.0);
                let loss = self.push(Operation::Softplus, &[signed]);
                self.mean_of_all(loss)
            }
            // Neither term loses digits where it is small.
            Criterion::BinaryCrossEntropy => {
                let minus = self.scaled(outputs, -1.0);
                let yes = self.push(Operation::Softplus, &[minus]);
                let yes = self.push(Operation::Multiply, &[targets, yes]);
                let no = self.push(Operation::Softplus, &[outputs]);
                let others = self.scaled(targets, -1.0);
                let others = self.push(Operation::Offset { term: 1.0 }, &[others]);
                let no = self.push(Operation::Multiply, &[others, no]);
                let loss = self.push(Operation::Add, &[yes, no]);
                self.mean_of_all(loss)
            }
            Criterion::Contrastive { temperature } => {
                self.contrastive(outputs, targets, *temperature)
            }
            Criterion::Formula(_) => unreachable!("lowered on its own"),
        }
    }

    /// The supervised contrastive loss of outputs `[n, width]` and the rows of the identity matrix that are their classes.
    fn contrastive(&mut self, outputs: usize, classes: usize, temperature: f64) -> usize {
        use Operation as O;
        let n = self.shape(outputs)[0];
        let along = |axis, keep| Axes { axes: vec![axis], keep };
        let square = self.push(O::Square, &[outputs]);
        let square = self.push(O::Sum(along(1, true)), &[square]);
        let inverse = self.push(O::Rsqrt, &[square]);
        let unit = self.push(O::Multiply, &[outputs, inverse]);
        let pairs = O::Matmul { transpose: [false, true] };
        let alike = self.push(pairs.clone(), &[unit, unit]);
        let alike = self.scaled(alike, 1.0 / temperature);
        let [row, column] = [0, 1].map(|axis| self.push(O::Iota { shape: vec![n, n], axis }, &[]));
        let itself = self.push(O::Equal, &[row, column]);
        let [zero, one, never] =
            [0.0, 1.0, f64::NEG_INFINITY].map(|value| self.push(O::Scalar { value }, &[]));
        let others = self.push(O::Where, &[itself, never, alike]);
        let logarithms = self.push(O::LogSoftmax { axis: 1 }, &[others]);
        let logarithms = self.push(O::Where, &[itself, zero, logarithms]);
        // Of the same class: each row sums to one, or zero.
        let same = self.push(pairs, &[classes, classes]);
        let same = self.push(O::Where, &[itself, zero, same]);
        let count = self.push(O::Sum(along(1, true)), &[same]);
        let count = self.push(O::Maximum, &[count, one]);
        let share = self.push(O::Divide, &[same, count]);
        let chosen = self.push(O::Multiply, &[share, logarithms]);
        let sum = self.sum_of_all(chosen);
        self.scaled(sum, -1.0 / n as f64)
    }

    /// 1 for positive targets and -1 for others, which are -1 or, of tokens, 0.
    fn signs(&mut self, targets: usize) -> usize {
        let zero = self.push(Operation::Scalar { value: 0.0 }, &[]);
        let mask = self.push(Operation::Greater, &[targets, zero]);
        let doubled = self.scaled(mask, 2.0);
        self.push(Operation::Offset { term: -1.0 }, &[doubled])
    }

    /// `max(0, margin + x)^power`.
    fn hinge(&mut self, x: usize, margin: f64, power: i32) -> usize {
        let x = self.push(Operation::Offset { term: margin }, &[x]);
        let x = self.push(Operation::Relu, &[x]);
        if power == 1 { x } else { self.push(Operation::Square, &[x]) }
    }

    /// The penalty `λ/2 θᵀθ` of all parameters so far, where there is one.
    pub(super) fn penalty(&mut self, l2: f64) -> Option<usize> {
        let is_parameter =
            |at: &usize| matches!(self.nodes[*at].operation, Operation::Parameter { .. });
        let parameters: Vec<usize> = (0..self.nodes.len()).filter(is_parameter).collect();
        let mut sum = None;
        for parameter in parameters.into_iter().filter(|_| l2 != 0.0) {
            let square = self.push(Operation::Square, &[parameter]);
            let squares = self.sum_of_all(square);
            sum = Some(match sum {
                None => squares,
                Some(sum) => self.push(Operation::Add, &[sum, squares]),
            });
        }
        sum.map(|sum| self.scaled(sum, l2 / 2.0))
    }
}
