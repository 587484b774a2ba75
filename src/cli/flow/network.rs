//! `bea flow --network`: flows from a network's parameters.

use super::{Flow, TOLERANCES, check_memory};
use crate::cli::loss_input::Settings;
use crate::cli::network_input::{self, NetworkInput};
use crate::cli::{limit, note};
use crate::experiment::run::{kinks, tolerances};
use bea_flow::flow::{Problem, Request};
use bea_network::architecture::{Dtype, Layout};
use bea_network::weights;
use bea_series::optimizer::Optimizer;
use miette::IntoDiagnostic;
use std::process::ExitCode;

/// Networks of more parameters than this leave them out of the files.
const LISTED: usize = 1000;

impl Flow {
    /// Flows of the optimizer `chosen` with `settings` from the parameters of a network.
    pub(super) fn of_network(
        &self,
        network: &NetworkInput,
        chosen: &Optimizer,
        settings: Settings,
    ) -> miette::Result<ExitCode> {
        let step = network_input::step(chosen, settings)?;
        let loss = network.loss()?;
        let start = network.parameters(&loss)?;
        self.picture.check_panel(None)?;
        let tolerances = tolerances(&loss, TOLERANCES);
        let request = self.request(step.is_gradient_descent(), tolerances)?;
        self.picture.check_flows(&request.flows)?;
        let request = Request { samples_per_step: 0, ..request };
        limit::check_flows(request.flows.iter().copied(), self.force)?;
        note::say(kinks(&loss, &request.flows));
        let listed = if start.len() <= LISTED { start.len() } else { 0 };
        check_memory(start.len(), listed, &request)?;
        let names = (start.len() <= LISTED).then(|| names(loss.layout()));
        let examples = match loss.graph() {
            Some(_) => String::new(),
            None => format!(", {} examples", loss.examples()),
        };
        let place = format!("of {} ({} parameters{examples})", network.place(), start.len());
        let network_loss = loss.clone();
        let problem = Problem::new(loss);
        let simulation = self.simulate(&problem, &chosen.name, &step, &start, &request)?;
        let mut files = super::files(&simulation, names.as_deref());
        if self.picture.plot {
            let title = self.title(&network.network, &simulation);
            files.extend(self.picture.of_network(&simulation, title)?);
        }
        let last = simulation.optimizer.theta.last().expect("the start at least");
        let last: Vec<f64> = last.iter().map(|z| z.re).collect();
        let mut tensors = weights::tensors(network_loss.layout(), &last, "");
        tensors.extend(network_loss.architecture().map(weights::statistics).unwrap_or_default());
        let last = weights::encoded(&tensors, Dtype::F64);
        files.push((super::FILES[6].to_string(), last.into_diagnostic()?));
        self.write(&files, &simulation, &step, &place)
    }
}

/// `0.weight[2,0]`: the name of every single parameter.
fn names(layout: &Layout) -> Vec<String> {
    let mut names = Vec::with_capacity(layout.len());
    for parameter in &layout.parameters {
        for flat in 0..parameter.len() {
            let mut rest = flat;
            let mut index: Vec<String> = Vec::new();
            for &size in parameter.shape.iter().rev() {
                index.push((rest % size).to_string());
                rest /= size;
            }
            index.reverse();
            names.push(format!("{}[{}]", parameter.name, index.join(",")));
        }
    }
    names
}
