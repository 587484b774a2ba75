//! Formulas as expressions of programming languages.

use super::{Plain, Script};
use crate::formula::{Bracket, Math};

/// Formulas with every operator written out. Names are written as they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Code {
    /// `2*z^2`, `sqrt(z)`
    Ascii,
    /// `2*z**2`, `sqrt(z)`, `Rational(1, 2)`
    SymPy,
    /// `2*z^2`, `Sqrt[z]`
    Mathematica,
}

impl Code {
    fn power(self) -> &'static str {
        if self == Code::SymPy { "**" } else { "^" }
    }

    fn call(self, name: &str, argument: &Math, out: &mut String) {
        let (name, open, close) = match (self, name) {
            (Code::Mathematica, "sqrt") => ("Sqrt", '[', ']'),
            (Code::Mathematica, "log") => ("Log", '[', ']'),
            _ => (name, '(', ')'),
        };
        out.push_str(name);
        out.push(open);
        self.write(argument, out);
        out.push(close);
    }

    /// Appends a formula that an operator stands beside, in brackets unless it is one unit.
    fn write_unit(self, formula: &Math, out: &mut String) {
        match formula {
            Math::Name(_)
            | Math::Number(_)
            | Math::Group(_)
            | Math::SquareRoot(_)
            | Math::Logarithm(_)
            | Math::Apply(_, _, Bracket::Round) => self.write(formula, out),
            _ => self.write_group(formula, out),
        }
    }
}

impl Script for Code {
    fn write(&self, formula: &Math, out: &mut String) {
        match formula {
            Math::Product(factors) => self.write_list(factors, "*", out),
            Math::Sum(terms) => self.write_sum(terms, ["-", "-", "+"], out),
            Math::LongSum(terms) => self.write_sum(terms, ["-", " - ", " + "], out),
            Math::Group(inner) => self.write_group(inner, out),
            Math::Fraction(top, bottom) => match (&**top, &**bottom, self) {
                // A quotient of two integers would be rounded.
                (Math::Number(top), Math::Number(bottom), Code::SymPy) => {
                    out.push_str(&format!("Rational({top}, {bottom})"));
                }
                _ => {
                    match **top {
                        Math::Sum(_) | Math::LongSum(_) => self.write_group(top, out),
                        _ => self.write(top, out),
                    }
                    out.push('/');
                    match **bottom {
                        Math::Power(..) => self.write(bottom, out),
                        _ => self.write_unit(bottom, out),
                    }
                }
            },
            Math::Power(base, exponent) => {
                self.write_unit(base, out);
                out.push_str(&format!("{}{exponent}", self.power()));
            }
            Math::PowerOf(base, exponent) => {
                self.write_unit(base, out);
                out.push_str(self.power());
                self.write_unit(exponent, out);
            }
            Math::SquareRoot(inner) => self.call("sqrt", inner, out),
            Math::Logarithm(inner) => self.call("log", inner, out),
            Math::Equation(left, right) => {
                self.write(left, out);
                out.push_str(" = ");
                self.write(right, out);
            }
            Math::Apply(head, arguments, Bracket::Round) => {
                self.write(head, out);
                out.push('(');
                self.write_list(arguments, ",", out);
                out.push(')');
            }
            Math::InverseRoot(base, degree, primes) => {
                self.write(&Math::inverse_root_in_words(base, degree, *primes), out);
            }
            Math::Row(parts) => self.write_list(parts, "", out),
            Math::Contraction(parts) => {
                let times = match self {
                    Code::Ascii => " ",
                    Code::SymPy => "*",
                    Code::Mathematica => "**",
                };
                self.write_list(parts, times, out);
            }
            Math::Name(text) | Math::Number(text) => out.push_str(text),
            // Differentials have no code form.
            _ => Plain.write(formula, out),
        }
    }
}
