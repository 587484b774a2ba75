//! The claims that come with the program: the paper's, its errata, and the literature's.

use crate::source::Source;

macro_rules! files {
    ($($name:literal),*) => {
        [$((concat!("derivations/", $name), include_str!(concat!("../../derivations/", $name)))),*]
    };
}

const FILES: [(&str, &str); 6] = files!(
    "paper.bea",
    "errata.bea",
    "implicit_regularization.bea",
    "momentum.bea",
    "games.bea",
    "runge_kutta.bea"
);

/// Every file of claims under `derivations/`.
pub fn shipped() -> impl Iterator<Item = Source> {
    FILES.iter().map(|(name, text)| Source::new(*name, *text))
}
