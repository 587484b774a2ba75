//! Derivatives of networks, layer by layer, against central differences of one order less and against each other.

mod cases;

use bea::network::architecture::Dtype;
use bea::network::data::{Dataset, Targets, Values};
use bea::network::device::Device;
use bea::network::{NetworkLoss, Scalar};
use networks::{layers, numbers};
use num_complex::Complex64;
use proptest::prelude::*;

mod networks;

fn network(head: &str, layers: &str, examples: usize) -> NetworkLoss {
    networks::network(head, layers, examples, Dtype::F64, &Device::cpu())
}

fn networks() -> Vec<(&'static str, NetworkLoss)> {
    networks::networks(Dtype::F64, &Device::cpu())
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|a| a * a).sum::<f64>().sqrt()
}

fn dot<S: Scalar + std::ops::Mul<Output = S> + std::iter::Sum>(x: &[S], y: &[S]) -> S {
    x.iter().zip(y).map(|(&a, &b)| a * b).sum()
}

fn moved(x: &[f64], step: f64, v: &[f64]) -> Vec<f64> {
    x.iter().zip(v).map(|(x, v)| x + step * v).collect()
}

fn difference(x: &[f64], y: &[f64], step: f64) -> Vec<f64> {
    x.iter().zip(y).map(|(x, y)| (x - y) / (2.0 * step)).collect()
}

fn close(name: &str, what: &str, x: &[f64], y: &[f64], tolerance: f64) {
    let error = norm(&x.iter().zip(y).map(|(a, b)| a - b).collect::<Vec<_>>());
    let size = norm(x).max(norm(y));
    assert!(
        error <= tolerance * size + 1e-12,
        "{name}: {what} differ by {error:.2e} of {size:.2e}"
    );
}

#[test]
fn every_layer_against_central_differences() {
    let h = 1e-5;
    for (name, network) in networks() {
        let p = network.dimension();
        let theta = numbers(1, p);
        let (v, w) = (numbers(2, p), numbers(3, p));
        let (up, down) = (moved(&theta, h, &v), moved(&theta, -h, &v));

        let (loss, gradient) = network.gradient(&theta).unwrap();
        assert_eq!(loss, network.loss(&theta).unwrap(), "{name}");
        let slope = (network.loss(&up).unwrap() - network.loss(&down).unwrap()) / (2.0 * h);
        close(name, "directional derivatives", &[slope], &[dot(&gradient, &v)], 1e-6);

        let product = network.hessian_vectors(&theta, &[&v]).unwrap().remove(0);
        let differences =
            difference(&network.gradient(&up).unwrap().1, &network.gradient(&down).unwrap().1, h);
        close(name, "Hessian-vector products", &product, &differences, 1e-6);

        let third = network.contraction(&theta, &[&v, &w]).unwrap();
        let along = |at: &[f64]| network.hessian_vectors(at, &[&w]).unwrap().remove(0);
        close(name, "third derivatives", &third, &difference(&along(&up), &along(&down), h), 1e-6);

        let fourth = network.contraction(&theta, &[&v, &w, &w]).unwrap();
        let along = |at: &[f64]| network.contraction(at, &[&w, &w]).unwrap();
        close(
            name,
            "fourth derivatives",
            &fourth,
            &difference(&along(&up), &along(&down), h),
            1e-6,
        );
    }
}

#[test]
fn contractions_are_symmetric_and_blocks_agree_with_single_products() {
    for (name, network) in networks() {
        let p = network.dimension();
        let theta = numbers(1, p);
        let (u, v, w) = (numbers(2, p), numbers(3, p), numbers(4, p));
        let products = network.hessian_vectors(&theta, &[&u, &v, &w]).unwrap();
        close(
            name,
            "products in a block",
            &products[1],
            &network.contraction(&theta, &[&v]).unwrap(),
            1e-13,
        );
        close(name, "uᵀHv", &[dot(&products[0], &v)], &[dot(&products[1], &u)], 1e-12);
        let third = network.contraction(&theta, &[&u, &v]).unwrap();
        close(name, "∇³E[u, v]", &third, &network.contraction(&theta, &[&v, &u]).unwrap(), 1e-13);
        let other = network.contraction(&theta, &[&v, &w]).unwrap();
        close(name, "∇³E[u, v, w]", &[dot(&third, &w)], &[dot(&other, &u)], 1e-11);
        // Equal directions are evaluated in another algebra than different ones: polarisation.
        let sum: Vec<f64> = u.iter().zip(&v).map(|(a, b)| a + b).collect();
        let square = |x: &[f64]| network.contraction(&theta, &[x, x]).unwrap();
        let polar: Vec<f64> = square(&sum)
            .iter()
            .zip(square(&u))
            .zip(square(&v))
            .map(|((s, a), b)| (s - a - b) / 2.0)
            .collect();
        close(name, "polarisation", &third, &polar, 1e-11);
    }
}

#[test]
fn fourth_derivatives_are_linear_and_symmetric() {
    for (name, network) in networks() {
        let p = network.dimension();
        let theta = numbers(1, p);
        let (u, v, w, x) = (numbers(2, p), numbers(3, p), numbers(4, p), numbers(7, p));
        let of = |a: &[f64], b: &[f64], c: &[f64]| network.contraction(&theta, &[a, b, c]).unwrap();
        let whole = of(&u, &v, &w);
        for (a, b, c) in [(&u, &w, &v), (&v, &u, &w), (&v, &w, &u), (&w, &u, &v), (&w, &v, &u)] {
            close(name, "∇⁴E[u, v, w] and a permutation", &whole, &of(a, b, c), 1e-12);
        }
        // The free index is no different from the contracted ones.
        let other = of(&x, &v, &w);
        close(name, "∇⁴E[u, v, w, x]", &[dot(&whole, &x)], &[dot(&other, &u)], 1e-10);
        let mixed: Vec<f64> = u.iter().zip(&x).map(|(a, b)| 0.7 * a - 1.3 * b).collect();
        let sum: Vec<f64> = whole.iter().zip(&other).map(|(a, b)| 0.7 * a - 1.3 * b).collect();
        for (what, found) in [
            ("the first slot", of(&mixed, &v, &w)),
            ("the second slot", of(&v, &mixed, &w)),
            ("the third slot", of(&v, &w, &mixed)),
        ] {
            close(name, &format!("linearity in {what}"), &found, &sum, 1e-11);
        }
        // Two and three equal directions are evaluated in other algebras than different ones.
        let cube = |x: &[f64]| of(x, x, x);
        let plus: Vec<f64> = u.iter().zip(&v).map(|(a, b)| a + b).collect();
        let minus: Vec<f64> = u.iter().zip(&v).map(|(a, b)| a - b).collect();
        let polar: Vec<f64> = cube(&plus)
            .iter()
            .zip(cube(&minus))
            .zip(cube(&u))
            .map(|((p, m), c)| (p + m - 2.0 * c) / 6.0)
            .collect();
        close(name, "polarisation", &of(&u, &v, &v), &polar, 1e-10);
    }
}

#[test]
fn complex_derivatives_are_those_of_a_holomorphic_function() {
    let h = 1e-5;
    for (name, network) in networks() {
        let p = network.dimension();
        let theta = numbers(1, p);
        let small: Vec<f64> = numbers(2, p).iter().map(|x| 0.05 * x).collect();
        let real: Vec<Complex64> = theta.iter().map(|&x| x.into()).collect();
        let (loss, gradient) = network.gradient(&theta).unwrap();
        let (complex_loss, complex_gradient) = network.gradient(&real).unwrap();
        assert!((complex_loss - loss).norm() < 1e-13, "{name}");
        let re: Vec<f64> = complex_gradient.iter().map(|z| z.re).collect();
        close(name, "gradients on the real axis", &gradient, &re, 1e-12);

        let z: Vec<Complex64> =
            theta.iter().zip(&small).map(|(&a, &b)| Complex64::new(a, b)).collect();
        let v: Vec<Complex64> = numbers(3, p)
            .into_iter()
            .zip(numbers(4, p))
            .map(|(a, b)| Complex64::new(a, b))
            .collect();
        let step =
            |s: Complex64| -> Vec<Complex64> { z.iter().zip(&v).map(|(z, v)| z + s * v).collect() };
        let gradient = network.gradient(&z).unwrap().1;
        let product = network.hessian_vectors(&z, &[&v]).unwrap().remove(0);
        // Cauchy-Riemann: steps along the real and the imaginary axis give the same derivative.
        for direction in [Complex64::new(h, 0.0), Complex64::new(0.0, h)] {
            let slope = (network.loss(&step(direction)).unwrap()
                - network.loss(&step(-direction)).unwrap())
                / (2.0 * direction);
            let expected = dot(&gradient, &v);
            assert!(
                (slope - expected).norm() < 1e-6 * expected.norm() + 1e-10,
                "{name}: {slope} {expected}"
            );
            let (up, down) = (
                network.gradient(&step(direction)).unwrap().1,
                network.gradient(&step(-direction)).unwrap().1,
            );
            let parts = |z: &mut dyn Iterator<Item = Complex64>| -> Vec<f64> {
                z.flat_map(|z| [z.re, z.im]).collect()
            };
            let quotient =
                parts(&mut up.iter().zip(&down).map(|(a, b)| (a - b) / (2.0 * direction)));
            close(name, "complex products", &parts(&mut product.iter().copied()), &quotient, 1e-6);
        }
    }
}

#[test]
fn the_loss_of_one_linear_layer_is_the_formula() {
    // Two features, two classes: everything by hand.
    let network =
        network("loss = \"cross_entropy\"\ninput = [2]", &layers(&["\"linear\"; out = 2"]), 3);
    let theta = [0.3, -0.2, 0.5, 0.7, 0.1, -0.4];
    let inputs = numbers(5, 6);
    let mut loss = 0.0;
    let mut gradient = [0.0; 6];
    for (i, x) in inputs.chunks(2).enumerate() {
        let y: Vec<f64> =
            (0..2).map(|c| theta[2 * c] * x[0] + theta[2 * c + 1] * x[1] + theta[4 + c]).collect();
        let sum: f64 = y.iter().map(|y| y.exp()).sum();
        let label = i * i % 2;
        loss -= (y[label].exp() / sum).ln() / 3.0;
        for c in 0..2 {
            let slope = (y[c].exp() / sum - f64::from(u8::from(c == label))) / 3.0;
            gradient[2 * c] += slope * x[0];
            gradient[2 * c + 1] += slope * x[1];
            gradient[4 + c] += slope;
        }
    }
    let (e, g) = network.gradient(&theta).unwrap();
    assert!((e - loss).abs() < 1e-14);
    close("linear", "gradients", &g, &gradient, 1e-13);
}

/// More examples than a shard holds: the sum over shards is the whole.
#[test]
fn shards_add_up() {
    let head = "loss = \"mse\"\ninput = [40]";
    let text = layers(&["\"linear\"; out = 50", "\"tanh\"", "\"linear\"; out = 2"]);
    let whole = network(head, &text, 6000);
    let theta: Vec<f64> = numbers(1, whole.dimension()).iter().map(|x| 0.1 * x).collect();
    let architecture = || whole.architecture().unwrap().clone();
    let (inputs, values) = (numbers(5, 6000 * 40), numbers(6, 6000 * 2));
    let mut sum = vec![0.0; theta.len()];
    for part in 0..100 {
        let data = Dataset::new(
            "part",
            vec![40],
            Values::F64(inputs[part * 2400..(part + 1) * 2400].to_vec()),
            Targets::Values { values: values[part * 120..(part + 1) * 120].to_vec(), width: 2 },
        )
        .unwrap();
        let small = NetworkLoss::new(architecture(), &data, &Device::cpu()).unwrap();
        for (s, g) in sum.iter_mut().zip(small.gradient(&theta).unwrap().1) {
            *s += g / 100.0;
        }
    }
    close("shards", "gradients", &whole.gradient(&theta).unwrap().1, &sum, 1e-12);
}

proptest! {
    #![proptest_config(cases::cases(24))]
    #[test]
    fn contractions_are_linear(seed in 1u64..1000, a in -2.0..2.0f64, b in -2.0..2.0f64) {
        let text = layers(&["\"linear\"; out = 4", "\"gelu\"", "\"linear\"; out = 3"]);
        let network = network("loss = \"cross_entropy\"\ninput = [3]", &text, 4);
        let p = network.dimension();
        let theta = numbers(seed, p);
        let (u, v, w) = (numbers(seed + 1, p), numbers(seed + 2, p), numbers(seed + 3, p));
        let mixed: Vec<f64> = u.iter().zip(&v).map(|(x, y)| a * x + b * y).collect();
        let whole = network.contraction(&theta, &[&mixed, &w]).unwrap();
        let (x, y) = (network.contraction(&theta, &[&u, &w]).unwrap(), network.contraction(&theta, &[&v, &w]).unwrap());
        let sum: Vec<f64> = x.iter().zip(&y).map(|(x, y)| a * x + b * y).collect();
        close("linearity", "contractions", &whole, &sum, 1e-10);
    }
}

/// Cross entropy and softmax do not change where all outputs of an example move together: along a direction that has much of that,
/// 32-bit derivatives of high order keep their digits, as powers of what is common would cost them.
#[test]
fn what_outputs_have_in_common_costs_no_digits() {
    let of = |dtype| {
        let layers = layers(&["\"linear\"; out = 5", "\"tanh\"", "\"linear\"; out = 3"]);
        let head = "loss = \"cross_entropy\"\ninput = [4]";
        networks::network(head, &layers, 7, dtype, &Device::cpu())
    };
    let (single, double) = (of(Dtype::F32), of(Dtype::F64));
    let p = single.dimension();
    let (theta, mut v) = (numbers(1, p), numbers(2, p));
    v[p - 3..].iter_mut().for_each(|bias| *bias += 8.0);
    for order in 2..=3 {
        let directions = vec![&v[..]; order];
        let found = single.contraction(&theta, &directions).unwrap();
        let exact = double.contraction(&theta, &directions).unwrap();
        close("common", &format!("order {}", order + 1), &found, &exact, 3e-6);
    }
}
