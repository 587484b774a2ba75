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
/// Of a piece of many vectors, all of which stay in cache.
const SLICE: usize = 1024;

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
fn add<B: Stored<S>, S: Scalar>(out: &mut [S], vectors: &[impl AsRef<[B]> + Sync], c: &[S]) {
    out.par_chunks_mut(PIECE).enumerate().for_each(|(piece, out)| {
        let length = out.len();
        let parts = vectors.iter().map(|v| &v.as_ref()[piece * PIECE..][..length]);
        accumulate(out, parts.zip(c.iter().copied()));
    });
}

/// `out + Σ_k c_k v_k` of short pieces, four at a time, so that `out` is loaded and stored less often.
fn accumulate<'v, B: Stored<S> + 'v, S: Scalar>(
    out: &mut [S],
    terms: impl Iterator<Item = (&'v [B], S)>,
) {
    let mut terms = terms.fuse();
    loop {
        match [terms.next(), terms.next(), terms.next(), terms.next()] {
            [Some((a, p)), Some((b, q)), Some((c, r)), Some((d, s))] => {
                let rest = a.iter().zip(b).zip(c.iter().zip(d));
                out.iter_mut().zip(rest).for_each(|(out, ((a, b), (c, d)))| {
                    *out += (p * a.load() + q * b.load()) + (r * c.load() + s * d.load());
                });
            }
            few => {
                for (a, p) in few.into_iter().flatten() {
                    out.iter_mut().zip(a).for_each(|(out, a)| *out += p * a.load());
                }
                return;
            }
        }
    }
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
    let first = sweep(vectors, w, None, true);
    let second = sweep(vectors, w, Some(&first), true);
    sweep(vectors, w, Some(&second), false);
    first.into_iter().zip(second).map(|(a, b)| a + b).collect()
}

/// Takes `Σ_k c_k v_k` from `w`, and then, if they are wanted, the products of all `v_k` with it. That is one way through
/// the vectors, which do not fit in cache, while a slice of all of them does.
fn sweep<B: Stored<S>, S: Scalar>(
    vectors: &[impl AsRef<[B]> + Sync],
    w: &mut [S],
    taken: Option<&[S]>,
    wanted: bool,
) -> Vec<S> {
    let work = |(slice, w): (usize, &mut [S])| -> Vec<S> {
        let length = w.len();
        let parts = vectors.iter().map(|v| &v.as_ref()[slice * SLICE..][..length]);
        if let Some(c) = taken {
            accumulate(w, parts.clone().zip(c.iter().map(|&c| -c)));
        }
        if wanted { parts.map(|v| dot(v, w)).collect() } else { Vec::new() }
    };
    let found: Vec<Vec<S>> = if w.len() <= SLICE {
        vec![work((0, w))]
    } else {
        w.par_chunks_mut(SLICE).enumerate().map(work).collect()
    };
    let mut total = vec![S::zero(); if wanted { vectors.len() } else { 0 }];
    for part in found {
        total.iter_mut().zip(part).for_each(|(total, c)| *total += c);
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
            accumulate(sum, piece.iter().map(|part| &**part).zip(y.column(k).iter().copied()));
        }
        for (part, sum) in piece.iter_mut().zip(sums.chunks(rows)) {
            part.iter_mut().zip(sum).for_each(|(x, &sum)| *x = B::store(sum));
        }
    });
    vectors.truncate(columns.len());
}
