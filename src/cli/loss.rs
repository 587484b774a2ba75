//! `bea loss`: a loss, its derivatives and their values.

use super::help::Named;
use super::limit::{self, Growth};
use super::terminal::{assignments, line, short};
use super::{loss_input, output};
use bea_flow::loss::{self, Expr, Graph, Loss as Formula, Printer, Style, Wide};
use bea_series::formula::superscript;
use miette::miette;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::process::ExitCode;

/// A derivative with more different entries than this is not listed.
const MAX_ENTRIES: usize = 20_000;

/// The highest order of a derivative.
const MAX_ORDER: usize = 30;

/// Print a loss and its exact derivatives, or list the losses of the library.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Loss {
    /// A name from `bea loss`, a file (FILE:NAME chooses one of several in it), or a formula
    #[arg(value_name = "NAME|FILE|FORMULA", value_parser = Named::Loss, hide_possible_values = true)]
    loss: Option<String>,
    /// All derivatives up to this order
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = order, allow_negative_numbers = true)]
    derivatives: usize,
    /// Give a parameter, or a free name of a formula, a value: a number or an array
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = loss_input::setting)]
    values: Vec<(String, String)>,
    /// Evaluate everything at a point, `-1,1` or `x=-1,y=1`
    #[arg(long, value_name = "POINT", allow_hyphen_values = true)]
    at: Option<String>,
    /// The format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Derive even what takes too long
    #[arg(long)]
    force: bool,
}

const EXAMPLES: &str = "\
Examples:
  bea loss
  bea loss '(1-x)^2 + 100*(y-x^2)^2' --derivatives 2
  bea loss rosenbrock --set b=10 --at 1,1
  bea loss 'softplus(-w*x)' --set x=2 --derivatives 3 --format latex";

#[derive(Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Formulas for the terminal
    #[default]
    Text,
    /// Lines for a LaTeX `align` environment
    Latex,
    /// An object, its formulas in the language of losses
    Json,
}

/// `∂^k E/∂x_i…`: which coordinates, in ascending order, and the expression.
type Entry = (Vec<usize>, Expr);

fn order(text: &str) -> Result<usize, String> {
    let order = text.parse().ok().filter(|n| *n <= MAX_ORDER);
    order.ok_or_else(|| format!("write a whole number from 0 to {MAX_ORDER}"))
}

impl Loss {
    pub fn run(self) -> miette::Result<ExitCode> {
        let text = match &self.loss {
            None => list(self.format),
            Some(loss) => {
                let settings = loss_input::settings(&self.values)?;
                let loss = loss_input::loss(loss, &settings)?;
                let advice = "ask for derivatives of a lower order";
                limit::effort(self.force, advice, |growth| self.describe(loss, growth))?
            }
        };
        output::to_stdout(|out| out.write_all(text.as_bytes()))?;
        Ok(ExitCode::SUCCESS)
    }

    fn describe(&self, loss: Formula, growth: &Growth) -> miette::Result<String> {
        let variables = loss.variables.clone();
        let count = (1..=self.derivatives)
            .fold(1_usize, |n, k| n.saturating_mul(variables.len() + k - 1) / k);
        if count > MAX_ENTRIES {
            return Err(miette!(
                help = "ask for derivatives of a lower order",
                "a derivative of order {} in {} variables has {count} different entries, more than \
                 {MAX_ENTRIES}",
                self.derivatives,
                variables.len()
            ));
        }
        let at = self.at.as_ref().map(|p| loss_input::point("--at", p, &variables)).transpose()?;
        let name = loss.name.clone();
        let domain = loss.domain.clone();
        let (start, minima) = (loss.start.clone(), loss.minima.clone());
        let known = known(&loss);
        let (mut graph, expression) = loss.into_parts();
        let entries =
            derivatives(&mut graph, expression, variables.len(), self.derivatives, growth)?;
        let roots: Vec<Expr> = entries.iter().map(|(_, e)| *e).collect();
        let values =
            at.as_ref().map(|point| values(&graph, &roots, &variables, point)).transpose()?;
        let style = match self.format {
            Format::Text => Style::Unicode,
            Format::Json => Style::Text,
            Format::Latex => Style::Latex,
        };
        let printer = Printer::new(&graph, &variables, style, &roots);
        if self.format == Format::Json {
            let list: Vec<Value> = entries
                .iter()
                .enumerate()
                .map(|(i, (indices, e))| {
                    let along: Vec<&String> = indices.iter().map(|&i| &variables[i]).collect();
                    let mut entry = json!({ "along": along, "expression": printer.write(*e) });
                    match values.as_ref().map(|values| &values[i]) {
                        None => {}
                        Some(At::Number(value)) => entry["value"] = json!(value),
                        Some(At::Large(value)) => {
                            entry["value"] = Value::Null;
                            entry["overflow"] = json!(value.to_string());
                        }
                        Some(At::Undefined(reason)) => {
                            entry["value"] = Value::Null;
                            entry["undefined"] = json!(reason);
                        }
                    }
                    entry
                })
                .collect();
            let definitions: Vec<Value> = printer
                .definitions()
                .into_iter()
                .map(|(name, value)| json!({ "name": name, "expression": value }))
                .collect();
            let object = json!({
                "name": name, "variables": variables, "domain": domain, "start": start,
                "minima": minima, "at": at, "let": definitions, "derivatives": list,
            });
            return Ok(format!("{object:#}\n"));
        }
        let known = if style == Style::Latex { String::new() } else { known };
        Ok(table(&printer, &variables, style, &entries, values.as_deref()) + &known)
    }
}

/// What an expression is at a point.
enum At {
    /// A number.
    Number(f64),
    /// A number that a double cannot hold.
    Large(Wide),
    /// It has no finite real value there, and why.
    Undefined(String),
}

/// The values of `roots`, the first of them the loss.
fn values(
    graph: &Graph,
    roots: &[Expr],
    variables: &[String],
    point: &[f64],
) -> miette::Result<Vec<At>> {
    let all = loss::values_at(graph, roots, point).into_iter().zip(roots).map(|(value, root)| {
        let double = value.to_f64();
        if double.is_finite() && (double != 0.0 || value == 0.0.into()) {
            At::Number(double)
        } else if value.is_defined() {
            At::Large(value)
        } else {
            let reason = loss::undefined_part(graph, &[*root], variables, point);
            At::Undefined(reason.unwrap_or_default())
        }
    });
    let all: Vec<At> = all.collect();
    if let Some(At::Undefined(reason)) = all.first() {
        return Err(miette!(
            help = "choose a point where every logarithm, root and quotient of the loss is defined",
            "the loss is undefined at {}: {reason}",
            assignments(variables, point)
        ));
    }
    Ok(all)
}

/// The box, the start and the minima of a definition that has a start; points as `--at` takes them.
fn known(loss: &Formula) -> String {
    let mut out = String::new();
    let Some(start) = &loss.start else { return out };
    let list = |point: &[f64]| {
        let numbers: Vec<String> = point.iter().map(|x| format!("{}", x + 0.0)).collect();
        numbers.join(", ")
    };
    let of_array = |name: &str| name.split('[').next().unwrap_or(name).to_string();
    let mut domain: Vec<String> = Vec::new();
    for (name, (from, to)) in loss.variables.iter().zip(&loss.domain) {
        let interval = format!("{} in {from}..{to}", of_array(name));
        if domain.last() != Some(&interval) {
            domain.push(interval);
        }
    }
    line(&mut out, format!("\ndomain   {}", domain.join(", ")));
    line(&mut out, format!("start    {}", list(start)));
    for minimum in &loss.minima {
        let value = short(loss.value(minimum));
        line(&mut out, format!("minimum  {} where E = {value}", list(minimum)));
    }
    out
}

/// All derivatives up to `order`, those of a symmetric tensor once.
///
/// # Errors
/// They are going to take too long, as those of lower orders show.
fn derivatives(
    graph: &mut Graph,
    e: Expr,
    dimension: usize,
    order: usize,
    growth: &Growth,
) -> miette::Result<Vec<Entry>> {
    let mut all = vec![(Vec::new(), e)];
    let mut last = all.clone();
    let mut costs = Vec::new();
    for k in 1..=order {
        let before = growth.spent();
        if k == 1 {
            let variables: Vec<u32> = (0..dimension as u32).collect();
            let gradient = graph.gradient(e, &variables);
            last = gradient.into_iter().enumerate().map(|(i, g)| (vec![i], g)).collect();
        } else {
            let mut next = Vec::new();
            for (indices, e) in &last {
                for i in indices[indices.len() - 1]..dimension {
                    let indices = [indices.as_slice(), &[i]].concat();
                    next.push((indices, graph.derivative(*e, i as u32)));
                }
            }
            last = next;
        }
        all.extend(last.iter().cloned());
        costs.push(growth.spent() - before);
        growth.check(&costs, (order - k) as f64)?;
    }
    Ok(all)
}

fn table(
    printer: &Printer<'_>,
    variables: &[String],
    style: Style,
    entries: &[Entry],
    values: Option<&[At]>,
) -> String {
    let mut out = String::new();
    let (equals, end) = if style == Style::Latex { (" &= ", r" \\") } else { (" = ", "") };
    for (name, value) in printer.definitions() {
        if style == Style::Latex {
            writeln!(out, "{name}{equals}{value}{end}").expect("a string");
        } else {
            writeln!(out, "let {name} = {value};").expect("a string");
        }
    }
    let mut reasons = Vec::new();
    let mut zeros = vec![0_usize; entries.last().map_or(0, |(i, _)| i.len()) + 1];
    for (i, (indices, e)) in entries.iter().enumerate() {
        if *e == Expr::ZERO && indices.len() > 1 {
            zeros[indices.len()] += 1;
            continue;
        }
        let name = derivative_name(printer, variables, style, indices);
        let formula = printer.write(*e);
        let value = match values.map(|values| &values[i]) {
            Some(At::Number(value)) if style != Style::Latex => format!("{value}"),
            Some(At::Number(value)) => latex_number(&format!("{value}"), *value),
            Some(At::Large(value)) if style != Style::Latex => value.to_string(),
            Some(At::Large(value)) => latex_number(&value.to_string(), f64::MAX),
            Some(At::Undefined(reason)) => {
                if !reasons.contains(&reason) {
                    reasons.push(reason);
                }
                if style == Style::Latex { r"\text{undefined}".into() } else { "undefined".into() }
            }
            None => formula.clone(),
        };
        // The formula of a constant is its value.
        let value = if value == formula { String::new() } else { format!(" = {value}") };
        writeln!(out, "{name}{equals}{formula}{value}{end}").expect("a string");
    }
    for (order, count) in zeros.iter().enumerate().filter(|(_, n)| **n > 0) {
        let mark = if style == Style::Latex { "% " } else { "" };
        let others = if *count == 1 { "derivative is" } else { "derivatives are" };
        writeln!(out, "{mark}{count} {others} 0 at order {order}").expect("a string");
    }
    for reason in reasons {
        let mark = if style == Style::Latex { "% " } else { "" };
        writeln!(out, "{mark}undefined: {reason}").expect("a string");
    }
    out
}

/// A number that `text` writes, with a power of ten if it has an exponent or is very small or large.
fn latex_number(text: &str, value: f64) -> String {
    let is_moderate = value == 0.0 || (1e-5..1e15).contains(&value.abs());
    let long = format!("{value:e}");
    let scientific = if text.contains('e') { text } else { &long };
    match scientific.split_once('e') {
        Some((mantissa, exponent)) if !is_moderate => {
            format!(r"{mantissa} \cdot 10^{{{exponent}}}")
        }
        _ => text.into(),
    }
}

/// `∂³E/∂x²∂y`.
fn derivative_name(
    printer: &Printer<'_>,
    variables: &[String],
    style: Style,
    indices: &[usize],
) -> String {
    if indices.is_empty() {
        return "E".into();
    }
    let raised = |n: usize| match style {
        _ if n == 1 => String::new(),
        Style::Latex => format!("^{{{n}}}"),
        _ => superscript(&n.to_string()),
    };
    let sign = if style == Style::Latex { r"\partial " } else { "∂" };
    let mut below = String::new();
    for group in indices.chunk_by(|a, b| a == b) {
        let name = printer.variable(&variables[group[0]]);
        let _ = write!(below, "{sign}{name}{}", raised(group.len()));
    }
    let above = format!("{}{}E", sign.trim_end(), raised(indices.len()));
    if style == Style::Latex {
        let above = format!(r"\partial{} E", raised(indices.len()));
        return format!(r"\frac{{{above}}}{{{below}}}");
    }
    format!("{above}/{below}")
}

/// The library.
fn list(format: Format) -> String {
    let losses = loss::library();
    if format == Format::Json {
        let list: Vec<Value> =
            losses.iter().map(|(name, doc)| json!({ "name": name, "doc": doc })).collect();
        return format!("{:#}\n", Value::from(list));
    }
    let width = losses.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut out = String::new();
    for (name, doc) in losses {
        let summary = doc.lines().next().unwrap_or("");
        writeln!(out, "{name:width$}  {summary}").expect("a string");
    }
    out
}
