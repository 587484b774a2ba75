//! Nonlinear steps, whose fields emitted code has by typed terms and this by jets.

#[path = "../formula_field/mod.rs"]
mod formula_field;

use super::{
    Case, Expected, Value, case, cubic, evaluate, objective, positive, rational, rosenbrock, with,
};
use bea::codegen::LossFormulas;
use bea::exact::Rational;
use bea::flow::{FlowName, StepField};
use bea::optimizer::{self, Step};
use bea::typed::{self, Shape};
use formula_field::Field;
use num_rational::BigRational;

impl Case {
    /// The step, if it is nonlinear, with numbers for all parameters.
    pub(super) fn nonlinear_step(&self) -> Option<typed::Program> {
        let optimizer = optimizer::find(&self.optimizer).unwrap();
        let mut values = self.values.clone();
        let names = optimizer.parameters.iter().filter(|name| !self.values.contains_key(*name));
        for (name, &value) in names.zip(&self.field_arguments[self.loss_arguments.len()..]) {
            values.insert(name.clone(), BigRational::from_float(value).unwrap());
        }
        match optimizer.step(&values).unwrap() {
            Step::Linear(_) => None,
            Step::Nonlinear(program) => Some(program),
        }
    }

    /// Values of a nonlinear step in process, by jets. The slow variables follow the parameters.
    pub(super) fn by_jets<T: Value>(&self, program: &typed::Program, point: &[T]) -> Expected<T> {
        let FlowName::Order(order) = self.flow else { panic!("{} of a nonlinear step", self.flow) };
        let LossFormulas { graph, losses, .. } = &self.objective;
        let (d, loss) = (self.dimension(), losses[0]);
        let exact = |x: &f64| Rational::from(BigRational::from_float(*x).unwrap());
        let parameters: Vec<Rational> = self.loss_arguments.iter().map(exact).collect();
        let inputs: Vec<T> = point[..d]
            .iter()
            .copied()
            .chain(self.loss_arguments.iter().map(|&x| T::real(x)))
            .collect();
        let mut graph = graph.clone();
        let gradient = graph.gradient(loss, &(0..d as u32).collect::<Vec<_>>());
        let mut gradient = evaluate(&graph, &gradient, &inputs);
        gradient.resize(point.len(), T::real(0.0));
        let value = evaluate(&graph, &[loss], &inputs)[0];
        let mut source = Field::new(graph, loss, d, parameters);
        let field = StepField::<T>::new(program, order, &exact(&self.h)).unwrap();
        let mut rest = point;
        let start = field.coordinates().into_iter().map(|i| {
            let is_number = program.states[i].shape == Shape::Number;
            let (first, others) = rest.split_at(if is_number { 1 } else { d });
            rest = others;
            first.to_vec()
        });
        let start: Vec<Vec<T>> = start.collect();
        let terms = field.terms(&start, &mut source).unwrap();
        let sum = |terms: &Vec<Vec<T>>| -> Vec<T> {
            let entry = |i: usize| terms.iter().rev().fold(T::real(0.0), |sum, x| sum + x[i]);
            (0..terms[0].len()).map(entry).collect()
        };
        Expected { loss: value, gradient, field: terms.iter().flat_map(sum).collect() }
    }
}

/// A loss of two variables whose gradient is positive and negative where the variables are between -1 and 1.
fn coupled() -> LossFormulas {
    objective("coupled", &["x", "y"], &[], |g, v| {
        let mut terms = vec![g.mul(v[0], v[1])];
        for ((&x, square), slope) in v.iter().zip([1, 2]).zip([5, -5]) {
            let (second, fourth) = (g.powi(x, 2), g.powi(x, 4));
            terms.push(g.scale(&rational(square, 2), second));
            terms.push(g.scale(&rational(1, 4), fourth));
            terms.push(g.scale(&slope.into(), x));
        }
        g.sum(&terms)
    })
}

/// Optimizers of matrices, which are not written as code.
const MATRICES: [&str; 4] = ["spectral_descent", "muon", "shampoo", "averaged_shampoo"];

/// Every other nonlinear optimizer, at a step size whose square is no small number.
pub(super) fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for optimizer in optimizer::nonlinear_library() {
        if MATRICES.contains(&optimizer.name.as_str()) {
            continue;
        }
        let mut case = case(coupled(), &optimizer.name, FlowName::Order(2), 0.5);
        for (name, n) in optimizer.parameters.iter().zip(2..) {
            case = with(case, name, 1, n);
        }
        all.push(with_slow(case));
    }
    // The norm of the gradient is below the bound at all points, and above 1/2 at those before.
    let clipped = case(coupled(), "clipped_gradient_descent", FlowName::Order(2), 0.5);
    all.push(with(clipped, "c", 100, 1));
    for n in 0..=3 {
        let case = with(case(rosenbrock(), "adam_inside", FlowName::Order(n), 0.001), "eps", 1, 4);
        all.push(with(with(case, "beta1", 1, 2), "beta2", 3, 4));
    }
    // Parameters of the loss and of the optimizer stay arguments, where there is a slow variable as well.
    for (name, of_optimizer) in
        [("adam_inside", &[0.5, 0.75, 2.25][..]), ("dal", &[0.5]), ("adagrad", &[0.125])]
    {
        let mut case = with_slow(positive(case(cubic(), name, FlowName::Order(2), 0.25)));
        case.loss_arguments = vec![0.7];
        case.field_arguments = [&[0.7], of_optimizer].concat();
        all.push(case);
    }
    all
}

/// At points that have positive entries for the slow variables.
fn with_slow(mut case: Case) -> Case {
    let optimizer = optimizer::find(&case.optimizer).unwrap();
    let Step::Nonlinear(program) = optimizer.step(&case.values).unwrap() else { return case };
    let d = case.dimension();
    for state in program.states[1..].iter().filter(|state| state.slow) {
        let count = if state.shape == Shape::Number { 1 } else { d };
        for point in &mut case.points {
            point.extend((1..=count).map(|i| 0.5 + 0.25 * i as f64));
        }
    }
    case
}
