//! Flows of finitely many terms, `h^n` the last.

pub(in crate::flow) mod by_jets;
pub(in crate::flow) mod by_step;
pub(in crate::flow) mod contracted;
pub(in crate::flow) mod formula;
pub(in crate::flow) mod interpolated;
pub(in crate::flow) mod kinked;
