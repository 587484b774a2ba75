//! Formulas in LaTeX, within what KaTeX and MathJax understand.

use super::{Script, greek, split_name};
use crate::formula::{Index, Math};

/// LaTeX math mode.
#[derive(Clone, Copy, Debug)]
pub struct Latex;

impl Script for Latex {
    fn write(&self, formula: &Math, out: &mut String) {
        match formula {
            Math::Name(name) => out.push_str(&identifier(name)),
            Math::Number(digits) => out.push_str(digits),
            Math::Row(parts) => self.write_list(parts, "", out),
            Math::Contraction(parts) | Math::Product(parts) => self.write_list(parts, "\\,", out),
            Math::Sum(terms) | Math::LongSum(terms) => {
                self.write_sum(terms, ["-", "-", "+"], out);
            }
            Math::Group(inner) => self.write_group(inner, out),
            Math::Fraction(top, bottom) => {
                out.push_str("\\frac{");
                self.write(top, out);
                out.push_str("}{");
                self.write(bottom, out);
                out.push('}');
            }
            Math::Power(base, exponent) => {
                self.write(base, out);
                out.push_str(&format!("^{{{exponent}}}"));
            }
            Math::PowerOf(base, exponent) => {
                self.write(base, out);
                out.push_str("^{");
                self.write(exponent, out);
                out.push('}');
            }
            Math::SquareRoot(inner) => {
                out.push_str("\\sqrt{");
                self.write(inner, out);
                out.push('}');
            }
            Math::Logarithm(inner) => {
                out.push_str("\\log\\left(");
                self.write(inner, out);
                out.push_str("\\right)");
            }
            Math::Equation(left, right) => {
                self.write(left, out);
                out.push_str(" = ");
                self.write(right, out);
            }
            Math::Primes(name, count) => {
                out.push_str(&identifier(name));
                match count {
                    0..=3 => out.extend(std::iter::repeat_n('\'', *count)),
                    _ => out.push_str(&format!("^{{({count})}}")),
                }
            }
            Math::Apply(head, arguments, bracket) => {
                self.write(head, out);
                let (open, close) = bracket.pair();
                // Brackets as high as what stands in them.
                let tall = arguments.iter().any(Math::is_tall);
                out.push_str(if tall { "\\left" } else { "" });
                out.push(open);
                self.write_list(arguments, ",", out);
                out.push_str(if tall { "\\right" } else { "" });
                out.push(close);
            }
            Math::InverseRoot(base, degree, primes) => {
                let mut root = String::new();
                if base.is_unit() {
                    self.write(base, &mut root);
                } else {
                    self.write_group(base, &mut root);
                }
                root.push_str("^{-1/");
                self.write(degree, &mut root);
                root.push('}');
                out.push_str(&match primes {
                    0 => root,
                    1..=3 => format!("({root}){}", "'".repeat(*primes)),
                    _ => format!("({root})^{{({primes})}}"),
                });
            }
            Math::Norm(vector) => {
                out.push_str("\\lVert ");
                self.write(vector, out);
                out.push_str("\\rVert");
            }
            Math::Nabla(1) => out.push_str("\\nabla "),
            Math::Nabla(k) => out.push_str(&format!("\\nabla^{{{k}}}")),
            Math::Component(name, upper, lower) => {
                out.push_str(&identifier(name));
                if let Some(upper) = upper {
                    out.push_str(&format!("^{{{upper}}}"));
                }
                if !lower.is_empty() {
                    let comma = if upper.is_some() { "," } else { "" };
                    out.push_str(&format!("_{{{comma}{}}}", lower.concat()));
                }
            }
            Math::Node(0) => out.push_str("\\bullet "),
            Math::Node(1) => out.push_str("\\circ "),
            Math::Node(color) => out.push_str(&format!("\\bullet_{{{}}}", color + 1)),
            Math::Modified(name) => {
                out.push_str(&format!("\\tilde{{{}}}", identifier(name).trim_end()))
            }
            Math::Start { name, index, effective } => {
                let name = identifier(name);
                let name = name.trim_end();
                out.push_str(&if *effective {
                    format!("\\hat{{{name}}}")
                } else if name.contains('_') {
                    // A name that has a subscript of its own must not get another one.
                    format!("{{{name}}}")
                } else {
                    name.to_string()
                });
                out.push_str(&match index {
                    None => "_0".to_string(),
                    Some(Index::Upper(i)) => format!("_0^{{{i}}}"),
                    Some(Index::Lower(i)) => format!("_{{0,{i}}}"),
                });
            }
            Math::Dots => out.push_str("\\cdots "),
            Math::Velocity(name, index) => {
                out.push_str(&format!("\\dot{{{}}}", identifier(name).trim_end()));
                match index {
                    None => {}
                    Some(Index::Upper(i)) => out.push_str(&format!("^{{{i}}}")),
                    Some(Index::Lower(i)) => out.push_str(&format!("_{{{i}}}")),
                }
            }
        }
    }
}

fn identifier(name: &str) -> String {
    let letter = |part: &str| match part.chars().count() {
        // Upright omicron and epsilon need their own commands; the rest are named as in Greek.
        _ if part == "omicron" => "o".to_string(),
        _ if part == "epsilon" => "\\varepsilon ".to_string(),
        _ if greek(part).is_some() => format!("\\{part} "),
        1 => part.to_string(),
        _ => format!("\\mathrm{{{}}}", part.replace('_', "\\_")),
    };
    match split_name(name) {
        (base, "") => letter(base),
        (base, subscript) => {
            format!("{}_{{{}}}", letter(base).trim_end(), letter(subscript).trim_end())
        }
    }
}
