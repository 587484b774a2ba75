//! What every name of an optimizer stands for.

use super::Optimizer;
use super::functions;
use super::syntax::{Declared, Expression, Kind, Name, Statement};
use crate::series::VectorField;
use crate::text::near;
use crate::text::source::SourceError;
use std::collections::BTreeMap;
use std::ops::Range;

/// How many states, and how many stages, an optimizer may have.
pub(super) const MAX_STATES: usize = 128;

/// What a name stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Symbol {
    /// The step size `h`.
    Step,
    /// A parameter, by index.
    Parameter(usize),
    /// A parameter vector or buffer, by index.
    State(usize),
    /// A stage or scalar defined with `let`, by index.
    Stage(usize),
    /// A vector field, by index.
    Field(usize),
}

/// The names of an optimizer.
pub(super) struct Scope {
    pub symbols: BTreeMap<String, Symbol>,
    /// `theta`, or the players.
    pub spaces: Vec<String>,
    pub fields: Vec<VectorField>,
    /// The formulas of the fields that have one.
    pub formulas: Vec<Option<Expression>>,
    /// The parameter vectors, one a space, then the buffers.
    pub states: Vec<Name>,
    /// What states are before the first step, where that is said.
    pub initial: Vec<Option<Expression>>,
    /// Whether a state was declared `slow`.
    pub slow: Vec<bool>,
    /// Of every name that `let` defines: whether it is a vector.
    pub stages: Vec<bool>,
}

impl Scope {
    /// Collects all names.
    ///
    /// # Errors
    /// Names that are taken, declarations that contradict each other, and too many states.
    pub fn new(optimizer: &Optimizer) -> Result<Scope, SourceError> {
        let mut scope = Scope {
            symbols: BTreeMap::from([("h".into(), Symbol::Step)]),
            spaces: vec![],
            fields: vec![],
            formulas: vec![],
            states: vec![],
            initial: vec![],
            slow: vec![],
            stages: vec![],
        };
        let (players, fields) = declared(optimizer)?;
        match players {
            Some(players) => scope.add_players(optimizer, players)?,
            None => scope.add_theta(optimizer, fields)?,
        }
        for (i, (name, span)) in
            optimizer.parameters.iter().zip(&optimizer.parameter_spans).enumerate()
        {
            let name = Name { text: name.clone(), span: span.clone() };
            scope.define(optimizer, &name, Symbol::Parameter(i), &[])?;
        }
        for statement in &optimizer.statements {
            match statement {
                Statement::States(states) | Statement::Slow(states) => {
                    let slow = matches!(statement, Statement::Slow(_));
                    for Declared { name, value } in states {
                        scope.define(optimizer, name, Symbol::State(scope.states.len()), &[])?;
                        scope.states.push(name.clone());
                        scope.initial.push(value.clone());
                        scope.slow.push(slow);
                        limit(optimizer, scope.states.len(), &name.span, "states")?;
                    }
                }
                Statement::Stage(name, _) => {
                    scope.define(optimizer, name, Symbol::Stage(scope.stages.len()), &[])?;
                    scope.stages.push(false);
                    limit(optimizer, scope.stages.len(), &name.span, "stages")?;
                }
                _ => {}
            }
        }
        scope.find_vectors(optimizer);
        Ok(scope)
    }

    /// Marks the stages that are vectors; a stage may use one that is defined further down.
    fn find_vectors(&mut self, optimizer: &Optimizer) {
        let values = || {
            optimizer.statements.iter().filter_map(|statement| match statement {
                Statement::Stage(_, value) => Some(value),
                _ => None,
            })
        };
        let mut changed = true;
        while changed {
            changed = false;
            for (stage, value) in values().enumerate() {
                if !self.stages[stage] && self.is_vector(value) {
                    self.stages[stage] = true;
                    changed = true;
                }
            }
        }
    }

    /// Whether an expression is a vector, by the names in it.
    pub fn is_vector(&self, expression: &Expression) -> bool {
        match &expression.kind {
            Kind::Number(_) => false,
            Kind::New(_) | Kind::Derivative(..) => true,
            Kind::Application(name, arguments) if self.is_function(&name.text) => {
                !functions::is_reduction(&name.text)
                    && arguments.iter().any(|argument| self.is_vector(argument))
            }
            Kind::Application(..) => true,
            Kind::Old(name) => match self.symbols.get(name) {
                Some(Symbol::State(_)) => true,
                Some(Symbol::Stage(i)) => self.stages[*i],
                None => self.is_gradient(name),
                _ => false,
            },
            Kind::Power(inner, _) | Kind::Negative(inner) => self.is_vector(inner),
            Kind::Sum(parts) | Kind::Product(parts) => {
                parts.iter().any(|(_, part)| self.is_vector(part))
            }
        }
    }

    /// Whether `name` is a function of the language and nothing that the optimizer defines.
    pub fn is_function(&self, name: &str) -> bool {
        functions::is_known(name) && !self.symbols.contains_key(name)
    }

    /// Whether `name` is `g`, which stands for `-f(theta)` where nothing else has that name.
    pub fn is_gradient(&self, name: &str) -> bool {
        name == "g" && !self.symbols.contains_key("g") && self.symbols.contains_key("f")
    }

    fn add_players(&mut self, optimizer: &Optimizer, players: &[Name]) -> Result<(), SourceError> {
        if players.len() < 2 {
            return Err(optimizer.source.fault(
                players[0].span.clone(),
                "a game has two players or more",
                "the only player",
                Some("without `players` the parameter vector is `theta` and its field `f`".into()),
            ));
        }
        for (space, player) in players.iter().enumerate() {
            // A game has no parameter vector `theta`, so a player may have that name.
            let free: &[&str] = &["theta"];
            self.define(optimizer, player, Symbol::State(space), free)?;
            self.spaces.push(player.text.clone());
            self.states.push(player.clone());
            self.initial.push(None);
            self.slow.push(false);
            limit(optimizer, self.states.len(), &player.span, "players")?;
        }
        for (space, player) in players.iter().enumerate() {
            let name = Name { text: format!("f{}", player.text), span: player.span.clone() };
            self.define(optimizer, &name, Symbol::Field(space), &[])?;
            self.fields.push(VectorField { name: name.text, space });
            self.formulas.push(None);
        }
        Ok(())
    }

    fn add_theta(
        &mut self,
        optimizer: &Optimizer,
        fields: Option<&[Declared]>,
    ) -> Result<(), SourceError> {
        self.symbols.insert("theta".into(), Symbol::State(0));
        self.spaces.push("theta".into());
        self.states.push(Name { text: "theta".into(), span: optimizer.name_span.clone() });
        self.initial.push(None);
        self.slow.push(false);
        let usual = Name { text: "f".into(), span: optimizer.name_span.clone() };
        let usual = [Declared { name: usual, value: None }];
        for (i, Declared { name, value }) in fields.unwrap_or(&usual).iter().enumerate() {
            self.define(optimizer, name, Symbol::Field(i), &["f"])?;
            self.fields.push(VectorField { name: name.text.clone(), space: 0 });
            self.formulas.push(value.clone());
            limit(optimizer, self.fields.len(), &name.span, "fields")?;
        }
        Ok(())
    }

    /// Gives `name` its meaning; of the reserved names only those in `free` are available.
    fn define(
        &mut self,
        optimizer: &Optimizer,
        name: &Name,
        symbol: Symbol,
        free: &[&str],
    ) -> Result<(), SourceError> {
        let text = name.text.as_str();
        let reserved =
            [("h", "the step size"), ("f", "the vector field"), ("theta", "the parameter vector")];
        if let Some((_, meaning)) =
            reserved.iter().find(|(r, _)| *r == text && !free.contains(&text))
        {
            return Err(optimizer.source.fault(
                name.span.clone(),
                format!("`{text}` is a reserved name"),
                format!("stands for {meaning}"),
                Some("choose another name".into()),
            ));
        }
        if self.symbols.insert(text.into(), symbol).is_some() {
            return Err(optimizer.source.fault(
                name.span.clone(),
                format!("`{text}` is defined twice"),
                "this name is taken",
                Some(
                    "every parameter, state, stage, player and field needs a name of its own"
                        .into(),
                ),
            ));
        }
        Ok(())
    }

    /// `did you mean …?`, if a name of the kind `wanted` resembles `unknown`.
    pub fn near(&self, unknown: &str, wanted: impl Fn(Symbol) -> bool) -> Option<String> {
        match near::names(unknown, &self.names(wanted)).as_slice() {
            [] => None,
            names => Some(format!("did you mean {}?", near::quoted(names))),
        }
    }

    /// The names of the kind `wanted`.
    pub fn names(&self, wanted: impl Fn(Symbol) -> bool) -> Vec<&str> {
        self.symbols.iter().filter(|(_, s)| wanted(**s)).map(|(name, _)| name.as_str()).collect()
    }
}

/// The `players` or `fields` an optimizer declares.
type Vectors<'a> = (Option<&'a [Name]>, Option<&'a [Declared]>);

fn declared(optimizer: &Optimizer) -> Result<Vectors<'_>, SourceError> {
    let (mut players, mut fields) = (None, None);
    for statement in &optimizer.statements {
        let (repeated, first, last) = match statement {
            Statement::Players(names) => {
                (players.replace(names.as_slice()).is_some(), &names[0], &names[names.len() - 1])
            }
            Statement::Fields(list) => {
                let (first, last) = (&list[0].name, &list[list.len() - 1].name);
                (fields.replace(list.as_slice()).is_some(), first, last)
            }
            _ => continue,
        };
        if repeated || (players.is_some() && fields.is_some()) {
            return Err(optimizer.source.fault(
                first.span.start..last.span.end,
                "the vector fields are declared twice",
                "a second declaration",
                Some(
                    "one line `players x, y` (fields `fx(x, y)`, `fy(x, y)`) or one line \
                     `fields f, w` is enough"
                        .into(),
                ),
            ));
        }
    }
    Ok((players, fields))
}

fn limit(
    optimizer: &Optimizer,
    count: usize,
    span: &Range<usize>,
    what: &str,
) -> Result<(), SourceError> {
    if count <= MAX_STATES {
        return Ok(());
    }
    Err(optimizer.source.fault(
        span.clone(),
        format!("an optimizer has at most {MAX_STATES} {what}"),
        "one too many",
        None,
    ))
}
