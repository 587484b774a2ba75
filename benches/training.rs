//! `cargo bench --bench training -- FOLDER`: what a step of training and the sharpest eigenvalue at every step cost in
//! gradients, along a run of a perceptron with four hidden layers of a hundred on a thousand images of
//! Fashion-MNIST, in 32-bit numbers, up to and at the edge of stability.

use bea::curvature::Lanczos;
use bea::network::architecture::{self, Architecture, Dtype};
use bea::network::data;
use bea::network::device::Device;
use bea::network::initialise::{Scheme, initialise};
use bea::network::{Hessian, NetworkLoss};
use bea::training::{CAP, Dal, Product, Rule, Schedule, State};
use std::time::Instant;

/// Where Debian's package `dataset-fashion-mnist` puts it.
const FOLDER: &str = "/usr/share/datasets/fashion-mnist";
const STEPS: usize = 300;

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The median over the steps of a run of its time in gradients, each timed beside a gradient at the same point.
fn step_cost(loss: &NetworkLoss, start: &[f64], rule: &Rule) -> f64 {
    let mut state = State::new(start.to_vec());
    let ratios = (0..STEPS).map(|_| {
        let begun = Instant::now();
        loss.gradient(&state.theta).unwrap();
        let gradient = begun.elapsed();
        let begun = Instant::now();
        rule.step(loss, &mut state).unwrap();
        begun.elapsed().as_secs_f64() / gradient.as_secs_f64()
    });
    median(ratios.collect())
}

/// What following the largest eigenvalue along a run costs, and how right it is.
fn follow(loss: &NetworkLoss, start: &[f64], h: f64, tolerance: f64) {
    let rule = Rule::GradientDescent { lr: Schedule::constant(h) };
    let mut state = State::new(start.to_vec());
    let mut warm: Vec<Vec<f64>> = Vec::new();
    let (mut costs, mut counts, mut last, mut worst) = (Vec::new(), Vec::new(), 0.0, 0.0f64);
    for step in 0..STEPS {
        // As the runs of experiments do.
        let random = usize::from(step % 8 == 0);
        let begun = Instant::now();
        loss.gradient(&state.theta).unwrap();
        let gradient = begun.elapsed();
        let begun = Instant::now();
        let hessian = Hessian::new(loss, &state.theta);
        let lanczos = Lanczos { tolerance, random, ..Lanczos::default() };
        let found = lanczos.run(&hessian, &warm).expect("eigenvalues");
        costs.push(begun.elapsed().as_secs_f64() / gradient.as_secs_f64());
        counts.push(found.products as f64);
        last = found.largest[0].value;
        if step % 10 == 0 {
            let exact = Lanczos { tolerance: 1e-5, ..Lanczos::default() };
            let exact = exact.run(&hessian, &[]).expect("eigenvalues").largest[0].value;
            worst = worst.max((last - exact).abs() / exact);
        }
        warm = found.largest.into_iter().map(|pair| pair.vector).collect();
        rule.step(loss, &mut state).unwrap();
    }
    println!(
        "| {h} | {:.2} | {tolerance:e} | {} | {:.1} | {worst:.0e} |",
        h * last,
        median(counts),
        median(costs)
    );
}

fn main() {
    let given = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let folder = given.unwrap_or(FOLDER.into());
    let data = data::open(&format!("fashion_mnist:{folder},first=1000")).expect("the data set");
    let criterion = architecture::Criterion::CrossEntropy { smoothing: 0.0 };
    let spec = "mlp:100,100,100,100,elu";
    let architecture = Architecture::find(spec, &data.shape, 10, criterion, Dtype::F32);
    let architecture = architecture.expect("a name of the library");
    let start = initialise(&architecture, Scheme::PyTorch, 0);
    let loss = NetworkLoss::new(architecture, &data, &Device::cpu()).expect("data that fit");
    let descent = Rule::GradientDescent { lr: Schedule::constant(0.05) };
    let dal = Rule::Dal(Dal { power: 1.0, cap: CAP, product: Product::Exact });
    println!("| a step of | gradients |");
    println!("|---|---|");
    println!("| gradient descent | {:.2} |", step_cost(&loss, &start, &descent));
    println!("| DAL | {:.2} |", step_cost(&loss, &start, &dal));
    println!("\n| h | hλ_0 at the end | tolerance | products | gradients | error of λ_0 |");
    println!("|---|---|---|---|---|---|");
    for h in [0.01, 0.05] {
        for tolerance in [1e-3, 3e-3, 1e-2] {
            follow(&loss, &start, h, tolerance);
        }
    }
}
