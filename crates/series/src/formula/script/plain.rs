//! Formulas on one line of text.

use super::{Script, greek, split_name};
use crate::formula::{Index, Math};

/// Formulas on one line: `h²/2`, `∇³E[∇E,∇E]`.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

impl Script for Plain {
    fn write(&self, formula: &Math, out: &mut String) {
        match formula {
            Math::Name(name) => out.push_str(&letter(name)),
            Math::Number(digits) => out.push_str(digits),
            Math::Row(parts) => self.write_list(parts, "", out),
            Math::Contraction(parts) => self.write_list(parts, " ", out),
            Math::Product(factors) => self.product(factors, out),
            Math::Sum(terms) => self.write_sum(terms, ["-", "-", "+"], out),
            Math::LongSum(terms) => self.write_sum(terms, ["-", " - ", " + "], out),
            Math::Group(inner) => self.write_group(inner, out),
            Math::Fraction(top, bottom) => {
                match **top {
                    Math::Sum(_) | Math::LongSum(_) => self.write_group(top, out),
                    _ => self.write(top, out),
                }
                out.push('/');
                match **bottom {
                    Math::Sum(_) | Math::LongSum(_) | Math::Product(_) | Math::Row(_) => {
                        self.write_group(bottom, out);
                    }
                    _ => self.write(bottom, out),
                }
            }
            Math::Power(base, exponent) => {
                self.write(base, out);
                out.push_str(&superscript(&exponent.to_string()));
            }
            Math::PowerOf(base, exponent) => {
                self.write(base, out);
                let shown = self.show(exponent);
                if shown.chars().all(|c| c.is_ascii_digit() || c == '-' || c == 'n') {
                    out.push_str(&superscript(&shown));
                } else if matches!(**exponent, Math::Name(_) | Math::Number(_)) {
                    out.push_str(&format!("^{shown}"));
                } else {
                    out.push_str(&format!("^({shown})"));
                }
            }
            Math::SquareRoot(inner) => {
                out.push_str("sqrt");
                self.write_group(inner, out);
            }
            Math::Logarithm(inner) => {
                out.push_str("log");
                self.write_group(inner, out);
            }
            Math::Equation(left, right) => {
                self.write(left, out);
                out.push_str(" = ");
                self.write(right, out);
            }
            Math::Primes(name, count) => {
                out.push_str(name);
                out.extend(std::iter::repeat_n('\'', *count));
            }
            Math::Apply(head, arguments, bracket) => {
                self.write(head, out);
                let (open, close) = bracket.pair();
                out.push(open);
                self.write_list(arguments, ",", out);
                out.push(close);
            }
            Math::InverseRoot(base, degree, primes) => {
                self.write(&Math::inverse_root_in_words(base, degree, *primes), out);
            }
            Math::Norm(vector) => {
                out.push('‖');
                self.write(vector, out);
                out.push('‖');
            }
            Math::Nabla(1) => out.push('∇'),
            Math::Nabla(k) => {
                out.push('∇');
                out.push_str(&superscript(&k.to_string()));
            }
            Math::Component(name, upper, lower) => {
                out.push_str(name);
                if let Some(upper) = upper {
                    out.push_str(&format!("^{upper}"));
                }
                let comma = if upper.is_some() { "," } else { "" };
                match lower.len() {
                    0 => {}
                    1 if upper.is_none() => out.push_str(&format!("_{}", lower[0])),
                    _ => out.push_str(&format!("_{{{comma}{}}}", lower.concat())),
                }
            }
            Math::Node(color) => out.push_str(&node(*color)),
            Math::Modified(name) => {
                out.push_str(name);
                out.push('\u{303}');
            }
            Math::Start { name, index, effective } => {
                out.push_str(&letter(name));
                out.push_str(if *effective { "\u{302}_0" } else { "_0" });
                match index {
                    None => {}
                    Some(Index::Upper(i)) => out.push_str(&format!("^{i}")),
                    Some(Index::Lower(i)) => out.push_str(&format!(",{i}")),
                }
            }
            Math::Dots => out.push('…'),
            Math::Velocity(name, index) => {
                out.push_str(&letter(name));
                out.push('\u{307}');
                match index {
                    None => {}
                    Some(Index::Upper(i)) => out.push_str(&format!("^{i}")),
                    Some(Index::Lower(i)) => out.push_str(&format!("_{i}")),
                }
            }
        }
    }
}

impl Plain {
    fn product(&self, factors: &[Math], out: &mut String) {
        for (i, factor) in factors.iter().enumerate() {
            // 2m reads well, but hm reads as one name and h(1+m) as a function.
            if i > 0 && is_letter(&factors[i - 1]) {
                out.push('*');
            }
            self.write(factor, out);
        }
    }
}

fn is_letter(factor: &Math) -> bool {
    match factor {
        Math::Name(_) => true,
        Math::Power(base, _) => is_letter(base),
        // An exponent of letters is not that of what follows.
        Math::PowerOf(..) => true,
        _ => false,
    }
}

/// A node of a tree: full, empty, then numbered circles.
fn node(color: usize) -> String {
    match color {
        0 => "•".into(),
        1 => "◦".into(),
        2..=20 => char::from_u32(0x2460 + color as u32).expect("a circled number").into(),
        _ => format!("({})", color + 1),
    }
}

/// A name with a Greek letter for the name of one: `β` for `beta`, `β1` for `beta1`, `β_1` for
/// `beta_1`; other names as they are.
pub fn letter(name: &str) -> String {
    let (base, _) = split_name(name);
    let letter = greek(base).unwrap_or(base);
    format!("{letter}{}", &name[base.len()..])
}

/// Digits, signs and `n` raised: `²`.
pub fn superscript(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '0' => '⁰',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            '4' => '⁴',
            '5' => '⁵',
            '6' => '⁶',
            '7' => '⁷',
            '8' => '⁸',
            '9' => '⁹',
            '-' => '⁻',
            'n' => 'ⁿ',
            other => other,
        })
        .collect()
}
