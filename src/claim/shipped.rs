//! The claims that come with the program: the paper's, its errata, and the literature's.

use crate::source::Source;

const FILES: [(&str, &str); 2] = [
    ("derivations/paper.bea", include_str!("../../derivations/paper.bea")),
    ("derivations/errata.bea", include_str!("../../derivations/errata.bea")),
];

/// Every file of claims under `derivations/`.
pub fn shipped() -> impl Iterator<Item = Source> {
    FILES.iter().map(|(name, text)| Source::new(*name, *text))
}
