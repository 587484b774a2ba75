//! Flows that start from an iterate and are integrated beside gradient descent for some steps.

use super::sharpness::Sharpness;
use super::table::Table;
use crate::experiment::config::{Flows, Follow};
use bea_flow::flow::{FlowName, Problem, SimulateError, Watch, simulate_until};
use bea_flow::objective::ObjectiveError;
use bea_network::NetworkLoss;
use bea_network::architecture::Dtype;
use bea_series::series::GeneralLinearMethod;

/// A table without rows.
pub(super) fn table(follow: &Follow) -> Table {
    let mut columns: Vec<String> =
        ["from", "step", "t", "flow", "distance", "loss"].map(String::from).into();
    if follow.sharpness {
        columns.push("lambda_0".into());
    }
    Table::new(columns)
}

/// What flows are followed on.
pub(super) struct FollowContext<'a> {
    pub loss: &'a NetworkLoss,
    pub problem: &'a Problem,
    pub flows: &'a Flows,
    pub dtype: Dtype,
}

impl FollowContext<'_> {
    /// The rows of all flows from the iterate `θ` of number `from`. A flow that ends early has fewer.
    pub fn rows(
        &self,
        follow: &Follow,
        from: usize,
        theta: &[f64],
        h: f64,
        watch: &dyn Watch,
    ) -> Result<Vec<Vec<f64>>, ObjectiveError> {
        let request = self.flows.request(h, follow.steps, follow.flows.clone());
        let method = GeneralLinearMethod::euler();
        let simulated = simulate_until(self.problem, "gd", &method, theta, &request, watch);
        let simulated = match simulated {
            Ok(simulated) => simulated,
            Err(SimulateError::Objective(error)) => return Err(error),
            Err(_) => return Ok(Vec::new()),
        };
        // Gradient descent is number 0, and is not repeated where the description names it among the flows.
        let named = follow.flows.iter().enumerate();
        let numbers = named.filter(|(_, flow)| **flow != FlowName::GradientDescent);
        let numbers = std::iter::once(0).chain(numbers.map(|(i, _)| i + 1));
        let mut rows = Vec::new();
        for (number, flow) in numbers.zip(simulated.trajectories()) {
            let mut sharpness = Sharpness::new(1, self.dtype);
            let distances = simulated.distances(flow);
            for (step, theta) in flow.theta.iter().enumerate() {
                let distance = distances.get(step).copied().unwrap_or(f64::NAN);
                let mut row = vec![from as f64, step as f64, flow.t[step], number as f64];
                row.extend([distance, flow.loss[step].re]);
                if follow.sharpness {
                    let real: Option<Vec<f64>> =
                        theta.iter().map(|z| (z.im == 0.0).then_some(z.re)).collect();
                    let pairs =
                        real.map(|theta| sharpness.find(self.loss, &theta, step)).transpose()?;
                    let first = pairs.and_then(|pairs| pairs.first().map(|pair| pair.value));
                    row.push(first.unwrap_or(f64::NAN));
                }
                rows.push(row);
            }
        }
        Ok(rows)
    }
}
