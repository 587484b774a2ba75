//! A stability analysis as JSON.

use super::Report;
use crate::cli::terminal::{number, pairs};
use bea_flow::flow::stability::{AtStep, Crossing, Direction, Eigenvalues, Interval};
use serde_json::{Value, json};
use std::collections::BTreeMap;

impl Report<'_> {
    pub(super) fn json(&self) -> Value {
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
            Eigenvalues::Loss(directions) => {
                let directions: Vec<Value> = directions.iter().map(direction_json).collect();
                object["directions"] = directions.into();
            }
            Eigenvalues::Coupled(coupled) => {
                let mut value = json!({ "ngf": pairs(&coupled.ngf), "rows": coupled.rows });
                if let Some(at) = &coupled.at_step {
                    let or_null = |all: &[_]| if all.is_empty() { Value::Null } else { pairs(all) };
                    value["igr"] = or_null(&at.igr);
                    value["order"] = or_null(&at.order);
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
        value["h_lambda"] = number(*z);
        value["case"] = json!(case.map(|case| case.to_string()));
        value["igr"] = number(*igr);
        value["order"] = order.map_or(Value::Null, number);
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
            "angle_at_to": to.angle.map(number),
            "verdict": interval.verdict.to_string(),
        })
    };
    intervals.iter().map(one).collect()
}
