//! Formulas in MathML Core, which browsers typeset without any script.

use super::{Script, greek, split_name};
use crate::formula::{Index, Math};

/// Presentation MathML, without the enclosing `<math>`.
#[derive(Clone, Copy, Debug)]
pub struct MathMl;

impl Script for MathMl {
    fn write(&self, formula: &Math, out: &mut String) {
        match formula {
            Math::Name(name) => out.push_str(&identifier(name)),
            Math::Number(digits) => out.push_str(&format!("<mn>{digits}</mn>")),
            Math::Row(parts) => self.row(parts, "", out),
            Math::Contraction(parts) | Math::Product(parts) => {
                self.row(parts, "<mspace width=\"0.17em\"/>", out);
            }
            Math::Sum(terms) | Math::LongSum(terms) => {
                out.push_str("<mrow>");
                self.write_sum(terms, ["<mo>−</mo>", "<mo>−</mo>", "<mo>+</mo>"], out);
                out.push_str("</mrow>");
            }
            Math::Group(inner) => self.write_group(inner, out),
            Math::Fraction(top, bottom) => {
                out.push_str("<mfrac>");
                self.write(top, out);
                self.write(bottom, out);
                out.push_str("</mfrac>");
            }
            Math::Power(base, exponent) => {
                out.push_str("<msup>");
                self.write(base, out);
                match exponent {
                    0.. => out.push_str(&format!("<mn>{exponent}</mn></msup>")),
                    _ => out.push_str(&format!(
                        "<mrow><mo>−</mo><mn>{}</mn></mrow></msup>",
                        exponent.unsigned_abs()
                    )),
                }
            }
            Math::PowerOf(base, exponent) => {
                out.push_str("<msup>");
                self.write(base, out);
                self.write(exponent, out);
                out.push_str("</msup>");
            }
            Math::SquareRoot(inner) => {
                out.push_str("<msqrt>");
                self.write(inner, out);
                out.push_str("</msqrt>");
            }
            Math::Logarithm(inner) => {
                out.push_str("<mrow><mi>log</mi><mo>&#x2061;</mo>");
                self.write_group(inner, out);
                out.push_str("</mrow>");
            }
            Math::Equation(left, right) => {
                out.push_str("<mrow>");
                self.write(left, out);
                out.push_str("<mo>=</mo>");
                self.write(right, out);
                out.push_str("</mrow>");
            }
            Math::Primes(name, count) => {
                let name = identifier(name);
                let [open, close] = fences(('(', ')'), false);
                out.push_str(&match count {
                    0..=3 => {
                        let mark = ["", "′", "″", "‴"][*count];
                        format!("<mrow>{name}<mo lspace=\"0\" rspace=\"0\">{mark}</mo></mrow>")
                    }
                    _ => format!("<msup>{name}<mrow>{open}<mn>{count}</mn>{close}</mrow></msup>"),
                });
            }
            Math::Apply(head, arguments, bracket) => {
                let [open, close] = fences(bracket.pair(), arguments.iter().any(is_tall));
                out.push_str("<mrow>");
                self.write(head, out);
                // In a row of their own, so that the head does not make them any higher.
                out.push_str(&format!("<mrow>{open}"));
                self.write_list(arguments, "<mo>,</mo>", out);
                out.push_str(&format!("{close}</mrow></mrow>"));
            }
            Math::InverseRoot(base, degree, primes) => {
                let mut root = String::from("<msup>");
                if base.is_unit() {
                    self.write(base, &mut root);
                } else {
                    self.write_group(base, &mut root);
                }
                root.push_str("<mrow><mo>−</mo><mn>1</mn><mo>/</mo>");
                self.write(degree, &mut root);
                root.push_str("</mrow></msup>");
                let [open, close] = fences(('(', ')'), true);
                out.push_str(&match primes {
                    0 => root,
                    1..=3 => {
                        let mark = ["′", "″", "‴"][primes - 1];
                        let mark = format!("<mo lspace=\"0\" rspace=\"0\">{mark}</mo>");
                        format!("<mrow><mrow>{open}{root}{close}</mrow>{mark}</mrow>")
                    }
                    _ => {
                        let [left, right] = fences(('(', ')'), false);
                        format!(
                            "<msup><mrow>{open}{root}{close}</mrow><mrow>{left}<mn>{primes}</mn>{right}</mrow></msup>"
                        )
                    }
                });
            }
            Math::Norm(vector) => {
                let [open, close] = fences(('‖', '‖'), is_tall(vector));
                out.push_str(&format!("<mrow>{open}"));
                self.write(vector, out);
                out.push_str(&format!("{close}</mrow>"));
            }
            Math::Nabla(1) => out.push_str("<mo>∇</mo>"),
            Math::Nabla(k) => out.push_str(&format!("<msup><mo>∇</mo><mn>{k}</mn></msup>")),
            Math::Component(name, upper, lower) => {
                let row = |indices: &[String], comma: bool| {
                    let comma = if comma { "<mo>,</mo>" } else { "" };
                    let letters: String = indices.iter().map(|i| format!("<mi>{i}</mi>")).collect();
                    format!("<mrow>{comma}{letters}</mrow>")
                };
                let name = identifier(name);
                out.push_str(&match (upper, lower.is_empty()) {
                    (Some(upper), true) => format!("<msup>{name}<mi>{upper}</mi></msup>"),
                    (Some(upper), false) => {
                        let lower = row(lower, true);
                        format!("<msubsup>{name}{lower}<mi>{upper}</mi></msubsup>")
                    }
                    (None, true) => name,
                    (None, false) => format!("<msub>{name}{}</msub>", row(lower, false)),
                });
            }
            Math::Node(0) => out.push_str("<mo>•</mo>"),
            Math::Node(1) => out.push_str("<mo>◦</mo>"),
            Math::Node(color) => {
                out.push_str(&format!("<msub><mo>•</mo><mn>{}</mn></msub>", color + 1));
            }
            Math::Modified(name) => {
                out.push_str(&format!("<mover>{}<mo>~</mo></mover>", identifier(name)));
            }
            Math::Start { name, index, effective } => {
                let mut name = identifier(name);
                if *effective {
                    name = format!("<mover>{name}<mo>^</mo></mover>");
                }
                out.push_str(&match index {
                    None => format!("<msub>{name}<mn>0</mn></msub>"),
                    Some(Index::Upper(i)) => {
                        format!("<msubsup>{name}<mn>0</mn><mi>{i}</mi></msubsup>")
                    }
                    Some(Index::Lower(i)) => {
                        format!("<msub>{name}<mrow><mn>0</mn><mo>,</mo><mi>{i}</mi></mrow></msub>")
                    }
                });
            }
            Math::Dots => out.push_str("<mo>⋯</mo>"),
            Math::Velocity(name, index) => {
                let velocity = format!("<mover>{}<mo>˙</mo></mover>", identifier(name));
                out.push_str(&match index {
                    None => velocity,
                    Some(Index::Upper(i)) => format!("<msup>{velocity}<mi>{i}</mi></msup>"),
                    Some(Index::Lower(i)) => format!("<msub>{velocity}<mi>{i}</mi></msub>"),
                });
            }
        }
    }

    fn write_group(&self, inner: &Math, out: &mut String) {
        let [open, close] = fences(('(', ')'), is_tall(inner));
        out.push_str(&format!("<mrow>{open}"));
        self.write(inner, out);
        out.push_str(&format!("{close}</mrow>"));
    }
}

impl MathMl {
    fn row(&self, parts: &[Math], separator: &str, out: &mut String) {
        out.push_str("<mrow>");
        self.write_list(parts, separator, out);
        out.push_str("</mrow>");
    }
}

/// The marks around a formula. Browsers stretch both of a row to its height; around what is as high as a line they stay as
/// they are, since what can stretch takes the room of the largest.
fn fences((open, close): (char, char), tall: bool) -> [String; 2] {
    let stretchy = if tall { "" } else { " stretchy=\"false\"" };
    [("prefix", open), ("postfix", close)]
        .map(|(form, mark)| format!("<mo form=\"{form}\"{stretchy}>{mark}</mo>"))
}

/// Whether a formula is higher than a line.
fn is_tall(formula: &Math) -> bool {
    match formula {
        Math::Fraction(..) | Math::SquareRoot(_) | Math::PowerOf(..) | Math::InverseRoot(..) => {
            true
        }
        Math::Row(parts) | Math::Contraction(parts) | Math::Product(parts) => {
            parts.iter().any(is_tall)
        }
        Math::Sum(terms) | Math::LongSum(terms) => terms.iter().any(|(_, term)| is_tall(term)),
        Math::Group(inner) | Math::Logarithm(inner) | Math::Norm(inner) => is_tall(inner),
        Math::Power(base, _) => is_tall(base),
        Math::Equation(left, right) => is_tall(left) || is_tall(right),
        Math::Apply(head, arguments, _) => is_tall(head) || arguments.iter().any(is_tall),
        _ => false,
    }
}

fn identifier(name: &str) -> String {
    let letter = |part: &str| match greek(part) {
        Some(letter) => format!("<mi>{letter}</mi>"),
        None => format!("<mi>{part}</mi>"),
    };
    match split_name(name) {
        (base, "") => letter(base),
        (base, subscript) => format!("<msub>{}{}</msub>", letter(base), letter(subscript)),
    }
}
