//! The expression graph: canonical forms, derivatives, evaluation.

use bea::exact::Rational;
use bea::loss::{Expr, Function, Graph, Program};

fn rational(n: i64, d: i64) -> Rational {
    Rational::new(n, d).unwrap()
}

/// `(1-x)² + 100 (y-x²)²`
fn rosenbrock(g: &mut Graph) -> Expr {
    let (x, y, one) = (g.variable(0), g.variable(1), g.integer(1));
    let left = g.sub(one, x);
    let left = g.powi(left, 2);
    let square = g.powi(x, 2);
    let right = g.sub(y, square);
    let right = g.powi(right, 2);
    let right = g.scale(&100.into(), right);
    g.add(left, right)
}

fn value(g: &Graph, e: Expr, at: &[f64]) -> f64 {
    let mut out = [0.0];
    Program::new(g, at.len(), &[e]).evaluate(at, &mut out, &mut Vec::new());
    out[0]
}

#[test]
fn rosenbrock_in_full() {
    let mut g = Graph::new();
    let e = rosenbrock(&mut g);
    let (x, y) = (-1.2, 1.0);
    assert_eq!(value(&g, e, &[x, y]), (1.0 - x) * (1.0 - x) + 100.0 * (y - x * x) * (y - x * x));
    let gradient = g.gradient(e, &[0, 1]);
    let expected = [-2.0 * (1.0 - x) - 400.0 * x * (y - x * x), 200.0 * (y - x * x)];
    for (e, expected) in gradient.iter().zip(expected) {
        assert!((value(&g, *e, &[x, y]) - expected).abs() < 1e-12);
    }
    let hessian = g.hessian(e, &[0, 1]);
    let expected = [[2.0 - 400.0 * (y - 3.0 * x * x), -400.0 * x], [-400.0 * x, 200.0]];
    for i in 0..2 {
        for j in 0..2 {
            assert!((value(&g, hessian[i][j], &[x, y]) - expected[i][j]).abs() < 1e-11);
        }
    }
    assert_eq!(hessian[0][1], hessian[1][0]);
}

#[test]
fn canonical_forms() {
    let mut g = Graph::new();
    let (x, y) = (g.variable(0), g.variable(1));
    let (one, two) = (g.integer(1), g.integer(2));
    // Like terms, signs and common factors.
    let difference = g.sub(x, y);
    let opposite = g.sub(y, x);
    assert_eq!(g.neg(difference), opposite);
    assert_eq!(g.sub(x, difference), y);
    let (a, b) = (g.powi(difference, 2), g.powi(opposite, 2));
    assert_eq!(a, b);
    let shifted = g.add(x, one);
    let doubled = g.scale(&2.into(), shifted);
    let twice = g.scale(&2.into(), x);
    assert_eq!(g.sum(&[two, twice]), doubled);
    let (p, q) = (g.mul(doubled, y), g.mul(shifted, y));
    assert_eq!(g.split(p), (2.into(), q));
    // Powers.
    let root = g.sqrt(x);
    assert_eq!(g.powi(root, 2), x);
    let square = g.powi(x, 2);
    assert_ne!(g.sqrt(square), x);
    assert_eq!(g.div(square, x), x);
    let quarter = g.power(root, &rational(1, 2));
    assert_eq!(quarter, g.power(x, &rational(1, 4)));
    assert_eq!(g.powi(doubled, -3), {
        let cube = g.powi(shifted, -3);
        g.scale(&rational(1, 8), cube)
    });
    // Numbers.
    let four = g.integer(4);
    assert_eq!(g.sqrt(four), two);
    let root = g.sqrt(two);
    assert_eq!(g.mul(root, root), two);
    let eight = g.integer(8);
    let (a, b) = (g.sqrt(eight), g.scale(&2.into(), root));
    assert_eq!(g.powi(a, 2), eight);
    assert!((value(&g, a, &[]) - value(&g, b, &[])).abs() < 1e-15);
    // Functions.
    let minus = g.neg(x);
    let (sine, cosine) = (g.apply(Function::Sin, x), g.apply(Function::Cos, x));
    assert_eq!(g.apply(Function::Cos, minus), cosine);
    let flipped = g.apply(Function::Sin, minus);
    assert_eq!(g.neg(flipped), sine);
    let log = g.apply(Function::Log, x);
    assert_eq!(g.apply(Function::Exp, log), x);
    let exp = g.apply(Function::Exp, x);
    assert_ne!(g.apply(Function::Log, exp), x);
}
