//! Conducts runs, one after the other or several at a time, and saves them along the way.

use super::config::Config;
use super::folder::{Folder, FolderError, PICTURE, Runs};
use super::measured::Measured;
use super::outcome::Outcome;
use super::parquet::parquet;
use super::plots::run_figure;
use super::report::report;
use super::run::Run;
use bea_flow::flow::Watch;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often a run is saved while it goes on.
const SAVED_EVERY: Duration = Duration::from_secs(30);

/// What to do where a folder holds a run already.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Existing {
    /// Refuse it.
    #[default]
    Refuse,
    /// Replace it by a new one.
    Replace,
    /// Continue it.
    Resume,
}

/// Who watches runs.
pub trait Observer: Watch {
    /// Run number `index` begins, or goes on.
    fn began(&self, _index: usize, _run: &Run) {}
    /// Run number `index` has made a step.
    fn stepped(&self, _index: usize, _run: &Run) {}
}

impl<F: Fn() -> bool + Sync> Observer for F {}

/// Conducts one run in `folder`, to its end or until it is cancelled.
///
/// # Errors
/// What is wrong with the run or the folder. What was saved before stays.
pub fn conduct(
    config: Config,
    folder: &Path,
    existing: Existing,
    index: usize,
    observer: &dyn Observer,
) -> Result<Outcome, FolderError> {
    let mut run = Run::new(config)?;
    let resumes = existing == Existing::Resume && Folder::holds_a_run(folder);
    let place = if resumes {
        let (place, resumed) = Folder::resume(folder, run)?;
        run = resumed;
        place
    } else {
        Folder::create(folder, existing == Existing::Replace)?
    };
    let advance = |run: &mut Run| {
        if let Err(error) = run.advance(&|| observer.cancelled()) {
            // What was done until then can be gone on from.
            place.save(run)?;
            return Err(FolderError::from(error));
        }
        observer.stepped(index, run);
        Ok(())
    };
    observer.began(index, &run);
    if resumes && place.is_complete() {
        advance(&mut run)?;
        // A run that had ended does so again at once, with the same measurements: its pictures are up to date.
        if run.end().is_some() && place.has_measurements(&run) {
            place.save(&run)?;
            return Ok(outcome(&place, &run));
        }
    }
    if run.state().step < run.config().steps {
        place.reopen()?;
    }
    place.save(&run)?;
    let mut saved = Instant::now();
    while run.end().is_none() && !observer.cancelled() {
        advance(&mut run)?;
        if saved.elapsed() > SAVED_EVERY {
            place.save(&run)?;
            saved = Instant::now();
        }
    }
    place.save(&run)?;
    let outcome = outcome(&place, &run);
    if outcome.end.is_some() {
        let measured = Measured::from(&outcome);
        let figure = run_figure(&measured);
        // A run that diverges at once has measured nothing that could be drawn.
        if !figure.panels.is_empty() {
            place.write(PICTURE, figure.svg().as_bytes())?;
            place.write("metrics.png", &figure.png())?;
            place.write("metrics.pdf", &figure.pdf())?;
        }
        let bytes = parquet(&outcome.metrics).map_err(|error| FolderError::Io {
            path: folder.join("metrics.parquet"),
            cause: std::io::Error::other(error),
        })?;
        place.write("metrics.parquet", &bytes)?;
        place.write("report.html", report(measured.label, &[measured], None).as_bytes())?;
    }
    Ok(outcome)
}

fn outcome(place: &Folder, run: &Run) -> Outcome {
    Outcome {
        metrics: run.metrics().clone(),
        follow: run.follow().cloned(),
        end: run.end().cloned(),
        folder: place.path().into(),
        steps: run.state().step,
        counts: place.counts(run),
        config: run.config().clone(),
    }
}

/// A run of a sweep that could not be conducted.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{}{error}", if .label.is_empty() { String::new() } else { format!("{}: ", .label) })]
#[diagnostic(forward(error))]
pub struct Failure {
    /// Its label among the runs.
    pub label: String,
    /// Why.
    pub error: FolderError,
}

/// A sweep that was not conducted, or not all of it.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum SweepError {
    /// The folder cannot be used: there are no runs.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Folder(#[from] FolderError),
    /// Some runs could not be conducted. The others were.
    #[error("{} of {runs} runs failed", .failures.len())]
    Runs {
        /// How many runs there are.
        runs: usize,
        /// What came of the others.
        outcomes: Vec<Outcome>,
        /// The runs that failed, in their order.
        #[related]
        failures: Vec<Failure>,
    },
}

/// Conducts several runs, `jobs` at a time, each in a folder of its own below `folder`. Their numbers do
/// not depend on `jobs`. Runs that were not begun when it was cancelled are missing from the outcomes.
///
/// # Errors
/// Other runs are written to the folder; or the runs that failed, once all others have ended.
pub fn sweep(
    configs: Vec<Config>,
    folder: &Path,
    existing: Existing,
    jobs: usize,
    observer: &dyn Observer,
) -> Result<Vec<Outcome>, SweepError> {
    let _held = Runs::hold(folder)?;
    let places: Vec<PathBuf> =
        configs.iter().enumerate().map(|(i, c)| place(folder, i, c)).collect();
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= configs.len() || observer.cancelled() {
                return;
            }
            let result = conduct(configs[index].clone(), &places[index], existing, index, observer);
            results.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..jobs.clamp(1, configs.len().max(1)) {
            scope.spawn(work);
        }
        work();
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    let (mut outcomes, mut failures) = (Vec::new(), Vec::new());
    for (index, result) in results {
        match result {
            Ok(outcome) => outcomes.push(outcome),
            Err(error) => failures.push(Failure { label: configs[index].label.clone(), error }),
        }
    }
    if failures.is_empty() {
        Ok(outcomes)
    } else {
        Err(SweepError::Runs { runs: configs.len(), outcomes, failures })
    }
}

/// `folder/03-p=0.5-seed=1`; the folder itself where there is one run without a label.
fn place(folder: &Path, index: usize, config: &Config) -> PathBuf {
    if config.label.is_empty() {
        return folder.into();
    }
    let safe = |c: char| if c.is_ascii_alphanumeric() || "=.-_".contains(c) { c } else { '-' };
    let name: String = config.label.replace(", ", "-").chars().map(safe).collect();
    folder.join(format!("{:02}-{name}", index + 1))
}
