//! How often an objective was evaluated.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// A kind of evaluation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    /// `E(x)` alone.
    Value,
    /// `∇E(x)`, with or without the value.
    Gradient,
    /// `∇²E(x) v`.
    HessianVector,
    /// `∇²E(x)` as a matrix, where an objective has it without a product for each column.
    Hessian,
    /// `∇^{m+1}E(x)[v_1, …, v_m]` with `m ≥ 2`: third and higher derivatives.
    Contraction,
    /// The modified field of an optimizer as one program, of a formula.
    ModifiedField,
}

/// The kinds, in the order of [`Counts`].
const CALLS: [Call; 6] = [
    Call::Value,
    Call::Gradient,
    Call::HessianVector,
    Call::Hessian,
    Call::Contraction,
    Call::ModifiedField,
];

impl fmt::Display for Call {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Call::Value => "value",
            Call::Gradient => "gradient",
            Call::HessianVector => "Hessian-vector product",
            Call::Hessian => "Hessian",
            Call::Contraction => "derivative of third or higher order",
            Call::ModifiedField => "modified field",
        })
    }
}

/// How many evaluations there were, by kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Values alone.
    pub values: u64,
    /// Gradients, with or without the value.
    pub gradients: u64,
    /// Products of a vector with the Hessian, or with the Gauss-Newton matrix.
    pub hessian_vectors: u64,
    /// Hessians as matrices; of an objective that has only products, each is `d` of them.
    pub hessians: u64,
    /// Contractions of third and higher derivatives.
    pub contractions: u64,
    /// Modified fields, each one program that contains all derivatives of a formula that it needs.
    pub modified_fields: u64,
}

impl Counts {
    /// The kinds by name, with how many there were of each, in a fixed order.
    pub fn named(&self) -> [(&'static str, u64); CALLS.len()] {
        [
            ("values", self.values),
            ("gradients", self.gradients),
            ("hessian_vectors", self.hessian_vectors),
            ("hessians", self.hessians),
            ("contractions", self.contractions),
            ("modified_fields", self.modified_fields),
        ]
    }

    /// What has come since `before`, which is not larger.
    pub fn since(&self, before: &Counts) -> Counts {
        Counts {
            values: self.values - before.values,
            gradients: self.gradients - before.gradients,
            hessian_vectors: self.hessian_vectors - before.hessian_vectors,
            hessians: self.hessians - before.hessians,
            contractions: self.contractions - before.contractions,
            modified_fields: self.modified_fields - before.modified_fields,
        }
    }
}

impl std::ops::Add for Counts {
    type Output = Counts;

    fn add(self, other: Counts) -> Counts {
        Counts {
            values: self.values + other.values,
            gradients: self.gradients + other.gradients,
            hessian_vectors: self.hessian_vectors + other.hessian_vectors,
            hessians: self.hessians + other.hessians,
            contractions: self.contractions + other.contractions,
            modified_fields: self.modified_fields + other.modified_fields,
        }
    }
}

impl fmt::Display for Counts {
    /// `3 values, 1 gradient, …`, without the kinds that were not asked for.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: Vec<String> = CALLS
            .iter()
            .zip(self.named())
            .filter(|(_, (_, count))| *count > 0)
            .map(|(call, (_, count))| match (call, count) {
                (call, 1) => format!("1 {call}"),
                (Call::Contraction, count) => {
                    format!("{count} derivatives of third or higher order")
                }
                (call, count) => format!("{count} {call}s"),
            })
            .collect();
        if text.is_empty() { out.write_str("none") } else { out.write_str(&text.join(", ")) }
    }
}

/// Counts evaluations, from any number of threads.
#[derive(Debug, Default)]
pub struct Counter([AtomicU64; CALLS.len()]);

impl Counter {
    /// So many more of a kind; returns how many there were before.
    pub fn add(&self, call: Call, count: usize) -> u64 {
        self.0[call as usize].fetch_add(count as u64, Ordering::Relaxed)
    }

    /// Those so far.
    pub fn counts(&self) -> Counts {
        let of = |call: Call| self.0[call as usize].load(Ordering::Relaxed);
        Counts {
            values: of(Call::Value),
            gradients: of(Call::Gradient),
            hessian_vectors: of(Call::HessianVector),
            hessians: of(Call::Hessian),
            contractions: of(Call::Contraction),
            modified_fields: of(Call::ModifiedField),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_read_as_a_sentence() {
        let counter = Counter::default();
        assert_eq!(counter.counts().to_string(), "none");
        assert_eq!(counter.add(Call::Gradient, 1), 0);
        assert_eq!(counter.add(Call::HessianVector, 3), 0);
        assert_eq!(counter.add(Call::Contraction, 2), 0);
        assert_eq!(counter.add(Call::HessianVector, 1), 3);
        assert_eq!(
            counter.counts().to_string(),
            "1 gradient, 4 Hessian-vector products, 2 derivatives of third or higher order"
        );
        let before = Counts { gradients: 1, hessian_vectors: 1, ..Counts::default() };
        let since = counter.counts().since(&before);
        assert_eq!((since.gradients, since.hessian_vectors, since.contractions), (0, 3, 2));
    }
}
