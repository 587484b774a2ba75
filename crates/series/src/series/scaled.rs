//! A method's matrices, scaled so that every weight is integral.

use super::recurrence::Recurrence;
use super::ring::Ring;
use super::{Combination, GeneralLinearMethod};
use crate::exact::{Poly, RationalFunction, lcm};

/// What makes every weight integral: `K^|τ|` times the coefficient of `C(ν, k)` in a state's weight,
/// for `K = q² β γ`.
///
/// `β` and `γ` are met once a node. As for `q`, let `e_k` have denominators of `q^(a-k)`. Because
/// `G P = 0`, the recurrence is solved by `s_k = P r_(k-1) + Σ_j (-1)^(j-1) G^j r_(k+j-1)`, and if
/// `G^j` has denominators of `q^(j+1)` and `P` of `q`, then `s_k` has those of `q^(a+2-k)`. A product
/// of children has no binomial above the sum of theirs, so with `n` nodes `a = 2n - 2` by induction.
pub(crate) struct WeightScale {
    /// `g`: common denominator of `G`, `P` and `c`.
    pub(crate) recurrence: Poly,
    /// `γ`: common denominator of `C`.
    pub(crate) point: Poly,
    /// `K = q² β γ` with `β` the common denominator of `B` and `D`.
    pub(crate) per_node: Poly,
}

impl WeightScale {
    pub(crate) fn new(method: &GeneralLinearMethod, recurrences: &[Recurrence]) -> WeightScale {
        let arguments = || method.stages.iter().flat_map(|s| &s.arguments);
        // A multiple of a denominator is a denominator too.
        let over_spaces = |denominator: fn(&Recurrence) -> Poly| {
            recurrences.iter().fold(Poly::one(), |common, r| lcm(&common, &denominator(r)))
        };
        let recurrence = over_spaces(Recurrence::common_denominator);
        let point = RationalFunction::common_denominator(arguments().flat_map(|c| &c.states));
        let stage = RationalFunction::common_denominator(
            arguments().chain(&method.update).flat_map(|c| &c.stages),
        );
        let memory = over_spaces(Recurrence::denominator);
        let per_node = memory.pow(2).mul(&stage).mul(&point);
        WeightScale { recurrence, point, per_node }
    }
}

/// The matrices of a method in a ring, one block a space.
pub(crate) struct Scaled<R> {
    pub(crate) blocks: Vec<Block<R>>,
    /// Colour of each stage.
    pub(crate) stage_fields: Vec<usize>,
    /// Space of each colour.
    pub(crate) field_spaces: Vec<usize>,
    /// `g` and `γ`, where they are not 1.
    pub(crate) recurrence: Option<R>,
    pub(crate) point: Option<R>,
}

/// What the trees of one space need.
pub(crate) struct Block<R> {
    /// `K B`, one row a state.
    pub(crate) drive: Vec<Vec<R>>,
    /// `K P B`.
    pub(crate) projected: Vec<Vec<R>>,
    /// `g G`; `None` for methods without memory, whose parameters just move by `B e`.
    pub(crate) group_inverse: Option<Vec<Vec<R>>>,
    /// `g c`.
    pub(crate) constant: Vec<R>,
    /// `γ C` and `K D`, one row a stage.
    pub(crate) points: Vec<(Vec<R>, Vec<R>)>,
}

impl<R: Ring> Scaled<R> {
    pub(crate) fn new(
        method: &GeneralLinearMethod,
        recurrences: &[Recurrence],
        scale: &WeightScale,
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
                group_inverse: if memoryless {
                    None
                } else {
                    Some(matrix(&r.group_inverse, &scale.recurrence)?)
                },
                constant: row(&r.constant, &scale.recurrence)?,
                points: method
                    .stages
                    .iter()
                    .map(|s| point(&s.arguments[space]))
                    .collect::<Option<_>>()?,
            })
        };
        let unless_one = |p: &Poly| if p.is_one() { Some(None) } else { R::from_poly(p).map(Some) };
        Some(Scaled {
            blocks: recurrences.iter().enumerate().map(block).collect::<Option<_>>()?,
            stage_fields: method.stages.iter().map(|s| s.field).collect(),
            field_spaces: method.fields.iter().map(|f| f.space).collect(),
            recurrence: unless_one(&scale.recurrence)?,
            point: unless_one(&scale.point)?,
        })
    }
}
