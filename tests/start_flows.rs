//! Flows that begin at the effective start follow the optimizer to their order.

use bea::exact::Rational;
use bea::flow::{
    Beginning, Buffers, FlowName, FlowsFrom, Problem, Request, Simulation, Trajectory, simulate,
};
use bea::loss::{Expr, Graph};
use bea::optimizer::{self, Step, StepProgram};
use bea::series::GeneralLinearMethod;
use bea::source::Source;
use num_rational::BigRational;
use std::collections::BTreeMap;

type Values = BTreeMap<String, BigRational>;

fn q(top: i64, bottom: i64) -> BigRational {
    BigRational::new(top.into(), bottom.into())
}

fn heavy_ball(m: BigRational) -> StepProgram {
    let values = Values::from([("m".to_string(), m)]);
    optimizer::find("heavy_ball").unwrap().program(&values).unwrap()
}

/// A number for every parameter: small and different, so that transients decay fast.
fn small_values(name: &str) -> Values {
    let parameters = optimizer::find(name).unwrap().parameters.clone();
    let number = |i: usize| q([1, 1, 1, 2, 1][i % 5], [4, 3, 5, 7, 6][i % 5]);
    parameters.into_iter().enumerate().map(|(i, name)| (name, number(i))).collect()
}

fn parsed(text: &str) -> Step {
    let source = Source::new("test.bea", text);
    let optimizers = optimizer::parse(&source).unwrap_or_else(|e| panic!("{text}: {e}"));
    optimizers[0].step(&Values::new()).unwrap()
}

/// `Σ c/4 x^i y^j`.
fn polynomial(graph: &mut Graph, terms: &[(i64, i64, i64)]) -> Expr {
    let (x, y) = (graph.variable(0), graph.variable(1));
    let terms: Vec<Expr> = terms
        .iter()
        .map(|&(c, i, j)| {
            let c = graph.constant(Rational::new(c, 4).unwrap());
            let (x, y) = (graph.powi(x, i), graph.powi(y, j));
            graph.product(&[c, x, y])
        })
        .collect();
    graph.sum(&terms)
}

/// A loss for each field of a step; that of a field `c θ` is `-c/2 θᵀθ`.
fn problem(step: &Step) -> Problem {
    let descent = StepProgram::from(&GeneralLinearMethod::euler());
    let program = match step {
        Step::Linear(program) => program,
        Step::Nonlinear(_) => &descent,
    };
    let mut graph = Graph::new();
    let losses = [
        polynomial(
            &mut graph,
            &[(2, 0, 2), (4, 2, 0), (2, 1, 1), (1, 3, 0), (-1, 0, 3), (1, 2, 2)],
        ),
        polynomial(&mut graph, &[(3, 0, 2), (-2, 1, 1), (1, 2, 1), (1, 4, 0)]),
        polynomial(&mut graph, &[(2, 2, 0), (1, 1, 2), (1, 0, 4)]),
    ];
    let spaces = if program.spaces.len() == 1 { vec![vec![0, 1]] } else { vec![vec![0], vec![1]] };
    let mut fields: Vec<(usize, Expr)> =
        program.fields.iter().zip(losses).map(|(f, loss)| (f.space, loss)).collect();
    for ((_, loss), c) in fields.iter_mut().zip(&program.linear) {
        let Some(c) = c else { continue };
        let c = c.as_rational().expect("all parameters have values");
        let c = graph.constant((-c / BigRational::from_integer(2.into())).into());
        let squares = polynomial(&mut graph, &[(4, 2, 0), (4, 0, 2)]);
        *loss = graph.product(&[c, squares]);
    }
    Problem::of_losses(&graph, spaces, &fields).unwrap()
}

/// `E = x² + y²/2`
fn quadratic() -> Problem {
    let mut graph = Graph::new();
    let loss = polynomial(&mut graph, &[(4, 2, 0), (2, 0, 2)]);
    Problem::of_loss(&graph, loss, 2)
}

fn run(
    problem: &Problem,
    step: &Step,
    h: f64,
    steps: usize,
    flows: &[FlowName],
    flows_from: FlowsFrom,
) -> Simulation {
    let flows = flows.to_vec();
    let (rtol, atol) = (1e-12, 1e-14);
    let request = Request { lr: h, steps, flows, rtol, atol, flows_from, ..Request::default() };
    simulate(problem, "test", step, &[0.4, -0.3], &request).unwrap()
}

/// The slope of the error at time `time` between the step sizes `time/steps` and half of it, of each flow.
fn slopes(step: &Step, time: f64, steps: usize, flows: &[FlowName], from: FlowsFrom) -> Vec<f64> {
    let problem = problem(step);
    let errors = |steps: usize| -> Vec<f64> {
        let simulation = run(&problem, step, time / steps as f64, steps, flows, from);
        let last = |flow: &Trajectory| {
            let begins = (&flow.beginning, from);
            assert!(!matches!(begins, (Beginning::Unsettled(_), _)), "{}: {begins:?}", flow.name);
            simulation.distances(flow)[steps]
        };
        simulation.flows.iter().map(last).collect()
    };
    let (coarse, fine) = (errors(steps), errors(2 * steps));
    coarse.iter().zip(fine).map(|(a, b)| (a / b).log2()).collect()
}

#[test]
fn from_the_effective_start_the_error_at_a_fixed_time_has_the_order_of_the_flow() {
    let orders: Vec<FlowName> = (0..4).map(FlowName::Order).collect();
    let mut seen = 0;
    for optimizer in optimizer::library() {
        let program = optimizer.program(&small_values(&optimizer.name)).unwrap();
        let start = program.start().unwrap();
        let memory = start.method.states.len() > start.method.spaces.len();
        if !memory || start.method.step_parameter.is_some() {
            continue;
        }
        let found = slopes(&program.into(), 0.5, 100, &orders, FlowsFrom::EffectiveStart);
        for (n, slope) in found.iter().enumerate() {
            // Some optimizers are a flow to a higher order.
            assert!(*slope > n as f64 + 0.75, "{}: {found:?}", optimizer.name);
        }
        seen += 1;
    }
    assert!(seen >= 20, "{seen}");
    let heavy_ball = heavy_ball(q(1, 2)).into();
    let found = slopes(&heavy_ball, 1.0, 400, &orders, FlowsFrom::EffectiveStart);
    for (n, slope) in found.iter().enumerate() {
        assert!((slope - (n + 1) as f64).abs() < 0.15, "{found:?}");
    }
    // From the start itself every order has an error of order 1.
    let found = slopes(&heavy_ball, 1.0, 400, &orders, FlowsFrom::Start);
    assert!(found.iter().all(|slope| (slope - 1.0).abs() < 0.1), "{found:?}");
}

/// The roots of `r² - (1+m-hλ) r + m`, the larger one first.
fn roots(m: f64, z: f64) -> (f64, f64) {
    let b = 1.0 + m - z;
    let root = (b * b - 4.0 * m).sqrt();
    ((b + root) / 2.0, (b - root) / 2.0)
}

#[test]
fn on_a_quadratic_pf_is_the_iterates_but_for_the_decaying_root() {
    let (m, h, steps) = (0.5, 0.03, 40);
    let step: Step = heavy_ball(q(1, 2)).into();
    let flows = [FlowName::Principal, FlowName::PrincipalEven, FlowName::PrincipalWith(3)];
    let simulation = run(&quadratic(), &step, h, steps, &flows, FlowsFrom::EffectiveStart);
    for flow in &simulation.flows {
        assert_eq!(flow.beginning, Beginning::Effective);
        for step in 0..=steps {
            for (i, (start, lambda)) in [(0.4, 2.0), (-0.3, 1.0)].into_iter().enumerate() {
                let (first, second) = roots(m, h * lambda);
                let share = first * (1.0 - second) / (first - second);
                let expected = share * first.powi(step as i32) * start;
                let found = flow.theta[step][i];
                assert!((found - expected).norm() < 1e-10, "{found} {expected}");
                let rest = (1.0 - share) * second.powi(step as i32) * start;
                let iterate = simulation.optimizer.theta[step][i].re;
                assert!((iterate - expected - rest).abs() < 1e-12);
            }
        }
    }
}

#[test]
fn flows_of_gradient_descent_and_settled_buffers_begin_at_the_start() {
    let step: Step = heavy_ball(q(1, 2)).into();
    let flows = [FlowName::NegativeGradient, FlowName::ImplicitRegularization, FlowName::Order(0)];
    let simulation = run(&quadratic(), &step, 0.03, 3, &flows, FlowsFrom::EffectiveStart);
    for flow in &simulation.flows {
        assert_eq!(flow.beginning, Beginning::Start);
        assert_eq!(flow.theta[0], simulation.optimizer.theta[0]);
    }
    let request = Request {
        lr: 0.03,
        steps: 60,
        flows: vec![FlowName::Principal],
        buffers: Buffers::Settled,
        flows_from: FlowsFrom::EffectiveStart,
        ..Request::default()
    };
    let settled = simulate(&quadratic(), "o", &step, &[0.4, -0.3], &request).unwrap();
    assert_eq!(settled.flows[0].beginning, Beginning::Start);
    // The buffers are settled to so many digits as their series has at this step size.
    let distances = settled.distances(&settled.flows[0]);
    assert!(distances.iter().all(|d| *d < 1e-5), "{distances:?}");
}

#[test]
fn where_no_closed_form_is_known_the_start_is_found_numerically() {
    // r² - 1/5: the roots are irrational.
    let step = parsed(
        "optimizer o { state v, w\n w' = v\n v' = 1/5*w + h*f(theta)\n theta' = theta + v' }",
    );
    let orders: Vec<FlowName> = (1..4).map(FlowName::Order).collect();
    let simulation = run(&problem(&step), &step, 0.01, 50, &orders, FlowsFrom::EffectiveStart);
    for flow in &simulation.flows {
        assert!(matches!(flow.beginning, Beginning::Settled(steps) if steps > 10));
    }
    let found = slopes(&step, 0.5, 100, &orders, FlowsFrom::EffectiveStart);
    for (slope, order) in found.iter().zip(2..) {
        assert!(*slope > f64::from(order) - 0.3, "{found:?}");
    }
    // Its principal part has a closed form all the same, which needs no root.
    let pf = [FlowName::Principal];
    let pf = run(&quadratic(), &step, 0.02, 80, &pf, FlowsFrom::EffectiveStart);
    assert!(pf.distances(&pf.flows[0])[80] < 1e-10, "{:?}", pf.flows[0].beginning);
}

#[test]
fn so_is_that_of_nonlinear_steps_with_buffers() {
    let orders: Vec<FlowName> = (0..4).map(FlowName::Order).collect();
    let mut seen = Vec::new();
    for optimizer in optimizer::nonlinear_library() {
        let mut values = small_values(&optimizer.name);
        // How fast NAdam's momentum comes to its value.
        values.entry("psi".into()).and_modify(|psi| *psi = q(30, 1));
        let step = optimizer.step(&values).unwrap();
        let Step::Nonlinear(program) = &step else { continue };
        let is_flow = program.states.iter().skip(1).all(|state| !state.slow);
        if !step.starts_beside_manifold()
            || !is_flow
            || program.kinks().next().is_some()
            || program.needs_matrices().is_some()
        {
            continue;
        }
        let found = slopes(&step, 0.5, 100, &orders, FlowsFrom::EffectiveStart);
        for (n, slope) in found.iter().enumerate() {
            assert!(*slope > n as f64 + 0.75, "{}: {found:?}", optimizer.name);
        }
        seen.push(&optimizer.name);
    }
    assert!(seen.len() >= 8, "{seen:?}");
    // The buffer that is not corrected starts far from its manifold: from the start, no order is better than 1.
    let rmsprop = optimizer::find("rmsprop").unwrap().step(&small_values("rmsprop")).unwrap();
    let found = slopes(&rmsprop, 0.5, 100, &orders, FlowsFrom::Start);
    assert!(found.iter().all(|slope| (slope - 1.0).abs() < 0.15), "{found:?}");
}

#[test]
fn a_transient_that_takes_too_long_is_not_awaited() {
    let adam = optimizer::find("adam").unwrap();
    let values = [("beta1", q(9, 10)), ("beta2", q(999, 1000)), ("eps", q(1, 100_000_000))];
    let values = values.map(|(name, value)| (name.to_string(), value)).into();
    let step = adam.step(&values).unwrap();
    let orders = [FlowName::Order(1)];
    let simulation = run(&quadratic(), &step, 0.01, 3, &orders, FlowsFrom::EffectiveStart);
    let Beginning::Unsettled(reason) = &simulation.flows[0].beginning else { panic!("settled") };
    assert!(reason.contains("take 18414 steps to settle"), "{reason}");
}

#[test]
fn where_nothing_settles_flows_begin_at_the_start_and_say_why() {
    let step: Step = heavy_ball(q(9, 10)).into();
    let flows = [FlowName::Principal, FlowName::Order(1), FlowName::Order(3)];
    let simulation = run(&quadratic(), &step, 0.1, 4, &flows, FlowsFrom::EffectiveStart);
    for flow in &simulation.flows {
        let Beginning::Unsettled(reason) = &flow.beginning else {
            panic!("{}: {:?}", flow.name, flow.beginning);
        };
        assert!(
            reason.contains("diverges") || reason.contains("larger than all others"),
            "{reason}"
        );
        assert_eq!(flow.theta[0], simulation.optimizer.theta[0]);
    }
}

/// Flows that are followed back from where the optimizer settles share the steps that it takes to settle.
#[test]
fn the_optimizer_settles_once_for_all_flows() {
    let step = optimizer::find("adam_inside").unwrap().step(&small_values("adam_inside")).unwrap();
    let gradients = |flows: &[FlowName]| {
        let flows_from = FlowsFrom::EffectiveStart;
        let request =
            Request { lr: 1e-3, steps: 1, flows: flows.to_vec(), flows_from, ..Request::default() };
        let found = simulate(&problem(&step), "adam", &step, &[0.5, 0.25], &request).unwrap();
        let settled = |flow: &Trajectory| match flow.beginning {
            Beginning::Settled(steps) => steps,
            ref other => panic!("{other:?}"),
        };
        (found.counts.gradients, found.flows.iter().map(settled).max().unwrap())
    };
    let (one, two) = (FlowName::Order(1), FlowName::Order(2));
    let [(first, steps), (second, _), (both, _)] = [&[one][..], &[two], &[one, two]].map(gradients);
    assert!(both + steps as u64 <= first + second, "{first} {second} {both} {steps}");
}

/// Iterations for the eigenvalues of a cycle of buffers go round in it: that ends, without an effective start.
#[test]
fn roots_that_are_not_found_give_no_effective_start() {
    let text = "optimizer cycle {\n state v, w, y, z\n v' = w/2\n w' = y/2\n y' = z/2\n z' = v/2 + h*f(theta)\n \
                theta' = theta + h*f(theta) + h^2*v\n}";
    let step = parsed(text);
    let request = Request {
        lr: 1e-3,
        steps: 1,
        flows: vec![FlowName::Order(1)],
        flows_from: FlowsFrom::EffectiveStart,
        ..Request::default()
    };
    let found = simulate(&problem(&step), "cycle", &step, &[0.5, 0.25], &request).unwrap();
    let Beginning::Unsettled(reason) = &found.flows[0].beginning else { panic!("{found:?}") };
    assert!(reason.contains("roots"), "{reason}");
}
