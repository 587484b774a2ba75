//! The modified field as a displayed equation, row by row, for the typeset formats.

use super::document::{Document, Line, Part};
use crate::formula::Math;
use crate::formula::Script;

/// One row of the equation: `h² (1/3 f'f'f + 1/12 f''(f,f))`.
pub(super) struct Row {
    /// What the terms have in common, if there are several of them.
    pub factor: Option<Math>,
    /// The terms, each with its sign, `true` for minus; principal ones first.
    pub terms: Vec<(bool, Vec<Math>)>,
    /// How many terms are principal.
    pub principal: usize,
}

/// The rows of the velocity of one space.
pub(super) fn rows<'d>(document: &'d Document, space: usize) -> impl Iterator<Item = Row> + 'd {
    document.groups(space).filter_map(|group| {
        let lines: Vec<Line> = group.lines.collect();
        // The power of h stands before the bracket, or in the coefficient of a single term.
        let common = group.power.filter(|_| lines.len() > 1);
        let principal = lines.iter().filter(|line| line.principal).count();
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
        (!terms.is_empty()).then_some(Row { factor, terms, principal })
    })
}

/// What the equation of a space starts with: the start, of an effective start, and dots for terms that were not
/// asked for.
pub(super) fn lead(document: &Document, space: usize) -> Option<Row> {
    let dots = (document.part() == Part::NonPrincipal).then_some(Math::Dots);
    let start = document.lead(&document.field.spaces[space]);
    let terms: Vec<_> = start.into_iter().chain(dots).map(|term| (false, vec![term])).collect();
    (!terms.is_empty()).then_some(Row { factor: None, terms, principal: 0 })
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
        None => Rest::Order(document.order() as i32 + 1),
        Some(_) => Rest::Nodes(document.field.trees().max_nodes()),
    }
}

/// How a script sets an equation in rows.
pub(super) struct Setting<'s> {
    /// Between the factors of a term.
    pub space: &'s str,
    /// Between the factors of a term where it is broken.
    pub times: &'s str,
    /// Where a row starts and all rows are aligned.
    pub align: &'s str,
    /// Where a row ends and the next one starts.
    pub newline: &'s str,
    /// The brackets around the terms of a row.
    pub brackets: (&'s str, &'s str),
    /// The brackets around a coefficient that is broken, within those.
    pub inner: (&'s str, &'s str),
    /// An indentation within brackets.
    pub indent: &'s str,
    /// How wide a formula is.
    pub measure: fn(&Math) -> f64,
    /// How wide a row may be.
    pub width: f64,
}

/// Between a sign and what stands around it, and around brackets.
const SIGN: f64 = 2.4;
/// What a row is indented by.
const INDENT: f64 = 4.0;

/// What stands on one line: a term, or a piece of one.
struct Piece {
    text: String,
    width: f64,
}

impl Setting<'_> {
    /// The right-hand side of the velocity of one space, or the terms of one tree alone.
    pub fn rows(&self, document: &Document, space: usize, script: &impl Script) -> Vec<String> {
        let alone = document.tree().is_some();
        let lead = lead(document, space).filter(|_| !alone);
        let rows = lead.into_iter().chain(rows(document, space));
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
            let (mut filled, mut broke) = (0.0, false);
            if bracketed {
                text.push_str(if first { "" } else { "+ " });
                if let Some(factor) = &row.factor {
                    script.write(factor, &mut text);
                    text.push_str(self.space);
                    filled += (self.measure)(factor);
                }
                text.push_str(self.brackets.0);
                filled += SIGN;
            }
            // Where a row is broken at all, the terms that are not principal start on a line of their own.
            let width = |(_, factors): &(bool, Vec<Math>)| self.width_of(factors) + SIGN;
            let is_long = filled + row.terms.iter().map(width).sum::<f64>() > self.width;
            for (i, (negative, factors)) in row.terms.iter().enumerate() {
                let kind = is_long && i == row.principal;
                let lead = i == 0 && (bracketed || first);
                let sign = match (negative, lead) {
                    (true, true) => "-",
                    (false, true) => "",
                    (true, false) => "- ",
                    (false, false) => "+ ",
                };
                let pieces = self.pieces(factors, script);
                let breaks = pieces.len() > 1;
                for (k, piece) in pieces.into_iter().enumerate() {
                    // The closing bracket has to fit as well. A term in pieces has rows of its own.
                    let width = piece.width + SIGN;
                    let full = filled + width > self.width || (k == 0 && (breaks || broke || kind));
                    if (i > 0 || k > 0) && full {
                        // What is left of a term stands further in.
                        let indents = if k > 0 { 2 } else { 1 };
                        let indent = self.indent.repeat(indents);
                        text.push_str(&format!("{}\n{}{indent}", self.newline, self.align));
                        filled = INDENT * indents as f64;
                    } else if i > 0 || k > 0 {
                        text.push(' ');
                    }
                    filled += width;
                    text.push_str(if k == 0 { sign } else { "" });
                    text.push_str(&piece.text);
                }
                broke = breaks;
            }
            if bracketed {
                text.push_str(self.brackets.1);
            }
            written.push(text);
        }
        written
    }

    fn width_of(&self, factors: &[Math]) -> f64 {
        factors.iter().map(self.measure).sum()
    }

    /// A term; one that is wider than a row in pieces, if its coefficient has a long sum that can be broken.
    fn pieces(&self, factors: &[Math], script: &impl Script) -> Vec<Piece> {
        let width = |factors: &[Math]| self.width_of(factors);
        let show = |factors: &[Math]| {
            let mut text = String::new();
            script.write_list(factors, self.space, &mut text);
            text
        };
        let whole = width(factors);
        let broken = factors.split_first().and_then(|(c, rest)| Some((broken(c)?, rest)));
        let Some(((before, terms), rest)) = broken.filter(|_| whole + INDENT + SIGN > self.width)
        else {
            return vec![Piece { text: show(factors), width: whole }];
        };
        let mut pieces = Vec::new();
        let first = terms.first().map_or(0.0, |(_, term)| (self.measure)(term));
        // Factors that do not fit before the sum are pieces as well.
        let before = if width(&before) + first + INDENT > self.width {
            for factor in apart(before) {
                let wide = (self.measure)(&factor) + 2.0 * INDENT > self.width;
                if let Some((terms, power)) = raised(&factor).filter(|_| wide) {
                    let close = (script.show(&power) + self.space, 1.0 + (self.measure)(&power));
                    pieces.extend(self.sum(terms, (String::new(), 0.0), close, script));
                } else {
                    let text = script.show(&factor) + self.space;
                    pieces.push(Piece { text, width: (self.measure)(&factor) });
                }
            }
            Vec::new()
        } else {
            before
        };
        let space = if before.is_empty() { "" } else { self.space };
        let open = (show(&before) + space, width(&before));
        let close =
            if rest.is_empty() { String::new() } else { self.space.to_string() + &show(rest) };
        pieces.extend(self.sum(terms, open, (close, width(rest)), script));
        pieces
    }

    /// The terms of a sum in brackets, with what stands before and behind them, each a text and its width.
    fn sum(
        &self,
        terms: &Terms,
        before: (String, f64),
        behind: (String, f64),
        script: &impl Script,
    ) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for (i, (negative, term)) in terms.iter().enumerate() {
            let sign = match (negative, i) {
                (true, 0) => "-",
                (false, 0) => "",
                (true, _) => "- ",
                (false, _) => "+ ",
            };
            let mut term = self.product(term, script);
            term[0].text.insert_str(0, sign);
            term[0].width += if i > 0 { SIGN } else { 0.0 };
            if i == 0 {
                term[0].text.insert_str(0, &format!("{}{}", before.0, self.inner.0));
                term[0].width += before.1 + 1.0;
            }
            pieces.extend(term);
        }
        if let Some(last) = pieces.last_mut() {
            last.text += self.inner.1;
            last.width += 1.0;
            if last.width + behind.1 > self.room() {
                pieces.push(Piece { text: behind.0, width: behind.1 });
            } else {
                last.text += &behind.0;
                last.width += behind.1;
            }
        }
        pieces
    }

    /// What fits on a line that stands furthest in.
    fn room(&self) -> f64 {
        self.width - 2.0 * INDENT - SIGN
    }

    /// A term of a sum, which is broken between factors where it is wider than a line.
    fn product(&self, term: &Math, script: &impl Script) -> Vec<Piece> {
        let piece = |math: &Math| Piece { text: script.show(math), width: (self.measure)(math) };
        let Math::Product(factors) = term else { return vec![piece(term)] };
        let mut lines: Vec<Vec<Math>> = vec![Vec::new()];
        for factor in factors {
            let line = &mut lines[0];
            line.push(factor.clone());
            // Behind a sign, or what stands in the place of one.
            if line.len() > 1 && (self.measure)(&Math::Product(line.clone())) + SIGN > self.room() {
                line.pop();
                lines.insert(0, vec![factor.clone()]);
            }
        }
        let lines = lines.into_iter().rev().map(Math::product);
        let mut pieces: Vec<Piece> = lines.map(|line| piece(&line)).collect();
        for later in pieces.iter_mut().skip(1) {
            later.text.insert_str(0, self.times);
            later.width += SIGN;
        }
        pieces
    }
}

/// The terms of a sum in brackets or of a power of one, and its exponent as a formula without a base.
fn raised(factor: &Math) -> Option<(&Terms, Math)> {
    let nothing = || Math::Row(Vec::new());
    let (group, exponent) = match factor {
        Math::Power(base, exponent) => (&**base, Math::Power(Box::new(nothing()), *exponent)),
        other => (other, nothing()),
    };
    match group {
        Math::Group(inner) => match &**inner {
            Math::Sum(terms) | Math::LongSum(terms) => Some((terms, exponent)),
            _ => None,
        },
        _ => None,
    }
}

/// Factors of which a quotient has those of its numerator that are sums, or powers of sums, as factors beside it.
fn apart(factors: Vec<Math>) -> Vec<Math> {
    let is_sum = |factor: &Math| match factor {
        Math::Group(_) => true,
        Math::Power(base, _) => matches!(**base, Math::Group(_)),
        _ => false,
    };
    let parts = factors.into_iter().flat_map(|factor| match factor {
        Math::Fraction(top, bottom) => {
            let factors = match *top {
                Math::Product(factors) => factors,
                other => vec![other],
            };
            let (sums, others): (Vec<_>, Vec<_>) = factors.into_iter().partition(is_sum);
            [vec![Math::product(others).over(*bottom)], sums].concat()
        }
        other => vec![other],
    });
    parts.collect()
}

/// The terms of a sum, each with its sign.
type Terms = [(bool, Math)];

/// A coefficient as other factors and the longest of its sums, `a (b + c)/d` as `a/d` and `b + c`.
fn broken<'m>(coefficient: &'m Math) -> Option<(Vec<Math>, &'m Terms)> {
    let (top, bottom) = match coefficient {
        Math::Fraction(top, bottom) => (&**top, Some(bottom)),
        other => (other, None),
    };
    let sum = |factor: &'m Math| match factor {
        Math::Sum(terms) => Some(terms.as_slice()),
        Math::Group(inner) => match &**inner {
            Math::Sum(terms) => Some(terms.as_slice()),
            _ => None,
        },
        _ => None,
    };
    let factors = match top {
        Math::Product(factors) => factors.as_slice(),
        other => std::slice::from_ref(other),
    };
    let sums = factors.iter().enumerate().filter_map(|(i, factor)| Some((i, sum(factor)?)));
    let (at, terms) = sums.max_by_key(|(_, terms)| terms.len()).filter(|(_, t)| t.len() > 1)?;
    let mut others = factors.to_vec();
    others.remove(at);
    let before = match (bottom, others.is_empty()) {
        (None, _) => others,
        (Some(bottom), true) => {
            vec![Math::Fraction(Box::new(Math::Number("1".into())), bottom.clone())]
        }
        (Some(bottom), false) => {
            vec![Math::Fraction(Box::new(Math::product(others)), bottom.clone())]
        }
    };
    Some((before, terms))
}
