//! The verdict on the principal coefficients of a derived field.

use super::ClosedForm;
use super::words::Words;
use crate::series::{GeneralLinearMethod, ModifiedField};
use std::fmt;

/// What the principal part of a modified field sums to, and whether every derived principal
/// coefficient agrees with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PrincipalPart {
    /// The order up to which coefficients were compared.
    pub order: usize,
    /// The closed form, `log(1+hJ)/(hJ) f` say, or why there is none.
    pub formula: Result<String, &'static str>,
    /// Whether the coefficients are `(-1)^n/(n+1)`, those of gradient descent (Theorem 3.1).
    pub tall_tree: bool,
    /// The first disagreement between the trees and the closed form. There is none unless this
    /// program is wrong: the two are computed independently.
    pub difference: Option<String>,
}

impl PrincipalPart {
    /// Finds the closed form of the principal part of `method` and compares it with the chains of
    /// `field`, coefficient by coefficient.
    pub fn new(method: &GeneralLinearMethod, field: &ModifiedField) -> PrincipalPart {
        let nodes = field.trees().max_nodes();
        let order = nodes.saturating_sub(1);
        let show = |value: &crate::exact::RationalFunction| value.display(&method.parameters);
        if let Some(closed) = ClosedForm::new(method, order) {
            let difference = closed.first_difference(field).map(|(nodes, derived, expected)| {
                format!(
                    "the chain with {nodes} nodes has b = {}, the closed form {}",
                    show(&derived),
                    show(&expected)
                )
            });
            let tall_tree = closed.is_tall_tree_theorem();
            return PrincipalPart { order, formula: Ok(closed.formula()), tall_tree, difference };
        }
        let words = (method.fields.len() > 1).then(|| Words::new(method, nodes)).flatten();
        let Some(words) = words else {
            let reason = if method.fields.len() > 1 {
                "with several vector fields and memory, or a step size that does not scale out, the \
                 principal part is not a function of one Jacobian"
            } else {
                "all symbolic parameters are taken; set one of them"
            };
            return PrincipalPart {
                order,
                formula: Err(reason),
                tall_tree: false,
                difference: None,
            };
        };
        let order = order.min(words.length().saturating_sub(1));
        let difference = words.first_difference(field).map(|(chain, derived, expected)| {
            format!(
                "the chain {chain} has b = {}, the closed form {}",
                show(&derived),
                show(&expected)
            )
        });
        let formula = if words.is_euler() {
            "log(1+hJ)/(hJ) F, F all fields together and J = DF".to_string()
        } else {
            let map = words.step_formula(method);
            let map = map.map_or("the linear map of one step".into(), |m| format!("M = {m}"));
            format!("log(M)/h with the last factor Dφ of each product replaced by φ, {map}")
        };
        let tall_tree = words.is_euler();
        PrincipalPart { order, formula: Ok(formula), tall_tree, difference }
    }

    /// Whether a closed form was found and every coefficient agrees with it.
    pub fn holds(&self) -> bool {
        self.formula.is_ok() && self.difference.is_none()
    }
}

/// One sentence without a final full stop.
impl fmt::Display for PrincipalPart {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.formula, &self.difference) {
            (_, Some(difference)) => write!(out, "closed form NOT confirmed: {difference}"),
            (Err(reason), None) => write!(out, "no closed form of the principal part: {reason}"),
            (Ok(formula), None) if self.tall_tree => write!(
                out,
                "every principal coefficient equals (-1)^n/(n+1), verified for n = 0…{}; together \
                 they are {formula}",
                self.order
            ),
            (Ok(formula), None) => write!(
                out,
                "the principal part is {formula}; verified coefficient by coefficient to order {}",
                self.order
            ),
        }
    }
}
