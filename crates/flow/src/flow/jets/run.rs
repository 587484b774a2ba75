//! The parts of all operations of a step, on some entries, computed when they are asked for.

use super::step::{Op, StepField};
use super::vectors::{
    Coefficient, Part, add, add_parts, broadcast_to, is_zero, nothing, root_power, total, zero, zip,
};
use crate::flow::MatrixFault;
use crate::flow::matrices::Decompositions;
use crate::loss::Number;
use bea_series::exact::Rational;
use bea_series::typed::NodeId;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// The series of all operations on a block of entries, as far as they have been asked for.
pub(super) struct Run<'a, T> {
    pub(super) field: &'a StepField<T>,
    /// Entries of a vector, and those of them that are here.
    dimension: usize,
    length: usize,
    values: Vec<Vec<Part<T>>>,
    pub(super) states: Vec<Vec<Part<T>>>,
    /// Of the constant parts that functions of matrices are taken of.
    pub(super) decompositions: BTreeMap<usize, Decompositions<T>>,
}

/// Why a part is not computed.
pub(super) enum Stop {
    /// An operation needs all entries of its operand, whose parts are there.
    Whole(usize),
    /// The argument of a function lies on its kink.
    Kink(NodeId),
    /// A function of a matrix has no derivatives.
    Matrix(NodeId, MatrixFault),
}

impl<'a, T: Number + Send + Sync> Run<'a, T> {
    pub(super) fn new(field: &'a StepField<T>, dimension: usize, length: usize) -> Self {
        Run {
            field,
            dimension,
            length,
            values: vec![Vec::new(); field.ops.len()],
            states: vec![Vec::new(); field.states.len()],
            decompositions: BTreeMap::new(),
        }
    }

    /// The degree of the first part of an operation that is not there.
    pub(super) fn degree(&self, op: usize) -> usize {
        self.values[op].len()
    }

    /// The next part of an operation that needs all entries.
    pub(super) fn give(&mut self, op: usize, part: Part<T>) {
        while self.values[op].len() < self.field.valuations[op] {
            let degree = self.values[op].len();
            self.values[op].push(nothing(degree));
        }
        self.values[op].push(part);
    }

    /// A part of an operation as vectors.
    pub(super) fn vectors(&self, op: usize, k: usize) -> Part<T> {
        let vector = |x: &Coefficient<T>| x.as_ref().map(|x| broadcast_to(x, self.length));
        self.parts(op)[k].iter().map(vector).collect()
    }

    /// The sums of the entries of a part of an operation.
    pub(super) fn sums(&self, op: usize, k: usize) -> Part<T> {
        let sum = |x: &Coefficient<T>| {
            let x = x.as_ref()?;
            // A number stands for a vector of it.
            let times = if x.len() == 1 { self.length as i64 } else { 1 };
            Some(vec![total(x) * T::from_rational(&times.into())])
        };
        self.parts(op)[k].iter().map(sum).collect()
    }

    /// The part of degree `k` of an operation, and those below.
    pub(super) fn value(&mut self, op: usize, k: usize) -> Result<(), Stop> {
        if let (Op::State(i), _) = &self.field.ops[op] {
            return self.state(*i, k);
        }
        while self.values[op].len() <= k {
            let part = self.part(op, self.values[op].len())?;
            self.values[op].push(part);
        }
        Ok(())
    }

    /// The parts so far.
    pub(super) fn parts(&self, op: usize) -> &[Part<T>] {
        match &self.field.ops[op].0 {
            Op::State(i) => &self.states[*i],
            _ => &self.values[op],
        }
    }

    pub(super) fn state(&mut self, i: usize, k: usize) -> Result<(), Stop> {
        while self.states[i].len() <= k {
            let part = self.solution(i, self.states[i].len())?;
            self.states[i].push(part);
        }
        Ok(())
    }

    /// The part of degree `k` of the solution of `x(ν+1) = c x(ν) + r(ν)`.
    fn solution(&mut self, i: usize, k: usize) -> Result<Part<T>, Stop> {
        let field = self.field;
        if k < field.state_valuations[i] {
            return Ok(nothing(k));
        }
        let one = T::from_rational(&1.into());
        let recurrence = &field.states[i];
        let mut right = nothing(k);
        let mut own = zero();
        for &(j, c) in &recurrence.linear {
            let least = field.valuations[c].min(k);
            self.value(c, k)?;
            if j != i {
                self.state(j, k - least)?;
            } else if let Some(c) = &self.parts(c)[0][0] {
                own = own + c[0].clone();
            }
            let first = usize::from(j == i);
            for l in first.max(least)..=k {
                add_parts(&mut right, &one, &self.parts(c)[l], &self.states[j][k - l]);
            }
        }
        for &rest in &recurrence.rest {
            self.value(rest, k)?;
            for (right, x) in right.iter_mut().zip(&self.parts(rest)[k]) {
                if let Some(x) = x {
                    add(right, &one, x);
                }
            }
        }
        if recurrence.slow {
            // x = Δ⁻¹ r, which is 0 at ν = 0. The right-hand side has the degree k - 1 in ν.
            let mut out = nothing(k);
            for (right, sum) in right.iter().zip(&field.sums) {
                let Some(right) = right else { continue };
                for (a, c) in sum.iter().enumerate().filter(|(a, c)| *a <= k && !is_zero(*c)) {
                    add(&mut out[a], c, right);
                }
            }
            return Ok(out);
        }
        // (1 - c) x_j = r_j - Σ_{i>j} C(i, j) x_i
        let share = one.clone() - own;
        let mut out: Part<T> = nothing(k);
        for j in (0..=k).rev() {
            let mut sum = right[j].take();
            for (i, x) in out.iter().enumerate().skip(j + 1) {
                if let Some(x) = x {
                    add(&mut sum, &-binomial::<T>(i, j), x);
                }
            }
            out[j] = sum.map(|sum| sum.iter().map(|x| x.quotient(&share)).collect());
        }
        Ok(out)
    }

    fn part(&mut self, op: usize, k: usize) -> Result<Part<T>, Stop> {
        let field = self.field;
        let one = T::from_rational(&1.into());
        if k < field.valuations[op] {
            return Ok(nothing(k));
        }
        let (operation, node) = &field.ops[op];
        let mut out = nothing(k);
        match operation {
            Op::MatrixProduct(..) | Op::Transpose(_) | Op::Identity | Op::MatrixFunction(..) => {
                return self.of_matrices(op, k);
            }
            Op::Number(x) if k == 0 => out[0] = Some(vec![x.clone()]),
            Op::Dimension if k == 0 => {
                out[0] = Some(vec![T::from_rational(&(self.dimension as i64).into())]);
            }
            Op::Step if k == 1 => out[0] = Some(vec![field.h.clone()]),
            Op::Number(_) | Op::Dimension | Op::Step => {}
            Op::State(_) => unreachable!("a state has parts of its own"),
            Op::New(i) => {
                self.state(*i, k)?;
                // x(ν + 1)
                for (i, x) in self.states[*i][k].iter().enumerate() {
                    let Some(x) = x else { continue };
                    (0..=i).for_each(|j| add(&mut out[j], &binomial::<T>(i, j), x));
                }
            }
            &(Op::Field(x) | Op::Entries(x)) => {
                self.value(x, k)?;
                return Err(Stop::Whole(op));
            }
            &Op::FieldDerivative(direction) => {
                self.value(field.theta(), k - field.valuations[direction])?;
                self.value(direction, k)?;
                return Err(Stop::Whole(op));
            }
            Op::Sum(parts) => {
                for &x in parts {
                    self.value(x, k)?;
                    for (out, x) in out.iter_mut().zip(&self.parts(x)[k]) {
                        if let Some(x) = x {
                            add(out, &one, x);
                        }
                    }
                }
            }
            &Op::Product(x, y) => {
                let (p, q) = (field.valuations[x], field.valuations[y]);
                self.value(x, k - q)?;
                self.value(y, k - p)?;
                if x == y {
                    // Products of two different parts are there twice.
                    let two = T::from_rational(&2.into());
                    for i in p..=k / 2 {
                        let c = if 2 * i == k { &one } else { &two };
                        add_parts(&mut out, c, &self.parts(x)[i], &self.parts(x)[k - i]);
                    }
                } else {
                    let (x, y) = (self.parts(x), self.parts(y));
                    (p..=k - q).for_each(|i| add_parts(&mut out, &one, &x[i], &y[k - i]));
                }
            }
            Op::Power(x, r) => {
                self.value(*x, k)?;
                return Ok(self.power(op, *x, r, k));
            }
            &Op::Exponential(x) => {
                self.value(x, k)?;
                if k == 0 {
                    return Ok(self.base(x, T::exp));
                }
                self.integrate(x, op, k, &mut out);
            }
            &Op::HyperbolicTangent(x, slope) => {
                self.value(x, k)?;
                if k == 0 {
                    return Ok(self.base(x, |x| x.apply(crate::loss::Function::Tanh)));
                }
                self.value(slope, k - 1)?;
                self.integrate(x, slope, k, &mut out);
            }
            &Op::Logarithm(x) => {
                self.value(x, k)?;
                if k == 0 {
                    return Ok(self.base(x, T::log));
                }
                // k x_0 y_k = k x_k - Σ_{0<i<k} i y_i x_{k-i}
                let (x, y) = (self.parts(x), &self.values[op]);
                out = x[k].clone();
                for i in 1..k {
                    add_parts(&mut out, &-ratio::<T>(i, k), &y[i], &x[k - i]);
                }
                divide(&mut out, x);
            }
            Op::Sign(x) | Op::Absolute(x) => {
                self.value(*x, k)?;
                self.check_kink(*x, None, k, *node)?;
                let is_sign = matches!(operation, Op::Sign(_));
                let x = self.parts(*x);
                let zero = zero::<T>();
                let signs = |x: &T| match x.compare_real(&zero) {
                    Some(Ordering::Less) => -one.clone(),
                    Some(Ordering::Equal) => zero.clone(),
                    _ => one.clone(),
                };
                let base: Vec<T> = base_of(x).iter().map(signs).collect();
                if !is_sign {
                    for (out, x) in out.iter_mut().zip(&x[k]) {
                        *out = x.as_ref().map(|x| zip(&base, x, |s, x| s.clone() * x.clone()));
                    }
                } else if k == 0 {
                    out[0] = Some(base);
                }
            }
            &Op::Greater(x, y) => {
                self.value(x, k)?;
                self.value(y, k)?;
                self.check_kink(x, Some(y), k, *node)?;
                let (x, y) = (self.parts(x), self.parts(y));
                let pick = |x: &T, y: &T| match x.compare_real(y) {
                    Some(Ordering::Less) => zero(),
                    _ => one.clone(),
                };
                let first = zip(&base_of(x), &base_of(y), pick);
                let second: Vec<T> = first.iter().map(|x| one.clone() - x.clone()).collect();
                for (out, (x, y)) in out.iter_mut().zip(x[k].iter().zip(&y[k])) {
                    for (mask, x) in [(&first, x), (&second, y)] {
                        if let Some(x) = x {
                            // An entry that is not chosen may be anything.
                            let chosen = |m: &T, x: &T| if is_zero(m) { zero() } else { x.clone() };
                            add(out, &one, &zip(mask, x, chosen));
                        }
                    }
                }
            }
        }
        Ok(out)
    }

    /// `f` of the constant part.
    fn base(&self, x: usize, f: impl Fn(&T) -> T) -> Part<T> {
        vec![Some(base_of(self.parts(x)).iter().map(f).collect())]
    }

    /// Adds the part of degree `k ≥ 1` of the solution of `δy = w δx`.
    fn integrate(&self, x: usize, w: usize, k: usize, out: &mut Part<T>) {
        for i in 1..=k {
            add_parts(out, &ratio::<T>(i, k), &self.parts(x)[i], &self.parts(w)[k - i]);
        }
    }

    /// `k x_0 y_k = r k x_k y_0 + Σ_{0<i<k} (r i - (k-i)) x_i y_{k-i}`
    fn power(&self, op: usize, x: usize, r: &Rational, k: usize) -> Part<T> {
        let x = self.parts(x);
        if k == 0 {
            let (one, base) = (T::from_rational(&1.into()), base_of(x));
            let values = match r.as_small() {
                Some((n, 2)) => base.iter().map(root_power(n)).collect(),
                Some((-1, 1)) => base.iter().map(|x| one.quotient(x)).collect(),
                _ => base.iter().map(|x| x.power(r)).collect(),
            };
            return vec![Some(values)];
        }
        let y = &self.values[op];
        let mut out = nothing(k);
        for i in 1..=k {
            let weight = &(r * &exact(i, k)) - &exact(k - i, k);
            add_parts(&mut out, &T::from_rational(&weight), &x[i], &y[k - i]);
        }
        divide(&mut out, x);
        // Where the argument is 0 in every part, a root is.
        let base = base_of(x);
        if !r.is_negative() && has_zero(&base) {
            for out in out.iter_mut().flatten() {
                for (i, out) in out.iter_mut().enumerate() {
                    let at = |x: &Vec<T>| is_zero(&x[i.min(x.len() - 1)]);
                    if at(&base) && x[1..].iter().flatten().flatten().all(at) {
                        *out = zero();
                    }
                }
            }
        }
        out
    }

    /// Refuses entries whose difference, or argument, is 0 in its constant part alone.
    fn check_kink(&self, x: usize, y: Option<usize>, k: usize, node: NodeId) -> Result<(), Stop> {
        if k == 0 {
            return Ok(());
        }
        let difference = |l: usize, j: usize| -> Coefficient<T> {
            let mut out = self.parts(x)[l][j].clone();
            if let Some(y) = y.and_then(|y| self.parts(y)[l][j].as_ref()) {
                add(&mut out, &T::from_rational(&(-1).into()), y);
            }
            out
        };
        let base = difference(0, 0).unwrap_or_else(|| vec![zero()]);
        for j in 0..=k {
            let Some(part) = difference(k, j) else { continue };
            let mut met = false;
            zip(&base, &part, |base, part| {
                T::from_rational(&i64::from(is_zero(base) && !is_zero(part)).into())
            })
            .iter()
            .for_each(|x| met |= !is_zero(x));
            if met {
                return Err(Stop::Kink(node));
            }
        }
        Ok(())
    }
}

/// The constant part.
fn base_of<T: Number>(parts: &[Part<T>]) -> Vec<T> {
    parts[0][0].clone().unwrap_or_else(|| vec![zero()])
}

fn has_zero<T: Number>(x: &[T]) -> bool {
    let zero = zero();
    x.iter().any(|x| x.compare_real(&zero) == Some(Ordering::Equal))
}

/// Divides by the constant part of `x`.
fn divide<T: Number>(out: &mut Part<T>, x: &[Part<T>]) {
    let Some(base) = &x[0][0] else { return };
    for out in out.iter_mut().flatten() {
        match &base[..] {
            [x] => out.iter_mut().for_each(|out| *out = out.quotient(x)),
            base if out.len() == base.len() => {
                out.iter_mut().zip(base).for_each(|(out, x)| *out = out.quotient(x));
            }
            base => *out = zip(out, base, T::quotient),
        }
    }
}

fn exact(top: usize, bottom: usize) -> Rational {
    Rational::new(top as i64, bottom as i64).expect("not 0")
}

fn ratio<T: Number>(top: usize, bottom: usize) -> T {
    T::from_rational(&exact(top, bottom))
}

/// `C(i, j)`
fn binomial<T: Number>(i: usize, j: usize) -> T {
    let value = (0..j).fold(1, |value, l| value * (i - l) as i64 / (l + 1) as i64);
    T::from_rational(&value.into())
}
