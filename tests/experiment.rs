//! Runs of experiments: resumed runs equal uninterrupted ones, measurements equal those made by hand.

use bea::experiment::run::End;
use bea::experiment::{Config, Existing, Experiment, Run, Scale, conduct, sweep};
use bea::flow::{Problem, Request, simulate};
use bea::network::data;
use bea::network::device::Device;
use bea::network::{Hessian, NetworkLoss};
use bea::source::Source;
use bea::training::norm;
use std::sync::atomic::{AtomicUsize, Ordering};

const IRIS: &str = r#"
network = "mlp:6,tanh"
data = "iris"
dtype = "f64"
seed = 3
[train]
method = "gd"
lr = 0.2
steps = 12
[measure]
metrics = ["loss", "lambda:2", "sc:1", "gradient_norm", "update_norm", "learning_rate"]
"#;

fn configs(text: &str) -> Vec<Config> {
    let source = Source::new("test.toml", text);
    Experiment::parse(source, Scale::Small, &[]).unwrap().runs().unwrap()
}

fn finished(text: &str) -> Run {
    let mut run = Run::new(configs(text).remove(0)).unwrap();
    while run.end().is_none() {
        run.advance(&|| false).unwrap();
    }
    run
}

fn column(run: &Run, name: &str) -> Vec<f64> {
    run.metrics().column(name).unwrap_or_else(|| panic!("no column {name}"))
}

fn loss_of(run: &Run) -> NetworkLoss {
    let set = data::open(run.config().data.as_deref().expect("the file names data")).unwrap();
    let architecture = run.config().architecture(&set).unwrap();
    NetworkLoss::new(architecture, &set, &Device::find("cpu").unwrap()).unwrap()
}

fn with(text: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(text.to_string(), |text, (old, new)| {
        assert!(text.contains(old), "{old}");
        text.replace(old, new)
    })
}

/// Cancelled after so many questions.
fn after(questions: usize) -> impl Fn() -> bool + Sync {
    let left = AtomicUsize::new(questions);
    move || left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_err()
}

#[test]
fn a_run_that_was_interrupted_anywhere_equals_one_that_was_not() {
    let follow = "[follow]\nfrom = [2, 7]\nsteps = 2\nflows = [\"ngf\", \"igr\"]\n";
    let errors = ("\"learning_rate\"]", "\"learning_rate\", \"error:ngf\", \"drift_estimate\"]");
    let full = with(IRIS, &[errors, ("steps = 12", "steps = 9")]) + follow;
    let cases = [
        full.clone(),
        with(
            IRIS,
            &[
                ("f64", "f32"),
                ("\"gd\"", "\"adam\""),
                ("\"sc:1\"", "\"along:1\""),
                ("steps = 12", "steps = 12\nbatch = 50"),
            ],
        ),
        with(IRIS, &[("\"gd\"", "\"heavy_ball\""), ("[measure]", "[measure]\nevery = 4")]),
        with(
            IRIS,
            &[("\"gd\"", "\"dal\"\nmomentum = 0.5\ndifference = \"previous\""), ("lr = 0.2\n", "")],
        ),
    ];
    for text in cases {
        let folder = tempfile::tempdir().unwrap();
        let config = configs(&text).remove(0);
        let whole =
            conduct(config.clone(), &folder.path().join("a"), Existing::Refuse, 0, &|| false);
        let whole = whole.unwrap();
        assert_eq!(whole.end, Some(End::Finished));
        let place = folder.path().join("b");
        let mut parts = 0;
        let pieces = loop {
            // Stops at other places every time, amid measurements too.
            let mode = if parts == 0 { Existing::Refuse } else { Existing::Resume };
            let stop = after(5 + 37 * parts);
            let part = conduct(config.clone(), &place, mode, 0, &stop).unwrap();
            parts += 1;
            if part.end.is_some() {
                break part;
            }
        };
        assert!(parts > 1, "it was never interrupted");
        for name in ["metrics.csv", "weights.safetensors", "config.toml"] {
            let read = |run: &str| std::fs::read(folder.path().join(run).join(name)).unwrap();
            assert_eq!(read("a"), read("b"), "{name} after {parts} parts");
        }
        let table = |outcome: &bea::experiment::Outcome| outcome.follow.as_ref().map(|t| t.csv());
        assert_eq!(table(&whole), table(&pieces));
        let again = conduct(config, &place, Existing::Refuse, 0, &|| false);
        assert!(again.unwrap_err().to_string().contains("holds a run already"));
    }
}

#[test]
fn a_checkpoint_of_another_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let run = |text: &str, mode| {
        conduct(configs(text).remove(0), folder.path(), mode, 0, &|| false).map(|_| ())
    };
    run(IRIS, Existing::Refuse).unwrap();
    let other = with(IRIS, &[("lr = 0.2", "lr = 0.3")]);
    let message = run(&other, Existing::Resume).unwrap_err().to_string();
    assert_eq!(message, "the checkpoint is of another run: `lr = 0.2` there, `lr = 0.3` here");
    let wider = with(IRIS, &[("mlp:6", "mlp:7")]);
    let message = run(&wider, Existing::Resume).unwrap_err().to_string();
    assert!(message.contains("51 parameters, the network 59"), "{message}");
    let checkpoint = folder.path().join("checkpoint.safetensors");
    let bytes = std::fs::read(&checkpoint).unwrap();
    std::fs::write(&checkpoint, &bytes[..bytes.len() / 2]).unwrap();
    let message = run(IRIS, Existing::Resume).unwrap_err().to_string();
    assert!(message.contains("no checkpoint, or a damaged one"), "{message}");
}

#[test]
fn a_folder_in_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let lock = std::fs::File::create(folder.path().join("lock")).unwrap();
    lock.lock().unwrap();
    let error = conduct(configs(IRIS).remove(0), folder.path(), Existing::Refuse, 0, &|| false);
    assert!(error.unwrap_err().to_string().starts_with("another run writes to"));
}

/// The iterates of gradient descent, heavy ball and Nesterov are those of the optimizer language.
#[test]
fn training_steps_are_those_of_the_optimizer_library() {
    for (method, optimizer) in
        [("gd", "gradient_descent"), ("heavy_ball", "heavy_ball"), ("nesterov", "nesterov")]
    {
        let momentum = if method == "gd" { "" } else { "\nmomentum = 0.9" };
        let text = with(IRIS, &[("\"gd\"", &format!("\"{method}\"{momentum}"))]);
        let run = finished(&text);
        let loss = loss_of(&run);
        let start = Run::new(configs(&text).remove(0)).unwrap().state().theta.clone();
        let m = num_rational::BigRational::new(9.into(), 10.into());
        let settings = match method {
            "gd" => Default::default(),
            _ => [("m".to_string(), m)].into_iter().collect(),
        };
        let method = bea::optimizer::find(optimizer).unwrap().method(&settings).unwrap();
        let request = Request { lr: 0.2, steps: 12, ..Request::default() };
        let simulated =
            simulate(&Problem::new(loss), optimizer, &method, &start, &request).unwrap();
        let last: Vec<f64> = simulated.optimizer.theta[12].iter().map(|z| z.re).collect();
        let difference: Vec<f64> =
            last.iter().zip(&run.state().theta).map(|(a, b)| a - b).collect();
        assert!(norm(&difference) < 1e-12 * norm(&last), "{optimizer}: {}", norm(&difference));
    }
}

/// Adam's first step is `h sign(g)` up to ε, whatever the gradient.
#[test]
fn the_first_step_of_adam_has_the_size_of_its_learning_rate() {
    let text = with(
        IRIS,
        &[
            ("\"gd\"", "\"adam\"\nepsilon = 1e-14"),
            ("\"sc:1\"", "\"along:1\""),
            ("steps = 12", "steps = 1"),
        ],
    );
    let start = Run::new(configs(&text).remove(0)).unwrap().state().theta.clone();
    let run = finished(&text);
    let (_, gradient) = loss_of(&run).gradient(&start).unwrap();
    for ((after, before), g) in run.state().theta.iter().zip(&start).zip(&gradient) {
        assert!((after - before + 0.2 * g.signum()).abs() < 1e-6, "{after} {before} {g}");
    }
}

#[test]
fn drift_adjusted_rates_are_two_over_the_hessian_along_the_gradient() {
    for p in [0.25, 0.5, 0.75, 1.0] {
        let dal = format!("\"dal\"\np = {p}\ncap = 50");
        let text = with(
            IRIS,
            &[("\"gd\"", dal.as_str()), ("lr = 0.2\n", ""), ("steps = 12", "steps = 8")],
        );
        let text = with(&text, &[("\"learning_rate\"]", "\"learning_rate\", \"hg\"]")]);
        let run = finished(&text);
        let (rates, products, sizes) =
            (column(&run, "learning_rate"), column(&run, "hg"), column(&run, "gradient_norm"));
        for step in 0..8 {
            let drift = products[step] / sizes[step];
            let product = rates[step] * drift.powf(p);
            assert!(
                rates[step] < 50.0 && (product - 2.0).abs() < 1e-5,
                "p = {p}, {step}: {product}"
            );
        }
        let capped = finished(&with(&text, &[("cap = 50", "cap = 0.01")]));
        assert!(column(&capped, "learning_rate")[..8].iter().all(|h| *h == 0.01));
    }
    // With momentum a quarter of that, per parameter 2/|(Hg)_i|.
    let text = with(IRIS, &[("\"gd\"", "\"dal\"\nmomentum = 0.9"), ("lr = 0.2\n", "")]);
    let run = finished(&with(&text, &[("\"learning_rate\"]", "\"learning_rate\", \"hg\"]")]));
    let drift = column(&run, "hg")[0] / column(&run, "gradient_norm")[0];
    assert!((column(&run, "learning_rate")[0] * drift - 0.5).abs() < 1e-12);
}

#[test]
fn the_difference_approximates_the_product() {
    let rates = |product: &str| {
        let dal = format!("\"dal\"{product}");
        let text = with(
            IRIS,
            &[("\"gd\"", dal.as_str()), ("lr = 0.2\n", ""), ("steps = 12", "steps = 3")],
        );
        column(&finished(&text), "learning_rate")
    };
    let (exact, far, near) =
        (rates(""), rates("\ndifference = 1e-2"), rates("\ndifference = 1e-6"));
    assert_ne!(exact[0], far[0]);
    assert!((exact[0] - near[0]).abs() < 1e-5 * exact[0]);
}

/// `2/(‖g - g₋‖/‖θ - θ₋‖)^p` from two iterates and their gradients, with one gradient a step after the first one.
#[test]
fn the_difference_of_the_last_step_costs_nothing() {
    use bea::network::training::{Adjusted, Dal, DalIteration, Product, Rule, State};
    // E = 3x²/2 + y²/8 + x⁴/4
    let slope = |x: &[f64]| [3.0 * x[0] + x[0].powi(3), x[1] / 4.0];
    for (momentum, numerator) in [(0.0, 2.0), (0.5, 0.5)] {
        let (gradients, products) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let loss = bea::objective(2)
            .gradient(|x, g| {
                gradients.fetch_add(1, Ordering::SeqCst);
                g.copy_from_slice(&slope(x));
                1.5 * x[0] * x[0] + x[1] * x[1] / 8.0 + x[0].powi(4) / 4.0
            })
            .hessian_vector(|x, v, out| {
                products.fetch_add(1, Ordering::SeqCst);
                out.copy_from_slice(&[(3.0 + 3.0 * x[0] * x[0]) * v[0], v[1] / 4.0]);
            });
        let dal = Dal { power: 0.75, cap: 50.0, product: Product::Previous };
        let of = match momentum {
            0.0 => Adjusted::Step,
            momentum => Adjusted::HeavyBall { momentum },
        };
        let rule = Rule::Dal(Box::new(DalIteration::new(dal, of).unwrap()));
        let mut state = State::new(vec![0.4, 1.0]);
        let exact = Dal { product: Product::Exact, ..dal };
        let first = exact.step(&loss, &state.theta).unwrap().learning_rate;
        let count = || (gradients.load(Ordering::SeqCst), products.load(Ordering::SeqCst));
        let counted = count();
        let mut expected = vec![(vec![0.4, 1.0], first * numerator / 2.0)];
        let mut velocity = [0.0; 2];
        for n in 0..12 {
            let (theta, rate) = expected[n].clone();
            let step = rule.step(&loss, &mut state).unwrap();
            assert!((step.learning_rate / rate - 1.0).abs() < 1e-12, "{n}: {step:?} {rate}");
            let g = slope(&theta);
            let next: Vec<f64> = (0..2)
                .map(|i| {
                    velocity[i] = momentum * velocity[i] - rate * g[i];
                    theta[i] + velocity[i]
                })
                .collect();
            let length = |x: [f64; 2]| x[0].hypot(x[1]);
            let (a, b) = (slope(&next), g);
            let ratio = length([a[0] - b[0], a[1] - b[1]])
                / length([next[0] - theta[0], next[1] - theta[1]]);
            expected.push((next, numerator / ratio.powf(0.75)));
        }
        let found = (count().0 - counted.0, count().1 - counted.1);
        assert_eq!(found, (12, 1), "a gradient a step, and one product for the first");
    }
}

/// In descriptions: near the exact product, and refused where there is no difference for each parameter.
#[test]
fn dal_takes_the_difference_of_the_last_step() {
    let run =
        |keys: &str| with(IRIS, &[("\"gd\"", &format!("\"dal\"\n{keys}")), ("lr = 0.2\n", "")]);
    for momentum in ["", "\nmomentum = 0.9"] {
        let rates = |difference: &str| {
            column(
                &finished(&run(&format!("p = 0.5\ncap = 50{momentum}{difference}"))),
                "learning_rate",
            )
        };
        let (exact, previous) = (rates(""), rates("\ndifference = \"previous\""));
        assert_eq!(exact[0], previous[0]);
        assert_ne!(exact[1], previous[1]);
        assert!((previous[1] / exact[1]).ln().abs() < 1.0, "{exact:?} {previous:?}");
    }
    let fault = |text: &str| {
        let error = Experiment::parse(Source::new("test.toml", text), Scale::Small, &[])
            .and_then(|experiment| experiment.runs());
        format!("{:?}", miette::Report::new(error.unwrap_err()))
    };
    let text = fault(&run("difference = \"last\""));
    assert!(text.contains("must be positive, or \"previous\""), "{text}");
    let each = run("difference = \"previous\"").replace("\"dal\"", "\"dal_per_parameter\"");
    let text = fault(&each);
    assert!(text.contains("must be a number"), "{text}");
    let layers = run("difference = \"previous\"").replace("\"dal\"", "\"dal_per_layer\"");
    let text = fault(&layers);
    assert!(text.contains("\"previous\" is for `dal`"), "{text}");
}

/// Data to test with that no network fits beside those to train on are refused by the description, before any run begins.
#[test]
fn test_data_of_another_kind_are_refused() {
    let runs = |test: &str| {
        let text = IRIS.replace("data = \"iris", &format!("test = \"{test}\"\ndata = \"iris"));
        assert!(text.contains(test));
        let parsed = Experiment::parse(Source::new("test.toml", text), Scale::Small, &[]);
        parsed.and_then(|experiment| experiment.runs())
    };
    let error = format!("{:?}", miette::Report::new(runs("mnist:there,split=test").unwrap_err()));
    assert!(error.contains("`test` is of mnist") && error.contains("`data` of iris"), "{error}");
    assert!(runs("iris,first=3").is_ok() && runs("own.csv").is_ok());
}

#[test]
fn measurements_are_what_they_say() {
    let metrics = "metrics = [\"loss\", \"accuracy\", \"lambda:3\", \"sc:2\", \"along:2\", \"eigenvalues\", \
        \"hg\", \"drift\", \"drift_estimate\", \"third\", \"prediction\", \"relative_progress\", \
        \"error:igr\", \"loss_error:igr\", \"flow_loss:ngf\", \"flow_lambda:ngf\", \"update_norm\"]\n";
    let text = with(IRIS, &[("steps = 12", "steps = 1")]);
    let text = format!("{}{metrics}", &text[..text.find("metrics").unwrap()]);
    let start = Run::new(configs(&text).remove(0)).unwrap().state().theta.clone();
    let run = finished(&text);
    let loss = loss_of(&run);
    let at = |name: &str| column(&run, name)[0];
    let close = |name: &str, expected: f64, tolerance: f64| {
        let found = at(name);
        let near = (found - expected).abs() <= tolerance * expected.abs().max(1e-12);
        assert!(near, "{name}: {found} instead of {expected}");
    };
    let h = 0.2;
    let (value, g) = loss.gradient(&start).unwrap();
    let next: Vec<f64> = start.iter().zip(&g).map(|(x, g)| x - h * g).collect();
    let (next_value, next_g) = loss.gradient(&next).unwrap();
    close("loss", value, 1e-14);
    close("update_norm", h * norm(&g), 1e-13);
    close("relative_progress", (next_value - value) / (h * norm(&g).powi(2)), 1e-9);
    // By central differences of gradients.
    let shifted = |t: f64| {
        let theta: Vec<f64> = start.iter().zip(&g).map(|(x, g)| x + t * g).collect();
        loss.gradient(&theta).unwrap().1
    };
    let t = 1e-4;
    let (up, down) = (shifted(t), shifted(-t));
    let first: Vec<f64> = up.iter().zip(&down).map(|(a, b)| (a - b) / (2.0 * t)).collect();
    let second: Vec<f64> = (0..g.len()).map(|i| (up[i] - 2.0 * g[i] + down[i]) / (t * t)).collect();
    close("hg", norm(&first), 1e-6);
    close("drift_estimate", h * h / 2.0 * norm(&first), 1e-6);
    close("third", h * h / 12.0 * norm(&second), 1e-4);
    // By the full eigendecomposition.
    let (values, vectors) = bea::curvature::eigenvalues(&Hessian::new(&loss, &start)).unwrap();
    for (k, expected) in values.iter().take(3).enumerate() {
        close(&format!("lambda_{k}"), *expected, 1e-6);
    }
    for (k, expected) in values.iter().enumerate() {
        close(&format!("eigenvalue_{k}"), *expected, 1e-9);
    }
    let dot = |a: &[f64], k: usize| {
        a.iter().zip(vectors.column(k).iter()).map(|(a, u)| a * u).sum::<f64>()
    };
    close("along_0", dot(&g, 0).abs(), 1e-4);
    let z = h * values[0];
    close("sc_0_re", (1.0 - z).abs().ln() / z * dot(&g, 0).abs(), 1e-3);
    close("prediction_actual", dot(&next_g, 0) * dot(&g, 0).signum(), 1e-4);
    close("prediction_pf", (1.0 - z) * dot(&g, 0).abs(), 1e-4);
    close("prediction_ngf", (-z).exp() * dot(&g, 0).abs(), 1e-4);
    close("prediction_igr", (-z - z * z / 2.0).exp() * dot(&g, 0).abs(), 1e-4);
    // The flows by Euler's method with many steps, extrapolated.
    let euler = |steps: usize, igr: bool| -> Vec<f64> {
        let dt = h / steps as f64;
        let mut theta = start.clone();
        for _ in 0..steps {
            let (_, g) = loss.gradient(&theta).unwrap();
            let mut v: Vec<f64> = g.iter().map(|g| -g).collect();
            if igr {
                let product = loss.hessian_vectors(&theta, &[&g]).unwrap().remove(0);
                v.iter_mut().zip(&product).for_each(|(v, p)| *v -= h / 2.0 * p);
            }
            theta.iter_mut().zip(&v).for_each(|(x, v)| *x += dt * v);
        }
        theta
    };
    let extrapolated = |igr| -> Vec<f64> {
        let (coarse, fine) = (euler(400, igr), euler(800, igr));
        coarse.iter().zip(&fine).map(|(c, f)| 2.0 * f - c).collect()
    };
    let distance = |a: &[f64]| {
        let difference: Vec<f64> = a.iter().zip(&next).map(|(a, b)| a - b).collect();
        norm(&difference)
    };
    let (ngf, igr) = (extrapolated(false), extrapolated(true));
    close("drift", distance(&ngf), 1e-4);
    close("error_igr", distance(&igr), 1e-3);
    close("flow_loss_ngf", loss.loss(&ngf).unwrap(), 1e-8);
    close("loss_error_igr", next_value - loss.loss(&igr).unwrap(), 1e-3);
    let (there, _) = bea::curvature::eigenvalues(&Hessian::new(&loss, &ngf)).unwrap();
    close("flow_lambda_ngf", there[0], 1e-5);
    // Without the network: the accuracy of a softmax is that of its largest output.
    assert!((0.0..=1.0).contains(&at("accuracy")) && (at("accuracy") * 150.0).fract() < 1e-9);
}

#[test]
fn followed_flows_start_at_the_iterate_and_gradient_descent_is_the_training() {
    let follow =
        "[follow]\nfrom = [0, 4]\nsteps = 3\nflows = [\"ngf\", \"pf\"]\nsharpness = true\n";
    let run = finished(&(with(IRIS, &[("lr = 0.2", "lr = 0.02")]) + follow));
    let table = run.follow().unwrap();
    let losses = column(&run, "loss");
    let sharpness = column(&run, "lambda_0");
    let mut seen = 0;
    for row in &table.rows {
        let (from, step, flow) = (row[0] as usize, row[1] as usize, row[3] as usize);
        assert!((row[2] - 0.02 * step as f64).abs() < 1e-12);
        if flow == 0 {
            assert_eq!(row[4], 0.0);
            assert!((row[5] - losses[from + step]).abs() < 1e-12);
            assert!((row[6] - sharpness[from + step]).abs() < 1e-5);
            seen += 1;
        }
        if step > 0 && flow == 1 {
            let pf = table.rows.iter().find(|r| r[..2] == row[..2] && r[3] == 2.0).unwrap();
            assert!(pf[4] < 0.5 * row[4], "the principal flow is nearer: {} {}", pf[4], row[4]);
        }
    }
    assert_eq!((seen, table.rows.len()), (8, 24));
}

#[test]
fn a_diverging_run_says_where_and_the_sweep_goes_on() {
    let grid = "[grid]\ntrain.lr = [0.1, 1e200]\nseed = [0, 1]\n";
    let folder = tempfile::tempdir().unwrap();
    let outcomes =
        sweep(configs(&(IRIS.to_string() + grid)), folder.path(), Existing::Refuse, 2, &|| false);
    let outcomes = outcomes.unwrap();
    let labels: Vec<&str> = outcomes.iter().map(|o| o.config.label.as_str()).collect();
    assert_eq!(
        labels,
        ["seed=0, lr=0.1", "seed=0, lr=1e200", "seed=1, lr=0.1", "seed=1, lr=1e200"]
    );
    for (i, outcome) in outcomes.iter().enumerate() {
        match &outcome.end {
            Some(End::Finished) => assert_eq!(i % 2, 0),
            Some(End::Diverged { step, .. }) => assert!(i % 2 == 1 && *step <= 2, "{step}"),
            None => panic!("not interrupted"),
        }
        let alone = finished(&outcome.config.resolved);
        assert_eq!(
            alone.metrics().csv(),
            outcome.metrics.csv(),
            "the resolved description is the run"
        );
    }
    assert!(folder.path().join("02-seed=0-lr=1e200").is_dir());
}

#[test]
fn learning_rates_change_when_they_are_told_to() {
    let text = with(IRIS, &[("lr = 0.2", "lr = 0.2\nlr_changes = [[5, 0.1], [8, 0.05]]")]);
    let rates = column(&finished(&text), "learning_rate");
    assert_eq!(rates[..12], [0.2, 0.2, 0.2, 0.2, 0.2, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05]);
}

#[test]
fn faults_are_shown_in_their_place() {
    let fault = |text: &str| {
        let source = Source::new("test.toml", text);
        let error = Experiment::parse(source, Scale::Small, &[]).and_then(|e| e.runs());
        format!("{:?}", miette::Report::new(error.unwrap_err()))
    };
    let cases = [
        (with(IRIS, &[("seed", "sede")]), "has no key `sede`", "did you mean `seed`"),
        (with(IRIS, &[("\"gd\"", "\"gradient\"")]), "there is no method `gradient`", ""),
        (with(IRIS, &[("lr = 0.2", "lr = -1")]), "`lr` must be positive", ""),
        (with(IRIS, &[("lr = 0.2\n", "")]), "needs the key `lr`", "lr = 0.1"),
        (with(IRIS, &[("\"sc:1\"", "\"sx:1\"")]), "there is no metric `sx:1`", "`sc:k`"),
        (with(IRIS, &[("\"sc:1\"", "\"test_loss\"")]), "needs the key `test`", ""),
        (with(IRIS, &[("steps = 12", "steps = 0")]), "`steps` must be an integer from 1", ""),
        (IRIS.to_string() + "[grid]\nseed = 3\n", "must be an array of the values to try", ""),
        (IRIS.to_string() + "[grid]\nseed = [1, -3]\n", "`seed` must be a whole number", ""),
        (IRIS.to_string() + "[paper]\nlearning_rate = 3\n", "no key `learning_rate`", ""),
    ];
    for (text, message, help) in cases {
        let shown = fault(&text);
        let plain: String = shown.replace('\n', " ");
        assert!(plain.contains(message) && plain.contains(help), "{message}: {shown}");
    }
    let numbers = configs(&with(IRIS, &[("\"sc:1\"", "\"eigenvalues\""), ("mlp:6", "mlp:1000")]));
    let error = Run::new(numbers[0].clone()).err().unwrap().to_string();
    assert_eq!(
        error,
        "there is no `eigenvalues` here: the network has 8003 parameters, more than 4096"
    );
    let follow = "[follow]\nsteps = 2\nflows = [\"pf\"]\n";
    let batches = with(IRIS, &[("steps = 12", "steps = 12\nbatch = 10")]) + follow;
    assert!(
        Run::new(configs(&batches).remove(0))
            .err()
            .unwrap()
            .to_string()
            .contains("method = \"gd\"")
    );
    let large = with(IRIS, &[("steps = 12", "steps = 12\nbatch = 151")]);
    let error = Run::new(configs(&large).remove(0)).err().unwrap().to_string();
    assert_eq!(error, "a batch of 151 examples, of 150");
}

#[test]
fn the_papers_size_and_variants_override_the_description() {
    let text = IRIS.to_string()
        + "[paper]\nseed = 9\ntrain.steps = 99\n[[variant]]\nlabel = \"slow\"\ntrain = { lr = 0.01 }\n\
           [[variant]]\nlabel = \"DAL\"\ntrain = { method = \"dal\" }\ngrid = { train.p = [0.5, 1.0] }\n";
    let runs = |scale, set: &[Source]| {
        Experiment::parse(Source::new("t.toml", text.as_str()), scale, set).unwrap().runs().unwrap()
    };
    let small = runs(Scale::Small, &[]);
    let labels: Vec<&str> = small.iter().map(|c| c.label.as_str()).collect();
    assert_eq!(labels, ["slow", "DAL, p=0.5", "DAL, p=1.0"]);
    assert!(small.iter().all(|c| (c.seed, c.steps) == (3, 12)));
    let paper = runs(Scale::Paper, &[Source::new("--set", "seed = 1")]);
    assert!(paper.iter().all(|c| (c.seed, c.steps) == (1, 99)));
    assert!(paper[1].resolved.contains("method = \"dal\"") && !paper[1].resolved.contains("lr ="));
}

#[test]
fn the_papers_size_has_grids_and_variants_of_its_own() {
    let runs = |text: &str, scale| {
        let source = Source::new("t.toml", text);
        Experiment::parse(source, scale, &[]).unwrap().runs()
    };
    let labels = |text: &str, scale| -> Vec<String> {
        runs(text, scale).unwrap().into_iter().map(|config| config.label).collect()
    };
    let grid = IRIS.to_string()
        + "[grid]\nseed = [0, 1]\ntrain.lr = [0.1, 0.2]\n\
           [paper.grid]\ntrain.lr = [0.01]\ntrain.steps = [5, 6]\n";
    assert_eq!(labels(&grid, Scale::Small).len(), 4);
    let paper = labels(&grid, Scale::Paper);
    assert_eq!(paper[0], "seed=0, lr=0.01, steps=5");
    assert_eq!(paper.len(), 4, "the seeds of both, the learning rate of the paper: {paper:?}");
    let variants = IRIS.to_string()
        + "[[variant]]\nlabel = \"a\"\ntrain = { lr = 0.1 }\n[variant.grid]\nseed = [0, 1]\n\
           [[paper.variant]]\nlabel = \"b\"\ntrain = { lr = 0.3 }\n[paper.variant.grid]\nseed = [5]\n\
           [[paper.variant]]\nlabel = \"c\"\n";
    assert_eq!(labels(&variants, Scale::Small), ["a, seed=0", "a, seed=1"]);
    assert_eq!(labels(&variants, Scale::Paper), ["b, seed=5", "c"]);
    let fault = |text: &str| {
        let error = runs(text, Scale::Paper).unwrap_err();
        let shown = format!("{:?}", miette::Report::new(error));
        shown.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
    };
    let hidden = with(&grid, &[("[paper.grid]\n", "[paper]\ntrain.lr = 0.5\n[paper.grid]\n")]);
    let shown = fault(&hidden);
    assert!(shown.contains("`lr` changes nothing: the grid has values of it"), "{shown}");
    assert!(shown.contains("[paper.grid] with `train.lr = [0.5]`"), "{shown}");
    // Each size has its own table, and the other one says nothing there.
    let both = IRIS.to_string()
        + "[medium]\ntrain.steps = 50\n[medium.grid]\nseed = [4, 5]\n[paper]\ntrain.steps = 99\n";
    let of = |scale| -> Vec<(u64, usize)> {
        runs(&both, scale).unwrap().iter().map(|config| (config.seed, config.steps)).collect()
    };
    assert_eq!(of(Scale::Small), [(3, 12)]);
    assert_eq!(of(Scale::Medium), [(4, 50), (5, 50)]);
    assert_eq!(of(Scale::Paper), [(3, 99)]);
    for scale in [Scale::Small, Scale::Medium, Scale::Paper] {
        let wrong = with(&both, &[("[medium]\ntrain.steps", "[medium]\nstepz")]);
        let error = format!("{:?}", miette::Report::new(runs(&wrong, scale).unwrap_err()));
        assert!(error.contains("stepz"), "a fault at every size: {error}");
    }
    // So are keys of tables below those of a size, and of its variants and grids.
    for (text, unknown) in [
        ("[medium.network]\narchitecture = \"mlp\"\nhidden = [5]\nout = 3\nhiden = 4\n", "`hiden`"),
        ("[medium.network]\nlayer = [{ type = \"linear\", out = 3, hiden = 4 }]\n", "`hiden`"),
        ("[medium.train]\nstepz = 3\n", "`stepz`"),
        ("[paper.flows]\nrtoll = 3\n", "`rtoll`"),
        ("[paper.grid]\ntrain.stepz = [3]\n", "`stepz`"),
        ("[[paper.variant]]\nlabel = \"b\"\nfollow = { form = 3 }\n", "`form`"),
        ("[[paper.variant]]\nlabel = \"b\"\n[paper.variant.grid]\nsede = [3]\n", "`sede`"),
    ] {
        let text = IRIS.to_string() + text;
        for scale in [Scale::Small, Scale::Medium, Scale::Paper] {
            let error = format!("{:?}", miette::Report::new(runs(&text, scale).unwrap_err()));
            assert!(error.contains(&format!("has no key {unknown}")), "{scale:?}: {error}");
        }
    }
    let lost = with(
        &variants,
        &[(
            "[[paper.variant]]\nlabel = \"b\"\ntrain = { lr = 0.3 }\n[paper.variant.grid]\nseed = [5]\n[[paper.variant]]\nlabel = \"c\"",
            "[paper.grid]\nseed = [9]",
        )],
    );
    let shown = fault(&lost);
    assert!(shown.contains("`grid` reaches no variant: each has its own"), "{shown}");
    let flat = IRIS.to_string() + "[paper.grid]\nseed = 3\n";
    assert!(fault(&flat).contains("must be an array of the values to try"));
    let single = IRIS.to_string() + "[paper.variant]\nlabel = \"a\"\n";
    assert!(fault(&single).contains("`variant` must be tables, each a variant"));
}

#[test]
fn missing_data_are_asked_for_by_their_key() {
    let text = with(IRIS, &[("\"iris\"", "\"mnist:nowhere,first=9\"")]);
    let error = miette::Report::new(Run::new(configs(&text).remove(0)).err().unwrap());
    assert_eq!(error.to_string(), "there is no file or folder nowhere");
    let help = error.help().unwrap().to_string();
    assert!(help.contains("`--set data=mnist:FOLDER` says where the data are"), "{help}");
    assert!(help.contains("`bea data --help` where to get them"), "{help}");
}

/// A linear model whose steps grow without bound.
const BLOWING_UP: &str = r#"
network = "mlp:5,elu"
data = "breast_cancer"
loss = "mse"
[train]
method = "gd"
lr = 0.1
steps = 3
[measure]
metrics = ["loss"]
"#;

#[test]
fn a_run_that_diverges_with_its_last_step_says_so() {
    let text = BLOWING_UP.to_string();
    // The first step that ends where the loss is not finite becomes the last one of a run.
    let End::Diverged { step, quantity } =
        finished(&with(&text, &[("steps = 3", "steps = 40")])).end().unwrap().clone()
    else {
        panic!("it does not diverge")
    };
    let steps = format!("steps = {step}");
    let run = finished(&with(&text, &[("steps = 3", &steps)]));
    assert_eq!(run.end(), Some(&End::Diverged { step, quantity }), "{}", run.metrics().csv());
    assert!(column(&run, "loss").iter().all(|loss| loss.is_finite()));
    // A resumption says the same.
    let folder = tempfile::tempdir().unwrap();
    let config = configs(&with(&text, &[("steps = 3", &steps)])).remove(0);
    for mode in [Existing::Refuse, Existing::Resume] {
        let outcome = conduct(config.clone(), folder.path(), mode, 0, &|| false).unwrap();
        assert_eq!(outcome.end, Some(End::Diverged { step, quantity }));
    }
}

#[test]
fn flows_that_there_are_not_are_refused() {
    let fault = |changes: &[(&str, &str)], more: &str| {
        let text = with(IRIS, changes) + more;
        Run::new(configs(&text).remove(0)).err().expect(&text).to_string()
    };
    let flip = [("\"learning_rate\"]", "\"error:ngf\", \"error:flip:900\"]")];
    assert_eq!(
        fault(&flip, ""),
        "there is no `error:flip:900` here: the Hessian has 51 eigendirections"
    );
    let follow = |from: &str, flow: &str| {
        format!("[follow]\nfrom = [{from}]\nsteps = 1\nflows = [\"ngf\", \"{flow}\"]\n")
    };
    assert_eq!(
        fault(&[], &follow("0", "flip:900")),
        "there is no flow `flip:900` to follow here: the Hessian has 51 eigendirections"
    );
    let late = fault(&[], &follow("0, 1000", "igr"));
    assert_eq!(late, "no flow starts `from` iterate 1000 of a run of 12 steps");
    assert!(Run::new(configs(&(IRIS.to_string() + &follow("11", "igr"))).remove(0)).is_ok());
    for metric in ["drift", "drift_estimate", "sc:1", "error:pf", "relative_progress"] {
        let method = ("\"gd\"\nlr = 0.2", "\"dal_per_parameter\"");
        let message = fault(&[method, ("\"sc:1\"", &format!("\"{metric}\""))], "");
        assert!(message.starts_with(&format!("there is no `{metric}` here: ")), "{message}");
    }
}

#[test]
fn a_flow_has_the_number_of_its_name() {
    let follow = "[follow]\nfrom = [0]\nsteps = 2\nflows = [\"gd\", \"ngf\"]\n";
    let run = finished(&(IRIS.to_string() + follow));
    let mut numbers = run.follow().unwrap().column("flow").unwrap();
    numbers.dedup();
    assert_eq!(numbers, [0.0, 2.0], "gradient descent is there once, and `ngf` is the second name");
}

#[test]
fn a_run_does_not_go_on_with_another_network_or_other_data_of_the_same_name() {
    let folder = tempfile::tempdir().unwrap();
    let (network, data) = (folder.path().join("net.toml"), folder.path().join("data.csv"));
    let layers = |activation: &str| {
        format!(
            "input = [2]\nloss = \"mean_squared_error\"\n[[layer]]\ntype = \"linear\"\nout = 3\n\
             [[layer]]\ntype = \"{activation}\"\n[[layer]]\ntype = \"linear\"\nout = 1\n"
        )
    };
    std::fs::write(&network, layers("tanh")).unwrap();
    std::fs::write(&data, "a,b,y\n1,2,0.5\n3,4,0.25\n").unwrap();
    let text = format!(
        "network = \"{}\"\ndata = \"{},targets=values\"\n[train]\nmethod = \"gd\"\nlr = 0.1\nsteps = 5\n",
        network.display(),
        data.display()
    );
    let place = folder.path().join("run");
    let run = |mode| conduct(configs(&text).remove(0), &place, mode, 0, &|| false).map(|_| ());
    run(Existing::Refuse).unwrap();
    run(Existing::Resume).unwrap();
    std::fs::write(&network, layers("elu")).unwrap();
    let message = run(Existing::Resume).unwrap_err().to_string();
    assert!(message.starts_with("the checkpoint is of another run: the network in "), "{message}");
    assert!(message.ends_with("net.toml has changed since"), "{message}");
    std::fs::write(&network, layers("tanh")).unwrap();
    run(Existing::Resume).unwrap();
    std::fs::write(&data, "a,b,y\n1,2,0.5\n3,4,0.75\n").unwrap();
    let message = run(Existing::Resume).unwrap_err().to_string();
    assert!(message.contains("of another run: the data `"), "{message}");
}

#[test]
fn equal_runs_have_equal_files() {
    let folder = tempfile::tempdir().unwrap();
    let files = |name: &str| -> Vec<(String, Vec<u8>)> {
        let place = folder.path().join(name);
        conduct(configs(IRIS).remove(0), &place, Existing::Refuse, 0, &|| false).unwrap();
        let names = std::fs::read_dir(&place).unwrap();
        let mut names: Vec<String> =
            names.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        let timed = |name: &String| name != "timing.json";
        let read = |name: String| (name.clone(), std::fs::read(place.join(name)).unwrap());
        names.into_iter().filter(timed).map(read).collect()
    };
    let first = files("0");
    for again in 1..4 {
        for ((name, first), (_, other)) in first.iter().zip(files(&again.to_string())) {
            assert!(*first == other, "{name}");
        }
    }
}

#[test]
fn the_time_of_a_run_is_that_of_all_its_parts() {
    let folder = tempfile::tempdir().unwrap();
    let config = configs(IRIS).remove(0);
    conduct(config.clone(), folder.path(), Existing::Refuse, 0, &after(30)).unwrap();
    let first = bea::experiment::folder::seconds(folder.path()).unwrap();
    assert!(first > 0.0);
    std::fs::write(folder.path().join("timing.json"), "{\"seconds\":1000.0}").unwrap();
    conduct(config, folder.path(), Existing::Resume, 0, &|| false).unwrap();
    let both = bea::experiment::folder::seconds(folder.path()).unwrap();
    assert!((1000.0..2000.0).contains(&both) && both != 1000.0, "{both}");
}

#[test]
fn two_sweeps_do_not_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let runs = || configs(&(IRIS.to_string() + "[grid]\nseed = [0, 1]\n"));
    let inner = std::sync::Mutex::new(Vec::new());
    let place = folder.path().join("s");
    let begins_another = || {
        let mut inner = inner.lock().unwrap();
        if inner.is_empty() {
            let error = sweep(runs(), &place, Existing::Replace, 1, &|| false).unwrap_err();
            inner.push(error.to_string());
        }
        false
    };
    let outcomes = sweep(runs(), &place, Existing::Refuse, 1, &begins_another).unwrap();
    assert_eq!(outcomes.len(), 2);
    let said = inner.into_inner().unwrap().remove(0);
    assert_eq!(said, format!("another run writes to {}", place.display()));
    // Once it is over, another one may.
    sweep(runs(), &place, Existing::Replace, 1, &|| false).unwrap();
}

#[test]
fn tolerances_suit_the_network() {
    let tolerances = |network: &str, dtype: &str| {
        let text = with(IRIS, &[("mlp:6,tanh", network), ("f64", dtype)]);
        let loss = loss_of(&Run::new(configs(&text).remove(0)).unwrap());
        bea::experiment::run::tolerances(&loss, (1e-8, 1e-10))
    };
    assert_eq!(tolerances("mlp:6,tanh", "f64"), (1e-8, 1e-10));
    assert_eq!(tolerances("mlp:6,tanh", "f32"), (1e-6, 1e-7));
    assert_eq!(tolerances("mlp:6,elu", "f64"), (1e-5, 1e-7));
    // Principal flows of a network with kinks come to their end, in both precisions.
    for dtype in ["f32", "f64"] {
        let metrics = ("\"learning_rate\"]", "\"error:pf\"]");
        let changes = [("mlp:6,tanh", "mlp:20,20,elu"), ("f64", dtype), metrics];
        let run = finished(&with(&with(IRIS, &changes), &[("steps = 12", "steps = 3")]));
        let errors = column(&run, "error_pf");
        assert!(errors[..3].iter().all(|error| *error > 0.0 && *error < 0.1), "{errors:?}");
    }
}

#[test]
fn keys_of_other_methods_are_refused_where_they_are_for_this_one() {
    let shown = |text: &str, set: &[&str]| {
        let set: Vec<Source> = set.iter().map(|text| Source::new("--set", *text)).collect();
        let source = Source::new("test.toml", text);
        let runs = Experiment::parse(source, Scale::Small, &set).and_then(|e| e.runs());
        runs.err().map(|error| {
            let shown = format!("{:?}", miette::Report::new(error));
            shown.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
        })
    };
    let momentum = with(IRIS, &[("lr = 0.2", "lr = 0.2\nmomentum = 0.9")]);
    let fault = shown(&momentum, &[]).expect("gd has no momentum");
    assert!(fault.contains("`momentum` is no key of the method `gd`"), "{fault}");
    assert!(fault.contains("take method = `heavy_ball`, `nesterov`, `dal`"), "{fault}");
    let dal = with(IRIS, &[("\"gd\"", "\"dal\"")]);
    assert!(
        shown(&dal, &[]).expect("dal has no lr").contains("`lr` is no key of the method `dal`")
    );
    let fault = shown(IRIS, &["train.p = 0.5"]).expect("gd has no p");
    assert!(fault.contains("`p` is no key of the method `gd`"), "{fault}");
    // What a layer below says for its own method is passed over, in whatever order it is set.
    assert_eq!(shown(IRIS, &["train.method = \"dal\"", "train.p = 0.5"]), None);
    assert_eq!(shown(IRIS, &["train.p = 0.5", "train.method = \"dal\""]), None);
    // `--set` is for all variants, of which one may know the key.
    let variants = IRIS.to_string()
        + "[[variant]]\nlabel = \"gd\"\n[[variant]]\nlabel = \"DAL\"\ntrain = { method = \"dal\" }\n";
    assert_eq!(shown(&variants, &["train.p = 0.5"]), None);
    assert!(shown(&variants, &["train.beta1 = 0.5"]).is_some());
}

#[test]
fn a_name_does_not_lead_out_of_the_folder_of_results() {
    for name in ["../../escaped", "a/b", "..", "", "a\\\\b"] {
        let source = Source::new("test.toml", format!("name = \"{name}\"\n{IRIS}"));
        let error = Experiment::parse(source, Scale::Small, &[]).unwrap().runs().unwrap_err();
        let message = "`name` must be the name of a folder, without `/` and `\\`";
        assert_eq!(error.to_string(), message, "{name}");
    }
}
