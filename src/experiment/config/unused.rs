//! Keys of a description that change nothing.

use super::layers::Layers;
use super::metric::Metric;
use super::one_run::{Config, Start};
use bea_flow::flow::FlowName;

/// The configuration with notes on the keys that are set and change nothing.
pub(super) fn noted(mut config: Config, all: &Layers, train: &Layers) -> Config {
    let set = |layers: &Layers, key: &'static str| layers.written(key).is_some();
    let mut notes = std::mem::take(&mut config.notes);
    let mut note = |key: &str, why: &str| notes.push(format!("`{key}` is not used: {why}"));
    if let Start::Weights(file) = &config.start {
        let file = file.display();
        if set(all, "init") {
            note("init", &format!("parameters start as {file} has them"));
        }
        if set(all, "seed") && config.batch.is_none() {
            note(
                "seed",
                &format!("parameters start as {file} has them, and there are no mini-batches"),
            );
        }
    }
    let is_test = |metric: &Metric| matches!(metric, Metric::TestLoss | Metric::TestAccuracy);
    if config.test.is_some() && !config.metrics.iter().any(is_test) {
        note("test", "neither `test_loss` nor `test_accuracy` is among the metrics");
    }
    if let Ok(Some(flows)) = all.below("flows", "") {
        let integrated = config.follow.is_some()
            || config
                .metrics
                .iter()
                .any(|metric| metric.flow().is_some() || *metric == Metric::Drift);
        let has = |flow: FlowName| flow == FlowName::Cubic || flow.oscillates();
        let directed = config.all_flows().any(has);
        for key in ["rtol", "atol", "euler", "directions", "from"] {
            if !set(&flows, key) {
                continue;
            }
            let name = format!("flows.{key}");
            if !integrated {
                note(&name, "no metric and no `[follow]` integrates a flow");
            } else if key == "from" && !config.follow.as_ref().is_some_and(|f| f.from.contains(&0))
            {
                note(&name, "no `[follow]` has flows from step 0, where buffers start");
            } else if key == "directions" && !directed {
                note(
                    &name,
                    "no metric and no `[follow]` has one of the flows `cubic`, `central` and `rod`",
                );
            } else if matches!(key, "rtol" | "atol") && config.flows.euler.is_some() {
                note(&name, "`euler` takes steps of a fixed size");
            }
        }
    }
    let changes = train.optional("lr_changes").and_then(|entry| entry.elements("").ok());
    let late = changes.into_iter().flatten().filter_map(|change| {
        let step = change.elements("").ok()?.first()?.whole().ok()?;
        (step >= config.steps as u64).then_some(step)
    });
    let late: Vec<u64> = late.collect();
    if let Some(step) = late.first() {
        let why = format!("the run ends after {} steps, before step {step}", config.steps);
        note("lr_changes", &why);
    }
    Config { notes, ..config }
}
