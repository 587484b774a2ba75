//! Elementwise functions of algebra-valued arrays on the host: one pass over memory a function, in lanes that the
//! compiler turns into vector instructions.

mod number;
mod pass;
mod powers;

use std::marker::PhantomData;

use smallvec::SmallVec;

pub(crate) use number::Real;

use super::algebra::Algebra;
use super::function::Elementary;
use super::host::cores;
use number::{ComplexLane, Lane};
use pass::{Load, Pass};
use powers::Powers;

/// The coefficients of `σ(x)` and of `σ'(x)`, `None` where they vanish.
pub(crate) type ValueAndDerivative<T> = (Coefficients<T>, Coefficients<T>);

/// A buffer for each coefficient, `None` for zero; a real number's in place.
pub(crate) type Coefficients<T> = SmallVec<[Option<Vec<T>>; 1]>;

/// A function costs as much as going through so many numbers.
const COST: usize = 4;

/// Applies `function` to an element of the algebra with coefficients `x` (`None`: zero), each of `length` numbers.
/// The derivative, which reverse mode multiplies with, is left out where it is not `wanted`.
pub(crate) fn apply<T: Real>(
    algebra: &Algebra,
    function: Elementary,
    x: &[Option<&[T]>],
    length: usize,
    wanted: bool,
) -> ValueAndDerivative<T> {
    if algebra.is_complex() {
        apply_in::<T, ComplexLane<T>>(algebra, function, x, length, wanted)
    } else {
        apply_in::<T, Lane<T>>(algebra, function, x, length, wanted)
    }
}

fn apply_in<T: Real, L: Load<T>>(
    algebra: &Algebra,
    function: Elementary,
    x: &[Option<&[T]>],
    length: usize,
    wanted: bool,
) -> ValueAndDerivative<T> {
    let powers = Powers::new(algebra, |monomial| {
        x[L::PARTS * monomial..L::PARTS * (monomial + 1)].iter().any(Option::is_some)
    });
    // The derivative of what is straight between its kinks is constant there.
    let mut slopes = powers.support.clone();
    if function.is_straight() {
        slopes[1..].fill(false);
    }
    let buffer = |support: &[bool]| -> SmallVec<[Vec<T>; 1]> {
        support
            .iter()
            .flat_map(|&present| std::iter::repeat_n(present, L::PARTS))
            .map(|present| if present { T::vector(length) } else { Vec::new() })
            .collect()
    };
    let mut value = buffer(&powers.support);
    let mut derivative = if wanted { buffer(&slopes) } else { SmallVec::new() };
    let count = value.len();
    let parts = value.iter_mut().chain(&mut derivative).map(|part| &mut part[..]).collect();
    cores::rows(parts, 1, COST, &|start, mut parts: cores::Parts<'_, T>| {
        let length = parts[0].len();
        let x: SmallVec<[Option<&[T]>; 4]> =
            x.iter().map(|x| x.map(|x| &x[start..start + length])).collect();
        let (value, derivative) = parts.split_at_mut(count);
        pulp::Arch::new().dispatch(Pass::<T, L> {
            function,
            powers: &powers,
            x: &x,
            length,
            value,
            derivative: wanted.then_some(derivative),
            lanes: PhantomData,
        });
    });
    let present = |values: SmallVec<[Vec<T>; 1]>, support: &[bool]| -> Coefficients<T> {
        let parts = support.iter().flat_map(|&p| std::iter::repeat_n(p, L::PARTS));
        values.into_iter().zip(parts).map(|(v, present)| present.then_some(v)).collect()
    };
    (present(value, &powers.support), present(derivative, &slopes))
}

#[cfg(test)]
mod tests {
    use super::number::LANES;
    use super::*;
    use crate::function::Function;
    use num_complex::Complex;
    use std::f64::consts::FRAC_PI_2;

    fn points(function: Elementary) -> Vec<f64> {
        let (start, step) = match function {
            Elementary::Log
            | Elementary::Log1p
            | Elementary::Reciprocal
            | Elementary::Sqrt
            | Elementary::InverseSqrt
            | Elementary::Power(_)
            | Elementary::IntegerPower(_) => (0.3, 0.1),
            // Between its poles.
            Elementary::Tan => (-1.1, 0.06),
            _ => (-3.3, 0.17),
        };
        (0..37).map(|i| start + step * i as f64).collect()
    }

    #[test]
    fn exponentials_are_exact_to_rounding() {
        let mut worst: (f64, f32) = (0.0, 0.0);
        for start in 0..2000 {
            let x: [f64; LANES] =
                std::array::from_fn(|i| (start * LANES + i) as f64 * 0.04 - 640.0);
            for (x, y) in x.iter().zip(f64::exponentials_lane(&x)[1]) {
                worst.0 = worst.0.max(((y - x.exp_m1()) / x.exp_m1().abs().max(1e-300)).abs());
            }
            let x: [f32; LANES] =
                std::array::from_fn(|i| (start * LANES + i) as f32 * 0.005 - 80.0);
            for (x, y) in x.iter().zip(f32::exponentials_lane(&x)[1]) {
                worst.1 = worst.1.max(((y - x.exp_m1()) / x.exp_m1().abs().max(1e-30)).abs());
            }
        }
        assert!(worst.0 < 6.0 * f64::EPSILON && worst.1 < 6.0 * f32::EPSILON, "{worst:?}");
        // The exponential itself, down to the smallest normal numbers, below which it is 0.
        let mut worst: (f64, f32) = (0.0, 0.0);
        for start in 0..1000 {
            let x: [f64; LANES] =
                std::array::from_fn(|i| (start * LANES + i) as f64 * 0.08 - 707.0);
            for (x, y) in x.iter().zip(f64::exponentials_lane(&x)[0]).filter(|(x, _)| **x < 708.0) {
                worst.0 = worst.0.max((y / x.exp() - 1.0).abs());
            }
            let x: [f32; LANES] = std::array::from_fn(|i| (start * LANES + i) as f32 * 0.01 - 86.0);
            for (x, y) in x.iter().zip(f32::exponentials_lane(&x)[0]).filter(|(x, _)| **x < 87.0) {
                worst.1 = worst.1.max((y / x.exp() - 1.0).abs());
            }
        }
        assert!(worst.0 < 6.0 * f64::EPSILON && worst.1 < 6.0 * f32::EPSILON, "{worst:?}");
        let small: [f64; LANES] = std::array::from_fn(|i| 1e-9 * (i as f64 - 7.5));
        for (x, y) in small.iter().zip(f64::exponentials_lane(&small)[1]) {
            assert!((y / x.exp_m1() - 1.0).abs() < 4.0 * f64::EPSILON, "{x} {y}");
        }
        let special = [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1000.0, -1000.0, 0.0];
        let mut x = [0.0; LANES];
        x[..6].copy_from_slice(&special);
        let [whole, y] = f64::exponentials_lane(&x);
        assert_eq!(
            (whole[0], whole[1], whole[3], whole[4]),
            (f64::INFINITY, 0.0, f64::INFINITY, 0.0)
        );
        assert!(whole[2].is_nan() && whole[5] == 1.0);
        assert_eq!((y[0], y[1], y[3], y[4], y[5]), (f64::INFINITY, -1.0, f64::INFINITY, -1.0, 0.0));
        assert!(y[2].is_nan());
    }

    /// At infinity the values are limits, and derivatives of what is flat or straight there are too.
    #[test]
    fn infinities_have_limits() {
        const INF: f64 = f64::INFINITY;
        let limits = [
            (Elementary::Activation(Function::Relu), [0.0, 0.0], [INF, 1.0]),
            (Elementary::Activation(Function::Gelu), [0.0, 0.0], [INF, 1.0]),
            (Elementary::Activation(Function::Softplus), [0.0, 0.0], [INF, 1.0]),
            (Elementary::Elu(1.0), [-1.0, 0.0], [INF, 1.0]),
            (Elementary::Elu(0.7), [-0.7, 0.0], [INF, 1.0]),
            (Elementary::LeakyRelu(0.1), [-INF, 0.1], [INF, 1.0]),
            (Elementary::Abs, [INF, -1.0], [INF, 1.0]),
            (Elementary::Activation(Function::Tanh), [-1.0, 0.0], [1.0, 0.0]),
            (Elementary::Activation(Function::Sigmoid), [0.0, 0.0], [1.0, 0.0]),
            (Elementary::Erf, [-1.0, 0.0], [1.0, 0.0]),
            (Elementary::Erfc, [2.0, 0.0], [0.0, 0.0]),
            (Elementary::NormalDistribution, [0.0, 0.0], [1.0, 0.0]),
            (Elementary::Silu, [0.0, 0.0], [INF, 1.0]),
            (Elementary::Mish, [0.0, 0.0], [INF, 1.0]),
            (Elementary::GeluTanh, [0.0, 0.0], [INF, 1.0]),
            (Elementary::Hardswish, [0.0, 0.0], [INF, 1.0]),
            (Elementary::Atan, [-FRAC_PI_2, 0.0], [FRAC_PI_2, 0.0]),
        ];
        let algebra = Algebra::taylor(4);
        let (x, ones) = ([-INF, INF, f64::NAN], [1.0; 3]);
        for (function, below, above) in limits {
            let input = [Some(&x[..]), Some(&ones[..]), None, None, None];
            let (value, _) = apply(&algebra, function, &input, x.len(), false);
            for (r, coefficients) in value.iter().enumerate() {
                let found = coefficients.as_ref().unwrap();
                let limit = |all: [f64; 2]| all.get(r).copied().unwrap_or(0.0);
                assert_eq!(found[..2], [limit(below), limit(above)], "{function:?} {r}");
            }
            assert!(value[0].as_ref().unwrap()[2].is_nan(), "{function:?}");
        }
    }

    /// The coefficients along a direction against central differences of one order less.
    #[test]
    fn taylor_coefficients_are_derivatives() {
        let algebra = Algebra::taylor(3);
        for function in Elementary::ALL {
            let x = points(function);
            let along = |shift: f64| {
                let moved: Vec<f64> = x.iter().map(|x| x + shift).collect();
                let ones = vec![1.0; x.len()];
                let input = [Some(&moved[..]), Some(&ones[..]), None, None];
                apply(&algebra, function, &input, x.len(), true)
            };
            let (value, derivative) = along(0.0);
            let h = 1e-5;
            let ((up, _), (down, _)) = (along(h), along(-h));
            for (i, &at) in x.iter().enumerate() {
                if at.abs() < 2.0 * h {
                    continue;
                }
                for r in 0..3 {
                    let slope =
                        (up[r].as_ref().unwrap()[i] - down[r].as_ref().unwrap()[i]) / (2.0 * h);
                    let coefficient = value[r + 1].as_ref().unwrap()[i] * (r + 1) as f64;
                    assert!(
                        (slope - coefficient).abs() < 1e-7 * (1.0 + coefficient.abs() * 10.0),
                        "{function:?} at {}: {slope} {coefficient}",
                        at
                    );
                    // σ' has the coefficients of σ, shifted.
                    let d = derivative[r].as_ref().map_or(0.0, |derivative| derivative[i]);
                    assert!((d - coefficient).abs() <= 1e-12 * (1.0 + d.abs()), "{function:?} {r}");
                }
            }
        }
    }

    /// Against a mixed second difference, in an algebra where squares vanish.
    #[test]
    fn mixed_coefficients_are_mixed_derivatives() {
        let algebra = Algebra::truncated(&[1, 1]);
        let function = Elementary::Activation(Function::Tanh);
        let x = points(function);
        let (u, v) = (vec![0.7; x.len()], vec![-1.3; x.len()]);
        let (value, _) =
            apply(&algebra, function, &[Some(&x), Some(&u), Some(&v), None], x.len(), false);
        for (i, at) in x.iter().enumerate() {
            let t = at.tanh();
            let expected = -2.0 * t * (1.0 - t * t) * 0.7 * -1.3;
            assert!((value[3].as_ref().unwrap()[i] - expected).abs() < 1e-14);
        }
    }

    /// On the real line complex evaluation is real evaluation; off it, the derivative is the difference quotient in
    /// both directions (Cauchy-Riemann).
    #[test]
    fn complex_values_are_holomorphic() {
        let complex = Algebra::real().complexified();
        for function in Elementary::ALL {
            let x = points(function);
            let at = |re: f64, im: f64| {
                let moved: Vec<f64> = x.iter().map(|x| x + re).collect();
                let imaginary = vec![im; x.len()];
                let (v, d) =
                    apply(&complex, function, &[Some(&moved), Some(&imaginary)], x.len(), true);
                let pair = |p: &[Option<Vec<f64>>]| -> Vec<Complex<f64>> {
                    p[0].as_ref()
                        .unwrap()
                        .iter()
                        .zip(p[1].as_ref().unwrap())
                        .map(|(a, b)| Complex::new(*a, *b))
                        .collect()
                };
                (pair(&v), pair(&d))
            };
            let (real, _) = apply(&Algebra::real(), function, &[Some(&x[..])], x.len(), false);
            let (on_axis, _) = at(0.0, 0.0);
            for (a, b) in real[0].as_ref().unwrap().iter().zip(&on_axis) {
                assert!(
                    (a - b.re).abs() < 1e-13 * (1.0 + a.abs()) && b.im == 0.0,
                    "{function:?} {a} {b}"
                );
            }
            let h = 1e-5;
            let (_, derivative) = at(0.0, 0.2);
            let (right, left, up, down) =
                (at(h, 0.2).0, at(-h, 0.2).0, at(0.0, 0.2 + h).0, at(0.0, 0.2 - h).0);
            for (i, at) in x.iter().enumerate() {
                if at.abs() < 2.0 * h {
                    continue;
                }
                let horizontal = (right[i] - left[i]) / (2.0 * h);
                let vertical = (up[i] - down[i]) / Complex::new(0.0, 2.0 * h);
                assert!(
                    (horizontal - derivative[i]).norm() < 1e-7 * (1.0 + derivative[i].norm()),
                    "{function:?}"
                );
                assert!(
                    (vertical - derivative[i]).norm() < 1e-7 * (1.0 + derivative[i].norm()),
                    "{function:?}"
                );
            }
        }
    }

    /// A power that has fewer coefficients than the one before must not see its leftovers.
    #[test]
    fn sparse_nilpotents() {
        let algebra = Algebra::truncated(&[2, 1]);
        let function = Elementary::Exp;
        let x = vec![0.4];
        let (a, b) = (vec![2.0], vec![3.0]);
        let mut input: Vec<Option<&[f64]>> = vec![None; algebra.len()];
        input[0] = Some(&x);
        input[algebra.monomial(&[1, 0]).unwrap()] = Some(&a);
        input[algebra.monomial(&[0, 1]).unwrap()] = Some(&b);
        let (value, _) = apply(&algebra, function, &input, 1, false);
        let e = 0.4f64.exp();
        for (exponents, expected) in [([1, 1], 6.0), ([2, 0], 2.0), ([2, 1], 6.0)] {
            let got = value[algebra.monomial(&exponents).unwrap()].as_ref().unwrap()[0];
            assert!((got - expected * e).abs() < 1e-13, "{exponents:?}: {got}");
        }
    }
}
