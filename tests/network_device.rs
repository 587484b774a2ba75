//! The same networks on every device: 32-bit results against the host's 64-bit ones.

use bea::network::NetworkLoss;
use bea::network::architecture::{Architecture, Dtype};
use bea::network::data;
use bea::network::device::Device;
use bea::network::initialise::{Scheme, initialise};
use bea::source::Source;
use networks::{layers, networks, numbers};
use num_complex::Complex64;

mod needs;
mod networks;

/// The loss and its derivatives along two directions, at real and complex parameters. Imaginary parts are at most
/// `imaginary`, a power of two, so that both precisions have the same ones.
fn quantities(
    network: &NetworkLoss,
    theta: &[f64],
    imaginary: f64,
) -> Vec<(&'static str, Vec<f64>)> {
    let p = theta.len();
    let (v, w) = (numbers(2, p), numbers(3, p));
    let (loss, gradient) = network.gradient(theta).unwrap();
    let mut products = network.hessian_vectors(theta, &[&v, &w]).unwrap();
    let complex = |re: &[f64], im: Vec<f64>| -> Vec<Complex64> {
        re.iter().zip(im).map(|(&re, im)| Complex64::new(re, im)).collect()
    };
    let z = complex(theta, numbers(4, p).into_iter().map(|y| imaginary * y).collect());
    let u = complex(&v, numbers(5, p));
    let parts = |z: Vec<Complex64>| -> Vec<f64> { z.iter().flat_map(|z| [z.re, z.im]).collect() };
    let (complex_loss, complex_gradient) = network.gradient(&z).unwrap();
    vec![
        ("E", vec![loss]),
        ("∇E", gradient),
        ("∇²E w", products.remove(1)),
        ("∇²E v", products.remove(0)),
        ("∇³E[v, v]", network.contraction(theta, &[&v, &v]).unwrap()),
        ("∇³E[v, w]", network.contraction(theta, &[&v, &w]).unwrap()),
        ("∇⁴E[v, w, w]", network.contraction(theta, &[&v, &w, &w]).unwrap()),
        ("complex E", parts(vec![complex_loss])),
        ("complex ∇E", parts(complex_gradient)),
        ("complex ∇²E u", parts(network.contraction(&z, &[&u]).unwrap())),
        ("complex ∇³E[u, u]", parts(network.contraction(&z, &[&u, &u]).unwrap())),
    ]
}

/// `‖x - y‖/‖y‖`.
fn relative_error(x: &[f64], y: &[f64]) -> f64 {
    let norm = |x: &mut dyn Iterator<Item = f64>| x.map(|a| a * a).sum::<f64>().sqrt();
    norm(&mut x.iter().zip(y).map(|(a, b)| a - b)) / norm(&mut y.iter().copied())
}

/// Fails with every quantity of `network` that is further than `tolerance` from the same of `reference`; returns the
/// largest error.
fn agree(
    name: &str,
    network: &NetworkLoss,
    reference: &NetworkLoss,
    theta: &[f64],
    imaginary: f64,
    tolerance: f64,
) -> f64 {
    let errors: Vec<(&str, f64)> = quantities(network, theta, imaginary)
        .iter()
        .zip(&quantities(reference, theta, imaginary))
        .map(|((what, x), (_, y))| (*what, relative_error(x, y)))
        .collect();
    let (_, worst) = errors.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    let wrong: Vec<String> = errors
        .iter()
        .filter(|(_, error)| error.is_nan() || *error > tolerance)
        .map(|(what, error)| format!("{what} is off by {error:.1e}"))
        .collect();
    assert!(wrong.is_empty(), "{name}: {}", wrong.join(", "));
    worst
}

fn every_layer_agrees(device: &Device, tolerance: f64) {
    let references = networks(Dtype::F64, &Device::cpu());
    for ((name, network), (_, reference)) in networks(Dtype::F32, device).iter().zip(&references) {
        let theta = numbers(1, network.dimension());
        let worst = agree(name, network, reference, &theta, 1.0 / 16.0, tolerance);
        println!("{}, {name}: largest relative error {worst:.1e}", device.name());
    }
}

fn fashion_mnist_agrees(device: &Device, tolerance: f64) {
    let Some(folder) = needs::fashion_mnist() else { return };
    let data = data::open(&format!("fashion_mnist:{folder},first=300")).unwrap();
    let linear = |out: usize| format!("\"linear\"; out = {out}");
    let mlp =
        layers(&["\"flatten\"", &linear(30), "\"tanh\"", &linear(30), "\"elu\"", &linear(10)]);
    let convolutional = layers(&[
        "\"conv2d\"; out = 4; kernel = 3; padding = 1",
        "\"elu\"",
        "\"max_pool2d\"; kernel = 2; stride = 2",
        "\"conv2d\"; out = 6; kernel = 3; stride = 2",
        "\"gelu\"",
        "\"flatten\"",
        &linear(10),
    ]);
    for (name, layers) in [("MLP", mlp), ("convolutions", convolutional)] {
        let architecture = |dtype: &str| {
            let head =
                format!("loss = \"cross_entropy\"\ndtype = \"{dtype}\"\ninput = [1, 28, 28]\n");
            Architecture::parse(&Source::new("net.toml", head + &layers)).unwrap()
        };
        let reference = NetworkLoss::new(architecture("f64"), &data, &Device::cpu()).unwrap();
        let network = NetworkLoss::new(architecture("f32"), &data, device).unwrap();
        let theta: Vec<f64> = initialise(network.architecture().unwrap(), Scheme::PyTorch, 1)
            .into_iter()
            .map(|x| f64::from(x as f32))
            .collect();
        // Hundreds of pixels add up: larger imaginary parts would reach the poles of tanh, at ±iπ/2, where no 32-bit
        // number is good for a derivative.
        let worst = agree(name, &network, &reference, &theta, 1.0 / 1024.0, tolerance);
        println!("{}, {name}: largest relative error {worst:.1e}", device.name());
    }
}

#[test]
fn the_host_in_32_bits_agrees_with_64() {
    every_layer_agrees(&Device::cpu(), 1e-5);
}

#[test]
fn fashion_mnist_on_the_host_in_32_bits_agrees_with_64() {
    fashion_mnist_agrees(&Device::cpu(), 1e-5);
}

#[cfg(feature = "wgpu")]
mod wgpu {
    use super::*;
    use bea::network::device::DeviceError;

    fn device() -> Device {
        Device::find("wgpu:0").unwrap_or_else(|error| panic!("{error}: {:?}", Device::present()))
    }

    #[test]
    fn every_layer_agrees_with_the_host() {
        every_layer_agrees(&device(), 1e-5);
    }

    #[test]
    fn fashion_mnist_agrees_with_the_host() {
        fashion_mnist_agrees(&device(), 1e-5);
    }

    #[test]
    fn numbers_of_64_bits_are_right_or_refused() {
        let device = device();
        match device.check(Dtype::F64) {
            Err(error) => assert!(matches!(error, DeviceError::NoDouble { .. }), "{error}"),
            Ok(()) => {
                let references = networks(Dtype::F64, &Device::cpu());
                for ((name, network), (_, reference)) in
                    networks(Dtype::F64, &device).iter().zip(&references)
                {
                    let theta = numbers(1, network.dimension());
                    agree(name, network, reference, &theta, 1.0 / 16.0, 1e-12);
                }
            }
        }
    }

    #[test]
    fn a_device_beyond_those_present_is_an_error_that_lists_them() {
        let error = Device::find("wgpu:7").unwrap_err();
        let DeviceError::Unknown { present, .. } = &error else { panic!("{error}") };
        assert!(present.contains(&"wgpu:0".to_string()), "{error}");
        assert_eq!(Device::find("wgpu").unwrap().name(), "wgpu:0");
    }
}
