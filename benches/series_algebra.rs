//! Modified equation and modifying integrator of the explicit midpoint rule, from nothing (the table
//! of trees included) to all exact weights, from order to order. The bound is 5 ms each at 9 nodes.

use bea::exact::Rational;
use bea::series::{BSeries, Tableau};
use bea::tree::TreeTable;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::Arc;

fn midpoint(nodes: usize) -> BSeries<Rational> {
    let number = |n, d| Rational::new(n, d).expect("d is not 0");
    let (zero, half, one) = (number(0, 1), number(1, 2), number(1, 1));
    let a = vec![vec![zero.clone(), zero.clone()], vec![half, zero.clone()]];
    Tableau::new(a, vec![zero, one])
        .and_then(|tableau| tableau.weights(Arc::new(TreeTable::all(1, nodes))))
        .expect("a tableau with two stages and trees of one colour")
}

fn midpoint_rule(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("explicit midpoint");
    for nodes in [7, 8, 9, 10, 11, 12] {
        group.bench_with_input(BenchmarkId::new("modified equation", nodes), &nodes, |b, &n| {
            b.iter(|| midpoint(black_box(n)).logarithm());
        });
        group.bench_with_input(BenchmarkId::new("modifying integrator", nodes), &nodes, |b, &n| {
            b.iter(|| midpoint(black_box(n)).modifying_integrator());
        });
    }
    group.finish();
}

criterion_group!(benches, midpoint_rule);
criterion_main!(benches);
