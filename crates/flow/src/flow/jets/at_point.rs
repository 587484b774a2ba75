//! The modified field at a point, order by order.

use super::recurrence::Responses;
use crate::flow::SimulateError;
use crate::loss::Number;
use crate::objective::Jet;
use bea_series::exact::{Rational, RationalFunction};
use bea_series::series::GeneralLinearMethod;

/// A method at one step size, ready to have its modified field evaluated by jets over the numbers `T`.
///
/// ```
/// use bea_flow::flow::JetField;
/// use bea_series::series::GeneralLinearMethod;
/// // E = x⁴/4, so f = -x³; the modified field of gradient descent is -x³ - 3h/2 x⁵ - 5h² x⁷ - …
/// let jets = JetField::<f64>::new(&GeneralLinearMethod::euler(), 2, &1.into())?;
/// let terms = jets.terms(&[vec![0]], &[1.0], |_, x| {
///     // x = 1 + x_11 s + …, by degrees
///     let at = |k: usize, j: usize| x.coefficient(k, j).map_or(0.0, |c| c[0]);
///     let (a, b) = (at(1, 1), if x.degree() > 1 { (at(2, 1), at(2, 2)) } else { (0.0, 0.0) });
///     Ok::<_, std::convert::Infallible>(match x.degree() {
///         0 => vec![vec![-1.0]],
///         1 => vec![vec![0.0], vec![-3.0 * a]],
///         _ => vec![vec![0.0], vec![-3.0 * b.0], vec![-3.0 * b.1 - 3.0 * a * a]],
///     })
/// }).unwrap();
/// assert_eq!(terms, [vec![-1.0], vec![-1.5], vec![-5.0]]);
/// # Ok::<(), bea_flow::flow::SimulateError>(())
/// ```
pub struct JetField<T> {
    order: usize,
    /// The field of each stage, and what the stages add to its point: `[space]`, `(stage, [b][a])`.
    stages: Vec<(usize, Vec<Vec<(usize, Vec<Vec<T>>)>>)>,
    /// `[space]`, `(stage, [b])`
    velocity: Vec<Vec<(usize, Vec<T>)>>,
    /// What an evaluation of a field is multiplied by.
    scale: T,
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
        let (scale, speed) = match step {
            None => (h.clone(), Rational::from(1)),
            Some(_) => (1.into(), h.inverse().ok_or(SimulateError::StepSize(0.0))?),
        };
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
        })
    }

    /// The terms of the modified field at `θ`, `[k][i]` with their powers `h^k`, for `k` up to the order. `spaces` are the
    /// coordinates of each space. `field` is asked for the part of the highest degree of `f_c` at a jet, in the
    /// coordinates of the field's space: the coefficients of `h^(K-j) s^j`, `j = 0, …, K`. (Here both variables are 1,
    /// so that powers of the step size are in the coefficients.)
    ///
    /// # Errors
    /// The first one of `field`.
    pub fn terms<E>(
        &self,
        spaces: &[Vec<usize>],
        theta: &[T],
        mut field: impl FnMut(usize, &Jet<T>) -> Result<Vec<Vec<T>>, E>,
    ) -> Result<Vec<Vec<T>>, E> {
        let zero = || T::from_rational(&0.into());
        let mut points = vec![Jet::new(theta.to_vec()); self.stages.len()];
        let mut terms = Vec::with_capacity(self.order + 1);
        for degree in 0..=self.order {
            let evaluated = (self.stages.iter().zip(&points))
                .map(|((c, _), point)| field(*c, point))
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
