//! The logarithms of eigenvalues, continued along a trajectory.

use crate::flow::branch::alpha::log_1p;
use crate::flow::{Branch, Stop};
use num_complex::Complex64;
use std::f64::consts::{FRAC_PI_2, TAU};

/// Below this `|1+z|` counts as the branch point: a trajectory can only get so close by running
/// into it.
pub(in crate::flow) const BRANCH_POINT: f64 = 1e-12;

/// `log(1+z)` of the eigenvalues `z` of `hJ`, by continuity from the last accepted point.
#[derive(Clone, Debug)]
pub(in crate::flow) struct Logarithms {
    branch: Branch,
    /// Whether an argument that turns by more than a quarter since the last accepted point is
    /// refused. A fixed-step integrator cannot take a smaller step.
    strict: bool,
    /// `z` and `log(1+z)` at the last accepted point.
    last: Vec<(Complex64, Complex64)>,
}

impl Logarithms {
    pub(in crate::flow) fn new(branch: Branch, strict: bool) -> Logarithms {
        Logarithms { branch, strict, last: Vec::new() }
    }

    /// The logarithms of `1+z`.
    ///
    /// # Errors
    /// At a branch point, and where an argument turned so far that the branch is in doubt.
    pub(in crate::flow) fn of(&self, z: &[Complex64]) -> Result<Vec<Complex64>, Stop> {
        if !crate::flow::velocity::is_finite(z) {
            return Err(Stop::NotFinite);
        }
        if z.iter().any(|z| (1.0 + z).norm() < BRANCH_POINT) {
            return Err(Stop::BranchPoint);
        }
        let mut logs: Vec<Complex64> = z.iter().map(|&z| log_1p(z)).collect();
        if self.branch == Branch::Principal || self.last.is_empty() {
            return Ok(logs);
        }
        let last: Vec<Complex64> = self.last.iter().map(|(z, _)| *z).collect();
        for (i, k) in pairs(z, &last) {
            let before = self.last[k].1.im;
            // From a real point before the branch point the logarithm is continued above it, as it is
            // at a start beyond it: +iπ. Its singularity is integrable, and the error of the step that
            // passes it is one that the integrator estimates.
            if self.last[k].0.im == 0.0 && self.last[k].0.re > -1.0 && before == 0.0 {
                if logs[i].im < -FRAC_PI_2 {
                    logs[i].im += TAU;
                }
                continue;
            }
            let turns = ((before - logs[i].im) / TAU + 1e-9).round();
            logs[i].im += TAU * turns;
            if self.strict && (logs[i].im - before).abs() > FRAC_PI_2 {
                return Err(Stop::Jump);
            }
        }
        Ok(logs)
    }

    /// Continue from here.
    pub(in crate::flow) fn accept(&mut self, z: &[Complex64]) -> Result<(), Stop> {
        if self.branch == Branch::Continued {
            let logs = self.of(z)?;
            self.last = z.iter().copied().zip(logs).collect();
        }
        Ok(())
    }

    /// How near the last accepted point was to the branch point.
    pub(in crate::flow) fn branch_distance(&self) -> f64 {
        self.last.iter().map(|(z, _)| (1.0 + z).norm()).fold(f64::INFINITY, f64::min)
    }
}

/// The eigenvalues of `z` whose `1+z` turned by more than a quarter since they were among `last`: they
/// passed the branch point, or so near that nothing between the two is known.
pub(in crate::flow) fn turned(z: &[Complex64], last: &[Complex64]) -> Vec<usize> {
    let far = |&(i, k): &(usize, usize)| ((1.0 + z[i]) * (1.0 + last[k]).conj()).re < 0.0;
    pairs(z, last).into_iter().filter(far).map(|(i, _)| i).collect()
}

/// Pairs every eigenvalue with one of the last accepted point, the nearest ones first.
fn pairs(z: &[Complex64], last: &[Complex64]) -> Vec<(usize, usize)> {
    let n = last.len();
    let mut distances: Vec<(f64, usize, usize)> = (0..n)
        .flat_map(|i| (0..n).map(move |k| (i, k)))
        .map(|(i, k)| ((z[i] - last[k]).norm(), i, k))
        .collect();
    distances.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut new, mut old) = (vec![false; n], vec![false; n]);
    let mut pairs = Vec::with_capacity(n);
    for (_, i, k) in distances {
        if !new[i] && !old[k] {
            (new[i], old[k]) = (true, true);
            pairs.push((i, k));
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fixed Euler steps may step over `hλ = 1` on the real line: the logarithm is then that of a start
    /// beyond it, whatever the sign of the zero imaginary part.
    #[test]
    fn a_step_over_the_branch_point_takes_the_upper_side() {
        for zero in [0.0, -0.0] {
            let mut logs = Logarithms::new(Branch::Continued, false);
            logs.accept(&[Complex64::new(-0.5, zero)]).unwrap();
            let beyond = logs.of(&[Complex64::new(-1.5, zero)]).unwrap()[0];
            assert!((beyond.im - std::f64::consts::PI).abs() < 1e-12, "{beyond}");
        }
    }

    #[test]
    fn an_argument_that_goes_around_the_branch_point_keeps_its_turns() {
        let mut logs = Logarithms::new(Branch::Continued, true);
        let at = |turn: f64| [Complex64::cis(TAU * turn) * 0.5 - 1.0];
        logs.accept(&at(0.5)).unwrap();
        for k in 0..20 {
            logs.accept(&at(0.5 + 0.1 * f64::from(k))).unwrap();
        }
        let end = logs.of(&at(2.4)).unwrap()[0];
        assert!((end.im - 2.4 * TAU).abs() < 1e-12);
        assert_eq!(logs.of(&at(1.9)), Err(Stop::Jump));
        let principal = Logarithms::new(Branch::Principal, true);
        assert!((principal.of(&at(2.4)).unwrap()[0].im - 0.4 * TAU).abs() < 1e-12);
    }

    #[test]
    fn eigenvalues_are_followed_whatever_their_order() {
        let mut logs = Logarithms::new(Branch::Continued, true);
        let (a, b) = (Complex64::new(-3.0, 0.1), Complex64::new(-0.5, 0.0));
        logs.accept(&[a, b]).unwrap();
        // The first argument crosses the cut from above.
        let moved = Complex64::new(-3.0, -0.1);
        let end = logs.of(&[b, moved]).unwrap();
        assert_eq!(end[0].im, 0.0);
        assert!(end[1].im > std::f64::consts::PI);
    }
}
