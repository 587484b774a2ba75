//! Losses, points and the values that emitted code must reproduce.

mod nonlinear;

use bea::codegen::{CodeRequest, Language, LossFormulas, emit};
use bea::exact::Rational;
use bea::field::{ClosedForm, Field};
use bea::flow::{self, FlowName, Problem, SimulateError, Stop, alpha};
use bea::loss::{
    Condition, Expr, Function, Graph, Number, Program, Relation, VectorFields, modified_field,
    non_principal_field,
};
use bea::optimizer;
use nalgebra::{DMatrix, DVector, SymmetricEigen};
use num_complex::Complex64;
use num_rational::BigRational;
use std::collections::BTreeMap;

/// One file to emit, and where to evaluate it.
pub struct Case {
    pub objective: LossFormulas,
    pub optimizer: String,
    pub values: BTreeMap<String, BigRational>,
    pub flow: FlowName,
    pub points: Vec<Vec<f64>>,
    pub h: f64,
    /// What `loss` and `gradient` take beside the point.
    pub loss_arguments: Vec<f64>,
    /// What `field` takes beside the point and `h`.
    pub field_arguments: Vec<f64>,
    /// Whether the field must be that of `bea flow`, beyond the branch points where series end.
    pub simulated: bool,
}

/// What a file must compute at one point.
pub struct Expected<T> {
    pub loss: T,
    pub gradient: Vec<T>,
    pub field: Vec<T>,
}

impl Case {
    pub fn emit(&self, language: Language) -> String {
        let optimizer = optimizer::find(&self.optimizer).unwrap();
        let Case { objective, values, flow, .. } = self;
        let request = CodeRequest { objective, optimizer, values, flow: *flow, command: None };
        emit(language, &request).unwrap()
    }

    pub fn dimension(&self) -> usize {
        self.objective.variables.len()
    }

    /// Whether the field is evaluated at complex points too.
    pub fn has_complex_field(&self) -> bool {
        self.flow != FlowName::PrincipalEven
    }

    /// The vector fields, each of which descends a loss; the second player of a zero-sum game ascends.
    fn problem(&self) -> Problem {
        let LossFormulas { graph, losses, fields, .. } = &self.objective;
        let mut graph = graph.clone();
        let mut losses = losses.clone();
        if losses.len() == 1 && fields.fields.len() == 2 {
            losses.push(graph.neg(losses[0]));
        }
        let spaces = fields.spaces.iter().map(|s| s.iter().map(|&i| i as usize).collect());
        let pairs = fields.fields.iter().map(|field| field.0).zip(losses);
        Problem::of_losses(&graph, spaces.collect(), &pairs.collect::<Vec<_>>()).unwrap()
    }

    /// The velocity that `bea flow` starts with.
    pub fn simulated(
        &self,
        theta: &[Complex64],
    ) -> Result<Result<Vec<Complex64>, Stop>, SimulateError> {
        let mut values = self.values.clone();
        let optimizer = optimizer::find(&self.optimizer).unwrap();
        for (name, &value) in optimizer.parameters.iter().zip(&self.field_arguments) {
            values.insert(name.clone(), BigRational::from_float(value).unwrap());
        }
        let method = optimizer.method(&values).unwrap();
        let request = flow::Request { lr: self.h, ..flow::Request::default() };
        flow::velocity(&self.problem(), &self.optimizer, &method, theta, self.flow, &request)
    }

    /// Values in process.
    pub fn expected<T: Value>(&self, point: &[T]) -> Expected<T> {
        if let Some(program) = self.nonlinear_step() {
            return self.by_jets(&program, point);
        }
        let LossFormulas { graph, losses, fields, .. } = &self.objective;
        let mut graph = graph.clone();
        let (d, loss) = (self.dimension(), losses[0]);
        let coordinates: Vec<u32> = (0..d as u32).collect();
        let of_loss: Vec<T> = self.loss_arguments.iter().map(|&x| T::real(x)).collect();
        let inputs = [point, of_loss.as_slice()].concat();
        let gradient = graph.gradient(loss, &coordinates);

        let method = optimizer::find(&self.optimizer).unwrap().method(&self.values).unwrap();
        let order = match self.flow {
            FlowName::Order(n) | FlowName::PrincipalWith(n) => n,
            _ => 0,
        };
        let field = Field::derive(&self.optimizer, &method, order).unwrap();
        let h = graph.variable(inputs.len() as u32);
        let parameters: Vec<Expr> = (0..field.parameters.len())
            .map(|i| graph.variable((inputs.len() + 1 + i) as u32))
            .collect();
        let mut with_step = inputs.clone();
        with_step.push(T::real(self.h));
        with_step.extend(self.field_arguments[of_loss.len()..].iter().map(|&x| T::real(x)));
        let velocity = match self.flow {
            FlowName::Order(_) => {
                let value = modified_field(&mut graph, fields, &field, h, &parameters);
                evaluate(&graph, &value, &with_step)
            }
            _ if self.simulated => {
                let theta: Vec<Complex64> = point.iter().map(|&x| x.complex()).collect();
                self.simulated(&theta).unwrap().unwrap().into_iter().map(T::of).collect()
            }
            flow => {
                let rows = graph.hessian(loss, &coordinates);
                let entries: Vec<Expr> = rows.into_iter().flatten().collect();
                let hessian = evaluate(&graph, &entries, &inputs);
                let g = evaluate(&graph, &gradient, &inputs);
                let closed = ClosedForm::new(&method, 60).unwrap();
                let mut principal = if closed.is_tall_tree_theorem() {
                    T::principal(flow, &hessian, &g, self.h)
                } else {
                    series(&closed, &hessian, &g, self.h)
                };
                if let FlowName::PrincipalWith(_) = flow {
                    let rest = non_principal_field(&mut graph, fields, &field, h, &parameters);
                    let rest = evaluate(&graph, &rest, &with_step);
                    for (sum, rest) in principal.iter_mut().zip(rest) {
                        *sum = *sum + rest;
                    }
                }
                principal
            }
        };
        Expected {
            loss: evaluate(&graph, &[loss], &inputs)[0],
            gradient: evaluate(&graph, &gradient, &inputs),
            field: velocity,
        }
    }
}

/// Real or complex.
pub trait Value: Number + Copy + Send + Sync {
    fn real(x: f64) -> Self;
    fn complex(self) -> Complex64;
    fn of(z: Complex64) -> Self;
    /// The principal flow of gradient descent, `log(1-hH)/(hH) g`, by another route than emitted
    /// code takes.
    fn principal(flow: FlowName, hessian: &[Self], g: &[Self], h: f64) -> Vec<Self>;
}

impl Value for f64 {
    fn real(x: f64) -> f64 {
        x
    }
    fn complex(self) -> Complex64 {
        self.into()
    }
    fn of(z: Complex64) -> f64 {
        assert_eq!(z.im, 0.0, "a complex velocity at a real point");
        z.re
    }
    fn principal(flow: FlowName, hessian: &[f64], g: &[f64], h: f64) -> Vec<f64> {
        let value = symmetric(flow, hessian, g, h);
        assert!(value.iter().all(|z| z.im == 0.0), "a complex velocity at a real point");
        value.iter().map(|z| z.re).collect()
    }
}

impl Value for Complex64 {
    fn real(x: f64) -> Complex64 {
        x.into()
    }
    fn complex(self) -> Complex64 {
        self
    }
    fn of(z: Complex64) -> Complex64 {
        z
    }
    fn principal(flow: FlowName, hessian: &[Complex64], g: &[Complex64], h: f64) -> Vec<Complex64> {
        let real = |x: &[Complex64]| -> Option<Vec<f64>> {
            x.iter().map(|z| (z.im == 0.0).then_some(z.re)).collect()
        };
        if let (Some(hessian), Some(g)) = (real(hessian), real(g)) {
            return symmetric(flow, &hessian, &g, h);
        }
        // log(1-z)/z = -∫₀¹ ds/(1-sz) by Gauss and Legendre on many intervals.
        let d = g.len();
        let a = DMatrix::from_row_slice(d, d, hessian) * Complex64::from(h);
        let g = DVector::from_row_slice(g);
        let mut sum = DVector::zeros(d);
        let n = 2000;
        for k in 0..n {
            for (node, weight) in
                [(0.0, 8.0 / 9.0), (0.6f64.sqrt(), 5.0 / 9.0), (-0.6f64.sqrt(), 5.0 / 9.0)]
            {
                let s = (f64::from(k) + 0.5 * (1.0 + node)) / f64::from(n);
                let matrix = DMatrix::identity(d, d) - &a * Complex64::from(s);
                let value = matrix.lu().solve(&g).unwrap();
                sum -= value * Complex64::from(weight / (2.0 * f64::from(n)));
            }
        }
        sum.as_slice().to_vec()
    }
}

/// At a real point, from orthonormal eigenvectors and `bea::flow::alpha`.
fn symmetric(flow: FlowName, hessian: &[f64], g: &[f64], h: f64) -> Vec<Complex64> {
    let d = g.len();
    let eigen = SymmetricEigen::new(DMatrix::from_row_slice(d, d, hessian));
    let mut velocity = vec![Complex64::ZERO; d];
    for (lambda, u) in eigen.eigenvalues.iter().zip(eigen.eigenvectors.column_iter()) {
        let z = Complex64::from(h * lambda);
        let alpha = if flow == FlowName::PrincipalEven { alpha::pf_even(z) } else { alpha::pf(z) };
        let component: f64 = u.iter().zip(g).map(|(u, g)| u * g).sum();
        for (v, u) in velocity.iter_mut().zip(u.iter()) {
            *v += alpha * component * u;
        }
    }
    velocity
}

/// `Σ c_k (-hH)^k (-g)` with the exact coefficients of the closed form.
fn series<T: Value>(closed: &ClosedForm, hessian: &[T], g: &[T], h: f64) -> Vec<T> {
    let d = g.len();
    let mut power: Vec<T> = g.iter().map(|x| -*x).collect();
    let mut sum = vec![T::real(0.0); d];
    for c in closed.series() {
        let c = Rational::from(c.as_rational().expect("all parameters have values")).to_f64();
        for i in 0..d {
            sum[i] = sum[i] + T::real(c) * power[i];
        }
        let next = |i: usize| {
            (0..d).fold(T::real(0.0), |s, j| s - T::real(h) * hessian[d * i + j] * power[j])
        };
        power = (0..d).map(next).collect();
    }
    sum
}

fn evaluate<T: Number>(graph: &Graph, outputs: &[Expr], inputs: &[T]) -> Vec<T> {
    let program = Program::new(graph, inputs.len(), outputs);
    let mut values = vec![T::from_rational(&0.into()); outputs.len()];
    program.evaluate(inputs, &mut values, &mut Vec::new());
    values
}

fn rational(n: i64, d: i64) -> Rational {
    Rational::new(n, d).unwrap()
}

fn objective(
    name: &str,
    variables: &[&str],
    parameters: &[&str],
    build: impl Fn(&mut Graph, &[Expr]) -> Expr,
) -> LossFormulas {
    let mut graph = Graph::new();
    let count = (variables.len() + parameters.len()) as u32;
    let all: Vec<Expr> = (0..count).map(|v| graph.variable(v)).collect();
    let loss = build(&mut graph, &all);
    let coordinates: Vec<u32> = (0..variables.len() as u32).collect();
    let fields = VectorFields::of_loss(&mut graph, loss, &coordinates);
    LossFormulas {
        name: name.into(),
        formula: "E = …".into(),
        graph,
        variables: variables.iter().map(ToString::to_string).collect(),
        parameters: parameters.iter().map(ToString::to_string).collect(),
        losses: vec![loss],
        fields,
    }
}

pub fn rosenbrock() -> LossFormulas {
    objective("rosenbrock", &["x", "y"], &[], |g, v| {
        let one = g.integer(1);
        let first = g.sub(one, v[0]);
        let first = g.powi(first, 2);
        let square = g.powi(v[0], 2);
        let second = g.sub(v[1], square);
        let second = g.powi(second, 2);
        let second = g.scale(&100.into(), second);
        g.add(first, second)
    })
}

/// Every function of the loss language, at arguments where it is smooth.
fn functions() -> LossFormulas {
    objective("functions", &["W", "lambda"], &[], |g, v| {
        let mut terms = Vec::new();
        for (i, function) in Function::ALL.into_iter().enumerate() {
            let i = i as i64;
            // Different slopes, so that no two arguments are one expression.
            let (x, y) = (g.scale(&rational(i + 2, 7), v[0]), g.scale(&rational(5, i + 3), v[1]));
            let mut argument = g.sub(x, y);
            if function == Function::Log {
                argument = g.powi(argument, 2);
                argument = g.add(argument, Expr::ONE);
            }
            terms.push(g.apply(function, argument));
        }
        g.sum(&terms)
    })
}

/// Choices, roots, powers, `π`, and constants of all sizes.
fn choices() -> LossFormulas {
    objective("choices", &["x[0]", "θ"], &[], |g, v| {
        let (x, y) = (v[0], v[1]);
        let half = g.scale(&rational(1, 2), y);
        let condition = Condition { left: x, relation: Relation::Less, right: half };
        let pi = g.pi();
        let (square, product) = (g.powi(x, 2), g.mul(x, y));
        let circle = g.mul(pi, square);
        let wave = g.apply(Function::Sin, product);
        let choice = g.select(condition, circle, wave);
        let squares = g.powi(y, 2);
        let squares = g.sum(&[squares, square, Expr::ONE]);
        let cube = g.power(squares, &rational(1, 3));
        let root = g.power(squares, &rational(-3, 2));
        let huge = g.constant(Rational::from(10).pow(200).unwrap());
        let tiny = g.constant(Rational::from(10).pow(-200).unwrap());
        let scaled = g.mul(huge, product);
        let scaled = g.product(&[tiny, scaled, x]);
        let constant = g.constant(Rational::from(3).pow(80).unwrap());
        let quotient = g.constant(Rational::from(3).pow(-80).unwrap());
        let far = g.product(&[constant, quotient, y]);
        let larger = g.max(product, half);
        let two = g.integer(2);
        let irrational = g.power(two, &rational(1, 2));
        let power = g.pow(irrational, x);
        g.sum(&[choice, cube, root, scaled, far, larger, power])
    })
}

/// `x^y sqrt(x^2 + z^2) + sqrt(1 + z^2)`.
pub fn powers() -> LossFormulas {
    objective("powers", &["x", "y", "z"], &[], |g, v| {
        let power = g.pow(v[0], v[1]);
        let [x, z] = [v[0], v[2]].map(|e| g.powi(e, 2));
        let (both, one) = (g.add(x, z), g.add(z, Expr::ONE));
        let [both, one] = [both, one].map(|e| g.power(e, &rational(1, 2)));
        let product = g.mul(power, both);
        g.add(product, one)
    })
}

/// A parameter of the loss, and one variable.
fn cubic() -> LossFormulas {
    objective("cubic", &["x"], &["a"], |g, v| {
        let square = g.powi(v[0], 2);
        let square = g.scale(&rational(1, 2), square);
        let cube = g.powi(v[0], 3);
        let cube = g.product(&[v[1], cube]);
        g.add(square, cube)
    })
}

/// Nine variables whose names are not valid everywhere.
fn quartic() -> LossFormulas {
    let names: Vec<String> = (0..9).map(|i| format!("w[{i}]")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    objective("quartic", &names, &[], |g, v| {
        let mut terms = Vec::new();
        for i in 0..v.len() {
            let product = g.mul(v[i], v[(i + 1) % v.len()]);
            let sum = g.sub(product, v[(i + 4) % v.len()]);
            let sum = g.powi(sum, 2);
            let square = g.powi(v[i], 2);
            terms.push(g.scale(&rational(i as i64 + 1, 3), sum));
            terms.push(square);
        }
        g.sum(&terms)
    })
}

/// Two losses or three, for an optimizer with as many vector fields.
fn batches(count: usize) -> LossFormulas {
    let mut objective = rosenbrock();
    let (first, graph) = (objective.losses[0], &mut objective.graph);
    let (x, y) = (graph.variable(0), graph.variable(1));
    let product = graph.mul(x, y);
    let second = graph.apply(Function::Cosh, product);
    objective.losses = vec![first, second];
    let (mut fields, other) = (
        VectorFields::of_loss(graph, first, &[0, 1]),
        VectorFields::of_loss(graph, second, &[0, 1]),
    );
    fields.fields.extend(other.fields);
    if count == 3 {
        let third = graph.powi(x, 4);
        objective.losses.push(third);
        fields.fields.extend(VectorFields::of_loss(graph, third, &[0, 1]).fields);
    }
    objective.fields = fields;
    objective
}

/// A zero-sum game.
fn game() -> LossFormulas {
    let mut objective = rosenbrock();
    let (loss, graph) = (objective.losses[0], &mut objective.graph);
    let gradient = graph.gradient(loss, &[0, 1]);
    let down = graph.neg(gradient[0]);
    objective.fields = VectorFields {
        spaces: vec![vec![0], vec![1]],
        fields: vec![(0, vec![down]), (1, vec![gradient[1]])],
    };
    objective.losses = vec![loss];
    objective
}

/// A game of two players with losses of their own, the first of which has two variables.
fn duel() -> LossFormulas {
    let mut graph = Graph::new();
    let [x, y, a] = [0, 1, 2].map(|v| graph.variable(v));
    let product = graph.product(&[x, y, a]);
    let wave = graph.apply(Function::Sin, product);
    let (square, bowl) = (graph.powi(y, 2), graph.powi(a, 2));
    let first = graph.add(wave, bowl);
    let second = graph.sub(square, product);
    let names = ["x", "y", "a"].map(String::from).to_vec();
    let fields = [(0, first), (1, second)];
    LossFormulas::of_losses(graph, names, &[vec![0, 2], vec![1]], vec![first, second], &fields)
}

/// Points of `[-1, 1]^d`, the same in every run.
fn points(d: usize, count: usize) -> Vec<Vec<f64>> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..count).map(|_| (0..d).map(|_| next()).collect()).collect()
}

fn case(objective: LossFormulas, optimizer: &str, flow: FlowName, h: f64) -> Case {
    let points = points(objective.variables.len(), 4);
    Case {
        objective,
        optimizer: optimizer.into(),
        values: BTreeMap::new(),
        flow,
        points,
        h,
        loss_arguments: Vec::new(),
        field_arguments: Vec::new(),
        simulated: false,
    }
}

/// At points without negative coordinates.
fn positive(mut case: Case) -> Case {
    case.points.iter_mut().flatten().for_each(|x| *x = x.abs());
    case
}

/// The field of `bea flow`.
fn simulated(case: Case) -> Case {
    Case { simulated: true, ..case }
}

fn with(mut case: Case, name: &str, n: i64, d: i64) -> Case {
    case.values.insert(name.into(), BigRational::new(n.into(), d.into()));
    case
}

/// Every function, several optimizers, every flow.
pub fn cases() -> Vec<Case> {
    let gd = "gradient_descent";
    let mut all = Vec::new();
    for n in 0..=4 {
        all.push(case(rosenbrock(), gd, FlowName::Order(n), 0.001));
    }
    all.push(case(functions(), gd, FlowName::Order(2), 0.1));
    all.push(case(choices(), gd, FlowName::Order(3), 0.1));
    all.push(case(quartic(), gd, FlowName::Order(2), 0.01));
    all.push(positive(case(powers(), gd, FlowName::Order(2), 0.01)));
    all.push(with(case(rosenbrock(), "heavy_ball", FlowName::Order(4), 1e-4), "m", 9, 10));
    all.push(with(case(functions(), "nesterov", FlowName::Order(1), 0.01), "m", 1, 3));
    all.push(case(rosenbrock(), "adams_bashforth2", FlowName::Order(3), 0.001));
    all.push(case(batches(2), "minibatch2", FlowName::Order(2), 0.001));
    // `f` has names of its own here: `fx`, `fy`.
    all.push(case(game(), "simultaneous_gda", FlowName::Order(3), 0.001));
    all.push(case(duel(), "alternating_gda", FlowName::Order(2), 0.1));
    all.push(with(case(duel(), "momentum_gda", FlowName::Order(2), 0.01), "m", 1, 2));
    // Parameters of the loss and of the optimizer stay arguments; `h` stays in the coefficients.
    let mut symbolic = case(cubic(), "heavy_ball", FlowName::Order(3), 0.05);
    symbolic.loss_arguments = vec![0.7];
    symbolic.field_arguments = vec![0.7, 0.4];
    all.push(symbolic);
    let mut sharp = case(rosenbrock(), "sam", FlowName::Order(3), 0.001);
    sharp.field_arguments = vec![0.02];
    all.push(sharp);

    for flow in [FlowName::Principal, FlowName::PrincipalEven, FlowName::PrincipalWith(2)] {
        all.push(case(rosenbrock(), gd, flow, 0.0006));
        // Some eigenvalues beyond the branch point.
        all.push(case(rosenbrock(), gd, flow, 0.005));
        all.push(case(functions(), gd, flow, 0.05));
        all.push(with(case(rosenbrock(), "heavy_ball", flow, 1e-6), "m", 1, 2));
        all.push(with(case(rosenbrock(), "rk2", flow, 1e-4), "a", 2, 3));
    }
    all.push(case(choices(), gd, FlowName::Principal, 0.2));
    all.push(positive(case(powers(), gd, FlowName::Principal, 0.01)));
    all.push(case(quartic(), gd, FlowName::PrincipalWith(3), 0.02));
    let mut symbolic = case(cubic(), gd, FlowName::Principal, 0.5);
    symbolic.loss_arguments = vec![0.7];
    symbolic.field_arguments = vec![0.7];
    all.push(symbolic);
    // Beyond branch points of the principal root: both eigenvalues, and one.
    for flow in [FlowName::Principal, FlowName::PrincipalEven, FlowName::PrincipalWith(2)] {
        for h in [0.0005, 0.005, 0.05] {
            let momentum = case(rosenbrock(), "heavy_ball", flow, h);
            all.push(simulated(with(momentum, "m", 1, 2)));
        }
        all.push(simulated(case(rosenbrock(), "adams_bashforth3", flow, 0.003)));
        all.push(simulated(case(duel(), "simultaneous_gda", flow, 0.9)));
        all.push(simulated(with(case(duel(), "momentum_gda", flow, 0.7), "m", 1, 2)));
        all.push(simulated(case(functions(), "extragradient", flow, 0.3)));
        // Its parameter and the step size both stay in the root.
        let mut sharp = simulated(case(rosenbrock(), "sam", flow, 0.002));
        sharp.field_arguments = vec![0.001];
        all.push(sharp);
    }
    all.push(simulated(case(game(), "simultaneous_gda", FlowName::Principal, 0.002)));
    for optimizer in optimizer::library() {
        all.push(of_library(&optimizer.name, FlowName::Order(2)));
        let principal = simulated(of_library(&optimizer.name, FlowName::Principal));
        if has_principal_flow(&principal) {
            all.push(principal);
        }
    }
    all.extend(nonlinear::cases());
    all
}

/// Whether `bea flow` simulates it.
pub fn has_principal_flow(case: &Case) -> bool {
    let theta = vec![Complex64::ZERO; case.dimension()];
    !matches!(case.simulated(&theta), Err(SimulateError::NoFlow { .. }))
}

/// An optimizer of the library, with numbers for its parameters.
pub fn of_library(name: &str, flow: FlowName) -> Case {
    let optimizer = optimizer::find(name).unwrap();
    let values = optimizer.parameters.iter().zip(3..);
    let values: BTreeMap<String, BigRational> =
        values.map(|(name, n)| (name.clone(), BigRational::new(1.into(), n.into()))).collect();
    let method = optimizer.method(&values).unwrap();
    let objective = match (method.spaces.len(), method.fields.len()) {
        (1, 1) => rosenbrock(),
        (1, count) => batches(count),
        _ => game(),
    };
    Case { values, ..case(objective, name, flow, 1e-4) }
}

/// The complex point that belongs to a real one.
pub fn complex(point: &[f64]) -> Vec<Complex64> {
    let shift = |(i, &x): (usize, &f64)| Complex64::new(x, 0.1 * (1.0 + i as f64 / 3.0));
    point.iter().enumerate().map(shift).collect()
}

/// Asserts that two vectors agree to 1e-12 of their size.
pub fn assert_close(found: &[Complex64], expected: &[Complex64], what: &str) {
    let size = expected.iter().map(|z| z.norm()).fold(0.0, f64::max);
    assert_eq!(found.len(), expected.len(), "{what}");
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).norm() <= 1e-12 * size, "{what}: {found:?} is not {expected:?}");
    }
}
