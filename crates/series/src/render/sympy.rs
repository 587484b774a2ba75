//! A Python module for SymPy: exact coefficients, and the field of concrete functions.

use super::Export;
use super::document::Document;
use super::spelling::{Derivatives, Spelling, Tuples};
use crate::exact::RationalFunction;
use crate::expression::Expression;
use crate::field::{PrincipalFormula, StepMap};
use crate::formula::{Code, Script, layout, zero};
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
        writeln!(out, "from sympy import Integer, Rational, Symbol, diff, log, sqrt\n")?;
        writeln!(out, "h = Symbol(\"h\")")?;
        for name in field.parameters.iter() {
            writeln!(out, "{} = Symbol(\"{name}\")", identifier(name))?;
        }
        writeln!(out, "\norder = {}", document.order())?;
        writeln!(out, "NAMES = {}", list(names.iter().map(|n| format!("\"{n}\""))))?;
        let spaces = field.fields.iter().map(|f| format!("\"{}\"", field.spaces[f.space]));
        writeln!(out, "SPACES = dict(zip(NAMES, {}))", list(spaces))?;
        writeln!(
            out,
            "\nTerm = namedtuple(\n    \"Term\", \"h tree coefficient {} symmetry density notation principal\"\n)\n",
            document.weight()
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
        if let Some(Ok(formula)) = document.verdict.as_ref().map(|part| &part.formula) {
            principal_part(formula, out)?;
        }
        let functions = [DIFFERENTIAL, &sum(document.start)].concat();
        write!(out, "{}", functions.replace("SPLIT", split))
    }
}

/// The principal part as an expression.
fn principal_part(formula: &PrincipalFormula, out: &mut dyn Write) -> io::Result<()> {
    let Some(closed) = formula.closed_form() else {
        let PrincipalFormula::StepMap(Some(map)) = formula else { return Ok(()) };
        writeln!(out, "\n# The principal part is log(step_map)/h with the last factor Df of each")?;
        writeln!(out, "# product replaced by f.")?;
        for name in &map.fields {
            writeln!(out, "D{name} = Symbol(\"D{name}\", commutative=False)")?;
        }
        let parameters = map.parameters.iter().map(|n| identifier(n)).collect();
        let map = StepMap { parameters, ..map.clone() };
        return writeln!(out, "step_map = {}", Code::SymPy.show(&map.layout()));
    };
    let names: Vec<String> = closed.names().iter().map(|n| identifier(n)).collect();
    let z = &names[names.len() - 1];
    let (argument, field) = (
        if closed.keeps_step() { "J" } else { "h*J" },
        if let PrincipalFormula::OneField(_) = formula { "f" } else { "F" },
    );
    writeln!(
        out,
        "\n# The principal part is principal_part at {z} = {argument}, times {field}; J = {field}'."
    )?;
    writeln!(
        out,
        "# Square roots are positive where h and the parameters are small and positive."
    )?;
    writeln!(out, "{z} = Symbol(\"{z}\")")?;
    if let Expression::Root(root) = closed.root() {
        writeln!(out, "# P is the root of this polynomial with P = 1 at {z} = 0.")?;
        writeln!(out, "P = Symbol(\"P\")")?;
        writeln!(out, "polynomial = {}", Code::SymPy.show(&zero(&root, &names)))?;
    }
    let function = layout(&closed.function(), &names);
    writeln!(out, "principal_part = {}", Code::SymPy.show(&function))
}

/// What the module can compute from its terms: an elementary differential.
const DIFFERENTIAL: &str = r#"

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
"#;

/// The sum of all terms, beside what `START` stands for.
const SUM: &str = r#"

def NAME(fields, variables):
    """DOC: {space: [expression, ...]}."""
    total = {space: START for space, x in variables.items()}
    for term in terms:
        space = SPACES[term.tree[0] if len(NAMES) > 1 else NAMES[0]]
        vector = differential(term.tree, fields, variables)
        for i, value in enumerate(vector):
            total[space][i] += h**term.h * term.coefficient * value
    return total
"#;

/// The function that adds up all terms, of a field or of an effective start.
fn sum(of_start: bool) -> String {
    let (name, doc, start) = if of_start {
        ("effective_start", "The start, and the sum of all terms there", "list(x)")
    } else {
        ("modified_field", "The sum of all terms", "[Integer(0)] * len(x)")
    };
    SUM.replace("NAME(", &format!("{name}(")).replace("DOC", doc).replace("START", start)
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// An exact expression: a quotient of integers would be a floating-point number in Python.
pub(super) fn expression(value: &RationalFunction, variables: &[String]) -> String {
    match value.as_rational() {
        Some(q) if q.is_integer() => format!("Integer({q})"),
        Some(q) => format!("Rational({}, {})", q.numer(), q.denom()),
        None => value.display(variables).replace('^', "**"),
    }
}

/// A parameter's name as a Python variable, with `_` appended to names that the module uses itself.
pub(super) fn identifier(name: &str) -> String {
    const TAKEN: [&str; 56] = [
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
        "effective_start",
        "len",
        "log",
        "sqrt",
        "P",
        "polynomial",
        "principal_part",
        "step_map",
    ];
    if TAKEN.contains(&name) { format!("{name}_") } else { name.to_string() }
}
