//! The positive real roots of polynomials in one variable, exactly isolated.
//!
//! Source: Collins and Akritas, *Polynomial real root isolation using Descartes' rule of signs*
//! (1976): the interval is halved until the sign variations of `(1+x)^n p(1/(1+x))`, which bound the
//! number of roots in `(0, 1)` from above with the right parity, are 0 or 1.

use super::{Poly, square_free};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

/// An interval around a root is halved until it is shorter than `2^-BITS` of the root.
const BITS: usize = 60;

/// A positive real root: a rational, or the only root strictly between two rationals.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RealRoot {
    low: BigRational,
    high: BigRational,
}

impl RealRoot {
    /// The middle of the bounds as a double: the root with a relative error of about `2^-53`.
    pub fn to_f64(&self) -> f64 {
        let middle = (&self.low + &self.high) / BigRational::from_integer(2.into());
        middle.to_f64().unwrap_or(f64::NAN)
    }

    /// The root, if it is a rational whose numerator and denominator are not much longer than a
    /// machine word.
    pub fn exact(&self) -> Option<&BigRational> {
        (self.low == self.high).then_some(&self.low)
    }

    /// Rationals below and above the root; both are the root itself if that is [`exact`](Self::exact).
    pub fn bounds(&self) -> (&BigRational, &BigRational) {
        (&self.low, &self.high)
    }

    /// Whether it is also a root of `p`, a polynomial in variable `variable` alone without repeated
    /// roots that has no other root within the bounds: a divisor of the polynomial that was solved.
    pub fn is_root_of(&self, p: &Poly, variable: usize) -> bool {
        let at = |x| value(&coefficients(p, variable), x);
        match self.exact() {
            Some(root) => at(root).is_zero(),
            None => at(&self.low).is_positive() != at(&self.high).is_positive(),
        }
    }
}

/// The product of the different irreducible factors of `p ≠ 0`, integers and powers of variables
/// left out.
pub fn square_free_part(p: &Poly) -> Poly {
    let content = Poly::term(p.monomial_content(), p.content());
    let rest = p.div_exact(&content).expect("content divides every term");
    square_free(&rest).iter().fold(Poly::one(), |product, (factor, _)| product.mul(factor))
}

/// The roots `x > 0` of `p ≠ 0`, a polynomial in variable `variable` alone, in ascending order.
///
/// ```
/// use bea_series::exact::{Poly, positive_roots};
/// let x = Poly::variable(0);
/// // (x² - 2)(2x - 3)
/// let p = x.mul(&x).sub(&Poly::constant(2)).mul(&x.scale(&2.into()).sub(&Poly::constant(3)));
/// let roots = positive_roots(&p, 0);
/// assert_eq!(roots[0].to_f64(), 2f64.sqrt());
/// assert_eq!(roots[1].exact().unwrap().to_string(), "3/2");
/// ```
pub fn positive_roots(p: &Poly, variable: usize) -> Vec<RealRoot> {
    let whole = coefficients(&square_free_part(p), variable);
    let degree = whole.len() - 1;
    if degree == 0 {
        return Vec::new();
    }
    // Cauchy's bound: |x| ≤ 1 + max |a_k/a_n| < 2^bits.
    let longest = whole.iter().map(BigInt::bits).max().unwrap_or(0);
    let bits = (longest + 2).saturating_sub(whole[degree].bits()) + 1;
    let scaled = whole.iter().enumerate().map(|(k, c)| c << (bits as usize * k)).collect();
    let everything = Cell {
        polynomial: scaled,
        low: BigRational::zero(),
        width: BigRational::from_integer(BigInt::one() << bits),
    };
    let (mut roots, mut open) = (Vec::new(), vec![everything]);
    while let Some(cell) = open.pop() {
        match cell.variations() {
            0 => {}
            1 => roots.push(narrow(cell, &whole)),
            _ => {
                let (left, middle, right) = cell.halves();
                roots.extend(middle);
                open.extend([left, right]);
            }
        }
    }
    roots.sort_by(|a, b| a.low.cmp(&b.low));
    roots
}

/// The rational with the smallest denominator in the closed interval; of several the smallest in
/// size.
///
/// Source: Graham, Knuth, Patashnik, *Concrete Mathematics*, section 4.5 (the Stern-Brocot tree).
pub fn simplest_between(low: &BigRational, high: &BigRational) -> BigRational {
    if low.is_positive() {
        let floor = low.floor();
        if floor == *low {
            return floor;
        }
        let next = &floor + BigRational::one();
        if next <= *high {
            return next;
        }
        let inner = simplest_between(&(high - &floor).recip(), &(low - &floor).recip());
        floor + inner.recip()
    } else if high.is_negative() {
        -simplest_between(&-high, &-low)
    } else {
        BigRational::zero()
    }
}

/// The coefficients of a polynomial in one variable, lowest power first.
fn coefficients(p: &Poly, variable: usize) -> Vec<BigInt> {
    let parts = p.coefficients_in(variable);
    parts.iter().map(|c| c.as_constant().expect("a polynomial in one variable")).collect()
}

fn value(p: &[BigInt], x: &BigRational) -> BigRational {
    let step = |sum: BigRational, c: &BigInt| sum * x + BigRational::from_integer(c.clone());
    p.iter().rev().fold(BigRational::zero(), step)
}

/// A polynomial whose argument runs through `(0, 1)` where that of the original runs through
/// `(low, low + width)`.
struct Cell {
    polynomial: Vec<BigInt>,
    low: BigRational,
    width: BigRational,
}

impl Cell {
    /// The sign variations of `(1+x)^n p(1/(1+x))`.
    fn variations(&self) -> usize {
        let mut moebius = self.polynomial.clone();
        moebius.reverse();
        shift(&mut moebius);
        let signs: Vec<bool> =
            moebius.iter().filter(|c| !c.is_zero()).map(Signed::is_positive).collect();
        signs.windows(2).filter(|w| w[0] != w[1]).count()
    }

    fn high(&self) -> BigRational {
        &self.low + &self.width
    }

    /// Both halves, and the middle if that is a root.
    fn halves(self) -> (Cell, Option<RealRoot>, Cell) {
        let degree = self.polynomial.len() - 1;
        let left: Vec<BigInt> =
            self.polynomial.iter().enumerate().map(|(k, c)| c << (degree - k)).collect();
        let mut right = left.clone();
        shift(&mut right);
        let width = self.width / BigRational::from_integer(2.into());
        let middle = &self.low + &width;
        let root =
            right[0].is_zero().then(|| RealRoot { low: middle.clone(), high: middle.clone() });
        let left = Cell { polynomial: left, low: self.low, width: width.clone() };
        (left, root, Cell { polynomial: right, low: middle, width })
    }
}

/// `p(x + 1)`.
fn shift(p: &mut [BigInt]) {
    for i in 0..p.len() {
        for k in (i..p.len() - 1).rev() {
            let above = p[k + 1].clone();
            p[k] += above;
        }
    }
}

/// The one root in a cell, away from its ends.
fn narrow(mut cell: Cell, whole: &[BigInt]) -> RealRoot {
    let ends = (cell.low.clone(), cell.high());
    loop {
        let small = &cell.width * BigRational::from_integer(BigInt::one() << BITS) < cell.low;
        if small && cell.low > ends.0 && cell.high() < ends.1 {
            break;
        }
        let (left, middle, right) = cell.halves();
        if let Some(root) = middle {
            return root;
        }
        cell = if left.variations() == 1 { left } else { right };
    }
    let (low, high) = (cell.low.clone(), cell.high());
    let simplest = simplest_between(&low, &high);
    if value(whole, &simplest).is_zero() {
        return RealRoot { low: simplest.clone(), high: simplest };
    }
    RealRoot { low, high }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn x() -> Poly {
        Poly::variable(0)
    }

    #[test]
    fn no_one_and_close_roots() {
        let square = |c: i64| x().mul(&x()).add(&Poly::constant(c));
        assert!(positive_roots(&square(1), 0).is_empty());
        assert!(positive_roots(&Poly::constant(3), 0).is_empty());
        assert!(positive_roots(&x().pow(3), 0).is_empty());
        // x² - 2 and x² - 2 - 10^-30, of which doubles know nothing.
        let scale = BigInt::from(10).pow(30);
        let near = square(-2).scale(&scale).sub(&Poly::one());
        let roots = positive_roots(&square(-2).mul(&near).mul(&near), 0);
        assert_eq!(roots.len(), 2);
        assert!(roots[0].bounds().1 < roots[1].bounds().0);
        assert!(roots[0].is_root_of(&square(-2), 0) && !roots[0].is_root_of(&near, 0));
        assert!(roots[1].is_root_of(&near, 0) && !roots[1].is_root_of(&square(-2), 0));
    }

    #[test]
    fn the_simplest_rational() {
        let r = |n: i64, d: i64| BigRational::new(n.into(), d.into());
        for (low, high, simplest) in [
            (r(-1, 2), r(1, 9), r(0, 1)),
            (r(3, 10), r(4, 10), r(1, 3)),
            (r(-4, 10), r(-3, 10), r(-1, 3)),
            (r(314, 100), r(315, 100), r(22, 7)),
            (r(2, 1), r(5, 1), r(2, 1)),
            (r(3, 7), r(3, 7), r(3, 7)),
        ] {
            assert_eq!(simplest_between(&low, &high), simplest);
        }
    }

    proptest! {
        /// Products of linear factors, and of quadratic ones without real roots.
        #[test]
        fn finds_the_roots_it_was_built_from(
            roots in proptest::collection::vec((-40..60i64, 1..20i64, 1..3u32), 0..6),
            complex in proptest::collection::vec((1..9i64, -3..4i64), 0..3),
        ) {
            let mut p = Poly::constant(-3);
            let mut expected = std::collections::BTreeSet::new();
            for &(n, d, k) in &roots {
                let factor = x().scale(&d.into()).sub(&Poly::constant(n));
                p = p.mul(&factor.pow(k));
                if n > 0 {
                    expected.insert(BigRational::new(n.into(), d.into()));
                }
            }
            for &(c, b) in &complex {
                let shifted = x().sub(&Poly::constant(b));
                p = p.mul(&shifted.mul(&shifted).add(&Poly::constant(c)));
            }
            let found: Vec<BigRational> =
                positive_roots(&p, 0).iter().map(|r| r.exact().unwrap().clone()).collect();
            prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
        }
    }
}
