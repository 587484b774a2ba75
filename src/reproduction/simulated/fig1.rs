//! Figure 1: gradient descent oscillates where the real flows do not.

use super::judged::Judged;
use super::paper_loss::{PaperLoss, PaperRun, request};
use crate::reproduction::judgement::Finding;
use crate::simulation::distances;
use bea_flow::flow::FlowName::{ImplicitRegularization, NegativeGradient};
use bea_plot::Figure;

const STEPS: usize = 20;

/// Runs the figure.
pub fn run() -> Judged {
    let loss = PaperLoss::library("figure5");
    let request = request(0.9, STEPS, &[NegativeGradient, ImplicitRegularization]);
    let run = loss.run("h = 0.9", &[1.0, 1.0], &request);
    let finding = judge(&run);
    let panels =
        vec![loss.contours_in(&run, [(-1.1, 1.1), (0.6, 1.03)]), distances(&run.simulation)];
    let csv = loss.table(std::slice::from_ref(&run));
    let figure = Figure { panels, ..Figure::default() };
    Judged { figure, csv, finding }
}

/// Gradient descent crosses the valley, the flows do not.
pub fn judge(run: &PaperRun) -> Finding {
    let [gd, ngf, igr] = ["gd", "ngf", "igr"].map(|name| run.crossings(name, 0, 0.0));
    let parts = if gd == 0 { vec![false] } else { vec![ngf == 0, igr == 0] };
    let seen = format!(
        "the sign of x changes {gd} times in {STEPS} steps of gradient descent, {ngf} times along NGF and {igr} times along \
         IGR; they are up to {:.2} and {:.2} away from it",
        run.reach("ngf").largest,
        run.reach("igr").largest
    );
    let decides = format!(
        "{ngf} and {igr} changes of the sign along the flows, which must have none, {gd} in gradient descent, which must have some"
    );
    Finding::new(&parts, seen, decides)
}
