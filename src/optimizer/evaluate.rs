//! Runs an optimizer's statements once, with vectors as symbols.

use super::Optimizer;
use super::scope::{MAX_STATES, Scope, Symbol};
use super::syntax::{Expression, Kind, Name, Statement};
use super::value::{Atom, Spaces, Value, Vector};
use crate::exact::RationalFunction;
use crate::source::SourceError;
use num_traits::ToPrimitive;
use std::collections::BTreeMap;
use std::ops::Range;

/// The largest exponent that may be written.
const MAX_EXPONENT: i32 = 1000;
/// The highest degree in one parameter, the most terms and the most bits of a coefficient.
const MAX_DEGREE: u16 = 64;
const MAX_TERMS: usize = 2000;
const MAX_BITS: u64 = 20_000;

/// An evaluation of a vector field.
pub(super) struct Evaluation {
    pub field: usize,
    pub arguments: Vec<Vector>,
    pub spans: Vec<Range<usize>>,
}

/// What one step computes.
pub(super) struct Step {
    pub evaluations: Vec<Evaluation>,
    /// The new value of each state, and where it is written.
    pub updates: Vec<(Vector, Range<usize>)>,
    /// The space of each state.
    pub spaces: Vec<usize>,
}

/// The evaluation of an optimizer's statements, from top to bottom.
pub(super) struct Evaluator<'a> {
    optimizer: &'a Optimizer,
    scope: &'a Scope,
    /// The value of each parameter, and of `h`.
    parameters: &'a [RationalFunction],
    h: &'a RationalFunction,
    spaces: Spaces,
    state_spaces: Vec<usize>,
    stage_spaces: Vec<usize>,
    stages: Vec<Option<Value>>,
    updates: Vec<Option<(Vector, Range<usize>)>>,
    evaluations: Vec<Evaluation>,
    /// Where a stage was used before its definition.
    awaited: BTreeMap<usize, Range<usize>>,
    /// The symbol whose value is being computed.
    target: Option<Atom>,
    /// How many `f(…)` surround the expression at hand.
    depth: usize,
}

type Outcome<T> = Result<T, SourceError>;

impl<'a> Evaluator<'a> {
    pub fn new(
        optimizer: &'a Optimizer,
        scope: &'a Scope,
        parameters: &'a [RationalFunction],
        h: &'a RationalFunction,
    ) -> Self {
        let players = scope.spaces.len();
        let mut spaces = Spaces::new(players);
        let state_spaces = (0..scope.states.len())
            .map(|i| if i < players { i } else { spaces.unknown() })
            .collect();
        let stage_spaces = (0..scope.stages).map(|_| spaces.unknown()).collect();
        Evaluator {
            optimizer,
            scope,
            parameters,
            h,
            spaces,
            state_spaces,
            stage_spaces,
            stages: vec![None; scope.stages],
            updates: vec![None; scope.states.len()],
            evaluations: vec![],
            awaited: BTreeMap::new(),
            target: None,
            depth: 0,
        }
    }

    /// Runs all statements and resolves what was used before it was computed.
    pub fn run(mut self) -> Outcome<Step> {
        for statement in &self.optimizer.statements {
            match statement {
                Statement::Stage(name, value) => self.define(name, value)?,
                Statement::Update(name, value) => self.update(name, value)?,
                _ => {}
            }
        }
        let mut updates = Vec::new();
        for (state, update) in self.scope.states.iter().zip(std::mem::take(&mut self.updates)) {
            let missing = || {
                self.fault(
                    &state.span,
                    format!("`{}` never gets a new value", state.text),
                    format!("`{}` is not updated", state.text),
                    format!("add a line `{}' = …`", state.text),
                )
            };
            updates.push(update.ok_or_else(missing)?);
        }
        let mut spaces = Vec::new();
        for (name, key) in self.scope.states.iter().zip(self.state_spaces.clone()) {
            spaces.push(self.spaces.known(key).ok_or_else(|| {
                self.fault(
                    &name.span,
                    format!("`{}` belongs to no player", name.text),
                    "its space cannot be told",
                    "a buffer belongs to the player whose vectors it is added to",
                )
            })?);
        }
        let mut evaluations = std::mem::take(&mut self.evaluations);
        for evaluation in &mut evaluations {
            for (argument, span) in evaluation.arguments.iter_mut().zip(&evaluation.spans) {
                *argument = self.resolve(argument, &updates, span)?;
            }
        }
        Ok(Step { evaluations, updates, spaces })
    }

    fn fault(
        &self,
        span: &Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) -> SourceError {
        self.optimizer.source.fault(span.clone(), message, label, Some(help.into()))
    }

    fn text(&self, expression: &Expression) -> String {
        let text = &self.optimizer.source.text[expression.span.clone()];
        if text.contains('\n') || text.chars().count() > 40 {
            "this".into()
        } else {
            format!("`{text}`")
        }
    }

    /// `let name = value`
    fn define(&mut self, name: &Name, value: &Expression) -> Outcome<()> {
        let Some(Symbol::Stage(index)) = self.scope.symbols.get(&name.text).copied() else {
            return Ok(());
        };
        self.target = Some(Atom::Stage(index));
        let result = self.expression(value)?;
        match &result {
            Value::Number(_) => {
                if let Some(use_before) = self.awaited.get(&index) {
                    return Err(self.fault(
                        use_before,
                        format!("the number `{}` is used before it is computed", name.text),
                        "not known yet",
                        "only vectors may be used before they are computed; move the `let` up",
                    ));
                }
            }
            Value::Vector(vector) => {
                self.unite(self.stage_spaces[index], vector.space, &value.span)?;
            }
        }
        self.stages[index] = Some(result);
        Ok(())
    }

    /// `name' = value`
    fn update(&mut self, name: &Name, value: &Expression) -> Outcome<()> {
        let index = self.state(&name.text, &name.span)?;
        if self.updates[index].is_some() {
            return Err(self.fault(
                &name.span,
                format!("`{}'` gets a value twice", name.text),
                "the second time",
                "name the first value with `let`",
            ));
        }
        self.target = Some(Atom::New(index));
        let vector = match self.expression(value)? {
            Value::Vector(vector) => vector,
            Value::Number(_) => {
                return Err(self.fault(
                    &value.span,
                    format!("`{}` is a vector, its new value a number", name.text),
                    "a number",
                    "a new value is a combination of vectors, `m*v + h*f(theta)` say",
                ));
            }
        };
        self.unite(self.state_spaces[index], vector.space, &value.span)?;
        self.updates[index] = Some((vector, value.span.clone()));
        Ok(())
    }

    /// The state that `name'` speaks of.
    fn state(&self, name: &str, span: &Range<usize>) -> Outcome<usize> {
        let what = match self.scope.symbols.get(name) {
            Some(Symbol::State(index)) => return Ok(*index),
            None => return Err(self.unknown(name, span, |s| matches!(s, Symbol::State(_)))),
            Some(Symbol::Parameter(_)) => "a parameter",
            Some(Symbol::Step) => "the step size",
            Some(Symbol::Stage(_)) => "a stage",
            Some(Symbol::Field(_)) => "a vector field",
        };
        Err(self.fault(
            span,
            format!("`{name}` is {what} and has no new value"),
            "only states have one",
            format!("declare a buffer with `state`; write a stage or a parameter `{name}`"),
        ))
    }

    fn unknown(
        &self,
        name: &str,
        span: &Range<usize>,
        wanted: impl Fn(Symbol) -> bool,
    ) -> SourceError {
        self.optimizer.source.fault(
            span.clone(),
            format!("unknown name `{name}`"),
            "not defined in this optimizer",
            self.scope.suggestion(name, wanted),
        )
    }

    /// Declares that two vectors are of one space.
    fn unite(&mut self, a: usize, b: usize, span: &Range<usize>) -> Outcome<()> {
        let players = (self.spaces.known(a), self.spaces.known(b));
        if self.spaces.unite(a, b) {
            return Ok(());
        }
        let name = |space: Option<usize>| space.map_or("?", |s| self.scope.spaces[s].as_str());
        Err(self.fault(
            span,
            "vectors of different players are mixed",
            format!("belongs to `{}`, not to `{}`", name(players.1), name(players.0)),
            "a player's vectors are added among themselves; players meet in the arguments of \
             the fields",
        ))
    }

    fn expression(&mut self, expression: &Expression) -> Outcome<Value> {
        let span = &expression.span;
        match &expression.kind {
            Kind::Number(value) => Ok(Value::Number(constant(value))),
            Kind::Old(name) => self.old(name, span),
            Kind::New(name) => {
                let index = self.state(name, span)?;
                match &self.updates[index] {
                    Some((value, _)) => Ok(Value::Vector(value.clone())),
                    None => self.later(Atom::New(index), &format!("{name}'"), span),
                }
            }
            Kind::Sum(terms) => self.sum(terms),
            Kind::Product(factors) => self.product(factors),
            Kind::Negative(inner) => {
                let value = self.expression(inner)?;
                self.scaled(value, &RationalFunction::integer(-1), span)
            }
            Kind::Power(base, exponent) => self.power(base, exponent, span),
            Kind::Application(field, arguments) => self.apply(field, arguments, span),
        }
    }

    fn old(&mut self, name: &str, span: &Range<usize>) -> Outcome<Value> {
        match self.scope.symbols.get(name) {
            Some(Symbol::Step) => Ok(Value::Number(self.h.clone())),
            Some(Symbol::Parameter(i)) => Ok(Value::Number(self.parameters[*i].clone())),
            Some(Symbol::State(i)) => {
                Ok(Value::Vector(Vector::atom(Atom::State(*i), self.state_spaces[*i])))
            }
            Some(Symbol::Stage(i)) => match &self.stages[*i] {
                Some(value) => Ok(value.clone()),
                None => self.later(Atom::Stage(*i), name, span),
            },
            Some(Symbol::Field(_)) => {
                let point = self.scope.spaces.join(", ");
                Err(self.fault(
                    span,
                    format!("the vector field `{name}` stands without a point"),
                    "where is it evaluated?",
                    format!("write `{name}({point})`"),
                ))
            }
            None => Err(self.unknown(name, span, |s| !matches!(s, Symbol::Field(_)))),
        }
    }

    /// A vector that is computed at or below the statement at hand.
    fn later(&mut self, atom: Atom, name: &str, span: &Range<usize>) -> Outcome<Value> {
        if self.depth > 0 {
            let space = match atom {
                Atom::Stage(i) => {
                    self.awaited.entry(i).or_insert_with(|| span.clone());
                    self.stage_spaces[i]
                }
                Atom::New(i) | Atom::State(i) | Atom::Evaluation(i) => self.state_spaces[i],
            };
            return Ok(Value::Vector(Vector::atom(atom, space)));
        }
        Err(if self.target == Some(atom) {
            self.fault(
                span,
                format!("`{name}` refers to itself"),
                "this is being computed here",
                "only inside `f(…)` may a value refer to itself, as implicit methods do: \
                 `theta' = theta + h*f(theta')`",
            )
        } else {
            self.fault(
                span,
                format!("`{name}` is used before it is computed"),
                "not known yet",
                format!(
                    "move the line that computes `{name}` up; only inside `f(…)` may a value be \
                     used before"
                ),
            )
        })
    }

    fn sum(&mut self, terms: &[(bool, Expression)]) -> Outcome<Value> {
        let mut total: Option<Value> = None;
        for (subtracted, term) in terms {
            let mut value = self.expression(term)?;
            if *subtracted {
                value = self.scaled(value, &RationalFunction::integer(-1), &term.span)?;
            }
            total = Some(match (total, value) {
                (None, value) => value,
                (Some(Value::Number(a)), Value::Number(b)) => {
                    Value::Number(self.bounded(&a + &b, &term.span)?)
                }
                (Some(Value::Vector(a)), Value::Vector(b)) => {
                    self.unite(a.space, b.space, &term.span)?;
                    Value::Vector(self.added(a, &b, &term.span)?)
                }
                (Some(_), value) => {
                    let (this, rest) = match value {
                        Value::Number(_) => ("a number", "a vector"),
                        Value::Vector(_) => ("a vector", "a number"),
                    };
                    return Err(self.fault(
                        &term.span,
                        "a number and a vector are added",
                        format!("{} is {this}, what stands before it {rest}", self.text(term)),
                        "numbers multiply vectors: `h*f(theta)`, `(1 - m)*theta`",
                    ));
                }
            });
        }
        Ok(total.expect("a sum has terms"))
    }

    fn product(&mut self, factors: &[(bool, Expression)]) -> Outcome<Value> {
        let mut total: Option<Value> = None;
        for (divides, factor) in factors {
            let value = self.expression(factor)?;
            total = Some(match (total, value) {
                (None, value) => value,
                (Some(_), Value::Vector(_)) if *divides => {
                    return Err(self.fault(
                        &factor.span,
                        "a vector stands in a denominator",
                        format!("{} is a vector", self.text(factor)),
                        "right-hand sides are linear in vectors",
                    ));
                }
                (Some(total), Value::Number(c)) => {
                    let c = if *divides { self.inverse(&c, factor)? } else { c };
                    self.scaled(total, &c, &factor.span)?
                }
                (Some(Value::Number(c)), vector) => self.scaled(vector, &c, &factor.span)?,
                (Some(Value::Vector(_)), Value::Vector(_)) => {
                    return Err(self.fault(
                        &factor.span,
                        "two vectors are multiplied",
                        format!("{} is a vector, and so is what it multiplies", self.text(factor)),
                        "right-hand sides are linear in vectors; coefficients are made of \
                         numbers, parameters and `h`",
                    ));
                }
            });
        }
        Ok(total.expect("a product has factors"))
    }

    fn power(
        &mut self,
        base: &Expression,
        exponent: &Expression,
        span: &Range<usize>,
    ) -> Outcome<Value> {
        let Value::Number(value) = self.expression(base)? else {
            return Err(self.fault(
                &base.span,
                "a power of a vector",
                format!("{} is a vector", self.text(base)),
                "right-hand sides are linear in vectors",
            ));
        };
        let power = match self.expression(exponent)? {
            Value::Number(n) => n.as_rational().filter(|n| n.is_integer()),
            Value::Vector(_) => None,
        };
        let Some(power) = power else {
            return Err(self.fault(
                &exponent.span,
                "an exponent is an integer",
                format!("{} is not an integer", self.text(exponent)),
                "coefficients are rational functions: `m^2`, `h^-1`, but no `m^(1/2)` or `2^m`",
            ));
        };
        let power = power.to_integer().to_i32().filter(|n| n.abs() <= MAX_EXPONENT);
        let Some(power) = power else {
            return Err(self.fault(
                &exponent.span,
                "the exponent is too large",
                format!("beyond {MAX_EXPONENT}"),
                "coefficients are computed exactly",
            ));
        };
        let factor = if power < 0 { self.inverse(&value, base)? } else { value };
        let mut result = RationalFunction::one();
        for _ in 0..power.abs() {
            result = self.bounded(&result * &factor, span)?;
        }
        Ok(Value::Number(result))
    }

    fn apply(
        &mut self,
        field: &Name,
        arguments: &[Expression],
        span: &Range<usize>,
    ) -> Outcome<Value> {
        let index = self.field(field)?;
        let players = self.scope.spaces.clone();
        if arguments.len() != players.len() {
            return Err(self.fault(
                span,
                format!("`{}` takes {}, not {}", field.text, count(players.len()), arguments.len()),
                "wrong number of arguments",
                format!("write `{}({})`", field.text, players.join(", ")),
            ));
        }
        let mut points = Vec::new();
        self.depth += 1;
        for (space, argument) in arguments.iter().enumerate() {
            let Value::Vector(point) = self.expression(argument)? else {
                return Err(self.fault(
                    &argument.span,
                    format!("`{}` is evaluated at a number", field.text),
                    format!("{} is a number", self.text(argument)),
                    format!("a field is evaluated at a point, `{}` say", players[space]),
                ));
            };
            self.unite(space, point.space, &argument.span)?;
            points.push(point);
        }
        self.depth -= 1;
        let known = self.evaluations.iter().position(|e| {
            e.field == index
                && e.arguments.iter().map(|a| &a.terms).eq(points.iter().map(|a| &a.terms))
        });
        let evaluation = known.unwrap_or(self.evaluations.len());
        if evaluation == self.evaluations.len() {
            if evaluation == MAX_STATES {
                return Err(self.optimizer.source.fault(
                    span.clone(),
                    format!("an optimizer evaluates its fields at most {MAX_STATES} times"),
                    "one too many",
                    None,
                ));
            }
            let spans = arguments.iter().map(|a| a.span.clone()).collect();
            self.evaluations.push(Evaluation { field: index, arguments: points, spans });
        }
        let space = self.scope.fields[index].space;
        Ok(Value::Vector(Vector::atom(Atom::Evaluation(evaluation), space)))
    }

    fn field(&self, name: &Name) -> Outcome<usize> {
        match self.scope.symbols.get(&name.text) {
            Some(Symbol::Field(index)) => Ok(*index),
            Some(_) => Err(self.fault(
                &name.span,
                format!("`{}` is not a vector field", name.text),
                "brackets after a name evaluate a field",
                format!("write the product `{}*(…)`", name.text),
            )),
            None => {
                let known: Vec<&str> = self.scope.fields.iter().map(|f| f.name.as_str()).collect();
                Err(self.optimizer.source.fault(
                    name.span.clone(),
                    format!("unknown vector field `{}`", name.text),
                    "only vector fields take arguments",
                    super::near::advice(&name.text, &known),
                ))
            }
        }
    }

    fn scaled(
        &self,
        value: Value,
        factor: &RationalFunction,
        span: &Range<usize>,
    ) -> Outcome<Value> {
        Ok(match value {
            Value::Number(a) => Value::Number(self.bounded(&a * factor, span)?),
            Value::Vector(mut vector) => {
                if factor.is_zero() {
                    vector.terms.clear();
                }
                for coefficient in vector.terms.values_mut() {
                    *coefficient = self.bounded(&*coefficient * factor, span)?;
                }
                Value::Vector(vector)
            }
        })
    }

    fn added(&self, mut a: Vector, b: &Vector, span: &Range<usize>) -> Outcome<Vector> {
        for (atom, coefficient) in &b.terms {
            let sum = match a.terms.get(atom) {
                Some(present) => self.bounded(present + coefficient, span)?,
                None => coefficient.clone(),
            };
            if sum.is_zero() {
                a.terms.remove(atom);
            } else {
                a.terms.insert(*atom, sum);
            }
        }
        Ok(a)
    }

    /// `1/value`, where `value` was written as `expression`.
    fn inverse(
        &self,
        value: &RationalFunction,
        expression: &Expression,
    ) -> Outcome<RationalFunction> {
        value.inverse().ok_or_else(|| {
            let text = self.text(expression);
            let given: Vec<String> = self
                .optimizer
                .parameters
                .iter()
                .zip(self.parameters)
                .filter_map(|(name, value)| Some(format!("{name} = {}", value.as_rational()?)))
                .collect();
            if given.is_empty() {
                self.fault(
                    &expression.span,
                    "division by zero",
                    "this is 0",
                    "nothing is divided by 0",
                )
            } else {
                self.fault(
                    &expression.span,
                    format!("division by zero: {text} is 0 for {}", given.join(", ")),
                    "this is 0",
                    "choose another value, or leave the parameter symbolic",
                )
            }
        })
    }

    /// Passes a coefficient on unless it has grown out of proportion.
    fn bounded(&self, value: RationalFunction, span: &Range<usize>) -> Outcome<RationalFunction> {
        let small = [value.numerator(), value.denominator()].into_iter().all(|p| {
            p.terms().len() <= MAX_TERMS
                && p.terms()
                    .iter()
                    .all(|(m, c)| m.0.iter().all(|e| *e <= MAX_DEGREE) && c.bits() <= MAX_BITS)
        });
        if small {
            return Ok(value);
        }
        Err(self.fault(
            span,
            "a coefficient grows too large",
            "here",
            format!(
                "coefficients are exact; their degree in a parameter is at most {MAX_DEGREE}, \
                 their numbers have at most {MAX_BITS} bits"
            ),
        ))
    }

    /// Replaces what was used before it was computed by its value.
    fn resolve(
        &self,
        vector: &Vector,
        updates: &[(Vector, Range<usize>)],
        span: &Range<usize>,
    ) -> Outcome<Vector> {
        let mut result = Vector { space: vector.space, terms: BTreeMap::new() };
        for (atom, coefficient) in &vector.terms {
            let value = match atom {
                Atom::State(_) | Atom::Evaluation(_) => Vector::atom(*atom, vector.space),
                Atom::New(i) => updates[*i].0.clone(),
                Atom::Stage(i) => match &self.stages[*i] {
                    Some(Value::Vector(value)) => value.clone(),
                    _ => unreachable!("a number used before its definition is refused there"),
                },
            };
            let Value::Vector(value) = self.scaled(Value::Vector(value), coefficient, span)? else {
                unreachable!("a scaled vector is a vector")
            };
            result = self.added(result, &value, span)?;
        }
        Ok(result)
    }
}

pub(super) fn constant(value: &num_rational::BigRational) -> RationalFunction {
    let (numerator, denominator) = (value.numer().clone(), value.denom().clone());
    RationalFunction::new(
        crate::exact::Poly::constant(numerator),
        crate::exact::Poly::constant(denominator),
    )
    .expect("a fraction's denominator is not zero")
}

fn count(n: usize) -> String {
    if n == 1 { "1 argument".into() } else { format!("{n} arguments") }
}
