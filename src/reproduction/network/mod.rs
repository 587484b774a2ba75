//! The figures of the paper about networks: each an experiment of `examples/experiments`, and a judge of
//! what its runs measured.

mod by_batch;
mod differences;
mod drift;
mod edge;
mod errors;
mod figures;
mod followed;
mod groups;
mod numbers;
mod pictures;
mod rates;

use super::caption::{Caption, data_in_words, network_in_words};
use super::judgement::Finding;
use crate::experiment::config::{Config, Experiment, Scale};
use crate::experiment::{Measured, Outcome};
use bea_network::training::{Adjusted, Rule};
use bea_plot::{Color, Figure, Panel, Series};
use bea_series::text::source::{Source, SourceError};
pub use figures::NETWORK_FIGURES;
use groups::in_full;
use num_traits::ToPrimitive;
use std::collections::BTreeSet;

/// A figure about networks.
#[derive(Debug)]
pub struct NetworkFigure {
    /// `fig10`; also the stem of its files.
    pub id: &'static str,
    /// The experiment whose runs it judges, and their folder; several figures may share one.
    pub experiment: &'static str,
    /// What is drawn.
    pub shows: &'static str,
    /// What the paper says that it shows.
    pub claim: &'static str,
    text: &'static str,
    judge: fn(&[Outcome]) -> Finding,
    picture: fn(&[Outcome]) -> Figure,
    /// Which of the runs the picture shows.
    shown: pictures::Keep,
}

impl NetworkFigure {
    /// Its runs. Every text of `set` overrides keys of them.
    ///
    /// # Errors
    /// A text is wrong.
    pub fn runs(&self, scale: Scale, set: &[Source]) -> Result<Vec<Config>, SourceError> {
        self.description(scale, set)?.runs()
    }

    /// Whether its runs of this size are others than those of the small one.
    ///
    /// # Errors
    /// As [`runs`](Self::runs).
    pub fn has_scale(&self, scale: Scale) -> Result<bool, SourceError> {
        Ok(self.description(scale, &[])?.has_scale())
    }

    fn description(&self, scale: Scale, set: &[Source]) -> Result<Experiment, SourceError> {
        Experiment::parse(Source::new(format!("{}.toml", self.experiment), self.text), scale, set)
    }

    /// Whether the claim holds, and what is seen.
    pub fn finding(&self, outcomes: &[Outcome]) -> Finding {
        (self.judge)(&self.shown(outcomes))
    }

    /// Those of its runs that the picture shows, which alone are judged: others of the same experiment belong to other figures.
    fn shown(&self, outcomes: &[Outcome]) -> Vec<Outcome> {
        outcomes.iter().filter(|run| (self.shown)(&(*run).into())).cloned().collect()
    }

    /// `a network … on the Iris data; 3 runs of 400 steps, 3 seeds`, of the runs that are shown; `None` without runs.
    fn sizes(&self, outcomes: &[Outcome]) -> Option<String> {
        let outcomes = &self.shown(outcomes);
        let count = |n: usize, what: &str| match n {
            1 => format!("one {what}"),
            n => format!("{n} {what}s"),
        };
        // Flows that are followed may go further than training does.
        let steps = |outcome: &Outcome| {
            let follow = outcome.config.follow.as_ref();
            let followed = follow.and_then(|f| Some(f.from.iter().max()? + f.steps)).unwrap_or(0);
            outcome.config.steps.max(followed)
        };
        let steps = outcomes.iter().map(steps).max()?;
        let seeds: BTreeSet<u64> = outcomes.iter().map(|other| other.config.seed).collect();
        Some(format!(
            "{}; {} of {}, {}{}{}",
            self.setting(outcomes),
            count(outcomes.len(), "run"),
            count(steps, "step"),
            count(seeds.len(), "seed"),
            diverging(outcomes),
            steps_in_words(outcomes)
        ))
    }

    /// Networks and data of the runs, and those of the paper where these stand in for them.
    fn setting(&self, outcomes: &[Outcome]) -> String {
        let here = networks(outcomes.iter().map(|outcome| &outcome.config));
        let paper = if IMAGENET.contains(&self.id) {
            "ResNet-50 on Imagenet, which is not available here".into()
        } else {
            networks(&self.runs(Scale::Paper, &[]).unwrap_or_default())
        };
        if paper == here || paper.is_empty() {
            here
        } else {
            format!("{here}, in the paper {paper}")
        }
    }

    /// What it shows, in words.
    pub fn caption(&self, outcomes: &[Outcome]) -> Caption {
        self.caption_of(outcomes, &self.untitled(outcomes))
    }

    fn caption_of(&self, outcomes: &[Outcome], picture: &Figure) -> Caption {
        let setting = self.sizes(outcomes).unwrap_or_default();
        let arrows = if picture.panels.iter().any(Panel::has_exits) { ARROWS } else { "" };
        let shows = format!("{}{arrows}", self.shows);
        Caption::new(self.id, &shows, self.claim, self.finding(outcomes), setting)
    }

    /// Its picture in the arrangement of the paper, without panels if nothing that it shows was measured.
    pub fn picture(&self, outcomes: &[Outcome]) -> Figure {
        let figure = self.untitled(outcomes);
        Figure { title: self.caption_of(outcomes, &figure).title(), ..figure }
    }

    fn untitled(&self, outcomes: &[Outcome]) -> Figure {
        let mut figure = (self.picture)(outcomes);
        // Lines to compare with are nothing by themselves.
        let seen = |series: &Series| {
            let finite = |point: &(f64, f64)| point.0.is_finite() && point.1.is_finite();
            series.style.color != Color::SOFT && series.points.iter().any(finite)
        };
        figure.panels.retain(|panel| panel.series.iter().any(seen));
        for panel in &mut figure.panels {
            let labels = panel.series.iter_mut().map(|series| &mut series.label);
            let around = panel.bands.iter_mut().map(|band| &mut band.around);
            for text in labels.chain(around).chain([&mut panel.title]) {
                let said = std::mem::take(text);
                *text = outcomes.iter().fold(said, |text, run| in_full(&run.config, text));
            }
        }
        figure
    }
}

/// What is added where an arrow is drawn.
const ARROWS: &str = "; an arrow at the edge of a panel is where a line first leaves it";

/// `; runs that diverge: 3 of 12; runs that fail: 4 of 12`, where there are any.
fn diverging(outcomes: &[Outcome]) -> String {
    let count = |what: &str, holds: &dyn Fn(&Outcome) -> bool| match outcomes
        .iter()
        .filter(|run| holds(run))
        .count()
    {
        0 => String::new(),
        some => format!("; runs that {what}: {some} of {}", outcomes.len()),
    };
    count("diverge", &|run| Measured::from(run).runs_away()) + &count("fail", &numbers::fails)
}

/// `; h = 0.1, 0.2; momentum 0.9; batches of 25; measured every 2 steps`: learning rates that are fixed, momentum, batches, and
/// how often is measured, each where it says something.
fn steps_in_words(outcomes: &[Outcome]) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut rates: Vec<String> = Vec::new();
    let (mut batches, mut momenta): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for Outcome { config, .. } in outcomes {
        if let Some(schedule) = config.rule.schedule() {
            let changes =
                schedule.changes.iter().map(|(step, h)| format!(", {h} from step {step} on"));
            let text = format!("{}{}", schedule.first, changes.collect::<String>());
            if !rates.contains(&text) {
                rates.push(text);
            }
        }
        let batch = config.batch.map(|batch| in_full(config, format!("batches of {batch}")));
        let batch = batch.unwrap_or_else(|| "full batches".into());
        if !batches.contains(&batch) {
            batches.push(batch);
        }
        momenta.extend(momentum(config).filter(|m| *m > 0.0).map(|m| format!("momentum {m}")));
    }
    momenta.dedup();
    if !rates.is_empty() {
        parts.push(format!("; h = {}", rates.join(", ")));
    }
    for said in [momenta, batches].iter().filter(|said| !said.is_empty()) {
        parts.push(format!("; {}", said.join(", ")));
    }
    let every: BTreeSet<usize> = outcomes.iter().map(|outcome| outcome.config.every).collect();
    match every.first() {
        Some(every_step) if every.len() == 1 && *every_step > 1 => {
            parts.push(format!("; measured every {every_step} steps"));
        }
        _ => {}
    }
    parts.concat()
}

/// The momentum of a rule that has one.
fn momentum(config: &Config) -> Option<f64> {
    match &config.rule {
        Rule::Dal(iteration) => match iteration.of() {
            Adjusted::HeavyBall { momentum } => Some(momentum),
            _ => None,
        },
        _ => config.optimizer.as_ref()?.values.get("m")?.to_f64(),
    }
}

/// Figures for which the paper trains on Imagenet alone.
const IMAGENET: [&str; 7] = ["fig23", "fig28", "fig29", "fig41", "fig42", "fig46", "fig48"];

/// `VGG-16 on CIFAR-10 and ResNet-18 on CIFAR-10`: what is trained on what.
fn networks<'a>(configs: impl IntoIterator<Item = &'a Config>) -> String {
    let mut all: Vec<String> = Vec::new();
    for config in configs {
        let network = network_in_words(config.network_name());
        let text = format!(
            "{network} on {}",
            data_in_words(config.data.as_deref().unwrap_or("its own data"))
        );
        if !all.contains(&text) {
            all.push(text);
        }
    }
    all.join(" and ")
}
