//! The folder of a run: its description, its measurements, its state.
//!
//! | file | |
//! |---|---|
//! | `config.toml` | the resolved description |
//! | `metrics.csv` | the measurements so far |
//! | `follow.csv` | flows that were followed |
//! | `checkpoint.safetensors` | the state from which the run continues |
//! | `timing.json` | how long it has taken so far, and how often the loss was evaluated |
//! | `weights.safetensors` | the parameters at the end, with PyTorch's names |
//! | `metrics.parquet`, `metrics.svg`, `metrics.png`, `metrics.pdf`, `report.html` | once the run has ended |
//!
//! A run holds a lock on the file `lock` in its folder as long as it writes to it, and so does a sweep on
//! `sweep.lock` in the folder above those of its runs.

use super::run::{Run, RunError, Table};
use crate::counts::Counted;
use bea_flow::objective::Counts;
use bea_network::training::{Checkpoint, CheckpointError};
use bea_network::weights::{self, WeightsError};
use bea_series::text::file;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The resolved description.
pub const CONFIG: &str = "config.toml";
/// The measurements.
pub const METRICS: &str = "metrics.csv";
/// Flows that were followed.
pub const FOLLOW: &str = "follow.csv";
/// The state of the run.
pub const CHECKPOINT: &str = "checkpoint.safetensors";
/// The picture of the measurements.
pub const PICTURE: &str = "metrics.svg";
/// The parameters.
pub const WEIGHTS: &str = "weights.safetensors";

/// How long it took. This differs between equal runs, so it is in no other file.
const TIMING: &str = "timing.json";

/// The files of a run that has not ended.
const DURING: [&str; 5] = [CONFIG, METRICS, FOLLOW, CHECKPOINT, TIMING];
/// What a run leaves at its end.
const AT_THE_END: [&str; 6] =
    [WEIGHTS, "metrics.parquet", PICTURE, "metrics.png", "metrics.pdf", "report.html"];

/// A folder that a run writes to.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Held until the run or the process ends.
    _lock: File,
    /// When this part of the run began.
    begun: Instant,
    /// What the earlier parts took, before resumptions.
    before: Timing,
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum FolderError {
    /// Another run writes to it.
    #[error("another run writes to {}", .0.display())]
    #[diagnostic(help("wait for it, or take another folder"))]
    InUse(PathBuf),
    /// It holds a run already.
    #[error("{} holds a run already", .0.display())]
    #[diagnostic(help(
        "--resume goes on with it, --force replaces it, --out takes another folder"
    ))]
    Exists(PathBuf),
    /// It holds no run that could be continued.
    #[error("{} holds no run that could go on: there is no {missing}", .path.display())]
    #[diagnostic(help("--force begins it again, --out takes another folder"))]
    Nothing {
        /// The folder.
        path: PathBuf,
        /// The file that is missing.
        missing: &'static str,
    },
    /// A file cannot be read or written.
    #[error("cannot access {}: {cause}", .path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The checkpoint.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The parameters.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Weights(#[from] WeightsError),
    /// The state of a run cannot be written to its folder any more.
    #[error("{error}")]
    #[diagnostic(help("the state of the run is in {0}: `--out {0} --resume` goes on there", .kept.display()))]
    Kept {
        /// Why.
        error: Box<FolderError>,
        /// The temporary folder that it is in instead.
        kept: PathBuf,
    },
    /// Measurements that cannot be read.
    #[error("{} is damaged: {cause}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        cause: String,
    },
    /// The run does not fit.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Run(#[from] RunError),
}

impl Folder {
    /// A folder for a new run. One that holds a run is refused unless `force`.
    ///
    /// # Errors
    /// It cannot be made or written, holds a run, or another run writes to it.
    pub fn create(path: &Path, force: bool) -> Result<Folder, FolderError> {
        let refused = || Folder::holds_a_run(path) && !force;
        if refused() {
            return Err(FolderError::Exists(path.into()));
        }
        std::fs::create_dir_all(path)
            .map_err(|cause| FolderError::Io { path: path.into(), cause })?;
        let folder = Folder::own(path)?;
        // Another process may have written a whole run before the lock was free.
        if refused() {
            return Err(FolderError::Exists(path.into()));
        }
        // A run that replaces another removes its files first.
        folder.remove(&DURING)?;
        folder.remove(&AT_THE_END)?;
        Ok(folder)
    }

    /// Removes what a run has left at its end. A run that has ended and goes on to more steps does not keep it.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn reopen(&self) -> Result<(), FolderError> {
        self.remove(&AT_THE_END)
    }

    /// Whether it has all that a run leaves at its end.
    pub(super) fn is_complete(&self) -> bool {
        AT_THE_END.iter().all(|name| self.path.join(name).is_file())
    }

    /// Whether the files hold all measurements of a run, and no others.
    pub(super) fn has_measurements(&self, run: &Run) -> bool {
        let same =
            |name: &str, table: &Table| self.read(name).is_ok_and(|text| text == table.csv());
        same(METRICS, run.metrics()) && run.follow().is_none_or(|table| same(FOLLOW, table))
    }

    fn remove(&self, names: &[&str]) -> Result<(), FolderError> {
        let files = names.iter().map(|name| self.path.join(name));
        for path in files.filter(|path| path.exists()) {
            std::fs::remove_file(&path).map_err(|cause| FolderError::Io { path, cause })?;
        }
        Ok(())
    }

    /// The folder of a run that was interrupted, and `run`, a new one of the same description, set to where
    /// that one was.
    ///
    /// # Errors
    /// There is no run, it is another one, damaged or of another version, or another process runs it.
    pub fn resume(path: &Path, run: Run) -> Result<(Folder, Run), FolderError> {
        for missing in [CONFIG, CHECKPOINT, METRICS] {
            if !path.join(missing).is_file() {
                return Err(FolderError::Nothing { path: path.into(), missing });
            }
        }
        let mut folder = Folder::own(path)?;
        folder.before = timing(path).unwrap_or_default();
        let checkpoint = Checkpoint::load(&path.join(CHECKPOINT), run.loss().dimension())?;
        let metrics = folder.table(METRICS)?;
        let follow = run.follow().is_some().then(|| folder.table(FOLLOW)).transpose()?;
        let run = run.resume(checkpoint, metrics, follow)?;
        Ok((folder, run))
    }

    fn read(&self, name: &str) -> Result<String, FolderError> {
        let path = self.path.join(name);
        std::fs::read_to_string(&path).map_err(|cause| FolderError::Io { path, cause })
    }

    fn table(&self, name: &str) -> Result<Table, FolderError> {
        let path = self.path.join(name);
        Table::parse(&self.read(name)?)
            .map_err(|error| FolderError::Damaged { path, cause: error.to_string() })
    }

    fn own(path: &Path) -> Result<Folder, FolderError> {
        let (lock, before) = (lock(path, "lock")?, Timing::default());
        Ok(Folder { path: path.into(), _lock: lock, begun: Instant::now(), before })
    }

    /// Whether it holds a run, or a part of one.
    pub fn holds_a_run(path: &Path) -> bool {
        [CONFIG, METRICS, CHECKPOINT].iter().any(|name| path.join(name).exists())
    }

    /// Whether it holds a run, or folders of runs, as a sweep leaves them.
    pub fn holds_runs(path: &Path) -> bool {
        let inside = std::fs::read_dir(path).into_iter().flatten().flatten();
        Folder::holds_a_run(path) || inside.into_iter().any(|e| Folder::holds_a_run(&e.path()))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file, which appears, or replaces another, only when it is complete.
    ///
    /// # Errors
    /// It cannot be written; then an earlier file of that name is unchanged.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), FolderError> {
        let path = self.path.join(name);
        file::replace(&path, |out| out.write_all(bytes))
            .map_err(|cause| FolderError::Io { path, cause })
    }

    /// How often the loss of a run was evaluated, with all its resumptions.
    pub fn counts(&self, run: &Run) -> Counts {
        self.before.counts.0 + run.loss().counts()
    }

    /// Writes the state of a run, so that it can be continued: the measurements before the
    /// checkpoint, which is never ahead of them.
    ///
    /// # Errors
    /// A file cannot be written, for example because the disk is full. The last complete state is kept. The new one is
    /// in a temporary folder, if it can be written there.
    pub fn save(&self, run: &Run) -> Result<(), FolderError> {
        self.write_state(run).map_err(|error| {
            let elsewhere = || {
                let kept = tempfile::Builder::new().prefix("bea-").tempdir().ok()?;
                let (path, before) = (kept.path(), self.before.clone());
                let place = Folder { before, begun: self.begun, ..Folder::own(path).ok()? };
                place.write_state(run).ok().map(|()| kept.keep())
            };
            match elsewhere() {
                Some(kept) => FolderError::Kept { error: Box::new(error), kept },
                None => error,
            }
        })
    }

    fn write_state(&self, run: &Run) -> Result<(), FolderError> {
        self.write(METRICS, run.metrics().csv().as_bytes())?;
        if let Some(follow) = run.follow() {
            self.write(FOLLOW, follow.csv().as_bytes())?;
        }
        run.checkpoint().save(&self.path.join(CHECKPOINT))?;
        let seconds = self.before.seconds + self.begun.elapsed().as_secs_f64();
        let timing = Timing { seconds, counts: Counted(self.counts(run)) };
        self.write(TIMING, serde_json::json!(timing).to_string().as_bytes())?;
        self.write(CONFIG, run.config().resolved.as_bytes())?;
        if run.end().is_some() {
            let (layout, network) = (run.loss().layout(), run.loss().architecture());
            let mut tensors = weights::tensors(layout, &run.state().theta, "");
            tensors.extend(network.map(weights::statistics).unwrap_or_default());
            weights::save(&self.path.join(WEIGHTS), &tensors, layout.dtype)?;
        }
        Ok(())
    }
}

/// What [`TIMING`] holds.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Timing {
    seconds: f64,
    /// Not in files of earlier versions.
    #[serde(default)]
    counts: Counted,
}

/// How long the run in a folder has taken so far, with all its resumptions, in seconds of wall-clock
/// time.
pub fn seconds(path: &Path) -> Option<f64> {
    timing(path).map(|timing| timing.seconds)
}

fn timing(path: &Path) -> Option<Timing> {
    let text = std::fs::read_to_string(path.join(TIMING)).ok()?;
    let timing: Timing = serde_json::from_str(&text).ok()?;
    (0.0..1e12).contains(&timing.seconds).then_some(timing)
}

/// A lock on the file `name` of a folder, held as long as that is open.
fn lock(path: &Path, name: &str) -> Result<File, FolderError> {
    let name = path.join(name);
    let io = |cause| FolderError::Io { path: name.clone(), cause };
    let lock = File::options().create(true).append(true).open(&name).map_err(io)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(FolderError::InUse(path.into())),
        Err(TryLockError::Error(cause)) => Err(FolderError::Io { path: name, cause }),
    }
}

/// How many files and folders a folder holds.
fn files(path: &Path) -> Option<usize> {
    std::fs::read_dir(path).ok().map(Iterator::count)
}

/// The folder of several runs, locked against other sweeps.
pub(super) struct Runs {
    path: PathBuf,
    /// The folder and those above it that had to be made, the innermost first.
    made: Vec<PathBuf>,
    /// Whether there was nothing in it.
    was_empty: bool,
    lock: Option<File>,
}

impl Runs {
    /// The file that is locked. It is not that of a run, since a single run may use this folder itself.
    const LOCK: &str = "sweep.lock";

    /// Makes and locks it.
    ///
    /// # Errors
    /// Other runs are written to it, or it cannot be made.
    pub fn hold(path: &Path) -> Result<Runs, FolderError> {
        let above = path.ancestors().take_while(|path| !path.as_os_str().is_empty());
        let made = above.take_while(|path| !path.exists()).map(Path::to_path_buf).collect();
        std::fs::create_dir_all(path)
            .map_err(|cause| FolderError::Io { path: path.into(), cause })?;
        let was_empty = files(path) == Some(0);
        let lock = Some(lock(path, Runs::LOCK)?);
        Ok(Runs { path: path.into(), made, was_empty, lock })
    }
}

impl Drop for Runs {
    /// Removes the lock and the folders that were made for runs if no run has written anything.
    fn drop(&mut self) {
        if self.was_empty && files(&self.path) == Some(1) {
            let _ = std::fs::remove_file(self.path.join(Runs::LOCK));
            for path in &self.made {
                let _ = std::fs::remove_dir(path);
            }
        }
        self.lock.take();
    }
}
