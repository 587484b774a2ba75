//! Evaluation: every function over doubles, complex doubles and as machine code.

use bea::exact::Rational;
use bea::loss::{Compiled, Condition, Expr, Function, Graph, Number, Program, Relation};
use num_complex::Complex64;

fn run<T: Number>(g: &Graph, outputs: &[Expr], at: &[T]) -> Vec<T> {
    let mut out = vec![T::from_rational(&0.into()); outputs.len()];
    Program::new(g, at.len(), outputs).evaluate(at, &mut out, &mut Vec::new());
    out
}

/// An expression with every function, powers and a selection.
fn everything(g: &mut Graph) -> Vec<Expr> {
    let (x, y) = (g.variable(0), g.variable(1));
    let product = g.mul(x, y);
    let mut all: Vec<Expr> = Function::ALL.iter().map(|&f| g.apply(f, product)).collect();
    for (n, d) in [(1, 2), (-3, 2), (5, 1), (-4, 1), (2, 3), (-1, 7)] {
        all.push(g.power(product, &Rational::new(n, d).unwrap()));
    }
    for relation in [Relation::Less, Relation::LessEqual, Relation::Greater, Relation::GreaterEqual]
    {
        all.push(g.select(Condition { left: x, relation, right: y }, product, y));
    }
    let (larger, pi) = (g.max(x, y), g.pi());
    all.push(g.mul(larger, pi));
    all
}

#[test]
fn machine_code_is_the_program_bit_for_bit() {
    let mut g = Graph::new();
    let all = everything(&mut g);
    let program = Program::new(&g, 2, &all);
    let code = Compiled::new(program.clone());
    let points = [[0.5, 1.5], [-0.5, 1.5], [1.5, 1.5], [300.0, 4.0], [-40.0, 1.0], [0.0, 1.0]];
    for at in points.iter().chain(&[[f64::NAN, 1.0], [f64::INFINITY, -1.0]]) {
        let (mut fast, mut slow) = (vec![0.0; all.len()], vec![0.0; all.len()]);
        code.evaluate(at, &mut fast, &mut Vec::new());
        program.evaluate(at, &mut slow, &mut Vec::new());
        for ((fast, slow), e) in fast.iter().zip(&slow).zip(&all) {
            let same = fast.to_bits() == slow.to_bits() || fast.is_nan() && slow.is_nan();
            assert!(same, "{:?} at {at:?}: {fast} and {slow}", g.node(*e));
        }
    }
}

/// `(F(z+d) - F(z-d))/2d` is the derivative for real and for imaginary `d` (Cauchy-Riemann).
#[test]
fn functions_are_holomorphic_with_the_derivative_that_the_graph_finds() {
    let d = 1e-4;
    for (re, im) in [(0.7, 0.4), (-0.6, 0.3), (1.3, -0.8), (-1.7, -0.2)] {
        let z = Complex64::new(re, im);
        let mut g = Graph::new();
        let x = g.variable(0);
        let mut all: Vec<Expr> = Function::ALL.iter().map(|&f| g.apply(f, x)).collect();
        all.push(g.sqrt(x));
        all.push(g.power(x, &Rational::new(-2, 3).unwrap()));
        for e in all {
            let slope = g.derivative(e, 0);
            let at = |z: Complex64| run(&g, &[e], &[z])[0];
            let exact = run(&g, &[slope], &[z])[0];
            for step in [Complex64::new(d, 0.0), Complex64::new(0.0, d)] {
                let (near, far) = (
                    (at(z + step) - at(z - step)) / (2.0 * step),
                    (at(z + 2.0 * step) - at(z - 2.0 * step)) / (4.0 * step),
                );
                let difference = (4.0 * near - far) / 3.0;
                let error = (difference - exact).norm() / exact.norm().max(1.0);
                assert!(error < 1e-10, "{:?} at {z}: {difference}, {exact}", g.node(e));
            }
        }
    }
}

#[test]
fn complex_numbers_extend_the_real_ones() {
    let mut g = Graph::new();
    let all = everything(&mut g);
    for at in [[0.5, 1.5], [0.25, 0.5], [2.5, 1.25], [30.0, 1.0]] {
        let real = run(&g, &all, &at);
        let complex = run(&g, &all, &at.map(Complex64::from));
        for ((r, z), e) in real.iter().zip(&complex).zip(&all) {
            let error = (z - r).norm() / r.abs().max(1e-300);
            assert!(error < 4e-15, "{:?} at {at:?}: {r} and {z}", g.node(*e));
        }
    }
}

#[test]
fn far_out_nothing_overflows_or_cancels() {
    let real = |f: Function, x: f64| Number::apply(&x, f);
    assert_eq!(real(Function::Softplus, 1000.0), 1000.0);
    assert_eq!(real(Function::Softplus, -700.0), (-700.0f64).exp());
    assert_eq!(real(Function::Sigmoid, 1000.0), 1.0);
    assert_eq!(real(Function::Sigmoid, -700.0), (-700.0f64).exp());
    assert_eq!(real(Function::Sigmoid, -1000.0), 0.0);
    assert_eq!(real(Function::Elu, -1e-20), -1e-20);
    assert_eq!(real(Function::Elu, 1000.0), 1000.0);
    assert_eq!(real(Function::Gelu, 40.0), 40.0);
    // Φ(-10), Abramowitz and Stegun, table 26.2.
    let tail = real(Function::NormalCdf, -10.0);
    assert!((tail / 7.619853024160527e-24 - 1.0).abs() < 1e-13, "{tail:e}");
    let complex = |f: Function, re: f64, im: f64| Number::apply(&Complex64::new(re, im), f);
    assert_eq!(complex(Function::Tanh, 800.0, 1.0), Complex64::ONE);
    assert_eq!(complex(Function::Tanh, -800.0, 1.0), -Complex64::ONE);
    assert!((complex(Function::Tan, 1.0, 800.0) - Complex64::I).norm() < 1e-15);
    assert_eq!(complex(Function::Softplus, 1000.0, 1.0), Complex64::new(1000.0, 1.0));
    assert!(complex(Function::Sigmoid, -1000.0, 2.0).norm() < 1e-300);
    // On both sides of Re z = 0 the logarithm is the principal one.
    for im in [-8.0, -3.0, 2.0, 4.0, 11.0] {
        for re in [-0.5, 0.5] {
            let z = Complex64::new(re, im);
            let expected = (1.0 + z.exp()).ln();
            assert!((complex(Function::Softplus, re, im) - expected).norm() < 1e-14, "{z}");
        }
    }
    // The slope of a sigmoid far out: e^(-x), not a difference from 1.
    let mut g = Graph::new();
    let x = g.variable(0);
    let sigmoid = g.apply(Function::Sigmoid, x);
    let slope = g.derivative(sigmoid, 0);
    assert!((run(&g, &[slope], &[60.0])[0] / (-60.0f64).exp() - 1.0).abs() < 1e-15);
}

#[test]
fn a_branch_that_is_not_taken_does_not_spoil_the_gradient() {
    let mut g = Graph::new();
    let x = g.variable(0);
    let zero = g.integer(0);
    let log = g.apply(Function::Log, x);
    let inner = g.mul(log, log);
    let positive = Condition { left: x, relation: Relation::Greater, right: zero };
    let square = g.powi(x, 2);
    let e = g.select(positive, inner, square);
    let outer = g.mul(e, x);
    let slope = g.gradient(outer, &[0])[0];
    assert_eq!(run(&g, &[slope], &[-2.0])[0], 12.0);
    assert_eq!(run(&g, &[slope], &[0.0])[0], 0.0);
}
