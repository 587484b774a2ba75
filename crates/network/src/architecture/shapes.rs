//! Shapes, inferred from the input through the layers.

use super::error::{ArchitectureError, LayerError};
use super::parameters::MOST;
use super::plan::{LayerKind, Plan, Window};
use super::{BatchNormMode, Criterion, Layer};

/// Where the first layer's shape comes from.
const INPUT: &str = "the input is";

/// What a layer is given: a shape, and where it comes from.
#[derive(Clone)]
struct Given {
    shape: Vec<usize>,
    /// The numbers that the layers before it give.
    before: usize,
    /// `layer 2 gives`, or `the input is`.
    from: String,
}

/// The layers of `plans`, applied one after the other to `input`, the shape of what they give, and the numbers that all
/// of them give together.
pub(super) fn resolve(
    plans: &[Plan],
    input: &[usize],
) -> Result<(Vec<Layer>, Vec<usize>, usize), LayerError> {
    let size = input.iter().try_fold(1usize, |size, axis| size.checked_mul(*axis));
    if size.is_none_or(|size| !(1..=MOST).contains(&size)) {
        let message = format!("{INPUT} {input:?}: a network takes from 1 to 2^31 numbers");
        return Err(LayerError { message, span: None, help: None });
    }
    let given = Given { shape: input.to_vec(), before: 0, from: INPUT.into() };
    let (layers, given) = chain(plans, given)?;
    Ok((layers, given.shape, given.before))
}

/// Refuses layers whose outputs `criterion` cannot be taken of.
pub(super) fn check_outputs(
    plans: &[Plan],
    outputs: &[usize],
    criterion: &Criterion,
) -> Result<(), ArchitectureError> {
    let Some(last) = plans.last() else { return Ok(()) };
    check_criterion(&last.label(), outputs, criterion).map_err(|error| match error {
        ArchitectureError::Layer(error) => LayerError { span: last.span.clone(), ..error }.into(),
        other => other,
    })
}

/// Refuses outputs of the layer `last` that `criterion` cannot be taken of, and numbers that it does not take.
pub(super) fn check_criterion(
    last: &str,
    outputs: &[usize],
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
        ([width] | [_, width], Criterion::Formula(formula)) => Ok(formula.on(*width).map(drop)?),
        ([_] | [_, _], _) => Ok(()),
        _ => Err(fault(
            format!(
                "{last} gives {outputs:?}, but a network ends with [outputs] or [tokens, outputs]"
            ),
            "add a `flatten` or `global_avg_pool`, and a `linear`; for a loss of every pixel, `tokens`",
        )),
    }
}

fn chain(plans: &[Plan], mut given: Given) -> Result<(Vec<Layer>, Given), LayerError> {
    let mut layers = Vec::with_capacity(plans.len());
    for plan in plans {
        let (layer, shape, inner) = step(plan, &given)?;
        let size = shape.iter().try_fold(1usize, |size, axis| size.checked_mul(*axis));
        if size.is_none_or(|size| size > MOST) {
            let message = format!("{} gives {shape:?}, more than 2^31 numbers", plan.label());
            return Err(fault(plan, message, None));
        }
        layers.push(layer);
        let before = inner.saturating_add(size.unwrap_or(0));
        given = Given { shape, before, from: format!("layer {} gives", plan.name) };
    }
    Ok((layers, given))
}

fn fault(plan: &Plan, message: String, help: Option<String>) -> LayerError {
    LayerError { message, span: plan.span.clone(), help }
}

impl Given {
    /// A layer that takes something else.
    fn refused(&self, plan: &Plan, takes: &str, help: Option<String>) -> LayerError {
        let Given { shape, from, .. } = self;
        fault(plan, format!("{} takes {takes}, but {from} {shape:?}", plan.label()), help)
    }

    fn image(&self, plan: &Plan) -> Result<[usize; 3], LayerError> {
        let image: Result<[usize; 3], _> = self.shape.as_slice().try_into();
        image.map_err(|_| self.refused(plan, "[channels, height, width]", None))
    }

    fn tokens(&self, plan: &Plan) -> Result<[usize; 2], LayerError> {
        let tokens: Result<[usize; 2], _> = self.shape.as_slice().try_into();
        tokens.map_err(|_| self.refused(plan, "[tokens, width]", None))
    }

    /// Height and width of an image after `window` has gone over it.
    fn slid(&self, plan: &Plan, window: &Window) -> Result<[usize; 3], LayerError> {
        let [channels, height, width] = self.image(plan)?;
        let Window { kernel, stride, padding } = *window;
        let along = |axis: usize, size: usize| {
            let padded = size + 2 * padding[axis];
            padded.checked_sub(kernel[axis]).map(|room| room / stride[axis] + 1)
        };
        match (along(0, height), along(1, width)) {
            (Some(height), Some(width)) => Ok([channels, height, width]),
            _ => {
                let [h, w] = kernel;
                let takes = match padding {
                    [0, 0] => format!("images of at least {h}x{w}"),
                    [y, x] => format!("images that are at least {h}x{w} with padding {y}x{x}"),
                };
                Err(self.refused(plan, &takes, None))
            }
        }
    }
}

/// The layer, the shape of what it gives, and the numbers given before that, those of layers within included.
fn step(plan: &Plan, given: &Given) -> Result<(Layer, Vec<usize>, usize), LayerError> {
    if let LayerKind::Residual { body, shortcut } = &plan.kind {
        return residual(plan, body, shortcut, given);
    }
    let (layer, shape) = plain(plan, given)?;
    Ok((layer, shape, given.before))
}

/// A layer without others in it.
fn plain(plan: &Plan, given: &Given) -> Result<(Layer, Vec<usize>), LayerError> {
    let name = plan.name.clone();
    let shape = &given.shape;
    Ok(match &plan.kind {
        LayerKind::Linear { inputs, outputs, bias } => {
            let last = linear_inputs(plan, *inputs, given)?;
            let mut shape = shape.clone();
            shape.pop();
            shape.push(*outputs);
            (Layer::Linear { name, inputs: last, outputs: *outputs, bias: *bias }, shape)
        }
        LayerKind::Conv2d { inputs, outputs, window, bias } => {
            let [channels, height, width] = given.slid(plan, window)?;
            if let Some(takes) = inputs.filter(|takes| *takes != channels) {
                let takes = format!("{takes} channel{}", if takes == 1 { "" } else { "s" });
                let help =
                    format!("without `in`, it takes the {channels} channels that it is given");
                return Err(given.refused(plan, &takes, Some(help)));
            }
            let Window { kernel, stride, padding } = *window;
            let (outputs, bias) = (*outputs, *bias);
            let layer =
                Layer::Conv2d { name, inputs: channels, outputs, kernel, stride, padding, bias };
            (layer, vec![outputs, height, width])
        }
        LayerKind::BatchNorm { epsilon, running } => match shape.as_slice() {
            [channels] | [channels, _, _] => {
                let (channels, epsilon) = (*channels, *epsilon);
                let mode =
                    if *running { BatchNormMode::Running(None) } else { BatchNormMode::Batch };
                (Layer::BatchNorm { name, channels, epsilon, mode }, shape.clone())
            }
            _ => {
                let takes = "[channels] or [channels, height, width]";
                return Err(given.refused(plan, takes, None));
            }
        },
        LayerKind::LayerNorm { axes, epsilon } => {
            let Some(first) = shape.len().checked_sub(*axes) else {
                return Err(given.refused(plan, &format!("at least {axes} axes"), None));
            };
            let layer = Layer::LayerNorm { name, shape: shape[first..].into(), epsilon: *epsilon };
            (layer, shape.clone())
        }
        LayerKind::Activation(function) => (Layer::Activation(*function), shape.clone()),
        LayerKind::MaxPool2d(window) => {
            let after = given.slid(plan, window)?;
            let Window { kernel, stride, padding } = *window;
            (Layer::MaxPool2d { kernel, stride, padding }, after.into())
        }
        LayerKind::AvgPool2d(window) => {
            let after = given.slid(plan, window)?;
            let Window { kernel, stride, padding } = *window;
            (Layer::AvgPool2d { kernel, stride, padding }, after.into())
        }
        LayerKind::GlobalAvgPool => {
            let [channels, _, _] = given.image(plan)?;
            (Layer::GlobalAvgPool, vec![channels])
        }
        LayerKind::Flatten => (Layer::Flatten, vec![shape.iter().product()]),
        LayerKind::Residual { .. } => unreachable!("a residual has layers in it"),
        LayerKind::Embedding { vocabulary, width } => {
            let [length] = shape[..] else {
                return Err(given.refused(plan, "[tokens]", None));
            };
            if given.from != INPUT {
                let help = "an embedding takes integers: it must be the first layer".into();
                return Err(given.refused(plan, "the input", Some(help)));
            }
            let (vocabulary, width) = (*vocabulary, *width);
            (Layer::Embedding { name, vocabulary, width }, vec![length, width])
        }
        LayerKind::Position => {
            let [length, width] = given.tokens(plan)?;
            (Layer::Position { name, length, width }, shape.clone())
        }
        LayerKind::Attention { heads, causal } => {
            let [_, width] = given.tokens(plan)?;
            if width % heads != 0 {
                let takes = format!("a width that its {heads} heads share evenly");
                return Err(given.refused(plan, &takes, None));
            }
            (Layer::Attention { name, width, heads: *heads, causal: *causal }, shape.clone())
        }
        LayerKind::MeanTokens => {
            let [_, width] = given.tokens(plan)?;
            (Layer::MeanTokens, vec![width])
        }
        LayerKind::ClassToken => {
            let [length, width] = given.tokens(plan)?;
            (Layer::ClassToken { name, width }, vec![length + 1, width])
        }
        LayerKind::FirstToken => {
            let [_, width] = given.tokens(plan)?;
            (Layer::FirstToken, vec![width])
        }
        LayerKind::Tokens => {
            let [channels, height, width] = given.image(plan)?;
            (Layer::Tokens, vec![height * width, channels])
        }
        LayerKind::Transpose => {
            let [length, width] = given.tokens(plan)?;
            (Layer::Transpose, vec![width, length])
        }
    })
}

/// The number of inputs of a linear layer, if the shape has one.
fn linear_inputs(plan: &Plan, inputs: Option<usize>, given: &Given) -> Result<usize, LayerError> {
    let size: usize = given.shape.iter().product();
    let takes = match inputs {
        Some(inputs) => format!("{inputs} inputs"),
        None => "[features] or [tokens, features]".into(),
    };
    match given.shape[..] {
        [last] | [_, last] if inputs.is_none_or(|inputs| inputs == last) => Ok(last),
        [last] => {
            // A layer that is not in the text has no `in` to leave out.
            let help = format!("without `in`, it takes the {last} inputs that it is given");
            Err(given.refused(plan, &takes, plan.span.as_ref().map(|_| help)))
        }
        _ => {
            let fits = inputs.is_none_or(|inputs| inputs == size);
            let help = if fits {
                "add a `flatten` before it".into()
            } else {
                format!("a `flatten` before it would give it {size} inputs")
            };
            Err(given.refused(plan, &takes, Some(help)))
        }
    }
}

fn residual(
    plan: &Plan,
    body: &[Plan],
    shortcut: &[Plan],
    given: &Given,
) -> Result<(Layer, Vec<usize>, usize), LayerError> {
    let (body, after) = chain(body, given.clone())?;
    let (shortcut, other) = chain(shortcut, Given { before: after.before, ..given.clone() })?;
    if after.shape != other.shape {
        let what = if shortcut.is_empty() { "its input" } else { "its shortcut" };
        let (shape, other) = (after.shape, other.shape);
        let message = format!("{} adds its layers' {shape:?} to {what}'s {other:?}", plan.label());
        let help = "both must have the same shape: change the layers, or the `shortcut`".into();
        return Err(fault(plan, message, Some(help)));
    }
    Ok((Layer::Residual { body, shortcut }, after.shape, other.before))
}
