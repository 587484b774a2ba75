//! Machine numbers in lanes, real and complex, and the elementary functions of them.

use num_complex::Complex;
use num_traits::Float;
use std::f64::consts::FRAC_1_SQRT_2;

use crate::buffer::Pooled;
use crate::function::Analytic;
use crate::product::Gemm;

/// How many numbers are worked on at a time: one or two vector registers.
pub(super) const LANES: usize = 16;

/// A machine number of a network.
pub(crate) trait Real: Float + std::ops::AddAssign + Pooled + Send + Sync + 'static {
    fn of(value: f64) -> Self;
    fn wide(self) -> f64;
    /// Large products of matrices of these numbers.
    fn gemm() -> Gemm<Self>;
    /// `e^x` and `e^x - 1`.
    fn exponentials_lane(x: &[Self; LANES]) -> [[Self; LANES]; 2];
    fn erf(self) -> Self;
    fn erfc(self) -> Self;
    /// `erf` of a complex number.
    fn complex_erf(z: Complex<Self>) -> Complex<Self>;
    /// `erfc` of a complex number.
    fn complex_erfc(z: Complex<Self>) -> Complex<Self>;
}

/// `e^x` and `e^x - 1` without branches: `x = k log 2 + r`, the Taylor polynomial of `e^r - 1` for `|r| ≤ log(2)/2`, and
/// the scaling by `2^k` put together from bits; `e^x` below the normal numbers is 0. Each step goes over all lanes, so that
/// it becomes a few vector instructions.
macro_rules! exponentials {
    ($t:ty, $round:expr, $bias:expr, $mantissa:expr, $high:expr, $low:expr, $limit:expr, $degree:expr) => {
        #[inline(always)]
        fn exponentials_lane(x: &[$t; LANES]) -> [[$t; LANES]; 2] {
            // 1/2!, 1/3!, …
            const COEFFICIENTS: [$t; $degree - 1] = {
                let (mut coefficients, mut factor, mut k) = ([0.0; $degree - 1], 1.0, 2);
                while k <= $degree {
                    factor /= k as $t;
                    coefficients[k - 2] = factor;
                    k += 1;
                }
                coefficients
            };
            let clamped = map(x, |x| x.min($limit).max(-$limit));
            let shifted = map(&clamped, |x| x.mul_add(std::f64::consts::LOG2_E as $t, $round));
            let k = map(&shifted, |s| s - $round);
            let high = zip(&clamped, &k, |x, k| k.mul_add(-$high, x));
            let r = zip(&high, &k, |x, k| k.mul_add(-$low, x));
            let mut q = [COEFFICIENTS[$degree - 2]; LANES];
            for at in (0..$degree - 2).rev() {
                q = zip(&q, &r, |q, r| q.mul_add(r, COEFFICIENTS[at]));
            }
            let square = map(&r, |r| r * r);
            let rest = zip(&q, &square, |q, square| q * square);
            let q = zip(&rest, &r, |rest, r| rest + r);
            let power = map(&shifted, |s| {
                <$t>::from_bits((s.to_bits() << $mantissa).wrapping_add($bias << $mantissa))
            });
            let whole = zip(&power, &q, |power, q| power.mul_add(q, power));
            let whole = zip(&whole, x, |value, x| if x < -$limit { 0.0 } else { value });
            let less_one = zip(&power, &q, |power, q| power.mul_add(q, power - 1.0));
            [whole, less_one].map(|value| {
                let value =
                    zip(&value, x, |value, x| if x > $limit { <$t>::INFINITY } else { value });
                zip(&value, x, |value, x| if x.is_nan() { x } else { value })
            })
        }
    };
}

impl Real for f64 {
    #[inline]
    fn of(value: f64) -> Self {
        value
    }
    #[inline]
    fn wide(self) -> f64 {
        self
    }
    fn gemm() -> Gemm<f64> {
        gemm_f64::gemm::f64::get_gemm_fn()
    }
    exponentials!(
        f64,
        6755399441055744.0,
        1023u64,
        52,
        6.931471803691238e-1,
        1.9082149292705877e-10,
        708.0,
        14
    );
    fn erf(self) -> Self {
        libm::erf(self)
    }
    fn erfc(self) -> Self {
        libm::erfc(self)
    }
    fn complex_erf(z: Complex<f64>) -> Complex<f64> {
        errorfunctions::ComplexErrorFunctions::erf(z)
    }
    fn complex_erfc(z: Complex<f64>) -> Complex<f64> {
        errorfunctions::ComplexErrorFunctions::erfc(z)
    }
}

impl Real for f32 {
    #[inline]
    fn of(value: f64) -> Self {
        value as f32
    }
    #[inline]
    fn wide(self) -> f64 {
        self.into()
    }
    fn gemm() -> Gemm<f32> {
        gemm_f32::gemm::f32::get_gemm_fn()
    }
    exponentials!(f32, 12582912.0, 127u32, 23, 6.9314575e-1, 1.4286068e-6, 87.0, 8);
    fn erf(self) -> Self {
        libm::erff(self)
    }
    fn erfc(self) -> Self {
        libm::erfcf(self)
    }
    fn complex_erf(z: Complex<f32>) -> Complex<f32> {
        let wide = f64::complex_erf(Complex::new(z.re.into(), z.im.into()));
        Complex::new(wide.re as f32, wide.im as f32)
    }
    fn complex_erfc(z: Complex<f32>) -> Complex<f32> {
        let wide = f64::complex_erfc(Complex::new(z.re.into(), z.im.into()));
        Complex::new(wide.re as f32, wide.im as f32)
    }
}

/// Lanes of real numbers.
#[derive(Clone, Copy)]
pub(super) struct Lane<T>(pub [T; LANES]);

/// Lanes of complex numbers, real and imaginary parts apart.
#[derive(Clone, Copy)]
pub(super) struct ComplexLane<T> {
    pub re: [T; LANES],
    pub im: [T; LANES],
}

#[inline(always)]
fn map<T: Real>(x: &[T; LANES], f: impl Fn(T) -> T) -> [T; LANES] {
    let mut out = *x;
    for value in &mut out {
        *value = f(*value);
    }
    out
}

#[inline(always)]
fn zip<T: Real>(x: &[T; LANES], y: &[T; LANES], f: impl Fn(T, T) -> T) -> [T; LANES] {
    let mut out = *x;
    for i in 0..LANES {
        out[i] = f(x[i], y[i]);
    }
    out
}

#[inline(always)]
fn choose<T: Real>(x: &[T; LANES], yes: &[T; LANES], no: &[T; LANES]) -> [T; LANES] {
    let mut out = *x;
    for i in 0..LANES {
        out[i] = if x[i] > T::zero() { yes[i] } else { no[i] };
    }
    out
}

/// The squares of numbers that do not overflow, and what their rounding left.
#[inline(always)]
fn squares<T: Real>(x: &[T; LANES]) -> [[T; LANES]; 2] {
    [map(x, |x| x * x), map(x, |x| x.mul_add(x, -(x * x)))]
}

/// Zeros, but `NaN` stays.
#[inline(always)]
fn zeros<T: Real>(x: &[T; LANES]) -> [T; LANES] {
    map(x, |x| if x.is_nan() { x } else { T::zero() })
}

impl<T: Real> Analytic for Lane<T> {
    #[inline(always)]
    fn add(&self, other: &Self) -> Self {
        Self(zip(&self.0, &other.0, |a, b| a + b))
    }
    #[inline(always)]
    fn sub(&self, other: &Self) -> Self {
        Self(zip(&self.0, &other.0, |a, b| a - b))
    }
    #[inline(always)]
    fn mul(&self, other: &Self) -> Self {
        Self(zip(&self.0, &other.0, |a, b| a * b))
    }
    #[inline(always)]
    fn scale(&self, factor: f64) -> Self {
        let factor = T::of(factor);
        Self(map(&self.0, |a| a * factor))
    }
    #[inline(always)]
    fn offset(&self, term: f64) -> Self {
        let term = T::of(term);
        Self(map(&self.0, |a| a + term))
    }
    #[inline(always)]
    fn reciprocal(&self) -> Self {
        Self(map(&self.0, |a| T::one() / a))
    }
    #[inline(always)]
    fn exponentials(&self) -> [Self; 2] {
        T::exponentials_lane(&self.0).map(Self)
    }
    #[inline(always)]
    fn ln(&self) -> Self {
        Self(map(&self.0, T::ln))
    }
    #[inline(always)]
    fn ln_1p(&self) -> Self {
        Self(map(&self.0, T::ln_1p))
    }
    #[inline(always)]
    fn sqrt(&self) -> Self {
        Self(map(&self.0, T::sqrt))
    }
    #[inline(always)]
    fn powf(&self, p: f64) -> Self {
        let p = T::of(p);
        Self(map(&self.0, |a| a.powf(p)))
    }
    #[inline(always)]
    fn sine_and_cosine(&self) -> [Self; 2] {
        [Self(map(&self.0, T::sin)), Self(map(&self.0, T::cos))]
    }
    #[inline(always)]
    fn atan(&self) -> Self {
        Self(map(&self.0, T::atan))
    }
    #[inline(always)]
    fn error_functions(&self) -> [Self; 3] {
        let [square, rest] = squares(&self.near().0);
        let [gauss, _] = T::exponentials_lane(&map(&square, |s| -s));
        let gauss = zip(&gauss, &rest, |gauss, rest| (-rest).mul_add(gauss, gauss));
        [Self(map(&self.0, T::erf)), Self(map(&self.0, T::erfc)), Self(gauss)]
    }
    #[inline(always)]
    fn normal(&self) -> [Self; 2] {
        // x² and x/√2 are rounded, which the functions magnify in the tails: the rests are made good to first order.
        let near = self.near().0;
        let [square, rest] = squares(&near);
        let [gauss, _] = T::exponentials_lane(&map(&square, |s| s * T::of(-0.5)));
        let gauss = zip(&gauss, &rest, |gauss, rest| (rest * T::of(-0.5)).mul_add(gauss, gauss));
        let high = T::of(-FRAC_1_SQRT_2);
        let low = T::of(-FRAC_1_SQRT_2 - high.wide());
        let half = T::of(0.5);
        let distribution = map(&self.0, |x| half * (x * high).erfc());
        // The derivative of erfc(z)/2 is -e^{-z²}/√π.
        let shift = map(&near, |x| x.mul_add(high, -(x * high)) + x * low);
        let slope = map(&gauss, |gauss| gauss * T::of(-0.5641895835477563));
        let correction = zip(&shift, &slope, |shift, slope| shift * slope);
        [Self(zip(&distribution, &correction, |a, b| a + b)), Self(gauss)]
    }
    #[inline(always)]
    fn zero(&self) -> Self {
        Self(zeros(&self.0))
    }
    #[inline(always)]
    fn near(&self) -> Self {
        let bound = T::of(1e4);
        let below = |x: T| if x > bound { bound } else { x };
        Self(map(&self.0, |x| if x < -bound { -bound } else { below(x) }))
    }
    #[inline(always)]
    fn positive(&self, yes: &Self, no: &Self) -> Self {
        Self(choose(&self.0, &yes.0, &no.0))
    }
}

impl<T: Real> ComplexLane<T> {
    #[inline(always)]
    fn each(&self, f: impl Fn(Complex<T>) -> Complex<T>) -> Self {
        let mut out = *self;
        for i in 0..LANES {
            let value = f(Complex::new(self.re[i], self.im[i]));
            (out.re[i], out.im[i]) = (value.re, value.im);
        }
        out
    }
}

impl<T: Real> Analytic for ComplexLane<T> {
    #[inline(always)]
    fn add(&self, other: &Self) -> Self {
        Self {
            re: zip(&self.re, &other.re, |a, b| a + b),
            im: zip(&self.im, &other.im, |a, b| a + b),
        }
    }
    #[inline(always)]
    fn sub(&self, other: &Self) -> Self {
        Self {
            re: zip(&self.re, &other.re, |a, b| a - b),
            im: zip(&self.im, &other.im, |a, b| a - b),
        }
    }
    #[inline(always)]
    fn mul(&self, other: &Self) -> Self {
        let mut out = *self;
        for i in 0..LANES {
            out.re[i] = self.re[i] * other.re[i] - self.im[i] * other.im[i];
            out.im[i] = self.re[i] * other.im[i] + self.im[i] * other.re[i];
        }
        out
    }
    #[inline(always)]
    fn scale(&self, factor: f64) -> Self {
        let factor = T::of(factor);
        Self { re: map(&self.re, |a| a * factor), im: map(&self.im, |a| a * factor) }
    }
    #[inline(always)]
    fn offset(&self, term: f64) -> Self {
        let term = T::of(term);
        Self { re: map(&self.re, |a| a + term), im: self.im }
    }
    fn reciprocal(&self) -> Self {
        self.each(|z| z.finv())
    }
    fn exponentials(&self) -> [Self; 2] {
        // e^{a+ib} - 1 = (e^a - 1) cos b + (cos b - 1) + i e^a sin b, with cos b - 1 = -2 sin²(b/2).
        let less_one = self.each(|z| {
            let half = (z.im * T::of(0.5)).sin();
            let (sine, cosine) = z.im.sin_cos();
            let re = z.re.exp_m1() * cosine - T::of(2.0) * half * half;
            Complex::new(re, z.re.exp() * sine)
        });
        [self.each(|z| z.exp()), less_one]
    }
    fn ln(&self) -> Self {
        self.each(|z| z.ln())
    }
    fn ln_1p(&self) -> Self {
        self.each(|z| {
            // |1+z|² - 1 = 2 re z + |z|²: no cancellation for small z.
            let modulus = (T::of(2.0) * z.re + z.norm_sqr()).ln_1p() * T::of(0.5);
            Complex::new(modulus, z.im.atan2(T::one() + z.re))
        })
    }
    fn sqrt(&self) -> Self {
        self.each(|z| z.sqrt())
    }
    fn powf(&self, p: f64) -> Self {
        self.each(|z| z.powf(T::of(p)))
    }
    fn sine_and_cosine(&self) -> [Self; 2] {
        [self.each(|z| z.sin()), self.each(|z| z.cos())]
    }
    fn atan(&self) -> Self {
        // With z = x + iy: (arg((1 - |z|²) + 2xi) + i log(|z + i|²/|z - i|²)/2)/2, whose logarithm is that of one more
        // than 4y/|z - i|².
        self.each(|z| {
            let (two, below) = (T::of(2.0), z.im - T::one());
            let modulus = z.norm_sqr();
            let ratio = T::of(4.0) * z.im / (z.re * z.re + below * below);
            let angle = (two * z.re).atan2(T::one() - modulus);
            Complex::new(angle / two, ratio.ln_1p() / T::of(4.0))
        })
    }
    fn error_functions(&self) -> [Self; 3] {
        let gauss = self.each(|z| (-(z * z)).exp());
        [self.each(T::complex_erf), self.each(T::complex_erfc), gauss]
    }
    fn normal(&self) -> [Self; 2] {
        let distribution =
            self.each(|z| T::complex_erfc(z.scale(T::of(-FRAC_1_SQRT_2))).scale(T::of(0.5)));
        [distribution, self.each(|z| (z * z).scale(T::of(-0.5)).exp())]
    }
    #[inline(always)]
    fn zero(&self) -> Self {
        Self { re: zeros(&self.re), im: zeros(&self.im) }
    }
    #[inline(always)]
    fn near(&self) -> Self {
        *self
    }
    #[inline(always)]
    fn positive(&self, yes: &Self, no: &Self) -> Self {
        Self { re: choose(&self.re, &yes.re, &no.re), im: choose(&self.re, &yes.im, &no.im) }
    }
}
