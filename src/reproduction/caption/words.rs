//! Abbreviations spelled out, and symbols explained.

/// Abbreviations, and what stands for them where they come first.
pub(super) const ABBREVIATIONS: [(&str, &str); 4] = [
    ("NGF", "the negative gradient flow (NGF)"),
    ("IGR", "the flow of implicit gradient regularization (IGR)"),
    ("PF", "the principal flow (PF)"),
    ("DAL", "drift-adjusted learning rates (DAL)"),
];

/// Symbols and terms, what explains them, in an order in which each is explained by those before it.
const MEANINGS: [(&[&str], &str); 20] = [
    (
        &["h", "hλ", "hλ₀", "hλᵢ", "h²", "φₕ", "learning rate", "learning rates"],
        "h is the learning rate, the time of a step",
    ),
    (
        &["E", "∇E", "∇²E", "∇³E", "Hessian", "sharpness"],
        "E is the loss, ∇E its gradient, ∇²E its Hessian",
    ),
    (&["ĝ"], "ĝ is ∇E/‖∇E‖"),
    (&["λ", "hλ", "λᵢ", "hλᵢ", "uᵢ"], "λᵢ and uᵢ are the eigenvalues and eigenvectors of ∇²E"),
    (
        &["λ₀", "hλ₀", "u₀", "sharpness", "edge of stability"],
        "λ₀ is the sharpness, the largest eigenvalue of ∇²E, and u₀ its eigenvector",
    ),
    (
        &["2/h", "1/h", "edge of stability", "sharpness"],
        "on a parabola, gradient descent jumps over the minimum where λ₀ is above 1/h and is unstable where it is above 2/h; \
         λ₀ near 2/h is the edge of stability",
    ),
    (&["θ'", "φₕ"], "θ' is the iterate after θ, φₕ(θ) where a flow comes from θ in the time h"),
    (
        &["NGF", "negative gradient flow", "NGF's"],
        "the negative gradient flow (NGF) has the velocity −∇E",
    ),
    (
        &["IGR"],
        "the flow of implicit gradient regularization (IGR) has the velocity −∇E − h/2 ∇²E ∇E",
    ),
    (
        &["PF", "principal flow"],
        "the principal flow (PF) has the velocity Σ log(1 − hλᵢ)/(hλᵢ) (∇E·uᵢ) uᵢ, which is complex where hλᵢ > 1",
    ),
    (&["third-order", "third order"], "the third-order flow has the terms of IGR and all with h²"),
    (&["positive flow"], "the positive flow has the velocity +∇E"),
    (
        &["sc₀"],
        "sc₀ is log(1 − hλ₀)/(hλ₀) (∇E·u₀), the velocity of the principal flow along u₀ with ∇E·u₀ ≥ 0: where its real \
         part is positive, the flow climbs",
    ),
    (
        &["drift"],
        "the drift of a step is the distance from where it ends to where the negative gradient flow comes in its time",
    ),
    (
        &["DAL", "DAL-p", "DAL-0.5"],
        "drift-adjusted learning rates (DAL) are 2/‖∇²E ĝ‖ in every step, those of DAL-p 2/‖∇²E ĝ‖^p, with the power p, \
         all of them at most 5 where no other bound is named",
    ),
    (&["seeds"], "seeds differ in the initial weights"),
    (
        &["runs that diverge"],
        "runs that diverge are those whose loss is no longer finite, or above ten times that at the start at their end or in \
         more than a tenth of what is measured",
    ),
    (
        &["fail", "fails", "runs that fail"],
        "runs that fail are those whose loss at their end is higher than at the start or not finite, whether they diverge or not",
    ),
    (
        &["holds in part"],
        "a claim holds if every condition in its number is met, in part if some are, and not if none is; there is one for each \
         case that it names, and what must be so in the median and with every seed is two",
    ),
    (&["ELU"], "ELU is the activation x where x > 0 and eˣ − 1 elsewhere"),
];

/// The text with every abbreviation spelled out where it comes first.
pub(super) fn spelled_out(text: &str) -> String {
    let mut text = text.to_string();
    for (short, long) in ABBREVIATIONS {
        let Some(at) = places(&text, short).next() else { continue };
        // No second article.
        let article = text[..at].ends_with("the ");
        let long = if article { long.trim_start_matches("the ") } else { long };
        text.replace_range(at..at + short.len(), long);
    }
    text
}

/// What the symbols and terms of a text mean, and those that explain them.
pub(super) fn meanings(text: &str) -> String {
    let mut all = String::new();
    loop {
        let known = format!("{text}\n{all}");
        let used = |terms: &[&str]| terms.iter().any(|term| places(&known, term).next().is_some());
        let found = MEANINGS.iter().filter(|(terms, _)| used(terms)).map(|(_, meaning)| *meaning);
        let found = found.collect::<Vec<_>>().join("; ");
        if found == all {
            return all;
        }
        all = found;
    }
}

/// Where a word or a symbol stands for itself, not as a part of another.
fn places<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = usize> + 't {
    let apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && !"₀ᵢₕ'²".contains(c));
    text.match_indices(word).map(|(at, _)| at).filter(move |at| {
        apart(text[..*at].chars().next_back()) && apart(text[at + word.len()..].chars().next())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abbreviations_are_spelled_out_once() {
        assert_eq!(
            spelled_out("PF and the NGF; PF"),
            "the principal flow (PF) and the negative gradient flow (NGF); PF"
        );
        assert_eq!(spelled_out("PFAU of DALE"), "PFAU of DALE");
    }

    #[test]
    fn symbols_stand_for_themselves() {
        assert_eq!(meanings("h"), MEANINGS[0].1);
        // Of what explains something, the symbols, too.
        let explained = [0, 1, 4, 5].map(|i| MEANINGS[i].1).join("; ");
        assert_eq!(meanings("2/h"), explained);
        assert_eq!(meanings("such, the Each"), "");
        assert!(meanings("the drift").contains("the drift of a step is"));
        assert_eq!(places("hλ₀ λ₀", "λ₀").count(), 1);
    }
}
