//! Losses: a formula as an expression graph, its derivatives, its evaluation.

mod bivariate;
mod coefficient;
mod compiled;
pub mod data;
mod differential;
mod function;
mod gradient;
mod graph;
mod import;
mod jets;
#[cfg(feature = "jit")]
mod jit;
mod language;
mod library;
mod modified_field;
mod number;
mod print;
mod program;
mod rounding;
mod simplify;
mod typed_field;
mod undefined;
mod wide;

pub use bivariate::Bivariate;
pub use compiled::Compiled;
pub use differential::{ElementaryDifferentials, VectorFields, elementary_differential};
pub use function::Function;
pub use graph::{Condition, Expr, Graph, Node, Relation};
pub use jets::{Direction, Jets};
pub use language::{Loss, MAX_VARIABLES, Partial, named, names_in, point, split_top_level};
pub use library::{LibraryError, UnknownLoss, find, library};
pub use modified_field::{modified_field, modified_field_of, non_principal_field};
pub use number::Number;
pub(crate) use number::quotient;
pub use print::{Printer, Style};
pub use program::{Constant, Instruction, Program, Register};
pub(crate) use rounding::Bounded;
pub use typed_field::typed_field;
pub use undefined::{undefined_part, values_at};
pub use wide::Wide;
