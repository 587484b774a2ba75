//! Learning rates that depend on the loss: of each layer, with Adam's preconditioner, below a quadratic model, in corridors; each
//! against the same steps written by hand.

use bea::experiment::{Config, Experiment, Run, Scale};
use bea::network::NetworkLoss;
use bea::network::data;
use bea::network::device::Device;
use bea::objective::Objective;
use bea::optimizer;
use bea::source::Source;
use bea::training::{Adjusted, Corridor, Dal, DalIteration, Product, Rule, Schedule, State, norm};
use bea::typed::Matrix;
use num_rational::BigRational;

const IRIS: &str = "network = \"mlp:6,tanh\"\ndata = \"iris\"\ndtype = \"f64\"\nseed = 3\n[train]\nTRAIN\nsteps = 12\n\
                    [measure]\nmetrics = [\"loss\", \"gradient_norm\", \"learning_rate\", \"corridor_rate\"]\n";

fn config(train: &str) -> Result<Config, String> {
    let source = Source::new("test.toml", IRIS.replace("TRAIN", train));
    let runs = Experiment::parse(source, Scale::Small, &[]).and_then(|e| e.runs());
    runs.map(|mut runs| runs.remove(0)).map_err(|e| format!("{:?}", miette::Report::new(e)))
}

fn finished(train: &str) -> Run {
    let mut run = Run::new(config(train).unwrap()).unwrap();
    while run.end().is_none() {
        run.advance(&|| false).unwrap();
    }
    run
}

fn column(run: &Run, name: &str) -> Vec<f64> {
    run.metrics().column(name).unwrap()
}

/// The gradient of `3x²/2 + y²/8 + x⁴/4 + xz + 2z²`.
fn slope(x: &[f64]) -> [f64; 3] {
    [3.0 * x[0] + x[0].powi(3) + x[2], x[1] / 4.0, x[0] + 4.0 * x[2]]
}

/// Its Hessian times `v`.
fn product(x: &[f64], v: &[f64]) -> [f64; 3] {
    [(3.0 + 3.0 * x[0] * x[0]) * v[0] + v[2], v[1] / 4.0, v[0] + 4.0 * v[2]]
}

fn loss(rows: &[usize]) -> impl Objective + 'static {
    let matrices = rows.iter().map(|&rows| Matrix { rows, columns: 1 }).collect();
    bea::objective(3)
        .gradient(|x, g| {
            g.copy_from_slice(&slope(x));
            1.5 * x[0] * x[0]
                + x[1] * x[1] / 8.0
                + x[0].powi(4) / 4.0
                + x[0] * x[2]
                + 2.0 * x[2] * x[2]
        })
        .hessian_vector(|x, v, out| out.copy_from_slice(&product(x, v)))
        .with_matrices(matrices)
}

const START: [f64; 3] = [0.4, 1.0, -0.3];

fn near(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() < 1e-12 * norm(expected), "{found:?} {expected:?}");
    }
}

#[test]
fn each_layer_has_the_rate_of_its_own_drift() {
    let dal = Dal { power: 0.75, cap: 0.9, product: Product::Exact };
    let (loss_of_two, mut state) = (loss(&[2, 1]), State::new(START.to_vec()));
    let mut theta = START;
    let mut capped = 0;
    for _ in 0..12 {
        let step = Rule::DalPerLayer(dal).step(&loss_of_two, &mut state).unwrap();
        let g = slope(&theta);
        let r = product(&theta, &g);
        let rate = |r: f64, g: f64| 0.9f64.min(2.0 / (r / g).powf(0.75));
        let rates = [rate(r[0].hypot(r[1]), g[0].hypot(g[1])), rate(r[2].abs(), g[2].abs())];
        capped += rates.iter().filter(|h| **h == 0.9).count();
        for (i, layer) in [0, 0, 1].into_iter().enumerate() {
            theta[i] -= rates[layer] * g[i];
        }
        near(&state.theta, &theta);
        near(&[step.learning_rate], &[(2.0 * rates[0] + rates[1]) / 3.0]);
    }
    assert!((1..24).contains(&capped), "the cap decides now and then: {capped}");
    // One layer is DAL.
    let of_step = Rule::Dal(Box::new(DalIteration::new(dal, Adjusted::Step).unwrap()));
    let (loss_of_one, mut one) = (loss(&[3]), State::new(START.to_vec()));
    let mut whole = State::new(START.to_vec());
    for _ in 0..12 {
        Rule::DalPerLayer(dal).step(&loss_of_one, &mut one).unwrap();
        of_step.step(&loss_of_one, &mut whole).unwrap();
        near(&one.theta, &whole.theta);
    }
    let before = one.theta.clone();
    let error = Rule::DalPerLayer(dal).step(&loss(&[]), &mut one).unwrap_err();
    assert!(error.to_string().contains("which of its variables are one array"), "{error}");
    assert_eq!(one.theta, before, "no step was made");
}

/// The arrays of a network are its weights and biases, one after the other.
#[test]
fn layers_of_a_network() {
    let config = config("method = \"dal_per_layer\"\np = 0.5\ncap = 50").unwrap();
    let mut run = Run::new(config).unwrap();
    let set = data::open("iris").unwrap();
    let architecture = run.config().architecture(&set).unwrap();
    let loss = NetworkLoss::new(architecture, &set, &Device::find("cpu").unwrap()).unwrap();
    let start = run.state().theta.clone();
    run.advance(&|| false).unwrap();
    let (_, g) = loss.gradient(&start).unwrap();
    let r = loss.hessian_vectors(&start, &[&g]).unwrap().remove(0);
    let mut begin = 0;
    for length in [24, 6, 18, 3] {
        let own = begin..begin + length;
        let rate = 2.0 / (norm(&r[own.clone()]) / norm(&g[own.clone()])).sqrt();
        let expected: Vec<f64> = own.clone().map(|i| start[i] - rate * g[i]).collect();
        near(&run.state().theta[own], &expected);
        begin += length;
    }
    assert_eq!(begin, start.len());
    let fault = self::config("method = \"dal_per_layer\"\ndifference = \"previous\"").unwrap_err();
    assert!(fault.contains("must be a number"), "{fault}");
    let fault = self::config("method = \"dal_per_layer\"\nmomentum = 0.9").unwrap_err();
    assert!(fault.contains("is no key of the method `dal_per_layer`"), "{fault}");
}

fn program(name: &str, values: &[(&str, i64, i64)]) -> Rule {
    let value = |(name, p, q): &(&str, i64, i64)| {
        (name.to_string(), BigRational::new((*p).into(), (*q).into()))
    };
    let step = optimizer::find(name).unwrap().step(&values.iter().map(value).collect()).unwrap();
    Rule::program(step, Schedule::constant(1.0)).unwrap()
}

#[test]
fn drift_in_the_norm_of_adams_preconditioner() {
    let rule = program(
        "dal_adam",
        &[("p", 3, 4), ("beta1", 1, 2), ("beta2", 7, 8), ("eps", 1, 8), ("cap", 1, 2)],
    );
    let (loss, mut state) = (loss(&[]), State::new(START.to_vec()));
    let (mut theta, mut m, mut v) = (START, [0.0; 3], [0.0; 3]);
    let mut capped = 0;
    for t in 1..=15 {
        rule.step(&loss, &mut state).unwrap();
        let g = slope(&theta);
        let mut p = [0.0; 3];
        for i in 0..3 {
            m[i] = 0.5 * m[i] + 0.5 * g[i];
            v[i] = 0.875 * v[i] + 0.125 * g[i] * g[i];
            p[i] = (v[i] / (1.0 - 0.875f64.powi(t))).sqrt() + 0.125;
        }
        // P⁻¹HP⁻¹g and P⁻¹g, weighted by P.
        let along: Vec<f64> = (0..3).map(|i| g[i] / p[i]).collect();
        let drift = product(&theta, &along);
        let size =
            |x: &dyn Fn(usize) -> f64| (0..3).map(|i| p[i] * x(i) * x(i)).sum::<f64>().sqrt();
        let kappa = size(&|i| drift[i] / p[i]) / size(&|i| along[i]);
        let rate = 0.5f64.min(2.0 / kappa.powf(0.75));
        capped += u32::from(rate == 0.5);
        for i in 0..3 {
            theta[i] -= rate * m[i] / (1.0 - 0.5f64.powi(t)) / p[i];
        }
        near(&state.theta, &theta);
    }
    assert!((1..15).contains(&capped), "the cap decides {capped} times");
}

/// `min(cap, 2/‖Hĝ‖^p, c/|ĝᵀHĝ|)`.
#[test]
fn dal_with_a_cap_from_the_quadratic_model() {
    let mut bound = 0;
    for p in [0, 1, 2] {
        let rule = program("dal_quadratic", &[("p", p, 2), ("c", 2, 1), ("cap", 5, 1)]);
        let (loss, mut state) = (loss(&[]), State::new(START.to_vec()));
        for _ in 0..40 {
            let theta = state.theta.clone();
            rule.step(&loss, &mut state).unwrap();
            let g = slope(&theta);
            let unit: Vec<f64> = g.iter().map(|g| g / norm(&slope(&theta))).collect();
            let r = product(&theta, &unit);
            let along: f64 = unit.iter().zip(&r).map(|(u, r)| u * r).sum();
            let own = 5f64.min(2.0 / norm(&r).powf(p as f64 / 2.0));
            let cap = 2.0 / along.abs();
            bound += usize::from(cap < own);
            // |ĝᵀHĝ| ≤ ‖Hĝ‖: with p = 1 the cap never acts.
            assert!(p < 2 || cap >= own * (1.0 - 1e-12));
            let expected: Vec<f64> =
                theta.iter().zip(&g).map(|(x, g)| x - own.min(cap) * g).collect();
            let scale = norm(&theta) + norm(&g);
            assert!(
                state.theta.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-12 * scale),
                "{p}: {:?} {expected:?}",
                state.theta
            );
        }
    }
    assert!(bound > 10, "{bound}");
}

#[test]
fn corridor_rates_are_polyaks() {
    let run = finished("method = \"corridor\"");
    let rows = |run: &Run| {
        ["loss", "gradient_norm", "learning_rate", "corridor_rate"].map(|name| column(run, name))
    };
    let [loss, size, rate, corridor] = rows(&run);
    for n in 0..12 {
        assert!((rate[n] * size[n] * size[n] / loss[n] - 1.0).abs() < 1e-13);
        assert!((corridor[n] / rate[n] - 1.0).abs() < 1e-13);
    }
    assert!(corridor[12].is_finite() && rate[12].is_nan());
    let capped = finished("method = \"corridor\"\nleast = 0.25\ncap = 1.5");
    let [loss, size, rate, _] = rows(&capped);
    let expected = |n: usize| ((loss[n] - 0.25).max(0.0) / size[n].powi(2)).min(1.5);
    assert!((0..12).all(|n| (rate[n] - expected(n)).abs() < 1e-13));
    assert!((0..12).any(|n| rate[n] == 1.5) && (0..12).any(|n| rate[n] < 1.5), "{rate:?}");
    // Along gradient descent it is measured, and not taken.
    let [loss, size, rate, corridor] = rows(&finished("method = \"gd\"\nlr = 0.2"));
    assert!((0..=12).all(|n| (corridor[n] - loss[n] / size[n].powi(2)).abs() < 1e-12));
    assert!(rate[..12].iter().all(|h| *h == 0.2));
    let fault = config("method = \"corridor\"\nlr = 0.1").unwrap_err();
    assert!(fault.contains("is no key of the method `corridor`"), "{fault}");
}

/// On a convex loss no step leads away from the minimum, and through a corridor one step leads to its end.
#[test]
fn corridors_end_in_one_step() {
    let rule = Rule::Corridor(Corridor::default());
    let bowl = bea::objective(2).gradient(|x, g| {
        g.copy_from_slice(&[5.0 * x[0], x[1]]);
        2.5 * x[0] * x[0] + 0.5 * x[1] * x[1]
    });
    let mut state = State::new(vec![0.3, -1.0]);
    let mut distance = norm(&state.theta);
    for _ in 0..400 {
        rule.step(&bowl, &mut state).unwrap();
        assert!(norm(&state.theta) < distance);
        distance = norm(&state.theta);
    }
    assert!(distance < 1e-3, "{distance}");
    // 3x + 4y + 2, that least -1: at distance 5 h.
    let plane = bea::objective(2).gradient(|x, g| {
        g.copy_from_slice(&[3.0, 4.0]);
        3.0 * x[0] + 4.0 * x[1] + 2.0
    });
    let mut state = State::new(vec![1.0, 1.0]);
    let rule = Rule::Corridor(Corridor { least: -1.0, ..Corridor::default() });
    let step = rule.step(&plane, &mut state).unwrap();
    assert!((step.learning_rate - 0.4).abs() < 1e-15);
    let end = 3.0 * state.theta[0] + 4.0 * state.theta[1] + 2.0;
    assert!((end + 1.0).abs() < 1e-14);
    // At the end, and below the least value that was said, nothing moves.
    state.theta[0] -= 1.0;
    let there = state.theta.clone();
    assert_eq!(rule.step(&plane, &mut state).unwrap().learning_rate, 0.0);
    assert_eq!(state.theta, there);
}
