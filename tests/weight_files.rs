//! Weights that others have written: other names, several files, other formats.

use bea::network::architecture::{Architecture, Criterion, Dtype};
use bea::network::weights::{Tensor, load, load_statistics, save, tensors};
use bea::source::Source;
use std::path::Path;

fn mlp(spec: &str) -> Architecture {
    Architecture::find(spec, &[2], 3, Criterion::MeanSquaredError, Dtype::F64).unwrap()
}

fn complaint(path: &Path, network: &Architecture) -> String {
    let error = load(path, network).unwrap_err();
    format!("{error}; {}", error.help.clone().unwrap_or_default())
}

fn renamed(network: &Architecture, names: &[(&str, &str)]) -> Vec<Tensor> {
    let theta: Vec<f64> = (0..network.len()).map(|i| i as f64 / 8.0).collect();
    let mut parts = tensors(network, &theta, "");
    for part in &mut parts {
        for (from, to) in names {
            if let Some(rest) = part.name.strip_prefix(&format!("{from}.")) {
                part.name = format!("{to}.{rest}");
                break;
            }
        }
    }
    parts
}

#[test]
fn all_names_are_listed_with_what_would_take_them() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("w.safetensors");
    let network = mlp("mlp:5,tanh");
    save(&path, &renamed(&network, &[("0", "fc1"), ("2", "fc2")]), Dtype::F64).unwrap();
    let message = complaint(&path, &network);
    for name in ["`fc1.bias` [5]", "`fc1.weight` [5, 2]", "`fc2.bias` [3]", "`fc2.weight` [3, 5]"] {
        assert!(message.contains(name), "no {name} in {message}");
    }
    assert!(
        message.contains("`name = \"fc1\"` in layer 0, `name = \"fc2\"` in layer 2"),
        "{message}"
    );
    // What is said is right.
    let text = "loss = \"mse\"\ninput = [2]\n[[layer]]\ntype = \"linear\"\nname = \"fc1\"\nout = 5\n\
        [[layer]]\ntype = \"tanh\"\n[[layer]]\ntype = \"linear\"\nname = \"fc2\"\nout = 3\n";
    let named = Architecture::parse(&Source::new("net.toml", text)).unwrap();
    assert_eq!(load(&path, &named).unwrap().len(), network.len());
    // Layers of the same shape, in the order of their numbers.
    let network = mlp("mlp:2,2,2,2,2,2,2,2,2,2,2");
    let names: Vec<(String, String)> =
        (0..12).map(|i| ((2 * i).to_string(), format!("fc{}", i + 1))).collect();
    let names: Vec<(&str, &str)> = names.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    save(&path, &renamed(&network, &names), Dtype::F64).unwrap();
    let message = complaint(&path, &network);
    assert!(
        message.contains("`name = \"fc2\"` in layer 2, `name = \"fc3\"` in layer 4"),
        "{message}"
    );
    assert!(message.contains("`name = \"fc10\"` in layer 18"), "{message}");
    // Names without layers that fit.
    let network = mlp("mlp:5,tanh");
    let mut parts = renamed(&network, &[("0", "fc1"), ("2", "fc2")]);
    parts.pop();
    save(&path, &parts, Dtype::F64).unwrap();
    assert!(complaint(&path, &network).contains("takes the place of its number"));
}

/// The tensors of a network in two shards, and an index of them.
fn shards(folder: &Path, parts: &[Tensor]) -> std::path::PathBuf {
    let (one, other) = parts.split_at(parts.len() / 2);
    let mut map = serde_json::Map::new();
    for (file, parts) in
        [("m-00001-of-00002.safetensors", one), ("m-00002-of-00002.safetensors", other)]
    {
        save(&folder.join(file), parts, Dtype::F64).unwrap();
        map.extend(parts.iter().map(|part| (part.name.clone(), file.into())));
    }
    let index = folder.join("model.safetensors.index.json");
    let text =
        serde_json::json!({ "metadata": { "total_size": 1 }, "weight_map": map }).to_string();
    std::fs::write(&index, text).unwrap();
    index
}

#[test]
fn shards_are_put_together() {
    let place = tempfile::tempdir().unwrap();
    let text = "loss = \"mse\"\ninput = [2]\n[[layer]]\ntype = \"linear\"\nout = 5\n[[layer]]\n\
        type = \"batch_norm\"\nmode = \"running\"\n[[layer]]\ntype = \"linear\"\nout = 3\n";
    let mut network = Architecture::parse(&Source::new("net.toml", text)).unwrap();
    let mut parts = renamed(&network, &[]);
    for (name, value) in [("1.running_mean", 0.25), ("1.running_var", 4.0)] {
        parts.push(Tensor { name: name.into(), shape: vec![5], values: vec![value; 5] });
    }
    let index = shards(place.path(), &parts);
    let expected: Vec<f64> = (0..network.len()).map(|i| i as f64 / 8.0).collect();
    assert_eq!(load(&index, &network).unwrap(), expected);
    load_statistics(Some(&index), &mut network).unwrap();
    // Missing and damaged shards, and other texts, are named.
    let second = place.path().join("m-00002-of-00002.safetensors");
    let whole = std::fs::read(&second).unwrap();
    std::fs::write(&second, &whole[..whole.len() - 1]).unwrap();
    let message = complaint(&index, &network);
    assert!(message.contains("m-00002-of-00002.safetensors: this is no complete"), "{message}");
    save(&second, &parts[..1], Dtype::F64).unwrap();
    assert!(complaint(&index, &network).contains("which the index says it has"));
    std::fs::remove_file(&second).unwrap();
    assert!(
        complaint(&index, &network).contains("its shard m-00002-of-00002.safetensors: No such")
    );
    for text in ["", "[]", "{}", "{\"weight_map\": {\"a\": 3}}"] {
        std::fs::write(&index, text).unwrap();
        assert!(complaint(&index, &network).contains("no index of safetensors files"), "{text}");
    }
}

#[test]
fn files_of_pytorch_and_numpy_are_refused_with_the_line_that_converts_them() {
    let place = tempfile::tempdir().unwrap();
    let network = mlp("mlp:5,tanh");
    for (name, start) in
        [("net.pt", &b"PK\x03\x04 and so on"[..]), ("net.pth", b"\x80\x02 and so on")]
    {
        let path = place.path().join(name);
        std::fs::write(&path, start).unwrap();
        let message = complaint(&path, &network);
        assert!(message.contains(&format!("torch.load('{}'", path.display())), "{message}");
        assert!(message.contains("weights_only=True"), "{message}");
        let to = path.with_extension("safetensors");
        assert!(message.contains(&format!("}}, '{}')", to.display())), "{message}");
    }
    let path = place.path().join("net.npz");
    std::fs::write(&path, b"PK\x03\x04 and so on").unwrap();
    assert!(complaint(&path, &network).contains("safetensors.numpy.save_file"));
}
