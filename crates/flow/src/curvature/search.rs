//! Whether a Lanczos iteration has missed an eigenvalue.
//!
//! A Krylov space sees one copy of a repeated eigenvalue, and of a cluster what it has separated. So, when all wanted
//! pairs have converged, a random vector `w` of the orthogonal complement is multiplied again and again. Were there an
//! eigenvector `x` in the complement with `A x = μ x`, its component in each vector that comes from `w` would be a known
//! multiple of `wᵀx`, a **shadow**; these grow exponentially where `μ` lies beyond the Ritz values, but the components
//! of a unit vector do not. If their squares sum up to `Q²`, `|wᵀx| ≤ 1/Q`, and a random unit vector of `N` dimensions is so
//! nearly orthogonal to `x` with probability `√(2N/π)/Q`. For a Krylov space `1/Q²` is the Christoffel function at `μ`.
//!
//! The complement is that of the converged pairs alone: other Ritz vectors may have a part of such an `x`, as those of a
//! cluster that has been separated in part.
//!
//! Source: Kuczyński and Woźniakowski, *Estimating the largest eigenvalue by the power and Lanczos algorithms with a
//! random start*, SIAM J. Matrix Anal. Appl. 13 (1992), for random starts; Akhiezer, *The Classical Moment Problem*,
//! section 2.4, for the bound on a point mass.

use super::factorisation::{Factorisation, Ritz};
use super::orthogonal::Stored;

/// With at most this probability an eigenvalue is missed by the distance that is reported.
pub(super) const MISSED: f64 = 1e-4;

/// How far an eigenvalue lies beyond the last one wanted, if it is to be seen.
struct Rung {
    /// 0: beyond the largest, 1: beyond the smallest.
    end: usize,
    distance: f64,
    seen: bool,
}

/// A search in the orthogonal complement.
pub(super) struct Search {
    /// The wanted Ritz values at each end, when it began.
    wanted: [Vec<f64>; 2],
    /// The distances that are looked at, each a level of the shadows; those of an end in ascending order.
    rungs: Vec<Rung>,
    /// How large shadows have to be.
    needed: f64,
    /// The number of products after which it ends without a result.
    limit: usize,
}

impl Search {
    /// Begins beside the pairs `kept`. `small`: what a residual may be; `largest`: the modulus of the
    /// largest eigenvalue.
    pub(super) fn new<B: Stored<f64>>(
        state: &mut Factorisation<B>,
        (ritz, kept): (&Ritz, &[usize]),
        wanted: &[Vec<f64>; 2],
        small: f64,
        largest: f64,
    ) -> Search {
        let mut rungs = Vec::new();
        for end in (0..2).filter(|&end| !wanted[end].is_empty()) {
            let mut distance = 10.0 * small;
            while rungs.is_empty() || distance < largest {
                rungs.push(Rung { end, distance, seen: false });
                distance *= 10.0;
            }
        }
        let at = |rung: &Rung| {
            let sign = if rung.end == 0 { 1.0 } else { -1.0 };
            wanted[rung.end].last().unwrap_or(&0.0) + sign * rung.distance
        };
        let limit = 2 * state.products + 50;
        let free = state.search(ritz, kept, rungs.iter().map(at).collect());
        let needed = (2.0 * free as f64 / std::f64::consts::PI).sqrt() / MISSED;
        Search { wanted: wanted.clone(), rungs, needed, limit }
    }

    /// Whether the wanted values are still those that it began with.
    pub(super) fn holds(&self, wanted: &[Vec<f64>; 2], small: f64) -> bool {
        let same = |(a, b): (&f64, &f64)| (a - b).abs() <= small;
        let end = |(a, b): (&Vec<f64>, &Vec<f64>)| a.len() == b.len() && a.iter().zip(b).all(same);
        self.wanted.iter().zip(wanted).all(end)
    }

    /// Notes what the products so far have shown.
    pub(super) fn look<B: Stored<f64>>(&mut self, state: &mut Factorisation<B>) {
        for (level, rung) in self.rungs.iter_mut().enumerate() {
            // Also where it is not a number.
            let shadow = state.shadow(level);
            if !rung.seen && (shadow >= self.needed || shadow.is_nan()) {
                rung.seen = true;
                state.forget(level);
            }
        }
    }

    /// What to multiply next; nothing where the search is at its end.
    pub(super) fn proceed<B: Stored<f64>>(&mut self, state: &Factorisation<B>) -> Vec<usize> {
        if state.products >= self.limit {
            return Vec::new();
        }
        if state.is_everything() {
            // Nothing is left to be searched, and little to be multiplied.
            return (0..state.open()).collect();
        }
        if let Some(level) = self.rungs.iter().position(|rung| !rung.seen) {
            if let Some(vector) = state.darkest(level) {
                return vec![vector];
            }
            // An invariant space that holds all eigenvalues that the random vector has a part of.
            self.rungs.iter_mut().for_each(|rung| rung.seen = true);
        }
        Vec::new()
    }

    /// How far beyond the last one wanted at each end an eigenvalue may still be.
    pub(super) fn distances(&self) -> [f64; 2] {
        [0, 1].map(|end| {
            if self.wanted[end].is_empty() {
                return 0.0;
            }
            let seen = self.rungs.iter().find(|rung| rung.end == end && rung.seen);
            seen.map_or(f64::INFINITY, |rung| rung.distance)
        })
    }
}
