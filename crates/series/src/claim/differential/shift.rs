//! A field at a shifted point, and its derivative along another field.

use super::grafting::{Grafting, graft};
use super::{Bounds, Differential, FieldKind, TooLarge};
use super::{earliest, highest_power, product_precision};

impl Differential {
    /// The field at the shifted point `θ + shift`, by Taylor's formula at every node:
    /// `f^(m)(…)` becomes `Σ_k 1/k! f^(m+k)(…, shift, …, shift)`. The shift must be a multiple of
    /// `h` and the bounds must limit its powers.
    pub fn shifted(&self, shift: &Differential, bounds: &Bounds) -> Result<Differential, TooLarge> {
        let order = bounds.order.expect("the powers of the shift are limited");
        let mut result = graft(Grafting::Shift, self, shift, order, bounds)?;
        result.precision = earliest(self.precision, earliest(shift.precision, bounds.order))
            .map(|p| p + self.low().min(0));
        Ok(result)
    }

    /// The derivative of the field in the direction of a vector field, `X'Y`.
    pub fn along(&self, field: &Differential, bounds: &Bounds) -> Result<Differential, TooLarge> {
        let degree =
            |d: &Differential| d.terms.values().map(highest_power).max().unwrap_or(Some(0));
        let highest = degree(self).zip(degree(field)).map(|(a, b)| a + b);
        let order = match (bounds.order, highest) {
            (Some(order), _) => order,
            (None, Some(highest)) => highest + 1,
            (None, None) => return self.derivative()?.filled(self.arity, field, bounds),
        };
        if field.low() < 0 || field.arity > 0 || field.kind == FieldKind::Scalar {
            return self.derivative()?.filled(self.arity, field, bounds);
        }
        let mut result = graft(Grafting::Along, self, field, order, bounds)?;
        let cut = highest.is_none_or(|highest| highest >= order);
        let known = earliest(product_precision(self, field), Some(order).filter(|_| cut));
        result.precision = earliest(result.precision, known);
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{f, h, shown, up_to};
    use super::*;

    #[test]
    fn shifting_is_taylors_formula() {
        let step = f().scaled(&h(1));
        let shifted = f().shifted(&step, &up_to(3)).unwrap();
        assert_eq!(shown(&shifted), ["1 []", "h [[]]", "h^2/2 [[],[]]", "h^3/6 [[],[],[]]"]);
        assert_eq!(shifted.precision, Some(4));
        // E(θ + h f) = E - h ‖g‖² + h²/2 g·Hg - …
        let loss = Differential::loss().shifted(&step, &up_to(2)).unwrap();
        assert_eq!(shown(&loss), ["-1 []", "-h [[]]", "-h^2/2 [[[]]]"]);
    }
}
