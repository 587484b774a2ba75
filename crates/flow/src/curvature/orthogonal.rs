//! Long vectors: products, combinations, orthogonalisation. Sums are taken in a fixed order, whatever
//! the number of threads.

use super::Scalar;
use nalgebra::DMatrix;
use rayon::prelude::*;

/// How a number of a long vector is kept: as it is, or rounded to half the memory.
pub(super) trait Stored<S>: Copy + Send + Sync {
    fn store(value: S) -> Self;
    fn load(self) -> S;
}

impl<S: Scalar> Stored<S> for S {
    fn store(value: S) -> S {
        value
    }
    fn load(self) -> S {
        self
    }
}

impl Stored<f64> for f32 {
    fn store(value: f64) -> f32 {
        value as f32
    }
    fn load(self) -> f64 {
        self.into()
    }
}

/// Entries in one piece of work: a vector of this length stays in cache.
const PIECE: usize = 4096;

/// `Σ_i conj(a_i) b_i`, in four sums that run side by side.
pub(super) fn dot<B: Stored<S>, S: Scalar>(a: &[B], b: &[S]) -> S {
    let (fours_a, rest_a) = a.as_chunks::<4>();
    let (fours_b, rest_b) = b.as_chunks::<4>();
    let mut sums = [S::zero(); 4];
    for (a, b) in fours_a.iter().zip(fours_b) {
        for k in 0..4 {
            sums[k] += a[k].load().conjugate() * b[k];
        }
    }
    let rest = rest_a.iter().zip(rest_b);
    let rest = rest.fold(S::zero(), |sum, (a, b)| sum + a.load().conjugate() * *b);
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

/// `(Σ_i |a_i|²)^(1/2)`.
pub(super) fn norm<S: Scalar>(a: &[S]) -> f64 {
    dot(a, a).real().sqrt()
}

pub(super) fn scale<S: Scalar>(a: &mut [S], factor: f64) {
    a.iter_mut().for_each(|x| *x = x.scale(factor));
}

/// `Σ_k c_k v_k` of vectors of length `n`.
pub(super) fn combine<S: Scalar>(vectors: &[Vec<S>], c: &[S], n: usize) -> Vec<S> {
    let mut out = vec![S::zero(); n];
    add(&mut out, vectors, c);
    out
}

/// `out + Σ_k c_k v_k`.
pub(super) fn add<B: Stored<S>, S: Scalar>(
    out: &mut [S],
    vectors: &[impl AsRef<[B]> + Sync],
    c: &[S],
) {
    out.par_chunks_mut(PIECE).enumerate().for_each(|(piece, out)| {
        let at = piece * PIECE..piece * PIECE + out.len();
        for (v, &c) in vectors.iter().zip(c) {
            out.iter_mut().zip(&v.as_ref()[at.clone()]).for_each(|(out, x)| *out += c * x.load());
        }
    });
}

/// Makes `w` orthogonal to orthonormal vectors by two passes of classical Gram-Schmidt, and returns
/// its coefficients along them.
///
/// Source: Giraud, Langou, Rozložník and van den Eshof, *Rounding error analysis of the classical
/// Gram-Schmidt orthogonalization process*, Numer. Math. 101 (2005): twice is enough.
pub(super) fn orthogonalise<B: Stored<S>, S: Scalar>(
    vectors: &[impl AsRef<[B]> + Sync],
    w: &mut [S],
) -> Vec<S> {
    let mut total = vec![S::zero(); vectors.len()];
    for _ in 0..2 {
        let few = 1 + PIECE / w.len().max(1);
        let c: Vec<S> = vectors.par_iter().with_min_len(few).map(|v| dot(v.as_ref(), w)).collect();
        let negative: Vec<S> = c.iter().map(|&c| -c).collect();
        add(w, vectors, &negative);
        total.iter_mut().zip(c).for_each(|(total, c)| *total += c);
    }
    total
}

/// `v_k ← Σ_j y_jk v_j` for the columns `k` of `y`, in place: no second set of vectors is kept. `columns` are those of
/// `y` by their indices, no more of them than vectors.
pub(super) fn rotate<B: Stored<f64>>(
    vectors: &mut Vec<Vec<B>>,
    y: &DMatrix<f64>,
    columns: &[usize],
) {
    let length = vectors.first().map_or(0, Vec::len);
    let mut pieces: Vec<Vec<&mut [B]>> = Vec::new();
    pieces.resize_with(length.div_ceil(PIECE), || Vec::with_capacity(vectors.len()));
    for v in vectors.iter_mut() {
        pieces.iter_mut().zip(v.chunks_mut(PIECE)).for_each(|(piece, part)| piece.push(part));
    }
    pieces.into_par_iter().for_each(|mut piece| {
        let rows = piece.first().map_or(0, |part| part.len());
        let mut sums = vec![0.0; rows * columns.len()];
        for (sum, &k) in sums.chunks_mut(rows).zip(columns) {
            for (part, &c) in piece.iter().zip(y.column(k).iter()) {
                sum.iter_mut().zip(part.iter()).for_each(|(sum, x)| *sum += c * x.load());
            }
        }
        for (part, sum) in piece.iter_mut().zip(sums.chunks(rows)) {
            part.iter_mut().zip(sum).for_each(|(x, &sum)| *x = B::store(sum));
        }
    });
    vectors.truncate(columns.len());
}
