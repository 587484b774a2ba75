//! Whether a claim is true.

use super::derivations::Derivations;
use super::differential::{Bounds, Differential, H};
use super::evaluate::{Evaluator, GUARD};
use super::functions::MAX_ORDER;
use super::holes::has_field_leaf;
use super::notation::{self, Style};
use super::power_series::PowerSeries;
use super::scope::{Names, check_binders};
use super::syntax::{Claim, Declaration, Expr, ExprKind, Modulo};
use super::value::Value;
use crate::exact::RationalFunction as Q;
use crate::optimizer::Optimizer;
use crate::source::{Source, SourceError};
use std::collections::BTreeSet;

/// The outcome of checking one claim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// Whether the equation holds in every case.
    pub holds: bool,
    /// Whether the claim says that it does not: `expect false`.
    pub expect_false: bool,
    /// How many cases were compared: the values of the indices.
    pub cases: usize,
    /// Every term in which the sides differ.
    pub differences: Vec<Difference>,
}

impl Verdict {
    /// Whether the claim is as it says: true, or false as expected.
    pub fn passes(&self) -> bool {
        self.holds != self.expect_false
    }
}

/// One term in which the sides of an equation differ.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// The values of the indices, `n = 3`.
    pub case: Vec<(String, i64)>,
    /// Which equality sign it is, counted from 1.
    pub equality: usize,
    /// The term in the claim's notation; empty for numbers.
    pub term: String,
    /// Its coefficient as claimed.
    pub claimed: String,
    /// Its coefficient as derived.
    pub derived: String,
}

/// Checks claims that speak of a file's own optimizers and of the library's.
pub struct Checker<'a> {
    derivations: Derivations<'a>,
}

impl<'a> Checker<'a> {
    /// A checker that knows `optimizers` beside the library.
    pub fn new(optimizers: &'a [Optimizer]) -> Checker<'a> {
        Checker { derivations: Derivations::new(optimizers) }
    }

    /// Derives both sides of a claim and compares them, term by term and exactly.
    ///
    /// # Errors
    /// If the claim does not make sense (a name that is not defined, a field compared with a
    /// number) or asks for more than can be computed: the fault and its place. A claim that is
    /// merely false is not an error.
    pub fn check(&mut self, claim: &'a Claim, source: &Source) -> Result<Verdict, SourceError> {
        let mut names = Names::collect(claim, source, &mut self.derivations)?;
        check_binders(claim, source, &names)?;
        let mut verdict = Verdict {
            holds: true,
            expect_false: claim.expect_false,
            cases: 0,
            differences: Vec::new(),
        };
        let style = Style::of(claim);
        let mut evaluator = Evaluator::new(source, &mut names, &mut self.derivations);
        let mut cases = 0;
        evaluator.for_each(&claim.ranges, &mut cases, &mut |evaluator| {
            verdict.cases += 1;
            let case = claim
                .ranges
                .iter()
                .map(|range| (range.name.clone(), evaluator.bound_integer(&range.name)))
                .collect();
            let found = compare_case(claim, evaluator, style)?;
            verdict.differences.extend(found.into_iter().map(|d| d.of_case(&case)));
            Ok(())
        })?;
        if verdict.cases == 0 {
            return Err(source.fault(
                claim.span.clone(),
                "the claim has no cases",
                "its ranges are empty",
                Some("both ends of a range are included, and the lower one comes first".into()),
            ));
        }
        verdict.holds = verdict.differences.is_empty();
        Ok(verdict)
    }
}

impl Difference {
    fn of_case(mut self, case: &Vec<(String, i64)>) -> Difference {
        self.case.clone_from(case);
        self
    }
}

/// The powers that a comparison looks at.
#[derive(Clone, Copy)]
struct Limit {
    variable: usize,
    power: i64,
}

fn compare_case<'c>(
    claim: &'c Claim,
    evaluator: &mut Evaluator<'_, 'c>,
    style: Style,
) -> Result<Vec<Difference>, SourceError> {
    let chains_only = claim.modulo == Some(Modulo::Nonprincipal);
    evaluator.set_bounds(Bounds { order: None, chains_only });
    let limit = limit(claim, evaluator)?;
    let depth = evaluator.depth();
    let mut last = None;
    for guard in GUARD {
        if let Some(limit) = limit {
            evaluator.set_formal(limit.variable, limit.power + 1 + guard);
        }
        let result = sides(claim, evaluator).and_then(|sides| {
            let mut differences = Vec::new();
            for (i, pair) in sides.windows(2).enumerate() {
                let spans = (&claim.sides[i], &claim.sides[i + 1]);
                let comparison = Comparison { evaluator, style, limit, spans, claim };
                match comparison.run(&pair[0], &pair[1])? {
                    Some(found) => {
                        differences.extend(found.into_iter().map(|mut d| {
                            d.equality = i + 1;
                            d
                        }));
                    }
                    None => return Ok(None),
                }
            }
            Ok(Some(differences))
        });
        evaluator.unbind(depth);
        let imprecise = std::mem::take(&mut evaluator.imprecise);
        match (result, evaluator.unlike.take()) {
            (Err(fault), _) if imprecise && limit.is_some() => {
                last = Some(fault);
            }
            // As printed, the formula adds what cannot be added, and the claim says so.
            (Err(_), Some(unlike)) if claim.expect_false => {
                return Ok(vec![Difference {
                    case: Vec::new(),
                    equality: 1,
                    term: String::new(),
                    claimed: unlike,
                    derived: "nothing".to_string(),
                }]);
            }
            (result, _) => {
                if let Some(differences) = result? {
                    return Ok(differences);
                }
            }
        }
    }
    Err(last.unwrap_or_else(|| {
        evaluator.fault_with(
            &claim.sides[0].span,
            "powers cancel beyond what is computed",
            "multiply the equation by what divides it",
        )
    }))
}

fn limit<'c>(
    claim: &'c Claim,
    evaluator: &mut Evaluator<'_, 'c>,
) -> Result<Option<Limit>, SourceError> {
    let Some(up_to) = &claim.up_to else { return Ok(None) };
    let power = match &up_to.exponent {
        Some(exponent) => evaluator.integer(exponent)?,
        None => 1,
    };
    let bound = evaluator.bound_names().any(|n| n == up_to.variable);
    let variable = evaluator.names.variable(&up_to.variable).filter(|_| !bound);
    let span = &claim.span;
    let Some(variable) = variable else {
        let message = format!("`{}` cannot be the variable of a series here", up_to.variable);
        return Err(evaluator.fault_with(span, message, "it is an index, or the ninth symbol"));
    };
    if !(0..=MAX_ORDER as i64).contains(&power) {
        let message = format!("`up to` the power {power} says nothing or too much");
        return Err(evaluator.fault_with(span, message, format!("0 to {MAX_ORDER} are checked")));
    }
    Ok(Some(Limit { variable, power }))
}

/// The values of the sides, after the definitions.
fn sides<'c>(
    claim: &'c Claim,
    evaluator: &mut Evaluator<'_, 'c>,
) -> Result<Vec<Value>, SourceError> {
    for declaration in &claim.declarations {
        match declaration {
            Declaration::Let(d) if d.parameters.is_empty() => {
                let value = evaluator.evaluate(&d.body)?;
                evaluator.bind(&d.name, value);
            }
            Declaration::Let(d) => evaluator.define(d),
            Declaration::Fields(_) => {}
        }
    }
    claim.sides.iter().map(|side| evaluator.evaluate(side)).collect()
}

/// The exponent of a power, and its two coefficients.
type Unequal = (i64, Q, Q);

struct Comparison<'x, 'e, 'c> {
    evaluator: &'x Evaluator<'e, 'c>,
    style: Style,
    limit: Option<Limit>,
    spans: (&'x Expr, &'x Expr),
    claim: &'x Claim,
}

impl Comparison<'_, '_, '_> {
    /// The terms in which two sides differ; `None` if they are not known well enough.
    fn run(&self, left: &Value, right: &Value) -> Result<Option<Vec<Difference>>, SourceError> {
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
        vec![self.difference(String::new(), left.kind().into(), right.kind().into())]
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
            Value::Differential(_) => unreachable!("compared as fields"),
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
            a = a.retain(|t| !has_field_leaf(t));
            b = b.retain(|t| !has_field_leaf(t));
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
        let mut differences = Vec::new();
        for tree in trees {
            let x = a.terms().get(tree).unwrap_or(&zero);
            let y = b.terms().get(tree).unwrap_or(&zero);
            if x == y {
                continue;
            }
            let style = if self.style.for_field(&a) == self.style.for_field(&b) {
                self.style.for_field(&a)
            } else {
                Style::Prime
            };
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
            found |= matches!(name.as_str(), "field" | "term" | "weight")
                || (name == "principal" && arguments.len() == 2);
        }
    });
    found
}
