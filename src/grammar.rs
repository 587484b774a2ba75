//! The grammar of `.bea` files: optimizers and claims.

use crate::source::{Source, SourceError};
use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};
use pest::iterators::Pair;

/// Generated from `grammar/optimizer.pest` and `grammar/claim.pest`.
#[derive(pest_derive::Parser)]
#[grammar = "../grammar/optimizer.pest"]
#[grammar = "../grammar/claim.pest"]
pub(crate) struct BeaParser;

/// How deep brackets may nest. Brackets are the only thing that makes the parser recurse.
pub(crate) const MAX_DEPTH: usize = 100;

/// How many letters a name may have, as in the grammar.
const MAX_NAME: usize = 64;

/// The optimizers and claims of a file, in order.
///
/// # Errors
/// Brackets nested deeper than [`MAX_DEPTH`], and syntax errors.
pub(crate) fn parse_file(source: &Source) -> Result<Vec<Pair<'_, Rule>>, SourceError> {
    check_depth(source)?;
    let mut pairs =
        BeaParser::parse(Rule::file, &source.text).map_err(|e| syntax_error(source, &e))?;
    let items = pairs.next().expect("`file` is one pair").into_inner();
    Ok(items.filter(|pair| pair.as_rule() != Rule::EOI).collect())
}

/// Refuses brackets that would exhaust the stack of a recursive parser.
pub(crate) fn check_depth(source: &Source) -> Result<(), SourceError> {
    let (mut depth, mut comment, mut quoted) = (0_usize, false, false);
    for (at, byte) in source.text.bytes().enumerate() {
        match byte {
            b'\n' => (comment, quoted) = (false, false),
            b'"' if !comment => quoted = !quoted,
            b'#' if !quoted => comment = true,
            _ if comment || quoted => {}
            b'(' | b'[' | b'{' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(source.fault(
                        at..at + 1,
                        "brackets are nested too deeply",
                        format!("bracket number {depth} that is open here"),
                        Some(format!(
                            "at most {MAX_DEPTH} may be open at once; name parts of the \
                             expression with `let`"
                        )),
                    ));
                }
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// A parser's complaint in the words of the language.
pub(crate) fn syntax_error(source: &Source, error: &pest::error::Error<Rule>) -> SourceError {
    let at = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    };
    match &error.variant {
        ErrorVariant::ParsingError { positives, .. } => {
            fault_at(source, at, &expectation(positives), |_, before| {
                advice(before, &source.text[at..], positives)
            })
        }
        ErrorVariant::CustomError { message } => fault_at(source, at, message, |_, _| None),
    }
}

/// A syntax error at byte `at`, where `expected` would have fitted; `advice` is told what was found
/// and what stands before it.
pub(crate) fn fault_at(
    source: &Source,
    at: usize,
    expected: &str,
    advice: impl Fn(&str, &str) -> Option<String>,
) -> SourceError {
    let (before, rest) = source.text.split_at(at);
    let found = token(rest);
    let (span, label) = if found.is_empty() {
        let last = before.trim_end();
        let start = last.char_indices().next_back().map_or(0, |(start, _)| start);
        (start..last.len(), "the file ends after this".to_string())
    } else {
        (at..at + found.len(), format!("`{}` does not fit here", shortened(found)))
    };
    let message = format!("syntax error: expected {expected}");
    source.fault(span, message, label, advice(found, before))
}

/// The name, number or character that a text starts with.
fn token(text: &str) -> &str {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let end = match text.chars().next() {
        None => 0,
        Some(c) if word(c) => text.find(|c| !word(c)).unwrap_or(text.len()),
        Some(c) => c.len_utf8(),
    };
    &text[..end]
}

/// The start of a token, for a message.
fn shortened(token: &str) -> String {
    match token.char_indices().nth(MAX_NAME) {
        None => token.escape_debug().to_string(),
        Some((end, _)) => format!("{}…", &token[..end]),
    }
}

/// `a, b or c` for the rules that would have fitted.
fn expectation(rules: &[Rule]) -> String {
    let mut names: Vec<String> = Vec::new();
    for rule in rules {
        let name = name(*rule);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    either(&names)
}

/// `a, b or c`
pub(crate) fn either(names: &[String]) -> String {
    match names {
        [] => "something else".into(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// What a rule is called in a message.
fn name(rule: Rule) -> String {
    let fixed = match rule {
        Rule::file | Rule::optimizer => "`optimizer`",
        Rule::EOI => "the end of the file",
        Rule::identifier | Rule::name => "a name",
        Rule::parameters | Rule::open => "`(`",
        Rule::close => "`)`",
        Rule::open_brace => "`{`",
        Rule::close_brace => "`}`",
        Rule::open_bracket => "`[`",
        Rule::close_bracket => "`]`",
        Rule::comma => "`,`",
        Rule::colon => "`:`",
        Rule::semicolon => "`;`",
        Rule::equals => "`=`",
        Rule::equality => "`==`",
        Rule::dots => "`..`",
        Rule::bar => "`|`",
        Rule::title | Rule::title_text | Rule::quote => "a title in quotation marks",
        Rule::players
        | Rule::players_word
        | Rule::fields
        | Rule::fields_word
        | Rule::states
        | Rule::state_word
        | Rule::stage
        | Rule::let_word
        | Rule::update
        | Rule::primed
        | Rule::generic_fields
        | Rule::definition => "a statement",
        Rule::up_to | Rule::modulo | Rule::quantifier | Rule::expectation => "a condition",
        Rule::sum
        | Rule::product
        | Rule::factor
        | Rule::power
        | Rule::exponent
        | Rule::number
        | Rule::application
        | Rule::equation
        | Rule::expression
        | Rule::term
        | Rule::signed
        | Rule::juxtaposition
        | Rule::operand
        | Rule::tree
        | Rule::norm
        | Rule::nabla
        | Rule::summation
        | Rule::named_argument
        | Rule::power_of => "an expression",
        Rule::plus
        | Rule::minus
        | Rule::times
        | Rule::over
        | Rule::caret
        | Rule::primes
        | Rule::call
        | Rule::index
        | Rule::power_suffix
        | Rule::superscript
        | Rule::bang => "an operator",
        other => {
            let name = format!("{other:?}");
            return match name.strip_suffix("_word") {
                Some(word) => format!("`{word}`"),
                None => name.replace('_', " "),
            };
        }
    };
    fixed.into()
}

/// What the writer of an optimizer probably meant; claims allow for more.
fn advice(before: &str, rest: &str, expected: &[Rule]) -> Option<String> {
    let found = token(rest);
    let next = rest[found.len()..].trim_start();
    let starts_value =
        found.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '(');
    if expected.contains(&Rule::name) {
        return None;
    }
    if found.is_empty() {
        return Some("is a closing `}` or `)` missing?".into());
    }
    if found.chars().any(|c| c.is_alphanumeric() && !c.is_ascii()) {
        return Some(format!(
            "names are written in ASCII letters: `theta`, not `{}`",
            shortened(found)
        ));
    }
    if found.len() > MAX_NAME && found.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Some(format!("a name has at most {MAX_NAME} letters"));
    }
    if found.starts_with(|c: char| c.is_ascii_digit()) && found.contains(char::is_alphabetic) {
        return Some("write products with `*`: `2*theta`".into());
    }
    if found == "*" && before.ends_with('*') {
        return Some("powers are written `^`: `h^2`".into());
    }
    if expected.contains(&Rule::primed) && next.starts_with('=') && !next.starts_with("==") {
        return Some(format!("a new value is written `{found}' = …`, a stage `let {found} = …`"));
    }
    if !starts_value {
        None
    } else if expected.contains(&Rule::times) {
        Some("write products with `*`: `2*theta`".into())
    } else if expected.contains(&Rule::comma) {
        Some("separate the names of a list with `,`".into())
    } else {
        None
    }
}
