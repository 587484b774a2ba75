//! Formulas laid out, and the syntaxes that they are written in, one file each.
//!
//! A value ([`RationalFunction`](crate::exact::RationalFunction),
//! [`Expression`](crate::expression::Expression)) is laid out as [`Math`], and a [`Script`] writes that.

mod coefficient;
mod expression;
mod math;
mod script;
mod sentence;
mod width;

pub use coefficient::Coefficient;
pub use expression::{layout, zero};
pub use math::{Bracket, Index, Math};
pub use script::{Code, JsonTree, Latex, MathMl, Plain, Script, Typst, greek, letter, superscript};
pub use sentence::{Piece, Sentence};
