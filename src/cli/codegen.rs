//! `bea codegen`: a flow as source code.

use super::help::Named;
use super::{input, limit, loss_input, output, problem_input};
use bea_flow::codegen::{self, CodeRequest, Language};
use bea_flow::flow::FlowName;
use bea_series::optimizer::Step;
use bea_series::text::source::Source;
use miette::miette;
use std::path::PathBuf;
use std::process::ExitCode;

/// Write a loss, its gradient and a flow's velocity as source code.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Codegen {
    /// A formula, a name from `bea loss`, or a file; repeated for each vector field of the optimizer. A
    /// game of two players with one loss is zero-sum
    #[arg(long = "loss", value_name = "LOSS", required = true, allow_hyphen_values = true)]
    #[arg(value_parser = Named::Loss, hide_possible_values = true)]
    losses: Vec<String>,
    /// ngf, igr, order:N, pf, pf-even or pf+np:N
    #[arg(long, value_name = "FLOW", default_value = "order:2")]
    #[arg(value_parser = Named::Flow, hide_possible_values = true)]
    flow: String,
    /// The language [default: that of the ending of --out]
    #[arg(long = "lang", value_enum, value_name = "LANGUAGE")]
    language: Option<Language>,
    /// A name from `bea optimizers`, or a file
    #[arg(long, value_name = "OPTIMIZER|FILE", default_value = "gradient_descent")]
    #[arg(value_parser = Named::Optimizer, hide_possible_values = true)]
    optimizer: String,
    /// Give a parameter of the losses or of the optimizer an exact value; one of the optimizer
    /// without a value becomes an argument of `field`
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = loss_input::setting)]
    settings: Vec<(String, String)>,
    /// The variables of each player of a game, `x,a;y`
    #[arg(long, value_name = "NAMES")]
    players: Option<String>,
    /// Write to a file, which appears only when it is complete
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace the file, and derive even what is expected not to fit in memory
    #[arg(long)]
    force: bool,
}

const EXAMPLES: &str = "\
Examples:
  bea codegen --loss '(1-x)^2 + 100*(y-x^2)^2' --flow order:4 --lang rust
  bea codegen --loss rosenbrock --flow pf --out principal.py
  bea codegen --loss rosenbrock --optimizer heavy_ball --set m=9/10 \\
    --flow order:3 --lang c
  bea codegen --loss 'x*y' --optimizer alternating_gda --flow order:3 \\
    --lang julia
  bea codegen --loss 'x^2/2 + x^4/4' --optimizer adam_inside --set beta1=1/2 \\
    --lang c

The functions:
  loss(theta), gradient(theta), field(theta, h), and hessian(theta) for
  principal flows; of several losses loss_NAME and gradient_NAME, with the names
  of the optimizer's vector fields. Python and Julia take real and complex
  points, Rust complex ones for pf and pf+np:N. Nonlinear optimizers have
  order:N, with bias corrections of 1; where one has slow variables, such as
  the sum of squares of adagrad, they follow the parameters in theta";

impl Codegen {
    pub fn run(self) -> miette::Result<ExitCode> {
        let language = self.language()?;
        let flow = self.flow()?;
        // Two are flows of gradient descent, whatever the optimizer is.
        let (name, flow) = match flow {
            FlowName::NegativeGradient => ("gradient_descent", FlowName::Order(0)),
            FlowName::ImplicitRegularization => ("gradient_descent", FlowName::Order(1)),
            flow => (self.optimizer.as_str(), flow),
        };
        let optimizer = input::optimizer(name)?;
        let mut settings = loss_input::settings(&self.settings)?;
        let values = loss_input::of_optimizer(&optimizer, &mut settings)?;
        let step = optimizer.step(&values)?;
        let players = self.players.as_deref();
        let losses = problem_input::losses_of_step(&self.losses, &settings, &step, players)?;
        let objective = losses.objective();
        if let Step::Linear(program) = &step
            && let FlowName::Order(n) | FlowName::PrincipalWith(n) = flow
        {
            limit::check(n, &program.method(), self.force)?;
        }
        if let Some(path) = &self.out {
            if path.exists() && !self.force {
                return Err(miette!(
                    help = "--force replaces it",
                    "{} exists already",
                    path.display()
                ));
            }
            output::check_file(path)?;
        }
        let command = self.command(language);
        let request = CodeRequest {
            objective: &objective,
            optimizer: &optimizer,
            values: &values,
            flow,
            command: Some(&command),
        };
        let emit = || Ok(codegen::emit(language, &request)?);
        let code = match step {
            Step::Linear(_) => emit()?,
            Step::Nonlinear(_) => {
                let advice = "lower the order, or give parameters values with --set";
                limit::effort(self.force, advice, |_| emit())?
            }
        };
        match &self.out {
            Some(path) => output::to_file(path, |out| out.write_all(code.as_bytes()))?,
            None => output::to_stdout(|out| out.write_all(code.as_bytes()))?,
        }
        Ok(ExitCode::SUCCESS)
    }

    fn language(&self) -> miette::Result<Language> {
        match (self.language, &self.out) {
            (Some(language), _) => Ok(language),
            (None, None) => {
                Err(miette!(help = "give --lang rust, c, python or julia", "no language is given"))
            }
            (None, Some(path)) => Language::of_path(path).ok_or_else(|| {
                miette!(
                    help = "give --lang, or one of the endings .rs .c .py .jl",
                    "the ending of {} stands for no language",
                    path.display()
                )
            }),
        }
    }

    fn flow(&self) -> miette::Result<FlowName> {
        match FlowName::parse(&Source::new("--flow", self.flow.as_str()))?.as_slice() {
            [flow] => Ok(*flow),
            _ => Err(miette!(
                help = "run the command once for each",
                "a file has one flow, `{}` are several",
                self.flow
            )),
        }
    }

    /// The command that writes the same to the standard output.
    fn command(&self, language: Language) -> String {
        use clap::ValueEnum;
        let language = language.to_possible_value().expect("no language is hidden");
        let mut words = vec!["bea".to_string(), "codegen".into()];
        let mut option = |name: &str, value: &str| words.extend([name.into(), quoted(value)]);
        self.losses.iter().for_each(|loss| option("--loss", loss));
        if self.optimizer != "gradient_descent" {
            option("--optimizer", &self.optimizer);
        }
        if let Some(players) = &self.players {
            option("--players", players);
        }
        self.settings.iter().for_each(|(name, value)| option("--set", &format!("{name}={value}")));
        option("--flow", &self.flow);
        option("--lang", language.get_name());
        words.join(" ")
    }
}

/// A word of a command as a shell reads it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-+=:/.,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_string();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
