//! Derivatives along several directions at once.

use super::graph::{Expr, Graph, Node};
use bea_series::exact::Rational;
use rustc_hash::FxHashMap;

/// A direction, by its place in the [`Jets`] that it was added to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Direction(u32);

/// Mixed directional derivatives `e^(m)[D_1, …, D_m]` of many expressions along many directions.
///
/// A direction is a vector of expressions that is held fixed: derivatives do not look into it. A
/// derivative is computed once for each expression and multiset of directions; an operation whose
/// partial derivative with respect to its operand `y` is the expression `w` contributes
///
/// ```text
/// x_(S+s) = Σ_(A ⊆ S) w_A y_(S\A+s)
/// ```
///
/// (product rule in nilpotent variables, one a direction).
pub struct Jets {
    /// Components of each direction by variable; others are 0.
    directions: Vec<FxHashMap<u32, Expr>>,
    /// Where each list of components is among them.
    places: FxHashMap<Vec<(u32, Expr)>, Direction>,
    /// Multisets of directions, ascending; number 0 is empty.
    sets: Vec<Vec<Direction>>,
    numbers: FxHashMap<Vec<Direction>, u32>,
    /// For each set its largest element alone, and the ways to split the others.
    splits: FxHashMap<u32, (u32, Vec<Way>)>,
    known: FxHashMap<(Expr, u32), Expr>,
}

/// A way to split a set: `(times it occurs, A, S\A+s)`.
type Way = (Rational, u32, u32);

impl Default for Jets {
    fn default() -> Jets {
        Jets::new()
    }
}

impl Jets {
    /// No direction yet.
    pub fn new() -> Jets {
        Jets {
            directions: Vec::new(),
            places: FxHashMap::default(),
            sets: vec![Vec::new()],
            numbers: FxHashMap::from_iter([(Vec::new(), 0)]),
            splits: FxHashMap::default(),
            known: FxHashMap::default(),
        }
    }

    /// A direction with the given components, `(variable, component)`; equal ones are one direction.
    pub fn direction(&mut self, components: impl IntoIterator<Item = (u32, Expr)>) -> Direction {
        let directions = &mut self.directions;
        let new = |components: &Vec<(u32, Expr)>| {
            directions.push(components.iter().copied().collect());
            Direction(directions.len() as u32 - 1)
        };
        *self.places.entry(components.into_iter().collect()).or_insert_with_key(new)
    }

    /// `e^(m)[D_1, …, D_m]`; the order of the directions does not matter.
    pub fn derivative(&mut self, graph: &mut Graph, e: Expr, along: &[Direction]) -> Expr {
        let mut along = along.to_vec();
        along.sort_unstable();
        let set = self.set(along);
        self.jet(graph, e, set)
    }

    fn set(&mut self, along: Vec<Direction>) -> u32 {
        let next = self.sets.len() as u32;
        let number = *self.numbers.entry(along.clone()).or_insert(next);
        if number == next {
            self.sets.push(along);
        }
        number
    }

    /// The set of the largest element alone, and the ways to split the others.
    fn split(&mut self, set: u32) -> (u32, Vec<Way>) {
        if let Some(known) = self.splits.get(&set) {
            return known.clone();
        }
        let mut others = self.sets[set as usize].clone();
        let last = others.pop().expect("an empty set is not split");
        // One element after another goes to either side; equal ones make equal subsets.
        let mut ways: Vec<(i64, Vec<Direction>, Vec<Direction>)> = vec![(1, vec![], vec![])];
        for run in others.chunk_by(|a, b| a == b) {
            let mut next = Vec::new();
            for (count, left, right) in &ways {
                let mut binomial = 1;
                for k in 0..=run.len() {
                    let (mut left, mut right) = (left.clone(), right.clone());
                    left.extend(&run[..k]);
                    right.extend(&run[k..]);
                    next.push((count * binomial, left, right));
                    binomial = binomial * (run.len() - k) as i64 / (k + 1) as i64;
                }
            }
            ways = next;
        }
        let ways = ways
            .into_iter()
            .map(|(count, left, mut right)| {
                right.push(last);
                (count.into(), self.set(left), self.set(right))
            })
            .collect();
        let alone = self.set(vec![last]);
        self.splits.insert(set, (alone, ways));
        self.splits[&set].clone()
    }

    fn jet(&mut self, graph: &mut Graph, e: Expr, set: u32) -> Expr {
        if set == 0 {
            return e;
        }
        if let Node::Constant(_) | Node::Pi = graph.node(e) {
            return Expr::ZERO;
        }
        if let Node::Variable(v) = graph.node(e) {
            return match self.sets[set as usize].as_slice() {
                [d] => self.directions[d.0 as usize].get(v).copied().unwrap_or(Expr::ZERO),
                _ => Expr::ZERO,
            };
        }
        if let Some(&known) = self.known.get(&(e, set)) {
            return known;
        }
        let value = match graph.node(e).clone() {
            Node::Constant(_) | Node::Pi | Node::Variable(_) => Expr::ZERO,
            Node::Sum { terms, .. } => {
                let mut parts = Vec::with_capacity(terms.len());
                for (c, x) in terms {
                    let part = self.jet(graph, x, set);
                    if part != Expr::ZERO {
                        parts.push((c, part));
                    }
                }
                graph.combination(parts)
            }
            Node::Product(factors) => {
                let mut parts = Vec::new();
                for i in 0..factors.len() {
                    let (base, exponent) = &factors[i];
                    if self.is_constant(graph, *base, set) {
                        continue;
                    }
                    let slope = graph.derivative_of_product(&factors, i);
                    self.chain(graph, slope, *base, set, exponent, &mut parts);
                }
                graph.combination(parts)
            }
            Node::Apply(function, x) => {
                let mut parts = Vec::new();
                if !self.is_constant(graph, x, set) {
                    let slope = graph.derivative_of_function(function, x);
                    self.chain(graph, slope, x, set, &1.into(), &mut parts);
                }
                graph.combination(parts)
            }
            Node::Select(condition, yes, no) => {
                let yes = self.jet(graph, yes, set);
                let no = self.jet(graph, no, set);
                graph.select(condition, yes, no)
            }
        };
        self.known.insert((e, set), value);
        value
    }

    /// Whether all the splits of `set` end in a derivative of `y` that is 0: `y` does not change
    /// along the last direction.
    fn is_constant(&mut self, graph: &mut Graph, y: Expr, set: u32) -> bool {
        let (alone, _) = self.split(set);
        self.jet(graph, y, alone) == Expr::ZERO
    }

    /// Adds `factor Σ_A w_A y_(S\A+s)`.
    fn chain(
        &mut self,
        graph: &mut Graph,
        w: Expr,
        y: Expr,
        set: u32,
        factor: &Rational,
        parts: &mut Vec<(Rational, Expr)>,
    ) {
        let (_, ways) = self.split(set);
        for (count, left, right) in ways {
            let inner = self.jet(graph, y, right);
            if inner == Expr::ZERO {
                continue;
            }
            let outer = self.jet(graph, w, left);
            if outer != Expr::ZERO {
                parts.push((factor * &count, graph.mul(outer, inner)));
            }
        }
    }
}

impl Graph {
    /// `∂e/∂x_v`, by the forward mode.
    pub fn derivative(&mut self, e: Expr, variable: u32) -> Expr {
        let mut jets = Jets::new();
        let unit = jets.direction([(variable, Expr::ONE)]);
        jets.derivative(self, e, &[unit])
    }

    /// `∂²e/∂x_i∂x_j` for `i`, `j` among the variables: forward over reverse. The matrix is
    /// symmetric node by node.
    pub fn hessian(&mut self, e: Expr, variables: &[u32]) -> Vec<Vec<Expr>> {
        let gradient = self.gradient(e, variables);
        let mut jets = Jets::new();
        let units: Vec<_> = variables.iter().map(|&v| jets.direction([(v, Expr::ONE)])).collect();
        let mut rows = vec![vec![Expr::ZERO; variables.len()]; variables.len()];
        for i in 0..variables.len() {
            for j in 0..=i {
                rows[i][j] = jets.derivative(self, gradient[i], &[units[j]]);
                rows[j][i] = rows[i][j];
            }
        }
        rows
    }
}
