//! Runs that differ in their seed alone, and how they are told apart from others: one colour a rule, one shade a rate.

use super::super::measured::Measured;
use super::words;
use bea_plot::{Color, Dash, Style};
use std::collections::BTreeSet;

/// Runs that differ in their seed alone.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// The word of their labels that stands for their network, where there are several.
    pub network: String,
    /// The other words of their labels: the variant.
    pub rule: String,
    /// The keys of the grid and their values, without the seed.
    pub keys: Vec<(String, String)>,
    pub runs: Vec<Measured<'a>>,
}

/// All groups of a figure, in the order of their first runs.
#[derive(Clone, Debug)]
pub struct Groups<'a> {
    pub all: Vec<Group<'a>>,
    rules: Vec<String>,
}

impl<'a> Groups<'a> {
    pub fn of(runs: &[Measured<'a>]) -> Groups<'a> {
        let (mut all, mut rules): (Vec<Group>, Vec<String>) = (Vec::new(), Vec::new());
        let names = names_of_networks(runs);
        for run in runs {
            let (mut words, mut keys, mut network) = (Vec::new(), Vec::new(), "");
            for part in run.label.split(", ") {
                match part.split_once('=') {
                    Some(("seed", _)) => {}
                    Some((key, value)) => keys.push((key.to_string(), value.to_string())),
                    None if names.contains(&part) => network = part,
                    None => words.push(part),
                }
            }
            let rule = words.join(", ");
            let same = |group: &&mut Group| {
                group.rule == rule && group.keys == keys && group.network == network
            };
            match all.iter_mut().find(same) {
                Some(group) => group.runs.push(*run),
                None => all.push(Group {
                    network: network.into(),
                    rule: rule.clone(),
                    keys,
                    runs: vec![*run],
                }),
            }
            if !rules.contains(&rule) {
                rules.push(rule);
            }
        }
        Groups { all, rules }
    }

    /// Leaves out runs; the others look as they do among all.
    pub fn retain(&mut self, keep: impl Fn(&Measured) -> bool) {
        self.all.iter_mut().for_each(|group| group.runs.retain(&keep));
        self.all.retain(|group| !group.runs.is_empty());
    }

    /// What its line is called beside others, where the value of the key `apart` is said elsewhere.
    pub fn label(&self, group: &Group, apart: Option<&str>) -> String {
        let rule = Some(group.rule.clone())
            .filter(|rule| !rule.is_empty() && (self.rules.len() > 1 || group.keys.is_empty()));
        let keys = group.keys.iter().filter(|(key, _)| Some(key.as_str()) != apart);
        let keys = keys.map(|(key, value)| words::setting(key, value));
        rule.into_iter().chain(keys).collect::<Vec<_>>().join(", ")
    }

    /// The look of its line, where the value of the key `apart` makes no difference: a colour for its rule, a shade and a mark
    /// for its other keys.
    pub fn style(&self, group: &Group, apart: Option<&str>) -> Style {
        let hue = self.rules.iter().position(|rule| *rule == group.rule).unwrap_or(0);
        let shades = self.shades(&group.rule, apart);
        let shade = shades.iter().position(|known| *known == rest(group, apart)).unwrap_or(0);
        // Rules differ by widths and dashes, too, in print without colours.
        const LOOKS: [(Dash, f64); 4] =
            [(Dash::Solid, 1.3), (Dash::Solid, 2.2), (Dash::Dashed, 1.7), (Dash::DashDotted, 1.7)];
        let (dash, width) = LOOKS[hue % LOOKS.len()];
        let color = Color::of_shade(hue, shade, shades.len());
        // Shades of one hue differ by marks, those of different hues as well.
        let before = self.rules[..hue].iter().map(|rule| self.shades(rule, apart).len());
        let marked: usize = before.filter(|shades| *shades > 1).sum();
        let mark = Style::of_series(marked + shade).marker;
        Style { color, line: Some(dash), width, marker: mark.filter(|_| shades.len() > 1) }
    }

    /// The keys but `apart` of the groups of a rule.
    fn shades(&self, rule: &str, apart: Option<&str>) -> Vec<Vec<(String, String)>> {
        let mut shades = Vec::new();
        for other in self.all.iter().filter(|other| other.rule == rule) {
            let keys = rest(other, apart);
            if !shades.contains(&keys) {
                shades.push(keys);
            }
        }
        shades
    }

    /// The groups of each network.
    pub fn networks(&self) -> Vec<Facet<'_, 'a>> {
        let all: Vec<&Group> = self.all.iter().collect();
        let parts = split(&all, |group: &Group| Some(group.network.clone()));
        parts.into_iter().map(|(title, groups)| Facet { title, apart: None, groups }).collect()
    }

    /// The groups of each value of a key; all in one part where one has no value.
    pub fn by(&self, key: &str) -> Vec<Facet<'_, 'a>> {
        let all: Vec<&Group> = self.all.iter().collect();
        let parts = split(&all, |group: &Group| value(group, key));
        if parts.is_empty() {
            return self.networks();
        }
        let facet = |(value, groups): (String, Vec<_>)| Facet {
            title: words::setting(key, &value),
            apart: Some(key.to_string()),
            groups,
        };
        parts.into_iter().map(facet).collect()
    }

    /// Groups of panels beside one another, each with what its groups have in common and the key that this is the value
    /// of: all of them, or parts of no more than `most`. Of what is too many, groups that are evenly spaced, and how many
    /// there are.
    pub fn facets(&self, most: usize) -> Facets<'_, 'a> {
        let networks = self.networks();
        if networks.len() > 1 && networks.iter().all(|facet| facet.groups.len() <= most) {
            return Facets { parts: networks, left_out: 0 };
        }
        let all: Vec<&Group> = self.all.iter().collect();
        if all.len() <= most {
            return Facets {
                parts: vec![Facet { title: String::new(), apart: None, groups: all }],
                left_out: 0,
            };
        }
        let mut keys: Vec<&str> = Vec::new();
        for (key, _) in all.iter().flat_map(|group| &group.keys) {
            if !keys.contains(&key.as_str()) {
                keys.push(key);
            }
        }
        // What is best told apart by panels comes first.
        keys.sort_by_key(|key| match *key {
            "batch" => 0,
            "lr" | "p" => 2,
            _ => 1,
        });
        let by_key = |key: &&str| split(&all, |group: &Group| value(group, key));
        let mut ways: Vec<(Option<&str>, Parts)> =
            keys.iter().map(|key| (Some(*key), by_key(key))).collect();
        let rules = split(&all, |group: &Group| Some(group.rule.clone()));
        ways.insert(
            ways.iter().filter(|(key, _)| !matches!(key, Some("lr" | "p"))).count(),
            (None, rules),
        );
        let fits = |parts: &[(String, Vec<&Group>)]| {
            (2..=MOST_PARTS).contains(&parts.len())
                && parts.iter().all(|(_, part)| part.len() <= most)
        };
        let way = ways.into_iter().find(|(_, parts)| fits(parts));
        if let Some((apart, parts)) = way {
            let titled = |(value, groups): (String, Vec<_>)| {
                let title = apart.map_or(value.clone(), |key| words::setting(key, &value));
                Facet { title, apart: apart.map(String::from), groups }
            };
            return Facets { parts: parts.into_iter().map(titled).collect(), left_out: 0 };
        }
        // Evenly spaced ones, the first and the last among them, in parts of equal size.
        let room = (most * MOST_PARTS).min(all.len());
        let at = |i: usize| all[i * (all.len() - 1) / (room - 1).max(1)];
        let shown: Vec<&Group> = (0..room).map(at).collect();
        let size = room.div_ceil(room.div_ceil(most));
        let titled = |groups: &[&'_ Group]| match groups {
            [group] if most == 1 => self.label(group, None),
            _ => String::new(),
        };
        let parts = shown.chunks(size).map(|groups| Facet {
            title: titled(groups),
            apart: None,
            groups: groups.to_vec(),
        });
        Facets { parts: parts.collect(), left_out: all.len() - room }
    }

    /// `h = 0.1, 0.2 and 0.4; 3 seeds`: what varies.
    pub fn varied(&self) -> Vec<String> {
        let mut varied: Vec<(String, Vec<String>)> = Vec::new();
        for (key, value) in self.all.iter().flat_map(|group| &group.keys) {
            match varied.iter_mut().find(|(known, _)| known == key) {
                Some((_, values)) if values.contains(value) => {}
                Some((_, values)) => values.push(value.clone()),
                None => varied.push((key.clone(), vec![value.clone()])),
            }
        }
        let text = |(key, values): (String, Vec<String>)| match values.as_slice() {
            [first, .., last] if values.len() > 4 => {
                words::setting(&key, &format!("{first} … {last}"))
            }
            values => words::setting(&key, &values.join(", ")),
        };
        varied.into_iter().filter(|(_, values)| values.len() > 1).map(text).collect()
    }
}

/// The words of labels that stand for a network: all runs that have the word have the same network, and no other has it.
fn names_of_networks<'a>(runs: &[Measured<'a>]) -> Vec<&'a str> {
    let networks: BTreeSet<&str> = runs.iter().map(|run| run.config.network_name()).collect();
    if networks.len() < 2 {
        return Vec::new();
    }
    let words: BTreeSet<&str> = runs
        .iter()
        .flat_map(|run| run.label.split(", "))
        .filter(|word| !word.contains('='))
        .collect();
    let stands = |word: &&str| {
        let has = |run: &&Measured| run.label.split(", ").any(|part| part == *word);
        let own: BTreeSet<&str> =
            runs.iter().filter(has).map(|run| run.config.network_name()).collect();
        own.len() == 1
            && runs.iter().all(|run| has(&run) == own.contains(run.config.network_name()))
    };
    words.into_iter().filter(stands).collect()
}

/// At most so many panels beside one another.
const MOST_PARTS: usize = 4;

/// Groups that share a panel.
#[derive(Clone, Debug)]
pub struct Facet<'g, 'a> {
    /// What they have in common; may be empty.
    pub title: String,
    /// The key whose value that is.
    pub apart: Option<String>,
    pub groups: Vec<&'g Group<'a>>,
}

#[derive(Clone, Debug)]
pub struct Facets<'g, 'a> {
    pub parts: Vec<Facet<'g, 'a>>,
    /// Groups that are in none of them.
    pub left_out: usize,
}

/// All keys but one.
fn rest(group: &Group, apart: Option<&str>) -> Vec<(String, String)> {
    group.keys.iter().filter(|(key, _)| Some(key.as_str()) != apart).cloned().collect()
}

/// The value of a key.
fn value(group: &Group, key: &str) -> Option<String> {
    group.keys.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone())
}

/// Groups with the same value, and the value.
type Parts<'g, 'a> = Vec<(String, Vec<&'g Group<'a>>)>;

/// Parts of the groups with the same value; nothing if one has none.
fn split<'g, 'a>(all: &[&'g Group<'a>], value: impl Fn(&Group) -> Option<String>) -> Parts<'g, 'a> {
    let mut parts: Vec<(String, Vec<&Group>)> = Vec::new();
    for group in all {
        let Some(value) = value(group) else { return Vec::new() };
        match parts.iter_mut().find(|(known, _)| *known == value) {
            Some((_, part)) => part.push(group),
            None => parts.push((value, vec![group])),
        }
    }
    parts
}
