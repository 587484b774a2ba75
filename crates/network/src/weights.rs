//! Weights in and out: safetensors files with PyTorch's names and layouts.
//!
//! In memory the parameters are one flat vector, in the order of
//! [`Layout::parameters`](crate::architecture::Layout::parameters). In a file each is a tensor of its own, so that
//! `safetensors.torch.save_file(network.state_dict(), "weights.safetensors")` writes what [`load`] reads. A direction in
//! parameter space is a file of the same kind.

mod constants;
mod error;
mod names;
mod read;
mod statistics;
mod stored;
mod vectors;
mod write;

pub(crate) use constants::{Declared, PREFIX, load_with_constants};
pub use error::{Fault, WeightsError};
pub use read::{load, load_complex};
pub use statistics::{StatisticsRemark, load_statistics, statistics, unused_statistics};
pub use vectors::{is_complex, load_vectors, stacked};
pub use write::encoded;
pub use write::{Tensor, save, save_with, tensors};

#[cfg(doc)]
use super::architecture::Architecture;
