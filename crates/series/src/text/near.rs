//! Names that resemble an unknown one.

/// How alike two names must be, 1 being equal (Jaro and Winkler's measure).
const RESEMBLANCE: f64 = 0.75;

/// Names up to this length are short: that measure finds them unlike one another when a letter differs.
const SHORT: usize = 3;

/// Other names of what is known by another one.
const SYNONYMS: [(&str, &str); 3] = [("ln", "log"), ("lg", "log"), ("tg", "tan")];

/// The names of `known` that resemble `unknown`, the nearest first, at most three.
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

/// From 0 to 1: a synonym is as good as the name itself, and beside a short name one that differs by one
/// letter too many, too few or another is nearer than a longer one that begins alike.
fn resemblance(unknown: &str, name: &str) -> f64 {
    if SYNONYMS.contains(&(unknown, name)) {
        return 1.0;
    }
    let alike = strsim::jaro_winkler(unknown, name);
    let (length, other) = (unknown.chars().count(), name.chars().count());
    // Of names of one letter every other one is near.
    let one_letter = length.min(other) >= 2
        && length <= SHORT
        && other <= SHORT
        && strsim::damerau_levenshtein(unknown, name) == 1;
    // The letters in common come first among those at the same distance.
    if one_letter { 0.9 + 0.1 * alike } else { alike }
}

/// `did you mean …?`, or a list of what there is.
pub fn advice(unknown: &str, known: &[&str]) -> Option<String> {
    match names(unknown, known).as_slice() {
        [] if known.is_empty() => None,
        [] => Some(format!("known here: {}", quoted(known))),
        near => Some(format!("did you mean {}?", quoted(near))),
    }
}

/// `` `a`, `b` ``
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
