//! The activation functions of networks.

/// The activation functions a network may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// `x` for `x > 0`, else `e^x - 1`.
    Elu,
    /// `tanh x`.
    Tanh,
    /// `log(1 + e^x)`.
    Softplus,
    /// `1/(1 + e^{-x})`.
    Sigmoid,
    /// `x Φ(x)` with the normal distribution function `Φ` (the exact form, not the tanh approximation).
    Gelu,
    /// `max(x, 0)`, with derivative 0 at 0.
    Relu,
}
