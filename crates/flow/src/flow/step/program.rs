//! A step program with numbers for its coefficients, executed on real or complex vectors.

use crate::flow::SimulateError;
use bea_series::exact::RationalFunction;
use bea_series::optimizer::{Initial, Operation, Register, StepProgram, Terms};
use num_rational::BigRational;
use num_traits::ToPrimitive;
use std::ops::{Add, Mul, Range};

/// So many entries are computed by one line after another, while they are in the cache.
const CHUNK: usize = 512;

/// An entry of a vector: a real or a complex number.
pub trait Entry: Copy + Default + From<f64> + Add<Output = Self> + Mul<f64, Output = Self> {}

impl<T> Entry for T where T: Copy + Default + From<f64> + Add<Output = T> + Mul<f64, Output = T> {}

/// One step of an optimizer at one step size, on any objective.
///
/// ```
/// use bea_flow::flow::NumericStep;
/// use bea_series::optimizer;
/// let half = [("m".to_string(), optimizer::parse_value("1/2")?)].into();
/// let program = optimizer::find("heavy_ball")?.program(&half)?;
/// let step = NumericStep::new(&program, 0.1)?;
/// // E = 2x² from x = 1: v' = v/2 - 0.4 x, x' = x + v'.
/// let mut states = step.start(&[vec![1.0]]);
/// for _ in 0..2 {
///     step.execute(&mut states, false, |_, points| Ok::<_, ()>(vec![4.0 * points[0][0]])).unwrap();
/// }
/// assert!((states[0][0] - 0.16).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct NumericStep {
    /// How many spaces there are. The first states are their parameter vectors.
    spaces: usize,
    /// The space of each state.
    states: Vec<usize>,
    initial: Vec<Start>,
    /// The space of each register; those of the states come first.
    registers: Vec<usize>,
    /// The register of each state's new value: its own where nothing can need the old value any more.
    new: Vec<usize>,
    lines: Vec<Line>,
}

/// What a state is before the first step.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Start {
    Multiple(f64),
    Entries(f64),
    Settled,
}

/// A combination of registers.
type Sum = Vec<(f64, usize)>;

#[derive(Clone, PartialEq, Debug)]
enum Line {
    Combine { target: usize, terms: Sum, first: Option<Sum> },
    Evaluate { field: usize, points: Vec<usize>, target: usize },
}

impl NumericStep {
    /// The program at the step size `h`.
    ///
    /// # Errors
    /// Parameters without a value; a step size where a coefficient is undefined.
    pub fn new(program: &StepProgram, h: f64) -> Result<NumericStep, SimulateError> {
        let numbers = Numbers::new(&program.parameters, h)?;
        let places = Places::new(program);
        let sum = |terms: &Terms| -> Result<Sum, SimulateError> {
            let term = |(c, register): &(RationalFunction, Register)| {
                // Evaluators give gradients, and fields are negative gradients.
                let sign = if matches!(register, Register::Evaluation(_)) { -1.0 } else { 1.0 };
                Ok((sign * numbers.at(c)?, places.of(*register)))
            };
            terms.iter().map(term).collect()
        };
        let mut lines = Vec::new();
        // In implicit methods points may be computed from what gets its value further down. Who executes those
        // knows the evaluations beforehand.
        let mut known = vec![false; places.registers.len()];
        known[..program.states.len()].fill(true);
        let mut evaluations = 0;
        for operation in &program.operations {
            match operation {
                Operation::Combine { target, terms, first } => {
                    let (target, terms) = (places.of(*target), sum(terms)?);
                    if terms.iter().any(|(_, register)| !known[*register]) {
                        continue;
                    }
                    let first = first.as_ref().map(sum).transpose()?;
                    known[target] = true;
                    lines.push(Line::Combine { target, terms, first });
                }
                Operation::Evaluate { field, points } => {
                    let target = places.of(Register::Evaluation(evaluations));
                    let points: Vec<usize> = points.iter().map(|p| places.of(*p)).collect();
                    evaluations += 1;
                    known[target] = true;
                    let linear = program.linear[*field].as_ref();
                    lines.push(match linear.filter(|_| !program.is_implicit()) {
                        Some(c) => {
                            let terms =
                                vec![(-numbers.at(c)?, points[program.fields[*field].space])];
                            Line::Combine { target, terms, first: None }
                        }
                        None => Line::Evaluate { field: *field, points, target },
                    });
                }
            }
        }
        let initial = program.initial.iter().map(|initial| {
            Ok(match initial {
                Initial::Multiple(c) => Start::Multiple(numbers.at(c)?),
                Initial::Entries(c) => Start::Entries(numbers.at(c)?),
                Initial::Settled => Start::Settled,
            })
        });
        Ok(NumericStep {
            spaces: program.spaces.len(),
            states: program.states.iter().map(|state| state.space).collect(),
            initial: initial.collect::<Result<_, SimulateError>>()?,
            registers: places.registers,
            new: places.new,
            lines,
        })
    }

    /// Whether buffers start on the slow manifold, which [`start`](Self::start) does not know.
    pub fn is_settled(&self) -> bool {
        self.initial.contains(&Start::Settled)
    }

    /// Whether state `i` does.
    pub(in crate::flow) fn settles(&self, i: usize) -> bool {
        self.initial[i] == Start::Settled
    }

    /// The states before the first step, where the parameters of each space are `theta`. A state that
    /// starts on the slow manifold is 0.
    pub fn start<T: Entry>(&self, theta: &[Vec<T>]) -> Vec<Vec<T>> {
        let state = |(i, (&space, initial)): (usize, (&usize, &Start))| {
            let theta = &theta[space];
            let filled = |x: f64| vec![T::from(x); theta.len()];
            match *initial {
                _ if i < self.spaces => theta.clone(),
                Start::Multiple(c) if c != 0.0 => theta.iter().map(|&x| x * c).collect(),
                Start::Multiple(_) | Start::Settled => filled(0.0),
                Start::Entries(c) => filled(c),
            }
        };
        self.states.iter().zip(&self.initial).enumerate().map(state).collect()
    }

    /// One step. `gradient` is asked for `-f_c` of the field with index `c` at a point, one vector a space,
    /// in the order in which the program evaluates; `is_first` says that the program's first step is made.
    /// Returns all that it answered.
    ///
    /// # Errors
    /// That of the first gradient that fails; the states are then what they were.
    pub fn execute<T: Entry, E>(
        &self,
        states: &mut [Vec<T>],
        is_first: bool,
        gradient: impl FnMut(usize, &[&[T]]) -> Result<Vec<T>, E>,
    ) -> Result<Vec<Vec<T>>, E> {
        let mut registers: Vec<Vec<T>> = vec![Vec::new(); self.registers.len()];
        registers.iter_mut().zip(&mut *states).for_each(|(r, state)| std::mem::swap(r, state));
        let done = self.run(&mut registers, is_first, gradient);
        for (i, (state, &new)) in states.iter_mut().zip(&self.new).enumerate() {
            *state = std::mem::take(&mut registers[if done.is_ok() { new } else { i }]);
        }
        done?;
        let evaluated = self.lines.iter().filter_map(|line| match line {
            Line::Evaluate { target, .. } => Some(std::mem::take(&mut registers[*target])),
            Line::Combine { .. } => None,
        });
        Ok(evaluated.collect())
    }

    fn run<T: Entry, E>(
        &self,
        registers: &mut [Vec<T>],
        is_first: bool,
        mut gradient: impl FnMut(usize, &[&[T]]) -> Result<Vec<T>, E>,
    ) -> Result<(), E> {
        let mut rest = self.lines.as_slice();
        loop {
            let evaluates = |line: &Line| matches!(line, Line::Evaluate { .. });
            let (run, after) = rest.split_at(rest.iter().position(evaluates).unwrap_or(rest.len()));
            self.combine(run, registers, is_first);
            let Some((Line::Evaluate { field, points, target }, after)) = after.split_first()
            else {
                return Ok(());
            };
            let points: Vec<&[T]> = points.iter().map(|p| registers[*p].as_slice()).collect();
            registers[*target] = gradient(*field, &points)?;
            rest = after;
        }
    }

    /// Executes lines that combine vectors, all of them on one chunk of entries before the next.
    fn combine<T: Entry>(&self, lines: &[Line], registers: &mut [Vec<T>], is_first: bool) {
        let mut longest = 0;
        for line in lines {
            let Line::Combine { target, .. } = line else { continue };
            let length = registers[self.registers[*target]].len();
            registers[*target].resize(length, T::default());
            longest = longest.max(length);
        }
        let mut buffer = [T::default(); CHUNK];
        for begin in (0..longest).step_by(CHUNK) {
            for line in lines {
                let Line::Combine { target, terms, first } = line else { continue };
                let terms = first.as_ref().filter(|_| is_first).unwrap_or(terms);
                let end = registers[*target].len().min(begin + CHUNK);
                if begin < end {
                    let out = &mut buffer[..end - begin];
                    sum(terms, registers, begin..end, out);
                    registers[*target][begin..end].copy_from_slice(out);
                }
            }
        }
    }
}

/// `out = Σ c x` on a range of entries, added from left to right.
fn sum<T: Entry>(terms: &Sum, registers: &[Vec<T>], range: Range<usize>, out: &mut [T]) {
    let Some(((c, register), rest)) = terms.split_first() else {
        return out.fill(T::default());
    };
    for (out, &x) in out.iter_mut().zip(&registers[*register][range.clone()]) {
        *out = x * *c;
    }
    for (c, register) in rest {
        for (out, &x) in out.iter_mut().zip(&registers[*register][range.clone()]) {
            *out = *out + x * *c;
        }
    }
}

/// The values of the parameters: that of `h`, the last one.
pub(in crate::flow) struct Numbers {
    h: f64,
    values: Vec<Option<RationalFunction>>,
}

impl Numbers {
    pub(in crate::flow) fn new(parameters: &[String], h: f64) -> Result<Numbers, SimulateError> {
        if parameters.len() > 1 {
            return Err(SimulateError::Symbolic(parameters[..parameters.len() - 1].to_vec()));
        }
        // The exact value of the floating-point number.
        let exact = BigRational::from_float(h).ok_or(SimulateError::StepSize(h))?;
        Ok(Numbers { h, values: vec![Some(RationalFunction::from(exact))] })
    }

    /// The nearest number to a coefficient.
    pub(in crate::flow) fn at(&self, coefficient: &RationalFunction) -> Result<f64, SimulateError> {
        let value = coefficient.substitute(&self.values).and_then(|c| c.as_rational()?.to_f64());
        value.filter(|v| v.is_finite()).ok_or(SimulateError::StepSize(self.h))
    }
}

/// Where vectors are kept.
struct Places {
    registers: Vec<usize>,
    new: Vec<usize>,
    values: usize,
    evaluations: usize,
}

impl Places {
    fn new(program: &StepProgram) -> Places {
        let mut registers: Vec<usize> = program.states.iter().map(|state| state.space).collect();
        let values = registers.len();
        registers.extend(&program.values);
        let evaluations = registers.len();
        for operation in &program.operations {
            if let Operation::Evaluate { field, .. } = operation {
                registers.push(program.fields[*field].space);
            }
        }
        let mut new = Vec::new();
        for (i, state) in program.states.iter().enumerate() {
            let in_place = overwrites(program, i);
            new.push(if in_place { i } else { registers.len() });
            if !in_place {
                registers.push(state.space);
            }
        }
        Places { registers, new, values, evaluations }
    }

    fn of(&self, register: Register) -> usize {
        match register {
            Register::State(i) => i,
            Register::New(i) => self.new[i],
            Register::Value(i) => self.values + i,
            Register::Evaluation(i) => self.evaluations + i,
        }
    }
}

/// Whether the new value of state `i` may take the place of the old one: nothing below needs that, and no
/// evaluation that could fail follows.
fn overwrites(program: &StepProgram, i: usize) -> bool {
    let assigns = |operation: &Operation| matches!(operation, Operation::Combine { target, .. } if *target == Register::New(i));
    let mut after = program.operations.iter().skip_while(|operation| !assigns(operation)).skip(1);
    after.all(|operation| match operation {
        Operation::Combine { terms, first, .. } => {
            let first = first.iter().flatten();
            terms.iter().chain(first).all(|(_, register)| *register != Register::State(i))
        }
        Operation::Evaluate { field, points } => {
            program.linear[*field].is_some() && !points.contains(&Register::State(i))
        }
    })
}
