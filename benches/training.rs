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

/// Training with an optimizer of the library.
fn optimizer(name: &str, h: f64) -> Rule {
    let optimizer = bea::optimizer::find(name).expect("an optimizer of the library");
    let m = bea::optimizer::parse_value("0.9").expect("a number");
    let values = optimizer.parameters.iter().map(|name| (name.clone(), m.clone())).collect();
    let step = optimizer.step(&values).expect("values of its parameters");
    Rule::program(step, Schedule::constant(h)).expect("one can train with it")
}

/// One step of training.
type Advance<'a> = Box<dyn FnMut() + 'a>;

/// A step of a rule.
fn by_rule<'a>(loss: &'a NetworkLoss, start: &[f64], rule: Rule) -> Advance<'a> {
    let mut state = State::new(start.to_vec());
    Box::new(move || drop(rule.step(loss, &mut state).expect("a step")))
}

/// A step that is written out for the heavy ball.
fn heavy_ball_by_hand<'a>(loss: &'a NetworkLoss, start: &[f64], h: f64) -> Advance<'a> {
    let (mut theta, mut velocity) = (start.to_vec(), vec![0.0; start.len()]);
    Box::new(move || {
        let (_, g) = loss.gradient(&theta).expect("a gradient");
        for ((x, v), g) in theta.iter_mut().zip(&mut velocity).zip(&g) {
            *v = 0.9 * *v - h * g;
            *x += *v;
        }
    })
}

/// What steps cost in gradients: medians of their times over that of the gradients at the start, all made in turn, so that
/// what else the machine does meets them alike.
fn step_costs(loss: &NetworkLoss, start: &[f64], steps: &mut [(&str, Advance)]) -> Vec<f64> {
    let mut gradients = Vec::new();
    let mut times = vec![Vec::new(); steps.len()];
    for _ in 0..STEPS {
        let begun = Instant::now();
        loss.gradient(start).expect("a gradient");
        gradients.push(begun.elapsed().as_secs_f64());
        for ((_, advance), times) in steps.iter_mut().zip(&mut times) {
            let begun = Instant::now();
            advance();
            times.push(begun.elapsed().as_secs_f64());
        }
    }
    let gradient = median(gradients);
    times.into_iter().map(|times| median(times) / gradient).collect()
}

/// What following the largest eigenvalue along a run costs, and how right it is.
fn follow(loss: &NetworkLoss, start: &[f64], h: f64, tolerance: f64) {
    let rule = optimizer("gradient_descent", h);
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
    let dal = Rule::Dal(Dal { power: 0.9, cap: CAP, product: Product::Exact });
    let adam = Rule::Adam { lr: Schedule::constant(1e-3), beta1: 0.9, beta2: 0.9, epsilon: 0.9 };
    let program = |name: &str, h: f64| by_rule(&loss, &start, optimizer(name, h));
    let mut steps = [
        ("`gradient_descent`", program("gradient_descent", 0.05)),
        ("`nesterov`", program("nesterov", 0.05)),
        ("heavy ball by hand", heavy_ball_by_hand(&loss, &start, 0.05)),
        ("`heavy_ball`", program("heavy_ball", 0.05)),
        ("Adam by hand", by_rule(&loss, &start, adam)),
        ("`adam`", program("adam", 1e-3)),
        ("DAL by hand", by_rule(&loss, &start, dal)),
        ("`dal`", program("dal", 1.0)),
    ];
    let costs = step_costs(&loss, &start, &mut steps);
    println!("| a step of | gradients |");
    println!("|---|---|");
    for ((name, _), cost) in steps.iter().zip(costs) {
        println!("| {name} | {cost:.2} |");
    }
    println!("\n| h | hλ_0 at the end | tolerance | products | gradients | error of λ_0 |");
    println!("|---|---|---|---|---|---|");
    for h in [0.01, 0.05] {
        for tolerance in [1e-3, 3e-3, 1e-2] {
            follow(&loss, &start, h, tolerance);
        }
    }
}
