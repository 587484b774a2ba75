//! Texts that people write, and files that are read and written: what every language of the toolkit stands on.

pub mod file;
pub mod near;
pub mod number;
pub mod source;
pub mod syntax;
pub mod table;

mod comment;

pub use comment::comment_above;
