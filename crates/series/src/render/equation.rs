//! The modified field as a displayed equation, row by row, for the typeset formats.

use super::document::{Document, Line, Part};
use crate::formula::Math;
use crate::formula::Script;

/// One row of the equation: `h² (1/3 f'f'f + 1/12 f''(f,f))`.
pub(super) struct Row {
    /// What the terms have in common, if there are several of them.
    pub factor: Option<Math>,
    /// The terms, each with its sign, `true` for minus.
    pub terms: Vec<(bool, Vec<Math>)>,
}

/// The rows of the velocity of one space.
pub(super) fn rows<'d>(document: &'d Document, space: usize) -> impl Iterator<Item = Row> + 'd {
    document.groups(space).filter_map(|group| {
        let lines: Vec<Line> = group.lines.collect();
        // The power of h stands before the bracket, or in the coefficient of a single term.
        let common = group.power.filter(|_| lines.len() > 1);
        let terms = lines.into_iter().map(|line| {
            let power = if common.is_some() { 0 } else { line.power };
            let coefficient = line.coefficient.times_step(power);
            let mut factors = Vec::new();
            if !coefficient.is_unit() {
                factors.push(coefficient.magnitude());
            }
            factors.push(line.differential);
            (coefficient.negative, factors)
        });
        let terms: Vec<_> = terms.collect();
        let step = |power: i32| Math::power(Math::name("h"), power.into());
        let factor = common.filter(|&power| power != 0).map(step);
        (!terms.is_empty()).then_some(Row { factor, terms })
    })
}

/// The dots that the equation starts with, for terms that were not asked for.
pub(super) fn dots(document: &Document) -> Option<Row> {
    let row = Row { factor: None, terms: vec![(false, vec![Math::Dots])] };
    (document.part() == Part::NonPrincipal).then_some(row)
}

/// What stands at the end of the equation for all that is not shown.
pub(super) enum Rest {
    /// `O(h^k)`.
    Order(i32),
    /// Terms of more than so many nodes, and of all powers of `h`.
    Nodes(usize),
    /// Terms that were not asked for.
    Unasked,
}

/// The rest of the equation.
pub(super) fn rest(document: &Document) -> Rest {
    match document.field.step_parameter() {
        _ if document.part() == Part::Principal => Rest::Unasked,
        None => Rest::Order(document.field.order as i32 + 1),
        Some(_) => Rest::Nodes(document.field.order + 1),
    }
}

/// How a script sets an equation in rows.
pub(super) struct Setting<'s> {
    /// Between the factors of a term.
    pub space: &'s str,
    /// Where a row starts and all rows are aligned.
    pub align: &'s str,
    /// Where a row ends and the next one starts.
    pub newline: &'s str,
    /// The brackets around the terms of a row.
    pub brackets: (&'s str, &'s str),
    /// An indentation within brackets.
    pub indent: &'s str,
    /// About how many characters of source a row may have.
    pub width: usize,
}

impl Setting<'_> {
    /// The right-hand side of the velocity of one space, or the terms of one tree alone.
    pub fn rows(&self, document: &Document, space: usize, script: &impl Script) -> Vec<String> {
        let alone = document.tree().is_some();
        let rows = dots(document).into_iter().chain(rows(document, space));
        let mut written = self.write(rows, alone, script);
        if written.is_empty() {
            written.push("0".to_string());
        }
        written
    }

    /// The rows as texts; a row that stands `alone` has no brackets around its terms.
    pub fn write(
        &self,
        rows: impl IntoIterator<Item = Row>,
        alone: bool,
        script: &impl Script,
    ) -> Vec<String> {
        let mut written = Vec::new();
        for row in rows {
            let first = written.is_empty();
            let bracketed = row.terms.len() > 1 && !(first && row.factor.is_none()) && !alone;
            let mut text = String::new();
            if bracketed {
                text.push_str(if first { "" } else { "+ " });
                if let Some(factor) = &row.factor {
                    script.write(factor, &mut text);
                    text.push_str(self.space);
                }
                text.push_str(self.brackets.0);
            }
            let mut filled = text.len();
            for (i, (negative, factors)) in row.terms.iter().enumerate() {
                let mut term = String::new();
                script.write_list(factors, self.space, &mut term);
                if i > 0 && filled + term.len() > self.width {
                    text.push_str(&format!("{}\n{}{}", self.newline, self.align, self.indent));
                    filled = 0;
                } else if i > 0 {
                    text.push(' ');
                }
                filled += term.len();
                text.push_str(match (negative, i == 0 && (bracketed || first)) {
                    (true, true) => "-",
                    (false, true) => "",
                    (true, false) => "- ",
                    (false, false) => "+ ",
                });
                text.push_str(&term);
            }
            if bracketed {
                text.push_str(self.brackets.1);
            }
            written.push(text);
        }
        written
    }
}
