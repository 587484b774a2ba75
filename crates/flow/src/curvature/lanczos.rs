//! The extreme eigenvalues of a symmetric matrix.
//!
//! The block Lanczos method with full re-orthogonalisation and thick restarts: `A V = V T + F C` with
//! orthonormal `V` and `F`, `F` being the block that is multiplied next. `T = Y Θ Yᵀ` gives the Ritz
//! pairs `(θ_i, V y_i)`, whose residuals are `‖C y_i‖`. When `V` is full, the Ritz vectors nearest to
//! the wanted ends are kept: `V ← V Y`, `T ← Θ`, `C ← C Y`.
//!
//! A block of `b` vectors sees at most `b` copies of a repeated eigenvalue. Therefore, once the wanted
//! pairs have converged, a random vector is added to the block, and the iteration goes on until no
//! further eigenvalue is to be expected among the wanted ones.
//!
//! Source: Wu and Simon, *Thick-restart Lanczos method for large symmetric eigenvalue problems*, SIAM
//! J. Matrix Anal. Appl. 22 (2000); Stewart, *A Krylov-Schur algorithm for large eigenproblems*, SIAM
//! J. Matrix Anal. Appl. 23 (2001); Saad, *Numerical Methods for Large Eigenvalue Problems*, chapter 6.

use super::operator::{check, products};
use super::orthogonal::{combine, norm, orthogonalise, scale};
use super::spectrum::symmetric_eigen;
use super::{Error, Operator};
use crate::random::{Probe, Probes};
use nalgebra::DMatrix;
use rayon::prelude::*;

/// Below this part of the largest product a remainder is rounding.
const INVARIANT: f64 = 100.0 * f64::EPSILON;
/// How many products with an added random vector, and those it leads to, are taken at least, and at
/// most, to see a repeated eigenvalue.
const CHECKS: std::ops::Range<usize> = 8..40;

/// What to compute, and how.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Lanczos {
    /// How many of the largest eigenvalues.
    pub largest: usize,
    /// How many of the smallest eigenvalues.
    pub smallest: usize,
    /// How large the residuals `‖A u - λ u‖` may be, relative to the largest eigenvalue in modulus that
    /// was met. The error of an eigenvalue is of the order of the residual's square.
    pub tolerance: f64,
    /// How many random vectors to start from: a block of vectors may be multiplied faster than one by
    /// one, but needs more products.
    pub block: usize,
    /// How many random vectors to start from beside those that are given, at least. They find what the given
    /// ones have no part of; without them an eigenvalue that has overtaken the others may be missed.
    pub random: usize,
    /// How many vectors to keep, at least. Restarts need room: it is never less than twice what is
    /// wanted and a few blocks.
    pub basis: usize,
    /// How many products to take at most.
    pub products: usize,
    /// Of the random vectors.
    pub seed: u64,
}

impl Default for Lanczos {
    /// The largest eigenvalue to a residual of 1e-8, from one vector, with room for 64.
    fn default() -> Lanczos {
        Lanczos {
            largest: 1,
            smallest: 0,
            tolerance: 1e-8,
            block: 1,
            random: 1,
            basis: 64,
            products: 10_000,
            seed: 0,
        }
    }
}

/// An approximate eigenpair `A u ≈ λ u`.
#[derive(Clone, PartialEq, Debug)]
pub struct Eigenpair {
    /// `λ`.
    pub value: f64,
    /// `u`, of norm 1.
    pub vector: Vec<f64>,
    /// `‖A u - λ u‖`. An eigenvalue is at most so far from `λ`.
    pub residual: f64,
}

/// The extreme eigenpairs.
#[derive(Clone, PartialEq, Debug)]
pub struct Extremes {
    /// The largest eigenvalues, in descending order.
    pub largest: Vec<Eigenpair>,
    /// The smallest ones, in ascending order.
    pub smallest: Vec<Eigenpair>,
    /// How many products were taken.
    pub products: usize,
    /// Whether all residuals are below the tolerance. If not, the products allowed did not suffice.
    pub converged: bool,
}

impl Lanczos {
    /// The extreme eigenpairs of `operator`. The block that the iteration starts from consists of the
    /// vectors `warm`, such as the eigenvectors of a matrix nearby, and of random vectors, as many as are
    /// missing to a block, and at least [`random`](Self::random).
    ///
    /// # Errors
    /// More pairs than there are, vectors that do not fit, and the operator's own errors.
    pub fn run(
        &self,
        operator: &(impl Operator + ?Sized),
        warm: &[Vec<f64>],
    ) -> Result<Extremes, Error> {
        let dimension = operator.dimension();
        let wanted = self.largest + self.smallest;
        if wanted > dimension {
            return Err(Error::TooMany { wanted, dimension });
        }
        if self.block == 0 {
            return Err(Error::NotPositive { name: "the block size" });
        }
        if self.tolerance.is_nan() || self.tolerance <= 0.0 {
            return Err(Error::NotPositive { name: "the tolerance" });
        }
        let mut state = Factorisation::new(dimension, self.seed);
        for v in warm {
            check(v, dimension, "a vector that the iteration starts from")?;
            let size = v.iter().fold(0.0f64, |m, x| m.max(x.abs()));
            if size > 0.0 {
                state.admit(v.iter().map(|x| x / size).collect(), 0.0);
            }
        }
        let missing = self.block.saturating_sub(state.next.len()).max(self.random);
        (0..missing).for_each(|_| state.admit_random());
        let first = state.next.len();
        let mut check: Option<Check> = None;
        loop {
            let block = state.next.len();
            state.expand(operator)?;
            let ritz = state.ritz()?;
            let chosen = self.choose(ritz.values.len());
            let scale = ritz.values.iter().fold(0.0f64, |m, v| m.max(v.abs()));
            let small = self.tolerance * scale;
            let enough = chosen.len() == wanted && ritz.values.len() > block;
            let converged = enough && chosen.iter().all(|&i| ritz.residuals[i] <= small);
            let exhausted = state.next.is_empty();
            let mut done = exhausted || state.products >= self.products;
            if converged && !done {
                match &check {
                    // A copy of every wanted eigenvalue fitted into the first block.
                    _ if first >= wanted => done = true,
                    Some(check) => {
                        let since = state.products - check.products;
                        done = since >= CHECKS.end * block
                            || since >= CHECKS.start * block && self.is_clear(&ritz, small);
                    }
                    None => {
                        check = Some(Check { products: state.products });
                        state.admit_random();
                    }
                }
            } else if !converged {
                // Something new: after it has converged, look again.
                check = None;
            }
            if done {
                let pairs = |indices: &[usize]| state.pairs(&ritz, indices);
                return Ok(Extremes {
                    largest: pairs(&chosen[..self.largest.min(chosen.len())]),
                    smallest: pairs(&chosen[self.largest.min(chosen.len())..]),
                    products: state.products,
                    converged: converged || (exhausted && chosen.len() == wanted),
                });
            }
            let room = self.basis.max(2 * wanted + 4 * block + 10);
            if state.basis.len() + state.next.len() > room {
                state.restart(&ritz, self.keep(ritz.values.len(), room / 2));
            }
        }
    }

    /// The indices of the wanted ones among `m` values in descending order.
    fn choose(&self, m: usize) -> Vec<usize> {
        let largest = self.largest.min(m);
        let smallest = self.smallest.min(m - largest);
        (0..largest).chain((m - smallest..m).rev()).collect()
    }

    /// The indices of `count` of `m` values in descending order, those at the wanted ends.
    fn keep(&self, m: usize, count: usize) -> Vec<usize> {
        let wanted = (self.largest + self.smallest).max(1);
        let extra = count.min(m) - (self.largest + self.smallest).min(count.min(m));
        let largest = self.largest + extra * self.largest / wanted;
        let smallest = self.smallest + extra * self.smallest / wanted;
        (0..largest.min(m)).chain(m.saturating_sub(smallest).max(largest.min(m))..m).collect()
    }

    /// Whether the Ritz values next to the wanted ones are not about to join them.
    fn is_clear(&self, ritz: &Ritz, small: f64) -> bool {
        let m = ritz.values.len();
        let (top, bottom) = (self.largest, self.smallest);
        let above = top == 0
            || top >= m
            || ritz.values[top] + ritz.residuals[top] <= ritz.values[top - 1] + small;
        let below = bottom == 0
            || bottom >= m
            || ritz.values[m - 1 - bottom] - ritz.residuals[m - 1 - bottom]
                >= ritz.values[m - bottom] - small;
        above && below
    }
}

/// A search for repeated eigenvalues.
struct Check {
    /// How many products there were when it began.
    products: usize,
}

/// Ritz values in descending order, the eigenvectors of the projected matrix, and the residuals.
struct Ritz {
    values: Vec<f64>,
    y: DMatrix<f64>,
    residuals: Vec<f64>,
}

/// `A V = V T + F C`.
struct Factorisation {
    dimension: usize,
    /// `V`.
    basis: Vec<Vec<f64>>,
    /// `T`.
    t: DMatrix<f64>,
    /// `F`, orthonormal and orthogonal to `V`.
    next: Vec<Vec<f64>>,
    /// The rows of `C`.
    coupling: Vec<Vec<f64>>,
    probes: Probes,
    products: usize,
    /// The largest norm of a product so far.
    largest: f64,
}

impl Factorisation {
    fn new(dimension: usize, seed: u64) -> Factorisation {
        Factorisation {
            dimension,
            basis: Vec::new(),
            t: DMatrix::zeros(0, 0),
            next: Vec::new(),
            coupling: Vec::new(),
            probes: Probes::new(seed),
            products: 0,
            largest: 0.0,
        }
    }

    /// Adds a vector to `F`, without its part along `V` and `F`, if more than `smallest` is left.
    fn admit(&mut self, mut v: Vec<f64>, smallest: f64) {
        let before = norm(&v);
        orthogonalise(&self.basis, &mut v);
        orthogonalise(&self.next, &mut v);
        // The parts along V come back with the second pass.
        orthogonalise(&self.basis, &mut v);
        let rest = norm(&v);
        if rest > smallest.max(1e-10 * before) {
            scale(&mut v, 1.0 / rest);
            self.next.push(v);
            self.coupling.push(vec![0.0; self.basis.len()]);
        }
    }

    /// Adds a random vector to `F`, unless `V` and `F` span everything.
    fn admit_random(&mut self) {
        if self.basis.len() + self.next.len() < self.dimension {
            let v = self.probes.next(Probe::Gaussian, self.dimension);
            self.admit(v, 0.0);
        }
    }

    /// Multiplies `F` and moves it to `V`.
    fn expand(&mut self, operator: &(impl Operator + ?Sized)) -> Result<(), Error> {
        let images = products(operator, &self.next)?;
        self.products += images.len();
        let (old, block) = (self.basis.len(), self.next.len());
        let mut t = std::mem::replace(&mut self.t, DMatrix::zeros(0, 0));
        t = t.resize(old + block, old + block, 0.0);
        for (row, c) in self.coupling.iter().enumerate() {
            for (column, &c) in c.iter().enumerate() {
                t[(old + row, column)] = c;
            }
        }
        self.basis.append(&mut self.next);
        self.coupling.clear();
        for (i, mut w) in images.into_iter().enumerate() {
            self.largest = self.largest.max(norm(&w));
            let along = orthogonalise(&self.basis, &mut w);
            for (row, &c) in along.iter().enumerate() {
                t[(row, old + i)] = c;
            }
            let along = orthogonalise(&self.next, &mut w);
            for (row, c) in along.into_iter().enumerate() {
                self.coupling[row][old + i] = c;
            }
            orthogonalise(&self.basis, &mut w);
            let rest = norm(&w);
            let room = self.basis.len() + self.next.len() < self.dimension;
            if rest > INVARIANT * self.largest && room {
                scale(&mut w, 1.0 / rest);
                self.next.push(w);
                self.coupling.push(vec![0.0; old + block]);
                let last = self.coupling.len() - 1;
                self.coupling[last][old + i] = rest;
            }
        }
        if self.next.is_empty() {
            self.admit_random();
        }
        self.t = (&t + t.transpose()) * 0.5;
        Ok(())
    }

    fn ritz(&self) -> Result<Ritz, Error> {
        let (values, y) = symmetric_eigen(self.t.clone())?;
        let residual = |i: usize| {
            let y = y.column(i);
            let part = |c: &Vec<f64>| c.iter().zip(y.iter()).map(|(c, y)| c * y).sum::<f64>();
            self.coupling.iter().map(|c| part(c).powi(2)).sum::<f64>().sqrt()
        };
        let residuals = (0..values.len()).map(residual).collect();
        Ok(Ritz { values, y, residuals })
    }

    /// Keeps these Ritz vectors alone.
    fn restart(&mut self, ritz: &Ritz, kept: Vec<usize>) {
        self.basis = self.vectors(ritz, &kept);
        let values: Vec<f64> = kept.iter().map(|&i| ritz.values[i]).collect();
        self.t = DMatrix::from_diagonal(&values.into());
        for c in &mut self.coupling {
            let row = |&i: &usize| c.iter().zip(ritz.y.column(i).iter()).map(|(c, y)| c * y).sum();
            *c = kept.iter().map(row).collect();
        }
    }

    fn vectors(&self, ritz: &Ritz, indices: &[usize]) -> Vec<Vec<f64>> {
        let vector = |&i: &usize| combine(&self.basis, ritz.y.column(i).as_slice(), self.dimension);
        indices.par_iter().map(vector).collect()
    }

    fn pairs(&self, ritz: &Ritz, indices: &[usize]) -> Vec<Eigenpair> {
        let vectors = self.vectors(ritz, indices);
        let pair =
            |(&i, vector)| Eigenpair { value: ritz.values[i], vector, residual: ritz.residuals[i] };
        indices.iter().zip(vectors).map(pair).collect()
    }
}
