//! The principal part of a derived field in closed form, compared with its terms.

use super::ClosedForm;
use super::words::{StepMap, Words};
use crate::exact::RationalFunction;
use crate::formula::{Coefficient, Math, Plain, Sentence};
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
    pub formula: Result<PrincipalFormula, &'static str>,
    /// Whether the coefficients are `(-1)^n/(n+1)`, those of gradient descent (Theorem 3.1).
    pub tall_tree: bool,
    /// The first disagreement between the trees and the closed form. The two are computed
    /// independently, so it shows an error of this program.
    pub difference: Option<ChainDifference>,
    /// The names of the parameters.
    parameters: Vec<String>,
}

/// A chain whose derived coefficient is not the one of the closed form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChainDifference {
    /// The chain.
    pub chain: Tree,
    /// `b` of the chain, derived from the method's recurrence.
    pub derived: RationalFunction,
    /// The coefficient in the expansion of the closed form.
    pub closed: RationalFunction,
}

/// The sum of all principal terms.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PrincipalFormula {
    /// A function of one Jacobian, applied to the only vector field `f`.
    OneField(ClosedForm),
    /// The same for several vector fields that the method treats alike: `F` is all of them together,
    /// `J = DF`.
    AllFields(ClosedForm),
    /// `log(M)/h` with the last factor `Dφ` of each product replaced by `φ`, `M` the linear map of one
    /// step as a polynomial in the Jacobians of the fields; `None` if it is no polynomial.
    StepMap(Option<StepMap>),
}

impl PrincipalFormula {
    /// The closed form, where it is a function of one Jacobian.
    pub fn closed_form(&self) -> Option<&ClosedForm> {
        match self {
            PrincipalFormula::OneField(closed) | PrincipalFormula::AllFields(closed) => {
                Some(closed)
            }
            PrincipalFormula::StepMap(_) => None,
        }
    }

    /// The formula with the definitions of what occurs in it.
    pub fn sentence(&self) -> Sentence {
        match self {
            PrincipalFormula::OneField(closed) => closed.sentence("f"),
            PrincipalFormula::AllFields(closed) => {
                let sentence = closed.sentence("F").words(", ").math(Math::name("F"));
                let derivative = Math::Row(vec![Math::name("D"), Math::name("F")]);
                sentence.words(" all fields together and ").math(Math::name("J").equals(derivative))
            }
            PrincipalFormula::StepMap(map) => {
                let logarithm = Math::Logarithm(Box::new(Math::name("M"))).over(Math::name("h"));
                let derivative = Math::Row(vec![Math::name("D"), Math::name("phi")]);
                let sentence = Sentence::default()
                    .math(logarithm)
                    .words(" with the last factor ")
                    .math(derivative)
                    .words(" of each product replaced by ")
                    .math(Math::name("phi"))
                    .words(", ");
                match map {
                    Some(map) => sentence.display(vec![Math::name("M").equals(map.layout())]),
                    None => {
                        let sentence = sentence.math(Math::name("M"));
                        sentence.words(" the linear map of one step")
                    }
                }
            }
        }
    }
}

impl PrincipalPart {
    /// Finds the closed form of the principal part of `method` and compares it with the chains of
    /// `field`, coefficient by coefficient.
    pub fn new(method: &GeneralLinearMethod, field: &ModifiedField) -> PrincipalPart {
        let nodes = field.trees().max_nodes();
        let order = nodes.saturating_sub(1);
        let several = method.fields.len() > 1;
        let mut part = PrincipalPart {
            order,
            formula: Err("all symbolic parameters are taken; set one of them"),
            tall_tree: false,
            difference: None,
            parameters: method.parameters.clone(),
        };
        if let Some(closed) = joint(method).and_then(|m| ClosedForm::new(&m, order)) {
            part.tall_tree = closed.is_tall_tree_theorem();
            part.difference = closed.first_difference(field);
            part.formula = Ok(if several {
                PrincipalFormula::AllFields(closed)
            } else {
                PrincipalFormula::OneField(closed)
            });
        } else if several {
            part.formula = Err(
                "the method does not treat its vector fields alike, and it has memory or a step size \
                 that does not scale out",
            );
            if let Some(words) = Words::new(method, nodes) {
                part.order = order.min(words.length().saturating_sub(1));
                part.difference = words.first_difference(field);
                part.formula = Ok(PrincipalFormula::StepMap(words.step_map(method)));
            }
        }
        part
    }

    /// Whether a closed form was found and every coefficient agrees with it.
    pub fn holds(&self) -> bool {
        self.formula.is_ok() && self.difference.is_none()
    }

    /// All this in one sentence without a final full stop.
    pub fn sentence(&self) -> Sentence {
        let start = Sentence::default();
        if let Some(difference) = &self.difference {
            let value = |b| Coefficient::new(b, &self.parameters).signed();
            return start
                .words(format!("closed form NOT confirmed: the chain {} has ", difference.chain))
                .math(Math::name("b").equals(value(&difference.derived)))
                .words(", the closed form ")
                .math(value(&difference.closed));
        }
        match &self.formula {
            Err(reason) => start.words(format!("no closed form of the principal part: {reason}")),
            Ok(formula) if self.tall_tree => {
                let n = || Math::name("n");
                let minus_one = Math::Group(Box::new(Math::Sum(vec![(true, Math::number(1))])));
                let sign = Math::PowerOf(Box::new(minus_one), Box::new(n()));
                let count = Math::Sum(vec![(false, n()), (false, Math::number(1))]);
                start
                    .words("every principal coefficient equals ")
                    .math(sign.over(count))
                    .words(", verified for ")
                    .math(n())
                    .words(format!(" = 0…{}; together they are ", self.order))
                    .then(formula.sentence())
            }
            Ok(formula) => start
                .words("the principal part is ")
                .then(formula.sentence())
                .words(format!("; verified coefficient by coefficient to order {}", self.order)),
        }
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

/// The sentence as text.
impl fmt::Display for PrincipalPart {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.sentence().show(&Plain))
    }
}

/// The formula as text.
impl fmt::Display for PrincipalFormula {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.sentence().show(&Plain))
    }
}
