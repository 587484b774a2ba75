//! Trajectories as CSV and JSON.

use super::oscillations::Columns;
use crate::counts::Counted;
use crate::csv;
use bea_flow::flow::{Beginning, Simulation, Trajectory};
use num_complex::Complex64;
use serde::ser::{Serialize, SerializeMap, Serializer};

/// A row for each step of each trajectory, the start included: `flow,step,t`, the real and imaginary part of
/// every variable, those of the loss, and the distance to the optimizer at the same step (empty where
/// the optimizer has ended). The values of the variables are left out where their names are not given.
pub fn csv(simulation: &Simulation, variables: Option<&[String]>) -> String {
    let variables = variables.unwrap_or_default();
    csv::text(columns(variables), rows(simulation, variables.len()))
}

/// The rows of [`csv`] of several simulations, each after the label of its simulation, in the column `run`.
pub fn csv_of_runs<'a>(
    runs: impl IntoIterator<Item = (&'a str, &'a Simulation)>,
    variables: &[String],
) -> String {
    let names = std::iter::once("run".to_string()).chain(columns(variables));
    let labelled = runs.into_iter().flat_map(|(label, simulation)| {
        rows(simulation, variables.len())
            .map(move |row| std::iter::once(label.to_string()).chain(row))
    });
    csv::text(names, labelled)
}

fn columns(variables: &[String]) -> Vec<String> {
    let mut names: Vec<String> = ["flow", "step", "t"].map(String::from).into();
    for name in variables.iter().map(String::as_str).chain(["loss"]) {
        names.extend(["re", "im"].map(|part| format!("{name}_{part}")));
    }
    names.push("distance".into());
    names
}

/// With the first `parameters` variables of each trajectory.
fn rows(simulation: &Simulation, parameters: usize) -> impl Iterator<Item = Vec<String>> {
    simulation.trajectories().flat_map(move |flow| {
        let distances = simulation.distances(flow);
        flow.t.iter().zip(&flow.theta).enumerate().map(move |(step, (t, theta))| {
            let mut row = vec![flow.name.clone(), step.to_string(), csv::number(*t)];
            for value in theta.iter().take(parameters).chain(&flow.loss[step..=step]) {
                row.extend([value.re, value.im].map(csv::number));
            }
            row.push(
                distances.get(step).map(|distance| csv::number(*distance)).unwrap_or_default(),
            );
            row
        })
    })
}

/// `{"lr": h, "flows": {"gd": {"t": […], "re": [[…],…], "im": [[…],…], "loss": […], "distance": […],
/// "note": null}}}`, with `beginning` where a flow does not simply begin at the start, `oscillations` where a trajectory has one (the columns of
/// [`oscillations_csv`](super::oscillations_csv)), and an entry for each step, the start included. `loss` is the real
/// part, `distance` the one to the optimizer at the steps that both reach. Numbers that are not finite
/// are `null`. `re` and `im`, the variables, are there only with `parameters`.
pub fn json(simulation: &Simulation, parameters: bool) -> String {
    let whole = Whole { simulation, parameters };
    let mut text = serde_json::to_string(&whole).expect("numbers and texts have a form");
    text.push('\n');
    text
}

struct Whole<'a> {
    simulation: &'a Simulation,
    parameters: bool,
}

impl Serialize for Whole<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("lr", &self.simulation.lr)?;
        map.serialize_entry("flows", &Flows(self))?;
        map.serialize_entry("counts", &Counted(self.simulation.counts))?;
        map.end()
    }
}

struct Flows<'a>(&'a Whole<'a>);

impl Serialize for Flows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let trajectories = self.0.simulation.trajectories();
        serializer.collect_map(trajectories.map(|flow| (&flow.name, self.0.entry(flow))))
    }
}

#[derive(serde::Serialize)]
struct Entry<'a> {
    t: &'a [f64],
    #[serde(skip_serializing_if = "Option::is_none")]
    re: Option<Vec<Vec<f64>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    im: Option<Vec<Vec<f64>>>,
    loss: Vec<f64>,
    distance: Vec<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    beginning: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oscillations: Option<Columns<'a>>,
    note: Option<&'a str>,
}

impl Whole<'_> {
    fn entry<'a>(&self, flow: &'a Trajectory) -> Entry<'a> {
        let parts = |part: fn(&Complex64) -> f64| {
            let point = |theta: &Vec<Complex64>| theta.iter().map(part).collect();
            self.parameters.then(|| flow.theta.iter().map(point).collect())
        };
        Entry {
            t: &flow.t,
            re: parts(|z| z.re),
            im: parts(|z| z.im),
            loss: flow.loss.iter().map(|z| z.re).collect(),
            distance: self.simulation.distances(flow),
            beginning: match &flow.beginning {
                Beginning::Start => None,
                Beginning::Effective => Some("effective_start".into()),
                Beginning::Truncated(order) => Some(format!("effective_start to order {order}")),
                Beginning::Settled(steps) => Some(format!("effective_start after {steps} steps")),
                Beginning::Unsettled(reason) => Some(format!("start: {reason}")),
                Beginning::Midpoint => Some("midpoint of the first step".into()),
            },
            oscillations: flow.oscillations.as_ref().map(Columns::of),
            note: flow.note.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bea_flow::objective::Counts;

    fn simulation() -> Simulation {
        let trajectory = |name: &str, last: f64, note: Option<&str>| Trajectory {
            name: name.into(),
            t: vec![0.0, 0.5],
            theta: vec![vec![1.0.into()], vec![Complex64::new(last, 0.25)]],
            loss: vec![2.0.into(), Complex64::new(f64::INFINITY, 1.0)],
            beginning: Beginning::Start,
            note: note.map(Into::into),
            oscillations: None,
            path: Vec::new(),
        };
        let ended = trajectory("a,b", f64::NAN, Some("it \"ended\""));
        let optimizer = trajectory("gd", 3.0, None);
        let counts = Counts { gradients: 7, ..Counts::default() };
        Simulation { lr: 0.5, optimizer, flows: vec![ended], counts }
    }

    /// The optimizer alone.
    fn alone() -> Simulation {
        Simulation { flows: Vec::new(), ..simulation() }
    }

    const COUNTS: &str = "\"counts\":{\"values\":0,\"gradients\":7,\"hessian_vectors\":0,\
                          \"hessians\":0,\"contractions\":0,\"modified_fields\":0}";

    #[test]
    fn json_stays_valid_without_finite_numbers() {
        assert_eq!(
            json(&simulation(), true),
            format!(
                "{{\"lr\":0.5,\"flows\":{{\"gd\":{{\"t\":[0.0,0.5],\"re\":[[1.0],[3.0]],\
                 \"im\":[[0.0],[0.25]],\"loss\":[2.0,null],\"distance\":[0.0,0.0],\"note\":null}},\
                 \"a,b\":{{\"t\":[0.0,0.5],\"re\":[[1.0],[null]],\"im\":[[0.0],[0.25]],\
                 \"loss\":[2.0,null],\"distance\":[0.0,null],\"note\":\"it \\\"ended\\\"\"}}}},\
                 {COUNTS}}}\n"
            )
        );
        assert_eq!(
            json(&alone(), false),
            format!(
                "{{\"lr\":0.5,\"flows\":{{\"gd\":{{\"t\":[0.0,0.5],\"loss\":[2.0,null],\
                 \"distance\":[0.0,0.0],\"note\":null}}}},{COUNTS}}}\n"
            )
        );
    }

    #[test]
    fn csv_has_a_row_a_step() {
        assert_eq!(
            csv(&simulation(), Some(&["x".to_string()])),
            "flow,step,t,x_re,x_im,loss_re,loss_im,distance\n\
             gd,0,0,1,0,2,0,0\n\
             gd,1,0.5,3,0.25,inf,1,0\n\
             \"a,b\",0,0,1,0,2,0,0\n\
             \"a,b\",1,0.5,NaN,0.25,inf,1,NaN\n"
        );
        assert_eq!(
            csv(&alone(), None),
            "flow,step,t,loss_re,loss_im,distance\ngd,0,0,2,0,0\ngd,1,0.5,inf,1,0\n"
        );
    }
}
