//! Figure 6: Rosenbrock's function.

use super::run::{Reach, Scene, request};
use super::{Outcome, Run, Verdict};
use crate::experiment::distances;
use crate::flow::FlowName::{ImplicitRegularization, NegativeGradient, Principal, PrincipalWith};
use crate::flow::{Branch, Request};
use crate::plot::{Figure, Panel};

/// The paper gives no start; this is Rosenbrock's.
const START: [f64; 2] = [-1.2, 1.0];
const STEPS: usize = 30;
/// A flow tracks gradient descent if its distance stays below this part of the way of the latter.
const TRACKS: f64 = 0.1;
/// It captures the general trajectory below this one.
const CAPTURES: f64 = 0.5;

/// Runs the figure.
pub fn run() -> Outcome {
    let scene = Scene::library("rosenbrock");
    let flows = [NegativeGradient, ImplicitRegularization, Principal, PrincipalWith(2)];
    let of = |h: f64| scene.run(format!("h = {h}"), &START, &request(h, STEPS, &flows));
    let mut runs: Vec<Run> = [0.0006, 0.0017, 0.005].into_iter().map(of).collect();
    let euler = Request {
        euler: Some(5e-5),
        branch: Branch::Principal,
        ..request(0.005, STEPS, &[Principal, PrincipalWith(2)])
    };
    runs.push(scene.run("h = 0.005 Euler 5e-5 principal branch", &START, &euler));
    let (verdict, numbers) = judge(&runs, scene.largest_eigenvalue(&START));
    let mut panels: Vec<Panel> = runs.iter().map(|run| scene.contours(run)).collect();
    panels.extend(runs.iter().map(|run| distances(&run.simulation)));
    let title = "Figure 6: Rosenbrock's function from (-1.2, 1)".into();
    let figure = Figure { title, panels, columns: runs.len() };
    Outcome { figure, csv: scene.table(&runs), verdict, numbers }
}

/// The largest distance of gradient descent from its start.
fn extent(run: &Run) -> f64 {
    let theta = &run.simulation.flows[0].theta;
    let from_start = |x: &Vec<num_complex::Complex64>| {
        x.iter().zip(&theta[0]).map(|(a, b)| (a - b).norm_sqr()).sum::<f64>().sqrt()
    };
    theta.iter().map(from_start).fold(0.0, f64::max)
}

fn text(reach: &Reach) -> String {
    let end =
        if reach.complete { String::new() } else { format!(" and ends at step {}", reach.steps) };
    format!("{:.2e}{end}", reach.largest)
}

/// Two parts: near `2/h` the flow tracks; far above it does not, and the further term helps, for both
/// ways to integrate. `runs` are those of [`run`]; the eigenvalue is that at the start.
pub fn judge(runs: &[Run], eigenvalue: f64) -> (Verdict, String) {
    let mut texts = Vec::new();
    let mut parts = Vec::new();
    for (i, run) in runs.iter().enumerate() {
        let (extent, pf, np) = (extent(run), run.reach("pf"), run.reach("pf+np:2"));
        let within = |reach: &Reach, part: f64| reach.complete && reach.largest <= part * extent;
        match i {
            0 | 1 => parts.push(within(&pf, TRACKS)),
            _ => parts.extend([!within(&pf, TRACKS), within(&np, CAPTURES)]),
        }
        texts.push(format!(
            "{} (hλ0 = {:.2} at the start): PF {}, PF+NP {}, gradient descent moves {extent:.2}",
            run.label,
            run.simulation.lr * eigenvalue,
            text(&pf),
            text(&np)
        ));
    }
    let numbers = format!(
        "largest distance over {STEPS} steps from (-1.2, 1) (our start): {}",
        texts.join("; ")
    );
    (Verdict::of(&parts), numbers)
}
