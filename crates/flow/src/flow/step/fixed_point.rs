//! Fixed points of maps, by accelerated iteration.

use num_complex::Complex64;
use std::collections::VecDeque;

/// How many evaluations of the map a fixed point may take.
const MAX_EVALUATIONS: usize = 500;
/// How many earlier steps are remembered.
const MAX_STEPS: usize = 40;
/// How many times as far as the start and its first step an iterate may be.
const FAR: f64 = 1e6;
/// A step is used if at least this part of it is independent of the later ones.
const INDEPENDENT: f64 = 1e-6;

/// The solution of `u = g(u)` near `u`, by Anderson's acceleration of `u ← g(u)`: each iterate is the
/// combination of the earlier ones with the smallest residual `g(u) - u`, as if `g` were affine. For
/// an affine map of `d` dimensions it ends after at most `d + 1` evaluations, even where the plain
/// iteration diverges. `None` if it does not converge, or leaves the finite numbers.
///
/// Source: Walker, Ni (2011), *Anderson acceleration for fixed-point iterations*, with an orthonormal
/// basis of the changes of residuals.
///
/// # Errors
/// Those of the map.
pub(in crate::flow) fn fixed_point<E>(
    mut u: Vec<Complex64>,
    mut g: impl FnMut(&[Complex64]) -> Result<Vec<Complex64>, E>,
) -> Result<Option<Vec<Complex64>>, E> {
    // A step `p` in `u` changed the residual by `q`.
    let mut steps: VecDeque<(Vec<Complex64>, Vec<Complex64>)> = VecDeque::new();
    let mut last: Option<(Vec<Complex64>, Vec<Complex64>)> = None;
    let mut reach = f64::INFINITY;
    for _ in 0..MAX_EVALUATIONS {
        let image = g(&u)?;
        let residual = difference(&image, &u);
        let (moved, size) = (norm(&residual), norm(&image));
        if last.is_none() {
            reach = FAR * (norm(&u) + moved);
        }
        // An iterate that diverges is large compared with any residual, which is no convergence.
        if !moved.is_finite() || size > reach {
            return Ok(None);
        }
        if let Some((before, residual_before)) = &last {
            // The convergence ends where rounding takes over.
            if moved <= 1e-9 * size && moved >= norm(residual_before) {
                return Ok(Some(image));
            }
            steps.push_front((difference(&u, before), difference(&residual, residual_before)));
            steps.truncate(MAX_STEPS);
        }
        if moved <= 1e-15 * size {
            return Ok(Some(image));
        }
        let mut next = image;
        for (p, q) in orthonormal(&steps) {
            let along = inner(&q, &residual);
            add(&mut next, -along, &p);
            add(&mut next, -along, &q);
        }
        last = Some((std::mem::replace(&mut u, next), residual));
    }
    Ok(None)
}

/// Combinations of the steps whose changes of the residual are orthonormal. The latest step, which
/// describes the map best near the fixed point, comes first and is only normalised.
fn orthonormal(
    steps: &VecDeque<(Vec<Complex64>, Vec<Complex64>)>,
) -> Vec<(Vec<Complex64>, Vec<Complex64>)> {
    let mut basis: Vec<(Vec<Complex64>, Vec<Complex64>)> = Vec::new();
    for (p, q) in steps {
        let (mut p, mut q) = (p.clone(), q.clone());
        let whole = norm(&q);
        for (p_known, q_known) in &basis {
            let along = inner(q_known, &q);
            add(&mut p, -along, p_known);
            add(&mut q, -along, q_known);
        }
        let rest = norm(&q);
        if rest > INDEPENDENT * whole {
            p.iter_mut().chain(&mut q).for_each(|x| *x /= rest);
            basis.push((p, q));
        }
    }
    basis
}

/// `a - b`
fn difference(a: &[Complex64], b: &[Complex64]) -> Vec<Complex64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

/// `āᵀb`
fn inner(a: &[Complex64], b: &[Complex64]) -> Complex64 {
    a.iter().zip(b).map(|(a, b)| a.conj() * b).sum()
}

/// `a += c b`
fn add(a: &mut [Complex64], c: Complex64, b: &[Complex64]) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += c * b);
}

fn norm(a: &[Complex64]) -> f64 {
    a.iter().map(Complex64::norm_sqr).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_affine_map_that_expands_has_its_fixed_point_found() {
        // u ← A u + b with the eigenvalues -30, 7 and 1/2, far from normal.
        let a = [[-30.0, 100.0, 5.0], [0.0, 7.0, -40.0], [0.0, 0.0, 0.5]];
        let b = [1.0, -2.0, 3.0];
        let mut evaluations = 0;
        let map = |u: &[Complex64]| -> Result<Vec<Complex64>, std::convert::Infallible> {
            evaluations += 1;
            let row = |i: usize| (0..3).map(|j| a[i][j] * u[j]).sum::<Complex64>() + b[i];
            Ok((0..3).map(row).collect())
        };
        let found = fixed_point(vec![Complex64::ZERO; 3], map).unwrap().unwrap();
        // (I - A) u = b from below.
        let z = 6.0;
        let y = (-2.0 - 40.0 * z) / -6.0;
        let x = (1.0 + 100.0 * y + 5.0 * z) / 31.0;
        for (u, expected) in found.iter().zip([x, y, z]) {
            assert!((u - expected).norm() < 1e-12 * f64::abs(expected), "{u}, not {expected}");
        }
        assert!(evaluations <= 8, "{evaluations}");
    }

    #[test]
    fn a_map_without_a_fixed_point_has_none() {
        let none = |map: fn(Complex64) -> Complex64| {
            let map = |u: &[Complex64]| Ok::<_, std::convert::Infallible>(vec![map(u[0])]);
            assert_eq!(fixed_point(vec![Complex64::ONE], map), Ok(None));
        };
        none(|u| u + 1.0);
        none(|u| u.exp() + 2.0 + u);
    }
}
