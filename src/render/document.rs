//! What is to be shown of a modified field, and in which terms.

use super::coefficient::Coefficient;
use super::math::Math;
use super::notation::{Form, Notation, Writer};
use crate::exact::RationalFunction;
use crate::field::{Field, Term};
use crate::tree::TreeId;
use num_rational::BigRational;

/// A modified field and the choices of how to show it.
pub struct Document<'a> {
    /// The field.
    pub field: &'a Field,
    /// The parameters that were given values.
    pub values: Vec<(String, BigRational)>,
    /// Which terms.
    pub part: Part,
    /// Only the terms of this tree, even if they are 0.
    pub tree: Option<TreeId>,
    /// How elementary differentials are written.
    pub notation: Notation,
    /// What they are written in terms of.
    pub form: Form,
    /// For text.
    pub layout: Layout,
}

/// A choice of terms.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Part {
    /// All of them.
    #[default]
    All,
    /// Those of tall trees.
    Principal,
    /// The others.
    NonPrincipal,
}

/// The page that text is written on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    /// Characters a line.
    pub width: usize,
    /// Whether to use colours.
    pub color: bool,
}

impl Default for Layout {
    fn default() -> Layout {
        Layout { width: 80, color: false }
    }
}

/// A term ready to be written: `± coefficient · h^power · differential`.
pub(super) struct Line {
    pub term: Term,
    pub nodes: usize,
    pub coefficient: Coefficient,
    pub differential: Math,
}

/// Lines that are written together: one power of `h`, or one number of nodes where `h` is no common
/// factor.
pub(super) struct Group<'d> {
    pub power: Option<i32>,
    pub lines: Box<dyn Iterator<Item = Line> + 'd>,
}

impl<'a> Document<'a> {
    /// All terms, in the default notation.
    pub fn new(field: &'a Field) -> Document<'a> {
        Document {
            field,
            values: Vec::new(),
            part: Part::default(),
            tree: None,
            notation: Notation::default(),
            form: Form::default(),
            layout: Layout::default(),
        }
    }

    /// The optimizer with its parameters: `heavy_ball(m = 9/10)`.
    pub fn title(&self) -> String {
        let given = self.values.iter().map(|(name, value)| format!("{name} = {value}"));
        let parameters: Vec<String> = self.field.parameters.iter().cloned().chain(given).collect();
        match parameters.len() {
            0 => self.field.optimizer.clone(),
            _ => format!("{}({})", self.field.optimizer, parameters.join(", ")),
        }
    }

    /// A writer of elementary differentials in this document's notation.
    pub(super) fn writer(&self) -> Writer<'a> {
        Writer::new(self.field, self.notation, self.form)
    }

    /// The chosen trees with so many nodes, principal ones first.
    pub(super) fn trees(&self, nodes: usize) -> Vec<TreeId> {
        let range = self.field.trees().of_size(nodes);
        if let Some(tree) = self.tree {
            return range.filter(|&t| t == tree).collect();
        }
        let principal = |tree: &TreeId| self.field.is_principal(*tree);
        let (mut chosen, others): (Vec<_>, Vec<_>) = range.partition(principal);
        match self.part {
            Part::All => chosen.extend(others),
            Part::Principal => {}
            Part::NonPrincipal => chosen = others,
        }
        chosen
    }

    /// The terms of one tree; a tree that was asked for has one even if it is 0.
    pub(super) fn terms(&self, tree: TreeId, nodes: usize) -> Vec<Term> {
        let mut terms = self.field.terms_of(tree);
        if terms.is_empty() && self.tree == Some(tree) {
            terms.push(self.field.term(tree, nodes as i32 - 1, RationalFunction::zero()));
        }
        terms
    }

    /// The velocity of one space, in groups of ascending number of nodes.
    pub(super) fn groups(&self, space: usize) -> impl Iterator<Item = Group<'_>> {
        (1..=self.field.trees().max_nodes()).map(move |nodes| {
            let writer = self.writer();
            let trees = self.trees(nodes).into_iter();
            let lines = trees
                .filter(move |&tree| self.field.space(tree) == space)
                .flat_map(move |tree| self.terms(tree, nodes))
                .map(move |term| self.line(term, nodes, &writer));
            let power = self.field.step_parameter().is_none().then_some(nodes as i32 - 1);
            Group { power, lines: Box::new(lines) }
        })
    }

    fn line(&self, term: Term, nodes: usize, writer: &Writer) -> Line {
        let mut coefficient = Coefficient::new(&term.coefficient, self.field.variables());
        coefficient.negative ^= writer.is_negated(nodes);
        let differential = writer.differential(term.tree);
        Line { term, nodes, coefficient, differential }
    }
}
