//! Exact square roots of polynomials in several variables.

use crate::exact::{MAX_VARIABLES, Monomial, Poly, square_free};
use num_bigint::BigInt;
use num_traits::{One, Signed};

/// The square root of a polynomial that is the square of another; `None` if there is none. Of the
/// two roots it is the one whose term of lowest degree is positive.
///
/// ```
/// use bea_series::{exact::Poly, expression::square_root};
/// let difference = Poly::variable(0).sub(&Poly::variable(1));
/// assert_eq!(square_root(&difference.mul(&difference)), Some(difference));
/// assert_eq!(square_root(&Poly::constant(2)), None);
/// ```
pub fn square_root(p: &Poly) -> Option<Poly> {
    if p.is_zero() {
        return Some(Poly::zero());
    }
    if !may_be_square(p) {
        return None;
    }
    let (root, rest) = square_part(p);
    rest.is_one().then_some(root)
}

/// Whether the values of `p` at some integers are squares.
fn may_be_square(p: &Poly) -> bool {
    [3i64, 1009].iter().all(|first| {
        let value = (0..MAX_VARIABLES).fold(p.clone(), |p, variable| {
            p.evaluate(variable, &BigInt::from(first + 17 * variable as i64))
        });
        let value = value.as_constant().expect("no variable is left");
        !value.is_negative() && value.sqrt().pow(2) == value
    })
}

/// `p = s² r` with `r` free of squares: `s`, its term of lowest degree positive, and `r`.
pub(super) fn square_part(p: &Poly) -> (Poly, Poly) {
    let (mut number, mut root) = (p.content(), BigInt::one());
    // The squares among the divisors of the content, as far as small primes find them.
    for prime in (2..1000).map(BigInt::from) {
        let square = &prime * &prime;
        while (&number % &square) == BigInt::default() {
            number /= &square;
            root *= &prime;
        }
    }
    let rest = number.sqrt();
    if &rest * &rest == number {
        root *= rest;
    }
    let mut monomial = Monomial::default();
    for (half, e) in monomial.0.iter_mut().zip(p.monomial_content().0) {
        *half = e / 2;
    }
    let primitive =
        p.div_exact(&Poly::term(p.monomial_content(), p.content())).expect("the content divides");
    let mut s = Poly::term(monomial, root);
    for (factor, multiplicity) in square_free(&primitive) {
        s = s.mul(&factor.pow(multiplicity / 2));
    }
    if lowest(&s).is_negative() {
        s = s.neg();
    }
    let r = p.div_exact(&s.mul(&s)).expect("a square that divides");
    (s, r)
}

/// The coefficient of the first term of lowest degree; 0 of the zero polynomial.
pub(super) fn lowest(p: &Poly) -> BigInt {
    let key = |(m, _): &&(Monomial, BigInt)| (m.degree(), std::cmp::Reverse(*m));
    p.terms().iter().min_by_key(key).map(|(_, c)| c.clone()).unwrap_or_default()
}
