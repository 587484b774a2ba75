//! The principal part for several vector fields, whose Jacobians do not commute.
//!
//! On linear fields `f_c(θ) = J_c θ` the elementary differential of the chain with colours
//! `c_1 … c_n` (root first) is the product `J_{c_1} ⋯ J_{c_n} θ`, a word. One step of a method
//! without memory is a linear map `M = 1 + Σ_w a(w) h^{|w|} J_w`, and the chains of the modified
//! field are the words of its logarithm,
//!
//! ```text
//! b(w) = Σ_k (-1)^(k-1)/k Σ_{w = w_1 ⋯ w_k} a(w_1) ⋯ a(w_k).
//! ```
//!
//! Like [`ClosedForm`](super::ClosedForm) this looks at no tree.

use crate::exact::RationalFunction as Q;
use crate::series::{GeneralLinearMethod, ModifiedField};
use crate::tree::Tree;
use std::collections::BTreeMap;

/// A chain of colours, root first.
type Word = Vec<u8>;

/// The linear map `M` of one step and its logarithm, on words up to a length.
pub(crate) struct Words {
    step: BTreeMap<Word, Q>,
    log: BTreeMap<Word, Q>,
    length: usize,
    colors: u8,
}

impl Words {
    /// `None` for methods with memory, and for those that keep `h` as a parameter.
    pub(crate) fn new(method: &GeneralLinearMethod, length: usize) -> Option<Words> {
        let memoryless = method.states.len() == method.spaces.len();
        if !memoryless || method.step_parameter.is_some() {
            return None;
        }
        let colors = method.fields.len() as u8;
        let step = step_words(method, length);
        let log = logarithm(&step, length);
        Some(Words { step, log, length, colors })
    }

    /// The smallest chain whose derived `b` differs from the logarithm's: the chain and both values.
    pub(crate) fn first_difference(&self, field: &ModifiedField) -> Option<(Tree, Q, Q)> {
        words(self.colors, self.length.min(field.trees().max_nodes())).into_iter().find_map(
            |word| {
                let mut colors = word.iter().rev();
                let leaf = Tree::leaf(*colors.next()?);
                let chain = colors.fold(leaf, |tree, &c| Tree::new(c, vec![tree]));
                let derived = field.b(field.trees().find(&chain)?);
                let closed = self.log.get(&word).cloned().unwrap_or_else(Q::zero);
                (derived != closed).then_some((chain, derived, closed))
            },
        )
    }

    /// Whether `M = 1 + h Σ_c J_c`, one Euler step of all fields together.
    pub(crate) fn is_euler(&self) -> bool {
        self.step.len() == usize::from(self.colors)
            && self.step.iter().all(|(w, a)| w.len() == 1 && a.is_one())
    }

    /// `M` as a formula, or `None` if it is not a polynomial of the words known here.
    pub(crate) fn step_formula(&self, method: &GeneralLinearMethod) -> Option<String> {
        let longest = self.step.keys().map(Vec::len).max().unwrap_or(0);
        if longest >= self.length {
            return None;
        }
        let mut terms: Vec<(&Word, &Q)> = self.step.iter().collect();
        terms.sort_by_key(|(w, _)| w.len());
        let mut out = String::from("1");
        for (word, a) in terms {
            let value = a.display(&method.parameters);
            let (sign, size) = match value.strip_prefix('-') {
                Some(rest) => ('-', rest.to_string()),
                None => ('+', value),
            };
            let factor = if size == "1" { String::new() } else { format!("({size}) ") };
            let power = if word.len() == 1 { "h".into() } else { format!("h^{}", word.len()) };
            let names: Vec<_> =
                word.iter().map(|&c| format!("D{}", method.fields[usize::from(c)].name)).collect();
            out += &format!(" {sign} {factor}{power} {}", names.join(" "));
        }
        Some(out)
    }
}

/// All words with `1, …, length` letters, shortest first.
fn words(colors: u8, length: usize) -> Vec<Word> {
    let mut all = Vec::new();
    let mut last: Vec<Word> = vec![Vec::new()];
    for _ in 0..length {
        last = (0..colors)
            .flat_map(|c| last.iter().map(move |w| [vec![c], w.clone()].concat()))
            .collect();
        all.extend(last.iter().cloned());
    }
    all
}

/// `a(w)`, zero ones left out: the stages on a word from the stages on its tail.
fn step_words(method: &GeneralLinearMethod, length: usize) -> BTreeMap<Word, Q> {
    let mut stages: BTreeMap<Word, Vec<Q>> = BTreeMap::new();
    let mut step = BTreeMap::new();
    let dot = |row: &[Q], values: &[Q]| {
        row.iter().zip(values).fold(Q::zero(), |sum, (c, e)| &sum + &(c * e))
    };
    for word in words(method.fields.len() as u8, length) {
        let values: Vec<Q> = method
            .stages
            .iter()
            .map(|stage| match word.split_first() {
                Some((&c, _)) if stage.field != usize::from(c) => Q::zero(),
                Some((_, [])) => Q::one(),
                Some((_, tail)) => {
                    let space = method.fields[usize::from(tail[0])].space;
                    stages
                        .get(tail)
                        .map_or_else(Q::zero, |e| dot(&stage.arguments[space].stages, e))
                }
                None => Q::zero(),
            })
            .collect();
        if values.iter().all(Q::is_zero) {
            continue;
        }
        let space = method.fields[usize::from(word[0])].space;
        let row = method.states.iter().position(|s| s.space == space).expect("a space has a state");
        let a = dot(&method.update[row].stages, &values);
        if !a.is_zero() {
            step.insert(word.clone(), a);
        }
        stages.insert(word, values);
    }
    step
}

/// The logarithm of `1 + Σ_w a(w) w` in the algebra of words.
fn logarithm(step: &BTreeMap<Word, Q>, length: usize) -> BTreeMap<Word, Q> {
    let mut power: BTreeMap<Word, Q> = step.clone();
    let mut log = BTreeMap::new();
    for k in 1..=length {
        let sign = if k % 2 == 1 { 1 } else { -1 };
        let weight = Q::integer(sign).divide(&Q::integer(k as i64)).expect("k > 0");
        for (word, value) in &power {
            let entry = log.entry(word.clone()).or_insert_with(Q::zero);
            *entry = &*entry + &(&weight * value);
        }
        let mut next = BTreeMap::new();
        for (head, a) in step {
            for (tail, p) in power.iter().filter(|(tail, _)| head.len() + tail.len() <= length) {
                let entry =
                    next.entry([head.clone(), tail.clone()].concat()).or_insert_with(Q::zero);
                *entry = &*entry + &(a * p);
            }
        }
        power = next;
    }
    log
}
