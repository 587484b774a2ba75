//! Long vectors: products, combinations, orthogonalisation. Sums are taken in a fixed order, whatever
//! the number of threads.

use super::Scalar;
use rayon::prelude::*;

/// Entries in one piece of work: a vector of this length stays in cache.
const PIECE: usize = 4096;

/// `Σ_i conj(a_i) b_i`, in four sums that run side by side.
pub(super) fn dot<S: Scalar>(a: &[S], b: &[S]) -> S {
    let (fours_a, rest_a) = a.as_chunks::<4>();
    let (fours_b, rest_b) = b.as_chunks::<4>();
    let mut sums = [S::zero(); 4];
    for (a, b) in fours_a.iter().zip(fours_b) {
        for k in 0..4 {
            sums[k] += a[k].conjugate() * b[k];
        }
    }
    let rest = rest_a.iter().zip(rest_b).fold(S::zero(), |sum, (a, b)| sum + a.conjugate() * *b);
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
fn add<S: Scalar>(out: &mut [S], vectors: &[Vec<S>], c: &[S]) {
    out.par_chunks_mut(PIECE).enumerate().for_each(|(piece, out)| {
        let at = piece * PIECE..piece * PIECE + out.len();
        for (v, &c) in vectors.iter().zip(c) {
            out.iter_mut().zip(&v[at.clone()]).for_each(|(out, &x)| *out += c * x);
        }
    });
}

/// Makes `w` orthogonal to orthonormal vectors by two passes of classical Gram-Schmidt, and returns
/// its coefficients along them.
///
/// Source: Giraud, Langou, Rozložník and van den Eshof, *Rounding error analysis of the classical
/// Gram-Schmidt orthogonalization process*, Numer. Math. 101 (2005): twice is enough.
pub(super) fn orthogonalise<S: Scalar>(vectors: &[Vec<S>], w: &mut [S]) -> Vec<S> {
    let mut total = vec![S::zero(); vectors.len()];
    for _ in 0..2 {
        let few = 1 + PIECE / w.len().max(1);
        let c: Vec<S> = vectors.par_iter().with_min_len(few).map(|v| dot(v, w)).collect();
        let negative: Vec<S> = c.iter().map(|&c| -c).collect();
        add(w, vectors, &negative);
        total.iter_mut().zip(c).for_each(|(total, c)| *total += c);
    }
    total
}
