//! Figure 24: the order of the flows that backward error analysis finds. The paper draws a scheme; here its
//! statement is measured.

use super::judged::Judged;
use super::paper_loss::{PaperLoss, norm};
use crate::csv;
use crate::reproduction::judgement::Finding;
use bea_flow::flow::FlowName::Order;
use bea_flow::flow::{Request, simulate};
use bea_plot::{Axis, Figure, Marker, Panel, Series, Style};
use bea_series::series::GeneralLinearMethod;
use num_complex::Complex64;

/// Corrections of the flows.
const ORDERS: std::ops::Range<usize> = 0..5;
/// Learning rates, each half of the one before: from `hλ_0 = 0.3` at the start on.
const RATES: [f64; 4] = [2e-4, 1e-4, 5e-5, 2.5e-5];
/// A usual start of Rosenbrock's function.
const START: [f64; 2] = [-1.2, 1.0];

/// Runs the figure.
pub fn run() -> Judged {
    let loss = PaperLoss::library("rosenbrock");
    let method = GeneralLinearMethod::euler();
    let flows: Vec<_> = ORDERS.map(Order).collect();
    let mut errors = vec![Vec::new(); flows.len()];
    for lr in RATES {
        let request = Request {
            lr,
            steps: 1,
            flows: flows.clone(),
            rtol: 1e-14,
            atol: 1e-15,
            ..Request::default()
        };
        let simulation = simulate(&loss.problem, "gradient_descent", &method, &START, &request);
        let simulation = simulation.expect("the figure's parameters make sense");
        let step = &simulation.optimizer.theta[1];
        for (errors, flow) in errors.iter_mut().zip(&simulation.flows) {
            let off: Vec<Complex64> =
                flow.theta[1].iter().zip(step).map(|(flow, step)| flow - step).collect();
            errors.push(norm(&off));
        }
    }
    let finding = judge(&errors);
    let (mut rows, mut series) = (Vec::new(), Vec::new());
    let style = |n| Style { marker: Some(Marker::Dot), ..Style::of_series(n).solid() };
    for (n, errors) in errors.iter().enumerate() {
        let points: Vec<(f64, f64)> = RATES.into_iter().zip(errors.iter().copied()).collect();
        let row = |(h, error): &(f64, f64)| [n.to_string(), h.to_string(), format!("{error:e}")];
        rows.extend(points.iter().map(row));
        let label = format!(
            "n = {n}, power {:.2}",
            slope(&points.iter().map(|point| point.1).collect::<Vec<_>>())
        );
        series.push(Series::new(label, points, style(n)));
    }
    let csv = csv::text(["corrections", "h", "error"], rows);
    let panel = Panel {
        x: Axis::log("learning rate h"),
        y: Axis::log("error after one step"),
        series,
        end_labels: true,
        ..Panel::default()
    };
    let figure = Figure { panels: vec![panel], columns: 1, ..Figure::default() };
    Judged { figure, csv, finding }
}

/// The power of `h` with which the last errors fall.
fn slope(errors: &[f64]) -> f64 {
    match errors[..] {
        [.., wide, narrow] => (wide / narrow).log2(),
        _ => f64::NAN,
    }
}

/// Every slope is `n + 2`.
pub fn judge(errors: &[Vec<f64>]) -> Finding {
    let slopes: Vec<f64> = errors.iter().map(|errors| slope(errors)).collect();
    let near = |(n, s): (usize, &f64)| (!s.is_nan()).then_some((s - (n as f64 + 2.0)).abs() < 0.1);
    let parts: Vec<Option<bool>> = slopes.iter().enumerate().map(near).collect();
    let texts: Vec<String> =
        slopes.iter().enumerate().map(|(n, s)| format!("{s:.2} (n = {n})")).collect();
    let seen = format!("the error falls with the power {} of h", texts.join(", "));
    let off = slopes.iter().enumerate().map(|(n, s)| (s - (n as f64 + 2.0)).abs());
    let decides = format!(
        "powers up to {:.2} away from n + 2; up to 0.1 counts as equal",
        off.fold(0.0, f64::max)
    );
    Finding::new(&parts, seen, decides)
}
