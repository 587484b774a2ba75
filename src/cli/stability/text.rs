//! A stability analysis as text for the terminal.

use super::Report;
use crate::cli::terminal::{LISTED, assignments, complex, line, list, short, table, tiny};
use bea_flow::flow::stability::{
    Coupled, Crossing, Direction, Eigenvalues, End, Interval, MAX_ROWS, StabilityType, formula,
};
use bea_series::formula::{Coefficient, Plain, Script};
use num_rational::BigRational;
use std::collections::BTreeMap;

/// Of what is listed as infinite, or not listed, for a finite step size.
const TOO_LARGE: &str = "igr and order:n are not given where they are more than a double can hold";

impl Report<'_> {
    pub(super) fn text(&self) -> String {
        let point = &self.stability.point;
        let gradient = match &self.stability.spectrum {
            Eigenvalues::Loss(_) => "|∇E|",
            Eigenvalues::Coupled(_) => "|f|",
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
        if !self.optimizer.is_linear() {
            line(&mut out, "  step  linearised there, with buffers at rest".into());
        }
        match &self.stability.spectrum {
            Eigenvalues::Loss(directions) => self.directions(&mut out, directions),
            Eigenvalues::Coupled(coupled) => self.coupled(&mut out, coupled),
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
            let lambda =
                if direction.intervals.is_empty() { "0".into() } else { short(direction.lambda) };
            let Some(at) = &direction.at_step else {
                flows.push([lambda, short(direction.ngf), "".into(), "".into(), "".into()]);
                continue;
            };
            let case = at.case.map_or("-".into(), |case| case.to_string());
            let multipliers = list(&at.multipliers);
            steps.push([lambda.clone(), short(at.z), case, short(at.radius), multipliers]);
            let pf = at.pf.map_or("-".into(), complex);
            let order = at.order.map_or("-".into(), short);
            flows.push([lambda, short(direction.ngf), short(at.igr), order, pf]);
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
                let of_step = directions.iter().filter_map(|d| d.at_step.as_ref());
                if of_step
                    .flat_map(|at| [at.z, at.igr, at.order.unwrap_or(0.0)])
                    .any(f64::is_infinite)
                {
                    line(out, format!("  {TOO_LARGE}"));
                }
                if !self.optimizer.is_linear() {
                    line(
                        out,
                        "  ngf and igr are gradient descent's, whatever the optimizer".into(),
                    );
                }
                let mut of_step = directions.iter().filter_map(|d| d.at_step.as_ref());
                if of_step.any(|at| at.order.is_none()) {
                    line(
                        out,
                        format!(
                            "  {order} moves slow variables beside the parameters: it is no field of these alone"
                        ),
                    );
                }
            }
            None => {
                line(out, "\neigenvalues of the Hessian".into());
                let lambdas: Vec<[String; 1]> =
                    flows[1..].iter().map(|row| [row[0].clone()]).collect();
                table(out, &lambdas);
            }
        }
        // One direction of each sign stands for all.
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
        let end = formula(&symbolic, &values, &interval.to)?;
        Some(Plain.show(&Coefficient::new(&end, &symbolic.parameters).signed()))
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
        if coupled.at_step.as_ref().is_some_and(|at| at.igr.is_empty() || at.order.is_empty()) {
            line(out, format!("  {TOO_LARGE}"));
        }
    }

    fn verdict(&self, out: &mut String) {
        let intervals = match (&self.stability.intervals, &self.stability.spectrum) {
            (Some(intervals), _) => intervals,
            (None, Eigenvalues::Coupled(coupled)) => {
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
            (None, Eigenvalues::Loss(_)) => return self.at_step(out),
        };
        line(out, "\nall directions together".into());
        for interval in intervals {
            line(out, format!("  {}", describe(interval, "h", None)));
        }
        if let Eigenvalues::Loss(directions) = &self.stability.spectrum {
            let zeros = directions.iter().filter(|d| d.intervals.is_empty()).count();
            if zeros > 0 {
                let s = if zeros == 1 { "" } else { "s" };
                line(out, format!("  ({zeros} direction{s} with λ = 0 left out: neutral)"));
            }
        }
        let critical = match self.stability.critical_learning_rate() {
            Some(h) if h == f64::INFINITY => "none: the optimizer converges for every h".into(),
            Some(0.0) => match intervals[0].verdict {
                StabilityType::Neutral => {
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
            Eigenvalues::Coupled(coupled) => coupled.at_step.as_ref().map(|at| at.radius),
            Eigenvalues::Loss(directions) => directions
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
}

/// `, at the angles ±1.0472: a period of 6 steps` of a complex pair.
fn angle(end: &End) -> String {
    match end.angle.filter(|_| end.crossing == Crossing::Circle) {
        Some(angle) => format!(
            ", at the angles ±{}: a period of {} steps",
            short(angle),
            short(std::f64::consts::TAU / angle)
        ),
        None => String::new(),
    }
}

/// `stable for 0 < hλ < 19/5 = 2(1+m); at the end an eigenvalue is -1`.
fn describe(interval: &Interval, name: &str, formula: Option<String>) -> String {
    let (from, to) = (&interval.from, &interval.to);
    let shown = |end: &End| match &end.exact {
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
        _ => format!("; at the end {}{}", to.crossing, angle(to)),
    };
    format!("{} for {range}{end}", interval.verdict)
}
