//! How far runs are, on a terminal.

use super::interrupt;
use crate::experiment::{Config, Observer, Run};
use crate::flow::Watch;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A bar for each run that goes on: loss, sharpness, time of a step and time left. Ctrl-C stops the runs.
pub(super) struct RunProgress {
    bars: MultiProgress,
    steps: Vec<(String, u64)>,
    shown: Mutex<Vec<(usize, ProgressBar)>>,
}

impl RunProgress {
    /// On the standard error, if that is a terminal.
    pub(super) fn new(configs: &[Config]) -> RunProgress {
        let name = |c: &Config| if c.label.is_empty() { c.name.clone() } else { c.label.clone() };
        let steps = configs.iter().map(|c| (name(c), c.steps as u64)).collect();
        RunProgress { bars: MultiProgress::new(), steps, shown: Mutex::new(Vec::new()) }
    }
}

impl Watch for RunProgress {
    fn cancelled(&self) -> bool {
        interrupt::happened()
    }
}

impl Observer for RunProgress {
    fn stepped(&self, index: usize, run: &Run) {
        if self.bars.is_hidden() {
            return;
        }
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let place = shown.iter().position(|(known, _)| *known == index).unwrap_or_else(|| {
            let template = "{prefix:>20} {wide_bar} {pos}/{len} {msg} {per_sec} {eta} left";
            let (name, steps) = &self.steps[index];
            let bar = ProgressBar::new(*steps).with_prefix(name.clone());
            let bar = match ProgressStyle::with_template(template) {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            };
            let bar = self.bars.add(bar);
            bar.enable_steady_tick(Duration::from_millis(500));
            shown.push((index, bar));
            shown.len() - 1
        });
        let bar = &shown[place].1;
        bar.set_position(run.state().step as u64);
        if let Some(seen) = run.last() {
            let sharpness = seen.sharpness.map(|s| format!(" λ0 {s:.4}")).unwrap_or_default();
            bar.set_message(format!("loss {:.4e}{sharpness}", seen.loss));
        }
        if run.end().is_some() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for RunProgress {
    fn drop(&mut self) {
        let _ = self.bars.clear();
    }
}
