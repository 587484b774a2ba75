//! Figure 2: real flows stop at the minimum, the complex principal flow goes around it.

use super::judged::Judged;
use super::paper_loss::{PaperLoss, PaperRun, request};
use crate::reproduction::judgement::Finding;
use bea_flow::flow::FlowName::{ImplicitRegularization, NegativeGradient, Principal};
use bea_plot::{Figure, Panel};
use num_complex::Complex64;

const MINIMUM: f64 = 0.6;
/// A larger relative distance is not the integrator's error.
const EXACT: f64 = 1e-8;
/// What keeps so far away from the minimum goes around it.
const AROUND: f64 = 0.01;

/// Runs the figure.
pub fn run() -> Judged {
    let loss = PaperLoss::formula("(theta - 0.6)^2/2");
    let flows = [NegativeGradient, ImplicitRegularization, Principal];
    let run = loss.run("h = 1.2", &[0.0], &request(1.2, 8, &flows));
    let finding = judge(&run);
    let mut graph = loss.curve_in(&run, (-0.1, 0.9));
    graph.series.retain(|series| series.label != "pf");
    let panels = vec![
        graph,
        // The phase of 1 - hλ is the same everywhere.
        Panel { contours: None, ..loss.plane(&run) },
    ];
    let csv = loss.table(std::slice::from_ref(&run));
    let figure = Figure { panels, ..Figure::default() };
    Judged { figure, csv, finding }
}

/// The real flows never pass the minimum; the principal flow meets gradient descent beyond it without
/// going through it.
pub fn judge(run: &PaperRun) -> Finding {
    let [gd, ngf, igr] = ["gd", "ngf", "igr"].map(|name| run.crossings(name, 0, MINIMUM));
    let crossing = crossing(&run.flow("pf").path);
    let pf = run.reach("pf");
    let seen = format!(
        "from 0, gradient descent passes the minimum {gd} times in 8 steps, NGF {ngf} and IGR {igr} times; PF \
         passes Re θ = {MINIMUM} at Im θ = {crossing:.2} in the first step and meets the iterates of gradient descent to {:.1e}",
        pf.largest
    );
    let decides = format!(
        "the minimum is passed {gd} times by gradient descent, {ngf} by NGF, {igr} by IGR, and must be by the first alone; PF \
         meets gradient descent to {:.1e} of an iterate's size, which must be below {EXACT:e}, and is {:.2} away from the minimum \
         where it first passes it, Re θ = {MINIMUM}, which must be above {AROUND}",
        pf.relative,
        crossing.abs()
    );
    let stop = gd > 0 && ngf == 0 && igr == 0;
    let around = pf.complete && pf.relative < EXACT && crossing.abs() > AROUND;
    Finding::new(&[stop, around], seen, decides)
}

/// The imaginary part where the real part of a path first passes the minimum; NaN where it does not.
fn crossing(path: &[(f64, Vec<Complex64>)]) -> f64 {
    let passes = path.windows(2).find_map(|pair| {
        let [from, to] = [pair[0].1[0], pair[1].1[0]];
        let part = (MINIMUM - from.re) / (to.re - from.re);
        (0.0..1.0).contains(&part).then_some(from.im + part * (to.im - from.im))
    });
    passes.unwrap_or(f64::NAN)
}
