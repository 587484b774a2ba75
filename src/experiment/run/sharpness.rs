//! The largest eigenvalues of the Hessian along a run.

use crate::experiment::config::Metric;
use bea_flow::curvature::{Eigenpair, Error, Lanczos, Operator, Verification};
use bea_flow::flow::Frozen;
use bea_flow::objective::ObjectiveError;
use bea_network::architecture::Dtype;
use bea_network::{Hessian, NetworkLoss};

/// Every eighth search looks for eigenvalues that have overtaken those that are followed, every copy of them. The
/// other searches cost half as much.
const LOOKS_AROUND: usize = 8;

/// The sharpest directions, followed from iterate to iterate: each search starts from the eigenvectors
/// of the one before.
pub(super) struct Sharpness {
    wanted: usize,
    tolerance: f64,
    /// Whether the network's numbers are 32-bit numbers.
    single: bool,
    /// Where the next search starts.
    pub directions: Vec<Vec<f64>>,
    /// The largest eigenvalue of the last search.
    pub last: Option<f64>,
}

impl Sharpness {
    pub fn new(wanted: usize, dtype: Dtype) -> Sharpness {
        // Residuals of eigenvectors relative to the largest eigenvalue; the error of an eigenvalue is of
        // the order of its square.
        let tolerance = match dtype {
            Dtype::F32 => 3e-3,
            Dtype::F64 => 1e-4,
        };
        let single = dtype == Dtype::F32;
        Sharpness { wanted, tolerance, single, directions: Vec::new(), last: None }
    }

    /// How many eigenpairs a metric needs.
    pub fn needed(metric: Metric) -> usize {
        match metric {
            Metric::Lambda(k) | Metric::Coefficients(k) | Metric::Along(k) => k,
            Metric::Prediction | Metric::FlowLambda(_) => 1,
            // Whether the first is simple.
            Metric::SelfStabilization => 2,
            _ => 0,
        }
    }

    /// Whether the first two eigenvalues cannot be told apart, whose errors are squares of those of the eigenvectors.
    pub fn is_degenerate(&self, pairs: &[Eigenpair]) -> bool {
        let error = 10.0 * self.tolerance.powi(2);
        matches!(pairs, [a, b, ..] if a.value - b.value <= error * a.value.abs())
    }

    /// What the norm of the gradient of an eigenvalue of this size may be by rounding alone, of parameters of order 1.
    pub fn rounding(&self, value: f64) -> f64 {
        let epsilon = if self.single { f64::from(f32::EPSILON) } else { f64::EPSILON };
        100.0 * epsilon * value.abs()
    }

    /// The eigenpairs at `θ`, the largest first, in search number `number`; none where the iteration fails.
    pub fn find(
        &mut self,
        loss: &NetworkLoss,
        theta: &[f64],
        number: usize,
    ) -> Result<Vec<Eigenpair>, ObjectiveError> {
        let pairs = self.search(loss, theta, number.is_multiple_of(LOOKS_AROUND))?;
        self.last = pairs.first().map(|pair| pair.value);
        self.directions = pairs.iter().map(|pair| pair.vector.clone()).collect();
        Ok(pairs)
    }

    /// [`find`](Self::find) at a point beside the run, without a change of the directions.
    pub fn at(&self, loss: &NetworkLoss, theta: &[f64]) -> Result<Vec<Eigenpair>, ObjectiveError> {
        self.search(loss, theta, false)
    }

    /// The `wanted` largest eigenvalues of `P⁻¹(H + λ)`, those of `P^(-1/2) (H + λ) P^(-1/2)`, from a random vector; none
    /// where `P` is not positive, or the iteration fails.
    pub fn preconditioned(
        &self,
        loss: &NetworkLoss,
        theta: &[f64],
        frozen: &Frozen,
        wanted: usize,
    ) -> Result<Vec<f64>, ObjectiveError> {
        if !frozen.preconditioner.iter().all(|p| *p > 0.0 && p.is_finite()) {
            return Ok(Vec::new());
        }
        let scale = frozen.preconditioner.iter().map(|p| p.sqrt().recip()).collect();
        let hessian = Hessian::new(loss, theta);
        let operator = Preconditioned { hessian, decay: frozen.decay, scale };
        let lanczos = Lanczos {
            largest: wanted,
            tolerance: self.tolerance,
            single: self.single,
            ..Lanczos::default()
        };
        match lanczos.run(&operator, &[]) {
            Ok(found) => Ok(found.largest.into_iter().map(|pair| pair.value).collect()),
            Err(Error::Objective(error)) => Err(error),
            Err(_) => Ok(Vec::new()),
        }
    }

    fn search(
        &self,
        loss: &NetworkLoss,
        theta: &[f64],
        looks_around: bool,
    ) -> Result<Vec<Eigenpair>, ObjectiveError> {
        let lanczos = Lanczos {
            largest: self.wanted.max(1),
            tolerance: self.tolerance,
            random: 0,
            verification: if looks_around { Verification::Always } else { Verification::Never },
            single: self.single,
            ..Lanczos::default()
        };
        match lanczos.run(&Hessian::new(loss, theta), &self.directions) {
            Ok(found) => Ok(found.largest),
            Err(Error::Objective(error)) => Err(error),
            Err(_) => Ok(Vec::new()),
        }
    }
}

/// `D (H + λ) D`
struct Preconditioned<'a> {
    hessian: Hessian<'a, f64>,
    decay: f64,
    /// The diagonal of `D`.
    scale: Vec<f64>,
}

impl Operator for Preconditioned<'_> {
    fn dimension(&self) -> usize {
        self.scale.len()
    }

    fn apply(&self, block: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, Error> {
        let scaled = |v: &Vec<f64>| v.iter().zip(&self.scale).map(|(v, d)| v * d).collect();
        let block: Vec<Vec<f64>> = block.iter().map(scaled).collect();
        let mut products = self.hessian.apply(&block)?;
        for (product, v) in products.iter_mut().zip(&block) {
            for ((product, v), d) in product.iter_mut().zip(v).zip(&self.scale) {
                *product = d * (*product + self.decay * v);
            }
        }
        Ok(products)
    }
}
