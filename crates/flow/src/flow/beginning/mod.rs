//! Where a flow begins beside an optimizer whose buffers do not start settled.
//!
//! After the transient the iterates follow the modified flow from the effective start `θ̂_0`, not from `θ_0`: see
//! [`bea_series::series::Start`]. The flow to order `n` begins at its series to order `n`, the principal flow at its
//! closed form, and where there is neither, the optimizer is iterated until its buffers have settled, and the flow
//! followed back from there.

mod principal;
mod series;
mod settled;

use super::setup::Setup;
use super::trajectory::{Beginning, FlowsFrom};
use super::{Buffers, FlowName, SimulateError, Stop, Watch};
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
    /// Where a flow begins beside the optimizer that starts at `θ`, and how that was found.
    pub(super) fn beginning(
        &self,
        flow: FlowName,
        theta: &[Complex64],
        watch: &dyn Watch,
    ) -> Result<(Vec<Complex64>, Beginning), SimulateError> {
        let request = self.request;
        let from_start = request.flows_from == FlowsFrom::Start
            || request.buffers != Buffers::Written
            || !self.step.starts_beside_manifold();
        if from_start || !flow.has_effective_start() {
            return Ok((theta.to_vec(), Beginning::Start));
        }
        let found = match &self.step {
            Step::Linear(program) => match program.start() {
                Ok(start) if start.is_at_parameters() => {
                    return Ok((theta.to_vec(), Beginning::Start));
                }
                Ok(start) => self.by_closed_form(flow, &start, theta),
                Err(_) => Err(NoStart::NoForm),
            },
            Step::Nonlinear(_) => Err(NoStart::NoForm),
        };
        match found {
            Ok((change, beginning)) => {
                Ok((theta.iter().zip(change).map(|(x, change)| x + change).collect(), beginning))
            }
            Err(NoStart::NoForm) => match self.settled_back(flow, theta, watch)? {
                Ok((point, steps)) => Ok((point, Beginning::Settled(steps))),
                Err(reason) => Ok((theta.to_vec(), Beginning::Unsettled(reason))),
            },
            Err(NoStart::Unsettled(reason)) => Ok((theta.to_vec(), Beginning::Unsettled(reason))),
            Err(NoStart::Failed(error)) => Err(error),
        }
    }

    /// `θ̂_0 - θ_0`.
    fn by_closed_form(
        &self,
        flow: FlowName,
        start: &Start,
        theta: &[Complex64],
    ) -> Found<(Vec<Complex64>, Beginning)> {
        match flow {
            FlowName::Principal | FlowName::PrincipalEven => {
                Ok((self.principal_change(flow, start, theta)?, Beginning::Effective))
            }
            FlowName::PrincipalWith(order) => {
                let mut change = self.principal_change(flow, start, theta)?;
                let (others, beginning) = self.series_change(start, theta, order, false)?;
                change.iter_mut().zip(others).for_each(|(sum, x)| *sum += x);
                Ok((change, beginning))
            }
            FlowName::Order(order) | FlowName::Interpolated(order) => {
                self.series_change(start, theta, order, true)
            }
            _ => unreachable!("these flows are gradient descent's"),
        }
    }
}
