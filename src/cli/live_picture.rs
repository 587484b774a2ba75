//! The picture of a run, drawn anew while it goes on.

use super::note;
use super::run_progress::RunProgress;
use crate::experiment::folder::PICTURE;
use crate::experiment::{Measured, Observer, Run, run_figure};
use crate::picture::{PictureStyle, drawn, svg};
use bea_flow::flow::Watch;
use bea_series::text::file;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often the picture is drawn.
const EVERY: Duration = Duration::from_secs(2);
/// Drawing takes no more than this part of the time.
const SHARE: u32 = 20;

/// Watches a run, and replaces its picture every few seconds.
pub(super) struct LivePicture<'a> {
    progress: &'a RunProgress,
    path: PathBuf,
    style: PictureStyle,
    /// When to draw next, and whether it has been said that the picture cannot be written.
    state: Mutex<(Instant, bool)>,
}

impl<'a> LivePicture<'a> {
    /// The picture in the folder of the run.
    pub fn new(progress: &'a RunProgress, folder: &Path, style: PictureStyle) -> LivePicture<'a> {
        LivePicture {
            progress,
            path: folder.join(PICTURE),
            style,
            state: Mutex::new((Instant::now(), false)),
        }
    }
}

impl Watch for LivePicture<'_> {
    fn cancelled(&self) -> bool {
        self.progress.cancelled()
    }
}

impl Observer for LivePicture<'_> {
    fn began(&self, index: usize, run: &Run) {
        self.progress.began(index, run);
    }

    fn stepped(&self, index: usize, run: &Run) {
        self.progress.stepped(index, run);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = Instant::now();
        // A single measurement is no picture yet; that of the end is drawn with all files.
        if begun < state.0 || run.metrics().rows.len() < 2 || run.end().is_some() {
            return;
        }
        let config = run.config();
        let label = if config.label.is_empty() { &config.name } else { &config.label };
        let measured =
            Measured { label, config, metrics: run.metrics(), follow: run.follow(), end: None };
        let figure = run_figure(&measured);
        if !figure.panels.is_empty() {
            // Whether it fits was asked before the run; one that just does not is drawn as large as it takes.
            let styled = drawn(&figure, &self.style).map(|picture| svg(&picture, &self.style));
            let text = styled.unwrap_or_else(|_| figure.svg());
            let written = file::replace(&self.path, |out| out.write_all(text.as_bytes()));
            if let (Err(error), false) = (&written, state.1) {
                note::say(&[format!(
                    "cannot write {}: {error}; the run goes on",
                    self.path.display()
                )]);
                state.1 = true;
            }
        }
        state.0 = Instant::now() + EVERY.max(SHARE * begun.elapsed());
    }
}
