//! The modified field of an optimizer on concrete vector fields.

use super::differential::{ElementaryDifferentials, VectorFields};
use super::graph::{Expr, Graph};
use bea_series::exact::Rational;
use bea_series::field::Field;
use bea_series::tree::TreeId;
use std::collections::BTreeMap;

/// The modified field as expressions,
///
/// ```text
/// f̃ = Σ_τ h^(|τ|-1) b(τ)/σ(τ) F(τ),
/// ```
///
/// one component a variable, in ascending order of the variables. `parameters[i]` stands for
/// `field.parameters[i]`; the weights of a tree come from `field`, its colours mean `fields`.
///
/// An elementary differential is linear in what its root carries. Trees that differ in one child of
/// the root only therefore become one derivative along the sum of those children, at every level:
/// `Σ_v c_v F(u ∘ v) = f^(m)(…, Σ_v c_v F(v))`.
///
/// # Panics
/// If `fields` has fewer fields than `field`, or too few parameters are given.
pub fn modified_field(
    graph: &mut Graph,
    fields: &VectorFields,
    field: &Field,
    h: Expr,
    parameters: &[Expr],
) -> Vec<Expr> {
    modified_field_of(graph, fields, field, h, parameters, |_| true)
}

/// The terms of [`modified_field`] whose trees branch: all but the principal ones, `(f')^n f`.
///
/// # Panics
/// As [`modified_field`].
pub fn non_principal_field(
    graph: &mut Graph,
    fields: &VectorFields,
    field: &Field,
    h: Expr,
    parameters: &[Expr],
) -> Vec<Expr> {
    modified_field_of(graph, fields, field, h, parameters, |tree| !field.is_principal(tree))
}

/// The terms of some trees alone: see [`modified_field`].
///
/// # Panics
/// As [`modified_field`].
pub fn modified_field_of(
    graph: &mut Graph,
    fields: &VectorFields,
    field: &Field,
    h: Expr,
    parameters: &[Expr],
    wanted: impl Fn(TreeId) -> bool,
) -> Vec<Expr> {
    let mut names = parameters.to_vec();
    if let Some(step) = field.step_parameter() {
        names.insert(step, h);
    }
    let trees = field.trees().clone();
    let mut weights = BTreeMap::new();
    for tree in (0..trees.len() as TreeId).filter(|&tree| wanted(tree)) {
        let mut parts = Vec::new();
        for term in field.terms_of(tree) {
            let coefficient = graph.rational_function(&term.coefficient, &names);
            // In a homogeneous method the power of h follows from the size.
            let power = field.step_parameter().map_or(0, |_| i64::from(term.h));
            let power = graph.powi(h, power);
            parts.push(graph.mul(coefficient, power));
        }
        let weight = graph.sum(&parts);
        if weight != Expr::ZERO {
            weights.insert(tree, weight);
        }
    }
    let mut sums = Sums {
        h: if field.step_parameter().is_some() { Expr::ONE } else { h },
        differentials: ElementaryDifferentials::new(fields, &trees),
    };
    let velocity: BTreeMap<u32, Expr> = sums.sum(graph, &weights).into_iter().collect();
    let variables = fields.variables().into_iter();
    variables.map(|v| velocity.get(&v).copied().unwrap_or(Expr::ZERO)).collect()
}

struct Sums<'a> {
    /// The step size, or 1 where the weights contain it.
    h: Expr,
    differentials: ElementaryDifferentials<'a>,
}

/// `c(τ)` by tree, none of them 0.
type Weights = BTreeMap<TreeId, Expr>;

/// Parts of each component of a vector.
type Parts = BTreeMap<u32, Vec<(Rational, Expr)>>;

impl Sums<'_> {
    /// `Σ h^(|τ|-1) c(τ) F(τ)`, by variable.
    fn sum(&mut self, graph: &mut Graph, weights: &Weights) -> Vec<(u32, Expr)> {
        let trees = self.differentials.trees;
        // The trees `rest ∘ last` by `rest`, with the weights of `last`.
        let mut groups: BTreeMap<TreeId, Weights> = BTreeMap::new();
        let mut by_power: BTreeMap<usize, Parts> = BTreeMap::new();
        for (&tree, &weight) in weights {
            match trees.parts(tree) {
                Some((rest, last)) => {
                    groups.entry(rest).or_default().insert(last, weight);
                }
                None => {
                    let value = self.differentials.components(graph, tree);
                    add(graph, by_power.entry(0).or_default(), weight, &value);
                }
            }
        }
        for (rest, mut lasts) in groups {
            let scale = common_scale(graph, &mut lasts);
            let mut along: Vec<_> = trees.children(rest);
            let mut along: Vec<_> =
                along.drain(..).map(|c| self.differentials.along(graph, c)).collect();
            let (power, along_last) = match lasts.iter().next() {
                // One differential: it may be wanted elsewhere too.
                Some((&last, &Expr::ONE)) if lasts.len() == 1 => {
                    let power = trees.size(rest) + trees.size(last) - 1;
                    (power, self.differentials.along(graph, last))
                }
                _ => {
                    let vector = self.sum(graph, &lasts);
                    (trees.size(rest), self.differentials.jets.direction(vector))
                }
            };
            along.push(along_last);
            let value = self.differentials.derivative(graph, trees.color(rest), &along);
            add(graph, by_power.entry(power).or_default(), scale, &value);
        }
        let mut total = Parts::new();
        for (power, parts) in by_power {
            let power = graph.powi(self.h, power as i64);
            for (variable, parts) in parts {
                let sum = graph.combination(parts);
                let term = graph.mul(power, sum);
                total.entry(variable).or_default().push((1.into(), term));
            }
        }
        total.into_iter().map(|(v, parts)| (v, graph.combination(parts))).collect()
    }
}

/// Adds `weight · vector`.
fn add(graph: &mut Graph, parts: &mut Parts, weight: Expr, vector: &[(u32, Expr)]) {
    let (c, weight) = graph.split(weight);
    for &(variable, component) in vector {
        let value = graph.mul(weight, component);
        parts.entry(variable).or_default().push((c.clone(), value));
    }
}

/// Divides the weights by the rational factor of the first one, or by all of it if it stands alone;
/// so sums that are multiples of one another are one.
fn common_scale(graph: &mut Graph, weights: &mut Weights) -> Expr {
    let first = *weights.values().next().expect("a group has a member");
    if weights.len() == 1 {
        weights.values_mut().for_each(|w| *w = Expr::ONE);
        return first;
    }
    let (c, _) = graph.split(first);
    let inverse = c.inverse().expect("weights are not 0");
    for weight in weights.values_mut() {
        *weight = graph.scale(&inverse, *weight);
    }
    graph.constant(c)
}
