//! What the languages of optimizers, claims, losses and experiments share: source texts and the errors in them,
//! numbers, names, tables of TOML, and files.

pub mod file;
pub mod near;
pub mod number;
pub mod pasted;
pub mod source;
pub mod syntax;
pub mod table;

mod comment;

pub use comment::comment_above;
