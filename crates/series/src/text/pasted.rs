//! Characters that come from printed pages, PDF files and word processors, and how they are written here.

/// A character, what it is called, and what is written for it.
const CHARACTERS: &[(char, &str, &str)] = &[
    ('−', "minus sign", "`-`"),
    ('–', "en dash", "`-`"),
    ('—', "em dash", "`-`"),
    ('‐', "hyphen", "`-`"),
    ('‑', "non-breaking hyphen", "`-`"),
    ('·', "middle dot", "`*`"),
    ('⋅', "dot operator", "`*`"),
    ('∙', "bullet operator", "`*`"),
    ('•', "bullet", "`*`"),
    ('×', "multiplication sign", "`*`"),
    ('∗', "asterisk operator", "`*`"),
    ('÷', "division sign", "`/`"),
    ('∕', "division slash", "`/`"),
    ('⁄', "fraction slash", "`/`"),
    ('′', "prime", "`\'`"),
    ('″', "double prime", "`\'\'`"),
    ('‴', "triple prime", "`\'\'\'`"),
    ('’', "quotation mark", "`\'`"),
    ('‘', "quotation mark", "`\'`"),
    ('´', "acute accent", "`\'`"),
    ('“', "quotation mark", "`\"`"),
    ('”', "quotation mark", "`\"`"),
    ('„', "quotation mark", "`\"`"),
    ('«', "quotation mark", "`\"`"),
    ('»', "quotation mark", "`\"`"),
    ('ϕ', "variant of phi", "`phi`"),
    ('ϑ', "variant of theta", "`theta`"),
    ('ϵ', "variant of epsilon", "`epsilon`"),
    ('ϱ', "variant of rho", "`rho`"),
    ('ϖ', "variant of pi", "`pi`"),
    ('ϰ', "variant of kappa", "`kappa`"),
    ('µ', "micro sign", "`mu`"),
    ('∆', "increment", "`Delta`"),
    ('\u{2126}', "ohm sign", "`Omega`"),
    ('∇', "nabla", "`f` for -∇E, and `∇E` in claims alone"),
    ('∂', "partial derivative", "primes: `f\'`, `f\'\'`"),
    ('½', "one half", "`1/2`"),
    ('⅓', "one third", "`1/3`"),
    ('⅔', "two thirds", "`2/3`"),
    ('¼', "one quarter", "`1/4`"),
    ('¾', "three quarters", "`3/4`"),
    ('⅕', "one fifth", "`1/5`"),
    ('⅖', "two fifths", "`2/5`"),
    ('⅗', "three fifths", "`3/5`"),
    ('⅘', "four fifths", "`4/5`"),
    ('⅙', "one sixth", "`1/6`"),
    ('⅚', "five sixths", "`5/6`"),
    ('⅛', "one eighth", "`1/8`"),
    ('⅜', "three eighths", "`3/8`"),
    ('⅝', "five eighths", "`5/8`"),
    ('⅞', "seven eighths", "`7/8`"),
    ('√', "square root", "`sqrt(…)`"),
    ('∞', "infinity", "a number"),
    ('≤', "less than or equal to", "`<=`"),
    ('≥', "greater than or equal to", "`>=`"),
    ('≡', "identical to", "`==`"),
    ('≈', "almost equal to", "`== … up to h^n`"),
    ('…', "ellipsis", "`..`"),
    ('‥', "two dot leader", "`..`"),
    ('∑', "sum", "`sum(i in 0..n: …)`"),
    ('∈', "element of", "`in`"),
    ('∣', "divides", "`|`"),
    ('∥', "parallel to", "`|`"),
    ('‖', "double bar", "`dot(X, X)` for a square"),
    ('⟨', "angle bracket", "`dot(X, Y)`"),
    ('⟩', "angle bracket", "`dot(X, Y)`"),
    ('⊤', "transposed", "`dot(X, Y)`"),
    ('ᵀ', "transposed", "`dot(X, Y)`"),
    ('ﬀ', "ligature", "`ff`"),
    ('ﬁ', "ligature", "`fi`"),
    ('ﬂ', "ligature", "`fl`"),
    ('ﬃ', "ligature", "`ffi`"),
    ('ﬄ', "ligature", "`ffl`"),
    ('⁻', "raised minus", "`^-`"),
    ('⁺', "raised plus", "`^`"),
    ('ⁿ', "raised n", "`^n`"),
    ('ᵏ', "raised k", "`^k`"),
    ('ℎ', "italic h", "`h`"),
    ('ℓ', "script l", "`l`"),
    ('ℒ', "script L", "`L`"),
    ('ℰ', "script E", "`E`"),
    ('ℋ', "script H", "`H`"),
    ('\u{a0}', "no-break space", BLANK),
    ('\u{202f}', "narrow no-break space", BLANK),
    ('\u{3000}', "ideographic space", BLANK),
    ('\u{205f}', "mathematical space", BLANK),
    ('\u{85}', "next line", BLANK),
    ('\u{2028}', "line separator", BLANK),
    ('\u{2029}', "paragraph separator", BLANK),
    ('\u{ad}', "soft hyphen", NOTHING),
    ('\u{2060}', "word joiner", NOTHING),
];

const BLANK: &str = "an ordinary blank";
const NOTHING: &str = "nothing: delete it";

/// Greek letters and their names, for mathematical alphabets.
const GREEK: [&str; 25] = [
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa",
    "lambda", "mu", "nu", "xi", "omicron", "pi", "rho", "sigma", "sigma", "tau", "upsilon", "phi",
    "chi", "psi", "omega",
];

/// How to write the first character of a text that comes from a printed page: `` `−` (minus sign, U+2212) is
/// written `-` ``; `None` if there is none.
pub fn advice(text: &str) -> Option<String> {
    text.chars().find_map(|c| {
        let (name, written) = written(c)?;
        let shown: String = c.escape_debug().collect();
        let code = u32::from(c);
        Some(format!("`{shown}` ({name}, U+{code:04X}) is written as {written}"))
    })
}

/// What a character is called, and what is written for it.
fn written(c: char) -> Option<(String, String)> {
    if c.is_ascii() {
        return None;
    }
    if let Some((_, name, written)) = CHARACTERS.iter().find(|(known, ..)| *known == c) {
        return Some((name.to_string(), written.to_string()));
    }
    let digit = |digits: &str| digits.chars().position(|d| d == c);
    let (code, letter) =
        (u32::from(c), |name: String| Some(("mathematical letter".to_string(), name)));
    match code {
        _ if let Some(digit) = digit("⁰¹²³⁴⁵⁶⁷⁸⁹") => {
            Some(("raised digit".into(), format!("`^{digit}`")))
        }
        0x2080..=0x2089 => Some(("lowered digit".into(), format!("`{}` in a name", code - 0x2080))),
        0x2000..=0x200a => Some(("space of a printer".into(), BLANK.into())),
        0x200b..=0x200f | 0x202a..=0x202e | 0x2066..=0x2069 => {
            Some(("invisible".into(), NOTHING.into()))
        }
        0xff01..=0xff5e => {
            let plain = char::from_u32(code - 0xfee0)?;
            Some(("wide character".into(), format!("`{plain}`")))
        }
        // Thirteen Latin alphabets, five Greek ones with six variants, five of digits.
        0x1d400..=0x1d6a3 => {
            let place = (code - 0x1d400) % 52;
            let plain = if place < 26 { b'A' + place as u8 } else { b'a' + place as u8 - 26 };
            letter(format!("`{}`", char::from(plain)))
        }
        0x1d6a8..=0x1d7c9 => match (code - 0x1d6a8) % 58 {
            place @ 0..=24 => {
                let name = GREEK[place as usize];
                letter(format!("`{}{}`", name[..1].to_uppercase(), &name[1..]))
            }
            25 => written('∇'),
            place @ 26..=50 => letter(format!("`{}`", GREEK[place as usize - 26])),
            51 => written('∂'),
            place => {
                let variants = ["epsilon", "theta", "kappa", "phi", "rho", "pi"];
                letter(format!("`{}`", variants[place as usize - 52]))
            }
        },
        0x1d7ce..=0x1d7ff => {
            Some(("mathematical digit".into(), format!("`{}`", (code - 0x1d7ce) % 10)))
        }
        _ => None,
    }
}

/// A message about a text, with the advice on the first character of it that comes from a printed page.
pub fn explained(message: impl std::fmt::Display, text: &str) -> String {
    match advice(text) {
        Some(advice) => format!("{message}; {advice}"),
        None => message.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_is_named_with_what_is_written() {
        for (text, written) in [
            ("−", "`−` (minus sign, U+2212) is written as `-`"),
            ("x\u{a0}", "`\\u{a0}` (no-break space, U+00A0) is written as an ordinary blank"),
            ("𝜃", "`𝜃` (mathematical letter, U+1D703) is written as `theta`"),
            ("𝑓", "`𝑓` (mathematical letter, U+1D453) is written as `f`"),
            ("𝛻", "`𝛻` (nabla, U+1D6FB) is written as `f` for -∇E, and `∇E` in claims alone"),
            ("𝟐", "`𝟐` (mathematical digit, U+1D7D0) is written as `2`"),
            ("（", "`（` (wide character, U+FF08) is written as `(`"),
            ("x³", "`³` (raised digit, U+00B3) is written as `^3`"),
            ("deﬁned", "`ﬁ` (ligature, U+FB01) is written as `fi`"),
            ("𝝫", "`𝝫` (mathematical letter, U+1D76B) is written as `Phi`"),
        ] {
            assert_eq!(advice(text).as_deref(), Some(written));
        }
        assert_eq!(
            advice("plain θ²"),
            Some("`²` (raised digit, U+00B2) is written as `^2`".into())
        );
        assert_eq!(advice("plain θ"), None);
        assert_eq!(explained("bad", "1"), "bad");
        let mut seen: Vec<char> = CHARACTERS.iter().map(|(c, ..)| *c).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), CHARACTERS.len());
    }
}
