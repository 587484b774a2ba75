//! Where a loss has no value.

use super::graph::Node;
use super::{Loss, Printer, Program, Style};

impl Loss {
    /// The smallest part of the formula without a finite real value at a point, in words; `None` if
    /// the loss is finite there.
    pub fn undefined_at(&self, point: &[f64]) -> Option<String> {
        let graph = self.graph();
        let nodes = graph.reachable(&[self.expression()]);
        let mut values = vec![0.0; nodes.len()];
        Program::new(graph, point.len(), &nodes).evaluate(point, &mut values, &mut Vec::new());
        let value_of = |e| nodes.iter().position(|&n| n == e).map_or(0.0, |i| values[i]);
        if value_of(self.expression()).is_finite() {
            return None;
        }
        // Operands come before what is built from them.
        let at = values.iter().position(|value: &f64| !value.is_finite())?;
        let part = nodes[at];
        let printer = Printer::new(graph, &self.variables, Style::Text, &[]);
        let text = printer.write(part);
        Some(match graph.node(part) {
            Node::Apply(_, x) => {
                format!(
                    "`{text}` has no finite value where `{}` is {}",
                    printer.write(*x),
                    value_of(*x)
                )
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
}
