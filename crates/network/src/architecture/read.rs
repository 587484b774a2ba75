//! Network files.

use super::activation::ACTIVATIONS;
use super::error::ArchitectureError;
use super::library::{Design, Family, Images, NAMES, Transformer};
use super::plan::Plan;
use super::tables::{layers, running};
use super::{Architecture, Criterion, Dtype, build};
use bea_series::text::source::{Source, SourceError};
use bea_series::text::table::{Entry, Table, parse};

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
    if !(1..=4).contains(&input.len()) {
        let must = "must be [features], [tokens], [tokens, features], [channels, length], [channels, height, width] or \
                    [channels, depth, height, width]";
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
    let activation =
        activation.map(|entry| entry.choice("activation", &ACTIVATIONS)).transpose()?;
    let activation = activation.unwrap_or(family.activation());
    let running = running(top)?;
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

/// The name of a file without folder and ending.
fn stem(file: &str) -> String {
    let path = std::path::Path::new(file);
    path.file_stem().map_or_else(|| file.into(), |stem| stem.to_string_lossy().into_owned())
}

fn criterion(top: &Table) -> Result<Criterion, SourceError> {
    let said = top.required("loss", "loss = \"cross_entropy\"")?;
    let loss = Criterion::read(&said)?;
    let Some(entry) = top.optional("label_smoothing") else { return Ok(loss) };
    match loss {
        Criterion::CrossEntropy { .. } if table_smoothing(&said)?.is_some() => Err(twice(&entry)),
        Criterion::CrossEntropy { .. } => {
            Ok(Criterion::CrossEntropy { smoothing: smoothing(&entry)? })
        }
        _ => Err(entry.fault("is for the loss `cross_entropy` only", None)),
    }
}

/// The smoothing of labels that the table of a loss says.
///
/// # Errors
/// It is no number in `[0, 1)`.
pub fn table_smoothing(loss: &Entry) -> Result<Option<f64>, SourceError> {
    if !loss.is_table() {
        return Ok(None);
    }
    loss.table("a loss")?.optional("label_smoothing").map(|entry| smoothing(&entry)).transpose()
}

/// The error that the smoothing of labels stands in the table of the loss and, here, beside it.
pub fn twice(smoothing: &Entry) -> SourceError {
    smoothing.fault("is in the table of the loss already: leave one of them out", None)
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
