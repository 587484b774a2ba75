//! Why a nonlinear step has no modified field.

use super::program::NodeId;

/// Why a nonlinear step has no modified field.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TypedError {
    /// With `h = 0` the state grows without bound, or keeps any value.
    #[error("the buffer `{name}` has no constant part: with `h = 0` it does not settle")]
    Unsettled {
        /// The index of the state.
        state: usize,
        /// Its name.
        name: String,
    },
    /// With `h = 0` a coordinate moves.
    #[error("the step is not consistent: with `h = 0`, `{name}'` differs from `{name}`")]
    Inconsistent {
        /// The index of the state.
        state: usize,
        /// Its name.
        name: String,
    },
    /// The recurrence of a state is not linear in the state.
    #[error("the new value of `{name}` is not linear in `{name}`")]
    SelfReference {
        /// The index of the state.
        state: usize,
        /// Its name.
        name: String,
    },
    /// A state is multiplied by something that is no number of the parameters.
    #[error("`{name}` is multiplied by something that depends on the gradient")]
    Coefficient {
        /// The index of the state.
        state: usize,
        /// Its name.
        name: String,
    },
    /// The constant part of a root's or quotient's argument, of a logarithm's or of a norm, is 0.
    #[error("{what} is 0 where `h` is 0")]
    Vanishing {
        /// The operation.
        node: NodeId,
        /// Its argument.
        argument: NodeId,
        /// What vanishes.
        what: &'static str,
    },
    /// The constant part lies on a kink.
    #[error("the argument has a kink where `h` is 0")]
    Kink {
        /// The operation.
        node: NodeId,
        /// Its argument.
        argument: NodeId,
    },
    /// A field is evaluated away from the parameters.
    #[error("the field is evaluated at a point that differs from `theta` where `h` is 0")]
    Point {
        /// The point.
        point: NodeId,
    },
}
