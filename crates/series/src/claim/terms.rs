//! Products of powers in the notation of claims: `sqrt(v)*H[u]/(abs(g) + eps)^2`.

use crate::exact::RationalFunction as Q;
use crate::typed::{Atom, Atoms, Exponent, Opaque, Product, Shape};
use num_rational::Ratio;

/// How products are written.
pub(super) struct Terms<'a> {
    pub atoms: &'a Atoms,
    pub variables: &'a [String],
    pub coordinates: &'a [(String, Shape)],
}

/// Whether something can stand beside a `*` or below a `/` without brackets.
fn is_unit(text: &str) -> bool {
    let mut depth = 0;
    text.chars().all(|c| {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            _ => {}
        }
        depth > 0 || !matches!(c, ' ' | '*' | '/' | '+' | '-')
    })
}

fn bracketed(text: String) -> String {
    if is_unit(&text) { text } else { format!("({text})") }
}

impl Terms<'_> {
    /// A product without a coefficient; nothing for 1.
    pub fn product(&self, product: &Product) -> String {
        let (mut above, mut below) = (Vec::new(), Vec::new());
        for (text, exponent) in self.factors(product) {
            let leading = exponent.symbolic.first().map_or(exponent.constant, |(_, c)| *c);
            if leading < Ratio::from(0) {
                below.push(self.power(text, &exponent.times(Ratio::from(-1))));
            } else {
                above.push(self.power(text, &exponent));
            }
        }
        let mut text = above.join("*");
        if text.is_empty() && !below.is_empty() {
            text = "1".to_string();
        }
        for divisor in below {
            text = format!("{text}/{divisor}");
        }
        text
    }

    fn factors(&self, product: &Product) -> Vec<(String, Exponent)> {
        // x sign(x) is the absolute value.
        let sign_of = |atom: u32| match self.atoms.atom(atom) {
            Atom::Function(Opaque::Sign, sum) => match &sum[..] {
                [(inner, c)] if c.is_one() => Some(inner),
                _ => None,
            },
            _ => None,
        };
        let odd = |e: &Exponent| e.as_integer().is_some_and(|n| n % 2 != 0);
        let absolute: Vec<(u32, u32)> = product
            .0
            .iter()
            .filter_map(|(sign, _)| {
                let inner = sign_of(*sign)?;
                let base = product.0.iter().find(|(a, e)| odd(e) && *inner == Product::of(*a))?;
                Some((*sign, base.0))
            })
            .collect();
        let mut out = Vec::new();
        for (atom, exponent) in &product.0 {
            if absolute.iter().any(|(sign, _)| sign == atom) {
                continue;
            }
            if absolute.iter().any(|(_, base)| base == atom) {
                out.push((format!("abs({})", self.atom(*atom)), exponent.clone()));
                continue;
            }
            if let Atom::Entries(inner) = self.atoms.atom(*atom)
                && !inner.is_one()
                && inner.0.iter().all(|(_, e)| e.as_integer().is_some_and(|n| n % 2 == 0))
            {
                let half = |(a, e): &(u32, Exponent)| (*a, e.times(Ratio::new(1, 2)));
                let root = self.product(&Product(inner.0.iter().map(half).collect()));
                out.push((format!("norm({root})"), exponent.times(Ratio::from(2))));
                continue;
            }
            out.push((self.atom(*atom), exponent.clone()));
        }
        out
    }

    fn power(&self, base: String, exponent: &Exponent) -> String {
        match exponent.as_rational() {
            Some(q) if q == Ratio::from(1) => bracketed(base),
            Some(q) if q == Ratio::new(1, 2) => format!("sqrt({base})"),
            Some(q) if q.is_integer() => format!("{}^{q}", bracketed(base)),
            Some(q) => format!("{}^({q})", bracketed(base)),
            None => {
                let shown = exponent.value().display(self.variables);
                format!("{}^{}", bracketed(base), bracketed(shown))
            }
        }
    }

    /// A sum with its coefficients, constants last.
    pub fn sum(&self, sum: &[(Product, Q)]) -> String {
        let mut text = String::new();
        let (constants, others): (Vec<_>, Vec<_>) =
            sum.iter().partition(|(product, _)| product.is_one());
        for (product, c) in others.into_iter().chain(constants) {
            let shown = self.product(product);
            let (negative, size) = match c.display(self.variables).strip_prefix('-') {
                Some(size) => (true, size.to_string()),
                None => (false, c.display(self.variables)),
            };
            let term = match (size.as_str(), shown.as_str()) {
                (size, "") => bracketed(size.to_string()),
                ("1", shown) => shown.to_string(),
                (size, shown) => format!("{}*{shown}", bracketed(size.to_string())),
            };
            match (text.is_empty(), negative) {
                (true, true) => text.push('-'),
                (true, false) => {}
                (false, true) => text.push_str(" - "),
                (false, false) => text.push_str(" + "),
            }
            text.push_str(&term);
        }
        text
    }

    fn atom(&self, atom: u32) -> String {
        let list = |products: &[Product]| {
            products.iter().map(|p| self.vector(p)).collect::<Vec<_>>().join(", ")
        };
        match self.atoms.atom(atom) {
            Atom::Coordinate(i) => self.coordinates[*i].0.clone(),
            Atom::Gradient(arguments) => match arguments.len() {
                0 => "g".to_string(),
                1 => format!("H[{}]", list(arguments)),
                n => format!("D{}E[{}]", n + 1, list(arguments)),
            },
            Atom::Base(sum) => self.sum(sum),
            Atom::Function(function, sum) => {
                let name = match function {
                    Opaque::Exponential => "exp",
                    Opaque::Logarithm => "log",
                    Opaque::HyperbolicTangent => "tanh",
                    Opaque::Absolute => "abs",
                    Opaque::Sign => "sign",
                    Opaque::Positive => "step",
                };
                format!("{name}({})", self.sum(sum))
            }
            Atom::Entries(product) => {
                let operator = product.0.iter().find(|(a, e)| {
                    e.as_integer() == Some(1)
                        && matches!(self.atoms.atom(*a), Atom::Gradient(list) if !list.is_empty())
                });
                match operator {
                    Some((a, _)) if product.0.len() > 1 => {
                        let beside = self.vector(&product.without(*a));
                        format!("dot({beside}, {})", self.atom(*a))
                    }
                    _ => format!("sum({})", self.vector(product)),
                }
            }
            Atom::Dimension => "dim".to_string(),
            Atom::Loss => "E".to_string(),
            Atom::Hole(_) => "·".to_string(),
            Atom::Chain(_) | Atom::Frechet(..) | Atom::Identity(_) => {
                unreachable!("claims have no matrices")
            }
        }
    }

    fn vector(&self, product: &Product) -> String {
        if product.is_one() { "1".to_string() } else { self.product(product) }
    }
}
