//! Where a network is evaluated: real and complex parameters, as elements of an algebra.

use num_complex::Complex64;

use super::algebra::Algebra;

/// Real or complex numbers, as flat vectors of parameters hold them.
pub trait Scalar: Copy + Send + Sync + PartialEq + 'static {
    /// Whether there is an imaginary part.
    const COMPLEX: bool;
    /// Real (0) or imaginary (1) part.
    fn part(self, index: usize) -> f64;
    /// From the parts.
    fn of_parts(re: f64, im: f64) -> Self;
}

impl Scalar for f64 {
    const COMPLEX: bool = false;
    #[inline]
    fn part(self, index: usize) -> f64 {
        if index == 0 { self } else { 0.0 }
    }
    #[inline]
    fn of_parts(re: f64, _: f64) -> Self {
        re
    }
}

impl Scalar for Complex64 {
    const COMPLEX: bool = true;
    #[inline]
    fn part(self, index: usize) -> f64 {
        if index == 0 { self.re } else { self.im }
    }
    #[inline]
    fn of_parts(re: f64, im: f64) -> Self {
        Self::new(re, im)
    }
}

/// Where loss and gradient are evaluated: at `Σ e_m θ_m`, with `values` giving the `θ_m` of monomials `m`.
pub(super) struct Point<'v, S> {
    pub algebra: Algebra,
    pub values: Vec<(usize, &'v [S])>,
    /// At which monomials the gradient's coefficients are asked for.
    pub wanted: Vec<usize>,
}

impl<'v, S: Scalar> Point<'v, S> {
    pub fn new(algebra: Algebra, values: Vec<(usize, &'v [S])>, wanted: Vec<usize>) -> Self {
        let algebra = if S::COMPLEX { algebra.complexified() } else { algebra };
        Self { algebra, values, wanted }
    }

    /// An element of no nilpotent part.
    pub fn plain(theta: &'v [S], wanted: Vec<usize>) -> Self {
        Self::new(Algebra::real(), vec![(0, theta)], wanted)
    }
}

/// Flat coefficients as vectors of scalars: pairs of real and imaginary parts if complex.
pub(super) fn join<S: Scalar>(coefficients: Vec<Vec<f64>>) -> Vec<Vec<S>> {
    let mut parts = coefficients.into_iter();
    let mut vectors = Vec::new();
    while let Some(re) = parts.next() {
        vectors.push(if S::COMPLEX {
            let im = parts.next().expect("an imaginary part");
            re.iter().zip(&im).map(|(&re, &im)| S::of_parts(re, im)).collect()
        } else {
            re.into_iter().map(|re| S::of_parts(re, 0.0)).collect()
        });
    }
    vectors
}
