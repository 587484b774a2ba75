//! Modified fields of nonlinear steps by jets in the step size and the time: exact values, and the order of the one-step
//! error, in 237-bit arithmetic, of every smooth nonlinear optimizer of the library.

mod exact_number;
mod formula_field;
#[allow(dead_code)]
mod precise;

use bea::exact::Rational;
use bea::flow::{JetError, JetSource, NonlinearStep, StepField};
use bea::loss::{Bivariate, Expr, Graph, Number, Program, typed_field};
use bea::objective::Jet;
use bea::optimizer::{self, Optimizer, Step};
use bea::source::Source;
use bea::typed::{Matrix, Shape, TypedField};
use exact_number::Exact;
use formula_field::Field;
use num_rational::BigRational;
use precise::Precise;
use std::convert::Infallible;

fn rational(top: i64, bottom: i64) -> Rational {
    Rational::new(top, bottom).unwrap()
}

fn big(top: i64, bottom: i64) -> BigRational {
    BigRational::new(top.into(), bottom.into())
}

/// `Σ a_i x_i + b_i x_i²/2 + x_i⁴/4 + x_i x_{i+1}/3`, all of it but `x²/2 + x⁴/4` only in `coupled` ones.
fn loss(dimension: u32, coupled: bool) -> (Graph, Expr) {
    let mut graph = Graph::new();
    let mut terms = Vec::new();
    for i in 0..dimension {
        let (x, next) = (graph.variable(i), graph.variable((i + 1) % dimension));
        let (square, fourth) = (graph.powi(x, 2), graph.powi(x, 4));
        terms.push(graph.scale(&rational(1 + i64::from(i), 2), square));
        terms.push(graph.scale(&rational(1, 4), fourth));
        if coupled {
            let product = graph.mul(x, next);
            terms.push(graph.scale(&rational(1, 3), product));
            terms.push(graph.scale(&rational(7 + i64::from(i), 2), x));
        }
    }
    let loss = graph.sum(&terms);
    (graph, loss)
}

fn field(dimension: u32, coupled: bool) -> Field {
    let (graph, loss) = loss(dimension, coupled);
    Field::new(graph, loss, dimension as usize, Vec::new())
}

/// The typed terms of a step as a program of the parameters, the slow variables, `h`, and the parameters of the optimizer
/// without a value; and how many entries each of the first has.
fn typed(
    program: &bea::typed::Program,
    order: usize,
    dimension: u32,
    coupled: bool,
) -> (Program, Vec<usize>) {
    let terms = TypedField::derive(program, order, None).unwrap();
    let (mut graph, loss) = loss(dimension, coupled);
    let mut end = 0;
    let mut next = |count| {
        end += count;
        end - count..end
    };
    let coordinates = terms.coordinates.iter().map(|coordinate| match coordinate.shape {
        Shape::Number => next(1).collect(),
        Shape::Vector => next(dimension).collect(),
        Shape::Square(_) | Shape::Transposed => unreachable!("no formula has fields of matrices"),
    });
    let coordinates: Vec<Vec<u32>> = coordinates.collect();
    let scalars = next(1 + terms.parameters.len() as u32);
    let scalars: Vec<Expr> = scalars.map(|v| graph.variable(v)).collect();
    let velocity =
        typed_field(&mut graph, loss, &coordinates, &terms, scalars[0], &scalars[1..]).concat();
    let program = Program::new(&graph, end as usize, &velocity);
    (program, coordinates.iter().map(Vec::len).collect())
}

fn evaluate<T: Number>(program: &Program, inputs: &[T], outputs: usize) -> Vec<T> {
    let mut out = vec![T::from_rational(&0.into()); outputs];
    program.evaluate(inputs, &mut out, &mut Vec::new());
    out
}

/// An optimizer with numbers for its parameters.
fn step(name: &str, values: &[(&str, BigRational)]) -> bea::typed::Program {
    program(optimizer::find(name).unwrap(), values)
}

fn program(optimizer: &Optimizer, values: &[(&str, BigRational)]) -> bea::typed::Program {
    let values = values.iter().map(|(name, value)| (name.to_string(), value.clone()));
    match optimizer.step(&values.collect()).unwrap() {
        Step::Nonlinear(program) => program,
        Step::Linear(_) => panic!("{} is linear", optimizer.name),
    }
}

fn own(text: &str) -> Optimizer {
    optimizer::parse(&Source::new("own.bea", text)).unwrap().remove(0)
}

/// Steps beside those of the library: what is driven by `h`, so that parts of a degree need others only of lower ones, and
/// Hessian products along one direction to different degrees.
fn own_steps() -> Vec<Optimizer> {
    let texts = [
        "optimizer late { theta' = theta - h*g/(1 + norm(g)) + h^2/(1 + norm(g))*D(f)[g] }",
        "optimizer driven(m) { state v\n v' = m*v + h*g\n theta' = theta - v'/(g^2 + 1) }",
        "optimizer squashed(m) { state v\n v' = m*v + h*g\n theta' = theta - tanh(v') - v'*norm(v' + g) }",
        "optimizer along(m) { state v, w\n v' = m*v + (1 - m)*g\n w' = m*w + h*v'\n \
         theta' = theta - h*v'/(1 + norm(g)) + h*D(f)[w] }",
        "optimizer twice(m) { state v\n v' = m*v + (1 - m)*g\n \
         theta' = theta - h*v'/(1 + norm(g)) + h*D(f)[v] + h^2*D(f)[v] }",
        "optimizer nested(m) { state v, w\n v' = m*v + h*g\n w' = v'/3 + m*w\n \
         theta' = theta - v'/(1 + norm(g)) + D(f)[w] + D(f)[h*w']/(1 + dot(w, w)) }",
    ];
    texts.map(own).into()
}

/// At a point where an entry of the gradient is 0 and the steps move it, the field is that of order 0 at most.
#[test]
fn a_kink_on_the_way_is_met() {
    let program = program(&own("optimizer kinked { theta' = theta - h*(abs(g) + 2*g) }"), &[]);
    let mut source = field(2, true);
    let mut terms = |order, x: [(i64, i64); 2]| {
        let field = StepField::<Exact>::new(&program, order, &rational(1, 10)).unwrap();
        let point: Vec<Exact> = x.map(|(top, bottom)| Exact(big(top, bottom))).into();
        field.terms(&[point], &mut source)
    };
    // ∂E/∂x = 7/2 + x + x³ + 2y/3 is 0 here, and ∂E/∂y = 4 + 2y + y³ + 2x/3 is not.
    let kink = [(0, 1), (-21, 4)];
    let still = [Exact(big(0, 1)), Exact(big(9677, 64))];
    assert_eq!(terms(0, kink).unwrap(), [[still.to_vec()]]);
    assert!(matches!(terms(1, kink), Err(JetError::Kink(_))));
    assert!(terms(1, [(1, 1), (-21, 4)]).is_ok());
}

/// Terms that cancel hide with which power of `h` a step begins: that is an error, not a recursion without an end.
#[test]
fn terms_that_cancel_are_named() {
    let text = "optimizer hidden { theta' = theta - h*g/(1 + norm(g)) - (abs(1/2) - 1/2)*g }";
    let program = program(&own(text), &[]);
    let refused = StepField::<Exact>::new(&program, 2, &rational(1, 10)).err().unwrap();
    assert!(refused.to_string().contains("cancel"), "{refused}");
}

#[test]
fn exact_fields_on_a_quartic() {
    let half = || big(1, 2);
    let (beta2, eps) = (big(3, 4), big(9, 4));
    type Case<'a> = (&'a str, Vec<(&'a str, BigRational)>, &'a [(i64, i64)]);
    let cases: [Case; 3] = [
        (
            "adam_inside",
            vec![("beta1", half()), ("beta2", beta2.clone()), ("eps", eps.clone())],
            &[(-4, 5), (592, 625), (1_486_192, 78_125)],
        ),
        (
            "adam_inside",
            vec![("beta1", big(0, 1)), ("beta2", beta2.clone()), ("eps", eps)],
            &[(-4, 5), (1392, 625)],
        ),
        (
            "adam",
            vec![("beta1", half()), ("beta2", beta2), ("eps", half())],
            &[(-4, 5), (208, 125)],
        ),
    ];
    for (name, values, expected) in cases {
        let program = step(name, &values);
        let field = StepField::<Exact>::new(&program, expected.len() - 1, &1.into()).unwrap();
        let one = Exact::from_rational(&1.into());
        let terms = field.terms(&[vec![one]], &mut self::field(1, false)).unwrap().remove(0);
        for (k, (term, &(top, bottom))) in terms.iter().zip(expected).enumerate() {
            assert_eq!(term[0].0, big(top, bottom), "{name}, h^{k}");
        }
        // The typed terms, at as many step sizes as their sum has coefficients.
        let (typed, _) = typed(&program, expected.len() - 1, 1, false);
        for n in 0..expected.len() as i64 {
            let h = big(n, 7);
            let sum = expected
                .iter()
                .rev()
                .fold(big(0, 1), |sum, &(top, bottom)| sum * h.clone() + big(top, bottom));
            let point = [Exact(big(1, 1)), Exact(h)];
            assert_eq!(evaluate(&typed, &point, 1), [Exact(sum)], "{name}, h = {n}/7");
        }
    }
}

/// The typed terms on the graph of a formula, derivative by derivative, are the field by jets; with parameters that have
/// values, and with symbolic ones.
#[test]
fn typed_fields_of_formulas_are_those_of_jets() {
    let mut worst = 0.0f64;
    // The library, a logarithm, and a vector of equal entries, which jets keep as one number.
    let logarithm = own("optimizer logarithm { theta' = theta - h*g*log(2 + g^2) }");
    let ones =
        own("optimizer ones { state v\n v' = v/2 + max(0*g, 1)/2\n theta' = theta - h*g*sum(v') }");
    for optimizer in
        optimizer::nonlinear_library().iter().chain([&logarithm, &ones]).chain(&own_steps())
    {
        let name = optimizer.name.as_str();
        if program(optimizer, &[]).needs_matrices().is_some() {
            continue;
        }
        let values: Vec<(&str, BigRational)> =
            optimizer.parameters.iter().map(|p| (p.as_str(), value(p))).collect();
        let (numeric, symbolic) = (program(optimizer, &values), program(optimizer, &[]));
        for (dimension, order) in [(1, 3), (2, 2), (3, 1), (3, 0)] {
            let of_numbers = typed(&numeric, order, dimension, true);
            let of_names = typed(&symbolic, order, dimension, true);
            let count: usize = of_numbers.1.iter().sum();
            // A positive and a negative entry of the gradient, and positive slow variables.
            let entry = |i: usize| match i {
                1 if dimension > 1 => Precise::from(-3.0),
                i => Precise::from(0.625 + 0.125 * i as f64),
            };
            let point: Vec<Precise> = (0..count).map(entry).collect();
            let mut rest = &point[..];
            let start = of_numbers.1.iter().map(|length| {
                let (first, others) = rest.split_at(*length);
                rest = others;
                first.to_vec()
            });
            let start: Vec<Vec<Precise>> = start.collect();
            // As many step sizes as the sum has coefficients.
            for n in 1..=1 + order as i64 {
                let h = rational(n, 3);
                let jets = StepField::<Precise>::new(&numeric, order, &h).unwrap();
                let terms = jets.terms(&start, &mut field(dimension, true)).unwrap();
                let sum = |terms: &Vec<Vec<Precise>>| -> Vec<Precise> {
                    let entry = |i: usize| terms.iter().fold(Precise::ZERO, |sum, x| sum + x[i]);
                    (0..terms[0].len()).map(entry).collect()
                };
                let expected: Vec<Precise> = terms.iter().flat_map(sum).collect();
                let mut inputs = point.clone();
                inputs.push(Precise::from_rational(&h));
                let found = evaluate(&of_numbers.0, &inputs, count);
                inputs.extend(symbolic.parameters.iter().map(|p| Precise::from(&value(p))));
                let by_name = evaluate(&of_names.0, &inputs, count);
                for found in [found, by_name] {
                    let size =
                        distance(std::slice::from_ref(&expected), &[vec![Precise::ZERO; count]]);
                    let error = distance(&[found], std::slice::from_ref(&expected)) / size;
                    assert!(error < 1e-60, "{name}, {dimension}, order {order}, {h}: {error:e}");
                    worst = worst.max(error);
                }
            }
        }
    }
    println!("worst error {worst:e}");
}

/// The point at time `t` of `ẏ = v(y)`: the modified midpoint rule, extrapolated to the order 14.
fn integrate(
    velocity: &mut impl FnMut(&[Vec<Precise>]) -> Vec<Vec<Precise>>,
    start: &[Vec<Precise>],
    t: Precise,
) -> Vec<Vec<Precise>> {
    let combine = |x: &[Vec<Precise>], c: Precise, y: &[Vec<Precise>]| -> Vec<Vec<Precise>> {
        let rows = x.iter().zip(y);
        rows.map(|(x, y)| x.iter().zip(y).map(|(&x, &y)| x + c * y).collect()).collect()
    };
    let mut table: Vec<Vec<Vec<Precise>>> = Vec::new();
    for row in 1..=7i64 {
        let n = 2 * row;
        let size = t / Precise::from(n);
        let mut before = start.to_vec();
        let mut now = combine(start, size, &velocity(start));
        for _ in 1..n {
            let next = combine(&before, Precise::from(2) * size, &velocity(&now));
            before = std::mem::replace(&mut now, next);
        }
        let mut last = now;
        for (k, entry) in table.iter_mut().enumerate() {
            // Rows with 2(row-1-k) and 2 row steps, in squares of the step size.
            let ratio = Precise::from(row) / Precise::from(row - 1 - k as i64);
            let weight = Precise::from(1) / (ratio * ratio - Precise::from(1));
            let change = combine(&last, Precise::from(-1), entry);
            let better = combine(&last, weight, &change);
            *entry = std::mem::replace(&mut last, better);
        }
        table.push(last);
    }
    table.pop().unwrap()
}

fn distance(a: &[Vec<Precise>], b: &[Vec<Precise>]) -> f64 {
    let all = a.iter().flatten().zip(b.iter().flatten());
    let square = all.fold(Precise::ZERO, |sum, (&a, &b)| sum + (a - b) * (a - b));
    square.sqrt().to_f64()
}

/// Values of parameters.
fn value(name: &str) -> BigRational {
    match name {
        "alpha" | "beta" | "beta1" | "m" => big(1, 2),
        "beta2" => big(5, 8),
        "eps" => big(1, 4),
        "lambda" => big(1, 5),
        _ => big(3, 4),
    }
}

/// The one-step errors of the orders 0 to 3 fall as `h^(n+2)`.
#[test]
fn one_step_errors_of_every_smooth_nonlinear_optimizer() {
    // The last of the own steps has corrections too large for slopes at these step sizes; its field is compared above.
    for optimizer in optimizer::nonlinear_library().iter().chain(own_steps().iter().take(5)) {
        let name = optimizer.name.as_str();
        let values: Vec<(&str, BigRational)> =
            optimizer.parameters.iter().map(|p| (p.as_str(), value(p))).collect();
        let mut program = program(optimizer, &values);
        // A column has one singular value; a matrix more.
        let shapes = match program.needs_matrices() {
            None => [(1, 1), (2, 1), (3, 1)],
            Some(_) => [(2, 1), (2, 2), (3, 2)],
        };
        for (rows, columns) in shapes {
            program.matrices = vec![Matrix { rows, columns }];
            let dimension = (rows * columns) as u32;
            let mut source = field(dimension, true);
            let errors = [12u32, 13].map(|bits| {
                let h = rational(1, 1 << bits);
                let iteration = NonlinearStep::<Precise>::new(&program, &h).unwrap();
                // No singular value of a gradient comes near 0.
                let entry = |i: u32| match program.needs_matrices() {
                    Some(_) if i / columns as u32 == i % columns as u32 => 1.5,
                    Some(_) => -1.0,
                    None => 0.75 - 0.125 * f64::from(i),
                };
                let theta: Vec<Precise> = (0..dimension).map(|i| Precise::from(entry(i))).collect();
                let mut states = iteration.start(&theta);
                // The transient of a buffer falls by 5/8 a step.
                for _ in 0..1 << (bits - 2) {
                    iteration.execute(&mut states, None, &mut source).unwrap();
                }
                let most = StepField::<Precise>::new(&program, 3, &h).unwrap();
                let pick = |states: &[Vec<Precise>]| -> Vec<Vec<Precise>> {
                    most.coordinates().iter().map(|&i| states[i].clone()).collect()
                };
                let before = pick(&states);
                iteration.execute(&mut states, None, &mut source).unwrap();
                let after = pick(&states);
                [0, 1, 2, 3].map(|order| {
                    let field = StepField::<Precise>::new(&program, order, &h).unwrap();
                    let mut velocity = |x: &[Vec<Precise>]| -> Vec<Vec<Precise>> {
                        let terms = field.terms(x, &mut source).unwrap();
                        let sum = |terms: Vec<Vec<Precise>>| {
                            let sum = |i: usize| {
                                terms.iter().fold(Precise::ZERO, |sum, term| sum + term[i])
                            };
                            (0..terms[0].len()).map(sum).collect()
                        };
                        terms.into_iter().map(sum).collect()
                    };
                    distance(&integrate(&mut velocity, &before, Precise::half_to(bits)), &after)
                })
            });
            let slopes: Vec<f64> =
                errors[0].iter().zip(&errors[1]).map(|(a, b)| (a / b).log2()).collect();
            for (order, slope) in slopes.iter().enumerate() {
                let exact = errors[1][order] < 1e-40;
                let expected = order as f64 + 2.0;
                assert!(
                    exact || (slope - expected).abs() < 0.1,
                    "{name} in {dimension} dimensions, order {order}: {:?} and {:?}, h^{slope:.3}",
                    errors[0][order],
                    errors[1][order]
                );
            }
        }
    }
}

/// `f_i = -(c_i x_i + x_i³)` with `c_i = 1 + (i mod 5)`.
struct Separable;

impl JetSource<f64> for Separable {
    type Error = Infallible;

    fn field(&mut self, x: &Jet<f64>) -> Result<Vec<Vec<f64>>, Infallible> {
        let degree = x.degree();
        let entry = |i: usize| {
            let all = (0..=degree).flat_map(|k| (0..=k).map(move |j| x.coefficient(k, j)));
            let x = Bivariate::new(all.map(|x| x.map_or(0.0, |x| x[i])).collect());
            let c = Bivariate::from_rational(&(1 + i as i64 % 5).into());
            -(c * x.clone() + x.clone() * x.clone() * x)
        };
        let entries: Vec<_> = (0..x.point().len()).map(entry).collect();
        let at = |j| entries.iter().map(move |x| x.part(degree).get(j).copied().unwrap_or(0.0));
        Ok((0..=degree).map(|j| at(j).collect()).collect())
    }

    fn along(&mut self, _: &Jet<f64>, _: &Jet<f64>) -> Result<Vec<Vec<f64>>, Infallible> {
        unreachable!("no Hessian product is asked for")
    }
}

/// A vector of many entries, which are computed block by block, has the field of a few of them, whatever the number of
/// threads.
#[test]
fn many_entries_have_the_field_of_a_few() {
    let few = [0.75, -0.5, 1.25, 0.375, -1.5];
    // That many copies have a norm 32 times as large.
    let copies = 1024;
    let many: Vec<f64> = std::iter::repeat_n(few, copies).flatten().collect();
    let adam: Vec<_> = ["beta1", "beta2", "eps"].map(|name| (name, value(name))).into();
    for (name, values, scale) in
        [("adam", adam, 1), ("normalized_gradient_descent", Vec::new(), 32)]
    {
        let program = step(name, &values);
        let terms = |h: &Rational, start: &[f64], threads| {
            let field = StepField::<f64>::new(&program, 3, h).unwrap();
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let start = [start.to_vec()];
            pool.install(|| field.terms(&start, &mut Separable).unwrap().swap_remove(0))
        };
        let small = terms(&rational(1, 128), &few, 1);
        let large = terms(&rational(scale, 128), &many, 1);
        assert_eq!(large, terms(&rational(scale, 128), &many, 3), "{name}");
        for (k, (small, large)) in small.iter().zip(&large).enumerate() {
            assert_eq!(large.len(), many.len());
            for (i, x) in large.iter().enumerate() {
                let (x, y) = (x * scale as f64, small[i % few.len()]);
                assert!((x - y).abs() <= 1e-12 * y.abs(), "{name}, h^{k}, {i}: {x}, {y}");
            }
        }
    }
}
