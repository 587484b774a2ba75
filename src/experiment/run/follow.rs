//! Flows that start from an iterate and are integrated beside the optimizer for some steps.

use super::optimizer::Flowing;
use super::sharpness::Sharpness;
use super::table::Table;
use crate::experiment::config::{Flows, Follow};
use bea_flow::flow::{FlowName, Problem, Request, SimulateError, Watch};
use bea_flow::objective::ObjectiveError;
use bea_network::NetworkLoss;
use bea_network::architecture::Dtype;
use bea_network::training::State;

/// A table without rows.
pub(super) fn table(follow: &Follow) -> Table {
    Table::new(columns(follow))
}

/// The names of its columns.
pub fn columns(follow: &Follow) -> Vec<String> {
    let mut columns: Vec<String> =
        ["from", "step", "t", "flow", "distance", "loss"].map(String::from).into();
    if follow.sharpness {
        columns.push("lambda_0".into());
    }
    if oscillates(follow) {
        columns.extend(OSCILLATION.map(String::from));
    }
    columns
}

/// The columns of oscillations.
const OSCILLATION: [&str; 6] =
    ["edge", "sharpness", "trace", "mean_loss", "mean_gradient_norm", "mean_distance"];

/// Whether one of the flows has an oscillation beside its path.
fn oscillates(follow: &Follow) -> bool {
    follow.flows.iter().any(|flow| flow.oscillates())
}

/// What flows are followed on.
pub(super) struct FollowContext<'a> {
    pub optimizer: &'a Flowing,
    pub loss: &'a NetworkLoss,
    /// The loss of the network alone.
    pub problem: &'a Problem,
    pub flows: &'a Flows,
    pub dtype: Dtype,
}

impl FollowContext<'_> {
    /// The rows of all flows from an iterate, and what is to be said of those with an oscillation. A flow that ends early has
    /// fewer rows.
    pub fn rows(
        &self,
        follow: &Follow,
        iterate: &State,
        h: f64,
        watch: &dyn Watch,
    ) -> Result<(Vec<Vec<f64>>, Vec<String>), ObjectiveError> {
        let request = self.flows.request(h, follow.steps, follow.flows.clone());
        let buffers = self.optimizer.buffers(iterate);
        let request = Request { buffers, flows_from: self.flows.from, ..request };
        let simulated = self.optimizer.simulate(&iterate.theta, &request, watch);
        let simulated = match simulated {
            Ok(simulated) => simulated,
            Err(SimulateError::Objective(error)) => return Err(error),
            Err(_) => return Ok((Vec::new(), Vec::new())),
        };
        // The optimizer is number 0. Gradient descent is not repeated where the description names it among the flows.
        let named = follow.flows.iter().enumerate();
        let again =
            |flow: FlowName| flow == FlowName::GradientDescent && self.optimizer.is_descent();
        let numbers = named.filter(|(_, flow)| !again(**flow));
        let numbers = std::iter::once(0).chain(numbers.map(|(i, _)| i + 1));
        let mut rows = Vec::new();
        for (number, flow) in numbers.zip(simulated.trajectories()) {
            let mut sharpness = Sharpness::new(1, self.dtype);
            let distances = simulated.distances(flow);
            for (step, theta) in flow.theta.iter().enumerate() {
                let distance = distances.get(step).copied().unwrap_or(f64::NAN);
                let mut row = vec![iterate.step as f64, step as f64, flow.t[step], number as f64];
                // The simulation's loss has the penalty of weight decay.
                let loss = match self.optimizer.decay() {
                    0.0 => flow.loss[step],
                    _ => self.problem.loss(theta)?,
                };
                row.extend([distance, loss.re]);
                if follow.sharpness {
                    let real: Option<Vec<f64>> =
                        theta.iter().map(|z| (z.im == 0.0).then_some(z.re)).collect();
                    let pairs =
                        real.map(|theta| sharpness.find(self.loss, &theta, step)).transpose()?;
                    let first = pairs.and_then(|pairs| pairs.first().map(|pair| pair.value));
                    row.push(first.unwrap_or(f64::NAN));
                }
                if oscillates(follow) {
                    let found = flow.oscillations.as_ref().and_then(|found| found.at.get(step));
                    row.extend(found.map_or([f64::NAN; OSCILLATION.len()], |at| {
                        [at.edge, at.sharpness, at.trace, at.loss, at.gradient_norm, at.distance]
                    }));
                }
                rows.push(row);
            }
        }
        let oscillating = simulated.flows.iter().filter(|flow| flow.oscillations.is_some());
        let notes = oscillating.flat_map(|flow| {
            let ended = flow.note.iter().map(|note| format!("ended: {note}"));
            let remarks = flow.oscillations.iter().flat_map(|found| found.remarks.clone());
            let from = format!("from iterate {}: {}", iterate.step, flow.name);
            ended.chain(remarks).map(move |text| format!("{from}: {text}"))
        });
        Ok((rows, notes.collect()))
    }
}
