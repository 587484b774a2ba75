//! What a simulation is asked for and what it returns.

use super::velocity::distance;
use super::{FlowName, Oscillations};
use crate::objective::Counts;
use num_complex::Complex64;

/// Which branch of the logarithm the principal flow takes where `1-hλ` is not positive.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Branch {
    /// Continued analytically along the trajectory, from `+iπ` at a real start with `hλ > 1`.
    #[default]
    Continued,
    /// The principal branch everywhere, as in the paper: the field jumps by `2πi` where `1-hλ`
    /// crosses the negative axis.
    Principal,
}

/// What the buffers of an optimizer are at the start.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Buffers {
    /// What the optimizer says: 0, unless it says otherwise.
    #[default]
    Written,
    /// What they are on the slow manifold, as if the optimizer had been running before.
    Settled,
    /// These, in the order of the optimizer: it has been running.
    Given {
        /// One vector for each.
        buffers: Vec<Vec<f64>>,
        /// How many steps were made.
        steps: usize,
    },
}

/// Where the flows of an optimizer begin whose buffers do not start settled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum FlowsFrom {
    /// At the start.
    #[default]
    Start,
    /// Those that are the optimizer's own at its effective start, which the iterates follow them from once the transient
    /// is over: see [`bea_series::series::Start`]. Those of gradient descent begin at the start.
    EffectiveStart,
}

/// Where a flow begins.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Beginning {
    /// At the start.
    #[default]
    Start,
    /// At the effective start, by its series to the order of the flow, or by its closed form.
    Effective,
    /// At the effective start by its series to this order, less than the flow's, since the objective lacks derivatives.
    Truncated(usize),
    /// At the effective start, from so many steps of the optimizer, and the flow followed back.
    Settled(usize),
    /// At the start, since there is no effective start, for this reason.
    Unsettled(String),
    /// At the midpoint of the first step: the flow is one of midpoints.
    Midpoint,
}

impl Beginning {
    /// Whether it is an effective start.
    pub fn is_effective(&self) -> bool {
        !matches!(self, Beginning::Start | Beginning::Unsettled(_) | Beginning::Midpoint)
    }
}

/// How many directions the flow `cubic` takes of a Hessian that is not assembled.
pub const DIRECTIONS: usize = 4;

/// What to simulate. [`Default`] asks for 10 steps with `h = 0.1` of the optimizer alone.
#[derive(Clone, PartialEq, Debug)]
pub struct Request {
    /// The step size `h > 0`.
    pub lr: f64,
    /// How many steps of the optimizer; a flow runs for time `steps · h`.
    pub steps: usize,
    /// The flows, beside the optimizer itself.
    pub flows: Vec<FlowName>,
    /// Relative tolerance of the integrator, a step.
    pub rtol: f64,
    /// Absolute tolerance of the integrator, a step.
    pub atol: f64,
    /// Fixed Euler steps of this size (in time) instead of the adaptive integrator: the paper's.
    pub euler: Option<f64>,
    /// Which branch of the logarithm.
    pub branch: Branch,
    /// How many directions the sum of the flow `cubic` runs over, the sharpest ones; `None` for all,
    /// or [`DIRECTIONS`] where the Hessian is not assembled. How many directions `central` has at most at the edge (16), and
    /// along how many axes `rod` keeps `Σ` (8).
    pub directions: Option<usize>,
    /// What the optimizer's buffers are at the start.
    pub buffers: Buffers,
    /// Where flows begin beside buffers that do not start settled.
    pub flows_from: FlowsFrom,
    /// How many points an optimizer step [`Trajectory::path`] has; 0 for none.
    pub samples_per_step: usize,
}

impl Default for Request {
    fn default() -> Request {
        Request {
            lr: 0.1,
            steps: 10,
            flows: Vec::new(),
            rtol: 1e-10,
            atol: 1e-12,
            euler: None,
            branch: Branch::default(),
            directions: None,
            buffers: Buffers::default(),
            flows_from: FlowsFrom::default(),
            samples_per_step: 0,
        }
    }
}

/// One trajectory, sampled at the times `0, h, 2h, …` of the optimizer's steps, the start included.
#[derive(Clone, PartialEq, Debug)]
pub struct Trajectory {
    /// `gd` for gradient descent, the optimizer's name for others, or the flow's name.
    pub name: String,
    /// The times `nh`.
    pub t: Vec<f64>,
    /// The parameters at these times. They are real unless the flow leaves the real line.
    pub theta: Vec<Vec<Complex64>>,
    /// The loss there.
    pub loss: Vec<Complex64>,
    /// Where it begins.
    pub beginning: Beginning,
    /// Why the trajectory ended early, if it did: then it has fewer samples than steps.
    pub note: Option<String>,
    /// The oscillation about each of the points: that of the flows `central` and `rod`, and beside them that of the optimizer.
    pub oscillations: Option<Oscillations>,
    /// Points in between, for plots: `(t, θ)`, with [`Request::samples_per_step`] a step.
    pub path: Vec<(f64, Vec<Complex64>)>,
}

/// The trajectories of one optimizer and its flows.
#[derive(Clone, PartialEq, Debug)]
pub struct Simulation {
    /// The step size `h`.
    pub lr: f64,
    /// The optimizer itself.
    pub optimizer: Trajectory,
    /// The flows, in the order of the request.
    pub flows: Vec<Trajectory>,
    /// How often the objectives were evaluated.
    pub counts: Counts,
}

impl Simulation {
    /// The optimizer, then the flows.
    pub fn trajectories(&self) -> impl Iterator<Item = &Trajectory> {
        std::iter::once(&self.optimizer).chain(&self.flows)
    }

    /// The trajectory of that name.
    pub fn find(&self, name: &str) -> Option<&Trajectory> {
        self.trajectories().find(|flow| flow.name == name)
    }

    /// The Euclidean distance of `flow` to the optimizer at every step that both reach.
    pub fn distances(&self, flow: &Trajectory) -> Vec<f64> {
        let pairs = self.optimizer.theta.iter().zip(&flow.theta);
        pairs.map(|(a, b)| distance(a, b)).collect()
    }
}
