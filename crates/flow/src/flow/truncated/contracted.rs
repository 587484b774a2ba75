//! The terms of a modified field from contractions of the derivatives of its losses: for losses that
//! are no formulas.

use crate::flow::velocity::{Velocity, is_finite};
use crate::flow::{Problem, SimulateError, Stop};
use crate::objective::ObjectiveError;
use bea_series::field::Field;
use bea_series::tree::{TreeId, TreeTable};
use num_complex::Complex64;
use num_traits::ToPrimitive;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// `Σ_τ w(τ) F(τ)` over some trees, added to a base flow if there is one.
///
/// An elementary differential is linear in what its root carries, so trees that differ in one child of
/// the root only become one contraction with the sum of these children, as in
/// [`modified_field_of`](crate::loss::modified_field_of).
pub(in crate::flow) struct Contracted<'a> {
    problem: &'a Problem,
    trees: Arc<TreeTable>,
    /// The weights that are not 0.
    weights: BTreeMap<TreeId, f64>,
    /// The principal flow, for `pf+np:n`.
    base: Option<Box<dyn Velocity + Send + 'a>>,
}

impl<'a> Contracted<'a> {
    /// The terms of the wanted trees of a field at the step size `h`.
    pub(in crate::flow) fn new(
        problem: &'a Problem,
        field: &Field,
        h: f64,
        wanted: impl Fn(TreeId) -> bool,
        base: Option<Box<dyn Velocity + Send + 'a>>,
    ) -> Result<Self, SimulateError> {
        let exact = num_rational::BigRational::from_float(h).ok_or(SimulateError::StepSize(h))?;
        let step = vec![Some(exact.into()); field.variables().len()];
        let trees = field.trees().clone();
        let mut weights = BTreeMap::new();
        for tree in (0..trees.len() as TreeId).filter(|&tree| wanted(tree)) {
            let mut weight = 0.0;
            for term in field.terms_of(tree) {
                let value = term.coefficient.substitute(&step);
                let value = value.and_then(|c| c.as_rational()?.to_f64());
                weight += value.ok_or(SimulateError::StepSize(h))? * h.powi(term.h);
            }
            if weight != 0.0 {
                weights.insert(tree, weight);
            }
        }
        Ok(Contracted { problem, trees, weights, base })
    }

    /// The largest number of directions that a contraction takes.
    pub(in crate::flow) fn directions(&self) -> usize {
        let largest = |&tree: &TreeId| self.trees.children(tree).len();
        // The children of a tree have fewer nodes, but may have more children.
        let mut open: Vec<TreeId> = self.weights.keys().copied().collect();
        let mut most = 0;
        while let Some(tree) = open.pop() {
            most = most.max(largest(&tree));
            open.extend(self.trees.children(tree));
        }
        most
    }

    fn sum(
        &self,
        at: &mut At<'_>,
        weights: &BTreeMap<TreeId, f64>,
    ) -> Result<Vec<Complex64>, ObjectiveError> {
        let mut groups: BTreeMap<TreeId, BTreeMap<TreeId, f64>> = BTreeMap::new();
        let mut out = vec![Complex64::ZERO; self.problem.dimension()];
        let mut add = |weight: f64, value: &[Complex64]| {
            out.iter_mut().zip(value).for_each(|(out, x)| *out += weight * x);
        };
        for (&tree, &weight) in weights {
            match self.trees.parts(tree) {
                Some((rest, last)) => {
                    groups.entry(rest).or_default().insert(last, weight);
                }
                None => add(weight, &at.differential(self, tree)?),
            }
        }
        for (rest, lasts) in groups {
            let direction = match lasts.iter().next() {
                // One tree alone may be known already.
                Some((&last, &weight)) if lasts.len() == 1 => {
                    let mut value = at.differential(self, last)?.to_vec();
                    value.iter_mut().for_each(|x| *x *= weight);
                    value
                }
                _ => self.sum(at, &lasts)?,
            };
            let children = self.trees.children(rest);
            let mut children = children
                .iter()
                .map(|&c| at.differential(self, c))
                .collect::<Result<Vec<_>, _>>()?;
            children.push(Arc::new(direction));
            add(1.0, &at.contraction(self, rest, &children)?);
        }
        Ok(out)
    }
}

/// The elementary differentials at one point, as they are needed.
struct At<'a> {
    theta: &'a [Complex64],
    known: HashMap<TreeId, Arc<Vec<Complex64>>>,
}

impl At<'_> {
    /// `F(τ)`.
    fn differential(
        &mut self,
        field: &Contracted<'_>,
        tree: TreeId,
    ) -> Result<Arc<Vec<Complex64>>, ObjectiveError> {
        if let Some(value) = self.known.get(&tree) {
            return Ok(value.clone());
        }
        let children = field.trees.children(tree);
        let children =
            children.iter().map(|&c| self.differential(field, c)).collect::<Result<Vec<_>, _>>()?;
        let value = Arc::new(self.contraction(field, tree, &children)?);
        self.known.insert(tree, value.clone());
        Ok(value)
    }

    /// The derivative of the field at the root of `tree` along these vectors.
    fn contraction(
        &self,
        field: &Contracted<'_>,
        tree: TreeId,
        children: &[Arc<Vec<Complex64>>],
    ) -> Result<Vec<Complex64>, ObjectiveError> {
        let children: Vec<&[Complex64]> = children.iter().map(|c| c.as_slice()).collect();
        let color = usize::from(field.trees.color(tree));
        field.problem.contraction(color, self.theta, &children)
    }
}

impl Velocity for Contracted<'_> {
    fn velocity(&mut self, theta: &[Complex64], out: &mut [Complex64]) -> Result<(), Stop> {
        let mut at = At { theta, known: HashMap::new() };
        out.copy_from_slice(&self.sum(&mut at, &self.weights)?);
        if !is_finite(out) {
            return Err(Stop::NotFinite);
        }
        if let Some(base) = &mut self.base {
            let mut more = vec![Complex64::ZERO; out.len()];
            base.velocity(theta, &mut more)?;
            out.iter_mut().zip(more).for_each(|(out, x)| *out += x);
        }
        Ok(())
    }

    fn accept(&mut self, theta: &[Complex64]) -> Result<(), Stop> {
        self.base.as_mut().map_or(Ok(()), |base| base.accept(theta))
    }

    fn branch_distance(&self) -> f64 {
        self.base.as_ref().map_or(f64::INFINITY, |base| base.branch_distance())
    }
}
