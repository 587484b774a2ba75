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

mod arrays;
mod definition;
mod lower;
mod partial;
mod point;
mod read;
mod syntax;

pub use partial::Partial;
pub use point::point;
pub use point::split_top_level;

use super::graph::{Expr, Graph};
use arrays::Value;
use bea_series::exact::{Rational, effort};
use bea_series::text::near;
use bea_series::text::source::{Source, SourceError};
use bea_series::typed::Matrix;
use definition::defined;
use lower::{Discovery, Lowering};
use partial::Partials;
use std::collections::{BTreeMap, BTreeSet};

/// The most coordinates of a loss.
pub const MAX_VARIABLES: usize = 100_000;

/// Half the width of the box that a plot shows of a coordinate that has no domain.
const DEFAULT_DOMAIN: f64 = 2.0;

/// The most operations that reading a text may take: some seconds.
const MAX_EFFORT: u64 = 400_000_000;

/// What `read` reads from a text, or the fault that this takes too long: exact numbers may grow without
/// bound.
fn bounded<T>(
    source: &Source,
    read: impl FnOnce() -> Result<T, SourceError>,
) -> Result<T, SourceError> {
    effort::within(MAX_EFFORT, read).unwrap_or_else(|exhausted| {
        let help = "use shorter sums and smaller powers of exact numbers";
        let place = 0..source.text.len();
        Err(source.fault(place, exhausted.to_string(), "all of this", Some(help.into())))
    })
}

/// A loss: a formula over named variables.
#[derive(Clone)]
pub struct Loss {
    /// Its name; the formula itself if it has none.
    pub name: String,
    /// The comment above its definition.
    pub doc: String,
    /// The names of the coordinates of `θ`; variable `i` of the graph is `variables[i]`.
    pub variables: Vec<String>,
    /// The sizes of the declared variables in their order, none for a single number: `[[], [2, 3]]` of `variables x, M[2, 3];`.
    pub arrays: Vec<Vec<usize>>,
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
    /// The matrices that its variables are, one after the other, as [`Matrix::of_axes`] takes arrays for them; none if no
    /// variable has two sizes or more.
    pub fn matrices(&self) -> Vec<Matrix> {
        if self.arrays.iter().all(|axes| axes.len() < 2) {
            return Vec::new();
        }
        self.arrays.iter().map(|axes| Matrix::of_axes(axes)).collect()
    }

    /// The loss of a bare formula, or the only loss that a text defines. `settings` are values of
    /// parameters, or of free names of a formula, in the language (`1/2`, `[1, 2]`).
    ///
    /// # Errors
    /// Syntax errors, unknown names, arrays that do not fit; a text with several losses; a parameter
    /// without a value; a setting for something that is not a parameter.
    ///
    /// ```
    /// use bea_flow::loss::Loss;
    /// use bea_series::source::Source;
    /// let source = Source::new("command line", "(a-x)^2 + 100*(y-x^2)^2");
    /// let loss = Loss::parse(&source, &[("a".into(), "1".into())].into())?;
    /// assert_eq!(loss.variables, ["x", "y"]);
    /// assert_eq!(loss.value(&[0.5, 0.25]), 0.25);
    /// # Ok::<(), bea_series::source::SourceError>(())
    /// ```
    pub fn parse(
        source: &Source,
        settings: &BTreeMap<String, String>,
    ) -> Result<Loss, SourceError> {
        bounded(source, || Loss::read(source, settings))
    }

    /// A loss that has a formula and nothing else.
    fn bare(
        source: &Source,
        variables: Vec<String>,
        arrays: Vec<Vec<usize>>,
        graph: Graph,
        expression: Expr,
    ) -> Loss {
        Loss {
            name: source.text.split_whitespace().collect::<Vec<_>>().join(" "),
            doc: String::new(),
            domain: vec![(-DEFAULT_DOMAIN, DEFAULT_DOMAIN); variables.len()],
            variables,
            arrays,
            start: None,
            minima: Vec::new(),
            graph,
            expression,
        }
    }

    fn read(source: &Source, settings: &BTreeMap<String, String>) -> Result<Loss, SourceError> {
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

    /// The formula over arrays of these names and sizes, which are all of its variables. Where its value is an array, the mean of
    /// the entries is taken.
    ///
    /// # Errors
    /// Syntax errors, other names, arrays that do not fit, more than [`MAX_VARIABLES`] variables.
    ///
    /// ```
    /// use bea_flow::loss::Loss;
    /// use bea_series::source::Source;
    /// let loss = Loss::of_arrays(&Source::new("loss", "(y - t)^2"), &[("y", 2), ("t", 2)])?;
    /// assert_eq!(loss.variables, ["y[0]", "y[1]", "t[0]", "t[1]"]);
    /// assert_eq!(loss.value(&[1.0, 2.0, 1.0, 5.0]), 4.5);
    /// # Ok::<(), bea_series::source::SourceError>(())
    /// ```
    pub fn of_arrays(source: &Source, arrays: &[(&str, usize)]) -> Result<Loss, SourceError> {
        bounded(source, || over_arrays(source, arrays, false).map(|(loss, _)| loss))
    }

    /// The same, where the first array is of functions of the numbers of the last one: `d(y[0], x[0], x[0])` is a second
    /// derivative. The derivatives of the functions that the formula takes, and those on the way to them, are further variables behind those of
    /// the arrays, in the order that is returned; `d` of other expressions is written in these by the chain rule.
    ///
    /// # Errors
    /// Those of [`of_arrays`](Self::of_arrays); derivatives by what is no number of the last array, or of too high an order.
    ///
    /// ```
    /// use bea_flow::loss::{Loss, Partial};
    /// use bea_series::source::Source;
    /// let source = Source::new("loss", "d(y[0]^2, x[1]) + x[0]");
    /// let (loss, partials) = Loss::of_functions(&source, &[("y", 1), ("x", 2)])?;
    /// assert_eq!(loss.variables, ["y[0]", "x[0]", "x[1]", "d(y[0], x[1])"]);
    /// assert_eq!(partials, [Partial { function: 0, by: vec![1] }]);
    /// assert_eq!(loss.value(&[3.0, 1.0, 0.0, 5.0]), 31.0);
    /// # Ok::<(), bea_series::source::SourceError>(())
    /// ```
    pub fn of_functions(
        source: &Source,
        arrays: &[(&str, usize)],
    ) -> Result<(Loss, Vec<Partial>), SourceError> {
        bounded(source, || over_arrays(source, arrays, true))
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

    /// The loss at a point; infinite or NaN where it has no value that a double can hold.
    pub fn value(&self, point: &[f64]) -> f64 {
        super::values_at(&self.graph, &[self.expression], point)[0].to_f64()
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
    found.map(|d| bounded(source, || defined(source, &d, settings))).transpose()
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
    let value = Lowering::new(&source, graph, Vec::new()).any(&expression)?;
    let mut flat = Vec::new();
    value.flat(&mut flat);
    if evaluate(graph, &flat).iter().any(|x| !x.is_finite()) {
        return Err(point::too_large(&source, 0..text.len()));
    }
    Ok(value)
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

fn over_arrays(
    source: &Source,
    arrays: &[(&str, usize)],
    derives: bool,
) -> Result<(Loss, Vec<Partial>), SourceError> {
    let body = read::formula(source)?;
    let size = arrays.iter().fold(0_usize, |size, (_, length)| size.saturating_add(*length));
    if size > MAX_VARIABLES {
        let message = format!("a loss has at most {MAX_VARIABLES} variables, not {size}");
        return Err(source.fault(0..source.text.len(), message, "this formula", None));
    }
    let (mut graph, mut variables, mut names) = (Graph::new(), Vec::new(), Vec::new());
    for (name, length) in arrays {
        let value = coordinates(&mut graph, name, &[*length], &mut variables);
        names.push((name.to_string(), value));
    }
    let mut lowering = Lowering::new(source, &mut graph, names);
    lowering.partials = derives.then(|| Partials::new(arrays)).flatten();
    lowering.lets(&body)?;
    let (value, mut entries) = (lowering.any(&body.value)?, Vec::new());
    let found = lowering.partials.map_or_else(Vec::new, |partials| partials.found);
    value.flat(&mut entries);
    let sum = graph.sum(&entries);
    let Some(share) = Rational::new(1, entries.len() as i64) else {
        let message = "the loss is an array without entries".to_string();
        return Err(source.fault(0..source.text.len(), message, "this formula", None));
    };
    let expression = graph.scale(&share, sum);
    let mut shapes: Vec<Vec<usize>> = arrays.iter().map(|(_, length)| vec![*length]).collect();
    shapes.extend(found.iter().map(|_| Vec::new()));
    variables.extend(found.iter().map(|partial| partial.written(arrays)));
    Ok((Loss::bare(source, variables, shapes, graph, expression), found))
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
    let mut lowering = Lowering::new(source, &mut scratch, set.clone());
    lowering.discovery = discovery;
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
    let arrays = found.iter().map(|(_, shape, _)| shape.clone()).collect();
    for (name, shape, span) in found {
        let size = shape.iter().product::<usize>();
        if variables.len() + size > MAX_VARIABLES {
            let message = format!("a loss has at most {MAX_VARIABLES} variables");
            return Err(source.fault(span, message, "too many with this one", None));
        }
        let value = coordinates(&mut graph, &name, &shape, &mut variables);
        names.push((name, value));
    }
    let mut lowering = Lowering::new(source, &mut graph, names);
    let expression = lowering.body(&body)?;
    Ok(Loss::bare(source, variables, arrays, graph, expression))
}
