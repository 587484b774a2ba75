//! The losses that come with the program: the files of `losses/`.

use super::language::{Loss, named, names_in};
use crate::optimizer::near;
use crate::source::{Source, SourceError};
use std::collections::BTreeMap;

const FILES: &[(&str, &str)] = &[
    ("losses/test_functions.bea", include_str!("../../losses/test_functions.bea")),
    ("losses/quadratics.bea", include_str!("../../losses/quadratics.bea")),
    ("losses/networks.bea", include_str!("../../losses/networks.bea")),
    ("losses/regression.bea", include_str!("../../losses/regression.bea")),
];

/// There is no loss of this name in the library.
#[derive(Clone, Debug, thiserror::Error, miette::Diagnostic)]
#[error("there is no loss `{name}`")]
pub struct UnknownLoss {
    name: String,
    #[help]
    help: Option<String>,
}

/// Why a loss of the library cannot be had.
#[derive(Clone, Debug, thiserror::Error, miette::Diagnostic)]
pub enum LibraryError {
    /// No such name.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Unknown(#[from] UnknownLoss),
    /// A setting does not fit.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Setting(#[from] SourceError),
}

/// Every loss of the library: its name, and the comment above its definition.
pub fn library() -> Vec<(String, String)> {
    let files = FILES.iter().map(|(name, text)| Source::new(*name, *text));
    files.flat_map(|source| names_in(&source).expect("a test parses them all")).collect()
}

/// A loss of the library, its parameters set to `settings`.
///
/// # Errors
/// No loss of this name; a setting that does not fit.
pub fn find(name: &str, settings: &BTreeMap<String, String>) -> Result<Loss, LibraryError> {
    for (file, text) in FILES {
        if let Some(loss) = named(&Source::new(*file, *text), name, settings)? {
            return Ok(loss);
        }
    }
    let known = library();
    let known: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
    Err(UnknownLoss { name: name.into(), help: near::advice(name, &known) }.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_loss_is_least_where_it_says() {
        for (name, doc) in library() {
            assert!(!doc.is_empty(), "{name} has no comment");
            let loss = find(&name, &BTreeMap::new()).unwrap_or_else(|e| panic!("{name}: {e:?}"));
            assert!(loss.value(&loss.start.clone().expect("a start")).is_finite(), "{name}");
            let variables: Vec<u32> = (0..loss.variables.len() as u32).collect();
            let (mut graph, expression) = loss.clone().into_parts();
            let gradient = graph.gradient(expression, &variables);
            let program = super::super::Program::new(&graph, variables.len(), &gradient);
            for minimum in &loss.minima {
                let mut slope = vec![0.0; variables.len()];
                program.evaluate(minimum, &mut slope, &mut Vec::new());
                assert!(slope.iter().all(|s| s.abs() < 1e-3), "{name} at {minimum:?}: {slope:?}");
            }
        }
    }
}
