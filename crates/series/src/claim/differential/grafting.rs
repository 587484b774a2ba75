//! Trees grafted on trees, with every subtree known by a number: what a field at a shifted point and a
//! derivative along a field are made of.
//!
//! A tree is its `rest`, the same root with one branch less, and its `last` branch. Both operations
//! follow that, with `Y` the field that is grafted:
//!
//! ```text
//! S(•) = Σ_k 1/k! [Y, …, Y],   S(rest ↶ last) = S(rest) ↶ S(last)                       X(θ + Y)
//! L(•) = [Y],                  L(rest ↶ last) = L(rest) ↶ last + rest ↶ L(last)         X'Y
//! ```
//!
//! The first is the composition law of B-series (Hairer, Lubich, Wanner, *Geometric Numerical
//! Integration*, section III.1.4), summed over trunks instead of over trees: every subtree is grafted
//! once, and no further than the powers of `h` that its trees leave.

use super::{Bounds, Differential, FieldKind, H, MAX_NODES, MAX_TERMS, TooLarge};
use crate::claim::products::{FACTOR, PRODUCT};
use crate::exact::{Rational, RationalFunction as Q, Scalar, effort};
use crate::expression::PowerSeries;
use crate::tree::Tree;
use num_rational::BigRational;
use std::collections::HashMap;

/// What one graft costs beside the product of its coefficients.
const GRAFT: u64 = 60;

/// The number of a tree.
type Id = u32;

/// A tree by the numbers of its branches.
struct Node {
    color: u8,
    /// In ascending order.
    branches: Vec<Id>,
    size: usize,
    chain: bool,
}

/// Every tree that has occurred.
#[derive(Default)]
struct Forest {
    nodes: Vec<Node>,
    numbers: HashMap<(u8, Vec<Id>), Id>,
}

impl Forest {
    fn node(&mut self, color: u8, branches: Vec<Id>) -> Result<Id, TooLarge> {
        if let Some(known) = self.numbers.get(&(color, branches.clone())) {
            return Ok(*known);
        }
        let at = |id: &Id| &self.nodes[*id as usize];
        let size = 1 + branches.iter().map(|id| at(id).size).sum::<usize>();
        let below = branches.iter().all(|id| at(id).chain);
        // Whether a scalar field is principal is not seen before it is complete.
        let chain = color == FACTOR || (below && (branches.len() <= 1 || color == PRODUCT));
        if size > MAX_NODES {
            return Err(TooLarge::Nodes);
        }
        if self.nodes.len() >= 4 * MAX_TERMS {
            return Err(TooLarge::Terms);
        }
        let id = self.nodes.len() as Id;
        self.numbers.insert((color, branches.clone()), id);
        self.nodes.push(Node { color, branches, size, chain });
        Ok(id)
    }

    fn number(&mut self, tree: &Tree) -> Result<Id, TooLarge> {
        let branches = tree.children().iter().map(|child| self.number(child));
        let mut branches = branches.collect::<Result<Vec<Id>, _>>()?;
        branches.sort_unstable();
        self.node(tree.color(), branches)
    }

    /// The tree with one more branch at its root. Scalar factors of the branch become factors of the whole, and a
    /// product takes a branch as one more factor.
    fn graft(&mut self, tree: Id, branch: Id) -> Result<Id, TooLarge> {
        let (trunk, mut factors) = self.factors(tree);
        let (branch, others) = self.factors(branch);
        let tree = match (trunk, branch) {
            (trunk, None) => trunk,
            (None, Some(branch)) => Some(branch),
            (Some(trunk), Some(branch)) => {
                let Node { color, branches, .. } = &self.nodes[trunk as usize];
                let (color, mut branches) = (*color, branches.clone());
                branches.insert(branches.partition_point(|&b| b < branch), branch);
                Some(self.node(color, branches)?)
            }
        };
        factors.extend(others);
        match tree {
            Some(tree) if factors.is_empty() => Ok(tree),
            tree => {
                factors.extend(tree);
                factors.sort_unstable();
                self.node(PRODUCT, factors)
            }
        }
    }

    /// What a product multiplies: a tree, if there is one, and scalar factors. A factor without its scalar field is
    /// a tree, on which the field is grafted.
    fn factors(&self, id: Id) -> (Option<Id>, Vec<Id>) {
        let node = |id: &Id| &self.nodes[*id as usize];
        let is_factor = |id: &Id| node(id).color == FACTOR && !node(id).branches.is_empty();
        match node(&id).color {
            PRODUCT => {
                let (factors, trees): (Vec<Id>, Vec<Id>) =
                    node(&id).branches.iter().partition(|id| is_factor(id));
                (trees.first().copied(), factors)
            }
            _ if is_factor(&id) => (None, vec![id]),
            _ => (Some(id), Vec::new()),
        }
    }

    /// The tree without its last branch, and that branch; `None` for a single node.
    fn parts(&mut self, tree: Id) -> Result<Option<(Id, Id)>, TooLarge> {
        let Node { color, branches, .. } = &self.nodes[tree as usize];
        let (color, mut rest) = (*color, branches.clone());
        let Some(last) = rest.pop() else { return Ok(None) };
        Ok(Some((self.node(color, rest)?, last)))
    }

    fn tree(&self, id: Id) -> Tree {
        let Node { color, branches, .. } = &self.nodes[id as usize];
        Tree::new(*color, branches.iter().map(|&b| self.tree(b)).collect())
    }
}

/// Which of the two operations.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Grafting {
    /// `X(θ + Y)`; `Y` starts with `h¹`.
    Shift,
    /// `X'Y`; the powers of `Y` are at least 0.
    Along,
}

/// A combination by powers of `h`, from `h⁰` on.
type Graded<S> = Vec<HashMap<Id, S>>;

/// `Y`, and its images of all trees that were needed.
struct Grafts<S> {
    forest: Forest,
    which: Grafting,
    field: Graded<S>,
    chains_only: bool,
    images: HashMap<Id, Graded<S>>,
}

impl<S: Scalar> Grafts<S> {
    fn keeps(&self, id: Id) -> bool {
        !self.chains_only || self.forest.nodes[id as usize].chain
    }

    fn add(&self, sum: &mut HashMap<Id, S>, tree: Id, term: S) -> Result<(), TooLarge> {
        if !self.keeps(tree) {
            return Ok(());
        }
        sum.entry(tree).and_modify(|old| *old = old.plus(&term)).or_insert(term);
        if sum.len() > MAX_TERMS { Err(TooLarge::Terms) } else { Ok(()) }
    }

    /// `Σ x y (s ↶ t)` over the terms `x s` of one combination and `y t` of the other, by powers of `h`
    /// below `powers`, added to `sum`.
    fn product(
        &mut self,
        sum: &mut Graded<S>,
        trees: &Graded<S>,
        branches: &Graded<S>,
    ) -> Result<(), TooLarge> {
        let powers = sum.len();
        for (i, left) in trees.iter().enumerate().take(powers) {
            for (right, sum) in branches.iter().zip(&mut sum[i..]) {
                effort::spend(GRAFT * left.len() as u64 * right.len() as u64);
                for (&s, x) in left {
                    for (&t, y) in right {
                        let tree = self.forest.graft(s, t)?;
                        self.add(sum, tree, x.times(y))?;
                    }
                }
            }
        }
        Ok(())
    }

    fn single(tree: Id) -> Graded<S> {
        vec![HashMap::from([(tree, S::one())])]
    }

    /// The image of a tree, whose parts have theirs, by powers of `h` below `powers`.
    fn image(&mut self, tree: Id, powers: usize) -> Result<Graded<S>, TooLarge> {
        let mut sum: Graded<S> = vec![HashMap::new(); powers];
        // Holes, and the nodes that hold a product together, are no vector fields.
        let hole = self.forest.nodes[tree as usize].color >= FACTOR;
        let field = self.field.clone();
        match (self.forest.parts(tree)?, self.which) {
            (None, Grafting::Along) if hole => {}
            (None, Grafting::Shift) if hole => drop(sum[0].insert(tree, S::one())),
            (None, Grafting::Along) => self.product(&mut sum, &Self::single(tree), &field)?,
            (None, Grafting::Shift) => {
                let mut term = Self::single(tree);
                for k in 1.. {
                    for (sum, term) in sum.iter_mut().zip(&term) {
                        for (&tree, x) in term {
                            self.add(sum, tree, x.clone())?;
                        }
                    }
                    let mut next: Graded<S> = vec![HashMap::new(); powers];
                    self.product(&mut next, &term, &field)?;
                    term = next;
                    for x in term.iter_mut().flat_map(HashMap::values_mut) {
                        *x = x.over(k);
                    }
                    if term.iter().all(HashMap::is_empty) {
                        break;
                    }
                }
            }
            (Some((rest, last)), Grafting::Shift) => {
                let (a, b) = (self.images[&rest].clone(), self.images[&last].clone());
                self.product(&mut sum, &a, &b)?;
            }
            (Some((rest, last)), Grafting::Along) => {
                let (a, b) = (self.images[&rest].clone(), self.images[&last].clone());
                self.product(&mut sum, &a, &Self::single(last))?;
                self.product(&mut sum, &Self::single(rest), &b)?;
            }
        }
        for terms in &mut sum {
            terms.retain(|_, x| !x.is_zero());
        }
        Ok(sum)
    }

    /// How many powers of `h` the image of each tree needs, given those of some trees, parts before what
    /// they are part of.
    fn needs(&mut self, trees: &[(Id, usize)]) -> Result<Vec<(Id, usize)>, TooLarge> {
        let mut needs: HashMap<Id, usize> = HashMap::new();
        let mut open: Vec<(Id, usize)> = trees.to_vec();
        while let Some((tree, powers)) = open.pop() {
            let need = needs.entry(tree).or_insert(0);
            if *need >= powers {
                continue;
            }
            *need = powers;
            if let Some((rest, last)) = self.forest.parts(tree)? {
                open.extend([(rest, powers), (last, powers)]);
            }
        }
        let mut needs: Vec<(Id, usize)> = needs.into_iter().collect();
        needs.sort_unstable_by_key(|&(tree, _)| (self.forest.nodes[tree as usize].size, tree));
        Ok(needs)
    }
}

/// The terms of a combination whose coefficients are Laurent polynomials in `h` below `order`: tree,
/// power of `h`, coefficient.
fn terms(value: &Differential, order: i64) -> Vec<(&Tree, i64, Q)> {
    let mut terms = Vec::new();
    for (tree, coefficient) in value.terms() {
        let series = PowerSeries::through(coefficient, H, order - 1);
        for n in series.low()..order {
            let c = series.coefficient(n).expect("expanded through it");
            if !c.is_zero() {
                terms.push((tree, n, c));
            }
        }
    }
    terms
}

/// `X(θ + Y)` or `X'Y` below `h^order`.
pub(super) fn graft(
    which: Grafting,
    of: &Differential,
    field: &Differential,
    order: i64,
    bounds: &Bounds,
) -> Result<Differential, TooLarge> {
    let room = order - of.low().min(0);
    let (trees, field) = (terms(of, order), terms(field, room.max(order)));
    let number = |q: &Q| q.as_rational().map(<Rational as Scalar>::rational);
    let all = |list: &[(&Tree, i64, Q)]| list.iter().all(|(_, _, q)| q.as_rational().is_some());
    if all(&trees) && all(&field) {
        let back = |x: &Rational| Q::from(BigRational::from(x.clone()));
        sum(which, of, &trees, &field, order, bounds, |q| number(q).expect("a number"), back)
    } else {
        sum(which, of, &trees, &field, order, bounds, Q::clone, Q::clone)
    }
}

#[allow(clippy::too_many_arguments)]
fn sum<S: Scalar>(
    which: Grafting,
    of: &Differential,
    trees: &[(&Tree, i64, Q)],
    field: &[(&Tree, i64, Q)],
    order: i64,
    bounds: &Bounds,
    into: impl Fn(&Q) -> S,
    back: impl Fn(&S) -> Q,
) -> Result<Differential, TooLarge> {
    let has_products = trees.iter().chain(field).any(|(tree, ..)| tree.color() == PRODUCT);
    let mut grafts = Grafts {
        forest: Forest::default(),
        which,
        field: Vec::new(),
        // Of a scalar field or factor, a node with two neighbours is still part of a path.
        chains_only: bounds.chains_only && of.kind == FieldKind::Vector && !has_products,
        images: HashMap::new(),
    };
    for (tree, power, c) in field {
        let power = usize::try_from(*power).expect("no negative power of h");
        let id = grafts.forest.number(tree)?;
        if grafts.field.len() <= power {
            grafts.field.resize(power + 1, HashMap::new());
        }
        grafts.field[power].insert(id, into(c));
    }
    let mut wanted = Vec::new();
    for (tree, power, c) in trees {
        wanted.push((grafts.forest.number(tree)?, *power, into(c)));
    }
    let room = |power: i64| usize::try_from(order - power).unwrap_or(0);
    let roots: Vec<(Id, usize)> = wanted.iter().map(|(t, power, _)| (*t, room(*power))).collect();
    for (tree, powers) in grafts.needs(&roots)? {
        let image = grafts.image(tree, powers)?;
        grafts.images.insert(tree, image);
    }
    let mut sums: HashMap<(Id, i64), S> = HashMap::new();
    for (tree, power, c) in &wanted {
        let image = &grafts.images[tree];
        for (terms, n) in image.iter().zip(*power..order) {
            effort::spend(GRAFT * terms.len() as u64);
            for (&id, x) in terms {
                let term = c.times(x);
                sums.entry((id, n)).and_modify(|old| *old = old.plus(&term)).or_insert(term);
            }
        }
    }
    let mut result = Differential::zero(of.kind, of.arity);
    let one = Q::one();
    for ((id, n), x) in sums {
        if !x.is_zero() {
            let power = Q::variable(H).pow(n as i32).expect("a variable is not 0");
            let coefficient = &back(&x) * &power;
            result.product(grafts.forest.tree(id), &coefficient, &one, bounds)?;
        }
    }
    Ok(result)
}
