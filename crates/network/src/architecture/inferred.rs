//! The shape that a layer without others in it gives.

use super::error::LayerError;
use super::plan::{LayerKind, Plan, Window};
use super::shapes::{Given, fault};
use super::{BatchNormMode, Layer};

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

    /// The channels, and the axes that a window moves along, of which it has as many.
    fn channels(&self, plan: &Plan, axes: usize) -> Result<(usize, &[usize]), LayerError> {
        match self.shape.split_first() {
            Some((channels, rest)) if rest.len() == axes => Ok((*channels, rest)),
            _ => {
                let names = ["[channels, length]", "[channels, height, width]"];
                let takes = names.get(axes - 1).unwrap_or(&"[channels, depth, height, width]");
                Err(self.refused(plan, takes, None))
            }
        }
    }

    /// The shape after `window` has gone over it.
    fn slid(&self, plan: &Plan, window: &Window) -> Result<Vec<usize>, LayerError> {
        let (channels, sizes) = self.channels(plan, window.kernel.len())?;
        let places: Option<Vec<usize>> = (0..sizes.len())
            .map(|axis| {
                let reach = window.dilation[axis] * (window.kernel[axis] - 1) + 1;
                let room = (sizes[axis] + 2 * window.padding[axis]).checked_sub(reach)?;
                Some(room / window.stride[axis] + 1)
            })
            .collect();
        if let Some(places) = places {
            return Ok([&[channels][..], &places].concat());
        }
        let by = |sizes: &[usize]| {
            sizes.iter().map(|size| size.to_string()).collect::<Vec<_>>().join("x")
        };
        let reach: Vec<usize> = (0..sizes.len())
            .map(|axis| window.dilation[axis] * (window.kernel[axis] - 1) + 1)
            .collect();
        let what = ["signals", "images", "volumes"][(sizes.len() - 1).min(2)];
        let takes = if window.padding.iter().all(|padding| *padding == 0) {
            format!("{what} of at least {}", by(&reach))
        } else {
            let padding = by(&window.padding);
            format!("{what} that are at least {} with padding {padding}", by(&reach))
        };
        Err(self.refused(plan, &takes, None))
    }

    /// The shape of what a transposed convolution gives, whose image under `window` this would be.
    fn spread(
        &self,
        plan: &Plan,
        window: &Window,
        behind: &[usize],
    ) -> Result<Vec<usize>, LayerError> {
        let (channels, sizes) = self.channels(plan, window.kernel.len())?;
        let mut shape = vec![channels];
        for axis in 0..sizes.len() {
            let reach = window.dilation[axis] * (window.kernel[axis] - 1) + 1;
            let whole = (sizes[axis] - 1) * window.stride[axis] + reach + behind[axis];
            let size = whole.checked_sub(2 * window.padding[axis]).filter(|size| *size > 0);
            shape.push(size.ok_or_else(|| {
                let message =
                    format!("{} crops all that it gives: its `padding` is too large", plan.label());
                fault(plan, message, None)
            })?);
        }
        Ok(shape)
    }

    /// The last `axes` axes.
    fn trailing(&self, plan: &Plan, axes: usize) -> Result<Vec<usize>, LayerError> {
        match self.shape.len().checked_sub(axes) {
            Some(first) => Ok(self.shape[first..].into()),
            None => Err(self.refused(plan, &format!("at least {axes} axes"), None)),
        }
    }
}

/// A layer without others in it, with `name` the prefix of its parameters, and the shape of what it gives.
pub(super) fn plain(
    plan: &Plan,
    name: &str,
    given: &Given,
) -> Result<(Layer, Vec<usize>), LayerError> {
    let name = name.to_string();
    let shape = &given.shape;
    Ok(match &plan.kind {
        LayerKind::Linear { inputs, outputs, bias } => {
            let last = linear_inputs(plan, *inputs, given)?;
            let mut shape = shape.clone();
            shape.pop();
            shape.push(*outputs);
            (Layer::Linear { name, inputs: last, outputs: *outputs, bias: *bias }, shape)
        }
        LayerKind::Convolution { inputs, outputs, window, groups, transposed, bias } => {
            let (outputs, groups) = (*outputs, *groups);
            let mut shape = match transposed {
                None => given.slid(plan, window)?,
                Some(behind) => given.spread(plan, window, behind)?,
            };
            let channels = std::mem::replace(&mut shape[0], outputs);
            if let Some(takes) = inputs.filter(|takes| *takes != channels) {
                let takes = format!("{takes} channel{}", if takes == 1 { "" } else { "s" });
                let help =
                    format!("without `in`, it takes the {channels} channels that it is given");
                return Err(given.refused(plan, &takes, Some(help)));
            }
            for (what, count) in [("takes", channels), ("gives", outputs)] {
                if !count.is_multiple_of(groups) {
                    let label = plan.label();
                    let message = format!(
                        "{label} {what} {count} channels, not a multiple of its {groups} groups"
                    );
                    return Err(fault(plan, message, None));
                }
            }
            let (window, transposed, bias) = (window.clone(), transposed.clone(), *bias);
            let inputs = channels;
            let layer =
                Layer::Convolution { name, inputs, outputs, window, groups, transposed, bias };
            (layer, shape)
        }
        LayerKind::BatchNorm { epsilon, running } => {
            let (channels, epsilon) = (shape[0], *epsilon);
            let mode = if *running { BatchNormMode::Running(None) } else { BatchNormMode::Batch };
            (Layer::BatchNorm { name, channels, epsilon, mode }, shape.clone())
        }
        LayerKind::LayerNorm { axes, epsilon, affine } => {
            let (epsilon, affine) = (*epsilon, *affine);
            let axes = given.trailing(plan, *axes)?;
            (Layer::LayerNorm { name, shape: axes, epsilon, affine }, shape.clone())
        }
        LayerKind::RmsNorm { axes, epsilon } => {
            let axes = given.trailing(plan, *axes)?;
            (Layer::RmsNorm { name, shape: axes, epsilon: *epsilon }, shape.clone())
        }
        LayerKind::GroupNorm { groups, epsilon, affine } => {
            let channels = shape[0];
            let groups = groups.unwrap_or(channels);
            if !channels.is_multiple_of(groups) {
                let takes = format!("channels that its {groups} groups share evenly");
                return Err(given.refused(plan, &takes, None));
            }
            if shape[1..].iter().product::<usize>() * (channels / groups) < 2 {
                let takes = "at least two numbers in a group, whose mean and variance it takes";
                return Err(given.refused(plan, takes, None));
            }
            let (epsilon, affine) = (*epsilon, *affine);
            (Layer::GroupNorm { name, channels, groups, epsilon, affine }, shape.clone())
        }
        LayerKind::Activation(activation) => (Layer::Activation(*activation), shape.clone()),
        LayerKind::Scale { factor } => (Layer::Scale { factor: *factor }, shape.clone()),
        LayerKind::MaxPool(window) => (Layer::MaxPool(window.clone()), given.slid(plan, window)?),
        LayerKind::AvgPool(window) => (Layer::AvgPool(window.clone()), given.slid(plan, window)?),
        LayerKind::GlobalAvgPool | LayerKind::GlobalMaxPool => {
            if shape.len() < 2 {
                return Err(given.refused(plan, "[channels, height, width]", None));
            }
            let average = matches!(plan.kind, LayerKind::GlobalAvgPool);
            let layer = if average { Layer::GlobalAvgPool } else { Layer::GlobalMaxPool };
            (layer, vec![shape[0]])
        }
        LayerKind::Upsample { factor } => {
            if shape.len() < 2 {
                return Err(given.refused(plan, "[channels, height, width]", None));
            }
            let mut larger = shape.clone();
            larger[1..].iter_mut().for_each(|size| *size = size.saturating_mul(*factor));
            (Layer::Upsample { factor: *factor }, larger)
        }
        LayerKind::Reshape { shape: wanted } => {
            let product = |shape: &[usize]| {
                shape.iter().try_fold(1usize, |size, axis| size.checked_mul(*axis))
            };
            if product(wanted) != product(shape) {
                let takes = format!("as many numbers as {wanted:?} has");
                return Err(given.refused(plan, &takes, None));
            }
            (Layer::Reshape { shape: wanted.clone() }, wanted.clone())
        }
        LayerKind::Permute { axes } => {
            let mut sorted = axes.clone();
            sorted.sort_unstable();
            if !sorted.into_iter().eq(0..shape.len()) {
                let takes = format!("a shape with the axes {axes:?}");
                let help = "`axes` are those of an example, from 0 on, each once".into();
                return Err(given.refused(plan, &takes, Some(help)));
            }
            let permuted = axes.iter().map(|axis| shape[*axis]).collect();
            (Layer::Permute { axes: axes.clone() }, permuted)
        }
        LayerKind::Slice { axis, start, stop } => {
            let (axis, start, stop) = (*axis, *start, *stop);
            if shape.get(axis).is_none_or(|size| stop > *size) {
                let takes = format!("a shape whose axis {axis} has at least {stop} places");
                return Err(given.refused(plan, &takes, None));
            }
            let mut part = shape.clone();
            part[axis] = stop - start;
            (Layer::Slice { axis, start, stop }, part)
        }
        LayerKind::Flatten => (Layer::Flatten, vec![shape.iter().product()]),
        LayerKind::Residual { .. } | LayerKind::Repeat { .. } | LayerKind::Join { .. } => {
            unreachable!("it has no shape of its own")
        }
        LayerKind::Embedding { vocabulary, width } => {
            let [length] = shape[..] else {
                return Err(given.refused(plan, "[tokens]", None));
            };
            let Some(part) = given.read.clone() else {
                let help = "an embedding takes integers: it takes the input, or rows of it".into();
                return Err(given.refused(plan, "the input", Some(help)));
            };
            let (vocabulary, width) = (*vocabulary, *width);
            (Layer::Embedding { name, vocabulary, width, part }, vec![length, width])
        }
        LayerKind::Position { bare } => {
            let [length, width] = given.tokens(plan)?;
            (Layer::Position { name, bare: *bare, length, width }, shape.clone())
        }
        LayerKind::Sinusoids => {
            let [_, width] = given.tokens(plan)?;
            if width % 2 != 0 {
                return Err(given.refused(plan, "an even width", None));
            }
            (Layer::Sinusoids, shape.clone())
        }
        LayerKind::Recurrent { cell, hidden } => {
            let [length, inputs] = given.tokens(plan)?;
            let (cell, hidden) = (*cell, *hidden);
            (Layer::Recurrent { name, cell, inputs, hidden }, vec![length, hidden])
        }
        LayerKind::Attention { heads, causal, rotary } => {
            let [_, width] = given.tokens(plan)?;
            if width % heads != 0 {
                let takes = format!("a width that its {heads} heads share evenly");
                return Err(given.refused(plan, &takes, None));
            }
            let (heads, causal, rotary) = (*heads, *causal, *rotary);
            if rotary && (width / heads) % 2 != 0 {
                let takes = "a width of which each head has an even part, whose halves are turned";
                return Err(given.refused(plan, takes, None));
            }
            (Layer::Attention { name, width, heads, causal, rotary }, shape.clone())
        }
        LayerKind::MeanTokens => {
            let [_, width] = given.tokens(plan)?;
            (Layer::MeanTokens, vec![width])
        }
        LayerKind::ClassToken { bare } => {
            let [length, width] = given.tokens(plan)?;
            (Layer::ClassToken { name, bare: *bare, width }, vec![length + 1, width])
        }
        LayerKind::FirstToken => {
            let [_, width] = given.tokens(plan)?;
            (Layer::FirstToken, vec![width])
        }
        LayerKind::LastToken => {
            let [_, width] = given.tokens(plan)?;
            (Layer::LastToken, vec![width])
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
