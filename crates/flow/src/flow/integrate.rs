//! Integration of a velocity field: an adaptive embedded Runge-Kutta pair with dense output, or
//! fixed Euler steps.
//!
//! The pair is Verner's most efficient one of order 9(8), with an interpolant of order 8, of the
//! crate `differential-equations`: Verner, *Numerically optimal Runge-Kutta pairs with
//! interpolants*, Numer. Algorithms 53 (2010). Its version 0.7 of Dormand and Prince's 8(5,3) steps
//! as well, but its dense output does not: on a smooth problem, at a tolerance of 1e-12, it is off by
//! 1e-8 between the steps.

use super::Stop;
use super::velocity::{Velocity, is_finite};
use differential_equations::interpolate::Interpolation;
use differential_equations::methods::ExplicitRungeKutta;
use differential_equations::ode::{ODE, OrdinaryNumericalMethod};
use num_complex::Complex64;
use std::cell::RefCell;

/// How many steps, accepted or not, the integrator may try within one step of the optimizer.
const MAX_STEPS: usize = 20_000;

/// Nearer to the branch point of a logarithm than this the field is stiff.
const BESIDE: f64 = 1e-2;
/// How many steps, accepted or not, it may try there that are shorter than this part of a step of the
/// optimizer: passing the branch point takes about a hundred.
const MAX_BESIDE: usize = 200;
const SHORT: f64 = 1e-2;

/// How to integrate.
#[derive(Clone, Copy)]
pub(super) enum Integrator {
    /// Adaptive steps that keep the estimated error of a step below `rtol |θ| + atol`.
    Adaptive {
        /// Relative tolerance.
        rtol: f64,
        /// Absolute tolerance.
        atol: f64,
    },
    /// Euler's method with the largest steps of at most this size that hit every output time.
    Euler(f64),
}

/// Where a trajectory was at the times asked for.
pub(super) struct Samples {
    /// As many as were reached.
    pub(super) points: Vec<Vec<Complex64>>,
    /// Why it ended early, and when.
    pub(super) stop: Option<(Stop, f64)>,
}

/// The trajectory from `start` at time 0, at the times `interval, 2·interval, …, count·interval`.
/// `go_on` is told before every step how many of them are reached, and ends it by returning false.
pub(super) fn integrate(
    velocity: &mut dyn Velocity,
    start: &[Complex64],
    interval: f64,
    count: usize,
    integrator: Integrator,
    budget_every: usize,
    go_on: &mut dyn FnMut(usize) -> bool,
) -> Samples {
    let mut points = Vec::new();
    let times = Times { interval, count, budget_every };
    let outcome = match integrator {
        Integrator::Adaptive { rtol, atol } => {
            adaptive(velocity, start, &times, (rtol, atol), go_on, &mut points)
        }
        Integrator::Euler(step) => euler(velocity, start, &times, step, go_on, &mut points),
    };
    Samples { points, stop: outcome.err() }
}

struct Times {
    interval: f64,
    count: usize,
    /// How many intervals are one step of the optimizer.
    budget_every: usize,
}

type Followed = Result<(), (Stop, f64)>;

fn euler(
    velocity: &mut dyn Velocity,
    start: &[Complex64],
    times: &Times,
    step: f64,
    go_on: &mut dyn FnMut(usize) -> bool,
    points: &mut Vec<Vec<Complex64>>,
) -> Followed {
    let (mut theta, mut v) = (start.to_vec(), vec![Complex64::ZERO; start.len()]);
    let steps = (times.interval / step - 1e-9).ceil().max(1.0);
    let dt = times.interval / steps;
    for interval in 0..times.count {
        for k in 0..steps as u64 {
            let failed = |stop| (stop, interval as f64 * times.interval + k as f64 * dt);
            if !go_on(interval) {
                return Err(failed(Stop::Cancelled));
            }
            velocity.accept(&theta).map_err(failed)?;
            velocity.velocity(&theta, &mut v).map_err(failed)?;
            theta.iter_mut().zip(&v).for_each(|(x, v)| *x += dt * v);
            if !is_finite(&theta) {
                return Err(failed(Stop::NotFinite));
            }
        }
        points.push(theta.clone());
    }
    Ok(())
}

/// The velocity as the crate wants it: real and imaginary parts in turn, NaN where it is undefined.
struct System<'a> {
    velocity: RefCell<&'a mut dyn Velocity>,
    /// Why it was undefined where it first was in this step: later stages start from there.
    stop: RefCell<Option<Stop>>,
}

impl ODE<f64, Vec<f64>> for System<'_> {
    fn diff(&self, _t: f64, y: &Vec<f64>, dydt: &mut Vec<f64>) {
        let theta = complex(y);
        let mut out = vec![Complex64::ZERO; theta.len()];
        let result = if is_finite(&theta) {
            self.velocity.borrow_mut().velocity(&theta, &mut out)
        } else {
            Err(Stop::NotFinite)
        };
        let result = result.and_then(|()| is_finite(&out).then_some(()).ok_or(Stop::NotFinite));
        match result {
            Ok(()) => dydt.copy_from_slice(&real(&out)),
            Err(stop) => {
                self.stop.borrow_mut().get_or_insert(stop);
                dydt.fill(f64::NAN);
            }
        }
    }
}

fn complex(y: &[f64]) -> Vec<Complex64> {
    y.chunks_exact(2).map(|pair| Complex64::new(pair[0], pair[1])).collect()
}

fn real(theta: &[Complex64]) -> Vec<f64> {
    theta.iter().flat_map(|z| [z.re, z.im]).collect()
}

/// When and how fast a trajectory went.
struct Speeds(Vec<(f64, f64)>);

/// So many of them are kept from one step of the optimizer to the next.
const MAX_SPEEDS: usize = 1000;

impl Speeds {
    /// Whether the trajectory goes to infinity at `end`: the distance that is left there, speed times time, does not
    /// tend to 0 as it would where only the speed is infinite.
    fn blow_up(&self, end: f64, interval: f64) -> bool {
        let rest = |part: f64| {
            let time = (part * interval).max(1e3 * f64::EPSILON * end);
            let at = self.0.iter().rev().find(|(t, _)| end - t >= time)?;
            Some((end - at.0, at.1 * (end - at.0)))
        };
        let (Some((early, far)), Some((late, near))) = (rest(1e-3), rest(1e-9)) else {
            return false;
        };
        early > 10.0 * late && near > 0.5 * far
    }
}

fn adaptive(
    velocity: &mut dyn Velocity,
    start: &[Complex64],
    times: &Times,
    (rtol, atol): (f64, f64),
    go_on: &mut dyn FnMut(usize) -> bool,
    points: &mut Vec<Vec<Complex64>>,
) -> Followed {
    velocity.accept(start).map_err(|stop| (stop, 0.0))?;
    velocity.velocity(start, &mut vec![Complex64::ZERO; start.len()]).map_err(|s| (s, 0.0))?;
    let system = System { velocity: RefCell::new(velocity), stop: RefCell::new(None) };
    let end = times.count as f64 * times.interval;
    // The solver's own limits are off: `MAX_STEPS` and `MAX_BESIDE` stand for them.
    let restart = |t: f64, y: &Vec<f64>, h: f64| {
        let solver = ExplicitRungeKutta::rkv988e().rtol(rtol).atol(atol).h0(h);
        let mut solver = solver.max_steps(usize::MAX).max_rejects(usize::MAX);
        match solver.init(&system, t, end, y) {
            Ok(_) => Ok(solver),
            Err(_) => Err((system.stop.take().unwrap_or(Stop::StepSize), t)),
        }
    };
    let mut solver = restart(0.0, &real(start), 0.0)?;
    let smallest = 1e-13 * times.interval;
    let (mut tried, mut beside) = (0, 0);
    let mut speeds = Speeds(Vec::new());
    let short = SHORT * times.interval * times.budget_every as f64;
    while points.len() < times.count {
        let (before, y) = (solver.t(), solver.y().clone());
        // The field may not exist beyond the end.
        if before + solver.h() > end {
            solver.set_h(end - before);
        }
        let h = solver.h();
        if !go_on(points.len()) {
            return Err((Stop::Cancelled, before));
        }
        tried += 1;
        let reason = |otherwise| match system.stop.take() {
            // Refining the steps does not resolve a jump: the argument turns at a branch point.
            Some(Stop::Jump) => (Stop::BranchPoint, before),
            Some(stop) => (stop, before),
            None => (otherwise, before),
        };
        if h.is_nan() || h <= smallest {
            let (stop, t) = reason(Stop::StepSize);
            let collapsed = matches!(stop, Stop::StepSize | Stop::NotFinite);
            let blows_up = collapsed && speeds.blow_up(t, times.interval);
            return Err((if blows_up { Stop::BlowUp } else { stop }, t));
        }
        if tried > MAX_STEPS {
            return Err((Stop::Steps(MAX_STEPS), before));
        }
        // A trajectory that is attracted by the branch point stays beside it for good.
        let near = h < short && system.velocity.borrow().branch_distance() < BESIDE;
        beside = if near { beside + 1 } else { 0 };
        if beside > MAX_BESIDE {
            return Err((Stop::Stuck, before));
        }
        system.stop.replace(None);
        solver.step(&system).map_err(|_| reason(Stop::StepSize))?;
        // The crate would accept a step whose error estimate is NaN.
        if system.stop.borrow().is_some() {
            let stop = system.stop.take();
            // Much shorter steps would only end at the same place, and fields that are not found are
            // expensive.
            let hopeless = |stop: &Stop| {
                let unfound = matches!(stop, Stop::NoConvergence(_) | Stop::Unresolved(_));
                stop.is_final() || h < short && unfound
            };
            if let Some(stop) = stop.clone().filter(hopeless) {
                return Err((stop, before));
            }
            solver = restart(before, &y, 0.2 * h)?;
            system.stop.replace(stop);
            continue;
        }
        if solver.t() == before {
            continue;
        }
        let now = solver.t();
        let theta = complex(solver.y());
        if !is_finite(&theta) {
            return Err((Stop::NotFinite, now));
        }
        let moved =
            theta.iter().zip(complex(&y)).map(|(b, a)| (b - a).norm()).fold(0.0, f64::hypot);
        speeds.0.push((0.5 * (before + now), moved / (now - before)));
        // The step is accepted, so its samples count even if the branches cannot be continued from its end.
        while points.len() < times.count {
            let t = (points.len() + 1) as f64 * times.interval;
            if t > now + smallest {
                break;
            }
            // Interpolation loses a digit or two; at the end of a step it is not needed.
            points.push(if now - t > smallest {
                complex(&solver.interpolate(t).map_err(|_| (Stop::StepSize, now))?)
            } else {
                theta.clone()
            });
            if points.len().is_multiple_of(times.budget_every) {
                tried = 0;
                // What leads to a singularity is the last of the steps.
                let old = speeds.0.len().saturating_sub(MAX_SPEEDS);
                speeds.0.drain(..old);
            }
        }
        system.velocity.borrow_mut().accept(&theta).map_err(|stop| (stop, now))?;
    }
    Ok(())
}
