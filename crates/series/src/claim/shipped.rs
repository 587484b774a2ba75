//! The claims that come with the program: the paper's, its errata, and the literature's.

use crate::text::source::Source;

macro_rules! files {
    ($($name:literal),*) => {
        [$((concat!("derivations/", $name), include_str!(concat!("../../derivations/", $name)))),*]
    };
}

const FILES: [(&str, &str); 8] = files!(
    "paper.bea",
    "errata.bea",
    "implicit_regularization.bea",
    "momentum.bea",
    "games.bea",
    "runge_kutta.bea",
    "one_branching_vertex.bea",
    "nonlinear.bea"
);

/// Every file of claims under `derivations/`.
pub fn shipped() -> impl Iterator<Item = Source> {
    FILES.iter().map(|(name, text)| Source::new(*name, *text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::syntax::{Expr, ExprKind};
    use crate::claim::{Checker, Claim, parse};
    use crate::optimizer;

    #[test]
    fn every_file_in_the_folder_is_compiled_in() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/derivations");
        let mut found: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".bea"))
            .map(|name| format!("derivations/{name}"))
            .collect();
        found.sort();
        let mut shipped: Vec<String> = shipped().map(|s| s.name.to_string()).collect();
        shipped.sort();
        assert_eq!(shipped, found);
    }

    #[test]
    fn every_claim_prints_and_parses_to_the_same() {
        for source in shipped() {
            for claim in parse(&source).unwrap() {
                let again = parse(&Source::new("printed", claim.to_string())).unwrap();
                assert_eq!(again, [claim]);
            }
        }
    }

    /// A claim whose side number `side` is doubled.
    fn doubled(claim: &Claim, side: usize) -> Claim {
        let mut claim = claim.clone();
        let value = claim.sides[side].clone();
        let span = value.span.clone();
        let two = Expr {
            kind: ExprKind::Number(num_rational::BigRational::from_integer(2.into())),
            span: span.clone(),
        };
        claim.sides[side] =
            Expr { kind: ExprKind::Product(vec![(false, two), (false, value)]), span };
        claim
    }

    /// The checker finds claims false: each true one becomes false when one of its sides is doubled,
    /// unless that side is zero.
    #[test]
    fn a_claim_with_one_side_doubled_is_false() {
        let mut zero = Vec::new();
        for source in shipped() {
            let optimizers = optimizer::parse(&source).unwrap();
            let claims = parse(&source).unwrap();
            for claim in claims.iter().filter(|c| !c.expect_false) {
                for side in 0..claim.sides.len() {
                    let wrong = doubled(claim, side);
                    let verdict = Checker::new(&optimizers).check(&wrong, &source).unwrap();
                    if verdict.holds {
                        zero.push(claim.name.clone());
                    }
                }
            }
        }
        zero.dedup();
        assert_eq!(
            zero,
            [
                "Eq. 23 and step 4, l_i",
                "Eq. 109",
                "Eq. 174, corrected, on the slow manifold",
                "Symmetric methods have only even powers: trapezoidal rule",
                "High-resolution equation of Nesterov's method",
                "High-resolution equation of the heavy ball",
            ]
        );
    }
}
