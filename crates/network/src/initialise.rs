//! Initial parameters.
//!
//! Every parameter array has a random stream of its own, and is drawn in binary64. So the start depends only on scheme,
//! seed, names and shapes: not on the device, the machine, the precision, or the order of the layers.

use super::architecture::{Architecture, Parameter, Role};
use bea_flow::random::Stream;
use bea_series::text::near;

/// A rule for the initial parameters.
///
/// A weight `[outputs, inputs]` has `fan_in = inputs` and `fan_out = outputs`; a convolution's `[outputs, inputs, h, w]`
/// has `h w` times as much; transposed, `[inputs, outputs, h, w]`, it is counted in the same way, as PyTorch does. The matrices of
/// recurrent layers are one for each gate. Biases are zero unless said otherwise. Always: norms scale by one and shift by zero,
/// embeddings are normal with deviation 1 (as `nn.Embedding`), positions normal with deviation 0.02.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// PyTorch's own: weights and biases uniform within `±1/√fan_in`; an attention's joint weight by
    /// [`Scheme::GlorotUniform`] of the whole, its biases zero; all of a recurrent layer within `±1/√hidden`.
    PyTorch,
    /// Haiku's own: normal of deviation `1/√fan_in`, what lies beyond two deviations drawn again.
    Haiku,
    /// Normal with variance 1, for networks whose layers are scaled by `1/√fan_in` (Jacot, Gabriel and Hongler, *Neural Tangent
    /// Kernel*, 2018).
    Standard,
    /// Uniform within `±√(6/(fan_in + fan_out))` (Glorot and Bengio 2010).
    GlorotUniform,
    /// Normal with variance `2/(fan_in + fan_out)`.
    GlorotNormal,
    /// Uniform within `±√(6/fan_in)` (He et al. 2015).
    HeUniform,
    /// Normal with variance `2/fan_in`.
    HeNormal,
    /// Uniform within `±√(3/fan_in)` (LeCun et al. 1998).
    LecunUniform,
    /// Normal with variance `1/fan_in`.
    LecunNormal,
}

/// Names of schemes; the first of each is the one that is shown.
const NAMES: [(&str, Scheme); 13] = [
    ("pytorch", Scheme::PyTorch),
    ("haiku", Scheme::Haiku),
    ("standard", Scheme::Standard),
    ("glorot_uniform", Scheme::GlorotUniform),
    ("glorot_normal", Scheme::GlorotNormal),
    ("he_uniform", Scheme::HeUniform),
    ("he_normal", Scheme::HeNormal),
    ("lecun_uniform", Scheme::LecunUniform),
    ("lecun_normal", Scheme::LecunNormal),
    ("xavier_uniform", Scheme::GlorotUniform),
    ("xavier_normal", Scheme::GlorotNormal),
    ("kaiming_uniform", Scheme::HeUniform),
    ("kaiming_normal", Scheme::HeNormal),
];

/// There is no scheme of this name.
#[derive(Clone, Debug, thiserror::Error, miette::Diagnostic)]
#[error("there is no initialisation `{name}`")]
pub struct UnknownScheme {
    name: String,
    #[help]
    help: Option<String>,
}

impl Scheme {
    /// The names of all schemes.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }
}

impl std::str::FromStr for Scheme {
    type Err = UnknownScheme;

    fn from_str(name: &str) -> Result<Scheme, UnknownScheme> {
        let found = NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, scheme)| *scheme).ok_or_else(|| UnknownScheme {
            name: name.into(),
            help: near::advice(name, &NAMES.map(|(known, _)| known)),
        })
    }
}

/// The initial parameters of `network`, as one flat vector.
///
/// ```
/// use bea_network::architecture::{Architecture, Dtype, Criterion};
/// use bea_network::initialise::{Scheme, initialise};
/// let criterion = Criterion::CrossEntropy { smoothing: 0.0 };
/// let network = Architecture::find("mlp:5", &[4], 3, criterion, Dtype::F64).unwrap();
/// let theta = initialise(&network, Scheme::PyTorch, 1);
/// assert_eq!(theta.len(), network.len());
/// assert!(theta.iter().all(|value| value.abs() <= 0.5)); // 1/√fan_in
/// ```
pub fn initialise(network: &Architecture, scheme: Scheme, seed: u64) -> Vec<f64> {
    let mut theta = vec![0.0; network.len()];
    for parameter in &network.parameters {
        let law = law(parameter, scheme);
        let mut stream = Stream::new(seed, &parameter.name);
        theta[parameter.range()].fill_with(|| draw(&mut stream, law));
    }
    theta
}

/// A distribution; all but the first are symmetric about zero.
#[derive(Clone, Copy, Debug)]
enum Law {
    Constant(f64),
    /// Between `±` this.
    Uniform(f64),
    /// Of this standard deviation.
    Normal(f64),
    /// Of this standard deviation before values beyond two deviations are drawn again.
    Truncated(f64),
}

fn law(parameter: &Parameter, scheme: Scheme) -> Law {
    let fans = |shape: &[usize]| {
        let window: usize = shape[2..].iter().product();
        ((shape[1] * window) as f64, (shape[0] * window) as f64)
    };
    let (fan_in, fan_out) = match (parameter.role, scheme) {
        (Role::Weight, _) | (Role::Projection, Scheme::PyTorch) => fans(&parameter.shape),
        // Three matrices in one.
        (Role::Projection, _) => (parameter.shape[1] as f64, parameter.shape[1] as f64),
        (Role::Recurrent { hidden }, Scheme::PyTorch) => {
            return Law::Uniform(1.0 / (hidden as f64).sqrt());
        }
        // One matrix for each gate.
        (Role::Recurrent { hidden }, _) if parameter.shape.len() == 2 => {
            (parameter.shape[1] as f64, hidden as f64)
        }
        (Role::Bias { fan_in }, Scheme::PyTorch) => {
            return Law::Uniform(1.0 / (fan_in as f64).sqrt());
        }
        (Role::Bias { .. } | Role::Recurrent { .. } | Role::Zeros | Role::Given, _) => {
            return Law::Constant(0.0);
        }
        (Role::Ones, _) => return Law::Constant(1.0),
        (Role::Embedding, _) => return Law::Normal(1.0),
        (Role::Position, _) => return Law::Normal(0.02),
    };
    match scheme {
        Scheme::PyTorch if parameter.role == Role::Projection => {
            Law::Uniform((6.0 / (fan_in + fan_out)).sqrt())
        }
        Scheme::PyTorch => Law::Uniform(1.0 / fan_in.sqrt()),
        Scheme::Standard => Law::Normal(1.0),
        Scheme::Haiku => Law::Truncated(1.0 / fan_in.sqrt()),
        Scheme::GlorotUniform => Law::Uniform((6.0 / (fan_in + fan_out)).sqrt()),
        Scheme::GlorotNormal => Law::Normal((2.0 / (fan_in + fan_out)).sqrt()),
        Scheme::HeUniform => Law::Uniform((6.0 / fan_in).sqrt()),
        Scheme::HeNormal => Law::Normal((2.0 / fan_in).sqrt()),
        Scheme::LecunUniform => Law::Uniform((3.0 / fan_in).sqrt()),
        Scheme::LecunNormal => Law::Normal((1.0 / fan_in).sqrt()),
    }
}

fn draw(stream: &mut Stream, law: Law) -> f64 {
    match law {
        Law::Constant(value) => value,
        Law::Uniform(bound) => (2.0 * stream.uniform() - 1.0) * bound,
        Law::Normal(deviation) => stream.normal() * deviation,
        Law::Truncated(deviation) => loop {
            let value = stream.normal();
            if value.abs() <= 2.0 {
                return value * deviation;
            }
        },
    }
}
