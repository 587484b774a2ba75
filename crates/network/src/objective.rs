//! A network's loss as flows, and its Hessian as curvature, see it.

use num_complex::Complex64;

use super::architecture::Dtype;
use super::evaluation::NetworkLoss;
use super::point::Scalar;
use bea_flow::curvature;
use bea_flow::flow::Objective;
use bea_series::tree::Tree;
use nalgebra::DMatrix;
use std::collections::BTreeMap;

impl NetworkLoss {
    /// The elementary differential `F(τ)` of `f = -∇E`: `F([τ_1, …, τ_m]) = -∇^{m+1}E[F(τ_1), …, F(τ_m)]`. Equal
    /// subtrees are evaluated once.
    ///
    /// # Panics
    /// If the tree has colours other than the first.
    pub fn elementary_differential<S: Scalar>(&self, theta: &[S], tree: &Tree) -> Vec<S> {
        assert!(tree.is_uncolored(), "one loss has trees of one colour");
        self.differential(theta, tree, &mut BTreeMap::new())
    }

    fn differential<S: Scalar>(
        &self,
        theta: &[S],
        tree: &Tree,
        known: &mut BTreeMap<Tree, Vec<S>>,
    ) -> Vec<S> {
        if let Some(value) = known.get(tree) {
            return value.clone();
        }
        let children: Vec<Vec<S>> =
            tree.children().iter().map(|child| self.differential(theta, child, known)).collect();
        let directions: Vec<&[S]> = children.iter().map(Vec::as_slice).collect();
        let mut value = self.contraction(theta, &directions);
        for entry in &mut value {
            *entry = S::of_parts(-entry.part(0), -entry.part(1));
        }
        known.insert(tree.clone(), value.clone());
        value
    }
}

/// Real points are evaluated over the reals, which costs less than half.
fn real(vectors: &[&[Complex64]]) -> Option<Vec<Vec<f64>>> {
    let part = |v: &&[Complex64]| v.iter().map(|z| (z.im == 0.0).then_some(z.re)).collect();
    vectors.iter().map(part).collect()
}

impl Objective for NetworkLoss {
    fn dimension(&self) -> usize {
        NetworkLoss::dimension(self)
    }

    fn value(&self, theta: &[Complex64]) -> Complex64 {
        match real(&[theta]) {
            Some(theta) => self.loss(&theta[0]).into(),
            None => self.loss(theta),
        }
    }

    fn gradient(&self, theta: &[Complex64], out: &mut [Complex64]) {
        Objective::contraction(self, theta, &[], out);
    }

    fn hessian(&self, theta: &[Complex64], out: &mut DMatrix<Complex64>) {
        let p = theta.len();
        let unit = |i: usize| (0..p).map(|j| f64::from(u8::from(i == j)).into()).collect();
        let block: Vec<Vec<Complex64>> = (0..p).map(unit).collect();
        for (i, column) in Objective::hessian_vectors(self, theta, &block).iter().enumerate() {
            out.column_mut(i).copy_from_slice(column);
        }
    }

    fn third(&self, theta: &[Complex64], u: &[Complex64], v: &[Complex64], out: &mut [Complex64]) {
        Objective::contraction(self, theta, &[u, v], out);
    }

    fn precision(&self) -> f64 {
        match self.architecture().dtype {
            Dtype::F32 => f32::EPSILON.into(),
            Dtype::F64 => f64::EPSILON,
        }
    }

    fn is_matrix_free(&self) -> bool {
        NetworkLoss::dimension(self) > ASSEMBLED
    }

    fn hessian_vectors(
        &self,
        theta: &[Complex64],
        block: &[Vec<Complex64>],
    ) -> Vec<Vec<Complex64>> {
        let mut all = vec![theta];
        all.extend(block.iter().map(Vec::as_slice));
        match real(&all) {
            Some(all) => {
                let directions: Vec<&[f64]> = all[1..].iter().map(Vec::as_slice).collect();
                let products = NetworkLoss::hessian_vectors(self, &all[0], &directions);
                products.into_iter().map(|v| v.into_iter().map(Complex64::from).collect()).collect()
            }
            None => NetworkLoss::hessian_vectors(self, theta, &all[1..]),
        }
    }

    fn max_directions(&self) -> usize {
        usize::MAX
    }

    fn contraction(&self, theta: &[Complex64], directions: &[&[Complex64]], out: &mut [Complex64]) {
        let mut all = vec![theta];
        all.extend(directions);
        match real(&all) {
            Some(all) => {
                let directions: Vec<&[f64]> = all[1..].iter().map(Vec::as_slice).collect();
                let value = NetworkLoss::contraction(self, &all[0], &directions);
                out.iter_mut().zip(value).for_each(|(out, x)| *out = x.into());
            }
            None => out.copy_from_slice(&NetworkLoss::contraction(self, theta, directions)),
        }
    }
}

/// Networks of more parameters than this never have their Hessian assembled: an eigendecomposition would cost more
/// than all products that a Krylov space needs.
const ASSEMBLED: usize = 100;

/// The Hessian of a network's loss at real or complex parameters, known by its products.
pub struct Hessian<'a, S> {
    loss: &'a NetworkLoss,
    theta: &'a [S],
}

impl<'a, S: Scalar> Hessian<'a, S> {
    /// `∇²E(θ)`.
    pub fn new(loss: &'a NetworkLoss, theta: &'a [S]) -> Self {
        Self { loss, theta }
    }
}

impl<S: Scalar + curvature::Scalar> curvature::Operator<S> for Hessian<'_, S> {
    fn dimension(&self) -> usize {
        self.theta.len()
    }

    fn apply(&self, block: &[Vec<S>]) -> Result<Vec<Vec<S>>, curvature::Error> {
        let directions: Vec<&[S]> = block.iter().map(Vec::as_slice).collect();
        Ok(self.loss.hessian_vectors(self.theta, &directions))
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

impl<S: Scalar + curvature::Scalar> curvature::Operator<S> for GaussNewton<'_, S> {
    fn dimension(&self) -> usize {
        self.theta.len()
    }

    fn apply(&self, block: &[Vec<S>]) -> Result<Vec<Vec<S>>, curvature::Error> {
        let directions: Vec<&[S]> = block.iter().map(Vec::as_slice).collect();
        Ok(self.loss.gauss_newton_vectors(self.theta, &directions))
    }
}
