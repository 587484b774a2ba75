//! `bea sweep`: all runs of an experiment's grid.

use super::experiment_input::ExperimentInput;
use super::flow::from_one;
use super::picture::PictureOptions;
use super::run_progress::RunProgress;
use super::{interrupt, output};
use crate::csv;
use crate::experiment::{Measured, Outcome, Seeds, SweepError, report, sweep, sweep_figure};
use crate::picture;
use miette::IntoDiagnostic;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

/// Conduct all runs of a description's grid, several at a time, and tabulate them
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(super) struct Sweep {
    #[command(flatten)]
    input: ExperimentInput,
    /// How many runs at a time [default: one a core]
    #[arg(long, value_name = "N", value_parser = from_one, allow_negative_numbers = true)]
    jobs: Option<usize>,
    /// Draw every seed, thin and pale, instead of a band around their median
    #[arg(long)]
    all_seeds: bool,
    #[command(flatten)]
    look: PictureOptions,
}

const HELP: &str = "\
A grid is a table [grid] of keys with arrays of values; all combinations are
run:
  [grid]
  seed = [0, 1, 2]
  train.lr = [0.01, 0.02, 0.05]
Variants, [[variant]] with a label and any keys, are run one by one, each with
the grid:
  [[variant]]
  label = \"DAL\"
  train = { method = \"dal\", p = 1.0 }
With --scale paper the keys of [paper.grid] replace those of [grid], and
[[paper.variant]] replaces [[variant]]; with --scale medium those of [medium].
`bea run --help` lists all keys.

Every run has a folder of its own as `bea run` makes it. A run that diverges is
recorded as such, and the sweep goes on; one that fails, of a disk that is full
say, is reported when the others have ended. sweep.csv has a row a run;
sweep.svg, .png and .pdf show them beside one another, sweep_curves.csv has what
is drawn there, report.html all of it. Runs that differ in the seed alone are
drawn as their median with a band. There, a run counts as diverged where
something is not finite, or its loss is above ten times that of its start at its
end or for more than a tenth of the measurements. The numbers do not depend on
--jobs. Ctrl-C and SIGTERM stop all runs after their current step; --resume goes
on, and draws runs that had ended only where a picture is missing.

Examples:
  bea sweep examples/experiments/fig18.toml
  bea sweep examples/experiments/fig18.toml --set train.steps=50 --out short";

impl Sweep {
    pub fn run(self) -> miette::Result<ExitCode> {
        let configs = self.input.configs()?;
        let name = configs[0].name.clone();
        let seeds = if self.all_seeds { Seeds::All } else { Seeds::Median };
        let expected: Vec<Outcome> = configs.iter().cloned().map(Outcome::expected).collect();
        self.look.check(&sweep_figure(&measured(&expected), seeds))?;
        interrupt::listen("saving; --resume goes on from here");
        let reserved = self.input.folder(&configs)?;
        let folder = reserved.path();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let jobs = self.jobs.unwrap_or(cores);
        let progress = RunProgress::new(&configs);
        let swept = sweep(configs, folder, self.input.existing(), jobs, &progress);
        drop(progress);
        match swept {
            Ok(outcomes) => write(&name, folder, &outcomes, seeds, &self.look)?,
            Err(error) => {
                // The runs that did end are tabulated.
                if let SweepError::Runs { outcomes, .. } = &error
                    && !outcomes.is_empty()
                {
                    write(&name, folder, outcomes, seeds, &self.look)
                        .map_err(|also| also.wrap_err(error.to_string()))?;
                }
                return Err(error.into());
            }
        }
        Ok(interrupt::exit_code())
    }
}

fn measured(outcomes: &[Outcome]) -> Vec<Measured<'_>> {
    outcomes.iter().map(Measured::from).collect()
}

/// The table, the picture and the report of all runs.
fn write(
    name: &str,
    folder: &Path,
    outcomes: &[Outcome],
    seeds: Seeds,
    look: &PictureOptions,
) -> miette::Result<()> {
    output::to_file(&folder.join("sweep.csv"), |out| out.write_all(csv(outcomes).as_bytes()))?;
    let measured = measured(outcomes);
    let page = report(name, &measured, None);
    output::to_file(&folder.join("report.html"), |out| out.write_all(page.as_bytes()))?;
    let mut text = table(outcomes);
    let figure = sweep_figure(&measured, seeds);
    let data = ("sweep_curves.csv".to_string(), picture::data(&figure).into_bytes());
    for (name, bytes) in look.pictures("sweep", &figure)?.into_iter().chain([data]) {
        let path = folder.join(name);
        if !figure.panels.is_empty() {
            output::to_file(&path, |out| out.write_all(&bytes))?;
        } else if path.is_file() {
            // That of other runs.
            std::fs::remove_file(&path).into_diagnostic()?;
        }
    }
    if figure.panels.is_empty() {
        text.push_str("no picture: nothing that was measured is finite\n");
    }
    let _ = writeln!(text, "wrote {}", folder.display());
    output::to_stdout(|out| out.write_all(text.as_bytes()))
}

/// The last value of a column that is not NaN.
fn last(outcome: &Outcome, column: &str) -> f64 {
    let values = outcome.metrics.column(column).unwrap_or_default();
    values.into_iter().rev().find(|x| !x.is_nan()).unwrap_or(f64::NAN)
}

fn columns(outcomes: &[Outcome]) -> Vec<String> {
    let first = outcomes.first().map(|outcome| outcome.metrics.columns.as_slice());
    first.unwrap_or_default().iter().skip(1).cloned().collect()
}

fn ending(outcome: &Outcome) -> String {
    outcome.end.as_ref().map_or("interrupted".into(), ToString::to_string)
}

/// `run,steps,end,` and the last value of every column of the metrics.
fn csv(outcomes: &[Outcome]) -> String {
    let columns = columns(outcomes);
    let names = ["run", "steps", "end"].into_iter().chain(columns.iter().map(String::as_str));
    let rows = outcomes.iter().map(|outcome| {
        let run = [outcome.config.label.clone(), outcome.steps.to_string(), ending(outcome)];
        run.into_iter()
            .chain(columns.iter().map(move |column| csv::number_or_nothing(last(outcome, column))))
    });
    csv::text(names, rows)
}

/// The first columns, for the terminal.
fn table(outcomes: &[Outcome]) -> String {
    let columns: Vec<String> = columns(outcomes).into_iter().take(5).collect();
    let width = outcomes.iter().map(|o| o.config.label.chars().count()).max().unwrap_or(0).max(3);
    let mut out = format!("{:<width$}{:>8}", "run", "steps");
    for column in &columns {
        let _ = write!(out, "{column:>16}");
    }
    out.push('\n');
    for outcome in outcomes {
        let _ = write!(out, "{:<width$}{:>8}", outcome.config.label, outcome.steps);
        for column in &columns {
            let _ = write!(out, "{:>16.4e}", last(outcome, column));
        }
        if !matches!(outcome.end, Some(crate::experiment::run::End::Finished)) {
            let _ = write!(out, "  {}", ending(outcome));
        }
        out.push('\n');
    }
    // The last iterate has no step after it, so what belongs to a step is that of the iterate before.
    let belongs_to_step = |outcome: &Outcome, column: &str| {
        let values = outcome.metrics.column(column).unwrap_or_default();
        values.last().is_some_and(|x| x.is_nan()) && values.iter().any(|x| !x.is_nan())
    };
    let earlier: Vec<&str> = columns
        .iter()
        .map(String::as_str)
        .filter(|column| outcomes.iter().any(|outcome| belongs_to_step(outcome, column)))
        .collect();
    if !earlier.is_empty() && earlier.len() < columns.len() {
        let _ = writeln!(
            out,
            "{}: at the last iterate that has a step after it; the others at the last iterate",
            earlier.join(", ")
        );
    }
    out
}
