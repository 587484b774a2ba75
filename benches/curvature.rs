//! `cargo bench --bench curvature`: what Lanczos' method and Krylov functions cost beside the products
//! themselves, with a diagonal matrix of 100,000 rows, whose products cost next to nothing.

use bea::curvature::{Density, Error, Krylov, Lanczos, Operator};
use bea::flow::alpha;
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

const ROWS: usize = 100_000;

/// A bulk around 0 and outliers, as Hessians of networks have them.
struct Diagonal(Vec<f64>);

impl Diagonal {
    fn new() -> Diagonal {
        let entry = |i: usize| match i {
            0..10 => 5.0 / (1 + i) as f64,
            _ => 0.2 * (i as f64).sin() / (i as f64).sqrt(),
        };
        Diagonal((0..ROWS).map(entry).collect())
    }
}

impl Operator for Diagonal {
    fn dimension(&self) -> usize {
        self.0.len()
    }

    fn apply(&self, block: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, Error> {
        Ok(block.iter().map(|v| v.iter().zip(&self.0).map(|(v, d)| v * d).collect()).collect())
    }
}

fn curvature(c: &mut Criterion) {
    let operator = Diagonal::new();
    let g: Vec<f64> = (0..ROWS).map(|i| (i as f64).cos()).collect();
    let lanczos = Lanczos { largest: 10, ..Lanczos::default() };
    let found = lanczos.run(&operator, &[]).expect("a diagonal matrix has eigenvalues");
    c.bench_function(&format!("ten eigenpairs, {} products", found.products), |b| {
        b.iter(|| lanczos.run(black_box(&operator), &[]));
    });
    let warm: Vec<Vec<f64>> = found.largest.into_iter().map(|pair| pair.vector).collect();
    c.bench_function("ten eigenpairs, from those of the step before", |b| {
        b.iter(|| lanczos.run(black_box(&operator), &warm));
    });
    for tolerance in [1e-4, 1e-10] {
        let krylov = Krylov { tolerance, ..Krylov::default() };
        let phi = |x: f64| alpha::pf((0.5 * x).into());
        let products = krylov.function(&operator, &g, phi).expect("finite").products;
        c.bench_function(&format!("principal field to {tolerance:e}, {products} products"), |b| {
            b.iter(|| krylov.function(black_box(&operator), &g, phi));
        });
    }
    let density = Density { steps: 40, probes: 1, ..Density::default() };
    c.bench_function("density, 40 products", |b| b.iter(|| density.run(black_box(&operator))));
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = curvature
}
criterion_main!(benches);
