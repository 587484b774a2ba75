//! Commands, as on the command line.

use crate::wait::Error;
use bea::cli::embedded::{self, Printed};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// How often signals are looked for.
const TICK: Duration = Duration::from_millis(50);
/// As much as the command's own thread has.
const STACK: usize = 8 << 20;

/// Runs a command and returns what it has printed: its result, and its notes.
///
/// It runs on a thread of its own while this one waits for it and for Ctrl-C. Then the command stops as it does on the
/// command line, keeping what there is.
#[pyfunction]
pub(crate) fn command(
    py: Python<'_>,
    words: Vec<String>,
) -> PyResult<(Bound<'_, PyBytes>, String)> {
    let stop = Arc::new(AtomicBool::new(false));
    let (sender, mut receiver) = mpsc::channel();
    let asked = stop.clone();
    let work = move || {
        let words = words.into_iter().map(Into::into);
        // The receiver waits.
        let _ = sender.send(embedded::run(words, asked));
    };
    let worker = thread::Builder::new().stack_size(STACK).spawn(work)?;
    let mut interrupted = None;
    let outcome = loop {
        let received;
        (receiver, received) = py.detach(move || {
            let received = receiver.recv_timeout(TICK);
            (receiver, received)
        });
        match received {
            Ok(outcome) => break outcome,
            Err(RecvTimeoutError::Timeout) => {
                if let Err(error) = py.check_signals() {
                    stop.store(true, Ordering::Relaxed);
                    interrupted.get_or_insert(error);
                }
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(PyRuntimeError::new_err("a fault in bea: see the standard error"));
            }
        }
    };
    let _ = worker.join();
    if let Some(error) = interrupted {
        return Err(error);
    }
    let Printed { output, notes } =
        outcome.map_err(|text| Error::new_err(text.trim_end().to_string()))?;
    Ok((PyBytes::new(py, &output), notes))
}
