//! What is to be said of data that are read.

/// What of a file is not used, or may be meant otherwise than it is read. Commands show it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, miette::Diagnostic)]
pub enum Remark {
    /// Images whose last axis is likely the one of the channels.
    #[error("{data}: examples of shape {shape:?} seem to be images with their channels last, but are read as {} channels", shape[0])]
    #[diagnostic(help(
        "the option `,layout=nhwc` after the data puts the channels first; `,layout=nchw` says that they are"
    ))]
    ChannelsLast {
        /// The data set.
        data: String,
        /// The shape of an example.
        shape: [usize; 3],
    },
    /// Labels of which the first classes do not occur.
    #[error(
        "{data}: the smallest label is {least}, but labels count from 0, so that there are {classes} classes"
    )]
    #[diagnostic(help(
        "the option `,labels=1` after the data counts them from 1; `,labels=0` says that they count from 0"
    ))]
    LabelsNotFromZero {
        /// The data set.
        data: String,
        /// The smallest label.
        least: usize,
        /// The number of classes.
        classes: usize,
    },
    /// Whole numbers that are not written, or stored, as integers.
    #[error(
        "{data}: the targets are whole numbers of a type with fractions, and are read as values, not as classes"
    )]
    #[diagnostic(help(
        "the option `,targets=classes` after the data reads them as classes; `,targets=values` says that they are values"
    ))]
    WholeTargets {
        /// The data set.
        data: String,
    },
    /// Arrays that are neither inputs nor targets.
    #[error("{data}: {} not used", listed(arrays))]
    Unused {
        /// The data set.
        data: String,
        /// Their names.
        arrays: Vec<String>,
    },
}

impl Remark {
    /// The remark with its advice, as one text.
    pub fn note(&self) -> String {
        match miette::Diagnostic::help(self) {
            Some(help) => format!("{self}; {help}"),
            None => self.to_string(),
        }
    }
}

/// `` `a` is`` or `` `a`, `b` are``, of the first few.
fn listed(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(6).map(|name| format!("`{name}`")).collect();
    match names.len() {
        1 => format!("{} is", shown[0]),
        n if n > shown.len() => format!("{} and {} more are", shown.join(", "), n - shown.len()),
        _ => format!("{} are", shown.join(", ")),
    }
}

/// The most different whole numbers that may be classes.
const FEW: usize = 20;

/// Whether the numbers, of a type with fractions, are probably labels: few different whole numbers.
pub(super) fn are_few_whole(numbers: impl Iterator<Item = f64> + Clone) -> bool {
    if numbers.clone().any(|x| x.fract() != 0.0 || !(0.0..1e6).contains(&x)) {
        return false;
    }
    let mut seen: Vec<u64> = Vec::new();
    let mut count = 0;
    for x in numbers {
        count += 1;
        if !seen.contains(&(x as u64)) {
            seen.push(x as u64);
        }
        if seen.len() > FEW {
            return false;
        }
    }
    seen.len() > 1 && count > seen.len()
}

/// The remark on an example's shape, if its last axis is likely the one of the channels.
pub(super) fn channels_last(data: &str, shape: &[usize]) -> Option<Remark> {
    let shape: [usize; 3] = shape.try_into().ok()?;
    let [height, width, channels] = shape;
    // Gray, colour, or colour and opacity.
    let likely = matches!(channels, 1 | 3 | 4) && height > 4 && width > 4;
    likely.then(|| Remark::ChannelsLast { data: data.into(), shape })
}
