//! Taylor series of a derivative of the loss, or of a function of matrices, around a constant part.

use super::atoms::Product;
use super::solve::{Head, Solver};
use super::sum::{Sum, Weight};
use crate::exact::RationalFunction;
use num_rational::BigRational;
use std::rc::Rc;

impl Solver<'_> {
    /// Adds all terms of order `k` of `Σ_m 1/m! ∇^(m+1+…)E[first…, Δ, …, Δ]`, where `Δ = Σ h^j deviations_{j-1}`; or of a
    /// function's series.
    #[expect(clippy::too_many_arguments, reason = "the term so far, and what it becomes")]
    pub(super) fn expand(
        &mut self,
        head: &Head,
        deviations: &[Rc<Sum>],
        k: usize,
        first: &[Product],
        numbers: Product,
        weight: &Weight,
        out: &mut Sum,
    ) {
        let mut elements: Vec<(usize, Product, Product, Weight)> = Vec::new();
        for (at, sum) in deviations.iter().enumerate() {
            for (product, weight) in &sum.0 {
                let (numbers, vector) = self.atoms.split(product);
                elements.push((at + 1, numbers, vector, weight.clone()));
            }
        }
        let mut chosen = first.to_vec();
        self.choose(head, &elements, k, &mut chosen, &numbers, weight, out);
    }

    /// Chooses how often each element is an argument; the rest of the order is `k`.
    #[expect(clippy::too_many_arguments, reason = "the term so far, and what it becomes")]
    fn choose(
        &mut self,
        head: &Head,
        elements: &[(usize, Product, Product, Weight)],
        k: usize,
        chosen: &mut Vec<Product>,
        numbers: &Product,
        weight: &Weight,
        out: &mut Sum,
    ) {
        if k == 0 {
            let atom = match head {
                Head::Loss => self.atoms.gradient(chosen.clone()),
                Head::Function(function, base) => {
                    self.atoms.derivative_at(*function, (*base).clone(), chosen.clone())
                }
            };
            let product = self.atoms.multiply(numbers, &Product::of(atom));
            self.atoms.add_product(out, product, weight.clone());
            return;
        }
        for (at, (order, factor, vector, own)) in elements.iter().enumerate() {
            let (mut numbers, mut weight) = (numbers.clone(), weight.clone());
            let before = chosen.len();
            for count in 1..=(k / order) {
                numbers = self.atoms.multiply(&numbers, factor);
                let share = RationalFunction::from(BigRational::new(1.into(), count.into()));
                weight = weight.multiply(own).scale(&share);
                chosen.push(vector.clone());
                let (rest, left) = (&elements[at + 1..], k - count * order);
                self.choose(head, rest, left, chosen, &numbers, &weight, out);
            }
            chosen.truncate(before);
        }
    }
}
