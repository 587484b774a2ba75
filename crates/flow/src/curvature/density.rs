//! The density of the eigenvalues, by stochastic Lanczos quadrature.
//!
//! For a random vector `v` with independent entries of mean 0 and variance 1 the mean of
//! `vᵀ f(A) v/n` is `tr f(A)/n`, the integral of `f` over the spectral density. `m` steps of Lanczos' method from
//! `v` give `T = Y Θ Yᵀ`, and `vᵀ f(A) v = ‖v‖² Σ_k y_{1k}² f(θ_k)`, exactly for polynomials up to degree
//! `2m - 1`: a Gauss quadrature with the nodes `θ_k`.
//!
//! Source: Ubaru, Chen and Saad, *Fast estimation of tr(f(A)) via stochastic Lanczos quadrature*, SIAM
//! J. Matrix Anal. Appl. 38 (2017); Lin, Saad and Yang, *Approximating spectral densities of large
//! matrices*, SIAM Review 58 (2016); Ghorbani, Krishnan and Xiao, *An investigation into neural net
//! optimization via Hessian eigenvalue density*, ICML (2019).

use super::krylov::KrylovSpace;
use super::spectrum::symmetric_eigen;
use super::{Error, Operator};
use crate::random::{Probe, Probes};

/// How to estimate the density.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Density {
    /// `m`, how many steps of Lanczos' method from each vector.
    pub steps: usize,
    /// How many random vectors.
    pub probes: usize,
    /// How their entries are distributed.
    pub distribution: Probe,
    /// Their seed.
    pub seed: u64,
    /// How many of them are multiplied at a time. So many times `steps` vectors are kept.
    pub block: usize,
}

impl Default for Density {
    /// 80 steps from each of 10 vectors of signs, one by one.
    fn default() -> Density {
        Density { steps: 80, probes: 10, distribution: Probe::default(), seed: 0, block: 1 }
    }
}

/// A density of total weight 1 at finitely many points.
#[derive(Clone, PartialEq, Debug)]
pub struct Quadrature {
    /// The nodes, ascending.
    pub nodes: Vec<f64>,
    /// Their weights.
    pub weights: Vec<f64>,
    /// For each probe its estimate of the mean eigenvalue `tr(A)/n` and of the mean square
    /// `tr(A²)/n`: their spread shows the error that comes from the choice of the vectors.
    pub moments: Vec<[f64; 2]>,
    /// How many products were taken.
    pub products: usize,
}

impl Density {
    /// The density of the eigenvalues of `operator`.
    ///
    /// # Errors
    /// Nothing to do, and the operator's own errors.
    pub fn run(&self, operator: &(impl Operator + ?Sized)) -> Result<Quadrature, Error> {
        let n = operator.dimension();
        for (name, value) in [
            ("the number of steps", self.steps),
            ("the number of probes", self.probes),
            ("the block size", self.block),
            ("the dimension of the operator", n),
        ] {
            if value == 0 {
                return Err(Error::NotPositive { name });
            }
        }
        let mut random = Probes::new(self.seed);
        let mut points = Vec::new();
        let mut moments = Vec::new();
        let mut products = 0;
        for first in (0..self.probes).step_by(self.block) {
            let count = self.block.min(self.probes - first);
            let start = |_| KrylovSpace::new(operator, &random.next(self.distribution, n));
            let mut spaces = (0..count).map(start).collect::<Result<Vec<_>, _>>()?;
            for _ in 0..self.steps {
                products += KrylovSpace::extend_all(&mut spaces, operator)?;
            }
            for space in &spaces {
                let t = space.projected();
                let (nodes, y) = symmetric_eigen((&t + t.transpose()) * 0.5)?;
                // The mean of ‖v‖²/n is 1, and dividing by ‖v‖² instead of n reduces the variance.
                let weights: Vec<f64> = y.row(0).iter().map(|y| y * y).collect();
                let moment =
                    |power| nodes.iter().zip(&weights).map(|(x, w)| w * x.powi(power)).sum::<f64>();
                moments.push([moment(1), moment(2)]);
                points.extend(nodes.iter().copied().zip(weights));
            }
        }
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let share = 1.0 / self.probes as f64;
        let (nodes, weights) = points.into_iter().map(|(x, w)| (x, w * share)).unzip();
        Ok(Quadrature { nodes, weights, moments, products })
    }
}

impl Quadrature {
    /// How many points a [grid](Self::grid) may have.
    pub const MOST: usize = 10_000_000;

    /// `Σ_k w_k f(θ_k) ≈ tr f(A)/n`.
    pub fn mean(&self, f: impl Fn(f64) -> f64) -> f64 {
        self.nodes.iter().zip(&self.weights).map(|(&x, w)| w * f(x)).sum()
    }

    /// The density at `x`, every node spread to a normal distribution of standard deviation `width`.
    pub fn smoothed(&self, x: f64, width: f64) -> f64 {
        let normal =
            |t: f64| (-0.5 * (t / width).powi(2)).exp() / (width * std::f64::consts::TAU.sqrt());
        self.mean(|node| normal(x - node))
    }

    /// Points and values of the [smoothed](Self::smoothed) density on a grid of `count` equidistant
    /// points that reaches four widths beyond the nodes.
    ///
    /// # Errors
    /// A width that is not positive, fewer than two points, or more than [`Quadrature::MOST`].
    pub fn grid(&self, width: f64, count: usize) -> Result<Vec<(f64, f64)>, Error> {
        if !(width > 0.0 && width.is_finite()) {
            return Err(Error::NotPositive { name: "the width" });
        }
        if count < 2 {
            return Err(Error::NotPositive { name: "the number of intervals of the grid" });
        }
        if count > Self::MOST {
            let name = "the number of points of the grid";
            return Err(Error::TooLarge { name, value: count, most: Self::MOST });
        }
        let ends = (self.nodes.first(), self.nodes.last());
        let (Some(first), Some(last)) = ends else { return Ok(Vec::new()) };
        let (from, to) = (first - 4.0 * width, last + 4.0 * width);
        let at = |k: usize| from + (to - from) * k as f64 / (count - 1) as f64;
        Ok((0..count).map(|k| (at(k), self.smoothed(at(k), width))).collect())
    }
}
