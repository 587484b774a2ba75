//! Whether a claim is true.

use super::comparison::{Comparison, Limit};
use super::derivations::Derivations;
use super::differential::Bounds;
use super::evaluate::{Evaluator, GUARD};
use super::functions::MAX_ORDER;
use super::notation::Style;
use super::scope::{Names, check_binders};
use super::syntax::{Claim, Declaration, Modulo};
use super::value::Value;
use crate::exact::effort;
use crate::optimizer::Optimizer;
use crate::text::source::{Source, SourceError};

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

    /// `true`, `false`, `false as expected` or `true although expected false`.
    pub fn name(&self) -> &'static str {
        match (self.holds, self.expect_false) {
            (true, false) => "true",
            (false, false) => "false",
            (false, true) => "false as expected",
            (true, true) => "true although expected false",
        }
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
    bound: u64,
}

/// The most operations on coefficients that a claim may take: some seconds.
const MAX_EFFORT: u64 = 500_000_000;

impl<'a> Checker<'a> {
    /// A checker that knows `optimizers` beside the library.
    pub fn new(optimizers: &'a [Optimizer]) -> Checker<'a> {
        Checker { derivations: Derivations::new(optimizers), bound: MAX_EFFORT }
    }

    /// The same checker without a bound on the effort for one claim.
    #[must_use]
    pub fn without_bound(self) -> Checker<'a> {
        Checker { bound: u64::MAX, derivations: self.derivations.without_bound() }
    }

    /// Derives both sides of a claim and compares them, term by term and exactly.
    ///
    /// # Errors
    /// If the claim does not make sense (a name that is not defined, a field compared with a
    /// number) or asks for more than can be computed, or for too much: the fault and its place. A claim that is
    /// merely false is not an error.
    pub fn check(&mut self, claim: &'a Claim, source: &Source) -> Result<Verdict, SourceError> {
        effort::within(self.bound, || self.verdict(claim, source)).unwrap_or_else(|exhausted| {
            Err(source.fault(
                claim.span.clone(),
                exhausted.to_string(),
                "this claim",
                Some(
                    "lower its powers and orders, give its symbols values, or check it all the same \
                     with --force"
                        .into(),
                ),
            ))
        })
    }

    fn verdict(&mut self, claim: &'a Claim, source: &Source) -> Result<Verdict, SourceError> {
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
        let imprecise = evaluator.imprecise.take();
        match (result, evaluator.unlike.take()) {
            (Err(fault), _) if imprecise && limit.is_some() => {
                last = Some(fault);
            }
            // A published formula that adds a number and a field is false, as the claim expects.
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
    let sides = claim.sides.iter().map(|side| evaluator.evaluate(side));
    let mut sides: Vec<Value> = sides.collect::<Result<_, _>>()?;
    // Where one is made entry by entry, all are.
    if sides.iter().any(|side| matches!(side, Value::Entrywise(_))) {
        for (side, expr) in sides.iter_mut().zip(&claim.sides) {
            let value = evaluator.entrywise(side);
            *side = Value::Entrywise(evaluator.lift(&expr.span, value)?);
        }
    }
    Ok(sides)
}
