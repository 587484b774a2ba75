//! What every name of an optimizer stands for.

use super::Optimizer;
use super::syntax::{Name, Statement};
use crate::series::VectorField;
use crate::source::SourceError;
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
    /// The parameter vectors, one a space, then the buffers.
    pub states: Vec<Name>,
    /// How many names `let` defines.
    pub stages: usize,
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
            states: vec![],
            stages: 0,
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
                Statement::States(names) => {
                    for name in names {
                        scope.define(optimizer, name, Symbol::State(scope.states.len()), &[])?;
                        scope.states.push(name.clone());
                        limit(optimizer, scope.states.len(), &name.span, "states")?;
                    }
                }
                Statement::Stage(name, _) => {
                    scope.define(optimizer, name, Symbol::Stage(scope.stages), &[])?;
                    scope.stages += 1;
                    limit(optimizer, scope.stages, &name.span, "stages")?;
                }
                _ => {}
            }
        }
        Ok(scope)
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
            // Nothing else is called theta in a game.
            let free: &[&str] = &["theta"];
            self.define(optimizer, player, Symbol::State(space), free)?;
            self.spaces.push(player.text.clone());
            self.states.push(player.clone());
            limit(optimizer, self.states.len(), &player.span, "players")?;
        }
        for (space, player) in players.iter().enumerate() {
            let name = Name { text: format!("f{}", player.text), span: player.span.clone() };
            self.define(optimizer, &name, Symbol::Field(space), &[])?;
            self.fields.push(VectorField { name: name.text, space });
        }
        Ok(())
    }

    fn add_theta(
        &mut self,
        optimizer: &Optimizer,
        fields: Option<&[Name]>,
    ) -> Result<(), SourceError> {
        self.symbols.insert("theta".into(), Symbol::State(0));
        self.spaces.push("theta".into());
        self.states.push(Name { text: "theta".into(), span: optimizer.name_span.clone() });
        let usual = [Name { text: "f".into(), span: optimizer.name_span.clone() }];
        for (i, name) in fields.unwrap_or(&usual).iter().enumerate() {
            self.define(optimizer, name, Symbol::Field(i), &["f"])?;
            self.fields.push(VectorField { name: name.text.clone(), space: 0 });
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

    /// `did you mean …?`, or what there is.
    pub fn suggestion(&self, unknown: &str, wanted: impl Fn(Symbol) -> bool) -> Option<String> {
        let known: Vec<&str> =
            self.symbols.iter().filter(|(_, s)| wanted(**s)).map(|(n, _)| n.as_str()).collect();
        super::near::advice(unknown, &known)
    }
}

/// The `players` or `fields` an optimizer declares.
type Declared<'a> = (Option<&'a [Name]>, Option<&'a [Name]>);

fn declared(optimizer: &Optimizer) -> Result<Declared<'_>, SourceError> {
    let (mut players, mut fields) = (None, None);
    for statement in &optimizer.statements {
        let (slot, names) = match statement {
            Statement::Players(names) => (&mut players, names),
            Statement::Fields(names) => (&mut fields, names),
            _ => continue,
        };
        let repeated = slot.replace(names.as_slice()).is_some();
        if repeated || (players.is_some() && fields.is_some()) {
            return Err(optimizer.source.fault(
                names[0].span.start..names[names.len() - 1].span.end,
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
