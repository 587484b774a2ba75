//! Flows that are functions of an assembled Jacobian.

pub(in crate::flow) mod cubic;
pub(in crate::flow) mod decomposition;
pub(in crate::flow) mod generating;
pub(in crate::flow) mod principal;
