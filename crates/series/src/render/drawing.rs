//! Rooted trees as drawings, the root at the bottom.

use crate::tree::{TreeId, TreeTable};

/// Distance of neighbouring branches and of parent and child.
const STEP: (f64, f64) = (15.0, 17.0);
/// Radius of a node.
const RADIUS: f64 = 4.2;

/// A drawn tree: its size and where its nodes and edges are.
pub(super) struct Drawing {
    pub width: f64,
    pub height: f64,
    nodes: Vec<(f64, f64, u8)>,
    edges: Vec<[(f64, f64); 2]>,
}

impl Drawing {
    /// Draws `tree`: leaves stand at equal distances, every other node above the middle of its
    /// outermost children.
    pub fn new(trees: &TreeTable, tree: TreeId) -> Drawing {
        let mut drawing = Drawing { width: 0.0, height: 0.0, nodes: Vec::new(), edges: Vec::new() };
        let mut leaves = 0;
        drawing.place(trees, tree, 0, &mut leaves);
        let depth = drawing.nodes.iter().map(|n| n.1).fold(0.0, f64::max);
        // Depths grow upwards, the page grows downwards.
        let flip = |y: f64| depth - y + RADIUS + 1.0;
        for node in &mut drawing.nodes {
            node.1 = flip(node.1);
        }
        for end in drawing.edges.iter_mut().flatten() {
            end.1 = flip(end.1);
        }
        drawing.width = (leaves - 1) as f64 * STEP.0 + 2.0 * (RADIUS + 1.0);
        drawing.height = depth + 2.0 * (RADIUS + 1.0);
        drawing
    }

    fn place(
        &mut self,
        trees: &TreeTable,
        tree: TreeId,
        depth: usize,
        leaves: &mut usize,
    ) -> (f64, f64) {
        let children: Vec<(f64, f64)> = trees
            .children(tree)
            .into_iter()
            .map(|child| self.place(trees, child, depth + 1, leaves))
            .collect();
        let x = match (children.first(), children.last()) {
            (Some(first), Some(last)) => (first.0 + last.0) / 2.0,
            _ => {
                *leaves += 1;
                (*leaves - 1) as f64 * STEP.0 + RADIUS + 1.0
            }
        };
        let here = (x, depth as f64 * STEP.1);
        self.edges.extend(children.into_iter().map(|child| [here, child]));
        self.nodes.push((here.0, here.1, trees.color(tree)));
        here
    }

    /// The elements of the drawing; nodes have the class `n` and that of their colour, `c0`.
    pub fn svg(&self) -> String {
        let number = |x: f64| ((x * 10.0).round() / 10.0).to_string();
        let mut out = String::new();
        for [(x1, y1), (x2, y2)] in &self.edges {
            out.push_str(&format!(
                "<path d=\"M{} {}L{} {}\"/>",
                number(*x1),
                number(*y1),
                number(*x2),
                number(*y2)
            ));
        }
        for (x, y, color) in &self.nodes {
            out.push_str(&format!(
                "<circle class=\"c{color}\" cx=\"{}\" cy=\"{}\" r=\"{RADIUS}\"/>",
                number(*x),
                number(*y)
            ));
        }
        out
    }
}

/// How drawings look, in the colours of [`page`](super::page).
pub(super) const STYLE: &str = "\
path{stroke:var(--edge);stroke-width:1.4}\n\
.c0{fill:var(--c0)}.c1{fill:var(--c1)}.c2{fill:var(--c2)}.c3{fill:var(--c3)}\
.c4{fill:var(--c4)}.c5{fill:var(--c5)}.c6{fill:var(--c6)}\n";
