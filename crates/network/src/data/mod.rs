//! Data sets: built-in tables, MNIST, Fashion-MNIST and CIFAR-10, and the user's files.
//!
//! [`open`] reads what a *specification* names, the argument of `--data` of every command:
//!
//! | specification | data |
//! |---|---|
//! | `iris`, `breast_cancer`, `digits` | built in |
//! | `mnist:FOLDER`, `fashion_mnist:FOLDER` | the IDX files of that folder, plain or `.gz` |
//! | `cifar10:FOLDER` | CIFAR-10, its binary version or the one for Python |
//! | `gaussian:5x2` | 5 examples of 2 standard normal numbers, with a standard normal target each |
//! | `FILE.npz`, `FILE.safetensors` | the arrays `inputs` and `targets` of that file |
//! | `FILE.csv`, `FILE.tsv` | a table whose last column is the target |
//!
//! optionally followed by options, for example `mnist:FOLDER,split=test,first=1000`:
//!
//! | option | meaning |
//! |---|---|
//! | `seed=N` | other numbers of `gaussian` |
//! | `split=train\|test` | the part of MNIST, Fashion-MNIST or CIFAR-10, by default `train` |
//! | `skip=N`, `first=N` | leave out N examples, then keep only the first N |
//! | `scale=raw\|unit\|standard` | see [`Normalization`] |
//! | `target=NAME` | the column of a `.csv`, or the array, that is the target |
//! | `inputs=NAME` | the array of the inputs |
//! | `layout=nchw\|nhwc` | where the channels of images are; see [`Layout`] |
//! | `labels=0\|1` | the number of the first class |
//! | `separator=;\|tab\|bar\|comma` | what separates the cells of a table |
//! | `header=yes\|no` | whether the first line of a table names its columns |
//! | `index=drop\|keep` | whether the first column of a table is left out |
//! | `targets=classes\|values` | read the targets as labels of classes, or as numbers |

mod arrays;
mod builtin;
mod checksum;
mod cifar;
mod columns;
mod csv;
mod dataset;
mod error;
mod file;
mod gaussian;
mod idx;
mod inputs;
pub mod known;
mod layout;
mod moments;
mod npz;
mod open;
mod pickle;
mod remark;
mod safetensors;
mod separator;
mod specification;
mod summary;

pub use checksum::{Checked, ChecksumMatch};
pub use dataset::{Dataset, Targets};
pub use error::DataError;
pub use gaussian::Gaussian;
pub use inputs::{Inputs, Scaling, Values};
pub use layout::Layout;
pub use open::open;
pub use remark::Remark;
pub use specification::{Normalization, Source, Specification, Split, TargetKind, located};
pub use summary::{ClassCount, Statistics, Summary, TargetSummary};
