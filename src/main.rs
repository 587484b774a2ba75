//! The `bea` command.

mod out_of_memory;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: out_of_memory::Allocator = out_of_memory::Allocator;

fn main() -> ExitCode {
    bea::cli::main()
}
