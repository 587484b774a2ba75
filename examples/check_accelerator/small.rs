//! Every operation of graphs and every layer, each in a loss of a few parameters.

use super::graph::{Case, cases};
use super::measure::{Tolerances, derivatives, error, marked};
use super::networks::{networks, numbers};
use bea::network::NetworkLoss;
use bea::network::architecture::Dtype;
use bea::network::device::Device;
use bea::network::graph::Graph;
use std::collections::BTreeSet;
use std::error::Error;

/// A loss on the device and the same on the host in binary64, and where they are compared.
struct Pair {
    name: String,
    device: Result<NetworkLoss, Box<dyn Error>>,
    host: NetworkLoss,
    theta: Vec<f64>,
    v: Vec<f64>,
    w: Vec<f64>,
}

/// Compares the derivatives of each pair; returns how many are further apart than allowed.
fn compare(pairs: impl Iterator<Item = Pair>, dtype: Dtype) -> usize {
    let tolerances = Tolerances::of(dtype).small;
    println!("{:<42}{:>10}{:>10}{:>10}{:>10}", "", "E", "∇E", "∇²E v", "∇³E[v,w]");
    let allowed = tolerances.map(|t| format!("{:>10}", format!("{t:.1e} "))).concat();
    println!("{:<42}{allowed}", "allowed");
    let mut broken = 0;
    for Pair { name, device, host, theta, v, w } in pairs {
        let expected = derivatives(&host, &theta, &v, &w).expect("the host does not fail");
        let found = device.and_then(|loss| Ok(derivatives(&loss, &theta, &v, &w)?));
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                println!("{name:<42} ! {error}");
                broken += 1;
                continue;
            }
        };
        let mut line = format!("{name:<42}");
        for ((x, y), tolerance) in found.iter().zip(&expected).zip(tolerances) {
            // Many derivatives of operations are zero.
            let (cell, is_broken) = marked(error(x, y, 1.0), tolerance);
            line += &format!("{cell:>10}");
            broken += usize::from(is_broken);
        }
        println!("{line}");
    }
    broken
}

/// The nearest 32-bit floats, so that every precision starts from the same.
fn single(values: &mut [f64]) {
    values.iter_mut().for_each(|x| *x = f64::from(*x as f32));
}

/// The cases of `tests/graph/operations.json`, which have each operation at least once.
pub fn operations(device: &Device, dtype: Dtype) -> usize {
    let pair = |mut case: Case| {
        single(&mut case.theta);
        case.directions.iter_mut().for_each(|v| single(v));
        case.constants.values_mut().for_each(|values| single(values));
        let graph = case.open().expect("the graphs of tests are valid");
        let device = NetworkLoss::of_graph(graph.with_dtype(dtype), device).map_err(Into::into);
        let [v, w] = [0, 1].map(|i| case.directions[i].clone());
        Pair { host: case.loss(), name: case.name, device, theta: case.theta, v, w }
    };
    let mut broken = compare(cases().into_iter().map(pair), dtype);
    let graphs =
        cases().into_iter().map(|case| case.open().expect("the graphs of tests are valid"));
    let there: BTreeSet<String> =
        graphs.flat_map(|graph| graph.operations()).map(|(name, _)| name).collect();
    for name in Graph::operation_names().iter().filter(|name| !there.contains(**name)) {
        println!("{name:<42} ! in none of the cases");
        broken += 1;
    }
    broken
}

/// The layers and losses of `tests/networks`.
pub fn layers(device: &Device, dtype: Dtype) -> usize {
    let references = networks(Dtype::F64, &Device::cpu());
    let pairs = networks(dtype, device).into_iter().zip(references);
    let pair = |((name, device), (_, host)): ((&str, NetworkLoss), (&str, NetworkLoss))| {
        let p = host.dimension();
        let (theta, v, w) = (numbers(1, p), numbers(2, p), numbers(3, p));
        Pair { name: name.into(), device: Ok(device), host, theta, v, w }
    };
    compare(pairs.map(pair), dtype)
}
