//! Ctrl-C and SIGTERM: the first one asks a command to stop and keep its results, the second one ends it at once.

use super::{embedded, output, results};
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The numbers of signals on all systems that have them. Shells report a program that one has ended by 128 and its
/// number.
const INTERRUPT: u8 = 2;
#[cfg(unix)]
const HANGUP: u8 = 1;
#[cfg(unix)]
const TERMINATE: u8 = 15;

/// Signals that come within this time are one: `timeout`, say, sends its signal to the program and to its group.
const ONE: Duration = Duration::from_millis(50);

/// The first signal, and when it came.
static FIRST: OnceLock<(u8, Instant)> = OnceLock::new();

/// From now on Ctrl-C does not end the program, nor do SIGTERM, which batch systems send when the time is over, and
/// SIGHUP, which a closed terminal sends; [`happened`] reports them. `advice` says what the command does then. Those of a
/// program that has embedded the command are its own.
pub(super) fn listen(advice: &'static str) {
    if embedded::is_active() {
        return;
    }
    // Where Ctrl-C is ignored (in the background of a script, say), it stays so.
    let _ = ctrlc::try_set_handler(move || received(INTERRUPT, advice));
    #[cfg(unix)]
    {
        let signals = [TERMINATE, HANGUP].into_iter().filter(|signal| !ignored(*signal));
        if let Ok(mut signals) = signal_hook::iterator::Signals::new(signals.map(i32::from)) {
            std::thread::spawn(move || {
                signals.forever().for_each(|signal| received(signal as u8, advice));
            });
        }
    }
}

fn received(signal: u8, advice: &str) {
    let code = |signal: u8| i32::from(128 + signal);
    match FIRST.get() {
        Some((_, first)) if first.elapsed() < ONE => {}
        Some(_) => {
            results::release();
            std::process::exit(code(signal));
        }
        None => {
            let _ = FIRST.set((signal, Instant::now()));
            let what = if signal == INTERRUPT { "interrupted" } else { "asked to end" };
            output::to_stderr(&format!("\n{what}: {advice}; Ctrl-C again ends at once\n"));
        }
    }
}

/// Whether the program was started with this signal ignored, as `nohup` does with SIGHUP. Where the system does not
/// tell, as Linux does, SIGHUP counts as ignored.
#[cfg(unix)]
fn ignored(signal: u8) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").ok();
    let mask = status.and_then(|status| {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    });
    mask.map_or(signal == HANGUP, |mask| mask >> (signal - 1) & 1 == 1)
}

/// Whether a signal has come, or the program that has embedded the command wants it to stop.
pub(super) fn happened() -> bool {
    FIRST.get().is_some() || embedded::is_stopped()
}

/// The exit code of a command that has finished, or stopped after a signal: 130 after Ctrl-C, 143 after SIGTERM.
pub(super) fn exit_code() -> ExitCode {
    FIRST.get().map_or(ExitCode::SUCCESS, |(signal, _)| ExitCode::from(128 + signal))
}
