//! How many products have been taken: on a terminal always, elsewhere a line now and then.

use crate::cli::output;
use bea_flow::curvature::{Error, Operator};
use indicatif::{ProgressBar, ProgressStyle};
use std::cell::Cell;
use std::time::{Duration, Instant};

/// The time to the first line where there is no terminal; the times between lines double, up to the longest.
const FIRST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(300);

/// Counts products.
pub(super) struct Progress {
    bar: ProgressBar,
    started: Instant,
    products: Cell<usize>,
    lines: Cell<Lines>,
}

impl Progress {
    pub(super) fn new() -> Progress {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        let lines = Lines { next: FIRST, pause: FIRST };
        Progress { bar, started: Instant::now(), products: Cell::new(0), lines: Cell::new(lines) }
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }

    fn add(&self, products: usize) {
        self.products.set(self.products.get() + products);
        let elapsed = self.started.elapsed();
        let text = format!("{} products in {:.0} s", self.products.get(), elapsed.as_secs_f64());
        if !self.bar.is_hidden() {
            self.bar.set_message(text);
            self.bar.tick();
            return;
        }
        let mut lines = self.lines.get();
        if lines.is_due(elapsed) {
            output::to_stderr(&format!("spectrum: {text}\n"));
        }
        self.lines.set(lines);
    }
}

/// When the next line is due.
#[derive(Clone, Copy)]
struct Lines {
    next: Duration,
    pause: Duration,
}

impl Lines {
    fn is_due(&mut self, elapsed: Duration) -> bool {
        if elapsed < self.next {
            return false;
        }
        self.pause = (2 * self.pause).min(LONGEST);
        self.next = elapsed + self.pause;
        true
    }
}

/// An operator whose products are counted.
pub(super) struct Watched<'a> {
    pub operator: &'a dyn Operator,
    pub progress: &'a Progress,
}

impl Operator for Watched<'_> {
    fn dimension(&self) -> usize {
        self.operator.dimension()
    }

    fn apply(&self, block: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, Error> {
        let products = self.operator.apply(block)?;
        self.progress.add(products.len());
        Ok(products)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_less_and_less_often() {
        let mut lines = Lines { next: FIRST, pause: FIRST };
        let due: Vec<u64> = (0..2000).filter(|&s| lines.is_due(Duration::from_secs(s))).collect();
        assert_eq!(due, [5, 15, 35, 75, 155, 315, 615, 915, 1215, 1515, 1815]);
    }
}
