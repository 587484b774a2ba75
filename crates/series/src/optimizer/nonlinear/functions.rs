//! Calls in a nonlinear step: functions entry by entry, numbers of vectors, and evaluations of the vector field.

use super::lower::{Lowered, Lowering};
use crate::optimizer::functions;
use crate::optimizer::scope::Symbol;
use crate::optimizer::syntax::{Expression, Name};
use crate::text::near;
use crate::text::source::SourceError;
use crate::typed::{Exponent, Function, Node, NodeId, Shape};
use num_rational::Ratio;
use std::ops::Range;

impl Lowering<'_> {
    /// A call of a function or of the vector field.
    pub(super) fn apply(
        &mut self,
        name: &Name,
        arguments: &[Expression],
        span: &Range<usize>,
    ) -> Lowered<NodeId> {
        if !self.scope.is_function(&name.text) {
            if !matches!(self.scope.symbols.get(&name.text), Some(Symbol::Field(_))) {
                return Err(self.unknown_function(name));
            }
            let [argument] = arguments else {
                return Err(self.count(name, 1, 1, arguments.len(), span));
            };
            let point =
                self.vector(argument, &format!("`{}` is evaluated at a vector", name.text))?;
            return self.field(name, point, span);
        }
        let (least, most) = functions::arity(&name.text).expect("a known function");
        if !(least..=most).contains(&arguments.len()) {
            return Err(self.count(name, least, most, arguments.len(), span));
        }
        if functions::is_of_matrices(&name.text) {
            return self.of_matrices(&name.text, arguments, span);
        }
        if functions::is_reduction(&name.text) {
            let message = format!("`{}` takes vectors", name.text);
            let vectors: Vec<NodeId> =
                arguments.iter().map(|x| self.vector(x, &message)).collect::<Result<_, _>>()?;
            return Ok(self.reduction(&name.text, &vectors, span));
        }
        self.entrywise += 1;
        let nodes: Vec<NodeId> =
            arguments.iter().map(|x| self.entry_by_entry(x)).collect::<Result<_, _>>()?;
        self.entrywise -= 1;
        let shape = nodes.iter().map(|node| self.shape(*node)).max().unwrap_or(Shape::Number);
        let function = match name.text.as_str() {
            "sqrt" => return self.raised(nodes[0], Exponent::rational(Ratio::new(1, 2)), span),
            "max" => return Ok(self.greatest(&nodes, span)),
            "min" => {
                let turned: Vec<NodeId> =
                    nodes.iter().map(|node| self.negative(*node, span)).collect();
                let greatest = self.greatest(&turned, span);
                return Ok(self.negative(greatest, span));
            }
            "clip" => {
                let number = |node| self.constant_value(node).and_then(|x| x.as_rational());
                if let (Some(low), Some(high)) = (number(nodes[1]), number(nodes[2]))
                    && low > high
                {
                    return Err(self.fault(
                        span,
                        "`clip` has a lower bound above its upper one",
                        format!("{low} is more than {high}"),
                        "write `clip(x, low, high)`",
                    ));
                }
                let raised = self.greatest(&[nodes[0], nodes[1]], span);
                let turned = [self.negative(raised, span), self.negative(nodes[2], span)];
                let greatest = self.greatest(&turned, span);
                return Ok(self.negative(greatest, span));
            }
            "abs" => Function::Absolute,
            "sign" => Function::Sign,
            "exp" => Function::Exponential,
            "log" => Function::Logarithm,
            _ => Function::HyperbolicTangent,
        };
        Ok(self.push(Node::Function(function, nodes[0]), shape, span))
    }

    /// The entrywise maximum.
    fn greatest(&mut self, nodes: &[NodeId], span: &Range<usize>) -> NodeId {
        let (first, rest) = nodes.split_first().expect("two arguments or more");
        rest.iter().fold(*first, |greatest, node| {
            let shape = self.shape(greatest).max(self.shape(*node));
            self.push(Node::Greater(greatest, *node), shape, span)
        })
    }

    /// `dot`, `norm`, `sum` and `mean`: numbers of vectors.
    fn reduction(&mut self, name: &str, vectors: &[NodeId], span: &Range<usize>) -> NodeId {
        let summed = match name {
            "dot" => self.push(Node::Product(vec![vectors[0], vectors[1]]), Shape::Vector, span),
            "norm" => self.push(Node::Product(vec![vectors[0], vectors[0]]), Shape::Vector, span),
            _ => vectors[0],
        };
        let sum = self.push(Node::Entries(summed), Shape::Number, span);
        match name {
            "norm" => self.push(
                Node::Power(sum, Exponent::rational(Ratio::new(1, 2))),
                Shape::Number,
                span,
            ),
            "mean" => {
                let dimension = self.remembered(5, 0, Node::Dimension, Shape::Number, span);
                let inverse =
                    self.push(Node::Power(dimension, Exponent::integer(-1)), Shape::Number, span);
                self.push(Node::Product(vec![sum, inverse]), Shape::Number, span)
            }
            _ => sum,
        }
    }

    /// What is wrong with a number of arguments.
    fn count(
        &self,
        name: &Name,
        least: usize,
        most: usize,
        found: usize,
        span: &Range<usize>,
    ) -> SourceError {
        let wanted = match (least, most) {
            (1, 1) => "1 argument".to_string(),
            (a, b) if a == b => format!("{a} arguments"),
            (a, _) => format!("{a} arguments or more"),
        };
        let example = match name.text.as_str() {
            "clip" => "write `clip(x, low, high)`".to_string(),
            "dot" => "write `dot(a, b)`".to_string(),
            "min" | "max" | "matmul" => format!("write `{}(a, b)`", name.text),
            "inverse_root" => "write `inverse_root(M, 4)` for `M^(-1/4)`".to_string(),
            other => format!("write `{other}(x)`"),
        };
        self.fault(
            span,
            format!("`{}` takes {wanted}, not {found}", name.text),
            "wrong number of arguments",
            example,
        )
    }

    pub(super) fn unknown_function(&self, name: &Name) -> SourceError {
        if self.scope.symbols.contains_key(&name.text) {
            return self.fault(
                &name.span,
                format!("`{}` is neither a vector field nor a function", name.text),
                "brackets after a name evaluate one",
                format!("write the product `{}*(…)`", name.text),
            );
        }
        let mut known = self.scope.names(|s| matches!(s, Symbol::Field(_)));
        known.extend(functions::names());
        self.optimizer.source.fault(
            name.span.clone(),
            format!("unknown function `{}`", name.text),
            "neither a vector field nor a function",
            near::advice(&name.text, &known),
        )
    }
}
