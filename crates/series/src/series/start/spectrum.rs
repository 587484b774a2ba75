//! What decays in a recurrence and how fast: its roots, and its solutions rate by rate.

use super::roots::rational_roots;
use super::sequence::{Rates, Sequence, convolution};
use super::{Coefficient, StartError};
use crate::exact::RationalFunction;
use crate::series::matrix::{self, Matrix};
use crate::series::{GeneralLinearMethod, characteristic_polynomial};
use std::collections::BTreeMap;

/// The recurrence `s_{ν+1} = A s_ν + r_ν` of the states of one space.
pub(super) struct Spectrum<S> {
    a: Matrix,
    /// The roots that are not 0.
    modes: Vec<Mode<S>>,
    /// The smallest `k` for which `A^k` has no part of the root 0 left.
    pub(super) extinction: usize,
    /// `(ρ - A)⁻¹` beside the states that belong to `ρ`, for the rates `ρ` that have occurred.
    resolvents: BTreeMap<usize, Vec<Vec<S>>>,
}

/// A root `ρ`: the projector on its states, and the nilpotent part `N = (A - ρ) P` of `A` there.
struct Mode<S> {
    rate: usize,
    inverse_rate: S,
    exact_projector: Matrix,
    projector: Vec<Vec<S>>,
    nilpotent: Vec<Vec<S>>,
    /// The smallest `k` with `N^k = 0`.
    index: usize,
}

impl<S: Coefficient> Spectrum<S> {
    pub(super) fn new(
        method: &GeneralLinearMethod,
        space: usize,
        states: &[usize],
        rates: &mut Rates<S>,
    ) -> Result<Self, StartError> {
        let entry = |i: &usize, j: &usize| method.update[*i].states[*j].clone();
        let a: Matrix =
            states.iter().map(|i| states.iter().map(|j| entry(i, j)).collect()).collect();
        let roots = rational_roots(&characteristic_polynomial(&a), &a).map_err(|rest| {
            StartError::Irrational {
                space: method.spaces[space].clone(),
                polynomial: shown(&rest, &method.parameters),
            }
        })?;
        // The states of each root side by side are a basis; its inverse has the projections.
        let shifted = |root: &RationalFunction| {
            let unit = matrix::identity(a.len());
            matrix::zip_with(&a, &unit, |x, e| x - &(root * e))
        };
        let power = |m: &Matrix, k: usize| {
            (0..k).fold(matrix::identity(a.len()), |product, _| matrix::product(&product, m))
        };
        let bases: Vec<Matrix> =
            roots.iter().map(|(root, k)| matrix::null_space(&power(&shifted(root), *k))).collect();
        let basis = matrix::transpose(&bases.concat());
        let inverse = matrix::inverse(&basis).expect("generalised eigenvectors are a basis");
        let (mut modes, mut extinction, mut row) = (Vec::new(), 0, 0);
        for ((root, _), vectors) in roots.iter().zip(&bases) {
            let rows = inverse[row..row + vectors.len()].to_vec();
            row += vectors.len();
            let projector = matrix::product(&matrix::transpose(vectors), &rows);
            let nilpotent = matrix::product(&shifted(root), &projector);
            let mut index = 0;
            let mut left = projector.clone();
            while left.iter().flatten().any(|x| !x.is_zero()) {
                left = matrix::product(&nilpotent, &left);
                index += 1;
            }
            if root.is_zero() {
                extinction = index;
                continue;
            }
            modes.push(Mode {
                rate: rates.place(root),
                inverse_rate: S::of(&root.inverse().expect("not 0")),
                projector: numbers(&projector),
                nilpotent: numbers(&nilpotent),
                exact_projector: projector,
                index,
            });
        }
        Ok(Spectrum { a, modes, extinction, resolvents: BTreeMap::new() })
    }

    /// A solution of `s_{ν+1} = A s_ν + r_ν`, rate by rate of `r`.
    pub(super) fn particular(
        &mut self,
        driven: &[Sequence<S>],
        rates: &Rates<S>,
    ) -> Vec<Sequence<S>> {
        let mut solution = vec![Sequence::zero(); driven.len()];
        let mut present: Vec<(usize, usize)> = driven
            .iter()
            .flat_map(Sequence::parts)
            .map(|(rate, coefficients)| (*rate, coefficients.len()))
            .collect();
        present.sort_unstable_by_key(|&(rate, length)| (rate, std::cmp::Reverse(length)));
        present.dedup_by_key(|(rate, _)| *rate);
        for (rate, length) in present {
            // r[p]: the coefficients of ν^p, one a state.
            let mut r = vec![vec![S::zero(); driven.len()]; length];
            for (i, sequence) in driven.iter().enumerate() {
                let parts = sequence.parts().iter().filter(|(other, _)| *other == rate);
                for (p, c) in parts.flat_map(|(_, coefficients)| coefficients.iter().enumerate()) {
                    r[p][i] = c.clone();
                }
            }
            let mut s = self.beside(rate, &r, rates);
            if let Some(mode) = self.modes.iter().find(|mode| mode.rate == rate) {
                for (p, more) in mode.within(&r).into_iter().enumerate() {
                    if p == s.len() {
                        s.push(vec![S::zero(); driven.len()]);
                    }
                    for (sum, x) in s[p].iter_mut().zip(&more) {
                        *sum = sum.plus(x);
                    }
                }
            }
            for (i, state) in solution.iter_mut().enumerate() {
                let coefficients: Vec<S> = s.iter().map(|at| at[i].clone()).collect();
                state.add(rate, &coefficients);
            }
        }
        solution
    }

    /// The part of the solution for `ρ^ν Σ_p r_p ν^p` outside the states of the root `ρ`:
    /// `(ρ - A) s_p = r_p - ρ Σ_{q>p} C(q, p) s_q`.
    fn beside(&mut self, rate: usize, r: &[Vec<S>], rates: &Rates<S>) -> Vec<Vec<S>> {
        let (a, modes) = (&self.a, &self.modes);
        let resolvent = self.resolvents.entry(rate).or_insert_with(|| {
            let unit = matrix::identity(a.len());
            let rho = rates.rate(rate);
            let shifted = matrix::zip_with(&unit, a, |e, x| &(rho * e) - x);
            let Some(mode) = modes.iter().find(|mode| mode.rate == rate) else {
                return numbers(&matrix::inverse(&shifted).expect("this rate is no root"));
            };
            let p = &mode.exact_projector;
            let invertible = matrix::zip_with(&shifted, p, |x, y| x + y);
            let inverse =
                matrix::inverse(&invertible).expect("only its own states belong to a root");
            let others = matrix::zip_with(&unit, p, |x, y| x - y);
            numbers(&matrix::product(&inverse, &others))
        });
        let rho = rates.number(rate);
        let mut s: Vec<Vec<S>> = vec![Vec::new(); r.len()];
        for p in (0..r.len()).rev() {
            let mut right = r[p].clone();
            let mut binomial = 1;
            for (q, known) in s.iter().enumerate().skip(p + 1) {
                // C(q, p) from C(q-1, p).
                binomial = binomial * q as i64 / (q - p) as i64;
                let factor = rho.times(&S::integer(binomial));
                for (x, y) in right.iter_mut().zip(known).filter(|(_, y)| !y.is_zero()) {
                    *x = x.minus(&factor.times(y));
                }
            }
            s[p] = apply(resolvent, &right);
        }
        s
    }

    /// Adds the free solution that is `beside` at the step `steps`, where no part of the root 0 is left.
    pub(super) fn add_free(&self, states: &mut [Sequence<S>], beside: &[S], steps: usize) {
        if beside.iter().all(S::is_zero) {
            return;
        }
        for mode in &self.modes {
            // ρ^(ν-K) Σ_j C(ν-K, j) ρ^(-j) N^j P d, K the step.
            let inverse = &mode.inverse_rate;
            let mut scale = (0..steps).fold(S::one(), |power, _| power.times(inverse));
            let mut vector = apply(&mode.projector, beside);
            let mut binomial = vec![S::one()];
            for j in 0..mode.index {
                for (state, x) in states.iter_mut().zip(&vector).filter(|(_, x)| !x.is_zero()) {
                    let factor = scale.times(x);
                    let coefficients: Vec<S> = binomial.iter().map(|b| b.times(&factor)).collect();
                    state.add(mode.rate, &coefficients);
                }
                // C(x, j+1) = C(x, j) (x - j)/(j + 1) at x = ν - K.
                let next = [S::integer(-(steps as i64 + j as i64)), S::one()];
                binomial = convolution(&binomial, &next);
                for b in &mut binomial {
                    *b = b.over(j as i64 + 1);
                }
                scale = scale.times(inverse);
                vector = apply(&mode.nilpotent, &vector);
            }
        }
    }
}

impl<S: Coefficient> Mode<S> {
    /// The part of the solution for `ρ^ν Σ_p r_p ν^p` within the states of the root `ρ`, 0 at `ν = 0`:
    /// `ρ (s_{ν+1} - s_ν) = N s_ν + P r_ν`.
    fn within(&self, r: &[Vec<S>]) -> Vec<Vec<S>> {
        let projected: Vec<Vec<S>> = r.iter().map(|at| apply(&self.projector, at)).collect();
        let mut sum = vec![vec![S::zero(); self.projector.len()]; r.len() + self.index];
        let mut part = projected;
        for _ in 0..self.index {
            part = self.accumulated(&part);
            for (sum, x) in sum.iter_mut().zip(&part).flat_map(|(s, p)| s.iter_mut().zip(p)) {
                *sum = sum.plus(x);
            }
            part = part.iter().map(|at| apply(&self.nilpotent, at)).collect();
        }
        sum
    }

    /// `s` with `ρ (s_{ν+1} - s_ν) = g_ν` and `s_0 = 0`: `(p+1) s_{p+1} = g_p/ρ - Σ_{q>p+1} C(q, p) s_q`.
    fn accumulated(&self, g: &[Vec<S>]) -> Vec<Vec<S>> {
        let mut s = vec![vec![S::zero(); self.projector.len()]; g.len() + 1];
        for p in (0..g.len()).rev() {
            let mut right: Vec<S> = g[p].iter().map(|x| x.times(&self.inverse_rate)).collect();
            let mut binomial = p as i64 + 1;
            for (q, known) in s.iter().enumerate().skip(p + 2) {
                binomial = binomial * q as i64 / (q - p) as i64;
                for (x, y) in right.iter_mut().zip(known).filter(|(_, y)| !y.is_zero()) {
                    *x = x.minus(&y.times(&S::integer(binomial)));
                }
            }
            s[p + 1] = right.iter().map(|x| x.over(p as i64 + 1)).collect();
        }
        s
    }
}

/// The entries as coefficients.
fn numbers<S: Coefficient>(matrix: &Matrix) -> Vec<Vec<S>> {
    matrix.iter().map(|row| row.iter().map(S::of).collect()).collect()
}

fn apply<S: Coefficient>(matrix: &[Vec<S>], vector: &[S]) -> Vec<S> {
    matrix.iter().map(|row| super::dot(row, vector)).collect()
}

/// A monic polynomial in `r`, lowest power first.
fn shown(polynomial: &[RationalFunction], parameters: &[String]) -> String {
    let term = |(power, c): (usize, &RationalFunction)| {
        let c = c.display(parameters);
        let simple = c.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '/');
        let c = if simple { c } else { format!("({c})") };
        match power {
            0 => c,
            1 => format!("{c}*r"),
            _ if power + 1 == polynomial.len() => format!("r^{power}"),
            _ => format!("{c}*r^{power}"),
        }
    };
    let terms = polynomial.iter().enumerate().rev().filter(|(_, c)| !c.is_zero()).map(term);
    terms.collect::<Vec<_>>().join(" + ")
}
