//! Flows from products with the Jacobian alone.

pub(in crate::flow) mod at_point;
pub(in crate::flow) mod cubic;
pub(in crate::flow) mod krylov;
pub(in crate::flow) mod products;
