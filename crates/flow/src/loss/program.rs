//! Straight-line programs: what is evaluated, compiled and printed as code.

use super::function::Function;
use super::graph::{Expr, Graph, Node, Relation};
use super::number::Number;
use bea_series::exact::Rational;
use rustc_hash::FxHashMap;

/// The place of a value: the index of the instruction that computes it.
pub type Register = u32;

/// One step of a [`Program`]; its operands are registers of earlier steps.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Instruction {
    /// The constant with this index in [`Program::constants`].
    Constant(u32),
    /// `π`.
    Pi,
    /// The input with this index.
    Input(u32),
    /// `-a`.
    Neg(Register),
    /// `a + b`.
    Add(Register, Register),
    /// `a - b`.
    Sub(Register, Register),
    /// `a b`.
    Mul(Register, Register),
    /// `a/b`.
    Div(Register, Register),
    /// `√a`, the principal branch.
    Sqrt(Register),
    /// `a` to the power of the constant with this index, the principal branch; if the exponent is an integer or
    /// half of one, it is a large one.
    Power(Register, u32),
    /// `a^b`, the principal branch.
    Raise(Register, Register),
    /// `√(a² + b²)`.
    Hypot(Register, Register),
    /// `F(a)`.
    Apply(Function, Register),
    /// The first value where `left relation right`, the second elsewhere: `(left, relation, right,
    /// first, second)`.
    Select(Register, Relation, Register, Register, Register),
}

impl Instruction {
    /// The registers that it reads.
    pub(crate) fn operands(&self) -> [Option<Register>; 4] {
        let mut copy = *self;
        copy.operands_mut().map(|r| r.copied())
    }

    fn operands_mut(&mut self) -> [Option<&mut Register>; 4] {
        match self {
            Instruction::Constant(_) | Instruction::Pi | Instruction::Input(_) => {
                [None, None, None, None]
            }
            Instruction::Neg(a)
            | Instruction::Sqrt(a)
            | Instruction::Power(a, _)
            | Instruction::Apply(_, a) => [Some(a), None, None, None],
            Instruction::Add(a, b)
            | Instruction::Sub(a, b)
            | Instruction::Mul(a, b)
            | Instruction::Div(a, b)
            | Instruction::Raise(a, b)
            | Instruction::Hypot(a, b) => [Some(a), Some(b), None, None],
            Instruction::Select(left, _, right, yes, no) => {
                [Some(left), Some(right), Some(yes), Some(no)]
            }
        }
    }
}

/// An exact constant of a program and its nearest double.
#[derive(Clone, PartialEq, Debug)]
pub struct Constant {
    /// The value.
    pub exact: Rational,
    /// The nearest double.
    pub rounded: f64,
}

/// Several expressions as one list of instructions without branches. Every value is computed once
/// (common subexpressions share a register), powers by shared squarings and products.
///
/// ```
/// use bea_flow::loss::{Graph, Program};
/// let mut g = Graph::new();
/// let (x, y) = (g.variable(0), g.variable(1));
/// let xy = g.mul(x, y);
/// let square = g.powi(xy, 2);
/// let program = Program::new(&g, 2, &[xy, square]);
/// let mut values = [0.0; 2];
/// program.evaluate(&[3.0, 5.0], &mut values, &mut Vec::new());
/// assert_eq!(values, [15.0, 225.0]);
/// ```
#[derive(Clone, Debug)]
pub struct Program {
    inputs: usize,
    constants: Vec<Constant>,
    instructions: Vec<Instruction>,
    outputs: Vec<Register>,
}

impl Program {
    /// The program that computes `outputs` from the values of the variables `0..inputs`.
    ///
    /// # Panics
    /// If an output has a variable that is not among the inputs.
    pub fn new(graph: &Graph, inputs: usize, outputs: &[Expr]) -> Program {
        let program =
            Program { inputs, constants: Vec::new(), instructions: Vec::new(), outputs: vec![] };
        let mut builder = Builder {
            program,
            known: FxHashMap::default(),
            constants: FxHashMap::default(),
            registers: FxHashMap::default(),
        };
        for e in graph.reachable(outputs) {
            builder.lower(graph, e);
        }
        let registers = outputs.iter().map(|e| builder.registers[e]).collect();
        builder.program.outputs = registers;
        builder.program.without_unread()
    }

    /// Without the instructions whose results nothing reads.
    fn without_unread(mut self) -> Program {
        let mut read = vec![false; self.instructions.len()];
        self.outputs.iter().for_each(|r| read[*r as usize] = true);
        for (register, instruction) in self.instructions.iter().enumerate().rev() {
            if read[register] {
                instruction.operands().into_iter().flatten().for_each(|r| read[r as usize] = true);
            }
        }
        let mut places = Vec::with_capacity(read.len());
        let mut kept = Vec::new();
        for (mut instruction, read) in std::mem::take(&mut self.instructions).into_iter().zip(read)
        {
            places.push(kept.len() as Register);
            if read {
                instruction
                    .operands_mut()
                    .into_iter()
                    .flatten()
                    .for_each(|r| *r = places[*r as usize]);
                kept.push(instruction);
            }
        }
        self.outputs.iter_mut().for_each(|r| *r = places[*r as usize]);
        self.instructions = kept;
        self
    }

    /// How many inputs there are.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The constants.
    pub fn constants(&self) -> &[Constant] {
        &self.constants
    }

    /// The instructions in order; instruction `i` computes register `i`.
    pub fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }

    /// The registers of the outputs.
    pub fn outputs(&self) -> &[Register] {
        &self.outputs
    }

    /// Computes the outputs. `scratch` is memory that is reused from call to call. Over doubles, what divides by
    /// a number that has overflowed is NaN: [`values_at`](super::values_at) has its value.
    ///
    /// # Panics
    /// If the numbers of inputs or outputs are not those of the program.
    pub fn evaluate<T: Number>(&self, inputs: &[T], outputs: &mut [T], scratch: &mut Vec<T>) {
        assert_eq!(inputs.len(), self.inputs, "the number of inputs");
        assert_eq!(outputs.len(), self.outputs.len(), "the number of outputs");
        scratch.clear();
        scratch.reserve(self.instructions.len());
        for instruction in &self.instructions {
            let at = |r: Register| scratch[r as usize].clone();
            let value = match *instruction {
                Instruction::Constant(i) => {
                    let Constant { exact, rounded } = &self.constants[i as usize];
                    T::from_constant(exact, *rounded)
                }
                Instruction::Pi => T::pi(),
                Instruction::Input(i) => inputs[i as usize].clone(),
                Instruction::Neg(a) => -at(a),
                Instruction::Add(a, b) => at(a) + at(b),
                Instruction::Sub(a, b) => at(a) - at(b),
                Instruction::Mul(a, b) => at(a) * at(b),
                Instruction::Div(a, b) => scratch[a as usize].quotient(&scratch[b as usize]),
                Instruction::Sqrt(a) => scratch[a as usize].sqrt(),
                Instruction::Power(a, i) => {
                    scratch[a as usize].power(&self.constants[i as usize].exact)
                }
                Instruction::Raise(a, b) => scratch[a as usize].raise(&scratch[b as usize]),
                Instruction::Hypot(a, b) => (at(a) * at(a) + at(b) * at(b)).sqrt(),
                Instruction::Apply(function, a) => scratch[a as usize].apply(function),
                Instruction::Select(left, relation, right, yes, no) => {
                    let order = scratch[left as usize].compare_real(&scratch[right as usize]);
                    at(if relation.holds(order) { yes } else { no })
                }
            };
            scratch.push(value);
        }
        for (output, register) in outputs.iter_mut().zip(&self.outputs) {
            *output = scratch[*register as usize].clone();
        }
    }
}

/// Higher powers are not made of squares, which double the rounding error each.
const MAX_SQUARED: u64 = 64;

/// Turns nodes into instructions; a value that is computed already keeps its register.
struct Builder {
    program: Program,
    known: FxHashMap<Instruction, Register>,
    constants: FxHashMap<Rational, u32>,
    registers: FxHashMap<Expr, Register>,
}

impl Builder {
    fn lower(&mut self, graph: &Graph, e: Expr) {
        let register = match graph.node(e) {
            Node::Constant(value) => self.constant(value),
            Node::Pi => self.emit(Instruction::Pi),
            Node::Variable(v) => {
                assert!((*v as usize) < self.program.inputs, "variable {v} is not an input");
                self.emit(Instruction::Input(*v))
            }
            Node::Sum { constant, terms } => self.sum(constant, terms),
            Node::Product(factors) => self.product(graph, factors),
            Node::Apply(Function::Exp, x) if let Some(power) = self.power_of(graph, *x) => power,
            Node::Apply(function, x) => {
                let x = self.registers[x];
                self.emit(Instruction::Apply(*function, x))
            }
            Node::Select(condition, yes, no) => {
                let at = |e: &Expr| self.registers[e];
                let (left, right) = (at(&condition.left), at(&condition.right));
                let (yes, no) = (at(yes), at(no));
                self.emit(Instruction::Select(left, condition.relation, right, yes, no))
            }
        };
        self.registers.insert(e, register);
    }

    fn emit(&mut self, instruction: Instruction) -> Register {
        let instruction = match instruction {
            Instruction::Add(a, b) if b < a => Instruction::Add(b, a),
            Instruction::Mul(a, b) if b < a => Instruction::Mul(b, a),
            other => other,
        };
        let next = self.program.instructions.len() as Register;
        let register = *self.known.entry(instruction).or_insert(next);
        if register == next {
            self.program.instructions.push(instruction);
        }
        register
    }

    fn constant_index(&mut self, value: &Rational) -> u32 {
        if let Some(&known) = self.constants.get(value) {
            return known;
        }
        let new = self.program.constants.len() as u32;
        self.program.constants.push(Constant { exact: value.clone(), rounded: value.to_f64() });
        self.constants.insert(value.clone(), new);
        new
    }

    fn constant(&mut self, value: &Rational) -> Register {
        let index = self.constant_index(value);
        self.emit(Instruction::Constant(index))
    }

    /// `constant + Σ c_i e_i`. Of several terms the first has a positive coefficient.
    fn sum(&mut self, constant: &Rational, terms: &[(Rational, Expr)]) -> Register {
        let mut total = None;
        for (c, e) in terms {
            let magnitude = if c.is_negative() { -c } else { c.clone() };
            let mut value = self.registers[e];
            if !magnitude.is_one() {
                let factor = self.constant(&magnitude);
                value = self.emit(Instruction::Mul(factor, value));
            }
            total = Some(match total {
                None if c.is_negative() => self.emit(Instruction::Neg(value)),
                None => value,
                Some(total) if c.is_negative() => self.emit(Instruction::Sub(total, value)),
                Some(total) => self.emit(Instruction::Add(total, value)),
            });
        }
        match total {
            None => self.constant(constant),
            Some(total) if constant.is_zero() => total,
            Some(total) if constant.is_negative() => {
                let value = self.constant(&-constant);
                self.emit(Instruction::Sub(total, value))
            }
            Some(total) => {
                let value = self.constant(constant);
                self.emit(Instruction::Add(total, value))
            }
        }
    }

    /// `e^x` where `x` is `c p log(b)`: `b^(c p)`, which has a value for a negative `b` too where the exponent is a
    /// whole number.
    fn power_of(&mut self, graph: &Graph, x: Expr) -> Option<Register> {
        let (c, product) = match graph.node(x) {
            Node::Sum { constant, terms } => match &terms[..] {
                [(c, product)] if constant.is_zero() => (c.clone(), graph.node(*product)),
                _ => return None,
            },
            node => (1.into(), node),
        };
        let Node::Product(factors) = product else { return None };
        let logarithm = |(e, r): &(Expr, Rational)| match graph.node(*e) {
            Node::Apply(Function::Log, b) if r.is_one() => Some(*b),
            _ => None,
        };
        let place = factors.iter().position(|factor| logarithm(factor).is_some())?;
        let base = logarithm(&factors[place])?;
        let mut others = factors.to_vec();
        others.remove(place);
        let mut exponent = self.product(graph, &others);
        if !c.is_one() {
            let c = self.constant(&c);
            exponent = self.emit(Instruction::Mul(c, exponent));
        }
        let base = self.registers[&base];
        Some(self.emit(Instruction::Raise(base, exponent)))
    }

    /// `√(a² + b²)` where `e` is `a² + b²`, or `1 + b²`.
    fn hypot(&mut self, graph: &Graph, e: Expr) -> Option<Register> {
        let Node::Sum { constant, terms } = graph.node(e) else { return None };
        let square = |(c, e): &(Rational, Expr)| match graph.node(*e) {
            Node::Product(factors) => match &factors[..] {
                [(base, r)] if c.is_one() && *r == 2.into() => Some(*base),
                _ => None,
            },
            _ => None,
        };
        let (a, b) = match &terms[..] {
            [b] if constant.is_one() => (self.constant(constant), square(b)?),
            [a, b] if constant.is_zero() => (self.registers[&square(a)?], square(b)?),
            _ => return None,
        };
        let b = self.registers[&b];
        Some(self.emit(Instruction::Hypot(a, b)))
    }

    /// `Π b_i^(r_i)`, one division for all negative exponents.
    fn product(&mut self, graph: &Graph, factors: &[(Expr, Rational)]) -> Register {
        let (mut above, mut below) = (None, None);
        for (e, exponent) in factors {
            let base = self.registers[e];
            let (value, inverted) = match exponent.as_small() {
                Some((n, 1)) if n.unsigned_abs() <= MAX_SQUARED => {
                    (self.power(base, n.unsigned_abs()), n < 0)
                }
                Some((n, 2)) if n.unsigned_abs() <= MAX_SQUARED => {
                    let root = self.hypot(graph, *e);
                    let root = root.unwrap_or_else(|| self.emit(Instruction::Sqrt(base)));
                    (self.power(root, n.unsigned_abs()), n < 0)
                }
                // Beyond 2^53 a double does not tell an odd exponent from an even one.
                Some((n, 1)) if n.unsigned_abs() > 1 << 53 && n % 2 != 0 => {
                    let index = self.constant_index(&(n - n.signum()).into());
                    let even = self.emit(Instruction::Power(base, index));
                    let one = if n > 0 { Instruction::Mul } else { Instruction::Div };
                    (self.emit(one(even, base)), false)
                }
                _ => {
                    let index = self.constant_index(exponent);
                    (self.emit(Instruction::Power(base, index)), false)
                }
            };
            let side = if inverted { &mut below } else { &mut above };
            *side = Some(match *side {
                None => value,
                Some(before) => self.emit(Instruction::Mul(before, value)),
            });
        }
        let above = above.unwrap_or_else(|| self.constant(&1.into()));
        match below {
            None => above,
            Some(below) => self.emit(Instruction::Div(above, below)),
        }
    }

    /// `a^n`, `n ≥ 1`, by squares that all powers of `a` share.
    fn power(&mut self, a: Register, n: u64) -> Register {
        match n {
            1 => a,
            n if n % 2 == 0 => {
                let root = self.power(a, n / 2);
                self.emit(Instruction::Mul(root, root))
            }
            n => {
                let lower = self.power(a, n - 1);
                self.emit(Instruction::Mul(lower, a))
            }
        }
    }
}
