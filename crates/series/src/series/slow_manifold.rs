//! The polynomial solution of a method with memory, for one tree.
//!
//! Everything is in the basis of binomials `C(ν, k)`; see [`super::recurrence`] for the equations.

use super::ring::Ring;
use super::scaled::{Block, Scaled};
use super::sweep::dot;

/// Work space for one tree.
pub(crate) struct Manifold<R> {
    points: usize,
    /// The fields, `[k][stage]`.
    fields: Vec<Vec<R>>,
    /// One stage while its differences are taken.
    differences: Vec<R>,
    /// The states, `[state][k]`.
    states: Vec<Vec<R>>,
}

impl<R: Ring> Manifold<R> {
    pub(crate) fn new(stages: usize, points: usize) -> Self {
        Manifold {
            points,
            fields: vec![vec![R::zero(); stages]; points],
            differences: vec![R::zero(); points],
            states: Vec::new(),
        }
    }

    /// The coefficients of the states, `[state][k]` for `k = 0, …, nodes`, from the values of the
    /// fields, `[stage][ν]`, which are polynomials of degree `nodes - 1`.
    pub(crate) fn solve(
        &mut self,
        method: &Scaled<R>,
        block: &Block<R>,
        values: &[R],
        nodes: usize,
    ) -> Option<&[Vec<R>]> {
        let differences = &mut self.differences[..nodes];
        for (stage, values) in values.chunks(self.points).enumerate() {
            differences.clone_from_slice(&values[..nodes]);
            for order in 1..nodes {
                for k in (order..nodes).rev() {
                    let (below, this) = differences.split_at_mut(k);
                    this[0].sub_assign(&below[k - 1])?;
                }
            }
            for (fields, value) in self.fields.iter_mut().zip(&*differences) {
                fields[stage] = value.clone();
            }
        }
        let group_inverse = block.group_inverse.as_ref()?;
        let count = block.constant.len();
        self.states.resize(count, Vec::new());
        for state in &mut self.states {
            state.clear();
            state.resize(nodes + 2, R::zero());
        }
        let over_g = |value: R| match &method.recurrence {
            Some(g) => value.div_exact(g),
            None => Some(value),
        };
        for k in (0..=nodes).rev() {
            let residual = (0..count)
                .map(|i| {
                    let next = &self.states[i][k + 1];
                    if k == nodes {
                        return R::zero().sub(next);
                    }
                    dot(&block.drive[i], &self.fields[k])?.sub(next)
                })
                .collect::<Option<Vec<R>>>()?;
            let rows = group_inverse.iter().zip(&block.projected);
            for (state, (inverse, projected)) in self.states.iter_mut().zip(rows) {
                let mut value = over_g(dot(inverse, &residual)?)?;
                if k > 0 {
                    value.add_assign(&dot(projected, &self.fields[k - 1])?)?;
                }
                state[k] = value;
            }
        }
        // All trajectories pass through the parameters at ν = 0.
        let shift = self.states[0][0].clone();
        for (state, c) in self.states.iter_mut().zip(&block.constant) {
            state[0].sub_assign(&over_g(c.mul(&shift)?)?)?;
        }
        Some(&self.states)
    }

    /// The values of the arguments, `[stage][ν]`, of the tree solved last.
    pub(crate) fn arguments(
        &self,
        method: &Scaled<R>,
        block: &Block<R>,
        nodes: usize,
        out: &mut [R],
    ) -> Option<()> {
        for (out, (from_states, from_stages)) in out.chunks_mut(self.points).zip(&block.points) {
            for (k, out) in out.iter_mut().enumerate() {
                let mut value = R::zero();
                if k <= nodes {
                    for (c, state) in from_states.iter().zip(&self.states) {
                        if !c.is_zero() && !state[k].is_zero() {
                            value.add_product(c, &state[k])?;
                        }
                    }
                    if let Some(p) = &method.point {
                        value = value.div_exact(p)?;
                    }
                }
                if k < nodes {
                    value.add_assign(&dot(from_stages, &self.fields[k])?)?;
                }
                *out = value;
            }
            // From coefficients to values: the inverse of taking differences. The first pass
            // spreads the constant highest difference.
            let highest = (nodes + 1).min(self.points - 1);
            for order in (1..=highest).rev() {
                for k in order..self.points {
                    let (below, this) = out.split_at_mut(k);
                    this[0].add_assign(&below[k - 1])?;
                }
            }
        }
        Some(())
    }
}
