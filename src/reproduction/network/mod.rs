//! The figures of the paper about networks: each an experiment of `examples/experiments`, and a judge of
//! what its runs measured.

mod drift;
mod edge;
mod errors;
mod followed;
mod groups;
mod numbers;
mod pictures;
mod rates;

use super::caption::Caption;
use super::judgement::Judgement;
use crate::experiment::Outcome;
use crate::experiment::config::{Config, Experiment, Scale};
use bea_plot::{Color, Figure, Series};
use bea_series::text::source::{Source, SourceError};
use std::collections::BTreeSet;

/// A figure about networks.
#[derive(Debug)]
pub struct NetworkFigure {
    /// `fig10`; also the stem of its files.
    pub id: &'static str,
    /// The experiment whose runs it judges, and their folder; several figures may share one.
    pub experiment: &'static str,
    /// What the paper says that it shows.
    pub claim: &'static str,
    text: &'static str,
    judge: fn(&[Outcome]) -> (Judgement, String),
    picture: fn(&[Outcome]) -> Figure,
}

macro_rules! figure {
    ($id:literal, $experiment:literal, $claim:literal, $judge:path, $picture:path) => {
        NetworkFigure {
            id: $id,
            experiment: $experiment,
            claim: $claim,
            text: include_str!(concat!("../../../examples/experiments/", $experiment, ".toml")),
            judge: $judge,
            picture: $picture,
        }
    };
}

/// Every figure about networks, in the order of the paper.
pub static NETWORK_FIGURES: [NetworkFigure; 42] = [
    figure!(
        "fig7",
        "fig7",
        "for few steps PF is nearer to gradient descent than NGF and IGR",
        errors::fig7,
        pictures::fig7
    ),
    figure!(
        "fig8",
        "fig8",
        "PF predicts ∇E·u_0 at the next iterate better than NGF and IGR",
        errors::fig8,
        pictures::fig8
    ),
    figure!("fig9", "fig9", "λ_0 grows to 2/h and stays there", edge::fig9, pictures::fig9),
    figure!(
        "fig10",
        "fig10",
        "PF has the smallest one-step error at the edge of stability",
        errors::fig10,
        pictures::fig10
    ),
    figure!(
        "fig10_mlp",
        "fig10_mlp",
        "PF has the smallest one-step error at the edge of stability (MLP with 4x100 units)",
        errors::fig10,
        pictures::fig10
    ),
    figure!(
        "fig11",
        "fig11",
        "loss and λ_0 change as along NGF where λ_0 < 2/h, as along the positive flow where λ_0 > 2/h",
        edge::fig11,
        pictures::fig11
    ),
    figure!(
        "fig12",
        "fig12",
        "the loss increases where Re sc_0 is large",
        edge::fig12,
        pictures::fig12
    ),
    figure!(
        "fig13",
        "fig13",
        "where λ_0 > 2/h, the loss increases in proportion to its increase along the positive flow",
        edge::fig13,
        pictures::fig13
    ),
    figure!(
        "fig14",
        "fig14",
        "reversing the sharpest direction alone makes the flow unstable",
        followed::fig35,
        pictures::fig35
    ),
    figure!(
        "fig15",
        "fig15",
        "|∇E·u_0| grows where λ_0 > 2/h and shrinks below",
        edge::fig15,
        pictures::fig15
    ),
    figure!(
        "fig16",
        "fig17",
        "‖∇²E ∇E‖ follows the drift of a step along training",
        drift::fig16,
        pictures::fig16
    ),
    figure!(
        "fig17",
        "fig17",
        "‖∇²E ∇E‖ is strongly correlated with the drift of a step",
        drift::fig17,
        pictures::fig17
    ),
    figure!(
        "fig18",
        "fig18",
        "DAL is stable without a sweep of learning rates",
        rates::fig18,
        pictures::fig18
    ),
    figure!(
        "fig19",
        "fig18",
        "DAL's learning rate falls, then slowly rises, and its updates decrease steadily",
        rates::fig19,
        pictures::fig19
    ),
    figure!(
        "fig20",
        "fig20",
        "DAL-0.5 trains and generalises at least as well as the best fixed learning rate",
        rates::fig20,
        pictures::fig20
    ),
    figure!(
        "fig21",
        "fig20",
        "DAL-p with a smaller p, more drift, generalises better and is less stable",
        rates::fig21,
        pictures::fig21
    ),
    figure!(
        "fig22",
        "fig22",
        "more drift goes with higher test accuracy and a smaller λ_0",
        drift::fig22,
        pictures::fig22
    ),
    figure!(
        "fig23",
        "fig23",
        "DAL with momentum trains faster and more stably than fixed learning rates",
        rates::fig23,
        pictures::fig18
    ),
    figure!(
        "fig25",
        "fig25",
        "the non-principal term is small outside the edge of stability, larger inside",
        drift::fig25,
        pictures::fig25
    ),
    figure!(
        "fig26",
        "fig26",
        "with full batches DAL loses nothing by the difference of gradients",
        rates::fig26,
        pictures::fig26
    ),
    figure!(
        "fig27",
        "fig26",
        "with small batches DAL loses little by the difference of gradients",
        rates::fig27,
        pictures::fig27
    ),
    figure!(
        "fig28",
        "fig28",
        "with full batches DAL loses nothing by the difference of gradients (Imagenet)",
        rates::fig28,
        pictures::fig28
    ),
    figure!(
        "fig29",
        "fig28",
        "with full batches DAL-0.5 loses nothing by the difference of gradients (Imagenet)",
        rates::fig29,
        pictures::fig29
    ),
    figure!(
        "fig31",
        "fig31",
        "IGR and the third-order flow reduce the error of NGF, and a large gap remains",
        errors::fig31,
        pictures::fig31
    ),
    figure!(
        "fig32",
        "fig32",
        "PF tracks gradient descent better than IGR over two steps",
        errors::fig32,
        pictures::fig32
    ),
    figure!(
        "fig33",
        "fig33",
        "the Hessian's eigenvalues are largely positive",
        edge::fig33,
        pictures::fig33
    ),
    figure!(
        "fig34",
        "fig34",
        "a smaller learning rate stabilises training, and λ_0 grows again",
        edge::fig34,
        pictures::fig34
    ),
    figure!(
        "fig35",
        "fig35",
        "reversing the sharpest direction alone makes the flow unstable",
        followed::fig35,
        pictures::fig35
    ),
    figure!(
        "fig36",
        "fig13",
        "the loss increases where Re sc_0, in parts of the gradient, is large",
        edge::fig36,
        pictures::fig36
    ),
    figure!(
        "fig37",
        "fig11",
        "where λ_0 > 2/h, it increases where it increases along the positive flow",
        edge::fig37,
        pictures::fig37
    ),
    figure!(
        "fig38",
        "fig38",
        "the loss increases where Re sc_0 is large (ResNet)",
        edge::fig12,
        pictures::fig12
    ),
    figure!(
        "fig39",
        "fig39",
        "2/‖∇²E ĝ‖ has a reasonable size along training with fixed learning rates",
        rates::fig39,
        pictures::fig39
    ),
    figure!(
        "fig40",
        "fig40",
        "with every batch size DAL-p of a smaller p generalises better and is less stable",
        rates::fig40,
        pictures::fig40
    ),
    figure!(
        "fig41",
        "fig40",
        "DAL trains as well as the best fixed learning rate with every batch size",
        rates::fig41,
        pictures::fig41
    ),
    figure!(
        "fig42",
        "fig40",
        "DAL-0.5 trains as well as the best fixed learning rate with every batch size",
        rates::fig42,
        pictures::fig42
    ),
    figure!(
        "fig43",
        "fig20",
        "DAL-p with a smaller p takes larger learning rates",
        rates::fig43,
        pictures::fig43
    ),
    figure!(
        "fig44",
        "fig44",
        "DAL and DAL-0.5 train faster with a least-squares loss",
        rates::fig44,
        pictures::fig18
    ),
    figure!(
        "fig45",
        "fig45",
        "a learning rate for each parameter, 2/|(∇²E ∇E)_i|^p, trains the network (VGG)",
        rates::fig45,
        pictures::fig45
    ),
    figure!(
        "fig46",
        "fig46",
        "a learning rate for each parameter, 2/|(∇²E ∇E)_i|, trains the network (Imagenet)",
        rates::fig45,
        pictures::fig18
    ),
    figure!(
        "fig47",
        "fig47",
        "with mini-batches, too, more drift goes with higher test accuracy and a smaller λ_0",
        drift::fig22,
        pictures::fig22
    ),
    figure!(
        "fig48",
        "fig48",
        "DAL with momentum gains less with smaller batches",
        rates::fig48,
        pictures::fig48
    ),
    figure!(
        "fig49",
        "fig49",
        "gradient descent leaves NGF, whose λ_0 keeps growing",
        followed::fig49,
        pictures::fig49
    ),
];

impl NetworkFigure {
    /// Its runs. Every text of `set` overrides keys of them.
    ///
    /// # Errors
    /// A text is wrong.
    pub fn runs(&self, scale: Scale, set: &[Source]) -> Result<Vec<Config>, SourceError> {
        Experiment::parse(Source::new(format!("{}.toml", self.experiment), self.text), scale, set)?
            .runs()
    }

    /// Whether the claim holds, and the numbers that decide.
    pub fn verdict(&self, outcomes: &[Outcome]) -> (Judgement, String) {
        (self.judge)(outcomes)
    }

    /// `fig10: claim: holds; numbers (mlp:10 on iris, 3 runs of 400 steps, 3 seeds)`
    pub fn line(&self, outcomes: &[Outcome]) -> String {
        let (verdict, numbers) = self.verdict(outcomes);
        let setting = self.sizes(outcomes).map(|setting| format!(" ({setting})"));
        format!("{}: {}: {verdict}; {numbers}{}", self.id, self.claim, setting.unwrap_or_default())
    }

    /// `mlp:10 on iris, 3 runs of 400 steps, 3 seeds`; `None` without runs.
    fn sizes(&self, outcomes: &[Outcome]) -> Option<String> {
        let (runs, steps) = (outcomes.len(), outcomes.first()?.config.steps);
        let runs = if runs == 1 { "one run".into() } else { format!("{runs} runs") };
        let seeds: BTreeSet<u64> = outcomes.iter().map(|other| other.config.seed).collect();
        let seeds = match seeds.len() {
            1 => "one seed".into(),
            n => format!("{n} seeds"),
        };
        Some(format!("{}, {runs} of {steps} steps, {seeds}", self.setting(outcomes)))
    }

    /// Networks and data of the runs, and those of the paper where these stand in for them.
    fn setting(&self, outcomes: &[Outcome]) -> String {
        let here = networks(outcomes.iter().map(|outcome| &outcome.config));
        let paper = if IMAGENET.contains(&self.id) {
            "ResNet-50 on Imagenet, which is not available".into()
        } else {
            networks(&self.runs(Scale::Paper, &[]).unwrap_or_default())
        };
        if paper == here || paper.is_empty() {
            here
        } else {
            format!("{here} for the paper's {paper}")
        }
    }

    /// What it shows, in words.
    pub fn caption(&self, outcomes: &[Outcome]) -> Caption {
        let (verdict, numbers) = self.verdict(outcomes);
        let setting = self.sizes(outcomes).unwrap_or_default();
        Caption::new(self.id, self.claim, verdict, &numbers, setting)
    }

    /// Its picture in the arrangement of the paper, without panels if nothing that it shows was measured.
    pub fn picture(&self, outcomes: &[Outcome]) -> Figure {
        let mut figure = (self.picture)(outcomes);
        // Lines to compare with are nothing by themselves.
        let seen = |series: &Series| {
            let finite = |point: &(f64, f64)| point.0.is_finite() && point.1.is_finite();
            series.style.color != Color::SOFT && series.points.iter().any(finite)
        };
        figure.panels.retain(|panel| panel.series.iter().any(seen));
        Figure { title: self.caption(outcomes).title(), ..figure }
    }
}

/// Figures for which the paper trains on Imagenet alone.
const IMAGENET: [&str; 7] = ["fig23", "fig28", "fig29", "fig41", "fig42", "fig46", "fig48"];

/// `vgg16 on cifar10 and resnet18 on cifar10`: what is trained on what.
fn networks<'a>(configs: impl IntoIterator<Item = &'a Config>) -> String {
    let mut all: Vec<String> = Vec::new();
    for config in configs {
        let text = format!("{} on {}", config.network_name(), data_name(&config.data));
        if !all.contains(&text) {
            all.push(text);
        }
    }
    all.join(" and ")
}

/// `fashion_mnist,first=125` of `fashion_mnist:/usr/share/datasets/fashion-mnist,first=125`.
fn data_name(specification: &str) -> String {
    let (source, options) = match specification.split_once(',') {
        Some((source, options)) => (source, format!(",{options}")),
        None => (specification, String::new()),
    };
    let name = match source.split_once(':') {
        Some((name, folder)) if name != "gaussian" && !folder.is_empty() => name,
        _ => source,
    };
    format!("{name}{options}")
}
