//! The principal eigenvalues of a step, continued from small step sizes.
//!
//! At `h = 0` a method's matrix `M(h)` has the eigenvalue 1 once a parameter, and eigenvalues that
//! belong to its buffers. The first ones, `μ_i(h)` with `μ_i(0) = 1`, are those of the principal
//! flow: `log μ_i(h)/h` are the eigenvalues of its Jacobian. They are branches of algebraic functions, and
//! for heavy ball two branches meet on the real line, as the logarithm's argument comes to 0 for
//! gradient descent. So `h` is continued a little below the real line, which passes these points
//! on the side where `log(1-hλ)` has the imaginary part `+π`.

use super::linear_map::LinearMap;
use crate::flow::branch::assignment::assignment;
use crate::flow::velocity::is_finite;
use num_complex::Complex64;
use std::f64::consts::{FRAC_PI_4, TAU};

/// How far below the real line, relative to the step size.
const DEPTH: f64 = 0.02;
/// The first and the shortest piece of the path.
const PIECE: (f64, f64) = (1e-3, 1e-12);
/// Eigenvalues that near are not told apart.
const SAME: f64 = 1e-7;

/// A principal eigenvalue of `M(h)` and its logarithm.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct PrincipalEigenvalue {
    pub(super) mu: Complex64,
    pub(super) log: Complex64,
}

/// The `count` principal eigenvalues at `h > 0`; `None` where they cannot be continued to, or at a
/// branch point.
pub(super) fn principal(map: &LinearMap, h: f64, count: usize) -> Option<Vec<PrincipalEigenvalue>> {
    let path = |t: f64| Complex64::new(h * t, -4.0 * DEPTH * h * t * (1.0 - t));
    let eigenvalues = |t: f64| -> Option<Vec<Complex64>> {
        let (_, triangular) = map.at(path(t))?.try_schur(f64::EPSILON, 10_000)?.unpack();
        Some(triangular.diagonal().iter().copied().collect())
    };
    // From where the principal ones are told from the others by their distance to 1.
    let mut t = PIECE.0;
    let mut all = loop {
        let mut all = eigenvalues(t)?;
        all.sort_by(|a, b| (a - 1.0).norm().total_cmp(&(b - 1.0).norm()));
        let near = (all[count - 1] - 1.0).norm();
        if near < 0.1 && all.get(count).is_none_or(|far| (far - 1.0).norm() > 4.0 * near) {
            break all;
        }
        t /= 4.0;
        if t < PIECE.1 {
            return None;
        }
    };
    let mut logs: Vec<Complex64> = all[..count].iter().map(|mu| mu.ln()).collect();
    let mut piece = t;
    while t < 1.0 {
        let end = (t + piece).min(1.0);
        let next = eigenvalues(end)?;
        let paired = pair(&all, &next).and_then(|paired| {
            let turned = |(log, mu): (&Complex64, &Complex64)| continued(*log, *mu);
            let turned = logs.iter().zip(&paired).map(turned).collect::<Option<Vec<_>>>()?;
            Some((paired, turned))
        });
        match paired {
            Some((paired, turned)) => {
                (all, logs, t) = (paired, turned, end);
                piece *= 1.5;
            }
            None if piece < PIECE.1 => return None,
            None => piece /= 2.0,
        }
    }
    Some(all.into_iter().zip(logs).map(|(mu, log)| PrincipalEigenvalue { mu, log }).collect())
}

/// The logarithm of `mu` next to `before`; `None` if it turned too far, or `mu` is 0.
fn continued(before: Complex64, mu: Complex64) -> Option<Complex64> {
    let mut log = mu.ln();
    log.im += TAU * ((before.im - log.im) / TAU).round();
    ((log.im - before.im).abs() < FRAC_PI_4 && log.re.is_finite()).then_some(log)
}

/// The eigenvalues `next` in the order of `before`; `None` if it is not clear which is which.
fn pair(before: &[Complex64], next: &[Complex64]) -> Option<Vec<Complex64>> {
    let n = before.len();
    if !is_finite(next) {
        return None;
    }
    let found = assignment(n, n, |i, k| (before[i] - next[k]).norm());
    let clear = |i: usize| {
        let k = found[i];
        let moved = (before[i] - next[k]).norm();
        // Those that have always been together may change places.
        let others = (0..n).filter(|&j| j != k && (next[j] - next[k]).norm() > SAME);
        others.map(|j| (before[i] - next[j]).norm()).all(|far| moved < 0.3 * far)
    };
    (0..n).all(clear).then(|| found.iter().map(|&k| next[k]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bea_series::optimizer;
    use num_rational::BigRational;
    use std::f64::consts::PI;

    fn of(name: &str, values: &[(&str, &str)], h: f64) -> Option<PrincipalEigenvalue> {
        let values = values
            .iter()
            .map(|(n, v)| (n.to_string(), optimizer::parse_value(v).unwrap()))
            .collect();
        let method = optimizer::find(name).unwrap().method(&values).unwrap();
        let map = LinearMap::scalar(&method, &BigRational::from_integer((-1).into()));
        principal(&map, h, 1).map(|found| found[0])
    }

    #[test]
    fn gradient_descent_is_one_minus_h() {
        for h in [0.1f64, 0.99, 1.01, 2.0, 5.0] {
            let found = of("gradient_descent", &[], h).unwrap();
            let im = if h > 1.0 { PI } else { 0.0 };
            let expected = Complex64::new((1.0 - h).abs().ln(), im);
            assert!((found.log - expected).norm() < 1e-13, "{h}: {}", found.log);
        }
        assert_eq!(of("gradient_descent", &[], 1.0), None);
    }

    /// `μ² - (1+m-h) μ + m = 0`, with branch points at `(1 ± √m)²`.
    #[test]
    fn heavy_ball_is_the_root_that_goes_to_gradient_descent() {
        let m = 0.25f64;
        for h in [0.1, 0.2, 0.3, 1.0, 2.0, 2.3, 2.5, 3.0] {
            let found = of("heavy_ball", &[("m", "1/4")], h).unwrap();
            let (trace, discriminant) = (1.0 + m - h, (1.0 + m - h).powi(2) - 4.0 * m);
            let expected = match discriminant {
                // The larger root before the branch points, the one with the larger size after.
                d if d >= 0.0 && trace > 0.0 => Complex64::from((trace + d.sqrt()) / 2.0),
                d if d >= 0.0 => Complex64::from((trace - d.sqrt()) / 2.0),
                d => Complex64::new(trace, (-d).sqrt()) / 2.0,
            };
            assert!((found.mu - expected).norm() < 1e-12, "{h}: {} {expected}", found.mu);
            assert!((found.log.exp() - found.mu).norm() < 1e-12);
            assert!(found.log.im >= 0.0 && found.log.im <= PI + 1e-12, "{h}: {}", found.log);
        }
    }
}
