//! The order of truncated and interpolated flows of every optimizer, with 71 digits: the one-step
//! error of `order:n` falls as `h^(n+2)` for `n = 0, …, 5`, and `interpolated:n` agrees with it up to
//! `O(h^(n+1))`.

mod precise;
#[path = "precise/simulation.rs"]
mod simulation;

use bea::exact::Rational;
use bea::field::Field;
use bea::loss::{Expr, Function, Graph, Program, find};
use bea::series::GeneralLinearMethod;
use num_rational::BigRational;
use precise::{Precise, evaluate, norm};
use simulation::{Optimizer, Problem, flow, log2_abs};

const MAX_ORDER: usize = 5;

/// A loss of the library.
fn named(name: &str) -> Problem {
    let loss = find(name, &Default::default()).unwrap();
    let dimension = loss.variables.len() as u32;
    let (graph, expression) = loss.into_parts();
    Problem::new(graph, vec![(0..dimension).collect()], &[(0, expression)])
}

/// `½ Σ_i (Σ_j a_j tanh(w_j x_i + b_j) - y_i)²` with two hidden units and two examples.
fn network() -> Problem {
    let mut graph = Graph::new();
    let ratio = |n: i64, d: i64| Rational::new(n, d).expect("a number");
    let mut losses = Vec::new();
    for (input, target) in [(ratio(-1, 1), ratio(1, 2)), (ratio(3, 2), ratio(-1, 4))] {
        let mut prediction = graph.constant(-&target);
        for unit in 0..2 {
            let [a, w, b] = [0, 1, 2].map(|k| graph.variable(3 * unit + k));
            let inner = graph.scale(&input, w);
            let inner = graph.add(inner, b);
            let active = graph.apply(Function::Tanh, inner);
            let active = graph.mul(a, active);
            prediction = graph.add(prediction, active);
        }
        let square = graph.powi(prediction, 2);
        losses.push(graph.scale(&ratio(1, 2), square));
    }
    let loss = graph.sum(&losses);
    Problem::new(graph, vec![(0..6).collect()], &[(0, loss)])
}

/// A loss for each field of a method: mini-batches of one loss, or one loss a player.
fn several(method: &GeneralLinearMethod) -> Problem {
    let mut graph = Graph::new();
    // Terms `(c, i, j)` for `c/4 x^i y^j`.
    let losses: [&[(i64, i64, i64)]; 3] = [
        &[(4, 1, 0), (2, 0, 2), (4, 2, 0), (2, 1, 1), (1, 3, 0), (-1, 0, 3), (1, 2, 2)],
        &[(3, 0, 2), (-2, 1, 1), (1, 2, 1), (2, 0, 1), (1, 4, 0)],
        &[(2, 2, 0), (1, 1, 2), (-2, 1, 0), (1, 0, 4)],
    ];
    let losses = losses.map(|terms| {
        let (x, y) = (graph.variable(0), graph.variable(1));
        let terms = terms.iter().map(|&(c, i, j)| {
            let (x, y) = (graph.powi(x, i), graph.powi(y, j));
            let product = graph.mul(x, y);
            graph.scale(&Rational::new(c, 4).expect("a number"), product)
        });
        let terms: Vec<Expr> = terms.collect();
        graph.sum(&terms)
    });
    let spaces = if method.spaces.len() == 1 { vec![vec![0, 1]] } else { vec![vec![0], vec![1]] };
    let fields: Vec<(usize, Expr)> =
        method.fields.iter().zip(losses).map(|(f, loss)| (f.space, loss)).collect();
    Problem::new(graph, spaces, &fields)
}

/// A method of the library with numbers for its parameters; a radius `rho` shrinks with the step.
fn library(name: &str, h: &BigRational) -> GeneralLinearMethod {
    let optimizer = bea::optimizer::find(name).unwrap();
    let values = optimizer.parameters.iter().map(|p| {
        let value = match p.as_str() {
            "rho" => h / BigRational::from_integer(2.into()),
            // Friction per step must not vanish, or there is no fast transient.
            "gamma" if name == "damped_heavy_ball" => BigRational::new(2.into(), 3.into()) / h,
            // The memory of its averages is 1 - c.
            "c" if name == "schedule_free" => BigRational::new(4.into(), 5.into()),
            _ => BigRational::new(1.into(), 5.into()),
        };
        (p.clone(), value)
    });
    optimizer.method(&values.collect()).unwrap()
}

/// The exponent of `h` in errors at `h` and at `h/2`.
fn slope(errors: [Precise; 2]) -> f64 {
    log2_abs(errors[0]) - log2_abs(errors[1])
}

/// What is measured at one step size.
struct Measured {
    /// The one-step error of `order:n`.
    one_step: Vec<Precise>,
    /// The distance of the velocities of `interpolated:n` and `order:n`.
    interpolated: Vec<Precise>,
}

fn measure(problem: &Problem, name: &str, start: &[Precise], bits: u32) -> Measured {
    let h = BigRational::new(1.into(), (1_u64 << bits).into());
    let method = library(name, &h);
    let mut optimizer = Optimizer::new(problem, &method, &h, start);
    // A memory of 1/5, or 1/3, a step is then forgotten.
    if method.states.len() > method.spaces.len() {
        (0..100).for_each(|_| optimizer.step());
    }
    let mut iterates = vec![optimizer.parameters()];
    for _ in 0..=MAX_ORDER {
        optimizer.step();
        iterates.push(optimizer.parameters());
    }
    let h = Precise::half_to(bits);
    let difference = |a: &[Precise], b: &[Precise]| -> Vec<Precise> {
        a.iter().zip(b).map(|(a, b)| *a - *b).collect()
    };
    let programs: Vec<Program> = (0..=MAX_ORDER)
        .map(|n| problem.modified_field(&Field::derive(name, &method, n).unwrap()))
        .collect();
    let one_step = programs.iter().enumerate().map(|(n, program)| {
        let velocity = |y: &[Precise]| evaluate(program, &[y, &[h]].concat());
        let end = flow(velocity, &iterates[0], h, n as i64 / 2 + 2);
        norm(&difference(&end, &iterates[1]))
    });
    // 1/h Σ_(k=1)^(n+1) (-1)^(k-1)/k Δ^k θ_0
    let mut differences = iterates.clone();
    let mut velocity = vec![Precise::ZERO; problem.dimension()];
    let interpolated = programs.iter().enumerate().map(|(n, program)| {
        differences = differences.windows(2).map(|w| difference(&w[1], &w[0])).collect();
        let sign = if n % 2 == 0 { 1 } else { -1 };
        let weight = Precise::from(sign) / (Precise::from(n as i64 + 1) * h);
        velocity.iter_mut().zip(&differences[0]).for_each(|(v, d)| *v = *v + weight * *d);
        let truncated = evaluate(program, &[&iterates[0][..], &[h]].concat());
        norm(&difference(&truncated, &velocity))
    });
    Measured { one_step: one_step.collect(), interpolated: interpolated.collect() }
}

fn check(problem: &Problem, name: &str, start: &[i64], bits: u32) {
    let start: Vec<Precise> = start.iter().map(|&x| Precise::from(x) / Precise::from(16)).collect();
    // With a fixed friction per step the velocity is h f/(h gamma) and a step covers h² of time.
    let (a_node, bits) = if name == "damped_heavy_ball" { (2.0, bits / 2) } else { (1.0, bits) };
    let [wide, narrow] = [bits, bits + 1].map(|bits| measure(problem, name, &start, bits));
    let h = BigRational::new(1.into(), (1_u64 << bits).into());
    let field = Field::derive(name, &library(name, &h), MAX_ORDER + 1).unwrap();
    let trees = field.trees();
    let present = |n: usize| trees.of_size(n + 1).any(|t| !field.weights().b(t).is_zero());
    for n in 0..=MAX_ORDER {
        // The first order that is left out and has a term.
        if let Some(first) = (n + 1..=MAX_ORDER + 1).find(|&n| present(n)) {
            let found = slope([wide.one_step[n], narrow.one_step[n]]);
            let expected = a_node * (first as f64 + 1.0);
            assert!(
                (found - expected).abs() < 0.02,
                "{name}, order {n}: the one-step error falls as h^{found:.3}, not h^{expected}"
            );
        }
        let errors = [wide.interpolated[n], narrow.interpolated[n]];
        // A velocity of a step that covers h² of time is of order h. Euler's method is its first
        // difference. BDF2 is f = (∇ + ∇²/2)θ/h = D - h²D³/3 + h³D⁴/4 - …, D = d/dt: its modified
        // field D is f + h²D³/3 - h³D⁴/4 + …, so order:1 and order:2 leave out just what
        // (Δ - Δ²/2)/h = D - h²D³/3 + … and (Δ - Δ²/2 + Δ³/3)/h = D + h³D⁴/4 - … miss.
        let higher = if name == "bdf2" && (n == 1 || n == 2) { 1.0 } else { 0.0 };
        let expected = a_node * (n as f64 + 2.0) - 1.0 + higher;
        if n > 0 || errors.iter().any(|e| log2_abs(*e) > -150.0) {
            let found = slope(errors);
            assert!(
                (found - expected).abs() < 0.02,
                "{name}: interpolated:{n} and order:{n} differ by h^{found:.3}, not h^{expected}"
            );
        }
    }
}

/// The optimizers with a single vector field.
fn of_one_loss() -> impl Iterator<Item = String> {
    bea::optimizer::library().iter().map(|o| o.name.clone()).filter(|name| {
        let method = library(name, &BigRational::new(1.into(), 8.into()));
        method.fields.len() == 1
    })
}

#[test]
fn every_optimizer_on_rosenbrock() {
    let problem = named("rosenbrock");
    of_one_loss().for_each(|name| check(&problem, &name, &[-8, 10], 28));
}

#[test]
fn every_optimizer_on_himmelblau() {
    let problem = named("himmelblau");
    of_one_loss().for_each(|name| check(&problem, &name, &[16, 8], 24));
}

#[test]
fn every_optimizer_on_a_network() {
    let problem = network();
    of_one_loss().for_each(|name| check(&problem, &name, &[13, -8, 5, -10, 17, 3], 20));
}

#[test]
fn mini_batches_and_games_on_several_losses() {
    let mut count = 0;
    for optimizer in bea::optimizer::library() {
        let name = optimizer.name.as_str();
        let method = library(name, &BigRational::new(1.into(), 8.into()));
        if method.fields.len() > 1 {
            check(&several(&method), name, &[11, -6], 20);
            count += 1;
        }
    }
    assert!(count > 0);
}
