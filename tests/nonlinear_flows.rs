//! Flows of nonlinear optimizers on networks and formulas, and what the commands say of them.

use bea::flow::{Buffers, FlowName, Problem, Request, simulate, velocity};
use bea::loss::{Expr, Graph, Loss, Program, typed_field};
use bea::network::architecture::{Architecture, Criterion, Dtype};
use bea::network::device::Device;
use bea::network::initialise::{Scheme, initialise};
use bea::network::{NetworkLoss, data};
use bea::objective::Objective;
use bea::optimizer::{self, Step};
use bea::source::Source;
use bea::training::{Adjusted, Dal, DalIteration, Product, Rule, Schedule, State};
use bea::typed::{Initial, TypedField};
use num_complex::Complex64;
use num_rational::BigRational;
use num_traits::ToPrimitive;
use std::process::Command;

fn network() -> (NetworkLoss, Vec<f64>) {
    let data = data::open("iris,first=30").unwrap();
    let criterion = Criterion::CrossEntropy { smoothing: 0.1 };
    let architecture =
        Architecture::find("mlp:4,tanh", &data.shape, 3, criterion, Dtype::F64).unwrap();
    let theta = initialise(&architecture, Scheme::GlorotUniform, 3);
    (NetworkLoss::new(architecture, &data, &Device::cpu()).unwrap(), theta)
}

/// An optimizer of the library with numbers for its parameters.
fn step(name: &str) -> Step {
    let optimizer = optimizer::find(name).unwrap();
    let value = |p: &String| match p.as_str() {
        "eps" => BigRational::new(1.into(), 20.into()),
        _ => BigRational::new(1.into(), 2.into()),
    };
    let values = optimizer.parameters.iter().map(|p| (p.clone(), value(p)));
    optimizer.step(&values.collect()).unwrap()
}

fn norm(x: &[Complex64]) -> f64 {
    x.iter().map(|z| z.norm_sqr()).sum::<f64>().sqrt()
}

/// The steps themselves, whose buffers settle by themselves, are those of the modified field.
#[test]
fn settled_steps_on_a_network_follow_the_field_to_its_order() {
    let (loss, theta) = network();
    let problem = Problem::new(loss);
    for name in ["adam_inside", "rmsprop", "adamw", "normalized_gradient_descent", "dal"] {
        let step = step(name);
        let run = |start: &[f64], lr, steps, flows: Vec<FlowName>| {
            let request =
                Request { lr, steps, flows, rtol: 1e-13, atol: 1e-15, ..Request::default() };
            simulate(&problem, name, &step, start, &request).unwrap()
        };
        let errors: Vec<Vec<f64>> = [0.002, 0.001]
            .map(|h: f64| {
                // What is left of the start, and of bias corrections, is halved by each step.
                let settle = (0.12 / h).round() as usize;
                let all = run(&theta, h, settle + 1, vec![]).optimizer.theta;
                let [.., before, after] = &all[..] else { panic!("two steps at least") };
                let before: Vec<f64> = before.iter().map(|z| z.re).collect();
                let flows = run(&before, h, 1, (0..=2).map(FlowName::Order).collect()).flows;
                let error = |flow: &bea::flow::Trajectory| {
                    assert_eq!(flow.note, None, "{name}");
                    norm(&flow.theta[1].iter().zip(after).map(|(a, b)| a - b).collect::<Vec<_>>())
                };
                flows.iter().map(error).collect()
            })
            .to_vec();
        for n in 0..=2 {
            let slope = (errors[0][n] / errors[1][n]).log2();
            let expected = (n + 2) as f64;
            assert!((slope - expected).abs() < 0.15, "{name}, order:{n}: {slope} of {errors:?}");
        }
    }
}

/// Two routes to the field at a point: by jets, and from the optimizer's own steps.
#[test]
fn truncated_and_interpolated_fields_agree_to_their_order() {
    let (loss, theta) = network();
    let problem = Problem::new(loss);
    let at: Vec<Complex64> = theta.iter().map(|&x| x.into()).collect();
    for name in ["adam_inside", "smooth_lion", "normalized_sam", "dal_heavy_ball"] {
        let step = step(name);
        for n in 0..=2 {
            let difference = |lr: f64| {
                let request = Request { lr, ..Request::default() };
                let field =
                    |flow| velocity(&problem, name, &step, &at, flow, &request).unwrap().unwrap();
                let [jets, steps] = [FlowName::Order(n), FlowName::Interpolated(n)].map(field);
                norm(&jets.iter().zip(&steps).map(|(a, b)| a - b).collect::<Vec<_>>())
            };
            let differences = [4e-3, 2e-3, 1e-3].map(difference);
            let slope = (differences[1] / differences[2]).log2();
            assert!(
                differences[2] < 1e-11 || (slope - (n + 1) as f64).abs() < 0.15,
                "{name}, order {n}: {differences:?}, h^{slope}"
            );
        }
    }
}

fn own(text: &str) -> bea::typed::Program {
    let optimizer = optimizer::parse(&Source::new("own.bea", text)).unwrap().remove(0);
    let Step::Nonlinear(program) = optimizer.step(&[].into()).unwrap() else { panic!("{text}") };
    program
}

/// AdaGrad and the slow forms of momentum, and one with a buffer beside its slow variable and another that is a number.
fn slow_steps() -> [bea::typed::Program; 4] {
    [
        "optimizer adagrad { slow v = 1\n v' = v + h*g^2\n theta' = theta - h*g/(sqrt(v') + 1/20) }",
        "optimizer ball { slow v = 1/3\n let m = (1 - h/2)/(1 + h/2)\n v' = m*v - h*g\n \
         theta' = theta + h*v' }",
        "optimizer nesterov { slow v\n let m = (1 - h/2)/(1 + h/2)\n let x = theta + m*h*v\n \
         v' = m*v + h*f(x)\n theta' = theta + h*v' }",
        "optimizer mixed { state m = settled\n slow v = 1/2, s = 2\n m' = m/2 + g/2\n v' = v + h*m'^2\n \
         s' = s + h*norm(m')^2\n theta' = theta - h*m'/(sqrt(v') + 1)/s' }",
    ]
    .map(own)
}

fn formula(dimension: usize) -> (Graph, Expr) {
    let text = ["x^2/2 + x^4/4 + x", "x^2/2 + x^4/4 + x*y/3 + y^2 + y + x"][dimension - 1];
    Loss::parse(&Source::new("test", text), &Default::default()).unwrap().into_parts()
}

fn problem(dimension: usize) -> Problem {
    let (graph, loss) = formula(dimension);
    Problem::of_losses(&graph, vec![(0..dimension).collect()], &[(0, loss)]).unwrap()
}

/// Flows of the parameters and the slow variables together follow the steps to their order.
#[test]
fn flows_with_slow_variables_follow_the_steps_to_their_order() {
    for program in slow_steps() {
        for dimension in [1, 2] {
            let problem = problem(dimension);
            let start = &[0.75, -0.5][..dimension];
            let flows: Vec<FlowName> = (0..=2).map(FlowName::Order).collect();
            let flows = [flows, vec![FlowName::Interpolated(2)]].concat();
            let errors = [1.0f64 / 256.0, 1.0 / 512.0].map(|lr| {
                let flows = flows.clone();
                let request =
                    Request { lr, steps: 1, flows, rtol: 1e-13, atol: 1e-15, ..Request::default() };
                let found = simulate(&problem, &program.name, &program, start, &request).unwrap();
                let error = |flow: &bea::flow::Trajectory| {
                    assert_eq!((flow.note.as_ref(), flow.theta[1].len()), (None, dimension));
                    found.distances(flow)[1]
                };
                found.flows.iter().map(error).collect::<Vec<f64>>()
            });
            for (i, order) in [0, 1, 2, 2].into_iter().enumerate() {
                let slope = (errors[0][i] / errors[1][i]).log2();
                let expected = f64::from(order + 2);
                assert!(
                    (slope - expected).abs() < 0.2,
                    "{} in {dimension} dimensions, {}: h^{slope} of {errors:?}",
                    program.name,
                    flows[i]
                );
            }
        }
    }
}

/// The velocity at a point is that of the typed terms, derivative by derivative, with the slow variables at their start.
#[test]
fn velocities_beside_slow_variables_are_those_of_the_typed_terms() {
    let (h, order) = (0.125, 2);
    for program in &slow_steps()[..3] {
        let problem = problem(2);
        let point = [0.75, -0.5].map(Complex64::from);
        let request = Request { lr: h, ..Request::default() };
        let flow = FlowName::Order(order);
        let found =
            velocity(&problem, &program.name, program, &point, flow, &request).unwrap().unwrap();
        let terms = TypedField::derive(program, order, None).unwrap();
        let (mut graph, loss) = formula(2);
        let step = graph.variable(4);
        let coordinates = [vec![0, 1], vec![2, 3]];
        let velocity = typed_field(&mut graph, loss, &coordinates, &terms, step, &[]).concat();
        let compiled = Program::new(&graph, 5, &velocity);
        let slow = match program.states[1].initial.as_ref() {
            Some(Initial::Entries(c)) => c.as_rational().unwrap().to_f64().unwrap(),
            _ => 0.0,
        };
        let mut out = [0.0; 4];
        compiled.evaluate(&[0.75, -0.5, slow, slow, h], &mut out, &mut Vec::new());
        for (found, expected) in found.iter().zip(out) {
            assert!((found.re - expected).abs() < 1e-13, "{}: {found} {expected}", program.name);
        }
    }
}

/// Buffers that start settled have no transient: the first step is the flow's.
#[test]
fn settled_buffers_start_on_the_slow_manifold() {
    let (loss, theta) = network();
    let problem = Problem::new(loss);
    let step = step("adam_inside");
    let distance = |lr, buffers| {
        let flows = vec![FlowName::Order(2)];
        let request = Request { lr, steps: 1, flows, buffers, ..Request::default() };
        let found = simulate(&problem, "adam", &step, &theta, &request).unwrap();
        found.distances(&found.flows[0])[1]
    };
    let settled = [4e-3, 2e-3].map(|h| distance(h, Buffers::Settled));
    let slope = (settled[0] / settled[1]).log2();
    assert!((slope - 4.0).abs() < 0.2, "{settled:?}");
    assert!(distance(2e-3, Buffers::Written) > 100.0 * settled[1]);
}

/// Training with the library's files is training with what is written out, to rounding.
/// Adam and all kinds of drift-adjusted learning rates against loops over the entries.
#[test]
fn rules_of_the_language_are_those_written_out() {
    use bea::training;
    const CAP: f64 = 0.4;
    let (loss, start) = network();
    let n = start.len();
    let dal = |product, of| {
        let dal = Dal { power: 0.333, cap: CAP, product };
        Rule::Dal(Box::new(DalIteration::new(dal, of).unwrap()))
    };
    let value = |x: &str| optimizer::parse_value(x).unwrap();
    let values = [("beta1", "0.9"), ("beta2", "0.999"), ("eps", "1e-8")];
    let values = values.map(|(name, x)| (name.to_string(), value(x))).into();
    let adam = optimizer::find("adam").unwrap().step(&values).unwrap();
    let adam = Rule::program(adam, Schedule::constant(0.01)).unwrap();
    let gradient = |theta: &[f64]| {
        let mut g = vec![0.0; n];
        let value = loss.value_and_gradient(theta, &mut g).unwrap();
        (value, g)
    };
    let along = |theta: &[f64], g: &[f64]| loss.hessian_vectors(theta, &[g]).unwrap().remove(0);
    let bounded = |rate: f64| rate.min(CAP);
    // How `θ` moves, from the step's number, `θ`, its gradient and two buffers; the learning rate.
    type Written<'a> =
        Box<dyn Fn(i32, &mut [f64], &[f64], &mut [Vec<f64>; 2]) -> (f64, Option<Vec<f64>>) + 'a>;
    let moved = |theta: &mut [f64], g: &[f64], rate: &dyn Fn(usize) -> f64| {
        for (i, (x, g)) in theta.iter_mut().zip(g).enumerate() {
            *x -= rate(i) * g;
        }
    };
    let cases: Vec<(&str, Rule, Written)> = vec![
        (
            "adam",
            adam,
            Box::new(|t, theta, g, [m, v]| {
                for (i, x) in theta.iter_mut().enumerate() {
                    m[i] = 0.9 * m[i] + 0.1 * g[i];
                    v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
                    let root = (v[i] / (1.0 - 0.999f64.powi(t))).sqrt();
                    *x -= 0.01 * (m[i] / (1.0 - 0.9f64.powi(t))) / (root + 1e-8);
                }
                (0.01, None)
            }),
        ),
        (
            "dal",
            dal(Product::Exact, Adjusted::Step),
            Box::new(|_, theta, g, _| {
                let product = along(theta, g);
                let rate =
                    bounded(2.0 / (training::norm(&product) / training::norm(g)).powf(0.333));
                moved(theta, g, &|_| rate);
                (rate, Some(product))
            }),
        ),
        (
            "dal by differences",
            dal(Product::Difference(1e-3), Adjusted::Step),
            Box::new(|_, theta, g, _| {
                let there: Vec<f64> = theta.iter().zip(g).map(|(x, g)| x + 1e-3 * g).collect();
                let (_, there) = gradient(&there);
                let product: Vec<f64> = there.iter().zip(g).map(|(a, b)| (a - b) / 1e-3).collect();
                let rate =
                    bounded(2.0 / (training::norm(&product) / training::norm(g)).powf(0.333));
                moved(theta, g, &|_| rate);
                (rate, Some(product))
            }),
        ),
        (
            "dal with momentum",
            dal(Product::Exact, Adjusted::HeavyBall { momentum: 0.75 }),
            Box::new(|_, theta, g, [v, _]| {
                let product = along(theta, g);
                let rate =
                    bounded(0.5 / (training::norm(&product) / training::norm(g)).powf(0.333));
                for (i, x) in theta.iter_mut().enumerate() {
                    v[i] = 0.75 * v[i] - rate * g[i];
                    *x += v[i];
                }
                (rate, Some(product))
            }),
        ),
        (
            "dal for each parameter",
            dal(Product::Exact, Adjusted::Parameter),
            Box::new(|_, theta, g, _| {
                let product = along(theta, g);
                let rates: Vec<f64> =
                    product.iter().map(|x| bounded(2.0 / x.abs().powf(0.333))).collect();
                moved(theta, g, &|i| rates[i]);
                (rates.iter().sum::<f64>() / n as f64, Some(product))
            }),
        ),
    ];
    for (name, rule, written) in cases {
        let mut state = State::new(start.clone());
        let (mut theta, mut buffers) = (start.clone(), [vec![0.0; n], vec![0.0; n]]);
        for step in 1..=20 {
            let (value, g) = gradient(&theta);
            let (rate, product) = written(step, &mut theta, &g, &mut buffers);
            let made = rule.step(&loss, &mut state).unwrap();
            let near = |found: &[f64], expected: &[f64]| {
                let apart = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
                let apart = apart.fold(0.0, f64::max);
                assert!(apart < 1e-9, "{name}, step {step}: {apart}");
            };
            near(&[made.loss, made.learning_rate], &[value, rate]);
            near(&made.gradient, &g);
            assert_eq!(made.product.is_some(), product.is_some(), "{name}");
            near(&made.product.unwrap_or_default(), &product.unwrap_or_default());
            near(&state.theta, &theta);
        }
    }
}

/// Where the gradient vanishes there is no drift, and the learning rate is the cap.
#[test]
fn drift_adjusted_learning_rates_stay_where_the_gradient_vanishes() {
    let bowl = bea::objective(2)
        .gradient(|x, g| {
            g.copy_from_slice(x);
            (x[0] * x[0] + x[1] * x[1]) / 2.0
        })
        .hessian_vector(|_, v, out| out.copy_from_slice(v));
    for of in [Adjusted::Step, Adjusted::HeavyBall { momentum: 0.5 }, Adjusted::Parameter] {
        let dal = Dal { power: 0.5, cap: 5.0, product: Product::Exact };
        let mut state = State::new(vec![0.0; 2]);
        let rule = Rule::Dal(Box::new(DalIteration::new(dal, of).unwrap()));
        let step = rule.step(&bowl, &mut state).unwrap();
        assert_eq!((step.learning_rate, state.theta), (5.0, vec![0.0; 2]), "{of:?}");
        // Without a power they are constant.
        let rule = DalIteration::new(Dal { power: 0.0, ..dal }, of).unwrap();
        let mut state = State::new(vec![1.0, -2.0]);
        let rule = Rule::Dal(Box::new(rule));
        let step = rule.step(&bowl, &mut state).unwrap();
        let rate = if matches!(of, Adjusted::HeavyBall { .. }) { 0.5 } else { 2.0 };
        let moved = vec![1.0 - rate, 2.0 * rate - 2.0];
        assert_eq!((step.learning_rate, &state.theta), (rate, &moved));
        // A state of something else is no state of it.
        state.buffers = vec![("other".into(), vec![0.0; 2])];
        let error = rule.step(&bowl, &mut state).unwrap_err().to_string();
        assert!(
            error.contains("the state has the buffers other, and the optimizer rate"),
            "{error}"
        );
    }
    // Any power is one.
    for power in [1e-30, 0.333, 0.99, 7.5, 65.0, 1e30] {
        DalIteration::new(Dal { power, ..Dal::new() }, Adjusted::Step).unwrap();
    }
    let dal = Dal { power: f64::NAN, ..Dal::new() };
    let error = DalIteration::new(dal, Adjusted::Step).unwrap_err().to_string();
    assert!(error.contains("NaN"), "{error}");
}

/// `E = Σ (c_i x_i²/2 + x_i⁴/4)`, `c_i` from 1 to 7.
fn sloped(i: usize, x: f64) -> f64 {
    (1 + i % 7) as f64 * x + x.powi(3)
}

fn curved(i: usize, x: f64) -> f64 {
    (1 + i % 7) as f64 + 3.0 * x * x
}

/// Vectors are computed in chunks, several at once, some in place: against loops over all entries, and the same with every
/// number of threads.
#[test]
fn long_vectors_are_stepped_as_loops_do() {
    const STEPS: usize = 5;
    let read = |lines: &str| {
        let text = format!("optimizer o {{ {lines} }}");
        let optimizer = optimizer::parse(&Source::new("o.bea", text)).unwrap().remove(0);
        let step = optimizer.step(&[].into()).unwrap();
        Rule::program(step, Schedule::constant(0.01)).unwrap()
    };
    // `last` copies the old parameters, `twin` the new buffer, so that neither changes in place.
    let buffers = read(
        "state m, v, last, twin; m' = m/2 + g/2; v' = 3*v/4 + g^2/4; last' = theta; twin' = m'; \
         theta' = theta - h*m'/(sqrt(v') + 1/8) + h*(theta - last)/10 - h*twin/4",
    );
    // Sums of vectors that nothing else needs, and of one that is needed again.
    let sums = read(
        "state v; v' = v/2 + g^2/2; \
         theta' = theta - h*g/(norm(D(f)[g/norm(g)]) + norm(D(f)[theta])) - h*v'/sum(v')",
    );
    for n in [1, 511, 512, 513, 1_060_000] {
        let loss = bea::objective(n)
            .gradient(|x, g| {
                g.iter_mut().zip(x).enumerate().for_each(|(i, (g, x))| *g = sloped(i, *x));
                x.iter().map(|x| x * x).sum::<f64>()
            })
            .hessian_vector(|x, v, out| {
                let all = out.iter_mut().zip(x.iter().zip(v)).enumerate();
                all.for_each(|(i, (out, (x, v)))| *out = curved(i, *x) * v);
            });
        let start: Vec<f64> = (0..n).map(|i| ((i * 37 % 101) as f64 - 50.3) / 40.0).collect();
        let trained = |rule: &Rule, threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut state = State::new(start.clone());
                (0..STEPS).for_each(|_| drop(rule.step(&loss, &mut state).unwrap()));
                state
            })
        };
        let zero = || vec![0.0; n];
        let (mut x, mut m, mut v) = (start.clone(), zero(), zero());
        let (mut last, mut twin) = (zero(), zero());
        for _ in 0..STEPS {
            for i in 0..n {
                let (g, old) = (sloped(i, x[i]), x[i]);
                m[i] = m[i] / 2.0 + g / 2.0;
                v[i] = 0.75 * v[i] + g * g / 4.0;
                x[i] += -0.01 * m[i] / (v[i].sqrt() + 0.125) + 0.01 * (old - last[i]) / 10.0;
                x[i] -= 0.01 * twin[i] / 4.0;
                (last[i], twin[i]) = (old, m[i]);
            }
        }
        let state = trained(&buffers, 1);
        let found: Vec<&Vec<f64>> = state.buffers.iter().map(|(_, x)| x).collect();
        let pairs = [(&x, &state.theta), (&m, found[0]), (&v, found[1])];
        for (a, b) in pairs.into_iter().chain([(&last, found[2]), (&twin, found[3])]) {
            assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-13), "{n}");
        }
        let (mut x, mut v) = (start.clone(), zero());
        for _ in 0..STEPS {
            let g: Vec<f64> = x.iter().enumerate().map(|(i, x)| sloped(i, *x)).collect();
            let length =
                |y: &dyn Fn(usize) -> f64| (0..n).map(|i| y(i).powi(2)).sum::<f64>().sqrt();
            let scale = length(&|i| g[i]);
            let drift = length(&|i| curved(i, x[i]) * g[i] / scale);
            let turn = length(&|i| curved(i, x[i]) * x[i]);
            (0..n).for_each(|i| v[i] = v[i] / 2.0 + g[i] * g[i] / 2.0);
            let total: f64 = v.iter().sum();
            (0..n).for_each(|i| x[i] -= 0.01 * (g[i] / (drift + turn) + v[i] / total));
        }
        let state = trained(&sums, 1);
        assert!(x.iter().zip(&state.theta).all(|(a, b)| (a - b).abs() < 1e-13), "{n}");
        for rule in [&buffers, &sums] {
            assert_eq!(trained(rule, 1), trained(rule, 4), "{n}");
        }
    }
}

fn bea(arguments: &str) -> (i32, String, String) {
    let place = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_bea"))
        .args(arguments.split(' '))
        .current_dir(place.path())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| {
        String::from_utf8_lossy(bytes).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_run_measures_the_flows_of_the_optimizer_that_trains() {
    let place = tempfile::tempdir().unwrap();
    let text = "name = \"adam\"\ndata = \"iris\"\nnetwork = \"mlp:4,tanh\"\ndtype = \"f64\"\n\
                [train]\noptimizer = \"adam\"\nlr = 0.001\nsteps = 30\n\
                set = { beta1 = 0.5, beta2 = 0.75, eps = 0.1 }\n\
                [measure]\nmetrics = [\"loss\", \"error:order:0\", \"error:order:1\"]\n";
    std::fs::write(place.path().join("adam.toml"), text).unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_bea"))
            .args(arguments)
            .current_dir(place.path())
            .output()
            .unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, error) = run(&["run", "adam.toml", "--out", "out"]);
    assert_eq!(code, 0, "{error}");
    let table = std::fs::read_to_string(place.path().join("out/metrics.csv")).unwrap();
    let mut rows = csv::Reader::from_reader(table.as_bytes());
    let titles: Vec<String> = rows.headers().unwrap().iter().map(String::from).collect();
    let column = |name: &str| titles.iter().position(|title| title == name).expect(name);
    let (zero, one) = (column("error_order_0"), column("error_order_1"));
    // Once the buffers have settled, the field of the optimizer is nearer at each order.
    let settled: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).skip(22).collect();
    let number = |row: &csv::StringRecord, i: usize| row[i].parse::<f64>().ok();
    let pairs: Vec<(f64, f64)> =
        settled.iter().filter_map(|row| Some((number(row, zero)?, number(row, one)?))).collect();
    assert!(pairs.len() > 5, "{table}");
    for (zero, one) in pairs.into_iter().filter(|(zero, _)| zero.is_finite()) {
        assert!(one < 0.2 * zero, "{zero} {one}");
    }
    let (code, error) = run(&["run", "adam.toml", "--set", "measure.metrics=sc:1"]);
    assert!(code == 2 && error.contains("is not linear"), "{error}");
}

#[test]
fn commands_take_nonlinear_optimizers() {
    let adam = "--optimizer adam_inside --set beta1=1/2 --set beta2=3/4 --set eps=1/20";
    let (code, out, error) = bea(&format!(
        "flow --loss rosenbrock --start -1,1.5 --lr 0.01 --steps 20 {adam} --flows ngf,order:0,order:2,interpolated:2"
    ));
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("adam_inside with h = 0.01") && out.contains("interpolated:2"), "{out}");
    assert!(out.contains("the buffers of adam_inside do not start settled"), "{out}");
    let (code, out, error) = bea(&format!(
        "evaluate --network mlp:5,5 --data iris --lr 0.001 {adam} --quantities order:2,interpolated:2 --format json"
    ));
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("order:2"), "{out}");
    let refusals = [
        (
            format!("flow --loss rosenbrock --start -1,1.5 --lr 0.01 {adam} --flows pf"),
            "is not linear in its gradients, so its modified field has no principal part",
        ),
        (
            "flow --loss rosenbrock --start -1,1.5 --lr 0.01 --optimizer adam --flows order:1"
                .into(),
            "a simulation needs the value of the parameter",
        ),
        (
            format!("codegen --lang rust --loss rosenbrock --flow pf {adam}"),
            "cannot be written down: its step is not linear",
        ),
    ];
    for (arguments, expected) in refusals {
        let (code, _, error) = bea(&arguments);
        let words = error.replace("│ ", "");
        assert!(code == 2 && words.contains(expected), "{arguments}: {error}");
    }
}

#[test]
fn commands_follow_flows_with_slow_variables() {
    let place = tempfile::tempdir().unwrap();
    let text = "optimizer begun { slow v = 1/10\n v' = v + h*g^2\n theta' = theta - h*g/(sqrt(v') + 1/100) }";
    std::fs::write(place.path().join("begun.bea"), text).unwrap();
    let run = |arguments: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_bea"))
            .args(arguments.split(' '))
            .current_dir(place.path())
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).unwrap();
        (output.status.code().unwrap(), text.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let flow = "flow --loss x^2/2+y^2+x*y/3 --start 1,0.5 --lr 0.01 --steps 20 --flows ngf,order:0,order:2 --optimizer";
    let (code, out) = run(&format!("{flow} begun.bea"));
    assert!(code == 0 && !out.contains("ended"), "{out}");
    // The root of AdaGrad's sum has no derivative at 0.
    let (code, out) = run(&format!("{flow} adagrad --set eps=1/100"));
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("order:2 ended: t = 0.0") && !out.contains("order:0 ended"), "{out}");
    assert!(out.contains("where an entry of `v` is 0") && out.contains("slow v = 1/100"), "{out}");
    let evaluate = "evaluate --network mlp:5,5 --data iris --lr 0.001 --format json --quantities order:0,order:2";
    let (code, out) = run(&format!("{evaluate} --optimizer slow_nesterov --set a=1"));
    assert!(code == 0 && out.contains("order:2"), "{out}");
    let text = "name = \"slow\"\ndata = \"iris\"\nnetwork = \"mlp:4,tanh\"\ndtype = \"f64\"\n\
                [train]\noptimizer = \"begun.bea\"\nlr = 0.002\nsteps = 12\n\
                [measure]\nmetrics = [\"error:order:0\", \"error:order:1\", \"error:order:2\"]\n";
    std::fs::write(place.path().join("slow.toml"), text).unwrap();
    let (code, out) = run("run slow.toml --out out");
    assert_eq!(code, 0, "{out}");
    let table = std::fs::read_to_string(place.path().join("out/metrics.csv")).unwrap();
    let mut rows = csv::Reader::from_reader(table.as_bytes());
    let titles: Vec<String> = rows.headers().unwrap().iter().map(String::from).collect();
    let columns = [0, 1, 2].map(|n| {
        let title = format!("error_order_{n}");
        titles.iter().position(|x| *x == title).unwrap()
    });
    let mut seen = 0;
    for row in rows.records().map(Result::unwrap) {
        let Ok(errors) =
            columns.iter().map(|i| row[*i].parse::<f64>()).collect::<Result<Vec<_>, _>>()
        else {
            continue;
        };
        assert!(errors[1] < 0.2 * errors[0] && errors[2] < 0.2 * errors[1], "{errors:?}");
        seen += 1;
    }
    assert!(seen > 5, "{table}");
}

#[test]
fn a_flow_that_slides_along_a_kink_names_it() {
    let end = |optimizer: &str| {
        let (code, out, error) = bea(&format!(
            "flow --loss x^2+y^2/2 --start 1,0.7 --optimizer {optimizer} --lr 0.1 --steps 9 --flows order:1"
        ));
        assert_eq!(code, 0, "{error}");
        out.split_once("order:1 ended: ").map(|(_, why)| why.to_string())
    };
    // y comes to 0 after the time 0.7, and the sign of its gradient drives it back from either side.
    let ended = end("sign_descent").expect("it ends");
    assert!(
        ended.contains("t = 0.7000") && ended.contains("slides along a kink of sign"),
        "{ended}"
    );
    // Of many parameters each is a small part of the velocity. The second jump ends it, long before the integrator's steps do.
    let folder = tempfile::tempdir().unwrap();
    let (code, out, error) = bea(&format!(
        "flow --network mlp:6,tanh --data iris,scale=standard --dtype f64 --optimizer sign_descent --lr 0.01 --steps 1 \
         --flows order:0 --counts --out {}",
        folder.path().join("out").display()
    ));
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("slides along a kink of sign"), "{out}");
    // Clipping bends the flow, which goes on.
    assert_eq!(end("clipped_gradient_descent --set c=1/2"), None);
}
