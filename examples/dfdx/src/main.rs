//! A perceptron written with dfdx 0.13 as an objective of bea: its principal flow, its stability coefficients and a
//! drift-adjusted step, beside those of bea's own network of the same weights.
//!
//! dfdx has gradients alone, so that Hessian-vector products are central differences of them, asked for by name. bea's own
//! network has exact ones. The two columns agree to the digits that differences leave.
//!
//! ```sh
//! cargo run --release --manifest-path examples/dfdx/Cargo.toml
//! ```

use bea::Dal;
use bea::flow::stability::{StabilityCoefficient, stability_coefficients};
use bea::network::architecture::Architecture;
use bea::network::data::{self, Dataset, Targets};
use bea::network::device::Device;
use bea::network::initialise::{Scheme, initialise};
use bea::network::NetworkLoss;
use bea::objective::Objective;
use bea::source::Source;
use dfdx::prelude::*;
use std::error::Error;

/// 4 inputs, 10 hidden units, 3 classes.
type Perceptron = (modules::Linear<4, 10, f64, Cpu>, Tanh, modules::Linear<10, 3, f64, Cpu>);
type Builder = (builders::Linear<4, 10>, Tanh, builders::Linear<10, 3>);

/// The learning rate.
const H: f64 = 0.5;
/// How many eigenvalues are looked at.
const EIGENVALUES: usize = 3;

/// The same perceptron as bea describes it. Its parameters are, in order, weight and bias of the first linear layer
/// and those of the second: weights row by row, a row an output, as in dfdx.
fn architecture() -> Result<Architecture, Box<dyn Error>> {
    let text = r#"
        loss = "cross_entropy"
        dtype = "f64"
        input = [4]
        layer = [{ type = "linear", out = 10 }, { type = "tanh" }, { type = "linear", out = 3 }]
    "#;
    Ok(Architecture::parse(&Source::new("perceptron", text))?)
}

/// The mean cross entropy of dfdx's perceptron over all examples, as an objective.
fn of_dfdx(examples: &Dataset) -> Result<impl Objective, Box<dyn Error>> {
    let Targets::Classes { labels, .. } = &examples.targets else {
        return Err("the targets are not classes".into());
    };
    let device = Cpu::default();
    let n = examples.len();
    let inputs = device.tensor_from_vec(examples.rows_f64(0..n), (n, Const::<4>));
    let hot = labels.iter().flat_map(|&label| (0..3).map(move |k| f64::from(u8::from(k == label as usize))));
    let targets = device.tensor_from_vec(hot.collect(), (n, Const::<3>));
    let empty: Perceptron = device.build_module::<Builder, f64>();
    let gradient = move |x: &[f64], g: &mut [f64]| {
        let mut perceptron = empty.clone();
        let (first, second) = x.split_at(50);
        perceptron.0.weight.copy_from(&first[..40]);
        perceptron.0.bias.copy_from(&first[40..]);
        perceptron.2.weight.copy_from(&second[..30]);
        perceptron.2.bias.copy_from(&second[30..]);
        let logits = perceptron.forward(inputs.clone().traced(perceptron.alloc_grads()));
        let loss = cross_entropy_with_logits_loss(logits, targets.clone());
        let value = loss.array();
        let gradients = loss.backward();
        let parts = [
            gradients.get(&perceptron.0.weight).as_vec(),
            gradients.get(&perceptron.0.bias).as_vec(),
            gradients.get(&perceptron.2.weight).as_vec(),
            gradients.get(&perceptron.2.bias).as_vec(),
        ];
        g.copy_from_slice(&parts.concat());
        value
    };
    Ok(bea::objective(83).gradient(gradient).differences(1e-5))
}

/// What bea says of an objective at one point.
struct Seen {
    loss: f64,
    /// The principal flow `log(1-hH)/(hH) ∇E`: its real part.
    flow: Vec<f64>,
    coefficients: Vec<StabilityCoefficient>,
    /// The learning rate of a drift-adjusted step, and where it leads.
    rate: f64,
    next: Vec<f64>,
}

fn look(objective: &dyn Objective, x: &[f64]) -> Result<Seen, Box<dyn Error>> {
    let mut gradient = vec![0.0; x.len()];
    let loss = objective.value_and_gradient(x, &mut gradient)?;
    let mut pairs = bea::spectrum(objective, x)?.top(EIGENVALUES)?;
    let coefficients = stability_coefficients(&mut pairs, &gradient, H);
    let velocity = bea::principal_flow(objective).velocity(x, H)?.value;
    let step = Dal::new().step(objective, x)?;
    let flow = velocity.iter().map(|v| v.re).collect();
    Ok(Seen { loss, flow, coefficients, rate: step.learning_rate, next: step.next })
}

/// dfdx's perceptron and bea's own at the same weights.
fn both() -> Result<[Seen; 2], Box<dyn Error>> {
    let iris = data::open("iris")?;
    let architecture = architecture()?;
    let x = initialise(&architecture, Scheme::PyTorch, 1);
    let own = NetworkLoss::new(architecture, &iris, &Device::cpu())?;
    Ok([look(&of_dfdx(&iris)?, &x)?, look(&own, &x)?])
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn main() -> Result<(), Box<dyn Error>> {
    let [dfdx, own] = both()?;
    println!("{:<24} {:>14} {:>14}", "", "dfdx", "bea's own");
    let line = |name: &str, a: f64, b: f64| println!("{name:<24} {a:>14.8} {b:>14.8}");
    line("loss", dfdx.loss, own.loss);
    line("norm of the flow, h = 0.5", norm(&dfdx.flow), norm(&own.flow));
    for (k, (a, b)) in dfdx.coefficients.iter().zip(&own.coefficients).enumerate() {
        line(&format!("hλ_{k}"), a.z, b.z);
        line(&format!("sc_{k}"), a.coefficient.re, b.coefficient.re);
    }
    line("rate of a DAL step", dfdx.rate, own.rate);
    line("norm after the step", norm(&dfdx.next), norm(&own.next));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Differences of gradients leave about ten digits of a product.
    #[test]
    fn the_two_agree_to_the_digits_of_differences() {
        let [dfdx, own] = both().unwrap();
        let close = |a: f64, b: f64, tolerance: f64| {
            assert!((a - b).abs() <= tolerance * b.abs().max(1e-3), "{a} {b}");
        };
        close(dfdx.loss, own.loss, 1e-13);
        let apart: Vec<f64> = dfdx.flow.iter().zip(&own.flow).map(|(a, b)| a - b).collect();
        assert!(norm(&apart) < 1e-7 * norm(&own.flow), "{:e}", norm(&apart));
        for (a, b) in dfdx.coefficients.iter().zip(&own.coefficients) {
            close(a.z, b.z, 1e-7);
            close(a.coefficient.re, b.coefficient.re, 1e-6);
        }
        close(dfdx.rate, own.rate, 1e-7);
        close(norm(&dfdx.next), norm(&own.next), 1e-7);
    }
}
