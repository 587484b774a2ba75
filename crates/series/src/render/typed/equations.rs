//! The equations of a field, laid out, with names for what they repeat.

use super::TypedDocument;
use super::abbreviation::{Definition, abbreviate};
use super::layout::{Signed, Writer};
use crate::formula::Math;

/// Before the rows of an equation stands what is on its left.
const LEFT: f64 = 6.0;

/// Definitions, and for each coordinate the left side and the terms by powers of `h`.
pub(super) struct Equations {
    /// What is named, and whether that is more than the vectors of the field of order 0.
    pub definitions: Vec<Definition>,
    pub is_abbreviated: bool,
    pub coordinates: Vec<(Math, Vec<Vec<Signed>>)>,
    /// How wide a line is, the left side aside.
    pub line: f64,
}

impl Equations {
    pub fn new(document: &TypedDocument) -> Equations {
        let field = document.field;
        let writer = Writer::new(field);
        let mut definitions = writer.definitions();
        let mut coordinates: Vec<(Math, Vec<Vec<Signed>>)> = field
            .coordinates
            .iter()
            // Where no order is a gradient, there is no equation.
            .filter(|c| document.potentials.is_none() || !c.terms.is_empty())
            .map(|c| {
                let orders = match document.potentials {
                    None => writer.orders(c, field.order),
                    // The terms of a loss are told apart.
                    Some(_) => vec![c.terms.iter().map(|term| writer.alone(term)).collect()],
                };
                (document.left(c), orders)
            })
            .collect();
        let named = definitions.len();
        let line = document.line as f64 - LEFT;
        let mut taken: Vec<String> = field.coordinates.iter().map(|c| c.name.clone()).collect();
        taken.extend(["g", "h", "u", "v", "w", "z"].map(String::from));
        let mut formulas: Vec<&mut Math> = coordinates
            .iter_mut()
            .flat_map(|(_, orders)| orders.iter_mut().flatten().map(|(_, term)| term))
            .collect();
        abbreviate(&mut definitions, &mut formulas, &field.parameters, &taken, line);
        let is_abbreviated = definitions.len() > named;
        Equations { definitions, is_abbreviated, coordinates, line }
    }
}
