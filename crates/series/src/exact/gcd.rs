//! Greatest common divisors of multivariate polynomials: by their images modulo a prime where there
//! is one variable, by evaluation at integers, and by the primitive remainder sequence where the
//! integers would be too long.
//!
//! Source of the last: Knuth, *The Art of Computer Programming*, vol. 2, section 4.6.1, algorithm E, applied
//! to one variable after another.

use super::modular::coprime;
use super::univariate;
use super::{Poly, effort};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::One;

/// The greatest common divisor over the integers, with positive leading coefficient;
/// `gcd(0, b) = |b|`.
pub fn gcd(a: &Poly, b: &Poly) -> Poly {
    if a.is_zero() {
        return positive(b);
    }
    if b.is_zero() {
        return positive(a);
    }
    if a.is_one() || b.is_one() {
        return Poly::one();
    }
    let integer = a.content().gcd(&b.content());
    if a.is_constant() || b.is_constant() {
        return Poly::constant(integer);
    }
    let (ma, mb) = (a.monomial_content(), b.monomial_content());
    let mut shared = super::Monomial::default();
    for (s, (x, y)) in shared.0.iter_mut().zip(ma.0.iter().zip(&mb.0)) {
        *s = *x.min(y);
    }
    let part = Poly::term(shared, integer);
    let strip = |p: &Poly, m| p.over_term(&m, &p.content()).expect("content divides every term");
    let (a, b) = (strip(a, ma), strip(b, mb));
    part.mul(&primitive_gcd(&a, &b))
}

/// Both arguments without integer or monomial content.
fn primitive_gcd(a: &Poly, b: &Poly) -> Poly {
    if a.is_constant() || b.is_constant() {
        return Poly::one();
    }
    effort::spend_if_counted(|| {
        // Images modulo a prime for each variable, and Euclid's algorithm on them.
        let degree = |p: &Poly| p.terms().first().map_or(0, |(m, _)| u64::from(m.degree()));
        30 * (a.weight() + b.weight()) + degree(a) * degree(b)
    });
    if let Some(common) = univariate::gcd(a, b) {
        return common;
    }
    if coprime(a, b) {
        return Poly::one();
    }
    heuristic_gcd(a, b).unwrap_or_else(|| remainder_sequence_gcd(a, b))
}

/// The greatest common divisor by evaluation at large integers: the gcd of the values, written in
/// the base of the evaluation point, is a candidate, and division proves it. `None` where the
/// values would be too long or no candidate divides.
///
/// Source: Char, Geddes, Gonnet, "GCDHEU: heuristic polynomial GCD algorithm based on integer GCD
/// computation", J. Symbolic Computation 7 (1989).
fn heuristic_gcd(a: &Poly, b: &Poly) -> Option<Poly> {
    const LONGEST_VALUE: u64 = 1 << 16;
    let (Some(u), Some(v)) = (a.as_constant(), b.as_constant()) else {
        let x = (0..super::MAX_VARIABLES).find(|&i| a.degree_in(i) > 0 || b.degree_in(i) > 0)?;
        let degree = u64::from(a.degree_in(x).max(b.degree_in(x)));
        let mut point: BigInt = a.height().min(b.height()) * 2 + 29;
        for _ in 0..4 {
            let height = a.height().max(b.height()).bits();
            if point.bits() * degree + height > LONGEST_VALUE {
                return None;
            }
            effort::spend_if_counted(|| {
                let terms = (a.terms().len() + b.terms().len()) as u64;
                terms.saturating_mul(20 + point.bits() * degree / 64)
            });
            let value = heuristic_gcd(&a.evaluate(x, &point), &b.evaluate(x, &point))?;
            let candidate = from_digits(value, x, &point);
            let content = Poly::constant(candidate.content());
            let candidate = candidate.div_exact(&content).expect("content divides");
            if a.div_exact(&candidate).is_some() && b.div_exact(&candidate).is_some() {
                let shared = Poly::constant(a.content().gcd(&b.content()));
                return Some(positive(&candidate.mul(&shared)));
            }
            point = point * 73_794 / 27_011;
        }
        return None;
    };
    Some(Poly::constant(u.gcd(&v)))
}

/// `value` written in powers of `point` with digits in `(-point/2, point/2]`, the powers replaced
/// by those of variable `x`.
fn from_digits(mut value: Poly, x: usize, point: &BigInt) -> Poly {
    let half = point / 2;
    let mut result = Poly::zero();
    let mut power = super::Monomial::default();
    while !value.is_zero() {
        let digit = Poly::from_terms(value.terms().iter().map(|(m, c)| {
            let d = c.mod_floor(point);
            (*m, if d > half { d - point } else { d })
        }));
        value = value.sub(&digit).div_exact(&Poly::constant(point.clone())).expect("a digit");
        result = result.add(&digit.times_term(&power, &BigInt::one()));
        power.0[x] += 1;
    }
    result
}

/// The greatest common divisor by the primitive remainder sequence in a variable that both have.
fn remainder_sequence_gcd(a: &Poly, b: &Poly) -> Poly {
    let shared = (0..super::MAX_VARIABLES).find(|&i| a.degree_in(i) > 0 && b.degree_in(i) > 0);
    let Some(x) = shared else { return Poly::one() };
    let (mut u, content_a) = primitive_part(a, x);
    let (mut v, content_b) = primitive_part(b, x);
    let content = gcd(&content_a, &content_b);
    if u.degree_in(x) < v.degree_in(x) {
        std::mem::swap(&mut u, &mut v);
    }
    loop {
        if v.is_zero() {
            return positive(&content.mul(&u));
        }
        if v.degree_in(x) == 0 {
            return positive(&content);
        }
        let r = pseudo_remainder(&u, &v, x);
        u = v;
        v = if r.is_zero() { r } else { primitive_part(&r, x).0 };
    }
}

/// `p` divided by its content with respect to variable `x`, and that content.
fn primitive_part(p: &Poly, x: usize) -> (Poly, Poly) {
    let mut content = Poly::zero();
    for c in p.coefficients_in(x).iter().filter(|c| !c.is_zero()) {
        content = gcd(&content, c);
        if content.is_one() {
            return (p.clone(), content);
        }
    }
    (p.div_exact(&content).expect("content divides the polynomial"), content)
}

fn pseudo_remainder(u: &Poly, v: &Poly, x: usize) -> Poly {
    let n = v.degree_in(x);
    let lead = v.coefficients_in(x).pop().expect("v is not zero");
    let mut r = u.clone();
    while !r.is_zero() && r.degree_in(x) >= n {
        let m = r.degree_in(x);
        let lead_r = r.coefficients_in(x).pop().expect("r is not zero");
        let mut shift = super::Monomial::default();
        shift.0[x] = m - n;
        r = r.mul(&lead).sub(&v.mul(&lead_r).times_term(&shift, &BigInt::one()));
    }
    r
}

fn positive(p: &Poly) -> Poly {
    if p.is_leading_negative() { p.neg() } else { p.clone() }
}

/// The square-free decomposition `p = Π f_i^{k_i}` of a polynomial without integer or monomial
/// content, up to sign: pairwise coprime, each `f_i` without repeated factors (Yun's algorithm in
/// the first variable that occurs; factors free of it are found in turn).
pub fn square_free(p: &Poly) -> Vec<(Poly, u32)> {
    if let Some(factors) = univariate::square_free(p) {
        return factors;
    }
    let Some(x) = p.variables().next() else { return vec![] };
    let (u, content) = primitive_part(p, x);
    let mut factors = square_free(&content);
    let derivative = u.derivative(x);
    let repeated = gcd(&u, &derivative);
    let exact = |a: &Poly, b: &Poly| a.div_exact(b).expect("a divisor by construction");
    let mut c = exact(&u, &repeated);
    let mut d = exact(&derivative, &repeated).sub(&c.derivative(x));
    let mut power = 1;
    while c.degree_in(x) > 0 {
        let f = gcd(&c, &d);
        if f.degree_in(x) > 0 {
            factors.push((f.clone(), power));
        }
        c = exact(&c, &f);
        d = exact(&d, &f).sub(&c.derivative(x));
        power += 1;
    }
    factors
}
