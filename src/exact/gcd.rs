//! Greatest common divisors of multivariate polynomials, by the primitive remainder sequence.
//!
//! Source: Knuth, *The Art of Computer Programming*, vol. 2, section 4.6.1, algorithm E, applied
//! to one variable after another.

use super::Poly;
use num_integer::Integer;
use num_traits::{One, Signed};

/// The greatest common divisor over the integers, with positive leading coefficient;
/// `gcd(0, b) = |b|`.
pub fn gcd(a: &Poly, b: &Poly) -> Poly {
    if a.is_zero() {
        return positive(b);
    }
    if b.is_zero() {
        return positive(a);
    }
    let integer = a.content().gcd(&b.content());
    let (ma, mb) = (a.monomial_content(), b.monomial_content());
    let mut shared = super::Monomial::default();
    for (s, (x, y)) in shared.0.iter_mut().zip(ma.0.iter().zip(&mb.0)) {
        *s = *x.min(y);
    }
    let part = Poly::term(shared, integer);
    let strip =
        |p: &Poly, m| p.div_exact(&Poly::term(m, p.content())).expect("content divides every term");
    let (a, b) = (strip(a, ma), strip(b, mb));
    part.mul(&primitive_gcd(&a, &b))
}

/// Both arguments without integer or monomial content.
fn primitive_gcd(a: &Poly, b: &Poly) -> Poly {
    if a.as_constant().is_some() || b.as_constant().is_some() {
        return Poly::one();
    }
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
        r = r.mul(&lead).sub(&v.mul(&lead_r).times_term(&shift, &num_bigint::BigInt::one()));
    }
    r
}

fn positive(p: &Poly) -> Poly {
    if p.leading_coefficient().is_negative() { p.neg() } else { p.clone() }
}

/// The square-free decomposition `p = Π f_i^{k_i}` of a polynomial without integer or monomial
/// content, up to sign: pairwise coprime, each `f_i` without repeated factors (Yun's algorithm in
/// the first variable that occurs; factors free of it are found in turn).
pub fn square_free(p: &Poly) -> Vec<(Poly, u32)> {
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
