//! Claims of a text, one at a time, so that a page can show how far it is.

use crate::fault::Fault;
use bea_series::claim::Document;
use bea_series::source::Source;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn document(text: &str) -> Result<Document, Fault> {
    Document::parse(Source::new("claims", text)).map_err(|error| Fault::of(&error, text))
}

/// The claims of a text, and what in it cannot be read.
pub(crate) fn list(text: &str) -> Result<Value, Fault> {
    let document = document(text)?;
    let claims = document.claims().iter();
    let claims = claims.map(|claim| json!({ "name": claim.name, "line": document.line(claim) }));
    let faults = document.faults().iter().map(|fault| {
        json!({ "name": fault.name, "line": fault.line, "fault": Fault::of(&fault.error, text) })
    });
    Ok(json!({ "claims": claims.collect::<Vec<_>>(), "faults": faults.collect::<Vec<_>>() }))
}

/// The verdict on one of the claims.
pub(crate) fn check(text: &str, index: usize) -> Result<Value, Fault> {
    let document = document(text)?;
    let claim = document.claims().get(index);
    let claim = claim.ok_or_else(|| Fault::without_place(format!("there is no claim {index}")))?;
    let verdict = document.verdict(claim).map_err(|error| Fault::of(&error, text))?;
    let differences = verdict.differences.iter().map(|difference| {
        json!({
            "case": difference.case.iter().cloned().collect::<BTreeMap<_, _>>(),
            "equality": difference.equality,
            "term": difference.term,
            "claimed": difference.claimed,
            "derived": difference.derived,
        })
    });
    Ok(json!({
        "passes": verdict.passes(),
        "verdict": verdict.name(),
        "cases": verdict.cases,
        "differences": differences.collect::<Vec<_>>(),
    }))
}
