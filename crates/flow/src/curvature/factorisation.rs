//! The relation `A V = V T + F C + U S` of the block Lanczos method, as it grows and is restarted, beside eigenvectors `U`
//! that are locked: `V` and `F` stay orthogonal to them.
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

/// Where a Ritz vector is.
#[derive(Clone, Copy)]
enum Place {
    /// A column of `U`.
    Locked(usize),
    /// `V y` with a column of `Y`.
    Ritz(usize),
}

/// The Ritz pairs and the locked pairs, in descending order.
pub(super) struct Ritz {
    pub values: Vec<f64>,
    /// The norms of what further products would make smaller: `‖C y‖`, 0 for locked pairs.
    pub open: Vec<f64>,
    /// `‖A u - λ u‖`.
    residuals: Vec<f64>,
    places: Vec<Place>,
    /// The eigenvectors of `T`.
    y: DMatrix<f64>,
}

/// An eigenvector that is locked.
struct Locked<B> {
    vector: Vec<B>,
    value: f64,
    residual: f64,
}

/// `A V = V T + F C + U S`.
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
    /// `U`.
    locked: Vec<Locked<B>>,
    /// The rows of `S`.
    beside: Vec<Vec<f64>>,
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
            locked: Vec::new(),
            beside: Vec::new(),
            levels: Vec::new(),
            basis_shadows: Vec::new(),
            next_shadows: Vec::new(),
            probes: Probes::new(seed),
            products: 0,
            largest: 0.0,
        }
    }

    /// How many vectors `U`, `V` and `F` have together.
    pub(super) fn len(&self) -> usize {
        self.locked.len() + self.basis.len() + self.next.len()
    }

    /// How many have not been multiplied.
    pub(super) fn open(&self) -> usize {
        self.next.len()
    }

    /// Whether `U`, `V` and `F` span everything.
    pub(super) fn is_everything(&self) -> bool {
        self.len() >= self.dimension
    }

    /// Makes `v` orthogonal to `U`, `V` and `F`, and returns its parts along them.
    fn orthogonalise(&self, v: &mut [f64]) -> [Vec<f64>; 3] {
        let locked: Vec<&[B]> = self.locked.iter().map(|locked| locked.vector.as_slice()).collect();
        let parts = [
            orthogonalise(&locked, v),
            orthogonalise(&self.basis, v),
            orthogonalise(&self.next, v),
        ];
        // Parts along the first ones come back with the others.
        orthogonalise(&self.basis, v);
        orthogonalise(&locked, v);
        parts
    }

    /// Adds a vector to `F`, without its part along what there is, if more than rounding is left.
    pub(super) fn admit(&mut self, mut v: Vec<f64>) {
        let before = norm(&v);
        self.orthogonalise(&mut v);
        let rest = norm(&v);
        if rest > 1e-10 * before {
            self.push(v, 1.0 / rest, vec![0.0; self.levels.len()]);
        }
    }

    /// Adds a random vector to `F`, unless everything is spanned.
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

    /// Locks these Ritz vectors, leaves all others, and begins with a random vector orthogonal to them, following shadows in
    /// units of its components for eigenvalues `levels`. It returns the dimension of the space that the vector has been
    /// chosen from.
    pub(super) fn search(&mut self, ritz: &Ritz, kept: &[usize], levels: Vec<f64>) -> usize {
        self.restart(ritz, kept);
        let vectors = std::mem::take(&mut self.basis).into_iter();
        let new = kept.iter().filter(|&&i| !ritz.is_locked(i));
        self.locked.extend(new.zip(vectors).map(|(&i, vector)| Locked {
            vector,
            value: ritz.values[i],
            residual: ritz.residuals[i],
        }));
        self.t = DMatrix::zeros(0, 0);
        self.beside = vec![Vec::new(); self.locked.len()];
        self.next.clear();
        self.coupling.clear();
        self.basis_shadows.clear();
        self.next_shadows.clear();
        self.levels = levels;
        self.admit_random();
        self.next_shadows.iter_mut().for_each(|shadow| shadow.fill(1.0));
        self.dimension - self.locked.len()
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
        let columns = pairs.iter().filter_map(|&i| ritz.column(i));
        let part = |c: &Vec<f64>| columns.clone().map(|y| dot(c, y).abs()).fold(0.0, f64::max);
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
        self.coupling.iter_mut().for_each(|c| c.resize(old + block, 0.0));
        self.beside.iter_mut().for_each(|s| s.resize(old + block, 0.0));
        for (i, mut w) in images.into_iter().enumerate() {
            self.largest = self.largest.max(norm(&w));
            let [locked, along, ahead] = self.orthogonalise(&mut w);
            for (row, &c) in along.iter().enumerate() {
                t[(row, old + i)] = c;
            }
            let rest = norm(&w);
            let shadow = self.follow(old + i, &along, &ahead, rest);
            self.beside.iter_mut().zip(locked).for_each(|(row, s)| row[old + i] = s);
            self.coupling.iter_mut().zip(ahead).for_each(|(row, c)| row[old + i] = c);
            if rest > INVARIANT * self.largest && !self.is_everything() {
                self.push(w, 1.0 / rest, shadow);
                let last = self.coupling.len() - 1;
                self.coupling[last][old + i] = rest;
            }
        }
        self.t = (&t + t.transpose()) * 0.5;
        Ok(())
    }

    /// The shadows of the rest of a product with the vector `i` of `V`.
    fn follow(&self, i: usize, along: &[f64], ahead: &[f64], rest: f64) -> Vec<f64> {
        let others = || {
            let basis = along.iter().zip(&self.basis_shadows);
            basis.chain(ahead.iter().zip(&self.next_shadows))
        };
        let at = |(level, mu): (usize, &f64)| {
            let inside: f64 = others().map(|(c, shadow)| c * shadow[level]).sum();
            (mu * self.basis_shadows[i][level] - inside) / rest
        };
        self.levels.iter().enumerate().map(at).collect()
    }

    pub(super) fn ritz(&self) -> Result<Ritz, Error> {
        let (found, y) = symmetric_eigen(self.t.clone())?;
        let size = |rows: &[Vec<f64>], i: usize| {
            let y = y.column(i);
            rows.iter().map(|row| dot(row, y.as_slice()).powi(2)).sum::<f64>().sqrt()
        };
        // Value, open part, residual, place.
        let locked = self.locked.iter().enumerate();
        let locked = locked.map(|(i, l)| (l.value, 0.0, l.residual, Place::Locked(i)));
        let ritz = found.iter().enumerate().map(|(i, &value)| {
            let open = size(&self.coupling, i);
            (value, open, open.hypot(size(&self.beside, i)), Place::Ritz(i))
        });
        let mut all: Vec<_> = locked.chain(ritz).collect();
        all.sort_by(|a, b| b.0.total_cmp(&a.0));
        Ok(Ritz {
            values: all.iter().map(|pair| pair.0).collect(),
            open: all.iter().map(|pair| pair.1).collect(),
            residuals: all.iter().map(|pair| pair.2).collect(),
            places: all.iter().map(|pair| pair.3).collect(),
            y,
        })
    }

    /// Keeps these pairs alone, given in ascending order.
    pub(super) fn restart(&mut self, ritz: &Ritz, kept: &[usize]) {
        let mut stays = vec![false; self.locked.len()];
        let mut columns = Vec::new();
        for &i in kept {
            match ritz.places[i] {
                Place::Locked(k) => stays[k] = true,
                Place::Ritz(k) => columns.push(k),
            }
        }
        let new = kept.iter().filter(|&&i| !ritz.is_locked(i));
        let values: Vec<f64> = new.map(|&i| ritz.values[i]).collect();
        let mut flags = stays.iter();
        self.locked.retain(|_| *flags.next().expect("one flag each"));
        let mut flags = stays.iter();
        self.beside.retain(|_| *flags.next().expect("one flag each"));
        rotate(&mut self.basis, &ritz.y, &columns);
        let turned = |row: &Vec<f64>| {
            columns.iter().map(|&k| dot(row, ritz.y.column(k).as_slice())).collect()
        };
        self.t = DMatrix::from_diagonal(&values.into());
        self.coupling = self.coupling.iter().map(turned).collect();
        self.beside = self.beside.iter().map(turned).collect();
        let shadow = |&k: &usize| {
            let mut sum = vec![0.0; self.levels.len()];
            for (shadow, &y) in self.basis_shadows.iter().zip(ritz.y.column(k).iter()) {
                sum.iter_mut().zip(shadow).for_each(|(sum, x)| *sum += y * x);
            }
            sum
        };
        self.basis_shadows = columns.iter().map(shadow).collect();
    }

    /// These pairs, in their order.
    pub(super) fn into_pairs(mut self, ritz: &Ritz, chosen: &[usize]) -> Vec<Eigenpair> {
        self.next.clear();
        let column = |&i: &usize| match ritz.places[i] {
            Place::Locked(_) => None,
            Place::Ritz(k) => Some(k),
        };
        let columns: Vec<usize> = chosen.iter().filter_map(column).collect();
        rotate(&mut self.basis, &ritz.y, &columns);
        let mut turned = self.basis.into_iter();
        let mut pair = |&i: &usize| {
            let vector = match ritz.places[i] {
                Place::Locked(k) => std::mem::take(&mut self.locked[k].vector),
                Place::Ritz(_) => turned.next().unwrap_or_default(),
            };
            Eigenpair {
                value: ritz.values[i],
                vector: vector.into_iter().map(|x| x.load()).collect(),
                residual: ritz.residuals[i],
            }
        };
        chosen.iter().map(&mut pair).collect()
    }
}

impl Ritz {
    /// Whether a pair is locked.
    pub(super) fn is_locked(&self, i: usize) -> bool {
        matches!(self.places[i], Place::Locked(_))
    }

    /// The coordinates of a pair in `V`, if it is not locked.
    fn column(&self, i: usize) -> Option<&[f64]> {
        match self.places[i] {
            Place::Locked(_) => None,
            Place::Ritz(k) => Some(&self.y.as_slice()[k * self.y.nrows()..][..self.y.nrows()]),
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
