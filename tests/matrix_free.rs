//! Flows of losses whose Hessian is never assembled, against the same flows with a full
//! eigendecomposition.

mod analytic;

use analytic::{Analytic, Of};
use bea::curvature::{Eigenpair, Krylov, Lanczos};
use bea::exact::Rational;
use bea::flow::stability::{Case, PrincipalCoefficient, stability_coefficients};
use bea::flow::{
    Branch, FlowName, Hessian, Objective, Problem, Request, Simulation, principal_field, simulate,
};
use bea::loss::{Expr, Function, Graph};
use bea::series::GeneralLinearMethod;
use bea::source::Source;
use nalgebra::DMatrix;
use num_complex::Complex64;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// `½ Σ_i d_i θ_i² + Σ_r c_r exp(a_r·θ)`, all of whose derivatives are simple.
struct Ridge {
    d: Vec<f64>,
    rows: Vec<(f64, Vec<f64>)>,
    /// Whether asking for the Hessian is an error.
    matrix_free: bool,
    products: Arc<AtomicUsize>,
}

impl Ridge {
    /// `Σ_r c_r exp(a_r·θ) Π_k (a_r·v_k) a_r`, without the quadratic part.
    fn ridges(&self, theta: &[Complex64], directions: &[&[Complex64]], out: &mut [Complex64]) {
        let along =
            |a: &[f64], v: &[Complex64]| -> Complex64 { a.iter().zip(v).map(|(a, v)| v * a).sum() };
        for (c, a) in &self.rows {
            let weight = directions.iter().map(|v| along(a, v)).product::<Complex64>();
            let weight = weight * along(a, theta).exp() * c;
            out.iter_mut().zip(a).for_each(|(out, a)| *out += weight * a);
        }
    }
}

impl Analytic for Ridge {
    fn dimension(&self) -> usize {
        self.d.len()
    }

    fn value(&self, theta: &[Complex64]) -> Complex64 {
        let square = self.d.iter().zip(theta).map(|(d, x)| x * x * d * 0.5).sum::<Complex64>();
        let ridge = |(c, a): &(f64, Vec<f64>)| {
            a.iter().zip(theta).map(|(a, x)| x * a).sum::<Complex64>().exp() * c
        };
        square + self.rows.iter().map(ridge).sum::<Complex64>()
    }

    fn gradient(&self, theta: &[Complex64], out: &mut [Complex64]) {
        self.contraction(theta, &[], out);
    }

    fn hessian(&self, theta: &[Complex64], out: &mut DMatrix<Complex64>) {
        assert!(!self.matrix_free, "the Hessian must not be assembled");
        let d = self.dimension();
        for i in 0..d {
            let unit: Vec<Complex64> =
                (0..d).map(|k| if k == i { Complex64::ONE } else { Complex64::ZERO }).collect();
            let mut column = vec![Complex64::ZERO; d];
            self.contraction(theta, &[&unit], &mut column);
            out.column_mut(i).copy_from_slice(&column);
        }
    }

    fn third(&self, theta: &[Complex64], u: &[Complex64], v: &[Complex64], out: &mut [Complex64]) {
        self.contraction(theta, &[u, v], out);
    }

    fn is_matrix_free(&self) -> bool {
        self.matrix_free
    }

    fn max_directions(&self) -> usize {
        9
    }

    fn contraction(&self, theta: &[Complex64], directions: &[&[Complex64]], out: &mut [Complex64]) {
        self.products.fetch_add(1, Ordering::Relaxed);
        out.fill(Complex64::ZERO);
        let linear = match directions {
            [] => Some(theta),
            [v] => Some(*v),
            _ => None,
        };
        if let Some(v) = linear {
            out.iter_mut().zip(v).zip(&self.d).for_each(|((out, v), d)| *out = v * d);
        }
        self.ridges(theta, directions, out);
    }
}

/// Few sharp directions above a bulk of small curvature, in `n` dimensions.
fn ridge(n: usize, sharp: &[f64], matrix_free: bool) -> Ridge {
    let d = (0..n)
        .map(|i| sharp.get(i).copied().unwrap_or(0.3 * (i as f64 / n as f64 - 0.2)))
        .collect();
    let wave = |r: usize| {
        (0..n).map(|i| 0.7 * ((1 + i * (r + 2)) as f64).sin() / (n as f64).sqrt()).collect()
    };
    let rows = (0..6).map(|r| (0.4 / (r + 1) as f64, wave(r))).collect();
    Ridge { d, rows, matrix_free, products: Arc::default() }
}

/// The same loss as a formula. Its constants are the same floating-point numbers.
fn formula(ridge: &Ridge) -> Problem {
    let mut graph = Graph::new();
    let exact = |x: f64| Rational::from(num_rational::BigRational::from_float(x).unwrap());
    let mut terms = Vec::new();
    for (i, &d) in ridge.d.iter().enumerate() {
        let x = graph.variable(i as u32);
        let square = graph.powi(x, 2);
        terms.push(graph.scale(&exact(0.5 * d), square));
    }
    for (c, a) in &ridge.rows {
        let parts: Vec<Expr> = (0..a.len())
            .map(|i| {
                let x = graph.variable(i as u32);
                graph.scale(&exact(a[i]), x)
            })
            .collect();
        let inner = graph.sum(&parts);
        let value = graph.apply(Function::Exp, inner);
        terms.push(graph.scale(&exact(*c), value));
    }
    let loss = graph.sum(&terms);
    Problem::of_loss(&graph, loss, ridge.d.len())
}

fn flows(text: &str) -> Vec<FlowName> {
    FlowName::parse(&Source::new("test", text)).unwrap()
}

fn method(name: &str) -> GeneralLinearMethod {
    let m = "9/10".parse().unwrap();
    let values = match name {
        "heavy_ball" => [("m".to_string(), m)].into_iter().collect(),
        _ => Default::default(),
    };
    bea::optimizer::find(name).unwrap().method(&values).unwrap()
}

fn run(problem: &Problem, name: &str, request: &Request) -> Simulation {
    let start: Vec<f64> = (0..problem.dimension()).map(|i| ((3 * i + 1) as f64).cos()).collect();
    simulate(problem, name, &method(name), &start, request).unwrap()
}

/// Both ways to the same trajectories.
fn compare(n: usize, sharp: &[f64], name: &str, request: &Request, tolerance: f64) -> Simulation {
    let one = run(&Problem::new(Of(ridge(n, sharp, true))), name, request);
    let other = run(&Problem::new(Of(ridge(n, sharp, false))), name, request);
    for (a, b) in one.trajectories().zip(other.trajectories()) {
        assert_eq!(a.note, b.note, "{}", a.name);
        assert_eq!(a.theta.len(), b.theta.len(), "{}", a.name);
        for (step, (x, y)) in a.theta.iter().zip(&b.theta).enumerate() {
            let size = y.iter().map(|y| y.norm_sqr()).sum::<f64>().sqrt();
            let error = x.iter().zip(y).map(|(x, y)| (x - y).norm_sqr()).sum::<f64>().sqrt();
            assert!(error < tolerance * size, "{} step {step}: {error:e} of {size}", a.name);
        }
    }
    one
}

#[test]
fn flows_agree_with_those_of_the_full_eigendecomposition() {
    // hλ = 2.3, 1.5, 0.8: complex, but far from the branch point.
    let request = Request {
        lr: 0.5,
        steps: 3,
        flows: flows("ngf,igr,pf,pf-even,order:2,pf+np:2,interpolated:2"),
        rtol: 1e-10,
        samples_per_step: 2,
        ..Request::default()
    };
    // These two run away before the third step.
    let one = Request { steps: 1, flows: flows("flip:2,positive"), ..request.clone() };
    compare(25, &[4.6, 3.0, 1.6], "gradient_descent", &one, 1e-9);
    let simulation = compare(25, &[4.6, 3.0, 1.6], "gradient_descent", &request, 1e-9);
    let pf = simulation.find("pf").unwrap();
    // Complex between the steps, as the iterates jump from side to side.
    assert!(pf.note.is_none() && pf.path[1].1.iter().any(|x| x.im.abs() > 1e-3));
}

#[test]
fn euler_steps_agree_to_rounding() {
    // The field itself, at real and at complex points, on both branches.
    for branch in [Branch::Continued, Branch::Principal] {
        let request = Request {
            lr: 0.5,
            steps: 2,
            flows: flows("pf,pf-even,pf+np:3"),
            euler: Some(0.125),
            rtol: 1e-12,
            branch,
            ..Request::default()
        };
        compare(30, &[4.6, 3.0, 1.6], "gradient_descent", &request, 1e-11);
    }
}

#[test]
fn the_cubic_flow_sums_over_the_sharpest_directions() {
    for directions in [1, 2, 3] {
        let request = Request {
            lr: 0.5,
            steps: 2,
            flows: flows("cubic"),
            euler: Some(0.125),
            rtol: 1e-11,
            directions: Some(directions),
            ..Request::default()
        };
        compare(20, &[4.6, 3.0, 1.6], "gradient_descent", &request, 1e-9);
    }
    // Adaptive, and all directions.
    let request = Request {
        lr: 0.3,
        steps: 2,
        flows: flows("cubic"),
        rtol: 1e-8,
        directions: Some(6),
        ..Request::default()
    };
    let few = compare(6, &[2.0, 1.0], "gradient_descent", &request, 1e-7);
    let error = |name: &str, s: &Simulation| s.distances(s.find(name).unwrap())[1];
    let pf = Request { flows: flows("pf"), ..request };
    let pf = compare(6, &[2.0, 1.0], "gradient_descent", &pf, 1e-7);
    assert!(error("cubic", &few) < 0.1 * error("pf", &pf));
}

#[test]
fn other_optimizers_have_principal_flows_too() {
    let request = |names| Request {
        lr: 0.05,
        steps: 2,
        flows: flows(names),
        rtol: 1e-9,
        ..Request::default()
    };
    compare(15, &[4.6, 3.0, 0.02], "heavy_ball", &request("pf-even,order:2"), 1e-7);
    compare(15, &[4.6, 3.0, 1.6], "midpoint", &request("pf,order:2,pf+np:2"), 1e-7);
}

/// `x²/2 + c x³/6`: its eigenvalue `1 + c x` moves.
struct Cubic(f64, bool);

impl Analytic for Cubic {
    fn dimension(&self) -> usize {
        1
    }
    fn value(&self, theta: &[Complex64]) -> Complex64 {
        theta[0] * theta[0] * (0.5 + self.0 * theta[0] / 6.0)
    }
    fn gradient(&self, theta: &[Complex64], out: &mut [Complex64]) {
        out[0] = theta[0] * (1.0 + self.0 * theta[0] / 2.0);
    }
    fn hessian(&self, theta: &[Complex64], out: &mut DMatrix<Complex64>) {
        out[(0, 0)] = 1.0 + self.0 * theta[0];
    }
    fn third(&self, _: &[Complex64], u: &[Complex64], v: &[Complex64], out: &mut [Complex64]) {
        out[0] = self.0 * u[0] * v[0];
    }
    fn is_matrix_free(&self) -> bool {
        self.1
    }
}

/// `∫ dx/v(x)` of the principal flow of [`Cubic`] straight from the branch point `hλ = 1` to another, `arg(1-hλ)`
/// between `-π/2` and `3π/2`. The midpoints crowd where the velocity is infinite.
fn time(c: f64, h: f64, to: Complex64) -> Complex64 {
    let branch = (1.0 / h - 1.0) / c;
    let pieces = 20_000;
    let piece = |i: i32| {
        let s = (f64::from(i) + 0.5) / f64::from(pieces);
        let moved = (to - branch) * s.powi(4);
        let (x, w) = (branch + moved, -h * c * moved);
        let mut log = w.ln();
        if log.im < -std::f64::consts::FRAC_PI_2 {
            log.im += std::f64::consts::TAU;
        }
        let velocity = log / (1.0 - w) * x * (1.0 + c * x / 2.0);
        (to - branch) * 4.0 * s.powi(3) / f64::from(pieces) / velocity
    };
    (0..pieces).map(piece).sum()
}

/// The logarithm is continued across the negative axis, and above its branch point.
#[test]
fn branches_are_followed() {
    let run = |c: f64, x: f64, lr: f64, names: &str, matrix_free| {
        let problem = Problem::new(Of(Cubic(c, matrix_free)));
        let request = Request {
            lr,
            steps: 8,
            flows: flows(names),
            samples_per_step: 16,
            ..Request::default()
        };
        simulate(&problem, "gd", &GeneralLinearMethod::euler(), &[x], &request).unwrap()
    };
    for (c, lr, names) in [(1.0, 1.2, "pf"), (1.0, 1.4, "pf,cubic")] {
        let (one, other) = (run(c, 0.3, lr, names, true), run(c, 0.3, lr, names, false));
        for (a, b) in one.flows.iter().zip(&other.flows) {
            assert!(a.note.is_none() && b.note.is_none(), "{:?} {:?}", a.note, b.note);
            assert!(a.theta.iter().any(|x| x[0].im.abs() > 1e-6));
            for (x, y) in a.theta.iter().zip(&b.theta) {
                assert!((x[0] - y[0]).norm() < 1e-9, "{} {x:?} {y:?}", a.name);
            }
        }
    }
    // hλ rises through 1 on the real line, at x = 1/6: against the time that the way takes, by quadrature.
    for matrix_free in [true, false] {
        let flow = &run(-1.0, 0.6, 1.2, "pf", matrix_free).flows[0];
        assert_eq!((flow.note.as_ref(), flow.theta.len()), (None, 9));
        let until = -time(-1.0, 1.2, 0.6.into());
        // Later on it goes around x = 0, where the velocity vanishes, and the straight line is not its way.
        let beyond = |theta: &&(f64, Vec<Complex64>)| theta.1[0].re < 0.16;
        let (t, theta) = flow.path.iter().find(beyond).expect("it passes");
        assert!(*t < 1.2 && theta[0].im != 0.0, "{t}: {}", theta[0]);
        let error = (until + time(-1.0, 1.2, theta[0]) - t).norm();
        assert!(error < 1e-8, "{error:e}");
    }
}

/// `(9/10 + y) x²/2 - x³/6 - x/10 - y`: its eigenvalue is about `9/10 + y - x`, and `y` grows at the rate 1.
struct Sticky(bool);

impl Analytic for Sticky {
    fn dimension(&self) -> usize {
        2
    }
    fn value(&self, theta: &[Complex64]) -> Complex64 {
        let (x, y) = (theta[0], theta[1]);
        x * x * ((0.9 + y) / 2.0 - x / 6.0) - 0.1 * x - y
    }
    fn gradient(&self, theta: &[Complex64], out: &mut [Complex64]) {
        let (x, y) = (theta[0], theta[1]);
        out[0] = x * (0.9 + y - x / 2.0) - 0.1;
        out[1] = x * x / 2.0 - 1.0;
    }
    fn hessian(&self, theta: &[Complex64], out: &mut DMatrix<Complex64>) {
        let (x, y) = (theta[0], theta[1]);
        out.copy_from_slice(&[0.9 + y - x, x, x, Complex64::ZERO]);
    }
    fn third(&self, _: &[Complex64], u: &[Complex64], v: &[Complex64], out: &mut [Complex64]) {
        out[0] = u[0] * v[1] + u[1] * v[0] - u[0] * v[0];
        out[1] = u[0] * v[0];
    }
    fn is_matrix_free(&self) -> bool {
        self.0
    }
}

/// The nearer `hλ` comes to 1, the faster `x` grows, which takes `λ` back: the trajectory can neither pass the branch
/// point nor leave it, and its distance to it falls as `exp(-1/|∂E/∂x|)`. That is said after a bounded number of steps.
#[test]
fn a_trajectory_that_stays_at_the_branch_point_ends_with_a_note() {
    for matrix_free in [true, false] {
        let problem = Problem::new(Of(Sticky(matrix_free)));
        let run = |euler| {
            let request =
                Request { lr: 1.0, steps: 1, flows: flows("pf"), euler, ..Request::default() };
            let method = GeneralLinearMethod::euler();
            simulate(&problem, "gd", &method, &[0.0, 0.0], &request).unwrap().flows.remove(0)
        };
        let flow = run(None);
        let note = flow.note.as_ref().expect("it cannot go on");
        assert!(note.contains("stays at the branch point hλ = 1"), "{note}");
        // Fixed steps go on.
        let flow = run(Some(0.05));
        assert_eq!((flow.note.as_ref(), flow.theta.len()), (None, 2));
    }
}

#[test]
fn implicit_stages_are_solved_without_a_matrix() {
    let request = Request { lr: 0.7, steps: 5, ..Request::default() };
    for name in ["implicit_euler", "implicit_midpoint", "radau_iia3"] {
        compare(25, &[4.6, 3.0, 1.6], name, &request, 1e-12);
    }
}

#[test]
fn contractions_give_the_terms_that_formulas_give() {
    for (name, lr) in [("gradient_descent", 0.3), ("heavy_ball", 0.02), ("midpoint", 0.3)] {
        let request = Request {
            lr,
            steps: 1,
            flows: flows("order:1,order:3,order:4,pf+np:3"),
            euler: Some(lr),
            rtol: 1e-13,
            ..Request::default()
        };
        let one = run(&Problem::new(Of(ridge(5, &[2.0, 1.0], true))), name, &request);
        let other = run(&formula(&ridge(5, &[2.0, 1.0], false)), name, &request);
        for (a, b) in one.trajectories().zip(other.trajectories()) {
            for (x, y) in a.theta[1].iter().zip(&b.theta[1]) {
                assert!((x - y).norm() < 1e-11, "{name} {}: {x} {y}", a.name);
            }
        }
    }
}

#[test]
fn flows_that_need_more_derivatives_than_there_are_say_so() {
    struct Three(Ridge);
    impl Analytic for Three {
        fn dimension(&self) -> usize {
            self.0.dimension()
        }
        fn value(&self, theta: &[Complex64]) -> Complex64 {
            self.0.value(theta)
        }
        fn gradient(&self, theta: &[Complex64], out: &mut [Complex64]) {
            self.0.gradient(theta, out);
        }
        fn hessian(&self, theta: &[Complex64], out: &mut DMatrix<Complex64>) {
            self.0.hessian(theta, out);
        }
        fn third(&self, t: &[Complex64], u: &[Complex64], v: &[Complex64], out: &mut [Complex64]) {
            self.0.third(t, u, v, out);
        }
    }
    let problem = Problem::new(Of(Three(ridge(4, &[1.0], false))));
    let request = |text| Request { steps: 1, flows: flows(text), ..Request::default() };
    let gd = method("heavy_ball");
    assert!(simulate(&problem, "heavy_ball", &gd, &[0.1; 4], &request("order:2")).is_ok());
    let error = simulate(&problem, "heavy_ball", &gd, &[0.1; 4], &request("order:3")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no flow `order:3` here: it needs 4 derivatives of the loss, which has 3: formulas and networks have derivatives of \
         every order; closures get them by `with_contraction`"
    );
}

/// A hundred thousand parameters: a dense Hessian would take 80 GB.
#[test]
fn a_principal_field_of_many_parameters() {
    let n = 100_000;
    let d: Vec<f64> = (0..n)
        .map(|i| match i {
            0 => 5.0,
            1 => 3.3,
            2 => 1.2,
            _ => 0.4 * ((i as f64).sin() + 0.5) / (1.0 + i as f64).ln(),
        })
        .collect();
    let products = Arc::<AtomicUsize>::default();
    let loss = Ridge { d: d.clone(), rows: vec![], matrix_free: true, products: products.clone() };
    let problem = Problem::new(Of(loss));
    let h = 0.5;
    for imaginary in [0.0, 0.3] {
        let theta: Vec<Complex64> = (0..n)
            .map(|i| Complex64::new((i as f64).cos(), imaginary * (i as f64 * 0.1).sin()))
            .collect();
        // φ(hλ_i) g_i = log(1-hλ_i)/h θ_i.
        let expected: Vec<Complex64> = d
            .iter()
            .zip(&theta)
            .map(|(d, x)| bea::flow::alpha::log_1p((-h * d).into()) / h * x)
            .collect();
        let norm = expected.iter().map(|x| x.norm_sqr()).sum::<f64>().sqrt();
        for tolerance in [1e-11, 1e-4] {
            products.store(0, Ordering::Relaxed);
            let krylov = Krylov { tolerance, ..Krylov::default() };
            let found = principal_field(&problem, &theta, h, &krylov).unwrap();
            let difference = found.value.iter().zip(&expected).map(|(x, y)| (x - y).norm_sqr());
            let error = difference.sum::<f64>().sqrt();
            assert!(found.converged && error < tolerance * norm, "{:e}", error / norm);
            assert!(error < 2.0 * found.estimate + 1e-13 * norm);
            // The gradient is one more.
            assert_eq!(products.load(Ordering::Relaxed), found.products + 1);
            assert!(found.products < if tolerance > 1e-5 { 14 } else { 40 }, "{}", found.products);
        }
    }
}

/// `hλ = 1`: one step of gradient descent ends at the minimum, which its flow reaches at no rate that is finite.
#[test]
fn stability_coefficients_at_the_branch_point() {
    let pair = || vec![Eigenpair { value: 2.0, vector: vec![-1.0], residual: 0.0 }];
    let named = PrincipalCoefficient::new(&method("gradient_descent"), 0.5).unwrap().unwrap();
    for (case, sc) in [
        ("descent", stability_coefficients(&mut pair(), &[3.0], 0.5)),
        ("by its name", named.along(&mut pair(), &[3.0])),
    ] {
        assert_eq!(sc[0].coefficient.re, f64::NEG_INFINITY, "{case}");
        assert_eq!((sc[0].coefficient.im, sc[0].along), (0.0, 3.0), "{case}");
        assert_eq!(sc[0].case, Case::BranchPoint, "{case}");
    }
}

#[test]
fn stability_coefficients_tell_the_cases() {
    let loss = Of(ridge(40, &[4.6, 3.0, 1.6], true));
    let theta: Vec<f64> = (0..40).map(|i| (i as f64).cos()).collect();
    let hessian = Hessian::new(&loss, theta.clone());
    let lanczos = Lanczos { largest: 4, smallest: 1, ..Lanczos::default() };
    let found = lanczos.run(&hessian, &[]).unwrap();
    let mut pairs = [found.largest, found.smallest].concat();
    let complex: Vec<Complex64> = theta.iter().map(|&x| x.into()).collect();
    let mut g = vec![0.0; 40];
    loss.gradient(&theta, &mut g).unwrap();
    let h = 0.5;
    let coefficients = stability_coefficients(&mut pairs, &g, h);
    let cases: Vec<Case> = coefficients.iter().map(|c| c.case).collect();
    assert_eq!(
        cases,
        [
            Case::UnstableComplex,
            Case::ComplexStable,
            Case::RealStable,
            Case::RealStable,
            Case::Repelling
        ]
    );
    // sc_i is what the principal field has along u_i.
    let field = principal_field(&Problem::new(loss), &complex, h, &Krylov::default()).unwrap();
    for (pair, c) in pairs.iter().zip(&coefficients) {
        let along: Complex64 = pair.vector.iter().zip(&field.value).map(|(u, f)| f * u).sum();
        assert!((along - c.coefficient).norm() < 1e-7 * (1.0 + along.norm()), "{along} {c:?}");
        assert!(c.along >= 0.0 && c.z == h * pair.value);
        let own: f64 = pair.vector.iter().zip(&g).map(|(u, g)| u * g).sum();
        assert!((own - c.along).abs() < 1e-14);
    }
}
