//! A display list as PDF: one page of shapes and of texts, which can be selected, with the part of the font that they use.

use super::color::Color;
use super::display_list::{DisplayList, Item, Point, Stroke};
use super::font;
use flate2::{Compression, write::ZlibEncoder};
use pdf_writer::types::{CidFontType, FontFlags, LineJoinStyle, SystemInfo, UnicodeCmap};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Str, TextStr};
use std::collections::BTreeMap;
use std::io::Write as _;
use subsetter::GlyphRemapper;

/// Points, of which an inch has 72, for each CSS pixel.
const POINTS: f64 = 0.75;
/// A circle of radius 1 as four Bézier curves: the length of the tangents.
const TANGENT: f32 = 0.552_285;
/// Units of the font in PDF for each em.
const EM: f64 = 1000.0;

const FONT: Name = Name(b"F");
const CMAP: Name = Name(b"bea");
/// A subset is named by six letters before its font.
const FONT_NAME: Name = Name(b"BEAAAA+DejaVuSans");
const IDENTITY: SystemInfo =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// The bytes of the PDF file.
pub(super) fn write(list: &DisplayList) -> Vec<u8> {
    let mut ids = (1..).map(Ref::new);
    let mut id = || ids.next().expect("there are enough");
    let (catalog, tree, page, contents, info) = (id(), id(), id(), id(), id());
    let fonts = Fonts { font: id(), descendant: id(), descriptor: id(), file: id(), unicode: id() };
    let points = list.scale * POINTS;
    let (width, height) = ((list.width * points) as f32, (list.height * points) as f32);
    let mut canvas = Canvas {
        content: Content::new(),
        glyphs: GlyphRemapper::new(),
        characters: BTreeMap::new(),
    };
    canvas.fill(list.background);
    canvas.content.rect(0.0, 0.0, width, height).fill_nonzero();
    // From units of the layout, whose second axis points down.
    canvas.content.transform([points as f32, 0.0, 0.0, -points as f32, 0.0, height]);
    canvas.content.set_line_join(LineJoinStyle::RoundJoin);
    for item in &list.items {
        canvas.draw(item);
    }

    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(tree);
    pdf.pages(tree).kids([page]).count(1);
    let mut written = pdf.page(page);
    written.media_box(Rect::new(0.0, 0.0, width, height)).parent(tree).contents(contents);
    written.resources().fonts().pair(FONT, fonts.font);
    written.finish();
    pdf.document_info(info).producer(TextStr("bea"));
    let content = compressed(&canvas.content.finish());
    pdf.stream(contents, &content).filter(Filter::FlateDecode);
    fonts.write(&mut pdf, &canvas.glyphs, &canvas.characters);
    pdf.finish()
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut out = ZlibEncoder::new(Vec::new(), Compression::default());
    out.write_all(bytes).and_then(|()| out.finish()).expect("writing to memory does not fail")
}

struct Canvas {
    content: Content,
    /// The numbers of glyphs in the subset.
    glyphs: GlyphRemapper,
    /// Glyphs of the subset, and the characters that they show.
    characters: BTreeMap<u16, (char, u16)>,
}

impl Canvas {
    fn draw(&mut self, item: &Item) {
        match item {
            Item::Area { rings, fill, stroke } => {
                for ring in rings {
                    self.path(ring);
                    self.content.close_path();
                }
                self.paint(*fill, stroke.as_ref());
            }
            Item::Line { points, stroke } => {
                self.path(points);
                self.paint(None, Some(stroke));
            }
            Item::Circle { center, radius, fill, stroke } => {
                self.circle(*center, *radius as f32);
                self.paint(Some(*fill), stroke.as_ref());
            }
            Item::Text { .. } => self.text(item),
        }
    }

    fn fill(&mut self, color: Color) {
        let [r, g, b] = parts(color);
        self.content.set_fill_rgb(r, g, b);
    }

    fn path(&mut self, points: &[Point]) {
        for (i, (x, y)) in points.iter().enumerate() {
            let (x, y) = (short(*x), short(*y));
            if i == 0 {
                self.content.move_to(x, y)
            } else {
                self.content.line_to(x, y)
            };
        }
    }

    fn circle(&mut self, (x, y): Point, r: f32) {
        let (x, y, t) = (x as f32, y as f32, r * TANGENT);
        self.content
            .move_to(x + r, y)
            .cubic_to(x + r, y + t, x + t, y + r, x, y + r)
            .cubic_to(x - t, y + r, x - r, y + t, x - r, y)
            .cubic_to(x - r, y - t, x - t, y - r, x, y - r)
            .cubic_to(x + t, y - r, x + r, y - t, x + r, y)
            .close_path();
    }

    /// Ends a path.
    fn paint(&mut self, fill: Option<Color>, stroke: Option<&Stroke>) {
        if let Some(fill) = fill {
            self.fill(fill);
        }
        if let Some(stroke) = stroke {
            let [r, g, b] = parts(stroke.color);
            self.content.set_stroke_rgb(r, g, b).set_line_width(stroke.width as f32);
            self.content.set_dash_pattern(stroke.dash.iter().map(|length| *length as f32), 0.0);
        }
        match (fill, stroke) {
            (Some(_), Some(_)) => self.content.fill_even_odd_and_stroke(),
            (Some(_), None) => self.content.fill_even_odd(),
            (None, Some(_)) => self.content.stroke(),
            (None, None) => self.content.end_path(),
        };
    }

    fn text(&mut self, item: &Item) {
        let Item::Text { size, color, upright, text, .. } = item else { return };
        let mut shown = Vec::with_capacity(2 * text.len());
        for (character, glyph, advance) in font::glyphs(text) {
            let number = self.glyphs.remap(glyph);
            self.characters.insert(number, (character, advance));
            shown.extend(number.to_be_bytes());
        }
        let (x, y) = item.text_origin().expect("it is a text");
        let (x, y) = (x as f32, y as f32);
        self.fill(*color);
        // Texts stand the right way up only in a system whose second axis points up.
        let matrix =
            if *upright { [0.0, -1.0, -1.0, 0.0, x, y] } else { [1.0, 0.0, 0.0, -1.0, x, y] };
        self.content.begin_text().set_font(FONT, *size as f32).set_text_matrix(matrix);
        self.content.show(Str(&shown)).end_text();
    }
}

/// A coordinate to a hundredth, which is short in the file.
fn short(x: f64) -> f32 {
    ((x * 100.0).round() / 100.0) as f32
}

fn parts(color: Color) -> [f32; 3] {
    [color.0, color.1, color.2].map(|part| f32::from(part) / 255.0)
}

/// The objects of the font.
struct Fonts {
    font: Ref,
    descendant: Ref,
    descriptor: Ref,
    file: Ref,
    unicode: Ref,
}

impl Fonts {
    fn write(
        &self,
        pdf: &mut Pdf,
        glyphs: &GlyphRemapper,
        characters: &BTreeMap<u16, (char, u16)>,
    ) {
        let unit = EM / font::units_per_em();
        let in_pdf = |units: f64| (units * unit) as f32;
        pdf.type0_font(self.font)
            .base_font(FONT_NAME)
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(self.descendant)
            .to_unicode(self.unicode);
        let mut descendant = pdf.cid_font(self.descendant);
        descendant
            .subtype(CidFontType::Type2)
            .base_font(FONT_NAME)
            .system_info(IDENTITY)
            .font_descriptor(self.descriptor)
            .cid_to_gid_map_predefined(Name(b"Identity"));
        let mut widths = descendant.widths();
        for (number, (_, advance)) in characters {
            widths.same(*number, *number, in_pdf(f64::from(*advance)));
        }
        widths.finish();
        descendant.finish();
        let (ascent, descent, cap_height, [left, bottom, right, top]) = font::extent();
        pdf.font_descriptor(self.descriptor)
            .name(FONT_NAME)
            .flags(FontFlags::SYMBOLIC)
            .bbox(Rect::new(in_pdf(left), in_pdf(bottom), in_pdf(right), in_pdf(top)))
            .italic_angle(0.0)
            .ascent(in_pdf(ascent))
            .descent(in_pdf(descent))
            .cap_height(in_pdf(cap_height))
            .stem_v(80.0)
            .font_file2(self.file);
        let subset =
            subsetter::subset(font::data(), 0, glyphs).expect("the embedded font is a font");
        let file = compressed(&subset);
        let mut stream = pdf.stream(self.file, &file);
        stream.filter(Filter::FlateDecode);
        stream.pair(Name(b"Length1"), subset.len() as i32);
        stream.finish();
        let mut unicode: UnicodeCmap<u16> = UnicodeCmap::new(CMAP, IDENTITY);
        for (number, (character, _)) in characters {
            unicode.pair(*number, *character);
        }
        pdf.cmap(self.unicode, &unicode.finish());
    }
}
