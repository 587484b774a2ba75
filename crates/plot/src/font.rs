//! The one font of all pictures: DejaVu Sans, embedded, so that no picture depends on the fonts that
//! are installed.

use std::sync::LazyLock;
use ttf_parser::{Face, GlyphId, OutlineBuilder};

static FACE: LazyLock<Face<'static>> =
    LazyLock::new(|| Face::parse(dejavu::sans::regular(), 0).expect("the embedded font is a font"));

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
