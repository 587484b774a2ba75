//! The figures of the paper, each with its claim and a verdict on it: in [`simulated`] those of low-dimensional
//! losses, in [`network`] those of networks.
//!
//! A verdict is a function of the runs alone: every figure first runs, then judges.
//!
//! ```
//! use bea::reproduction::{self, AnyFigure};
//! let AnyFigure::Simulated(figure) = reproduction::find("fig3").unwrap() else { panic!() };
//! let judged = figure.run();
//! assert!(figure.caption(&judged).title().starts_with("Figure 3. "));
//! ```

mod caption;
mod judgement;
pub mod network;
pub mod simulated;

pub use caption::Caption;
pub use judgement::{Finding, Judgement};
pub use network::{NETWORK_FIGURES, NetworkFigure};
pub use simulated::{FIGURES, SimulatedFigure};

use bea_series::text::near;

/// There is no figure of this name.
#[derive(Clone, Debug, thiserror::Error, miette::Diagnostic)]
#[error("there is no figure `{name}` here")]
pub struct UnknownFigure {
    name: String,
    #[help]
    help: Option<String>,
}

/// A figure of either kind.
#[derive(Clone, Copy, Debug)]
pub enum AnyFigure {
    /// Simulated.
    Simulated(&'static SimulatedFigure),
    /// Of networks.
    Network(&'static NetworkFigure),
}

/// All figures, in the order of the paper.
pub fn all() -> Vec<AnyFigure> {
    let number = |figure: &AnyFigure| {
        // `fig10_mlp` follows `fig10`; the table comes first.
        let number = figure.id().trim_start_matches("fig").split('_').next();
        number.and_then(|digits| digits.parse().ok()).unwrap_or(0)
    };
    let simulated = FIGURES.iter().map(AnyFigure::Simulated);
    let mut all: Vec<AnyFigure> =
        simulated.chain(NETWORK_FIGURES.iter().map(AnyFigure::Network)).collect();
    all.sort_by_key(number);
    all
}

/// The figure of that name.
///
/// # Errors
/// There is none; the error names similar ones.
pub fn find(id: &str) -> Result<AnyFigure, UnknownFigure> {
    let all = all();
    all.iter().find(|figure| figure.id() == id).copied().ok_or_else(|| {
        let known: Vec<&str> = all.iter().map(AnyFigure::id).collect();
        UnknownFigure { name: id.into(), help: near::advice(id, &known) }
    })
}

impl AnyFigure {
    /// `fig5`.
    pub fn id(&self) -> &'static str {
        match self {
            AnyFigure::Simulated(figure) => figure.id,
            AnyFigure::Network(figure) => figure.id,
        }
    }

    /// What the paper says that it shows.
    pub fn claim(&self) -> &'static str {
        match self {
            AnyFigure::Simulated(figure) => figure.claim,
            AnyFigure::Network(figure) => figure.claim,
        }
    }
}
