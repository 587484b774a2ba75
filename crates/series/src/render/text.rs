//! An equation for the terminal.

use super::Export;
use super::document::{Content, Document, Group, Line};
use super::equation::{Rest, Setting, lead, rest};
use super::loss::{self, corrections, obstructions};
use super::notation::{Form, Notation};
use crate::formula::{Coefficient, Math, Plain, Script};
use crate::tree::TreeId;
use std::io::{self, Write};

/// An equation for the terminal, wrapped to its width.
pub(super) struct Text;

impl Export for Text {
    fn write(&self, document: &Document, out: &mut (dyn Write + Send)) -> io::Result<()> {
        let paint = Paint { on: document.layout.color };
        if let Some(tree) = document.tree() {
            return one_tree(document, tree, &paint, out);
        }
        writeln!(out, "{}", paint.bold(&document.heading()))?;
        if document.content == Content::ModifiedLoss {
            return modified_loss(document, &paint, out);
        }
        for line in legend(document) {
            writeln!(out, "{}", paint.dim(&line))?;
        }
        for (space, name) in document.field.spaces.iter().enumerate() {
            writeln!(out)?;
            equation(document, space, name, &paint, out)?;
        }
        for sentence in document.closing() {
            writeln!(out)?;
            write_sentence(&sentence.show(&Plain), document.layout.width, out)?;
        }
        Ok(())
    }
}

/// A sentence, wrapped between words.
fn write_sentence(text: &str, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page { out, width, indent: 0, column: 0 };
    for word in text.split(' ') {
        page.put_wrapped(&(word.to_string(), word.to_string()))?;
    }
    page.end()
}

/// What the symbols of the equation mean, where that is not obvious.
fn legend(document: &Document) -> Vec<String> {
    let mut lines = Vec::new();
    let field = document.field;
    match (document.notation, document.form) {
        (Notation::Primes, Form::Gradient) => lines.push("f = -∇E, H = ∇²E".into()),
        (Notation::Primes, Form::Field) if field.spaces.len() > 1 => {
            let fields: Vec<&str> = field.fields.iter().map(|f| f.name.as_str()).collect();
            let (f, g) = (fields[0], fields[fields.len() - 1]);
            let player = &field.spaces[field.fields[fields.len() - 1].space];
            lines.push(format!("{f}'{g} is the derivative of {f} by {player} along {g}"));
        }
        (Notation::Dots, _) if field.fields.len() > 1 => {
            let nodes = field.fields.iter().enumerate();
            let show = |(i, f): (usize, &crate::series::VectorField)| {
                format!("{} {}", Plain.show(&Math::Node(i)), f.name)
            };
            lines.push(nodes.map(show).collect::<Vec<_>>().join("  "));
        }
        (Notation::Dots, _) => lines.push("• = f, [•] = f'f, [•,•] = f''(f,f)".into()),
        (Notation::Index, Form::Field) => {
            lines.push("repeated indices are summed; those after the comma are derivatives".into());
        }
        (Notation::Index, Form::Gradient) => {
            lines.push("f = -∇E; repeated indices are summed, E_{ij} = ∂²E/∂θᵢ∂θⱼ".into());
        }
        _ => {}
    }
    lines
}

/// `θ̇ = f - h/2 f'f + h² (…) + O(h³)`, one power of `h` a paragraph.
fn equation(
    document: &Document,
    space: usize,
    name: &str,
    paint: &Paint,
    out: &mut dyn Write,
) -> io::Result<()> {
    let left = Plain.show(&document.left(name));
    let mut page = Page { out, width: document.layout.width, indent: 0, column: 0 };
    page.put(&format!("{left} ="), &format!("{} =", paint.bold(&left)))?;
    let mut empty = true;
    for (i, (_, factors)) in lead(document, space).iter().flat_map(|row| &row.terms).enumerate() {
        let mut term = if i > 0 { " + ".to_string() } else { " ".to_string() };
        Plain.write_list(factors, " ", &mut term);
        page.put(&term, &term)?;
        empty = false;
    }
    for group in document.groups(space) {
        empty &= !write_group(group, empty, paint, &mut page)?;
    }
    if empty {
        page.put(" 0", " 0")?;
    }
    let rest = match rest(document) {
        Rest::Order(power) => format!("O({})", power_of_h(power)),
        Rest::Nodes(nodes) => format!("trees with more than {nodes} nodes"),
        Rest::Unasked => "…".to_string(),
    };
    page.start_line(2)?;
    let rest = format!("+ {rest}");
    page.put(&rest, &paint.dim(&rest))?;
    page.end()
}

/// Writes the lines of one group; `false` if there are none.
fn write_group(group: Group, first: bool, paint: &Paint, page: &mut Page) -> io::Result<bool> {
    let mut lines = group.lines.peekable();
    let Some(line) = lines.next() else { return Ok(false) };
    let bracketed = !first && lines.peek().is_some();
    if !first {
        page.start_line(2)?;
    }
    if bracketed {
        let factor = match group.power {
            None | Some(0) => String::new(),
            Some(power) => format!("{} ", power_of_h(power)),
        };
        page.put("+ ", "+ ")?;
        page.put(&factor, &paint.yellow(&factor))?;
        page.put("(", "(")?;
        page.indent = page.column + 1;
    }
    // A single term takes the power of h into its coefficient: h/2 f'f.
    let common = bracketed && group.power.is_some();
    let power = |line: &Line| if common { 0 } else { line.power };
    let (mut after_principal, own_power) = (line.principal, power(&line));
    page.put_spaced(&signed(line, own_power, !first && !bracketed, paint))?;
    for line in lines {
        let (principal, power) = (line.principal, power(&line));
        let shown = signed(line, power, true, paint);
        if after_principal && !principal {
            page.start_line(page.indent)?;
            page.put(&shown.0, &shown.1)?;
        } else {
            page.put_wrapped(&shown)?;
        }
        after_principal = principal;
    }
    if bracketed {
        page.put(" )", " )")?;
    }
    Ok(true)
}

/// A term with its sign, as plain and as painted text; a leading plus only if `plus`.
fn signed(line: Line, power: i32, plus: bool, paint: &Paint) -> (String, String) {
    let coefficient = line.coefficient.times_step(power);
    let sign = match (coefficient.negative, plus) {
        (true, true) => "- ",
        (true, false) => "-",
        (false, true) => "+ ",
        (false, false) => "",
    };
    let factor = if coefficient.is_unit() {
        String::new()
    } else {
        format!("{} ", Plain.show(&coefficient.into_magnitude()))
    };
    let differential = Plain.show(&line.differential);
    let plain = format!("{sign}{factor}{differential}");
    let painted = if line.principal {
        format!("{sign}{factor}{}", paint.cyan(&differential))
    } else {
        plain.clone()
    };
    (plain, painted)
}

fn power_of_h(power: i32) -> String {
    Plain.show(&Math::power(Math::name("h"), power.into()))
}

/// `Ẽ = E + h/4 ‖∇E‖² + …`, and why some corrections are not part of it.
fn modified_loss(document: &Document, paint: &Paint, out: &mut dyn Write) -> io::Result<()> {
    let corrections: Vec<_> = corrections(document).collect();
    let show = |formula: &Math| Plain.show(formula);
    let sentences = obstructions(document, &corrections, show);
    writeln!(out, "{}\n", paint.dim("f = -∇E, H = ∇²E; the flow is θ̇ = -∇Ẽ"))?;
    let setting = Setting {
        space: " ",
        times: "*",
        align: "  ",
        newline: "",
        brackets: ("( ", " )"),
        inner: ("(", ")"),
        indent: "     ",
        measure: |formula| Plain.show(formula).chars().count() as f64 + 1.0,
        width: document.layout.width as f64 - 8.0,
    };
    let loss = show(&Math::Modified("E".into()));
    for (i, row) in setting.write(loss::rows(corrections), false, &Plain).iter().enumerate() {
        match i {
            0 => writeln!(out, "{} = {row}", paint.bold(&loss))?,
            _ => writeln!(out, "  {row}")?,
        }
    }
    writeln!(out, "{}", paint.dim("  + …"))?;
    for sentence in sentences {
        writeln!(out)?;
        write_sentence(&sentence, document.layout.width, out)?;
    }
    Ok(())
}

/// All that is known about one tree.
fn one_tree(
    document: &Document,
    tree: TreeId,
    paint: &Paint,
    out: &mut dyn Write,
) -> io::Result<()> {
    let field = document.field;
    let (nodes, writer) = (field.trees().size(tree), document.writer());
    let sign = if writer.is_negated(nodes) { "-" } else { "" };
    let differential = Plain.show(&writer.differential(tree));
    let part = if field.is_principal(tree) { "principal" } else { "non-principal" };
    writeln!(out, "{}: F = {sign}{differential}", paint.bold(&document.title()))?;
    writeln!(out, "  nodes        {nodes}")?;
    writeln!(out, "  symmetry σ   {}", field.trees().symmetry(tree))?;
    writeln!(out, "  density γ    {}", field.trees().density(tree))?;
    writeln!(out, "  part         {part}")?;
    for (term, line) in document.terms(tree, nodes).iter().zip(document.lines(tree, nodes, &writer))
    {
        let show = |value| Plain.show(&Coefficient::new(value, field.variables()).signed());
        writeln!(out, "  {}            {}", document.weight(), show(&term.b))?;
        writeln!(out, "  coefficient  {}", show(&term.coefficient))?;
        let power = line.power;
        writeln!(out, "  term         {}", signed(line, power, false, paint).1)?;
    }
    Ok(())
}

/// A page of limited width.
struct Page<'o> {
    out: &'o mut dyn Write,
    width: usize,
    indent: usize,
    column: usize,
}

impl Page<'_> {
    /// Writes `painted`, which looks like `plain` but for colours.
    fn put(&mut self, plain: &str, painted: &str) -> io::Result<()> {
        self.out.write_all(painted.as_bytes())?;
        self.column += columns(plain);
        Ok(())
    }

    fn put_spaced(&mut self, (plain, painted): &(String, String)) -> io::Result<()> {
        // Nothing precedes it but the indentation, or a bracket one column before that.
        if self.column > self.indent || self.column + 1 == self.indent {
            self.put(" ", " ")?;
        }
        self.put(plain, painted)
    }

    /// Writes on this line if there is room for it and a closing bracket, else on the next.
    fn put_wrapped(&mut self, text: &(String, String)) -> io::Result<()> {
        if self.column + 1 + columns(&text.0) + 2 > self.width {
            self.start_line(self.indent)?;
            self.put(&text.0, &text.1)
        } else {
            self.put_spaced(text)
        }
    }

    fn start_line(&mut self, indent: usize) -> io::Result<()> {
        write!(self.out, "\n{:indent$}", "")?;
        self.indent = indent;
        self.column = indent;
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        self.column = 0;
        writeln!(self.out)
    }
}

/// Width on a terminal; the dot of `θ̇`, the hat of `θ̂` and the tilde of `Ẽ` take no room.
pub(super) fn columns(text: &str) -> usize {
    text.chars().filter(|c| !['\u{302}', '\u{303}', '\u{307}'].contains(c)).count()
}

/// Colours of a terminal, if it has any.
struct Paint {
    on: bool,
}

impl Paint {
    fn bold(&self, text: &str) -> String {
        self.wrap("1", text)
    }

    fn dim(&self, text: &str) -> String {
        self.wrap("2", text)
    }

    fn yellow(&self, text: &str) -> String {
        self.wrap("33", text)
    }

    fn cyan(&self, text: &str) -> String {
        self.wrap("36", text)
    }

    fn wrap(&self, code: &str, text: &str) -> String {
        if self.on && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_string()
        }
    }
}
