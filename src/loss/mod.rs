//! Losses: a formula as an expression graph, its derivatives, its evaluation.

mod function;
mod gradient;
mod graph;
mod jets;
mod number;
mod program;
mod roots;
mod simplify;

pub use function::Function;
pub use graph::{Condition, Expr, Graph, Node, Relation};
pub use jets::{Direction, Jets};
pub use number::Number;
pub use program::{Constant, Instruction, Program, Register};
