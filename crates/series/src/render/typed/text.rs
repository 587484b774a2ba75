//! An equation for the terminal.

use super::TypedDocument;
use super::abbreviation::Definition;
use super::equations::Equations;
use super::layout::Writer;
use super::loss::obstructions;
use crate::formula::{Bracket, Math, Plain, Script};
use crate::render::text::columns;
use crate::typed::{Elementary, Factor, Factors, MatrixFunction, TypedField};
use std::io::{self, Write};

/// An equation for the terminal, wrapped to its width.
pub(super) fn write(document: &TypedDocument, out: &mut dyn Write) -> io::Result<()> {
    let equations = Equations::new(document);
    writeln!(out, "{}", document.heading())?;
    for line in legend(document, &equations.definitions, |math| Plain.show(math)) {
        wrapped("", &line, "", document.width, out)?;
    }
    for (left, orders) in &equations.coordinates {
        let velocity = Plain.show(left);
        writeln!(out)?;
        let mut first = true;
        for order in orders {
            for term in order {
                let start = if first { format!("{velocity} = ") } else { "  ".to_string() };
                let text = format!("{}{}", sign(term.0, first), Plain.show(&term.1));
                wrapped(&start, &text, "    ", document.width, out)?;
                first = false;
            }
        }
        if first {
            writeln!(out, "{velocity} = 0")?;
        }
        writeln!(out, "  + {}", Plain.show(&document.rest()))?;
    }
    for sentence in obstructions(document, |math| Plain.show(math)) {
        writeln!(out)?;
        wrapped("", &sentence, "", document.width, out)?;
    }
    Ok(())
}

/// The sign before a term.
pub(super) fn sign(negative: bool, first: bool) -> &'static str {
    match (negative, first) {
        (true, true) => "-",
        (true, false) => "- ",
        (false, true) => "",
        (false, false) => "+ ",
    }
}

/// What the symbols mean, and where the field holds.
pub(super) fn legend(
    document: &TypedDocument,
    definitions: &[Definition],
    show: impl Fn(&Math) -> String,
) -> Vec<String> {
    let field = document.field;
    let mut symbols =
        vec![show(&Math::name("g").equals(Math::Row(vec![Math::Nabla(1), Math::name("E")])))];
    if field.order > 0 {
        let hessian = Math::Row(vec![Math::Nabla(2), Math::name("E")]);
        symbols.push(show(&Math::name("H").equals(hessian)));
    }
    symbols.extend(
        definitions.iter().map(|(name, value)| show(&Math::name(name).equals(value.clone()))),
    );
    if let (Some(_), [loss]) = (document.potentials, &field.coordinates[..])
        && !loss.terms.is_empty()
    {
        let slope = Math::Row(vec![Math::Nabla(1), Math::Modified(loss.name.clone())]);
        let flow = Math::Velocity("theta".into(), None).equals(Math::Sum(vec![(true, slope)]));
        symbols.push(format!("the flow is {}", show(&flow)));
    }
    let mut lines = vec![format!(
        "{}; products, powers and functions of vectors are taken entry by entry",
        symbols.join(", ")
    )];
    let (kinks, writer) = (kinks(field), Writer::unnamed(field));
    if !kinks.is_empty() {
        let places: Vec<String> =
            kinks
                .iter()
                .map(|sum| {
                    show(&writer.vector(&vec![(
                        Factor::Base(sum.clone()),
                        crate::typed::Exponent::integer(1),
                    )]))
                })
                .collect();
        lines.push(format!(
            "not smooth: the field holds where no entry of {} is 0; `sign`, `abs`, `min`, `max` and `clip` are \
             differentiated away from their kinks",
            places.join(" or ")
        ));
    } else if !field.kinks.is_empty() {
        lines.push(
            "not smooth: `sign`, `abs`, `min`, `max` and `clip` are differentiated away from their kinks".into(),
        );
    }
    if field.coordinates.iter().any(|c| c.terms.iter().any(|t| has_step(&t.factors))) {
        lines.push("step(x) is 1 where x > 0 and 0 where x < 0".into());
    }
    lines.extend(matrices(field, show));
    lines
}

/// What the functions of matrices in a field are.
fn matrices(field: &TypedField, show: impl Fn(&Math) -> String) -> Option<String> {
    let (mut polar, mut root, mut product, mut derivative) = (false, false, false, false);
    for term in field.coordinates.iter().flat_map(|c| &c.terms) {
        walk(&term.factors, &mut |factor| match factor {
            Factor::Frechet(function, _, along) => {
                polar |= *function == MatrixFunction::Polar;
                root |= *function != MatrixFunction::Polar;
                derivative |= !along.is_empty();
            }
            Factor::Chain(_) => product = true,
            _ => {}
        });
    }
    let power = |primes| {
        let [matrix, degree] = ["M", "k"].map(|name| Box::new(Math::name(name)));
        Math::InverseRoot(matrix, degree, primes)
    };
    let of_power = Math::Apply(Box::new(power(1)), vec![Math::name("X")], Bracket::Square);
    let of_power = if root { format!(" or {}", show(&of_power)) } else { String::new() };
    let parts = [
        (polar, "`polar(G)` is the orthogonal polar factor of the matrix `G`".to_string()),
        (root, format!("{} is the power `-1/k` of the matrix `M`", show(&power(0)))),
        (
            derivative,
            format!(
                "`F'(G)[X]`{of_power} is the Fréchet derivative of a function of matrices along `X`"
            ),
        ),
        (product, "`matmul(A, B)` is the product of matrices".to_string()),
    ];
    let parts: Vec<String> =
        parts.into_iter().filter(|(is, _)| *is).map(|(_, text)| text).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn has_step(factors: &Factors) -> bool {
    let mut found = false;
    walk(factors, &mut |factor| {
        found |= matches!(factor, Factor::Function(Elementary::Positive, _))
    });
    found
}

/// The arguments of signs and steps.
fn kinks(field: &TypedField) -> Vec<std::sync::Arc<crate::typed::Terms>> {
    let mut found: Vec<std::sync::Arc<crate::typed::Terms>> = Vec::new();
    for term in field.coordinates.iter().flat_map(|c| &c.terms) {
        walk(&term.factors, &mut |factor| {
            if let Factor::Function(Elementary::Sign | Elementary::Positive, sum) = factor
                && !found.contains(sum)
            {
                found.push(sum.clone());
            }
        });
    }
    found
}

fn walk(factors: &Factors, visit: &mut impl FnMut(&Factor)) {
    for (factor, _) in factors {
        visit(factor);
        match factor {
            Factor::Gradient(arguments) => arguments.iter().for_each(|a| walk(a, visit)),
            Factor::Base(sum) | Factor::Function(_, sum) => {
                sum.iter().for_each(|(_, factors)| walk(factors, visit));
            }
            Factor::Entries(inner) => walk(inner, visit),
            Factor::Chain(factors) => factors.iter().for_each(|(x, _)| walk(x, visit)),
            Factor::Frechet(_, base, along) => {
                base.iter().for_each(|(_, factors)| walk(factors, visit));
                along.iter().for_each(|direction| walk(direction, visit));
            }
            Factor::Coordinate(_) | Factor::Dimension | Factor::Loss | Factor::Identity => {}
        }
    }
}

/// A line that begins so, broken between words, the later lines indented.
fn wrapped(
    start: &str,
    text: &str,
    indent: &str,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    write!(out, "{start}")?;
    let mut column = columns(start);
    for (i, word) in text.split(' ').enumerate() {
        if i > 0 && column + 1 + columns(word) > width {
            write!(out, "\n{indent}")?;
            column = columns(indent);
        } else if i > 0 {
            write!(out, " ")?;
            column += 1;
        }
        write!(out, "{word}")?;
        column += columns(word);
    }
    writeln!(out)
}
