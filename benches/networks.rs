//! `cargo bench --bench networks`: exact derivatives of three networks. `benches/peers/networks.py` times JAX on the
//! same and reads these times.

use bea::network::NetworkLoss;
use bea::network::architecture::{self, Architecture, Dtype};
use bea::network::data::{Dataset, Targets, Values};
use bea::network::device::Device;
use bea::network::initialise::{Scheme, initialise};
use bea::source::Source;
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

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
        Architecture::find(spec, &[inputs], classes, criterion, dtype).expect("a network")
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

criterion_group!(benches, networks);
criterion_main!(benches);
