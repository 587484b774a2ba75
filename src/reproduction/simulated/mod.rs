//! The figures of low-dimensional losses.

pub mod fig1;
pub mod fig2;
pub mod fig24;
pub mod fig3;
pub mod fig30;
pub mod fig4;
pub mod fig5;
pub mod fig6;
mod judged;
mod paper_loss;
pub mod table1;

use super::caption::Caption;
pub use judged::Judged;
pub use paper_loss::PaperRun;

/// A figure of the paper.
#[derive(Debug)]
pub struct SimulatedFigure {
    /// `fig5`; also the stem of its files.
    pub id: &'static str,
    /// What it shows, with the paper's parameters.
    pub title: &'static str,
    /// What the paper says that it shows.
    pub claim: &'static str,
    run: fn() -> Judged,
}

/// Every figure, in the order of the paper.
pub static FIGURES: [SimulatedFigure; 9] = [
    SimulatedFigure {
        id: "fig1",
        title: "x² + 0.01y², h = 0.9: gradient descent beside NGF and IGR",
        claim: "the NGF and the IGR flow miss the oscillations of gradient descent",
        run: fig1::run,
    },
    SimulatedFigure {
        id: "fig2",
        title: "(θ - 0.6)²/2, h = 1.2: real flows stop at the minimum, the complex one goes around",
        claim: "real flows stop at the minimum, the principal flow goes around it",
        run: fig2::run,
    },
    SimulatedFigure {
        id: "fig3",
        title: "the coefficients of NGF and PF as functions of hλ",
        claim: "Re α_PF is negative below hλ = 2 and positive above, α_PF is complex from hλ = 1 on",
        run: fig3::run,
    },
    SimulatedFigure {
        id: "fig4",
        title: "z²/2, h = 0.8, 1.5, 2.1: the principal flow in closed form",
        claim: "the principal flow of z²/2 converges, oscillates and diverges with gradient descent",
        run: fig4::run,
    },
    SimulatedFigure {
        id: "fig5",
        title: "x² + 0.01y², h = 0.5, 0.9, 1.05: the principal flow is exact on quadratics",
        claim: "the principal flow follows gradient descent exactly on quadratics",
        run: fig5::run,
    },
    SimulatedFigure {
        id: "fig6",
        title: "Rosenbrock's function, h = 0.0006, 0.0017, 0.005: PF with and without another term",
        claim: "PF tracks gradient descent for λ0 near 2/h; far above, only with a non-principal term",
        run: fig6::run,
    },
    SimulatedFigure {
        id: "table1",
        title: "the coefficients α(hλ) of NGF, IGR and PF",
        claim: "each flow is Σ α(hλ_i) (g·u_i) u_i",
        run: table1::run,
    },
    SimulatedFigure {
        id: "fig24",
        title: "errors of one step of order:0 … order:5 against the learning rate, Rosenbrock's function",
        claim: "n corrections bring the flow within O(h^(n+2)) of a step of gradient descent",
        run: fig24::run,
    },
    SimulatedFigure {
        id: "fig30",
        title: "cos θ + θ beside (θ/3)² + 1 + θ/3, h = 0.5, 0.85",
        claim: "gradient descent escapes the cosine branch, PF and IGR stay",
        run: fig30::run,
    },
];

impl SimulatedFigure {
    /// Simulates, draws and judges.
    pub fn run(&self) -> Judged {
        let mut judged = (self.run)();
        judged.figure.title = self.caption(&judged).title();
        judged
    }

    /// What it shows, in words.
    pub fn caption(&self, judged: &Judged) -> Caption {
        Caption::new(self.id, self.claim, judged.verdict, &judged.numbers, self.title.into())
    }

    /// `fig5: claim: holds; numbers`
    pub fn line(&self, judged: &Judged) -> String {
        format!("{}: {}: {}; {}", self.id, self.claim, judged.verdict, judged.numbers)
    }

    /// The names of its files.
    pub fn files(&self) -> [String; 3] {
        ["svg", "png", "csv"].map(|extension| format!("{}.{extension}", self.id))
    }

    /// The contents of its files, in the order of [`SimulatedFigure::files`].
    pub fn contents(&self, judged: &Judged) -> [Vec<u8>; 3] {
        let figure = &judged.figure;
        [figure.svg().into_bytes(), figure.png(), judged.csv.clone().into_bytes()]
    }
}
