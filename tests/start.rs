//! The effective start: from trees, and by iterating programs in exact arithmetic.

use bea::exact::{Poly, Rational, RationalFunction};
use bea::optimizer::{self, Initial, Operation, Register, StepProgram};
use bea::series::{BSeries, derive};
use bea::source::Source;
use bea::tree::{TreeId, TreeTable};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

type Q = BigRational;

fn q(top: i64, bottom: i64) -> Q {
    Q::new(top.into(), bottom.into())
}

fn values(of: &[(&str, Q)]) -> BTreeMap<String, Q> {
    of.iter().map(|(name, value)| (name.to_string(), value.clone())).collect()
}

fn library(name: &str, of: &[(&str, Q)]) -> StepProgram {
    optimizer::find(name).unwrap().program(&values(of)).unwrap()
}

/// A field of each colour: a polynomial in the coordinates of the spaces, which are lines.
struct Concrete {
    fields: Vec<Poly>,
    at: Vec<Q>,
}

fn value(p: &Poly, at: &[Q]) -> Q {
    let term = |(m, c): &(bea::exact::Monomial, BigInt)| {
        let powers = at.iter().zip(m.0).map(|(x, e)| num_traits::pow(x.clone(), e.into()));
        powers.fold(Q::from_integer(c.clone()), |product, x| product * x)
    };
    p.terms().iter().map(term).sum()
}

impl Concrete {
    /// Polynomials of degree 4 in all spaces; those of `linear` fields are as the program has them.
    fn of(program: &StepProgram) -> Concrete {
        let x: Vec<Poly> = (0..program.spaces.len()).map(Poly::variable).collect();
        let field = |(color, field): (usize, &bea::series::VectorField)| {
            // x + x³ + (colour + 1) y² x - y, up to the sign.
            let own = &x[field.space];
            let other = &x[(field.space + 1) % x.len()];
            let sum = own.add(&own.pow(3));
            let mixed = other.pow(2).mul(own).scale(&BigInt::from(color));
            sum.add(&mixed).sub(&other.scale(&BigInt::from(color * 2))).neg()
        };
        Concrete {
            fields: program.fields.iter().enumerate().map(field).collect(),
            at: [q(1, 1), q(1, 2)][..program.spaces.len()].to_vec(),
        }
    }

    /// `F(τ)`.
    fn differential(&self, program: &StepProgram, trees: &TreeTable, tree: TreeId) -> Q {
        let color = usize::from(trees.color(tree));
        let mut p = self.fields[color].clone();
        let mut product = Q::one();
        for child in trees.children(tree) {
            p = p.derivative(program.fields[usize::from(trees.color(child))].space);
            product *= self.differential(program, trees, child);
        }
        product * value(&p, &self.at)
    }

    /// The coefficients of `h^0, …, h^order` of the effective start, by trees.
    fn start(&self, program: &StepProgram, order: usize) -> Vec<Vec<Q>> {
        let trees = Arc::new(TreeTable::all(program.fields.len(), order));
        let series = program.start().unwrap().series(trees.clone()).unwrap();
        let mut sum = vec![vec![Q::zero(); order + 1]; program.spaces.len()];
        for (space, at) in sum.iter_mut().zip(&self.at) {
            space[0] = at.clone();
        }
        for tree in 0..trees.len() as TreeId {
            let weight = series.weight(tree).as_rational().expect("all parameters have values");
            let symmetry = Q::from_integer(BigInt::from(trees.symmetry(tree)));
            let space = program.fields[usize::from(trees.color(tree))].space;
            sum[space][trees.size(tree)] +=
                weight / symmetry * self.differential(program, &trees, tree);
        }
        sum
    }

    /// The same from the program alone: its iterates as series in `h`, exactly, after so many steps that the
    /// transient is below `2^-bits`; the polynomial in the step number through the last of them, at 0.
    fn iterated(&self, program: &StepProgram, order: usize, steps: usize) -> Vec<Vec<Q>> {
        let spaces = program.spaces.len();
        let constant = |x: &Q| [vec![x.clone()], vec![Q::zero(); order]].concat();
        let mut states: Vec<Vec<Q>> = Vec::new();
        for (i, initial) in program.initial.iter().enumerate() {
            let theta = &self.at[program.states[i].space];
            let start = match initial {
                _ if i < spaces => theta.clone(),
                Initial::Multiple(c) => c.as_rational().unwrap() * theta,
                Initial::Entries(c) => c.as_rational().unwrap(),
                Initial::Settled => panic!("not at rest"),
            };
            states.push(constant(&start));
        }
        let mut last = Vec::new();
        for step in 0..=steps {
            if step + order >= steps {
                last.push(states[..spaces].to_vec());
            }
            states = self.step(program, &states, order, step == 0);
        }
        // Newton's form, at 0.
        let first = steps - order;
        let at_zero = |space: usize, power: usize| {
            let mut differences: Vec<Q> = last.iter().map(|s| s[space][power].clone()).collect();
            let (mut sum, mut binomial) = (Q::zero(), Q::one());
            for k in 0..=order {
                sum += &binomial * &differences[0];
                differences = differences.windows(2).map(|w| &w[1] - &w[0]).collect();
                // C(-first, k + 1)
                binomial *= q(-(first as i64) - k as i64, k as i64 + 1);
            }
            sum
        };
        (0..spaces).map(|s| (0..=order).map(|k| at_zero(s, k)).collect()).collect()
    }

    /// One step in series. What is used before it is computed gets its value by iteration, an order each time.
    fn step(
        &self,
        program: &StepProgram,
        states: &[Vec<Q>],
        order: usize,
        is_first: bool,
    ) -> Vec<Vec<Q>> {
        let rounds = if program.is_implicit() { 2 * order + 3 } else { 1 };
        let mut registers: BTreeMap<Register, Vec<Q>> = BTreeMap::new();
        for (i, state) in states.iter().enumerate() {
            registers.insert(Register::State(i), state.clone());
        }
        let unknown = [self.at.clone(), vec![Q::zero()]].concat();
        for _ in 0..rounds {
            let mut evaluations = 0;
            for operation in &program.operations {
                match operation {
                    Operation::Combine { target, terms, first } => {
                        let terms = first.as_ref().filter(|_| is_first).unwrap_or(terms);
                        let mut sum = vec![Q::zero(); order + 1];
                        for (c, register) in terms {
                            let zero = vec![Q::zero(); order + 1];
                            let x = registers.get(register).unwrap_or(&zero);
                            add_product(
                                &mut sum,
                                &in_step(c, program.parameters.len() - 1, order),
                                x,
                            );
                        }
                        registers.insert(*target, sum);
                    }
                    Operation::Evaluate { field, points } => {
                        let at = |(space, point): (usize, &Register)| {
                            registers.get(point).cloned().unwrap_or_else(|| {
                                [vec![unknown[space].clone()], vec![Q::zero(); order]].concat()
                            })
                        };
                        let points: Vec<Vec<Q>> = points.iter().enumerate().map(at).collect();
                        let mut sum = vec![Q::zero(); order + 1];
                        for (m, c) in self.fields[*field].terms() {
                            let mut product = vec![Q::zero(); order + 1];
                            product[0] = Q::from_integer(c.clone());
                            for (x, &e) in points.iter().zip(&m.0) {
                                for _ in 0..e {
                                    let mut next = vec![Q::zero(); order + 1];
                                    add_product(&mut next, &product, x);
                                    product = next;
                                }
                            }
                            sum.iter_mut().zip(product).for_each(|(s, x)| *s += x);
                        }
                        registers.insert(Register::Evaluation(evaluations), sum);
                        evaluations += 1;
                    }
                }
            }
        }
        (0..states.len()).map(|i| registers[&Register::New(i)].clone()).collect()
    }
}

/// `sum += a b`, up to the length of the sum.
fn add_product(sum: &mut [Q], a: &[Q], b: &[Q]) {
    for (i, x) in a.iter().enumerate().filter(|(_, x)| !x.is_zero()) {
        for (sum, y) in sum[i..].iter_mut().zip(b) {
            *sum += x * y;
        }
    }
}

/// A polynomial in the step as its coefficients.
fn in_step(c: &RationalFunction, h: usize, order: usize) -> Vec<Q> {
    let bottom = Q::from_integer(c.denominator().as_constant().expect("a polynomial in h"));
    let mut coefficients = vec![Q::zero(); order + 1];
    for (k, part) in c.numerator().coefficients_in(h).iter().enumerate().take(order + 1) {
        coefficients[k] = Q::from_integer(part.as_constant().unwrap()) / &bottom;
    }
    coefficients
}

fn assert_close(a: &[Vec<Q>], b: &[Vec<Q>], bits: u64, what: &str) {
    for (a, b) in a.iter().flatten().zip(b.iter().flatten()) {
        let bound = Q::new(BigInt::one(), BigInt::one() << bits) * (b.abs() + Q::one());
        assert!((a - b).abs() <= bound, "{what}: {} {}", show(a), show(b));
    }
}

fn show(x: &Q) -> f64 {
    Rational::from(x.clone()).to_f64()
}

#[test]
fn the_effective_start_of_heavy_ball_is_the_known_one() {
    let program = library("heavy_ball", &[("m", q(1, 2))]);
    let loss = Concrete { fields: vec![cubic()], at: vec![q(1, 1)] };
    let expected = [q(1, 1), q(4, 1), q(160, 1), q(7328, 1), q(8_234_624, 21)];
    assert_eq!(loss.start(&program, 4), [expected]);
}

/// `-(x + x³)`
fn cubic() -> Poly {
    let x = Poly::variable(0);
    x.add(&x.pow(3)).neg()
}

#[test]
fn its_symbolic_weights_specialise() {
    let trees = Arc::new(TreeTable::all(1, 5));
    let symbolic = library("heavy_ball", &[]).start().unwrap().series(trees.clone()).unwrap();
    let first = symbolic.at(&"[]".parse().unwrap()).unwrap();
    assert_eq!(first.display(&["m".into()]), "-m/(1-m)^2");
    for m in [q(1, 2), q(9, 10), q(-1, 3), q(0, 1)] {
        let program = library("heavy_ball", &[("m", m.clone())]);
        let exact = program.start().unwrap().series(trees.clone()).unwrap();
        assert_eq!(exact, symbolic.map(|a| a.substitute(&[Some(m.clone().into())]).unwrap()));
    }
}

/// A number for every parameter: small and different, so that transients decay fast.
fn small_values(name: &str) -> BTreeMap<String, Q> {
    let parameters = optimizer::find(name).unwrap().parameters.clone();
    let number = |i: usize| q([1, 1, -1, 2, 1][i % 5], [4, 3, 5, 7, 6][i % 5]);
    parameters.into_iter().enumerate().map(|(i, name)| (name, number(i))).collect()
}

#[test]
fn every_optimizer_with_buffers_settles_on_the_flow_from_its_effective_start() {
    let mut seen = Vec::new();
    for optimizer in optimizer::library() {
        let program = optimizer.program(&small_values(&optimizer.name)).unwrap();
        let start = program.start().unwrap();
        if start.method.states.len() == start.method.spaces.len()
            || start.method.step_parameter.is_some()
        {
            continue;
        }
        let order = if program.fields.len() > 1 { 3 } else { 4 };
        let concrete = Concrete::of(&program);
        let by_trees = concrete.start(&program, order);
        let iterated = concrete.iterated(&program, order, 320);
        assert_close(&by_trees, &iterated, 60, &optimizer.name);
        seen.push(&optimizer.name);
    }
    assert!(seen.len() >= 20, "{seen:?}");
}

#[test]
fn after_a_step_the_lasting_part_is_the_flow_from_the_effective_start() {
    let mut seen = 0;
    for optimizer in optimizer::library() {
        // All parameters but one have values.
        let mut values = small_values(&optimizer.name);
        values.pop_first();
        let program = optimizer.program(&values).unwrap();
        let start = program.start().unwrap();
        let memory = start.method.states.len() > start.method.spaces.len();
        let trees = Arc::new(TreeTable::all(program.fields.len(), if memory { 4 } else { 3 }));
        let field = derive(&start.method, trees.clone()).unwrap();
        let flow = BSeries::from(&field).exponential().unwrap();
        let at = |step| start.series_at(trees.clone(), step).unwrap();
        assert_eq!(at(1), at(0).then(&flow).unwrap(), "{}", optimizer.name);
        assert_eq!(at(2), at(1).then(&flow).unwrap(), "{}", optimizer.name);
        if !memory {
            assert_eq!(at(0), BSeries::identity(trees), "{}", optimizer.name);
        }
        seen += usize::from(memory);
    }
    assert!(seen >= 20, "{seen}");
}

/// Two coupled buffers with these roots, or one; the gradient beside the iterate, and in all places.
fn text_of(roots: &[(i64, i64)], [p, q]: [i64; 2], inputs: [i64; 3], outputs: [i64; 3]) -> String {
    let (a, b) = (self::q(roots[0].0, roots[0].1), roots.get(1).map(|r| self::q(r.0, r.1)));
    let n = |x: i64| Q::from_integer(x.into());
    let [i0, i1, i2] = inputs;
    let [o0, o1, o2] = outputs;
    let Some(b) = b else {
        return format!(
            "optimizer random {{ state v\n let g = h*f(theta + {q}*v)\n v' = ({a})*v + {i1}*g\n \
             theta' = theta + {o1}*v' + {o0}*g }}"
        );
    };
    // T diag(a, b) T⁻¹ with T = [[1, p], [0, 1]] [[1, 0], [q, 1]], of determinant 1.
    let (t11, t12, t21, t22) = (n(1 + p * q), n(p), n(q), n(1));
    let m11 = &t11 * &a * &t22 - &t12 * &b * &t21;
    let m12 = &t11 * &t12 * (&b - &a);
    let m21 = &t21 * &t22 * (&a - &b);
    let m22 = &t22 * &b * &t11 - &t21 * &a * &t12;
    format!(
        "optimizer random {{ state v, w\n let g = h*f(theta + {q}*v)\n v' = ({m11})*v + ({m12})*w + {i1}*g\n \
         w' = ({m21})*v + ({m22})*w + {i2}*g\n theta' = theta + {o1}*v' + {o2}*w + ({i0} + {o0})*g }}"
    )
}

fn parsed(text: &str) -> StepProgram {
    let source = Source::new("random.bea", text);
    let optimizers = optimizer::parse(&source).unwrap_or_else(|e| panic!("{text}: {e}"));
    optimizers[0].program(&BTreeMap::new()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn random_linear_optimizers_settle_on_the_flow_from_their_effective_start(
        roots in proptest::collection::vec(
            proptest::sample::select(vec![(0, 1), (1, 2), (-1, 2), (1, 3), (-2, 3), (1, 4), (3, 5)]),
            1..=2,
        ),
        basis in [-2i64..=2, -1i64..=1],
        inputs in [1i64..=2, 1i64..=2, -1i64..=2],
        outputs in [0i64..=1, 1i64..=2, -1i64..=1],
    ) {
        let text = text_of(&roots, basis, inputs, outputs);
        let program = parsed(&text);
        let start = program.start().unwrap();
        let concrete = Concrete::of(&program);
        assert_close(&concrete.start(&program, 3), &concrete.iterated(&program, 3, 220), 40, &text);
        let trees = Arc::new(TreeTable::all(1, 4));
        let flow = BSeries::from(&derive(&start.method, trees.clone()).unwrap()).exponential();
        let at = |step| start.series_at(trees.clone(), step).unwrap();
        prop_assert_eq!(at(1), at(0).then(&flow.unwrap()).unwrap(), "{}", text);
    }
}

#[test]
fn what_has_no_closed_form_says_why() {
    let start = |text: &str| {
        let source = Source::new("test.bea", text);
        let program = optimizer::parse(&source).unwrap()[0].program(&BTreeMap::new()).unwrap();
        let series = program.start().and_then(|start| start.series(TreeTable::all(1, 3).into()));
        series.map(|_| ()).map_err(|error| error.to_string())
    };
    let irrational =
        "optimizer o(m) { state v, w\n w' = v\n v' = m*w + h*f(theta)\n theta' = theta + v' }";
    let message = start(irrational).unwrap_err();
    assert!(
        message.contains("r^2 + (-m)") && message.contains("no rational functions"),
        "{message}"
    );
    // The same with a root that is one.
    let rational = irrational.replace("m*w", "m^2*w");
    assert_eq!(start(&rational), Ok(()));
    let away = "optimizer o(m) { state v = 2\n v' = m*v + h*f(theta)\n theta' = theta + v' }";
    let message = start(away).unwrap_err();
    assert!(message.contains("`v` starts at 2, and rests at 0"), "{message}");
    let resonant = "optimizer o { state v\n v' = -v + h*f(theta)\n theta' = theta + v' }";
    let message = start(resonant).unwrap_err();
    assert!(message.contains("a product of roots"), "{message}");
    let never = "optimizer o { state v\n v' = v + h*f(theta)\n theta' = theta + v' }";
    assert!(start(never).unwrap_err().contains("slow manifold"));
    // Zero in each entry is at rest, and a first step with other lines is one.
    let zero = "optimizer o(m) { state v = 0\n v' = m*v + h*f(theta)\n theta' = theta + v' }";
    assert_eq!(start(zero), Ok(()));
}

#[test]
fn equal_roots_that_feed_each_other_have_powers_of_the_step_number() {
    let program = parsed(
        "optimizer o { state v, w\n v' = 1/3*v + h*f(theta)\n w' = 1/3*w + v'\n theta' = theta + w' }",
    );
    let concrete = Concrete::of(&program);
    assert_close(&concrete.start(&program, 4), &concrete.iterated(&program, 4, 200), 60, "a chain");
}

#[test]
fn settled_buffers_leave_the_start_where_it_is() {
    let text = |v: &str| {
        format!("optimizer o {{ state v{v}\n v' = 1/2*v + h*f(theta)\n theta' = theta + v' }}")
    };
    let trees = Arc::new(TreeTable::all(1, 5));
    let settled = parsed(&text(" = settled")).start().unwrap().series(trees.clone()).unwrap();
    assert_eq!(settled, BSeries::identity(trees.clone()));
    let declared = parsed(&text("")).settled().start().unwrap().series(trees.clone()).unwrap();
    assert_eq!(declared, BSeries::identity(trees.clone()));
    assert_ne!(parsed(&text("")).start().unwrap().series(trees.clone()).unwrap(), settled);
    // One buffer of two: the other one alone makes a transient.
    let two = "optimizer o { state v = settled, w\n v' = 1/2*v + h*f(theta)\n w' = 1/3*w + h*f(theta)\n \
               theta' = theta + v' + w' }";
    let one = "optimizer o { state w\n w' = 1/3*w + h*f(theta)\n theta' = theta + w' }";
    let weight = |text: &str| {
        let series = parsed(text).start().unwrap().series(trees.clone()).unwrap();
        series.at(&"[]".parse().unwrap()).unwrap().clone()
    };
    assert_eq!(weight(two), weight(one));
}
