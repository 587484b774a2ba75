//! The value of an expression.

use super::derivations::Derivations;
use super::differential::{Bounds, Differential, H, Kind, MAX_ARITY};
use super::scope::Names;
use super::syntax::{Argument, Definition, Expr, ExprKind, IndexRange};
use super::value::{Context, Formal, Value, ValueError};
use crate::exact::RationalFunction as Q;
use crate::source::{Source, SourceError};
use num_rational::BigRational;
use num_traits::One;
use std::ops::Range;

/// The most values of all indices together.
pub(crate) const MAX_CASES: i64 = 100_000;

/// The most expressions evaluated for one claim.
const MAX_STEPS: u64 = 20_000_000;

/// The deepest nesting of definitions that use definitions.
const MAX_CALLS: usize = 100;

/// What a name stands for.
#[derive(Clone)]
pub(super) enum Binding<'c> {
    Value(Value),
    Function(&'c Definition),
}

/// Evaluates the expressions of one claim.
pub(crate) struct Evaluator<'e, 'c> {
    pub(super) source: &'e Source,
    pub(super) names: &'e mut Names,
    pub(super) derivations: &'e mut Derivations<'c>,
    pub(super) context: Context,
    scope: Vec<(String, Binding<'c>)>,
    steps: u64,
    calls: usize,
    /// The last sum of unlike things that was met: an equation with it is false, not senseless,
    /// if that is what it says.
    pub(super) unlike: Option<String>,
    /// Whether a coefficient was asked for that is known only with more guard digits.
    pub(super) imprecise: bool,
}

/// How many more powers than asked are computed, in turn, until those that cancel do not matter.
pub(super) const GUARD: [i64; 5] = [0, 1, 4, 16, 64];

pub(super) type Outcome<T> = Result<T, SourceError>;

impl<'e, 'c> Evaluator<'e, 'c> {
    pub fn new(
        source: &'e Source,
        names: &'e mut Names,
        derivations: &'e mut Derivations<'c>,
    ) -> Evaluator<'e, 'c> {
        Evaluator {
            source,
            names,
            derivations,
            context: Context::default(),
            scope: Vec::new(),
            steps: 0,
            calls: 0,
            unlike: None,
            imprecise: false,
        }
    }

    pub fn fault(&self, span: &Range<usize>, message: impl Into<String>) -> SourceError {
        self.source.fault(span.clone(), message, "here", None)
    }

    pub fn fault_with(
        &self,
        span: &Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> SourceError {
        self.source.fault(span.clone(), message, "here", Some(help.into()))
    }

    pub(super) fn lift<T>(&self, span: &Range<usize>, result: Result<T, ValueError>) -> Outcome<T> {
        result.map_err(|e| self.fault(span, e.to_string()))
    }

    /// Series from now on are in `variable` with `terms` terms; powers of `h` in fields stop there
    /// too, if the variable is `h`.
    pub fn set_formal(&mut self, variable: usize, terms: i64) {
        self.context.formal = Some(Formal { variable, terms });
        self.context.bounds.order = (variable == H).then_some(terms);
    }

    /// Sets what is left out of every field.
    pub fn set_bounds(&mut self, bounds: Bounds) {
        self.context.bounds = bounds;
    }

    /// Binds an index or a definition without parameters.
    pub fn bind(&mut self, name: &str, value: Value) {
        self.scope.push((name.to_string(), Binding::Value(value)));
    }

    /// Binds a definition with parameters.
    pub fn define(&mut self, definition: &'c Definition) {
        self.scope.push((definition.name.clone(), Binding::Function(definition)));
    }

    /// How many names are bound; [`unbind`](Self::unbind) returns to such a state.
    pub fn depth(&self) -> usize {
        self.scope.len()
    }

    /// Forgets the names bound since `depth`.
    pub fn unbind(&mut self, depth: usize) {
        self.scope.truncate(depth);
    }

    pub(super) fn lookup(&self, name: &str) -> Option<(usize, &Binding<'c>)> {
        self.scope.iter().enumerate().rev().find(|(_, (n, _))| n == name).map(|(i, (_, b))| (i, b))
    }

    /// The value of an index.
    pub(super) fn bound_integer(&self, name: &str) -> i64 {
        match self.lookup(name) {
            Some((_, Binding::Value(value))) => value.as_integer().expect("an index"),
            _ => unreachable!("an index is bound"),
        }
    }

    pub(super) fn bound_names(&self) -> impl Iterator<Item = &str> {
        self.scope.iter().map(|(name, _)| name.as_str())
    }

    /// The value.
    pub fn evaluate(&mut self, expr: &'c Expr) -> Outcome<Value> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err(self.fault(
                &expr.span,
                format!("the claim takes more than {MAX_STEPS} steps to evaluate"),
            ));
        }
        let span = &expr.span;
        match &expr.kind {
            ExprKind::Number(value) => Ok(Value::Scalar(value.clone().into())),
            ExprKind::Tree(_) => Err(self.fault_with(
                span,
                "a tree stands only as the second argument of `term` and `weight`",
                "write elementary differentials as `f'f`, `f''(f,f)`",
            )),
            ExprKind::Name(name) => self.name(name, span),
            ExprKind::Sum(parts) => {
                let mut sum = Value::integer(0);
                for (subtract, part) in parts {
                    let value = self.evaluate(part)?;
                    let value = if *subtract { value.negative() } else { value };
                    let next = sum.plus(&value, &self.context);
                    if let Err(error @ ValueError::Sum(..)) = &next {
                        self.unlike = Some(error.to_string());
                    }
                    sum = self.lift(&part.span, next)?;
                }
                Ok(sum)
            }
            ExprKind::Product(parts) => {
                // From the right, so that operators act on vectors and not on operators; a
                // divisor is a number and may be taken at any time.
                let mut product: Option<Value> = None;
                for (divide, part) in parts.iter().rev() {
                    let value = self.evaluate(part)?;
                    let value = if *divide {
                        let one = Value::integer(1);
                        self.lift(&part.span, one.over(&value, &self.context))?
                    } else {
                        value
                    };
                    product = Some(match product {
                        None => value,
                        Some(p) => self.lift(&part.span, value.times(&p, &self.context))?,
                    });
                }
                Ok(product.expect("a product has factors"))
            }
            ExprKind::Negative(value) => Ok(self.evaluate(value)?.negative()),
            ExprKind::Juxtaposition(parts) => self.juxtaposition(parts),
            ExprKind::Power(base, exponent) => self.power(base, exponent, span),
            ExprKind::Factorial(value) => {
                let n = self.integer(value)?;
                self.factorial(n, span)
            }
            ExprKind::Prime(value, count) => {
                let value = self.evaluate(value)?;
                self.derivative(value, *count, span)
            }
            ExprKind::Nabla(count, value) => {
                let value = self.evaluate(value)?;
                self.derivative(value, *count, span)
            }
            ExprKind::Apply(callee, arguments) => self.apply(callee, arguments, span),
            ExprKind::Index(tensor, arguments) => {
                let tensor = self.evaluate(tensor)?;
                let arguments =
                    arguments.iter().map(|a| self.evaluate(a)).collect::<Outcome<Vec<_>>>()?;
                self.contract(tensor, arguments, span)
            }
            ExprKind::Norm(_) => Err(self.fault_with(
                span,
                "a norm is not a series, its square is",
                "write `‖X‖²`, `|X|^2` or `dot(X, X)`",
            )),
            ExprKind::Summation(ranges, body) => {
                let mut sum = Value::integer(0);
                let mut cases = 0;
                self.for_each(ranges, &mut cases, &mut |evaluator| {
                    let value = evaluator.evaluate(body)?;
                    sum = evaluator.lift(&body.span, sum.plus(&value, &evaluator.context))?;
                    Ok(())
                })?;
                Ok(sum)
            }
        }
    }

    /// Runs `action` for every combination of the indices.
    pub fn for_each(
        &mut self,
        ranges: &'c [IndexRange],
        cases: &mut i64,
        action: &mut dyn FnMut(&mut Self) -> Outcome<()>,
    ) -> Outcome<()> {
        let Some((range, rest)) = ranges.split_first() else {
            return action(self);
        };
        let from = self.integer(&range.from)?;
        let to = self.integer(&range.to)?;
        let span = range.from.span.start..range.to.span.end;
        let count = to.saturating_sub(from).saturating_add(1).max(0);
        *cases = cases.saturating_add(count);
        if *cases > MAX_CASES {
            return Err(self.fault_with(
                &span,
                format!("this asks for {count} cases, at most {MAX_CASES} are checked"),
                "both ends of a range are included; lower the upper one",
            ));
        }
        for value in from..=to {
            let depth = self.depth();
            self.bind(&range.name, Value::integer(value));
            let result = self.for_each(rest, cases, action);
            self.unbind(depth);
            result?;
        }
        Ok(())
    }

    /// An expression that must be an integer.
    pub fn integer(&mut self, expr: &'c Expr) -> Outcome<i64> {
        let value = self.evaluate(expr)?;
        value.as_integer().ok_or_else(|| match &value {
            Value::Scalar(q) => {
                let shown = q.display(&self.names.variables);
                self.fault(&expr.span, format!("an integer is needed here, not {shown}"))
            }
            other => self.fault(&expr.span, format!("an integer is needed, not {}", other.kind())),
        })
    }

    /// An expression that must be an integer from 0 on.
    pub(super) fn natural(&mut self, expr: &'c Expr) -> Outcome<usize> {
        let value = self.integer(expr)?;
        usize::try_from(value)
            .map_err(|_| self.fault(&expr.span, format!("{value} is negative; count from 0")))
    }

    fn juxtaposition(&mut self, parts: &'c [Expr]) -> Outcome<Value> {
        let (last, operators) = parts.split_last().expect("at least two parts");
        let mut value = self.evaluate(last)?;
        for part in operators.iter().rev() {
            let operator = self.evaluate(part)?;
            if !matches!(&operator, Value::Differential(d) if d.arity > 0) {
                return Err(self.fault_with(
                    &part.span,
                    format!("{} does not act on what follows", operator.kind()),
                    "derivatives act by juxtaposition (`f'f`); other products are written with `*`",
                ));
            }
            value = self.lift(&part.span, operator.times(&value, &self.context))?;
        }
        Ok(value)
    }

    fn power(&mut self, base: &'c Expr, exponent: &'c Expr, span: &Range<usize>) -> Outcome<Value> {
        let power = self.evaluate(exponent)?;
        let power = power.as_rational().ok_or_else(|| {
            self.fault(&exponent.span, "an exponent is a number without parameters")
        })?;
        if let ExprKind::Norm(vector) = &base.kind {
            if power != BigRational::from_integer(2.into()) {
                return Err(self.fault(span, "of a norm, only the square is a series"));
            }
            let vector = self.evaluate(vector)?;
            return self.dot(&vector, &vector, span);
        }
        let base = self.evaluate(base)?;
        self.lift(span, base.power(&power, &self.context))
    }

    pub(super) fn factorial(&self, n: i64, span: &Range<usize>) -> Outcome<Value> {
        if !(0..=1000).contains(&n) {
            return Err(self.fault(span, format!("{n}! is not computed; 0 to 1000 are")));
        }
        Ok(Value::Scalar(Q::integer((1..=n).fold(num_bigint::BigInt::one(), |p, k| p * k))))
    }

    /// The derivative, `count` times; the first one of a scalar field is its gradient.
    pub(super) fn derivative(
        &self,
        value: Value,
        count: usize,
        span: &Range<usize>,
    ) -> Outcome<Value> {
        let Value::Differential(mut field) = value else {
            return Err(self.fault_with(
                span,
                format!("{} has no derivative", value.kind()),
                "fields have: `f'`, `X'`, `∇E`",
            ));
        };
        if count > MAX_ARITY {
            return Err(self.fault(span, format!("at most {MAX_ARITY} derivatives are taken")));
        }
        for _ in 0..count {
            field = if field.kind == Kind::Scalar {
                field.gradient()
            } else {
                self.lift(span, field.derivative().map_err(ValueError::from))?
            };
        }
        Ok(Value::Differential(field.within(&self.context.bounds)))
    }

    /// An operator with vector fields in its first places.
    pub(super) fn contract(
        &self,
        tensor: Value,
        mut arguments: Vec<Value>,
        span: &Range<usize>,
    ) -> Outcome<Value> {
        let Value::Differential(tensor) = tensor else {
            return Err(self.fault_with(
                span,
                format!("{} takes no arguments", tensor.kind()),
                "write products with `*`; a definition cannot use itself",
            ));
        };
        // ∇³E[a,b,c] = c · ∇³E[a,b]
        let last = (tensor.arity + 1 == arguments.len() && tensor.arity > 0)
            .then(|| arguments.pop().expect("not empty"));
        if arguments.len() > tensor.arity {
            return Err(self.fault_with(
                span,
                format!(
                    "this takes {}, not {}",
                    match tensor.arity {
                        0 => "no arguments".to_string(),
                        1 => "one argument".to_string(),
                        n => format!("{n} arguments"),
                    },
                    arguments.len()
                ),
                "a field takes arguments through its derivatives: `f'(X)`, `f''(X, Y)`; its value \
                 at a shifted point is `at(f, X)`",
            ));
        }
        let fields = arguments
            .into_iter()
            .map(|a| self.vector_field(a, span))
            .collect::<Outcome<Vec<_>>>()?;
        let value = tensor.applied(&fields, &self.context.bounds).map_err(ValueError::from);
        let value = Value::Differential(self.lift(span, value)?);
        match last {
            Some(last) => self.dot(&value, &last, span),
            None => Ok(value),
        }
    }

    /// A value that must be a vector field.
    pub(super) fn vector_field(&self, value: Value, span: &Range<usize>) -> Outcome<Differential> {
        match value {
            Value::Differential(d) if d.kind == Kind::Vector && d.arity == 0 => Ok(d),
            value if value.is_zero_number() => Ok(Differential::zero(Kind::Vector, 0)),
            other => {
                Err(self.fault(span, format!("a vector field is needed, not {}", other.kind())))
            }
        }
    }

    /// The inner product of two vector fields.
    pub(super) fn dot(&self, a: &Value, b: &Value, span: &Range<usize>) -> Outcome<Value> {
        let (a, b) = (self.vector_field(a.clone(), span)?, self.vector_field(b.clone(), span)?);
        if !a.is_of_one_field() || !b.is_of_one_field() {
            return Err(self.fault_with(
                span,
                "inner products are scalar fields only where every field is f = -∇E",
                "a game has no single loss",
            ));
        }
        let product = a.dot(&b, &self.context.bounds).map_err(ValueError::from);
        Ok(Value::Differential(self.lift(span, product)?))
    }

    /// A definition applied to arguments.
    pub(super) fn call(
        &mut self,
        place: usize,
        definition: &'c Definition,
        arguments: Vec<Value>,
        span: &Range<usize>,
    ) -> Outcome<Value> {
        if arguments.len() != definition.parameters.len() {
            return Err(self.fault(
                span,
                format!(
                    "`{}` takes {} arguments, not {}",
                    definition.name,
                    definition.parameters.len(),
                    arguments.len()
                ),
            ));
        }
        if self.calls >= MAX_CALLS {
            return Err(self.fault(span, "definitions are nested too deeply"));
        }
        // The body sees what was bound before its definition, and its arguments.
        let hidden = self.scope.split_off(place);
        for (name, value) in definition.parameters.iter().zip(arguments) {
            self.bind(name, value);
        }
        self.calls += 1;
        let result = self.evaluate(&definition.body);
        self.calls -= 1;
        self.scope.truncate(place);
        self.scope.extend(hidden);
        result
    }

    fn apply(
        &mut self,
        callee: &'c Expr,
        arguments: &'c [Argument],
        span: &Range<usize>,
    ) -> Outcome<Value> {
        if let ExprKind::Name(name) = &callee.kind {
            match self.lookup(name).map(|(place, binding)| (place, binding.clone())) {
                Some((place, Binding::Function(definition))) => {
                    let values = self.positional(arguments)?;
                    return self.call(place, definition, values, span);
                }
                Some(_) => {}
                None => {
                    if let Some(value) = self.function(name, arguments, span)? {
                        return Ok(value);
                    }
                }
            }
        }
        let tensor = self.evaluate(callee)?;
        let values = self.positional(arguments)?;
        self.contract(tensor, values, span)
    }

    pub(super) fn positional(&mut self, arguments: &'c [Argument]) -> Outcome<Vec<Value>> {
        arguments
            .iter()
            .map(|a| match &a.name {
                None => self.evaluate(&a.value),
                Some(name) => Err(self.fault_with(
                    &a.value.span,
                    format!("`{name} = …` does not fit here"),
                    "only parameters of optimizers are named: `field(heavy_ball(m = 1/2), 2)`",
                )),
            })
            .collect()
    }
}
