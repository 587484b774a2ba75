//! Implicit stages: the root that is continued from the step size 0.
//!
//! With the stages' own influence on their arguments scaled by `s`, `e_l = f_l(Z_l(s, e))` has one root at
//! `s = 0`, the explicit one; differentiated by `s` it says how the root moves. A step along the tangent is
//! corrected by Newton's method, and taken only if that contracts fast and, for real stages of a loss whose Hessian is
//! at hand, the determinant of its matrix keeps its sign: both make it unlikely that another root is met by chance.
//! At a fold the branch ends: beyond it the step does not exist, or would jump.
//!
//! Source: Allgower and Georg, *Introduction to Numerical Continuation Methods*, chapter 2; the contraction as a
//! measure, Deuflhard, *Newton Methods for Nonlinear Problems*, section 5.1.

use crate::flow::step::method::{Method, Vector};
use crate::flow::step::newton::Newton;
use crate::flow::velocity::is_finite;
use crate::flow::{Problem, Stop};
use crate::objective::ObjectiveError;
use num_complex::Complex64;

/// How many Newton iterations one point of the branch may take.
const MAX_NEWTON: usize = 50;
/// How much shorter the second step of Newton's method must be than the first.
const CONTRACTION: f64 = 0.25;
/// A correction that is longer than this part of the step along the tangent must contract by this factor, as it does
/// where the equations are nearly affine.
const FAR: f64 = 0.1;
const FAST: f64 = 1e-3;
/// How near to the old point the tangent at the new one must lead, compared with the distance of the two.
const BACK: f64 = 0.5;
/// Where the steps in `s` are as small as this, the branch ends.
const SMALLEST: f64 = 1e-7;

/// The stages at one `s`.
type Stages = Vec<Vector>;

impl Method {
    /// The stages on the branch that begins at `s = 0`.
    pub(in crate::flow) fn implicit_stages(
        &self,
        problem: &Problem,
        states: &[Vector],
    ) -> Result<Stages, Stop> {
        let lengths: Vec<usize> = (self.stages.iter())
            .map(|(field, _)| problem.spaces()[problem.fields()[*field].0].len())
            .collect();
        let branch = Branch { method: self, problem, states, lengths };
        let zero: Stages = branch.lengths.iter().map(|&n| vec![Complex64::ZERO; n]).collect();
        let (mut s, mut ds) = (0.0, 1.0);
        let mut stages = branch.fields(&branch.points(s, &zero))?;
        let mut tangent = branch.tangent(s, &stages)?;
        loop {
            let next = if s + ds < 1.0 { s + ds } else { 1.0 };
            let step = tangent.as_ref().map(|tangent| {
                let mut guess = stages.clone();
                for (stage, tangent) in guess.iter_mut().zip(tangent) {
                    stage.iter_mut().zip(tangent).for_each(|(e, t)| *e += t * (next - s));
                }
                (guess, (next - s) * norm(tangent))
            });
            let found = match step {
                Some((guess, length)) => match branch.correct(next, guess, length) {
                    Err(stop) if stop.is_final() => return Err(stop),
                    Err(stop) if stop.failure().is_some() => return Err(stop),
                    found => found.unwrap_or(None),
                },
                None => None,
            };
            // Back along the tangent at the new point lies the old one, on the same branch.
            let found = match found {
                Some((found, is_affine)) => {
                    let onward = branch.tangent(next, &found)?;
                    let returns =
                        is_affine || returns(&stages, &found, onward.as_deref(), next - s);
                    returns.then_some((found, onward))
                }
                None => None,
            };
            match found {
                Some((found, _)) if next == 1.0 => return Ok(found),
                Some((found, onward)) => {
                    (s, stages, tangent) = (next, found, onward);
                    ds *= 2.0;
                }
                None if ds < SMALLEST || tangent.is_none() => {
                    let at_kink = self.stage_at_kink(problem, states)?;
                    return at_kink.ok_or(Stop::BranchEnd(s * self.h));
                }
                None => ds /= 4.0,
            }
        }
    }
}

/// The stages of one step, as a function of `s`.
struct Branch<'a> {
    method: &'a Method,
    problem: &'a Problem,
    states: &'a [Vector],
    /// The dimension of every stage.
    lengths: Vec<usize>,
}

impl Branch<'_> {
    fn points(&self, s: f64, stages: &[Vector]) -> Vec<Vector> {
        let scaled: Stages =
            stages.iter().map(|stage| stage.iter().map(|e| e * s).collect()).collect();
        let all = 0..stages.len();
        all.map(|l| self.method.point(self.problem, l, self.states, &scaled)).collect()
    }

    fn fields(&self, points: &[Vector]) -> Result<Stages, ObjectiveError> {
        let all = points.iter().enumerate();
        all.map(|(l, point)| self.method.evaluate(self.problem, l, point)).collect()
    }

    fn newton<'b>(&'b self, s: f64, points: Vec<Vector>) -> Newton<'b> {
        Newton {
            method: self.method,
            problem: self.problem,
            points,
            offsets: self.offsets(),
            size: self.lengths.iter().sum(),
            scale: s,
        }
    }

    fn offsets(&self) -> Vec<usize> {
        let before = |at: &mut usize, n: &usize| Some(std::mem::replace(at, *at + n));
        self.lengths.iter().scan(0, before).collect()
    }

    /// `(1 - s f' D)⁻¹ f' D e`; none at a fold.
    fn tangent(&self, s: f64, stages: &[Vector]) -> Result<Option<Stages>, Stop> {
        let newton = self.newton(s, self.points(s, stages));
        let right = newton.influence(&stages.concat())?;
        Ok(self.solve(&newton, right)?.map(|(flat, _)| self.rows(&flat)))
    }

    /// The solution, and whether the determinant is positive.
    fn solve(
        &self,
        newton: &Newton<'_>,
        right: Vec<Complex64>,
    ) -> Result<Option<(Vector, bool)>, Stop> {
        if self.problem.is_matrix_free() {
            return Ok(Some((newton.solve_by_products(&right)?, true)));
        }
        Ok(newton.solve(right)?.filter(|(solution, _)| is_finite(solution)))
    }

    fn rows(&self, mut flat: &[Complex64]) -> Stages {
        let mut take = |&n: &usize| {
            let (row, rest) = flat.split_at(n);
            flat = rest;
            row.to_vec()
        };
        self.lengths.iter().map(&mut take).collect()
    }

    /// Newton's method at `s` from a guess that a step of this length along the tangent gave, and whether the
    /// equations are nearly affine on the way; none if it does not stay on the branch.
    fn correct(
        &self,
        s: f64,
        mut stages: Stages,
        length: f64,
    ) -> Result<Option<(Stages, bool)>, Stop> {
        let mut moves: Vec<f64> = Vec::new();
        for _ in 0..MAX_NEWTON {
            let points = self.points(s, &stages);
            let fields = self.fields(&points)?;
            let residual: Vec<Complex64> =
                stages.iter().flatten().zip(fields.iter().flatten()).map(|(e, f)| e - f).collect();
            if !is_finite(&residual) {
                return Ok(None);
            }
            let Some((change, is_positive)) = self.solve(&self.newton(s, points), residual)? else {
                return Ok(None);
            };
            stages.iter_mut().flatten().zip(&change).for_each(|(e, c)| *e -= c);
            let (moved, size) = (norm(&[change]), norm(&stages));
            let last = moves.last().copied();
            // Quadratic convergence ends where rounding takes over.
            let rounding = last.is_some_and(|last| moved <= 1e-10 * size && moved >= last);
            if moved <= 1e-15 * size || rounding {
                let is_affine = moves.get(1).is_none_or(|second| *second <= FAST * moves[0]);
                return Ok(is_positive.then_some((stages, is_affine)));
            }
            if let Some(last) = last
                && moved > 1e-10 * size
            {
                let bound = if moves[0] > FAR * length { FAST } else { CONTRACTION };
                if moved > bound * last {
                    return Ok(None);
                }
            }
            moves.push(moved);
        }
        Ok(None)
    }
}

/// Whether a step `ds` back along the tangent at `new` comes near `old`, compared with their distance.
fn returns(old: &[Vector], new: &[Vector], tangent: Option<&[Vector]>, ds: f64) -> bool {
    let Some(tangent) = tangent else { return false };
    let way: Vector =
        new.iter().flatten().zip(old.iter().flatten()).map(|(new, old)| new - old).collect();
    let rest: Vector =
        way.iter().zip(tangent.iter().flatten()).map(|(way, t)| way - t * ds).collect();
    norm(&[rest]) <= BACK * norm(&[way])
}

fn norm(vectors: &[Vector]) -> f64 {
    vectors.iter().flatten().map(Complex64::norm_sqr).sum::<f64>().sqrt()
}
