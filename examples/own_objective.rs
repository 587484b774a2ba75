//! A loss of one's own, from closures: its spectrum, the principal flow, and a step with a drift-adjusted
//! learning rate.
//!
//! `E(x, y) = (1-x)² + 100 (y-x²)²`, Rosenbrock's valley. At the bottom of it, `y = x²`, the gradient is
//! `(2(x-1), 0)` and the Hessian is `[[2 + 800x², -400x], [-400x, 200]]`.
//!
//! `cargo run --release --example own_objective`

use std::error::Error;

/// Runs the example.
pub fn main() -> Result<(), Box<dyn Error>> {
    let objective = bea::objective(2)
        .gradient(|x, g| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            g[0] = -2.0 * a - 400.0 * b * x[0];
            g[1] = 200.0 * b;
            a * a + 100.0 * b * b
        })
        .hessian_vector(|x, v, out| {
            out[0] = (2.0 - 400.0 * (x[1] - 3.0 * x[0] * x[0])) * v[0] - 400.0 * x[0] * v[1];
            out[1] = -400.0 * x[0] * v[0] + 200.0 * v[1];
        });
    let (x, h) = ([0.5, 0.25], 0.001);

    // Eigenvalues: the trace is 402, the determinant 400.
    let spectrum = bea::spectrum(&objective, &x)?.top(5)?;
    let root = (201.0f64 * 201.0 - 400.0).sqrt();
    let lambda = [201.0 + root, 201.0 - root];
    for (pair, lambda) in spectrum.iter().zip(lambda) {
        println!("λ = {:.6}", pair.value);
        assert!((pair.value - lambda).abs() < 1e-9);
    }

    // The principal flow: log(1-hλ)/(hλ) along each eigenvector, real as long as hλ < 1.
    let velocity = bea::principal_flow(&objective).velocity(&x, h)?.value;
    println!("θ̇ = ({:.6}, {:.6})", velocity[0], velocity[1]);
    let gradient = [-1.0, 0.0];
    let mut expected = [0.0; 2];
    for lambda in lambda {
        // (H - λ) u = 0
        let u = [-200.0, lambda - 202.0];
        let size = f64::hypot(u[0], u[1]);
        let along = (u[0] * gradient[0] + u[1] * gradient[1]) / size;
        let alpha = (1.0 - h * lambda).ln() / (h * lambda);
        expected.iter_mut().zip(u).for_each(|(e, u)| *e += alpha * along * u / size);
    }
    for (v, e) in velocity.iter().zip(expected) {
        assert!((v.re - e).abs() < 1e-10 && v.im == 0.0, "{v} {e}");
    }

    // Beyond hλ = 1 it has an imaginary part, still from products at the real point alone.
    let beyond = bea::principal_flow(&objective).velocity(&x, 0.01)?.value;
    println!("θ̇ = ({:.4}, {:.4}) at h = 0.01", beyond[0], beyond[1]);
    // That of log(1-hλ) is π, along the eigenvector of the largest eigenvalue alone.
    let u = [-200.0, lambda[0] - 202.0];
    let share = u[0] * u[0] / (u[0] * u[0] + u[1] * u[1]);
    let imaginary = -std::f64::consts::PI / (0.01 * lambda[0]) * share;
    assert!((beyond[0].im - imaginary).abs() < 1e-10, "{} {imaginary}", beyond[0]);

    // 2/‖Hĝ‖ with ĝ = (-1, 0): the first column of the Hessian.
    let step = bea::Dal::new().step(&objective, &x)?;
    println!(
        "learning rate {:.6}, to ({:.4}, {:.4})",
        step.learning_rate, step.next[0], step.next[1]
    );
    assert!((step.learning_rate - 2.0 / f64::hypot(202.0, 200.0)).abs() < 1e-15);

    println!("evaluations: {}", objective.counts());
    Ok(())
}
