//! Every variable of a nonlinear step as a power series in `h` whose coefficients are polynomials in the step number.
//!
//! The coefficient of `h^k` of an operation needs those of its operands up to `h^k`, and none that is multiplied by a
//! zero. So coefficients are computed when they are asked for. That of a state solves the recurrence
//! `x(ν+1) = c x(ν) + r(ν)`, whose right-hand side is known by then.

use super::atoms::{Atom, Atoms, Polynomial, Product};
use super::error::TypedError;
use super::matrix::MatrixFunction;
use super::program::{Exponent, NodeId, Program};
use super::sum::{Sum, Weight};
use crate::exact::RationalFunction;
use std::rc::Rc;

/// An operation on two operands at most.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Constant(Sum),
    Step,
    State(usize),
    New(usize),
    Field(usize),
    FieldDerivative(usize),
    Sum(Vec<usize>),
    Product(usize, usize),
    Power(usize, Exponent),
    Exponential(usize),
    Logarithm(usize),
    HyperbolicTangent(usize),
    Sign(usize),
    Absolute(usize),
    Greater(usize, usize),
    Entries(usize),
    MatrixProduct(usize, usize),
    Transpose(usize),
    MatrixFunction(MatrixFunction, usize),
}

/// What a Taylor series is that of.
pub(super) enum Head<'a> {
    /// A derivative of the loss.
    Loss,
    /// A function of matrices at this one.
    Function(MatrixFunction, &'a Polynomial),
}

/// The series of all variables, as far as they have been asked for.
pub(crate) struct Solver<'a> {
    pub(super) program: &'a Program,
    pub atoms: Atoms,
    pub(super) ops: Vec<(Op, NodeId)>,
    /// The operation of each node.
    pub(super) of_node: Vec<usize>,
    pub(super) values: Vec<Vec<Rc<Sum>>>,
    states: Vec<Vec<Rc<Sum>>>,
    /// Whether a coefficient of the state is being computed.
    busy: Vec<bool>,
}

pub(super) type Solved<T> = Result<T, TypedError>;

impl<'a> Solver<'a> {
    /// Nothing is computed yet. Bias corrections are those of step `at`, or 1.
    pub fn new(program: &'a Program, at: Option<u64>) -> Solver<'a> {
        let vectors = program.states.iter().map(|s| s.shape != super::program::Shape::Number);
        let mut solver = Solver {
            program,
            atoms: Atoms::new(vectors.collect()),
            ops: Vec::new(),
            of_node: Vec::new(),
            values: Vec::new(),
            states: vec![Vec::new(); program.states.len()],
            busy: vec![false; program.states.len()],
        };
        // The gradient comes first, then the parameters, in every list of atoms.
        solver.atoms.gradient(Vec::new());
        for (i, state) in program.states.iter().enumerate() {
            if i == 0 || state.slow {
                solver.atoms.intern(Atom::Coordinate(i));
            }
        }
        for (id, node) in program.nodes.iter().enumerate() {
            let op = solver.operation(id, node, at);
            solver.of_node.push(op);
        }
        solver
    }

    /// The coefficient of `h^k` of the state.
    pub fn state(&mut self, i: usize, k: usize) -> Solved<Rc<Sum>> {
        while self.states[i].len() <= k {
            if self.busy[i] {
                let name = self.program.states[i].name.clone();
                return Err(TypedError::SelfReference { state: i, name });
            }
            let next = self.states[i].len();
            let is_coordinate = i == 0 || self.program.states[i].slow;
            if next == 0 && is_coordinate {
                // Whether its step agrees, `stand_still` says.
                let atom = self.atoms.intern(Atom::Coordinate(i));
                let constant = Sum::term(Product::of(atom), RationalFunction::one());
                self.states[i].push(Rc::new(constant));
                continue;
            }
            self.busy[i] = true;
            let solved = self.solve(i, next);
            self.busy[i] = false;
            self.states[i].push(Rc::new(solved?));
        }
        Ok(Rc::clone(&self.states[i][k]))
    }

    /// Whether all coordinates stand still where `h = 0`.
    pub fn stand_still(&mut self) -> Solved<()> {
        for i in 0..self.program.states.len() {
            if i == 0 || self.program.states[i].slow {
                self.solve(i, 0)?;
            }
        }
        Ok(())
    }

    /// `c` of the recurrence `x(ν+1) = c x(ν) + r(ν)` of the state where `h = 0`.
    pub fn factor(&mut self, i: usize) -> Solved<RationalFunction> {
        let state = &self.program.states[i];
        let mut sum = RationalFunction::zero();
        for (_, coefficient) in state.linear.iter().filter(|(j, _)| *j == i) {
            let c = self.value(self.of_node[*coefficient], 0)?;
            let c = if c.is_zero() { Some(RationalFunction::zero()) } else { c.as_constant() };
            let name = || state.name.clone();
            sum = &sum + &c.ok_or_else(|| TypedError::Coefficient { state: i, name: name() })?;
        }
        Ok(sum)
    }

    fn solve(&mut self, i: usize, k: usize) -> Solved<Sum> {
        let program = self.program;
        let state = &program.states[i];
        let is_coordinate = i == 0 || state.slow;
        let factor = self.factor(i)?;
        let mut right = Sum::default();
        for (j, coefficient) in &state.linear {
            let coefficient = self.of_node[*coefficient];
            // The state's own coefficient of this degree is on the left side.
            for a in usize::from(*j == i)..=k {
                let c = self.value(coefficient, a)?;
                if !c.is_zero() {
                    let x = self.state(*j, k - a)?;
                    right.add(&self.atoms.product(&c, &x));
                }
            }
        }
        for rest in &state.rest {
            right.add(&*self.value(self.of_node[*rest], k)?);
        }
        if is_coordinate {
            let (state, name) = (i, state.name.clone());
            if !factor.is_one() || (k == 0 && !right.is_zero()) {
                return Err(TypedError::Inconsistent { state, name });
            }
        } else if factor.is_one() {
            let (state, name) = (i, state.name.clone());
            return Err(TypedError::Unsettled { state, name });
        }
        Ok(right.solved(&factor))
    }

    pub(super) fn value(&mut self, op: usize, k: usize) -> Solved<Rc<Sum>> {
        while self.values[op].len() <= k {
            let next = self.values[op].len();
            let value = self.compute(op, next)?;
            // A cycle would have been refused, so nothing else has computed it meanwhile but what is equal.
            if self.values[op].len() == next {
                self.values[op].push(value);
            }
        }
        Ok(Rc::clone(&self.values[op][k]))
    }

    fn compute(&mut self, op: usize, k: usize) -> Solved<Rc<Sum>> {
        let (operation, node) = self.ops[op].clone();
        let zero = || Ok(Rc::new(Sum::default()));
        match operation {
            Op::Constant(value) => {
                if k == 0 {
                    Ok(Rc::new(value))
                } else {
                    zero()
                }
            }
            Op::Step => {
                if k == 1 {
                    Ok(Rc::new(Sum::constant(RationalFunction::one())))
                } else {
                    zero()
                }
            }
            Op::State(i) => self.state(i, k),
            Op::New(i) => Ok(Rc::new(self.state(i, k)?.shifted())),
            Op::Sum(parts) => {
                let mut sum = Sum::default();
                for part in parts {
                    sum.add(&*self.value(part, k)?);
                }
                Ok(Rc::new(sum))
            }
            Op::Product(a, b) => self.multiplied(a, b, k),
            Op::Field(point) => self.field(point, k),
            Op::FieldDerivative(direction) => self.field_derivative(direction, k),
            Op::Entries(vector) => {
                let value = self.value(vector, k)?;
                Ok(Rc::new(self.atoms.sum_of_entries(&value)))
            }
            Op::Power(base, exponent) => self.power(op, base, &exponent, node, k),
            Op::Exponential(u) => self.exponential(op, u, k),
            Op::Logarithm(u) => self.logarithm(op, u, node, k),
            Op::HyperbolicTangent(u) => self.hyperbolic_tangent(op, u, k),
            Op::Sign(u) => {
                if k == 0 {
                    self.sign(u, node)
                } else {
                    zero()
                }
            }
            Op::Absolute(u) => {
                let sign = self.sign(u, node)?;
                let value = self.value(u, k)?;
                Ok(Rc::new(self.atoms.product(&sign, &value)))
            }
            Op::Greater(a, b) => self.greater(a, b, node, k),
            Op::MatrixProduct(a, b) => self.matrix_product(a, b, k),
            Op::Transpose(x) => {
                let value = self.value(x, k)?;
                Ok(Rc::new(self.atoms.chained(&[((*value).clone(), true)])))
            }
            Op::MatrixFunction(function, x) => self.matrix_function(function, x, node, k),
        }
    }

    /// `Σ_i a_i b_{k-i}`; what a zero stands beside is not asked for.
    fn multiplied(&mut self, a: usize, b: usize, k: usize) -> Solved<Rc<Sum>> {
        let mut sum = Sum::default();
        for i in 0..=k {
            let (first, second) =
                if i <= k - i { ((a, i), (b, k - i)) } else { ((b, k - i), (a, i)) };
            let left = self.value(first.0, first.1)?;
            if left.is_zero() {
                continue;
            }
            let right = self.value(second.0, second.1)?;
            sum.add(&self.atoms.product(&left, &right));
        }
        Ok(Rc::new(sum))
    }

    /// `f` at a point near the parameters: `-Σ_m 1/m! ∇^(m+1)E[Δ, …, Δ]`.
    fn field(&mut self, point: usize, k: usize) -> Solved<Rc<Sum>> {
        let at = self.value(point, 0)?;
        let theta = self.atoms.intern(Atom::Coordinate(0));
        if *at != Sum::term(Product::of(theta), RationalFunction::one()) {
            return Err(TypedError::Point { point: self.ops[point].1 });
        }
        let mut deviations = Vec::new();
        for order in 1..=k {
            deviations.push(self.value(point, order)?);
        }
        let mut out = Sum::default();
        self.expand(
            &Head::Loss,
            &deviations,
            k,
            &[],
            Product::one(),
            &Weight::constant(RationalFunction::one()),
            &mut out,
        );
        Ok(Rc::new(out.negative()))
    }

    /// `Df(θ_ν)[v] = -Σ_m 1/m! ∇^(m+2)E[v, Δ, …, Δ]`
    fn field_derivative(&mut self, direction: usize, k: usize) -> Solved<Rc<Sum>> {
        let mut out = Sum::default();
        for order in 0..=k {
            let along = self.value(direction, order)?;
            if along.is_zero() {
                continue;
            }
            let mut deviations = Vec::new();
            for order in 1..=(k - order) {
                deviations.push(self.state(0, order)?);
            }
            for (product, weight) in &along.0 {
                let (numbers, vector) = self.atoms.split(product);
                let vector = [vector];
                self.expand(
                    &Head::Loss,
                    &deviations,
                    k - order,
                    &vector,
                    numbers,
                    weight,
                    &mut out,
                );
            }
        }
        Ok(Rc::new(out.negative()))
    }
}
