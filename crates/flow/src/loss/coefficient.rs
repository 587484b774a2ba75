//! Coefficients of modified fields as expressions.

use super::graph::{Expr, Graph};
use bea_series::exact::{Poly, Rational, RationalFunction, square_free};
use num_bigint::BigInt;

impl Graph {
    /// A quotient of polynomials with its repeated factors collected; `names[i]` stands for
    /// parameter `i`.
    ///
    /// # Panics
    /// If a parameter that occurs has no name.
    pub fn rational_function(&mut self, value: &RationalFunction, names: &[Expr]) -> Expr {
        if let Some(value) = value.as_rational() {
            return self.constant(value.into());
        }
        let above = self.factored(value.numerator(), names);
        let below = self.factored(value.denominator(), names);
        self.div(above, below)
    }

    fn factored(&mut self, p: &Poly, names: &[Expr]) -> Expr {
        if p.is_zero() {
            return Expr::ZERO;
        }
        let (content, monomial) = (p.content(), p.monomial_content());
        let common = Poly::term(monomial, content);
        let rest = p.div_exact(&common).expect("content divides");
        let mut product = Poly::one();
        let mut parts = vec![self.expanded(&common, names)];
        for (factor, power) in square_free(&rest) {
            product = product.mul(&factor.pow(power));
            let base = self.expanded(&factor, names);
            parts.push(self.powi(base, power.into()));
        }
        // The factors are known up to a sign.
        if product != rest {
            parts.push(self.integer(-1));
        }
        self.product(&parts)
    }

    fn expanded(&mut self, p: &Poly, names: &[Expr]) -> Expr {
        let mut terms = Vec::with_capacity(p.terms().len());
        for (monomial, c) in p.terms() {
            let powers = monomial.0.iter().enumerate().filter(|(_, e)| **e > 0);
            let powers = powers.map(|(i, &e)| (names[i], i64::from(e).into())).collect();
            let product = self.powers(powers);
            terms.push((Rational::from(BigInt::clone(c)), product));
        }
        self.combination(terms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_factors_stay_together() {
        let m = RationalFunction::variable(0);
        let one = RationalFunction::one();
        let two = RationalFunction::integer(2);
        // -(1+m)/(2 (1-m)³)
        let below = &two * &(&one - &m).pow(3).unwrap();
        let value = (-&(&one + &m)).divide(&below).unwrap();
        let mut g = Graph::new();
        let x = g.variable(7);
        let e = g.rational_function(&value, &[x]);
        let expected = {
            let one = g.integer(1);
            let (above, below) = (g.add(one, x), g.sub(one, x));
            let below = g.powi(below, 3);
            let quotient = g.div(above, below);
            g.scale(&Rational::new(-1, 2).unwrap(), quotient)
        };
        assert_eq!(e, expected);
    }
}
