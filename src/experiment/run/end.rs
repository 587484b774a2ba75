//! How a run ends.

use std::fmt;

/// How a run ended.
#[derive(Clone, PartialEq, Debug)]
pub enum End {
    /// After its last step.
    Finished,
    /// Something was no longer finite.
    Diverged {
        /// The step.
        step: usize,
        /// Which quantity.
        quantity: &'static str,
    },
}

impl fmt::Display for End {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Finished => write!(out, "finished"),
            End::Diverged { step, quantity } => {
                write!(out, "diverged: {quantity} is no longer finite at step {step}")
            }
        }
    }
}
