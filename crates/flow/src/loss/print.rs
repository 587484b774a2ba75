//! Expressions in the loss language, for the terminal, and as LaTeX.

use super::function::Function;
use super::graph::{Expr, Graph, Node, Relation};
use bea_series::exact::Rational;
use bea_series::formula::{greek, letter, superscript};
use std::collections::BTreeMap;

/// How much may be written out in full before shared parts get names.
const MAX_WRITTEN: u64 = 400;

/// How an expression is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// In the loss language.
    Text,
    /// For the terminal: as in the loss language, but for `β` and `x²`.
    Unicode,
    /// LaTeX, for mathematical mode.
    Latex,
}

/// Writes expressions of one graph.
///
/// ```
/// use bea_flow::loss::{Graph, Printer, Style};
/// let mut g = Graph::new();
/// let (x, y) = (g.variable(0), g.variable(1));
/// let root = g.sqrt(y);
/// let e = g.div(x, root);
/// let names = ["x".to_string(), "y".to_string()];
/// assert_eq!(Printer::new(&g, &names, Style::Text, &[e]).write(e), "x/sqrt(y)");
/// assert_eq!(Printer::new(&g, &names, Style::Latex, &[e]).write(e), r"\frac{x}{\sqrt{y}}");
/// ```
pub struct Printer<'a> {
    graph: &'a Graph,
    variables: &'a [String],
    style: Style,
    /// The names of shared parts, in an order in which they can be defined.
    names: BTreeMap<Expr, String>,
}

/// A sum without sums in it.
struct Flat {
    constant: Rational,
    terms: Vec<(Rational, Expr)>,
    /// Where a term stands.
    places: BTreeMap<Expr, usize>,
}

impl Flat {
    fn add(&mut self, coefficient: Rational, e: Expr) {
        let next = self.terms.len();
        let place = *self.places.entry(e).or_insert(next);
        if place == next {
            self.terms.push((coefficient, e));
        } else {
            self.terms[place].0 = &self.terms[place].0 + &coefficient;
        }
    }
}

/// What binds how strongly.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Sum,
    Product,
    Power,
    Atom,
}

impl<'a> Printer<'a> {
    /// A printer of `roots`. If they are long when written out, parts that occur several times get
    /// names, see [`Printer::definitions`].
    pub fn new(
        graph: &'a Graph,
        variables: &'a [String],
        style: Style,
        roots: &[Expr],
    ) -> Printer<'a> {
        let mut printer = Printer { graph, variables, style, names: BTreeMap::new() };
        let nodes = graph.reachable(roots);
        let mut sizes: BTreeMap<Expr, u64> = BTreeMap::new();
        let mut uses: BTreeMap<Expr, usize> = BTreeMap::new();
        for &e in &nodes {
            let mut size = 1_u64;
            for operand in graph.operands(e) {
                size = size.saturating_add(sizes.get(&operand).copied().unwrap_or(1));
                *uses.entry(operand).or_default() += 1;
            }
            sizes.insert(e, size);
        }
        let written = roots.iter().fold(0_u64, |sum, e| sum.saturating_add(sizes[e]));
        if written > MAX_WRITTEN {
            let prefix = free_prefix(variables);
            for e in nodes {
                if uses.get(&e).is_some_and(|&n| n > 1) && sizes[&e] > 2 {
                    let number = printer.names.len() + 1;
                    printer.names.insert(e, format!("{prefix}{number}"));
                }
            }
        }
        printer
    }

    /// The named parts, each made of earlier ones: `let t1 = …;` in front of the formulas.
    pub fn definitions(&self) -> Vec<(String, String)> {
        let names = self.names.iter();
        names.map(|(&e, name)| (self.variable(name), self.node(e).0)).collect()
    }

    /// The expression.
    pub fn write(&self, e: Expr) -> String {
        self.at(e, Level::Sum)
    }

    /// The expression, in brackets if it binds less strongly than its place.
    fn at(&self, e: Expr, place: Level) -> String {
        let (text, level) = match self.names.get(&e) {
            Some(name) => (self.variable(name), Level::Atom),
            None => self.node(e),
        };
        if level < place { self.brackets(&text) } else { text }
    }

    fn brackets(&self, text: &str) -> String {
        match self.style {
            Style::Latex => format!(r"\left({text}\right)"),
            _ => format!("({text})"),
        }
    }

    fn node(&self, e: Expr) -> (String, Level) {
        match self.graph.node(e) {
            Node::Constant(value) if value.is_negative() => {
                let (text, _) = self.fraction(&(-value), &[]);
                (format!("-{text}"), Level::Sum)
            }
            Node::Constant(value) => self.fraction(value, &[]),
            Node::Pi => {
                let pi = match self.style {
                    Style::Text => "pi",
                    Style::Unicode => "π",
                    Style::Latex => r"\pi",
                };
                (pi.into(), Level::Atom)
            }
            Node::Variable(i) => {
                let name = self.variables.get(*i as usize).map_or("?", String::as_str);
                (self.variable(name), Level::Atom)
            }
            Node::Sum { constant, terms } => (self.sum(constant, terms), Level::Sum),
            Node::Product(factors) => self.fraction(&1.into(), factors),
            Node::Apply(function, x) => (self.function(*function, *x), Level::Atom),
            Node::Select(condition, yes, no) => {
                let [left, right, yes, no] =
                    [condition.left, condition.right, *yes, *no].map(|e| self.write(e));
                let sign = self.relation(condition.relation);
                let text = match self.style {
                    Style::Latex => format!(
                        r"\begin{{cases}}{yes} & \text{{if }} {left} {sign} {right}\\ {no} & \text{{otherwise}}\end{{cases}}"
                    ),
                    _ => format!("where({left} {sign} {right}, {yes}, {no})"),
                };
                (text, Level::Atom)
            }
        }
    }

    fn relation(&self, relation: Relation) -> &'static str {
        match (relation, self.style) {
            (Relation::Less, _) => "<",
            (Relation::Greater, _) => ">",
            (Relation::LessEqual, Style::Text) => "<=",
            (Relation::LessEqual, Style::Unicode) => "≤",
            (Relation::GreaterEqual, Style::Unicode) => "≥",
            (Relation::LessEqual, Style::Latex) => r"\le",
            (Relation::GreaterEqual, Style::Text) => ">=",
            (Relation::GreaterEqual, Style::Latex) => r"\ge",
        }
    }

    /// `Σ`, what is positive first. A sum inside a sum needs no brackets: `-(x - 1)` is `1 - x`.
    fn sum(&self, constant: &Rational, terms: &[(Rational, Expr)]) -> String {
        let flat = self.flat(constant, terms);
        let mut parts: Vec<(bool, String)> = Vec::new();
        for (coefficient, e) in flat.terms.iter().filter(|(c, _)| !c.is_zero()) {
            let negative = coefficient.is_negative();
            let size = if negative { -coefficient } else { coefficient.clone() };
            parts.push((negative, self.term(&size, *e)));
        }
        let constant = flat.constant;
        if !constant.is_zero() || parts.is_empty() {
            let negative = constant.is_negative();
            let size = if negative { -&constant } else { constant };
            parts.push((negative, self.fraction(&size, &[]).0));
        }
        if let Some(first) = parts.iter().position(|(negative, _)| !negative) {
            let part = parts.remove(first);
            parts.insert(0, part);
        }
        let mut text = String::new();
        for (i, (negative, part)) in parts.iter().enumerate() {
            match (i, negative) {
                (0, false) => {}
                (0, true) => text.push('-'),
                (_, false) => text.push_str(" + "),
                (_, true) => text.push_str(" - "),
            }
            text.push_str(part);
        }
        text
    }

    /// The terms of a sum, and those of the sums in it that no factor holds together.
    fn flat(&self, constant: &Rational, terms: &[(Rational, Expr)]) -> Flat {
        let mut flat =
            Flat { constant: constant.clone(), terms: Vec::new(), places: BTreeMap::new() };
        for (coefficient, e) in terms {
            match self.opened(coefficient, *e) {
                None => flat.add(coefficient.clone(), *e),
                Some(inner) => {
                    flat.constant = &flat.constant + &inner.constant;
                    inner.terms.into_iter().for_each(|(c, e)| flat.add(c, e));
                }
            }
        }
        flat
    }

    /// `c e` without brackets, if `e` is a sum and `c` is a sign, or a fraction whose denominator is in
    /// all of its terms: `(4*x + 2)/2` is `2*x + 1`.
    fn opened(&self, coefficient: &Rational, e: Expr) -> Option<Flat> {
        let Node::Sum { constant, terms } = self.graph.node(e) else { return None };
        let is_sign = coefficient.is_one() || (-coefficient).is_one();
        if self.names.contains_key(&e) || (coefficient.is_integer() && !is_sign) {
            return None;
        }
        let mut flat = self.flat(constant, terms);
        flat.constant = coefficient * &flat.constant;
        flat.terms.iter_mut().for_each(|(c, _)| *c = coefficient * &*c);
        let whole = flat.constant.is_integer() && flat.terms.iter().all(|(c, _)| c.is_integer());
        (is_sign || whole).then_some(flat)
    }

    /// `c e` for a positive `c`.
    fn term(&self, coefficient: &Rational, e: Expr) -> String {
        if coefficient.is_one() {
            return self.at(e, Level::Product);
        }
        match self.graph.node(e) {
            Node::Product(factors) if !self.names.contains_key(&e) => {
                self.fraction(coefficient, factors).0
            }
            _ => self.fraction(coefficient, &[(e, 1.into())]).0,
        }
    }

    /// `c Π b^r` for a non-negative `c`, with what has negative exponents below the line.
    fn fraction(&self, coefficient: &Rational, factors: &[(Expr, Rational)]) -> (String, Level) {
        let text = coefficient.to_string();
        let (p, q) = text.split_once('/').unwrap_or((&text, "1"));
        let (mut above, mut below) = (Vec::new(), Vec::new());
        if p != "1" {
            above.push((p.to_string(), Level::Atom));
        }
        if q != "1" {
            below.push((q.to_string(), Level::Atom));
        }
        for (base, exponent) in factors {
            if exponent.is_negative() {
                below.push(self.power(*base, &(-exponent)));
            } else {
                above.push(self.power(*base, exponent));
            }
        }
        let (above, top) = self.juxtaposed(above);
        if below.is_empty() {
            return (above, top);
        }
        let (below, bottom) = self.juxtaposed(below);
        match self.style {
            Style::Latex => (format!(r"\frac{{{above}}}{{{below}}}"), Level::Product),
            _ if bottom < Level::Power => (format!("{above}/({below})"), Level::Product),
            _ => (format!("{above}/{below}"), Level::Product),
        }
    }

    fn juxtaposed(&self, factors: Vec<(String, Level)>) -> (String, Level) {
        match <[_; 1]>::try_from(factors) {
            Ok([one]) => one,
            Err(factors) if factors.is_empty() => ("1".into(), Level::Atom),
            Err(factors) => {
                let sign = if self.style == Style::Latex { r" \, " } else { "*" };
                let texts: Vec<String> = factors
                    .into_iter()
                    .map(
                        |(text, level)| {
                            if level < Level::Product { self.brackets(&text) } else { text }
                        },
                    )
                    .collect();
                (texts.join(sign), Level::Product)
            }
        }
    }

    /// `b^r` for `r > 0`.
    fn power(&self, base: Expr, exponent: &Rational) -> (String, Level) {
        if exponent.is_one() {
            return (self.at(base, Level::Power), Level::Power);
        }
        if Rational::new(1, 2).as_ref() == Some(exponent) {
            let inner = self.write(base);
            let text = match self.style {
                Style::Latex => format!(r"\sqrt{{{inner}}}"),
                _ => format!("sqrt({inner})"),
            };
            return (text, Level::Atom);
        }
        let base = self.at(base, Level::Atom);
        let text = match self.style {
            Style::Latex => format!("{base}^{{{exponent}}}"),
            Style::Unicode if exponent.is_integer() => {
                format!("{base}{}", superscript(&exponent.to_string()))
            }
            _ if exponent.is_integer() => format!("{base}^{exponent}"),
            _ => format!("{base}^({exponent})"),
        };
        (text, Level::Power)
    }

    fn function(&self, function: Function, x: Expr) -> String {
        let inner = self.write(x);
        let name = function.name();
        if self.style != Style::Latex {
            return format!("{name}({inner})");
        }
        match function {
            Function::Exp => format!("e^{{{inner}}}"),
            Function::Abs => format!(r"\left|{inner}\right|"),
            Function::NormalCdf => format!(r"\Phi\left({inner}\right)"),
            Function::Log
            | Function::Sin
            | Function::Cos
            | Function::Tan
            | Function::Sinh
            | Function::Cosh
            | Function::Tanh => format!(r"\{name}\left({inner}\right)"),
            _ => format!(r"\operatorname{{{name}}}\left({inner}\right)"),
        }
    }

    /// A name: `w[0,1]` is `w_{0,1}` in LaTeX, `alpha` is `\alpha` there and `α` in the terminal.
    pub fn variable(&self, name: &str) -> String {
        match self.style {
            Style::Text => return name.into(),
            Style::Unicode => return letter(name),
            Style::Latex => {}
        }
        let (stem, mut index) = match name.split_once('[') {
            Some((stem, index)) => (stem, index.trim_end_matches(']').to_string()),
            None => (name, String::new()),
        };
        let letters = stem.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
        if !letters.is_empty() && index.is_empty() {
            index = stem[letters.len()..].trim_start_matches('_').replace('_', r"\_");
        }
        let letters = if index.is_empty() { stem } else { letters };
        let stem = if greek(letters).is_some() && letters != "omicron" {
            format!(r"\{letters}")
        } else if letters.chars().count() > 1 {
            format!(r"\mathrm{{{}}}", letters.replace('_', r"\_"))
        } else {
            letters.to_string()
        };
        if index.is_empty() { stem } else { format!("{stem}_{{{index}}}") }
    }
}

/// A letter, or several, that no variable starts with before a number.
fn free_prefix(variables: &[String]) -> String {
    let mut prefix = "t".to_string();
    let clashes = |prefix: &str| {
        let numbered = |v: &String| {
            v.strip_prefix(prefix)
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        variables.iter().any(numbered)
    };
    while clashes(&prefix) {
        prefix.push('t');
    }
    prefix
}
