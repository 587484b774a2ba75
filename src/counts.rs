//! Counts of evaluations, as JSON files hold them: an object with the number of each kind.

use bea_flow::objective::Counts;
use serde::{Deserialize, Serialize};

/// How many evaluations there were, by kind.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Counted(#[serde(with = "ByKind")] pub Counts);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Counts")]
struct ByKind {
    values: u64,
    gradients: u64,
    hessian_vectors: u64,
    hessians: u64,
    contractions: u64,
    modified_fields: u64,
}
