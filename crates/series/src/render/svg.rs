//! Every tree drawn beside its coefficient.

use super::Export;
use super::document::Document;
use super::drawing::{Drawing, STYLE};
use super::page::{escape, literal};
use crate::formula::Math;
use crate::formula::{Plain, Script};
use std::fmt::Write as _;
use std::io::{self, Write};

/// A picture of all terms, grouped by order.
pub(super) struct Svg;

const WIDTH: f64 = 1000.0;
const MARGIN: f64 = 28.0;
/// Where the trees of a group start; to the left stands what they have in common.
const LEFT: f64 = 92.0;
/// The width of a monospaced character at 13 pixels.
const CHARACTER: f64 = 7.9;
const LINE: f64 = 18.0;

impl Export for Svg {
    fn write(&self, document: &Document, out: &mut (dyn Write + Send)) -> io::Result<()> {
        let mut page = Page { body: String::new(), x: MARGIN, y: 40.0 };
        page.text(MARGIN, "title", &document.heading());
        page.y += 12.0;
        legend(document, &mut page);
        for (space, name) in document.field.spaces.iter().enumerate() {
            if document.field.spaces.len() > 1 {
                page.y += 30.0;
                page.text(MARGIN, "title", &Plain.show(&document.left(name)));
            }
            for nodes in 1..=document.field.trees().max_nodes() {
                group(document, space, nodes, &mut page);
            }
        }
        for sentence in document.closing() {
            let line = sentence.show(&Plain);
            page.y += 12.0;
            for row in wrap(&line, ((WIDTH - 2.0 * MARGIN) / 7.2) as usize) {
                page.y += LINE;
                page.text(MARGIN, "soft", &row);
            }
        }
        let height = (page.y + MARGIN).round();
        writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
             viewBox=\"0 0 {WIDTH} {height}\">\n<style>\n{}</style>\n\
             <rect class=\"page\" width=\"100%\" height=\"100%\"/>\n{}</svg>",
            literal(&[STYLE, TEXT].concat()),
            page.body
        )
    }
}

const TEXT: &str = "\
text{font-family:'DejaVu Sans Mono',Menlo,Consolas,monospace;font-size:13px;fill:var(--ink)}\n\
.title{font-size:17px;font-weight:600}.soft{fill:var(--soft);font-size:12px}\
.page{fill:var(--page)}.tint{fill:var(--tint)}.rule{stroke:var(--line)}\n";

struct Page {
    body: String,
    x: f64,
    y: f64,
}

impl Page {
    fn text(&mut self, x: f64, class: &str, text: &str) {
        let text = escape(text);
        let _ =
            writeln!(self.body, "<text class=\"{class}\" x=\"{x}\" y=\"{}\">{text}</text>", self.y);
    }
}

/// The colours of the fields, if there are several.
fn legend(document: &Document, page: &mut Page) {
    let fields = &document.field.fields;
    if fields.len() < 2 {
        return;
    }
    page.y += 20.0;
    let mut x = MARGIN + 6.0;
    for (i, field) in fields.iter().enumerate() {
        let (y, name) = (page.y - 4.5, &field.name);
        let _ = writeln!(page.body, "<circle class=\"c{i}\" cx=\"{x}\" cy=\"{y}\" r=\"5\"/>");
        page.text(x + 12.0, "", name);
        x += 40.0 + CHARACTER * name.chars().count() as f64;
    }
}

/// A tree with what is written beside it.
struct Cell {
    drawing: Drawing,
    lines: Vec<String>,
    notation: String,
    principal: bool,
    width: f64,
    height: f64,
}

fn group(document: &Document, space: usize, nodes: usize, page: &mut Page) {
    let (field, writer) = (document.field, document.writer());
    let trees = document.trees(nodes).into_iter().filter(|&tree| field.space(tree) == space);
    let cells: Vec<Cell> = trees
        .filter_map(|tree| {
            let lines = document.lines(tree, nodes, &writer);
            let first = lines.first()?;
            let (principal, notation) = (first.principal, Plain.show(&first.differential));
            let drawing = Drawing::new(field.trees(), tree);
            let lines: Vec<String> = lines
                .into_iter()
                .map(|line| {
                    let power = if field.step_parameter().is_some() { line.power } else { 0 };
                    let coefficient = line.coefficient.times_step(power);
                    let sign = if coefficient.negative { "-" } else { "" };
                    format!("{sign}{}", Plain.show(&coefficient.magnitude()))
                })
                .collect();
            let characters = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
            let text = CHARACTER * characters.max(notation.chars().count()) as f64;
            let width = drawing.width + text + 30.0;
            let height = drawing.height.max(LINE * (lines.len() + 1) as f64) + 16.0;
            Some(Cell { drawing, lines, notation, principal, width, height })
        })
        .collect();
    if cells.is_empty() {
        return;
    }
    page.y += 16.0;
    let (y, right) = (page.y, WIDTH - MARGIN);
    let _ = writeln!(page.body, "<path class=\"rule\" d=\"M{MARGIN} {y}L{right} {y}\"/>");
    let head = match field.step_parameter() {
        None => Plain.show(&Math::power(Math::name("h"), document.power(nodes).into())),
        Some(_) if nodes == 1 => "1 node".into(),
        Some(_) => format!("{nodes} nodes"),
    };
    page.y += 30.0;
    page.text(MARGIN, "title", &head);
    page.y = y + 8.0;
    page.x = LEFT;
    let mut height = 0.0f64;
    for cell in &cells {
        if page.x > LEFT && page.x + cell.width > right {
            page.x = LEFT;
            page.y += height + 6.0;
            height = 0.0;
        }
        draw(cell, page);
        page.x += cell.width + 10.0;
        height = height.max(cell.height);
    }
    page.y += height;
}

fn draw(cell: &Cell, page: &mut Page) {
    let (x, y) = (page.x, page.y);
    if cell.principal {
        let _ = writeln!(
            page.body,
            "<rect class=\"tint\" x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"6\"/>",
            cell.width, cell.height
        );
    }
    let top = y + (cell.height - cell.drawing.height) / 2.0;
    let _ = writeln!(
        page.body,
        "<g transform=\"translate({} {top})\">{}</g>",
        x + 8.0,
        cell.drawing.svg()
    );
    let left = x + cell.drawing.width + 18.0;
    let text = LINE * (cell.lines.len() + 1) as f64;
    page.y = y + (cell.height - text) / 2.0 - 5.0;
    for line in &cell.lines {
        page.y += LINE;
        page.text(left, "", line);
    }
    page.y += LINE;
    page.text(left, "soft", &cell.notation);
    page.y = y;
}

/// Lines of at most so many characters, broken between words.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("never empty");
        if !last.is_empty() && last.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_string());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}
