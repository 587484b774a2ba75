//! The modified loss, order by order.

use super::document::Document;
use super::equation::Row;
use super::notation::{Form, Notation, Writer};
use crate::exact::RationalFunction;
use crate::field::{Potential, potential};
use crate::formula::Coefficient;
use crate::formula::{Bracket, Math};
use crate::tree::TreeId;

/// The terms with one number of nodes: part of a loss, or not.
pub(super) enum Correction {
    /// They are `-∇` of the sum of these.
    Gradient(Vec<LossTerm>),
    /// They are not: these differ although they come from one free tree.
    Obstructed(Box<[Rooting; 2]>),
}

/// The rows of the equation for the modified loss: the corrections that are gradients.
pub(super) fn rows(corrections: Vec<Correction>) -> Vec<Row> {
    let gradients = corrections.into_iter().filter_map(|c| match c {
        Correction::Gradient(terms) if !terms.is_empty() => Some(terms),
        _ => None,
    });
    let row = |terms: Vec<LossTerm>| {
        let common = (terms.len() > 1 && terms.iter().all(|t| t.power == terms[0].power))
            .then(|| terms[0].power);
        let terms = terms.into_iter().map(|term| {
            let power = if common.is_some() { 0 } else { term.power };
            let coefficient = term.coefficient.times_step(power);
            let mut factors = vec![term.scalar];
            if !coefficient.is_unit() {
                factors.insert(0, coefficient.magnitude());
            }
            (coefficient.negative, factors)
        });
        let terms = terms.collect();
        let step = |power: i32| Math::power(Math::name("h"), power.into());
        Row { factor: common.filter(|&power| power != 0).map(step), terms, principal: 0 }
    };
    gradients.map(row).collect()
}

/// For every correction that is no gradient a sentence, its formulas written by `show`.
pub(super) fn obstructions(
    document: &Document,
    corrections: &[Correction],
    show: impl Fn(&Math) -> String,
) -> Vec<String> {
    let names = document.field.variables();
    let weight = |rooting: &Rooting| show(&Coefficient::new(&rooting.b, names).signed());
    let sentence = |(i, correction): (usize, &Correction)| match correction {
        Correction::Gradient(_) => None,
        Correction::Obstructed(rootings) => {
            let [first, second] = &**rootings;
            Some(format!(
                "The terms of {} nodes are not a gradient: {} and {} come from one free tree, but their \
             weights b are {} and {}.",
                i + 1,
                show(&first.differential),
                show(&second.differential),
                weight(first),
                weight(second),
            ))
        }
    };
    corrections.iter().enumerate().filter_map(sentence).collect()
}

/// `± coefficient · h^power · scalar`.
pub(super) struct LossTerm {
    pub tree: TreeId,
    pub power: i32,
    pub value: RationalFunction,
    pub coefficient: Coefficient,
    pub scalar: Math,
}

/// One way to root a free tree, and its weight.
pub(super) struct Rooting {
    pub tree: TreeId,
    pub b: RationalFunction,
    pub differential: Math,
}

/// The corrections of one to `order + 1` nodes. The field must have a single vector field, and all
/// its trees.
pub(super) fn corrections<'d>(document: &'d Document) -> impl Iterator<Item = Correction> + 'd {
    let field = document.field;
    let writer = Writer::new(field, Notation::Primes, Form::Gradient);
    let names = field.variables();
    (1..=field.trees().max_nodes()).map(move |nodes| match potential(field.weights(), nodes) {
        Potential::Gradient(terms) => Correction::Gradient(
            terms
                .into_iter()
                .flat_map(|(tree, value)| {
                    let parts = field.by_power(nodes, value).into_iter();
                    parts.map(move |(power, value)| (tree, power, value))
                })
                .map(|(tree, power, value)| LossTerm {
                    tree,
                    power,
                    coefficient: Coefficient::new(&value, names),
                    value,
                    scalar: scalar(document, &writer, tree),
                })
                .collect(),
        ),
        Potential::Obstructed { first, second } => {
            Correction::Obstructed(Box::new([first, second].map(|(tree, b)| Rooting {
                tree,
                b,
                differential: writer.differential(tree),
            })))
        }
    })
}

/// The full contraction `S(t)` of derivatives of `E`, `t` rooted at `tree`.
fn scalar(document: &Document, writer: &Writer, tree: TreeId) -> Math {
    let trees = document.field.trees();
    let children: Vec<Math> =
        trees.children(tree).into_iter().map(|child| writer.differential(child)).collect();
    let square = |vector: &Math| Math::power(Math::Norm(Box::new(vector.clone())), 2);
    match &children[..] {
        [] => Math::name("E"),
        [one] => square(one),
        // vᵀ H v for equal branches would be written with the same brackets.
        [_, _] => Math::Apply(Box::new(Math::name("H")), children, Bracket::Square),
        _ => {
            let derivative = Math::Row(vec![Math::Nabla(children.len()), Math::name("E")]);
            Math::Apply(Box::new(derivative), children, Bracket::Square)
        }
    }
}
