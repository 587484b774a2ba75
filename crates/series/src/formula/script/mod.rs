//! The syntaxes that a formula can be written in, one file each.

mod code;
mod json_tree;
mod latex;
mod mathml;
mod plain;
mod typst;

pub use code::Code;
pub use json_tree::JsonTree;
pub use latex::Latex;
pub use mathml::MathMl;
pub use plain::{Plain, letter, superscript};
pub use typst::Typst;

use super::Math;

/// Writes formulas in one syntax.
pub trait Script {
    /// Appends the formula.
    fn write(&self, formula: &Math, out: &mut String);

    /// The formula as a text.
    fn show(&self, formula: &Math) -> String {
        let mut out = String::new();
        self.write(formula, &mut out);
        out
    }

    /// Appends the formulas with `separator` between them.
    fn write_list(&self, formulas: &[Math], separator: &str, out: &mut String) {
        for (i, formula) in formulas.iter().enumerate() {
            if i > 0 {
                out.push_str(separator);
            }
            self.write(formula, out);
        }
    }

    /// Appends the terms of a sum with their signs, `true` for minus: `signs` are a minus before
    /// the first one, a minus and a plus before others.
    fn write_sum(&self, terms: &[(bool, Math)], signs: [&str; 3], out: &mut String) {
        let [first_minus, minus, plus] = signs;
        for (i, (negative, term)) in terms.iter().enumerate() {
            out.push_str(match (negative, i) {
                (true, 0) => first_minus,
                (true, _) => minus,
                (false, 0) => "",
                (false, _) => plus,
            });
            self.write(term, out);
        }
    }

    /// Appends the formula in round brackets.
    fn write_group(&self, inner: &Math, out: &mut String) {
        out.push('(');
        self.write(inner, out);
        out.push(')');
    }
}

/// Letters with a name of their own, in the order of the Greek alphabet.
const GREEK: [(&str, &str); 24] = [
    ("alpha", "α"),
    ("beta", "β"),
    ("gamma", "γ"),
    ("delta", "δ"),
    ("epsilon", "ε"),
    ("zeta", "ζ"),
    ("eta", "η"),
    ("theta", "θ"),
    ("iota", "ι"),
    ("kappa", "κ"),
    ("lambda", "λ"),
    ("mu", "μ"),
    ("nu", "ν"),
    ("xi", "ξ"),
    ("omicron", "ο"),
    ("pi", "π"),
    ("rho", "ρ"),
    ("sigma", "σ"),
    ("tau", "τ"),
    ("upsilon", "υ"),
    ("phi", "φ"),
    ("chi", "χ"),
    ("psi", "ψ"),
    ("omega", "ω"),
];

/// The Greek letter of this name.
pub fn greek(name: &str) -> Option<&'static str> {
    GREEK.iter().find(|(n, _)| *n == name).map(|(_, letter)| *letter)
}

/// A name as a letter and its subscript: `beta_1` and `beta1` as `beta`, `1`; the field `fx` of
/// player `x` as `f`, `x`.
fn split_name(name: &str) -> (&str, &str) {
    if let Some((base, rest)) = name.split_once('_')
        && !base.is_empty()
        && !rest.is_empty()
    {
        return (base, rest);
    }
    if let Some(player) = name.strip_prefix('f')
        && player.chars().count() == 1
    {
        return ("f", player);
    }
    let base = name.trim_end_matches(|c: char| c.is_ascii_digit());
    if base.is_empty() { (name, "") } else { name.split_at(base.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_split_into_letter_and_subscript() {
        assert_eq!(split_name("m"), ("m", ""));
        assert_eq!(split_name("beta_1"), ("beta", "1"));
        assert_eq!(split_name("beta2"), ("beta", "2"));
        assert_eq!(split_name("fx"), ("f", "x"));
        assert_eq!(split_name("f"), ("f", ""));
    }
}
