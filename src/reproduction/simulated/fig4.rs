//! Figure 4: the principal flow of `z²/2`.

use super::judged::Judged;
use super::paper_loss::{PaperLoss, PaperRun, request};
use crate::reproduction::caption::number;
use crate::reproduction::judgement::Finding;
use bea_flow::flow::FlowName::Principal;
use bea_flow::flow::alpha::log_1p;
use bea_plot::{Figure, Panel};
use num_complex::Complex64;

/// Runs the figure.
pub fn run() -> Judged {
    let loss = PaperLoss::formula("z^2/2");
    let runs: Vec<PaperRun> = [0.8, 1.5, 2.1]
        .iter()
        .map(|&h| loss.run(format!("h = {h}"), &[1.0], &request(h, 20, &[Principal])))
        .collect();
    let finding = judge(&runs);
    let panel = |run: &PaperRun| {
        let plane = loss.plane(run);
        // The phase of 1 - hλ is the same everywhere.
        Panel { title: format!("{}: {}", plane.title, fate(run)), contours: None, ..plane }
    };
    let panels = runs.iter().map(panel).collect();
    let figure = Figure { panels, columns: 3, ..Figure::default() };
    Judged { figure, csv: loss.table(&runs), finding }
}

/// What PF does.
fn fate(run: &PaperRun) -> &'static str {
    let pf = run.flow("pf");
    let is_complex = pf.path.iter().any(|(_, theta)| theta[0].im.abs() > 1e-6);
    match (pf.theta.last().is_some_and(|theta| theta[0].norm() > 1.0), is_complex) {
        (true, _) => "diverges",
        (false, true) => "converges oscillating",
        (false, false) => "converges",
    }
}

/// `e^(log(1-h) t/h)`: the closed form, with the `t` that is missing in the paper's caption.
fn closed_form(h: f64, t: f64) -> Complex64 {
    (log_1p((-h).into()) * (t / h)).exp()
}

/// The integrated flow agrees with the closed form and with gradient descent, is complex exactly for
/// `h > 1` and grows exactly for `h > 2`.
pub fn judge(runs: &[PaperRun]) -> Finding {
    let (mut off, mut printed, mut distance) = (0.0f64, 0.0f64, 0.0f64);
    let (mut followed, mut kinds, mut fates) = (true, true, true);
    let mut lasts = Vec::new();
    for run in runs {
        let (pf, h) = (run.flow("pf"), run.simulation.lr);
        for (t, theta) in &pf.path {
            let exact = closed_form(h, *t);
            off = off.max((theta[0] - exact).norm() / exact.norm().max(1.0));
            printed = printed.max((theta[0] - closed_form(h, 1.0)).norm());
        }
        let reach = run.reach("pf");
        distance = distance.max(reach.relative);
        followed &= reach.complete && reach.relative < 1e-8;
        kinds &= pf.path.iter().any(|(_, theta)| theta[0].im.abs() > 1e-6) == (h > 1.0);
        let last = pf.theta.last().expect("the start").first().expect("a coordinate").norm();
        fates &= (last > 1.0) == (h > 2.0);
        lasts.push(number(last));
    }
    let seen = format!(
        "over 20 steps PF is at most {distance:.1e} (relative) from gradient descent and {off:.1e} from e^(log(1-h)t/h); from \
         |z| = 1 it comes to |z| = {} with h = 0.8, 1.5, 2.1",
        lasts.join(", ")
    );
    let decides = format!(
        "largest relative distance to gradient descent {distance:.1e}; up to 1e-8 counts as equal"
    );
    let more = format!(
        "the closed form of the paper's caption, e^(log(1-h)/h), lacks the factor t: as printed it is constant along the flow \
         and up to {printed:.1} away from it"
    );
    Finding::new(&[followed && off < 1e-8, kinds, fates], seen, decides).with(more)
}
