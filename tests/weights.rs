//! Weights in and out of safetensors files, those of PyTorch among them.

use bea::network::architecture::{Architecture, Criterion, Dtype};
use bea::network::weights::{Tensor, load, load_complex, save, tensors};
use bea::source::Source;
use num_complex::Complex64;
use safetensors::tensor::{Dtype as Element, TensorView, serialize};
use std::path::{Path, PathBuf};

fn mlp() -> Architecture {
    let criterion = Criterion::MeanSquaredError;
    Architecture::find("mlp:3,tanh", &[2], 1, criterion, Dtype::F64).unwrap()
}

/// The network and the weights that PyTorch wrote for it.
fn pytorch(name: &str) -> (Architecture, PathBuf) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pytorch");
    let text = std::fs::read_to_string(folder.join(format!("{name}.toml"))).unwrap();
    let network = Architecture::parse(&Source::new(name, text)).unwrap();
    (network, folder.join(format!("{name}.weights.safetensors")))
}

/// The message and the advice of the error for these tensors.
fn refused(tensors: &[(&str, Element, &[usize], Vec<u8>)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    let views = tensors
        .iter()
        .map(|(name, element, shape, data)| {
            (*name, TensorView::new(*element, shape.to_vec(), data).unwrap())
        })
        .collect::<Vec<_>>();
    std::fs::write(&path, serialize(views, None).unwrap()).unwrap();
    complaint(&path, &mlp())
}

fn complaint(path: &Path, network: &Architecture) -> String {
    let error = load(path, network).unwrap_err();
    let message = error.to_string();
    let file = path.display().to_string();
    let message = message.strip_prefix(&format!("{file}: ")).expect("the file comes first");
    match error.help {
        Some(help) => format!("{message}; {help}"),
        None => message.into(),
    }
}

fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// The tensors of [`mlp`], all zero.
fn zeros() -> [(&'static str, Element, &'static [usize], Vec<u8>); 4] {
    [
        ("0.weight", Element::F32, &[3, 2], f32s(&[0.0; 6])),
        ("0.bias", Element::F32, &[3], f32s(&[0.0; 3])),
        ("2.weight", Element::F32, &[1, 3], f32s(&[0.0; 3])),
        ("2.bias", Element::F32, &[1], f32s(&[0.0])),
    ]
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    let network = mlp();
    let theta: Vec<f64> = (0..network.len()).map(|i| (i as f64 * 0.37).sin() / 3.0).collect();
    save(&path, &tensors(&network, &theta, ""), Dtype::F64).unwrap();
    assert_eq!(load(&path, &network).unwrap(), theta);
    save(&path, &tensors(&network, &theta, ""), Dtype::F32).unwrap();
    let rounded: Vec<f64> = theta.iter().map(|value| f64::from(*value as f32)).collect();
    assert_eq!(load(&path, &network).unwrap(), rounded);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
}

#[test]
fn complex_weights_are_two_tensors_or_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    let network = mlp();
    let theta: Vec<f64> = (0..network.len()).map(|i| i as f64).collect();
    let mut parts = tensors(&network, &theta, "");
    // The first is complex, the others real.
    let first = parts.remove(0);
    parts.push(Tensor { name: "0.weight.re".into(), ..first.clone() });
    let values = first.values.iter().map(|value| -value).collect();
    parts.push(Tensor { name: "0.weight.im".into(), values, ..first });
    save(&path, &parts, Dtype::F64).unwrap();
    let expected = theta.iter().enumerate();
    let expected: Vec<Complex64> =
        expected.map(|(i, re)| Complex64::new(*re, if i < 6 { -re } else { 0.0 })).collect();
    assert_eq!(load_complex(&path, &network).unwrap(), expected);
    let message = complaint(&path, &network);
    assert!(message.contains("there is no tensor `0.weight`"), "{message}");
    parts.pop();
    save(&path, &parts, Dtype::F64).unwrap();
    let message = load_complex(&path, &network).unwrap_err().to_string();
    assert!(message.contains("there is no tensor `0.weight.im`"), "{message}");
}

/// `state_dict`s in binary64, binary32, binary16 and bfloat16, with the running statistics of batch norms.
#[test]
fn checkpoints_of_pytorch_are_read() {
    for name in ["dense", "convolution", "transformer", "norm_last"] {
        let (network, path) = pytorch(name);
        let theta = load(&path, &network).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(theta.len(), network.len());
        assert!(theta.iter().all(|value| *value != 0.0), "{name}");
    }
    let (network, path) = pytorch("transformer");
    let theta = load(&path, &network).unwrap();
    assert!(theta.iter().all(|value| half::f16::from_f64(*value).to_f64() == *value));
    let (network, path) = pytorch("dense");
    let theta = load(&path, &network).unwrap();
    assert!(theta.iter().all(|value| half::bf16::from_f64(*value).to_f64() == *value));
}

#[test]
fn missing_and_extra_tensors_are_named() {
    let [w0, b0, w2, b2] = zeros();
    let network = "the network mlp:3,tanh";
    assert_eq!(
        refused(&[w0.clone(), b0.clone(), w2.clone()]),
        format!("there is no tensor `2.bias`, which {network} has")
    );
    assert_eq!(
        refused(std::slice::from_ref(&w0)),
        format!("there is no tensor `0.bias`, `2.weight`, `2.bias`, which {network} has")
    );
    let renamed = ("fc2.weight", w2.1, w2.2, w2.3.clone());
    assert_eq!(
        refused(&[w0.clone(), b0.clone(), renamed, b2.clone()]),
        format!("there is no tensor `2.weight`, which {network} has; the file has `fc2.weight`")
    );
    let all = zeros()
        .map(|(name, element, shape, data)| (format!("module.{name}"), element, shape, data));
    let all: Vec<_> = all.iter().map(|(n, e, s, d)| (n.as_str(), *e, *s, d.clone())).collect();
    assert_eq!(
        refused(&all),
        format!(
            "there is no tensor `0.weight`, `0.bias`, `2.weight` and 1 more, which {network} has; \
             the file has `module.0.weight`: take `module.` off its names"
        )
    );
    let extra = ("3.bias", b2.1, b2.2, b2.3.clone());
    assert_eq!(
        refused(&[w0.clone(), b0.clone(), w2.clone(), b2.clone(), extra]),
        format!("{network} has no parameter `3.bias`; it has `0.bias`, `2.bias`")
    );
    // Running statistics belong to norms only.
    let statistics = ("0.running_mean", b0.1, b0.2, b0.3.clone());
    assert_eq!(
        refused(&[w0, b0, w2, b2, statistics]),
        format!("{network} has no parameter `0.running_mean`")
    );
}

#[test]
fn shapes_types_and_values_are_checked() {
    let [w0, b0, w2, b2] = zeros();
    let place = "but layer 0 of the network mlp:3,tanh takes [3, 2]";
    let other = ("0.weight", w0.1, &[2, 3][..], w0.3.clone());
    assert_eq!(
        refused(&[other, b0.clone(), w2.clone(), b2.clone()]),
        format!(
            "`0.weight` is [2, 3], {place}; a linear weight is [outputs, inputs], as in PyTorch: transpose it"
        )
    );
    let other = ("0.weight", w0.1, &[6][..], w0.3.clone());
    assert_eq!(
        refused(&[other, b0.clone(), w2.clone(), b2.clone()]),
        format!("`0.weight` is [6], {place}")
    );
    let other = ("0.weight", Element::I32, w0.2, w0.3.clone());
    assert_eq!(
        refused(&[other, b0.clone(), w2.clone(), b2.clone()]),
        "`0.weight` holds elements of type I32; weights are of the types F64, F32, F16 or BF16"
    );
    for (bad, shown) in [(f32::NAN, "NaN"), (f32::NEG_INFINITY, "-inf")] {
        let other = ("0.weight", w0.1, w0.2, f32s(&[0.0, 0.0, 0.0, bad, 0.0, 0.0]));
        assert_eq!(
            refused(&[other, b0.clone(), w2.clone(), b2.clone()]),
            format!("`0.weight` is {shown} at [1, 1]")
        );
    }
}

/// A file cut anywhere, and other files, are refused; none makes the reader panic.
#[test]
fn corrupt_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    let network = mlp();
    assert!(complaint(&path, &network).contains("No such file"));
    let theta = vec![0.5; network.len()];
    save(&path, &tensors(&network, &theta, ""), Dtype::F32).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        let message = complaint(&path, &network);
        assert!(message.starts_with("this is no complete safetensors file"), "{length}: {message}");
    }
    let header = 8 + usize::from(whole[0]);
    for at in 0..header {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x15;
        std::fs::write(&path, bytes).unwrap();
        // A changed letter may leave a file that says the same.
        let _ = load(&path, &network);
    }
    std::fs::write(&path, b"PK\x03\x04 and so on").unwrap();
    assert!(complaint(&path, &network).contains("safetensors.torch.save_file"));
}

#[test]
fn a_failed_write_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let network = mlp();
    let parts = tensors(&network, &vec![0.5; network.len()], "");
    let nowhere = folder.path().join("no/such/folder/w.safetensors");
    let error = save(&nowhere, &parts, Dtype::F64).unwrap_err();
    assert!(error.to_string().contains("there is no folder"), "{error}");
    // A tensor that contradicts its shape.
    let path = folder.path().join("w.safetensors");
    std::fs::write(&path, "before").unwrap();
    let wrong = Tensor { name: "a".into(), shape: vec![3], values: vec![1.0] };
    assert!(save(&path, &[wrong], Dtype::F64).is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "before");
}
