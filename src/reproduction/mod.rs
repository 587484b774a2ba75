//! The figures of the paper, each with its claim and a verdict on it: here the low-dimensional ones, in
//! [`network`] those about networks.
//!
//! A verdict is a function of the simulation alone: every figure first runs, then judges the runs.
//!
//! ```
//! use bea::reproduction;
//! let reproduction::AnyFigure::Simulated(figure) = reproduction::find("fig3").unwrap() else { panic!() };
//! let outcome = figure.run();
//! assert!(figure.line(&outcome).starts_with("fig3: "));
//! ```

pub mod fig1;
pub mod fig2;
pub mod fig24;
pub mod fig3;
pub mod fig30;
pub mod fig4;
pub mod fig5;
pub mod fig6;
pub mod network;
mod run;
pub mod table1;

pub use network::{NETWORK_FIGURES, NetworkFigure};
pub use run::Run;

use bea_plot::Figure;
use bea_series::text::near;
use std::fmt;

/// A figure of the paper.
#[derive(Debug)]
pub struct PaperFigure {
    /// `fig5`; also the stem of its files.
    pub id: &'static str,
    /// What it shows, with the paper's parameters.
    pub title: &'static str,
    /// What the paper says that it shows.
    pub claim: &'static str,
    run: fn() -> Outcome,
}

/// Whether the numbers bear out a claim.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// They do.
    Holds,
    /// Some do, some do not.
    InPart,
    /// They do not.
    DoesNotHold,
    /// There are none.
    NotMeasured,
}

/// What a figure comes to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The picture.
    pub figure: Figure,
    /// What is drawn, as a table.
    pub csv: String,
    /// Whether the claim holds.
    pub verdict: Verdict,
    /// The numbers that decided.
    pub numbers: String,
}

/// There is no figure of this name.
#[derive(Clone, Debug, thiserror::Error, miette::Diagnostic)]
#[error("there is no figure `{name}` here")]
pub struct UnknownFigure {
    name: String,
    #[help]
    help: Option<String>,
}

/// Every figure, in the order of the paper.
pub static FIGURES: [PaperFigure; 9] = [
    PaperFigure {
        id: "fig1",
        title: "x² + 0.01y², h = 0.9: gradient descent beside NGF and IGR",
        claim: "the NGF and the IGR flow miss the oscillations of gradient descent",
        run: fig1::run,
    },
    PaperFigure {
        id: "fig2",
        title: "(θ - 0.6)²/2, h = 1.2: real flows stop at the minimum, the complex one goes around",
        claim: "real flows stop at the minimum, the principal flow goes around it",
        run: fig2::run,
    },
    PaperFigure {
        id: "fig3",
        title: "the coefficients of NGF and PF as functions of hλ",
        claim: "Re α_PF is negative below hλ = 2 and positive above, α_PF is complex from hλ = 1 on",
        run: fig3::run,
    },
    PaperFigure {
        id: "fig4",
        title: "z²/2, h = 0.8, 1.5, 2.1: the principal flow in closed form",
        claim: "the principal flow of z²/2 converges, oscillates and diverges with gradient descent",
        run: fig4::run,
    },
    PaperFigure {
        id: "fig5",
        title: "x² + 0.01y², h = 0.5, 0.9, 1.05: the principal flow is exact on quadratics",
        claim: "the principal flow follows gradient descent exactly on quadratics",
        run: fig5::run,
    },
    PaperFigure {
        id: "fig6",
        title: "Rosenbrock's function, h = 0.0006, 0.0017, 0.005: PF with and without another term",
        claim: "PF tracks gradient descent for λ0 near 2/h; far above, only with a non-principal term",
        run: fig6::run,
    },
    PaperFigure {
        id: "table1",
        title: "the coefficients α(hλ) of NGF, IGR and PF",
        claim: "each flow is Σ α(hλ_i) (g·u_i) u_i",
        run: table1::run,
    },
    PaperFigure {
        id: "fig24",
        title: "errors of one step of order:0 … order:5 against the learning rate, Rosenbrock's function",
        claim: "n corrections bring the flow within O(h^(n+2)) of a step of gradient descent",
        run: fig24::run,
    },
    PaperFigure {
        id: "fig30",
        title: "cos θ + θ beside (θ/3)² + 1 + θ/3, h = 0.5, 0.85",
        claim: "gradient descent escapes the cosine branch, PF and IGR stay",
        run: fig30::run,
    },
];

/// A figure of either kind.
#[derive(Clone, Copy, Debug)]
pub enum AnyFigure {
    /// Simulated.
    Simulated(&'static PaperFigure),
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

impl PaperFigure {
    /// Simulates, draws and judges.
    pub fn run(&self) -> Outcome {
        (self.run)()
    }

    /// `fig5: claim: holds; numbers`
    pub fn line(&self, outcome: &Outcome) -> String {
        format!("{}: {}: {}; {}", self.id, self.claim, outcome.verdict, outcome.numbers)
    }

    /// The names of its files.
    pub fn files(&self) -> [String; 3] {
        ["svg", "png", "csv"].map(|extension| format!("{}.{extension}", self.id))
    }

    /// The contents of its files, in the order of [`PaperFigure::files`].
    pub fn contents(&self, outcome: &Outcome) -> [Vec<u8>; 3] {
        let figure = &outcome.figure;
        [figure.svg().into_bytes(), figure.png(), outcome.csv.clone().into_bytes()]
    }
}

impl Verdict {
    /// Of several parts of a claim, `None` where one was not measured: a claim holds if all of them were and do.
    pub fn of<P: Copy + Into<Option<bool>>>(parts: &[P]) -> Verdict {
        let parts: Vec<Option<bool>> = parts.iter().map(|part| (*part).into()).collect();
        let count = |what| parts.iter().filter(|part| **part == Some(what)).count();
        match (count(true), count(false)) {
            (0, 0) => Verdict::NotMeasured,
            (held, _) if held == parts.len() => Verdict::Holds,
            (0, _) => Verdict::DoesNotHold,
            _ => Verdict::InPart,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Holds => "holds",
            Verdict::InPart => "holds in part",
            Verdict::DoesNotHold => "does not hold",
            Verdict::NotMeasured => "not measured",
        })
    }
}
