//! Figure 30: a cosine beside a parabola.

use super::judged::Judged;
use super::paper_loss::{PaperLoss, PaperRun, request};
use crate::reproduction::caption::number;
use crate::reproduction::judgement::Finding;
use bea_flow::flow::FlowName::{ImplicitRegularization, NegativeGradient, Principal};
use bea_flow::flow::Request;
use bea_plot::Figure;
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
        loss.run(format!("h = {h} from {start}"), &[start], &request)
    };
    let starts: Vec<(f64, f64)> = RATES
        .iter()
        .flat_map(|&h| (0..=53).map(move |i| (-9.1 + 0.25 * f64::from(i), h)))
        .collect();
    let sweep: Vec<PaperRun> = starts.into_par_iter().map(|(start, h)| run(start, h, 0)).collect();
    let finding = judge(&sweep);
    let shown: Vec<PaperRun> =
        [-0.5, 2.0].iter().flat_map(|&start| RATES.map(|h| run(start, h, 16))).collect();
    let panels = shown.iter().map(|run| loss.curve(run)).collect();
    let figure = Figure { panels, columns: 2, ..Figure::default() };
    Judged { figure, csv: loss.table(&shown), finding }
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
        "gradient descent does not escape: in {escapes} of {} runs it ends elsewhere than the principal flow and IGR",
        runs.len()
    );
    Finding::new(&parts, seen, decides).with(more).titled_unless_it_holds(title)
}
