#![doc = include_str!("../../docs/claims.md")]
//!
//! # In this module
//!
//! [`parse`] reads claims, [`Checker`] checks one, [`Document`] a file, [`shipped`] are the files
//! that come with the program.

mod check;
mod comparison;
mod compositions;
mod derivations;
mod differential;
mod document;
mod entrywise;
mod evaluate;
mod expansions;
mod functions;
mod holes;
mod indices;
mod notation;
mod of_optimizers;
mod operators;
mod parse;
mod print;
mod products;
mod scope;
mod shipped;
mod syntax;
mod terms;
mod value;

pub use check::{Checker, Difference, Verdict};
pub use document::{Document, Fault};
pub use parse::parse;
pub use shipped::shipped;
pub use syntax::Claim;
