//! Training with step programs: the rules that were written by hand, PyTorch's SGD, descriptions.

use bea::experiment::{Config, Experiment, Run, Scale};
use bea::flow::{Buffers, FlowName, Problem, Request, simulate};
use bea::loss::Loss;
use bea::network::NetworkLoss;
use bea::network::data;
use bea::network::device::Device;
use bea::objective::{Objective, ObjectiveError, Scalar};
use bea::optimizer::{self, parse, parse_value};
use bea::source::Source;
use bea::training::{Batches, Checkpoint, Rule, Schedule, State};
use num_complex::Complex64;
use std::collections::BTreeMap;
use std::path::Path;

const IRIS: &str = r#"
network = "mlp:6,tanh"
data = "iris"
dtype = "f64"
seed = 3
[train]
optimizer = "OPTIMIZER"
lr = 0.05
lr_changes = [[10, 0.02], [17, 0.07]]
steps = 24
[train.set]
m = 0.9
"#;

fn configs(text: &str) -> Vec<Config> {
    Experiment::parse(Source::new("test.toml", text), Scale::Small, &[]).unwrap().runs().unwrap()
}

fn finished(text: &str) -> Run {
    let mut run = Run::new(configs(text).remove(0)).unwrap();
    while run.end().is_none() {
        run.advance(&|| false).unwrap();
    }
    run
}

fn bits(theta: &[f64]) -> Vec<u64> {
    theta.iter().map(|x| x.to_bits()).collect()
}

/// One step of a rule written by hand: `θ`, `v` and `h`, with gradients of the loss.
type Step = fn(&mut [f64], &mut Vec<f64>, f64, &dyn Fn(&[f64]) -> Vec<f64>);

fn gradient_descent(
    theta: &mut [f64],
    _: &mut Vec<f64>,
    h: f64,
    gradient: &dyn Fn(&[f64]) -> Vec<f64>,
) {
    let g = gradient(theta);
    theta.iter_mut().zip(&g).for_each(|(x, g)| *x -= h * g);
}

fn heavy_ball(theta: &mut [f64], v: &mut Vec<f64>, h: f64, gradient: &dyn Fn(&[f64]) -> Vec<f64>) {
    let g = gradient(theta);
    for ((x, v), g) in theta.iter_mut().zip(v).zip(&g) {
        *v = 0.9 * *v - h * g;
        *x += *v;
    }
}

fn nesterov(theta: &mut [f64], v: &mut Vec<f64>, h: f64, gradient: &dyn Fn(&[f64]) -> Vec<f64>) {
    let ahead: Vec<f64> = theta.iter().zip(&*v).map(|(x, v)| x + 0.9 * v).collect();
    let g = gradient(&ahead);
    for ((x, v), g) in theta.iter_mut().zip(v).zip(&g) {
        *v = 0.9 * *v - h * g;
        *x += *v;
    }
}

#[test]
fn programs_of_the_library_are_the_rules_written_by_hand_bit_for_bit() {
    let rules: [(&str, &str, Step); 3] = [
        ("gradient_descent", "gd", gradient_descent),
        ("heavy_ball", "heavy_ball", heavy_ball),
        ("nesterov", "nesterov", nesterov),
    ];
    for (name, method, by_hand) in rules {
        for (dtype, batch) in [("f64", None), ("f64", Some(20)), ("f32", Some(20))] {
            let mut text = IRIS.replace("OPTIMIZER", name).replace("f64", dtype);
            if name == "gradient_descent" {
                text = text.replace("[train.set]\nm = 0.9\n", "");
            }
            if let Some(batch) = batch {
                text = text.replace("steps = 24", &format!("steps = 24\nbatch = {batch}"));
            }
            let start = Run::new(configs(&text).remove(0)).unwrap().state().theta.clone();
            let run = finished(&text);
            let set = data::open("iris").unwrap();
            let architecture = run.config().architecture(&set).unwrap();
            let loss = NetworkLoss::new(architecture, &set, &Device::find("cpu").unwrap()).unwrap();
            let mut batches = batch.map(|batch| Batches::new(set.len(), batch, 3));
            let (mut theta, mut v) = (start.clone(), vec![0.0; start.len()]);
            for step in 0..24 {
                let h = [0.05, 0.02, 0.07][usize::from(step >= 10) + usize::from(step >= 17)];
                let part = batches.as_mut().map(|order| loss.over(&set.select(order.at(step))));
                let part = part.transpose().unwrap();
                let loss = part.as_ref().unwrap_or(&loss);
                by_hand(&mut theta, &mut v, h, &|x| loss.gradient(x).unwrap().1);
            }
            assert_eq!(bits(&run.state().theta), bits(&theta), "{name}, {dtype}, {batch:?}");
            // As a method of its own name it is the same run.
            let old = text
                .replace(&format!("optimizer = \"{name}\""), &format!("method = \"{method}\""))
                .replace(
                    "[train.set]\nm = 0.9",
                    if method == "gd" { "" } else { "momentum = 0.9" },
                );
            let old = finished(&old);
            assert_eq!(bits(&old.state().theta), bits(&theta), "{method}");
            assert_eq!(old.metrics().csv(), run.metrics().csv());
        }
    }
}

/// Training with an optimizer of the library and values of its parameters.
fn rule(name: &str, values: &[(&str, &str)], lr: f64) -> Rule {
    let values: BTreeMap<_, _> =
        values.iter().map(|(k, v)| (k.to_string(), parse_value(v).unwrap())).collect();
    let program = optimizer::find(name).unwrap().program(&values).unwrap();
    Rule::program(program, Schedule::constant(lr)).unwrap()
}

fn iterates<F>(rule: &Rule, start: &[f64], steps: usize, gradient: F) -> Vec<Vec<f64>>
where
    F: Fn(&[f64], &mut [f64]) -> f64 + Send + Sync,
{
    let objective = bea::objective(start.len()).gradient(gradient);
    let mut state = State::new(start.to_vec());
    (0..steps)
        .map(|_| {
            rule.step(&objective, &mut state).unwrap();
            state.theta.clone()
        })
        .collect()
}

#[test]
fn the_first_buffer_of_torch_sgd_is_the_gradient() {
    let values =
        [("momentum", "9/10"), ("dampening", "1/2"), ("weight_decay", "0"), ("nesterov", "0")];
    let found = iterates(&rule("torch_sgd", &values, 0.1), &[1.0], 3, |x, g| {
        g[0] = 2.0 * x[0];
        x[0] * x[0]
    });
    for (found, expected) in found.iter().zip([0.8, 0.54, 0.252]) {
        assert!((found[0] - expected).abs() < 1e-15, "{found:?} {expected}");
    }
}

#[test]
fn torch_sgd_takes_pytorchs_steps() {
    let text = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pytorch/sgd.expected.txt"),
    );
    let text = text.unwrap();
    let mut lines = text.lines().filter(|line| !line.starts_with('#')).peekable();
    let mut cases = 0;
    while let Some(case) = lines.next() {
        let words: Vec<&str> = case.split_whitespace().collect();
        let names = ["momentum", "dampening", "weight_decay", "nesterov"];
        let values: Vec<_> = names.into_iter().zip(words[1..].iter().copied()).collect();
        let rule = rule("torch_sgd", &values, words[0].parse().unwrap());
        let mut expected = Vec::new();
        while let Some(line) = lines.next_if(|line| line.starts_with(' ')) {
            let x: Vec<f64> = line.split_whitespace().map(|x| x.parse().unwrap()).collect();
            expected.push(x);
        }
        let found = iterates(&rule, &[1.0, -0.5, 0.25], expected.len(), |x, g| {
            g[0] = x[0] * x[0] * x[0] + x[1] - (x[2] - x[0]);
            g[1] = x[0] + 2.0 * x[1];
            g[2] = x[2] - x[0];
            0.0
        });
        for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
            assert!((found - expected).abs() <= 1e-14, "{case}: {found} {expected}");
        }
        assert_eq!(expected.len(), 8);
        cases += 1;
    }
    assert_eq!(cases, 7);
}

#[test]
fn weight_decay_trains_as_the_penalty_that_it_is() {
    let penalised = |x: &[f64], g: &mut [f64]| {
        g[0] = 4.0 * x[0] + 0.25 * x[0];
        0.0
    };
    let plain = |x: &[f64], g: &mut [f64]| {
        g[0] = 4.0 * x[0];
        0.0
    };
    for (decayed, folded, values) in [
        ("weight_decay", "gradient_descent", &[][..]),
        ("weight_decay_heavy_ball", "heavy_ball", &[("m", "1/2")][..]),
    ] {
        let with = [values, &[("lambda", "1/4")]].concat();
        let one = iterates(&rule(decayed, &with, 0.1), &[1.0], 9, plain);
        let other = iterates(&rule(folded, values, 0.1), &[1.0], 9, penalised);
        for (a, b) in one.iter().flatten().zip(other.iter().flatten()) {
            assert!((a - b).abs() < 1e-15, "{decayed}: {a} {b}");
        }
    }
    // Decoupled, the velocity does not see it.
    let values = [("m", "1/2"), ("lambda", "1/4")];
    let found =
        iterates(&rule("decoupled_weight_decay_heavy_ball", &values, 0.1), &[1.0], 2, plain);
    let first = 1.0 - 0.4 - 0.025;
    let second = first + (0.5 * -0.4 - 0.4 * first) - 0.025 * first;
    assert!((found[0][0] - first).abs() < 1e-15 && (found[1][0] - second).abs() < 1e-15);
}

/// A loss of one variable.
fn problem(formula: &str) -> Problem {
    let loss = Loss::parse(&Source::new("loss", formula), &BTreeMap::new()).unwrap();
    Problem::of_loss(loss.graph(), loss.expression(), 1)
}

/// Every explicit optimizer of the library with one loss trains, and takes the steps of its method.
#[test]
fn all_explicit_optimizers_of_one_loss_train() {
    let mut trained = 0;
    for optimizer in optimizer::library() {
        let values: BTreeMap<_, _> = optimizer
            .parameters
            .iter()
            .map(|name| (name.clone(), parse_value("2/5").unwrap()))
            .collect();
        let program = optimizer.program(&values).unwrap();
        let known = program.linear.iter().flatten().count();
        let one = program.spaces.len() == 1 && program.fields.len() - known == 1;
        let rule = Rule::program(&program, Schedule::constant(0.1));
        assert_eq!(rule.is_ok(), one && !program.is_implicit(), "{}", optimizer.name);
        // With a first step of its own it is not the general linear method that iterates.
        let Ok(rule) = rule else { continue };
        trained += 1;
        if optimizer.name == "torch_sgd" || known > 0 {
            continue;
        }
        // E = x⁴/4 + x²
        let found = iterates(&rule, &[0.8], 6, |x, g| {
            g[0] = x[0] * x[0] * x[0] + 2.0 * x[0];
            0.0
        });
        let problem = problem("x^4/4 + x^2");
        let request = Request { lr: 0.1, steps: 6, ..Request::default() };
        let method = program.method();
        let run = simulate(&problem, &optimizer.name, &method, &[0.8], &request).unwrap();
        for (found, expected) in found.iter().zip(&run.optimizer.theta[1..]) {
            assert!((found[0] - expected[0].re).abs() < 1e-13, "{}", optimizer.name);
        }
    }
    assert!(trained > 30, "{trained}");
}

#[test]
fn buffers_start_as_they_are_told_to() {
    let start = |declaration: &str| {
        let text = format!(
            "optimizer a(c) {{\n state {declaration}\n v' = v/2 + h*f(theta)\n theta' = theta + v'\n}}"
        );
        let optimizer = parse(&Source::new("test.bea", text)).unwrap().remove(0);
        let values = [("c".to_string(), parse_value("3").unwrap())].into();
        let rule = Rule::program(optimizer.program(&values).unwrap(), Schedule::constant(0.1));
        // E = 0
        iterates(&rule.unwrap(), &[1.0, 2.0], 1, |_, g| {
            g.fill(0.0);
            0.0
        })
        .remove(0)
    };
    assert_eq!(start("v"), [1.0, 2.0]);
    assert_eq!(start("v = 0"), [1.0, 2.0]);
    assert_eq!(start("v = 1/2"), [1.25, 2.25]);
    assert_eq!(start("v = c*h"), [1.15, 2.15]);
    assert_eq!(start("v = c*(theta + theta)"), [4.0, 8.0]);
}

/// From settled buffers the flow of order n stays beside the optimizer up to `O(h^(n+1))`; at rest up to `O(h)`.
#[test]
fn settled_buffers_start_on_the_slow_manifold() {
    let values = [("m".to_string(), parse_value("1/2").unwrap())].into();
    let program = optimizer::find("heavy_ball").unwrap().program(&values).unwrap();
    let problem = problem("x^2/2 + x^4/4");
    let distance = |buffers: Buffers, steps: usize| {
        let lr = 0.2 / steps as f64;
        let flows = vec![FlowName::Order(2)];
        let request = Request { lr, steps, flows, buffers, ..Request::default() };
        let run = simulate(&problem, "heavy_ball", &program, &[1.0], &request).unwrap();
        assert!(run.optimizer.note.is_none(), "{:?}", run.optimizer.note);
        *run.distances(&run.flows[0]).last().unwrap()
    };
    let slope = |buffers: Buffers| {
        let (coarse, fine) = (distance(buffers.clone(), 40), distance(buffers, 80));
        (coarse / fine).log2()
    };
    assert!((slope(Buffers::Written) - 1.0).abs() < 0.1);
    assert!((slope(Buffers::Settled) - 3.0).abs() < 0.2, "{}", slope(Buffers::Settled));
    // The optimizer may say so itself.
    let settled = optimizer::find("heavy_ball").unwrap().to_string();
    let settled = settled.replace("state v", "state v = settled");
    let settled = parse(&Source::new("settled.bea", settled)).unwrap().remove(0);
    let settled = settled.program(&values).unwrap();
    let request = Request { lr: 0.01, steps: 3, ..Request::default() };
    let own = simulate(&problem, "settled", &settled, &[1.0], &request).unwrap();
    let request = Request { buffers: Buffers::Settled, ..request };
    let asked = simulate(&problem, "heavy_ball", &program, &[1.0], &request).unwrap();
    assert_eq!(own.optimizer.theta, asked.optimizer.theta);
}

#[test]
fn all_buffers_and_learning_rates_are_resumed_bit_for_bit() {
    let text = IRIS
        .replace("OPTIMIZER", "lookahead_heavy_ball")
        .replace("m = 0.9", "m = 0.9\nalpha = \"1/2\"")
        .replace("steps = 24", "steps = 24\nbatch = 30");
    let whole = finished(&text);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("checkpoint");
    for stop in [0, 1, 9, 10, 11, 18] {
        let mut first = Run::new(configs(&text).remove(0)).unwrap();
        (0..stop).for_each(|_| first.advance(&|| false).unwrap());
        first.checkpoint().save(&file).unwrap();
        let checkpoint = Checkpoint::load(&file, first.state().theta.len()).unwrap();
        assert_eq!(checkpoint.state, *first.state());
        assert_eq!(checkpoint.state.buffers.len(), usize::from(stop > 0));
        let second = Run::new(configs(&text).remove(0)).unwrap();
        let mut second = second.resume(checkpoint, first.metrics().clone(), None).unwrap();
        while second.end().is_none() {
            second.advance(&|| false).unwrap();
        }
        assert_eq!(second.state(), whole.state(), "{stop}");
        assert_eq!(second.metrics().csv(), whole.metrics().csv());
    }
}

#[test]
fn a_file_is_found_beside_its_description_and_is_part_of_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let mine = "optimizer mine(m) {\n state v\n v' = m*v + h*f(theta)\n theta' = theta + v'\n}\n";
    std::fs::write(folder.path().join("mine.bea"), mine).unwrap();
    let place = folder.path().join("test.toml").display().to_string();
    let text = IRIS.replace("OPTIMIZER", "mine.bea");
    let runs = |text: &str, name: &str| {
        Experiment::parse(Source::new(name, text), Scale::Small, &[]).unwrap().runs().unwrap()
    };
    let config = runs(&text, &place).remove(0);
    let whole = folder.path().join("mine.bea").display().to_string();
    assert!(config.resolved.contains(&format!("optimizer = \"{whole}\"")), "{}", config.resolved);
    assert!(config.resolved.contains("set = { m = 0.9 }"), "{}", config.resolved);
    // The resolved description is the same run, wherever it stands.
    let again = runs(&config.resolved, "elsewhere.toml").remove(0);
    assert_eq!(again.resolved, config.resolved);
    let mut run = Run::new(config.clone()).unwrap();
    run.advance(&|| false).unwrap();
    let checkpoint = run.checkpoint();
    assert!(checkpoint.sums.iter().any(|(what, _)| what.starts_with("the optimizer in ")));
    let changed = mine.replace("theta + v'", "theta + 2*v'");
    std::fs::write(folder.path().join("mine.bea"), changed).unwrap();
    let other = Run::new(runs(&text, &place).remove(0)).unwrap();
    let error = other.resume(checkpoint, run.metrics().clone(), None).err().unwrap().to_string();
    assert!(error.contains("the optimizer in") && error.contains("changed"), "{error}");
}

#[test]
fn what_cannot_train_is_refused_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    file("broken.bea", "optimizer a {\n theta' = theta + q*f(theta)\n}\n");
    file("still.bea", "optimizer a {\n theta' = theta\n}\n");
    file(
        "two.bea",
        "optimizer a { theta' = theta + h*f(theta) }\noptimizer b { theta' = theta + h*f(theta) }\n",
    );
    let place = folder.path().join("test.toml").display().to_string();
    let fault = |text: &str, set: &[&str]| {
        let set: Vec<Source> = set.iter().map(|text| Source::new("--set", *text)).collect();
        let parsed = Experiment::parse(Source::new(&*place, text), Scale::Small, &set);
        let error = parsed.and_then(|e| e.runs()).expect_err(text);
        let shown = format!("{:?}", miette::Report::new(error));
        shown.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
    };
    let named = |name: &str| IRIS.replace("OPTIMIZER", name).replace("[train.set]\nm = 0.9\n", "");
    for (name, message, help) in [
        ("heavy_bal", "there is no optimizer `heavy_bal`", "did you mean `heavy_ball`"),
        ("none.bea", "there is no file", "give the path of a `.bea` file"),
        ("two.bea", "two.bea holds 2 optimizers", "two.bea:a`"),
        ("broken.bea", "unknown name `q`", ""),
        ("still.bea", "evaluates no gradient", "theta' = theta + h*f(theta)"),
        ("simultaneous_gda", "is a game of the players x, y", "`bea flow` simulates games"),
        ("minibatch2", "has the vector fields f1, f2", "one loss a field"),
        ("implicit_euler", "its steps are implicit", "`bea flow` solves implicit steps"),
        ("heavy_ball", "`heavy_ball` needs a value of `m`", "--set train.set.m=0.9"),
        (
            "torch_sgd",
            "needs a value of `momentum`, `dampening`",
            "[train.set] with momentum = 0.9",
        ),
    ] {
        let shown = fault(&named(name), &[]);
        assert!(shown.contains(message) && shown.contains(help), "{name}: {shown}");
        let lone = name.ends_with(".bea")
            && name != "none.bea"
            && name != "two.bea"
            && name != "still.bea";
        assert_eq!(shown.contains("test.toml"), !lone, "{name}: {shown}");
    }
    let shown = fault(&IRIS.replace("OPTIMIZER", "heavy_ball"), &["train.set.mu = 0.9"]);
    assert!(
        shown.contains("`heavy_ball` has no parameter `mu`") && shown.contains("`m`"),
        "{shown}"
    );
    let shown = fault(&IRIS.replace("OPTIMIZER", "heavy_ball"), &["train.set.m = true"]);
    assert!(shown.contains("`m` must be a number"), "{shown}");
    let shown = fault(&IRIS.replace("OPTIMIZER", "heavy_ball"), &["train.momentum = 0.9"]);
    assert!(
        shown.contains("is no key beside `optimizer`") && shown.contains("[train.set]"),
        "{shown}"
    );
    let both =
        IRIS.replace("OPTIMIZER", "heavy_ball").replace("lr = 0.05", "method = \"gd\"\nlr = 0.05");
    assert!(fault(&both, &[]).contains("`optimizer` stands beside `method`"));
    let gd = IRIS.replace("optimizer = \"OPTIMIZER\"", "method = \"gd\"");
    assert!(fault(&gd, &[]).contains("`set` is no key of the method `gd`"));
    // What is set on top of a description may name another optimizer, or a method, than the description.
    let over = |set: &[&str]| {
        let set: Vec<Source> = set.iter().map(|text| Source::new("--set", *text)).collect();
        let text = IRIS.replace("OPTIMIZER", "heavy_ball");
        let runs =
            Experiment::parse(Source::new(&*place, text), Scale::Small, &set).unwrap().runs();
        runs.unwrap().remove(0).resolved
    };
    assert!(over(&["train.set.m = 0.5"]).contains("set = { m = 0.5 }"));
    assert!(over(&["train.method = \"gd\""]).contains("method = \"gd\""));
    let other = over(&[
        "train.optimizer = \"aggregated_momentum\"",
        "train.set.a = 0.5",
        "train.set.b = 0",
    ]);
    assert!(other.contains("set = { a = 0.5, b = 0 }"), "{other}");
}

/// Metrics compare a step with the flow of the optimizer that makes it, once its buffers have settled.
#[test]
fn metrics_compare_with_the_flow_of_the_optimizer_that_trains() {
    let metrics = "[measure]\nmetrics = [\"loss\", \"error:ngf\", \"error:order:2\", \"error:pf\", \"drift\", \
                   \"drift_estimate\", \"sc:1\", \"lambda\", \"along:1\", \"prediction\"]\n";
    let text = IRIS
        .replace("OPTIMIZER", "heavy_ball")
        .replace("m = 0.9", "m = 0.5")
        .replace("\nlr_changes = [[10, 0.02], [17, 0.07]]", "")
        .replace("steps = 24", "steps = 40")
        + metrics;
    let run = finished(&text);
    let at = |name: &str| run.metrics().column(name).unwrap()[38];
    assert!(at("error_order_2") < 0.05 * at("error_ngf"), "{}", run.metrics().csv());
    assert!(at("error_pf") < 0.05 * at("error_ngf"), "{}", run.metrics().csv());
    // The leading term is 1/(1-m) times the negative gradient flow, and the next one says how far that is.
    assert!(at("drift") < at("error_ngf"));
    assert!((at("drift") / at("drift_estimate") - 1.0).abs() < 0.3, "{}", run.metrics().csv());
    // r² - (1+m-z) r + m = 0: beyond z = (1-√m)² the roots are complex, of modulus √m.
    let (z, m): (f64, f64) = (0.05 * at("lambda_0"), 0.5);
    let half = (1.0 + m - z) / 2.0;
    assert!(half * half < m, "hλ = {z}");
    let root = Complex64::new(half, (m - half * half).sqrt());
    let (along, expected) = (at("along_0"), root.ln() / z * at("along_0"));
    let found = Complex64::new(at("sc_0_re"), at("sc_0_im"));
    assert!((found.re - expected.re).abs() < 1e-9 * found.norm(), "{found} {expected} at hλ = {z}");
    // Either root is a branch there.
    assert!((found.im.abs() - expected.im).abs() < 1e-9 * found.norm(), "{found} {expected}");
    assert!((at("prediction_pf").abs() - root.re * along).abs() < 1e-9 * along);
}

/// A loss and the penalty `λ/2 θᵀθ`, as one loss.
struct Penalised(NetworkLoss, f64);

impl<S: Scalar> Objective<S> for Penalised
where
    NetworkLoss: Objective<S>,
{
    fn dimension(&self) -> usize {
        Objective::<S>::dimension(&self.0)
    }

    fn value_and_gradient(&self, x: &[S], gradient: &mut [S]) -> Result<S, ObjectiveError> {
        let value = self.0.value_and_gradient(x, gradient)?;
        let lambda = S::of_complex(self.1.into());
        gradient.iter_mut().zip(x).for_each(|(g, &x)| *g += lambda * x);
        Ok(value
            + x.iter().fold(S::zero(), |sum, &x| sum + lambda * x * x) * S::of_complex(0.5.into()))
    }

    fn max_directions(&self) -> usize {
        2
    }

    fn contraction(&self, x: &[S], v: &[&[S]], out: &mut [S]) -> Result<(), ObjectiveError> {
        Objective::<S>::contraction(&self.0, x, v, out)?;
        if let [v] = v {
            let lambda = S::of_complex(self.1.into());
            out.iter_mut().zip(*v).for_each(|(out, &v)| *out += lambda * v);
        }
        Ok(())
    }

    fn complex(&self) -> Option<&dyn Objective<Complex64>> {
        Some(self)
    }
}

/// With weight decay the flow is that of the loss and its penalty, and the metrics are of that flow.
#[test]
fn weight_decay_is_part_of_the_flow() {
    let (h, decay) = (0.05, 0.25);
    let metrics = "[measure]\nmetrics = [\"loss\", \"error:ngf\", \"error:order:2\", \"error:pf\", \
                   \"flow_loss:order:2\", \"drift\", \"drift_estimate\", \"sc:1\", \"lambda\", \"along:1\", \
                   \"prediction\"]\n[follow]\nfrom = [12]\nsteps = 2\nflows = [\"order:2\"]\n";
    let values = "momentum = 0.5\ndampening = 0\nweight_decay = 0.25\nnesterov = 0";
    let text = IRIS
        .replace("OPTIMIZER", "torch_sgd")
        .replace("m = 0.9", values)
        .replace("\nlr_changes = [[10, 0.02], [17, 0.07]]", "")
        .replace("steps = 24", "steps = 14")
        + metrics;
    let mut run = Run::new(configs(&text).remove(0)).unwrap();
    let mut iterates = Vec::new();
    while run.end().is_none() {
        iterates.push(run.state().theta.clone());
        run.advance(&|| false).unwrap();
    }
    let half = [("m".to_string(), parse_value("1/2").unwrap())].into();
    let program = optimizer::find("heavy_ball").unwrap().program(&half).unwrap();
    let penalised = || Penalised(run.loss().clone(), decay);
    let problem = Problem::new(penalised());
    let step = 12;
    let (theta, next) = (&iterates[step], &iterates[step + 1]);
    let at = |name: &str| run.metrics().column(name).unwrap()[step];
    let near = |name: &str, expected: f64, digits: f64| {
        assert!(
            (at(name) - expected).abs() < digits * expected.abs(),
            "{name} {} {expected}",
            at(name)
        );
    };
    // torch_sgd keeps v without the factor h, so that it is the heavy ball of the penalised loss.
    let flows = vec![FlowName::NegativeGradient, FlowName::Order(2), FlowName::Principal];
    let request = Request { lr: h, steps: 1, flows, rtol: 1e-8, atol: 1e-10, ..Request::default() };
    let simulated = simulate(&problem, "heavy_ball", &program, theta, &request).unwrap();
    for (name, flow) in ["ngf", "order_2", "pf"].iter().zip(&simulated.flows) {
        assert!(flow.note.is_none(), "{name}: {:?}", flow.note);
        let square = |(z, x): (&Complex64, &f64)| (z - x).norm_sqr();
        let distance = flow.theta[1].iter().zip(next).map(square).sum::<f64>().sqrt();
        near(&format!("error_{name}"), distance, 1e-4);
    }
    let real: Vec<f64> = simulated.flows[1].theta[1].iter().map(|z| z.re).collect();
    near("flow_loss_order_2", run.loss().loss(&real).unwrap(), 1e-7);
    near("loss", run.loss().loss(theta).unwrap(), 1e-12);
    let mut gradient = vec![0.0; theta.len()];
    penalised().value_and_gradient(theta, &mut gradient).unwrap();
    let pair = bea::spectrum(&penalised(), theta).unwrap().top(1).unwrap().remove(0);
    near("lambda_0", pair.value - decay, 1e-8);
    let dot = |a: &[f64]| a.iter().zip(&pair.vector).map(|(a, u)| a * u).sum::<f64>().abs();
    let plain = run.loss().gradient(theta).unwrap().1;
    // The eigenvector of a run has three digits.
    near("along_0", dot(&plain), 1e-3);
    let (z, along) = (h * pair.value, dot(&gradient));
    // The larger root of r² - (1+m-z) r + m, real or on the circle √m.
    let half = Complex64::from((1.5 - z) / 2.0);
    let root = half + (half * half - 0.5).sqrt();
    let expected = root.ln() / z * along;
    let found = Complex64::new(at("sc_0_re"), at("sc_0_im").abs());
    assert!((found - Complex64::new(expected.re, expected.im.abs())).norm() < 1e-3 * found.norm());
    near("prediction_pf", root.re * along, 1e-3);
    let mut after = vec![0.0; theta.len()];
    penalised().value_and_gradient(next, &mut after).unwrap();
    near("prediction_actual", dot(&after), 1e-3);
    let mut product = vec![0.0; theta.len()];
    penalised().contraction(theta, &[&gradient], &mut product).unwrap();
    let size = product.iter().map(|x| x * x).sum::<f64>().sqrt();
    // -(1+m)/(2(1-m)³) = -6
    near("drift_estimate", 6.0 * h * h * size, 1e-8);
    // What is followed has the loss of the network.
    let rows = &run.follow().unwrap().rows;
    let losses = run.metrics().column("loss").unwrap();
    for row in rows.iter().filter(|row| row[3] == 0.0) {
        assert!((row[5] - losses[(row[0] + row[1]) as usize]).abs() < 1e-12);
    }
}

/// Decoupled weight decay beside a buffer that starts settled: the flow of order `n` is `O(h^(n+2))` from one step.
#[test]
fn flows_of_unlike_fields_have_their_order_from_settled_buffers() {
    let folder = tempfile::tempdir().unwrap();
    let text = optimizer::find("decoupled_weight_decay_heavy_ball").unwrap().to_string();
    let text = text.replace("state v", "state v = settled");
    std::fs::write(folder.path().join("settled.bea"), text).unwrap();
    let place = folder.path().join("test.toml").display().to_string();
    let error = |h: f64, metric: &str| {
        let text = IRIS
            .replace("OPTIMIZER", "settled.bea")
            .replace("m = 0.9", "m = 0.5\nlambda = 0.25")
            .replace("lr_changes = [[10, 0.02], [17, 0.07]]", "")
            .replace("lr = 0.05", &format!("lr = {h}"))
            .replace("steps = 24", "steps = 1")
            + &format!(
                "[measure]\nmetrics = [\"{metric}\"]\n[flows]\nrtol = 1e-13\natol = 1e-14\n"
            );
        let runs = Experiment::parse(Source::new(&*place, text), Scale::Small, &[]).unwrap();
        let mut run =
            Run::new(runs.runs().unwrap().remove(0)).map_err(|error| error.to_string())?;
        run.advance(&|| false).map_err(|error| error.to_string())?;
        Ok::<f64, String>(run.metrics().rows[0][1])
    };
    for n in 0..3 {
        let metric = format!("error:order:{n}");
        let (coarse, fine) = (error(0.001, &metric).unwrap(), error(0.0005, &metric).unwrap());
        let slope = (coarse / fine).log2();
        assert!((slope - (n + 2) as f64).abs() < 0.15, "order {n}: {slope}");
    }
    for metric in ["sc:1", "prediction", "drift_estimate", "third"] {
        let shown = error(0.01, metric).unwrap_err().to_string();
        assert!(
            shown.contains("does not treat the gradient and the weight decay alike"),
            "{shown}"
        );
    }
    let shown = error(0.01, "error:pf").unwrap_err();
    assert!(shown.contains("does not treat them alike"), "{shown}");
}

/// A flow that is followed starts with the buffers that the run has there, and its optimizer is the run.
#[test]
fn followed_flows_go_on_with_the_buffers_of_the_run() {
    let text = IRIS
        .replace("OPTIMIZER", "heavy_ball")
        .replace("m = 0.9", "m = 0.5")
        .replace("\nlr_changes = [[10, 0.02], [17, 0.07]]", "")
        + "[follow]\nfrom = [0, 15]\nsteps = 3\nflows = [\"gd\", \"order:2\"]\n";
    let run = finished(&text);
    let losses = run.metrics().column("loss").unwrap();
    let rows = &run.follow().unwrap().rows;
    for row in rows.iter().filter(|row| row[3] == 0.0) {
        assert!((row[5] - losses[(row[0] + row[1]) as usize]).abs() < 1e-12);
    }
    let end = |flow: f64| rows.iter().find(|r| r[..2] == [15.0, 3.0] && r[3] == flow).unwrap()[4];
    assert!(end(2.0) < 0.1 * end(1.0), "{} {}", end(2.0), end(1.0));
}
