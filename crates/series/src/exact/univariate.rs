//! Polynomials in one variable with coefficients of 128 bits: greatest common divisors and
//! square-free parts where no intermediate result is longer. Coefficients stand in an array, lowest
//! power first, the last one not 0.

use super::modular::{PRIME, common_image, inverse, residue, times};
use super::poly::{MAX_VARIABLES, Monomial, Poly};
use num_integer::Integer;
use num_traits::ToPrimitive;

/// Coefficients, lowest power first.
type Coefficients = Vec<i128>;

/// The variable of a polynomial that has exactly one, and its coefficients if they fit.
fn read(p: &Poly) -> Option<(usize, Coefficients)> {
    let (lead, _) = p.terms().first()?;
    let x = (0..MAX_VARIABLES).find(|&x| lead.0[x] > 0)?;
    let mut coefficients = vec![0; usize::from(lead.0[x]) + 1];
    for (m, c) in p.terms() {
        if m.degree() != u32::from(m.0[x]) {
            return None;
        }
        coefficients[usize::from(m.0[x])] = c.to_i128()?;
    }
    Some((x, coefficients))
}

fn write(coefficients: &[i128], x: usize) -> Poly {
    let terms = coefficients.iter().enumerate().rev().filter(|(_, c)| **c != 0);
    Poly::from_sorted(
        terms
            .map(|(k, c)| {
                let mut power = Monomial::default();
                power.0[x] = k as u16;
                (power, (*c).into())
            })
            .collect(),
    )
}

/// The greatest common divisor, with positive leading coefficient, of two polynomials in the same
/// variable and without integer content; `None` where it is not found.
pub(super) fn gcd(a: &Poly, b: &Poly) -> Option<Poly> {
    let ((x, a), (y, b)) = (read(a)?, read(b)?);
    if x != y {
        return None;
    }
    Some(write(&primitive_gcd(&a, &b)?, x))
}

/// The square-free decomposition, see [`super::square_free`], of a polynomial in one variable
/// without integer content; `None` where it is not found.
pub(super) fn square_free(p: &Poly) -> Option<Vec<(Poly, u32)>> {
    let (x, u) = read(p)?;
    let u_prime = derivative(&u)?;
    let repeated = primitive_gcd(&u, &u_prime)?;
    if repeated.len() == 1 {
        return Some(vec![(write(&positive(u)?, x), 1)]);
    }
    let mut c = quotient(&u, &repeated)?;
    let mut d = difference(&quotient(&u_prime, &repeated)?, &derivative(&c)?)?;
    let mut factors = Vec::new();
    let mut power = 1;
    while c.len() > 1 {
        let f = primitive_gcd(&c, &d)?;
        if f.len() > 1 {
            factors.push((write(&f, x), power));
            c = quotient(&c, &f)?;
            d = quotient(&d, &f)?;
        }
        d = difference(&d, &derivative(&c)?)?;
        power += 1;
    }
    Some(factors)
}

/// The primitive part of the greatest common divisor of `a ≠ 0` and `b`.
///
/// With `l` the greatest common divisor of the leading coefficients, the divisor `g` that is sought
/// has a multiple with leading coefficient `l`, and if `l` does not vanish modulo a prime, `g` keeps
/// its degree there. So the common divisor of the images is no shorter than `g`, and if what it is
/// the image of divides `a` and `b`, that is `g`.
///
/// Source: Brown, *On Euclid's algorithm and the computation of polynomial greatest common
/// divisors*, J. ACM 18 (1971).
fn primitive_gcd(a: &[i128], b: &[i128]) -> Option<Coefficients> {
    let Some(lead) = b.last() else { return primitive(a.to_vec()) };
    if a.len() == 1 || b.len() == 1 {
        return Some(vec![1]);
    }
    let lead = i128::try_from(lead.unsigned_abs().gcd(&a[a.len() - 1].unsigned_abs())).ok()?;
    let images = [a, b].map(|p| p.iter().map(|&c| residue(c)).collect::<Vec<u64>>());
    if images.iter().any(|image| image.last() == Some(&0)) {
        return None;
    }
    let [u, v] = images;
    let common = common_image(u, v);
    let [.., last] = common[..] else { return None };
    if common.len() == 1 {
        return Some(vec![1]);
    }
    let scale = times(residue(lead), inverse(last));
    let lifted = common.iter().map(|&c| {
        let c = times(c, scale);
        if c > PRIME / 2 { -i128::from(PRIME - c) } else { c.into() }
    });
    let candidate = primitive(lifted.collect())?;
    let divides = |p: &[i128]| quotient(p, &candidate).is_some();
    (divides(a) && divides(b)).then_some(candidate)
}

/// `a / b` if the division leaves no remainder and no number is too long.
fn quotient(a: &[i128], b: &[i128]) -> Option<Coefficients> {
    let (lead, rest) = b.split_last()?;
    let mut remainder = a.to_vec();
    let mut quotient = vec![0; (a.len() + 1).saturating_sub(b.len())];
    for q in quotient.iter_mut().rev() {
        let top = remainder.pop()?;
        if top == 0 {
            continue;
        }
        *q = divide(top, *lead)?;
        let start = remainder.len() - rest.len();
        for (r, d) in remainder[start..].iter_mut().zip(rest) {
            *r = r.checked_sub(q.checked_mul(*d)?)?;
        }
    }
    remainder.iter().all(|r| *r == 0).then_some(quotient)
}

/// `a / b` if it is an integer.
fn divide(a: i128, b: i128) -> Option<i128> {
    let (q, r) = match (i64::try_from(a), i64::try_from(b)) {
        (_, Ok(1)) => return Some(a),
        (Ok(a), Ok(b)) => (a.checked_div(b)?.into(), a.checked_rem(b)?.into()),
        _ => (a.checked_div(b)?, a.checked_rem(b)?),
    };
    (r == 0).then_some(q)
}

/// Divided by its content, with positive leading coefficient.
fn primitive(p: Coefficients) -> Option<Coefficients> {
    let mut content = 0;
    for c in p.iter().rev() {
        content = content.gcd(&c.unsigned_abs());
        if content == 1 {
            return positive(p);
        }
    }
    let content = i128::try_from(content).ok()?;
    positive(p.into_iter().map(|c| c / content).collect())
}

fn positive(p: Coefficients) -> Option<Coefficients> {
    if p.last().is_some_and(|lead| *lead < 0) {
        return p.iter().map(|c| c.checked_neg()).collect();
    }
    Some(p)
}

fn derivative(p: &[i128]) -> Option<Coefficients> {
    (1..p.len()).map(|k| p[k].checked_mul(k as i128)).collect()
}

fn difference(a: &[i128], b: &[i128]) -> Option<Coefficients> {
    let at = |p: &[i128], k: usize| p.get(k).copied().unwrap_or(0);
    let mut difference = (0..a.len().max(b.len()))
        .map(|k| at(a, k).checked_sub(at(b, k)))
        .collect::<Option<Coefficients>>()?;
    while difference.last() == Some(&0) {
        difference.pop();
    }
    Some(difference)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poly(coefficients: &[i128]) -> Poly {
        write(coefficients, 2)
    }

    #[test]
    fn common_divisors_are_found_and_proved() {
        let (a, b, c) = (poly(&[1, 2, 3]), poly(&[-4, 0, 0, 1]), poly(&[5, -7, 2]));
        assert_eq!(gcd(&a.mul(&c), &b.mul(&c)), Some(c.clone()));
        assert_eq!(gcd(&a.mul(&c).neg(), &c), Some(c.clone()));
        assert_eq!(gcd(&a, &b), Some(Poly::one()));
        assert_eq!(gcd(&a, &Poly::variable(1)), None);
        // The images have a common root, the polynomials do not.
        let (u, v) = (poly(&[1, 1]), poly(&[i128::from(PRIME) + 1, 1]));
        assert_eq!(gcd(&u, &v), None);
        assert_eq!(crate::exact::gcd(&u, &v), Poly::one());
        // A leading coefficient that vanishes, and one that is too long.
        assert_eq!(gcd(&u, &poly(&[1, PRIME.into()])), None);
        let long = poly(&[1, 1 << 100]).mul(&poly(&[1, 1 << 100]));
        assert_eq!(gcd(&long, &poly(&[1, 1 << 100])), None);
        assert_eq!(crate::exact::gcd(&long, &poly(&[1, 1 << 100])), poly(&[1, 1 << 100]));
    }

    #[test]
    fn square_free_parts_come_in_order_of_their_powers() {
        let (a, b, c) = (poly(&[1, -1]), poly(&[1, 0, 1]), poly(&[3, 5]));
        let p = a.pow(25).mul(&b.pow(2)).mul(&c.pow(2));
        let expected = vec![(b.mul(&c), 2), (a.neg(), 25)];
        assert_eq!(square_free(&p), Some(expected.clone()));
        assert_eq!(square_free(&p.neg()), Some(expected));
        assert_eq!(square_free(&b), Some(vec![(b.clone(), 1)]));
        assert_eq!(square_free(&poly(&[0, 1, 1])), Some(vec![(poly(&[0, 1, 1]), 1)]));
        assert_eq!(square_free(&Poly::one()), None);
    }

    #[test]
    fn residues_of_negative_and_long_numbers() {
        let p = i128::from(PRIME);
        for c in [0, 1, -1, p, -p, p + 5, -p - 5, i128::MAX, i128::MIN] {
            assert_eq!(i128::from(residue(c)), c.rem_euclid(p), "{c}");
        }
        for a in [1, 2, 12_345_678_901_234, PRIME - 1] {
            assert_eq!(times(a, inverse(a)), 1);
        }
    }
}
