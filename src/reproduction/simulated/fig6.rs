//! Figure 6: Rosenbrock's function.

use super::judged::Judged;
use super::paper_loss::{PaperLoss, PaperRun, request};
use crate::reproduction::caption::number;
use crate::reproduction::judgement::Finding;
use crate::simulation::distances;
use bea_flow::flow::FlowName::{
    ImplicitRegularization, NegativeGradient, Principal, PrincipalWith,
};
use bea_flow::flow::{Branch, Request};
use bea_plot::{Figure, Panel};
use rayon::prelude::*;

/// The paper gives no start; this is Rosenbrock's.
const START: [f64; 2] = [-1.2, 1.0];
const STEPS: usize = 30;
/// A flow tracks gradient descent if its distance stays below this share of how far the latter moves.
const TRACKS: f64 = 0.1;
/// It captures the general trajectory if its distance stays below this share.
const CAPTURES: f64 = 0.5;
/// `hλ0` of the starts that count as near `2/h`.
const NEAR: (f64, f64) = (1.5, 2.5);
const MIDDLE: f64 = 0.0017;
const LARGE: f64 = 0.005;
/// How the paper integrates.
const PAPER: &str = "integrated as in the paper (Euler steps of 5e-5 on the principal branch)";

/// Runs the figure.
pub fn run() -> Judged {
    let loss = PaperLoss::library("rosenbrock");
    let flows = [NegativeGradient, ImplicitRegularization, Principal, PrincipalWith(2)];
    let of = |h: f64| loss.run(format!("h = {h}"), &START, &request(h, STEPS, &flows));
    let as_paper = |h: f64| {
        let request = as_in_the_paper(request(h, STEPS, &flows));
        loss.run(format!("h = {h} {PAPER}"), &START, &request)
    };
    let runs = vec![of(0.0006), of(MIDDLE), as_paper(MIDDLE), of(LARGE), as_paper(LARGE)];
    let near = request(MIDDLE, STEPS, &[NegativeGradient, ImplicitRegularization, Principal]);
    let near = Request { samples_per_step: 0, ..near };
    let near = [near.clone(), as_in_the_paper(near)].map(|request| near_runs(&loss, &request));
    let finding = judge(&runs, &near, loss.largest_eigenvalue(&START));
    // The paper shows its three learning rates; those by its own way to integrate are in the table.
    let shown: Vec<&PaperRun> = runs.iter().filter(|run| !run.label.contains(PAPER)).collect();
    let mut panels: Vec<Panel> = shown.iter().map(|run| loss.contours_near(run)).collect();
    panels.extend(shown.iter().map(|run| distances(&run.simulation)));
    let figure = Figure { panels, columns: shown.len(), ..Figure::default() };
    Judged { figure, csv: loss.table(&runs), finding }
}

/// The same with the paper's method: fixed Euler steps and the principal branch, which step over branch points.
fn as_in_the_paper(request: Request) -> Request {
    Request { euler: Some(5e-5), branch: Branch::Principal, ..request }
}

/// Runs from a grid of starts where `λ0` is near `2/h` and gradient descent stays finite.
fn near_runs(loss: &PaperLoss, request: &Request) -> Vec<PaperRun> {
    let starts = (0..17).flat_map(|i| (0..17).map(move |j| (i, j)));
    let starts = starts.map(|(i, j)| [-2.0 + 0.25 * f64::from(i), -1.0 + 0.25 * f64::from(j)]);
    let near = |start: &[f64; 2]| {
        let z = MIDDLE * loss.largest_eigenvalue(start);
        NEAR.0 <= z && z <= NEAR.1
    };
    let starts: Vec<[f64; 2]> = starts.filter(near).collect();
    let runs = starts
        .par_iter()
        .map(|start| loss.run(format!("from {} {}", start[0], start[1]), start, request));
    runs.filter(|run| run.simulation.optimizer.note.is_none()).collect()
}

/// The largest distance of gradient descent from its start.
fn extent(run: &PaperRun) -> f64 {
    let theta = &run.simulation.optimizer.theta;
    let from_start = |x: &Vec<num_complex::Complex64>| {
        x.iter().zip(&theta[0]).map(|(a, b)| (a - b).norm_sqr()).sum::<f64>().sqrt()
    };
    theta.iter().map(from_start).fold(0.0, f64::max)
}

fn tracks(run: &PaperRun, flow: &str, part: f64) -> bool {
    let reach = run.reach(flow);
    reach.complete && reach.largest <= part * extent(run)
}

fn text(run: &PaperRun, flow: &str) -> String {
    let reach = run.reach(flow);
    let end =
        if reach.complete { String::new() } else { format!(" (it ends at step {})", reach.steps) };
    format!("{}{end}", number(reach.largest))
}

/// The parts of the claim, for both ways to integrate: near `2/h` the principal flow tracks, from our
/// start and from most starts of `near`; far above it does not track, another term keeps it from
/// running away, and that flow captures the general trajectory. `runs` are those of [`run`], `near`
/// those of the grid for both ways to integrate, `eigenvalue` is the one at the start of `runs`.
pub fn judge(runs: &[PaperRun], near: &[Vec<PaperRun>], eigenvalue: f64) -> Finding {
    let mut texts = Vec::new();
    let mut parts = Vec::new();
    for run in runs {
        let lr = run.simulation.lr;
        if lr == MIDDLE {
            parts.push((format!("PF tracks with {}", run.label), tracks(run, "pf", TRACKS)));
        } else if lr == LARGE {
            let np = run.reach("pf+np:2");
            parts.extend([
                (format!("PF does not track with {}", run.label), !tracks(run, "pf", TRACKS)),
                (
                    format!("PF with the term stays within ten times the way with {}", run.label),
                    np.complete && np.largest < 10.0 * extent(run),
                ),
                (
                    format!("PF with the term stays within half of the way with {}", run.label),
                    tracks(run, "pf+np:2", CAPTURES),
                ),
            ]);
        }
        let flows = [("NGF", "ngf"), ("PF", "pf"), ("PF with the term", "pf+np:2")];
        let flows = flows.map(|(name, flow)| format!("{name} {}", text(run, flow)));
        texts.push(format!(
            "{} (hλ₀ = {:.2} at the start, gradient descent moves {:.2}): {}",
            run.label,
            lr * eigenvalue,
            extent(run),
            flows.join(", ")
        ));
    }
    let mut tracked = Vec::new();
    for (runs, way) in near.iter().zip(["", PAPER]) {
        let count = |flow| runs.iter().filter(|run| tracks(run, flow, TRACKS)).count();
        let (pf, ngf) = (count("pf"), count("ngf"));
        let ended = runs.iter().filter(|run| !run.reach("pf").complete).count();
        let closer = runs.iter().filter(|run| {
            let [pf, ngf] = ["pf", "ngf"].map(|name| run.reach(name));
            pf.complete && pf.largest < ngf.largest
        });
        let closer = closer.count();
        tracked.push(format!("{pf} of {}", runs.len()));
        let way = if way.is_empty() { String::new() } else { format!(" {way}") };
        let label = format!("h = {MIDDLE}{way}");
        let most = format!("PF tracks from most starts where λ₀ is near 2/h with {label}");
        parts.push((most, 2 * pf > runs.len()));
        texts.push(format!(
            "{}, {} starts on a grid with hλ₀ from {} to {}: PF stays within a tenth of the way \
             of gradient descent from {pf}, NGF from {ngf}; PF is closer than NGF from {closer} and \
             ends early from {ended}",
            label,
            runs.len(),
            NEAR.0,
            NEAR.1
        ));
    }
    let met = parts.iter().filter(|(_, holds)| *holds).count();
    let listed = parts.iter().enumerate().map(|(i, (text, holds))| {
        format!("({}) {text}: {}", i + 1, if *holds { "yes" } else { "no" })
    });
    let listed = listed.collect::<Vec<_>>().join("; ");
    let ours = |h: f64| runs.iter().find(|run| run.simulation.lr == h);
    let far = |h: f64, flow: &str| ours(h).map_or_else(String::new, |run| text(run, flow));
    let moves = |h: f64| number(ours(h).map_or(f64::NAN, extent));
    let seen = format!(
        "over {STEPS} steps with h = {MIDDLE}, where λ₀ is near 2/h, gradient descent moves {} away from its start and PF {} away \
         from it; with h = {LARGE}, where λ₀ is far above, gradient descent moves {}, PF {} and PF with the term {} away from \
         it; from other starts where λ₀ is near 2/h, PF stays within a tenth of that way in {} cases, first \
         with our and then with the paper's way to integrate",
        moves(MIDDLE),
        far(MIDDLE, "pf"),
        moves(LARGE),
        far(LARGE, "pf"),
        far(LARGE, "pf+np:2"),
        tracked.join(" and ")
    );
    let decides = format!(
        "{met} of {} statements hold, of which all must; a flow tracks gradient descent if it reaches the last step and is never \
         further from it than a tenth of its way, that is of the largest distance of gradient descent from its start",
        parts.len()
    );
    let parts: Vec<bool> = parts.into_iter().map(|(_, holds)| holds).collect();
    let more = format!(
        "the statements: {listed}; largest distances to gradient descent: {}",
        texts.join("; ")
    );
    Finding::new(&parts, seen, decides).with(more)
}
