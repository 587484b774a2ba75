//! Functions of series in the step size, by their differential equations.

use super::atoms::Opaque;
use super::error::TypedError;
use super::program::{Exponent, NodeId};
use super::solve::{Op, Solved, Solver};
use super::sum::{Sum, recurrence_factor};
use crate::exact::RationalFunction;
use num_rational::BigRational;
use std::rc::Rc;

impl Solver<'_> {
    /// The constant part of an argument that must not vanish.
    fn nonzero(&mut self, u: usize, node: NodeId, what: &'static str) -> Solved<Rc<Sum>> {
        let value = self.value(u, 0)?;
        if value.is_zero() {
            return Err(TypedError::Vanishing { node, argument: self.ops[u].1, what });
        }
        Ok(value)
    }

    /// `y = u^α`: `k u_0 y_k = Σ_{i=1..k} (α i - k + i) u_i y_{k-i}`.
    pub(super) fn power(
        &mut self,
        op: usize,
        u: usize,
        exponent: &Exponent,
        node: NodeId,
        k: usize,
    ) -> Solved<Rc<Sum>> {
        let is_quotient = exponent.as_integer().is_some();
        let what = match &self.ops[u].0 {
            Op::Entries(_) if !is_quotient => "what a norm or a root is taken of",
            _ if is_quotient => "what is divided by",
            _ => "what a root is taken of",
        };
        let start = self.nonzero(u, node, what)?;
        if k == 0 {
            return Ok(Rc::new(self.atoms.power(&start, exponent)));
        }
        let mut sum = Sum::default();
        for i in 1..=k {
            let x = self.value(u, i)?;
            if x.is_zero() {
                continue;
            }
            let y = self.value(op, k - i)?;
            sum.add(&self.atoms.product(&x, &y).scale(&recurrence_factor(exponent, i, k)));
        }
        let inverse = self.atoms.power(&start, &Exponent::integer(-1));
        Ok(Rc::new(self.atoms.product(&sum, &inverse)))
    }

    /// `Σ_{i=1..k} (i/k) u_i w_{k-i}`, as `y' = w u'` says.
    fn chained(
        &mut self,
        u: usize,
        k: usize,
        mut w: impl FnMut(&mut Self, usize) -> Solved<Rc<Sum>>,
    ) -> Solved<Sum> {
        let mut sum = Sum::default();
        for i in 1..=k {
            let x = self.value(u, i)?;
            if x.is_zero() {
                continue;
            }
            let share = RationalFunction::from(BigRational::new(i.into(), k.into()));
            let factor = w(self, k - i)?;
            sum.add(&self.atoms.product(&x, &factor).scale(&share));
        }
        Ok(sum)
    }

    pub(super) fn exponential(&mut self, op: usize, u: usize, k: usize) -> Solved<Rc<Sum>> {
        if k == 0 {
            let start = self.value(u, 0)?;
            let one = Sum::constant(RationalFunction::one());
            let value = if start.is_zero() {
                one
            } else {
                self.atoms.function(Opaque::Exponential, start.coefficient(0))
            };
            return Ok(Rc::new(value));
        }
        Ok(Rc::new(self.chained(u, k, |this, j| this.value(op, j))?))
    }

    pub(super) fn logarithm(
        &mut self,
        op: usize,
        u: usize,
        node: NodeId,
        k: usize,
    ) -> Solved<Rc<Sum>> {
        let start = self.nonzero(u, node, "what a logarithm is taken of")?;
        if k == 0 {
            let is_one = start.as_constant().is_some_and(|c| c.is_one());
            let value = if is_one {
                Sum::default()
            } else {
                self.atoms.function(Opaque::Logarithm, start.coefficient(0))
            };
            return Ok(Rc::new(value));
        }
        // k u_k = Σ_i i y_i u_{k-i}
        let mut sum = (*self.value(u, k)?).clone();
        for i in 1..k {
            let (y, x) = (self.value(op, i)?, self.value(u, k - i)?);
            let share = RationalFunction::from(BigRational::new((-(i as i64)).into(), k.into()));
            sum.add(&self.atoms.product(&y, &x).scale(&share));
        }
        let inverse = self.atoms.power(&start, &Exponent::integer(-1));
        Ok(Rc::new(self.atoms.product(&sum, &inverse)))
    }

    pub(super) fn hyperbolic_tangent(&mut self, op: usize, u: usize, k: usize) -> Solved<Rc<Sum>> {
        if k == 0 {
            let start = self.value(u, 0)?;
            let value = if start.is_zero() {
                Sum::default()
            } else {
                self.atoms.function(Opaque::HyperbolicTangent, start.coefficient(0))
            };
            return Ok(Rc::new(value));
        }
        let slope = |this: &mut Self, j: usize| {
            // 1 - y²
            let mut sum = Sum::default();
            for i in 0..=j {
                let (a, b) = (this.value(op, i)?, this.value(op, j - i)?);
                sum.add(&this.atoms.product(&a, &b));
            }
            let mut slope = sum.negative();
            if j == 0 {
                slope.add(&Sum::constant(RationalFunction::one()));
            }
            Ok(Rc::new(slope))
        };
        Ok(Rc::new(self.chained(u, k, slope)?))
    }

    /// `sign(u)`, the sign of the constant part.
    pub(super) fn sign(&mut self, u: usize, node: NodeId) -> Solved<Rc<Sum>> {
        let start = self.value(u, 0)?;
        if start.is_zero() {
            return Err(TypedError::Kink { node, argument: self.ops[u].1 });
        }
        Ok(Rc::new(self.atoms.sign(&start)))
    }

    /// `b + 1(a > b) (a - b)`
    pub(super) fn greater(
        &mut self,
        a: usize,
        b: usize,
        node: NodeId,
        k: usize,
    ) -> Solved<Rc<Sum>> {
        let mut gap = (*self.value(a, 0)?).clone();
        gap.add(&self.value(b, 0)?.negative());
        if gap.is_zero() {
            return Err(TypedError::Kink { node, argument: node });
        }
        let number = gap.as_constant().and_then(|c| c.as_rational());
        let zero = BigRational::from_integer(0.into());
        match number {
            Some(gap) => self.value(if gap > zero { a } else { b }, k),
            None => {
                let positive = self.atoms.function(Opaque::Positive, gap.coefficient(0));
                let other = self.value(b, k)?;
                let mut gap = (*self.value(a, k)?).clone();
                gap.add(&other.negative());
                let mut value = self.atoms.product(&positive, &gap);
                value.add(&other);
                Ok(Rc::new(value))
            }
        }
    }
}
