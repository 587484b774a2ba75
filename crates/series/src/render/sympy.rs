//! A Python module for SymPy: exact coefficients, and the field of concrete functions.

use super::Export;
use super::document::Document;
use super::spelling::{Derivatives, Spelling, Tuples};
use crate::exact::RationalFunction;
use std::io::{self, Write};

/// A Python module.
pub(super) struct SymPy;

impl Export for SymPy {
    fn write(&self, document: &Document, out: &mut (dyn Write + Send)) -> io::Result<()> {
        let field = document.field;
        let variables: Vec<String> = field.variables().iter().map(|n| identifier(n)).collect();
        let names: Vec<String> = field.fields.iter().map(|f| f.name.clone()).collect();
        let (node, split) = match names.len() {
            1 => ("A tree is the tuple of its subtrees, () is one node", "NAMES[0], tree"),
            _ => ("A tree is its field's name and the tuple of its subtrees", "tree"),
        };
        writeln!(out, "\"\"\"{}.\n", document.heading())?;
        writeln!(out, "Each term is h**h * coefficient * F(tree). {node}.\n\"\"\"\n")?;
        writeln!(out, "from collections import namedtuple")?;
        writeln!(out, "from itertools import product\n")?;
        writeln!(out, "from sympy import Integer, Rational, Symbol, diff\n")?;
        writeln!(out, "h = Symbol(\"h\")")?;
        for name in field.parameters.iter() {
            writeln!(out, "{} = Symbol(\"{name}\")", identifier(name))?;
        }
        writeln!(out, "\norder = {}", field.order)?;
        writeln!(out, "NAMES = {}", list(names.iter().map(|n| format!("\"{n}\""))))?;
        let spaces = field.fields.iter().map(|f| format!("\"{}\"", field.spaces[f.space]));
        writeln!(out, "SPACES = dict(zip(NAMES, {}))", list(spaces))?;
        writeln!(
            out,
            "\nTerm = namedtuple(\n    \"Term\", \"h tree coefficient b symmetry density notation principal\"\n)\n"
        )?;
        writeln!(out, "terms = [")?;
        let tuples = Spelling::new(field.trees(), Tuples(names.clone()));
        let derivatives = Spelling::new(field.trees(), Derivatives(names));
        for term in document.all_terms() {
            writeln!(
                out,
                "    Term({}, {}, {}, {}, {}, {}, \"{}\", {}),",
                term.h,
                tuples.show(term.tree),
                expression(&term.coefficient, &variables),
                expression(&term.b, &variables),
                term.symmetry,
                term.density,
                derivatives.show(term.tree),
                if term.principal { "True" } else { "False" }
            )?;
        }
        writeln!(out, "]")?;
        write!(out, "{}", FUNCTIONS.replace("SPLIT", split))
    }
}

/// What the module can compute from its terms.
const FUNCTIONS: &str = r#"

def differential(tree, fields, variables):
    """F(tree) of the fields {name: [expression, ...]} in the variables {space: [symbol, ...]}."""
    name, children = SPLIT
    vectors = [differential(child, fields, variables) for child in children]
    along = [variables[SPACES[child[0] if len(NAMES) > 1 else NAMES[0]]] for child in children]
    result = []
    for component in fields[name]:
        total = Integer(0)
        for indices in product(*(range(len(x)) for x in along)):
            value = component
            for x, i in zip(along, indices):
                value = diff(value, x[i])
            for vector, i in zip(vectors, indices):
                value *= vector[i]
            total += value
        result.append(total)
    return result


def modified_field(fields, variables):
    """The sum of all terms: {space: [expression, ...]}."""
    total = {space: [Integer(0)] * len(x) for space, x in variables.items()}
    for term in terms:
        space = SPACES[term.tree[0] if len(NAMES) > 1 else NAMES[0]]
        vector = differential(term.tree, fields, variables)
        for i, value in enumerate(vector):
            total[space][i] += h**term.h * term.coefficient * value
    return total
"#;

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// An exact expression: a quotient of integers would be a floating-point number in Python.
fn expression(value: &RationalFunction, variables: &[String]) -> String {
    match value.as_rational() {
        Some(q) if q.is_integer() => format!("Integer({q})"),
        Some(q) => format!("Rational({}, {})", q.numer(), q.denom()),
        None => value.display(variables).replace('^', "**"),
    }
}

/// A parameter's name as a Python variable that hides nothing of this module.
fn identifier(name: &str) -> String {
    const TAKEN: [&str; 49] = [
        "False",
        "None",
        "True",
        "and",
        "as",
        "assert",
        "async",
        "await",
        "break",
        "class",
        "continue",
        "def",
        "del",
        "elif",
        "else",
        "except",
        "finally",
        "for",
        "from",
        "global",
        "if",
        "import",
        "in",
        "is",
        "lambda",
        "nonlocal",
        "not",
        "or",
        "pass",
        "raise",
        "return",
        "try",
        "while",
        "with",
        "yield",
        "Integer",
        "Rational",
        "Symbol",
        "Term",
        "NAMES",
        "SPACES",
        "diff",
        "order",
        "product",
        "terms",
        "namedtuple",
        "differential",
        "modified_field",
        "len",
    ];
    if TAKEN.contains(&name) { format!("{name}_") } else { name.to_string() }
}
