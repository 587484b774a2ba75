//! Eigenvalues that cross while their logarithms are on different branches.
//!
//! `E(θ) = e_a(u·θ) + e_b(v·θ)` with orthonormal `u` and `v`: the flows along `u` and `v` know nothing of
//! each other, so the flow of each part alone is the truth. At `h = 9/5` the curvature of
//! `e_a(s) = s²/2 + s³/6` starts at `hλ = 2.7`, goes halfway around the branch point `hλ = 1` and crosses the real
//! axis at `hλ = -3.93`, where its logarithm has the imaginary part `2π`. That of
//! `e_b(s) = -40 s/h - s³/(6h)` is `hλ = -s`; it is real, and the start is such that it comes to the same point
//! at the same time.

mod analytic;

use analytic::{Analytic, Of};
use bea::flow::{FlowName, Problem, Request, Trajectory, simulate};
use bea::optimizer;
use bea::source::Source;
use nalgebra::DMatrix;
use num_complex::Complex64;

const H: f64 = 1.8;
/// Where the two curvatures come to the same point at once.
const MEET: f64 = 8.730178978399579;

/// `k_0 s + k_1 s²/2 + k_2 s³/6`.
type Polynomial = [f64; 3];

const A: Polynomial = [0.0, 1.0, 1.0];
const B: Polynomial = [40.0 / H, 0.0, -1.0 / H];

/// The sum of polynomials along orthonormal directions.
struct Ridges {
    directions: Vec<Vec<f64>>,
    polynomials: Vec<Polynomial>,
    matrix_free: bool,
}

impl Ridges {
    /// Derivatives of the polynomials.
    fn derivative(&self, theta: &[Complex64], order: usize) -> Vec<Complex64> {
        let along = |u: &Vec<f64>| u.iter().zip(theta).map(|(u, x)| x * u).sum::<Complex64>();
        let values = self.directions.iter().map(along).zip(&self.polynomials);
        let values = values.map(|(s, [k0, k1, k2])| match order {
            0 => s * (k0 + s * (k1 / 2.0 + s * k2 / 6.0)),
            1 => k0 + s * (k1 + s * k2 / 2.0),
            2 => k1 + s * k2,
            _ => Complex64::from(*k2),
        });
        values.collect()
    }

    fn combine(&self, c: &[Complex64], out: &mut [Complex64]) {
        out.fill(Complex64::ZERO);
        for (u, c) in self.directions.iter().zip(c) {
            out.iter_mut().zip(u).for_each(|(out, u)| *out += c * u);
        }
    }

    fn along(&self, v: &[Complex64]) -> Vec<Complex64> {
        let along = |u: &Vec<f64>| u.iter().zip(v).map(|(u, x)| x * u).sum();
        self.directions.iter().map(along).collect()
    }
}

impl Analytic for Ridges {
    fn dimension(&self) -> usize {
        self.directions.len()
    }

    fn value(&self, theta: &[Complex64]) -> Complex64 {
        self.derivative(theta, 0).iter().sum()
    }

    fn gradient(&self, theta: &[Complex64], out: &mut [Complex64]) {
        self.combine(&self.derivative(theta, 1), out);
    }

    fn hessian(&self, theta: &[Complex64], out: &mut DMatrix<Complex64>) {
        out.fill(Complex64::ZERO);
        for (u, c) in self.directions.iter().zip(self.derivative(theta, 2)) {
            for (i, x) in u.iter().enumerate() {
                for (j, y) in u.iter().enumerate() {
                    out[(i, j)] += c * (x * y);
                }
            }
        }
    }

    fn third(&self, theta: &[Complex64], u: &[Complex64], v: &[Complex64], out: &mut [Complex64]) {
        let (u, v) = (self.along(u), self.along(v));
        let c = self.derivative(theta, 3);
        let c: Vec<Complex64> =
            c.iter().zip(u.iter().zip(&v)).map(|(c, (u, v))| c * u * v).collect();
        self.combine(&c, out);
    }

    fn is_matrix_free(&self) -> bool {
        self.matrix_free
    }
}

fn pf(ridges: Ridges, start: &[f64], optimizer: &str, request: &Request) -> Trajectory {
    let method = optimizer::find(optimizer).unwrap();
    let values = [("m".to_string(), optimizer::parse_value("1/10").unwrap())];
    let values = if optimizer == "gradient_descent" { Vec::new() } else { values.to_vec() };
    let method = method.method(&values.into_iter().collect()).unwrap();
    let problem = Problem::new(Of(ridges));
    simulate(&problem, optimizer, &method, start, request).unwrap().flows.swap_remove(0)
}

/// The largest distance of the flow of both parts from the flows of each, up to one and a half steps of the
/// optimizer or to where one of these ends, and how many steps that is.
fn error(
    (cos, sin): (f64, f64),
    b: f64,
    matrix_free: bool,
    optimizer: &str,
    request: &Request,
) -> (f64, f64) {
    let alone = |polynomial, start: f64| {
        let directions = vec![vec![1.0]];
        let ridges = Ridges { directions, polynomials: vec![polynomial], matrix_free: false };
        pf(ridges, &[start], optimizer, request).path
    };
    let directions = vec![vec![cos, sin], vec![-sin, cos]];
    let ridges = Ridges { directions, polynomials: vec![A, B], matrix_free };
    let start = [0.5 * cos - b * sin, 0.5 * sin + b * cos];
    let both = pf(ridges, &start, optimizer, request);
    // Later one of them runs into a branch point, which is another matter.
    let truth: Vec<_> = alone(A, 0.5).into_iter().zip(alone(B, b)).take(31).collect();
    assert!(both.path.len() >= truth.len(), "{:?}", both.note);
    let errors = truth.iter().zip(&both.path).map(|(((_, a), (_, b)), (_, x))| {
        let (a, b) = (a[0], b[0]);
        (x[0] - a * cos + b * sin).norm() + (x[1] - a * sin - b * cos).norm()
    });
    (errors.fold(0.0, f64::max), (truth.len() - 1) as f64 / 20.0)
}

fn request() -> Request {
    let flows = FlowName::parse(&Source::new("flows", "pf")).unwrap();
    Request { lr: H, steps: 2, flows, samples_per_step: 20, ..Request::default() }
}

const ANGLES: [(f64, f64); 3] = [(1.0, 0.0), (0.6, 0.8), (5.0 / 13.0, -12.0 / 13.0)];

/// The two come to the same point, and near to it. By their distances alone they would change
/// places there.
#[test]
fn eigenvalues_that_cross_keep_their_branches() {
    for matrix_free in [false, true] {
        for angle in ANGLES {
            for shift in [0.0, 1e-9, -1e-6, 1e-4] {
                let (error, steps) =
                    error(angle, MEET + shift, matrix_free, "gradient_descent", &request());
                assert!(
                    error < 1e-7 && steps == 1.5,
                    "{matrix_free} {angle:?} {shift:e}: {error:e}"
                );
            }
        }
    }
}

/// Fixed steps, which cannot be made smaller: some of these starts have a step across the crossing.
/// Another optimizer's principal root has branches of its own.
#[test]
fn they_keep_them_in_euler_steps_too() {
    for matrix_free in [false, true] {
        for (optimizer, step) in
            [("gradient_descent", 0.01), ("gradient_descent", 0.05), ("heavy_ball", 0.02)]
        {
            let mut crossed = 0;
            for k in -50..=50 {
                let start = MEET + 0.002 * f64::from(k);
                let request = Request { euler: Some(step), ..request() };
                let (error, steps) = error(ANGLES[1], start, matrix_free, optimizer, &request);
                assert!(error < 1e-9, "{matrix_free} {optimizer} {step} {start}: {error:e}");
                crossed += usize::from(steps > 1.35);
            }
            assert!(crossed > 30, "{optimizer} {step}: {crossed}");
        }
    }
}
