//! `bea derive`

use crate::field::Field;
use crate::render::{Document, Form, Format, Notation};
use crate::series::GeneralLinearMethod;
use miette::IntoDiagnostic;
use std::path::PathBuf;

/// Derive
#[derive(clap::Args)]
pub struct Derive {
    #[arg(long, default_value_t = 4)]
    order: usize,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[arg(long = "as", value_enum, default_value_t)]
    form: Form,
    #[arg(long, value_enum, default_value_t)]
    notation: Notation,
    #[arg(long)]
    out: Option<PathBuf>,
}

impl Derive {
    pub fn run(self) -> miette::Result<()> {
        let field = Field::derive("gradient_descent", &GeneralLinearMethod::euler(), self.order)
            .into_diagnostic()?;
        let mut d = Document::new(&field);
        d.form = self.form;
        d.notation = self.notation;
        match self.out {
            None => self
                .format
                .write(&d, &mut std::io::BufWriter::new(std::io::stdout()))
                .into_diagnostic(),
            Some(p) => self
                .format
                .write(&d, &mut std::io::BufWriter::new(std::fs::File::create(p).unwrap()))
                .into_diagnostic(),
        }
    }
}
