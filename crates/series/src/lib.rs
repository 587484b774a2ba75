//! The symbolic half of [bea](https://docs.rs/bea): rooted trees, B-series, optimizers as recurrences in the step
//! number, their modified fields, and published formulas checked against them. Everything here is exact.
//!
//! Imports point upwards in this list.
//!
//! - [`text`]: sources and faults in them, grammars, tables of TOML, numbers, near names, files
//! - [`exact`]: polynomials and rational functions in the parameters
//! - [`expression`]: scalar functions as values, and their power series
//! - [`formula`]: formulas laid out, and the syntaxes that they are written in
//! - [`tree`]: rooted trees, and tables of all of them
//! - [`series`]: weights on trees as polynomials in the step number; the algebra of B-series
//! - [`typed`]: nonlinear steps as programs, and their modified fields
//! - [`optimizer`]: the optimizer language and its library
//! - [`field`]: the modified field as terms, its principal part in closed form, modified losses
//! - [`claim`]: published formulas, checked
//! - [`render`]: one file an output format
//! - [`derivation`]: what is asked of a derivation, checked before it begins

pub mod claim;
pub mod derivation;
pub mod exact;
pub mod expression;
pub mod field;
pub mod formula;
mod grammar;
pub mod optimizer;
pub mod render;
pub mod series;
pub mod text;
pub mod tree;
pub mod typed;

pub use text::source;
