//! Flows through the edge of stability: against closed forms, and against averages of the iterates themselves.

use bea::flow::{FlowName, Oscillation, Problem, Request, Simulation, Trajectory, simulate};
use bea::loss::Loss;
use bea::optimizer;
use bea::series::GeneralLinearMethod;
use bea::source::Source;
use std::collections::BTreeMap;

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

fn exact(values: &[(&str, i64, i64)]) -> BTreeMap<String, num_rational::BigRational> {
    let value = |&(name, top, bottom): &(&str, i64, i64)| {
        (name.to_string(), num_rational::BigRational::new(top.into(), bottom.into()))
    };
    values.iter().map(value).collect()
}

/// An optimizer of the library with these values of its parameters.
fn simulated(
    name: &str,
    values: &[(&str, i64, i64)],
    (problem, start): &(Problem, Vec<f64>),
    request: &Request,
) -> Result<Simulation, bea::flow::SimulateError> {
    let step = optimizer::find(name).unwrap().step(&exact(values)).unwrap();
    simulate(problem, name, step, start, request)
}

/// `E = (s₀+y)x²/2 - cy + ky²/2`: the path rests where the oscillation's force is that of the slope, `½σ² = c - ky = f`, and at the
/// edge `S = s₀+y = 2(√ν+ε)/h`: `hS/√ν = 2` but for `ε`. With one `ν` for both coordinates, `ν = f² + S²σ²`; with one for each,
/// `ν_x = S²σ²`.
#[test]
fn adaptive_steps_rest_at_the_edge() {
    let (h, s, c, k) = (0.1f64, 0.5, 0.01, 0.01);
    let problem = problem("(1/2 + y)*x^2/2 - y/100 + y^2/200", &[("x", 0.02), ("y", 0.3)]);
    let joint = "optimizer joint(alpha, eps) { state v; v' = alpha*v + (1-alpha)*dot(g, g)
                 theta' = theta - h*g/(sqrt(v') + eps) }";
    let joint = optimizer::parse(&Source::new("joint", joint)).unwrap();
    let joint = joint[0].step(&exact(&[("alpha", 9, 10), ("eps", 0, 1)])).unwrap();
    let request = request(h, 3000, "central");
    let joint = simulate(&problem.0, "joint", joint, &problem.1, &request).unwrap();
    let values = [("alpha", 9, 10), ("eps", 1, 1000)];
    let entries = simulated("rmsprop", &values, &problem, &request).unwrap();
    for (simulation, eps, is_joint) in [(joint, 0.0, true), (entries, 0.001, false)] {
        // f by iteration from ½σ² = f: σ² = (ν - [f²])/S², √ν = hS/2 - ε.
        let f = (0..100).fold(h * h / 8.0, |f, _| {
            let curvature = s + (c - f) / k;
            let nu = (h * curvature / 2.0 - eps).powi(2);
            (nu - if is_joint { f * f } else { 0.0 }) / curvature.powi(2) / 2.0
        });
        let (y, curvature) = ((c - f) / k, s + (c - f) / k);
        let central = simulation.find("central").unwrap();
        let last = at(central, 3000);
        assert_eq!(central.note, None);
        let [x_found, y_found] = real(central, 3000)[..] else { panic!("two variables") };
        let (x_found, y_found) =
            if y_found.abs() < 1e-9 { (y_found, x_found) } else { (x_found, y_found) };
        assert!(x_found.abs() < 1e-9 && (y_found - y).abs() < 1e-9, "{y_found} {y}");
        // The eigenvalue of P⁻¹H is S/(√ν+ε), and 2/h at the edge.
        assert!((last.sharpness / (2.0 / h) - 1.0).abs() < 1e-9, "{last:?}");
        assert!((last.trace / (2.0 * f) - 1.0).abs() < 1e-8, "{last:?} {f}");
        // The iterates alternate between ±σ, where the gradient along y is 0 in each step, not only on the average: that is what the joint ν
        // of the flow, to the second order in the oscillation, has too much.
        let iterates = at(&simulation.optimizer, 2900);
        assert!((iterates.sharpness / (2.0 / h) - 1.0).abs() < 1e-6, "{iterates:?}");
        let excess = if is_joint { f * f / (2.0 * f * curvature.powi(2)) } else { 0.0 };
        assert!((iterates.trace / last.trace - 1.0 - excess).abs() < 1e-5, "{iterates:?} {excess}");
    }
}

/// AdamW without decay is Adam; with it, its steps depend on where it is.
#[test]
fn weight_decay_is_no_adam() {
    let problem = problem("(3 + y)*x^2/2 - y/10", &[("x", 0.3)]);
    let request = request(0.02, 40, "central");
    let values = [("beta1", 1, 2), ("beta2", 9, 10), ("eps", 1, 1000)];
    let decaying = |top| [&values[..], &[("lambda", top, 10)]].concat();
    let error = simulated("adamw", &decaying(1), &problem, &request).unwrap_err().to_string();
    assert!(error.contains("`adamw` with its values is none"), "{error}");
    let adamw = simulated("adamw", &decaying(0), &problem, &request).unwrap();
    let adam = simulated("adam", &values, &problem, &request).unwrap();
    assert_eq!(adamw.find("central").unwrap().note, None);
    for n in 0..=40 {
        let [found, expected] = [&adamw, &adam].map(|s| real(s.find("central").unwrap(), n));
        let near = found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-9);
        assert!(near, "{n}: {found:?} {expected:?}");
    }
}

/// A variable that the loss does not depend on has `ν = 0`, and nothing else feels it.
#[test]
fn rmsprop_passes_over_what_has_no_gradient() {
    let values = [("alpha", 9, 10), ("eps", 1, 10_000)];
    let request = request(0.02, 600, "central");
    let run = |text| {
        let problem = problem(text, &[("x", 0.3), ("z", 0.7)]);
        simulated("rmsprop", &values, &problem, &request).unwrap()
    };
    let (without, with) = (run("(3 + y)*x^2/2 - y/10"), run("(3 + y)*x^2/2 - y/10 + 0*z"));
    let [without, with] = [&without, &with].map(|s| s.find("central").unwrap());
    assert_eq!((&without.note, &with.note), (&None, &None));
    assert!(at(with, 600).trace > 0.0);
    for n in 0..=600 {
        // The variables are in the order in which the loss names them.
        assert_eq!(real(with, n)[2], 0.7);
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b.abs().max(1e-3);
        assert!(real(with, n).iter().zip(real(without, n)).all(|(a, b)| near(*a, b)), "{n}");
        assert!(near(at(with, n).trace, at(without, n).trace), "{n}");
    }
}

/// From the slow manifold on the squares are averaged from the first step on: without that the first steps would be
/// `1/√(1-α)` as long.
#[test]
fn averages_of_squares_from_the_settled_start() {
    let problem = problem("x^2/2 + y^2", &[("x", 1.0), ("y", 1.5)]);
    let rmsprop = [("alpha", 9, 10), ("eps", 1, 1000)];
    // Its bias corrections are 1 there.
    let adam = [("beta1", 0, 1), ("beta2", 9, 10), ("eps", 1, 1000)];
    let distance = |optimizer: &str, values: &[(&str, i64, i64)], h: f64| {
        let request = Request {
            buffers: bea::flow::Buffers::Settled,
            euler: Some(h / 16.0),
            ..request(h, 3, "central")
        };
        let simulation = simulated(optimizer, values, &problem, &request).unwrap();
        let central = simulation.find("central").unwrap();
        assert_eq!(central.note, None);
        let pair = real(central, 1).into_iter().zip(real(&simulation.optimizer, 1));
        pair.map(|(a, b)| (a - b).abs()).sum::<f64>()
    };
    for (optimizer, values) in [("rmsprop", &rmsprop[..]), ("adam", &adam[..])] {
        let [coarse, fine] = [0.01, 0.005].map(|h| distance(optimizer, values, h));
        assert!(coarse < 1e-5, "{optimizer}: {coarse:e}");
        // The flow is that of the averages to the lowest order, and a step is nearly along the signs of the gradient, which do
        // not change: what is left is of order h³.
        assert!(coarse / fine > 5.0, "{optimizer}: {coarse:e} {fine:e}");
    }
}

/// `ρ = h/(1-m)` and the edge `2(1+m)/h` where the residue of the step at 1 is beside another root, `m`.
#[test]
fn the_heaviest_ball_has_its_rate() {
    let problem = problem("x^2/8000", &[("x", 0.3)]);
    let values = [("m", 99_999, 100_000)];
    let simulation =
        simulated("heavy_ball", &values, &problem, &request(0.02, 3, "central")).unwrap();
    let central = simulation.find("central").unwrap();
    assert_eq!(central.note, None);
    for n in 0..=3 {
        assert!((at(central, n).edge / 199.999 - 1.0).abs() < 1e-9, "{:?}", at(central, n));
        // ρ/4000 = 1/2, and h/4000 = 5e-6 is the curvature's part of a step.
        let expected = 0.3 * (-0.5 * n as f64).exp();
        assert!((real(central, n)[0] / expected - 1.0).abs() < 1e-6, "{n}: {:?}", real(central, n));
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

/// RMSProp from where `√ν` is so small that the sharpness of `P⁻¹H` is thousands of times the edge: `ν` has grown to where it is
/// below the edge after a step, and the flow goes on as from elsewhere.
#[test]
fn rmsprop_from_far_beyond_the_edge() {
    let values = [("alpha", 9, 10), ("eps", 1, 100_000_000)];
    let problem = problem("(3 + y)*x^2/2 - y/10", &[("x", 1e-5)]);
    let simulation =
        simulated("rmsprop", &values, &problem, &request(0.02, 1500, "central")).unwrap();
    let central = simulation.find("central").unwrap();
    assert_eq!(central.note, None);
    assert!(at(central, 0).sharpness > 1e3 * at(central, 0).edge);
    let late = (5..=1500).map(|n| at(central, n)).map(|at| at.sharpness / at.edge);
    let largest = late.fold(0.0, f64::max);
    assert!(largest < 1.001, "{largest}");
    let mean = |of: &dyn Fn(usize) -> f64| (900..1400).map(of).sum::<f64>() / 500.0;
    let quantities: [fn(&Oscillation) -> f64; 3] =
        [|at| at.sharpness, |at| at.trace, |at| at.gradient_norm];
    for of in quantities {
        let own = mean(&|n| of(at(&simulation.optimizer, n)));
        let flow = mean(&|n| of(at(central, n)));
        assert!((own / flow - 1.0).abs() < 0.03, "{own} {flow}");
    }
}

/// The oscillation of iterates that diverge is measured as long as there are numbers, and where it ends is said.
#[test]
fn iterates_that_diverge_are_measured_until_then() {
    let problem = problem("5*x^2/2", &[("x", 0.1)]);
    let simulation = descend(&problem, &request(0.5, 2000, "central,rod"));
    let found = simulation.optimizer.oscillations.as_ref().unwrap();
    assert!(found.at.len() > 1000 && found.at.len() < 2000, "{}", found.at.len());
    let until = format!("not measured from step {} on", found.at.len());
    assert!(found.remarks.iter().any(|remark| remark.contains(&until)), "{:?}", found.remarks);
    assert!(simulation.find("rod").unwrap().note.is_some());
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
