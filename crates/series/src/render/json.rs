//! The terms for programs. Keys are added but never renamed or removed.

use super::Export;
use super::document::{Content, Document};
use super::loss::{Correction, LossTerm, Rooting, corrections};
use super::notation::{Form, Notation};
use super::number::Number;
use super::spelling::{Derivatives, Spelling};
use super::stream::write_separated;
use crate::expression::Expression;
use crate::field::{PrincipalFormula, PrincipalPart, Term};
use crate::formula::{Code, JsonTree, Plain, Script, layout, zero};
use crate::series::VectorField;
use crate::tree::{TreeId, TreeTable};
use num_traits::One;
use std::io::{self, Write};

/// The terms for programs, one a line.
pub(super) struct Json;

impl Export for Json {
    fn write(&self, document: &Document, out: &mut (dyn Write + Send)) -> io::Result<()> {
        let field = document.field;
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let list =
            |names: &[String]| names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
        write!(out, "{{\"optimizer\": {}", quoted(&field.optimizer))?;
        write!(out, ", \"parameters\": [{}]", list(&field.parameters))?;
        if field.spaces.len() > 1 {
            // A game: whom each field moves.
            let player = |f: &VectorField| {
                format!("{}: {}", quoted(&f.name), quoted(&field.spaces[f.space]))
            };
            let players: Vec<String> = field.fields.iter().map(player).collect();
            write!(out, ", \"players\": {{{}}}", players.join(", "))?;
        }
        if !document.values.is_empty() {
            let pairs = document.values.iter();
            let pairs: Vec<String> =
                pairs.map(|(k, v)| format!("{}: \"{v}\"", quoted(k))).collect();
            write!(out, ", \"values\": {{{}}}", pairs.join(", "))?;
        }
        if document.start {
            out.write_all(b", \"start\": \"rest\"")?;
        }
        write!(out, ", \"order\": {}, \"terms\": [", document.order())?;
        let sizes = 1..=field.trees().max_nodes();
        let trees: Vec<(u32, TreeId)> = sizes
            .flat_map(|n| document.trees(n).into_iter().map(move |tree| (n as u32, tree)))
            .collect();
        let writer = TermWriter::new(document);
        write_separated(&trees, b',', out, |&(nodes, tree), bytes| {
            writer.write(tree, nodes as usize, bytes);
        })?;
        out.write_all(b"\n]")?;
        if let Some(verdict) = &document.verdict {
            principal_part(verdict, out)?;
            let attracting = serde_json::json!(document.field.is_attracting());
            write!(out, ", \"attracting\": {attracting}")?;
        }
        if document.content == Content::ModifiedLoss {
            modified_loss(document, out)?;
        }
        out.write_all(b"}\n")
    }
}

/// What the principal part sums to, and how far that was compared with the terms; `null` where
/// there is no closed form, or where it was not confirmed.
fn principal_part(principal: &PrincipalPart, out: &mut dyn Write) -> io::Result<()> {
    let formula = principal.formula.as_ref().ok();
    let shown = serde_json::json!(formula.map(|f| f.sentence().show(&Code::Ascii)));
    let order = serde_json::json!(principal.holds().then_some(principal.order));
    let expression = formula.map_or("null".to_string(), expression);
    write!(
        out,
        ", \"principal_part\": {{\"formula\": {shown}, \"tall_tree\": {}, \
         \"verified_to_order\": {order}, \"expression\": {expression}}}",
        principal.tall_tree
    )
}

/// The principal part as trees of [`JsonTree`].
fn expression(formula: &PrincipalFormula) -> String {
    let (field, closed) = match formula {
        PrincipalFormula::OneField(closed) => ("f", closed),
        PrincipalFormula::AllFields(closed) => ("F", closed),
        PrincipalFormula::StepMap(map) => {
            let map = map.as_ref().map_or("null".into(), |map| JsonTree.show(&map.layout()));
            return format!("{{\"step_map\": {map}}}");
        }
    };
    let names = closed.names();
    let variable = serde_json::json!(names.last());
    let argument = if closed.keeps_step() { "J" } else { "h*J" };
    let function = JsonTree.show(&layout(&closed.function(), names));
    let zero = match closed.root() {
        Expression::Root(root) => format!(", \"zero\": {}", JsonTree.show(&zero(&root, names))),
        _ => String::new(),
    };
    format!(
        "{{\"variable\": {variable}, \"argument\": \"{argument}\", \"applied_to\": \"{field}\", \
         \"function\": {function}{zero}}}"
    )
}

/// One object for each number of nodes, after the terms of the field.
fn modified_loss(document: &Document, out: &mut dyn Write) -> io::Result<()> {
    let names = document.field.variables();
    let tree = |tree: TreeId| document.tree_text(tree);
    out.write_all(b", \"modified_loss\": [")?;
    for (order, correction) in corrections(document).enumerate() {
        out.write_all(if order > 0 { b",\n" } else { b"\n" })?;
        let gradient = matches!(correction, Correction::Gradient(_));
        write!(out, "{{\"nodes\": {}, \"gradient\": {gradient}, ", order + 1)?;
        let (name, items): (&str, Vec<String>) = match correction {
            Correction::Gradient(terms) => {
                let item = |term: LossTerm| {
                    format!(
                        "{{\"h\": {}, \"tree\": {}, \"coefficient\": \"{}\", \"notation\": \"{}\"}}",
                        term.power,
                        tree(term.tree),
                        term.value.display(names),
                        Plain.show(&term.scalar)
                    )
                };
                ("terms", terms.into_iter().map(item).collect())
            }
            Correction::Obstructed(rootings) => {
                let item = |rooting: Rooting| {
                    format!(
                        "{{\"tree\": {}, \"b\": \"{}\", \"notation\": \"{}\"}}",
                        tree(rooting.tree),
                        rooting.b.display(names),
                        Plain.show(&rooting.differential)
                    )
                };
                ("obstruction", rootings.into_iter().map(item).collect())
            }
        };
        write!(out, "\"{name}\": [{}]}}", items.join(", "))?;
    }
    out.write_all(b"\n]")
}

/// Writes terms, by machine integers wherever they suffice.
struct TermWriter<'a> {
    document: &'a Document<'a>,
    derivatives: Spelling<'a, Derivatives>,
}

impl<'a> TermWriter<'a> {
    fn new(document: &'a Document<'a>) -> TermWriter<'a> {
        let trees: &TreeTable = document.field.trees();
        let names: Vec<String> = document.field.fields.iter().map(|f| f.name.clone()).collect();
        TermWriter { document, derivatives: Spelling::new(trees, Derivatives(names)) }
    }

    fn write(&self, tree: TreeId, nodes: usize, out: &mut Vec<u8>) {
        let field = self.document.field;
        if let Some(number) = self.document.number(tree, nodes) {
            if !self.document.omits(&number) {
                self.head(nodes as i32 - 1, tree, out);
                numbers(&number, out);
                self.tail(tree, nodes, field.is_principal(tree), out);
            }
            return;
        }
        for term in self.document.terms(tree, nodes) {
            self.write_term(&term, nodes, out);
        }
    }

    /// A term whose numbers do not fit machine integers, or that has parameters.
    fn write_term(&self, term: &Term, nodes: usize, out: &mut Vec<u8>) {
        let names = self.document.field.variables();
        self.head(term.h, term.tree, out);
        let b = term.b.display(names);
        // Writing a polynomial in factors takes most of the time.
        let coefficient =
            if term.symmetry.is_one() { b.clone() } else { term.coefficient.display(names) };
        out.extend_from_slice(
            format!(
                "{coefficient}\", \"{}\": \"{b}\", \"symmetry\": {}, \"density\": {}",
                self.document.weight(),
                term.symmetry,
                term.density
            )
            .as_bytes(),
        );
        self.tail(term.tree, nodes, term.principal, out);
    }

    fn head(&self, power: i32, tree: TreeId, out: &mut Vec<u8>) {
        out.extend_from_slice(b",\n{\"h\": ");
        integer(power, out);
        out.extend_from_slice(b", \"tree\": ");
        self.document.arrays.write(tree, out);
        out.extend_from_slice(b", \"coefficient\": \"");
    }

    fn tail(&self, tree: TreeId, nodes: usize, principal: bool, out: &mut Vec<u8>) {
        out.extend_from_slice(b", \"notation\": \"");
        match (self.document.notation, self.document.form) {
            (Notation::Primes, Form::Field) => self.derivatives.write(tree, out),
            _ => {
                let writer = self.document.writer();
                if writer.is_negated(nodes) {
                    out.push(b'-');
                }
                let shown = Plain.show(&writer.differential(tree));
                out.extend_from_slice(shown.as_bytes());
            }
        }
        out.extend_from_slice(if principal {
            b"\", \"principal\": true}"
        } else {
            b"\", \"principal\": false}"
        });
    }
}

/// Appends the fields from the value of `"coefficient"` to that of `"density"`.
fn numbers(number: &Number, out: &mut Vec<u8>) {
    fraction(number.coefficient, out);
    out.extend_from_slice(b"\", \"b\": \"");
    fraction(number.b, out);
    out.extend_from_slice(b"\", \"symmetry\": ");
    integer(number.symmetry, out);
    out.extend_from_slice(b", \"density\": ");
    integer(number.density, out);
}

fn integer(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn fraction((top, bottom): (i128, i128), out: &mut Vec<u8>) {
    // Formatting 64 bits is several times faster than 128.
    let wide = |value: i128, out: &mut Vec<u8>| match i64::try_from(value) {
        Ok(value) => integer(value, out),
        Err(_) => integer(value, out),
    };
    wide(top, out);
    if bottom != 1 {
        out.push(b'/');
        wide(bottom, out);
    }
}
