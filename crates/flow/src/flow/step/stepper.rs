//! The optimizer as a simulation iterates it, linear or not.

use super::coordinates::{coordinates, split};
use super::method::{Method, Vector};
use super::nonlinear::NonlinearStep;
use crate::flow::jets::StepField;
use crate::flow::problem::{OnProblem, Point};
use crate::flow::velocity::{is_finite, is_real};
use crate::flow::{Buffers, Problem, SimulateError, Stop};
use bea_series::exact::{Rational, RationalFunction};
use bea_series::optimizer::Step;
use bea_series::typed::{Node, Program, forgetting};
use num_complex::Complex64;
use num_traits::ToPrimitive;

/// An optimizer at one step size.
pub(in crate::flow) enum Stepper {
    Linear(Box<Method>),
    Nonlinear(Box<Nonlinear>),
}

/// The step of a nonlinear optimizer, over the reals and the complex numbers.
pub(in crate::flow) struct Nonlinear {
    program: Program,
    h: Rational,
    real: NonlinearStep<f64>,
    complex: NonlinearStep<Complex64>,
}

/// The states of an optimizer, and the number of the step that they are before, counted from 1; `None` where it has been
/// running for long.
pub(in crate::flow) type Begun = (Vec<Vector>, Option<u64>);

/// How many powers of `h` the start on the slow manifold takes into account.
const SETTLED: usize = 4;

impl Stepper {
    pub(in crate::flow) fn new(step: &Step, h: f64) -> Result<Stepper, SimulateError> {
        Ok(match step {
            Step::Linear(program) => Stepper::Linear(Box::new(Method::new(program, h)?)),
            Step::Nonlinear(program) => Stepper::Nonlinear(Box::new(Nonlinear::new(program, h)?)),
        })
    }

    /// The states before the first of its steps that is simulated.
    ///
    /// # Errors
    /// If the slow manifold is not found where buffers start on it.
    pub(in crate::flow) fn begin(
        &self,
        problem: &Problem,
        theta: &[Complex64],
        buffers: &Buffers,
    ) -> Result<Begun, Stop> {
        match self {
            Stepper::Linear(method) => {
                let (states, is_first) = method.begin(problem, theta, buffers)?;
                Ok((states, is_first.then_some(1)))
            }
            Stepper::Nonlinear(step) => step.begin(problem, theta, buffers),
        }
    }

    /// One step.
    ///
    /// # Errors
    /// If implicit stages are not found, or the result is not finite.
    pub(in crate::flow) fn step(
        &self,
        problem: &Problem,
        states: &[Vector],
        number: Option<u64>,
    ) -> Result<Vec<Vector>, Stop> {
        match self {
            Stepper::Linear(method) => method.step(problem, states, number == Some(1)),
            Stepper::Nonlinear(step) => step.step(problem, states, number),
        }
    }

    /// With which factor a transient decays, a step: the size of the largest root of the buffers' recurrences where
    /// `h = 0`, beside the root 1 of the parameters, or the base of a bias correction that decays more slowly.
    ///
    /// # Errors
    /// If the roots are not found.
    pub(in crate::flow) fn forgetting(&self) -> Result<f64, Stop> {
        match self {
            Stepper::Linear(method) => method.forgetting(),
            Stepper::Nonlinear(step) => Ok(step.forgetting()),
        }
    }

    /// How many states there are.
    pub(in crate::flow) fn states(&self) -> usize {
        match self {
            Stepper::Linear(method) => method.states.len(),
            Stepper::Nonlinear(step) => step.program.states.len(),
        }
    }

    /// The parameters among the states.
    pub(in crate::flow) fn parameters(&self, problem: &Problem, states: &[Vector]) -> Vector {
        match self {
            Stepper::Linear(method) => method.parameters(problem, states),
            Stepper::Nonlinear(_) => states[0].clone(),
        }
    }

    /// The coordinates of the modified field among the states, in one vector: the parameters, then the slow variables.
    pub(in crate::flow) fn coordinates(&self, problem: &Problem, states: &[Vector]) -> Vector {
        match self {
            Stepper::Linear(method) => method.parameters(problem, states),
            Stepper::Nonlinear(step) => step.coordinates(states),
        }
    }

    /// The coordinates at `θ`, with the slow variables as they are before the first step that is simulated.
    pub(in crate::flow) fn point(&self, theta: &[Complex64], buffers: &Buffers) -> Vector {
        match self {
            Stepper::Linear(_) => theta.to_vec(),
            Stepper::Nonlinear(step) => step.coordinates(&step.given(theta, buffers)),
        }
    }

    /// `1/h Σ_{k=1}^{degree} (-1)^(k-1)/k Δ^k x_0` of the coordinates `x` of the modified field, from steps on the slow
    /// manifold.
    ///
    /// # Errors
    /// As [`step`](Self::step); and if the slow manifold is not found.
    pub(in crate::flow) fn interpolated(
        &self,
        problem: &Problem,
        point: &[Complex64],
        degree: usize,
    ) -> Result<Vector, Stop> {
        match self {
            Stepper::Linear(method) => method.interpolated(problem, point, degree),
            Stepper::Nonlinear(step) => step.interpolated(problem, point, degree),
        }
    }
}

impl Nonlinear {
    fn new(program: &Program, h: f64) -> Result<Nonlinear, SimulateError> {
        let exact = num_rational::BigRational::from_float(h).ok_or(SimulateError::StepSize(h))?;
        let h = Rational::from(exact);
        Ok(Nonlinear {
            program: program.clone(),
            real: NonlinearStep::new(program, &h)?,
            complex: NonlinearStep::new(program, &h)?,
            h,
        })
    }

    fn forgetting(&self) -> f64 {
        let number = |c: &RationalFunction| c.as_rational()?.to_f64();
        // One that is no number does not decay.
        let Ok(factors) = forgetting(&self.program) else { return 1.0 };
        let buffers = factors.iter().map(|c| number(c).map(f64::abs));
        let corrections = self.program.nodes.iter().filter_map(|node| match node {
            Node::Decay { base, factor, .. } => {
                Some(number(base).zip(number(factor)).map(|(base, factor)| base.powf(factor)))
            }
            _ => None,
        });
        buffers.chain(corrections).map(|size| size.unwrap_or(1.0)).fold(0.0, f64::max)
    }

    /// The step as a program.
    pub(in crate::flow) fn program(&self) -> &Program {
        &self.program
    }

    /// The step over the reals.
    pub(in crate::flow) fn real(&self) -> &NonlinearStep<f64> {
        &self.real
    }

    /// Whether there are states besides the coordinates of the modified field.
    pub(in crate::flow) fn has_buffers(&self) -> bool {
        self.program.states.iter().skip(1).any(|state| !state.slow)
    }

    fn coordinates(&self, states: &[Vector]) -> Vector {
        coordinates(&self.program).flat_map(|i| states[i].iter().copied()).collect()
    }

    /// The states at `θ`, buffers that start settled being 0.
    fn given(&self, theta: &[Complex64], buffers: &Buffers) -> Vec<Vector> {
        let mut states = self.complex.start(theta);
        if let Buffers::Given { buffers, .. } = buffers {
            for (state, given) in states[1..].iter_mut().zip(buffers) {
                *state = given.iter().map(|&x| x.into()).collect();
            }
        }
        states
    }

    fn begin(
        &self,
        problem: &Problem,
        theta: &[Complex64],
        buffers: &Buffers,
    ) -> Result<Begun, Stop> {
        let mut states = self.given(theta, buffers);
        match buffers {
            Buffers::Written => {
                if (0..states.len()).any(|i| self.complex.settles(i)) {
                    for (i, settled) in
                        self.settled(problem, &states, SETTLED)?.into_iter().enumerate()
                    {
                        if self.complex.settles(i) {
                            states[i] = settled;
                        }
                    }
                }
                Ok((states, Some(1)))
            }
            Buffers::Settled => Ok((self.settled(problem, &states, SETTLED)?, None)),
            Buffers::Given { steps, .. } => Ok((states, Some(*steps as u64 + 1))),
        }
    }

    /// The states on the slow manifold, where the coordinates of the modified field have these values.
    fn settled(
        &self,
        problem: &Problem,
        states: &[Vector],
        order: usize,
    ) -> Result<Vec<Vector>, Stop> {
        if !self.has_buffers() {
            return Ok(states.to_vec());
        }
        let states = match real(states) {
            Some(states) => complex(self.settled_over(problem, &states, order)?),
            None => self.settled_over(problem, states, order)?,
        };
        if states.iter().all(|s| is_finite(s)) { Ok(states) } else { Err(Stop::NotFinite) }
    }

    fn settled_over<S: Point>(
        &self,
        problem: &Problem,
        states: &[Vec<S>],
        order: usize,
    ) -> Result<Vec<Vec<S>>, Stop> {
        let field = StepField::new(&self.program, order, &self.h).map_err(|_| Stop::NotFinite)?;
        let start = field.coordinates().into_iter().map(|i| states[i].clone()).collect::<Vec<_>>();
        Ok(field.settled(&start, &mut OnProblem(problem))?)
    }

    fn step(
        &self,
        problem: &Problem,
        states: &[Vector],
        number: Option<u64>,
    ) -> Result<Vec<Vector>, Stop> {
        let source = &mut OnProblem(problem);
        let next = match real(states) {
            Some(mut next) => {
                self.real.execute(&mut next, number, source)?;
                complex(next)
            }
            None => {
                let mut next = states.to_vec();
                self.complex.execute(&mut next, number, source)?;
                next
            }
        };
        if next.iter().all(|s| is_finite(s)) { Ok(next) } else { Err(Stop::NotFinite) }
    }

    fn interpolated(
        &self,
        problem: &Problem,
        point: &[Complex64],
        degree: usize,
    ) -> Result<Vector, Stop> {
        let parts = split(&self.program, point, problem.dimension());
        let mut states = self.complex.start(&parts[0]);
        coordinates(&self.program).zip(parts).for_each(|(i, part)| states[i] = part);
        states = self.settled(problem, &states, degree)?;
        let mut points = vec![point.to_vec()];
        for _ in 0..degree {
            states = self.step(problem, &states, None)?;
            points.push(self.coordinates(&states));
        }
        let mut out = vec![Complex64::ZERO; point.len()];
        for k in 1..=degree {
            // Δ^k in place of what Δ^(k-1) were.
            for i in (k..=degree).rev() {
                let (before, after) = points.split_at_mut(i);
                after[0].iter_mut().zip(&before[i - 1]).for_each(|(a, b)| *a -= b);
            }
            let sign = if k % 2 == 1 { 1.0 } else { -1.0 };
            let weight = sign / (k as f64 * self.h.to_f64());
            out.iter_mut().zip(&points[k]).for_each(|(out, x)| *out += weight * x);
        }
        Ok(out)
    }
}

/// The states, if all of them are real.
fn real(states: &[Vector]) -> Option<Vec<Vec<f64>>> {
    let part = |state: &Vector| state.iter().map(|z| z.re).collect();
    states.iter().all(|state| is_real(state)).then(|| states.iter().map(part).collect())
}

fn complex(states: Vec<Vec<f64>>) -> Vec<Vector> {
    states.into_iter().map(|state| state.into_iter().map(Complex64::from).collect()).collect()
}
