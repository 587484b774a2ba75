//! `bea run`: one run of an experiment.

use super::experiment_input::ExperimentInput;
use super::live_picture::LivePicture;
use super::picture::PictureOptions;
use super::run_progress::RunProgress;
use super::{help, interrupt, output};
use crate::experiment::folder::PICTURE;
use crate::experiment::{Existing, Measured, Observer, Outcome, conduct, run_figure};
use crate::picture::PictureStyle;
use bea_series::text::source::SourceError;
use miette::{Report, miette};
use std::fmt::Write as _;
use std::process::ExitCode;

/// Train a network as a description says, and measure what the paper measured
#[derive(clap::Args)]
#[command(after_help = after_help())]
pub(super) struct Run {
    #[command(flatten)]
    input: ExperimentInput,
    /// Print how often the loss was evaluated, by kind; timing.json has it always
    #[arg(long)]
    counts: bool,
    /// Draw metrics.svg anew every few seconds while the run goes on; one that is interrupted keeps the last
    #[arg(long)]
    plot: bool,
    #[command(flatten)]
    look: PictureOptions,
}

const EXAMPLES: &str = "\
Examples:
  bea run examples/experiments/fig10.toml
  bea run examples/experiments/fig10.toml --set train.lr=0.05 --set seed=3 \\
    --out slower
  bea run examples/experiments/fig10.toml --plot
  bea run examples/experiments/fig10.toml --out slower --resume
  bea run examples/experiments/fig10.toml --out slower --resume \\
    --set train.steps=600

A description, of which network, data and [train] are needed:
  network = \"mlp:10,10,elu\"
  data = \"iris\"
  [train]
  method = \"gd\"
  lr = 0.1
  steps = 500
  [measure]
  metrics = [\"loss\", \"lambda:2\", \"sc:1\", \"error:ngf\", \"error:pf\"]
";

const FILES: &str = "\
Files:
  config.toml                  the resolved description
  metrics.csv, .parquet        the measurements
  metrics.svg, .png, .pdf      their picture
  follow.csv                   flows that were followed
  report.html                  all of it on a page
  weights.safetensors          the parameters at the end
  checkpoint.safetensors       the state from which --resume goes on
  timing.json                  seconds, and evaluations of the loss

Ctrl-C and SIGTERM stop the run after the current step; --resume goes on, bit
for bit as if nothing had happened. With more steps a run that has ended goes
on, and becomes what a run of so many steps would have been.";

fn after_help() -> String {
    let (keys, methods, metrics) = (help::keys(), help::training_methods(), help::metrics());
    format!(
        "{EXAMPLES}\nThe keys, each with an example:\n{keys}\nMethods:\n{methods}\nMetrics, of the iterate θ with \
         the gradient g and the Hessian H = ∇²E, whose\neigenvalues are λ_0 ≥ λ_1 ≥ … with eigenvectors u_i. Flows \
         are those of the\noptimizer that trains; formulas are those of gradient descent:\n{metrics}\nFlows:\n{}\n{FILES}",
        help::flows()
    )
}

impl Run {
    pub fn run(self) -> miette::Result<ExitCode> {
        let config = self.input.config().map_err(|error| self.without_run(error))?;
        interrupt::listen("saving; --resume goes on from here");
        self.look.check(&run_figure(&Measured::from(&Outcome::expected(config.clone()))))?;
        let folder = self.input.folder(std::slice::from_ref(&config))?;
        let progress = RunProgress::new(std::slice::from_ref(&config));
        let live = self.plot.then(|| LivePicture::new(&progress, folder.path(), self.look.style()));
        let observer: &dyn Observer = live.as_ref().map_or(&progress, |live| live);
        let outcome = conduct(config, folder.path(), self.input.existing(), 0, observer)?;
        drop(live);
        drop(progress);
        self.restyle(&outcome)?;
        let mut text = summary(&outcome);
        if self.counts {
            let _ = writeln!(text, "evaluations: {}", outcome.counts);
        }
        output::to_stdout(|out| out.write_all(text.as_bytes()))?;
        Ok(interrupt::exit_code())
    }

    /// Draws the picture at the end anew where it shall look unlike that of every run, or may already do so.
    fn restyle(&self, outcome: &Outcome) -> miette::Result<()> {
        let usual = self.look.style() == PictureStyle::default();
        let may_be_styled = self.input.existing() == Existing::Resume;
        if usual && !may_be_styled
            || outcome.end.is_none()
            || !outcome.folder.join(PICTURE).is_file()
        {
            return Ok(());
        }
        let figure = run_figure(&Measured::from(outcome));
        for (name, bytes) in self.look.pictures("metrics", &figure)? {
            output::to_file(&outcome.folder.join(name), |out| out.write_all(&bytes))?;
        }
        Ok(())
    }

    /// Why the description by itself is no run: what it lacks may be what its grid or its variants set.
    fn without_run(&self, error: Report) -> Report {
        if !error.downcast_ref::<SourceError>().is_some_and(SourceError::is_missing) {
            return error;
        }
        match self.input.configs() {
            Ok(runs) if runs.iter().any(|run| !run.label.is_empty()) => miette!(
                help = "or set what is missing: `--set KEY=VALUE`",
                "no run by itself: `bea sweep` conducts the {} of its grid or variants; {error}",
                runs.len()
            ),
            Ok(_) => error,
            Err(fault) => fault,
        }
    }
}

/// How it ended and what was measured last.
fn summary(outcome: &Outcome) -> String {
    let mut text = match &outcome.end {
        Some(end) => format!("{} {end} after {} steps\n", outcome.config.name, outcome.steps),
        None => format!("{} interrupted after {} steps\n", outcome.config.name, outcome.steps),
    };
    // The last row has no step after it, so some columns have their last value in the row before.
    let rows = &outcome.metrics.rows;
    let number = |row: &[f64], i: usize| format!("{:.4e} at step {}", row[i], row[0]);
    for (i, name) in outcome.metrics.columns.iter().enumerate().skip(1).take(40) {
        let first =
            rows.first().filter(|row| !row[i].is_nan()).map(|row| format!("{:.4e}", row[i]));
        let last = rows.iter().rev().find(|row| !row[i].is_nan()).map(|row| number(row, i));
        let [first, last] = [first, last].map(|text| text.unwrap_or("-".into()));
        let width = 12 + last.find(' ').map_or(0, |at| last.len() - at);
        let _ = writeln!(text, "  {name:<24} {first:>12} → {last:>width$}");
    }
    if outcome.end.is_some() && !outcome.folder.join(PICTURE).is_file() {
        let _ = writeln!(text, "no picture: nothing that was measured is finite");
    }
    let _ = writeln!(text, "wrote {}", outcome.folder.display());
    text
}
