//! The losses of an optimizer's vector fields as named on the command line.

use super::loss_input::{self, Settings};
use bea_flow::codegen::LossFormulas;
use bea_flow::flow::Problem;
use bea_flow::loss::{self, Expr, Graph, Loss};
use bea_series::exact::{Rational, RationalFunction};
use bea_series::optimizer::{Step, StepProgram};
use bea_series::series::GeneralLinearMethod;
use bea_series::text::near;
use miette::miette;
use num_rational::BigRational;

/// The losses of an optimizer.
pub(super) struct Losses {
    /// As they were given. The start and the domain are those of the first.
    pub(super) losses: Vec<Loss>,
    /// The names of all coordinates.
    pub(super) variables: Vec<String>,
    graph: Graph,
    /// The coordinates of each player.
    spaces: Vec<Vec<usize>>,
    /// The space and the loss of each vector field.
    fields: Vec<(usize, Expr)>,
}

impl Losses {
    /// The vector fields.
    pub(super) fn problem(&self) -> miette::Result<Problem> {
        let problem = Problem::of_losses(&self.graph, self.spaces.clone(), &self.fields)
            .map_err(|error| miette!("{error}"))?;
        Ok(match self.losses.as_slice() {
            [loss] => problem.with_matrices(loss.matrices()),
            _ => problem,
        })
    }

    /// What code is written for.
    pub(super) fn objective(self) -> LossFormulas {
        let Losses { losses, variables, graph, spaces, fields } = self;
        let written = fields.iter().take(losses.len()).map(|(_, loss)| *loss).collect();
        let names: Vec<&str> = losses.iter().map(|loss| loss.name.as_str()).collect();
        let docs: Vec<&str> = losses.iter().map(|loss| loss.doc.as_str()).collect();
        LossFormulas {
            name: names.join(" and "),
            formula: docs.join("\n").trim().to_string(),
            ..LossFormulas::of_losses(graph, variables, &spaces, written, &fields)
        }
    }
}

/// One loss for each vector field of an optimizer, in their order. Those of fields that are multiples of the
/// parameters may be left out. For a game of two players one is enough: the second player then ascends it.
/// `players` are the variables of each, `x,a;y`.
pub(super) fn losses(
    texts: &[String],
    settings: &Settings,
    optimizer: &StepProgram,
    players: Option<&str>,
) -> miette::Result<Losses> {
    let losses =
        texts.iter().map(|t| loss_input::loss(t, settings)).collect::<miette::Result<Vec<_>>>()?;
    let (fields, spaces) = (optimizer.fields.len(), optimizer.spaces.len());
    let zero_sum = losses.len() == 1 && fields == 2 && spaces == 2;
    let factor = |c: &Option<RationalFunction>| c.as_ref().and_then(|c| c.as_rational());
    let known: Vec<Option<BigRational>> = optimizer.linear.iter().map(factor).collect();
    let unknown = known.iter().filter(|known| known.is_none()).count();
    if losses.len() != fields && losses.len() != unknown && !zero_sum {
        let names: Vec<&str> = optimizer.fields.iter().map(|f| f.name.as_str()).collect();
        return Err(miette!(
            help = "give --loss once for each vector field, in this order",
            "the optimizer has {fields} vector field{} ({}), and there {} {} loss{}",
            if fields == 1 { "" } else { "s" },
            names.join(", "),
            if losses.len() == 1 { "is" } else { "are" },
            losses.len(),
            if losses.len() == 1 { "" } else { "es" },
        ));
    }
    let mut variables: Vec<String> = Vec::new();
    for name in losses.iter().flat_map(|loss| &loss.variables) {
        if !variables.contains(name) {
            variables.push(name.clone());
        }
    }
    if variables.is_empty() {
        return Err(miette!(
            help = "a loss is a formula of named variables, `(x-1)^2 + y^2` say",
            "the loss `{}` has no variable",
            texts.join("`, `")
        ));
    }
    let mut graph = Graph::new();
    let mut expressions: Vec<Expr> = losses
        .iter()
        .map(|loss| {
            let place = |name: &String| variables.iter().position(|v| v == name).expect("listed");
            let to: Vec<u32> = loss.variables.iter().map(|name| place(name) as u32).collect();
            graph.import(loss.graph(), loss.expression(), &to)
        })
        .collect();
    if zero_sum {
        expressions.push(graph.neg(expressions[0]));
    }
    if expressions.len() < fields {
        // The loss of `c θ` is `-c/2 θ²`.
        for (i, c) in known.into_iter().enumerate().filter_map(|(i, c)| Some((i, c?))) {
            let half = Rational::from(-c / BigRational::from_integer(2.into()));
            let squares: Vec<Expr> = (0..variables.len() as u32)
                .map(|variable| {
                    let x = graph.variable(variable);
                    graph.mul(x, x)
                })
                .collect();
            let sum = squares.into_iter().reduce(|a, b| graph.add(a, b)).expect("a variable");
            expressions.insert(i, graph.scale(&half, sum));
        }
    }
    let spaces = partition(players, &variables, &optimizer.spaces)?;
    let fields = optimizer.fields.iter().map(|f| f.space).zip(expressions).collect();
    Ok(Losses { losses, variables, graph, spaces, fields })
}

/// [`losses`] of a step that may be nonlinear: then it has the one field that gradient descent has.
pub(super) fn losses_of_step(
    texts: &[String],
    settings: &Settings,
    step: &Step,
    players: Option<&str>,
) -> miette::Result<Losses> {
    match step {
        Step::Linear(program) => losses(texts, settings, program, players),
        Step::Nonlinear(_) => {
            let descent = StepProgram::from(&GeneralLinearMethod::euler());
            losses(texts, settings, &descent, players)
        }
    }
}

/// The coordinates of each player.
fn partition(
    players: Option<&str>,
    variables: &[String],
    spaces: &[String],
) -> miette::Result<Vec<Vec<usize>>> {
    let Some(text) = players else {
        return match spaces.len() {
            1 => Ok(vec![(0..variables.len()).collect()]),
            n if n == variables.len() => Ok((0..n).map(|i| vec![i]).collect()),
            n => Err(miette!(
                help = "write --players 'x,a;y': the variables of each, separated by semicolons",
                "{} variables ({}) have to be shared out among {n} players",
                variables.len(),
                variables.join(", ")
            )),
        };
    };
    let groups: Vec<&str> = text.split(';').collect();
    if groups.len() != spaces.len() {
        return Err(miette!(
            help = "separate the players by semicolons, the variables of one by commas",
            "--players names {} player{}, the optimizer has {}",
            groups.len(),
            if groups.len() == 1 { "" } else { "s" },
            spaces.len()
        ));
    }
    let known: Vec<&str> = variables.iter().map(String::as_str).collect();
    let mut players = vec![Vec::new(); groups.len()];
    let mut shared_out = vec![false; variables.len()];
    for (player, group) in groups.iter().enumerate() {
        if group.trim().is_empty() {
            return Err(miette!(
                help = "the variables of each player, separated by semicolons: --players 'x,a;y'",
                "--players: player {} has no variables",
                player + 1
            ));
        }
        // Names of array entries contain commas, `W[0,1]`.
        for name in loss::split_top_level(group) {
            let name = name.split_whitespace().collect::<String>();
            let at = variables.iter().position(|v| *v == name).ok_or_else(|| {
                let help = near::advice(&name, &known).unwrap_or_default();
                miette!(help = help, "--players: the loss has no variable `{name}`")
            })?;
            if std::mem::replace(&mut shared_out[at], true) {
                return Err(miette!(
                    help = "a variable belongs to exactly one player",
                    "--players names `{name}` twice"
                ));
            }
            players[player].push(at);
        }
    }
    let left: Vec<&str> = (0..known.len()).filter(|&i| !shared_out[i]).map(|i| known[i]).collect();
    match left.as_slice() {
        [] => Ok(players),
        left => Err(miette!(
            help = "every variable belongs to exactly one player",
            "--players: {} belong{} to no player",
            near::quoted(left),
            if left.len() == 1 { "s" } else { "" }
        )),
    }
}
