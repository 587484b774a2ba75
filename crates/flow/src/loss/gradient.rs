//! Gradients by the reverse mode.

use super::graph::{Expr, Graph, Node};
use bea_series::exact::Rational;
use rustc_hash::FxHashMap;

impl Graph {
    /// `∂e/∂x_v` for each of the variables `v`, in one backward pass: the new nodes are a small
    /// multiple of the nodes of `e`, however many variables there are.
    ///
    /// Source: Griewank, Walther, *Evaluating Derivatives*, section 3.2.
    ///
    /// ```
    /// use bea_flow::loss::Graph;
    /// let mut g = Graph::new();
    /// let (x, y) = (g.variable(0), g.variable(1));
    /// let e = g.mul(x, y);
    /// assert_eq!(g.gradient(e, &[0, 1]), [y, x]);
    /// ```
    pub fn gradient(&mut self, e: Expr, variables: &[u32]) -> Vec<Expr> {
        let columns = variables.iter().map(|&v| (v, self.variable(v))).collect();
        Reverse { columns, of_branches: FxHashMap::default() }.gradient(self, e)
    }
}

struct Reverse {
    /// The variables and their expressions.
    columns: Vec<(u32, Expr)>,
    /// Gradients of the branches of selections.
    of_branches: FxHashMap<Expr, Vec<Expr>>,
}

/// `Σ c_i a_i` in the making.
type Contributions = Vec<(Rational, Expr)>;

impl Reverse {
    fn gradient(&mut self, graph: &mut Graph, root: Expr) -> Vec<Expr> {
        let order = graph.reachable(&[root]);
        let active = self.active(graph, &order, root);
        let last = self.columns.iter().map(|(_, e)| *e).fold(root, Expr::max);
        let mut adjoints: Vec<Contributions> = vec![Vec::new(); last.index() + 1];
        adjoints[root.index()].push((1.into(), Expr::ONE));
        for &e in order.iter().rev() {
            if !active[e.index()] || matches!(graph.node(e), Node::Variable(_)) {
                continue;
            }
            let sum = graph.combination(std::mem::take(&mut adjoints[e.index()]));
            if sum == Expr::ZERO {
                continue;
            }
            let (scale, adjoint) = graph.split(sum);
            let mut push = |x: Expr, c: Rational, a: Expr| {
                if a != Expr::ZERO {
                    adjoints[x.index()].push((c, a));
                }
            };
            match graph.node(e).clone() {
                Node::Constant(_) | Node::Pi | Node::Variable(_) => {}
                Node::Sum { terms, .. } => {
                    for (c, x) in terms.iter().filter(|(_, x)| active[x.index()]) {
                        push(*x, &scale * c, adjoint);
                    }
                }
                Node::Product(factors) => {
                    for i in (0..factors.len()).filter(|&i| active[factors[i].0.index()]) {
                        let partial = graph.derivative_of_product(&factors, i);
                        let value = graph.mul(adjoint, partial);
                        push(factors[i].0, &scale * &factors[i].1, value);
                    }
                }
                Node::Apply(function, x) => {
                    let slope = graph.derivative_of_function(function, x);
                    let value = graph.mul(adjoint, slope);
                    push(x, scale, value);
                }
                // Each branch is differentiated for itself: an adjoint of 0 would meet values that
                // are not finite in the branch that is not taken.
                Node::Select(condition, yes, no) => {
                    let yes = self.of_branch(graph, yes);
                    let no = self.of_branch(graph, no);
                    for (i, &(_, variable)) in self.columns.iter().enumerate() {
                        let slope = graph.select(condition, yes[i], no[i]);
                        let value = graph.mul(adjoint, slope);
                        push(variable, scale.clone(), value);
                    }
                }
            }
        }
        let columns = self.columns.iter();
        columns.map(|(_, e)| graph.combination(std::mem::take(&mut adjoints[e.index()]))).collect()
    }

    fn of_branch(&mut self, graph: &mut Graph, branch: Expr) -> Vec<Expr> {
        if let Some(known) = self.of_branches.get(&branch) {
            return known.clone();
        }
        let gradient = self.gradient(graph, branch);
        self.of_branches.insert(branch, gradient.clone());
        gradient
    }

    /// Which nodes depend on one of the variables.
    fn active(&self, graph: &Graph, order: &[Expr], root: Expr) -> Vec<bool> {
        let mut active = vec![false; root.index() + 1];
        for &e in order {
            active[e.index()] = match graph.node(e) {
                Node::Variable(v) => self.columns.iter().any(|(column, _)| column == v),
                Node::Select(_, yes, no) => active[yes.index()] || active[no.index()],
                _ => graph.operands(e).any(|x| active[x.index()]),
            };
        }
        active
    }
}

impl Graph {
    /// `∂/∂b_i Π b_j^(r_j)` without its factor `r_i`.
    pub(super) fn derivative_of_product(&mut self, factors: &[(Expr, Rational)], i: usize) -> Expr {
        let mut factors = factors.to_vec();
        factors[i].1 = &factors[i].1 - &1.into();
        if factors[i].1.is_zero() {
            factors.remove(i);
        }
        // Still in canonical form: no exponent has become an integer.
        match factors.as_slice() {
            [] => Expr::ONE,
            [(base, exponent)] if exponent.is_one() => *base,
            _ => self.intern(Node::Product(factors.into())),
        }
    }
}
