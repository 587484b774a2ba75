//! Programs as statements, with the precedence of operators that all four languages share.

use super::literal;
use crate::loss::{Function, Instruction, Program, Register, Relation};
use std::collections::BTreeSet;

/// The longest expression that is written into another one; longer ones get a name.
const INLINE: usize = 36;

/// The precedence of the outermost operator of an expression.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Level {
    /// `-a`, or something without precedence: only ever the first operand of a sum.
    Negative,
    /// `a + b`.
    Sum,
    /// `a * b`.
    Product,
    /// A name, a number or a call.
    Atom,
}

/// An expression as code.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub code: String,
    pub level: Level,
}

impl Text {
    pub fn atom(code: impl Into<String>) -> Text {
        Text { code: code.into(), level: Level::Atom }
    }

    /// The code, in brackets if its precedence is lower than `level`.
    pub fn at(&self, level: Level) -> String {
        if self.level < level { format!("({})", self.code) } else { self.code.clone() }
    }
}

/// A value that is an operand.
pub(super) struct Operand {
    pub text: Text,
    /// Whether it is a number, whose type some languages must be told.
    pub literal: bool,
    /// Whether it is real although points are complex: it depends on constants and real arguments
    /// only.
    pub real: bool,
}

/// How a language writes what differs between languages.
pub(super) trait Syntax {
    fn pi(&self) -> Text;
    fn sqrt(&self, x: &Operand) -> Text;
    /// `x` to a constant power.
    fn power(&self, x: &Operand, exponent: &str) -> Text;
    /// `x^y`.
    fn raise(&self, x: &Operand, y: &Operand) -> Text;
    /// `√(x² + y²)`.
    fn hypot(&self, x: &Operand, y: &Operand) -> Text;
    fn apply(&self, function: Function, x: &Operand) -> Text;
    /// `left relation right ? yes : no`.
    fn select(&self, condition: [&Operand; 2], relation: Relation, branches: [&Operand; 2])
    -> Text;
}

/// The sign of a relation, the same in all languages.
pub(super) fn sign(relation: Relation) -> &'static str {
    match relation {
        Relation::Less => "<",
        Relation::LessEqual => "<=",
        Relation::Greater => ">",
        Relation::GreaterEqual => ">=",
    }
}

/// A program as statements.
pub(super) struct Body {
    /// `(name, value)` of each statement, in order.
    pub statements: Vec<(String, String)>,
    /// The outputs; values that the statements name, or expressions in them.
    pub outputs: Vec<Operand>,
    /// The inputs that are used.
    pub inputs: BTreeSet<usize>,
    /// The functions that are used.
    pub functions: BTreeSet<Function>,
    /// Whether `π` is.
    pub pi: bool,
    /// Whether `√(x² + y²)` is.
    pub hypot: bool,
}

impl Body {
    /// Values that are used once and short are written where they are used; the others are named
    /// `prefix0`, `prefix1`, …. Input `i` has the name `inputs[i].0` and is real if `inputs[i].1`.
    pub fn new(
        program: &Program,
        syntax: &dyn Syntax,
        inputs: &[(String, bool)],
        prefix: &str,
    ) -> Body {
        let mut body = Body {
            statements: Vec::new(),
            outputs: Vec::new(),
            inputs: BTreeSet::new(),
            functions: BTreeSet::new(),
            pi: false,
            hypot: false,
        };
        let instructions = program.instructions();
        let (uses, named) = uses(program);
        let mut values: Vec<Operand> = Vec::with_capacity(instructions.len());
        for (register, instruction) in instructions.iter().enumerate() {
            let at = |r: Register| &values[r as usize];
            let both = |a: Register, b: Register| at(a).real && at(b).real;
            let binary = |a: Register, sign: &str, b: Register, left, level| {
                let right = if level == Level::Sum { Level::Product } else { Level::Atom };
                let (a, b) = (at(a).text.at(left), at(b).text.at(right));
                Text { code: format!("{a} {sign} {b}"), level }
            };
            let (text, real) = match *instruction {
                Instruction::Constant(i) => {
                    let text = literal::text(&program.constants()[i as usize]);
                    values.push(Operand { text, literal: true, real: true });
                    continue;
                }
                Instruction::Pi => {
                    body.pi = true;
                    values.push(Operand { text: syntax.pi(), literal: false, real: true });
                    continue;
                }
                Instruction::Input(i) => {
                    let (name, real) = &inputs[i as usize];
                    body.inputs.insert(i as usize);
                    values.push(Operand { text: Text::atom(name), literal: false, real: *real });
                    continue;
                }
                Instruction::Neg(a) => {
                    let code = format!("-{}", at(a).text.at(Level::Product));
                    (Text { code, level: Level::Negative }, at(a).real)
                }
                Instruction::Add(a, b) => {
                    (binary(a, "+", b, Level::Negative, Level::Sum), both(a, b))
                }
                Instruction::Sub(a, b) => {
                    (binary(a, "-", b, Level::Negative, Level::Sum), both(a, b))
                }
                Instruction::Mul(a, b) => {
                    (binary(a, "*", b, Level::Product, Level::Product), both(a, b))
                }
                Instruction::Div(a, b) => {
                    (binary(a, "/", b, Level::Product, Level::Product), both(a, b))
                }
                Instruction::Sqrt(a) => (syntax.sqrt(at(a)), at(a).real),
                Instruction::Power(a, i) => {
                    let exponent = literal::text(&program.constants()[i as usize]);
                    (syntax.power(at(a), &exponent.code), at(a).real)
                }
                Instruction::Raise(a, b) => (syntax.raise(at(a), at(b)), both(a, b)),
                Instruction::Hypot(a, b) => {
                    body.hypot = true;
                    (syntax.hypot(at(a), at(b)), both(a, b))
                }
                Instruction::Apply(function, a) => {
                    body.functions.insert(function);
                    (syntax.apply(function, at(a)), at(a).real)
                }
                Instruction::Select(left, relation, right, yes, no) => (
                    syntax.select([at(left), at(right)], relation, [at(yes), at(no)]),
                    both(yes, no),
                ),
            };
            let inline = uses[register] == 1 && !named[register] && text.code.len() <= INLINE;
            let text = if inline {
                text
            } else {
                let name = format!("{prefix}{}", body.statements.len());
                body.statements.push((name.clone(), text.code));
                Text::atom(name)
            };
            values.push(Operand { text, literal: false, real });
        }
        body.outputs = program
            .outputs()
            .iter()
            .map(|&r| {
                let Operand { text, literal, real } = &values[r as usize];
                Operand { text: text.clone(), literal: *literal, real: *real }
            })
            .collect();
        body
    }
}

/// How often each register is read, and which ones have to be named: choices and what they choose
/// from, which would make long lines.
fn uses(program: &Program) -> (Vec<usize>, Vec<bool>) {
    let instructions = program.instructions();
    let mut uses = vec![0; instructions.len()];
    let mut named = vec![false; instructions.len()];
    for &r in program.outputs() {
        uses[r as usize] += 1;
    }
    for (register, instruction) in instructions.iter().enumerate().rev() {
        let chooses = matches!(instruction, Instruction::Select(..));
        named[register] |= chooses;
        for r in instruction.operands().into_iter().flatten() {
            uses[r as usize] += 1;
            named[r as usize] |= chooses;
        }
    }
    (uses, named)
}
