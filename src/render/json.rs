//! The terms for machines: a stable contract.

use super::Export;
use super::document::Document;
use super::notation::{Form, Notation};
use super::script::{Plain, Script};
use super::spelling::{Arrays, Derivatives, Spelling};
use super::stream::write_separated;
use crate::exact::RationalFunction;
use crate::field::Term;
use crate::tree::{TreeId, TreeTable};
use num_integer::Integer;
use std::io::{self, Write};

/// The terms for machines, one a line.
pub(super) struct Json;

impl Export for Json {
    fn write(&self, document: &Document, out: &mut (dyn Write + Send)) -> io::Result<()> {
        let field = document.field;
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let list =
            |names: &[String]| names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
        write!(out, "{{\"optimizer\": {}", quoted(&field.optimizer))?;
        write!(out, ", \"parameters\": [{}]", list(&field.parameters))?;
        if !document.values.is_empty() {
            let pairs = document.values.iter();
            let pairs: Vec<String> =
                pairs.map(|(k, v)| format!("{}: \"{v}\"", quoted(k))).collect();
            write!(out, ", \"values\": {{{}}}", pairs.join(", "))?;
        }
        write!(out, ", \"order\": {}, \"terms\": [", field.order)?;
        let sizes = 1..=field.trees().max_nodes();
        let trees: Vec<(u32, TreeId)> = sizes
            .flat_map(|n| document.trees(n).into_iter().map(move |tree| (n as u32, tree)))
            .collect();
        let writer = TermWriter::new(document);
        write_separated(&trees, b',', out, |&(nodes, tree), bytes| {
            writer.write(tree, nodes as usize, bytes);
        })?;
        out.write_all(b"\n]}\n")
    }
}

/// Writes terms, by machine integers wherever they suffice.
struct TermWriter<'a> {
    document: &'a Document<'a>,
    arrays: Spelling<'a, Arrays>,
    derivatives: Spelling<'a, Derivatives>,
    counts: Counts,
}

impl<'a> TermWriter<'a> {
    fn new(document: &'a Document<'a>) -> TermWriter<'a> {
        let trees: &TreeTable = document.field.trees();
        let names: Vec<String> = document.field.fields.iter().map(|f| f.name.clone()).collect();
        TermWriter {
            document,
            arrays: Spelling::new(trees, Arrays(names.clone())),
            derivatives: Spelling::new(trees, Derivatives(names)),
            counts: Counts::new(trees),
        }
    }

    fn write(&self, tree: TreeId, nodes: usize, out: &mut Vec<u8>) {
        let field = self.document.field;
        let machine = (self.document.tree.is_none() && field.step_parameter().is_none())
            .then(|| field.weights().b_machine(tree, nodes))
            .flatten();
        if let Some((top, bottom)) = machine {
            if top == 0 {
                return;
            }
            let counts = self.counts.of(field.trees(), tree, nodes);
            if let Some(number) = counts.and_then(|c| Number::new(top, bottom, c)) {
                self.head(nodes as i32 - 1, tree, out);
                number.write(out);
                self.tail(tree, nodes, field.is_principal(tree), out);
                return;
            }
        }
        for term in self.document.terms(tree, nodes) {
            self.write_term(&term, nodes, out);
        }
    }

    /// A term whose numbers do not fit machine integers, or that has parameters.
    fn write_term(&self, term: &Term, nodes: usize, out: &mut Vec<u8>) {
        let names = self.document.field.variables();
        let show = |value: &RationalFunction| value.display(names);
        self.head(term.h, term.tree, out);
        let (coefficient, b) = (show(&term.coefficient), show(&term.b));
        out.extend_from_slice(
            format!(
                "{coefficient}\", \"b\": \"{b}\", \"symmetry\": {}, \"density\": {}",
                term.symmetry, term.density
            )
            .as_bytes(),
        );
        self.tail(term.tree, nodes, term.principal, out);
    }

    fn head(&self, power: i32, tree: TreeId, out: &mut Vec<u8>) {
        out.extend_from_slice(b",\n{\"h\": ");
        integer(power, out);
        out.extend_from_slice(b", \"tree\": ");
        self.arrays.write(tree, out);
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
                let shown = Plain::Unicode.show(&writer.differential(tree));
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

/// `b`, `b/σ`, `σ` and `γ` in machine integers.
struct Number {
    b: (i128, i128),
    coefficient: (i128, i128),
    symmetry: u64,
    density: u64,
}

impl Number {
    /// `None` if the denominator of `b/σ` overflows. `top/bottom` is in lowest terms.
    fn new(top: i128, bottom: i128, (symmetry, density): (u64, u64)) -> Option<Number> {
        let sigma = i128::from(symmetry);
        let common = match (u64::try_from(top.unsigned_abs()), symmetry) {
            (_, 1) => 1,
            (Ok(small), _) => i128::from(small.gcd(&symmetry)),
            _ => top.gcd(&sigma),
        };
        let below = bottom.checked_mul(sigma / common)?;
        Some(Number { b: (top, bottom), coefficient: (top / common, below), symmetry, density })
    }

    /// Appends the fields from the value of `"coefficient"` to that of `"density"`.
    fn write(&self, out: &mut Vec<u8>) {
        fraction(self.coefficient, out);
        out.extend_from_slice(b"\", \"b\": \"");
        fraction(self.b, out);
        out.extend_from_slice(b"\", \"symmetry\": ");
        integer(self.symmetry, out);
        out.extend_from_slice(b", \"density\": ");
        integer(self.density, out);
    }
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

/// `σ` and `γ` of all trees but the largest; 0 where 64 bits do not hold them.
struct Counts {
    symmetry: Vec<u64>,
    density: Vec<u64>,
}

impl Counts {
    fn new(trees: &TreeTable) -> Counts {
        let mut counts = Counts { symmetry: Vec::new(), density: Vec::new() };
        for nodes in 1..trees.max_nodes().max(2) {
            for tree in trees.of_size(nodes) {
                let (symmetry, density) = counts.of(trees, tree, nodes).unwrap_or((0, 0));
                counts.symmetry.push(symmetry);
                counts.density.push(density);
            }
        }
        counts
    }

    /// `(σ, γ)` of a tree with so many nodes.
    fn of(&self, trees: &TreeTable, tree: TreeId, nodes: usize) -> Option<(u64, u64)> {
        if let Some(&symmetry) = self.symmetry.get(tree as usize) {
            return (symmetry > 0).then(|| (symmetry, self.density[tree as usize]));
        }
        let Some((rest, last)) = trees.parts(tree) else { return Some((1, 1)) };
        let known = |t: TreeId| (self.symmetry[t as usize], self.density[t as usize]);
        let ((s1, d1), (s2, d2)) = (known(rest), known(last));
        if s1 == 0 || s2 == 0 {
            return None;
        }
        let (mut copies, mut below) = (1, rest);
        while let Some((next, child)) = trees.parts(below)
            && child == last
        {
            copies += 1;
            below = next;
        }
        // γ(rest ∘ last) = |τ| γ(rest)/|rest| γ(last)
        let rest_nodes = (nodes - trees.size(last)) as u64;
        Some((
            s1.checked_mul(s2)?.checked_mul(copies)?,
            (d1 / rest_nodes).checked_mul(d2)?.checked_mul(nodes as u64)?,
        ))
    }
}
