//! The modified field of an optimizer at a point by jets in two variables: all trees at once.
//!
//! With the step size `h` and the time `s = νh` the iterates are one function `θ(h, s)`, and the modified field is
//! `f̃ = ∂_s θ(h, 0)`. Its part of degree `k` follows from the fields of the stages to degree `k - 1`, by the method's
//! recurrence in `ν`; those are one evaluation of `∇E` over the algebra `ℝ[h, s]`. Implicit stages need no equations to be
//! solved: every evaluation of a field brings one degree more.

pub(in crate::flow) mod at_point;
mod blocks;
mod matrices;
mod recurrence;
mod run;
mod step;
mod valuations;
pub(in crate::flow) mod vectors;

pub use at_point::JetField;
pub use step::{JetError, JetSource, StepField};
