//! The modified field by jets in the step size and the time, against the trees.

mod exact_number;
#[allow(dead_code)]
mod precise;

use bea::exact::Rational;
use bea::field::Field;
use bea::flow::{FlowName, JetField, Problem, Request, velocity};
use bea::loss::{Bivariate, Expr, Function, Graph, Number, Program, VectorFields, modified_field};
use bea::network::architecture::{Architecture, Criterion, Dtype};
use bea::network::device::Device;
use bea::network::initialise::{Scheme, initialise};
use bea::network::{self, NetworkLoss, data};
use bea::objective::{self, Jet, Objective, ObjectiveError};
use bea::series::GeneralLinearMethod;
use exact_number::Exact;
use num_complex::Complex64;
use num_rational::BigRational;
use precise::Precise;

fn rational(top: i64, bottom: i64) -> Rational {
    Rational::new(top, bottom).unwrap()
}

/// Polynomials in so many variables, one for each of at most four fields; no two alike.
fn losses(graph: &mut Graph, dimension: u32) -> Vec<Expr> {
    let variables: Vec<Expr> = (0..dimension).map(|i| graph.variable(i)).collect();
    (0..4)
        .map(|which: i64| {
            let mut terms = Vec::new();
            for (i, &x) in variables.iter().enumerate() {
                let next = variables[(i + 1) % variables.len()];
                let i = i as i64;
                for (c, a, b) in
                    [(3 + which, 1, 0), (2 - which, 2, 0), (1 + i, 3, 1), (-2, 1, 2), (1, 4, 0)]
                {
                    let (c, x, y) =
                        (graph.constant(rational(c, 6 + i)), graph.powi(x, a), graph.powi(next, b));
                    terms.push(graph.product(&[c, x, y]));
                }
            }
            graph.sum(&terms)
        })
        .collect()
}

/// Of one space all variables; of two players one each, and what is left to the second.
fn spaces(method: &GeneralLinearMethod, dimension: usize) -> Vec<Vec<usize>> {
    match method.spaces.len() {
        1 => vec![(0..dimension).collect()],
        _ => vec![vec![0], (1..dimension).collect()],
    }
}

/// A method of the library with numbers for its parameters.
fn library(name: &str) -> GeneralLinearMethod {
    let optimizer = bea::optimizer::find(name).unwrap();
    let value = |p: &String| match p.as_str() {
        "gamma" if name == "damped_heavy_ball" => BigRational::new(5.into(), 1.into()),
        _ => BigRational::new(1.into(), 5.into()),
    };
    let values = optimizer.parameters.iter().map(|p| (p.clone(), value(p)));
    optimizer.method(&values.collect()).unwrap()
}

/// The terms of order 0, …, `order` by jets at a step size of 1/8, exactly.
fn by_jets(
    graph: &Graph,
    method: &GeneralLinearMethod,
    fields: &[(usize, Expr)],
    spaces: &[Vec<usize>],
    theta: &[Exact],
    order: usize,
) -> Vec<Vec<Exact>> {
    let mut graph = graph.clone();
    let programs: Vec<Program> = fields
        .iter()
        .map(|&(space, loss)| {
            let variables: Vec<u32> = spaces[space].iter().map(|&i| i as u32).collect();
            let gradient = graph.gradient(loss, &variables);
            Program::new(&graph, theta.len(), &gradient)
        })
        .collect();
    let zero = || Exact::from_rational(&0.into());
    let field = |c: usize, x: &Jet<Exact>, wanted: &[(usize, usize)]| {
        let degree = x.degree();
        let entry = |i: usize| {
            let all = (0..=degree).flat_map(|k| (0..=k).map(move |j| x.coefficient(k, j)));
            Bivariate::new(all.map(|x| x.map_or_else(zero, |x| x[i].clone())).collect())
        };
        let inputs: Vec<_> = (0..theta.len()).map(entry).collect();
        let mut out = vec![Bivariate::from_rational(&0.into()); programs[c].outputs().len()];
        programs[c].evaluate(&inputs, &mut out, &mut Vec::new());
        let part =
            |out: &Bivariate<Exact>, k, j: usize| -out.part(k).get(j).cloned().unwrap_or_else(zero);
        let all = wanted.iter().map(|&(k, j)| out.iter().map(|out| part(out, k, j)).collect());
        Ok::<_, ()>(all.collect())
    };
    let jets = JetField::<Exact>::new(method, order, &rational(1, 8)).unwrap();
    jets.terms(spaces, theta, field).unwrap()
}

/// The modified field truncated at `order` by trees, exactly.
fn by_trees(
    graph: &Graph,
    method: &GeneralLinearMethod,
    fields: &[(usize, Expr)],
    spaces: &[Vec<usize>],
    theta: &[Exact],
    order: usize,
) -> Vec<Exact> {
    let mut graph = graph.clone();
    let spaces = spaces.iter().map(|s| s.iter().map(|&i| i as u32).collect()).collect();
    let fields = VectorFields::of_losses(&mut graph, spaces, fields);
    let field = Field::derive("test", method, order).unwrap();
    let h = graph.constant(rational(1, 8));
    let terms = modified_field(&mut graph, &fields, &field, h, &[]);
    let program = Program::new(&graph, theta.len(), &terms);
    let mut out = vec![Exact::from_rational(&0.into()); terms.len()];
    program.evaluate(theta, &mut out, &mut Vec::new());
    out
}

#[test]
fn every_optimizer_of_the_library_has_the_terms_of_the_trees_exactly() {
    let mut checked = 0;
    for optimizer in bea::optimizer::library() {
        let name = optimizer.name.as_str();
        let method = library(name);
        for dimension in method.spaces.len()..=3 {
            let mut graph = Graph::new();
            let losses = losses(&mut graph, dimension as u32);
            let fields = method.fields.iter().zip(losses);
            let fields: Vec<(usize, Expr)> = fields.map(|(f, loss)| (f.space, loss)).collect();
            let spaces = spaces(&method, dimension);
            let theta: Vec<Exact> = (0..dimension as i64)
                .map(|i| Exact::from_rational(&rational(3 - 2 * i, 4)))
                .collect();
            let order = match (method.fields.len(), dimension) {
                (1, 1) => 6,
                (1, 2) => 5,
                (1, _) => 4,
                (2, _) => 3,
                _ => 2,
            };
            let terms = by_jets(&graph, &method, &fields, &spaces, &theta, order);
            let mut sum = vec![Exact::from_rational(&0.into()); dimension];
            for (k, term) in terms.into_iter().enumerate() {
                sum = sum.into_iter().zip(term).map(|(a, b)| a + b).collect();
                let expected = by_trees(&graph, &method, &fields, &spaces, &theta, k);
                assert_eq!(sum, expected, "{name} in {dimension} dimensions, order {k}");
                checked += 1;
            }
        }
    }
    assert!(checked > 200, "{checked}");
}

/// `Σ_k part_k`, with both variables so much of 1 and -2.
fn sum(y: &Bivariate<Precise>, size: Precise) -> Precise {
    let (h, s) = (size, Precise::from(-2) * size);
    let power = |x: Precise, n: usize| (0..n).fold(Precise::from(1), |product, _| product * x);
    let terms = (0..=y.degree()).flat_map(|k| {
        let part = y.part(k).iter().enumerate();
        part.map(move |(j, c)| *c * power(h, k - j) * power(s, j))
    });
    terms.fold(Precise::ZERO, |sum, term| sum + term)
}

/// Where a truncated polynomial goes through a function, what is left out is of the next degree.
#[test]
fn every_function_of_a_polynomial_is_right_to_its_degree() {
    const DEGREE: usize = 5;
    let check = |name: &str,
                 base: f64,
                 on: &dyn Fn(&Bivariate<Precise>) -> Bivariate<Precise>,
                 at: &dyn Fn(&Precise) -> Precise| {
        let length = (DEGREE + 1) * (DEGREE + 2) / 2;
        let coefficient = |i: usize| Precise::from(((i * 7 + 3) % 11) as f64 / 8.0 - 0.6);
        let mut x: Vec<Precise> = (0..length).map(coefficient).collect();
        x[0] = base.into();
        let x = Bivariate::new(x);
        let y = on(&x);
        let errors = [12, 13].map(|n| {
            let size = Precise::half_to(n);
            (sum(&y, size) - at(&sum(&x, size))).to_f64().abs()
        });
        let slope = (errors[0] / errors[1]).log2();
        assert!(
            errors[0] == 0.0 || (slope - (DEGREE + 1) as f64).abs() < 0.05,
            "{name} at {base}: {errors:?}, h^{slope}"
        );
    };
    for function in Function::ALL {
        for base in [-1.5, -0.25, 0.5, 3.0] {
            if function == Function::Log && base < 0.0 {
                continue;
            }
            check(function.name(), base, &|x| x.apply(function), &|x| x.apply(function));
        }
    }
    for (top, bottom) in [(-1, 1), (1, 3), (-3, 2), (5, 2), (7, 1), (-2, 1)] {
        let r = rational(top, bottom);
        check("a power", 0.75, &|x| x.power(&r), &|x| x.power(&r));
    }
    check("a power of 0", 0.0, &|x| x.power(&6.into()), &|x| x.power(&6.into()));
    check("√", 2.0, &|x| x.sqrt(), &|x| x.sqrt());
    check("a quotient", 2.0, &|x| x.sin().quotient(x), &|x| x.sin().quotient(x));
    let one = |x: &Precise| Precise::from(1) / *x;
    check("1/x", 2.0, &|x| Bivariate::from_rational(&1.into()) / x.clone(), &one);
}

/// A network without jets: its modified fields are evaluated tree by tree.
struct Trees(NetworkLoss);

impl<S: network::Scalar + objective::Scalar> Objective<S> for Trees {
    fn dimension(&self) -> usize {
        self.0.dimension()
    }
    fn value_and_gradient(&self, x: &[S], gradient: &mut [S]) -> Result<S, ObjectiveError> {
        self.0.value_and_gradient(x, gradient)
    }
    fn max_directions(&self) -> usize {
        Objective::<S>::max_directions(&self.0)
    }
    fn hessian_vectors(&self, x: &[S], block: &[&[S]]) -> Result<Vec<Vec<S>>, ObjectiveError> {
        Objective::hessian_vectors(&self.0, x, block)
    }
    fn contraction(&self, x: &[S], along: &[&[S]], out: &mut [S]) -> Result<(), ObjectiveError> {
        Objective::contraction(&self.0, x, along, out)
    }
    fn complex(&self) -> Option<&dyn Objective<Complex64>> {
        Some(self)
    }
}

fn norm(x: &[Complex64]) -> f64 {
    x.iter().map(|z| z.norm_sqr()).sum::<f64>().sqrt()
}

#[test]
fn networks_have_the_fields_of_the_trees() {
    let data = data::open("iris,first=20").unwrap();
    let criterion = Criterion::CrossEntropy { smoothing: 0.1 };
    for spec in ["mlp:4,tanh", "mlp:3,3,gelu", "mlp:4,relu"] {
        let architecture =
            Architecture::find(spec, &data.shape, 3, criterion.clone(), Dtype::F64).unwrap();
        let theta = initialise(&architecture, Scheme::GlorotUniform, 5);
        let loss = NetworkLoss::new(architecture, &data, &Device::cpu()).unwrap();
        let (jets, trees) = (Problem::new(loss.clone()), Problem::new(Trees(loss)));
        let real: Vec<Complex64> = theta.iter().map(|&x| x.into()).collect();
        let shifted =
            real.iter().enumerate().map(|(i, z)| z + Complex64::I * 0.01 * (i % 5) as f64);
        let complex: Vec<Complex64> = shifted.collect();
        for (name, most) in [
            ("gradient_descent", 5),
            ("heavy_ball", 4),
            ("nesterov", 3),
            ("rk4", 4),
            ("implicit_midpoint", 3),
            ("sam", 3),
        ] {
            let method = library(name);
            for n in 0..=most {
                for theta in [&real, &complex] {
                    let request = Request { lr: 0.05, ..Request::default() };
                    let at = |problem| {
                        velocity(problem, name, &method, theta, FlowName::Order(n), &request)
                            .unwrap()
                            .unwrap()
                    };
                    let (found, expected) = (at(&jets), at(&trees));
                    let difference: Vec<Complex64> =
                        found.iter().zip(&expected).map(|(a, b)| a - b).collect();
                    let error = norm(&difference) / norm(&expected);
                    assert!(error < 1e-12, "{spec}, {name}, order:{n}: {error}");
                }
            }
        }
    }
}
