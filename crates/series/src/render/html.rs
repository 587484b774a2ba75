//! A self-contained page: the equation typeset, and every tree drawn beside its coefficient.

use super::Export;
use super::document::{Content, Document};
use super::drawing::{Drawing, STYLE};
use super::equation::{Rest, Row, lead, rest, rows};
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
                writeln!(out, "<h2>{}</h2>", math(&document.left(name)))?;
            }
            for nodes in 1..=document.field.trees().max_nodes() {
                cards(document, space, nodes, out)?;
            }
        }
        out.write_all(page::END.as_bytes())
    }
}

/// Between two terms: a sign and its spaces, in digits.
const SIGN: f64 = 2.4;

const LOOK: &str = "\
.row{margin:.7rem 0 .7rem 2.4rem;white-space:nowrap}.row:first-child{margin-left:0}\n\
math{font-family:'STIX Two Math','Cambria Math','Latin Modern Math',math;font-size:1.05em}\n\
mtd{text-align:left;padding:.3em 0}math[display=block]{margin:.7em 0}\n\
p{overflow-x:auto;overflow-y:hidden;padding-bottom:.4em}\n\
section{display:grid;grid-template-columns:4.5rem minmax(0,1fr);border-top:1px solid var(--line);padding:.7rem 0}\n\
section>h3{margin:.6rem 0;font-size:1.05rem;font-weight:500}\n\
.cards{display:flex;flex-wrap:wrap;gap:.6rem}\n\
figure{display:flex;align-items:center;gap:.8rem;margin:0;padding:.45rem .8rem;border-radius:8px}\n\
figure{max-width:100%;box-sizing:border-box;overflow-x:auto;break-inside:avoid}\n\
figure.principal{background:var(--tint)}figure svg{flex:none}\n\
figcaption{display:block;font-size:.92em}\n\
@media(max-width:30rem){.row{margin-left:1rem}section{grid-template-columns:minmax(0,1fr)}}\n";

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

/// Signs between terms, with as much space on either side, of which a slanted letter before them takes some.
const PLUS: &str = "<mo form=\"infix\" lspace=\".35em\" rspace=\".25em\">+</mo>";
const MINUS: &str = "<mo form=\"infix\" lspace=\".35em\" rspace=\".25em\">−</mo>";

/// `- 1/2 f'f`, a part of a row.
fn signed(negative: bool, plus: bool, factors: &[Math]) -> String {
    let sign = match (negative, plus) {
        (true, true) => MINUS,
        (true, false) => "<mo form=\"prefix\">−</mo>",
        (false, true) => PLUS,
        (false, false) => "",
    };
    let factors: Vec<String> = factors.iter().map(|f| MathMl.show(f)).collect();
    format!("<mrow>{sign}{}</mrow>", factors.join("<mspace width=\"0.25em\"/>"))
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
        Rest::Order(power) => {
            let order = Math::function("O", Math::power(Math::name("h"), power.into()));
            format!("<math>{}</math>", signed(false, true, &[order]))
        }
        Rest::Nodes(nodes) => format!("+ trees with more than {nodes} nodes"),
        Rest::Unasked => "+ …".into(),
    };
    let rows = lead(document, space).into_iter().chain(rows(document, space));
    write_rows(&document.left(name), rows, &rest, document.layout.line, out)
}

/// Every row is one formula, so that brackets are as high as each other: browsers stretch those of a pair alike only
/// where both enclose the same `mrow`.
fn write_rows(
    left: &Math,
    rows: impl IntoIterator<Item = Row>,
    rest: &str,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "<div class=\"scroll\" role=\"region\" aria-label=\"Equation\" tabindex=\"0\">")?;
    for (i, row) in rows.into_iter().enumerate() {
        let first = i == 0;
        let bracketed = !first && row.terms.len() > 1;
        let terms = lines(&row.terms, !(first || bracketed), width as f64 - MARGIN);
        let row = match (first, bracketed) {
            (true, _) => format!("{}<mo>=</mo>{terms}", MathMl.show(left)),
            (_, false) => terms,
            _ => {
                let factor = row.factor.as_ref().map_or(String::new(), |f| MathMl.show(f));
                let [open, close] = [("prefix", '('), ("postfix", ')')]
                    .map(|(form, mark)| format!("<mo form=\"{form}\">{mark}</mo>"));
                format!("{PLUS}{factor}<mrow>{open}{terms}{close}</mrow>")
            }
        };
        let row = format!("<math displaystyle=\"true\"><mrow>{row}</mrow></math>");
        writeln!(out, "<div class=\"row\">{row}</div>")?;
    }
    writeln!(out, "<div class=\"row soft\">{rest}</div>\n</div>")
}

/// What stands before the lines of a row, in digits.
const MARGIN: f64 = 5.0;

/// The terms side by side, on several lines where they are wider than `width`; `plus`: the first one has a sign before it.
fn lines(terms: &[(bool, Vec<Math>)], plus: bool, width: f64) -> String {
    let mut lines = vec![String::new()];
    let mut used = 0.0;
    for (i, (negative, factors)) in terms.iter().enumerate() {
        let needed = SIGN + factors.iter().map(Math::width).sum::<f64>();
        if used > 0.0 && used + needed > width {
            lines.push(String::new());
            used = 0.0;
        }
        used += needed;
        let line = lines.last_mut().expect("there is one");
        line.push_str(&signed(*negative, plus || i > 0, factors));
    }
    match lines.as_slice() {
        [line] => line.clone(),
        lines => {
            let row = |line: &String| format!("<mtr><mtd>{line}</mtd></mtr>");
            let rows: String = lines.iter().map(row).collect();
            format!("<mtable displaystyle=\"true\">{rows}</mtable>")
        }
    }
}

fn cards(document: &Document, space: usize, nodes: usize, out: &mut dyn Write) -> io::Result<()> {
    let (field, writer) = (document.field, document.writer());
    let mut open = false;
    for tree in document.trees(nodes).into_iter().filter(|&tree| field.space(tree) == space) {
        let lines = document.lines(tree, nodes, &writer);
        let Some(first) = lines.first() else { continue };
        if !open {
            let head = match field.step_parameter() {
                None => math(&Math::power(Math::name("h"), document.power(nodes).into())),
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
            let shown = signed(coefficient.negative, false, &[coefficient.magnitude()]);
            write!(out, "<div><math displaystyle=\"true\">{shown}</math></div>")?;
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
    write_rows(
        &Math::Modified("E".into()),
        loss::rows(corrections),
        "+ …",
        document.layout.line,
        out,
    )?;
    sentences.iter().try_for_each(|line| writeln!(out, "<p>{line}</p>"))
}
