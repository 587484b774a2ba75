//! The elementwise functions of networks, by the Taylor coefficients of each at a point.
//!
//! `σ(x_0 + n) = Σ_r c_r n^r`, `c_r = σ^{(r)}(x_0)/r!`, is all that an algebra with nilpotent part `n` needs. The
//! coefficients come from each function's differential equation, written once over `Analytic`: lanes of machine
//! numbers on the host, whole tensors on other devices.

use std::f64::consts::FRAC_2_SQRT_PI;

/// Activations without parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Function {
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
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Elementary {
    Activation(Function),
    /// `x` for `x > 0`, else `α (e^x - 1)`.
    Elu(f64),
    /// `x` for `x > 0`, else `s x`.
    LeakyRelu(f64),
    /// `x σ(x)`, `σ` the sigmoid.
    Silu,
    /// `x tanh(log(1 + e^x))`.
    Mish,
    /// `x (1 + tanh u)/2` with `u = √(2/π) (x + 0.044715 x³)`.
    GeluTanh,
    /// `x max(0, min(x + 3, 6))/6`, with the derivatives of the outer sides at -3 and 3.
    Hardswish,
    /// `x` times the sign of its real part, which is 0 at 0.
    Abs,
    Exp,
    /// `e^x - 1`.
    Expm1,
    Log,
    /// `log(1 + x)`.
    Log1p,
    Reciprocal,
    Sqrt,
    InverseSqrt,
    /// `x^p`.
    Power(f64),
    /// `x^n`, at negative `x` too.
    IntegerPower(i32),
    Sin,
    Cos,
    Tan,
    Atan,
    Erf,
    Erfc,
    /// The distribution function of the standard normal law.
    NormalDistribution,
}

impl Elementary {
    /// Whether it is straight between its kinks, so that all derivatives after the first vanish.
    pub(crate) fn is_straight(self) -> bool {
        let relu = Elementary::Activation(Function::Relu);
        self == relu || matches!(self, Elementary::LeakyRelu(_) | Elementary::Abs)
    }
}

#[cfg(test)]
impl Elementary {
    /// Each of them, with parameters that tests take.
    pub(crate) const ALL: [Elementary; 30] = [
        Elementary::Elu(1.0),
        Elementary::Activation(Function::Tanh),
        Elementary::Activation(Function::Softplus),
        Elementary::Activation(Function::Sigmoid),
        Elementary::Activation(Function::Gelu),
        Elementary::Activation(Function::Relu),
        Elementary::Elu(0.7),
        Elementary::LeakyRelu(0.1),
        Elementary::Silu,
        Elementary::Mish,
        Elementary::GeluTanh,
        Elementary::Hardswish,
        Elementary::Abs,
        Elementary::Exp,
        Elementary::Expm1,
        Elementary::Log,
        Elementary::Log1p,
        Elementary::Reciprocal,
        Elementary::Sqrt,
        Elementary::InverseSqrt,
        Elementary::Power(1.7),
        Elementary::IntegerPower(3),
        Elementary::IntegerPower(-2),
        Elementary::Sin,
        Elementary::Cos,
        Elementary::Tan,
        Elementary::Atan,
        Elementary::Erf,
        Elementary::Erfc,
        Elementary::NormalDistribution,
    ];
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
    /// `x^p`, the principal value.
    fn powf(&self, p: f64) -> Self;
    /// `sin x` and `cos x`.
    fn sine_and_cosine(&self) -> [Self; 2];
    fn atan(&self) -> Self;
    /// `erf x`, `erfc x = 1 - erf x` and `e^{-x²}`.
    fn error_functions(&self) -> [Self; 3];
    /// The distribution function `Φ(x) = erfc(-x/√2)/2` of the standard normal law, and `e^{-x²/2}`.
    fn normal(&self) -> [Self; 2];
    /// Zeros, but `NaN` where this is: the product with 0 would be `NaN` at what is infinite as well.
    fn zero(&self) -> Self;
    /// The nearest number whose real part is at most 10⁴ from 0, where the normal law is flat: an infinite one times its
    /// density would be `NaN`. Complex numbers stay as they are.
    fn near(&self) -> Self;
    /// `yes` where the real part of `self` is positive, else `no`.
    fn positive(&self, yes: &Self, no: &Self) -> Self;
    /// `x^n`, by squares.
    #[inline(always)]
    fn powi(&self, n: u32) -> Self {
        let Some(top) = n.checked_ilog2() else { return self.zero().offset(1.0) };
        let mut power = self.clone();
        for bit in (0..top).rev() {
            power = power.mul(&power);
            if n >> bit & 1 == 1 {
                power = power.mul(self);
            }
        }
        power
    }
}

/// Writes `c_r = σ^{(r)}(x)/r!` for `r = 0 … out.len() - 1`. Needs `out.len() ≥ 2`.
#[inline(always)]
pub(crate) fn taylor<T: Analytic>(function: Elementary, x: &T, out: &mut [T]) {
    let zero = x.zero();
    let one = zero.offset(1.0);
    match function {
        Elementary::Activation(Function::Relu) => {
            out.fill(zero.clone());
            out[0] = x.positive(x, &zero);
            out[1] = x.positive(&one, &zero);
        }
        Elementary::Elu(alpha) => elu(x, alpha, out),
        Elementary::LeakyRelu(slope) => {
            out.fill(zero.clone());
            out[0] = x.positive(x, &x.scale(slope));
            out[1] = x.positive(&one, &zero.offset(slope));
        }
        Elementary::GeluTanh => {
            // x σ(q) with q = 2u, which keeps digits where it is small; σ(q)' = q' (σ - σ²).
            let (c, near) = (1.5957691216057308, x.near());
            let square = near.mul(&near);
            sigmoid_to(&square.scale(0.044715 * c).offset(c).mul(&near), out, 2);
            let slope = out[1].clone();
            let inner = [
                square.scale(3.0 * 0.044715 * c).offset(c),
                near.scale(6.0 * 0.044715 * c),
                zero.offset(3.0 * 0.044715 * c),
            ];
            for n in 0..out.len() - 1 {
                let mut sum = zero.clone();
                for (q, k) in inner.iter().zip((0..=n).rev()) {
                    let outer =
                        if k == 0 { slope.clone() } else { out[k].sub(&convolution(out, k)) };
                    sum = sum.add(&q.mul(&outer));
                }
                out[n + 1] = sum.scale(1.0 / (n + 1) as f64);
            }
            gated(x, out);
        }
        Elementary::Hardswish => {
            let (near, above, below) = (x.near(), x.offset(3.0), x.scale(-1.0).offset(3.0));
            let choose =
                |low: &T, inside: &T, high: &T| below.positive(&above.positive(inside, low), high);
            out.fill(zero.clone());
            out[0] = choose(&zero, &near.mul(&near.offset(3.0)).scale(1.0 / 6.0), x);
            out[1] = choose(&zero, &near.scale(1.0 / 3.0).offset(0.5), &one);
            if let Some(second) = out.get_mut(2) {
                *second = choose(&zero, &zero.offset(1.0 / 6.0), &zero);
            }
        }
        Elementary::Abs => {
            let minus = x.scale(-1.0);
            out.fill(zero.clone());
            out[0] = x.positive(x, &minus);
            out[1] = x.positive(&one, &minus.positive(&one.scale(-1.0), &zero));
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
        Elementary::Silu => {
            sigmoid(x, out);
            gated(x, out);
        }
        Elementary::Mish => {
            // tanh(log(1 + w)) = 1 - 2v with w = e^x and v = 1/d, d = w² + 2w + 2, here over w² where w is large. The
            // coefficients of d are (2^r w² + 2w)/r!, and those of v d are 0.
            let [small, _] = x.positive(x, &x.scale(-1.0)).scale(-1.0).exponentials();
            let (square, double) = (small.mul(&small), small.scale(2.0));
            let ends = x.positive(&square.scale(2.0).offset(1.0), &square.offset(2.0));
            let inverse = ends.add(&double).reciprocal();
            let quadratic = x.positive(&one, &square).mul(&inverse);
            let linear = double.mul(&inverse);
            out[0] = x.positive(&square, &one).mul(&inverse);
            for n in 1..out.len() {
                let (mut sum, mut power, mut factorial) = (zero.clone(), 1.0, 1.0);
                for i in 1..=n {
                    (power, factorial) = (2.0 * power, factorial * i as f64);
                    let ratio = quadratic.scale(power).add(&linear).scale(-1.0 / factorial);
                    sum = sum.add(&ratio.mul(&out[n - i]));
                }
                out[n] = sum;
            }
            out.iter_mut().for_each(|v| *v = v.scale(-2.0));
            out[0] = quadratic.add(&linear);
            gated(x, out);
        }
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
            let near = x.near();
            let value = x.positive(&x.mul(&distribution), &near.mul(&distribution));
            let gauss = gauss.scale(0.3989422804014327);
            let (mut before, mut density) = (zero.clone(), gauss);
            let mut previous = zero.clone();
            for (r, slot) in out.iter_mut().enumerate() {
                *slot = near.mul(&distribution).add(&previous);
                previous = distribution;
                distribution = density.scale(1.0 / (r + 1) as f64);
                let next = near.mul(&density).add(&before).scale(-1.0 / (r + 1) as f64);
                before = density;
                density = next;
            }
            out[0] = value;
        }
        Elementary::Exp | Elementary::Expm1 => {
            let [mut term, less_one] = x.exponentials();
            for (r, slot) in out.iter_mut().enumerate() {
                if r > 0 {
                    term = term.scale(1.0 / r as f64);
                }
                *slot = term.clone();
            }
            if function == Elementary::Expm1 {
                out[0] = less_one;
            }
        }
        Elementary::Log => logarithm(x.ln(), &x.reciprocal(), out),
        Elementary::Log1p => logarithm(x.ln_1p(), &x.offset(1.0).reciprocal(), out),
        Elementary::Reciprocal => power(x, x.reciprocal(), -1.0, out),
        Elementary::Sqrt => power(x, x.sqrt(), 0.5, out),
        Elementary::Power(p) => {
            // No division by x: at 0 as many derivatives exist as p is large.
            let mut binomial = 1.0;
            for (r, slot) in out.iter_mut().enumerate() {
                *slot = x.powf(p - r as f64).scale(binomial);
                binomial *= (p - r as f64) / (r + 1) as f64;
            }
        }
        Elementary::IntegerPower(n) => match u32::try_from(n) {
            Err(_) => power(x, x.reciprocal().powi(n.unsigned_abs()), n.into(), out),
            Ok(n) => {
                let mut binomial = 1.0;
                for (r, slot) in out.iter_mut().enumerate() {
                    let left = n.checked_sub(r as u32);
                    *slot = left.map_or_else(|| zero.clone(), |n| x.powi(n).scale(binomial));
                    binomial *= (f64::from(n) - r as f64) / (r + 1) as f64;
                }
            }
        },
        Elementary::Sin | Elementary::Cos => {
            let [sine, cosine] = x.sine_and_cosine();
            let mut pair = match function {
                Elementary::Sin => [sine, cosine],
                _ => [cosine, sine.scale(-1.0)],
            };
            for (r, slot) in out.iter_mut().enumerate() {
                let [term, next] = pair;
                pair = [next.scale(1.0 / (r + 1) as f64), term.scale(-1.0 / (r + 1) as f64)];
                *slot = term;
            }
        }
        Elementary::Tan => {
            let [sine, cosine] = x.sine_and_cosine();
            let secant = cosine.reciprocal();
            out[0] = sine.mul(&secant);
            // y' = 1 + y².
            out[1] = secant.mul(&secant);
            for r in 1..out.len() - 1 {
                out[r + 1] = convolution(out, r).scale(1.0 / (r + 1) as f64);
            }
        }
        Elementary::Atan => {
            // The coefficients f_r of 1/(1 + x²): (1 + x²) f_r + 2x f_{r-1} + f_{r-2} = 0.
            let first = x.mul(x).offset(1.0).reciprocal();
            // -2x/(1 + x²), which is -2/x to all digits where x² may be infinite.
            let far = x.reciprocal().scale(-2.0);
            let slope = x.scale(-2.0).mul(&first);
            let slope = x.offset(-1e8).positive(&far, &x.offset(1e8).positive(&slope, &far));
            out[0] = x.atan();
            let (mut before, mut f) = (zero.clone(), first.clone());
            for (r, slot) in out.iter_mut().enumerate().skip(1) {
                *slot = f.scale(1.0 / r as f64);
                let next = slope.mul(&f).sub(&first.mul(&before));
                before = std::mem::replace(&mut f, next);
            }
        }
        Elementary::Erf | Elementary::Erfc => {
            let [erf, erfc, gauss] = x.error_functions();
            let (value, sign) = if function == Elementary::Erf { (erf, 1.0) } else { (erfc, -1.0) };
            density(x, value, gauss.scale(sign * FRAC_2_SQRT_PI), 2.0, out);
        }
        Elementary::NormalDistribution => {
            let [distribution, gauss] = x.normal();
            density(x, distribution, gauss.scale(0.3989422804014327), 1.0, out);
        }
        Elementary::InverseSqrt => power(x, x.sqrt().reciprocal(), -0.5, out),
    }
}

/// `x` for positive `x`, else `α (e^x - 1)`.
#[inline(always)]
fn elu<T: Analytic>(x: &T, alpha: f64, out: &mut [T]) {
    let zero = x.zero();
    let [mut term, below] = x.exponentials();
    if alpha != 1.0 {
        term = term.scale(alpha);
    }
    out[0] = x.positive(x, &below.scale(alpha));
    out[1] = x.positive(&zero.offset(1.0), &term);
    for (r, slot) in out.iter_mut().enumerate().skip(2) {
        term = term.scale(1.0 / r as f64);
        *slot = x.positive(&zero, &term);
    }
}

/// The coefficients of a logarithm from its value and its derivative.
#[inline(always)]
fn logarithm<T: Analytic>(value: T, inverse: &T, out: &mut [T]) {
    out[0] = value;
    out[1] = inverse.clone();
    for r in 2..out.len() {
        out[r] = out[r - 1].mul(inverse).scale(-((r - 1) as f64) / r as f64);
    }
}

/// The coefficients of a function with the derivative `first = c e^{-a x²/2}`, which has itself the derivative `-a x` times
/// itself.
#[inline(always)]
fn density<T: Analytic>(x: &T, value: T, first: T, a: f64, out: &mut [T]) {
    out[0] = value;
    let x = x.near();
    let (mut before, mut density) = (x.zero(), first);
    for (r, slot) in out.iter_mut().enumerate().skip(1) {
        *slot = density.scale(1.0 / r as f64);
        let next = x.mul(&density).add(&before).scale(-a / r as f64);
        before = std::mem::replace(&mut density, next);
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

/// Makes the coefficients of a gate `g`, which goes to 0 at -∞ and to 1 at ∞, those of `xg`: `x g_r + g_{r-1}`.
#[inline(always)]
fn gated<T: Analytic>(x: &T, out: &mut [T]) {
    let near = x.near();
    let value = x.positive(&x.mul(&out[0]), &near.mul(&out[0]));
    for r in (1..out.len()).rev() {
        out[r] = near.mul(&out[r]).add(&out[r - 1]);
    }
    out[0] = value;
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
