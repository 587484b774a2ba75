//! The optimizer language.
//!
//! ```text
//! # heavy ball
//! optimizer heavy_ball(m) {
//!   state v
//!   v' = m*v + h*f(theta)
//!   theta' = theta + v'
//! }
//! ```
//!
//! # Names
//!
//! `theta` is the parameter vector, `h` the step size, `f` the vector field (`-∇E` for a loss `E`):
//! one step of gradient descent is `theta' = theta + h*f(theta)`. Parameters stand in brackets after
//! the optimizer's name; at most 7 may stay symbolic.
//!
//! # Statements
//!
//! They run from top to bottom, several a line if one likes.
//!
//! | statement | meaning |
//! |---|---|
//! | `state v, w` | buffers, vectors that are kept from step to step |
//! | `state v = …` | what `v` is before the first step: a number for every entry, a multiple of `theta`, or `settled` |
//! | `v' = …` | the new value of a buffer or of `theta`; every state gets exactly one |
//! | `first v' = …` | what takes the place of the line `v' = …`, which follows, in the first step |
//! | `let k = …` | a name for a vector (a stage) or a number |
//! | `fields f, w` | several vector fields, such as mini-batches |
//! | `fields f, w = -theta` | a field that is a multiple of the parameters, such as weight decay |
//! | `players x, y` | a game: the parameter vectors `x`, `y` and the fields `fx(x, y)`, `fy(x, y)` |
//!
//! # Right-hand sides
//!
//! They are linear in vectors: old values `v`, new values `v'`, stages, and fields at points. Their
//! coefficients are rational functions of the parameters and of `h`, written with `+ - * / ^` and
//! exact numbers (`2`, `1/3`, `0.9`, `1e-3`). Inside `f(…)` a value may be used before it is
//! computed, which makes the method implicit: `theta' = theta + h*f(theta')`. The point of a field
//! must be `theta` up to multiples of the fields and differences of older iterates.
//!
//! # Nonlinear steps
//!
//! Beside linear combinations there are products, quotients and powers of vectors, entry by entry, and functions of
//! them. An optimizer that uses none of this is linear and is derived as such; `g` is `-f(theta)` in all of them.
//!
//! | expression | meaning |
//! |---|---|
//! | `a*b`, `a/b`, `a^2`, `a^(1/2)`, `a^p` | entry by entry; exponents are numbers, or linear in parameters |
//! | `sqrt abs sign exp log tanh` | entry by entry |
//! | `min(a, b)`, `max(a, b)`, `clip(x, low, high)` | entry by entry |
//! | `dot(a, b)`, `norm(a)`, `mean(a)`, `sum(a)`, `dim` | numbers: products, norms, entries, and how many there are |
//! | `matmul(a, b)`, `transpose(a)` | products of matrices, where the parameters are such, and transposed ones |
//! | `polar(a)`, `inverse_root(M, k)` | the orthogonal polar factor of a matrix, and `M^(-1/k)` of a symmetric positive definite one |
//! | `f`, `g` | `f(theta)` and `-f(theta)`, the gradient of the loss |
//! | `D(f)[v]` | the derivative of `f` at `theta` along `v`, a Hessian product |
//! | `1 - beta1^t` | a bias correction: `t = 1, 2, …` is the step number, an exponent of what lies between 0 and 1 |
//! | `slow v` | a state that is a coordinate of the modified field beside `theta`, rather than a buffer |
//!
//! ```text
//! optimizer adam(beta1, beta2, eps) {
//!   state m, v
//!   m' = beta1*m + (1-beta1)*g
//!   v' = beta2*v + (1-beta2)*g^2
//!   theta' = theta - h*(m'/(1-beta1^t))/(sqrt(v'/(1-beta2^t)) + eps)
//! }
//! ```
//!
//! With `h = 0` the parameters stand still and every buffer settles at its constant part, which roots, quotients and
//! norms must not take to 0. A state that does not settle is `slow`. A buffer's recurrence is linear in the buffer.
//!
//! # The start
//!
//! A buffer starts at rest: at what it keeps where all fields are zero, which is 0 for a velocity and
//! `theta` for an older iterate. `state v = settled` starts it on the slow manifold instead, as if the optimizer had
//! been running before. The modified field does not depend on the start.
//!
//! Buffers may carry any power of `h`: the step size is scaled out of the method if some scaling of
//! the buffers makes every line homogeneous. Otherwise, as for an optimizer with a length of its
//! own, it stays as the last parameter ([`GeneralLinearMethod::step_parameter`]).

mod absent;
mod at_rest;
mod consistency;
mod evaluate;
mod functions;
mod library;
mod load;
mod lower;
mod named;
mod nonlinear;
mod print;
mod program;
mod read;
mod scaling;
mod scope;
mod start;
mod step;
mod symbolic;
mod syntax;
mod value;

pub use crate::text::number::{NumberError, parse_value};
pub use library::{UnknownOptimizer, find, library, names, nonlinear_library};
pub use load::{LoadError, MAX_FILE_SIZE, load};
pub use named::{Named, NamedError, named};
pub use program::{Initial, Operation, Register, StepProgram, Terms};
pub use step::Step;

use crate::exact::effort;
use crate::grammar::{Rule, parse_file};
use crate::series::GeneralLinearMethod;
use crate::text::source::{Source, SourceError};
use num_rational::BigRational;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// An optimizer as written. Two are equal if they are written alike, wherever they stand.
#[derive(Clone, Debug)]
pub struct Optimizer {
    /// Its name.
    pub name: String,
    /// The names of its parameters.
    pub parameters: Vec<String>,
    /// The comment lines directly above it, without their `#`.
    pub doc: String,
    statements: Vec<syntax::Statement>,
    name_span: Range<usize>,
    parameter_spans: Vec<Range<usize>>,
    source: Source,
}

impl PartialEq for Optimizer {
    fn eq(&self, other: &Optimizer) -> bool {
        (&self.name, &self.parameters, &self.doc, &self.statements)
            == (&other.name, &other.parameters, &other.doc, &other.statements)
    }
}

impl Optimizer {
    /// The first line of the comment above it: what it is.
    pub fn summary(&self) -> &str {
        self.doc.lines().next().unwrap_or("")
    }

    /// Its normal form, with the parameters in `values` set and the others symbolic.
    ///
    /// # Errors
    /// A value for something that is not a parameter, a division by zero that the values cause, more than seven
    /// parameters without a value, and a step that is not linear ([`step`](Self::step)).
    pub fn method(
        &self,
        values: &BTreeMap<String, BigRational>,
    ) -> Result<GeneralLinearMethod, SourceError> {
        Ok(self.program(values)?.method())
    }

    /// Its step, with the parameters in `values` set and the others symbolic.
    ///
    /// # Errors
    /// As [`method`](Self::method).
    pub fn program(
        &self,
        values: &BTreeMap<String, BigRational>,
    ) -> Result<StepProgram, SourceError> {
        self.measured(|| step::linear(self, values))
    }

    /// Whether its step is linear in states and fields.
    pub fn is_linear(&self) -> bool {
        matches!(self.step(&self.stand_ins()), Ok(Step::Linear(_)))
    }

    /// Its step, linear or not, with the parameters in `values` set and the others symbolic.
    ///
    /// # Errors
    /// As [`method`](Self::method), but for nonlinear operations.
    pub fn step(&self, values: &BTreeMap<String, BigRational>) -> Result<Step, SourceError> {
        self.measured(|| step::step(self, values))
    }

    /// Gives up what takes too many operations.
    fn measured<T>(
        &self,
        compute: impl FnOnce() -> Result<T, SourceError>,
    ) -> Result<T, SourceError> {
        effort::within(MAX_EFFORT, compute).unwrap_or_else(|exhausted| {
            let help = "use smaller powers of its parameters, and fewer of them";
            let place = self.name_span.clone();
            Err(self.source.fault(
                place,
                exhausted.to_string(),
                "this optimizer",
                Some(help.into()),
            ))
        })
    }

    /// Numbers for the parameters beyond the seven that may stay symbolic; none for most optimizers. With them it has
    /// a normal form, whose fields are the same for all values.
    pub(crate) fn stand_ins(&self) -> BTreeMap<String, BigRational> {
        lower::stand_ins(self)
    }
}

/// The most operations that the normal form of an optimizer may take: some seconds.
const MAX_EFFORT: u64 = 200_000_000;

/// The optimizers of a file, which may hold claims too.
///
/// # Errors
/// Syntax errors, and everything that keeps an optimizer from having a normal form. A file with
/// neither optimizers nor claims is an error.
///
/// ```
/// # use bea_series::{optimizer, source::Source};
/// let source = Source::new("mine.bea", "optimizer plain { theta' = theta + h*f(theta) }");
/// let optimizers = optimizer::parse(&source)?;
/// assert_eq!(optimizers[0].name, "plain");
/// # Ok::<(), bea_series::source::SourceError>(())
/// ```
pub fn parse(source: &Source) -> Result<Vec<Optimizer>, SourceError> {
    let items = parse_file(source)?;
    if items.is_empty() {
        return Err(source.fault(
            source.text.len()..source.text.len(),
            "the file holds no optimizer",
            "nothing but comments",
            Some("write `optimizer name { theta' = theta + h*f(theta) }`".into()),
        ));
    }
    let mut optimizers: Vec<Optimizer> = Vec::new();
    let mut names = BTreeSet::new();
    for pair in items.into_iter().filter(|pair| pair.as_rule() == Rule::optimizer) {
        let optimizer = read::optimizer(source, pair)?;
        if !names.insert(optimizer.name.clone()) {
            return Err(source.fault(
                optimizer.name_span,
                format!("there are two optimizers named `{}`", optimizer.name),
                "the second one",
                Some("give it another name".into()),
            ));
        }
        optimizer.step(&optimizer.stand_ins())?;
        optimizers.push(optimizer);
    }
    Ok(optimizers)
}
