//! One rooted tree as a value.

use num_bigint::BigUint;
use num_traits::One;
use std::fmt;
use std::str::FromStr;

/// A rooted tree in canonical form: the children of every node are sorted, so equal trees are
/// equal values.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Tree {
    color: u8,
    children: Vec<Tree>,
}

impl Tree {
    /// The single node `•` of the given colour.
    pub fn leaf(color: u8) -> Tree {
        Tree { color, children: Vec::new() }
    }

    /// The tree whose root has the given colour and carries `children`, in any order.
    pub fn new(color: u8, mut children: Vec<Tree>) -> Tree {
        children.sort_by(|a, b| b.cmp(a));
        Tree { color, children }
    }

    /// The tall tree (chain) with `nodes ≥ 1` nodes of colour 0.
    pub fn chain(nodes: usize) -> Tree {
        (1..nodes).fold(Tree::leaf(0), |tree, _| Tree::new(0, vec![tree]))
    }

    /// Colour of the root.
    pub fn color(&self) -> u8 {
        self.color
    }

    /// The subtrees at the root, largest first.
    pub fn children(&self) -> &[Tree] {
        &self.children
    }

    /// `|τ|`, the number of nodes.
    pub fn size(&self) -> usize {
        1 + self.children.iter().map(Tree::size).sum::<usize>()
    }

    /// `σ(τ)`, the order of the automorphism group: `Π σ(τj)` times the factorials of the
    /// multiplicities of equal children.
    pub fn symmetry(&self) -> BigUint {
        let mut product = BigUint::one();
        let mut run = 0u32;
        for (i, child) in self.children.iter().enumerate() {
            run = if i > 0 && self.children[i - 1] == *child { run + 1 } else { 1 };
            product *= child.symmetry() * run;
        }
        product
    }

    /// `γ(τ)`, the density (tree factorial): `|τ| Π γ(τj)`.
    pub fn density(&self) -> BigUint {
        self.children.iter().map(Tree::density).product::<BigUint>() * self.size()
    }

    /// Whether no node has more than one child.
    pub fn is_chain(&self) -> bool {
        self.children.len() <= 1 && self.children.iter().all(Tree::is_chain)
    }

    /// Whether every node has colour 0.
    pub fn is_uncolored(&self) -> bool {
        self.color == 0 && self.children.iter().all(Tree::is_uncolored)
    }
}

impl Ord for Tree {
    /// By size, then by the colour of the root, then by the children from the largest on.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.size()
            .cmp(&other.size())
            .then_with(|| self.color.cmp(&other.color))
            .then_with(|| self.children.cmp(&other.children))
    }
}

impl PartialOrd for Tree {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Nested brackets without colours: `[[],[]]`.
impl fmt::Display for Tree {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("[")?;
        for (i, child) in self.children.iter().enumerate() {
            if i > 0 {
                out.write_str(",")?;
            }
            write!(out, "{child}")?;
        }
        out.write_str("]")
    }
}

/// Why a text is not a tree, and the byte where that shows.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message} at column {}", .position + 1)]
pub struct ParseTreeError {
    /// What was expected or is wrong.
    pub message: String,
    /// Byte offset in the text.
    pub position: usize,
}

/// Reads nested brackets, `[[],[[]]]`; blanks are allowed between them.
impl FromStr for Tree {
    type Err = ParseTreeError;

    fn from_str(text: &str) -> Result<Tree, ParseTreeError> {
        let fail =
            |message: &str, position| Err(ParseTreeError { message: message.into(), position });
        // An explicit stack: the depth of a tree is not bounded by the call stack.
        let mut open: Vec<Vec<Tree>> = Vec::new();
        let mut done: Option<Tree> = None;
        let mut after_comma = false;
        let mut after_child = false;
        for (position, c) in text.char_indices() {
            if c.is_whitespace() {
                continue;
            }
            if done.is_some() {
                return fail("unexpected text after the tree", position);
            }
            match c {
                '[' if after_child => return fail("expected ',' between two subtrees", position),
                '[' => {
                    open.push(Vec::new());
                    after_comma = false;
                }
                ']' if after_comma => return fail("expected a subtree after ','", position),
                ']' => {
                    let Some(children) = open.pop() else {
                        return fail("this ']' closes nothing", position);
                    };
                    let tree = Tree::new(0, children);
                    match open.last_mut() {
                        Some(parent) => parent.push(tree),
                        None => done = Some(tree),
                    }
                    after_child = true;
                    continue;
                }
                ',' if after_child && !open.is_empty() => after_comma = true,
                ',' => return fail("this ',' follows no subtree", position),
                _ => return fail("a tree is written with '[', ']' and ','", position),
            }
            after_child = false;
        }
        match done {
            Some(tree) => Ok(tree),
            None if open.is_empty() => fail("expected a tree such as [[],[]]", text.len()),
            None => fail("a '[' is not closed", text.len()),
        }
    }
}
