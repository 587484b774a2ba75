//! A nonlinear step near a critical point of the loss, where it is linear if it is differentiable.
//!
//! At a critical point `f` is 0, and with buffers that are 0 the iterates rest. Every operation has there a value and a
//! derivative by the states and by the evaluations of `f`; in a product `x y` with `x = 0` the derivative of `y` is not
//! needed, so that `m'/(√v' + ε)` has one though `√v'` has none. Numbers are exact; roots and functions whose values are
//! not rational have 64 significant bits.

use super::Optimizer;
use super::scaling::without_step;
use super::step::Step;
use crate::exact::{RationalFunction, rounded_root};
use crate::series::{Combination, GeneralLinearMethod, Stage, State, VectorField};
use crate::text::source::SourceError;
use crate::typed::{Exponent, Function, Initial, Interval, MatrixFunction, Node, NodeId, Program};
use num_rational::{BigRational, Ratio};
use num_traits::{One, Signed, Zero};
use std::collections::BTreeMap;

/// Multiples of states and of evaluations, by their index.
#[derive(Clone, Default)]
struct Line {
    states: BTreeMap<usize, RationalFunction>,
    stages: BTreeMap<usize, RationalFunction>,
}

/// What an operation makes where the iterates rest.
#[derive(Clone)]
enum Value {
    /// `a θ + b` in every entry, functions of the step size.
    Known(RationalFunction, RationalFunction),
    /// It is continuous; its value depends on the critical point.
    Finite,
    /// It tends to infinity, or to minus infinity if it is negative.
    Infinite { negative: bool },
    /// It jumps, or it is infinite without a sign.
    Undefined,
}

/// How an operation changes near there.
#[derive(Clone)]
enum Slope {
    /// It is the same everywhere.
    Constant,
    Linear(Line),
    /// It has no derivative, or one that mixes entries, because of this operation.
    Missing(NodeId),
}

type Point = (Value, Slope);

impl Line {
    fn add(&mut self, factor: &RationalFunction, other: &Line) {
        let all = [(&mut self.states, &other.states), (&mut self.stages, &other.stages)];
        for (sum, terms) in all {
            for (key, c) in terms {
                let old = sum.entry(*key).or_insert_with(RationalFunction::zero);
                *old = &*old + &(factor * c);
            }
        }
    }

    fn times(&self, factor: &RationalFunction) -> Line {
        let mut out = Line::default();
        out.add(factor, self);
        out
    }
}

impl Value {
    fn number(b: RationalFunction) -> Value {
        Value::Known(RationalFunction::zero(), b)
    }

    fn zero() -> Value {
        Value::number(RationalFunction::zero())
    }

    /// The number that it is in every entry, a function of the step size.
    fn as_number(&self) -> Option<&RationalFunction> {
        match self {
            Value::Known(a, b) if a.is_zero() => Some(b),
            _ => None,
        }
    }

    fn is_zero(&self) -> bool {
        self.as_number().is_some_and(RationalFunction::is_zero)
    }

    fn is_finite(&self) -> bool {
        !matches!(self, Value::Infinite { .. } | Value::Undefined)
    }
}

/// `x^r` for `x > 0`, or any `x` that is not 0 and an integer `r`.
fn power(x: &RationalFunction, r: Ratio<i64>) -> Option<RationalFunction> {
    const MAX: u32 = 1000;
    if let Some(power) = x.power(r) {
        return Some(power);
    }
    let x = x.as_rational().filter(|x| x.is_positive())?;
    let degree = u32::try_from(*r.denom()).ok().filter(|degree| *degree <= MAX)?;
    let whole = i32::try_from(*r.numer()).ok().filter(|n| n.unsigned_abs() <= MAX)?;
    RationalFunction::from(rounded_root(&x, degree)).pow(whole)
}

impl Optimizer {
    /// The linear method that its step is near a critical point of the loss, where its buffers rest: for a step that is
    /// linear everywhere, its [`method`](Self::method). Adam is momentum there, with the step size `h/ε`.
    ///
    /// # Errors
    /// Those of [`step`](Self::step); parameters without a value, in nonlinear steps; a step that does not rest, or is not
    /// differentiable, at a critical point.
    pub fn at_rest(
        &self,
        values: &BTreeMap<String, BigRational>,
    ) -> Result<GeneralLinearMethod, SourceError> {
        let program = match self.step(values)? {
            Step::Linear(program) => return Ok(program.method()),
            Step::Nonlinear(program) => program,
        };
        let has_eps = self.parameters.iter().any(|name| name == "eps");
        let rest = Rest { program: &program, has_eps, points: Vec::new(), stages: Vec::new() };
        rest.method().map_err(|(node, message, help)| {
            let place = program.places[node].clone();
            self.source.fault(place, message, "here", Some(help.into()))
        })
    }
}

/// The operation at fault, what is wrong, and what would be right.
type Fault = (NodeId, String, &'static str);

struct Rest<'a> {
    program: &'a Program,
    /// Whether the optimizer has a parameter `eps`.
    has_eps: bool,
    points: Vec<Point>,
    /// Where the evaluations are: a field that is linear in what is 0 at the critical point.
    stages: Vec<Line>,
}

impl Rest<'_> {
    fn method(mut self) -> Result<GeneralLinearMethod, Fault> {
        if let Some(name) = self.program.parameters.first() {
            let message = format!("`{name}` needs a value");
            return Err((self.program.states[0].update, message, "give it with --set"));
        }
        for id in 0..self.program.nodes.len() {
            let point = self.point(id)?;
            self.points.push(point);
        }
        self.check_rest()?;
        let (mut states, mut stages) = (vec![0], Vec::new());
        let mut lines: Vec<Line> = Vec::new();
        let mut next = 0;
        // The states and the evaluations that the parameters depend on, with these.
        while next < states.len() {
            let line = self.line(self.program.states[states[next]].update)?;
            let mut reached: Vec<usize> = line.states.keys().copied().collect();
            let mut open: Vec<usize> = line.stages.keys().copied().collect();
            while let Some(stage) = open.pop() {
                if !stages.contains(&stage) {
                    stages.push(stage);
                    reached.extend(self.stages[stage].states.keys());
                    open.extend(self.stages[stage].stages.keys());
                }
            }
            for state in reached {
                if !states.contains(&state) {
                    states.push(state);
                }
            }
            lines.push(line);
            next += 1;
        }
        self.check_forgotten(&states)?;
        stages.sort_unstable();
        let combination = |line: &Line| {
            let of = |terms: &BTreeMap<usize, RationalFunction>, all: &[usize]| {
                let c = |key| terms.get(key).cloned().unwrap_or_else(RationalFunction::zero);
                all.iter().map(c).collect()
            };
            Combination { states: of(&line.states, &states), stages: of(&line.stages, &stages) }
        };
        let named = |i: &usize| State { name: self.program.states[*i].name.clone(), space: 0 };
        let at =
            |stage: &usize| Stage { field: 0, arguments: vec![combination(&self.stages[*stage])] };
        let mut method = GeneralLinearMethod {
            parameters: vec!["h".into()],
            step_parameter: Some(0),
            spaces: vec![self.program.states[0].name.clone()],
            fields: vec![VectorField { name: "f".into(), space: 0 }],
            states: states.iter().map(named).collect(),
            stages: stages.iter().map(at).collect(),
            update: lines.iter().map(combination).collect(),
        };
        without_step(std::slice::from_mut(&mut method));
        Ok(method)
    }

    /// The change of a new value.
    fn line(&self, node: NodeId) -> Result<Line, Fault> {
        match &self.points[node] {
            (value, Slope::Constant | Slope::Linear(_)) if !value.is_finite() => {
                Err(self.missing(node))
            }
            (_, Slope::Constant) => Ok(Line::default()),
            (_, Slope::Linear(line)) => Ok(line.clone()),
            (_, Slope::Missing(at)) => Err(self.missing(*at)),
        }
    }

    /// What a state is at rest.
    fn state(&self, i: usize) -> Value {
        match &self.program.states[i].initial {
            _ if i == 0 => Value::Known(RationalFunction::one(), RationalFunction::zero()),
            Some(Initial::Multiple(c)) => Value::Known(c.clone(), RationalFunction::zero()),
            _ => Value::zero(),
        }
    }

    fn check_rest(&self) -> Result<(), Fault> {
        for (i, state) in self.program.states.iter().enumerate() {
            let rests = match (&self.points[state.update].0, self.state(i)) {
                (Value::Known(a, b), Value::Known(c, d)) => *a == c && *b == d,
                // What is undefined is refused if it is needed.
                (value, _) if !value.is_finite() => i != 0,
                _ => false,
            };
            if i == 0 && !self.points[state.update].0.is_finite() {
                return Err(self.undefined(state.update));
            }
            if !rests {
                let message = format!("`{}` does not rest at a critical point", state.name);
                let help = "stability is that of a point where no step moves parameters or buffers; weight decay \
                            moves the parameters on";
                return Err((state.update, message, help));
            }
        }
        Ok(())
    }

    /// The first operation that is undefined, of those before this one.
    fn undefined(&self, node: NodeId) -> Fault {
        let first = (0..=node).find(|id| !self.points[*id].0.is_finite());
        self.missing(first.unwrap_or(node))
    }

    /// Whether an operation makes nothing that is negative.
    fn is_nonnegative(&self, node: NodeId) -> bool {
        match &self.program.nodes[node] {
            Node::Power(_, exponent) => exponent.as_rational().is_some_and(has_no_sign),
            Node::Function(Function::Absolute, _) => true,
            _ => false,
        }
    }

    /// That an operation has no derivative.
    fn missing(&self, node: NodeId) -> Fault {
        let message = "the step is not differentiable at a critical point".into();
        let is_quotient =
            |exponent: &Exponent| exponent.as_rational().is_some_and(|r| r < 0.into());
        let help = match &self.program.nodes[node] {
            Node::Power(_, exponent) if self.has_eps && is_quotient(exponent) => {
                "this has no derivative there; `eps` that is not 0 makes quotients smooth"
            }
            _ => "this has no derivative there",
        };
        (node, message, help)
    }

    /// Refuses states that are needed by their value alone and keep any: those of AdaGrad grow on the way to the point.
    fn check_forgotten(&self, used: &[usize]) -> Result<(), Fault> {
        for (i, state) in self.program.states.iter().enumerate() {
            let Slope::Linear(line) = &self.points[state.update].1 else { continue };
            let keeps = line.states.get(&i).is_some_and(RationalFunction::is_one);
            if keeps && !used.contains(&i) {
                let message = format!("`{}` keeps any value at a critical point", state.name);
                let help = "what the step is there depends on how it came there";
                return Err((state.update, message, help));
            }
        }
        Ok(())
    }

    fn point(&mut self, id: NodeId) -> Result<Point, Fault> {
        let one = |key| BTreeMap::from([(key, RationalFunction::one())]);
        Ok(match &self.program.nodes[id] {
            Node::Number(value) => (Value::number(value.clone()), Slope::Constant),
            Node::Step => (Value::number(RationalFunction::variable(0)), Slope::Constant),
            Node::Dimension => (Value::Finite, Slope::Constant),
            // Long after the start.
            Node::Decay { .. } => (Value::zero(), Slope::Constant),
            Node::State(i) => {
                let line = Line { states: one(*i), stages: BTreeMap::new() };
                (self.state(*i), Slope::Linear(line))
            }
            Node::New(i) => self.points[self.program.states[*i].update].clone(),
            Node::Field { point } => {
                let (value, slope) = &self.points[*point];
                if !matches!(value, Value::Known(a, b) if a.is_one() && b.is_zero()) {
                    let message = "the field is evaluated away from the critical point".into();
                    return Err((id, message, "at rest it is evaluated at `theta`"));
                }
                self.evaluation(slope.clone())
            }
            Node::FieldDerivative { direction } => match self.points[*direction].clone() {
                (value, slope) if value.is_zero() => self.evaluation(slope),
                (value, _) if !value.is_finite() => (Value::Undefined, Slope::Missing(id)),
                _ => (Value::Finite, Slope::Missing(id)),
            },
            Node::Sum(parts) => self.sum(parts),
            Node::Product(parts) => {
                let start = (Value::number(RationalFunction::one()), Slope::Constant);
                parts.iter().fold(start, |x, y| product(&x, &self.points[*y], id))
            }
            Node::Power(x, exponent) => match exponent.as_rational() {
                Some(r) => raised(&self.points[*x], self.is_nonnegative(*x), r, id),
                None => (Value::Finite, Slope::Missing(id)),
            },
            Node::Function(function, x) => applied(*function, &self.points[*x], id),
            Node::Greater(x, y) => greater(&self.points[*x], &self.points[*y], id),
            Node::MatrixFunction(MatrixFunction::Polar, x) if self.points[*x].0.is_zero() => {
                let message = "the step is not differentiable at a critical point".into();
                let help =
                    "a polar factor jumps where its matrix is 0, as the sign of a number does";
                return Err((id, message, help));
            }
            Node::MatrixProduct(..)
            | Node::Transpose(_)
            | Node::Identity
            | Node::MatrixFunction(..) => {
                let message =
                    "what the step is near a critical point is not known of matrices".into();
                return Err((id, message, "stability is that of steps taken entry by entry"));
            }
            Node::Entries(x) => {
                let (value, slope) = &self.points[*x];
                let value = match value {
                    value if !value.is_finite() => Value::Undefined,
                    value if value.is_zero() => Value::zero(),
                    _ => Value::Finite,
                };
                let is_still = |line: &Line| line.states.is_empty() && line.stages.is_empty();
                match slope {
                    Slope::Linear(line) if !is_still(line) => (value, Slope::Missing(id)),
                    slope => (value, slope.clone()),
                }
            }
        })
    }

    /// The field at, or its derivative along, what changes so.
    fn evaluation(&mut self, slope: Slope) -> Point {
        let slope = match slope {
            Slope::Constant => Slope::Linear(Line::default()),
            Slope::Linear(line) => {
                self.stages.push(line);
                let stages = BTreeMap::from([(self.stages.len() - 1, RationalFunction::one())]);
                Slope::Linear(Line { states: BTreeMap::new(), stages })
            }
            missing => missing,
        };
        (Value::zero(), slope)
    }

    fn sum(&self, parts: &[NodeId]) -> Point {
        let mut value = Value::zero();
        let mut slope = Slope::Constant;
        for part in parts {
            let (x, dx) = &self.points[*part];
            value = match (value, x) {
                (Value::Undefined | Value::Infinite { .. }, _)
                | (_, Value::Undefined | Value::Infinite { .. }) => Value::Undefined,
                (Value::Finite, _) | (_, Value::Finite) => Value::Finite,
                (Value::Known(a, b), Value::Known(c, d)) => Value::Known(&a + c, &b + d),
            };
            slope = match (slope, dx) {
                (Slope::Missing(at), _) => Slope::Missing(at),
                (_, Slope::Missing(at)) => Slope::Missing(*at),
                (Slope::Constant, dx) => dx.clone(),
                (slope, Slope::Constant) => slope,
                (Slope::Linear(mut line), Slope::Linear(more)) => {
                    line.add(&RationalFunction::one(), more);
                    Slope::Linear(line)
                }
            };
        }
        (value, slope)
    }
}

fn product((x, dx): &Point, (y, dy): &Point, id: NodeId) -> Point {
    let value = match (x, y) {
        (Value::Infinite { negative }, factor) | (factor, Value::Infinite { negative }) => {
            match factor.as_number().and_then(RationalFunction::as_rational) {
                Some(c) if !c.is_zero() => {
                    Value::Infinite { negative: *negative != c.is_negative() }
                }
                _ => Value::Undefined,
            }
        }
        (Value::Undefined, _) | (_, Value::Undefined) => Value::Undefined,
        (x, y) if x.is_zero() || y.is_zero() => Value::zero(),
        (x, Value::Known(c, d)) | (Value::Known(c, d), x) => match (x, x.as_number()) {
            (_, Some(b)) => Value::Known(c * b, d * b),
            (Value::Known(a, b), None) if c.is_zero() => Value::Known(a * d, b * d),
            _ => Value::Finite,
        },
        _ => Value::Finite,
    };
    let term = |factor: &Value, slope: &Slope| match (factor, slope) {
        (_, Slope::Constant) => Slope::Constant,
        (factor, _) if !factor.is_finite() => Slope::Missing(id),
        // What is multiplied by 0 need not have a derivative, as long as it is continuous.
        (factor, _) if factor.is_zero() => Slope::Linear(Line::default()),
        (factor, Slope::Linear(line)) => match factor.as_number() {
            Some(c) => Slope::Linear(line.times(c)),
            None => Slope::Missing(id),
        },
        (_, missing) => missing.clone(),
    };
    let slope = match (term(x, dy), term(y, dx)) {
        (Slope::Missing(at), _) | (_, Slope::Missing(at)) => Slope::Missing(at),
        (Slope::Constant, other) | (other, Slope::Constant) => other,
        (Slope::Linear(mut line), Slope::Linear(more)) => {
            line.add(&RationalFunction::one(), &more);
            Slope::Linear(line)
        }
    };
    // A jump, or a pole, times 0 is no 0.
    match value {
        Value::Undefined | Value::Infinite { .. } => (value, Slope::Missing(id)),
        _ => (value, slope),
    }
}

/// Whether `x^r` is not negative, whatever `x` is that has one.
fn has_no_sign(r: Ratio<i64>) -> bool {
    !r.is_integer() || r.numer() % 2 == 0
}

/// A function with this value and this derivative.
fn chain(value: Value, derivative: Option<RationalFunction>, slope: &Slope, id: NodeId) -> Point {
    let slope = match (slope, derivative) {
        (Slope::Constant, _) => Slope::Constant,
        (Slope::Linear(line), Some(c)) => Slope::Linear(line.times(&c)),
        (Slope::Missing(at), _) => Slope::Missing(*at),
        (Slope::Linear(_), None) => Slope::Missing(id),
    };
    (value, slope)
}

fn raised((x, dx): &Point, is_nonnegative: bool, r: Ratio<i64>, id: NodeId) -> Point {
    let zero = Ratio::from(0);
    let unknown = || if r > zero { Value::Finite } else { Value::Undefined };
    match x.as_number() {
        Some(q) if q.is_zero() && r < zero && (is_nonnegative || has_no_sign(r)) => {
            (Value::Infinite { negative: false }, Slope::Missing(id))
        }
        Some(q) if q.is_zero() && r < zero => (Value::Undefined, Slope::Missing(id)),
        Some(q) if q.is_zero() => {
            let derivative = (r > Ratio::from(1)).then(RationalFunction::zero);
            chain(Value::zero(), derivative, dx, id)
        }
        Some(q) => match power(q, r) {
            Some(value) => {
                let exponent = BigRational::new((*r.numer()).into(), (*r.denom()).into());
                let derivative = (&value * &RationalFunction::from(exponent)).divide(q);
                chain(Value::number(value), derivative, dx, id)
            }
            None => chain(unknown(), None, dx, id),
        },
        None if !x.is_finite() => (Value::Undefined, Slope::Missing(id)),
        None => chain(unknown(), None, dx, id),
    }
}

fn applied(function: Function, (x, dx): &Point, id: NodeId) -> Point {
    if !x.is_finite() {
        return (Value::Undefined, Slope::Missing(id));
    }
    let Some(q) = x.as_number().and_then(RationalFunction::as_rational) else {
        let value = match function {
            Function::Exponential | Function::HyperbolicTangent | Function::Absolute => {
                Value::Finite
            }
            Function::Logarithm | Function::Sign => Value::Undefined,
        };
        return chain(value, None, dx, id);
    };
    let one = RationalFunction::one();
    // What has too many digits is finite all the same.
    let number = |value: Option<RationalFunction>| value.map_or(Value::Finite, Value::number);
    let rounded = |f: fn(&Interval) -> Option<Interval>| {
        f(&Interval::rational(&q))?.rounded().map(RationalFunction::from)
    };
    let sign = || RationalFunction::from(q.signum());
    match function {
        Function::Exponential => {
            let value = if q.is_zero() { Some(one) } else { rounded(Interval::exponential) };
            chain(number(value.clone()), value, dx, id)
        }
        Function::Logarithm if q.is_positive() => {
            let value = match q.is_one() {
                true => Some(RationalFunction::zero()),
                false => rounded(Interval::logarithm),
            };
            chain(number(value), Some(RationalFunction::from(q.recip())), dx, id)
        }
        Function::Logarithm => (Value::Undefined, Slope::Missing(id)),
        Function::HyperbolicTangent => {
            let value = match q.is_zero() {
                true => Some(RationalFunction::zero()),
                false => rounded(Interval::hyperbolic_tangent),
            };
            let derivative = value.as_ref().map(|y| &one - &(y * y));
            chain(number(value), derivative, dx, id)
        }
        Function::Sign | Function::Absolute if q.is_zero() => match (dx, function) {
            (Slope::Constant, _) => (Value::zero(), Slope::Constant),
            (_, Function::Absolute) => (Value::zero(), Slope::Missing(id)),
            _ => (Value::Undefined, Slope::Missing(id)),
        },
        Function::Sign => chain(Value::number(sign()), Some(RationalFunction::zero()), dx, id),
        Function::Absolute => {
            chain(Value::number(RationalFunction::from(q.abs())), Some(sign()), dx, id)
        }
    }
}

fn greater((x, dx): &Point, (y, dy): &Point, id: NodeId) -> Point {
    match (x, y) {
        (Value::Infinite { negative: true }, Value::Known(..) | Value::Finite) => {
            return (y.clone(), dy.clone());
        }
        (Value::Known(..) | Value::Finite, Value::Infinite { negative: true }) => {
            return (x.clone(), dx.clone());
        }
        _ => {}
    }
    if !x.is_finite() || !y.is_finite() {
        return (Value::Undefined, Slope::Missing(id));
    }
    let difference = match (x.as_number(), y.as_number()) {
        (Some(x), Some(y)) => (x - y).as_rational(),
        _ => None,
    };
    let are_constant = matches!((dx, dy), (Slope::Constant, Slope::Constant));
    match difference {
        Some(d) if d.is_positive() => (x.clone(), dx.clone()),
        Some(d) if d.is_negative() => (y.clone(), dy.clone()),
        Some(_) if are_constant => (x.clone(), Slope::Constant),
        Some(_) => (x.clone(), Slope::Missing(id)),
        None if are_constant => (Value::Finite, Slope::Constant),
        None => (Value::Finite, Slope::Missing(id)),
    }
}
