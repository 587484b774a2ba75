//! What the recurrences of a method make of polynomials in the step number.
//!
//! With `Δ` the difference in the step number, `s_{ν+1} = A s_ν + B e_ν` has the polynomial solution
//!
//! ```text
//! s = (P Δ⁻¹ + G - G² Δ + G³ Δ² - …) B e + c t,      t a number,
//! ```
//!
//! `P`, `G` and `c` as in [`Recurrence`]. A point `Z = C s + D e` where a field is evaluated is a linear function of the
//! coefficients of `e`, the same for every entry of a vector and every power of the step size.

use bea_series::exact::{Rational, RationalFunction};
use bea_series::series::{GeneralLinearMethod, MethodError, Recurrence};

/// A polynomial, by the powers of `ν`.
type Polynomial = Vec<Rational>;

/// What a stage adds to a vector: `[b][a]`, the coefficient of `ν^a` that `ν^b` gives.
pub(super) type Response = Vec<Polynomial>;

/// What all stages of a method add to its points and its parameters.
pub(super) struct Responses {
    /// To the point of each stage, by space: the stages of that space that add something.
    pub points: Vec<Vec<Vec<(usize, Response)>>>,
    /// To the velocity of each space, the coefficient of `ν` in the parameters: one number for each `ν^b`.
    pub velocity: Vec<Vec<(usize, Polynomial)>>,
}

/// `Δ^j ν^b` for `j = -1, 0, …`, by `b`; all but the first vanish for `j > b`. `Δ⁻¹` is the sum from 0 to `ν - 1`.
pub(super) struct Differences {
    sums: Vec<Polynomial>,
    /// `[b][j]`
    powers: Vec<Vec<Polynomial>>,
}

impl Differences {
    /// Up to the power `most`.
    pub fn new(most: usize) -> Differences {
        // Δν^b = Σ_{i<b} C(b, i) ν^i
        let difference = |p: &Polynomial| -> Polynomial {
            let mut out = vec![Rational::from(0); p.len().saturating_sub(1)];
            for (b, c) in p.iter().enumerate() {
                let mut binomial = Rational::from(1);
                for (i, out) in out.iter_mut().enumerate().take(b) {
                    *out = &*out + &(c * &binomial);
                    binomial = &binomial * &ratio(b - i, i + 1);
                }
            }
            out
        };
        let power = |b: usize| -> Polynomial {
            (0..=b).map(|i| Rational::from(i64::from(i == b))).collect()
        };
        let mut sums: Vec<Polynomial> = Vec::new();
        let mut powers = Vec::new();
        for b in 0..=most {
            let all = std::iter::successors(Some(power(b)), |p| Some(difference(p)));
            powers.push(all.take(b + 1).collect());
            // ν^(b+1) = Σ_{i≤b} C(b+1, i) Δ⁻¹ν^i
            let mut sum = power(b + 1);
            for (i, c) in difference(&power(b + 1)).iter().enumerate().take(b) {
                add(&mut sum, &-c, &sums[i]);
            }
            sums.push(scaled(&sum, &ratio(1, b + 1)));
        }
        Differences { sums, powers }
    }

    /// `Δ⁻¹ν^b`, by `b`.
    pub fn sums(&self) -> &[Polynomial] {
        &self.sums
    }

    /// `Σ_j t_j Δ^j` for each power of `ν`, `t_{-1}` the first.
    fn apply(&self, t: &[Rational]) -> Response {
        let all = self.sums.iter().zip(&self.powers);
        all.map(|(sum, powers)| {
            let mut out = scaled(sum, &t[0]);
            t[1..].iter().zip(powers).for_each(|(t, p)| add(&mut out, t, p));
            out
        })
        .collect()
    }
}

fn ratio(top: usize, bottom: usize) -> Rational {
    Rational::new(top as i64, bottom as i64).expect("not 0")
}

fn scaled(p: &Polynomial, c: &Rational) -> Polynomial {
    p.iter().map(|x| x * c).collect()
}

/// `sum += c p`, with `p` no longer than `sum`.
fn add(sum: &mut Polynomial, c: &Rational, p: &Polynomial) {
    sum.iter_mut().zip(p).for_each(|(sum, x)| *sum = &*sum + &(c * x));
}

fn dot(a: &[Rational], b: &[Rational]) -> Rational {
    a.iter().zip(b).fold(Rational::from(0), |sum, (x, y)| &sum + &(x * y))
}

impl Responses {
    /// Those of a method for polynomials up to `ν^degree`, where `at` gives the values of its coefficients.
    pub fn new<E: From<MethodError>>(
        method: &GeneralLinearMethod,
        degree: usize,
        at: impl Fn(&RationalFunction) -> Result<Rational, E>,
    ) -> Result<Responses, E> {
        let numbers = |row: &[RationalFunction]| row.iter().map(&at).collect::<Result<Vec<_>, E>>();
        let differences = Differences::new(degree);
        let mut points: Vec<Vec<Vec<(usize, Response)>>> =
            vec![vec![Vec::new(); method.spaces.len()]; method.stages.len()];
        let mut velocity = Vec::new();
        #[expect(
            clippy::needless_range_loop,
            reason = "of every stage's points, the one of this space"
        )]
        for space in 0..method.spaces.len() {
            let recurrence = Recurrence::new(method, space)?;
            let matrix = |rows: &[Vec<RationalFunction>]| {
                rows.iter().map(|row| numbers(row)).collect::<Result<Vec<_>, E>>()
            };
            let group_inverse = matrix(&recurrence.group_inverse)?;
            let projector = matrix(&recurrence.projector)?;
            let times = |m: &[Vec<Rational>], x: &[Rational]| -> Vec<Rational> {
                m.iter().map(|row| dot(row, x)).collect()
            };
            let rows: Vec<Vec<Rational>> = (method.stages.iter())
                .map(|stage| {
                    let row = &stage.arguments[space].states;
                    recurrence.states.iter().map(|&i| at(&row[i])).collect()
                })
                .collect::<Result<_, E>>()?;
            let mut moving = Vec::new();
            let in_space = |m: &usize| method.fields[method.stages[*m].field].space == space;
            for m in (0..method.stages.len()).filter(in_space) {
                let states = recurrence.states.iter();
                let drive: Vec<Rational> =
                    states.map(|&i| at(&method.update[i].stages[m])).collect::<Result<_, E>>()?;
                // P B, then (-1)^j G^(j+1) B.
                let mut series = vec![times(&projector, &drive)];
                let mut next = times(&group_inverse, &drive);
                for _ in 0..=degree {
                    let following = times(&group_inverse, &next);
                    series.push(next);
                    next = following.iter().map(|x| -x).collect();
                }
                let parameters: Vec<Rational> = series.iter().map(|s| s[0].clone()).collect();
                let parameters = differences.apply(&parameters);
                let speed: Polynomial = parameters.iter().map(|p| p[1].clone()).collect();
                if speed.iter().any(|x| !x.is_zero()) {
                    moving.push((m, speed));
                }
                for (l, row) in rows.iter().enumerate() {
                    let mut t: Vec<Rational> = series.iter().map(|s| dot(row, s)).collect();
                    t[1] = &t[1] + &at(&method.stages[l].arguments[space].stages[m])?;
                    let mut response = differences.apply(&t);
                    // The parameters are what they are at ν = 0, and so is the constant part of the point.
                    for (response, shift) in response.iter_mut().zip(&parameters) {
                        response[0] = &response[0] - &shift[0];
                    }
                    if response.iter().flatten().any(|x| !x.is_zero()) {
                        points[l][space].push((m, response));
                    }
                }
            }
            velocity.push(moving);
        }
        Ok(Responses { points, velocity })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of a polynomial at 0, 1, 2, ….
    fn values(p: &Polynomial) -> Vec<Rational> {
        let at =
            |nu: i64| p.iter().rev().fold(Rational::from(0), |sum, c| &(&sum * &nu.into()) + c);
        (0..9).map(at).collect()
    }

    #[test]
    fn differences_and_sums_of_powers() {
        let differences = Differences::new(5);
        for (b, powers) in differences.powers.iter().enumerate() {
            for pair in powers.windows(2) {
                let before = values(&pair[0]);
                let steps: Vec<Rational> = before.windows(2).map(|x| &x[1] - &x[0]).collect();
                assert_eq!(steps[..], values(&pair[1])[..8], "{b}");
            }
            let sums = values(&differences.sums[b]);
            assert!(sums[0].is_zero());
            let steps: Vec<Rational> = sums.windows(2).map(|x| &x[1] - &x[0]).collect();
            assert_eq!(steps[..], values(&powers[0])[..8], "{b}");
        }
    }
}
