//! A self-contained page: the equation typeset, and every tree drawn beside its coefficient.

use super::Export;
use super::document::{Content, Document};
use super::drawing::{Drawing, STYLE};
use super::equation::{Rest, Row, dots, rest, rows};
use super::loss::{self, corrections, obstructions};
use super::page::{self, escape};
use crate::formula::{Math, MathMl, Script, Sentence};
use std::io::{self, Write};

/// A page that opens from disk, light or dark, without network or scripts.
pub(super) struct Html;

impl Export for Html {
    fn write(&self, document: &Document, out: &mut (dyn Write + Send)) -> io::Result<()> {
        out.write_all(page::start(&document.heading(), &[STYLE, LOOK].concat()).as_bytes())?;
        legend(document, out)?;
        if document.content == Content::ModifiedLoss {
            modified_loss(document, out)?;
            return out.write_all(page::END.as_bytes());
        }
        for (space, name) in document.field.spaces.iter().enumerate() {
            if document.tree().is_none() {
                equation(document, space, name, out)?;
            }
        }
        for closing in document.closing() {
            writeln!(out, "<p class=\"verdict\">{}</p>", sentence(&closing))?;
        }
        for (space, name) in document.field.spaces.iter().enumerate() {
            if document.field.spaces.len() > 1 {
                writeln!(out, "<h2>{}</h2>", math(&document.writer().velocity(name)))?;
            }
            for nodes in 1..=document.field.trees().max_nodes() {
                cards(document, space, nodes, out)?;
            }
        }
        out.write_all(page::END.as_bytes())
    }
}

const LOOK: &str = "\
.row{margin:.35rem 0;padding-left:4.4rem;text-indent:-2rem;line-height:2.3}\n\
.row:first-child{text-indent:-4.4rem}\n\
math{font-family:'STIX Two Math','Cambria Math','Latin Modern Math',math;font-size:1.05em}\n\
section{display:grid;grid-template-columns:4.5rem 1fr;border-top:1px solid var(--line);padding:.7rem 0}\n\
section>h3{margin:.6rem 0;font-size:1.05rem;font-weight:500}\n\
.cards{display:flex;flex-wrap:wrap;gap:.6rem}\n\
figure{display:flex;align-items:center;gap:.8rem;margin:0;padding:.45rem .8rem;border-radius:8px}\n\
figure.principal{background:var(--tint)}figure svg{flex:none}\n\
figcaption{display:block;font-size:.92em}\n";

fn math(formula: &Math) -> String {
    format!("<math displaystyle=\"true\">{}</math>", MathMl.show(formula))
}

/// A sentence as a paragraph.
fn sentence(sentence: &Sentence) -> String {
    let display = |formulas: &[Math], mark: &str| {
        let shown: Vec<String> = formulas.iter().map(|f| MathMl.show(f)).collect();
        format!(
            "<math display=\"block\"><mrow>{}<mtext>{mark}</mtext></mrow></math>",
            shown.join("<mo>,</mo><mspace width=\"2em\"/>")
        )
    };
    sentence.paragraph(escape, |formula| format!("<math>{}</math>", MathMl.show(formula)), display)
}

/// `- 1/2 f'f` as a part of a row, with `end` directly behind it.
fn signed(negative: bool, plus: bool, factors: &[Math], end: &str) -> String {
    let sign = match (negative, plus) {
        (true, true) => "<mo form=\"infix\">−</mo>",
        (true, false) => "<mo form=\"prefix\">−</mo>",
        (false, true) => "<mo form=\"infix\">+</mo>",
        (false, false) => "",
    };
    let factors: Vec<String> = factors.iter().map(|f| MathMl.show(f)).collect();
    format!(
        "<math displaystyle=\"true\"><mrow>{sign}{}{end}</mrow></math> ",
        factors.join("<mspace width=\"0.25em\"/>")
    )
}

fn legend(document: &Document, out: &mut dyn Write) -> io::Result<()> {
    let fields = &document.field.fields;
    if fields.len() > 1 {
        write!(out, "<p class=\"legend\">")?;
        for (i, field) in fields.iter().enumerate() {
            write!(
                out,
                "<span><svg width=\"12\" height=\"12\"><circle class=\"c{i}\" cx=\"6\" cy=\"6\" \
                 r=\"5\"/></svg> {}</span>",
                math(&Math::name(&field.name))
            )?;
        }
        writeln!(out, "</p>")?;
    }
    Ok(())
}

fn equation(document: &Document, space: usize, name: &str, out: &mut dyn Write) -> io::Result<()> {
    let rest = match rest(document) {
        Rest::Order(power) => format!(
            "<math><mo form=\"infix\">+</mo><mi>O</mi><mo>(</mo>{}<mo>)</mo></math>",
            MathMl.show(&Math::power(Math::name("h"), power.into()))
        ),
        Rest::Nodes(nodes) => format!("+ trees with more than {nodes} nodes"),
        Rest::Unasked => "+ …".into(),
    };
    let rows = dots(document).into_iter().chain(rows(document, space));
    write_rows(&document.writer().velocity(name), rows, &rest, out)
}

fn write_rows(
    left: &Math,
    rows: impl IntoIterator<Item = Row>,
    rest: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "<div class=\"scroll\">")?;
    let mut first = true;
    for row in rows {
        write!(out, "<div class=\"row\">")?;
        if first {
            write!(out, "<math>{}<mo>=</mo></math> ", MathMl.show(left))?;
        }
        let bracketed = !first && row.terms.len() > 1;
        if bracketed {
            let factor = row.factor.as_ref().map_or(String::new(), |f| MathMl.show(f));
            write!(out, "<math><mo form=\"infix\">+</mo>{factor}<mo>(</mo></math> ")?;
        }
        for (i, (negative, factors)) in row.terms.iter().enumerate() {
            let plus = i > 0 || !(first || bracketed);
            let last = bracketed && i + 1 == row.terms.len();
            let end = if last { "<mspace width=\"0.25em\"/><mo>)</mo>" } else { "" };
            write!(out, "{}", signed(*negative, plus, factors, end))?;
        }
        writeln!(out, "</div>")?;
        first = false;
    }
    writeln!(out, "<div class=\"row soft\">{rest}</div>\n</div>")
}

fn cards(document: &Document, space: usize, nodes: usize, out: &mut dyn Write) -> io::Result<()> {
    let (field, writer) = (document.field, document.writer());
    let mut open = false;
    for tree in document.trees(nodes).into_iter().filter(|&tree| field.space(tree) == space) {
        let lines = document.lines(tree, nodes, &writer);
        let Some(first) = lines.first() else { continue };
        if !open {
            let head = match field.step_parameter() {
                None => math(&Math::power(Math::name("h"), nodes as i64 - 1)),
                Some(_) if nodes == 1 => "1 node".into(),
                Some(_) => format!("{nodes} nodes"),
            };
            writeln!(out, "<section><h3>{head}</h3><div class=\"cards\">")?;
            open = true;
        }
        let drawing = Drawing::new(field.trees(), tree);
        write!(
            out,
            "<figure{}><svg width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" role=\"img\" \
             aria-label=\"{}\">{}</svg><div>",
            if first.principal { " class=\"principal\"" } else { "" },
            escape(&document.tree_text(tree)).replace('"', "&quot;"),
            drawing.svg(),
            w = drawing.width,
            h = drawing.height,
        )?;
        let differential = math(&first.differential);
        for line in lines {
            let power = if field.step_parameter().is_some() { line.power } else { 0 };
            let coefficient = line.coefficient.times_step(power);
            let shown = signed(coefficient.negative, false, &[coefficient.magnitude()], "");
            write!(out, "<div>{shown}</div>")?;
        }
        writeln!(out, "<figcaption>{differential}</figcaption></div></figure>")?;
    }
    if open {
        writeln!(out, "</div></section>")?;
    }
    Ok(())
}

fn modified_loss(document: &Document, out: &mut dyn Write) -> io::Result<()> {
    let corrections: Vec<_> = corrections(document).collect();
    let sentences = obstructions(document, &corrections, math);
    write_rows(&Math::Modified("E".into()), loss::rows(corrections), "+ …", out)?;
    sentences.iter().try_for_each(|line| writeln!(out, "<p>{line}</p>"))
}
