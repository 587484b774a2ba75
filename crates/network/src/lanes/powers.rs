//! Which products make the powers of a nilpotent element.

use smallvec::{SmallVec, smallvec};

use crate::algebra::Algebra;

/// `(i, j, k)`: the product of the monomials `i` and `j` is `k`.
type Triple = (usize, usize, usize);

/// Which coefficients of the nilpotent part's powers can be nonzero, and the products that make them.
pub(super) struct Powers {
    /// Of the nilpotent part itself.
    pub first: Vec<usize>,
    /// For `r = 2, 3, …`: the coefficients of `n^r` and the products `n^{r-1} · n` giving them.
    pub higher: Vec<(Vec<usize>, Vec<Triple>)>,
    /// Monomials at which the result may be nonzero.
    pub support: SmallVec<[bool; 16]>,
}

impl Powers {
    pub fn new(algebra: &Algebra, present: impl Fn(usize) -> bool) -> Self {
        let mut support = smallvec![false; algebra.monomials()];
        support[0] = true;
        let first: Vec<usize> = (1..algebra.monomials()).filter(|&m| present(m)).collect();
        for &m in &first {
            support[m] = true;
        }
        let mut higher = Vec::new();
        // Of a real number, the most frequent case.
        if first.is_empty() {
            return Self { first, higher, support };
        }
        // Which coefficients the last power has, and the nilpotent part itself.
        let mut in_last = support.clone();
        in_last[0] = false;
        let in_first = in_last.clone();
        loop {
            let products: Vec<_> = algebra
                .monomial_products()
                .iter()
                .copied()
                .filter(|&(i, j, _)| in_last[i] && in_first[j])
                .collect();
            if products.is_empty() {
                break;
            }
            let mut last: Vec<usize> = products.iter().map(|&(_, _, k)| k).collect();
            last.sort_unstable();
            last.dedup();
            in_last.fill(false);
            for &m in &last {
                support[m] = true;
                in_last[m] = true;
            }
            higher.push((last, products));
        }
        Self { first, higher, support }
    }
}
