//! An association for Mathematica.

use super::Export;
use super::document::Document;
use super::spelling::{Braces, Derivatives, Spelling};
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
        writeln!(out, " \"order\" -> {},", field.order)?;
        write!(out, " \"terms\" -> {{")?;
        let braces = Spelling::new(field.trees(), Braces(names.clone()));
        let derivatives = Spelling::new(field.trees(), Derivatives(names));
        for (i, term) in document.all_terms().enumerate() {
            write!(
                out,
                "{}\n  <|\"h\" -> {}, \"tree\" -> {}, \"coefficient\" -> {}, \"b\" -> {}, \
                 \"symmetry\" -> {}, \"density\" -> {}, \"notation\" -> \"{}\", \
                 \"principal\" -> {}|>",
                if i > 0 { "," } else { "" },
                term.h,
                braces.show(term.tree),
                term.coefficient.display(&variables),
                term.b.display(&variables),
                term.symmetry,
                term.density,
                derivatives.show(term.tree),
                if term.principal { "True" } else { "False" }
            )?;
        }
        writeln!(out, "\n }}|>")
    }
}

/// A parameter's name as a symbol: `_` is a pattern there, and capitals may be built in.
fn symbol(name: &str) -> String {
    let name = name.replace('_', "$");
    if name.starts_with(|c: char| c.is_uppercase()) { format!("p${name}") } else { name }
}
