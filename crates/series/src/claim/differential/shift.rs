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
    use crate::exact::RationalFunction as Q;

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

    /// Combinations of all forms: of two fields, with parameters, with holes, of scalar fields, with products.
    fn samples(bounds: &Bounds) -> Vec<Differential> {
        let m = Q::variable(1);
        let (f, w) = (f(), Differential::field(1));
        let of = |x: &Differential, y: &Differential| {
            x.derivative().unwrap().filled(x.arity, y, bounds).unwrap()
        };
        let second = f.derivative().unwrap().derivative().unwrap();
        let mixed = of(&f, &f).scaled(&(&h(1) * &m)).plus(&of(&w, &f)).plus(&f.scaled(&h(-1)));
        let branched = second.applied(&[f.clone(), of(&f, &f)], bounds).unwrap();
        let operator = of(&f, &f).derivative().unwrap().scaled(&(&Q::one() - &h(2)));
        let energy = Differential::loss();
        let squared = of(&f, &f).dot(&f, bounds).unwrap();
        let product = energy.multiplied(&squared, bounds).unwrap();
        let weighted = energy.multiplied(&branched.plus(&f), bounds).unwrap();
        vec![f, w, mixed, branched, operator, second, energy, squared, product, weighted]
    }

    #[test]
    fn grafting_a_sum_is_grafting_tree_by_tree() {
        for (chains_only, order) in [(false, 5), (true, 6)] {
            let bounds = Bounds { order: Some(order), chains_only };
            for field in samples(&bounds).iter().filter(|y| y.arity == 0 && y.low() >= 0) {
                for value in &samples(&bounds) {
                    if field.kind == FieldKind::Scalar {
                        continue;
                    }
                    let one_by_one = value.derivative().unwrap();
                    let one_by_one = one_by_one.filled(value.arity, field, &bounds).unwrap();
                    let along = value.along(field, &bounds).unwrap();
                    assert_eq!(along.within(&bounds).terms(), one_by_one.within(&bounds).terms());
                    assert_eq!((along.kind, along.arity), (value.kind, value.arity));
                }
            }
        }
    }

    #[test]
    fn a_shift_is_the_sum_of_all_derivatives() {
        for chains_only in [false, true] {
            let bounds = Bounds { order: Some(4), chains_only };
            for value in &samples(&bounds) {
                let step = f().scaled(&h(1)).plus(&Differential::field(1).scaled(&h(2)));
                let weighted = Differential::loss().multiplied(&step, &bounds).unwrap();
                for step in [step, weighted] {
                    // X + X'Y + X''(Y, Y)/2 + …: the holes are filled after all derivatives are taken, and
                    // branches are left out at the end.
                    let all = Bounds { chains_only: false, ..bounds };
                    let (mut derivative, mut factor, mut sum) =
                        (value.clone(), Q::one(), value.clone());
                    for k in 1..=5 {
                        derivative = derivative.derivative().unwrap();
                        factor = &factor * &Q::integer(k).inverse().unwrap();
                        let mut term = derivative.clone();
                        for hole in (value.arity..derivative.arity).rev() {
                            term = term.filled(hole, &step, &all).unwrap();
                        }
                        sum = sum.plus(&term.scaled(&factor));
                    }
                    let shifted = value.shifted(&step, &bounds).unwrap();
                    assert_eq!(shifted.within(&bounds).terms(), sum.within(&bounds).terms());
                }
            }
        }
    }
}
