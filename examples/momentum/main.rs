//! Gradient descent with momentum beside its modified flow, whose velocity `field.rs` was written by
//! `bea codegen`.
//!
//!     cargo run --release --example momentum

mod field;

use field::{N, field, gradient, loss};

const M: f64 = 0.9;
const H: f64 = 2e-6;

/// One step `v' = m v - h ∇E(θ)`, `θ' = θ + v'`.
fn momentum(theta: &mut [f64; N], v: &mut [f64; N]) {
    let g = gradient(theta);
    for i in 0..N {
        v[i] = M * v[i] - H * g[i];
        theta[i] += v[i];
    }
}

/// One step of the classical Runge-Kutta method.
fn flow(theta: &mut [f64; N], velocity: impl Fn(&[f64; N]) -> [f64; N]) {
    let moved = |k: &[f64; N], t: f64| [theta[0] + t * k[0], theta[1] + t * k[1]];
    let k1 = velocity(theta);
    let k2 = velocity(&moved(&k1, H / 2.0));
    let k3 = velocity(&moved(&k2, H / 2.0));
    let k4 = velocity(&moved(&k3, H));
    for i in 0..N {
        theta[i] += H / 6.0 * (k1[i] + 2.0 * (k2[i] + k3[i]) + k4[i]);
    }
}

fn main() {
    let (mut theta, mut v) = ([-0.5, 0.75], [0.0; N]);
    // The buffer settles on a function of the parameters, the slow manifold.
    for _ in 0..300 {
        momentum(&mut theta, &mut v);
    }
    let (mut modified, mut plain) = (theta, theta);
    println!("{:>5} {:>12} {:>16} {:>16}", "step", "loss", "gradient flow", "modified flow");
    for step in 1..=5000 {
        momentum(&mut theta, &mut v);
        flow(&mut modified, |p| field(p, H));
        flow(&mut plain, |p| gradient(p).map(|g| -g / (1.0 - M)));
        if step % 1000 == 0 {
            let distance = |a: &[f64; N]| (a[0] - theta[0]).hypot(a[1] - theta[1]);
            let (plain, modified) = (distance(&plain), distance(&modified));
            println!("{step:>5} {:>12.6} {plain:>16.3e} {modified:>16.3e}", loss(&theta));
        }
    }
}
