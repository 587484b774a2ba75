//! Work with the GIL released, Ctrl-C, and errors.

use bea::cli::embedded::Control;
use bea::curvature;
use bea::flow::{SimulateError, Stop};
use bea::objective::{Capability, ObjectiveError};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
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

/// A text of errors or notes with its advice to those who write closures in Rust, and the options of the command line,
/// replaced by what they are in Python.
pub(crate) fn in_python(text: &str) -> String {
    let advice = [
        (Capability::HessianVectors.help(), "give `hvp` to `bea.objective`"),
        (
            Capability::Contraction(2).help(),
            "formulas and bea's own networks have derivatives of every order; callbacks get those of order 3 by `third` \
             of `bea.objective`",
        ),
        (
            Capability::ComplexPoints.help(),
            "formulas and bea's own networks are defined there; callbacks get them by `complex_value_and_grad` and \
             `complex_hvp` of `bea.objective`",
        ),
        (
            ObjectiveError::UNDEFINED,
            "if the objective is not defined there, let the callback raise an exception that says so",
        ),
    ];
    let text =
        advice.iter().fold(text.to_string(), |text, (in_rust, here)| text.replace(in_rust, here));
    let options = |py: Python<'_>| {
        py.import("bea._command")?.call_method1("in_python", (text.as_str(),))?.extract::<String>()
    };
    Python::attach(options).unwrap_or(text)
}

/// The exception that a callback raised, with its traceback and a note on which call it was; or one of bea's own.
fn exception(py: Python<'_>, error: &ObjectiveError) -> PyErr {
    let Some(Raised(raised)) = error.cause().and_then(|cause| cause.downcast_ref()) else {
        return Error::new_err(in_python(&error.to_string()));
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
            other => Error::new_err(in_python(&other.to_string())),
        }
    }
}

impl Explain for Stop {
    fn explain(&self, py: Python<'_>) -> PyErr {
        match self {
            Stop::Objective(error) => exception(py, error),
            other => Error::new_err(in_python(&other.to_string())),
        }
    }
}

impl Explain for SimulateError {
    fn explain(&self, py: Python<'_>) -> PyErr {
        match self {
            SimulateError::Objective(error) => exception(py, error),
            other => Error::new_err(in_python(&other.to_string())),
        }
    }
}

/// The process that used bea first.
static FIRST: AtomicU32 = AtomicU32::new(0);

/// Refuses processes that were forked from one that had used bea: they have its memory without its threads.
pub(crate) fn check_process() -> PyResult<()> {
    let own = std::process::id();
    match FIRST.compare_exchange(0, own, Ordering::Relaxed, Ordering::Relaxed) {
        Err(first) if first != own => Err(PyRuntimeError::new_err(
            "this process was forked from one that had used bea, whose threads it would wait for forever: start processes \
             anew, with multiprocessing.get_context(\"spawn\")",
        )),
        _ => Ok(()),
    }
}

/// The result of work that does not hold the GIL.
pub(crate) fn released<T: Send, E: Explain + Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, E> + Send,
) -> PyResult<T> {
    check_process()?;
    py.detach(work).map_err(|error| error.explain(py))
}

/// How often signals are looked for.
const TICK: Duration = Duration::from_millis(50);
/// As much as the command's own thread has.
const STACK: usize = 8 << 20;

/// The result of work on a thread of its own, while this one waits for it and for Ctrl-C: then the work is asked to stop,
/// and once it has ended, the exception is there as well, KeyboardInterrupt as a rule. How far the work is, is told by
/// `progress(list of (name, done, total))`.
pub(crate) fn interruptible<T: Send + 'static>(
    py: Python<'_>,
    progress: Option<&Py<PyAny>>,
    work: impl FnOnce(Arc<Control>) -> T + Send + 'static,
) -> PyResult<(T, Option<PyErr>)> {
    check_process()?;
    let control = Arc::new(Control::default());
    let (sender, mut receiver) = mpsc::channel();
    let asked = control.clone();
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
            Ok(outcome) => {
                let told = tell(py, progress, &control);
                return Ok((outcome, interrupted.or(told.err())));
            }
            Err(RecvTimeoutError::Timeout) => {
                if let Err(error) = py.check_signals().and_then(|()| tell(py, progress, &control)) {
                    control.stop.store(true, Ordering::Relaxed);
                    interrupted.get_or_insert(error);
                }
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(PyRuntimeError::new_err("a fault in bea: see the standard error"));
            }
        }
    }
}

/// Calls `progress`, if there is anything to tell.
fn tell(py: Python<'_>, progress: Option<&Py<PyAny>>, control: &Control) -> PyResult<()> {
    let Some(progress) = progress else { return Ok(()) };
    let bars = control.bars();
    if bars.is_empty() {
        return Ok(());
    }
    let bars: Vec<_> = bars.into_iter().map(|bar| (bar.name, bar.done, bar.total)).collect();
    progress.call1(py, (bars,)).map(|_| ())
}
