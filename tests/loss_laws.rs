//! Laws of the loss graph on random expressions, with 71 digits.

mod cases;
// Not all of it is needed here.
#[allow(dead_code)]
mod precise;

use bea::exact::Rational;
use bea::loss::{Condition, Expr, Function, Graph, Jets, Number, Program, Relation};
use precise::{Precise, evaluate};
use proptest::prelude::*;

/// A random expression in three variables, smooth where it is finite but for kinks and jumps.
#[derive(Clone, Debug)]
enum Tree {
    Variable(usize),
    Number(i64, i64),
    Add(Box<Tree>, Box<Tree>),
    Sub(Box<Tree>, Box<Tree>),
    Mul(Box<Tree>, Box<Tree>),
    Div(Box<Tree>, Box<Tree>),
    Integer(Box<Tree>, i64),
    /// `(1 + a²)^r`
    Power(Box<Tree>, Rational),
    Apply(Function, Box<Tree>),
    /// `log(1 + a²)`
    Log(Box<Tree>),
    Select(Box<Tree>, Box<Tree>, Box<Tree>, Box<Tree>),
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        4 => (0..3usize).prop_map(Tree::Variable),
        1 => (-9i64..10, 1i64..8).prop_map(|(p, q)| Tree::Number(p, q)),
    ];
    leaf.prop_recursive(4, 24, 2, |inner| {
        let one = || inner.clone().prop_map(Box::new);
        let functions: Vec<Function> =
            Function::ALL.into_iter().filter(|f| *f != Function::Log).collect();
        prop_oneof![
            2 => (one(), one()).prop_map(|(a, b)| Tree::Add(a, b)),
            2 => (one(), one()).prop_map(|(a, b)| Tree::Sub(a, b)),
            3 => (one(), one()).prop_map(|(a, b)| Tree::Mul(a, b)),
            1 => (one(), one()).prop_map(|(a, b)| Tree::Div(a, b)),
            1 => (one(), -2i64..5).prop_map(|(a, n)| Tree::Integer(a, n)),
            1 => (one(), -3i64..4, 2i64..4)
                .prop_map(|(a, p, q)| Tree::Power(a, Rational::new(p, q).expect("a number"))),
            3 => (prop::sample::select(functions), one()).prop_map(|(f, a)| Tree::Apply(f, a)),
            1 => one().prop_map(Tree::Log),
            1 => (one(), one(), one(), one()).prop_map(|(a, b, c, d)| Tree::Select(a, b, c, d)),
        ]
    })
}

impl Tree {
    /// The expression with the given ones for its variables.
    fn build(&self, g: &mut Graph, variables: &[Expr; 3]) -> Expr {
        let mut sub = |tree: &Tree| tree.build(g, variables);
        match self {
            Tree::Variable(i) => variables[*i],
            Tree::Number(p, q) => g.constant(Rational::new(*p, *q).expect("a number")),
            Tree::Add(a, b) => {
                let (a, b) = (sub(a), sub(b));
                g.add(a, b)
            }
            Tree::Sub(a, b) => {
                let (a, b) = (sub(a), sub(b));
                g.sub(a, b)
            }
            Tree::Mul(a, b) => {
                let (a, b) = (sub(a), sub(b));
                g.mul(a, b)
            }
            Tree::Div(a, b) => {
                let (a, b) = (sub(a), sub(b));
                let below = one_plus_square(g, b);
                g.div(a, below)
            }
            Tree::Integer(a, n) => {
                let a = sub(a);
                let base = if *n < 0 { one_plus_square(g, a) } else { a };
                g.powi(base, *n)
            }
            Tree::Power(a, exponent) => {
                let a = sub(a);
                let base = one_plus_square(g, a);
                g.power(base, exponent)
            }
            Tree::Apply(f, a) => {
                let a = sub(a);
                g.apply(*f, a)
            }
            Tree::Log(a) => {
                let a = sub(a);
                let base = one_plus_square(g, a);
                g.apply(Function::Log, base)
            }
            Tree::Select(a, b, c, d) => {
                let [left, right, yes, no] = [a, b, c, d].map(|t| sub(t));
                g.select(Condition { left, relation: Relation::Less, right }, yes, no)
            }
        }
    }

    /// The value, without a graph.
    fn value(&self, at: &[Precise; 3]) -> Precise {
        let one_plus_square = |a: &Tree| Precise::from(1) + a.value(at) * a.value(at);
        let power = |base: Precise, n: i64| {
            (0..n.abs()).fold(Precise::from(1), |product, _| product * base)
        };
        match self {
            Tree::Variable(i) => at[*i],
            Tree::Number(p, q) => Precise::from(*p) / Precise::from(*q),
            Tree::Add(a, b) => a.value(at) + b.value(at),
            Tree::Sub(a, b) => a.value(at) - b.value(at),
            Tree::Mul(a, b) => a.value(at) * b.value(at),
            Tree::Div(a, b) => a.value(at) / one_plus_square(b),
            Tree::Integer(a, n) if *n < 0 => Precise::from(1) / power(one_plus_square(a), *n),
            Tree::Integer(a, n) => power(a.value(at), *n),
            Tree::Power(a, exponent) => {
                (Precise::from_rational(exponent) * one_plus_square(a).log()).exp()
            }
            Tree::Apply(f, a) => a.value(at).apply(*f),
            Tree::Log(a) => one_plus_square(a).log(),
            Tree::Select(a, b, c, d) => {
                if a.value(at) < b.value(at) {
                    c.value(at)
                } else {
                    d.value(at)
                }
            }
        }
    }
}

fn one_plus_square(g: &mut Graph, a: Expr) -> Expr {
    let (square, one) = (g.powi(a, 2), g.integer(1));
    g.add(square, one)
}

fn variables(g: &mut Graph) -> [Expr; 3] {
    [0, 1, 2].map(|v| g.variable(v))
}

/// Points that are no zeros of simple expressions.
fn point() -> impl Strategy<Value = [Precise; 3]> {
    [-2000i64..2000, -2000i64..2000, -2000i64..2000]
        .prop_map(|x| x.map(|x| Precise::from(2 * x + 1) / Precise::from(1999)))
}

/// A direction with small rational components.
fn direction() -> impl Strategy<Value = [Rational; 3]> {
    [-8i64..9, -8i64..9, -8i64..9].prop_map(|d| d.map(|c| Rational::new(c, 4).expect("a number")))
}

fn values(g: &Graph, outputs: &[Expr], at: &[Precise; 3]) -> Vec<Precise> {
    evaluate(&Program::new(g, 3, outputs), at)
}

/// Whether two numbers agree to 45 digits, relative to the largest of some numbers that they are made
/// of. Numbers that are not finite, or so large that cancellation hides everything, do not count.
fn agree(a: Precise, b: Precise, scale: &[Precise]) -> Result<(), TestCaseError> {
    let sizes = scale.iter().chain([&a, &b]).map(|x| if x.0 < -x.0 { -*x } else { *x });
    let mut size = Precise::from(1);
    for x in sizes {
        prop_assume!(x < Precise::from(1e40));
        size = if x > size { x } else { size };
    }
    let error = if a > b { a - b } else { b - a };
    prop_assert!(error <= size * Precise::from(1e-45), "{a:?} and {b:?}");
    Ok(())
}

proptest! {
    #![proptest_config(cases::cases(256))]

    #[test]
    fn the_graph_keeps_the_value(e in tree(), at in point()) {
        let mut g = Graph::new();
        let x = variables(&mut g);
        let expression = e.build(&mut g, &x);
        agree(values(&g, &[expression], &at)[0], e.value(&at), &[])?;
    }

    #[test]
    fn derivatives_are_linear(a in tree(), b in tree(), c in direction(), at in point()) {
        let mut g = Graph::new();
        let x = variables(&mut g);
        let (a, b) = (a.build(&mut g, &x), b.build(&mut g, &x));
        let (ca, cb) = (g.scale(&c[0], a), g.scale(&c[1], b));
        let sum = g.add(ca, cb);
        for v in 0..3 {
            let parts = [sum, a, b].map(|e| g.derivative(e, v));
            let d = values(&g, &parts, &at);
            let [p, q] = [&c[0], &c[1]].map(Precise::from_rational);
            agree(d[0], p * d[1] + q * d[2], &d)?;
        }
    }

    #[test]
    fn products_and_quotients(a in tree(), b in tree(), at in point()) {
        let mut g = Graph::new();
        let x = variables(&mut g);
        let (a, b) = (a.build(&mut g, &x), b.build(&mut g, &x));
        let below = one_plus_square(&mut g, b);
        let (product, quotient) = (g.mul(a, below), g.div(a, below));
        for v in 0..3 {
            let d = [a, below, product, quotient].map(|e| g.derivative(e, v));
            let n = values(&g, &[d.as_slice(), &[a, below]].concat(), &at);
            let (da, db, a, b) = (n[0], n[1], n[4], n[5]);
            agree(n[2], da * b + a * db, &[da * b, a * db])?;
            agree(n[3], da / b - a * db / (b * b), &[da / b, a * db / (b * b)])?;
        }
    }

    /// `∂ o(u_1, u_2, u_3)/∂x_v = Σ_i ∂_i o(u) ∂u_i/∂x_v`
    #[test]
    fn the_chain_rule(outer in tree(), inner in [tree(), tree(), tree()], at in point()) {
        let mut g = Graph::new();
        let x = variables(&mut g);
        let inner = inner.map(|u| u.build(&mut g, &x));
        let composed = outer.build(&mut g, &inner);
        let plain = outer.build(&mut g, &x);
        let middle: [Precise; 3] = values(&g, &inner, &at).try_into().expect("three");
        for u in middle {
            prop_assume!(u < Precise::from(1e6) && u > Precise::from(-1e6));
        }
        let slopes = [0, 1, 2].map(|i| g.derivative(plain, i));
        let slopes = values(&g, &slopes, &middle);
        for v in 0..3 {
            let whole = g.derivative(composed, v);
            let parts = inner.map(|u| g.derivative(u, v));
            let n = values(&g, &[whole, parts[0], parts[1], parts[2]], &at);
            let terms: Vec<Precise> = (0..3).map(|i| slopes[i] * n[i + 1]).collect();
            agree(n[0], terms.iter().fold(Precise::ZERO, |s, t| s + *t), &terms)?;
        }
    }

    #[test]
    fn reverse_forward_and_directional_derivatives_are_one(e in tree(), at in point()) {
        let mut g = Graph::new();
        let x = variables(&mut g);
        let e = e.build(&mut g, &x);
        let mut outputs = g.gradient(e, &[0, 1, 2]);
        outputs.extend([0, 1, 2].map(|v| g.derivative(e, v)));
        let mut jets = Jets::new();
        for v in 0..3 {
            let unit = jets.direction([(v, Expr::ONE)]);
            outputs.push(jets.derivative(&mut g, e, &[unit]));
        }
        let n = values(&g, &outputs, &at);
        for v in 0..3 {
            agree(n[v], n[v + 3], &[])?;
            agree(n[v], n[v + 6], &[])?;
        }
    }

    #[test]
    fn third_derivatives_are_symmetric(e in tree(), at in point()) {
        let mut g = Graph::new();
        let x = variables(&mut g);
        let e = e.build(&mut g, &x);
        for [i, j, k] in [[0, 1, 2], [0, 0, 1], [2, 1, 1]] {
            let orders = [[i, j, k], [i, k, j], [j, i, k], [j, k, i], [k, i, j], [k, j, i]];
            let all = orders.map(|order| order.into_iter().fold(e, |e, v| g.derivative(e, v)));
            let n = values(&g, &all, &at);
            for other in &n[1..] {
                agree(n[0], *other, &[])?;
            }
        }
    }

    /// `∇³E[u, v, w] = Σ_ijk ∂_i ∂_j ∂_k E u_i v_j w_k`, in whatever order the directions are made
    /// known and given, and linear in each.
    #[test]
    fn directions_commute_and_are_linear(
        e in tree(), u in direction(), v in direction(), w in direction(), at in point(),
    ) {
        let mut g = Graph::new();
        let x = variables(&mut g);
        let e = e.build(&mut g, &x);
        let directions = [&u, &v, &w];
        let mut outputs = Vec::new();
        for made in [[0, 1, 2], [2, 0, 1], [1, 2, 0], [0, 2, 1]] {
            let mut jets = Jets::new();
            let mut known = [None; 3];
            for i in made {
                let components = directions[i].clone().map(|c| g.constant(c));
                known[i] = Some(jets.direction((0..).zip(components)));
            }
            let [u, v, w] = known.map(|d| d.expect("all are made"));
            outputs.push(jets.derivative(&mut g, e, &[u, v, w]));
            outputs.push(jets.derivative(&mut g, e, &[w, u, v]));
        }
        let mut jets = Jets::new();
        let sum: [Rational; 3] = [0, 1, 2].map(|i| &u[i] + &v[i]);
        let [u_, v_, w_, sum] = [&u, &v, &w, &sum].map(|d| {
            let components = d.clone().map(|c| g.constant(c));
            jets.direction((0..).zip(components))
        });
        for d in [u_, v_, sum] {
            outputs.push(jets.derivative(&mut g, e, &[d, w_]));
        }
        let directional = outputs.len();
        for (i, j, k) in indices() {
            outputs.push([i, j, k].into_iter().fold(e, |e, v| g.derivative(e, v as u32)));
        }
        let n = values(&g, &outputs, &at);
        let terms: Vec<Precise> = indices()
            .zip(&n[directional..])
            .map(|((i, j, k), d)| {
                let [a, b, c] = [&u[i], &v[j], &w[k]].map(Precise::from_rational);
                a * b * c * *d
            })
            .collect();
        let expected = terms.iter().fold(Precise::ZERO, |s, t| s + *t);
        for found in &n[..8] {
            agree(*found, expected, &terms)?;
        }
        agree(n[8] + n[9], n[10], &n[8..10])?;
    }
}

fn indices() -> impl Iterator<Item = (usize, usize, usize)> {
    (0..27).map(|n| (n / 9, n / 3 % 3, n % 3))
}
