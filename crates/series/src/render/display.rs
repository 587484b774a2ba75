//! Formulas that stand apart from words, on lines that are so wide.

use super::equation::{Row, Setting};
use crate::formula::{Math, Script};

/// How a script sets formulas one below the other.
pub(super) struct Display<'s> {
    /// How a formula is broken that is wider than a line.
    pub setting: Setting<'s>,
    /// What stands around the rows of a formula that is broken.
    pub around: (&'s str, &'s str),
    /// The equals sign of a formula that is broken, with the place at which its rows are aligned.
    pub equals: &'s str,
}

/// The width of the space between formulas on one line.
const BETWEEN: f64 = 4.0;
/// What a line has to hold beside formulas, such as punctuation.
const MARGIN: f64 = 4.0;
/// The names of parts of a formula, in this order.
const PARTS: [&str; 6] = ["A", "B", "C", "K", "Q", "S"];

impl Display<'_> {
    /// The formulas as texts, each of which needs lines of its own; one text with all of them, separated by
    /// `between`, if they fit on a line. The parts of a root that is too wide get names, and formulas of their own.
    pub fn write(
        &self,
        formulas: &[Math],
        line: f64,
        between: &str,
        script: &impl Script,
    ) -> Vec<String> {
        let width = formulas.iter().map(|f| (self.setting.measure)(f) + BETWEEN).sum::<f64>();
        let room = if formulas.len() > 1 { line - MARGIN } else { line };
        if width <= room {
            let shown: Vec<String> = formulas.iter().map(|f| script.show(f)).collect();
            return vec![shown.join(between)];
        }
        let is_wide = |formula: &Math| (self.setting.measure)(formula) + MARGIN > line;
        let parts = formulas.iter().flat_map(|formula| match named_parts(formula) {
            Some(parts) if is_wide(formula) => parts,
            _ => vec![formula.clone()],
        });
        let shown = |formula: &Math| match formula {
            Math::Equation(left, right) if is_wide(formula) => self.broken(left, right, script),
            _ => script.show(formula),
        };
        parts.map(|part| shown(&part)).collect()
    }

    /// An equation that is wider than a line, broken between the terms of its wider side.
    fn broken(&self, left: &Math, right: &Math, script: &impl Script) -> String {
        let measure = self.setting.measure;
        let is_right = measure(right) >= measure(left);
        let terms = match if is_right { right } else { left } {
            Math::Sum(terms) | Math::LongSum(terms) => terms.clone(),
            other => vec![(false, other.clone())],
        };
        let terms = terms.into_iter().map(|(negative, term)| (negative, vec![term])).collect();
        let row = Row { factor: None, terms, principal: 0 };
        let text = self.setting.write([row], true, script).concat();
        let (open, close) = self.around;
        let align = self.setting.align;
        if is_right {
            format!("{open}{}{}{text}{close}", script.show(left), self.equals)
        } else {
            format!("{open}{align}{text} = {}{close}", script.show(right))
        }
    }
}

/// `P = (S + √(S² - c))/d` as `P = (A + √B)/d`, `A = S`, `B = A² - c`; `None` for a formula without a square root.
fn named_parts(formula: &Math) -> Option<Vec<Math>> {
    let Math::Equation(left, right) = formula else { return None };
    let mut radicand = None;
    visit(right, &mut |part| {
        if let Math::SquareRoot(inner) = part {
            radicand.get_or_insert_with(|| inner.as_ref().clone());
        }
    });
    let radicand = radicand?;
    let mut taken = Vec::new();
    visit(formula, &mut |part| {
        if let Math::Name(name) = part {
            taken.push(name.clone());
        }
    });
    let mut free = PARTS.into_iter().filter(|name| !taken.iter().any(|t| t == name));
    let (sum_name, root_name) = (Math::name(free.next()?), Math::name(free.next()?));
    // The sum whose square is under the root.
    let mut squared = None;
    visit(&radicand, &mut |part| {
        if let Math::Power(base, 2) = part
            && let Math::Group(inner) = base.as_ref()
            && matches!(inner.as_ref(), Math::Sum(_) | Math::LongSum(_))
        {
            squared.get_or_insert_with(|| inner.as_ref().clone());
        }
    });
    let named = |part: &Math| match (part, &squared) {
        (Math::Group(inner), Some(sum)) if **inner == *sum => Some(sum_name.clone()),
        (part, Some(sum)) if part == sum => Some(sum_name.clone()),
        _ => None,
    };
    let short = replaced(right, &|part| match part {
        Math::SquareRoot(inner) if **inner == radicand => {
            Some(Math::SquareRoot(Box::new(root_name.clone())))
        }
        other => named(other),
    });
    let mut parts = vec![Math::Equation(left.clone(), Box::new(short))];
    if let Some(sum) = &squared {
        parts.push(sum_name.clone().equals(sum.clone()));
    }
    parts.push(root_name.clone().equals(replaced(&radicand, &named)));
    Some(parts)
}

/// Hands a formula and all its parts to `each`, from the outside inwards.
fn visit(formula: &Math, each: &mut impl FnMut(&Math)) {
    each(formula);
    match formula {
        Math::Row(parts) | Math::Product(parts) | Math::Contraction(parts) => {
            parts.iter().for_each(|part| visit(part, each));
        }
        Math::Sum(terms) | Math::LongSum(terms) => {
            terms.iter().for_each(|(_, term)| visit(term, each));
        }
        Math::Apply(map, arguments, _) => {
            visit(map, each);
            arguments.iter().for_each(|argument| visit(argument, each));
        }
        Math::Fraction(a, b) | Math::Equation(a, b) | Math::PowerOf(a, b) => {
            visit(a, each);
            visit(b, each);
        }
        Math::Group(a)
        | Math::Power(a, _)
        | Math::SquareRoot(a)
        | Math::Logarithm(a)
        | Math::InverseRoot(a, ..) => {
            visit(a, each);
        }
        _ => {}
    }
}

/// A formula with some of its parts replaced; those that may stand in a sum, a product, a quotient, a power or a root.
fn replaced(formula: &Math, by: &impl Fn(&Math) -> Option<Math>) -> Math {
    if let Some(other) = by(formula) {
        return other;
    }
    let boxed = |part: &Math| Box::new(replaced(part, by));
    let signed = |terms: &[(bool, Math)]| -> Vec<(bool, Math)> {
        terms.iter().map(|(negative, term)| (*negative, replaced(term, by))).collect()
    };
    match formula {
        Math::Product(parts) => Math::Product(parts.iter().map(|p| replaced(p, by)).collect()),
        Math::Sum(terms) => Math::Sum(signed(terms)),
        Math::LongSum(terms) => Math::LongSum(signed(terms)),
        Math::Fraction(top, bottom) => Math::Fraction(boxed(top), boxed(bottom)),
        Math::Group(inner) => Math::Group(boxed(inner)),
        Math::Power(base, exponent) => Math::Power(boxed(base), *exponent),
        Math::SquareRoot(inner) => Math::SquareRoot(boxed(inner)),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formula::Plain;

    #[test]
    fn the_parts_of_a_root_get_names_that_are_free() {
        let sum = |names: &[&str]| {
            Math::Sum(names.iter().map(|name| (false, Math::name(*name))).collect())
        };
        let root = |names: &[&str]| {
            let square = Math::power(Math::Group(Box::new(sum(names))), 2);
            let inner = Math::LongSum(vec![(false, square), (true, Math::name("c"))]);
            let top = vec![(false, sum(names)), (false, Math::SquareRoot(Box::new(inner)))];
            Math::name("P").equals(Math::LongSum(top).over(Math::number(2)))
        };
        let shown = |names: &[&str]| -> Vec<String> {
            named_parts(&root(names)).unwrap().iter().map(|part| Plain.show(part)).collect()
        };
        assert_eq!(shown(&["a", "b"]), ["P = (A + sqrt(B))/2", "A = a+b", "B = A² - c"]);
        assert_eq!(shown(&["A", "C"]), ["P = (B + sqrt(K))/2", "B = A+C", "K = B² - c"]);
        assert_eq!(named_parts(&Math::name("P").equals(sum(&["a", "b"]))), None);
    }
}
