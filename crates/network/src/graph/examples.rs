//! Graphs of some of their examples: which constants have rows of examples, and how attributes follow their number.

use super::format::from_object;
use super::operation::Operation;
use super::{Constant, Graph, GraphError, Node, shape};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What `graph.json` says of examples.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Examples {
    /// The graph is of all of them only, and why.
    Refused {
        refused: String,
    },
    Known(Known),
}

impl Examples {
    /// What an object says.
    ///
    /// # Errors
    /// The entry that is wrong.
    pub(super) fn read(said: Value) -> Result<Examples, String> {
        let examples = match said.get("refused") {
            Some(Value::String(refused)) => Ok(Examples::Refused { refused: refused.clone() }),
            Some(other) => Err(format!("its `refused` is {other}, and not a reason")),
            None => from_object(said).map(Examples::Known),
        };
        examples.map_err(|cause| format!("`examples`: {cause}"))
    }
}

/// How a graph follows its examples.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Known {
    /// How many examples its constants hold.
    count: usize,
    /// The axis of each constant along which examples lie, each with as many entries.
    axes: BTreeMap<String, usize>,
    /// How far the positions are apart that a constant has of an example and of the next, where it has positions of examples.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    steps: BTreeMap<String, f64>,
    /// Another number of examples.
    other: usize,
    /// The operations that differ with so many, by the numbers of their nodes.
    nodes: Vec<(usize, Value)>,
}

/// A number that follows that of the examples, from what it is for two of them: whole ones by a straight line, others in
/// proportion to it or to its inverse.
fn number(a: &Value, b: &Value, [n, m, count]: [usize; 3]) -> Option<Value> {
    if let (Some(a), Some(b)) = (a.as_i64(), b.as_i64()) {
        let [n, m, count] = [n, m, count].map(|count| count as i128);
        let (rise, run) = ((i128::from(b) - i128::from(a)) * (count - n), m - n);
        let value = (rise % run == 0).then(|| i128::from(a) + rise / run)?;
        return i64::try_from(value).ok().map(Value::from);
    }
    let (a, b) = (a.as_f64()?, b.as_f64()?);
    let [n, m, count] = [n, m, count].map(|count| count as f64);
    let same = |x: f64, y: f64| (x - y).abs() <= 1e-12 * x.abs();
    if same(a * n, b * m) {
        return Some((a * n / count).into());
    }
    same(a / n, b / m).then(|| (a / n * count).into())
}

/// Attributes for `count` examples from those for `n` and for `m`.
fn between(a: &Value, b: &Value, counts: [usize; 3]) -> Option<Value> {
    match (a, b) {
        _ if a == b => Some(a.clone()),
        (Value::Number(_), Value::Number(_)) => number(a, b, counts),
        (Value::Array(x), Value::Array(y)) if x.len() == y.len() => x
            .iter()
            .zip(y)
            .map(|(x, y)| between(x, y, counts))
            .collect::<Option<_>>()
            .map(Value::Array),
        (Value::Object(x), Value::Object(y)) if x.len() == y.len() => {
            let entry =
                |(key, x): (&String, &Value)| Some((key.clone(), between(x, y.get(key)?, counts)?));
            x.iter().map(entry).collect::<Option<Map<_, _>>>().map(Value::Object)
        }
        _ => None,
    }
}

impl Constant {
    /// Some of the `count` examples along an axis. What it has of each are positions that are `step` apart.
    fn rows(&self, axis: usize, count: usize, step: f64, rows: &[usize]) -> Constant {
        let each = self.shape[axis] / count;
        let row = each * self.shape[axis + 1..].iter().product::<usize>();
        let mut shape = self.shape.clone();
        shape[axis] = each * rows.len();
        let blocks = self.values.chunks_exact(row * count);
        let values = blocks.flat_map(|block| {
            rows.iter().enumerate().flat_map(move |(place, at)| {
                let moved = step * (place as f64 - *at as f64);
                block[at * row..(at + 1) * row].iter().map(move |x| x + moved)
            })
        });
        Constant { values: Arc::new(values.collect()), shape }
    }
}

impl Graph {
    /// How many examples it has, where it can be evaluated on some of them.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn examples(&self) -> Result<usize, &str> {
        match &self.examples {
            Some(Examples::Known(known)) => Ok(known.count),
            Some(Examples::Refused { refused }) => Err(refused),
            None => Err("it does not say which of its constants are examples"),
        }
    }

    /// The loss of some of its examples, by their numbers from 0, of which some may be there twice. What a mean over the
    /// examples is in the graph is one over these.
    ///
    /// # Errors
    /// The graph is one of all examples alone; an operation that does not follow their number.
    ///
    /// # Panics
    /// If there is no such example, or none is asked for.
    pub fn subset(&self, rows: &[usize]) -> Result<Graph, GraphError> {
        Ok(self.with_rows(self.of_count(rows.len())?, rows))
    }

    /// The graph of so many examples, without their values.
    ///
    /// # Errors
    /// Those of [`subset`](Self::subset).
    ///
    /// # Panics
    /// If there are none.
    pub(crate) fn of_count(&self, count: usize) -> Result<Graph, GraphError> {
        assert!(count > 0, "examples of the graph");
        let known = match (&self.examples, self.examples()) {
            (Some(Examples::Known(known)), _) => known,
            (_, cause) => {
                let cause = cause.err().unwrap_or_default().to_string();
                return Err(GraphError::Examples { graph: self.layout.name.clone(), cause });
            }
        };
        let mut some = Graph { examples: None, ..self.clone() };
        some.nodes = Arc::new(self.nodes_of(known, count)?);
        for (name, axis) in &known.axes {
            if let Some(constant) = some.constants.get_mut(name) {
                constant.shape[*axis] = constant.shape[*axis] / known.count * count;
                constant.values = Arc::default();
            }
        }
        Ok(some)
    }

    /// The graph `some` of as many examples with the values of these of its own.
    ///
    /// # Panics
    /// If there is no such example.
    pub(crate) fn with_rows(&self, mut some: Graph, rows: &[usize]) -> Graph {
        if let Some(Examples::Known(known)) = &self.examples {
            assert!(rows.iter().all(|at| *at < known.count), "examples of the graph");
            for (name, axis) in &known.axes {
                if let Some(constant) = some.constants.get_mut(name) {
                    let step = known.steps.get(name).copied().unwrap_or(0.0);
                    *constant = self.constants[name].rows(*axis, known.count, step, rows);
                }
            }
        }
        some
    }

    /// The constants that are data: those with examples, where the graph says which.
    pub(crate) fn data(&self) -> Vec<&str> {
        match &self.examples {
            Some(Examples::Known(known)) => known.axes.keys().map(String::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// The values of a constant.
    pub(crate) fn values_of(&self, name: &str) -> Vec<f64> {
        self.constants[name].values()
    }

    /// The same, which says how it follows its examples: as one of another number of examples of the same layers differs from
    /// it. They lie along the first axis of the constants `data`.
    pub(super) fn following(
        mut self,
        count: usize,
        (other, fewer): (usize, &Graph),
        data: &[&str],
    ) -> Graph {
        let pairs = self.nodes.iter().zip(fewer.nodes.iter()).enumerate();
        let nodes = pairs
            .filter(|(_, (one, other))| one.operation != other.operation)
            .map(|(index, (_, other))| {
                (index, serde_json::to_value(&other.operation).unwrap_or_default())
            })
            .collect();
        let axes = data.iter().map(|name| (name.to_string(), 0)).collect();
        let steps = BTreeMap::new();
        self.examples = Some(Examples::Known(Known { count, axes, steps, other, nodes }));
        self
    }

    /// The nodes for so many examples.
    fn nodes_of(&self, known: &Known, count: usize) -> Result<Vec<Node>, GraphError> {
        let others: BTreeMap<usize, &Value> =
            known.nodes.iter().map(|(index, other)| (*index, other)).collect();
        let mut nodes: Vec<Node> = Vec::with_capacity(self.nodes.len());
        for (index, node) in self.nodes.iter().enumerate() {
            let help = "it is evaluated on all examples alone: leave out `batch`";
            let fault = |cause: String| self.fault(index, cause, help.into());
            let operation = match others.get(&index) {
                None => node.operation.clone(),
                Some(other) => {
                    let counts = [known.count, known.other, count];
                    node.operation.follow(other, counts).ok_or_else(|| {
                        fault("its attributes do not follow the number of examples".into())
                    })?
                }
            };
            let mut shape = node.shape.clone();
            match &operation {
                Operation::Parameter { .. } => {}
                Operation::Constant { name } => {
                    if let Some(&axis) = known.axes.get(name) {
                        shape[axis] = shape[axis] / known.count * count;
                    }
                }
                operation => {
                    let shapes: Vec<&[usize]> =
                        node.args.iter().map(|arg| nodes[*arg].shape.as_slice()).collect();
                    shape = shape::infer(operation, &shapes)
                        .map_err(|cause| fault(format!("of {count} examples, {cause}")))?;
                }
            }
            nodes.push(Node { operation, shape, ..node.clone() });
        }
        Ok(nodes)
    }

    /// Checks what is said of examples: that a graph of the other number of them is one.
    pub(super) fn check_examples(&self) -> Result<(), GraphError> {
        let Some(Examples::Known(known)) = &self.examples else { return Ok(()) };
        let error =
            |cause: String| GraphError::Description { file: self.file.clone(), cause, help: None };
        if known.other == 0 || known.other >= known.count {
            let cause = format!("its `examples` have `other` = {} of {}", known.other, known.count);
            return Err(error(cause));
        }
        for (name, axis) in &known.axes {
            let size = self.constants.get(name).and_then(|constant| constant.shape.get(*axis));
            if !size.is_some_and(|size| size.is_multiple_of(known.count)) {
                let cause = format!(
                    "its `examples` name an axis {axis} of `{name}`, which has none of {} examples",
                    known.count
                );
                return Err(error(cause));
            }
        }
        if let Some(node) =
            known.nodes.iter().map(|(node, _)| node).find(|node| **node >= self.nodes.len())
        {
            return Err(error(format!("its `examples` name the node {node}, which is not there")));
        }
        let step =
            |(name, step): &(&String, &f64)| known.axes.contains_key(*name) && step.fract() == 0.0;
        if let Some((name, step)) = known.steps.iter().find(|entry| !step(entry)) {
            let cause = format!(
                "its `examples` have a step {step} of `{name}`; positions of examples in a constant with an axis are whole numbers apart"
            );
            return Err(error(cause));
        }
        if known.axes.is_empty() {
            return Err(error("its `examples` name no constant that has any".into()));
        }
        self.nodes_of(known, known.other).map(drop)
    }
}

impl Operation {
    /// With attributes between its own and those of `other`.
    fn follow(&self, other: &Value, counts: [usize; 3]) -> Option<Operation> {
        let own = serde_json::to_value(self).ok()?;
        // Attributes that are left out are the usual ones.
        let other: Operation = serde_json::from_value(other.clone()).ok()?;
        let other = serde_json::to_value(other).ok()?;
        serde_json::from_value(between(&own, &other, counts)?).ok()
    }
}
