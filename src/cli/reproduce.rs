//! `bea reproduce`: the figures of the paper, and whether they show what they claim.

use super::experiment_input::{ScaleName, setting};
use super::run_progress::RunProgress;
use super::{interrupt, output};
use crate::experiment::figures::{self, AnyFigure, NetworkFigure};
use crate::experiment::{Existing, Measured, Outcome, sweep};
use crate::source::Source;
use miette::{Context, IntoDiagnostic, miette};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Regenerate figures of the paper, and say whether the numbers bear out what they claim.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Reproduce {
    /// fig1 to fig49 or table1; any number of them
    #[arg(value_name = "FIGURE", required_unless_present_any = ["list", "all"])]
    figures: Vec<String>,
    /// List the figures
    #[arg(long)]
    list: bool,
    /// All figures
    #[arg(long, conflicts_with = "figures")]
    all: bool,
    /// The size of the experiments with networks
    #[arg(long, value_enum, default_value_t)]
    scale: ScaleName,
    /// Set a key of the experiments with networks: `data=fashion_mnist:FOLDER,first=1000`, `train.steps=50`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// The folder for the picture (SVG and PNG) of each figure, its table (CSV) or its report (HTML), and
    /// for the runs of networks
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,
    /// Write the claims and verdicts as a table in Markdown, too
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Replace files that exist
    #[arg(long)]
    force: bool,
    /// Go on with runs of networks that were interrupted, and keep those that are complete
    #[arg(long, conflicts_with = "force")]
    resume: bool,
}

const EXAMPLES: &str = "\
Examples:
  bea reproduce --list
  bea reproduce fig5
  bea reproduce fig10 --set seed=7
  bea reproduce fig1 fig2 table1 --out paper --force
  bea reproduce --all --report reproduction.md

Figures of networks are experiments, shipped as examples/experiments/*.toml; figures of the same
experiment share its runs. At the small size, the MLP of the paper's MNIST figures is trained on 1,000
images of Fashion-MNIST, and a slim VGG or ResNet takes the place of those on CIFAR-10;
`apt-get install dataset-fashion-mnist` puts the images where the experiments look for them.

The exit code says nothing about the claims: it is 0 whatever the verdict.";

impl Reproduce {
    pub fn run(self) -> miette::Result<ExitCode> {
        if self.list {
            output::to_stdout(|out| {
                figures::all().iter().try_for_each(|f| writeln!(out, "{:<8}{}", f.id(), f.claim()))
            })?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut chosen: Vec<AnyFigure> = if self.all { figures::all() } else { Vec::new() };
        for name in &self.figures {
            let figure = figures::find(name)?;
            if !chosen.iter().any(|other| other.id() == figure.id()) {
                chosen.push(figure);
            }
        }
        output::check_folder(&self.out, true)?;
        for name in chosen.iter().flat_map(files) {
            let path = self.out.join(name);
            if path.exists() && !self.force && !self.resume {
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
        let mut report = String::from(
            "| figure | command | claim | verdict | seconds |\n|---|---|---|---|---|\n",
        );
        let mut conducted = BTreeMap::new();
        for figure in chosen {
            let begun = Instant::now();
            let line = match figure {
                AnyFigure::Simulated(figure) => {
                    let Some(outcome) = unless_interrupted(move || figure.run()) else { break };
                    for (name, bytes) in figure.files().iter().zip(figure.contents(&outcome)) {
                        output::to_file(&self.out.join(name), |out| out.write_all(&bytes))?;
                    }
                    figure.line(&outcome)
                }
                AnyFigure::Network(figure) => match self.network(figure, &mut conducted)? {
                    Some(line) => line,
                    None => break,
                },
            };
            output::to_stdout(|out| writeln!(out, "{line}"))?;
            report.push_str(&self.row(&figure, &line, begun.elapsed()));
        }
        if let Some(path) = &self.report {
            output::to_file(path, |out| out.write_all(report.as_bytes()))?;
        }
        Ok(interrupt::exit_code())
    }

    /// Judges and draws the runs of a figure, which are conducted unless another figure has asked for them; nothing
    /// after Ctrl-C.
    fn network(
        &self,
        figure: &'static NetworkFigure,
        conducted: &mut BTreeMap<&'static str, Vec<Outcome>>,
    ) -> miette::Result<Option<String>> {
        let outcomes = match conducted.entry(figure.experiment) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => match self.conduct(figure)? {
                Some(outcomes) => entry.insert(outcomes),
                None => return Ok(None),
            },
        };
        let line = figure.line(outcomes);
        let picture = figure.picture(outcomes);
        let measured: Vec<Measured> = outcomes.iter().map(Measured::from).collect();
        let page = crate::experiment::report(figure.id, &measured, Some(&line));
        let contents = [picture.svg().into_bytes(), picture.png(), page.into_bytes()];
        for (name, bytes) in files(&AnyFigure::Network(figure)).iter().zip(contents) {
            output::to_file(&self.out.join(name), |out| out.write_all(&bytes))?;
        }
        Ok(Some(line))
    }

    fn conduct(&self, figure: &'static NetworkFigure) -> miette::Result<Option<Vec<Outcome>>> {
        let set: Vec<Source> = self.settings.iter().map(|text| setting(text)).collect();
        let configs = figure.runs(self.scale.into(), &set)?;
        let existing = match (self.force, self.resume) {
            (true, _) => Existing::Replace,
            (_, true) => Existing::Resume,
            _ => Existing::Refuse,
        };
        let (runs, cores) = (configs.len(), std::thread::available_parallelism());
        let progress = RunProgress::new(&configs);
        let folder = self.out.join(figure.experiment);
        let jobs = cores.map_or(1, usize::from);
        let outcomes = sweep(configs, &folder, existing, jobs, &progress)?;
        let complete =
            outcomes.len() == runs && outcomes.iter().all(|outcome| outcome.end.is_some());
        Ok(complete.then_some(outcomes))
    }

    /// `| 10, picture | command | claim | verdict | seconds |`
    fn row(&self, figure: &AnyFigure, line: &str, time: Duration) -> String {
        let (id, claim) = (figure.id(), figure.claim());
        let folder = self.report.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        let picture = self.out.strip_prefix(folder).unwrap_or(&self.out).join(format!("{id}.svg"));
        let verdict = line.get(id.len() + claim.len() + 4..).unwrap_or(line);
        let [claim, verdict] = [claim, verdict].map(|text| text.replace('|', "\\|"));
        format!(
            "| [{}]({}) | `bea reproduce {id}` | {claim} | {verdict} | {:.0} |\n",
            id.trim_start_matches("fig"),
            picture.display(),
            time.as_secs_f64()
        )
    }
}

/// The names of a figure's files.
fn files(figure: &AnyFigure) -> [String; 3] {
    match figure {
        AnyFigure::Simulated(figure) => figure.files(),
        AnyFigure::Network(figure) => {
            ["svg", "png", "html"].map(|ending| format!("{}.{ending}", figure.id))
        }
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
