//! The modified field as a sum of terms.

mod closed_form;
mod modified_loss;
mod power_series;
mod principal;
mod words;

pub use closed_form::ClosedForm;
pub use modified_loss::{Potential, free_trees, potential};
pub use principal::PrincipalPart;
