//! What is asked of a derivation, checked before it begins, for all who ask: the command and the page.

use crate::field::Field;
use crate::optimizer::{Optimizer, Step, StepProgram};
use crate::render::typed::TypedDocument;
use crate::render::{Content, Document, Form, Format, Layout, Notation, Part};
use crate::series::{GeneralLinearMethod, Start, StartError};
use crate::tree::{TreeId, TreeTable};
use crate::typed::{Node, Program, TypedError, TypedField, TypedPotential, forgetting};
use num_rational::BigRational;
use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The steps whose bias corrections may be asked for.
pub const STEPS: RangeInclusive<u64> = 1..=1000;

/// What is to be derived of an optimizer, and how it is shown.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The highest power of `h`; 4, or 2 where the step is nonlinear.
    pub order: Option<usize>,
    /// The values that parameters were given.
    pub values: BTreeMap<String, BigRational>,
    /// Whether the effective start is wanted in the place of the field, of buffers that begin as the optimizer says.
    pub start: bool,
    /// Whether it is the term of one tree alone: then no trees are listed, and `order` and `content` have no meaning.
    pub tree: bool,
    /// The step whose bias corrections are used.
    pub at_step: Option<u64>,
    /// What of the field is shown.
    pub content: Content,
    /// What the terms of a linear step are written in terms of; those of a nonlinear one have the gradient.
    pub form: Form,
    /// How the terms of a linear step are written.
    pub notation: Notation,
    /// The format.
    pub format: Format,
    /// The page.
    pub layout: Layout,
}

/// What the choices of a [`Request`] are called where they are made: `--order` on a command line.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    /// [`Request::order`].
    pub order: &'static str,
    /// What one does to set [`Request::values`].
    pub give_values: &'static str,
    /// [`Request::start`].
    pub start: &'static str,
    /// [`Request::tree`].
    pub tree: &'static str,
    /// [`Request::at_step`].
    pub at_step: &'static str,
    /// Other contents than all terms and the modified loss.
    pub part: &'static str,
    /// [`Content::ModifiedLoss`].
    pub modified_loss: &'static str,
    /// [`Form::Gradient`].
    pub gradient: &'static str,
    /// [`Request::notation`].
    pub notation: &'static str,
    /// [`Notation::Dots`].
    pub dots: &'static str,
}

/// Why a request makes no sense, and what would.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{message}")]
pub struct Refusal {
    message: String,
    #[help]
    help: Option<String>,
    #[source]
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl Refusal {
    fn new(message: impl Into<String>) -> Refusal {
        Refusal { message: message.into(), help: None, cause: None }
    }

    fn help(self, help: impl Into<String>) -> Refusal {
        Refusal { help: Some(help.into()), ..self }
    }

    fn underivable(name: &str, cause: impl Error + Send + Sync + 'static) -> Refusal {
        let message = format!("`{name}` has no modified field");
        Refusal { message, help: None, cause: Some(Box::new(cause)) }
    }
}

/// A request that makes sense of a step.
pub enum Checked<'r> {
    /// Of a linear one.
    Linear(Box<Linear<'r>>),
    /// Of a nonlinear one.
    Nonlinear(Nonlinear<'r>),
}

/// A request of a linear step.
pub struct Linear<'r> {
    request: &'r Request,
    words: &'r Words,
    name: &'r str,
    program: &'r StepProgram,
    own: GeneralLinearMethod,
    start: Option<Start>,
    order: usize,
}

/// A request of a nonlinear step.
pub struct Nonlinear<'r> {
    request: &'r Request,
    words: &'r Words,
    program: &'r Program,
    order: usize,
}

impl Request {
    /// What of `optimizer` is to be derived, whose step with [`values`](Request::values) is `step`.
    ///
    /// # Errors
    /// What makes no sense of this step, in these words.
    pub fn check<'r>(
        &'r self,
        optimizer: &'r Optimizer,
        step: &'r Step,
        words: &'r Words,
    ) -> Result<Checked<'r>, Refusal> {
        if self.at_step.is_some_and(|n| !STEPS.contains(&n)) {
            let (first, last) = (STEPS.start(), STEPS.end());
            return Err(Refusal::new(format!(
                "{} is a whole number from {first} to {last}",
                words.at_step
            )));
        }
        if self.start && self.content == Content::ModifiedLoss {
            return Err(Refusal::new(format!(
                "{} is of the field, and {} is a point",
                words.modified_loss, words.start
            )));
        }
        match step {
            Step::Linear(program) => {
                let linear = self.linear(&optimizer.name, program, words)?;
                Ok(Checked::Linear(Box::new(linear)))
            }
            Step::Nonlinear(program) => self.nonlinear(program, words).map(Checked::Nonlinear),
        }
    }

    fn linear<'r>(
        &'r self,
        name: &'r str,
        program: &'r StepProgram,
        words: &'r Words,
    ) -> Result<Linear<'r>, Refusal> {
        if self.at_step.is_some() {
            return Err(no_corrections(name, words));
        }
        let start = if self.start {
            Some(program.start().map_err(|error| no_start(name, &error, words))?)
        } else {
            None
        };
        let own = program.method();
        let linear = Linear { request: self, words, name, program, own, start, order: 0 };
        let fields = &linear.method().fields;
        let has_loss = self.content == Content::ModifiedLoss;
        if fields.len() > 1 && (self.form == Form::Gradient || has_loss) {
            let names: Vec<&str> = fields.iter().map(|f| f.name.as_str()).collect();
            return Err(Refusal::new(format!(
                "{} needs a single vector field, f = -∇E; `{name}` has {}",
                if has_loss { words.modified_loss } else { words.gradient },
                names.join(", ")
            )));
        }
        if self.form == Form::Gradient && self.notation == Notation::Dots {
            return Err(Refusal::new(format!(
                "{} writes trees, which are the same for {}",
                words.dots, words.gradient
            )));
        }
        self.check_loss_format()?;
        let order = self.order.unwrap_or(4);
        // A tree has one power more in an effective start.
        let order = if self.start { order.checked_sub(1) } else { Some(order) };
        let order = order.ok_or_else(|| {
            Refusal::new("the effective start to order 0 is the start itself")
                .help(format!("give {} from 1 on", words.order))
        })?;
        Ok(Linear { order, ..linear })
    }

    fn nonlinear<'r>(
        &'r self,
        program: &'r Program,
        words: &'r Words,
    ) -> Result<Nonlinear<'r>, Refusal> {
        let part = matches!(self.content, Content::Terms(part) if part != Part::All);
        let unavailable = [
            (self.tree, words.tree),
            (part, words.part),
            (self.notation != Notation::default(), words.notation),
        ];
        if let Some((_, choice)) = unavailable.into_iter().find(|(made, _)| *made) {
            return Err(Refusal::new(format!(
                "{choice} is for linear steps; the step of `{}` is nonlinear, its terms are typed trees",
                program.name
            ))
            .help(format!("leave {choice} out")));
        }
        if self.start {
            return Err(no_typed_start(program, words));
        }
        let is_corrected = program.nodes.iter().any(|node| matches!(node, Node::Decay { .. }));
        if self.at_step.is_some() && !is_corrected {
            return Err(no_corrections(&program.name, words));
        }
        self.check_loss_format()?;
        let order = self.order.unwrap_or(2);
        if order > TypedField::MAX_ORDER {
            return Err(Refusal::new(format!(
                "order {order} has more terms than any machine can hold"
            ))
            .help(format!("the orders of a nonlinear step end at {}", TypedField::MAX_ORDER)));
        }
        Ok(Nonlinear { request: self, words, program, order })
    }

    fn check_loss_format(&self) -> Result<(), Refusal> {
        if self.content != Content::ModifiedLoss || self.format.has_modified_loss() {
            return Ok(());
        }
        Err(Refusal::new("this format cannot show a modified loss")
            .help("text, latex, typst, markdown, json and html can"))
    }
}

impl Linear<'_> {
    /// What is derived: the method, or that of its effective start.
    pub fn method(&self) -> &GeneralLinearMethod {
        self.start.as_ref().map_or(&self.own, |start| &start.method)
    }

    /// The order of the field: its trees have up to one node more. That of an effective start is one higher.
    pub fn order(&self) -> usize {
        self.order
    }

    /// The field, or the effective start, on these trees.
    ///
    /// # Errors
    /// If there is none.
    pub fn field(&self, trees: TreeTable) -> Result<Field, Refusal> {
        let trees = Arc::new(trees);
        match &self.start {
            None => Field::derive_on(self.name, self.method(), trees)
                .map_err(|error| Refusal::underivable(self.name, error)),
            Some(start) => Field::of_start(self.name, start, trees)
                .map_err(|error| no_start(self.name, &error, self.words)),
        }
    }

    /// The field with all trees.
    ///
    /// # Errors
    /// Those of [`field`](Linear::field).
    pub fn whole_field(&self) -> Result<Field, Refusal> {
        self.field(TreeTable::all(self.method().fields.len(), self.order + 1))
    }

    /// What is to be written, but for what the principal part sums to.
    fn sketch<'f>(&self, field: &'f Field) -> Document<'f> {
        let mut document = Document::new(field);
        document.start = self.start.is_some();
        document.values = self.request.values.clone().into_iter().collect();
        document.content = self.request.content;
        document.form = self.request.form;
        document.notation = self.request.notation;
        document.layout = self.request.layout;
        document
    }

    /// Derives and writes the field to a lower order, to nowhere: from what that costs the cost of more is foreseen.
    ///
    /// # Errors
    /// Those of [`field`](Linear::field).
    pub fn try_order(&self, order: usize) -> Result<(), Refusal> {
        let field = self.field(TreeTable::all(self.method().fields.len(), order + 1))?;
        let written = self.request.format.write(&self.sketch(&field), &mut io::sink());
        written.map_err(|error| Refusal::new(error.to_string()))
    }

    /// What is to be written of a field.
    pub fn document<'f>(&self, field: &'f Field) -> Document<'f> {
        let mut document = self.sketch(field);
        let has_principal = matches!(document.content, Content::Terms(Part::All | Part::Principal));
        if has_principal && self.start.is_none() {
            document.verdict = Some(field.principal_part());
        }
        document
    }

    /// The term of one tree of a field.
    pub fn document_of<'f>(&self, field: &'f Field, tree: TreeId) -> Document<'f> {
        let mut document = self.sketch(field);
        document.content = Content::Tree(tree);
        document
    }

    /// What is worth knowing about the step beside its field.
    pub fn notes(&self) -> Vec<String> {
        let note = |buffer: &str| {
            format!(
                "the buffer `{buffer}` is not used: nothing that moves the parameters depends on it"
            )
        };
        self.program.idle().into_iter().map(note).collect()
    }
}

impl Nonlinear<'_> {
    /// The order of the field.
    pub fn order(&self) -> usize {
        self.order
    }

    /// The field.
    ///
    /// # Errors
    /// If there is none.
    pub fn field(&self) -> Result<TypedField, Refusal> {
        let (program, at_step) = (self.program, self.request.at_step);
        TypedField::derive(program, self.order, at_step).map_err(|error| match error {
            // The factor is a number once bias corrections are 1.
            TypedError::Coefficient { name, .. } if forgetting(program).is_ok() => {
                let message = format!(
                    "`{}` has no field of one step: `{name}` is multiplied by another factor at every step",
                    program.name
                );
                Refusal::new(message).help(format!("leave {} out", self.words.at_step))
            }
            error => Refusal::underivable(&program.name, error),
        })
    }

    /// What each order of the field is the gradient of, if the modified loss is asked for.
    ///
    /// # Errors
    /// If the field does not move the parameters alone.
    pub fn potentials(&self, field: &TypedField) -> Result<Option<Vec<TypedPotential>>, Refusal> {
        if self.request.content != Content::ModifiedLoss {
            return Ok(None);
        }
        field.potentials().map(Some).ok_or_else(|| {
            let names: Vec<&str> = field.coordinates.iter().map(|c| c.name.as_str()).collect();
            Refusal::new(format!(
                "{} needs a field of the parameters alone; that of `{}` moves {}",
                self.words.modified_loss,
                field.optimizer,
                names.join(", ")
            ))
            .help("slow variables move beside the parameters, and not down a slope")
        })
    }

    /// What is to be written.
    pub fn document<'f>(
        &self,
        field: &'f TypedField,
        potentials: Option<&'f [TypedPotential]>,
    ) -> TypedDocument<'f> {
        let Layout { width, line, .. } = self.request.layout;
        let values = self.request.values.clone().into_iter().collect();
        TypedDocument { field, values, width, line, potentials }
    }
}

/// That no step of an optimizer differs from others.
fn no_corrections(name: &str, words: &Words) -> Refusal {
    Refusal::new(format!("`{name}` has no bias corrections: its step is the same at every step"))
        .help(format!("leave {} out", words.at_step))
}

/// Why an optimizer has no effective start.
fn no_start(name: &str, error: &StartError, words: &Words) -> Refusal {
    let help = match error {
        StartError::Irrational { .. } => format!(
            "{} at which the roots are rational; `bea flow` finds the start numerically",
            words.give_values
        ),
        StartError::AwayFromRest { .. } | StartError::Resonant => {
            "`bea flow` shows where the iterates go".into()
        }
        StartError::Method(_) => "there is no slow manifold to settle on either".into(),
    };
    Refusal::new(format!("`{name}` has no effective start: {error}")).help(help)
}

/// Why a nonlinear step has no effective start to be printed.
fn no_typed_start(program: &Program, words: &Words) -> Refusal {
    let name = &program.name;
    if program.states.iter().skip(1).all(|state| state.slow) {
        return Refusal::new(format!(
            "`{name}` has no buffers, so its flow begins where it starts"
        ))
        .help(format!("leave {} out", words.start));
    }
    Refusal::new(format!(
        "the effective start of `{name}` has no closed form: its step is nonlinear, so what its buffers lack at the \
         start adds up to no sum of powers"
    ))
    .help("`bea flow` finds it numerically, if the transient is short enough")
}
