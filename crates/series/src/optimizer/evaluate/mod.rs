//! Runs an optimizer's statements once, with vectors as symbols.

mod arithmetic;
mod expression;

pub(super) use arithmetic::constant;

use super::Optimizer;
use super::program::{Initial, Operation, Register, Terms};
use super::scope::{Scope, Symbol};
use super::symbolic::Symbolic;
use super::syntax::{Expression, Kind, Name, Statement};
use super::value::{Spaces, Value, Vector};
use crate::exact::RationalFunction;
use crate::text::source::SourceError;
use std::ops::Range;

/// What one step computes.
pub(super) struct Step {
    pub operations: Vec<Operation>,
    /// What they amount to.
    pub symbolic: Symbolic,
    /// Where the points of each evaluation are written.
    pub evaluations: Vec<Vec<Range<usize>>>,
    /// Where the new value of each state is written.
    pub updates: Vec<Range<usize>>,
    /// The space of each state.
    pub states: Vec<usize>,
    /// The space of each vector in between.
    pub values: Vec<usize>,
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
    /// Of the stages, then of what is stored in between.
    value_spaces: Vec<usize>,
    stages: Vec<Option<Value>>,
    /// Which stages are used before they are computed.
    awaited: Vec<bool>,
    /// What states get in the first step, where that is said.
    firsts: Vec<Option<Terms>>,
    /// Where new values are written.
    updates: Vec<Option<Range<usize>>>,
    operations: Vec<Operation>,
    symbolic: Symbolic,
    evaluation_spans: Vec<Vec<Range<usize>>>,
    /// What is being computed.
    target: Option<Register>,
    /// How many `f(…)` surround the expression at hand.
    depth: usize,
}

type Evaluated<T> = Result<T, SourceError>;

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
        let value_spaces = scope.stages.iter().map(|_| spaces.unknown()).collect();
        Evaluator {
            optimizer,
            scope,
            parameters,
            h,
            spaces,
            state_spaces,
            value_spaces,
            stages: vec![None; scope.stages.len()],
            awaited: vec![false; scope.stages.len()],
            firsts: vec![None; scope.states.len()],
            updates: vec![None; scope.states.len()],
            operations: vec![],
            symbolic: Symbolic::default(),
            evaluation_spans: vec![],
            target: None,
            depth: 0,
        }
    }

    /// Runs all statements and resolves what was used before it was computed.
    pub fn run(mut self) -> Evaluated<Step> {
        for statement in &self.optimizer.statements {
            match statement {
                Statement::Stage(name, value) => self.define(name, value)?,
                Statement::First(name, value) => self.first(name, value)?,
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
        let mut states = Vec::new();
        for (name, key) in self.scope.states.iter().zip(self.state_spaces.clone()) {
            states.push(self.spaces.known(key).ok_or_else(|| {
                self.fault(
                    &name.span,
                    format!("`{}` belongs to no player", name.text),
                    "its space cannot be told",
                    "a buffer belongs to the player whose vectors it is added to",
                )
            })?);
        }
        // What no state depends on belongs to no player: any will do.
        let values = std::mem::take(&mut self.value_spaces).into_iter();
        let values = values.map(|key| self.spaces.known(key).unwrap_or(0)).collect();
        let (operations, symbolic) = (self.operations, self.symbolic);
        Ok(Step {
            operations,
            symbolic,
            evaluations: self.evaluation_spans,
            updates,
            states,
            values,
        })
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
    fn define(&mut self, name: &Name, value: &Expression) -> Evaluated<()> {
        let Some(Symbol::Stage(index)) = self.scope.symbols.get(&name.text).copied() else {
            return Ok(());
        };
        let register = Register::Value(index);
        self.target = Some(register);
        let mut result = self.expression(value)?;
        if let Value::Vector(vector) = &mut result {
            self.unite(self.value_spaces[index], vector.space, &value.span)?;
            if self.awaited[index] || vector.register().is_none() {
                let terms = std::mem::take(&mut vector.terms);
                self.assign(register, terms, None, &value.span)?;
                *vector = Vector::of(register, vector.space);
            }
        }
        self.stages[index] = Some(result);
        Ok(())
    }

    /// `name' = value`
    fn update(&mut self, name: &Name, value: &Expression) -> Evaluated<()> {
        let index = self.state(&name.text, &name.span)?;
        if self.updates[index].is_some() {
            return Err(self.fault(
                &name.span,
                format!("`{}'` gets a value twice", name.text),
                "the second time",
                "name the first value with `let`",
            ));
        }
        let vector = self.new_value(index, name, value)?;
        let first = self.firsts[index].take();
        self.assign(Register::New(index), vector.terms, first, &value.span)?;
        self.updates[index] = Some(value.span.clone());
        Ok(())
    }

    /// `first name' = value`
    fn first(&mut self, name: &Name, value: &Expression) -> Evaluated<()> {
        let index = self.state(&name.text, &name.span)?;
        if self.updates[index].is_some() || self.firsts[index].is_some() {
            let twice = self.firsts[index].is_some();
            return Err(self.fault(
                &name.span,
                if twice {
                    format!("`first {}'` stands twice", name.text)
                } else {
                    format!("`first {0}'` stands below `{0}'`", name.text)
                },
                "here",
                "one line `first v' = …` stands above the line `v' = …`, whose place it takes in the first step",
            ));
        }
        let evaluations = self.evaluation_spans.len();
        let vector = self.new_value(index, name, value)?;
        if self.evaluation_spans.len() > evaluations {
            return Err(self.fault(
                &value.span,
                "a first value needs an evaluation of its own",
                "is evaluated in the first step alone",
                "name the evaluation above: `let g = f(theta)`",
            ));
        }
        self.firsts[index] = Some(vector.terms);
        Ok(())
    }

    fn new_value(&mut self, index: usize, name: &Name, value: &Expression) -> Evaluated<Vector> {
        self.target = Some(Register::New(index));
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
        Ok(vector)
    }

    /// The value of a buffer of space `space` before the first step.
    pub fn initial(mut self, value: &Expression, space: usize) -> Evaluated<Initial> {
        if matches!(&value.kind, Kind::Old(name) if name == "settled") {
            return Ok(Initial::Settled);
        }
        match self.expression(value)? {
            Value::Number(number) => Ok(Initial::Entries(number)),
            Value::Vector(vector) => match self.multiple(&vector, space) {
                Some(factor) => Ok(Initial::Multiple(factor)),
                None => Err(self.fault(
                    &value.span,
                    "a buffer cannot start so",
                    format!("is no multiple of `{}`", self.scope.spaces[space]),
                    "a buffer starts as a number, a multiple of the parameters, or `settled`; \
                     `first v' = …` says what it is after the first step",
                )),
            },
        }
    }

    /// The `c` of a field that is `c` times its point.
    pub fn linear(mut self, value: &Expression, field: &str) -> Evaluated<RationalFunction> {
        let found = match self.expression(value)? {
            Value::Number(_) => None,
            Value::Vector(vector) => self.multiple(&vector, 0),
        };
        found.ok_or_else(|| {
            self.fault(
                &value.span,
                format!("the field `{field}` cannot be this"),
                "is no multiple of `theta`",
                "a field that is not a gradient is a multiple of the parameters: \
                 `fields f, w = -theta`",
            )
        })
    }

    /// The factor of a multiple of the parameter vector of a space.
    fn multiple(&self, vector: &Vector, space: usize) -> Option<RationalFunction> {
        let mut value = self.symbolic.value(&vector.terms).into_iter();
        match (value.next(), value.next()) {
            (None, _) => Some(RationalFunction::zero()),
            (Some((register, factor)), None) if register == Register::State(space) => Some(factor),
            _ => None,
        }
    }

    /// The state that `name'` speaks of.
    fn state(&self, name: &str, span: &Range<usize>) -> Evaluated<usize> {
        let what = match self.scope.symbols.get(name) {
            Some(Symbol::State(index)) => return Ok(*index),
            None => {
                return Err(self.fault(
                    span,
                    format!("unknown name `{name}`"),
                    "not declared in this optimizer",
                    match self.scope.near(name, |s| matches!(s, Symbol::State(_))) {
                        Some(near) => near,
                        None => format!("declare the buffer: `state {name}`"),
                    },
                ));
            }
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

    /// Declares that two vectors are of one space.
    fn unite(&mut self, a: usize, b: usize, span: &Range<usize>) -> Evaluated<()> {
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
}
