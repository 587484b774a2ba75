//! `bea completions`: completions for shells.

use super::{Cli, output};
use clap::CommandFactory;
use std::process::ExitCode;

/// Print the completions of a shell.
#[derive(clap::Args)]
pub(super) struct Completions {
    /// The shell
    shell: clap_complete::Shell,
}

impl Completions {
    pub fn run(self) -> miette::Result<ExitCode> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "bea", &mut text);
        output::to_stdout(|out| out.write_all(&text))?;
        Ok(ExitCode::SUCCESS)
    }
}
