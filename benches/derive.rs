//! `cargo bench --bench derive`: the derivation engine, piece by piece.

use bea::exact::RationalFunction;
use bea::field::Field;
use bea::optimizer;
use bea::render::{Document, Format};
use bea::series::{GeneralLinearMethod, derive};
use bea::tree::TreeTable;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::Arc;

fn method(name: &str) -> GeneralLinearMethod {
    optimizer::find(name).unwrap().method(&Default::default()).unwrap()
}

fn list(c: &mut Criterion) {
    let mut group = c.benchmark_group("list trees");
    for nodes in [7, 9, 13, 17] {
        group.bench_function(BenchmarkId::from_parameter(nodes), |b| {
            b.iter(|| TreeTable::all(1, black_box(nodes)))
        });
    }
}

fn field(c: &mut Criterion) {
    for (name, orders) in [
        ("gradient_descent", &[6, 8, 12, 16][..]),
        ("midpoint", &[6, 8, 12]),
        ("rk4", &[6, 8, 12]),
        ("heavy_ball", &[4, 6, 8, 12]),
        ("alternating_gda", &[4, 6, 8]),
    ] {
        let method = method(name);
        let mut group = c.benchmark_group(format!("derive {name}"));
        group.sample_size(10);
        for &order in orders {
            let trees = Arc::new(TreeTable::all(method.fields.len(), order + 1));
            group.bench_function(BenchmarkId::from_parameter(order), |b| {
                b.iter(|| {
                    let field = derive(&method, trees.clone()).unwrap();
                    // Read every weight: symbolic ones are reduced on reading.
                    for tree in 0..trees.len() as u32 {
                        match field.b_machine(tree, trees.size(tree)) {
                            Some(weight) => drop(black_box(weight)),
                            None => drop::<RationalFunction>(black_box(field.b(tree))),
                        }
                    }
                })
            });
        }
    }
}

/// All of `bea derive heavy_ball`, `m` symbolic: where there are parameters, writing the coefficients
/// in factors is the larger part.
fn write(c: &mut Criterion) {
    let method = method("heavy_ball");
    let mut group = c.benchmark_group("derive and write heavy_ball");
    group.sample_size(10);
    for order in [8, 12] {
        group.bench_function(BenchmarkId::from_parameter(order), |b| {
            b.iter(|| {
                let field = Field::derive("heavy_ball", &method, order).unwrap();
                Format::Text.write(&Document::new(&field), &mut std::io::sink()).unwrap();
            })
        });
    }
}

criterion_group!(benches, list, field, write);
criterion_main!(benches);
