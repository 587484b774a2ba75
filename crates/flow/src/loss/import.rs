//! Expressions of one graph in another.

use super::{Condition, Expr, Graph, Node};
use std::collections::HashMap;

impl Graph {
    /// The expression `e` of the graph `other`, whose variable `i` becomes variable `to[i]` here.
    ///
    /// # Panics
    /// If `to` lacks a variable that occurs.
    ///
    /// ```
    /// use bea_flow::loss::Graph;
    /// let (mut one, mut other) = (Graph::new(), Graph::new());
    /// let (x, y) = (other.variable(0), other.variable(1));
    /// let difference = other.sub(x, y);
    /// let imported = one.import(&other, difference, &[1, 0]);
    /// let (x, y) = (one.variable(0), one.variable(1));
    /// assert_eq!(imported, one.sub(y, x));
    /// ```
    pub fn import(&mut self, other: &Graph, e: Expr, to: &[u32]) -> Expr {
        let mut here: HashMap<Expr, Expr> = HashMap::new();
        // Operands come before what is made of them.
        for e in other.reachable(&[e]) {
            let made = match other.node(e) {
                Node::Constant(value) => self.constant(value.clone()),
                Node::Pi => self.pi(),
                Node::Variable(index) => self.variable(to[*index as usize]),
                Node::Sum { constant, terms } => {
                    let constant = self.constant(constant.clone());
                    let parts = terms.iter().map(|(c, e)| (c.clone(), here[e]));
                    let sum = self.combination(parts.collect::<Vec<_>>());
                    self.add(sum, constant)
                }
                Node::Product(factors) => {
                    let powers: Vec<Expr> =
                        factors.iter().map(|(base, r)| self.power(here[base], r)).collect();
                    self.product(&powers)
                }
                Node::Apply(function, e) => self.apply(*function, here[e]),
                Node::Select(condition, yes, no) => {
                    let (left, right) = (here[&condition.left], here[&condition.right]);
                    let condition = Condition { left, right, ..*condition };
                    self.select(condition, here[yes], here[no])
                }
            };
            here.insert(e, made);
        }
        here[&e]
    }
}
