//! Errors, the most that is allowed of each, and times.

use bea::network::NetworkLoss;
use bea::network::architecture::Dtype;
use bea::network::device::DeviceError;
use std::time::Instant;

/// The largest errors allowed.
pub struct Tolerances {
    /// Of the loss, its gradient, `∇²E v` and `∇³E[v, w]` of operations, layers and losses.
    pub small: [f64; 4],
    /// Of the gradient, `∇²E v`, `∇³E[v, v]`, the largest eigenvalue and the velocity of networks.
    pub networks: [f64; 5],
}

impl Tolerances {
    pub fn of(dtype: Dtype) -> Tolerances {
        match dtype {
            Dtype::F32 => Tolerances { small: [1e-5; 4], networks: [1e-5, 1e-5, 1e-5, 1e-5, 1e-4] },
            Dtype::F64 => {
                Tolerances { small: [1e-12; 4], networks: [1e-12, 1e-12, 1e-12, 1e-10, 1e-8] }
            }
        }
    }
}

/// The loss, `∇E`, `∇²E v` and `∇³E[v, w]`.
pub fn derivatives(
    loss: &NetworkLoss,
    theta: &[f64],
    v: &[f64],
    w: &[f64],
) -> Result<[Vec<f64>; 4], DeviceError> {
    let (value, gradient) = loss.gradient(theta)?;
    let product = loss.hessian_vectors(theta, &[v])?.remove(0);
    Ok([vec![value], gradient, product, loss.contraction(theta, &[v, w])?])
}

/// `‖x - y‖ / max(‖y‖, least)`.
pub fn error(x: &[f64], y: &[f64], least: f64) -> f64 {
    assert_eq!(x.len(), y.len());
    let norm = |x: &mut dyn Iterator<Item = f64>| x.map(|a| a * a).sum::<f64>().sqrt();
    norm(&mut x.iter().zip(y).map(|(a, b)| a - b)) / norm(&mut y.iter().copied()).max(least)
}

/// An error in a table, with a mark where it passes the tolerance or is no number.
pub fn marked(error: f64, tolerance: f64) -> (String, bool) {
    let broken = error.is_nan() || error > tolerance;
    (format!("{error:.1e}{}", if broken { "!" } else { " " }), broken)
}

/// How often an evaluation is timed: so many times, and more for so many seconds.
#[derive(Clone, Copy)]
pub struct Repetition {
    pub least: usize,
    pub seconds: f64,
}

/// What `evaluate` gives, and the least of the seconds that it takes. The first evaluation of a device compiles its kernels.
pub fn timed<T, E>(
    repetition: Repetition,
    evaluate: impl Fn() -> Result<T, E>,
) -> Result<(T, f64), E> {
    let (begun, mut count, mut seconds) = (Instant::now(), 0, f64::INFINITY);
    loop {
        let start = Instant::now();
        let value = evaluate()?;
        seconds = seconds.min(start.elapsed().as_secs_f64());
        count += 1;
        let is_enough = begun.elapsed().as_secs_f64() >= repetition.seconds;
        if count >= repetition.least && is_enough {
            return Ok((value, seconds));
        }
    }
}

/// Three digits of a time.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{:.3} ms", 1e3 * s),
        s if s < 0.1 => format!("{:.2} ms", 1e3 * s),
        s if s < 1.0 => format!("{:.0} ms", 1e3 * s),
        s => format!("{s:.2} s"),
    }
}
