//! The modified field of a nonlinear step at a point, order by order.
//!
//! Every operation of the step is a series in the step size `h` and the time `s = νh`. Its part of degree `k` needs those
//! of its operands up to `k`, and none that is multiplied by a zero, such as the part of degree `k` of what a step size
//! stands before; so parts are computed when they are asked for. That of a state solves the recurrence
//! `x(ν+1) = c x(ν) + r(ν)`, whose right-hand side is known by then. Functions are computed from their differential
//! equations, as in [`Bivariate`](crate::loss::Bivariate).

use super::recurrence::Differences;
use super::vectors::{
    Coefficient, Part, add, add_parts, broadcast_to, is_zero, nothing, root_power, zero, zip,
};
use crate::flow::SimulateError;
use crate::loss::Number;
use crate::objective::Jet;
use bea_series::exact::Rational;
use bea_series::typed::{Exponent, Function, Node, NodeId, Program, Shape};
use std::cmp::Ordering;

/// What a step asks of its vector field `f = -∇E`.
pub trait JetSource<T> {
    /// Why it has no answer.
    type Error;

    /// The part of the highest degree `K` of `f(x)`: the coefficients of `h^(K-j) s^j`, `j = 0, …, K`.
    ///
    /// # Errors
    /// Whatever keeps the field from being evaluated.
    fn field(&mut self, x: &Jet<T>) -> Result<Vec<Vec<T>>, Self::Error>;

    /// That of `f'(x) v`, for a direction of the same degree.
    ///
    /// # Errors
    /// As [`field`](Self::field).
    fn along(&mut self, x: &Jet<T>, v: &Jet<T>) -> Result<Vec<Vec<T>>, Self::Error>;
}

/// Why there is no modified field at a point.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum JetError<E> {
    /// The vector field was not evaluated.
    #[error("{0}")]
    Field(E),
    /// The argument of `sign`, `abs`, `min`, `max` or `clip`, by its node, lies on the kink.
    #[error("an argument of sign, abs, min, max or clip lies on its kink")]
    Kink(NodeId),
}

/// An operation on two operands at most.
#[derive(Clone, Debug)]
enum Op<T> {
    Number(T),
    Step,
    Dimension,
    State(usize),
    New(usize),
    Field(usize),
    FieldDerivative(usize),
    Sum(Vec<usize>),
    Product(usize, usize),
    /// The root of the argument to the power `n`, if that is all: exact where the root is.
    Power(usize, Rational),
    Exponential(usize),
    Logarithm(usize),
    /// And its derivative, `1 - tanh²`.
    HyperbolicTangent(usize, usize),
    Sign(usize),
    Absolute(usize),
    Greater(usize, usize),
    Entries(usize),
}

/// A nonlinear step at one step size, ready to have its modified field evaluated by jets over the numbers `T`.
pub struct StepField<T> {
    order: usize,
    ops: Vec<(Op<T>, NodeId)>,
    /// The least degree that an operation can have.
    valuations: Vec<usize>,
    states: Vec<Recurrence>,
    h: T,
    /// `Δ⁻¹ν^b`, by the powers of `ν`.
    sums: Vec<Vec<T>>,
}

/// The recurrence of a state.
struct Recurrence {
    /// Whether it is a coordinate of the modified field.
    slow: bool,
    is_number: bool,
    linear: Vec<(usize, usize)>,
    rest: Vec<usize>,
}

impl<T: Number> StepField<T> {
    /// `program` at the step size `h`, for the terms up to `h^order`, on losses of so many variables. Bias corrections
    /// are 1.
    ///
    /// # Errors
    /// Parameters without a value.
    pub fn new(program: &Program, order: usize, h: &Rational) -> Result<Self, SimulateError> {
        if !program.parameters.is_empty() {
            return Err(SimulateError::Symbolic(program.parameters.clone()));
        }
        let differences = Differences::new(order + 1);
        let numbers = |row: &Vec<Rational>| row.iter().map(T::from_rational).collect();
        let mut field = StepField {
            order,
            ops: Vec::new(),
            valuations: Vec::new(),
            states: Vec::new(),
            h: T::from_rational(h),
            sums: differences.sums().iter().map(numbers).collect(),
        };
        let mut of_node = Vec::with_capacity(program.nodes.len());
        for (id, node) in program.nodes.iter().enumerate() {
            let op = field.operation(id, node, &of_node, h)?;
            of_node.push(op);
        }
        field.states = (program.states.iter().enumerate())
            .map(|(i, state)| Recurrence {
                slow: i == 0 || state.slow,
                is_number: state.shape == Shape::Number,
                linear: state.linear.iter().map(|(j, c)| (*j, of_node[*c])).collect(),
                rest: state.rest.iter().map(|id| of_node[*id]).collect(),
            })
            .collect();
        Ok(field)
    }

    fn push(&mut self, op: Op<T>, node: NodeId) -> usize {
        let of = |x: &usize| self.valuations.get(*x).copied().unwrap_or(0);
        let valuation = match &op {
            Op::Step => 1,
            Op::Sum(parts) => parts.iter().map(of).min().unwrap_or(0),
            Op::Product(x, y) => of(x) + of(y),
            Op::Entries(x) | Op::FieldDerivative(x) => of(x),
            _ => 0,
        };
        self.ops.push((op, node));
        self.valuations.push(valuation);
        self.ops.len() - 1
    }

    fn operation(
        &mut self,
        id: NodeId,
        node: &Node,
        of_node: &[usize],
        h: &Rational,
    ) -> Result<usize, SimulateError> {
        let at = |x: &NodeId| of_node[*x];
        let op = match node {
            Node::Number(value) => {
                let value = value.as_rational().ok_or(SimulateError::StepSize(h.to_f64()))?;
                Op::Number(T::from_rational(&value.into()))
            }
            Node::Step => Op::Step,
            Node::Dimension => Op::Dimension,
            // Forgotten on the slow manifold.
            Node::Decay { .. } => Op::Number(zero()),
            Node::State(i) => Op::State(*i),
            Node::New(i) => Op::New(*i),
            Node::Field { point } => Op::Field(at(point)),
            Node::FieldDerivative { direction } => Op::FieldDerivative(at(direction)),
            Node::Sum(parts) => Op::Sum(parts.iter().map(at).collect()),
            Node::Product(parts) => {
                let parts: Vec<usize> = parts.iter().map(at).collect();
                return Ok(self.product(&parts, id));
            }
            Node::Power(base, exponent) => return self.power(at(base), exponent, id, h),
            Node::Function(Function::Exponential, x) => Op::Exponential(at(x)),
            Node::Function(Function::Logarithm, x) => Op::Logarithm(at(x)),
            Node::Function(Function::HyperbolicTangent, x) => {
                // 1 - y² comes before y, whose parts of lower degree it is made of.
                let one = self.push(Op::Number(T::from_rational(&1.into())), id);
                let minus = self.push(Op::Number(T::from_rational(&(-1).into())), id);
                let y = self.ops.len() + 3;
                let square = self.push(Op::Product(y, y), id);
                let negative = self.push(Op::Product(minus, square), id);
                let slope = self.push(Op::Sum(vec![one, negative]), id);
                Op::HyperbolicTangent(at(x), slope)
            }
            Node::Function(Function::Sign, x) => Op::Sign(at(x)),
            Node::Function(Function::Absolute, x) => Op::Absolute(at(x)),
            Node::Greater(x, y) => Op::Greater(at(x), at(y)),
            Node::Entries(x) => Op::Entries(at(x)),
        };
        Ok(self.push(op, id))
    }

    fn product(&mut self, parts: &[usize], id: NodeId) -> usize {
        match parts {
            [] => self.push(Op::Number(T::from_rational(&1.into())), id),
            [first, rest @ ..] => {
                rest.iter().fold(*first, |x, y| self.push(Op::Product(x, *y), id))
            }
        }
    }

    /// Powers with natural exponents as products, of what may be 0 as well.
    fn power(
        &mut self,
        base: usize,
        exponent: &Exponent,
        id: NodeId,
        h: &Rational,
    ) -> Result<usize, SimulateError> {
        let exponent = exponent.as_rational().ok_or(SimulateError::StepSize(h.to_f64()))?;
        if exponent.is_integer() && *exponent.numer() >= 0 {
            return Ok(self.natural(base, *exponent.numer(), id));
        }
        let exponent = Rational::new(*exponent.numer(), *exponent.denom());
        let exponent = exponent.ok_or(SimulateError::StepSize(h.to_f64()))?;
        Ok(self.push(Op::Power(base, exponent), id))
    }

    fn natural(&mut self, base: usize, n: i64, id: NodeId) -> usize {
        match n {
            0 => self.product(&[], id),
            1 => base,
            n if n % 2 == 0 => {
                let root = self.natural(base, n / 2, id);
                self.push(Op::Product(root, root), id)
            }
            n => {
                let even = self.natural(base, n - 1, id);
                self.push(Op::Product(even, base), id)
            }
        }
    }

    /// The terms of the modified field, `[coordinate][k]` with their powers `h^k`, for `k` up to the order: of `θ`, and
    /// of the states that are declared `slow`, in their order. `start` are their values.
    ///
    /// # Errors
    /// Those of the field, and kinks.
    ///
    /// # Panics
    /// If there is not one value for each.
    pub fn terms<S: JetSource<T>>(
        &self,
        start: &[Vec<T>],
        source: &mut S,
    ) -> Result<Vec<Vec<Vec<T>>>, JetError<S::Error>> {
        let slow = self.coordinates();
        let mut run = self.run(start, source);
        let mut all = vec![Vec::with_capacity(self.order + 1); slow.len()];
        for k in 1..=self.order + 1 {
            for ((terms, &i), value) in all.iter_mut().zip(&slow).zip(start) {
                run.state(i, k)?;
                let speed = run.states[i][k][1].as_ref();
                let at = |index: usize| match speed {
                    None => zero(),
                    Some(speed) => speed[index.min(speed.len() - 1)].quotient(&self.h),
                };
                terms.push((0..value.len()).map(at).collect());
            }
        }
        Ok(all)
    }

    /// The states on the slow manifold where the coordinates have the values `start`, up to `h^order`: what the buffers
    /// are once their transient is over.
    ///
    /// # Errors
    /// As [`terms`](Self::terms).
    ///
    /// # Panics
    /// As [`terms`](Self::terms).
    pub fn settled<S: JetSource<T>>(
        &self,
        start: &[Vec<T>],
        source: &mut S,
    ) -> Result<Vec<Vec<T>>, JetError<S::Error>> {
        let mut run = self.run(start, source);
        let mut states = Vec::with_capacity(self.states.len());
        for (i, recurrence) in self.states.iter().enumerate() {
            run.state(i, self.order)?;
            let mut sum = None;
            // At ν = 0; the smallest parts first.
            for part in run.states[i].iter().rev() {
                if let Some(x) = &part[0] {
                    add(&mut sum, &T::from_rational(&1.into()), x);
                }
            }
            let sum = sum.unwrap_or_else(|| vec![zero()]);
            let length = if recurrence.is_number { 1 } else { run.dimension };
            states.push(broadcast_to(&sum, length));
        }
        Ok(states)
    }

    /// The states that are coordinates of the modified field, `θ` first.
    pub fn coordinates(&self) -> Vec<usize> {
        (0..self.states.len()).filter(|i| self.states[*i].slow).collect()
    }

    fn run<'a, S>(&'a self, start: &[Vec<T>], source: &'a mut S) -> Run<'a, T, S> {
        let slow = self.coordinates();
        assert_eq!(start.len(), slow.len(), "one value a coordinate");
        let mut run = Run {
            field: self,
            dimension: start[0].len(),
            values: vec![Vec::new(); self.ops.len()],
            states: vec![Vec::new(); self.states.len()],
            jets: (0..self.ops.len()).map(|_| None).collect(),
            source,
        };
        for (&i, value) in slow.iter().zip(start) {
            run.states[i].push(vec![Some(value.clone())]);
        }
        run
    }
}

/// The series of all operations, as far as they have been asked for.
struct Run<'a, T, S> {
    field: &'a StepField<T>,
    dimension: usize,
    values: Vec<Vec<Part<T>>>,
    states: Vec<Vec<Part<T>>>,
    /// The points and directions of the vector field.
    jets: Vec<Option<Jet<T>>>,
    source: &'a mut S,
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

    fn state(&mut self, i: usize, k: usize) -> Result<(), JetError<S::Error>> {
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
