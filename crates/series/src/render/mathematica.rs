//! An association for Mathematica.

use super::Export;
use super::document::Document;
use super::spelling::{Braces, Derivatives, Spelling};
use crate::expression::Expression;
use crate::field::{PrincipalFormula, StepMap};
use crate::formula::{Code, Math, Script, layout, zero};
use std::io::{self, Write};

/// An association that `Get` reads.
pub(super) struct Mathematica;

impl Export for Mathematica {
    fn write(&self, document: &Document, out: &mut (dyn Write + Send)) -> io::Result<()> {
        let field = document.field;
        let variables: Vec<String> = field.variables().iter().map(|n| symbol(n)).collect();
        let parameters: Vec<String> = field.parameters.iter().map(|n| symbol(n)).collect();
        let names: Vec<String> = field.fields.iter().map(|f| f.name.clone()).collect();
        writeln!(
            out,
            "(* {}; each term is h^\"h\" \"coefficient\" F[\"tree\"] *)",
            document.heading()
        )?;
        writeln!(out, "<|\"optimizer\" -> \"{}\",", field.optimizer)?;
        writeln!(out, " \"parameters\" -> {{{}}},", parameters.join(", "))?;
        writeln!(out, " \"order\" -> {},", document.order())?;
        write!(out, " \"terms\" -> {{")?;
        let braces = Spelling::new(field.trees(), Braces(names.clone()));
        let derivatives = Spelling::new(field.trees(), Derivatives(names));
        for (i, term) in document.all_terms().enumerate() {
            write!(
                out,
                "{}\n  <|\"h\" -> {}, \"tree\" -> {}, \"coefficient\" -> {}, \"{}\" -> {}, \
                 \"symmetry\" -> {}, \"density\" -> {}, \"notation\" -> \"{}\", \
                 \"principal\" -> {}|>",
                if i > 0 { "," } else { "" },
                term.h,
                braces.show(term.tree),
                term.coefficient.display(&variables),
                document.weight(),
                term.b.display(&variables),
                term.symmetry,
                term.density,
                derivatives.show(term.tree),
                if term.principal { "True" } else { "False" }
            )?;
        }
        write!(out, "\n }}")?;
        if let Some(Ok(formula)) = document.verdict.as_ref().map(|part| &part.formula) {
            principal_part(formula, out)?;
        }
        writeln!(out, "|>")
    }
}

/// `φ(z)`, where the principal part is `φ(h J)` times the field, with the polynomial that `P` is a zero
/// of where it is no formula; or the linear map of one step.
fn principal_part(formula: &PrincipalFormula, out: &mut dyn Write) -> io::Result<()> {
    let code = |formula: &Math| Code::Mathematica.show(formula);
    let Some(closed) = formula.closed_form() else {
        let PrincipalFormula::StepMap(Some(map)) = formula else { return Ok(()) };
        let parameters = map.parameters.iter().map(|n| symbol(n)).collect();
        let map = StepMap { parameters, ..map.clone() };
        return write!(out, ",\n \"stepMap\" -> {}", code(&map.layout()));
    };
    let names: Vec<String> = closed.names().iter().map(|n| symbol(n)).collect();
    let z = &names[names.len() - 1];
    write!(out, ",\n \"variable\" -> {z},\n \"principalPart\" -> ")?;
    write!(out, "{}", code(&layout(&closed.function(), &names)))?;
    if let Expression::Root(root) = closed.root() {
        write!(out, ",\n \"zero\" -> {}", code(&zero(&root, &names)))?;
    }
    Ok(())
}

/// A parameter's name as a symbol: `_` is a pattern there, and capitals may be built in.
pub(super) fn symbol(name: &str) -> String {
    let name = name.replace('_', "$");
    if name.starts_with(|c: char| c.is_uppercase()) { format!("p${name}") } else { name }
}
