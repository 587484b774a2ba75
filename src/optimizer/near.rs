//! Names that resemble an unknown one.

/// How alike two names must be, 1 being equal (Jaro and Winkler's measure).
const RESEMBLANCE: f64 = 0.75;

/// The names of `known` that resemble `unknown`, the nearest first, at most three.
pub(crate) fn names<'a>(unknown: &str, known: &[&'a str]) -> Vec<&'a str> {
    let plain = |name: &str| name.to_lowercase().replace('-', "_");
    let mut scored: Vec<(f64, &str)> = known
        .iter()
        .map(|name| (strsim::jaro_winkler(&plain(unknown), &plain(name)), *name))
        .filter(|(score, _)| *score >= RESEMBLANCE)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.into_iter().take(3).map(|(_, name)| name).collect()
}

/// `did you mean …?`, or a list of what there is.
pub(crate) fn advice(unknown: &str, known: &[&str]) -> Option<String> {
    match names(unknown, known).as_slice() {
        [] if known.is_empty() => None,
        [] => Some(format!("known here: {}", quoted(known))),
        near => Some(format!("did you mean {}?", quoted(near))),
    }
}

/// `` `a`, `b` ``
pub(crate) fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
