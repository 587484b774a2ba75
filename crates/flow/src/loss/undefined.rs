//! Where a loss has no value.

use super::graph::{Expr, Graph, Node};
use super::{Loss, Printer, Program, Style};

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

/// The smallest part that is not finite of the first of the `roots` that is not.
fn undefined_part(
    graph: &Graph,
    roots: &[Expr],
    variables: &[String],
    point: &[f64],
) -> Option<String> {
    let values_of = |nodes: &[Expr]| -> Vec<f64> {
        let mut values = vec![0.0; nodes.len()];
        Program::new(graph, point.len(), nodes).evaluate(point, &mut values, &mut Vec::new());
        values
    };
    let root = roots.iter().zip(values_of(roots)).find(|(_, value)| !value.is_finite())?.0;
    // Operands come before what is built from them.
    let nodes = graph.reachable(&[*root]);
    let values = values_of(&nodes);
    let value_of = |e| nodes.iter().position(|&n| n == e).map_or(0.0, |i| values[i]);
    let part = nodes[values.iter().position(|value| !value.is_finite())?];
    let printer = Printer::new(graph, variables, Style::Text, &[]);
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
