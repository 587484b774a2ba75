//! The text below the options of a command's help, and the names that shells complete.
//!
//! The lines of that text have at most [`WIDTH`] characters: clap breaks longer ones at the width of the terminal, also
//! within commands and tables.

use crate::experiment::Metric;
use crate::experiment::config::keys::{LAYERS, SECTIONS, Section, settings};
use crate::experiment::config::methods;
use crate::reproduction;
use bea_flow::flow::FlowName;
use bea_flow::loss;
use bea_series::optimizer;
use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::error::Error;
use clap::{Arg, Command};
use std::ffi::OsStr;
use std::sync::LazyLock;

/// The characters of a line.
pub(super) const WIDTH: usize = 80;

/// One row a name: the name, and what it is in as many lines as that takes at this width.
pub(super) fn described(rows: &[(String, String)], width: usize) -> String {
    let indent = 2 + rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for (name, about) in rows {
        out.push_str(name);
        let mut column = name.chars().count();
        for (i, word) in about.split_whitespace().enumerate() {
            let length = word.chars().count();
            if i > 0 && column + 1 + length <= width {
                out.push(' ');
                column += 1;
            } else {
                if i > 0 {
                    out.push('\n');
                    column = 0;
                }
                out.extend(std::iter::repeat_n(' ', indent - column));
                column = indent;
            }
            out.push_str(word);
            column += length;
        }
        out.push('\n');
    }
    out
}

/// All keys of a description, with an example value of each.
pub(super) fn keys() -> String {
    let mut rows = Vec::new();
    for section in &SECTIONS {
        let indent = if section.name.is_empty() { "  " } else { "    " };
        if !section.name.is_empty() {
            rows.push((format!("  {}", section.header()), section.about.to_string()));
        }
        let row = |name: &str, value: &str| format!("{indent}{name} = {value}");
        rows.extend(section.keys.iter().map(|key| (row(key.name, key.value), key.about.into())));
    }
    let row = |layer: &Section| (format!("  {}", layer.header()), layer.about.to_string());
    rows.extend(LAYERS.iter().map(row));
    described(&rows, WIDTH)
}

/// The methods of training.
pub(super) fn training_methods() -> String {
    let row = |method: crate::experiment::config::Method| {
        (format!("  {}", method.name), method.about.to_string())
    };
    described(&methods().into_iter().map(row).collect::<Vec<_>>(), WIDTH)
}

/// All metrics.
pub(super) fn metrics() -> String {
    let row = |(name, about): (String, &str)| (format!("  {name}"), about.to_string());
    described(&Metric::described().into_iter().map(row).collect::<Vec<_>>(), WIDTH)
}

/// All flows.
pub(super) fn flows() -> String {
    let row = |(name, about): (&str, &str)| (format!("  {name}"), about.to_string());
    described(&FlowName::described().into_iter().map(row).collect::<Vec<_>>(), WIDTH)
}

/// A text that may be anything, and the names that shells complete.
#[derive(Clone, Copy)]
pub(super) enum Named {
    /// Optimizers of the library.
    Optimizer,
    /// Losses of the library.
    Loss,
    /// Flows.
    Flow,
    /// Keys of a description, with those of their values that can be listed.
    Setting,
    /// Figures of the paper.
    Figure,
}

impl Named {
    fn names(self) -> &'static [String] {
        fn owned<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
            names.into_iter().map(String::from).collect()
        }
        static OPTIMIZERS: LazyLock<Vec<String>> =
            LazyLock::new(|| owned(optimizer::names().iter().copied()));
        static LOSSES: LazyLock<Vec<String>> =
            LazyLock::new(|| loss::library().into_iter().map(|(name, _)| name).collect());
        static FLOWS: LazyLock<Vec<String>> = LazyLock::new(|| {
            let name = |name: &str| name.replace(":n", ":3").replace(":k", ":1");
            FlowName::names().into_iter().map(name).collect()
        });
        static SETTINGS: LazyLock<Vec<String>> = LazyLock::new(settings);
        static FIGURES: LazyLock<Vec<String>> =
            LazyLock::new(|| reproduction::all().iter().map(|f| f.id().to_string()).collect());
        match self {
            Named::Optimizer => &OPTIMIZERS,
            Named::Loss => &LOSSES,
            Named::Flow => &FLOWS,
            Named::Setting => &SETTINGS,
            Named::Figure => &FIGURES,
        }
    }
}

impl TypedValueParser for Named {
    type Value = String;

    fn parse_ref(&self, cmd: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<String, Error> {
        StringValueParser::new().parse_ref(cmd, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.names().iter().map(|name| PossibleValue::new(name.as_str()))))
    }
}
