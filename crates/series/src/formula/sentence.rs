//! Sentences with formulas in them.

use super::{Math, Script};

/// A part of a sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Piece {
    /// Words, with the spaces around them.
    Words(String),
    /// A formula between words.
    Inline(Math),
    /// Formulas that stand apart from the words where a format can set them so.
    Display(Vec<Math>),
}

/// A sentence without its final full stop.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sentence(pub Vec<Piece>);

impl Sentence {
    /// Appends words.
    #[must_use]
    pub fn words(mut self, words: impl Into<String>) -> Sentence {
        self.0.push(Piece::Words(words.into()));
        self
    }

    /// Appends a formula between words.
    #[must_use]
    pub fn math(mut self, formula: Math) -> Sentence {
        self.0.push(Piece::Inline(formula));
        self
    }

    /// Appends formulas that stand apart.
    #[must_use]
    pub fn display(mut self, formulas: Vec<Math>) -> Sentence {
        self.0.push(Piece::Display(formulas));
        self
    }

    /// Appends the rest of the sentence.
    #[must_use]
    pub fn then(mut self, rest: Sentence) -> Sentence {
        self.0.extend(rest.0);
        self
    }

    /// The sentence on one line of text, without a final full stop, its formulas in `script`.
    pub fn show(&self, script: &impl Script) -> String {
        let list = |formulas: &[Math], mark: &str| {
            let shown: Vec<String> = formulas.iter().map(|f| script.show(f)).collect();
            shown.join(",  ") + mark
        };
        self.write("", str::to_string, |formula| script.show(formula), list)
    }

    /// The sentence with a capital letter and a full stop, for formats that typeset formulas; the spaces
    /// between words and formulas that stand apart are left out.
    pub fn paragraph(
        &self,
        words: impl Fn(&str) -> String,
        inline: impl Fn(&Math) -> String,
        display: impl Fn(&[Math], &str) -> String,
    ) -> String {
        let mut sentence = self.clone();
        if let Some(Piece::Words(text)) = sentence.0.first_mut()
            && let Some(first) = text.chars().next()
        {
            text.replace_range(..first.len_utf8(), &first.to_uppercase().to_string());
        }
        for i in 0..sentence.0.len() {
            let before = i > 0 && matches!(sentence.0[i - 1], Piece::Display(_));
            let after = matches!(sentence.0.get(i + 1), Some(Piece::Display(_)));
            if let Piece::Words(text) = &mut sentence.0[i] {
                if after {
                    text.truncate(text.trim_end().len());
                }
                if before && let Some(mark) = text.chars().next().filter(|c| ",;".contains(*c)) {
                    *text = format!("{mark}{}", text[1..].trim_start());
                }
            }
        }
        sentence.write(".", words, inline, display)
    }

    /// The sentence, `end` behind it, with its words, its formulas, and those that stand apart written
    /// by functions. The last one also gets the punctuation mark that follows.
    pub fn write(
        &self,
        end: &str,
        words: impl Fn(&str) -> String,
        inline: impl Fn(&Math) -> String,
        display: impl Fn(&[Math], &str) -> String,
    ) -> String {
        let mut out = String::new();
        let mut pieces = self.0.iter().peekable();
        // The mark that was written with the formulas before it.
        let mut written = "";
        while let Some(piece) = pieces.next() {
            match piece {
                Piece::Words(text) => out += &words(text.strip_prefix(written).unwrap_or(text)),
                Piece::Inline(formula) => out += &inline(formula),
                Piece::Display(formulas) => {
                    written = match pieces.peek() {
                        None => end,
                        Some(Piece::Words(text)) if text.starts_with(',') => ",",
                        Some(Piece::Words(text)) if text.starts_with(';') => ";",
                        Some(_) => "",
                    };
                    out += &display(formulas, written);
                    continue;
                }
            }
            written = "";
        }
        if written.is_empty() { out + end } else { out }
    }
}
