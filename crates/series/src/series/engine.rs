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
use super::scaled::{Scaled, WeightScale};
use super::sweep::run;
use super::univariate::Univariate;
use super::weights::{Denominator, Weights};
use super::{BSeries, GeneralLinearMethod, MethodError};
use crate::exact::{Poly, RationalFunction};
use crate::tree::{TreeId, TreeTable};
use rayon::prelude::*;
use std::sync::Arc;

/// The modified field `f̃ = Σ_τ h^(|τ|-1) b(τ)/σ(τ) F(τ)` of a method on a set of trees.
pub struct ModifiedField {
    trees: Arc<TreeTable>,
    weights: Weights,
    denominator: Denominator,
}

/// Any field `h f̃ = Σ_τ b(τ)/σ(τ) F(τ)`, given by its weights.
impl From<&BSeries<RationalFunction>> for ModifiedField {
    fn from(series: &BSeries<RationalFunction>) -> Self {
        let trees = Arc::clone(series.trees());
        let denominator = Denominator::new(trees.max_nodes(), &Poly::one());
        ModifiedField { weights: Weights::Exact(series.weights().to_vec()), trees, denominator }
    }
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
/// use bea_series::exact::RationalFunction as Q;
/// use bea_series::series::{derive, GeneralLinearMethod};
/// use bea_series::tree::TreeTable;
/// let field = derive(&GeneralLinearMethod::euler(), TreeTable::all(1, 4).into())?;
/// let b = |tree: &str| field.b(field.trees().find(&tree.parse().unwrap()).unwrap());
/// assert_eq!(b("[[]]").display(&[]), "-1/2");
/// assert_eq!(b("[[[]]]").display(&[]), "1/3");
/// assert_eq!(b("[[],[],[]]"), Q::zero());
/// # Ok::<(), bea_series::series::MethodError>(())
/// ```
pub fn derive(
    method: &GeneralLinearMethod,
    trees: Arc<TreeTable>,
) -> Result<ModifiedField, MethodError> {
    let recurrences = recurrences(method)?;
    let scale = WeightScale::new(method, &recurrences);
    let method = Prepared { method, recurrences: &recurrences, scale: &scale, trees: &trees };
    let weights = match method.method.parameters.len() {
        0 => match method.machine::<i64>() {
            Some(weights) => Weights::Machine(weights),
            None => Weights::Big(method.unbounded()),
        },
        1 => Weights::Symbolic(method.symbolic::<Univariate<0, i64>>()),
        2 => Weights::Symbolic(method.symbolic::<Univariate<0, Univariate<1, i64>>>()),
        _ => Weights::Symbolic(method.unbounded()),
    };
    let denominator = Denominator::new(trees.max_nodes(), &scale.per_node);
    Ok(ModifiedField { trees, weights, denominator })
}

/// The recurrence of each space of a method that has a modified field.
pub(super) fn recurrences(method: &GeneralLinearMethod) -> Result<Vec<Recurrence>, MethodError> {
    let spaces = 0..method.spaces.len();
    let all = spaces.map(|space| Recurrence::new(method, space)).collect::<Result<Vec<_>, _>>()?;
    check_points(method, &all)?;
    Ok(all)
}

/// A method, and what its weights are computed on.
struct Prepared<'a> {
    method: &'a GeneralLinearMethod,
    recurrences: &'a [Recurrence],
    scale: &'a WeightScale,
    trees: &'a TreeTable,
}

impl Prepared<'_> {
    /// The weights with every intermediate result in the ring `R`; `None` if one does not fit.
    fn run<R: Ring>(&self) -> Option<Vec<R::Wide>> {
        run(&Scaled::<R>::new(self.method, self.recurrences, self.scale)?, self.trees)
    }

    /// The weights in machine integers, narrow ones first.
    fn machine<N: Ring>(&self) -> Option<Vec<N::Wide>> {
        self.run::<N>().or_else(|| self.run::<N::Wide>())
    }

    /// The weights in a ring that holds everything.
    fn unbounded<R: Ring<Wide = R>>(&self) -> Vec<R> {
        self.run::<R>().expect("nothing is too large for this ring")
    }

    /// The weights as polynomials, with coefficients in machine integers while they are computed
    /// where those suffice.
    fn symbolic<N: Ring>(&self) -> Vec<Poly> {
        match self.machine::<N>() {
            Some(weights) => weights.par_iter().map(N::Wide::to_poly).collect(),
            None => self.unbounded(),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::{Combination, State};
    use num_rational::BigRational;

    /// `v' = m v + h f(θ)`, `θ' = θ + v'`.
    fn heavy_ball(m: RationalFunction, parameters: &[&str]) -> GeneralLinearMethod {
        let (zero, one) = (RationalFunction::zero(), RationalFunction::one());
        let row = |theta: &RationalFunction| Combination {
            states: vec![theta.clone(), m.clone()],
            stages: vec![one.clone()],
        };
        let mut method = GeneralLinearMethod::euler();
        method.parameters = parameters.iter().map(|p| p.to_string()).collect();
        method.states.push(State { name: "v".into(), space: 0 });
        method.stages[0].arguments[0].states.push(zero.clone());
        method.update = vec![row(&one), row(&zero)];
        method
    }

    #[test]
    fn each_ring_takes_over_where_the_last_one_ends() {
        let trees = Arc::new(TreeTable::all(1, 5));
        let symbolic = derive(&heavy_ball(RationalFunction::variable(0), &["m"]), trees.clone());
        let symbolic = symbolic.unwrap();
        for (top, bottom, widths) in [
            (1, 2, [true, true]),
            (1, 1009, [false, true]),
            (123_456_789, 1_000_000_007, [false; 2]),
        ] {
            let m: RationalFunction = BigRational::new(top.into(), i64::from(bottom).into()).into();
            let method = heavy_ball(m.clone(), &[]);
            let recurrences = [Recurrence::new(&method, 0).unwrap()];
            let scale = WeightScale::new(&method, &recurrences);
            let narrow = Scaled::<i64>::new(&method, &recurrences, &scale);
            let wide = Scaled::<i128>::new(&method, &recurrences, &scale);
            let narrow = narrow.and_then(|scaled| run(&scaled, &trees));
            let wide = wide.and_then(|scaled| run(&scaled, &trees));
            assert_eq!([narrow.is_some(), wide.is_some()], widths, "{top}/{bottom}");
            if let (Some(narrow), Some(wide)) = (&narrow, &wide) {
                assert_eq!(narrow, wide);
            }
            let field = derive(&method, trees.clone()).unwrap();
            for tree in 0..trees.len() as TreeId {
                let expected = symbolic.b(tree).substitute(&[Some(m.clone())]);
                assert_eq!(Some(field.b(tree)), expected);
            }
        }
    }

    #[test]
    fn polynomials_take_over_where_machine_coefficients_end() {
        let trees = Arc::new(TreeTable::all(1, 5));
        let with = |m: &RationalFunction| {
            let method = heavy_ball(m.clone(), &["m", "n"]);
            let recurrences = [Recurrence::new(&method, 0).unwrap()];
            let scale = WeightScale::new(&method, &recurrences);
            let on = Prepared {
                method: &method,
                recurrences: &recurrences,
                scale: &scale,
                trees: &trees,
            };
            let fits = [
                on.run::<Univariate<0, Univariate<1, i64>>>().is_some(),
                on.run::<Univariate<0, Univariate<1, i128>>>().is_some(),
            ];
            let weights: Vec<Poly> = on.unbounded();
            assert_eq!(on.symbolic::<Univariate<0, Univariate<1, i64>>>(), weights);
            fits
        };
        let [m, n] = [0, 1].map(RationalFunction::variable);
        assert_eq!(with(&(&m + &n)), [true, true]);
        assert_eq!(with(&(&m + &(&n * &RationalFunction::integer(1009)))), [false, true]);
        assert_eq!(with(&(&m + &(&n * &RationalFunction::integer(1_000_000_007_i64)))), [false; 2]);
    }

    #[test]
    fn the_denominator_a_node_is_the_square_of_the_smaller_one() {
        // b of heavy ball has (1-m)^(2n-1), so nothing below (1-m)^2 a node would do.
        let method = heavy_ball(RationalFunction::variable(0), &["m"]);
        let scale = WeightScale::new(&method, &[Recurrence::new(&method, 0).unwrap()]);
        assert_eq!(scale.per_node.display(&["m".into()]), "1-2*m+m^2");
    }
}
