//! Objectives made of closures.

use super::error::text;
use super::{Call, Capability, Cause, Counter, Counts, Objective, ObjectiveError, Scalar, Site};
use bea_series::typed::Matrix;
use num_complex::Complex64;
use std::error::Error;
use std::sync::Arc;

/// What a closure may return: a value, or a `Result` of one with any error.
pub trait Answer<T> {
    /// As a result.
    ///
    /// # Errors
    /// What the closure returned.
    fn outcome(self) -> Result<T, Cause>;
}

impl Answer<f64> for f64 {
    fn outcome(self) -> Result<f64, Cause> {
        Ok(self)
    }
}

impl Answer<Complex64> for Complex64 {
    fn outcome(self) -> Result<Complex64, Cause> {
        Ok(self)
    }
}

impl Answer<()> for () {
    fn outcome(self) -> Result<(), Cause> {
        Ok(())
    }
}

impl<T, E: Into<Box<dyn Error + Send + Sync>>> Answer<T> for Result<T, E> {
    fn outcome(self) -> Result<T, Cause> {
        self.map_err(Cause::new)
    }
}

type Value<'a, S> = Box<dyn Fn(&[S]) -> Result<S, Cause> + Send + Sync + 'a>;
type Gradient<'a, S> = Box<dyn Fn(&[S], &mut [S]) -> Result<S, Cause> + Send + Sync + 'a>;
type Product<'a, S> = Box<dyn Fn(&[S], &[S], &mut [S]) -> Result<(), Cause> + Send + Sync + 'a>;
type Contraction<'a, S> =
    Box<dyn Fn(&[S], &[&[S]], &mut [S]) -> Result<(), Cause> + Send + Sync + 'a>;

/// An objective of so many variables, before it has its [gradient](WithoutGradient::gradient).
///
/// ```
/// use bea_flow::objective::{Objective, ObjectiveError};
///
/// // E = x - log x, for x > 0
/// let barrier = bea_flow::objective(1).gradient(|x, g| {
///     if x[0] <= 0.0 {
///         return Err("x must be positive");
///     }
///     g[0] = 1.0 - 1.0 / x[0];
///     Ok(x[0] - x[0].ln())
/// });
/// assert_eq!(barrier.value(&[1.0])?, 1.0);
/// assert_eq!(
///     barrier.value(&[-2.0]).unwrap_err().to_string(),
///     "gradient number 2 at x = (-2) failed: x must be positive"
/// );
/// # Ok::<(), ObjectiveError>(())
/// ```
pub fn objective(dimension: usize) -> WithoutGradient<f64> {
    WithoutGradient { dimension, scalar: std::marker::PhantomData }
}

/// The holomorphic continuation of an objective of so many variables, for [`Closures::with_complex`].
pub fn complex(dimension: usize) -> WithoutGradient<Complex64> {
    WithoutGradient { dimension, scalar: std::marker::PhantomData }
}

/// What [`objective`] and [`complex`] return: it becomes [`Closures`] by its gradient.
#[derive(Clone, Copy, Debug)]
pub struct WithoutGradient<S> {
    dimension: usize,
    scalar: std::marker::PhantomData<S>,
}

impl<S: Scalar> WithoutGradient<S> {
    /// `|x, g| …`: writes `∇E(x)` into `g` and returns `E(x)`, or a `Result` of it.
    pub fn gradient<'a, R: Answer<S>>(
        self,
        f: impl Fn(&[S], &mut [S]) -> R + Send + Sync + 'a,
    ) -> Closures<'a, S> {
        Closures {
            dimension: self.dimension,
            value: None,
            gradient: Box::new(move |x, g| f(x, g).outcome()),
            product: None,
            differences: None,
            contraction: None,
            complex: None,
            precision: f64::EPSILON,
            counter: Arc::default(),
            matrices: Vec::new(),
        }
    }
}

/// An objective made of closures. Each may return a value, or a `Result` with any error. What they return is
/// checked: results that are not finite, and errors, become an [`ObjectiveError`] that says which call
/// it was, and where. Calls are counted.
pub struct Closures<'a, S: Scalar = f64> {
    dimension: usize,
    value: Option<Value<'a, S>>,
    gradient: Gradient<'a, S>,
    product: Option<Product<'a, S>>,
    /// The relative step of finite differences.
    differences: Option<f64>,
    /// The largest number of directions with it.
    contraction: Option<(usize, Contraction<'a, S>)>,
    complex: Option<Box<dyn Objective<Complex64> + 'a>>,
    precision: f64,
    counter: Arc<Counter>,
    matrices: Vec<Matrix>,
}

impl<'a, S: Scalar> Closures<'a, S> {
    /// The variables are these matrices, one after the other, each row by row.
    pub fn with_matrices(mut self, matrices: Vec<Matrix>) -> Self {
        self.matrices = matrices;
        self
    }

    /// `|x| …`: returns `E(x)`, where that is cheaper than with its gradient.
    pub fn with_value<R: Answer<S>>(mut self, f: impl Fn(&[S]) -> R + Send + Sync + 'a) -> Self {
        self.value = Some(Box::new(move |x| f(x).outcome()));
        self
    }

    /// `|x, v, out| …`: writes `∇²E(x) v` into `out`.
    pub fn hessian_vector<R: Answer<()>>(
        mut self,
        f: impl Fn(&[S], &[S], &mut [S]) -> R + Send + Sync + 'a,
    ) -> Self {
        self.product = Some(Box::new(move |x, v, out| f(x, v, out).outcome()));
        self
    }

    /// Hessian-vector products from central differences of gradients,
    /// `(∇E(x + εu) - ∇E(x - εu))/(2ε) ‖v‖` with `u = v/‖v‖` and `ε = step · max(1, ‖x‖)`: two gradients
    /// each. About `1e-6` loses the fewest digits, and leaves ten of them; an exact product is better.
    pub fn differences(mut self, step: f64) -> Self {
        self.differences = Some(step);
        self
    }

    /// `|x, directions, out| …`: writes `∇^{m+1}E(x)[v_1, …, v_m]` into `out`, for the `m` directions
    /// that there are, from 2 to `most`.
    pub fn with_contraction<R: Answer<()>>(
        mut self,
        most: usize,
        f: impl Fn(&[S], &[&[S]], &mut [S]) -> R + Send + Sync + 'a,
    ) -> Self {
        self.contraction = Some((most, Box::new(move |x, vs, out| f(x, vs, out).outcome())));
        self
    }

    /// The machine epsilon of the numbers that the closures calculate with, `f32::EPSILON.into()` for 32-bit ones: see
    /// [`Objective::precision`].
    pub fn with_precision(mut self, precision: f64) -> Self {
        self.precision = precision;
        self
    }

    /// How often the closures were called, complex ones included.
    pub fn counts(&self) -> Counts {
        self.counter.counts()
    }

    /// One call of a closure, counted, with its number and its place for errors.
    fn call<T>(
        &self,
        call: Call,
        x: &[S],
        closure: impl FnOnce() -> Result<T, Cause>,
    ) -> Result<(T, u64), ObjectiveError> {
        let number = self.counter.add(call, 1) + 1;
        match closure() {
            Ok(value) => Ok((value, number)),
            Err(cause) => {
                let site = Site::new(call, number, x);
                Err(ObjectiveError::Closure { site, cause })
            }
        }
    }

    /// The product with one vector.
    fn product(&self, x: &[S], v: &[S]) -> Result<Vec<S>, ObjectiveError> {
        let mut out = vec![S::zero(); self.dimension];
        if let Some(f) = &self.product {
            let ((), number) = self.call(Call::HessianVector, x, || f(x, v, &mut out))?;
            finite(Call::HessianVector, number, x, &out)?;
            return Ok(out);
        }
        let Some(step) = self.differences else {
            return Err(ObjectiveError::Missing(Capability::HessianVectors));
        };
        self.counter.add(Call::HessianVector, 1);
        let size = norm(v);
        if size == 0.0 {
            return Ok(out);
        }
        let epsilon = step * norm(x).max(1.0);
        let mut moved = x.to_vec();
        let mut below = vec![S::zero(); self.dimension];
        for (sign, gradient) in [(1.0, &mut out), (-1.0, &mut below)] {
            let along = S::from_real(sign * epsilon / size);
            moved.iter_mut().zip(x).zip(v).for_each(|((m, &x), &v)| *m = x + along * v);
            self.value_and_gradient(&moved, gradient)?;
        }
        let scale = S::from_real(size / (2.0 * epsilon));
        out.iter_mut().zip(below).for_each(|(a, b)| *a = (*a - b) * scale);
        Ok(out)
    }
}

impl<'a> Closures<'a, f64> {
    /// The same objective at complex points:
    /// `.with_complex(bea::objective::complex(2).gradient(|z, g| …).hessian_vector(|z, v, out| …))`, with
    /// derivatives that conjugate nothing. Its calls are counted together with the others.
    pub fn with_complex(mut self, mut continuation: Closures<'a, Complex64>) -> Self {
        continuation.counter = self.counter.clone();
        self.complex = Some(Box::new(continuation));
        self
    }
}

fn norm<S: Scalar>(v: &[S]) -> f64 {
    v.iter().map(|x| x.modulus_squared()).sum::<f64>().sqrt()
}

/// Refuses entries that are infinite or not a number.
fn finite<S: Scalar>(call: Call, number: u64, x: &[S], out: &[S]) -> Result<(), ObjectiveError> {
    match out.iter().position(|y| !y.is_finite()) {
        None => Ok(()),
        Some(entry) => {
            let site = Site::new(call, number, x);
            let value = text(out[entry]);
            Err(ObjectiveError::NotFinite { site, entry: Some(entry), value })
        }
    }
}

impl<S: Scalar> Objective<S> for Closures<'_, S> {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn matrices(&self) -> Vec<Matrix> {
        self.matrices.clone()
    }

    fn value_and_gradient(&self, x: &[S], gradient: &mut [S]) -> Result<S, ObjectiveError> {
        let call = Call::Gradient;
        let (value, number) = self.call(call, x, || (self.gradient)(x, gradient))?;
        if !value.is_finite() {
            let site = Site::new(call, number, x);
            return Err(ObjectiveError::NotFinite { site, entry: None, value: text(value) });
        }
        finite(call, number, x, gradient)?;
        Ok(value)
    }

    fn value(&self, x: &[S]) -> Result<S, ObjectiveError> {
        let Some(f) = &self.value else {
            return self.value_and_gradient(x, &mut vec![S::zero(); self.dimension]);
        };
        let (value, number) = self.call(Call::Value, x, || f(x))?;
        if value.is_finite() {
            return Ok(value);
        }
        let site = Site::new(Call::Value, number, x);
        Err(ObjectiveError::NotFinite { site, entry: None, value: text(value) })
    }

    fn max_directions(&self) -> usize {
        match &self.contraction {
            Some((most, _)) => *most,
            None => usize::from(self.product.is_some() || self.differences.is_some()),
        }
    }

    fn hessian_vectors(&self, x: &[S], block: &[&[S]]) -> Result<Vec<Vec<S>>, ObjectiveError> {
        block.iter().map(|v| self.product(x, v)).collect()
    }

    fn contraction(
        &self,
        x: &[S],
        directions: &[&[S]],
        out: &mut [S],
    ) -> Result<(), ObjectiveError> {
        if let [v] = directions {
            out.copy_from_slice(&self.product(x, v)?);
            return Ok(());
        }
        let Some((_, f)) = self.contraction.as_ref().filter(|(most, _)| directions.len() <= *most)
        else {
            return Err(ObjectiveError::Missing(Capability::of_directions(directions.len())));
        };
        let ((), number) = self.call(Call::Contraction, x, || f(x, directions, out))?;
        finite(Call::Contraction, number, x, out)
    }

    fn complex(&self) -> Option<&dyn Objective<Complex64>> {
        self.complex.as_deref()
    }

    fn precision(&self) -> f64 {
        self.precision
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `E = x²y`.
    fn product<'a>() -> Closures<'a> {
        objective(2).gradient(|x, g| {
            g.copy_from_slice(&[2.0 * x[0] * x[1], x[0] * x[0]]);
            x[0] * x[0] * x[1]
        })
    }

    #[test]
    fn what_is_not_finite_is_named() {
        let broken = objective(3)
            .gradient(|x, g| {
                g.copy_from_slice(&[1.0, x[1].sqrt(), 1.0]);
                x[0]
            })
            .hessian_vector(|_, v, out| out.fill(1.0 / v[0]));
        let mut g = [0.0; 3];
        broken.value_and_gradient(&[0.0, 1.0, 2.0], &mut g).unwrap();
        let error = broken.gradient(&[0.0, -1.0, 2.0], &mut g).unwrap_err();
        assert!(error.is_undefined());
        assert_eq!(
            error.to_string(),
            "gradient number 2 at x = (0, -1, 2) is not finite: entry 1 is NaN; if the objective \
             is not defined there, let the closure return an error that says so"
        );
        let error = broken.value(&[f64::NEG_INFINITY, 1.0, 2.0]).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("number 3 at x = (-inf, 1, 2) is not finite: the value is -inf")
        );
        let error = broken.hessian_vectors(&[0.0; 3], &[&[1.0; 3], &[0.0; 3]]).unwrap_err();
        assert!(error.to_string().starts_with(
            "Hessian-vector product number 2 at x = (0, 0, 0) is not finite: entry 0 is inf"
        ));
    }

    #[test]
    fn an_error_of_a_closure_is_kept() {
        let broken =
            objective(9).gradient(|_, _| -> Result<f64, std::fmt::Error> { Err(std::fmt::Error) });
        let error = broken.value(&[0.5; 9]).unwrap_err();
        assert!(error.cause().unwrap().is::<std::fmt::Error>());
        let expected = "gradient number 1 at x = (0.5, 0.5, 0.5, 0.5, 0.5, 0.5, …) failed: ";
        assert!(error.to_string().starts_with(expected), "{error}");
    }

    #[test]
    fn what_is_missing_is_named() {
        let only = product();
        assert_eq!((only.max_directions(), only.complex().is_none()), (0, true));
        let error = only.hessian_vectors(&[1.0, 2.0], &[&[1.0, 0.0]]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "this needs Hessian-vector products, which the objective does not have: formulas and \
             networks have them; closures get them by `hessian_vector`, or from finite differences \
             of gradients by `differences`"
        );
        let error =
            only.contraction(&[1.0, 2.0], &[&[1.0, 0.0], &[0.0, 1.0]], &mut [0.0; 2]).unwrap_err();
        assert_eq!(error, ObjectiveError::Missing(Capability::Contraction(2)));
    }

    #[test]
    fn differences_are_products_to_ten_digits() {
        let differences = product().differences(1e-6);
        assert_eq!(differences.max_directions(), 1);
        let found = differences.hessian_vectors(&[3.0, -2.0], &[&[5.0, 7.0], &[0.0; 2]]).unwrap();
        // [[2y, 2x], [2x, 0]]
        for (found, expected) in found[0].iter().zip([-20.0 + 42.0, 30.0]) {
            assert!((found - expected).abs() < 1e-8, "{found}");
        }
        assert_eq!(found[1], [0.0; 2]);
        let counts = differences.counts();
        assert_eq!((counts.gradients, counts.hessian_vectors), (2, 2));
    }

    #[test]
    fn complex_calls_are_counted_with_the_others() {
        let both = product().with_value(|x| x[0] * x[0] * x[1]).with_complex(
            complex(2)
                .gradient(|z, g| {
                    g.copy_from_slice(&[2.0 * z[0] * z[1], z[0] * z[0]]);
                    z[0] * z[0] * z[1]
                })
                .with_contraction(2, |_, v, out| {
                    let [u, v] = v else { return Err("two directions alone") };
                    out[0] = 2.0 * (u[0] * v[1] + u[1] * v[0]);
                    out[1] = 2.0 * u[0] * v[0];
                    Ok(())
                }),
        );
        let z = [Complex64::I, Complex64::ONE];
        let at = both.complex().unwrap();
        assert_eq!(at.value(&z).unwrap(), -Complex64::ONE);
        assert_eq!(both.value_and_gradient(&[1.0, 2.0], &mut [0.0; 2]).unwrap(), 2.0);
        assert_eq!(both.value(&[1.0, 2.0]).unwrap(), 2.0);
        let mut out = z;
        at.contraction(&z, &[&z, &z], &mut out).unwrap();
        assert_eq!(out, [4.0 * Complex64::I, -2.0 * Complex64::ONE]);
        let counts = both.counts();
        assert_eq!((counts.gradients, counts.values, counts.contractions), (2, 1, 1));
    }
}
