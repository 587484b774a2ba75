//! One pass over a table of trees, smallest first.

use super::ring::Ring;
use super::scaled::{Block, Scaled};
use super::slow_manifold::Manifold;
use crate::exact::{Poly, effort};
use crate::tree::{TreeId, TreeTable};
use num_bigint::BigInt;
use num_integer::Integer;
use rayon::prelude::*;

/// `L K^|τ| b(τ)` of every tree, `L` the least common multiple of `1, …, max_nodes`; `None` if the
/// ring overflows.
pub(crate) fn run<R: Ring>(method: &Scaled<R>, trees: &TreeTable) -> Option<Vec<R::Wide>> {
    let sweep = Sweep::new(method, trees)?;
    // Values at ν = 0, 1, …, of every stage, for all trees that can be part of a larger one.
    let stored = trees.of_size(trees.max_nodes()).start as usize * sweep.width;
    let mut fields = vec![R::zero(); stored];
    let mut arguments = vec![R::zero(); stored];
    let mut weights = vec![R::Wide::zero(); trees.len()];
    let meter = effort::Shared::of_this_thread();
    for nodes in 1..=trees.max_nodes() {
        let level = trees.of_size(nodes);
        let output = &mut weights[level.start as usize..level.end as usize];
        let output = output.par_iter_mut().zip(level.clone()).with_min_len(64);
        let scratch = || Scratch::new(&sweep);
        if nodes == trees.max_nodes() {
            let done = Done { fields: &fields, arguments: &arguments };
            output.try_for_each_init(scratch, |scratch, (out, tree)| {
                *out = meter.part(|| sweep.last_weight(&done, tree, nodes, scratch))?;
                Some(())
            })?;
            continue;
        }
        let (start, chunk) = (level.start as usize * sweep.width, level.len() * sweep.width);
        let (done_fields, new_fields) = fields.split_at_mut(start);
        let (done_arguments, new_arguments) = arguments.split_at_mut(start);
        let done = Done { fields: done_fields, arguments: done_arguments };
        output
            .zip(new_fields[..chunk].par_chunks_mut(sweep.width.max(1)))
            .zip(new_arguments[..chunk].par_chunks_mut(sweep.width.max(1)))
            .try_for_each_init(scratch, |scratch, (((out, tree), fields), arguments)| {
                *out = meter.part(|| {
                    sweep.evaluate(&done, tree, &mut scratch.fields)?;
                    let weight = sweep.weight(tree, nodes, scratch)?;
                    sweep.arguments(tree, nodes, scratch, arguments)?;
                    Some(weight)
                })?;
                fields.clone_from_slice(&scratch.fields);
                Some(())
            })?;
    }
    Some(weights)
}

/// What does not change from tree to tree.
struct Sweep<'a, R: Ring> {
    method: &'a Scaled<R>,
    trees: &'a TreeTable,
    /// How many values ν = 0, 1, … are kept of each stage: enough for the largest tree.
    points: usize,
    /// Stages times points.
    width: usize,
    one: R,
    /// `L (-1)^(k-1)/k`: what `C(ν, k)` contributes to `ν¹`, for `k = 0, …, points`.
    linear: Vec<R::Wide>,
    /// For each space of a method without memory: `b` as a linear functional of the values of the
    /// fields, one coefficient a stage and point.
    functionals: Vec<Option<Vec<R::Wide>>>,
}

/// The values of all smaller trees.
struct Done<'a, R> {
    fields: &'a [R],
    arguments: &'a [R],
}

/// Work space for one tree.
struct Scratch<R> {
    /// Values of each stage's field at ν = 0, 1, …
    fields: Vec<R>,
    manifold: Manifold<R>,
}

impl<R: Ring> Scratch<R> {
    fn new(sweep: &Sweep<R>) -> Self {
        Scratch {
            fields: vec![R::zero(); sweep.width],
            manifold: Manifold::new(sweep.method.stage_fields.len(), sweep.points),
        }
    }
}

impl<'a, R: Ring> Sweep<'a, R> {
    fn new(method: &'a Scaled<R>, trees: &'a TreeTable) -> Option<Self> {
        let points = trees.max_nodes();
        let linear = linear_coefficient(points)?;
        let functionals = method
            .blocks
            .iter()
            .map(|block| match block.group_inverse {
                None => functional(block, &linear, points).map(Some),
                Some(_) => Some(None),
            })
            .collect::<Option<_>>()?;
        let width = method.stage_fields.len() * points;
        let one = R::from_poly(&Poly::one())?;
        Some(Sweep { method, trees, points, width, one, linear, functionals })
    }

    fn space(&self, tree: TreeId) -> usize {
        self.method.field_spaces[usize::from(self.trees.color(tree))]
    }

    /// `e_l(τ) = Π_j Z_l(τj)`, as `e_l(rest) Z_l(last)`, at every point.
    fn evaluate(&self, done: &Done<R>, tree: TreeId, fields: &mut [R]) -> Option<()> {
        let color = usize::from(self.trees.color(tree));
        let parts = self.trees.parts(tree);
        for (stage, &field) in self.method.stage_fields.iter().enumerate() {
            let out = &mut fields[stage * self.points..(stage + 1) * self.points];
            if field != color {
                out.fill(R::zero());
            } else if let Some((rest, last)) = parts {
                let at = |tree: TreeId| tree as usize * self.width + stage * self.points;
                let rest = &done.fields[at(rest)..][..self.points];
                let last = &done.arguments[at(last)..][..self.points];
                for ((out, a), b) in out.iter_mut().zip(rest).zip(last) {
                    *out = a.mul(b)?;
                }
            } else {
                out.fill(self.one.clone());
            }
        }
        Some(())
    }

    /// `L K^|τ| b(τ)` from the values of the fields.
    fn weight(&self, tree: TreeId, nodes: usize, scratch: &mut Scratch<R>) -> Option<R::Wide> {
        let space = self.space(tree);
        if let Some(functional) = &self.functionals[space] {
            return wide_dot(functional, &scratch.fields);
        }
        let block = &self.method.blocks[space];
        let states = scratch.manifold.solve(self.method, block, &scratch.fields, nodes)?;
        wide_dot(&self.linear[1..=nodes], &states[0][1..=nodes])
    }

    /// [`Sweep::weight`] of a largest tree, whose values nothing else needs: the largest products
    /// never have to fit the narrow ring.
    fn last_weight(
        &self,
        done: &Done<R>,
        tree: TreeId,
        nodes: usize,
        scratch: &mut Scratch<R>,
    ) -> Option<R::Wide> {
        let functional = &self.functionals[self.space(tree)];
        let (Some(functional), Some((rest, last))) = (functional, self.trees.parts(tree)) else {
            self.evaluate(done, tree, &mut scratch.fields)?;
            return self.weight(tree, nodes, scratch);
        };
        let color = usize::from(self.trees.color(tree));
        let mut sum = R::Wide::zero();
        for stage in
            (0..self.method.stage_fields.len()).filter(|&s| self.method.stage_fields[s] == color)
        {
            let at = |tree: TreeId| tree as usize * self.width + stage * self.points;
            let rest = &done.fields[at(rest)..][..self.points];
            let last = &done.arguments[at(last)..][..self.points];
            let weights = &functional[stage * self.points..][..self.points];
            for ((a, b), w) in rest.iter().zip(last).zip(weights) {
                sum.add_product(w, &a.widen().mul(&b.widen())?)?;
            }
        }
        Some(sum)
    }

    /// The values of the arguments; after [`Sweep::weight`] of the same tree.
    fn arguments(
        &self,
        tree: TreeId,
        nodes: usize,
        scratch: &mut Scratch<R>,
        out: &mut [R],
    ) -> Option<()> {
        let block = &self.method.blocks[self.space(tree)];
        if block.group_inverse.is_some() {
            return scratch.manifold.arguments(self.method, block, nodes, out);
        }
        // Without memory the parameters are the running sum of what drives them.
        let fields = scratch.fields.chunks(self.points);
        let mut parameters = vec![R::zero(); self.points];
        for (c, field) in block.projected[0].iter().zip(fields.clone()).filter(|x| !x.0.is_zero()) {
            for (next, e) in parameters[1..].iter_mut().zip(field) {
                next.add_product(c, e)?;
            }
        }
        for nu in 1..self.points {
            let (done, next) = parameters.split_at_mut(nu);
            next[0].add_assign(&done[nu - 1])?;
        }
        for (out, (_, from_stages)) in out.chunks_mut(self.points).zip(&block.points) {
            // The constant part of every point is the parameter vector itself.
            out.clone_from_slice(&parameters);
            for (c, field) in from_stages.iter().zip(fields.clone()).filter(|x| !x.0.is_zero()) {
                for (value, e) in out.iter_mut().zip(field) {
                    value.add_product(c, e)?;
                }
            }
        }
        Some(())
    }
}

/// `Σ_i a_i b_i`.
pub(crate) fn dot<R: Ring>(a: &[R], b: &[R]) -> Option<R> {
    let pairs = a.iter().zip(b).filter(|(x, y)| !x.is_zero() && !y.is_zero());
    let mut sum = R::zero();
    for (x, y) in pairs {
        sum.add_product(x, y)?;
    }
    Some(sum)
}

/// `Σ_i a_i b_i` in the wide ring.
fn wide_dot<R: Ring>(a: &[R::Wide], b: &[R]) -> Option<R::Wide> {
    let pairs = a.iter().zip(b).filter(|(x, y)| !x.is_zero() && !y.is_zero());
    let mut sum = R::Wide::zero();
    for (x, y) in pairs {
        sum.add_product(x, &y.widen())?;
    }
    Some(sum)
}

/// `L (-1)^(k-1)/k` for `k = 0, …, points` (0 for `k = 0`).
fn linear_coefficient<R: Ring>(points: usize) -> Option<Vec<R>> {
    let lcm = lcm_up_to(points);
    (0..=points)
        .map(|k| match k {
            0 => Some(R::zero()),
            k if k % 2 == 1 => R::from_poly(&Poly::constant(&lcm / k)),
            k => R::from_poly(&Poly::constant(-(&lcm / k))),
        })
        .collect()
}

/// Without memory `s_k = P B e_{k-1}`, and the `k`-th difference of the values of `e` is
/// `Σ_ν (-1)^(k-ν) C(k, ν) e(ν)`.
fn functional<R: Ring>(
    block: &Block<R>,
    linear: &[R::Wide],
    points: usize,
) -> Option<Vec<R::Wide>> {
    let mut binomial = vec![BigInt::from(1)];
    let mut sums = vec![R::Wide::zero(); points];
    for k in 0..points {
        for (nu, sum) in sums.iter_mut().enumerate().take(k + 1) {
            let sign = if (k - nu) % 2 == 0 { 1 } else { -1 };
            let c = R::Wide::from_poly(&Poly::constant(&binomial[nu] * sign))?;
            *sum = sum.add(&c.mul(&linear[k + 1])?)?;
        }
        let next = (0..=k + 1).map(|i| {
            let get = |j: usize| binomial.get(j).cloned().unwrap_or_default();
            get(i) + if i > 0 { get(i - 1) } else { BigInt::default() }
        });
        binomial = next.collect();
    }
    let rows = block.projected[0].iter();
    rows.map(R::widen)
        .flat_map(|c| sums.iter().map(move |s| c.mul(s)).collect::<Vec<_>>())
        .collect()
}

/// The least common multiple of `1, …, n`.
pub(crate) fn lcm_up_to(n: usize) -> BigInt {
    (1..=n).fold(BigInt::from(1), |lcm, k| lcm.lcm(&BigInt::from(k)))
}
