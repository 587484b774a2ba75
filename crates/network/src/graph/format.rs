//! The folder of a graph: `graph.json` and `tensors.safetensors`.

use super::examples::Examples;
use super::operation::{NAMES, Operation};
use super::{Constant, Graph, GraphError, Node, shape};
use crate::architecture::{Dtype, Layout, Parameter, Role};
use crate::weights::{Declared, PREFIX, Tensor, load_with_constants, save, tensors};
use bea_series::text::near;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

/// The file of the tensors, beside the description.
pub(super) const TENSORS: &str = "tensors.safetensors";

/// The description.
const DESCRIPTION: &str = "graph.json";

/// The version of the format.
const VERSION: u64 = 1;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    #[serde(rename = "bea_graph")]
    _version: u64,
    #[serde(default)]
    producer: String,
    dtype: Precision,
    parameters: Vec<Declared>,
    #[serde(default)]
    constants: Vec<Declared>,
    nodes: Vec<Map<String, Value>>,
    loss: usize,
    #[serde(default)]
    examples: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Precision {
    F32,
    F64,
}

/// Reads the folder of a graph.
pub(super) fn read(folder: &Path) -> Result<Graph, GraphError> {
    let file = folder.join(DESCRIPTION);
    let text = std::fs::read_to_string(&file).map_err(|cause| GraphError::Io {
        file: file.clone(),
        cause: cause.to_string(),
        help: Some("a graph is a folder with graph.json and tensors.safetensors".into()),
    })?;
    let mut graph = parse(&file, &text)?;
    Arc::make_mut(&mut graph.layout).name = folder.display().to_string();
    let tensors = folder.join(TENSORS);
    let constants = graph.constants.iter();
    let declared: Vec<Declared> = constants
        .map(|(name, constant)| Declared { name: name.clone(), shape: constant.shape.clone() })
        .collect();
    let (initial, values) = load_with_constants(&tensors, &graph.layout, &declared)?;
    graph.initial = Arc::new(initial);
    for (constant, values) in graph.constants.values_mut().zip(values) {
        constant.values = Arc::new(values);
    }
    Ok(graph)
}

/// Writes the folder of a graph.
pub(super) fn write(graph: &Graph, folder: &Path) -> Result<(), GraphError> {
    let error = |file: &Path| {
        let file = file.to_path_buf();
        move |cause: std::io::Error| GraphError::Io { file, cause: cause.to_string(), help: None }
    };
    std::fs::create_dir_all(folder).map_err(error(folder))?;
    let constants = graph.constants.iter().map(|(name, constant)| {
        let (shape, values) = (constant.shape.clone(), constant.values.to_vec());
        Tensor { name: format!("{PREFIX}{name}"), shape, values }
    });
    let mut all = tensors(&graph.layout, &graph.initial, "");
    all.extend(constants);
    save(&folder.join(TENSORS), &all, Dtype::F64)?;
    let declared = |name: &str, shape: &[usize]| json!({ "name": name, "shape": shape });
    let node = |node: &Node| {
        let mut object = serde_json::to_value(&node.operation).unwrap_or_default();
        if !node.args.is_empty() {
            object["args"] = json!(node.args);
        }
        if let Some(at) = &node.at {
            object["at"] = json!(at);
        }
        object
    };
    let parameters = graph.layout.parameters.iter();
    let mut text = json!({
        "bea_graph": VERSION,
        "producer": graph.producer,
        "dtype": if graph.layout.dtype == Dtype::F32 { "f32" } else { "f64" },
        "parameters": parameters.map(|p| declared(&p.name, &p.shape)).collect::<Vec<_>>(),
        "constants": graph.constants.iter().map(|(n, c)| declared(n, &c.shape)).collect::<Vec<_>>(),
        "nodes": graph.nodes.iter().map(node).collect::<Vec<_>>(),
        "loss": graph.loss,
    });
    if let Some(examples) = &graph.examples {
        text["examples"] = json!(examples);
    }
    let file = folder.join(DESCRIPTION);
    bea_series::text::file::replace(&file, |out| out.write_all(text.to_string().as_bytes()))
        .map_err(error(&file))
}

/// A graph without the values of its tensors.
pub(super) fn parse(file: &Path, text: &str) -> Result<Graph, GraphError> {
    let error = |cause: String, help: Option<String>| GraphError::Description {
        file: file.into(),
        cause,
        help,
    };
    let value: Value = serde_json::from_str(text)
        .map_err(|cause| error(format!("this is no complete JSON ({cause})"), None))?;
    match value.get("bea_graph").map(Value::as_u64) {
        Some(Some(VERSION)) => {}
        None => {
            let help = format!("it says \"bea_graph\": {VERSION}");
            return Err(error("this is no graph of bea".into(), Some(help)));
        }
        Some(_) => {
            let cause = format!("this is version {} of the format", value["bea_graph"]);
            return Err(error(cause, Some(format!("this bea reads version {VERSION}"))));
        }
    }
    let description: Description = from_object(value).map_err(|cause| error(cause, None))?;
    let layout = layout(&description, file).map_err(|cause| error(cause, None))?;
    let mut constants = BTreeMap::new();
    for Declared { name, shape } in &description.constants {
        let values = Arc::default();
        if size(shape).is_none() {
            return Err(error(format!("the constant `{name}` is {shape:?}"), None));
        }
        if constants.insert(name.clone(), Constant { shape: shape.clone(), values }).is_some() {
            return Err(error(format!("two constants are called `{name}`"), None));
        }
    }
    let parameters: HashMap<&str, &Parameter> =
        layout.parameters.iter().map(|p| (p.name.as_str(), p)).collect();
    let mut nodes: Vec<Node> = Vec::with_capacity(description.nodes.len());
    for map in description.nodes {
        nodes.push(node(file, map, &nodes, &parameters, &constants)?);
    }
    let loss = description.loss;
    let Some(last) = nodes.get(loss) else {
        return Err(error(format!("`loss` is {loss}, but there are {} nodes", nodes.len()), None));
    };
    let wrong = |cause: String, help: &str| GraphError::Node {
        file: file.into(),
        node: loss,
        operation: last.operation.name().into(),
        at: last.at.as_deref().map(Into::into),
        cause: cause.into(),
        help: Some(help.into()),
    };
    if last.shape.iter().product::<usize>() != 1 {
        let cause = format!("it is the loss, but has the shape {:?}", last.shape);
        return Err(wrong(cause, "a loss is one number: take its mean or sum"));
    }
    if !last.varies {
        let cause = "it is the loss, but depends on no parameter".into();
        return Err(wrong(cause, "were the parameters fixed as constants?"));
    }
    nodes[loss].needed = true;
    for index in (0..=loss).rev() {
        if nodes[index].needed {
            for arg in nodes[index].args.clone() {
                nodes[arg].needed = true;
            }
        }
    }
    drop(parameters);
    let producer = description.producer;
    let examples = description.examples.map(Examples::read).transpose();
    let examples = examples.map_err(|cause| error(cause, None))?;
    let (initial, ends) = (Arc::default(), Vec::new());
    let (file, layout, nodes) = (file.into(), Arc::new(layout), Arc::new(nodes));
    let graph = Graph { file, producer, layout, initial, constants, nodes, loss, ends, examples };
    graph.check_examples()?;
    Ok(graph)
}

/// The number of entries, if there are any and not too many.
fn size(shape: &[usize]) -> Option<usize> {
    let size = shape.iter().try_fold(1usize, |size, axis| size.checked_mul(*axis))?;
    (1..=1 << 31).contains(&size).then_some(size)
}

/// What an object says; an error names the entry that is wrong: one without which there is none, or another one.
pub(super) fn from_object<T: serde::de::DeserializeOwned>(object: Value) -> Result<T, String> {
    let read =
        |object: Value| serde_json::from_value::<T>(object).map_err(|cause| cause.to_string());
    read(object.clone()).map_err(|cause| {
        if cause.starts_with("missing field") {
            return cause;
        }
        let without = |key: &String| {
            let mut rest = object.clone();
            rest.as_object_mut().and_then(|rest| rest.remove(key));
            read(rest).err()
        };
        let keys = || object.as_object().into_iter().flat_map(Map::keys).filter(|key| *key != "op");
        let alone = keys().find(|key| without(key).is_none());
        match alone.or_else(|| keys().find(|key| without(key).as_ref() != Some(&cause))) {
            Some(key) if !cause.contains(&format!("`{key}`")) => format!("its `{key}`: {cause}"),
            _ => cause,
        }
    })
}

fn layout(description: &Description, file: &Path) -> Result<Layout, String> {
    let mut parameters: Vec<Parameter> = Vec::with_capacity(description.parameters.len());
    let mut offset = 0usize;
    let mut names = std::collections::HashSet::new();
    for Declared { name, shape } in &description.parameters {
        if !names.insert(name) {
            return Err(format!("two parameters are called `{name}`"));
        }
        let size = size(shape).ok_or_else(|| format!("the parameter `{name}` is {shape:?}"))?;
        let shape = shape.clone();
        parameters.push(Parameter { name: name.clone(), shape, offset, role: Role::Given });
        offset = offset.saturating_add(size);
        if offset > 1 << 31 {
            return Err(format!("with `{name}` there are more than 2^31 parameters"));
        }
    }
    if parameters.is_empty() {
        return Err("the graph has no parameters".into());
    }
    let dtype = match description.dtype {
        Precision::F32 => Dtype::F32,
        Precision::F64 => Dtype::F64,
    };
    let (name, aliases) = (file.display().to_string(), BTreeMap::new());
    Ok(Layout { name, dtype, parameters, aliases })
}

/// One node after the others.
fn node(
    file: &Path,
    mut map: Map<String, Value>,
    before: &[Node],
    parameters: &HashMap<&str, &Parameter>,
    constants: &BTreeMap<String, Constant>,
) -> Result<Node, GraphError> {
    let (at, no_text) = match map.remove("at") {
        Some(Value::String(at)) => (Some(at), None),
        other => (None, other),
    };
    let name = match map.get("op") {
        Some(Value::String(name)) => name.clone(),
        _ => String::new(),
    };
    let error = |cause: String, help: Option<String>| GraphError::Node {
        file: file.into(),
        node: before.len(),
        operation: name.as_str().into(),
        at: at.as_deref().map(Into::into),
        cause: cause.into(),
        help: help.map(Into::into),
    };
    if name.is_empty() {
        let help = "as in {\"op\": \"tanh\", \"args\": [0]}";
        return Err(error("it has no `op`, the name of its operation".into(), Some(help.into())));
    }
    if let Some(found) = no_text {
        let help = "it is the line of the program that made the node, a text, or is left out";
        return Err(error(format!("its `at` is {found}"), Some(help.into())));
    }
    if !NAMES.contains(&name.as_str()) {
        let help = near::advice(&name, &NAMES);
        return Err(error("bea has no such operation".into(), help));
    }
    let args: Vec<usize> = match map.remove("args") {
        None => Vec::new(),
        Some(args) => serde_json::from_value(args)
            .map_err(|cause| error(format!("`args` are not numbers of nodes: {cause}"), None))?,
    };
    let given = Value::Object(map);
    let operation: Operation = from_object(given.clone()).map_err(|cause| error(cause, None))?;
    let known = serde_json::to_value(&operation).map_err(|cause| error(cause.to_string(), None))?;
    let known_keys: Vec<&str> =
        known.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
    for (key, _) in given.as_object().into_iter().flatten() {
        let optional = name == "clamp" && ["min", "max"].contains(&key.as_str());
        if !known_keys.contains(&key.as_str()) && !optional {
            return Err(error(
                format!("it has no attribute `{key}`"),
                near::advice(key, &known_keys),
            ));
        }
    }
    if let Some(arg) = args.iter().find(|arg| **arg >= before.len()) {
        return Err(error(
            format!("its argument {arg} is no earlier node"),
            Some("nodes stand after their arguments".into()),
        ));
    }
    let (least, most) = operation.arity();
    if !(least..=most).contains(&args.len()) {
        let wanted = match (least, most) {
            (1, usize::MAX) => "one argument or more".into(),
            (1, _) => "1 argument".into(),
            (n, _) => format!("{n} arguments"),
        };
        return Err(error(format!("it takes {wanted}, not {}", args.len()), None));
    }
    let lacks = |kind: &str, name: &str, known: Vec<&str>| {
        error(format!("there is no {kind} `{name}`"), near::advice(name, &known))
    };
    let shape = match &operation {
        Operation::Parameter { name } => match parameters.get(name.as_str()) {
            Some(parameter) => parameter.shape.clone(),
            None => return Err(lacks("parameter", name, parameters.keys().copied().collect())),
        },
        Operation::Constant { name } => match constants.get(name) {
            Some(constant) => constant.shape.clone(),
            None => {
                return Err(lacks(
                    "constant",
                    name,
                    constants.keys().map(String::as_str).collect(),
                ));
            }
        },
        operation => {
            let shapes: Vec<&[usize]> =
                args.iter().map(|arg| before[*arg].shape.as_slice()).collect();
            shape::infer(operation, &shapes).map_err(|cause| error(cause, None))?
        }
    };
    let varies = matches!(operation, Operation::Parameter { .. })
        || args.iter().any(|arg| before[*arg].varies);
    Ok(Node { operation, args, at, shape, varies, needed: false })
}
