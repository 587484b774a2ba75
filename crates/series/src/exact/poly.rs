//! Multivariate polynomials with arbitrary-precision integer coefficients.

use super::{dense, effort};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::collections::HashMap;
use std::fmt::Write as _;

/// How many parameters may stay symbolic at once.
pub const MAX_VARIABLES: usize = 8;

/// Exponents of the variables, `p_0^e_0 … p_7^e_7`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Monomial(pub [u16; MAX_VARIABLES]);

impl Monomial {
    /// The product of two monomials.
    ///
    /// # Panics
    /// If an exponent passes 65,535: a derivation that large does not fit in any memory.
    pub fn times(&self, other: &Monomial) -> Monomial {
        let mut exponents = [0; MAX_VARIABLES];
        for (out, (a, b)) in exponents.iter_mut().zip(self.0.iter().zip(&other.0)) {
            *out = a.checked_add(*b).expect("exponent above 65535");
        }
        Monomial(exponents)
    }

    /// `self / other`, if `other` divides it.
    pub fn over(&self, other: &Monomial) -> Option<Monomial> {
        let mut exponents = [0; MAX_VARIABLES];
        for (out, (a, b)) in exponents.iter_mut().zip(self.0.iter().zip(&other.0)) {
            *out = a.checked_sub(*b)?;
        }
        Some(Monomial(exponents))
    }

    /// Sum of the exponents.
    pub fn degree(&self) -> u32 {
        self.0.iter().map(|&e| u32::from(e)).sum()
    }
}

/// A polynomial `Σ c_i p^{e_i}` with integer coefficients `c_i ≠ 0`, its terms in descending
/// lexicographic order of the exponents.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Poly {
    terms: Vec<(Monomial, BigInt)>,
}

impl Poly {
    /// The zero polynomial.
    pub fn zero() -> Poly {
        Poly::default()
    }

    /// The constant 1.
    pub fn one() -> Poly {
        Poly::constant(BigInt::one())
    }

    /// A constant.
    pub fn constant(value: impl Into<BigInt>) -> Poly {
        Poly::term(Monomial::default(), value.into())
    }

    /// The variable with index `index` (below [`MAX_VARIABLES`]).
    pub fn variable(index: usize) -> Poly {
        let mut monomial = Monomial::default();
        monomial.0[index] = 1;
        Poly::term(monomial, BigInt::one())
    }

    /// `coefficient · monomial`.
    pub fn term(monomial: Monomial, coefficient: BigInt) -> Poly {
        let terms = if coefficient.is_zero() { vec![] } else { vec![(monomial, coefficient)] };
        Poly { terms }
    }

    /// The sum of arbitrary terms: like monomials are collected.
    pub fn from_terms(terms: impl IntoIterator<Item = (Monomial, BigInt)>) -> Poly {
        let mut collected: HashMap<Monomial, BigInt> = HashMap::new();
        for (monomial, coefficient) in terms {
            *collected.entry(monomial).or_default() += coefficient;
        }
        let mut terms: Vec<_> = collected.into_iter().filter(|(_, c)| !c.is_zero()).collect();
        terms.sort_unstable_by_key(|term| std::cmp::Reverse(term.0));
        Poly { terms }
    }

    /// The sum of terms that are not zero, given in descending lexicographic order.
    pub(super) fn from_sorted(terms: Vec<(Monomial, BigInt)>) -> Poly {
        debug_assert!(terms.windows(2).all(|w| w[0].0 > w[1].0));
        Poly { terms }
    }

    /// The sum of polynomials, each with all its terms after those of the one before it in
    /// descending lexicographic order.
    pub(crate) fn concatenation(parts: impl Iterator<Item = Poly>) -> Poly {
        Poly::from_sorted(parts.flat_map(|part| part.terms).collect())
    }

    /// The terms, in descending lexicographic order.
    pub fn terms(&self) -> &[(Monomial, BigInt)] {
        &self.terms
    }

    /// Whether this is the zero polynomial.
    pub fn is_zero(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether this is the constant 1.
    pub fn is_one(&self) -> bool {
        matches!(self.terms.as_slice(), [(m, c)] if m.degree() == 0 && c.is_one())
    }

    /// Whether no variable occurs.
    pub fn is_constant(&self) -> bool {
        // The leading monomial is the last to be free of variables.
        self.terms.first().is_none_or(|(m, _)| m.degree() == 0)
    }

    /// The value, if no variable occurs.
    pub fn as_constant(&self) -> Option<BigInt> {
        match self.terms.as_slice() {
            [] => Some(BigInt::zero()),
            [(m, c)] if m.degree() == 0 => Some(c.clone()),
            _ => None,
        }
    }

    /// The highest power of variable `index`.
    pub fn degree_in(&self, index: usize) -> u16 {
        self.terms.iter().map(|(m, _)| m.0[index]).max().unwrap_or(0)
    }

    /// Coefficient of the leading term (0 for the zero polynomial).
    pub fn leading_coefficient(&self) -> BigInt {
        self.terms.first().map_or_else(BigInt::zero, |t| t.1.clone())
    }

    /// The greatest common divisor of the integer coefficients, `≥ 0`.
    pub fn content(&self) -> BigInt {
        let mut g = 0_u64;
        for (i, (_, c)) in self.terms.iter().enumerate() {
            let Some(c) = c.magnitude().to_u64() else { return self.long_content(g, i) };
            g = g.gcd(&c);
            if g == 1 {
                break;
            }
        }
        g.into()
    }

    /// The greatest common divisor of `g` and the coefficients from place `start`.
    fn long_content(&self, g: u64, start: usize) -> BigInt {
        let mut g = BigInt::from(g);
        for (_, c) in &self.terms[start..] {
            // Some microseconds for numbers of a few words.
            effort::spend_if_counted(|| 50 * (c.bits() / 64 + 1));
            g = g.gcd(c);
            if g.is_one() {
                break;
            }
        }
        g
    }

    /// The largest monomial that divides every term.
    pub fn monomial_content(&self) -> Monomial {
        let mut terms = self.terms.iter();
        let Some((first, _)) = terms.next() else { return Monomial::default() };
        let mut lowest = first.0;
        for (m, _) in terms {
            for (low, e) in lowest.iter_mut().zip(&m.0) {
                *low = (*low).min(*e);
            }
        }
        Monomial(lowest)
    }

    fn merge(&self, other: &Poly, negate: bool) -> Poly {
        let (a, b) = (&self.terms, &other.terms);
        effort::spend_if_counted(|| 5 + 3 * (self.weight() + other.weight()));
        let mut terms = Vec::with_capacity(a.len() + b.len());
        let (mut i, mut j) = (0, 0);
        let signed = |c: &BigInt| if negate { -c } else { c.clone() };
        while i < a.len() && j < b.len() {
            match a[i].0.cmp(&b[j].0) {
                std::cmp::Ordering::Greater => {
                    terms.push(a[i].clone());
                    i += 1;
                }
                std::cmp::Ordering::Less => {
                    terms.push((b[j].0, signed(&b[j].1)));
                    j += 1;
                }
                std::cmp::Ordering::Equal => {
                    let sum = if negate { &a[i].1 - &b[j].1 } else { &a[i].1 + &b[j].1 };
                    if !sum.is_zero() {
                        terms.push((a[i].0, sum));
                    }
                    i += 1;
                    j += 1;
                }
            }
        }
        terms.extend_from_slice(&a[i..]);
        terms.extend(b[j..].iter().map(|(m, c)| (*m, signed(c))));
        Poly { terms }
    }

    /// `self + other`.
    pub fn add(&self, other: &Poly) -> Poly {
        self.merge(other, false)
    }

    /// `self - other`.
    pub fn sub(&self, other: &Poly) -> Poly {
        self.merge(other, true)
    }

    /// `-self`.
    pub fn neg(&self) -> Poly {
        self.spend_a_pass();
        Poly { terms: self.terms.iter().map(|(m, c)| (*m, -c)).collect() }
    }

    /// Counts what one new term for each of this polynomial's costs.
    fn spend_a_pass(&self) {
        effort::spend_if_counted(|| 5 + 4 * self.weight());
    }

    /// The number of terms, each counted as often as its coefficient has 64 bits.
    pub(super) fn weight(&self) -> u64 {
        let limbs = |c: &BigInt| c.bits() / 64 + 1;
        self.terms.iter().map(|(_, c)| limbs(c)).sum()
    }

    /// `self · other`.
    pub fn mul(&self, other: &Poly) -> Poly {
        let (short, long) =
            if self.terms.len() <= other.terms.len() { (self, other) } else { (other, self) };
        if let [(m, c)] = short.terms.as_slice() {
            return long.times_term(m, c);
        }
        let cost = || short.weight().saturating_mul(long.weight());
        effort::spend_if_counted(|| 10 + cost() / 4);
        dense::product(short, long).unwrap_or_else(|| {
            effort::spend_if_counted(|| cost().saturating_mul(15));
            Poly::from_terms(
                short
                    .terms
                    .iter()
                    .flat_map(|(m, c)| long.terms.iter().map(move |(n, d)| (m.times(n), c * d))),
            )
        })
    }

    /// `self · coefficient · monomial`.
    pub fn times_term(&self, monomial: &Monomial, coefficient: &BigInt) -> Poly {
        self.spend_a_pass();
        if coefficient.is_zero() {
            return Poly::zero();
        }
        Poly {
            terms: self
                .terms
                .iter()
                .map(|(m, c)| {
                    (
                        m.times(monomial),
                        if coefficient.is_one() { c.clone() } else { c * coefficient },
                    )
                })
                .collect(),
        }
    }

    /// `self · monomial`.
    pub(crate) fn times_monomial(mut self, monomial: &Monomial) -> Poly {
        for (m, _) in &mut self.terms {
            *m = m.times(monomial);
        }
        self
    }

    /// `self · factor`.
    pub fn scale(&self, factor: &BigInt) -> Poly {
        self.times_term(&Monomial::default(), factor)
    }

    /// `self^exponent`.
    pub fn pow(&self, exponent: u32) -> Poly {
        let mut result = Poly::one();
        let (mut base, mut e) = (self.clone(), exponent);
        while e > 0 {
            if e & 1 == 1 {
                result = result.mul(&base);
            }
            e >>= 1;
            if e > 0 {
                base = base.mul(&base);
            }
        }
        result
    }

    /// `self / divisor` if the division leaves no remainder (over the integers), else `None`.
    /// `divisor` must not be zero.
    pub fn div_exact(&self, divisor: &Poly) -> Option<Poly> {
        let (lead, lead_coefficient) = divisor.terms.first()?;
        if divisor.terms.len() == 1 {
            return self.over_term(lead, lead_coefficient);
        }
        if let Some(quotient) = dense::quotient(self, divisor) {
            return quotient;
        }
        let mut remainder: std::collections::BTreeMap<Monomial, BigInt> =
            self.terms.iter().cloned().collect();
        let mut quotient = Vec::new();
        while let Some((m, c)) = remainder.pop_last() {
            if c.is_zero() {
                continue;
            }
            effort::spend_if_counted(|| 20 * divisor.weight());
            let step = m.over(lead)?;
            let (q, r) = c.div_rem(lead_coefficient);
            if !r.is_zero() {
                return None;
            }
            for (n, d) in &divisor.terms[1..] {
                *remainder.entry(step.times(n)).or_default() -= &q * d;
            }
            quotient.push((step, q));
        }
        Some(Poly { terms: quotient })
    }

    /// `self / (coefficient · monomial)` if the division leaves no remainder, else `None`.
    pub(crate) fn over_term(&self, monomial: &Monomial, coefficient: &BigInt) -> Option<Poly> {
        self.spend_a_pass();
        let terms = self.terms.iter().map(|(m, c)| {
            let quotient = if coefficient.is_one() {
                c.clone()
            } else {
                let (q, r) = c.div_rem(coefficient);
                r.is_zero().then_some(q)?
            };
            Some((m.over(monomial)?, quotient))
        });
        Some(Poly { terms: terms.collect::<Option<_>>()? })
    }

    /// The coefficients of the powers of variable `index`, lowest first, as polynomials in the
    /// other variables.
    pub fn coefficients_in(&self, index: usize) -> Vec<Poly> {
        self.spend_a_pass();
        let mut parts = vec![Vec::new(); usize::from(self.degree_in(index)) + 1];
        for (m, c) in &self.terms {
            let mut rest = *m;
            rest.0[index] = 0;
            parts[usize::from(m.0[index])].push((rest, c.clone()));
        }
        // Removing one exponent keeps the order of terms that shared its value.
        parts.into_iter().map(|terms| Poly { terms }).collect()
    }

    /// The largest absolute value of a coefficient.
    pub fn height(&self) -> BigInt {
        self.terms.iter().map(|(_, c)| c.abs()).max().unwrap_or_default()
    }

    /// The polynomial with variable `index` replaced by the integer `point`.
    pub fn evaluate(&self, index: usize, point: &BigInt) -> Poly {
        // Horner's scheme on the coefficients of that variable.
        let coefficients = self.coefficients_in(index);
        coefficients.iter().rev().fold(Poly::zero(), |sum, c| sum.scale(point).add(c))
    }

    /// `∂self/∂p_index`.
    pub fn derivative(&self, index: usize) -> Poly {
        self.spend_a_pass();
        // One exponent lower everywhere, the terms keep their order.
        let terms = self.terms.iter().filter(|(m, _)| m.0[index] > 0).map(|(m, c)| {
            let mut lower = *m;
            lower.0[index] -= 1;
            (lower, c * m.0[index])
        });
        Poly { terms: terms.collect() }
    }

    /// Variable `i` becomes variable `to[i]`.
    ///
    /// # Panics
    /// If `to` lacks a variable that occurs, or an exponent passes 65,535.
    pub fn rename(&self, to: &[usize]) -> Poly {
        self.spend_a_pass();
        Poly::from_terms(self.terms.iter().map(|(m, c)| {
            let mut renamed = Monomial::default();
            for (i, &e) in m.0.iter().enumerate().filter(|(_, e)| **e > 0) {
                renamed.0[to[i]] = renamed.0[to[i]].checked_add(e).expect("exponent above 65535");
            }
            (renamed, c.clone())
        }))
    }

    /// Which variables occur.
    pub fn variables(&self) -> impl Iterator<Item = usize> + '_ {
        (0..MAX_VARIABLES).filter(|&i| self.terms.iter().any(|(m, _)| m.0[i] > 0))
    }

    /// Writes the polynomial in `+ - * ^`, lowest degree first: `1+2*m-m^2`.
    pub fn display(&self, names: &[String]) -> String {
        if self.is_zero() {
            return "0".into();
        }
        let mut order: Vec<&(Monomial, BigInt)> = self.terms.iter().collect();
        order.sort_by(|a, b| a.0.degree().cmp(&b.0.degree()).then(b.0.cmp(&a.0)));
        let mut out = String::new();
        for (position, (m, c)) in order.into_iter().enumerate() {
            if c.is_negative() {
                out.push('-');
            } else if position > 0 {
                out.push('+');
            }
            let mut factors = Vec::new();
            if !c.magnitude().is_one() || m.degree() == 0 {
                factors.push(c.magnitude().to_string());
            }
            for (i, &e) in m.0.iter().enumerate().filter(|(_, e)| **e > 0) {
                let name = names.get(i).map_or("?", String::as_str);
                factors.push(if e == 1 { name.to_string() } else { format!("{name}^{e}") });
            }
            let _ = write!(out, "{}", factors.join("*"));
        }
        out
    }
}
