//! Ctrl-C: the first one asks a command to stop and keep its results, the second one ends it at once.

use super::output;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

/// What shells report for a program that SIGINT has ended.
const CODE: u8 = 130;

static HAPPENED: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C does not end the program; [`happened`] reports it. `advice` says what
/// the command does then.
pub(super) fn listen(advice: &'static str) {
    // Where Ctrl-C is ignored (`nohup`, say), it stays so.
    let _ = ctrlc::try_set_handler(move || {
        if HAPPENED.swap(true, Ordering::Relaxed) {
            std::process::exit(CODE.into());
        }
        output::to_stderr(&format!("\ninterrupted: {advice}; Ctrl-C again ends at once\n"));
    });
}

/// Whether there was a Ctrl-C.
pub(super) fn happened() -> bool {
    HAPPENED.load(Ordering::Relaxed)
}

/// The exit code of a command that has finished, or stopped after Ctrl-C.
pub(super) fn exit_code() -> ExitCode {
    if happened() { ExitCode::from(CODE) } else { ExitCode::SUCCESS }
}
