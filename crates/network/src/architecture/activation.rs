//! Functions of every number that a layer gives.

/// An activation of a network file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// `x` for `x > 0`, else `α (e^x - 1)`.
    Elu {
        /// `α`.
        alpha: f64,
    },
    /// `tanh x`.
    Tanh,
    /// `log(1 + e^x)`.
    Softplus,
    /// `1/(1 + e^{-x})`.
    Sigmoid,
    /// `x Φ(x)` with the normal distribution function `Φ`.
    Gelu,
    /// `x (1 + tanh(√(2/π) (x + 0.044715 x³)))/2`.
    GeluTanh,
    /// `max(x, 0)`, with derivative 0 at 0.
    Relu,
    /// `x` for `x > 0`, else `slope x`.
    LeakyRelu {
        /// Of the left branch.
        slope: f64,
    },
    /// `λ x` for `x > 0`, else `λ α (e^x - 1)`, with the `λ` and `α` of Klambauer et al., *Self-Normalizing Neural Networks*, 2017.
    Selu,
    /// `x/(1 + e^{-x})`.
    Silu,
    /// `x tanh(log(1 + e^x))`.
    Mish,
    /// `min(max(x + 3, 0), 6)/6`.
    Hardsigmoid,
    /// `x min(max(x + 3, 0), 6)/6`.
    Hardswish,
    /// `min(max(x, low), high)`.
    Hardtanh {
        /// The smallest value.
        low: f64,
        /// The largest value.
        high: f64,
    },
    /// `x/(1 + |x|)`.
    Softsign,
    /// `-log(1 + e^{-x})`.
    LogSigmoid,
    /// `sin x`.
    Sin,
}

/// The activations with their usual parameters and their names; the first name of each is the one that is shown.
pub(super) const ACTIVATIONS: [(&str, Activation); 21] = [
    ("elu", Activation::Elu { alpha: 1.0 }),
    ("tanh", Activation::Tanh),
    ("softplus", Activation::Softplus),
    ("sigmoid", Activation::Sigmoid),
    ("gelu", Activation::Gelu),
    ("relu", Activation::Relu),
    ("gelu_tanh", Activation::GeluTanh),
    ("leaky_relu", Activation::LeakyRelu { slope: 0.01 }),
    ("selu", Activation::Selu),
    ("silu", Activation::Silu),
    ("mish", Activation::Mish),
    ("hardsigmoid", Activation::Hardsigmoid),
    ("hardswish", Activation::Hardswish),
    ("hardtanh", Activation::Hardtanh { low: -1.0, high: 1.0 }),
    ("relu6", Activation::Hardtanh { low: 0.0, high: 6.0 }),
    ("softsign", Activation::Softsign),
    ("log_sigmoid", Activation::LogSigmoid),
    ("sin", Activation::Sin),
    ("swish", Activation::Silu),
    ("hard_swish", Activation::Hardswish),
    ("hard_sigmoid", Activation::Hardsigmoid),
];

impl Activation {
    /// Its name in a network file.
    pub(super) fn word(self) -> &'static str {
        let same =
            |other: &Activation| std::mem::discriminant(other) == std::mem::discriminant(&self);
        let exactly = ACTIVATIONS.iter().find(|(_, other)| *other == self);
        let found = exactly.or_else(|| ACTIVATIONS.iter().find(|(_, other)| same(other)));
        found.map_or("", |(name, _)| name)
    }
}
