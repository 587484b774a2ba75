//! Expressions as nodes of a graph in which equal expressions are the same node.

use super::function::Function;
use bea_series::exact::{Rational, effort};
use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;
use std::hash::BuildHasher;

/// An expression: the index of a node in a [`Graph`]. Operands have smaller indices than what is
/// built from them.
#[derive(Copy, Clone, Eq, PartialEq, Hash, Ord, PartialOrd, Debug)]
pub struct Expr(pub(super) u32);

impl Expr {
    /// 0, in every graph.
    pub const ZERO: Expr = Expr(0);
    /// 1, in every graph.
    pub const ONE: Expr = Expr(1);

    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// How an expression is made from smaller ones. The constructors of [`Graph`] keep every node in the
/// canonical form that is described here.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Node {
    /// An exact number.
    Constant(Rational),
    /// `π`.
    Pi,
    /// A variable by index.
    Variable(u32),
    /// `constant + Σ c_i e_i`.
    ///
    /// Either one term and no constant, `c e` with `c ≠ 1`, or a sum of several parts without common
    /// factor whose first coefficient is positive. The `e_i` ascend and are neither constants nor of
    /// the form `c e`.
    Sum {
        /// The part without variables.
        constant: Rational,
        /// `(c_i, e_i)`.
        terms: Box<[(Rational, Expr)]>,
    },
    /// `Π b_i^(r_i)`, the principal branch where `r_i` is not an integer.
    ///
    /// The bases ascend. With an integer exponent a base is neither a number, except for a negative
    /// power of 0, nor a product or of the form `c e`.
    Product(Box<[(Expr, Rational)]>),
    /// A function of one argument.
    Apply(Function, Expr),
    /// The first expression where the condition holds, the second elsewhere.
    Select(Condition, Expr, Expr),
}

/// `left relation right`; complex numbers are compared by their real parts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Condition {
    /// What stands on the left.
    pub left: Expr,
    /// How the two are compared.
    pub relation: Relation,
    /// What stands on the right.
    pub right: Expr,
}

/// An order relation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Relation {
    /// `<`
    Less,
    /// `≤`
    LessEqual,
    /// `>`
    Greater,
    /// `≥`
    GreaterEqual,
}

impl Relation {
    /// Whether two numbers in this order fulfil the relation; numbers that cannot be compared do
    /// not.
    pub fn holds(self, order: Option<std::cmp::Ordering>) -> bool {
        order.is_some_and(|order| match self {
            Relation::Less => order.is_lt(),
            Relation::LessEqual => order.is_le(),
            Relation::Greater => order.is_gt(),
            Relation::GreaterEqual => order.is_ge(),
        })
    }
}

/// A set of expressions that share their parts: building an expression twice gives the same node
/// (hash-consing).
///
/// The constructors simplify. Every rewriting is an identity over the complex numbers wherever both
/// sides are defined: `√x² = x` becomes so, `√(x²)` stays.
///
/// ```
/// use bea_flow::loss::Graph;
/// let mut g = Graph::new();
/// let (x, y) = (g.variable(0), g.variable(1));
/// let (a, b) = (g.add(x, y), g.add(y, x));
/// assert_eq!(a, b);
/// assert_eq!(g.sub(a, y), x);
/// ```
#[derive(Clone)]
pub struct Graph {
    nodes: Vec<Node>,
    index: HashTable<Expr>,
}

impl Default for Graph {
    fn default() -> Graph {
        Graph::new()
    }
}

impl Graph {
    /// The graph of 0 and 1.
    pub fn new() -> Graph {
        let mut graph = Graph { nodes: Vec::new(), index: HashTable::new() };
        for n in 0..2 {
            graph.intern(Node::Constant(n.into()));
        }
        graph
    }

    /// How an expression is made.
    ///
    /// # Panics
    /// If the expression is of another, larger graph.
    pub fn node(&self, e: Expr) -> &Node {
        &self.nodes[e.index()]
    }

    /// How many different expressions have been built.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Never: 0 and 1 are always there.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The value of a constant.
    pub fn as_constant(&self, e: Expr) -> Option<&Rational> {
        match self.node(e) {
            Node::Constant(value) => Some(value),
            _ => None,
        }
    }

    /// The expression of a node in canonical form.
    pub(super) fn intern(&mut self, node: Node) -> Expr {
        effort::spend(10);
        let hash = FxBuildHasher.hash_one(&node);
        let nodes = &self.nodes;
        if let Some(&found) = self.index.find(hash, |e| nodes[e.index()] == node) {
            return found;
        }
        // With the time goes memory, of which a node takes about a hundred bytes.
        effort::spend_if_counted(|| match &node {
            Node::Sum { terms, .. } => 100 + 10 * terms.len() as u64,
            Node::Product(factors) => 100 + 10 * factors.len() as u64,
            _ => 100,
        });
        let new = Expr(u32::try_from(self.nodes.len()).expect("fewer than 2^32 expressions"));
        self.nodes.push(node);
        let nodes = &self.nodes;
        self.index.insert_unique(hash, new, |e| FxBuildHasher.hash_one(&nodes[e.index()]));
        new
    }

    /// The expressions that an expression is directly made from.
    pub fn operands(&self, e: Expr) -> impl Iterator<Item = Expr> + '_ {
        let (terms, factors, rest): (&[_], &[_], [Option<Expr>; 4]) = match self.node(e) {
            Node::Constant(_) | Node::Pi | Node::Variable(_) => (&[], &[], [None; 4]),
            Node::Sum { terms, .. } => (terms, &[], [None; 4]),
            Node::Product(factors) => (&[], factors, [None; 4]),
            Node::Apply(_, x) => (&[], &[], [Some(*x), None, None, None]),
            Node::Select(c, yes, no) => {
                (&[], &[], [Some(c.left), Some(c.right), Some(*yes), Some(*no)])
            }
        };
        let terms = terms.iter().map(|(_, e): &(Rational, Expr)| *e);
        let factors = factors.iter().map(|(e, _): &(Expr, Rational)| *e);
        terms.chain(factors).chain(rest.into_iter().flatten())
    }

    /// All expressions that the given ones are made from, themselves included, each once and after
    /// its operands.
    pub fn reachable(&self, roots: &[Expr]) -> Vec<Expr> {
        let size = roots.iter().map(|e| e.index() + 1).max().unwrap_or(0);
        let mut seen = vec![false; size];
        let mut order = Vec::new();
        // An expression is met on the way down and once more when its operands are done.
        let mut open: Vec<(Expr, bool)> = roots.iter().rev().map(|&e| (e, false)).collect();
        while let Some((e, done)) = open.pop() {
            if done {
                order.push(e);
            } else if !std::mem::replace(&mut seen[e.index()], true) {
                open.push((e, true));
                let first = open.len();
                open.extend(self.operands(e).filter(|x| !seen[x.index()]).map(|x| (x, false)));
                open[first..].reverse();
            }
        }
        order
    }

    /// The indices of the variables of the given expressions, ascending.
    pub fn variables(&self, roots: &[Expr]) -> Vec<u32> {
        let mut found: Vec<u32> = self
            .reachable(roots)
            .into_iter()
            .filter_map(|e| match self.node(e) {
                Node::Variable(v) => Some(*v),
                _ => None,
            })
            .collect();
        found.sort_unstable();
        found
    }

    /// Whether the given expressions are made with functions of which a derivative jumps: `|x|`, `max(x, 0)`, `elu` and choices
    /// between two expressions.
    pub fn has_kinks(&self, roots: &[Expr]) -> bool {
        let jumps = |function| matches!(function, Function::Abs | Function::Relu | Function::Elu);
        self.reachable(roots).into_iter().any(|e| match self.node(e) {
            Node::Apply(function, _) => jumps(*function),
            node => matches!(node, Node::Select(..)),
        })
    }
}

/// The extent of the graph; it may hold millions of nodes.
impl std::fmt::Debug for Graph {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Graph").field("nodes", &self.nodes.len()).finish_non_exhaustive()
    }
}
