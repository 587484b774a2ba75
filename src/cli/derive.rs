//! `bea derive`: the modified field of an optimizer.

use super::help::Named;
use super::{embedded, input, limit, output, tree};
use bea_series::field::Field;
use bea_series::optimizer::{Optimizer, Step};
use bea_series::render::typed::{self, TypedDocument};
use bea_series::render::{Content, Document, Form, Format, Layout, Notation, Part};
use bea_series::series::{GeneralLinearMethod, Start, StartError};
use bea_series::tree::{TreeId, TreeTable};
use bea_series::typed::{Program, TypedField, TypedPotential};
use miette::{Context, IntoDiagnostic, miette};
use num_rational::BigRational;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Derive the modified field of an optimizer, with exact coefficients.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Derive {
    /// A name from `bea optimizers`, a file, or a definition; FILE:NAME chooses one of several in a file
    #[arg(value_name = "OPTIMIZER|FILE", default_value = "gradient_descent")]
    #[arg(value_parser = Named::Optimizer, hide_possible_values = true)]
    optimizer: String,
    /// The highest power of h: all trees with up to N + 1 nodes [default: 4; 2 where the step is nonlinear]
    #[arg(long, value_name = "N", value_parser = input::order)]
    #[arg(allow_negative_numbers = true)]
    order: Option<usize>,
    /// Write the terms with the vector field f, or with the gradient of a loss
    #[arg(long = "as", value_enum, value_name = "FORM", default_value_t)]
    form: Form,
    /// The format [default: that of the ending of --out, or text]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Give a parameter an exact value: an integer, a fraction or a decimal
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = input::assignment)]
    values: Vec<(String, BigRational)>,
    /// The effective start in the place of the field: where the flow has to begin that the iterates settle on, if
    /// the buffers begin as the optimizer says, at rest in most cases
    #[arg(long, value_enum, value_name = "START", conflicts_with = "modified_loss")]
    start: Option<StartName>,
    /// Only the principal terms, those of tall trees, or only the others
    #[arg(long, value_enum, value_name = "PART")]
    only: Option<Only>,
    /// Only the coefficient of one tree, without listing the others
    #[arg(long, value_name = "TREE", conflicts_with_all = ["order", "only", "modified_loss"])]
    tree: Option<String>,
    /// The loss whose gradient flow this is, order by order, or the term that rules it out
    #[arg(long, conflicts_with_all = ["only", "form", "notation"])]
    modified_loss: bool,
    /// With the bias corrections of step N, rather than 1, which they tend to
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    #[arg(allow_negative_numbers = true)]
    at_step: Option<u64>,
    /// How to write elementary differentials
    #[arg(long, value_enum, default_value_t)]
    notation: Notation,
    /// The width of a line: characters of text [default: the terminal's, or 80]; of a typeset one about as many digits
    /// of its font [default: 69, LaTeX's article; a column of two has 45]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(20..))]
    #[arg(allow_negative_numbers = true)]
    width: Option<u16>,
    /// Write to a file, which appears only when it is complete
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Threads to use [default: all]
    #[arg(long, value_name = "N", value_parser = input::threads)]
    #[arg(allow_negative_numbers = true)]
    threads: Option<usize>,
    /// Derive even what is expected not to fit in memory, or takes too long
    #[arg(long)]
    force: bool,
}

const EXAMPLES: &str = "\
Examples:
  bea derive --order 6
  bea derive heavy_ball --set m=9/10 --as gradient
  bea derive mine.bea:second --order 8 --out field.json
  bea derive nesterov --tree '[[],[]]'
  bea derive heavy_ball --start rest --order 2

JSON:
  optimizer, parameters, values (of --set), order, terms, and principal_part
  with the keys formula (null: no closed form), tall_tree (whether b =
  (-1)^n/(n+1) for the chain of n + 1 nodes), verified_to_order (null: not
  confirmed) and expression (the formula as a tree of objects with a type:
  function, whose variable stands for argument, is applied to applied_to; a
  symbol P in it is the zero of the polynomial zero that is 1 at 0; or step_map,
  the linear map of one step), and attracting (whether trajectories settle on
  the flow; null: depends on symbolic parameters); the last two are left out
  with --tree, --modified-loss and --only non-principal. With --start the key
  start is there, and the weight of a term is a in the place of b";

#[derive(Clone, Copy, clap::ValueEnum)]
enum Only {
    Principal,
    NonPrincipal,
}

/// How buffers begin.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum StartName {
    /// As the optimizer says: at rest, unless it says otherwise
    Rest,
}

impl Derive {
    pub fn run(self) -> miette::Result<ExitCode> {
        let format = self.format()?;
        self.out.as_deref().map(output::check_file).transpose()?;
        if let Some(threads) = self.threads {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build_global().into_diagnostic().wrap_err("cannot start the threads")?;
        }
        let optimizer = input::optimizer(&self.optimizer)?;
        let values = input::values(&self.values)?;
        let program = match optimizer.step(&values)? {
            Step::Linear(program) => program,
            Step::Nonlinear(program) => return self.nonlinear(&program, values, format),
        };
        if self.at_step.is_some() {
            return Err(miette!(
                help = "leave --at-step out",
                "`{}` has no bias corrections: its step is the same at every step",
                optimizer.name
            ));
        }
        let start = match self.start {
            None => None,
            Some(StartName::Rest) => {
                Some(program.start().map_err(|error| no_start(&optimizer.name, &error))?)
            }
        };
        let own = program.method();
        let method = start.as_ref().map_or(&own, |start| &start.method);
        self.check_choices(&optimizer, method, format)?;
        let advice = "lower --order, or give parameters values with --set";
        limit::effort(self.force, advice, |growth| {
            let order = self.order(start.is_some())?;
            if self.tree.is_none() {
                limit::check(order, method, self.force)?;
                if !method.parameters.is_empty() {
                    growth.foresee(1, order, |order| {
                        let trees = TreeTable::all(method.fields.len(), order + 1);
                        let field = field(&optimizer.name, method, start.as_ref(), trees)?;
                        let document = self.document(&field, start.is_some(), &values, None);
                        format.write(&document, &mut std::io::sink()).into_diagnostic()
                    })?;
                }
            }
            self.write(&optimizer.name, method, start.as_ref(), &values, format)
        })?;
        for buffer in program.idle() {
            output::to_stderr(&format!(
                "note: the buffer `{buffer}` is not used: nothing that moves the parameters depends on it\n"
            ));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The highest power of `h` of a field with the trees that are wanted of a linear step. A tree has one power more in
    /// an effective start.
    fn order(&self, of_start: bool) -> miette::Result<usize> {
        let order = self.order.unwrap_or(4);
        if !of_start {
            return Ok(order);
        }
        order.checked_sub(1).ok_or_else(|| {
            miette!(
                help = "give --order from 1 on",
                "the effective start to order 0 is the start itself"
            )
        })
    }

    fn write(
        &self,
        name: &str,
        method: &GeneralLinearMethod,
        start: Option<&Start>,
        values: &BTreeMap<String, BigRational>,
        format: Format,
    ) -> miette::Result<()> {
        let (field, tree) = self.derive(name, method, start)?;
        let mut document = self.document(&field, start.is_some(), values, tree);
        let has_principal = matches!(document.content, Content::Terms(Part::All | Part::Principal));
        if has_principal && start.is_none() {
            document.verdict = Some(field.principal_part());
        }
        match &self.out {
            Some(path) => output::to_file(path, |out| format.write(&document, out))?,
            // Coefficients with parameters are worked out while they are written, which may be given up:
            // then nothing is to have been printed.
            None if !method.parameters.is_empty() => {
                let mut text = Vec::new();
                format.write(&document, &mut text).into_diagnostic()?;
                output::to_stdout(|out| out.write_all(&text))?;
            }
            None => output::to_stdout(|out| format.write(&document, out))?,
        }
        // Freeing a large table takes longer than ending the process, which returns the memory at once.
        if !embedded::is_active() {
            std::mem::forget(document);
            std::mem::forget(field);
        }
        Ok(())
    }

    /// The field of a nonlinear step.
    fn nonlinear(
        &self,
        program: &Program,
        values: BTreeMap<String, BigRational>,
        format: Format,
    ) -> miette::Result<ExitCode> {
        let unavailable = [
            (self.tree.is_some(), "--tree"),
            (self.only.is_some(), "--only"),
            (self.notation != Notation::Primes, "--notation"),
        ];
        if let Some((_, option)) = unavailable.into_iter().find(|(given, _)| *given) {
            return Err(miette!(
                help = format!("leave {option} out"),
                "{option} is for linear steps; the step of `{}` is nonlinear, its terms are typed trees",
                program.name
            ));
        }
        if self.start.is_some() {
            return Err(no_typed_start(program));
        }
        let order = self.order.unwrap_or(2);
        let order = (order <= TypedField::MAX_ORDER).then_some(order).ok_or_else(|| {
            miette!(
                help = format!("the orders of a nonlinear step end at {}", TypedField::MAX_ORDER),
                "order {order} has more terms than any machine can hold"
            )
        })?;
        let advice = "lower --order, or give parameters values with --set";
        let field = limit::effort(self.force, advice, |_| {
            TypedField::derive(program, order, self.at_step)
                .into_diagnostic()
                .wrap_err_with(|| format!("`{}` has no modified field", program.name))
        })?;
        if matches!(format, Format::Sympy | Format::Mathematica) && field.has_matrices() {
            return Err(miette!(
                help = "text, latex, typst, markdown, json, html and svg can",
                "this format cannot show functions of matrices"
            ));
        }
        let potentials = match self.modified_loss {
            true => Some(self.potentials(&field, format)?),
            false => None,
        };
        let layout = self.layout();
        let document = TypedDocument {
            potentials: potentials.as_deref(),
            field: &field,
            values: values.into_iter().collect(),
            width: layout.width,
            line: layout.line,
        };
        match &self.out {
            Some(path) => output::to_file(path, |out| typed::write(format, &document, out))?,
            None => output::to_stdout(|out| typed::write(format, &document, out))?,
        }
        Ok(ExitCode::SUCCESS)
    }

    /// What each order of a nonlinear step's field is the gradient of.
    fn potentials(
        &self,
        field: &TypedField,
        format: Format,
    ) -> miette::Result<Vec<TypedPotential>> {
        check_loss_format(format)?;
        let advice = "lower --order, or give parameters values with --set";
        let potentials = limit::effort(self.force, advice, |_| Ok(field.potentials()))?;
        potentials.ok_or_else(|| {
            let names: Vec<&str> = field.coordinates.iter().map(|c| c.name.as_str()).collect();
            miette!(
                help = "slow variables move beside the parameters, and not down a slope",
                "--modified-loss needs a field of the parameters alone; that of `{}` moves {}",
                field.optimizer,
                names.join(", ")
            )
        })
    }

    /// What is to be written of a field; of one tree, if there is one.
    fn document<'f>(
        &self,
        field: &'f Field,
        of_start: bool,
        values: &BTreeMap<String, BigRational>,
        tree: Option<TreeId>,
    ) -> Document<'f> {
        let mut document = Document::new(field);
        document.start = of_start;
        document.values = values.clone().into_iter().collect();
        document.notation = self.notation;
        document.form = self.form;
        document.layout = self.layout();
        document.content = match (tree, self.only) {
            (Some(tree), _) => Content::Tree(tree),
            (None, _) if self.modified_loss => Content::ModifiedLoss,
            (None, None) => Content::Terms(Part::All),
            (None, Some(Only::Principal)) => Content::Terms(Part::Principal),
            (None, Some(Only::NonPrincipal)) => Content::Terms(Part::NonPrincipal),
        };
        document
    }

    fn format(&self) -> miette::Result<Format> {
        match (self.format, &self.out) {
            (Some(format), _) => Ok(format),
            (None, None) => Ok(Format::Text),
            (None, Some(path)) => Format::of_path(path).ok_or_else(|| {
                miette!(
                    help = "give --format, or one of the endings .txt .tex .typ .md .json .py .m \
                            .svg .html",
                    "the ending of {} stands for no format",
                    path.display()
                )
            }),
        }
    }

    fn check_choices(
        &self,
        optimizer: &Optimizer,
        method: &GeneralLinearMethod,
        format: Format,
    ) -> miette::Result<()> {
        let several = method.fields.len() > 1;
        if several && (self.form == Form::Gradient || self.modified_loss) {
            let names: Vec<&str> = method.fields.iter().map(|f| f.name.as_str()).collect();
            let option = if self.modified_loss { "--modified-loss" } else { "--as gradient" };
            return Err(miette!(
                "{option} needs a single vector field, f = -∇E; `{}` has {}",
                optimizer.name,
                names.join(", ")
            ));
        }
        if self.form == Form::Gradient && self.notation == Notation::Dots {
            return Err(miette!(
                "--notation dots writes trees, which are the same for --as gradient"
            ));
        }
        if self.modified_loss { check_loss_format(format) } else { Ok(()) }
    }

    /// The field, and the tree in it that was asked for.
    fn derive(
        &self,
        name: &str,
        method: &GeneralLinearMethod,
        start: Option<&Start>,
    ) -> miette::Result<(Field, Option<TreeId>)> {
        let colors = method.fields.len();
        let tree = self.tree.as_ref().map(|text| tree::parse(text, &method.fields)).transpose()?;
        let trees = match &tree {
            Some(tree) => TreeTable::closure(colors, std::slice::from_ref(tree)),
            None => TreeTable::all(colors, self.order(start.is_some())? + 1),
        };
        let id = tree.and_then(|tree| trees.find(&tree));
        Ok((field(name, method, start, trees)?, id))
    }

    /// The page: the terminal, if the result goes there.
    fn layout(&self) -> Layout {
        let mut layout = Layout::default();
        if self.out.is_none() && output::is_terminal() {
            let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
                || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
            layout.color = !plain;
            layout.width = output::terminal_width().unwrap_or(layout.width);
        }
        if let Some(width) = self.width {
            (layout.width, layout.line) = (width.into(), width.into());
        }
        layout
    }
}

fn check_loss_format(format: Format) -> miette::Result<()> {
    if format.has_modified_loss() {
        return Ok(());
    }
    Err(miette!(
        help = "text, latex, typst, markdown, json and html can",
        "this format cannot show a modified loss"
    ))
}

/// The modified field, or the effective start, on these trees.
fn field(
    name: &str,
    method: &GeneralLinearMethod,
    start: Option<&Start>,
    trees: TreeTable,
) -> miette::Result<Field> {
    match start {
        None => Field::derive_on(name, method, Arc::new(trees))
            .into_diagnostic()
            .wrap_err_with(|| format!("`{name}` has no modified field")),
        Some(start) => {
            Field::of_start(name, start, Arc::new(trees)).map_err(|error| no_start(name, &error))
        }
    }
}

/// Why a nonlinear step has no effective start to be printed.
fn no_typed_start(program: &Program) -> miette::Report {
    let name = &program.name;
    if program.states.iter().skip(1).all(|state| state.slow) {
        return miette!(
            help = "leave --start out",
            "`{name}` has no buffers, so its flow begins where it starts"
        );
    }
    miette!(
        help = "`bea flow` finds it numerically, if the transient is short enough",
        "the effective start of `{name}` has no closed form: its step is nonlinear, so what its buffers lack at the \
         start adds up to no sum of powers"
    )
}

/// Why an optimizer has no effective start.
fn no_start(name: &str, error: &StartError) -> miette::Report {
    let help = match error {
        StartError::Irrational { .. } => {
            "give parameters values with --set at which the roots are rational; `bea flow` finds the start \
             numerically"
        }
        StartError::AwayFromRest { .. } | StartError::Resonant => {
            "`bea flow` shows where the iterates go"
        }
        StartError::Method(_) => "there is no slow manifold to settle on either",
    };
    miette!(help = help, "`{name}` has no effective start: {error}")
}
