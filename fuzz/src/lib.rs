//! The targets of `cargo fuzz`.

mod targets;

pub use targets::{TARGETS, Target, folder};

/// Runs the target of this name on an input.
///
/// # Panics
/// There is none.
pub fn run(name: &str, input: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("a target of this name").run)(input);
}
