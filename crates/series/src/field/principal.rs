//! The verdict on the principal coefficients of a derived field.

use super::ClosedForm;
use super::words::Words;
use crate::exact::RationalFunction;
use crate::series::{Combination, GeneralLinearMethod, ModifiedField, Stage, State, VectorField};
use crate::tree::Tree;
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
        let show = |value: &RationalFunction| value.display(&method.parameters);
        let disagreement =
            |(chain, derived, closed): (Tree, RationalFunction, RationalFunction)| {
                format!(
                    "the chain {chain} has b = {}, the closed form {}",
                    show(&derived),
                    show(&closed)
                )
            };
        if let Some(closed) = joint(method).and_then(|m| ClosedForm::new(&m, order)) {
            let formula = match method.fields.len() {
                1 => closed.formula(),
                _ => format!("{}, F all fields together and J = DF", closed.formula_for("F")),
            };
            let tall_tree = closed.is_tall_tree_theorem();
            let difference = closed.first_difference(field).map(disagreement);
            return PrincipalPart { order, formula: Ok(formula), tall_tree, difference };
        }
        let words = (method.fields.len() > 1).then(|| Words::new(method, nodes)).flatten();
        let Some(words) = words else {
            let reason = if method.fields.len() > 1 {
                "the method does not treat its vector fields alike, and it has memory or a step size \
                 that does not scale out"
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
        let difference = words.first_difference(field).map(disagreement);
        let map = words.step_formula(method);
        let map = map.map_or("the linear map of one step".into(), |m| format!("M = {m}"));
        let formula =
            format!("log(M)/h with the last factor Dφ of each product replaced by φ, {map}");
        PrincipalPart { order, formula: Ok(formula), tall_tree: false, difference }
    }

    /// Whether a closed form was found and every coefficient agrees with it.
    pub fn holds(&self) -> bool {
        self.formula.is_ok() && self.difference.is_none()
    }
}

/// The method with one vector field that `method` applies to all its fields together, if it treats
/// them alike: every field is evaluated at the same combinations and moves the same states.
pub fn joint(method: &GeneralLinearMethod) -> Option<GeneralLinearMethod> {
    let states_of = |space: usize| -> Vec<usize> {
        (0..method.states.len()).filter(|&i| method.states[i].space == space).collect()
    };
    let stages_of = |field: usize| -> Vec<usize> {
        (0..method.stages.len()).filter(|&l| method.stages[l].field == field).collect()
    };
    let space = |field: usize| method.fields[field].space;
    // What a combination takes from the space of a field and from the stages of that field.
    let restrict = |c: &Combination, field: usize| Combination {
        states: states_of(space(field)).into_iter().map(|i| c.states[i].clone()).collect(),
        stages: stages_of(field).into_iter().map(|l| c.stages[l].clone()).collect(),
    };
    let updates = |field: usize| -> Vec<Combination> {
        states_of(space(field)).into_iter().map(|i| restrict(&method.update[i], field)).collect()
    };
    let points = |at: usize, of: usize| -> Vec<Combination> {
        let arguments = stages_of(at).into_iter().map(|l| &method.stages[l].arguments[space(of)]);
        arguments.map(|c| restrict(c, of)).collect()
    };
    let (update, point) = (updates(0), points(0, 0));
    let fields = 0..method.fields.len();
    let alike = fields.clone().all(|d| updates(d) == update)
        && fields.clone().all(|c| fields.clone().all(|d| points(c, d) == point));
    alike.then(|| GeneralLinearMethod {
        parameters: method.parameters.clone(),
        step_parameter: method.step_parameter,
        spaces: vec![method.spaces[space(0)].clone()],
        fields: vec![VectorField { name: "F".into(), space: 0 }],
        states: states_of(space(0))
            .into_iter()
            .map(|i| State { name: method.states[i].name.clone(), space: 0 })
            .collect(),
        stages: point.into_iter().map(|c| Stage { field: 0, arguments: vec![c] }).collect(),
        update,
    })
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
