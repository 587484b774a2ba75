//! Losses with derivatives of a network by its inputs: as PyTorch has them, by differences, cut into shards and saved, and what they
//! refuse.

use bea::network::NetworkLoss;
use bea::network::architecture::Architecture;
use bea::network::data::{Dataset, Targets, Values};
use bea::network::device::Device;
use bea::network::graph::Graph;
use bea::source::Source;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    toml: String,
    parameters: Vec<String>,
    inputs: Vec<f64>,
    targets: Vec<f64>,
    theta: Vec<f64>,
    direction: Vec<f64>,
    loss: f64,
    /// The gradient, the product of the Hessian with the direction, and that of the third derivative with it twice.
    derivatives: [Vec<f64>; 3],
}

fn cases() -> Vec<Case> {
    serde_json::from_str(&std::fs::read_to_string("tests/inputs/expected.json").unwrap()).unwrap()
}

fn network(toml: &str) -> Architecture {
    Architecture::parse(&Source::new("net.toml", toml)).unwrap()
}

fn on(network: Architecture, inputs: Vec<f64>, targets: Vec<f64>) -> NetworkLoss {
    let width = network.outputs[0];
    let targets = Targets::Values { values: targets, width };
    let data = Dataset::new("points", network.input.clone(), Values::F64(inputs), targets).unwrap();
    NetworkLoss::new(network, &data, &Device::cpu()).unwrap()
}

impl Case {
    fn loss(&self) -> NetworkLoss {
        on(network(&self.toml), self.inputs.clone(), self.targets.clone())
    }
}

fn agree(name: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{name}");
    let size = expected.iter().fold(1.0, |size: f64, x| size.max(x.abs()));
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= tolerance * size, "{name}: {a:e}, but {b:e} of {size:e}");
    }
}

#[test]
fn derivatives_by_inputs_are_those_of_pytorch() {
    for case in cases() {
        let loss = case.loss();
        let names: Vec<&str> =
            loss.layout().parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        assert_eq!(names, case.parameters);
        let (theta, v) = (&case.theta, &case.direction[..]);
        agree(&case.name, &[loss.loss(theta).unwrap()], &[case.loss], 1e-12);
        for (order, expected) in case.derivatives.iter().enumerate() {
            let found = loss.contraction(theta, &vec![v; order]).unwrap();
            agree(&format!("{}, order {order}", case.name), &found, expected, 1e-11);
        }
    }
}

/// Each order by central differences of the one before.
#[test]
fn derivatives_by_parameters_are_slopes() {
    for case in cases() {
        let (loss, v, h) = (case.loss(), &case.direction[..], 1e-5);
        let at = |shift: f64| -> Vec<f64> {
            case.theta.iter().zip(v).map(|(theta, v)| theta + shift * v).collect()
        };
        let slope = |up: &[f64], down: &[f64]| -> Vec<f64> {
            up.iter().zip(down).map(|(up, down)| (up - down) / (2.0 * h)).collect()
        };
        let (_, gradient) = loss.gradient(&case.theta).unwrap();
        let along = gradient.iter().zip(v).map(|(g, v)| g * v).sum::<f64>();
        let values = [h, -h].map(|shift| loss.loss(&at(shift)).unwrap());
        agree(&case.name, &slope(&values[..1], &values[1..]), &[along], 1e-6);
        for order in 1..3 {
            let [up, down] =
                [h, -h].map(|shift| loss.contraction(&at(shift), &vec![v; order - 1]).unwrap());
            let found = loss.contraction(&case.theta, &vec![v; order]).unwrap();
            agree(&case.name, &slope(&up, &down), &found, 1e-6);
        }
    }
}

/// The value of a formula of one example of a network of three inputs and two outputs.
fn value(formula: &str, x: [f64; 3]) -> f64 {
    let network = network(&format!(
        "loss = {{ formula = \"{formula}\" }}\ninput = [3]\ndtype = \"f64\"\n\
         layer = [{{ type = \"linear\", out = 4 }}, {{ type = \"tanh\" }}, {{ type = \"linear\", out = 2 }}]"
    ));
    let theta: Vec<f64> = (0..network.len()).map(|i| (1.7 * i as f64).sin()).collect();
    on(network, x.to_vec(), vec![0.3, -0.2]).loss(&theta).unwrap()
}

#[test]
fn derivatives_by_inputs_are_slopes() {
    let h = 1e-4;
    for (formula, by) in
        [("y[0]", 0), ("y[1]^2*x[1]", 1), ("d(y[1], x[2])", 0), ("exp(y[0])*t[0]", 2)]
    {
        let at = |shift: f64| {
            let mut x = [0.2, -0.4, 0.7];
            x[by] += shift;
            value(formula, x)
        };
        let found = |order: usize| {
            let by = vec![format!("x[{by}]"); order].join(", ");
            value(&format!("d({formula}, {by})"), [0.2, -0.4, 0.7])
        };
        agree(formula, &[(at(h) - at(-h)) / (2.0 * h)], &[found(1)], 1e-7);
        agree(formula, &[(at(h) - 2.0 * at(0.0) + at(-h)) / (h * h)], &[found(2)], 1e-6);
    }
    let x = [0.2, -0.4, 0.7];
    let slope = value("d(y[0], x[0])", x);
    agree("inputs", &[value("d(y[0] + x[0]^3, x[0])", x) - slope], &[0.12], 1e-12);
    agree("targets", &[value("d(t[0]*y[0], x[0])", x)], &[0.3 * slope], 1e-14);
}

#[test]
fn arrays_are_derived_entry_by_entry() {
    let x = [0.2, -0.4, 0.7];
    let [both, one, other] =
        ["sum(d(y, x[1]))", "d(y[0], x[1])", "d(y[1], x[1])"].map(|formula| value(formula, x));
    agree("a sum", &[both], &[one + other], 1e-14);
    let mixed = ["d(y[0], x[1], x[2])", "d(d(y[0], x[2]), x[1])"].map(|formula| value(formula, x));
    assert_eq!(mixed[0].to_bits(), mixed[1].to_bits());
}

/// Of one example the loss `r²` has the Gauss-Newton matrix `2 ∇r ∇rᵀ`, whatever the network is in its parameters.
#[test]
fn gauss_newton_takes_residuals_for_outputs() {
    let case = cases().swap_remove(1);
    let layers = case.toml.lines().skip(1).collect::<Vec<_>>().join("\n");
    let residual = "(d(y[0], x[1]) - d(y[0], x[0], x[0]))";
    let loss = |formula: &str| {
        let toml = format!("loss = {{ formula = \"{formula}\" }}\n{layers}");
        on(network(&toml), vec![0.3, 0.8], vec![0.0])
    };
    let (theta, v) = (&case.theta, &case.direction);
    let (_, slope) = loss(residual).gradient(theta).unwrap();
    let along = slope.iter().zip(v).map(|(g, v)| g * v).sum::<f64>();
    let expected: Vec<f64> = slope.iter().map(|g| 2.0 * along * g).collect();
    let squared = loss(&format!("{residual}^2"));
    let found = squared.gauss_newton_vectors(theta, &[v]).unwrap().remove(0);
    agree("Gauss-Newton", &found, &expected, 1e-12);
    let hessian = squared.hessian_vectors(theta, &[v]).unwrap().remove(0);
    assert!(hessian.iter().zip(&expected).any(|(a, b)| (a - b).abs() > 1e-3));
}

#[test]
fn shards_and_saved_graphs_have_the_same_derivatives() {
    let case = cases().swap_remove(1);
    // Wide enough to be cut.
    let toml = case.toml.replace("out = 6", "out = 150");
    let count = 400;
    let inputs: Vec<f64> = (0..2 * count).map(|i| (0.37 * i as f64).sin()).collect();
    let targets: Vec<f64> = (0..count).map(|i| (0.11 * i as f64).cos()).collect();
    let loss = on(network(&toml), inputs.clone(), targets.clone());
    let theta: Vec<f64> = (0..loss.dimension()).map(|i| 0.1 * (1.3 * i as f64).sin()).collect();
    let (value, gradient) = loss.gradient(&theta).unwrap();
    let mut sum = vec![0.0; theta.len()];
    for part in 0..4 {
        let rows = part * 100..(part + 1) * 100;
        let some = on(
            network(&toml),
            inputs[2 * rows.start..2 * rows.end].to_vec(),
            targets[rows].to_vec(),
        );
        let (_, gradient) = some.gradient(&theta).unwrap();
        sum.iter_mut().zip(gradient).for_each(|(sum, g)| *sum += g / 4.0);
    }
    agree("parts", &gradient, &sum, 1e-13);
    let folder = std::env::temp_dir().join(format!("bea-inputs-{}", std::process::id()));
    loss.to_graph(&theta).unwrap().save(&folder).unwrap();
    let saved = NetworkLoss::of_graph(Graph::open(&folder).unwrap(), &Device::cpu()).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let (same, again) = saved.gradient(&theta).unwrap();
    agree("a saved graph", &[same], &[value], 1e-13);
    agree("a saved graph", &again, &gradient, 1e-12);
    let rows: Vec<usize> = (0..100).rev().collect();
    let some = saved.subset(&rows).unwrap();
    let few = on(network(&toml), inputs[..200].to_vec(), targets[..100].to_vec());
    let (found, expected) = (some.gradient(&theta).unwrap().1, few.gradient(&theta).unwrap().1);
    agree("some of a saved graph", &found, &expected, 1e-12);
}

/// A formula may leave out the targets, or know no inputs; what is measured beside the loss has the targets still.
#[test]
fn losses_of_outputs_alone_keep_their_data() {
    let toml = "loss = { formula = \"sum(y^2)\" }\ndtype = \"f64\"\ninput = [2]\n\
                layer = [{ type = \"linear\", out = 2 }]\n";
    let [inputs, targets] = [vec![1.0, 0.0, 0.0, 1.0], vec![1.0, 0.0, 0.0, 1.0]];
    let loss = on(network(toml), inputs, targets);
    let theta = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];
    assert_eq!(loss.accuracy(&theta).unwrap(), 1.0);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("saved");
    loss.to_graph(&theta).unwrap().save(&path).unwrap();
    let saved = NetworkLoss::of_graph(Graph::open(&path).unwrap(), &Device::cpu()).unwrap();
    assert_eq!(saved.gradient(&theta).unwrap(), loss.gradient(&theta).unwrap());
    // One token is no list of inputs.
    let toml = "loss = { formula = \"let d = y[0] - t[0]; d^2\" }\ndtype = \"f64\"\ninput = [1]\n\
                layer = [{ type = \"embedding\", vocabulary = 3, width = 1 }]\n";
    let loss = on(network(toml), vec![0.0, 2.0], vec![1.0, 2.0]);
    assert_eq!(loss.gradient(&[1.0, 0.0, 3.0]).unwrap().0, 0.5);
}

fn refused(formula: &str, input: &str, layers: &str) -> String {
    let toml = format!(
        "loss = {{ formula = \"{formula}\" }}\ndtype = \"f64\"\ninput = {input}\nlayer = [{layers}]\n"
    );
    let error = Architecture::parse(&Source::new("net.toml", toml)).unwrap_err();
    let help = miette::Diagnostic::help(&error).map(|help| help.to_string());
    let labels: Vec<String> = miette::Diagnostic::labels(&error)
        .into_iter()
        .flatten()
        .filter_map(|label| label.label().map(str::to_string))
        .collect();
    format!("{error}; {}; {}", labels.join(", "), help.unwrap_or_default())
}

#[test]
fn what_has_no_derivatives_by_inputs_is_named() {
    let linear = "{ type = \"linear\", out = 4 }";
    let with = |layer: &str| format!("{linear}, {layer}, {{ type = \"linear\", out = 1 }}");
    let slope = "d(y[0], x[0])^2";
    let text = refused(slope, "[2]", &with("{ type = \"relu\" }"));
    assert!(text.contains("layer 1 (relu) is in pieces") && text.contains("`tanh`"), "{text}");
    let text =
        refused(slope, "[2]", &with("{ type = \"residual\", layers = [{ type = \"elu\" }] }"));
    assert!(text.contains("layer 1.0 (elu) is in pieces"), "{text}");
    let text = refused(slope, "[2]", &with("{ type = \"batch_norm\" }"));
    assert!(text.contains("layer 1 (batch_norm) mixes examples"), "{text}");
    let text = refused(
        slope,
        "[2]",
        "{ type = \"embedding\", vocabulary = 3, width = 2 }, { type = \"flatten\" }, { type = \"linear\", out = 1 }",
    );
    assert!(text.contains("layer 0 (embedding) takes whole numbers"), "{text}");
    // A linear network has no second derivatives.
    let text = refused("d(y[0], x[0], x[0])^2", "[1]", "{ type = \"linear\", out = 1 }");
    assert!(text.contains("but in this network they depend on no parameter"), "{text}");
    let deep = format!(
        "{linear}, {{ type = \"tanh\" }}, {linear}, {{ type = \"tanh\" }}, {{ type = \"linear\", out = 1 }}"
    );
    let many = "sum(i in 0..59, j in 0..59: d(y[0], x[i], x[i], x[j], x[j]))";
    let text = refused(many, "[60]", &deep);
    assert!(text.contains("they take more than 50000 operations"), "{text}");
    // Without derivatives all of them are taken.
    let relu = with("{ type = \"relu\" }");
    let toml = format!(
        "loss = {{ formula = \"y[0]*x[1]\" }}\ndtype = \"f64\"\ninput = [2]\nlayer = [{relu}]\n"
    );
    network(&toml);
}

#[test]
fn mistakes_in_derivatives_are_told() {
    let layers = "{ type = \"linear\", out = 2 }";
    for (formula, wanted) in [
        ("d(y[0])", "`d` takes what is derived, and by what"),
        ("d(y[0], y[1])", "derivatives are by one of the inputs"),
        ("d(y[0], t[1])", "the inputs are `x[0]` to `x[2]`"),
        ("d(y[0], x)", "derivatives are by one of the inputs"),
        ("d(y[0], x[3])", "there is no entry 3"),
        ("d(y[0], x[0], x[0], x[0], x[0], x[0])", "at most the order 4"),
        (
            "d(d(y[0], x[0], x[0], x[0]), x[1], x[2])",
            "at most the order 4, but this one is of the order 5",
        ),
        ("d + y[0]", "`d` is a function"),
        ("let d = y[0]; d^2", "`d` has a meaning"),
        ("dd(y[0], x[0])", "there is no function `dd`"),
        ("x[0]", "the loss does not depend on the outputs"),
        ("d(x[0]^2, x[0])", "the loss does not depend on the outputs"),
    ] {
        let text = refused(formula, "[3]", layers);
        assert!(text.contains(wanted), "{formula}: {text}");
    }
    // Images are no list of inputs.
    let layers = "{ type = \"flatten\" }, { type = \"linear\", out = 2 }";
    let text = refused("d(y[0], x[0])", "[1, 4, 4]", layers);
    assert!(text.contains("there is no function `d`"), "{text}");
    assert!(text.contains("networks that read a list"), "{text}");
}
