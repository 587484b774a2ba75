//! `bea stability`: where an optimizer and its flows are stable.

mod json;
mod text;

use super::help::Named;
use super::terminal::assignments;
use super::{input, loss_input, output, problem_input};
use bea_flow::flow::stability::{Stability, StabilityError, StabilityRequest, stability};
use bea_series::optimizer::Optimizer;
use miette::{IntoDiagnostic, miette};
use num_rational::BigRational;
use std::collections::BTreeMap;
use std::process::ExitCode;

/// Show whether an optimizer and its flows converge to a critical point of a loss.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct StabilityOf {
    /// A name from `bea loss`, a file, or a formula; repeated for each vector field of the optimizer
    #[arg(long = "loss", value_name = "LOSS", required = true, allow_hyphen_values = true)]
    #[arg(value_parser = Named::Loss, hide_possible_values = true)]
    losses: Vec<String>,
    /// Where to look for a critical point, `1,1` or `x=1,y=1` [default: a known minimum]
    #[arg(long, value_name = "POINT", allow_hyphen_values = true)]
    at: Option<String>,
    /// The step size; without it, only what holds for all step sizes is shown
    #[arg(long, value_name = "H", value_parser = super::flow::positive, allow_hyphen_values = true)]
    lr: Option<f64>,
    /// A name from `bea optimizers`, or a file
    #[arg(long, value_name = "NAME|FILE", default_value = "gradient_descent")]
    #[arg(value_parser = Named::Optimizer, hide_possible_values = true)]
    optimizer: String,
    /// Give a parameter of the optimizer or the loss a value
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = loss_input::setting)]
    values: Vec<(String, String)>,
    /// The flow order:N, with the modified field up to h^N
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = input::order)]
    #[arg(allow_negative_numbers = true)]
    order: usize,
    /// The variables of each player of a game, `x,a;y`
    #[arg(long, value_name = "NAMES")]
    players: Option<String>,
    /// The format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

const EXAMPLES: &str = "\
Examples:
  bea stability --loss rosenbrock --at 1,1 --lr 0.003
  bea stability --loss '(x^2+y-11)^2 + (x+y^2-7)^2' --at 3,2 \\
    --optimizer heavy_ball --set m=9/10
  bea stability --loss x*y --at 0,0 --optimizer alternating_gda --lr 0.5

JSON:
  point, optimizer, values (of the optimizer's parameters), lr, directions (or,
  for several vector fields, coupled), intervals of the step size h, and
  critical_learning_rate: 0 if the optimizer does not converge for small h;
  \"infinity\" if it converges for all; null if not determined. Complex numbers
  are [re, im].";

#[derive(Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Tables for the terminal
    #[default]
    Text,
    /// An object
    Json,
}

impl StabilityOf {
    pub fn run(self) -> miette::Result<ExitCode> {
        let optimizer = input::optimizer(&self.optimizer)?;
        let mut settings = loss_input::settings(&self.values)?;
        let values = loss_input::of_optimizer(&optimizer, &mut settings)?;
        let program = optimizer.program(&values)?;
        let method = program.method();
        let players = self.players.as_deref();
        let losses = problem_input::losses(&self.losses, &settings, &program, players)?;
        let start = self.start(&losses)?;
        let request = StabilityRequest { lr: self.lr, order: self.order };
        let found = stability(&losses.problem()?, &method, &start, &request)
            .map_err(|error| explain(error, &losses.variables))?;
        let report = Report {
            stability: &found,
            variables: &losses.variables,
            loss: &losses.losses[0].name,
            optimizer: &optimizer,
            values: &values,
            request,
        };
        let text = match self.format {
            Format::Text => report.text(),
            Format::Json => format!("{:#}\n", report.json()),
        };
        output::to_stdout(|out| out.write_all(text.as_bytes()))?;
        Ok(ExitCode::SUCCESS)
    }

    fn start(&self, losses: &problem_input::Losses) -> miette::Result<Vec<f64>> {
        if let Some(text) = &self.at {
            return loss_input::point("--at", text, &losses.variables);
        }
        let known = losses.losses[0].minima.first().or(losses.losses[0].start.as_ref());
        known.filter(|p| p.len() == losses.variables.len()).cloned().ok_or_else(|| {
            miette!(
                help = "give a point near one with --at",
                "no minimum of {} is known",
                losses.losses[0].name
            )
        })
    }
}

/// The error with what to do about it.
fn explain(error: StabilityError, variables: &[String]) -> miette::Report {
    let help = match &error {
        StabilityError::Symbolic(names) => {
            let settings: Vec<String> = names.iter().map(|n| format!("--set {n}=…")).collect();
            Some(format!("say {}", settings.join(" ")))
        }
        StabilityError::NoCriticalPoint { theta, .. } => {
            Some(format!("that is at {}; start elsewhere with --at", assignments(variables, theta)))
        }
        StabilityError::Undefined => Some("choose another point with --at".into()),
        StabilityError::Order { .. } => Some("ask for a lower --order".into()),
        _ => None,
    };
    match help {
        Some(help) => miette!(help = help, "{error}"),
        None => Err::<(), _>(error).into_diagnostic().expect_err("an error"),
    }
}

/// An analysis, and of what.
struct Report<'a> {
    stability: &'a Stability,
    variables: &'a [String],
    loss: &'a str,
    optimizer: &'a Optimizer,
    values: &'a BTreeMap<String, BigRational>,
    request: StabilityRequest,
}
