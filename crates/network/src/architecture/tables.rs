//! The layers of network files.

use super::absent::LAYERS;
use super::activation::{ACTIVATIONS, Activation};
use super::plan::{LayerKind, Plan, Reference, Window};
use super::{Cell, Join};
use bea_series::text::source::SourceError;
use bea_series::text::table::{Entry, Table, alike};

/// The spellings of layers' types other than activations; the first of a kind is the one that is shown.
pub(super) const TYPES: [&str; 50] = [
    "linear",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "batch_norm",
    "batch_norm1d",
    "batch_norm2d",
    "batch_norm3d",
    "layer_norm",
    "rms_norm",
    "group_norm",
    "instance_norm",
    "instance_norm1d",
    "instance_norm2d",
    "instance_norm3d",
    "scale",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "global_avg_pool",
    "global_max_pool",
    "upsample",
    "flatten",
    "reshape",
    "permute",
    "slice",
    "residual",
    "repeat",
    "add",
    "multiply",
    "concat",
    "embedding",
    "position",
    "sinusoids",
    "attention",
    "rnn",
    "lstm",
    "gru",
    "mean_tokens",
    "class_token",
    "first_token",
    "last_token",
    "tokens",
    "transpose",
];

/// ε of PyTorch's norms.
const EPSILON: f64 = 1e-5;

/// The modes of batch norms; whether they run.
const MODES: [(&str, bool); 2] = [("batch", false), ("running", true)];

/// What the places of a kernel are called, of one, two and three axes.
const AXES: [&[&str]; 3] = [&["length"], &["height", "width"], &["depth", "height", "width"]];

/// How often layers are repeated at most: each time makes operations of its own.
const MOST_TIMES: u64 = 1024;

/// Whether the key `mode` says that batch norms take running statistics.
pub(super) fn running(table: &Table) -> Result<bool, SourceError> {
    let entry = table.optional("mode");
    entry.map_or(Ok(false), |entry| entry.choice("mode of batch norms", &MODES))
}

/// The layers in the tables of `entry`. They are named `prefix` and the position from 0 on.
pub(super) fn layers(entry: &Entry, prefix: &str) -> Result<Vec<Plan>, SourceError> {
    let tables = entry.tables("a layer")?;
    if tables.is_empty() {
        return Err(entry.fault("must hold at least one layer", None));
    }
    tables.into_iter().enumerate().map(|(at, table)| layer(table, prefix, at)).collect()
}

fn layer(mut table: Table, prefix: &str, position: usize) -> Result<Plan, SourceError> {
    let named = table.optional("parameter").or(table.optional("name"));
    let own = named.as_ref().map(Entry::string).transpose()?;
    let own = own.map_or_else(|| position.to_string(), String::from);
    let nameless = named.filter(|_| own.is_empty());
    let name = below(prefix, &own);
    table.what = format!("layer {name}");
    let entry = table.required("type", "type = \"linear\"")?;
    let spelled = entry.string()?;
    let activation = ACTIVATIONS.into_iter().find(|(word, _)| alike(word, spelled));
    let word = TYPES.into_iter().find(|word| alike(word, spelled));
    let Some(word) = word.or(activation.map(|(word, _)| word)) else {
        let all: Vec<&str> = TYPES.into_iter().chain(ACTIVATIONS.map(|(word, _)| word)).collect();
        return Err(entry.unknown_or("layer type", spelled, &all, LAYERS));
    };
    if let Some(entry) = nameless.filter(|_| !["residual", "repeat"].contains(&word)) {
        let help =
            "a `residual` or a `repeat` may add no name to those of its layers, `name = \"\"`";
        return Err(entry.fault("must not be empty", Some(help.into())));
    }
    table.what = format!("layer {name} ({word})");
    table.span = entry.span();
    let kind = match activation {
        Some((_, activation)) => LayerKind::Activation(parameters(&table, activation)?),
        None => kind(&table, word, &name)?,
    };
    let joins = matches!(kind, LayerKind::Join { .. });
    let (from, share) = (references(&table, joins)?, table.optional("share"));
    let share = share.map(|entry| reference(&entry)).transpose()?;
    if let (Some(share), false) = (&share, kind.has_parameters()) {
        let message = format!("layer {name} ({word}) has no parameters that it could share");
        return Err(table.source.fault(share.span.clone(), message, "here", None));
    }
    Ok(Plan { kind, name, from, share, span: Some(table.span) })
}

/// The name of something within what is called `prefix`; neither of them may be there.
fn below(prefix: &str, own: &str) -> String {
    let parts = [prefix, own];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".")
}

/// Whether the layer is called as its only parameter is, by the key `parameter`.
fn bare(table: &Table) -> Result<bool, SourceError> {
    only(table, &["parameter"])?;
    match (table.optional("parameter"), table.optional("name")) {
        (Some(_), Some(name)) => {
            let help = "`name = \"token\"` makes the parameter `token.weight`, `parameter = \"token\"` makes it `token`";
            Err(name
                .fault("is said by `parameter` already: leave one of them out", Some(help.into())))
        }
        (parameter, _) => Ok(parameter.is_some()),
    }
}

/// Keys that every layer may have, and `keys`.
fn only(table: &Table, keys: &[&str]) -> Result<(), SourceError> {
    table.only(&[&["type", "name", "from", "share"], keys].concat())
}

/// A layer that is no activation.
fn kind(table: &Table, word: &str, name: &str) -> Result<LayerKind, SourceError> {
    let only = |keys: &[&str]| only(table, keys);
    let yes = |key, usual: bool| Ok::<_, SourceError>(table.boolean(key)?.unwrap_or(usual));
    let axes = AXES[match word.chars().rev().nth(1) {
        Some('3') => 2,
        Some('1') => 0,
        _ => 1,
    }];
    Ok(match word {
        "linear" => {
            only(&["in", "out", "bias"])?;
            let (inputs, outputs) = (table.size("in")?, table.required_size("out")?);
            LayerKind::Linear { inputs, outputs, bias: yes("bias", true)? }
        }
        "conv1d" | "conv2d" | "conv3d" => {
            only(&["in", "out", "kernel", "stride", "padding", "dilation", "groups", "bias"])?;
            convolution(table, axes, None)?
        }
        "conv_transpose1d" | "conv_transpose2d" | "conv_transpose3d" => {
            let keys = ["in", "out", "kernel", "stride", "padding", "dilation", "groups", "bias"];
            only(&[&keys[..], &["output_padding"]].concat())?;
            let behind = table.optional("output_padding");
            let behind = behind.map(|entry| entry.each(0, axes)).transpose()?;
            convolution(table, axes, Some(behind.unwrap_or(vec![0; axes.len()])))?
        }
        "batch_norm" | "batch_norm1d" | "batch_norm2d" | "batch_norm3d" => {
            only(&["epsilon", "mode"])?;
            LayerKind::BatchNorm { epsilon: epsilon(table)?, running: running(table)? }
        }
        "layer_norm" => {
            only(&["axes", "epsilon", "affine"])?;
            let (axes, epsilon) = (table.size("axes")?.unwrap_or(1), epsilon(table)?);
            LayerKind::LayerNorm { axes, epsilon, affine: yes("affine", true)? }
        }
        "rms_norm" => {
            only(&["axes", "epsilon"])?;
            LayerKind::RmsNorm { axes: table.size("axes")?.unwrap_or(1), epsilon: epsilon(table)? }
        }
        "group_norm" => {
            only(&["groups", "epsilon", "affine"])?;
            let (groups, epsilon) = (Some(table.required_size("groups")?), epsilon(table)?);
            LayerKind::GroupNorm { groups, epsilon, affine: yes("affine", true)? }
        }
        "instance_norm" | "instance_norm1d" | "instance_norm2d" | "instance_norm3d" => {
            only(&["epsilon", "affine"])?;
            let (groups, epsilon) = (None, epsilon(table)?);
            LayerKind::GroupNorm { groups, epsilon, affine: yes("affine", false)? }
        }
        "scale" => {
            only(&["factor"])?;
            LayerKind::Scale { factor: table.required("factor", "factor = 0.5")?.number()? }
        }
        "max_pool1d" | "max_pool2d" | "max_pool3d" => {
            only(&["kernel", "stride", "padding"])?;
            LayerKind::MaxPool(pool(table, axes)?)
        }
        "avg_pool1d" | "avg_pool2d" | "avg_pool3d" => {
            only(&["kernel", "stride", "padding"])?;
            LayerKind::AvgPool(pool(table, axes)?)
        }
        "upsample" => {
            only(&["factor"])?;
            LayerKind::Upsample { factor: table.required("factor", "factor = 2")?.size(1)? }
        }
        "reshape" => {
            only(&["shape"])?;
            let entry = table.required("shape", "shape = [16, 4]")?;
            match entry.sizes()? {
                shape if shape.is_empty() => return Err(entry.fault("must not be empty", None)),
                shape => LayerKind::Reshape { shape },
            }
        }
        "permute" => {
            only(&["axes"])?;
            let elements =
                table.required("axes", "axes = [1, 0]")?.elements("must be an array of axes")?;
            let axes = elements.iter().map(|entry| entry.size(0)).collect::<Result<_, _>>()?;
            LayerKind::Permute { axes }
        }
        "slice" => {
            only(&["axis", "start", "stop"])?;
            let start = table.optional("start").map(|entry| entry.size(0)).transpose()?;
            let axis = table.optional("axis").map(|entry| entry.size(0)).transpose()?;
            let (start, entry) = (start.unwrap_or(0), table.required("stop", "stop = 4")?);
            match entry.size(1)? {
                stop if stop <= start => {
                    let must = format!("must be above the start, {start}");
                    return Err(entry.fault(&must, None));
                }
                stop => LayerKind::Slice { axis: axis.unwrap_or(0), start, stop },
            }
        }
        "residual" => {
            only(&["layers", "shortcut", "shortcut_name"])?;
            let body = within(table, name)?;
            let shortcut = table.optional("shortcut");
            let own = table.optional("shortcut_name");
            let own = own.map_or(Ok("shortcut"), |entry| match shortcut {
                Some(_) => entry.string(),
                None => Err(entry.fault("is for a residual with a `shortcut`", None)),
            })?;
            let shortcut = shortcut.map(|entry| layers(&entry, &below(name, own)));
            LayerKind::Residual { body, shortcut: shortcut.transpose()?.unwrap_or_default() }
        }
        "repeat" => {
            only(&["layers", "times"])?;
            let entry = table.required("times", "times = 4")?;
            match entry.whole() {
                Ok(times @ 1..=MOST_TIMES) => {
                    LayerKind::Repeat { body: within(table, name)?, times: times as usize }
                }
                _ => {
                    let must = format!("must be a whole number from 1 to {MOST_TIMES}");
                    return Err(entry.fault(&must, None));
                }
            }
        }
        "add" | "multiply" => {
            only(&[])?;
            let how = if word == "add" { Join::Add } else { Join::Multiply };
            LayerKind::Join { how }
        }
        "concat" => {
            only(&["axis"])?;
            let axis = table.optional("axis").map(|entry| entry.size(0)).transpose()?;
            LayerKind::Join { how: Join::Concatenate { axis: axis.unwrap_or(0) } }
        }
        "position" => LayerKind::Position { bare: bare(table)? },
        "class_token" => LayerKind::ClassToken { bare: bare(table)? },
        "embedding" => {
            only(&["vocabulary", "width"])?;
            let vocabulary = table.required_size("vocabulary")?;
            LayerKind::Embedding { vocabulary, width: table.required_size("width")? }
        }
        "attention" => {
            only(&["heads", "causal", "rotary"])?;
            let (heads, causal) = (table.size("heads")?.unwrap_or(1), yes("causal", false)?);
            LayerKind::Attention { heads, causal, rotary: yes("rotary", false)? }
        }
        "rnn" | "lstm" | "gru" => {
            only(&["hidden"])?;
            let cell = match word {
                "rnn" => Cell::Rnn,
                "lstm" => Cell::Lstm,
                _ => Cell::Gru,
            };
            LayerKind::Recurrent { cell, hidden: table.required_size("hidden")? }
        }
        word => {
            only(&[])?;
            match word {
                "global_avg_pool" => LayerKind::GlobalAvgPool,
                "global_max_pool" => LayerKind::GlobalMaxPool,
                "flatten" => LayerKind::Flatten,
                "sinusoids" => LayerKind::Sinusoids,
                "mean_tokens" => LayerKind::MeanTokens,
                "first_token" => LayerKind::FirstToken,
                "last_token" => LayerKind::LastToken,
                "tokens" => LayerKind::Tokens,
                "transpose" => LayerKind::Transpose,
                _ => unreachable!("{word} is one of the types"),
            }
        }
    })
}

/// The layers within one.
fn within(table: &Table, name: &str) -> Result<Vec<Plan>, SourceError> {
    layers(&table.required("layers", "layers = [{ type = \"linear\", out = 10 }]")?, name)
}

/// An activation with the parameters that are given.
fn parameters(table: &Table, usual: Activation) -> Result<Activation, SourceError> {
    let number = |key, usual: f64| {
        let entry = table.optional(key);
        entry.map_or(Ok(usual), |entry| entry.number())
    };
    Ok(match usual {
        Activation::Elu { alpha } => {
            only(table, &["alpha"])?;
            Activation::Elu { alpha: number("alpha", alpha)? }
        }
        Activation::LeakyRelu { slope } => {
            only(table, &["slope"])?;
            Activation::LeakyRelu { slope: number("slope", slope)? }
        }
        Activation::Hardtanh { low, high } if low < 0.0 => {
            only(table, &["low", "high"])?;
            let (low, entry) = (number("low", low)?, table.optional("high"));
            match entry {
                Some(entry) => {
                    let must = format!("must be above `low`, {low}");
                    Activation::Hardtanh { low, high: entry.number_that(&must, |high| high > low)? }
                }
                None if low < high => Activation::Hardtanh { low, high },
                None => {
                    let must = format!("must be below `high`, {high}");
                    return Err(table.required("low", "low = -1")?.fault(&must, None));
                }
            }
        }
        usual => {
            only(table, &[])?;
            usual
        }
    })
}

/// What a layer takes in the place of what the one before it gives.
fn references(table: &Table, joins: bool) -> Result<Vec<Reference>, SourceError> {
    let example = "from = [\"0\", \"input\"]";
    let entry = if joins { Some(table.required("from", example)?) } else { table.optional("from") };
    let Some(entry) = entry else { return Ok(Vec::new()) };
    if !joins {
        return Ok(vec![reference(&entry)?]);
    }
    let elements = entry.elements("must be an array of names of layers")?;
    if elements.is_empty() {
        return Err(entry.fault("must name at least one layer", Some(example.into())));
    }
    elements.iter().map(reference).collect()
}

fn reference(entry: &Entry) -> Result<Reference, SourceError> {
    Ok(Reference { name: entry.string()?.into(), span: entry.span() })
}

fn epsilon(table: &Table) -> Result<f64, SourceError> {
    let entry = table.optional("epsilon");
    entry.map_or(Ok(EPSILON), |entry| entry.number_that("must be positive", |x| x > 0.0))
}

fn convolution(
    table: &Table,
    axes: &[&str],
    transposed: Option<Vec<usize>>,
) -> Result<LayerKind, SourceError> {
    let (inputs, outputs) = (table.size("in")?, table.required_size("out")?);
    let window = window(table, axes, Some(1))?;
    if let Some(behind) = &transposed {
        let most = |axis: usize| window.stride[axis].max(window.dilation[axis]);
        if (0..axes.len()).any(|axis| behind[axis] >= most(axis)) {
            let entry = table.required("output_padding", "output_padding = 1")?;
            return Err(entry.fault("must be below the stride or the dilation", None));
        }
    }
    let groups = table.size("groups")?.unwrap_or(1);
    let bias = table.boolean("bias")?.unwrap_or(true);
    Ok(LayerKind::Convolution { inputs, outputs, window, groups, transposed, bias })
}

/// Kernel, stride and padding; the stride is the kernel where it is not given.
fn pool(table: &Table, axes: &[&str]) -> Result<Window, SourceError> {
    let window = window(table, axes, None)?;
    let wide = (0..axes.len()).any(|axis| window.padding[axis] > window.kernel[axis] / 2);
    match table.optional("padding") {
        Some(entry) if wide => Err(entry.fault("must be at most half the kernel", None)),
        _ => Ok(window),
    }
}

fn window(table: &Table, axes: &[&str], stride: Option<usize>) -> Result<Window, SourceError> {
    let each =
        |key, least| table.optional(key).map(|entry: Entry| entry.each(least, axes)).transpose();
    let count = axes.len();
    let kernel = table.required("kernel", "kernel = 3")?.each(1, axes)?;
    let stride = each("stride", 1)?.or(stride.map(|stride| vec![stride; count]));
    let stride = stride.unwrap_or_else(|| kernel.clone());
    let padding = each("padding", 0)?.unwrap_or(vec![0; count]);
    Ok(Window { kernel, stride, padding, dilation: each("dilation", 1)?.unwrap_or(vec![1; count]) })
}
