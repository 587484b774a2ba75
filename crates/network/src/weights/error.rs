//! Why a file does not hold a network's weights.

use std::path::PathBuf;

/// What is wrong with a file of weights.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{}: {fault}", file.display())]
pub struct WeightsError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub fault: Box<Fault>,
    /// What would be right.
    #[help]
    pub help: Option<String>,
}

/// What is wrong with weights.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum Fault {
    /// The file cannot be read or written.
    #[error("{0}")]
    Io(String),
    /// It is no safetensors file, or only a part of one.
    #[error("this is no complete safetensors file ({0})")]
    Corrupt(String),
    /// The network has parameters that the file lacks.
    #[error("there is no tensor {}, which the network {network} has", listed(names))]
    Missing {
        /// The network.
        network: String,
        /// The parameters.
        names: Vec<String>,
    },
    /// It is an index of shards that cannot be followed.
    #[error("this is no index of safetensors files ({0})")]
    Index(String),
    /// A shard that an index names.
    #[error("its shard {name}: {fault}")]
    Shard {
        /// The shard.
        name: String,
        /// What is wrong with it.
        fault: Box<Fault>,
    },
    /// A variance among the running statistics is negative.
    #[error("`{tensor}` is {value} at {at}, but no variance is negative")]
    Variance {
        /// The tensor.
        tensor: String,
        /// The channel, from 0.
        at: usize,
        /// What stands there.
        value: f64,
    },
    /// The file has tensors that are no parameters of the network.
    #[error("the network {network} has no parameter {}", listed(names))]
    Extra {
        /// The network.
        network: String,
        /// The tensors.
        names: Vec<String>,
    },
    /// A tensor has another shape than the parameter.
    #[error("`{tensor}` is {found:?}, but layer {layer} of the network {network} takes {wanted:?}")]
    Shape {
        /// The tensor.
        tensor: String,
        /// Its layer.
        layer: String,
        /// The network.
        network: String,
        /// The tensor's shape.
        found: Vec<usize>,
        /// The parameter's.
        wanted: Vec<usize>,
    },
    /// A tensor holds something other than real numbers.
    #[error("`{tensor}` holds elements of type {found}")]
    Type {
        /// The tensor.
        tensor: String,
        /// The type of its elements.
        found: String,
    },
    /// A weight is infinite or not a number.
    #[error("`{tensor}` is {value} at {index:?}")]
    NotFinite {
        /// The tensor.
        tensor: String,
        /// The element.
        index: Vec<usize>,
        /// What stands there.
        value: f64,
    },
}

/// A fault, and what would be right.
pub(super) struct Helped {
    pub(super) fault: Box<Fault>,
    pub(super) help: Option<String>,
}

impl Helped {
    pub(super) fn new(fault: Fault, help: Option<String>) -> Helped {
        Helped { fault: Box::new(fault), help }
    }

    /// The same, of a shard.
    pub(super) fn of_shard(self, name: &str) -> Helped {
        let Helped { fault, help } = self;
        Helped::new(Fault::Shard { name: name.into(), fault }, help)
    }
}

/// The first names, and how many more there are.
fn listed(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(3).map(|name| format!("`{name}`")).collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
