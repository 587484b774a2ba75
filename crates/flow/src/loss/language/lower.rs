//! From the syntax tree of a loss to its graph.

use super::super::Function;
use super::super::graph::{Condition, Expr, Graph};
use super::MAX_VARIABLES;
use super::arrays::Value;
use super::partial::{DERIVATIVE, Partials};
use super::syntax::{Body, Expression, ExpressionKind, Name};
use bea_series::exact::Rational;
use bea_series::text::near;
use bea_series::text::source::{Source, SourceError};
use std::collections::BTreeSet;
use std::ops::Range;

/// The most repetitions of sums and comprehensions, and the most entries of an array.
pub(super) const MAX_ENTRIES: usize = 2_000_000;

/// The most `let`s of a loss: each may nest the one before, and functions of expressions are recursive.
const MAX_LETS: usize = 100;

/// The longest exact sum of constants.
const MAX_BITS: u64 = 1 << 12;

/// Functions of several arguments and of arrays.
const OTHERS: [&str; 7] = ["sqrt", "max", "min", "dot", "sum", "mean", "len"];

/// What the free names of a bare formula are.
pub(super) struct Discovery {
    /// A name, and how far each of its indices goes; empty for a plain variable.
    pub found: Vec<(String, Vec<usize>, Range<usize>)>,
    /// Which bound names the formula speaks of.
    pub used: BTreeSet<String>,
}

/// Builds the graph of one loss.
pub(super) struct Lowering<'a> {
    pub source: &'a Source,
    pub graph: &'a mut Graph,
    /// What names are bound to, the innermost last.
    pub names: Vec<(String, Value)>,
    /// Collects the free names of a bare formula instead of refusing them.
    pub discovery: Option<Discovery>,
    /// The derivatives that `d` takes, where there are functions to derive.
    pub partials: Option<Partials>,
    /// Repetitions so far.
    pub count: usize,
}

pub(super) type Lowered<T> = Result<T, SourceError>;

impl<'a> Lowering<'a> {
    /// Of a text into `graph`, with these names bound and all others refused.
    pub fn new(
        source: &'a Source,
        graph: &'a mut Graph,
        names: Vec<(String, Value)>,
    ) -> Lowering<'a> {
        Lowering { source, graph, names, discovery: None, partials: None, count: 0 }
    }

    pub fn fault(
        &self,
        span: &Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
        help: Option<String>,
    ) -> SourceError {
        self.source.fault(span.clone(), message, label, help)
    }

    /// The formula, a number.
    pub fn body(&mut self, body: &Body) -> Lowered<Expr> {
        self.lets(body)?;
        self.scalar(&body.value)
    }

    /// Binds the names of a body.
    pub fn lets(&mut self, body: &Body) -> Lowered<()> {
        if let Some((name, _)) = body.lets.get(MAX_LETS) {
            let message = format!("a loss has at most {MAX_LETS} lines `let`");
            return Err(self.fault(&name.span, message, "one too many", None));
        }
        for (name, value) in &body.lets {
            self.check_name(name)?;
            let value = self.any(value)?;
            self.names.push((name.text.clone(), value));
        }
        Ok(())
    }

    /// Refuses to bind a name that has a meaning.
    pub fn check_name(&self, name: &Name) -> Lowered<()> {
        let derives = self.partials.is_some() && name.text == DERIVATIVE;
        let message = if is_function(&name.text) || derives || name.text == "pi" {
            format!("`{}` has a meaning in the language", name.text)
        } else if self.names.iter().any(|(n, _)| *n == name.text) {
            format!("`{}` is bound already", name.text)
        } else {
            return Ok(());
        };
        Err(self.fault(&name.span, message, "choose another name", None))
    }

    /// A number, not an array.
    pub fn scalar(&mut self, expression: &Expression) -> Lowered<Expr> {
        match self.any(expression)? {
            Value::Scalar(e) => Ok(e),
            other => Err(self.fault(
                &expression.span,
                format!("a number is needed, not {}", other.kind()),
                "this is an array",
                Some(
                    "`sum(a)` adds an array, `dot(a, b)` multiplies two, `a[0]` takes one entry"
                        .into(),
                ),
            )),
        }
    }

    /// An exact constant.
    pub fn constant(&mut self, expression: &Expression) -> Lowered<Rational> {
        let value = self.scalar(expression)?;
        self.graph.as_constant(value).cloned().ok_or_else(|| {
            self.fault(&expression.span, "a constant is needed here", "this is not constant", None)
        })
    }

    /// A whole number.
    pub fn integer(&mut self, expression: &Expression) -> Lowered<i64> {
        let value = self.constant(expression)?;
        value.as_integer().ok_or_else(|| {
            let message = format!("a whole number is needed, not {value}");
            self.fault(&expression.span, message, "this is not whole", None)
        })
    }

    /// A number or an array.
    pub fn any(&mut self, expression: &Expression) -> Lowered<Value> {
        let span = &expression.span;
        match &expression.kind {
            ExpressionKind::Number(value) => {
                Ok(Value::Scalar(self.graph.constant(Rational::from(value.clone()))))
            }
            ExpressionKind::Name(name) => self.name(name, span),
            ExpressionKind::Sum(terms) => self.total(terms),
            ExpressionKind::Product(factors) => {
                self.chain(factors, Graph::mul, Graph::div, "multiplied")
            }
            ExpressionKind::Negative(inner) => {
                let value = self.any(inner)?;
                Ok(self.map(&value, &mut |g, e| g.neg(e)))
            }
            ExpressionKind::Power(base, exponent) => {
                let (base, exponent) = (self.any(base)?, self.scalar(exponent)?);
                Ok(self.map(&base, &mut |g, e| g.pow(e, exponent)))
            }
            ExpressionKind::Index(array, indices) => self.index(array, indices),
            ExpressionKind::Call(name, arguments) => self.call(name, arguments, span),
            ExpressionKind::Array(items) => {
                let items = items.iter().map(|i| self.any(i)).collect::<Lowered<Vec<_>>>()?;
                self.regular(items, span)
            }
            ExpressionKind::Comprehension(loops, inner) => self.comprehension(loops, inner),
            ExpressionKind::Summation(loops, inner) => {
                let (mut terms, mut constant) = (Vec::new(), Rational::from(0));
                // Terms are counted first where that is quicker than to come to one too many.
                if loops.len() > 1 {
                    let before = self.count;
                    self.repeat(loops, &mut |_| Ok(()))?;
                    self.count = before;
                }
                self.repeat(loops, &mut |this| {
                    let term = this.scalar(inner)?;
                    match this.graph.as_constant(term) {
                        Some(value) => constant = &constant + value,
                        None => terms.push(term),
                    }
                    if constant.bits() > MAX_BITS {
                        let message = "an exact number in this sum grows too long";
                        let label = format!("more than {MAX_BITS} bits");
                        return Err(this.fault(&inner.span, message, label, None));
                    }
                    Ok(())
                })?;
                terms.push(self.graph.constant(constant));
                Ok(Value::Scalar(self.graph.sum(&terms)))
            }
            ExpressionKind::Where(left, relation, right, yes, no) => {
                let (left, right) = (self.scalar(left)?, self.scalar(right)?);
                let (yes, no) = (self.scalar(yes)?, self.scalar(no)?);
                let condition = Condition { left, relation: *relation, right };
                Ok(Value::Scalar(self.graph.select(condition, yes, no)))
            }
        }
    }

    fn name(&mut self, name: &str, span: &Range<usize>) -> Lowered<Value> {
        if let Some((_, value)) = self.names.iter().rev().find(|(n, _)| n == name) {
            if let Some(discovery) = &mut self.discovery {
                discovery.used.insert(name.into());
            }
            return Ok(value.clone());
        }
        if name == "pi" {
            return Ok(Value::Scalar(self.graph.pi()));
        }
        if is_function(name) || (self.partials.is_some() && name == DERIVATIVE) {
            let help = Some(format!("write `{name}(x)`"));
            return Err(self.fault(
                span,
                format!("`{name}` is a function"),
                "needs an argument",
                help,
            ));
        }
        if self.discovery.is_some() {
            return self.discover(name, &[], span);
        }
        let mut known: Vec<&str> = self.names.iter().map(|(n, _)| n.as_str()).collect();
        known.push("pi");
        let help = near::advice(name, &known);
        Err(self.fault(span, format!("there is no variable `{name}`"), "not defined", help))
    }

    /// A free name of a bare formula, used with these indices.
    fn discover(&mut self, name: &str, indices: &[i64], span: &Range<usize>) -> Lowered<Value> {
        let mut sizes = Vec::new();
        for &index in indices {
            let size = usize::try_from(index + 1).ok().filter(|&n| (1..=MAX_ENTRIES).contains(&n));
            sizes.push(size.ok_or_else(|| {
                self.fault(span, format!("{index} is no index"), "indices count from 0", None)
            })?);
        }
        let discovery = self.discovery.as_mut().expect("only called while discovering");
        let at = match discovery.found.iter().position(|(n, ..)| n == name) {
            Some(at) if discovery.found[at].1.len() == sizes.len() => at,
            Some(_) => {
                let message = format!("`{name}` is used with different numbers of indices");
                return Err(self.fault(span, message, "elsewhere it has others", None));
            }
            None => {
                discovery.found.push((name.into(), sizes.clone(), span.clone()));
                discovery.found.len() - 1
            }
        };
        for (known, size) in discovery.found[at].1.iter_mut().zip(sizes) {
            *known = size.max(*known);
        }
        // The value is not used, but it must not fold to a constant.
        Ok(Value::Scalar(self.graph.variable(at as u32)))
    }

    /// Refuses to divide by a constant 0, or by an array that holds one.
    pub fn check_divisor(&self, value: &Value, span: &Range<usize>) -> Lowered<()> {
        let mut entries = Vec::new();
        value.flat(&mut entries);
        if entries.contains(&Expr::ZERO) {
            return Err(self.fault(span, "division by zero", "this is 0", None));
        }
        Ok(())
    }

    fn index(&mut self, array: &Expression, indices: &[Expression]) -> Lowered<Value> {
        let indices: Vec<(i64, Range<usize>)> = indices
            .iter()
            .map(|i| Ok((self.integer(i)?, i.span.clone())))
            .collect::<Lowered<_>>()?;
        if let ExpressionKind::Name(name) = &array.kind
            && self.discovery.is_some()
            && !self.names.iter().any(|(n, _)| n == name)
            && !is_function(name)
        {
            let indices: Vec<i64> = indices.iter().map(|(i, _)| *i).collect();
            return self.discover(name, &indices, &array.span);
        }
        // An array that has a name is not copied for one of its entries.
        let bound = match &array.kind {
            ExpressionKind::Name(name) => self.names.iter().rev().find(|(n, _)| n == name),
            _ => None,
        };
        if let Some((name, value)) = bound {
            let entry = self.entry(value, &indices)?;
            if let Some(discovery) = &mut self.discovery {
                discovery.used.insert(name.clone());
            }
            return Ok(entry);
        }
        let value = self.any(array)?;
        self.entry(&value, &indices)
    }

    /// The entry of a value with these indices, which stand at their places in the text.
    fn entry(&self, value: &Value, indices: &[(i64, Range<usize>)]) -> Lowered<Value> {
        let mut value = value;
        for (index, span) in indices {
            let Value::Array(items) = value else {
                return Err(self.fault(
                    span,
                    "a number has no entries",
                    "one index too many",
                    None,
                ));
            };
            let Some(item) = usize::try_from(*index).ok().and_then(|i| items.get(i)) else {
                let message = format!("there is no entry {index}");
                let label = format!("the indices go from 0 to {}", items.len() as i64 - 1);
                return Err(self.fault(span, message, label, None));
            };
            value = item;
        }
        Ok(value.clone())
    }

    fn call(
        &mut self,
        name: &Name,
        arguments: &[Expression],
        span: &Range<usize>,
    ) -> Lowered<Value> {
        if name.text == DERIVATIVE && self.partials.is_some() {
            return self.derivative(arguments, span);
        }
        let function = Function::ALL.into_iter().find(|f| f.name() == name.text);
        let expected = match name.text.as_str() {
            _ if function.is_some() => 1..=1,
            "sqrt" | "sum" | "mean" | "len" => 1..=1,
            "dot" => 2..=2,
            "max" | "min" => 2..=usize::MAX,
            other => {
                let mut known: Vec<&str> = Function::ALL.iter().map(|f| f.name()).collect();
                known.extend(OTHERS);
                known.push("where");
                known.extend(self.partials.as_ref().map(|_| DERIVATIVE));
                let help = if self.names.iter().any(|(n, _)| n == other) {
                    Some(format!("products are written with `*`: `{other}*(…)`"))
                } else if other == DERIVATIVE {
                    let most = MAX_VARIABLES;
                    Some(format!(
                        "it is for losses of networks that read a list of at most {most} numbers and give a list"
                    ))
                } else {
                    near::advice(other, &known)
                };
                let message = format!("there is no function `{other}`");
                return Err(self.fault(&name.span, message, "not a function", help));
            }
        };
        if !expected.contains(&arguments.len()) {
            let wanted = match (expected.start(), expected.end()) {
                (1, 1) => "one argument",
                (2, 2) => "two arguments",
                _ => "two or more arguments",
            };
            let message = format!("`{}` takes {wanted}, not {}", name.text, arguments.len());
            return Err(self.fault(span, message, "this call", None));
        }
        let values = arguments.iter().map(|a| self.any(a)).collect::<Lowered<Vec<_>>>()?;
        if let Some(function) = function {
            return Ok(self.map(&values[0], &mut |g, e| g.apply(function, e)));
        }
        match name.text.as_str() {
            "sqrt" => Ok(self.map(&values[0], &mut |g, e| g.sqrt(e))),
            "max" | "min" => {
                let operation = if name.text == "max" { Graph::max } else { Graph::min };
                let mut result = values[0].clone();
                for value in &values[1..] {
                    result = self.zip(&result, value, operation).ok_or_else(|| {
                        let (a, b) = (result.kind(), value.kind());
                        self.fault(span, format!("{a} and {b} cannot be compared"), "", None)
                    })?;
                }
                Ok(result)
            }
            "dot" => self.dot(&values[0], &values[1]).ok_or_else(|| {
                let (a, b) = (values[0].kind(), values[1].kind());
                let help = "`dot` multiplies two arrays of one length, a matrix and an array, or two matrices";
                self.fault(span, format!("there is no product of {a} and {b}"), "the sizes do not fit", Some(help.into()))
            }),
            what => {
                let Value::Array(items) = &values[0] else {
                    let message = format!("`{what}` needs an array, not a number");
                    let help = Some("or a range: `sum(i in 0..2: x[i])`".into());
                    return Err(self.fault(&arguments[0].span, message, "not an array", help));
                };
                if what == "len" {
                    return Ok(Value::Scalar(self.graph.integer(items.len() as i64)));
                }
                let mut flat = Vec::new();
                values[0].flat(&mut flat);
                let sum = self.graph.sum(&flat);
                let share = Rational::new(1, values[0].entries() as i64);
                Ok(Value::Scalar(match share {
                    Some(share) if what == "mean" => self.graph.scale(&share, sum),
                    _ => sum,
                }))
            }
        }
    }
}

fn is_function(name: &str) -> bool {
    OTHERS.contains(&name) || Function::ALL.iter().any(|f| f.name() == name)
}
