//! From the parser's pairs to the parts of an optimizer.

use super::Optimizer;
use super::syntax::{Declared, Expression, Kind, Name, Statement};
use crate::grammar::Rule;
use crate::text::comment_above;
use crate::text::number::number;
use crate::text::source::{Source, SourceError};
use crate::text::syntax::operands;
use pest::iterators::Pair;
use std::ops::Range;

/// Reads one `optimizer`.
pub(super) fn optimizer(source: &Source, pair: Pair<'_, Rule>) -> Result<Optimizer, SourceError> {
    let span = range(&pair);
    let mut name = None;
    let mut parameters = Vec::new();
    let mut statements = Vec::new();
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::identifier => name = Some(self::name(&part)),
            Rule::parameters => parameters = names(part),
            Rule::players => statements.push(Statement::Players(names(part))),
            Rule::fields => statements.push(Statement::Fields(declared(source, part)?)),
            Rule::states => statements.push(Statement::States(declared(source, part)?)),
            Rule::slow => statements.push(Statement::Slow(declared(source, part)?)),
            Rule::stage | Rule::first | Rule::update => {
                statements.push(assignment(source, part)?);
            }
            _ => {}
        }
    }
    let name = name.expect("the grammar demands a name");
    Ok(Optimizer {
        doc: comment_above(&source.text, span.start),
        name: name.text,
        name_span: name.span,
        parameters: parameters.iter().map(|p| p.text.clone()).collect(),
        parameter_spans: parameters.into_iter().map(|p| p.span).collect(),
        statements,
        source: source.clone(),
    })
}

fn range(pair: &Pair<'_, Rule>) -> Range<usize> {
    pair.as_span().start()..pair.as_span().end()
}

fn name(pair: &Pair<'_, Rule>) -> Name {
    Name { text: pair.as_str().trim_end_matches('\'').into(), span: range(pair) }
}

fn names(pair: Pair<'_, Rule>) -> Vec<Name> {
    pair.into_inner().filter(|p| p.as_rule() == Rule::identifier).map(|p| name(&p)).collect()
}

/// Reads a list of fields or states.
fn declared(source: &Source, pair: Pair<'_, Rule>) -> Result<Vec<Declared>, SourceError> {
    let one = |pair: Pair<'_, Rule>| {
        let mut parts = pair.into_inner();
        let name = name(&parts.next().expect("the grammar demands a name"));
        let value = parts.find(|part| part.as_rule() == Rule::sum);
        Ok(Declared { name, value: value.map(|value| sum(source, value)).transpose()? })
    };
    pair.into_inner().filter(|p| p.as_rule() == Rule::declared).map(one).collect()
}

fn assignment(source: &Source, pair: Pair<'_, Rule>) -> Result<Statement, SourceError> {
    let is_first = pair.as_rule() == Rule::first;
    let (mut target, mut value) = (None, None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::identifier => target = Some((name(&part), false)),
            Rule::primed => target = Some((name(&part), true)),
            Rule::sum => value = Some(sum(source, part)?),
            _ => {}
        }
    }
    let (target, primed) = target.expect("the grammar demands a target");
    let value = value.expect("the grammar demands a value");
    Ok(match (primed, is_first) {
        (false, _) => Statement::Stage(target, value),
        (true, false) => Statement::Update(target, value),
        (true, true) => Statement::First(target, value),
    })
}

/// A list of operands with operators between them; `inverse` is the operator that marks its
/// operand. A list of one is that operand.
fn chain(
    source: &Source,
    pair: Pair<'_, Rule>,
    inverse: Rule,
    operand: fn(&Source, Pair<'_, Rule>) -> Result<Expression, SourceError>,
    join: fn(Vec<(bool, Expression)>) -> Kind,
) -> Result<Expression, SourceError> {
    let span = trimmed(&pair);
    let operators = [Rule::plus, Rule::minus, Rule::times, Rule::over];
    let mut operands = operands(pair, &operators, inverse, |part| operand(source, part))?;
    Ok(if operands.len() == 1 {
        operands.swap_remove(0).1
    } else {
        Expression { kind: join(operands), span }
    })
}

/// A pair's range without blanks at its end: a list may have looked past them for an operator.
fn trimmed(pair: &Pair<'_, Rule>) -> Range<usize> {
    let span = range(pair);
    span.start..span.start + pair.as_str().trim_end().len()
}

/// Reads a `sum`.
fn sum(source: &Source, pair: Pair<'_, Rule>) -> Result<Expression, SourceError> {
    chain(source, pair, Rule::minus, product, Kind::Sum)
}

fn product(source: &Source, pair: Pair<'_, Rule>) -> Result<Expression, SourceError> {
    chain(source, pair, Rule::over, factor, Kind::Product)
}

/// A `factor` or an `exponent`: signs before an operand.
fn factor(source: &Source, pair: Pair<'_, Rule>) -> Result<Expression, SourceError> {
    let span = trimmed(&pair);
    let mut negative = false;
    let mut value = None;
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::minus => negative = !negative,
            Rule::power => value = Some(power(source, part)?),
            Rule::open | Rule::close => {}
            _ => value = Some(atom(source, part)?),
        }
    }
    let value = value.expect("the grammar demands an operand");
    Ok(if negative { Expression { kind: Kind::Negative(value.into()), span } } else { value })
}

fn power(source: &Source, pair: Pair<'_, Rule>) -> Result<Expression, SourceError> {
    let span = trimmed(&pair);
    let mut value = None;
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::open | Rule::close | Rule::caret => {}
            Rule::exponent => {
                let exponent = factor(source, part.clone())?;
                let base: Expression = value.expect("a base comes first");
                if matches!(base.kind, Kind::Power(..)) && base.span.start == span.start {
                    return Err(source.fault(
                        span,
                        "a chain of powers is ambiguous",
                        "which power comes first?",
                        Some("write brackets: `(a^b)^c` or `a^(b^c)`".into()),
                    ));
                }
                let span = span.start..range(&part).end;
                value = Some(Expression { kind: Kind::Power(base.into(), exponent.into()), span });
            }
            _ => value = Some(atom(source, part)?),
        }
    }
    Ok(value.expect("the grammar demands an operand"))
}

fn atom(source: &Source, pair: Pair<'_, Rule>) -> Result<Expression, SourceError> {
    let span = range(&pair);
    let kind = match pair.as_rule() {
        Rule::sum => return sum(source, pair),
        Rule::number => {
            let fault = |e: super::NumberError| {
                source.fault(span.clone(), e.to_string(), "this number", None)
            };
            Kind::Number(number(pair.as_str()).map_err(fault)?)
        }
        Rule::primed => Kind::New(name(&pair).text),
        Rule::derivative => {
            let mut parts = pair.into_inner();
            let field = parts.find(|part| part.as_rule() == Rule::identifier);
            let field = name(&field.expect("the grammar demands a field"));
            let direction = parts.find(|part| part.as_rule() == Rule::sum);
            let direction = sum(source, direction.expect("the grammar demands a direction"))?;
            Kind::Derivative(field, direction.into())
        }
        Rule::application => {
            let mut parts = pair.into_inner();
            let field = name(&parts.next().expect("the grammar demands a field"));
            let arguments = parts
                .filter(|p| p.as_rule() == Rule::sum)
                .map(|p| sum(source, p))
                .collect::<Result<_, _>>()?;
            Kind::Application(field, arguments)
        }
        _ => Kind::Old(pair.as_str().into()),
    };
    Ok(Expression { kind, span })
}
