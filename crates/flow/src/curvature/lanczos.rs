//! The extreme eigenvalues of a symmetric matrix.
//!
//! The block Lanczos method with full re-orthogonalisation and thick restarts: `A V = V T + F C` with
//! orthonormal `V` and `F`, `F` being the block that is multiplied next. `T = Y Θ Yᵀ` gives the Ritz
//! pairs `(θ_i, V y_i)`, whose residuals are `‖C y_i‖`. When `V` is full, the Ritz vectors nearest to
//! the wanted ends are kept: `V ← V Y`, `T ← Θ`, `C ← C Y`.
//!
//! A block of `b` vectors sees at most `b` copies of a repeated eigenvalue. Therefore, once the wanted pairs have
//! converged, what is orthogonal to the space is searched from a random vector for what was missed, at one end after the
//! other, and again until nothing is found ([`Verification`]). The space takes in what a search has seen.
//!
//! Source: Wu and Simon, *Thick-restart Lanczos method for large symmetric eigenvalue problems*, SIAM
//! J. Matrix Anal. Appl. 22 (2000); Stewart, *A Krylov-Schur algorithm for large eigenproblems*, SIAM
//! J. Matrix Anal. Appl. 23 (2001); Saad, *Numerical Methods for Large Eigenvalue Problems*, chapter 6.

use super::factorisation::{Factorisation, Ritz};
use super::operator::check;
use super::orthogonal::Stored;
use super::search::Search;
use super::{Error, Operator};
use crate::random::{Probe, Probes};

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
    /// When to search for what was missed.
    pub verification: Verification,
    /// Whether vectors are kept as 32-bit numbers: half the memory, for an operator whose products are no more exact
    /// than that.
    pub single: bool,
    /// Of the random vectors.
    pub seed: u64,
}

/// When to search for further copies of repeated eigenvalues, and for others that were missed.
///
/// Without copies a search takes about a third as many products as finding the eigenvalues has taken, as it leaves out what the space so
/// far has seen; one is needed for each copy that is found. It ends without a result when it has taken
/// as many products as all before, and 50.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Verification {
    /// Never: what the first vectors have no part of is missed.
    Never,
    /// If the iteration starts from fewer vectors than eigenvalues are wanted. A block of as many random vectors has, with
    /// probability 1, a part in every copy that is wanted; vectors that are given may lack one, and are trusted.
    #[default]
    Cold,
    /// Always.
    Always,
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
            verification: Verification::Cold,
            single: false,
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
    /// The largest modulus of an approximate eigenvalue that was met, which the tolerance is relative to.
    pub scale: f64,
    /// Whether the residuals are below the tolerance. If not, the products allowed did not suffice.
    pub converged: bool,
    /// How much further out than the last of `largest`, and of `smallest`, an eigenvalue may lie that is
    /// not among them: with a probability below 10⁻⁴, over the choice of the random vectors, one is missed that lies
    /// further. It is ten times the tolerance where the search came to its end, more where products did
    /// not suffice, 0 where the whole space was seen, infinite where nothing is known. `None` without a search.
    pub missed: Option<[f64; 2]>,
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
        if self.single {
            self.iterate(Factorisation::<f32>::new(dimension), operator, warm)
        } else {
            self.iterate(Factorisation::<f64>::new(dimension), operator, warm)
        }
    }

    /// How many vectors are kept at most where the iteration starts from `block` of them.
    pub fn room(&self, block: usize) -> usize {
        self.basis.max(3 * (self.largest + self.smallest) + 4 * block + 14)
    }

    fn iterate<B: Stored<f64>>(
        &self,
        mut state: Factorisation<B>,
        operator: &(impl Operator + ?Sized),
        warm: &[Vec<f64>],
    ) -> Result<Extremes, Error> {
        let dimension = operator.dimension();
        let mut probes = Probes::new(self.seed);
        let mut random = || probes.next(Probe::Gaussian, dimension);
        for v in warm {
            check(v, dimension, "a vector that the iteration starts from")?;
            let size = v.iter().fold(0.0f64, |m, x| m.max(x.abs()));
            if size > 0.0 {
                state.admit(v.iter().map(|x| x / size).collect());
            }
        }
        let missing = self.block.saturating_sub(state.open()).max(self.random);
        for _ in 0..missing {
            if !state.is_everything() {
                state.admit(random());
            }
        }
        let (wanted, block) = (self.largest + self.smallest, state.open());
        let verify = match self.verification {
            Verification::Never => false,
            Verification::Cold => block < wanted,
            Verification::Always => true,
        };
        let room = self.room(block);
        let mut excluded: [Option<Excluded>; 2] = [None, None];
        let mut searched = false;
        let all = |state: &Factorisation<B>| (0..state.open()).collect::<Vec<_>>();
        state.expand(operator, &all(&state), &[])?;
        loop {
            let mut ritz = state.ritz()?;
            let chosen = self.choose(ritz.values.len());
            let scale = ritz.values.iter().fold(0.0f64, |m, v| m.max(v.abs()));
            let small = self.tolerance * scale;
            let enough = chosen.len() == wanted && ritz.values.len() > block;
            let open: Vec<usize> = chosen
                .iter()
                .copied()
                .filter(|&i| ritz.residuals[i] > small || ritz.residuals[i].is_nan())
                .collect();
            let converged = enough && open.is_empty();
            let exhausted = state.open() == 0 && state.is_everything();
            let values = self.values(&ritz, &chosen);
            let spent = exhausted || state.products >= self.products;
            let holds = |end: &usize| {
                let excluded: Option<&Excluded> = excluded[*end].as_ref();
                values[*end].is_empty() || excluded.is_some_and(|e| e.holds(&values[*end], small))
            };
            let unsure = (0..2).find(|end| verify && !holds(end));
            if let (Some(end), true, false) = (unsure, converged, spent) {
                let kept = self.left_out(&ritz, &chosen, &values, room / 4);
                if kept.len() < ritz.values.len() {
                    state.restart(&ritz, &kept);
                    ritz = state.ritz()?;
                }
                let products = (2 * state.products + 50).min(self.products);
                let (largest, wanted) = (end == 0, &values[end]);
                let search = Search { largest, wanted, small, scale, room, products };
                let distance = search.run(&mut state, operator, &ritz, random())?;
                let wanted = wanted.clone();
                excluded[end] = distance.map(|distance| Excluded { wanted, distance });
                searched = true;
                continue;
            }
            if !converged && !spent {
                let which = if state.open() == 0 {
                    // An invariant space, and not all of the wanted ones in it.
                    state.admit(random());
                    all(&state)
                } else if searched && enough {
                    let worst = open
                        .into_iter()
                        .max_by(|&i, &k| ritz.residuals[i].total_cmp(&ritz.residuals[k]));
                    state.turn(&ritz, worst.unwrap_or(0));
                    vec![0]
                } else {
                    all(&state)
                };
                if state.len() > room {
                    state.restart(&ritz, &self.keep(&ritz, &chosen, room / 2));
                }
                state.expand(operator, &which, &[])?;
                continue;
            }
            let distance = |end: usize| match &excluded[end] {
                _ if exhausted || values[end].is_empty() => 0.0,
                Some(excluded) if holds(&end) => excluded.distance,
                _ => f64::INFINITY,
            };
            let missed = verify.then(|| [0, 1].map(distance));
            let products = state.products;
            let converged = converged || (exhausted && chosen.len() == wanted);
            let mut largest = state.into_pairs(&ritz, &chosen);
            let smallest = largest.split_off(self.largest.min(largest.len()));
            return Ok(Extremes { largest, smallest, products, scale, converged, missed });
        }
    }

    /// The wanted values at each end.
    fn values(&self, ritz: &Ritz, chosen: &[usize]) -> [Vec<f64>; 2] {
        let (largest, smallest) = chosen.split_at(self.largest.min(chosen.len()));
        [largest, smallest].map(|end| end.iter().map(|&i| ritz.values[i]).collect())
    }

    /// The indices of the wanted ones among `m` values in descending order.
    fn choose(&self, m: usize) -> Vec<usize> {
        let largest = self.largest.min(m);
        let smallest = self.smallest.min(m - largest);
        (0..largest).chain((m - smallest..m).rev()).collect()
    }

    /// The pairs that a search leaves out, `count` about: those at the wanted ends that are known better than they lie apart
    /// from the last one wanted there. Others would not help, and it needs room.
    fn left_out(
        &self,
        ritz: &Ritz,
        chosen: &[usize],
        values: &[Vec<f64>; 2],
        count: usize,
    ) -> Vec<usize> {
        let mut kept = self.keep(ritz, chosen, count);
        kept.retain(|i| {
            let last = values.iter().filter_map(|end| end.last());
            let apart = last.map(|x| (x - ritz.values[*i]).abs()).fold(f64::INFINITY, f64::min);
            chosen.contains(i) || ritz.residuals[*i] <= 0.1 * apart
        });
        kept
    }

    /// The pairs that a restart keeps, `count` about: the chosen ones, and of the others those at the wanted ends.
    fn keep(&self, ritz: &Ritz, chosen: &[usize], count: usize) -> Vec<usize> {
        let m = ritz.values.len();
        let count = count.min(m);
        let wanted = self.largest + self.smallest;
        let extra = count - wanted.min(count);
        let largest = (self.largest + extra * self.largest / wanted.max(1)).min(m);
        let smallest = self.smallest + extra * self.smallest / wanted.max(1);
        let ends = (0..largest).chain(m.saturating_sub(smallest).max(largest)..m);
        let mut kept: Vec<usize> = ends.chain(chosen.iter().copied()).collect();
        kept.sort_unstable();
        kept.dedup();
        kept
    }
}

/// What a search has excluded at one end.
struct Excluded {
    /// The wanted values.
    wanted: Vec<f64>,
    /// How far beyond the last one there is no other.
    distance: f64,
}

impl Excluded {
    /// Whether the wanted values are still those.
    fn holds(&self, values: &[f64], small: f64) -> bool {
        let same = |(a, b): (&f64, &f64)| (a - b).abs() <= small;
        self.wanted.len() == values.len() && self.wanted.iter().zip(values).all(same)
    }
}
