//! The third, numerical route: on a concrete polynomial field the flow of the field truncated at
//! order `n` misses one step of the optimizer by `O(h^(n+2))`. Everything runs in fixed point with
//! 512 fractional bits; the exponent is measured as a slope.

mod fixed_point;

use bea::exact::{Poly, RationalFunction as Q};
use bea::series::{Combination, GeneralLinearMethod, ModifiedField, derive};
use bea::tree::{TreeId, TreeTable};
use fixed_point::Fixed;
use num_bigint::BigInt;
use num_rational::BigRational;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Polynomial vector fields: `fields[c]` are the components of field `c`, in the variables of its
/// space.
struct Problem {
    /// Variables of each space.
    spaces: Vec<Vec<usize>>,
    fields: Vec<Vec<Poly>>,
    start: Vec<i64>,
}

fn polynomial(terms: &[(i64, u16, u16)]) -> Poly {
    let (x, y) = (Poly::variable(0), Poly::variable(1));
    terms.iter().fold(Poly::zero(), |sum, &(c, i, j)| {
        sum.add(&x.pow(i.into()).mul(&y.pow(j.into())).scale(&BigInt::from(c)))
    })
}

impl Problem {
    /// One field over the plane, of the given degree.
    fn plane(degree: u16) -> Problem {
        let mut fx = vec![(1, 0, 0), (-1, 1, 0), (2, 0, 1), (1, 1, 1), (-1, 0, 2)];
        let mut fy = vec![(-1, 0, 0), (-2, 1, 0), (-1, 0, 1), (1, 2, 0), (1, 1, 1)];
        for d in 3..=degree {
            fx.extend([(1, d, 0), (-1, 1, d - 1)]);
            fy.extend([(-1, d - 1, 1), (1, 0, d)]);
        }
        Problem {
            spaces: vec![vec![0, 1]],
            fields: vec![vec![polynomial(&fx), polynomial(&fy)]],
            start: vec![1, 2],
        }
    }

    /// A game: one variable a player.
    fn game() -> Problem {
        let mut plane = Problem::plane(3);
        let components = plane.fields.remove(0);
        plane.spaces = vec![vec![0], vec![1]];
        plane.fields = components.into_iter().map(|c| vec![c]).collect();
        plane
    }

    /// Three fields that a method may add.
    fn split() -> Problem {
        let mut plane = Problem::plane(3);
        plane.fields.extend([
            vec![polynomial(&[(1, 0, 1), (1, 2, 0)]), polynomial(&[(-1, 1, 0), (-1, 1, 1)])],
            vec![polynomial(&[(-1, 1, 1), (2, 1, 0)]), polynomial(&[(1, 0, 2), (-1, 3, 0)])],
        ]);
        plane
    }

    /// The elementary differentials of all trees, as polynomials.
    fn elementary_differentials(
        &self,
        method: &GeneralLinearMethod,
        trees: &TreeTable,
    ) -> Vec<Vec<Poly>> {
        let mut all: Vec<Vec<Poly>> = Vec::new();
        for tree in 0..trees.len() as TreeId {
            let children = trees.children(tree);
            let components = &self.fields[usize::from(trees.color(tree))];
            let along = |c: TreeId| &self.spaces[method.fields[usize::from(trees.color(c))].space];
            let value = components
                .iter()
                .map(|component| contract(component, &children, &|c| along(c).as_slice(), &all));
            let value = value.collect();
            all.push(value);
        }
        all
    }
}

/// `Σ_j ∂_{j1} … ∂_{jm} p · F(τ1)_{j1} … F(τm)_{jm}`.
fn contract<'a>(
    p: &Poly,
    children: &[TreeId],
    along: &dyn Fn(TreeId) -> &'a [usize],
    differentials: &[Vec<Poly>],
) -> Poly {
    let Some((&first, rest)) = children.split_first() else { return p.clone() };
    along(first).iter().enumerate().fold(Poly::zero(), |sum, (component, &variable)| {
        let derivative = p.derivative(variable);
        if derivative.is_zero() {
            return sum;
        }
        let inner = contract(&derivative, rest, along, differentials);
        sum.add(&inner.mul(&differentials[first as usize][component]))
    })
}

/// A polynomial with fixed-point coefficients.
type Numeric = Vec<([usize; 2], Fixed)>;

/// The modified field truncated at `order`, at the step size `h`.
fn truncated(
    method: &GeneralLinearMethod,
    field: &ModifiedField,
    differentials: &[Vec<Poly>],
    variables: &[Vec<usize>],
    order: usize,
    h: &BigRational,
) -> Vec<Numeric> {
    let trees = field.trees();
    let mut sums: Vec<BTreeMap<[usize; 2], BigRational>> = vec![BTreeMap::new(); 2];
    for nodes in 1..=order + 1 {
        for tree in trees.of_size(nodes) {
            let mut coefficient = weight(method, field, tree, h)
                / BigRational::from_integer(trees.symmetry(tree).into());
            if method.step_parameter.is_none() {
                coefficient *= h.pow(nodes as i32);
            }
            coefficient /= h;
            let space = method.fields[usize::from(trees.color(tree))].space;
            for (component, &variable) in differentials[tree as usize].iter().zip(&variables[space])
            {
                for (m, c) in component.terms() {
                    *sums[variable].entry([m.0[0].into(), m.0[1].into()]).or_default() +=
                        &coefficient * BigRational::from_integer(c.clone());
                }
            }
        }
    }
    let numeric =
        |sum: &BTreeMap<_, BigRational>| sum.iter().map(|(m, c)| (*m, Fixed::from(c))).collect();
    sums.iter().map(numeric).collect()
}

fn weight(
    method: &GeneralLinearMethod,
    field: &ModifiedField,
    tree: TreeId,
    h: &BigRational,
) -> BigRational {
    let b = field.b(tree);
    let b = match method.step_parameter {
        None => b,
        Some(i) => {
            let mut values = vec![None; method.parameters.len()];
            values[i] = Some(Q::from(h.clone()));
            b.substitute(&values).unwrap()
        }
    };
    b.as_rational().unwrap()
}

/// The point at time `h` of the flow, by its Taylor series.
fn flow(field: &[Numeric], start: &[Fixed], h: &Fixed, terms: usize) -> Vec<Fixed> {
    let mut y: Vec<Vec<Fixed>> = start.iter().map(|s| vec![s.clone()]).collect();
    for k in 0..terms {
        let degree = field.iter().flatten().map(|(m, _)| m[0].max(m[1])).max().unwrap_or(0);
        let powers: Vec<Vec<Vec<Fixed>>> =
            y.iter().map(|series| series_powers(series, degree)).collect();
        for (component, polynomial) in field.iter().enumerate() {
            let mut coefficient = Fixed::zero();
            for (m, c) in polynomial {
                let (a, b) = (&powers[0][m[0]], &powers[1][m[1]]);
                let product = (0..=k).fold(Fixed::zero(), |s, i| s.add(&a[i].mul(&b[k - i])));
                coefficient = coefficient.add(&c.mul(&product));
            }
            y[component].push(coefficient.over(k as i64 + 1));
        }
    }
    y.iter()
        .map(|series| series.iter().rev().fold(Fixed::zero(), |sum, c| sum.mul(h).add(c)))
        .collect()
}

fn series_powers(series: &[Fixed], degree: usize) -> Vec<Vec<Fixed>> {
    let terms = series.len();
    let mut powers = vec![vec![Fixed::zero(); terms]];
    powers[0][0] = Fixed::one();
    for d in 0..degree {
        let next = (0..terms)
            .map(|k| (0..=k).fold(Fixed::zero(), |s, i| s.add(&powers[d][i].mul(&series[k - i]))))
            .collect();
        powers.push(next);
    }
    powers
}

/// The optimizer itself, in fixed point.
struct Simulation<'a> {
    method: &'a GeneralLinearMethod,
    problem: &'a Problem,
    h: BigRational,
    /// One vector a state.
    states: Vec<Vec<Fixed>>,
}

impl<'a> Simulation<'a> {
    fn new(method: &'a GeneralLinearMethod, problem: &'a Problem, h: &BigRational) -> Self {
        let start = |space: usize| {
            problem.spaces[space]
                .iter()
                .map(|&v| Fixed::from(&BigRational::new(problem.start[v].into(), 8.into())))
        };
        let mut seen = vec![false; method.spaces.len()];
        let states = method
            .states
            .iter()
            .map(|s| match std::mem::replace(&mut seen[s.space], true) {
                false => start(s.space).collect(),
                true => vec![Fixed::zero(); problem.spaces[s.space].len()],
            })
            .collect();
        let mut simulation = Simulation { method, problem, h: h.clone(), states };
        // Without a field the buffers settle on their constant part.
        let still = vec![None; method.stages.len()];
        for _ in 0..200 {
            simulation.states = simulation.update(&still);
        }
        simulation
    }

    fn number(&self, c: &Q) -> Fixed {
        let c = match self.method.step_parameter {
            None => c.clone(),
            Some(i) => {
                let mut values = vec![None; self.method.parameters.len()];
                values[i] = Some(Q::from(self.h.clone()));
                c.substitute(&values).unwrap()
            }
        };
        Fixed::from(&c.as_rational().unwrap())
    }

    fn combine(&self, c: &Combination, space: usize, stages: &[Option<Vec<Fixed>>]) -> Vec<Fixed> {
        let mut out = vec![Fixed::zero(); self.problem.spaces[space].len()];
        let states = self.states.iter().zip(&c.states).zip(&self.method.states);
        let from_states = states.filter(|(_, s)| s.space == space).map(|((v, c), _)| (Some(v), c));
        for (value, coefficient) in
            from_states.chain(stages.iter().map(Option::as_ref).zip(&c.stages))
        {
            let Some(value) = value.filter(|_| !coefficient.is_zero()) else { continue };
            let coefficient = self.number(coefficient);
            for (o, v) in out.iter_mut().zip(value) {
                *o = o.add(&coefficient.mul(v));
            }
        }
        out
    }

    fn update(&self, stages: &[Option<Vec<Fixed>>]) -> Vec<Vec<Fixed>> {
        let rows = self.method.update.iter().zip(&self.method.states);
        rows.map(|(c, s)| self.combine(c, s.space, stages)).collect()
    }

    fn step(&mut self) {
        let scale = match self.method.step_parameter {
            None => Fixed::from(&self.h),
            Some(_) => Fixed::one(),
        };
        let mut stages: Vec<Option<Vec<Fixed>>> = vec![None; self.method.stages.len()];
        // Explicit stages settle one after another, implicit ones by contraction.
        for _ in 0..200 {
            let mut changed = false;
            for (i, stage) in self.method.stages.iter().enumerate() {
                let mut point = vec![Fixed::zero(); self.problem.start.len()];
                for (space, argument) in stage.arguments.iter().enumerate() {
                    let part = self.combine(argument, space, &stages);
                    for (&variable, value) in self.problem.spaces[space].iter().zip(part) {
                        point[variable] = value;
                    }
                }
                let components = &self.problem.fields[stage.field];
                let value: Vec<_> =
                    components.iter().map(|p| scale.mul(&evaluate(p, &point))).collect();
                changed |= stages[i].as_ref() != Some(&value);
                stages[i] = Some(value);
            }
            if !changed {
                break;
            }
        }
        self.states = self.update(&stages);
    }

    fn parameters(&self) -> Vec<Fixed> {
        let mut out = vec![Fixed::zero(); self.problem.start.len()];
        for (space, variables) in self.problem.spaces.iter().enumerate() {
            let state = self.method.states.iter().position(|s| s.space == space).unwrap();
            for (&variable, value) in variables.iter().zip(&self.states[state]) {
                out[variable] = value.clone();
            }
        }
        out
    }
}

fn evaluate(p: &Poly, point: &[Fixed]) -> Fixed {
    p.terms().iter().fold(Fixed::zero(), |sum, (m, c)| {
        let mut term = Fixed::from(&BigRational::from_integer(c.clone()));
        for (v, x) in point.iter().enumerate() {
            for _ in 0..m.0[v] {
                term = term.mul(x);
            }
        }
        sum.add(&term)
    })
}

/// Measures the exponents of the one-step error at orders `0, …, max`. A node of a tree brings
/// `h` to the given power: 1 unless the time that a step takes shrinks faster than `h`.
fn slopes(
    name: &str,
    method_at: impl Fn(&BigRational) -> GeneralLinearMethod,
    problem: &Problem,
    max: usize,
    powers_of_h_a_node: f64,
) {
    let sizes = [11u32, 12];
    let mut errors: Vec<Vec<f64>> = Vec::new();
    let mut expected = Vec::new();
    for bits in sizes {
        let h = BigRational::new(1.into(), BigInt::from(1u32 << bits));
        let method = method_at(&h);
        let trees = Arc::new(TreeTable::all(method.fields.len(), max + 2));
        let field = derive(&method, trees.clone()).unwrap();
        let differentials = problem.elementary_differentials(&method, &trees);
        // An eighth of time is enough for the buffers to settle far below the errors.
        let mut simulation = Simulation::new(&method, problem, &h);
        for _ in 0..1u32 << (bits - 3) {
            simulation.step();
        }
        let before = simulation.parameters();
        simulation.step();
        let after = simulation.parameters();
        errors.push(
            (0..=max)
                .map(|order| {
                    let f = truncated(&method, &field, &differentials, &problem.spaces, order, &h);
                    let end = flow(&f, &before, &Fixed::from(&h), max + 10);
                    end.iter()
                        .zip(&after)
                        .map(|(a, b)| a.sub(b).log2_abs())
                        .fold(f64::NEG_INFINITY, f64::max)
                })
                .collect(),
        );
        // The error starts at the first order beyond the truncation that has any term.
        let present = |n: usize| trees.of_size(n + 1).any(|t| !field.b(t).is_zero());
        expected = (0..=max)
            .map(|order| (order + 1..=max + 1).find(|&n| present(n)).map(|n| n as f64 + 1.0))
            .collect();
    }
    for order in 0..=max {
        let slope = errors[0][order] - errors[1][order];
        let Some(expected) = expected[order] else { continue };
        let expected = powers_of_h_a_node * expected;
        assert!(
            (slope - expected).abs() < 0.1,
            "{name}, order {order}: the one-step error falls as h^{slope:.3}, expected h^{expected}"
        );
    }
}

#[test]
fn several_optimizers_to_order_8() {
    for name in ["gradient_descent", "heavy_ball", "nesterov", "optimistic_gradient", "midpoint"] {
        slopes(name, library(name), &Problem::plane(2), 8, 1.0);
    }
}

/// A method of the library with numbers for its parameters; a radius `rho` shrinks with the step.
fn library(name: &str) -> impl Fn(&BigRational) -> GeneralLinearMethod + '_ {
    let optimizer = bea::optimizer::find(name).unwrap();
    move |h: &BigRational| {
        let values = optimizer.parameters.iter().map(|p| {
            let value = match p.as_str() {
                "rho" => h / BigRational::from_integer(2.into()),
                // Friction per step must not vanish, or there is no fast transient.
                "gamma" if name == "damped_heavy_ball" => BigRational::new(2.into(), 3.into()) / h,
                _ => BigRational::new(1.into(), 3.into()),
            };
            (p.clone(), value)
        });
        optimizer.method(&values.collect()).unwrap()
    }
}

fn problem_for(method: &GeneralLinearMethod) -> Problem {
    match (method.spaces.len(), method.fields.len()) {
        (1, 1) => Problem::plane(4),
        (1, _) => Problem::split(),
        _ => Problem::game(),
    }
}

#[test]
fn every_optimizer_of_the_library() {
    for optimizer in bea::optimizer::library() {
        let method_at = library(&optimizer.name);
        let method = method_at(&BigRational::new(1.into(), 256.into()));
        let max = if method.fields.len() > 2 { 2 } else { 4 };
        // With a fixed friction per step the velocity is h f/(h gamma) and a step covers h² of time.
        let powers = if optimizer.name == "damped_heavy_ball" { 2.0 } else { 1.0 };
        slopes(&optimizer.name, &method_at, &problem_for(&method), max, powers);
    }
}
