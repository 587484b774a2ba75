//! Elementary functions of whole arrays by tensor operations, for devices whose memory the host cannot read.

use super::array::Array;
use super::function::Analytic;

impl Analytic for Array {
    fn add(&self, other: &Self) -> Self {
        Array::add(self, other)
    }
    fn sub(&self, other: &Self) -> Self {
        Array::sub(self, other)
    }
    fn mul(&self, other: &Self) -> Self {
        Array::mul(self, other)
    }
    fn scale(&self, factor: f64) -> Self {
        Array::scale(self, factor)
    }
    fn offset(&self, term: f64) -> Self {
        self.map(|x| x + term)
    }
    fn reciprocal(&self) -> Self {
        self.map(|x| x.recip())
    }
    fn exp_m1(&self) -> Self {
        // The difference cancels near 0; Taylor's polynomial to these degrees is exact to rounding below the bound.
        const BOUND: f64 = 0.35;
        let degree = if self.is_double() { 13 } else { 7 };
        let plain = self.map(|x| x.exp() - 1.0);
        let near = self.map(|x| {
            let mut tail = x.clone() * (1.0 / f64::from(degree));
            for k in (2..degree).rev() {
                tail = (tail + 1.0) * (x.clone() * (1.0 / f64::from(k)));
            }
            tail * x.clone() + x
        });
        self.map(|x| x.abs() - BOUND).positive(&plain, &near)
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
    fn erf(&self) -> Self {
        // Backends approximate it to 1.5e-7, enough for 32-bit numbers only; the others go through the host.
        if self.is_double() {
            self.like(self.to_f64().into_iter().map(libm::erf).collect())
        } else {
            self.map(|x| x.erf())
        }
    }
    fn positive(&self, yes: &Self, no: &Self) -> Self {
        Array::positive(self, yes, no)
    }
}

/// A complex array, for the complex functions of devices that have only real ones.
#[derive(Clone)]
pub(super) struct ComplexArray {
    pub re: Array,
    pub im: Array,
}

impl Analytic for ComplexArray {
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
        let inverse = Analytic::reciprocal(&self.re.mul(&self.re).add(&self.im.mul(&self.im)));
        Self { re: self.re.mul(&inverse), im: self.im.mul(&inverse).scale(-1.0) }
    }
    fn exp_m1(&self) -> Self {
        let growth = Analytic::exp_m1(&self.re);
        let half = self.im.map(|y| (y * 0.5).sin());
        let (sine, cosine) = (self.im.map(|y| y.sin()), self.im.map(|y| y.cos()));
        Self {
            re: growth.mul(&cosine).sub(&half.mul(&half).scale(2.0)),
            im: growth.offset(1.0).mul(&sine),
        }
    }
    fn ln(&self) -> Self {
        let modulus = self.re.mul(&self.re).add(&self.im.mul(&self.im));
        Self { re: Analytic::ln(&modulus).scale(0.5), im: self.im.atan2(&self.re) }
    }
    fn ln_1p(&self) -> Self {
        let excess = self.re.scale(2.0).add(&self.re.mul(&self.re)).add(&self.im.mul(&self.im));
        Self { re: Analytic::ln_1p(&excess).scale(0.5), im: self.im.atan2(&self.re.offset(1.0)) }
    }
    fn sqrt(&self) -> Self {
        // Of numbers near the positive axis (variances): √z = (√((|z| + re)/2), im / (2 re √z)).
        let modulus = Analytic::sqrt(&self.re.mul(&self.re).add(&self.im.mul(&self.im)));
        let re = Analytic::sqrt(&modulus.add(&self.re).scale(0.5));
        Self { im: self.im.mul(&Analytic::reciprocal(&re)).scale(0.5), re }
    }
    fn erf(&self) -> Self {
        // Elementwise special function without a tensor form: through the host.
        use super::lanes::Real;
        let (re, im) = (self.re.to_f64(), self.im.to_f64());
        let values: Vec<_> = re
            .iter()
            .zip(&im)
            .map(|(&a, &b)| f64::complex_erf(num_complex::Complex::new(a, b)))
            .collect();
        Self {
            re: self.re.like(values.iter().map(|z| z.re).collect()),
            im: self.re.like(values.iter().map(|z| z.im).collect()),
        }
    }
    fn positive(&self, yes: &Self, no: &Self) -> Self {
        Self { re: self.re.positive(&yes.re, &no.re), im: self.re.positive(&yes.im, &no.im) }
    }
}
