//! `cargo bench --bench training -- FOLDER`: what a step of training and the sharpest eigenvalue at every step cost in
//! gradients, along a run of a perceptron with four hidden layers of a hundred on a thousand images of
//! Fashion-MNIST, in 32-bit numbers, up to and at the edge of stability.

use bea::curvature::Lanczos;
use bea::network::architecture::{self, Architecture, Dtype};
use bea::network::data;
use bea::network::device::Device;
use bea::network::initialise::{Scheme, initialise};
use bea::network::{Hessian, NetworkLoss};
use bea::training::{Adjusted, Dal, DalIteration, Rule, Schedule, State, norm};
use std::time::Instant;

/// That of the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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

/// What steps cost that are written out, each from the parameters, the gradient and two buffers, measured as
/// [`step_cost`] does.
fn by_hand(
    loss: &NetworkLoss,
    start: &[f64],
    mut step: impl FnMut(&mut [f64], &[f64], &mut [Vec<f64>; 2]),
) -> f64 {
    let zero = vec![0.0; start.len()];
    let (mut theta, mut buffers) = (start.to_vec(), [zero.clone(), zero]);
    let ratios = (0..STEPS).map(|_| {
        let begun = Instant::now();
        loss.gradient(&theta).expect("a gradient");
        let gradient = begun.elapsed();
        let begun = Instant::now();
        let (_, g) = loss.gradient(&theta).expect("a gradient");
        step(&mut theta, &g, &mut buffers);
        begun.elapsed().as_secs_f64() / gradient.as_secs_f64()
    });
    median(ratios.collect())
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
    println!("| a step of | gradients |");
    println!("|---|---|");
    for name in ["gradient_descent", "heavy_ball", "nesterov"] {
        println!("| `{name}` | {:.2} |", step_cost(&loss, &start, &optimizer(name, 0.05)));
    }
    let cost = by_hand(&loss, &start, |theta, g, [v, _]| {
        for ((x, v), g) in theta.iter_mut().zip(v).zip(g) {
            *v = 0.9 * *v - 0.05 * g;
            *x += *v;
        }
    });
    println!("| heavy ball by hand | {cost:.2} |");
    println!("| `adam` | {:.2} |", step_cost(&loss, &start, &optimizer("adam", 1e-3)));
    let mut steps = 0;
    let cost = by_hand(&loss, &start, |theta, g, [m, v]| {
        steps += 1;
        let bias = 1.0 - 0.9f64.powi(steps);
        for ((x, (m, v)), g) in theta.iter_mut().zip(m.iter_mut().zip(v)).zip(g) {
            *m = 0.9 * *m + (1.0 - 0.9) * g;
            *v = 0.9 * *v + (1.0 - 0.9) * g * g;
            *x -= 1e-3 * (*m / bias) / ((*v / bias).sqrt() + 0.9);
        }
    });
    println!("| Adam by hand | {cost:.2} |");
    let dal = DalIteration::new(Dal::new(), Adjusted::Step).expect("finite numbers");
    println!("| `capped_dal` | {:.2} |", step_cost(&loss, &start, &Rule::Dal(Box::new(dal))));
    let cost = by_hand(&loss, &start, |theta, g, _| {
        let product = loss.hessian_vectors(theta, &[g]).expect("a product").remove(0);
        let rate = (2.0 / (norm(&product) / norm(g))).min(5.0);
        theta.iter_mut().zip(g).for_each(|(x, g)| *x -= rate * g);
    });
    println!("| DAL by hand | {cost:.2} |");
    println!("\n| h | hλ_0 at the end | tolerance | products | gradients | error of λ_0 |");
    println!("|---|---|---|---|---|---|");
    for h in [0.01, 0.05] {
        for tolerance in [1e-3, 3e-3, 1e-2] {
            follow(&loss, &start, h, tolerance);
        }
    }
}
