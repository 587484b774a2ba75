//! Runs and their measurements as a page of HTML that opens from disk.

use super::config::Metric;
use super::measured::{Column, Measured};
use super::plots::{all_panels, run_panels};
use bea_plot::{Figure, Interactive, Panel};
use bea_series::render::page::{self, escape};
use std::fmt::Write as _;

/// A table shows no more measurements than this.
const MOST_COLUMNS: usize = 48;

/// A self-contained page about one run, or about several beside one another: the verdict on a claim if there
/// is one, a summary, figures, all measurements in numbers, and the descriptions of the runs. It needs no
/// network; its figures answer by a script ([`Interactive`]) and are seen without it. Equal runs have equal pages.
pub fn report(title: &str, runs: &[Measured], verdict: Option<&str>) -> String {
    written(title, None, runs, verdict)
}

/// As [`report`], with a figure that the verdict speaks of before all others; `runs` may be none.
pub fn report_of(title: &str, figure: &Figure, runs: &[Measured], verdict: &str) -> String {
    written(title, Some(figure), runs, Some(verdict))
}

fn written(
    title: &str,
    first: Option<&Figure>,
    runs: &[Measured],
    verdict: Option<&str>,
) -> String {
    let panels = match runs {
        [run] => run_panels(run),
        runs => all_panels(runs),
    };
    let figures = figures(first, panels);
    let mut out = page::start(title, &(STYLE.to_string() + &figures.style));
    for line in verdict.into_iter().flat_map(str::lines).filter(|line| !line.trim().is_empty()) {
        let _ = writeln!(out, "<p class=\"verdict\">{}</p>", escape(line));
    }
    if !runs.is_empty() || first.is_none() {
        summary(runs, &mut out);
    }
    if !figures.body.is_empty() {
        let _ = write!(out, "<h2>Figures</h2>\n{}", figures.body);
    }
    for run in runs {
        details(run, runs.len() == 1, &mut out);
    }
    let _ = writeln!(out, "<p class=\"soft\">bea {}</p>", env!("CARGO_PKG_VERSION"));
    out + page::END
}

const STYLE: &str = "\
.scroll>table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}\n\
th,td{padding:.25rem .7rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}\n\
thead th{color:var(--soft);font-weight:500;vertical-align:bottom}\n\
tbody th,thead th:first-child,.words{text-align:left;font-weight:500}\n\
.diverged{color:var(--c1)}\n\
details{border-top:1px solid var(--line);padding:.6rem 0}summary{cursor:pointer;font-weight:500}\n\
details details{margin-left:1rem}\n\
pre{overflow-x:auto;font:.85rem/1.45 ui-monospace,Menlo,Consolas,monospace;margin:.6rem 0}\n\
@media print{thead{display:table-header-group}}\n";

/// Every panel is a figure of its own, so that the page decides how many stand in a row. One in which nothing has been
/// measured is left out.
fn figures(first: Option<&Figure>, panels: Vec<Panel>) -> Interactive {
    let seen = |panel: &Panel| {
        let mut points = panel.series.iter().flat_map(|series| &series.points);
        points.any(|(x, y)| x.is_finite() && y.is_finite())
    };
    let first = first.map(|figure| (figure.title.clone(), figure.clone()));
    let single = panels.into_iter().filter(seen).map(|mut panel| {
        // Nothing stands beside it that has its axes.
        (panel.x.shared, panel.y.shared) = (false, false);
        let name =
            if panel.title.is_empty() { String::new() } else { format!("{}: ", panel.title) };
        let title = format!("{name}{} against {}", panel.y.label, panel.x.label);
        (title, Figure { title: String::new(), panels: vec![panel], columns: 2 })
    });
    Interactive::new(&first.into_iter().chain(single).collect::<Vec<_>>())
}

/// A row per run: how it ended and, of several runs, the measurements that they are compared by.
fn summary(runs: &[Measured], out: &mut String) {
    let all: Vec<Vec<Column>> = runs.iter().map(Measured::columns).collect();
    let mut names: Vec<(&str, Metric)> = Vec::new();
    if runs.len() > 1 {
        for column in all.iter().flatten().filter(|column| column.metric != Metric::Eigenvalues) {
            if !names.iter().any(|(name, _)| *name == column.name) {
                names.push((column.name, column.metric));
            }
        }
    }
    let dropped = names.len().saturating_sub(MOST_COLUMNS);
    names.truncate(MOST_COLUMNS);
    let mut heads: Vec<String> =
        ["Run", "Last step", "End", "Least loss", "Loss increases"].map(String::from).into();
    for (name, metric) in &names {
        heads.push(format!("{name}, last"));
        if is_of_steps(*metric) {
            heads.push(format!("{name}, mean"));
        }
    }
    let mut rows = String::new();
    for (run, columns) in runs.iter().zip(&all) {
        let loss = columns.iter().find(|column| column.metric == Metric::Loss);
        let loss = loss.map(|column| Statistics::of(&column.values));
        let end = run.end.map_or("stopped before its end".into(), ToString::to_string);
        let class = if run.diverged() { "words diverged" } else { "words" };
        let step = run.steps().last().map_or("–".into(), f64::to_string);
        let _ = write!(
            rows,
            "<tr><th scope=\"row\">{}</th><td>{step}</td><td class=\"{class}\">{}</td>",
            escape(run.label),
            escape(&end)
        );
        cell(loss.as_ref().map_or(f64::NAN, |loss| loss.least), &mut rows);
        let increases = loss.map_or("–".into(), |loss| loss.increases.to_string());
        let _ = write!(rows, "<td>{increases}</td>");
        for (name, metric) in &names {
            let column = columns.iter().find(|column| column.name == *name);
            let found = column.map(|column| Statistics::of(&column.values)).unwrap_or_default();
            cell(found.last, &mut rows);
            if is_of_steps(*metric) {
                cell(found.mean, &mut rows);
            }
        }
        rows.push_str("</tr>\n");
    }
    table("Summary of the runs", &heads, &rows, out);
    let is_older = |name: &str| {
        let mut found = all.iter().flatten().filter(|column| column.name == name);
        found.any(|c| {
            c.values.last().is_some_and(|x| x.is_nan()) && c.values.iter().any(|x| !x.is_nan())
        })
    };
    let older: Vec<&str> = names.iter().map(|(name, _)| *name).filter(|n| is_older(n)).collect();
    if !older.is_empty() {
        let _ = writeln!(
            out,
            "<p class=\"soft\">The last {} is at the last iterate that has a step after it.</p>",
            escape(&older.join(", "))
        );
    }
    if dropped > 0 {
        let _ = writeln!(out, "<p class=\"soft\">{dropped} more columns are not shown.</p>");
    }
}

/// Measurements and description of a run, folded where there are several.
fn details(run: &Measured, alone: bool, out: &mut String) {
    let columns = run.columns();
    let shown = &columns[..columns.len().min(MOST_COLUMNS)];
    if alone {
        out.push_str("<h2>Measurements</h2>\n");
    } else {
        let _ = writeln!(out, "<details><summary>{}</summary>", escape(run.label));
    }
    let heads = ["Column", "First", "Last", "of step", "Least", "Greatest", "Mean"];
    let heads = heads.map(String::from);
    let steps = run.steps();
    let mut rows = String::new();
    for column in shown {
        let found = Statistics::of(&column.values);
        let _ = write!(rows, "<tr><th scope=\"row\">{}</th>", escape(column.name));
        // What belongs to a step has no value at the last iterate, from which no step leads.
        let step = column.values.iter().rposition(|x| !x.is_nan()).map(|row| steps[row]);
        cell(found.first, &mut rows);
        cell(found.last, &mut rows);
        let _ = write!(rows, "<td>{}</td>", step.map_or("–".into(), |step| step.to_string()));
        for x in [found.least, found.greatest, found.mean] {
            cell(x, &mut rows);
        }
        rows.push_str("</tr>\n");
    }
    table("Measurements", &heads, &rows, out);
    if shown.len() < columns.len() {
        let more = columns.len() - shown.len();
        let _ = writeln!(out, "<p class=\"soft\">{more} more columns are not shown.</p>");
    }
    let _ = writeln!(
        out,
        "<details><summary>Description of the run</summary><pre>{}</pre></details>",
        escape(&run.config.resolved)
    );
    if !alone {
        out.push_str("</details>\n");
    }
}

/// A table that scrolls sideways where it is too wide; `name` is its label for screen readers.
fn table(name: &str, heads: &[String], rows: &str, out: &mut String) {
    let heads: String =
        heads.iter().map(|head| format!("<th scope=\"col\">{}</th>", escape(head))).collect();
    let _ = writeln!(
        out,
        "<div class=\"scroll\" role=\"region\" aria-label=\"{name}\" tabindex=\"0\"><table>\n\
         <thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>"
    );
}

fn cell(x: f64, out: &mut String) {
    let _ = write!(out, "<td>{}</td>", number(x));
}

/// Whether a metric is of a step rather than of an iterate, so that its mean says something.
fn is_of_steps(metric: Metric) -> bool {
    matches!(
        metric,
        Metric::LearningRate
            | Metric::UpdateNorm
            | Metric::RelativeProgress
            | Metric::HessianGradient
            | Metric::Drift
            | Metric::DriftEstimate
            | Metric::ThirdOrder
            | Metric::Error(_)
            | Metric::LossError(_)
    )
}

/// Statistics of a column over the values that are defined; NaN if there are none.
struct Statistics {
    first: f64,
    last: f64,
    least: f64,
    greatest: f64,
    mean: f64,
    /// How often a defined value is larger than the one before.
    increases: usize,
}

impl Default for Statistics {
    fn default() -> Statistics {
        Statistics::of(&[])
    }
}

impl Statistics {
    fn of(values: &[f64]) -> Statistics {
        let defined: Vec<f64> = values.iter().copied().filter(|x| !x.is_nan()).collect();
        let end = |x: Option<&f64>| x.copied().unwrap_or(f64::NAN);
        Statistics {
            first: end(defined.first()),
            last: end(defined.last()),
            least: defined.iter().copied().fold(f64::NAN, f64::min),
            greatest: defined.iter().copied().fold(f64::NAN, f64::max),
            mean: defined.iter().sum::<f64>() / defined.len() as f64,
            increases: defined.windows(2).filter(|pair| pair[1] > pair[0]).count(),
        }
    }
}

/// Five significant digits.
fn number(x: f64) -> String {
    if x.is_nan() {
        return "–".into();
    }
    if x == 0.0 || x.is_infinite() {
        return x.to_string().replace("inf", "∞").replace('-', "−");
    }
    let scientific = format!("{x:.4e}");
    // The exponent after rounding.
    let exponent = scientific.split_once('e').and_then(|(_, e)| e.parse::<i32>().ok()).unwrap_or(0);
    if !(-4..6).contains(&exponent) {
        return scientific.replace('-', "−");
    }
    let decimals = (4 - exponent).max(0) as usize;
    let text = format!("{x:.decimals$}");
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    text.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_five_digits() {
        let cases = [
            (0.1 + 0.2, "0.3"),
            (1234.56789, "1234.6"),
            (99999.96, "100000"),
            (12345678.0, "1.2346e7"),
            (-0.00012345678, "−0.00012346"),
            (1e-9, "1.0000e−9"),
            (0.0, "0"),
            (f64::NAN, "–"),
            (f64::NEG_INFINITY, "−∞"),
        ];
        for (x, text) in cases {
            assert_eq!(number(x), text);
        }
    }

    #[test]
    fn statistics_pass_over_what_is_not_defined() {
        let found = Statistics::of(&[f64::NAN, 2.0, 1.0, f64::NAN, 3.0, f64::NAN]);
        assert_eq!((found.first, found.last, found.least, found.greatest), (2.0, 3.0, 1.0, 3.0));
        assert_eq!((found.mean, found.increases), (2.0, 1));
        assert!(Statistics::of(&[f64::NAN]).mean.is_nan());
    }
}
