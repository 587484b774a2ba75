//! An optimizer with numbers for its coefficients, and its steps on a problem.

use super::newton::Newton;
use super::velocity::is_finite;
use super::{Problem, SimulateError, Stop};
use crate::exact::RationalFunction;
use crate::series::{Combination, GeneralLinearMethod, Recurrence};
use num_complex::Complex64;
use num_rational::BigRational;
use num_traits::ToPrimitive;

/// How many Newton iterations implicit stages may take.
const MAX_NEWTON: usize = 50;
/// How many sweeps a slow manifold may take.
const MAX_SWEEPS: usize = 500;

/// A vector of one space.
pub(super) type Vector = Vec<Complex64>;

/// A linear combination of states and stages.
pub(super) struct Row {
    states: Vec<f64>,
    pub(super) stages: Vec<f64>,
}

/// The recurrence of the states of one space: see [`Recurrence`].
struct Memory {
    states: Vec<usize>,
    constant: Vec<f64>,
    group_inverse: Vec<Vec<f64>>,
    projector: Vec<Vec<f64>>,
}

/// A general linear method at one step size.
pub(super) struct Method {
    /// The space of each state.
    states: Vec<usize>,
    /// The field of each stage, and its arguments, one a space.
    pub(super) stages: Vec<(usize, Vec<Row>)>,
    update: Vec<Row>,
    memories: Vec<Memory>,
    /// What multiplies a field: `h`, or 1 where the coefficients contain it.
    pub(super) scale: f64,
    h: f64,
    explicit: bool,
}

impl Method {
    /// The method at the step size `h`.
    ///
    /// # Errors
    /// Parameters without a value; methods that have no slow manifold.
    pub(super) fn new(method: &GeneralLinearMethod, h: f64) -> Result<Method, SimulateError> {
        let symbolic: Vec<String> = (0..method.parameters.len())
            .filter(|&i| method.step_parameter != Some(i))
            .map(|i| method.parameters[i].clone())
            .collect();
        if !symbolic.is_empty() {
            return Err(SimulateError::Symbolic(symbolic));
        }
        // The exact value of the floating-point number.
        let step = BigRational::from_float(h).ok_or(SimulateError::StepSize(h))?;
        let step = vec![Some(RationalFunction::from(step)); method.parameters.len()];
        let number = |c: &RationalFunction| -> Result<f64, SimulateError> {
            let value = c.substitute(&step).and_then(|c| c.as_rational()?.to_f64());
            value.filter(|v| v.is_finite()).ok_or(SimulateError::StepSize(h))
        };
        let numbers = |row: &[RationalFunction]| -> Result<Vec<f64>, SimulateError> {
            row.iter().map(number).collect()
        };
        let row = |c: &Combination| -> Result<Row, SimulateError> {
            Ok(Row { states: numbers(&c.states)?, stages: numbers(&c.stages)? })
        };
        let stages: Vec<(usize, Vec<Row>)> = method
            .stages
            .iter()
            .map(|s| Ok((s.field, s.arguments.iter().map(row).collect::<Result<_, _>>()?)))
            .collect::<Result<_, SimulateError>>()?;
        let memory = |space| -> Result<Memory, SimulateError> {
            let r = Recurrence::new(method, space)?;
            let matrix = |m: &[Vec<RationalFunction>]| {
                m.iter().map(|row| numbers(row)).collect::<Result<Vec<_>, _>>()
            };
            Ok(Memory {
                constant: numbers(&r.constant)?,
                group_inverse: matrix(&r.group_inverse)?,
                projector: matrix(&r.projector)?,
                states: r.states,
            })
        };
        let uses = |l: usize, arguments: &[Row]| {
            arguments.iter().any(|row| row.stages[l..].iter().any(|&d| d != 0.0))
        };
        Ok(Method {
            states: method.states.iter().map(|s| s.space).collect(),
            explicit: stages.iter().enumerate().all(|(l, (_, args))| !uses(l, args)),
            stages,
            update: method.update.iter().map(row).collect::<Result<_, _>>()?,
            memories: (0..method.spaces.len()).map(memory).collect::<Result<_, _>>()?,
            scale: if method.step_parameter.is_some() { 1.0 } else { h },
            h,
        })
    }

    /// The states with which the optimizer is started at `θ`: buffers are zero, apart from those
    /// that hold a multiple of the parameters, such as an older iterate.
    pub(super) fn start(&self, problem: &Problem, theta: &[Complex64]) -> Vec<Vector> {
        let mut states = vec![Vec::new(); self.states.len()];
        for (space, memory) in problem.spaces().iter().zip(&self.memories) {
            for (&state, c) in memory.states.iter().zip(&memory.constant) {
                states[state] = space.iter().map(|&i| theta[i] * c).collect();
            }
        }
        states
    }

    /// The parameters among the states.
    pub(super) fn parameters(&self, problem: &Problem, states: &[Vector]) -> Vector {
        let mut theta = vec![Complex64::ZERO; problem.dimension()];
        for (space, memory) in problem.spaces().iter().zip(&self.memories) {
            for (&i, &value) in space.iter().zip(&states[memory.states[0]]) {
                theta[i] = value;
            }
        }
        theta
    }

    /// One step.
    ///
    /// # Errors
    /// If implicit stages are not found, or the result is not finite.
    pub(super) fn step(&self, problem: &Problem, states: &[Vector]) -> Result<Vec<Vector>, Stop> {
        let stages = self.solve_stages(problem, states)?;
        let rows = self.update.iter().zip(&self.states);
        let next: Vec<Vector> =
            rows.map(|(row, &space)| combine(row, states, &stages, space, self, problem)).collect();
        if next.iter().all(|s| is_finite(s)) { Ok(next) } else { Err(Stop::NotFinite) }
    }

    /// The point where stage `l` is evaluated.
    fn point(&self, problem: &Problem, l: usize, states: &[Vector], stages: &[Vector]) -> Vector {
        let mut point = vec![Complex64::ZERO; problem.dimension()];
        for (space, row) in self.stages[l].1.iter().enumerate() {
            let part = combine(row, states, stages, space, self, problem);
            for (&i, value) in problem.spaces()[space].iter().zip(part) {
                point[i] = value;
            }
        }
        point
    }

    /// `scale · f_c` of stage `l` at a point.
    fn evaluate(&self, problem: &Problem, l: usize, point: &[Complex64]) -> Vector {
        let c = self.stages[l].0;
        let mut value = vec![Complex64::ZERO; problem.spaces()[problem.fields()[c].0].len()];
        problem.field(c, point, &mut value);
        value.iter_mut().for_each(|x| *x *= self.scale);
        value
    }

    fn solve_stages(&self, problem: &Problem, states: &[Vector]) -> Result<Vec<Vector>, Stop> {
        let zero = |l: &(usize, Vec<Row>)| {
            vec![Complex64::ZERO; problem.spaces()[problem.fields()[l.0].0].len()]
        };
        let mut stages: Vec<Vector> = self.stages.iter().map(zero).collect();
        for l in 0..stages.len() {
            let point = self.point(problem, l, states, &stages);
            stages[l] = self.evaluate(problem, l, &point);
        }
        if self.explicit { Ok(stages) } else { self.newton(problem, states, stages) }
    }

    /// Implicit stages, `e_l = scale · f(Z_l(e))`, by Newton's method from the explicit ones.
    fn newton(
        &self,
        problem: &Problem,
        states: &[Vector],
        mut stages: Vec<Vector>,
    ) -> Result<Vec<Vector>, Stop> {
        let offsets: Vec<usize> =
            stages.iter().scan(0, |at, s| Some(std::mem::replace(at, *at + s.len()))).collect();
        let size: usize = stages.iter().map(Vec::len).sum();
        let mut last = f64::INFINITY;
        for _ in 0..MAX_NEWTON {
            let points: Vec<Vector> =
                (0..stages.len()).map(|l| self.point(problem, l, states, &stages)).collect();
            let mut residual = Vec::with_capacity(size);
            for (l, point) in points.iter().enumerate() {
                let value = self.evaluate(problem, l, point);
                residual.extend(stages[l].iter().zip(value).map(|(e, f)| e - f));
            }
            let newton = Newton { method: self, problem, points, offsets: &offsets, size };
            let change = match problem.is_matrix_free() {
                true => newton.solve_by_products(&residual)?,
                false => newton.solve(residual).ok_or(Stop::NoConvergence(IMPLICIT))?,
            };
            for (stage, &at) in stages.iter_mut().zip(&offsets) {
                stage.iter_mut().zip(&change[at..]).for_each(|(e, c)| *e -= c);
            }
            let (moved, size) = (norm(&[change]), norm(&stages));
            // Quadratic convergence ends where rounding takes over.
            if moved <= 1e-15 * size || (moved <= 1e-10 * size && moved >= last) {
                return Ok(stages);
            }
            last = moved;
        }
        Err(Stop::NoConvergence(IMPLICIT))
    }

    /// The polynomials in the step number `ν`, of degree `degree`, on which the states move if they
    /// are on the slow manifold and the parameters are `θ` at `ν = 0`: the coefficients
    /// `[k][state]` of the binomials `C(ν, k)`. They interpolate the optimizer's steps up to
    /// `O(h^(degree+1))`.
    ///
    /// Every sweep solves the recurrence of the states for the polynomial through the fields at
    /// `ν = 0, …, degree-1` of the last one, and adds one order of `h`.
    ///
    /// Source: DESIGN section 2, with numbers for trees; Hairer, Lubich, Wanner, section XV.2.3.
    pub(super) fn slow_manifold(
        &self,
        problem: &Problem,
        theta: &[Complex64],
        degree: usize,
    ) -> Result<Vec<Vec<Vector>>, Stop> {
        if self.memories.iter().all(|m| m.states.len() == 1) {
            return self.differences(problem, theta, degree);
        }
        let still = self.start(problem, theta);
        let zero: Vec<Vector> = still.iter().map(|s| vec![Complex64::ZERO; s.len()]).collect();
        let mut states = vec![zero.clone(); degree + 1];
        states[0] = still.clone();
        let mut stages: Vec<Vec<Vector>> = vec![self.solve_stages(problem, &still)?; 1];
        let empty: Vec<Vector> = stages[0].iter().map(|e| vec![Complex64::ZERO; e.len()]).collect();
        stages.resize(degree, empty);
        let mut last = f64::INFINITY;
        for sweep in 0..MAX_SWEEPS {
            let next = self.recurrence(problem, theta, &stages, &zero);
            let moved = next.iter().zip(&states).map(|(a, b)| difference(a, b)).fold(0.0, f64::max);
            states = next;
            let size = states.iter().skip(1).map(|s| norm(s)).fold(0.0, f64::max);
            if !(moved.is_finite() && size.is_finite()) {
                return Err(Stop::NotFinite);
            }
            let settled = moved <= 1e-15 * size || (moved <= 1e-9 * size && moved >= last);
            if sweep > degree && settled {
                return Ok(states);
            }
            last = moved;
            // The fields at ν = 0, …, degree-1, then their differences.
            let mut values: Vec<Vec<Vector>> = (0..degree)
                .map(|nu| {
                    let (s, e) = (at(&states, nu), at(&stages, nu));
                    let stage = |l| self.evaluate(problem, l, &self.point(problem, l, &s, &e));
                    (0..self.stages.len()).map(stage).collect()
                })
                .collect();
            differences(&mut values);
            stages = values;
        }
        Err(Stop::NoConvergence(MANIFOLD))
    }

    /// The polynomial through the optimizer's own steps, for methods without buffers.
    fn differences(
        &self,
        problem: &Problem,
        theta: &[Complex64],
        degree: usize,
    ) -> Result<Vec<Vec<Vector>>, Stop> {
        let mut values = vec![self.start(problem, theta)];
        for k in 0..degree {
            values.push(self.step(problem, &values[k])?);
        }
        differences(&mut values);
        Ok(values)
    }

    /// `s_k = G (r_k - s_{k+1}) + P r_{k-1}` with `r = B e`; then `s_0 += t c` such that the
    /// parameters are `θ`.
    fn recurrence(
        &self,
        problem: &Problem,
        theta: &[Complex64],
        stages: &[Vec<Vector>],
        zero: &[Vector],
    ) -> Vec<Vec<Vector>> {
        let degree = stages.len();
        let drive: Vec<Vec<Vector>> = stages
            .iter()
            .map(|e| {
                let rows = self.update.iter().zip(&self.states);
                rows.map(|(row, &space)| {
                    let row = Row { states: Vec::new(), stages: row.stages.clone() };
                    combine(&row, &[], e, space, self, problem)
                })
                .collect()
            })
            .collect();
        let mut states = vec![zero.to_vec(); degree + 1];
        for k in (0..=degree).rev() {
            for memory in &self.memories {
                for (row, &i) in memory.states.iter().enumerate() {
                    let mut value = zero[i].clone();
                    for (column, &j) in memory.states.iter().enumerate() {
                        let (g, p) =
                            (memory.group_inverse[row][column], memory.projector[row][column]);
                        for (x, value) in value.iter_mut().enumerate() {
                            if k < degree {
                                *value += g * (drive[k][j][x] - states[k + 1][j][x]);
                            }
                            if k > 0 {
                                *value += p * drive[k - 1][j][x];
                            }
                        }
                    }
                    states[k][i] = value;
                }
            }
        }
        for (space, memory) in problem.spaces().iter().zip(&self.memories) {
            let shift: Vector = space
                .iter()
                .zip(&states[0][memory.states[0]])
                .map(|(&i, s)| theta[i] - s)
                .collect();
            for (&i, c) in memory.states.iter().zip(&memory.constant) {
                states[0][i].iter_mut().zip(&shift).for_each(|(s, t)| *s += t * c);
            }
        }
        states
    }

    /// `1/h Σ_{k≥1} (-1)^(k-1)/k Δ^k θ_0`: the velocity, at `ν = 0`, of the polynomial
    /// [`slow_manifold`](Self::slow_manifold) through `θ`.
    pub(super) fn interpolated(
        &self,
        problem: &Problem,
        theta: &[Complex64],
        degree: usize,
    ) -> Result<Vector, Stop> {
        let states = self.slow_manifold(problem, theta, degree)?;
        let mut out = vec![Complex64::ZERO; theta.len()];
        for (k, s) in states.iter().enumerate().skip(1) {
            let weight = if k % 2 == 1 { 1.0 } else { -1.0 } / (k as f64 * self.h);
            let change = self.parameters(problem, s);
            out.iter_mut().zip(change).for_each(|(out, c)| *out += weight * c);
        }
        Ok(out)
    }
}

const IMPLICIT: &str = "Newton's method for the implicit stages";
const MANIFOLD: &str = "the iteration for the slow manifold";

/// What a combination takes of the states and stages of a space.
fn combine(
    row: &Row,
    states: &[Vector],
    stages: &[Vector],
    space: usize,
    method: &Method,
    problem: &Problem,
) -> Vector {
    let mut out = vec![Complex64::ZERO; problem.spaces()[space].len()];
    let mut add = |c: f64, value: &[Complex64]| {
        if c != 0.0 {
            out.iter_mut().zip(value).for_each(|(out, x)| *out += c * x);
        }
    };
    for ((&c, value), &of) in row.states.iter().zip(states).zip(&method.states) {
        if of == space {
            add(c, value);
        }
    }
    for ((&c, value), (field, _)) in row.stages.iter().zip(stages).zip(&method.stages) {
        if problem.fields()[*field].0 == space {
            add(c, value);
        }
    }
    out
}

/// The values at `ν` of polynomials with the coefficients `[k][vector]` of `C(ν, k)`.
fn at(coefficients: &[Vec<Vector>], nu: usize) -> Vec<Vector> {
    let mut sum = coefficients[0].clone();
    let mut binomial = 1.0;
    for (k, c) in coefficients.iter().enumerate().skip(1).take(nu) {
        binomial *= (nu + 1 - k) as f64 / k as f64;
        for (sum, c) in sum.iter_mut().zip(c) {
            sum.iter_mut().zip(c).for_each(|(s, c)| *s += binomial * c);
        }
    }
    sum
}

/// Values at `ν = 0, 1, …` become the differences `Δ^k` at 0.
fn differences(values: &mut [Vec<Vector>]) {
    for order in 1..values.len() {
        for k in (order..values.len()).rev() {
            let (before, after) = values.split_at_mut(k);
            for (after, before) in after[0].iter_mut().zip(&before[k - 1]) {
                after.iter_mut().zip(before).for_each(|(a, b)| *a -= b);
            }
        }
    }
}

fn norm(vectors: &[Vector]) -> f64 {
    vectors.iter().flatten().map(Complex64::norm_sqr).sum::<f64>().sqrt()
}

fn difference(a: &[Vector], b: &[Vector]) -> f64 {
    let pairs = a.iter().flatten().zip(b.iter().flatten());
    pairs.map(|(x, y)| (x - y).norm_sqr()).sum::<f64>().sqrt()
}
