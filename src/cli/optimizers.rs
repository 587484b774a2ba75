//! `bea optimizers`: the library.

use super::help::{Named, described};
use super::{input, output};
use bea_series::optimizer::{Optimizer, library, nonlinear_library};
use serde_json::json;
use std::process::ExitCode;

/// List the optimizers of the library, or print the text of one.
#[derive(clap::Args)]
pub(super) struct Optimizers {
    /// Print the text of this optimizer
    #[arg(value_name = "OPTIMIZER|FILE", value_parser = Named::Optimizer, hide_possible_values = true)]
    optimizer: Option<String>,
    /// The format of the list
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Default, clap::ValueEnum)]
enum Format {
    /// A table
    #[default]
    Text,
    /// An array of objects
    Json,
}

impl Optimizers {
    pub fn run(self) -> miette::Result<ExitCode> {
        let text = match (&self.optimizer, self.format) {
            (Some(name), Format::Text) => input::optimizer(name)?.to_string(),
            (Some(name), Format::Json) => pretty(&object(&input::optimizer(name)?)),
            (None, Format::Text) => table(output::terminal_width().unwrap_or(usize::MAX)),
            (None, Format::Json) => {
                pretty(&library().iter().chain(nonlinear_library()).map(object).collect())
            }
        };
        output::to_stdout(|out| out.write_all(text.as_bytes()))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// One optimizer per line, or on several lines where the terminal is narrow.
fn table(width: usize) -> String {
    let linear = library().iter().map(|o| (head(o), o.summary().to_string()));
    let others =
        nonlinear_library().iter().map(|o| (head(o), format!("nonlinear: {}", o.summary())));
    described(&linear.chain(others).collect::<Vec<_>>(), width)
}

/// `heavy_ball(m)`
fn head(optimizer: &Optimizer) -> String {
    match optimizer.parameters[..] {
        [] => optimizer.name.clone(),
        _ => format!("{}({})", optimizer.name, optimizer.parameters.join(", ")),
    }
}

fn object(optimizer: &Optimizer) -> serde_json::Value {
    json!({
        "name": optimizer.name,
        "parameters": optimizer.parameters,
        "summary": optimizer.summary(),
        "linear": optimizer.is_linear(),
        "text": optimizer.to_string(),
    })
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}
