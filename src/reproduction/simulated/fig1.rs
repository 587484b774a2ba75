//! Figure 1: gradient descent oscillates where the real flows do not.

use super::judged::Judged;
use super::paper_loss::{PaperLoss, PaperRun, request};
use crate::reproduction::judgement::Judgement;
use crate::simulation::distances;
use bea_flow::flow::FlowName::{ImplicitRegularization, NegativeGradient};
use bea_plot::Figure;

const STEPS: usize = 20;

/// Runs the figure.
pub fn run() -> Judged {
    let loss = PaperLoss::library("figure5");
    let request = request(0.9, STEPS, &[NegativeGradient, ImplicitRegularization]);
    let run = loss.run("h = 0.9", &[1.0, 1.0], &request);
    let (verdict, numbers) = judge(&run);
    let panels = vec![loss.contours(&run), distances(&run.simulation)];
    let csv = loss.table(std::slice::from_ref(&run));
    let figure = Figure { panels, ..Figure::default() };
    Judged { figure, csv, verdict, numbers }
}

/// Gradient descent crosses the valley, the flows do not.
pub fn judge(run: &PaperRun) -> (Judgement, String) {
    let [gd, ngf, igr] = ["gd", "ngf", "igr"].map(|name| run.crossings(name, 0, 0.0));
    let verdict =
        if gd == 0 { Judgement::DoesNotHold } else { Judgement::of(&[ngf == 0, igr == 0]) };
    let numbers = format!(
        "x changes its sign {gd} times in {STEPS} steps of gradient descent, {ngf} times along NGF \
         and {igr} along IGR; largest distance {:.2} (NGF) and {:.2} (IGR)",
        run.reach("ngf").largest,
        run.reach("igr").largest
    );
    (verdict, numbers)
}
