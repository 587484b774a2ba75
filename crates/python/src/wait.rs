//! Work with the GIL released, Ctrl-C, and errors.

use bea::curvature;
use bea::flow::{SimulateError, Stop};
use bea::objective::ObjectiveError;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

pyo3::create_exception!(
    bea,
    Error,
    PyValueError,
    "What is wrong with what bea was asked for, in the words of the command line."
);

/// An exception of Python, on its way through Rust.
#[derive(Debug)]
pub(crate) struct Raised(pub(crate) PyErr);

impl fmt::Display for Raised {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl std::error::Error for Raised {}

/// An exception where there are signals, Ctrl-C above all. Only Python's main thread receives them.
pub(crate) fn check_signals() -> Result<(), ObjectiveError> {
    Python::attach(|py| py.check_signals()).map_err(|error| ObjectiveError::other(Raised(error)))
}

/// The exception that a callback raised, with its traceback and a note on which call it was; or one of bea's own.
fn exception(py: Python<'_>, error: &ObjectiveError) -> PyErr {
    let Some(Raised(raised)) = error.cause().and_then(|cause| cause.downcast_ref()) else {
        return Error::new_err(error.to_string());
    };
    let raised = raised.clone_ref(py);
    if let ObjectiveError::Closure { site, .. } = error {
        // Python 3.10 has no notes.
        let _ = raised.value(py).call_method1("add_note", (format!("{site}, asked for by bea"),));
    }
    raised
}

/// Errors that may be an objective's.
pub(crate) trait Explain {
    fn explain(&self, py: Python<'_>) -> PyErr;
}

impl Explain for ObjectiveError {
    fn explain(&self, py: Python<'_>) -> PyErr {
        exception(py, self)
    }
}

impl Explain for curvature::Error {
    fn explain(&self, py: Python<'_>) -> PyErr {
        match self {
            curvature::Error::Objective(error) => exception(py, error),
            other => Error::new_err(other.to_string()),
        }
    }
}

impl Explain for Stop {
    fn explain(&self, py: Python<'_>) -> PyErr {
        match self {
            Stop::Objective(error) => exception(py, error),
            other => Error::new_err(other.to_string()),
        }
    }
}

impl Explain for SimulateError {
    fn explain(&self, py: Python<'_>) -> PyErr {
        match self {
            SimulateError::Objective(error) => exception(py, error),
            other => Error::new_err(other.to_string()),
        }
    }
}

/// The result of work that does not hold the GIL.
pub(crate) fn released<T: Send, E: Explain + Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, E> + Send,
) -> PyResult<T> {
    py.detach(work).map_err(|error| error.explain(py))
}

/// How often signals are looked for.
const TICK: Duration = Duration::from_millis(50);
/// As much as the command's own thread has.
const STACK: usize = 8 << 20;

/// The result of work on a thread of its own, while this one waits for it and for Ctrl-C: then `stop` is set, and once the
/// work has ended, KeyboardInterrupt is raised.
pub(crate) fn interruptible<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce(Arc<AtomicBool>) -> T + Send + 'static,
) -> PyResult<T> {
    let stop = Arc::new(AtomicBool::new(false));
    let (sender, mut receiver) = mpsc::channel();
    let asked = stop.clone();
    thread::Builder::new().stack_size(STACK).spawn(move || {
        // The receiver waits.
        let _ = sender.send(work(asked));
    })?;
    let mut interrupted = None;
    loop {
        let received;
        (receiver, received) = py.detach(move || {
            let received = receiver.recv_timeout(TICK);
            (receiver, received)
        });
        match received {
            Ok(outcome) => return interrupted.map_or(Ok(outcome), Err),
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
    }
}
