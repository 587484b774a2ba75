//! The effective start numerically: some steps of the optimizer, and the flow followed back.
//!
//! What is left of the transient after `N` steps is an error of the start, and so is what the errors of the flow and of
//! rounding grow to on the way back, for a descent's flow runs apart where time runs back. So there is a best `N`: three are
//! tried, and two that follow one another have to agree. They also agree where the way back ends at the same wrong point, as at
//! one where the flow stands still: so the flow from there has to be nearer to the iterates, while the transient fades, than the
//! flow from the start itself. On a formula the way back from where `order:n` is to begin goes by a
//! flow of a higher order, so that the start has no error of the flow that then shows.

use crate::flow::integrate::{Integrator, Samples, integrate};
use crate::flow::name::MAX_ORDER;
use crate::flow::setup::{Flowing, Setup};
use crate::flow::trajectory::Beginning;
use crate::flow::velocity::{Velocity, distance};
use crate::flow::{Buffers, FlowName, SimulateError, Stop, Watch};
use num_complex::Complex64;

/// What is left of the transient after the steps that are tried.
const LEFT: [f64; 3] = [1e-4, 1e-8, 1e-12];
/// What is left of it at the steps where the flow from the start that was found is compared with the iterates.
const FADING: [f64; 3] = [1e-1, 1e-2, 1e-3];
/// The most steps that are taken on a formula.
const MAX_STEPS: usize = 10_000;
/// The most steps that are taken on other objectives, which are costly, for each step of the simulation.
const MAX_TIMES: usize = 2;
/// The integrator's steps back are at most so many, and so many more for each step of the optimizer. A smooth flow takes
/// fewer than one.
const INTEGRATED: (usize, usize) = (200, 10);
/// How many orders higher the flow is that is followed back; the next, where the ends of that do not agree.
const HIGHER: [usize; 2] = [2, 3];
/// Two starts agree if they differ by no more than this part of the way to them,
const AGREE: f64 = 0.1;
/// or by this part of the parameters, which the integrator's errors may be.
const ROUNDING: f64 = 1e-9;

/// Where the optimizer is while its transient fades, and once it is over; or why it never is.
pub(in crate::flow) struct Settling(Result<Iterates, String>);

/// Points after numbers of steps, which increase.
struct Iterates {
    fading: Vec<(usize, Vec<Complex64>)>,
    settled: Vec<(usize, Vec<Complex64>)>,
}

impl Setup<'_> {
    /// Iterates the optimizer from `θ` for as long as its transient takes.
    pub(in crate::flow) fn settling(
        &self,
        theta: &[Complex64],
        watch: &dyn Watch,
    ) -> Result<Settling, SimulateError> {
        let numbers = match self.transients() {
            Ok(numbers) => numbers,
            Err(reason) => return Ok(Settling(Err(reason))),
        };
        let found = match self.iterates(theta, &numbers, watch) {
            Ok(points) => {
                let mut fading: Vec<_> = numbers.into_iter().zip(points).collect();
                let settled = fading.split_off(FADING.len());
                Ok(Iterates { fading, settled })
            }
            Err(stop) => refused(stop)?,
        };
        Ok(Settling(found))
    }

    /// The point from which the flow gets to where the optimizer is once it has settled; the start, if none is found.
    pub(in crate::flow) fn settled_back(
        &self,
        flow: FlowName,
        start: Vec<Complex64>,
        settling: &Settling,
        watch: &dyn Watch,
    ) -> Result<(Vec<Complex64>, Beginning), SimulateError> {
        let iterates = match &settling.0 {
            Ok(iterates) => iterates,
            Err(reason) => return Ok((start, Beginning::Unsettled(reason.clone()))),
        };
        let mut reason = String::new();
        for way in self.ways_back(flow) {
            match self.agreed(way, &start, iterates, watch)? {
                Ok((point, steps)) => return Ok((point, Beginning::Settled(steps))),
                Err(why) => reason = why,
            }
        }
        Ok((start, Beginning::Unsettled(reason)))
    }

    /// Where a flow comes from that is where the optimizer has settled, as far as the numbers of steps agree, with that number.
    fn agreed(
        &self,
        flow: FlowName,
        theta: &[Complex64],
        iterates: &Iterates,
        watch: &dyn Watch,
    ) -> Result<Result<(Vec<Complex64>, usize), String>, SimulateError> {
        let size = theta.iter().map(Complex64::norm_sqr).sum::<f64>().sqrt();
        let mut last: Option<Way> = None;
        let mut best: Option<(f64, Way)> = None;
        for (steps, end) in &iterates.settled {
            let way = match self.way(flow, end, *steps, Direction::Back, watch)? {
                Ok(way) => way,
                // Farther away there is nothing better.
                Err(_) if best.is_some() => break,
                Err(reason) => return Ok(Err(reason)),
            };
            if let Some(last) = last {
                let change = distance(way.at(0), last.at(0));
                if best.as_ref().is_none_or(|(least, _)| change < *least) {
                    best = Some((change, way.clone()));
                }
            }
            last = Some(way);
        }
        let (change, way) = best.expect("there are two numbers of steps at least");
        let (start, steps) = (way.at(0), way.steps());
        let offset = distance(start, theta);
        if change > AGREE * offset + ROUNDING * size {
            return Ok(Err(format!(
                "followed back from {steps} steps it ends {offset:.1e} from the start, and differs by {change:.1e} from \
                 where it ends from fewer"
            )));
        }
        let (last, _) = iterates.fading.last().expect("there are some");
        // A flow that cannot be followed from the start itself cannot be nearer.
        if let Ok(plain) = self.way(flow, theta, *last, Direction::Forth, watch)? {
            let away = |way: &Way| {
                let distances =
                    iterates.fading.iter().map(|(n, point)| distance(way.at(*n), point));
                distances.sum::<f64>()
            };
            if away(&way) > away(&plain) + ROUNDING * size {
                return Ok(Err(format!(
                    "followed back from {steps} steps it ends {offset:.1e} from the start, and a flow from there is farther \
                     from the first {last} steps than one from the start"
                )));
            }
        }
        Ok(Ok((start.to_vec(), steps)))
    }

    /// The numbers of steps while the transient fades and once it is over: as the powers of the largest root of the recurrence beside 1 decay.
    fn transients(&self) -> Result<Vec<usize>, String> {
        let root = self.numeric.forgetting();
        let root = root.map_err(|_| "the roots of its buffers' recurrence are not found")?;
        if root >= 1.0 {
            return Err("the buffers do not settle on the slow manifold".into());
        }
        let most = match self.problem.formulas {
            Some(_) => MAX_STEPS,
            None => MAX_TIMES * self.request.steps,
        };
        // Roots that are 0 take as many steps as there are states.
        let least = self.numeric.states();
        let steps = |left: f64| least + (left.ln() / root.max(f64::MIN_POSITIVE).ln()) as usize;
        let numbers: Vec<usize> = FADING.into_iter().chain(LEFT).map(steps).collect();
        let needed = numbers[FADING.len() + 1];
        if needed > most {
            return Err(format!(
                "its buffers take {needed} steps to settle, and no more than {most} are tried"
            ));
        }
        Ok(numbers.into_iter().filter(|steps| *steps <= most).collect())
    }

    /// The parameters and slow variables after so many steps of the optimizer, for each of the numbers, which increase.
    fn iterates(
        &self,
        theta: &[Complex64],
        numbers: &[usize],
        watch: &dyn Watch,
    ) -> Result<Vec<Vec<Complex64>>, Stop> {
        let (mut states, mut number) =
            self.numeric.begin(self.problem, theta, &Buffers::Written)?;
        let mut ends = Vec::with_capacity(numbers.len());
        for made in 1..=*numbers.last().expect("some are tried") {
            if watch.cancelled() {
                return Err(Stop::Cancelled);
            }
            states = self.numeric.step(self.problem, &states, number)?;
            number = number.map(|number| number + 1);
            let times = numbers.iter().filter(|steps| **steps == made).count();
            let point = self.numeric.coordinates(self.problem, &states);
            ends.extend(std::iter::repeat_n(point, times));
        }
        Ok(ends)
    }

    /// The flow that is at `point` after so many steps, followed back, or at the start, followed for so many.
    fn way(
        &self,
        flow: FlowName,
        point: &[Complex64],
        steps: usize,
        direction: Direction,
        watch: &dyn Watch,
    ) -> Result<Result<Way, String>, SimulateError> {
        let mut velocity = match self.velocity(flow) {
            // The objective lacks the derivatives.
            Err(SimulateError::NoFlow { reason, .. }) => return Ok(Err(reason)),
            velocity => velocity?,
        };
        if direction == Direction::Back {
            velocity = Box::new(Back(velocity));
        }
        let request = self.request;
        let integrator = Integrator::Adaptive { rtol: request.rtol, atol: request.atol };
        let most = INTEGRATED.0 + INTEGRATED.1 * steps;
        let mut tried = 0;
        let mut go_on = |_| {
            tried += 1;
            tried <= most && !watch.cancelled()
        };
        let Samples { mut points, stop } =
            integrate(&mut *velocity, point, request.lr, steps, integrator, 1, &mut go_on);
        points.insert(0, point.to_vec());
        match stop {
            None => {
                if direction == Direction::Back {
                    points.reverse();
                }
                Ok(Ok(Way(points)))
            }
            Some(_) if tried > most => Ok(Err(format!(
                "no effective start is found: to follow the flow back for {steps} steps takes more than {most} \
                 steps of the integrator"
            ))),
            Some((stop, _)) => refused(stop),
        }
    }
}

impl Setup<'_> {
    /// The flows that are tried on the way back: on a formula those of higher orders, the most exact of the usual step sizes
    /// first, then the flow itself.
    fn ways_back(&self, flow: FlowName) -> Vec<FlowName> {
        match flow {
            FlowName::Order(order) | FlowName::Interpolated(order)
                if self.problem.formulas.is_some() =>
            {
                let higher = HIGHER.map(|more| FlowName::Order((order + more).min(MAX_ORDER)));
                [&higher[..], &[flow]].concat()
            }
            _ => vec![flow],
        }
    }
}

/// Why there is no start to be found, unless the objective fails.
fn refused<T>(stop: Stop) -> Result<Result<T, String>, SimulateError> {
    match stop.failure() {
        Some(error) => Err(SimulateError::Objective(error.clone())),
        None => Ok(Err(format!("no effective start is found: {stop}"))),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Direction {
    Forth,
    Back,
}

/// Where a flow is at the times of the optimizer's steps, the start first.
#[derive(Clone)]
struct Way(Vec<Vec<Complex64>>);

impl Way {
    fn steps(&self) -> usize {
        self.0.len() - 1
    }

    fn at(&self, step: usize) -> &[Complex64] {
        &self.0[step]
    }
}

/// A flow that runs back in time.
struct Back<'a>(Flowing<'a>);

impl Velocity for Back<'_> {
    fn velocity(&mut self, theta: &[Complex64], out: &mut [Complex64]) -> Result<(), Stop> {
        self.0.velocity(theta, out)?;
        out.iter_mut().for_each(|x| *x = -*x);
        Ok(())
    }

    fn accept(&mut self, theta: &[Complex64]) -> Result<(), Stop> {
        self.0.accept(theta)
    }

    fn branch_distance(&self) -> f64 {
        self.0.branch_distance()
    }
}
