//! The parts of all operations of a step, computed when they are asked for.

use super::step::{JetError, JetSource, Op, StepField};
use super::vectors::{
    Coefficient, Part, add, add_parts, broadcast_to, is_zero, nothing, root_power, zero, zip,
};
use crate::loss::Number;
use crate::objective::Jet;
use bea_series::exact::Rational;
use bea_series::typed::NodeId;
use std::cmp::Ordering;

/// The series of all operations, as far as they have been asked for.
pub(super) struct Run<'a, T, S> {
    pub(super) field: &'a StepField<T>,
    pub(super) dimension: usize,
    pub(super) values: Vec<Vec<Part<T>>>,
    pub(super) states: Vec<Vec<Part<T>>>,
    /// The points and directions of the vector field.
    pub(super) jets: Vec<Option<Jet<T>>>,
    pub(super) source: &'a mut S,
}

impl<T: Number, S: JetSource<T>> Run<'_, T, S> {
    /// The part of degree `k` of an operation, and those below.
    fn value(&mut self, op: usize, k: usize) -> Result<(), JetError<S::Error>> {
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
    fn parts(&self, op: usize) -> &[Part<T>] {
        match &self.field.ops[op].0 {
            Op::State(i) => &self.states[*i],
            _ => &self.values[op],
        }
    }

    pub(super) fn state(&mut self, i: usize, k: usize) -> Result<(), JetError<S::Error>> {
        while self.states[i].len() <= k {
            let part = self.solution(i, self.states[i].len())?;
            self.states[i].push(part);
        }
        Ok(())
    }

    /// The part of degree `k` of the solution of `x(ν+1) = c x(ν) + r(ν)`.
    fn solution(&mut self, i: usize, k: usize) -> Result<Part<T>, JetError<S::Error>> {
        let field = self.field;
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

    fn part(&mut self, op: usize, k: usize) -> Result<Part<T>, JetError<S::Error>> {
        let field = self.field;
        let one = T::from_rational(&1.into());
        if k < field.valuations[op] {
            return Ok(nothing(k));
        }
        let (operation, node) = &field.ops[op];
        let mut out = nothing(k);
        match operation {
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
            Op::Field(point) => {
                self.jet(*point, k)?;
                let jet = self.jets[*point].as_ref().expect("there by now");
                return self.source.field(jet).map(all_there).map_err(JetError::Field);
            }
            Op::FieldDerivative(direction) => {
                // At the old parameters.
                let theta = (field.ops.iter()).position(|(op, _)| matches!(op, Op::State(0)));
                let theta = theta.expect("a field is evaluated at the parameters");
                self.jet(theta, k)?;
                self.jet(*direction, k)?;
                let [x, v] = [theta, *direction].map(|op| self.jets[op].as_ref());
                let (x, v) = (x.expect("there by now"), v.expect("there by now"));
                return self.source.along(x, v).map(all_there).map_err(JetError::Field);
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
                let (x, y) = (self.parts(x), self.parts(y));
                (p..=k - q).for_each(|i| add_parts(&mut out, &one, &x[i], &y[k - i]));
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
                let signs = |x: &T| match x.compare_real(&zero()) {
                    Some(Ordering::Less) => -one.clone(),
                    Some(Ordering::Equal) => zero(),
                    _ => one.clone(),
                };
                let base: Vec<T> = base_of(x).iter().map(signs).collect();
                match is_sign {
                    true if k == 0 => out[0] = Some(base),
                    true => {}
                    false => {
                        for (out, x) in out.iter_mut().zip(&x[k]) {
                            *out = x.as_ref().map(|x| zip(&base, x, |s, x| s.clone() * x.clone()));
                        }
                    }
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
            &Op::Entries(x) => {
                self.value(x, k)?;
                for (out, x) in out.iter_mut().zip(&self.parts(x)[k]) {
                    let Some(x) = x else { continue };
                    let sum = x.iter().fold(zero(), |sum: T, x| sum + x.clone());
                    // A number stands for a vector of it.
                    let times = if x.len() == 1 { self.dimension as i64 } else { 1 };
                    *out = Some(vec![sum * T::from_rational(&times.into())]);
                }
            }
        }
        Ok(out)
    }

    /// The points or directions of the vector field up to degree `k`, as vectors.
    fn jet(&mut self, op: usize, k: usize) -> Result<(), JetError<S::Error>> {
        self.value(op, k)?;
        let vector = |x: &Coefficient<T>| x.as_ref().map(|x| broadcast_to(x, self.dimension));
        let known = self.jets[op].as_ref().map_or(0, |jet| jet.degree() + 1);
        for degree in known..=k {
            let part: Part<T> = self.parts(op)[degree].iter().map(vector).collect();
            match &mut self.jets[op] {
                None => {
                    let base = part.into_iter().next().flatten();
                    let base = base.unwrap_or_else(|| vec![zero(); self.dimension]);
                    self.jets[op] = Some(Jet::new(base));
                }
                Some(jet) => jet.push(part),
            }
        }
        Ok(())
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
            let value = |x: &T| match r.as_small() {
                Some((n, 2)) => root_power(x, n),
                Some((-1, 1)) => T::from_rational(&1.into()).quotient(x),
                _ => x.power(r),
            };
            return vec![Some(base_of(x).iter().map(value).collect())];
        }
        let y = &self.values[op];
        let mut out = nothing(k);
        for i in 1..=k {
            let weight = &(r * &exact(i, k)) - &exact(k - i, k);
            add_parts(&mut out, &T::from_rational(&weight), &x[i], &y[k - i]);
        }
        divide(&mut out, x);
        // Where the argument is 0 in every part, a root is.
        if !r.is_negative() {
            let base = base_of(x);
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
    fn check_kink(
        &self,
        x: usize,
        y: Option<usize>,
        k: usize,
        node: NodeId,
    ) -> Result<(), JetError<S::Error>> {
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
                return Err(JetError::Kink(node));
            }
        }
        Ok(())
    }
}

/// The constant part.
fn base_of<T: Number>(parts: &[Part<T>]) -> Vec<T> {
    parts[0][0].clone().unwrap_or_else(|| vec![zero()])
}

fn all_there<T>(part: Vec<Vec<T>>) -> Part<T> {
    part.into_iter().map(Some).collect()
}

/// Divides by the constant part of `x`.
fn divide<T: Number>(out: &mut Part<T>, x: &[Part<T>]) {
    let base = base_of(x);
    for out in out.iter_mut().flatten() {
        *out = zip(out, &base, T::quotient);
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
