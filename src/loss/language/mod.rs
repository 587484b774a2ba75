//! The loss language.
//!
//! A loss is a formula, `(1-x)^2 + 100*(y-x^2)^2`, whose free names are the variables in the order in
//! which they appear, or a definition:
//!
//! ```text
//! # Rosenbrock's banana function
//! loss rosenbrock(a = 1, b = 100) {
//!   variables x in -2..2, y in -1..3;
//!   start -1, 1;
//!   minimum a, a^2;
//!   (a - x)^2 + b*(y - x^2)^2
//! }
//! ```
//!
//! | | |
//! |---|---|
//! | `name(a, b = 100)` | parameters, set by `--set b=10`; exact numbers or arrays `[[2, 0], [0, 1]]` |
//! | `variables x in -2..2, w[3], M[2, 3];` | coordinates of `θ` in this order, and the box a plot shows |
//! | `data X, t = iris;` | a table that comes with the program: its inputs (a matrix) and its targets |
//! | `start …;` `minimum …;` | where to start; a point where the loss is least (several lines for several) |
//! | | with the defaults of all parameters, unless the point speaks of parameters: then it follows them |
//! | `let r = …;` | a name for an expression |
//!
//! Numbers are exact: `0.1` is 1/10. Operators are `+ - * / ^`; arrays are combined entry by entry, and
//! with numbers. `x[i]`, `M[i, j]` count from 0. `[1, 2]`, `[for i in 0..2: i^2]` are arrays.
//! `sum(i in 0..2: x[i]^2)` includes both ends; `sum(a)`, `mean(a)`, `len(a)`, `dot(a, b)` take arrays.
//! `where(x < 0, a, b)` is `a` where the condition holds. The functions of one argument are those of
//! [`Function`], and `sqrt`; `max` and `min` take two or more; `pi` is a constant.
//!
//! [`Function`]: super::Function

mod lower;
mod read;
mod syntax;

use super::graph::{Expr, Graph};
use crate::exact::Rational;
use crate::optimizer::near;
use crate::source::{Source, SourceError};
use lower::{Discovery, Lowering, Value};
use std::collections::{BTreeMap, BTreeSet};
use syntax::{Definition, Expression, Name};

/// The most coordinates of a loss.
pub const MAX_VARIABLES: usize = 100_000;

/// Half the width of the box that a plot shows of a coordinate that has no domain.
const DEFAULT_DOMAIN: f64 = 2.0;

/// A loss: a formula over named variables.
#[derive(Clone)]
pub struct Loss {
    /// Its name; the formula itself if it has none.
    pub name: String,
    /// The comment above its definition.
    pub doc: String,
    /// The names of the coordinates of `θ`; variable `i` of the graph is `variables[i]`.
    pub variables: Vec<String>,
    /// The box that a plot shows, one interval a coordinate.
    pub domain: Vec<(f64, f64)>,
    /// A point to start from.
    pub start: Option<Vec<f64>>,
    /// Points where the loss is least, as far as they are known: a point that a definition gives for
    /// the defaults of its parameters is left out if one of them was set.
    pub minima: Vec<Vec<f64>>,
    graph: Graph,
    expression: Expr,
}

impl Loss {
    /// The loss of a bare formula, or the only loss that a text defines. `settings` are values of
    /// parameters, or of free names of a formula, in the language (`1/2`, `[1, 2]`).
    ///
    /// # Errors
    /// Syntax errors, unknown names, arrays that do not fit; a text with several losses; a parameter
    /// without a value; a setting for something that is not a parameter.
    ///
    /// ```
    /// use bea::{loss::Loss, source::Source};
    /// let source = Source::new("command line", "(a-x)^2 + 100*(y-x^2)^2");
    /// let loss = Loss::parse(&source, &[("a".into(), "1".into())].into())?;
    /// assert_eq!(loss.variables, ["x", "y"]);
    /// assert_eq!(loss.value(&[0.5, 0.25]), 0.25);
    /// # Ok::<(), bea::source::SourceError>(())
    /// ```
    pub fn parse(
        source: &Source,
        settings: &BTreeMap<String, String>,
    ) -> Result<Loss, SourceError> {
        if is_definition(&source.text) {
            let mut found = read::file(source)?;
            if let [_, second, ..] = found.as_slice() {
                return Err(source.fault(
                    second.name.span.clone(),
                    "the text defines several losses",
                    "the second one",
                    Some("choose one by its name: `file.bea:name`".into()),
                ));
            }
            return defined(source, &found.swap_remove(0), settings);
        }
        formula(source, settings)
    }

    /// The graph that holds the formula; variable `i` is `variables[i]`.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The formula in [`Loss::graph`].
    pub fn expression(&self) -> Expr {
        self.expression
    }

    /// The graph and the formula, to derive more in.
    pub fn into_parts(self) -> (Graph, Expr) {
        (self.graph, self.expression)
    }

    /// The loss at a point.
    pub fn value(&self, point: &[f64]) -> f64 {
        let program = super::Program::new(&self.graph, self.variables.len(), &[self.expression]);
        let mut out = [0.0];
        program.evaluate(point, &mut out, &mut Vec::new());
        out[0]
    }
}

/// The names of the losses that a text defines, in order, and what the comments above them say.
///
/// # Errors
/// Syntax errors.
pub fn names_in(source: &Source) -> Result<Vec<(String, String)>, SourceError> {
    Ok(read::file(source)?.into_iter().map(|d| (d.name.text, d.doc)).collect())
}

/// The loss of that name among those that a text defines; `None` if there is none.
///
/// # Errors
/// See [`Loss::parse`].
pub fn named(
    source: &Source,
    name: &str,
    settings: &BTreeMap<String, String>,
) -> Result<Option<Loss>, SourceError> {
    let found = read::file(source)?.into_iter().find(|d| d.name.text == name);
    found.map(|d| defined(source, &d, settings)).transpose()
}

/// A point as people write it: `-1, 1` or `x = -1, y = 1`, constants of the language, arrays
/// flattened.
///
/// # Errors
/// Syntax errors, unknown or missing coordinates, a wrong number of them.
pub fn point(source: &Source, variables: &[String]) -> Result<Vec<f64>, SourceError> {
    let text = &source.text;
    let mut values: Vec<Option<f64>> = vec![None; variables.len()];
    let mut next = 0;
    let mut at = 0;
    for item in split_top_level(text) {
        let start = at + (item.len() - item.trim_start().len());
        let span = start..start + item.trim().len();
        at += item.len() + 1;
        let (name, value) = match item.split_once('=') {
            Some((name, value)) => (Some(name.trim()), value),
            None => (None, item),
        };
        let offset = span.end - value.trim_start().trim_end().len();
        // Blanks keep the places of the text.
        let padded = format!("{}{}", " ".repeat(offset), value.trim());
        let piece = Source::new(source.name.clone(), padded);
        let numbers = numbers(&piece)?;
        let first = match name {
            None => next,
            Some(name) => {
                let same = |v: &String| v == name || v.starts_with(&format!("{name}["));
                variables.iter().position(same).ok_or_else(|| {
                    let known: Vec<&str> = variables.iter().map(String::as_str).collect();
                    let help = near::advice(name, &known);
                    let message = format!("there is no variable `{name}`");
                    source.fault(span.clone(), message, "not a variable", help)
                })?
            }
        };
        for (i, value) in numbers.into_iter().enumerate() {
            if let Some(slot) = values.get_mut(first + i) {
                *slot = Some(value);
            }
            next = next.max(first + i + 1);
        }
    }
    let given = values.iter().flatten().count();
    if next > variables.len() || given < variables.len() {
        let names = match variables.len() {
            0..=12 => format!(" ({})", variables.join(", ")),
            _ => String::new(),
        };
        return Err(source.fault(
            0..text.len(),
            format!("a point has {} coordinates{names}, not {}", variables.len(), next.max(given)),
            "this point",
            Some("separate coordinates with `,`, or name them: `x=-1, y=1`".into()),
        ));
    }
    Ok(values.into_iter().flatten().collect())
}

/// The parts of a list between commas that are in no bracket.
fn split_top_level(text: &str) -> Vec<&str> {
    let (mut depth, mut from, mut parts) = (0_i32, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

/// Whether a text starts with `loss`, after blanks and comments.
fn is_definition(text: &str) -> bool {
    let mut lines = text.trim_start_matches('\u{FEFF}').lines().map(str::trim_start);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
    first.and_then(|line| line.strip_prefix("loss")).is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_whitespace())
            && rest.trim_start().starts_with(|c: char| c.is_alphabetic() || c == '_')
    })
}

/// The numbers of a constant value.
fn numbers(source: &Source) -> Result<Vec<f64>, SourceError> {
    let expression = read::constant(source)?;
    let mut graph = Graph::new();
    let mut lowering =
        Lowering { source, graph: &mut graph, names: Vec::new(), discovery: None, count: 0 };
    let value = lowering.any(&expression)?;
    let mut flat = Vec::new();
    value.flat(&mut flat);
    Ok(evaluate(&graph, &flat))
}

/// The values of expressions without variables.
fn evaluate(graph: &Graph, constants: &[Expr]) -> Vec<f64> {
    let mut out = vec![0.0; constants.len()];
    super::Program::new(graph, 0, constants).evaluate(&[], &mut out, &mut Vec::new());
    out
}

/// The value of `--set name=text`.
fn setting(graph: &mut Graph, name: &str, text: &str) -> Result<Value, SourceError> {
    let source = Source::new(format!("--set {name}"), text);
    let expression = read::constant(&source)?;
    Lowering { source: &source, graph, names: Vec::new(), discovery: None, count: 0 }
        .any(&expression)
}

/// A coordinate's names: `x`, or `x[0]`, `x[1]`, …; and the value that the name stands for.
fn coordinates(
    graph: &mut Graph,
    name: &str,
    shape: &[usize],
    variables: &mut Vec<String>,
) -> Value {
    fn build(
        graph: &mut Graph,
        name: &str,
        index: &str,
        shape: &[usize],
        out: &mut Vec<String>,
    ) -> Value {
        let Some((size, rest)) = shape.split_first() else {
            out.push(if index.is_empty() { name.into() } else { format!("{name}[{index}]") });
            return Value::Scalar(graph.variable(out.len() as u32 - 1));
        };
        let items = (0..*size).map(|i| {
            let index = if index.is_empty() { i.to_string() } else { format!("{index},{i}") };
            build(graph, name, &index, rest, out)
        });
        Value::Array(items.collect())
    }
    build(graph, name, "", shape, variables)
}

fn formula(source: &Source, settings: &BTreeMap<String, String>) -> Result<Loss, SourceError> {
    let body = read::formula(source)?;
    let mut graph = Graph::new();
    let mut set = Vec::new();
    for (name, text) in settings {
        set.push((name.clone(), setting(&mut graph, name, text)?));
    }
    let mut scratch = graph.clone();
    let discovery = Some(Discovery { found: Vec::new(), used: BTreeSet::new() });
    let mut lowering =
        Lowering { source, graph: &mut scratch, names: set.clone(), discovery, count: 0 };
    lowering.body(&body)?;
    let Discovery { found, used } = lowering.discovery.expect("set above");
    if let Some(unknown) = settings.keys().find(|name| !used.contains(*name)) {
        let known: Vec<&str> = found.iter().map(|(name, ..)| name.as_str()).collect();
        return Err(source.fault(
            0..source.text.len(),
            format!("--set {unknown}: the formula has no `{unknown}`"),
            "this formula",
            near::advice(unknown, &known),
        ));
    }
    let mut variables = Vec::new();
    let mut names = set;
    for (name, shape, span) in found {
        let size = shape.iter().product::<usize>();
        if variables.len() + size > MAX_VARIABLES {
            let message = format!("a loss has at most {MAX_VARIABLES} variables");
            return Err(source.fault(span, message, "too many with this one", None));
        }
        let value = coordinates(&mut graph, &name, &shape, &mut variables);
        names.push((name, value));
    }
    let mut lowering = Lowering { source, graph: &mut graph, names, discovery: None, count: 0 };
    let expression = lowering.body(&body)?;
    let domain = vec![(-DEFAULT_DOMAIN, DEFAULT_DOMAIN); variables.len()];
    let name = source.text.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok(Loss {
        name,
        doc: String::new(),
        variables,
        domain,
        start: None,
        minima: Vec::new(),
        graph,
        expression,
    })
}

fn defined(
    source: &Source,
    definition: &Definition,
    settings: &BTreeMap<String, String>,
) -> Result<Loss, SourceError> {
    let mut graph = Graph::new();
    let mut lowering =
        Lowering { source, graph: &mut graph, names: Vec::new(), discovery: None, count: 0 };
    for (name, default) in &definition.parameters {
        lowering.check_name(name)?;
        let value = match (settings.get(&name.text), default) {
            (Some(text), _) => setting(lowering.graph, &name.text, text)?,
            (None, Some(default)) => lowering.any(default)?,
            (None, None) => {
                let message = format!("the parameter `{}` has no value", name.text);
                let help = Some(format!("give it one: `--set {}=…`", name.text));
                return Err(lowering.fault(&name.span, message, "needs a value", help));
            }
        };
        lowering.names.push((name.text.clone(), value));
    }
    if let Some(unknown) =
        settings.keys().find(|k| !definition.parameters.iter().any(|(n, _)| n.text == **k))
    {
        let known: Vec<&str> = definition.parameters.iter().map(|(n, _)| n.text.as_str()).collect();
        let help = match known.as_slice() {
            [] => Some("it has no parameters".into()),
            known => near::advice(unknown, known),
        };
        let message = format!("the loss `{}` has no parameter `{unknown}`", definition.name.text);
        return Err(lowering.fault(&definition.name.span, message, "this loss", help));
    }
    let data = definition.data.iter().map(|d| (&d.inputs, &d.targets, &d.table));
    for (inputs, targets, table) in data {
        bind_table(&mut lowering, inputs, targets, table)?;
    }
    let mut variables = Vec::new();
    let mut domain = Vec::new();
    for variable in &definition.variables {
        lowering.check_name(&variable.name)?;
        let mut shape = Vec::new();
        for size in &variable.shape {
            let n = lowering.integer(size)?;
            let n = usize::try_from(n).ok().filter(|n| (1..=MAX_VARIABLES).contains(n));
            shape.push(n.ok_or_else(|| {
                let message = format!("a size is a whole number from 1 to {MAX_VARIABLES}");
                lowering.fault(&size.span, message, "not a size", None)
            })?);
        }
        let total = shape.iter().fold(variables.len() + 1, |n, size| n.saturating_mul(*size));
        if total > MAX_VARIABLES {
            let message = format!("a loss has at most {MAX_VARIABLES} variables");
            return Err(lowering.fault(&variable.name.span, message, "too many", None));
        }
        let interval = match &variable.domain {
            None => (-DEFAULT_DOMAIN, DEFAULT_DOMAIN),
            Some((from, to)) => {
                let ends = (lowering.number(from)?, lowering.number(to)?);
                if ends.0.partial_cmp(&ends.1) != Some(std::cmp::Ordering::Less) {
                    let span = from.span.start..to.span.end;
                    let label = "the first end is not the smaller one";
                    return Err(lowering.fault(&span, "an empty interval", label, None));
                }
                ends
            }
        };
        let value = coordinates(lowering.graph, &variable.name.text, &shape, &mut variables);
        domain.resize(variables.len(), interval);
        lowering.names.push((variable.name.text.clone(), value));
    }
    if variables.is_empty() {
        let message = format!("the loss `{}` has no variables", definition.name.text);
        let help = Some("declare them: `variables x, y;`".into());
        return Err(lowering.fault(&definition.name.span, message, "this loss", help));
    }
    let start = match definition.start.as_slice() {
        [] => None,
        list => Some(lowering.coordinates_of(list, variables.len())?),
    };
    let minima = definition.minima.iter().filter(|list| {
        settings.is_empty() || definition.parameters.iter().any(|(p, _)| speak_of(source, list, p))
    });
    let minima = minima
        .map(|list| lowering.coordinates_of(list, variables.len()))
        .collect::<Result<_, _>>()?;
    let expression = lowering.body(&definition.body)?;
    Ok(Loss {
        name: definition.name.text.clone(),
        doc: definition.doc.clone(),
        variables,
        domain,
        start,
        minima,
        graph,
        expression,
    })
}

/// Whether expressions speak of a name.
fn speak_of(source: &Source, list: &[Expression], name: &Name) -> bool {
    list.iter().any(|e| {
        let text = &source.text[e.span.clone()];
        text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name.text)
    })
}

fn bind_table(
    lowering: &mut Lowering<'_>,
    inputs: &Name,
    targets: &Name,
    table: &Name,
) -> Result<(), SourceError> {
    let Some((rows, labels)) = super::data::table(&table.text) else {
        let help = near::advice(&table.text, super::data::NAMES);
        let message = format!("there is no data set `{}`", table.text);
        return Err(lowering.fault(&table.span, message, "not a data set", help));
    };
    for (name, value) in [
        (inputs, Value::Array(rows.into_iter().map(|row| array(lowering.graph, row)).collect())),
        (targets, array(lowering.graph, labels)),
    ] {
        lowering.check_name(name)?;
        lowering.names.push((name.text.clone(), value));
    }
    Ok(())
}

fn array(graph: &mut Graph, numbers: Vec<Rational>) -> Value {
    Value::Array(numbers.into_iter().map(|x| Value::Scalar(graph.constant(x))).collect())
}

impl Lowering<'_> {
    /// The coordinates of a constant point.
    fn coordinates_of(
        &mut self,
        list: &[Expression],
        wanted: usize,
    ) -> Result<Vec<f64>, SourceError> {
        let mut flat = Vec::new();
        for item in list {
            self.any(item)?.flat(&mut flat);
        }
        let span = list[0].span.start..list[list.len() - 1].span.end;
        if flat.len() != wanted {
            let message = format!("a point has {wanted} coordinates, not {}", flat.len());
            return Err(self.fault(&span, message, "this point", None));
        }
        if !self.graph.variables(&flat).is_empty() {
            return Err(self.fault(
                &span,
                "a point is constant",
                "this depends on variables",
                None,
            ));
        }
        Ok(evaluate(self.graph, &flat))
    }

    /// A constant number, as a float.
    fn number(&mut self, expression: &Expression) -> Result<f64, SourceError> {
        Ok(self.coordinates_of(std::slice::from_ref(expression), 1)?[0])
    }
}
