//! Algebraic functions near the value 1.

use super::square_root::{lowest, square_part};
use super::{Expression, PowerSeries, square_root};
use crate::exact::{MAX_VARIABLES, Monomial, Poly, RationalFunction, gcd};
use num_bigint::BigInt;
use num_traits::{One, Signed, Zero};

/// The function `P(z)` with `Σ_i c_i(z) P(z)^i = 0` and `P(0) = 1`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Branch {
    /// `c_0, c_1, …`, polynomials in the parameters and `z` without a common factor; the last one is
    /// not zero.
    coefficients: Vec<Poly>,
    /// Which variable `z` is.
    variable: usize,
}

impl Branch {
    /// The root that is 1 at `z = 0` of the polynomial with these coefficients, lowest power first;
    /// `None` if 1 is not a simple root there.
    ///
    /// Factors of the polynomial that can be split off without factoring in general are left out, and
    /// a rational root is always found: then the coefficients are `-a, b` with `P = a/b`.
    pub fn new(coefficients: Vec<Poly>, z: usize) -> Option<Branch> {
        let mut branch = Branch { coefficients, variable: z };
        if !branch.is_simple_at_one() {
            return None;
        }
        branch.remove_factors();
        if let Some(root) = branch.rational_root() {
            branch.coefficients = vec![root.numerator().neg(), root.denominator().clone()];
        }
        Some(branch)
    }

    /// The coefficients of the polynomial, lowest power first.
    pub fn coefficients(&self) -> &[Poly] {
        &self.coefficients
    }

    /// Which variable `z` is.
    pub fn variable(&self) -> usize {
        self.variable
    }

    /// `P(z)`: a rational function or with a square root where the polynomial has degree one or two.
    pub fn expression(&self) -> Expression {
        match self.coefficients.as_slice() {
            [c, b] => {
                let root = RationalFunction::new(c.neg(), b.clone());
                Expression::Rational(root.expect("the last coefficient is not zero"))
            }
            [c, b, a] => self.quadratic(c, b, a),
            _ => Expression::Root(Box::new(self.clone())),
        }
    }

    /// The expansion of `P(z)` up to `z^(terms-1)`, by Newton's method.
    pub fn series(&self, terms: usize) -> PowerSeries {
        let z = self.variable;
        let mut root = PowerSeries::expand(&RationalFunction::one(), z, 1);
        let mut known = 1;
        while known < terms {
            known = (2 * known).min(terms);
            root = root.extended(known as i64);
            // Horner's scheme for the polynomial and its derivative at the current root.
            let zero = PowerSeries::expand(&RationalFunction::zero(), z, known as i64);
            let (mut value, mut slope) = (zero.clone(), zero);
            for c in self.coefficients.iter().rev() {
                slope = slope.times(&root).plus(&value);
                let c = PowerSeries::through(&c.clone().into(), z, known as i64 - 1);
                value = value.times(&root).plus(&c);
            }
            let slope = slope.inverse().expect("1 is a simple root at z = 0");
            root = root.plus(&value.times(&slope).scaled(&RationalFunction::integer(-1)));
        }
        root
    }

    fn at_zero(&self, p: &Poly) -> Poly {
        p.evaluate(self.variable, &BigInt::zero())
    }

    fn is_simple_at_one(&self) -> bool {
        let (mut sum, mut slope) = (Poly::zero(), Poly::zero());
        for (i, c) in self.coefficients.iter().enumerate() {
            let c = self.at_zero(c);
            slope = slope.add(&c.scale(&i.into()));
            sum = sum.add(&c);
        }
        sum.is_zero() && !slope.is_zero()
    }

    /// Leaves out the factors that do not depend on some variable and do not have this root.
    fn remove_factors(&mut self) {
        let lambda = self.variable + 1;
        let common = self.coefficients.iter().fold(Poly::zero(), |g, c| gcd(&g, c));
        for c in &mut self.coefficients {
            *c = c.div_exact(&common).expect("a common factor");
        }
        if lambda >= MAX_VARIABLES || self.coefficients.len() <= 2 {
            return;
        }
        let powers = self.coefficients.iter().enumerate().map(|(i, c)| {
            let mut power = Monomial::default();
            power.0[lambda] = i as u16;
            c.times_term(&power, &BigInt::one())
        });
        let mut p = powers.fold(Poly::zero(), |sum, term| sum.add(&term));
        for x in 0..lambda {
            let content = p.coefficients_in(x).iter().fold(Poly::zero(), |g, c| gcd(&g, c));
            if content.as_constant().is_some() {
                continue;
            }
            let is_root = self.at_zero(&content.evaluate(lambda, &BigInt::one())).is_zero();
            if is_root {
                p = content;
            } else {
                p = p.div_exact(&content).expect("the content divides");
            }
        }
        self.coefficients = p.coefficients_in(lambda);
    }

    /// `P(z)` if it is a rational function of the parameters and `z`.
    fn rational_root(&self) -> Option<RationalFunction> {
        match self.coefficients.as_slice() {
            [c, b] => RationalFunction::new(c.neg(), b.clone()),
            [c, b, a] => {
                square_root(&discriminant(c, b, a))?;
                let Expression::Rational(root) = self.quadratic(c, b, a) else { return None };
                Some(root)
            }
            _ => {
                // Factoring the polynomial with numbers for the parameters is quick, and proves in
                // nearly every case that there is no such root.
                let numbers = self.with_numbers();
                if numbers.coefficients != self.coefficients && numbers.is_simple_at_one() {
                    numbers.rational_root_by_series()?;
                }
                self.rational_root_by_series()
            }
        }
    }

    /// The same with prime numbers for the parameters.
    fn with_numbers(&self) -> Branch {
        const PRIMES: [i64; MAX_VARIABLES] =
            [10_007, 10_039, 10_069, 10_103, 10_141, 10_169, 10_211, 10_247];
        let substitute = |c: &Poly| {
            (0..MAX_VARIABLES)
                .filter(|&i| i != self.variable)
                .fold(c.clone(), |c, i| c.evaluate(i, &PRIMES[i].into()))
        };
        let mut coefficients: Vec<Poly> = self.coefficients.iter().map(substitute).collect();
        while coefficients.last().is_some_and(Poly::is_zero) {
            coefficients.pop();
        }
        Branch { coefficients, variable: self.variable }
    }

    /// The denominator of a rational root divides the last coefficient and the numerator the first, so
    /// `c_n P` is a polynomial in `z` of bounded degree, known from its expansion.
    fn rational_root_by_series(&self) -> Option<RationalFunction> {
        let z = self.variable;
        let (first, last) = (self.coefficients.first()?, self.coefficients.last()?);
        let degree = i64::from(first.degree_in(z)) + i64::from(last.degree_in(z));
        let last: RationalFunction = last.clone().into();
        let multiple =
            self.series(degree as usize + 2).times(&PowerSeries::through(&last, z, degree + 1));
        if !multiple.coefficient(degree + 1)?.is_zero() {
            return None;
        }
        let root = multiple.polynomial(degree + 1).divide(&last)?;
        let value = self
            .coefficients
            .iter()
            .rev()
            .fold(RationalFunction::zero(), |sum, c| &(&sum * &root) + &c.clone().into());
        value.is_zero().then_some(root)
    }

    /// The root of `c + b P + a P²` that is 1 at `z = 0`.
    fn quadratic(&self, c: &Poly, b: &Poly, a: &Poly) -> Expression {
        // A positive term of lowest degree in the denominator.
        let flip = lowest(a).is_negative();
        let [c, b, a] = [c, b, a].map(|p| if flip { p.neg() } else { p.clone() });
        let twice = a.scale(&2.into());
        let (mut s, r) = square_part(&discriminant(&c, &b, &a));
        if lowest(&self.at_zero(&s)).is_negative() {
            s = s.neg();
        }
        // 2a P + b is the square root with its sign, and is not 0 at z = 0.
        let minus = lowest(&self.at_zero(&twice.add(&b))).is_negative();
        if r.is_one() {
            let sum = if minus { b.neg().sub(&s) } else { s.sub(&b) };
            let root = RationalFunction::new(sum, twice);
            return Expression::Rational(root.expect("the last coefficient is not zero"));
        }
        let shared = gcd(&gcd(&b, &s), &twice);
        let reduce = |p: &Poly| p.div_exact(&shared).expect("a common factor");
        let (half, bottom) = (reduce(&b.neg()), reduce(&twice));
        s = reduce(&s);
        // b² - 4ac as it stands, over the square of the factor, where that is no longer.
        let product = a.mul(&c).scale(&(-4).into()).div_exact(&shared.mul(&shared));
        let (factor, under) = match product {
            Some(product)
                if half.terms().len() > 1
                    && size(&half) + size(&product).max(1) <= size(&s) + size(&r) =>
            {
                let square = Expression::Power(Box::new(half.clone().into()), 2);
                (Poly::one(), square.plus(product.into()))
            }
            _ => (s, r.into()),
        };
        let factor = if minus { factor.neg() } else { factor };
        let root = Expression::SquareRoot(Box::new(under)).scaled(&factor.into());
        Expression::from(half).plus(root).over(&bottom.into())
    }
}

fn discriminant(c: &Poly, b: &Poly, a: &Poly) -> Poly {
    b.mul(b).sub(&a.mul(c).scale(&4.into()))
}

/// How many terms are written for a polynomial in its factors; none for a number.
fn size(p: &Poly) -> usize {
    if p.as_constant().is_some() {
        return 0;
    }
    let rest = p.div_exact(&Poly::term(p.monomial_content(), p.content()));
    let factors = crate::exact::square_free(&rest.expect("the content divides"));
    factors.iter().map(|(f, _)| f.terms().len()).sum::<usize>().max(1)
}
