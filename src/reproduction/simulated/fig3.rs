//! Figure 3: the coefficients of the flows.

use super::judged::Judged;
use crate::csv;
use crate::reproduction::judgement::Finding;
use bea_flow::flow::alpha;
use bea_plot::{Axis, Dash, Figure, Panel, Series, Style};
use num_complex::Complex64;

/// Runs the figure.
pub fn run() -> Judged {
    // From -1 to 4, never on the branch point.
    let points: Vec<f64> = (0..2000).map(|i| -1.0 + (f64::from(i) + 0.5) / 400.0).collect();
    let pf: Vec<Complex64> = points.iter().map(|&z| alpha::pf(z.into())).collect();
    let finding = judge(&points, alpha::pf);
    let rows = points.iter().zip(&pf).map(|(z, pf)| {
        let ngf = alpha::ngf((*z).into());
        [*z, ngf.re, ngf.im, pf.re, pf.im].map(csv::number)
    });
    let csv = csv::text(["h_lambda", "ngf_re", "ngf_im", "pf_re", "pf_im"], rows);
    let series = |name: &str, i: usize, value: &dyn Fn(f64) -> f64| {
        let curve = points.iter().map(|&z| (z, value(z))).collect();
        Series::new(name, curve, Style::of_series(i).line().solid())
    };
    let dashed = |series: Series| Series {
        style: Style { line: Some(Dash::Dashed), ..series.style },
        ..series
    };
    let mark =
        |z: f64| Series::new("hλ = 1 and 2", vec![(z, -3.0), (z, 3.5)], Style::soft(Dash::Dotted));
    let panel = Panel {
        x: Axis::linear("hλ"),
        y: Axis::linear("α").from_to(-3.0, 3.5),
        series: vec![
            series("α of NGF", 1, &|z| alpha::ngf(z.into()).re),
            series("Re α of PF", 3, &|z| alpha::pf(z.into()).re),
            dashed(series("Im α of PF", 3, &|z| alpha::pf(z.into()).im)),
            mark(1.0),
            mark(2.0),
        ],
        ..Panel::default()
    };
    let figure = Figure { panels: vec![panel], ..Figure::default() };
    Judged { figure, csv, finding }
}

/// The sign and the kind (real or complex) of the coefficient below, between and above `hλ = 1` and `hλ = 2`.
pub fn judge(points: &[f64], pf: impl Fn(Complex64) -> Complex64) -> Finding {
    let count = |holds: &dyn Fn(f64, Complex64) -> bool| {
        points.iter().filter(|&&z| !holds(z, pf(z.into()))).count()
    };
    let signs = count(&|z, a| (a.re < 0.0) == (z < 2.0));
    let complex = count(&|z, a| (a.im != 0.0) == (z > 1.0));
    let (mut low, mut high) = (1.5, 3.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if pf(middle.into()).re < 0.0 { low = middle } else { high = middle }
    }
    let seen = format!(
        "of {} values of hλ from -1 to 4, Re α is negative below 2 and positive above in {}, and α is real below 1 and complex \
         above in {}; Re α is 0 at hλ = {low:.9}",
        points.len(),
        points.len() - signs,
        points.len() - complex
    );
    let decides = format!(
        "{signs} values have another sign, {complex} are real where they should be complex, or the reverse; none may"
    );
    let more = format!("Im α at hλ = 4 is {:.4}", pf(Complex64::from(4.0)).im);
    Finding::new(&[signs == 0, complex == 0], seen, decides).with(more)
}
