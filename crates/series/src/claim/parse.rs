//! From text to claims.

use super::syntax::{
    Argument, Claim, Declaration, Definition, Expr, ExprKind, IndexRange, Modulo, UpTo,
};
use crate::grammar::{Rule, parse_file};
use crate::optimizer::parse_value;
use crate::text::source::{Source, SourceError};
use crate::tree::Tree;
use num_rational::BigRational;
use pest::iterators::Pair;
use std::collections::BTreeSet;

/// The most suffixes on one operand, and the most factors of one juxtaposition.
const MAX_CHAIN: usize = 250;

/// The claims of a file, which may hold optimizers too.
///
/// # Errors
/// Syntax errors, with the place where they show.
///
/// ```
/// # use bea_series::{claim, source::Source};
/// let source = Source::new("mine.bea", r#"claim "Eq. 3": field(gradient_descent, 1) == -g - h/2*H*g"#);
/// assert_eq!(claim::parse(&source)?[0].name, "Eq. 3");
/// # Ok::<(), bea_series::source::SourceError>(())
/// ```
pub fn parse(source: &Source) -> Result<Vec<Claim>, SourceError> {
    let mut names = BTreeSet::new();
    let mut claims = Vec::new();
    for pair in parse_file(source)?.into_iter().filter(|p| p.as_rule() == Rule::claim) {
        let reader = Reader { source };
        let claim = reader.claim(pair)?;
        if !names.insert(claim.name.clone()) {
            return Err(source.fault(
                claim.span,
                format!("there are two claims named \"{}\"", claim.name),
                "the second one",
                Some("give it another name, so that a report tells them apart".into()),
            ));
        }
        claims.push(claim);
    }
    Ok(claims)
}

struct Reader<'a> {
    source: &'a Source,
}

/// Whether a pair is more than punctuation.
fn carries_meaning(pair: &Pair<Rule>) -> bool {
    !matches!(
        pair.as_rule(),
        Rule::open
            | Rule::close
            | Rule::comma
            | Rule::semicolon
            | Rule::colon
            | Rule::equals
            | Rule::equality
            | Rule::dots
            | Rule::bar
            | Rule::quote
            | Rule::nabla_sign
            | Rule::open_bracket
            | Rule::close_bracket
            | Rule::caret
            | Rule::claim_word
            | Rule::let_word
            | Rule::fields_word
            | Rule::up_word
            | Rule::to_word
            | Rule::modulo_word
            | Rule::for_word
            | Rule::in_word
            | Rule::expect_word
            | Rule::false_word
            | Rule::sum_word
    )
}

fn parts(pair: Pair<Rule>) -> impl Iterator<Item = Pair<Rule>> {
    pair.into_inner().filter(carries_meaning)
}

fn span(pair: &Pair<Rule>) -> std::ops::Range<usize> {
    pair.as_span().start()..pair.as_span().end()
}

fn text(pair: Pair<Rule>) -> String {
    pair.as_str().to_string()
}

impl Reader<'_> {
    fn fault(
        &self,
        span: std::ops::Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) -> SourceError {
        self.source.fault(span, message, label, Some(help.into()))
    }

    fn claim(&self, pair: Pair<Rule>) -> Result<Claim, SourceError> {
        let mut claim = Claim {
            name: String::new(),
            declarations: Vec::new(),
            sides: Vec::new(),
            up_to: None,
            modulo: None,
            ranges: Vec::new(),
            expect_false: false,
            span: pair.as_span().start()..pair.as_span().start(),
        };
        for part in parts(pair) {
            let place = span(&part);
            let twice = |what: &str| {
                let message = format!("`{what}` stands twice in one claim");
                self.fault(place.clone(), message, "the second one", "keep one of them")
            };
            match part.as_rule() {
                Rule::title => {
                    claim.name = parts(part).map(text).collect();
                    claim.span.end = place.end;
                }
                Rule::generic_fields => {
                    claim.declarations.push(Declaration::Fields(parts(part).map(text).collect()));
                }
                Rule::definition => {
                    claim.declarations.push(Declaration::Let(self.definition(part)?));
                }
                Rule::equation => {
                    claim.sides = self.expressions(part)?;
                }
                Rule::up_to if claim.up_to.is_some() => return Err(twice("up to")),
                Rule::up_to => {
                    let mut inner = parts(part);
                    let variable = text(inner.next().expect("a name"));
                    let exponent = inner.next().map(|e| self.exponent(e)).transpose()?;
                    claim.up_to = Some(UpTo { variable, exponent });
                }
                Rule::modulo if claim.modulo.is_some() => return Err(twice("modulo")),
                Rule::modulo => {
                    let word = parts(part).next().expect("a name");
                    claim.modulo = Some(match word.as_str() {
                        "nonprincipal" => Modulo::Nonprincipal,
                        "critical" => Modulo::Critical,
                        other => {
                            return Err(self.fault(
                                span(&word),
                                format!("nothing is known modulo `{other}`"),
                                "unknown class of terms",
                                "write `modulo nonprincipal` (terms with second or higher \
                                 derivatives of f) or `modulo critical` (terms that vanish \
                                 where f does)",
                            ));
                        }
                    });
                }
                Rule::quantifier if !claim.ranges.is_empty() => return Err(twice("for")),
                Rule::quantifier => {
                    claim.ranges = parts(part).map(|r| self.range(r)).collect::<Result<_, _>>()?;
                }
                Rule::expectation => claim.expect_false = true,
                other => unreachable!("{other:?} in a claim"),
            }
        }
        Ok(claim)
    }

    fn definition(&self, pair: Pair<Rule>) -> Result<Definition, SourceError> {
        let mut inner = parts(pair);
        let name = text(inner.next().expect("a name"));
        let next = inner.next().expect("a body");
        let (parameters, body) = if next.as_rule() == Rule::arguments {
            (parts(next).map(text).collect(), inner.next().expect("a body"))
        } else {
            (Vec::new(), next)
        };
        Ok(Definition { name, parameters, body: self.expression(body)? })
    }

    fn range(&self, pair: Pair<Rule>) -> Result<IndexRange, SourceError> {
        let mut inner = parts(pair);
        let name = text(inner.next().expect("a name"));
        let mut bound = || self.expression(inner.next().expect("a bound"));
        Ok(IndexRange { name, from: bound()?, to: bound()? })
    }

    fn expressions(&self, pair: Pair<Rule>) -> Result<Vec<Expr>, SourceError> {
        parts(pair).map(|e| self.expression(e)).collect()
    }

    /// An `expression`: a sum of terms.
    fn expression(&self, pair: Pair<Rule>) -> Result<Expr, SourceError> {
        let place = span(&pair);
        let mut summands = Vec::new();
        let mut subtract = false;
        for part in parts(pair) {
            match part.as_rule() {
                Rule::plus => subtract = false,
                Rule::minus => subtract = true,
                _ => summands.push((subtract, self.term(part)?)),
            }
        }
        Ok(match summands.len() {
            1 => summands.pop().expect("one").1,
            _ => Expr { kind: ExprKind::Sum(summands), span: place },
        })
    }

    fn term(&self, pair: Pair<Rule>) -> Result<Expr, SourceError> {
        let place = span(&pair);
        let mut factors = Vec::new();
        let mut divide = false;
        for part in parts(pair) {
            match part.as_rule() {
                Rule::times => divide = false,
                Rule::over => divide = true,
                _ => factors.push((divide, self.signed(part)?)),
            }
        }
        Ok(match factors.len() {
            1 => factors.pop().expect("one").1,
            _ => Expr { kind: ExprKind::Product(factors), span: place },
        })
    }

    fn signed(&self, pair: Pair<Rule>) -> Result<Expr, SourceError> {
        let place = span(&pair);
        let mut negative = false;
        for part in parts(pair) {
            if part.as_rule() == Rule::minus {
                negative = !negative;
            } else {
                let value = self.juxtaposition(part)?;
                return Ok(if negative {
                    Expr { kind: ExprKind::Negative(Box::new(value)), span: place }
                } else {
                    value
                });
            }
        }
        unreachable!("a sign without a value")
    }

    fn juxtaposition(&self, pair: Pair<Rule>) -> Result<Expr, SourceError> {
        let place = span(&pair);
        let mut operands = parts(pair).map(|p| self.operand(p)).collect::<Result<Vec<_>, _>>()?;
        self.check_chain(operands.len(), place.clone())?;
        Ok(match operands.len() {
            1 => operands.pop().expect("one"),
            _ => Expr { kind: ExprKind::Juxtaposition(operands), span: place },
        })
    }

    fn check_chain(&self, length: usize, place: std::ops::Range<usize>) -> Result<(), SourceError> {
        if length <= MAX_CHAIN {
            return Ok(());
        }
        Err(self.fault(
            place.start..place.start + 1,
            "this chain of derivatives is too long",
            format!("{length} parts start here"),
            format!("at most {MAX_CHAIN} are handled; write a power, `f'^{length}*f`"),
        ))
    }

    fn operand(&self, pair: Pair<Rule>) -> Result<Expr, SourceError> {
        let start = pair.as_span().start();
        let mut inner = parts(pair);
        let mut value = self.base(inner.next().expect("an operand"))?;
        let mut powers = false;
        for (count, suffix) in inner.enumerate() {
            let place = start..suffix.as_span().end();
            self.check_chain(count, place.clone())?;
            let boxed = Box::new(value);
            let rule = suffix.as_rule();
            if powers {
                return Err(self.fault(
                    span(&suffix),
                    "it is not clear what this belongs to: the base or the exponent",
                    "after a power",
                    "set brackets: `(x^a)(y)`, `x^(a(y))`, `(x^a)!`, `x^(a^b)`",
                ));
            }
            powers = matches!(rule, Rule::power_suffix | Rule::superscript);
            let kind = match rule {
                Rule::primes => ExprKind::Prime(boxed, suffix.as_str().len()),
                Rule::call => ExprKind::Apply(boxed, self.arguments(suffix)?),
                Rule::index => ExprKind::Index(boxed, self.expressions(suffix)?),
                Rule::bang => ExprKind::Factorial(boxed),
                Rule::power_suffix => {
                    let exponent = self.exponent(parts(suffix).next().expect("an exponent"))?;
                    ExprKind::Power(boxed, Box::new(exponent))
                }
                Rule::superscript => {
                    let exponent = number(superscript(suffix.as_str()));
                    let exponent = Expr { kind: exponent, span: span(&suffix) };
                    ExprKind::Power(boxed, Box::new(exponent))
                }
                other => unreachable!("{other:?} as a suffix"),
            };
            value = Expr { kind, span: place };
        }
        Ok(value)
    }

    fn arguments(&self, pair: Pair<Rule>) -> Result<Vec<Argument>, SourceError> {
        parts(pair)
            .map(|part| {
                if part.as_rule() == Rule::named_argument {
                    let mut inner = parts(part);
                    let name = Some(text(inner.next().expect("a name")));
                    let value = self.expression(inner.next().expect("a value"))?;
                    Ok(Argument { name, value })
                } else {
                    Ok(Argument { name: None, value: self.expression(part)? })
                }
            })
            .collect()
    }

    fn exponent(&self, pair: Pair<Rule>) -> Result<Expr, SourceError> {
        let place = span(&pair);
        let mut negative = false;
        for part in parts(pair) {
            if part.as_rule() == Rule::minus {
                negative = true;
                continue;
            }
            let value = self.base(part)?;
            return Ok(if negative {
                Expr { kind: ExprKind::Negative(Box::new(value)), span: place }
            } else {
                value
            });
        }
        unreachable!("an exponent without a value")
    }

    fn base(&self, pair: Pair<Rule>) -> Result<Expr, SourceError> {
        let place = span(&pair);
        let kind = match pair.as_rule() {
            Rule::expression => return self.expression(pair),
            Rule::name => ExprKind::Name(text(pair)),
            Rule::number => {
                let value = parse_value(pair.as_str()).map_err(|e| {
                    self.source.fault(place.clone(), e.to_string(), "this number", None)
                })?;
                ExprKind::Number(value)
            }
            Rule::tree => {
                let tree = pair.as_str().parse::<Tree>().map_err(|e| {
                    let at = (place.start + e.position).min(place.end);
                    self.fault(
                        at..(at + 1).min(place.end.max(at)),
                        e.message,
                        "in this tree",
                        "a tree is written as nested brackets: `[[],[[]]]`",
                    )
                })?;
                ExprKind::Tree(tree)
            }
            Rule::norm => {
                let inner = self.expression(parts(pair).next().expect("a vector"))?;
                ExprKind::Norm(Box::new(inner))
            }
            Rule::nabla => {
                let mut order = 1;
                let mut inner = parts(pair);
                let mut next = inner.next().expect("an operand");
                if next.as_rule() == Rule::superscript {
                    order = superscript(next.as_str()).min(1000);
                    next = inner.next().expect("an operand");
                }
                ExprKind::Nabla(order, Box::new(self.base(next)?))
            }
            Rule::entries => {
                let inner = parts(pair).next().expect("a vector");
                let callee = Expr { kind: ExprKind::Name("sum".into()), span: place.clone() };
                let argument = Argument { name: None, value: self.expression(inner)? };
                ExprKind::Apply(Box::new(callee), vec![argument])
            }
            Rule::summation => {
                let mut ranges = Vec::new();
                let mut body = None;
                for part in parts(pair) {
                    if part.as_rule() == Rule::range {
                        ranges.push(self.range(part)?);
                    } else {
                        body = Some(self.expression(part)?);
                    }
                }
                ExprKind::Summation(ranges, Box::new(body.expect("a body")))
            }
            other => unreachable!("{other:?} as an operand"),
        };
        Ok(Expr { kind, span: place })
    }
}

fn number(value: usize) -> ExprKind {
    ExprKind::Number(BigRational::from_integer(value.into()))
}

/// The value of `²³`.
fn superscript(digits: &str) -> usize {
    const DIGITS: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹";
    digits.chars().fold(0usize, |value, c| {
        let digit = DIGITS.chars().position(|d| d == c).expect("a superscript digit");
        value.saturating_mul(10).saturating_add(digit)
    })
}
