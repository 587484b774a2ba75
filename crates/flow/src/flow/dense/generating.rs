//! The generating function of the trees with exactly one branching vertex, of degree two.
//!
//! With `L(z) = log(1+z)`, `ℓ(z) = L(z)/z` and its divided difference `ℓ[x,y]`
//!
//! ```text
//! G(x; y,w) = [ (L(y)+L(w)-L(x))/((1+y)(1+w)-(1+x)) - ℓ(x) - y ℓ[x,y] - w ℓ[x,w] ]/(y w)
//!           = Σ_{a≥0; b,c≥1} b(τ_{a,b,c}) x^a y^(b-1) w^(c-1),
//! ```
//!
//! where `τ_{a,b,c}` is a trunk of `a` nodes, a branching node and two chains of `b` and `c` nodes.
//! `bea check` proves the equality coefficient by coefficient.

use crate::flow::Stop;
use crate::flow::branch::alpha::{ell, log_1p};
use crate::flow::branch::sheet::Sheet;
use num_complex::Complex64;
use std::f64::consts::TAU;

/// Nearer than this to a removable singularity `G` is averaged over a circle.
const NEAR: f64 = 0.1;
/// Points of that circle. Its radius is at most 0.3 of the distance to a true singularity, so the
/// error is 0.3^32.
const CIRCLE: usize = 32;
/// A trajectory only gets this near to a pole by running into it.
const POLE: f64 = 1e-6;

impl Sheet {
    /// `z + δ`, on the same sheet.
    fn moved(self, delta: Complex64) -> Sheet {
        Sheet::descent(self.z + delta, self.log + log_1p(delta / (1.0 + self.z)))
    }

    /// The multiple of `2πi` by which the logarithm differs from the principal one.
    fn sheet(self) -> f64 {
        ((self.log - log_1p(self.z)).im / TAU).round()
    }
}

/// `G(x; y,w)` with the logarithms given.
///
/// Where `y`, `w`, `x-y` or `x-w` vanish the formula is `0/0` but `G` is analytic: there it is the
/// mean of its values on a circle around `(y, w)`. `x = 0` and, on matching sheets,
/// `(1+y)(1+w) = 1+x` are harmless in the form used.
///
/// # Errors
/// A resonance: `(1+y)(1+w) = 1+x` although the logarithms do not add up. A pole where an argument
/// comes to 0 on another sheet, or two to one another, is one too.
pub(in crate::flow) fn generating(x: Sheet, y: Sheet, w: Sheet) -> Result<Complex64, Stop> {
    let product = (1.0 + y.z) * (1.0 + w.z);
    // D = (1+y)(1+w) - (1+x), N = L(y) + L(w) - L(x) = log(1 + D/(1+x)) + 2πi m.
    let d = y.z + w.z + y.z * w.z - x.z;
    let turns = turns(x, y, w, d);
    if turns != 0.0 && d.norm() < POLE {
        return Err(Stop::Resonance);
    }
    let gaps = [y.z, w.z, x.z - y.z, x.z - w.z];
    // Across sheets the same differences are poles.
    let same = [y.sheet() == 0.0, w.sheet() == 0.0, x.sheet() == y.sheet(), x.sheet() == w.sheet()];
    if gaps.iter().zip(same).any(|(gap, same)| !same && gap.norm() < POLE)
        || (x.sheet() != 0.0 && x.z.norm() < POLE)
    {
        return Err(Stop::Resonance);
    }
    if gaps.iter().all(|gap| gap.norm() >= NEAR) {
        return Ok(formula(x, y, w, d, turns));
    }
    // How far y and w may move before they meet a true singularity: a branch point or a pole.
    let mut reach = (1.0 + y.z).norm().min((1.0 + w.z).norm()).min(1.0);
    if turns != 0.0 {
        reach = reach.min(d.norm() / (1.0 + (1.0 + y.z).norm() + (1.0 + w.z).norm()));
    } else {
        // log(1 + D/(1+x)) has its cut beyond -1.
        reach = reach.min(product.norm() / (1.0 + (1.0 + y.z).norm() + (1.0 + w.z).norm()));
    }
    for (gap, same) in gaps.iter().zip(same) {
        if !same {
            reach = reach.min(gap.norm());
        }
    }
    // The radius that stays farthest from where the formula breaks down.
    let second = Complex64::from_polar(0.8, 0.7);
    let spokes = || (0..CIRCLE).map(|k| Complex64::cis(TAU * (k as f64 + 0.25) / CIRCLE as f64));
    let clearance = |radius: f64| {
        let least = |delta: Complex64| {
            let (y, w) = (y.z + delta, w.z + delta * second);
            [y, w, x.z - y, x.z - w].iter().map(|g| g.norm()).fold(f64::INFINITY, f64::min)
        };
        spokes().map(|s| least(s * radius)).fold(f64::INFINITY, f64::min)
    };
    let radii = [0.3, 0.25, 0.2, 0.15, 0.1].map(|part| part * reach);
    let radius = radii.into_iter().max_by(|a, b| clearance(*a).total_cmp(&clearance(*b)));
    let radius = radius.expect("there are radii");
    let sum: Complex64 = spokes()
        .map(|spoke| {
            let (y, w) = (y.moved(spoke * radius), w.moved(spoke * radius * second));
            let d = y.z + w.z + y.z * w.z - x.z;
            formula(x, y, w, d, self::turns(x, y, w, d))
        })
        .sum();
    let mean = sum / CIRCLE as f64;
    // Rounding must not take a flow off the real line.
    let is_real = [x, y, w].iter().all(|at| at.z.im == 0.0 && at.log.im == 0.0);
    Ok(if is_real { mean.re.into() } else { mean })
}

/// `m` of `L(y) + L(w) - L(x) = log(1 + D/(1+x)) + 2πi m`.
fn turns(x: Sheet, y: Sheet, w: Sheet, d: Complex64) -> f64 {
    ((y.log + w.log - x.log - log_1p(d / (1.0 + x.z))).im / TAU).round()
}

/// The formula as it stands, but for the first quotient, which is stable at `D = 0`.
fn formula(x: Sheet, y: Sheet, w: Sheet, d: Complex64, turns: f64) -> Complex64 {
    let q = d / (1.0 + x.z);
    let mut first = ell(q, log_1p(q)) / (1.0 + x.z);
    if turns != 0.0 {
        first += Complex64::new(0.0, TAU * turns) / d;
    }
    let difference = |y: Sheet| y.z * (x.coefficient() - y.coefficient()) / (x.z - y.z);
    (first - x.coefficient() - difference(y) - difference(w)) / (y.z * w.z)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bea_series::series::{GeneralLinearMethod, derive};
    use bea_series::tree::{Tree, TreeTable};
    use num_traits::ToPrimitive;

    fn c(re: f64, im: f64) -> Complex64 {
        Complex64::new(re, im)
    }

    fn g(x: Complex64, y: Complex64, w: Complex64) -> Complex64 {
        generating(principal(x), principal(y), principal(w)).unwrap()
    }

    fn principal(z: impl Into<Complex64>) -> Sheet {
        let z = z.into();
        Sheet::descent(z, log_1p(z))
    }

    /// `τ_{a,b,c}`.
    fn tree(a: usize, b: usize, c: usize) -> Tree {
        let fork = Tree::new(0, vec![Tree::chain(b), Tree::chain(c)]);
        (0..a).fold(fork, |tree, _| Tree::new(0, vec![tree]))
    }

    /// The exact weights of the trees against the Taylor coefficients of `G` at 0, which are means
    /// over a torus.
    #[test]
    fn its_taylor_coefficients_are_the_weights_of_the_trees() {
        const N: usize = 24;
        let radius = 0.35;
        let spoke = |k: usize| Complex64::cis(TAU * k as f64 / N as f64);
        let values: Vec<Complex64> = (0..N * N * N)
            .map(|i| g(spoke(i / N / N) * radius, spoke(i / N % N) * radius, spoke(i % N) * radius))
            .collect();
        let trees: Vec<Tree> = (0..9).map(|i| tree(i % 3, 1 + i / 3, 1 + i * i % 3)).collect();
        let table = TreeTable::closure(1, &trees).into();
        let field = derive(&GeneralLinearMethod::euler(), table).unwrap();
        for (i, tree) in trees.iter().enumerate() {
            let (a, b, c) = (i % 3, i / 3, i * i % 3);
            let mean: Complex64 = values
                .iter()
                .enumerate()
                .map(|(k, v)| {
                    let turn = a * (k / N / N) + b * (k / N % N) + c * (k % N);
                    v * spoke(turn % N).conj()
                })
                .sum::<Complex64>()
                / (N * N * N) as f64;
            let found = mean / radius.powi((a + b + c) as i32);
            let id = field.trees().find(tree).unwrap();
            let exact = field.b(id).as_rational().unwrap().to_f64().unwrap();
            assert!((found - exact).norm() < 1e-9, "{a} {b} {c}: {found} {exact}");
        }
    }

    /// Stability: at every removable singularity, on it and at all distances from it, `G` is what
    /// its mean over a larger circle in all three variables is.
    #[test]
    fn removable_singularities_are_harmless() {
        let points = [
            (c(0.0, 0.0), c(0.0, 0.0), c(0.0, 0.0)),
            (c(-0.4, 0.1), c(0.0, 0.0), c(0.3, 0.2)),
            (c(-0.4, 0.1), c(0.3, -0.3), c(0.0, 0.0)),
            (c(-0.4, 0.3), c(-0.4, 0.3), c(0.5, 0.0)),
            (c(-0.4, 0.3), c(-0.4, 0.3), c(-0.4, 0.3)),
            (c(0.0, 0.0), c(0.4, 0.1), c(-0.3, 0.2)),
            (c(0.8, 0.0), c(0.5, 0.0), c(0.2, 0.0)),
            (c(-0.4, 0.0), c(-0.4, 0.0), c(0.0, 0.0)),
        ];
        // A direction in which no difference vanishes.
        let direction = (c(0.9, -0.5), c(-0.4, 0.8), c(0.3, 0.6));
        for (x, y, w) in points {
            for distance in [0.0, 1e-300, 1e-16, 1e-12, 1e-8, 1e-5, 1e-3, 0.03, 0.09, 0.11] {
                let at = |delta: Complex64| {
                    let delta = delta + distance * c(0.3, 0.4);
                    (x + direction.0 * delta, y + direction.1 * delta, w + direction.2 * delta)
                };
                let (a, b, d) = at(Complex64::ZERO);
                let found = g(a, b, d);
                let n = 64;
                let mean: Complex64 = (0..n)
                    .map(|k| {
                        let (a, b, d) = at(0.2 * Complex64::cis(TAU * f64::from(k) / f64::from(n)));
                        g(a, b, d)
                    })
                    .sum::<Complex64>()
                    / f64::from(n);
                let error = (found - mean).norm();
                assert!(error < 1e-11, "{x} {y} {w} {distance:e}: {found} {mean}");
            }
        }
        assert!((g(c(0.0, 0.0), c(0.0, 0.0), c(0.0, 0.0)) - 1.0 / 6.0).norm() < 1e-14);
    }

    #[test]
    fn resonances_are_reported() {
        // hλ_j = hλ_k = 2, λ_i = 0: both logarithms start at +iπ.
        let (x, y) = (principal(0.0), principal(-2.0));
        assert_eq!(generating(x, y, y), Err(Stop::Resonance));
        let near = |eps: f64| generating(x, y.moved(eps.into()), y).unwrap();
        assert!(near(1e-3).norm() > 100.0);
        // On the principal sheet there is none: one logarithm starts at +iπ, the other below.
        let below = Sheet { log: y.log.conj(), ..y };
        assert!(generating(x, y, below).is_ok());
    }
}
