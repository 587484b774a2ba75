//! Emitters of vector fields as source code, one file a language.
//!
//! A [`CodeRequest`] names a loss, an optimizer and a flow; [`emit`] writes one self-contained file with
//! the loss `E`, its gradient and the velocity `field(theta, h)` of the flow, derived exactly:
//!
//! ```text
//! order:n          Σ_τ h^(|τ|-1) b(τ)/σ(τ) F(τ), trees with up to n + 1 nodes; of a nonlinear step the typed
//!                  terms up to h^n
//! principal flow   log(P(hJ))/(hJ) f, J = f'; for gradient descent P(z) = 1 + z, J = -∇²E
//! ```
//!
//! Every function is a straight-line [`Program`](crate::loss::Program), so a common subexpression is
//! computed once, and constants are exact until they become the nearest double.

mod body;
mod c;
mod julia;
mod literal;
mod loss_formulas;
mod module;
mod names;
mod nonlinear;
mod principal;
mod python;
mod rust;

use crate::flow::FlowName;
use crate::loss::{Expr, Graph, VectorFields};
use bea_series::optimizer::Optimizer;
use bea_series::series::MethodError;
use bea_series::text::source::SourceError;
use bea_series::typed::TypedError;
use num_rational::BigRational;
use std::collections::BTreeMap;

/// A language to write in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Language {
    /// The standard library; principal flows need nalgebra
    Rust,
    /// C99 and its mathematical library
    C,
    /// NumPy, for real and complex points
    Python,
    /// The standard library
    Julia,
}

impl Language {
    /// The language that a file's ending stands for.
    pub fn of_path(path: &std::path::Path) -> Option<Language> {
        match path.extension()?.to_str()? {
            "rs" => Some(Language::Rust),
            "c" => Some(Language::C),
            "py" => Some(Language::Python),
            "jl" => Some(Language::Julia),
            _ => None,
        }
    }
}

/// The losses that an optimizer minimises, as expressions of one graph.
#[derive(Clone, Debug)]
pub struct LossFormulas {
    /// What the header calls it.
    pub name: String,
    /// What else the header says about it, its formula say; may be empty.
    pub formula: String,
    /// Holds the expressions. Its variables are the coordinates of `θ` from 0 on and then the
    /// parameters.
    pub graph: Graph,
    /// The names of the coordinates of `θ`.
    pub variables: Vec<String>,
    /// The names of the parameters without a value: arguments of every function.
    pub parameters: Vec<String>,
    /// The losses that are written: one, or one a vector field of the optimizer.
    pub losses: Vec<Expr>,
    /// The vector fields of the optimizer, in its order.
    pub fields: VectorFields,
}

/// What to write.
#[derive(Clone, Debug)]
pub struct CodeRequest<'a> {
    /// What is minimised.
    pub objective: &'a LossFormulas,
    /// What minimises it.
    pub optimizer: &'a Optimizer,
    /// The values of the optimizer's parameters; those without one become arguments.
    pub values: &'a BTreeMap<String, BigRational>,
    /// The flow: `order:n`, or of a linear step `pf`, `pf-even` or `pf+np:n`.
    pub flow: FlowName,
    /// The command for the header, if there was one.
    pub command: Option<&'a str>,
}

/// Why there is no code.
#[derive(Clone, Debug, thiserror::Error, miette::Diagnostic)]
pub enum CodegenError {
    /// A value for something that is not a parameter of the optimizer.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Optimizer(#[from] SourceError),
    /// The optimizer has no modified field.
    #[error(transparent)]
    Method(#[from] MethodError),
    /// The nonlinear step has no modified field.
    #[error("`{optimizer}` has no modified field: {error}")]
    Typed {
        /// The optimizer.
        optimizer: String,
        /// Why not.
        error: TypedError,
    },
    /// The modified field has functions of matrices.
    #[error("`{0}` multiplies matrices or takes functions of them, which is not written as code")]
    #[diagnostic(help(
        "`bea derive` shows its modified field, `bea flow` follows it on a loss whose variables form a matrix"
    ))]
    Matrices(String),
    /// The numbers of vector fields differ.
    #[error(
        "`{optimizer}` has {expected} vector fields ({names}), but the number of losses is {found}"
    )]
    #[diagnostic(help("give one --loss for each vector field, in this order"))]
    Fields {
        /// The optimizer.
        optimizer: String,
        /// The names of its fields.
        names: String,
        /// How many fields it has.
        expected: usize,
        /// How many the objective has.
        found: usize,
    },
    /// Another flow. `ngf` and `igr` are `order:0` and `order:1` of gradient descent.
    #[error("`{flow}` is not written as code")]
    #[diagnostic(help("`ngf`, `igr`, `order:N`, `pf`, `pf-even` and `pf+np:N` can be written"))]
    NotWritten {
        /// The flow asked for.
        flow: FlowName,
    },
    /// The principal flow in C.
    #[error("`{flow}` cannot be written in C, which has no eigenvalue solver")]
    #[diagnostic(help(
        "C can have any `order:n`; Rust (with nalgebra), Python and Julia can have `{flow}`"
    ))]
    NoEigenvalues {
        /// The flow asked for.
        flow: FlowName,
    },
    /// The principal part is no function of one Jacobian.
    #[error("`{flow}` of `{optimizer}` cannot be written down: {reason}")]
    #[diagnostic(help(
        "`order:n` can, for any n; `{flow}` can for any linear optimizer that is applied to all its \
         vector fields at once, `simultaneous_gda` say"
    ))]
    NoClosedForm {
        /// The flow asked for.
        flow: FlowName,
        /// The optimizer.
        optimizer: String,
        /// Why not.
        reason: &'static str,
    },
}

/// One self-contained source file with `loss`, `gradient` and `field`.
///
/// # Errors
/// See [`CodegenError`].
pub fn emit(language: Language, request: &CodeRequest) -> Result<String, CodegenError> {
    let emitter: &dyn Emit = match language {
        Language::Rust => &rust::Rust,
        Language::C => &c::C,
        Language::Python => &python::Python,
        Language::Julia => &julia::Julia,
    };
    match request.flow {
        FlowName::Order(_) => {}
        flow @ (FlowName::Principal | FlowName::PrincipalEven | FlowName::PrincipalWith(_)) => {
            if language == Language::C {
                return Err(CodegenError::NoEigenvalues { flow });
            }
        }
        flow => return Err(CodegenError::NotWritten { flow }),
    }
    Ok(emitter.file(&module::Module::new(request)?))
}

/// Writes a module in one language.
trait Emit {
    fn file(&self, module: &module::Module) -> String;
}
