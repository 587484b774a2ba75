//! Three networks: derivatives, the sharpest eigenvalue and a velocity of the principal flow, with their times.

use super::measure::{Repetition, Tolerances, duration, error, marked, timed};
use super::networks::{network, numbers};
use bea::curvature::{Hessian, Lanczos};
use bea::flow::{FlowName, Problem, Request, velocity};
use bea::network::NetworkLoss;
use bea::network::architecture::Dtype;
use bea::network::device::Device;
use bea::network::initialise::{Scheme, initialise};
use bea::series::GeneralLinearMethod;
use num_complex::Complex64;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::error::Error;

/// How large the networks are.
#[derive(Clone, Copy, PartialEq)]
pub enum Sizes {
    /// For a graphics card.
    Whole,
    /// For a driver in software.
    Rehearsal,
}

/// A network with the number of its examples.
struct Model {
    name: &'static str,
    description: &'static str,
    examples: usize,
}

/// The networks. Their activations are smooth: a rounded number on the other side of a kink has other derivatives.
fn models(sizes: Sizes) -> [Model; 3] {
    let model = |name, description, examples| Model { name, description, examples };
    let mlp = "input = [784]\narchitecture = \"mlp\"\nhidden = [100, 100, 100, 100]\nactivation = \"tanh\"";
    let transformer = "input = [32, 8]\narchitecture = \"transformer\"";
    match sizes {
        Sizes::Whole => [
            model("mlp", mlp, 1000),
            model(
                "resnet18",
                "input = [3, 8, 8]\narchitecture = \"resnet18\"\nactivation = \"tanh\"",
                64,
            ),
            model("transformer", transformer, 100),
        ],
        Sizes::Rehearsal => [
            model("mlp", mlp, 20),
            model(
                "resnet_slim",
                "input = [3, 8, 8]\narchitecture = \"resnet_slim\"\nactivation = \"tanh\"",
                8,
            ),
            model("transformer", transformer, 4),
        ],
    }
}

/// What is evaluated, and what PyTorch's times of it are called.
const QUANTITIES: [(&str, &str); 5] = [
    ("∇E", "gradient"),
    ("∇²E v", "hv"),
    ("∇³E[v,v]", "third"),
    ("largest eigenvalue", ""),
    ("principal flow", ""),
];

/// What `benches/peers/accelerator.py` prints.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct PyTorch {
    /// Version and device.
    name: String,
    models: BTreeMap<String, PyTorchModel>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PyTorchModel {
    parameters: usize,
    /// Seconds by precision and quantity.
    seconds: BTreeMap<String, BTreeMap<String, f64>>,
}

impl PyTorch {
    pub fn read(file: &str) -> Result<PyTorch, Box<dyn Error>> {
        Ok(serde_json::from_str(&std::fs::read_to_string(file)?)?)
    }

    /// The seconds that a quantity took.
    fn seconds(&self, model: &str, dtype: Dtype, quantity: &str) -> Option<f64> {
        let dtype = if dtype == Dtype::F32 { "f32" } else { "f64" };
        self.models.get(model)?.seconds.get(dtype)?.get(quantity).copied()
    }

    /// Refuses times of another network.
    fn check(&self, model: &str, parameters: usize) -> Result<(), Box<dyn Error>> {
        match self.models.get(model) {
            Some(theirs) if theirs.parameters != parameters => Err(format!(
                "PyTorch's {model} has {} parameters, this one {parameters}",
                theirs.parameters
            )
            .into()),
            _ => Ok(()),
        }
    }
}

/// Evaluates the quantity at this index of [`QUANTITIES`]; the velocity is that at the step size `h`.
fn evaluate(
    loss: &NetworkLoss,
    quantity: usize,
    theta: &[f64],
    v: &[f64],
    h: f64,
) -> Result<Vec<f64>, Box<dyn Error>> {
    Ok(match quantity {
        0 => loss.gradient(theta)?.1,
        1 => loss.hessian_vectors(theta, &[v])?.remove(0),
        2 => loss.contraction(theta, &[v, v])?,
        3 => {
            // Of the residual, whose square is the error of the eigenvalue.
            let lanczos = Lanczos { tolerance: 1e-5, ..Lanczos::default() };
            let found = lanczos.run(&Hessian::new(loss, theta), &[])?;
            if !found.converged {
                return Err("the largest eigenvalue was not found".into());
            }
            vec![found.largest[0].value]
        }
        _ => {
            let request = Request { lr: h, ..Request::default() };
            let at: Vec<Complex64> = theta.iter().map(|&x| x.into()).collect();
            let (problem, step) = (Problem::new(loss.clone()), &GeneralLinearMethod::euler());
            let found =
                velocity(&problem, "gradient descent", step, &at, FlowName::Principal, &request)?;
            found.map_err(|stop| stop.to_string())?.iter().flat_map(|z| [z.re, z.im]).collect()
        }
    })
}

/// Compares each network on the device with the host; returns how many quantities are further apart than allowed.
pub fn check(
    device: &Device,
    dtype: Dtype,
    sizes: Sizes,
    pytorch: &PyTorch,
) -> Result<usize, Box<dyn Error>> {
    let tolerances = Tolerances::of(dtype).networks;
    let (device_times, host_times) = match sizes {
        Sizes::Whole => {
            (Repetition { least: 2, seconds: 1.0 }, Repetition { least: 1, seconds: 1.0 })
        }
        Sizes::Rehearsal => [Repetition { least: 1, seconds: 0.0 }; 2].into(),
    };
    let theirs = if pytorch.name.is_empty() { "" } else { "PyTorch" };
    println!(
        "{:<42}{:>10}{:>10}{:>12}{:>12}{theirs:>12}",
        "", "error", "allowed ", "device", "host, f64"
    );
    let mut broken = 0;
    for Model { name, description, examples } in models(sizes) {
        let head = format!("loss = \"cross_entropy\"\n{description}\nout = 10");
        let on = |dtype, device: &Device| network(&head, "", examples, dtype, device);
        let host = on(Dtype::F64, &Device::cpu());
        let p = host.dimension();
        pytorch.check(name, p)?;
        let drawn = initialise(host.architecture().expect("layers"), Scheme::PyTorch, 1);
        let theta: Vec<f64> = drawn.into_iter().map(|x| f64::from(x as f32)).collect();
        // Of length 1, and the same in both precisions.
        let scale = f64::from((p as f64 / 3.0).sqrt().recip() as f32);
        let v: Vec<f64> =
            numbers(2, p).into_iter().map(|x| f64::from((x * scale) as f32)).collect();
        println!("{name}, {p} parameters, {examples} examples");
        let loss = on(dtype, device);
        let mut h = f64::NAN;
        for (quantity, (what, key)) in QUANTITIES.into_iter().enumerate() {
            let (expected, on_host) =
                timed(host_times, || evaluate(&host, quantity, &theta, &v, h))?;
            let tolerance = tolerances[quantity];
            let line = match timed(device_times, || evaluate(&loss, quantity, &theta, &v, h)) {
                Ok((found, seconds)) => {
                    let (cell, is_broken) = marked(error(&found, &expected, 0.0), tolerance);
                    broken += usize::from(is_broken);
                    let allowed = format!("{tolerance:.1e} ");
                    format!("{cell:>10}{allowed:>10}{:>12}", duration(seconds))
                }
                Err(error) => {
                    broken += 1;
                    format!(" ! {error}")
                }
            };
            if what == "largest eigenvalue" {
                // Half way to the branch point of the principal flow, at hλ = 1.
                h = 0.5 / expected[0];
            }
            let peer = pytorch.seconds(name, dtype, key).map(duration).unwrap_or_default();
            println!("  {what:<40}{line}{:>12}{peer:>12}", duration(on_host));
        }
    }
    if !pytorch.name.is_empty() {
        println!("PyTorch: {}", pytorch.name);
    }
    Ok(broken)
}
