//! Layers of network files against PyTorch, and what is said where they do not fit.

use bea::network::architecture::{Architecture, BatchNormMode, Dtype, Layer, RunningStatistics};
use bea::network::data::{Dataset, Targets, Values};
use bea::network::device::Device;
use bea::network::initialise::{Scheme, initialise};
use bea::network::weights;
use bea::network::{Mismatch, NetworkLoss};
use bea::source::Source;
use miette::{GraphicalReportHandler, GraphicalTheme};
use num_complex::Complex64;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Case {
    name: String,
    toml: String,
    inputs: Vec<f64>,
    classes: Option<usize>,
    labels: Option<Vec<u32>>,
    values: Option<Vec<f64>>,
    parameters: BTreeMap<String, Vec<usize>>,
    theta: Vec<f64>,
    direction: Vec<f64>,
    loss: f64,
    /// The gradient, the product of the Hessian with the direction, and that of the third derivative with it twice.
    derivatives: [Vec<f64>; 3],
}

const EXAMPLES: usize = 5;

fn cases() -> Vec<Case> {
    serde_json::from_str(&std::fs::read_to_string("tests/layers/expected.json").unwrap()).unwrap()
}

impl Case {
    fn network(&self) -> Architecture {
        let source = Source::new("net.toml", self.toml.clone());
        Architecture::parse(&source).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    fn data(&self, network: &Architecture) -> Dataset {
        let targets = match (self.classes, &self.labels, &self.values) {
            (Some(classes), Some(labels), _) if labels.len() == EXAMPLES => {
                Targets::Classes { labels: labels.clone(), classes }
            }
            // A class for each token.
            (Some(_), Some(labels), _) => Targets::Values {
                values: labels.iter().map(|label| f64::from(*label)).collect(),
                width: labels.len() / EXAMPLES,
            },
            (_, _, Some(values)) => {
                Targets::Values { values: values.clone(), width: values.len() / EXAMPLES }
            }
            _ => panic!("{} has no targets", self.name),
        };
        let inputs = Values::F64(self.inputs.clone());
        Dataset::new("random", network.input.clone(), inputs, targets).unwrap()
    }

    fn loss(&self) -> NetworkLoss {
        let network = self.network();
        let data = self.data(&network);
        NetworkLoss::new(network, &data, &Device::cpu()).unwrap()
    }
}

fn agree(name: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{name}");
    let size = expected.iter().fold(1.0, |size: f64, x| size.max(x.abs()));
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= tolerance * size, "{name}: {a:e}, but {b:e}");
    }
}

#[test]
fn parameters_are_named_as_pytorch_names_them() {
    for case in cases() {
        let network = case.network();
        let found: BTreeMap<String, Vec<usize>> =
            network.parameters.iter().map(|p| (p.name.clone(), p.shape.clone())).collect();
        assert_eq!(found, case.parameters, "{}", case.name);
    }
}

#[test]
fn derivatives_are_those_of_pytorch() {
    for case in cases() {
        let (loss, name) = (case.loss(), &case.name);
        let (value, gradient) = loss.gradient(&case.theta).unwrap();
        agree(name, &[value], &[case.loss], 1e-13);
        agree(name, &gradient, &case.derivatives[0], 1e-12);
        let v = case.direction.as_slice();
        let product = loss.hessian_vectors(&case.theta, &[v]).unwrap().remove(0);
        agree(name, &product, &case.derivatives[1], 1e-12);
        agree(name, &loss.contraction(&case.theta, &[v, v]).unwrap(), &case.derivatives[2], 1e-11);
    }
}

/// The loss at `θ + i h v` has the slope of the loss along `v` for its imaginary part, `h` so small that nothing is left of
/// higher orders.
#[test]
fn layers_are_evaluated_at_complex_parameters() {
    for case in cases() {
        let loss = case.loss();
        let step = 1e-20;
        let point: Vec<Complex64> = case
            .theta
            .iter()
            .zip(&case.direction)
            .map(|(x, v)| Complex64::new(*x, step * v))
            .collect();
        let slope = loss.loss(&point).unwrap().im / step;
        let expected: f64 =
            case.derivatives[0].iter().zip(&case.direction).map(|(g, v)| g * v).sum();
        agree(&case.name, &[slope], &[expected], 1e-12);
    }
}

/// Each layer that has parameters starts from every scheme with numbers that are not all alike.
#[test]
fn every_scheme_draws_every_layer() {
    for case in cases() {
        let network = case.network();
        for scheme in Scheme::names() {
            let theta = initialise(&network, scheme.parse::<Scheme>().unwrap(), 3);
            for parameter in network.parameters.iter().filter(|p| p.shape.len() > 1) {
                let values = &theta[parameter.range()];
                let varied = values.iter().any(|x| *x != values[0]);
                assert!(varied && values.iter().all(|x| x.is_finite()), "{}", parameter.name);
            }
        }
    }
}

fn error_of(input: &str, layers: &str) -> String {
    let text = format!("loss = \"mse\"\ninput = {input}\nlayer = [\n{layers}\n]\n");
    let Err(error) = Architecture::parse(&Source::new("net.toml", text)) else {
        panic!("no error in {layers}")
    };
    let mut shown = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(100)
        .with_links(false)
        .render_report(&mut shown, &error)
        .unwrap();
    shown
}

#[test]
fn what_does_not_fit_is_shown_in_its_place() {
    let linear = "{ type = \"linear\", out = 4 }";
    let texts = [
        ("[4]", format!("{linear},\n{{ type = \"add\" }}")),
        ("[4]", format!("{linear},\n{{ type = \"add\", from = [] }}")),
        ("[4]", format!("{linear},\n{{ type = \"tanh\", from = \"inptu\" }}")),
        ("[4]", format!("{linear},\n{{ type = \"add\", from = [\"0\", \"2\"] }},\n{linear}")),
        ("[6]", format!("{linear},\n{{ type = \"add\", from = [\"0\", \"input\"] }}")),
        ("[6]", format!("{linear},\n{{ type = \"concat\", from = [\"0\", \"input\"], axis = 1 }}")),
        ("[4]", format!("{linear},\n{{ type = \"tanh\", share = \"0\" }}")),
        ("[6]", format!("{linear},\n{{ type = \"linear\", out = 4, share = \"0\" }}")),
        ("[4]", format!("{linear},\n{{ type = \"linear\", out = 4, share = \"3\" }}")),
        (
            "[6]",
            "{ type = \"repeat\", times = 3, layers = [{ type = \"linear\", out = 4 }] }".into(),
        ),
        ("[4]", format!("{{ type = \"repeat\", times = 9999, layers = [{linear}] }}")),
        ("[4]", "{ type = \"conv1d\", out = 4, kernel = 3 }".into()),
        ("[3, 4]", "{ type = \"conv1d\", out = 4, kernel = 3, dilation = 2 }".into()),
        ("[3, 4]", "{ type = \"conv1d\", out = 4, kernel = 3, groups = 2 }".into()),
        ("[3, 4]", "{ type = \"conv1d\", out = 4, kernel = [3, 3] }".into()),
        ("[2, 2, 2, 2]", "{ type = \"conv3d\", out = 4, kernel = [1, 1] }".into()),
        (
            "[3, 4]",
            "{ type = \"conv_transpose1d\", out = 4, kernel = 2, output_padding = 1 }".into(),
        ),
        ("[3, 4]", "{ type = \"conv_transpose1d\", out = 4, kernel = 1, padding = 2 }".into()),
        ("[3, 4]", "{ type = \"group_norm\", groups = 2 }".into()),
        ("[3]", "{ type = \"instance_norm\" }".into()),
        ("[3, 4]", "{ type = \"reshape\", shape = [5, 2] }".into()),
        ("[3, 4]", "{ type = \"permute\", axes = [1, 1] }".into()),
        ("[3, 4]", "{ type = \"slice\", axis = 1, start = 2, stop = 5 }".into()),
        ("[3, 4]", "{ type = \"slice\", start = 2, stop = 2 }".into()),
        ("[3, 3]", "{ type = \"sinusoids\" }".into()),
        ("[3, 6]", "{ type = \"attention\", heads = 2, rotary = true }".into()),
        ("[3]", "{ type = \"lstm\", hidden = 2 }".into()),
        ("[3]", "{ type = \"hardtanh\", low = 2 }".into()),
        ("[3]", "{ type = \"hardtanh\", low = 0, high = 0 }".into()),
        ("[3]", "{ type = \"relu6\", low = 0 }".into()),
        ("[4]", format!("{linear},\n{{ type = \"tanh\", name = \"0\" }}")),
        ("[4]", "{ type = \"linear\", out = 4, name = \"input\" }".into()),
        ("[4]", format!("{linear},\n{{ type = \"tanh\" }},\n{{ type = \"linear\", from = \"0\", out = 4 }}")),
        ("[4]", format!("{linear},\n{{ type = \"repeat\", times = 2, layers = [{{ type = \"tanh\", from = \"input\" }}] }}")),
        ("[4]", format!("{linear},\n{{ type = \"linear\", out = 4, share = \"input\" }}")),
        (
            "[4]",
            "{ type = \"repeat\", times = 1024, layers = [{ type = \"repeat\", times = 17, layers = [{ type = \"tanh\" }] }] }"
                .into(),
        ),
        ("[99999, 2]", "{ type = \"rnn\", hidden = 2 }".into()),
        ("[4]", "{ type = \"tanh\" },\n{ type = \"embedding\", vocabulary = 3, width = 2 }".into()),
    ];
    let shown: Vec<String> = texts.iter().map(|(input, layers)| error_of(input, layers)).collect();
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(shown.join("\n")) });
}

/// Within a residual a name is the whole one.
#[test]
fn names_within_residuals_are_near_those_that_they_end_with() {
    let error = |name: &str| {
        error_of(
            "[4]",
            &format!(
                "{{ type = \"residual\", layers = [{{ type = \"tanh\", name = \"open\" }}, {{ type = \"linear\", out = 4 }}, \
                 {{ type = \"add\", from = [\"{name}\", \"0.1\"] }}] }}"
            ),
        )
    };
    for name in ["open", "opne"] {
        let text = error(name);
        assert!(text.contains("did you mean `0.open`?"), "{text}");
    }
}

#[test]
fn ends_without_parameters_are_named() {
    let network = network(
        "loss = \"mse\"\ninput = [6]\nlayer = [{ type = \"slice\", name = \"cut\", stop = 4 }, \
         { type = \"linear\", out = 3 }, { type = \"tanh\" }]",
    );
    for (inputs, width, layer) in [(5, 3, "`cut` (slice)"), (6, 2, "`2` (tanh)")] {
        let targets = Targets::Values { values: values(1, 4 * width), width };
        let data =
            Dataset::new("numbers", vec![inputs], Values::F64(values(2, 4 * inputs)), targets);
        let error =
            NetworkLoss::new(network.clone(), &data.unwrap(), &Device::cpu()).err().unwrap();
        assert!(error.to_string().contains(layer), "{error}");
    }
}

fn network(text: &str) -> Architecture {
    Architecture::parse(&Source::new("net.toml", text)).unwrap()
}

fn values(seed: u64, count: usize) -> Vec<f64> {
    (0..count).map(|at| ((at as u64 * 7919 + seed * 104_729) % 1009) as f64 / 504.0 - 1.0).collect()
}

/// The same statistics with another epsilon, and after the image was averaged.
#[test]
fn norms_that_share_running_statistics_are_those_that_have_the_same() {
    let text = |second: &str| {
        format!(
            "loss = \"mse\"\ndtype = \"f64\"\ninput = [3, 2, 2]\nlayer = [{{ type = \"batch_norm\", name = \"a\", mode = \"running\" }},
             {{ type = \"global_avg_pool\" }}, {{ type = \"batch_norm\", epsilon = 0.5, mode = \"running\"{second} }}]\n"
        )
    };
    let with_statistics = |text: &str| {
        let mut network = network(text);
        for layer in &mut network.layers {
            let layer = if let Layer::Shared { layer, .. } = layer { layer } else { layer };
            if let Layer::BatchNorm { mode, .. } = layer {
                let (mean, variance) = (vec![0.2, -0.4, 0.1], vec![0.5, 1.5, 2.0]);
                *mode = BatchNormMode::Running(Some(RunningStatistics { mean, variance }));
            }
        }
        let targets = Targets::Values { values: values(2, 12), width: 3 };
        let data =
            Dataset::new("random", vec![3, 2, 2], Values::F64(values(1, 48)), targets).unwrap();
        NetworkLoss::new(network, &data, &Device::cpu()).unwrap()
    };
    let (shared, apart) = (with_statistics(&text(", share = \"a\"")), with_statistics(&text("")));
    let theta = values(3, 6);
    let (loss, gradient) = shared.gradient(&theta).unwrap();
    let (expected, parts) = apart.gradient(&[&theta[..], &theta[..]].concat()).unwrap();
    agree("loss", &[loss], &[expected], 1e-15);
    let sum: Vec<f64> = (0..6).map(|at| parts[at] + parts[at + 6]).collect();
    agree("gradient", &gradient, &sum, 1e-14);
}

#[test]
fn tokens_are_checked_wherever_they_lie_in_the_input() {
    let network = || {
        network(
            "loss = \"mse\"\ndtype = \"f64\"\ninput = [5]\nlayer = [{ type = \"slice\", stop = 2 }, { type = \"linear\", out = 4, name = \"a\" },
             { type = \"slice\", from = \"input\", start = 2, stop = 5 }, { type = \"embedding\", vocabulary = 3, width = 4 },
             { type = \"mean_tokens\", name = \"b\" }, { type = \"add\", from = [\"a\", \"b\"] }]\n",
        )
    };
    let loss = |token: f64| {
        let inputs = vec![0.5, 7.0, 0.0, 1.0, 2.0, -0.5, 0.1, 1.0, token, 0.0];
        let targets = Targets::Values { values: values(2, 8), width: 4 };
        let data = Dataset::new("random", vec![5], Values::F64(inputs), targets).unwrap();
        NetworkLoss::new(network(), &data, &Device::cpu())
    };
    assert!(loss(2.0).unwrap().loss(&values(4, 24)).unwrap().is_finite());
    for token in [3.0, 1.5, -1.0] {
        match loss(token) {
            Err(Mismatch::Token { example: 1, value, last: 2, .. }) => assert_eq!(value, token),
            other => panic!("{token}: {:?}", other.err()),
        }
    }
}

/// As the weights of a tied model of PyTorch are stored.
#[test]
fn shared_parameters_may_be_in_a_file_under_both_names() {
    let network = network(
        "loss = \"cross_entropy\"\ndtype = \"f64\"\ninput = [4]\nlayer = [{ type = \"embedding\", name = \"wte\", vocabulary = 5, width = 3 },
         { type = \"linear\", name = \"lm_head\", out = 5, bias = false, share = \"wte\" }]\n",
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weights.safetensors");
    let table = values(1, 15);
    let load = |again: &[f64]| {
        let tensor = |name: &str, values: &[f64]| weights::Tensor {
            name: name.into(),
            shape: vec![5, 3],
            values: values.to_vec(),
        };
        let tensors = [tensor("wte.weight", &table), tensor("lm_head.weight", again)];
        weights::save(&file, &tensors, Dtype::F64).unwrap();
        weights::load(&file, &network)
    };
    assert_eq!(load(&table).unwrap(), table);
    let error = load(&values(2, 15)).unwrap_err();
    assert!(
        miette::Diagnostic::help(&error).unwrap().to_string().contains("one parameter for both")
    );
}
