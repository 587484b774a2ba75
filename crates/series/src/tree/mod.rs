//! Rooted trees, the index set of every series in this crate.
//!
//! A rooted tree `τ = [τ1, …, τm]` is a root that carries the subtrees `τ1, …, τm`, whose order
//! does not matter; `• = []` is a single node. With several vector fields each node has a colour,
//! the index of the field that it stands for.
//!
//! Source: Hairer, Lubich, Wanner, *Geometric Numerical Integration*, section III.1.

mod cuts;
mod rooted;
mod table;

pub use cuts::{Cut, Cuts, Prunings};
pub use rooted::{MAX_DEPTH, ParseTreeError, Tree};
pub use table::{TreeId, TreeTable};
