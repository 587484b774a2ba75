//! `cargo bench --bench principal_field -- FOLDER`: the principal field of a perceptron with four hidden layers of a
//! hundred on ten thousand images of Fashion-MNIST, in 32-bit numbers: what it costs in gradients, and its error
//! against a far smaller Krylov tolerance in 64-bit numbers.

use bea::curvature::{Krylov, Lanczos};
use bea::flow::{Problem, principal_field};
use bea::network::architecture::{self, Architecture, Dtype};
use bea::network::data;
use bea::network::device::Device;
use bea::network::initialise::{Scheme, initialise};
use bea::network::{Hessian, NetworkLoss};
use num_complex::Complex64;
use std::time::{Duration, Instant};

/// Where Debian's package `dataset-fashion-mnist` puts it.
const FOLDER: &str = "/usr/share/datasets/fashion-mnist";

fn network(folder: &str, dtype: Dtype) -> NetworkLoss {
    let data = data::open(&format!("fashion_mnist:{folder},first=10000")).expect("the data set");
    let criterion = architecture::Criterion::CrossEntropy { smoothing: 0.0 };
    let architecture =
        Architecture::find("mlp:100,100,100,100", &data.shape, 10, criterion, dtype).expect("it");
    NetworkLoss::new(architecture, &data, &Device::cpu()).expect("data that fit")
}

/// The shortest of five runs, and what the last one returns.
fn timed<T>(work: impl Fn() -> T) -> (Duration, T) {
    let mut shortest = Duration::MAX;
    for _ in 0..4 {
        let begun = Instant::now();
        work();
        shortest = shortest.min(begun.elapsed());
    }
    let begun = Instant::now();
    let value = work();
    (shortest.min(begun.elapsed()), value)
}

fn main() {
    let given = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let folder = given.unwrap_or(FOLDER.into());
    let (single, double) = (network(&folder, Dtype::F32), network(&folder, Dtype::F64));
    let mut theta = initialise(single.architecture().expect("layers"), Scheme::HeNormal, 1);
    println!("| steps of training | hλ | products | gradients | error |");
    println!("|---|---|---|---|---|");
    for steps in [0, 100] {
        for _ in 0..steps {
            let gradient = single.gradient(&theta).unwrap().1;
            theta.iter_mut().zip(gradient).for_each(|(x, g)| *x -= 0.05 * g);
        }
        let lanczos = Lanczos { tolerance: 1e-4, ..Lanczos::default() };
        let found = lanczos.run(&Hessian::new(&single, &theta), &[]).expect("eigenvalues");
        let sharpest = found.largest[0].value;
        let at: Vec<Complex64> = theta.iter().map(|&x| x.into()).collect();
        let (gradient, _) = timed(|| single.gradient(&theta).unwrap());
        let exact = Krylov { tolerance: 1e-11, ..Krylov::default() };
        let krylov = Krylov { tolerance: 1e-4, ..Krylov::default() };
        let (single, double) = (Problem::new(single.clone()), Problem::new(double.clone()));
        for sharpness in [0.5, 1.5, 2.0, 2.5, 5.0] {
            let h = sharpness / sharpest;
            let (time, field) =
                timed(|| principal_field(&single, &at, h, &krylov).expect("a field"));
            let reference = principal_field(&double, &at, h, &exact).expect("a field");
            let size =
                |x: &mut dyn Iterator<Item = Complex64>| x.map(|z| z.norm_sqr()).sum::<f64>();
            let pairs = field.value.iter().zip(&reference.value);
            let error = size(&mut pairs.map(|(a, b)| a - b));
            let error = (error / size(&mut reference.value.iter().copied())).sqrt();
            println!(
                "| {steps} | {sharpness} | {} | {:.1} | {error:.1e} |",
                field.products,
                time.as_secs_f64() / gradient.as_secs_f64()
            );
        }
    }
}
