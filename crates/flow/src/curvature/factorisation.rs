//! The relation `A V = V T + F C` of the block Lanczos method, as it grows and is restarted.
//!
//! Every vector of `V` and `F` can carry **shadows**: its components along an eigenvector `x` that is orthogonal to
//! the space so far, `A x = μ x`, in units of the component of a random vector that has just been added. They follow from
//! `xᵀA V = μ xᵀV` alone, without `x`: where `A f = V t + F c + r f'`, `f'ᵀx = (μ fᵀx - Σ t_i v_iᵀx - Σ c_i f_iᵀx)/r`. As the
//! components of a unit vector they are bounded, so that large shadows mean a small component of the random vector:
//! see [`search`](super::search).

use super::operator::products;
use super::orthogonal::{Stored, norm, orthogonalise, rotate, scale};
use super::spectrum::symmetric_eigen;
use super::{Eigenpair, Error, Operator};
use crate::random::{Probe, Probes};
use nalgebra::DMatrix;

/// Below this part of the largest product a remainder is rounding.
const INVARIANT: f64 = 100.0 * f64::EPSILON;

/// Ritz values in descending order, the eigenvectors of the projected matrix, and the residuals.
pub(super) struct Ritz {
    pub values: Vec<f64>,
    y: DMatrix<f64>,
    /// `‖C y‖`.
    pub residuals: Vec<f64>,
    /// What restarts have left out of the residuals.
    lost: Vec<f64>,
}

/// `A V = V T + F C`.
pub(super) struct Factorisation<B> {
    dimension: usize,
    /// `V`.
    basis: Vec<Vec<B>>,
    /// `T`.
    t: DMatrix<f64>,
    /// `F`, orthonormal and orthogonal to `V`.
    next: Vec<Vec<B>>,
    /// The rows of `C`.
    coupling: Vec<Vec<f64>>,
    /// For each vector of `V` the norm of what has been left out of `F C`.
    lost: Vec<f64>,
    /// The eigenvalues `μ` that shadows are for.
    levels: Vec<f64>,
    /// The shadows of `V`.
    basis_shadows: Vec<Vec<f64>>,
    /// The shadows of `F`.
    next_shadows: Vec<Vec<f64>>,
    probes: Probes,
    /// How many products were taken.
    pub products: usize,
    /// The largest norm of a product so far.
    largest: f64,
}

impl<B: Stored<f64>> Factorisation<B> {
    pub(super) fn new(dimension: usize, seed: u64) -> Self {
        Factorisation {
            dimension,
            basis: Vec::new(),
            t: DMatrix::zeros(0, 0),
            next: Vec::new(),
            coupling: Vec::new(),
            lost: Vec::new(),
            levels: Vec::new(),
            basis_shadows: Vec::new(),
            next_shadows: Vec::new(),
            probes: Probes::new(seed),
            products: 0,
            largest: 0.0,
        }
    }

    /// How many vectors there are.
    pub(super) fn len(&self) -> usize {
        self.basis.len() + self.next.len()
    }

    /// How many have not been multiplied.
    pub(super) fn open(&self) -> usize {
        self.next.len()
    }

    /// Whether `V` and `F` span everything.
    pub(super) fn is_everything(&self) -> bool {
        self.len() >= self.dimension
    }

    /// Adds a vector to `F`, without its part along `V` and `F`, if more than rounding is left.
    pub(super) fn admit(&mut self, mut v: Vec<f64>) {
        let before = norm(&v);
        orthogonalise(&self.basis, &mut v);
        orthogonalise(&self.next, &mut v);
        // The parts along V come back with the second pass.
        orthogonalise(&self.basis, &mut v);
        let rest = norm(&v);
        if rest > 1e-10 * before {
            self.push(v, 1.0 / rest, vec![0.0; self.levels.len()]);
        }
    }

    /// Adds a random vector to `F`, unless `V` and `F` span everything.
    pub(super) fn admit_random(&mut self) {
        if !self.is_everything() {
            let v = self.probes.next(Probe::Gaussian, self.dimension);
            self.admit(v);
        }
    }

    fn push(&mut self, mut v: Vec<f64>, factor: f64, shadow: Vec<f64>) {
        scale(&mut v, factor);
        self.next.push(v.into_iter().map(B::store).collect());
        self.coupling.push(vec![0.0; self.basis.len()]);
        self.next_shadows.push(shadow);
    }

    /// Adds a random vector and begins to follow shadows in units of its components, for eigenvalues `levels`. It returns
    /// the dimension of the space that the vector has been chosen from.
    pub(super) fn search(&mut self, levels: Vec<f64>) -> usize {
        let free = self.dimension - self.len();
        self.levels = levels;
        let (none, some) = (vec![0.0; self.levels.len()], vec![1.0; self.levels.len()]);
        self.basis_shadows = vec![none.clone(); self.basis.len()];
        self.next_shadows = vec![none; self.next.len()];
        let open = self.open();
        self.admit_random();
        self.next_shadows[open..].fill(some);
        free
    }

    /// For each level the root of the sum of the squared shadows.
    pub(super) fn shadow(&self, level: usize) -> f64 {
        let all = self.basis_shadows.iter().chain(&self.next_shadows);
        all.map(|shadow| shadow[level].powi(2)).sum::<f64>().sqrt()
    }

    /// No longer follows a level.
    pub(super) fn forget(&mut self, level: usize) {
        let all = self.basis_shadows.iter_mut().chain(&mut self.next_shadows);
        all.for_each(|shadow| shadow[level] = 0.0);
    }

    /// The vector of `F` with the largest shadow at a level, if any has one.
    pub(super) fn darkest(&self, level: usize) -> Option<usize> {
        let size = |i: &usize| self.next_shadows[*i][level].abs();
        let darkest = (0..self.open()).max_by(|a, b| size(a).total_cmp(&size(b)));
        darkest.filter(|i| size(i) > 0.0)
    }

    /// The vectors of `F` that the residuals of these pairs consist of.
    pub(super) fn behind(&self, ritz: &Ritz, pairs: &[usize]) -> Vec<usize> {
        let part = |c: &Vec<f64>| {
            let along = |&i: &usize| dot(c, ritz.y.column(i).as_slice()).abs();
            pairs.iter().map(along).fold(0.0, f64::max)
        };
        let parts: Vec<f64> = self.coupling.iter().map(part).collect();
        let most = parts.iter().copied().fold(0.0, f64::max);
        (0..parts.len()).filter(|&i| parts[i] >= 0.1 * most).collect()
    }

    /// Multiplies these vectors of `F`, given in ascending order, and moves them to `V`.
    pub(super) fn expand(
        &mut self,
        operator: &(impl Operator + ?Sized),
        which: &[usize],
    ) -> Result<(), Error> {
        let load = |&i: &usize| self.next[i].iter().map(|x| x.load()).collect::<Vec<f64>>();
        let block: Vec<Vec<f64>> = which.iter().map(load).collect();
        let images = products(operator, &block)?;
        drop(block);
        self.products += images.len();
        let (old, block) = (self.basis.len(), which.len());
        let mut t = std::mem::replace(&mut self.t, DMatrix::zeros(0, 0));
        t = t.resize(old + block, old + block, 0.0);
        // From the last one, so that the others keep their places.
        for (row, &i) in which.iter().enumerate().rev() {
            for (column, c) in self.coupling.remove(i).into_iter().enumerate() {
                t[(old + row, column)] = c;
            }
            self.basis.insert(old, self.next.remove(i));
            self.basis_shadows.insert(old, self.next_shadows.remove(i));
        }
        self.lost.resize(old + block, 0.0);
        self.coupling.iter_mut().for_each(|c| c.resize(old + block, 0.0));
        for (i, mut w) in images.into_iter().enumerate() {
            self.largest = self.largest.max(norm(&w));
            let along = orthogonalise(&self.basis, &mut w);
            for (row, &c) in along.iter().enumerate() {
                t[(row, old + i)] = c;
            }
            let beside = orthogonalise(&self.next, &mut w);
            orthogonalise(&self.basis, &mut w);
            let rest = norm(&w);
            let shadow = self.follow(old + i, &along, &beside, rest);
            for (row, c) in beside.into_iter().enumerate() {
                self.coupling[row][old + i] = c;
            }
            if rest > INVARIANT * self.largest && !self.is_everything() {
                self.push(w, 1.0 / rest, shadow);
                let last = self.coupling.len() - 1;
                self.coupling[last][old + i] = rest;
            }
        }
        for i in 0..old + block {
            for k in old..old + block {
                // What is left out of C is in the products.
                let left_out = i < old && self.lost[i] > 0.0;
                let mean = if left_out { t[(i, k)] } else { (t[(i, k)] + t[(k, i)]) / 2.0 };
                (t[(i, k)], t[(k, i)]) = (mean, mean);
            }
        }
        self.t = t;
        Ok(())
    }

    /// The shadows of the rest of a product with the vector `i` of `V`.
    fn follow(&self, i: usize, along: &[f64], beside: &[f64], rest: f64) -> Vec<f64> {
        let others = || {
            let basis = along.iter().zip(&self.basis_shadows);
            basis.chain(beside.iter().zip(&self.next_shadows))
        };
        let at = |(level, mu): (usize, &f64)| {
            let inside: f64 = others().map(|(c, shadow)| c * shadow[level]).sum();
            (mu * self.basis_shadows[i][level] - inside) / rest
        };
        self.levels.iter().enumerate().map(at).collect()
    }

    pub(super) fn ritz(&self) -> Result<Ritz, Error> {
        let (values, y) = symmetric_eigen(self.t.clone())?;
        let residual = |y: &[f64]| {
            self.coupling.iter().map(|c| dot(c, y).powi(2)).sum::<f64>().sqrt()
        };
        let lost = |y: &[f64]| {
            self.lost.iter().zip(y).map(|(l, y)| (l * y).powi(2)).sum::<f64>().sqrt()
        };
        let of_all = |f: &dyn Fn(&[f64]) -> f64| -> Vec<f64> {
            (0..values.len()).map(|i| f(y.column(i).as_slice())).collect()
        };
        let (residuals, lost) = (of_all(&residual), of_all(&lost));
        Ok(Ritz { values, y, residuals, lost })
    }

    /// Keeps these Ritz vectors alone.
    pub(super) fn restart(&mut self, ritz: &Ritz, kept: &[usize]) {
        rotate(&mut self.basis, &ritz.y, kept);
        let values: Vec<f64> = kept.iter().map(|&i| ritz.values[i]).collect();
        self.t = DMatrix::from_diagonal(&values.into());
        for c in &mut self.coupling {
            *c = kept.iter().map(|&i| dot(c, ritz.y.column(i).as_slice())).collect();
        }
        self.lost = kept.iter().map(|&i| ritz.lost[i]).collect();
        let shadow = |&i: &usize| {
            let mut sum = vec![0.0; self.levels.len()];
            for (shadow, &y) in self.basis_shadows.iter().zip(ritz.y.column(i).iter()) {
                sum.iter_mut().zip(shadow).for_each(|(sum, x)| *sum += y * x);
            }
            sum
        };
        self.basis_shadows = kept.iter().map(shadow).collect();
    }

    /// Leaves `F` out.
    pub(super) fn cut(&mut self) {
        for (i, lost) in self.lost.iter_mut().enumerate() {
            let all = self.coupling.iter().map(|c| c[i].powi(2));
            *lost = (all.sum::<f64>() + lost.powi(2)).sqrt();
        }
        self.next.clear();
        self.next_shadows.clear();
        self.coupling.clear();
    }

    /// These Ritz pairs.
    pub(super) fn into_pairs(mut self, ritz: &Ritz, chosen: &[usize]) -> Vec<Eigenpair> {
        drop(std::mem::take(&mut self.next));
        rotate(&mut self.basis, &ritz.y, chosen);
        let pair = |(&i, vector): (&usize, Vec<B>)| Eigenpair {
            value: ritz.values[i],
            vector: vector.into_iter().map(|x| x.load()).collect(),
            residual: ritz.residuals[i].hypot(ritz.lost[i]),
        };
        chosen.iter().zip(self.basis).map(pair).collect()
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
