//! Runs the operations of a step once, with states and evaluations as symbols.

use super::program::{Operation, Register, Terms};
use crate::exact::RationalFunction;
use std::collections::BTreeMap;

/// A linear combination of states and evaluations; no coefficient is zero. While a step is run it may
/// hold registers that get their value further down.
pub(super) type Linear = BTreeMap<Register, RationalFunction>;

/// What the registers of a step hold.
#[derive(Default)]
pub(super) struct Symbolic {
    registers: BTreeMap<Register, Linear>,
    evaluations: Vec<(usize, Vec<Linear>)>,
}

/// What one step computes.
pub(super) struct Step {
    /// The field of each evaluation, and its points.
    pub evaluations: Vec<(usize, Vec<Linear>)>,
    /// The new value of each state.
    pub updates: Vec<Linear>,
}

impl Symbolic {
    /// What a combination of registers amounts to.
    pub fn value(&self, terms: &Terms) -> Linear {
        let mut sum = Linear::new();
        for (coefficient, register) in terms {
            match self.registers.get(register) {
                Some(value) => add(&mut sum, value, coefficient),
                None => {
                    let symbol = Linear::from([(*register, RationalFunction::one())]);
                    add(&mut sum, &symbol, coefficient);
                }
            }
        }
        sum
    }

    /// The evaluation of `field` at these points, if it has been made.
    pub fn evaluation(&self, field: usize, points: &[Linear]) -> Option<usize> {
        self.evaluations.iter().position(|(known, at)| *known == field && at == points)
    }

    /// Executes an operation as it is in every step but the first.
    pub fn execute(&mut self, operation: &Operation) {
        match operation {
            Operation::Combine { target, terms, .. } => {
                self.registers.insert(*target, self.value(terms));
            }
            Operation::Evaluate { field, points } => {
                let one = RationalFunction::one;
                let at = points.iter().map(|point| self.value(&vec![(one(), *point)])).collect();
                self.evaluations.push((*field, at));
            }
        }
    }

    /// Replaces what was used before it was computed by its value. `states` get a new value.
    pub fn finish(self, states: usize) -> Step {
        let resolve = |point: &Linear| {
            let terms: Terms = point.iter().map(|(register, c)| (c.clone(), *register)).collect();
            self.value(&terms)
        };
        let evaluations = self.evaluations.iter();
        let evaluations =
            evaluations.map(|(field, points)| (*field, points.iter().map(resolve).collect()));
        let update = |i| self.registers.get(&Register::New(i)).cloned().unwrap_or_default();
        Step { evaluations: evaluations.collect(), updates: (0..states).map(update).collect() }
    }
}

/// `sum += coefficient * value`
fn add(sum: &mut Linear, value: &Linear, coefficient: &RationalFunction) {
    for (register, c) in value {
        let c = c * coefficient;
        let c = match sum.get(register) {
            Some(present) => present + &c,
            None => c,
        };
        if c.is_zero() {
            sum.remove(register);
        } else {
            sum.insert(*register, c);
        }
    }
}
