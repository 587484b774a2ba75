//! Truncated Laurent series in one formal variable.

use super::square_root;
use crate::exact::{Poly, RationalFunction as Q};
use num_rational::{BigRational, Ratio};
use num_traits::{Signed, ToPrimitive, Zero};

/// `Σ_i c_i x^(low+i) + O(x^precision)`. Every operation keeps track of the precision, so a
/// cancelled power (`log(1-x)/x`) costs a known number of coefficients and never a wrong one.
#[derive(Clone, Debug)]
pub struct PowerSeries {
    /// Which variable `x` is.
    variable: usize,
    /// Exponent of the first coefficient, which is not zero.
    low: i64,
    /// The coefficients of `x^low, x^(low+1), …` below the precision; further ones are 0.
    coefficients: Vec<Q>,
    /// The first exponent whose coefficient is unknown.
    precision: i64,
}

/// Why a function has no power series here.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SeriesError {
    /// A denominator is 0.
    #[error("division by zero")]
    DivisionByZero,
    /// A denominator is 0 up to this power, and not known beyond.
    #[error("division by a series that is zero as far as it is known, up to the power {0}")]
    Unknown(i64),
    /// The exponential of a series whose constant term is not 0.
    #[error("exp needs an argument without constant term; here it is not 0")]
    Exp,
    /// The logarithm of a series whose constant term is not 1.
    #[error("log needs an argument whose constant term is 1")]
    Log,
    /// A root whose constant term is not rational in the parameters.
    #[error("this root is not rational in the parameters: the constant term has none")]
    Root,
}

impl PowerSeries {
    fn new(variable: usize, low: i64, mut coefficients: Vec<Q>, precision: i64) -> PowerSeries {
        coefficients.truncate(usize::try_from(precision - low).unwrap_or(0));
        let zeros = coefficients.iter().take_while(|c| c.is_zero()).count();
        coefficients.drain(..zeros);
        while coefficients.last().is_some_and(Q::is_zero) {
            coefficients.pop();
        }
        let low = if coefficients.is_empty() { precision } else { low + zeros as i64 };
        PowerSeries { variable, low, coefficients, precision }
    }

    /// `O(x^precision)`.
    fn unknown(variable: usize, precision: i64) -> PowerSeries {
        PowerSeries { variable, low: precision, coefficients: Vec::new(), precision }
    }

    /// The expansion of a rational function in variable `x` with `terms` coefficients.
    pub fn expand(value: &Q, x: usize, terms: i64) -> PowerSeries {
        if value.is_zero() {
            return PowerSeries::unknown(x, terms);
        }
        let side = |p: &Poly| {
            let c: Vec<Q> = p.coefficients_in(x).into_iter().map(Q::from).collect();
            let low = c.iter().take_while(|c| c.is_zero()).count() as i64;
            PowerSeries::new(x, 0, c, low + terms)
        };
        let (top, bottom) = (side(value.numerator()), side(value.denominator()));
        top.times(&bottom.inverse().expect("a denominator is not zero"))
    }

    /// The expansion of a rational function in variable `x` through the power `n`.
    pub fn through(value: &Q, x: usize, n: i64) -> PowerSeries {
        if value.is_zero() {
            return PowerSeries::unknown(x, n + 1);
        }
        let low = PowerSeries::expand(value, x, 1).low;
        PowerSeries::expand(value, x, (n + 1 - low).max(1))
    }

    /// The coefficient of `x^n`; `None` if it is not known.
    pub fn coefficient(&self, n: i64) -> Option<Q> {
        if n >= self.precision {
            return None;
        }
        let index = usize::try_from(n - self.low).ok();
        Some(index.and_then(|i| self.coefficients.get(i)).cloned().unwrap_or_else(Q::zero))
    }

    /// Exponent of the first coefficient that is not zero; the precision if there is none.
    pub fn low(&self) -> i64 {
        self.low
    }

    /// The variable that it is a series in.
    pub fn variable(&self) -> usize {
        self.variable
    }

    /// The first exponent whose coefficient is unknown.
    pub fn precision(&self) -> i64 {
        self.precision
    }

    /// The part below `x^end` as a rational function.
    pub fn polynomial(&self, end: i64) -> Q {
        let mut sum = Q::zero();
        for (i, c) in self.coefficients.iter().enumerate() {
            let exponent = self.low + i as i64;
            if exponent < end {
                let power =
                    Q::variable(self.variable).pow(exponent as i32).expect("a variable is not 0");
                sum = &sum + &(c * &power);
            }
        }
        sum
    }

    /// The same coefficients with zeros up to another precision.
    #[must_use]
    pub fn extended(mut self, precision: i64) -> PowerSeries {
        self.precision = precision;
        if self.coefficients.is_empty() {
            self.low = precision;
        }
        self
    }

    fn relative(&self) -> i64 {
        self.precision - self.low
    }

    /// The sum.
    pub fn plus(&self, other: &PowerSeries) -> PowerSeries {
        let precision = self.precision.min(other.precision);
        let low = self.low.min(other.low).min(precision);
        let sum = (low..precision)
            .map(|n| {
                &self.coefficient(n).expect("below the precision")
                    + &other.coefficient(n).expect("below the precision")
            })
            .collect();
        PowerSeries::new(self.variable, low, sum, precision)
    }

    /// Every coefficient times `factor`, which is free of `x`.
    pub fn scaled(&self, factor: &Q) -> PowerSeries {
        let coefficients = self.coefficients.iter().map(|c| c * factor).collect();
        PowerSeries::new(self.variable, self.low, coefficients, self.precision)
    }

    /// The product.
    pub fn times(&self, other: &PowerSeries) -> PowerSeries {
        let precision = (self.precision + other.low).min(other.precision + self.low);
        let low = self.low + other.low;
        let terms = usize::try_from(precision - low).unwrap_or(0);
        let terms = terms.min((self.coefficients.len() + other.coefficients.len()).max(1) - 1);
        let mut product = vec![Q::zero(); terms];
        for (i, a) in self.coefficients.iter().enumerate().filter(|(_, a)| !a.is_zero()) {
            for (j, b) in other.coefficients.iter().enumerate().take(terms.saturating_sub(i)) {
                if !b.is_zero() {
                    product[i + j] = &product[i + j] + &(a * b);
                }
            }
        }
        PowerSeries::new(self.variable, low, product, precision)
    }

    /// The reciprocal.
    ///
    /// # Errors
    /// If the first coefficient is not known.
    pub fn inverse(&self) -> Result<PowerSeries, SeriesError> {
        // 1/x^low, times the power -1 of a series that starts with 1.
        self.power(&BigRational::from_integer((-1).into()))
    }

    /// `self^r = c^r x^(low r) (1 + u)^r`, by `n p_n = Σ_k (r k - n + k) u_k p_(n-k)`.
    ///
    /// Source: Knuth, *The Art of Computer Programming*, vol. 2, section 4.7.
    ///
    /// # Errors
    /// If `c^r` is not rational, or the first coefficient is not known.
    pub fn power(&self, r: &BigRational) -> Result<PowerSeries, SeriesError> {
        let x = self.variable;
        let Some(lead) = self.coefficients.first() else {
            return match r {
                r if r.is_positive() && r.is_integer() => {
                    let times = r.to_i64().unwrap_or(i64::MAX);
                    Ok(PowerSeries::unknown(x, self.precision.saturating_mul(times)))
                }
                r if r.is_zero() => {
                    Ok(PowerSeries::new(x, 0, vec![Q::one()], self.precision.max(1)))
                }
                _ => Err(SeriesError::Unknown(self.precision)),
            };
        };
        let low = BigRational::from_integer(self.low.into()) * r;
        let low = if low.is_integer() { low.to_i64() } else { None }.ok_or(SeriesError::Root)?;
        let first = rational_power(lead, r).ok_or(SeriesError::Root)?;
        let inverse = lead.inverse().expect("the first coefficient is not zero");
        let u: Vec<Q> = self.coefficients.iter().map(|c| c * &inverse).collect();
        let terms = usize::try_from(self.relative()).unwrap_or(0);
        let mut p: Vec<Q> = Vec::with_capacity(terms);
        p.push(Q::one());
        for n in 1..terms {
            let mut sum = Q::zero();
            for k in 1..=n.min(u.len() - 1) {
                if u[k].is_zero() || p[n - k].is_zero() {
                    continue;
                }
                let factor = r * integer(k) - integer(n - k);
                sum = &sum + &(&Q::from(factor) * &(&u[k] * &p[n - k]));
            }
            p.push(&sum * &Q::from(integer(n).recip()));
        }
        let p = p.iter().map(|c| c * &first).collect();
        Ok(PowerSeries::new(x, low, p, low + terms as i64))
    }

    /// The error in the constant term, if that is known at all.
    fn unless_unknown(&self, error: SeriesError) -> SeriesError {
        let unknown = self.coefficients.is_empty() && self.precision <= 0;
        if unknown { SeriesError::Unknown(self.precision) } else { error }
    }

    /// The exponential, by `e_0 = 1`, `n e_n = Σ_k k s_k e_(n-k)`.
    ///
    /// # Errors
    /// If the constant term is not 0.
    pub fn exp(&self) -> Result<PowerSeries, SeriesError> {
        if self.low <= 0 {
            return Err(self.unless_unknown(SeriesError::Exp));
        }
        let mut e = vec![Q::one()];
        for n in 1..self.precision {
            let mut sum = Q::zero();
            for k in self.low..=n {
                let s = self.coefficient(k).expect("below the precision");
                if !s.is_zero() {
                    sum = &sum + &(&(&s * &Q::integer(k)) * &e[(n - k) as usize]);
                }
            }
            e.push(&sum * &Q::integer(n).inverse().expect("n > 0"));
        }
        Ok(PowerSeries::new(self.variable, 0, e, self.precision))
    }

    /// The logarithm, by `n l_n = n s_n - Σ_{0<k<n} k l_k s_(n-k)` for `s_0 = 1`.
    ///
    /// # Errors
    /// If the constant term is not 1.
    pub fn log(&self) -> Result<PowerSeries, SeriesError> {
        if self.low != 0 || !self.coefficients.first().is_some_and(Q::is_one) {
            return Err(self.unless_unknown(SeriesError::Log));
        }
        let mut l = vec![Q::zero()];
        for n in 1..self.precision {
            let s = |k: i64| self.coefficient(k).expect("below the precision");
            let mut sum = &s(n) * &Q::integer(n);
            for k in 1..n {
                let s = s(n - k);
                if !s.is_zero() {
                    sum = &sum - &(&(&l[k as usize] * &s) * &Q::integer(k));
                }
            }
            l.push(&sum * &Q::integer(n).inverse().expect("n > 0"));
        }
        Ok(PowerSeries::new(self.variable, 0, l, self.precision))
    }
}

fn integer(n: usize) -> BigRational {
    BigRational::from_integer(n.into())
}

/// `value^r` where that is a rational function: integer `r`; half-integer `r` of a square (its
/// root with a positive lowest term); other `r` of numbers with rational roots.
pub(crate) fn rational_power(value: &Q, r: &BigRational) -> Option<Q> {
    if value.is_one() {
        return Some(Q::one());
    }
    let exponent = Ratio::new(r.numer().to_i64()?, r.denom().to_i64()?);
    if *exponent.denom() != 2 || value.as_rational().is_some_and(|number| !number.is_zero()) {
        return value.power(exponent);
    }
    let root = Q::new(square_root(value.numerator())?, square_root(value.denominator())?)?;
    root.pow(i32::try_from(*exponent.numer()).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: usize = 0;

    fn x() -> PowerSeries {
        PowerSeries::expand(&Q::variable(X), X, 12)
    }

    fn one() -> PowerSeries {
        PowerSeries::expand(&Q::one(), X, 12)
    }

    fn shown(series: &PowerSeries, n: i64) -> Vec<String> {
        (0..n).map(|k| series.coefficient(k).expect("known").display(&[])).collect()
    }

    #[test]
    fn classical_expansions() {
        let log = one().plus(&x()).log().unwrap();
        let quotient = log.times(&x().inverse().unwrap());
        assert_eq!(shown(&quotient, 4), ["1", "-1/2", "1/3", "-1/4"]);
        assert_eq!(shown(&x().exp().unwrap(), 5), ["1", "1", "1/2", "1/6", "1/24"]);
        let half = BigRational::new(1.into(), 2.into());
        let root = one().plus(&x()).power(&half).unwrap();
        assert_eq!(shown(&root, 5), ["1", "1/2", "-1/8", "1/16", "-5/128"]);
        assert_eq!(shown(&root.times(&root), 5), ["1", "1", "0", "0", "0"]);
        let back = log.exp().unwrap();
        assert_eq!(shown(&back, 5), ["1", "1", "0", "0", "0"]);
    }

    #[test]
    fn precision_is_lost_where_powers_cancel() {
        let log = one().plus(&x()).log().unwrap();
        assert_eq!(log.precision(), 12);
        let quotient = log.times(&x().inverse().unwrap());
        assert_eq!(quotient.precision(), 11);
        assert_eq!(quotient.coefficient(11), None);
        assert!(quotient.coefficient(10).is_some());
    }

    #[test]
    fn rational_functions_expand_at_their_poles() {
        let (x, m) = (Q::variable(X), Q::variable(1));
        // (m + x) / (x (1 - x)) = m/x + (m + 1) + (m + 1) x + …
        let top = &m + &x;
        let bottom = &x * &(&Q::one() - &x);
        let series = PowerSeries::expand(&top.divide(&bottom).unwrap(), X, 5);
        let names = ["x".to_string(), "m".to_string()];
        assert_eq!(series.low(), -1);
        assert_eq!(series.coefficient(-1).unwrap().display(&names), "m");
        assert_eq!(series.coefficient(3).unwrap().display(&names), "1+m");
        assert_eq!(series.coefficient(4), None);
    }

    #[test]
    fn roots_of_squares_only() {
        let m = Q::variable(1);
        let one_minus_m = &Q::one() - &m;
        let half = BigRational::new(1.into(), 2.into());
        let square = &one_minus_m * &one_minus_m;
        assert_eq!(rational_power(&square, &half), Some(one_minus_m.clone()));
        assert_eq!(rational_power(&one_minus_m, &half), None);
        let four_ninths = Q::from(BigRational::new(4.into(), 9.into()));
        assert_eq!(
            rational_power(&four_ninths, &half),
            Some(Q::from(BigRational::new(2.into(), 3.into())))
        );
        assert_eq!(rational_power(&Q::integer(-4), &half), None);
        assert_eq!(rational_power(&Q::integer(2), &half), None);
    }

    #[test]
    fn what_has_no_series() {
        assert_eq!(one().exp().err(), Some(SeriesError::Exp));
        assert_eq!(x().log().err(), Some(SeriesError::Log));
        let zero = x().plus(&x().scaled(&Q::integer(-1)));
        assert!(matches!(zero.inverse().err(), Some(SeriesError::Unknown(_))));
        let half = BigRational::new(1.into(), 2.into());
        assert_eq!(x().power(&half).err(), Some(SeriesError::Root));
    }
}
