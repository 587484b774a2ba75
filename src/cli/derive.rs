//! `bea derive`: the modified field of an optimizer.

use super::help::Named;
use super::{embedded, input, limit, output, tree};
use bea_series::derivation::{Checked, Linear, Nonlinear, Request, STEPS, Words};
use bea_series::render::{Content, Form, Format, Layout, Notation, Part, typed};
use bea_series::tree::TreeTable;
use miette::{Context, IntoDiagnostic, miette};
use num_rational::BigRational;
use std::path::PathBuf;
use std::process::ExitCode;

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
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(STEPS))]
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

/// What is asked for is called like this in messages.
const WORDS: Words = Words {
    order: "--order",
    give_values: "give parameters values with --set",
    start: "--start",
    tree: "--tree",
    at_step: "--at-step",
    part: "--only",
    modified_loss: "--modified-loss",
    gradient: "--as gradient",
    notation: "--notation",
    dots: "--notation dots",
};

const ADVICE: &str = "lower --order, or give parameters values with --set";

impl Derive {
    pub fn run(self) -> miette::Result<ExitCode> {
        let request = self.request()?;
        self.out.as_deref().map(output::check_file).transpose()?;
        if let Some(threads) = self.threads {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build_global().into_diagnostic().wrap_err("cannot start the threads")?;
        }
        let optimizer = input::optimizer(&self.optimizer)?;
        let step = optimizer.step(&request.values)?;
        match request.check(&optimizer, &step, &WORDS)? {
            Checked::Linear(linear) => self.linear(&linear, request.format)?,
            Checked::Nonlinear(nonlinear) => self.nonlinear(&nonlinear, request.format)?,
        }
        Ok(ExitCode::SUCCESS)
    }

    fn request(&self) -> miette::Result<Request> {
        Ok(Request {
            order: self.order,
            values: input::values(&self.values)?,
            start: self.start.is_some(),
            tree: self.tree.is_some(),
            at_step: self.at_step,
            content: match self.only {
                _ if self.modified_loss => Content::ModifiedLoss,
                None => Content::Terms(Part::All),
                Some(Only::Principal) => Content::Terms(Part::Principal),
                Some(Only::NonPrincipal) => Content::Terms(Part::NonPrincipal),
            },
            form: self.form,
            notation: self.notation,
            format: self.format()?,
            layout: self.layout(),
        })
    }

    fn linear(&self, linear: &Linear, format: Format) -> miette::Result<()> {
        limit::effort(self.force, ADVICE, |growth| {
            let (order, method) = (linear.order(), linear.method());
            if self.tree.is_none() {
                limit::check(order, method, self.force)?;
                if !method.parameters.is_empty() {
                    growth.foresee(1, order, |order| Ok(linear.try_order(order)?))?;
                }
            }
            self.write(linear, format)
        })?;
        for note in linear.notes() {
            output::to_stderr(&format!("note: {note}\n"));
        }
        Ok(())
    }

    fn write(&self, linear: &Linear, format: Format) -> miette::Result<()> {
        let fields = &linear.method().fields;
        let tree = self.tree.as_ref().map(|text| tree::parse(text, fields)).transpose()?;
        let (field, tree) = match tree {
            None => (linear.whole_field()?, None),
            Some(tree) => {
                let trees = TreeTable::closure(fields.len(), std::slice::from_ref(&tree));
                let id = trees.find(&tree);
                (linear.field(trees)?, id)
            }
        };
        let document = match tree {
            None => linear.document(&field),
            Some(tree) => linear.document_of(&field, tree),
        };
        match &self.out {
            Some(path) => output::to_file(path, |out| format.write(&document, out))?,
            // Coefficients with parameters are worked out while they are written, which may be given up:
            // then nothing is to have been printed.
            None if !linear.method().parameters.is_empty() => {
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

    fn nonlinear(&self, nonlinear: &Nonlinear, format: Format) -> miette::Result<()> {
        let field = limit::effort(self.force, ADVICE, |_| Ok(nonlinear.field()?))?;
        if matches!(format, Format::Sympy | Format::Mathematica) && field.has_matrices() {
            return Err(miette!(
                help = "text, latex, typst, markdown, json, html and svg can",
                "this format cannot show functions of matrices: SymPy and Mathematica have none that is the \
                 derivative of a polar factor or of a root along a matrix"
            ));
        }
        let potentials = limit::effort(self.force, ADVICE, |_| Ok(nonlinear.potentials(&field)?))?;
        let document = nonlinear.document(&field, potentials.as_deref());
        match &self.out {
            Some(path) => output::to_file(path, |out| typed::write(format, &document, out)),
            None => output::to_stdout(|out| typed::write(format, &document, out)),
        }
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
