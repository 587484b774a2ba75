//! All keys of a description, each with what it is for: what is read, listed in help and completed by shells.

use super::metric::Metric;
use super::rule;
use bea_flow::flow::FlowName;
use bea_network::architecture::Criterion;
use bea_network::initialise::Scheme;
use bea_series::optimizer;

/// A key of a description.
#[derive(Clone, Copy)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// A value of it in TOML.
    pub value: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// Texts that it takes, where they can be listed.
    pub choices: fn() -> Vec<String>,
}

/// A table of a description.
pub struct Section {
    /// Its name; empty for the keys that are in no table.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
    /// Whether there may be several of it.
    pub is_list: bool,
}

impl Section {
    /// `[train]`, `[[variant]]`; empty for the keys that are in no table.
    pub fn header(&self) -> String {
        match (self.name, self.is_list) {
            ("", _) => String::new(),
            (name, false) => format!("[{name}]"),
            (name, true) => format!("[[{name}]]"),
        }
    }
}

const fn key(name: &'static str, value: &'static str, about: &'static str) -> Key {
    Key { name, value, about, choices: Vec::new }
}

impl Key {
    const fn with(self, choices: fn() -> Vec<String>) -> Key {
        Key { choices, ..self }
    }
}

const TOP: [Key; 11] = [
    key(
        "network",
        "\"mlp:100,100,elu\"",
        "a name, a file or an operator graph beside the description, or a table with [[network.layer]]",
    ),
    key("data", "\"iris\"", "the examples to train on; see bea data --help"),
    key("test", "\"iris\"", "the examples of test_loss and test_accuracy"),
    key(
        "loss",
        "\"cross_entropy\"",
        "or \"mean_squared_error\" [default: for classes, and for values], \"huber\", …: see docs/networks.md",
    )
    .with(|| strings(Criterion::NAMES)),
    key("label_smoothing", "0.1", "of the cross entropy [default: 0]"),
    key("l2", "1e-4", "λ of the penalty λ/2 θᵀθ in the loss [default: 0]"),
    key("dtype", "\"f64\"", "the numbers to calculate with, or \"f32\"")
        .with(|| strings(["f32", "f64"])),
    key("seed", "0", "of the parameters and of the order of mini-batches [default: 0]"),
    key(
        "init",
        "\"pytorch\"",
        "how parameters are drawn: also \"glorot_uniform\", \"he_normal\", …",
    )
    .with(|| strings(Scheme::names())),
    key("device", "\"cpu\"", "where to calculate: also \"cuda:0\", … in a build with that feature"),
    key("name", "\"trial\"", "of the folder of results [default: that of the file]"),
];

const TRAIN: [Key; 17] = [
    key("method", "\"gd\"", "one of the methods below, or instead").with(methods),
    key("optimizer", "\"nesterov\"", "a name from bea optimizers, or a .bea file, with")
        .with(|| strings(optimizer::names().iter().copied())),
    key("set", "{ m = 0.9 }", "values of its parameters: --set train.set.m=9/10"),
    key("lr", "0.1", "the learning rate: a number, or a fraction \"1/10\""),
    key("lr_changes", "[[300, 0.01]]", "other learning rates from these steps on"),
    key("steps", "500", "how many; --resume with more steps goes on with a run that has ended"),
    key("batch", "512", "examples of a mini-batch [default: all]"),
    key("buffers", "\"settled\"", "start on the slow manifold [default: \"written\", mostly 0]")
        .with(|| strings(["written", "settled"])),
    key("momentum", "0.9", "of heavy_ball, nesterov [default: 0.9] and dal [default: 0]"),
    key("beta1", "0.9", "of adam [default: 0.9]"),
    key("beta2", "0.999", "of adam [default: 0.999]"),
    key("epsilon", "1e-8", "of adam [default: 1e-8]"),
    key("p", "1.0", "the power of dal [default: 1]"),
    key("cap", "5.0", "the largest learning rate of dal [default: 5] and corridor [default: none]"),
    key("least", "0.0", "the least value of the loss, for corridor [default: 0]"),
    key(
        "difference",
        "0.01",
        "dal takes a difference quotient for the product with the Hessian; \"previous\": that of the last step",
    ),
    key("weights", "\"start.safetensors\"", "parameters to start from, instead of init"),
];

const MEASURE: [Key; 2] = [
    key("metrics", "[\"loss\", \"lambda:2\"]", "what is measured, in this order [default: loss]")
        .with(|| Metric::names().iter().map(|name| completed(name)).collect()),
    key("every", "1", "measure every so many steps [default: 1]"),
];

const FOLLOW: [Key; 4] = [
    key("from", "[0, 100]", "the iterates that flows start from [default: 0]"),
    key("steps", "5", "for how many steps"),
    key("flows", "[\"ngf\", \"igr\", \"pf\"]", "which flows")
        .with(|| FlowName::names().into_iter().map(completed).collect()),
    key("sharpness", "true", "the largest eigenvalue along them, too [default: false]")
        .with(|| strings(["true", "false"])),
];

const FLOWS: [Key; 5] = [
    key("rtol", "1e-8", "the integrator's relative tolerance"),
    key("atol", "1e-10", "its absolute tolerance"),
    key("euler", "5e-5", "fixed Euler steps of this size in time instead"),
    key("directions", "4", "how many directions cubic, central and rod have at most"),
    key("from", "\"start\"", "not from the effective start, beside buffers that start at 0")
        .with(|| strings(["effective_start", "start"])),
];

/// The tables that a run reads, in the order in which they are listed.
pub const SECTIONS: [Section; 5] = [
    Section { name: "", about: "", keys: &TOP, is_list: false },
    Section { name: "train", about: "how it is trained", keys: &TRAIN, is_list: false },
    Section { name: "measure", about: "what is measured", keys: &MEASURE, is_list: false },
    Section {
        name: "follow",
        about: "flows from some iterates on, beside the optimizer",
        keys: &FOLLOW,
        is_list: false,
    },
    Section { name: "flows", about: "how flows are integrated", keys: &FLOWS, is_list: false },
];

/// The tables that make several runs of a description, or another one.
pub const LAYERS: [Section; 4] = [
    Section {
        name: "grid",
        about: "keys with arrays of values, for bea sweep: train.lr = [0.1, 0.2]",
        keys: &[],
        is_list: false,
    },
    Section {
        name: "variant",
        about: "keys of one of several runs, for bea sweep, with a label and perhaps a grid of its own",
        keys: &[],
        is_list: true,
    },
    Section {
        name: "medium",
        about: "what --scale medium changes; may hold variant and grid",
        keys: &[],
        is_list: false,
    },
    Section { name: "paper", about: "the same of --scale paper", keys: &[], is_list: false },
];

/// The names of the keys in a table; with those of the tables themselves where there is no table around them.
pub(super) fn names(section: &str) -> Vec<&'static str> {
    let own = SECTIONS.iter().filter(|known| known.name == section).flat_map(|known| known.keys);
    let tables = SECTIONS.iter().map(|known| known.name);
    let tables = tables.filter(|name| section.is_empty() && !name.is_empty());
    own.map(|key| key.name).chain(tables).collect()
}

/// `KEY=` for every key, and `KEY=VALUE` for those whose values can be listed.
pub fn settings() -> Vec<String> {
    let mut settings = Vec::new();
    for section in &SECTIONS {
        for key in section.keys {
            let path =
                if section.name.is_empty() { "".into() } else { format!("{}.", section.name) };
            let values = (key.choices)();
            let open = if values.is_empty() { vec![String::new()] } else { values };
            settings.extend(open.into_iter().map(|value| format!("{path}{}={value}", key.name)));
        }
    }
    settings
}

fn methods() -> Vec<String> {
    strings(rule::methods().into_iter().map(|method| method.name))
}

fn strings<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    texts.into_iter().map(String::from).collect()
}

/// A name with a number or a flow where one belongs.
fn completed(name: &str) -> String {
    name.replace(":n", ":3").replace(":k", ":1").replace(":FLOW", ":pf")
}

#[cfg(test)]
mod tests {
    use super::super::{Experiment, Scale};
    use super::*;
    use bea_series::text::source::Source;
    use std::collections::BTreeMap;

    /// What stands in the list is read, and an example value is one.
    #[test]
    fn every_key_takes_its_example() {
        for section in &SECTIONS {
            for key in section.keys {
                let mut tables: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
                let of = |name: &str| rule::methods().into_iter().find(|m| m.keys.contains(&name));
                let method = match (section.name, key.name) {
                    ("train", "optimizer" | "set" | "buffers") => None,
                    ("train", name) => Some(of(name).map_or("gd", |method| method.name)),
                    _ => Some("gd"),
                };
                let quoted = method.map(|method| format!("\"{method}\""));
                tables.insert("", [("network", "\"mlp:3\""), ("data", "\"iris\"")].into());
                let mut train = BTreeMap::from([("steps", "200")]);
                match &quoted {
                    Some(method) => train.insert("method", method),
                    None => {
                        train.insert("set", "{ m = 0.9 }");
                        train.insert("optimizer", "\"heavy_ball\"")
                    }
                };
                let keys =
                    |name: &str| rule::methods().into_iter().find(|m| m.name == name).unwrap().keys;
                if method.is_none_or(|method| keys(method).contains(&"lr")) {
                    train.insert("lr", "0.1");
                }
                tables.insert("train", train);
                if section.name == "follow" {
                    tables.insert("follow", [("flows", "[\"pf\"]"), ("steps", "2")].into());
                }
                tables.entry(section.name).or_default().insert(key.name, key.value);
                let mut text = String::new();
                for (name, keys) in &tables {
                    if !name.is_empty() {
                        text.push_str(&format!("[{name}]\n"));
                    }
                    keys.iter()
                        .for_each(|(key, value)| text.push_str(&format!("{key} = {value}\n")));
                }
                let source = Source::new("test.toml", text.as_str());
                let run = Experiment::parse(source, Scale::Small, &[]).unwrap().run();
                assert!(run.is_ok(), "{text}: {}", run.unwrap_err());
            }
        }
    }

    #[test]
    fn all_keys_of_methods_are_listed() {
        let listed = names("train");
        for method in rule::methods() {
            assert!(method.keys.iter().all(|key| listed.contains(key)), "{}", method.name);
        }
        assert!(rule::COMMON.iter().all(|key| listed.contains(key)));
        let known = |name: &&&str| {
            rule::COMMON.contains(*name)
                || **name == "optimizer"
                || rule::methods().iter().any(|method| method.keys.contains(*name))
                || ["set", "buffers"].contains(&**name)
        };
        assert_eq!(listed.iter().filter(known).count(), listed.len());
    }

    #[test]
    fn settings_are_listed_with_their_values() {
        let settings = settings();
        for expected in [
            "seed=",
            "train.lr=",
            "train.method=dal",
            "train.optimizer=heavy_ball",
            "measure.metrics=error:pf",
            "follow.flows=order:3",
            "flows.from=effective_start",
            "train.buffers=settled",
            "dtype=f64",
            "init=he_normal",
        ] {
            assert!(settings.iter().any(|text| text == expected), "{expected}");
        }
    }
}
