//! Products with the Gauss-Newton matrix against Hessians that it is equal to.

use bea::curvature::eigenvalues;
use bea::network::architecture::Architecture;
use bea::network::data::{Dataset, Targets, Values};
use bea::network::device::Device;
use bea::network::{GaussNewton, Hessian, NetworkLoss};
use bea::source::Source;
use num_complex::Complex64;

/// Numbers in (-1, 1) from a seed.
fn numbers(seed: u64, count: usize) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        })
        .collect()
}

fn architecture(loss: &str, input: &str, layers: &[&str]) -> Architecture {
    let layers: Vec<String> = layers
        .iter()
        .map(|lines| format!("[[layer]]\ntype = {}\n", lines.replace("; ", "\n")))
        .collect();
    let head = format!("dtype = \"f64\"\nloss = \"{loss}\"\ninput = {input}\n");
    Architecture::parse(&Source::new("net.toml", head + &layers.concat())).unwrap()
}

fn loss(architecture: &Architecture, inputs: &[f64], targets: Targets) -> NetworkLoss {
    let inputs = Values::F64(inputs.to_vec());
    let data = Dataset::new("test", architecture.input.clone(), inputs, targets).unwrap();
    NetworkLoss::new(architecture.clone(), &data, &Device::cpu()).unwrap()
}

fn close(name: &str, x: &[f64], y: &[f64]) {
    let norm = |x: &mut dyn Iterator<Item = f64>| x.map(|a| a * a).sum::<f64>().sqrt();
    let size = norm(&mut y.iter().copied());
    let error = norm(&mut x.iter().zip(y).map(|(a, b)| a - b));
    assert!(size > 0.0 && error <= 1e-12 * size, "{name}: {error:e} of {size:e}");
}

/// The Gauss-Newton matrix of mean squares, `2/(N w) JᵀJ`, knows no targets, and where the targets are the outputs it
/// is the Hessian. The outputs come from losses alone: `(N w)(E_0 - E_k) = 2 z_k - 1` if the targets are 0, and the
/// `k`-th unit vector.
#[test]
fn of_mean_squares_it_is_the_hessian_where_the_residuals_vanish() {
    let conv = "\"conv2d\"; out = 2; kernel = 3; padding = 1";
    let networks = [
        ("dense", "[3]", &["\"linear\"; out = 4", "\"tanh\"", "\"linear\"; out = 2"][..]),
        (
            "batch norm, which couples the examples",
            "[2, 4, 4]",
            &[conv, "\"batch_norm\"", "\"elu\"", "\"global_avg_pool\"", "\"linear\"; out = 2"],
        ),
    ];
    for (name, input, layers) in networks {
        let architecture = architecture("mse", input, layers);
        let (n, width) = (5, 2);
        let inputs = numbers(1, n * architecture.input.iter().product::<usize>());
        let with =
            |values: Vec<f64>| loss(&architecture, &inputs, Targets::Values { values, width });
        let theta = numbers(2, architecture.len());
        let v = numbers(3, theta.len());
        let count = (n * width) as f64;
        let zero = with(vec![0.0; n * width]).loss(&theta).unwrap();
        let outputs: Vec<f64> = (0..n * width)
            .map(|k| {
                let mut unit = vec![0.0; n * width];
                unit[k] = 1.0;
                (count * (zero - with(unit).loss(&theta).unwrap()) + 1.0) / 2.0
            })
            .collect();
        let met = with(outputs);
        assert!(met.loss(&theta).unwrap() < 1e-25, "{name}");
        let expected = met.hessian_vectors(&theta, &[&v]).unwrap().remove(0);
        let other = with(numbers(4, n * width));
        let found = other.gauss_newton_vectors(&theta, &[&v]).unwrap().remove(0);
        close(name, &found, &expected);
        let hessian = other.hessian_vectors(&theta, &[&v]).unwrap().remove(0);
        assert!(
            hessian.iter().zip(&found).any(|(a, b)| (a - b).abs() > 1e-3),
            "{name}: residuals that matter"
        );
    }
}

/// With labels drawn from the network's own probabilities `p_c = e^{-E_c}` the mean Hessian is the Gauss-Newton matrix
/// (both are Fisher's information): example by example `Σ_c p_c ∇²E_c`.
#[test]
fn of_cross_entropy_it_is_the_mean_hessian_over_the_networks_own_labels() {
    let conv = "\"conv2d\"; out = 2; kernel = 3; padding = 1";
    let networks = [
        ("dense", "[3]", &["\"linear\"; out = 4", "\"gelu\"", "\"linear\"; out = 3"][..]),
        (
            "convolution",
            "[1, 4, 4]",
            &[conv, "\"tanh\"", "\"max_pool2d\"; kernel = 2", "\"flatten\"", "\"linear\"; out = 3"],
        ),
        (
            "attention",
            "[4, 4]",
            &[
                "\"attention\"; heads = 2",
                "\"layer_norm\"",
                "\"mean_tokens\"",
                "\"linear\"; out = 3",
            ],
        ),
    ];
    for (name, input, layers) in networks {
        let architecture = architecture("cross_entropy", input, layers);
        let (n, size) = (4, architecture.input.iter().product::<usize>());
        let inputs = numbers(1, n * size);
        let theta = numbers(2, architecture.len());
        let v = numbers(3, theta.len());
        let labelled = |inputs: &[f64], labels: Vec<u32>| {
            loss(&architecture, inputs, Targets::Classes { labels, classes: 3 })
        };
        let mut expected = vec![0.0; theta.len()];
        for example in inputs.chunks(size) {
            for class in 0..3 {
                let one = labelled(example, vec![class]);
                let share = (-one.loss(&theta).unwrap()).exp() / n as f64;
                let product = one.hessian_vectors(&theta, &[&v]).unwrap().remove(0);
                expected.iter_mut().zip(product).for_each(|(sum, x)| *sum += share * x);
            }
        }
        let whole = labelled(&inputs, vec![0, 1, 2, 1]);
        // In a block with another direction, and over the complex numbers.
        let found =
            whole.gauss_newton_vectors(&theta, &[&numbers(5, v.len()), &v]).unwrap().remove(1);
        close(name, &found, &expected);
        let complex = |x: &[f64]| -> Vec<Complex64> { x.iter().map(|&x| x.into()).collect() };
        let over = whole.gauss_newton_vectors(&complex(&theta), &[&complex(&v)]).unwrap().remove(0);
        close(name, &over.iter().map(|z| z.re).collect::<Vec<_>>(), &expected);
        assert!(over.iter().all(|z| z.im == 0.0), "{name}");
    }
}

#[test]
fn it_is_positive_semidefinite_where_the_hessian_is_not() {
    let layers = ["\"linear\"; out = 4", "\"tanh\"", "\"linear\"; out = 3"];
    let architecture = architecture("cross_entropy", "[3]", &layers);
    for seed in 1..6 {
        let labels = (0..7).map(|i| (i * seed % 3) as u32).collect();
        let inputs = numbers(seed, 7 * 3);
        let loss = loss(&architecture, &inputs, Targets::Classes { labels, classes: 3 });
        let theta = numbers(seed + 10, architecture.len());
        let (gauss_newton, _) = eigenvalues(&GaussNewton::new(&loss, &theta)).unwrap();
        let (hessian, _) = eigenvalues(&Hessian::new(&loss, &theta)).unwrap();
        let (largest, smallest) = (gauss_newton[0], *gauss_newton.last().unwrap());
        assert!(largest > 0.1 && smallest > -1e-14 * largest, "{largest} to {smallest}");
        assert!(*hessian.last().unwrap() < -1e-3, "the Hessian is indefinite");
        // Its rank is at most N (C - 1).
        assert!(gauss_newton[14..].iter().all(|x| x.abs() < 1e-14 * largest));
    }
}

#[test]
fn of_a_linear_network_it_is_the_hessian() {
    let architecture = architecture("cross_entropy", "[3]", &["\"linear\"; out = 4"]);
    let labels = vec![0, 3, 1, 2, 1];
    let loss = loss(&architecture, &numbers(1, 15), Targets::Classes { labels, classes: 4 });
    let (theta, v) = (numbers(2, 16), numbers(3, 16));
    let hessian = loss.hessian_vectors(&theta, &[&v]).unwrap().remove(0);
    close("linear", &loss.gauss_newton_vectors(&theta, &[&v]).unwrap().remove(0), &hessian);
}
