//! `bea man`: manual pages.

use super::{Cli, output};
use clap::CommandFactory;
use miette::miette;
use std::process::ExitCode;

/// Print a manual page, of `bea` or of one of its commands.
#[derive(clap::Args)]
pub(super) struct Man {
    /// The command, for example `derive`
    command: Option<String>,
}

impl Man {
    pub fn run(self) -> miette::Result<ExitCode> {
        let mut bea = Cli::command();
        // Gives the commands their full names, `bea-derive`.
        bea.build();
        let page = match &self.command {
            None => bea,
            Some(name) => bea
                .find_subcommand(name)
                .cloned()
                .ok_or_else(|| miette!(help = "`bea help` lists them", "no command `{name}`"))?,
        };
        output::to_stdout(|mut out| clap_mangen::Man::new(page.clone()).render(&mut out))?;
        Ok(ExitCode::SUCCESS)
    }
}
