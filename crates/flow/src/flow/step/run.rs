//! One nonlinear step in the making.

use super::entries::Entries;
use super::matrices;
use super::nonlinear::{NonlinearStep, Operation};
use super::plan::{Group, Plan};
use crate::flow::jets::vectors::{broadcast_to, total, zero};
use crate::flow::jets::{JetError, JetSource};
use crate::loss::Number;
use crate::objective::Jet;
use bea_series::typed::{Node, NodeId};
use rayon::prelude::*;

/// So many entries are computed by one operation after the other, while they are in the cache.
const CHUNK: usize = 512;

/// So many entries are one piece of work. From [`SHARED`] entries on cores share the pieces: fewer are computed before other
/// threads have come, on a busy machine. What is computed depends on neither.
const SPAN: usize = 128 * CHUNK;
const SHARED: usize = 16 * SPAN;

/// What the operations have made so far.
pub(super) struct Run<'a, T> {
    step: &'a NonlinearStep<T>,
    plan: &'a Plan,
    pub(super) dimension: usize,
    number: Option<u64>,
    /// Numbers as one entry, and the vectors that are kept.
    made: Vec<Vec<T>>,
}

/// The vectors of a group, and what they are computed from.
struct Vectors<'v, T> {
    at: usize,
    group: &'v Group,
    /// The vectors that take the place of a state, and which.
    changed: Vec<(NodeId, usize)>,
    states: &'v [Vec<T>],
}

/// Some chunks of the vectors that a group makes, and what is made of them.
struct Span<'v, T> {
    begin: usize,
    /// Of the vectors that are kept, in their order.
    kept: Vec<&'v mut [T]>,
    /// Of the states that change in place: old entries, then new ones.
    states: Vec<&'v mut [T]>,
    /// The sums of the chunks of the group's summed vector.
    sums: &'v mut [T],
}

impl<'a, T: Number + Send + Sync> Run<'a, T> {
    /// Nothing yet, in the step of that number.
    pub fn new(
        step: &'a NonlinearStep<T>,
        plan: &'a Plan,
        dimension: usize,
        number: Option<u64>,
    ) -> Self {
        Run { step, plan, dimension, number, made: vec![Vec::new(); step.nodes.len()] }
    }

    /// All entries of a number, a state or a kept vector.
    pub fn get<'v>(&'v self, id: NodeId, states: &'v [Vec<T>]) -> &'v [T] {
        let id = self.step.resolved(id);
        match &self.step.nodes[id] {
            Operation::Other(Node::State(i), _) => &states[*i],
            _ => &self.made[id],
        }
    }

    /// What an operation has made, which is needed no more, if it has so many entries; `None` for a state.
    pub fn take(&mut self, id: NodeId, length: usize) -> Option<Vec<T>> {
        let made = &mut self.made[id];
        (made.len() == length).then(|| std::mem::take(made))
    }

    /// Every operation, group by group.
    pub fn all<S: JetSource<T>>(
        &mut self,
        states: &mut [Vec<T>],
        source: &mut S,
    ) -> Result<(), JetError<S::Error>> {
        for (at, group) in self.plan.groups.iter().enumerate() {
            for &id in &group.numbers {
                let mut out = vec![zero()];
                self.compute(id, &|x| self.get(x, states), &mut out);
                self.made[id] = out;
            }
            let sums = self.vectors(at, group, states);
            let Some(id) = group.whole else { continue };
            self.made[id] = match sums {
                Some(sums) => vec![total(&sums)],
                None => self.whole(id, states, source)?,
            };
        }
        Ok(())
    }

    /// What an operation makes of all entries.
    fn whole<S: JetSource<T>>(
        &mut self,
        id: NodeId,
        states: &mut [Vec<T>],
        source: &mut S,
    ) -> Result<Vec<T>, JetError<S::Error>> {
        Ok(match &self.step.nodes[id] {
            Operation::Other(Node::Field { point }, _) => {
                let answer = self.at(*point, states, |_, point| source.field(point));
                answer.map_err(JetError::Field)?.swap_remove(0)
            }
            Operation::Other(Node::FieldDerivative { direction }, _) => {
                let answer = self.at(*direction, states, |states, direction| {
                    let theta = Jet::new(std::mem::take(&mut states[0]));
                    // The direction is the point itself.
                    let is_theta = theta.point().is_empty();
                    let answer = source.along(if is_theta { direction } else { &theta }, direction);
                    states[0] = theta.into_point();
                    answer
                });
                answer.map_err(JetError::Field)?.swap_remove(0)
            }
            Operation::Other(Node::Entries(x), _) => {
                let x = self.get(*x, states);
                let parts: Vec<T> = match x.len() {
                    length if length < SHARED => x.chunks(CHUNK).map(total).collect(),
                    _ => x.par_chunks(CHUNK).map(total).collect(),
                };
                // A number stands for a vector of it.
                let times = if x.len() == 1 { self.dimension as i64 } else { 1 };
                vec![total(&parts) * T::from_rational(&times.into())]
            }
            Operation::Other(node, _) if matrices::is_operation(node) => {
                let (shapes, all) = (&self.step.shapes, &self.step.matrices);
                let operand = |x: NodeId| self.get(x, states);
                matrices::compute(node, id, operand, shapes, all)
                    .map_err(|fault| JetError::Matrix(id, fault))?
            }
            _ => {
                let shape = self.step.shapes[id];
                let mut out = vec![zero(); shape.length(self.dimension, &self.step.matrices)];
                self.compute(id, &|x| self.get(x, states), &mut out);
                out
            }
        })
    }

    /// What `ask` answers at a vector, which is lent to it without a copy.
    fn at<A>(
        &mut self,
        id: NodeId,
        states: &mut [Vec<T>],
        ask: impl FnOnce(&mut [Vec<T>], &Jet<T>) -> A,
    ) -> A {
        let id = self.step.resolved(id);
        if self.get(id, states).len() != self.dimension {
            let point = Jet::new(broadcast_to(self.get(id, states), self.dimension));
            return ask(states, &point);
        }
        let place =
            |run: &mut Self, states: &mut [Vec<T>], vector: Vec<T>| match &run.step.nodes[id] {
                Operation::Other(Node::State(i), _) => std::mem::replace(&mut states[*i], vector),
                _ => std::mem::replace(&mut run.made[id], vector),
            };
        let point = Jet::new(place(self, states, Vec::new()));
        let answer = ask(states, &point);
        place(self, states, point.into_point());
        answer
    }

    /// Some entries of what an operation makes.
    fn compute<'v>(&self, id: NodeId, get: &dyn Fn(NodeId) -> &'v [T], out: &mut [T])
    where
        T: 'v,
    {
        let operation = &self.step.nodes[id];
        let (number, dimension) = (self.number, self.dimension);
        pulp::Arch::new().dispatch(Entries { operation, number, dimension, get, out });
    }

    /// Operations on vectors, each after those that it needs, chunk by chunk; the sums of the chunks of a vector that
    /// only its sum is needed of.
    fn vectors(&mut self, at: usize, group: &Group, states: &mut [Vec<T>]) -> Option<Vec<T>> {
        let vectors = &group.vectors;
        if vectors.is_empty() {
            return None;
        }
        let is_kept = |id: &&NodeId| self.plan.is_kept(**id) && self.plan.in_place(**id).is_none();
        let kept: Vec<NodeId> = vectors.iter().filter(is_kept).copied().collect();
        let changed: Vec<(NodeId, usize)> =
            vectors.iter().filter_map(|id| Some((*id, self.plan.in_place(*id)?))).collect();
        let mut made: Vec<Vec<T>> = kept.iter().map(|_| vec![zero(); self.dimension]).collect();
        let mut old: Vec<Vec<T>> =
            changed.iter().map(|(_, state)| std::mem::take(&mut states[*state])).collect();
        let mut sums = vec![zero(); self.dimension.div_ceil(CHUNK)];
        let span = |(number, sums)| Span {
            begin: number * SPAN,
            kept: Vec::with_capacity(kept.len()),
            states: Vec::with_capacity(changed.len()),
            sums,
        };
        let mut spans: Vec<Span<T>> = sums.chunks_mut(SPAN / CHUNK).enumerate().map(span).collect();
        for made in &mut made {
            let parts = spans.iter_mut().zip(made.chunks_mut(SPAN));
            parts.for_each(|(span, part)| span.kept.push(part));
        }
        for old in &mut old {
            let parts = spans.iter_mut().zip(old.chunks_mut(SPAN));
            parts.for_each(|(span, part)| span.states.push(part));
        }
        let all = Vectors { at, group, changed, states };
        let slots = || -> Vec<Vec<T>> { vec![vec![zero(); CHUNK]; group.slots] };
        let run = |slots: &mut Vec<Vec<T>>, mut span: Span<T>| {
            for chunk in 0..span.sums.len() {
                self.chunk(&all, slots, &mut span, chunk);
            }
        };
        if self.dimension < SHARED {
            let mut slots = slots();
            spans.into_iter().for_each(|span| run(&mut slots, span));
        } else {
            spans.into_par_iter().for_each_init(slots, run);
        }
        let changed = all.changed;
        changed.into_iter().zip(old).for_each(|((_, state), new)| states[state] = new);
        kept.into_iter().zip(made).for_each(|(id, made)| self.made[id] = made);
        group.summed.map(|_| sums)
    }

    /// The operations of a group on the entries of one chunk of a span.
    fn chunk(&self, all: &Vectors<T>, slots: &mut [Vec<T>], span: &mut Span<T>, chunk: usize) {
        let Vectors { at, group, changed, states } = all;
        let first = chunk * CHUNK;
        let begin = span.begin + first;
        let count = CHUNK.min(self.dimension - begin);
        let own = first..first + count;
        let mut kept = span.kept.iter_mut();
        for &id in &group.vectors {
            let slot = self.plan.slot(id, *at).expect("a vector of the group");
            let mut out = std::mem::take(&mut slots[slot]);
            let operand = |x: NodeId| -> &[T] {
                let x = self.step.resolved(x);
                if let Some(slot) = self.plan.slot(x, *at) {
                    return &slots[slot][..count];
                }
                if let Operation::Other(Node::State(i), _) = &self.step.nodes[x]
                    && let Some(at) = changed.iter().position(|(_, state)| state == i)
                {
                    return &span.states[at][own.clone()];
                }
                match self.get(x, states) {
                    number @ [_] => number,
                    all => &all[begin..begin + count],
                }
            };
            self.compute(id, &operand, &mut out[..count]);
            if group.summed == Some(id) {
                span.sums[chunk] = total(&out[..count]);
            }
            if self.plan.is_kept(id) && self.plan.in_place(id).is_none() {
                let kept = kept.next().expect("one a vector");
                kept[own.clone()].clone_from_slice(&out[..count]);
            }
            slots[slot] = out;
        }
        for ((id, _), state) in changed.iter().zip(&mut span.states) {
            let slot = self.plan.slot(*id, *at).expect("a vector of the group");
            state[own.clone()].clone_from_slice(&slots[slot][..count]);
        }
    }
}
