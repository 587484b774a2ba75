//! The page of a sweep of 100 runs of 1,000 steps: seven columns a run, from measurements to HTML.

use bea::experiment::run::End;
use bea::experiment::{Config, Experiment, Measured, Scale, Table, report};
use bea::source::Source;
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

const SWEEP: &str = r#"
network = "mlp:4,tanh"
data = "iris"
[train]
method = "gd"
lr = 0.2
steps = 1000
[measure]
metrics = ["loss", "accuracy", "gradient_norm", "lambda:2", "drift", "drift_estimate"]
"#;

/// Measurements of a run that look like some: a decay, a rise, noise.
fn measurements(run: usize) -> Table {
    let names = [
        "step",
        "loss",
        "accuracy",
        "gradient_norm",
        "lambda_0",
        "lambda_1",
        "drift",
        "drift_estimate",
    ];
    let row = |step: usize| {
        let (t, phase) = (step as f64, run as f64);
        let noise = (12.9 * t + 78.2 * phase).sin();
        let decay = 1.0 / (1.0 + 0.01 * t);
        vec![
            t,
            decay + 0.01 * noise * decay,
            1.0 - 0.5 * decay,
            decay * decay,
            10.0 - 5.0 * decay + 0.1 * noise,
            4.0 - decay,
            1e-3 * decay * decay,
            1.1e-3 * decay * decay,
        ]
    };
    Table { columns: names.map(String::from).into(), rows: (0..1001).map(row).collect() }
}

fn page(criterion: &mut Criterion) {
    let seeds: Vec<String> = (0..100).map(|seed| seed.to_string()).collect();
    let text = format!("{SWEEP}[grid]\nseed = [{}]\n", seeds.join(", "));
    let experiment = Experiment::parse(Source::new("sweep.toml", text), Scale::Small, &[]);
    let runs = experiment.and_then(|experiment| experiment.runs());
    let configs: Vec<Config> = runs.unwrap_or_else(|error| panic!("{error:?}"));
    let tables: Vec<Table> = (0..configs.len()).map(measurements).collect();
    let measured: Vec<Measured> = configs
        .iter()
        .zip(&tables)
        .map(|(config, metrics)| {
            let end = Some(&End::Finished);
            Measured { label: &config.label, config, metrics, follow: None, end }
        })
        .collect();
    println!("{} bytes", report("hundred", &measured, None).len());
    criterion.bench_function("report of 100 runs", |b| {
        b.iter(|| report(black_box("hundred"), &measured, None));
    });
}

criterion_group!(benches, page);
criterion_main!(benches);
