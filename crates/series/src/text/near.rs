//! Suggestions for unknown names.

use super::table::alike;

/// The least Jaro-Winkler similarity of names that are suggested; 1 is that of equal names.
const RESEMBLANCE: f64 = 0.75;

/// Letters of a short name, of which the similarity is low when a single letter differs.
const SHORT: usize = 3;

/// Common other names of functions, and what they are called here.
const SYNONYMS: [(&str, &str); 3] = [("ln", "log"), ("lg", "log"), ("tg", "tan")];

/// The names of `known` that resemble `unknown`, the most similar first, at most three. Capitals and the
/// difference of `-` and `_` do not count.
pub fn names<'a>(unknown: &str, known: &[&'a str]) -> Vec<&'a str> {
    let plain = |name: &str| name.to_lowercase().replace('-', "_");
    let unknown = plain(unknown);
    let mut scored: Vec<(f64, &str)> = known
        .iter()
        .map(|name| (resemblance(&unknown, &plain(name)), *name))
        .filter(|(score, _)| *score >= RESEMBLANCE)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.into_iter().take(3).map(|(_, name)| name).collect()
}

/// The similarity of two names, from 0 to 1. A synonym counts as equal. Short names one edit apart (a letter
/// added, missing, replaced or swapped with its neighbour) have at least 0.9, more than longer names with the
/// same beginning.
fn resemblance(unknown: &str, name: &str) -> f64 {
    if SYNONYMS.contains(&(unknown, name)) {
        return 1.0;
    }
    let alike = strsim::jaro_winkler(unknown, name);
    let (length, other) = (unknown.chars().count(), name.chars().count());
    // Names of one letter are all one edit apart, so that says nothing.
    let one_letter = length.min(other) >= 2
        && length <= SHORT
        && other <= SHORT
        && strsim::damerau_levenshtein(unknown, name) == 1;
    // Among names one edit apart, the more similar ones come first.
    if one_letter { 0.9 + 0.1 * alike } else { alike }
}

/// A group of names that people know from elsewhere and that are not known here, and what to do instead.
pub type Absent = (&'static [&'static str], &'static str);

/// What to do instead of `name`, if one of the groups has it; capitals, `_` and `-` do not count.
pub fn instead(name: &str, absent: &[Absent]) -> Option<String> {
    let group = absent.iter().find(|(names, _)| names.iter().any(|known| alike(known, name)));
    group.map(|(_, advice)| advice.to_string())
}

/// ``did you mean `a`?`` with the names that resemble `unknown`, or else a list of all `known` ones; `None` if
/// there are none.
pub fn advice(unknown: &str, known: &[&str]) -> Option<String> {
    match names(unknown, known).as_slice() {
        [] if known.is_empty() => None,
        [] => Some(format!("known here: {}", quoted(known))),
        near => Some(format!("did you mean {}?", quoted(near))),
    }
}

/// The names in backticks, with commas between them.
pub fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FUNCTIONS: [&str; 13] = [
        "exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "abs", "sqrt", "max", "min",
        "sum",
    ];

    #[test]
    fn a_letter_of_a_short_name_may_be_wrong() {
        for (unknown, nearest) in [
            ("sn", "sin"),
            ("cs", "cos"),
            ("sni", "sin"),
            ("ep", "exp"),
            ("lob", "log"),
            ("ln", "log"),
            ("lg", "log"),
            ("sinn", "sin"),
            ("squrt", "sqrt"),
        ] {
            assert_eq!(names(unknown, &FUNCTIONS).first(), Some(&nearest), "{unknown}");
        }
    }

    #[test]
    fn what_resembles_nothing_has_no_near_name() {
        assert!(names("q", &["x", "y"]).is_empty());
        assert!(names("banana", &FUNCTIONS).is_empty());
    }
}
