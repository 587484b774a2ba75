//! An equation and a table of terms in Markdown, its formulas as GitHub and KaTeX read them.

use super::Export;
use super::document::{Content, Document};
use super::latex::{equation, modified_loss};
use crate::formula::{Latex, Math, Script, Sentence};
use std::io::{self, Write};

/// Markdown with formulas between dollar signs.
pub(super) struct Markdown;

impl Export for Markdown {
    fn write(&self, document: &Document, out: &mut (dyn Write + Send)) -> io::Result<()> {
        writeln!(out, "# {}\n", document.heading().replace('_', "\\_"))?;
        if document.content == Content::ModifiedLoss {
            writeln!(out, "$$\n\\begin{{aligned}}")?;
            let sentences = modified_loss(document, out)?;
            writeln!(out, "\\end{{aligned}}\n$$")?;
            return sentences.iter().try_for_each(|line| writeln!(out, "\n{line}"));
        }
        if document.tree().is_none() {
            for (space, name) in document.field.spaces.iter().enumerate() {
                writeln!(out, "$$\n\\begin{{aligned}}")?;
                equation(document, space, name, out)?;
                writeln!(out, "\\end{{aligned}}\n$$\n")?;
            }
        }
        for closing in document.closing() {
            writeln!(out, "{}\n", sentence(&closing))?;
        }
        writeln!(
            out,
            "| $h$ | tree $\\tau$ | $F(\\tau)$ | coefficient | $\\sigma$ | $\\gamma$ | |"
        )?;
        writeln!(out, "|--:|:--|:--|--:|--:|--:|:--|")?;
        let (field, writer) = (document.field, document.writer());
        for nodes in 1..=field.trees().max_nodes() {
            for tree in document.trees(nodes) {
                for line in document.lines(tree, nodes, &writer) {
                    let sign = if line.coefficient.negative { "-" } else { "" };
                    writeln!(
                        out,
                        "| {} | `{}` | ${}$ | ${sign}{}$ | {} | {} | {} |",
                        line.power,
                        document.tree_text(tree),
                        Latex.show(&line.differential),
                        Latex.show(&line.coefficient.magnitude()),
                        field.trees().symmetry(tree),
                        field.trees().density(tree),
                        if line.principal { "principal" } else { "" },
                    )?;
                }
            }
        }
        Ok(())
    }
}

/// A sentence as a paragraph.
fn sentence(sentence: &Sentence) -> String {
    let words = |text: &str| text.replace('*', "\\*").replace('_', "\\_");
    let inline = |formula: &Math| format!("${}$", Latex.show(formula));
    let display = |formulas: &[Math], mark: &str| {
        let shown: Vec<String> = formulas.iter().map(|f| Latex.show(f)).collect();
        format!("\n\n$$\n{}{mark}\n$$\n\n", shown.join(", \\qquad "))
    };
    sentence.paragraph(words, inline, display)
}
