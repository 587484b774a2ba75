//! Neural networks: the data that they are fitted to.

pub mod data;
