//! Folders of results: a name of their own, all files of it or none, and never lost once they are computed.

use super::output;
use bea_series::text::file;
use miette::{Context, IntoDiagnostic, miette};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tempfile::TempDir;

/// A file's name and its bytes.
pub(super) type Files = [(String, Vec<u8>)];

/// Refuses a folder that exists, unless `force`, and one that cannot be written, before the work for
/// it is done. Leaves nothing behind.
pub(super) fn check_folder(folder: &Path, force: bool) -> miette::Result<()> {
    let folder = real(folder)?;
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
    let mut place = &*folder;
    while !place.as_os_str().is_empty() && !place.exists() {
        place = place.parent().unwrap_or(Path::new(""));
    }
    let probe = hidden(if place.as_os_str().is_empty() { Path::new(".") } else { place });
    probe.into_diagnostic().wrap_err_with(|| not_written(&folder))?;
    Ok(())
}

/// The folder that `folder` names, also where that is a link to one that is not there yet.
pub(super) fn real(folder: &Path) -> miette::Result<PathBuf> {
    file::beyond_links(folder).into_diagnostic().wrap_err_with(|| not_written(folder))
}

/// Writes files of a folder, which appears only when all of them are complete. `force` replaces files of the
/// same names in a folder that exists, and removes those of `stale` that are not written this time; otherwise, where
/// another process has made the folder since [`check_folder`], the files go to one beside it, and that is said.
/// Returns the paths of the files.
///
/// # Errors
/// The files cannot be written. Then they are in a temporary folder, which the message names.
pub(super) fn to_folder(
    folder: &Path,
    files: &Files,
    stale: &[&str],
    force: bool,
) -> miette::Result<Vec<PathBuf>> {
    let folder = real(folder)?;
    let outcome = if force {
        merge(&folder, files, stale).map(|()| folder.clone())
    } else {
        appear(&folder, files)
    };
    let written = outcome.map_err(|error| rescue(&folder, files, error))?;
    if written != folder {
        let (taken, other) = (folder.display(), written.display());
        output::to_stderr(&format!("{taken} was made meanwhile; the results are in {other}\n"));
    }
    Ok(paths(&written, files))
}

/// Writes files of a new folder, the first of `name`, `name-2`, `name-3`, … that does not exist, and returns their
/// paths. The folder appears only when all of them are complete.
///
/// # Errors
/// As [`to_folder`].
pub(super) fn to_new_folder(name: &str, files: &Files) -> miette::Result<Vec<PathBuf>> {
    let name = Path::new(name);
    let folder = appear(name, files).map_err(|error| rescue(name, files, error))?;
    Ok(paths(&folder, files))
}

fn paths(folder: &Path, files: &Files) -> Vec<PathBuf> {
    files.iter().map(|(name, _)| folder.join(name)).collect()
}

fn not_written(folder: &Path) -> String {
    format!("cannot write the folder {}", folder.display())
}

/// What was computed for a folder that cannot be written goes to a temporary one.
fn rescue(folder: &Path, files: &Files, error: io::Error) -> miette::Report {
    let temporary = std::env::temp_dir();
    let kept = filled(&temporary, "bea-", files).map(TempDir::keep);
    let help = match kept {
        Ok(place) => format!("the results are in {}", place.display()),
        Err(cause) => format!("they cannot be written to {} either: {cause}", temporary.display()),
    };
    miette!(help = help, "{}: {error}", not_written(folder))
}

/// A hidden temporary folder with files, which is removed unless it is renamed.
fn hidden(above: &Path) -> io::Result<TempDir> {
    filled(above, ".bea-", &[])
}

fn filled(above: &Path, prefix: &str, files: &Files) -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The process's umask removes the permissions that it does not allow.
        builder.permissions(fs::Permissions::from_mode(0o777));
    }
    let folder = builder.prefix(prefix).tempdir_in(above)?;
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes)?;
    }
    Ok(folder)
}

/// The folder above, which is made if it is not there.
fn above(folder: &Path) -> io::Result<&Path> {
    let above = match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(file::beyond_links(above)?).map(|()| above)
}

/// Writes a new folder, `name` or the next number after it.
fn appear(name: &Path, files: &Files) -> io::Result<PathBuf> {
    let complete = filled(above(name)?, ".bea-", files)?;
    let reserved = reserve(name)?;
    // On Unix, the complete folder takes the place of the empty one at once.
    if fs::rename(complete.path(), reserved.path()).is_ok() {
        let _ = complete.keep();
    } else {
        replace(&complete, reserved.path(), files)?;
    }
    Ok(reserved.path().into())
}

/// Writes a folder that may exist.
fn merge(folder: &Path, files: &Files, stale: &[&str]) -> io::Result<()> {
    let complete = filled(above(folder)?, ".bea-", files)?;
    if !folder.exists() && fs::rename(complete.path(), folder).is_ok() {
        let _ = complete.keep();
        return Ok(());
    }
    // Another process that replaces the same files waits, where the system locks folders: the files of a folder are of
    // one process.
    let _lock = File::open(folder).and_then(|folder| folder.lock().map(|()| folder));
    replace(&complete, folder, files)?;
    let old = stale.iter().filter(|name| !files.iter().any(|(new, _)| new == *name));
    for path in old.map(|name| folder.join(name)).filter(|path| path.is_file()) {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn replace(from: &TempDir, folder: &Path, files: &Files) -> io::Result<()> {
    files.iter().try_for_each(|(name, _)| fs::rename(from.path().join(name), folder.join(name)))
}

/// A folder that this process alone has made. If it is still empty in the end, it is removed, with the folders above
/// it that had to be made.
pub(super) struct Reserved {
    path: PathBuf,
}

/// The folders to be removed in the end if they are empty, the innermost first.
static MADE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

impl Reserved {
    /// A folder that the user has named: nothing is made, and nothing removed.
    pub fn named(path: PathBuf) -> Reserved {
        Reserved { path }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        release();
    }
}

/// Removes the folders that were reserved and are empty. For a program that ends at once.
pub(super) fn release() {
    let made = std::mem::take(&mut *MADE.lock().unwrap_or_else(PoisonError::into_inner));
    for path in made {
        // What is not empty stays.
        let _ = fs::remove_dir(path);
    }
}

/// How often the folders above a new one are made again where other processes remove them.
const ATTEMPTS: usize = 100;

/// Makes a new folder, the first of `name`, `name-2`, `name-3`, … that does not exist. Whoever else asks at the same
/// time gets another one.
pub(super) fn reserve(name: &Path) -> io::Result<Reserved> {
    let (mut made, mut number, mut attempts) = (Vec::new(), 1, 0);
    loop {
        let mut path = name.as_os_str().to_os_string();
        if number > 1 {
            path.push(format!("-{number}"));
        }
        let path = PathBuf::from(path);
        match fs::create_dir(&path) {
            Ok(()) => {
                let mut all = MADE.lock().unwrap_or_else(PoisonError::into_inner);
                all.push(path.clone());
                all.extend(made);
                return Ok(Reserved { path });
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            // The folder above is missing, or another process has just removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound && attempts < ATTEMPTS => {
                attempts += 1;
                let parents = name.ancestors().skip(1).take_while(|p| !p.as_os_str().is_empty());
                made.extend(parents.take_while(|path| !path.exists()).map(Path::to_path_buf));
                above(name)?;
            }
            Err(error) => return Err(error),
        }
    }
}
