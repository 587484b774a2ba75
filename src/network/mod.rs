//! Networks: what they are made of, their weights, and how these start.

pub mod architecture;
pub mod function;
