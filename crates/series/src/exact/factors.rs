//! A polynomial in factors, as it is written.

use super::{Monomial, Poly, square_free};
use num_bigint::BigInt;
use num_traits::Signed;

/// A polynomial other than 0 as `± content · monomial · Π f^k`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Factors {
    /// Whether a minus sign stands before the product.
    pub negative: bool,
    /// The greatest common divisor of the coefficients, `≥ 1`.
    pub content: BigInt,
    /// The largest monomial that divides every term.
    pub monomial: Monomial,
    /// The factors `f` that are sums, square-free and pairwise coprime, with their powers `k`. The
    /// first term of lowest degree of each is positive.
    pub sums: Vec<(Poly, u32)>,
}

impl Poly {
    /// The factors of a polynomial other than 0, by its square-free decomposition.
    ///
    /// ```
    /// use bea_series::exact::Poly;
    /// let (one, m) = (Poly::one(), Poly::variable(0));
    /// let p = m.sub(&one).pow(3).mul(&m).scale(&4.into());
    /// let factors = p.factors();
    /// assert!(factors.negative);
    /// assert_eq!((factors.content, factors.monomial.degree()), (4.into(), 1));
    /// assert_eq!(factors.sums, [(one.sub(&m), 3)]);
    /// ```
    pub fn factors(&self) -> Factors {
        let (content, monomial) = (self.content(), self.monomial_content());
        let rest = self.over_term(&monomial, &content).expect("content divides every term");
        let mut negative = rest.is_leading_negative();
        let mut sums = square_free(&rest);
        for (f, k) in &mut sums {
            if f.is_lowest_negative() {
                *f = f.neg();
            }
            // The product of the leading terms is the leading term of the product.
            negative ^= f.is_leading_negative() && *k % 2 == 1;
        }
        Factors { negative, content, monomial, sums }
    }

    /// Whether the coefficient of the leading term is negative.
    pub(super) fn is_leading_negative(&self) -> bool {
        self.terms().first().is_some_and(|(_, c)| c.is_negative())
    }

    /// Whether the coefficient of the first term of lowest degree is negative.
    fn is_lowest_negative(&self) -> bool {
        let key = |(m, _): &&(Monomial, BigInt)| (m.degree(), std::cmp::Reverse(*m));
        self.terms().iter().min_by_key(key).is_some_and(|(_, c)| c.is_negative())
    }
}
