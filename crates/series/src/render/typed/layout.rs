//! A typed field as formulas: terms with the same derivatives of the loss in one bracket, and what they have in common
//! before it.

use crate::exact::RationalFunction;
use crate::formula::{Bracket, Coefficient, Math};
use crate::typed::{
    Elementary, Exponent, Factor, Factors, MatrixFunction, Terms, TypedCoordinate, TypedField,
    TypedTerm,
};
use num_rational::Ratio;
use num_traits::Zero;

/// How a field is written: its parameters, and the vectors that have a name.
pub(super) struct Writer<'a> {
    parameters: &'a [String],
    /// Vectors that the field of order 0 is made of, by name.
    pub named: Vec<(String, Factors)>,
}

/// One summand, its sign apart.
pub(super) type Signed = (bool, Math);

/// `c`, and a product of powers.
type Term<'f> = (&'f RationalFunction, Factors);

impl<'a> Writer<'a> {
    pub fn new(field: &'a TypedField) -> Writer<'a> {
        let mut letters = ["u", "w", "z"].iter().filter(|letter| {
            let taken = |name: &String| name.as_str() == **letter;
            !field.parameters.iter().any(taken) && !field.coordinates.iter().any(|c| taken(&c.name))
        });
        let mut named: Vec<(String, Factors)> = Vec::new();
        for coordinate in field.coordinates.iter().take(1) {
            for term in coordinate.terms.iter().filter(|term| term.power == 0) {
                let vector: Factors =
                    term.factors.iter().filter(|(f, _)| is_vector(f)).cloned().collect();
                let is_plain =
                    matches!(&vector[..], [] | [(Factor::Gradient(_) | Factor::Coordinate(_), _)]);
                if is_plain || field.order == 0 || named.iter().any(|(_, known)| *known == vector) {
                    continue;
                }
                if let Some(letter) = letters.next() {
                    named.push(((*letter).to_string(), vector));
                }
            }
        }
        Writer { parameters: &field.parameters, named }
    }

    /// All vectors written out.
    pub fn unnamed(field: &'a TypedField) -> Writer<'a> {
        Writer { parameters: &field.parameters, named: Vec::new() }
    }

    /// The definitions of the named vectors.
    pub fn definitions(&self) -> Vec<(String, Math)> {
        let plain = Writer { parameters: self.parameters, named: Vec::new() };
        let definition = |(name, vector): &(String, Factors)| {
            let (_, value) = plain.term(&RationalFunction::one(), 0, &[vector]);
            (name.clone(), value)
        };
        self.named.iter().map(definition).collect()
    }

    /// The velocity of a coordinate, order by order.
    pub fn orders(&self, coordinate: &TypedCoordinate, order: usize) -> Vec<Vec<Signed>> {
        (0..=order).map(|power| self.order(coordinate, power)).collect()
    }

    fn order(&self, coordinate: &TypedCoordinate, power: usize) -> Vec<Signed> {
        // Groups in the order of their first terms; the sorting of terms already puts equal trees together.
        let mut groups: Vec<(Factors, Vec<Term>)> = Vec::new();
        for term in coordinate.terms.iter().filter(|term| term.power == power) {
            let (structure, rest): (Factors, Factors) =
                term.factors.iter().cloned().partition(|(factor, _)| has_derivative(factor));
            let rest = (&term.coefficient, rest);
            match groups.iter_mut().find(|(known, _)| *known == structure) {
                Some((_, terms)) => terms.push(rest),
                None => groups.push((structure, vec![rest])),
            }
        }
        groups.iter().map(|(structure, terms)| self.group(power, structure, terms)).collect()
    }

    /// `h^k common (Σ c rest) structure`
    fn group(&self, power: usize, structure: &Factors, terms: &[Term]) -> Signed {
        let [first, others @ ..] = terms else { return (false, Math::number(0)) };
        if others.is_empty() {
            return self.term(first.0, power, &[&first.1, structure]);
        }
        let mut common: Factors = Vec::new();
        for (factor, exponent) in &first.1 {
            let exponents: Option<Vec<&Exponent>> = others
                .iter()
                .map(|(_, factors)| factors.iter().find(|(f, _)| f == factor).map(|(_, e)| e))
                .collect();
            let Some(exponents) = exponents else { continue };
            if let Some(shared) =
                exponents.into_iter().try_fold(exponent.clone(), |a, b| nearest(&a, b))
            {
                common.push((factor.clone(), shared));
            }
        }
        let shared = shared_coefficient(terms);
        let inverse = shared.inverse().unwrap_or_else(RationalFunction::one);
        let inner = terms.iter().map(|(c, factors)| {
            let rest: Factors = factors
                .iter()
                .map(|(factor, exponent)| match common.iter().find(|(f, _)| f == factor) {
                    Some((_, shared)) => {
                        (factor.clone(), exponent.plus(&shared.times(Ratio::from(-1))))
                    }
                    None => (factor.clone(), exponent.clone()),
                })
                .filter(|(_, exponent)| !exponent.is_zero())
                .collect();
            self.term(&(*c * &inverse), 0, &[&rest])
        });
        let mut inner: Vec<Signed> = inner.collect();
        let mut negative = inner[0].0;
        inner.iter_mut().for_each(|(minus, _)| *minus ^= negative);
        let bracket = Math::Group(Box::new(Math::LongSum(inner)));
        let (minus, outside) = self.term(&shared, power, &[&common]);
        negative ^= minus;
        let (_, vectors) = self.term(&RationalFunction::one(), 0, &[structure]);
        let is_one = |math: &Math| matches!(math, Math::Number(digits) if digits == "1");
        let parts = [outside, bracket, vectors].into_iter().filter(|part| !is_one(part));
        let parts = parts.flat_map(|part| match part {
            Math::Contraction(parts) => parts,
            other => vec![other],
        });
        (negative, contraction(parts.collect()))
    }

    /// One term of a field.
    pub fn alone(&self, term: &TypedTerm) -> Signed {
        self.term(&term.coefficient, term.power, &[&term.factors])
    }

    /// A coefficient times `h^power` and powers: a fraction, then the derivatives that stand above it.
    pub fn term(&self, coefficient: &RationalFunction, power: usize, lists: &[&Factors]) -> Signed {
        let coefficient = Coefficient::new(coefficient, self.parameters);
        let coefficient = coefficient.times_step(i32::try_from(power).unwrap_or(i32::MAX));
        let negative = coefficient.negative;
        let (mut top, mut bottom) = coefficient.into_sides();
        let mut beside = Vec::new();
        let mut all: Factors = lists.iter().flat_map(|list| list.iter().cloned()).collect();
        self.take_named(&mut all, &mut beside);
        for (math, exponent, is_derivative) in self.written(&all) {
            let (below, exponent) = upright(&exponent);
            let whole = powered(math, &exponent, self.parameters);
            if below {
                bottom.push(whole);
            } else if is_derivative {
                beside.push(whole);
            } else {
                top.push(whole);
            }
        }
        let fraction = if bottom.is_empty() { None } else { Some(side(bottom)) };
        let top_is_one = top.is_empty();
        let mut parts = Vec::new();
        match fraction {
            Some(bottom) if top_is_one && beside.len() == 1 && !is_sum(&beside[0]) => {
                return (negative, beside.remove(0).over(bottom));
            }
            Some(bottom) => parts.push(side(top).over(bottom)),
            None if !top_is_one => parts.push(Math::product(top)),
            None => {}
        }
        parts.extend(beside);
        (negative, contraction(parts))
    }

    /// Takes a named vector out, where one is the whole vector.
    fn take_named(&self, factors: &mut Factors, beside: &mut Vec<Math>) {
        for (name, vector) in &self.named {
            let own: Vec<&(Factor, Exponent)> =
                factors.iter().filter(|(f, _)| is_vector(f)).collect();
            if own.len() == vector.len() && own.iter().all(|factor| vector.contains(factor)) {
                factors.retain(|(f, _)| !is_vector(f));
                beside.push(Math::name(name));
                return;
            }
        }
    }

    /// Every factor as a formula, whether it holds derivatives of the gradient.
    fn written(&self, factors: &Factors) -> Vec<(Math, Exponent, bool)> {
        let mut out = Vec::new();
        let mut absolute = Vec::new();
        // x sign(x) is the absolute value.
        for (factor, _) in factors {
            let Factor::Function(Elementary::Sign, sum) = factor else { continue };
            let [(c, inner)] = &sum[..] else { continue };
            let [(inner, one)] = &inner[..] else { continue };
            if !c.is_one() || one.as_integer() != Some(1) {
                continue;
            }
            let odd = |e: &Exponent| e.as_integer().is_some_and(|n| n % 2 != 0);
            if factors.iter().any(|(f, e)| f == inner && odd(e)) {
                absolute.push((factor.clone(), inner.clone()));
            }
        }
        for (factor, exponent) in factors {
            if absolute.iter().any(|(sign, _)| sign == factor) {
                continue;
            }
            let is_derivative = has_derivative(factor);
            if absolute.iter().any(|(_, inner)| inner == factor) {
                let inner = self.factor(factor);
                out.push((Math::function("abs", inner), exponent.clone(), is_derivative));
                continue;
            }
            if let Factor::Entries(inner) = factor {
                let even = |e: &Exponent| e.as_integer().is_some_and(|n| n % 2 == 0);
                if !inner.is_empty() && inner.iter().all(|(_, e)| even(e)) {
                    let half = |(f, e): &(Factor, Exponent)| (f.clone(), e.times(Ratio::new(1, 2)));
                    let root: Factors = inner.iter().map(half).collect();
                    let norm = Math::Norm(Box::new(self.vector(&root)));
                    out.push((norm, exponent.times(Ratio::from(2)), is_derivative));
                    continue;
                }
            }
            out.push((self.factor(factor), exponent.clone(), is_derivative));
        }
        out
    }

    /// A product without a coefficient.
    pub fn vector(&self, factors: &Factors) -> Math {
        self.term(&RationalFunction::one(), 0, &[factors]).1
    }

    fn factor(&self, factor: &Factor) -> Math {
        let head = |k: usize| Box::new(Math::Row(vec![Math::Nabla(k), Math::name("E")]));
        match factor {
            Factor::Coordinate(name) => Math::name(name),
            Factor::Gradient(arguments) => match &arguments[..] {
                [] => Math::name("g"),
                [one] => {
                    Math::Apply(Box::new(Math::name("H")), vec![self.vector(one)], Bracket::Square)
                }
                several => {
                    let arguments: Vec<Math> = several.iter().map(|a| self.vector(a)).collect();
                    Math::Apply(head(several.len() + 1), arguments, Bracket::Square)
                }
            },
            Factor::Base(sum) => self.sum(sum),
            Factor::Function(function, sum) => {
                let argument = self.sum(sum);
                match function {
                    Elementary::Exponential => Math::function("exp", argument),
                    Elementary::Logarithm => Math::Logarithm(Box::new(argument)),
                    Elementary::HyperbolicTangent => Math::function("tanh", argument),
                    Elementary::Absolute => Math::function("abs", argument),
                    Elementary::Sign => Math::function("sign", argument),
                    Elementary::Positive => Math::function("step", argument),
                }
            }
            Factor::Entries(inner) => {
                let is_map = |(f, e): &(Factor, Exponent)| {
                    e.as_integer() == Some(1)
                        && matches!(f, Factor::Gradient(arguments) if !arguments.is_empty())
                };
                // Σ_i w_i ∇^(k+1)E[…]_i is ∇^(k+1)E[w, …].
                if let Some(at) = inner.iter().position(is_map)
                    && let (Factor::Gradient(arguments), _) = &inner[at]
                    && inner.len() > 1
                {
                    let mut beside = inner.as_ref().clone();
                    beside.remove(at);
                    let mut all = vec![self.vector(&beside)];
                    all.extend(arguments.iter().map(|a| self.vector(a)));
                    return Math::Apply(head(arguments.len() + 1), all, Bracket::Square);
                }
                Math::function("sum", self.vector(inner))
            }
            Factor::Dimension => Math::name("dim"),
            Factor::Loss => Math::name("E"),
            Factor::Chain(factors) => {
                let mut all: Vec<Math> = (factors.iter())
                    .map(|(factor, turned)| match (self.vector(factor), turned) {
                        (math, true) => Math::function("transpose", math),
                        (math, false) => math,
                    })
                    .collect();
                match all.len() {
                    1 => all.remove(0),
                    _ => Math::Apply(Box::new(Math::name("matmul")), all, Bracket::Round),
                }
            }
            Factor::Frechet(function, base, along) => {
                let base = self.sum(base);
                let value = match (function, along.len()) {
                    (MatrixFunction::InverseRoot(k), primes) => {
                        Math::InverseRoot(Box::new(base), Box::new(Math::number(k)), primes)
                    }
                    (MatrixFunction::Polar, 0) => Math::function("polar", base),
                    (MatrixFunction::Polar, primes) => {
                        let head = Math::Primes("polar".into(), primes);
                        Math::Apply(Box::new(head), vec![base], Bracket::Round)
                    }
                };
                match &along[..] {
                    [] => value,
                    along => {
                        let along = along.iter().map(|direction| self.vector(direction)).collect();
                        Math::Apply(Box::new(value), along, Bracket::Square)
                    }
                }
            }
            Factor::Identity => Math::name("I"),
        }
    }

    /// A sum, constants last.
    fn sum(&self, sum: &Terms) -> Math {
        let (constants, others): (Vec<_>, Vec<_>) =
            sum.iter().partition(|(_, factors)| factors.is_empty());
        let mut terms: Vec<Signed> = others
            .into_iter()
            .chain(constants)
            .map(|(c, factors)| self.term(c, 0, &[factors]))
            .collect();
        match terms.len() {
            1 if !terms[0].0 => terms.remove(0).1,
            _ => Math::Sum(terms),
        }
    }
}

/// A coefficient that all are multiples of, by numbers or single products of parameters; 1 if there is none.
fn shared_coefficient(terms: &[Term]) -> RationalFunction {
    let simple = |ratio: Option<RationalFunction>| {
        ratio.is_some_and(|q| q.denominator().is_constant() && q.numerator().terms().len() == 1)
    };
    let shared = terms.iter().find(|(base, _)| terms.iter().all(|(c, _)| simple(c.divide(base))));
    shared.map_or_else(RationalFunction::one, |(c, _)| (*c).clone())
}

/// The exponent nearer to 0, if both have one sign.
fn nearest(a: &Exponent, b: &Exponent) -> Option<Exponent> {
    let (x, y) = match (a.as_rational(), b.as_rational()) {
        (Some(x), Some(y)) => (x, y),
        _ => {
            let gap = b.plus(&a.times(Ratio::from(-1))).as_rational()?;
            // Symbolic exponents of one kind: the greater one.
            return Some(if gap > Ratio::zero() { b.clone() } else { a.clone() });
        }
    };
    if (x > Ratio::zero()) != (y > Ratio::zero()) {
        return None;
    }
    let magnitude = |q: Ratio<i64>| if q < Ratio::zero() { -q } else { q };
    Some(if magnitude(x) <= magnitude(y) { a.clone() } else { b.clone() })
}

/// Whether the exponent stands below a line, and what it is there.
fn upright(exponent: &Exponent) -> (bool, Exponent) {
    let leading = exponent.symbolic.first().map_or(exponent.constant, |(_, factor)| *factor);
    if leading < Ratio::zero() {
        (true, exponent.times(Ratio::from(-1)))
    } else {
        (false, exponent.clone())
    }
}

fn is_sum(math: &Math) -> bool {
    matches!(math, Math::Sum(_) | Math::LongSum(_))
}

/// A side of a fraction.
fn side(factors: Vec<Math>) -> Math {
    match Math::product(factors) {
        Math::Group(inner) => *inner,
        other => other,
    }
}

/// Factors side by side, 1 for none.
fn contraction(mut parts: Vec<Math>) -> Math {
    match parts.len() {
        0 => Math::number(1),
        1 => parts.remove(0),
        _ => Math::Contraction(parts),
    }
}

/// `base^exponent` for a positive exponent.
fn powered(base: Math, exponent: &Exponent, names: &[String]) -> Math {
    let unit = |base: Math| match base {
        Math::Name(_)
        | Math::Number(_)
        | Math::Norm(_)
        | Math::Apply(..)
        | Math::Logarithm(_)
        | Math::Group(_) => base,
        other => Math::Group(Box::new(other)),
    };
    match exponent.as_rational() {
        // A power by itself needs no brackets.
        Some(q) if q == Ratio::from(1) && matches!(base, Math::InverseRoot(..)) => base,
        Some(q) if q.is_integer() => Math::power(unit(base), q.to_integer()),
        Some(q) if *q.denom() == 2 => Math::power(Math::SquareRoot(Box::new(base)), *q.numer()),
        Some(q) => {
            let exponent = Math::number(q.numer()).over(Math::number(q.denom()));
            Math::PowerOf(Box::new(unit(base)), Box::new(exponent))
        }
        None => Math::PowerOf(Box::new(unit(base)), Box::new(symbolic(exponent, names))),
    }
}

/// An exponent with parameters.
fn symbolic(exponent: &Exponent, names: &[String]) -> Math {
    let number = |q: Ratio<i64>| {
        let magnitude = if q < Ratio::zero() { -q } else { q };
        let top = Math::number(magnitude.numer());
        if magnitude.is_integer() { top } else { top.over(Math::number(magnitude.denom())) }
    };
    let mut terms: Vec<Signed> = exponent
        .symbolic
        .iter()
        .map(|(parameter, factor)| {
            let name = Math::name(&names[*parameter]);
            let one = *factor == Ratio::from(1) || *factor == Ratio::from(-1);
            let term = if one { name } else { Math::Product(vec![number(*factor), name]) };
            (*factor < Ratio::zero(), term)
        })
        .collect();
    if !exponent.constant.is_zero() {
        terms.push((exponent.constant < Ratio::zero(), number(exponent.constant)));
    }
    match terms.len() {
        1 if !terms[0].0 => terms.remove(0).1,
        _ => Math::Sum(terms),
    }
}

/// Whether something is a vector rather than a number.
pub(super) fn is_vector(factor: &Factor) -> bool {
    match factor {
        Factor::Coordinate(_)
        | Factor::Gradient(_)
        | Factor::Chain(_)
        | Factor::Frechet(..)
        | Factor::Identity => true,
        Factor::Base(sum) | Factor::Function(_, sum) => {
            sum.iter().any(|(_, factors)| factors.iter().any(|(factor, _)| is_vector(factor)))
        }
        Factor::Entries(_) | Factor::Dimension | Factor::Loss => false,
    }
}

/// Whether a second or higher derivative of the loss occurs.
fn has_derivative(factor: &Factor) -> bool {
    match factor {
        Factor::Gradient(arguments) => !arguments.is_empty(),
        Factor::Entries(inner) => inner.iter().any(|(factor, _)| has_derivative(factor)),
        Factor::Base(sum) | Factor::Function(_, sum) => {
            sum.iter().any(|(_, factors)| factors.iter().any(|(factor, _)| has_derivative(factor)))
        }
        Factor::Chain(factors) => {
            factors.iter().any(|(x, _)| x.iter().any(|(f, _)| has_derivative(f)))
        }
        Factor::Frechet(_, base, along) => {
            base.iter().any(|(_, factors)| factors.iter().any(|(f, _)| has_derivative(f)))
                || !along.is_empty()
        }
        Factor::Coordinate(_) | Factor::Dimension | Factor::Loss | Factor::Identity => false,
    }
}
