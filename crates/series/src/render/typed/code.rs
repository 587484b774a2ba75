//! A module for SymPy and a function for Mathematica that compute the field of a concrete loss.

use super::TypedDocument;
use crate::exact::RationalFunction;
use crate::render::{mathematica, sympy};
use crate::typed::{Elementary, Exponent, Factor, Factors, Shape, Terms, TypedField};
use std::io::{self, Write};

/// How a system writes what trees are made of.
trait Language {
    /// What names of values in between begin with.
    fn local(&self) -> &'static str;
    fn number(&self, value: &RationalFunction) -> String;
    fn exponent(&self, exponent: &Exponent) -> String;
    /// The power sign.
    fn power(&self) -> &'static str;
    /// One entry of the vector of this name, or all of them.
    fn entry(&self, vector: &str) -> String;
    fn coordinate(&self, name: &str, is_parameters: bool, shape: Shape) -> String;
    fn function(&self, function: Elementary, argument: &str) -> String;
    fn dimension(&self) -> &'static str;
    /// A vector whose entries are written so.
    fn vector(&self, entries: &str, is_constant: bool) -> String;
    /// `∇^(k+1)E` of vectors.
    fn gradient(&self, arguments: &[String]) -> String;
    /// The sum of the entries that are written so.
    fn sum(&self, entries: &str, is_constant: bool) -> String;
}

/// Names of vectors and numbers that have been computed, and the lines that compute them.
struct Emitter<'a, L: Language> {
    language: L,
    field: &'a TypedField,
    known: Vec<(Factor, String)>,
    lines: Vec<(String, String)>,
}

impl<L: Language> Emitter<'_, L> {
    fn named(&mut self, factor: &Factor, value: String) -> String {
        let name = format!("{}{}", self.language.local(), self.lines.len());
        self.lines.push((name.clone(), value));
        self.known.push((factor.clone(), name.clone()));
        name
    }

    fn known(&self, factor: &Factor) -> Option<String> {
        self.known.iter().find(|(known, _)| known == factor).map(|(_, name)| name.clone())
    }

    /// A product, with the coefficient before it.
    fn product(&mut self, coefficient: Option<&RationalFunction>, factors: &Factors) -> String {
        let mut parts: Vec<String> = Vec::new();
        if let Some(c) = coefficient.filter(|c| !c.is_one() || factors.is_empty()) {
            parts.push(format!("({})", self.language.number(c)));
        }
        for (factor, exponent) in factors {
            let base = self.factor(factor);
            parts.push(match exponent.as_integer() {
                Some(1) => base,
                _ => {
                    format!("{base}{}({})", self.language.power(), self.language.exponent(exponent))
                }
            });
        }
        if parts.is_empty() { "1".into() } else { parts.join("*") }
    }

    fn terms(&mut self, terms: &Terms) -> String {
        let terms: Vec<String> =
            terms.iter().map(|(c, factors)| self.product(Some(c), factors)).collect();
        format!("({})", terms.join(" + "))
    }

    fn factor(&mut self, factor: &Factor) -> String {
        match factor {
            Factor::Coordinate(name) => {
                let at = self.field.coordinates.iter().position(|c| c.name == *name).unwrap_or(0);
                self.language.coordinate(name, at == 0, self.field.coordinates[at].shape)
            }
            Factor::Gradient(arguments) => {
                let name = self.known(factor).unwrap_or_else(|| {
                    let arguments: Vec<String> = arguments
                        .iter()
                        .map(|argument| {
                            let entries = self.product(None, argument);
                            self.language.vector(&entries, argument.is_empty())
                        })
                        .collect();
                    let value = self.language.gradient(&arguments);
                    self.named(factor, value)
                });
                self.language.entry(&name)
            }
            Factor::Base(sum) => self.terms(sum),
            Factor::Function(function, argument) => {
                let argument = self.terms(argument);
                self.language.function(*function, &argument)
            }
            Factor::Entries(vector) => self.known(factor).unwrap_or_else(|| {
                let entries = self.product(None, vector);
                let value = self.language.sum(&entries, vector.is_empty());
                self.named(factor, value)
            }),
            Factor::Dimension => self.language.dimension().into(),
            Factor::Loss => unreachable!("the loss is in no field"),
            Factor::Chain(_) | Factor::Frechet(..) | Factor::Identity => {
                unreachable!("fields with matrices are refused")
            }
        }
    }

    /// The velocity of each coordinate.
    fn velocities(&mut self) -> Vec<String> {
        let field = self.field;
        let velocity = |coordinate: &crate::typed::TypedCoordinate, this: &mut Self| {
            let terms: Vec<String> = coordinate
                .terms
                .iter()
                .map(|term| {
                    let product = this.product(Some(&term.coefficient), &term.factors);
                    format!("h{}{}*{product}", this.language.power(), term.power)
                })
                .collect();
            if terms.is_empty() { "0".to_string() } else { terms.join(" + ") }
        };
        field.coordinates.iter().map(|coordinate| velocity(coordinate, self)).collect()
    }
}

struct Python(Vec<String>);

impl Language for Python {
    fn local(&self) -> &'static str {
        "_t"
    }

    fn number(&self, value: &RationalFunction) -> String {
        sympy::expression(value, &self.0)
    }

    fn exponent(&self, exponent: &Exponent) -> String {
        sympy::expression(&exponent.value(), &self.0)
    }

    fn power(&self) -> &'static str {
        "**"
    }

    fn entry(&self, vector: &str) -> String {
        format!("{vector}[_i]")
    }

    fn coordinate(&self, name: &str, is_parameters: bool, shape: Shape) -> String {
        match shape {
            _ if is_parameters => "_variables[_i]".into(),
            Shape::Vector | Shape::Square(_) | Shape::Transposed => {
                format!("_slow[\"{name}\"][_i]")
            }
            Shape::Number => format!("_slow[\"{name}\"]"),
        }
    }

    fn function(&self, function: Elementary, argument: &str) -> String {
        let name = match function {
            Elementary::Exponential => "exp",
            Elementary::Logarithm => "log",
            Elementary::HyperbolicTangent => "tanh",
            Elementary::Absolute => "Abs",
            Elementary::Sign => "sign",
            Elementary::Positive => "Heaviside",
        };
        format!("_sympy.{name}({argument})")
    }

    fn dimension(&self) -> &'static str {
        "len(_variables)"
    }

    fn vector(&self, entries: &str, _: bool) -> String {
        format!("[{entries} for _i in _range]")
    }

    fn gradient(&self, arguments: &[String]) -> String {
        format!("_differential({})", arguments.join(", "))
    }

    fn sum(&self, entries: &str, _: bool) -> String {
        format!("sum({entries} for _i in _range)")
    }
}

/// A Python module.
pub(super) fn sympy(document: &TypedDocument, out: &mut dyn Write) -> io::Result<()> {
    let field = document.field;
    let names: Vec<String> = field.parameters.iter().map(|name| sympy::identifier(name)).collect();
    let mut emitter =
        Emitter { language: Python(names.clone()), field, known: Vec::new(), lines: Vec::new() };
    let velocities = emitter.velocities();
    writeln!(
        out,
        "\"\"\"{}.\n\nmodified_field(loss, variables) is that of a concrete loss.\n\"\"\"\n",
        document.heading()
    )?;
    writeln!(out, "from itertools import product as _product\n\nimport sympy as _sympy")?;
    writeln!(out, "from sympy import Integer, Rational, Symbol\n\nh = Symbol(\"h\")")?;
    for (name, symbol) in field.parameters.iter().zip(&names) {
        writeln!(out, "{symbol} = Symbol(\"{name}\", positive=True)")?;
    }
    writeln!(out, "\norder = {}\n\n", field.order)?;
    writeln!(out, "def modified_field(_loss, _variables, _slow=None):")?;
    writeln!(
        out,
        "    \"\"\"The velocity of each coordinate. Slow variables are given by name: numbers, or lists of entries.\"\"\""
    )?;
    writeln!(out, "    _range = range(len(_variables))\n")?;
    write!(out, "{DIFFERENTIAL}")?;
    for (name, value) in &emitter.lines {
        writeln!(out, "    {name} = {value}")?;
    }
    writeln!(out, "    return {{")?;
    for (coordinate, velocity) in field.coordinates.iter().zip(velocities) {
        match coordinate.shape {
            Shape::Vector | Shape::Square(_) | Shape::Transposed => {
                writeln!(out, "        \"{}\": [{velocity} for _i in _range],", coordinate.name)?
            }
            Shape::Number => writeln!(out, "        \"{}\": {velocity},", coordinate.name)?,
        }
    }
    writeln!(out, "    }}")
}

const DIFFERENTIAL: &str = r#"    def _differential(*vectors):
        result = []
        for x in _variables:
            total = Integer(0)
            for indices in _product(_range, repeat=len(vectors)):
                value = _sympy.diff(_loss, x)
                for vector, i in zip(vectors, indices):
                    value = _sympy.diff(value, _variables[i])
                for vector, i in zip(vectors, indices):
                    value *= vector[i]
                total += value
            result.append(total)
        return result

"#;

struct Wolfram(Vec<String>);

impl Language for Wolfram {
    fn local(&self) -> &'static str {
        "T"
    }

    fn number(&self, value: &RationalFunction) -> String {
        value.display(&self.0)
    }

    fn exponent(&self, exponent: &Exponent) -> String {
        exponent.value().display(&self.0)
    }

    fn power(&self) -> &'static str {
        "^"
    }

    fn entry(&self, vector: &str) -> String {
        vector.into()
    }

    fn coordinate(&self, name: &str, is_parameters: bool, _: Shape) -> String {
        if is_parameters { "X".into() } else { format!("Slow[\"{name}\"]") }
    }

    fn function(&self, function: Elementary, argument: &str) -> String {
        let name = match function {
            Elementary::Exponential => "Exp",
            Elementary::Logarithm => "Log",
            Elementary::HyperbolicTangent => "Tanh",
            Elementary::Absolute => "Abs",
            Elementary::Sign => "Sign",
            Elementary::Positive => "UnitStep",
        };
        format!("{name}[{argument}]")
    }

    fn dimension(&self) -> &'static str {
        "Length[X]"
    }

    fn vector(&self, entries: &str, is_constant: bool) -> String {
        if is_constant { "ConstantArray[1, Length[X]]".into() } else { entries.into() }
    }

    fn gradient(&self, arguments: &[String]) -> String {
        format!("Fold[Dot, D[Loss, {{X, {}}}], {{{}}}]", arguments.len() + 1, arguments.join(", "))
    }

    fn sum(&self, entries: &str, is_constant: bool) -> String {
        if is_constant { "Length[X]".into() } else { format!("Total[{entries}]") }
    }
}

/// A function that `Get` defines.
pub(super) fn mathematica(document: &TypedDocument, out: &mut dyn Write) -> io::Result<()> {
    let field = document.field;
    let names: Vec<String> =
        field.parameters.iter().map(|name| mathematica::symbol(name)).collect();
    let mut emitter =
        Emitter { language: Wolfram(names), field, known: Vec::new(), lines: Vec::new() };
    let velocities = emitter.velocities();
    writeln!(
        out,
        "(* {}; modifiedField[loss, {{x, y}}] is that of a concrete loss,\n   with slow variables as <|\"v\" -> {{v1, v2}}|> *)",
        document.heading()
    )?;
    let locals: Vec<&str> = emitter.lines.iter().map(|(name, _)| name.as_str()).collect();
    writeln!(
        out,
        "modifiedField[Loss_, X_List, Slow_: <||>] := Module[{{{}}},",
        locals.join(", ")
    )?;
    for (name, value) in &emitter.lines {
        writeln!(out, "  {name} = {value};")?;
    }
    writeln!(out, "  <|")?;
    for (i, (coordinate, velocity)) in field.coordinates.iter().zip(velocities).enumerate() {
        let comma = if i + 1 < field.coordinates.len() { "," } else { "" };
        writeln!(out, "   \"{}\" -> {velocity}{comma}", coordinate.name)?;
    }
    writeln!(out, "  |>]")
}
