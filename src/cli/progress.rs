//! Progress of a simulation, on a terminal.

use super::{embedded, interrupt};
use bea_flow::flow::Watch;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Simulations shorter than this show no progress.
const PATIENCE: Duration = Duration::from_millis(500);

/// One bar for each trajectory. Ctrl-C ends the simulation.
pub(super) struct Progress {
    bars: MultiProgress,
    steps: u64,
    started: Instant,
    /// By the names of the trajectories.
    shown: Mutex<Vec<(String, ProgressBar)>>,
}

impl Progress {
    /// On the standard error, if that is a terminal.
    pub(super) fn new(steps: usize) -> Progress {
        Progress {
            bars: MultiProgress::new(),
            steps: steps as u64,
            started: Instant::now(),
            shown: Mutex::new(Vec::new()),
        }
    }
}

impl Watch for Progress {
    fn cancelled(&self) -> bool {
        interrupt::happened()
    }

    fn reached(&self, name: &str, step: usize) {
        if embedded::tell(name, step as u64, self.steps) {
            return;
        }
        if self.bars.is_hidden() || self.started.elapsed() < PATIENCE {
            return;
        }
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let place = shown.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            let style = ProgressStyle::with_template("{prefix:>16} {wide_bar} {pos}/{len} steps");
            let bar = ProgressBar::new(self.steps).with_prefix(name.to_string());
            let bar = match style {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            };
            shown.push((name.to_string(), self.bars.add(bar)));
            shown.len() - 1
        });
        shown[place].1.set_position(step as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        let _ = self.bars.clear();
    }
}
