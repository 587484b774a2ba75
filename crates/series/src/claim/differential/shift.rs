//! A field at a shifted point.

use super::{Bounds, Differential, FieldKind, MAX_NODES, TooLarge, earliest};
use crate::claim::holes::is_hole;
use crate::exact::RationalFunction as Q;
use crate::tree::Tree;

impl Differential {
    /// The field at the shifted point `θ + shift`, by Taylor's formula at every node:
    /// `f^(m)(…)` becomes `Σ_k 1/k! f^(m+k)(…, shift, …, shift)`. The shift must be a multiple of
    /// `h` and the bounds must limit its powers.
    pub fn shifted(&self, shift: &Differential, bounds: &Bounds) -> Result<Differential, TooLarge> {
        let mut result = Differential::zero(self.kind, self.arity);
        for (tree, coefficient) in &self.terms {
            // Of a scalar field, a node with two neighbours is still part of a path.
            let inner = Bounds {
                chains_only: bounds.chains_only && self.kind == FieldKind::Vector,
                ..*bounds
            };
            let moved = shifted_tree(tree, shift, &inner)?;
            for (t, c) in &moved.terms {
                result.product(t.clone(), c, coefficient, bounds)?;
            }
        }
        result.precision = earliest(self.precision, earliest(shift.precision, bounds.order))
            .map(|p| p + self.low().min(0));
        Ok(result)
    }

    /// Every root with one more child, of any of the trees of `other`.
    fn grafted(&self, other: &Differential, bounds: &Bounds) -> Result<Differential, TooLarge> {
        let mut result = Differential::zero(FieldKind::Vector, self.arity);
        for (a, ca) in &self.terms {
            for (b, cb) in &other.terms {
                if a.size() + b.size() > MAX_NODES {
                    return Err(TooLarge::Nodes);
                }
                let mut children = a.children().to_vec();
                children.push(b.clone());
                result.product(Tree::new(a.color(), children), ca, cb, bounds)?;
            }
        }
        Ok(result)
    }
}

/// The sum over all ways to hang copies of the shift on the nodes of `tree`, `1/k!` for `k` on one.
fn shifted_tree(
    tree: &Tree,
    shift: &Differential,
    bounds: &Bounds,
) -> Result<Differential, TooLarge> {
    let root = Tree::leaf(tree.color());
    let mut node = Differential::term(FieldKind::Vector, 0, root, Q::one());
    if is_hole(tree) {
        return Ok(node);
    }
    for child in tree.children() {
        node = node.grafted(&shifted_tree(child, shift, bounds)?, bounds)?;
    }
    let mut sum = node.clone();
    for k in 1.. {
        node = node.grafted(shift, bounds)?;
        if node.is_zero() {
            break;
        }
        node = node.scaled(&Q::integer(k).inverse().expect("k > 0"));
        sum = sum.plus(&node);
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{f, h, shown, up_to};
    use super::*;

    #[test]
    fn shifting_is_taylors_formula() {
        let step = f().scaled(&h(1));
        let shifted = f().shifted(&step, &up_to(3)).unwrap();
        assert_eq!(shown(&shifted), ["1 []", "h [[]]", "h^2/2 [[],[]]", "h^3/6 [[],[],[]]"]);
        assert_eq!(shifted.precision, Some(4));
        // E(θ + h f) = E - h ‖g‖² + h²/2 g·Hg - …
        let loss = Differential::loss().shifted(&step, &up_to(2)).unwrap();
        assert_eq!(shown(&loss), ["-1 []", "-h [[]]", "-h^2/2 [[[]]]"]);
    }
}
