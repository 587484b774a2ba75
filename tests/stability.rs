//! Stability against closed forms, and against what the optimizers and flows do near the point.

mod cases;

use bea::flow::stability::{
    Case, Coupled, Crossing, Direction, Eigenvalues, Interval, PointKind, Stability,
    StabilityError, StabilityRequest, StabilityType, stability,
};
use bea::flow::{self, FlowName, Problem, Trajectory, simulate};
use bea::loss::Loss;
use bea::optimizer;
use bea::series::GeneralLinearMethod;
use bea::source::Source;
use nalgebra::DMatrix;
use num_complex::Complex64;
use num_rational::BigRational;
use proptest::prelude::*;

fn method(name: &str, values: &[(&str, BigRational)]) -> GeneralLinearMethod {
    let values = values.iter().map(|(n, v)| (n.to_string(), v.clone())).collect();
    optimizer::find(name).unwrap().method(&values).unwrap()
}

fn ratio(n: i64, d: i64) -> BigRational {
    BigRational::new(n.into(), d.into())
}

fn loss(text: &str) -> Problem {
    let loss = Loss::parse(&Source::new("test", text), &Default::default()).unwrap();
    Problem::of_loss(loss.graph(), loss.expression(), loss.variables.len())
}

/// Zero-sum: the variables `first` descend, the others ascend.
fn game(text: &str, first: &[&str]) -> Problem {
    let loss = Loss::parse(&Source::new("test", text), &Default::default()).unwrap();
    let variables = loss.variables.clone();
    let (mut graph, e) = loss.into_parts();
    let other = graph.neg(e);
    let (one, two) = (0..variables.len()).partition(|&i| first.contains(&variables[i].as_str()));
    let spaces = vec![one, two];
    Problem::of_losses(&graph, spaces, &[(0, e), (1, other)]).unwrap()
}

fn at(problem: &Problem, method: &GeneralLinearMethod, start: &[f64], h: f64) -> Stability {
    stability(problem, method, start, &StabilityRequest { lr: Some(h), order: 4 }).unwrap()
}

fn directions(stability: &Stability) -> &[Direction] {
    match &stability.spectrum {
        Eigenvalues::Loss(directions) => directions,
        Eigenvalues::Coupled(_) => panic!("one loss"),
    }
}

fn coupled(stability: &Stability) -> &Coupled {
    match &stability.spectrum {
        Eigenvalues::Coupled(coupled) => coupled,
        Eigenvalues::Loss(_) => panic!("a game"),
    }
}

/// The intervals in `hλ` on `E = x²/2`.
fn unit_intervals(method: &GeneralLinearMethod) -> Vec<Interval> {
    at(&loss("x^2/2"), method, &[0.0], 0.1).intervals.unwrap()
}

fn verdicts(intervals: &[Interval]) -> Vec<StabilityType> {
    intervals.iter().map(|i| i.verdict).collect()
}

use StabilityType::{Neutral, Stable, Unstable};

#[test]
fn gradient_descent_converges_below_two_over_lambda() {
    let found = at(&loss("x^2 + 5*y^2"), &GeneralLinearMethod::euler(), &[1.0, -2.0], 0.15);
    assert_eq!(found.point.kind, PointKind::Minimum);
    assert!(found.point.norm < 1e-12 && found.point.norm_given > 1.0);
    assert_eq!(found.critical_learning_rate(), Some(0.2));
    let directions = directions(&found);
    assert!((directions[0].lambda - 10.0).abs() < 1e-14);
    assert_eq!(directions[0].intervals[0].to.exact, Some(ratio(2, 1)));
    assert_eq!(directions[0].intervals[0].to.crossing, Crossing::Minus);
    let (steep, flat) = (directions[0].at_step.as_ref(), directions[1].at_step.as_ref());
    let (steep, flat) = (steep.unwrap(), flat.unwrap());
    assert_eq!((steep.case, flat.case), (Some(Case::ComplexStable), Some(Case::RealStable)));
    // 1 - 1.5; -(λ + hλ²/2); log(-1/2)/h
    assert!((steep.radius - 0.5).abs() < 1e-14);
    assert!((steep.igr + 10.0 + 7.5).abs() < 1e-12);
    let pf = steep.pf.unwrap() * 0.15;
    assert!((pf - Complex64::new(0.5f64.ln(), std::f64::consts::PI)).norm() < 1e-13);
    // Σ_{k=1}^{5} (-1)^(k-1)/k (-hλ)^k / h
    let order: f64 = (1..=5).map(|k| -(1.5f64.powi(k)) / f64::from(k)).sum::<f64>() / 0.15;
    assert!((steep.order.unwrap() - order).abs() < 1e-12);
}

#[test]
fn momentum_moves_the_critical_learning_rate() {
    for (n, d) in [(0, 1), (1, 4), (1, 2), (9, 10), (99, 100)] {
        let m = ratio(n, d);
        let two = ratio(2, 1);
        let one = ratio(1, 1);
        // det(R + I) = 0, derived by hand: heavy ball 2 + 2m - hλ, Nesterov 1 + (1-hλ)(1+2m).
        let heavy_ball = &two * (&one + &m);
        let nesterov = &heavy_ball / (&one + &two * &m);
        for (name, bound) in [("heavy_ball", heavy_ball), ("nesterov", nesterov)] {
            let found = unit_intervals(&method(name, &[("m", m.clone())]));
            assert_eq!(verdicts(&found), [Stable, Unstable], "{name} {m}");
            assert_eq!(found[0].to.exact, Some(bound), "{name} {m}");
            assert_eq!(found[0].to.crossing, Crossing::Minus);
        }
    }
}

#[test]
fn implicit_methods_are_a_stable() {
    for name in ["implicit_euler", "trapezoidal", "implicit_midpoint", "bdf2"] {
        let method = method(name, &[]);
        let found = unit_intervals(&method);
        assert_eq!(verdicts(&found), [Stable], "{name}");
        assert_eq!(found[0].to.value, f64::INFINITY);
        let steep = at(&loss("50*x^2"), &method, &[0.0], 3.0);
        assert_eq!(steep.critical_learning_rate(), Some(f64::INFINITY));
    }
    // 1/(1-h|λ|) at a maximum: too large steps of implicit Euler converge where they should not.
    let found = at(&loss("-x^2/2"), &method("implicit_euler", &[]), &[0.1], 0.1);
    assert_eq!(found.point.kind, PointKind::Maximum);
    assert_eq!(found.critical_learning_rate(), Some(0.0));
    let intervals = found.intervals.unwrap();
    assert_eq!(verdicts(&intervals), [Unstable, Stable]);
    assert_eq!(intervals[1].from.value, 2.0);
}

/// The real stability boundaries of the explicit methods of order 2, 3 and 4: roots of
/// `R(-z) = ±1` with the truncated exponential series; Hairer and Wanner, section IV.2.
#[test]
fn runge_kutta_methods_have_their_real_stability_intervals() {
    for (name, bound) in [("heun", 2.0), ("kutta3", 2.512745326618), ("rk4", 2.785293563405)] {
        let found = unit_intervals(&method(name, &[]));
        assert_eq!(verdicts(&found), [Stable, Unstable], "{name}");
        assert!((found[0].to.value - bound).abs() < 1e-11, "{name}: {}", found[0].to.value);
    }
}

#[test]
fn sharpness_aware_minimisation_depends_on_lambda_and_h_apart() {
    // 1 - hλ(1+ρλ) = -1
    let rho = 0.25;
    let sam = method("sam", &[("rho", ratio(1, 4))]);
    let found = at(&loss("3*x^2 + y^2/2"), &sam, &[0.0, 0.0], 0.1);
    let critical = 2.0 / (6.0 * (1.0 + rho * 6.0));
    assert!((found.critical_learning_rate().unwrap() - critical).abs() < 1e-14);
    let steep = &directions(&found)[0];
    assert!(!steep.scaled);
    let radius = 1.0 - 0.1 * 6.0 * (1.0 + rho * 6.0);
    assert!((steep.at_step.as_ref().unwrap().radius - radius.abs()).abs() < 1e-14);
}

#[test]
fn bilinear_games() {
    let problem = game("3*x*y", &["x"]);
    let of = |name: &str| at(&problem, &method(name, &[]), &[0.4, 0.3], 0.1);
    let simultaneous = of("simultaneous_gda");
    assert_eq!(simultaneous.point.kind, PointKind::Center);
    assert_eq!(verdicts(simultaneous.intervals.as_ref().unwrap()), [Unstable]);
    assert_eq!(simultaneous.critical_learning_rate(), Some(0.0));
    // |1 + ihσ|
    let radius = coupled(&simultaneous).at_step.as_ref().unwrap().radius;
    assert!((radius - 0.3f64.hypot(1.0)).abs() < 1e-14);

    let alternating = of("alternating_gda");
    let intervals = alternating.intervals.as_ref().unwrap();
    assert_eq!(verdicts(intervals), [Neutral, Unstable]);
    assert_eq!(intervals[0].to.exact, Some(ratio(2, 3)));

    // |1 - s² ± is| < 1 exactly for s < 1.
    let extragradient = of("extragradient_gda");
    let intervals = extragradient.intervals.as_ref().unwrap();
    assert_eq!(verdicts(intervals), [Stable, Unstable]);
    assert_eq!(intervals[0].to.exact, Some(ratio(1, 3)));
    assert_eq!(intervals[0].to.crossing, Crossing::Circle);
    assert_eq!(extragradient.critical_learning_rate(), Some(1.0 / 3.0));
    assert_eq!(verdicts(of("proximal_gda").intervals.as_ref().unwrap()), [Stable]);
}

#[test]
fn games_of_several_dimensions() {
    // Singular values 3 and 1.
    let problem = game("2*a*x + a*y + b*x + 2*b*y", &["a", "b"]);
    let of = |name: &str| at(&problem, &method(name, &[]), &[0.1, 0.2, 0.3, 0.4], 0.1);
    let alternating = of("alternating_gda");
    let intervals = alternating.intervals.as_ref().unwrap();
    assert_eq!((intervals[0].verdict, intervals[0].to.exact.clone()), (Neutral, Some(ratio(2, 3))));
    assert_eq!(intervals.last().unwrap().verdict, Unstable);
    let extragradient = of("extragradient_gda");
    assert_eq!(extragradient.intervals.unwrap()[0].to.exact, Some(ratio(1, 3)));
    // Eight rows.
    let momentum = at(&problem, &method("momentum_gda", &[("m", ratio(1, 2))]), &[0.0; 4], 0.1);
    assert_eq!(momentum.critical_learning_rate(), None);
    assert_eq!(coupled(&momentum).rows, 8);
    assert_eq!(coupled(&momentum).at_step.as_ref().unwrap().multipliers.len(), 8);
}

/// Six rows, nothing simple about the numbers.
#[test]
fn the_largest_matrix_is_decided() {
    let text = "a^2/3 + b^2*0.7 + c^2/5 - x^2*0.9 - y^2/7 - z^2/2 + 1.3*a*x + 0.4*a*y - b*x \
                + 2.1*b*z + 0.3*c*y - 0.6*c*z + a*b/9 - y*z/11";
    let problem = game(text, &["a", "b", "c"]);
    let alternating = method("alternating_gda", &[]);
    let radius = |h: f64| {
        coupled(&at(&problem, &alternating, &[0.0; 6], h)).at_step.as_ref().unwrap().radius
    };
    let critical = at(&problem, &alternating, &[0.0; 6], 0.1).critical_learning_rate().unwrap();
    assert!(critical > 0.1 && critical < 10.0, "{critical}");
    assert!((radius(critical) - 1.0).abs() < 1e-9);
    assert!(radius(0.999 * critical) < 1.0 && radius(1.001 * critical) > 1.0);
}

/// Coefficients of `Π (x - r)`, the highest power first.
fn monic(roots: &[Complex64]) -> Vec<Complex64> {
    roots.iter().fold(vec![Complex64::ONE], |p, r| {
        let mut next = [p.clone(), vec![Complex64::ZERO]].concat();
        for (k, c) in p.iter().enumerate() {
            next[k + 1] -= r * c;
        }
        next
    })
}

/// The iterates on a quadratic loss, a game too, satisfy the recurrence whose characteristic roots
/// the multipliers are.
#[test]
fn the_optimizers_step_has_these_eigenvalues() {
    let quarter = |name: &str| (name == "m" || name == "rho").then(|| ratio(1, 4));
    let mut compared = 0;
    for optimizer in optimizer::library() {
        let values: Option<Vec<(&str, BigRational)>> =
            optimizer.parameters.iter().map(|p| Some((p.as_str(), quarter(p)?))).collect();
        let Some(values) = values else { continue };
        let method = method(&optimizer.name, &values);
        let (problem, start) = match (method.spaces.len(), method.fields.len()) {
            (1, 1) => (loss("0.9*x^2"), vec![1.0]),
            (2, 2) => (game("x^2/3 + 1.2*x*y - y^2/5", &["x"]), vec![1.0, 0.5]),
            _ => continue,
        };
        for h in [0.2, 0.8] {
            let stability = at(&problem, &method, &vec![0.0; start.len()], h);
            let multipliers = match &stability.spectrum {
                Eigenvalues::Loss(directions) => {
                    &directions[0].at_step.as_ref().unwrap().multipliers
                }
                Eigenvalues::Coupled(coupled) => &coupled.at_step.as_ref().unwrap().multipliers,
            };
            let p = monic(multipliers);
            let request = flow::Request { lr: h, steps: 20, ..flow::Request::default() };
            let run = simulate(&problem, &optimizer.name, &method, &start, &request).unwrap();
            let theta = &run.optimizer.theta;
            assert_eq!(theta.len(), 21, "{}", optimizer.name);
            for window in theta.windows(p.len()) {
                for i in 0..start.len() {
                    let pairs = p.iter().zip(window.iter().rev());
                    let sum: Complex64 = pairs.map(|(c, x)| c * x[i]).sum();
                    let size = window.iter().map(|x| x[i].norm()).fold(0.0, f64::max);
                    assert!(sum.norm() <= 1e-11 * size.max(1e-6), "{}: {sum}", optimizer.name);
                }
            }
            compared += 1;
        }
    }
    assert!(compared > 60, "{compared}");
}

/// Not quadratic, its minimum not at a round number.
const LOSS: &str = "exp(x) - 2*x + 3*y^2 + x*y + y^3/5 + cosh(x-y)";

/// `∂θ(h)/∂θ(0)` at the critical point along `vector`, of the flow's trajectory.
fn derivative(
    problem: &Problem,
    method: &GeneralLinearMethod,
    flow: &str,
    point: &[f64],
    vector: &[f64],
    h: f64,
) -> Vec<Complex64> {
    let epsilon = 1e-4;
    let end = |sign: f64| -> Vec<Complex64> {
        let start: Vec<f64> =
            point.iter().zip(vector).map(|(x, u)| x + sign * epsilon * u).collect();
        let flows = FlowName::parse(&Source::new("test", flow)).unwrap();
        let request = flow::Request {
            lr: h,
            steps: 1,
            flows,
            rtol: 1e-12,
            atol: 1e-15,
            ..flow::Request::default()
        };
        let run = simulate(problem, "it", method, &start, &request).unwrap();
        let trajectory: &Trajectory = &run.flows[0];
        assert_eq!(trajectory.note, None, "{flow}");
        trajectory.theta[1].clone()
    };
    let (above, below) = (end(1.0), end(-1.0));
    above.iter().zip(&below).map(|(a, b)| (a - b) / (2.0 * epsilon)).collect()
}

#[test]
fn flows_near_the_point_have_these_jacobians() {
    let problem = loss(LOSS);
    let euler = GeneralLinearMethod::euler();
    for h in [0.05, 0.2, 0.4] {
        let request = StabilityRequest { lr: Some(h), order: 3 };
        let found = stability(&problem, &euler, &[0.0, 0.0], &request).unwrap();
        for direction in directions(&found) {
            let step = direction.at_step.as_ref().unwrap();
            let of_flows = [
                ("ngf", direction.ngf.into()),
                ("igr", step.igr.into()),
                ("order:3", step.order.unwrap().into()),
                ("pf", step.pf.unwrap()),
            ];
            for (flow, eigenvalue) in of_flows {
                let growth = (eigenvalue * h).exp();
                let u = &direction.vector;
                let moved = derivative(&problem, &euler, flow, &found.point.theta, u, h);
                for (moved, u) in moved.iter().zip(u) {
                    assert!((moved - growth * u).norm() < 2e-7, "{flow} {h}: {moved} {growth} {u}");
                }
            }
        }
    }
}

/// The truncated flow of an optimizer with memory, and of a game.
#[test]
fn truncated_flows_of_other_optimizers_have_these_jacobians() {
    let heavy_ball = method("heavy_ball", &[("m", ratio(1, 4))]);
    let problem = loss(LOSS);
    let h = 0.05;
    let request = StabilityRequest { lr: Some(h), order: 3 };
    let found = stability(&problem, &heavy_ball, &[0.0, 0.0], &request).unwrap();
    for direction in directions(&found) {
        let growth = (direction.at_step.as_ref().unwrap().order.unwrap() * h).exp();
        let u = &direction.vector;
        let moved = derivative(&problem, &heavy_ball, "order:3", &found.point.theta, u, h);
        for (moved, u) in moved.iter().zip(u) {
            assert!((moved - growth * u).norm() < 2e-7, "{moved} {growth} {u}");
        }
    }
    let problem = game("x^2/2 + x^3/6 + 2*x*y - y^2/3 + x*y^2 + sin(y)*x^2", &["x"]);
    let alternating = method("alternating_gda", &[]);
    let h = 0.3;
    let found = stability(
        &problem,
        &alternating,
        &[0.01, 0.02],
        &StabilityRequest { lr: Some(h), order: 3 },
    )
    .unwrap();
    let columns: Vec<Vec<f64>> = [[1.0, 0.0], [0.0, 1.0]]
        .iter()
        .map(|u| {
            let moved = derivative(&problem, &alternating, "order:3", &found.point.theta, u, h);
            moved.iter().map(|z| z.re).collect()
        })
        .collect();
    let moved = DMatrix::from_fn(2, 2, |i, j| columns[j][i]).complex_eigenvalues();
    for eigenvalue in &coupled(&found).at_step.as_ref().unwrap().order {
        let growth = (eigenvalue * h).exp();
        let nearest = moved.iter().map(|m| (m - growth).norm()).fold(f64::INFINITY, f64::min);
        assert!(nearest < 2e-7, "{growth} {moved}");
    }
}

/// The truncated Jacobians approach that of the principal flow as the losses get flatter, for
/// optimizers with memory, those with a length of their own, and games: the first chain left out of
/// `order:3` is `J^5`.
#[test]
fn the_principal_flow_is_the_limit_of_the_truncated_ones() {
    let request = StabilityRequest { lr: Some(0.05), order: 3 };
    let error = |problem: &Problem, method: &GeneralLinearMethod| {
        let found = stability(problem, method, &vec![0.0; problem.dimension()], &request).unwrap();
        match &found.spectrum {
            Eigenvalues::Loss(directions) => {
                let step = directions[0].at_step.as_ref().unwrap();
                (step.pf.unwrap() - step.order.unwrap()).norm()
            }
            Eigenvalues::Coupled(coupled) => {
                let step = coupled.at_step.as_ref().unwrap();
                // Whichever of a conjugate pair comes first.
                let pf = step.pf.as_ref().unwrap();
                let distance = |z: &Complex64| (z - step.order[0]).norm();
                pf.iter().map(distance).fold(f64::INFINITY, f64::min)
            }
        }
    };
    let single = |scale: f64| loss(&format!("{scale}*x^2"));
    let players = |scale: f64| game(&format!("{scale}*(x^2/2 + 2*x*y - y^2/3)"), &["x"]);
    let cases: [(&dyn Fn(f64) -> Problem, GeneralLinearMethod); 5] = [
        (&single, method("heavy_ball", &[("m", ratio(1, 4))])),
        (&single, method("nesterov", &[("m", ratio(1, 2))])),
        (&single, method("sam", &[("rho", ratio(1, 20))])),
        (&players, method("alternating_gda", &[])),
        (&players, method("negative_momentum_gda", &[("m", ratio(-1, 4))])),
    ];
    for (problem, method) in &cases {
        let (one, half) = (error(&problem(0.1), method), error(&problem(0.05), method));
        let slope = (one / half).log2();
        assert!((slope - 5.0).abs() < 0.3, "{slope}: {one:e} {half:e}");
    }
}

proptest! {
    #![proptest_config(cases::cases(60))]

    /// The exact intervals against the spectral radius at a step size.
    #[test]
    fn intervals_agree_with_the_spectral_radius(
        optimizer in 0..optimizer::library().len(),
        numerators in proptest::collection::vec(-9..20i64, 7),
        z in 0.01..8.0f64,
        up in any::<bool>(),
    ) {
        let optimizer = &optimizer::library()[optimizer];
        let values: Vec<(&str, BigRational)> = optimizer
            .parameters
            .iter()
            .zip(&numerators)
            .map(|(p, &n)| (p.as_str(), ratio(n, 11)))
            .collect();
        let map = values.iter().map(|(n, v)| (n.to_string(), v.clone())).collect();
        let Ok(method) = optimizer.method(&map) else { return Ok(()) };
        let (problem, start) = match (method.spaces.len(), method.fields.len()) {
            (1, 1) if up => (loss("x^2/2"), vec![0.0]),
            (1, 1) => (loss("-x^2/2"), vec![0.0]),
            (2, 2) if up => (game("x^2/2 + 3*x*y/2 - y^2/3", &["x"]), vec![0.0; 2]),
            (2, 2) => (game("x^2/2 + 3*x*y/2 + y^2/3", &["x"]), vec![0.0; 2]),
            _ => return Ok(()),
        };
        let request = StabilityRequest { lr: Some(z), order: 1 };
        let found = match stability(&problem, &method, &start, &request) {
            Ok(found) => found,
            // m = 1, say.
            Err(StabilityError::Method(_) | StabilityError::StepSize(_)) => return Ok(()),
            Err(error) => panic!("{}: {error}", optimizer.name),
        };
        let radius = match &found.spectrum {
            Eigenvalues::Loss(directions) => directions[0].at_step.as_ref().unwrap().radius,
            Eigenvalues::Coupled(coupled) => coupled.at_step.as_ref().unwrap().radius,
        };
        let Some(intervals) = found.intervals else { return Ok(()) };
        prop_assert_eq!(intervals.first().unwrap().from.value, 0.0);
        prop_assert_eq!(intervals.last().unwrap().to.value, f64::INFINITY);
        let inside = intervals.iter().find(|i| z < i.to.value).unwrap();
        let expected = match radius {
            r if r < 1.0 - 1e-6 => Stable,
            r if r > 1.0 + 1e-6 => Unstable,
            _ => return Ok(()),
        };
        prop_assert_eq!(inside.verdict, expected, "{} at {}: {}", optimizer.name, z, radius);
    }

    /// `A` with known eigenvalues: `critical = 2(1+m)/λ_max`.
    #[test]
    fn the_largest_eigenvalue_decides(
        lambda in proptest::collection::vec(0.1..10.0f64, 2),
        angle in 0.0..3.0f64,
        m in 0..10i64,
    ) {
        let (c, s) = (angle.cos(), angle.sin());
        let (a, b, d) = (
            lambda[0] * c * c + lambda[1] * s * s,
            (lambda[0] - lambda[1]) * c * s,
            lambda[0] * s * s + lambda[1] * c * c,
        );
        let problem = loss(&format!("({a})*x^2/2 + ({b})*x*y + ({d})*y^2/2"));
        let found = at(&problem, &method("heavy_ball", &[("m", ratio(m, 10))]), &[3.0, -1.0], 0.1);
        let expected = 2.0 * (1.0 + m as f64 / 10.0) / lambda[0].max(lambda[1]);
        let critical = found.critical_learning_rate().unwrap();
        prop_assert!((critical / expected - 1.0).abs() < 1e-12, "{} {}", critical, expected);
        prop_assert!(found.point.theta.iter().all(|x| x.abs() < 1e-12));
    }
}

#[test]
fn critical_points_of_every_kind_are_found() {
    let euler = GeneralLinearMethod::euler();
    let himmelblau = loss("(x^2+y-11)^2 + (x+y^2-7)^2");
    let of = |start: &[f64]| at(&himmelblau, &euler, start, 0.01);
    let minimum = of(&[2.8, 2.1]);
    assert_eq!(minimum.point.kind, PointKind::Minimum);
    assert!((minimum.point.theta[0] - 3.0).abs() < 1e-12, "{:?}", minimum.point.theta);
    let maximum = of(&[-0.2, -0.9]);
    assert_eq!(maximum.point.kind, PointKind::Maximum);
    assert_eq!(maximum.critical_learning_rate(), Some(0.0));
    let saddle = of(&[0.1, 2.9]);
    assert_eq!(saddle.point.kind, PointKind::Saddle);
    let cases: Vec<_> =
        directions(&saddle).iter().map(|d| d.at_step.as_ref().unwrap().case.unwrap()).collect();
    assert_eq!(cases[1], Case::Repelling);
    // A valley of minima: λ = 0 is left out.
    let valley = at(&loss("(x*y-1)^2"), &euler, &[1.1, 0.95], 0.01);
    assert_eq!(valley.point.kind, PointKind::Degenerate);
    assert!(directions(&valley)[1].intervals.is_empty());
    let steep = directions(&valley)[0].lambda;
    assert!((valley.critical_learning_rate().unwrap() - 2.0 / steep).abs() < 1e-12);
    // A direction with λ = 0 does not hide a saddle.
    let ridge = at(&loss("x^2 - (y-z)^2"), &euler, &[0.1, 0.2, 0.3], 0.01);
    assert_eq!(ridge.point.kind, PointKind::Saddle);
    // Only linearly convergent.
    let flat = at(&loss("x^4 + y^2"), &euler, &[0.5, 0.5], 0.01);
    assert!(flat.point.theta[0].abs() < 1e-3, "{:?}", flat.point);
}

/// Newton's method only comes near a point whose Hessian is singular; what is left of the eigenvalue there
/// is no curvature, whatever its size.
#[test]
fn degenerate_points_are_not_minima() {
    let euler = GeneralLinearMethod::euler();
    let figure30 = bea::loss::find("figure30", &Default::default()).unwrap();
    let figure30 = Problem::of_loss(figure30.graph(), figure30.expression(), 1);
    let of = |text: &str| loss(text);
    for (what, problem, start) in [
        ("figure30", figure30, vec![-4.7]),
        ("x^3", of("x^3"), vec![0.3]),
        ("x^3, from the point itself", of("x^3"), vec![0.0]),
        ("x^4", of("x^4"), vec![1.0]),
        ("x^6", of("x^6"), vec![1.0]),
        // Roundings hide how small the gradient is.
        ("(x-1)^3 expanded", of("x^3 - 3*x^2 + 3*x - 1"), vec![1.3]),
        ("(x-1)^4 expanded", of("x^4 - 4*x^3 + 6*x^2 - 4*x + 1"), vec![1.3]),
        ("at 0, of terms that are not small", of("exp(x) - 1 - x - x^2/2"), vec![0.3]),
        ("1e20*x^3", of("10^20*x^3"), vec![0.3]),
    ] {
        let found = at(&problem, &euler, &start, 0.1);
        assert_eq!(found.point.kind, PointKind::Degenerate, "{what}: {:?}", found.point);
        let direction = &directions(&found)[0];
        assert_eq!((direction.lambda, direction.intervals.len()), (0.0, 0), "{what}");
        assert_eq!(found.critical_learning_rate(), Some(0.0), "{what}");
    }
    for (text, start, steep) in [
        ("x^3 + y^2", [0.3, 1.0], 2.0),
        ("x^2*y/2 + y^2/2", [0.3, 0.4], 1.0),
        ("(x + y)^3 + (x - y)^2", [0.3, 1.0], 4.0),
    ] {
        let found = at(&loss(text), &euler, &start, 0.1);
        assert_eq!(found.point.kind, PointKind::Degenerate, "{text}: {:?}", found.point);
        assert!((directions(&found)[0].lambda - steep).abs() < 1e-6, "{text}");
        assert!(directions(&found)[1].intervals.is_empty(), "{text}");
        assert!((found.critical_learning_rate().unwrap() * steep / 2.0 - 1.0).abs() < 1e-6);
    }
}

/// What is flat, but not degenerate, stays what it is.
#[test]
fn regular_points_are_not_degenerate() {
    let euler = GeneralLinearMethod::euler();
    for (text, start, kind) in [
        ("x^2/1000000 + x^3", vec![1e-7], PointKind::Minimum),
        ("10^7*x^2 + y^2 + y^3", vec![0.1, 0.1], PointKind::Minimum),
        ("-cos(x) + y^2/1000", vec![0.4, 1.0], PointKind::Minimum),
        ("1000 + (x-100)^2*(x+1)", vec![90.0], PointKind::Minimum),
        ("100*(y-x^2)^2 + (1-x)^2", vec![-1.0, 1.0], PointKind::Minimum),
        ("(x-1)^2*(x+1)", vec![-0.5], PointKind::Maximum),
        ("x^2/10^30 + x^3/10^20", vec![1e-12], PointKind::Minimum),
    ] {
        let found = at(&loss(text), &euler, &start, 0.1);
        assert_eq!(found.point.kind, kind, "{text}: {:?}", found.point);
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let euler = GeneralLinearMethod::euler();
    let with = |text: &str, method: &GeneralLinearMethod, start: &[f64], lr: Option<f64>| {
        stability(&loss(text), method, start, &StabilityRequest { lr, order: 2 }).unwrap_err()
    };
    let symbolic = optimizer::find("heavy_ball").unwrap().method(&Default::default()).unwrap();
    assert_eq!(
        with("x^2", &symbolic, &[0.0], None),
        StabilityError::Symbolic(vec!["m".to_string()])
    );
    assert_eq!(
        with("x^2", &euler, &[0.0, 1.0], None),
        StabilityError::Point { found: 2, expected: 1 }
    );
    assert_eq!(with("log(x)", &euler, &[0.0], None), StabilityError::Undefined);
    assert_eq!(with("x^2", &euler, &[0.0], Some(-1.0)), StabilityError::StepSize(-1.0));
    for (text, start) in [("exp(x)", 0.0), ("x^3/3 + x", 0.7), ("x", 0.0)] {
        let error = with(text, &euler, &[start], None);
        assert!(matches!(error, StabilityError::NoCriticalPoint { .. }), "{text}: {error}");
    }
    let shape = with("x^2", &method("simultaneous_gda", &[]), &[0.0], None);
    assert!(matches!(shape, StabilityError::Shape { .. }));
    // Mini-batches whose gradients only vanish together.
    let text = Loss::parse(&Source::new("test", "(x-1)^2"), &Default::default()).unwrap();
    let (mut graph, e) = text.into_parts();
    let x = graph.variable(0);
    let shifted = graph.powi(x, 2);
    let problem = Problem::of_losses(&graph, vec![vec![0]], &[(0, e), (0, shifted)]).unwrap();
    let request = StabilityRequest { lr: Some(0.1), order: 2 };
    let error = stability(&problem, &method("minibatch2", &[]), &[0.4], &request).unwrap_err();
    assert!(matches!(error, StabilityError::NotFixed { field: 1, .. }), "{error}");
    let together =
        Problem::of_losses(&graph, vec![vec![0]], &[(0, shifted), (0, shifted)]).unwrap();
    let found = stability(&together, &method("minibatch2", &[]), &[0.4], &request).unwrap();
    // (1-2h)²
    assert_eq!(found.critical_learning_rate(), Some(1.0));
}

mod command_line {
    use assert_cmd::Command;

    fn run(arguments: &[&str]) -> (String, String, i32) {
        let mut command = Command::cargo_bin("bea").unwrap();
        let output =
            command.arg("stability").args(arguments).env("NO_COLOR", "1").output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr), output.status.code().unwrap())
    }

    fn contains(text: &str, parts: &[&str]) {
        for part in parts {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }

    #[test]
    fn momentum_on_a_quadratic() {
        let (out, err, code) = run(&[
            "--loss",
            "x^2 + 5*y^2",
            "--at",
            "1,1",
            "--lr",
            "0.1",
            "--optimizer",
            "heavy_ball",
            "--set",
            "m=9/10",
            "--order",
            "3",
        ]);
        assert_eq!((code, err.as_str()), (0, ""));
        contains(
            &out,
            &[
                "minimum",
                "order:3",
                "stable for 0 < hλ < 19/5 = 2(1+m)",
                "critical learning rate  h = 0.38",
                "h = 0.1 converges",
            ],
        );
    }

    #[test]
    fn json_of_a_game() {
        let (out, err, code) = run(&[
            "--loss",
            "x*y",
            "--at",
            "y=0.5,x=0.5",
            "--lr",
            "0.5",
            "--optimizer",
            "extragradient_gda",
            "--players",
            "x;y",
            "--format",
            "json",
        ]);
        assert_eq!((code, err.as_str()), (0, ""));
        let value: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(value["critical_learning_rate"], 1.0);
        assert_eq!(value["intervals"][0]["verdict"], "stable");
        // 1 - s² ± is, s = 1/2
        let radius = value["coupled"]["radius"].as_f64().unwrap();
        assert!((radius - 0.75f64.hypot(0.5)).abs() < 1e-14);
    }

    #[test]
    fn losses_of_several_players_share_their_variables() {
        // Each descends its own loss; the second names its variables in another order.
        let (out, err, code) = run(&[
            "--loss",
            "x^2 + x*y",
            "--loss",
            "y^2/2 - 3*y*x",
            "--at",
            "1,1",
            "--lr",
            "0.1",
            "--optimizer",
            "simultaneous_gda",
            "--format",
            "json",
        ]);
        assert_eq!((code, err.as_str()), (0, ""));
        let value: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(value["variables"], serde_json::json!(["x", "y"]));
        // J = [[-2, -1], [3, -1]]: trace -3, determinant 5.
        let ngf = &value["coupled"]["ngf"][0];
        assert!((ngf[0].as_f64().unwrap() + 1.5).abs() < 1e-14);
        assert!((ngf[1].as_f64().unwrap() - 2.75f64.sqrt()).abs() < 1e-14);
    }

    #[test]
    fn step_sizes_may_be_fractions() {
        let of = |lr| run(&["--loss", "rosenbrock", "--lr", lr]).0;
        let (fraction, decimal) = (of("9/10000"), of("0.0009"));
        contains(&fraction, &["h = 0.0009 converges"]);
        assert_eq!(fraction, decimal);
    }

    #[test]
    fn errors_say_what_to_do() {
        for (arguments, parts) in [
            (
                &["--loss", "x^2", "--at", "0", "--optimizer", "heavy_ball"] as &[&str],
                &["need values: m", "--set m="] as &[&str],
            ),
            (&["--loss", "x^2", "--at", "0,1"], &["--at"]),
            (&["--loss", "x^2"], &["no minimum of", "--at"]),
            (&["--loss", "log(x)", "--at", "0"], &["not finite"]),
            (&["--loss", "exp(x)", "--at", "0"], &["no critical point", "--at"]),
            (&["--loss", "x^2", "--at", "0", "--lr", "-1"], &["positive number"]),
            (
                &["--loss", "x*y*z", "--at", "0,0,0", "--optimizer", "simultaneous_gda"],
                &["3 variables (x, y, z)", "--players"],
            ),
            (
                &[
                    "--loss",
                    "foo*y",
                    "--at",
                    "0,0",
                    "--optimizer",
                    "simultaneous_gda",
                    "--players",
                    "fo;y",
                ],
                &["no variable `fo`", "did you mean `foo`?"],
            ),
            (
                &[
                    "--loss",
                    "x*y*z",
                    "--at",
                    "0,0,0",
                    "--optimizer",
                    "simultaneous_gda",
                    "--players",
                    "x;y",
                ],
                &["`z` belongs to no player"],
            ),
            (&["--loss", "x", "--loss", "y", "--at", "0,0"], &["1 vector field (f)", "2 losses"]),
        ] {
            let (out, err, code) = run(arguments);
            assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
            contains(&err, parts);
        }
    }
}
