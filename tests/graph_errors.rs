//! Graphs that are wrong: what is said of them, on the command line and off it.

mod graph;

use bea::network::NetworkLoss;
use bea::network::device::Device;
use bea::network::graph::Graph;
use graph::{Case, cases};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};

fn case(name: &str) -> Case {
    cases().into_iter().find(|case| case.name == name).unwrap()
}

fn bea(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bea")).args(arguments).output().unwrap()
}

/// The error of `bea evaluate` on one line, after an exit code of 2.
fn refused(folder: &Path) -> String {
    let output = bea(&["evaluate", "--network", folder.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    // The report breaks lines.
    text.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn refused_after(change: impl FnOnce(&mut Case)) -> String {
    let mut case = case("matmul batches");
    change(&mut case);
    let folder = tempfile::tempdir().unwrap();
    case.write(folder.path());
    refused(folder.path())
}

#[test]
fn what_is_wrong_is_said() {
    type Change = fn(&mut Case);
    let changes: [(&str, Change); 24] = [
        ("this is version 2 of the format", |case| case.graph["bea_graph"] = json!(2)),
        ("this is no graph of bea", |case| {
            case.graph.as_object_mut().unwrap().remove("bea_graph");
        }),
        ("node 2, `matmull` from model.py:12: bea has no such operation", |case| {
            case.graph["nodes"][2]["op"] = json!("matmull");
            case.graph["nodes"][2]["at"] = json!("model.py:12");
        }),
        ("did you mean `matmul`", |case| case.graph["nodes"][2]["op"] = json!("matmull")),
        ("its argument 2 is no earlier node", |case| {
            case.graph["nodes"][2]["args"] = json!([2, 1]);
        }),
        ("its argument 5 is no earlier node", |case| {
            case.graph["nodes"][2]["args"] = json!([0, 5]);
        }),
        ("it takes 2 arguments, not 1", |case| case.graph["nodes"][2]["args"] = json!([0])),
        ("3 columns and 2 rows", |case| {
            case.graph["nodes"][2]["transpose"] = json!([false, true]);
        }),
        ("it has no attribute `transposed`", |case| {
            case.graph["nodes"][2]["transposed"] = json!([false, true]);
        }),
        ("it is the loss, but has the shape [2, 3, 2, 2]", |case| case.graph["loss"] = json!(2)),
        ("`loss` is 99, but there are", |case| case.graph["loss"] = json!(99)),
        ("there is no parameter `p7`", |case| case.graph["nodes"][0]["name"] = json!("p7")),
        ("`p0` is NaN at [0, 0, 0, 1]", |case| case.theta[1] = f64::NAN),
        ("`constant.weights` is NaN", |case| {
            case.constants.get_mut("weights").unwrap()[0] = f64::NAN;
        }),
        ("two parameters are called `p0`", |case| {
            case.graph["parameters"][1]["name"] = json!("p0");
        }),
        ("unknown field `lost`", |case| case.graph["lost"] = json!(1)),
        ("the graph has no parameters", |case| case.graph["parameters"] = json!([])),
        ("an axis of its value [2, 3, 0] has no entries", |case| {
            case.graph["nodes"][3] = json!({"op": "iota", "shape": [2, 3, 0], "axis": 0});
        }),
        ("node 3, `scalar`: its `value`: null is no number, \"inf\" or \"-inf\"", |case| {
            case.graph["nodes"][3] = json!({"op": "scalar", "value": null});
        }),
        ("node 2, `matmul`: its `transpose`: invalid type: integer `3`", |case| {
            case.graph["nodes"][2]["transpose"] = json!(3);
        }),
        ("node 3, `convolution`: its `stride`: invalid type: string", |case| {
            case.graph["nodes"][3] = json!({"op": "convolution", "args": [0, 1], "stride": "x"});
        }),
        ("node 3, `sum`: missing field `axes`", |case| {
            case.graph["nodes"][3] = json!({"op": "sum", "args": [2]});
        }),
        ("node 2, `matmul`: its `at` is 3", |case| case.graph["nodes"][2]["at"] = json!(3)),
        ("its `parameters`: unknown field `dtype`", |case| {
            case.graph["parameters"][0]["dtype"] = json!("f64");
        }),
    ];
    for (expected, change) in changes {
        // Names that are duplicated, and missing tensors, are refused before the tensors are written.
        let mut wrong = case("matmul batches");
        change(&mut wrong);
        let folder = tempfile::tempdir().unwrap();
        case("matmul batches").write(folder.path());
        if wrong.theta.iter().chain(&wrong.constants["weights"]).any(|x| x.is_nan()) {
            wrong.write(folder.path());
        }
        std::fs::write(folder.path().join("graph.json"), wrong.graph.to_string()).unwrap();
        let text = refused(folder.path());
        assert!(text.contains(expected), "{text}\nlacks {expected}");
    }
}

#[test]
fn folders_that_are_cut_short_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (json, tensors) =
        (folder.path().join("graph.json"), folder.path().join("tensors.safetensors"));
    case("matmul batches").write(folder.path());
    let whole = std::fs::read(&tensors).unwrap();
    for length in [0, 4, 40, whole.len() - 1] {
        std::fs::write(&tensors, &whole[..length]).unwrap();
        assert!(refused(folder.path()).contains("this is no complete safetensors file"));
    }
    std::fs::remove_file(&tensors).unwrap();
    assert!(refused(folder.path()).contains("tensors.safetensors"));
    let text = std::fs::read_to_string(&json).unwrap();
    std::fs::write(&json, &text[..text.len() / 2]).unwrap();
    assert!(refused(folder.path()).contains("this is no complete JSON"));
    std::fs::remove_file(&json).unwrap();
    let named = folder.path().join("none.bea-graph");
    assert!(
        refused(&named).contains("a graph is a folder with graph.json and tensors.safetensors")
    );
}

#[test]
fn tensors_that_do_not_fit_are_refused() {
    let text = refused_after(|case| {
        case.constants.remove("weights");
        case.graph["constants"] = json!([]);
    });
    assert!(text.contains("there is no constant `weights`"), "{text}");
    let folder = tempfile::tempdir().unwrap();
    case("matmul batches").write(folder.path());
    let json = folder.path().join("graph.json");
    let text = std::fs::read_to_string(&json).unwrap();
    std::fs::write(&json, text.replace("[2,1,2,3]", "[2,1,3,2]")).unwrap();
    let text = refused(folder.path());
    assert!(text.contains("`p0` is [2, 1, 2, 3]") || text.contains("do not multiply"), "{text}");
}

#[test]
fn indices_beyond_the_axis_are_refused() {
    let mut wrong = case("take");
    wrong.constants.get_mut("index").unwrap()[1] = 4.0;
    let folder = tempfile::tempdir().unwrap();
    wrong.write(folder.path());
    let text = refused(folder.path());
    assert!(text.contains("there is an index 4, but the axis has 4 entries"), "{text}");
    assert!(text.contains("indices are whole numbers from 0 to 3"), "{text}");
}

#[test]
fn a_graph_takes_neither_data_nor_a_scheme() {
    let folder = tempfile::tempdir().unwrap();
    case("tanh").write(folder.path());
    let path = folder.path().to_str().unwrap();
    for (option, value) in [("--data", "iris"), ("--init", "pytorch:1")] {
        let output = bea(&["evaluate", "--network", path, option, value]);
        assert_eq!(output.status.code(), Some(2));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(&format!("leave {option} out")), "{text}");
    }
    let output = bea(&["spectrum", "--network", path, "--gauss-newton"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("the Gauss-Newton matrix needs the network's outputs"), "{text}");
    let output = bea(&["evaluate", "--network", "mlp:3"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("there is no --data"));
}

#[test]
fn commands_take_graphs() {
    let folder = tempfile::tempdir().unwrap();
    let case = case("matmul batches");
    let graph = folder.path().join("model.bea-graph");
    case.write(&graph);
    let path = graph.to_str().unwrap();
    let json = |arguments: &[&str]| -> Value {
        let output = bea(arguments);
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let names = "loss,gradient,pf,order:3";
    let found = json(&["evaluate", "--network", path, "--quantities", names, "--format", "json"]);
    let norm = case.real.gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
    let near = |found: &Value, expected: f64| {
        assert!((found.as_f64().unwrap() - expected).abs() < 1e-12 * expected.abs().max(1.0));
    };
    near(&found["loss"], case.real.loss[0]);
    near(&found["gradient"]["norm"], norm);
    let found = json(&["spectrum", "--network", path, "--top", "2", "--format", "json"]);
    assert_eq!(found["parameters"], case.theta.len());
    assert_eq!(found["eigenpairs"].as_array().unwrap().len(), 2);
    let out = folder.path().join("flow");
    let flow =
        ["flow", "--network", path, "--lr", "0.1", "--steps", "3", "--flows", "gd,ngf,pf", "--out"];
    let output = bea(&[&flow[..], &[out.to_str().unwrap()]].concat());
    assert!(output.status.success(), "{output:?}");
    assert!(std::fs::read_to_string(out.join("trajectories.csv")).unwrap().lines().count() > 4);
}

#[test]
fn a_run_takes_a_graph() {
    let folder = tempfile::tempdir().unwrap();
    case("matmul batches").write(&folder.path().join("model.bea-graph"));
    let description = folder.path().join("run.toml");
    let train = "[train]\nmethod = \"gd\"\nlr = 0.05\nsteps = 3\n";
    let write = |head: &str, train: &str| {
        let text = format!("network = \"model.bea-graph\"\n{head}{train}");
        std::fs::write(&description, text + "[measure]\nmetrics = [\"loss\", \"lambda:1\"]\n")
            .unwrap();
    };
    let out = folder.path().join("out");
    let run =
        |out: &Path| bea(&["run", description.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    write("", train);
    let output = run(&out);
    assert!(output.status.success(), "{output:?}");
    let table = std::fs::read_to_string(out.join("metrics.csv")).unwrap();
    let losses: Vec<f64> =
        table.lines().skip(1).map(|row| row.split(',').nth(1).unwrap().parse().unwrap()).collect();
    let case = case("matmul batches");
    assert_eq!(losses[0], case.loss().loss(&case.theta).unwrap());
    let stepped: Vec<f64> =
        case.theta.iter().zip(&case.real.gradient).map(|(x, g)| x - 0.05 * g).collect();
    let expected = case.loss().loss(&stepped).unwrap();
    assert!((losses[1] - expected).abs() < 1e-12, "{} {expected}", losses[1]);
    for (metric, cause) in [
        ("accuracy", "needs outputs, which a graph does not name"),
        ("test_loss", "needs the key `test`"),
    ] {
        let text = format!(
            "network = \"model.bea-graph\"\n{train}[measure]\nmetrics = [\"loss\", \"{metric}\"]\n"
        );
        std::fs::write(&description, text).unwrap();
        let output = run(&folder.path().join("other"));
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(cause), "{text}");
        assert!(!folder.path().join("other").exists());
    }
    for (head, train) in [
        ("data = \"iris\"\n", train.to_string()),
        ("init = \"pytorch\"\n", train.to_string()),
        ("", format!("{train}batch = 2\n")),
    ] {
        write(head, &train);
        let output = run(&folder.path().join("other"));
        assert_eq!(output.status.code(), Some(2), "{head}{train}");
        let text = String::from_utf8(output.stderr).unwrap();
        let of_batch = "`batch` needs a graph that can be evaluated on some of its examples";
        let expected = if head.is_empty() { of_batch } else { "is not for an operator graph" };
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn a_graph_is_summarised() {
    let folder = tempfile::tempdir().unwrap();
    case("matmul batches").write(folder.path());
    let path = folder.path().to_str().unwrap();
    let text = String::from_utf8(bea(&["graph", path]).stdout).unwrap();
    for part in ["made by record.py", "30 parameters", "p0  [2, 1, 2, 3]", "1  matmul"] {
        assert!(text.contains(part), "{text}");
    }
    let object: Value =
        serde_json::from_slice(&bea(&["graph", path, "--format", "json"]).stdout).unwrap();
    assert_eq!(object["operations"]["parameter"], 2);
}

#[test]
fn parameters_without_influence_are_named() {
    let mut case = case("tanh");
    case.graph["parameters"].as_array_mut().unwrap().push(json!({"name": "rest", "shape": [2]}));
    case.theta.extend([1.0, 2.0]);
    let folder = tempfile::tempdir().unwrap();
    case.write(folder.path());
    let output = bea(&["evaluate", "--network", folder.path().to_str().unwrap()]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("note: the loss does not depend on `rest`"), "{text}");
    let loss = case.loss();
    let (_, gradient) = loss.gradient(&case.theta).unwrap();
    assert_eq!(gradient[6..], [0.0, 0.0]);
}

/// A number of some node, or of a shape, replaced.
fn mutated(value: &mut Value, at: &mut usize, by: &Value) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(|value| mutated(value, at, by)),
        Value::Object(all) => all.values_mut().for_each(|value| mutated(value, at, by)),
        leaf => {
            if *at == 0 {
                *leaf = by.clone();
            }
            *at = at.wrapping_sub(1);
        }
    }
}

fn replacement() -> impl Strategy<Value = Value> {
    let numbers = prop_oneof![
        Just(json!(-1)),
        Just(json!(0)),
        Just(json!(1)),
        Just(json!(2)),
        Just(json!(3)),
        Just(json!(7)),
        Just(json!(1_i64 << 33)),
        Just(json!(i64::MIN)),
        Just(json!(u64::MAX)),
        Just(json!(0.5)),
        Just(json!(true)),
        Just(json!("inf")),
    ];
    let names = proptest::sample::select(Graph::operation_names()).prop_map(|name| json!(name));
    prop_oneof![3 => numbers, 1 => names]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// Whatever a graph says, it is refused or evaluated, at first and third order.
    #[test]
    fn hostile_graphs_never_panic(which in 0usize..1000, changes in proptest::collection::vec((0usize..60, replacement()), 1..3)) {
        use std::sync::OnceLock;
        static CASES: OnceLock<Vec<Case>> = OnceLock::new();
        let all = CASES.get_or_init(cases);
        let mut graph = all[which % all.len()].graph.clone();
        for (mut at, by) in changes {
            mutated(&mut graph, &mut at, &by);
        }
        if let Ok(graph) = Graph::parse(&graph.to_string())
            && graph.activations() < 100_000
            && graph.layout().len() < 10_000
        {
            let theta: Vec<f64> = (0..graph.layout().len()).map(|i| 0.1 * i as f64 - 1.0).collect();
            if let Ok(loss) = NetworkLoss::of_graph(graph, &Device::cpu()) {
                loss.gradient(&theta).unwrap();
                loss.contraction(&theta, &[&theta, &theta]).unwrap();
            }
        }
    }
}

#[test]
fn a_summary_refuses_what_no_evaluation_takes() {
    let mut wrong = case("take");
    wrong.constants.get_mut("index").unwrap()[1] = 77.0;
    let folder = tempfile::tempdir().unwrap();
    wrong.write(folder.path());
    let output = bea(&["graph", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("there is an index 77"), "{text}");
}

#[test]
fn what_is_wrong_of_examples_is_said() {
    for (examples, expected) in [
        (
            json!({ "count": 2, "axes": {}, "other": "many", "nodes": [] }),
            "`examples`: its `other`: invalid type",
        ),
        (json!({ "count": 2, "axes": {}, "nodes": [] }), "`examples`: missing field `other`"),
        (json!({ "refused": 3 }), "`examples`: its `refused` is 3, and not a reason"),
        (json!("all"), "`examples`: invalid type"),
    ] {
        let text = refused_after(|case| case.graph["examples"] = examples);
        assert!(text.contains(expected), "{text}");
    }
}
