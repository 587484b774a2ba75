//! The modified field at a point, order by order.

use super::recurrence::Responses;
use crate::flow::SimulateError;
use crate::loss::Number;
use crate::objective::Jet;
use bea_series::exact::{Rational, RationalFunction};
use bea_series::series::GeneralLinearMethod;

/// A stage, and its response `[b][a]`.
type FromStage<T> = (usize, Vec<Vec<T>>);

/// A method at one step size, ready to have its modified field evaluated by jets over the numbers `T`.
///
/// ```
/// use bea_flow::flow::JetField;
/// use bea_flow::loss::Bivariate;
/// use bea_series::series::GeneralLinearMethod;
/// // E = x⁴/4, so f = -x³; the modified field of gradient descent is -x³ - 3h/2 x⁵ - 7h²/2 x⁷ - …
/// let jets = JetField::<f64>::new(&GeneralLinearMethod::euler(), 2, &1.into())?;
/// let terms = jets.terms(&[vec![0]], &[1.0], |_, x, wanted| {
///     // A number for each coefficient, of 1, h, s, h², …, and what -x³ has.
///     let all = (0..=x.degree()).flat_map(|k| (0..=k).map(move |j| x.coefficient(k, j)));
///     let x = Bivariate::new(all.map(|c| c.map_or(0.0, |c| c[0])).collect());
///     let f = -(x.clone() * x.clone() * x);
///     Ok::<_, std::convert::Infallible>(wanted.iter().map(|&(k, j)| vec![f.part(k)[j]]).collect())
/// }).unwrap();
/// assert_eq!(terms, [vec![-1.0], vec![-1.5], vec![-3.5]]);
/// # Ok::<(), bea_flow::flow::SimulateError>(())
/// ```
pub struct JetField<T> {
    order: usize,
    /// The field of each stage, and what the stages add to its point: `[space]`, `(stage, [b][a])`.
    stages: Vec<(usize, Vec<Vec<FromStage<T>>>)>,
    /// `[space]`, `(stage, [b])`
    velocity: Vec<Vec<(usize, Vec<T>)>>,
    /// What an evaluation of a field is multiplied by.
    scale: T,
    /// What the velocity is divided by: `h` where a method keeps it, else 1.
    unit: T,
    /// Whether a step is `θ' = θ + c f(θ)`.
    is_euler: bool,
}

impl<T: Number> JetField<T> {
    /// `method` at the step size `h`, for the terms up to `h^order`; for a method that keeps `h` as a parameter, those of
    /// trees with up to `order + 1` nodes.
    ///
    /// # Errors
    /// Parameters without a value; methods that have no modified field, or none at this step size.
    pub fn new(
        method: &GeneralLinearMethod,
        order: usize,
        h: &Rational,
    ) -> Result<JetField<T>, SimulateError> {
        let step = method.step_parameter;
        let free = method.parameters.iter().enumerate().filter(|(i, _)| Some(*i) != step);
        let free: Vec<String> = free.map(|(_, name)| name.clone()).collect();
        if !free.is_empty() {
            return Err(SimulateError::Symbolic(free));
        }
        let values = vec![Some(RationalFunction::from(num_rational::BigRational::from(h.clone())))];
        let at = |c: &RationalFunction| -> Result<Rational, SimulateError> {
            let value = c.substitute(&values).and_then(|c| c.as_rational());
            value.map(Rational::from).ok_or(SimulateError::StepSize(h.to_f64()))
        };
        let responses = Responses::new(method, order, at)?;
        // A homogeneous method has been scaled: its stages are h f, and its parameters move by h f̃ a step.
        let (scale, unit) = match step {
            None => (h.clone(), Rational::from(1)),
            Some(_) => (Rational::from(1), h.clone()),
        };
        let speed = unit.inverse().ok_or(SimulateError::StepSize(0.0))?;
        let numbers = |row: &Vec<Rational>| row.iter().map(T::from_rational).collect::<Vec<T>>();
        let scaled = |row: &Vec<Rational>| numbers(&row.iter().map(|x| x * &speed).collect());
        let points = responses.points.iter().map(|spaces| {
            let space = |stages: &Vec<(usize, Vec<Vec<Rational>>)>| {
                let all = stages.iter();
                all.map(|(m, rows)| (*m, rows.iter().map(numbers).collect())).collect()
            };
            spaces.iter().map(space).collect()
        });
        let fields = method.stages.iter().map(|stage| stage.field);
        let moving = |stages: &Vec<(usize, Vec<Rational>)>| {
            stages.iter().map(|(m, row)| (*m, scaled(row))).collect()
        };
        Ok(JetField {
            order,
            stages: fields.zip(points).collect(),
            velocity: responses.velocity.iter().map(moving).collect(),
            scale: T::from_rational(&scale),
            unit: T::from_rational(&unit),
            is_euler: is_euler(method),
        })
    }

    /// The terms of the modified field at `θ`, `[k][i]` with their powers `h^k`, for `k` up to the order. `spaces` are the
    /// coordinates of each space. `field` is asked for the coefficients of `h^(k-j) s^j` in `f_c` at a jet, in the
    /// coordinates of the field's space, for pairs `(k, j)`. (Here both variables are 1, so that powers of the step size
    /// are in the coefficients.)
    ///
    /// # Errors
    /// The first one of `field`.
    pub fn terms<E>(
        &self,
        spaces: &[Vec<usize>],
        theta: &[T],
        mut field: impl FnMut(usize, &Jet<T>, &[(usize, usize)]) -> Result<Vec<Vec<T>>, E>,
    ) -> Result<Vec<Vec<T>>, E> {
        if self.is_euler {
            return self.by_steps(theta, field);
        }
        let zero = || T::from_rational(&0.into());
        let mut points = vec![Jet::new(theta.to_vec()); self.stages.len()];
        let mut terms = Vec::with_capacity(self.order + 1);
        for degree in 0..=self.order {
            let evaluated = (self.stages.iter().zip(&points))
                .map(|((c, _), point)| field(*c, point, &point.last()))
                .collect::<Result<Vec<_>, E>>()?;
            let mut term = vec![zero(); theta.len()];
            for (space, moving) in spaces.iter().zip(&self.velocity) {
                for (m, weights) in moving {
                    for (weight, value) in weights.iter().zip(&evaluated[*m]) {
                        accumulate(&mut term, space, weight, value);
                    }
                }
            }
            terms.push(term);
            if degree == self.order {
                break;
            }
            for ((_, responses), point) in self.stages.iter().zip(&mut points) {
                let mut part: Vec<Option<Vec<T>>> = vec![None; degree + 2];
                for (space, stages) in spaces.iter().zip(responses) {
                    for (m, response) in stages {
                        for (row, value) in response.iter().zip(&evaluated[*m]) {
                            for (a, c) in row.iter().enumerate().filter(|(_, c)| !is_zero(*c)) {
                                let c = c.clone() * self.scale.clone();
                                let out = part[a].get_or_insert_with(|| vec![zero(); theta.len()]);
                                accumulate(out, space, &c, value);
                            }
                        }
                    }
                }
                point.push(part);
            }
        }
        Ok(terms)
    }
}

/// Whether a step is `θ' = θ + c f(θ)`: its points are then known one after the other.
fn is_euler(method: &GeneralLinearMethod) -> bool {
    let [stage] = method.stages.as_slice() else { return false };
    method.states.len() == 1 && stage.arguments[0].stages[0].is_zero()
}

impl<T: Number> JetField<T> {
    /// The same from the iterates `θ_ν`, `ν = 0, …, n`, themselves, as series in `h` alone: with `F_ν = f(θ_ν)`,
    ///
    /// ```text
    /// h f̃ = Σ_k (-1)^(k-1)/k Δ^k θ_0 = h Σ_k (-1)^k/(k+1) Δ^k F_0.
    /// ```
    ///
    /// The part of degree `m` of `F_ν` is a polynomial in `ν` of degree `m`, so that at `ν` the parts from `ν` on are
    /// new.
    fn by_steps<E>(
        &self,
        theta: &[T],
        mut field: impl FnMut(usize, &Jet<T>, &[(usize, usize)]) -> Result<Vec<Vec<T>>, E>,
    ) -> Result<Vec<Vec<T>>, E> {
        let (c, _) = self.stages[0];
        let Some((_, speed)) = self.velocity[0].first() else {
            return Ok(vec![vec![T::from_rational(&0.into()); theta.len()]; self.order + 1]);
        };
        let length = speed[0].clone() * self.scale.clone() * self.unit.clone();
        let all: Vec<usize> = (0..theta.len()).collect();
        let zero = || vec![T::from_rational(&0.into()); theta.len()];
        let number = |n: i64| T::from_rational(&n.into());
        // Δ^k F_0 by [m][k].
        let mut differences: Vec<Vec<Vec<T>>> = vec![Vec::new(); self.order + 1];
        for nu in 0..=self.order {
            let mut point = Jet::new(theta.to_vec());
            for degree in 1..=if nu == 0 { 0 } else { self.order } {
                let mut part = zero();
                for (k, difference) in differences[degree - 1].iter().enumerate().take(nu) {
                    let weight = number(binomial(nu, k + 1)) * length.clone();
                    accumulate(&mut part, &all, &weight, difference);
                }
                let rest = std::iter::repeat_n(None, degree);
                point.push(std::iter::once(Some(part)).chain(rest).collect());
            }
            let new = nu..=if nu == 0 { 0 } else { self.order };
            let wanted: Vec<(usize, usize)> = new.clone().map(|m| (m, 0)).collect();
            for (m, mut value) in new.zip(field(c, &point, &wanted)?) {
                for (k, difference) in differences[m].iter().enumerate() {
                    accumulate(&mut value, &all, &number(-binomial(nu, k)), difference);
                }
                differences[m].push(value);
            }
            if nu == 0 {
                // At the first iterate there is nothing but the field.
                differences[1..].iter_mut().for_each(|all| all.push(zero()));
            }
        }
        let terms = differences.iter().map(|differences| {
            let mut term = zero();
            for (k, difference) in differences.iter().enumerate() {
                let sign = if k % 2 == 0 { 1 } else { -1 };
                let share = Rational::new(sign, k as i64 + 1).expect("not 0");
                let weight = speed[0].clone() * T::from_rational(&share);
                accumulate(&mut term, &all, &weight, difference);
            }
            term
        });
        Ok(terms.collect())
    }
}

/// `C(n, k)`
fn binomial(n: usize, k: usize) -> i64 {
    (0..k).fold(1, |value, l| value * (n as i64 - l as i64) / (l as i64 + 1))
}

/// Adds `c value` to the coordinates of a space.
fn accumulate<T: Number>(out: &mut [T], space: &[usize], c: &T, value: &[T]) {
    if is_zero(c) {
        return;
    }
    for (&i, x) in space.iter().zip(value) {
        out[i] = out[i].clone() + c.clone() * x.clone();
    }
}

fn is_zero<T: Number>(c: &T) -> bool {
    c.compare_real(&T::from_rational(&0.into())) == Some(std::cmp::Ordering::Equal)
}
