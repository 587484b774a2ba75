//! The modified field of an optimizer as a sum of terms.
//!
//! ```text
//! f̃ = Σ_τ h^(|τ|-1) b(τ)/σ(τ) F(τ)
//! ```
//!
//! The terms of the tall trees `(f')^n f` are the principal part; all others are non-principal.

mod attraction;
mod closed_form;
mod modified_loss;
mod principal;
mod words;

pub use attraction::is_stable;
pub use closed_form::ClosedForm;
pub use modified_loss::{Potential, free_trees, potential};
pub use principal::{ChainDifference, PrincipalFormula, PrincipalPart, joint};
pub use words::StepMap;

use crate::exact::{Poly, RationalFunction};
use crate::series::{
    GeneralLinearMethod, MethodError, ModifiedField, Start, StartError, VectorField, derive,
};
use crate::tree::{TreeId, TreeTable};
use num_bigint::{BigInt, BigUint};
use std::sync::Arc;

/// The modified field of an optimizer on a set of trees.
pub struct Field {
    /// Name of the optimizer.
    pub optimizer: String,
    /// The parameters that have no value; the step size `h` is not among them.
    pub parameters: Vec<String>,
    /// `theta`, or the players of a game.
    pub spaces: Vec<String>,
    /// The vector fields; the colour of a node is the index of its field.
    pub fields: Vec<VectorField>,
    /// The largest trees have `order + 1` nodes.
    pub order: usize,
    method: GeneralLinearMethod,
    weights: ModifiedField,
}

/// One term `h^k c F(τ)` of a modified field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Term {
    /// `τ`.
    pub tree: TreeId,
    /// `k`, the power of the step size.
    pub h: i32,
    /// `b(τ)`, the weight before the division by `σ(τ)`.
    pub b: RationalFunction,
    /// `c = b(τ)/σ(τ)`.
    pub coefficient: RationalFunction,
    /// `σ(τ)`.
    pub symmetry: BigUint,
    /// `γ(τ)`.
    pub density: BigUint,
    /// Whether `τ` is tall, `F(τ) = (f')^n f`.
    pub principal: bool,
}

impl Field {
    /// The terms of all trees with up to `order + 1` nodes.
    ///
    /// # Errors
    /// If the method has no modified field.
    ///
    /// ```
    /// use bea_series::{field::Field, series::GeneralLinearMethod};
    /// let field = Field::derive("gradient_descent", &GeneralLinearMethod::euler(), 2)?;
    /// let coefficients: Vec<String> = (0..field.trees().len() as u32)
    ///     .flat_map(|tree| field.terms_of(tree))
    ///     .map(|term| term.coefficient.display(&[]))
    ///     .collect();
    /// assert_eq!(coefficients, ["1", "-1/2", "1/3", "1/12"]);
    /// # Ok::<(), bea_series::series::MethodError>(())
    /// ```
    pub fn derive(
        optimizer: &str,
        method: &GeneralLinearMethod,
        order: usize,
    ) -> Result<Field, MethodError> {
        let trees = TreeTable::all(method.fields.len(), order + 1);
        Field::derive_on(optimizer, method, Arc::new(trees))
    }

    /// The terms of the given trees.
    ///
    /// # Errors
    /// If the method has no modified field.
    pub fn derive_on(
        optimizer: &str,
        method: &GeneralLinearMethod,
        trees: Arc<TreeTable>,
    ) -> Result<Field, MethodError> {
        Ok(Field::with_weights(optimizer, method, derive(method, trees)?))
    }

    /// The change from the start to the effective start, divided by `h`, as a field:
    /// `(θ̂_0 - θ_0)/h = Σ_τ h^(|τ|-1) a(τ)/σ(τ) F(τ)`. It is that of [`Start::method`], on the given trees.
    ///
    /// # Errors
    /// If there is no effective start in closed form.
    pub fn of_start(
        optimizer: &str,
        start: &Start,
        trees: Arc<TreeTable>,
    ) -> Result<Field, StartError> {
        let weights = ModifiedField::from(&start.series(trees)?);
        Ok(Field::with_weights(optimizer, &start.method, weights))
    }

    fn with_weights(
        optimizer: &str,
        method: &GeneralLinearMethod,
        weights: ModifiedField,
    ) -> Field {
        let mut parameters = method.parameters.clone();
        if let Some(step) = method.step_parameter {
            parameters.remove(step);
        }
        Field {
            optimizer: optimizer.to_string(),
            parameters,
            spaces: method.spaces.clone(),
            fields: method.fields.clone(),
            order: weights.trees().max_nodes().saturating_sub(1),
            weights,
            method: method.clone(),
        }
    }

    /// The trees.
    pub fn trees(&self) -> &Arc<TreeTable> {
        self.weights.trees()
    }

    /// The weights `b(τ)`.
    pub fn weights(&self) -> &ModifiedField {
        &self.weights
    }

    /// Names of the variables of a coefficient: the parameters, and `h` if
    /// [`step_parameter`](Self::step_parameter) says so.
    pub fn variables(&self) -> &[String] {
        &self.method.parameters
    }

    /// Which variable is the step size `h`, if no scaling makes the method homogeneous in it. Only
    /// then a tree may have several powers of `h`.
    pub fn step_parameter(&self) -> Option<usize> {
        self.method.step_parameter
    }

    /// The closed form of the principal part, compared with the terms derived here.
    pub fn principal_part(&self) -> PrincipalPart {
        PrincipalPart::new(&self.method, &self.weights)
    }

    /// Whether trajectories settle on this flow: all roots of the recurrence of the states, beside
    /// the simple root 1, lie inside the unit disc. `None` while a parameter that matters has no
    /// value. Methods without memory always settle.
    pub fn is_attracting(&self) -> Option<bool> {
        attraction::is_attracting(&self.method)
    }

    /// Whether terms of this tree belong to the principal part.
    pub fn is_principal(&self, tree: TreeId) -> bool {
        self.trees().is_chain(tree)
    }

    /// Index of the space that `F(τ)` is a velocity of.
    pub fn space(&self, tree: TreeId) -> usize {
        self.fields[usize::from(self.trees().color(tree))].space
    }

    /// The terms of one tree, lowest power of `h` first; none if its weight is 0, and never more
    /// than one if the method is homogeneous in `h`.
    ///
    /// A weight whose denominator depends on `h` beyond a power of it is one term, with `h` among
    /// the variables of its coefficient.
    pub fn terms_of(&self, tree: TreeId) -> Vec<Term> {
        let nodes = self.trees().size(tree);
        let parts = self.by_power(nodes, self.weights.b(tree)).into_iter();
        parts.map(|(power, b)| self.term(tree, power, b)).collect()
    }

    /// A weight of trees with so many nodes, as `Σ h^k b_k` with the power that its part `b_k` has
    /// in the field; empty for 0.
    pub fn by_power(&self, nodes: usize, weight: RationalFunction) -> Vec<(i32, RationalFunction)> {
        if weight.is_zero() {
            return Vec::new();
        }
        match self.method.step_parameter {
            None => vec![(nodes as i32 - 1, weight)],
            // Such a weight is one of `h f̃`.
            Some(step) => powers(&weight, step).into_iter().map(|(k, b)| (k - 1, b)).collect(),
        }
    }

    /// The term `h^power b/σ(τ) F(τ)`.
    pub fn term(&self, tree: TreeId, power: i32, b: RationalFunction) -> Term {
        let trees = self.trees();
        let symmetry = trees.symmetry(tree);
        let share = BigInt::from(symmetry.clone());
        let coefficient = match b.as_rational() {
            Some(value) => (value / share).into(),
            None => b.divide(&RationalFunction::integer(share)).expect("σ ≥ 1"),
        };
        Term {
            tree,
            h: power,
            coefficient,
            b,
            symmetry,
            density: trees.density(tree),
            principal: self.is_principal(tree),
        }
    }
}

/// `value ≠ 0` as `Σ h^k c_k` with `c_k` free of `h`, or as one `h^k c` with `c` of order 0 in `h`
/// if its denominator depends on `h` otherwise than by a factor.
fn powers(value: &RationalFunction, step: usize) -> Vec<(i32, RationalFunction)> {
    let top = value.numerator().coefficients_in(step);
    let bottom = value.denominator().coefficients_in(step);
    let present = |parts: &[Poly]| -> Vec<usize> {
        (0..parts.len()).filter(|&k| !parts[k].is_zero()).collect()
    };
    let (above, below) = (present(&top), present(&bottom));
    let low = below[0] as i32;
    if let [only] = below[..] {
        let quotient = |k: &usize| {
            let c = RationalFunction::new(top[*k].clone(), bottom[only].clone());
            (*k as i32 - low, c.expect("a denominator is not zero"))
        };
        return above.iter().map(quotient).collect();
    }
    let power = above[0] as i32 - low;
    let h = RationalFunction::variable(step).pow(-power).expect("h is not 0");
    vec![(power, value * &h)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradient_descent_has_one_term_a_tree() {
        let field = Field::derive("gd", &GeneralLinearMethod::euler(), 3).unwrap();
        let term = |tree: &str| field.terms_of(field.trees().find(&tree.parse().unwrap()).unwrap());
        let chain = &term("[[[[]]]]")[0];
        assert_eq!((chain.h, chain.principal), (3, true));
        assert_eq!(chain.coefficient.display(&[]), "-1/4");
        assert_eq!(chain.density, 24u32.into());
        assert!(term("[[],[],[]]").is_empty(), "the weight of this tree is 0");
        let cherry = &term("[[],[]]")[0];
        assert_eq!((cherry.b.display(&[]), cherry.symmetry.clone()), ("1/6".into(), 2u32.into()));
        assert!(!cherry.principal);
    }

    #[test]
    fn a_polynomial_in_h_falls_into_its_powers() {
        let names = ["rho".to_string(), "h".to_string()];
        let (rho, h) = (RationalFunction::variable(0), RationalFunction::variable(1));
        let half = RationalFunction::integer(2).inverse().unwrap();
        // h² (ρ + h/2)
        let value = &h.pow(2).unwrap() * &(&rho + &(&h * &half));
        let shown = |parts: Vec<(i32, RationalFunction)>| -> Vec<(i32, String)> {
            parts.into_iter().map(|(k, c)| (k, c.display(&names))).collect()
        };
        assert_eq!(shown(powers(&value, 1)), [(2, "rho".into()), (3, "1/2".into())]);
        let inverse = value.divide(&h.pow(5).unwrap()).unwrap();
        assert_eq!(shown(powers(&inverse, 1)), [(-3, "rho".into()), (-2, "1/2".into())]);
        // h ρ/(1 + h) is not a polynomial: one term, h stays inside.
        let one = RationalFunction::one();
        let geometric = (&h * &rho).divide(&(&one + &h)).unwrap();
        assert_eq!(shown(powers(&geometric, 1)), [(1, "rho/(1+h)".into())]);
    }
}
