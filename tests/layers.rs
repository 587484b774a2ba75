//! Layers of network files against PyTorch, and what is said where they do not fit.

use bea::network::NetworkLoss;
use bea::network::architecture::Architecture;
use bea::network::data::{Dataset, Targets, Values};
use bea::network::device::Device;
use bea::network::initialise::{Scheme, initialise};
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
    ];
    let shown: Vec<String> = texts.iter().map(|(input, layers)| error_of(input, layers)).collect();
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(shown.join("\n")) });
}
