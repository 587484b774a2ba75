//! Where a loss has no value.

use super::graph::{Expr, Graph, Node};
use super::{Loss, Printer, Program, Style, Wide};

impl Loss {
    /// The smallest part of the formula without a finite real value at a point, in words; `None` if
    /// the loss is finite there.
    pub fn undefined_at(&self, point: &[f64]) -> Option<String> {
        undefined_part(self.graph(), &[self.expression()], &self.variables, point)
    }

    /// The smallest part of the gradient without a finite real value at a point, in words; `None` if
    /// the gradient is finite there.
    pub fn gradient_undefined_at(&self, point: &[f64]) -> Option<String> {
        let mut graph = self.graph().clone();
        let variables: Vec<u32> = (0..self.variables.len() as u32).collect();
        let gradient = graph.gradient(self.expression(), &variables);
        undefined_part(&graph, &gradient, &self.variables, point)
    }
}

/// The values of expressions at a point: what a double cannot hold on the way does not matter.
///
/// # Panics
/// If an expression has other variables than the coordinates of the point.
pub fn values_at(graph: &Graph, roots: &[Expr], point: &[f64]) -> Vec<Wide> {
    let inputs: Vec<Wide> = point.iter().map(|&x| x.into()).collect();
    let mut values = vec![Wide::from(0.0); roots.len()];
    Program::new(graph, point.len(), roots).evaluate(&inputs, &mut values, &mut Vec::new());
    values
}

/// Why the first of the `roots` that has no finite real value has none, in words: the smallest part of it that
/// has none, or that it is too large. `None` if all have one.
pub fn undefined_part(
    graph: &Graph,
    roots: &[Expr],
    variables: &[String],
    point: &[f64],
) -> Option<String> {
    let values = values_at(graph, roots, point);
    let (root, value) = roots.iter().zip(values).find(|(_, value)| !value.to_f64().is_finite())?;
    let printer = Printer::new(graph, variables, Style::Text, &[]);
    if value.is_defined() {
        let text = printer.write(*root);
        return Some(format!("`{text}` is {value}, more than a double can hold"));
    }
    // Operands come before what is built from them.
    let nodes = graph.reachable(&[*root]);
    let values = values_at(graph, &nodes, point);
    let value_of = |e| nodes.iter().position(|&n| n == e).map_or(Wide::from(0.0), |i| values[i]);
    let part = nodes[values.iter().position(|value| !value.is_defined())?];
    let text = printer.write(part);
    Some(match graph.node(part) {
        Node::Apply(_, x) => {
            let argument = printer.write(*x);
            format!("`{text}` has no finite value where `{argument}` is {}", value_of(*x))
        }
        Node::Product(factors) => {
            let bases: Vec<String> = factors
                .iter()
                .map(|(base, _)| format!("`{}` is {}", printer.write(*base), value_of(*base)))
                .collect();
            format!("`{text}` has no finite value where {}", bases.join(" and "))
        }
        _ => format!("`{text}` has no finite value"),
    })
}
