//! Stability of nonlinear steps at a critical point, where they are linear if they are differentiable.

use bea::exact::Rational;
use bea::flow::stability::{StabilityRequest, stability};
use bea::flow::{JetSource, NonlinearStep, Problem};
use bea::loss::Loss;
use bea::objective::Jet;
use bea::optimizer::{self, Optimizer, Step};
use bea::source::Source;
use num_rational::BigRational;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::process::Command;

/// `E = x² + y²/4 + xy/4`, and its negative gradient.
const LOSS: &str = "x^2 + y^2/4 + x*y/4";

struct Bowl;

impl JetSource<f64> for Bowl {
    type Error = Infallible;

    fn field(&mut self, x: &Jet<f64>) -> Result<Vec<Vec<f64>>, Infallible> {
        let [x, y] = x.point() else { panic!("two entries") };
        Ok(vec![vec![-2.0 * x - y / 4.0, -y / 2.0 - x / 4.0]])
    }

    fn along(&mut self, _: &Jet<f64>, v: &Jet<f64>) -> Result<Vec<Vec<f64>>, Infallible> {
        self.field(v)
    }
}

fn values(optimizer: &Optimizer) -> BTreeMap<String, BigRational> {
    let value = |name: &str| match name {
        "beta1" | "beta" => (4, 5),
        "beta2" | "alpha" => (15, 16),
        "eps" | "delta" => (1, 5),
        "lambda" => (0, 1),
        _ => (1, 2),
    };
    let of = |name: &String| {
        let (top, bottom) = value(name);
        (name.clone(), BigRational::new(top.into(), bottom.into()))
    };
    optimizer.parameters.iter().map(of).collect()
}

/// The step size up to which the optimizer converges.
fn critical(optimizer: &Optimizer) -> f64 {
    let method = optimizer.at_rest(&values(optimizer)).unwrap();
    let loss = Loss::parse(&Source::new("test", LOSS), &Default::default()).unwrap();
    let problem = Problem::of_loss(loss.graph(), loss.expression(), 2);
    let request = StabilityRequest { lr: None, order: 1 };
    let found = stability(&problem, &method, &[0.0, 0.0], &request).unwrap();
    found.intervals.unwrap()[0].to.value
}

/// The steps themselves come near the point below that step size, and leave it above.
#[test]
fn steps_converge_up_to_the_critical_step_size() {
    let names = [
        "adam",
        "adam_inside",
        "nadam",
        "rmsprop",
        "rmsprop_centered",
        "smooth_lion",
        "smoothly_clipped_gradient_descent",
    ];
    for name in names {
        let optimizer = optimizer::find(name).unwrap();
        let critical = critical(optimizer);
        let Step::Nonlinear(program) = optimizer.step(&values(optimizer)).unwrap() else {
            panic!("{name} is linear")
        };
        for (factor, grows) in [(0.98, false), (1.02, true)] {
            let h = BigRational::from_float(factor * critical).unwrap();
            let step = NonlinearStep::new(&program, &Rational::from(h)).unwrap();
            let start = [1e-13, -2e-13];
            let mut states = step.start(&start);
            for _ in 0..1500 {
                step.execute(&mut states, None, &mut Bowl).unwrap();
            }
            let ratio = states[0][0].hypot(states[0][1]) / start[0].hypot(start[1]);
            assert!(if grows { ratio > 10.0 } else { ratio < 0.1 }, "{name}, {factor}: {ratio:e}");
        }
    }
    // Adam is momentum with the step size h/ε: 2(1+β₁)ε/((1-β₁)λ), λ the largest root of λ² - 5/2 λ + 15/16.
    let lambda = (2.5 + (6.25f64 - 3.75).sqrt()) / 2.0;
    let expected = 2.0 * 1.8 * 0.2 / (0.2 * lambda);
    let found = critical(optimizer::find("adam").unwrap());
    assert!((found - expected).abs() < 1e-12 * expected, "{found} {expected}");
}

/// A Hessian product of what vanishes at the point is one more evaluation: `θ' = θ + h f + h²/2 f'f` doubles the order.
#[test]
fn hessian_products_are_linearised() {
    let text = "optimizer two { theta' = theta + h*f(theta) + h^2/(2 + norm(g)^2)*D(f)[f(theta)] }";
    let own = optimizer::parse(&Source::new("own.bea", text)).unwrap().remove(0);
    // 1 - z + z²/2 stays below 1 up to z = 2.
    let lambda = (2.5 + (6.25f64 - 3.75).sqrt()) / 2.0;
    assert!((critical(&own) - 2.0 / lambda).abs() < 1e-12);
}

fn bea(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_bea")).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_command_linearises_or_says_why_not() {
    let of = |optimizer: &str, set: &[&str]| {
        let mut arguments = vec!["stability", "--loss", LOSS, "--at", "0,0", "--lr", "0.1"];
        arguments.extend(["--optimizer", optimizer]);
        set.iter().for_each(|value| arguments.extend(["--set", value]));
        bea(&arguments)
    };
    let adam = ["beta1=4/5", "beta2=15/16", "eps=1/5"];
    let (code, out, error) = of("adam", &adam);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("linearised there, with buffers at rest"), "{out}");
    assert!(out.contains("h = 0.1 converges"), "{out}");
    let said = |(code, out, error): (i32, String, String)| {
        assert_eq!((code, out.as_str()), (2, ""), "{error}");
        error.split_whitespace().filter(|w| !["│", "×"].contains(w)).collect::<Vec<_>>().join(" ")
    };
    let no_eps = said(of("adam", &["beta1=4/5", "beta2=15/16", "eps=0"]));
    assert!(no_eps.contains("not differentiable at a critical point"), "{no_eps}");
    assert!(no_eps.contains("`eps` that is not 0"), "{no_eps}");
    for (name, set) in [("signum", &["beta=1/2"][..]), ("normalized_gradient_descent", &[])] {
        let message = said(of(name, set));
        assert!(message.contains("not differentiable at a critical point"), "{message}");
        assert!(!message.contains("eps"), "{message}");
    }
    let (code, out, error) = of("slow_nesterov", &["a=1"]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("moves slow variables beside the parameters"), "{out}");
    let muon = said(of("muon", &["beta=1/2"]));
    assert!(
        muon.contains("not differentiable at a critical point")
            && muon.contains("polar factor jumps"),
        "{muon}"
    );
    let decay = said(of("adamw", &["beta1=4/5", "beta2=15/16", "eps=1/5", "lambda=1/10"]));
    assert!(decay.contains("does not rest at a critical point"), "{decay}");
    let sum = said(of("adagrad", &["eps=1/5"]));
    assert!(sum.contains("`v` keeps any value at a critical point"), "{sum}");
    let symbolic = said(of("adam", &["beta1=4/5"]));
    assert!(symbolic.contains("need values: beta2, eps"), "{symbolic}");
}

/// Where the gradient is small it is not clipped: `min(1, c/0)` is 1.
#[test]
fn clipped_gradient_descent_is_gradient_descent_at_rest() {
    let clipped = optimizer::find("clipped_gradient_descent").unwrap();
    let descent = optimizer::find("gradient_descent").unwrap();
    assert_eq!(critical(clipped), critical(descent));
    let text = "optimizer a { theta' = theta + h*max(1, 1/norm(g))*f }";
    let unbounded = optimizer::parse(&Source::new("a", text)).unwrap();
    assert!(unbounded[0].at_rest(&BTreeMap::new()).is_err());
}
