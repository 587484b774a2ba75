//! Modified fields of concrete polynomial fields, exactly: the programs against sums over trees with
//! elementary differentials from differentiated polynomials.

mod exact_number;

use bea::exact::Poly;
use bea::field::Field;
use bea::loss::{Expr, Graph, Program, VectorFields, elementary_differential, modified_field};
use bea::tree::{TreeId, TreeTable};
use exact_number::Exact;
use num_bigint::BigInt;
use num_rational::BigRational;

fn ratio(n: i64, d: i64) -> BigRational {
    BigRational::new(n.into(), d.into())
}

fn polynomial(terms: &[(i64, u32, u32)]) -> Poly {
    let (x, y) = (Poly::variable(0), Poly::variable(1));
    terms.iter().fold(Poly::zero(), |sum, &(c, i, j)| {
        sum.add(&x.pow(i).mul(&y.pow(j)).scale(&BigInt::from(c)))
    })
}

fn expression(g: &mut Graph, terms: &[(i64, u32, u32)]) -> Expr {
    let (x, y) = (g.variable(0), g.variable(1));
    let mut parts = Vec::new();
    for &(c, i, j) in terms {
        let (a, b) = (g.powi(x, i.into()), g.powi(y, j.into()));
        let monomial = g.mul(a, b);
        parts.push(g.scale(&c.into(), monomial));
    }
    g.sum(&parts)
}

const FX: &[(i64, u32, u32)] =
    &[(1, 0, 0), (-1, 1, 0), (2, 0, 1), (1, 1, 1), (-1, 0, 2), (1, 3, 0), (-1, 1, 2), (2, 2, 2)];
const FY: &[(i64, u32, u32)] =
    &[(-1, 0, 0), (-2, 1, 0), (-1, 0, 1), (1, 2, 0), (1, 1, 1), (-1, 2, 1), (1, 0, 3), (1, 4, 0)];

/// `Σ_j ∂_{j1} … ∂_{jm} p · F(τ1)_{j1} … F(τm)_{jm}`, by variable.
fn contract(p: &Poly, children: &[TreeId], all: &[Vec<(usize, Poly)>]) -> Poly {
    let Some((&first, rest)) = children.split_first() else { return p.clone() };
    all[first as usize].iter().fold(Poly::zero(), |sum, (variable, component)| {
        let inner = contract(&p.derivative(*variable), rest, all);
        sum.add(&inner.mul(component))
    })
}

fn differentials(trees: &TreeTable, fields: &[Vec<(usize, Poly)>]) -> Vec<Vec<(usize, Poly)>> {
    let mut all: Vec<Vec<(usize, Poly)>> = Vec::new();
    for tree in 0..trees.len() as TreeId {
        let children = trees.children(tree);
        let components = &fields[usize::from(trees.color(tree))];
        let value = components.iter().map(|(v, p)| (*v, contract(p, &children, &all)));
        let value = value.collect();
        all.push(value);
    }
    all
}

fn evaluate(p: &Poly, at: &[BigRational; 2]) -> BigRational {
    p.terms().iter().fold(ratio(0, 1), |sum, (m, c)| {
        let power = |v: usize| at[v].pow(i32::from(m.0[v]));
        sum + BigRational::from_integer(c.clone()) * power(0) * power(1)
    })
}

fn compare(optimizer: &str, order: usize, spaces: Vec<Vec<u32>>) {
    let method = bea::optimizer::find(optimizer).unwrap().method(&Default::default()).unwrap();
    let field = Field::derive(optimizer, &method, order).unwrap();
    let mut g = Graph::new();
    let components = [expression(&mut g, FX), expression(&mut g, FY)];
    let polynomials = [polynomial(FX), polynomial(FY)];
    let fields: Vec<(usize, Vec<u32>)> =
        field.fields.iter().map(|f| (f.space, spaces[f.space].clone())).collect();
    let of_expressions = VectorFields {
        spaces,
        fields: fields
            .iter()
            .map(|(s, v)| (*s, v.iter().map(|&v| components[v as usize]).collect()))
            .collect(),
    };
    let of_polynomials: Vec<Vec<(usize, Poly)>> = fields
        .iter()
        .map(|(_, v)| v.iter().map(|&v| (v as usize, polynomials[v as usize].clone())).collect())
        .collect();
    let at = [ratio(3, 7), ratio(-2, 5)];
    let h = ratio(1, 9);
    let mut inputs: Vec<BigRational> = vec![at[0].clone(), at[1].clone(), h.clone()];
    inputs.extend((0..field.parameters.len()).map(|i| ratio(2 * i as i64 + 1, 11)));

    // The sum over trees.
    let all = differentials(field.trees(), &of_polynomials);
    let mut parameters = inputs[3..].to_vec();
    if let Some(step) = field.step_parameter() {
        parameters.insert(step, h.clone());
    }
    let values: Vec<_> = parameters.into_iter().map(|p| Some(p.into())).collect();
    let mut expected = [ratio(0, 1), ratio(0, 1)];
    for (tree, differential) in all.iter().enumerate() {
        for term in field.terms_of(tree as TreeId) {
            let c = term.coefficient.substitute(&values).unwrap().as_rational().unwrap();
            for (variable, p) in differential {
                expected[*variable] += &c * h.pow(term.h) * evaluate(p, &at);
            }
        }
    }

    // The program.
    let step = g.variable(2);
    let names: Vec<Expr> = (3..inputs.len()).map(|i| g.variable(i as u32)).collect();
    let velocity = modified_field(&mut g, &of_expressions, &field, step, &names);
    let run = |g: &Graph, outputs: &[Expr]| -> Vec<BigRational> {
        let program = Program::new(g, inputs.len(), outputs);
        let mut out = vec![Exact(ratio(0, 1)); outputs.len()];
        let inputs: Vec<Exact> = inputs.iter().cloned().map(Exact).collect();
        program.evaluate(&inputs, &mut out, &mut Vec::new());
        out.into_iter().map(|x| x.0).collect()
    };
    assert_eq!(run(&g, &velocity), expected, "{optimizer}");

    // Each differential for itself.
    for (tree, differential) in all.iter().enumerate() {
        let value = elementary_differential(&mut g, &of_expressions, field.trees(), tree as TreeId);
        let expected: Vec<_> = differential.iter().map(|(_, p)| evaluate(p, &at)).collect();
        assert_eq!(
            run(&g, &value),
            expected,
            "{optimizer}, {}",
            field.trees().tree(tree as TreeId)
        );
    }
}

#[test]
fn gradient_descent() {
    compare("gradient_descent", 5, vec![vec![0, 1]]);
}

#[test]
fn symbolic_momentum() {
    compare("heavy_ball", 4, vec![vec![0, 1]]);
}

#[test]
fn weights_that_are_polynomials_in_the_step() {
    compare("sam", 3, vec![vec![0, 1]]);
}

#[test]
fn a_game_of_two_fields() {
    compare("alternating_gda", 3, vec![vec![0], vec![1]]);
}

/// `-g - h/2 H g - h²/3 H² g - h²/12 ∇³E[g,g]` (the paper, equations 8 and 14) of a loss.
#[test]
fn order_two_of_gradient_descent_on_a_loss() {
    let mut g = Graph::new();
    let loss =
        expression(&mut g, &[(1, 4, 0), (2, 2, 1), (-3, 1, 2), (1, 0, 4), (5, 1, 1), (1, 2, 2)]);
    let field = Field::derive("gd", &bea::series::GeneralLinearMethod::euler(), 2).unwrap();
    let fields = VectorFields::of_loss(&mut g, loss, &[0, 1]);
    let h = g.variable(2);
    let velocity = modified_field(&mut g, &fields, &field, h, &[]);
    let gradient: Vec<Expr> = (0..2).map(|v| g.derivative(loss, v)).collect();
    let mut outputs = velocity.clone();
    outputs.extend(&gradient);
    for i in 0..2 {
        for j in 0..2 {
            outputs.push(g.derivative(gradient[i as usize], j));
        }
    }
    for slope in gradient {
        for j in 0..2 {
            for k in 0..2 {
                let second = g.derivative(slope, j);
                outputs.push(g.derivative(second, k));
            }
        }
    }
    let (at, step) = ([0.3, -0.7], 0.1);
    let mut out = vec![0.0; outputs.len()];
    let program = Program::new(&g, 3, &outputs);
    program.evaluate(&[at[0], at[1], step], &mut out, &mut Vec::new());
    let (grad, hess, third) = (&out[2..4], &out[4..8], &out[8..16]);
    let times = |v: [f64; 2]| [hess[0] * v[0] + hess[1] * v[1], hess[2] * v[0] + hess[3] * v[1]];
    let once = times([grad[0], grad[1]]);
    let twice = times(once);
    for i in 0..2 {
        let mut cubic = 0.0;
        for j in 0..2 {
            for k in 0..2 {
                cubic += third[4 * i + 2 * j + k] * grad[j] * grad[k];
            }
        }
        let expected =
            -grad[i] - step / 2.0 * once[i] - step * step * (twice[i] / 3.0 + cubic / 12.0);
        assert!((out[i] - expected).abs() < 1e-13 * expected.abs().max(1.0));
    }
}
