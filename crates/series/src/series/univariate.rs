//! Polynomials in one variable over a ring, every coefficient in its place.

use super::ring::Ring;
use crate::exact::{Monomial, Poly, effort};

/// `Σ_k c_k p_X^k`, lowest power first; the last coefficient is not 0. Several parameters nest: the
/// coefficients are then polynomials in the next one.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Univariate<const X: usize, R>(Vec<R>);

impl<const X: usize, R: Ring> Univariate<X, R> {
    fn trim(&mut self) {
        while self.0.last().is_some_and(R::is_zero) {
            self.0.pop();
        }
    }

    /// Zeros up to the place `length - 1`, where there is nothing yet.
    fn grow(&mut self, length: usize) {
        if self.0.len() < length {
            self.0.resize_with(length, R::zero);
        }
    }
}

impl<const X: usize, R: Ring> Ring for Univariate<X, R> {
    type Wide = Univariate<X, R::Wide>;

    fn widen(&self) -> Self::Wide {
        Univariate(self.0.iter().map(R::widen).collect())
    }

    fn zero() -> Self {
        Univariate(Vec::new())
    }

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    fn from_poly(value: &Poly) -> Option<Self> {
        let coefficients = value.coefficients_in(X);
        let mut result =
            Univariate(coefficients.iter().map(R::from_poly).collect::<Option<Vec<R>>>()?);
        result.trim();
        Some(result)
    }

    fn to_poly(&self) -> Poly {
        let term = |(k, c): (usize, &R)| {
            let mut power = Monomial::default();
            power.0[X] = u16::try_from(k).expect("exponent above 65535");
            c.to_poly().times_monomial(&power)
        };
        Poly::concatenation(self.0.iter().enumerate().rev().map(term))
    }

    fn add(&self, other: &Self) -> Option<Self> {
        let (short, long) =
            if self.0.len() < other.0.len() { (self, other) } else { (other, self) };
        let mut sum = long.clone();
        sum.add_assign(short)?;
        Some(sum)
    }

    fn sub(&self, other: &Self) -> Option<Self> {
        let mut difference = self.clone();
        difference.sub_assign(other)?;
        Some(difference)
    }

    fn mul(&self, other: &Self) -> Option<Self> {
        let mut product = Self::zero();
        product.add_product(self, other)?;
        Some(product)
    }

    fn add_assign(&mut self, other: &Self) -> Option<()> {
        self.grow(other.0.len());
        for (sum, c) in self.0.iter_mut().zip(&other.0) {
            sum.add_assign(c)?;
        }
        self.trim();
        Some(())
    }

    fn sub_assign(&mut self, other: &Self) -> Option<()> {
        self.grow(other.0.len());
        for (difference, c) in self.0.iter_mut().zip(&other.0) {
            difference.sub_assign(c)?;
        }
        self.trim();
        Some(())
    }

    fn add_product(&mut self, a: &Self, b: &Self) -> Option<()> {
        effort::spend_if_counted(|| a.0.len() as u64 * b.0.len() as u64 / 4);
        if a.is_zero() || b.is_zero() {
            return Some(());
        }
        self.grow(a.0.len() + b.0.len() - 1);
        for (i, x) in a.0.iter().enumerate().filter(|(_, x)| !x.is_zero()) {
            for (sum, y) in self.0[i..].iter_mut().zip(&b.0) {
                sum.add_product(x, y)?;
            }
        }
        self.trim();
        Some(())
    }

    fn div_exact(&self, divisor: &Self) -> Option<Self> {
        let (lead, rest) = divisor.0.split_last().expect("the divisor is not 0");
        let mut remainder = self.0.clone();
        let mut quotient = Vec::with_capacity(remainder.len().saturating_sub(rest.len()));
        while remainder.len() > rest.len() {
            let top = remainder.pop().expect("longer than the divisor");
            let q = if top.is_zero() { top } else { top.div_exact(lead)? };
            let start = remainder.len() - rest.len();
            for (r, d) in remainder[start..].iter_mut().zip(rest) {
                *r = r.sub(&q.mul(d)?)?;
            }
            quotient.push(q);
        }
        assert!(remainder.iter().all(R::is_zero), "the scale of the weights is too small");
        quotient.reverse();
        Some(Univariate(quotient))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Narrow = Univariate<0, Univariate<1, i64>>;

    /// `Σ c m^i n^j` of `(c, i, j)`.
    fn poly(terms: &[(i64, u32, u32)]) -> Poly {
        let [m, n] = [0, 1].map(Poly::variable);
        terms.iter().fold(Poly::zero(), |sum, &(c, i, j)| {
            sum.add(&m.pow(i).mul(&n.pow(j)).scale(&c.into()))
        })
    }

    fn narrow(p: &Poly) -> Narrow {
        Narrow::from_poly(p).unwrap()
    }

    #[test]
    fn operations_are_those_of_polynomials() {
        let samples = [
            poly(&[]),
            poly(&[(-1, 0, 0)]),
            poly(&[(1, 1, 0), (-1, 0, 0)]),
            poly(&[(1, 1, 0), (1, 0, 1)]),
            poly(&[(3, 2, 1), (-5, 0, 3), (7, 0, 0)]),
            poly(&[(3, 2, 1), (4, 1, 1)]),
        ];
        for p in &samples {
            assert_eq!(narrow(p).to_poly(), *p);
            assert_eq!(narrow(p).is_zero(), p.is_zero());
            for q in &samples {
                let (a, b) = (narrow(p), narrow(q));
                assert_eq!(a.add(&b).unwrap().to_poly(), p.add(q));
                assert_eq!(a.sub(&b).unwrap().to_poly(), p.sub(q));
                let product = a.mul(&b).unwrap();
                assert_eq!(product.to_poly(), p.mul(q));
                assert_eq!(product.widen().to_poly(), p.mul(q));
                if !q.is_zero() {
                    assert_eq!(product.div_exact(&b), Some(a.clone()));
                }
                let mut sum = a.clone();
                sum.add_product(&a, &b).unwrap();
                assert_eq!(sum.to_poly(), p.add(&p.mul(q)));
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_none() {
        let large = narrow(&poly(&[(i64::MAX, 1, 1), (1, 0, 0)]));
        let lowest = narrow(&poly(&[(i64::MIN, 1, 0)]));
        let two = narrow(&poly(&[(2, 0, 0)]));
        assert_eq!(large.add(&large), None);
        assert_eq!(lowest.sub(&two.mul(&narrow(&poly(&[(1, 1, 0)]))).unwrap()), None);
        assert_eq!(large.mul(&two), None);
        assert_eq!(lowest.div_exact(&narrow(&poly(&[(-1, 0, 0)]))), None);
        assert!(large.widen().mul(&two.widen()).is_some());
        assert!(Narrow::from_poly(&poly(&[(1, 0, 0)]).scale(&(1_u128 << 70).into())).is_none());
        assert!(Univariate::<0, i64>::from_poly(&Poly::variable(1)).is_none());
    }

    #[test]
    #[should_panic(expected = "too small")]
    fn a_remainder_is_never_dropped() {
        let m = narrow(&Poly::variable(0));
        let _ = m.div_exact(&narrow(&poly(&[(1, 1, 0), (1, 0, 0)])));
    }
}
