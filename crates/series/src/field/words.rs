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

use super::ChainDifference;
use crate::exact::RationalFunction as Q;
use crate::formula::{Coefficient, Math};
use crate::series::{GeneralLinearMethod, ModifiedField, Stage};
use std::collections::BTreeMap;

/// A chain of colours, root first.
type Word = Vec<u8>;

/// The linear map `M` of one step on words up to a length, and the logarithm on those that a field
/// has chains for.
pub(crate) struct Words {
    step: BTreeMap<Word, Q>,
    /// Whether all longer words have `a(w) = 0`.
    finite: bool,
    log: BTreeMap<Word, Q>,
    length: usize,
}

/// The longest words whose coefficients are computed.
const MAX_LENGTH: usize = 12;
/// Words longer than the chains of the field are computed while there are no more than this of one
/// length: they show whether `M` is a polynomial.
const MAX_WORDS: usize = 2000;

impl Words {
    /// The logarithm on words of up to `length` letters (at most [`MAX_LENGTH`]). `None` for methods
    /// with memory, and for those that keep `h` as a parameter.
    pub(crate) fn new(method: &GeneralLinearMethod, length: usize) -> Option<Words> {
        let memoryless = method.states.len() == method.spaces.len();
        if !memoryless || method.step_parameter.is_some() {
            return None;
        }
        let length = length.min(MAX_LENGTH);
        let colors = method.fields.len() as u8;
        let (step, finite) = step_words(method, length);
        let log = logarithm(&step, colors, length);
        Some(Words { step, finite, log, length })
    }

    /// The number of letters of the longest words.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// The smallest chain whose derived `b` differs from the logarithm's.
    pub(crate) fn first_difference(&self, field: &ModifiedField) -> Option<ChainDifference> {
        let trees = field.trees();
        let sizes = 1..=self.length.min(trees.max_nodes());
        sizes.flat_map(|n| trees.of_size(n)).filter(|&t| trees.is_chain(t)).find_map(|chain| {
            let mut word = vec![trees.color(chain)];
            let mut node = chain;
            while let Some((_, child)) = trees.parts(node) {
                word.push(trees.color(child));
                node = child;
            }
            let derived = field.b(chain);
            let closed = self.log.get(&word).cloned().unwrap_or_else(Q::zero);
            let different = derived != closed;
            different.then(|| ChainDifference { chain: trees.tree(chain), derived, closed })
        })
    }

    /// `M`, or `None` if it is not known to be a polynomial.
    pub(crate) fn step_map(&self, method: &GeneralLinearMethod) -> Option<StepMap> {
        if !self.finite {
            return None;
        }
        let mut terms: Vec<(Word, Q)> =
            self.step.iter().map(|(word, a)| (word.clone(), a.clone())).collect();
        terms.sort_by_key(|(word, _)| word.len());
        let fields = method.fields.iter().map(|f| f.name.clone()).collect();
        Some(StepMap { parameters: method.parameters.clone(), fields, terms })
    }
}

/// The linear map of one step, `M = 1 + Σ_w a(w) h^{|w|} J_w`, a polynomial in Jacobians that do not
/// commute.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StepMap {
    /// Names of the variables of the coefficients.
    pub parameters: Vec<String>,
    /// Names of the fields.
    pub fields: Vec<String>,
    /// Each word, as indices of fields, the leftmost factor first, and its coefficient.
    pub terms: Vec<(Vec<u8>, Q)>,
}

impl StepMap {
    /// The layout, `Df` the Jacobian of field `f`.
    pub fn layout(&self) -> Math {
        let terms = self.terms.iter().map(|(word, a)| {
            let coefficient = Coefficient::new(a, &self.parameters);
            let mut factors = Vec::new();
            if !coefficient.is_unit() {
                factors.push(Math::Group(Box::new(coefficient.magnitude())));
            }
            factors.push(Math::power(Math::name("h"), word.len() as i64));
            let field = |&c: &u8| Math::name(&self.fields[usize::from(c)]);
            factors.extend(word.iter().map(|c| Math::Row(vec![Math::name("D"), field(c)])));
            (coefficient.negative, Math::Contraction(factors))
        });
        Math::LongSum(std::iter::once((false, Math::number(1))).chain(terms).collect())
    }
}

/// `a(w)`, zero ones left out: the stages on a word from the stages on its tail. At least all words
/// with up to `length` letters, and whether these are all there are.
fn step_words(method: &GeneralLinearMethod, length: usize) -> (BTreeMap<Word, Q>, bool) {
    let mut step = BTreeMap::new();
    let dot = |row: &[Q], values: &[Q]| {
        row.iter().zip(values).fold(Q::zero(), |sum, (c, e)| &sum + &(c * e))
    };
    // The words of one length that any stage has a value on, and these values.
    let mut last: Vec<(Word, Vec<Q>)> = vec![(Vec::new(), Vec::new())];
    for letters in 1..=MAX_LENGTH {
        if letters > length && last.len() > MAX_WORDS {
            return (step, false);
        }
        let mut next = Vec::new();
        for (color, field) in method.fields.iter().enumerate() {
            let row = method.states.iter().position(|s| s.space == field.space);
            let row = &method.update[row.expect("a space has a state")];
            for (tail, inner) in &last {
                let argument = tail.first().map(|&c| method.fields[usize::from(c)].space);
                let on_word = |stage: &Stage| match argument {
                    _ if stage.field != color => Q::zero(),
                    None => Q::one(),
                    Some(space) => dot(&stage.arguments[space].stages, inner),
                };
                let values: Vec<Q> = method.stages.iter().map(on_word).collect();
                if values.iter().all(Q::is_zero) {
                    continue;
                }
                let word = [&[color as u8], tail.as_slice()].concat();
                let a = dot(&row.stages, &values);
                if !a.is_zero() {
                    step.insert(word.clone(), a);
                }
                next.push((word, values));
            }
        }
        if next.is_empty() {
            return (step, true);
        }
        last = next;
    }
    (step, false)
}

/// The logarithm of `1 + Σ_w a(w) w` on words up to a length.
fn logarithm(step: &BTreeMap<Word, Q>, colors: u8, length: usize) -> BTreeMap<Word, Q> {
    let mut log = BTreeMap::new();
    // The k-th power on a word: all ways to split off a first factor.
    let mut power: BTreeMap<Word, Q> = BTreeMap::from([(Vec::new(), Q::one())]);
    for k in 1..=length {
        let weight = Q::integer(if k % 2 == 1 { 1 } else { -1 });
        let weight = weight.divide(&Q::integer(k as i64)).expect("k > 0");
        let mut next: BTreeMap<Word, Q> = BTreeMap::new();
        for word in words(colors, length).filter(|word| word.len() >= k) {
            let splits = (1..=word.len()).filter_map(|n| {
                let (head, tail) = word.split_at(n);
                Some(step.get(head)? * power.get(tail)?)
            });
            let sum = splits.fold(Q::zero(), |sum, product| &sum + &product);
            if !sum.is_zero() {
                let entry = log.entry(word.clone()).or_insert_with(Q::zero);
                *entry = &*entry + &(&weight * &sum);
                next.insert(word, sum);
            }
        }
        power = next;
    }
    log
}

/// All words with `1, …, length` letters, shortest first.
fn words(colors: u8, length: usize) -> impl Iterator<Item = Word> {
    let mut last: Vec<Word> = vec![Vec::new()];
    (0..length).flat_map(move |_| {
        last = (0..colors)
            .flat_map(|c| last.iter().map(move |w| [&[c], w.as_slice()].concat()))
            .collect();
        last.clone()
    })
}
