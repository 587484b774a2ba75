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
use bea_plot::{Dash, Figure, Panel, Series, Style};
use rayon::prelude::*;

/// The paper gives no start; this is Rosenbrock's.
const START: [f64; 2] = [-1.2, 1.0];
const STEPS: usize = 30;
/// So many points of a curve are drawn for each step.
const SAMPLES: usize = 16;
/// A flow tracks gradient descent if its distance stays below this share of how far the latter moves.
const TRACKS: f64 = 0.1;
/// `hλ0` of the starts that count as near `2/h`.
const NEAR: (f64, f64) = (1.5, 2.5);
const SMALL: f64 = 0.0006;
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
    let runs = vec![of(SMALL), of(MIDDLE), as_paper(MIDDLE), of(LARGE), as_paper(LARGE)];
    let near = request(MIDDLE, STEPS, &[NegativeGradient, ImplicitRegularization, Principal]);
    let near = Request { samples_per_step: 0, ..near };
    let near = [near.clone(), as_in_the_paper(near)].map(|request| near_runs(&loss, &request));
    let finding = judge(&runs, &near, loss.largest_eigenvalue(&START));
    // The paper shows its three learning rates; those by its own way to integrate are in the table.
    let shown: Vec<&PaperRun> = runs.iter().filter(|run| !run.label.contains(PAPER)).collect();
    let mut panels: Vec<Panel> = shown.iter().map(|run| loss.contours_near(run)).collect();
    let places = ["below 1/h", "near 2/h", "far above 2/h"];
    let sharpness = loss.largest_eigenvalue(&START);
    for ((panel, run), place) in panels.iter_mut().zip(&shown).zip(places) {
        let z = run.simulation.lr * sharpness;
        panel.title = format!("{}, hλ₀ = {z:.2} at the start: {place}", panel.title);
    }
    shorten(&mut panels[1]);
    panels.extend(shown.iter().map(|run| with_bound(distances(&run.simulation), run)));
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

/// The distance up to which a flow tracks gradient descent.
fn bound(run: &PaperRun) -> f64 {
    TRACKS * extent(run)
}

/// PF oscillates near `2/h`, and would cover everything with more than its first step.
fn shorten(panel: &mut Panel) {
    let principal = |series: &&mut Series| series.label.starts_with("pf");
    for series in panel.series.iter_mut().filter(principal) {
        series.points.truncate(SAMPLES + 1);
    }
}

/// A panel of distances with that one, which its axis reaches, and with where PF ends.
fn with_bound(mut panel: Panel, run: &PaperRun) -> Panel {
    let reach = run.reach("pf");
    if !reach.complete {
        panel.note = format!("PF ends at step {}", reach.steps);
    }
    panel.exits = true;
    let bound = bound(run);
    let line = vec![(0.0, bound), (STEPS as f64, bound)];
    panel.series.push(Series::new(
        "bound for PF: a tenth of gradient descent's largest distance from its start",
        line,
        Style::soft(Dash::Dashed),
    ));
    if let Some((low, _)) = &mut panel.y.range {
        *low = low.min(0.8 * bound);
    }
    panel
}

fn tracks(run: &PaperRun, flow: &str) -> bool {
    let reach = run.reach(flow);
    reach.complete && reach.largest <= bound(run)
}

fn text(run: &PaperRun, flow: &str) -> String {
    let reach = run.reach(flow);
    let end =
        if reach.complete { String::new() } else { format!(" (it ends at step {})", reach.steps) };
    format!("{}{end}", number(reach.largest))
}

/// The flow with another term.
const TERM: &str = "pf+np:2";

/// What the claim says of the two learning rates: near `2/h` the principal flow tracks, far above only with another term, so
/// with it and not without it.
fn answers(middle: &PaperRun, large: &PaperRun) -> [bool; 2] {
    [tracks(middle, "pf"), tracks(large, TERM) && !tracks(large, "pf")]
}

/// The parts of the claim, from our start; beside them, what the paper's way to integrate and other starts come to. `runs` are
/// those of [`run`], `near` those of the grid for both ways to integrate, `eigenvalue` is the one at the start of `runs`.
pub fn judge(runs: &[PaperRun], near: &[Vec<PaperRun>], eigenvalue: f64) -> Finding {
    let of = |h: f64, paper: bool| {
        let wanted = |run: &&PaperRun| run.simulation.lr == h && run.label.contains(PAPER) == paper;
        runs.iter().find(wanted)
    };
    let ours = of(SMALL, false).zip(of(MIDDLE, false)).zip(of(LARGE, false));
    let Some(((small, middle), large)) = ours else {
        return Finding::new::<bool>(&[], "the runs are missing", "");
    };
    let parts = answers(middle, large);
    let at = |run: &PaperRun| {
        format!(
            "h = {}, hλ₀ = {:.2} at the start",
            run.simulation.lr,
            run.simulation.lr * eigenvalue
        )
    };
    let seen = format!(
        "near 2/h ({}, the nearest of the three learning rates) PF is up to {} away from gradient descent; far above ({}) it is up to {} away, and PF with the term {}; \
         below 1/h ({}), PF is up to {} away, where a tenth of the way is {}",
        at(middle),
        text(middle, "pf"),
        at(large),
        text(large, "pf"),
        text(large, TERM),
        at(small),
        text(small, "pf"),
        number(bound(small))
    );
    let yes = |part: bool| if part { "yes" } else { "no" };
    let [first, second] = parts.map(yes);
    let decides = format!(
        "two statements, of which both must hold: near 2/h PF stays within {}: {first}; far above it stays within {} with the \
         term and not without it: {second}; the bounds are a tenth of the largest distance of gradient descent from its start, \
         dashed in the picture",
        number(bound(middle)),
        number(bound(large))
    );
    let mut more = Vec::new();
    if let Some((middle, large)) = of(MIDDLE, true).zip(of(LARGE, true)) {
        let answers = answers(middle, large).map(yes).join(", ");
        more.push(format!(
            "{PAPER}, the answers to the two statements are {answers}: PF {} away near 2/h and {} far above, there {} with the term",
            text(middle, "pf"),
            text(large, "pf"),
            text(large, TERM)
        ));
    }
    let count = |runs: &Vec<PaperRun>, flow| {
        let tracking = runs.iter().filter(|run| tracks(run, flow)).count();
        format!("{tracking} of {}", runs.len())
    };
    if let [ours, paper] = near {
        let [pf, ngf] = ["pf", "ngf"].map(|flow| [count(ours, flow), count(paper, flow)]);
        more.push(format!(
            "from other starts with h = {MIDDLE} and hλ₀ from {} to {}, PF stays within a tenth of the way from {}, NGF from {}, \
             and integrated as in the paper from {} and {}",
            NEAR.0, NEAR.1, pf[0], ngf[0], pf[1], ngf[1]
        ));
    }
    let far = match (tracks(large, "pf"), tracks(large, TERM)) {
        (false, true) => "only PF + non-principal term does",
        (false, false) => "neither PF nor PF + non-principal term does",
        (true, _) => "PF does, too",
    };
    let title = format!(
        "hλ₀ = {:.2} (near 2): PF {} within the bound; {:.2} (far above 2): {far}",
        middle.simulation.lr * eigenvalue,
        if parts[0] { "stays" } else { "does not stay" },
        large.simulation.lr * eigenvalue
    );
    Finding::new(&parts, seen, decides).with(more.join("; ")).titled(title)
}
