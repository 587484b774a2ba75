//! Losses as the vector fields of an optimizer.

use super::LossFormulas;
use crate::loss::{Expr, Graph, VectorFields};

impl LossFormulas {
    /// What an optimizer minimises whose vector fields descend losses: `fields` are pairs of a space
    /// and its loss, in the optimizer's order, and `spaces` partition the coordinates `0, …, d-1` of
    /// `θ`, which `variables` names. `losses` are written as functions of their own: each loss of
    /// `fields`, or the first alone (of a zero-sum game, the second is its negative).
    pub fn of_losses(
        mut graph: Graph,
        variables: Vec<String>,
        spaces: &[Vec<usize>],
        losses: Vec<Expr>,
        fields: &[(usize, Expr)],
    ) -> LossFormulas {
        let spaces = spaces.iter().map(|s| s.iter().map(|&i| i as u32).collect()).collect();
        let fields = VectorFields::of_losses(&mut graph, spaces, fields);
        LossFormulas {
            name: String::new(),
            formula: String::new(),
            graph,
            variables,
            parameters: Vec::new(),
            losses,
            fields,
        }
    }
}
