//! Flows through the edge of stability: against closed forms, and against averages of the iterates themselves.

use assert_cmd::Command;
use bea::experiment::{Experiment, Run, Scale};
use bea::flow::{FlowName, Oscillation, Problem, Request, Simulation, Trajectory, simulate};
use bea::loss::Loss;
use bea::optimizer;
use bea::series::GeneralLinearMethod;
use bea::source::Source;
use std::collections::BTreeMap;
use std::path::Path;

/// A formula, and a start of which coordinates that are not named are 0.
fn problem(text: &str, start: &[(&str, f64)]) -> (Problem, Vec<f64>) {
    let loss = Loss::parse(&Source::new("test", text), &BTreeMap::new()).unwrap();
    let at = |name: &String| start.iter().find(|(known, _)| known == name).map_or(0.0, |(_, x)| *x);
    let start = loss.variables.iter().map(at).collect();
    (Problem::of_loss(loss.graph(), loss.expression(), loss.variables.len()), start)
}

fn request(h: f64, steps: usize, flows: &str) -> Request {
    let flows = FlowName::parse(&Source::new("flows", flows)).unwrap();
    Request { lr: h, steps, flows, ..Request::default() }
}

fn descend((problem, start): &(Problem, Vec<f64>), request: &Request) -> Simulation {
    simulate(problem, "gd", &GeneralLinearMethod::euler(), start, request).unwrap()
}

fn at(flow: &Trajectory, step: usize) -> &Oscillation {
    &flow.oscillations.as_ref().expect("it oscillates").at[step]
}

fn real(flow: &Trajectory, step: usize) -> Vec<f64> {
    flow.theta[step].iter().map(|z| z.re).collect()
}

/// `E = (s₀+y)x²/2 - cy`: the sharpness is `s₀+y`, `∇S = (0, 1)`, `-∇E·∇S = c`, so `σ² = 2c` at `S = 2/h`, and the averaged loss is
/// `E + σ²/h`.
const TOY: &str = "(39/10 + y)*x^2/2 - y/500";

#[test]
fn the_toy_has_its_closed_form() {
    let (h, c) = (0.5, 0.002);
    let problem = problem(TOY, &[("x", 0.06), ("y", 0.06)]);
    let steps = 2200;
    let simulation = descend(&problem, &request(h, steps, "central"));
    let central = simulation.find("central").unwrap();
    assert_eq!(central.note, None);
    let last = at(central, steps);
    assert!((last.sharpness - 2.0 / h).abs() < 1e-9, "{last:?}");
    assert!((last.trace - 2.0 * c).abs() < 1e-9, "{last:?}");
    assert_eq!(last.covariance.len(), 1);
    let [y, x] = real(central, steps)[..] else { panic!("two variables") };
    assert!(x.abs() < 1e-12 && (y - 0.1).abs() < 1e-9);
    assert!((last.loss - (-c * y + 2.0 * c / h)).abs() < 1e-9);
    assert!((last.gradient_norm - (c * c + (2.0 / h).powi(2) * 2.0 * c).sqrt()).abs() < 1e-9);
    assert!(last.residual < 1e-8);
    // Before the edge there is no oscillation.
    let early = at(central, 20);
    assert_eq!((early.trace, early.covariance.len()), (0.0, 0));
    // What the iterates do on the average, of ten cycles.
    let mean = |of: &dyn Fn(usize) -> f64| (200..2100).map(of).sum::<f64>() / 1900.0;
    let measured = mean(&|n| at(&simulation.optimizer, n).trace);
    assert!((measured / (2.0 * c) - 1.0).abs() < 0.03, "{measured}");
    let sharpness = mean(&|n| at(&simulation.optimizer, n).sharpness);
    assert!((sharpness * h / 2.0 - 1.0).abs() < 0.002, "{sharpness}");
}

/// Two directions whose Hessian, `[[s₁+y, q], [q, s₂+z]]`, can be moved at will, so that both are at the edge: then
/// `½⟨∇H, Σ⟩ = -c`, or `Σ = [[2c_y, c_q], [c_q, 2c_z]]`.
const COUPLED: &str = "(395/100 + y)*x^2/2 + (397/100 + z)*v^2/2 + q*x*v - y/200 - z/250 - q/1000";

#[test]
fn two_directions_against_the_iterates() {
    let h = 0.5;
    let (problem, start) = problem(COUPLED, &[("x", 0.05), ("v", 0.08)]);
    let steps = 400;
    let simulation = descend(&(problem, start), &request(h, steps, "central"));
    let central = simulation.find("central").unwrap();
    assert_eq!(central.note, None);
    let last = at(central, steps);
    assert!((last.sharpness - 2.0 / h).abs() < 1e-8);
    assert!(last.residual < 1e-8);
    // Σ = [[0.01, 0.001], [0.001, 0.008]].
    let root = (0.001f64.powi(2) + 0.001f64.powi(2)).sqrt();
    for (value, expected) in last.covariance.iter().zip([0.009 + root, 0.009 - root]) {
        assert!((value - expected).abs() < 1e-8, "{last:?}");
    }
    // The iterates, by brute force: their oscillation has one direction at a time, which wanders.
    let descent = |[y, z, q, x, v]: [f64; 5]| {
        let slope = [
            x * x / 2.0 - 0.005,
            v * v / 2.0 - 0.004,
            x * v - 0.001,
            (3.95 + y) * x + q * v,
            (3.97 + z) * v + q * x,
        ];
        let mut at = [y, z, q, x, v];
        at.iter_mut().zip(slope).for_each(|(at, slope)| *at -= h * slope);
        at
    };
    let mut iterates = vec![[0.0, 0.0, 0.0, 0.05, 0.08]];
    while iterates.len() < 12_000 {
        iterates.push(descent(iterates[iterates.len() - 1]));
    }
    let mean = |of: &dyn Fn(&[f64; 5], [f64; 2]) -> f64| {
        let window = iterates[2000..].windows(3);
        let count = window.len() as f64;
        let value = |three: &[[f64; 5]]| {
            let delta = |i: usize| (2.0 * three[1][i] - three[0][i] - three[2][i]) / 4.0;
            of(&three[1], [delta(3), delta(4)])
        };
        window.map(value).sum::<f64>() / count
    };
    let covariance = [mean(&|_, [x, _]| x * x), mean(&|_, [x, v]| x * v), mean(&|_, [_, v]| v * v)];
    for (found, expected) in covariance.iter().zip([0.01, 0.001, 0.008]) {
        assert!((found / expected - 1.0).abs() < 0.02, "{covariance:?}");
    }
    // Both curvatures are at the edge, 2/h = 4, on the average.
    let curvatures = [mean(&|at, _| 3.95 + at[0]), mean(&|at, _| 3.97 + at[1])];
    assert!(curvatures.iter().all(|s| (s * h / 2.0 - 1.0).abs() < 0.01), "{curvatures:?}");
}

/// A step of 1/16 and of 1/64 of the optimizer's agree to the first order.
#[test]
fn smaller_steps_converge() {
    let problem = problem(COUPLED, &[("x", 0.05), ("v", 0.08)]);
    let end = |parts: f64| {
        let request = Request { euler: Some(0.5 / parts), ..request(0.5, 12, "central") };
        let simulation = descend(&problem, &request);
        real(simulation.find("central").unwrap(), 12)
    };
    let (coarse, middle, fine) = (end(4.0), end(16.0), end(64.0));
    let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f64>();
    assert!(distance(&middle, &fine) < 0.5 * distance(&coarse, &fine));
    assert!(distance(&middle, &fine) < 1e-4, "{}", distance(&middle, &fine));
}

/// `S w²/2 - Q w⁴/4`: the rod has its fixed point at `w = 0`, `Σ = S/Q - 2/(hQ)`, as have the steps of period 2 themselves.
#[test]
fn the_rod_has_its_fixed_point() {
    let (h, s, q) = (1.0, 2.2, 4.0);
    let problem = problem("2.2*w^2/2 - 4*w^4/4", &[("w", 0.2)]);
    let simulation = descend(&problem, &request(h, 200, "rod"));
    let rod = simulation.find("rod").unwrap();
    assert_eq!(rod.note, None);
    let last = at(rod, 200);
    let expected = s / q - 2.0 / (h * q);
    assert!((last.trace - expected).abs() < 1e-9, "{last:?} {expected}");
    assert!(real(rod, 200)[0].abs() < 1e-9);
    let energy = |w: f64| s * w * w / 2.0 - q * w.powi(4) / 4.0;
    assert!((last.loss - energy(expected.sqrt())).abs() < 1e-9);
    // The iterates: ±√Σ.
    let [a, b] = [199, 200].map(|n| real(&simulation.optimizer, n)[0]);
    assert!((a * a - expected).abs() < 1e-6 && (a + b).abs() < 1e-6, "{a} {b}");
    assert!((at(&simulation.optimizer, 150).trace - expected).abs() < 1e-6);
}

#[test]
fn the_rod_follows_the_toy() {
    let (h, c) = (0.5, 0.002);
    let problem = problem(TOY, &[("x", 0.06), ("y", 0.06)]);
    let simulation = descend(&problem, &request(h, 2200, "rod"));
    let rod = simulation.find("rod").unwrap();
    assert_eq!(rod.note, None);
    // It cycles about the central flow, as the iterates do.
    let mean = |of: &dyn Fn(usize) -> f64| (200..2100).map(of).sum::<f64>() / 1900.0;
    let (sharpness, trace) = (mean(&|n| at(rod, n).sharpness), mean(&|n| at(rod, n).trace));
    assert!((sharpness * h / 2.0 - 1.0).abs() < 0.002, "{sharpness}");
    assert!((trace / (2.0 * c) - 1.0).abs() < 0.05, "{trace}");
    let largest = (200..2100).map(|n| at(rod, n).trace).fold(0.0, f64::max);
    assert!(largest > 1.2 * 2.0 * c, "{largest}");
}

/// The heavy ball oscillates from `2(1+m)/h` on, and its averages move `1/(1-m)` as fast.
#[test]
fn the_heavy_ball_has_its_own_edge() {
    let (h, m) = (0.5, 0.5);
    let found = optimizer::find("heavy_ball").unwrap();
    let step = found
        .step(&BTreeMap::from([("m".into(), num_rational::BigRational::new(1.into(), 2.into()))]));
    // 2(1+m)/h = 6
    let problem = problem("(59/10 + y)*x^2/2 - y/2000", &[("x", 0.03), ("y", 0.09)]);
    let request = request(h, 2000, "central");
    let simulation =
        simulate(&problem.0, "heavy_ball", step.unwrap(), &problem.1, &request).unwrap();
    let central = simulation.find("central").unwrap();
    let last = at(central, 2000);
    assert!((last.edge - 2.0 * (1.0 + m) / h).abs() < 1e-9);
    assert!((last.sharpness - last.edge).abs() < 1e-8, "{last:?}");
    assert!((last.trace - 0.001).abs() < 1e-8, "{last:?}");
    let mean = |of: &dyn Fn(usize) -> f64| (200..2000).map(of).sum::<f64>() / 1800.0;
    let measured = mean(&|n| at(&simulation.optimizer, n).trace);
    assert!((measured / 0.001 - 1.0).abs() < 0.05, "{measured}");
}

/// RMSProp and Adam on the toy. `y` moves by about `h` a step for good, and with it the sharpness; along `x`, `ν = S²σ²` and the edge
/// is `M = c(√ν+ε)/h`, so `σ` is about `h/c`.
#[test]
fn adaptive_optimizers_against_their_iterates() {
    let value = |top: i64, bottom: i64| num_rational::BigRational::new(top.into(), bottom.into());
    let values = BTreeMap::from([
        ("alpha".to_string(), value(9, 10)),
        ("beta1".to_string(), value(1, 2)),
        ("beta2".to_string(), value(9, 10)),
        ("eps".to_string(), value(1, 10_000)),
    ]);
    for (name, h) in [("rmsprop", 0.02), ("adam", 0.02)] {
        let found = optimizer::find(name).unwrap();
        let own =
            found.parameters.iter().map(|name| (name.clone(), values[name].clone())).collect();
        let step = found.step(&own).unwrap();
        let (problem, start) = problem("(3 + y)*x^2/2 - y/10", &[("x", 0.3)]);
        let request = request(h, 1500, "central");
        let simulation = simulate(&problem, name, step, &start, &request).unwrap();
        let central = simulation.find("central").unwrap();
        assert_eq!(central.note, None, "{name}");
        let optimizer = &simulation.optimizer;
        let mean = |of: &dyn Fn(usize) -> f64| (900..1400).map(of).sum::<f64>() / 500.0;
        for (what, of) in [
            ("sharpness", (|at: &Oscillation| at.sharpness) as fn(&Oscillation) -> f64),
            ("trace", |at| at.trace),
            ("gradient", |at| at.gradient_norm),
        ] {
            let (iterates, flow) = (mean(&|n| of(at(optimizer, n))), mean(&|n| of(at(central, n))));
            assert!((iterates / flow - 1.0).abs() < 0.03, "{name} {what}: {iterates} {flow}");
        }
    }
}

/// Two directions with the same curvature: one oscillation of two dimensions, with no basis of its own.
#[test]
fn degenerate_directions_are_one_block() {
    let problem = problem("(39/10 + y)*(x^2 + v^2)/2 - y/100", &[("x", 0.1), ("v", 0.1)]);
    let simulation = descend(&problem, &request(0.5, 300, "central"));
    let central = simulation.find("central").unwrap();
    let last = at(central, 300);
    assert!((last.sharpness - 4.0).abs() < 1e-8);
    assert!((last.trace - 0.02).abs() < 1e-8, "{last:?}");
}

/// Directions leave the edge: `y` falls again once `t` has passed.
#[test]
fn a_direction_leaves_the_edge() {
    let problem = problem("(39/10 + y)*x^2/2 - y*(1 - t)/50 - t/20", &[("x", 0.05)]);
    let simulation = descend(&problem, &request(0.5, 100, "central"));
    let central = simulation.find("central").unwrap();
    assert_eq!(central.note, None);
    let traces: Vec<f64> = (0..=100).map(|n| at(central, n).trace).collect();
    assert!(traces.iter().any(|trace| *trace > 0.01), "{traces:?}");
    assert_eq!(traces[100], 0.0);
    assert!(at(central, 100).sharpness < 4.0);
}

#[test]
fn what_is_not_stabilised_ends_with_a_note() {
    let simulation = descend(&problem("5*x^2/2", &[("x", 0.1)]), &request(0.5, 10, "central"));
    let central = simulation.find("central").unwrap();
    let note = central.note.as_deref().unwrap();
    assert!(note.contains("no oscillation keeps the curvature"), "{note}");
    assert!(central.theta.len() < 11);
}

#[test]
fn too_few_directions_are_said() {
    let problem = problem("(39/10 + y)*(x^2 + v^2)/2 - y/100", &[("x", 0.1), ("v", 0.1)]);
    let request = Request { directions: Some(1), ..request(0.5, 100, "central") };
    let simulation = descend(&problem, &request);
    let remarks = &simulation.find("central").unwrap().oscillations.as_ref().unwrap().remarks;
    assert!(remarks[0].contains("the 1 sharpest"), "{remarks:?}");
}

#[test]
fn what_is_missing_is_said() {
    let refused = |problem: &Problem, flow: &str, name: &str| {
        let found = optimizer::find(name).unwrap();
        let half = num_rational::BigRational::new(1.into(), 2.into());
        let values = found.parameters.iter().map(|name| (name.clone(), half.clone())).collect();
        let start = vec![0.1; problem.dimension()];
        let step = found.step(&values).unwrap();
        simulate(problem, name, step, &start, &request(0.1, 2, flow)).unwrap_err().to_string()
    };
    let gradients = Problem::new(bea::objective(1).gradient(|x, g| {
        g[0] = x[0];
        x[0] * x[0] / 2.0
    }));
    let text = refused(&gradients, "central", "gradient_descent");
    assert!(text.contains("derivatives of order 3"), "{text}");
    assert!(refused(&gradients, "rod", "gradient_descent").contains("Hessian-vector products"));
    let formula = problem("x^2/2 + x^4", &[]).0;
    let text = refused(&formula, "rod", "heavy_ball");
    assert!(text.contains("of gradient descent, not of `heavy_ball`"), "{text}");
    let text = refused(&formula, "central", "rk4");
    assert!(text.contains("evaluates one gradient a step"), "{text}");
    let text = refused(&formula, "central", "lion");
    assert!(text.contains("`lion`"), "{text}");
}

fn bea(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::cargo_bin("bea").unwrap();
    command.env("COLUMNS", "200").env("NO_COLOR", "1").current_dir(folder).args(arguments);
    let output = command.assert().success().get_output().stdout.clone();
    String::from_utf8(output).unwrap()
}

/// The numbers of a column, in the rows of one flow.
fn column(table: &str, name: &str, key: &str, value: &str) -> Vec<f64> {
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let names = reader.headers().unwrap().clone();
    let place = |name: &str| names.iter().position(|known| known == name).unwrap();
    let (key, name) = (place(key), place(name));
    let rows = reader.records().map(Result::unwrap).filter(|row| &row[key] == value);
    rows.map(|row| row[name].parse().unwrap_or(f64::NAN)).collect()
}

#[test]
fn the_command_leaves_oscillations() {
    let folder = tempfile::tempdir().unwrap();
    let loss = "(3 + y)*x^2/2 - y/100";
    let text = bea(
        folder.path(),
        &[
            "flow",
            "--loss",
            loss,
            "--start",
            "x=0.3,y=0",
            "--lr",
            "1/2",
            "--steps",
            "300",
            "--flows",
            "central,rod,ngf",
            "--plot",
            "--out",
            "run",
        ],
    );
    assert!(text.contains("oscillation at the edge of stability"), "{text}");
    assert!(text.contains("gd: measured: averages over 20 steps before and after"), "{text}");
    let run = folder.path().join("run");
    let table = std::fs::read_to_string(run.join("oscillations.csv")).unwrap();
    let last = |name: &str, flow: &str| *column(&table, name, "flow", flow).last().unwrap();
    assert!((last("trace", "central") - 0.02).abs() < 1e-8);
    assert!((last("sharpness", "central") - last("edge", "central")).abs() < 1e-8);
    assert_eq!(column(&table, "trace", "flow", "gd").len(), 301);
    assert_eq!(column(&table, "trace", "flow", "ngf").len(), 0);
    let json = std::fs::read_to_string(run.join("trajectories.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let found = &json["flows"]["central"]["oscillations"];
    assert_eq!(found["trace"].as_array().unwrap().len(), 301);
    assert_eq!(json["flows"]["rod"]["beginning"], "midpoint of the first step");
    assert!(json["flows"]["ngf"]["oscillations"].is_null());
    let picture = std::fs::read_to_string(run.join("trajectories.svg")).unwrap();
    assert!(picture.contains("sharpness") && picture.contains("tr Σ"));
}

#[test]
fn panels_of_oscillations_need_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::cargo_bin("bea").unwrap();
    let line = "flow --loss x^2 --start 1 --lr 0.1 --flows ngf --plot --panel sharpness --out run";
    let refused = command.current_dir(folder.path()).args(line.split(' ')).assert().code(2);
    let error = String::from_utf8(refused.get_output().stderr.clone()).unwrap();
    assert!(error.contains("add central or rod to --flows"), "{error}");
    assert!(!folder.path().join("run").exists());
}

/// Figure 10's network: once the oscillation has set in, the averaged loss is within 5 % of what the central flow predicts, and the
/// sharpness of its path within 1 % of 2/h.
#[test]
fn a_network_stays_at_the_edge() {
    let folder = tempfile::tempdir().unwrap();
    let line = "flow --network mlp:10,10,10,10,10,elu --data iris,scale=standard --dtype f64 --lr 0.2 \
                --steps 400 --flows central --out run";
    bea(folder.path(), &line.split_whitespace().collect::<Vec<_>>());
    let table = std::fs::read_to_string(folder.path().join("run/oscillations.csv")).unwrap();
    let of = |name: &str, flow: &str| column(&table, name, "flow", flow);
    let (sharpness, edge) = (of("sharpness", "central"), of("edge", "central"));
    let onset = of("trace", "central").iter().position(|trace| *trace > 0.0).unwrap();
    assert!(onset < 200, "{onset}");
    for n in onset + 1..=400 {
        assert!((sharpness[n] / edge[n] - 1.0).abs() < 0.01, "{n}: {}", sharpness[n]);
    }
    assert!(of("residual", "central").iter().all(|residual| *residual < 1e-8));
    let mean = |values: &[f64]| values[240..=380].iter().sum::<f64>() / 141.0;
    for (name, tolerance) in [("loss", 0.05), ("gradient_norm", 0.1), ("trace", 0.15)] {
        let (own, flow) = (of(name, "gd"), of(name, "central"));
        assert!((mean(&own) / mean(&flow) - 1.0).abs() < tolerance, "{name}");
        if name == "loss" {
            for n in 240..=380 {
                assert!((own[n] / flow[n] - 1.0).abs() < tolerance, "{n}: {} {}", own[n], flow[n]);
            }
        }
    }
}

const RUN: &str = r#"
network = "mlp:4,tanh"
data = "iris,scale=standard"
dtype = "f64"
[train]
method = "gd"
lr = 1.0
steps = 12
[measure]
metrics = ["loss", "lambda:1", "self_stabilization"]
[follow]
from = [2, 6]
steps = 8
flows = ["central", "rod"]
"#;

fn started() -> Run {
    let source = Source::new("run.toml", RUN);
    let experiment = Experiment::parse(source, Scale::Small, &[]).unwrap();
    Run::new(experiment.runs().unwrap().remove(0)).unwrap()
}

fn finished(mut run: Run) -> Run {
    while run.end().is_none() {
        run.advance(&|| false).unwrap();
    }
    run
}

#[test]
fn runs_with_them_go_on_bit_for_bit() {
    let whole = finished(started());
    let follow = whole.follow().unwrap();
    for name in ["edge", "sharpness", "trace", "mean_loss", "mean_gradient_norm", "mean_distance"] {
        assert!(follow.columns.iter().any(|column| column == name), "{:?}", follow.columns);
    }
    // Two starts, three trajectories of nine points.
    assert_eq!(follow.rows.len(), 54);
    let variance = whole.metrics().column("self_stabilization_variance").unwrap();
    let [rate, slope] = ["sharpening", "slope"]
        .map(|name| whole.metrics().column(&format!("self_stabilization_{name}")).unwrap());
    for i in 0..variance.len() {
        assert_eq!(variance[i], 2.0 * rate[i] / slope[i]);
        assert!(slope[i] > 0.0);
    }
    for stop in [0, 3, 7] {
        let mut first = started();
        (0..stop).for_each(|_| first.advance(&|| false).unwrap());
        let (metrics, follow) = (first.metrics().clone(), first.follow().cloned());
        let second = started().resume(first.checkpoint(), metrics, follow).unwrap();
        let second = finished(second);
        assert_eq!(second.metrics().csv(), whole.metrics().csv());
        assert_eq!(second.follow().unwrap().csv(), whole.follow().unwrap().csv(), "{stop}");
    }
}
