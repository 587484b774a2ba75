//! Optimizers that divide their steps by the root of averaged squares, RMSProp and Adam, known by what they do.
//!
//! A step is tried with chosen gradients and buffers, and compared with
//!
//! ```text
//! m' = β₁ m + (1-β₁) g,   v' = β₂ v + (1-β₂) g²,   θ' = θ - h m̂/(√v̂ + ε)
//! ```
//!
//! with `m' = g` where there is one buffer, `g²` entry by entry, or `‖g‖²` where `v` is a number, and `m̂`, `v̂` with Adam's bias
//! corrections or without. Names and the way in which a step is written do not matter.

use super::metric::{Metric, SecondMoment};
use crate::flow::jets::JetSource;
use crate::flow::step::nonlinear::NonlinearStep;
use crate::objective::Jet;
use bea_series::typed::{Node, Program, Shape};
use std::convert::Infallible;

/// How far a step may be from the formula, relative to its size.
const ALIKE: f64 = 1e-9;
/// Gradients, and buffers, that are tried.
const TRIED: [[f64; 3]; 4] =
    [[1.0, -0.3, 0.02], [-2.0, 0.7, 0.11], [0.004, 5.0, -1.3], [0.6, 0.06, -0.9]];
/// Parameters that are tried: the step must not depend on them.
const ORIGIN: [f64; 3] = [0.0; 3];
const ELSEWHERE: [f64; 3] = [0.5, -2.0, 3.0];
/// Numbers of steps that are tried; `None` is long after the start.
const NUMBERS: [Option<u64>; 4] = [None, Some(1), Some(2), Some(9)];

/// A field that is the same everywhere.
struct Everywhere(Vec<f64>);

impl JetSource<f64> for Everywhere {
    type Error = Infallible;

    fn field(&mut self, _: &Jet<f64>) -> Result<Vec<Vec<f64>>, Infallible> {
        Ok(vec![self.0.clone()])
    }

    fn along(&mut self, _: &Jet<f64>, _: &Jet<f64>) -> Result<Vec<Vec<f64>>, Infallible> {
        Ok(vec![vec![0.0; self.0.len()]])
    }
}

/// The numbers of the formula.
struct Candidate {
    /// The indices of `m`, if there is one, and of `v` among the states.
    m: Option<usize>,
    v: usize,
    /// Whether `v` is a number.
    joint: bool,
    beta1: f64,
    beta2: f64,
    eps: f64,
    corrected: bool,
}

/// What such an optimizer is on the average; `None` for others.
pub(in crate::flow) fn recognised(program: &Program, step: &NonlinearStep<f64>) -> Option<Metric> {
    let buffers = &program.states[1..];
    let plain = |node: &Node| match node {
        Node::Field { point } => program.nodes[*point] == Node::State(0),
        Node::FieldDerivative { .. } | Node::Greater(..) | Node::Function(..) => false,
        _ => true,
    };
    let settled =
        buffers.iter().any(|state| state.slow || state.initial.is_some() || state.first.is_some());
    if settled || program.needs_matrices().is_some() || !program.nodes.iter().all(plain) {
        return None;
    }
    let orders: &[(Option<usize>, usize)] = match buffers.len() {
        1 => &[(None, 1)],
        2 => &[(Some(1), 2), (Some(2), 1)],
        _ => return None,
    };
    let h = *step.step_size();
    orders.iter().find_map(|&(m, v)| {
        let joint = program.states[v].shape == Shape::Number;
        let candidate = Candidate::read(step, m, v, joint, h)?;
        candidate.holds(step, h).then(|| Metric {
            rate: h,
            threshold: 2.0 * (1.0 + candidate.beta1) / (1.0 - candidate.beta1),
            ratio: 1.0,
            second: Some(SecondMoment {
                beta: candidate.beta2,
                eps: candidate.eps,
                joint,
                corrected: candidate.corrected,
                state: v,
                before: Vec::new(),
                steps: 0.0,
            }),
        })
    })
}

/// The states after a step from these.
fn after(
    step: &NonlinearStep<f64>,
    theta: &[f64; 3],
    gradient: &[f64],
    buffers: &[(usize, Vec<f64>)],
    number: Option<u64>,
) -> Vec<Vec<f64>> {
    let mut states = step.start(theta);
    for (index, values) in buffers {
        states[*index].clone_from(values);
    }
    let mut field = Everywhere(gradient.iter().map(|g| -g).collect());
    step.execute(&mut states, number, &mut field).expect("a step without matrices");
    states
}

impl Candidate {
    /// The numbers that the formula would have.
    fn read(
        step: &NonlinearStep<f64>,
        m: Option<usize>,
        v: usize,
        joint: bool,
        h: f64,
    ) -> Option<Candidate> {
        let factor = |state: usize| {
            let ones = step.start(&[0.0; 3])[state].iter().map(|_| 1.0).collect();
            let factor = after(step, &ORIGIN, &[0.0; 3], &[(state, ones)], None)[state][0];
            (0.0..1.0).contains(&factor).then_some(factor)
        };
        let beta1 = m.map_or(Some(0.0), factor)?;
        let beta2 = factor(v).filter(|beta2| *beta2 > 0.0)?;
        let mut candidate = Candidate { m, v, joint, beta1, beta2, eps: 0.0, corrected: false };
        // A small gradient, so that √v does not drown ε.
        let small = [1e-4; 3];
        let moved = after(step, &ORIGIN, &small, &[], None)[0][0];
        let [root] = candidate.squares(&small, None).map(f64::sqrt)[..1] else { return None };
        let eps = -h * (1.0 - beta1) * small[0] / moved - root;
        // What is left of the difference by rounding is no ε.
        candidate.eps = if eps > 16.0 * f64::EPSILON * root { eps } else { 0.0 };
        // Without a correction the first step is smaller.
        let first = after(step, &ORIGIN, &TRIED[0], &[], Some(1))[0][0];
        let late = after(step, &ORIGIN, &TRIED[0], &[], None)[0][0];
        candidate.corrected = (first - late).abs() > ALIKE * late.abs();
        Some(candidate)
    }

    /// `v'` of three entries, from `v`.
    fn squares(&self, gradient: &[f64; 3], v: Option<&[f64]>) -> [f64; 3] {
        let sum: f64 = gradient.iter().map(|g| g * g).sum();
        std::array::from_fn(|i| {
            let old = v.map_or(0.0, |v| v[i.min(v.len() - 1)]);
            let new = if self.joint { sum } else { gradient[i] * gradient[i] };
            self.beta2 * old + (1.0 - self.beta2) * new
        })
    }

    /// Whether steps are as the formula says.
    fn holds(&self, step: &NonlinearStep<f64>, h: f64) -> bool {
        let alike = |x: f64, y: f64| (x - y).abs() <= ALIKE * y.abs();
        let moved = |theta: f64, x: f64, y: f64| {
            (x - theta - y).abs() <= ALIKE * y.abs() + 4.0 * f64::EPSILON * theta.abs()
        };
        let tries = TRIED.iter().zip(TRIED.iter().cycle().skip(1)).zip(NUMBERS.iter().cycle());
        let tries = tries.clone().chain(tries.map(|((b, a), n)| ((a, b), n)));
        let everywhere = tries.flat_map(|tried| [ORIGIN, ELSEWHERE].map(|theta| (theta, tried)));
        everywhere.into_iter().all(|(theta, ((g, old), &number))| {
            let v: Vec<f64> =
                old.iter().take(if self.joint { 1 } else { 3 }).map(|x| x * x).collect();
            let mut buffers = vec![(self.v, v.clone())];
            buffers.extend(self.m.map(|m| (m, old.to_vec())));
            let found = after(step, &theta, g, &buffers, number);
            let squares = self.squares(g, Some(&v));
            let correct = |beta: f64| match number {
                Some(t) if self.corrected => 1.0 - beta.powf(t as f64),
                _ => 1.0,
            };
            (0..3).all(|i| {
                let m = match self.m {
                    Some(_) => self.beta1 * old[i] + (1.0 - self.beta1) * g[i],
                    None => g[i],
                };
                let root = (squares[i] / correct(self.beta2)).sqrt() + self.eps;
                let m_found = self.m.is_none_or(|at| alike(found[at][i], m));
                let v_found = alike(found[self.v][i.min(v.len() - 1)], squares[i]);
                m_found
                    && v_found
                    && moved(theta[i], found[0][i], -h * m / correct(self.beta1) / root)
            })
        })
    }
}
