//! Flows against what they promise: exact on quadratics, of the right order on other losses.

mod analytic;
mod cases;

use analytic::{Analytic, Of};
use bea::exact::Rational;
use bea::flow::{Branch, FlowName, Objective, Problem, Request, Simulation, quadratic, simulate};
use bea::loss::Graph;
use bea::series::GeneralLinearMethod;
use bea::source::Source;
use nalgebra::{DMatrix, DVector};
use num_complex::Complex64;
use num_rational::BigRational;
use proptest::prelude::*;

/// `½ θᵀAθ + bᵀθ`.
struct Quadratic {
    a: DMatrix<Complex64>,
    b: DVector<Complex64>,
}

impl Quadratic {
    fn new(a: &DMatrix<f64>, b: &DVector<f64>) -> Quadratic {
        Quadratic { a: a.map(Complex64::from), b: b.map(Complex64::from) }
    }
}

impl Analytic for Quadratic {
    fn dimension(&self) -> usize {
        self.b.len()
    }

    fn value(&self, theta: &[Complex64]) -> Complex64 {
        let theta = DVector::from_column_slice(theta);
        (theta.transpose() * &self.a * &theta)[0] * 0.5 + self.b.dot(&theta)
    }

    fn gradient(&self, theta: &[Complex64], out: &mut [Complex64]) {
        let theta = DVector::from_column_slice(theta);
        out.copy_from_slice((&self.a * theta + &self.b).as_slice());
    }

    fn hessian(&self, _theta: &[Complex64], out: &mut DMatrix<Complex64>) {
        out.copy_from(&self.a);
    }

    fn third(&self, _: &[Complex64], _: &[Complex64], _: &[Complex64], out: &mut [Complex64]) {
        out.fill(Complex64::ZERO);
    }
}

/// `x²/2 + c x³/6`, whose curvature is `1 + c x`.
struct Cubic1d(f64);

impl Analytic for Cubic1d {
    fn dimension(&self) -> usize {
        1
    }

    fn value(&self, theta: &[Complex64]) -> Complex64 {
        let x = theta[0];
        x * x / 2.0 + self.0 * x * x * x / 6.0
    }

    fn gradient(&self, theta: &[Complex64], out: &mut [Complex64]) {
        let x = theta[0];
        out[0] = x + self.0 * x * x / 2.0;
    }

    fn hessian(&self, theta: &[Complex64], out: &mut DMatrix<Complex64>) {
        out[(0, 0)] = 1.0 + self.0 * theta[0];
    }

    fn third(&self, _: &[Complex64], u: &[Complex64], v: &[Complex64], out: &mut [Complex64]) {
        out[0] = self.0 * u[0] * v[0];
    }
}

fn flows(text: &str) -> Vec<FlowName> {
    FlowName::parse(&Source::new("test", text)).unwrap()
}

/// Gradient descent and some of its flows.
fn descend(problem: &Problem, start: &[f64], request: &Request) -> Simulation {
    simulate(problem, "gradient_descent", &GeneralLinearMethod::euler(), start, request).unwrap()
}

/// A random symmetric matrix with the given eigenvalues.
fn symmetric(eigenvalues: &[f64], entries: &[f64]) -> DMatrix<f64> {
    let n = eigenvalues.len();
    let q = DMatrix::from_fn(n, n, |i, j| entries[i * n + j]).qr().q();
    let a = &q * DMatrix::from_diagonal(&DVector::from_column_slice(eigenvalues)) * q.transpose();
    (&a + a.transpose()) * 0.5
}

proptest! {
    #![proptest_config(cases::cases(40))]

    /// SPD and indefinite, `h` from 0.1/λ to 3/λ, with and without a linear term.
    #[test]
    fn on_quadratics_the_principal_flow_is_gradient_descent(
        eigenvalues in proptest::collection::vec(0.05..1.0f64, 1..5),
        signs in proptest::collection::vec(any::<bool>(), 5),
        definite in any::<bool>(),
        linear in any::<bool>(),
        entries in proptest::collection::vec(-1.0..1.0f64, 25),
        start in proptest::collection::vec(-2.0..2.0f64, 5),
        slope in proptest::collection::vec(-1.0..1.0f64, 5),
        reach in 0.1..3.0f64,
    ) {
        let n = eigenvalues.len();
        let eigenvalues: Vec<f64> = eigenvalues
            .iter()
            .zip(signs)
            .map(|(&l, sign)| if definite || sign { l } else { -l })
            .collect();
        let largest = eigenvalues.iter().fold(0.0f64, |m, l| m.max(l.abs()));
        let h = reach / largest;
        // At the branch point the flow ends, which is another test.
        prop_assume!(eigenvalues.iter().all(|l| (1.0 - h * l).abs() > 1e-3));
        let a = symmetric(&eigenvalues, &entries);
        let b = DVector::from_fn(n, |i, _| if linear { slope[i] } else { 0.0 });
        let start = DVector::from_column_slice(&start[..n]);
        let problem = Problem::new(Of(Quadratic::new(&a, &b)));
        let request = Request {
            lr: h,
            steps: 6,
            flows: flows("pf,pf-even"),
            rtol: 1e-12,
            atol: 1e-13,
            ..Request::default()
        };
        let simulation = descend(&problem, start.as_slice(), &request);
        let (gd, pf) = (&simulation.optimizer, &simulation.flows[0]);
        let even = &simulation.flows[1];
        prop_assert_eq!(&pf.note, &None);
        prop_assert_eq!(pf.theta.len(), 7);
        prop_assert_eq!(even.theta.len(), 7);
        for step in 0..=6 {
            let size = |x: &[Complex64]| x.iter().map(|z| z.norm()).fold(0.0, f64::max);
            let scale = size(&gd.theta[step]).max(start.amax());
            let error = |x: &[Complex64]| {
                let gaps = x.iter().zip(&gd.theta[step]).map(|(x, y)| (x - y).norm());
                gaps.fold(0.0, f64::max)
            };
            prop_assert!(error(&pf.theta[step]) <= 1e-9 * scale, "pf, step {step}");
            let closed = quadratic(&a, &b, &start, h, step as f64 * h);
            prop_assert!(error(closed.as_slice()) <= 1e-11 * scale, "closed form, step {step}");
            if step % 2 == 0 {
                prop_assert!(error(&even.theta[step]) <= 1e-9 * scale, "pf-even, step {step}");
                prop_assert!(even.theta[step].iter().all(|z| z.im == 0.0));
            }
        }
    }
}

/// The closed form between the steps, against the integrator; and the paper's formula is not it.
#[test]
fn the_closed_form_solves_the_flow_between_steps_too() {
    let a = symmetric(&[1.7, 0.4], &[0.3, -0.8, 0.5, 0.2]);
    let (b, start) = (DVector::from_vec(vec![0.9, 0.7]), DVector::from_vec(vec![1.0, -0.5]));
    let problem = Problem::new(Of(Quadratic::new(&a, &b)));
    let request = Request {
        lr: 0.9,
        steps: 3,
        flows: flows("pf"),
        rtol: 1e-12,
        samples_per_step: 4,
        ..Request::default()
    };
    let simulation = descend(&problem, start.as_slice(), &request);
    assert_eq!(simulation.flows[0].path.len(), 13);
    for (t, point) in &simulation.flows[0].path {
        let closed = quadratic(&a, &b, &start, 0.9, *t);
        let error = point.iter().zip(&closed).map(|(x, y)| (x - y).norm()).fold(0.0, f64::max);
        assert!(error < 1e-10, "{t}: {error:e}");
    }
    // The paper's linear term grows linearly in t; after one step it is not gradient descent's.
    let eigen = a.clone().symmetric_eigen();
    let paper = eigen.eigenvalues.iter().zip(eigen.eigenvectors.column_iter()).fold(
        DVector::<Complex64>::zeros(2),
        |sum, (l, u)| {
            let log = Complex64::from(1.0 - 0.9 * l).ln();
            sum + u.map(Complex64::from) * (log.exp() * u.dot(&start) + log / *l * u.dot(&b))
        },
    );
    let gd = DVector::from_column_slice(&simulation.optimizer.theta[1]);
    assert!((paper - gd).norm() > 0.1);
}

#[test]
fn the_branch_point_ends_a_trajectory_with_a_note() {
    let a = DMatrix::from_diagonal(&DVector::from_vec(vec![2.0, 1.0]));
    let problem = Problem::new(Of(Quadratic::new(&a, &DVector::zeros(2))));
    let request =
        Request { lr: 0.5, steps: 3, flows: flows("pf,ngf,pf-even"), ..Request::default() };
    let simulation = descend(&problem, &[1.0, 1.0], &request);
    let pf = simulation.find("pf").unwrap();
    assert_eq!(pf.theta.len(), 1);
    assert!(pf.note.as_ref().unwrap().contains("branch point"), "{:?}", pf.note);
    assert_eq!(simulation.find("ngf").unwrap().theta.len(), 4);
}

/// `E = x²/2 + x³/6`, whose curvature `1+x` is 1 at the minimum: at `h = 1` the trajectory runs into
/// the branch point there. The stages of its last step try points beyond it.
#[test]
fn the_note_names_the_branch_point_that_a_trajectory_runs_into() {
    let problem = Problem::new(Of(Cubic1d(1.0)));
    let request = Request { lr: 1.0, flows: flows("pf"), ..Request::default() };
    let simulation = descend(&problem, &[0.5], &request);
    let note = simulation.flows[0].note.as_ref().expect("it cannot go on");
    assert!(note.ends_with("reaches the branch point hλ = 1 of the logarithm"), "{note}");
}

/// Rosenbrock's function at `hλ0 = 2.6`: an eigenvalue goes around the branch point seven times, and
/// the field stays smooth on every sheet.
#[test]
fn a_trajectory_may_go_around_the_branch_point_many_times() {
    let loss = bea::loss::find("rosenbrock", &Default::default()).unwrap();
    let problem = Problem::of_loss(loss.graph(), loss.expression(), 2);
    let run = |rtol: f64| {
        let request = Request { lr: 0.0017, steps: 4, flows: flows("pf"), ..Request::default() };
        let mut simulation =
            descend(&problem, &[-1.2, 1.0], &Request { rtol, atol: 1e-2 * rtol, ..request });
        simulation.flows.swap_remove(0)
    };
    let (coarse, fine) = (run(1e-8), run(1e-11));
    assert_eq!((&coarse.note, &fine.note), (&None, &None));
    for (a, b) in coarse.theta.iter().flatten().zip(fine.theta.iter().flatten()) {
        assert!((a - b).norm() < 1e-5, "{a} {b}");
    }
}

/// `E = x²/2 + x³/6` at `h = 1.2`: on the principal branch the field jumps where the trajectory
/// wants to cross the cut; continued, it is smooth.
#[test]
fn the_continued_branch_goes_on_where_the_principal_one_grinds() {
    let problem = Problem::new(Of(Cubic1d(1.0)));
    let run = |branch| {
        let request =
            Request { lr: 1.2, steps: 8, flows: flows("pf"), branch, ..Request::default() };
        descend(&problem, &[0.1], &request)
    };
    let continued = run(Branch::Continued);
    assert_eq!(continued.flows[0].note, None);
    assert_eq!(continued.flows[0].theta.len(), 9);
    let principal = run(Branch::Principal);
    let note = principal.flows[0].note.as_ref().expect("the principal branch cannot go on");
    assert!(note.contains("collapsed") || note.contains("more than"), "{note}");
    // The continued flow follows gradient descent to within the non-principal terms.
    let distances = continued.distances(&continued.flows[0]);
    assert!(distances.iter().all(|&d| d < 0.02), "{distances:?}");
}

/// Half the Euler step, half the error; a tenth of the tolerance, less error.
#[test]
fn the_integrators_have_their_orders() {
    let problem = Problem::new(Of(Cubic1d(1.0)));
    let end = |request: Request| {
        let request = Request { lr: 0.3, steps: 4, flows: flows("ngf"), ..request };
        descend(&problem, &[0.8], &request).flows[0].theta[4][0].re
    };
    // ẋ = -x - x²/2: the solution with x(0) = x_0.
    let exact = |t: f64| {
        let x0 = 0.8f64;
        2.0 * x0 / ((2.0 + x0) * t.exp() - x0)
    };
    let adaptive = |rtol: f64| {
        let request = Request { rtol, atol: rtol / 100.0, ..Request::default() };
        (end(request) - exact(1.2)).abs()
    };
    assert!(adaptive(1e-12) < 1e-12);
    assert!(adaptive(1e-6) < 1e-6);
    let euler = |step| {
        let request = Request { euler: Some(step), ..Request::default() };
        (end(request) - exact(1.2)).abs()
    };
    let order = (euler(1e-3) / euler(5e-4)).log2();
    assert!((order - 1.0).abs() < 0.01, "{order}");
}

/// One step of `E = x²/2 + x³/6` from 0.1: how far flows stay from gradient descent, with the
/// continued logarithm. The numbers are those of DESIGN section 4, found elsewhere.
#[test]
fn the_table_of_the_cubic_flow() {
    let mut graph = Graph::new();
    let x = graph.variable(0);
    let (square, cube) = (graph.powi(x, 2), graph.powi(x, 3));
    let half = graph.scale(&Rational::new(1, 2).unwrap(), square);
    let sixth = graph.scale(&Rational::new(1, 6).unwrap(), cube);
    let loss = graph.add(half, sixth);
    let problem = Problem::of_loss(&graph, loss, 1);
    let expected = [
        (0.3, [4.6e-3, 3.0e-5, 1.6e-5, 3.4e-8]),
        (0.9, [3.4e-2, 1.5e-3, 1.5e-3, 3.8e-5]),
        (1.5, [7.9e-2, 8.5e-3, 7.7e-3, 6.8e-4]),
        (2.1, [1.3e-1, 1.7e-2, 1.1e-2, 1.9e-3]),
    ];
    for (lr, errors) in expected {
        let names = flows("ngf,pf,pf+np:2,cubic");
        let request = Request { lr, steps: 1, flows: names, rtol: 1e-12, ..Request::default() };
        let simulation = descend(&problem, &[0.1], &request);
        for (flow, error) in simulation.flows.iter().zip(errors) {
            assert_eq!(flow.note, None);
            let found = simulation.distances(flow)[1];
            // Two digits were printed.
            assert!((found / error - 1.0).abs() < 0.05, "h = {lr}, {}: {found:e}", flow.name);
        }
    }
}

/// Methods with memory, one that is implicit and one with several stages: on a quadratic loss their
/// own principal flow is exact too, once they have settled on the slow manifold.
#[test]
fn on_quadratics_every_optimizer_follows_its_own_principal_flow() {
    let a = symmetric(&[0.9, -0.3, 0.05], &[0.3, -0.8, 0.5, 0.2, 0.9, -0.1, 0.4, 0.6, 0.7]);
    let problem = Problem::new(Of(Quadratic::new(&a, &DVector::from_vec(vec![0.2, -0.1, 0.3]))));
    for (name, value) in [
        ("heavy_ball", "m"),
        ("nesterov", "m"),
        ("implicit_midpoint", ""),
        ("rk4", ""),
        ("bdf2", ""),
    ] {
        let values = [(value.to_string(), BigRational::new(1.into(), 5.into()))];
        let values = values.into_iter().filter(|(name, _)| !name.is_empty()).collect();
        let method = bea::optimizer::find(name).unwrap().method(&values).unwrap();
        let run = |start: &[f64], steps, text: &str| {
            let flows = if text.is_empty() { Vec::new() } else { flows(text) };
            let request =
                Request { lr: 0.2, steps, flows, rtol: 1e-13, atol: 1e-14, ..Request::default() };
            simulate(&problem, name, &method, start, &request).unwrap()
        };
        let itself = run(&[1.0, -0.5, 0.3], 54, "");
        let settled: Vec<f64> = itself.optimizer.theta[50].iter().map(|z| z.re).collect();
        let flow = run(&settled, 4, "pf");
        assert_eq!(flow.flows[0].note, None);
        for step in 1..=4 {
            let (x, y) = (&itself.optimizer.theta[50 + step], &flow.flows[0].theta[step]);
            let error = x.iter().zip(y).map(|(x, y)| (x - y).norm()).fold(0.0, f64::max);
            let size = x.iter().map(|x| x.norm()).fold(0.0, f64::max);
            assert!(error < 1e-10 * size, "{name}, step {step}: {error:e}");
        }
    }
}

/// Beyond `hλ = 1` too the general principal flow is gradient descent's where both exist: an
/// optimizer that is gradient descent in other words.
#[test]
fn the_general_principal_flow_agrees_with_that_of_gradient_descent() {
    let text = "optimizer idle { state v\n v' = 1/2*v\n theta' = theta + h*f(theta) }";
    let idle = &bea::optimizer::parse(&Source::new("idle", text)).unwrap()[0];
    let idle = idle.method(&Default::default()).unwrap();
    let problem = Problem::new(Of(Cubic1d(1.0)));
    for names in ["pf", "pf-even"] {
        let request = Request { lr: 1.4, steps: 5, flows: flows(names), ..Request::default() };
        let one = descend(&problem, &[0.1], &request);
        let other = simulate(&problem, "idle", &idle, &[0.1], &request).unwrap();
        assert_eq!((&one.flows[0].note, &other.flows[0].note), (&None, &None));
        for (x, y) in one.flows[0].theta.iter().zip(&other.flows[0].theta) {
            assert!((x[0] - y[0]).norm() < 1e-8, "{} {}", x[0], y[0]);
        }
    }
}

#[test]
fn what_cannot_be_simulated_is_said() {
    let problem = Problem::new(Of(Cubic1d(1.0)));
    let request = |text| Request { flows: flows(text), ..Request::default() };
    let fault = |start: &[f64], request: &Request| {
        let method = GeneralLinearMethod::euler();
        simulate(&problem, "gd", &method, start, request).unwrap_err().to_string()
    };
    let base = request("ngf");
    assert!(fault(&[1.0, 2.0], &base).contains("the start has 2 values, the loss 1 variables"));
    assert!(fault(&[f64::NAN], &base).contains("not finite at the start"));
    assert!(fault(&[1.0], &Request { lr: 0.0, ..base.clone() }).contains("step size"));
    assert!(fault(&[1.0], &Request { steps: 0, ..base.clone() }).contains("at least one step"));
    assert!(fault(&[1.0], &Request { rtol: -1.0, ..base }).contains("rtol must be positive"));
    assert!(fault(&[1.0], &request("flip:2")).contains("the Hessian has 1 eigendirections"));
    assert!(fault(&[1.0], &request("order:4")).contains("of the loss, which has 3"));
}

/// A zero-sum game `x² - y²/2 + 2xy`: the Jacobian is not symmetric and its eigenvalues are complex.
#[test]
fn in_quadratic_games_the_principal_flow_is_simultaneous_descent() {
    let a = DMatrix::from_row_slice(2, 2, &[2.0, 2.0, 2.0, -1.0]);
    let fields: Vec<(usize, std::sync::Arc<dyn Objective>)> = [1.0, -1.0]
        .into_iter()
        .enumerate()
        .map(|(player, sign)| -> (usize, std::sync::Arc<dyn Objective>) {
            (player, std::sync::Arc::new(Of(Quadratic::new(&(&a * sign), &DVector::zeros(2)))))
        })
        .collect();
    let problem = Problem::of_fields(vec![vec![0], vec![1]], fields).unwrap();
    let method = bea::optimizer::find("simultaneous_gda").unwrap();
    let method = method.method(&Default::default()).unwrap();
    let request = Request {
        lr: 0.4,
        steps: 6,
        flows: flows("pf,interpolated:2"),
        rtol: 1e-12,
        ..Request::default()
    };
    let simulation = simulate(&problem, "gda", &method, &[1.0, -0.5], &request).unwrap();
    // θ' = θ + h f(θ), by hand.
    let first = [1.0 - 0.4 * (2.0 - 1.0), -0.5 + 0.4 * (2.0 + 0.5)];
    let second = &simulation.optimizer.theta[1];
    assert!((0..2).all(|i| (second[i] - first[i]).norm() < 1e-14), "{second:?}");
    assert_eq!(simulation.flows[0].note, None);
    let distances = simulation.distances(&simulation.flows[0]);
    assert!(distances.iter().all(|&d| d < 1e-9), "{distances:?}");
}
