//! Objectives that are formulas.

use super::velocity::is_real;
use super::{Problem, ProblemError};
use crate::loss::{
    self, Bivariate, Bounded, Compiled, Expr, Graph, Jets, Program, VectorFields, Wide,
    modified_field_of,
};
use crate::objective::{Capability, Jet, Objective, ObjectiveError, Scalar};
use bea_series::field::Field;
use bea_series::tree::TreeId;
use nalgebra::{DMatrix, DVector};
use num_complex::Complex64;
use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// A program evaluated in real arithmetic at real points, otherwise in complex.
pub(super) struct Evaluator {
    program: Program,
    /// How often it was evaluated at a real point.
    evaluations: AtomicUsize,
    /// Its machine code, from [`WORTH_COMPILING`] on.
    compiled: OnceLock<Compiled>,
}

/// Compiling an instruction takes as long as interpreting it about so many times.
const WORTH_COMPILING: usize = 800;

thread_local! {
    static REAL: RefCell<Vec<f64>> = const { RefCell::new(Vec::new()) };
    static COMPLEX: RefCell<Vec<Complex64>> = const { RefCell::new(Vec::new()) };
}

impl Evaluator {
    pub(super) fn new(graph: &Graph, inputs: usize, outputs: &[Expr]) -> Evaluator {
        let program = Program::new(graph, inputs, outputs);
        Evaluator { program, evaluations: AtomicUsize::new(0), compiled: OnceLock::new() }
    }

    /// At real inputs, if they are, otherwise at complex ones.
    pub(super) fn evaluate(&self, inputs: &[Complex64], out: &mut [Complex64]) {
        if !is_real(inputs) {
            return self.complex(inputs, out);
        }
        let inputs: Vec<f64> = inputs.iter().map(|z| z.re).collect();
        let mut values = vec![0.0; out.len()];
        self.real(&inputs, &mut values);
        out.iter_mut().zip(values).for_each(|(out, x)| *out = x.into());
    }

    fn complex(&self, inputs: &[Complex64], out: &mut [Complex64]) {
        COMPLEX.with_borrow_mut(|scratch| self.program.evaluate(inputs, out, scratch));
    }

    fn real(&self, inputs: &[f64], out: &mut [f64]) {
        let often = self.evaluations.fetch_add(1, Ordering::Relaxed) >= WORTH_COMPILING;
        REAL.with_borrow_mut(|scratch| {
            if often {
                let compiled = self.compiled.get_or_init(|| Compiled::new(self.program.clone()));
                compiled.evaluate(inputs, out, scratch);
            } else {
                self.program.evaluate(inputs, out, scratch);
            }
        });
        if out.iter().any(|x| !x.is_finite()) {
            self.wide(inputs, out);
        }
    }

    /// Without overflow or underflow on the way.
    fn wide(&self, inputs: &[f64], out: &mut [f64]) {
        let inputs: Vec<Wide> = inputs.iter().map(|&x| x.into()).collect();
        let mut values = vec![Wide::from(0.0); out.len()];
        self.program.evaluate(&inputs, &mut values, &mut Vec::new());
        out.iter_mut().zip(values).for_each(|(out, value)| *out = value.to_f64());
    }
}

/// The numbers that a formula is evaluated with.
trait Number: Scalar + loss::Number {
    fn evaluate(evaluator: &Evaluator, inputs: &[Self], out: &mut [Self]);
}

impl Number for f64 {
    fn evaluate(evaluator: &Evaluator, inputs: &[f64], out: &mut [f64]) {
        evaluator.real(inputs, out);
    }
}

impl Number for Complex64 {
    fn evaluate(evaluator: &Evaluator, inputs: &[Complex64], out: &mut [Complex64]) {
        evaluator.complex(inputs, out);
    }
}

/// The loss `e` of a graph as an [`Objective`]; its parameters are the variables `0, …, d-1`.
/// Programs for the Hessian and the third derivative are compiled when they are first asked for.
pub struct LossObjective {
    graph: Graph,
    gradient_of: Vec<Expr>,
    dimension: usize,
    value: Evaluator,
    gradient: Evaluator,
    /// The lower triangle, row by row.
    hessian: OnceLock<Evaluator>,
    /// Of the inputs `θ, u, v`.
    third: OnceLock<Evaluator>,
}

impl LossObjective {
    /// The loss `e` of the variables `0, …, dimension-1`.
    ///
    /// # Panics
    /// If `e` has other variables.
    pub fn new(mut graph: Graph, e: Expr, dimension: usize) -> LossObjective {
        let variables: Vec<u32> = (0..dimension as u32).collect();
        let gradient_of = graph.gradient(e, &variables);
        LossObjective {
            value: Evaluator::new(&graph, dimension, &[e]),
            gradient: Evaluator::new(&graph, dimension, &gradient_of),
            graph,
            gradient_of,
            dimension,
            hessian: OnceLock::new(),
            third: OnceLock::new(),
        }
    }
}

impl LossObjective {
    fn hessian_program(&self) -> &Evaluator {
        self.hessian.get_or_init(|| {
            let mut graph = self.graph.clone();
            let mut lower = Vec::new();
            for i in 0..self.dimension {
                let row: Vec<u32> = (0..=i as u32).collect();
                lower.extend(graph.gradient(self.gradient_of[i], &row));
            }
            Evaluator::new(&graph, self.dimension, &lower)
        })
    }

    fn third_program(&self) -> &Evaluator {
        let d = self.dimension;
        self.third.get_or_init(|| {
            let mut graph = self.graph.clone();
            let mut jets = Jets::new();
            let mut along = |offset: usize| {
                let components: Vec<(u32, Expr)> =
                    (0..d).map(|i| (i as u32, graph.variable((offset + i) as u32))).collect();
                jets.direction(components)
            };
            let along = [along(d), along(2 * d)];
            let third: Vec<Expr> =
                self.gradient_of.iter().map(|&e| jets.derivative(&mut graph, e, &along)).collect();
            Evaluator::new(&graph, 3 * d, &third)
        })
    }
}

impl<S: Number> Objective<S> for LossObjective {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn value_and_gradient(&self, x: &[S], gradient: &mut [S]) -> Result<S, ObjectiveError> {
        S::evaluate(&self.gradient, x, gradient);
        self.value(x)
    }

    fn value(&self, x: &[S]) -> Result<S, ObjectiveError> {
        let mut out = [S::zero()];
        S::evaluate(&self.value, x, &mut out);
        Ok(out[0])
    }

    fn gradient(&self, x: &[S], out: &mut [S]) -> Result<(), ObjectiveError> {
        S::evaluate(&self.gradient, x, out);
        Ok(())
    }

    fn max_directions(&self) -> usize {
        2
    }

    fn hessian_vectors(&self, x: &[S], block: &[&[S]]) -> Result<Vec<Vec<S>>, ObjectiveError> {
        let d = self.dimension;
        let mut hessian = DMatrix::zeros(d, d);
        self.hessian(x, &mut hessian)?;
        let product = |v: &&[S]| (&hessian * DVector::from_column_slice(v)).as_slice().to_vec();
        Ok(block.iter().map(product).collect())
    }

    fn hessian(&self, x: &[S], out: &mut DMatrix<S>) -> Result<(), ObjectiveError> {
        let d = self.dimension;
        let mut lower = vec![S::zero(); d * (d + 1) / 2];
        S::evaluate(self.hessian_program(), x, &mut lower);
        let pairs = (0..d).flat_map(|i| (0..=i).map(move |j| (i, j)));
        for ((i, j), value) in pairs.zip(lower) {
            out[(i, j)] = value;
            out[(j, i)] = value;
        }
        Ok(())
    }

    fn contraction(
        &self,
        x: &[S],
        directions: &[&[S]],
        out: &mut [S],
    ) -> Result<(), ObjectiveError> {
        match directions {
            [] => self.gradient(x, out),
            [v] => {
                out.copy_from_slice(&self.hessian_vectors(x, &[v])?[0]);
                Ok(())
            }
            [u, v] => {
                S::evaluate(self.third_program(), &[x, u, v].concat(), out);
                Ok(())
            }
            _ => Err(ObjectiveError::Missing(Capability::Contraction(directions.len()))),
        }
    }

    fn has_jets(&self) -> bool {
        true
    }

    fn gradient_jet(
        &self,
        x: &Jet<S>,
        wanted: &[(usize, usize)],
    ) -> Result<Vec<Vec<S>>, ObjectiveError> {
        Ok(gradient_jet(&self.gradient.program, x, wanted))
    }

    fn hessian_jet(&self, x: &Jet<S>, v: &Jet<S>) -> Result<Vec<Vec<S>>, ObjectiveError> {
        // ∇E(x + ηv) = ∇E(x) + η ∇²E(x) v + …
        let zero = S::zero();
        let moved = x.zip(v, &zero, |&x, &v| Bivariate::new(vec![x, v, zero]));
        let all = gradient_jet(&self.gradient.program, &moved, &x.last());
        let slope = |x: &Bivariate<S>| x.part(1).first().copied().unwrap_or(zero);
        Ok(all.iter().map(|entries| entries.iter().map(slope).collect()).collect())
    }

    fn complex(&self) -> Option<&dyn Objective<Complex64>> {
        Some(self)
    }

    /// Its Hessian is one program, whatever its size.
    fn is_matrix_free(&self) -> bool {
        false
    }
}

/// The coefficients of `h^(k-j) s^j` in the outputs of a program at the points `x(h, s)`, for the pairs `(k, j)`.
fn gradient_jet<T: loss::Number>(
    program: &Program,
    x: &Jet<T>,
    wanted: &[(usize, usize)],
) -> Vec<Vec<T>> {
    let zero = || T::from_rational(&0.into());
    let degree = x.degree();
    let input = |i: usize| {
        let entries = (0..=degree).flat_map(|k| (0..=k).map(move |j| x.coefficient(k, j)));
        Bivariate::new(entries.map(|x| x.map_or_else(zero, |x| x[i].clone())).collect())
    };
    let inputs: Vec<Bivariate<T>> = (0..program.inputs()).map(input).collect();
    let mut out =
        vec![<Bivariate<T> as loss::Number>::from_rational(&0.into()); program.outputs().len()];
    program.evaluate(&inputs, &mut out, &mut Vec::new());
    let entry = |out: &Bivariate<T>, k, j: usize| out.part(k).get(j).cloned().unwrap_or_else(zero);
    wanted.iter().map(|&(k, j)| out.iter().map(|out| entry(out, k, j)).collect()).collect()
}

/// The vector fields of a problem as formulas, for flows that need all their derivatives.
pub(super) struct Formulas {
    graph: Graph,
    fields: VectorFields,
}

impl Problem {
    /// Losses that are formulas in one graph: `fields` are pairs of a space and the loss that it
    /// descends, and `spaces` partition the variables `0, …, d-1`. Only such a problem has the
    /// flows `order:n` and `pf+np:n`.
    ///
    /// # Errors
    /// As [`Problem::of_fields`].
    ///
    /// # Panics
    /// If a loss has other variables.
    pub fn of_losses(
        graph: &Graph,
        spaces: Vec<Vec<usize>>,
        fields: &[(usize, Expr)],
    ) -> Result<Problem, ProblemError> {
        let d = spaces.iter().map(Vec::len).sum();
        let objective = |&(space, e): &(usize, Expr)| -> (usize, Arc<dyn Objective>) {
            (space, Arc::new(LossObjective::new(graph.clone(), e, d)))
        };
        let objectives = fields.iter().map(objective).collect();
        let mut problem = Problem::of_fields(spaces, objectives)?;
        let mut graph = graph.clone();
        let spaces: Vec<Vec<u32>> =
            problem.spaces().iter().map(|s| s.iter().map(|&i| i as u32).collect()).collect();
        let fields = VectorFields::of_losses(&mut graph, spaces, fields);
        problem.formulas = Some(Arc::new(Formulas { graph, fields }));
        Ok(problem)
    }

    /// One loss that is a formula: [`Problem::of_losses`] with a single space and field.
    ///
    /// # Panics
    /// If `e` has other variables than `0, …, dimension-1`.
    pub fn of_loss(graph: &Graph, e: Expr, dimension: usize) -> Problem {
        Problem::of_losses(graph, vec![(0..dimension).collect()], &[(0, e)])
            .expect("one space holds all variables")
    }
}

impl Formulas {
    /// The total field as a program whose rounding errors can be bounded.
    pub(super) fn total(&self) -> impl Fn(&[f64]) -> Vec<Bounded> {
        let mut graph = self.graph.clone();
        let d: usize = self.fields.spaces.iter().map(Vec::len).sum();
        let mut parts = vec![Vec::new(); d];
        for (space, components) in &self.fields.fields {
            for (&variable, &component) in self.fields.spaces[*space].iter().zip(components) {
                parts[variable as usize].push(component);
            }
        }
        let total: Vec<Expr> = parts.iter().map(|parts| graph.sum(parts)).collect();
        let program = Program::new(&graph, d, &total);
        move |theta| {
            let inputs: Vec<Bounded> = theta.iter().map(|&x| Bounded::exact(x)).collect();
            let mut out = vec![Bounded::exact(0.0); d];
            program.evaluate(&inputs, &mut out, &mut Vec::new());
            out
        }
    }

    /// The terms of the wanted trees of a modified field, compiled: the inputs are `θ` and `h`.
    pub(super) fn modified_field(
        &self,
        field: &Field,
        wanted: impl Fn(TreeId) -> bool,
    ) -> Evaluator {
        let mut graph = self.graph.clone();
        let d: usize = self.fields.spaces.iter().map(Vec::len).sum();
        let h = graph.variable(d as u32);
        let terms = modified_field_of(&mut graph, &self.fields, field, h, &[], wanted);
        Evaluator::new(&graph, d + 1, &terms)
    }
}

#[cfg(all(test, feature = "jit"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_evaluated_often_becomes_machine_code_with_the_same_values() {
        let mut graph = Graph::new();
        let (x, y) = (graph.variable(0), graph.variable(1));
        let product = graph.mul(x, y);
        let wave = graph.apply(crate::loss::Function::Sin, product);
        let evaluator = Evaluator::new(&graph, 2, &[wave]);
        let at = |point: [f64; 2]| {
            let mut out = [Complex64::ZERO];
            evaluator.evaluate(&point.map(Complex64::from), &mut out);
            out[0].re
        };
        let first = at([0.3, 0.7]);
        assert!(evaluator.compiled.get().is_none());
        assert!((0..2 * WORTH_COMPILING).all(|_| at([0.3, 0.7]).to_bits() == first.to_bits()));
        assert!(evaluator.compiled.get().unwrap().is_machine_code());
        // Off the real line it still has its complex values.
        let mut out = [Complex64::ZERO];
        evaluator.evaluate(&[Complex64::I, Complex64::ONE], &mut out);
        assert!((out[0] - Complex64::I.sin()).norm() < 1e-15);
    }
}
