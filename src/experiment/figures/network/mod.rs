//! The figures of the paper about networks: each an experiment of `examples/experiments`, and a judge of
//! what its runs measured.

mod drift;
mod edge;
mod errors;
mod numbers;
mod rates;

use super::Verdict;
use crate::experiment::config::{Config, Experiment, Scale};
use crate::experiment::{Measured, Outcome, sweep_figure};
use crate::plot::Figure;
use crate::source::{Source, SourceError};

/// A figure about networks.
#[derive(Debug)]
pub struct NetworkFigure {
    /// `fig10`; also the name of its folder.
    pub id: &'static str,
    /// Further figures of the paper that the same runs answer.
    pub also: &'static str,
    /// What the paper says that it shows.
    pub claim: &'static str,
    text: &'static str,
    judge: fn(&[Outcome]) -> (Verdict, String),
}

macro_rules! figure {
    ($id:literal, $also:literal, $claim:literal, $judge:path) => {
        NetworkFigure {
            id: $id,
            also: $also,
            claim: $claim,
            text: include_str!(concat!("../../../../examples/experiments/", $id, ".toml")),
            judge: $judge,
        }
    };
}

/// Every figure about networks, in the order of the paper.
pub static NETWORK_FIGURES: [NetworkFigure; 21] = [
    figure!(
        "fig8",
        "",
        "PF predicts ∇E·u_0 at the next iterate better than NGF and IGR",
        errors::fig8
    ),
    figure!("fig9", "", "λ_0 grows to 2/h and stays there", edge::fig9),
    figure!(
        "fig10",
        "",
        "PF has the smallest one-step error at the edge of stability",
        errors::fig10
    ),
    figure!(
        "fig11",
        "13, 37",
        "NGF lowers the loss and raises λ_0 from every iterate, the positive flow does the opposite",
        edge::fig11
    ),
    figure!("fig12", "36, 38", "the loss increases where Re sc_0 is large", edge::fig12),
    figure!("fig15", "", "|∇E·u_0| grows where λ_0 > 2/h and shrinks below", edge::fig15),
    figure!(
        "fig17",
        "16",
        "‖∇²E ∇E‖ is strongly correlated with the drift of a step",
        drift::fig17
    ),
    figure!("fig18", "19, 41", "DAL is stable without a sweep of learning rates", rates::fig18),
    figure!(
        "fig20",
        "21, 42, 43",
        "DAL-0.5 trains and generalises at least as well as the best fixed learning rate",
        rates::fig20
    ),
    figure!(
        "fig22",
        "47",
        "more drift goes with higher test accuracy and a smaller λ_0",
        drift::fig22
    ),
    figure!(
        "fig23",
        "48",
        "DAL with momentum trains faster and more stably than fixed learning rates",
        rates::fig23
    ),
    figure!(
        "fig25",
        "",
        "the non-principal term is small outside the edge of stability, larger inside",
        drift::fig25
    ),
    figure!(
        "fig26",
        "27, 28, 29",
        "with full batches DAL loses nothing by the difference of gradients",
        rates::fig26
    ),
    figure!(
        "fig31",
        "",
        "IGR and the third-order flow reduce the error of NGF, and a large gap remains",
        errors::fig31
    ),
    figure!(
        "fig32",
        "",
        "PF tracks gradient descent better than IGR over two steps",
        errors::fig32
    ),
    figure!("fig33", "", "the Hessian's eigenvalues are largely positive", edge::fig33),
    figure!(
        "fig34",
        "",
        "a smaller learning rate stabilises training, and λ_0 grows again",
        edge::fig34
    ),
    figure!(
        "fig35",
        "14",
        "reversing the sharpest direction alone makes the flow unstable",
        edge::fig35
    ),
    figure!(
        "fig39",
        "",
        "2/‖∇²E ĝ‖ has a reasonable size along training with fixed learning rates",
        rates::fig39
    ),
    figure!("fig44", "", "DAL and DAL-0.5 train faster with a least-squares loss", rates::fig20),
    figure!("fig49", "", "gradient descent leaves NGF, whose λ_0 keeps growing", edge::fig49),
];

impl NetworkFigure {
    /// Its runs. Every text of `set` overrides keys of them.
    ///
    /// # Errors
    /// A text is wrong.
    pub fn runs(&self, scale: Scale, set: &[Source]) -> Result<Vec<Config>, SourceError> {
        Experiment::parse(Source::new(format!("{}.toml", self.id), self.text), scale, set)?.runs()
    }

    /// Whether the claim holds, and the numbers that decide.
    pub fn verdict(&self, outcomes: &[Outcome]) -> (Verdict, String) {
        (self.judge)(outcomes)
    }

    /// `fig10: claim: holds; numbers`
    pub fn line(&self, outcomes: &[Outcome]) -> String {
        let (verdict, numbers) = self.verdict(outcomes);
        format!("{}: {}: {verdict}; {numbers}", self.id, self.claim)
    }

    /// The measurements of all runs.
    pub fn picture(&self, outcomes: &[Outcome]) -> Figure {
        let measured: Vec<Measured> = outcomes.iter().map(Measured::from).collect();
        sweep_figure(&measured)
    }
}
