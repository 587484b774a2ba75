//! Losses of networks: values and derivatives as PyTorch has them, what they refuse, and where they count as smooth.

use bea::network::architecture::{Architecture, Criterion, Formula};
use bea::network::data::{Dataset, Targets, Values};
use bea::network::device::Device;
use bea::network::{Mismatch, NetworkLoss};
use bea::source::Source;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Recorded {
    inputs: Vec<f64>,
    labels: BTreeMap<String, Vec<u32>>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    toml: String,
    outputs: usize,
    classes: Option<usize>,
    values: Option<Vec<f64>>,
    theta: Vec<f64>,
    direction: Vec<f64>,
    loss: f64,
    /// The gradient, the product of the Hessian with the direction, and that of the third derivative with it twice.
    derivatives: [Vec<f64>; 3],
}

fn recorded() -> Recorded {
    serde_json::from_str(&std::fs::read_to_string("tests/criteria/expected.json").unwrap()).unwrap()
}

fn network(head: &str, outputs: usize) -> Architecture {
    let layers = format!(
        "input = [4]\ndtype = \"f64\"\nlayer = [{{ type = \"linear\", out = 3 }}, {{ type = \"tanh\" }}, \
         {{ type = \"linear\", out = {outputs} }}]\n"
    );
    Architecture::parse(&Source::new("net.toml", format!("{head}\n{layers}"))).unwrap()
}

fn data(recorded: &Recorded, targets: Targets) -> Dataset {
    Dataset::new("random", vec![4], Values::F64(recorded.inputs.clone()), targets).unwrap()
}

fn classes(recorded: &Recorded, classes: usize) -> Targets {
    Targets::Classes { labels: recorded.labels[&classes.to_string()].clone(), classes }
}

impl Case {
    fn data(&self, recorded: &Recorded) -> Dataset {
        let targets = match (self.classes, &self.values) {
            (Some(count), _) => classes(recorded, count),
            (None, Some(values)) => Targets::Values { values: values.clone(), width: self.outputs },
            (None, None) => panic!("{} has no targets", self.name),
        };
        data(recorded, targets)
    }

    fn loss(&self, recorded: &Recorded) -> NetworkLoss {
        let network = network(&self.toml, self.outputs);
        NetworkLoss::new(network, &self.data(recorded), &Device::cpu()).unwrap()
    }
}

fn agree(name: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    let size = expected.iter().fold(1.0, |size: f64, x| size.max(x.abs()));
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= tolerance * size, "{name}: {a:e}, but {b:e}");
    }
    assert_eq!(found.len(), expected.len(), "{name}");
}

/// Test data may hold one of two classes only.
#[test]
fn one_output_knows_the_first_class_where_there_is_no_other() {
    let recorded = recorded();
    let count = recorded.inputs.len() / 4;
    for head in ["loss = \"binary_cross_entropy\"", "loss = \"hinge\"", "loss = \"logistic\""] {
        let of = |classes| {
            let targets = Targets::Classes { labels: vec![0; count], classes };
            let loss =
                NetworkLoss::new(network(head, 1), &data(&recorded, targets), &Device::cpu());
            let loss = loss.unwrap();
            let theta = vec![0.3; loss.dimension()];
            loss.loss(&theta).unwrap()
        };
        assert_eq!(of(1), of(2), "{head}");
    }
}

#[test]
fn losses_and_their_derivatives_are_those_of_pytorch() {
    let recorded = recorded();
    for case in &recorded.cases {
        let (loss, name) = (case.loss(&recorded), &case.name);
        let (value, gradient) = loss.gradient(&case.theta).unwrap();
        agree(name, &[value], &[case.loss], 1e-13);
        agree(name, &gradient, &case.derivatives[0], 1e-12);
        let v = case.direction.as_slice();
        let product = loss.hessian_vectors(&case.theta, &[v]).unwrap().remove(0);
        agree(name, &product, &case.derivatives[1], 1e-12);
        agree(name, &loss.contraction(&case.theta, &[v, v]).unwrap(), &case.derivatives[2], 1e-12);
    }
    for name in Criterion::NAMES {
        let covered =
            |case: &Case| network(&case.toml, case.outputs).criterion().name() == Some(name);
        assert!(recorded.cases.iter().any(covered), "{name}");
    }
}

#[test]
fn a_batch_is_the_mean_over_its_examples_and_the_penalty_is_whole_in_each() {
    let recorded = recorded();
    let means = |case: &&Case| case.classes.is_some() && !case.name.starts_with("contrastive");
    for case in recorded.cases.iter().filter(means) {
        let (data, loss) = (case.data(&recorded), case.loss(&recorded));
        let value =
            |rows: &[usize]| loss.over(&data.select(rows)).unwrap().loss(&case.theta).unwrap();
        let mean = (0..7).map(|row| value(&[row])).sum::<f64>() / 7.0;
        agree(&case.name, &[mean], &[case.loss], 1e-12);
    }
}

#[test]
fn the_class_of_one_output_is_its_sign() {
    let recorded = recorded();
    for head in ["loss = \"logistic\"", "loss = \"binary_cross_entropy\"", "loss = \"hinge\""] {
        let network = network(head, 1);
        let loss =
            NetworkLoss::new(network, &data(&recorded, classes(&recorded, 2)), &Device::cpu())
                .unwrap();
        // Outputs that do not depend on the inputs: the last bias.
        let accuracy = |bias: f64| {
            let mut theta = vec![0.0; loss.dimension()];
            theta[loss.dimension() - 1] = bias;
            loss.accuracy(&theta).unwrap()
        };
        let ones = recorded.labels["2"].iter().filter(|label| **label == 1).count() as f64;
        assert_eq!(accuracy(0.5), ones / 7.0, "{head}");
        assert_eq!(accuracy(-0.5), 1.0 - ones / 7.0, "{head}");
    }
}

#[test]
fn gauss_newton_has_the_hessian_of_the_penalty() {
    let recorded = recorded();
    let matrix = |head: &str| {
        let data = data(&recorded, classes(&recorded, 3));
        let loss = NetworkLoss::new(network(head, 3), &data, &Device::cpu()).unwrap();
        let theta: Vec<f64> = (0..loss.dimension()).map(|i| (i as f64).sin()).collect();
        let v: Vec<f64> = (0..loss.dimension()).map(|i| (i as f64).cos()).collect();
        (loss.gauss_newton_vectors(&theta, &[&v]).unwrap().remove(0), v)
    };
    let (with, v) = matrix("loss = \"logistic\"\nl2 = 0.25");
    let (without, _) = matrix("loss = \"logistic\"");
    let expected: Vec<f64> = without.iter().zip(&v).map(|(m, v)| m + 0.25 * v).collect();
    agree("Gauss-Newton", &with, &expected, 1e-14);
}

#[test]
fn losses_in_pieces_are_not_smooth() {
    let smooth = |loss: &str| network(loss, 2).is_smooth();
    for loss in [
        "\"huber\"",
        "\"hinge\"",
        "{ formula = \"abs(y - t)\" }",
        "{ formula = \"max(y[0], t[0])\" }",
    ] {
        assert!(!smooth(&format!("loss = {loss}")), "{loss}");
    }
    for loss in ["\"logistic\"", "\"binary_cross_entropy\"", "{ formula = \"log(cosh(y - t))\" }"] {
        assert!(smooth(&format!("loss = {loss}")), "{loss}");
    }
}

/// What the loss is on some numbers, with its gradient and a product; and how many operations its graph has.
fn of_outputs(loss: &str, width: usize) -> (Vec<f64>, usize) {
    let numbers = |count: usize, by: f64| -> Vec<f64> {
        (0..count).map(|i| ((i + 1) as f64 * by).sin()).collect()
    };
    let targets =
        Targets::Values { values: numbers(5 * width, 0.7).iter().map(|x| x * x).collect(), width };
    let data = Dataset::new("random", vec![4], Values::F64(numbers(20, 1.3)), targets).unwrap();
    let loss =
        NetworkLoss::new(network(&format!("loss = {loss}"), width), &data, &Device::cpu()).unwrap();
    let (theta, v) = (numbers(loss.dimension(), 0.9), numbers(loss.dimension(), 1.9));
    let (value, gradient) = loss.gradient(&theta).unwrap();
    let product = loss.hessian_vectors(&theta, &[&v]).unwrap().remove(0);
    let third = loss.contraction(&theta, &[&v, &v]).unwrap();
    let nodes = loss.to_graph(&theta).unwrap().operations().iter().map(|(_, count)| count).sum();
    ([vec![value], gradient, product, third].concat(), nodes)
}

#[test]
fn a_formula_of_many_outputs_has_as_many_operations_as_one_of_few() {
    for (formula, same) in [
        ("(y - t)^2", Some("\"mse\"")),
        ("sum((y - t)^2)/2", Some("\"half_squared_error\"")),
        ("softplus(y) - t*y", Some("\"binary_cross_entropy\"")),
        ("sum(log(cosh(y - t))) + y[1]*t[2]^2", None),
        ("mean(max(y, t)*y)*sum(y)", None),
    ] {
        let text = format!("{{ formula = \"{formula}\" }}");
        let [few, many] = [4, 40].map(|width| of_outputs(&text, width));
        assert_eq!(few.1, many.1, "{formula}");
        if let Some(same) = same {
            agree(formula, &many.0, &of_outputs(same, 40).0, 1e-13);
        }
    }
    // Parts that are alone and such that are together.
    let [whole, sum, rest] = [
        "sum((y - t)^2)/2 + y[1]*t[2]^2 - 2*y[3] + sum(i in 5..9: y[i]*t[i])",
        "sum((y - t)^2)/2",
        "y[1]*t[2]^2 - 2*y[3] + y[5]*t[5] + y[6]*t[6] + y[7]*t[7] + y[8]*t[8] + y[9]*t[9]",
    ]
    .map(|formula| of_outputs(&format!("{{ formula = \"{formula}\" }}"), 11).0);
    let parts: Vec<f64> = sum.iter().zip(&rest).map(|(a, b)| a + b).collect();
    agree("parts", &whole, &parts, 1e-13);
}

#[test]
fn one_output_for_each_token_takes_classes_and_signs() {
    let inputs = vec![0.3, -0.2, 0.5, 0.1, -0.7, 0.4];
    let of = |loss: &str, targets: [f64; 6]| {
        let text = format!(
            "loss = {loss}\ninput = [3, 1]\ndtype = \"f64\"\nlayer = [{{ type = \"linear\", out = 1 }}]\n"
        );
        let network = Architecture::parse(&Source::new("net.toml", text)).unwrap();
        let targets = Targets::Values { values: targets.to_vec(), width: 3 };
        let data =
            Dataset::new("tokens", vec![3, 1], Values::F64(inputs.clone()), targets).unwrap();
        NetworkLoss::new(network, &data, &Device::cpu())
    };
    let classes = [1.0, 0.0, 0.0, 1.0, 1.0, 0.0];
    let signs = classes.map(|class| 2.0 * class - 1.0);
    let theta = [0.8, -0.3];
    for (loss, of_one) in [
        ("\"logistic\"", (|m: f64| (-m).exp().ln_1p()) as fn(f64) -> f64),
        ("\"hinge\"", |m| (1.0 - m).max(0.0)),
        ("{ type = \"hinge\", power = 2 }", |m| (1.0 - m).max(0.0).powi(2)),
    ] {
        let pairs = inputs.iter().zip(signs);
        let mean = pairs.map(|(x, s)| of_one(s * (0.8 * x - 0.3))).sum::<f64>() / 6.0;
        let right = inputs.iter().zip(signs).filter(|(x, s)| (0.8 * *x - 0.3 > 0.0) == (*s > 0.0));
        let accuracy = right.count() as f64 / 6.0;
        for targets in [classes, signs] {
            let loss = of(loss, targets).unwrap();
            agree("tokens", &[loss.loss(&theta).unwrap()], &[mean], 1e-15);
            assert_eq!(loss.accuracy(&theta).unwrap(), accuracy);
        }
        let Err(error) = of(loss, [0.0, 1.0, 1.0, -1.0, 1.0, 1.0]) else { panic!("{loss}") };
        let message = error.to_string();
        assert!(message.starts_with("tokens has 0 among the targets of example 0"), "{message}");
        assert!(
            message.ends_with("takes the classes 0 and 1, or the numbers -1 and 1"),
            "{message}"
        );
        assert!(of(loss, [0.0, 2.0, 1.0, 0.0, 1.0, 1.0]).is_err());
    }
}

#[test]
fn another_loss_is_checked_with_the_outputs() {
    let with = |criterion| network("loss = \"mse\"", 2).with_criterion(criterion);
    let formula = |text| Criterion::Formula(Formula::new(text));
    let taken = with(formula("(y[0] - t[1])^2")).unwrap();
    assert_eq!(taken.criterion(), &formula("(y[0] - t[1])^2"));
    assert!(!with(formula("abs(y - t)")).unwrap().is_smooth());
    for text in ["(y[2] - t[0])^2", "y[0] +", "t[0]^2", "y - [1, 2, 3]"] {
        assert!(with(formula(text)).is_err(), "{text}");
    }
    for (criterion, message) in [
        (
            Criterion::CrossEntropy { smoothing: 1.0 },
            "`smoothing` of the loss cross_entropy must be at least 0 and less than 1, but is 1",
        ),
        (
            Criterion::Huber { delta: f64::NAN },
            "`delta` of the loss huber must be positive, but is NaN",
        ),
        (
            Criterion::Hinge { margin: 0.0, power: 1 },
            "`margin` of the loss hinge must be positive, but is 0",
        ),
        (
            Criterion::Hinge { margin: 1.0, power: 3 },
            "`power` of the loss hinge must be 1 or 2, but is 3",
        ),
    ] {
        assert_eq!(with(criterion).unwrap_err().to_string(), message);
    }
}

#[test]
fn targets_that_a_loss_has_no_meaning_for_are_refused() {
    let recorded = recorded();
    let refused = |head: &str, values: f64| -> String {
        let data = data(&recorded, Targets::Values { values: vec![values; 14], width: 2 });
        match NetworkLoss::new(network(head, 2), &data, &Device::cpu()) {
            Err(error @ Mismatch::Criterion { .. }) => error.to_string(),
            Err(other) => panic!("{head}: {other}"),
            Ok(_) => panic!("{head} takes {values}"),
        }
    };
    assert_eq!(
        refused("loss = \"logistic\"", 0.0),
        "random has 0 among the targets of example 0, but the loss logistic takes classes, or the numbers -1 and 1"
    );
    assert!(
        refused("loss = \"binary_cross_entropy\"", -1.0)
            .ends_with("classes, or numbers from 0 to 1")
    );
    assert!(refused("loss = \"hinge\"", 1.0).ends_with("the loss hinge takes classes"));
    let data = data(&recorded, classes(&recorded, 2));
    let one = |head: &str| NetworkLoss::new(network(head, 1), &data, &Device::cpu());
    assert!(matches!(one("loss = \"mse\""), Err(Mismatch::Targets { .. })));
    assert!(one("loss = \"hinge\"").is_ok());
}

/// All pairs of so many examples are on no machine, and are not begun.
#[test]
fn a_contrastive_loss_of_many_examples_says_what_it_needs() {
    let network = network("loss = \"contrastive\"", 3);
    let count = 4_000_000;
    let inputs = Values::F32(vec![0.5; 4 * count]);
    let targets = Targets::Classes { labels: vec![0; count], classes: 1 };
    let data = Dataset::new("random", vec![4], inputs, targets).unwrap();
    let error = NetworkLoss::new(network, &data, &Device::cpu()).err().unwrap();
    assert!(matches!(error, Mismatch::Pairs { examples: 4_000_000, .. }), "{error}");
}

/// No pair of a class is no loss of zero.
#[test]
fn a_contrastive_loss_without_pairs_is_refused() {
    let one = |labels: Vec<u32>| {
        let inputs = Values::F64((0..12).map(f64::from).collect());
        let targets = Targets::Classes { labels, classes: 3 };
        let data = Dataset::new("random", vec![4], inputs, targets).unwrap();
        NetworkLoss::new(network("loss = \"contrastive\"", 3), &data, &Device::cpu())
    };
    assert!(one(vec![0, 1, 0]).is_ok());
    let message = one(vec![0, 1, 2]).err().unwrap().to_string();
    assert!(message.contains("random has no two examples of one class"), "{message}");
}
