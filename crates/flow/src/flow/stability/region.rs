//! The region of stability of an optimizer in the complex plane.
//!
//! On the linear field `θ̇ = -λθ` the eigenvalues `μ` of a step are the roots of a polynomial `p(μ, z)` whose coefficients
//! are polynomials in `z = hλ`, complex `λ` included. The region is where all of them have modulus less than 1. Its
//! boundary is part of the *root locus*, the roots `z` of `p(e^{iφ}, z)`: the part where no other `μ` lies outside the
//! unit circle.
//!
//! Sources: Hairer and Wanner, *Solving Ordinary Differential Equations II*, sections IV.2 and V.1, where `λ` has the
//! opposite sign.

use super::boundary::characteristic;
use super::paths::{Path, paths};
use bea_series::exact::{Poly, RationalFunction};
use bea_series::field::joint;
use bea_series::series::{GeneralLinearMethod, Matrix};
use nalgebra::DMatrix;
use num_complex::Complex64;
use num_rational::BigRational;
use num_traits::{One, ToPrimitive};
use std::f64::consts::TAU;

/// The region of stability: the `z = hλ` at which an optimizer converges on `E = λθ²/2`, and on a game whose vector
/// field has the Jacobian's eigenvalue `-λ`.
#[derive(Clone, PartialEq, Debug)]
pub struct Region {
    /// `p(μ, z) = Σ μ^k Σ z^l c_kl`.
    coefficients: Vec<Vec<f64>>,
    step: Option<f64>,
}

/// Samples of the unit circle, before those that are added where the locus is fast.
const SAMPLES: usize = 720;
/// Between two samples the locus moves no further than this, in the unit of `z`.
const NEAR: f64 = 0.05;
/// How far outside the unit circle another `μ` may be on the boundary, by rounding.
const ROUNDING: f64 = 1e-6;
/// Coefficients that small, relative to the largest, are zero.
const ZERO: f64 = 1e-13;

impl Region {
    /// Of a method without free parameters that treats all its vector fields alike ([`joint`]); `None` for others.
    /// Where a method depends on `h` and `λ` apart, as `sam` does, the region is that of the step size `h`; `None`
    /// without one.
    ///
    /// ```
    /// use bea_flow::flow::stability::Region;
    /// use bea_series::series::GeneralLinearMethod;
    /// // Of gradient descent: a disc around 1.
    /// let region = Region::new(&GeneralLinearMethod::euler(), None).unwrap();
    /// let z = num_complex::Complex64::new(1.5, 0.5);
    /// assert!((region.radius(z) - (1.0 - z).norm()).abs() < 1e-15);
    /// ```
    pub fn new(method: &GeneralLinearMethod, h: Option<f64>) -> Option<Region> {
        let method = joint(method)?;
        let scaled = method.step_parameter.is_none();
        if method.parameters.len() != usize::from(!scaled) {
            return None;
        }
        let step = if scaled { None } else { Some(h?) };
        let exact = step.map_or(Some(BigRational::one()), BigRational::from_float)?;
        // With h as variable 0 where there is one, and the argument after it.
        let argument = method.parameters.len();
        let mut at: Vec<Option<RationalFunction>> = vec![Some(exact.clone().into()); argument];
        at.push(Some(&-&RationalFunction::variable(0) * &exact.recip().into()));
        let substituted = |row: &Vec<RationalFunction>| -> Option<Vec<RationalFunction>> {
            row.iter().map(|x| x.substitute(&at)).collect()
        };
        let map: Option<Matrix> = method.linear_step(argument)?.iter().map(substituted).collect();
        Some(Region { coefficients: numbers(&characteristic(&map?)), step })
    }

    /// The step size that the region is for, where it depends on one.
    pub fn step(&self) -> Option<f64> {
        self.step
    }

    /// The largest modulus of the `μ` at `z`: less than 1 inside the region, infinite at a pole.
    pub fn radius(&self, z: Complex64) -> f64 {
        let in_mu: Vec<Complex64> = self.coefficients.iter().map(|c| horner(c, z)).collect();
        let most = in_mu.iter().map(|c| c.norm()).fold(0.0, f64::max);
        match in_mu.last() {
            Some(lead) if lead.norm() > ZERO * most => {
                roots(&in_mu).iter().map(|mu| mu.norm()).fold(0.0, f64::max)
            }
            _ => f64::INFINITY,
        }
    }

    /// The boundary of the region, as pieces of curves `z(φ)` on which a multiplier is `e^{iφ}` and no other one is
    /// larger.
    pub fn boundary(&self) -> Vec<Path> {
        let locus = |phi: f64| {
            let mu = Complex64::cis(phi);
            let degree = self.coefficients.iter().map(Vec::len).max().unwrap_or(0);
            let coefficient = |l: usize| {
                let powers = self.coefficients.iter().map(|c| c.get(l).copied().unwrap_or(0.0));
                powers.rev().fold(Complex64::ZERO, |sum, c| sum * mu + c)
            };
            roots(&(0..degree).map(coefficient).collect::<Vec<_>>())
        };
        let is_boundary = |z: Complex64| self.radius(z) < 1.0 + ROUNDING;
        let mut pieces: Vec<Path> = Vec::new();
        for path in paths((0.0, TAU), SAMPLES, NEAR, locus) {
            for piece in path.chunk_by(|a, b| is_boundary(a.1) == is_boundary(b.1)) {
                if is_boundary(piece[0].1) {
                    pieces.push(piece.to_vec());
                }
            }
        }
        pieces
    }
}

/// The coefficients of a polynomial in `μ` and `z`, divided by the largest.
fn numbers(p: &Poly) -> Vec<Vec<f64>> {
    let scale = p.height();
    let number = |c: &Poly| {
        let value = c.as_constant().map(|c| BigRational::new(c, scale.clone()));
        value.and_then(|c| c.to_f64()).unwrap_or(f64::NAN)
    };
    p.coefficients_in(0).iter().map(|c| c.coefficients_in(1).iter().map(number).collect()).collect()
}

fn horner(p: &[f64], z: Complex64) -> Complex64 {
    p.iter().rev().fold(Complex64::ZERO, |sum, c| sum * z + c)
}

/// The roots of a polynomial, lowest coefficient first; none of a constant one.
fn roots(p: &[Complex64]) -> Vec<Complex64> {
    let most = p.iter().map(|c| c.norm()).fold(0.0, f64::max);
    let degree = p.iter().rposition(|c| c.norm() > ZERO * most).unwrap_or(0);
    let lead = p.get(degree).copied().unwrap_or(Complex64::ONE);
    match degree {
        0 => Vec::new(),
        1 => vec![-p[0] / lead],
        2 => {
            let (half, constant) = (p[1] / lead * -0.5, p[0] / lead);
            let root = (half * half - constant).sqrt();
            // The one without cancellation first.
            let first =
                if (half + root).norm() > (half - root).norm() { half + root } else { half - root };
            if first == Complex64::ZERO { vec![first; 2] } else { vec![first, constant / first] }
        }
        _ => {
            let companion = DMatrix::from_fn(degree, degree, |i, j| {
                if j + 1 == degree {
                    -p[i] / lead
                } else if i == j + 1 {
                    Complex64::ONE
                } else {
                    Complex64::ZERO
                }
            });
            let schur = companion.try_schur(f64::EPSILON, 10_000);
            schur.map_or_else(Vec::new, |s| s.unpack().1.diagonal().iter().copied().collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_those_that_were_multiplied() {
        let wanted: [Vec<Complex64>; 4] = [
            vec![Complex64::new(2.0, -1.0)],
            vec![Complex64::new(1e-9, 0.0), Complex64::new(3.0, 1.0)],
            vec![Complex64::ZERO, Complex64::I, Complex64::new(-2.0, 0.5)],
            vec![Complex64::ONE, -Complex64::ONE, Complex64::I, Complex64::new(0.3, 0.2)],
        ];
        for wanted in wanted {
            let mut p = vec![Complex64::new(0.0, 2.0)];
            for root in &wanted {
                let mut next = vec![Complex64::ZERO; p.len() + 1];
                for (k, c) in p.iter().enumerate() {
                    next[k] -= c * root;
                    next[k + 1] += c;
                }
                p = next;
            }
            let found = roots(&p);
            assert_eq!(found.len(), wanted.len());
            for root in &wanted {
                let near = found.iter().map(|z| (z - root).norm()).fold(f64::INFINITY, f64::min);
                assert!(near < 1e-14, "{root}: {found:?}");
            }
        }
    }
}
