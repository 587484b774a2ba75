//! The value of an expression.

use super::derivations::Derivations;
use super::differential::{Bounds, FieldKind, H};
use super::scope::Names;
use super::syntax::{Argument, Definition, Expr, ExprKind};
use super::value::{Context, Formal, Value, ValueError};
use crate::exact::RationalFunction as Q;
use crate::expression::SeriesError;
use crate::text::source::{Source, SourceError};
use crate::typed::{Atoms, Domain, Exponent};
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
    /// What values made entry by entry are made of.
    pub(super) atoms: Atoms,
    /// Where these are defined.
    pub(super) domain: Domain,
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
        let atoms = Atoms::complete_of(names.coordinates.iter().map(|(_, shape)| *shape));
        Evaluator {
            source,
            names,
            atoms,
            domain: Domain::default(),
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
                    let next = self.plus(&sum, &value);
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
            ExprKind::Product(parts) => self.factors(parts),
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
            ExprKind::Norm(vector) => {
                let vector = self.evaluate(vector)?;
                let norm = self.entrywise_function("norm", &vector);
                self.lift(span, norm)
            }
            ExprKind::Summation(ranges, body) => {
                let mut sum = Value::integer(0);
                let mut cases = 0;
                self.for_each(ranges, &mut cases, &mut |evaluator| {
                    let value = evaluator.evaluate(body)?;
                    let next = evaluator.plus(&sum, &value);
                    sum = evaluator.lift(&body.span, next)?;
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
            if !numbers && !is_operator(&operator) {
                return Err(self.fault_with(
                    &part.span,
                    format!("{} does not act on what follows", operator.kind()),
                    "derivatives act by juxtaposition (`f'f`); other products are written with `*`",
                ));
            }
            let product = self.times(&operator, &value);
            value = self.lift(&part.span, product)?;
        }
        Ok(value)
    }

    /// A product, from the right, so that operators act on vectors and not on operators; a divisor may be taken at any
    /// time. What an operator acts on is one vector: `H*u*w` and `H*u/w` could mean two things.
    fn factors(&mut self, parts: &'c [(bool, Expr)]) -> Evaluated<Value> {
        let mut product: Option<Value> = None;
        let (mut vectors, mut divisors) = (0, 0);
        for (divide, part) in parts.iter().rev() {
            let value = self.evaluate(part)?;
            let is_vector = matches!(&value, Value::Entrywise(e) if e.is_vector && e.arity == 0)
                || matches!(&value, Value::Differential(d)
                    if d.kind == FieldKind::Vector && d.arity == 0);
            vectors += usize::from(is_vector);
            divisors += usize::from(is_vector && *divide);
            if is_operator(&value) {
                if vectors > 1 || divisors > 0 {
                    return Err(self.fault_with(
                        &part.span,
                        "it is not clear what this operator acts on: one vector or a product of several",
                        "write `H[u]*w` or `H[u*w]`, `H[u]/w` or `H[u/w]`",
                    ));
                }
                if *divide {
                    return Err(self.fault(&part.span, "an operator divides nothing"));
                }
            }
            let value = if *divide {
                let inverse = self.inverse(&value);
                self.lift(&part.span, inverse)?
            } else {
                value
            };
            product = Some(match product {
                None => value,
                Some(p) => {
                    let product = self.times(&value, &p);
                    self.lift(&part.span, product)?
                }
            });
        }
        Ok(product.expect("a product has factors"))
    }

    fn power(
        &mut self,
        base: &'c Expr,
        exponent: &'c Expr,
        span: &Range<usize>,
    ) -> Evaluated<Value> {
        let power = self.evaluate(exponent)?;
        let Some(rational) = power.as_rational() else {
            // Entry by entry an exponent may hold parameters.
            let linear = match &power {
                Value::Scalar(q) if q.numerator().degree_in(H) == 0 => Exponent::of(q),
                _ => None,
            };
            let base = self.evaluate(base)?;
            let (Some(linear), Value::Entrywise(_) | Value::Differential(_)) = (linear, &base)
            else {
                return Err(
                    self.fault(&exponent.span, "an exponent is a number without parameters")
                );
            };
            let value = self.raised(&base, &linear);
            return self.lift(span, value);
        };
        if let ExprKind::Norm(vector) = &base.kind {
            let half = &rational / BigRational::from_integer(2.into());
            if half.is_integer() && half.is_positive() {
                let vector = self.evaluate(vector)?;
                let square = self.dot(&vector, &vector, span)?;
                return match &square {
                    Value::Entrywise(_) => {
                        let half = self.lift(span, Self::exponent_of(&half))?;
                        let value = self.raised(&square, &half);
                        self.lift(span, value)
                    }
                    _ => self.lift(span, square.power(&half, &self.context)),
                };
            }
        }
        let base = self.evaluate(base)?;
        if Self::is_raised_entrywise(&base, &rational) {
            let exponent = self.lift(span, Self::exponent_of(&rational))?;
            let value = self.raised(&base, &exponent);
            return self.lift(span, value);
        }
        self.lift(span, base.power(&rational, &self.context))
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

/// Whether a value waits for a vector.
fn is_operator(value: &Value) -> bool {
    match value {
        Value::Differential(d) => d.arity > 0,
        Value::Entrywise(e) => e.arity > 0,
        Value::Scalar(_) | Value::Series(_) => false,
    }
}
