//! The slow manifold of a method's recurrence.
//!
//! In the basis of binomials `C(ν, k)` the shift of the step number is `1 + Δ`, and
//! `s_{ν+1} = A s_ν + r_ν` reads `M s_k = r_k - s_{k+1}` with `M = I - A`, top coefficient first.
//! `M` has a one-dimensional kernel, spanned by the constant part `c` of the states; with `l` its
//! left null vector, `lᵀc = 1`, `P = c lᵀ` and the group inverse `G = (M + P)⁻¹ - P`,
//!
//! ```text
//! s_k = G (r_k - s_{k+1}) + P r_{k-1},      s_0 += t c  such that the parameters' weight is 0.
//! ```
//!
//! This is the only solution that is polynomial in `ν`: what the trajectory settles on.
//!
//! Source: Hairer, Lubich, Wanner, *Geometric Numerical Integration*, section XV.2.3 (underlying
//! one-step method); Campbell and Meyer, *Generalized Inverses*, section 7.2 (group inverse).

use super::matrix::{self, Matrix};
use super::{GeneralLinearMethod, MethodError};
use crate::exact::{Poly, RationalFunction};

/// The recurrence `s_{ν+1} = A s_ν + r_ν` of the `n` states of one space, and what solves it:
/// `s_k = G (r_k - s_{k+1}) + P r_{k-1}` in the basis of binomials `C(ν, k)`.
pub struct Recurrence {
    /// The indices of the states in the method, the parameter vector first; `n` of them.
    pub states: Vec<usize>,
    /// The constant parts `c = A c` of these states, 1 for the parameter vector.
    pub constant: Vec<RationalFunction>,
    /// The group inverse `G` of `I - A`, `n × n`.
    pub group_inverse: Matrix,
    /// The projector `P = c lᵀ` onto the kernel of `I - A`, `n × n`.
    pub projector: Matrix,
}

impl Recurrence {
    /// The recurrence of space `space` of `method`.
    ///
    /// # Errors
    /// [`MethodError::Inconsistent`] if 1 is no eigenvalue of `A` or its eigenvector has no parameters, and
    /// [`MethodError::NoSlowManifold`] if 1 is a repeated eigenvalue.
    pub fn new(method: &GeneralLinearMethod, space: usize) -> Result<Self, MethodError> {
        let states: Vec<usize> =
            (0..method.states.len()).filter(|&i| method.states[i].space == space).collect();
        let a: Matrix = states
            .iter()
            .map(|&i| states.iter().map(|&j| method.update[i].states[j].clone()).collect())
            .collect();
        let m = matrix::zip_with(&matrix::identity(states.len()), &a, |x, y| x - y);
        let kernel = matrix::null_space(&m);
        if kernel.len() > 1 {
            return Err(MethodError::NoSlowManifold { space: method.spaces[space].clone() });
        }
        let inconsistent =
            || MethodError::Inconsistent { name: method.states[states[0]].name.clone() };
        let right = kernel.first().ok_or_else(inconsistent)?;
        let scale = right[0].inverse().ok_or_else(inconsistent)?;
        let constant: Vec<_> = right.iter().map(|x| x * &scale).collect();
        let left = &matrix::null_space(&matrix::transpose(&m))[0];
        let overlap = left
            .iter()
            .zip(&constant)
            .fold(RationalFunction::zero(), |sum, (x, y)| &sum + &(x * y));
        let Some(overlap) = overlap.inverse() else {
            return Err(MethodError::NoSlowManifold { space: method.spaces[space].clone() });
        };
        let projector: Matrix =
            constant.iter().map(|c| left.iter().map(|l| &(c * l) * &overlap).collect()).collect();
        let invertible = matrix::zip_with(&m, &projector, |x, y| x + y);
        let inverse = matrix::inverse(&invertible).expect("1 is a simple eigenvalue");
        let group_inverse = matrix::zip_with(&inverse, &projector, |x, y| x - y);
        Ok(Recurrence { states, constant, group_inverse, projector })
    }

    /// `g`: the common denominator of `G`, `P` and `c`.
    pub fn common_denominator(&self) -> Poly {
        RationalFunction::common_denominator(
            self.group_inverse.iter().chain(&self.projector).flatten().chain(&self.constant),
        )
    }

    /// A polynomial `q` such that `q P` and `q^(j+1) G^j` are integral for all `j ≥ 1`, and `c` is
    /// (or `q^j G^j`, if `c` is not).
    ///
    /// `g` is one. Often the common denominator of `P` alone is one too, and smaller: for heavy ball,
    /// `P` has `1-m` and `G` has `(1-m)^2`.
    pub fn denominator(&self) -> Poly {
        let small = RationalFunction::common_denominator(self.projector.iter().flatten());
        let integral = self.constant.iter().all(|c| c.denominator().is_one());
        if integral && self.suffices(&small) { small } else { self.common_denominator() }
    }

    /// Whether `q (q G)^j` is integral for all `j ≥ 1`.
    ///
    /// If so for `j < n` and the characteristic polynomial of `q G` is integral, it is so for
    /// all, by the Cayley-Hamilton theorem.
    fn suffices(&self, q: &Poly) -> bool {
        let integral = |x: &RationalFunction| x.denominator().is_one();
        let q = RationalFunction::from(q.clone());
        let times_q = |m: &Matrix| -> Matrix {
            m.iter().map(|row| row.iter().map(|x| x * &q).collect()).collect()
        };
        let scaled = times_q(&self.group_inverse);
        let mut power = times_q(&matrix::identity(scaled.len()));
        for _ in 1..scaled.len() {
            power = matrix::product(&power, &scaled);
            if !power.iter().flatten().all(integral) {
                return false;
            }
        }
        matrix::characteristic_polynomial(&scaled).iter().all(integral)
    }
}
