//! The laws of the algebra of B-series, on arbitrary series of one and of two colours.

mod cases;
mod tableaux;

use bea::exact::{Rational, RationalFunction, Scalar};
use bea::series::{BSeries, SeriesError, Tableau, TableauError, elementary_weights};
use bea::tree::TreeTable;
use num_rational::BigRational;
use proptest::prelude::*;
use std::sync::Arc;

type Series = BSeries<Rational>;

fn ratio(n: i64, d: i64) -> Rational {
    Rational::new(n, d).unwrap()
}

fn tables() -> impl Strategy<Value = Arc<TreeTable>> {
    prop_oneof![
        (1..=6usize).prop_map(|nodes| Arc::new(TreeTable::all(1, nodes))),
        (1..=4usize).prop_map(|nodes| Arc::new(TreeTable::all(2, nodes))),
    ]
}

fn rationals() -> impl Strategy<Value = Rational> {
    (-6..=6i64, 1..=4i64).prop_map(|(n, d)| ratio(n, d))
}

/// Series on the same trees with the given weight of the empty tree and a weight other
/// than 0 at every single node.
fn series<const N: usize>(empty: [i64; N]) -> impl Strategy<Value = [Series; N]> {
    tables().prop_flat_map(move |trees| {
        let weights = prop::collection::vec(rationals(), trees.len() * N);
        weights.prop_map(move |weights| {
            std::array::from_fn(|i| {
                let own = &weights[i * trees.len()..];
                BSeries::from_fn(trees.clone(), empty[i].into(), |tree| {
                    let weight = own[tree as usize].clone();
                    let is_leaf = trees.of_size(1).contains(&tree);
                    if is_leaf && weight.is_zero() { 1.into() } else { weight }
                })
            })
        })
    })
}

/// `h` replaced by `c h`.
fn rescaled(a: &Series, c: &Rational) -> Series {
    BSeries::from_fn(a.trees().clone(), a.empty().clone(), |tree| {
        (0..a.trees().size(tree)).fold(a.weight(tree).clone(), |weight, _| &weight * c)
    })
}

fn times(b: &Series, c: &Rational) -> Series {
    b.map(|weight| weight * c)
}

proptest! {
    #[test]
    fn methods_are_a_group([a, b, c] in series([1, 1, 1])) {
        let one = BSeries::identity(a.trees().clone());
        prop_assert_eq!(
            a.then(&b).unwrap().then(&c).unwrap(),
            a.then(&b.then(&c).unwrap()).unwrap()
        );
        prop_assert_eq!(&a.then(&one).unwrap(), &a);
        prop_assert_eq!(&one.then(&a).unwrap(), &a);
        let inverse = a.inverse().unwrap();
        prop_assert_eq!(&a.then(&inverse).unwrap(), &one);
        prop_assert_eq!(&inverse.then(&a).unwrap(), &one);
    }

    #[test]
    fn composition_is_linear_in_the_second_series([a, b, c] in series([1, 0, 3])) {
        let sum = BSeries::from_fn(a.trees().clone(), 3.into(), |t| b.weight(t) + c.weight(t));
        let (ab, ac) = (a.then(&b).unwrap(), a.then(&c).unwrap());
        let expected =
            BSeries::from_fn(a.trees().clone(), 3.into(), |t| ab.weight(t) + ac.weight(t));
        prop_assert_eq!(a.then(&sum).unwrap(), expected);
    }

    #[test]
    fn exponential_and_logarithm_undo_each_other([a, b] in series([1, 0])) {
        prop_assert_eq!(&a.logarithm().unwrap().exponential().unwrap(), &a);
        prop_assert_eq!(&b.exponential().unwrap().logarithm().unwrap(), &b);
    }

    #[test]
    fn the_flow_is_the_field_substituted_into_the_exact_flow([b] in series([0])) {
        let exact = BSeries::exact_flow(b.trees().clone());
        prop_assert_eq!(b.exponential().unwrap(), b.substituted_into(&exact).unwrap());
    }

    #[test]
    fn flows_of_a_field_add_their_times([b] in series([0]), s in rationals(), t in rationals()) {
        let flow = |time: &Rational| times(&b, time).exponential().unwrap();
        prop_assert_eq!(flow(&s).then(&flow(&t)).unwrap(), flow(&(&s + &t)));
        prop_assert_eq!(flow(&s).inverse().unwrap(), flow(&-&s));
    }

    #[test]
    fn substitution_distributes_over_composition([b, a, c] in series([0, 1, 1])) {
        prop_assert_eq!(
            b.substituted_into(&a.then(&c).unwrap()).unwrap(),
            b.substituted_into(&a).unwrap().then(&b.substituted_into(&c).unwrap()).unwrap()
        );
        prop_assert_eq!(
            b.substituted_into(&a.inverse().unwrap()).unwrap(),
            b.substituted_into(&a).unwrap().inverse().unwrap()
        );
        prop_assert_eq!(
            b.substituted_into(&a.logarithm().unwrap()).unwrap(),
            b.substituted_into(&a).unwrap().logarithm().unwrap()
        );
    }

    #[test]
    fn fields_are_a_group_under_substitution([b, c, a] in series([0, 0, 1])) {
        prop_assert_eq!(
            b.substituted_into(&c).unwrap().substituted_into(&a).unwrap(),
            b.substituted_into(&c.substituted_into(&a).unwrap()).unwrap()
        );
        let f = BSeries::vector_field(b.trees().clone());
        prop_assert_eq!(&f.substituted_into(&a).unwrap(), &a);
        prop_assert_eq!(&b.substituted_into(&f).unwrap(), &b);
        let inverse = b.substitution_inverse().unwrap();
        prop_assert_eq!(&inverse.substituted_into(&b).unwrap(), &f);
        prop_assert_eq!(&b.substituted_into(&inverse).unwrap(), &f);
    }

    #[test]
    fn the_modifying_integrator_makes_the_method_exact([a] in series([1])) {
        let c = a.modifying_integrator().unwrap();
        prop_assert_eq!(c.substituted_into(&a).unwrap(), BSeries::exact_flow(a.trees().clone()));
        // It is the inverse of the modified field.
        prop_assert_eq!(c, a.logarithm().unwrap().substitution_inverse().unwrap());
    }

    #[test]
    fn a_step_of_another_size_rescales_everything([a] in series([1]), c in rationals()) {
        prop_assert_eq!(
            rescaled(&a, &c).logarithm().unwrap(),
            rescaled(&a.logarithm().unwrap(), &c)
        );
        // The field c·f substituted does the same.
        let field = times(&BSeries::vector_field(a.trees().clone()), &c);
        prop_assert_eq!(field.substituted_into(&a).unwrap(), rescaled(&a, &c));
    }

    #[test]
    fn all_scalars_agree([a, b] in series([1, 1])) {
        let big = |s: &Series| s.map(|weight| BigRational::from(weight.clone()));
        prop_assert_eq!(big(&a.then(&b).unwrap()), big(&a).then(&big(&b)).unwrap());
        prop_assert_eq!(big(&a.logarithm().unwrap()), big(&a).logarithm().unwrap());
        prop_assert_eq!(
            big(&a.modifying_integrator().unwrap()),
            big(&a).modifying_integrator().unwrap()
        );
    }
}

proptest! {
    #![proptest_config(cases::cases(32))]
    #[test]
    fn huge_weights_are_exact([a] in series([1])) {
        // Every operation crosses from machine integers to big ones here.
        let far = rescaled(&a, &i64::MAX.into());
        let big = far.map(|weight| BigRational::from(weight.clone()));
        let same = |x: Series, y: BSeries<BigRational>| x.map(|w| BigRational::from(w.clone())) == y;
        prop_assert!(same(far.logarithm().unwrap(), big.logarithm().unwrap()));
        prop_assert!(same(far.inverse().unwrap(), big.inverse().unwrap()));
        prop_assert!(same(
            far.modifying_integrator().unwrap(),
            big.modifying_integrator().unwrap()
        ));
    }
}

/// The tableau of one method after another: block by block.
fn after(
    first: &[Vec<Rational>],
    b: &[Rational],
    second: &[Vec<Rational>],
    c: &[Rational],
) -> Tableau<Rational> {
    let zero = Rational::from(0);
    let upper =
        first.iter().map(|row| row.iter().cloned().chain(c.iter().map(|_| zero.clone())).collect());
    let lower = second.iter().map(|row| b.iter().chain(row).cloned().collect());
    Tableau::new(upper.chain(lower).collect(), b.iter().chain(c).cloned().collect()).unwrap()
}

#[test]
fn one_runge_kutta_method_after_another_is_a_runge_kutta_method() {
    let numbers = |text: &str| -> Vec<Rational> {
        text.split(' ').map(|x| x.parse::<BigRational>().unwrap().into()).collect()
    };
    let heun = (vec![numbers("0 0"), numbers("1 0")], numbers("1/2 1/2"));
    let radau = (vec![numbers("5/12 -1/12"), numbers("3/4 1/4")], numbers("3/4 1/4"));
    let trees = Arc::new(TreeTable::all(1, 7));
    let weights = |(a, b): &(Vec<Vec<Rational>>, Vec<Rational>)| {
        Tableau::new(a.clone(), b.clone()).unwrap().weights(trees.clone()).unwrap()
    };
    for (first, second) in [(&heun, &radau), (&radau, &heun), (&radau, &radau)] {
        assert_eq!(
            weights(first).then(&weights(second)).unwrap(),
            after(&first.0, &first.1, &second.0, &second.1).weights(trees.clone()).unwrap()
        );
    }
}

#[test]
fn symbolic_parameters_specialize() {
    // The family of second-order methods with two stages; a = 1/2 is the midpoint rule.
    let trees = Arc::new(TreeTable::all(1, 6));
    let a = RationalFunction::variable(0);
    let weight = a.times(&RationalFunction::integer(2)).inverse().unwrap();
    let (zero, one) = (RationalFunction::zero(), RationalFunction::one());
    let family = Tableau::new(
        vec![vec![zero.clone(), zero.clone()], vec![a, zero]],
        vec![one.minus(&weight), weight],
    )
    .unwrap()
    .weights(trees.clone())
    .unwrap();
    let at = |series: &BSeries<RationalFunction>, n, d| {
        let value = RationalFunction::rational(BigRational::new(i64::into(n), i64::into(d)));
        series.map(|w| {
            Rational::from(w.substitute(&[Some(value.clone())]).unwrap().as_rational().unwrap())
        })
    };
    for (tableau, n, d) in
        [(tableaux::midpoint(), 1, 2), (tableaux::heun(), 1, 1), (tableaux::ralston(), 2, 3)]
    {
        let method: Series = tableau.weights(trees.clone()).unwrap();
        assert_eq!(at(&family, n, d), method);
        assert_eq!(at(&family.logarithm().unwrap(), n, d), method.logarithm().unwrap());
        assert_eq!(
            at(&family.modifying_integrator().unwrap(), n, d),
            method.modifying_integrator().unwrap()
        );
    }
}

#[test]
fn an_additive_method_with_equal_parts_is_the_plain_one() {
    let plain = Arc::new(TreeTable::all(1, 5));
    let colored = Arc::new(TreeTable::all(3, 5));
    let rk4 = tableaux::rk4::<Rational>();
    let expected = rk4.weights(plain.clone()).unwrap();
    let found = elementary_weights(&[rk4.clone(), rk4.clone(), rk4], colored.clone()).unwrap();
    fn bare(tree: &bea::tree::Tree) -> bea::tree::Tree {
        bea::tree::Tree::new(0, tree.children().iter().map(bare).collect())
    }
    for id in 0..colored.len() as u32 {
        assert_eq!(found.weight(id), expected.at(&bare(&colored.tree(id))).unwrap());
    }
}

#[test]
fn misuse_is_told() {
    let small = Arc::new(TreeTable::all(1, 3));
    let large = Arc::new(TreeTable::all(1, 4));
    let sparse = Arc::new(TreeTable::closure(1, &["[[],[[]]]".parse().unwrap()]));
    let method = Series::exact_flow(small.clone());
    let field = Series::vector_field(small.clone());
    let far = Series::exact_flow(large);
    let lacking = Series::exact_flow(sparse.clone());

    let not_a_method = "this is not a method: its weight at the empty tree is not 1";
    let not_a_field = "this is not a field: its weight at the empty tree is not 0";
    let told = |result: Result<Series, SeriesError>| result.unwrap_err().to_string();
    assert_eq!(told(field.then(&method)), not_a_method);
    assert_eq!(told(field.inverse()), not_a_method);
    assert_eq!(told(field.logarithm()), not_a_method);
    assert_eq!(told(field.modifying_integrator()), not_a_method);
    assert_eq!(field.order_of_accuracy(), Err(SeriesError::NotAMethod));
    assert_eq!(told(method.exponential()), not_a_field);
    assert_eq!(told(method.substituted_into(&method)), not_a_field);
    assert_eq!(told(method.substitution_inverse()), not_a_field);
    assert_eq!(method.energy_defects(), Err(SeriesError::NotAField));
    assert_eq!(times(&method, &ratio(2, 1)).symplecticity_defects(), Err(SeriesError::NotAMethod));

    assert_eq!(
        told(method.then(&far)),
        "the two series are on different trees: up to 3 nodes of 1 colours, and up to 4 nodes of 1 \
         colours"
    );
    assert_eq!(
        told(lacking.logarithm()),
        "this needs a series on all trees up to a size, and the table lacks some trees with up to \
         4 nodes"
    );
    for result in [lacking.inverse(), lacking.then(&lacking), lacking.modifying_integrator()] {
        assert_eq!(result, Err(SeriesError::Incomplete { max_nodes: 4 }));
    }
    assert_eq!(lacking.symplecticity_defects(), Err(SeriesError::Incomplete { max_nodes: 4 }));
    assert_eq!(lacking.order_of_accuracy(), Err(SeriesError::Incomplete { max_nodes: 4 }));
    assert_eq!(
        Series::vector_field(sparse).energy_defects(),
        Err(SeriesError::Incomplete { max_nodes: 4 })
    );

    assert_eq!(
        told(Series::identity(small).modifying_integrator()),
        "the weight of the single node is 0: no series can take the place of the vector field"
    );
    let two = Arc::new(TreeTable::all(2, 2));
    let half = Series::from_fn(two.clone(), 1.into(), |t| if t == 1 { 0.into() } else { 1.into() });
    assert_eq!(
        told(half.modifying_integrator()),
        "the weight of the single node of colour 1 is 0: no series can take the place of the \
         vector field"
    );
    assert_eq!(
        Series::vector_field(two).energy_defects().unwrap_err().to_string(),
        "energy is that of a single Hamiltonian system, but the trees have 2 colours"
    );
}

#[test]
fn misshapen_tableaux_are_told() {
    let told = |a: Vec<Vec<i64>>, b: Vec<i64>| {
        let a = a.into_iter().map(|row| row.into_iter().map(Rational::from).collect()).collect();
        let b = b.into_iter().map(Rational::from).collect();
        Tableau::new(a, b).unwrap_err().to_string()
    };
    assert_eq!(
        told(vec![vec![0], vec![1, 0]], vec![1, 0]),
        "a tableau with 2 weights b has 2 rows of 2 numbers a; the rows have the lengths 1, 2"
    );
    assert_eq!(
        told(vec![], vec![1]),
        "a tableau with 1 weights b has 1 rows of 1 numbers a; there are no rows"
    );
    let (euler, heun) = (tableaux::euler::<Rational>(), tableaux::heun::<Rational>());
    let trees = Arc::new(TreeTable::all(2, 2));
    assert_eq!(
        elementary_weights(&[euler.clone(), heun], trees.clone()),
        Err(TableauError::Stages { stages: vec![1, 2] })
    );
    assert_eq!(
        euler.weights(trees).unwrap_err().to_string(),
        "trees of 2 colours need one tableau a colour, not 1"
    );
}
