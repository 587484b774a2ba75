//! Progress of runs, on a terminal.

use super::{embedded, interrupt, note};
use crate::experiment::{Config, Observer, Run};
use bea_flow::flow::Watch;
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A bar for each active run: loss, sharpness, time per step and time left. Ctrl-C stops the runs.
pub(super) struct RunProgress {
    bars: MultiProgress,
    steps: Vec<(String, u64)>,
    shown: Mutex<Vec<(usize, ProgressBar)>>,
    /// Notes of the runs of a sweep, which are mostly the same.
    said: Mutex<Vec<String>>,
}

impl RunProgress {
    /// On the standard error, if that is a terminal.
    pub(super) fn new(configs: &[Config]) -> RunProgress {
        let name = |c: &Config| if c.label.is_empty() { c.name.clone() } else { c.label.clone() };
        let steps = configs.iter().map(|c| (name(c), c.steps as u64)).collect();
        RunProgress {
            bars: MultiProgress::new(),
            steps,
            shown: Mutex::new(Vec::new()),
            said: Mutex::new(Vec::new()),
        }
    }
}

impl RunProgress {
    /// What has not been said yet.
    fn say(&self, run: &Run) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let new: Vec<&String> = run.notes().iter().filter(|note| !said.contains(note)).collect();
        if !new.is_empty() {
            self.bars.suspend(|| note::say(&new));
            let new: Vec<String> = new.into_iter().cloned().collect();
            said.extend(new);
        }
    }
}

impl Watch for RunProgress {
    fn cancelled(&self) -> bool {
        interrupt::happened()
    }
}

impl Observer for RunProgress {
    fn began(&self, _index: usize, run: &Run) {
        self.say(run);
    }

    fn stepped(&self, index: usize, run: &Run) {
        self.say(run);
        let (name, steps) = &self.steps[index];
        if embedded::tell(name, run.state().step as u64, *steps) {
            return;
        }
        if self.bars.is_hidden() {
            return;
        }
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let place = shown.iter().position(|(known, _)| *known == index).unwrap_or_else(|| {
            let template = "{prefix:>20} {wide_bar} {pos}/{len} {msg} {step_time} {eta} left";
            let bar = ProgressBar::new(*steps).with_prefix(name.clone());
            let bar = match ProgressStyle::with_template(template) {
                Ok(style) => bar.with_style(style.with_key("step_time", write_step_time)),
                Err(_) => bar,
            };
            // Steps before a resumption are not part of this time.
            let bar = self.bars.add(bar.with_position(run.state().step as u64));
            bar.reset_eta();
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

fn write_step_time(state: &ProgressState, out: &mut dyn Write) {
    let _ = out.write_str(&step_time(1.0 / state.per_sec()));
}

/// `12.3 ms a step`, with three digits.
fn step_time(seconds: f64) -> String {
    let (time, unit) = match seconds {
        s if !s.is_finite() => return "– a step".into(),
        s if s < 0.9995e-3 => (1e6 * s, "µs"),
        s if s < 0.9995 => (1e3 * s, "ms"),
        s => (s, "s"),
    };
    let decimals = if time < 9.995 { 2 } else { usize::from(time < 99.95) };
    format!("{time:.decimals$} {unit} a step")
}

impl Drop for RunProgress {
    fn drop(&mut self) {
        let _ = self.bars.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_step_has_three_digits() {
        let cases = [
            (12.34e-3, "12.3 ms a step"),
            (0.99999, "1.00 s a step"),
            (4.2e-6, "4.20 µs a step"),
            (250.0, "250 s a step"),
            (f64::INFINITY, "– a step"),
        ];
        for (seconds, text) in cases {
            assert_eq!(step_time(seconds), text);
        }
    }
}
