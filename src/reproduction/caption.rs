//! The caption of a figure: what the paper says, what is seen here, the number that decides, the verdict.

use super::judgement::Judgement;
use std::fmt;

/// What a figure shows, in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caption {
    /// `fig10`.
    pub id: &'static str,
    /// What the paper says that it shows.
    pub claim: &'static str,
    /// What is seen here, in a sentence.
    pub seen: String,
    /// The number that decides.
    pub number: String,
    /// Whether the claim holds.
    pub verdict: Judgement,
    /// On what it was measured; may be empty.
    pub setting: String,
}

impl Caption {
    /// `numbers` starts with the one that decides; others follow after semicolons.
    pub(super) fn new(
        id: &'static str,
        claim: &'static str,
        verdict: Judgement,
        numbers: &str,
        setting: String,
    ) -> Caption {
        let number = numbers.split("; ").next().unwrap_or_default().to_string();
        Caption { id, claim, seen: seen(id, claim, verdict), number, verdict, setting }
    }

    /// `Figure 10. Ends of the sentence`, the title of the picture.
    pub fn title(&self) -> String {
        let number = match self.id.trim_start_matches("fig").split_once('_') {
            Some((number, _)) => format!("Figure {number}"),
            None if self.id.starts_with("table") => self.id.replace("table", "Table "),
            None => self.id.replace("fig", "Figure "),
        };
        // A symbol keeps its case.
        let word = self.seen.split(' ').next().unwrap_or_default();
        let is_word = word == "a" || word.len() > 1 && word.chars().all(|c| c.is_ascii_lowercase());
        let mut letters = self.seen.chars();
        let first: String = letters.by_ref().take(1).collect();
        let first = if is_word { first.to_uppercase() } else { first };
        lowered(&format!("{number}. {first}{}", letters.as_str()))
    }
}

impl fmt::Display for Caption {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "claim:   {}", self.claim)?;
        writeln!(out, "seen:    {}", self.seen)?;
        writeln!(out, "number:  {}", self.number)?;
        write!(out, "verdict: {}", self.verdict)?;
        if !self.setting.is_empty() {
            write!(out, " ({})", self.setting)?;
        }
        Ok(())
    }
}

/// With `λ₀` for `λ_0`.
fn lowered(text: &str) -> String {
    text.replace("_0", "₀").replace("λ0", "λ₀")
}

/// A sentence that is true wherever the verdict is this one: the claim itself where it holds.
fn seen(id: &str, claim: &str, verdict: Judgement) -> String {
    let own =
        SEEN.iter().find(|(known, of, _)| *known == id && *of == verdict).map(|(.., text)| *text);
    let general = || match verdict {
        Judgement::Holds => claim.to_string(),
        Judgement::InPart => format!("only in part: {claim}"),
        Judgement::DoesNotHold => format!("not seen here: {claim}"),
        Judgement::NotMeasured => format!("not measured: {claim}"),
    };
    own.map_or_else(general, String::from)
}

use Judgement::{DoesNotHold, InPart};

/// What is seen where a claim does not hold, or not all of it.
pub(super) const SEEN: [(&str, Judgement, &str); 27] = [
    (
        "fig5",
        InPart,
        "the principal flow is exact on quadratics wherever it is defined, and not defined where hλ = 1",
    ),
    (
        "fig6",
        InPart,
        "PF tracks gradient descent on Rosenbrock's function in some of the settings only",
    ),
    (
        "fig7",
        InPart,
        "for few steps PF is nearest to gradient descent in some runs, and not in others",
    ),
    ("fig9", DoesNotHold, "λ_0 passes 2/h and does not stay within a quarter of it"),
    ("fig10", InPart, "PF has the smallest one-step error with some seeds, not with all"),
    (
        "fig10_mlp",
        InPart,
        "PF has the smallest one-step error with some seeds, not with all (MLP with 4x100 units)",
    ),
    (
        "fig11",
        InPart,
        "loss and λ_0 change as along NGF and the positive flow in some respects, not in all",
    ),
    (
        "fig13",
        DoesNotHold,
        "where λ_0 > 2/h, increases of the loss are not proportional to those along the positive flow",
    ),
    ("fig15", InPart, "|∇E·u_0| behaves as predicted on one side of 2/h only"),
    (
        "fig19",
        InPart,
        "DAL's learning rate falls and rises, and its updates decrease steadily, in some runs only",
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
        "more drift goes neither with higher test accuracy nor with a smaller λ_0, beyond chance",
    ),
    (
        "fig23",
        InPart,
        "DAL with momentum ends with a lower loss than fixed rates, but increases it no less often",
    ),
    (
        "fig26",
        DoesNotHold,
        "with full batches DAL ends with a higher loss by the difference of gradients",
    ),
    ("fig30", DoesNotHold, "gradient descent never parts from PF and IGR"),
    ("fig32", InPart, "PF is nearer to gradient descent than IGR from some starts, not from all"),
    (
        "fig33",
        DoesNotHold,
        "more than a tenth of the weight of the Hessian's eigenvalues is negative",
    ),
    (
        "fig37",
        DoesNotHold,
        "where λ_0 > 2/h, its changes do not go with those along the positive flow",
    ),
    (
        "fig40",
        InPart,
        "a smaller p of DAL-p generalises better or is less stable with some batch sizes, not with all",
    ),
    (
        "fig42",
        InPart,
        "DAL-0.5 trains as well as the best fixed learning rate with one batch size only",
    ),
    (
        "fig45",
        InPart,
        "a learning rate for each parameter trains the network with some caps and powers, not with all",
    ),
    (
        "fig46",
        InPart,
        "a learning rate for each parameter trains the network with some caps, not with all",
    ),
    (
        "fig47",
        DoesNotHold,
        "with mini-batches, too, more drift goes neither with higher test accuracy nor with a smaller λ_0, beyond chance",
    ),
    (
        "fig13",
        InPart,
        "increases of the loss are proportional to those along the positive flow on one network only",
    ),
    (
        "fig41",
        InPart,
        "DAL trains as well as the best fixed learning rate with one batch size only",
    ),
    (
        "fig31",
        InPart,
        "IGR and the third-order flow have a smaller error than NGF, or a large gap remains, not both",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_sentences() {
        let of =
            |id, verdict| Caption::new(id, "λ_0 grows", verdict, "1.3·2/h; more", String::new());
        assert_eq!(of("fig9", Judgement::Holds).title(), "Figure 9. λ₀ grows");
        let caption = of("fig9", DoesNotHold);
        assert_eq!(
            caption.title(),
            "Figure 9. λ₀ passes 2/h and does not stay within a quarter of it"
        );
        assert_eq!(caption.number, "1.3·2/h");
        assert_eq!(
            Caption { seen: "n of a".into(), ..of("fig24", InPart) }.title(),
            "Figure 24. n of a"
        );
        assert_eq!(
            Caption { seen: "a rate".into(), ..of("fig45", InPart) }.title(),
            "Figure 45. A rate"
        );
        assert!(of("table1", InPart).title().starts_with("Table 1. Only in part"));
        assert!(of("fig10_mlp", InPart).title().starts_with("Figure 10. PF"));
    }
}
