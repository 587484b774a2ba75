//! A modified loss, and the orders that are no gradient.

use super::TypedDocument;
use super::layout::Writer;
use super::text::sign;
use crate::formula::Math;
use crate::typed::{Shape, TypedCoordinate, TypedField, TypedPotential, TypedTerm};

/// The most terms that are shown of what is not symmetric.
const MAX_SHOWN: usize = 6;

/// The loss as a field of one number, named `E`.
pub(super) fn of(field: &TypedField, potentials: &[TypedPotential]) -> TypedField {
    let terms = potentials.iter().flat_map(|potential| match potential {
        TypedPotential::Gradient(terms) => terms.clone(),
        _ => Vec::new(),
    });
    let terms = terms.collect();
    let loss = TypedCoordinate { name: "E".into(), shape: Shape::Number, terms };
    TypedField { coordinates: vec![loss], ..field.clone() }
}

/// For every order that is no gradient a sentence, its formulas written by `show`.
pub(super) fn obstructions(
    document: &TypedDocument,
    show: impl Fn(&Math) -> String,
) -> Vec<String> {
    let sentence = |(power, potential): (usize, &TypedPotential)| {
        let order = show(&Math::power(Math::name("h"), power as i64));
        let terms =
            if power == 0 { "The terms without h".into() } else { format!("The terms of {order}") };
        match potential {
            TypedPotential::Gradient(_) => None,
            TypedPotential::Unknown => {
                Some(format!("{terms} are not known to be a gradient: no potential was found."))
            }
            TypedPotential::Obstructed(gap) if gap.len() > MAX_SHOWN => {
                Some(format!("{terms} are not a gradient: their Jacobian is not symmetric."))
            }
            TypedPotential::Obstructed(gap) => {
                let writer = Writer::unnamed(document.field);
                let plain = |term: &TypedTerm| {
                    let (negative, term) = writer.term(&term.coefficient, 0, &[&term.factors]);
                    (negative, show(&term))
                };
                let shown = gap
                    .iter()
                    .map(plain)
                    .enumerate()
                    .map(|(i, (negative, term))| format!("{}{term}", sign(negative, i == 0)));
                let [v, w] = ["v", "w"].map(|name| show(&Math::name(name)));
                Some(format!(
                    "{terms} are not a gradient: their Jacobian J is not symmetric, {w}·J[{v}] - {v}·J[{w}] = {}.",
                    shown.collect::<Vec<_>>().join(" ")
                ))
            }
        }
    };
    let potentials = document.potentials.unwrap_or_default();
    potentials.iter().enumerate().filter_map(sentence).collect()
}
