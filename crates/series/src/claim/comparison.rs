//! Two sides of an equation, term by term.

use super::check::Difference;
use super::differential::{Differential, H};
use super::entrywise::{Entrywise, hides};
use super::evaluate::Evaluator;
use super::holes::has_leaf;
use super::notation::{self, Style};
use super::syntax::{Claim, Expr, ExprKind, Modulo};
use super::terms::Terms;
use super::value::Value;
use crate::exact::{RationalFunction as Q, effort};
use crate::expression::PowerSeries;
use crate::text::source::SourceError;
use crate::typed::{Product, Sum, Vanishing};
use std::collections::{BTreeMap, BTreeSet};

/// The powers that a comparison looks at.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    /// The variable of `up to`.
    pub variable: usize,
    /// Its highest power.
    pub power: i64,
}

/// The exponent of a power, and its two coefficients.
type Unequal = (i64, Q, Q);

/// One equality of a claim.
pub(super) struct Comparison<'x, 'e, 'c> {
    pub evaluator: &'x Evaluator<'e, 'c>,
    pub style: Style,
    pub limit: Option<Limit>,
    pub spans: (&'x Expr, &'x Expr),
    pub claim: &'x Claim,
}

impl Comparison<'_, '_, '_> {
    /// The terms in which two sides differ; `None` if they are not known well enough.
    pub fn run(&self, left: &Value, right: &Value) -> Result<Option<Vec<Difference>>, SourceError> {
        match (left, right) {
            (Value::Differential(a), Value::Differential(b)) => {
                if (a.kind, a.arity) != (b.kind, b.arity) {
                    return Ok(Some(self.unlike(left, right)));
                }
                self.fields(a, b)
            }
            (Value::Differential(a), zero) if zero.is_zero_number() => {
                self.fields(a, &Differential::zero(a.kind, a.arity))
            }
            (zero, Value::Differential(b)) if zero.is_zero_number() => {
                self.fields(&Differential::zero(b.kind, b.arity), b)
            }
            (Value::Entrywise(a), Value::Entrywise(b)) => {
                let zero = a.sum.is_zero() || b.sum.is_zero();
                if a.arity != b.arity && !zero {
                    return Ok(Some(self.unlike(left, right)));
                }
                // Numbers may stand for vectors of equal entries.
                let found = self.entrywise(a, b)?;
                let unlike = a.is_vector != b.is_vector && !zero && !found.is_empty();
                Ok(Some(if unlike { self.unlike(left, right) } else { found }))
            }
            (Value::Differential(_), _) | (_, Value::Differential(_)) => {
                Ok(Some(self.unlike(left, right)))
            }
            _ if self.claim.modulo.is_some() => Err(self
                .evaluator
                .fault(&self.claim.span, "`modulo` is said of fields, not of numbers and series")),
            (left, right) => self.numbers(left, right),
        }
    }

    /// A vector field is no operator, and neither is a number.
    fn unlike(&self, left: &Value, right: &Value) -> Vec<Difference> {
        let kind = |value: &Value, side: &Expr| match self.evaluator.other_case(side) {
            Some(advice) => format!("{} ({advice})", value.kind()),
            None => value.kind().to_string(),
        };
        let (left, right) = (kind(left, self.spans.0), kind(right, self.spans.1));
        vec![self.difference(String::new(), left, right)]
    }

    /// Which side was derived from an optimizer: the right one only if the left one was not.
    fn difference(&self, term: String, left: String, right: String) -> Difference {
        let swapped = mentions_optimizer(self.spans.1) && !mentions_optimizer(self.spans.0);
        let (derived, claimed) = if swapped { (right, left) } else { (left, right) };
        Difference { case: Vec::new(), equality: 1, term, claimed, derived }
    }

    fn show(&self, value: &Q) -> String {
        value.display(&self.evaluator.names.variables)
    }

    fn numbers(&self, left: &Value, right: &Value) -> Result<Option<Vec<Difference>>, SourceError> {
        let Some(limit) = self.limit else {
            let (Value::Scalar(a), Value::Scalar(b)) = (left, right) else {
                return Err(self.evaluator.fault_with(
                    &self.claim.span,
                    "a power series is compared to no stated order",
                    "add `up to z^20`",
                ));
            };
            if a == b {
                return Ok(Some(Vec::new()));
            }
            return Ok(Some(vec![self.difference(String::new(), self.show(a), self.show(b))]));
        };
        let expanded = |value: &Value| match value {
            Value::Scalar(q) => PowerSeries::through(q, limit.variable, limit.power),
            Value::Series(s) => s.clone(),
            Value::Differential(_) | Value::Entrywise(_) => unreachable!("compared as fields"),
        };
        let (a, b) = (expanded(left), expanded(right));
        let from = a.low().min(b.low()).min(limit.power);
        let mut differences = Vec::new();
        for n in from..=limit.power {
            let (Some(x), Some(y)) = (a.coefficient(n), b.coefficient(n)) else {
                return Ok(None);
            };
            if x != y {
                let name = &self.evaluator.names.variables[limit.variable];
                let term = notation::with_power(name, n, "");
                differences.push(self.difference(term, self.show(&x), self.show(&y)));
            }
        }
        Ok(Some(differences))
    }

    fn fields(
        &self,
        left: &Differential,
        right: &Differential,
    ) -> Result<Option<Vec<Difference>>, SourceError> {
        let (mut a, mut b) = (left.clone(), right.clone());
        if self.claim.modulo == Some(Modulo::Critical) {
            if a.arity == 0 {
                return Err(self.evaluator.fault_with(
                    &self.claim.span,
                    "every field vanishes at a critical point, and the claim says nothing",
                    "compare derivatives: `D(X) == … modulo critical`",
                ));
            }
            // Arbitrary fields do not vanish where those of the optimizers do.
            let vanishes = |color: u8| !self.evaluator.names.is_arbitrary(color);
            a = a.retain(|t| !has_leaf(t, &vanishes));
            b = b.retain(|t| !has_leaf(t, &vanishes));
        }
        for precision in [a.precision, b.precision].into_iter().flatten() {
            match self.limit {
                Some(limit) if limit.variable == H => {
                    if precision <= limit.power {
                        return Ok(None);
                    }
                }
                _ => {
                    return Err(self.evaluator.fault_with(
                        &self.claim.span,
                        "a series in `h` is compared to no stated order",
                        "add `up to h^3`",
                    ));
                }
            }
        }
        let trees: BTreeSet<_> = a.terms().keys().chain(b.terms().keys()).collect();
        let zero = Q::zero();
        let style = if self.style.for_field(&a) == self.style.for_field(&b) {
            self.style.for_field(&a)
        } else {
            Style::Prime
        };
        let mut differences = Vec::new();
        for tree in trees {
            let x = a.terms().get(tree).unwrap_or(&zero);
            let y = b.terms().get(tree).unwrap_or(&zero);
            if x == y {
                continue;
            }
            // A line of the report.
            effort::spend(1000);
            let sign = style.sign(tree, a.kind);
            let name = notation::differential(tree, a.kind, style, self.evaluator.names);
            let (x, y) = (x * &sign, y * &sign);
            match self.powers(&x, &y) {
                Some((variable, powers)) => {
                    for (n, x, y) in powers {
                        let variable = &self.evaluator.names.variables[variable];
                        let term = notation::with_power(variable, n, &name);
                        differences.push(self.difference(term, self.show(&x), self.show(&y)));
                    }
                }
                None => differences.push(self.difference(name, self.show(&x), self.show(&y))),
            }
        }
        Ok(Some(differences))
    }

    /// What is made entry by entry differs where a point shows it; it is equal where clearing denominators does.
    fn entrywise(
        &self,
        left: &Entrywise,
        right: &Entrywise,
    ) -> Result<Vec<Difference>, SourceError> {
        let evaluator = self.evaluator;
        let fault = |message: &str, help: &str| {
            Err(evaluator.fault_with(&self.claim.span, message.to_string(), help))
        };
        if self.claim.modulo.is_some() {
            return fault(
                "`modulo` is said of fields made of derivatives alone",
                "compare fields without products, powers and functions of vectors",
            );
        }
        let hidden = [left, right].iter().any(|e| hides(&evaluator.atoms, &e.sum, H));
        if self.limit.is_some_and(|limit| limit.variable != H || hidden) {
            return fault(
                "powers and functions of vectors are not expanded",
                "write the coefficients of the series out",
            );
        }
        // Coefficients by products and powers of h, where all powers of h are seen.
        let mut sides: BTreeMap<Product, (Q, Q)> = BTreeMap::new();
        let zero = || (Q::zero(), Q::zero());
        for (product, c) in left.sum.coefficient(0) {
            sides.entry(product).or_insert_with(zero).0 = c;
        }
        for (product, c) in right.sum.coefficient(0) {
            sides.entry(product).or_insert_with(zero).1 = c;
        }
        sides.retain(|_, (x, y)| x != y);
        let split = sides.iter().map(|(product, (x, y))| (product, self.powers(x, y)));
        let split: Vec<_> = split.collect();
        let mut parts: BTreeMap<Option<i64>, Vec<(&Product, Q, Q)>> = BTreeMap::new();
        let all_split = !hidden && split.iter().all(|(_, powers)| powers.is_some());
        for (product, powers) in split {
            match powers.filter(|_| all_split) {
                Some((_, powers)) => {
                    for (n, x, y) in powers {
                        parts.entry(Some(n)).or_default().push((product, x, y));
                    }
                }
                None => {
                    let (x, y) = &sides[product];
                    parts.entry(None).or_default().push((product, x.clone(), y.clone()));
                }
            }
        }
        let variables = &evaluator.names.variables;
        let terms =
            Terms { atoms: &evaluator.atoms, variables, coordinates: &evaluator.names.coordinates };
        let mut differences = Vec::new();
        for (power, part) in parts {
            let mut gap = Sum::default();
            for (product, x, y) in &part {
                gap.add(&Sum::term((*product).clone(), x - y));
            }
            match evaluator.atoms.vanishing(&gap, &evaluator.domain) {
                Vanishing::Zero => {}
                Vanishing::Nonzero => differences.extend(part.iter().map(|(product, x, y)| {
                    effort::spend(1000);
                    let name = terms.product(product);
                    let term = notation::with_power(&variables[H], power.unwrap_or(0), &name);
                    let term = if name.is_empty() && power.is_none() { name } else { term };
                    self.difference(term, self.show(x), self.show(y))
                })),
                unknown @ (Vanishing::Unknown | Vanishing::Nowhere) => {
                    let gap = terms.sum(&gap.coefficient(0));
                    let positive = evaluator.domain.conditions().iter();
                    let positive: Vec<String> =
                        positive.map(|sum| format!("`{}`", terms.sum(sum))).collect();
                    let domain = match &positive[..] {
                        [] => String::new(),
                        [one] => format!(" where {one} is positive"),
                        all => format!(" where {} are positive", all.join(", ")),
                    };
                    let help = match unknown {
                        Vanishing::Nowhere => format!("no point was found{domain}"),
                        _ => format!(
                            "they differ in form by `{gap}`, and no point{domain} was found at which this is not 0"
                        ),
                    };
                    return fault("it cannot be decided whether the two sides are equal", &help);
                }
            }
        }
        Ok(differences)
    }

    /// Two coefficients by powers of the variable of the claim or of `h`, where they differ.
    fn powers(&self, x: &Q, y: &Q) -> Option<(usize, Vec<Unequal>)> {
        if let Some(Limit { variable, power }) = self.limit {
            let (a, b) = (
                PowerSeries::through(x, variable, power),
                PowerSeries::through(y, variable, power),
            );
            let powers = (a.low().min(b.low())..=power).map(|n| {
                let known = |s: &PowerSeries| s.coefficient(n).expect("expanded far enough");
                (n, known(&a), known(&b))
            });
            return Some((variable, powers.filter(|(_, a, b)| a != b).collect()));
        }
        let (a, b) = (notation::powers_of_step(x)?, notation::powers_of_step(y)?);
        let exponents: BTreeSet<i64> = a.iter().chain(&b).map(|(n, _)| *n).collect();
        let of = |list: &[(i64, Q)], n: i64| {
            list.iter().find(|(m, _)| *m == n).map_or_else(Q::zero, |(_, c)| c.clone())
        };
        let powers = exponents.into_iter().map(|n| (n, of(&a, n), of(&b, n)));
        Some((H, powers.filter(|(_, a, b)| a != b).collect()))
    }
}

fn mentions_optimizer(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |e| {
        if let ExprKind::Apply(callee, arguments) = &e.kind
            && let ExprKind::Name(name) = &callee.kind
        {
            found |= matches!(name.as_str(), "field" | "term" | "weight" | "start")
                || (name == "principal" && arguments.len() == 2);
        }
    });
    found
}
