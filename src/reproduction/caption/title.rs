//! Titles of pictures: what is seen, in a few words.

use super::super::judgement::Judgement::{self, DoesNotHold, InPart};

/// `Figure 10. A sentence` that is true wherever the verdict is this one, the claim itself where it holds, unless the judge has
/// its own.
pub(super) fn of(id: &str, claim: &str, verdict: Judgement, own: Option<&str>) -> String {
    let number = match id.trim_start_matches("fig").split_once('_') {
        // `fig10_mlp`: the same figure with a network that has no convolutions.
        Some((number, _)) => format!("Figure {number}, fully connected"),
        None if id.starts_with("table") => id.replace("table", "Table "),
        None => id.replace("fig", "Figure "),
    };
    format!(
        "{number}. {}",
        capital(&own.map_or_else(|| sentence(id, claim, verdict), str::to_string))
    )
}

fn sentence(id: &str, claim: &str, verdict: Judgement) -> String {
    let own = SENTENCES.iter().find(|(known, of, _)| *known == id && *of == verdict);
    let general = || match verdict {
        Judgement::Holds => claim.to_string(),
        InPart => format!("only in part: {claim}"),
        DoesNotHold => format!("not seen here: {claim}"),
        Judgement::NotMeasured => format!("not measured: {claim}"),
    };
    own.map_or_else(general, |(.., text)| text.to_string())
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

/// What is seen where it differs from the claim.
pub(crate) const SENTENCES: &[(&str, Judgement, &str)] = &[
    ("table1", Judgement::Holds, "the velocity of each flow is Σ α(hλᵢ) (∇E·uᵢ) uᵢ"),
    (
        "fig5",
        InPart,
        "the principal flow is exact on quadratics wherever it is defined, and not defined where hλ = 1",
    ),
    (
        "fig9",
        DoesNotHold,
        "the sharpness λ₀ passes 2/h, and its median from there on is not between 0.8 and 1.25 times 2/h",
    ),
    (
        "fig13",
        DoesNotHold,
        "where λ₀ > 2/h, increases of the loss are not proportional to those along the positive flow",
    ),
    (
        "fig21",
        DoesNotHold,
        "neither test accuracy nor the number of increases of the loss falls steadily with p",
    ),
    (
        "fig21",
        InPart,
        "test accuracy or the number of increases of the loss falls steadily with p, not both",
    ),
    (
        "fig22",
        DoesNotHold,
        "no significant correlation of the drift with the test accuracy or λ₀ as the claim has it",
    ),
    (
        "fig23",
        InPart,
        "DAL with momentum ends with a lower loss than fixed rates, but increases it no less often",
    ),
    ("fig30", DoesNotHold, "gradient descent never ends elsewhere than the principal flow and IGR"),
    (
        "fig31",
        InPart,
        "IGR and the third-order flow reduce the error of the negative gradient flow, or a large gap remains, not both",
    ),
    (
        "fig32",
        InPart,
        "the principal flow is nearer to gradient descent than IGR from some starts, not from all",
    ),
    (
        "fig33",
        DoesNotHold,
        "more than a tenth of the weight of the Hessian's eigenvalues is negative",
    ),
    (
        "fig37",
        DoesNotHold,
        "where λ₀ > 2/h, its changes do not go with those along the positive flow",
    ),
    (
        "fig40",
        InPart,
        "a smaller p of DAL-p generalises better or is less stable with some batch sizes, not with all",
    ),
    ("fig42", DoesNotHold, "DAL-0.5 ends with a higher loss than the best fixed learning rate"),
    (
        "fig47",
        DoesNotHold,
        "with mini-batches, too, no significant correlation of the drift with accuracy or λ₀ as the claim has it",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_sentences() {
        assert_eq!(of("fig9", "λ₀ grows", Judgement::Holds, None), "Figure 9. λ₀ grows");
        assert!(
            of("fig9", "λ₀ grows", DoesNotHold, None)
                .starts_with("Figure 9. The sharpness λ₀ passes")
        );
        assert_eq!(of("fig24", "n of a", Judgement::Holds, Some("n of b")), "Figure 24. n of b");
        assert_eq!(of("fig2", "a rate", Judgement::Holds, None), "Figure 2. A rate");
        assert_eq!(of("fig2", "not-so", Judgement::Holds, None), "Figure 2. Not-so");
        assert!(of("table1", "each", InPart, None).starts_with("Table 1. Only in part"));
        assert!(
            of("fig10_mlp", "PF", Judgement::Holds, None)
                .starts_with("Figure 10, fully connected. PF")
        );
    }
}
