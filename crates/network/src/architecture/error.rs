//! Why a text does not describe a network.

use bea_series::text::source::SourceError;

/// Why there is no such network.
#[derive(Clone, Debug, thiserror::Error, miette::Diagnostic)]
pub enum ArchitectureError {
    /// A mistake in a network file, shown in its place.
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] SourceError),
    /// A layer that does not fit what it is given.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Layer(#[from] LayerError),
    /// There is no architecture of this name.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Spec(#[from] SpecError),
}

/// There is no architecture of this name.
#[derive(Clone, Debug, thiserror::Error, miette::Diagnostic)]
#[error("{message}")]
pub struct SpecError {
    /// The name, and what is wrong with it.
    pub(super) message: String,
    #[help]
    pub(super) help: Option<String>,
}

/// A layer that does not fit what it is given.
#[derive(Clone, Debug, thiserror::Error, miette::Diagnostic)]
#[error("{message}")]
pub struct LayerError {
    /// Names the layer, what it takes and what it is given.
    pub(super) message: String,
    /// Its place in the text, if it has one.
    pub(super) span: Option<std::ops::Range<usize>>,
    #[help]
    pub(super) help: Option<String>,
}
