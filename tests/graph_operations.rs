//! Every operation of graphs against JAX, against differences, and against the laws of derivatives; networks of layers against
//! their graphs.

mod graph;
mod networks;

use bea::network::architecture::Dtype;
use bea::network::device::Device;
use bea::network::graph::Graph;
use bea::network::{NetworkLoss, Scalar};
use graph::{Case, cases};
use networks::{networks, numbers};
use num_complex::Complex64;
use std::collections::BTreeSet;

/// Where the operation jumps at the point itself, at which there are rules but no differences.
fn jumps(case: &Case) -> bool {
    ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"]
        .contains(&case.name.as_str())
        || case.name.contains("of equals")
}

/// The part of a gradient that is stopped is still there in differences.
fn is_derivative(case: &Case) -> bool {
    case.name != "stop_gradient" && !jumps(case)
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, x| largest.max(x.abs()))
}

fn agree(name: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{name}");
    let size = largest(expected).max(1.0);
    for (at, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= tolerance * size, "{name} at {at}: {a:e}, but {b:e}");
    }
}

fn parts<S: Scalar>(values: &[S]) -> Vec<f64> {
    let each = |z: &S| if S::COMPLEX { vec![z.part(0), z.part(1)] } else { vec![z.part(0)] };
    values.iter().flat_map(each).collect()
}

fn compare<S: Scalar>(
    name: &str,
    loss: &NetworkLoss,
    theta: &[S],
    directions: &[&[S]],
    expected: &graph::Expected,
) {
    let (value, gradient) = loss.gradient(theta).unwrap();
    agree(&format!("{name}: value"), &parts(&[value]), &expected.loss, 1e-12);
    agree(
        &format!("{name}: value alone"),
        &parts(&[loss.loss(theta).unwrap()]),
        &expected.loss,
        1e-12,
    );
    agree(&format!("{name}: gradient"), &parts(&gradient), &expected.gradient, 1e-12);
    let hvp = loss.hessian_vectors(theta, &directions[..1]).unwrap().remove(0);
    agree(&format!("{name}: hvp"), &parts(&hvp), &expected.hvp, 1e-12);
    for (count, expected) in [(2, &expected.third), (3, &expected.fourth)] {
        let found = loss.contraction(theta, &directions[..count]).unwrap();
        agree(&format!("{name}: contraction with {count}"), &parts(&found), expected, 1e-12);
    }
}

#[test]
fn every_operation_has_the_derivatives_that_jax_has() {
    for case in cases() {
        let loss = case.loss();
        let directions: Vec<&[f64]> = case.directions.iter().map(Vec::as_slice).collect();
        compare(&case.name, &loss, &case.theta, &directions, &case.real);
    }
}

#[test]
fn every_operation_has_the_complex_derivatives_that_jax_has() {
    let mut compared = 0;
    for case in cases() {
        let Some(expected) = &case.complex else { continue };
        let loss = case.loss();
        let pairs = |x: &[f64], y: &[f64], by: f64| -> Vec<Complex64> {
            x.iter().zip(y).map(|(&re, &im)| Complex64::new(re, by * im)).collect()
        };
        let theta = pairs(&case.theta, &case.directions[0], 0.2);
        let directions: Vec<Vec<Complex64>> =
            case.directions.iter().map(|v| pairs(v, &case.directions[1], 0.1)).collect();
        let directions: Vec<&[Complex64]> = directions.iter().map(Vec::as_slice).collect();
        compare(&format!("{} (complex)", case.name), &loss, &theta, &directions, expected);
        compared += 1;
    }
    assert!(compared > 60, "{compared}");
}

/// The step of differences.
const STEP: f64 = 1e-5;

#[test]
fn each_derivative_is_the_difference_of_the_one_before() {
    for case in cases().into_iter().filter(is_derivative) {
        let loss = case.loss();
        let v = &case.directions[2];
        let moved =
            |by: f64| -> Vec<f64> { case.theta.iter().zip(v).map(|(x, v)| x + by * v).collect() };
        let (above, below) = (moved(STEP), moved(-STEP));
        let slope = |f: &dyn Fn(&[f64]) -> Vec<f64>| -> Vec<f64> {
            let pairs = f(&above).into_iter().zip(f(&below));
            pairs.map(|(a, b)| (a - b) / (2.0 * STEP)).collect()
        };
        let (_, gradient) = loss.gradient(&case.theta).unwrap();
        let along = gradient.iter().zip(v).map(|(g, v)| g * v).sum::<f64>();
        let value = slope(&|x| vec![loss.loss(x).unwrap()]);
        agree(&format!("{}: gradient", case.name), &[along], &value, 1e-8);
        let [u, w] = [&case.directions[0][..], &case.directions[1][..]];
        for (order, directions) in [vec![], vec![u], vec![u, w]].iter().enumerate() {
            let lower = slope(&|x| loss.contraction(x, directions).unwrap());
            let mut all = directions.clone();
            all.push(v);
            let exact = loss.contraction(&case.theta, &all).unwrap();
            // The error of a central difference is a sixth of the third derivative, times the step squared.
            agree(&format!("{}: order {}", case.name, order + 2), &exact, &lower, 1e-6);
        }
    }
}

#[test]
fn losses_of_complex_parameters_are_holomorphic() {
    for case in cases().into_iter().filter(is_derivative) {
        let loss = case.loss();
        let pairs = case.theta.iter().zip(&case.directions[0]);
        let z: Vec<Complex64> = pairs.map(|(&x, &y)| Complex64::new(x, 0.1 * y)).collect();
        let (_, gradient) = loss.gradient(&z).unwrap();
        let v = &case.directions[1];
        let along: Complex64 = gradient.iter().zip(v).map(|(g, v)| g * v).sum();
        for way in [Complex64::new(1.0, 0.0), Complex64::new(0.0, 1.0)] {
            let at = |by: f64| {
                let moved: Vec<Complex64> =
                    z.iter().zip(v).map(|(z, v)| z + way * (by * v)).collect();
                loss.loss(&moved).unwrap()
            };
            let slope = (at(STEP) - at(-STEP)) / (way * (2.0 * STEP));
            let size = along.norm().max(1.0);
            assert!((slope - along).norm() < 1e-8 * size, "{}: {slope} {along}", case.name);
        }
    }
}

#[test]
fn derivatives_are_linear_and_symmetric() {
    for case in cases() {
        let loss = case.loss();
        let [u, v, w] = [0, 1, 2].map(|i| &case.directions[i][..]);
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let products = loss.hessian_vectors(&case.theta, &[u, v]).unwrap();
        let size = largest(&case.real.hvp).max(1.0) * u.len() as f64;
        let (left, right) = (dot(&products[0], v), dot(&products[1], u));
        assert!((left - right).abs() < 1e-12 * size, "{}: {left} {right}", case.name);
        let sum: Vec<f64> = u.iter().zip(v).map(|(u, v)| 2.0 * u - 3.0 * v).collect();
        let of_sum = loss.hessian_vectors(&case.theta, &[&sum]).unwrap().remove(0);
        let expected: Vec<f64> =
            products[0].iter().zip(&products[1]).map(|(u, v)| 2.0 * u - 3.0 * v).collect();
        agree(&format!("{}: linear", case.name), &of_sum, &expected, 1e-12);
        // The parts of stopped gradients are not symmetric in all three.
        if is_derivative(&case) {
            let cubic = |a: &[f64], b: &[f64], c: &[f64]| {
                dot(&loss.contraction(&case.theta, &[a, b]).unwrap(), c)
            };
            let size = largest(&case.real.third).max(1.0) * u.len() as f64;
            for other in [cubic(u, w, v), cubic(v, w, u)] {
                let difference = (cubic(u, v, w) - other).abs();
                assert!(difference < 1e-12 * size, "{}: {difference:e}", case.name);
            }
        }
    }
}

#[test]
fn single_precision_has_seven_digits() {
    for case in cases() {
        let graph = case.open().unwrap().with_dtype(Dtype::F32);
        let loss = NetworkLoss::of_graph(graph, &Device::cpu()).unwrap();
        let (value, gradient) = loss.gradient(&case.theta).unwrap();
        // A float that is rounded may leave a tie.
        let tolerance = 2e-6 * largest(&case.real.fourth).max(1.0);
        agree(&format!("{}: value", case.name), &[value], &case.real.loss, tolerance);
        if !jumps(&case) {
            let name = format!("{}: gradient", case.name);
            agree(&name, &gradient, &case.real.gradient, tolerance);
        }
    }
}

#[test]
fn layers_and_their_graphs_have_the_same_derivatives() {
    for (name, layers) in networks(Dtype::F64, &Device::cpu()) {
        let p = layers.dimension();
        let theta: Vec<f64> = numbers(1, p).into_iter().map(|x| 0.7 * x).collect();
        let (u, v) = (numbers(2, p), numbers(3, p));
        let folder = tempfile::tempdir().unwrap();
        layers.to_graph(&theta).unwrap().save(folder.path()).unwrap();
        let graph = Graph::open(folder.path()).unwrap();
        assert_eq!(graph.initial(), theta, "{name}");
        assert!(graph.unused().is_empty(), "{name}");
        let graph = NetworkLoss::of_graph(graph, &Device::cpu()).unwrap();
        assert_eq!(graph.layout().parameters.len(), layers.layout().parameters.len());
        assert_eq!(graph.is_smooth(), layers.is_smooth(), "{name}");
        let ((value, gradient), (expected, slope)) =
            (graph.gradient(&theta).unwrap(), layers.gradient(&theta).unwrap());
        agree(name, &[value], &[expected], 1e-12);
        agree(name, &gradient, &slope, 1e-12);
        let both = |loss: &NetworkLoss| {
            let products = loss.hessian_vectors(&theta, &[&u, &v]).unwrap().concat();
            [products, loss.contraction(&theta, &[&u, &v]).unwrap()].concat()
        };
        agree(name, &both(&graph), &both(&layers), 1e-12);
    }
}

#[test]
fn every_operation_is_tested_and_documented() {
    let tested: BTreeSet<String> = cases()
        .iter()
        .flat_map(|case| case.open().unwrap().operations())
        .map(|(name, _)| name)
        .collect();
    let text = std::fs::read_to_string("docs/graph.md").unwrap();
    let documented: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| "))
        .filter_map(|line| line.split(" | ").next())
        .flat_map(|cell| cell.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')))
        .collect();
    for name in Graph::operation_names() {
        assert!(tested.contains(*name), "{name} is not tested");
        assert!(documented.contains(name), "{name} is not documented");
    }
}

/// A loss of one parameter `x` of these entries, of one node that takes it and these other nodes, summed.
fn summed(theta: &[f64], nodes: &serde_json::Value) -> NetworkLoss {
    let mut all = vec![serde_json::json!({"op": "parameter", "name": "x"})];
    all.extend(nodes.as_array().unwrap().iter().cloned());
    let last = all.len() - 1;
    all.push(serde_json::json!({"op": "sum", "args": [last], "axes": [0], "keep": false}));
    let nowhere = || graph::Expected {
        loss: vec![],
        gradient: vec![],
        hvp: vec![],
        third: vec![],
        fourth: vec![],
    };
    let case = Case {
        name: "summed".into(),
        graph: serde_json::json!({
            "bea_graph": 1, "producer": "a test", "dtype": "f64",
            "parameters": [{"name": "x", "shape": [theta.len()]}],
            "constants": [], "nodes": all, "loss": last + 1
        }),
        constants: Default::default(),
        theta: theta.to_vec(),
        directions: vec![],
        real: nowhere(),
        complex: None,
    };
    case.loss()
}

#[test]
fn quotients_are_rounded_once() {
    // 49 (1/49) < 1: rounded down, the quotient of equal numbers would be 0.
    for n in 1..200_u32 {
        let nodes = serde_json::json!([
            {"op": "divide", "args": [0, 0]},
            {"op": "floor", "args": [1]},
            {"op": "multiply", "args": [2, 0]}
        ]);
        let x = f64::from(n);
        let (value, gradient) = summed(&[x], &nodes).gradient(&[x]).unwrap();
        assert_eq!((value, gradient[0]), (x, 1.0), "{n}/{n}");
    }
}

#[test]
fn means_and_the_largest_of_equals_are_rounded_once() {
    for n in 1..200_usize {
        let ones = serde_json::json!([
            {"op": "mean", "args": [0], "axes": [0], "keep": true},
            {"op": "floor", "args": [1]},
            {"op": "multiply", "args": [2, 0]}
        ]);
        assert_eq!(summed(&vec![1.0; n], &ones).loss(&vec![1.0; n]).unwrap(), n as f64);
        for name in ["max", "min"] {
            let equal = serde_json::json!([
                {"op": name, "args": [0], "axes": [0], "keep": true},
                {"op": "equal", "args": [0, 1]},
                {"op": "multiply", "args": [2, 0]}
            ]);
            let x = vec![1.1; n];
            let (value, gradient) = summed(&x, &equal).gradient(&x).unwrap();
            assert!((value - 1.1 * n as f64).abs() < 1e-12 * value, "{name} of {n}: {value}");
            assert_eq!(gradient, vec![1.0; n], "{name} of {n}");
        }
    }
    let huge = serde_json::json!([{"op": "maximum", "args": [0, 0]}]);
    assert_eq!(summed(&[1e308], &huge).gradient(&[1e308]).unwrap(), (1e308, vec![1.0]));
    let power = serde_json::json!([{"op": "integer_power", "args": [0], "exponent": -2}]);
    assert_eq!(summed(&[0.0], &power).loss(&[0.0]).unwrap(), f64::INFINITY);
}

#[test]
fn nothing_passes_a_bound_that_is_met() {
    let x = [-2.0, -1.0, 0.5, 1.0, 3.0];
    let clamp = serde_json::json!([{"op": "clamp", "args": [0], "min": -1.0, "max": 1.0}]);
    let (value, gradient) = summed(&x, &clamp).gradient(&x).unwrap();
    assert_eq!((value, gradient), (0.5, vec![0.0, 0.0, 1.0, 0.0, 0.0]));
    let x = [-3.0, 0.0, 3.0];
    let swish = serde_json::json!([{"op": "hardswish", "args": [0]}]);
    assert_eq!(summed(&x, &swish).gradient(&x).unwrap().1, [0.0, 0.5, 1.0]);
}

/// The value, then the derivatives along the direction of ones.
fn derivatives(loss: &NetworkLoss, x: f64) -> [f64; 5] {
    let along = |count| loss.contraction(&[x], &vec![&[1.0][..]; count]).unwrap()[0];
    let (value, gradient) = loss.gradient(&[x]).unwrap();
    [value, gradient[0], along(1), along(2), along(3)]
}

#[test]
fn activations_have_limits_at_infinity() {
    const INF: f64 = f64::INFINITY;
    for (name, below, above) in [
        ("relu", [0.0, 0.0], [INF, 1.0]),
        ("gelu", [0.0, 0.0], [INF, 1.0]),
        ("gelu_tanh", [0.0, 0.0], [INF, 1.0]),
        ("silu", [0.0, 0.0], [INF, 1.0]),
        ("mish", [0.0, 0.0], [INF, 1.0]),
        ("softplus", [0.0, 0.0], [INF, 1.0]),
        ("log_sigmoid", [-INF, 1.0], [0.0, 0.0]),
        ("elu", [-1.0, 0.0], [INF, 1.0]),
        ("hardswish", [0.0, 0.0], [INF, 1.0]),
        ("hardsigmoid", [0.0, 0.0], [1.0, 0.0]),
        ("sigmoid", [0.0, 0.0], [1.0, 0.0]),
        ("tanh", [-1.0, 0.0], [1.0, 0.0]),
    ] {
        let loss = summed(&[0.0], &serde_json::json!([{"op": name, "args": [0]}]));
        for (x, [value, slope]) in [(-INF, below), (INF, above)] {
            assert_eq!(derivatives(&loss, x), [value, slope, 0.0, 0.0, 0.0], "{name} at {x}");
        }
        // To all digits already here.
        for (x, [_, slope]) in [(-1e5, below), (1e5, above)] {
            let [_, first, rest @ ..] = derivatives(&loss, x);
            assert_eq!((first, rest), (slope, [0.0; 3]), "{name} at {x}");
        }
    }
}

#[test]
fn zero_to_a_varying_power() {
    let nodes = serde_json::json!([{"op": "offset", "args": [0], "term": 2.0}, {"op": "power", "args": [0, 1]}]);
    let x = [0.0, 1.0];
    let loss = summed(&x, &nodes);
    // x^(x+2), whose derivative at 1 is 3, and whose second one is that of e^{(x+2) log x}: 9 - 1 = 8.
    assert_eq!(loss.gradient(&x).unwrap(), (1.0, vec![0.0, 3.0]));
    let hvp = loss.hessian_vectors(&x, &[&[1.0, 1.0]]).unwrap().remove(0);
    assert_eq!(hvp, [0.0, 8.0]);
}

#[test]
fn what_no_index_names_has_no_gradient() {
    // The first index is 0, the second one 3.
    let x = [0.5, 3.0];
    let nodes = serde_json::json!([
        {"op": "floor", "args": [0]},
        {"op": "gather", "args": [0, 1], "axis": 0}
    ]);
    let (value, gradient) = summed(&x, &nodes).gradient(&x).unwrap();
    assert!(value.is_nan() && gradient[0].is_nan(), "{gradient:?}");
}

/// `x Wᵀ + b` is one step where nothing else takes the product, and not where something does.
#[test]
fn products_are_there_for_all_who_take_them() {
    let of = |nodes: &str, loss: usize| {
        let text = format!(
            r#"{{"bea_graph": 1, "dtype": "f64", "parameters": [{{"name": "w", "shape": [2, 3]}}, {{"name": "b", "shape": [2]}}], "nodes": [
            {{"op": "parameter", "name": "w"}}, {{"op": "parameter", "name": "b"}}, {{"op": "iota", "shape": [4, 3], "axis": 0}},
            {{"op": "iota", "shape": [4, 3], "axis": 1}}, {{"op": "add", "args": [2, 3]}},
            {{"op": "matmul", "args": [4, 0], "transpose": [false, true]}}, {nodes}], "loss": {loss}}}"#
        );
        let graph = Graph::parse(&text).unwrap();
        NetworkLoss::of_graph(graph, &Device::cpu()).unwrap()
    };
    let theta = [0.3, -0.2, 0.7, 1.1, 0.4, -0.6, 0.5, -0.9];
    let (w, b) = theta.split_at(6);
    let x = |row: usize, column: usize| (row + column) as f64;
    let product =
        |row: usize, out: usize| -> f64 { (0..3).map(|k| x(row, k) * w[3 * out + k]).sum() };
    // The sum over rows and outputs of a function of the product m and the bias, with its derivatives by m and b.
    let check = |loss: NetworkLoss, f: fn(f64, f64) -> [f64; 3]| {
        let (mut value, mut gradient) = (0.0, [0.0; 8]);
        for (row, out) in (0..4).flat_map(|row| [(row, 0), (row, 1)]) {
            let [own, by_product, by_bias] = f(product(row, out), b[out]);
            value += own;
            (0..3).for_each(|k| gradient[3 * out + k] += by_product * x(row, k));
            gradient[6 + out] += by_bias;
        }
        let (found, slopes) = loss.gradient(&theta).unwrap();
        agree("value", &[found], &[value], 1e-14);
        agree("gradient", &slopes, &gradient, 1e-14);
    };
    let sum = r#"{"op": "multiply", "args": [6, 6]}, {"op": "sum", "args": [7], "axes": [0, 1]}"#;
    for args in ["[5, 1]", "[1, 5]"] {
        let alone = format!(r#"{{"op": "add", "args": {args}}}, {sum}"#);
        check(of(&alone, 8), |m, b| [(m + b).powi(2), 2.0 * (m + b), 2.0 * (m + b)]);
    }
    let twice = r#"{"op": "add", "args": [1, 5]}, {"op": "multiply", "args": [6, 5]}, {"op": "sum", "args": [7], "axes": [0, 1]}"#;
    check(of(twice, 8), |m, b| [(m + b) * m, 2.0 * m + b, m]);
    let sums = r#"{"op": "add", "args": [5, 1]}, {"op": "add", "args": [1, 5]}, {"op": "multiply", "args": [6, 7]},
        {"op": "sum", "args": [8], "axes": [0, 1]}"#;
    check(of(sums, 9), |m, b| [(m + b).powi(2), 2.0 * (m + b), 2.0 * (m + b)]);
}
