//! Checks a device against the host: `check_accelerator DEVICE [PYTORCH]` evaluates every operation of graphs, every layer
//! and three networks on the device `wgpu`, `cuda:0`, …, in each precision that it has, and prints how far from the host's
//! binary64 the results are, beside the most that is allowed, and how long they took. It ends with 1 where one is further, and
//! with 2 where there is no such device.
//!
//! `PYTORCH` is a file of `benches/peers/accelerator.py`, PyTorch's times of the same networks. `rehearsal` in place of it
//! takes small networks, for a driver in software. `scripts/check-accelerator` builds and runs all of that.

#[path = "../../tests/graph/mod.rs"]
mod graph;
mod measure;
mod models;
#[path = "../../tests/networks/mod.rs"]
mod networks;
mod small;

use bea::network::architecture::Dtype;
use bea::network::device::Device;
use miette::Diagnostic;
use models::{PyTorch, Sizes};
use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

/// Runs the checks; returns how many results are further from the host's than allowed.
fn check(device: &Device, sizes: Sizes, pytorch: &PyTorch) -> Result<usize, Box<dyn Error>> {
    let model = device.model()?.unwrap_or_else(|| "the host".into());
    println!("{}: {model}", device.name());
    let mut broken = 0;
    for (dtype, bits) in [(Dtype::F32, 32), (Dtype::F64, 64)] {
        if let Err(error) = device.check(dtype) {
            println!("\n{error}");
            continue;
        }
        println!("\nOperations of graphs in {bits} bits");
        broken += small::operations(device, dtype);
        println!("\nLayers and losses in {bits} bits");
        broken += small::layers(device, dtype);
        println!("\nNetworks in {bits} bits");
        broken += models::check(device, dtype, sizes, pytorch)?;
    }
    Ok(broken)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (name, sizes, pytorch) = match arguments[..] {
        [name] => (name, Sizes::Whole, Ok(PyTorch::default())),
        [name, "rehearsal"] => (name, Sizes::Rehearsal, Ok(PyTorch::default())),
        [name, file] => (name, Sizes::Whole, PyTorch::read(file)),
        _ => {
            eprintln!("usage: check_accelerator DEVICE [PYTORCH | rehearsal]");
            return ExitCode::from(2);
        }
    };
    let device = match Device::find(name) {
        Ok(device) => device,
        Err(error) => {
            let help = error.help().map(|help| format!("\n{help}")).unwrap_or_default();
            eprintln!("{error}{help}");
            return ExitCode::from(2);
        }
    };
    let start = Instant::now();
    let result = pytorch.and_then(|pytorch| check(&device, sizes, &pytorch));
    println!("\nThe check took {:.0} s.", start.elapsed().as_secs_f64());
    match result {
        Ok(0) => {
            println!("All results are as near to the host's as they have to be.");
            ExitCode::SUCCESS
        }
        Ok(broken) => {
            println!(
                "\n{broken} results, marked by !, are not as near to the host's as they have to be."
            );
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}
