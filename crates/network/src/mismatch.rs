//! Whether a network and a data set go together.

use super::architecture::{Architecture, ArchitectureError, Criterion};
use super::data::{Dataset, Remark, Targets};
use super::device::DeviceError;
use super::graph::GraphError;
use std::collections::BTreeSet;

/// How far from one the probabilities of an example may sum: 16-bit numbers of a few classes are not nearer.
const SLACK: f64 = 2e-3;

/// Why a network cannot be evaluated on a data set.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum Mismatch {
    /// The examples are not what the network reads.
    #[error(
        "{data} has examples of shape {found:?}, but the network's first layer, {layer}, reads {expected:?}"
    )]
    Inputs {
        /// Name of the data set.
        data: String,
        /// Shape of one of its examples.
        found: Box<[usize]>,
        /// The network's first layer, its name and its type.
        layer: String,
        /// Shape of the network's input.
        expected: Box<[usize]>,
        /// What would be right, of as many numbers in another order.
        #[help]
        help: Option<String>,
    },
    /// The targets are not what the network gives.
    #[error(
        "{data} has {found}, but the network's last layer, {layer}, gives outputs of shape {expected:?}"
    )]
    Targets {
        /// Name of the data set.
        data: String,
        /// What its targets are.
        found: Box<str>,
        /// The network's last layer, its name and its type.
        layer: String,
        /// Shape of the outputs for one example.
        expected: Box<[usize]>,
        /// What would be right.
        #[help]
        help: Option<Box<str>>,
    },
    /// A criterion for classes met targets that are neither classes nor probabilities.
    #[error(
        "cross entropy takes classes, or a probability for each of them, but {data} has {found}"
    )]
    Classes {
        /// Name of the data set.
        data: String,
        /// What its targets are.
        found: String,
        /// What would be right.
        #[help]
        help: String,
    },
    /// A criterion met targets that it is not defined for.
    #[error("{data} has {found}, but the loss {criterion} takes {takes}")]
    Criterion {
        /// Name of the data set.
        data: String,
        /// What its targets are.
        found: Box<str>,
        /// The name of the loss.
        criterion: &'static str,
        /// What it takes.
        takes: &'static str,
    },
    /// An embedding was given something that is no token.
    #[error("example {example} of {data} holds {value}, but the embedding has rows 0 to {last}")]
    Token {
        /// Name of the data set.
        data: String,
        /// Which example, from 0.
        example: usize,
        /// What it holds.
        value: f64,
        /// The largest token.
        last: usize,
    },
    /// More memory than the host has.
    #[error(
        "{parameters} parameters and {activations} numbers between the layers need at least {:.1} GiB \
         of memory at once, more than there is",
        *bytes as f64 / (1u64 << 30) as f64
    )]
    Memory {
        /// Bytes of the parameters, of a gradient and of what lies between the layers.
        bytes: usize,
        /// Parameters of the network.
        parameters: usize,
        /// Numbers that the layers give for the examples that are evaluated together.
        activations: usize,
    },
    /// More memory than the host has, for a loss of all pairs of examples.
    #[error(
        "the loss contrastive of {examples} examples is of all their pairs and needs at least {:.1} GiB of memory at \
         once, more than there is",
        *bytes as f64 / (1u64 << 30) as f64
    )]
    #[diagnostic(help(
        "take fewer examples, or mini-batches, `batch = 256`, each with a loss of its own pairs"
    ))]
    Pairs {
        /// How many there are.
        examples: usize,
        /// Bytes of the numbers of all pairs.
        bytes: usize,
    },
    /// An operator graph was to be evaluated on data.
    #[error("{graph} is an operator graph, whose data are constants: it takes no others")]
    OfGraph {
        /// The graph.
        graph: String,
    },
    /// No examples at all.
    #[error("{data} has no examples")]
    Empty {
        /// Name of the data set.
        data: String,
    },
    /// There is no such network.
    #[error(transparent)]
    #[diagnostic(forward(0))]
    Architecture(Box<ArchitectureError>),
    /// Data that may be meant otherwise, where a network takes its form from them.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Doubtful(#[from] Remark),
    /// The loss needs more memory than there is.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Loss(#[from] GraphError),
    /// The device lacks the network's numbers, or failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Device(#[from] DeviceError),
}

impl From<ArchitectureError> for Mismatch {
    fn from(error: ArchitectureError) -> Mismatch {
        Mismatch::Architecture(Box::new(error))
    }
}

/// Refuses data that the network cannot read.
pub(super) fn check(architecture: &Architecture, data: &Dataset) -> Result<(), Mismatch> {
    if data.is_empty() {
        return Err(Mismatch::Empty { data: data.name.clone() });
    }
    if !agree(&data.shape, &architecture.input) {
        return Err(Mismatch::Inputs {
            data: data.name.clone(),
            found: data.shape.as_slice().into(),
            layer: architecture.ends[0].clone(),
            expected: architecture.input.as_slice().into(),
            help: order(&data.shape, &architecture.input),
        });
    }
    let outputs: usize = architecture.outputs.iter().product();
    let from_one = data.remarks.iter().find_map(|remark| match remark {
        Remark::LabelsNotFromZero { .. } => miette::Diagnostic::help(remark).map(|h| h.to_string()),
        _ => None,
    });
    let of_tokens = (architecture.tokens() > 1).then(|| {
        "each token has a class, or numbers; for a class of the whole, `mean_tokens` comes before the last layer"
            .to_string()
    });
    let targets = |found: String| Mismatch::Targets {
        data: data.name.clone(),
        found: found.into(),
        layer: architecture.ends[1].clone(),
        expected: architecture.outputs.as_slice().into(),
        help: from_one.or(of_tokens).map(Into::into),
    };
    match (&data.targets, &architecture.criterion) {
        (Targets::Classes { .. }, Criterion::Contrastive { .. }) => Ok(()),
        (Targets::Values { .. }, Criterion::Contrastive { .. }) => Err(Mismatch::Criterion {
            data: data.name.clone(),
            found: "numbers as targets".into(),
            criterion: "contrastive",
            takes: "classes, of which each example has others of its own",
        }),
        (Targets::Classes { classes: 1 | 2, .. }, criterion)
            if outputs == 1 && criterion.takes_sign() =>
        {
            Ok(())
        }
        (Targets::Values { values, width }, criterion)
            if architecture.outputs.len() == 2
                && *width == architecture.tokens()
                && *width != outputs
                && criterion.takes_classes() =>
        {
            classes_of_tokens(criterion, data, values, [*width, architecture.width()])
        }
        (Targets::Classes { classes, .. }, _)
            if *classes > outputs || architecture.tokens() > 1 =>
        {
            Err(targets(format!("{classes} classes as targets")))
        }
        (Targets::Values { .. }, _)
            if architecture.outputs.len() == 2
                && !outputs_last(&data.target_shape, &architecture.outputs) =>
        {
            let [rows, width] = [architecture.tokens(), architecture.width()];
            Err(Mismatch::Targets {
                data: data.name.clone(),
                found: format!("targets of shape {:?}", data.target_shape).into(),
                layer: architecture.ends[1].clone(),
                expected: architecture.outputs.as_slice().into(),
                help: Some(
                    format!(
                        "an example's targets are [{rows}, {width}], or have more axes before the last, as [height, width, \
                         {width}]; of channels first, `np.moveaxis(targets, 1, -1)` in NumPy makes that"
                    )
                    .into(),
                ),
            })
        }
        (Targets::Values { values, width: 1 }, Criterion::CrossEntropy { .. }) => {
            Err(numbers(data, values))
        }
        (Targets::Values { width, .. }, _) if *width != outputs => {
            Err(targets(format!("targets of shape [{width}]")))
        }
        (Targets::Values { values, width }, Criterion::CrossEntropy { .. }) => {
            let (tokens, each) = (architecture.tokens(), width / architecture.tokens());
            let rows = values.chunks_exact(each).enumerate();
            rows.map(|(row, values)| (row / tokens, values))
                .try_for_each(|row| probabilities(data, row))
        }
        (Targets::Values { values, width }, criterion) => {
            numbers_for(criterion, data, values, *width, architecture)
        }
        _ => Ok(()),
    }
}

/// Refuses examples of which a loss of pairs has none.
pub(super) fn check_pairs(architecture: &Architecture, data: &Dataset) -> Result<(), Mismatch> {
    let (Targets::Classes { labels, .. }, Criterion::Contrastive { .. }) =
        (&data.targets, &architecture.criterion)
    else {
        return Ok(());
    };
    let mut seen = BTreeSet::new();
    if !labels.iter().all(|label| seen.insert(label)) {
        return Ok(());
    }
    Err(Mismatch::Criterion {
        data: data.name.clone(),
        found: "no two examples of one class".into(),
        criterion: "contrastive",
        takes: "classes, of which each example has others of its own",
    })
}

/// Whether the numbers of one shape are those of the other in the same order: axes of one number aside they are the
/// same, or one of them is a list without axes, as a `flatten` makes it.
fn agree(found: &[usize], expected: &[usize]) -> bool {
    let axes = |shape: &[usize]| -> Vec<usize> {
        shape.iter().copied().filter(|length| *length != 1).collect()
    };
    let (one, other) = (axes(found), axes(expected));
    let size = |shape: &[usize]| shape.iter().product::<usize>();
    one == other || (size(&one) == size(&other) && (one.len() <= 1 || other.len() <= 1))
}

/// Whether targets with as many numbers as outputs `[tokens, outputs]` have them in that order: all in a list, or the outputs of
/// one token along the last axis.
fn outputs_last(found: &[usize], expected: &[usize]) -> bool {
    let axes: Vec<usize> = found.iter().copied().filter(|length| *length != 1).collect();
    let width = expected[expected.len() - 1];
    axes.len() <= 1 || width == 1 || axes.last() == Some(&width)
}

/// Advice where there are as many numbers as there should be.
fn order(found: &[usize], expected: &[usize]) -> Option<String> {
    match (found, expected) {
        ([h, w, c], [channels, height, width]) if (c, h, w) == (channels, height, width) => {
            let how = "`inputs.transpose(0, 3, 1, 2)` in NumPy";
            let option = "`,layout=nhwc` after the data";
            Some(format!("images have their channels first; transpose them, {how}, or {option}"))
        }
        _ if found.iter().product::<usize>() == expected.iter().product::<usize>() => {
            Some("as many numbers, but in which order? Transpose or reshape the inputs".into())
        }
        _ => None,
    }
}

/// Whether the targets of tokens are classes.
fn classes_of_tokens(
    criterion: &Criterion,
    data: &Dataset,
    values: &[f64],
    [tokens, classes]: [usize; 2],
) -> Result<(), Mismatch> {
    let is_class = |x: &f64| x.fract() == 0.0 && (0.0..classes as f64).contains(x);
    let Some(at) = values.iter().position(|x| !is_class(x)) else { return Ok(()) };
    let found =
        format!("{} among the targets of the tokens of example {}", values[at], at / tokens);
    let data = data.name.clone();
    if let Some(criterion) = criterion.name().filter(|name| *name != "cross_entropy") {
        return Err(Mismatch::Criterion {
            data,
            found: found.into(),
            criterion,
            takes: "classes, from 0 on, one for each output",
        });
    }
    Err(Mismatch::Classes {
        data,
        found,
        help: format!("a class is a whole number from 0 to {}", classes - 1),
    })
}

/// Whether a loss that has meanings for numbers has one for these, of which an example has `width`.
fn numbers_for(
    criterion: &Criterion,
    data: &Dataset,
    values: &[f64],
    width: usize,
    architecture: &Architecture,
) -> Result<(), Mismatch> {
    let of_tokens = architecture.outputs.len() == 2 && architecture.width() == 1;
    let negative = || values.iter().any(|x| *x < 0.0);
    let (takes, fits): (_, fn(f64) -> bool) = match criterion {
        Criterion::Hinge { .. } if architecture.width() > 1 => ("classes", |_| false),
        // One output for each token: data have no other way to give their classes.
        Criterion::Hinge { .. } | Criterion::Logistic if of_tokens && !negative() => {
            ("the classes 0 and 1, or the numbers -1 and 1", |x| x == 0.0 || x == 1.0)
        }
        Criterion::Hinge { .. } | Criterion::Logistic if of_tokens => {
            ("the classes 0 and 1, or the numbers -1 and 1", |x| x.abs() == 1.0)
        }
        Criterion::Hinge { .. } | Criterion::Logistic => {
            ("classes, or the numbers -1 and 1", |x| x.abs() == 1.0)
        }
        Criterion::BinaryCrossEntropy => {
            ("classes, or numbers from 0 to 1", |x| (0.0..=1.0).contains(&x))
        }
        _ => return Ok(()),
    };
    let Some(at) = values.iter().position(|x| !fits(*x)) else { return Ok(()) };
    Err(Mismatch::Criterion {
        data: data.name.clone(),
        found: format!("{} among the targets of example {}", values[at], at / width).into(),
        criterion: criterion.name().unwrap_or_default(),
        takes,
    })
}

/// One real number an example where classes are wanted.
fn numbers(data: &Dataset, values: &[f64]) -> Mismatch {
    let labels = values.iter().all(|x| x.fract() == 0.0 && *x >= 0.0);
    let help = if labels {
        "they are whole: with `,targets=classes` after the data they are read as classes"
    } else {
        "for real numbers there is the loss \"mean_squared_error\""
    };
    let found = "one real number as the target of each".into();
    Mismatch::Classes { data: data.name.clone(), found, help: help.into() }
}

/// Whether the targets of an example are probabilities.
fn probabilities(data: &Dataset, (example, row): (usize, &[f64])) -> Result<(), Mismatch> {
    let sum: f64 = row.iter().sum();
    let found = match row.iter().find(|p| **p < 0.0) {
        Some(p) => format!("{p} among the targets of example {example}"),
        None if (sum - 1.0).abs() > SLACK => {
            format!("targets of example {example} that sum to {sum}")
        }
        None => return Ok(()),
    };
    let help = "probabilities are not negative and sum to 1; for other numbers there is the loss \
                \"mean_squared_error\"";
    Err(Mismatch::Classes { data: data.name.clone(), found, help: help.into() })
}
