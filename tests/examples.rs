//! The examples run to their ends: what they claim is asserted in them.

#[path = "../examples/custom_optimizer.rs"]
mod custom_optimizer;
#[path = "../examples/derive.rs"]
mod derive;
#[path = "../examples/own_objective.rs"]
mod own_objective;

#[test]
fn an_optimizer_of_ones_own() {
    custom_optimizer::main().unwrap();
}

#[test]
fn a_derivation() {
    derive::main().unwrap();
}

#[test]
fn an_objective_of_ones_own() {
    own_objective::main().unwrap();
}
