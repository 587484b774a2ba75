//! The runs of a figure, in panels.

use super::super::groups::{dal, is_full};
use super::super::numbers::{column, rate};
use crate::experiment::plots::{Facet, Groups, Quantity, Seeds, share};
use crate::experiment::{Config, Measured, Outcome};
use bea_plot::{Band, Color, Figure, Panel};

/// Ranges that are set off: a tint, which no line of the grid has.
pub(super) const SET_OFF: Color = Color(230, 159, 0);

/// The runs that a figure shows.
pub(super) struct Sheet<'a> {
    groups: Groups<'a>,
    seeds: Seeds,
}

/// A run, as figures choose among them.
pub struct Chosen<'a>(&'a Outcome);

impl<'a> From<&'a Outcome> for Chosen<'a> {
    fn from(outcome: &'a Outcome) -> Chosen<'a> {
        Chosen(outcome)
    }
}

impl Chosen<'_> {
    /// The power of DAL; `None` with a fixed rate.
    pub fn power(&self) -> Option<f64> {
        dal(&self.0.config).map(|dal| dal.power)
    }

    /// Whether every step takes all examples.
    pub fn is_full(&self) -> bool {
        is_full(&self.0.config)
    }

    pub fn rate(&self) -> f64 {
        rate(self.0)
    }

    pub fn starts_at(&self, start: usize) -> bool {
        self.0.config.follow.as_ref().is_some_and(|follow| follow.from.contains(&start))
    }
}

impl<'a> Sheet<'a> {
    pub fn of(outcomes: &'a [Outcome]) -> Sheet<'a> {
        Sheet::only(outcomes, |_| true)
    }

    pub fn only(outcomes: &'a [Outcome], keep: impl Fn(&Chosen) -> bool) -> Sheet<'a> {
        let runs: Vec<Measured> = outcomes.iter().map(Measured::from).collect();
        let kept: Vec<&Config> = outcomes
            .iter()
            .filter(|outcome| keep(&Chosen(outcome)))
            .map(|outcome| &outcome.config)
            .collect();
        let mut groups = Groups::of(&runs);
        groups.retain(|run| kept.iter().any(|config| std::ptr::eq(*config, run.config)));
        Sheet { groups, seeds: Seeds::default() }
    }

    /// With a line for every seed.
    pub fn every_seed(self) -> Sheet<'a> {
        Sheet { seeds: Seeds::All, ..self }
    }

    /// Quantities side by side; a row for each network where there are several.
    pub fn figure(&self, quantities: &[Quantity]) -> Figure {
        let facets = self.groups.networks();
        let columns = quantities.len();
        let rows = facets.iter().flat_map(|facet| {
            quantities.iter().filter_map(|quantity| quantity.panel(&self.groups, facet, self.seeds))
        });
        let mut panels: Vec<Panel> = rows.collect();
        if let Some((first, rest)) = panels.split_first_mut() {
            rest.iter_mut().for_each(|panel| forget(&mut panel.note, &first.note));
        }
        Figure { panels, columns, ..Figure::default() }
    }

    /// A row for each quantity, with a panel for each value of a key of the grid.
    pub fn by(&self, key: &str, quantities: &[Quantity]) -> Figure {
        let facets: Vec<Facet> = self.groups.by(key);
        let mut panels = Vec::new();
        for quantity in quantities {
            let row = facets.iter().map(|facet| quantity.panel(&self.groups, facet, self.seeds));
            let mut row: Vec<Panel> = row.flatten().collect();
            share(&mut row);
            // The first row says what is the same in all.
            if panels.len() >= row.len() {
                for (panel, above) in row.iter_mut().zip(&panels) {
                    let above: &Panel = above;
                    forget(&mut panel.title, &above.title);
                    forget(&mut panel.note, &above.note);
                }
            }
            panels.extend(row);
        }
        Figure { panels, columns: facets.len().max(1), ..Figure::default() }
    }
}

/// What has been said is not said again.
fn forget(text: &mut String, said: &str) {
    if text == said {
        text.clear();
    }
}

/// Sets off the steps of a single run for which something holds, in all panels against the step.
pub(super) fn highlighted(
    mut figure: Figure,
    outcomes: &[Outcome],
    label: &str,
    holds: impl Fn(&Outcome) -> Vec<bool>,
) -> Figure {
    let [outcome] = outcomes else { return figure };
    let steps = column(outcome, "step");
    let last = steps.last().copied().unwrap_or(0.0);
    let holds = holds(outcome);
    // Nothing is known of the steps between those that were measured.
    let end = |from: f64, next: f64| if outcome.config.every > 1 { from + 1.0 } else { next };
    let mut bands: Vec<Band> = Vec::new();
    let (mut from, mut at) = (None, 0.0);
    for (i, step) in steps.iter().enumerate() {
        at = *step;
        match (holds.get(i).copied().unwrap_or(false), from) {
            (true, None) => from = Some(*step),
            (holding, Some(begun)) if !holding || outcome.config.every > 1 => {
                bands.push(Band::range((begun, end(begun, *step)), SET_OFF));
                from = holding.then_some(*step);
            }
            _ => {}
        }
    }
    bands.extend(from.map(|begun| Band::range((begun, end(begun, at.max(last))), SET_OFF)));
    if let Some(first) = bands.first_mut() {
        first.label = label.into();
    }
    for panel in figure.panels.iter_mut().filter(|panel| panel.x.label == "step") {
        panel.bands.extend(bands.clone());
    }
    figure
}
