//! Figure 30: a cosine beside a parabola.

use super::judged::Judged;
use super::paper_loss::{PaperLoss, PaperRun, request};
use crate::reproduction::caption::number;
use crate::reproduction::judgement::Finding;
use bea_flow::flow::FlowName::{ImplicitRegularization, NegativeGradient, Principal};
use bea_flow::flow::Request;
use bea_plot::{Dash, Figure, Marker, Panel, Series, Style};
use num_complex::Complex64;
use rayon::prelude::*;

const RATES: [f64; 2] = [0.5, 0.85];
const STEPS: usize = 100;
/// Ends further apart than this lie on different branches.
const APART: f64 = 1.0;

/// Runs the figure.
pub fn run() -> Judged {
    let loss = PaperLoss::library("figure30");
    let flows = [NegativeGradient, ImplicitRegularization, Principal];
    let run = |start: f64, h: f64, samples_per_step: usize| {
        let request = Request { samples_per_step, ..request(h, STEPS, &flows) };
        loss.run(format!("h = {h} from {start}").replace('-', "−"), &[start], &request)
    };
    let starts: Vec<(f64, f64)> = RATES
        .iter()
        .flat_map(|&h| (0..=53).map(move |i| (-9.1 + 0.25 * f64::from(i), h)))
        .collect();
    let sweep: Vec<PaperRun> = starts.into_par_iter().map(|(start, h)| run(start, h, 0)).collect();
    let finding = judge(&sweep);
    let shown: Vec<PaperRun> =
        [-0.5, 2.0].iter().flat_map(|&start| RATES.map(|h| run(start, h, 16))).collect();
    let panels = shown.iter().map(|run| with_branches(loss.curve(run), run)).collect();
    let figure = Figure { panels, columns: 2, ..Figure::default() };
    Judged { figure, csv: loss.table(&shown), finding }
}

/// With the border of the branches, where everything ends, and nothing over the marks of the flows.
fn with_branches(mut panel: Panel, run: &PaperRun) -> Panel {
    panel.series.retain(|series| series.style.marker != Some(Marker::Arrow));
    for series in panel.series.iter_mut().filter(|series| series.label == "gd") {
        series.style.marker = Some(Marker::Dot);
    }
    let heights = panel.series.iter().flat_map(|series| &series.points).map(|point| point.1);
    let (low, high) = heights
        .filter(|height| height.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| (low.min(y), high.max(y)));
    let border = vec![(0.0, low), (0.0, high)];
    let label = "x = 0: the cosine branch is left of it, the parabola right of it";
    panel.series.push(Series::new(label, border, Style::soft(Dash::Dotted)));
    let end = |theta: &[Vec<Complex64>]| theta.last().map_or(f64::NAN, |theta| theta[0].re);
    let gd = end(&run.simulation.optimizer.theta);
    let [ngf, igr, pf] = ["ngf", "igr", "pf"].map(|name| end(&run.flow(name).theta));
    let all = [gd, ngf, igr, pf].map(|x| format!("{x:.2}").replace('-', "−"));
    panel.note = if all.iter().all(|x| *x == all[0]) {
        format!("all four end at x = {}", all[0])
    } else {
        let [gd, ngf, igr, pf] = all;
        format!("x at the end: {gd}, {ngf} (NGF), {igr} (IGR), {pf} (PF)")
    };
    panel
}

/// Whether there is a start from which gradient descent ends elsewhere than the flows, and
/// whether it ever moves to the right, where the flatter branch is.
pub fn judge(runs: &[PaperRun]) -> Finding {
    let (mut escapes, mut right, mut ended) = (0, 0.0f64, 0);
    let mut apart = [0.0f64; 2];
    for run in runs {
        let descent = &run.simulation.optimizer.theta;
        for pair in descent.windows(2) {
            right = right.max(pair[1][0].re - pair[0][0].re);
        }
        let from = ["pf", "igr"].map(|name| {
            let flow = run.flow(name);
            // A flow that ended early is compared at its last step.
            ended += usize::from(flow.note.is_some());
            let last = flow.theta.len().min(descent.len()) - 1;
            (descent[last][0] - flow.theta[last][0]).norm()
        });
        apart = [apart[0].max(from[0]), apart[1].max(from[1])];
        // A distance of NaN counts as apart.
        escapes += usize::from(from.iter().all(|&d| d.is_nan() || d > APART));
    }
    let parts = [(!runs.is_empty()).then_some(escapes > 0)];
    let seen = format!(
        "of {} runs of {STEPS} steps from starts on both branches, h = 0.5 and 0.85, gradient descent ends more than 1 away from \
         both flows in {escapes}; at the end it is at most {:.1e} from PF and {:.1e} from IGR",
        runs.len(),
        apart[0],
        apart[1]
    );
    let decides = format!("{escapes} of {} runs; one is enough", runs.len());
    let more = format!(
        "the largest move of gradient descent to the right is {} (E' = 1 - sin x is never negative on the cosine \
         branch); {ended} flows ended early",
        number(right)
    );
    let title = format!(
        "gradient descent does not escape the cosine branch: all {} runs end where the principal flow and IGR do",
        runs.len()
    );
    Finding::new(&parts, seen, decides).with(more).titled_unless_it_holds(title)
}
