//! An optimizer with numbers for its coefficients, and its steps on a problem.

use crate::flow::step::program::{Numbers, NumericStep};
use crate::flow::velocity::is_finite;
use crate::flow::{Buffers, Problem, SimulateError, Stop};
use crate::objective::ObjectiveError;
use bea_series::exact::RationalFunction;
use bea_series::optimizer::StepProgram;
use bea_series::series::{Combination, Recurrence};
use num_complex::Complex64;

/// A vector of one space.
pub(in crate::flow) type Vector = Vec<Complex64>;

/// A linear combination of states and stages.
pub(in crate::flow) struct Row {
    pub(in crate::flow) states: Vec<f64>,
    pub(in crate::flow) stages: Vec<f64>,
}

/// The recurrence of the states of one space: see [`Recurrence`].
pub(in crate::flow) struct Memory {
    pub(in crate::flow) states: Vec<usize>,
    pub(in crate::flow) constant: Vec<f64>,
    pub(in crate::flow) group_inverse: Vec<Vec<f64>>,
    pub(in crate::flow) projector: Vec<Vec<f64>>,
}

/// An optimizer at one step size: its step program, and the general linear method that this is.
pub(in crate::flow) struct Method {
    program: NumericStep,
    /// The space of each state.
    pub(in crate::flow) states: Vec<usize>,
    /// The field of each stage, and its arguments, one a space.
    pub(in crate::flow) stages: Vec<(usize, Vec<Row>)>,
    pub(in crate::flow) update: Vec<Row>,
    pub(in crate::flow) memories: Vec<Memory>,
    pub(in crate::flow) h: f64,
    explicit: bool,
}

impl Method {
    /// The optimizer at the step size `h`.
    ///
    /// # Errors
    /// Parameters without a value; methods that have no slow manifold.
    pub(in crate::flow) fn new(program: &StepProgram, h: f64) -> Result<Method, SimulateError> {
        let at = Numbers::new(&program.parameters, h)?;
        let method = program.with_step();
        let numbers = |row: &[RationalFunction]| -> Result<Vec<f64>, SimulateError> {
            row.iter().map(|c| at.at(c)).collect()
        };
        let row = |c: &Combination| -> Result<Row, SimulateError> {
            Ok(Row { states: numbers(&c.states)?, stages: numbers(&c.stages)? })
        };
        let stages: Vec<(usize, Vec<Row>)> = method
            .stages
            .iter()
            .map(|s| Ok((s.field, s.arguments.iter().map(row).collect::<Result<_, _>>()?)))
            .collect::<Result<_, SimulateError>>()?;
        let memory = |space| -> Result<Memory, SimulateError> {
            let r = Recurrence::new(&method, space)?;
            let matrix = |m: &[Vec<RationalFunction>]| {
                m.iter().map(|row| numbers(row)).collect::<Result<Vec<_>, _>>()
            };
            Ok(Memory {
                constant: numbers(&r.constant)?,
                group_inverse: matrix(&r.group_inverse)?,
                projector: matrix(&r.projector)?,
                states: r.states,
            })
        };
        let uses = |l: usize, arguments: &[Row]| {
            arguments.iter().any(|row| row.stages[l..].iter().any(|&d| d != 0.0))
        };
        Ok(Method {
            program: NumericStep::new(program, h)?,
            states: method.states.iter().map(|s| s.space).collect(),
            explicit: stages.iter().enumerate().all(|(l, (_, args))| !uses(l, args)),
            stages,
            update: method.update.iter().map(row).collect::<Result<_, _>>()?,
            memories: (0..method.spaces.len()).map(memory).collect::<Result<_, _>>()?,
            h,
        })
    }

    /// The states before the first of its steps that is simulated, and whether that is its first step at all.
    ///
    /// # Errors
    /// If the slow manifold is not found where buffers start on it.
    pub(in crate::flow) fn begin(
        &self,
        problem: &Problem,
        theta: &[Complex64],
        buffers: &Buffers,
    ) -> Result<(Vec<Vector>, bool), Stop> {
        let mut states = self.start(problem, theta);
        let spaces = problem.spaces().len();
        match buffers {
            Buffers::Written if self.program.is_settled() => {
                let settled = self.settled(problem, theta)?;
                for (i, (state, settled)) in states.iter_mut().zip(settled).enumerate() {
                    if self.program.settles(i) {
                        *state = settled;
                    }
                }
                Ok((states, true))
            }
            Buffers::Written => Ok((states, true)),
            Buffers::Settled => Ok((self.settled(problem, theta)?, false)),
            Buffers::Given { buffers: given, .. } => {
                for (state, given) in states[spaces..].iter_mut().zip(given) {
                    *state = given.iter().map(|&x| x.into()).collect();
                }
                Ok((states, false))
            }
        }
    }

    /// The states with which the optimizer is started at `θ`.
    pub(in crate::flow) fn start(&self, problem: &Problem, theta: &[Complex64]) -> Vec<Vector> {
        let of_space = |space: &Vec<usize>| space.iter().map(|&i| theta[i]).collect();
        let theta: Vec<Vector> = problem.spaces().iter().map(of_space).collect();
        self.program.start(&theta)
    }

    /// The parameters among the states.
    pub(in crate::flow) fn parameters(&self, problem: &Problem, states: &[Vector]) -> Vector {
        let mut theta = vec![Complex64::ZERO; problem.dimension()];
        for (space, memory) in problem.spaces().iter().zip(&self.memories) {
            for (&i, &value) in space.iter().zip(&states[memory.states[0]]) {
                theta[i] = value;
            }
        }
        theta
    }

    /// One step, the program's first one or a later one.
    ///
    /// # Errors
    /// If implicit stages are not found, or the result is not finite.
    pub(in crate::flow) fn step(
        &self,
        problem: &Problem,
        states: &[Vector],
        is_first: bool,
    ) -> Result<Vec<Vector>, Stop> {
        let mut next = states.to_vec();
        if self.explicit {
            self.program.execute(&mut next, is_first, |field, points| {
                let mut point = vec![Complex64::ZERO; problem.dimension()];
                for (space, values) in problem.spaces().iter().zip(points) {
                    space.iter().zip(*values).for_each(|(&i, x)| point[i] = *x);
                }
                Ok::<_, Stop>(Self::field(problem, field, &point)?.iter().map(|x| -x).collect())
            })?;
        } else {
            let mut stages = self.solve_stages(problem, states)?.into_iter();
            self.program.execute(&mut next, is_first, |_, _| {
                let stage = stages.next().expect("one value a stage");
                Ok::<_, Stop>(stage.into_iter().map(|x| -x).collect())
            })?;
        }
        if next.iter().all(|s| is_finite(s)) { Ok(next) } else { Err(Stop::NotFinite) }
    }

    /// The point where stage `l` is evaluated.
    pub(in crate::flow) fn point(
        &self,
        problem: &Problem,
        l: usize,
        states: &[Vector],
        stages: &[Vector],
    ) -> Vector {
        let mut point = vec![Complex64::ZERO; problem.dimension()];
        for (space, row) in self.stages[l].1.iter().enumerate() {
            let part = combine(row, states, stages, space, self, problem);
            for (&i, value) in problem.spaces()[space].iter().zip(part) {
                point[i] = value;
            }
        }
        point
    }

    /// `f_c` of stage `l` at a point.
    pub(in crate::flow) fn evaluate(
        &self,
        problem: &Problem,
        l: usize,
        point: &[Complex64],
    ) -> Result<Vector, ObjectiveError> {
        Self::field(problem, self.stages[l].0, point)
    }

    fn field(problem: &Problem, c: usize, point: &[Complex64]) -> Result<Vector, ObjectiveError> {
        let mut value = vec![Complex64::ZERO; problem.spaces()[problem.fields()[c].0].len()];
        problem.field(c, point, &mut value)?;
        Ok(value)
    }

    pub(in crate::flow) fn solve_stages(
        &self,
        problem: &Problem,
        states: &[Vector],
    ) -> Result<Vec<Vector>, Stop> {
        if !self.explicit {
            return self.implicit_stages(problem, states);
        }
        let zero = |l: &(usize, Vec<Row>)| {
            vec![Complex64::ZERO; problem.spaces()[problem.fields()[l.0].0].len()]
        };
        let mut stages: Vec<Vector> = self.stages.iter().map(zero).collect();
        for l in 0..stages.len() {
            let point = self.point(problem, l, states, &stages);
            stages[l] = self.evaluate(problem, l, &point)?;
        }
        Ok(stages)
    }
}

/// What a combination takes of the states and stages of a space.
pub(in crate::flow) fn combine(
    row: &Row,
    states: &[Vector],
    stages: &[Vector],
    space: usize,
    method: &Method,
    problem: &Problem,
) -> Vector {
    let mut out = vec![Complex64::ZERO; problem.spaces()[space].len()];
    let mut add = |c: f64, value: &[Complex64]| {
        if c != 0.0 {
            out.iter_mut().zip(value).for_each(|(out, x)| *out += c * x);
        }
    };
    for ((&c, value), &of) in row.states.iter().zip(states).zip(&method.states) {
        if of == space {
            add(c, value);
        }
    }
    for ((&c, value), (field, _)) in row.stages.iter().zip(stages).zip(&method.stages) {
        if problem.fields()[*field].0 == space {
            add(c, value);
        }
    }
    out
}
