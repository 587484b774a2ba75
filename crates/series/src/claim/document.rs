//! A file of claims and the verdicts on them.

use super::{Checker, Claim, Verdict, parse};
use crate::optimizer::{self, Optimizer};
use crate::text::source::{Source, SourceError};
use std::collections::BTreeSet;

/// The most claims and optimizers of a file that are read one by one because of a fault in one of them.
const MAX_PIECES: usize = 500;

/// A file with its claims and optimizers.
pub struct Document {
    source: Source,
    optimizers: Vec<Optimizer>,
    claims: Vec<Claim>,
    faults: Vec<Fault>,
}

/// A claim or an optimizer that cannot be read.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The title of the claim or the name of the optimizer, as far as there is one.
    pub name: String,
    /// The line where it starts, counted from 1.
    pub line: usize,
    /// What is wrong in it.
    pub error: SourceError,
}

impl Document {
    /// Reads a file. A fault in one claim or optimizer does not hide the others, see
    /// [`faults`](Self::faults).
    ///
    /// # Errors
    /// A file without claims, or with nothing but one fault in it.
    pub fn parse(source: Source) -> Result<Document, SourceError> {
        let claims = parse(&source).and_then(|claims| {
            if claims.is_empty() {
                let help = r#"write `claim "name": field(gradient_descent, 1) == f - h/2*f'f`"#;
                let (end, message) = (source.text.len(), "the file holds no claim");
                return Err(source.fault(
                    end..end,
                    message,
                    "the end of the file",
                    Some(help.into()),
                ));
            }
            Ok((claims, optimizer::parse(&source)?))
        });
        let first = match claims {
            Ok((claims, optimizers)) => {
                return Ok(Document { source, optimizers, claims, faults: Vec::new() });
            }
            Err(fault) => fault,
        };
        let document = Document::piecewise(source);
        match document {
            Some(document)
                if !document.faults.is_empty()
                    && document.claims.len() + document.faults.len() > 1 =>
            {
                Ok(document)
            }
            _ => Err(first),
        }
    }

    fn whole(source: &Source) -> Result<(Vec<Claim>, Vec<Optimizer>), SourceError> {
        Ok((parse(source)?, optimizer::parse(source)?))
    }

    /// The file read claim by claim; `None` if there are too many for that.
    fn piecewise(source: Source) -> Option<Document> {
        let mut starts = starts(&source.text);
        // What stands before the first claim is a piece as well, unless it is blank or a comment.
        let head = &source.text[..starts.first().copied().unwrap_or(0)];
        let is_text = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
        if head.lines().any(is_text) {
            starts.insert(0, 0);
        }
        if starts.len() > MAX_PIECES {
            return None;
        }
        let mut document =
            Document { source, optimizers: Vec::new(), claims: Vec::new(), faults: Vec::new() };
        let mut names = BTreeSet::new();
        for (i, &start) in starts.iter().enumerate() {
            let source = document.source.clone();
            let text = &source.text;
            let end = starts.get(i + 1).copied().unwrap_or(text.len());
            let piece = Document::whole(&blanked(&source, start..end));
            let error = match piece {
                Ok((claims, optimizers)) => {
                    let name = |o: &Optimizer| format!("optimizer {}", o.name);
                    let titles = claims.iter().map(|c| format!("claim {}", c.name));
                    match titles
                        .chain(optimizers.iter().map(name))
                        .find(|n| !names.insert(n.clone()))
                    {
                        None => {
                            document.claims.extend(claims);
                            document.optimizers.extend(optimizers);
                            continue;
                        }
                        Some(twice) => source.fault(
                            start..end,
                            format!("there is another {twice}"),
                            "the second one",
                            Some("give it another name, so that a report tells them apart".into()),
                        ),
                    }
                }
                // With what follows in sight, the fault may be that something is missing before it.
                Err(fault) => match Document::whole(&blanked(&source, start..text.len())) {
                    Err(better) if better.place() <= end => better,
                    _ => fault,
                },
            };
            let line = line_of(text, start);
            let name = title(&text[start..end]);
            document.faults.push(Fault { name, line, error: error.within(&source) });
        }
        Some(document)
    }

    /// The file.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Its claims.
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }

    /// What in it is neither a claim nor an optimizer, in order.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// The line of a claim, counted from 1.
    pub fn line(&self, claim: &Claim) -> usize {
        line_of(&self.source.text, claim.span.start)
    }

    /// The verdict on one of the claims alone; it is given up where it takes too long.
    ///
    /// # Errors
    /// As [`Checker::check`].
    pub fn verdict(&self, claim: &Claim) -> Result<Verdict, SourceError> {
        Checker::new(&self.optimizers).check(claim, &self.source)
    }

    /// Checks the claims one after the other, and hands each verdict over as soon as it is there.
    /// The fault of one claim does not keep the others from being checked. `bounded` claims are given up
    /// where they take too long.
    pub fn check<'d>(
        &'d self,
        bounded: bool,
        mut before: impl FnMut(&'d Claim),
        mut after: impl FnMut(&'d Claim, Result<Verdict, SourceError>),
    ) {
        let mut checker = Checker::new(&self.optimizers);
        if !bounded {
            checker = checker.without_bound();
        }
        for claim in &self.claims {
            before(claim);
            after(claim, checker.check(claim, &self.source));
        }
    }
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text[..at].matches('\n').count()
}

/// The text with blanks for everything outside of a range.
fn blanked(source: &Source, keep: std::ops::Range<usize>) -> Source {
    let blank = |part: &str| -> String {
        part.bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }).collect()
    };
    let text = blank(&source.text[..keep.start]) + &source.text[keep];
    Source::new(source.name.clone(), text)
}

/// Where the claims and optimizers of a text start: their words are reserved.
fn starts(text: &str) -> Vec<usize> {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let bytes = text.as_bytes();
    let (mut starts, mut comment, mut quoted) = (Vec::new(), false, false);
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            b'\n' => (comment, quoted) = (false, false),
            b'"' if !comment => quoted = !quoted,
            b'#' if !quoted => comment = true,
            _ if comment || quoted || (at > 0 && word(bytes[at - 1])) => {}
            _ => {
                let is = |w: &str| {
                    let after = bytes.get(at + w.len()).copied();
                    bytes[at..].starts_with(w.as_bytes()) && !after.is_some_and(word)
                };
                if is("claim") || is("optimizer") {
                    starts.push(at);
                }
            }
        }
    }
    starts
}

/// What stands between the quotation marks of a claim, or the name of an optimizer.
fn title(piece: &str) -> String {
    let line = piece.lines().next().unwrap_or("");
    let quoted = line.split('"').nth(1);
    let name = quoted.or_else(|| line.split_whitespace().nth(1)).unwrap_or(line);
    name.chars().take(80).collect()
}
