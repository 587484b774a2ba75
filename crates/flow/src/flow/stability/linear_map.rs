//! One step of an optimizer on linear vector fields, as a matrix.
//!
//! Near a critical point `f_c(θ) = J_c θ` up to terms of second order. With the states `s` and the
//! stages `e` stacked, one step is
//!
//! ```text
//! e = h J (C s + D e),   s' = A s + B e = M(h) s,   M(h) = A + B (I - hJD)⁻¹ hJC
//! ```
//!
//! where `J` applies to every stage the Jacobian of its field.

use bea_series::exact::{RationalFunction, simplest_between};
use bea_series::series::{GeneralLinearMethod, Matrix, matrix_inverse, matrix_product};
use nalgebra::DMatrix;
use num_complex::Complex64;
use num_rational::BigRational;
use num_traits::{ToPrimitive, Zero};

/// The Jacobians are known up to a few rounding errors, relative to the largest entry. The simplest
/// rational number within that distance stands for an entry.
const ROUNDING: f64 = 4.0 * f64::EPSILON;

/// The four matrices of a step; their entries are functions of `h`, which is variable 0.
pub(super) struct LinearMap {
    a: Matrix,
    b: Matrix,
    /// `hJC`
    c: Matrix,
    /// `hJD`
    d: Matrix,
    numeric: [Vec<Vec<Quotient>>; 4],
}

/// Numerator and denominator, lowest powers of `h` first.
struct Quotient(Vec<f64>, Vec<f64>);

impl LinearMap {
    /// `spaces` are the coordinates of each space; `jacobians[c]` has the rows of `f_c'` that belong
    /// to the space of field `c`. The method must have no parameter left but `h`.
    pub(super) fn new(
        method: &GeneralLinearMethod,
        spaces: &[Vec<usize>],
        jacobians: &[Vec<Vec<BigRational>>],
    ) -> LinearMap {
        let h = match method.step_parameter {
            Some(_) => RationalFunction::one(),
            None => RationalFunction::variable(0),
        };
        let dimension = |space: usize| spaces[space].len();
        let offsets = |sizes: Vec<usize>| -> (Vec<usize>, usize) {
            let mut sum = 0;
            let starts = sizes.iter().map(|n| {
                sum += n;
                sum - n
            });
            (starts.collect(), sum)
        };
        let space_of_stage = |l: usize| method.fields[method.stages[l].field].space;
        let (states, n) = offsets(method.states.iter().map(|s| dimension(s.space)).collect());
        let (stages, e) =
            offsets((0..method.stages.len()).map(|l| dimension(space_of_stage(l))).collect());
        let zeros =
            |rows: usize, columns: usize| vec![vec![RationalFunction::zero(); columns]; rows];
        let (mut a, mut b) = (zeros(n, n), zeros(n, e));
        for (i, row) in method.update.iter().enumerate() {
            let space = method.states[i].space;
            for k in 0..dimension(space) {
                for (j, c) in row.states.iter().enumerate() {
                    if method.states[j].space == space {
                        a[states[i] + k][states[j] + k] = c.clone();
                    }
                }
                for (l, c) in row.stages.iter().enumerate() {
                    if space_of_stage(l) == space {
                        b[states[i] + k][stages[l] + k] = c.clone();
                    }
                }
            }
        }
        let (mut c, mut d) = (zeros(e, n), zeros(e, e));
        for (l, stage) in method.stages.iter().enumerate() {
            for (row, jacobian) in jacobians[stage.field].iter().enumerate() {
                for (space, argument) in stage.arguments.iter().enumerate() {
                    for (k, &column) in spaces[space].iter().enumerate() {
                        if jacobian[column].is_zero() {
                            continue;
                        }
                        let entry = &h * &jacobian[column].clone().into();
                        for (j, factor) in argument.states.iter().enumerate() {
                            if method.states[j].space == space && !factor.is_zero() {
                                c[stages[l] + row][states[j] + k] = &entry * factor;
                            }
                        }
                        for (j, factor) in argument.stages.iter().enumerate() {
                            if space_of_stage(j) == space && !factor.is_zero() {
                                d[stages[l] + row][stages[j] + k] = &entry * factor;
                            }
                        }
                    }
                }
            }
        }
        let numeric = [&a, &b, &c, &d].map(quotients);
        LinearMap { a, b, c, d, numeric }
    }

    /// Of one field in one dimension, `f(θ) = jθ`.
    pub(super) fn scalar(method: &GeneralLinearMethod, j: &BigRational) -> LinearMap {
        LinearMap::new(method, &[vec![0]], &[vec![vec![j.clone()]]])
    }

    /// How many rows `M` has.
    pub(super) fn size(&self) -> usize {
        self.a.len()
    }

    /// `M(h)` as a function of `h`, variable 0; `None` if the stages exist for no `h`.
    pub(super) fn exact(&self) -> Option<Matrix> {
        let mut system = self.d.clone();
        for (i, row) in system.iter_mut().enumerate() {
            for (j, entry) in row.iter_mut().enumerate() {
                *entry = -&*entry;
                if i == j {
                    *entry = &*entry + &RationalFunction::one();
                }
            }
        }
        let driven = matrix_product(&self.b, &matrix_product(&matrix_inverse(&system)?, &self.c));
        let mut sum = self.a.clone();
        for (row, more) in sum.iter_mut().zip(&driven) {
            for (entry, more) in row.iter_mut().zip(more) {
                *entry = &*entry + more;
            }
        }
        Some(sum)
    }

    /// `M(h)` at a number; `None` where the stages do not exist, or coefficients are not finite.
    pub(super) fn at(&self, h: Complex64) -> Option<DMatrix<Complex64>> {
        let [a, b, c, d] = self.numeric.each_ref().map(|m| {
            let columns = m.first().map_or(0, Vec::len);
            DMatrix::from_fn(m.len(), columns, |i, j| m[i][j].at(h))
        });
        // Without stages the other matrices have no rows, so their number of columns is not known.
        let m = if d.is_empty() {
            a
        } else {
            let system = DMatrix::identity(d.nrows(), d.nrows()) - d;
            a + b * system.lu().solve(&c)?
        };
        m.iter().all(|x| x.is_finite()).then_some(m)
    }
}

fn quotients(m: &Matrix) -> Vec<Vec<Quotient>> {
    let quotient = |x: &RationalFunction| {
        // Both divided by the same integer, so that neither overflows.
        let scale = x.denominator().height();
        let numbers = |p: &bea_series::exact::Poly| -> Vec<f64> {
            let parts = p.coefficients_in(0).into_iter();
            let constant =
                |c: bea_series::exact::Poly| c.as_constant().expect("h is the only variable");
            parts
                .map(|c| BigRational::new(constant(c), scale.clone()).to_f64().unwrap_or(f64::NAN))
                .collect()
        };
        Quotient(numbers(x.numerator()), numbers(x.denominator()))
    };
    m.iter().map(|row| row.iter().map(quotient).collect()).collect()
}

impl Quotient {
    fn at(&self, h: Complex64) -> Complex64 {
        let horner = |p: &[f64]| p.iter().rev().fold(Complex64::ZERO, |sum, c| sum * h + c);
        horner(&self.0) / horner(&self.1)
    }
}

/// The simplest rationals within the rounding errors of the entries; `None` if one is not finite.
pub(super) fn rational(jacobian: &DMatrix<f64>) -> Option<Vec<Vec<BigRational>>> {
    let unit = jacobian.amax() * ROUNDING;
    let row = |i| (0..jacobian.ncols()).map(|j| simplest(jacobian[(i, j)], unit)).collect();
    (0..jacobian.nrows()).map(row).collect()
}

/// The simplest rational that is no further from `x` than `unit`.
pub(super) fn simplest(x: f64, unit: f64) -> Option<BigRational> {
    let (x, unit) = (BigRational::from_float(x)?, BigRational::from_float(unit)?);
    Some(simplest_between(&(&x - &unit), &(x + unit)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bea_series::optimizer;
    use std::collections::BTreeMap;

    /// Against [`GeneralLinearMethod::linear_step`], and numbers against the exact matrix.
    #[test]
    fn one_dimension_is_the_linear_step() {
        let one = BigRational::from_integer(1.into());
        for optimizer in optimizer::library() {
            let values: BTreeMap<String, BigRational> = optimizer
                .parameters
                .iter()
                .enumerate()
                .map(|(i, p)| (p.clone(), BigRational::new(1.into(), (i as i64 + 3).into())))
                .collect();
            let method = optimizer.method(&values).unwrap();
            if method.fields.len() > 1 {
                continue;
            }
            let map = LinearMap::scalar(&method, &-one.clone());
            let found = map.exact().unwrap();
            let z = method.parameters.len();
            let expected = method.linear_step(z).unwrap();
            let step = RationalFunction::variable(0);
            let z_value = match method.step_parameter {
                Some(_) => RationalFunction::integer(-1),
                None => -&step,
            };
            let mut values = vec![None; z];
            values.push(Some(z_value));
            let expected: Matrix = expected
                .iter()
                .map(|row| row.iter().map(|x| x.substitute(&values).unwrap()).collect())
                .collect();
            assert_eq!(found, expected, "{}", optimizer.name);
            let h = BigRational::new(3.into(), 10.into());
            let numeric = map.at(Complex64::from(0.3)).unwrap();
            for (i, row) in found.iter().enumerate() {
                for (j, x) in row.iter().enumerate() {
                    let x = x.substitute(&[Some(h.clone().into())]).unwrap();
                    let x = x.as_rational().unwrap().to_f64().unwrap();
                    assert!((numeric[(i, j)] - x).norm() < 1e-14, "{}", optimizer.name);
                }
            }
        }
    }

    #[test]
    fn numbers_are_snapped_to_simple_ones_nearby() {
        let m = DMatrix::from_row_slice(1, 4, &[0.9999999999999999, 1.0 / 3.0, 1e-17, 0.1]);
        let shown: Vec<String> = rational(&m).unwrap()[0].iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["1", "1/3", "0", "1/10"]);
    }
}
