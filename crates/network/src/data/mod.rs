//! Data sets: built-in tables, MNIST, Fashion-MNIST and CIFAR-10, and the user's files.
//!
//! [`open`] reads what a *specification* names, the argument of `--data` of every command:
//!
//! | specification | data |
//! |---|---|
//! | `iris`, `breast_cancer`, `digits` | built in |
//! | `mnist:FOLDER`, `fashion_mnist:FOLDER` | the IDX files of that folder, plain or `.gz` |
//! | `cifar10:FOLDER` | the binary version of CIFAR-10 |
//! | `gaussian:5x2` | 5 examples of 2 standard normal numbers, with a standard normal target each |
//! | `FILE.npz`, `FILE.safetensors` | the arrays `inputs` and `targets` of that file |
//! | `FILE.csv` | a table whose last column is the target |
//!
//! optionally followed by options, for example `mnist:FOLDER,split=test,first=1000`:
//!
//! | option | meaning |
//! |---|---|
//! | `seed=N` | other numbers of `gaussian` |
//! | `split=train\|test` | the part of MNIST, Fashion-MNIST or CIFAR-10, by default `train` |
//! | `skip=N`, `first=N` | leave out N examples, then keep only the first N |
//! | `scale=raw\|unit\|standard` | see [`Normalization`] |
//! | `target=NAME` | the column of a `.csv` that is the target |
//! | `targets=classes\|values` | read the targets as labels of classes, or as numbers |

mod arrays;
mod builtin;
mod checksum;
mod cifar;
mod csv;
mod dataset;
mod error;
mod file;
mod gaussian;
mod idx;
mod inputs;
pub mod known;
mod npz;
mod open;
mod safetensors;
mod specification;
mod summary;

pub use checksum::{Checked, ChecksumMatch};
pub use dataset::{Dataset, Targets};
pub use error::DataError;
pub use gaussian::Gaussian;
pub use inputs::{Inputs, Scaling, Values};
pub use open::open;
pub use specification::{Normalization, Source, Specification, Split, TargetKind};
pub use summary::{ClassCount, Statistics, Summary, TargetSummary};
