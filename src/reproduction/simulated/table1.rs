//! Table 1: the coefficients of the flows, measured from their velocities.

use super::judged::Judged;
use super::paper_loss::{PaperLoss, complex, norm};
use crate::csv;
use crate::reproduction::judgement::Finding;
use bea_flow::flow::FlowName::{ImplicitRegularization, NegativeGradient, Principal};
use bea_flow::flow::{Request, alpha};
use bea_plot::{Axis, Figure, Panel, Series, Style};
use nalgebra::SymmetricEigen;
use num_complex::Complex64;
use std::fmt::Write as _;

type Alpha = fn(Complex64) -> Complex64;

const FLOWS: [(&str, Alpha); 3] = [("ngf", alpha::ngf), ("igr", alpha::igr), ("pf", alpha::pf)];

/// A coefficient `(v·u_i)/(g·u_i)` beside that of the table.
struct Coefficient {
    case: String,
    flow: &'static str,
    h_lambda: f64,
    measured: Complex64,
    table: Complex64,
}

/// Runs the table.
pub fn run() -> Judged {
    let mut all = Vec::new();
    let mut largest = [0.0f64; 3];
    let mut velocities = 0;
    for (case, loss, point) in cases() {
        let scale = loss.largest_eigenvalue(&point).abs();
        for h in [0.3, 0.8, 1.3, 1.9, 2.7].map(|hl| hl / scale) {
            for (i, (flow, alpha)) in FLOWS.into_iter().enumerate() {
                let (difference, rows) = measure(&case, &loss, &point, h, flow, alpha);
                largest[i] = largest[i].max(difference);
                velocities += 1;
                all.extend(rows);
            }
        }
    }
    let text =
        format!("{:.1e} (NGF), {:.1e} (IGR), {:.1e} (PF)", largest[0], largest[1], largest[2]);
    let seen = format!(
        "{velocities} velocities, at points where hλ₀ is from 0.3 to 2.7, differ from the sum over the eigenvectors by at most \
         {text} of their size: the marks lie on the curves"
    );
    let finding = Finding::new(
        &largest.map(|difference| difference < 1e-9),
        seen,
        format!("largest relative difference {text}; less than 1e-9 counts as equal"),
    );
    Judged { figure: figure(&all), csv: table(&all), finding }
}

/// Random quadratic losses with a linear term, two of them with a quartic one, and Rosenbrock's.
fn cases() -> Vec<(String, PaperLoss, Vec<f64>)> {
    let mut state = 1u64;
    let mut random = || {
        // Knuth's generator; three decimals from -1 to 1.
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((state >> 33) % 2001) as f64 / 1000.0 - 1.0
    };
    let mut cases = Vec::new();
    for case in 0..4 {
        let mut text = String::from("0");
        for i in 0..4 {
            for j in 0..=i {
                let _ = write!(text, " + ({})*x{i}*x{j}", random());
            }
            let _ = write!(text, " + ({})*x{i} + 1.5*x{i}^2", random());
            if case >= 2 {
                let _ = write!(text, " + 0.3*x{i}^4");
            }
        }
        let point = (0..4).map(|_| random()).collect();
        cases.push((format!("random {case}"), PaperLoss::formula(&text), point));
    }
    cases.push(("rosenbrock".into(), PaperLoss::library("rosenbrock"), vec![-1.2, 1.0]));
    cases
}

/// The relative difference of a flow's velocity to `Σ α(hλ_i) (g·u_i) u_i`, and its coefficients.
fn measure(
    case: &str,
    loss: &PaperLoss,
    point: &[f64],
    h: f64,
    flow: &'static str,
    alpha: Alpha,
) -> (f64, Vec<Coefficient>) {
    let name = match flow {
        "ngf" => NegativeGradient,
        "igr" => ImplicitRegularization,
        _ => Principal,
    };
    // One Euler step shows the velocity at the start.
    let request =
        Request { lr: h, steps: 1, flows: vec![name], euler: Some(h), ..Request::default() };
    let run = loss.run(case, point, &request);
    let theta = &run.flow(flow).theta;
    let Some(end) = theta.get(1) else { return (f64::INFINITY, Vec::new()) };
    let velocity: Vec<Complex64> = end.iter().zip(&theta[0]).map(|(a, b)| (a - b) / h).collect();
    let mut force = vec![Complex64::ZERO; point.len()];
    loss.problem.total(&complex(point), &mut force).expect("a formula");
    let eigen = SymmetricEigen::new(loss.hessian(point));
    let mut rest = velocity.clone();
    let mut rows = Vec::new();
    for (&lambda, u) in eigen.eigenvalues.iter().zip(eigen.eigenvectors.column_iter()) {
        let along = |x: &[Complex64]| x.iter().zip(u.iter()).map(|(x, u)| x * u).sum::<Complex64>();
        // g = -f
        let (slope, table) = (-along(&force), alpha((h * lambda).into()));
        rest.iter_mut().zip(u.iter()).for_each(|(x, u)| *x -= table * slope * *u);
        let measured = along(&velocity) / slope;
        rows.push(Coefficient { case: case.into(), flow, h_lambda: h * lambda, measured, table });
    }
    (norm(&rest) / norm(&velocity), rows)
}

fn table(all: &[Coefficient]) -> String {
    let names = ["case", "flow", "h_lambda", "measured_re", "measured_im", "table_re", "table_im"];
    let rows = all.iter().map(|row| {
        let (m, t) = (row.measured, row.table);
        let numbers = [row.h_lambda, m.re, m.im, t.re, t.im].map(csv::number);
        [row.case.clone(), row.flow.to_string()].into_iter().chain(numbers)
    });
    csv::text(names, rows)
}

/// The coefficients of the table as curves, the measured ones as marks.
fn figure(all: &[Coefficient]) -> Figure {
    let panel = |part: fn(&Complex64) -> f64, name: &str| {
        let mut series = Vec::new();
        for (i, (flow, alpha)) in FLOWS.into_iter().enumerate() {
            let marks = all.iter().filter(|row| row.flow == flow);
            let marks = marks.map(|row| (row.h_lambda, part(&row.measured))).collect();
            let at = |k: u32| -1.0 + 4.0 * (f64::from(k) + 0.5) / 800.0;
            // The line of PF is interrupted where it jumps, at hλ = 1.
            let value = |z: f64| (z, if z == 1.0 { f64::NAN } else { part(&alpha(z.into())) });
            let below = (0..400).map(at).chain([1.0]);
            let curve = below.chain((400..800).map(at)).map(value).collect();
            let style = Style::of_series(i + 1);
            series.push(Series::new(format!("{flow}, measured"), marks, style.markers()));
            series.push(Series::new(flow, curve, style.line()));
        }
        let (x, y) = (Axis::linear("hλ").from_to(-1.0, 3.0), Axis::linear(name).from_to(-3.0, 3.5));
        Panel { x, y, series, ..Panel::default() }
    };
    let panels = vec![panel(|z| z.re, "Re α"), panel(|z| z.im, "Im α")];
    Figure { panels, columns: 2, ..Figure::default() }
}
