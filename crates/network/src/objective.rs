//! A network's loss as an objective, and its Gauss-Newton matrix as an operator.

use bea_series::typed::Matrix;
use num_complex::Complex64;

use super::architecture::Dtype;
use super::device::DeviceError;
use super::evaluation::NetworkLoss;
use super::point::Scalar;
use bea_flow::curvature;
use bea_flow::objective::{self, Jet, Objective, ObjectiveError};
use bea_series::tree::Tree;
use std::collections::BTreeMap;

impl NetworkLoss {
    /// The elementary differential `F(τ)` of `f = -∇E`: `F([τ_1, …, τ_m]) = -∇^{m+1}E[F(τ_1), …, F(τ_m)]`. Equal
    /// subtrees are evaluated once.
    ///
    /// # Errors
    /// An accelerator that fails.
    ///
    /// # Panics
    /// If the tree has colours other than the first.
    pub fn elementary_differential<S: Scalar>(
        &self,
        theta: &[S],
        tree: &Tree,
    ) -> Result<Vec<S>, DeviceError> {
        assert!(tree.is_uncolored(), "one loss has trees of one colour");
        self.differential(theta, tree, &mut BTreeMap::new())
    }

    fn differential<S: Scalar>(
        &self,
        theta: &[S],
        tree: &Tree,
        known: &mut BTreeMap<Tree, Vec<S>>,
    ) -> Result<Vec<S>, DeviceError> {
        if let Some(value) = known.get(tree) {
            return Ok(value.clone());
        }
        let children = tree.children();
        let children: Vec<Vec<S>> = children
            .iter()
            .map(|child| self.differential(theta, child, known))
            .collect::<Result<_, _>>()?;
        let directions: Vec<&[S]> = children.iter().map(Vec::as_slice).collect();
        let mut value = NetworkLoss::contraction(self, theta, &directions)?;
        for entry in &mut value {
            *entry = S::of_parts(-entry.part(0), -entry.part(1));
        }
        known.insert(tree.clone(), value.clone());
        Ok(value)
    }
}

impl From<DeviceError> for ObjectiveError {
    fn from(error: DeviceError) -> ObjectiveError {
        ObjectiveError::other(error)
    }
}

impl<S: Scalar + objective::Scalar> Objective<S> for NetworkLoss {
    fn dimension(&self) -> usize {
        NetworkLoss::dimension(self)
    }

    fn value_and_gradient(&self, x: &[S], gradient: &mut [S]) -> Result<S, ObjectiveError> {
        let (value, g) = NetworkLoss::gradient(self, x)?;
        gradient.copy_from_slice(&g);
        Ok(value)
    }

    fn value(&self, x: &[S]) -> Result<S, ObjectiveError> {
        Ok(self.loss(x)?)
    }

    fn max_directions(&self) -> usize {
        usize::MAX
    }

    fn hessian_vectors(&self, x: &[S], block: &[&[S]]) -> Result<Vec<Vec<S>>, ObjectiveError> {
        Ok(NetworkLoss::hessian_vectors(self, x, block)?)
    }

    fn contraction(
        &self,
        x: &[S],
        directions: &[&[S]],
        out: &mut [S],
    ) -> Result<(), ObjectiveError> {
        out.copy_from_slice(&NetworkLoss::contraction(self, x, directions)?);
        Ok(())
    }

    fn has_jets(&self) -> bool {
        true
    }

    fn gradient_jet(
        &self,
        x: &Jet<S>,
        wanted: &[(usize, usize)],
    ) -> Result<Vec<Vec<S>>, ObjectiveError> {
        Ok(NetworkLoss::gradient_jet(self, x, wanted)?)
    }

    fn hessian_jet(&self, x: &Jet<S>, v: &Jet<S>) -> Result<Vec<Vec<S>>, ObjectiveError> {
        Ok(NetworkLoss::hessian_jet(self, x, v)?)
    }

    fn complex(&self) -> Option<&dyn Objective<Complex64>> {
        Some(self)
    }

    /// Each array of parameters, a convolution's kernel `[outputs, inputs, height, width]` as `outputs` rows, and one with a
    /// single axis as a column.
    fn matrices(&self) -> Vec<Matrix> {
        self.layout().parameters.iter().map(|p| Matrix::of_axes(&p.shape)).collect()
    }

    fn precision(&self) -> f64 {
        match self.layout().dtype {
            Dtype::F32 => f32::EPSILON.into(),
            Dtype::F64 => f64::EPSILON,
        }
    }
}

/// The Gauss-Newton matrix of a network's loss, known by its products: see [`NetworkLoss::gauss_newton_vectors`].
pub struct GaussNewton<'a, S> {
    loss: &'a NetworkLoss,
    theta: &'a [S],
}

impl<'a, S: Scalar> GaussNewton<'a, S> {
    /// `Jᵀ H_L J` at `θ`.
    pub fn new(loss: &'a NetworkLoss, theta: &'a [S]) -> Self {
        Self { loss, theta }
    }
}

impl<S: Scalar + objective::Scalar> curvature::Operator<S> for GaussNewton<'_, S> {
    fn dimension(&self) -> usize {
        self.theta.len()
    }

    fn apply(&self, block: &[Vec<S>]) -> Result<Vec<Vec<S>>, curvature::Error> {
        let directions: Vec<&[S]> = block.iter().map(Vec::as_slice).collect();
        let products = self.loss.gauss_newton_vectors(self.theta, &directions);
        Ok(products.map_err(ObjectiveError::from)?)
    }
}
