//! Elementary weights of Runge-Kutta methods.

use super::BSeries;
use crate::exact::Scalar;
use crate::tree::{TreeId, TreeTable};
use std::sync::Arc;

/// A Butcher tableau: the stages `Y_i = y + h Σ_j a_ij f(Y_j)` and the step
/// `y' = y + h Σ_i b_i f(Y_i)`. Nothing is assumed of `a_ij`: the method may be implicit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tableau<S> {
    a: Vec<Vec<S>>,
    b: Vec<S>,
}

/// Why numbers are not a tableau.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TableauError {
    /// The matrix is not square, or not as large as the weights.
    #[error(
        "a tableau with {stages} weights b has {stages} rows of {stages} numbers a; {}",
        lengths(.rows)
    )]
    Shape {
        /// Number of weights.
        stages: usize,
        /// The lengths of the rows found.
        rows: Vec<usize>,
    },
    /// The tableaux of an additive method differ in their number of stages.
    #[error("the tableaux of an additive method share their stages, but have {} of them", list(.stages))]
    Stages {
        /// The numbers of stages found.
        stages: Vec<usize>,
    },
    /// A colour has no tableau, or a tableau no colour.
    #[error("trees of {colors} colours need one tableau a colour, not {tableaux}")]
    Colors {
        /// Number of colours.
        colors: usize,
        /// Number of tableaux.
        tableaux: usize,
    },
}

fn lengths(rows: &[usize]) -> String {
    if rows.is_empty() {
        return "there are no rows".into();
    }
    format!("the rows have the lengths {}", list(rows))
}

fn list(numbers: &[usize]) -> String {
    numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

impl<S: Scalar> Tableau<S> {
    /// The tableau with the matrix `a`, row by row, and the weights `b`.
    ///
    /// # Errors
    /// If `a` is not a square matrix of the size of `b`.
    pub fn new(a: Vec<Vec<S>>, b: Vec<S>) -> Result<Tableau<S>, TableauError> {
        let stages = b.len();
        if a.len() != stages || a.iter().any(|row| row.len() != stages) {
            let rows = a.iter().map(Vec::len).collect();
            return Err(TableauError::Shape { stages, rows });
        }
        Ok(Tableau { a, b })
    }

    /// The B-series of the method after one step, by its elementary weights: with the weight
    /// `k_i` of `f(Y_i)` and `g_i` of `Y_i`,
    ///
    /// ```text
    /// k_i([τ1, …, τm]) = g_i(τ1) ⋯ g_i(τm),   g_i(τ) = Σ_j a_ij k_j(τ),   a(τ) = Σ_i b_i k_i(τ).
    /// ```
    ///
    /// # Errors
    /// If the trees have more than one colour.
    ///
    /// Source: Hairer, Lubich, Wanner, *Geometric Numerical Integration*, section III.1.1.
    pub fn weights(&self, trees: Arc<TreeTable>) -> Result<BSeries<S>, TableauError> {
        elementary_weights(std::slice::from_ref(self), trees)
    }
}

/// The B-series of an additive Runge-Kutta method for `y' = f_0(y) + f_1(y) + …`, with the tableau
/// `c` for the field of colour `c`:
///
/// ```text
/// Y_i = y + h Σ_c Σ_j a^c_ij f_c(Y_j),   y' = y + h Σ_c Σ_i b^c_i f_c(Y_i).
/// ```
///
/// A node takes its coefficients from the tableau of its colour. Partitioned methods are the case
/// where each field moves a component of `y` of its own.
///
/// # Errors
/// If there is not one tableau a colour, or they differ in their number of stages.
///
/// Source: Araújo, Murua, Sanz-Serna, *Symplectic methods based on decompositions*, SIAM J. Numer.
/// Anal. 34 (1997); Hairer, Lubich, Wanner, *Geometric Numerical Integration*, section III.2.1.
pub fn elementary_weights<S: Scalar>(
    tableaux: &[Tableau<S>],
    trees: Arc<TreeTable>,
) -> Result<BSeries<S>, TableauError> {
    if tableaux.len() != trees.colors() {
        return Err(TableauError::Colors { colors: trees.colors(), tableaux: tableaux.len() });
    }
    let stages: Vec<usize> = tableaux.iter().map(|t| t.b.len()).collect();
    if stages.windows(2).any(|pair| pair[0] != pair[1]) {
        return Err(TableauError::Stages { stages });
    }
    let dot = |row: &[S], k: &[S]| {
        row.iter().zip(k).fold(S::zero(), |sum, (x, y)| {
            if x.is_zero() || y.is_zero() { sum } else { sum.plus(&x.times(y)) }
        })
    };
    // k_i and g_i of every tree.
    let mut values: Vec<Vec<S>> = Vec::with_capacity(trees.len());
    let mut points: Vec<Vec<S>> = Vec::with_capacity(trees.len());
    let mut weights: Vec<S> = Vec::with_capacity(trees.len());
    for tree in 0..trees.len() as TreeId {
        let tableau = &tableaux[usize::from(trees.color(tree))];
        let k: Vec<S> = match trees.parts(tree) {
            None => vec![S::one(); tableau.b.len()],
            Some((rest, last)) => (values[rest as usize].iter().zip(&points[last as usize]))
                .map(|(k, g)| k.times(g))
                .collect(),
        };
        points.push(tableau.a.iter().map(|row| dot(row, &k)).collect());
        weights.push(dot(&tableau.b, &k));
        values.push(k);
    }
    Ok(BSeries::with_weights(&trees, S::one(), weights))
}
