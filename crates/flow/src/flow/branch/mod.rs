//! Branches of logarithms and of principal roots, continued along a trajectory.

pub mod alpha;
pub(in crate::flow) mod logarithms;
pub(in crate::flow) mod principal_root;
pub(in crate::flow) mod sheets;
