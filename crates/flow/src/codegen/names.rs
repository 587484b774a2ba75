//! Names of a user as identifiers of a language.

use std::collections::BTreeSet;

/// Gives names that are valid, unused and similar to those asked for.
pub(super) struct Namer {
    taken: BTreeSet<String>,
    lowercase: bool,
}

impl Namer {
    /// Names of `reserved` are never given. In some languages variables must not have capitals.
    pub fn new(reserved: &[&str], lowercase: bool) -> Namer {
        Namer { taken: reserved.iter().map(ToString::to_string).collect(), lowercase }
    }

    /// A name like `wanted`: Greek letters are spelled, what no language allows becomes `_`.
    pub fn name(&mut self, wanted: &str) -> String {
        let mut name = String::new();
        for letter in wanted.chars() {
            match letter {
                'A'..='Z' if self.lowercase => name.push(letter.to_ascii_lowercase()),
                'a'..='z' | 'A'..='Z' | '0'..='9' => name.push(letter),
                _ => match greek(letter) {
                    Some(spelled) => name.push_str(spelled),
                    None if letter.is_alphanumeric() => {
                        name.push_str(&format!("u{:x}", u32::from(letter)));
                    }
                    None if name.ends_with('_') => {}
                    None => name.push('_'),
                },
            }
        }
        let mut name = name.trim_matches('_').to_string();
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            name.insert(0, 'v');
        }
        let first = name.clone();
        let mut number = 1;
        while !self.taken.insert(name.clone()) {
            number += 1;
            name = if number == 2 { format!("{first}_") } else { format!("{first}_{number}") };
        }
        name
    }

    /// A prefix that gives an unused name with any number after it.
    pub fn prefix(&self) -> String {
        let clashes = |prefix: &str| {
            self.taken.iter().any(|name| {
                let rest = name.strip_prefix(prefix);
                rest.is_some_and(|r| r.starts_with(|c: char| c.is_ascii_digit()))
            })
        };
        let mut prefix = "t".to_string();
        while clashes(&prefix) {
            prefix.push('t');
        }
        prefix
    }
}

const GREEK: [(char, &str); 24] = [
    ('α', "alpha"),
    ('β', "beta"),
    ('γ', "gamma"),
    ('δ', "delta"),
    ('ε', "epsilon"),
    ('ζ', "zeta"),
    ('η', "eta"),
    ('θ', "theta"),
    ('ι', "iota"),
    ('κ', "kappa"),
    ('λ', "lambda"),
    ('μ', "mu"),
    ('ν', "nu"),
    ('ξ', "xi"),
    ('ο', "omicron"),
    ('π', "pi"),
    ('ρ', "rho"),
    ('σ', "sigma"),
    ('τ', "tau"),
    ('υ', "upsilon"),
    ('φ', "phi"),
    ('χ', "chi"),
    ('ψ', "psi"),
    ('ω', "omega"),
];

fn greek(letter: char) -> Option<&'static str> {
    let small = letter.to_lowercase().next()?;
    GREEK.iter().find(|(l, _)| *l == small).map(|(_, spelled)| *spelled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_valid_and_differ() {
        let mut namer = Namer::new(&["lambda", "theta", "fn"], true);
        let mut name = |text: &str| namer.name(text);
        assert_eq!(name("x"), "x");
        assert_eq!(name("x[0]"), "x_0");
        assert_eq!(name("W"), "w");
        assert_eq!(name("w"), "w_");
        assert_eq!(name("λ"), "lambda_");
        assert_eq!(name("fn"), "fn_");
        assert_eq!(name("W"), "w_3");
        assert_eq!(name("é"), "ue9");
        assert_eq!(name("_"), "v");
        assert_eq!(name("1"), "v1");
        assert_eq!(namer.prefix(), "t");
        namer.name("t12");
        assert_eq!(namer.prefix(), "tt");
    }
}
