//! Network files.

use super::absent::LAYERS;
use super::error::ArchitectureError;
use super::library::{Design, Family, Images, NAMES, Transformer};
use super::plan::{FUNCTIONS, LayerKind, Plan, Window};
use super::{Architecture, Criterion, Dtype, build};
use bea_series::text::source::{Source, SourceError};
use bea_series::text::table::{Entry, Table, alike, parse};

/// The spellings of layers' types other than activations; the first of a kind is the one that is shown.
pub(super) const TYPES: [&str; 19] = [
    "linear",
    "conv2d",
    "batch_norm",
    "batch_norm1d",
    "batch_norm2d",
    "layer_norm",
    "max_pool2d",
    "avg_pool2d",
    "global_avg_pool",
    "flatten",
    "residual",
    "embedding",
    "position",
    "attention",
    "mean_tokens",
    "class_token",
    "first_token",
    "tokens",
    "transpose",
];

/// ε of PyTorch's norms.
const EPSILON: f64 = 1e-5;

/// The modes of batch norms; whether they run.
const MODES: [(&str, bool); 2] = [("batch", false), ("running", true)];

/// Keys that every network file may have.
const COMMON: [&str; 6] = ["name", "loss", "label_smoothing", "l2", "dtype", "input"];

/// What the description around a network says about it.
pub struct Frame {
    /// What it is called.
    pub name: String,
    /// What it is trained with.
    pub criterion: Criterion,
    /// The numbers that it is computed with.
    pub dtype: Dtype,
    /// The shape of one example.
    pub input: Vec<usize>,
}

pub(super) fn architecture(source: &Source) -> Result<Architecture, ArchitectureError> {
    let parsed = parse(source)?;
    let end = source.text.trim_end().len();
    let top = Table {
        source,
        entries: parsed.get_ref(),
        span: end.saturating_sub(1)..end,
        what: "a network".into(),
    };
    let name = match (top.optional("name"), top.optional("architecture")) {
        (Some(name), _) => name.string()?.into(),
        (None, Some(architecture)) => architecture.string()?.into(),
        (None, None) => {
            layer_tables(&top, &COMMON)?;
            stem(&source.name)
        }
    };
    let (criterion, dtype) = (criterion(&top)?, dtype(&top)?);
    let entry = top.required("input", "input = [1, 28, 28]")?;
    let input = entry.sizes()?;
    if !(1..=3).contains(&input.len()) {
        let must = "must be [features], [tokens], [tokens, features] or [channels, height, width]";
        return Err(entry.fault(must, None).into());
    }
    let plans = content(&top, &COMMON, &input)?;
    let l2 = top.optional("l2").map(|entry| penalty(&entry)).transpose()?.unwrap_or(0.0);
    let network = finish(&top, entry.span(), Frame { name, criterion, dtype, input }, &plans)?;
    Ok(Architecture { l2, ..network })
}

/// The network of a table that describes only its layers.
pub(super) fn within(top: &Table, frame: Frame) -> Result<Architecture, ArchitectureError> {
    let plans = content(top, &[], &frame.input)?;
    finish(top, top.span.clone(), frame, &plans)
}

/// Refuses a table whose keys and values do not describe layers; whether they fit data is not asked.
pub(super) fn check(top: &Table) -> Result<(), SourceError> {
    match top.optional("architecture") {
        Some(entry) => design(top, &entry, &[]).map(drop),
        None => layers(&layer_tables(top, &[])?, "").map(drop),
    }
}

/// Puts the layers together; a fault without a place of its own is at `place`.
fn finish(
    top: &Table,
    place: std::ops::Range<usize>,
    frame: Frame,
    plans: &[Plan],
) -> Result<Architecture, ArchitectureError> {
    let Frame { name, criterion, dtype, input } = frame;
    build(name, dtype, input, criterion, plans).map_err(|error| match error {
        ArchitectureError::Layer(mut error) => {
            let named = top.optional("architecture").map(|entry| entry.span());
            let span = error.span.take().or(named).unwrap_or(place);
            top.source.fault(span, error.message, "here", error.help).into()
        }
        other => other,
    })
}

/// The tables `layer` of a network that is not of the library.
fn layer_tables<'a>(top: &Table<'a>, common: &[&str]) -> Result<Entry<'a>, SourceError> {
    top.only(&[common, &["layer", "architecture"]].concat())?;
    top.required("layer", "[[layer]], or architecture = \"mlp\"")
}

/// The layers, of a table that may have the keys `common` besides.
fn content(top: &Table, common: &[&str], input: &[usize]) -> Result<Vec<Plan>, SourceError> {
    let Some(entry) = top.optional("architecture") else {
        return layers(&layer_tables(top, common)?, "");
    };
    let design = design(top, &entry, common)?;
    let tokens =
        matches!(&design.family, Family::Transformer(Transformer { vocabulary: None, .. }));
    if input.len() == 1 && tokens {
        top.required("vocabulary", "vocabulary = 256")?;
    }
    Ok(design.plans(input))
}

/// An architecture of the library, with the choices of `top`.
fn design(top: &Table, entry: &Entry, common: &[&str]) -> Result<Design, SourceError> {
    let name = entry.string()?;
    let Some(mut family) = Family::named(name) else {
        return Err(entry.unknown("architecture", name, &NAMES));
    };
    let only = |keys: &[&str]| {
        let general: [&[&str]; 3] = [common, &["architecture", "activation", "out"], keys];
        top.only(&general.concat())
    };
    let norms = family.has_batch_norms();
    match &mut family {
        Family::Mlp { hidden } => {
            only(&["hidden"])?;
            *hidden = top.required("hidden", "hidden = [100, 100]")?.sizes()?;
        }
        Family::Vgg { images, .. } | Family::ResNet { images, .. } => {
            only(if norms { &["images", "mode"] } else { &["images"] })?;
            let known = [("cifar", Images::Cifar), ("imagenet", Images::ImageNet)];
            let entry = top.optional("images");
            *images = entry.map(|entry| entry.choice("kind of images", &known)).transpose()?;
        }
        Family::Transformer(transformer) => {
            only(&["vocabulary", "width", "heads", "blocks", "feedforward", "norm_first"])?;
            let usual = transformer.clone();
            *transformer = Transformer {
                vocabulary: top.size("vocabulary")?,
                width: top.size("width")?.unwrap_or(usual.width),
                heads: top.size("heads")?.unwrap_or(usual.heads),
                blocks: blocks(top)?.unwrap_or(usual.blocks),
                feedforward: top.size("feedforward")?,
                norm_first: top.boolean("norm_first")?.unwrap_or(usual.norm_first),
            };
        }
    }
    let activation = top.optional("activation");
    let activation = activation.map(|entry| entry.choice("activation", &FUNCTIONS)).transpose()?;
    let activation = activation.unwrap_or(family.activation());
    let running = mode(top)?;
    Ok(Design { family, activation, running, outputs: top.required_size("out")? })
}

/// The most blocks of a transformer: each has layers with names of their own.
const MOST_BLOCKS: usize = 1024;

fn blocks(table: &Table) -> Result<Option<usize>, SourceError> {
    let Some(entry) = table.optional("blocks") else { return Ok(None) };
    match entry.size(1)? {
        blocks if blocks <= MOST_BLOCKS => Ok(Some(blocks)),
        _ => Err(entry.fault(&format!("must be at most {MOST_BLOCKS}"), None)),
    }
}

/// Whether the key `mode` says that batch norms take running statistics.
fn mode(table: &Table) -> Result<bool, SourceError> {
    let entry = table.optional("mode");
    entry.map_or(Ok(false), |entry| entry.choice("mode of batch norms", &MODES))
}

/// The name of a file without folder and ending.
fn stem(file: &str) -> String {
    let path = std::path::Path::new(file);
    path.file_stem().map_or_else(|| file.into(), |stem| stem.to_string_lossy().into_owned())
}

fn criterion(top: &Table) -> Result<Criterion, SourceError> {
    let loss = Criterion::read(&top.required("loss", "loss = \"cross_entropy\"")?)?;
    let Some(entry) = top.optional("label_smoothing") else { return Ok(loss) };
    match loss {
        Criterion::CrossEntropy { .. } => {
            Ok(Criterion::CrossEntropy { smoothing: smoothing(&entry)? })
        }
        _ => Err(entry.fault("is for the loss `cross_entropy` only", None)),
    }
}

/// The smoothing of labels that a key says.
///
/// # Errors
/// It is no number in `[0, 1)`.
pub fn smoothing(entry: &Entry) -> Result<f64, SourceError> {
    entry.number_that("must be at least 0 and below 1", |x| (0.0..1.0).contains(&x))
}

/// The factor of a penalty that a key says.
///
/// # Errors
/// It is no number, or negative.
pub fn penalty(entry: &Entry) -> Result<f64, SourceError> {
    entry.number_that("must not be negative", |x| x >= 0.0)
}

fn dtype(top: &Table) -> Result<Dtype, SourceError> {
    let known = [("f32", Dtype::F32), ("f64", Dtype::F64)];
    let entry = top.optional("dtype");
    entry.map_or(Ok(Dtype::F32), |entry| entry.choice("dtype", &known))
}

/// The layers in the tables of `entry`. Parameters are named `prefix` and the position from 0 on.
fn layers(entry: &Entry, prefix: &str) -> Result<Vec<Plan>, SourceError> {
    let tables = entry.tables("a layer")?;
    if tables.is_empty() {
        return Err(entry.fault("must hold at least one layer", None));
    }
    tables.into_iter().enumerate().map(|(at, table)| layer(table, prefix, at)).collect()
}

fn layer(mut table: Table, prefix: &str, position: usize) -> Result<Plan, SourceError> {
    let own = match table.optional("name") {
        None => position.to_string(),
        Some(entry) => match entry.string()? {
            "" => return Err(entry.fault("must not be empty", None)),
            name => name.to_string(),
        },
    };
    let name = if prefix.is_empty() { own } else { format!("{prefix}.{own}") };
    table.what = format!("layer {name}");
    let entry = table.required("type", "type = \"linear\"")?;
    let spelled = entry.string()?;
    let activation = FUNCTIONS.into_iter().find(|(word, _)| alike(word, spelled));
    let word = TYPES.into_iter().find(|word| alike(word, spelled));
    let known: Vec<&str> =
        TYPES.into_iter().chain(FUNCTIONS.iter().map(|(word, _)| *word)).collect();
    let Some(word) = word.or(activation.map(|(word, _)| word)) else {
        return Err(entry.unknown_or("layer type", spelled, &known, LAYERS));
    };
    table.what = format!("layer {name} ({word})");
    table.span = entry.span();
    let only = |keys: &[&str]| table.only(&[&["type", "name"], keys].concat());
    let epsilon = || match table.optional("epsilon") {
        None => Ok(EPSILON),
        Some(entry) => match entry.number()? {
            epsilon if epsilon > 0.0 => Ok(epsilon),
            _ => Err(entry.fault("must be positive", None)),
        },
    };
    let kind = match word {
        "linear" => {
            only(&["in", "out", "bias"])?;
            let (inputs, outputs) = (table.size("in")?, table.required_size("out")?);
            LayerKind::Linear { inputs, outputs, bias: table.boolean("bias")?.unwrap_or(true) }
        }
        "conv2d" => {
            only(&["in", "out", "kernel", "stride", "padding", "bias"])?;
            let (inputs, outputs) = (table.size("in")?, table.required_size("out")?);
            let bias = table.boolean("bias")?.unwrap_or(true);
            LayerKind::Conv2d { inputs, outputs, window: window(&table, Some([1, 1]))?, bias }
        }
        "batch_norm" | "batch_norm1d" | "batch_norm2d" => {
            only(&["epsilon", "mode"])?;
            LayerKind::BatchNorm { epsilon: epsilon()?, running: mode(&table)? }
        }
        "layer_norm" => {
            only(&["axes", "epsilon"])?;
            LayerKind::LayerNorm { axes: table.size("axes")?.unwrap_or(1), epsilon: epsilon()? }
        }
        "max_pool2d" => {
            only(&["kernel", "stride", "padding"])?;
            LayerKind::MaxPool2d(pool(&table)?)
        }
        "avg_pool2d" => {
            only(&["kernel", "stride", "padding"])?;
            LayerKind::AvgPool2d(pool(&table)?)
        }
        "global_avg_pool" => {
            only(&[])?;
            LayerKind::GlobalAvgPool
        }
        "flatten" => {
            only(&[])?;
            LayerKind::Flatten
        }
        "residual" => {
            only(&["layers", "shortcut"])?;
            let body = table.required("layers", "layers = [{ type = \"linear\", out = 10 }]")?;
            let shortcut = table.optional("shortcut");
            let shortcut = shortcut.map(|entry| layers(&entry, &format!("{name}.shortcut")));
            let body = layers(&body, &name)?;
            LayerKind::Residual { body, shortcut: shortcut.transpose()?.unwrap_or_default() }
        }
        "embedding" => {
            only(&["vocabulary", "width"])?;
            let vocabulary = table.required_size("vocabulary")?;
            LayerKind::Embedding { vocabulary, width: table.required_size("width")? }
        }
        "position" => {
            only(&[])?;
            LayerKind::Position
        }
        "attention" => {
            only(&["heads", "causal"])?;
            let (heads, causal) = (table.size("heads")?, table.boolean("causal")?);
            LayerKind::Attention { heads: heads.unwrap_or(1), causal: causal.unwrap_or(false) }
        }
        "mean_tokens" => {
            only(&[])?;
            LayerKind::MeanTokens
        }
        "class_token" => {
            only(&[])?;
            LayerKind::ClassToken
        }
        "first_token" => {
            only(&[])?;
            LayerKind::FirstToken
        }
        "tokens" => {
            only(&[])?;
            LayerKind::Tokens
        }
        "transpose" => {
            only(&[])?;
            LayerKind::Transpose
        }
        _ => {
            only(&[])?;
            match activation {
                Some((_, function)) => LayerKind::Activation(function),
                None => return Err(entry.unknown("layer type", spelled, &known)),
            }
        }
    };
    Ok(Plan { kind, name, span: Some(table.span) })
}

/// Kernel, stride and padding; the stride is the kernel where it is not given.
fn pool(table: &Table) -> Result<Window, SourceError> {
    let window = window(table, None)?;
    let half = window.kernel.map(|size| size / 2);
    match table.optional("padding") {
        Some(entry) if window.padding[0] > half[0] || window.padding[1] > half[1] => {
            Err(entry.fault("must be at most half the kernel", None))
        }
        _ => Ok(window),
    }
}

fn window(table: &Table, stride: Option<[usize; 2]>) -> Result<Window, SourceError> {
    let pair = |key, least| table.optional(key).map(|entry: Entry| entry.pair(least)).transpose();
    let kernel = table.required("kernel", "kernel = 3")?.pair(1)?;
    let stride = pair("stride", 1)?.or(stride).unwrap_or(kernel);
    Ok(Window { kernel, stride, padding: pair("padding", 0)?.unwrap_or([0, 0]) })
}
