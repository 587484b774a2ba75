//! Branches of logarithms and of principal roots, continued along a trajectory.

pub mod alpha;
pub(in crate::flow) mod assignment;
pub(in crate::flow) mod continuation;
pub(in crate::flow) mod principal_root;
pub(in crate::flow) mod sheet;
