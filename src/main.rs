//! The `bea` command.
fn main() {}
