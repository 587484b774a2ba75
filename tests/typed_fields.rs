//! Modified fields of nonlinear steps: exact values, and a second route.
//!
//! The second route knows no trees. It runs a step on numbers: at one point of one polynomial loss, every variable is a
//! power series in `h` whose coefficients are polynomials in the step number with rational coefficients, gradients are
//! evaluated by arithmetic on such series, and the recurrences are solved order by order. Both routes take the values of
//! transcendental functions at the point as they come, any number will do: only their derivatives matter.

mod needs;

use bea::optimizer::{Step, find, nonlinear_library, parse, parse_value};
use bea::render::Format;
use bea::render::typed::{self, TypedDocument};
use bea::source::Source;
use bea::typed::{
    Elementary, Exponent, Factor, Factors, Function, Node, NodeId, Program, Shape, Terms,
    TypedField, TypedPotential,
};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};
use proptest::prelude::*;
use std::collections::BTreeMap;

type Q = BigRational;

fn q(text: &str) -> Q {
    parse_value(text).unwrap()
}

fn int(n: i64) -> Q {
    Q::from_integer(n.into())
}

/// A polynomial loss: coefficients and exponents.
#[derive(Clone, Debug)]
struct Loss(Vec<(Q, Vec<u32>)>);

impl Loss {
    fn derivative(&self, i: usize) -> Loss {
        let terms = self.0.iter().filter(|(_, e)| e[i] > 0).map(|(c, e)| {
            let mut lower = e.clone();
            lower[i] -= 1;
            (c * int(e[i].into()), lower)
        });
        Loss(terms.collect())
    }

    fn value(&self, x: &[Q]) -> Q {
        let term = |(c, e): &(Q, Vec<u32>)| {
            e.iter().zip(x).fold(c.clone(), |p, (e, x)| p * num_traits::pow(x.clone(), *e as usize))
        };
        self.0.iter().map(term).sum()
    }

    /// Changes the linear terms so that the gradient at `x` is `g`.
    fn with_gradient(mut self, x: &[Q], g: &[Q]) -> Loss {
        for i in 0..x.len() {
            let gap = &g[i] - self.derivative(i).value(x);
            let mut e = vec![0; x.len()];
            e[i] = 1;
            self.0.push((gap, e));
        }
        self
    }
}

/// What a transcendental function is taken to be at a point: some number, the same in both routes, right where both
/// know the value.
fn stand_in(function: Elementary, x: &Q) -> Q {
    match function {
        Elementary::Exponential => (x * x + x + int(2)) / int(2),
        Elementary::Logarithm => (x - int(1)) / int(3),
        Elementary::HyperbolicTangent => x / (int(2) + x.abs()),
        Elementary::Absolute => x.abs(),
        Elementary::Sign => x.signum(),
        Elementary::Positive => {
            if x.is_positive() {
                int(1)
            } else {
                int(0)
            }
        }
    }
}

/// `x^exponent`; `None` where it is no rational number.
fn power(x: &Q, exponent: &Q) -> Option<Q> {
    let degree = exponent.denom().to_u32()?;
    let root = |n: &BigInt| {
        if n.is_negative() {
            return None;
        }
        let root = n.nth_root(degree);
        (root.pow(degree) == *n).then_some(root)
    };
    let base = if degree == 1 { x.clone() } else { Q::new(root(x.numer())?, root(x.denom())?) };
    let n = exponent.numer().to_i32()?;
    (n >= 0 || !base.is_zero()).then(|| base.pow(n))
}

// The first route: typed trees, evaluated at a point.

struct Point<'a> {
    loss: &'a Loss,
    x: &'a [Q],
    slow: &'a BTreeMap<String, Vec<Q>>,
    parameters: &'a [Q],
}

impl Point<'_> {
    fn coefficient(&self, c: &bea::exact::RationalFunction) -> Q {
        let values: Vec<Option<_>> =
            self.parameters.iter().map(|p| Some(p.clone().into())).collect();
        c.substitute(&values).unwrap().as_rational().unwrap()
    }

    fn exponent(&self, e: &Exponent) -> Q {
        self.coefficient(&e.value())
    }

    fn product(&self, factors: &Factors) -> Option<Vec<Q>> {
        let mut out = vec![int(1); self.x.len()];
        for (factor, exponent) in factors {
            let exponent = self.exponent(exponent);
            for (out, value) in out.iter_mut().zip(self.factor(factor)?) {
                *out *= power(&value, &exponent)?;
            }
        }
        Some(out)
    }

    fn sum(&self, terms: &Terms) -> Option<Vec<Q>> {
        let mut out = vec![int(0); self.x.len()];
        for (c, factors) in terms {
            let c = self.coefficient(c);
            for (out, value) in out.iter_mut().zip(self.product(factors)?) {
                *out += &c * value;
            }
        }
        Some(out)
    }

    fn factor(&self, factor: &Factor) -> Option<Vec<Q>> {
        let n = self.x.len();
        match factor {
            Factor::Coordinate(name) if name == "theta" => Some(self.x.to_vec()),
            Factor::Coordinate(name) => Some(self.slow[name].clone()),
            Factor::Gradient(arguments) => {
                let vectors: Vec<Vec<Q>> =
                    arguments.iter().map(|a| self.product(a)).collect::<Option<_>>()?;
                let mut out: Vec<Loss> = (0..n).map(|i| self.loss.derivative(i)).collect();
                for vector in vectors {
                    out = out
                        .iter()
                        .map(|loss| {
                            let parts = (0..n).flat_map(|j| {
                                let scale = vector[j].clone();
                                loss.derivative(j).0.into_iter().map(move |(c, e)| (c * &scale, e))
                            });
                            Loss(parts.collect())
                        })
                        .collect();
                }
                Some(out.iter().map(|loss| loss.value(self.x)).collect())
            }
            Factor::Base(sum) => self.sum(sum),
            Factor::Function(function, sum) => {
                Some(self.sum(sum)?.iter().map(|x| stand_in(*function, x)).collect())
            }
            Factor::Entries(vector) => {
                let total: Q = self.product(vector)?.into_iter().sum();
                Some(vec![total; n])
            }
            Factor::Dimension => Some(vec![int(n as i64); n]),
            Factor::Loss => unreachable!("the loss is in no field"),
            Factor::Chain(_) | Factor::Frechet(..) | Factor::Identity => {
                unreachable!("fields of matrices are tested elsewhere")
            }
        }
    }
}

/// The velocities by coordinate and power of `h`, one entry for numbers.
fn by_trees(field: &TypedField, point: &Point) -> Option<Vec<Vec<Vec<Q>>>> {
    let coordinate = |c: &bea::typed::TypedCoordinate| {
        let n = if c.shape == Shape::Number { 1 } else { point.x.len() };
        let mut orders = vec![vec![int(0); n]; field.order + 1];
        for term in &c.terms {
            let value = point.product(&term.factors)?;
            let coefficient = point.coefficient(&term.coefficient);
            for (sum, value) in orders[term.power].iter_mut().zip(value) {
                *sum += &coefficient * value;
            }
        }
        Some(orders)
    };
    field.coordinates.iter().map(coordinate).collect()
}

// The second route: series in h with polynomials in ν as coefficients.

/// Polynomials in ν, by powers of `h`.
#[derive(Clone, PartialEq, Debug)]
struct Series(Vec<Vec<Q>>);

impl Series {
    fn zero(order: usize) -> Series {
        Series(vec![vec![]; order + 1])
    }

    fn constant(value: Q, order: usize) -> Series {
        let mut out = Series::zero(order);
        if !value.is_zero() {
            out.0[0].push(value);
        }
        out
    }

    fn start(&self) -> Q {
        self.0[0].first().cloned().unwrap_or_else(|| int(0))
    }

    fn add(&self, other: &Series) -> Series {
        let pairs = self.0.iter().zip(&other.0);
        Series(pairs.map(|(a, b)| plus(a, b)).collect())
    }

    fn scale(&self, factor: &Q) -> Series {
        Series(self.0.iter().map(|p| trimmed(p.iter().map(|c| c * factor).collect())).collect())
    }

    fn multiply(&self, other: &Series) -> Series {
        let order = self.0.len() - 1;
        let mut out = Series::zero(order);
        for i in 0..=order {
            for j in 0..=(order - i) {
                out.0[i + j] = plus(&out.0[i + j], &times(&self.0[i], &other.0[j]));
            }
        }
        out
    }

    /// `Σ_k c_k (self - start)^k` for the Taylor coefficients of a function at the start.
    fn compose(&self, coefficients: &[Q]) -> Series {
        let order = self.0.len() - 1;
        let mut deviation = self.clone();
        deviation.0[0] = vec![];
        let mut out = Series::constant(coefficients[order].clone(), order);
        for c in coefficients[..order].iter().rev() {
            out = out.multiply(&deviation).add(&Series::constant(c.clone(), order));
        }
        out
    }

    fn shifted(&self) -> Series {
        let shift = |p: &Vec<Q>| {
            let mut out = vec![int(0); p.len()];
            for (i, c) in p.iter().enumerate() {
                let mut binomial = int(1);
                for (j, out) in out.iter_mut().enumerate().take(i + 1) {
                    *out += c * &binomial;
                    binomial = binomial * int((i - j) as i64) / int(j as i64 + 1);
                }
            }
            trimmed(out)
        };
        Series(self.0.iter().map(shift).collect())
    }
}

fn trimmed(mut p: Vec<Q>) -> Vec<Q> {
    while p.last().is_some_and(Zero::is_zero) {
        p.pop();
    }
    p
}

fn plus(a: &[Q], b: &[Q]) -> Vec<Q> {
    let at = |p: &[Q], i: usize| p.get(i).cloned().unwrap_or_else(|| int(0));
    trimmed((0..a.len().max(b.len())).map(|i| at(a, i) + at(b, i)).collect())
}

fn times(a: &[Q], b: &[Q]) -> Vec<Q> {
    let mut out = vec![int(0); (a.len() + b.len()).saturating_sub(1)];
    for (i, x) in a.iter().enumerate() {
        for (j, y) in b.iter().enumerate() {
            out[i + j] += x * y;
        }
    }
    trimmed(out)
}

/// The polynomial with `x(ν+1) - factor x(ν) = right(ν)`, and `x(0) = 0` for the factor 1, by undetermined coefficients:
/// the values at ν = 0, 1, … of the difference are matched.
fn solved(right: &[Q], factor: &Q) -> Vec<Q> {
    let extra = usize::from(factor.is_one());
    let size = right.len() + extra;
    let mut out = vec![int(0); size];
    for at in (extra..size).rev() {
        // What the higher coefficients leave at ν^(at - extra).
        let current = Series(vec![out.clone()]).shifted().0.remove(0);
        let scaled: Vec<Q> = out.iter().map(|c| c * factor).collect();
        let negative: Vec<Q> = scaled.iter().map(|c| -c).collect();
        let difference = plus(&current, &negative);
        let k = at - extra;
        let gap = &right[k] - difference.get(k).cloned().unwrap_or_else(|| int(0));
        out[at] = if extra == 1 { gap / int(at as i64) } else { gap / (int(1) - factor) };
    }
    trimmed(out)
}

struct Run<'a> {
    program: &'a Program,
    loss: &'a Loss,
    n: usize,
    order: usize,
    parameters: &'a [Q],
    /// One series an entry.
    states: Vec<Vec<Series>>,
    memo: BTreeMap<NodeId, Vec<Series>>,
}

impl Run<'_> {
    fn coefficient(&self, c: &bea::exact::RationalFunction) -> Q {
        let values: Vec<Option<_>> =
            self.parameters.iter().map(|p| Some(p.clone().into())).collect();
        c.substitute(&values).unwrap().as_rational().unwrap()
    }

    fn number(&self, value: Q) -> Vec<Series> {
        vec![Series::constant(value, self.order); self.n]
    }

    fn polynomial(&self, loss: &Loss, at: &[Series]) -> Series {
        let mut out = Series::zero(self.order);
        for (c, e) in &loss.0 {
            let mut term = Series::constant(c.clone(), self.order);
            for (x, e) in at.iter().zip(e) {
                for _ in 0..*e {
                    term = term.multiply(x);
                }
            }
            out = out.add(&term);
        }
        out
    }

    fn taylor(&self, x: &Series, f: impl Fn(&Q) -> Option<Vec<Q>>) -> Option<Series> {
        Some(x.compose(&f(&x.start())?))
    }

    /// The node's entries; numbers are repeated.
    fn value(&mut self, id: NodeId) -> Option<Vec<Series>> {
        if let Some(known) = self.memo.get(&id) {
            return Some(known.clone());
        }
        let order = self.order;
        let value = match self.program.nodes[id].clone() {
            Node::Number(c) => self.number(self.coefficient(&c)),
            Node::Step => {
                let mut h = Series::zero(order);
                if order > 0 {
                    h.0[1].push(int(1));
                }
                vec![h; self.n]
            }
            Node::Dimension => self.number(int(self.n as i64)),
            Node::Decay { .. } => self.number(int(0)),
            Node::State(i) => self.states[i].clone(),
            Node::New(i) => self.states[i].iter().map(Series::shifted).collect(),
            Node::Field { point } => {
                let at = self.value(point)?;
                (0..self.n)
                    .map(|i| self.polynomial(&self.loss.derivative(i), &at).scale(&int(-1)))
                    .collect()
            }
            Node::FieldDerivative { direction } => {
                let (at, along) = (self.states[0].clone(), self.value(direction)?);
                let entry = |i: usize| {
                    let row = self.loss.derivative(i);
                    let parts = (0..self.n)
                        .map(|j| self.polynomial(&row.derivative(j), &at).multiply(&along[j]));
                    parts.fold(Series::zero(order), |a, b| a.add(&b)).scale(&int(-1))
                };
                (0..self.n).map(entry).collect()
            }
            Node::Sum(parts) => {
                let mut out = self.number(int(0));
                for part in parts {
                    let value = self.value(part)?;
                    out = out.iter().zip(&value).map(|(a, b)| a.add(b)).collect();
                }
                out
            }
            Node::Product(parts) => {
                let mut out = self.number(int(1));
                for part in parts {
                    let value = self.value(part)?;
                    out = out.iter().zip(&value).map(|(a, b)| a.multiply(b)).collect();
                }
                out
            }
            Node::Power(base, exponent) => {
                let exponent = self.coefficient(&exponent.value());
                let base = self.value(base)?;
                if exponent.is_integer() && !exponent.is_negative() {
                    let n = exponent.to_integer().to_usize()?;
                    let one = self.number(int(1));
                    base.iter()
                        .zip(one)
                        .map(|(x, one)| (0..n).fold(one, |p, _| p.multiply(x)))
                        .collect()
                } else {
                    let f = |x: &Q| {
                        let mut c = power(x, &exponent)?;
                        let mut out = Vec::new();
                        for k in 0..=order {
                            out.push(c.clone());
                            c = c * (&exponent - int(k as i64)) / int(k as i64 + 1) / x;
                        }
                        Some(out)
                    };
                    base.iter().map(|x| self.taylor(x, f)).collect::<Option<_>>()?
                }
            }
            Node::Function(function, argument) => {
                let x = self.value(argument)?;
                let f = |x: &Q| match function {
                    Function::Exponential => {
                        let mut c = stand_in(Elementary::Exponential, x);
                        let mut out = Vec::new();
                        for k in 0..=order {
                            out.push(c.clone());
                            c /= int(k as i64 + 1);
                        }
                        Some(out)
                    }
                    Function::Logarithm => {
                        if x.is_zero() {
                            return None;
                        }
                        let value =
                            if x.is_one() { int(0) } else { stand_in(Elementary::Logarithm, x) };
                        let mut out = vec![value];
                        let mut c = int(1);
                        for k in 1..=order {
                            c /= x;
                            let sign = if k % 2 == 1 { int(1) } else { int(-1) };
                            out.push(&c * sign / int(k as i64));
                        }
                        Some(out)
                    }
                    Function::HyperbolicTangent => {
                        // Derivatives as polynomials in T: T' = 1 - T².
                        let t = stand_in(Elementary::HyperbolicTangent, x);
                        let mut p = vec![int(0), int(1)];
                        let (mut out, mut factorial) = (Vec::new(), int(1));
                        for k in 0..=order {
                            let value = p.iter().rev().fold(int(0), |sum, c| sum * &t + c);
                            out.push(value / &factorial);
                            factorial *= int(k as i64 + 1);
                            let slope: Vec<Q> = p
                                .iter()
                                .enumerate()
                                .skip(1)
                                .map(|(i, c)| c * int(i as i64))
                                .collect();
                            p = times(&slope, &[int(1), int(0), int(-1)]);
                        }
                        Some(out)
                    }
                    Function::Sign | Function::Absolute => {
                        if x.is_zero() {
                            return None;
                        }
                        let mut out = vec![int(0); order + 1];
                        if function == Function::Sign {
                            out[0] = x.signum();
                        } else {
                            out[0] = x.abs();
                            if order > 0 {
                                out[1] = x.signum();
                            }
                        }
                        Some(out)
                    }
                };
                x.iter().map(|x| self.taylor(x, f)).collect::<Option<_>>()?
            }
            Node::Greater(a, b) => {
                let (a, b) = (self.value(a)?, self.value(b)?);
                let pairs = a.into_iter().zip(b);
                let greater = pairs.map(|(a, b)| match a.start().cmp(&b.start()) {
                    std::cmp::Ordering::Greater => Some(a),
                    std::cmp::Ordering::Less => Some(b),
                    std::cmp::Ordering::Equal => None,
                });
                greater.collect::<Option<_>>()?
            }
            Node::MatrixProduct(..)
            | Node::Transpose(_)
            | Node::Identity
            | Node::MatrixFunction(..) => unreachable!("steps of matrices are tested elsewhere"),
            Node::Entries(vector) => {
                let entries = self.value(vector)?;
                let total = entries.iter().fold(Series::zero(order), |a, b| a.add(b));
                vec![total; self.n]
            }
        };
        self.memo.insert(id, value.clone());
        Some(value)
    }
}

/// The velocities by coordinate and power of `h`.
fn by_series(
    program: &Program,
    loss: &Loss,
    x: &[Q],
    slow: &BTreeMap<String, Vec<Q>>,
    parameters: &[Q],
    order: usize,
) -> Option<Vec<Vec<Vec<Q>>>> {
    let n = x.len();
    let is_coordinate = |i: usize| i == 0 || program.states[i].slow;
    let start = |i: usize| -> Vec<Series> {
        let values = match i {
            0 => x.to_vec(),
            _ if program.states[i].slow => slow[&program.states[i].name].clone(),
            _ => vec![int(0); n],
        };
        values.into_iter().map(|v| Series::constant(v, 0)).collect()
    };
    let mut states: Vec<Vec<Series>> = (0..program.states.len()).map(start).collect();
    for top in 0..=(order + 1) {
        for state in &mut states {
            for series in state {
                series.0.resize(top + 1, vec![]);
            }
        }
        // Corrections of the highest order, until nothing changes: states depend on each other in some order.
        for sweep in 0.. {
            let mut changed = false;
            for i in 0..states.len() {
                if top == 0 && is_coordinate(i) {
                    continue;
                }
                let mut run = Run {
                    program,
                    loss,
                    n,
                    order: top,
                    parameters,
                    states: states.clone(),
                    memo: BTreeMap::new(),
                };
                let own = program.states[i].linear.iter().filter(|(j, _)| *j == i);
                let mut factor = int(0);
                for (_, c) in own {
                    factor += run.value(*c)?[0].start();
                }
                let new = run.value(program.states[i].update)?;
                for (state, new) in states[i].iter_mut().zip(new) {
                    let old = state.shifted();
                    let residual =
                        plus(&new.0[top], &old.0[top].iter().map(|c| -c).collect::<Vec<_>>());
                    if !residual.is_empty() {
                        changed = true;
                        state.0[top] = plus(&state.0[top], &solved(&residual, &factor));
                    }
                }
            }
            if !changed {
                break;
            }
            assert!(sweep < 20, "the recurrences of {} do not settle", program.name);
        }
    }
    let velocity = |i: usize| {
        let entries = if program.states[i].shape == Shape::Number { 1 } else { n };
        (1..=(order + 1))
            .map(|k| {
                states[i][..entries]
                    .iter()
                    .map(|s| s.0[k].get(1).cloned().unwrap_or_else(|| int(0)))
                    .collect()
            })
            .collect()
    };
    Some((0..states.len()).filter(|i| is_coordinate(*i)).map(velocity).collect())
}

fn program_of(text: &str) -> Program {
    let optimizer = parse(&Source::new("test.bea", text))
        .unwrap_or_else(|e| panic!("{text}\n{:?}", miette::Report::new(e)))
        .remove(0);
    nonlinear(optimizer.step(&BTreeMap::new()).unwrap())
}

fn nonlinear(step: Step) -> Program {
    match step {
        Step::Nonlinear(program) => program,
        Step::Linear(_) => panic!("a linear step"),
    }
}

/// `E = x²/2 + x⁴/4`.
fn quartic() -> Loss {
    Loss(vec![(q("1/2"), vec![2]), (q("1/4"), vec![4])])
}

/// The field of a one-dimensional step at `x = 1`, by both routes.
fn at_one(program: &Program, parameters: &[&str], order: usize) -> Vec<Q> {
    let (loss, x, slow) = (quartic(), [int(1)], BTreeMap::new());
    let parameters: Vec<Q> = parameters.iter().map(|p| q(p)).collect();
    let field = TypedField::derive(program, order, None).unwrap();
    let point = Point { loss: &loss, x: &x, slow: &slow, parameters: &parameters };
    let trees = by_trees(&field, &point).expect("roots are rational there");
    let series = by_series(program, &loss, &x, &slow, &parameters, order).unwrap();
    assert_eq!(trees, series, "{}", program.name);
    trees[0].iter().map(|v| v[0].clone()).collect()
}

fn library(name: &str) -> Program {
    nonlinear(find(name).unwrap().step(&BTreeMap::new()).unwrap())
}

#[test]
fn exact_values_of_adam() {
    let adam = at_one(&library("adam_inside"), &["1/2", "3/4", "9/4"], 3);
    assert_eq!(adam[..3], [q("-4/5"), q("592/625"), q("1486192/78125")]);
    let rmsprop = at_one(&library("adam_inside"), &["0", "3/4", "9/4"], 2);
    assert_eq!(rmsprop[..2], [q("-4/5"), q("1392/625")]);
    let outside = at_one(&library("adam"), &["1/2", "3/4", "1/2"], 2);
    assert_eq!(outside[..2], [q("-4/5"), q("208/125")]);
}

/// With values set before the derivation the field is that of symbolic parameters at these values.
#[test]
fn numbers_for_parameters_commute_with_the_derivation() {
    let values: BTreeMap<String, Q> = [("beta1", "1/2"), ("beta2", "3/4"), ("eps", "9/4")]
        .map(|(name, value)| (name.to_string(), q(value)))
        .into();
    let program = nonlinear(find("adam_inside").unwrap().step(&values).unwrap());
    let found = at_one(&program, &[], 2);
    assert_eq!(found, [q("-4/5"), q("592/625"), q("1486192/78125")]);
}

/// Points where the roots of the library's optimizers are rational: the gradient, and `eps`.
#[test]
fn the_library_by_two_routes() {
    for optimizer in nonlinear_library() {
        let program = nonlinear(optimizer.step(&BTreeMap::new()).unwrap());
        if program.needs_matrices().is_some() {
            continue;
        }
        let inside = ["adam_inside"].contains(&optimizer.name.as_str());
        for (x, g, v) in [
            (vec!["3/2"], vec!["2"], vec!["4/9"]),
            (
                vec!["3/5", "4/5"],
                if inside { vec!["2", "-18/5"] } else { vec!["3", "-4"] },
                vec!["1", "4/9"],
            ),
            (
                vec!["2/7", "3/7", "6/7"],
                if inside { vec!["2", "-2", "4/5"] } else { vec!["1", "-2", "2"] },
                vec!["4", "1/4", "9"],
            ),
        ] {
            let parse = |list: &[&str]| -> Vec<Q> { list.iter().map(|t| q(t)).collect() };
            let (x, g) = (parse(&x), parse(&g));
            let n = x.len();
            let mut terms = Vec::new();
            for (i, c) in
                ["1/2", "-1/3", "2", "1", "3/4", "-1", "1/5", "2/3", "1/7"].iter().enumerate()
            {
                let mut e = vec![0u32; n];
                e[i % n] += 2;
                e[(i / 2) % n] += (i % 3) as u32;
                terms.push((q(c), e));
            }
            let loss = Loss(terms).with_gradient(&x, &g);
            let slow: BTreeMap<String, Vec<Q>> = [("v".to_string(), parse(&v))].into();
            let value = |name: &String| match name.as_str() {
                "eps" if optimizer.name == "rmsprop_centered" => q("4/9"),
                // |g| + ε is a square in one dimension.
                "eps" if optimizer.name == "dal_adam" => q("1/4"),
                "eps" => q("9/4"),
                "beta1" => q("1/2"),
                "beta2" | "alpha" => q("3/4"),
                "beta" | "m" => q("2/3"),
                "lambda" => q("1/4"),
                "p" => q("1"),
                _ => q("3/5"),
            };
            let parameters: Vec<Q> = program.parameters.iter().map(value).collect();
            let order = if n == 3 { 1 } else { 2 };
            let field = TypedField::derive(&program, order, None).unwrap();
            let point = Point { loss: &loss, x: &x, slow: &slow, parameters: &parameters };
            let trees = by_trees(&field, &point);
            let series = by_series(&program, &loss, &x, &slow, &parameters, order);
            // A norm of what is no gradient is no rational number in several dimensions.
            let name = optimizer.name.as_str();
            let of_norms = [
                "dal",
                "dal_heavy_ball",
                "capped_dal",
                "capped_dal_heavy_ball",
                "dal_quadratic",
                "dal_adam",
                "lamb",
            ];
            let irrational = n > 1 && of_norms.contains(&name);
            assert_eq!(trees.is_some(), !irrational, "{} in {n} dimensions", optimizer.name);
            assert_eq!(trees, series, "{} in {n} dimensions", optimizer.name);
        }
    }
}

/// Every first correction by one rule: with `θ' = θ - hΦ(m_1, …)` and means of lag `τ_l`,
/// `θ̇ = -F - h Σ_l (τ_l + ½) ∂_lΦ Dg_l F`. Here in one dimension, `Φ = m_1/(1 + m_2²)^2`.
#[test]
fn the_first_correction_is_that_of_the_mean_lags() {
    let program = program_of(
        "optimizer two(a, b) {\n  state m, n\n  m' = a*m + (1-a)*g\n  n' = b*n + (1-b)*g^3\n  \
         theta' = theta - h*m'/(1 + n'^2)^2\n}",
    );
    let (a, b) = (q("1/3"), q("5/6"));
    let found = at_one(&program, &["1/3", "5/6"], 1);
    let (g, hessian) = (int(2), int(4));
    let n = g.clone().pow(3);
    let bottom = int(1) + &n * &n;
    let f = &g / bottom.clone().pow(2);
    let d1 = int(1) / bottom.clone().pow(2);
    let d2 = int(-4) * &n * &g / bottom.pow(3);
    let lag = |beta: &Q| beta / (int(1) - beta) + q("1/2");
    let second = int(3) * &g * &g * &hessian;
    let correction = -(lag(&a) * d1 * &hessian * &f + lag(&b) * d2 * second * &f);
    assert_eq!(found, [-f, correction]);
}

/// A random vector, of which `M` and `N` are buffers.
fn vector(depth: u32) -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        Just("g".to_string()),
        Just("m".into()),
        Just("n'".into()),
        Just("theta".into())
    ];
    leaf.prop_recursive(depth, 12, 3, |inner| {
        let two = || (inner.clone(), inner.clone());
        prop_oneof![
            two().prop_map(|(a, b)| format!("({a} + 2*{b})")),
            two().prop_map(|(a, b)| format!("{a}*{b}")),
            two().prop_map(|(a, b)| format!("{a}/(3 + {b}^2)")),
            inner.clone().prop_map(|a| format!("tanh({a})")),
            inner.clone().prop_map(|a| format!("exp({a}/3)")),
            inner.clone().prop_map(|a| format!("abs({a} + c*g)")),
            two().prop_map(|(a, b)| format!("max({a}, {b} + c)")),
            inner.clone().prop_map(|a| format!("clip({a}, -1/7, 3/11)")),
            inner.clone().prop_map(|a| format!("log(5 + {a}^2)")),
            inner.clone().prop_map(|a| format!("D(f)[{a}]")),
            inner.clone().prop_map(|a| format!("f(theta + h*{a})")),
            two().prop_map(|(a, b)| format!("dot({a}, {b})*g")),
            two().prop_map(|(a, b)| format!("mean({a})*{b}")),
            inner.clone().prop_map(|a| format!("sum({a})/(dim + 1)*g")),
        ]
    })
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]
    /// Random steps with a chain of buffers, on random losses in one, two and three dimensions.
    #[test]
    fn random_steps_by_two_routes(
        first in vector(1),
        second in vector(2),
        n in 1_usize..4,
        coefficients in prop::collection::vec(-4_i64..5, 6),
        gradient in prop::collection::vec((1_i64..9, 1_i64..6, any::<bool>()), 3),
    ) {
        let buffer = first.replace('M', "theta").replace('N', "g");
        let second = second.replace('M', "m").replace('N', "n'");
        let text = format!(
            "optimizer random(c) {{\n  state m, n\n  m' = 2/3*m + 1/3*{buffer}\n  n' = m'/2 + n/2 + g\n  \
             theta' = theta - h*{second}\n}}"
        );
        let source = Source::new("random.bea", text.clone());
        let optimizer = match parse(&source) {
            Ok(mut found) => found.remove(0),
            // A kink at the constant part is refused.
            Err(_) => return Err(TestCaseError::reject("singular")),
        };
        let Step::Nonlinear(program) = optimizer.step(&BTreeMap::new()).unwrap() else {
            return Err(TestCaseError::reject("linear"));
        };
        let x: Vec<Q> = (0..n).map(|i| Q::new((2 * i as i64 + 1).into(), 3.into())).collect();
        let g: Vec<Q> = gradient[..n].iter().map(|(a, b, minus)| {
            let value = Q::new((*a).into(), (*b).into());
            if *minus { -value } else { value }
        }).collect();
        let terms = coefficients.iter().enumerate().map(|(i, c)| {
            let mut e = vec![0_u32; n];
            e[i % n] += 1 + (i % 3) as u32;
            e[(i / 3) % n] += (i % 2) as u32 + 1;
            (Q::new((*c).into(), 3.into()), e)
        });
        let loss = Loss(terms.collect()).with_gradient(&x, &g);
        let order = if n == 3 { 1 } else { 2 };
        let parameters = [q("13/17")];
        let slow = BTreeMap::new();
        let field = TypedField::derive(&program, order, None).unwrap();
        let point = Point { loss: &loss, x: &x, slow: &slow, parameters: &parameters };
        let trees = by_trees(&field, &point);
        let series = by_series(&program, &loss, &x, &slow, &parameters, order);
        if let (Some(trees), Some(series)) = (trees, series) {
            prop_assert_eq!(trees, series, "{}", text);
        }
    }
}

fn shown(field: &TypedField, format: Format) -> String {
    let document =
        TypedDocument { field, values: Vec::new(), width: 80, line: 69, potentials: None };
    let mut out = Vec::new();
    typed::write(format, &document, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// As a person reads it: Cattaneo, Klusowski and Shigida's first correction, normalised SAM's, and high-resolution
/// equations.
#[test]
fn first_corrections_as_text() {
    let text =
        |name: &str| shown(&TypedField::derive(&library(name), 1, None).unwrap(), Format::Text);
    let adam = text("adam_inside");
    assert!(adam.contains("u = g/sqrt(g²+eps)"), "{adam}");
    let correction =
        "θ̇ = -u\n  - h/sqrt(g²+eps) (eps*(1+β2)/(2(1-β2)(g²+eps)) + (β1-β2)/((1-β2)(1-β1))) H[u]\n";
    assert!(adam.contains(correction), "{adam}");
    let sam = text("normalized_sam");
    assert!(sam.contains("θ̇ = -g\n  - h/2 (2r/‖g‖ + 1) H[g]\n  + O(h²)"), "{sam}");
    // Shi, Du, Jordan and Su's gradient correction is what the two differ by.
    let (ball, nesterov) = (text("slow_heavy_ball"), text("slow_nesterov"));
    assert!(
        ball.contains("  + h/2 H[v]\n") && nesterov.contains("  - h/2 H[v]\n"),
        "{ball}{nesterov}"
    );
    let lion = text("lion");
    assert!(lion.contains("no entry of g is 0"), "{lion}");
}

/// What each order is the gradient of: `None` where it is none.
fn potentials(program: &Program, order: usize) -> Vec<Option<usize>> {
    let field = TypedField::derive(program, order, None).unwrap();
    let of = |potential: &TypedPotential| match potential {
        TypedPotential::Gradient(terms) => Some(terms.len()),
        TypedPotential::Obstructed(terms) => {
            assert!(!terms.is_empty());
            None
        }
        TypedPotential::Unknown => panic!("undecided"),
    };
    field.potentials().unwrap().iter().map(of).collect()
}

#[test]
fn modified_losses() {
    assert_eq!(potentials(&library("normalized_sam"), 2), [Some(1), Some(2), None]);
    assert_eq!(potentials(&library("normalized_gradient_descent"), 1), [None]);
    assert_eq!(potentials(&library("adam_inside"), 1), [None]);
    assert_eq!(potentials(&library("dal"), 0), [None]);
    assert!(TypedField::derive(&library("slow_nesterov"), 0, None).unwrap().potentials().is_none());
    // -∇ of Σ sqrt(1 + g²), of ‖g‖⁴/4, of -1/‖g‖ + ‖θ‖², and two that are none.
    for (step, expected) in [
        ("D(f)[g/sqrt(1 + g^2)]", Some(1)),
        ("dot(g, g)*D(f)[g]", Some(1)),
        ("D(f)[g]/norm(g)^3 - 2*theta", Some(2)),
        ("2*D(f)[D(f)[g]]", None),
        ("sign(g)*D(f)[g]", None),
    ] {
        let program = program_of(&format!("optimizer mine {{ theta' = theta + h*({step}) }}"));
        assert_eq!(potentials(&program, 0), [expected], "{step}");
    }
    // -∇ of log(1 + ‖g‖), which is not looked for: neither is claimed.
    let program = program_of("optimizer mine { theta' = theta + h*D(f)[g]/(norm(g) + norm(g)^2) }");
    let field = TypedField::derive(&program, 0, None).unwrap();
    assert_eq!(field.potentials().unwrap(), [TypedPotential::Unknown]);
}

#[test]
fn modified_losses_as_text() {
    let text = |name: &str, order: usize| {
        let field = TypedField::derive(&library(name), order, None).unwrap();
        let potentials = field.potentials().unwrap();
        let document = TypedDocument {
            field: &field,
            values: Vec::new(),
            width: 80,
            line: 69,
            potentials: Some(&potentials),
        };
        let mut out = Vec::new();
        typed::write(Format::Text, &document, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let sam = text("normalized_sam", 1);
    assert!(sam.contains("E\u{303} = E\n  + h*r*‖g‖\n  + h*‖g‖²/4\n  + …\n"), "{sam}");
    let normalized = text("normalized_gradient_descent", 0);
    let reason = "their Jacobian J is not symmetric,\nw·J[v] - v·J[w] = sum(g*w)/‖g‖³ ∇²E[g,v] - \
                  sum(g*v)/‖g‖³ ∇²E[g,w].";
    assert!(normalized.contains(reason) && !normalized.contains("E\u{303} ="), "{normalized}");
}

/// Long equations have names for what they repeat, short ones none.
#[test]
fn what_repeats_has_a_name() {
    let text = |name: &str, order: usize| {
        shown(&TypedField::derive(&library(name), order, None).unwrap(), Format::Text)
    };
    let adam = text("adam", 2);
    assert!(adam.contains("D = abs(g)+eps, u = g/D, c1 = 1+2β1"), "{adam}");
    assert!(adam.contains("  + h/D ((1+β2)abs(g)/(2(1-β2)D) - (1+β1)/(2(1-β1))) H[u]\n"), "{adam}");
    assert!(!text("adam", 1).contains("D ="));
    let lamb = text("lamb", 2);
    assert!(lamb.contains("S = sum(g*θ/D), R = 2λ*S+‖u‖²+λ²*‖θ‖²,"), "{lamb}");
}

#[test]
fn every_format_of_the_library() {
    for optimizer in nonlinear_library() {
        let program = nonlinear(optimizer.step(&BTreeMap::new()).unwrap());
        let field = TypedField::derive(&program, 1, None).unwrap();
        let all =
            [Format::Text, Format::Latex, Format::Typst, Format::Markdown, Format::Mathematica];
        for format in all.into_iter().filter(|f| *f != Format::Mathematica || !field.has_matrices())
        {
            let text = shown(&field, format);
            assert!(text.contains(&optimizer.name), "{text}");
            let balance =
                |open: char, close: char| text.matches(open).count() == text.matches(close).count();
            assert!(balance('(', ')') && balance('[', ']') && balance('{', '}'), "{text}");
        }
        let json: serde_json::Value = serde_json::from_str(&shown(&field, Format::Json)).unwrap();
        let terms: usize = json["coordinates"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["terms"].as_array().unwrap().len())
            .sum();
        assert_eq!(terms, field.coordinates.iter().map(|c| c.terms.len()).sum::<usize>());
        for format in [Format::Svg, Format::Html] {
            let text = shown(&field, format);
            assert_eq!(text.matches("<svg").count(), text.matches("</svg>").count());
            assert_eq!(text.matches("<g ").count(), text.matches("</g>").count());
        }
    }
}

/// The SymPy module computes the field of a concrete loss.
#[test]
fn the_sympy_module_evaluates_fields() {
    let run = |name: &str, order: usize, script: &str| {
        let module =
            shown(&TypedField::derive(&library(name), order, None).unwrap(), Format::Sympy);
        let mut python = needs::python()?;
        let output = python.args(["-c", &format!("{module}\n{script}")]).output().unwrap();
        assert!(output.status.success(), "{module}\n{}", String::from_utf8_lossy(&output.stderr));
        Some(String::from_utf8(output.stdout).unwrap())
    };
    let adam = "x = Symbol('x')\nf = modified_field(x**2/2 + x**4/4, [x])['theta'][0]\n\
                f = f.subs({x: 1, beta1: Rational(1, 2), beta2: Rational(3, 4), eps: Rational(9, 4)})\n\
                print(_sympy.expand(_sympy.simplify(f)))";
    let Some(found) = run("adam_inside", 2, adam) else { return };
    assert_eq!(found.trim(), "1486192*h**2/78125 + 592*h/625 - 4/5");
    let sam = "x, y = Symbol('x'), Symbol('y')\nE = 3*x**2/2 + 2*y**2\n\
               f = modified_field(E, [x, y])['theta']\n\
               F = E + h/4*(9*x**2 + 16*y**2) + h*r*_sympy.sqrt(9*x**2 + 16*y**2)\n\
               print([_sympy.simplify(a + _sympy.diff(F, b)) for a, b in zip(f, [x, y])])";
    assert_eq!(run("normalized_sam", 1, sam).unwrap().trim(), "[0, 0]");
    let adagrad = "x = Symbol('x')\nv = Symbol('v', positive=True)\n\
                   print(modified_field(x**2, [x], {'v': [v]})['v'][0])";
    assert_eq!(run("adagrad", 0, adagrad).unwrap().trim(), "4*x**2");
}
