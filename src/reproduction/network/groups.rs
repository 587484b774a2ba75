//! Groups of runs that differ in the seed alone.

use super::numbers::{
    Part, at_most, below, column, diverged, fails, increases, last, mean, median, number,
    number_of_times, range, spread, spread_of_counts,
};
use crate::experiment::config::Config;
use crate::experiment::plots::setting_in_words;
use crate::experiment::{Measured, Outcome};
use bea_network::training::{Dal, Product, Rule};

/// One group of seeds; lists have an entry for each seed.
pub(super) struct Group {
    /// What distinguishes its runs from others, in words, without the seed.
    pub label: String,
    network: String,
    /// The power of DAL; `None` with a fixed rate.
    pub power: Option<f64>,
    /// The fixed rate; `None` with DAL.
    fixed: Option<f64>,
    /// DAL with a difference of gradients.
    pub by_difference: bool,
    /// Examples per step.
    pub batch: Option<usize>,
    /// Whether these are all examples.
    pub full: bool,
    /// The final loss, infinite where a run diverges.
    pub losses: Vec<f64>,
    /// How often the loss increases from one measurement to the next; infinite where a run diverges.
    pub increases: Vec<f64>,
    /// The accuracy on the test data at the end, zero where a run diverges.
    pub accuracies: Vec<f64>,
    /// The mean learning rate of the steps before the loss exceeds [`FAR`] times that at the start.
    pub rates: Vec<f64>,
    /// Which runs fail.
    pub fails: Vec<bool>,
    /// How many runs diverge, as pictures count them.
    pub away: usize,
}

/// A loss of so many times that at the start is that of a run that diverges.
pub(super) const FAR: f64 = 10.0;

/// The median of the seeds, infinite where one is.
fn typical(values: &[f64]) -> f64 {
    if values.contains(&f64::INFINITY) { f64::INFINITY } else { median(values.iter().copied()) }
}

impl Group {
    pub fn is_dal(&self) -> bool {
        self.power.is_some()
    }

    pub fn loss(&self) -> f64 {
        typical(&self.losses)
    }

    pub fn rises(&self) -> f64 {
        typical(&self.increases)
    }

    pub fn accuracy(&self) -> f64 {
        median(self.accuracies.iter().copied())
    }

    pub fn rate(&self) -> f64 {
        typical(&self.rates)
    }

    /// How many of its seeds fail.
    pub fn failed(&self) -> usize {
        self.fails.iter().filter(|fails| **fails).count()
    }

    /// Whether most of its seeds fail.
    pub fn mostly_fails(&self) -> bool {
        2 * self.failed() > self.losses.len()
    }

    /// `1 of 3 seeds`, `the only seed`: how many fail.
    pub fn failing(&self) -> String {
        match (self.failed(), self.losses.len()) {
            (1, 1) => "the only seed".into(),
            (failed, all) => format!("{failed} of {all} seeds"),
        }
    }
}

/// DAL's parameters; `None` for other rules.
pub(super) fn dal(config: &Config) -> Option<&Dal> {
    match &config.rule {
        Rule::Dal(iteration) => Some(iteration.dal()),
        Rule::DalPerLayer(dal) => Some(dal),
        _ => None,
    }
}

/// Groups of runs by their label without the seed, in the order of their first run.
pub(super) fn summarise(outcomes: &[Outcome]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for outcome in outcomes {
        let config = &outcome.config;
        let parts = config.label.split(", ").filter(|part| !part.starts_with("seed="));
        let label = parts.map(in_words).collect::<Vec<_>>().join(", ");
        let label = in_full(config, label);
        let at = groups.iter().position(|group| group.label == label).unwrap_or_else(|| {
            groups.push(Group {
                label,
                network: config.network_name().into(),
                power: dal(config).map(|dal| dal.power),
                fixed: config.rule.schedule().map(|schedule| schedule.first),
                by_difference: dal(config)
                    .is_some_and(|dal| matches!(dal.product, Product::Difference(_))),
                batch: config.batch,
                full: is_full(config),
                losses: Vec::new(),
                increases: Vec::new(),
                accuracies: Vec::new(),
                rates: Vec::new(),
                fails: Vec::new(),
                away: 0,
            });
            groups.len() - 1
        });
        let (group, failed) = (&mut groups[at], diverged(outcome));
        let tested = outcome.metrics.columns.iter().any(|name| name == "test_accuracy");
        group.losses.push(last(outcome, "loss"));
        group.increases.push(if failed {
            f64::INFINITY
        } else {
            increases(&column(outcome, "loss"))
        });
        group.accuracies.push(match (tested, failed) {
            (true, true) => 0.0,
            _ => last(outcome, "test_accuracy"),
        });
        group.rates.push(mean(rates_before_divergence(outcome)));
        group.fails.push(fails(outcome));
        group.away += usize::from(Measured::from(outcome).runs_away());
    }
    groups
}

/// The learning rates of the steps before the loss exceeds [`FAR`] times that at the start.
fn rates_before_divergence(outcome: &Outcome) -> Vec<f64> {
    let losses = column(outcome, "loss");
    let most = losses.first().map_or(f64::NAN, |first| FAR * first.abs());
    let near = losses.iter().take_while(|loss| **loss <= most).count();
    column(outcome, "learning_rate").into_iter().take(near).collect()
}

/// The text with `full batches (125)` for `batches of 125` where these are all examples.
pub(super) fn in_full(config: &Config, text: String) -> String {
    match config.batch.filter(|_| is_full(config)) {
        Some(batch) => {
            text.replace(&format!("batches of {batch}"), &format!("full batches ({batch})"))
        }
        None => text,
    }
}

/// `h = 0.1` of the part `lr=0.1` of a label.
pub(super) fn in_words(part: &str) -> String {
    part.split_once('=').map_or_else(|| part.into(), |(key, value)| setting_in_words(key, value))
}

/// Whether every step takes all examples.
pub(super) fn is_full(config: &Config) -> bool {
    let Some(batch) = config.batch else { return true };
    config.data.as_deref().and_then(examples).is_some_and(|all| batch >= all)
}

/// How many examples there are to train on, as far as the name of the data tells.
fn examples(data: &str) -> Option<usize> {
    let first = data.split(',').find_map(|option| option.strip_prefix("first="));
    let name = data.split([':', ',']).next();
    match (first, name) {
        (Some(first), _) => first.parse().ok(),
        (None, Some("cifar10")) => Some(50_000),
        (None, Some("mnist" | "fashion_mnist")) => Some(60_000),
        _ => None,
    }
}

/// The end of every group's runs.
pub(super) fn list(groups: &[Group]) -> String {
    let text = |group: &Group| {
        let diverging = group.losses.iter().filter(|loss| loss.is_infinite()).count();
        if diverging > 0 {
            return format!(
                "{}: diverges with {} of {} seeds",
                group.label,
                group.away,
                group.losses.len()
            );
        }
        let accuracy = if group.accuracies.iter().all(|a| a.is_finite()) {
            format!(", test accuracy {}", spread(&group.accuracies))
        } else {
            String::new()
        };
        let failed = match (group.failed(), group.losses.len()) {
            (0, _) => String::new(),
            (_, 1) => " (fails)".into(),
            _ => format!(" ({} fail)", group.failing()),
        };
        format!(
            "{}: loss {}, increases {}{accuracy}{failed}",
            group.label,
            spread(&group.losses),
            spread_of_counts(&group.increases)
        )
    };
    let texts: Vec<String> = groups.iter().map(text).collect();
    format!("at the end{}: {}", of_seeds(groups), texts.join("; "))
}

/// `, median (smallest to largest) of 3 seeds`; nothing for one seed.
pub(super) fn of_seeds(groups: &[Group]) -> String {
    seeds(groups)
        .map_or_else(String::new, |n| format!(", median (smallest to largest) of {n} seeds"))
}

/// `, medians of 3 seeds`; nothing for one seed.
pub(super) fn medians(groups: &[Group]) -> String {
    seeds(groups).map_or_else(String::new, |n| format!(", medians of {n} seeds"))
}

/// How many seeds the groups have; `None` for one.
fn seeds(groups: &[Group]) -> Option<String> {
    match range(groups.iter().map(|group| group.losses.len() as f64)) {
        (_, 1.0) => None,
        (least, most) if least == most => Some(most.to_string()),
        (least, most) => Some(format!("{least} to {most}")),
    }
}

/// That rounding decides which seeds of a group train; empty where all seeds end alike.
pub(super) fn by_rounding(group: Option<&Group>) -> String {
    let some = |group: &&Group| group.full && (1..group.losses.len()).contains(&group.failed());
    let why = group.filter(some).map(|group| {
        format!(
            "; {} of {} fail: summing the examples in another order makes other seeds fail",
            group.failing(),
            group.label
        )
    });
    why.unwrap_or_default()
}

/// The end of one group: `a loss of 0.324 after 85 increases`.
pub(super) fn end(group: &Group) -> String {
    let (loss, rises) = (group.loss(), group.rises());
    if loss == f64::INFINITY {
        return "an infinite loss".into();
    }
    format!("a loss of {} after {} increases", number(loss), number_of_times(rises))
}

/// The fixed rate with the lowest final loss.
pub(super) fn winner<'a>(fixed: &[&'a Group]) -> Option<&'a Group> {
    let least = best(fixed);
    fixed.iter().find(|group| group.loss() == least).copied()
}

/// That the best fixed rate is the largest that was tried, so that a larger one might be better; empty where it is not.
pub(super) fn at_the_end_of_the_sweep(fixed: &[&Group]) -> String {
    let best = winner(fixed).and_then(|group| group.fixed);
    let (_, most) = range(fixed.iter().filter_map(|group| group.fixed));
    match best {
        Some(best) if best == most && fixed.len() > 1 => {
            format!("the best fixed rate, {best}, is the largest that was tried; ")
        }
        _ => String::new(),
    }
}

/// Groups with DAL, and those with fixed rates.
pub(super) fn sides<'a>(
    groups: impl IntoIterator<Item = &'a Group>,
) -> (Vec<&'a Group>, Vec<&'a Group>) {
    groups.into_iter().partition(|group| group.is_dal())
}

/// The groups of each network; groups of different networks are not compared.
pub(super) fn networks(groups: &[Group]) -> Vec<Vec<&Group>> {
    let mut networks: Vec<Vec<&Group>> = Vec::new();
    for group in groups {
        match networks.iter_mut().find(|known| known[0].network == group.network) {
            Some(known) => known.push(group),
            None => networks.push(vec![group]),
        }
    }
    networks
}

/// The lowest final loss.
pub(super) fn best(groups: &[&Group]) -> f64 {
    range(groups.iter().map(|group| group.loss())).0
}

/// Whether a quantity is smaller with every larger power, for each power and the next larger one: with every seed of the one
/// than with any of the other, since chance may decide between seeds that overlap.
pub(super) fn steps_down(groups: &[&Group], quantity: impl Fn(&Group) -> &[f64]) -> Vec<Part> {
    let pair = |[a, b]: [&Group; 2]| apart(quantity(b), quantity(a));
    by_power(groups).windows(2).map(|pair_of| pair([pair_of[0], pair_of[1]])).collect()
}

/// Groups with small powers first.
pub(super) fn by_power<'a>(groups: &[&'a Group]) -> Vec<&'a Group> {
    let mut sorted = groups.to_vec();
    let power = |group: &Group| group.power.unwrap_or(f64::NAN);
    sorted.sort_by(|a, b| power(a).total_cmp(&power(b)));
    sorted
}

/// Whether every one of some values is below all of others.
pub(super) fn apart(below_these: &[f64], above: &[f64]) -> Part {
    below(range(below_these.iter().copied()).1, range(above.iter().copied()).0)
}

/// Whether a quantity is not larger in one group than in another: its median, and with every seed of the one than with any of
/// the other. Where only the medians differ, chance may decide.
pub(super) fn no_larger(
    a: &Group,
    b: &Group,
    median: impl Fn(&Group) -> f64,
    seeds: impl Fn(&Group) -> &[f64],
) -> [Part; 2] {
    let most = range(seeds(a).iter().copied()).1;
    [at_most(median(a), median(b)), at_most(most, range(seeds(b).iter().copied()).0)]
}

/// Groups of each batch size, small ones first.
pub(super) fn batches(groups: &[Group]) -> Vec<Vec<&Group>> {
    let size = |group: &Group| if group.full { usize::MAX } else { group.batch.unwrap_or(0) };
    let mut sizes: Vec<usize> = groups.iter().map(size).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes.iter().map(|at| groups.iter().filter(|group| size(group) == *at).collect()).collect()
}
