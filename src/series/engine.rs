//! The modified field of a general linear method, tree by tree.

use super::{GeneralLinearMethod, MethodError};
use crate::exact::RationalFunction;
use crate::tree::{TreeId, TreeTable};
use std::sync::Arc;

/// The modified field `f̃ = Σ_τ h^(|τ|-1) b(τ)/σ(τ) F(τ)` of a method on a set of trees.
pub struct ModifiedField {
    trees: Arc<TreeTable>,
}

impl ModifiedField {
    /// The trees.
    pub fn trees(&self) -> &Arc<TreeTable> {
        &self.trees
    }

    /// The weight `b(τ)`. If the method keeps `h` as a parameter, `b` contains it and the
    /// coefficient of `F(τ)/σ(τ)` in the field is `b(τ)/h`; otherwise it is `h^(|τ|-1) b(τ)`.
    pub fn b(&self, tree: TreeId) -> RationalFunction {
        let _ = tree;
        todo!()
    }
}

/// Derives the modified field of `method` on `trees`.
///
/// # Errors
/// If the method has no modified field, see [`MethodError`].
pub fn derive(
    method: &GeneralLinearMethod,
    trees: Arc<TreeTable>,
) -> Result<ModifiedField, MethodError> {
    let _ = method;
    Ok(ModifiedField { trees })
}
