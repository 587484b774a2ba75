//! Losses: a formula as an expression graph, its derivatives, its evaluation.

mod coefficient;
mod compiled;
mod differential;
mod function;
mod gradient;
mod graph;
mod jets;
mod jit;
mod modified_field;
mod number;
mod program;
mod roots;
mod simplify;

pub use compiled::Compiled;
pub use differential::{ElementaryDifferentials, VectorFields, elementary_differential};
pub use function::Function;
pub use graph::{Condition, Expr, Graph, Node, Relation};
pub use jets::{Direction, Jets};
pub use modified_field::modified_field;
pub use number::Number;
pub use program::{Constant, Instruction, Program, Register};
