//! Truncated power series in one variable over the field of coefficients.

use crate::exact::RationalFunction as Q;

/// Coefficients of `z^0, z^1, …`.
pub(crate) type PowerSeries = Vec<Q>;

/// `a b` up to `z^(terms-1)`.
pub(crate) fn product(a: &[Q], b: &[Q], terms: usize) -> PowerSeries {
    let mut out = vec![Q::zero(); terms];
    for (i, x) in a.iter().enumerate().take(terms).filter(|(_, x)| !x.is_zero()) {
        for (j, y) in b.iter().enumerate().take(terms - i).filter(|(_, y)| !y.is_zero()) {
            out[i + j] = &out[i + j] + &(x * y);
        }
    }
    out
}

/// `a / b` up to `z^(terms-1)`; `b(0)` must not be 0.
pub(crate) fn quotient(a: &[Q], b: &[Q], terms: usize) -> PowerSeries {
    let lead = b[0].inverse().expect("the divisor does not vanish at 0");
    let mut out: PowerSeries = Vec::with_capacity(terms);
    for n in 0..terms {
        let mut value = a.get(n).cloned().unwrap_or_else(Q::zero);
        for k in 1..=n.min(b.len() - 1) {
            value = &value - &(&b[k] * &out[n - k]);
        }
        out.push(&value * &lead);
    }
    out
}

/// `log a` up to `z^(terms-1)` for `a(0) = 1`, from `(log a)' = a'/a`.
pub(crate) fn log(a: &[Q], terms: usize) -> PowerSeries {
    let derivative: PowerSeries =
        a.iter().enumerate().skip(1).map(|(n, c)| c * &Q::integer(n as i64)).collect();
    let slope = quotient(&derivative, a, terms.saturating_sub(1));
    let integral = slope
        .into_iter()
        .enumerate()
        .map(|(n, c)| &c * &Q::integer(n as i64 + 1).inverse().expect("n + 1 > 0"));
    std::iter::once(Q::zero()).chain(integral).collect()
}

/// The power series `P(z)`, `P(0) = 1`, with `Σ_i c_i(z) P^i = 0`, up to `z^(terms-1)`, by Newton's
/// method; `coefficients[i]` are the coefficients of `c_i`. `None` if 1 is not a simple root at
/// `z = 0`.
pub(crate) fn root_at_one(coefficients: &[Vec<Q>], terms: usize) -> Option<PowerSeries> {
    let at_zero = |i: usize| coefficients[i].first().cloned().unwrap_or_else(Q::zero);
    let sum = (0..coefficients.len()).fold(Q::zero(), |s, i| &s + &at_zero(i));
    let slope =
        (1..coefficients.len()).fold(Q::zero(), |s, i| &s + &(&at_zero(i) * &Q::integer(i as i64)));
    if !sum.is_zero() || slope.is_zero() {
        return None;
    }
    let mut root = vec![Q::one()];
    while root.len() < terms {
        let precision = (2 * root.len()).min(terms);
        // Horner's scheme for the polynomial and its derivative at the current root.
        let mut value: PowerSeries = vec![Q::zero(); precision];
        let mut derivative = value.clone();
        for c in coefficients.iter().rev() {
            derivative = product(&derivative, &root, precision);
            for (d, v) in derivative.iter_mut().zip(&value) {
                *d = &*d + v;
            }
            value = product(&value, &root, precision);
            for (v, c) in value.iter_mut().zip(c) {
                *v = &*v + c;
            }
        }
        let step = quotient(&value, &derivative, precision);
        root.resize(precision, Q::zero());
        for (r, s) in root.iter_mut().zip(&step) {
            *r = &*r - s;
        }
    }
    Some(root)
}
