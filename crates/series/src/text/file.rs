//! Files that appear only once they are complete.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Bytes of the buffer in front of a file. Exporters of many terms write larger pieces, which then
/// pass by it uncopied.
pub const BUFFER: usize = 1 << 16;

/// Runs `write` on a temporary file in the folder of `path`, which takes the name `path` once it is
/// complete. A symbolic link is followed, also where it leads to nothing yet, and a device or a pipe is written to
/// directly.
///
/// # Errors
/// Those of `write`, and of the system where the file cannot be made or renamed; a file that was at
/// `path` is then unchanged.
pub fn replace(
    path: &Path,
    write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> io::Result<()> {
    let target = target(path)?;
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

/// Whether [`replace`] can make its temporary file. Nothing is left behind.
///
/// # Errors
/// If `path` is a folder, its folder is missing, or the system refuses.
pub fn check(path: &Path) -> io::Result<()> {
    let target = target(path)?;
    if is_device(&target) {
        return Ok(());
    }
    beside(&target).map(|_| ())
}

/// The most symbolic links that are followed one after the other, as on Linux.
const MOST_LINKS: usize = 40;

/// `path` with the symbolic links in it that lead to nothing yet replaced by what they name. What is made there is
/// then found under `path` too; a folder cannot be made in the place of the link itself.
///
/// # Errors
/// A link cannot be read, or links lead to one another.
pub fn beyond_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        let found = path.ancestors().find(|part| part.symlink_metadata().is_ok());
        let Some(link) = found.filter(|part| !part.exists()) else { return Ok(path) };
        let target = link.parent().unwrap_or(Path::new("")).join(link.read_link()?);
        let rest = path.strip_prefix(link).unwrap_or(Path::new(""));
        path = rest.iter().fold(target, |path, part| path.join(part));
    }
    Err(io::Error::other("its symbolic links lead to one another"))
}

/// What `path` is a name of, through all symbolic links.
fn target(path: &Path) -> io::Result<PathBuf> {
    path.canonicalize().or_else(|_| beyond_links(path))
}

fn is_device(target: &Path) -> bool {
    target.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// A temporary file in the folder of `target`, removed when it is dropped unless it was renamed to
/// `target`.
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
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let permissions = match target.metadata() {
            Ok(old) => old.permissions(),
            // The system applies the process's umask.
            Err(_) => std::fs::Permissions::from_mode(0o666),
        };
        tempfile::Builder::new().permissions(permissions).tempfile_in(folder)
    }
    #[cfg(not(unix))]
    tempfile::Builder::new().tempfile_in(folder)
}
