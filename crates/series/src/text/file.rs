//! Files that appear only when they are complete.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use tempfile::NamedTempFile;

/// Exporters of many terms hand over larger pieces, which then are not copied.
pub const BUFFER: usize = 1 << 16;

/// Runs `write` on a file that appears, or replaces another, only when it is complete.
pub fn replace(
    path: &Path,
    write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> io::Result<()> {
    // A link stays a link, and a device or a pipe is written to, not replaced.
    let target = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    if is_device(&target) {
        let mut out = BufWriter::with_capacity(BUFFER, File::create(&target)?);
        return write(&mut out).and_then(|()| out.flush());
    }
    let mut out = BufWriter::with_capacity(BUFFER, beside(&target)?);
    write(&mut out)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.persist(&target).map_err(|error| error.error)?;
    Ok(())
}

/// Whether [`replace`] will find a place for its file. Leaves no trace.
pub fn check(path: &Path) -> io::Result<()> {
    let target = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    if is_device(&target) {
        return Ok(());
    }
    beside(&target).map(|_| ())
}

fn is_device(target: &Path) -> bool {
    target.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// A file in the folder of `target`, which is removed unless it takes the place of that.
fn beside(target: &Path) -> io::Result<NamedTempFile> {
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
    builder.tempfile_in(folder)
}
