//! Quotients of polynomials in lowest terms: the field that every coefficient lives in.

use super::{Factors, Monomial, Poly, exact_root, gcd};
use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::{BigRational, Ratio};
use num_traits::{One, Zero};
use std::ops::{Add, Mul, Neg, Sub};

/// An element of `Q(p_1, …, p_k)`, always in lowest terms: numerator and denominator are coprime,
/// and the denominator's leading coefficient is positive. Equal functions are equal values.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct RationalFunction {
    numerator: Poly,
    denominator: Poly,
}

impl RationalFunction {
    /// 0.
    pub fn zero() -> Self {
        Poly::zero().into()
    }

    /// 1.
    pub fn one() -> Self {
        Poly::one().into()
    }

    /// The integer `n`.
    pub fn integer(n: impl Into<BigInt>) -> Self {
        Poly::constant(n).into()
    }

    /// The parameter with index `index`.
    pub fn variable(index: usize) -> Self {
        Poly::variable(index).into()
    }

    /// `numerator / denominator` in lowest terms; `None` if the denominator is zero.
    pub fn new(numerator: Poly, denominator: Poly) -> Option<Self> {
        if denominator.is_zero() {
            return None;
        }
        let g = gcd(&numerator, &denominator);
        Some(Self::signed(over(&numerator, &g), over(&denominator, &g)))
    }

    /// `top / (bottom · constant)` where `top` and `bottom` have no common factor but integers, and
    /// `constant` is not zero.
    pub(crate) fn coprime(top: Poly, bottom: Poly, constant: BigInt) -> Self {
        if top.is_zero() {
            return Self::zero();
        }
        let content = bottom.content();
        let g = top.content().gcd(&(&content * &constant));
        let one = Monomial::default();
        let top = if g.is_one() { top } else { top.over_term(&one, &g).expect("g divides it") };
        // g may exceed the constant only by a part of the content of `bottom`.
        let bottom = bottom.scale(&constant).over_term(&one, &g).expect("g divides");
        Self::signed(top, bottom)
    }

    /// A fraction already in lowest terms but for the sign of the denominator.
    fn signed(numerator: Poly, denominator: Poly) -> Self {
        if denominator.is_leading_negative() {
            Self { numerator: numerator.neg(), denominator: denominator.neg() }
        } else {
            Self { numerator, denominator }
        }
    }

    /// The numerator.
    pub fn numerator(&self) -> &Poly {
        &self.numerator
    }

    /// The denominator, with positive leading coefficient.
    pub fn denominator(&self) -> &Poly {
        &self.denominator
    }

    /// Whether this is 0.
    pub fn is_zero(&self) -> bool {
        self.numerator.is_zero()
    }

    /// Whether this is 1.
    pub fn is_one(&self) -> bool {
        self.numerator.is_one() && self.denominator.is_one()
    }

    /// The value, if no parameter occurs.
    pub fn as_rational(&self) -> Option<BigRational> {
        Some(BigRational::new(self.numerator.as_constant()?, self.denominator.as_constant()?))
    }

    /// `1/self`; `None` for 0.
    pub fn inverse(&self) -> Option<Self> {
        (!self.is_zero()).then(|| Self::signed(self.denominator.clone(), self.numerator.clone()))
    }

    /// `self / other`; `None` if `other` is 0.
    pub fn divide(&self, other: &Self) -> Option<Self> {
        Some(self * &other.inverse()?)
    }

    /// `self^exponent`; `None` for a negative power of 0.
    pub fn pow(&self, exponent: i32) -> Option<Self> {
        let base = if exponent < 0 { self.inverse()? } else { self.clone() };
        let e = exponent.unsigned_abs();
        Some(Self { numerator: base.numerator.pow(e), denominator: base.denominator.pow(e) })
    }

    /// `self^exponent` where that is rational: whole powers, and powers of positive numbers with rational roots.
    pub fn power(&self, exponent: Ratio<i64>) -> Option<Self> {
        let whole = i32::try_from(*exponent.numer()).ok()?;
        if exponent.is_integer() {
            return self.pow(whole);
        }
        let root = exact_root(&self.as_rational()?, u32::try_from(*exponent.denom()).ok()?)?;
        Self::from(root).pow(whole)
    }

    /// Variable `i` becomes variable `to[i]`.
    pub fn rename(&self, to: &[usize]) -> Self {
        // Renaming may identify variables, so the fraction is reduced anew.
        Self::new(self.numerator.rename(to), self.denominator.rename(to)).unwrap_or_else(Self::zero)
    }

    /// The value with `p_i` replaced by `values[i]` where that is given; `None` if the denominator
    /// vanishes there.
    pub fn substitute(&self, values: &[Option<RationalFunction>]) -> Option<Self> {
        let eval = |p: &Poly| {
            let mut sum = Self::zero();
            for (m, c) in p.terms() {
                let mut kept = Monomial::default();
                let mut factor = Self::integer(c.clone());
                for (i, &e) in m.0.iter().enumerate().filter(|(_, e)| **e > 0) {
                    match values.get(i).and_then(Option::as_ref) {
                        Some(v) => factor = &factor * &v.pow(i32::from(e)).expect("power ≥ 0"),
                        None => kept.0[i] = e,
                    }
                }
                sum = &sum + &(&factor * &Poly::term(kept, BigInt::one()).into());
            }
            sum
        };
        eval(&self.numerator).divide(&eval(&self.denominator))
    }

    /// Writes the function in `+ - * / ^` with its repeated factors collected:
    /// `-(1+m)/(2*(1-m)^3)`. `names[i]` is the name of parameter `i`.
    pub fn display(&self, names: &[String]) -> String {
        if let Some(value) = self.as_rational() {
            return value.to_string();
        }
        let (mut negative, mut top) = factors(&self.numerator, names);
        let (flipped, bottom) = factors(&self.denominator, names);
        negative ^= flipped;
        if top.is_empty() {
            top.push("1".into());
        }
        let sign = if negative { "-" } else { "" };
        let strip = |f: &[String]| match f {
            // A lone sum needs its brackets only beside a sign or a fraction bar.
            [one] if bottom.is_empty() && !negative => {
                one.strip_prefix('(').and_then(|s| s.strip_suffix(')')).map(str::to_string)
            }
            _ => None,
        };
        let top = strip(&top).unwrap_or_else(|| top.join("*"));
        match bottom.as_slice() {
            [] => format!("{sign}{top}"),
            [one] => format!("{sign}{top}/{one}"),
            many => format!("{sign}{top}/({})", many.join("*")),
        }
    }
}

/// The printed factors of `p ≠ 0` and whether a minus sign stands before them. Every sum is
/// written in brackets and starts with a positive term.
fn factors(p: &Poly, names: &[String]) -> (bool, Vec<String>) {
    let Factors { negative, content, monomial, sums } = p.factors();
    let mut written = Vec::new();
    if !content.is_one() {
        written.push(content.to_string());
    }
    for (i, &e) in monomial.0.iter().enumerate().filter(|(_, e)| **e > 0) {
        written.push(Poly::variable(i).pow(e.into()).display(names));
    }
    for (f, k) in sums {
        let text = f.display(names);
        written.push(if k == 1 { format!("({text})") } else { format!("({text})^{k}") });
    }
    (negative, written)
}

impl From<Poly> for RationalFunction {
    fn from(numerator: Poly) -> Self {
        Self { numerator, denominator: Poly::one() }
    }
}

impl From<BigRational> for RationalFunction {
    fn from(value: BigRational) -> Self {
        let (numerator, denominator) = value.into();
        Self { numerator: Poly::constant(numerator), denominator: Poly::constant(denominator) }
    }
}

impl Add for &RationalFunction {
    type Output = RationalFunction;
    fn add(self, other: Self) -> RationalFunction {
        if self.denominator == other.denominator {
            let sum = self.numerator.add(&other.numerator);
            return RationalFunction::new(sum, self.denominator.clone()).expect("not zero");
        }
        // Over the least common denominator, the sum can be reduced only by factors that both
        // denominators have (Knuth, TAOCP 4.5.1).
        let common = gcd(&self.denominator, &other.denominator);
        let (left, right) = (over(&self.denominator, &common), over(&other.denominator, &common));
        let sum = self.numerator.mul(&right).add(&other.numerator.mul(&left));
        if sum.is_zero() {
            return RationalFunction::zero();
        }
        let shared = gcd(&sum, &common);
        RationalFunction::signed(over(&sum, &shared), left.mul(&over(&other.denominator, &shared)))
    }
}

/// `p / g` for a divisor `g` of `p`.
fn over(p: &Poly, g: &Poly) -> Poly {
    if g.is_one() { p.clone() } else { p.div_exact(g).expect("g divides") }
}

impl Neg for &RationalFunction {
    type Output = RationalFunction;
    fn neg(self) -> RationalFunction {
        RationalFunction { numerator: self.numerator.neg(), denominator: self.denominator.clone() }
    }
}

impl Sub for &RationalFunction {
    type Output = RationalFunction;
    fn sub(self, other: Self) -> RationalFunction {
        self + &-other
    }
}

impl Mul for &RationalFunction {
    type Output = RationalFunction;
    fn mul(self, other: Self) -> RationalFunction {
        if self.is_zero() || other.is_zero() {
            return RationalFunction::zero();
        }
        // Cross-reduction keeps the gcds small: both fractions are in lowest terms already.
        let (g1, g2) =
            (gcd(&self.numerator, &other.denominator), gcd(&other.numerator, &self.denominator));
        let numerator = over(&self.numerator, &g1).mul(&over(&other.numerator, &g2));
        let denominator = over(&self.denominator, &g2).mul(&over(&other.denominator, &g1));
        RationalFunction::signed(numerator, denominator)
    }
}

/// The least common multiple of two polynomials, up to sign.
pub(crate) fn lcm(a: &Poly, b: &Poly) -> Poly {
    let g = gcd(a, b);
    a.mul(&b.div_exact(&g).expect("the gcd divides"))
}

impl RationalFunction {
    /// The least common denominator of several functions.
    pub fn common_denominator<'a>(values: impl IntoIterator<Item = &'a RationalFunction>) -> Poly {
        let mut common = Poly::one();
        for v in values {
            common = match (common.as_constant(), v.denominator.as_constant()) {
                (Some(a), Some(b)) => Poly::constant(a.lcm(&b)),
                _ => lcm(&common, &v.denominator),
            };
        }
        common
    }
}

impl Zero for RationalFunction {
    fn zero() -> Self {
        RationalFunction::zero()
    }
    fn is_zero(&self) -> bool {
        RationalFunction::is_zero(self)
    }
}

impl Add for RationalFunction {
    type Output = RationalFunction;
    fn add(self, other: Self) -> RationalFunction {
        &self + &other
    }
}
