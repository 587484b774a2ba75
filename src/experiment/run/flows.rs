//! How the flows of a run are integrated, and which it has.

use super::error::RunError;
use super::optimizer::Flowing;
use crate::experiment::config::{Config, Flows, Metric};
use bea_flow::flow::{FlowName, Request, SimulateError};
use bea_network::NetworkLoss;
use bea_network::architecture::Dtype;

/// Tolerances, relative and absolute, where the flows of a network are smooth and exact to 16 digits.
const SMOOTH: (f64, f64) = (1e-8, 1e-10);

/// The integrator's tolerances, relative and absolute, for the flows of a network: `smooth` where its derivatives
/// are smooth and have 16 digits. With 7 digits, smaller tolerances would resolve rounding errors; where the Hessian
/// jumps at the kinks of activations, they would spend steps on locating the kinks.
pub fn tolerances(network: &NetworkLoss, smooth: (f64, f64)) -> (f64, f64) {
    match network.layout().dtype {
        _ if !network.is_smooth() => (1e-5, 1e-7),
        Dtype::F32 => (1e-6, 1e-7),
        Dtype::F64 => smooth,
    }
}

/// What is missing in `central` on a network whose Hessian jumps.
pub fn kinks(network: &NetworkLoss, flows: &[FlowName]) -> Option<String> {
    let central = FlowName::Central.to_string();
    (flows.contains(&FlowName::Central) && !network.is_smooth()).then(|| between_kinks(&[central]))
}

/// The same of all that a run measures and follows, metrics of third derivatives included.
pub(super) fn kinks_of(config: &Config, network: &NetworkLoss) -> Option<String> {
    let takes_third = |metric: &&Metric| match metric {
        Metric::SelfStabilization | Metric::ThirdOrder => true,
        metric => metric.flow() == Some(FlowName::Central),
    };
    let followed = config.follow.iter().flat_map(|follow| &follow.flows);
    let followed = followed.filter(|flow| **flow == FlowName::Central).map(ToString::to_string);
    let measured = config.metrics.iter().filter(takes_third).map(ToString::to_string);
    let names: Vec<String> = followed.take(1).chain(measured).collect();
    (!names.is_empty() && !network.is_smooth()).then(|| between_kinks(&names))
}

/// That these take third derivatives where the network's Hessian jumps.
fn between_kinks(names: &[String]) -> String {
    let take = if names.len() == 1 { "takes" } else { "take" };
    format!(
        "`{}` {take} third derivatives between the kinks of activations, pools and losses in pieces, where the network's \
         gradient or Hessian jumps: what the kinks themselves add is missing",
        names.join("`, `")
    )
}

impl Flows {
    /// With the tolerances that suit the network, where none are given.
    pub(super) fn on(&self, network: &NetworkLoss) -> Flows {
        let (rtol, atol) = tolerances(network, SMOOTH);
        let (rtol, atol) = (Some(self.rtol.unwrap_or(rtol)), Some(self.atol.unwrap_or(atol)));
        Flows { rtol, atol, ..self.clone() }
    }

    /// A simulation of these flows for so many steps.
    pub(super) fn request(&self, lr: f64, steps: usize, flows: Vec<FlowName>) -> Request {
        Request {
            lr,
            steps,
            flows,
            rtol: self.rtol.unwrap_or(SMOOTH.0),
            atol: self.atol.unwrap_or(SMOOTH.1),
            euler: self.euler,
            directions: self.directions,
            ..Request::default()
        }
    }
}

/// Refuses flows that the network does not have, and flows to follow that start after the run's end.
pub(super) fn check(
    config: &Config,
    optimizer: Option<&Flowing>,
    theta: &[f64],
) -> Result<(), RunError> {
    for &metric in &config.metrics {
        if let Some((optimizer, flow)) = optimizer.and_then(|o| Some((o, o.flow(metric)?))) {
            let refused = if flow == FlowName::Rod {
                Some(
                    "it is one of midpoints, which no iterate is: follow it with `[follow]`".into(),
                )
            } else {
                refused(config, optimizer, theta, flow)
            };
            refused.map_or(Ok(()), |reason| Err(RunError::Metric { metric, reason }))?;
        }
    }
    let Some(follow) = &config.follow else { return Ok(()) };
    let Some(optimizer) =
        optimizer.filter(|_| config.batch.is_none() && config.optimizer.is_some())
    else {
        return Err(RunError::Follow);
    };
    for &flow in &follow.flows {
        if let Some(reason) = refused(config, optimizer, theta, flow) {
            return Err(RunError::Flow { flow, reason });
        }
    }
    match follow.from.iter().find(|from| **from >= config.steps) {
        Some(&from) => Err(RunError::FollowFrom { from, steps: config.steps }),
        None => Ok(()),
    }
}

/// Why the optimizer does not have a flow on the network, if it does not.
fn refused(config: &Config, optimizer: &Flowing, theta: &[f64], flow: FlowName) -> Option<String> {
    // Cancelled at once: Euler's method checks that before it evaluates anything.
    let request = config.flows.request(1.0, 1, vec![flow]);
    let request = Request { euler: Some(1.0), ..request };
    match optimizer.simulate(theta, &request, &|| true) {
        Err(SimulateError::NoFlow { reason, .. }) => Some(reason),
        Err(error @ (SimulateError::Method(_) | SimulateError::Entangled(_))) => {
            Some(error.to_string())
        }
        _ => None,
    }
}
