//! `cargo bench --bench evaluation`: order 4 of gradient descent on Rosenbrock's function, as machine
//! code, as a program, and as the Rust that `bea codegen` writes, compiled by `rustc -C opt-level=3`; and
//! a dense quartic in 20 variables, derived, compiled and evaluated.

use bea::codegen::{self, CodeRequest, Language, LossFormulas};
use bea::exact::Rational;
use bea::field::Field;
use bea::flow::FlowName;
use bea::loss::{Compiled, Expr, Graph, Program, VectorFields, modified_field};
use bea::optimizer;
use bea::series::GeneralLinearMethod;
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::process::Command;

/// `(1-x)² + 100 (y-x²)²`
fn rosenbrock() -> (Graph, Expr) {
    let mut g = Graph::new();
    let (x, y, one) = (g.variable(0), g.variable(1), g.integer(1));
    let left = g.sub(one, x);
    let square = g.powi(x, 2);
    let right = g.sub(y, square);
    let (left, right) = (g.powi(left, 2), g.powi(right, 2));
    let right = g.scale(&100.into(), right);
    let e = g.add(left, right);
    (g, e)
}

/// A random polynomial of degree 4 with all its 10626 monomials.
fn quartic() -> (Graph, Expr) {
    let mut g = Graph::new();
    let mut factors: Vec<Expr> = (0..20).map(|v| g.variable(v)).collect();
    factors.push(g.integer(1));
    let mut terms = Vec::new();
    let mut state = 1u64;
    for i in 0..factors.len() {
        for j in i..factors.len() {
            for k in j..factors.len() {
                for l in k..factors.len() {
                    // Knuth's linear congruential generator.
                    state =
                        state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    let c = Rational::new((state >> 54) as i64 - 512, 1000).unwrap();
                    let monomial = g.product(&[factors[i], factors[j], factors[k], factors[l]]);
                    terms.push(g.scale(&c, monomial));
                }
            }
        }
    }
    let e = g.sum(&terms);
    (g, e)
}

/// The modified field of gradient descent; `h` is the last input.
fn field(g: &mut Graph, e: Expr, variables: u32, order: usize) -> Program {
    let field = Field::derive("gradient_descent", &GeneralLinearMethod::euler(), order).unwrap();
    let names: Vec<u32> = (0..variables).collect();
    let fields = VectorFields::of_loss(g, e, &names);
    let h = g.variable(variables);
    let velocity = modified_field(g, &fields, &field, h, &[]);
    Program::new(g, variables as usize + 1, &velocity)
}

/// What `bea codegen --loss rosenbrock --flow order:4 --lang rust` writes, but for the header.
fn emitted() -> String {
    let (graph, e) = rosenbrock();
    let names = ["x", "y"].map(String::from).to_vec();
    let objective = LossFormulas::of_losses(graph, names, &[vec![0, 1]], vec![e], &[(0, e)]);
    let request = CodeRequest {
        objective: &objective,
        optimizer: optimizer::find("gradient_descent").unwrap(),
        values: &Default::default(),
        flow: FlowName::Order(4),
        command: None,
    };
    codegen::emit(Language::Rust, &request).unwrap()
}

/// Nanoseconds an evaluation of the emitted file takes in an executable that `rustc` has optimised: the
/// fastest of 20 batches. `field` is called, as the machine code is, and not made part of the loop.
fn rustc_time() -> String {
    const MAIN: &str = "#[allow(dead_code)]
    mod emitted;
    fn main() {
        use std::hint::black_box;
        let field: fn(&[f64; 2], f64) -> [f64; 2] = black_box(emitted::field);
        let mut best = f64::INFINITY;
        for _ in 0..20 {
            let start = std::time::Instant::now();
            for _ in 0..1_000_000 {
                black_box(field(black_box(&[-1.2, 1.0]), black_box(1e-3)));
            }
            best = best.min(start.elapsed().as_secs_f64() * 1e3);
        }
        println!(\"{best:.2}\");
    }";
    let folder = tempfile::tempdir().unwrap();
    let (main, binary) = (folder.path().join("main.rs"), folder.path().join("main"));
    std::fs::write(folder.path().join("emitted.rs"), emitted()).unwrap();
    std::fs::write(&main, MAIN).unwrap();
    let mut rustc = Command::new("rustc");
    rustc.args(["--edition", "2024", "-C", "opt-level=3", "-o"]).arg(&binary).arg(&main);
    assert!(rustc.status().unwrap().success());
    let output = Command::new(&binary).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_string()
}

fn compiled(c: &mut Criterion) {
    let (mut g, e) = rosenbrock();
    let program = field(&mut g, e, 2, 4);
    println!("{} instructions", program.instructions().len());
    let code = Compiled::new(program.clone());
    assert!(code.is_machine_code());
    let (mut out, mut scratch) = ([0.0; 2], Vec::new());
    let mut group = c.benchmark_group("order 4 of Rosenbrock");
    group.bench_function("machine code", |b| {
        b.iter(|| {
            code.evaluate(black_box(&[-1.2, 1.0, 1e-3]), &mut out, &mut scratch);
            black_box(&mut out);
        })
    });
    group.bench_function("program", |b| {
        b.iter(|| {
            program.evaluate(black_box(&[-1.2, 1.0, 1e-3]), &mut out, &mut scratch);
            black_box(&mut out);
        })
    });
    group.bench_function("compilation", |b| b.iter(|| Compiled::new(program.clone())));
    group.finish();
    println!("order 4 of Rosenbrock/emitted Rust, rustc -C opt-level=3: {} ns", rustc_time());
}

fn large(c: &mut Criterion) {
    let mut group = c.benchmark_group("order 3 of a dense quartic in 20 variables");
    group.sample_size(10);
    let (g, e) = quartic();
    group.bench_function("derive, compile, evaluate", |b| {
        b.iter(|| {
            let code = Compiled::new(field(&mut g.clone(), e, 20, 3));
            let mut out = [0.0; 20];
            code.evaluate(&[0.1; 21], &mut out, &mut Vec::new());
            out
        })
    });
    let code = Compiled::new(field(&mut g.clone(), e, 20, 3));
    let (mut out, mut scratch) = ([0.0; 20], Vec::new());
    group.bench_function("evaluate", |b| {
        b.iter(|| code.evaluate(black_box(&[0.1; 21]), &mut out, &mut scratch))
    });
}

criterion_group!(benches, compiled, large);
criterion_main!(benches);
