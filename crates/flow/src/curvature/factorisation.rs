//! The relation `A V = V T + F C` of the block Lanczos method, as it grows, is restarted, and takes in what was found beside it.
//!
//! Every vector of `V` and `F` can carry **shadows**: its components along an eigenvector `x`, `A x = μ x`, in units of the
//! component of the vector that the iteration has started from. They follow from `xᵀA V = μ xᵀV` alone, without `x`:
//! where `A f = V t + F c + r f'`, `f'ᵀx = (μ fᵀx - Σ t_i v_iᵀx - Σ c_i f_iᵀx)/r`. As the components of a unit vector
//! they are bounded, so that large shadows mean a small component of that vector: see [`search`](super::search).

use super::complement::Complement;
use super::operator::products;
use super::orthogonal::{Stored, add, dot, norm, orthogonalise, rotate, scale};
use super::spectrum::symmetric_eigen;
use super::{Eigenpair, Error, Operator};
use nalgebra::{DMatrix, DVector};

/// Below this part of the largest product a remainder is rounding.
const INVARIANT: f64 = 100.0 * f64::EPSILON;

/// The Ritz pairs `(θ, V y)`, in descending order.
pub(super) struct Ritz {
    pub values: Vec<f64>,
    /// `‖A V y - θ V y‖ = ‖C y‖`.
    pub residuals: Vec<f64>,
    /// The eigenvectors of `T`.
    y: DMatrix<f64>,
}

/// `A V = V T + F C`.
pub(super) struct Factorisation<B> {
    /// Of the space that `V` and `F` may fill.
    pub dimension: usize,
    /// `V`.
    basis: Vec<Vec<B>>,
    /// `T`.
    t: DMatrix<f64>,
    /// `F`, orthonormal and orthogonal to `V`.
    next: Vec<Vec<B>>,
    /// The rows of `C`.
    coupling: Vec<Vec<f64>>,
    /// The eigenvalues `μ` that shadows are for.
    levels: Vec<f64>,
    /// The shadows of `V`.
    basis_shadows: Vec<Vec<f64>>,
    /// The shadows of `F`.
    next_shadows: Vec<Vec<f64>>,
    /// How many products were taken.
    pub products: usize,
    /// The largest norm of a product so far.
    largest: f64,
}

impl<B: Stored<f64>> Factorisation<B> {
    pub(super) fn new(dimension: usize) -> Self {
        Factorisation {
            dimension,
            basis: Vec::new(),
            t: DMatrix::zeros(0, 0),
            next: Vec::new(),
            coupling: Vec::new(),
            levels: Vec::new(),
            basis_shadows: Vec::new(),
            next_shadows: Vec::new(),
            products: 0,
            largest: 0.0,
        }
    }

    /// One on what is orthogonal to `V`, from a unit vector there, with shadows for eigenvalues `levels`.
    pub(super) fn beside(&self, start: Vec<f64>, levels: Vec<f64>) -> Self {
        let mut new = Factorisation::new(self.dimension - self.basis.len());
        // What is rounding beside `A` is rounding there.
        new.largest = self.largest;
        let shadow = vec![1.0; levels.len()];
        new.levels = levels;
        new.push(start, 1.0, shadow);
        new
    }

    /// How many vectors `V` and `F` have together.
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

    /// A unit vector along the part of `v` that is orthogonal to `V`, if more than rounding is left.
    pub(super) fn rest(&self, mut v: Vec<f64>) -> Option<Vec<f64>> {
        let before = norm(&v);
        orthogonalise(&self.basis, &mut v);
        let rest = norm(&v);
        scale(&mut v, 1.0 / rest);
        (rest > 1e-10 * before).then_some(v)
    }

    /// Makes `v` orthogonal to `V`, `F` and vectors outside of this space, and returns its parts along `V` and `F`.
    fn orthogonalise(&self, v: &mut [f64], outside: &[Vec<B>]) -> [Vec<f64>; 2] {
        let parts = [orthogonalise(&self.basis, v), orthogonalise(&self.next, v)];
        if !(self.next.is_empty() && outside.is_empty()) {
            // Parts along the first ones come back with the others.
            orthogonalise(outside, v);
            orthogonalise(&self.basis, v);
        }
        parts
    }

    /// Adds a vector to `F`, without its part along what there is, if more than rounding is left and room for it.
    pub(super) fn admit(&mut self, mut v: Vec<f64>) {
        if self.is_everything() {
            return;
        }
        let before = norm(&v);
        self.orthogonalise(&mut v, &[]);
        let rest = norm(&v);
        if rest > 1e-10 * before {
            self.push(v, 1.0 / rest, vec![0.0; self.levels.len()]);
        }
    }

    fn push(&mut self, mut v: Vec<f64>, factor: f64, shadow: Vec<f64>) {
        scale(&mut v, factor);
        self.next.push(v.into_iter().map(B::store).collect());
        self.coupling.push(vec![0.0; self.basis.len()]);
        self.next_shadows.push(shadow);
    }

    /// For a level the root of the sum of the squared shadows.
    pub(super) fn shadow(&self, level: usize) -> f64 {
        let all = self.basis_shadows.iter().chain(&self.next_shadows);
        all.map(|shadow| shadow[level].powi(2)).sum::<f64>().sqrt()
    }

    /// No longer follows a level.
    pub(super) fn forget(&mut self, level: usize) {
        let all = self.basis_shadows.iter_mut().chain(&mut self.next_shadows);
        all.for_each(|shadow| shadow[level] = 0.0);
    }

    /// Turns `F` so that its first vector is the residual of a pair.
    pub(super) fn turn(&mut self, ritz: &Ritz, pair: usize) {
        // Householder's reflection of the residual's coordinates to the first axis.
        let mut w: Vec<f64> = self.coupling.iter().map(|row| dot(row, ritz.column(pair))).collect();
        w[0] += norm(&w).copysign(w[0]);
        let size = norm(&w);
        if size == 0.0 {
            return;
        }
        scale(&mut w, 1.0 / size);
        let mut along = vec![0.0; self.next[0].len()];
        add(&mut along, &self.next, &w);
        let mut row = vec![0.0; self.basis.len()];
        add(&mut row, &self.coupling, &w);
        for ((w, f), c) in w.iter().zip(&mut self.next).zip(&mut self.coupling) {
            f.iter_mut().zip(&along).for_each(|(f, x)| *f = B::store(f.load() - 2.0 * w * x));
            c.iter_mut().zip(&row).for_each(|(c, x)| *c -= 2.0 * w * x);
        }
    }

    /// Multiplies these vectors of `F`, given in ascending order, and moves them to `V`. All stays orthogonal to vectors
    /// `outside` of this space.
    pub(super) fn expand(
        &mut self,
        operator: &(impl Operator + ?Sized),
        which: &[usize],
        outside: &[Vec<B>],
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
        for (i, mut w) in images.into_iter().enumerate() {
            self.largest = self.largest.max(norm(&w));
            let [along, ahead] = self.orthogonalise(&mut w, outside);
            for (row, &c) in along.iter().enumerate() {
                t[(row, old + i)] = c;
            }
            let rest = norm(&w);
            let shadow = self.follow(old + i, &along, &ahead, rest);
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
        let (values, y) = symmetric_eigen(self.t.clone())?;
        let mut ritz = Ritz { values, residuals: Vec::new(), y };
        let residual = |i| {
            let along = self.coupling.iter().map(|row| dot(row, ritz.column(i)).powi(2));
            // A sum of nothing is -0.
            (along.sum::<f64>() + 0.0).sqrt()
        };
        ritz.residuals = (0..ritz.values.len()).map(residual).collect();
        Ok(ritz)
    }

    /// Keeps these pairs alone.
    pub(super) fn restart(&mut self, ritz: &Ritz, kept: &[usize]) {
        rotate(&mut self.basis, &ritz.y, kept);
        let values: Vec<f64> = kept.iter().map(|&i| ritz.values[i]).collect();
        self.t = DMatrix::from_diagonal(&values.into());
        let turned = |row: &Vec<f64>| kept.iter().map(|&i| dot(row, ritz.column(i))).collect();
        self.coupling = self.coupling.iter().map(turned).collect();
        let shadow = |&i: &usize| {
            let mut sum = vec![0.0; self.levels.len()];
            for (shadow, &y) in self.basis_shadows.iter().zip(ritz.column(i)) {
                sum.iter_mut().zip(shadow).for_each(|(sum, x)| *sum += y * x);
            }
            sum
        };
        self.basis_shadows = kept.iter().map(shadow).collect();
    }

    /// The matrix that the complement of `V` sees beyond `tau`, beside the pairs `inside`.
    pub(super) fn complement<'a, A: Operator + ?Sized>(
        &'a self,
        operator: &'a A,
        ritz: &Ritz,
        inside: std::ops::Range<usize>,
        tau: f64,
    ) -> Complement<'a, A, B> {
        let mut g = DMatrix::zeros(self.open(), self.open());
        for i in inside {
            let c = self.coupling.iter().map(|row| dot(row, ritz.column(i)));
            let c = DVector::from_iterator(self.open(), c);
            g += &c * c.transpose() / (tau - ritz.values[i]);
        }
        Complement { operator, basis: &self.basis, next: &self.next, g }
    }

    /// Takes in `B W = W H + F' C'` of a [`Complement`] with the matrix `g`: `A W` follows from it. Of `F`, what would leave
    /// less than `negligible` in a residual is dropped.
    pub(super) fn absorb(&mut self, found: Factorisation<B>, g: &DMatrix<f64>, negligible: f64) {
        self.products += found.products;
        self.largest = self.largest.max(found.largest);
        let old = std::mem::take(&mut self.next);
        let load = |f: Vec<B>| f.into_iter().map(B::load).collect::<Vec<f64>>();
        let mut old: Vec<Vec<f64>> = old.into_iter().map(load).collect();
        let (m, s, b) = (self.basis.len(), found.basis.len(), old.len());
        let matrix =
            |rows: &[Vec<f64>], columns| DMatrix::from_fn(rows.len(), columns, |i, j| rows[i][j]);
        let c = matrix(&std::mem::take(&mut self.coupling), m);
        // F = W M + F' N + F'' K.
        let inner = |vectors: &[Vec<B>]| {
            DMatrix::from_fn(vectors.len(), b, |i, j| dot(&vectors[i], &old[j]))
        };
        let (along, ahead) = (inner(&found.basis), inner(&found.next));
        let mut rests: Vec<Vec<f64>> = Vec::new();
        let mut k = DMatrix::zeros(b, b);
        for (j, v) in old.iter_mut().enumerate() {
            for _ in 0..2 {
                orthogonalise(&found.basis, v);
                orthogonalise(&found.next, v);
                for (i, c) in orthogonalise(&rests, v).into_iter().enumerate() {
                    k[(i, j)] += c;
                }
            }
            let rest = norm(v);
            if rest > 1e-10 {
                scale(v, 1.0 / rest);
                k[(rests.len(), j)] = rest;
                rests.push(v.clone());
            }
        }
        let inward = &along * g * along.transpose();
        let mut t = std::mem::replace(&mut self.t, DMatrix::zeros(0, 0)).resize(m + s, m + s, 0.0);
        let across = &along * &c;
        t.view_mut((m, 0), (s, m)).copy_from(&across);
        t.view_mut((0, m), (m, s)).copy_from(&across.transpose());
        t.view_mut((m, m), (s, s)).copy_from(&(&found.t - inward));
        self.t = t;
        let rows = |left: DMatrix<f64>, right: DMatrix<f64>| -> Vec<Vec<f64>> {
            let both = left.row_iter().zip(right.row_iter());
            both.map(|(l, r)| l.iter().chain(r.iter()).copied().collect()).collect()
        };
        let g_along = g * along.transpose();
        for (v, row) in rests.into_iter().zip(rows(&k * &c, -(&k * &g_along))) {
            if norm(&row) > negligible {
                self.next.push(v.into_iter().map(B::store).collect());
                self.coupling.push(row);
            }
        }
        self.next.extend(found.next);
        self.coupling.extend(rows(&ahead * &c, matrix(&found.coupling, s) - &ahead * &g_along));
        self.basis.extend(found.basis);
        self.basis_shadows = vec![Vec::new(); self.basis.len()];
        self.next_shadows = vec![Vec::new(); self.next.len()];
    }

    /// These pairs, in their order.
    pub(super) fn into_pairs(mut self, ritz: &Ritz, chosen: &[usize]) -> Vec<Eigenpair> {
        self.next.clear();
        rotate(&mut self.basis, &ritz.y, chosen);
        let pair = |(&i, vector): (&usize, Vec<B>)| Eigenpair {
            value: ritz.values[i],
            vector: vector.into_iter().map(B::load).collect(),
            residual: ritz.residuals[i],
        };
        chosen.iter().zip(self.basis).map(pair).collect()
    }
}

impl Ritz {
    /// The coordinates of a pair in `V`.
    fn column(&self, i: usize) -> &[f64] {
        &self.y.as_slice()[i * self.y.nrows()..][..self.y.nrows()]
    }
}
