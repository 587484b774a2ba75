//! A modified field, as a page asks for it.

use crate::fault::Fault;
use bea_series::exact::effort::Meter;
use bea_series::field::Field;
use bea_series::field::cost::{EFFORT, Growth, Size, TooLong};
use bea_series::optimizer::{self, Optimizer, Step};
use bea_series::render::typed::{self, TypedDocument};
use bea_series::render::{Content, Document, Form, Format, Layout, Notation, Part};
use bea_series::series::GeneralLinearMethod;
use bea_series::source::Source;
use bea_series::tree::TreeTable;
use bea_series::typed::{Program, TypedField};
use num_rational::BigRational;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// A page of a browser has less memory than a machine.
const MEMORY: f64 = (1u64 << 29) as f64;

/// What is to be derived, and how it is shown. All but `source` may be left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Derivation {
    /// The text of an optimizer.
    pub source: String,
    /// The highest power of `h`; 4, or 2 where the step is nonlinear.
    #[serde(default)]
    pub order: Option<usize>,
    /// Values of parameters, as `--set` takes them: `"9/10"`.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// The step whose bias corrections are used.
    #[serde(default)]
    pub at_step: Option<u64>,
    /// `terms`, or of a linear step `principal`, `non-principal` or `modified-loss`.
    #[serde(default)]
    pub content: String,
    /// Whether the terms of a linear step are written with the gradient of a loss.
    #[serde(default)]
    pub gradient: bool,
    /// How those of a linear step are written: `primes`, `dots` or `index`.
    #[serde(default)]
    pub notation: String,
    /// The format, by the ending of its files: `html`, `json`, `tex`, `py`, …
    pub format: String,
}

impl Derivation {
    /// The field, written as asked for.
    pub(crate) fn answer(&self) -> Result<Value, Fault> {
        let optimizer = self.optimizer()?;
        let values = self.values()?;
        let step = optimizer.step(&values).map_err(|error| Fault::of(&error, &self.source))?;
        let meter = Meter::new(EFFORT);
        let shown = meter.run(|| match &step {
            Step::Linear(program) => self.linear(&optimizer, &program.method(), &values, &meter),
            Step::Nonlinear(program) => self.nonlinear(program, &values),
        });
        // Where panics abort, as in WebAssembly, this is never reached.
        shown.unwrap_or_else(|exhausted| Err(too_long(exhausted.to_string())))
    }

    /// The order, of a derivation that a page has the memory for.
    pub(crate) fn size(&self) -> Result<Value, Fault> {
        let optimizer = self.optimizer()?;
        let step = optimizer.step(&self.values()?);
        let order = match step.map_err(|error| Fault::of(&error, &self.source))? {
            Step::Linear(program) => self.order_that_fits(&program.method())?,
            Step::Nonlinear(_) => self.typed_order()?,
        };
        Ok(json!({ "order": order }))
    }

    /// The only optimizer of the text.
    fn optimizer(&self) -> Result<Optimizer, Fault> {
        let source = Source::new("optimizer", self.source.as_str());
        let mut found = optimizer::parse(&source).map_err(|e| Fault::of(&e, &self.source))?;
        match found.len() {
            1 => Ok(found.remove(0)),
            0 => Err(Fault::without_place("the text holds claims but no optimizer")),
            n => {
                let names: Vec<String> = found.into_iter().map(|o| o.name).collect();
                Err(Fault::without_place(format!("the text holds {n} optimizers"))
                    .with_help(format!("leave one of {}", names.join(", "))))
            }
        }
    }

    fn values(&self) -> Result<BTreeMap<String, BigRational>, Fault> {
        let exact = |(name, text): (&String, &String)| {
            let value = optimizer::parse_value(text)
                .map_err(|error| Fault::without_place(format!("the value of {name}: {error}")))?;
            Ok((name.clone(), value))
        };
        self.values.iter().map(exact).collect()
    }

    fn format(&self) -> Result<Format, Fault> {
        let path = format!("a.{}", self.format);
        Format::of_path(path.as_ref())
            .ok_or_else(|| Fault::without_place(format!("there is no format `{}`", self.format)))
    }

    fn linear(
        &self,
        optimizer: &Optimizer,
        method: &GeneralLinearMethod,
        values: &BTreeMap<String, BigRational>,
        meter: &Meter,
    ) -> Result<Value, Fault> {
        if self.at_step.is_some() {
            let message = format!("`{}` has no bias corrections", optimizer.name);
            return Err(Fault::without_place(message).with_help("leave the number of the step out"));
        }
        let order = self.order_that_fits(method)?;
        let write = |order: usize, verdict: bool| {
            let trees = Arc::new(TreeTable::all(method.fields.len(), order + 1));
            let field = Field::derive_on(&optimizer.name, method, trees).map_err(|error| {
                let message = format!("`{}` has no modified field", optimizer.name);
                Fault::without_place(message).with_help(error.to_string())
            })?;
            self.write(&field, values, verdict)
        };
        if !method.parameters.is_empty() {
            let growth = Growth::new(meter.clone(), EFFORT);
            let refuse = |cause: TooLong| too_long(cause.to_string());
            growth.foresee(1, order, refuse, |order| write(order, false).map(drop))?;
        }
        write(order, true)
    }

    /// The order of a linear step, unless its trees need more memory than a page has.
    fn order_that_fits(&self, method: &GeneralLinearMethod) -> Result<usize, Fault> {
        let order = self.order.unwrap_or(4);
        let size = Size::of(order, method);
        if size.fits_a_table() && size.bytes() <= MEMORY {
            return Ok(order);
        }
        Err(Fault::without_place(size.to_string())
            .with_help("lower the order; the command derives more than a page can"))
    }

    /// The order of a nonlinear step.
    fn typed_order(&self) -> Result<usize, Fault> {
        let order = self.order.unwrap_or(2);
        if order <= TypedField::MAX_ORDER {
            return Ok(order);
        }
        let message = format!("order {order} has more terms than any machine can hold");
        let help = format!("the orders of a nonlinear step end at {}", TypedField::MAX_ORDER);
        Err(Fault::without_place(message).with_help(help))
    }

    /// `verdict` adds what the principal part sums to.
    fn write(
        &self,
        field: &Field,
        values: &BTreeMap<String, BigRational>,
        verdict: bool,
    ) -> Result<Value, Fault> {
        let format = self.format()?;
        let mut document = Document::new(field);
        document.values = values.clone().into_iter().collect();
        document.content = self.content()?;
        document.notation = self.notation()?;
        document.form = if self.gradient { Form::Gradient } else { Form::Field };
        let has_loss = document.content == Content::ModifiedLoss;
        if (self.gradient || has_loss) && field.fields.len() > 1 {
            let message = "this needs a single vector field, f = -∇E; the optimizer has several";
            return Err(Fault::without_place(message));
        }
        check_loss_format(has_loss, format)?;
        if verdict && matches!(document.content, Content::Terms(Part::All | Part::Principal)) {
            document.verdict = Some(field.principal_part());
        }
        let mut text = Vec::new();
        format.write(&document, &mut text).map_err(unwritten)?;
        Ok(json!({
            "optimizer": field.optimizer,
            "parameters": field.parameters,
            "order": field.order,
            "linear": true,
            "heading": document.heading(),
            "text": String::from_utf8_lossy(&text),
        }))
    }

    fn nonlinear(
        &self,
        program: &Program,
        values: &BTreeMap<String, BigRational>,
    ) -> Result<Value, Fault> {
        let has_loss = self.content()? == Content::ModifiedLoss;
        let plain = (has_loss || self.content()? == Content::default())
            && self.notation()? == Notation::default()
            && !self.gradient;
        if !plain {
            let message = format!(
                "the step of `{}` is nonlinear: its terms are typed trees, shown in one way alone",
                program.name
            );
            return Err(Fault::without_place(message).with_help("show all terms, or the loss"));
        }
        let format = self.format()?;
        check_loss_format(has_loss, format)?;
        let order = self.typed_order()?;
        let field = TypedField::derive(program, order, self.at_step).map_err(|error| {
            let message = format!("`{}` has no modified field", program.name);
            Fault::without_place(message).with_help(error.to_string())
        })?;
        let potentials = if has_loss { field.potentials() } else { None };
        if has_loss && potentials.is_none() {
            let message = "slow variables move beside the parameters, and not down a slope";
            return Err(Fault::without_place(message));
        }
        let layout = Layout::default();
        let document = TypedDocument {
            potentials: potentials.as_deref(),
            field: &field,
            values: values.clone().into_iter().collect(),
            width: layout.width,
            line: layout.line,
        };
        let mut text = Vec::new();
        typed::write(format, &document, &mut text).map_err(unwritten)?;
        Ok(json!({
            "optimizer": field.optimizer,
            "parameters": field.parameters,
            "order": field.order,
            "linear": false,
            "heading": document.heading(),
            "text": String::from_utf8_lossy(&text),
        }))
    }

    fn content(&self) -> Result<Content, Fault> {
        match self.content.as_str() {
            "" | "terms" => Ok(Content::Terms(Part::All)),
            "principal" => Ok(Content::Terms(Part::Principal)),
            "non-principal" => Ok(Content::Terms(Part::NonPrincipal)),
            "modified-loss" => Ok(Content::ModifiedLoss),
            other => Err(Fault::without_place(format!("no part of a field is called `{other}`"))),
        }
    }

    fn notation(&self) -> Result<Notation, Fault> {
        match self.notation.as_str() {
            "" | "primes" => Ok(Notation::Primes),
            "dots" => Ok(Notation::Dots),
            "index" => Ok(Notation::Index),
            other => Err(Fault::without_place(format!("there is no notation `{other}`"))),
        }
    }
}

fn check_loss_format(has_loss: bool, format: Format) -> Result<(), Fault> {
    if has_loss && !format.has_modified_loss() {
        return Err(Fault::without_place("this format cannot show a modified loss")
            .with_help("typeset, LaTeX, Typst, Markdown, text and JSON can"));
    }
    Ok(())
}

fn too_long(message: String) -> Fault {
    Fault::without_place(message).with_help("lower the order, or give parameters values")
}

fn unwritten(error: io::Error) -> Fault {
    Fault::without_place(error.to_string())
}
