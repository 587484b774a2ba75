//! The Jacobian of `order:n` at a critical point.
//!
//! Where all vector fields vanish, the derivative of an elementary differential `F(τ)` is 0 as soon
//! as a node has two children: both factors vanish. Of the chains `F = f_{c_1}' ⋯ f_{c_{k-1}}' f_{c_k}`
//! it is `J_{c_1} ⋯ J_{c_k}`, so
//!
//! ```text
//! J(order:n) = Σ_{k=1}^{n+1} Σ_{c_1 … c_k} h^(k-1) b(c_1 … c_k) J_{c_1} ⋯ J_{c_k}.
//! ```

use super::StabilityError;
use crate::flow::MAX_ORDER;
use bea_series::exact::RationalFunction;
use bea_series::field::Field;
use bea_series::series::GeneralLinearMethod;
use bea_series::tree::{Tree, TreeTable};
use nalgebra::DMatrix;
use num_rational::BigRational;
use num_traits::ToPrimitive;
use std::ops::Mul;
use std::sync::Arc;

/// No more chains than this are derived.
pub const MAX_CHAINS: usize = 20_000;

/// The chains of `order:n` at one step size.
pub(super) struct Truncated {
    h: f64,
    words: Vec<Chain>,
}

/// The colours of a chain, root first, and its coefficients, each behind its power of `h`.
type Chain = (Vec<usize>, Vec<(i32, f64)>);

impl Truncated {
    /// # Errors
    /// A method without a modified field; too many chains; a coefficient that is not finite.
    pub(super) fn new(
        method: &GeneralLinearMethod,
        order: usize,
        h: f64,
    ) -> Result<Truncated, StabilityError> {
        let colors = method.fields.len();
        let count = u32::try_from(order + 1).ok().and_then(|n| colors.checked_pow(n));
        let few = count.is_some_and(|count| count.saturating_mul(order + 1) <= MAX_CHAINS);
        if order > MAX_ORDER || !few {
            return Err(StabilityError::Order { order, fields: colors });
        }
        let mut longest = vec![Vec::new()];
        for _ in 0..=order {
            let extended = longest.into_iter().flat_map(|word: Vec<usize>| {
                (0..colors).map(move |c| [vec![c], word.clone()].concat())
            });
            longest = extended.collect();
        }
        let chain = |word: &Vec<usize>| {
            let graft = |child: Option<Tree>, &c: &usize| {
                Some(Tree::new(c as u8, child.into_iter().collect()))
            };
            word.iter().rev().fold(None, graft).expect("a word has a letter")
        };
        let chains: Vec<Tree> = longest.iter().map(chain).collect();
        let trees = Arc::new(TreeTable::closure(colors, &chains));
        let field = Field::derive_on("", method, trees.clone())?;
        let exact_h = BigRational::from_float(h).ok_or(StabilityError::StepSize(h))?;
        let values = vec![Some(RationalFunction::from(exact_h)); method.parameters.len()];
        let mut words = Vec::new();
        for nodes in 1..=order + 1 {
            for tree in trees.of_size(nodes).filter(|&tree| trees.is_chain(tree)) {
                let mut word = vec![usize::from(trees.color(tree))];
                let mut node = tree;
                while let Some((_, child)) = trees.parts(node) {
                    word.push(usize::from(trees.color(child)));
                    node = child;
                }
                let mut coefficients = Vec::new();
                for term in field.terms_of(tree) {
                    let value = term.coefficient.substitute(&values).and_then(|c| c.as_rational());
                    let value =
                        value.and_then(|c| c.to_f64()).ok_or(StabilityError::StepSize(h))?;
                    coefficients.push((term.h, value));
                }
                words.push((word, coefficients));
            }
        }
        Ok(Truncated { h, words })
    }

    /// The value for a single field with the Jacobian `j`. Beyond the largest number that of the longest chain
    /// decides.
    pub(super) fn at(&self, j: f64) -> f64 {
        self.sum(
            0.0,
            |c| c,
            |value, _| value * j,
            |sum, value| {
                if value.is_finite() || sum.is_finite() { sum + value } else { value }
            },
        )
    }

    /// The value for fields with these Jacobians, in all coordinates.
    pub(super) fn matrix(&self, jacobians: &[DMatrix<f64>]) -> DMatrix<f64> {
        let d = jacobians.first().map_or(0, DMatrix::nrows);
        let next = |product: DMatrix<f64>, c: usize| product * &jacobians[c];
        self.sum(DMatrix::zeros(d, d), |c| DMatrix::identity(d, d) * c, next, |a, b| a + b)
    }

    /// `Σ c h^p J_{c_1} ⋯ J_{c_k}`. Every power of `h` is multiplied with a Jacobian, lest it overflow alone.
    fn sum<T: Mul<f64, Output = T>>(
        &self,
        zero: T,
        start: impl Fn(f64) -> T,
        next: impl Fn(T, usize) -> T,
        add: impl Fn(T, T) -> T,
    ) -> T {
        let mut total = zero;
        for (word, coefficients) in &self.words {
            for &(power, value) in coefficients {
                let mut product = start(1.0);
                let mut left = power;
                for &c in word {
                    product = next(product, c);
                    if left > 0 {
                        product = product * self.h;
                        left -= 1;
                    }
                }
                total = add(total, product * self.h.powi(left) * value);
            }
        }
        total
    }
}
