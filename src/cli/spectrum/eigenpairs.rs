//! The eigenpairs that are asked for, and how they are found.

use super::SpectrumOf;
use crate::cli::memory;
use bea_flow::curvature::{
    Eigenpair, Error, Lanczos, Operator, Verification, assemble, eigenvalues,
};
use bea_flow::flow::stability::StabilityCoefficient;
use bea_flow::random::Stream;
use bea_network::architecture::Dtype;
use miette::miette;

/// Larger matrices are not assembled: their eigenvalues would take hours.
const LARGEST: usize = 4096;
/// How many eigenvalues are listed by default.
const TOP: usize = 10;
/// More vectors than that are not kept: the projected matrix would cost more than the products.
const MOST: usize = 400;
/// A margin over the rounding of parameters alone: activations and data are rounded as well. With it errors of f32
/// exceed the residuals by less than half in `tests/multiplicity.rs`, and stay below twice them in `tests/spectrum.rs`.
const UNITS: f64 = 4.0;
/// How many numbers the products that residuals are computed from hold at a time.
const AT_ONCE: usize = 1 << 22;

/// Eigenpairs, and how they were found.
pub(super) struct Found {
    /// In descending order.
    pub pairs: Vec<Eigenpair>,
    /// The number of each among all eigenvalues, 0 being the largest.
    pub indices: Vec<usize>,
    /// The stability coefficient of each, if there is a step size.
    pub coefficients: Vec<StabilityCoefficient>,
    pub products: usize,
    pub converged: bool,
    /// How large residuals may be, relative to the largest eigenvalue in modulus; nothing where all are found.
    pub tolerance: Option<f64>,
    /// The largest eigenvalue in modulus that was met.
    pub scale: f64,
    /// How much further out than the last one at each end an eigenvalue may lie that is missing.
    pub missed: [f64; 2],
}

impl SpectrumOf {
    pub(super) fn check_size(&self, p: usize) -> miette::Result<()> {
        if self.full && p > LARGEST {
            return Err(miette!(
                help = "take --top and --bottom for the extreme eigenvalues, --density for an overview",
                "--full is for at most {LARGEST} parameters, but {} has {p}",
                self.network.network
            ));
        }
        Ok(())
    }

    /// The iteration for a network of `p` parameters that starts from so many given vectors.
    pub(super) fn lanczos(&self, p: usize, dtype: Dtype, start: usize) -> miette::Result<Lanczos> {
        let default = match dtype {
            // Products with the Hessian are not more exact than that.
            Dtype::F32 => 1e-5,
            Dtype::F64 => 1e-8,
        };
        let tolerance = self.tolerance.unwrap_or(default);
        if tolerance >= 1.0 {
            return Err(miette!(
                help = "as in --tolerance 1e-6",
                "--tolerance is relative to the largest eigenvalue, and less than 1, not {tolerance}"
            ));
        }
        let mut lanczos = Lanczos {
            largest: self.top.unwrap_or(TOP.min(p.saturating_sub(self.bottom))),
            smallest: self.bottom,
            tolerance,
            verification: Verification::Always,
            single: dtype == Dtype::F32,
            seed: self.seed,
            ..Lanczos::default()
        };
        if let Some(memory::Bytes(given)) = self.memory {
            let one = p * if lanczos.single { 4 } else { 8 };
            // A vector, its product and the gradient, in 64-bit numbers.
            let beside = 4 * 8 * p;
            let least = Lanczos { basis: 0, ..lanczos }.room(start + 1);
            let room = given.saturating_sub(beside) / one;
            lanczos.basis = room.min(MOST);
            if room < least.min(p) {
                let needed = memory::Bytes(beside + least * one);
                return Err(miette!(
                    help =
                        "fewer eigenvalues need fewer vectors, and vectors of f32 half the memory",
                    "{} do not suffice: {} eigenvalues of {p} parameters take {least} vectors, {needed}",
                    memory::Bytes(given),
                    lanczos.largest + lanczos.smallest
                ));
            }
        }
        Ok(lanczos)
    }
}

/// The parameters with every one changed by [`UNITS`] in the last place: evaluations there differ by as much as rounding
/// makes of them.
pub(super) fn rounded(theta: &[f64], dtype: Dtype) -> Vec<f64> {
    let epsilon = match dtype {
        Dtype::F32 => f32::EPSILON.into(),
        Dtype::F64 => f64::EPSILON,
    };
    let mut random = Stream::new(0, "rounding");
    let mut change = || UNITS * if random.uniform() < 0.5 { -epsilon } else { epsilon };
    theta.iter().map(|x| x + x * change()).collect()
}

/// The extreme eigenpairs, with residuals by `nearby`, another evaluation of the operator.
pub(super) fn extremes(
    lanczos: &Lanczos,
    operator: &dyn Operator,
    nearby: &dyn Operator,
    start: &[Vec<f64>],
) -> Result<Found, Error> {
    if lanczos.largest + lanczos.smallest == 0 {
        return Ok(Found {
            pairs: Vec::new(),
            indices: Vec::new(),
            coefficients: Vec::new(),
            products: 0,
            converged: true,
            tolerance: Some(lanczos.tolerance),
            scale: 0.0,
            missed: [0.0; 2],
        });
    }
    let extremes = lanczos.run(operator, start)?;
    let count = extremes.largest.len();
    let mut pairs = extremes.largest;
    pairs.extend(extremes.smallest.into_iter().rev());
    let missing = operator.dimension() - pairs.len();
    check(nearby, &mut pairs)?;
    Ok(Found {
        indices: (0..pairs.len()).map(|i| if i < count { i } else { i + missing }).collect(),
        coefficients: Vec::new(),
        products: extremes.products + pairs.len(),
        converged: extremes.converged,
        tolerance: Some(lanczos.tolerance),
        scale: extremes.scale,
        missed: extremes.missed.unwrap_or([f64::INFINITY; 2]),
        pairs,
    })
}

/// All eigenpairs, with residuals by `nearby`.
pub(super) fn all(operator: &dyn Operator, nearby: &dyn Operator) -> Result<Found, Error> {
    let matrix = assemble(operator)?;
    let (values, vectors) = eigenvalues(&matrix)?;
    let pair = |(i, value): (usize, f64)| Eigenpair {
        value,
        vector: vectors.column(i).iter().copied().collect(),
        residual: 0.0,
    };
    let mut pairs: Vec<Eigenpair> = values.into_iter().enumerate().map(pair).collect();
    check(nearby, &mut pairs)?;
    Ok(Found {
        indices: (0..pairs.len()).collect(),
        coefficients: Vec::new(),
        products: 2 * pairs.len(),
        converged: true,
        tolerance: None,
        scale: pairs.iter().fold(0.0, |m, pair| m.max(pair.value.abs())),
        missed: [0.0; 2],
        pairs,
    })
}

/// Residuals computed by products, instead of the iteration's estimates.
fn check(operator: &dyn Operator, pairs: &mut [Eigenpair]) -> Result<(), Error> {
    let block = (AT_ONCE / operator.dimension().max(1)).clamp(1, 64);
    for pairs in pairs.chunks_mut(block) {
        let vectors: Vec<Vec<f64>> = pairs.iter().map(|pair| pair.vector.clone()).collect();
        for (pair, product) in pairs.iter_mut().zip(operator.apply(&vectors)?) {
            let rest = product.iter().zip(&pair.vector).map(|(w, u)| (w - pair.value * u).powi(2));
            pair.residual = rest.sum::<f64>().sqrt();
        }
    }
    Ok(())
}

impl Found {
    /// How far beyond the last one listed at each end an eigenvalue may be missing, where that is more than rounding and
    /// the tolerance account for.
    pub fn uncertain(&self) -> [Option<f64>; 2] {
        let usual = 20.0 * self.tolerance.unwrap_or(0.0) * self.scale;
        self.missed.map(|missed| (missed > usual).then_some(missed))
    }

    /// Whether rounding, not the iteration, makes the residuals as large as they are.
    pub fn is_noise(&self) -> bool {
        let small = self.tolerance.unwrap_or(1e-6) * self.scale;
        self.converged && self.pairs.iter().any(|pair| pair.residual > 2.0 * small)
    }
}
