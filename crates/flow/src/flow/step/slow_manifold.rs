//! The slow manifold of an optimizer with buffers, and the steps on it.

use crate::flow::dense::decomposition::eigenvalues;
use crate::flow::step::fixed_point::fixed_point;
use crate::flow::step::method::{Method, Row, Vector, combine};
use crate::flow::{Problem, Stop};
use crate::objective::ObjectiveError;
use nalgebra::DMatrix;
use num_complex::Complex64;

/// The highest degree of a polynomial on which buffers are settled.
const SETTLED: usize = 8;
const MANIFOLD: &str = "the iteration for the slow manifold";

impl Method {
    /// The size of the largest root of the states' recurrences beside 1.
    pub(in crate::flow) fn forgetting(&self) -> Result<f64, Stop> {
        let mut largest = 0.0f64;
        for memory in &self.memories {
            let entry = |i: usize, j: usize| self.update[memory.states[i]].states[memory.states[j]];
            let n = memory.states.len();
            let mut roots = eigenvalues(&DMatrix::from_fn(n, n, entry))?;
            roots.sort_by(|a, b| (a - 1.0).norm().total_cmp(&(b - 1.0).norm()));
            largest = roots[1..].iter().map(|root| root.norm()).fold(largest, f64::max);
        }
        Ok(largest)
    }

    /// `1/h Σ_{k≥1} (-1)^(k-1)/k Δ^k θ_0`: the velocity, at `ν = 0`, of the polynomial
    /// [`slow_manifold`](Self::slow_manifold) through `θ`.
    pub(in crate::flow) fn interpolated(
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

    /// The states on the slow manifold at `θ`, as the optimizer has them once its transient is over. The
    /// polynomials through its steps are an asymptotic series in `h`: of all degrees up to 8 the one is taken
    /// that changes the states least, compared with the degree below.
    pub(in crate::flow) fn settled(
        &self,
        problem: &Problem,
        theta: &[Complex64],
    ) -> Result<Vec<Vector>, Stop> {
        if self.memories.iter().all(|m| m.states.len() == 1) {
            return Ok(self.start(problem, theta));
        }
        let mut last = self.slow_manifold(problem, theta, 1)?.swap_remove(0);
        let mut best: Option<(f64, Vec<Vector>)> = None;
        for degree in 2..=SETTLED {
            let next = match self.slow_manifold(problem, theta, degree) {
                Ok(mut states) => states.swap_remove(0),
                // A step size for which a higher degree has no solution.
                Err(Stop::NoConvergence(_)) => break,
                Err(stop) => return Err(stop),
            };
            let pairs = next.iter().flatten().zip(last.iter().flatten());
            let change = pairs.map(|(a, b)| (a - b).norm_sqr()).sum::<f64>().sqrt();
            if best.as_ref().is_none_or(|(least, _)| change < *least) {
                best = Some((change, next.clone()));
            }
            last = next;
        }
        Ok(best.map_or(last, |(_, states)| states))
    }

    /// The polynomials in the step number `ν`, of degree `degree`, on which the states move if they
    /// are on the slow manifold and the parameters are `θ` at `ν = 0`: the coefficients
    /// `[k][state]` of the binomials `C(ν, k)`. They interpolate the optimizer's steps up to
    /// `O(h^(degree+1))`.
    ///
    /// The fields at `ν = 0, …, degree-1` determine the polynomials, by the recurrence of the states,
    /// and the polynomials the fields. Every sweep of that iteration adds one order of `h`; but with
    /// a memory of `1/(1-m)` steps an error grows by `hλ/(1-m)^degree` a sweep, more than 1 for step
    /// sizes far below the largest that has a slow manifold, so the iteration is accelerated.
    ///
    /// Source: the recurrence in `ν` that [`derive`](bea_series::series::derive) solves for the weights of trees,
    /// here with vectors; Hairer, Lubich, Wanner, section XV.2.3; Gear, Kaper, Kevrekidis, Zagaris (2005), *Projecting to a slow manifold*.
    fn slow_manifold(
        &self,
        problem: &Problem,
        theta: &[Complex64],
        degree: usize,
    ) -> Result<Vec<Vec<Vector>>, Stop> {
        if self.memories.iter().all(|m| m.states.len() == 1) {
            return self.differences(problem, theta, degree);
        }
        let still = self.solve_stages(problem, &self.start(problem, theta))?;
        let lengths: Vec<usize> = still.iter().map(Vec::len).collect();
        let rows = |flat: &[Complex64]| -> Vec<Vec<Vector>> {
            let mut rest = flat;
            let mut take = |n: &usize| rest.split_off(..*n).expect("one length a stage").to_vec();
            (0..degree).map(|_| lengths.iter().map(&mut take).collect()).collect()
        };
        let polynomials = |values: &[Vec<Vector>]| {
            let mut stages = values.to_vec();
            differences(&mut stages);
            self.recurrence(problem, theta, &stages)
        };
        let sweep = |flat: &[Complex64]| -> Result<Vec<Complex64>, ObjectiveError> {
            let values = rows(flat);
            let states = polynomials(&values);
            let mut fields = Vec::with_capacity(flat.len());
            for (nu, stages) in values.iter().enumerate() {
                let states = at(&states, nu);
                for l in 0..lengths.len() {
                    fields.extend(self.evaluate(
                        problem,
                        l,
                        &self.point(problem, l, &states, stages),
                    )?);
                }
            }
            Ok(fields)
        };
        if !crate::flow::velocity::is_finite(&still.concat()) {
            return Err(Stop::NotFinite);
        }
        let fields = fixed_point(still.concat().repeat(degree), sweep)?;
        Ok(polynomials(&rows(&fields.ok_or(Stop::NoConvergence(MANIFOLD))?)))
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
            values.push(self.step(problem, &values[k], false)?);
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
    ) -> Vec<Vec<Vector>> {
        let zero: Vec<Vector> = self
            .states
            .iter()
            .map(|&space| vec![Complex64::ZERO; problem.spaces()[space].len()])
            .collect();
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
        let mut states = vec![zero.clone(); degree + 1];
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
