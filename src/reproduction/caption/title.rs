//! Titles of pictures: what is seen, in a few words.

use super::super::judgement::Judgement;

/// `Figure 10. A sentence`: that of the judge, who knows what is seen, or the claim with its verdict.
pub(super) fn of(id: &str, claim: &str, verdict: Judgement, own: Option<&str>) -> String {
    let number = match id.trim_start_matches("fig").split_once('_') {
        // `fig10_mlp`: the same figure with another network.
        Some((number, _)) => format!("Figure {number}"),
        None if id.starts_with("table") => id.replace("table", "Table "),
        None => id.replace("fig", "Figure "),
    };
    format!("{number}. {}", capital(&own.map_or_else(|| sentence(claim, verdict), str::to_string)))
}

/// The claim with its verdict, which is true whatever is seen; what the paper trains on is left to the caption.
fn sentence(claim: &str, verdict: Judgement) -> String {
    let claim = claim.trim_end_matches(" (on Imagenet in the paper)");
    match verdict {
        Judgement::Holds => claim.to_string(),
        Judgement::InPart => format!("only in part: {claim}"),
        Judgement::DoesNotHold => format!("not seen: {claim}"),
        Judgement::NotMeasured => format!("not measured: {claim}"),
    }
}

/// With a capital letter, unless it begins with a symbol, which keeps its case.
fn capital(text: &str) -> String {
    let word = text.split([' ', '-', ':']).next().unwrap_or_default();
    let is_word = word == "a" || word.len() > 1 && word.chars().all(|c| c.is_ascii_lowercase());
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if is_word => first.to_uppercase().chain(letters).collect(),
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_sentences() {
        assert_eq!(of("fig9", "λ₀ grows", Judgement::Holds, None), "Figure 9. λ₀ grows");
        assert_eq!(
            of("fig9", "λ₀ grows", Judgement::DoesNotHold, None),
            "Figure 9. Not seen: λ₀ grows"
        );
        assert_eq!(of("fig24", "n of a", Judgement::Holds, Some("n of b")), "Figure 24. n of b");
        assert_eq!(of("fig2", "a rate", Judgement::Holds, None), "Figure 2. A rate");
        assert_eq!(of("fig2", "not-so", Judgement::Holds, None), "Figure 2. Not-so");
        assert!(of("table1", "each", Judgement::InPart, None).starts_with("Table 1. Only in part"));
        assert!(
            of("fig10_mlp", "PF (on Imagenet in the paper)", Judgement::Holds, None)
                .ends_with("Figure 10. PF")
        );
    }
}
