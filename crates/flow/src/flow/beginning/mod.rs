//! Where a flow begins beside an optimizer whose buffers do not start settled.
//!
//! After the transient the iterates follow the modified flow from the effective start `θ̂_0`, not from `θ_0`: see
//! [`bea_series::series::Start`]. The flow to order `n` begins at its series to order `n`, the principal flow at its
//! closed form, and where there is neither, the optimizer is iterated until its buffers have settled, and the flow
//! followed back from there.

mod principal;
mod series;
pub(super) mod settled;

use super::name::OwnTerms;
use super::setup::Setup;
use super::trajectory::{Beginning, FlowsFrom};
use super::{Buffers, FlowName, SimulateError, Stop};
use crate::objective::ObjectiveError;
use bea_series::optimizer::Step;
use bea_series::series::Start;
use num_complex::Complex64;

/// Why a closed form gives no effective start.
enum NoStart {
    /// There is none: it has to be found numerically.
    NoForm,
    /// The flow begins at the start itself, for this reason.
    Unsettled(String),
    /// Nothing can be simulated.
    Failed(SimulateError),
}

impl From<SimulateError> for NoStart {
    fn from(error: SimulateError) -> NoStart {
        NoStart::Failed(error)
    }
}

impl From<Stop> for NoStart {
    fn from(stop: Stop) -> NoStart {
        match stop.failure() {
            Some(error) => NoStart::Failed(SimulateError::Objective(error.clone())),
            None => NoStart::Unsettled(stop.to_string()),
        }
    }
}

impl From<ObjectiveError> for NoStart {
    fn from(error: ObjectiveError) -> NoStart {
        Stop::from(error).into()
    }
}

type Found<T> = Result<T, NoStart>;

impl Setup<'_> {
    /// Where a flow begins beside the optimizer that starts at `θ`, and how that was found; `None` where the optimizer has
    /// to settle first.
    pub(super) fn beginning(
        &self,
        flow: FlowName,
        theta: &[Complex64],
    ) -> Result<Option<(Vec<Complex64>, Beginning)>, SimulateError> {
        let request = self.request;
        let from_start = request.flows_from == FlowsFrom::Start
            || request.buffers != Buffers::Written
            || !self.step.starts_beside_manifold();
        let Some(own) = flow.own_terms().filter(|own| !from_start && own.move_the_start()) else {
            return Ok(Some((self.point(flow, theta), Beginning::Start)));
        };
        // Nonlinear steps have no closed form.
        let Step::Linear(program) = &self.step else { return Ok(None) };
        let Ok(start) = program.start() else { return Ok(None) };
        if start.is_at_parameters() {
            return Ok(Some((theta.to_vec(), Beginning::Start)));
        }
        match self.by_closed_form(flow, own, &start, theta) {
            Ok((change, beginning)) => {
                let moved = theta.iter().zip(change).map(|(x, change)| x + change).collect();
                Ok(Some((moved, beginning)))
            }
            Err(NoStart::NoForm) => Ok(None),
            Err(NoStart::Unsettled(reason)) => {
                Ok(Some((theta.to_vec(), Beginning::Unsettled(reason))))
            }
            Err(NoStart::Failed(error)) => Err(error),
        }
    }

    /// `θ̂_0 - θ_0`.
    fn by_closed_form(
        &self,
        flow: FlowName,
        own: OwnTerms,
        start: &Start,
        theta: &[Complex64],
    ) -> Found<(Vec<Complex64>, Beginning)> {
        let (mut change, beginning) =
            self.series_change(start, theta, own.order, !own.principal)?;
        if own.principal {
            let principal = self.principal_change(flow, start, theta)?;
            change.iter_mut().zip(principal).for_each(|(sum, x)| *sum += x);
        }
        Ok((change, beginning))
    }
}
