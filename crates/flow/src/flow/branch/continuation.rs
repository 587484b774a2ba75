//! The branches of an optimizer's logarithm, continued along a trajectory.
//!
//! Every eigenvalue at a new point belongs to one of the last accepted point, and takes the branch
//! that is reached straight from there. Which one it belongs to is decided by the least total
//! displacement. That is wrong where two eigenvalues cross between the two points. It makes no
//! difference as long as both are on the same branch. Where they are not, as after one of them has gone
//! around the branch point, their eigenvectors decide. If these are mixed as well, a smaller step is
//! asked for.

use crate::flow::branch::assignment::assignment;
use crate::flow::branch::principal_root::PrincipalRoot;
use crate::flow::branch::sheet::Sheet;
use crate::flow::velocity::is_finite;
use crate::flow::{Branch, Stop};
use nalgebra::{DVector, RowDVector};
use num_complex::Complex64;
use std::f64::consts::FRAC_PI_4;

/// Eigenvalues of `hJ` nearer to 0 than this are far from every branch point.
const SHARP: f64 = 0.25;
/// How far an eigenvalue may move in one step and still be taken for the same one.
const REACH: f64 = 0.5;
/// A Ritz pair with a residual below this has been found.
const FOUND: f64 = 1e-6;
/// Logarithms that differ by less are on the same branch.
const SAME: f64 = 1e-6;
/// Two eigenvalues have crossed if the projector of one has changed into the other's but for this.
const MIXED: f64 = 1e-6;

/// Where eigenvectors are not known, an eigenvalue must be nearer to the one it belongs to than this part of
/// its distance to one on another branch.
const CLEAR: f64 = 0.3;

/// Which eigenvalues of the Jacobian are known at a point.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::flow) enum Coverage {
    /// All of them, which is as many at every point.
    All,
    /// Ritz values, not always as many. Those with a small residual are followed from one accepted point to
    /// the next; a Ritz value near to where one was takes its branch, and the others that which is
    /// analytic on the real axis as seen from above: `+iπ` at a start beyond the branch point, and
    /// continuous a little below the axis.
    Ritz,
}

/// A right eigenvector `v` and the left one `w` with `w v = 1`: the projector is `v w`.
#[derive(Clone, Debug)]
pub(in crate::flow) struct Eigenvector {
    pub(in crate::flow) right: DVector<Complex64>,
    pub(in crate::flow) left: RowDVector<Complex64>,
}

impl Eigenvector {
    /// The trace of the product of the projectors, 1 if they are the same; for real unit vectors
    /// `(u·v)²`.
    fn overlap(&self, other: &Eigenvector) -> f64 {
        let product = |w: &RowDVector<Complex64>, v: &DVector<Complex64>| -> Complex64 {
            w.iter().zip(v.iter()).map(|(w, v)| w * v).sum()
        };
        (product(&self.left, &other.right) * product(&other.left, &self.right)).norm()
    }
}

/// An eigenvalue of the last accepted point.
struct Followed {
    at: Sheet,
    /// Coverage where an eigenvalue on another branch is near.
    vector: Option<Eigenvector>,
}

/// The branches of the eigenvalues at a point.
pub(in crate::flow) struct Branches {
    pub(in crate::flow) at: Vec<Sheet>,
    /// The number of the eigenvalue of the last accepted point that each one continues.
    before: Vec<Option<usize>>,
    /// Whether it is not clear which one that is, where this makes a difference.
    pub(in crate::flow) uncertain: bool,
}

/// The eigenvectors of the eigenvalues with the given numbers, `None` if they are not known.
pub(in crate::flow) type Vectors<'a> = dyn Fn(&[usize]) -> Option<Vec<Eigenvector>> + 'a;

/// The branches of the eigenvalues along a trajectory.
pub(in crate::flow) struct Continuation {
    pub(in crate::flow) root: PrincipalRoot,
    branch: Branch,
    even: bool,
    strict: bool,
    coverage: Coverage,
    last: Vec<Followed>,
}

impl Continuation {
    /// `even`: with the real part of the logarithm at real eigenvalues, and the principal branch at
    /// others. `strict`: whether the integrator can take smaller steps.
    pub(in crate::flow) fn new(
        root: PrincipalRoot,
        branch: Branch,
        even: bool,
        strict: bool,
        coverage: Coverage,
    ) -> Continuation {
        let branch = if even { Branch::Principal } else { branch };
        Continuation { root, branch, even, strict, coverage, last: Vec::new() }
    }

    /// Whether branches are continued from accepted points.
    pub(in crate::flow) fn follows(&self) -> bool {
        self.branch == Branch::Continued
    }

    /// How near the last accepted point was to the branch point of the logarithm.
    pub(in crate::flow) fn branch_distance(&self) -> f64 {
        self.last.iter().map(|last| last.at.root().norm()).fold(f64::INFINITY, f64::min)
    }

    /// The branches of all eigenvalues, or of all Ritz values.
    ///
    /// # Errors
    /// At a branch point, and where an argument turned so far that the branch is in doubt.
    pub(in crate::flow) fn of(
        &self,
        z: &[Complex64],
        vectors: &Vectors<'_>,
    ) -> Result<Branches, Stop> {
        if !is_finite(z) {
            return Err(Stop::NotFinite);
        }
        let mut before = self.nearest(z);
        let mut at = Vec::with_capacity(z.len());
        for (&z, before) in z.iter().zip(&mut before) {
            at.push(match before.map(|k| self.root.continued(self.last[k].at, z)) {
                Some(Ok(sheet)) => sheet,
                Some(Err(stop)) if self.coverage == Coverage::All => return Err(stop),
                // Where the way is blocked by a branch point the two Ritz values are not the same.
                Some(Err(_)) | None => {
                    *before = None;
                    self.first(z)?
                }
            });
        }
        let mut branches = Branches { at, before, uncertain: false };
        self.exchange(&mut branches, vectors);
        if self.strict && self.coverage == Coverage::All {
            self.check_turns(&branches)?;
        }
        Ok(branches)
    }

    /// [`of`](Self::of), where all must be certain.
    ///
    /// # Errors
    /// As [`of`](Self::of), and where a smaller step is needed to be certain.
    pub(in crate::flow) fn certain(
        &self,
        z: &[Complex64],
        vectors: &Vectors<'_>,
    ) -> Result<Branches, Stop> {
        let branches = self.of(z, vectors)?;
        self.check(branches.uncertain)?;
        Ok(branches)
    }

    /// # Errors
    /// If branches are uncertain and the integrator can take a smaller step.
    pub(in crate::flow) fn check(&self, uncertain: bool) -> Result<(), Stop> {
        if uncertain && self.strict { Err(Stop::Crossing) } else { Ok(()) }
    }

    fn check_turns(&self, branches: &Branches) -> Result<(), Stop> {
        let pairs = branches.before.iter().zip(&branches.at);
        let mut turns = pairs.filter_map(|(k, &at)| self.root.turned(self.last[(*k)?].at, at));
        turns.next().map_or(Ok(()), Err)
    }

    /// Continues from a point of which all eigenvalues are known.
    ///
    /// # Errors
    /// As [`certain`](Self::certain).
    pub(in crate::flow) fn accept(
        &mut self,
        z: &[Complex64],
        vectors: &Vectors<'_>,
    ) -> Result<(), Stop> {
        if self.follows() {
            let at = self.certain(z, vectors)?.at;
            let all: Vec<usize> = (0..at.len()).collect();
            self.last = self.followed(&at, &all, vectors);
        }
        Ok(())
    }

    /// Continues from a point of which the Ritz values have these branches and residuals.
    ///
    /// # Errors
    /// Where one moved too far.
    pub(in crate::flow) fn accept_ritz(
        &mut self,
        branches: &Branches,
        residuals: &[f64],
        vectors: &Vectors<'_>,
    ) -> Result<(), Stop> {
        if !self.follows() {
            return Ok(());
        }
        let Branches { at, before, .. } = branches;
        let mut lost: Vec<usize> =
            (0..self.last.len()).filter(|k| !before.contains(&Some(*k))).collect();
        let mut found = Vec::new();
        for (i, sheet) in at.iter().enumerate() {
            let far = sheet.z.norm() > SHARP || sheet.log.im.abs() > FRAC_PI_4;
            if !far || residuals[i] > FOUND * sheet.z.norm() {
                continue;
            }
            found.push(i);
            if before[i].is_some() {
                continue;
            }
            // Is it one that was followed, and has moved too far?
            let distance = |k: usize| (self.last[k].at.z - sheet.z).norm();
            let nearest =
                (0..lost.len()).min_by(|&a, &b| distance(lost[a]).total_cmp(&distance(lost[b])));
            let within =
                |k: &usize| distance(lost[*k]) < self.root.scale(&self.last[lost[*k]].at) * REACH;
            let Some(nearest) = nearest.filter(within) else { continue };
            let old = self.last[lost.swap_remove(nearest)].at;
            // The step has been accepted: no smaller one will be tried.
            if self.strict
                && let Some(stop) = self.root.turned(old, *sheet)
            {
                return Err(if stop == Stop::Jump { Stop::BranchPoint } else { stop });
            }
        }
        let mut next = self.followed(at, &found, vectors);
        // What the gradient does not see any more stays where it was.
        let last = std::mem::take(&mut self.last).into_iter().enumerate();
        next.extend(last.filter(|(k, _)| lost.contains(k)).map(|(_, last)| last));
        self.last = next;
        Ok(())
    }

    /// The branch at a point that nothing is continued to.
    fn first(&self, z: Complex64) -> Result<Sheet, Stop> {
        let mut at = match self.coverage {
            Coverage::All => self.root.symmetric(z)?,
            Coverage::Ritz => self.root.above(z)?,
        };
        if !self.follows() {
            at = at.principal();
        }
        if self.even && z.im == 0.0 {
            at.log.im = 0.0;
        }
        Ok(at)
    }

    /// The eigenvalues of the last point that belong to these by the least total displacement; `None` for
    /// Ritz values that are not near to any.
    fn nearest(&self, z: &[Complex64]) -> Vec<Option<usize>> {
        let (n, count) = (self.last.len(), z.len());
        if n == 0 {
            return vec![None; count];
        }
        let distance = |i: usize, k: usize| (z[i] - self.last[k].at.z).norm();
        if self.coverage == Coverage::All {
            return assignment(count, n, distance).into_iter().map(Some).collect();
        }
        // To belong to none costs as much as the farthest one that is near.
        let room: Vec<f64> = self.last.iter().map(|last| self.root.room(&last.at)).collect();
        let cost = |k: usize, i: usize| {
            if i >= count {
                room[k]
            } else if distance(i, k) < room[k] {
                distance(i, k)
            } else {
                2.0 * room[k]
            }
        };
        let mut before = vec![None; count];
        for (k, i) in assignment(n, count + n, cost).into_iter().enumerate() {
            if i < count {
                before[i] = Some(k);
            }
        }
        before
    }

    /// How far from an old eigenvalue a new one may be to be taken for it.
    fn reach(&self, at: &Sheet) -> f64 {
        2.0 * self.root.room(at)
    }

    /// Gives the eigenvalues that have crossed one on another branch their own branches.
    fn exchange(&self, branches: &mut Branches, vectors: &Vectors<'_>) {
        let Branches { at, before, uncertain } = branches;
        // The other eigenvalues that one could belong to, and what its branch would be.
        type Others = Vec<(usize, Sheet)>;
        let mut rivals: Vec<(usize, usize, Others)> = Vec::new();
        for (i, (sheet, k)) in at.iter().zip(before.iter()).enumerate() {
            let Some(k) = *k else { continue };
            let others = self.last.iter().enumerate().filter(|(l, other)| {
                *l != k && (sheet.z - other.at.z).norm() < self.reach(&other.at)
            });
            let others: Others = others
                .filter_map(|(l, other)| Some((l, self.root.continued(other.at, sheet.z).ok()?)))
                .filter(|(_, other)| (other.log - sheet.log).norm() > SAME)
                .collect();
            if !others.is_empty() {
                rivals.push((i, k, others));
            }
        }
        if rivals.is_empty() {
            return;
        }
        let wanted: Vec<usize> = rivals.iter().map(|(i, ..)| *i).collect();
        let new = vectors(&wanted).map_or_else(
            || vec![None; wanted.len()],
            |vectors| vectors.into_iter().map(Some).collect(),
        );
        for ((i, k, others), new) in rivals.into_iter().zip(new) {
            let overlap = |l: usize| Some(self.last[l].vector.as_ref()?.overlap(new.as_ref()?));
            let overlaps: Option<Vec<(f64, usize, Sheet)>> =
                others.iter().map(|(l, sheet)| Some((overlap(*l)?, *l, *sheet))).collect();
            let best = overlaps.and_then(|all| all.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)));
            let (Some(own), Some((overlap, l, sheet))) = (overlap(k), best) else {
                // Without eigenvectors the nearest one must be much nearer than the others.
                let distance = |l: usize| (at[i].z - self.last[l].at.z).norm();
                *uncertain |= others.iter().any(|(l, _)| distance(k) > CLEAR * distance(*l));
                continue;
            };
            if overlap > own {
                *uncertain |= own > MIXED * overlap;
                (at[i], before[i]) = (sheet, Some(l));
            }
        }
        let mut taken: Vec<usize> = before.iter().flatten().copied().collect();
        taken.sort_unstable();
        *uncertain |= taken.windows(2).any(|pair| pair[0] == pair[1]);
    }

    /// What is followed from an accepted point: the eigenvalues with the numbers `which`.
    fn followed(&self, at: &[Sheet], which: &[usize], vectors: &Vectors<'_>) -> Vec<Followed> {
        // Eigenvectors are needed where the next step might lead to a crossing.
        let crossing = |&i: &usize, &k: &usize| {
            let (a, b) = (at[i], at[k]);
            // A branch point on the straight way from one to the other separates branches too.
            let same = || self.root.continued(b, a.z).is_ok_and(|c| (c.log - a.log).norm() <= SAME);
            (a.z - b.z).norm() < 2.0 * self.reach(&b) && !same()
        };
        let needed = which.iter().any(|i| which.iter().any(|k| i != k && crossing(i, k)));
        let known = if needed { vectors(which) } else { None };
        let vectors = known.map_or_else(
            || vec![None; which.len()],
            |vectors| vectors.into_iter().map(Some).collect(),
        );
        let pairs = which.iter().zip(vectors);
        pairs.map(|(&i, vector)| Followed { at: at[i], vector }).collect()
    }
}

/// The eigenvalues of `z` whose `1+z` turned by more than a quarter since they were among `last`: they
/// passed the branch point, or so near that nothing between the two is known.
pub(in crate::flow) fn turned(z: &[Complex64], last: &[Complex64]) -> Vec<usize> {
    let before = assignment(last.len(), z.len(), |k, i| (z[i] - last[k]).norm());
    let pairs = before.into_iter().enumerate();
    let far = pairs.filter(|&(k, i)| ((1.0 + z[i]) * (1.0 + last[k]).conj()).re < 0.0);
    far.map(|(_, i)| i).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::dense::decomposition::Decomposition;
    use nalgebra::DMatrix;
    use std::f64::consts::{PI, TAU};

    fn descent(branch: Branch, strict: bool) -> Continuation {
        Continuation::new(PrincipalRoot::Descent, branch, false, strict, Coverage::All)
    }

    /// Of eigenvalues without eigenvectors.
    fn logs(continuation: &Continuation, z: &[Complex64]) -> Result<Vec<Complex64>, Stop> {
        let branches = continuation.certain(z, &|_| None)?;
        Ok(branches.at.iter().map(|at| at.log).collect())
    }

    /// Fixed Euler steps may step over `hλ = 1` on the real line: the logarithm is then that of a start
    /// beyond it, whatever the sign of the zero imaginary part.
    #[test]
    fn a_step_over_the_branch_point_takes_the_upper_side() {
        for zero in [0.0, -0.0] {
            let mut continuation = descent(Branch::Continued, false);
            continuation.accept(&[Complex64::new(-0.5, zero)], &|_| None).unwrap();
            let beyond = logs(&continuation, &[Complex64::new(-1.5, zero)]).unwrap()[0];
            assert!((beyond.im - PI).abs() < 1e-12, "{beyond}");
        }
    }

    #[test]
    fn an_argument_that_goes_around_the_branch_point_keeps_its_turns() {
        let mut continuation = descent(Branch::Continued, true);
        let at = |turn: f64| [Complex64::cis(TAU * turn) * 0.5 - 1.0];
        continuation.accept(&at(0.5), &|_| None).unwrap();
        for k in 0..20 {
            continuation.accept(&at(0.5 + 0.1 * f64::from(k)), &|_| None).unwrap();
        }
        let end = logs(&continuation, &at(2.4)).unwrap()[0];
        assert!((end.im - 2.4 * TAU).abs() < 1e-12);
        assert_eq!(logs(&continuation, &at(1.9)), Err(Stop::Jump));
        let principal = descent(Branch::Principal, true);
        assert!((logs(&principal, &at(2.4)).unwrap()[0].im - 0.4 * TAU).abs() < 1e-12);
    }

    #[test]
    fn eigenvalues_are_followed_whatever_their_order() {
        let mut continuation = descent(Branch::Continued, true);
        let (a, b) = (Complex64::new(-3.0, 0.1), Complex64::new(-0.5, 0.0));
        continuation.accept(&[a, b], &|_| None).unwrap();
        // The first argument crosses the cut from above.
        let moved = Complex64::new(-3.0, -0.1);
        let end = logs(&continuation, &[b, moved]).unwrap();
        assert_eq!(end[0].im, 0.0);
        assert!(end[1].im > PI);
    }

    /// `diag(2, 2) + [[t, c], [c, -t]]` with `t` from -1 on, where the first eigenvector belongs to a
    /// logarithm that has gone around once.
    fn meeting(coupling: f64) -> (Continuation, impl Fn(f64) -> Decomposition) {
        let matrix = move |t: f64| {
            let a = DMatrix::from_row_slice(2, 2, &[2.0 + t, coupling, coupling, 2.0 - t]);
            Decomposition::of(a.map(Complex64::from), true).unwrap()
        };
        let mut continuation = descent(Branch::Continued, true);
        let start = matrix(-1.0);
        let at: Vec<Sheet> = start
            .eigenvalues()
            .iter()
            .map(|&z| Sheet::descent(z, Complex64::ZERO).near(if z.re < 2.0 { TAU } else { 0.0 }))
            .collect();
        continuation.last = continuation.followed(&at, &[0, 1], &|which| start.eigenvectors(which));
        (continuation, matrix)
    }

    /// The turns of the smaller and of the larger eigenvalue.
    fn turns(at: &[Sheet]) -> [f64; 2] {
        let mut at = at.to_vec();
        at.sort_by(|a, b| a.z.re.total_cmp(&b.z.re));
        [at[0], at[1]].map(|at| (at.log.im / TAU).round())
    }

    #[test]
    fn a_step_across_a_crossing_follows_the_eigenvectors() {
        let (continuation, matrix) = meeting(0.0);
        for t in [-0.9, -0.5, -1e-9, 1e-9, 0.3, 0.5] {
            let decomposition = matrix(t);
            let vectors = |which: &[usize]| decomposition.eigenvectors(which);
            let branches = continuation.of(decomposition.eigenvalues(), &vectors).unwrap();
            assert!(!branches.uncertain);
            assert_eq!(turns(&branches.at), if t < 0.0 { [1.0, 0.0] } else { [0.0, 1.0] }, "{t}");
            // Without eigenvectors only a small step is certain.
            let without = logs(&continuation, decomposition.eigenvalues());
            assert_eq!(without.is_ok(), t == -0.9, "{t}: {without:?}");
        }
    }

    /// Eigenvalues that only come near to each other keep their branches, if the steps resolve it.
    #[test]
    fn a_step_across_an_avoided_crossing_is_refused() {
        let (mut continuation, matrix) = meeting(0.01);
        let across = matrix(0.9);
        let vectors = |which: &[usize]| across.eigenvectors(which);
        let refused = continuation.certain(across.eigenvalues(), &vectors);
        assert_eq!(refused.err(), Some(Stop::Crossing));
        let (mut t, mut step, mut steps) = (-1.0, 1.0, 0);
        while t < 1.0 {
            let decomposition = matrix(t + step);
            let vectors = |which: &[usize]| decomposition.eigenvectors(which);
            match continuation.accept(decomposition.eigenvalues(), &vectors) {
                Ok(()) => (t, step) = (t + step, 1.5 * step),
                Err(_) => step /= 2.0,
            }
            steps += 1;
            assert!(steps < 100, "{t} {step}");
        }
        let at: Vec<Sheet> = continuation.last.iter().map(|last| last.at).collect();
        assert_eq!(turns(&at), [1.0, 0.0]);
    }
}
