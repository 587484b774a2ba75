//! Runs an optimizer's statements once, with vectors as symbols.

mod arithmetic;
mod expression;

pub(super) use arithmetic::constant;

use super::Optimizer;
use super::scope::{Scope, Symbol};
use super::syntax::{Expression, Name, Statement};
use super::value::{Atom, Spaces, Value, Vector};
use crate::exact::RationalFunction;
use crate::text::source::SourceError;
use std::collections::BTreeMap;
use std::ops::Range;

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
        let stage_spaces = scope.stages.iter().map(|_| spaces.unknown()).collect();
        Evaluator {
            optimizer,
            scope,
            parameters,
            h,
            spaces,
            state_spaces,
            stage_spaces,
            stages: vec![None; scope.stages.len()],
            updates: vec![None; scope.states.len()],
            evaluations: vec![],
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
        if let Value::Vector(vector) = &result {
            self.unite(self.stage_spaces[index], vector.space, &value.span)?;
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
                    _ => unreachable!("only vectors are used before their definition"),
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
