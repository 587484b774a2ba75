//! `bea run`: one run of an experiment.

use super::experiment_input::ExperimentInput;
use super::run_progress::RunProgress;
use super::{interrupt, output};
use crate::experiment::{Outcome, conduct};
use miette::{Report, miette};
use std::fmt::Write as _;
use std::process::ExitCode;

/// Train a network as a description says, and measure what the paper measured
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(super) struct Run {
    #[command(flatten)]
    input: ExperimentInput,
    /// Print how often the loss was evaluated, by kind; timing.json has it always
    #[arg(long)]
    counts: bool,
}

const HELP: &str = "\
Files: config.toml (the resolved description), metrics.csv and .parquet, follow.csv (flows that were
followed), metrics.svg and .png, report.html, checkpoint.safetensors, weights.safetensors, timing.json.

Ctrl-C stops after the current step; --resume goes on, bit for bit as if nothing had happened.

A description:
  network = \"mlp:100,100,elu\"        # a name, a file, or a table with [[network.layer]]
  data = \"iris\"                      # see bea data --help; test = \"…\" for test_loss, test_accuracy
  seed = 0                           # of the parameters (init = \"pytorch\") and of mini-batches
  [train]
  method = \"gd\"                      # gd, heavy_ball, nesterov, adam, dal, dal_per_parameter; or
  # optimizer = \"nesterov\"           # a name from bea optimizers, or a .bea file, with values of its
  # set = { m = 0.9 }                # parameters: --set train.set.m=0.9
  lr = 0.1                           # lr_changes = [[300, 0.01]]; for dal: p, cap, momentum, difference
  steps = 500                        # batch = 512 for mini-batches
  [measure]
  every = 1
  metrics = [\"loss\", \"lambda:2\", \"sc:1\", \"error:ngf\", \"error:pf\"]
  [follow]                           # flows from some iterates on, beside the optimizer
  from = [0, 100]
  steps = 5
  flows = [\"ngf\", \"igr\", \"pf\"]
  [flows]                            # rtol, atol; euler = 5e-5 for fixed steps; directions of cubic
  [grid]                             # for bea sweep, passed over here
  seed = [0, 1, 2]
  [paper]                            # what --scale paper changes

Metrics:
  loss, accuracy, test_loss, test_accuracy, gradient_norm, learning_rate, update_norm,
  relative_progress, lambda:k (largest eigenvalues), sc:k (stability coefficients), along:k (g·u_i),
  eigenvalues, hg (‖Hg‖), drift, drift_estimate (h²/2 ‖Hg‖), third (h²/12 ‖∇³E[g,g]‖), prediction,
  error:FLOW, loss_error:FLOW, flow_loss:FLOW, flow_lambda:FLOW (after one step's time)
  Flows are those of the optimizer that trains; formulas in brackets are those of gradient descent.

Examples:
  bea run examples/experiments/fig10.toml
  bea run examples/experiments/fig10.toml --set train.lr=0.05 --set seed=3 --out slower
  bea run examples/experiments/fig10.toml --out slower --resume";

impl Run {
    pub fn run(self) -> miette::Result<ExitCode> {
        let config = self.input.config().map_err(|error| self.without_run(error))?;
        interrupt::listen("saving; --resume goes on from here");
        let folder = self.input.folder(&config.name)?;
        let progress = RunProgress::new(std::slice::from_ref(&config));
        let outcome = conduct(config, folder.path(), self.input.existing(), 0, &progress)?;
        drop(progress);
        let mut text = summary(&outcome);
        if self.counts {
            let _ = writeln!(text, "evaluations: {}", outcome.counts);
        }
        output::to_stdout(|out| out.write_all(text.as_bytes()))?;
        Ok(interrupt::exit_code())
    }

    /// Why the description by itself is no run: what it lacks may be what its grid or its variants set.
    fn without_run(&self, error: Report) -> Report {
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
    for (i, name) in outcome.metrics.columns.iter().enumerate().skip(1).take(40) {
        let values = outcome.metrics.rows.iter().rev().map(|row| row[i]);
        let last = values.into_iter().find(|x| !x.is_nan());
        let first = outcome.metrics.rows.first().map(|row| row[i]);
        let number = |x: Option<f64>| x.map_or("-".into(), |x| format!("{x:.4e}"));
        let _ = writeln!(text, "  {name:<24} {:>12} → {:>12}", number(first), number(last));
    }
    let _ = writeln!(text, "wrote {}", outcome.folder.display());
    text
}
