//! Classic Runge-Kutta tableaux, as their authors give them.

// Each test file uses some of them.
#![allow(dead_code)]

use bea::exact::Scalar;
use bea::series::Tableau;
use num_rational::BigRational;

/// A tableau from its rows `a` and its weights `b`, numbers separated by blanks.
pub fn tableau<S: Scalar>(a: &[&str], b: &str) -> Tableau<S> {
    let row = |text: &str| {
        text.split_whitespace().map(|x| S::rational(x.parse::<BigRational>().unwrap())).collect()
    };
    Tableau::new(a.iter().map(|text| row(text)).collect(), row(b)).unwrap()
}

pub fn euler<S: Scalar>() -> Tableau<S> {
    tableau(&["0"], "1")
}

pub fn implicit_euler<S: Scalar>() -> Tableau<S> {
    tableau(&["1"], "1")
}

pub fn midpoint<S: Scalar>() -> Tableau<S> {
    tableau(&["0 0", "1/2 0"], "0 1")
}

pub fn heun<S: Scalar>() -> Tableau<S> {
    tableau(&["0 0", "1 0"], "1/2 1/2")
}

pub fn ralston<S: Scalar>() -> Tableau<S> {
    tableau(&["0 0", "2/3 0"], "1/4 3/4")
}

pub fn kutta3<S: Scalar>() -> Tableau<S> {
    tableau(&["0 0 0", "1/2 0 0", "-1 2 0"], "1/6 2/3 1/6")
}

pub fn rk4<S: Scalar>() -> Tableau<S> {
    tableau(&["0 0 0 0", "1/2 0 0 0", "0 1/2 0 0", "0 0 1 0"], "1/6 1/3 1/3 1/6")
}

pub fn implicit_midpoint<S: Scalar>() -> Tableau<S> {
    tableau(&["1/2"], "1")
}

pub fn trapezoidal<S: Scalar>() -> Tableau<S> {
    tableau(&["0 0", "1/2 1/2"], "1/2 1/2")
}

/// Lobatto IIIB with two stages; with the trapezoidal rule (IIIA) it is the Störmer-Verlet method.
pub fn lobatto_3b<S: Scalar>() -> Tableau<S> {
    tableau(&["1/2 0", "1/2 0"], "1/2 1/2")
}

/// Every tableau of this list, by name.
pub fn all<S: Scalar>() -> Vec<(&'static str, Tableau<S>)> {
    vec![
        ("Euler", euler()),
        ("implicit Euler", implicit_euler()),
        ("midpoint", midpoint()),
        ("Heun", heun()),
        ("Ralston", ralston()),
        ("Kutta 3", kutta3()),
        ("RK4", rk4()),
        ("implicit midpoint", implicit_midpoint()),
        ("trapezoidal", trapezoidal()),
        ("Lobatto IIIB", lobatto_3b()),
    ]
}
