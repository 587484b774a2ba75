//! The command line, one file a subcommand.

mod derive;

use clap::Parser;
use std::process::ExitCode;

/// Backward error analysis of optimizers.
#[derive(Parser)]
#[command(name = "bea", version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Derive(derive::Derive),
}

/// Parses the command line, runs the command, prints what went wrong; returns the exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Command::Derive(derive) => derive.run(),
    };
    outcome.map_or_else(
        |report| {
            eprintln!("{report:?}");
            ExitCode::from(2)
        },
        |()| ExitCode::SUCCESS,
    )
}
