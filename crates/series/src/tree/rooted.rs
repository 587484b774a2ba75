//! One rooted tree as a value.

use crate::text::pasted::explained;
use num_bigint::BigUint;
use num_traits::One;
use std::fmt;
use std::str::FromStr;

/// A rooted tree in canonical form: the children of every node are sorted, so equal trees are
/// equal values.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Tree {
    /// `|τ|`, kept because comparing two trees asks for it at every node.
    size: usize,
    color: u8,
    children: Vec<Tree>,
}

impl Tree {
    /// The single node `•` of the given colour.
    pub fn leaf(color: u8) -> Tree {
        Tree { size: 1, color, children: Vec::new() }
    }

    /// The tree whose root has the given colour and carries `children`, in any order.
    pub fn new(color: u8, mut children: Vec<Tree>) -> Tree {
        children.sort_by(|a, b| b.cmp(a));
        let size = 1 + children.iter().map(Tree::size).sum::<usize>();
        Tree { size, color, children }
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
        self.size
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
        self.colors() == 1
    }

    /// The smallest number of colours that the tree can be written with, one more than its largest
    /// colour.
    pub fn colors(&self) -> usize {
        self.children.iter().map(Tree::colors).fold(usize::from(self.color) + 1, usize::max)
    }
}

impl Ord for Tree {
    /// By size, then by the colour of the root, then by the children from the largest on.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.size
            .cmp(&other.size)
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

/// How many brackets may be nested in the text of a tree. Trees that tall are beyond any derivation,
/// and the bound keeps recursion over a tree within the stack of a thread.
pub const MAX_DEPTH: usize = 500;

/// Why a text is not a tree, and the byte where that shows.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message} at column {}", .position + 1)]
pub struct ParseTreeError {
    /// What was expected or is wrong.
    pub message: String,
    /// Byte offset in the text.
    pub position: usize,
}

/// Reads nested brackets, `[[],[[]]]`, at most [`MAX_DEPTH`] deep; blanks are allowed between them.
impl FromStr for Tree {
    type Err = ParseTreeError;

    fn from_str(text: &str) -> Result<Tree, ParseTreeError> {
        let fail =
            |message: &str, position| Err(ParseTreeError { message: message.into(), position });
        // The children found so far of every open bracket.
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
                '[' if open.len() == MAX_DEPTH => {
                    let message = format!("brackets nested deeper than {MAX_DEPTH} levels");
                    return fail(&message, position);
                }
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
                other => {
                    let message = "a tree is written with '[', ']' and ','";
                    return fail(&explained(message, &other.to_string()), position);
                }
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tree(text: &str) -> Tree {
        text.parse().unwrap()
    }

    /// Trees of up to three colours with their children in arbitrary order.
    fn arbitrary_tree() -> impl Strategy<Value = Tree> {
        (0..3u8).prop_map(Tree::leaf).prop_recursive(5, 30, 4, |inner| {
            (0..3u8, prop::collection::vec(inner, 0..4))
                .prop_map(|(color, children)| Tree::new(color, children))
        })
    }

    fn without_colors(tree: &Tree) -> Tree {
        Tree::new(0, tree.children().iter().map(without_colors).collect())
    }

    /// The number of automorphisms, by trying every bijection between the children.
    fn automorphisms(a: &Tree, b: &Tree) -> u64 {
        fn match_children(a: &[Tree], b: &mut Vec<&Tree>) -> u64 {
            let Some((first, others)) = a.split_first() else { return 1 };
            let mut total = 0;
            for i in 0..b.len() {
                let partner = b.remove(i);
                let ways = automorphisms(first, partner);
                if ways > 0 {
                    total += ways * match_children(others, b);
                }
                b.insert(i, partner);
            }
            total
        }
        if a.color() != b.color() || a.children().len() != b.children().len() {
            return 0;
        }
        match_children(a.children(), &mut b.children().iter().collect())
    }

    #[test]
    fn known_symmetries_and_densities() {
        // HLW table III.1.1.
        for (text, size, symmetry, density) in [
            ("[]", 1, 1u32, 1u32),
            ("[[]]", 2, 1, 2),
            ("[[],[]]", 3, 2, 3),
            ("[[[]]]", 3, 1, 6),
            ("[[],[],[]]", 4, 6, 4),
            ("[[[]],[]]", 4, 1, 8),
            ("[[[],[]]]", 4, 2, 12),
            ("[[[[]]]]", 4, 1, 24),
            ("[[[]],[[]]]", 5, 2, 20),
        ] {
            let t = tree(text);
            assert_eq!(
                (t.size(), t.symmetry(), t.density()),
                (size, symmetry.into(), density.into()),
                "{text}"
            );
        }
    }

    #[test]
    fn chains() {
        assert_eq!(Tree::chain(1), tree("[]"));
        assert_eq!(Tree::chain(4), tree("[[[[]]]]"));
        assert!(Tree::chain(7).is_chain());
        assert!(!tree("[[[],[]]]").is_chain());
    }

    #[test]
    fn blanks_and_the_order_of_children_do_not_matter() {
        assert_eq!(tree(" [ [] ,\n[ [ ] ] ] "), tree("[[[]],[]]"));
        assert_eq!(tree("[[],[[]]]").to_string(), "[[[]],[]]");
    }

    #[test]
    fn faults_are_located() {
        for (text, message) in [
            ("", "expected a tree such as [[],[]] at column 1"),
            ("  ", "expected a tree such as [[],[]] at column 3"),
            ("[[]", "a '[' is not closed at column 4"),
            ("[]]", "unexpected text after the tree at column 3"),
            ("[],[]", "unexpected text after the tree at column 3"),
            ("]", "this ']' closes nothing at column 1"),
            (",", "this ',' follows no subtree at column 1"),
            ("[,[]]", "this ',' follows no subtree at column 2"),
            ("[[],,[]]", "this ',' follows no subtree at column 5"),
            ("[[],]", "expected a subtree after ',' at column 5"),
            ("[[][]]", "expected ',' between two subtrees at column 4"),
            ("[x]", "a tree is written with '[', ']' and ',' at column 2"),
            ("[(])", "a tree is written with '[', ']' and ',' at column 2"),
        ] {
            assert_eq!(text.parse::<Tree>().unwrap_err().to_string(), message, "{text:?}");
        }
    }

    #[test]
    fn the_deepest_tree_fits_in_the_stack_of_a_thread() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        let tall = tree(&nested(MAX_DEPTH));
        let forked = Tree::new(0, vec![tall.clone(), tall.clone()]);
        assert_eq!((tall.size(), forked.size()), (MAX_DEPTH, 2 * MAX_DEPTH + 1));
        assert_eq!(tall.to_string(), nested(MAX_DEPTH));
        assert_eq!(tall.density(), (1..=MAX_DEPTH).product::<BigUint>());
        assert_eq!(forked.symmetry(), 2u32.into());
        assert!(tall.is_chain() && tall.is_uncolored());
        assert_eq!(tall.cmp(&Tree::chain(MAX_DEPTH)), std::cmp::Ordering::Equal);
        for depth in [MAX_DEPTH + 1, 10_000, 1_000_000] {
            assert_eq!(
                nested(depth).parse::<Tree>().unwrap_err().to_string(),
                "brackets nested deeper than 500 levels at column 501"
            );
        }
    }

    proptest! {
        #[test]
        fn permuting_children_gives_the_same_tree(
            t in arbitrary_tree(),
            seed in prop::collection::vec(any::<usize>(), 30),
        ) {
            fn shuffle(tree: &Tree, seed: &mut impl Iterator<Item = usize>) -> Tree {
                let mut left: Vec<Tree> = tree.children().iter().map(|c| shuffle(c, seed)).collect();
                let mut children = Vec::new();
                while !left.is_empty() {
                    children.push(left.swap_remove(seed.next().unwrap() % left.len()));
                }
                Tree::new(tree.color(), children)
            }
            prop_assert_eq!(shuffle(&t, &mut seed.into_iter().cycle()), t);
        }

        #[test]
        fn printing_and_parsing_give_the_tree_back(t in arbitrary_tree()) {
            let plain = without_colors(&t);
            prop_assert_eq!(plain.to_string().parse::<Tree>().unwrap(), plain);
        }

        #[test]
        fn symmetry_counts_automorphisms(t in arbitrary_tree()) {
            prop_assume!(t.size() <= 12);
            prop_assert_eq!(t.symmetry(), automorphisms(&t, &t).into());
        }

        #[test]
        fn any_text_parses_or_fails_without_panic(text in "[\\[\\], x\u{e9}]{0,40}") {
            if let Ok(t) = text.parse::<Tree>() {
                prop_assert_eq!(t.size(), text.matches('[').count());
            }
        }
    }
}
