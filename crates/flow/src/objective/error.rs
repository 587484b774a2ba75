//! Why an objective has no value.

use super::{Call, Scalar};
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Why an objective could not be evaluated.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum ObjectiveError {
    /// A result of a closure is infinite or not a number.
    #[error("{site} is not finite: {}; {}", Found(.entry, .value), ObjectiveError::UNDEFINED)]
    NotFinite {
        /// Which call.
        site: Box<Site>,
        /// Which entry of the result, counted from 0; `None` for the value.
        entry: Option<usize>,
        /// What it is, as text: `NaN`, `inf`, `-inf`, or a complex number with such a part.
        value: String,
    },
    /// A closure returned an error.
    #[error("{site} failed: {cause}")]
    Closure {
        /// Which call.
        site: Box<Site>,
        /// What it returned.
        cause: Cause,
    },
    /// Something is asked for that the objective does not have.
    #[error("this needs {0}, which the objective does not have: {help}", help = .0.help())]
    Missing(Capability),
    /// A vector of the wrong length.
    #[error("{name} has {found} entries, but the objective has {expected} variables")]
    Length {
        /// Which vector.
        name: &'static str,
        /// How many entries there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// What an objective of another kind reports: an accelerator that failed, for instance.
    #[error("{0}")]
    Other(Cause),
}

impl ObjectiveError {
    /// What to do where an objective is [`NotFinite`](Self::NotFinite), for those who write closures.
    pub const UNDEFINED: &str =
        "if the objective is not defined there, let the closure return an error that says so";

    /// Any other error.
    pub fn other(error: impl Into<Box<dyn Error + Send + Sync>>) -> ObjectiveError {
        ObjectiveError::Other(Cause::new(error))
    }

    /// Whether the objective was evaluated and is merely not finite at the point: elsewhere it may be.
    pub fn is_undefined(&self) -> bool {
        matches!(self, ObjectiveError::NotFinite { .. })
    }

    /// What an objective of another kind, or a closure, reported.
    pub fn cause(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        match self {
            ObjectiveError::Closure { cause, .. } | ObjectiveError::Other(cause) => {
                Some(cause.0.as_ref())
            }
            _ => None,
        }
    }
}

/// What is not finite.
struct Found<'a>(&'a Option<usize>, &'a str);

impl fmt::Display for Found<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(entry) => write!(out, "entry {entry} is {}", self.1),
            None => write!(out, "the value is {}", self.1),
        }
    }
}

/// An error of an objective, of any type. Two are equal if they say the same.
#[derive(Clone, Debug)]
pub struct Cause(Arc<dyn Error + Send + Sync>);

impl Cause {
    /// From an error, or a text.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Cause {
        Cause(Arc::from(error.into()))
    }
}

impl PartialEq for Cause {
    fn eq(&self, other: &Cause) -> bool {
        self.0.to_string() == other.0.to_string()
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// One call of a closure.
#[derive(Clone, PartialEq, Debug)]
pub struct Site {
    /// What was asked for.
    pub call: Call,
    /// The number of the call among those of its kind, from 1.
    pub number: u64,
    /// The point, as text; of a long one the first entries.
    pub point: String,
}

/// Of a longer point no more entries are shown.
const SHOWN: usize = 6;

impl Site {
    pub(super) fn new<S: Scalar>(call: Call, number: u64, point: &[S]) -> Box<Site> {
        let shown: Vec<String> = point.iter().take(SHOWN).map(|&x| text(x)).collect();
        let more = if point.len() > SHOWN { ", …" } else { "" };
        Box::new(Site { call, number, point: format!("({}{more})", shown.join(", ")) })
    }
}

impl fmt::Display for Site {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} number {} at x = {}", self.call, self.number, self.point)
    }
}

/// A number as it is shown: real ones without an imaginary part.
pub(super) fn text<S: Scalar>(x: S) -> String {
    let z = x.to_complex();
    if z.im == 0.0 { z.re.to_string() } else { z.to_string() }
}

/// What an objective may have beside values and gradients.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Capability {
    /// Products `∇²E(x) v`.
    HessianVectors,
    /// `∇^{m+1}E(x)[v_1, …, v_m]` for this `m ≥ 2`.
    Contraction(usize),
    /// Complex points.
    ComplexPoints,
}

impl Capability {
    /// Of `∇^{m+1}E` along `m ≥ 1` directions.
    pub fn of_directions(m: usize) -> Capability {
        if m <= 1 { Capability::HessianVectors } else { Capability::Contraction(m) }
    }

    /// Who can provide it.
    pub fn help(&self) -> &'static str {
        match self {
            Capability::HessianVectors => {
                "formulas and networks have them; closures get them by `hessian_vector`, or from \
                 finite differences of gradients by `differences`"
            }
            Capability::Contraction(_) => {
                "formulas and networks have derivatives of every order; closures get them by \
                 `with_contraction`"
            }
            Capability::ComplexPoints => {
                "formulas and networks are defined there; closures get them by `with_complex`"
            }
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Capability::HessianVectors => out.write_str("Hessian-vector products"),
            Capability::Contraction(m) => {
                write!(out, "derivatives of order {} along {m} directions", m + 1)
            }
            Capability::ComplexPoints => out.write_str("complex points"),
        }
    }
}
