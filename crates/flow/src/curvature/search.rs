//! Whether a Lanczos iteration has missed an eigenvalue.
//!
//! A Krylov space sees one copy of a repeated eigenvalue, and of a cluster what it has separated. So, when all wanted
//! pairs have converged, the [complement](super::complement) of the space is looked at from a random vector `w` in it. Had its
//! matrix an eigenvector `x` with an eigenvalue `μ` beyond the last one wanted, `x`'s component in each vector that comes
//! from `w` would be a known multiple of `wᵀx`, a **shadow**; these grow exponentially where `μ` lies beyond the Ritz
//! values, but the components of a unit vector do not. If their squares sum up to `Q²`, `|wᵀx| ≤ 1/Q`, and a random unit
//! vector of `N` dimensions is so nearly orthogonal to `x` with probability `√(2N/π)/Q`. For a Krylov space `1/Q²` is the
//! Christoffel function at `μ`.
//!
//! Source: Kuczyński and Woźniakowski, *Estimating the largest eigenvalue by the power and Lanczos algorithms with a
//! random start*, SIAM J. Matrix Anal. Appl. 13 (1992), for random starts; Akhiezer, *The Classical Moment Problem*,
//! section 2.4, for the bound on a point mass.

use super::factorisation::{Factorisation, Ritz};
use super::orthogonal::Stored;
use super::{Error, Operator};

/// With at most this probability an eigenvalue is missed by the distance that is reported.
const MISSED: f64 = 1e-4;

/// What is looked for, and where.
pub(super) struct Search<'a> {
    /// The largest eigenvalues, or the smallest.
    pub largest: bool,
    /// The wanted Ritz values at this end.
    pub wanted: &'a [f64],
    /// What a residual may be.
    pub small: f64,
    /// The modulus of the largest eigenvalue.
    pub scale: f64,
    /// How many vectors are kept at most.
    pub room: usize,
    /// The number of products after which it ends without a result.
    pub products: usize,
}

impl Search<'_> {
    /// Looks for eigenvalues beyond the wanted ones from `w`, and takes what it sees into `state`, whose Ritz pairs `ritz` are.
    /// It returns the distance beyond which there are no others, if it has found none.
    pub(super) fn run<B: Stored<f64>>(
        &self,
        state: &mut Factorisation<B>,
        operator: &(impl Operator + ?Sized),
        ritz: &Ritz,
        w: Vec<f64>,
    ) -> Result<Option<f64>, Error> {
        let Some(w) = state.rest(w) else { return Ok(Some(0.0)) };
        let sign = if self.largest { 1.0 } else { -1.0 };
        let last = self.wanted.last().copied().unwrap_or(0.0);
        let at = |distance: f64| last + sign * distance;
        let mut distances = vec![10.0 * self.small];
        while let Some(next) = distances.last().map(|d| 10.0 * d).filter(|d| *d < self.scale) {
            distances.push(next);
        }
        let (count, m) = (self.wanted.len(), ritz.values.len());
        let inside = if self.largest { count..m } else { 0..m - count };
        let complement = state.complement(operator, ritz, inside, at(distances[0]));
        let levels = distances.iter().map(|&d| at(d)).collect();
        let mut chain = state.beside(w, levels);
        let needed = (2.0 * chain.dimension as f64 / std::f64::consts::PI).sqrt() / MISSED;
        // The distances that no eigenvalue is beyond are those from here on.
        let mut seen = distances.len();
        let found = loop {
            while seen > 0 {
                // Also where it is not a number.
                let shadow = chain.shadow(seen - 1);
                if shadow < needed {
                    break;
                }
                seen -= 1;
                chain.forget(seen);
            }
            let ritz = chain.ritz()?;
            let missed = self.missed(&ritz.values);
            let open = |i: &usize| ritz.residuals[*i] > self.small;
            let over = chain.open() == 0 || state.products + chain.products >= self.products;
            if !missed.is_empty() && (over || !missed.iter().any(open)) {
                break None;
            }
            if chain.open() == 0 {
                // An invariant space that holds all eigenvalues that the random vector has a part of.
                seen = 0;
            }
            if missed.is_empty() && (over || seen == 0) {
                break Some(distances.get(seen).copied().unwrap_or(f64::INFINITY));
            }
            if state.len() + chain.len() > self.room {
                let values = ritz.values.len();
                let half = (self.room.saturating_sub(state.len()) / 2).clamp(1, values);
                let kept = if self.largest { 0..half } else { values - half..values };
                chain.restart(&ritz, &kept.collect::<Vec<_>>());
            }
            chain.expand(&complement, &[0], complement.basis)?;
        };
        let g = complement.g;
        state.absorb(chain, &g, 1e-3 * self.small);
        Ok(found)
    }

    /// Which of these values, in descending order, are to be among the wanted ones.
    fn missed(&self, values: &[f64]) -> Vec<usize> {
        let out = |x: f64| if self.largest { x } else { -x };
        let last = self.wanted.last().map_or(f64::INFINITY, |x| out(*x) + self.small);
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&i, &k| out(values[k]).total_cmp(&out(values[i])));
        let mut missed = Vec::new();
        for i in order {
            let x = out(values[i]);
            let before = self.wanted.iter().filter(|y| out(**y) > x).count() + missed.len();
            if x > last && before < self.wanted.len() {
                missed.push(i);
            }
        }
        missed
    }
}
