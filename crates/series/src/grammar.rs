//! The grammar of `.bea` files: optimizers and claims.

use crate::text::source::{Source, SourceError};
use crate::text::syntax::{MAX_NAME, check_depth, either, fault_at, shortened, token};
use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};
use pest::iterators::Pair;

/// Generated from `grammar/optimizer.pest` and `grammar/claim.pest`.
#[derive(pest_derive::Parser)]
#[grammar = "../grammar/optimizer.pest"]
#[grammar = "../grammar/claim.pest"]
struct BeaParser;

/// The optimizers and claims of a file, in order.
///
/// # Errors
/// Brackets nested deeper than [`MAX_DEPTH`](crate::text::syntax::MAX_DEPTH), and syntax errors.
pub(crate) fn parse_file(source: &Source) -> Result<Vec<Pair<'_, Rule>>, SourceError> {
    check_depth(source)?;
    let mut pairs =
        BeaParser::parse(Rule::file, &source.text).map_err(|e| syntax_error(source, &e))?;
    let items = pairs.next().expect("`file` is one pair").into_inner();
    Ok(items.filter(|pair| pair.as_rule() != Rule::EOI).collect())
}

/// A parser's complaint in the words of the language.
fn syntax_error(source: &Source, error: &pest::error::Error<Rule>) -> SourceError {
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
        | Rule::declared
        | Rule::first
        | Rule::first_word
        | Rule::slow
        | Rule::slow_word
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
        | Rule::derivative
        | Rule::derivative_word
        | Rule::equation
        | Rule::expression
        | Rule::term
        | Rule::signed
        | Rule::juxtaposition
        | Rule::operand
        | Rule::tree
        | Rule::norm
        | Rule::inside
        | Rule::inside_term
        | Rule::inside_signed
        | Rule::inside_juxtaposition
        | Rule::inside_operand
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
