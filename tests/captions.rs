//! Captions of the paper's figures, for somebody who sees the project first: what is drawn, claimed and seen, in words.

mod made_up;

use bea::plot::Figure;
use bea::reproduction::{AnyFigure, Caption, Judgement, NETWORK_FIGURES, all, find};
use made_up::outcomes;

/// Caption and picture of every figure, those of networks for several kinds of runs.
fn captions() -> Vec<(Caption, Figure)> {
    type Value = fn(usize, usize, usize) -> f64;
    let kinds: [Value; 4] = [
        |run, i, column| {
            1.0 + 0.1 * run as f64 + 0.01 * (i * column) as f64 + 0.3 * (i as f64).sin()
        },
        |run, i, column| (1 + run + i + column) as f64,
        |run, i, column| (1 + run + column) as f64 / (1 + i) as f64,
        |run, i, _| if (run + i) % 3 == 0 { f64::INFINITY } else { 1.0 },
    ];
    let of = |figure: AnyFigure| match figure {
        AnyFigure::Simulated(figure) => {
            let judged = figure.run();
            vec![(figure.caption(&judged), judged.figure)]
        }
        AnyFigure::Network(figure) => {
            let each = kinds.iter().map(|kind| {
                let outcomes = outcomes(figure, kind);
                (figure.caption(&outcomes), figure.picture(&outcomes))
            });
            each.collect()
        }
    };
    all().into_iter().flat_map(of).collect()
}

/// The caption with a line a part.
fn lines(caption: &Caption) -> String {
    let text = caption.to_string();
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    text.replace("\n         ", " ")
}

/// Everything that a picture says.
fn labels(figure: &Figure) -> String {
    let panels = figure.panels.iter().flat_map(|panel| {
        let own = [&panel.title, &panel.x.label, &panel.y.label, &panel.note];
        let bands = panel.bands.iter().map(|band| &band.label);
        own.into_iter().chain(panel.series.iter().map(|series| &series.label)).chain(bands)
    });
    panels.fold(figure.title.clone(), |all, label| format!("{all}\n{label}"))
}

/// Whether a text has a word or symbol that is not a part of another.
fn has(text: &str, word: &str) -> bool {
    let apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && !"₀ᵢₕ'²".contains(c));
    text.match_indices(word).any(|(at, _)| {
        apart(text[..at].chars().next_back()) && apart(text[at + word.len()..].chars().next())
    })
}

#[test]
fn captions_tell_what_is_drawn_claimed_and_seen() {
    for (caption, _) in captions() {
        let text = lines(&caption);
        let parts: Vec<&str> = text.lines().map(|line| line.split(':').next().unwrap()).collect();
        let expected = ["shows", "claim", "seen", "number", "verdict", "setting", "where", "more"];
        let known: Vec<&str> = expected.into_iter().filter(|name| parts.contains(name)).collect();
        assert_eq!(parts, known, "{text}");
        let measured = caption.verdict != Judgement::NotMeasured;
        let needed = expected[..7].iter().filter(|name| measured || **name != "number");
        assert!(needed.into_iter().all(|name| parts.contains(name)), "{text}");
        assert!(caption.shows.chars().count() > 40, "{text}");
        assert_ne!(caption.seen, caption.claim);
        for said in [&caption.seen, &caption.number] {
            let has_number = said.contains(|c: char| c.is_ascii_digit());
            assert!(has_number || !measured, "{said}: {text}");
        }
        let (met, all) = caption.met;
        let agrees = match caption.verdict {
            Judgement::Holds => 0 < met && met == all,
            Judgement::InPart => text.contains(&format!("part ({met} of {all} conditions)")),
            Judgement::DoesNotHold | Judgement::NotMeasured => met == 0,
        };
        assert!(agrees, "{met} of {all}: {text}");
        let title = caption.title();
        assert!(title.starts_with("Figure ") || title.starts_with("Table "), "{title}");
        assert!(title.chars().count() <= 140, "{title}");
    }
}

/// Whoever has never seen an abbreviation reads what it stands for where it comes first.
#[test]
fn abbreviations_are_spelled_out_where_they_come_first() {
    for (caption, picture) in captions() {
        let text = lines(&caption);
        let all = format!("{text}\n{}", labels(&picture));
        for (short, long) in [
            ("NGF", "negative gradient flow (NGF)"),
            ("IGR", "flow of implicit gradient regularization (IGR)"),
            ("PF", "principal flow (PF)"),
            ("DAL", "drift-adjusted learning rates (DAL)"),
        ] {
            if ["", "-p", "-0.5", "'s"].iter().any(|end| has(&all, &format!("{short}{end}"))) {
                let first = text.find(long).unwrap_or_else(|| panic!("{short}: {all}"));
                assert_eq!(text.find(short), Some(first + long.find(short).unwrap()), "{text}");
            }
        }
        // No others.
        for word in all.split(|c: char| !c.is_alphanumeric()) {
            let short = word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase());
            let known = ["NGF", "IGR", "PF", "DAL", "VGG", "MNIST", "CIFAR", "ELU"];
            assert!(!short || known.contains(&word), "{word}: {all}");
        }
    }
}

#[test]
fn symbols_of_caption_and_picture_are_explained() {
    for (caption, picture) in captions() {
        let all = format!("{}\n{}", lines(&caption), labels(&picture));
        let symbols = caption.symbols();
        for (symbol, meaning) in [
            ("h", "h is the learning rate"),
            ("2/h", "above 2/h"),
            ("E", "E is the loss"),
            ("λ₀", "λ₀ is the sharpness"),
            ("u₀", "u₀ its eigenvector"),
            ("λᵢ", "λᵢ and uᵢ are"),
            ("uᵢ", "λᵢ and uᵢ are"),
            ("sc₀", "sc₀ is"),
            ("ĝ", "ĝ is"),
            ("θ'", "θ' is the iterate"),
            ("φₕ", "φₕ(θ)"),
            ("drift", "the drift of a step is"),
            ("positive flow", "the positive flow has the velocity"),
            ("ELU", "ELU is"),
            ("paper", "the paper is Rosca, Wu, Qin and Dherin"),
            ("runs that diverge", "or above ten times that at the start"),
            ("seeds", "seeds differ"),
            ("DAL", "(DAL) are 2/‖∇²E ĝ‖"),
        ] {
            let explained = symbols.contains(meaning);
            assert!(explained || !has(&all, symbol), "{}: {symbol}: {all}", caption.id);
        }
    }
}

/// No names of columns, keys of descriptions or specifications of networks and data.
#[test]
fn captions_and_pictures_have_no_raw_names() {
    for (caption, picture) in captions() {
        let all = format!("{}\n{}\n{}", caption.title(), lines(&caption), labels(&picture));
        for raw in [
            "lambda_",
            "_0",
            "sc_",
            "_i",
            "_PF",
            "seed=",
            "lr=",
            "batch=",
            "cap=",
            "p=",
            "mlp:",
            "vgg",
            "resnet",
            "fashion_mnist",
            "gaussian:",
            "scale=",
            "λ0",
            "pf+np",
            "iterates 1 ",
        ] {
            assert!(!all.contains(raw), "{raw}: {all}");
        }
        for raw in ["gd", "ngf", "igr", "pf", "hg", "theta", "1 steps", "one steps"] {
            assert!(!has(&all, raw), "{raw}: {all}");
        }
    }
}

#[test]
fn a_claim_that_fails_has_a_title_that_says_what_is_seen() {
    let AnyFigure::Simulated(figure) = find("fig30").unwrap() else { panic!() };
    let judged = figure.run();
    let caption = figure.caption(&judged);
    assert_eq!(caption.verdict, Judgement::DoesNotHold);
    let title = "Figure 30. Gradient descent does not escape the cosine branch: all 108 runs end where the principal flow and IGR do";
    assert_eq!(judged.figure.title, title);
    assert_eq!(caption.number, "0 of 108 runs; one is enough");
    assert!(NETWORK_FIGURES.iter().all(|figure| !figure.shows.is_empty()));
}
