//! Legends and axes in words instead of the names that the command line has for flows, and the colours of flows.

use bea_plot::{Color, Dash, Figure};

/// Names, and what papers write.
const WORDS: [(&str, &str); 7] = [
    ("gd", "gradient descent"),
    ("ngf", "NGF"),
    ("igr", "IGR"),
    ("pf", "PF"),
    ("pf+np:2", "PF + non-principal term"),
    ("closed form", "limit of the closed form of PF"),
    ("theta", "θ"),
];

/// Replaces names that stand alone between spaces and commas.
pub(super) fn in_words(figure: &mut Figure) {
    for panel in &mut figure.panels {
        let labels = panel.series.iter_mut().map(|series| &mut series.label);
        labels.chain([&mut panel.x.label, &mut panel.y.label, &mut panel.note]).for_each(replace);
    }
}

/// The principal flow has the same colour and a line without dashes in all figures, also where it is the first flow of its
/// figure.
pub(super) fn color_alike(figure: &mut Figure) {
    for series in figure.panels.iter_mut().flat_map(|panel| &mut panel.series) {
        if series.label == "PF" {
            series.style.color = Color::of_series(3);
            series.style.line = series.style.line.map(|_| Dash::Solid);
        }
    }
}

fn replace(label: &mut String) {
    if let Some((_, words)) = WORDS.iter().find(|(name, _)| name == label) {
        *label = (*words).into();
        return;
    }
    let word = |part: &str| {
        let (name, comma) = part.strip_suffix(',').map_or((part, ""), |name| (name, ","));
        let known = WORDS.iter().find(|(known, _)| *known == name);
        known.map_or_else(|| part.to_string(), |(_, words)| format!("{words}{comma}"))
    };
    *label = label.split(' ').map(word).collect::<Vec<_>>().join(" ");
}

#[cfg(test)]
mod tests {
    use super::replace;

    #[test]
    fn names_that_stand_alone_are_replaced() {
        for (name, words) in [
            ("distance to gd", "distance to gradient descent"),
            ("pf, measured", "PF, measured"),
            ("closed form", "limit of the closed form of PF"),
            ("Re theta", "Re θ"),
            ("real part of pf, pf+np:2", "real part of PF, PF + non-principal term"),
            ("step", "step"),
        ] {
            let mut label = name.to_string();
            replace(&mut label);
            assert_eq!(label, words);
        }
    }
}
