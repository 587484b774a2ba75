//! Trajectories, one at a time.

use super::edge::measured::{self, distances};
use super::edge::{Begin, Oscillations, Path};
use super::integrate::{Integrator, Samples, integrate};
use super::setup::Setup;
use super::velocity::{Velocity, is_finite};
use super::{Beginning, FlowName, SimulateError, Stop, Trajectory, Watch};
use num_complex::Complex64;

/// How many steps of a flow through the edge of stability are one of the optimizer, where derivatives cost little; and of
/// `rod` where they cost much, or where longer steps are asked for, in which `Σ` would decay by more than it can. One does for
/// `central`, whose own step meets its constraint at its end.
const PARTS: usize = 16;
const PARTS_OF_ROD: usize = 4;

impl Setup<'_> {
    /// The optimizer.
    pub(super) fn itself(
        &self,
        name: &str,
        start: &[Complex64],
        watch: &dyn Watch,
    ) -> Result<Trajectory, SimulateError> {
        let mut states = None;
        self.iterate(name, start, watch, |_| {
            let (before, number) = match states.take() {
                Some(begun) => begun,
                None => self.numeric.begin(self.problem, start, &self.request.buffers)?,
            };
            let next = self.numeric.step(self.problem, &before, number)?;
            let theta = self.numeric.parameters(self.problem, &next);
            states = Some((next, number.map(|number| number + 1)));
            Ok(theta)
        })
    }

    /// Gradient descent, beside another optimizer.
    pub(super) fn descent(
        &self,
        start: &[Complex64],
        watch: &dyn Watch,
    ) -> Result<Trajectory, SimulateError> {
        let mut f = vec![Complex64::ZERO; start.len()];
        self.iterate(&FlowName::GradientDescent.to_string(), start, watch, |last| {
            self.problem.total(last, &mut f)?;
            let next: Vec<Complex64> =
                last.iter().zip(&f).map(|(x, f)| x + self.request.lr * f).collect();
            is_finite(&next).then_some(next).ok_or(Stop::NotFinite)
        })
    }

    /// The points of a method that makes each from the last one.
    fn iterate(
        &self,
        name: &str,
        start: &[Complex64],
        watch: &dyn Watch,
        mut next: impl FnMut(&[Complex64]) -> Result<Vec<Complex64>, Stop>,
    ) -> Result<Trajectory, SimulateError> {
        let mut points = vec![start.to_vec()];
        let mut note = None;
        for n in 0..self.request.steps {
            watch.reached(name, n);
            let point = if watch.cancelled() { Err(Stop::Cancelled) } else { next(&points[n]) };
            match point {
                Ok(point) => points.push(point),
                Err(stop) => {
                    failure(&stop)?;
                    let reason = match stop {
                        Stop::NotFinite => "the parameters are no longer finite".to_string(),
                        stop => stop.to_string(),
                    };
                    note = Some(format!("step {}: {reason}", n + 1));
                    break;
                }
            }
        }
        watch.reached(name, points.len() - 1);
        self.trajectory(name.to_string(), points, note)
    }

    /// Integrates one flow, from the parameters and slow variables at its start.
    pub(super) fn follow(
        &self,
        flow: FlowName,
        velocity: &mut dyn Velocity,
        start: &[Complex64],
        watch: &dyn Watch,
    ) -> Result<Trajectory, SimulateError> {
        let request = self.request;
        let integrator = match request.euler {
            Some(step) => Integrator::Euler(step),
            None => Integrator::Adaptive { rtol: request.rtol, atol: request.atol },
        };
        let samples = request.samples_per_step.max(1);
        let (interval, count) = (request.lr / samples as f64, request.steps * samples);
        let name = flow.to_string();
        let mut told = None;
        let mut go_on = |points: usize| {
            if told.replace(points / samples) != Some(points / samples) {
                watch.reached(&name, points / samples);
            }
            !watch.cancelled()
        };
        let Samples { points, stop } =
            integrate(velocity, start, interval, count, integrator, samples, &mut go_on);
        watch.reached(&name, points.len() / samples);
        stop.as_ref().map_or(Ok(()), |(stop, _)| failure(stop))?;
        let note = stop.map(|(stop, t)| format!("t = {t:.6}, step {:.3}: {stop}", t / request.lr));
        // The parameters alone, without slow variables.
        let dimension = self.problem.dimension();
        let all = std::iter::once(start.to_vec()).chain(points).map(|mut point| {
            point.truncate(dimension);
            point
        });
        let all: Vec<(f64, Vec<Complex64>)> =
            all.enumerate().map(|(i, p)| (i as f64 * interval, p)).collect();
        let at_steps = all.iter().step_by(samples).map(|(_, p)| p.clone()).collect();
        let mut out = self.trajectory(name, at_steps, note)?;
        if request.samples_per_step > 0 {
            out.path = all;
        }
        Ok(out)
    }

    /// Follows a flow with an oscillation.
    pub(super) fn through_the_edge(
        &self,
        flow: FlowName,
        begin: &Begin<'_>,
        start: &[Complex64],
        watch: &dyn Watch,
    ) -> Result<(Trajectory, Path), SimulateError> {
        let request = self.request;
        let start: Vec<f64> = start.iter().map(|z| z.re).collect();
        let mut state = begin(&start)?;
        let fewest = if flow == FlowName::Rod { PARTS_OF_ROD } else { 1 };
        let asked = request.euler.map(|step| (request.lr / step - 1e-9).ceil() as usize);
        let parts = match asked {
            Some(asked) => asked.max(fewest),
            None if !self.problem.is_matrix_free() => PARTS,
            None => fewest,
        };
        let name = flow.to_string();
        let samples = request.samples_per_step;
        let (mut points, mut path) = (Vec::new(), Vec::new());
        let mut at = Vec::new();
        let mut note = None;
        'steps: for n in 0..=request.steps {
            watch.reached(&name, n);
            match state.oscillation() {
                Ok(found) => {
                    let undefined = !found.loss.is_finite();
                    at.push(found);
                    if undefined {
                        points.push(complex(state.point()));
                        note = Some(format!("step {n}: {}", Stop::LossNotFinite));
                        break;
                    }
                }
                Err(stop) => {
                    failure(&stop)?;
                    note = Some(format!("step {n}: {stop}"));
                    break;
                }
            }
            points.push(complex(state.point()));
            for part in 0..parts {
                let reached = n as f64 + part as f64 / parts as f64;
                if samples > 0 {
                    path.push((reached * request.lr, complex(state.point())));
                }
                if n == request.steps {
                    break;
                }
                let moved = match watch.cancelled() {
                    true => Err(Stop::Cancelled),
                    false => state.advance(1.0 / parts as f64),
                };
                if let Err(stop) = moved {
                    failure(&stop)?;
                    note = Some(format!("step {reached:.3}: {stop}"));
                    break 'steps;
                }
            }
        }
        let mut remarks = state.remarks();
        if flow == FlowName::Rod && asked.is_some_and(|asked| asked < fewest) {
            remarks.push(format!(
                "steps of {:.3e}, a quarter of the optimizer's, and no longer ones: Σ decays by e^(-2) in one of the optimizer's, and \
                 those would not follow it",
                request.lr / parts as f64
            ));
        }
        let way = state.path();
        let beginning = match way {
            Path::Midpoint => Beginning::Midpoint,
            Path::Average => Beginning::Start,
        };
        let oscillations = Some(Oscillations { at, remarks });
        let followed = self.trajectory(name, points, note)?;
        Ok((Trajectory { path, beginning, oscillations, ..followed }, way))
    }

    /// What the optimizer's iterates do beside such flows, whose distances to the iterates' path are then known.
    pub(super) fn measure(
        &self,
        optimizer: &mut Trajectory,
        flows: &mut [(Trajectory, Option<Path>)],
        watch: &dyn Watch,
    ) -> Result<(), SimulateError> {
        let mut any = false;
        for (flow, path) in flows {
            if let (Some(path), Some(of)) = (path, flow.oscillations.as_mut().map(|o| &mut o.at)) {
                any = true;
                let found = distances(&flow.theta, &optimizer.theta, *path);
                of.iter_mut().zip(found).for_each(|(at, distance)| at.distance = distance);
            }
        }
        if !any {
            return Ok(());
        }
        let Ok(metric) = self.metric() else { return Ok(()) };
        let start: Vec<f64> = optimizer.theta[0].iter().map(|z| z.re).collect();
        let found = self
            .started(metric, &start)
            .and_then(|metric| measured::oscillations(self.problem, &metric, optimizer, watch));
        match found {
            Ok(found) => optimizer.oscillations = Some(found),
            Err(stop) => failure(&stop)?,
        }
        Ok(())
    }

    fn trajectory(
        &self,
        name: String,
        theta: Vec<Vec<Complex64>>,
        note: Option<String>,
    ) -> Result<Trajectory, SimulateError> {
        let loss = |theta: &Vec<Complex64>| match self.problem.loss(theta).map_err(Stop::from) {
            Ok(loss) => Ok(loss),
            Err(stop) => failure(&stop).map(|()| Complex64::new(f64::NAN, f64::NAN)),
        };
        let loss = theta.iter().map(loss).collect::<Result<_, _>>()?;
        let t = (0..theta.len()).map(|n| n as f64 * self.request.lr).collect();
        let beginning = Beginning::default();
        let (path, oscillations) = (Vec::new(), None);
        Ok(Trajectory { name, t, theta, loss, beginning, note, oscillations, path })
    }
}

fn complex(x: &[f64]) -> Vec<Complex64> {
    x.iter().map(|&x| x.into()).collect()
}

/// An objective that fails ends a simulation; one that is merely not defined at a point, a trajectory.
fn failure(stop: &Stop) -> Result<(), SimulateError> {
    stop.failure().map_or(Ok(()), |error| Err(SimulateError::Objective(error.clone())))
}
