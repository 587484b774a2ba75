//! The `bea` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    bea::cli::main()
}
