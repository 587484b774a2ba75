//! The value of an expression.

use super::derivations::Derivations;
use super::differential::{Bounds, H};
use super::scope::Names;
use super::syntax::{Argument, Definition, Expr, ExprKind};
use super::value::{Context, Formal, Value, ValueError};
use crate::exact::RationalFunction as Q;
use crate::expression::SeriesError;
use crate::text::source::{Source, SourceError};
use num_rational::BigRational;
use num_traits::{One, Signed};
use std::cell::Cell;
use std::ops::Range;

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
    /// The message of the last sum of unlike values, of a number and a field say. A claim with
    /// `expect false` counts such an equation as false; elsewhere it is an error.
    pub(super) unlike: Option<String>,
    /// Whether a coefficient was asked for that is known only with more powers of [`GUARD`].
    pub(super) imprecise: Cell<bool>,
}

/// How many powers beyond those asked for are computed: the next number is tried where cancellation
/// leaves too few.
pub(super) const GUARD: [i64; 5] = [0, 1, 4, 16, 64];

pub(super) type Evaluated<T> = Result<T, SourceError>;

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
            imprecise: Cell::new(false),
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

    pub(super) fn lift<T>(
        &self,
        span: &Range<usize>,
        result: Result<T, ValueError>,
    ) -> Evaluated<T> {
        result.map_err(|error| {
            if matches!(error, ValueError::Series(SeriesError::Unknown(_))) {
                self.imprecise.set(true);
            }
            self.fault(span, error.to_string())
        })
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
    pub fn evaluate(&mut self, expr: &'c Expr) -> Evaluated<Value> {
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
                    sum = match (next, self.other_case(expr)) {
                        (Err(error @ ValueError::Sum(..)), Some(help)) => {
                            return Err(self.fault_with(&part.span, error.to_string(), help));
                        }
                        (next, _) => self.lift(&part.span, next)?,
                    };
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
                    arguments.iter().map(|a| self.evaluate(a)).collect::<Evaluated<Vec<_>>>()?;
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

    fn juxtaposition(&mut self, parts: &'c [Expr]) -> Evaluated<Value> {
        let (last, operators) = parts.split_last().expect("at least two parts");
        let mut value = self.evaluate(last)?;
        for part in operators.iter().rev() {
            let operator = self.evaluate(part)?;
            // `2α` is a product, as formulas are printed.
            let numbers = operator.as_rational().is_some() && matches!(value, Value::Scalar(_));
            if !numbers && !matches!(&operator, Value::Differential(d) if d.arity > 0) {
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

    fn power(
        &mut self,
        base: &'c Expr,
        exponent: &'c Expr,
        span: &Range<usize>,
    ) -> Evaluated<Value> {
        let power = self.evaluate(exponent)?;
        let power = power.as_rational().ok_or_else(|| {
            self.fault(&exponent.span, "an exponent is a number without parameters")
        })?;
        if let ExprKind::Norm(vector) = &base.kind {
            let half = power / BigRational::from_integer(2.into());
            if !half.is_integer() || !half.is_positive() {
                let message = "of a norm, only even powers are series";
                return Err(self.fault_with(span, message, "write `|X|^2`, `|X|^4`, …"));
            }
            let vector = self.evaluate(vector)?;
            let square = self.dot(&vector, &vector, span)?;
            return self.lift(span, square.power(&half, &self.context));
        }
        let base = self.evaluate(base)?;
        self.lift(span, base.power(&power, &self.context))
    }

    pub(super) fn factorial(&self, n: i64, span: &Range<usize>) -> Evaluated<Value> {
        if !(0..=1000).contains(&n) {
            return Err(self.fault(span, format!("{n}! is not computed; 0 to 1000 are")));
        }
        Ok(Value::Scalar(Q::integer((1..=n).fold(num_bigint::BigInt::one(), |p, k| p * k))))
    }

    /// A definition applied to arguments.
    pub(super) fn call(
        &mut self,
        place: usize,
        definition: &'c Definition,
        arguments: Vec<Value>,
        span: &Range<usize>,
    ) -> Evaluated<Value> {
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
    ) -> Evaluated<Value> {
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

    pub(super) fn positional(&mut self, arguments: &'c [Argument]) -> Evaluated<Vec<Value>> {
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
