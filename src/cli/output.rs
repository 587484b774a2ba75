//! Where results go.

use miette::{Context, IntoDiagnostic};
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

/// Exporters of many terms hand over larger pieces, which then are not copied.
const BUFFER: usize = 1 << 16;

/// Characters a line on the terminal that the standard output goes to, if it does.
pub(super) fn terminal_width() -> Option<usize> {
    let stdout = io::stdout();
    let size = stdout.is_terminal().then(|| terminal_size::terminal_size_of(&stdout)).flatten();
    size.map(|(width, _)| width.0.into())
}

/// Runs `write` on the standard output. A reader that has had enough is no error.
pub(super) fn to_stdout(
    write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> miette::Result<()> {
    let mut out = BufWriter::with_capacity(BUFFER, io::stdout());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.into_diagnostic().wrap_err("cannot write to the standard output"),
    }
}

/// Writes to the standard error. Where nobody reads that, there is nobody to tell either.
pub(super) fn to_stderr(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Runs `write` on a file that appears, or replaces another, only when it is complete.
pub(super) fn to_file(
    path: &Path,
    write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> miette::Result<()> {
    replace(path, write).into_diagnostic().wrap_err(format!("cannot write {}", path.display()))
}

fn replace(
    path: &Path,
    write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> io::Result<()> {
    // A link stays a link, and a device or a pipe is written to, not replaced.
    let target = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    if target.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        let mut out = BufWriter::with_capacity(BUFFER, File::create(&target)?);
        return write(&mut out).and_then(|()| out.flush());
    }
    if target.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        let message = format!("there is no folder {}", folder.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, message));
    }
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let permissions = match target.metadata() {
            Ok(old) => old.permissions(),
            // The process's mask takes away what it does not allow.
            Err(_) => std::fs::Permissions::from_mode(0o666),
        };
        builder.permissions(permissions);
    }
    let mut out = BufWriter::with_capacity(BUFFER, builder.tempfile_in(folder)?);
    write(&mut out)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.persist(&target).map_err(|error| error.error)?;
    Ok(())
}
