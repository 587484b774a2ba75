//! Objectives made of closures: what a real-only one has, what it lacks, and what is said where it fails.

use bea::curvature::{Density, Error};
use bea::flow::stability::stability_coefficients;
use bea::flow::{FlowName, Problem, Request, SimulateError, Simulation, Stop, simulate};
use bea::objective::{Capability, Closures, Objective, ObjectiveError, complex};
use bea::optimizer;
use bea::source::Source;
use num_complex::Complex64;
use std::sync::Arc;

/// `E = x⁴/4 + x²/2 + xy + y²`, with everything that real points allow.
fn well<'a>() -> Closures<'a> {
    bea::objective(2)
        .gradient(|x, g| {
            g[0] = x[0].powi(3) + x[0] + x[1];
            g[1] = x[0] + 2.0 * x[1];
            x[0].powi(4) / 4.0 + x[0] * x[0] / 2.0 + x[0] * x[1] + x[1] * x[1]
        })
        .hessian_vector(|x, v, out| {
            out[0] = (3.0 * x[0] * x[0] + 1.0) * v[0] + v[1];
            out[1] = v[0] + 2.0 * v[1];
        })
        .with_contraction(4, |x, vs, out| {
            let product: f64 = vs.iter().map(|v| v[0]).product();
            let derivative = match vs.len() {
                2 => 6.0 * x[0],
                3 => 6.0,
                _ => 0.0,
            };
            out.copy_from_slice(&[derivative * product, 0.0]);
        })
}

/// The same at complex points too.
fn everywhere<'a>() -> Closures<'a> {
    well().with_complex(
        complex(2)
            .gradient(|x, g| {
                g[0] = x[0].powi(3) + x[0] + x[1];
                g[1] = x[0] + 2.0 * x[1];
                x[0].powi(4) / 4.0 + x[0] * x[0] / 2.0 + x[0] * x[1] + x[1] * x[1]
            })
            .hessian_vector(|x, v, out| {
                out[0] = (3.0 * x[0] * x[0] + 1.0) * v[0] + v[1];
                out[1] = v[0] + 2.0 * v[1];
            })
            .with_contraction(2, |x, vs, out| {
                out.copy_from_slice(&[6.0 * x[0] * vs[0][0] * vs[1][0], 0.0.into()]);
            }),
    )
}

/// The same loss as a formula.
fn formula() -> Problem {
    let source = Source::new("formula", "x^4/4 + x^2/2 + x*y + y^2");
    let loss = bea::loss::Loss::parse(&source, &Default::default()).unwrap();
    Problem::of_loss(loss.graph(), loss.expression(), 2)
}

fn run(problem: &Problem, h: f64, flows: &str) -> Result<Simulation, SimulateError> {
    let flows = FlowName::parse(&Source::new("flows", flows)).unwrap();
    let request = Request { lr: h, steps: 4, flows, ..Request::default() };
    let method = optimizer::find("gradient_descent").unwrap().method(&Default::default()).unwrap();
    simulate(problem, "gd", &method, &[1.0, -0.4], &request)
}

#[test]
fn a_real_objective_has_all_flows_that_stay_real() {
    let all = "ngf,igr,positive,flip:1,order:2,order:4,pf,pf-even,pf+np:3,cubic,interpolated:3";
    // hλ is 0.22 at most on the way down.
    let own = run(&Problem::new(well()), 0.05, all).unwrap();
    let reference = run(&formula(), 0.05, all).unwrap();
    assert_eq!(own.flows.len(), 11);
    for (a, b) in own.trajectories().zip(reference.trajectories()) {
        assert_eq!((&a.name, &a.note, a.theta.len()), (&b.name, &None, 5));
        for (x, y) in a.theta.iter().flatten().zip(b.theta.iter().flatten()) {
            assert!((x - y).norm() < 1e-10 && x.im == 0.0, "{}: {x} {y}", a.name);
        }
    }
    let counts = own.counts;
    assert!(counts.gradients > 100 && counts.hessians > 100 && counts.contractions > 100);
    assert_eq!((counts.modified_fields, reference.counts.modified_fields > 0), (0, true));
}

#[test]
fn beyond_the_branch_point_flows_ask_for_complex_points() {
    // hλ is 1.5 at the start.
    let simulation = run(&Problem::new(well()), 0.35, "ngf,pf,pf-even").unwrap();
    let [ngf, pf, even] = &simulation.flows[..] else { panic!("three flows") };
    let reference = run(&formula(), 0.35, "pf-even").unwrap();
    assert_eq!((&ngf.note, &even.note), (&None, &reference.flows[0].note));
    assert_eq!((even.theta.len(), pf.theta.len()), (reference.flows[0].theta.len(), 1));
    let note = pf.note.as_ref().unwrap();
    assert!(
        note.contains("the flow leaves the real line, and the objective has no complex points")
    );
    assert!(note.contains("closures get them by `with_complex`"), "{note}");
    // With them it goes on as the formula does.
    let own = run(&Problem::new(everywhere()), 0.35, "pf").unwrap();
    let reference = run(&formula(), 0.35, "pf").unwrap();
    assert_eq!(own.flows[0].note, reference.flows[0].note);
    assert!(own.flows[0].theta[1][0].im.abs() > 1e-3);
    for (x, y) in own.flows[0].theta.iter().flatten().zip(reference.flows[0].theta.iter().flatten())
    {
        assert!((x - y).norm() < 1e-8, "{x} {y}");
    }
}

#[test]
fn one_velocity_beyond_the_branch_point_needs_real_points_only() {
    let (objective, x, h) = (well(), [1.0, -0.4], 0.35);
    let found = bea::principal_flow(&objective).velocity(&x, h).unwrap();
    assert!(found.converged && found.products <= 2);
    let point: Vec<Complex64> = x.iter().map(|&x| x.into()).collect();
    let krylov = bea::curvature::Krylov::default();
    let reference = bea::flow::principal_field(&formula(), &point, h, &krylov).unwrap();
    for (x, y) in found.value.iter().zip(&reference.value) {
        assert!((x - y).norm() < 1e-12 && x.im.abs() > 0.1, "{x} {y}");
    }
    // One gradient, two products.
    let counts = objective.counts();
    assert_eq!((counts.gradients, counts.hessian_vectors, counts.values), (1, 2, 0));
    let at = |x: &[f64], h: f64| bea::principal_flow(&objective).velocity(x, h).unwrap_err();
    // E is x²/2 + xy + y² at 0: an eigenvalue (3 + √5)/2, and its gradient is not 0 beside it.
    assert_eq!(at(&[0.0, 1.0], 2.0 / (3.0 + 5f64.sqrt())), Stop::BranchPoint);
    let (found, expected) = (3, 2);
    let length = ObjectiveError::Length { name: "the point", found, expected };
    assert_eq!(at(&[0.0; 3], 0.1), Stop::Objective(length));
}

/// To first order in `h` a nonlinear step needs no more than products, which give what jets give on a formula.
#[test]
fn the_first_order_of_adam_needs_products_alone() {
    let adam = optimizer::find("adam_inside").unwrap();
    let value =
        |name: &str, value: &str| (name.to_string(), optimizer::parse_value(value).unwrap());
    let values = [value("beta1", "9/10"), value("beta2", "99/100"), value("eps", "1/100")];
    let step = adam.step(&values.into_iter().collect()).unwrap();
    let theta = [0.7.into(), Complex64::from(-0.4)];
    let request = Request { lr: 0.02, ..Request::default() };
    let velocity = |problem: &Problem, order| {
        bea::flow::velocity(problem, "adam", step.clone(), &theta, FlowName::Order(order), &request)
    };
    let products = well();
    let gradients = bea::objective(2).gradient(|x, g| well().value_and_gradient(x, g));
    let expected = velocity(&formula(), 1).unwrap().unwrap();
    let found = velocity(&Problem::new(products), 1).unwrap().unwrap();
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).norm() < 1e-13, "{found} {expected}");
    }
    let error = velocity(&Problem::new(gradients), 1).unwrap_err();
    assert!(error.to_string().contains("Hessian-vector products"), "{error}");
    let error = velocity(&Problem::new(well()), 2).unwrap_err();
    assert!(error.to_string().contains("derivatives of order"), "{error}");
}

#[test]
fn spectra_and_what_follows_from_them() {
    let (objective, x) = (well(), [1.0, -0.4]);
    let hessian = bea::spectrum(&objective, &x).unwrap();
    let mut top = hessian.top(5).unwrap();
    // [[4, 1], [1, 2]]
    let lambda = [3.0 + 2f64.sqrt(), 3.0 - 2f64.sqrt()];
    assert_eq!(top.len(), 2);
    assert!(top.iter().zip(lambda).all(|(pair, lambda)| (pair.value - lambda).abs() < 1e-12));
    let density = hessian.density().unwrap();
    assert!((density.mean(|x| x) - 3.0).abs() < 1.01, "the trace over two");
    assert!(Density::default().run(&hessian).is_ok());
    let mut g = vec![0.0; 2];
    objective.gradient(&x, &mut g).unwrap();
    let sc = stability_coefficients(&mut top, &g, 0.35);
    let velocity = bea::principal_flow(&objective).velocity(&x, 0.35).unwrap().value;
    for (pair, sc) in top.iter().zip(&sc) {
        let along: Complex64 = pair.vector.iter().zip(&velocity).map(|(u, v)| v * u).sum();
        assert!((along - sc.coefficient).norm() < 1e-10);
    }
}

#[test]
fn gradients_alone_are_enough_for_much() {
    let alone = || {
        bea::objective(2).gradient(|x, g| {
            g.copy_from_slice(&[x[0], 3.0 * x[1]]);
            0.5 * x[0] * x[0] + 1.5 * x[1] * x[1]
        })
    };
    let simulation = run(&Problem::new(alone()), 0.1, "ngf,positive,interpolated:3").unwrap();
    assert!(simulation.flows.iter().all(|flow| flow.note.is_none()));
    for flow in ["igr", "pf", "pf-even", "pf+np:2", "flip:1", "cubic"] {
        let error = run(&Problem::new(alone()), 0.1, flow).unwrap_err().to_string();
        let needs =
            if flow == "cubic" { "derivatives of order 3" } else { "Hessian-vector products" };
        let expected = format!("there is no flow `{flow}` here: this needs {needs}");
        assert!(error.starts_with(&expected), "{error}");
    }
    assert!(
        run(&Problem::new(alone()), 0.1, "order:2")
            .unwrap_err()
            .to_string()
            .contains("which has 1")
    );
    let missing = Error::Objective(ObjectiveError::Missing(Capability::HessianVectors));
    assert_eq!(bea::spectrum(&alone(), &[1.0, 1.0]).err(), Some(missing));
    // With differences of gradients, asked for by name, the others come too.
    let problem = Problem::new(alone().differences(1e-6));
    let simulation = run(&problem, 0.1, "pf").unwrap();
    let distance = simulation.distances(&simulation.flows[0])[4];
    assert!(distance < 1e-8, "{distance:e}");
}

#[test]
fn a_closure_that_fails_ends_the_simulation() {
    let failing = bea::objective(2).gradient(|x, g| {
        g.copy_from_slice(&[-1.0, 0.0]);
        if x[0] > 1.25 {
            Err(format!("the simulator gave up at {}", x[0] > 1.0))
        } else {
            Ok(-x[0])
        }
    });
    let error = run(&Problem::new(failing), 0.1, "ngf").unwrap_err();
    let SimulateError::Objective(error) = error else { panic!("{error}") };
    let text = error.to_string();
    assert!(text.starts_with("gradient number ") && text.contains(" at x = (1."), "{text}");
    assert!(text.ends_with("failed: the simulator gave up at true"), "{text}");
}

#[test]
fn a_closure_that_is_not_finite_ends_a_trajectory_with_a_note() {
    // √(1.25 - x), whose flow and descent come to the end of its domain.
    let edge = Arc::new(bea::objective(2).gradient(|x, g| {
        let root = (1.25 - x[0]).sqrt();
        g.copy_from_slice(&[-0.5 / root, 0.0]);
        root
    }));
    let problem = Problem::of_fields(vec![vec![0, 1]], vec![(0, edge.clone())]).unwrap();
    let simulation = run(&problem, 0.2, "ngf").unwrap();
    for trajectory in simulation.trajectories() {
        let note = trajectory.note.as_ref().expect("it leaves the domain");
        assert!(note.contains("gradient number") && note.contains("is not finite"), "{note}");
    }
    let error = edge.value(&[2.0, 0.0]).unwrap_err();
    assert!(error.is_undefined() && error.to_string().contains("at x = (2, 0)"), "{error}");
    // At the start it is an error.
    let problem = Problem::new(bea::objective(2).gradient(|_, g| {
        g.copy_from_slice(&[0.0, f64::NAN]);
        0.0
    }));
    let error = run(&problem, 0.1, "ngf").unwrap_err().to_string();
    assert!(error.starts_with("gradient number 1 at x = (1, -0.4) is not finite: entry 1 is NaN"));
}

#[test]
fn optimizers_train_on_closures() {
    use bea::training::{Dal, Rule, Schedule, State};
    let objective = well();
    let mut state = State::new(vec![1.0, -0.4]);
    let descent = optimizer::find("gradient_descent").unwrap().program(&Default::default());
    let rule = Rule::program(descent.unwrap(), Schedule::constant(0.1)).unwrap();
    let step = rule.step(&objective, &mut state).unwrap();
    assert_eq!(step.gradient, [1.6, 0.19999999999999996]);
    assert!((state.theta[0] - 0.84).abs() < 1e-15);
    // 2/‖Hĝ‖
    let dal = Dal::new().step(&objective, &[1.0, -0.4]).unwrap();
    let (g, hg) = (f64::hypot(1.6, 0.2), f64::hypot(6.6, 2.0));
    assert!((dal.learning_rate - 2.0 * g / hg).abs() < 1e-14);
    assert!((dal.next[0] - (1.0 - dal.learning_rate * 1.6)).abs() < 1e-15);
    let without = bea::objective(1).gradient(|_, _| 0.0);
    let error = Dal::new().step(&without, &[1.0]).unwrap_err();
    assert_eq!(error, ObjectiveError::Missing(Capability::HessianVectors));
}

/// Within runs an accelerator's failure is the command's error, with its advice.
#[test]
fn the_failure_of_an_accelerator_keeps_its_advice() {
    use bea::experiment::run::RunError;
    use bea::network::device::DeviceError;
    let failed = DeviceError::Failed { device: "wgpu:0".into(), reason: "no memory".into() };
    let error = ObjectiveError::from(failed);
    assert_eq!(error.to_string(), "wgpu:0 failed: no memory");
    let error = RunError::from(error);
    assert!(matches!(&error, RunError::Device(DeviceError::Failed { .. })), "{error}");
    let help = miette::Diagnostic::help(&error).unwrap().to_string();
    assert!(help.contains("need less memory"), "{help}");
}

/// Networks have millions of parameters: what is looked up for each of them must not be looked for among all.
#[test]
fn the_players_of_a_large_problem_are_checked_at_once() {
    let n = 2_000_000;
    let loss = Arc::new(bea::objective(n).gradient(|x, g| {
        g.copy_from_slice(x);
        0.5
    }));
    let of = |spaces: Vec<Vec<usize>>| {
        let fields: Vec<(usize, Arc<dyn Objective>)> =
            (0..spaces.len()).map(|space| (space, loss.clone() as _)).collect();
        Problem::of_fields(spaces, fields).err().map(|error| error.to_string())
    };
    let odd = || (0..n).filter(|i| i % 2 == 1).collect::<Vec<_>>();
    let even = || (0..n).filter(|i| i % 2 == 0).collect::<Vec<_>>();
    assert_eq!(of(vec![odd(), even()]), None);
    let wrong = |variable: usize, found: usize| {
        Some(format!("variable {variable} must belong to exactly one player, not to {found}"))
    };
    assert_eq!(of(vec![odd(), even()[1..].to_vec()]), wrong(1, 0));
    assert_eq!(of(vec![odd(), [even(), vec![5]].concat()]), wrong(6, 2));
    assert_eq!(of(vec![odd(), [even(), vec![n + 7, n + 7]].concat()]), wrong(n + 8, 2));
}
