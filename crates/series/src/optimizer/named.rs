//! Optimizers as users name them: by a name of the library, by a file, or by their definition itself.

use super::{LoadError, Optimizer, UnknownOptimizer, find, load, parse};
use crate::text::source::{Source, SourceError};
use std::path::{Path, PathBuf};

/// An optimizer, and the file that it is from, if it is not of the library.
#[derive(Clone, Debug)]
pub struct Named {
    /// The optimizer.
    pub optimizer: Optimizer,
    /// Its file.
    pub file: Option<Source>,
}

/// Why there is no optimizer of that name.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum NamedError {
    /// The library has none.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Unknown(#[from] UnknownOptimizer),
    /// The file cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Load(#[from] LoadError),
    /// The file is wrong.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Text(#[from] SourceError),
    /// The file holds claims alone.
    #[error("{} holds claims but no optimizer", .path.display())]
    #[diagnostic(help("`bea check` checks claims"))]
    Claims {
        /// The file.
        path: PathBuf,
    },
    /// The file holds several, or others.
    #[error("{} holds {}", .path.display(), holds(.wanted, .names))]
    #[diagnostic(help(
        "it holds {}; choose one as `{}:{}`", .names.join(", "), .path.display(), .names[0]
    ))]
    Choice {
        /// The file.
        path: PathBuf,
        /// Which one is asked for.
        wanted: Option<String>,
        /// Which there are.
        names: Vec<String>,
    },
}

fn holds(wanted: &Option<String>, names: &[String]) -> String {
    match wanted {
        Some(name) => format!("no optimizer `{name}`"),
        None => format!("{} optimizers", names.len()),
    }
}

/// The optimizer that `text` names: one of the library, or a file in or below `folder`, with `:NAME`
/// after it if it holds several; or the one that it defines, `optimizer mine { … }`.
///
/// # Errors
/// There is none, or the file is no such file.
pub fn named(text: &str, folder: &Path) -> Result<Named, NamedError> {
    let exists = || folder.join(text).exists();
    let file = text.rsplit_once(':').map_or(text, |(file, _)| file);
    // Every definition has a brace, no name of the library, and few files.
    if text.contains('{') && !exists() && !folder.join(file).exists() {
        return chosen(Source::new("definition", text), Path::new("the definition"), None);
    }
    let is_path = text.contains(['/', '\\']) || text.ends_with(".bea") || text.contains(".bea:");
    if !is_path {
        match find(text) {
            Ok(found) => return Ok(Named { optimizer: found.clone(), file: None }),
            Err(unknown) if !exists() => return Err(unknown.into()),
            Err(_) => {}
        }
    }
    match text.rsplit_once(':') {
        Some((path, name)) if !exists() => from_file(&folder.join(path), Some(name)),
        _ => from_file(&folder.join(text), None),
    }
}

fn from_file(path: &Path, wanted: Option<&str>) -> Result<Named, NamedError> {
    chosen(load(path)?, path, wanted)
}

/// The optimizer of a text, `wanted` if there are several.
fn chosen(source: Source, path: &Path, wanted: Option<&str>) -> Result<Named, NamedError> {
    let mut found = parse(&source)?;
    let position = match wanted {
        Some(name) => found.iter().position(|optimizer| optimizer.name == name),
        None => (found.len() == 1).then_some(0),
    };
    if let Some(position) = position {
        return Ok(Named { optimizer: found.swap_remove(position), file: Some(source) });
    }
    let path = path.to_path_buf();
    if found.is_empty() {
        return Err(NamedError::Claims { path });
    }
    let names = found.into_iter().map(|optimizer| optimizer.name).collect();
    Err(NamedError::Choice { path, wanted: wanted.map(String::from), names })
}
