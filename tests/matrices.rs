//! Steps with products of matrices, polar factors and inverse roots.
//!
//! Fréchet derivatives have a second route that knows neither singular vectors nor Sylvester equations: a function of a block
//! triangular matrix has the derivative of the function in its corner (Mathias 1996, *A chain rule for matrix functions*), and
//! both functions are limits of Newton's iterations, the polar factor that of the sign of `[[0, G], [Gᵀ, 0]]`.

mod formula_field;

use bea::exact::Rational;
use bea::experiment::{Experiment, Run, Scale};
use bea::flow::{JetError, MatrixFault, NonlinearStep, StepField};
use bea::loss::{Expr, Graph};
use bea::network::NetworkLoss;
use bea::network::data;
use bea::network::device::Device;
use bea::objective::{Objective, objective};
use bea::optimizer::{self, Optimizer, Step, parse_value};
use bea::source::Source;
use bea::training::{Rule, Schedule, State};
use bea::typed::{Factor, Factors, Matrix, MatrixFunction, Program, Shape, Terms, TypedField};
use formula_field::Field;
use nalgebra::DMatrix;
use std::path::Path;
use std::process::Command;

type M = DMatrix<f64>;

fn own(text: &str) -> Optimizer {
    let source = Source::new("own.bea", text);
    let optimizers = optimizer::parse(&source);
    optimizers.unwrap_or_else(|e| panic!("{text}\n{:?}", miette::Report::new(e))).remove(0)
}

fn program(optimizer: &Optimizer, values: &[(&str, &str)], matrices: &[Matrix]) -> Program {
    let values = values.iter().map(|(name, value)| (name.to_string(), parse_value(value).unwrap()));
    let Step::Nonlinear(program) = optimizer.step(&values.collect()).unwrap() else {
        panic!("{} is linear", optimizer.name)
    };
    Program { matrices: matrices.to_vec(), ..program }
}

fn library(name: &str, values: &[(&str, &str)], matrices: &[Matrix]) -> Program {
    program(optimizer::find(name).unwrap(), values, matrices)
}

fn size(rows: usize, columns: usize) -> Matrix {
    Matrix { rows, columns }
}

/// `Σ a_i x_i + b_i x_i²/2 + x_i⁴/4 + x_i x_{i+1}/3 + x_0 x_1 x_2`
fn loss(dimension: u32) -> (Graph, Expr) {
    let mut graph = Graph::new();
    let r = |top: i64, bottom: i64| Rational::new(top, bottom).unwrap();
    let mut terms = Vec::new();
    for i in 0..dimension {
        let (x, next) = (graph.variable(i), graph.variable((i + 1) % dimension));
        let (square, fourth, product) = (graph.powi(x, 2), graph.powi(x, 4), graph.mul(x, next));
        terms.push(graph.scale(&r(1 + i64::from(i), 2), square));
        terms.push(graph.scale(&r(1, 4), fourth));
        terms.push(graph.scale(&r(1, 3), product));
        terms.push(graph.scale(&r([7, -5, 4, 9, -3, 8][i as usize % 6], 2), x));
    }
    let first: Vec<Expr> = (0..3.min(dimension)).map(|i| graph.variable(i)).collect();
    terms.push(graph.product(&first));
    let loss = graph.sum(&terms);
    (graph, loss)
}

fn field(dimension: u32) -> Field {
    let (graph, loss) = loss(dimension);
    Field::new(graph, loss, dimension as usize, Vec::new())
}

/// The gradient and its derivatives along vectors, by expressions.
struct Derivatives {
    graph: Graph,
    gradient: Vec<Expr>,
    x: Vec<f64>,
}

impl Derivatives {
    fn new(x: &[f64]) -> Derivatives {
        let (mut graph, loss) = loss(x.len() as u32);
        let variables: Vec<u32> = (0..x.len() as u32).collect();
        Derivatives { gradient: graph.gradient(loss, &variables), graph, x: x.to_vec() }
    }

    /// `∇^(k+1)E[v_1, …, v_k]`
    fn along(&mut self, vectors: &[Vec<f64>]) -> Vec<f64> {
        let variables: Vec<u32> = (0..self.x.len() as u32).collect();
        let mut entries = self.gradient.clone();
        for vector in vectors {
            entries = (entries.into_iter())
                .map(|entry| {
                    let slopes = self.graph.gradient(entry, &variables);
                    let terms: Vec<Expr> = (slopes.into_iter().zip(vector))
                        .map(|(slope, v)| {
                            let exact = num_rational::BigRational::from_float(*v).unwrap();
                            self.graph.scale(&Rational::from(exact), slope)
                        })
                        .collect();
                    self.graph.sum(&terms)
                })
                .collect();
        }
        let program = bea::loss::Program::new(&self.graph, self.x.len(), &entries);
        let mut out = vec![0.0; entries.len()];
        program.evaluate(&self.x, &mut out, &mut Vec::new());
        out
    }
}

/// `sign(X)` by Newton's iteration.
fn sign(x: &M) -> M {
    let mut x = x.clone();
    for _ in 0..60 {
        x = (&x + x.clone().try_inverse().unwrap()) * 0.5;
    }
    x
}

/// `X^(-1/2)` and `X^(-1/4)` by the iteration of Denman and Beavers.
fn inverse_root(x: &M, k: u32) -> M {
    if k == 1 {
        return x.clone().try_inverse().unwrap();
    }
    let (mut y, mut z) = (x.clone(), M::identity(x.nrows(), x.nrows()));
    for _ in 0..60 {
        let (p, q) = (z.clone().try_inverse().unwrap(), y.clone().try_inverse().unwrap());
        (y, z) = ((&y + p) * 0.5, (&z + q) * 0.5);
    }
    // z is X^(-1/2), whose inverse root of half the degree is wanted of y.
    if k == 2 { z } else { inverse_root(&y, k / 2) }
}

/// The derivative of a function of square matrices along matrices, from that of block triangular ones.
fn blocks(f: &dyn Fn(&M) -> M, x: &M, along: &[M]) -> M {
    let Some((first, rest)) = along.split_first() else { return f(x) };
    let n = x.nrows();
    let doubled = |diagonal: &M, corner: &M| {
        let mut out = M::zeros(2 * n, 2 * n);
        out.view_mut((0, 0), (n, n)).copy_from(diagonal);
        out.view_mut((n, n), (n, n)).copy_from(diagonal);
        out.view_mut((0, n), (n, n)).copy_from(corner);
        out
    };
    let wide = |m: &M| doubled(m, &M::zeros(n, n));
    let rest: Vec<M> = rest.iter().map(wide).collect();
    blocks(f, &doubled(x, first), &rest).view((0, n), (n, n)).into_owned()
}

fn frechet(function: MatrixFunction, x: &M, along: &[M]) -> M {
    match function {
        MatrixFunction::InverseRoot(k) => blocks(&|x| inverse_root(x, k), x, along),
        MatrixFunction::Polar => {
            let (m, n) = x.shape();
            if m != n {
                return rectangular(x, along);
            }
            let double = |g: &M| {
                let mut out = M::zeros(m + n, m + n);
                out.view_mut((0, m), (m, n)).copy_from(g);
                out.view_mut((m, 0), (n, m)).copy_from(&g.transpose());
                out
            };
            let along: Vec<M> = along.iter().map(double).collect();
            blocks(&sign, &double(x), &along).view((0, m), (m, n)).into_owned()
        }
    }
}

/// The polar factor of a matrix that is not square is `G (GᵀG)^(-1/2)`, or `(GGᵀ)^(-1/2) G`; its derivatives from those of
/// `G + Σ t_i X_i` at block matrices.
fn rectangular(x: &M, along: &[M]) -> M {
    if x.nrows() < x.ncols() {
        let turned: Vec<M> = along.iter().map(M::transpose).collect();
        return rectangular(&x.transpose(), &turned).transpose();
    }
    let (m, n) = x.shape();
    // G as a square matrix over the nilpotent numbers: [[G, X], [0, G]] and so on.
    let mut big = x.clone();
    let mut turned = x.transpose();
    let mut directions: Vec<(M, M)> = along.iter().map(|x| (x.clone(), x.transpose())).collect();
    let pair = |a: &M, b: &M| {
        let (m, n) = a.shape();
        let mut out = M::zeros(2 * m, 2 * n);
        out.view_mut((0, 0), (m, n)).copy_from(a);
        out.view_mut((m, n), (m, n)).copy_from(a);
        out.view_mut((0, n), (m, n)).copy_from(b);
        out
    };
    while !directions.is_empty() {
        let (a, b) = directions.remove(0);
        (big, turned) = (pair(&big, &a), pair(&turned, &b));
        let zero = |x: &M| M::zeros(x.nrows(), x.ncols());
        directions =
            directions.iter().map(|(a, b)| (pair(a, &zero(a)), pair(b, &zero(b)))).collect();
    }
    let polar = &big * inverse_root(&(&turned * &big), 2);
    let copies = 1 << along.len();
    polar.view((0, (copies - 1) * n), (m, n)).into_owned()
}

/// What the terms of a typed field are at a point.
struct Evaluation {
    derivatives: Derivatives,
    matrix: Matrix,
    coordinates: Vec<(String, Shape, Vec<f64>)>,
}

impl Evaluation {
    fn matrix(&self, shape: Shape, x: &[f64]) -> M {
        let Matrix { rows, columns } = self.matrix.in_shape(shape);
        M::from_row_slice(rows, columns, x)
    }

    /// A product of powers, entry by entry: the numbers, and the matrix that stands beside them.
    fn product(&mut self, factors: &Factors) -> (f64, Option<M>) {
        let (mut number, mut matrix) = (1.0, None::<M>);
        for (factor, exponent) in factors {
            let (c, value) = self.factor(factor);
            let exponent = exponent.as_rational().unwrap();
            let exponent = *exponent.numer() as f64 / *exponent.denom() as f64;
            number *= c.powf(exponent);
            if let Some(value) = value {
                let value = value.map(|x| x.powf(exponent));
                matrix = Some(matrix.map_or(value.clone(), |m| m.component_mul(&value)));
            }
        }
        (number, matrix)
    }

    fn whole(&mut self, factors: &Factors) -> M {
        let (number, matrix) = self.product(factors);
        matrix.expect("a matrix") * number
    }

    fn sum(&mut self, terms: &Terms) -> M {
        let mut sum: Option<M> = None;
        for (c, factors) in terms {
            let c = num_traits::ToPrimitive::to_f64(&c.as_rational().unwrap()).unwrap();
            let term = self.whole(factors) * c;
            sum = Some(sum.map_or(term.clone(), |sum| sum + term));
        }
        sum.expect("a term")
    }

    fn factor(&mut self, factor: &Factor) -> (f64, Option<M>) {
        let value = match factor {
            Factor::Coordinate(name) => {
                let (_, shape, x) =
                    self.coordinates.iter().find(|(known, ..)| known == name).unwrap().clone();
                self.matrix(shape, &x)
            }
            Factor::Gradient(arguments) => {
                let vectors: Vec<Vec<f64>> = (arguments.iter())
                    .map(|a| self.whole(a).transpose().as_slice().to_vec())
                    .collect();
                let x = self.derivatives.along(&vectors);
                self.matrix(Shape::Vector, &x)
            }
            Factor::Chain(factors) => (factors.iter())
                .map(|(x, turned)| {
                    let x = self.whole(x);
                    if *turned { x.transpose() } else { x }
                })
                .reduce(|a, b| a * b)
                .unwrap(),
            Factor::Frechet(function, base, along) => {
                let base = self.sum(base);
                let along: Vec<M> = along.iter().map(|x| self.whole(x)).collect();
                frechet(*function, &base, &along)
            }
            Factor::Identity => {
                // As large as what it is added to: tests have square matrices.
                let n = self.matrix.rows;
                M::identity(n, n)
            }
            other => panic!("{other:?}"),
        };
        (1.0, Some(value))
    }
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// The typed trees of a step, with Fréchet derivatives by block triangular matrices, are the field by jets.
#[test]
fn typed_fields_are_those_of_jets() {
    let polynomial = own(
        "optimizer cubic { theta' = theta - h*matmul(g, transpose(g), g) - h*matmul(g, transpose(theta), theta) }",
    );
    let roots = own("optimizer roots {
        theta' = theta - h*matmul(inverse_root(matmul(g, transpose(g)) + 1/2, 1), g, inverse_root(matmul(transpose(g), g) + 2, 2))
    }");
    let average = own("optimizer average {
        state m
        m' = m/2 + g
        theta' = theta - h*transpose(polar(transpose(m'))) + h*theta/3
    }");
    let cases = [
        (optimizer::find("spectral_descent").unwrap(), vec![], 3),
        (optimizer::find("muon").unwrap(), vec![("beta", "1/2")], 2),
        (optimizer::find("shampoo").unwrap(), vec![("eps", "1/4")], 1),
        (optimizer::find("averaged_shampoo").unwrap(), vec![("beta", "1/3"), ("eps", "1/4")], 2),
        (&polynomial, vec![], 3),
        (&roots, vec![], 2),
        (&average, vec![], 2),
    ];
    for (optimizer, values, order) in &cases {
        for (rows, columns) in [(2, 2), (3, 2), (2, 3)] {
            let is_square = rows == columns;
            // The test's identity matrices are as large as a square matrix.
            if !is_square && ["averaged_shampoo", "roots"].contains(&optimizer.name.as_str()) {
                continue;
            }
            let matrix = size(rows, columns);
            let program = program(optimizer, values, &[matrix]);
            let typed = TypedField::derive(&program, *order, None).unwrap();
            let dimension = rows * columns;
            let x: Vec<f64> = (0..dimension).map(|i| 0.75 - 0.25 * i as f64).collect();
            let slow = |shape: Shape| {
                let n = matrix.in_shape(shape).rows;
                let entry = |i, j| if i == j { 2.0 + i as f64 } else { 0.25 };
                M::from_fn(n, n, entry).as_slice().to_vec()
            };
            let coordinates: Vec<(String, Shape, Vec<f64>)> = (typed.coordinates.iter())
                .map(|c| {
                    let value = if c.shape == Shape::Vector { x.clone() } else { slow(c.shape) };
                    (c.name.clone(), c.shape, value)
                })
                .collect();
            let start: Vec<Vec<f64>> = coordinates.iter().map(|(.., x)| x.clone()).collect();
            let jets = StepField::<f64>::new(&program, *order, &1.into()).unwrap();
            let expected = jets.terms(&start, &mut field(dimension as u32)).unwrap();
            let mut evaluation =
                Evaluation { derivatives: Derivatives::new(&x), matrix, coordinates };
            for (coordinate, expected) in typed.coordinates.iter().zip(&expected) {
                for (power, expected) in expected.iter().enumerate() {
                    let terms: Terms = (coordinate.terms.iter())
                        .filter(|term| term.power == power)
                        .map(|term| (term.coefficient.clone(), term.factors.clone()))
                        .collect();
                    let found = match terms.len() {
                        0 => vec![0.0; expected.len()],
                        _ => evaluation.sum(&terms).transpose().as_slice().to_vec(),
                    };
                    let scale = expected.iter().map(|x| x.abs()).fold(1.0, f64::max);
                    let error = distance(&found, expected) / scale;
                    assert!(
                        error < 1e-9,
                        "{} {rows}x{columns}, {} h^{power}: {error:e}\n{found:?}\n{expected:?}",
                        optimizer.name,
                        coordinate.name
                    );
                }
            }
        }
    }
}

/// The second route itself, against differences of eighth order of singular value decompositions.
#[test]
fn derivatives_by_blocks_are_limits_of_differences() {
    let polar = |x: &M| {
        let svd = x.clone().svd(true, true);
        svd.u.unwrap() * svd.v_t.unwrap()
    };
    let weights = [(1, 4.0 / 5.0), (2, -1.0 / 5.0), (3, 4.0 / 105.0), (4, -1.0 / 280.0)];
    for (rows, columns) in [(3, 3), (4, 2), (2, 4)] {
        let entry = |seed: usize| {
            move |i: usize, j: usize| {
                let diagonal = f64::from(i == j && seed == 1) * 2.0;
                diagonal + ((seed + 3 * i + 5 * j * j + 7 * i * j) as f64).sin()
            }
        };
        let x = M::from_fn(rows, columns, entry(1));
        let along = [M::from_fn(rows, columns, entry(2)), M::from_fn(rows, columns, entry(7))];
        let h = 0.02;
        let first = |x: &M, v: &M| {
            let mut sum = M::zeros(rows, columns);
            for (k, c) in weights {
                let t = h * k as f64;
                sum += (polar(&(x + v * t)) - polar(&(x - v * t))) * (c / h);
            }
            sum
        };
        let found = frechet(MatrixFunction::Polar, &x, &along[..1]);
        assert!((&found - first(&x, &along[0])).norm() < 1e-11 * found.norm());
        let mut second = M::zeros(rows, columns);
        for (k, c) in weights {
            let t = h * k as f64;
            let shifted = |t: f64| first(&(&x + &along[1] * t), &along[0]);
            second += (shifted(t) - shifted(-t)) * (c / h);
        }
        let found = frechet(MatrixFunction::Polar, &x, &along);
        assert!((&found - second).norm() < 1e-9 * found.norm());
    }
}

/// One step against a singular value decomposition, of several matrices, one of them a column.
#[test]
fn steps_are_those_of_singular_value_decompositions() {
    let matrices = [size(2, 3), size(2, 1), size(3, 2)];
    let program = library("spectral_descent", &[], &matrices);
    let h = Rational::new(1, 8).unwrap();
    let x: Vec<f64> = (0..14).map(|i| 0.5 - 0.1 * f64::from(i)).collect();
    let gradient = Derivatives::new(&x).along(&[]);
    let mut states = NonlinearStep::<f64>::new(&program, &h).unwrap().start(&x);
    NonlinearStep::new(&program, &h)
        .unwrap()
        .execute(&mut states, Some(1), &mut field(14))
        .unwrap();
    let mut expected = x.clone();
    let mut offset = 0;
    for Matrix { rows, columns } in matrices {
        let g = M::from_row_slice(rows, columns, &gradient[offset..offset + rows * columns]);
        let svd = g.svd(true, true);
        let polar = svd.u.unwrap() * svd.v_t.unwrap();
        for i in 0..rows {
            for j in 0..columns {
                expected[offset + i * columns + j] -= polar[(i, j)] / 8.0;
            }
        }
        offset += rows * columns;
    }
    assert!(distance(&states[0], &expected) < 1e-13);
}

/// Gradients of the rank 1: the step leaves out what is 0, the flow exists while the rank stays, and says so when it does
/// not.
#[test]
fn ranks() {
    // E depends on the row sums of a 2x2 matrix alone, x_0 + x_1 and x_2 + x_3: its gradient has equal columns.
    let mut graph = Graph::new();
    let x: Vec<Expr> = (0..4).map(|i| graph.variable(i)).collect();
    let sums = [graph.add(x[0], x[1]), graph.add(x[2], x[3])];
    let mut terms: Vec<Expr> = sums.iter().map(|s| graph.powi(*s, 2)).collect();
    terms.push(graph.powi(sums[0], 4));
    terms.push(graph.mul(sums[0], sums[1]));
    let constant = graph.sum(&terms);
    // And one whose gradient has the rank 1 only where x_1 = x_2 = 0 and x_3 = 0.
    let cube = graph.powi(x[3], 2);
    let linear = graph.scale(&3.into(), x[0]);
    let product = graph.mul(x[0], x[3]);
    let square = graph.powi(x[1], 2);
    let changing = graph.sum(&[linear, cube, product, square]);
    let program = library("spectral_descent", &[], &[size(2, 2)]);
    let field = |order| StepField::<f64>::new(&program, order, &1.into()).unwrap();
    let mut source = Field::new(graph.clone(), constant, 4, Vec::new());
    let start = [vec![0.5, 0.25, -1.0, 0.125]];
    let terms = field(2).terms(&start, &mut source).unwrap();
    // The projected problem: with a = x_0 + x_1, b = x_2 + x_3 and E(a, b) the polar factor is ∇E/(√2 |∇E|), of a row's
    // two equal entries, so that ȧ = -√2 ∂E/|∇E|: a normalised step of √2 h.
    let mut reduced = Graph::new();
    let (a, b) = (reduced.variable(0), reduced.variable(1));
    let mut parts = vec![reduced.powi(a, 2), reduced.powi(b, 2), reduced.powi(a, 4)];
    parts.push(reduced.mul(a, b));
    let e = reduced.sum(&parts);
    let normalised = own("optimizer normalised(c) { theta' = theta - c*h*g/norm(g) }");
    // √2 to 30 digits.
    let root = ("c", "1.41421356237309504880168872421");
    let normalised = program_of(&normalised, root);
    let normalised = StepField::<f64>::new(&normalised, 2, &1.into()).unwrap();
    let expected = normalised
        .terms(&[vec![0.75, -0.875]], &mut Field::new(reduced, e, 2, Vec::new()))
        .unwrap();
    for (found, expected) in terms[0].iter().zip(&expected[0]) {
        assert!(distance(&found[..1], &found[1..2]) < 1e-12);
        assert!(distance(&found[2..3], &found[3..]) < 1e-12);
        let sums = [found[0] + found[1], found[2] + found[3]];
        assert!(distance(&sums, expected) < 1e-11, "{sums:?} {expected:?}");
    }
    let mut source = Field::new(graph, changing, 4, Vec::new());
    let start = [vec![1.0, 0.0, 0.0, 0.0]];
    // The gradient is [[3, 0], [0, 1]]: of the rank 2 here, and of the rank 1 where x_0 = 0 and x_3 = 0.
    assert!(field(1).terms(&start, &mut source).is_ok());
    let start = [vec![0.0, 0.0, 0.0, 0.0]];
    let error = field(1).terms(&start, &mut source).unwrap_err();
    let fault = MatrixFault::Singular { rows: 2, columns: 2, rank: 1 };
    assert!(matches!(error, JetError::Matrix(_, found) if found == fault), "{error}");
    assert!(error.to_string().contains("a 2 × 2 matrix has the rank 1"), "{error}");
}

fn program_of(optimizer: &Optimizer, value: (&str, &str)) -> Program {
    program(optimizer, &[value], &[])
}

#[test]
fn an_inverse_root_needs_a_positive_matrix() {
    let text = "optimizer root { theta' = theta - h*matmul(inverse_root(matmul(g, transpose(g)) - 100, 2), g) }";
    let program = program(&own(text), &[], &[size(2, 2)]);
    let step = NonlinearStep::<f64>::new(&program, &Rational::new(1, 8).unwrap()).unwrap();
    let mut states = step.start(&[0.5, 0.25, 0.0, 1.0]);
    let error = step.execute(&mut states, Some(1), &mut field(4)).unwrap_err();
    assert!(matches!(error, JetError::Matrix(_, MatrixFault::Indefinite(2))), "{error}");
    assert_eq!(states[0], [0.5, 0.25, 0.0, 1.0]);
}

/// The iterates of `torch.optim.Muon` whose orthogonalisation is exact, recorded by `tests/pytorch/muon.py`.
#[test]
fn muon_is_that_of_pytorch_with_an_exact_polar_factor() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pytorch/muon.expected.txt");
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines().filter(|line| !line.starts_with('#')).peekable();
    let mut cases = 0;
    while let Some(case) = lines.next() {
        let words: Vec<&str> = case.split_whitespace().collect();
        let number = |i: usize| words[i].parse::<f64>().unwrap();
        let (rows, columns) = (number(2) as usize, number(3) as usize);
        // PyTorch multiplies the learning rate by √max(1, rows/columns).
        let lr = number(0) * f64::max(1.0, rows as f64 / columns as f64).sqrt();
        let values = [("beta".to_string(), parse_value(words[1]).unwrap())];
        let step = optimizer::find("muon").unwrap().step(&values.into()).unwrap();
        let rule = Rule::program(step, Schedule::constant(lr)).unwrap();
        let dimension = rows * columns;
        let loss = objective(dimension)
            .gradient(|x, g| {
                for i in 0..dimension {
                    let next = x[(i + 1) % dimension];
                    let before = x[(i + dimension - 1) % dimension];
                    g[i] =
                        x[i] * x[i] * x[i] + (1.0 + i as f64) * x[i] + (next + before) / 3.0 - 1.0;
                }
                0.0
            })
            .with_matrices(vec![size(rows, columns)]);
        let mut state = State::new((0..dimension).map(|i| 0.75 - 0.25 * i as f64).collect());
        let mut seen = 0;
        while let Some(line) = lines.next_if(|line| line.starts_with(' ')) {
            let expected: Vec<f64> = line.split_whitespace().map(|x| x.parse().unwrap()).collect();
            rule.step(&loss, &mut state).unwrap();
            let error = distance(&state.theta, &expected);
            assert!(error < 1e-12, "{case}, step {seen}: {error:e}");
            seen += 1;
        }
        assert_eq!(seen, 8);
        cases += 1;
    }
    assert_eq!(cases, 4);
}

/// Shampoo with its own accumulators, as it is written in the paper.
#[test]
fn shampoo_is_that_of_its_paper_with_other_units() {
    let (alpha, eps) = (0.25, 0.5);
    let h = alpha * alpha;
    let step = NonlinearStep::<f64>::new(
        &library("shampoo", &[("eps", "1/32")], &[size(2, 3)]),
        &Rational::new(1, 16).unwrap(),
    );
    let (step, x) = (step.unwrap(), [0.75, 0.5, 0.25, 0.0, -0.25, -0.5]);
    assert_eq!(h * eps, 1.0 / 32.0);
    let mut states = step.start(&x);
    assert_eq!(states[1], [1.0 / 32.0, 0.0, 0.0, 1.0 / 32.0]);
    let mut w = M::from_row_slice(2, 3, &x);
    let (mut l, mut r) = (M::identity(2, 2) * eps, M::identity(3, 3) * eps);
    for _ in 0..6 {
        let flat = w.transpose().as_slice().to_vec();
        let g = M::from_row_slice(2, 3, &Derivatives::new(&flat).along(&[]));
        l += &g * g.transpose();
        r += g.transpose() * &g;
        w -= inverse_root(&l, 4) * g * inverse_root(&r, 4) * alpha;
        step.execute(&mut states, None, &mut field(6)).unwrap();
        assert!(distance(&states[0], w.transpose().as_slice()) < 1e-11);
    }
}

fn bea(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_bea")).args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

/// A text without its line breaks and the lines that mark an error.
fn flat(text: &str) -> String {
    text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

#[test]
fn what_does_not_fit_is_said_at_its_place() {
    for (body, message, label) in [
        (
            "theta' = theta - h*matmul(g, g)",
            "these matrices cannot be multiplied",
            "a rows × columns matrix",
        ),
        (
            "let p = polar(norm(g)); theta' = theta - h*p*g",
            "`polar` takes matrices",
            "`norm(g)` is a number",
        ),
        (
            "theta' = theta - h*inverse_root(g, 4)",
            "an inverse root is that of a symmetric matrix",
            "`g` is a rows × columns matrix",
        ),
        (
            "theta' = theta - h*matmul(inverse_root(matmul(g, transpose(g)), 1/2), g)",
            "the degree of a root is a whole number",
            "`1/2` is none",
        ),
        (
            "theta' = theta - h*transpose(g)",
            "matrices of different shapes are added",
            "`h*transpose(g)` is a columns × rows matrix, what stands before it a rows × columns matrix",
        ),
        (
            "theta' = theta - h*sqrt(matmul(g, transpose(g)))*g",
            "what is taken entry by entry has the parameters' shape",
            "a rows × rows matrix",
        ),
        (
            "theta' = theta - h*(g + transpose(g))",
            "matrices of different shapes are added",
            "`transpose(g)` is a columns × rows matrix",
        ),
        (
            "theta' = theta - h*polar(transpose(g))",
            "matrices of different shapes are added",
            "`h*polar(transpose(g))` is a columns × rows matrix",
        ),
        (
            "state M; M' = M/2 + transpose(g); theta' = theta - h*M'",
            "matrices of different shapes are added",
            "`h*M'` is a columns × rows matrix, what stands before it a rows × columns matrix",
        ),
        (
            "theta' = theta - h*matmul(2 + transpose(g), g)",
            "matrices of different shapes are added",
            "`2` is a number, another term a columns × rows matrix",
        ),
        ("theta' = theta - h*(g + polar(3))", "`polar` takes matrices", "`3` is a number"),
        (
            "state L; L' = L/2 + matmul(g, transpose(g)); theta' = theta - h*L'",
            "matrices of different shapes are added",
            "`h*L'` is a rows × rows matrix",
        ),
        (
            "state L = theta; L' = L/2 + matmul(g, transpose(g)); theta' = theta - h*matmul(L', g)",
            "`L` is a rows × rows matrix, it cannot start as a multiple of `theta`",
            "a rows × columns matrix",
        ),
        (
            "state M = theta; M' = M/2 + transpose(g); theta' = theta - h*transpose(M')",
            "`M` is a columns × rows matrix, it cannot start as a multiple of `theta`",
            "a rows × columns matrix",
        ),
        (
            "theta' = theta - h*polar(h*g)",
            "what a polar factor is taken of is 0 where `h` is 0",
            "its constant part is 0",
        ),
        (
            "theta' = theta - h*polar(g, 5)",
            "`polar` takes 1 argument, not 2",
            "wrong number of arguments",
        ),
    ] {
        let (code, text) = bea(&["derive", &format!("optimizer wrong {{ {body} }}")]);
        let plain = flat(&text);
        assert_eq!(code, 2, "{body}: {text}");
        assert!(plain.contains(message) && plain.contains(label), "{body}: {text}");
    }
}

#[test]
fn derivations_show_functions_of_matrices() {
    let (code, text) = bea(&["derive", "muon", "--order", "1"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("u = polar(g)"), "{text}");
    assert!(text.contains("polar'(g)[H[u]]"), "{text}");
    assert!(text.contains("1-β+2β²") || text.contains("1-β+2*β²"), "{text}");
    for format in ["latex", "typst", "markdown", "json", "html", "svg"] {
        let (code, text) = bea(&["derive", "muon", "--order", "2", "--format", format]);
        assert!(code == 0 && text.contains("polar"), "{format}: {text}");
    }
    // A power of a matrix looks like one where it is typeset, and its derivative like that of a function.
    for (format, power, derivative) in [
        ("latex", "\\mathrm{matmul}(L^{-1/4},g,R^{-1/4})", "(L^{-1/4})'["),
        ("typst", "upright(\"matmul\")(L^(-1\\/4), g, R^(-1\\/4))", "(L^(-1\\/4))'["),
        (
            "html",
            "<msup><mi>L</mi><mrow><mo>−</mo><mn>1</mn><mo>/</mo><mn>4</mn></mrow></msup>",
            "</mrow><mo lspace=\"0\" rspace=\"0\">′</mo>",
        ),
        ("text", "inverse_root(L,4)", "inverse_root'(L,4)["),
    ] {
        let (code, text) = bea(&["derive", "shampoo", "--order", "1", "--format", format]);
        assert_eq!(code, 0, "{text}");
        assert!(text.contains(power) && text.contains(derivative), "{format}: {text}");
        if format == "html" {
            assert!(text.contains("<code>matmul(A, B)</code>") && !text.contains('`'), "{text}");
        } else {
            assert_eq!(text.contains("inverse"), format == "text", "{format}: {text}");
        }
    }
    for format in ["sympy", "mathematica"] {
        let (code, text) = bea(&["derive", "muon", "--order", "1", "--format", format]);
        assert_eq!(code, 2);
        assert!(flat(&text).contains("cannot show functions of matrices"), "{text}");
    }
    let (code, text) = bea(&[
        "codegen",
        "--loss",
        "x^2+y^2",
        "--optimizer",
        "muon",
        "--flow",
        "order:1",
        "--lang",
        "c",
    ]);
    assert_eq!(code, 2);
    assert!(flat(&text).contains("not written as code"), "{text}");
}

#[test]
fn formulas_say_which_matrices_their_variables_are() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let flow = |more: &[&str]| {
        let out = out.to_str().unwrap();
        let all =
            ["flow", "--optimizer", "spectral_descent", "--lr", "0.01", "--steps", "5", "--flows"];
        bea(&[&all[..], &["order:0,order:2", "--out", out, "--force"], more].concat())
    };
    let scalars = ["--loss", "a^2 + 2*b^2 + c^2/2 + d^2 + a*b*c + a*d", "--start", "1,2,3,1"];
    let (code, text) = flow(&scalars);
    assert!(code == 2 && flat(&text).contains("the variables of the loss form none"), "{text}");
    assert!(text.contains("--matrix 2x2"), "{text}");
    let (code, text) = flow(&[&scalars[..], &["--matrix", "2x2"]].concat());
    assert_eq!(code, 0, "{text}");
    let (code, declared) = flow(&[
        "--loss",
        "loss m { variables M[2, 2]; M[0,0]^2 + 2*M[0,1]^2 + M[1,0]^2/2 + M[1,1]^2 + M[0,0]*M[0,1]*M[1,0] + M[0,0]*M[1,1] }",
        "--start",
        "1,2,3,1",
    ]);
    assert_eq!(code, 0, "{declared}");
    // The same table of distances.
    let numbers = |text: &str| -> Vec<String> {
        let is_row =
            |line: &&str| line.split_whitespace().next().is_some_and(|x| x.parse::<u32>().is_ok());
        text.lines().filter(is_row).map(String::from).collect()
    };
    assert_eq!(numbers(&text), numbers(&declared));
    assert_eq!(numbers(&text).len(), 6, "{text}");
    for (size, message) in
        [("3x1", "3 entries for 4 variables"), ("2", "these are no sizes"), ("0x4", "no sizes")]
    {
        let (code, text) = flow(&[&scalars[..], &["--matrix", size]].concat());
        assert!(code == 2 && flat(&text).contains(message), "{size}: {text}");
    }
    let out = out.to_str().unwrap();
    let (code, text) =
        bea(&["flow", "--loss", "x^2", "--lr", "0.1", "--matrix", "1x1", "--out", out, "--force"]);
    assert!(code == 2 && flat(&text).contains("the optimizer's step has no matrices"), "{text}");
}

/// Objectives of closures say which matrices their variables are; without that a step of matrices is refused.
#[test]
fn own_objectives_have_matrices() {
    let loss = objective(4)
        .gradient(|x: &[f64], g: &mut [f64]| {
            g.copy_from_slice(x);
            x.iter().map(|x| x * x / 2.0).sum::<f64>()
        })
        .with_matrices(vec![size(2, 2)]);
    assert_eq!(loss.matrices(), [size(2, 2)]);
    let bare = objective(4).gradient(|x: &[f64], g: &mut [f64]| {
        g.copy_from_slice(x);
        0.0
    });
    let step = optimizer::find("spectral_descent").unwrap().step(&Default::default()).unwrap();
    let rule = Rule::program(step, Schedule::constant(0.5)).unwrap();
    let mut state = State::new(vec![3.0, 0.0, 0.0, -2.0]);
    let error = rule.step(&bare, &mut state).unwrap_err();
    assert!(error.to_string().contains("step is one of matrices"), "{error}");
    rule.step(&loss, &mut state).unwrap();
    assert!(distance(&state.theta, &[2.5, 0.0, 0.0, -1.5]) < 1e-15);
}

const IRIS: &str = r#"
network = "mlp:6,tanh"
data = "iris"
dtype = "f64"
seed = 3
[train]
optimizer = "muon"
lr = 0.02
steps = 12
[train.set]
beta = 0.9
"#;

fn finished(text: &str) -> Run {
    let source = Source::new("test.toml", text);
    let mut configs = Experiment::parse(source, Scale::Small, &[]).unwrap().runs().unwrap();
    let mut run = Run::new(configs.remove(0)).unwrap();
    while run.end().is_none() {
        run.advance(&|| false).unwrap();
    }
    run
}

/// Every array of a network is a matrix of its own, by singular value decompositions of nalgebra.
#[test]
fn networks_train_array_by_array() {
    let run = finished(IRIS);
    let set = data::open("iris").unwrap();
    let architecture = run.config().architecture(&set).unwrap();
    let shapes: Vec<(usize, Vec<usize>)> =
        architecture.parameters.iter().map(|p| (p.offset, p.shape.clone())).collect();
    let loss = NetworkLoss::new(architecture, &set, &Device::find("cpu").unwrap()).unwrap();
    let first = IRIS.replace("steps = 12", "steps = 1");
    let mut theta = {
        let source = Source::new("test.toml", first.as_str());
        let config =
            Experiment::parse(source, Scale::Small, &[]).unwrap().runs().unwrap().remove(0);
        Run::new(config).unwrap().state().theta.clone()
    };
    let mut momentum = vec![0.0; theta.len()];
    for _ in 0..12 {
        let g = loss.gradient(&theta).unwrap().1;
        momentum.iter_mut().zip(&g).for_each(|(m, g)| *m = 0.9 * *m + 0.1 * g);
        for (offset, shape) in &shapes {
            let (rows, columns) = (shape[0], shape[1..].iter().product::<usize>());
            let range = *offset..offset + rows * columns;
            let ahead: Vec<f64> = range.clone().map(|i| 0.9 * momentum[i] + 0.1 * g[i]).collect();
            let svd = M::from_row_slice(rows, columns, &ahead).svd(true, true);
            let kept = svd.singular_values.map(|s| f64::from(s > 1e-6 * svd.singular_values.max()));
            let polar = svd.u.unwrap() * M::from_diagonal(&kept) * svd.v_t.unwrap();
            for (i, at) in range.enumerate() {
                theta[at] -= 0.02 * polar[(i / columns, i % columns)];
            }
        }
    }
    let error = distance(&run.state().theta, &theta);
    assert!(error < 1e-10, "{error:e}");
    // From a checkpoint on, as from the start: Shampoo's buffers have other lengths than the parameters.
    let text = IRIS
        .replace("\"muon\"", "\"averaged_shampoo\"")
        .replace("beta = 0.9", "beta = 0.9\neps = 0.01");
    let whole = finished(&text);
    assert!(whole.state().theta.iter().all(|x| x.is_finite()));
    let lengths: Vec<usize> = whole.state().buffers.iter().map(|(_, x)| x.len()).collect();
    let squares =
        |f: &dyn Fn(&[usize]) -> usize| -> usize { shapes.iter().map(|(_, s)| f(s).pow(2)).sum() };
    assert_eq!(lengths, [squares(&|s| s[0]), squares(&|s| s[1..].iter().product())]);
}

/// Of a matrix that is not square Shampoo's slow variables have two sizes, neither that of the parameters: over a fixed time
/// the field of order `k` is `O(h^(k+1))` away from the steps.
#[test]
fn flows_follow_shampoo_of_a_wide_matrix() {
    let folder = tempfile::tempdir().unwrap();
    let ends = |h: &str, steps: &str| -> Vec<f64> {
        let out = folder.path().join(h);
        let loss = "a^2 + 2*b^2 + c^2/2 + d^2 + a*b*c + a*d + e^2*f + f^2 + e";
        let start = "1,2,3,1,0.5,0.7";
        let (code, text) = bea(&[
            &["flow", "--loss", loss, "--start", start, "--matrix", "2x3", "--lr", h][..],
            &["--steps", steps, "--optimizer", "shampoo", "--set", "eps=1"],
            &["--flows", "order:0,order:1", "--out", out.to_str().unwrap()],
        ]
        .concat());
        assert_eq!(code, 0, "{text}");
        let last = text.lines().rfind(|line| line.trim_start().starts_with(steps)).unwrap();
        last.split_whitespace().skip(1).map(|x| x.parse().unwrap()).collect()
    };
    let (coarse, fine) = (ends("0.002", "10"), ends("0.001", "20"));
    for (k, factor) in [2.0, 4.0].into_iter().enumerate() {
        let ratio = coarse[k] / fine[k];
        assert!((ratio / factor - 1.0).abs() < 0.05, "{k}: {ratio}");
    }
}

/// The flows of a network by jets: each order follows the optimizer better than the one before.
#[test]
fn flows_of_networks_follow_muon() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let (code, text) = bea(&[
        "flow",
        "--network",
        "mlp:5,tanh",
        "--data",
        "iris",
        "--dtype",
        "f64",
        "--optimizer",
        "muon",
        "--set",
        "beta=1/2",
        "--buffers",
        "settled",
        "--lr",
        "0.001",
        "--steps",
        "4",
        "--flows",
        "order:0,order:1,order:2",
        "--out",
        out.to_str().unwrap(),
    ]);
    assert_eq!(code, 0, "{text}");
    let json = std::fs::read_to_string(out.join("trajectories.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json.to_string().contains("order:2"), "{text}");
    // The last line of the table: each order at least ten times as near as the one before.
    let last = text.lines().rfind(|line| line.trim_start().starts_with("4 ")).unwrap();
    let distances: Vec<f64> = last.split_whitespace().skip(1).map(|x| x.parse().unwrap()).collect();
    assert!(distances.len() == 3 && distances.windows(2).all(|d| d[1] < d[0] / 10.0), "{text}");
}
