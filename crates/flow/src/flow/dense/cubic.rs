//! The cubic flow: the principal flow and all trees with exactly one branching vertex, of degree
//! two, summed to every order of `h`.

use crate::curvature::KrylovSpace;
use crate::flow::branch::alpha::{ell, log_1p};
use crate::flow::branch::continuation::{Continuation, turned};
use crate::flow::branch::sheet::Sheet;
use crate::flow::dense::decomposition::Decomposition;
use crate::flow::dense::generating::generating;
use crate::flow::velocity::Velocity;
use crate::flow::{Problem, Stop};
use nalgebra::{DMatrix, DVector};
use num_complex::Complex64;
use rayon::prelude::*;

/// In the eigenbasis `J v_i = z_i/h v_i` of the Jacobian, with `f = Σ_j c_j v_j` and
/// `f''(v_j, v_k) = Σ_i q_{i,jk} v_i`,
///
/// ```text
/// θ̇ = log(1+hJ)/(hJ) f + ½ h² Σ_ijk G(z_i; z_j,z_k) q_{i,jk} c_j c_k v_i.
/// ```
///
/// Derived by perturbing a quadratic map; the generating function is in [`generating`].
pub(in crate::flow) struct CubicFlow<'a> {
    problem: &'a Problem,
    h: f64,
    /// The sum runs over so many of the sharpest directions.
    directions: usize,
    continuation: Continuation,
    /// The eigenvalues of `hJ` at the last accepted point.
    last: Vec<Complex64>,
}

impl<'a> CubicFlow<'a> {
    /// The continuation is one of gradient descent.
    pub(in crate::flow) fn new(
        problem: &'a Problem,
        h: f64,
        directions: usize,
        continuation: Continuation,
    ) -> Self {
        CubicFlow { problem, h, directions, continuation, last: Vec::new() }
    }
}

impl Velocity for CubicFlow<'_> {
    fn velocity(&mut self, theta: &[Complex64], out: &mut [Complex64]) -> Result<(), Stop> {
        let d = self.problem.dimension();
        self.problem.total(theta, out)?;
        let decomposition = Decomposition::at(self.problem, theta, self.h)?;
        let eigenvectors = |which: &[usize]| decomposition.eigenvectors(which);
        let at = self.continuation.certain(decomposition.eigenvalues(), &eigenvectors)?.at;
        let basis = decomposition.basis()?;
        let c = basis.along(out);
        out.copy_from_slice(&self.continuation.root.log_over(&decomposition, &at, out)?);
        let mut sharpest: Vec<usize> = (0..d).collect();
        // z = -hλ
        sharpest.sort_by(|&j, &k| basis.z[j].re.total_cmp(&basis.z[k].re));
        sharpest.truncate(self.directions);
        let parts = parts(&at, c.as_slice(), &sharpest);
        let vectors: Vec<DVector<Complex64>> =
            parts.iter().map(|part| &basis.vectors * &part.along).collect();
        let pairs: Vec<(usize, usize)> =
            (0..parts.len()).flat_map(|a| (0..=a).map(move |b| (a, b))).collect();
        let term = |&(a, b): &(usize, usize)| -> Result<DVector<Complex64>, Stop> {
            let mut second = vec![Complex64::ZERO; d];
            self.problem.second(
                theta,
                vectors[a].as_slice(),
                vectors[b].as_slice(),
                &mut second,
            )?;
            let mut q = basis.along(&second);
            // Both orders of a and b.
            let twice = if a == b { 0.5 } else { 1.0 };
            for (q, at) in q.iter_mut().zip(&at) {
                // A pole matters only where its factor is not 0.
                if *q != Complex64::ZERO {
                    *q *= twice * self.h * self.h * generating(*at, parts[a].at, parts[b].at)?;
                }
            }
            Ok(q)
        };
        let mut sum = DVector::zeros(d);
        if pairs.len() < MANY {
            for pair in &pairs {
                sum += term(pair)?;
            }
        } else {
            let terms: Vec<_> = pairs.par_iter().map(term).collect::<Result<_, _>>()?;
            terms.iter().for_each(|term| sum += term);
        }
        let more = &basis.vectors * sum;
        out.iter_mut().zip(&more).for_each(|(out, x)| *out += x);
        Ok(())
    }

    /// Unlike the principal flow's, the field has a pole at the branch point of every direction that the
    /// gradient has a part along, and no step across it means anything, however short it is.
    fn accept(&mut self, theta: &[Complex64]) -> Result<(), Stop> {
        let decomposition = Decomposition::at(self.problem, theta, self.h)?;
        let turned = turned(decomposition.eigenvalues(), &self.last);
        if !turned.is_empty() {
            let mut f = vec![Complex64::ZERO; theta.len()];
            self.problem.total(theta, &mut f)?;
            let c = decomposition.basis()?.along(&f);
            if turned.iter().any(|&i| c[i].norm() > EXACT * c.norm()) {
                return Err(Stop::BranchPoint);
            }
        }
        self.last = decomposition.eigenvalues().to_vec();
        let eigenvectors = |which: &[usize]| decomposition.eigenvectors(which);
        self.continuation.accept(&self.last, &eigenvectors)
    }

    fn branch_distance(&self) -> f64 {
        self.continuation.branch_distance()
    }
}

/// A part of `f` that counts as an eigenvector.
struct Part {
    at: Sheet,
    /// Its coefficients along the eigenvectors.
    along: DVector<Complex64>,
}

/// So many pairs, or more, are computed in parallel.
const MANY: usize = 64;
/// Eigenvalues of `hJ` up to this are flat: half of the way to the branch point.
const FLAT: f64 = 0.5;
/// More flat directions than this are replaced by Ritz values.
const FEW: usize = 24;
/// The relative error up to which Ritz values must reproduce known functions.
const EXACT: f64 = 1e-13;

/// `f = Σ_j c_j v_j` over the directions of `chosen`, in few parts: the sum over pairs of directions costs a third
/// derivative for each pair.
///
/// Sharp directions are parts of their own. `G(x; y,w)` is analytic for `|y|, |w| < 1` on the principal sheet, so that
/// for the flat ones polynomials in `y` and `w` will do, and of all polynomials of a degree below `m` the sums over the
/// `m` Ritz values of `(diag z, c)` are exact.
fn parts(at: &[Sheet], c: &[Complex64], chosen: &[usize]) -> Vec<Part> {
    let principal = |at: &Sheet| (at.log - log_1p(at.z)).norm() < 1e-9;
    let (flat, mut single): (Vec<usize>, Vec<usize>) =
        chosen.iter().partition(|&&j| at[j].z.norm() <= FLAT && principal(&at[j]));
    // On another sheet G has a pole at 1 + x = (1 + y)(1 + w), which may be near.
    let near_pole = at.iter().any(|at| at.z.re > -1.0 && !principal(at));
    let summed = if flat.len() > FEW && !near_pole { summed(at, c, &flat) } else { None };
    if summed.is_none() {
        single = chosen.to_vec();
    }
    let own = single.into_iter().filter(|&j| c[j] != Complex64::ZERO).map(|j| {
        let mut along = DVector::zeros(c.len());
        along[j] = c[j];
        Part { at: at[j], along }
    });
    own.chain(summed.into_iter().flatten()).collect()
}

/// The parts along flat directions, by Ritz values; `None` if they do not give known functions exactly.
fn summed(at: &[Sheet], c: &[Complex64], flat: &[usize]) -> Option<Vec<Part>> {
    let z = DVector::from_iterator(flat.len(), flat.iter().map(|&j| at[j].z));
    let f: Vec<Complex64> = flat.iter().map(|&j| c[j]).collect();
    let size = DVector::from_column_slice(&f).norm();
    let diagonal = DMatrix::from_diagonal(&z);
    let mut space = KrylovSpace::new(&diagonal, &f).ok()?;
    while space.len() < flat.len() && !space.is_invariant() {
        space.extend(&diagonal).ok()?;
        let real = z.iter().all(|z| z.im == 0.0);
        let basis = Decomposition::of(space.projected(), real).ok()?.basis().ok()?;
        let mut start = vec![Complex64::ZERO; space.len()];
        start[0] = space.norm().into();
        let along = basis.along(&start);
        let vectors: Vec<Vec<Complex64>> = (0..along.len())
            .map(|a| space.combine(&(basis.vectors.column(a) * along[a])))
            .collect();
        let error = |function: &dyn Fn(Complex64) -> Complex64| {
            let sum = |j: usize| -> Complex64 {
                vectors.iter().zip(&basis.z).map(|(v, &z)| function(z) * v[j]).sum()
            };
            let difference = (0..f.len()).map(|j| (sum(j) - function(z[j]) * f[j]).norm_sqr());
            difference.sum::<f64>().sqrt()
        };
        // Two functions with the singularity of G that is nearest to 0, at z = -1.
        let tests: [&dyn Fn(Complex64) -> Complex64; 2] =
            [&|z| ell(z, log_1p(z)), &|z| 1.0 / (1.0 + z)];
        if tests.iter().all(|test| error(test) <= EXACT * size) {
            let part = |(v, &z): (&Vec<Complex64>, &Complex64)| {
                let mut along = DVector::zeros(c.len());
                flat.iter().zip(v).for_each(|(&j, &x)| along[j] = x);
                Part { at: Sheet::descent(z, log_1p(z)), along }
            };
            return Some(vectors.iter().zip(&basis.z).map(part).collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers in `[-1, 1]`.
    fn numbers(seed: u64, n: usize) -> Vec<f64> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        };
        (0..n).map(|_| next()).collect()
    }

    /// The bilinear sums `Σ_jk G(x; z_j,z_k) c_j c_k q_j q_k` over all directions, and over the parts.
    #[test]
    fn few_parts_stand_for_many_directions() {
        for (imaginary, sharp) in [(0.0, -2.3), (0.2, -1.4)] {
            let n = 80;
            let (re, im, c) = (numbers(1, n), numbers(2, n), numbers(3, n));
            let mut z: Vec<Complex64> =
                (0..n).map(|j| Complex64::new(0.4 * re[j], imaginary * im[j])).collect();
            z[7] = Complex64::new(sharp, imaginary);
            let at: Vec<Sheet> = z.iter().map(|&z| Sheet::descent(z, log_1p(z))).collect();
            let c: Vec<Complex64> = c.into_iter().map(Complex64::from).collect();
            let all: Vec<usize> = (0..n).collect();
            let parts = parts(&at, &c, &all);
            assert!(parts.len() < n / 2, "{} parts", parts.len());
            assert!(parts.iter().any(|part| part.at == at[7]));
            let q = DVector::from_iterator(n, numbers(4, n).into_iter().map(Complex64::from));
            let scale = c.iter().map(|c| c.norm()).sum::<f64>().powi(2);
            for x in [0, 7, 20] {
                let g = |y, w| generating(at[x], y, w).unwrap();
                let mut expected = Complex64::ZERO;
                for j in 0..n {
                    for k in 0..n {
                        expected += g(at[j], at[k]) * c[j] * c[k] * q[j] * q[k];
                    }
                }
                let mut found = Complex64::ZERO;
                for a in &parts {
                    for b in &parts {
                        found += g(a.at, b.at) * a.along.dot(&q) * b.along.dot(&q);
                    }
                }
                assert!((found - expected).norm() < 1e-12 * scale, "{found} {expected}");
            }
        }
    }
}
