//! Preconditioned sharpness: the eigenvalues of `P⁻¹H`, with all held that multiplies the gradients of a nonlinear step,
//! and the largest ones that are stable.

use bea::flow::stability::Crossing;
use bea::flow::{Frozen, JetSource, NonlinearStep, NotPreconditioned};
use bea::network::architecture::{Architecture, Criterion, Dtype};
use bea::network::device::Device;
use bea::network::initialise::{Scheme, initialise};
use bea::network::{NetworkLoss, data};
use bea::objective::Jet;
use bea::optimizer::{self, Optimizer, Step};
use bea::source::Source;
use bea::training::{Rule, Schedule, State};
use nalgebra::DMatrix;
use num_rational::BigRational;
use std::convert::Infallible;
use std::process::Command;

/// The field `-Mx` of a quadratic loss.
struct Quadratic(DMatrix<f64>);

impl JetSource<f64> for Quadratic {
    type Error = Infallible;

    fn field(&mut self, x: &Jet<f64>) -> Result<Vec<Vec<f64>>, Infallible> {
        let x = DMatrix::from_column_slice(self.0.nrows(), 1, x.point());
        Ok(vec![(-&self.0 * x).as_slice().to_vec()])
    }

    fn along(&mut self, _: &Jet<f64>, v: &Jet<f64>) -> Result<Vec<Vec<f64>>, Infallible> {
        self.field(v)
    }
}

fn matrix() -> DMatrix<f64> {
    DMatrix::from_row_slice(3, 3, &[2.0, 0.5, -0.25, 0.5, 1.0, 0.125, -0.25, 0.125, 1.5])
}

fn value(name: &str) -> BigRational {
    let (top, bottom) = match name {
        "beta1" => (4, 5),
        "beta2" | "alpha" => (15, 16),
        "eps" => (1, 4),
        "lambda" => (1, 5),
        _ => (1, 250),
    };
    BigRational::new(top.into(), bottom.into())
}

fn step(optimizer: &Optimizer) -> bea::typed::Program {
    let values = optimizer.parameters.iter().map(|name| (name.clone(), value(name)));
    match optimizer.step(&values.collect()).unwrap() {
        Step::Nonlinear(program) => program,
        Step::Linear(_) => panic!("{} is linear", optimizer.name),
    }
}

fn numeric(optimizer: &Optimizer, top: i64, bottom: i64) -> NonlinearStep<f64> {
    let h = bea::exact::Rational::new(top, bottom).unwrap();
    NonlinearStep::new(&step(optimizer), &h).unwrap()
}

fn frozen(
    step: &NonlinearStep<f64>,
    states: &[Vec<f64>],
    number: u64,
    loss: &DMatrix<f64>,
) -> Result<Frozen, NotPreconditioned> {
    step.frozen(states, number, &mut Quadratic(loss.clone())).unwrap()
}

/// The largest eigenvalue of `P⁻¹(H + λ)`, from all of them.
fn sharpness(loss: &DMatrix<f64>, frozen: &Frozen) -> f64 {
    let n = loss.nrows();
    let scale = |i: usize| frozen.preconditioner[i].sqrt().recip();
    let shifted = loss + DMatrix::identity(n, n) * frozen.decay;
    let scaled = DMatrix::from_fn(n, n, |i, j| scale(i) * shifted[(i, j)] * scale(j));
    scaled.symmetric_eigenvalues().max()
}

#[test]
fn adam_has_the_preconditioner_and_the_threshold_of_the_literature() {
    let (h, beta1, beta2, eps) = (0.25, 0.8f64, 0.9375f64, 0.25);
    let adam = optimizer::find("adam").unwrap();
    let step = numeric(adam, 1, 4);
    let loss = matrix();
    let mut states = step.start(&[1.0, -2.0, 0.5]);
    for number in 1..=4 {
        let found = frozen(&step, &states, number, &loss).unwrap();
        let g = &loss * DMatrix::from_column_slice(3, 1, &states[0]);
        let t = number as i32;
        for (i, p) in found.preconditioner.iter().enumerate() {
            let v = beta2 * states[2][i] + (1.0 - beta2) * g[i] * g[i];
            let root = (v / (1.0 - beta2.powi(t))).sqrt() + eps;
            let expected = (1.0 - beta1.powi(t)) * root;
            assert!((p - expected).abs() < 1e-12 * expected, "step {number}: {p} {expected}");
        }
        let end = found.threshold.as_ref().unwrap();
        let threshold = end.value;
        // An oscillation of period 2.
        assert_eq!((end.crossing, end.angle), (Crossing::Minus, Some(std::f64::consts::PI)));
        let expected = 2.0 * (1.0 + beta1) / ((1.0 - beta1) * h);
        assert!((threshold - expected).abs() < 1e-9 * expected, "{threshold} {expected}");
        assert_eq!(found.decay, 0.0);
        step.execute(&mut states, Some(number), &mut Quadratic(loss.clone())).unwrap();
    }
}

/// Near a critical point nothing but the frozen step is left, so that steps leave it, or come near it, as the threshold
/// says.
#[test]
fn steps_near_a_critical_point_are_as_stable_as_the_threshold_says() {
    let names = [
        "adam",
        "adam_inside",
        "adamw",
        "adam_weight_decay",
        "nadam",
        "rmsprop",
        "rmsprop_centered",
        "smoothly_clipped_gradient_descent",
    ];
    for name in names {
        let optimizer = optimizer::find(name).unwrap();
        let step = numeric(optimizer, 1, 4);
        let start = [3e-13, -2e-13, 1e-13];
        let late = 1 << 20;
        // What does not depend on the gradient settles, as NAdam's product does.
        let mut origin = step.start(&[0.0; 3]);
        for number in late - 500..late {
            step.execute(&mut origin, Some(number), &mut Quadratic(matrix())).unwrap();
        }
        let known = frozen(&step, &origin, late, &matrix()).unwrap();
        let threshold = known.threshold.as_ref().unwrap().value;
        // P⁻¹(sM + λ) has the wanted eigenvalue for one s between 0 and a large one.
        let scaled_to = |wanted: f64| {
            let (mut low, mut high) = (0.0, 1e4);
            for _ in 0..200 {
                let s = f64::midpoint(low, high);
                let is_low = sharpness(&(matrix() * s), &known) < wanted;
                *(if is_low { &mut low } else { &mut high }) = s;
            }
            matrix() * high
        };
        for (factor, grows) in [(0.98, false), (1.02, true)] {
            let loss = scaled_to(factor * threshold);
            assert!((sharpness(&loss, &known) / threshold - factor).abs() < 1e-9);
            let mut states = origin.clone();
            states[0] = start.to_vec();
            let mut source = Quadratic(loss);
            for number in late..late + 1500 {
                step.execute(&mut states, Some(number), &mut source).unwrap();
            }
            let size = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
            let ratio = size(&states[0]) / size(&start);
            assert!(if grows { ratio > 10.0 } else { ratio < 0.1 }, "{name}, {factor}: {ratio:e}");
        }
    }
}

fn own(text: &str) -> Optimizer {
    optimizer::parse(&Source::new("own.bea", text)).unwrap().remove(0)
}

/// A first step of its own is made, once, and leaves the stability of the steps that are repeated as it is.
#[test]
fn first_lines_are_those_of_the_first_step_alone() {
    let text = "optimizer begun { state m, v\n first m' = g\n m' = 4*m/5 + g/5\n first v' = g^2\n \
                v' = 15*v/16 + g^2/16\n theta' = theta - h*m'/(sqrt(v') + 1/4) }";
    let step = numeric(&own(text), 1, 4);
    let loss = matrix();
    let start = [1.0, -2.0, 0.5];
    let mut states = step.start(&start);
    let g = &loss * DMatrix::from_column_slice(3, 1, &start);
    let first = frozen(&step, &states, 1, &loss).unwrap();
    for (i, p) in first.preconditioner.iter().enumerate() {
        let expected = g[i].abs() + 0.25;
        assert!((p - expected).abs() < 1e-12 * expected, "{p} {expected}");
    }
    step.execute(&mut states, Some(1), &mut Quadratic(loss.clone())).unwrap();
    for i in 0..3 {
        assert_eq!((states[1][i], states[2][i]), (g[i], g[i] * g[i]));
        let expected = start[i] - 0.25 * g[i] / (g[i].abs() + 0.25);
        assert!((states[0][i] - expected).abs() < 1e-15, "{} {expected}", states[0][i]);
    }
    let second = frozen(&step, &states, 2, &loss).unwrap();
    let expected = 2.0 * 1.8 / (0.2 * 0.25);
    for threshold in [first.threshold.unwrap().value, second.threshold.unwrap().value] {
        assert!((threshold - expected).abs() < 1e-9 * expected, "{threshold} {expected}");
    }
}

#[test]
fn steps_without_a_preconditioner_say_so() {
    let refused = |optimizer: &Optimizer| {
        let step = numeric(optimizer, 1, 4);
        frozen(&step, &step.start(&[1.0, -2.0, 0.5]), 1, &matrix()).unwrap_err()
    };
    let library = |name: &str| refused(optimizer::find(name).unwrap());
    assert_eq!(library("lion"), NotPreconditioned::Nonlinear);
    assert_eq!(library("sign_descent"), NotPreconditioned::Nonlinear);
    assert_eq!(library("smooth_lion"), NotPreconditioned::Nonlinear);
    assert_eq!(library("normalized_sam"), NotPreconditioned::Point);
    let two = "optimizer two { state m, w\n m' = m/2 + g/(abs(g) + 1)\n w' = 3*w/4 + g\n \
               theta' = theta - h*(m' + w') }";
    assert_eq!(refused(&own(two)), NotPreconditioned::Entries);
    let still = "optimizer still { theta' = theta + h*theta/(1 + norm(g)) }";
    assert_eq!(refused(&own(still)), NotPreconditioned::Unmoved);
}

fn bea(folder: &std::path::Path, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bea"));
    let output = command.args(arguments).current_dir(folder).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_run_measures_it() {
    let place = tempfile::tempdir().unwrap();
    let text = "name = \"adam\"\ndata = \"iris\"\nnetwork = \"mlp:4,tanh\"\ndtype = \"f64\"\n\
                [train]\noptimizer = \"adam\"\nlr = 0.01\nsteps = 6\n\
                set = { beta1 = 0.8, beta2 = 0.9375, eps = 0.25 }\n\
                [measure]\nmetrics = [\"loss\", \"preconditioned:2\"]\n";
    std::fs::write(place.path().join("adam.toml"), text).unwrap();
    let (code, error) = bea(place.path(), &["run", "adam.toml", "--out", "out", "--plot"]);
    assert_eq!(code, 0, "{error}");
    let table = std::fs::read_to_string(place.path().join("out/metrics.csv")).unwrap();
    let mut rows = csv::Reader::from_reader(table.as_bytes());
    let titles: Vec<String> = rows.headers().unwrap().iter().map(String::from).collect();
    let names = ["preconditioned_0", "preconditioned_1", "preconditioned_threshold"];
    assert_eq!(titles[titles.len() - 3..], names);

    // The same steps, with all eigenvalues of the whole matrix.
    let data = data::open("iris").unwrap();
    let criterion = Criterion::CrossEntropy { smoothing: 0.0 };
    let architecture =
        Architecture::find("mlp:4,tanh", &data.shape, 3, criterion, Dtype::F64).unwrap();
    let theta = initialise(&architecture, Scheme::PyTorch, 0);
    let p = theta.len();
    let loss = NetworkLoss::new(architecture, &data, &Device::cpu()).unwrap();
    let program = step(optimizer::find("adam").unwrap());
    let rule = Rule::program(Step::from(&program), Schedule::constant(0.01)).unwrap();
    let mut state = State::new(theta);
    let mut seen = 0;
    for (row, t) in rows.records().map(Result::unwrap).zip(1..) {
        let number = |i: usize| row[titles.len() - 3 + i].parse::<f64>().unwrap();
        let (_, g) = loss.gradient(&state.theta).unwrap();
        let second = state.buffers.iter().find(|(name, _)| name == "v");
        let scale = |i: usize| {
            let v = 0.9375 * second.map_or(0.0, |(_, v)| v[i]) + 0.0625 * g[i] * g[i];
            let root = (v / (1.0 - 0.9375f64.powi(t))).sqrt() + 0.25;
            ((1.0 - 0.8f64.powi(t)) * root).sqrt().recip()
        };
        let unit = |i| (0..p).map(|j| f64::from(u8::from(i == j))).collect::<Vec<f64>>();
        let units: Vec<Vec<f64>> = (0..p).map(unit).collect();
        let units: Vec<&[f64]> = units.iter().map(Vec::as_slice).collect();
        let hessian = loss.hessian_vectors(&state.theta, &units).unwrap();
        let scaled = DMatrix::from_fn(p, p, |i, j| {
            scale(i) * 0.5 * (hessian[i][j] + hessian[j][i]) * scale(j)
        });
        let mut values = scaled.symmetric_eigenvalues().as_slice().to_vec();
        values.sort_by(|a, b| b.total_cmp(a));
        for i in 0..2 {
            let found = number(i);
            assert!((found - values[i]).abs() < 1e-6 * values[0], "step {t}: {found} {values:?}");
        }
        assert!((number(2) / (2.0 * 1.8 / (0.2 * 0.01)) - 1.0).abs() < 1e-9, "{}", number(2));
        rule.step(&loss, &mut state).unwrap();
        seen += 1;
    }
    assert_eq!(seen, 7);
    let picture = std::fs::read_to_string(place.path().join("out/metrics.svg")).unwrap();
    assert!(picture.contains("P⁻¹H") && picture.contains("stable below"), "{picture}");

    let sign = text.replace("\"adam\"\nlr", "\"signum\"\nlr");
    let sign = sign.replace("{ beta1 = 0.8, beta2 = 0.9375, eps = 0.25 }", "{ beta = 0.8 }");
    for (text, expected) in [
        (sign, "no sum of multiples of gradients"),
        (
            text.replace("optimizer = \"adam\"", "method = \"gd\"").replace("set", "# set"),
            "lambda:1",
        ),
    ] {
        std::fs::write(place.path().join("none.toml"), text).unwrap();
        let (code, error) = bea(place.path(), &["run", "none.toml", "--out", "none"]);
        let error = error.split_whitespace().filter(|w| !["│", "×"].contains(w));
        let error = error.collect::<Vec<_>>().join(" ");
        assert!(code == 2 && error.contains(expected), "{error}");
        assert!(!place.path().join("none").exists());
    }
}
