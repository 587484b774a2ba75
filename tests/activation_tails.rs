//! Activations far from zero, where their values and derivatives are small: relative errors, not absolute ones.

use bea::network::NetworkLoss;
use bea::network::architecture::Architecture;
use bea::network::data::{Dataset, Targets, Values};
use bea::network::device::Device;
use bea::source::Source;
use num_complex::Complex64;
use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// `E(w, b) = σ(wx + b)²` at one example `x`.
fn square_of(activation: &str, x: f64, dtype: &str) -> NetworkLoss {
    let text = format!(
        "loss = \"mse\"\ndtype = \"{dtype}\"\ninput = [1]\n[[layer]]\ntype = \"linear\"\nout = 1\n[[layer]]\n\
         type = \"{activation}\"\n"
    );
    let network = Architecture::parse(&Source::new("net.toml", text)).unwrap();
    let targets = Targets::Values { values: vec![0.0], width: 1 };
    let data = Dataset::new("one", vec![1], Values::F64(vec![x]), targets).unwrap();
    NetworkLoss::new(network, &data, &Device::cpu()).unwrap()
}

/// `1 - erf(x)` by Laplace's continued fraction, or near 0 by Taylor's series of `erf`.
fn erfc(x: f64) -> f64 {
    if x < 0.0 {
        return 2.0 - erfc(-x);
    }
    if x < 2.0 {
        let (mut term, mut sum) = (x, x);
        for n in 1..80 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        return 1.0 - sum * 2.0 / PI.sqrt();
    }
    let fraction = (1..200).rev().fold(x, |below, n| x + f64::from(n) / 2.0 / below);
    (-x * x).exp() / PI.sqrt() / fraction
}

/// The function and its first two derivatives, by formulas without differences of numbers that are nearly equal.
fn exact(activation: &str, x: f64) -> [f64; 3] {
    let small = (-x.abs()).exp();
    // σ(|x|) and σ(-|x|).
    let (upper, lower) = (1.0 / (1.0 + small), small / (1.0 + small));
    let sigmoid = if x > 0.0 { upper } else { lower };
    let slope = upper * lower;
    match activation {
        "gelu" => {
            let density = (-x * x / 2.0).exp() / (2.0 * PI).sqrt();
            let below = erfc(-x * FRAC_1_SQRT_2) / 2.0;
            [x * below, below + x * density, density * (2.0 - x * x)]
        }
        "sigmoid" => [sigmoid, slope, slope * if x > 0.0 { lower - upper } else { upper - lower }],
        "softplus" => [x.max(0.0) + small.ln_1p(), sigmoid, slope],
        "elu" => [x.exp_m1(), x.exp(), x.exp()],
        "tanh" => {
            let square = 1.0 / x.cosh().powi(2);
            [x.tanh(), square, -2.0 * x.tanh() * square]
        }
        other => panic!("{other}"),
    }
}

fn near(found: f64, expected: f64, tolerance: f64, what: &str) {
    let error = ((found - expected) / expected).abs();
    assert!(error <= tolerance, "{what}: {found:e} instead of {expected:e}");
}

/// Some roundings. The GELU of 64 bits, and of complex numbers, rounds `x²/2` before it takes the exponential, which is
/// worth a factor `x²/2` in its value, and twice that in the square; in 32 bits real numbers are corrected for it.
fn tolerance(activation: &str, dtype: &str, x: f64, is_complex: bool) -> f64 {
    let epsilon = if dtype == "f32" { f64::from(f32::EPSILON) } else { f64::EPSILON };
    let rounded = activation == "gelu" && (is_complex || dtype == "f64");
    epsilon * if rounded { 5.0 + 2.0 * x * x } else { 5.0 }
}

#[test]
fn gelu_in_the_left_tail() {
    // φ and Φ at -5.5 from tables with 8 digits: 1.0769760e-7 and 1.8989562e-8.
    let loss = square_of("gelu", -5.5, "f32");
    let (_, gradient) = loss.gradient(&[1.0, 0.0]).unwrap();
    let norm = gradient[0].hypot(gradient[1]);
    assert_eq!(format!("{norm:.2e}"), "6.69e-13");
}

#[test]
fn values_and_derivatives_are_exact_relatively() {
    let tails = [
        ("gelu", vec![-3.0, -5.5, -6.0, -8.0, -12.0, 4.0]),
        ("sigmoid", vec![-10.0, -20.0, -40.0, -80.0, 3.0, 15.0, 40.0]),
        ("softplus", vec![-10.0, -20.0, -40.0, 20.0]),
        ("elu", vec![-1.0, -10.0, -18.0, -40.0]),
        ("tanh", vec![-10.0, -20.0, 6.0, 12.0, 25.0]),
    ];
    for dtype in ["f32", "f64"] {
        for (activation, points) in &tails {
            for &x in points {
                let [value, slope, bend] = exact(activation, x);
                let what = format!("{activation} at {x} in {dtype}");
                // Squares of what is smaller are no normal numbers of 32 bits.
                let least = [value * value, value * slope, slope * slope, value * bend];
                if dtype == "f32" && least.iter().any(|x| x.abs() < 1e-36) {
                    continue;
                }
                let of = |is_complex| tolerance(activation, dtype, x, is_complex);
                let tolerance = of(false);
                let loss = square_of(activation, x, dtype);
                let theta = [1.0, 0.0];
                let (found, gradient) = loss.gradient(&theta).unwrap();
                near(found, value * value, tolerance, &what);
                near(gradient[1], 2.0 * value * slope, tolerance, &what);
                let second = 2.0 * (slope * slope + value * bend);
                let product = &loss.hessian_vectors(&theta, &[&[0.0, 1.0]]).unwrap()[0];
                let digits = (2.0 * slope * slope).abs() / second.abs();
                near(product[1], second, tolerance * digits.max(1.0), &what);
                // The same through complex numbers, and their own derivative.
                let complex = theta.map(Complex64::from);
                let tolerance = of(true);
                let (at, holomorphic) = loss.gradient(&complex).unwrap();
                near(at.re, value * value, tolerance, &what);
                near(holomorphic[1].re, 2.0 * value * slope, tolerance, &what);
                let step = 1e-4;
                let beside = [complex[0], Complex64::new(0.0, step)];
                let along = loss.loss(&beside).unwrap().im / step;
                near(along, 2.0 * value * slope, tolerance + 1e-4, &what);
            }
        }
    }
}
