//! Sums over compositions of a number, which the recurrences of the paper are made of.

use super::evaluate::{Binding, Evaluated, Evaluator};
use super::functions::MAX_ORDER;
use super::syntax::{Expr, ExprKind};
use super::value::Value;
use crate::exact::{Rational, RationalFunction as Q, Scalar, effort};
use num_rational::BigRational;
use std::ops::Range;

impl<'c> Evaluator<'_, 'c> {
    /// `compositions(c, k, s) = Σ_(l1+…+lk = s) c(l1) … c(lk)`, the coefficient of `x^s` in
    /// `(Σ_l c(l) x^l)^k`.
    pub(super) fn compositions(
        &mut self,
        sequence: &'c Expr,
        count: &'c Expr,
        sum: &'c Expr,
        span: &Range<usize>,
    ) -> Evaluated<Value> {
        let ExprKind::Name(name) = &sequence.kind else {
            return Err(self.fault(&sequence.span, "the name of a sequence is needed"));
        };
        let Some((place, Binding::Function(definition))) =
            self.lookup(name).map(|(place, b)| (place, b.clone()))
        else {
            return Err(self.fault_with(
                &sequence.span,
                format!("`{name}` is not a sequence"),
                format!("define it: `let {name}(n) = …;`"),
            ));
        };
        let (k, s) = (self.natural(count)?, self.integer(sum)?);
        if k > MAX_ORDER || s > MAX_ORDER as i64 {
            return Err(self.fault(span, format!("compositions go up to {MAX_ORDER}")));
        }
        let Ok(s) = usize::try_from(s) else { return Ok(Value::integer(0)) };
        let mut generating = Vec::new();
        for l in 0..=s {
            let argument = Value::integer(l as i64);
            match self.call(place, definition, vec![argument], &sequence.span)? {
                Value::Scalar(q) => generating.push(q),
                other => {
                    let message = format!("`{name}({l})` is {}, not a number", other.kind());
                    return Err(self.fault(&sequence.span, message));
                }
            }
        }
        let number = |q: &Q| q.as_rational().map(Rational::from);
        let numbers: Option<Vec<Rational>> = generating.iter().map(number).collect();
        Ok(Value::Scalar(match numbers {
            Some(numbers) => BigRational::from(power_coefficient(&numbers, k, s)).into(),
            None => power_coefficient(&generating, k, s),
        }))
    }
}

/// The coefficient of `x^s` in `(Σ_l c_l x^l)^k`, `l ≤ s`, by repeated squaring.
fn power_coefficient<T: Scalar>(c: &[T], mut k: usize, s: usize) -> T {
    let product = |a: &[T], b: &[T]| {
        let mut product = vec![T::zero(); s + 1];
        for (i, x) in a.iter().enumerate().filter(|(_, x)| !x.is_zero()) {
            effort::spend(5 * (s + 1 - i) as u64);
            for (j, y) in b.iter().enumerate().take(s + 1 - i) {
                product[i + j] = product[i + j].plus(&x.times(y));
            }
        }
        product
    };
    let mut power = vec![T::zero(); s + 1];
    power[0] = T::one();
    let mut base: Vec<T> = c.iter().take(s + 1).cloned().collect();
    while k > 0 {
        if k % 2 == 1 {
            power = product(&power, &base);
        }
        k /= 2;
        if k > 0 {
            base = product(&base, &base);
        }
    }
    power.swap_remove(s)
}

#[cfg(test)]
mod tests {
    use super::power_coefficient;
    use num_rational::BigRational;

    /// The sum over all compositions, one by one.
    fn one_by_one(c: &[BigRational], k: usize, s: usize) -> BigRational {
        let zero = BigRational::from_integer(0.into());
        match k {
            0 if s == 0 => BigRational::from_integer(1.into()),
            0 => zero,
            _ => (0..=s).fold(zero, |sum, l| sum + &c[l] * one_by_one(c, k - 1, s - l)),
        }
    }

    #[test]
    fn compositions_are_coefficients_of_powers() {
        let c: Vec<BigRational> =
            (0..=6).map(|n| BigRational::new((2 * n + 1).into(), (n + 3).into())).collect();
        for k in 0..=5 {
            for s in 0..=6 {
                assert_eq!(power_coefficient(&c, k, s), one_by_one(&c, k, s), "k = {k}, s = {s}");
            }
        }
    }
}
