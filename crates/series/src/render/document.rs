//! What is to be shown of a modified field, and in which terms.

use super::notation::{Form, Notation, Writer};
use super::number::{Counts, Number};
use super::spelling::{Arrays, Spelling};
use crate::exact::RationalFunction;
use crate::field::{Field, PrincipalPart, Term};
use crate::formula::{Coefficient, Math, Sentence};
use crate::tree::TreeId;
use num_rational::BigRational;

/// A modified field and the choices of how to show it.
pub struct Document<'a> {
    /// The field.
    pub field: &'a Field,
    /// Whether the field is that of [`Field::of_start`], and shown as the effective start `θ̂_0`: its terms
    /// `h^|τ| a(τ)/σ(τ) F(τ)` beside `θ_0`.
    pub start: bool,
    /// The parameters that were given values.
    pub values: Vec<(String, BigRational)>,
    /// What of it is shown.
    pub content: Content,
    /// How elementary differentials are written.
    pub notation: Notation,
    /// What they are written in terms of.
    pub form: Form,
    /// The principal part in closed form, if it is to be shown.
    pub verdict: Option<PrincipalPart>,
    /// The page of the text format.
    pub layout: Layout,
    counts: Counts,
    pub(super) arrays: Spelling<'a, Arrays>,
}

/// What of a modified field is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content {
    /// Its terms.
    Terms(Part),
    /// Only the terms of this tree, even if they are 0.
    Tree(TreeId),
    /// The loss whose gradient flow it is.
    ModifiedLoss,
}

impl Default for Content {
    fn default() -> Content {
        Content::Terms(Part::All)
    }
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

/// The page that is written on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    /// Characters a line of text.
    pub width: usize,
    /// How wide a line is that is typeset, in digits of its font: 69 in LaTeX's `article`, 45 in a column of two.
    pub line: usize,
    /// Whether to use colours.
    pub color: bool,
}

impl Default for Layout {
    fn default() -> Layout {
        Layout { width: 80, line: 69, color: false }
    }
}

/// A term ready to be written: `± coefficient · h^power · differential`.
pub(super) struct Line {
    pub power: i32,
    pub principal: bool,
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
        let names = field.fields.iter().map(|f| f.name.clone()).collect();
        Document {
            field,
            start: false,
            values: Vec::new(),
            content: Content::default(),
            notation: Notation::default(),
            form: Form::default(),
            verdict: None,
            layout: Layout::default(),
            counts: Counts::new(field.trees()),
            arrays: Spelling::new(field.trees(), Arrays(names)),
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

    /// What this is: `heavy_ball(m): modified field to order 2`.
    pub fn heading(&self) -> String {
        if let Some(tree) = self.tree() {
            return format!("{}: the term of {}", self.title(), self.tree_text(tree));
        }
        if self.content == Content::ModifiedLoss {
            return format!("{}: modified loss to order {}", self.title(), self.field.order);
        }
        let whole = if self.start { "effective start" } else { "modified field" };
        let part = match self.part() {
            Part::All => whole.to_string(),
            Part::Principal => format!("principal part of the {whole}"),
            Part::NonPrincipal => format!("non-principal part of the {whole}"),
        };
        format!("{}: {part} to order {}", self.title(), self.order())
    }

    /// The highest power of `h`, where the method is homogeneous in it.
    pub(super) fn order(&self) -> usize {
        self.field.order + usize::from(self.start)
    }

    /// The power of `h` of trees with so many nodes, where the method is homogeneous in it.
    pub(super) fn power(&self, nodes: usize) -> i32 {
        nodes as i32 - 1 + i32::from(self.start)
    }

    /// The left-hand side of the equation of one space.
    pub(super) fn left(&self, space: &str) -> Math {
        if self.start { self.writer().start(space, true) } else { self.writer().velocity(space) }
    }

    /// What stands before all terms: the start, of an effective start.
    pub(super) fn lead(&self, space: &str) -> Option<Math> {
        self.start.then(|| self.writer().start(space, false))
    }

    /// The letter of the weights.
    pub(super) fn weight(&self) -> &'static str {
        if self.start { "a" } else { "b" }
    }

    /// The only tree whose terms are shown.
    pub(super) fn tree(&self) -> Option<TreeId> {
        if let Content::Tree(tree) = self.content { Some(tree) } else { None }
    }

    /// Which terms are shown.
    pub(super) fn part(&self) -> Part {
        if let Content::Terms(part) = self.content { part } else { Part::All }
    }

    /// The closing sentences: what the principal part sums to, whether that was confirmed, and whether
    /// trajectories leave the flow.
    pub(super) fn closing(&self) -> Vec<Sentence> {
        if self.verdict.is_none() && !self.start {
            return Vec::new();
        }
        let mut sentences: Vec<Sentence> =
            self.verdict.iter().map(PrincipalPart::sentence).collect();
        if self.field.is_attracting() == Some(false) {
            let flow = if self.start { "the flow from it" } else { "this flow" };
            sentences.push(Sentence::default().words(format!(
                "trajectories do not settle on {flow}: beside 1, the recurrence of the buffers has a root \
                 of modulus 1 or more"
            )));
        }
        sentences
    }

    /// A tree in the brackets that `--tree` and claims read: `[[],[]]`.
    pub(super) fn tree_text(&self, tree: TreeId) -> String {
        self.arrays.show(tree)
    }

    /// All terms, in order of size, principal ones first.
    pub(super) fn all_terms(&self) -> impl Iterator<Item = Term> {
        (1..=self.field.trees().max_nodes()).flat_map(move |nodes| {
            self.trees(nodes).into_iter().flat_map(move |tree| self.terms(tree, nodes))
        })
    }

    /// A writer of elementary differentials in this document's notation.
    pub(super) fn writer(&self) -> Writer<'a> {
        Writer::new(self.field, self.notation, self.form)
    }

    /// The chosen trees with so many nodes, principal ones first.
    pub(super) fn trees(&self, nodes: usize) -> Vec<TreeId> {
        let range = self.field.trees().of_size(nodes);
        if let Some(tree) = self.tree() {
            return range.filter(|&t| t == tree).collect();
        }
        let principal = |tree: &TreeId| self.field.is_principal(*tree);
        let (mut chosen, others): (Vec<_>, Vec<_>) = range.partition(principal);
        match self.part() {
            Part::All => chosen.extend(others),
            Part::Principal => {}
            Part::NonPrincipal => chosen = others,
        }
        chosen
    }

    /// The terms of one tree; a tree that was asked for has one even if it is 0.
    pub(super) fn terms(&self, tree: TreeId, nodes: usize) -> Vec<Term> {
        let mut terms = self.field.terms_of(tree);
        for term in &mut terms {
            // The field is divided by h.
            term.h += i32::from(self.start);
        }
        if terms.is_empty() && self.tree() == Some(tree) {
            terms.push(self.field.term(tree, self.power(nodes), RationalFunction::zero()));
        }
        terms
    }

    /// The numbers of the only term of a tree, where machine integers hold them.
    pub(super) fn number(&self, tree: TreeId, nodes: usize) -> Option<Number> {
        if self.field.step_parameter().is_some() || self.start {
            return None;
        }
        let (top, bottom) = self.field.weights().b_machine(tree, nodes)?;
        Number::new(top, bottom, self.counts.of(self.field.trees(), tree, nodes)?)
    }

    /// Whether a term is left out because it is 0.
    pub(super) fn omits(&self, number: &Number) -> bool {
        number.b.0 == 0 && self.tree().is_none()
    }

    /// The velocity of one space, in groups of ascending number of nodes.
    pub(super) fn groups(&self, space: usize) -> impl Iterator<Item = Group<'_>> {
        (1..=self.field.trees().max_nodes()).map(move |nodes| {
            let writer = self.writer();
            let trees = self.trees(nodes).into_iter();
            let lines = trees
                .filter(move |&tree| self.field.space(tree) == space)
                .flat_map(move |tree| self.lines(tree, nodes, &writer));
            let power = self.field.step_parameter().is_none().then_some(self.power(nodes));
            Group { power, lines: Box::new(lines) }
        })
    }

    /// The terms of one tree, ready to be written.
    pub(super) fn lines(&self, tree: TreeId, nodes: usize, writer: &Writer) -> Vec<Line> {
        let line = |power, mut coefficient: Coefficient| {
            coefficient.negative ^= writer.is_negated(nodes);
            let principal = self.field.is_principal(tree);
            Line { power, principal, coefficient, differential: writer.differential(tree) }
        };
        if let Some(number) = self.number(tree, nodes) {
            if self.omits(&number) {
                return Vec::new();
            }
            return vec![line(nodes as i32 - 1, Coefficient::fraction(number.coefficient))];
        }
        let names = self.field.variables();
        let terms = self.terms(tree, nodes).into_iter();
        terms.map(|term| line(term.h, Coefficient::new(&term.coefficient, names))).collect()
    }
}
