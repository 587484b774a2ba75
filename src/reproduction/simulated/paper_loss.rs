//! What the figures share: a loss, and simulations on it.

use crate::simulation::{Framing, Landscape, csv_of_runs};
use bea_flow::flow::{FlowName, Problem, Request, Simulation, Trajectory, simulate};
use bea_flow::loss::{self, Loss};
use bea_plot::{Figure, Panel};
use bea_series::series::GeneralLinearMethod;
use bea_series::text::source::Source;
use nalgebra::{DMatrix, SymmetricEigen};
use num_complex::Complex64;
use std::collections::BTreeMap;

/// One simulation of a figure.
#[derive(Clone, Debug)]
pub struct PaperRun {
    /// `h = 0.9`; the first column of its rows and the title of its panel.
    pub label: String,
    /// Gradient descent and its flows.
    pub simulation: Simulation,
}

/// How far a flow is from gradient descent.
pub(super) struct Reach {
    /// The largest distance over all steps that both reach.
    pub largest: f64,
    /// The same, divided by the size of the iterate where that exceeds 1.
    pub relative: f64,
    /// Whether it reaches the last step.
    pub complete: bool,
    /// How many steps it reaches.
    pub steps: usize,
}

impl PaperRun {
    /// The trajectory of that name, which the figure has asked for.
    pub(super) fn flow(&self, name: &str) -> &Trajectory {
        self.simulation.find(name).expect("the figure asked for this flow")
    }

    pub(super) fn reach(&self, name: &str) -> Reach {
        let flow = self.flow(name);
        let sizes = self.simulation.optimizer.theta.iter().map(|theta| norm(theta).max(1.0));
        let distances = self.simulation.distances(flow);
        // Distances that are not numbers count as infinite.
        let number = |d: f64| if d.is_nan() { f64::INFINITY } else { d };
        let relative = distances.iter().zip(sizes).map(|(d, size)| number(d / size));
        Reach {
            relative: relative.fold(0.0, f64::max),
            largest: distances.iter().map(|d| number(*d)).fold(0.0, f64::max),
            complete: flow.note.is_none() && flow.t.len() >= self.simulation.optimizer.t.len(),
            steps: flow.t.len() - 1,
        }
    }

    /// How often the real part of a coordinate passes `center`, along the curve of a flow or from
    /// step to step.
    pub(super) fn crossings(&self, name: &str, coordinate: usize, center: f64) -> usize {
        let flow = self.flow(name);
        let values: Vec<f64> = if flow.path.is_empty() {
            flow.theta.iter().map(|theta| theta[coordinate].re - center).collect()
        } else {
            flow.path.iter().map(|(_, theta)| theta[coordinate].re - center).collect()
        };
        // Rounding at the minimum is no crossing.
        let values: Vec<f64> = values.into_iter().filter(|x| x.abs() > 1e-9).collect();
        values.windows(2).filter(|pair| pair[0] * pair[1] < 0.0).count()
    }
}

/// A loss of the paper, with the simulations on it.
pub(super) struct PaperLoss {
    pub loss: Loss,
    pub problem: Problem,
}

impl PaperLoss {
    pub fn library(name: &str) -> PaperLoss {
        PaperLoss::of(loss::find(name, &BTreeMap::new()).expect("the library has this loss"))
    }

    pub fn formula(text: &str) -> PaperLoss {
        let loss = Loss::parse(&Source::new("formula", text), &BTreeMap::new());
        PaperLoss::of(loss.expect("the formula is valid"))
    }

    fn of(loss: Loss) -> PaperLoss {
        let problem = Problem::of_loss(loss.graph(), loss.expression(), loss.variables.len());
        PaperLoss { loss, problem }
    }

    pub fn run(&self, label: impl Into<String>, start: &[f64], request: &Request) -> PaperRun {
        let method = GeneralLinearMethod::euler();
        let simulation = simulate(&self.problem, "gradient_descent", &method, start, request);
        let simulation = simulation.expect("the figure's parameters make sense");
        PaperRun { label: label.into(), simulation }
    }

    /// The Hessian at a real point.
    pub fn hessian(&self, point: &[f64]) -> DMatrix<f64> {
        let d = point.len();
        let mut jacobian = DMatrix::zeros(d, d);
        self.problem.jacobian(&complex(point), &mut jacobian).expect("a formula");
        jacobian.map(|z: Complex64| -z.re)
    }

    /// `λ_0`.
    pub fn largest_eigenvalue(&self, point: &[f64]) -> f64 {
        SymmetricEigen::new(self.hessian(point)).eigenvalues.max()
    }

    /// The landscape with a run, in two dimensions.
    pub fn contours(&self, run: &PaperRun) -> Panel {
        Panel { title: run.label.clone(), ..self.landscape().contours(&run.simulation) }
    }

    /// A part of it, in two dimensions.
    pub fn contours_in(&self, run: &PaperRun, ranges: [(f64, f64); 2]) -> Panel {
        let near = Landscape { framing: Framing::Box(ranges.into()), ..self.landscape() };
        Panel { title: run.label.clone(), ..near.contours(&run.simulation) }
    }

    /// A part of it, in one dimension.
    pub fn curve_in(&self, run: &PaperRun, range: (f64, f64)) -> Panel {
        let near = Landscape { framing: Framing::Box(vec![range]), ..self.landscape() };
        Panel { title: run.label.clone(), ..near.curve(&run.simulation) }
    }

    /// The part of it where the run goes, in two dimensions.
    pub fn contours_near(&self, run: &PaperRun) -> Panel {
        let near = Landscape { framing: Framing::Trajectories, ..self.landscape() };
        Panel { title: run.label.clone(), ..near.contours(&run.simulation) }
    }

    /// The landscape with a run, in one dimension.
    pub fn curve(&self, run: &PaperRun) -> Panel {
        Panel { title: run.label.clone(), ..self.landscape().curve(&run.simulation) }
    }

    /// The complex plane with a run, in one dimension.
    pub fn plane(&self, run: &PaperRun) -> Panel {
        Panel { title: run.label.clone(), ..self.landscape().complex_plane(&run.simulation) }
    }

    fn landscape(&self) -> Landscape<'_> {
        Landscape {
            problem: &self.problem,
            variables: &self.loss.variables,
            domain: &self.loss.domain,
            minima: &self.loss.minima,
            framing: Framing::All,
            aspect: Figure::aspect(2),
        }
    }

    /// All runs as a table.
    pub fn table(&self, runs: &[PaperRun]) -> String {
        let labelled = runs.iter().map(|run| (run.label.as_str(), &run.simulation));
        csv_of_runs(labelled, &self.loss.variables)
    }
}

/// Gradient descent with these flows, with curves.
pub(super) fn request(lr: f64, steps: usize, flows: &[FlowName]) -> Request {
    Request { lr, steps, flows: flows.to_vec(), samples_per_step: 16, ..Request::default() }
}

pub(super) fn complex(point: &[f64]) -> Vec<Complex64> {
    point.iter().map(|&x| x.into()).collect()
}

pub(super) fn norm(x: &[Complex64]) -> f64 {
    x.iter().map(Complex64::norm_sqr).sum::<f64>().sqrt()
}
