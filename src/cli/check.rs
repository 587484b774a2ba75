//! `bea check`: checks claims about optimizers.

use super::limit;
use super::output::{self, to_stderr, to_stdout};
use bea_series::claim::{Claim, Document, Verdict, shipped};
use bea_series::optimizer::{self, LoadError};
use bea_series::text::source::{Source, SourceError};
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Check claims about optimizers, such as `field(gradient_descent, 1) == -g - h/2*H*g`.
///
/// Both sides of every claim are derived and compared term by term, exactly. The exit code is 0 if
/// every claim is true (or false where it says `expect false`), 1 if one is not, 2 if one makes no
/// sense.
#[derive(clap::Args)]
pub struct Check {
    /// Files with claims (`.bea`), or a text of claims, which has a `==` or begins with `claim`; without any, everything
    /// that ships with bea
    files: Vec<PathBuf>,
    /// How to report
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Check even claims that take too long, or speak of too many trees
    #[arg(long)]
    force: bool,
}

/// How verdicts are reported.
#[derive(Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Format {
    /// One line a claim, with the differing terms of the false ones
    #[default]
    Text,
    /// One object with all verdicts
    Json,
}

/// One claim in the JSON report.
#[derive(serde::Serialize)]
struct Entry {
    name: String,
    file: String,
    line: usize,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cases: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    differences: Vec<Difference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Entry {
    /// One in error, until more is known.
    fn new(name: &str, file: &str, line: usize) -> Entry {
        Entry {
            name: name.to_string(),
            file: file.to_string(),
            line,
            verdict: "error",
            cases: None,
            differences: Vec::new(),
            error: None,
        }
    }
}

/// One differing term in the JSON report.
#[derive(serde::Serialize)]
struct Difference {
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    case: std::collections::BTreeMap<String, i64>,
    equality: usize,
    term: String,
    claimed: String,
    derived: String,
}

#[derive(serde::Serialize)]
struct Report {
    claims: Vec<Entry>,
    as_claimed: usize,
    not_as_claimed: usize,
    without_sense: usize,
}

impl Check {
    /// Runs the command.
    ///
    /// # Errors
    /// If a file cannot be read or parsed.
    pub fn run(self) -> miette::Result<ExitCode> {
        let mut documents = Vec::new();
        if self.files.is_empty() {
            for source in shipped() {
                documents.push(Document::parse(source)?);
            }
        }
        for path in &self.files {
            documents.push(Document::parse(source(path)?)?);
        }
        let number = |d: &Document| d.claims().len() + d.faults().len();
        let mut out = Output::new(self.format, documents.iter().map(number).sum());
        limit::until_stopped(|| {
            documents.iter().for_each(|document| out.document(document, !self.force));
        })?;
        out.finish()
    }
}

/// The text of a file, or what is one itself: every claim has a `==`, or should have, and hardly any name of a file has.
fn source(path: &Path) -> Result<Source, LoadError> {
    let begins = |text: &str| {
        let rest = text.trim_start().strip_prefix("claim");
        rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_whitespace() || c == '"'))
    };
    match path.to_str() {
        Some(text) if text.contains("==") || begins(text) => Ok(Source::new("claims", text)),
        _ => optimizer::load(path),
    }
}

/// Collects and prints verdicts.
struct Output {
    format: Format,
    color: bool,
    progress: bool,
    total: usize,
    report: Report,
    /// Why a part of the report could not be written: the exit code must not say success.
    failure: Option<miette::Report>,
}

impl Output {
    fn new(format: Format, total: usize) -> Output {
        let text = format == Format::Text;
        Output {
            format,
            color: text && output::is_terminal() && std::env::var_os("NO_COLOR").is_none(),
            progress: text && std::io::stderr().is_terminal(),
            total,
            report: Report {
                claims: Vec::new(),
                as_claimed: 0,
                not_as_claimed: 0,
                without_sense: 0,
            },
            failure: None,
        }
    }

    fn print(&mut self, text: &str) {
        if let Err(failure) = to_stdout(|out| out.write_all(text.as_bytes())) {
            self.failure.get_or_insert(failure);
        }
    }

    fn document(&mut self, document: &Document, bounded: bool) {
        let file = document.source().name.to_string();
        if self.format == Format::Text {
            self.print(&format!("{file}\n"));
        }
        for fault in document.faults() {
            self.fault(Entry::new(&fault.name, &file, fault.line), fault.error.clone());
        }
        let cell = std::cell::RefCell::new(self);
        document.check(
            bounded,
            |claim| cell.borrow_mut().announce(claim),
            |claim, result| cell.borrow_mut().record(&file, document.line(claim), claim, result),
        );
    }

    /// Shows on a terminal what is being checked.
    fn announce(&self, claim: &Claim) {
        if self.progress {
            let done = self.report.claims.len();
            // Short enough to stay on one line, which is all that `\r` can clear.
            let name: String = claim.name.chars().take(60).collect();
            to_stderr(&format!("\r\x1b[K  {}/{} {name}", done + 1, self.total));
        }
    }

    fn record(
        &mut self,
        file: &str,
        line: usize,
        claim: &Claim,
        result: Result<Verdict, SourceError>,
    ) {
        if self.progress {
            to_stderr("\r\x1b[K");
        }
        let mut entry = Entry::new(&claim.name, file, line);
        match result {
            Ok(verdict) => {
                if self.format == Format::Text {
                    self.print_verdict(file, line, claim, &verdict);
                }
                if verdict.passes() {
                    self.report.as_claimed += 1;
                } else {
                    self.report.not_as_claimed += 1;
                }
                entry.verdict = verdict.name();
                entry.cases = Some(verdict.cases);
                entry.differences = verdict
                    .differences
                    .into_iter()
                    .map(|d| Difference {
                        case: d.case.into_iter().collect(),
                        equality: d.equality,
                        term: d.term,
                        claimed: d.claimed,
                        derived: d.derived,
                    })
                    .collect();
            }
            Err(fault) => return self.fault(entry, fault),
        }
        self.report.claims.push(entry);
    }

    fn fault(&mut self, mut entry: Entry, fault: SourceError) {
        self.report.without_sense += 1;
        entry.error = Some(fault.to_string());
        if self.format == Format::Text {
            self.print(&format!("  {} {}\n", self.paint("31", "✗"), entry.name));
        }
        to_stderr(&format!("{:?}\n", miette::Report::new(fault)));
        self.report.claims.push(entry);
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }

    fn print_verdict(&mut self, file: &str, line: usize, claim: &Claim, verdict: &Verdict) {
        let mut text = String::new();
        let name = &claim.name;
        match (verdict.passes(), verdict.expect_false) {
            (true, false) => {
                let _ = writeln!(text, "  {} {name}", self.paint("32", "✓"));
            }
            (true, true) => {
                let _ = writeln!(text, "  {} {name} (false, as expected)", self.paint("32", "✓"));
            }
            (false, true) => {
                let _ = writeln!(
                    text,
                    "  {} {name} ({file}:{line}): expected false, but it is true",
                    self.paint("31", "✗")
                );
            }
            (false, false) => {
                let _ = writeln!(text, "  {} {name} ({file}:{line})", self.paint("31", "✗"));
                write_differences(&mut text, verdict);
            }
        }
        self.print(&text);
    }

    fn finish(mut self) -> miette::Result<ExitCode> {
        let report = &self.report;
        let (good, bad, senseless) =
            (report.as_claimed, report.not_as_claimed, report.without_sense);
        if self.format == Format::Json {
            let text = serde_json::to_string_pretty(report).expect("strings and numbers");
            self.print(&format!("{text}\n"));
        } else {
            let noun = if self.total == 1 { "claim" } else { "claims" };
            let mut text = format!("{} {noun}: {good} as claimed", self.total);
            if bad > 0 {
                let _ = write!(text, ", {}", self.paint("31", &format!("{bad} not")));
            }
            if senseless > 0 {
                let _ = write!(text, ", {}", self.paint("31", &format!("{senseless} in error")));
            }
            self.print(&format!("{text}\n"));
        }
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        Ok(match (bad, senseless) {
            (0, 0) => ExitCode::SUCCESS,
            (_, 0) => ExitCode::from(1),
            _ => ExitCode::from(2),
        })
    }
}

/// The differing terms as a table, case by case.
fn write_differences(text: &mut String, verdict: &Verdict) {
    let several = verdict.differences.iter().any(|d| d.equality > 1);
    let rows: Vec<(String, &str, &str)> = verdict
        .differences
        .iter()
        .map(|d| {
            let mut label: Vec<String> =
                d.case.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            if several {
                label.push(format!("equality {}", d.equality));
            }
            if !d.term.is_empty() {
                label.push(d.term.clone());
            }
            (label.join(", "), d.claimed.as_str(), d.derived.as_str())
        })
        .collect();
    let widest = rows.iter().map(|(label, ..)| label.chars().count()).max().unwrap_or(0);
    for (label, claimed, derived) in rows {
        let gap = if widest > 0 { "  " } else { "" };
        let _ = writeln!(text, "      {label:widest$}{gap}claimed {claimed}, derived {derived}");
    }
}
