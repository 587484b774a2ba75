//! `bea stability`: where an optimizer and its flows are stable.

mod curves;
mod json;
mod picture;
mod text;

use super::help::Named;
use super::picture::{PictureOptions, only_with_plot};
use super::terminal::assignments;
use super::{input, loss_input, output, problem_input, results};
use bea_flow::flow::stability::{Stability, StabilityError, StabilityRequest, stability};
use bea_series::optimizer::{Optimizer, Step, StepProgram};
use bea_series::series::GeneralLinearMethod;
use miette::{IntoDiagnostic, miette};
use num_rational::BigRational;
use picture::PanelName;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Show whether an optimizer and its flows converge to a critical point of a loss.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, mut_args(only_with_plot))]
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
    /// Draw the multipliers of one step as h grows, and the region of stability
    #[arg(long)]
    plot: bool,
    /// Draw one panel alone
    #[arg(long, value_enum, value_name = "PANEL", requires = "plot")]
    panel: Option<PanelName>,
    #[command(flatten)]
    look: PictureOptions,
    /// The folder of the picture and its numbers [default: a new one, results/stability or
    /// results/stability-2 and so on]
    #[arg(long, value_name = "DIR", requires = "plot")]
    out: Option<PathBuf>,
    /// Replace the files in a folder that exists
    #[arg(long, requires = "plot")]
    force: bool,
}

const EXAMPLES: &str = "\
Examples:
  bea stability --loss rosenbrock --at 1,1 --lr 0.003
  bea stability --loss '(x^2+y-11)^2 + (x+y^2-7)^2' --at 3,2 \\
    --optimizer heavy_ball --set m=9/10
  bea stability --loss x*y --at 0,0 --optimizer alternating_gda --lr 0.5
  bea stability --loss rosenbrock --at 1,1 --optimizer adam \\
    --set beta1=9/10 --set beta2=99/100 --set eps=1/1000
  bea stability --loss rosenbrock --optimizer heavy_ball --set m=9/10 \\
    --lr 0.0015 --plot --out momentum

A step that is not linear is linearised at the critical point, with buffers at
rest: Adam is momentum there, with the step size h/ε. One that has no derivative
there is refused, as Adam with ε = 0 is.

The picture (--plot):
  the multipliers μ, eigenvalues of one step, in the complex plane as h grows,
  with a dot at every tenth of the range; the largest |μ| against h; and the
  region of stability in the plane of z = hλ, shaded by the gain 1 - max |μ| of
  a step, with the hλ of the critical point at --lr, or at the critical h. λ is
  an eigenvalue of the Hessian, or of a game's -f'.

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

/// The folder of a picture, unless another is named.
const FOLDER: &str = "results/stability";
/// The files that this command may leave there.
const FILES: [&str; 5] =
    ["stability.svg", "stability.png", "stability.pdf", "multipliers.csv", "region.csv"];

impl StabilityOf {
    pub fn run(self) -> miette::Result<ExitCode> {
        if self.plot {
            let above = Path::new(FOLDER).parent().unwrap_or(Path::new(""));
            let folder = self.folder();
            results::check_folder(folder.unwrap_or(above), self.force || folder.is_none())?;
        }
        let optimizer = input::optimizer(&self.optimizer)?;
        let mut settings = loss_input::settings(&self.values)?;
        let values = loss_input::of_optimizer(&optimizer, &mut settings)?;
        let (method, program) = self.method(&optimizer, &values)?;
        let players = self.players.as_deref();
        let losses = problem_input::losses(&self.losses, &settings, &program, players)?;
        let start = self.start(&losses)?;
        let request = StabilityRequest { lr: self.lr, order: self.order };
        let problem = losses.problem()?;
        let found = stability(&problem, &method, &start, &request)
            .map_err(|error| explain(error, &losses.variables))?;
        let report = Report {
            stability: &found,
            variables: &losses.variables,
            loss: &losses.losses[0].name,
            optimizer: &optimizer,
            values: &values,
            request,
        };
        let make = |aspect| report.picture(&problem, &method, self.panel, aspect);
        let drawn = self.plot.then(|| self.look.undistorted(make, |picture| &picture.figure));
        let picture = drawn.transpose()?;
        let mut text = match self.format {
            Format::Text => report.text(),
            Format::Json => format!("{:#}\n", report.json()),
        };
        let Some(picture) = picture else {
            output::to_stdout(|out| out.write_all(text.as_bytes()))?;
            return Ok(ExitCode::SUCCESS);
        };
        let notes = picture.notes.clone();
        let written = self.write(picture);
        if self.format == Format::Text {
            for line in notes.into_iter().chain(written.as_ref().ok().map(|paths| wrote(paths))) {
                text.push_str(&format!("\n{line}\n"));
            }
        }
        // What was computed is shown even where files cannot be written.
        output::to_stdout(|out| out.write_all(text.as_bytes()))?;
        written.map(|_| ExitCode::SUCCESS)
    }

    /// What the optimizer is near a critical point, and its step there.
    fn method(
        &self,
        optimizer: &Optimizer,
        values: &BTreeMap<String, BigRational>,
    ) -> miette::Result<(GeneralLinearMethod, StepProgram)> {
        match optimizer.step(values)? {
            Step::Linear(program) => Ok((program.method(), program)),
            Step::Nonlinear(program) if !program.parameters.is_empty() => {
                Err(explain(StabilityError::Symbolic(program.parameters), &[]))
            }
            Step::Nonlinear(_) => {
                let method = optimizer.at_rest(values)?;
                let program = StepProgram::from(&method);
                Ok((method, program))
            }
        }
    }

    /// The folder of the picture; `None` for a new one.
    fn folder(&self) -> Option<&Path> {
        self.out.as_deref().or(self.force.then(|| Path::new(FOLDER)))
    }

    fn write(&self, picture: picture::Picture) -> miette::Result<Vec<PathBuf>> {
        let mut files = self.look.pictures("stability", &picture.figure)?;
        files.extend(picture.tables);
        match self.folder() {
            Some(folder) => results::to_folder(folder, &files, &FILES, self.force),
            None => results::to_new_folder(FOLDER, &files),
        }
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

fn wrote(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    format!("wrote {}", paths.join(", "))
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
