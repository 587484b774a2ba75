//! The effective start: the point from which the modified flow follows the iterates.
//!
//! An optimizer starts its buffers at zero, not on the slow manifold. After a transient its iterates
//! follow the modified flow all the same, but from another point than `θ_0`. Let the weights of
//! [`super::derive`] be **exponential** polynomials `Σ ν^p r^ν`, `r` a product of roots of the
//! recurrence, with the given initial values in the place of polynomiality:
//!
//! ```text
//! e_l([τ1, …, τm]) = Π_j Z_l(τj)                     pointwise in ν
//! s_{ν+1}(τ)       = A s_ν + B e_ν,  s_0 given
//! Z_l(τ)           = C s(τ) + D e(τ)
//! ```
//!
//! The part with `r = 1` is what remains when the transient is over. The modified flow passes through
//! it, so its value at `ν = 0` is the weight `a(τ)` of the effective start
//! `θ̂_0 = θ_0 + Σ_τ h^|τ| a(τ)/σ(τ) F(τ)(θ_0)`. For heavy ball, `θ̂_0 = θ_0 - h m/(1-m)² f + …`.

mod roots;
mod sequence;
mod spectrum;

use super::{BSeries, Combination, GeneralLinearMethod, MethodError, Stage};
use crate::exact::{Rational, RationalFunction, Scalar};
use crate::tree::{TreeId, TreeTable};
use sequence::{Rates, Sequence};
use spectrum::Spectrum;
use std::sync::Arc;

/// How an optimizer starts: its step, the first one where that is another, and its buffers before it.
/// Every buffer starts at rest, at what it keeps where all fields are zero, or on the slow manifold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Start {
    /// The step.
    pub method: GeneralLinearMethod,
    /// The stages and the update of the first step, where they are others.
    pub first: Option<(Vec<Stage>, Vec<Combination>)>,
    /// Of each state, whether it starts on the slow manifold: as if the optimizer had been running before.
    pub settled: Vec<bool>,
}

/// Why there is no effective start in closed form.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StartError {
    /// There is no modified field either.
    #[error(transparent)]
    Method(#[from] MethodError),
    /// A buffer has a value of its own.
    #[error(
        "`{name}` starts at {found}, and rests at {rest} where the fields are zero: the iterates then move \
         away from the start by more than a multiple of the step, and no series around it follows them"
    )]
    AwayFromRest {
        /// The buffer.
        name: String,
        /// Where it starts.
        found: String,
        /// Where it rests.
        rest: String,
    },
    /// The transient has no closed form.
    #[error(
        "the transient of {space} has no closed form: the roots of its recurrence, those of {polynomial}, \
         are no rational functions of the parameters"
    )]
    Irrational {
        /// Name of the space.
        space: String,
        /// The factor of the characteristic polynomial, in `r`.
        polynomial: String,
    },
    /// Part of the transient does not decay.
    #[error(
        "the transient never ends: a product of roots of the recurrence other than 1 is 1, so what \
         decays cannot be told from what stays"
    )]
    Resonant,
}

impl Start {
    /// Whether the effective start is the start, since there are neither buffers nor a first step of its own.
    pub fn is_at_parameters(&self) -> bool {
        self.method.states.len() == self.method.spaces.len() && self.first.is_none()
    }

    /// The weights `a(τ)` of the effective start `θ̂_0 = θ_0 + Σ_τ h^|τ| a(τ)/σ(τ) F(τ)(θ_0)`; `h` stands in
    /// `a` where the method keeps it as a parameter, and is 1 otherwise.
    ///
    /// # Errors
    /// See [`StartError`].
    ///
    /// ```
    /// use bea_series::{optimizer, tree::TreeTable};
    /// let heavy_ball = optimizer::find("heavy_ball").unwrap().program(&Default::default()).unwrap();
    /// let start = heavy_ball.start()?.series(TreeTable::all(1, 3).into())?;
    /// let a = start.at(&"[]".parse().unwrap()).unwrap();
    /// assert_eq!(a.display(&["m".into()]), "-m/(1-m)^2");
    /// # Ok::<(), bea_series::series::StartError>(())
    /// ```
    pub fn series(&self, trees: Arc<TreeTable>) -> Result<BSeries<RationalFunction>, StartError> {
        self.series_at(trees, 0)
    }

    /// The weights of what the transient leaves of the parameters after `step` steps: the effective start,
    /// followed for the time `step h` by the modified flow.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn series_at(
        &self,
        trees: Arc<TreeTable>,
        step: u32,
    ) -> Result<BSeries<RationalFunction>, StartError> {
        if step == 0 && self.is_at_parameters() {
            super::engine::recurrences(&self.method)?;
            return Ok(BSeries::identity(trees));
        }
        if self.method.parameters.is_empty() {
            let weights = self.weights::<Rational>(&trees, step)?;
            let weights = weights.into_iter().map(|a| num_rational::BigRational::from(a).into());
            Ok(BSeries::with_weights(&trees, RationalFunction::one(), weights.collect()))
        } else {
            let weights = self.weights(&trees, step)?;
            Ok(BSeries::with_weights(&trees, RationalFunction::one(), weights))
        }
    }

    fn weights<S: Coefficient>(&self, trees: &TreeTable, step: u32) -> Result<Vec<S>, StartError> {
        let mut solver = Solver::<S>::new(self, trees)?;
        let initial = if self.settled.iter().any(|&settled| settled) {
            let manifold = solver.run(None)?;
            solver.initial(&manifold)
        } else {
            let at_rest = |tree| vec![S::zero(); solver.spaces[solver.space(tree)].states.len()];
            (0..trees.len() as TreeId).map(at_rest).collect()
        };
        let step = S::integer(step.into());
        let states = solver.run(Some(&initial))?;
        Ok(states.iter().map(|states| states[0].lasting(&step)).collect())
    }
}

/// The numbers that the weights are: rational, or functions of the parameters.
trait Coefficient: Scalar {
    fn of(value: &RationalFunction) -> Self;
}

impl Coefficient for RationalFunction {
    fn of(value: &RationalFunction) -> Self {
        value.clone()
    }
}

impl Coefficient for Rational {
    fn of(value: &RationalFunction) -> Self {
        value.as_rational().expect("there are no parameters").into()
    }
}

/// A linear combination of states and stages of one space.
struct Row<S> {
    states: Vec<S>,
    stages: Vec<S>,
}

impl<S: Coefficient> Row<S> {
    fn new(line: &Combination, states: &[usize]) -> Row<S> {
        Row {
            states: states.iter().map(|&i| S::of(&line.states[i])).collect(),
            stages: line.stages.iter().map(S::of).collect(),
        }
    }

    fn at(&self, states: &[S], stages: &[S]) -> S {
        dot(&self.states, states).plus(&dot(&self.stages, stages))
    }
}

/// The update and the points of all stages in one space, of one step.
struct Lines<S> {
    update: Vec<Row<S>>,
    points: Vec<Row<S>>,
}

struct Space<S> {
    /// Indices of its states in the method.
    states: Vec<usize>,
    /// The constant parts of the states.
    constant: Vec<S>,
    lines: Lines<S>,
    first: Option<Lines<S>>,
    spectrum: Spectrum<S>,
}

/// The states of every tree, as sequences in the step number.
struct Solver<'a, S> {
    start: &'a Start,
    trees: &'a TreeTable,
    rates: Rates<S>,
    spaces: Vec<Space<S>>,
}

impl<'a, S: Coefficient> Solver<'a, S> {
    fn new(start: &'a Start, trees: &'a TreeTable) -> Result<Self, StartError> {
        let method = &start.method;
        let mut rates = Rates::new();
        let space = |(space, recurrence): (usize, super::Recurrence)| -> Result<_, StartError> {
            let states = recurrence.states;
            let lines = |stages: &[Stage], update: &[Combination]| Lines {
                update: states.iter().map(|&i| Row::new(&update[i], &states)).collect(),
                points: stages.iter().map(|s| Row::new(&s.arguments[space], &states)).collect(),
            };
            let first = start.first.as_ref().map(|(stages, update)| lines(stages, update));
            Ok(Space {
                constant: recurrence.constant.iter().map(S::of).collect(),
                lines: lines(&method.stages, &method.update),
                first,
                spectrum: Spectrum::new(method, space, &states, &mut rates)?,
                states,
            })
        };
        let recurrences = super::engine::recurrences(method)?.into_iter().enumerate();
        let spaces = recurrences.map(space).collect::<Result<_, _>>()?;
        Ok(Solver { start, trees, rates, spaces })
    }

    fn space(&self, tree: TreeId) -> usize {
        self.start.method.fields[usize::from(self.trees.color(tree))].space
    }

    /// The states of each tree's space: those that start at `initial`, or without it those of the slow
    /// manifold through the parameters.
    fn run(&mut self, initial: Option<&[Vec<S>]>) -> Result<Vec<Vec<Sequence<S>>>, StartError> {
        let start = self.start;
        let (count, stages) = (self.trees.len(), &start.method.stages);
        let mut fields: Vec<Vec<Sequence<S>>> = Vec::with_capacity(count);
        let mut points: Vec<Vec<Sequence<S>>> = Vec::with_capacity(count);
        let mut all = Vec::with_capacity(count);
        for tree in 0..count as TreeId {
            let color = usize::from(self.trees.color(tree));
            let mut evaluated = Vec::with_capacity(stages.len());
            for (l, stage) in stages.iter().enumerate() {
                evaluated.push(match self.trees.parts(tree) {
                    _ if stage.field != color => Sequence::zero(),
                    None => Sequence::one(),
                    Some((rest, last)) => {
                        let (rest, last) = (&fields[rest as usize][l], &points[last as usize][l]);
                        self.rates.product(rest, last)?
                    }
                });
            }
            let index = self.space(tree);
            let space = &mut self.spaces[index];
            let solved = match initial {
                Some(initial) => space.from(&initial[tree as usize], &evaluated, &mut self.rates),
                None => space.manifold(&evaluated, &mut self.rates),
            };
            // Nothing is built on the largest trees.
            let at = if self.trees.size(tree) < self.trees.max_nodes() {
                space.points(&solved, &evaluated, initial.is_some(), &self.rates)
            } else {
                Vec::new()
            };
            all.push(solved);
            fields.push(evaluated);
            points.push(at);
        }
        Ok(all)
    }

    /// The values before the first step of the states of each tree's space, from those of the slow manifold
    /// through the parameters: 0 for what starts at rest.
    fn initial(&self, manifold: &[Vec<Sequence<S>>]) -> Vec<Vec<S>> {
        let of_tree = |(tree, states): (usize, &Vec<Sequence<S>>)| {
            let indices = &self.spaces[self.space(tree as TreeId)].states;
            let value = |(state, &i): (&Sequence<S>, &usize)| {
                if self.start.settled[i] { state.lasting(&S::zero()) } else { S::zero() }
            };
            states.iter().zip(indices).map(value).collect()
        };
        manifold.iter().enumerate().map(of_tree).collect()
    }
}

impl<S: Coefficient> Space<S> {
    /// The states that are `initial` before the first step.
    fn from(
        &mut self,
        initial: &[S],
        fields: &[Sequence<S>],
        rates: &mut Rates<S>,
    ) -> Vec<Sequence<S>> {
        let own = fields.iter().map(Sequence::start).max().unwrap_or(0);
        // Beyond this the roots that are 0 have no effect any more.
        let steps = own.max(usize::from(self.first.is_some())) + self.spectrum.extinction;
        let mut now = initial.to_vec();
        let mut heads = vec![Vec::with_capacity(steps); now.len()];
        for step in 0..steps {
            let at: Vec<S> = fields.iter().map(|field| rates.value(field, step)).collect();
            let lines = self.first.as_ref().filter(|_| step == 0).unwrap_or(&self.lines);
            let next = lines.update.iter().map(|line| line.at(&now, &at)).collect();
            for (head, value) in heads.iter_mut().zip(std::mem::replace(&mut now, next)) {
                head.push(value);
            }
        }
        let driven = self.driven(fields, rates);
        let mut states = self.spectrum.particular(&driven, rates);
        let beside: Vec<S> =
            now.iter().zip(&states).map(|(s, p)| s.minus(&rates.value(p, steps))).collect();
        self.spectrum.add_free(&mut states, &beside, steps);
        for (state, head) in states.iter_mut().zip(heads) {
            state.set_head(head);
        }
        states
    }

    /// The states on the slow manifold that goes through the parameters, 0, before the first step.
    fn manifold(&mut self, fields: &[Sequence<S>], rates: &mut Rates<S>) -> Vec<Sequence<S>> {
        let driven = self.driven(fields, rates);
        let mut states = self.spectrum.particular(&driven, rates);
        let shift = states[0].lasting(&S::zero());
        for (state, c) in states.iter_mut().zip(&self.constant) {
            state.add_constant(&S::zero().minus(&shift.times(c)));
        }
        states
    }

    /// What moves the states beside themselves, without what is beyond the reach of exponentials.
    fn driven(&self, fields: &[Sequence<S>], rates: &Rates<S>) -> Vec<Sequence<S>> {
        let zeros = vec![Sequence::zero(); self.states.len()];
        let line = |line: &Row<S>| rates.combination(line, &zeros, fields);
        self.lines.update.iter().map(|row| line(row).without_head()).collect()
    }

    /// The points of all stages.
    fn points(
        &self,
        states: &[Sequence<S>],
        fields: &[Sequence<S>],
        from_first: bool,
        rates: &Rates<S>,
    ) -> Vec<Sequence<S>> {
        let mut points: Vec<Sequence<S>> =
            self.lines.points.iter().map(|row| rates.combination(row, states, fields)).collect();
        if let Some(first) = self.first.as_ref().filter(|_| from_first) {
            let at = |all: &[Sequence<S>]| -> Vec<S> {
                all.iter().map(|sequence| rates.value(sequence, 0)).collect()
            };
            let (states, fields) = (at(states), at(fields));
            for (point, row) in points.iter_mut().zip(&first.points) {
                point.set_first(row.at(&states, &fields));
            }
        }
        points
    }
}

/// `Σ_i a_i b_i`.
fn dot<S: Scalar>(a: &[S], b: &[S]) -> S {
    let pairs = a.iter().zip(b).filter(|(x, y)| !x.is_zero() && !y.is_zero());
    pairs.fold(S::zero(), |sum, (x, y)| sum.plus(&x.times(y)))
}
