//! Names for what a long equation repeats, and for what is too wide for a line.

use crate::formula::Math;
use std::collections::{BTreeSet, HashMap};

/// What a name has to save, in digits, all its places taken together.
const WORTH: f64 = 30.0;
/// What is narrower is not named.
const NARROW: f64 = 5.0;
/// What is narrower is not named if it is made of parameters.
const SHORT: f64 = 14.0;
/// The most names.
const MOST: usize = 40;
/// Names begin so until all are known.
const PROVISIONAL: char = '\u{1}';
/// What a definition takes beside its value.
const DEFINITION: f64 = 4.0;

/// A definition, `name = value`.
pub(super) type Definition = (String, Math);

/// Names what repeats in some formulas and in the definitions that they have, and what is wider than a line can hold. The
/// definitions come in an order in which each needs only those before it.
pub(super) fn abbreviate(
    definitions: &mut Vec<Definition>,
    formulas: &mut [&mut Math],
    parameters: &[String],
    taken: &[String],
    line: f64,
) {
    let own = definitions.len();
    while definitions.len() < own + MOST {
        let mut counts: HashMap<&Math, usize> = HashMap::new();
        for math in formulas.iter().map(|m| &**m).chain(definitions.iter().map(|(_, value)| value))
        {
            visit(math, &mut |part| *counts.entry(part).or_default() += 1);
        }
        let saved = |part: &Math, count: usize| {
            let width = part.width();
            let narrow = if is_coefficient(part, parameters) { SHORT } else { NARROW };
            (width >= narrow)
                .then_some(count as f64 * (width - 1.5) - width - DEFINITION)
                .filter(|saved| *saved >= WORTH)
        };
        let all = counts.iter().filter_map(|(part, count)| Some((saved(part, *count)?, *part)));
        // Ties are broken by what is written, not by the order of a table.
        let repeated = all.max_by(|(a, x), (b, y)| {
            a.total_cmp(b).then_with(|| format!("{x:?}").cmp(&format!("{y:?}")))
        });
        let part = match repeated {
            Some((_, part)) => Some(part.clone()),
            None => too_wide(definitions, formulas, line),
        };
        let Some(part) = part else { break };
        let name = format!("{PROVISIONAL}{}", definitions.len());
        rename(definitions, formulas, &part, &Math::name(&name));
        definitions.push((name, part));
    }
    sort(definitions, parameters);
    // Their names in the order in which they come.
    let mut names = Names::new(definitions, parameters, taken);
    for at in 0..definitions.len() {
        let (provisional, value) = &definitions[at];
        if let Some(name) = provisional
            .starts_with(PROVISIONAL)
            .then(|| names.next(is_coefficient(value, parameters)))
        {
            let old = Math::name(provisional);
            rename(definitions, formulas, &old, &Math::name(&name));
            definitions[at].0 = name;
        }
    }
}

/// Another name for a part everywhere.
fn rename(definitions: &mut [Definition], formulas: &mut [&mut Math], part: &Math, name: &Math) {
    for (_, value) in definitions {
        *value = replaced(value, part, name);
    }
    for math in formulas {
        **math = replaced(math, part, name);
    }
}

/// Whether a part is made of parameters and numbers alone.
fn is_coefficient(part: &Math, parameters: &[String]) -> bool {
    let of = |part: &Math| is_coefficient(part, parameters);
    match part {
        Math::Name(name) => parameters.contains(name),
        Math::Number(_) => true,
        Math::Sum(terms) => terms.iter().all(|(_, term)| of(term)),
        Math::Product(parts) => parts.iter().all(of),
        Math::Power(base, _) | Math::Group(base) => of(base),
        _ => false,
    }
}

/// The widest part of what cannot be broken and does not fit on a line.
fn too_wide(definitions: &[Definition], formulas: &[&mut Math], line: f64) -> Option<Math> {
    let mut units: Vec<&Math> = Vec::new();
    for math in formulas.iter().map(|m| &**m).chain(definitions.iter().map(|(_, value)| value)) {
        if math.width() > line {
            units.extend(fragments(math));
        }
    }
    let wide = units.into_iter().filter(|unit| unit.width() > line);
    let widest = wide.filter_map(|unit| {
        let mut widest: Option<&Math> = None;
        visit(unit, &mut |part| {
            let is_whole = std::ptr::eq(part, unit);
            if !is_whole
                && part.width() >= 2.0 * NARROW
                && widest.is_none_or(|known| known.width() < part.width())
            {
                widest = Some(part);
            }
        });
        widest.cloned()
    });
    widest.max_by(|a, b| a.width().total_cmp(&b.width()))
}

/// What an equation can be broken into: factors, and the terms of its sums.
pub(super) fn fragments(math: &Math) -> Vec<&Math> {
    match math {
        Math::Contraction(parts) => parts.iter().flat_map(fragments).collect(),
        Math::Sum(terms) | Math::LongSum(terms) => {
            terms.iter().flat_map(|(_, term)| fragments(term)).collect()
        }
        Math::Group(inner) if matches!(**inner, Math::LongSum(_)) => fragments(inner),
        other => vec![other],
    }
}

/// Calls `see` with every part that could have a name.
fn visit<'m>(math: &'m Math, see: &mut impl FnMut(&'m Math)) {
    let is_name = |math: &Math| matches!(math, Math::Name(_));
    match math {
        Math::Sum(terms) if terms.len() > 1 => see(math),
        Math::Apply(_, arguments, _) if !arguments.iter().all(is_name) => see(math),
        Math::Norm(inner) | Math::InverseRoot(inner, ..) if !is_name(inner) => see(math),
        _ => {}
    }
    match math {
        Math::Row(parts) | Math::Contraction(parts) | Math::Product(parts) => {
            parts.iter().for_each(|part| visit(part, see));
        }
        Math::Sum(terms) | Math::LongSum(terms) => {
            terms.iter().for_each(|(_, term)| visit(term, see));
        }
        Math::Group(inner)
        | Math::Power(inner, _)
        | Math::SquareRoot(inner)
        | Math::Logarithm(inner)
        | Math::Norm(inner)
        | Math::InverseRoot(inner, ..)
        | Math::PowerOf(inner, _) => visit(inner, see),
        Math::Fraction(a, b) | Math::Equation(a, b) => {
            visit(a, see);
            visit(b, see);
        }
        Math::Apply(head, arguments, _) => {
            visit(head, see);
            arguments.iter().for_each(|part| visit(part, see));
        }
        Math::Name(_)
        | Math::Number(_)
        | Math::Primes(..)
        | Math::Nabla(_)
        | Math::Component(..)
        | Math::Node(_)
        | Math::Dots
        | Math::Velocity(..)
        | Math::Modified(_)
        | Math::Start { .. } => {}
    }
}

/// The formula with a name for a part of it.
fn replaced(math: &Math, part: &Math, name: &Math) -> Math {
    if math == part {
        return name.clone();
    }
    let inside = |math: &Math| replaced(math, part, name);
    let boxed = |math: &Math| Box::new(replaced(math, part, name));
    let all = |parts: &[Math]| parts.iter().map(inside).collect();
    let signed =
        |terms: &[(bool, Math)]| terms.iter().map(|(minus, term)| (*minus, inside(term))).collect();
    match math {
        Math::Row(parts) => Math::Row(all(parts)),
        Math::Contraction(parts) => Math::Contraction(all(parts)),
        Math::Product(parts) => Math::Product(all(parts)),
        Math::Sum(terms) => Math::Sum(signed(terms)),
        Math::LongSum(terms) => Math::LongSum(signed(terms)),
        // A name needs no brackets.
        Math::Group(inner) => match inside(inner) {
            Math::Name(name) => Math::Name(name),
            inner => Math::Group(Box::new(inner)),
        },
        Math::Power(base, exponent) => Math::Power(boxed(base), *exponent),
        Math::PowerOf(base, exponent) => Math::PowerOf(boxed(base), exponent.clone()),
        Math::SquareRoot(inner) => Math::SquareRoot(boxed(inner)),
        Math::Logarithm(inner) => Math::Logarithm(boxed(inner)),
        Math::Norm(inner) => Math::Norm(boxed(inner)),
        Math::InverseRoot(base, degree, primes) => {
            Math::InverseRoot(boxed(base), degree.clone(), *primes)
        }
        Math::Fraction(top, bottom) => Math::Fraction(boxed(top), boxed(bottom)),
        Math::Equation(left, right) => Math::Equation(boxed(left), boxed(right)),
        Math::Apply(head, arguments, bracket) => Math::Apply(boxed(head), all(arguments), *bracket),
        other => other.clone(),
    }
}

/// Definitions such that each needs only those before it, coefficients last.
fn sort(definitions: &mut Vec<Definition>, parameters: &[String]) {
    let (mut open, coefficients): (Vec<_>, Vec<_>) = std::mem::take(definitions)
        .into_iter()
        .partition(|(_, value)| !is_coefficient(value, parameters));
    // What coefficients are needed for comes after them, all the same.
    open.extend(coefficients);
    while !open.is_empty() {
        let needs =
            |value: &Math, name: &String| replaced(value, &Math::name(name), &Math::Dots) != *value;
        let free = open.iter().position(|(own, value)| {
            !open.iter().any(|(name, _)| name != own && needs(value, name))
        });
        definitions.push(open.remove(free.unwrap_or(0)));
    }
}

/// Names that are not in use: `D`, `S`, … and, for sums of parameters, `c1`, `c2`, ….
struct Names {
    letters: Vec<String>,
    index: String,
    count: usize,
}

impl Names {
    fn new(definitions: &[Definition], parameters: &[String], taken: &[String]) -> Names {
        let mut used: BTreeSet<&str> = BTreeSet::from(["E", "H", "I", "J", "O"]);
        used.extend(taken.iter().chain(parameters).map(String::as_str));
        used.extend(definitions.iter().map(|(name, _)| name.as_str()));
        let free = |name: &&str| !used.contains(name);
        let letters = "D S R Q P K M A B C F L N T U V W X Y Z".split(' ').filter(free);
        let mut letters: Vec<String> = letters.map(String::from).collect();
        letters.reverse();
        // A parameter `c1` would be mistaken for one of them.
        let begins = |letter: &&str| !used.iter().any(|name| name.starts_with(*letter));
        let index =
            ["c", "k", "b", "a", "q", "y"].into_iter().find(begins).unwrap_or("coefficient");
        Names { letters, index: index.to_string(), count: 0 }
    }

    fn next(&mut self, is_coefficient: bool) -> String {
        let letter = if is_coefficient { None } else { self.letters.pop() };
        letter.unwrap_or_else(|| {
            self.count += 1;
            format!("{}{}", self.index, self.count)
        })
    }
}
