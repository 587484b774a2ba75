//! The largest eigenvalues of the Hessian along a run.

use crate::experiment::config::Metric;
use bea_flow::curvature::{Eigenpair, Error, Lanczos, Verification};
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
            _ => 0,
        }
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
