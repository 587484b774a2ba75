//! Figure 5: the principal flow is exact on quadratic losses.

use super::judged::Judged;
use super::paper_loss::{PaperLoss, PaperRun, complex, norm, request};
use crate::reproduction::judgement::{Finding, Judgement};
use crate::simulation::distances;
use bea_flow::flow::FlowName::{ImplicitRegularization, NegativeGradient, Principal};
use bea_flow::flow::{Beginning, Trajectory, quadratic};
use bea_plot::{Dash, Figure, Panel, Series, Style};
use nalgebra::{DMatrix, DVector};

const STEPS: usize = 50;
const START: [f64; 2] = [1.0, 1.0];
/// A larger relative distance is not the integrator's error.
const EXACT: f64 = 1e-8;
/// The distances of rounding.
const ROUNDING: f64 = 1e-16;
/// The name of the limit of the principal flow where it has no velocity.
const LIMIT: &str = "closed form";

/// Runs the figure.
pub fn run() -> Judged {
    let runs = runs();
    let loss = PaperLoss::library("figure5");
    let finding = judge(&runs);
    let mut panels: Vec<Panel> = runs.iter().map(|run| loss.contours(run)).collect();
    panels.extend(runs.iter().map(|run| relative(distances(&run.simulation), run)));
    let figure = Figure { panels, columns: runs.len(), ..Figure::default() };
    Judged { figure, csv: loss.table(&runs), finding }
}

/// The panel of distances divided by the size of the iterate where that is above 1, with the bound that decides. The limit is also
/// where its distance is 0, which a logarithmic axis has no place for: where those of rounding are.
fn relative(mut panel: Panel, run: &PaperRun) -> Panel {
    let sizes: Vec<f64> =
        run.simulation.optimizer.theta.iter().map(|theta| norm(theta).max(1.0)).collect();
    for point in panel.series.iter_mut().flat_map(|series| &mut series.points) {
        point.1 /= sizes.get(point.0.round() as usize).copied().unwrap_or(f64::NAN);
    }
    panel.y.label = "distance / size of the iterate".into();
    let bound = vec![(0.0, EXACT), (STEPS as f64, EXACT)];
    let label = format!("{EXACT:e}, up to which counts as exact");
    panel.series.push(Series::new(label, bound, Style::soft(Dash::Dashed)));
    if run.flow("pf").note.is_some() {
        panel.note = "PF ends at once, since hλ = 1".into();
    }
    for series in panel.series.iter_mut().filter(|series| series.label == LIMIT) {
        series
            .points
            .iter_mut()
            .skip(1)
            .filter(|point| point.1.is_nan())
            .for_each(|p| p.1 = ROUNDING);
    }
    panel
}

/// The simulations: the paper's learning rates, and one beside the branch point `h = 0.5`.
pub fn runs() -> Vec<PaperRun> {
    let loss = PaperLoss::library("figure5");
    let flows = [NegativeGradient, ImplicitRegularization, Principal];
    let run = |&h: &f64| {
        let mut run = loss.run(format!("h = {h}"), &START, &request(h, STEPS, &flows));
        if run.flow("pf").note.is_some() {
            run.simulation.flows.push(closed_form(&loss, h));
        }
        run
    };
    [0.49, 0.5, 0.9, 1.05].iter().map(run).collect()
}

fn closed_form(loss: &PaperLoss, h: f64) -> Trajectory {
    let a = loss.hessian(&START);
    let (b, start) = (DVector::zeros(2), DVector::from_column_slice(&START));
    debug_assert_eq!(a, DMatrix::from_diagonal(&DVector::from_column_slice(&[2.0, 0.02])));
    let t: Vec<f64> = (0..=STEPS).map(|n| n as f64 * h).collect();
    let at = |t: &f64| match *t {
        0.0 => complex(&START),
        t => quadratic(&a, &b, &start, h, t).as_slice().to_vec(),
    };
    let theta: Vec<_> = t.iter().map(at).collect();
    let value = |theta: &Vec<_>| loss.problem.loss(theta).expect("a formula");
    let loss = theta.iter().map(value).collect();
    Trajectory {
        name: LIMIT.into(),
        t,
        theta,
        loss,
        beginning: Beginning::Start,
        note: None,
        oscillations: None,
        path: Vec::new(),
    }
}

/// Exact wherever the flow is defined; where it is not, the claim holds in part at best.
pub fn judge(runs: &[PaperRun]) -> Finding {
    let (mut texts, mut sizes, mut exact, mut largest) = (Vec::new(), Vec::new(), true, 0.0f64);
    let mut undefined = Vec::new();
    for run in runs {
        let reach = run.reach("pf");
        if run.flow("pf").note.is_some() {
            let limit = run.simulation.find(LIMIT).map(|_| {
                format!(
                    "; the limit of its closed form is {:.1e} from gradient descent",
                    run.reach(LIMIT).relative
                )
            });
            let limit = limit.unwrap_or_default();
            undefined.push(format!("; PF ends at once for {}, where hλ = 1{limit}", run.label));
        } else {
            exact &= reach.complete && reach.relative <= EXACT;
            largest = largest.max(reach.relative);
            texts.push(format!("{:.1e} ({})", reach.largest, run.label));
            sizes.push(format!("{:.1e}", reach.relative));
        }
    }
    let exact = exact && !texts.is_empty();
    let seen = format!(
        "over {STEPS} steps PF is at most {} from gradient descent, {} where the distance is divided by the size \
         of an iterate above 1{}",
        texts.join(", "),
        sizes.join(", "),
        undefined.concat()
    );
    let more = if undefined.is_empty() {
        String::new()
    } else {
        "PF has no velocity where hλ = 1, the branch point of its logarithm; the paper does not have h = 0.49, beside it".into()
    };
    let number = format!(
        "largest distance in units of the iterate {largest:.1e} where PF is defined; up to {EXACT:e} counts as exact, and \
         with every h it must be defined"
    );
    let finding = Finding::new(&[exact, exact && undefined.is_empty()], seen, number).with(more);
    let title = (finding.verdict == Judgement::InPart).then(|| {
        "the principal flow is exact on quadratics wherever it is defined, and not defined where hλ = 1".to_string()
    });
    finding.titled(title)
}
