//! A tree as given on the command line.

use bea_series::series::VectorField;
use bea_series::tree::Tree;
use miette::miette;
use serde_json::Value;

/// The largest tree that is derived alone: the numbers of its weight grow with its nodes.
const MAX_NODES: usize = 128;

/// Reads `[[],[]]`, or with several fields `{"field": "fx", "children": […]}`, the forms of the
/// JSON output.
pub(super) fn parse(text: &str, fields: &[VectorField]) -> miette::Result<Tree> {
    // Every node has a bracket of its own in both forms.
    let nodes = text.matches('[').count();
    if nodes > MAX_NODES {
        return Err(miette!("the tree has {nodes} nodes; --tree takes up to {MAX_NODES}"));
    }
    if text.trim_start().starts_with('{') {
        let value = serde_json::from_str(text)
            .map_err(|error| miette!(help = example(fields), "`{text}` is not a tree: {error}"))?;
        return node(&value, fields);
    }
    let tree: Tree = text
        .parse()
        .map_err(|error| miette!(help = example(fields), "`{text}` is not a tree: {error}"))?;
    if fields.len() > 1 {
        let names: Vec<&str> = fields.iter().map(|f| f.name.as_str()).collect();
        return Err(miette!(
            help = example(fields),
            "every node needs its field, one of {}",
            names.join(", ")
        ));
    }
    Ok(tree)
}

fn example(fields: &[VectorField]) -> String {
    match fields {
        [_] => "write nested brackets: [] is one node, [[],[]] one node that carries two".into(),
        _ => {
            let leaf = format!("{{\"field\": \"{}\", \"children\": []}}", fields[0].name);
            format!("write nodes like {leaf}, with further nodes between the brackets")
        }
    }
}

fn node(value: &Value, fields: &[VectorField]) -> miette::Result<Tree> {
    let fault = |what: String| miette!(help = example(fields), "{what}");
    let object = value.as_object().ok_or_else(|| fault(format!("{value} is not a node")))?;
    if let Some(other) = object.keys().find(|key| !["field", "children"].contains(&key.as_str())) {
        return Err(fault(format!("a node has no \"{other}\"")));
    }
    let name = object.get("field").and_then(Value::as_str);
    let name = name.ok_or_else(|| fault(format!("{value} has no \"field\"")))?;
    let color = fields
        .iter()
        .position(|f| f.name == name)
        .ok_or_else(|| fault(format!("there is no field \"{name}\"")))?;
    let children = object.get("children").and_then(Value::as_array);
    let children = children.ok_or_else(|| fault(format!("{value} has no \"children\"")))?;
    let children = children.iter().map(|c| node(c, fields)).collect::<miette::Result<_>>()?;
    Ok(Tree::new(color as u8, children))
}
