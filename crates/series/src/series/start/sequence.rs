//! Exponential polynomials in the step number, and how they are multiplied.

use super::{Coefficient, Row, StartError};
use crate::exact::{RationalFunction, Scalar, effort};

/// The sequence `x_ν`: its first values one by one, then `Σ_r r^ν Σ_p c_{r,p} ν^p`.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Sequence<S> {
    /// The values for `ν = 0, 1, …` up to where the exponential polynomial starts.
    head: Vec<S>,
    /// The coefficients `c_{r,p}`, `p = 0, 1, …`, of each rate `r`, in the order of the rates.
    tail: Vec<(usize, Vec<S>)>,
}

/// The place of the rate 1 among [`Rates`].
pub(super) const LASTING: usize = 0;

impl<S: Scalar> Sequence<S> {
    pub(super) fn zero() -> Self {
        Sequence { head: Vec::new(), tail: Vec::new() }
    }

    pub(super) fn one() -> Self {
        Sequence { head: Vec::new(), tail: vec![(LASTING, vec![S::one()])] }
    }

    /// Where the exponential polynomial starts.
    pub(super) fn start(&self) -> usize {
        self.head.len()
    }

    /// The polynomial part at `ν`.
    pub(super) fn lasting(&self, nu: &S) -> S {
        self.at_rate(LASTING).map_or_else(S::zero, |c| evaluate(c, nu))
    }

    fn at_rate(&self, rate: usize) -> Option<&[S]> {
        let place = self.tail.binary_search_by_key(&rate, |(r, _)| *r).ok()?;
        Some(&self.tail[place].1)
    }

    /// The rates, each with its coefficients.
    pub(super) fn parts(&self) -> &[(usize, Vec<S>)] {
        &self.tail
    }

    pub(super) fn without_head(self) -> Self {
        Sequence { head: Vec::new(), ..self }
    }

    pub(super) fn set_head(&mut self, head: Vec<S>) {
        self.head = head;
    }

    /// Sets the value at `ν = 0`, from which on the sequence has to have values of its own.
    pub(super) fn set_first(&mut self, value: S) {
        self.head[0] = value;
    }

    pub(super) fn add_constant(&mut self, value: &S) {
        self.add(LASTING, std::slice::from_ref(value));
    }

    /// Adds `r^ν Σ_p c_p ν^p`.
    pub(super) fn add(&mut self, rate: usize, coefficients: &[S]) {
        self.add_scaled(rate, coefficients, &S::one());
    }

    fn add_scaled(&mut self, rate: usize, coefficients: &[S], factor: &S) {
        if factor.is_zero() || coefficients.iter().all(S::is_zero) {
            return;
        }
        let place = match self.tail.binary_search_by_key(&rate, |(r, _)| *r) {
            Ok(place) => place,
            Err(place) => {
                self.tail.insert(place, (rate, Vec::new()));
                place
            }
        };
        let sums = &mut self.tail[place].1;
        if sums.len() < coefficients.len() {
            sums.resize_with(coefficients.len(), S::zero);
        }
        for (sum, c) in sums.iter_mut().zip(coefficients).filter(|(_, c)| !c.is_zero()) {
            *sum = if factor.is_one() { sum.plus(c) } else { sum.plus(&c.times(factor)) };
        }
    }
}

/// The rates that occur: 1, the roots of the recurrences, and their products.
pub(super) struct Rates<S> {
    all: Vec<(RationalFunction, S)>,
    /// `products[a][b]`, `b ≤ a`, where it has been asked for.
    products: Vec<Vec<Option<usize>>>,
}

impl<S: Coefficient> Rates<S> {
    pub(super) fn new() -> Self {
        let mut rates = Rates { all: Vec::new(), products: Vec::new() };
        rates.place(&RationalFunction::one());
        rates
    }

    /// The place of a rate.
    pub(super) fn place(&mut self, rate: &RationalFunction) -> usize {
        if let Some(place) = self.all.iter().position(|(known, _)| known == rate) {
            return place;
        }
        self.all.push((rate.clone(), S::of(rate)));
        self.products.push(vec![None; self.all.len()]);
        self.all.len() - 1
    }

    /// A rate.
    pub(super) fn rate(&self, place: usize) -> &RationalFunction {
        &self.all[place].0
    }

    /// A rate as a number.
    pub(super) fn number(&self, place: usize) -> &S {
        &self.all[place].1
    }

    fn times(&mut self, a: usize, b: usize) -> Result<usize, StartError> {
        let (a, b) = (a.max(b), a.min(b));
        if b == LASTING {
            return Ok(a);
        }
        if let Some(known) = self.products[a][b] {
            return Ok(known);
        }
        let product = &self.all[a].0 * &self.all[b].0;
        let place = self.place(&product);
        if place == LASTING {
            return Err(StartError::Resonant);
        }
        self.products[a][b] = Some(place);
        Ok(place)
    }

    /// The product, value by value.
    pub(super) fn product(
        &mut self,
        a: &Sequence<S>,
        b: &Sequence<S>,
    ) -> Result<Sequence<S>, StartError> {
        let start = a.start().max(b.start());
        let head = (0..start).map(|nu| self.value(a, nu).times(&self.value(b, nu))).collect();
        let mut product = Sequence { head, tail: Vec::new() };
        for (r, x) in &a.tail {
            for (s, y) in &b.tail {
                product.add(self.times(*r, *s)?, &convolution(x, y));
            }
        }
        Ok(product)
    }

    /// `Σ_i a_i x_i + Σ_l b_l e_l`.
    pub(super) fn combination(
        &self,
        row: &Row<S>,
        states: &[Sequence<S>],
        stages: &[Sequence<S>],
    ) -> Sequence<S> {
        let terms = || {
            let states = row.states.iter().zip(states);
            states.chain(row.stages.iter().zip(stages)).filter(|(c, _)| !c.is_zero())
        };
        // What starts with values of its own keeps them where it does not count, too: the first step may
        // be another one.
        let start = states.iter().chain(stages).map(Sequence::start).max().unwrap_or(0);
        let at =
            |nu| terms().fold(S::zero(), |sum: S, (c, x)| sum.plus(&c.times(&self.value(x, nu))));
        let mut sum = Sequence { head: (0..start).map(at).collect(), tail: Vec::new() };
        for (c, sequence) in terms() {
            for (rate, coefficients) in &sequence.tail {
                sum.add_scaled(*rate, coefficients, c);
            }
        }
        sum
    }

    /// `x_ν`.
    pub(super) fn value(&self, sequence: &Sequence<S>, nu: usize) -> S {
        if let Some(value) = sequence.head.get(nu) {
            return value.clone();
        }
        let at = S::integer(nu as i64);
        sequence.tail.iter().fold(S::zero(), |sum, (rate, coefficients)| {
            let power = (0..nu).fold(S::one(), |power, _| power.times(self.number(*rate)));
            sum.plus(&power.times(&evaluate(coefficients, &at)))
        })
    }
}

/// `Σ_p c_p x^p`.
fn evaluate<S: Scalar>(coefficients: &[S], x: &S) -> S {
    coefficients.iter().rev().fold(S::zero(), |sum, c| sum.times(x).plus(c))
}

/// The coefficients of the product of two polynomials.
pub(super) fn convolution<S: Scalar>(a: &[S], b: &[S]) -> Vec<S> {
    effort::spend_if_counted(|| 20 * (a.len() * b.len()) as u64);
    let mut product = vec![S::zero(); (a.len() + b.len()).saturating_sub(1)];
    for (i, x) in a.iter().enumerate().filter(|(_, x)| !x.is_zero()) {
        for (sum, y) in product[i..].iter_mut().zip(b).filter(|(_, y)| !y.is_zero()) {
            *sum = sum.plus(&x.times(y));
        }
    }
    product
}
