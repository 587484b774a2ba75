//! `cargo bench --bench networks`: exact derivatives of three networks. `benches/peers/networks.py` times JAX on the
//! same and reads these times.

use bea::flow::{FlowName, Problem, Request, velocity};
use bea::network::NetworkLoss;
use bea::network::architecture::{self, Architecture, Dtype};
use bea::network::data::{Dataset, Targets, Values};
use bea::network::device::Device;
use bea::network::initialise::{Scheme, initialise};
use bea::objective::{Objective, ObjectiveError};
use bea::optimizer::{self, Step};
use bea::series::GeneralLinearMethod;
use bea::source::Source;
use criterion::{Criterion, criterion_group, criterion_main};
use num_complex::Complex64;
use std::hint::black_box;
use std::time::Instant;

/// That of the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Two 3x3 convolutions, 3→64→64 channels, then a mean and ten classes.
const CONVOLUTIONS: &str = r#"
loss = "cross_entropy"
dtype = "f32"
input = [3, 32, 32]
[[layer]]
type = "conv2d"
out = 64
kernel = 3
padding = 1
[[layer]]
type = "elu"
[[layer]]
type = "conv2d"
out = 64
kernel = 3
padding = 1
[[layer]]
type = "elu"
[[layer]]
type = "global_avg_pool"
[[layer]]
type = "linear"
out = 10
"#;

/// A network with random data, parameters and a direction.
fn problem(architecture: Architecture, examples: usize) -> (NetworkLoss, Vec<f64>, Vec<f64>) {
    let mut state = 1u64;
    let mut number = || {
        // Knuth's linear congruential generator.
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1u64 << 24) as f32
    };
    let width: usize = architecture.input.iter().product();
    let classes: usize = architecture.outputs.iter().product();
    let inputs = (0..examples * width).map(|_| number()).collect();
    let labels = (0..examples).map(|i| (i % classes) as u32).collect();
    let targets = Targets::Classes { labels, classes };
    let data = Dataset::new("random", architecture.input.clone(), Values::F32(inputs), targets);
    let theta = initialise(&architecture, Scheme::PyTorch, 1);
    let direction = initialise(&architecture, Scheme::PyTorch, 2);
    let loss = NetworkLoss::new(architecture, &data.expect("data"), &Device::cpu());
    (loss.expect("a network"), theta, direction)
}

fn networks(c: &mut Criterion) {
    let criterion = architecture::Criterion::CrossEntropy { smoothing: 0.0 };
    let mlp = |spec, inputs, classes, dtype| {
        Architecture::find(spec, &[inputs], classes, criterion.clone(), dtype).expect("a network")
    };
    let large = mlp("mlp:100,100,100", 784, 10, Dtype::F32);
    let small = mlp("mlp:10,10,10,10", 4, 3, Dtype::F64);
    let source = Source::new("convolutions.toml", CONVOLUTIONS);
    let convolutions = Architecture::parse(&source).expect("a network");
    let cases = [("mlp", large, 1000), ("iris", small, 150), ("convolutions", convolutions, 64)];
    for (name, architecture, examples) in cases {
        let (loss, theta, v) = problem(architecture, examples);
        let mut group = c.benchmark_group(name);
        group.sample_size(20);
        group.bench_function("gradient", |b| b.iter(|| loss.gradient(black_box(&theta)).unwrap()));
        group.bench_function("hvp", |b| {
            b.iter(|| loss.hessian_vectors(black_box(&theta), &[&v]).unwrap())
        });
        group.bench_function("third", |b| {
            b.iter(|| loss.contraction(black_box(&theta), &[&v, &v]).unwrap())
        });
        if theta.len() < 1000 {
            let unit = |i| (0..theta.len()).map(|j| f64::from(u8::from(i == j))).collect();
            let units: Vec<Vec<f64>> = (0..theta.len()).map(unit).collect();
            let block: Vec<&[f64]> = units.iter().map(Vec::as_slice).collect();
            group.bench_function("hessian", |b| {
                b.iter(|| loss.hessian_vectors(black_box(&theta), &block).unwrap())
            });
        }
        group.finish();
    }
}

/// Prints the rate of the convolutions beside that of a large product of matrices: both are losses of networks, the product
/// one of a linear layer, 1024 x 1024 by 1024 examples.
fn rates(_: &mut Criterion) {
    let seconds = |text: &str, examples: usize, gradient: bool| {
        let architecture = Architecture::parse(&Source::new("network.toml", text));
        let (loss, theta, _) = problem(architecture.expect("a network"), examples);
        let run = |_| {
            let begun = Instant::now();
            if gradient {
                black_box(loss.gradient(black_box(&theta)).unwrap());
            } else {
                black_box(loss.loss(black_box(&theta)).unwrap());
            }
            begun.elapsed().as_secs_f64()
        };
        (0..20).map(run).fold(f64::INFINITY, f64::min)
    };
    let product = "loss = \"cross_entropy\"\ndtype = \"f32\"\ninput = [1024]\n\
                   [[layer]]\ntype = \"linear\"\nout = 1024\n";
    let peak = 2.0 * 1024f64.powi(3) / seconds(product, 1024, false);
    // Multiplications and additions of the two layers for 64 examples: 64 x 9 and 3 x 9 for each of 64 x 32 x 32 outputs.
    let forward = 2.0 * 64.0 * 65_536.0 * 9.0 * (64.0 + 3.0);
    // The adjoint with respect to the weights of both layers, and to the inputs of the second.
    let gradient = forward + 2.0 * 64.0 * 65_536.0 * 9.0 * (2.0 * 64.0 + 3.0);
    println!("a linear layer: {:.1} Gflop/s", peak / 1e9);
    for (name, operations, is_gradient) in [("loss", forward, false), ("gradient", gradient, true)]
    {
        let rate = operations / seconds(CONVOLUTIONS, 64, is_gradient);
        println!("convolutions, {name}: {:.2} times that rate", rate / peak);
    }
}

/// A network with contractions but without jets: its modified fields are evaluated tree by tree.
struct Trees(NetworkLoss);

impl Objective for Trees {
    fn dimension(&self) -> usize {
        self.0.dimension()
    }
    fn value_and_gradient(&self, x: &[f64], gradient: &mut [f64]) -> Result<f64, ObjectiveError> {
        self.0.value_and_gradient(x, gradient)
    }
    fn max_directions(&self) -> usize {
        Objective::<f64>::max_directions(&self.0)
    }
    fn hessian_vectors(&self, x: &[f64], v: &[&[f64]]) -> Result<Vec<Vec<f64>>, ObjectiveError> {
        Objective::hessian_vectors(&self.0, x, v)
    }
    fn contraction(&self, x: &[f64], v: &[&[f64]], out: &mut [f64]) -> Result<(), ObjectiveError> {
        Objective::contraction(&self.0, x, v, out)
    }
    fn precision(&self) -> f64 {
        Objective::<f64>::precision(&self.0)
    }
}

/// Prints what a velocity of `order:n` of gradient descent takes, in gradients: the shorter of two times of each.
fn orders(_: &mut Criterion) {
    let criterion = architecture::Criterion::CrossEntropy { smoothing: 0.0 };
    let mlp = |spec, inputs, classes, dtype| {
        Architecture::find(spec, &[inputs], classes, criterion.clone(), dtype).expect("a network")
    };
    let large = mlp("mlp:100,100,100", 784, 10, Dtype::F32);
    let small = mlp("mlp:10,10,10,10", 4, 3, Dtype::F64);
    for (name, architecture, examples) in [("mlp", large, 1000), ("iris", small, 150)] {
        let (loss, theta, _) = problem(architecture, examples);
        let seconds = |run: &mut dyn FnMut()| {
            let time = |_| {
                let begun = Instant::now();
                run();
                begun.elapsed().as_secs_f64()
            };
            (0..2).map(time).fold(f64::INFINITY, f64::min)
        };
        let gradients = (0..10)
            .map(|_| seconds(&mut || drop(black_box(loss.gradient(black_box(&theta)).unwrap()))));
        let gradient = gradients.fold(f64::INFINITY, f64::min);
        println!("{name}: a gradient takes {:.2} ms", 1e3 * gradient);
        let at: Vec<Complex64> = theta.iter().map(|&x| x.into()).collect();
        let request = Request { lr: 0.01, ..Request::default() };
        let take = |problem: &Problem, step: &Step, n| {
            let flow = FlowName::Order(n);
            seconds(&mut || {
                let field = velocity(problem, "optimizer", step, &at, flow, &request);
                black_box(field.unwrap().unwrap());
            }) / gradient
        };
        let descent = Step::from(&GeneralLinearMethod::euler());
        let (jets, trees) = (Problem::new(loss.clone()), Problem::new(Trees(loss.clone())));
        for n in [1, 2, 3, 4, 6, 8] {
            print!(
                "{name}, order:{n} of gradient descent: {:.1} gradients by jets",
                take(&jets, &descent, n)
            );
            // Of order 8 there are 486 trees with nine nodes or fewer.
            match n {
                ..=6 => println!(", {:.1} by trees", take(&trees, &descent, n)),
                _ => println!(),
            }
        }
        let values = [("beta1", "0.9"), ("beta2", "0.99"), ("eps", "1e-3")];
        let value = |x| optimizer::parse_value(x).expect("a number");
        let values = values.map(|(name, x)| (name.to_string(), value(x))).into();
        let adam = optimizer::find("adam").expect("of the library").step(&values).expect("values");
        for n in 0..=4 {
            println!("{name}, order:{n} of Adam: {:.1} gradients", take(&jets, &adam, n));
        }
    }
}

criterion_group!(benches, networks, rates, orders);
criterion_main!(benches);
