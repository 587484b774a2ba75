//! What the grammars of all languages share: the depth of brackets, lists of operands, and the wording of syntax
//! errors.

use super::pasted;
use super::source::{Source, SourceError};
use pest::RuleType;
use pest::iterators::Pair;

/// How deep brackets may nest. Brackets are the only thing that makes the parser recurse.
pub const MAX_DEPTH: usize = 100;

/// How many letters a name may have, as in the grammars.
pub const MAX_NAME: usize = 64;

/// Refuses brackets that would exhaust the stack of a recursive parser.
///
/// # Errors
/// Brackets nested deeper than [`MAX_DEPTH`].
pub fn check_depth(source: &Source) -> Result<(), SourceError> {
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

/// The error that something else than `expected` stands at byte `at`. `advice` makes the help from the token
/// found there, empty at the end of the text, and the text before it.
pub fn fault_at(
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
    // The character may be the one that keeps the token from being what it looks like.
    let next = rest[found.len()..].chars().next().map(String::from).unwrap_or_default();
    let printed = pasted::advice(found).or_else(|| pasted::advice(&next));
    source.fault(span, message, label, printed.or_else(|| advice(found, before)))
}

/// The name, number or single character that a text starts with; empty for an empty text.
pub fn token(text: &str) -> &str {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let end = match text.chars().next() {
        None => 0,
        Some(c) if word(c) => text.find(|c| !word(c)).unwrap_or(text.len()),
        Some(c) => c.len_utf8(),
    };
    &text[..end]
}

/// A token for a message: escaped, or cut off with `…` after [`MAX_NAME`] characters.
pub fn shortened(token: &str) -> String {
    match token.char_indices().nth(MAX_NAME) {
        None => token.escape_debug().to_string(),
        Some((end, _)) => format!("{}…", &token[..end]),
    }
}

/// `a, b or c`; `something else` for none.
pub fn either(names: &[String]) -> String {
    match names {
        [] => "something else".into(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// The operands of a list that is written with operators between them, each with whether `inverse` (`-` in a sum, `/` in
/// a product) stands before it. `operators` are all that may stand there.
///
/// # Errors
/// Those of `operand`, which reads one.
pub fn operands<R: RuleType, T>(
    pair: Pair<'_, R>,
    operators: &[R],
    inverse: R,
    mut operand: impl FnMut(Pair<'_, R>) -> Result<T, SourceError>,
) -> Result<Vec<(bool, T)>, SourceError> {
    let mut operands = Vec::new();
    let mut inverted = false;
    for part in pair.into_inner() {
        if operators.contains(&part.as_rule()) {
            inverted = part.as_rule() == inverse;
        } else {
            operands.push((inverted, operand(part)?));
        }
    }
    Ok(operands)
}
