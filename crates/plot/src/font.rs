//! The one font of all pictures: DejaVu Sans, embedded, so that no picture depends on the fonts that
//! are installed.

use std::sync::LazyLock;
use ttf_parser::{Face, GlyphId, OutlineBuilder};

/// From line to line of a text, in heights of its letters.
pub(super) const LINE: f64 = 1.25;

static FACE: LazyLock<Face<'static>> =
    LazyLock::new(|| Face::parse(data(), 0).expect("the embedded font is a font"));

/// The file of the font.
pub(super) fn data() -> &'static [u8] {
    dejavu::sans::regular()
}

pub(super) fn units_per_em() -> f64 {
    f64::from(FACE.units_per_em())
}

/// Ascent, descent, height of capitals, and the box around all glyphs, in units of the font.
pub(super) fn extent() -> (f64, f64, f64, [f64; 4]) {
    let all = FACE.global_bounding_box();
    let all = [all.x_min, all.y_min, all.x_max, all.y_max].map(f64::from);
    let capital = FACE.capital_height().unwrap_or(FACE.ascender());
    (FACE.ascender().into(), FACE.descender().into(), capital.into(), all)
}

/// Every character with the number and the advance of its glyph, in units of the font.
pub(super) fn glyphs(text: &str) -> impl Iterator<Item = (char, u16, u16)> {
    text.chars().map(|c| (c, glyph(c).0, FACE.glyph_hor_advance(glyph(c)).unwrap_or(0)))
}

/// How far the glyphs of a text reach above the baseline: the lowest and the highest of their points, in pixels. Nothing
/// for spaces.
pub(super) fn ink(text: &str, size: f64) -> (f64, f64) {
    let boxes = text.chars().filter_map(|c| FACE.glyph_bounding_box(glyph(c)));
    let (low, high) = boxes.fold((0, 0), |(low, high), b| (b.y_min.min(low), b.y_max.max(high)));
    (f64::from(low) * scale(size), f64::from(high) * scale(size))
}

const RELATIONS: [&str; 5] = ["=", "<", ">", "≤", "≥"];

/// What is not broken between lines: words, a number with the `%` after it, and both sides of a relation.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match words.last_mut() {
            Some(before)
                if word.starts_with('%')
                    || RELATIONS.contains(&word)
                    || before.rsplit(' ').next().is_some_and(|last| RELATIONS.contains(&last)) =>
            {
                *before = format!("{before} {word}");
            }
            _ => words.push(word.into()),
        }
    }
    words
}

/// Lines of a text that are no wider than `width`: broken at spaces, and words that are wider, between characters.
pub(super) fn wrap(text: &str, size: f64, width: f64) -> Vec<String> {
    let fits = |text: &str| self::width(text, size) <= width;
    if fits(text) {
        return vec![text.to_string()];
    }
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in words(text) {
        let longer = if line.is_empty() { word.clone() } else { format!("{line} {word}") };
        if fits(&longer) {
            line = longer;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for c in word.chars() {
            if !line.is_empty() && !fits(&format!("{line}{c}")) {
                lines.push(std::mem::take(&mut line));
            }
            line.push(c);
        }
    }
    lines.push(line);
    lines
}

/// The lines of [`wrap`], as long as one another as far as words allow, so that no line has a single word left over.
pub(super) fn balanced(text: &str, size: f64, width: f64) -> Vec<String> {
    let mut lines = wrap(text, size, width);
    let count = lines.len();
    let longest = words(text).iter().map(|word| self::width(word, size)).fold(0.0, f64::max);
    let (mut narrow, mut wide) = (longest.min(width), width);
    while count > 1 && wide - narrow > 1.0 {
        let middle = f64::midpoint(narrow, wide);
        let shorter = wrap(text, size, middle);
        if shorter.len() > count {
            narrow = middle;
        } else {
            (wide, lines) = (middle, shorter);
        }
    }
    lines
}

/// The width of a text in pixels, at a size in pixels.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let units: u32 = text.chars().map(|c| advance(glyph(c))).sum();
    f64::from(units) * scale(size)
}

/// Hands the outline of every glyph to `draw`, left to right. `builder` is given the x of the glyph's
/// origin in pixels, from 0 on.
pub(super) fn outlines<B: OutlineBuilder>(
    text: &str,
    size: f64,
    mut builder: impl FnMut(f64) -> B,
    mut draw: impl FnMut(B),
) {
    let mut x = 0.0;
    for c in text.chars() {
        let glyph = glyph(c);
        let mut outline = builder(x);
        FACE.outline_glyph(glyph, &mut outline);
        draw(outline);
        x += f64::from(advance(glyph)) * scale(size);
    }
}

/// Pixels per unit of the font.
pub(super) fn scale(size: f64) -> f64 {
    size / f64::from(FACE.units_per_em())
}

/// The glyph of a character; the font's replacement box if it has none.
fn glyph(c: char) -> GlyphId {
    FACE.glyph_index(c).unwrap_or(GlyphId(0))
}

fn advance(glyph: GlyphId) -> u32 {
    FACE.glyph_hor_advance(glyph).unwrap_or(0).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balanced_lines_leave_no_word_alone() {
        let text = "one line of words and then one more";
        let width = width(text, 10.0) - 1.0;
        assert_eq!(wrap(text, 10.0, width)[1], "more");
        let lines = balanced(text, 10.0, width);
        assert_eq!(lines.join(" "), text);
        assert!(lines.len() == 2 && lines[1].split(' ').count() > 2, "{lines:?}");
        assert_eq!(balanced("short", 10.0, width), ["short"]);
        let width = super::width("more than 35", 10.0) + 1.0;
        assert_eq!(wrap("more than 35 % are", 10.0, width), ["more than", "35 % are"]);
    }
}
