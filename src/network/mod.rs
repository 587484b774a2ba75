//! Neural networks with exact derivatives of every order, at real and complex parameters.
#![allow(dead_code)]

pub mod algebra;
mod array;
pub mod data;
pub mod function;
mod lanes;
mod series;
mod tape;
