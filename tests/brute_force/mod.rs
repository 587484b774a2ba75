//! Series by brute force: every subset of the edges of a tree is enumerated, on trees that are plain
//! arrays of parents. Nothing here comes from the library but trees as values, for comparison.

use bea::tree::Tree;
use num_rational::BigRational;
use num_traits::{One, Zero};
use std::collections::HashMap;

pub type Q = BigRational;

/// A weight for every tree of a [`Forest`].
pub type Weights = Vec<Q>;

pub fn q(numerator: i64, denominator: i64) -> Q {
    Q::new(numerator.into(), denominator.into())
}

/// A rooted tree: node 0 is the root, and `parents[i] < i` for every other node `i`.
#[derive(Clone)]
struct Plain {
    parents: Vec<usize>,
    colors: Vec<u8>,
}

impl Plain {
    /// Colours and nested brackets with the children in order of their text: equal for trees that
    /// differ only in the order of their nodes.
    fn name(&self) -> String {
        self.name_from(0)
    }

    fn name_from(&self, node: usize) -> String {
        let mut children: Vec<String> =
            self.children(node).map(|child| self.name_from(child)).collect();
        children.sort();
        format!("{}[{}]", self.colors[node], children.join(","))
    }

    fn children(&self, node: usize) -> impl Iterator<Item = usize> {
        (1..self.parents.len()).filter(move |&i| self.parents[i] == node)
    }

    /// What stands on a node.
    fn branch(&self, node: usize) -> Plain {
        let mut place = HashMap::from([(node, 0)]);
        let mut branch = Plain { parents: vec![0], colors: vec![self.colors[node]] };
        for i in node + 1..self.parents.len() {
            if let Some(&parent) = place.get(&self.parents[i]) {
                place.insert(i, branch.parents.len());
                branch.parents.push(parent);
                branch.colors.push(self.colors[i]);
            }
        }
        branch
    }

    fn tree(&self, node: usize) -> Tree {
        let children = self.children(node).map(|child| self.tree(child)).collect();
        Tree::new(self.colors[node], children)
    }

    /// `γ`, the product over all nodes of the number of nodes from there upwards.
    fn density(&self) -> i64 {
        (0..self.parents.len()).map(|i| self.branch(i).parents.len() as i64).product()
    }

    /// Cuts the edge below every node `i` with bit `i` in `cut`: the pieces, and the skeleton in
    /// which each piece has become a node of the colour of its root.
    fn partition(&self, cut: u32) -> (Vec<Plain>, Plain) {
        let mut pieces: Vec<Plain> = Vec::new();
        let mut skeleton = Plain { parents: Vec::new(), colors: Vec::new() };
        // The piece of each node, and its place there.
        let mut places: Vec<(usize, usize)> = Vec::new();
        for (i, &color) in self.colors.iter().enumerate() {
            let below = places.get(self.parents[i]).copied();
            if i == 0 || cut >> i & 1 == 1 {
                skeleton.parents.push(below.map_or(0, |(piece, _)| piece));
                skeleton.colors.push(color);
                places.push((pieces.len(), 0));
                pieces.push(Plain { parents: vec![0], colors: vec![color] });
            } else {
                let (piece, parent) = below.expect("a node above another one");
                places.push((piece, pieces[piece].parents.len()));
                pieces[piece].parents.push(parent);
                pieces[piece].colors.push(color);
            }
        }
        (pieces, skeleton)
    }
}

/// What a subset of the edges of a tree makes of it, as indices of trees.
struct Partition {
    pieces: Vec<usize>,
    skeleton: usize,
    /// How many subsets do the same.
    count: i64,
}

impl Partition {
    fn term(&self, b: &Weights, a: &Weights) -> Q {
        let start = q(self.count, 1) * &a[self.skeleton];
        self.pieces.iter().fold(start, |product, &piece| product * &b[piece])
    }
}

/// All trees up to a size, in order of size, with all their partitions.
pub struct Forest {
    trees: Vec<Plain>,
    /// The partitions of each tree.
    partitions: Vec<Vec<Partition>>,
    /// The root's colour and the branches of a tree.
    branches: Vec<(u8, Vec<usize>)>,
}

impl Forest {
    pub fn new(colors: u8, max_nodes: usize) -> Forest {
        let mut trees: Vec<Plain> = Vec::new();
        let mut index: HashMap<String, usize> = HashMap::new();
        for nodes in 1..=max_nodes {
            // All parents[i] < i and all colours, by counting up in a mixed radix.
            let mut tree = Plain { parents: vec![0; nodes], colors: vec![0; nodes] };
            'counting: loop {
                index.entry(tree.name()).or_insert_with(|| {
                    trees.push(tree.clone());
                    trees.len() - 1
                });
                for i in (0..nodes).rev() {
                    if tree.colors[i] + 1 < colors {
                        tree.colors[i] += 1;
                        continue 'counting;
                    }
                    tree.colors[i] = 0;
                    if tree.parents[i] + 1 < i {
                        tree.parents[i] += 1;
                        continue 'counting;
                    }
                    tree.parents[i] = 0;
                }
                break;
            }
        }
        let id = |tree: &Plain| index[&tree.name()];
        let partitions = (trees.iter())
            .map(|tree| {
                let mut counts: HashMap<(Vec<usize>, usize), i64> = HashMap::new();
                for subset in 0..1u32 << (tree.parents.len() - 1) {
                    let (pieces, skeleton) = tree.partition(subset << 1);
                    let mut pieces: Vec<usize> = pieces.iter().map(id).collect();
                    pieces.sort_unstable();
                    *counts.entry((pieces, id(&skeleton))).or_default() += 1;
                }
                (counts.into_iter())
                    .map(|((pieces, skeleton), count)| Partition { pieces, skeleton, count })
                    .collect()
            })
            .collect();
        let branches = (trees.iter())
            .map(|tree| (tree.colors[0], tree.children(0).map(|i| id(&tree.branch(i))).collect()))
            .collect();
        Forest { trees, partitions, branches }
    }

    pub fn len(&self) -> usize {
        self.trees.len()
    }

    pub fn tree(&self, index: usize) -> Tree {
        self.trees[index].tree(0)
    }

    /// The weights of a series of the library.
    pub fn read(&self, weight: impl Fn(&Tree) -> Q) -> Weights {
        (0..self.len()).map(|i| weight(&self.tree(i))).collect()
    }

    /// The exact flow `1/γ`.
    pub fn exact(&self) -> Weights {
        self.trees.iter().map(|tree| q(1, tree.density())).collect()
    }

    /// The substitution `b ⋆ a`: over all partitions, the weights `b` of the pieces times the
    /// weight `a` of the skeleton.
    pub fn substitute(&self, b: &Weights, a: &Weights) -> Weights {
        (self.partitions.iter())
            .map(|partitions| partitions.iter().map(|partition| partition.term(b, a)).sum())
            .collect()
    }

    /// The field `b` with `b ⋆ e = a`, from small trees to large ones.
    pub fn field_of(&self, a: &Weights) -> Weights {
        let exact = self.exact();
        let mut b: Weights = Vec::new();
        for (tree, partitions) in self.partitions.iter().enumerate() {
            // The partition with one piece stands for the unknown b(τ) itself.
            let several = partitions.iter().filter(|partition| partition.pieces.len() > 1);
            let known: Q = several.map(|partition| partition.term(&b, &exact)).sum();
            b.push(&a[tree] - known);
        }
        b
    }

    /// The flow of the field `b` after `steps` steps, `(steps · b) ⋆ e`.
    pub fn flow(&self, b: &Weights, steps: i64) -> Weights {
        let scaled = b.iter().map(|weight| weight * q(steps, 1)).collect();
        self.substitute(&scaled, &self.exact())
    }

    /// `h f_color` at a point near the start: `points[c]` are the weights of what a branch of
    /// colour `c` sees.
    pub fn apply(&self, color: u8, points: &[&Weights]) -> Weights {
        (self.branches.iter())
            .map(|(root, branches)| {
                if *root != color {
                    return Q::zero();
                }
                (branches.iter())
                    .map(|&branch| &points[usize::from(self.branches[branch].0)][branch])
                    .fold(Q::one(), |product, weight| product * weight)
            })
            .collect()
    }
}

/// A linear combination of series.
pub fn combine(terms: &[(Q, &Weights)]) -> Weights {
    (0..terms[0].1.len())
        .map(|i| terms.iter().map(|(factor, weights)| factor * &weights[i]).sum())
        .collect()
}
