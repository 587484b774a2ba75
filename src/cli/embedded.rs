//! Commands that another program runs inside itself, as the Python package does: what they print is handed to that
//! program, and nothing of its process is changed, its signal handlers least of all.

use super::network_input::{self, NetworkInput};
use super::{Cli, input, loss_input};
use bea_network::NetworkLoss;
use bea_series::optimizer::Step;
use clap::Parser;
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError};
use std::time::Duration;

/// What a command has printed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Printed {
    /// On the standard output: its result.
    pub output: Vec<u8>,
    /// On the standard error: notes.
    pub notes: String,
    /// The exit code.
    pub code: u8,
}

/// What a command and the program that has embedded it tell each other while it runs.
#[derive(Default, Debug)]
pub struct Control {
    /// Set by the program: commands that Ctrl-C stops on the command line stop as they do there, keeping what there is, but
    /// trajectories of formulas, and exact arithmetic is given up.
    pub stop: Arc<AtomicBool>,
    /// What is in progress, in the order in which it began.
    bars: Mutex<Vec<Bar>>,
}

/// How far one part of the work is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bar {
    /// What it is: a trajectory, or a run.
    pub name: String,
    /// How many steps have been made.
    pub done: u64,
    /// Of how many.
    pub total: u64,
}

impl Control {
    /// Whether the program wants the work to end.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// How far everything is.
    pub fn bars(&self) -> Vec<Bar> {
        self.bars.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes how far one part is.
    pub fn tell(&self, name: &str, done: u64, total: u64) {
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        match bars.iter_mut().find(|bar| bar.name == name) {
            Some(bar) => (bar.done, bar.total) = (done, total),
            None => bars.push(Bar { name: name.to_string(), done, total }),
        }
    }
}

/// The command that runs.
struct Running {
    printed: Mutex<Printed>,
    control: Arc<Control>,
}

static RUNNING: RwLock<Option<Arc<Running>>> = RwLock::new(None);
/// Held by the one command that runs.
static TURN: Mutex<()> = Mutex::new(());
/// How often one that waits looks again.
const WAIT: Duration = Duration::from_millis(20);

/// Runs a command, `["derive", "--order", "2"]` say, and returns what it has printed; one at a time, in whatever threads
/// they come. `control` stops it, and shows how far it is.
///
/// # Errors
/// The text that the command line prints.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    control: Arc<Control>,
) -> Result<Printed, String> {
    let words = std::iter::once("bea".into()).chain(arguments);
    let command = Cli::try_parse_from(words).map_err(|error| error.to_string())?.command;
    let (code, printed) = embedded(control, || command.run())?;
    let code = [0, 1].into_iter().find(|number| ExitCode::from(*number) == code).unwrap_or(2);
    Ok(Printed { code, ..printed })
}

/// The outcome of `work` as a command, and what it has printed.
fn embedded<T>(
    control: Arc<Control>,
    work: impl FnOnce() -> miette::Result<T>,
) -> Result<(T, Printed), String> {
    let _turn = turn(&control)?;
    // Commands format errors, too.
    super::set_hook(Some(false));
    let running = Arc::new(Running { printed: Mutex::default(), control });
    let _running = Entered::new(&running);
    let outcome = work();
    let printed =
        std::mem::take(&mut *running.printed.lock().unwrap_or_else(PoisonError::into_inner));
    match outcome {
        Ok(value) => Ok((value, printed)),
        Err(report) => Err(printed.notes + &text(report)),
    }
}

/// Waits until no other command runs, unless it is asked to stop.
fn turn(control: &Control) -> Result<MutexGuard<'static, ()>, String> {
    loop {
        match TURN.try_lock() {
            Ok(turn) => return Ok(turn),
            Err(TryLockError::Poisoned(poisoned)) => return Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if control.is_stopped() => {
                return Err("stopped before it began".into());
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(WAIT),
        }
    }
}

/// `--network NETWORK --data DATA …`, as several commands have it.
#[derive(Parser)]
#[command(name = "bea")]
struct OfNetwork {
    #[command(flatten)]
    input: NetworkInput,
}

/// The loss of a network, with the parameters, from the arguments `--network`, `--data`, `--weights`, `--init`,
/// `--device` and `--dtype` of the command; and what was printed.
///
/// # Errors
/// The text that the command line prints.
pub fn network(
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<((NetworkLoss, Vec<f64>), Printed), String> {
    let words = std::iter::once("bea".into()).chain(arguments);
    let input = OfNetwork::try_parse_from(words).map_err(|error| error.to_string())?.input;
    embedded(Arc::default(), || {
        let loss = input.loss()?;
        let theta = input.parameters(&loss)?;
        Ok((loss, theta))
    })
}

/// The step of an optimizer of one loss, by name, file or definition, with these values, `m=9/10` say, and its name.
///
/// # Errors
/// The text that the command line prints.
pub fn step(optimizer: &str, values: &[String]) -> Result<(String, Step), String> {
    let found = input::optimizer(optimizer).and_then(|optimizer| {
        let values = values.iter().map(|text| loss_input::setting(text));
        let values =
            values.collect::<Result<Vec<_>, _>>().map_err(|error| miette::miette!("{error}"))?;
        let step = network_input::step(&optimizer, loss_input::settings(&values)?)?;
        Ok((optimizer.name, step))
    });
    found.map_err(text)
}

/// An error as the command line prints it.
pub fn text(error: impl Into<miette::Report>) -> String {
    super::set_hook(Some(false));
    format!("{:?}", error.into())
}

/// While this lives, a command is embedded.
struct Entered;

impl Entered {
    fn new(running: &Arc<Running>) -> Entered {
        *RUNNING.write().unwrap_or_else(PoisonError::into_inner) = Some(running.clone());
        Entered
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        *RUNNING.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn running() -> Option<Arc<Running>> {
    RUNNING.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Whether the command is embedded.
pub(super) fn is_active() -> bool {
    running().is_some()
}

/// What an embedded command and the other program tell each other.
pub(super) fn control() -> Option<Arc<Control>> {
    running().map(|running| running.control.clone())
}

/// Whether the other program asks an embedded command to stop.
pub(super) fn is_stopped() -> bool {
    control().is_some_and(|control| control.is_stopped())
}

/// Tells the other program how far a part of an embedded command is.
pub(super) fn tell(name: &str, done: u64, total: u64) -> bool {
    control().map(|control| control.tell(name, done, total)).is_some()
}

/// Takes what is printed, if the command is embedded.
pub(super) fn take(print: impl FnOnce(&mut Printed)) -> bool {
    let Some(running) = running() else { return false };
    print(&mut running.printed.lock().unwrap_or_else(PoisonError::into_inner));
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_words(words: &[&str], stop: bool) -> Result<Printed, String> {
        let control = Arc::new(Control::default());
        control.stop.store(stop, Ordering::Relaxed);
        loop {
            // A command that is to stop does not wait for the command of another test.
            let outcome = run(words.iter().map(OsString::from), control.clone());
            if outcome != Err("stopped before it began".into()) {
                return outcome;
            }
            std::thread::sleep(WAIT);
        }
    }

    #[test]
    fn what_is_printed_is_returned() {
        let printed = run_words(&["derive", "--order", "1"], false).unwrap();
        assert!(printed.output.starts_with(b"gradient_descent: modified field to order 1\n"));
        assert_eq!(printed.notes, "");
    }

    #[test]
    fn errors_are_those_of_the_command_line() {
        let error = run_words(&["derive", "optimizer a {\n  theta' = x\n}"], false).unwrap_err();
        assert!(error.contains("2:12") || error.contains("theta' = x"), "{error}");
        assert!(!error.contains('\x1b'), "no colours: {error}");
        let error = run_words(&["derive", "--order", "x"], false).unwrap_err();
        assert!(error.starts_with("error: invalid value 'x' for '--order <N>'"), "{error}");
    }

    #[test]
    fn a_command_is_stopped_from_outside() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out").display().to_string();
        let words =
            ["flow", "--loss", "rosenbrock", "--lr", "1e-4", "--steps", "1000", "--out", &out];
        run_words(&words, true).unwrap();
        assert!(!folder.path().join("out").exists(), "files of a command that was stopped");
        let error = run_words(&["derive", "nesterov", "--order", "8"], true).unwrap_err();
        assert!(error.contains("takes too long"), "{error}");
        assert!(run_words(&["check"], true).unwrap_err().contains("stopped"));
    }

    #[test]
    fn what_is_in_progress_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let out = format!("--out={}", folder.path().join("out").display());
        let words = ["flow", "--loss=x^2", "--start=1", "--lr=0.1", "--steps=7", "--flows=ngf"];
        let control = Arc::new(Control::default());
        run(words.iter().copied().chain([out.as_str()]).map(OsString::from), control.clone())
            .unwrap();
        let bar = |name: &str| Bar { name: name.into(), done: 7, total: 7 };
        let mut bars = control.bars();
        bars.sort_by(|a, b| a.name.cmp(&b.name));
        assert_eq!(bars, [bar("gd"), bar("ngf")]);
    }
}
