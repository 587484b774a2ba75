//! The optimizer as it is iterated: its step with numbers for its coefficients, implicit stages, and the slow manifold.

pub(in crate::flow) mod coordinates;
mod entries;
pub(in crate::flow) mod fixed_point;
pub(in crate::flow) mod frozen;
pub(in crate::flow) mod implicit;
pub(in crate::flow) mod kink;
mod matrices;
pub(in crate::flow) mod method;
pub(in crate::flow) mod newton;
pub(in crate::flow) mod nonlinear;
mod plan;
pub(in crate::flow) mod program;
mod run;
pub(in crate::flow) mod slow_manifold;
pub(in crate::flow) mod stepper;
