//! Elementary differentials `F(τ)` as formulas.

use crate::field::Field;
use crate::formula::{Bracket, Index, Math};
use crate::tree::{TreeId, TreeTable};

/// How an elementary differential is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Notation {
    /// Derivatives applied to vectors: f''(f,f)
    #[default]
    Primes,
    /// The tree itself in Butcher's brackets: [•,•]
    Dots,
    /// Sums over repeated indices: f^i_{,jk} f^j f^k
    Index,
}

/// What an elementary differential is written in terms of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Form {
    /// The vector field f
    #[default]
    Field,
    /// The loss: f = -∇E, its gradient ∇E, its Hessian H, and higher derivatives ∇³E[·,·]
    Gradient,
}

/// Writes elementary differentials of one field.
pub struct Writer<'a> {
    field: &'a Field,
    notation: Notation,
    form: Form,
    letters: Vec<String>,
}

impl<'a> Writer<'a> {
    /// A writer of the differentials of `field`.
    pub fn new(field: &'a Field, notation: Notation, form: Form) -> Writer<'a> {
        // Indices that are no names of anything else, and as many as there are nodes.
        let taken =
            |letter: &str| field.parameters.iter().chain(&field.spaces).any(|name| name == letter);
        let singles = "ijklmnpqrstuvwabc".chars().map(String::from).filter(|l| !taken(l));
        let numbered = (1..).map(|n| format!("i{n} "));
        let letters = singles.chain(numbered).take(field.order + 1).collect();
        Writer { field, notation, form, letters }
    }

    /// Whether `F(τ)` is minus the formula that [`differential`](Self::differential) writes: with
    /// `f = -∇E` each node brings a sign.
    pub fn is_negated(&self, nodes: usize) -> bool {
        self.form == Form::Gradient && nodes % 2 == 1
    }

    /// `F(τ)`, up to the sign [`is_negated`](Self::is_negated).
    pub fn differential(&self, tree: TreeId) -> Math {
        match (self.notation, self.form) {
            (Notation::Primes, Form::Field) => self.primes(tree),
            (Notation::Primes, Form::Gradient) => self.gradient(tree),
            (Notation::Dots, _) => self.dots(tree),
            (Notation::Index, _) => {
                let mut components = Vec::new();
                self.components(tree, 0, &mut components);
                Math::Contraction(components)
            }
        }
    }

    /// The velocity of a space, whose index is that of the roots of
    /// [`differential`](Self::differential).
    pub fn velocity(&self, space: &str) -> Math {
        Math::Velocity(space.into(), self.index())
    }

    /// The parameters of a space at the start, with the index of [`velocity`](Self::velocity).
    pub fn start(&self, space: &str, effective: bool) -> Math {
        Math::Start { name: space.into(), index: self.index(), effective }
    }

    fn index(&self) -> Option<Index> {
        (self.notation == Notation::Index).then(|| {
            let letter = self.letters[0].clone();
            match self.form {
                Form::Field => Index::Upper(letter),
                Form::Gradient => Index::Lower(letter),
            }
        })
    }

    fn trees(&self) -> &TreeTable {
        self.field.trees()
    }

    fn name(&self, tree: TreeId) -> &str {
        &self.field.fields[usize::from(self.trees().color(tree))].name
    }

    /// `F([τ1,…,τm]) = f^(m)(F(τ1),…,F(τm))`.
    fn primes(&self, tree: TreeId) -> Math {
        let children = self.trees().children(tree);
        let head = self.name(tree).to_string();
        match children[..] {
            [] => Math::Name(head),
            [child] => {
                let mut row = vec![Math::Primes(head, 1)];
                match self.primes(child) {
                    Math::Row(rest) => row.extend(rest),
                    other => row.push(other),
                }
                Math::Row(row)
            }
            _ => Math::Apply(
                Box::new(Math::Primes(head, children.len())),
                children.iter().map(|&child| self.primes(child)).collect(),
                Bracket::Round,
            ),
        }
    }

    /// `∇^(m+1)E[…]`, which is `F(τ)` up to sign.
    fn gradient(&self, mut tree: TreeId) -> Math {
        let mut hessians = 0;
        let mut children = self.trees().children(tree);
        while let [child] = children[..] {
            hessians += 1;
            tree = child;
            children = self.trees().children(tree);
        }
        let derivative = Math::Row(vec![Math::Nabla(children.len() + 1), Math::name("E")]);
        let core = if children.is_empty() {
            derivative
        } else {
            let arguments = children.iter().map(|&child| self.gradient(child)).collect();
            Math::Apply(Box::new(derivative), arguments, Bracket::Square)
        };
        match hessians {
            0 => core,
            _ => Math::Row(vec![Math::power(Math::name("H"), hessians), core]),
        }
    }

    fn dots(&self, tree: TreeId) -> Math {
        let children = self.trees().children(tree);
        let node = Math::Node(self.trees().color(tree).into());
        if children.is_empty() {
            return node;
        }
        let arguments = children.iter().map(|&child| self.dots(child)).collect();
        let list = Math::Apply(Box::new(Math::Row(vec![])), arguments, Bracket::Square);
        // With several fields the colour of the root stands after its children.
        if self.trees().colors() > 1 { Math::Row(vec![list, node]) } else { list }
    }

    /// Appends the components of `tree`, whose root has the index number `own`; returns the next
    /// free index number.
    fn components(&self, tree: TreeId, own: usize, out: &mut Vec<Math>) -> usize {
        let children = self.trees().children(tree);
        let index = |n: usize| self.letters[n].clone();
        let place = out.len();
        out.push(Math::Row(vec![]));
        let mut next = own + 1;
        let mut lower = Vec::new();
        for &child in &children {
            lower.push(index(next));
            next = self.components(child, next, out);
        }
        out[place] = match self.form {
            Form::Field => Math::Component(self.name(tree).into(), Some(index(own)), lower),
            Form::Gradient => {
                lower.insert(0, index(own));
                Math::Component("E".into(), None, lower)
            }
        };
        next
    }
}
