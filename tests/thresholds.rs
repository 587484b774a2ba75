//! The eigenvalue at which steps stop being stable, wherever on the unit circle their multiplier is then: against root loci
//! computed by hand, against iterates, and as a metric of runs.

use bea::experiment::{Experiment, Measured, Run, Scale, run_figure};
use bea::flow::stability::{Crossing, stable_below, stable_until};
use bea::optimizer::{self, Optimizer};
use bea::source::Source;
use bea::training::{Rule, Schedule, State};
use num_complex::Complex64;
use num_rational::BigRational;
use std::collections::BTreeMap;
use std::f64::consts::{FRAC_PI_3, PI};

type Values = BTreeMap<String, BigRational>;

fn values(list: &[(&str, i64, i64)]) -> Values {
    let value = |(name, p, q): &(&str, i64, i64)| {
        (name.to_string(), BigRational::new((*p).into(), (*q).into()))
    };
    list.iter().map(value).collect()
}

fn own(text: &str) -> Optimizer {
    optimizer::parse(&Source::new("own.bea", text)).unwrap().remove(0)
}

/// The mean of the last three gradients.
const MEAN: &str =
    "optimizer mean { state p, q\n theta' = theta - h*(g + p + q)/3\n q' = p\n p' = g }";

/// A polynomial in `z`, lowest power first, at `e^(iφ)`.
fn on_circle(p: &[f64], phi: f64) -> Complex64 {
    p.iter().rev().fold(Complex64::ZERO, |sum, c| sum * Complex64::from_polar(1.0, phi) + c)
}

/// The least `hλ > 0` at which `ρ + hλ σ` has a root `e^(iφ)`, `0 < φ ≤ π`, and `φ`: `hλ = -ρ/σ` where that is real.
fn first_on_circle(rho: &[f64], sigma: &[f64]) -> (f64, f64) {
    let at = |phi: f64| -on_circle(rho, phi) / on_circle(sigma, phi);
    let mut found = vec![(at(PI).re, PI)];
    let step = PI / 3000.5;
    for n in 1..3000 {
        let (mut low, mut high) = (f64::from(n) * step, f64::from(n + 1) * step);
        if at(low).im * at(high).im > 0.0 {
            continue;
        }
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            *(if at(low).im * at(middle).im > 0.0 { &mut low } else { &mut high }) = middle;
        }
        found.push((at(low).re, low));
    }
    let positive = found.into_iter().filter(|(z, _)| *z > 1e-9 && z.is_finite());
    positive.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap()
}

#[test]
fn filters_of_gradients_leave_the_circle_where_their_root_locus_does() {
    let find = |name: &str| optimizer::find(name).unwrap().clone();
    let (m, d) = (0.75, values(&[("m", 3, 4)]));
    // ρ and σ from the difference equation of each, by hand.
    let cases: [(Optimizer, Values, Vec<f64>, Vec<f64>); 6] = [
        (find("gradient_descent"), values(&[]), vec![-1.0, 1.0], vec![1.0]),
        (find("heavy_ball"), d.clone(), vec![m, -1.0 - m, 1.0], vec![0.0, 1.0]),
        (find("nesterov"), d, vec![m, -1.0 - m, 1.0], vec![-m, 1.0 + m]),
        (find("delayed_gradient"), values(&[]), vec![0.0, -1.0, 1.0], vec![1.0]),
        (find("optimistic_gradient"), values(&[]), vec![0.0, -1.0, 1.0], vec![-1.0, 2.0]),
        (own(MEAN), values(&[]), vec![0.0, 0.0, -1.0, 1.0], vec![1.0 / 3.0; 3]),
    ];
    let mut complex = 0;
    for (optimizer, values, rho, sigma) in cases {
        let method = optimizer.method(&values).unwrap();
        let end = stable_until(&method).unwrap();
        let (z, phi) = first_on_circle(&rho, &sigma);
        let name = &optimizer.name;
        assert!((end.value - z).abs() < 1e-12 * z, "{name}: {end:?} {z}");
        assert!((end.angle.unwrap() - phi).abs() < 1e-9, "{name}: {end:?} {phi}");
        assert_eq!(end.crossing == Crossing::Circle, phi < PI, "{name}");
        complex += u32::from(end.crossing == Crossing::Circle);
        assert!(
            (stable_below(&method, 0.125).unwrap().value - 8.0 * z).abs() < 1e-11 * z,
            "{name}"
        );
    }
    assert_eq!(complex, 2);
    let delayed = stable_until(&find("delayed_gradient").method(&values(&[])).unwrap()).unwrap();
    assert!((delayed.value - 1.0).abs() < 1e-15);
    assert!((delayed.angle.unwrap() - FRAC_PI_3).abs() < 1e-14);
}

/// What iterates do on `λθ²/2` a little below and above: they decay or grow, and change their sign `φ/π` times a step.
#[test]
fn iterates_decay_below_and_grow_above_with_the_period_of_the_angle() {
    let h = 0.125;
    let usual = values(&[("m", 3, 4), ("r", 1, 8)]);
    let mut seen = 0;
    let mean = own(MEAN);
    for optimizer in optimizer::library().iter().chain([&mean]) {
        let values: Values = optimizer
            .parameters
            .iter()
            .map(|name| {
                let half = || BigRational::new(1.into(), 2.into());
                (name.clone(), usual.get(name).cloned().unwrap_or_else(half))
            })
            .collect();
        let name = &optimizer.name;
        let Ok(method) = optimizer.method(&values) else { continue };
        let Some(end) = stable_below(&method, h) else { continue };
        let program = optimizer.step(&values).unwrap();
        let Ok(rule) = Rule::program(program, Schedule::constant(h)) else { continue };
        seen += 1;
        let run = |lambda: f64| {
            let loss = bea::objective(1).gradient(|x, g| {
                g[0] = lambda * x[0];
                0.5 * lambda * x[0] * x[0]
            });
            let mut state = State::new(vec![1.0]);
            let (mut counted, mut changes) = (0, 0);
            let (mut early, mut late) = (0.0f64, 0.0f64);
            for step in 0..4000 {
                let before = state.theta[0];
                rule.step(&loss, &mut state).unwrap();
                if state.theta[0].abs() > 1e100 {
                    late = f64::INFINITY;
                    break;
                }
                match step {
                    1900..2000 => early = early.max(state.theta[0].abs()),
                    3900.. => late = late.max(state.theta[0].abs()),
                    _ => {}
                }
                if step >= 200 {
                    counted += 1;
                    changes += u32::from((before < 0.0) != (state.theta[0] < 0.0));
                }
            }
            (late / early.max(f64::MIN_POSITIVE), f64::from(changes) / f64::from(counted))
        };
        let ((below, _), (above, rate)) = (run(0.98 * end.value), run(1.02 * end.value));
        assert!(below < 0.9 && above > 1.1, "{name}: {end:?} {below:e} {above:e}");
        // The multiplier has moved on a little.
        let angle = end.angle.unwrap();
        assert!((rate * PI - angle).abs() < 0.05, "{name}: {end:?} {rate}");
    }
    assert!(seen > 20, "{seen}");
}

const IRIS: &str = "network = \"mlp:6,tanh\"\ndata = \"iris\"\ndtype = \"f64\"\n[train]\nTRAIN\nsteps = 4\n\
                    [measure]\nmetrics = [\"learning_rate\", \"lambda\", METRICS\"threshold\"]\n";

fn run(train: &str, metrics: &str) -> Result<Run, String> {
    let text = IRIS.replace("TRAIN", train).replace("METRICS", metrics);
    let parsed = Experiment::parse(Source::new("t.toml", text), Scale::Small, &[]).unwrap();
    let mut run = Run::new(parsed.runs().unwrap().remove(0)).map_err(|error| error.to_string())?;
    while run.end().is_none() {
        run.advance(&|| false).unwrap();
    }
    Ok(run)
}

/// The threshold times the learning rate, and the angle, of the first four iterates.
fn measured(train: &str) -> Vec<(f64, f64)> {
    let run = run(train, "").unwrap();
    let column = |name: &str| run.metrics().column(name).unwrap();
    let (h, threshold) = (column("learning_rate"), column("threshold"));
    assert!(threshold[4].is_nan(), "there is no step from the last iterate");
    (0..4).map(|n| (h[n] * threshold[n], column("threshold_angle")[n])).collect()
}

#[test]
fn runs_measure_the_threshold_of_each_step() {
    let linear = |train: &str, z: f64, angle: f64| {
        for (found, phi) in measured(train) {
            assert!((found - z).abs() < 1e-12 * z, "{train}: {found} {z}");
            assert!((phi - angle).abs() < 1e-12, "{train}: {phi}");
        }
    };
    linear("method = \"gd\"\nlr = 0.1\nlr_changes = [[2, 0.3]]", 2.0, PI);
    linear("method = \"heavy_ball\"\nlr = 0.1\nmomentum = 0.5", 3.0, PI);
    linear("method = \"nesterov\"\nlr = 0.1\nmomentum = 0.5", 1.5, PI);
    linear("optimizer = \"delayed_gradient\"\nlr = 0.1", 1.0, FRAC_PI_3);
    // Every step has its own.
    linear("method = \"dal\"", 2.0, PI);
    linear("method = \"dal\"\nmomentum = 0.5", 3.0, PI);
    // A penalty adds to the Hessian.
    let train =
        "optimizer = \"weight_decay_heavy_ball\"\nset = { m = 0.5, lambda = 0.25 }\nlr = 0.1";
    linear(train, 3.0 - 0.1 * 0.25, PI);
    // Steps that are not linear have it of P⁻¹H, as beside its eigenvalues.
    let adam = "optimizer = \"adam\"\nset = { beta1 = 0.5, beta2 = 0.75, eps = 0.25 }\nlr = 0.1";
    let run = run(adam, "\"preconditioned:1\", ").unwrap();
    let column = |name: &str| run.metrics().column(name).unwrap();
    assert_eq!(column("threshold"), column("preconditioned_threshold"));
    assert!(column("threshold").iter().all(|end| (end * 0.1 / 6.0 - 1.0).abs() < 1e-9));
    assert!(column("threshold_angle").iter().all(|angle| *angle == PI));
}

#[test]
fn what_has_no_threshold_is_refused() {
    let error = run("method = \"dal_per_parameter\"", "").err().unwrap();
    assert!(error.contains("steps with one learning rate for all parameters"), "{error}");
    let error = run("optimizer = \"signum\"\nlr = 0.1\nset = { beta = 0.5 }", "").err().unwrap();
    assert!(error.contains("no sum of multiples of gradients"), "{error}");
}

/// In the panel of what it bounds, with the rates of DAL too, which no schedule knows.
#[test]
fn it_is_drawn_beside_the_sharpness() {
    let panels = |train: &str, metrics: &str| {
        let run = run(train, metrics).unwrap();
        let measured = Measured {
            label: "",
            config: run.config(),
            metrics: run.metrics(),
            follow: None,
            end: run.end(),
        };
        run_figure(&measured).panels
    };
    let dal = panels("method = \"dal\"", "");
    let panel = dal.iter().find(|panel| panel.y.label.contains("λ₀")).unwrap();
    let line = panel.series.iter().find(|series| series.label == "threshold").unwrap();
    assert_eq!(line.points.len(), 5);
    assert!(!dal.iter().any(|panel| panel.y.label.contains("threshold")));
    // The line of the schedule is not drawn a second time.
    let descent = panels("method = \"gd\"\nlr = 0.1", "");
    let labels = |panel: &bea::plot::Panel| {
        panel.series.iter().map(|series| series.label.clone()).collect::<Vec<_>>()
    };
    let labels: Vec<String> = descent.iter().flat_map(labels).collect();
    assert!(labels.contains(&"threshold".to_string()) && !labels.contains(&"2/h".to_string()));
    let adam = "optimizer = \"adam\"\nset = { beta1 = 0.5, beta2 = 0.75, eps = 0.25 }\nlr = 0.1";
    let adam = panels(adam, "\"preconditioned:1\", ");
    let panel = adam.iter().find(|panel| panel.y.label.contains("P⁻¹H")).unwrap();
    assert!(panel.series.iter().any(|series| series.label == "threshold"));
}

/// Methods with a length or a rate of their own have a threshold for each step size.
#[test]
fn sam_has_a_threshold_of_its_own_for_each_step_size() {
    let method = optimizer::find("sam").unwrap().method(&values(&[("rho", 1, 8)])).unwrap();
    for h in [0.1f64, 0.4] {
        // 1 - hλ(1 + λ/8) = -1
        let lambda = 4.0 * ((1.0 + 1.0 / h).sqrt() - 1.0);
        let end = stable_below(&method, h).unwrap();
        assert!((end.value - lambda).abs() < 1e-13 * lambda, "{h}: {end:?} {lambda}");
    }
}
