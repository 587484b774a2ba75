//! The extreme eigenvalues of a symmetric matrix.
//!
//! The block Lanczos method with full re-orthogonalisation and thick restarts: `A V = V T + F C` with
//! orthonormal `V` and `F`, `F` being the block that is multiplied next. `T = Y Θ Yᵀ` gives the Ritz
//! pairs `(θ_i, V y_i)`, whose residuals are `‖C y_i‖`. When `V` is full, the Ritz vectors nearest to
//! the wanted ends are kept: `V ← V Y`, `T ← Θ`, `C ← C Y`.
//!
//! A block of `b` vectors sees at most `b` copies of a repeated eigenvalue. Therefore, once the wanted pairs have
//! converged, the orthogonal complement is searched from a random vector for what was missed, and again until nothing is
//! found ([`Verification`]).
//!
//! Source: Wu and Simon, *Thick-restart Lanczos method for large symmetric eigenvalue problems*, SIAM
//! J. Matrix Anal. Appl. 22 (2000); Stewart, *A Krylov-Schur algorithm for large eigenproblems*, SIAM
//! J. Matrix Anal. Appl. 23 (2001); Saad, *Numerical Methods for Large Eigenvalue Problems*, chapter 6.

use super::factorisation::{Factorisation, Ritz};
use super::operator::check;
use super::orthogonal::Stored;
use super::search::Search;
use super::{Error, Operator};

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
/// A search takes about a quarter to a half as many products as finding the eigenvalues has taken, and one is needed for
/// each copy that is found. It ends without a result when it has taken as many products as all before, and 50.
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
    /// Whether what further products would make smaller of the residuals is below the tolerance: they may exceed it by
    /// their parts along pairs that were found before. If not, the products allowed did not suffice.
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
            self.iterate(Factorisation::<f32>::new(dimension, self.seed), operator, warm)
        } else {
            self.iterate(Factorisation::<f64>::new(dimension, self.seed), operator, warm)
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
        for v in warm {
            check(v, operator.dimension(), "a vector that the iteration starts from")?;
            let size = v.iter().fold(0.0f64, |m, x| m.max(x.abs()));
            if size > 0.0 {
                state.admit(v.iter().map(|x| x / size).collect());
            }
        }
        let missing = self.block.saturating_sub(state.open()).max(self.random);
        (0..missing).for_each(|_| state.admit_random());
        let (wanted, first) = (self.largest + self.smallest, state.open());
        let verify = match self.verification {
            Verification::Never => false,
            Verification::Cold => first < wanted,
            Verification::Always => true,
        };
        let room = self.room(first);
        let mut search: Option<Search> = None;
        let mut which: Vec<usize> = (0..first).collect();
        loop {
            let block = which.len();
            state.expand(operator, &which)?;
            let mut ritz = state.ritz()?;
            let mut chosen = self.choose(ritz.values.len());
            let scale = ritz.values.iter().fold(0.0f64, |m, v| m.max(v.abs()));
            let small = self.tolerance * scale;
            let enough = chosen.len() == wanted && ritz.values.len() > block;
            let open: Vec<usize> = chosen
                .iter()
                .copied()
                .filter(|&i| ritz.open[i] > small || ritz.open[i].is_nan())
                .collect();
            let converged = enough && open.is_empty();
            let exhausted = state.open() == 0 && state.is_everything();
            let values = self.values(&ritz, &chosen);
            let mut done = exhausted || state.products >= self.products;
            if let Some(search) = &mut search {
                search.look(&mut state);
            }
            let mut missed = None;
            if state.open() == 0 && !converged {
                // An invariant space, and not all of the wanted ones in it.
                state.admit_random();
                which = (0..state.open()).collect();
            } else if !converged {
                which = if search.is_some() && enough {
                    state.behind(&ritz, &open)
                } else {
                    (0..state.open()).collect()
                };
            } else if !verify {
                done = true;
            } else if !done {
                which = match &mut search {
                    Some(search) if search.holds(&values, small) => search.proceed(&state),
                    _ => {
                        let most = room / 2 - wanted;
                        let kept = self.settled(&ritz, small, most);
                        let from = (&ritz, kept.as_slice());
                        let new =
                            search.insert(Search::new(&mut state, from, &values, small, scale));
                        ritz = state.ritz()?;
                        chosen = self.choose(ritz.values.len());
                        new.proceed(&state)
                    }
                };
                done = which.is_empty();
            }
            if verify {
                let found = search.as_ref().filter(|search| search.holds(&values, small));
                missed = match found {
                    _ if exhausted => Some([0.0; 2]),
                    Some(search) => Some(search.distances()),
                    None => Some([f64::INFINITY; 2]),
                };
            }
            if done {
                let products = state.products;
                let converged = converged || (exhausted && chosen.len() == wanted);
                let mut largest = state.into_pairs(&ritz, &chosen);
                let smallest = largest.split_off(self.largest.min(largest.len()));
                return Ok(Extremes { largest, smallest, products, scale, converged, missed });
            }
            if state.len() > room {
                state.restart(&ritz, &self.keep(&ritz, &chosen, room));
            }
        }
    }

    /// The converged pairs, which a search leaves where they are: the wanted ones, and at most `most` beside them.
    fn settled(&self, ritz: &Ritz, small: f64, most: usize) -> Vec<usize> {
        let m = ritz.values.len();
        let others = self.largest..m - self.smallest;
        let mut kept: Vec<usize> = others.clone().filter(|&i| ritz.open[i] <= small).collect();
        // Those next to the wanted ones help most.
        kept.sort_by_key(|&i| (i - others.start).min(others.end - 1 - i));
        kept.truncate(most);
        kept.extend((0..self.largest).chain(others.end..m));
        kept.sort_unstable();
        kept
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

    /// The pairs that a restart keeps: the chosen and the locked ones, and of the others those at the wanted ends, so that
    /// half of the room is left.
    fn keep(&self, ritz: &Ritz, chosen: &[usize], room: usize) -> Vec<usize> {
        let (locked, others): (Vec<usize>, Vec<usize>) =
            (0..ritz.values.len()).partition(|&i| ritz.is_locked(i));
        let m = others.len();
        let count = (room.saturating_sub(locked.len()) / 2).min(m);
        let wanted = self.largest + self.smallest;
        let extra = count - wanted.min(count);
        let largest = self.largest + extra * self.largest / wanted.max(1);
        let smallest = self.smallest + extra * self.smallest / wanted.max(1);
        let largest = largest.min(m);
        let ends = (0..largest).chain(m.saturating_sub(smallest).max(largest)..m);
        let mut kept: Vec<usize> = ends.map(|i| others[i]).collect();
        kept.extend(locked.iter().chain(chosen));
        kept.sort_unstable();
        kept.dedup();
        kept
    }
}
