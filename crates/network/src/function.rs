//! The elementwise functions of networks, by the Taylor coefficients of each at a point.
//!
//! `σ(x_0 + n) = Σ_r c_r n^r`, `c_r = σ^{(r)}(x_0)/r!`, is all that an algebra with nilpotent part `n` needs. The
//! coefficients come from each function's differential equation, written once over `Analytic`: lanes of machine
//! numbers on the host, whole tensors on other devices.

/// The activation functions a network may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// `x` for `x > 0`, else `e^x - 1`.
    Elu,
    /// `tanh x`.
    Tanh,
    /// `log(1 + e^x)`.
    Softplus,
    /// `1/(1 + e^{-x})`.
    Sigmoid,
    /// `x Φ(x)` with the normal distribution function `Φ` (the exact form, not the tanh approximation).
    Gelu,
    /// `max(x, 0)`, with derivative 0 at 0.
    Relu,
}

/// Everything applied element by element, activations and the pieces of norms and losses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Elementary {
    Activation(Function),
    Exp,
    Log,
    Reciprocal,
    InverseSqrt,
}

/// What the coefficients are made of. Comparisons look at the real part, so that a piecewise function stays
/// holomorphic on either side of the imaginary axis.
pub(crate) trait Analytic: Clone {
    fn add(&self, other: &Self) -> Self;
    fn sub(&self, other: &Self) -> Self;
    fn mul(&self, other: &Self) -> Self;
    fn scale(&self, factor: f64) -> Self;
    fn offset(&self, term: f64) -> Self;
    fn reciprocal(&self) -> Self;
    /// `e^x` and `e^x - 1`. The sum of the second and 1 would have no digits left where `e^x` is small.
    fn exponentials(&self) -> [Self; 2];
    fn ln(&self) -> Self;
    fn ln_1p(&self) -> Self;
    fn sqrt(&self) -> Self;
    /// The distribution function `Φ(x) = erfc(-x/√2)/2` of the standard normal law, and `e^{-x²/2}`.
    fn normal(&self) -> [Self; 2];
    /// `yes` where the real part of `self` is positive, else `no`.
    fn positive(&self, yes: &Self, no: &Self) -> Self;
}

/// Writes `c_r = σ^{(r)}(x)/r!` for `r = 0 … out.len() - 1`. Needs `out.len() ≥ 2`.
#[inline(always)]
pub(crate) fn taylor<T: Analytic>(function: Elementary, x: &T, out: &mut [T]) {
    let zero = x.scale(0.0);
    let one = zero.offset(1.0);
    match function {
        Elementary::Activation(Function::Relu) => {
            out.fill(zero.clone());
            out[0] = x.positive(x, &zero);
            out[1] = x.positive(&one, &zero);
        }
        Elementary::Activation(Function::Elu) => {
            let [mut term, below] = x.exponentials();
            out[0] = x.positive(x, &below);
            out[1] = x.positive(&one, &term);
            for (r, slot) in out.iter_mut().enumerate().skip(2) {
                term = term.scale(1.0 / r as f64);
                *slot = x.positive(&zero, &term);
            }
        }
        Elementary::Activation(Function::Tanh) => {
            // tanh|x| = -u/(u + 2), u = e^{-2|x|} - 1: no overflow, and exact near 0.
            let [small, u] = x.positive(x, &x.scale(-1.0)).scale(-2.0).exponentials();
            let over = u.offset(2.0).reciprocal();
            let t = u.scale(-1.0).mul(&over);
            out[0] = x.positive(&t, &t.scale(-1.0));
            // y' = 1 - y² = 4 e^{-2|x|}/(1 + e^{-2|x|})², the first coefficient, which cancels far from 0.
            out[1] = small.mul(&over).mul(&over).scale(4.0);
            for r in 1..out.len() - 1 {
                out[r + 1] = convolution(out, r).scale(-1.0 / (r + 1) as f64);
            }
        }
        Elementary::Activation(Function::Sigmoid) => sigmoid(x, out),
        Elementary::Activation(Function::Softplus) => {
            let magnitude = x.positive(x, &x.scale(-1.0));
            let [small, _] = magnitude.scale(-1.0).exponentials();
            let value = x.positive(x, &zero).add(&small.ln_1p());
            // The derivative is the sigmoid.
            let order = out.len() - 1;
            out[order] = zero;
            sigmoid_to(x, out, order);
            for r in (1..=order).rev() {
                out[r] = out[r - 1].scale(1.0 / r as f64);
            }
            out[0] = value;
        }
        Elementary::Activation(Function::Gelu) => {
            // φ = e^{-x²/2}/√(2π): φ' = -xφ. Φ' = φ. The function is xΦ.
            let [mut distribution, gauss] = x.normal();
            let gauss = gauss.scale(0.3989422804014327);
            let (mut before, mut density) = (zero.clone(), gauss);
            let mut previous = zero.clone();
            for (r, slot) in out.iter_mut().enumerate() {
                *slot = x.mul(&distribution).add(&previous);
                previous = distribution;
                distribution = density.scale(1.0 / (r + 1) as f64);
                let next = x.mul(&density).add(&before).scale(-1.0 / (r + 1) as f64);
                before = density;
                density = next;
            }
        }
        Elementary::Exp => {
            let [mut term, _] = x.exponentials();
            for (r, slot) in out.iter_mut().enumerate() {
                if r > 0 {
                    term = term.scale(1.0 / r as f64);
                }
                *slot = term.clone();
            }
        }
        Elementary::Log => {
            let inverse = x.reciprocal();
            out[0] = x.ln();
            out[1] = inverse.clone();
            for r in 2..out.len() {
                out[r] = out[r - 1].mul(&inverse).scale(-((r - 1) as f64) / r as f64);
            }
        }
        Elementary::Reciprocal => power(x, x.reciprocal(), -1.0, out),
        Elementary::InverseSqrt => power(x, x.sqrt().reciprocal(), -0.5, out),
    }
}

/// The coefficients of `x^p` from its value.
#[inline(always)]
fn power<T: Analytic>(x: &T, value: T, p: f64, out: &mut [T]) {
    let inverse = x.reciprocal();
    out[0] = value;
    for r in 1..out.len() {
        out[r] = out[r - 1].mul(&inverse).scale((p - (r - 1) as f64) / r as f64);
    }
}

#[inline(always)]
fn sigmoid<T: Analytic>(x: &T, out: &mut [T]) {
    let length = out.len();
    sigmoid_to(x, out, length);
}

/// The first `length` coefficients of the sigmoid: `y' = y - y²`.
#[inline(always)]
fn sigmoid_to<T: Analytic>(x: &T, out: &mut [T], length: usize) {
    let [small, _] = x.positive(x, &x.scale(-1.0)).scale(-1.0).exponentials();
    let upper = small.offset(1.0).reciprocal();
    let lower = small.mul(&upper);
    out[0] = x.positive(&upper, &lower);
    if length > 1 {
        // y' = y - y² = σ(x) σ(-x), which would cancel for large x.
        out[1] = upper.mul(&lower);
    }
    for r in 1..length - 1 {
        out[r + 1] = out[r].sub(&convolution(out, r)).scale(1.0 / (r + 1) as f64);
    }
}

/// `Σ_{i+j=r} c_i c_j`.
#[inline(always)]
fn convolution<T: Analytic>(c: &[T], r: usize) -> T {
    let mut sum = c[0].mul(&c[r]);
    for i in 1..=r {
        sum = sum.add(&c[i].mul(&c[r - i]));
    }
    sum
}
