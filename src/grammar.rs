//! The grammar of `.bea` files: optimizers and claims.

/// Generated from `grammar/optimizer.pest` and `grammar/claim.pest`.
#[derive(pest_derive::Parser)]
#[grammar = "../grammar/optimizer.pest"]
#[grammar = "../grammar/claim.pest"]
pub(crate) struct BeaParser;
