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
mod words;

use super::caption::Caption;
pub use judged::Judged;
pub use paper_loss::PaperRun;

/// A figure of the paper.
#[derive(Debug)]
pub struct SimulatedFigure {
    /// `fig5`; also the stem of its files.
    pub id: &'static str,
    /// On what it is measured, with the paper's parameters.
    pub setting: &'static str,
    /// What is drawn.
    pub shows: &'static str,
    /// What the paper says that it shows.
    pub claim: &'static str,
    run: fn() -> Judged,
}

/// Every figure, in the order of the paper.
pub static FIGURES: [SimulatedFigure; 9] = [
    SimulatedFigure {
        id: "fig1",
        setting: "x² + 0.01y², h = 0.9, from (1, 1)",
        shows: "left, 20 steps of gradient descent on x² + 0.01y² with learning rate h = 0.9 (black), and NGF \
                and IGR from the same start, over contours of the loss; right, their distance to gradient \
                descent",
        claim: "the negative gradient flow and IGR miss the oscillations of gradient descent",
        run: fig1::run,
    },
    SimulatedFigure {
        id: "fig2",
        setting: "(θ - 0.6)²/2, h = 1.2, from 0",
        shows: "gradient descent (black) on the parabola (θ - 0.6)²/2 with learning rate h = 1.2, and NGF, IGR \
                and PF from the same start; left, on the graph of the loss, without PF; right, in the complex plane, since \
                PF is complex where hλ > 1",
        claim: "real flows stop at the minimum, the principal flow goes around it",
        run: fig2::run,
    },
    SimulatedFigure {
        id: "fig3",
        setting: "2000 values of hλ from -1 to 4",
        shows: "the factor α(hλ) with which a flow moves along an eigenvector of the Hessian whose eigenvalue is \
                λ, against hλ: of NGF, in blue, and real and imaginary part of that of PF, in green",
        claim: "Re α of the principal flow is negative below hλ = 2 and positive above; α is complex above hλ = 1",
        run: fig3::run,
    },
    SimulatedFigure {
        id: "fig4",
        setting: "z²/2, h = 0.8, 1.5, 2.1, from 1",
        shows: "20 steps of gradient descent (black) on z²/2 and PF, in green, in the complex plane, with \
                learning rates h = 0.8, 1.5 and 2.1, with what PF does; gradient descent multiplies z by 1 − h in a step",
        claim: "the principal flow of z²/2 converges, converges oscillating or diverges as gradient descent does",
        run: fig4::run,
    },
    SimulatedFigure {
        id: "fig5",
        setting: "x² + 0.01y², h = 0.49, 0.5, 0.9, 1.05, from (1, 1)",
        shows: "50 steps of gradient descent on x² + 0.01y² (black), and NGF, IGR and PF from the same start, a \
                column for each learning rate h; top, over contours of the loss, where PF is complex its real part; bottom, \
                their distance to gradient descent, with the imaginary part, divided by the size of the iterate where that is above 1; \
                where PF ends at once, the limit of its closed form is drawn, at 10⁻¹⁶ where its distance is 0",
        claim: "the principal flow follows gradient descent exactly on quadratics",
        run: fig5::run,
    },
    SimulatedFigure {
        id: "fig6",
        setting: "Rosenbrock's function, h = 0.0006, 0.0017, 0.005, from (-1.2, 1)",
        shows: "30 steps of gradient descent on Rosenbrock's function (black), and NGF, IGR, PF, and PF with one \
                non-principal term, −h²/12 ∇³E[∇E, ∇E], from the same start, a column for each learning rate h; top, \
                over contours of the loss (where PF is complex, its real part), in the middle column only the first step of PF; bottom, \
                their distance to gradient descent, with the imaginary part; an arrow at the edge of a panel of the bottom row is where a line \
                leaves it",
        claim: "the principal flow tracks gradient descent for λ₀ near 2/h; for λ₀ far above 2/h, only with a non-principal term",
        run: fig6::run,
    },
    SimulatedFigure {
        id: "table1",
        setting: "four random polynomials of four variables and Rosenbrock's function, five learning rates each",
        shows: "real and imaginary part of the factor α(hλᵢ) with which NGF, IGR and PF move along the \
                eigenvectors uᵢ of the Hessian, against hλᵢ; lines are the formulas, marks are measured from \
                velocities of the flows on five losses",
        claim: "the velocity of each flow is Σ α(hλᵢ) (∇E·uᵢ) uᵢ",
        run: table1::run,
    },
    SimulatedFigure {
        id: "fig24",
        setting: "Rosenbrock's function, 0 to 4 corrections, h = 0.0002, 0.0001, 0.00005, 0.000025",
        shows: "the distance from one step of gradient descent on Rosenbrock's function to where the flow of \
                backward error analysis with n corrections comes in its time, against the learning rate h",
        claim: "n corrections bring the flow within O(hⁿ⁺²) of a step of gradient descent",
        run: fig24::run,
    },
    SimulatedFigure {
        id: "fig30",
        setting: "cos x + x beside (x/3)² + 1 + x/3, h = 0.5, 0.85",
        shows: "gradient descent (black) and NGF, IGR and PF on a loss that joins a cosine with a slope, cos x + \
                x, left of x = 0, to a parabola, (x/3)² + 1 + x/3, right of it: four runs like those that are judged, a panel each, with \
                where each comes to",
        claim: "gradient descent escapes the cosine branch, the principal flow and IGR stay",
        run: fig30::run,
    },
];

impl SimulatedFigure {
    /// Simulates, draws and judges.
    pub fn run(&self) -> Judged {
        let mut judged = (self.run)();
        words::in_words(&mut judged.figure);
        words::color_alike(&mut judged.figure);
        judged.figure.title = self.caption(&judged).title();
        judged
    }

    /// What it shows, in words.
    pub fn caption(&self, judged: &Judged) -> Caption {
        Caption::new(self.id, self.shows, self.claim, judged.finding.clone(), self.setting.into())
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
