//! From the text of a loss to its syntax tree.

use super::super::graph::Relation;
use super::syntax::{Body, Data, Definition, Expression, ExpressionKind, Loop, Name, Variable};
use bea_series::text::comment_above;
use bea_series::text::number::number;
use bea_series::text::source::{Source, SourceError};
use bea_series::text::syntax::{MAX_DEPTH, check_depth, either, fault_at, operands};
use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};
use pest::iterators::Pair;
use std::ops::Range;

/// Generated from `grammar/loss.pest`.
#[derive(pest_derive::Parser)]
#[grammar = "../grammar/loss.pest"]
struct LossParser;

/// The losses of a file.
pub(super) fn file(source: &Source) -> Result<Vec<Definition>, SourceError> {
    let file = parse(source, Rule::file)?;
    file.into_inner().filter(|p| p.as_rule() == Rule::loss).map(|p| definition(source, p)).collect()
}

/// A bare formula.
pub(super) fn formula(source: &Source) -> Result<Body, SourceError> {
    let pair = parse(source, Rule::formula)?;
    let body_pair = pair.into_inner().find(|p| p.as_rule() == Rule::body);
    body(source, body_pair.expect("the grammar demands a body"))
}

/// The value of a parameter or the coordinates of a point.
pub(super) fn constant(source: &Source) -> Result<Expression, SourceError> {
    let pair = parse(source, Rule::constant)?;
    let value = pair.into_inner().find(|p| p.as_rule() == Rule::sum);
    expression(source, value.expect("the grammar demands a value"))
}

fn parse(source: &Source, rule: Rule) -> Result<Pair<'_, Rule>, SourceError> {
    check_depth(source)?;
    let parsed = LossParser::parse(rule, &source.text);
    let mut pairs = parsed.map_err(|error| {
        let at = match error.location {
            InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
        };
        let (message, semicolon) = match &error.variant {
            ErrorVariant::ParsingError { positives, .. } => {
                (expectation(positives), positives.contains(&Rule::semicolon))
            }
            ErrorVariant::CustomError { message } => (message.clone(), false),
        };
        fault_at(source, at, &message, |found, before| advice(found, before, semicolon))
    })?;
    Ok(pairs.next().expect("one pair a rule"))
}

/// `a, b or c` for the rules that would have fitted.
fn expectation(rules: &[Rule]) -> String {
    let mut names: Vec<String> = Vec::new();
    for rule in rules {
        let name = match rule {
            Rule::file | Rule::loss | Rule::loss_word => "`loss`",
            Rule::EOI => "the end",
            Rule::identifier => "a name",
            Rule::open | Rule::parameters => "`(`",
            Rule::close => "`)`",
            Rule::open_brace => "`{`",
            Rule::close_brace => "`}`",
            Rule::open_bracket => "`[`",
            Rule::close_bracket => "`]`",
            Rule::comma => "`,`",
            Rule::colon => "`:`",
            Rule::semicolon => "`;`",
            Rule::equals => "`=`",
            Rule::dots => "`..`",
            Rule::in_word | Rule::domain => "`in`",
            Rule::relation => "`<`, `<=`, `>` or `>=`",
            Rule::plus | Rule::minus | Rule::times | Rule::over | Rule::caret | Rule::index => {
                "an operator"
            }
            Rule::variables | Rule::variables_word | Rule::data | Rule::data_word => {
                "a declaration"
            }
            Rule::start | Rule::start_word | Rule::minimum | Rule::minimum_word => "a declaration",
            _ => "an expression",
        };
        if !names.iter().any(|n| n == name) {
            names.push(name.into());
        }
    }
    either(&names)
}

fn advice(found: &str, before: &str, semicolon: bool) -> Option<String> {
    let starts_value = found.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '(');
    if found.is_empty() && before.trim().is_empty() {
        Some("write a formula: `x^2 + y^2`".into())
    } else if found.is_empty() {
        Some("is a closing bracket missing?".into())
    } else if found == "*" && before.ends_with('*') {
        Some("powers are written `^`: `x^2`".into())
    } else if found == "=" {
        Some("a name is given to an expression by `let r = …;` before the formula".into())
    } else if semicolon && starts_value {
        Some("declarations and `let` end with `;`; products are written with `*`".into())
    } else if starts_value {
        Some("products are written with `*`: `2*x`".into())
    } else {
        None
    }
}

fn range(pair: &Pair<'_, Rule>) -> Range<usize> {
    let start = pair.as_span().start();
    start..start + pair.as_str().trim_end().len()
}

fn name(pair: &Pair<'_, Rule>) -> Name {
    Name { text: pair.as_str().into(), span: range(pair) }
}

fn sums(source: &Source, pair: Pair<'_, Rule>) -> Result<Vec<Expression>, SourceError> {
    pair.into_inner().filter(|p| p.as_rule() == Rule::sum).map(|p| expression(source, p)).collect()
}

fn names(pair: Pair<'_, Rule>) -> Vec<Name> {
    pair.into_inner().filter(|p| p.as_rule() == Rule::identifier).map(|p| name(&p)).collect()
}

fn definition(source: &Source, pair: Pair<'_, Rule>) -> Result<Definition, SourceError> {
    let doc = comment_above(&source.text, pair.as_span().start());
    let (mut title, mut main) = (None, None);
    let (mut parameters, mut variables, mut data) = (Vec::new(), Vec::new(), Vec::new());
    let (mut start, mut minima) = (Vec::new(), Vec::new());
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::identifier => title = Some(name(&part)),
            Rule::parameters => {
                for p in part.into_inner().filter(|p| p.as_rule() == Rule::parameter) {
                    let title = name(&p.clone().into_inner().next().expect("a name"));
                    parameters.push((title, sums(source, p)?.pop()));
                }
            }
            Rule::variables => {
                for p in part.into_inner().filter(|p| p.as_rule() == Rule::variable) {
                    variables.push(variable(source, p)?);
                }
            }
            Rule::data => {
                let [inputs, targets, table] =
                    names(part).try_into().expect("the grammar demands three");
                data.push(Data { inputs, targets, table });
            }
            Rule::start => start = sums(source, part)?,
            Rule::minimum => minima.push(sums(source, part)?),
            Rule::body => main = Some(body(source, part)?),
            _ => {}
        }
    }
    let name = title.expect("the grammar demands a name");
    let body = main.expect("the grammar demands a formula");
    Ok(Definition { name, doc, parameters, variables, data, start, minima, body })
}

fn variable(source: &Source, pair: Pair<'_, Rule>) -> Result<Variable, SourceError> {
    let (mut title, mut shape, mut domain) = (None, Vec::new(), None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::identifier => title = Some(name(&part)),
            Rule::shape => shape = sums(source, part)?,
            Rule::domain => domain = Some(pair_of(sums(source, part)?)),
            _ => {}
        }
    }
    Ok(Variable { name: title.expect("the grammar demands a name"), shape, domain })
}

fn pair_of(list: Vec<Expression>) -> (Expression, Expression) {
    let [a, b] = list.try_into().expect("the grammar demands two");
    (a, b)
}

fn body(source: &Source, pair: Pair<'_, Rule>) -> Result<Body, SourceError> {
    let (mut lets, mut value) = (Vec::new(), None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::definition => {
                let title = part.clone().into_inner().find(|p| p.as_rule() == Rule::identifier);
                let value = sums(source, part)?.pop().expect("the grammar demands a value");
                lets.push((name(&title.expect("the grammar demands a name")), value));
            }
            Rule::sum => value = Some(expression(source, part)?),
            _ => {}
        }
    }
    Ok(Body { lets, value: value.expect("the grammar demands a formula") })
}

fn loops(source: &Source, pair: &Pair<'_, Rule>) -> Result<Vec<Loop>, SourceError> {
    let ranges = pair.clone().into_inner().filter(|p| p.as_rule() == Rule::range);
    ranges
        .map(|p| {
            let name = name(&p.clone().into_inner().next().expect("a name"));
            let (from, to) = pair_of(sums(source, p)?);
            Ok(Loop { name, from, to })
        })
        .collect()
}

/// A list of operands with operators between them; a list of one is that operand.
fn chain(
    source: &Source,
    pair: Pair<'_, Rule>,
    inverse: Rule,
    join: fn(Vec<(bool, Expression)>) -> ExpressionKind,
) -> Result<Expression, SourceError> {
    let span = range(&pair);
    let operators = [Rule::plus, Rule::minus, Rule::times, Rule::over];
    let mut operands = operands(pair, &operators, inverse, |part| expression(source, part))?;
    Ok(if operands.len() == 1 {
        operands.swap_remove(0).1
    } else {
        Expression { kind: join(operands), span }
    })
}

fn signed(source: &Source, pair: Pair<'_, Rule>) -> Result<Expression, SourceError> {
    let span = range(&pair);
    let (mut negative, mut value) = (false, None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::minus => negative = !negative,
            _ => value = Some(expression(source, part)?),
        }
    }
    let value = value.expect("the grammar demands an operand");
    Ok(if negative {
        Expression { kind: ExpressionKind::Negative(Box::new(value)), span }
    } else {
        value
    })
}

fn expression(source: &Source, pair: Pair<'_, Rule>) -> Result<Expression, SourceError> {
    let span = range(&pair);
    let kind = match pair.as_rule() {
        Rule::sum => return chain(source, pair, Rule::minus, ExpressionKind::Sum),
        Rule::product => return chain(source, pair, Rule::over, ExpressionKind::Product),
        Rule::factor | Rule::exponent => return signed(source, pair),
        Rule::power => {
            // a^b^c is a^(b^c).
            let parts: Vec<_> = pair.into_inner().filter(|p| p.as_rule() != Rule::caret).collect();
            check_chain(source, &parts, "exponents")?;
            let mut values = parts.into_iter().rev().map(|p| expression(source, p));
            let mut value = values.next().expect("the grammar demands a base")?;
            for base in values {
                let base = base?;
                let span = base.span.start..value.span.end;
                let kind = ExpressionKind::Power(Box::new(base), Box::new(value));
                value = Expression { kind, span };
            }
            return Ok(value);
        }
        Rule::indexed => {
            let parts: Vec<_> = pair
                .into_inner()
                .filter(|p| !matches!(p.as_rule(), Rule::open | Rule::close))
                .collect();
            check_chain(source, &parts, "indices")?;
            let mut parts = parts.into_iter();
            let mut value = expression(source, parts.next().expect("the grammar demands one"))?;
            for part in parts {
                let span = value.span.start..range(&part).end;
                let kind = ExpressionKind::Index(Box::new(value), sums(source, part)?);
                value = Expression { kind, span };
            }
            return Ok(value);
        }
        Rule::number => {
            let value = number(pair.as_str()).map_err(|error| {
                source.fault(span.clone(), error.to_string(), "this number", None)
            })?;
            ExpressionKind::Number(value)
        }
        Rule::identifier => ExpressionKind::Name(pair.as_str().into()),
        Rule::application => {
            let title = name(&pair.clone().into_inner().next().expect("a name"));
            ExpressionKind::Call(title, sums(source, pair)?)
        }
        Rule::array => ExpressionKind::Array(sums(source, pair)?),
        Rule::comprehension | Rule::summation => {
            let is_sum = pair.as_rule() == Rule::summation;
            let loops = loops(source, &pair)?;
            let value = Box::new(sums(source, pair)?.pop().expect("the grammar demands one"));
            if is_sum {
                ExpressionKind::Summation(loops, value)
            } else {
                ExpressionKind::Comprehension(loops, value)
            }
        }
        Rule::choice => {
            let mut parts = pair.into_inner();
            let condition = parts.find(|p| p.as_rule() == Rule::condition).expect("a condition");
            let relation = condition.clone().into_inner().find(|p| p.as_rule() == Rule::relation);
            let relation = match relation.expect("a relation").as_str() {
                "<" => Relation::Less,
                "<=" => Relation::LessEqual,
                ">" => Relation::Greater,
                _ => Relation::GreaterEqual,
            };
            let (left, right) = pair_of(sums(source, condition)?);
            let mut branches = parts.filter(|p| p.as_rule() == Rule::sum);
            let mut branch = || expression(source, branches.next().expect("two branches"));
            let (yes, no) = (branch()?, branch()?);
            let [left, right, yes, no] = [left, right, yes, no].map(Box::new);
            ExpressionKind::Where(left, relation, right, yes, no)
        }
        other => unreachable!("{other:?} is no expression"),
    };
    Ok(Expression { kind, span })
}

/// Refuses chains such as `x^2^2^2…` that would nest an expression too deeply.
fn check_chain(source: &Source, parts: &[Pair<'_, Rule>], what: &str) -> Result<(), SourceError> {
    match parts.get(MAX_DEPTH) {
        None => Ok(()),
        Some(part) => Err(source.fault(
            range(part),
            format!("too many {what} one after another"),
            format!("at most {MAX_DEPTH} are read"),
            None,
        )),
    }
}
