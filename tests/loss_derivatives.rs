//! Derivatives of losses against finite differences with 71 digits, and complex gradients against the
//! Cauchy-Riemann equations.

mod precise;

use bea::exact::Rational;
use bea::loss::{
    Condition, ElementaryDifferentials, Expr, Function, Graph, Jets, Loss, Number, Program,
    Relation, VectorFields, find, library,
};
use bea::tree::{TreeId, TreeTable};
use num_complex::Complex64;
use precise::{Precise, evaluate, norm};

/// Differences are taken at distances of `2^-40`, so their truncation errors are about `1e-24`.
const BITS: u32 = 40;

/// What finite differences and exact derivatives may differ by, relatively.
const TOLERANCE: f64 = 1e-18;

/// `∂^m/∂t_1…∂t_m f(x + Σ_i t_i d_i)` at 0, by central differences in every direction.
fn difference(
    f: &dyn Fn(&[Precise]) -> Vec<Precise>,
    at: &[Precise],
    along: &[Vec<Precise>],
) -> Vec<Precise> {
    let Some((first, rest)) = along.split_first() else { return f(at) };
    // A direction of length 1, so that the distance is the same for all.
    let length = norm(first);
    if length == Precise::ZERO {
        return f(at).iter().map(|_| Precise::ZERO).collect();
    }
    let step = Precise::half_to(BITS);
    let moved = |c: Precise| -> Vec<Precise> {
        at.iter().zip(first).map(|(x, d)| *x + c * *d / length).collect()
    };
    let (up, down) = (difference(f, &moved(step), rest), difference(f, &moved(-step), rest));
    up.iter().zip(down).map(|(a, b)| length * (*a - b) / (step + step)).collect()
}

/// Checks that derivatives along some directions agree, relative to their size and that of the
/// directions.
fn close(
    found: &[Precise],
    expected: &[Precise],
    along: &[Vec<Precise>],
    what: &dyn std::fmt::Display,
) {
    let change: Vec<Precise> = found.iter().zip(expected).map(|(a, b)| *a - *b).collect();
    let lengths = along.iter().fold(Precise::from(1), |product, d| product * norm(d));
    let (error, size) = (norm(&change), norm(expected) + lengths);
    assert!(error <= Precise::from(TOLERANCE) * size, "{what}: {error:?} of {size:?}");
    assert_eq!(found.len(), expected.len());
}

/// A point near the start of a loss, off its symmetries.
fn near_start(loss: &Loss) -> Vec<Precise> {
    let start = loss.start.clone().expect("a start");
    let shift = |i: usize| Precise::from(7 * (i as i64 + 1) % 11 - 5) / Precise::from(64);
    start.iter().enumerate().map(|(i, x)| Precise::from(*x) + shift(i)).collect()
}

/// A fixed direction, different for every `k`.
fn direction(k: i64, dimension: usize) -> Vec<Rational> {
    let entry =
        |i: i64| Rational::new((7 * i + 3 * k * k + i * i * k) % 13 - 6, 8).expect("a number");
    (1..=dimension as i64).map(entry).collect()
}

fn numbers(direction: &[Rational]) -> Vec<Precise> {
    direction.iter().map(Precise::from_rational).collect()
}

#[test]
fn gradients_hessians_third_and_fourth_derivatives_of_the_library() {
    for (name, _) in library() {
        let loss = find(&name, &Default::default()).unwrap();
        let (at, dimension) = (near_start(&loss), loss.variables.len());
        let (mut graph, expression) = loss.into_parts();
        let program = Program::new(&graph, dimension, &[expression]);
        let value = |at: &[Precise]| evaluate(&program, at);
        let unit = |i: usize| -> Vec<Precise> {
            (0..dimension).map(|j| Precise::from(i64::from(i == j))).collect()
        };
        // All entries, but of a large Hessian only a row.
        let variables: Vec<u32> = (0..dimension as u32).collect();
        let mut outputs = graph.gradient(expression, &variables);
        let rows = if dimension > 12 { 1 } else { dimension };
        for row in 0..rows {
            outputs.extend(graph.gradient(outputs[row], &variables));
        }
        let exact = evaluate(&Program::new(&graph, dimension, &outputs), &at);
        let columns = |along: &dyn Fn(usize) -> Vec<Vec<Precise>>| -> Vec<Precise> {
            (0..dimension).map(|i| difference(&value, &at, &along(i))[0]).collect()
        };
        let gradient = columns(&|i| vec![unit(i)]);
        close(&exact[..dimension], &gradient, &[], &format!("{name}, gradient"));
        for row in 0..rows {
            let expected = columns(&|i| vec![unit(row), unit(i)]);
            let found = &exact[(row + 1) * dimension..(row + 2) * dimension];
            close(found, &expected, &[], &format!("{name}, row {row} of the Hessian"));
        }
        // Derivatives along directions.
        let directions: Vec<Vec<Rational>> = (1..=4).map(|k| direction(k, dimension)).collect();
        let mut jets = Jets::new();
        let along: Vec<_> = directions
            .iter()
            .map(|d| {
                let components: Vec<Expr> = d.iter().map(|c| graph.constant(c.clone())).collect();
                jets.direction(variables.iter().copied().zip(components))
            })
            .collect();
        let exact: Vec<Expr> =
            (2..=4).map(|m| jets.derivative(&mut graph, expression, &along[..m])).collect();
        let exact = evaluate(&Program::new(&graph, dimension, &exact), &at);
        let directions: Vec<Vec<Precise>> = directions.iter().map(|d| numbers(d)).collect();
        for (exact, m) in exact.iter().zip(2..) {
            let expected = difference(&value, &at, &directions[..m]);
            close(&[*exact], &expected, &directions[..m], &format!("{name}, derivative {m}"));
        }
    }
}

/// Functions of `u`, `v` where they are smooth.
fn everything(g: &mut Graph, u: Expr, v: Expr) -> Vec<Expr> {
    let square = g.powi(v, 2);
    let one = g.integer(1);
    let positive = g.add(square, one);
    let mut all: Vec<Expr> = Function::ALL
        .iter()
        .map(|&f| g.apply(f, if f == Function::Log { positive } else { u }))
        .collect();
    for (n, d) in [(1, 2), (-3, 2), (2, 3), (-1, 7)] {
        all.push(g.power(positive, &Rational::new(n, d).expect("a number")));
    }
    for n in [-2, -1, 2, 3, 6] {
        all.push(g.powi(u, n));
    }
    let (product, quotient) = (g.mul(u, v), g.div(v, u));
    all.extend([product, quotient, g.max(product, v), g.min(quotient, u)]);
    for relation in [Relation::Less, Relation::LessEqual, Relation::Greater, Relation::GreaterEqual]
    {
        all.push(g.select(Condition { left: u, relation, right: v }, product, quotient));
    }
    all
}

#[test]
fn every_function_of_the_language() {
    let mut g = Graph::new();
    let (x, y) = (g.variable(0), g.variable(1));
    let (xy, half) = (g.mul(x, y), g.scale(&Rational::new(1, 2).expect("a number"), x));
    let inner = g.add(xy, half);
    let (plain, nested) = (everything(&mut g, x, y), everything(&mut g, inner, xy));
    let directions: Vec<Vec<Rational>> = (1..=4).map(|k| direction(k, 2)).collect();
    for e in plain.into_iter().chain(nested) {
        let mut jets = Jets::new();
        let along: Vec<_> = directions
            .iter()
            .map(|d| {
                let components: Vec<Expr> = d.iter().map(|c| g.constant(c.clone())).collect();
                jets.direction([0, 1].into_iter().zip(components))
            })
            .collect();
        let jets: Vec<Expr> = (1..=4).map(|m| jets.derivative(&mut g, e, &along[..m])).collect();
        let exact = Program::new(&g, 2, &jets);
        let program = Program::new(&g, 2, &[e]);
        let directions: Vec<Vec<Precise>> = directions.iter().map(|d| numbers(d)).collect();
        for (x, y) in [(11, 5), (-13, 4), (-3, -9), (7, -12)] {
            let at = [x, y].map(|x| Precise::from(x) / Precise::from(8));
            let exact = evaluate(&exact, &at);
            for (exact, m) in exact.iter().zip(1..) {
                let value = |at: &[Precise]| evaluate(&program, at);
                let expected = difference(&value, &at, &directions[..m]);
                close(
                    &[*exact],
                    &expected,
                    &directions[..m],
                    &format!("{:?}, derivative {m}", g.node(e)),
                );
            }
        }
    }
}

/// `F([τ1, …, τm]) = f^(m)(F(τ1), …, F(τm))` for all trees with up to five nodes.
#[test]
fn elementary_differentials_of_the_library() {
    let trees = TreeTable::all(1, 5);
    for (name, _) in library() {
        let loss = find(&name, &Default::default()).unwrap();
        let (at, dimension) = (near_start(&loss), loss.variables.len());
        if name.starts_with("logistic") {
            // A sum over hundreds of examples; its derivatives are tested above.
            continue;
        }
        let (mut graph, expression) = loss.into_parts();
        let variables: Vec<u32> = (0..dimension as u32).collect();
        let fields = VectorFields::of_loss(&mut graph, expression, &variables);
        let mut differentials = ElementaryDifferentials::new(&fields, &trees);
        let all: Vec<Expr> =
            (0..trees.len() as TreeId).flat_map(|t| differentials.of(&mut graph, t)).collect();
        let all = evaluate(&Program::new(&graph, dimension, &all), &at);
        let all: Vec<Vec<Precise>> = all.chunks(dimension).map(<[Precise]>::to_vec).collect();
        let field = Program::new(&graph, dimension, &fields.fields[0].1);
        let f = |at: &[Precise]| evaluate(&field, at);
        for tree in 0..trees.len() as TreeId {
            let along: Vec<Vec<Precise>> =
                trees.children(tree).iter().map(|&c| all[c as usize].clone()).collect();
            let expected = difference(&f, &at, &along);
            close(&all[tree as usize], &expected, &along, &format!("{name}, {}", trees.tree(tree)));
        }
    }
}

/// `(E(z + td) - E(z - td))/2t` is `∇E(z)·d` for real and for imaginary `t`: the gradient is that of
/// a holomorphic function.
#[test]
fn complex_gradients_of_the_library_satisfy_the_cauchy_riemann_equations() {
    for (name, _) in library() {
        let loss = find(&name, &Default::default()).unwrap();
        let dimension = loss.variables.len();
        let at: Vec<Complex64> = near_start(&loss)
            .iter()
            .enumerate()
            .map(|(i, x)| Complex64::new(x.to_f64(), 0.1 * ((i % 3) as f64 - 0.8)))
            .collect();
        let along: Vec<f64> = direction(2, dimension).iter().map(Rational::to_f64).collect();
        let length = along.iter().map(|d| d * d).sum::<f64>().sqrt();
        let (mut graph, expression) = loss.into_parts();
        let variables: Vec<u32> = (0..dimension as u32).collect();
        let gradient = graph.gradient(expression, &variables);
        let mut exact = vec![Complex64::ZERO; dimension];
        Program::new(&graph, dimension, &gradient).evaluate(&at, &mut exact, &mut Vec::new());
        let exact: Complex64 = exact.iter().zip(&along).map(|(g, d)| g * d / length).sum();
        let program = Program::new(&graph, dimension, &[expression]);
        let value = |t: Complex64| {
            let at: Vec<Complex64> =
                at.iter().zip(&along).map(|(z, d)| z + t * d / length).collect();
            let mut out = [Complex64::ZERO];
            program.evaluate(&at, &mut out, &mut Vec::new());
            out[0]
        };
        for unit in [Complex64::ONE, Complex64::I] {
            let slope = |t: f64| (value(t * unit) - value(-t * unit)) / (2.0 * t * unit);
            // Fourth order.
            let found = (4.0 * slope(1e-3) - slope(2e-3)) / 3.0;
            let error = (found - exact).norm() / (1.0 + exact.norm());
            assert!(error < 1e-9, "{name}, along {unit}: {found}, not {exact}");
        }
    }
}
