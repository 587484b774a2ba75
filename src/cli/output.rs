//! Where results go.

use super::embedded;
use bea_series::text::file::{self, BUFFER};
use miette::{Context, IntoDiagnostic, Report, miette};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

/// The width of the terminal that the standard output goes to, if it goes to one.
pub(super) fn terminal_width() -> Option<usize> {
    let size = is_terminal().then(|| terminal_size::terminal_size_of(io::stdout())).flatten();
    size.map(|(width, _)| width.0.into())
}

/// Whether results go to a terminal.
pub(super) fn is_terminal() -> bool {
    !embedded::is_active() && io::stdout().is_terminal()
}

/// Runs `write` on the standard output. A pipe that its reader has closed is no error.
pub(super) fn to_stdout(
    write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> miette::Result<()> {
    const FAILED: &str = "cannot write to the standard output";
    if embedded::is_active() {
        let mut text = Vec::new();
        write(&mut text).into_diagnostic().wrap_err(FAILED)?;
        embedded::take(|printed| printed.output.append(&mut text));
        return Ok(());
    }
    let mut out = BufWriter::with_capacity(BUFFER, io::stdout());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.into_diagnostic().wrap_err(FAILED),
    }
}

/// Writes to the standard error. Failures are ignored: there is nowhere else to report them.
pub(super) fn to_stderr(text: &str) {
    if !embedded::take(|printed| printed.notes.push_str(text)) {
        let _ = io::stderr().write_all(text.as_bytes());
    }
}

/// Runs `write` on a file that appears, or replaces another, only when it is complete.
///
/// # Errors
/// As [`kept`].
pub(super) fn to_file(
    path: &Path,
    write: impl Fn(&mut (dyn Write + Send)) -> io::Result<()>,
) -> miette::Result<()> {
    kept(path, |path| {
        file::replace(path, &write).into_diagnostic().wrap_err_with(|| not_writable(path))
    })
}

/// Runs `write`, which writes what was computed to a file.
///
/// # Errors
/// The file cannot be written, for example because the disk is full. Then it is in a temporary folder, under its own
/// name, and the message says where.
pub(super) fn kept<E: Into<Report>>(
    path: &Path,
    write: impl Fn(&Path) -> Result<(), E>,
) -> miette::Result<()> {
    let Err(error) = write(path) else { return Ok(()) };
    let elsewhere = || {
        let folder = tempfile::Builder::new().prefix("bea-").tempdir().ok()?;
        let other = folder.path().join(path.file_name()?);
        write(&other).ok().map(|()| (folder.keep(), other))
    };
    let error: Report = error.into();
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    Err(match elsewhere() {
        Some((_, other)) => {
            miette!(
                help = format!("the results are in {}", other.display()),
                "{}",
                causes.join(": ")
            )
        }
        None => error,
    })
}

/// Refuses a file that cannot be written, before the work for it is done. Leaves nothing behind.
pub(super) fn check_file(path: &Path) -> miette::Result<()> {
    file::check(path).into_diagnostic().wrap_err_with(|| not_writable(path))
}

fn not_writable(path: &Path) -> String {
    format!("cannot write {}", path.display())
}
