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

/// The command that runs.
struct Running {
    printed: Mutex<Printed>,
    stop: Arc<AtomicBool>,
}

static RUNNING: RwLock<Option<Arc<Running>>> = RwLock::new(None);
/// Held by the one command that runs.
static TURN: Mutex<()> = Mutex::new(());
/// How often one that waits looks again.
const WAIT: Duration = Duration::from_millis(20);

/// Runs a command, `["derive", "--order", "2"]` say, and returns what it has printed; one at a time, in whatever threads
/// they come. Once `stop` is set, commands that Ctrl-C stops on the command line stop as they do there.
///
/// # Errors
/// The text that the command line prints.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    stop: Arc<AtomicBool>,
) -> Result<Printed, String> {
    let words = std::iter::once("bea".into()).chain(arguments);
    let command = Cli::try_parse_from(words).map_err(|error| error.to_string())?.command;
    let (code, printed) = embedded(stop, || command.run())?;
    let code = [0, 1].into_iter().find(|number| ExitCode::from(*number) == code).unwrap_or(2);
    Ok(Printed { code, ..printed })
}

/// The outcome of `work` as a command, and what it has printed.
fn embedded<T>(
    stop: Arc<AtomicBool>,
    work: impl FnOnce() -> miette::Result<T>,
) -> Result<(T, Printed), String> {
    let _turn = turn(&stop)?;
    // Commands format errors, too.
    super::set_hook(Some(false));
    let running = Arc::new(Running { printed: Mutex::default(), stop });
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
fn turn(stop: &AtomicBool) -> Result<MutexGuard<'static, ()>, String> {
    loop {
        match TURN.try_lock() {
            Ok(turn) => return Ok(turn),
            Err(TryLockError::Poisoned(poisoned)) => return Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if stop.load(Ordering::Relaxed) => {
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

/// Whether the other program asks an embedded command to stop.
pub(super) fn is_stopped() -> bool {
    running().is_some_and(|running| running.stop.load(Ordering::Relaxed))
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
        run(words.iter().map(OsString::from), Arc::new(AtomicBool::new(stop)))
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
        let rows = std::fs::read_to_string(folder.path().join("out/trajectories.csv")).unwrap();
        assert!(rows.lines().count() < 100, "{} rows", rows.lines().count());
    }
}
