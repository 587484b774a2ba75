//! The order of truncated and interpolated flows on losses that are formulas, in double precision:
//! the one-step error of `order:n` falls as `h^(n+2)`.

use bea::exact::Rational;
use bea::field::Field;
use bea::flow::{FlowName, Problem, Request, Simulation, simulate};
use bea::loss::{Expr, Function, Graph};
use bea::series::GeneralLinearMethod;
use num_complex::Complex64;
use num_rational::BigRational;

fn number(graph: &mut Graph, numerator: i64, denominator: i64) -> Expr {
    graph.constant(Rational::new(numerator, denominator).unwrap())
}

/// A polynomial in two variables: terms `(c, i, j)` for `c/4 x^i y^j`.
fn polynomial(graph: &mut Graph, terms: &[(i64, i64, i64)]) -> Expr {
    let (x, y) = (graph.variable(0), graph.variable(1));
    let terms: Vec<Expr> = terms
        .iter()
        .map(|&(c, i, j)| {
            let (c, x, y) = (number(graph, c, 4), graph.powi(x, i), graph.powi(y, j));
            graph.product(&[c, x, y])
        })
        .collect();
    graph.sum(&terms)
}

/// `(1-x)² + 100 (y-x²)²`
fn rosenbrock() -> Problem {
    let mut graph = Graph::new();
    // 1 - 2x + x² + 100 y² - 200 x² y + 100 x⁴, in quarters.
    let terms = [(4, 0, 0), (-8, 1, 0), (4, 2, 0), (400, 0, 2), (-800, 2, 1), (400, 4, 0)];
    let loss = polynomial(&mut graph, &terms);
    Problem::of_loss(&graph, loss, 2)
}

/// `(x²+y-11)² + (x+y²-7)²`
fn himmelblau() -> Problem {
    let mut graph = Graph::new();
    let (x, y) = (graph.variable(0), graph.variable(1));
    let mut square = |a: Expr, b: Expr, c: i64| {
        let (a, c) = (graph.powi(a, 2), number(&mut graph, -c, 1));
        let sum = graph.sum(&[a, b, c]);
        graph.powi(sum, 2)
    };
    let (first, second) = (square(x, y, 11), square(y, x, 7));
    let loss = graph.add(first, second);
    Problem::of_loss(&graph, loss, 2)
}

/// `½ Σ_i (Σ_j a_j tanh(w_j x_i + b_j) - y_i)²` with two hidden units and four examples.
fn network() -> Problem {
    let mut graph = Graph::new();
    let data = [(-1, 1, 2), (1, 2, -1), (3, 2, 1), (2, 1, 3)];
    let mut losses = Vec::new();
    for (top, bottom, target) in data {
        let input = number(&mut graph, top, bottom);
        let mut prediction = number(&mut graph, -target, 4);
        for unit in 0..2 {
            let [a, w, b] = [0, 1, 2].map(|k| graph.variable(3 * unit + k));
            let wx = graph.mul(w, input);
            let inner = graph.add(wx, b);
            let active = graph.apply(Function::Tanh, inner);
            let active = graph.mul(a, active);
            prediction = graph.add(prediction, active);
        }
        let square = graph.powi(prediction, 2);
        losses.push(graph.scale(&Rational::new(1, 2).unwrap(), square));
    }
    let loss = graph.sum(&losses);
    Problem::of_loss(&graph, loss, 6)
}

/// A loss for each field of a method: mini-batches of one loss, or one loss a player.
fn problem_for(method: &GeneralLinearMethod) -> Problem {
    let mut graph = Graph::new();
    let losses = [
        polynomial(
            &mut graph,
            &[(4, 1, 0), (2, 0, 2), (4, 2, 0), (2, 1, 1), (1, 3, 0), (-1, 0, 3), (1, 2, 2)],
        ),
        polynomial(&mut graph, &[(3, 0, 2), (-2, 1, 1), (1, 2, 1), (2, 0, 1), (1, 4, 0)]),
        polynomial(&mut graph, &[(2, 2, 0), (1, 1, 2), (-2, 1, 0), (1, 0, 4)]),
    ];
    let spaces = match method.spaces.len() {
        1 => vec![vec![0, 1]],
        _ => vec![vec![0], vec![1]],
    };
    let fields: Vec<(usize, Expr)> =
        method.fields.iter().zip(losses).map(|(f, loss)| (f.space, loss)).collect();
    Problem::of_losses(&graph, spaces, &fields).unwrap()
}

fn run(
    problem: &Problem,
    method: &GeneralLinearMethod,
    start: &[f64],
    h: f64,
    steps: usize,
    flows: Vec<FlowName>,
) -> Simulation {
    let request = Request { lr: h, steps, flows, rtol: 1e-14, atol: 1e-16, ..Request::default() };
    simulate(problem, "test", method, start, &request).unwrap()
}

fn distance(a: &[Complex64], b: &[Complex64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y).norm_sqr()).sum::<f64>().sqrt()
}

/// The exponent `p` of errors `C t^p (1 + a t + b t² + …)` at `t, t/2, t/4, …`: the last slope,
/// extrapolated to `t = 0` for as long as that changes less than the extrapolation before.
fn exponent(errors: &[f64]) -> f64 {
    let errors = &errors[errors.len().saturating_sub(4)..];
    let mut slopes: Vec<f64> = errors.windows(2).map(|e| (e[0] / e[1]).log2()).collect();
    let (mut best, mut change) = (slopes[slopes.len() - 1], f64::INFINITY);
    for k in 1..slopes.len() {
        let weight = f64::from(1 << k);
        slopes = slopes.windows(2).map(|s| (weight * s[1] - s[0]) / (weight - 1.0)).collect();
        let next = slopes[slopes.len() - 1];
        if (next - best).abs() >= change {
            break;
        }
        (change, best) = ((next - best).abs(), next);
    }
    best
}

/// One-step errors of `order:0, …, order:max` at `h`, of the optimizer that has settled for `time`.
fn one_step(
    problem: &Problem,
    method: &GeneralLinearMethod,
    start: &[f64],
    h: f64,
    settle: usize,
    max: usize,
) -> Vec<f64> {
    let itself = run(problem, method, start, h, settle + 1, Vec::new());
    let iterates = &itself.optimizer.theta;
    assert_eq!(iterates.len(), settle + 2, "{:?}", itself.optimizer.note);
    let before: Vec<f64> = iterates[settle].iter().map(|z| z.re).collect();
    let flows = (0..=max).map(FlowName::Order).collect();
    let flows = run(problem, method, &before, h, 1, flows).flows;
    // The first one is the optimizer, or a second one from zero buffers.
    flows.iter().map(|flow| distance(&flow.theta[1], &iterates[settle + 1])).collect()
}

/// How often a step size is halved.
const HALVINGS: u32 = 8;

/// Checks the slopes for `order:0, …, order:max`. A node brings `h` to the power `a_node`, and a step
/// covers so much time.
fn check(
    name: &str,
    problem: &Problem,
    method_at: &dyn Fn(f64) -> GeneralLinearMethod,
    start: &[f64],
    (h, settle, a_node): (f64, usize, u32),
    max: usize,
) {
    // Step sizes that are halved again and again, from four starts. The optimizer settles for the
    // same time, so it ends near the same point.
    let halved = |ladder: u32, k: u32| {
        h * 0.5f64.powf((f64::from(k) + f64::from(ladder) / 4.0) / f64::from(a_node))
    };
    let errors: Vec<Vec<Vec<f64>>> = (0..4)
        .map(|ladder| {
            let at = |k| (halved(ladder, k), settle << k);
            let errors = (0..HALVINGS).map(at);
            errors.map(|(h, n)| one_step(problem, &method_at(h), start, h, n, max)).collect()
        })
        .collect();
    let field = Field::derive(name, &method_at(h), max + 1).unwrap();
    let trees = field.trees();
    let present = |n: usize| trees.of_size(n + 1).any(|t| !field.weights().b(t).is_zero());
    for order in 0..=max {
        let Some(first) = (order + 1..=max + 1).find(|&n| present(n)) else { continue };
        let expected = f64::from(a_node) * (first as f64 + 1.0);
        // The smallest errors that are well above rounding.
        let usable = errors.iter().map(|ladder| -> Vec<f64> {
            let errors = ladder.iter().map(|e| e[order]);
            errors.take_while(|&e| e > 2e-14).collect()
        });
        let usable = usable.filter(|errors| errors.len() >= 3);
        let errors = usable.min_by(|a, b| a[a.len() - 1].total_cmp(&b[b.len() - 1]));
        let errors =
            errors.unwrap_or_else(|| panic!("{name}, order {order}: start with a larger step"));
        let found = f64::from(a_node) * exponent(&errors);
        assert!(
            (found - expected).abs() < 0.1,
            "{name}, order {order}: the errors {errors:?} fall as h^{found:.3}, not h^{expected}"
        );
    }
}

#[test]
fn gradient_descent_on_rosenbrock_himmelblau_and_a_network() {
    let euler = |_: f64| GeneralLinearMethod::euler();
    check("rosenbrock", &rosenbrock(), &euler, &[-0.5, 0.6], (2e-3, 0, 1), 5);
    check("himmelblau", &himmelblau(), &euler, &[1.0, 0.5], (4e-3, 0, 1), 5);
    let start = [0.8, -0.5, 0.3, -0.6, 1.1, 0.2];
    check("network", &network(), &euler, &start, (0.1, 0, 1), 5);
}

/// A method of the library with numbers for its parameters; a radius `rho` shrinks with the step.
fn library(name: &str, h: f64) -> GeneralLinearMethod {
    let optimizer = bea::optimizer::find(name).unwrap();
    let h = BigRational::from_float(h).unwrap();
    let values = optimizer.parameters.iter().map(|p| {
        let value = match p.as_str() {
            "rho" => &h / BigRational::from_integer(2.into()),
            // Friction per step must not vanish, or there is no fast transient.
            "gamma" if name == "damped_heavy_ball" => BigRational::new(2.into(), 3.into()) / &h,
            _ => BigRational::new(1.into(), 5.into()),
        };
        (p.clone(), value)
    });
    optimizer.method(&values.collect()).unwrap()
}

#[test]
fn every_optimizer_of_the_library() {
    for optimizer in bea::optimizer::library() {
        let name = optimizer.name.as_str();
        let method = library(name, 0.125);
        // Beyond, double precision leaves too few errors between rounding and the first powers of h.
        let max = 3;
        // With a fixed friction per step the velocity is h f/(h gamma) and a step covers h² of time;
        // the memory of schedule-free averaging is 1 - c = 4/5 a step.
        let memory = method.states.len() > method.spaces.len();
        let steps = match name {
            "damped_heavy_ball" => (0.25, 16, 2),
            "schedule_free" => (0.01, 160, 1),
            // Other methods without memory have smaller errors.
            _ if !memory && !name.starts_with("lookahead") => (0.24, 20, 1),
            _ => (0.12, 20, 1),
        };
        let problem = problem_for(&method);
        check(name, &problem, &|h| library(name, h), &[0.7, -0.4], steps, max);
    }
}

/// Checks that `interpolated:n` agrees with `order:n` up to `O(h^(n+1))`: after time `h` the two
/// flows differ by `h` times that. (For `n = 0` and gradient descent they are equal.)
fn agree(problem: &Problem, method: &GeneralLinearMethod, start: &[f64], h: f64) {
    for n in 1..=4 {
        let errors: Vec<f64> = (0..HALVINGS)
            .map(|k| {
                let h = h / f64::from(1 << k);
                let flows = vec![FlowName::Order(n), FlowName::Interpolated(n)];
                let flows = run(problem, method, start, h, 1, flows).flows;
                distance(&flows[0].theta[1], &flows[1].theta[1])
            })
            .take_while(|&e| e > 2e-14)
            .collect();
        assert!(errors.len() >= 3, "{n}: start with a larger step");
        let (found, expected) = (exponent(&errors), n as f64 + 2.0);
        assert!((found - expected).abs() < 0.1, "{n}: h^{found:.3}, not h^{expected}: {errors:?}");
    }
}

#[test]
fn interpolated_flows_agree_with_truncated_ones() {
    let euler = GeneralLinearMethod::euler();
    agree(&himmelblau(), &euler, &[1.0, 0.5], 4e-3);
    agree(&rosenbrock(), &euler, &[-0.5, 0.6], 1e-3);
    // The steps start on the slow manifold.
    for name in ["heavy_ball", "nesterov", "implicit_midpoint", "bdf2", "minibatch2_heavy_ball"] {
        let method = library(name, 0.1);
        agree(&problem_for(&method), &method, &[0.7, -0.4], 0.05);
    }
    let game = library("optimistic_gda", 0.1);
    agree(&problem_for(&game), &game, &[0.7, -0.4], 0.05);
}

/// Heavy ball with a memory of ten steps, `m = 9/10`.
fn long_memory() -> GeneralLinearMethod {
    let optimizer = bea::optimizer::find("heavy_ball").unwrap();
    let m = BigRational::new(9.into(), 10.into());
    optimizer.method(&[("m".to_string(), m)].into()).unwrap()
}

/// Where `interpolated:1, …, interpolated:3` are after one step.
fn with_long_memory(problem: &Problem, start: &[f64], h: f64) -> Vec<Vec<Complex64>> {
    let flows = (1..=3).map(FlowName::Interpolated).collect();
    let request = Request { lr: h, steps: 1, flows, ..Request::default() };
    let flows = simulate(problem, "heavy_ball", &long_memory(), start, &request).unwrap().flows;
    let end = |flow: &bea::flow::Trajectory| {
        assert_eq!(flow.note, None, "{} at h = {h}", flow.name);
        flow.theta[1].clone()
    };
    flows.iter().map(end).collect()
}

/// On a parabola the slow manifold of heavy ball is `θ' = μθ` with the larger root of
/// `μ² - (1+m-hλ)μ + m`, real for `hλ < (1-√m)²`, and its flow is `exp(t log(μ)/h)`.
#[test]
fn interpolated_flows_with_a_long_memory_on_a_parabola() {
    let mut graph = Graph::new();
    let x = graph.variable(0);
    let square = graph.powi(x, 2);
    let loss = graph.scale(&Rational::new(1, 2).unwrap(), square);
    let problem = Problem::of_loss(&graph, loss, 1);
    let m = 0.9f64;
    let critical = (1.0 - m.sqrt()).powi(2);
    for fraction in [0.1, 0.3, 0.5] {
        let h = fraction * critical;
        let half = (1.0 + m - h) / 2.0;
        let exact = (half + (half * half - m).sqrt()).ln();
        let errors = with_long_memory(&problem, &[1.0], h).into_iter().map(|end| {
            let error = end[0].re.ln() / exact - 1.0;
            error.abs()
        });
        let errors: Vec<f64> = errors.collect();
        assert!(errors[0] < fraction * fraction, "{fraction}: {errors:?}");
        for pair in errors.windows(2) {
            assert!(pair[1] < fraction * pair[0], "{fraction}: {errors:?}");
        }
    }
}

/// Plain sweeps for the slow manifold diverge here from `h = 1e-7` on; up to `h = 3e-6` there is one
/// at the start.
#[test]
fn interpolated_flows_with_a_long_memory_on_rosenbrock() {
    let (problem, start) = (rosenbrock(), [-1.0, 1.5]);
    for h in [1e-7, 1e-6, 2e-6] {
        with_long_memory(&problem, &start, h);
        let settled = run(&problem, &long_memory(), &start, h, 401, vec![]);
        let [.., before, after] = &settled.optimizer.theta[..] else { panic!("too few steps") };
        let before: Vec<f64> = before.iter().map(|z| z.re).collect();
        let ends = with_long_memory(&problem, &before, h);
        let errors: Vec<f64> = ends.iter().map(|end| distance(end, after)).collect();
        let moved = before.iter().zip(after).map(|(x, y)| (y - x).norm()).fold(0.0, f64::max);
        assert!(errors[0] < 0.05 * moved, "{h}: {errors:?} of {moved}");
        assert!(errors.windows(2).all(|e| e[1] < 0.8 * e[0]), "{h}: {errors:?}");
    }
}

/// `cubic - pf` is the sum of the trees with one branching vertex: beside the principal flow
/// truncated at `h^n` it makes the difference that `pf+np:n` makes, as long as there are no other
/// non-principal trees, for `n ≤ 2`; at `n = 3` the tree `[[],[],[]]` has the weight 0.
#[test]
fn the_cubic_flow_contains_the_first_non_principal_terms() {
    let euler = GeneralLinearMethod::euler();
    let start = [0.8, -0.5, 0.3, -0.6, 1.1, 0.2];
    let cases: [(Problem, &[f64], f64); 3] = [
        (himmelblau(), &[1.0, 0.5], 4e-3),
        (rosenbrock(), &[-0.5, 0.6], 1e-3),
        (network(), &start, 0.1),
    ];
    for (problem, start, h) in cases {
        for n in 2..=3 {
            let errors: Vec<f64> = (0..5)
                .map(|k| {
                    let h = h / f64::from(1 << k);
                    let flows = vec![FlowName::Cubic, FlowName::PrincipalWith(n)];
                    let flows = run(&problem, &euler, start, h, 1, flows).flows;
                    distance(&flows[0].theta[1], &flows[1].theta[1])
                })
                .take_while(|&e| e > 2e-14)
                .collect();
            assert!(errors.len() >= 3, "{n}: start with a larger step");
            let (found, expected) = (exponent(&errors), n as f64 + 2.0);
            assert!((found - expected).abs() < 0.1, "{n}: h^{found:.3}: {errors:?}");
        }
    }
}
