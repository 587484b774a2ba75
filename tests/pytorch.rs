//! Loss, gradient, Hessian-vector product and third derivative against PyTorch's own, on checkpoints that it wrote:
//! `tests/pytorch/derivatives.py`.

use bea::network::NetworkLoss;
use bea::network::architecture::Architecture;
use bea::network::data;
use bea::network::device::Device;
use bea::network::weights::load;
use bea::source::Source;
use safetensors::SafeTensors;
use std::path::Path;

/// The largest difference, relative to the largest number.
fn difference(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0f64, |m, e| m.max(e.abs()));
    found.iter().zip(expected).fold(0.0f64, |m, (f, e)| m.max((f - e).abs())) / largest
}

fn agrees_with_pytorch(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pytorch");
    let file = |kind: &str| folder.join(format!("{name}.{kind}"));
    let text = std::fs::read_to_string(file("toml")).unwrap();
    let network = Architecture::parse(&Source::new(name, text)).unwrap();
    let theta = load(&file("weights.safetensors"), &network).unwrap();
    let direction = load(&file("direction.safetensors"), &network).unwrap();
    let examples = data::open(file("data.safetensors").to_str().unwrap()).unwrap();
    let bytes = std::fs::read(file("expected.safetensors")).unwrap();
    let expected = SafeTensors::deserialize(&bytes).unwrap();
    let tensor = |name: &str| -> Vec<f64> {
        let (numbers, _) = expected.tensor(name).unwrap().data().as_chunks();
        numbers.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
    };
    let flat = |kind: &str| -> Vec<f64> {
        network.parameters.iter().flat_map(|p| tensor(&format!("{kind}.{}", p.name))).collect()
    };
    let loss = NetworkLoss::new(network.clone(), &examples, &Device::cpu()).unwrap();
    let (value, gradient) = loss.gradient(&theta).unwrap();
    let v = direction.as_slice();
    for (what, found, expected) in [
        ("loss", vec![value], tensor("loss")),
        ("gradient", gradient, flat("gradient")),
        ("hvp", loss.contraction(&theta, &[v]).unwrap(), flat("hvp")),
        ("third", loss.contraction(&theta, &[v, v]).unwrap(), flat("third")),
    ] {
        let difference = difference(&found, &expected);
        assert!(difference < 1e-11, "{name}: {what} differs by {difference:e}");
    }
}

#[test]
fn every_activation_and_norm() {
    agrees_with_pytorch("dense");
}

#[test]
fn convolutions_and_pools() {
    agrees_with_pytorch("convolution");
}

#[test]
fn a_transformer_of_integers() {
    agrees_with_pytorch("transformer");
}

#[test]
fn a_transformer_with_norms_last() {
    agrees_with_pytorch("norm_last");
}
