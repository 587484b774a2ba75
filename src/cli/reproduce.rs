//! `bea reproduce`: the figures of the paper, and whether they show what they claim.

use super::{interrupt, output};
use crate::experiment::figures::{self, FIGURES, PaperFigure};
use miette::{Context, IntoDiagnostic, miette};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

/// Regenerate figures of the paper, and say whether the numbers bear out what they claim.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Reproduce {
    /// fig1, fig2, fig3, fig4, fig5, fig6, fig30 or table1; any number of them
    #[arg(value_name = "FIGURE", required_unless_present = "list")]
    figures: Vec<String>,
    /// List the figures
    #[arg(long)]
    list: bool,
    /// The folder for the picture (SVG and PNG) and the table (CSV) of each figure
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,
    /// Replace files that exist
    #[arg(long)]
    force: bool,
}

const EXAMPLES: &str = "\
Examples:
  bea reproduce --list
  bea reproduce fig5
  bea reproduce fig1 fig2 table1 --out paper --force

The exit code says nothing about the claims: it is 0 whatever the verdict.";

impl Reproduce {
    pub fn run(self) -> miette::Result<ExitCode> {
        if self.list {
            output::to_stdout(|out| {
                FIGURES.iter().try_for_each(|f| writeln!(out, "{:<8}{}", f.id, f.title))
            })?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut chosen: Vec<&PaperFigure> = Vec::new();
        for name in &self.figures {
            let figure = figures::find(name)?;
            if !chosen.iter().any(|other| other.id == figure.id) {
                chosen.push(figure);
            }
        }
        output::check_folder(&self.out, true)?;
        for path in chosen.iter().flat_map(|f| f.files()).map(|name| self.out.join(name)) {
            if path.exists() && !self.force {
                return Err(miette!(
                    help = "--force replaces it; --out chooses another folder",
                    "{} exists",
                    path.display()
                ));
            }
        }
        std::fs::create_dir_all(&self.out)
            .into_diagnostic()
            .wrap_err_with(|| format!("cannot make the folder {}", self.out.display()))?;
        interrupt::listen("figures that are not finished are not written");
        for figure in chosen {
            let Some(outcome) = unless_interrupted(move || figure.run()) else { break };
            for (name, bytes) in figure.files().iter().zip(figure.contents(&outcome)) {
                output::to_file(&self.out.join(name), |out| out.write_all(&bytes))?;
            }
            output::to_stdout(|out| writeln!(out, "{}", figure.line(&outcome)))?;
        }
        Ok(interrupt::exit_code())
    }
}

/// The result of `work`, or nothing after Ctrl-C: then the work is left alone, and the program's end
/// ends it.
fn unless_interrupted<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (send, receive) = mpsc::channel();
    let worker = std::thread::spawn(move || send.send(work()));
    loop {
        match receive.recv_timeout(Duration::from_millis(20)) {
            Ok(result) => return Some(result),
            Err(RecvTimeoutError::Timeout) if interrupt::happened() => return None,
            Err(RecvTimeoutError::Timeout) => {}
            // Only a panic ends the worker without a result.
            Err(RecvTimeoutError::Disconnected) => match worker.join() {
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(_) => return None,
            },
        }
    }
}
