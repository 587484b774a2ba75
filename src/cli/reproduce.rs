//! `bea reproduce`: the figures of the paper, and whether they show what they claim.

mod claims_table;

use super::experiment_input::{ScaleName, setting};
use super::help::Named;
use super::picture::PictureOptions;
use super::run_progress::RunProgress;
use super::{interrupt, limit, note, output, results};
use crate::experiment::folder;
use crate::experiment::{
    Config, Existing, Folder, Measured, Outcome, SweepError, report_of, sweep,
};
use crate::picture;
use crate::reproduction::{self, AnyFigure, Caption, NetworkFigure};
use bea_plot::Figure;
use bea_series::text::source::Source;
use claims_table::ClaimsTable;
use miette::{Context, IntoDiagnostic, Report, miette};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Regenerate figures of the paper, and say whether the numbers bear out what they claim.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Reproduce {
    /// fig1 to fig49 or table1; any number of them
    #[arg(value_name = "FIGURE", required_unless_present_any = ["list", "all"])]
    #[arg(value_parser = Named::Figure, hide_possible_values = true)]
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
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = Named::Setting, hide_possible_values = true)]
    settings: Vec<String>,
    /// The folder for the picture (SVG, PNG and PDF) of each figure, what is drawn (CSV), its caption (TXT) and its report
    /// (HTML), and for the runs of networks
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,
    /// Write the claims and verdicts as a table in Markdown, too, anew after every figure
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    look: PictureOptions,
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

Figures of networks are experiments, shipped as examples/experiments/*.toml;
figures of the same experiment share its runs. At the small size, the MLP of the
paper's MNIST figures is trained on 1,000 images of Fashion-MNIST, and a slim
VGG or ResNet takes the place of those on CIFAR-10; `apt-get install
dataset-fashion-mnist` puts the images where the experiments look for them.

The seconds of the table are those of the clock for a simulation, and for
networks the sum of those of its runs, interruptions left out. Runs go one
beside the other, one a core, and figures of the same experiment have the same
runs, so that the sum of the column exceeds the time that the command took.

A figure that cannot be made is reported, and the others are made. After Ctrl-C
or SIGTERM, the table keeps the rows that it had for figures that were not
reached.

The exit code says nothing about the claims: it is 0 whatever the verdict, and 2
where a figure could not be made.";

/// The outcomes of the runs of each experiment, or why there are none.
type Conducted = BTreeMap<&'static str, Result<Vec<Outcome>, String>>;

/// The caption of a figure, and how long it took.
type Made = (Caption, Duration);

impl Reproduce {
    pub fn run(self) -> miette::Result<ExitCode> {
        if self.list {
            output::to_stdout(|out| {
                reproduction::all()
                    .iter()
                    .try_for_each(|f| writeln!(out, "{:<10}{}", f.id(), f.claim()))
            })?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut chosen: Vec<AnyFigure> = if self.all { reproduction::all() } else { Vec::new() };
        for name in &self.figures {
            let figure = reproduction::find(name)?;
            if !chosen.iter().any(|other| other.id() == figure.id()) {
                chosen.push(figure);
            }
        }
        results::check_folder(&self.out, true)?;
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
        if let Some(path) = &self.report {
            output::check_file(path)?;
        }
        for figure in &chosen {
            // What is wrong with its runs is told where it is made.
            if let AnyFigure::Network(figure) = figure
                && let Ok(configs) = self.configs(figure)
            {
                let expected: Vec<Outcome> = configs.into_iter().map(Outcome::expected).collect();
                self.look.check(&figure.picture(&expected))?;
            }
        }
        std::fs::create_dir_all(results::real(&self.out)?)
            .into_diagnostic()
            .wrap_err_with(|| format!("cannot make the folder {}", self.out.display()))?;
        interrupt::listen(
            "figures that are not finished are not written; --resume goes on with their runs",
        );
        let mut table = ClaimsTable::new(self.report.as_deref(), &chosen);
        let (mut conducted, mut failed) = (Conducted::new(), false);
        for figure in &chosen {
            let row = match self.make(figure, &mut conducted) {
                Ok(Some((caption, time))) => {
                    output::to_stdout(|out| out.write_all(text(&caption).as_bytes()))?;
                    self.row(figure, &caption, time)
                }
                Ok(None) => {
                    let text = format!(
                        "{} interrupted: what is finished is in {}; --resume goes on\n",
                        figure.id(),
                        self.out.display()
                    );
                    output::to_stdout(|out| out.write_all(text.as_bytes()))?;
                    break;
                }
                Err(error) => {
                    failed = true;
                    let row = row_of_failure(figure, &why(&error));
                    let error = error.wrap_err(format!("{} could not be made", figure.id()));
                    output::to_stderr(&format!("{error:?}\n"));
                    row
                }
            };
            table.set(figure.id(), row)?;
        }
        table.finish()?;
        Ok(if failed && !interrupt::happened() {
            ExitCode::from(2)
        } else {
            interrupt::exit_code()
        })
    }

    /// Writes the files of a figure; returns `None` after Ctrl-C.
    fn make(&self, figure: &AnyFigure, conducted: &mut Conducted) -> miette::Result<Option<Made>> {
        match *figure {
            AnyFigure::Simulated(figure) => {
                let begun = Instant::now();
                let Some(outcome) = unless_interrupted(move || figure.run()) else {
                    return Ok(None);
                };
                let caption = figure.caption(&outcome);
                let page = report_of(figure.id, &outcome.figure, &[], &lines(&caption));
                let mut contents = self.pictures(figure.id, &outcome.figure)?;
                contents.extend([
                    outcome.csv.clone().into_bytes(),
                    page.into_bytes(),
                    bytes(&caption),
                ]);
                self.write(&AnyFigure::Simulated(figure), contents)?;
                Ok(Some((caption, begun.elapsed())))
            }
            AnyFigure::Network(figure) => self.network(figure, conducted),
        }
    }

    /// Judges and draws the runs of a figure, which are conducted unless another figure has asked for them; `None`
    /// after Ctrl-C.
    fn network(
        &self,
        figure: &'static NetworkFigure,
        conducted: &mut Conducted,
    ) -> miette::Result<Option<Made>> {
        let outcomes = match conducted.entry(figure.experiment) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => match self.conduct(figure) {
                Ok(Some(outcomes)) => entry.insert(Ok(outcomes)),
                Ok(None) => return Ok(None),
                Err(error) => {
                    entry.insert(Err(why(&error)));
                    return Err(error);
                }
            },
        };
        let outcomes = outcomes.as_ref().map_err(|why| miette!("{why}"))?;
        let caption = figure.caption(outcomes);
        let picture = figure.picture(outcomes);
        if picture.panels.is_empty() {
            return Err(miette!(
                help = "more steps, `--set train.steps=N`, or a smaller learning rate may lead to some",
                "there is nothing to draw: what the figure shows was not measured, or is not finite"
            ));
        }
        let measured: Vec<Measured> = outcomes.iter().map(Measured::from).collect();
        let page = report_of(figure.id, &picture, &measured, &lines(&caption));
        let mut contents = self.pictures(figure.id, &picture)?;
        let data = picture::data(&picture).into_bytes();
        contents.extend([data, page.into_bytes(), bytes(&caption)]);
        self.write(&AnyFigure::Network(figure), contents)?;
        let seconds = outcomes.iter().filter_map(|outcome| folder::seconds(&outcome.folder)).sum();
        Ok(Some((caption, Duration::from_secs_f64(seconds))))
    }

    /// The bytes of a picture in every format, in the order of [`files`].
    fn pictures(&self, id: &str, figure: &Figure) -> miette::Result<Vec<Vec<u8>>> {
        Ok(self.look.pictures(id, figure)?.into_iter().map(|(_, bytes)| bytes).collect())
    }

    fn write(
        &self,
        figure: &AnyFigure,
        contents: impl IntoIterator<Item = Vec<u8>>,
    ) -> miette::Result<()> {
        let files = files(figure).into_iter().zip(contents);
        files.into_iter().try_for_each(|(name, bytes)| {
            output::to_file(&self.out.join(name), |out| out.write_all(&bytes))
        })
    }

    /// The runs of a figure.
    fn configs(&self, figure: &NetworkFigure) -> miette::Result<Vec<Config>> {
        let set: Vec<Source> = self.settings.iter().map(|text| setting(text)).collect();
        Ok(figure.runs(self.scale.into(), &set)?)
    }

    fn conduct(&self, figure: &'static NetworkFigure) -> miette::Result<Option<Vec<Outcome>>> {
        let configs = self.configs(figure)?;
        let scale = self.scale.into();
        if !figure.has_scale(scale)? {
            let name = scale.table().unwrap_or_default();
            note::say([format!(
                "{} has no {name} size: its runs are those of the small one",
                figure.id
            )]);
        }
        let flows = configs.iter().flat_map(Config::all_flows);
        let folder = self.out.join(figure.experiment);
        let goes_on = self.resume && Folder::holds_runs(&folder);
        limit::check_flows(flows, self.force || goes_on)?;
        let existing = match (self.force, self.resume) {
            (true, _) => Existing::Replace,
            (_, true) => Existing::Resume,
            _ => Existing::Refuse,
        };
        let (runs, cores) = (configs.len(), std::thread::available_parallelism());
        let progress = RunProgress::new(&configs);
        let jobs = cores.map_or(1, usize::from);
        let outcomes = sweep(configs, &folder, existing, jobs, &progress)?;
        let complete =
            outcomes.len() == runs && outcomes.iter().all(|outcome| outcome.end.is_some());
        Ok(complete.then_some(outcomes))
    }

    /// `| 10, picture and caption | command | claim | verdict and number | seconds |`
    fn row(&self, figure: &AnyFigure, caption: &Caption, time: Duration) -> String {
        let id = figure.id();
        let folder = self.report.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        let place = way(folder, &self.out).join(id);
        let verdict = format!("{}: {}", caption.verdict_in_full(), caption.number);
        let [claim, verdict] = [caption.claim, &verdict].map(cell);
        format!(
            "| [{}]({place}.svg), [caption]({place}.txt) | `bea reproduce {id}` | {claim} | {verdict} | {:.0} |\n",
            number(figure),
            time.as_secs_f64(),
            place = place.display()
        )
    }
}

/// The way from one folder to another that exists, as a link has it: `../figures`.
fn way(from: &Path, to: &Path) -> PathBuf {
    let real = |path: &Path| {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        path.canonicalize().unwrap_or_else(|_| path.into())
    };
    let (from, to) = (real(from), real(to));
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(to.components().skip(shared)).collect()
}

/// For the terminal: the verdict, and the caption below it.
fn text(caption: &Caption) -> String {
    let indented: String = caption.to_string().lines().map(|line| format!("  {line}\n")).collect();
    format!("{}: {}\n{indented}", caption.id, caption.verdict)
}

/// For a page: a line a part.
fn lines(caption: &Caption) -> String {
    let lines = caption.parts().into_iter().map(|(name, text)| format!("{name}: {text}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The file beside the picture.
fn bytes(caption: &Caption) -> Vec<u8> {
    format!("{}\n\n{caption}\n", caption.title()).into_bytes()
}

/// The row of a figure that could not be made.
fn row_of_failure(figure: &AnyFigure, why: &str) -> String {
    let [claim, why] = [figure.claim(), why].map(cell);
    let (id, number) = (figure.id(), number(figure));
    format!("| {number} | `bea reproduce {id}` | {claim} | not run: {why} | |\n")
}

fn number(figure: &AnyFigure) -> &'static str {
    figure.id().trim_start_matches("fig")
}

/// A text as Markdown takes it in a table.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// An error on one line, with its causes; of several runs that failed, the first one.
fn why(error: &Report) -> String {
    let chain: Vec<String> = error.chain().map(ToString::to_string).collect();
    let first = match error.downcast_ref() {
        Some(SweepError::Runs { failures, .. }) => failures.first(),
        _ => None,
    };
    chain.into_iter().chain(first.map(ToString::to_string)).collect::<Vec<_>>().join(": ")
}

/// The names of a figure's files.
fn files(figure: &AnyFigure) -> Vec<String> {
    let endings = ["svg", "png", "pdf", "csv", "html", "txt"];
    endings.iter().map(|ending| format!("{}.{ending}", figure.id())).collect()
}

/// The result of `work`, or `None` after Ctrl-C: then `work` goes on in its thread until the program
/// ends.
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
