//! The modified field of a general linear method, tree by tree.
//!
//! Let the method be iterated. Around `θ_0` every variable of step `ν` is a B-series whose weight
//! on a tree `τ` is a polynomial in `ν` of degree at most `|τ|`:
//!
//! ```text
//! e_l([τ1, …, τm]) = Π_j Z_l(τj)                     pointwise in ν
//! s(τ)             = the polynomial solution of s_{ν+1} = A s_ν + B e(τ)
//! Z_l(τ)           = C s(τ) + D e(τ)
//! ```
//!
//! and the flow of the modified field passes through `θ_ν` at time `ν h`, so `b(τ)` is the
//! coefficient of `ν¹` in the weight of the parameters. The cost is a few dozen ring operations a
//! tree, whatever its shape.

use super::recurrence::Recurrence;
use super::ring::Ring;
use super::weights::{Denominator, Weights};
use super::{Combination, GeneralLinearMethod, MethodError};
use crate::exact::{Poly, RationalFunction};
use crate::tree::{TreeId, TreeTable};
use num_bigint::BigInt;
use num_integer::Integer;
use rayon::prelude::*;
use std::sync::Arc;

/// The modified field `f̃ = Σ_τ h^(|τ|-1) b(τ)/σ(τ) F(τ)` of a method on a set of trees.
pub struct ModifiedField {
    trees: Arc<TreeTable>,
    weights: Weights,
    denominator: Denominator,
}

impl ModifiedField {
    /// The trees.
    pub fn trees(&self) -> &Arc<TreeTable> {
        &self.trees
    }

    /// The weight `b(τ)` in lowest terms. If the method keeps `h` as a parameter, `b` contains it
    /// and the coefficient of `F(τ)/σ(τ)` in the field is `b(τ)/h`; otherwise it is
    /// `h^(|τ|-1) b(τ)`.
    pub fn b(&self, tree: TreeId) -> RationalFunction {
        self.weights.value(tree, &self.denominator, self.trees.size(tree))
    }

    /// `b(τ)` as a reduced fraction of machine integers with positive denominator, where no
    /// parameter occurs and both fit: for listings of millions of trees.
    pub fn b_machine(&self, tree: TreeId, nodes: usize) -> Option<(i128, i128)> {
        self.weights.machine_value(tree, &self.denominator, nodes)
    }
}

/// Derives the modified field of `method` on `trees`. Runs on the current `rayon` pool.
///
/// # Errors
/// If the method has no modified field, see [`MethodError`].
///
/// ```
/// use bea::exact::RationalFunction as Q;
/// use bea::series::{derive, GeneralLinearMethod};
/// use bea::tree::TreeTable;
/// let field = derive(&GeneralLinearMethod::euler(), TreeTable::all(1, 4).into())?;
/// let b = |tree: &str| field.b(field.trees().find(&tree.parse().unwrap()).unwrap());
/// assert_eq!(b("[[]]").display(&[]), "-1/2");
/// assert_eq!(b("[[[]]]").display(&[]), "1/3");
/// assert_eq!(b("[[],[],[]]"), Q::zero());
/// # Ok::<(), bea::series::MethodError>(())
/// ```
pub fn derive(
    method: &GeneralLinearMethod,
    trees: Arc<TreeTable>,
) -> Result<ModifiedField, MethodError> {
    let recurrences = (0..method.spaces.len())
        .map(|space| Recurrence::new(method, space))
        .collect::<Result<Vec<_>, _>>()?;
    check_points(method, &recurrences)?;
    let scale = Scale::new(method, &recurrences);
    let symbolic = !method.parameters.is_empty();
    let weights = if symbolic {
        let scaled = Scaled::<Poly>::new(method, &recurrences, &scale).expect("a polynomial");
        Weights::Symbolic(run(&scaled, &trees).expect("polynomials do not overflow"))
    } else if let Some(machine) =
        Scaled::<i128>::new(method, &recurrences, &scale).and_then(|s| run(&s, &trees))
    {
        Weights::Machine(machine)
    } else {
        let scaled = Scaled::<BigInt>::new(method, &recurrences, &scale).expect("an integer");
        Weights::Big(run(&scaled, &trees).expect("big integers do not overflow"))
    };
    let denominator = Denominator::new(trees.max_nodes(), &scale.per_node);
    Ok(ModifiedField { trees, weights, denominator })
}

/// Every vector field must be evaluated at a point whose constant part is the parameter vector.
fn check_points(method: &GeneralLinearMethod, all: &[Recurrence]) -> Result<(), MethodError> {
    for stage in &method.stages {
        for (argument, recurrence) in stage.arguments.iter().zip(all) {
            let constant = recurrence
                .states
                .iter()
                .zip(&recurrence.constant)
                .fold(RationalFunction::zero(), |sum, (&i, c)| &sum + &(&argument.states[i] * c));
            if !constant.is_one() {
                let parameters = &method.states[recurrence.states[0]].name;
                return Err(MethodError::Misplaced {
                    field: method.fields[stage.field].name.clone(),
                    found: format!("{}*{parameters}", constant.display(&method.parameters)),
                    expected: parameters.clone(),
                });
            }
        }
    }
    Ok(())
}

/// What makes every weight integral. By induction on the trees, `K^|τ|` times the coefficient of
/// `C(ν, k)` in a state's weight is integral for `K = g² β γ`: each application of `G` brings one
/// `g` and lowers `k` by one, and products of children never raise `k` above the sum of theirs.
struct Scale {
    /// `g`: common denominator of `G`, `P` and `c`.
    recurrence: Poly,
    /// `γ`: common denominator of `C`.
    point: Poly,
    /// `K = g² β γ` with `β` the common denominator of `B` and `D`.
    per_node: Poly,
}

impl Scale {
    fn new(method: &GeneralLinearMethod, recurrences: &[Recurrence]) -> Scale {
        let arguments = || method.stages.iter().flat_map(|s| &s.arguments);
        let recurrence =
            RationalFunction::common_denominator(recurrences.iter().flat_map(|r| {
                r.group_inverse.iter().chain(&r.projector).flatten().chain(&r.constant)
            }));
        let point = RationalFunction::common_denominator(arguments().flat_map(|c| &c.states));
        let stage = RationalFunction::common_denominator(
            arguments().chain(&method.update).flat_map(|c| &c.stages),
        );
        let per_node = recurrence.pow(2).mul(&stage).mul(&point);
        Scale { recurrence, point, per_node }
    }
}

/// The matrices of a method in a ring, one block a space.
struct Scaled<R> {
    blocks: Vec<Block<R>>,
    /// Colour of each stage.
    stage_fields: Vec<usize>,
    /// Space of each colour.
    field_spaces: Vec<usize>,
    /// `g` and `γ`, where they are not 1.
    recurrence: Option<R>,
    point: Option<R>,
}

/// What the trees of one space need.
struct Block<R> {
    /// `K B`, one row a state.
    drive: Vec<Vec<R>>,
    /// `K P B`.
    projected: Vec<Vec<R>>,
    /// `g G`, unless it is zero.
    group_inverse: Option<Vec<Vec<R>>>,
    /// `g c`.
    constant: Vec<R>,
    /// `γ C` and `K D`, one row a stage.
    points: Vec<(Vec<R>, Vec<R>)>,
}

impl<R: Ring> Scaled<R> {
    fn new(
        method: &GeneralLinearMethod,
        recurrences: &[Recurrence],
        scale: &Scale,
    ) -> Option<Self> {
        let integral = |value: &RationalFunction, factor: &Poly| {
            let scaled = value * &factor.clone().into();
            assert!(scaled.denominator().is_one(), "not a common denominator");
            R::from_poly(scaled.numerator())
        };
        let row = |values: &[RationalFunction], factor: &Poly| {
            values.iter().map(|v| integral(v, factor)).collect::<Option<Vec<R>>>()
        };
        let matrix = |rows: &[Vec<RationalFunction>], factor: &Poly| {
            rows.iter().map(|r| row(r, factor)).collect::<Option<Vec<_>>>()
        };
        let block = |(space, r): (usize, &Recurrence)| {
            let drive: Vec<_> = r.states.iter().map(|&i| method.update[i].stages.clone()).collect();
            let projected = super::matrix::product(&r.projector, &drive);
            let memoryless = r.group_inverse.iter().flatten().all(RationalFunction::is_zero);
            let point = |c: &Combination| {
                let states: Vec<_> = r.states.iter().map(|&i| c.states[i].clone()).collect();
                Some((row(&states, &scale.point)?, row(&c.stages, &scale.per_node)?))
            };
            Some(Block {
                drive: matrix(&drive, &scale.per_node)?,
                projected: matrix(&projected, &scale.per_node)?,
                group_inverse: match memoryless {
                    true => None,
                    false => Some(matrix(&r.group_inverse, &scale.recurrence)?),
                },
                constant: row(&r.constant, &scale.recurrence)?,
                points: method
                    .stages
                    .iter()
                    .map(|s| point(&s.arguments[space]))
                    .collect::<Option<_>>()?,
            })
        };
        let unless_one = |p: &Poly| match p.is_one() {
            true => Some(None),
            false => R::from_poly(p).map(Some),
        };
        Some(Scaled {
            blocks: recurrences.iter().enumerate().map(block).collect::<Option<_>>()?,
            stage_fields: method.stages.iter().map(|s| s.field).collect(),
            field_spaces: method.fields.iter().map(|f| f.space).collect(),
            recurrence: unless_one(&scale.recurrence)?,
            point: unless_one(&scale.point)?,
        })
    }
}

/// `L K^|τ| b(τ)` of every tree, `L` the least common multiple of `1, …, max_nodes`; `None` if the
/// ring overflows.
fn run<R: Ring>(method: &Scaled<R>, trees: &TreeTable) -> Option<Vec<R>> {
    let (stages, points) = (method.stage_fields.len(), trees.max_nodes());
    let width = stages * points;
    let one = R::from_poly(&Poly::one())?;
    let extract = linear_coefficient::<R>(points)?;
    // Values at ν = 0, 1, …, of every stage, for all trees that can be part of a larger one.
    let stored = trees.of_size(points).start as usize;
    let mut fields = vec![R::zero(); stored * width];
    let mut arguments = vec![R::zero(); stored * width];
    let mut weights = vec![R::zero(); trees.len()];
    for nodes in 1..=points {
        let level = trees.of_size(nodes);
        let keep = nodes < points;
        let start = level.start as usize * width;
        let (done_fields, new_fields) = fields.split_at_mut(start.min(stored * width));
        let (done_arguments, new_arguments) = arguments.split_at_mut(start.min(stored * width));
        let at = |values: &[R], tree: TreeId, stage: usize, nu: usize| -> R {
            values[tree as usize * width + stage * points + nu].clone()
        };
        let value_of = |tree: TreeId, scratch: &mut Scratch<R>| -> Option<R> {
            let color = usize::from(trees.color(tree));
            for (stage, &field) in method.stage_fields.iter().enumerate() {
                for nu in 0..points {
                    scratch.fields[stage * points + nu] = if field != color {
                        R::zero()
                    } else if let Some((rest, last)) = trees.parts(tree) {
                        at(done_fields, rest, stage, nu).mul(&at(
                            done_arguments,
                            last,
                            stage,
                            nu,
                        ))?
                    } else {
                        one.clone()
                    };
                }
            }
            let block = &method.blocks[method.field_spaces[color]];
            scratch.solve(method, block, nodes, points, keep)?;
            let parameters = &scratch.states[0];
            (1..=nodes).try_fold(R::zero(), |sum, k| sum.add(&extract[k].mul(&parameters[k])?))
        };
        let output = &mut weights[level.start as usize..level.end as usize];
        let scratch = || Scratch::new(stages, points);
        if keep {
            let chunk = level.len() * width;
            output
                .par_iter_mut()
                .zip(new_fields[..chunk].par_chunks_mut(width.max(1)))
                .zip(new_arguments[..chunk].par_chunks_mut(width.max(1)))
                .zip(level.into_par_iter())
                .with_min_len(64)
                .try_for_each_init(scratch, |scratch, (((out, e), z), tree)| {
                    *out = value_of(tree, scratch)?;
                    e.clone_from_slice(&scratch.fields);
                    z.clone_from_slice(&scratch.arguments);
                    Some(())
                })?;
        } else {
            output.par_iter_mut().zip(level.into_par_iter()).with_min_len(64).try_for_each_init(
                scratch,
                |scratch, (out, tree)| {
                    *out = value_of(tree, scratch)?;
                    Some(())
                },
            )?;
        }
    }
    Some(weights)
}

/// `L (-1)^(k-1)/k` for `k = 0, …, points` (0 for `k = 0`): `ν¹` in `Σ_k s_k C(ν, k)`.
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

/// The least common multiple of `1, …, n`.
pub(crate) fn lcm_up_to(n: usize) -> BigInt {
    (1..=n).fold(BigInt::from(1), |lcm, k| lcm.lcm(&BigInt::from(k)))
}

/// Work space for one tree.
struct Scratch<R> {
    /// Values of each stage's field at ν = 0, 1, …
    fields: Vec<R>,
    /// Values of each stage's argument there.
    arguments: Vec<R>,
    /// Binomial coefficients of the fields, `[stage][k]`.
    differences: Vec<Vec<R>>,
    /// Binomial coefficients of the states, `[state][k]`.
    states: Vec<Vec<R>>,
}

impl<R: Ring> Scratch<R> {
    fn new(stages: usize, points: usize) -> Self {
        Scratch {
            fields: vec![R::zero(); stages * points],
            arguments: vec![R::zero(); stages * points],
            differences: vec![vec![R::zero(); points]; stages],
            states: Vec::new(),
        }
    }

    /// From the values of the fields to the weights of the states and, if `keep`, of the arguments.
    fn solve(
        &mut self,
        method: &Scaled<R>,
        block: &Block<R>,
        nodes: usize,
        points: usize,
        keep: bool,
    ) -> Option<()> {
        // A field's weight has degree at most |τ| - 1.
        for (values, differences) in self.fields.chunks(points.max(1)).zip(&mut self.differences) {
            differences[..nodes].clone_from_slice(&values[..nodes]);
            for order in 1..nodes {
                for k in (order..nodes).rev() {
                    differences[k] = differences[k].sub(&differences[k - 1])?;
                }
            }
        }
        let fields = &self.differences;
        let drive = |row: &[R], k: usize| -> Option<R> {
            row.iter().zip(fields).filter(|(c, _)| !c.is_zero()).try_fold(
                R::zero(),
                |sum, (c, e)| {
                    if e[k].is_zero() { Some(sum) } else { sum.add(&c.mul(&e[k])?) }
                },
            )
        };
        let count = block.constant.len();
        self.states.resize(count, Vec::new());
        for state in &mut self.states {
            state.clear();
            state.resize(points + 2, R::zero());
        }
        match &block.group_inverse {
            // Without memory the parameters move by B e, and there are no buffers.
            None => {
                for (state, row) in self.states.iter_mut().zip(&block.projected) {
                    for k in 1..=nodes {
                        state[k] = drive(row, k - 1)?;
                    }
                }
            }
            Some(group_inverse) => {
                for k in (0..=nodes).rev() {
                    let residual = (0..count)
                        .map(|i| {
                            let r = if k < nodes { drive(&block.drive[i], k)? } else { R::zero() };
                            r.sub(&self.states[i][k + 1])
                        })
                        .collect::<Option<Vec<R>>>()?;
                    for i in 0..count {
                        let mut value = R::zero();
                        for (g, r) in group_inverse[i].iter().zip(&residual) {
                            if !g.is_zero() && !r.is_zero() {
                                value = value.add(&g.mul(r)?)?;
                            }
                        }
                        if let Some(g) = &method.recurrence {
                            value = value.div_exact(g);
                        }
                        if k > 0 {
                            value = value.add(&drive(&block.projected[i], k - 1)?)?;
                        }
                        self.states[i][k] = value;
                    }
                }
                let shift = self.states[0][0].clone();
                for (state, c) in self.states.iter_mut().zip(&block.constant) {
                    let mut part = c.mul(&shift)?;
                    if let Some(g) = &method.recurrence {
                        part = part.div_exact(g);
                    }
                    state[0] = state[0].sub(&part)?;
                }
            }
        }
        if !keep {
            return Some(());
        }
        for (stage, (from_states, from_stages)) in block.points.iter().enumerate() {
            let out = &mut self.arguments[stage * points..(stage + 1) * points];
            for (k, out) in out.iter_mut().enumerate() {
                let mut value = R::zero();
                if k <= nodes {
                    for (c, state) in from_states.iter().zip(&self.states) {
                        if !c.is_zero() && !state[k].is_zero() {
                            value = value.add(&c.mul(&state[k])?)?;
                        }
                    }
                    if let Some(p) = &method.point {
                        value = value.div_exact(p);
                    }
                }
                if k < nodes {
                    value = value.add(&drive(from_stages, k)?)?;
                }
                *out = value;
            }
            // From binomial coefficients to values: the inverse of taking differences. The first
            // pass spreads the constant highest difference.
            let highest = (nodes + 1).min(points - 1);
            for order in (1..=highest).rev() {
                for k in order..points {
                    out[k] = out[k].add(&out[k - 1])?;
                }
            }
        }
        Some(())
    }
}
