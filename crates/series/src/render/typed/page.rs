//! Every typed tree drawn: a picture, and a page with the equation.

use super::TypedDocument;
use super::equations::Equations;
use super::layout::Writer;
use super::loss::obstructions;
use super::text::legend;
use crate::formula::{Coefficient, Math, MathMl, Plain, Script};
use crate::render::page::{self, escape};
use crate::typed::{Factor, Factors, TypedTerm};
use std::fmt::Write as _;
use std::io::{self, Write};

/// A node of a drawing: its kind, what stands beside it, its children.
struct Node {
    kind: Kind,
    label: String,
    children: Vec<Node>,
}

/// What a node does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A derivative of the loss, `∇^(k+1)E`, with the vectors that it is applied to as children.
    Loss,
    /// A product of elementwise functions of the gradient, and of the vectors above it.
    Elementwise,
    /// A sum over entries.
    Entries,
    /// A function of a matrix, with the directions of its Fréchet derivative as children.
    Matrix,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Loss => "derivative of the loss",
            Kind::Elementwise => "elementwise product",
            Kind::Entries => "sum of entries",
            Kind::Matrix => "function of a matrix",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Kind::Loss => "c0",
            Kind::Elementwise => "c1",
            Kind::Entries => "c2",
            Kind::Matrix => "c3",
        }
    }
}

/// A product as a tree: what is elementwise at the node, derivatives of the loss above it.
fn product(factors: &Factors, writer: &Writer) -> Node {
    let (mut beside, mut children) = (Factors::new(), Vec::new());
    for (factor, exponent) in factors {
        let times = exponent.as_integer().filter(|n| (1..=8).contains(n)).unwrap_or(0);
        match factor {
            Factor::Gradient(arguments) if !arguments.is_empty() && times > 0 => {
                for _ in 0..times {
                    let inner = arguments.iter().map(|a| product(a, writer)).collect();
                    let label = match arguments.len() {
                        1 => "H".to_string(),
                        k => format!("∇{}E", crate::formula::superscript(&(k + 1).to_string())),
                    };
                    children.push(Node { kind: Kind::Loss, label, children: inner });
                }
            }
            Factor::Frechet(function, base, along) if !along.is_empty() && times > 0 => {
                let inner = along.iter().map(|a| product(a, writer)).collect();
                let value = Factor::Frechet(*function, base.clone(), Vec::new());
                let one = crate::typed::Exponent::integer(1);
                let label = Plain.show(&writer.vector(&vec![(value, one)]));
                children.push(Node { kind: Kind::Matrix, label, children: inner });
            }
            Factor::Entries(vector) if times > 0 && has_children(vector) => {
                for _ in 0..times {
                    let inner = vec![product(vector, writer)];
                    children
                        .push(Node { kind: Kind::Entries, label: "Σ".into(), children: inner });
                }
            }
            _ => beside.push((factor.clone(), exponent.clone())),
        }
    }
    if beside.is_empty() && children.len() == 1 {
        return children.remove(0);
    }
    let label = if beside.is_empty() { String::new() } else { Plain.show(&writer.vector(&beside)) };
    Node { kind: Kind::Elementwise, label, children }
}

fn has_children(factors: &Factors) -> bool {
    let has = |factor: &Factor| match factor {
        Factor::Gradient(along) | Factor::Frechet(_, _, along) => !along.is_empty(),
        _ => false,
    };
    factors.iter().any(|(factor, _)| has(factor))
}

const LETTER: f64 = 8.0;
const ROW: f64 = 40.0;

impl Node {
    fn height(&self) -> usize {
        1 + self.children.iter().map(Node::height).max().unwrap_or(0)
    }

    /// Draws the tree with its root below; where the root stands, and where the drawing ends on the right.
    fn draw(&self, left: f64, bottom: f64, out: &mut String) -> (f64, f64) {
        let (mut roots, mut right) = (Vec::new(), left);
        let mut above = String::new();
        for child in &self.children {
            let (root, end) = child.draw(right, bottom - ROW, &mut above);
            roots.push(root);
            right = end;
        }
        let x = match &roots[..] {
            [] => left + 10.0,
            [first, .., last] => (first + last) / 2.0,
            [one] => *one,
        };
        for root in &roots {
            let top = bottom - ROW;
            let _ =
                write!(out, "<path class=\"edge\" d=\"M{x:.1} {bottom:.1}L{root:.1} {top:.1}\"/>");
        }
        out.push_str(&above);
        right = right.max(x + 22.0 + LETTER * self.label.chars().count() as f64);
        let _ = match self.kind {
            Kind::Loss => {
                write!(
                    out,
                    "<circle class=\"{}\" cx=\"{x:.1}\" cy=\"{bottom:.1}\" r=\"6\"/>",
                    self.kind.class()
                )
            }
            Kind::Elementwise | Kind::Matrix => write!(
                out,
                "<rect class=\"{}\" x=\"{:.1}\" y=\"{:.1}\" width=\"12\" height=\"12\"/>",
                self.kind.class(),
                x - 6.0,
                bottom - 6.0
            ),
            Kind::Entries => write!(
                out,
                "<path class=\"{}\" d=\"M{:.1} {:.1}L{:.1} {:.1}L{x:.1} {:.1}Z\"/>",
                self.kind.class(),
                x - 7.0,
                bottom - 6.0,
                x + 7.0,
                bottom - 6.0,
                bottom + 7.0
            ),
        };
        let _ = write!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            x + 10.0,
            bottom + 4.0,
            escape(&self.label)
        );
        (x, right)
    }

    /// The drawing, its width and its height.
    fn drawing(&self) -> (String, f64, f64) {
        let height = ROW * self.height() as f64;
        let mut out = String::new();
        let (_, right) = self.draw(0.0, height - ROW / 2.0, &mut out);
        (out, right + 8.0, height)
    }
}

const STYLE: &str = "\
.edge{stroke:var(--edge);stroke-width:1.5;fill:none}\
.c0{fill:var(--c0)}.c1{fill:var(--c1)}.c2{fill:var(--c2)}.c3{fill:var(--c3)}\
svg text{font:13px system-ui,sans-serif;fill:var(--ink)}\n";

const LOOK: &str = "\
.row{margin:.35rem 0;padding-left:4.4rem;text-indent:-2rem;line-height:2.3}\n\
math{font-family:'STIX Two Math','Cambria Math','Latin Modern Math',math;font-size:1.05em}\n\
.cards{display:flex;flex-wrap:wrap;gap:.6rem}\n\
figure{display:flex;align-items:center;gap:.8rem;margin:0;padding:.45rem .8rem;border:1px solid var(--line);border-radius:8px}\n";

/// The coefficient of a term with its power of `h`.
fn coefficient(term: &TypedTerm, names: &[String]) -> Math {
    let power = i32::try_from(term.power).unwrap_or(i32::MAX);
    Coefficient::new(&term.coefficient, names).times_step(power).signed()
}

/// A line whose words are escaped, those in backticks as code, and whose formulas, between control characters, are not.
fn escaped(line: &str) -> String {
    let code = |(i, part): (usize, &str)| match i % 2 {
        1 => format!("<code>{}</code>", escape(part)),
        _ => escape(part),
    };
    let words = |part: &str| part.split('`').enumerate().map(code).collect::<String>();
    let parts = line.split('\u{1}').enumerate();
    parts.map(|(i, part)| if i % 2 == 0 { words(part) } else { part.to_string() }).collect()
}

/// A page that opens from disk, light or dark, without network or scripts.
pub(super) fn html(document: &TypedDocument, out: &mut dyn Write) -> io::Result<()> {
    let field = document.field;
    let equations = Equations::new(document);
    out.write_all(page::start(&document.heading(), &[STYLE, LOOK].concat()).as_bytes())?;
    let inline = |math: &Math| format!("<math>{}</math>", MathMl.show(math));
    for line in
        legend(document, &equations.definitions, |math| format!("\u{1}{}\u{1}", inline(math)))
    {
        writeln!(out, "<p class=\"soft\">{}</p>", escaped(&line))?;
    }
    writeln!(out, "<div class=\"scroll\">")?;
    for (left, orders) in &equations.coordinates {
        let velocity = MathMl.show(left);
        let mut first = true;
        for order in orders {
            for (negative, term) in order {
                let left = if first { format!("{velocity}<mo>=</mo>") } else { String::new() };
                let sign = match (negative, first) {
                    (true, true) => "<mo form=\"prefix\">−</mo>",
                    (true, false) => "<mo form=\"infix\">−</mo>",
                    (false, true) => "",
                    (false, false) => "<mo form=\"infix\">+</mo>",
                };
                writeln!(
                    out,
                    "<div class=\"row\"><math displaystyle=\"true\"><mrow>{left}{sign}{}</mrow></math></div>",
                    MathMl.show(term)
                )?;
                first = false;
            }
        }
        let rest = MathMl.show(&document.rest());
        writeln!(out, "<div class=\"row\"><math><mo form=\"infix\">+</mo>{rest}</math></div>")?;
    }
    writeln!(out, "</div>")?;
    for line in obstructions(document, |math| format!("\u{1}{}\u{1}", inline(math))) {
        writeln!(out, "<p>{}</p>", escaped(&line))?;
    }
    writeln!(out, "<p class=\"legend\">")?;
    let mut kinds = vec![Kind::Loss, Kind::Elementwise, Kind::Entries];
    kinds.extend(field.has_matrices().then_some(Kind::Matrix));
    for kind in kinds {
        let (drawing, ..) = Node { kind, label: String::new(), children: Vec::new() }.drawing();
        write!(
            out,
            "<span><svg width=\"20\" height=\"40\">{drawing}</svg> {}</span>",
            kind.name()
        )?;
    }
    writeln!(out, "</p>")?;
    let plain = Writer::unnamed(field);
    for coordinate in &field.coordinates {
        writeln!(out, "<h2>{}</h2>", inline(&document.left(coordinate)))?;
        writeln!(out, "<div class=\"cards\">")?;
        for term in &coordinate.terms {
            let (drawing, width, height) = product(&term.factors, &plain).drawing();
            writeln!(
                out,
                "<figure><svg width=\"{width:.0}\" height=\"{height:.0}\">{drawing}</svg><figcaption>{}</figcaption></figure>",
                inline(&coefficient(term, &field.parameters))
            )?;
        }
        writeln!(out, "</div>")?;
    }
    out.write_all(page::END.as_bytes())
}

/// Every tree beside its coefficient.
pub(super) fn svg(document: &TypedDocument, out: &mut dyn Write) -> io::Result<()> {
    let field = document.field;
    let plain = Writer::unnamed(field);
    let (mut body, mut y, mut right) = (String::new(), 40.0, 200.0f64);
    let _ = write!(body, "<text x=\"10\" y=\"22\">{}</text>", escape(&document.heading()));
    for coordinate in &field.coordinates {
        for term in &coordinate.terms {
            let (drawing, width, height) = product(&term.factors, &plain).drawing();
            let shown = Plain.show(&coefficient(term, &field.parameters));
            let _ = write!(
                body,
                "<g transform=\"translate(10 {y:.0})\">{drawing}<text x=\"{width:.1}\" y=\"{:.1}\">{}: {}</text></g>",
                height - ROW / 2.0 + 4.0,
                escape(&coordinate.name),
                escape(&shown)
            );
            y += height + 10.0;
            right = right.max(
                width + 30.0 + LETTER * (shown.chars().count() + coordinate.name.len()) as f64,
            );
        }
    }
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{right:.0}\" height=\"{y:.0}\" viewBox=\"0 0 {right:.0} {y:.0}\"><style>{}</style>\n\
         <rect width=\"100%\" height=\"100%\" class=\"page\"/>{body}</svg>",
        page::literal(&format!("{STYLE}.page{{fill:var(--page)}}\n"))
    )
}
