//! The command line, one file a subcommand.

mod check;
mod codegen;
mod completions;
mod data;
mod derive;
pub mod embedded;
mod evaluate;
mod experiment_input;
mod flow;
mod graph;
mod help;
mod input;
mod interrupt;
mod limit;
mod live_picture;
mod loss;
mod loss_input;
mod man;
mod matrix_input;
#[doc(hidden)]
pub mod memory;
mod network_input;
mod note;
mod optimizers;
mod output;
mod picture;
mod problem_input;
mod progress;
mod reproduce;
mod results;
mod run;
mod run_progress;
mod spectrum;
mod stability;
mod sweep;
mod terminal;
mod tree;

use clap::Parser;
use std::process::ExitCode;

/// Backward error analysis of optimizers: the exact flow that an optimizer follows.
#[derive(Parser)]
#[command(name = "bea", version, propagate_version = true, after_help = HELP)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const HELP: &str = "\
Where to start:
  bea derive --order 2
      the flow that gradient descent follows, to second order
  bea flow --loss rosenbrock --lr 0.001 --plot
      gradient descent beside its flows, as a table, a picture and files
  bea stability --loss rosenbrock --lr 0.003
      whether it converges, and up to which learning rate
  bea derive mine.bea --order 3
      the flow of an optimizer of your own: `bea optimizers heavy_ball` shows
      how one is written
  bea spectrum --network mlp:10,10 --data iris --lr 0.1
      the curvature of a network, and what it means for gradient descent
  bea run examples/experiments/fig10.toml
      train a network and measure the errors of its flows

`bea COMMAND --help` explains a command and has examples of it.
`bea completions bash` prints the completions of a shell, of names too.";

#[derive(clap::Subcommand)]
enum Command {
    Derive(derive::Derive),
    Check(check::Check),
    Codegen(codegen::Codegen),
    Stability(stability::StabilityOf),
    Optimizers(optimizers::Optimizers),
    Flow(flow::Flow),
    Loss(loss::Loss),
    Reproduce(reproduce::Reproduce),
    Data(data::Data),
    Graph(graph::GraphOf),
    Evaluate(evaluate::Evaluate),
    Spectrum(spectrum::SpectrumOf),
    Run(run::Run),
    Sweep(sweep::Sweep),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Parses the command line, runs the command and prints what went wrong. The exit code is 0 for
/// success, 1 for a false claim, 2 for bad input, 130 after Ctrl-C and 143 after SIGTERM.
pub fn main() -> ExitCode {
    set_hook(None);
    let command = Cli::parse().command;
    command.run().unwrap_or_else(|report| {
        output::to_stderr(&format!("{report:?}"));
        ExitCode::from(2)
    })
}

/// Has errors printed alike everywhere; only colours depend on the terminal, unless it is said whether there are any.
fn set_hook(color: Option<bool>) {
    // One that is set already stays.
    let _ = miette::set_hook(Box::new(move |_| {
        let options = miette::MietteHandlerOpts::new().unicode(true);
        Box::new(match color {
            Some(color) => options.color(color).width(WIDTH).build(),
            None => options.build(),
        })
    }));
}

/// The width of messages that go to no terminal.
const WIDTH: usize = 80;

impl Command {
    fn run(self) -> miette::Result<ExitCode> {
        match self {
            Self::Derive(derive) => derive.run(),
            Self::Check(check) => check.run(),
            Self::Codegen(codegen) => codegen.run(),
            Self::Stability(stability) => stability.run(),
            Self::Optimizers(optimizers) => optimizers.run(),
            Self::Flow(flow) => flow.run(),
            Self::Loss(loss) => loss.run(),
            Self::Reproduce(reproduce) => reproduce.run(),
            Self::Data(data) => data.run(),
            Self::Graph(graph) => graph.run(),
            Self::Evaluate(evaluate) => evaluate.run(),
            Self::Spectrum(spectrum) => spectrum.run(),
            Self::Run(run) => run.run(),
            Self::Sweep(sweep) => sweep.run(),
            Self::Completions(completions) => completions.run(),
            Self::Man(man) => man.run(),
        }
    }
}
