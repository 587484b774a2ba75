//! A modified field, as a page asks for it.

use crate::fault::Fault;
use bea_series::derivation::{Checked, Linear, Nonlinear, Request, Words};
use bea_series::exact::effort::Meter;
use bea_series::field::cost::{EFFORT, Growth, Size, TooLong};
use bea_series::optimizer::{self, Optimizer, Step};
use bea_series::render::{Content, Form, Format, Layout, Notation, Part, typed};
use bea_series::source::Source;
use num_rational::BigRational;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;

/// What is asked for is called like this in messages, as on the page.
const WORDS: Words = Words {
    order: "“Order”",
    give_values: "give parameters values",
    start: "“the effective start”",
    tree: "one tree",
    at_step: "“at step”",
    part: "a part of the terms",
    modified_loss: "“modified loss”",
    gradient: "“the gradient ∇E”",
    notation: "another way to write the terms",
    dots: "“trees [•,•]”",
};

/// A page of a browser has less memory than a machine.
const MEMORY: f64 = (1u64 << 29) as f64;

/// What is to be derived, and how it is shown. All but `source` and `format` may be left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Derivation {
    /// The text of an optimizer.
    pub source: String,
    /// The highest power of `h`; 4, or 2 where the step is nonlinear.
    #[serde(default)]
    pub order: Value,
    /// Values of parameters, as `--set` takes them: `"9/10"`.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// `rest`, if the effective start is wanted in the place of the field.
    #[serde(default)]
    pub start: String,
    /// The step whose bias corrections are used.
    #[serde(default)]
    pub at_step: Value,
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
        let (request, optimizer, step) = self.read()?;
        let checked = request.check(&optimizer, &step, &WORDS)?;
        let meter = Meter::new(EFFORT);
        let shown = meter.run(|| match &checked {
            Checked::Linear(linear) => write_linear(linear, &request, &meter),
            Checked::Nonlinear(nonlinear) => write_nonlinear(nonlinear, &request),
        });
        // Where panics abort, as in WebAssembly, this is never reached.
        shown.unwrap_or_else(|exhausted| Err(too_long(exhausted.to_string())))
    }

    /// The order, of a derivation that a page has the memory for.
    pub(crate) fn size(&self) -> Result<Value, Fault> {
        let (request, optimizer, step) = self.read()?;
        let order = match request.check(&optimizer, &step, &WORDS)? {
            Checked::Linear(linear) => {
                check_memory(&linear)?;
                linear.order() + usize::from(request.start)
            }
            Checked::Nonlinear(nonlinear) => nonlinear.order(),
        };
        Ok(json!({ "order": order }))
    }

    /// What is asked for, and of which step.
    fn read(&self) -> Result<(Request, Optimizer, Step), Fault> {
        let optimizer = self.optimizer()?;
        let request = self.request()?;
        let step = optimizer.step(&request.values).map_err(|e| Fault::of(&e, &self.source))?;
        Ok((request, optimizer, step))
    }

    fn request(&self) -> Result<Request, Fault> {
        let order = whole(WORDS.order, &self.order)?;
        Ok(Request {
            order: order.map(|order| usize::try_from(order).unwrap_or(usize::MAX)),
            values: self.values()?,
            start: self.starts()?,
            tree: false,
            at_step: whole(WORDS.at_step, &self.at_step)?,
            content: self.content()?,
            form: if self.gradient { Form::Gradient } else { Form::Field },
            notation: self.notation()?,
            format: self.format()?,
            layout: Layout::default(),
        })
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

    fn starts(&self) -> Result<bool, Fault> {
        match self.start.as_str() {
            "" => Ok(false),
            "rest" => Ok(true),
            other => Err(Fault::without_place(format!("no start is called `{other}`"))),
        }
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

/// A whole number, if anything is given.
fn whole(name: &str, value: &Value) -> Result<Option<u64>, Fault> {
    if value.is_null() {
        return Ok(None);
    }
    value.as_u64().map(Some).ok_or_else(|| {
        let given = value.as_str().map_or_else(|| value.to_string(), String::from);
        Fault::without_place(format!("{name} is a whole number from 0 on, not {given}"))
    })
}

fn write_linear(linear: &Linear, request: &Request, meter: &Meter) -> Result<Value, Fault> {
    check_memory(linear)?;
    if !linear.method().parameters.is_empty() {
        let growth = Growth::new(meter.clone(), EFFORT);
        let refuse = |cause: TooLong| too_long(cause.to_string());
        growth.foresee(1, linear.order(), refuse, |order| Ok(linear.try_order(order)?))?;
    }
    let field = linear.whole_field()?;
    let document = linear.document(&field);
    let mut text = Vec::new();
    request.format.write(&document, &mut text).map_err(unwritten)?;
    Ok(json!({
        "optimizer": field.optimizer,
        "parameters": field.parameters,
        "order": linear.order() + usize::from(request.start),
        "linear": true,
        "heading": document.heading(),
        "notes": linear.notes(),
        "text": String::from_utf8_lossy(&text),
    }))
}

fn write_nonlinear(nonlinear: &Nonlinear, request: &Request) -> Result<Value, Fault> {
    let field = nonlinear.field()?;
    let potentials = nonlinear.potentials(&field)?;
    let document = nonlinear.document(&field, potentials.as_deref());
    let mut text = Vec::new();
    typed::write(request.format, &document, &mut text).map_err(unwritten)?;
    Ok(json!({
        "optimizer": field.optimizer,
        "parameters": field.parameters,
        "order": field.order,
        "linear": false,
        "heading": document.heading(),
        "notes": [],
        "text": String::from_utf8_lossy(&text),
    }))
}

/// Refuses a linear step whose trees need more memory than a page has.
fn check_memory(linear: &Linear) -> Result<(), Fault> {
    let size = Size::of(linear.order(), linear.method());
    if size.fits_a_table() && size.bytes() <= MEMORY {
        return Ok(());
    }
    Err(Fault::without_place(size.to_string())
        .with_help("lower the order; the command derives more than a page can"))
}

fn too_long(message: String) -> Fault {
    Fault::without_place(message).with_help("lower the order, or give parameters values")
}

fn unwritten(error: io::Error) -> Fault {
    Fault::without_place(error.to_string())
}
