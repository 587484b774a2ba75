//! The command line, one file a subcommand.

mod check;
mod codegen;
mod completions;
mod data;
mod derive;
mod evaluate;
mod flow;
mod input;
mod interrupt;
mod limit;
mod loss;
mod loss_input;
mod man;
mod network_input;
mod optimizers;
mod output;
mod problem_input;
mod progress;
mod reproduce;
mod spectrum;
mod stability;
mod tree;

use clap::Parser;
use std::process::ExitCode;

/// Backward error analysis of optimizers: the exact flow that an optimizer follows.
#[derive(Parser)]
#[command(name = "bea", version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

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
    Evaluate(evaluate::Evaluate),
    Spectrum(spectrum::Spectrum),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Parses the command line, runs the command and prints what went wrong. The exit code is 0 for
/// success, 1 for a false claim, 2 for bad input and 130 after Ctrl-C.
pub fn main() -> ExitCode {
    // The text of an error is the same wherever it is printed; only colours depend on the terminal.
    let set = miette::set_hook(Box::new(|_| {
        Box::new(miette::MietteHandlerOpts::new().unicode(true).build())
    }));
    set.expect("no other hook is set");
    let outcome = match Cli::parse().command {
        Command::Derive(derive) => derive.run(),
        Command::Check(check) => check.run(),
        Command::Codegen(codegen) => codegen.run(),
        Command::Stability(stability) => stability.run(),
        Command::Optimizers(optimizers) => optimizers.run(),
        Command::Flow(flow) => flow.run(),
        Command::Loss(loss) => loss.run(),
        Command::Reproduce(reproduce) => reproduce.run(),
        Command::Data(data) => data.run(),
        Command::Evaluate(evaluate) => evaluate.run(),
        Command::Spectrum(spectrum) => spectrum.run(),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(),
    };
    outcome.unwrap_or_else(|report| {
        output::to_stderr(&format!("{report:?}"));
        ExitCode::from(2)
    })
}
