//! Spellings of many trees, each put together from those of its subtrees.

use crate::tree::{TreeId, TreeTable};

/// Trees up to this size are kept spelled out; larger ones are put together when needed.
const KEPT_NODES: usize = 12;

/// How a node and its children are spelled.
pub(super) trait Syntax: Sync {
    /// What stands before the children of a node of this colour that has so many.
    fn open(&self, color: u8, children: usize, out: &mut Vec<u8>);
    /// What stands after them.
    fn close(&self, color: u8, children: usize, out: &mut Vec<u8>);
}

/// Spells the trees of one table.
pub(super) struct Spelling<'t, S> {
    trees: &'t TreeTable,
    syntax: S,
    bytes: Vec<u8>,
    /// `ends[t]` is where the spelling of tree `t` ends in `bytes`.
    ends: Vec<u32>,
}

impl<'t, S: Syntax> Spelling<'t, S> {
    /// Spells the small trees of `trees`.
    pub fn new(trees: &'t TreeTable, syntax: S) -> Spelling<'t, S> {
        let mut spelling = Spelling { trees, syntax, bytes: Vec::new(), ends: Vec::new() };
        let kept = (1..=KEPT_NODES.min(trees.max_nodes())).flat_map(|n| trees.of_size(n));
        let mut bytes = Vec::new();
        for tree in kept {
            bytes.clear();
            spelling.write(tree, &mut bytes);
            spelling.bytes.extend_from_slice(&bytes);
            spelling.ends.push(spelling.bytes.len() as u32);
        }
        spelling
    }

    /// The spelling of `tree`.
    pub fn show(&self, tree: TreeId) -> String {
        let mut bytes = Vec::new();
        self.write(tree, &mut bytes);
        String::from_utf8(bytes).expect("every syntax writes text")
    }

    /// Appends the spelling of `tree`.
    pub fn write(&self, tree: TreeId, out: &mut Vec<u8>) {
        if let Some(&end) = self.ends.get(tree as usize) {
            let start = if tree == 0 { 0 } else { self.ends[tree as usize - 1] };
            out.extend_from_slice(&self.bytes[start as usize..end as usize]);
            return;
        }
        let (mut children, mut root) = (0, tree);
        while let Some((rest, _)) = self.trees.parts(root) {
            children += 1;
            root = rest;
        }
        let color = self.trees.color(root);
        self.syntax.open(color, children, out);
        let (mut root, mut first) = (tree, true);
        while let Some((rest, last)) = self.trees.parts(root) {
            if !first {
                out.push(b',');
            }
            first = false;
            self.write(last, out);
            root = rest;
        }
        self.syntax.close(color, children, out);
    }
}

/// Nested arrays, `[[],[]]`, or with several fields `{"field":"fx","children":[…]}`.
pub(super) struct Arrays(pub Vec<String>);

impl Syntax for Arrays {
    fn open(&self, color: u8, _: usize, out: &mut Vec<u8>) {
        if self.0.len() > 1 {
            out.extend_from_slice(b"{\"field\":\"");
            out.extend_from_slice(self.0[usize::from(color)].as_bytes());
            out.extend_from_slice(b"\",\"children\":");
        }
        out.push(b'[');
    }

    fn close(&self, _: u8, _: usize, out: &mut Vec<u8>) {
        out.push(b']');
        if self.0.len() > 1 {
            out.push(b'}');
        }
    }
}

/// Nested tuples of Python, `((),())`, or with several fields `("fx", (…))`.
pub(super) struct Tuples(pub Vec<String>);

impl Syntax for Tuples {
    fn open(&self, color: u8, _: usize, out: &mut Vec<u8>) {
        if self.0.len() > 1 {
            out.extend_from_slice(format!("(\"{}\",", self.0[usize::from(color)]).as_bytes());
        }
        out.push(b'(');
    }

    fn close(&self, _: u8, children: usize, out: &mut Vec<u8>) {
        // A tuple of one needs its comma.
        out.extend_from_slice(if children == 1 { b",)" } else { b")" });
        if self.0.len() > 1 {
            out.push(b')');
        }
    }
}

/// Nested lists of Mathematica, `{{},{}}`, or with several fields `{"fx",{…}}`.
pub(super) struct Braces(pub Vec<String>);

impl Syntax for Braces {
    fn open(&self, color: u8, _: usize, out: &mut Vec<u8>) {
        if self.0.len() > 1 {
            out.extend_from_slice(format!("{{\"{}\",", self.0[usize::from(color)]).as_bytes());
        }
        out.push(b'{');
    }

    fn close(&self, _: u8, _: usize, out: &mut Vec<u8>) {
        out.push(b'}');
        if self.0.len() > 1 {
            out.push(b'}');
        }
    }
}

/// Elementary differentials in ASCII, `f''(f'f,f)`.
pub(super) struct Derivatives(pub Vec<String>);

impl Syntax for Derivatives {
    fn open(&self, color: u8, children: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0[usize::from(color)].as_bytes());
        out.extend(std::iter::repeat_n(b'\'', children));
        if children > 1 {
            out.push(b'(');
        }
    }

    fn close(&self, _: u8, children: usize, out: &mut Vec<u8>) {
        if children > 1 {
            out.push(b')');
        }
    }
}
