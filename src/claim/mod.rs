//! The claim language.

mod check;
mod derivations;
mod differential;
mod evaluate;
mod functions;
mod notation;
mod parse;
mod power_series;
mod print;
mod scope;
mod syntax;
mod value;

pub use check::{Checker, Difference, Verdict};
pub use parse::parse;
pub use syntax::Claim;
