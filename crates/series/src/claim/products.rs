//! Terms that are multiplied by scalar fields: `‖g‖² g`, `E²`.
//!
//! A scalar field is a free tree. A product of several, or of some with a tree, is stored as one tree, whose root has the
//! colour [`PRODUCT`] and carries the tree, if there is one, and each scalar field below a node of the colour [`FACTOR`].
//! Whatever sorts, compares and walks trees does so for products too.

use super::holes::{attachments, fill, is_hole, rerooted, unrooted};
use crate::tree::Tree;

/// The colour of a root that carries the factors of a product.
pub(super) const PRODUCT: u8 = 199;

/// The colour of a node that carries a scalar field.
pub(super) const FACTOR: u8 = 198;

/// A term: a tree, unless it is a scalar field, and its scalar factors.
#[derive(Clone)]
pub(super) struct Product {
    pub tree: Option<Tree>,
    pub scalars: Vec<Tree>,
}

impl Product {
    /// The parts of a term; those of a `scalar` field are all scalars.
    pub fn of(term: &Tree, scalar: bool) -> Product {
        let mut product = Product { tree: None, scalars: Vec::new() };
        if term.color() != PRODUCT {
            product.tree = Some(term.clone());
        }
        for part in term.children().iter().filter(|_| term.color() == PRODUCT) {
            match part.color() {
                FACTOR => product.scalars.extend(part.children().iter().cloned()),
                _ => product.tree = Some(part.clone()),
            }
        }
        if scalar {
            product.scalars.extend(product.tree.take());
        }
        product
    }

    /// The term as one tree, with every scalar field in its canonical form.
    pub fn term(self) -> Tree {
        let Product { tree, scalars } = self;
        let mut scalars: Vec<Tree> = scalars.into_iter().map(unrooted).collect();
        match (tree, scalars.len()) {
            (Some(tree), 0) => tree,
            (None, 1) => scalars.pop().expect("there is one"),
            (tree, _) => {
                let factors = scalars.into_iter().map(|s| Tree::new(FACTOR, vec![s]));
                Tree::new(PRODUCT, factors.chain(tree).collect())
            }
        }
    }

    /// The product with the scalar factors of another one.
    fn times(mut self, scalars: &[Tree]) -> Product {
        self.scalars.extend(scalars.iter().cloned());
        self
    }
}

/// The product of a scalar field and any term; `scalar` says whether that is a scalar field too.
pub(super) fn product(field: &Tree, term: &Tree, scalar: bool) -> Tree {
    Product::of(term, scalar).times(&Product::of(field, true).scalars).term()
}

/// The inner product of two vector fields: their roots are joined by an edge.
pub(super) fn joined(a: &Tree, b: &Tree) -> Tree {
    let (a, b) = (Product::of(a, false), Product::of(b, false));
    let join = |a: Tree, b: Tree| {
        let mut branches = a.children().to_vec();
        branches.push(b);
        Tree::new(a.color(), branches)
    };
    let edge = a.tree.zip(b.tree).map(|(a, b)| join(a, b));
    let scalars = a.scalars.into_iter().chain(b.scalars).chain(edge).collect();
    Product { tree: None, scalars }.term()
}

/// The terms of the derivative in the direction of a leaf: it is attached to each node in turn.
pub(super) fn derivatives(term: &Tree, leaf: &Tree, scalar: bool) -> Vec<Tree> {
    let product = Product::of(term, scalar);
    let mut terms = Vec::new();
    for tree in product.tree.iter().flat_map(|tree| attachments(tree, leaf)) {
        terms.push(Product { tree: Some(tree), ..product.clone() }.term());
    }
    for (i, scalar) in product.scalars.iter().enumerate() {
        for grown in attachments(scalar, leaf) {
            let mut product = product.clone();
            product.scalars[i] = grown;
            terms.push(product.term());
        }
    }
    terms
}

/// The terms of the gradient of a scalar field: every node in turn becomes the root, in one factor after another.
pub(super) fn gradients(term: &Tree) -> Vec<Tree> {
    let product = Product::of(term, true);
    let mut terms = Vec::new();
    for (i, scalar) in product.scalars.iter().enumerate() {
        let mut scalars = product.scalars.clone();
        scalars.remove(i);
        let roots = (0..scalar.size()).map(|root| rerooted(scalar, root)).filter(|t| !is_hole(t));
        terms.extend(
            roots.map(|tree| Product { tree: Some(tree), scalars: scalars.clone() }.term()),
        );
    }
    terms
}

/// A term with the hole of the given colour filled; scalar factors of the value become factors of the term.
pub(super) fn filled(term: &Tree, color: u8, value: &Tree, scalar: bool) -> Tree {
    let value = Product::of(value, false);
    let Product { tree: Some(inside), scalars } = value else { return term.clone() };
    let product = Product::of(term, scalar);
    let fill = |tree: &Tree| fill(tree, color, &inside);
    let tree = product.tree.as_ref().map(fill);
    Product { tree, scalars: product.scalars.iter().map(fill).collect() }.times(&scalars).term()
}

/// Whether a term in its canonical form has no second or higher derivative of a vector field.
pub(super) fn is_principal(term: &Tree, scalar: bool) -> bool {
    let Product { tree, scalars } = Product::of(term, scalar);
    // A path: its largest rooted form has the root at one end, unless there are holes at both.
    let is_path = |s: &Tree| s.children().len() <= 2 && s.children().iter().all(Tree::is_chain);
    tree.iter().all(Tree::is_chain) && scalars.iter().all(is_path)
}

#[cfg(test)]
mod tests {
    use super::super::differential::{Bounds, Differential, FieldKind, H};
    use super::*;
    use crate::exact::{Poly, RationalFunction as Q};

    /// The coordinate of a line, on which every tree is a product of derivatives.
    const X: usize = 1;

    /// The potential `U = -E`, a polynomial.
    fn potential() -> Poly {
        let x = |power: u32, factor: i64| Poly::variable(X).pow(power).scale(&factor.into());
        [x(5, 3), x(4, -2), x(3, 7), x(2, 5), x(1, -1), Poly::constant(4)]
            .iter()
            .fold(Poly::zero(), |s, p| s.add(p))
    }

    fn derived(p: &Poly, times: usize) -> Poly {
        (0..times).fold(p.clone(), |p, _| p.derivative(X))
    }

    /// The value on the line: a node of a scalar field is `U` derived once for each edge, one of a vector field once more.
    fn value(field: &Differential) -> Poly {
        fn of(tree: &Tree, above: usize) -> Poly {
            let own = derived(&potential(), tree.children().len() + above);
            tree.children().iter().fold(own, |value, child| value.mul(&of(child, 1)))
        }
        let mut sum = Poly::zero();
        for (term, coefficient) in field.terms() {
            assert!(coefficient.denominator().is_one());
            let product = Product::of(term, field.kind == FieldKind::Scalar);
            let scalars = product.scalars.iter().map(|s| of(s, 0));
            let all = scalars.chain(product.tree.iter().map(|tree| of(tree, 1)));
            sum = sum.add(&all.fold(coefficient.numerator().clone(), |value, p| value.mul(&p)));
        }
        sum
    }

    fn fields() -> (Vec<Differential>, Vec<Differential>) {
        let free = Bounds::default();
        let f = Differential::field(0);
        let hg = f.along(&f, &free).unwrap();
        let energy = Differential::loss();
        let square = f.dot(&f, &free).unwrap();
        let other = hg.dot(&f, &free).unwrap().plus(&energy.scaled(&Q::integer(3)));
        let product = energy.multiplied(&square, &free).unwrap();
        let vectors = vec![f.clone(), hg, energy.multiplied(&f, &free).unwrap()];
        (vec![energy, square, other, product], vectors)
    }

    #[test]
    fn products_have_the_product_of_the_values() {
        let free = Bounds::default();
        let (scalars, vectors) = fields();
        for a in &scalars {
            for b in scalars.iter().chain(&vectors) {
                let product = a.multiplied(b, &free).unwrap();
                assert_eq!(value(&product), value(a).mul(&value(b)));
            }
        }
        for a in &vectors {
            for b in &vectors {
                assert_eq!(value(&a.dot(b, &free).unwrap()), value(a).mul(&value(b)));
            }
        }
    }

    #[test]
    fn gradients_and_derivatives_of_products_are_those_of_the_values() {
        let free = Bounds::default();
        let (scalars, vectors) = fields();
        for a in &scalars {
            for b in &scalars {
                let product = a.multiplied(b, &free).unwrap();
                assert_eq!(value(&product.gradient()), derived(&value(&product), 1));
                let cube = product.multiplied(a, &free).unwrap();
                assert_eq!(value(&cube.gradient()), derived(&value(&cube), 1));
            }
            for b in &vectors {
                let product = a.multiplied(b, &free).unwrap();
                let along = product.derivative().unwrap().filled(0, b, &free).unwrap();
                assert_eq!(value(&along), derived(&value(&product), 1).mul(&value(b)));
                assert_eq!(value(&product.along(b, &free).unwrap()), value(&along));
            }
        }
    }

    #[test]
    fn shifted_products_are_taylor_series_of_the_values() {
        const ORDER: u32 = 4;
        let bounds = Bounds { order: Some(i64::from(ORDER)), chains_only: false };
        let (scalars, vectors) = fields();
        for step in &vectors {
            let step = step.scaled(&Q::variable(H));
            for field in scalars.iter().chain(&vectors) {
                let mut taylor = Poly::zero();
                for k in 0..ORDER {
                    let factorial: i64 = (1..=i64::from(k)).product();
                    let term = derived(&value(field), k as usize).mul(&value(&step).pow(k));
                    // Scaled by 3!, so that all coefficients are integers.
                    taylor = taylor.add(&term.scale(&(6 / factorial).into()));
                }
                let shifted = field.shifted(&step, &bounds).unwrap().scaled(&Q::integer(6));
                assert_eq!(value(&shifted), taylor);
            }
        }
    }
}
