//! `bea stability`: where an optimizer and its flows are stable.

use super::{input, loss_input, output, problem_input};
use crate::flow::stability::{
    AtStep, Coupled, Crossing, Direction, Interval, MAX_ROWS, Request, Spectrum, Stability,
    StabilityError, Verdict, formula, stability,
};
use crate::optimizer::Optimizer;
use miette::{IntoDiagnostic, miette};
use num_complex::Complex64;
use num_rational::BigRational;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

/// Show whether an optimizer and its flows converge to a critical point of a loss.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct StabilityOf {
    /// A name from `bea loss`, a file, or a formula; for several vector fields once a field
    #[arg(long = "loss", value_name = "LOSS", required = true, allow_hyphen_values = true)]
    losses: Vec<String>,
    /// Where to look for a critical point, `1,1` or `x=1,y=1` [default: a known minimum]
    #[arg(long, value_name = "POINT", allow_hyphen_values = true)]
    at: Option<String>,
    /// The step size; without it, only what holds for all step sizes is shown
    #[arg(long, value_name = "H", allow_negative_numbers = true)]
    lr: Option<f64>,
    /// A name from `bea optimizers`, or a file
    #[arg(long, value_name = "NAME|FILE", default_value = "gradient_descent")]
    optimizer: String,
    /// Give a parameter of the optimizer or the loss a value
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = loss_input::setting)]
    values: Vec<(String, String)>,
    /// The flow order:N, with the modified field up to h^N
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = input::order)]
    #[arg(allow_negative_numbers = true)]
    order: usize,
    /// The variables of each player of a game, `x,a;y`
    #[arg(long, value_name = "NAMES")]
    players: Option<String>,
    /// The format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

const EXAMPLES: &str = "\
Examples:
  bea stability --loss rosenbrock --at 1,1 --lr 0.003
  bea stability --loss '(x^2+y-11)^2 + (x+y^2-7)^2' --at 3,2 --optimizer heavy_ball --set m=9/10
  bea stability --loss x*y --at 0,0 --optimizer alternating_gda --lr 0.5

JSON:
  point, optimizer, values (of the optimizer's parameters), lr, directions (or, for several vector
  fields, coupled), intervals of the step size h, and critical_learning_rate: 0 if the optimizer
  does not converge for small h; \"infinity\" if it converges for all; null if not determined.
  Complex numbers are [re, im].";

#[derive(Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Tables for the terminal
    #[default]
    Text,
    /// An object
    Json,
}

/// So many eigendirections are listed at the top and at the bottom of a long list.
const LISTED: (usize, usize) = (8, 4);

impl StabilityOf {
    pub fn run(self) -> miette::Result<ExitCode> {
        let optimizer = input::optimizer(&self.optimizer)?;
        let mut settings = loss_input::settings(&self.values)?;
        let values = loss_input::of_optimizer(&optimizer, &mut settings)?;
        let method = optimizer.method(&values)?;
        let players = self.players.as_deref();
        let losses = problem_input::losses(&self.losses, &settings, &method, players)?;
        let start = self.start(&losses)?;
        let request = Request { lr: self.lr, order: self.order };
        let found = stability(&losses.problem()?, &method, &start, &request)
            .map_err(|error| explain(error, &losses.variables))?;
        let report = Report {
            stability: &found,
            variables: &losses.variables,
            loss: &losses.losses[0].name,
            optimizer: &optimizer,
            values: &values,
            request,
        };
        let text = match self.format {
            Format::Text => report.text(),
            Format::Json => format!("{:#}\n", report.json()),
        };
        output::to_stdout(|out| out.write_all(text.as_bytes()))?;
        Ok(ExitCode::SUCCESS)
    }

    fn start(&self, losses: &problem_input::Losses) -> miette::Result<Vec<f64>> {
        if let Some(text) = &self.at {
            return loss_input::point("--at", text, &losses.variables);
        }
        let known = losses.losses[0].minima.first().or(losses.losses[0].start.as_ref());
        known.filter(|p| p.len() == losses.variables.len()).cloned().ok_or_else(|| {
            miette!(
                help = "give a point near one with --at",
                "no minimum of {} is known",
                losses.losses[0].name
            )
        })
    }
}

/// The error with what to do about it.
fn explain(error: StabilityError, variables: &[String]) -> miette::Report {
    let help = match &error {
        StabilityError::Symbolic(names) => {
            let settings: Vec<String> = names.iter().map(|n| format!("--set {n}=…")).collect();
            Some(format!("say {}", settings.join(" ")))
        }
        StabilityError::NoCriticalPoint { theta, .. } => {
            Some(format!("that is at {}; start elsewhere with --at", assignments(variables, theta)))
        }
        StabilityError::Undefined => Some("choose another point with --at".into()),
        StabilityError::Order { .. } => Some("ask for a lower --order".into()),
        _ => None,
    };
    match help {
        Some(help) => miette!(help = help, "{error}"),
        None => Err::<(), _>(error).into_diagnostic().expect_err("an error"),
    }
}

struct Report<'a> {
    stability: &'a Stability,
    variables: &'a [String],
    loss: &'a str,
    optimizer: &'a Optimizer,
    values: &'a BTreeMap<String, BigRational>,
    request: Request,
}

impl Report<'_> {
    fn text(&self) -> String {
        let point = &self.stability.point;
        let gradient = match &self.stability.spectrum {
            Spectrum::Loss(_) => "|∇E|",
            Spectrum::Coupled(_) => "|f|",
        };
        let mut out = String::new();
        let name = &self.optimizer.name;
        let set: Vec<String> = self.values.iter().map(|(n, v)| format!("{n} = {v}")).collect();
        let with = if set.is_empty() { String::new() } else { format!(" ({})", set.join(", ")) };
        line(&mut out, format!("{name}{with} on {}\n", self.loss));
        line(&mut out, format!("critical point: {}", point.kind));
        line(&mut out, format!("  at    {}", assignments(self.variables, &point.theta)));
        line(
            &mut out,
            format!("        {gradient} = {}, E = {}", tiny(point.norm), short(point.loss)),
        );
        if point.given != point.theta {
            let given = assignments(self.variables, &point.given);
            line(&mut out, format!("  from  {given}, {gradient} = {}", tiny(point.norm_given)));
        }
        match &self.stability.spectrum {
            Spectrum::Loss(directions) => self.directions(&mut out, directions),
            Spectrum::Coupled(coupled) => self.coupled(&mut out, coupled),
        }
        self.verdict(&mut out);
        out
    }

    fn directions(&self, out: &mut String, directions: &[Direction]) {
        let order = format!("order:{}", self.request.order);
        let mut steps =
            vec![["λ", "hλ", "case", "|μ|", "eigenvalues μ of one step"].map(String::from)];
        let mut flows = vec![["λ", "ngf", "igr", order.as_str(), "pf"].map(String::from)];
        let (first, last) = LISTED;
        let cut = directions.len() > first + last;
        for (i, direction) in directions.iter().enumerate() {
            if cut && i == first {
                let dots = || ["…"; 5].map(String::from);
                steps.push(dots());
                flows.push(dots());
            }
            if cut && i >= first && i + last < directions.len() {
                continue;
            }
            let lambda = match direction.intervals.is_empty() {
                true => "0".into(),
                false => short(direction.lambda),
            };
            let Some(at) = &direction.at_step else {
                flows.push([lambda, short(direction.ngf), "".into(), "".into(), "".into()]);
                continue;
            };
            let case = at.case.map_or("-".into(), |case| case.to_string());
            let multipliers = list(&at.multipliers);
            steps.push([lambda.clone(), short(at.z), case, short(at.radius), multipliers]);
            let pf = at.pf.map_or("-".into(), complex);
            flows.push([lambda, short(direction.ngf), short(at.igr), short(at.order), pf]);
        }
        match self.request.lr {
            Some(h) => {
                line(
                    out,
                    format!("\none step, h = {}, along the eigenvectors of the Hessian", short(h)),
                );
                table(out, &steps);
                line(out, "\neigenvalues of the flows' Jacobians".into());
                table(out, &flows);
            }
            None => {
                line(out, "\neigenvalues of the Hessian".into());
                let lambdas: Vec<[String; 1]> =
                    flows[1..].iter().map(|row| [row[0].clone()]).collect();
                table(out, &lambdas);
            }
        }
        // One of each sign says it for all.
        for sign in [1.0, -1.0] {
            let of_sign = |d: &&Direction| d.scaled && d.lambda * sign > 0.0;
            let with = directions.iter().filter(of_sign).find(|d| !d.intervals.is_empty());
            if let Some(direction) = with {
                let (name, title) = match sign {
                    1.0 => ("hλ", "\nin a direction with λ > 0"),
                    _ => ("h|λ|", "\nin a direction with λ < 0"),
                };
                line(out, format!("{title} the optimizer is"));
                let formula =
                    |interval: &Interval| (sign > 0.0).then(|| self.formula(interval)).flatten();
                for interval in &direction.intervals {
                    line(out, format!("  {}", describe(interval, name, formula(interval))));
                }
            }
        }
    }

    /// The upper end of an interval in the optimizer's parameters.
    fn formula(&self, interval: &Interval) -> Option<String> {
        let symbolic = self.optimizer.method(&BTreeMap::new()).ok()?;
        let values: Vec<BigRational> = symbolic
            .parameters
            .iter()
            .map(|p| self.values.get(p).cloned())
            .collect::<Option<_>>()?;
        formula(&symbolic, &values, &interval.to)
    }

    fn coupled(&self, out: &mut String, coupled: &Coupled) {
        let mut rows = vec![["ngf".to_string(), list(&coupled.ngf)]];
        if let Some(at) = &coupled.at_step {
            rows.push(["igr".into(), list(&at.igr)]);
            rows.push([format!("order:{}", self.request.order), list(&at.order)]);
            let pf = at.pf.as_ref().map_or("-".into(), |pf| list(pf));
            rows.push(["pf".into(), pf]);
            rows.push(["one step".into(), list(&at.multipliers)]);
            rows.push(["|μ|".into(), short(at.radius)]);
        }
        let h = self.request.lr.map_or(String::new(), |h| format!(", h = {}", short(h)));
        line(out, format!("\neigenvalues{h}"));
        let width = rows.iter().map(|row| row[0].chars().count()).max().unwrap_or(0);
        for [name, values] in &rows {
            line(out, format!("  {name:width$}  {values}"));
        }
    }

    fn verdict(&self, out: &mut String) {
        let intervals = match (&self.stability.intervals, &self.stability.spectrum) {
            (Some(intervals), _) => intervals,
            (None, Spectrum::Coupled(coupled)) => {
                line(
                    out,
                    format!(
                        "\nThe critical learning rate was not computed: one step is a matrix of {} \
                         rows, more than {MAX_ROWS}.",
                        coupled.rows
                    ),
                );
                return self.at_step(out);
            }
            (None, Spectrum::Loss(_)) => return self.at_step(out),
        };
        line(out, "\nall directions together".into());
        for interval in intervals {
            line(out, format!("  {}", describe(interval, "h", None)));
        }
        if let Spectrum::Loss(directions) = &self.stability.spectrum {
            let zeros = directions.iter().filter(|d| d.intervals.is_empty()).count();
            if zeros > 0 {
                let s = if zeros == 1 { "" } else { "s" };
                line(out, format!("  ({zeros} direction{s} with λ = 0 left out: neutral)"));
            }
        }
        let critical = match self.stability.critical_learning_rate() {
            Some(h) if h == f64::INFINITY => "none: the optimizer converges for every h".into(),
            Some(0.0) => match intervals[0].verdict {
                Verdict::Neutral => {
                    "0: for small h the optimizer neither converges nor diverges".into()
                }
                _ => "0: the optimizer does not converge for small h".into(),
            },
            Some(h) => format!("h = {}", short(h)),
            None => return,
        };
        line(out, format!("\ncritical learning rate  {critical}"));
        self.at_step(out);
    }

    /// What happens at the step size.
    fn at_step(&self, out: &mut String) {
        let Some(h) = self.request.lr else { return };
        let radius = match &self.stability.spectrum {
            Spectrum::Coupled(coupled) => coupled.at_step.as_ref().map(|at| at.radius),
            Spectrum::Loss(directions) => directions
                .iter()
                .filter(|d| !d.intervals.is_empty())
                .filter_map(|d| d.at_step.as_ref())
                .map(|at| at.radius)
                .reduce(f64::max),
        };
        let Some(radius) = radius else { return };
        let what = match radius {
            r if (r - 1.0).abs() <= 1e-9 => "is marginal",
            r if r < 1.0 => "converges",
            _ => "diverges",
        };
        let radius = short(radius);
        line(out, format!("h = {} {what}: the spectral radius is {radius}", short(h)));
    }

    fn json(&self) -> Value {
        let stability = self.stability;
        let point = &stability.point;
        let values: BTreeMap<&String, String> =
            self.values.iter().map(|(n, v)| (n, v.to_string())).collect();
        let mut object = json!({
            "loss": self.loss,
            "optimizer": self.optimizer.name,
            "values": values,
            "lr": self.request.lr,
            "order": self.request.order,
            "variables": self.variables,
            "point": {
                "given": point.given, "gradient_norm_given": point.norm_given,
                "theta": point.theta, "gradient_norm": point.norm, "loss": point.loss,
                "kind": point.kind.to_string(),
            },
            "intervals": stability.intervals.as_deref().map(intervals_json),
            "critical_learning_rate": stability.critical_learning_rate().map(number),
        });
        match &stability.spectrum {
            Spectrum::Loss(directions) => {
                let directions: Vec<Value> = directions.iter().map(direction_json).collect();
                object["directions"] = directions.into();
            }
            Spectrum::Coupled(coupled) => {
                let mut value = json!({ "ngf": pairs(&coupled.ngf), "rows": coupled.rows });
                if let Some(at) = &coupled.at_step {
                    value["igr"] = pairs(&at.igr);
                    value["order"] = pairs(&at.order);
                    value["pf"] = at.pf.as_deref().map_or(Value::Null, pairs);
                    value["multipliers"] = pairs(&at.multipliers);
                    value["radius"] = number(at.radius);
                }
                object["coupled"] = value;
            }
        }
        object
    }
}

fn direction_json(direction: &Direction) -> Value {
    let mut value = json!({
        "lambda": direction.lambda, "vector": direction.vector, "ngf": direction.ngf,
        "variable": if direction.scaled { "h|lambda|" } else { "h" },
        "intervals": intervals_json(&direction.intervals),
    });
    if let Some(AtStep { z, case, igr, order, pf, multipliers, radius }) = &direction.at_step {
        value["h_lambda"] = json!(z);
        value["case"] = json!(case.map(|case| case.to_string()));
        value["igr"] = json!(igr);
        value["order"] = json!(order);
        value["pf"] = pf.map_or(Value::Null, |pf| json!([number(pf.re), number(pf.im)]));
        value["multipliers"] = pairs(multipliers);
        value["radius"] = number(*radius);
    }
    value
}

fn intervals_json(intervals: &[Interval]) -> Value {
    let one = |interval: &Interval| {
        let (from, to) = (&interval.from, &interval.to);
        json!({
            "from": number(from.value), "to": number(to.value),
            "exact_to": to.exact.as_ref().map(ToString::to_string),
            "at_to": (to.crossing != Crossing::Open).then(|| to.crossing.to_string()),
            "verdict": interval.verdict.to_string(),
        })
    };
    intervals.iter().map(one).collect()
}

/// JSON has no infinity.
pub(super) fn number(x: f64) -> Value {
    match x {
        f64::INFINITY => "infinity".into(),
        f64::NEG_INFINITY => "-infinity".into(),
        x => json!(x),
    }
}

fn pairs(values: &[Complex64]) -> Value {
    values.iter().map(|z| json!([number(z.re), number(z.im)])).collect()
}

pub(super) fn line(out: &mut String, text: String) {
    writeln!(out, "{}", text.trim_end()).expect("a string");
}

/// `stable for 0 < hλ < 19/5 = 2*(1+m), where an eigenvalue is -1`.
fn describe(interval: &Interval, name: &str, formula: Option<String>) -> String {
    let (from, to) = (&interval.from, &interval.to);
    let shown = |end: &crate::flow::stability::End| match &end.exact {
        Some(_) => end.to_string(),
        None => short(end.value),
    };
    let range = match (from.value, to.value) {
        (0.0, f64::INFINITY) => return format!("{} for all {name} > 0", interval.verdict),
        (_, f64::INFINITY) => format!("{name} > {}", shown(from)),
        _ => {
            let formula = formula.map_or(String::new(), |formula| format!(" = {formula}"));
            format!("{} < {name} < {}{formula}", shown(from), shown(to))
        }
    };
    let end = match to.value {
        f64::INFINITY => String::new(),
        _ => format!("; at the end {}", to.crossing),
    };
    format!("{} for {range}{end}", interval.verdict)
}

/// Columns, the last one to the left, the others to the right; the first row is the head.
pub(super) fn table<const N: usize>(out: &mut String, rows: &[[String; N]]) {
    let width = |k: usize| rows.iter().map(|row| row[k].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    for row in rows {
        let mut text = String::new();
        for (k, cell) in row.iter().enumerate() {
            let pad = " ".repeat(widths[k] - cell.chars().count());
            // Only words and lists read better from the left.
            match k + 1 == N && N > 1 {
                true => write!(text, "  {cell}{pad}"),
                false => write!(text, "  {pad}{cell}"),
            }
            .expect("a string");
        }
        line(out, text);
    }
}

fn assignments(variables: &[String], point: &[f64]) -> String {
    let (first, last) = LISTED;
    let all: Vec<String> =
        variables.iter().zip(point).map(|(name, &x)| format!("{name} = {}", short(x))).collect();
    match all.len() > first + last {
        true => [&all[..first], &["…".to_string()], &all[all.len() - last..]].concat().join(", "),
        false => all.join(", "),
    }
}

/// A norm, of which only the size matters.
pub(super) fn tiny(x: f64) -> String {
    if x == 0.0 { "0".into() } else { format!("{x:.1e}") }
}

/// Six significant digits.
pub(super) fn short(x: f64) -> String {
    if x.is_infinite() {
        return if x > 0.0 { "∞" } else { "-∞" }.into();
    }
    let rounded: f64 = format!("{x:.5e}").parse().expect("a number");
    let size = rounded.abs();
    if rounded == 0.0 || (1e-4..1e7).contains(&size) {
        // A negative zero is a zero.
        format!("{}", rounded + 0.0)
    } else {
        format!("{rounded:e}")
    }
}

/// Without parts that are nothing but the roundings of the other part.
fn cleaned(z: Complex64) -> Complex64 {
    let part = |x: f64| if x.abs() <= 1e-14 * z.norm() { 0.0 } else { x };
    if z.is_finite() { Complex64::new(part(z.re), part(z.im)) } else { z }
}

pub(super) fn complex(z: Complex64) -> String {
    if z.im == 0.0 {
        return short(z.re);
    }
    let sign = if z.im < 0.0 { '-' } else { '+' };
    format!("{}{sign}{}i", short(z.re), short(z.im.abs()))
}

/// The numbers, conjugate neighbours as one.
fn list(values: &[Complex64]) -> String {
    let mut parts = Vec::new();
    let mut rest = values;
    while let Some((z, others)) = rest.split_first() {
        let z = cleaned(*z);
        let pair = others
            .first()
            .is_some_and(|w| z.im != 0.0 && (cleaned(*w) - z.conj()).norm() <= 1e-12 * z.norm());
        parts.push(match pair {
            true if z.re == 0.0 => format!("±{}i", short(z.im.abs())),
            true => format!("{}±{}i", short(z.re), short(z.im.abs())),
            false => complex(z),
        });
        rest = if pair { &others[1..] } else { others };
    }
    let (first, last) = LISTED;
    match parts.len() > first + last {
        true => [&parts[..first], &["…".into()], &parts[parts.len() - last..]].concat().join(", "),
        false if parts.is_empty() => "-".into(),
        false => parts.join(", "),
    }
}
