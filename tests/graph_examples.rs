//! Graphs of some of their examples: as networks of layers have it, in runs with mini-batches, and where it is refused.

mod networks;

use assert_cmd::Command;
use bea::network::NetworkLoss;
use bea::network::architecture::{Architecture, Dtype};
use bea::network::data::{Dataset, Targets, Values};
use bea::network::device::Device;
use bea::network::graph::{Graph, GraphError};
use bea::network::weights;
use bea::source::Source;
use networks::{layers, numbers};
use serde_json::{Value, json};
use std::path::Path;

const EXAMPLES: usize = 7;

/// A network, its data, and the folder of its graph on them, which says how it follows them.
struct Case {
    loss: NetworkLoss,
    data: Dataset,
    theta: Vec<f64>,
    folder: tempfile::TempDir,
    /// What the graph itself said of its examples.
    said: Value,
}

fn document(folder: &Path) -> Value {
    let text = std::fs::read_to_string(folder.join("graph.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Of two graphs of the same layers, on all examples and on one fewer, what differs.
fn followed(whole: &Value, less: &Value) -> Value {
    let (whole, less) = (whole["nodes"].as_array().unwrap(), less["nodes"].as_array().unwrap());
    assert_eq!(whole.len(), less.len());
    let different = whole.iter().zip(less).enumerate().filter(|(_, (one, other))| one != other);
    let nodes = different.map(|(index, (_, other))| {
        let mut operation = other.clone();
        operation.as_object_mut().unwrap().remove("args");
        json!([index, operation])
    });
    let axes = json!({ "inputs": 0, "targets": 0 });
    json!({ "count": EXAMPLES, "axes": axes, "other": EXAMPLES - 1, "nodes": nodes.collect::<Vec<_>>() })
}

impl Case {
    fn new(head: &str, types: &[&str]) -> Case {
        let text = format!("dtype = \"f64\"\n{head}\n{}", layers(types));
        let architecture = Architecture::parse(&Source::new("net.toml", text)).unwrap();
        let size: usize = architecture.input.iter().product();
        let mut inputs = numbers(5, EXAMPLES * size);
        if types[0].contains("embedding") {
            inputs.iter_mut().for_each(|x| *x = ((*x + 1.0) * 2.5).floor());
        }
        let labels = (0..EXAMPLES).map(|i| (i * i % 3) as u32).collect();
        let targets = Targets::Classes { labels, classes: 3 };
        let shape = architecture.input.clone();
        let data = Dataset::new("random", shape, Values::F64(inputs), targets).unwrap();
        let loss = NetworkLoss::new(architecture, &data, &Device::cpu()).unwrap();
        let theta: Vec<f64> = numbers(1, loss.dimension()).into_iter().map(|x| 0.7 * x).collect();
        let folder = tempfile::Builder::new().suffix(".bea-graph").tempdir().unwrap();
        let fewer = loss.over(&data.subset(0..EXAMPLES - 1)).unwrap();
        fewer.to_graph(&theta).unwrap().save(folder.path()).unwrap();
        let less = document(folder.path());
        loss.to_graph(&theta).unwrap().save(folder.path()).unwrap();
        let mut whole = document(folder.path());
        let followed = followed(&whole, &less);
        let said = std::mem::replace(&mut whole["examples"], followed);
        std::fs::write(folder.path().join("graph.json"), whole.to_string()).unwrap();
        Case { loss, data, theta, folder, said }
    }

    fn change(&self, change: impl FnOnce(&mut Value)) -> Result<Graph, GraphError> {
        let mut graph = document(self.folder.path());
        change(&mut graph);
        std::fs::write(self.folder.path().join("graph.json"), graph.to_string()).unwrap();
        Graph::open(self.folder.path())
    }
}

fn cases() -> Vec<Case> {
    let ce = "loss = \"cross_entropy\"";
    let linear = "\"linear\"; out = 3";
    let conv = "\"conv2d\"; out = 3; kernel = 3; padding = 1";
    let pool = "\"max_pool2d\"; kernel = 3; stride = 2; padding = 1";
    vec![
        Case::new(&format!("{ce}\ninput = [4]"), &["\"linear\"; out = 5", "\"tanh\"", linear]),
        Case::new(
            "loss = \"hinge\"\ninput = [4]\nl2 = 0.1",
            &["\"linear\"; out = 5", "\"tanh\"", linear],
        ),
        Case::new("loss = { formula = \"log(sum(exp(y))) - y[0]*t[1]\" }\ninput = [4]", &[linear]),
        Case::new(
            &format!("{ce}\ninput = [2, 6, 6]"),
            &[conv, "\"batch_norm\"", "\"tanh\"", pool, "\"flatten\"", linear],
        ),
        Case::new(
            &format!("{ce}\ninput = [4]"),
            &[
                "\"embedding\"; vocabulary = 5; width = 4",
                "\"position\"",
                "\"attention\"; heads = 2",
                "\"layer_norm\"",
                "\"mean_tokens\"",
                linear,
            ],
        ),
    ]
}

fn agree(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= 1e-12 * b.abs().max(1.0), "{a} instead of {b}");
    }
}

#[test]
fn some_examples_of_a_graph_are_those_of_its_layers() {
    for case in cases() {
        let graph = Graph::open(case.folder.path()).unwrap();
        assert_eq!(graph.examples(), Ok(EXAMPLES));
        let graph = NetworkLoss::of_graph(graph, &Device::cpu()).unwrap();
        for rows in [&[0, 1, 2, 3, 4, 5, 6][..], &[6, 2, 4], &[3, 3, 0, 5, 1, 2, 4, 6, 6], &[1, 5]]
        {
            let layers = case.loss.over(&case.data.select(rows)).unwrap();
            let some = graph.subset(rows).unwrap();
            let ((value, gradient), (expected, slope)) =
                (some.gradient(&case.theta).unwrap(), layers.gradient(&case.theta).unwrap());
            agree(&[value], &[expected]);
            agree(&gradient, &slope);
        }
    }
}

#[test]
fn graphs_of_layers_say_how_they_follow_their_examples() {
    for case in cases() {
        assert_eq!(case.said, document(case.folder.path())["examples"]);
    }
    // One example does not tell how two differ.
    let case = &cases()[0];
    let one = case.loss.over(&case.data.subset(0..1)).unwrap().to_graph(&case.theta).unwrap();
    assert!(one.examples().unwrap_err().contains("does not say"));
}

#[test]
fn runs_with_mini_batches_are_those_of_the_layers() {
    let place = tempfile::tempdir().unwrap();
    let case = &cases()[0];
    let graph = case.loss.to_graph(&case.theta).unwrap();
    graph.save(&place.path().join("model.bea-graph")).unwrap();
    let start = place.path().join("start.safetensors");
    weights::save(&start, &weights::tensors(case.loss.layout(), &case.theta, ""), Dtype::F64)
        .unwrap();
    let rows = case.data.rows_f64(0..EXAMPLES);
    let labels = (0..EXAMPLES).map(|i| i * i % 3);
    let lines = rows
        .chunks(4)
        .zip(labels)
        .map(|(x, label)| format!("{},{},{},{},{label}\n", x[0], x[1], x[2], x[3]));
    let lines: Vec<String> = lines.collect();
    std::fs::write(place.path().join("data.csv"), lines.concat()).unwrap();
    // Other examples, of a graph of their own.
    std::fs::write(place.path().join("test.csv"), lines[2..6].concat()).unwrap();
    let test = case.loss.over(&case.data.subset(2..6)).unwrap().to_graph(&case.theta).unwrap();
    test.save(&place.path().join("test.bea-graph")).unwrap();
    let net = format!(
        "dtype = \"f64\"\nloss = \"cross_entropy\"\ninput = [4]\n{}",
        layers(&["\"linear\"; out = 5", "\"tanh\"", "\"linear\"; out = 3"])
    );
    std::fs::write(place.path().join("net.toml"), net).unwrap();
    let train = "[train]\nmethod = \"heavy_ball\"\nlr = 0.1\nsteps = 9\nbatch = 3\n";
    let measure = "[measure]\nmetrics = [\"loss\", \"test_loss\"]\n";
    let losses = |name: &str, head: &str, more: &str| -> Vec<f64> {
        std::fs::write(
            place.path().join(format!("{name}.toml")),
            format!("{head}\nseed = 5\n{train}{more}{measure}"),
        )
        .unwrap();
        let run = Command::new(env!("CARGO_BIN_EXE_bea"))
            .current_dir(place.path())
            .args(["run", &format!("{name}.toml"), "--out", name])
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let table = std::fs::read_to_string(place.path().join(name).join("metrics.csv")).unwrap();
        let cells = table.lines().skip(1).flat_map(|line| line.split(',').skip(1));
        cells.map(|cell| cell.parse().unwrap()).collect()
    };
    let graph = losses("graph", "network = \"model.bea-graph\"\ntest = \"test.bea-graph\"", "");
    let layers = losses(
        "layers",
        "network = \"net.toml\"\ndata = \"data.csv,targets=classes\"\ntest = \"test.csv,targets=classes\"",
        "weights = \"start.safetensors\"\n",
    );
    agree(&graph, &layers);
    assert_eq!(graph.len(), 2 * 10);
    let other = Case::new("loss = \"mse\"\ninput = [4]", &["\"linear\"; out = 3"]);
    let refused = |test: &str, cause: &str| {
        let text = format!("network = \"model.bea-graph\"\ntest = {test:?}\n{train}{measure}");
        std::fs::write(place.path().join("bad.toml"), text).unwrap();
        let mut run = Command::new(env!("CARGO_BIN_EXE_bea"));
        let run = run.current_dir(place.path()).args(["run", "bad.toml"]).assert().code(2);
        let said = String::from_utf8_lossy(&run.get_output().stderr).replace("\n  │ ", " ");
        assert!(said.contains(cause), "{said}");
    };
    refused("data.csv", "must name an operator graph");
    refused(&other.folder.path().display().to_string(), "has other parameters than");
}

#[test]
fn a_graph_that_does_not_follow_its_examples_is_refused() {
    let case = &cases()[0];
    let message = |error: GraphError| error.to_string();
    let graph =
        case.change(|graph| graph["examples"] = json!({ "refused": "it mixes them" })).unwrap();
    assert_eq!(graph.examples(), Err("it mixes them"));
    let error = message(graph.subset(&[0]).unwrap_err());
    assert!(
        error.ends_with("cannot be evaluated on some of its examples: it mixes them"),
        "{error}"
    );
    let graph =
        case.change(|graph| drop(graph.as_object_mut().unwrap().remove("examples"))).unwrap();
    assert!(graph.examples().is_err());

    let case = &cases()[3];
    // A reshape that stays as it is for all of the examples.
    let nodes = document(case.folder.path())["nodes"].as_array().unwrap().clone();
    let reshape = nodes.iter().position(|node| node["shape"] == json!([7, 27])).unwrap();
    let kept = |graph: &mut Value| {
        graph["examples"]["nodes"].as_array_mut().unwrap().retain(|node| node[0] != json!(reshape));
    };
    let error = message(case.change(kept).unwrap_err());
    assert!(error.contains(&format!("node {reshape}, `reshape`: of 6 examples, ")), "{error}");
}

#[test]
fn wrong_examples_are_refused() {
    let refused = |change: fn(&mut Value), expected: &str| {
        let case = Case::new("loss = \"mse\"\ninput = [4]", &["\"linear\"; out = 3"]);
        let error = case.change(change).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    refused(|graph| graph["examples"]["other"] = json!(7), "have `other` = 7 of 7");
    refused(|graph| graph["examples"]["other"] = json!(0), "have `other` = 0 of 7");
    refused(|graph| graph["examples"]["axes"]["inputs"] = json!(1), "name an axis 1 of `inputs`");
    refused(|graph| graph["examples"]["axes"]["none"] = json!(0), "name an axis 0 of `none`");
    refused(|graph| graph["examples"]["axes"] = json!({}), "name no constant");
    refused(|graph| graph["examples"]["nodes"] = json!([[99, {}]]), "name the node 99");
    refused(|graph| graph["examples"] = json!(3), "examples");
    refused(
        |graph| {
            let none = json!({ "name": "none", "shape": [7, 0] });
            graph["constants"].as_array_mut().unwrap().push(none);
            graph["examples"]["axes"]["none"] = json!(0);
        },
        "the constant `none` is [7, 0]",
    );
    refused(
        |graph| graph["examples"]["nodes"] = json!([[2, { "op": "tanh" }]]),
        "node 2, `matmul`: its attributes do not follow the number of examples",
    );
}
