//! Shapes, inferred from the input through the layers.

use super::error::{ArchitectureError, LayerError};
use super::inferred::plain;
use super::parameters::MOST;
use super::plan::{INPUT, LayerKind, Plan, Reference};
use super::{Criterion, Join, Layer};
use bea_series::text::near;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What a layer is given: a shape, and where it comes from.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) shape: Vec<usize>,
    /// `layer 2 gives`, or `the input is`.
    pub(super) from: String,
    /// Which numbers of the input it is, if it is a part of it, which may be whole numbers.
    pub(super) read: Option<Range<usize>>,
}

/// Layers with their shapes.
pub(super) struct Resolved {
    pub(super) layers: Vec<Layer>,
    /// The shape of what they give.
    pub(super) outputs: Vec<usize>,
    /// The numbers that all of them give together.
    pub(super) activations: usize,
}

/// What is known on the way through the layers.
struct Way {
    /// What the layers so far give, by name.
    given: BTreeMap<String, Given>,
    /// Those that later layers refer to.
    wanted: BTreeSet<String>,
    /// Whose parameters layers take that have none of their own.
    owners: BTreeMap<String, String>,
    /// How often the layers that are looked at are applied.
    times: usize,
    /// The numbers that the layers so far give.
    activations: usize,
    /// The first name in a `from` that no layer has at all.
    unknown: Option<LayerError>,
}

/// How often a layer within repetitions, or a recurrence over tokens, is applied at most: each time makes operations of its own.
const MOST_APPLIED: usize = 1 << 14;

/// Whether layers take what they are given: the first of them does.
fn take(plans: &[Plan]) -> bool {
    plans.first().is_none_or(|plan| {
        plan.from.is_empty()
            && match &plan.kind {
                LayerKind::Residual { body, shortcut } => take(body) || take(shortcut),
                LayerKind::Repeat { body, .. } => take(body),
                _ => true,
            }
    })
}

/// The layers of `plans`, applied one after the other to `input`.
pub(super) fn resolve(plans: &[Plan], input: &[usize]) -> Result<Resolved, LayerError> {
    let size = input.iter().try_fold(1usize, |size, axis| size.checked_mul(*axis));
    let Some(size) = size.filter(|size| (1..=MOST).contains(size)) else {
        let message = format!("the input is {input:?}: a network takes from 1 to 2^31 numbers");
        return Err(LayerError { message, span: None, help: None });
    };
    let given = Given { shape: input.to_vec(), from: "the input is".into(), read: Some(0..size) };
    let mut wanted = BTreeSet::new();
    want(plans, &mut wanted);
    let mut way = Way {
        given: BTreeMap::from([(INPUT.to_string(), given.clone())]),
        wanted,
        owners: BTreeMap::new(),
        times: 1,
        activations: 0,
        unknown: unknown(plans),
    };
    let (layers, given) = way.chain(plans, given)?;
    Ok(Resolved { layers, outputs: given.shape, activations: way.activations })
}

/// The error that a layer takes what none of the layers `names` gives.
fn no_layer(plan: &Plan, reference: &Reference, names: &[&str]) -> LayerError {
    let message = format!(
        "{} takes what `{}` gives, which is no layer before it",
        plan.label(),
        reference.name
    );
    let help = advice(&reference.name, names);
    LayerError { message, span: Some(reference.span.clone()), help }
}

/// The first name in a `from` that neither a layer nor the input has.
fn unknown(plans: &[Plan]) -> Option<LayerError> {
    fn all<'a>(plans: &'a [Plan], found: &mut Vec<&'a Plan>) {
        for plan in plans {
            plan.inner().into_iter().for_each(|inner| all(inner, found));
            found.push(plan);
        }
    }
    let mut found = Vec::new();
    all(plans, &mut found);
    let names: Vec<&str> =
        [INPUT].into_iter().chain(found.iter().map(|p| p.name.as_str())).collect();
    found.iter().find_map(|plan| {
        let mut from = plan.from.iter();
        let reference = from.find(|reference| !names.contains(&reference.name.as_str()))?;
        Some(no_layer(plan, reference, &names))
    })
}

/// Collects the names that layers refer to.
fn want(plans: &[Plan], wanted: &mut BTreeSet<String>) {
    for plan in plans {
        wanted.extend(plan.from.iter().map(|reference| reference.name.clone()));
        match &plan.kind {
            LayerKind::Residual { body, shortcut } => {
                want(body, wanted);
                want(shortcut, wanted);
            }
            LayerKind::Repeat { body, .. } => want(body, wanted),
            _ => {}
        }
    }
}

impl Way {
    fn chain(
        &mut self,
        plans: &[Plan],
        mut given: Given,
    ) -> Result<(Vec<Layer>, Given), LayerError> {
        let mut layers = Vec::with_capacity(plans.len());
        for (at, plan) in plans.iter().enumerate() {
            if at > 0 && !take(&plans[at..=at]) {
                self.check_used(&plans[at - 1], plan)?;
            }
            if !plan.name.is_empty() && self.given.contains_key(&plan.name) {
                let message = match plan.name.as_str() {
                    INPUT => format!("`{INPUT}` is what the network reads, and no layer's name"),
                    name => format!("two layers are called `{name}`"),
                };
                return Err(fault(plan, message, None));
            }
            if let ([reference], false) = (&plan.from[..], plan.joins()) {
                given = self.recalled(plan, reference)?;
                layers.push(Layer::Recall { name: remembered(reference) });
            }
            let (layer, shape) = self.step(plan, &given)?;
            let size = shape.iter().try_fold(1usize, |size, axis| size.checked_mul(*axis));
            if size.is_none_or(|size| size > MOST) {
                let message = format!("{} gives {shape:?}, more than 2^31 numbers", plan.label());
                return Err(fault(plan, message, None));
            }
            layers.push(layer);
            self.activations = self.activations.saturating_add(size.unwrap_or(0));
            let read = match &plan.kind {
                LayerKind::Slice { axis: 0, start, .. } => given.read.map(|read| {
                    let row: usize = shape[1..].iter().product();
                    let first = read.start + start * row;
                    first..first + shape[0] * row
                }),
                LayerKind::Reshape { .. } | LayerKind::Flatten => given.read,
                _ => None,
            };
            let from = match plan.name.as_str() {
                "" => format!("{} gives", plan.label()),
                name => format!("layer {name} gives"),
            };
            given = Given { shape, from, read };
            if self.wanted.contains(&plan.name) {
                layers.push(Layer::Keep { name: plan.name.clone() });
            }
            if !plan.name.is_empty() {
                self.given.insert(plan.name.clone(), given.clone());
            }
        }
        Ok((layers, given))
    }

    /// Refuses a layer whose result nobody takes: not the next one, and none by its name.
    fn check_used(&mut self, plan: &Plan, next: &Plan) -> Result<(), LayerError> {
        if self.wanted.contains(&plan.name) {
            return Ok(());
        }
        // A name with a slip in it may have meant this layer.
        if let Some(unknown) = self.unknown.take() {
            return Err(unknown);
        }
        let message = format!(
            "what {} gives is not used: layer {} takes something else",
            plan.label(),
            next.name
        );
        let help = format!("name it in a `from`, as `{}`, or leave it out", plan.name);
        Err(fault(plan, message, Some(help)))
    }

    /// Refuses what makes too many operations.
    fn check_times(&self, plan: &Plan, times: usize) -> Result<(), LayerError> {
        if times <= MOST_APPLIED {
            return Ok(());
        }
        let message =
            format!("{} is applied {times} times, more than {MOST_APPLIED}", plan.label());
        Err(fault(plan, message, None))
    }

    /// The layer whose parameters are taken where those of `shared` are.
    fn owner(&self, plan: &Plan, shared: &Reference) -> Result<String, LayerError> {
        if shared.name == INPUT || !self.given.contains_key(&shared.name) {
            let names: Vec<&str> =
                self.given.keys().map(String::as_str).filter(|name| *name != INPUT).collect();
            let message = format!(
                "{} takes the parameters of `{}`, which is no layer before it",
                plan.label(),
                shared.name
            );
            let help = advice(&shared.name, &names);
            return Err(LayerError { message, span: Some(shared.span.clone()), help });
        }
        Ok(self.owners.get(&shared.name).unwrap_or(&shared.name).clone())
    }

    /// What the layer of this name gives.
    fn recalled(&self, plan: &Plan, reference: &Reference) -> Result<Given, LayerError> {
        self.given.get(&reference.name).cloned().ok_or_else(|| {
            let names: Vec<&str> = self.given.keys().map(String::as_str).collect();
            no_layer(plan, reference, &names)
        })
    }

    /// The layer and the shape of what it gives.
    fn step(&mut self, plan: &Plan, given: &Given) -> Result<(Layer, Vec<usize>), LayerError> {
        match &plan.kind {
            LayerKind::Residual { body, shortcut } => self.residual(plan, body, shortcut, given),
            LayerKind::Repeat { body, times } => self.repeat(plan, body, *times, given),
            LayerKind::Join { how } => self.join(plan, *how),
            _ => {
                if let (LayerKind::Recurrent { .. }, [length, ..]) = (&plan.kind, &given.shape[..])
                {
                    self.check_times(plan, length.saturating_mul(self.times))?;
                }
                let Some(shared) = &plan.share else { return plain(plan, &plan.name, given) };
                let owner = self.owner(plan, shared)?;
                let (layer, shape) = plain(plan, &owner, given)?;
                self.owners.insert(plan.name.clone(), owner);
                let (name, layer) = (plan.name.clone(), layer.into());
                Ok((Layer::Shared { name, layer }, shape))
            }
        }
    }

    fn residual(
        &mut self,
        plan: &Plan,
        body: &[Plan],
        shortcut: &[Plan],
        given: &Given,
    ) -> Result<(Layer, Vec<usize>), LayerError> {
        let (body, after) = self.chain(body, given.clone())?;
        let (shortcut, other) = self.chain(shortcut, given.clone())?;
        if after.shape != other.shape {
            let what = if shortcut.is_empty() { "its input" } else { "its shortcut" };
            let (shape, other) = (after.shape, other.shape);
            let message =
                format!("{} adds its layers' {shape:?} to {what}'s {other:?}", plan.label());
            let help = "both must have the same shape: change the layers, or the `shortcut`".into();
            return Err(fault(plan, message, Some(help)));
        }
        Ok((Layer::Residual { body, shortcut }, after.shape))
    }

    fn repeat(
        &mut self,
        plan: &Plan,
        body: &[Plan],
        times: usize,
        given: &Given,
    ) -> Result<(Layer, Vec<usize>), LayerError> {
        if !take(body) {
            let message =
                format!("{} repeats layers that do not take what they give", plan.label());
            let help = "the first of them has a `from`: without it, each time begins with what the time before gave";
            return Err(fault(plan, message, Some(help.into())));
        }
        self.check_times(plan, self.times.saturating_mul(times))?;
        let before = (self.activations, self.times);
        self.times *= times;
        let (body, after) = self.chain(body, given.clone())?;
        self.times = before.1;
        if after.shape != given.shape {
            let message = format!(
                "{} repeats layers that give {:?}, but {} {:?}",
                plan.label(),
                after.shape,
                given.from,
                given.shape
            );
            let help = "what is repeated gives the shape that it takes".into();
            return Err(fault(plan, message, Some(help)));
        }
        let once = self.activations - before.0;
        self.activations = before.0.saturating_add(once.saturating_mul(times));
        Ok((Layer::Repeat { body, times }, after.shape))
    }

    fn join(&self, plan: &Plan, how: Join) -> Result<(Layer, Vec<usize>), LayerError> {
        let mut shapes = Vec::new();
        for reference in &plan.from {
            shapes.push((&reference.name, self.recalled(plan, reference)?.shape));
        }
        let (first, shape) = &shapes[0];
        let mut joined = shape.clone();
        let along = match how {
            Join::Concatenate { axis } if axis >= shape.len() => {
                let message = format!(
                    "{} has the axis {axis}, but `{first}` gives {shape:?}, whose axes are 0 to {}",
                    plan.label(),
                    shape.len() - 1
                );
                return Err(fault(plan, message, None));
            }
            Join::Concatenate { axis } => Some(axis),
            Join::Add | Join::Multiply => None,
        };
        for (name, other) in &shapes[1..] {
            let fits = other.len() == shape.len()
                && (0..shape.len()).all(|at| Some(at) == along || other[at] == shape[at]);
            if !fits {
                let message = format!(
                    "{} puts together `{first}`, which gives {shape:?}, and `{name}`, which gives {other:?}",
                    plan.label()
                );
                let help = match along {
                    None => "they must have the same shape".into(),
                    Some(axis) => format!("they must have the same shape beside the axis {axis}"),
                };
                return Err(fault(plan, message, Some(help)));
            }
            if let Some(axis) = along {
                joined[axis] = joined[axis].saturating_add(other[axis]);
            }
        }
        let names = plan.from.iter().map(remembered).collect();
        Ok((Layer::Join { how, names }, joined))
    }
}

/// The whole names whose ends are, or resemble, a name that is none: within a residual both have to be written.
fn advice(unknown: &str, names: &[&str]) -> Option<String> {
    let end = |name: &str| name.rsplit('.').next().is_some_and(|end| end == unknown);
    let inner: Vec<&str> = names.iter().copied().filter(|name| end(name)).collect();
    if !inner.is_empty() {
        return Some(format!("did you mean {}?", near::quoted(&inner)));
    }
    if !near::names(unknown, names).is_empty() {
        return near::advice(unknown, names);
    }
    let ends: Vec<&str> = names.iter().filter_map(|name| name.rsplit('.').next()).collect();
    let near = near::names(unknown, &ends);
    let inner: Vec<&str> = names
        .iter()
        .zip(&ends)
        .filter(|(_, end)| near.contains(end))
        .map(|(name, _)| *name)
        .collect();
    match inner.is_empty() {
        true => near::advice(unknown, names),
        false => Some(format!("did you mean {}?", near::quoted(&inner))),
    }
}

/// The name under which a value is kept; the input has none.
fn remembered(reference: &Reference) -> Option<String> {
    (reference.name != INPUT).then(|| reference.name.clone())
}

pub(super) fn fault(plan: &Plan, message: String, help: Option<String>) -> LayerError {
    LayerError { message, span: plan.span.clone(), help }
}

/// How many inputs a formula knows as `x`: those of networks that read a list and give one.
pub(crate) fn formula_inputs(input: &[usize], outputs: &[usize]) -> Option<usize> {
    match (input, outputs) {
        ([features], [_]) => Some(*features),
        _ => None,
    }
}

/// Refuses layers whose outputs `criterion` cannot be taken of.
pub(super) fn check_outputs(
    plans: &[Plan],
    [input, outputs]: [&[usize]; 2],
    criterion: &Criterion,
) -> Result<(), ArchitectureError> {
    let Some(last) = plans.last() else { return Ok(()) };
    check_criterion(&last.label(), [input, outputs], criterion).map_err(|error| match error {
        ArchitectureError::Layer(error) => LayerError { span: last.span.clone(), ..error }.into(),
        other => other,
    })
}

/// Refuses outputs of the layer `last` that `criterion` cannot be taken of, and numbers that it does not take.
pub(super) fn check_criterion(
    last: &str,
    [input, outputs]: [&[usize]; 2],
    criterion: &Criterion,
) -> Result<(), ArchitectureError> {
    let fault = |message: String, help: &str| {
        ArchitectureError::from(LayerError { message, span: None, help: Some(help.into()) })
    };
    if let Some(message) = criterion.fault() {
        return Err(LayerError { message, span: None, help: None }.into());
    }
    match (outputs, criterion) {
        ([1] | [_, 1], Criterion::CrossEntropy { .. }) => Err(fault(
            format!("{last} gives 1 output, but cross entropy is of at least 2 classes"),
            "of one output there is the loss `binary_cross_entropy`",
        )),
        ([width] | [_, width], Criterion::Formula(formula)) => {
            Ok(formula.on(*width, formula_inputs(input, outputs)).map(drop)?)
        }
        ([_, _], Criterion::Contrastive { .. }) => Err(fault(
            format!("{last} gives {outputs:?}, but the contrastive loss is of one row of outputs"),
            "`mean_tokens` makes one of them",
        )),
        ([_] | [_, _], _) => Ok(()),
        _ => Err(fault(
            format!(
                "{last} gives {outputs:?}, but a network ends with [outputs] or [tokens, outputs]"
            ),
            "add a `flatten` or `global_avg_pool`, and a `linear`; for a loss of every pixel, `tokens`",
        )),
    }
}
