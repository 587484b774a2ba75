//! Elementary functions by operations of tensors, for devices whose memory the host cannot read.

use burn::tensor::{DType, Tensor};
use num_complex::Complex;
use smallvec::smallvec;
use std::f64::consts::FRAC_1_SQRT_2;

use super::array::{Array, Data, tensor};
use super::function::{Analytic, Elementary, taylor};
use super::lanes::Real;
use super::series::{Coefficients, Ring, Series};

/// `σ(x)` and `σ'(x)`.
pub(super) fn apply(ring: &Ring<'_>, function: Elementary, x: &Series) -> (Series, Series) {
    let (nilpotent, shape) = (ring.nilpotent(x), x.shape());
    let plain = (0..ring.algebra.len()).all(|k| nilpotent.coefficient(k).is_none());
    let orders = if plain { 0 } else { ring.algebra.nilpotency() };
    let entries = |array: &Array| match array.data() {
        Data::Device(tensor) => RealTensor(tensor.as_ref().clone()),
        Data::F32(_) | Data::F64(_) => unreachable!("one place to a context"),
    };
    let array = |x: RealTensor| Some(Array::new(Data::Device(Box::new(x.0)), shape));
    // An element whose first coefficients are these, and whose others are zero.
    let element = |mut first: Coefficients| {
        first.resize(ring.algebra.len(), None);
        Series::new(first, shape)
    };
    // The Taylor coefficients as elements of the algebra.
    let base = entries(x.base());
    let coefficients: Vec<Series> = if ring.algebra.is_complex() {
        let im = x.coefficient(1).map_or_else(|| base.map(|x| x.zeros_like()), entries);
        let mut c = vec![ComplexTensor { re: base.clone(), im }; orders + 2];
        let z = c[0].clone();
        taylor(function, &z, &mut c);
        c.into_iter().map(|c| element(smallvec![array(c.re), array(c.im)])).collect()
    } else {
        let mut c = vec![base.clone(); orders + 2];
        taylor(function, &base, &mut c);
        c.into_iter().map(|c| element(smallvec![array(c)])).collect()
    };
    let (mut value, mut derivative) = (coefficients[0].clone(), coefficients[1].clone());
    let mut power = nilpotent.clone();
    for r in 1..=orders {
        if r > 1 {
            power = ring.multiply(&power, &nilpotent);
        }
        value = ring.add(&value, &ring.multiply(&coefficients[r], &power));
        let slope = coefficients[r + 1].linear(|a| a.scale((r + 1) as f64));
        derivative = ring.add(&derivative, &ring.multiply(&slope, &power));
    }
    (value, derivative)
}

/// A real tensor, whose own operations take it.
#[derive(Clone)]
struct RealTensor(Tensor<1>);

impl RealTensor {
    fn map(&self, f: impl FnOnce(Tensor<1>) -> Tensor<1>) -> Self {
        Self(f(self.0.clone()))
    }

    fn is_double(&self) -> bool {
        self.0.dtype() == DType::F64
    }

    fn to_f64(&self) -> Vec<f64> {
        tensor::download(&self.0)
    }

    /// Other entries, where this has its.
    fn like(&self, values: Vec<f64>) -> Self {
        Self(*tensor::upload(values, &self.0.device(), self.0.dtype()))
    }

    /// The argument of `x + i·self`.
    fn atan2(&self, x: &Self) -> Self {
        self.map(|y| y.atan2(x.0.clone()))
    }

    fn erf(&self) -> Self {
        if self.is_double() {
            return self.like(self.to_f64().into_iter().map(libm::erf).collect());
        }
        self.map(|x| x.erf())
    }

    /// `1 - erf(x)`, also where that is small.
    fn erfc(&self) -> Self {
        // Backends have `erf` alone, from which small values cannot be had. For 32-bit numbers an approximation with a
        // relative error of 1.2e-7 everywhere takes its place (Press et al., Numerical Recipes in C, section 6.2);
        // others go through the host.
        if self.is_double() {
            return self.like(self.to_f64().into_iter().map(libm::erfc).collect());
        }
        const COEFFICIENTS: [f64; 10] = [
            -1.26551223,
            1.00002368,
            0.37409196,
            0.09678418,
            -0.18628806,
            0.27886807,
            -1.13520398,
            1.48851587,
            -0.82215223,
            0.17087277,
        ];
        let [lowest @ .., highest] = COEFFICIENTS;
        let z = self.map(|x| x.abs());
        let t = z.scale(0.5).offset(1.0).reciprocal();
        let mut sum = t.scale(highest).offset(lowest[8]);
        for coefficient in lowest[..8].iter().rev() {
            sum = sum.mul(&t).offset(*coefficient);
        }
        let tail = t.mul(&sum.sub(&z.mul(&z)).map(|x| x.exp()));
        self.positive(&tail, &tail.scale(-1.0).offset(2.0))
    }
}

impl Analytic for RealTensor {
    fn add(&self, other: &Self) -> Self {
        self.map(|x| x + other.0.clone())
    }
    fn sub(&self, other: &Self) -> Self {
        self.map(|x| x - other.0.clone())
    }
    fn mul(&self, other: &Self) -> Self {
        self.map(|x| x * other.0.clone())
    }
    fn scale(&self, factor: f64) -> Self {
        self.map(|x| x * factor)
    }
    fn offset(&self, term: f64) -> Self {
        self.map(|x| x + term)
    }
    fn reciprocal(&self) -> Self {
        self.map(|x| x.recip())
    }
    fn exponentials(&self) -> [Self; 2] {
        // The difference cancels near 0; Taylor's polynomial to these degrees is exact to rounding below the bound.
        const BOUND: f64 = 0.35;
        let degree = if self.is_double() { 13 } else { 7 };
        let whole = self.map(|x| x.exp());
        let plain = whole.offset(-1.0);
        let near = self.map(|x| {
            let mut tail = x.clone() * (1.0 / f64::from(degree));
            for k in (2..degree).rev() {
                tail = (tail + 1.0) * (x.clone() * (1.0 / f64::from(k)));
            }
            tail * x.clone() + x
        });
        let less_one = self.map(|x| x.abs() - BOUND).positive(&plain, &near);
        [whole, less_one]
    }
    fn ln(&self) -> Self {
        self.map(|x| x.log())
    }
    fn ln_1p(&self) -> Self {
        // WGSL has no such function. log(1 + x) = 2 artanh s with s = x/(2 + x), a series in s² ≤ 1/49 below the bound.
        const BOUND: f64 = 0.25;
        let terms = if self.is_double() { 9 } else { 4 };
        let plain = self.map(|x| (x + 1.0).log());
        let near = self.map(|x| {
            let s = x.clone() / (x + 2.0);
            let square = s.clone() * s.clone();
            let coefficient = |k: i32| 2.0 / f64::from(2 * k + 1);
            let mut sum = square.clone() * coefficient(terms);
            for k in (1..terms).rev() {
                sum = (sum + coefficient(k)) * square.clone();
            }
            (sum + coefficient(0)) * s
        });
        self.map(|x| x.abs() - BOUND).positive(&plain, &near)
    }
    fn sqrt(&self) -> Self {
        self.map(|x| x.sqrt())
    }
    fn powf(&self, p: f64) -> Self {
        self.map(|x| x.powf_scalar(p))
    }
    fn sine_and_cosine(&self) -> [Self; 2] {
        [self.map(|x| x.sin()), self.map(|x| x.cos())]
    }
    fn atan(&self) -> Self {
        self.atan2(&self.zero().offset(1.0))
    }
    fn error_functions(&self) -> [Self; 3] {
        let [gauss, _] = self.mul(self).scale(-1.0).exponentials();
        [self.erf(), self.erfc(), gauss]
    }
    fn normal(&self) -> [Self; 2] {
        let [gauss, _] = self.mul(self).scale(-0.5).exponentials();
        [self.scale(-FRAC_1_SQRT_2).erfc().scale(0.5), gauss]
    }
    fn zero(&self) -> Self {
        let zeros = self.map(|x| x.zeros_like());
        self.positive(&zeros, &self.scale(-1.0).positive(&zeros, self))
    }
    fn near(&self) -> Self {
        self.map(|x| x.clamp(-1e4, 1e4))
    }
    fn positive(&self, yes: &Self, no: &Self) -> Self {
        self.map(|x| no.0.clone().mask_where(x.greater_elem(0.0), yes.0.clone()))
    }
}

/// A complex tensor, for the complex functions of devices that have only real ones.
#[derive(Clone)]
struct ComplexTensor {
    re: RealTensor,
    im: RealTensor,
}

impl ComplexTensor {
    /// A function that has no form in tensors, through the host.
    fn through_host(&self, f: impl Fn(Complex<f64>) -> Complex<f64>) -> Self {
        let (re, im) = (self.re.to_f64(), self.im.to_f64());
        let values: Vec<_> = re.iter().zip(&im).map(|(&a, &b)| f(Complex::new(a, b))).collect();
        Self {
            re: self.re.like(values.iter().map(|z| z.re).collect()),
            im: self.re.like(values.iter().map(|z| z.im).collect()),
        }
    }
}

impl Analytic for ComplexTensor {
    fn add(&self, other: &Self) -> Self {
        Self { re: self.re.add(&other.re), im: self.im.add(&other.im) }
    }
    fn sub(&self, other: &Self) -> Self {
        Self { re: self.re.sub(&other.re), im: self.im.sub(&other.im) }
    }
    fn mul(&self, other: &Self) -> Self {
        Self {
            re: self.re.mul(&other.re).sub(&self.im.mul(&other.im)),
            im: self.re.mul(&other.im).add(&self.im.mul(&other.re)),
        }
    }
    fn scale(&self, factor: f64) -> Self {
        Self { re: self.re.scale(factor), im: self.im.scale(factor) }
    }
    fn offset(&self, term: f64) -> Self {
        Self { re: self.re.offset(term), im: self.im.clone() }
    }
    fn reciprocal(&self) -> Self {
        let inverse = self.re.mul(&self.re).add(&self.im.mul(&self.im)).reciprocal();
        Self { re: self.re.mul(&inverse), im: self.im.mul(&inverse).scale(-1.0) }
    }
    fn exponentials(&self) -> [Self; 2] {
        let [modulus, growth] = self.re.exponentials();
        let half = self.im.map(|y| (y * 0.5).sin());
        let (sine, cosine) = (self.im.map(|y| y.sin()), self.im.map(|y| y.cos()));
        let im = modulus.mul(&sine);
        let whole = Self { re: modulus.mul(&cosine), im: im.clone() };
        [whole, Self { re: growth.mul(&cosine).sub(&half.mul(&half).scale(2.0)), im }]
    }
    fn ln(&self) -> Self {
        let modulus = self.re.mul(&self.re).add(&self.im.mul(&self.im));
        Self { re: modulus.ln().scale(0.5), im: self.im.atan2(&self.re) }
    }
    fn ln_1p(&self) -> Self {
        let excess = self.re.scale(2.0).add(&self.re.mul(&self.re)).add(&self.im.mul(&self.im));
        Self { re: excess.ln_1p().scale(0.5), im: self.im.atan2(&self.re.offset(1.0)) }
    }
    fn sqrt(&self) -> Self {
        // Of numbers near the positive axis (variances): √z = (√((|z| + re)/2), im / (2 re √z)).
        let modulus = self.re.mul(&self.re).add(&self.im.mul(&self.im)).sqrt();
        let re = modulus.add(&self.re).scale(0.5).sqrt();
        Self { im: self.im.mul(&re.reciprocal()).scale(0.5), re }
    }
    fn powf(&self, p: f64) -> Self {
        let [power, _] = self.ln().scale(p).exponentials();
        power
    }
    fn sine_and_cosine(&self) -> [Self; 2] {
        let [[up, growth], [down, decay]] =
            [self.im.exponentials(), self.im.scale(-1.0).exponentials()];
        let cosh = up.add(&down).scale(0.5);
        let sinh = growth.sub(&decay).scale(0.5);
        let [sine, cosine] = self.re.sine_and_cosine();
        [
            Self { re: sine.mul(&cosh), im: cosine.mul(&sinh) },
            Self { re: cosine.mul(&cosh), im: sine.mul(&sinh).scale(-1.0) },
        ]
    }
    fn atan(&self) -> Self {
        let below = self.im.offset(-1.0);
        let square = self.re.mul(&self.re);
        let ratio = self.im.scale(4.0).mul(&square.add(&below.mul(&below)).reciprocal());
        let rest = square.add(&self.im.mul(&self.im)).scale(-1.0).offset(1.0);
        Self { re: self.re.scale(2.0).atan2(&rest).scale(0.5), im: ratio.ln_1p().scale(0.25) }
    }
    fn error_functions(&self) -> [Self; 3] {
        let [gauss, _] = self.mul(self).scale(-1.0).exponentials();
        [self.through_host(f64::complex_erf), self.through_host(f64::complex_erfc), gauss]
    }
    fn normal(&self) -> [Self; 2] {
        let [gauss, _] = self.mul(self).scale(-0.5).exponentials();
        let distribution = self.scale(-FRAC_1_SQRT_2).through_host(f64::complex_erfc);
        [distribution.scale(0.5), gauss]
    }
    fn zero(&self) -> Self {
        Self { re: self.re.zero(), im: self.im.zero() }
    }
    fn near(&self) -> Self {
        self.clone()
    }
    fn positive(&self, yes: &Self, no: &Self) -> Self {
        Self { re: self.re.positive(&yes.re, &no.re), im: self.re.positive(&yes.im, &no.im) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algebra::Algebra;
    use crate::architecture::Dtype;
    use crate::array::{Context, Place};
    use burn::tensor::Device;

    /// Both ways to apply a function: the lanes of the host, and operations of tensors, by the backend for the host.
    fn both(function: Elementary, algebra: &Algebra, base: &[f64]) -> [(Series, Series); 2] {
        [Place::Host, Place::Device(Device::flex())].map(|place| {
            let context = Context { place, dtype: Dtype::F64 };
            let ring = Ring::new(algebra, &context);
            let shape = [base.len()];
            let coefficients: Coefficients = (0..algebra.len())
                .map(|k| {
                    let entry = |(i, x): (usize, &f64)| match k {
                        0 => *x,
                        _ => 0.3 * ((1 + i + 5 * k) as f64).sin(),
                    };
                    Some(context.array(base.iter().enumerate().map(entry).collect(), &shape))
                })
                .collect();
            let (value, derivative) =
                ring.apply(function, &Series::new(coefficients, &shape), true);
            (value, derivative.expect("asked for"))
        })
    }

    #[test]
    fn tensor_operations_compute_what_the_lanes_do() {
        // Both sides of every bound between a formula and a series, and of every kink.
        let any =
            [-20.0, -3.0, -1.1, -0.36, -0.34, -0.26, -0.24, -1e-3, 1e-9, 0.1, 0.3, 0.4, 5.0, 20.0];
        let positive = [0.4, 0.8, 1.0, 1.3, 7.0, 90.0];
        let points = |function| match function {
            Elementary::Log
            | Elementary::Log1p
            | Elementary::Reciprocal
            | Elementary::Sqrt
            | Elementary::InverseSqrt
            | Elementary::Power(_) => &positive[..],
            // Near 0 its third derivative is so large that products of complex coefficients cancel.
            Elementary::IntegerPower(..0) => &positive[1..],
            _ => &any[..],
        };
        let real = [Algebra::real(), Algebra::taylor(3), Algebra::truncated(&[1, 2])];
        let algebras: Vec<Algebra> =
            real.iter().cloned().chain(real.iter().cloned().map(Algebra::complexified)).collect();
        for function in Elementary::ALL {
            let base = points(function);
            for algebra in &algebras {
                let [lanes, tensors] = both(function, algebra, base);
                for (x, y) in [(&lanes.0, &tensors.0), (&lanes.1, &tensors.1)] {
                    for k in 0..algebra.len() {
                        let entries = |s: &Series| {
                            s.coefficient(k).map_or_else(|| vec![0.0; base.len()], Array::to_f64)
                        };
                        for ((a, b), at) in entries(x).iter().zip(entries(y)).zip(base) {
                            assert!(
                                (a - b).abs() <= 1e-13 * a.abs().max(1.0),
                                "{function:?} at {at}, coefficient {k} of {}: {a:e} and {b:e}",
                                algebra.len()
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn infinities_have_the_limits_that_lanes_give() {
        for function in Elementary::ALL {
            let infinities = [f64::NEG_INFINITY, f64::INFINITY];
            let [lanes, tensors] = both(function, &Algebra::real(), &infinities);
            let entries = |s: &Series| s.base().to_f64();
            for (a, b) in entries(&lanes.0).into_iter().zip(entries(&tensors.0)) {
                let near = a == b || (a - b).abs() < 1e-15 || a.is_nan() && b.is_nan();
                assert!(near, "{function:?}: {a} and {b}");
            }
        }
    }
}
