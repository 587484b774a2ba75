//! Where results go.

use bea_series::text::file::{self, BUFFER};
use miette::{Context, IntoDiagnostic, miette};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// The width of the terminal that the standard output goes to, if it goes to one.
pub(super) fn terminal_width() -> Option<usize> {
    let stdout = io::stdout();
    let size = stdout.is_terminal().then(|| terminal_size::terminal_size_of(&stdout)).flatten();
    size.map(|(width, _)| width.0.into())
}

/// Runs `write` on the standard output. A pipe that its reader has closed is no error.
pub(super) fn to_stdout(
    write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> miette::Result<()> {
    let mut out = BufWriter::with_capacity(BUFFER, io::stdout());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.into_diagnostic().wrap_err("cannot write to the standard output"),
    }
}

/// Writes to the standard error. Failures are ignored: there is nowhere else to report them.
pub(super) fn to_stderr(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Runs `write` on a file that appears, or replaces another, only when it is complete.
pub(super) fn to_file(
    path: &Path,
    write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> miette::Result<()> {
    file::replace(path, write).into_diagnostic().wrap_err_with(|| not_writable(path))
}

/// Refuses a file that cannot be written, before the work for it is done. Leaves nothing behind.
pub(super) fn check_file(path: &Path) -> miette::Result<()> {
    file::check(path).into_diagnostic().wrap_err_with(|| not_writable(path))
}

fn not_writable(path: &Path) -> String {
    format!("cannot write {}", path.display())
}

/// Writes files of a folder, which appears only when all of them are complete. A folder that exists
/// is refused unless `force`; then files of the same names in it are replaced, and those of `stale`
/// that are not written this time are removed. Returns the paths of the files.
pub(super) fn to_folder(
    folder: &Path,
    files: &[(String, Vec<u8>)],
    stale: &[&str],
    force: bool,
) -> miette::Result<Vec<PathBuf>> {
    check_folder(folder, force)?;
    fill(folder, files, stale).into_diagnostic().wrap_err_with(|| not_written(folder))
}

fn not_written(folder: &Path) -> String {
    format!("cannot write the folder {}", folder.display())
}

/// The first of `name`, `name-2`, `name-3`, … that does not exist.
pub(super) fn new_folder(name: &str) -> PathBuf {
    let numbered = (2..).map(|n| PathBuf::from(format!("{name}-{n}")));
    let mut names = std::iter::once(PathBuf::from(name)).chain(numbered);
    names.find(|path| !path.exists()).expect("there are always more numbers")
}

/// Refuses a folder that exists, unless `force`, and one that cannot be written, before the work for
/// it is done. Leaves nothing behind.
pub(super) fn check_folder(folder: &Path, force: bool) -> miette::Result<()> {
    if folder.exists() && !folder.is_dir() {
        return Err(miette!("{} is a file, not a folder", folder.display()));
    }
    if folder.exists() && !force {
        return Err(miette!(
            help = "--force replaces the files in it; --out chooses another folder",
            "{} exists",
            folder.display()
        ));
    }
    // The folder or the nearest one above it that exists must take a new folder.
    let mut place = folder;
    while !place.as_os_str().is_empty() && !place.exists() {
        place = place.parent().unwrap_or(Path::new(""));
    }
    let place = if place.as_os_str().is_empty() { Path::new(".") } else { place };
    let probe = tempfile::Builder::new().prefix(".bea-").tempdir_in(place);
    probe.into_diagnostic().wrap_err_with(|| not_written(folder))?;
    Ok(())
}

fn fill(folder: &Path, files: &[(String, Vec<u8>)], stale: &[&str]) -> io::Result<Vec<PathBuf>> {
    let parent = match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(parent)?;
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The process's umask removes the permissions that it does not allow.
        builder.permissions(std::fs::Permissions::from_mode(0o777));
    }
    let beside = builder.prefix(".bea-").tempdir_in(parent)?;
    for (name, bytes) in files {
        std::fs::write(beside.path().join(name), bytes)?;
    }
    if folder.exists() {
        for (name, _) in files {
            std::fs::rename(beside.path().join(name), folder.join(name))?;
        }
        let old = stale.iter().filter(|name| !files.iter().any(|(new, _)| new == *name));
        for path in old.map(|name| folder.join(name)).filter(|path| path.is_file()) {
            std::fs::remove_file(path)?;
        }
    } else {
        std::fs::rename(beside.keep(), folder)?;
    }
    Ok(files.iter().map(|(name, _)| folder.join(name)).collect())
}
